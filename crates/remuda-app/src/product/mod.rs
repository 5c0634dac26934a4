//! The product as a whole: make one, check its definitions, see where it stands.

mod bare;
mod check;
mod init;
mod status;
mod unfinished;

use crate::gate::EvaluationSummary;
use crate::requirement::RequirementState;
use remuda_model::data::{Contract, Oddity, Task};
use remuda_model::diagnostic::Diagnostic;
use remuda_model::run::MetricValue;
use remuda_model::team::{Member, Risk, Role, Stage};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use utoipa::ToSchema;

pub use bare::begin_bare;
pub use check::checked;
pub(crate) use init::{Place, init_at};
pub use init::{init, ledger_folder};
pub(crate) use unfinished::refuse_unfinished;

/// Make a product from a data file: a git repository with contract, requirement, pipeline, and a first data version.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Init {
    /// The product's name; also the folder that is made.
    pub name: String,
    /// The data file: CSV, TSV, JSON Lines or Parquet.
    #[arg(long)]
    #[schema(value_type = String)]
    pub from: PathBuf,
    /// The column to predict.
    #[arg(long)]
    pub label: String,
    /// What a mistake costs: low, medium or high.
    #[arg(long, default_value = "medium")]
    #[serde(default = "medium")]
    pub risk: String,
    /// The format when the file's ending does not tell.
    #[arg(long)]
    #[serde(default)]
    pub format: Option<String>,
}

fn medium() -> String {
    "medium".to_owned()
}

/// What `init` made.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Initialised {
    /// The folder.
    #[schema(value_type = String)]
    pub folder: PathBuf,
    /// The files written, relative to it.
    pub files: Vec<String>,
    /// The inferred contract.
    pub contract: Contract,
    /// What the label asks for.
    pub task: Task,
    /// What looks odd.
    pub oddities: Vec<Oddity>,
    /// The baselines measured on validation.
    pub baselines: Vec<MeasuredBaseline>,
    /// The criteria proposed, each with its words.
    pub criteria: Vec<crate::requirement::CriterionWords>,
    /// The first data version.
    pub version: remuda_model::data::DatasetVersion,
    /// The first member.
    pub member: Member,
}

/// A baseline and its metrics.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct MeasuredBaseline {
    /// `majority` or `linear`.
    pub name: String,
    /// On validation.
    pub metrics: Vec<MetricValue>,
}

/// Validate every definition file. Needs no ledger.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Check {}

/// What `check` found.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Checked {
    /// How many files were read.
    pub files: u64,
    /// Errors and warnings.
    pub diagnostics: Vec<Diagnostic>,
    /// Criteria in plain words, by requirement.
    pub criteria: Vec<(String, Vec<crate::requirement::CriterionWords>)>,
}

/// What holds, what is stale, what waits and on which role.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Status {}

/// Where the product stands.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Board {
    /// The product.
    pub product: String,
    /// Where it stands.
    pub stage: Stage,
    /// What a mistake costs.
    pub risk: Risk,
    /// A declared one-person team.
    pub solo: bool,
    /// Its members.
    pub members: Vec<Member>,
    /// Requirements with their verdicts.
    pub requirements: Vec<RequirementState>,
    /// What waits, and on whom. Each closes by a fact.
    pub waiting: Vec<Waiting>,
    /// The newest version of each dataset.
    pub datasets: Vec<crate::data::VersionLine>,
    /// The newest runs (at most 5).
    pub runs: Vec<crate::run::RunState>,
    /// The newest evaluation.
    pub evaluation: Option<EvaluationSummary>,
    /// The holdouts and their budgets.
    pub holdouts: Vec<HoldoutState>,
    /// What is live, in short.
    pub live: Option<LiveSummary>,
    /// The newest facts (at most 10).
    pub activity: Vec<crate::ledger::FactLine>,
    /// Errors in definitions.
    pub diagnostics: Vec<Diagnostic>,
}

/// How much of a holdout is used.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct HoldoutState {
    /// The dataset.
    pub dataset: String,
    /// Spent.
    pub spent: u32,
    /// In all.
    pub budget: u32,
    /// Rows in the newest version's holdout.
    pub rows: u64,
}

/// What is live, in short.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LiveSummary {
    /// The release.
    pub release: crate::release::ReleaseLine,
    /// Predictions in the last 30 days.
    pub predictions: u64,
    /// Outcomes joined to them.
    pub outcomes: u64,
    /// The first live metric.
    pub metric: Option<MetricValue>,
    /// Columns that drift.
    pub drifted: Vec<String>,
    /// Predictions per bucket, for a small chart.
    pub traffic: Vec<crate::serving::TrafficBucket>,
}

/// Something that waits for a person.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Waiting {
    /// One sentence.
    pub what: String,
    /// Which roles can do it.
    pub roles: Vec<Role>,
    /// Which members hold them.
    pub members: Vec<String>,
    /// The command that does it.
    pub command: String,
    /// `stale`, `undecided`, `signature`, `alert`, `definition`, `next`.
    pub kind: String,
}
