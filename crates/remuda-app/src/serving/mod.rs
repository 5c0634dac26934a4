//! Serving: the live model, its inputs' types, predictions and their durable log, what the live page shows.

mod batch;
mod endpoint;
mod expected;
mod live;
mod seat;
mod spool;

use remuda_model::data::ColumnType;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use utoipa::ToSchema;

pub(crate) use endpoint::live_endpoint;
pub use endpoint::{Endpoint, EndpointHandle, InferRow, Inferred, Input};
pub use live::LiveCache;
pub use seat::{Seat, served_at};
pub(crate) use spool::append_predictions;
pub use spool::{PredictionLog, drain_spool};

/// Predict the rows of a file with the live release (or another model), and log the predictions.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Predict {
    /// The file: CSV, TSV, JSON Lines or Parquet. Over HTTP: the digest of an upload.
    #[schema(value_type = String)]
    pub file: PathBuf,
    /// Where to write id, label and score; without it, standard output as CSV.
    #[arg(long, short)]
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub output: Option<PathBuf>,
    /// The column that identifies a prediction for later outcomes; without it, ids are made.
    #[arg(long)]
    #[serde(default)]
    pub id_column: Option<String>,
    /// A model instead of the live release: nothing is logged then.
    #[arg(long)]
    #[serde(default)]
    pub model: Option<String>,
    /// The file's own name, when `file` is an upload.
    #[arg(skip)]
    #[serde(default)]
    pub source: Option<String>,
}

/// What a batch of predictions did.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Predicted {
    /// Rows predicted.
    pub rows: u64,
    /// The release, when the live one was used.
    pub release: Option<String>,
    /// The model version.
    pub model: String,
    /// Whether the predictions were logged.
    pub logged: bool,
    /// Predictions as CSV text, when no output file was named.
    pub csv: Option<String>,
    /// The file written.
    #[schema(value_type = Option<String>)]
    pub output: Option<PathBuf>,
}

/// Show what is live: traffic, the live metric with its interval, drift per column.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Live {
    /// Look back this many days.
    #[arg(long, default_value_t = 30)]
    #[serde(default = "thirty")]
    pub days: u32,
}

pub(crate) fn thirty() -> u32 {
    30
}

/// What is live.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LivePage {
    /// The endpoint's name.
    pub endpoint: String,
    /// Who is on duty.
    pub on_duty: Option<String>,
    /// The live release, if any.
    pub release: Option<crate::release::ReleaseLine>,
    /// What callers have to send.
    pub inputs: Vec<InputColumn>,
    /// Predictions by the live release in the window.
    pub predictions: u64,
    /// Those of them whose outcome is known.
    pub outcomes: u64,
    /// Those of them that the metrics are computed on: all, or of very many a sample spread evenly over the window.
    pub measured: u64,
    /// Predictions per bucket of time.
    pub traffic: Vec<TrafficBucket>,
    /// The live metrics over the window, each with its interval.
    pub metrics: Vec<remuda_model::run::MetricValue>,
    /// What the newest predictions' own scores let expect, and with outcomes at hand an interval for all predictions
    /// (method `prediction-powered mean`). Advisory: it holds while scores mean what they meant at the evaluation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expected: Vec<remuda_model::run::MetricValue>,
    /// The first of them per bucket of time (by prediction time), oldest first.
    pub metric_history: Vec<MetricBucket>,
    /// How each input drifts against the training version.
    pub drift: Vec<ColumnDrift>,
    /// Inputs whose drift is not measured: long texts that are nearly all different, or one value only in training.
    #[serde(default)]
    pub unwatched: Vec<String>,
    /// How the predicted labels drift, in the same measure.
    pub labels: Vec<LabelShare>,
    /// What somebody on duty should look at.
    pub alerts: Vec<Alert>,
    /// Who went live when.
    pub history: Vec<crate::release::Promotion>,
    /// Start of the window, microseconds since 1970.
    pub since: i64,
    /// End of the window.
    pub until: i64,
}

/// One input of the endpoint.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct InputColumn {
    /// Its name.
    pub name: String,
    /// Its type, from the contract.
    pub column_type: ColumnType,
    /// A value must be sent.
    pub required: bool,
}

/// Predictions in one stretch of time.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TrafficBucket {
    /// Start, microseconds since 1970.
    pub start: i64,
    /// Length in microseconds.
    pub width: i64,
    /// Predictions.
    pub count: u64,
    /// Mean time to answer, in microseconds; 0 for batches.
    pub mean_microseconds: f64,
}

/// The live metric in one stretch of time.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct MetricBucket {
    /// Start, microseconds since 1970.
    pub start: i64,
    /// Length in microseconds.
    pub width: i64,
    /// The metric with its interval over rows predicted in this stretch whose outcome is known.
    pub metric: remuda_model::run::MetricValue,
}

/// How one column drifts.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ColumnDrift {
    /// The column.
    pub column: String,
    /// Population stability index against the training version.
    pub distance: f64,
    /// The distance that chance alone explains at these sizes (95 % point).
    pub by_chance: f64,
    /// Probability of such a distance without drift.
    pub p_value: f64,
    /// Live rows.
    pub rows: u64,
    /// The distance is above the threshold and above what chance explains.
    pub drifted: bool,
    /// Share per category or bin: name, training, live.
    pub shares: Vec<Share>,
}

/// A share then and now.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Share {
    /// Category or bin.
    pub name: String,
    /// In the training version, 0 to 1.
    pub training: f64,
    /// Live, 0 to 1.
    pub live: f64,
}

/// How often a label is predicted.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LabelShare {
    /// The label.
    pub label: String,
    /// Share of live predictions.
    pub predicted: f64,
    /// Share of outcomes.
    pub observed: Option<f64>,
}

/// Something to look at.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Alert {
    /// One sentence.
    pub message: String,
    /// A command that shows more or mends it.
    pub command: String,
    /// Which roles it waits for.
    pub roles: Vec<remuda_model::team::Role>,
}
