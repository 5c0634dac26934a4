//! The allow-list: every operator that the evaluator runs, compiled from its node once.

pub(crate) mod encoders;
pub(crate) mod linear;
pub(crate) mod plain;
pub(crate) mod scale;
pub(crate) mod text;
pub(crate) mod transform;
pub(crate) mod trees;

use crate::error::LearnError;
use crate::evaluate::attributes::{Attributes, shorten};
use crate::evaluate::value::{Dense, Dictionary, Problem, Texts, Value};
use crate::onnx::Node;
use encoders::{LabelEncoder, OneHot};
use linear::Affine;
use plain::{Arithmetic, Unary};
use scale::{Imputer, Norm, Scaler};
use std::sync::Arc;
use text::{Case, Tokenizer, Vectorizer};
use transform::Transform;
use trees::Forest;

/// One compiled node.
#[derive(Debug)]
pub(crate) enum Operator {
    /// Passes its input on: `Identity`, and `ZipMap`, whose maps nobody needs here.
    Pass,
    /// `Cast` to an element type.
    Cast(i64),
    /// `Reshape` to a constant shape.
    Reshape(Vec<i64>),
    /// `Flatten` at an axis.
    Flatten(usize),
    /// `Concat` along the last axis, which this is, and `FeatureVectorizer`.
    Concat(i64),
    /// `ArgMax` along columns; whether the dimension is kept.
    ArgMax(bool),
    /// `Softmax` along columns.
    Softmax,
    /// `ReduceSum` along columns; whether the dimension is kept.
    Sum(bool),
    /// `IsNaN`.
    IsNan,
    /// Arithmetic of two.
    Arithmetic(Arithmetic),
    /// A function of each element.
    Unary(Unary),
    /// `MatMul` or `Gemm` with constant weights.
    Affine(Affine),
    /// `MatMul` of two varying values.
    MatMul,
    /// `LinearRegressor`.
    LinearRegressor(Affine),
    /// `LinearClassifier`.
    LinearClassifier(Affine, Classes, Transform),
    /// `TreeEnsembleRegressor`.
    TreeRegressor(Box<Forest>),
    /// `TreeEnsembleClassifier`.
    TreeClassifier(Box<Forest>, Classes, Transform),
    /// `Scaler`.
    Scaler(Scaler),
    /// `Imputer`.
    Imputer(Imputer),
    /// `Normalizer`.
    Normalizer(Norm),
    /// `LabelEncoder`.
    LabelEncoder(LabelEncoder),
    /// `OneHotEncoder`.
    OneHot(OneHot),
    /// `OneHotEncoder` of one column followed by its reshape to a matrix.
    OneHotMatrix(OneHot),
    /// `ArrayFeatureExtractor` or `Gather` with constant places; the axis of `Gather` is the last.
    Pick(Vec<i64>),
    /// `ArrayFeatureExtractor` of constant labels with varying places.
    PickLabels(Classes),
    /// `StringNormalizer`.
    Case(Case),
    /// `Tokenizer`.
    Tokenizer(Tokenizer),
    /// `TfIdfVectorizer`.
    Vectorizer(Vectorizer),
}

/// The labels of a classifier.
#[derive(Clone, Debug)]
pub(crate) enum Classes {
    /// Words.
    Text(Arc<[Arc<str>]>),
    /// Numbers.
    Int(Arc<[i64]>),
}

impl Classes {
    /// The class labels among a node's attributes.
    pub(crate) fn read(attributes: Attributes) -> Result<Self, LearnError> {
        let texts = attributes.strings("classlabels_strings")?;
        let mut ints = attributes.ints("classlabels_ints");
        if ints.is_empty() {
            ints = attributes.ints("classlabels_int64s");
        }
        match (texts.is_empty(), ints.is_empty()) {
            (false, true) => Ok(Classes::Text(texts.into_iter().map(Arc::from).collect())),
            (true, false) => Ok(Classes::Int(ints.into())),
            _ => Err(attributes.malformed("exactly one list of class labels is needed")),
        }
    }

    /// How many.
    pub(crate) fn len(&self) -> usize {
        match self {
            Classes::Text(labels) => labels.len(),
            Classes::Int(labels) => labels.len(),
        }
    }

