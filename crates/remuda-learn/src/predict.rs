//! What a loaded model is to its callers: inputs, labels, and predictions for a table.

use crate::error::LearnError;
use remuda_model::feature::Feature;
use remuda_model::model::Engine;
use remuda_model::table::Table;
use std::sync::Arc;

/// What a model says about the rows of a table, in row order.
#[derive(Clone, Debug, PartialEq)]
pub enum Predictions {
    /// A class per row.
    Classes {
        /// The classes, in the model's order.
        labels: Arc<[String]>,
        /// Per row an index into `labels`.
        chosen: Vec<u32>,
        /// Row-major, rows x labels.
        probabilities: Vec<f32>,
    },
    /// A number per row.
    Number(Vec<f64>),
}

/// A model that can predict. Cheap to share between threads.
pub trait Predictor: Send + Sync {
    /// The columns that [`Predictor::predict`] reads. A missing text is read as the empty text, a missing number as NaN.
    fn inputs(&self) -> &[Feature];

    /// The classes, or none where the model gives a number.
    fn labels(&self) -> Option<&Arc<[String]>>;

    /// What runs the model.
    fn engine(&self) -> Engine;

    /// Predicts every row. Columns that the model does not read are ignored.
    ///
    /// # Errors
    /// [`LearnError::MissingColumn`], [`LearnError::ColumnType`] and [`LearnError::ColumnShape`] name the column;
    /// [`LearnError::Run`] names the node.
    fn predict(&self, table: &Table) -> Result<Predictions, LearnError>;
}
