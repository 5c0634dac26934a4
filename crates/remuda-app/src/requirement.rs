//! Requirements: what the business wants, and where each criterion stands.

use crate::gate::EvaluationSummary;
use remuda_model::gate::{Verdict, VerdictKind};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// List the requirements and where each stands.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct List {}

/// Show one requirement: prose, criteria in plain words, the newest verdicts.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct Show {
    /// The requirement's name.
    pub name: String,
}

/// All requirements.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Requirements {
    /// One each, by name.
    pub requirements: Vec<RequirementState>,
}

/// One requirement and where it stands.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RequirementState {
    /// Its name.
    pub name: String,
    /// One line: what the business wants.
    pub goal: String,
    /// Who speaks for it.
    pub owner: String,
    /// The dataset that it is measured on.
    pub dataset: String,
    /// Digest of the text now in force.
    pub digest: String,
    /// The criteria as written, with their echo in plain words.
    pub criteria: Vec<CriterionWords>,
    /// The verdict over all criteria on the newest candidate that was evaluated; undecided when none was.
    pub verdict: VerdictKind,
    /// The newest verdicts, one per criterion (or slice); empty before the first evaluation.
    pub verdicts: Vec<Verdict>,
    /// The evaluation that they come from.
    pub evaluation: Option<EvaluationSummary>,
    /// Why the verdicts no longer speak for what is in force (text changed, newer data, newer candidate).
    pub stale: Vec<String>,
    /// Who signed the intent of this very text.
    pub signed_by: Vec<String>,
}

/// A criterion and what it says.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CriterionWords {
    /// The line as written.
    pub text: String,
    /// In plain words.
    pub words: String,
}

/// One requirement in full.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RequirementPage {
    /// Where it stands.
    pub state: RequirementState,
    /// Path of the file.
    pub path: String,
    /// The prose, Markdown.
    pub prose: String,
    /// Earlier evaluations, newest first.
    pub history: Vec<EvaluationSummary>,
}