    fn value(&self, shape: Vec<usize>, chosen: Vec<u32>) -> Value<'static> {
        match self {
            Classes::Text(labels) => {
                Value::Text(Texts { shape, dictionary: Dictionary::Shared(labels.clone()), codes: chosen })
            }
            Classes::Int(labels) => {
                Value::Int(Dense { shape, data: chosen.iter().map(|place| labels[*place as usize]).collect() })
            }
        }
    }
}

/// Domain and name of a node's operator.
fn full_name(node: &Node) -> String {
    if node.domain.is_empty() {
        shorten(&node.operator)
    } else {
        shorten(&format!("{}.{}", node.domain, node.operator))
    }
}

/// The operators of these nodes that the allow-list lacks, each once.
pub(crate) fn lacking(nodes: &[Node]) -> Vec<String> {
    let mut lacking = Vec::new();
    for node in nodes.iter().filter(|node| node.operator != "Constant" || !node.domain.is_empty()) {
        // The name decides before anything else does, so no constants are needed to know.
        if matches!(Operator::compile(node, &[]), Err(LearnError::OperatorsNotAllowed { .. })) {
            let name = full_name(node);
            if !lacking.contains(&name) {
                lacking.push(name);
            }
        }
    }
    lacking
}

/// The constants among a node's inputs, by place.
pub(crate) type Constants<'a> = [Option<&'a Value<'static>>];

impl Operator {
    /// Compiles a node, or refuses it by name.
    pub(crate) fn compile(node: &Node, constants: &Constants) -> Result<Self, LearnError> {
        let attributes = Attributes { node };
        let (fewest, most) = match node.operator.as_str() {
            "Concat" | "FeatureVectorizer" => (1, usize::MAX),
            "Add"
            | "Sub"
            | "Mul"
            | "Div"
            | "Min"
            | "Max"
            | "MatMul"
            | "Gather"
            | "ArrayFeatureExtractor"
            | "Reshape" => (2, 2),
            "Gemm" => (2, 3),
            "ReduceSum" => (1, 2),
            _ => (1, 1),
        };
        let operator = match node.domain.as_str() {
            "" | "ai.onnx" => Operator::plain(attributes, constants)?,
            "ai.onnx.ml" => Operator::classical(attributes, constants)?,
            "com.microsoft" if node.operator == "Tokenizer" => Some(Operator::Tokenizer(Tokenizer::read(attributes)?)),
            _ => None,
        };
        let operator = operator.ok_or_else(|| LearnError::OperatorsNotAllowed { operators: vec![full_name(node)] })?;
        if node.inputs.len() < fewest || node.inputs.len() > most {
            return Err(attributes.malformed(format!("it has {} inputs", node.inputs.len())));
        }
        Ok(operator)
    }

