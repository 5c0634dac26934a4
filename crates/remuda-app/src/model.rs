//! Models and their versions: list, show, load.

use crate::gate::EvaluationSummary;
use remuda_model::model::ModelVersion;
use remuda_model::run::MetricValue;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// List model versions, newest first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// Only this model.
    #[serde(default)]
    pub name: Option<String>,
}

/// Show a model version: what it reads, who made it, how it was evaluated.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct Show {
    /// A model's name (its newest version), a version's digest or the beginning of it.
    pub model: String,
}

/// Model versions.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Models {
    /// One each, newest first.
    pub models: Vec<ModelLine>,
}

/// A model version in a list.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ModelLine {
    /// The version.
    pub version: ModelVersion,
    /// Who made it.
    pub actor: String,
    /// When, microseconds since 1970.
    pub time: i64,
    /// Its metrics on validation.
    pub metrics: Vec<MetricValue>,
    /// How inputs weigh: name and share of the whole, greatest first.
    pub importance: Vec<(String, f64)>,
}

/// A model version in full.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ModelPage {
    /// The version.
    pub line: ModelLine,
    /// Its evaluations, newest first.
    pub evaluations: Vec<EvaluationSummary>,
    /// Releases made of it.
    pub releases: Vec<String>,
}
