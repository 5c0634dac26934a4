//! What another tracking server's store holds: experiments and runs on their way in. Times are milliseconds since 1970.

use super::tracked::{Input, ModelUse, Stage, TrackedStatus};
use crate::Digest;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An experiment of another store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignExperiment {
    /// Its id there.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether it was deleted.
    pub stage: Stage,
    /// When it was made.
    pub created: i64,
    /// When it was last changed.
    pub updated: i64,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// A run of another store, but for the points of its metrics.
#[derive(Clone, Debug, PartialEq)]
pub struct ForeignRun {
    /// Its id.
    pub id: String,
    /// The id of its experiment there.
    pub experiment: String,
    /// Its name; empty when it has none.
    pub name: String,
    /// Who ran it.
    pub actor: String,
    /// Where it stands.
    pub status: TrackedStatus,
    /// When it began.
    pub started: i64,
    /// When it ended.
    pub ended: Option<i64>,
    /// Whether it was deleted.
    pub stage: Stage,
    /// When it was deleted.
    pub deleted: Option<i64>,
    /// Where its artifacts lie.
    pub artifacts: String,
    /// Its parameters.
    pub parameters: BTreeMap<String, String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// The datasets that it read.
    pub inputs: Vec<Input>,
    /// Logged models that it read.
    pub model_inputs: Vec<ModelUse>,
    /// Logged models that it made.
    pub model_outputs: Vec<ModelUse>,
    /// Its metrics, each with a number that grows with its history: points in a database, bytes in a file.
    pub sizes: BTreeMap<String, u64>,
}

impl ForeignRun {
    /// What of it tells, at the next import, whether it has changed there.
    pub fn state(&self) -> ImportState {
        let inputs = self
            .inputs
            .iter()
            .map(|input| (&input.name, &input.digest, &input.context, &input.tags, &input.source_type, &input.source));
        let models = |uses: &[ModelUse]| uses.iter().map(|one| (one.model.clone(), one.step)).collect::<Vec<_>>();
        let logged = serde_json::json!([
            self.parameters,
            self.tags,
            inputs.collect::<Vec<_>>(),
            models(&self.model_inputs),
            models(&self.model_outputs),
        ]);
        ImportState {
            name: self.name.clone(),
            status: Some(self.status),
            ended: self.ended,
            stage: self.stage,
            logged: Digest::of(logged.to_string().as_bytes()).as_str().to_owned(),
            sizes: self.sizes.clone(),
        }
    }
}

/// How a run stood in the other store when it was last imported.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportState {
    /// Its name.
    pub name: String,
    /// Its status; `None` for a run that never came in by an import.
    pub status: Option<TrackedStatus>,
    /// Its end.
    pub ended: Option<i64>,
    /// Whether it was deleted.
    pub stage: Stage,
    /// The digest over parameters, tags and inputs.
    pub logged: String,
    /// [`ForeignRun::sizes`].
    pub sizes: BTreeMap<String, u64>,
}
