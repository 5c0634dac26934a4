//! Reads the attributes and constants of ONNX nodes, with the node's name in each complaint.

use crate::error::LearnError;
use crate::evaluate::value::{Dense, Dictionary, Texts, Value};
use crate::onnx::{Attribute, BOOL, DOUBLE, FLOAT, INT32, INT64, Node, STRING, Tensor};
use std::sync::Arc;

/// The attributes of one node.
#[derive(Clone, Copy)]
pub(crate) struct Attributes<'a> {
    /// The node.
    pub(crate) node: &'a Node,
}

impl Attributes<'_> {
    fn get(&self, name: &str) -> Option<&Attribute> {
        self.node.attributes.iter().find(|attribute| attribute.name == name)
    }

    /// A contradiction at this node.
    pub(crate) fn malformed(&self, problem: impl Into<String>) -> LearnError {
        LearnError::malformed(place(self.node), problem)
    }

    /// Whether the attribute is there.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// An integer, or the default.
    pub(crate) fn int(&self, name: &str, default: i64) -> i64 {
        self.get(name).and_then(|attribute| attribute.int).unwrap_or(default)
    }

    /// A float, or the default.
    pub(crate) fn float(&self, name: &str, default: f32) -> f32 {
        self.get(name).and_then(|attribute| attribute.float).unwrap_or(default)
    }

    /// A text, or the default.
    pub(crate) fn string(&self, name: &str, default: &str) -> Result<String, LearnError> {
        match self.get(name).and_then(|attribute| attribute.string.as_ref()) {
            None => Ok(default.to_owned()),
            Some(bytes) => self.text(name, bytes),
        }
    }

    /// Floats; none where absent.
    pub(crate) fn floats(&self, name: &str) -> &[f32] {
        self.get(name).map_or(&[], |attribute| &attribute.floats)
    }

    /// Integers; none where absent.
    pub(crate) fn ints(&self, name: &str) -> &[i64] {
        self.get(name).map_or(&[], |attribute| &attribute.ints)
    }

    /// Texts; none where absent.
    pub(crate) fn strings(&self, name: &str) -> Result<Vec<String>, LearnError> {
        let bytes = self.get(name).map_or(&[][..], |attribute| &attribute.strings);
        bytes.iter().map(|bytes| self.text(name, bytes)).collect()
    }

    /// A tensor, if there.
    pub(crate) fn tensor(&self, name: &str) -> Result<Option<Value<'static>>, LearnError> {
        match self.get(name).and_then(|attribute| attribute.tensor.as_ref()) {
            None => Ok(None),
            Some(tensor) => constant(tensor).map(Some).map_err(|problem| self.malformed(problem)),
        }
    }

    /// An integer that counts something, or the default.
    pub(crate) fn count(&self, name: &str, default: usize) -> Result<usize, LearnError> {
        match self.get(name).and_then(|attribute| attribute.int) {
            None => Ok(default),
            Some(value) => usize::try_from(value).map_err(|_| self.malformed(format!("`{name}` is {value}"))),
        }
    }

    fn text(&self, name: &str, bytes: &[u8]) -> Result<String, LearnError> {
        String::from_utf8(bytes.to_vec()).map_err(|_| self.malformed(format!("`{name}` is not UTF-8")))
    }
}

/// The name of a node in messages.
pub(crate) fn place(node: &Node) -> String {
    let name = if node.name.is_empty() { node.outputs.first().map_or("", String::as_str) } else { &node.name };
    format!("node `{}` ({})", shorten(name), shorten(&node.operator))
}

/// Names come from a file that may be hostile: keep messages short.
pub(crate) fn shorten(name: &str) -> String {
    if name.chars().count() <= 80 { name.to_owned() } else { name.chars().take(79).chain(['…']).collect() }
}

/// A constant of the graph as a value.
pub(crate) fn constant(tensor: &Tensor) -> Result<Value<'static>, String> {
    if tensor.location != 0 {
        return Err("its data lies in another file".to_owned());
    }
    let sizes: Result<Vec<usize>, _> = tensor.dims.iter().map(|size| usize::try_from(*size)).collect();
    let shape = sizes.map_err(|_| "a dimension is negative".to_owned())?;
    // The elements must be in the file, so only the product has to be sound.
    let count = shape.iter().try_fold(1_usize, |product, size| product.checked_mul(*size)).ok_or("it is too large")?;
    let raw = tensor.raw.as_deref();
    let value = match tensor.element {
        FLOAT => Value::Float(Dense { shape, data: numbers(raw, &tensor.floats, f32::from_le_bytes)? }),
        DOUBLE => Value::Double(Dense { shape, data: numbers(raw, &tensor.doubles, f64::from_le_bytes)? }),
        INT64 => Value::Int(Dense { shape, data: numbers(raw, &tensor.int64s, i64::from_le_bytes)? }),
        INT32 => {
            let data = numbers(raw, &tensor.int32s, i32::from_le_bytes)?;
            Value::Int(Dense { shape, data: data.into_iter().map(i64::from).collect() })
        }
        BOOL => {
            let data = match raw {
                Some(bytes) => bytes.iter().map(|byte| *byte != 0).collect(),
                None => tensor.int32s.iter().map(|value| *value != 0).collect(),
            };
            Value::Bool(Dense { shape, data })
        }
        STRING => {
            let texts: Result<Vec<Arc<str>>, _> =
                tensor.strings.iter().map(|bytes| std::str::from_utf8(bytes).map(Arc::from)).collect();
            let dictionary: Arc<[Arc<str>]> = texts.map_err(|_| "a text is not UTF-8".to_owned())?.into();
            let codes = (0..dictionary.len() as u32).collect();
            Value::Text(Texts { shape, dictionary: Dictionary::Shared(dictionary), codes })
        }
        other => return Err(format!("element type {other} is not supported")),
    };
    if length(&value) == count { Ok(value) } else { Err(format!("it has {} elements, not {count}", length(&value))) }
}

fn length(value: &Value) -> usize {
    match value {
        Value::Float(dense) => dense.data.len(),
        Value::Double(dense) => dense.data.len(),
        Value::Int(dense) => dense.data.len(),
        Value::Bool(dense) => dense.data.len(),
        Value::Text(texts) => texts.codes.len(),
        Value::Tokens(_) | Value::Sparse(_) => 0,
    }
}

fn numbers<T: Copy, const SIZE: usize>(
    raw: Option<&[u8]>,
    typed: &[T],
    read: fn([u8; SIZE]) -> T,
) -> Result<Vec<T>, String> {
    let Some(bytes) = raw else { return Ok(typed.to_vec()) };
    let (chunks, rest) = bytes.as_chunks::<SIZE>();
    if !rest.is_empty() {
        return Err("its raw data is cut off".to_owned());
    }
    Ok(chunks.iter().map(|chunk| read(*chunk)).collect())
}
