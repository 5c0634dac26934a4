//! The analysis of mistakes: where a candidate fails, on which rows, and whether that can be believed.
//!
//! It reads validation rows unless the holdout is asked for, which is a look at its rows and charged as one
//! ([`judged`]). Nothing here decides a criterion: that is the gate's.

#[expect(dead_code, reason = "its verbs follow")]
pub(crate) mod judged;
mod test;
mod test_answer;
mod test_failure;
mod test_judge;
pub(crate) mod test_run;
pub(crate) mod test_tally;

pub use test::{ShowTests, Test};
pub use test_answer::{
    Answered, CapabilityRow, DefinedTests, Failure, MatrixCell, PassRate, TestResult, TestState, Tested, TestedFile,
};
