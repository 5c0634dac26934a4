//! remuda-web
