//! remuda-app
