//! Operators on words: `LabelEncoder`, `OneHotEncoder`, and picking columns.

use crate::error::LearnError;
use crate::evaluate::attributes::Attributes;
use crate::evaluate::value::{Dense, Dictionary, Problem, Sparse, Texts, Value, elements};
use std::collections::HashMap;
use std::sync::Arc;

/// `LabelEncoder`: a table from keys to values. The default lies behind the last value.
#[derive(Debug)]
pub(crate) struct LabelEncoder {
    keys: Keys,
    values: Column,
    default: u32,
}

#[derive(Debug)]
enum Keys {
    Text(HashMap<String, u32>),
    Int(HashMap<i64, u32>),
    /// The integers from 0 on, in order.
    Range(usize),
    /// By bits; -0 is 0 and all NaN are one.
    Float(HashMap<u32, u32>),
}

#[derive(Debug)]
enum Column {
    Text(Arc<[Arc<str>]>),
    Int(Vec<i64>),
    Float(Vec<f32>),
}

impl LabelEncoder {
    /// Reads the attributes of version 2 (lists) or 4 (lists or tensors).
    pub(crate) fn read(attributes: Attributes) -> Result<Self, LearnError> {
        let keys = Keys::read(attributes)?;
        let count = keys.count;
        let values = Column::read(attributes)?;
        if values.len() != count + 1 {
            return Err(attributes.malformed("keys and values differ in number"));
        }
        Ok(LabelEncoder { keys: keys.keys, values, default: count as u32 })
    }

    /// The texts this gives, the default last; none where it gives numbers.
    pub(crate) fn dictionary(&self) -> Option<&Arc<[Arc<str>]>> {
        match &self.values {
            Column::Text(texts) => Some(texts),
            Column::Int(_) | Column::Float(_) => None,
        }
    }

    /// Looks up each element.
    pub(crate) fn run(&self, input: &Value) -> Result<Value<'static>, Problem> {
        let places: Vec<u32> = match (&self.keys, input) {
            (Keys::Text(keys), Value::Text(texts)) => texts.map(|text| keys.get(text).copied().unwrap_or(self.default)),
            (Keys::Range(count), Value::Int(dense)) => {
                let place = |value: &i64| usize::try_from(*value).ok().filter(|value| value < count);
                dense.data.iter().map(|value| place(value).map_or(self.default, |place| place as u32)).collect()
            }
            (Keys::Int(keys), Value::Int(dense)) => {
                dense.data.iter().map(|value| keys.get(value).copied().unwrap_or(self.default)).collect()
            }
            (Keys::Float(keys), Value::Float(dense)) => {
                dense.data.iter().map(|value| keys.get(&bits(*value)).copied().unwrap_or(self.default)).collect()
            }
            _ => return Err(format!("its keys are not {}", input.kind())),
        };
        let shape = input.shape();
        Ok(match &self.values {
            Column::Text(texts) => {
                Value::Text(Texts { shape, dictionary: Dictionary::Shared(texts.clone()), codes: places })
            }
            Column::Int(values) => {
                Value::Int(Dense { shape, data: places.iter().map(|place| values[*place as usize]).collect() })
            }
            Column::Float(values) => {
                Value::Float(Dense { shape, data: places.iter().map(|place| values[*place as usize]).collect() })
            }
        })
    }
}

struct CountedKeys {
    keys: Keys,
    count: usize,
}

