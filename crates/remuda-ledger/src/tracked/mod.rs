//! What experiments log: rows that change while a run goes on, and that can be deleted. Facts beside them say who did what.
//!
//! - [`Tracker`] (`writer.rs`): one writer task for a product, which commits whatever waits at once (one flush to the disk for many callers)
//! - `import.rs`, `adopt.rs`: whole runs and experiments that come from elsewhere
//! - `traces/`: traces with spans and assessments
//! - `experiments.rs`, `runs.rs`, `log.rs`, `inputs.rs`: changes and reads; `search.rs` turns a filter into SQL, `ordered.rs` walks a metric's index, `groups.rs` counts
//! - `block.rs`: metric points as bytes; `fold.rs`: from the journal of calls to parts by metric; `history.rs`: back
//! - `project.rs`: runs whose facts tell everything, taken over into the same tables
//! - `artifacts.rs`: the tree of files; `loose.rs`: blobs that no file holds; `collect.rs`: what was deleted goes for good
//! - `delivery.rs`: records of spools, each carried out once
//! - `document.rs`: what a run logged but for history, in one row
//! - `models/`: logged models; registered models, their versions and aliases

mod adopt;
mod artifacts;
mod block;
mod collect;
mod delivery;
mod document;
mod experiments;
mod fold;
mod groups;
mod history;
mod import;
mod inputs;
mod log;
mod loose;
mod models;
mod ordered;
mod project;
mod refusal;
mod runs;
mod search;
mod traces;
mod writer;

pub use artifacts::{Artifact, ArtifactContent, ArtifactEntry, ArtifactPlace, SMALL_ARTIFACT};
pub use collect::{DeletedRun, Room, VersionOrigin};
pub use delivery::SpoolRecord;
pub use groups::{Grouped, RunCount, RunGroup};
pub use history::{HistoryPage, HistoryPlace};
pub use import::{ImportedRun, PackedPoints, RunImport, RunNews};
pub use log::Batch;
pub use loose::Freed;
pub use models::{
    FactsOf, LoggedChange, LoggedFound, LoggedOrder, LoggedSearch, ModelAnswer, ModelChange, NewLoggedModel,
    NewRegisteredModel, NewVersion, OrderPlace, RegistrySearch, VersionChange,
};
pub use project::Told;
pub use refusal::Refusal;
pub use runs::{NewRun, RunChange};
pub use search::{Found, RunOrder, RunSearch};
pub use traces::{FoundTraces, TracePlace, TraceSearch};
pub use writer::Tracker;
