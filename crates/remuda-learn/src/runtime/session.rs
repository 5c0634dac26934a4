//! A model on ONNX Runtime: columns to tensors, one run per block of rows, tensors to predictions.

use super::OnnxRuntime;
use super::classes::find_classes;
use super::library::{environment, guarded};
use crate::error::LearnError;
use crate::evaluate::BLOCK;
use crate::evaluate::inputs::Inputs;
use crate::evaluate::outputs::{Heads, find_outputs};
use crate::evaluate::value::{Dense, Dictionary, Texts, Value};
use crate::onnx::INT32;
use crate::predict::{Predictions, Predictor};
use crate::reading::{Reading, decode};
use ort::session::{Session, SessionInputValue};
use ort::value::{DynMapValueType, DynValue, Shape, Tensor, TensorElementType, ValueType};
use remuda_model::feature::Feature;
use remuda_model::model::Engine;
use remuda_model::table::Table;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

/// A loaded model.
struct Running {
    inputs: Inputs,
    /// The outputs that are read: label and scores, or the scores alone.
    outputs: Vec<String>,
    heads: Heads,
    /// Runs take turns: the binding forbids two at once in one session.
    session: Mutex<Session>,
}

/// Loads a model. A trial row is run, so a model that loads has run once.
pub(super) fn load(onnx: &[u8], runtime: &OnnxRuntime) -> Result<Arc<dyn Predictor>, LearnError> {
    let model = decode(onnx)?;
    let graph = model.graph.as_ref().ok_or_else(|| LearnError::malformed("the model", "it has no graph"))?;
    let reading = Reading::of(&model)?;
    let inputs = Inputs::read(&model, graph, &reading)?;
    let (label, scores) = find_outputs(graph)?;
    let classes = find_classes(graph, label, scores);
    let heads = Heads::new(classes.as_ref().filter(|_| label.is_some()), label.is_some(), &reading)?;
    let label = label.filter(|_| heads.words.is_some());
    let outputs = label.into_iter().chain([scores]).map(str::to_owned).collect();
    let environment = environment(runtime)?;
    let refused = |problem: String| LearnError::RuntimeRefuses { problem: short(&problem) };
    let session = guarded(|| open(&environment, onnx)).and_then(|opened| opened).map_err(refused)?;
    let running = Running { inputs, outputs, heads, session: Mutex::new(session) };
    running.predict(&running.inputs.trial())?;
    Ok(Arc::new(running))
}

/// One thread per session: tables are small work, rows come in blocks, and sums keep their order.
fn open(environment: &ort::environment::Environment, onnx: &[u8]) -> Result<Session, String> {
    let builder = Session::builder(environment).map_err(|error| error.to_string())?;
    let builder = builder.with_intra_threads(1).map_err(|error| error.to_string())?;
    let builder = builder.with_log_level(ort::logging::LogLevel::Fatal);
    builder.map_err(|error| error.to_string())?.commit_from_memory(onnx).map_err(|error| error.to_string())
}

/// What the library says, in one line that is not endless.
fn short(problem: &str) -> String {
    let line = problem.lines().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= 400 { line } else { line.chars().take(399).chain(['…']).collect() }
}

impl Running {
    fn block(&self, table: &Table, columns: &[usize], rows: Range<usize>) -> Result<Predictions, LearnError> {
        let count = rows.len();
        let values = self.inputs.values(table, columns, rows)?;
        let failed = |problem: String| LearnError::Run { place: "ONNX Runtime".to_owned(), problem: short(&problem) };
        let values = guarded(|| self.run(values)).and_then(|run| run).map_err(failed)?;
        self.heads.predictions(values, count)
    }

