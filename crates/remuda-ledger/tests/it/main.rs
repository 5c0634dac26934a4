//! The ledger's stories. Each runs on SQLite, and on PostgreSQL where `REMUDA_TEST_POSTGRES` names a server
//! (`.ci/with-postgres` starts one). What a function does alone is tested beside it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

mod append;
mod artifacts;
mod blobs;
mod bulk;
mod collect;
mod damage;
mod harness;
mod import;
mod limits;
mod models;
mod processes;
mod reading;
mod tables;
mod traces;
mod tracked;
mod verify;
