//! Operators on columns of numbers: `Scaler`, `Imputer`, `Normalizer`.

use crate::error::LearnError;
use crate::evaluate::attributes::Attributes;
use crate::evaluate::value::{Dense, Problem, Sparse, Value, rows_and_width};

/// `Scaler`: `(x - offset) * scale`.
#[derive(Debug)]
pub(crate) struct Scaler {
    offset: Vec<f32>,
    scale: Vec<f32>,
}

impl Scaler {
    /// Reads the attributes.
    pub(crate) fn read(attributes: Attributes) -> Self {
        Scaler { offset: attributes.floats("offset").to_vec(), scale: attributes.floats("scale").to_vec() }
    }

    /// Scales each column.
    pub(crate) fn run(&self, input: &Value) -> Result<Value<'static>, Problem> {
        let mut output = input.floats()?.into_owned();
        let (_, width) = rows_and_width(&output.shape);
        let fits = |list: &[f32]| list.len() == 1 || list.len() == width;
        if !fits(&self.offset) || !fits(&self.scale) {
            return Err(format!("offset or scale does not fit {width} columns"));
        }
        for row in output.data.chunks_exact_mut(width.max(1)) {
            for (column, value) in row.iter_mut().enumerate() {
                *value = (*value - pick(&self.offset, column)) * pick(&self.scale, column);
            }
        }
        Ok(Value::Float(output))
    }
}

/// `Imputer`: one value stands for "missing" and is replaced.
#[derive(Debug)]
pub(crate) struct Imputer {
    with: Vec<f32>,
    missing: f32,
}

impl Imputer {
    /// Reads the attributes (floats, or integers as floats).
    pub(crate) fn read(attributes: Attributes) -> Result<Self, LearnError> {
        let mut with = attributes.floats("imputed_value_floats").to_vec();
        let mut missing = attributes.float("replaced_value_float", 0.0);
        if with.is_empty() {
            with = attributes.ints("imputed_value_int64s").iter().map(|value| *value as f32).collect();
            missing = attributes.int("replaced_value_int64", 0) as f32;
        }
        if with.is_empty() {
            return Err(attributes.malformed("there is no value to impute"));
        }
        Ok(Imputer { with, missing })
    }

    /// Replaces what is missing.
    pub(crate) fn run(&self, input: &Value) -> Result<Value<'static>, Problem> {
        let mut output = input.floats()?.into_owned();
        let (_, width) = rows_and_width(&output.shape);
        if self.with.len() != 1 && self.with.len() != width {
            return Err(format!("the imputed values do not fit {width} columns"));
        }
        for row in output.data.chunks_exact_mut(width.max(1)) {
            for (column, value) in row.iter_mut().enumerate() {
                if *value == self.missing || (value.is_nan() && self.missing.is_nan()) {
                    *value = pick(&self.with, column);
                }
            }
        }
        Ok(Value::Float(output))
    }
}

fn pick(list: &[f32], column: usize) -> f32 {
    if list.len() == 1 { list[0] } else { list[column] }
}

/// The norm of `Normalizer`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Norm {
    /// The greatest value.
    Greatest,
    /// The sum of magnitudes.
    One,
    /// The Euclidean length.
    Two,
}

impl Norm {
    /// Reads the attribute.
    pub(crate) fn read(attributes: Attributes) -> Result<Self, LearnError> {
        match attributes.string("norm", "MAX")?.as_str() {
            "MAX" => Ok(Norm::Greatest),
            "L1" => Ok(Norm::One),
            "L2" => Ok(Norm::Two),
            other => Err(attributes.malformed(format!("norm {other} is unknown"))),
        }
    }

    fn apply(self, row: &mut [f32]) {
        let length = match self {
            Norm::Greatest => row.iter().copied().fold(f32::NEG_INFINITY, f32::max),
            Norm::One => row.iter().map(|value| value.abs()).sum(),
            Norm::Two => row.iter().map(|value| value * value).sum::<f32>().sqrt(),
        };
        if length != 0.0 {
            row.iter_mut().for_each(|value| *value /= length);
        }
    }

    /// Divides each row by its length.
    pub(crate) fn run(self, input: &Value) -> Result<Value<'static>, Problem> {
        if let (Value::Sparse(sparse), Norm::One | Norm::Two) = (input, self) {
            let mut output: Sparse = sparse.clone();
            for row in 0..output.rows() {
                self.apply(&mut output.values[sparse.offsets[row]..sparse.offsets[row + 1]]);
            }
            return Ok(Value::Sparse(output));
        }
        let mut output: Dense<f32> = input.floats()?.into_owned();
        let (_, width) = rows_and_width(&output.shape);
        output.data.chunks_exact_mut(width.max(1)).for_each(|row| self.apply(row));
        Ok(Value::Float(output))
    }
}
