//! Features: what reaches a model, by name and kind. (SQL feature tables and their tests grow here.)

use crate::data::FeatureKind;
use serde::{Deserialize, Serialize};

/// One input of a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feature {
    /// The column's name.
    pub name: String,
    /// How the model reads it.
    pub kind: FeatureKind,
}
