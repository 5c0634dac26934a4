//! Registered models as MLflow's clients know them: names, numbered versions, aliases, stages, tags.
//!
//! - `models.rs`: a registered model; `versions.rs`: its versions; `aliases.rs`: aliases and stages
//! - `candidate.rs`: how a version becomes a model version; `list.rs`: what the terminal and pages show
//! - `source.rs`: where a version says it came from, and where its files therefore lie
//!
//! A version whose files hold an ONNX model becomes a model version like every other. Registering, moving an alias and
//! deleting are facts; tags and descriptions are not.

mod aliases;
mod candidate;
mod list;
mod models;
mod source;
mod versions;

pub(crate) use aliases::{follow, followed};
pub use list::{Registered, RegisteredEntry, RegisteredModels};
pub use models::Found;
pub use remuda_ledger::{OrderPlace, RegistrySearch};
pub use source::{Source, read_stage};
pub use versions::Register;

/// The subject of facts about a version.
pub(crate) fn subject(model: &str, version: i64) -> String {
    format!("{model}/{version}")
}
