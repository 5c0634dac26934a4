//! Pages of `analysis`, one file per verb.

pub mod test;
