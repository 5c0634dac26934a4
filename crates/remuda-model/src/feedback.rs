//! Feedback: outcomes, what really happened, joined to predictions by id.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Outcome {
    /// The prediction's id.
    pub prediction: String,
    /// What really happened: a class, or a number as text.
    pub value: String,
    /// When it happened or was seen, microseconds since 1970, if the file says so.
    pub observed: Option<i64>,
}
