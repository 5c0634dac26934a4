//! The gate: criteria, verdicts, and what an undecided one costs.
//!
//! [`criterion`] holds the language of acceptance criteria as data, [`parse`] reads it, [`print`] writes it back
//! and says it in plain words; [`verdict`] is what an evaluation answers. No statistics here: those are numbers
//! (remuda-stats), joined to criteria by the application.

pub mod criterion;
pub mod verdict;

pub use criterion::Criterion;
pub use verdict::{Price, Reason, Verdict, VerdictKind};
