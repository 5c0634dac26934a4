//! The shapes on the wire: requests, tensors, answers, metadata, as the Open Inference Protocol v2 names them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// `POST …/infer`.
#[derive(Debug, Deserialize)]
pub struct InferRequest {
    /// The caller's name for this request: comes back in the answer.
    #[serde(default)]
    pub id: Option<String>,
    /// Free parameters: accepted, unused.
    #[serde(default)]
    pub parameters: Map<String, Value>,
    /// One tensor per column.
    pub inputs: Vec<InputTensor>,
    /// Which outputs to answer; absent or empty: all.
    #[serde(default)]
    pub outputs: Vec<RequestedOutput>,
}

/// One column of a request.
#[derive(Debug, Deserialize)]
pub struct InputTensor {
    /// The column.
    pub name: String,
    /// `[rows]` or `[rows, 1]`.
    pub shape: Vec<u64>,
    /// `FP64`, `INT64`, `BYTES`, …
    pub datatype: String,
    /// Free parameters: accepted, unused.
    #[serde(default)]
    pub parameters: Map<String, Value>,
    /// The values, flat or nested; `null` where missing.
    pub data: Vec<Value>,
}

/// An output that the caller wants.
#[derive(Debug, Deserialize)]
pub struct RequestedOutput {
    /// Its name.
    pub name: String,
    /// Free parameters: accepted, unused.
    #[serde(default)]
    pub parameters: Map<String, Value>,
}

/// The answer to an inference.
#[derive(Debug, Serialize)]
pub struct InferAnswer<'a> {
    /// The endpoint.
    pub model_name: &'a str,
    /// The release that answered.
    pub model_version: &'a str,
    /// The caller's name for the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<&'a str>,
    /// The outputs.
    pub outputs: Vec<OutputTensor<'a>>,
}

/// One output.
#[derive(Debug, Serialize)]
pub struct OutputTensor<'a> {
    /// Its name.
    pub name: &'static str,
    /// `[rows]` or `[rows, classes]`.
    pub shape: Vec<usize>,
    /// `BYTES`, `FP32` or `FP64`.
    pub datatype: &'static str,
    /// For `probabilities`: the classes in the order of the columns, joined in one JSON text under `classes`.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub parameters: Map<String, Value>,
    /// The values, row by row.
    pub data: OutputData<'a>,
}

/// Values of an output.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum OutputData<'a> {
    /// Texts.
    Texts(Vec<&'a str>),
    /// 64-bit floats.
    Numbers(Vec<f64>),
    /// 32-bit floats.
    Floats(Vec<f32>),
}

/// `GET /v2`.
#[derive(Debug, Serialize)]
pub struct ServerMetadata {
    /// `remuda`.
    pub name: &'static str,
    /// The program's version.
    pub version: &'static str,
    /// What we offer beyond the protocol.
    pub extensions: Vec<&'static str>,
}

/// `GET /v2/models/{name}`.
#[derive(Debug, Serialize)]
pub struct ModelMetadata {
    /// The endpoint.
    pub name: String,
    /// The live release: the only version there is.
    pub versions: Vec<String>,
    /// Models are ONNX.
    pub platform: &'static str,
    /// What to send.
    pub inputs: Vec<TensorMetadata>,
    /// What comes back.
    pub outputs: Vec<TensorMetadata>,
}

/// One input or output of a model.
#[derive(Debug, Serialize)]
pub struct TensorMetadata {
    /// Its name.
    pub name: String,
    /// The type we prefer; narrower integers and floats are read too.
    pub datatype: &'static str,
    /// `-1` stands for the rows of a request.
    pub shape: Vec<i64>,
    /// Whether a value is required, the contract's type, the classes.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub parameters: Map<String, Value>,
}

/// `POST …/rows`: our plainer door.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowsRequest {
    /// One object per row: column to value, `null` or absent where missing.
    pub rows: Vec<Map<String, Value>>,
    /// One id per row, for outcomes that come later; absent: we make them.
    #[serde(default)]
    pub ids: Option<Vec<String>>,
}

/// The answer to `POST …/rows`.
#[derive(Debug, Serialize)]
pub struct RowsAnswer<'a> {
    /// The endpoint.
    pub model_name: &'a str,
    /// The release that answered.
    pub model_version: &'a str,
    /// One each, in the order of the rows.
    pub predictions: Vec<RowPrediction<'a>>,
}

/// One prediction in the answer to `POST …/rows`.
#[derive(Debug, Serialize)]
pub struct RowPrediction<'a> {
    /// What outcomes refer to.
    pub prediction_id: &'a str,
    /// The class as text, or the number.
    pub label: Value,
    /// Probability of the positive class (binary) or of the label; the number itself for regression.
    pub score: f64,
    /// Class to probability; absent for regression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probabilities: Option<Map<String, Value>>,
}

/// What every refusal looks like.
#[derive(Debug, Serialize)]
pub struct ErrorAnswer {
    /// One sentence that names the column, the type, the next step.
    pub error: String,
}
