//! What stands around a tracked run: its parent and children, the datasets that it read, logged models.

use super::RunStatus;
use super::tracked::{RunSearch, Tracking};
use crate::context::Context;
use crate::error::Result;
use remuda_model::Digest;
use remuda_model::run::filter::{Attribute, Filter, Key, OrderBy, Test};
use remuda_model::run::tracked::{Stage, TrackedRun, TrackedStatus};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The tag that names a run's parent.
pub(super) const PARENT_TAG: &str = "mlflow.parentRunId";

/// Children that are named.
const CHILDREN: usize = 100;

/// What stands around a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunFamily {
    /// The number of its experiment.
    pub experiment: i64,
    /// The run that it is nested in: id and name.
    pub parent: Option<(String, String)>,
    /// The runs that are nested in it, the oldest first, at most 100.
    pub children: Vec<ChildRun>,
    /// How many are nested in it.
    pub children_in_all: u64,
    /// Datasets that its script read.
    pub inputs: Vec<ReadData>,
    /// Logged models that it read.
    pub models_read: Vec<String>,
    /// Logged models that it made.
    pub models_made: Vec<String>,
}

/// A nested run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChildRun {
    /// Its id.
    pub run: String,
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub status: RunStatus,
}

/// A dataset that a script read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReadData {
    /// Its name.
    pub name: String,
    /// Its digest, as the script computed it.
    pub digest: String,
    /// What it was read for.
    pub context: String,
    /// Where it came from.
    pub source: String,
    /// The dataset version whose digest this is.
    pub version: Option<Digest>,
}

/// How a tracked run stands, in the words of all runs.
pub(super) fn status_of(status: TrackedStatus) -> RunStatus {
    match status {
        TrackedStatus::Running | TrackedStatus::Scheduled => RunStatus::Running,
        TrackedStatus::Finished => RunStatus::Finished,
        TrackedStatus::Failed | TrackedStatus::Killed => RunStatus::Failed,
    }
}

/// What stands around a run.
pub(super) async fn family(context: &Context, tracking: &Tracking, run: &TrackedRun) -> Result<RunFamily> {
    let mut family = RunFamily { experiment: run.experiment, ..RunFamily::default() };
    if let Some(parent) = run.document.tags.get(PARENT_TAG) {
        let name = tracking.tracker.run(parent).await?.map(|parent| parent.name).unwrap_or_default();
        family.parent = Some((parent.clone(), name));
    }
    let filter = Filter::Is(Key::Tag(PARENT_TAG.to_owned()), Test::Equals(run.id.clone()));
    let order = [OrderBy { key: Key::Attribute(Attribute::Started), descending: false }];
    let search = RunSearch {
        experiments: &[],
        stage: Some(Stage::Active),
        filter: &filter,
        order: &order,
        after: None,
        limit: CHILDREN + 1,
    };
    let found = tracking.search(&search).await?.runs;
    family.children_in_all =
        if found.len() > CHILDREN { tracking.tracker.count(&search).await? } else { found.len() as u64 };
    let child = |run: TrackedRun| ChildRun { status: status_of(run.status), run: run.id, name: run.name };
    family.children = found.into_iter().take(CHILDREN).map(child).collect();
    for (_, input) in tracking.inputs(&[&run.id]).await? {
        let version = tracking.version_of(context, &input.digest).await?;
        family.inputs.push(ReadData {
            name: input.name,
            digest: input.digest,
            context: input.context,
            source: input.source,
            version,
        });
    }
    family.models_read = run.document.model_inputs.iter().map(|used| used.model.clone()).collect();
    family.models_made = run.document.model_outputs.iter().map(|used| used.model.clone()).collect();
    Ok(family)
}
