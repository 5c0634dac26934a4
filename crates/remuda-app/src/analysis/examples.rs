//! Rows as examples: what a reader needs to understand a mistake, and no more.

use super::judged::Judged;
use crate::gate::Sample;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// Columns of a row that an example shows besides its key.
const COLUMNS: usize = 8;
/// Letters of one value.
const LETTERS: usize = 400;

/// A row with truth and prediction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Example {
    /// Its key, or its place among the rows of the split where the data has none.
    pub id: String,
    /// Its first inputs.
    pub inputs: Vec<Input>,
    /// What is so, by the label.
    pub truth: String,
    /// What the candidate says.
    pub predicted: String,
    /// How sure the candidate is of what it says, 0 to 1; none for numbers and where it gives labels only.
    pub confidence: Option<f64>,
    /// Predicted less true, for numbers.
    pub error: Option<f64>,
}

/// A column and a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Input {
    /// The column.
    pub column: String,
    /// The value as text; empty when missing.
    pub value: String,
}

/// The rows at these places of the sample.
pub(super) fn examples(judged: &Judged, places: impl IntoIterator<Item = usize>) -> Vec<Example> {
    places.into_iter().filter_map(|place| example(judged, place)).collect()
}

/// The row at this place of the sample.
pub(super) fn example(judged: &Judged, place: usize) -> Option<Example> {
    let row = *judged.kept.get(place)?;
    let cells = judged.rows.row_json(row)?;
    let text = |column: &str| match cells.get(column) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.chars().take(LETTERS).collect(),
        Some(other) => other.to_string(),
    };
    let keys = judged.contract.keys();
    let id = if keys.is_empty() {
        format!("row {}", row + 1)
    } else {
        keys.iter().map(|key| text(key)).collect::<Vec<_>>().join(", ")
    };
    let inputs = judged.model.signature.features.iter().take(COLUMNS);
    let inputs = inputs.map(|feature| Input { column: feature.name.clone(), value: text(&feature.name) }).collect();
    let (truth, predicted, confidence, error) = match &judged.sample {
        Sample::Numbers { truth, predicted } => {
            let shown = |value: f64| remuda_model::text::number(value);
            (shown(truth[place]), shown(predicted[place]), None, Some(predicted[place] - truth[place]))
        }
        Sample::Classes(sample) => {
            let chosen = sample.predicted[place] as usize;
            let known = chosen < sample.known;
            let confidence = known.then(|| f64::from(sample.probabilities[place * sample.known + chosen]));
            let name = |class: u32| sample.classes[class as usize].clone();
            (name(sample.truth[place]), name(sample.predicted[place]), confidence, None)
        }
    };
    Some(Example { id, inputs, truth, predicted, confidence, error })
}
