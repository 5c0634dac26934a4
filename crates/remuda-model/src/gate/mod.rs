//! The gate: criteria, verdicts, and what an undecided one costs.
//!
//! [`criterion`] holds the language of acceptance criteria as data, [`parse`](mod@parse) reads it, [`mod@print`] writes it
//! back, [`words`](mod@words) says it in plain words, [`lint`](mod@lint) doubts it, [`grammar`](mod@grammar) describes
//! it to editors; [`metrics`] is the table they all read; [`verdict`] is what an evaluation answers. No statistics here:
//! those are numbers (remuda-stats), joined to criteria by the application.

pub mod bound;
pub mod criterion;
mod cursor;
pub mod grammar;
pub mod lint;
pub mod metrics;
pub mod parse;
pub mod print;
#[cfg(test)]
mod tests;
pub mod verdict;
pub mod words;

pub use criterion::Criterion;
pub use grammar::{Grammar, grammar};
pub use lint::lint;
pub use parse::{CriterionError, parse};
pub use verdict::{Price, Reason, Verdict, VerdictKind, Waiver};
pub use words::words;
