//! remuda
fn main() {}
