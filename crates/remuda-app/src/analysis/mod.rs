//! The analysis of mistakes: where a candidate fails, on which rows, and whether that can be believed.
//!
//! It reads validation rows unless the holdout is asked for, which is a look at its rows and charged as one
//! ([`judged`]). Nothing here decides a criterion: that is the gate's.

#[expect(dead_code, reason = "its verbs follow")]
pub(crate) mod judged;
mod test;
mod test_failure;
pub(crate) mod test_run;
pub(crate) mod test_tally;

pub use test::{
    Answered, CapabilityRow, DefinedTests, Failure, MatrixCell, PassRate, ShowTests, Test, TestResult, TestState, Tested,
    TestedFile,
};
