//! Models and model versions: what a model reads, what it answers, and how.
//!
//! - [`logged`]: models as scripts log them; [`registered`]: names under which versions are kept; [`filter`]: finding both

pub mod filter;
pub mod logged;
pub mod registered;

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

/// What runs a model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// Our own evaluator, for the operators on its list.
    #[default]
    Remuda,
    /// ONNX Runtime, where its library can be loaded.
    OnnxRuntime,
}

impl Engine {
    /// Its name, for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Engine::Remuda => "remuda's evaluator",
            Engine::OnnxRuntime => "ONNX Runtime",
        }
    }
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
    /// What runs it: the engine that reproduced its golden rows when it was made.
    #[serde(default)]
    pub engine: Engine,
}
