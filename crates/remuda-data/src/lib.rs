//! remuda-data
