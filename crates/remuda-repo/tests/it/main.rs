//! Stories about the team's repository: definition files good and bad, what is written and read back, and git.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod archive;
mod bad_behaviour;
mod bad_contract;
mod bad_product;
mod bad_requirement;
mod bad_run;
mod damage;
mod files;
mod git;
mod render;
mod support;