    fn plain(attributes: Attributes, constants: &Constants) -> Result<Option<Self>, LearnError> {
        let along_columns = |default: i64| match attributes.int("axis", default) {
            1 | -1 => Ok(()),
            axis => Err(attributes.malformed(format!("axis {axis} is not supported"))),
        };
        let integers = |place: usize| match constants.get(place) {
            Some(Some(Value::Int(dense))) => Ok(dense.data.clone()),
            _ => Err(attributes.malformed("a constant list of integers is needed")),
        };
        Ok(Some(match attributes.node.operator.as_str() {
            "Identity" => Operator::Pass,
            "Cast" => Operator::Cast(attributes.int("to", 0)),
            "Reshape" => Operator::Reshape(integers(1)?),
            "Flatten" => Operator::Flatten(attributes.count("axis", 1)?),
            "Concat" => Operator::Concat(attributes.int("axis", 0)),
            "ArgMax" => along_columns(0).map(|()| Operator::ArgMax(attributes.int("keepdims", 1) != 0))?,
            "Softmax" => along_columns(-1).map(|()| Operator::Softmax)?,
            "ReduceSum" => {
                let axes =
                    if attributes.node.inputs.len() > 1 { integers(1)? } else { attributes.ints("axes").to_vec() };
                if axes != [1] && axes != [-1] {
                    return Err(attributes.malformed("sums are taken along the columns only"));
                }
                Operator::Sum(attributes.int("keepdims", 1) != 0)
            }
            "IsNaN" => Operator::IsNan,
            "Add" => Operator::Arithmetic(Arithmetic::Add),
            "Sub" => Operator::Arithmetic(Arithmetic::Subtract),
            "Mul" => Operator::Arithmetic(Arithmetic::Multiply),
            "Div" => Operator::Arithmetic(Arithmetic::Divide),
            "Min" => Operator::Arithmetic(Arithmetic::Minimum),
            "Max" => Operator::Arithmetic(Arithmetic::Maximum),
            "Sigmoid" => Operator::Unary(Unary::Sigmoid),
            "Relu" => Operator::Unary(Unary::Relu),
            "Tanh" => Operator::Unary(Unary::Tanh),
            "Exp" => Operator::Unary(Unary::Exponential),
            "Neg" => Operator::Unary(Unary::Negate),
            "MatMul" => match constants.get(1) {
                Some(Some(Value::Float(weights))) => {
                    let affine = Affine::new(weights, false, 1.0, None, 0.0);
                    Operator::Affine(affine.map_err(|problem| attributes.malformed(problem))?)
                }
                _ => Operator::MatMul,
            },
            "Gemm" => Operator::gemm(attributes, constants)?,
            "Gather" => along_columns(0).and_then(|()| integers(1)).map(Operator::Pick)?,
            "StringNormalizer" => Operator::Case(Case::read(attributes)?),
            "TfIdfVectorizer" => Operator::Vectorizer(Vectorizer::read(attributes)?),
            _ => return Ok(None),
        }))
    }

    fn gemm(attributes: Attributes, constants: &Constants) -> Result<Self, LearnError> {
        let float = |place: usize| match constants.get(place) {
            Some(Some(Value::Float(dense))) => Ok(dense),
            _ => Err(attributes.malformed("weights and bias must be constant floats")),
        };
        if attributes.int("transA", 0) != 0 {
            return Err(attributes.malformed("a transposed input is not supported"));
        }
        let bias = if attributes.node.inputs.len() > 2 { Some(float(2)?) } else { None };
        let (scale, bias_scale) = (attributes.float("alpha", 1.0), attributes.float("beta", 1.0));
        let affine = Affine::new(float(1)?, attributes.int("transB", 0) != 0, scale, bias, bias_scale);
        affine.map(Operator::Affine).map_err(|problem| attributes.malformed(problem))
    }

    fn classical(attributes: Attributes, constants: &Constants) -> Result<Option<Self>, LearnError> {
        Ok(Some(match attributes.node.operator.as_str() {
            "ZipMap" => Operator::Pass,
            "FeatureVectorizer" => Operator::Concat(-1),
            "Scaler" => Operator::Scaler(Scaler::read(attributes)),
            "Imputer" => Operator::Imputer(Imputer::read(attributes)?),
            "Normalizer" => Operator::Normalizer(Norm::read(attributes)?),
            "LabelEncoder" => Operator::LabelEncoder(LabelEncoder::read(attributes)?),
            "OneHotEncoder" => Operator::OneHot(OneHot::read(attributes)?),
            "ArrayFeatureExtractor" => match (constants.first(), constants.get(1)) {
                (Some(Some(Value::Text(texts))), Some(None)) => {
                    Operator::PickLabels(Classes::Text(texts.dictionary.texts().iter().cloned().collect()))
                }
                (Some(Some(Value::Int(dense))), Some(None)) => {
                    Operator::PickLabels(Classes::Int(dense.data.clone().into()))
                }
                (Some(None), Some(Some(Value::Int(places)))) => Operator::Pick(places.data.clone()),
                _ => return Err(attributes.malformed("either the places or the values must be constant")),
            },
            "LinearRegressor" => {
                if Transform::read(attributes)? != Transform::None {
                    return Err(attributes.malformed("a post transform is not supported"));
                }
                Operator::LinearRegressor(Affine::read(attributes)?)
            }
            "LinearClassifier" => {
                let (affine, classes) = (Affine::read(attributes)?, Classes::read(attributes)?);
                if classes.len() != affine.outputs() && (classes.len(), affine.outputs()) != (2, 1) {
                    return Err(attributes.malformed("class labels and intercepts differ in number"));
                }
                Operator::LinearClassifier(affine, classes, Transform::read(attributes)?)
            }
            "TreeEnsembleRegressor" => {
                if Transform::read(attributes)? != Transform::None {
                    return Err(attributes.malformed("a post transform is not supported"));
                }
                let targets = attributes.count("n_targets", 1)?;
                if targets == 0 || targets > 1 << 16 {
                    return Err(attributes.malformed("the number of targets is impossible"));
                }
                Operator::TreeRegressor(Box::new(Forest::compile(attributes, "target", targets)?))
            }
            "TreeEnsembleClassifier" => {
                let classes = Classes::read(attributes)?;
                let forest = Forest::compile(attributes, "class", classes.len())?;
                Operator::TreeClassifier(Box::new(forest), classes, Transform::read(attributes)?)
            }
            _ => return Ok(None),
        }))
    }