impl Keys {
    fn read(attributes: Attributes) -> Result<CountedKeys, LearnError> {
        let tensor = attributes.tensor("keys_tensor")?;
        let (texts, ints, floats) = match &tensor {
            Some(Value::Text(texts)) => {
                (texts.dictionary.texts().iter().map(|text| text.to_string()).collect(), vec![], vec![])
            }
            Some(Value::Int(dense)) => (vec![], dense.data.clone(), vec![]),
            Some(other) => {
                (vec![], vec![], other.floats().map_err(|problem| attributes.malformed(problem))?.data.clone())
            }
            None => (
                attributes.strings("keys_strings")?,
                attributes.ints("keys_int64s").to_vec(),
                attributes.floats("keys_floats").to_vec(),
            ),
        };
        let numbered = |count: usize| 0..count as u32;
        // A repeated key keeps its first value, as in ONNX Runtime.
        Ok(if !texts.is_empty() {
            let count = texts.len();
            CountedKeys { keys: Keys::Text(texts.into_iter().zip(numbered(count)).rev().collect()), count }
        } else if !floats.is_empty() {
            let count = floats.len();
            CountedKeys { keys: Keys::Float(floats.into_iter().map(bits).zip(numbered(count)).rev().collect()), count }
        } else if ints.iter().enumerate().all(|(place, key)| place as i64 == *key) {
            CountedKeys { keys: Keys::Range(ints.len()), count: ints.len() }
        } else {
            let count = ints.len();
            CountedKeys { keys: Keys::Int(ints.into_iter().zip(numbered(count)).rev().collect()), count }
        })
    }
}

fn bits(value: f32) -> u32 {
    if value.is_nan() { f32::NAN.to_bits() } else { (value + 0.0).to_bits() }
}

impl Column {
    fn read(attributes: Attributes) -> Result<Self, LearnError> {
        let broken = |problem: Problem| attributes.malformed(problem);
        let default = attributes.tensor("default_tensor")?;
        match attributes.tensor("values_tensor")? {
            Some(Value::Text(texts)) => {
                return Ok(Column::texts(
                    texts.dictionary.texts().to_vec(),
                    attributes.string("default_string", "_Unused")?,
                ));
            }
            Some(Value::Int(mut dense)) => {
                dense.data.push(if let Some(Value::Int(default)) = &default {
                    default.data.first().copied().unwrap_or(-1)
                } else {
                    attributes.int("default_int64", -1)
                });
                return Ok(Column::Int(dense.data));
            }
            Some(other) => {
                let mut values = other.floats().map_err(broken)?.data.clone();
                let default = default
                    .map(|value| value.floats().map(|value| value.data.first().copied()))
                    .transpose()
                    .map_err(broken)?;
                values.push(default.flatten().unwrap_or_else(|| attributes.float("default_float", -0.0)));
                return Ok(Column::Float(values));
            }
            None => {}
        }
        let texts = attributes.strings("values_strings")?;
        if !texts.is_empty() {
            return Ok(Column::texts(
                texts.into_iter().map(Arc::from).collect(),
                attributes.string("default_string", "_Unused")?,
            ));
        }
        let floats = attributes.floats("values_floats");
        if !floats.is_empty() {
            return Ok(Column::Float(
                floats.iter().copied().chain([attributes.float("default_float", -0.0)]).collect(),
            ));
        }
        let ints = attributes.ints("values_int64s");
        Ok(Column::Int(ints.iter().copied().chain([attributes.int("default_int64", -1)]).collect()))
    }

    fn texts(mut values: Vec<Arc<str>>, default: String) -> Self {
        values.push(Arc::from(default));
        Column::Text(values.into())
    }

    fn len(&self) -> usize {
        match self {
            Column::Text(values) => values.len(),
            Column::Int(values) => values.len(),
            Column::Float(values) => values.len(),
        }
    }
}

/// `OneHotEncoder`: one column per category, all zero for an unknown one.
#[derive(Debug)]
pub(crate) struct OneHot {
    texts: HashMap<String, u32>,
    ints: HashMap<i64, u32>,
    width: usize,
    zeros: bool,
}

impl OneHot {
    /// Reads the attributes.
    pub(crate) fn read(attributes: Attributes) -> Result<Self, LearnError> {
        let texts = attributes.strings("cats_strings")?;
        let ints = attributes.ints("cats_int64s");
        let width = texts.len().max(ints.len());
        if width == 0 || (!texts.is_empty() && !ints.is_empty()) {
            return Err(attributes.malformed("exactly one list of categories is needed"));
        }
        Ok(OneHot {
            texts: texts.into_iter().zip(0..).collect(),
            ints: ints.iter().copied().zip(0..).collect(),
            width,
            zeros: attributes.int("zeros", 1) != 0,
        })
    }

