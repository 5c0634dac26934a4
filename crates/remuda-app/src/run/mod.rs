//! Runs: start, train, record, finish; list, show, diff. The pipeline's order of steps is in [`pipeline`].

mod artifacts;
pub mod capture;
mod collect;
mod compare;
mod curves;
mod diff;
mod family;
mod find;
mod groups;
mod housekeeping;
mod import;
mod kept;
mod lifecycle;
mod look;
mod luck;
mod many;
pub mod notebook;
mod passing;
pub mod pipeline;
mod preview;
pub mod reproduce;
pub mod restore;
pub mod spool;
mod thin;
pub mod tracked;
mod train;
mod views;

pub use import::{Export, ExportedRuns, Import, ImportedExperiment, ImportedRuns};
use remuda_model::run::captured::OutputFile;
use remuda_model::run::{MetricValue, RunStatus, Snapshot, StepResult};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

pub use curves::{Along, Curves, RunCurve, RunCurves};
pub use family::{ChildRun, ReadData, RunFamily};
pub use find::split;
pub use groups::{ExperimentLine, ExperimentList, Experiments, Groups, RunGroupLine, RunGroups};
pub use luck::{BestOf, is_better_small};
pub use many::{
    CompareRuns, ComparedMetric, ComparedPair, ComparedParameter, ComparedRun, ComparedValue, MOST, RunsCompared,
};
pub use preview::{FileKind, FilePreview, Preview};
pub use thin::Bucket;
pub use views::{ForgetView, SaveView, SavedView, SavedViews, Views};

pub use artifacts::{Artifacts, Download, Downloaded, RunArtifact, RunArtifacts};
pub use collect::{Collect, Collected, CollectedExperiment, CollectedModel, PinnedRun};
pub use housekeeping::{Delete, ExperimentStorage, MovedRun, MovedRuns, Storage, StorageUse, Taken, Undelete};
pub use kept::{Fetch, Fetched, Keep, KeptFile, KnownCode, KnownContent, KnownContents, RecordOutputs};
pub(crate) use lifecycle::{Recorded, append_recorded, close_dead_runs, noted_end, noted_start};
pub(crate) use look::{find_run, newest_runs};
pub(crate) use train::{Examples, GOLDEN_ROWS, Job, examples, has_classes, label_column, positive_of, task_of};

/// Begin a run. (A face's `run` command calls this, then the steps, then `finish`.)
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// What is run: the pipeline's path or the command line.
    pub command: String,
    /// The code and environment it starts from, as JSON.
    #[arg(skip)]
    #[serde(default)]
    pub snapshot: Snapshot,
    /// Free words to find it by.
    #[arg(long, default_value = "")]
    #[serde(default)]
    pub note: String,
    /// Which process holds the run: `HOST:PROCESS`. On the ledger's own machine a run whose process is gone is
    /// closed at once; elsewhere after its heartbeat stops.
    #[arg(skip)]
    #[serde(default)]
    pub holder: String,
    /// The run's id when the caller chose one (its snapshot is already filed under it): ten letters and digits.
    #[arg(skip)]
    #[serde(default)]
    pub id: Option<String>,
}

/// Train a built-in learner as one step of a run.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Train {
    /// The run.
    pub run: String,
    /// The step of `pipeline.toml`.
    pub step: String,
    /// Train even if nothing changed.
    #[arg(long)]
    #[serde(default)]
    pub force: bool,
}

/// Record metrics, parameters and step results of a run.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The run.
    pub run: String,
    /// Metrics with their intervals.
    #[arg(skip)]
    #[serde(default)]
    pub metrics: Vec<MetricValue>,
    /// Parameters.
    #[arg(skip)]
    #[serde(default)]
    pub parameters: BTreeMap<String, serde_json::Value>,
    /// How a step ended.
    #[arg(skip)]
    #[serde(default)]
    pub step: Option<StepResult>,
}

/// Say that the run's process still lives.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Beat {
    /// The run.
    pub run: String,
}

/// End a run.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Finish {
    /// The run.
    pub run: String,
    /// How it ended: `finished` or `failed`.
    pub status: String,
    /// The exit code of a tracked command.
    #[arg(long)]
    #[serde(default)]
    pub exit_code: Option<i32>,
    /// What went wrong, or the last lines of output.
    #[arg(long, default_value = "")]
    #[serde(default)]
    pub note: String,
}

/// List runs, newest first.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// How many.
    #[arg(long, default_value_t = 50)]
    #[serde(default = "fifty")]
    pub limit: usize,
    /// Only runs that started before this one.
    #[arg(long)]
    #[serde(default)]
    pub before: Option<String>,
    /// Only runs that fit: `metrics.trees/auc > 0.8 and not params.trees/rounds = '200'`. What MLflow's clients write is
    /// understood, and OR, NOT, brackets and IN.
    #[arg(long)]
    #[serde(default)]
    pub filter: Option<String>,
    /// What to order by, such as `metrics.trees/auc DESC, start_time`; without it the newest come first.
    #[arg(long)]
    #[serde(default)]
    pub order_by: Option<String>,
    /// Only runs of this experiment, by name or number.
    #[arg(long)]
    #[serde(default)]
    pub experiment: Option<String>,
    /// What to show of each, such as `metrics.trees/auc, params.depth, tags.team`; without it what is usual.
    #[arg(long)]
    #[serde(default)]
    pub select: Option<String>,
    /// Runs that were deleted and not yet collected, instead of the others.
    #[arg(long)]
    #[serde(default)]
    pub deleted: bool,
    /// Say how many there are in all.
    #[arg(long)]
    #[serde(default)]
    pub count: bool,
}