    /// Runs on one block of rows; as many outputs as the operator has.
    pub(crate) fn run<'a>(&self, inputs: &[&Value<'a>]) -> Result<Vec<Value<'a>>, Problem> {
        let input = inputs.first().ok_or("there is no input")?;
        let second = || inputs.get(1).ok_or_else(|| "the second input is missing".to_owned());
        let labelled = |classes: &Classes, (chosen, scores): (Vec<u32>, Dense<f32>)| {
            vec![classes.value(vec![chosen.len()], chosen), Value::Float(scores)]
        };
        Ok(vec![match self {
            Operator::Pass => (*input).clone(),
            Operator::Cast(to) => plain::cast(input, *to)?,
            Operator::Reshape(shape) => plain::reshape(input, shape)?,
            Operator::Flatten(axis) => plain::flatten(input, *axis)?,
            Operator::Concat(axis) => plain::concatenate(inputs, *axis)?,
            Operator::ArgMax(keep) => plain::arg_max(input, *keep)?,
            Operator::Softmax => plain::softmax_rows(input)?,
            Operator::Sum(keep) => plain::sum_rows(input, *keep)?,
            Operator::IsNan => plain::is_nan(input)?,
            Operator::Arithmetic(arithmetic) => arithmetic.run(input, second()?)?,
            Operator::Unary(unary) => unary.run(input)?,
            Operator::Affine(affine) | Operator::LinearRegressor(affine) => Value::Float(affine.run(input)?),
            Operator::MatMul => linear::multiply(input, second()?)?,
            Operator::LinearClassifier(affine, classes, transform) => {
                return Ok(labelled(classes, affine.classify(input, classes.len(), *transform)?));
            }
            Operator::TreeRegressor(forest) => Value::Float(forest.regress(input)?),
            Operator::TreeClassifier(forest, classes, transform) => {
                return Ok(labelled(classes, forest.classify(input, *transform)?));
            }
            Operator::Scaler(scaler) => scaler.run(input)?,
            Operator::Imputer(imputer) => imputer.run(input)?,
            Operator::Normalizer(norm) => norm.run(input)?,
            Operator::LabelEncoder(encoder) => encoder.run(input)?,
            Operator::OneHot(encoder) => encoder.run(input)?,
            Operator::OneHotMatrix(encoder) => encoder.run_sparse(input)?,
            Operator::Pick(places) => encoders::pick(input, places)?,
            Operator::PickLabels(classes) => {
                let Value::Int(places) = second()? else { return Err("integers are needed".to_owned()) };
                let count = classes.len();
                let codes: Option<Vec<u32>> = places
                    .data
                    .iter()
                    .map(|place| u32::try_from(*place).ok().filter(|place| (*place as usize) < count))
                    .collect();
                classes.value(places.shape.clone(), codes.ok_or("a place lies outside the labels")?)
            }
            Operator::Case(case) => case.run(input)?,
            Operator::Tokenizer(tokenizer) => tokenizer.run(input)?,
            Operator::Vectorizer(vectorizer) => vectorizer.run(input)?,
        }])
    }
}
