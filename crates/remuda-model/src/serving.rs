//! Serving: endpoint settings, traffic, predictions.

use crate::model::registered::FollowedAlias;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `serving.toml`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Serving {
    /// The endpoint's name: the model name in the Open Inference Protocol.
    pub endpoint: String,
    /// The member or role that answers alerts.
    pub on_duty: Option<String>,
    /// When drift is called: the column's distance must exceed this, besides what chance explains.
    pub drift_distance: f64,
    /// The alias of a registered model that the endpoint follows: it moves only with what is live.
    #[serde(default)]
    pub alias: Option<FollowedAlias>,
}

impl Serving {
    /// The settings of a product that has no `serving.toml`.
    pub fn usual(product: &str) -> Self {
        Self { endpoint: product.to_owned(), on_duty: None, drift_distance: 0.1, alias: None }
    }
}

/// One logged prediction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PredictionRecord {
    /// The id that outcomes refer to: the caller's, else one of ours.
    pub id: String,
    /// The release's digest.
    pub release: String,
    /// Microseconds since 1970, UTC.
    pub time: i64,
    /// The class, or the number as text.
    pub label: String,
    /// Probability of the positive class (binary) or of `label`; the number itself for regression.
    pub score: f64,
    /// The inputs as one JSON object.
    pub inputs: String,
    /// How long the answer took, in microseconds; 0 in a batch.
    pub microseconds: i64,
}
