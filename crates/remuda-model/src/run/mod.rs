//! Pipelines, steps and runs.

pub mod artifact;
pub mod captured;
pub mod filter;
pub mod foreign;
pub mod retention;
pub mod trace;
pub mod tracked;

use crate::Digest;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// `pipeline.toml`: steps in order of their needs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Pipeline {
    /// The steps, as written.
    pub steps: Vec<Step>,
}

/// One step of a pipeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Step {
    /// Its name: also the name of the model it makes.
    pub name: String,
    /// What it does.
    pub action: Action,
    /// Files (globs, from the product's root) and `data:NAME` / `step:NAME` that it reads.
    pub inputs: Vec<String>,
    /// Files that it writes (from the product's root).
    pub outputs: Vec<String>,
    /// Parameters; reach a command as environment variables `REMUDA_PARAM_NAME`.
    pub parameters: BTreeMap<String, serde_json::Value>,
    /// The model that a command writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<WrittenModel>,
}

/// A model that a command step writes: it is registered under the step's name when the command succeeds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WrittenModel {
    /// The ONNX file, one of the step's outputs.
    pub file: String,
    /// The dataset that it is trained on.
    pub dataset: String,
    /// Columns of a matrix input, in its order; empty: inputs are called as columns.
    pub features: Vec<String>,
    /// What its classes are called, in the order of its scores; empty: as the file says.
    pub classes: Vec<String>,
    /// Its scores are logits.
    pub logits: bool,
    /// Rows with the training framework's outputs, another of the step's outputs.
    pub golden: Option<String>,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// A command for the shell, run at the product's root.
    Command(String),
    /// The built-in learner.
    Learn(Learn),
}

/// The built-in learner's settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Learn {
    /// Which learner.
    pub algorithm: Algorithm,
    /// The dataset.
    pub dataset: String,
    /// Feature columns; empty: all feature columns of the contract.
    pub features: Vec<String>,
    /// Seed of everything random.
    pub seed: u64,
}

/// The built-in learners.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    /// Always the most frequent class (or the mean): the floor under every claim.
    Majority,
    /// Logistic or linear regression with L2 penalty.
    Linear,
    /// Gradient boosted trees.
    Trees,
}

impl Algorithm {
    /// The word in a pipeline.
    pub fn as_str(self) -> &'static str {
        match self {
            Algorithm::Majority => "majority",
            Algorithm::Linear => "linear",
            Algorithm::Trees => "trees",
        }
    }

    /// Reads [`Algorithm::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        [Algorithm::Majority, Algorithm::Linear, Algorithm::Trees].into_iter().find(|known| known.as_str() == word)
    }
}

/// Where a run stands. A run without an end whose process is gone is `Failed`, never `Running` for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RunStatus {
    /// Its process lives.
    Running,
    /// It ended with success.
    Finished,
    /// It ended with an error, or its process is gone.
    Failed,
}

impl RunStatus {
    /// The word in tables and the ledger.
    pub fn as_str(self) -> &'static str {
        match self {
            RunStatus::Running => "running",
            RunStatus::Finished => "finished",
            RunStatus::Failed => "failed",
        }
    }

    /// Reads [`RunStatus::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        [RunStatus::Running, RunStatus::Finished, RunStatus::Failed].into_iter().find(|known| known.as_str() == word)
    }
}

/// One metric of a run, never without its interval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MetricValue {
    /// `accuracy`, `auc`, `recall of Yes`.
    pub name: String,
    /// The point estimate; `None` when undefined.
    pub value: Option<f64>,
    /// One-sided bounds at `confidence`.
    pub lower: Option<f64>,
    /// See `lower`.
    pub upper: Option<f64>,
    /// One-sided confidence of each bound (0.975: together a two-sided 95 % interval).
    pub confidence: f64,
    /// Rows it rests on.
    pub n: u64,
    /// `validation`, …
    pub split: String,
    /// The method of the interval, or why the value is undefined.
    pub method: String,
}

/// The code, data and environment that a run started from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Snapshot {
    /// The snapshot commit (`refs/remuda/runs/<id>`), if the folder is a git repository.
    pub commit: Option<String>,
    /// The commit it was made on.
    pub parent: Option<String>,
    /// The branch that was checked out.
    pub branch: Option<String>,
    /// Files that differ from `parent` or are untracked.
    pub changed_files: u64,
    /// Files left out because of the size cap, with their sizes in bytes.
    pub left_out: Vec<(String, u64)>,
    /// Facts about the machine and the program: operating system, architecture, remuda's version.
    pub environment: BTreeMap<String, String>,
    /// What was captured into the blobs and beside them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub captured: Option<Box<captured::Captured>>,
}

/// How one step of a run ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StepResult {
    /// The step's name.
    pub step: String,
    /// Whether it ran, was skipped or failed.
    pub outcome: StepOutcome,
    /// Why it was skipped, or what went wrong.
    pub note: String,
    /// Digest over everything that the step read.
    pub inputs: Digest,
    /// How long it took, in seconds.
    pub seconds: f64,
}

/// Whether a step ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum StepOutcome {
    /// It ran and succeeded.
    Ran,
    /// Its inputs did not change.
    Skipped,
    /// It failed.
    Failed,
}
