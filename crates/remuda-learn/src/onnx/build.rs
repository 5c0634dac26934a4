//! Builds ONNX graphs: nodes with fresh output names, constants, the tail that all our classifiers share.

use super::{
    Attribute, Dimension, Entry, FLOAT, Graph, INT64, Model, Node, OperatorSet, STRING, Shape, Tensor, TensorType,
    ValueInfo, ValueType,
};
use prost::Message;
use remuda_model::data::FeatureKind;
use remuda_model::feature::Feature;

/// The domain of the classical operators.
pub(crate) const ML: &str = "ai.onnx.ml";
/// The domain of the tokenizer; ONNX Runtime's own wheel has it.
pub(crate) const MICROSOFT: &str = "com.microsoft";
/// The metadata key under which [`Feature`]s are kept as JSON.
pub(crate) const FEATURES_KEY: &str = "remuda.features";

/// A graph being built.
#[derive(Clone, Debug, Default)]
pub(crate) struct Builder {
    graph: Graph,
    features: Vec<Feature>,
    fresh: usize,
}

impl Builder {
    /// A graph with one input per feature, named as the feature, of shape `[N, 1]`.
    pub(crate) fn new(features: &[Feature]) -> Self {
        let inputs = features.iter().map(|feature| {
            let element = if feature.kind == FeatureKind::Number { FLOAT } else { STRING };
            value_info(&feature.name, element, Some(1))
        });
        let graph = Graph { name: "remuda".to_owned(), inputs: inputs.collect(), ..Graph::default() };
        Builder { graph, features: features.to_vec(), fresh: 0 }
    }

    /// A name that no input has.
    fn name(&mut self, base: &str) -> String {
        loop {
            self.fresh += 1;
            let name = format!("{base}_{}", self.fresh);
            if !self.features.iter().any(|feature| feature.name == name) {
                return name;
            }
        }
    }

    /// Adds a node with one output and returns that output's name.
    pub(crate) fn node(&mut self, domain: &str, operator: &str, inputs: &[&str], attributes: Vec<Attribute>) -> String {
        let output = self.name(&operator.to_lowercase());
        self.graph.nodes.push(Node {
            inputs: inputs.iter().map(|input| (*input).to_owned()).collect(),
            outputs: vec![output.clone()],
            name: format!("make_{output}"),
            operator: operator.to_owned(),
            attributes,
            domain: domain.to_owned(),
        });
        output
    }

    /// Adds a constant of floats.
    pub(crate) fn floats(&mut self, shape: &[usize], values: Vec<f32>) -> String {
        let name = self.name("constant");
        let dims = shape.iter().map(|size| *size as i64).collect();
        self.graph.initializers.push(Tensor {
            dims,
            element: FLOAT,
            floats: values,
            name: name.clone(),
            ..Tensor::default()
        });
        name
    }

    /// Adds a constant list of integers.
    pub(crate) fn ints(&mut self, values: Vec<i64>) -> String {
        let name = self.name("constant");
        let dims = vec![values.len() as i64];
        self.graph.initializers.push(Tensor {
            dims,
            element: INT64,
            int64s: values,
            name: name.clone(),
            ..Tensor::default()
        });
        name
    }

    /// Concatenates columns; a single part passes unchanged.
    pub(crate) fn concatenate(&mut self, parts: &[String]) -> String {
        match parts {
            [only] => only.clone(),
            _ => {
                let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
                self.node("", "Concat", &parts, vec![int("axis", 1)])
            }
        }
    }

    /// The tail of a classifier: probabilities `[N, labels]` to the outputs `label` and `probabilities`.
    pub(crate) fn classes(&mut self, probabilities: &str, labels: &[String]) {
        let chosen = self.node("", "ArgMax", &[probabilities], vec![int("axis", 1), int("keepdims", 0)]);
        let keys = (0..labels.len() as i64).collect();
        let attributes =
            vec![ints("keys_int64s", keys), strings("values_strings", labels), string("default_string", "")];
        let label = self.node(ML, "LabelEncoder", &[&chosen], attributes);
        self.output("label", &label, STRING, None);
        self.output("probabilities", probabilities, FLOAT, Some(labels.len()));
    }

