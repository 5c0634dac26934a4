//! Reading `MLmodel`, the file in which MLflow's clients describe a logged model: which file is its ONNX model, and what
//! its columns are called.

use crate::tree::{self, Node, Value};

/// What an `MLmodel` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MlModel {
    /// The ONNX file, in the same folder; `None` for models of other kinds.
    pub onnx: Option<String>,
    /// The names of its input columns, in order; empty where they have none.
    pub inputs: Vec<String>,
}

/// Reads an `MLmodel`; `None` if it is none.
///
/// ```
/// let text = "flavors:\n  onnx:\n    data: model.onnx\nsignature:\n  inputs: '[{\"type\": \"double\", \"name\": \"age\"}]'\n";
/// let read = remuda_repo::mlmodel::read(text);
/// assert_eq!(read.map(|model| (model.onnx, model.inputs)), Some((Some("model.onnx".into()), vec!["age".into()])));
/// ```
pub fn read(text: &str) -> Option<MlModel> {
    let root = tree::yaml::parse(text).ok()?;
    let flavours = child(&root, "flavors")?;
    let onnx = child(flavours, "onnx").and_then(|flavour| child(flavour, "data")).and_then(words).map(str::to_owned);
    let inputs = child(&root, "signature").and_then(|signature| child(signature, "inputs")).and_then(words);
    Some(MlModel { onnx, inputs: inputs.and_then(names).unwrap_or_default() })
}

fn child<'a>(node: &'a Node, key: &str) -> Option<&'a Node> {
    match &node.value {
        Value::Table(entries) => entries.iter().find(|entry| entry.key == key).map(|entry| &entry.node),
        _ => None,
    }
}

fn words(node: &Node) -> Option<&str> {
    match &node.value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

/// The names in a list of columns, written as JSON; `None` if one has none. JSON is YAML too.
fn names(json: &str) -> Option<Vec<String>> {
    let columns = tree::yaml::parse(json).ok()?;
    let Value::List(columns) = &columns.value else { return None };
    columns.iter().map(|column| child(column, "name").and_then(words).map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::{MlModel, read};

    #[test]
    fn a_description_says_what_the_model_is_or_nothing() {
        let tensors = "flavors: {onnx: {data: m.onnx}}\nsignature: {inputs: '[{\"type\": \"tensor\"}]'}";
        assert_eq!(read(tensors), Some(MlModel { onnx: Some("m.onnx".to_owned()), inputs: Vec::new() }));
        assert_eq!(read("flavors: {sklearn: {}}"), Some(MlModel::default()));
        for odd in ["", "flavours: {}", "[1, 2]", "a: b: c", "flavors: ["] {
            assert_eq!(read(odd), None, "{odd}");
        }
    }
}
