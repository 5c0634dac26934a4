//! The ledger: facts in a hash chain, bulk tables beside them, and blobs. Only this crate knows SQL.
//!
//! A reader's map:
//! - [`Ledger`] (`open.rs`, `sqlite.rs`) opens SQLite or PostgreSQL and brings the tables up to date (`migrations/`).
//! - [`Ledger::append`] (`append.rs`) is the only way in for facts, definitions and bulk rows: one transaction.
//! - `facts.rs` reads facts and their links; `definitions.rs` the definition texts.
//! - `bulk.rs` says how bulk rows enter the chain; `metrics.rs`, `predictions.rs` and `outcomes.rs` read them.
//! - `verify.rs` walks the chain and finds what was tampered with; `write_ahead.rs` finds what SQLite would forget.
//! - [`Tracker`] (`tracked/`) keeps what experiments log: rows that change and can be deleted.
//! - [`ForeignDatabase`] (`foreign/`) reads MLflow's own database, for an import.
//! - `tokens.rs` and `leases.rs` hold the two tables that are no facts and may change.
//! - [`Blobs`] (`blobs/`) keeps content by its BLAKE3 digest, on local disk or an object store.
//! - `engine.rs` is the seam between the two databases: everything above it is written once.
//!
//! Nothing here makes ids, reads a clock, prints, or knows what a fact means.

mod append;
mod blobs;
mod bulk;
mod definitions;
mod engine;
mod error;
mod facts;
mod foreign;
mod leases;
mod metrics;
mod open;
mod outcomes;
mod predictions;
mod sqlite;
mod tally;
mod tokens;
mod tracked;
mod verify;
mod write_ahead;

pub use append::{Append, Appended};
pub use blobs::{BlobProblem, BlobWriter, Blobs};
pub use bulk::{
    BULK_METRIC_POINTS, BULK_OUTCOMES, BULK_PREDICTIONS, MetricPoint, OutcomeRecord, SEALED_METRIC_POINTS,
    digest_metric_points, digest_outcomes, digest_predictions,
};
pub use definitions::Definition;
pub use error::Error;
pub use facts::FactQuery;
pub use foreign::ForeignDatabase;
pub use leases::Lease;
pub use open::{Ledger, Options};
pub use outcomes::{ConfusionCount, Joined};
pub use predictions::{LabelCount, Window};
pub use tally::{MINUTE, ReleaseCount, Traffic};
pub use tokens::Token;
pub use tracked::*;
pub use verify::{Problem, VerifyReport};