    /// Scores to probabilities: one score per row means the logit of the second of two classes.
    pub(crate) fn probabilities(&mut self, scores: &str, classes: usize) -> String {
        if classes != 2 {
            return self.node("", "Softmax", &[scores], vec![int("axis", 1)]);
        }
        let second = self.node("", "Sigmoid", &[scores], Vec::new());
        let one = self.floats(&[1], vec![1.0]);
        let first = self.node("", "Sub", &[&one, &second], Vec::new());
        self.node("", "Concat", &[&first, &second], vec![int("axis", 1)])
    }

    /// Declares an output. An `Identity` gives it its public name.
    pub(crate) fn output(&mut self, name: &str, value: &str, element: i32, width: Option<usize>) {
        let mut free = name.to_owned();
        while self.features.iter().any(|feature| feature.name == free) {
            free.push('_');
        }
        self.graph.nodes.push(Node {
            inputs: vec![value.to_owned()],
            outputs: vec![free.clone()],
            name: format!("give_{free}"),
            operator: "Identity".to_owned(),
            ..Node::default()
        });
        self.graph.outputs.push(value_info(&free, element, width));
    }

    /// The model, as bytes that [`crate::load`] and ONNX Runtime read.
    pub(crate) fn finish(self) -> Vec<u8> {
        self.into_model().encode_to_vec()
    }

    /// The model, as a message.
    pub(crate) fn into_model(self) -> Model {
        let set = |domain: &str, version| OperatorSet { domain: domain.to_owned(), version };
        let features = serde_json::to_string(&self.features).unwrap_or_default();
        Model {
            ir_version: 8,
            producer_name: "remuda".to_owned(),
            graph: Some(self.graph),
            operator_sets: vec![set("", 15), set(ML, 3), set(MICROSOFT, 1)],
            metadata: vec![Entry { key: FEATURES_KEY.to_owned(), value: features }],
            functions: Vec::new(),
        }
    }
}

fn value_info(name: &str, element: i32, width: Option<usize>) -> ValueInfo {
    let rows = Dimension { name: Some("N".to_owned()), size: None };
    let width = width.map(|width| Dimension { size: Some(width as i64), name: None });
    let shape = Shape { dimensions: std::iter::once(rows).chain(width).collect() };
    let value_type = ValueType { tensor: Some(TensorType { element, shape: Some(shape) }) };
    ValueInfo { name: name.to_owned(), value_type: Some(value_type) }
}

/// An integer attribute.
pub(crate) fn int(name: &str, value: i64) -> Attribute {
    Attribute { name: name.to_owned(), int: Some(value), kind: 2, ..Attribute::default() }
}

/// A float attribute.
pub(crate) fn float(name: &str, value: f32) -> Attribute {
    Attribute { name: name.to_owned(), float: Some(value), kind: 1, ..Attribute::default() }
}

/// A string attribute.
pub(crate) fn string(name: &str, value: &str) -> Attribute {
    Attribute { name: name.to_owned(), string: Some(value.as_bytes().to_vec()), kind: 3, ..Attribute::default() }
}

/// A list of integers.
pub(crate) fn ints(name: &str, values: Vec<i64>) -> Attribute {
    Attribute { name: name.to_owned(), ints: values, kind: 7, ..Attribute::default() }
}

/// A list of floats.
pub(crate) fn floats(name: &str, values: Vec<f32>) -> Attribute {
    Attribute { name: name.to_owned(), floats: values, kind: 6, ..Attribute::default() }
}

/// A list of strings.
pub(crate) fn strings<S: AsRef<str>>(name: &str, values: &[S]) -> Attribute {
    let values = values.iter().map(|value| value.as_ref().as_bytes().to_vec()).collect();
    Attribute { name: name.to_owned(), strings: values, kind: 8, ..Attribute::default() }
}