    fn run(&self, values: Vec<Value>) -> Result<Vec<Value<'static>>, String> {
        let mut fed: Vec<(Cow<str>, SessionInputValue)> = Vec::with_capacity(values.len());
        for (input, value) in self.inputs.inputs.iter().zip(values) {
            fed.push((Cow::from(&input.name), tensor(value, input.element)?.into()));
        }
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let given = session.run(fed).map_err(|error| error.to_string())?;
        self.outputs
            .iter()
            .map(|name| self.value(given.get(name).ok_or_else(|| format!("it gave no `{name}`"))?))
            .collect()
    }

    fn value(&self, given: &DynValue) -> Result<Value<'static>, String> {
        let said = |error: ort::Error| error.to_string();
        match given.dtype() {
            ValueType::Tensor { ty: TensorElementType::Float32, .. } => {
                let (shape, data) = given.try_extract_tensor::<f32>().map_err(said)?;
                Ok(Value::Float(dense(shape, data.to_vec())))
            }
            ValueType::Tensor { ty: TensorElementType::Float64, .. } => {
                let (shape, data) = given.try_extract_tensor::<f64>().map_err(said)?;
                Ok(Value::Double(dense(shape, data.to_vec())))
            }
            ValueType::Tensor { ty: TensorElementType::Int64, .. } => {
                let (shape, data) = given.try_extract_tensor::<i64>().map_err(said)?;
                Ok(Value::Int(dense(shape, data.to_vec())))
            }
            ValueType::Tensor { ty: TensorElementType::Int32, .. } => {
                let (shape, data) = given.try_extract_tensor::<i32>().map_err(said)?;
                Ok(Value::Int(dense(shape, data.iter().map(|value| i64::from(*value)).collect())))
            }
            ValueType::Tensor { ty: TensorElementType::String, .. } => {
                let (shape, data) = given.try_extract_strings().map_err(said)?;
                let texts = remuda_model::table::Texts::from_values(data.iter().map(Some));
                let dictionary = Dictionary::Shared(texts.dictionary.into());
                Ok(Value::Text(Texts { shape: sizes(shape), dictionary, codes: texts.codes }))
            }
            ValueType::Sequence(_) => self.maps(given),
            other => Err(format!("an output is {other}, which is neither label nor scores")),
        }
    }

    /// One map per row, from class to probability: what `ZipMap` makes.
    fn maps(&self, given: &DynValue) -> Result<Value<'static>, String> {
        let unreadable =
            "its scores are a sequence, but not of maps from class to probability; export it without ZipMap";
        let width = self.heads.labels.as_ref().map_or(0, |labels| labels.len());
        let maps = given.try_extract_sequence::<DynMapValueType>().map_err(|_| unreadable.to_owned())?;
        let mut data = vec![0.0_f32; maps.len() * width];
        for (row, map) in maps.iter().enumerate() {
            let pairs: Vec<(String, f32)> = match map.try_extract_key_values::<String, f32>() {
                Ok(pairs) => pairs,
                Err(_) => {
                    let pairs = map.try_extract_key_values::<i64, f32>().map_err(|_| unreadable.to_owned())?;
                    pairs.into_iter().map(|(key, score)| (key.to_string(), score)).collect()
                }
            };
            for (key, score) in pairs {
                let place = self.heads.place_of(&key).ok_or_else(|| format!("ZipMap names a class `{key}`"))?;
                data[row * width + place] = score;
            }
        }
        Ok(Value::Float(Dense { shape: vec![maps.len(), width], data }))
    }
}

fn sizes(shape: &Shape) -> Vec<usize> {
    shape.iter().map(|size| usize::try_from(*size).unwrap_or(0)).collect()
}

fn dense<T>(shape: &Shape, data: Vec<T>) -> Dense<T> {
    Dense { shape: sizes(shape), data }
}

/// A value as a tensor of the input's own element type.
fn tensor(value: Value, element: i32) -> Result<DynValue, String> {
    let made = match value {
        Value::Float(dense) => Tensor::from_array((dense.shape, dense.data)).map(Tensor::into_dyn),
        Value::Double(dense) => Tensor::from_array((dense.shape, dense.data)).map(Tensor::into_dyn),
        Value::Bool(dense) => Tensor::from_array((dense.shape, dense.data)).map(Tensor::into_dyn),
        Value::Int(dense) if element == INT32 => {
            let small: Result<Vec<i32>, _> = dense.data.iter().map(|value| i32::try_from(*value)).collect();
            let small = small.map_err(|_| "a number is too large for 32 bits".to_owned())?;
            Tensor::from_array((dense.shape, small)).map(Tensor::into_dyn)
        }
        Value::Int(dense) => Tensor::from_array((dense.shape, dense.data)).map(Tensor::into_dyn),
        Value::Text(texts) => {
            let (known, missing) = (texts.dictionary.texts(), Arc::<str>::from(""));
            let word = |code: &u32| known.get(*code as usize).unwrap_or(&missing).clone();
            let words: Vec<Arc<str>> = texts.codes.iter().map(word).collect();
            Tensor::from_string_array((texts.shape.clone(), words.as_slice())).map(Tensor::into_dyn)
        }
        Value::Tokens(_) | Value::Sparse(_) => return Err("a table holds no such values".to_owned()),
    };
    made.map_err(|error| error.to_string())
}

impl Predictor for Running {
    fn inputs(&self) -> &[Feature] {
        &self.inputs.features
    }

    fn labels(&self) -> Option<&Arc<[String]>> {
        self.heads.labels.as_ref()
    }

    fn engine(&self) -> Engine {
        Engine::OnnxRuntime
    }

    fn predict(&self, table: &Table) -> Result<Predictions, LearnError> {
        let columns = self.inputs.columns(table)?;
        let at_once = if self.inputs.one_row { 1 } else { BLOCK };
        let starts = (0..table.rows).step_by(at_once);
        let parts: Result<Vec<Predictions>, LearnError> =
            starts.map(|start| self.block(table, &columns, start..(start + at_once).min(table.rows))).collect();
        Ok(self.heads.join(parts?))
    }
}
