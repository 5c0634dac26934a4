//! The application's stories, told in process by the members of a team. Each runs on SQLite, and on PostgreSQL where
//! `REMUDA_TEST_POSTGRES` names a server (`.ci/with-postgres` starts one). What a function does alone is tested
//! beside it; the terminal and the server have their own stories.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod analysis;
mod crashes;
mod data;
mod decisions;
mod gate;
mod harness;
mod ledger;
mod live;
mod model;
mod registry;
mod release;
mod run;
mod slices;
mod uses;
