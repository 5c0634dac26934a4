//! Models and model versions: what a model reads, what it answers, and how.

use crate::Digest;
use crate::data::Task;
use crate::feature::Feature;
use crate::label::LabelSpace;
use crate::run::Algorithm;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a model reads and answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ModelSignature {
    /// Inputs in order.
    pub features: Vec<Feature>,
    /// What it predicts.
    pub task: Task,
    /// The label column's name.
    pub label: String,
    /// Classes or number.
    pub labels: LabelSpace,
    /// For a binary task: the class whose probability is the score.
    pub positive: Option<String>,
}

/// One model version: an ONNX file and where it came from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ModelVersion {
    /// Digest of the ONNX bytes: the version's id.
    pub digest: Digest,
    /// The model's name (its step's).
    pub name: String,
    /// The run that made it.
    pub run: String,
    /// The built-in learner, if one trained it.
    pub algorithm: Option<Algorithm>,
    /// What it reads and answers.
    pub signature: ModelSignature,
    /// The dataset version it was trained on.
    pub trained_on: Option<Digest>,
    /// Digest of the blob with the golden rows: inputs and outputs, checked at each load.
    pub golden: Digest,
    /// Size of the ONNX file in bytes.
    pub bytes: u64,
}