    /// How many categories.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    fn places(&self, input: &Value) -> Result<Vec<u32>, Problem> {
        let places = match input {
            Value::Text(texts) => texts.map(|text| self.texts.get(text).copied().unwrap_or(u32::MAX)),
            Value::Int(dense) => {
                dense.data.iter().map(|value| self.ints.get(value).copied().unwrap_or(u32::MAX)).collect()
            }
            other => {
                let numbers = other.floats()?;
                numbers.data.iter().map(|value| self.ints.get(&(*value as i64)).copied().unwrap_or(u32::MAX)).collect()
            }
        };
        if !self.zeros && places.contains(&u32::MAX) {
            return Err("a category is unknown".to_owned());
        }
        Ok(places)
    }

    /// Appends a dimension of the width of the categories.
    pub(crate) fn run(&self, input: &Value) -> Result<Value<'static>, Problem> {
        let places = self.places(input)?;
        let mut shape = input.shape();
        shape.push(self.width);
        let mut data = vec![0.0; elements(&shape)?];
        for (cells, place) in data.chunks_exact_mut(self.width).zip(places) {
            if let Some(cell) = cells.get_mut(place as usize) {
                *cell = 1.0;
            }
        }
        Ok(Value::Float(Dense { shape, data }))
    }

    /// The same for one column, as a sparse matrix: what `OneHotEncoder` and a reshape to a matrix make of it.
    pub(crate) fn run_sparse(&self, input: &Value) -> Result<Value<'static>, Problem> {
        let mut sparse = Sparse { width: self.width, offsets: vec![0], ..Sparse::default() };
        for place in self.places(input)? {
            if place != u32::MAX {
                sparse.indices.push(place);
                sparse.values.push(1.0);
            }
            sparse.offsets.push(sparse.indices.len());
        }
        Ok(Value::Sparse(sparse))
    }
}

/// `ArrayFeatureExtractor` and `Gather` along the columns: picks these columns; of a list, these elements.
pub(crate) fn pick<'a>(input: &Value<'a>, places: &[i64]) -> Result<Value<'a>, Problem> {
    let shape = input.shape();
    let (rows, width) = match shape.as_slice() {
        [width] => (1, *width),
        [rows, width] => (*rows, *width),
        other => return Err(format!("a matrix is needed, not shape {other:?}")),
    };
    let wrap = |place: &i64| {
        usize::try_from(if *place < 0 { *place + width as i64 } else { *place }).ok().filter(|place| *place < width)
    };
    let places: Option<Vec<usize>> = places.iter().map(wrap).collect();
    let places = places.ok_or_else(|| format!("a column lies outside the {width} that came"))?;
    let shape = vec![rows, places.len()];
    elements(&shape)?;
    Ok(match input {
        Value::Float(dense) => Value::Float(Dense { shape, data: pick_from(&dense.data, rows, width, &places) }),
        Value::Double(dense) => Value::Double(Dense { shape, data: pick_from(&dense.data, rows, width, &places) }),
        Value::Int(dense) => Value::Int(Dense { shape, data: pick_from(&dense.data, rows, width, &places) }),
        Value::Bool(dense) => Value::Bool(Dense { shape, data: pick_from(&dense.data, rows, width, &places) }),
        Value::Text(texts) => Value::Text(Texts {
            shape,
            dictionary: texts.dictionary.clone(),
            codes: pick_from(&texts.codes, rows, width, &places),
        }),
        Value::Sparse(sparse) => {
            Value::Float(Dense { shape, data: pick_from(&sparse.dense()?.data, rows, width, &places) })
        }
        Value::Tokens(_) => return Err("tokens have no columns".to_owned()),
    })
}

fn pick_from<T: Copy>(data: &[T], rows: usize, width: usize, places: &[usize]) -> Vec<T> {
    let mut picked = Vec::with_capacity(rows * places.len());
    for row in 0..rows {
        picked.extend(places.iter().map(|place| data[row * width + place]));
    }
    picked
}
