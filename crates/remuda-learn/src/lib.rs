//! remuda-learn
