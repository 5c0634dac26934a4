//! What the labels of a classifier are called, found in its graph: back from the label to the node that knows the classes.

use crate::evaluate::attributes::{Attributes, constant};
use crate::evaluate::operators::Classes;
use crate::evaluate::value::Value;
use crate::onnx::{Graph, Node};

/// The classes behind the output `label`; else those of the `ZipMap` that makes the output `scores`.
pub(super) fn find_classes(graph: &Graph, label: Option<&str>, scores: &str) -> Option<Classes> {
    let from_label = label.and_then(|label| walk_back(graph, label));
    from_label.or_else(|| maker(graph, scores).filter(|node| node.operator == "ZipMap").and_then(labels_of))
}

fn maker<'a>(graph: &'a Graph, value: &str) -> Option<&'a Node> {
    graph.nodes.iter().find(|node| node.outputs.iter().any(|output| output == value))
}

fn walk_back(graph: &Graph, output: &str) -> Option<Classes> {
    let mut wanted = output;
    // No way back is longer than the graph, so a circle ends too.
    for _ in 0..=graph.nodes.len() {
        let node = maker(graph, wanted)?;
        if let Some(classes) = labels_of(node) {
            return Some(classes);
        }
        let first = node.inputs.first()?;
        match node.operator.as_str() {
            "LabelEncoder" => return encoded(node),
            "ArrayFeatureExtractor" | "Gather" => return listed(graph, first),
            "Identity" | "Cast" | "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" => wanted = first,
            _ => return None,
        }
    }
    None
}

/// The class labels that a classifier names itself.
fn labels_of(node: &Node) -> Option<Classes> {
    Classes::read(Attributes { node }).ok()
}

/// What a `LabelEncoder` makes of places.
fn encoded(node: &Node) -> Option<Classes> {
    let attributes = Attributes { node };
    let texts = attributes.strings("values_strings").ok()?;
    match attributes.ints("values_int64s") {
        [] if texts.is_empty() => None,
        [] => Some(Classes::Text(texts.into_iter().map(Into::into).collect())),
        numbers => Some(Classes::Int(numbers.into())),
    }
}

/// A constant list.
fn listed(graph: &Graph, name: &str) -> Option<Classes> {
    let initial = graph.initializers.iter().find(|tensor| tensor.name == name);
    let by_node = || {
        let node = maker(graph, name).filter(|node| node.operator == "Constant")?;
        node.attributes.iter().find_map(|attribute| attribute.tensor.as_ref())
    };
    match constant(initial.or_else(by_node)?).ok()? {
        Value::Text(texts) => Some(Classes::Text(texts.codes.iter().map(|code| texts.text(*code).into()).collect())),
        Value::Int(numbers) => Some(Classes::Int(numbers.data.into())),
        _ => None,
    }
}
