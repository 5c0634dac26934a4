//! What experiments log: experiments, runs with parameters, tags and metric points, and the datasets that they read.
//!
//! These are no facts: they change while a run goes on and can be deleted. Times are milliseconds since 1970.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The number of the experiment that always exists.
pub const DEFAULT_EXPERIMENT: i64 = 0;

/// Whether something was deleted; until it is collected it can be restored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// It is there.
    #[default]
    Active,
    /// It was deleted.
    Deleted,
}

impl Stage {
    /// The word in tables and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::Active => "active",
            Stage::Deleted => "deleted",
        }
    }

    /// Reads [`Stage::as_str`]; everything else counts as active.
    pub fn read(word: &str) -> Self {
        if word == "deleted" { Stage::Deleted } else { Stage::Active }
    }
}

/// Where a tracked run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum TrackedStatus {
    /// It goes on.
    Running,
    /// It will begin.
    Scheduled,
    /// It ended with success.
    Finished,
    /// It ended with an error, or its process is gone.
    Failed,
    /// Somebody ended it.
    Killed,
}

impl TrackedStatus {
    /// All of them.
    pub const ALL: [TrackedStatus; 5] = [
        TrackedStatus::Running,
        TrackedStatus::Scheduled,
        TrackedStatus::Finished,
        TrackedStatus::Failed,
        TrackedStatus::Killed,
    ];

    /// The word in tables, filters and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            TrackedStatus::Running => "RUNNING",
            TrackedStatus::Scheduled => "SCHEDULED",
            TrackedStatus::Finished => "FINISHED",
            TrackedStatus::Failed => "FAILED",
            TrackedStatus::Killed => "KILLED",
        }
    }

    /// Reads [`TrackedStatus::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == word)
    }

    /// Whether it is over.
    pub fn is_over(self) -> bool {
        matches!(self, TrackedStatus::Finished | TrackedStatus::Failed | TrackedStatus::Killed)
    }
}

/// Runs that belong together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Experiment {
    /// Its number; 0 is the one that always exists.
    pub id: i64,
    /// Its name, taken until it is collected.
    pub name: String,
    /// Where its runs' artifacts lie.
    pub artifacts: String,
    /// Whether it was deleted.
    pub stage: Stage,
    /// When it was made.
    pub created: i64,
    /// When it was last changed.
    pub updated: i64,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// The latest value of a metric: the greatest by step, then time, then value.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Latest {
    /// The value; `None` for what is not a number.
    pub value: Option<f64>,
    /// The step.
    pub step: i64,
    /// The time.
    pub time: i64,
}

impl Latest {
    /// Whether this one replaces `other`.
    pub fn is_after(&self, other: &Latest) -> bool {
        let order = |latest: &Latest| (latest.step, latest.time);
        match order(self).cmp(&order(other)) {
            std::cmp::Ordering::Equal => {
                self.value.unwrap_or(f64::NAN).total_cmp(&other.value.unwrap_or(f64::NAN)).is_gt()
            }
            unequal => unequal.is_gt(),
        }
    }
}

/// One point of a metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Point {
    /// The metric.
    pub key: String,
    /// The value; `None` for what is not a number.
    pub value: Option<f64>,
    /// The step.
    pub step: i64,
    /// The time.
    pub time: i64,
}

impl Point {
    /// The point without its metric's name.
    pub fn latest(&self) -> Latest {
        Latest { value: self.value, step: self.step, time: self.time }
    }
}

/// What a run has logged, but for the history of its metrics.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Document {
    /// Parameters: written once.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// Tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// The latest value of each metric.
    #[serde(default)]
    pub metrics: BTreeMap<String, Latest>,
    /// Logged models that it read: model and the step at which it did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub model_inputs: Vec<ModelUse>,
    /// Logged models that it made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub model_outputs: Vec<ModelUse>,
}

impl Document {
    /// Takes a point over if it is later than what is there.
    pub fn take(&mut self, point: &Point) {
        let latest = point.latest();
        match self.metrics.get_mut(&point.key) {
            Some(known) if !latest.is_after(known) => {}
            Some(known) => *known = latest,
            None => {
                self.metrics.insert(point.key.clone(), latest);
            }
        }
    }
}

impl Document {
    /// Adds logged models that were read and made; none twice.
    pub fn add_models(&mut self, inputs: &[ModelUse], outputs: &[ModelUse]) {
        for (known, new) in [(&mut self.model_inputs, inputs), (&mut self.model_outputs, outputs)] {
            for one in new {
                if !known.contains(one) {
                    known.push(one.clone());
                }
            }
        }
    }
}

/// A logged model that a run read or made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ModelUse {
    /// The logged model's id.
    pub model: String,
    /// At which step.
    pub step: i64,
}

/// A run as it was tracked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TrackedRun {
    /// Its place in the tables.
    pub number: i64,
    /// Its id.
    pub id: String,
    /// The experiment it belongs to.
    pub experiment: i64,
    /// Its name.
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
    /// It is a run of remuda's own pipeline or runner, whose facts tell more.
    pub native: bool,
    /// What it logged.
    pub document: Document,
}

/// A dataset that a run read, as the run's script described it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// Its digest, as the script computed it.
    pub digest: String,
    /// What kind of source it came from: `local`, `http`, `code`.
    pub source_type: String,
    /// The source, as JSON.
    pub source: String,
    /// Its schema, as JSON.
    pub schema: Option<String>,
    /// Its profile, as JSON.
    pub profile: Option<String>,
    /// What it was read for: the tag `mlflow.data.context`.
    pub context: String,
    /// Tags of this reading.
    pub tags: BTreeMap<String, String>,
}
