//! What can go wrong while learning, loading or predicting. One enum; every message says what to do next.

use thiserror::Error;

/// An error of this crate.
#[derive(Debug, Error)]
pub enum LearnError {
    /// Training was asked for on a table without rows.
    #[error("cannot train: the table has no rows; check the split and the filter of the training data")]
    NoRows,
    /// Training was asked for without any feature.
    #[error("cannot train: no feature is named; mark at least one column as a feature")]
    NoFeatures,
    /// Every training row has the same class.
    #[error("cannot train: every row has the label `{label}`; add rows of another class, or use `majority`")]
    OneClass {
        /// The only class.
        label: String,
    },
    /// The target does not fit the table.
    #[error("cannot train: the label column is unusable: {problem}")]
    Target {
        /// What is wrong.
        problem: String,
    },
    /// Two features have one name, or a name that ONNX cannot carry.
    #[error("cannot train: feature `{feature}` {problem}")]
    Feature {
        /// The feature's name.
        feature: String,
        /// What is wrong.
        problem: String,
    },
    /// A parameter that the learner does not know.
    #[error("unknown parameter `{name}` for `{algorithm}`; known: {known}")]
    UnknownParameter {
        /// The parameter's name.
        name: String,
        /// The learner.
        algorithm: &'static str,
        /// The known names.
        known: String,
    },
    /// A parameter of the wrong type or out of range.
    #[error("parameter `{name}` must be {expected}, but is {found}; known: {known}")]
    IllTypedParameter {
        /// The parameter's name.
        name: String,
        /// What it must be.
        expected: String,
        /// What was given.
        found: String,
        /// The known names.
        known: String,
    },
    /// A column that the model reads is not in the table.
    #[error("column `{column}` is missing; the model reads {known}")]
    MissingColumn {
        /// The column's name.
        column: String,
        /// All columns that the model reads.
        known: String,
    },
    /// A column has the wrong type, or a value that its type cannot hold.
    #[error("column `{column}` must hold {expected}, but holds {found}")]
    ColumnType {
        /// The column's name.
        column: String,
        /// What the model reads.
        expected: &'static str,
        /// What the table has.
        found: &'static str,
    },
    /// A table whose columns differ in length, or whose texts have a code outside their dictionary.
    #[error("column `{column}` is malformed: {problem}")]
    ColumnShape {
        /// The column's name.
        column: String,
        /// What is wrong.
        problem: String,
    },
    /// The bytes are no ONNX model.
    #[error("the model is no readable ONNX file; export it again")]
    Unreadable(#[source] prost::DecodeError),
    /// Operators outside the allow-list.
    #[error("{} not among those that remuda runs itself", operators_are(.operators))]
    OperatorsNotAllowed {
        /// Domain and name of each, once.
        operators: Vec<String>,
    },
    /// ONNX Runtime is not there, or not usable.
    #[error("ONNX Runtime is not at hand: {problem}")]
    RuntimeMissing {
        /// Where it was sought and what went wrong.
        problem: String,
    },
    /// ONNX Runtime refuses the model.
    #[error("ONNX Runtime refuses the model: {problem}")]
    RuntimeRefuses {
        /// What it says.
        problem: String,
    },
    /// What was declared about a model's inputs or outputs does not fit it.
    #[error("the model cannot be read as declared: {problem}")]
    Reading {
        /// What does not fit.
        problem: String,
    },
    /// The model is ONNX, but contradicts the specification or our limits.
    #[error("the model is malformed at {place}: {problem}; export it again")]
    Malformed {
        /// Where: the graph, an input, or a node.
        place: String,
        /// What is wrong.
        problem: String,
    },
    /// A node met values that it cannot work on.
    #[error("the model failed at {place}: {problem}")]
    Run {
        /// The node.
        place: String,
        /// What is wrong.
        problem: String,
    },
    /// The model no longer gives the outputs it was packaged with.
    #[error("golden row {row} differs: {problem}; the model or the engine is not the one that was packaged")]
    Golden {
        /// The row, from 0.
        row: usize,
        /// What differs.
        problem: String,
    },
}

impl LearnError {
    /// A contradiction in the model at this place.
    pub(crate) fn malformed(place: impl Into<String>, problem: impl Into<String>) -> Self {
        LearnError::Malformed { place: place.into(), problem: problem.into() }
    }
}

fn operators_are(operators: &[String]) -> String {
    let quoted: Vec<String> = operators.iter().take(20).map(|operator| format!("`{operator}`")).collect();
    let list = remuda_model::text::list(&quoted);
    if operators.len() == 1 { format!("operator {list} is") } else { format!("operators {list} are") }
}
