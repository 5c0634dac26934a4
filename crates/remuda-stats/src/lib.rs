//! remuda-stats
