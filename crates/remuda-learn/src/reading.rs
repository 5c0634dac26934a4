//! How a model from elsewhere is read where its file alone does not say it: which columns feed a matrix, how the classes are
//! called, whether its scores are logits. What was declared travels inside the file, as one more entry of its metadata, so
//! that the bytes of a model always say how they are read, wherever they are carried.

use crate::error::LearnError;
use crate::evaluate::operators::lacking;
use crate::onnx::{Entry, Model, STRING};
use prost::Message;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The metadata key under which a [`Reading`] is kept as JSON.
const READING_KEY: &str = "remuda.reading";

/// What was declared about a model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// Columns of inputs that are not called as their only column, in the order of the input.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inputs: BTreeMap<String, Vec<String>>,
    /// Names of the classes, in the order of the scores; empty: the model's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
    /// The scores are logits: they become probabilities by softmax, or by the logistic function where there is one per row.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub logits: bool,
}

/// What a model asks for, as far as its file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// Its inputs, in order.
    pub inputs: Vec<ModelInput>,
    /// What was declared about it before.
    pub reading: Reading,
    /// The operators that our evaluator lacks.
    pub lacking: Vec<String>,
}

/// One input of a graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelInput {
    /// Its name.
    pub name: String,
    /// How many columns it has; none where the file leaves it open.
    pub columns: Option<usize>,
    /// It holds texts, not numbers.
    pub texts: bool,
}

/// Looks at a model without running it.
///
/// # Errors
/// [`LearnError::Unreadable`] and [`LearnError::Malformed`] for broken files.
pub fn inspect(onnx: &[u8]) -> Result<Inspection, LearnError> {
    let model = decode(onnx)?;
    let graph = model.graph.as_ref().ok_or_else(|| LearnError::malformed("the model", "it has no graph"))?;
    let mut inputs = Vec::new();
    for input in graph.inputs.iter().filter(|input| !graph.initializers.iter().any(|known| known.name == input.name)) {
        let tensor = input.value_type.as_ref().and_then(|value_type| value_type.tensor.as_ref());
        let dimensions = tensor.and_then(|tensor| tensor.shape.as_ref()).map_or(&[][..], |shape| &shape.dimensions);
        let columns = match dimensions {
            [_] => Some(1),
            [_, width] => width.size.and_then(|size| usize::try_from(size).ok()).filter(|size| *size > 0),
            _ => None,
        };
        let texts = tensor.is_some_and(|tensor| tensor.element == STRING);
        inputs.push(ModelInput { name: input.name.clone(), columns, texts });
    }
    Ok(Inspection { inputs, reading: Reading::of(&model)?, lacking: lacking(&graph.nodes) })
}

/// The model with this declared about it. A model that says so already stays as it is, byte for byte.
///
/// # Errors
/// [`LearnError::Unreadable`] for bytes that are no model; [`LearnError::Reading`] where the file declares something else.
pub fn with_reading(onnx: &[u8], reading: &Reading) -> Result<Vec<u8>, LearnError> {
    let before = Reading::of(&decode(onnx)?)?;
    if before == *reading {
        return Ok(onnx.to_vec());
    }
    let mut bytes = onnx.to_vec();
    if before != Reading::default() {
        // What we once declared lies at the very end, where it was appended.
        let declared = entry(&before);
        if !bytes.ends_with(&declared) {
            let problem = format!("its metadata has another `{READING_KEY}` in its middle; export it again");
            return Err(LearnError::Reading { problem });
        }
        bytes.truncate(bytes.len() - declared.len());
    }
    if *reading != Reading::default() {
        // Protocol Buffers read a message that follows another as more of the same: lists grow, all else stays.
        bytes.extend(entry(reading));
    }
    Ok(bytes)
}

fn entry(reading: &Reading) -> Vec<u8> {
    let value = serde_json::to_string(reading).unwrap_or_default();
    let entry = Entry { key: READING_KEY.to_owned(), value };
    Model { metadata: vec![entry], ..Model::default() }.encode_to_vec()
}

/// The message in these bytes. No engine opens other files for a model, so it must be whole.
pub(crate) fn decode(onnx: &[u8]) -> Result<Model, LearnError> {
    let model = Model::decode(onnx).map_err(LearnError::Unreadable)?;
    if model.reaches_outside() {
        return Err(LearnError::malformed("the model", "its data lies in another file; export it as one"));
    }
    Ok(model)
}

impl Reading {
    /// What a model's metadata declares.
    pub(crate) fn of(model: &Model) -> Result<Self, LearnError> {
        let Some(entry) = model.metadata.iter().find(|entry| entry.key == READING_KEY) else {
            return Ok(Self::default());
        };
        serde_json::from_str(&entry.value).map_err(|error| LearnError::Reading {
            problem: format!("the entry `{READING_KEY}` of its metadata is unreadable ({error})"),
        })
    }

    /// The names of an input's columns.
    pub(crate) fn columns_of(&self, input: &str) -> Option<&[String]> {
        self.inputs.get(input).map(Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

    use super::*;
    use crate::onnx::build::Builder;
    use remuda_model::data::FeatureKind;
    use remuda_model::feature::Feature;

    #[test]
    fn what_is_declared_travels_in_the_file_and_can_be_taken_back() {
        let feature = Feature { name: "age".to_owned(), kind: FeatureKind::Number };
        let plain = Builder::new(&[feature]).finish();
        let declared = Reading { classes: vec!["no".to_owned(), "yes".to_owned()], ..Reading::default() };
        let marked = with_reading(&plain, &declared).unwrap();
        assert!(marked.starts_with(&plain), "all else stays as it was");
        assert_eq!(inspect(&marked).unwrap().reading, declared);
        assert_eq!(with_reading(&marked, &declared).unwrap(), marked);
        let again = Reading { logits: true, ..declared };
        let changed = with_reading(&marked, &again).unwrap();
        assert_eq!(inspect(&changed).unwrap().reading, again);
        assert_eq!(with_reading(&changed, &Reading::default()).unwrap(), plain);
    }
}