/// Show a run: steps, metrics with intervals, models, snapshot.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Show {
    /// A run's id, or the beginning of it.
    pub run: String,
}

/// Show two runs side by side: code, parameters, data, metrics.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Diff {
    /// One run.
    pub left: String,
    /// The other; without it, the run before `left`.
    #[serde(default)]
    pub right: Option<String>,
}

pub(crate) fn fifty() -> usize {
    50
}

/// A run that began.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Started {
    /// Its id.
    pub run: String,
}

/// What a training step did.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TrainedStep {
    /// How it ended.
    pub result: StepResult,
    /// The model version, new or the one that was kept.
    pub model: Option<remuda_model::model::ModelVersion>,
    /// Metrics on validation.
    pub metrics: Vec<MetricValue>,
    /// What the learner noticed.
    pub notes: Vec<String>,
}

/// An answer without content.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Done {
    /// Always true.
    pub done: bool,
}

/// A run as far as facts tell.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RunState {
    /// Its id.
    pub run: String,
    /// Who ran it.
    pub actor: String,
    /// Running, finished or failed.
    pub status: RunStatus,
    /// What was run.
    pub command: String,
    /// Free words.
    pub note: String,
    /// Start, microseconds since 1970.
    pub started: i64,
    /// End.
    pub ended: Option<i64>,
    /// The exit code of a tracked command.
    pub exit_code: Option<i32>,
    /// Why it failed, when it did.
    pub failure: String,
    /// The code and environment it started from.
    pub snapshot: Snapshot,
    /// How its steps ended.
    pub steps: Vec<StepResult>,
    /// Metrics with intervals. Names of pipeline steps stand before a slash: `trees/auc`.
    pub metrics: Vec<MetricValue>,
    /// Parameters.
    pub parameters: BTreeMap<String, serde_json::Value>,
    /// Model versions it made (or kept, for skipped steps).
    pub models: Vec<remuda_model::model::ModelVersion>,
    /// The dataset versions that its models were trained on, and those that its script read. (Lists leave it empty.)
    #[serde(default)]
    pub data: Vec<RunData>,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// The name of its experiment.
    #[serde(default)]
    pub experiment: String,
    /// Its tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// A script tracked it: it has histories of metrics, and can be deleted.
    #[serde(default)]
    pub tracked: bool,
    /// It was deleted, and can be restored until it is collected.
    #[serde(default)]
    pub deleted: bool,
    /// Files that it wrote or changed.
    #[serde(default)]
    pub outputs: Vec<OutputFile>,
    /// Runs that repeat it. (Lists leave it empty.)
    #[serde(default)]
    pub reproduced_by: Vec<String>,
    /// What stands around it: parent, children, datasets, logged models. (Lists leave it out.)
    #[serde(default)]
    pub family: Option<RunFamily>,
}

/// A dataset version that models of a run were trained on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RunData {
    /// The dataset.
    pub dataset: String,
    /// The version.
    pub version: remuda_model::Digest,
}

/// Runs, newest first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Runs {
    /// One each.
    pub runs: Vec<RunState>,
    /// There are more: ask again with `before` set to the last one's id.
    pub more: bool,
    /// How many there are in all, if that was asked.
    #[serde(default)]
    pub total: Option<u64>,
}

/// Two runs side by side.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RunDiff {
    /// One run.
    pub left: RunState,
    /// The other.
    pub right: RunState,
    /// Datasets of which the runs' models saw other versions: name, versions left, versions right.
    #[serde(default)]
    pub data: Vec<Difference>,
    /// Parameters that differ: name, left, right.
    pub parameters: Vec<Difference>,
    /// Metrics of both: name, left, right.
    pub metrics: Vec<MetricDifference>,
    /// Environment facts that differ.
    pub environment: Vec<Difference>,
    /// Files that differ between the snapshots: status and path.
    pub files: Vec<FileDifference>,
    /// What else differs in what they started from and wrote.
    #[serde(default)]
    pub captured: CapturedDiff,
}

/// What differs beyond code, data and parameters.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct CapturedDiff {
    /// Words of the command.
    pub arguments: Vec<Difference>,
    /// Environment variables.
    pub variables: Vec<Difference>,
    /// The Python.
    pub python: Vec<Difference>,
    /// Installed packages.
    pub packages: Vec<Difference>,
    /// The machine.
    pub hardware: Vec<Difference>,
    /// Seeds that were seen.
    pub seeds: Vec<Difference>,
    /// Files that were written, by digest.
    pub outputs: Vec<Difference>,
}

/// A value that differs.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Difference {
    /// Its name.
    pub name: String,
    /// Left; empty when absent.
    pub left: String,
    /// Right; empty when absent.
    pub right: String,
}

/// A metric of two runs.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct MetricDifference {
    /// Its name.
    pub name: String,
    /// Left.
    pub left: Option<MetricValue>,
    /// Right.
    pub right: Option<MetricValue>,
    /// The intervals do not overlap: the difference is more than chance (a rough, safe mark; the gate compares paired).
    pub apart: bool,
}

/// A file that differs.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct FileDifference {
    /// `added`, `removed` or `changed`.
    pub kind: String,
    /// The path.
    pub path: String,
    /// A unified diff, cut at 200 lines; empty for binary files.
    pub diff: String,
}
