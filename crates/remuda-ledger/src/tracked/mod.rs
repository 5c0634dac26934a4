//! What experiments log: rows that change while a run goes on, and that can be deleted. Facts beside them say who did what.
//!
//! - [`Tracker`] (`writer.rs`): one writer task for a product, which commits whatever waits at once (one flush to the disk for many callers)
//! - `experiments.rs`, `runs.rs`, `log.rs`, `inputs.rs`: changes and reads; `search.rs` turns a filter into SQL
//! - `block.rs`: metric points as bytes; `fold.rs`: from the journal of calls to parts by metric; `history.rs`: back
//! - `delivery.rs`: records of spools, each carried out once
//! - `document.rs`: what a run logged but for history, in one row

mod block;
mod delivery;
mod document;
mod experiments;
mod fold;
mod history;
mod inputs;
mod log;
mod refusal;
mod runs;
mod search;
mod writer;

pub use delivery::SpoolRecord;
pub use history::{HistoryPage, HistoryPlace};
pub use log::Batch;
pub use refusal::Refusal;
pub use runs::{NewRun, RunChange};
pub use search::{Found, RunOrder, RunSearch};
pub use writer::Tracker;
