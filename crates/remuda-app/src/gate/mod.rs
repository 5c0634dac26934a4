//! The gate: evaluate a candidate on the holdout, and say for each criterion met, not met or undecided.

mod baseline;
mod check;
mod compare;
pub(crate) mod costs;
mod curves;
mod decide;
mod evaluate;
mod find;
mod fit;
mod groups;
mod look;
mod loss;
mod measure;
mod plan;
mod price;
mod rate;
mod report;
mod sample;
mod schedule;
mod statistic;
mod tested;
mod units;

use crate::analysis::Findings;
use crate::data::Look;
use crate::team::Signature;
use remuda_model::Digest;
use remuda_model::analysis::{Confusion, Curves};
use remuda_model::data::DatasetVersion;
use remuda_model::gate::{Verdict, VerdictKind};
use remuda_model::model::ModelVersion;
use remuda_model::requirement::Looks;
use remuda_model::run::Snapshot;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

pub use check::{Check, Checked, check};

pub(crate) use baseline::propose_criteria;
pub(crate) use fit::misfits;
pub(crate) use look::evaluations;
pub(crate) use loss::losses;
pub(crate) use measure::{difference_value, metric_value, usual_metrics, validation_metrics};
pub(crate) use rate::{Rate, Unmeasured};
pub(crate) use sample::{ClassSample, Sample};

/// Evaluate a candidate on the holdout against the criteria. The look is a fact and is charged.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Evaluate {
    /// A model's name (its newest version), a version's digest, or a run (its only or last model).
    pub candidate: String,
    /// Only this requirement.
    #[arg(long)]
    #[serde(default)]
    pub requirement: Option<String>,
    /// Show verdicts only: no estimates, no intervals. Costs less of the holdout's budget.
    #[arg(long)]
    #[serde(default)]
    pub verdicts_only: bool,
}

/// Show an evaluation again. Costs nothing.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Show {
    /// An evaluation's id, or a candidate (its newest evaluation).
    pub evaluation: String,
}

/// Everything about an evaluation in one answer, for a report that can be sent on. Costs nothing.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// An evaluation's id, or a candidate (its newest evaluation).
    pub evaluation: String,
}

/// An evaluation with all that it rests on.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ReportPage {
    /// The product.
    pub product: String,
    /// The evaluation.
    pub evaluation: Evaluation,
    /// The requirements in the texts that were judged.
    pub requirements: Vec<RequirementWords>,
    /// The candidate.
    pub model: ModelVersion,
    /// The dataset version.
    pub version: DatasetVersion,
    /// The code and environment of the run that made the candidate.
    pub snapshot: Option<Snapshot>,
    /// The run's parameters.
    pub parameters: BTreeMap<String, serde_json::Value>,
    /// Looks at this dataset's holdout up to this one, newest first.
    pub looks: Vec<Look>,
    /// Signatures on the evaluation.
    pub signatures: Vec<Signature>,
    /// What analyses found about the candidate beside the verdicts.
    #[serde(default)]
    pub findings: Findings,
}

/// What a requirement says beside its criteria.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RequirementWords {
    /// Its name.
    pub name: String,
    /// The member or role that speaks for it.
    pub owner: String,
    /// What the business wants.
    pub goal: String,
    /// Everything after the front matter, Markdown.
    pub prose: String,
    /// When a candidate may be looked at again.
    pub looks: Option<Looks>,
}

/// List evaluations, newest first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct List {}

/// What an evaluation found.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Evaluation {
    /// Its id.
    pub id: String,
    /// The verdict over all criteria.
    pub verdict: VerdictKind,
    /// One verdict per criterion, grouped by requirement in order.
    pub requirements: Vec<RequirementVerdicts>,
    /// The candidate.
    pub model: Digest,
    /// The candidate's name.
    pub model_name: String,
    /// The run that made it.
    pub run: String,
    /// The dataset.
    pub dataset: String,
    /// Its version.
    pub version: Digest,
    /// Rows of the holdout.
    pub rows: u64,
    /// Truth against prediction (classes only).
    pub confusion: Option<Confusion>,
    /// How its scores behave over all thresholds (classes with probabilities only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub curves: Option<Curves>,
    /// Which submission of the holdout this was, from 1.
    pub look: u32,
    /// What it cost.
    pub charge: u32,
    /// What was spent before it.
    pub spent: u32,
    /// What the holdout bears in all.
    pub budget: u32,
    /// `verdicts` or `numbers`.
    pub revealed: String,
    /// An earlier look of the same plan paid for this one (see `looks` of a requirement).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub covered: bool,
    /// The same candidate, rows and criteria were evaluated before: this is that answer, free of charge.
    pub repeated: bool,
    /// Models that it was compared with: what they are called in criteria, and their digest.
    pub compared: Vec<Compared>,
    /// Digest of what was asked, whatever the rows: looks that ask the same of more rows share a plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Digest>,
    /// The files of behavioural tests that criteria name, as they were.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tests: Vec<crate::analysis::TestedFile>,
    /// The team is one person and says so: the evaluator may sign.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub solo: bool,
    /// Who evaluated.
    pub actor: String,
    /// When, microseconds since 1970.
    pub time: i64,
    /// The fact's id.
    pub fact: String,
}

/// A model that a candidate was compared with.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Compared {
    /// `production`, `baseline NAME`, `release ID`.
    pub reference: String,
    /// Its digest.
    pub model: Digest,
}

/// The verdicts on one requirement.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RequirementVerdicts {
    /// The requirement.
    pub requirement: String,
    /// Digest of the text that was in force.
    pub digest: Digest,
    /// What the business wants.
    pub goal: String,
    /// The verdict over its criteria.
    pub verdict: VerdictKind,
    /// One each, in order.
    pub verdicts: Vec<Verdict>,
}

/// An evaluation in a list.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct EvaluationSummary {
    /// Its id.
    pub id: String,
    /// The verdict over all criteria.
    pub verdict: VerdictKind,
    /// A release may rest on it: every criterion is met, or waived for now.
    #[serde(default)]
    pub passes: bool,
    /// The candidate.
    pub model: Digest,
    /// The candidate's name.
    pub model_name: String,
    /// The dataset version.
    pub version: Digest,
    /// Rows.
    pub rows: u64,
    /// Who evaluated.
    pub actor: String,
    /// When, microseconds since 1970.
    pub time: i64,
}

/// Evaluations, newest first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Evaluations {
    /// One each.
    pub evaluations: Vec<EvaluationSummary>,
}
