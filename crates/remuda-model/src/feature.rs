//! Features: what reaches a model, by name and kind. (SQL feature tables and their tests grow here.)

use crate::data::FeatureKind;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One input of a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Feature {
    /// The column's name.
    pub name: String,
    /// How the model reads it.
    pub kind: FeatureKind,
}
