//! remuda-repo
