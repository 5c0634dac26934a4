//! remuda-serve
