//! The plain operators: shapes, casts, arithmetic with broadcasting, activations.

use crate::evaluate::operators::transform::{logistic, softmax};
use crate::evaluate::operators::trees::greatest;
use crate::evaluate::value::{Dense, Dictionary, Problem, Sparse, Texts, Value, elements, rows_and_width};
use crate::onnx::{BOOL, DOUBLE, FLOAT, INT32, INT64, STRING};
use std::sync::Arc;

/// An arithmetic operator of two numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Arithmetic {
    /// a + b
    Add,
    /// a - b
    Subtract,
    /// a * b
    Multiply,
    /// a / b
    Divide,
    /// The smaller; NaN where either is.
    Minimum,
    /// The greater; NaN where either is.
    Maximum,
}

/// A function of one number.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unary {
    /// The logistic function.
    Sigmoid,
    /// max(x, 0)
    Relu,
    /// Hyperbolic tangent.
    Tanh,
    /// e^x
    Exponential,
    /// -x
    Negate,
}

impl Arithmetic {
    fn floats(self, left: f32, right: f32) -> f32 {
        match self {
            Arithmetic::Add => left + right,
            Arithmetic::Subtract => left - right,
            Arithmetic::Multiply => left * right,
            Arithmetic::Divide => left / right,
            Arithmetic::Minimum => {
                if left.is_nan() || left < right {
                    left
                } else {
                    right
                }
            }
            Arithmetic::Maximum => {
                if left.is_nan() || left > right {
                    left
                } else {
                    right
                }
            }
        }
    }

    fn doubles(self, left: f64, right: f64) -> f64 {
        match self {
            Arithmetic::Add => left + right,
            Arithmetic::Subtract => left - right,
            Arithmetic::Multiply => left * right,
            Arithmetic::Divide => left / right,
            Arithmetic::Minimum => {
                if left.is_nan() || left < right {
                    left
                } else {
                    right
                }
            }
            Arithmetic::Maximum => {
                if left.is_nan() || left > right {
                    left
                } else {
                    right
                }
            }
        }
    }

    fn ints(self, left: i64, right: i64) -> i64 {
        match self {
            Arithmetic::Add => left.wrapping_add(right),
            Arithmetic::Subtract => left.wrapping_sub(right),
            Arithmetic::Multiply => left.wrapping_mul(right),
            Arithmetic::Divide => left.checked_div(right).unwrap_or(0),
            Arithmetic::Minimum => left.min(right),
            Arithmetic::Maximum => left.max(right),
        }
    }

    /// Applies it with broadcasting.
    pub(crate) fn run(self, left: &Value, right: &Value) -> Result<Value<'static>, Problem> {
        Ok(match (left, right) {
            (Value::Double(left), Value::Double(right)) => {
                Value::Double(broadcast(left, right, |a, b| self.doubles(a, b))?)
            }
            (Value::Int(left), Value::Int(right)) => Value::Int(broadcast(left, right, |a, b| self.ints(a, b))?),
            (Value::Float(_) | Value::Sparse(_), Value::Float(_) | Value::Sparse(_)) => {
                Value::Float(broadcast(&*left.floats()?, &*right.floats()?, |a, b| self.floats(a, b))?)
            }
            _ => return Err(format!("{} and {} cannot be combined", left.kind(), right.kind())),
        })
    }
}

impl Unary {
    /// Applies it to each element.
    pub(crate) fn run(self, input: &Value) -> Result<Value<'static>, Problem> {
        let function = |value: f32| match self {
            Unary::Sigmoid => logistic(value),
            Unary::Relu => {
                if value < 0.0 {
                    0.0
                } else {
                    value
                }
            }
            Unary::Tanh => value.tanh(),
            Unary::Exponential => value.exp(),
            Unary::Negate => -value,
        };
        let input = input.floats()?;
        Ok(Value::Float(Dense {
            shape: input.shape.clone(),
            data: input.data.iter().map(|value| function(*value)).collect(),
        }))
    }
}

fn broadcast<T: Copy>(left: &Dense<T>, right: &Dense<T>, combine: impl Fn(T, T) -> T) -> Result<Dense<T>, Problem> {
    if left.shape == right.shape {
        let data = left.data.iter().zip(&right.data).map(|(a, b)| combine(*a, *b)).collect();
        return Ok(Dense { shape: left.shape.clone(), data });
    }
    let rank = left.shape.len().max(right.shape.len());
    let mut shape = vec![1; rank];
    for (place, size) in shape.iter_mut().enumerate() {
        let of = |dense: &Dense<T>| (place + dense.shape.len()).checked_sub(rank).map_or(1, |at| dense.shape[at]);
        *size = match (of(left), of(right)) {
            (a, b) if a == b => a,
            (1, b) => b,
            (a, 1) => a,
            _ => return Err(format!("shapes {:?} and {:?} do not fit", left.shape, right.shape)),
        };
    }
    let count = elements(&shape)?;
    let (left_steps, right_steps) = (steps(&left.shape, &shape), steps(&right.shape, &shape));
    let mut data = Vec::with_capacity(count);
    let mut at = vec![0_usize; rank];
    for _ in 0..count {
        let offset = |steps: &[usize]| at.iter().zip(steps).map(|(place, step)| place * step).sum::<usize>();
        data.push(combine(left.data[offset(&left_steps)], right.data[offset(&right_steps)]));
        for place in (0..rank).rev() {
            at[place] += 1;
            if at[place] < shape[place] {
                break;
            }
            at[place] = 0;
        }
    }
    Ok(Dense { shape, data })
}

/// How far one moves in the data of `own` for a step along each dimension of the broadcast shape.
fn steps(own: &[usize], shape: &[usize]) -> Vec<usize> {
    let mut steps = vec![0; shape.len()];
    let mut step = 1;
    for (place, size) in own.iter().enumerate().rev() {
        if *size != 1 {
            steps[place + shape.len() - own.len()] = step;
        }
        step *= size;
    }
    steps
}

/// `Cast` between the types that appear in models.
pub(crate) fn cast<'a>(input: &Value<'a>, to: i64) -> Result<Value<'a>, Problem> {
    let shape = input.shape();
    let to = i32::try_from(to).unwrap_or(0);
    Ok(match (input, to) {
        (Value::Float(_) | Value::Sparse(_), FLOAT) | (Value::Text(_), STRING) => input.clone(),
        (Value::Double(_), DOUBLE) | (Value::Int(_), INT64 | INT32) | (Value::Bool(_), BOOL) => input.clone(),
        (Value::Text(texts), FLOAT) => {
            let data = texts.map(|text| text.trim().parse::<f32>().unwrap_or(f32::NAN));
            Value::Float(Dense { shape, data })
        }
        (Value::Text(_), _) => return Err("texts can only be cast to float".to_owned()),
        (_, FLOAT) => Value::Float(input.floats()?.into_owned()),
        (Value::Int(dense), DOUBLE) => {
            Value::Double(Dense { shape, data: dense.data.iter().map(|value| *value as f64).collect() })
        }
        (_, DOUBLE) => {
            Value::Double(Dense { shape, data: input.floats()?.data.iter().map(|value| f64::from(*value)).collect() })
        }
        (Value::Double(dense), INT64 | INT32) => {
            Value::Int(Dense { shape, data: dense.data.iter().map(|value| *value as i64).collect() })
        }
        (_, INT64 | INT32) => {
            Value::Int(Dense { shape, data: input.floats()?.data.iter().map(|value| *value as i64).collect() })
        }
        (_, BOOL) => {
            Value::Bool(Dense { shape, data: input.floats()?.data.iter().map(|value| *value != 0.0).collect() })
        }
        (Value::Int(dense), STRING) => {
            let dictionary: Arc<[Arc<str>]> = dense.data.iter().map(|value| Arc::from(value.to_string())).collect();
            let codes = (0..dictionary.len() as u32).collect();
            Value::Text(Texts { shape, dictionary: Dictionary::Shared(dictionary), codes })
        }
        _ => return Err(format!("{} cannot be cast to element type {to}", input.kind())),
    })
}

/// `Reshape` to a constant shape, where 0 keeps a size and -1 takes what is left.
pub(crate) fn reshape<'a>(input: &Value<'a>, wanted: &[i64]) -> Result<Value<'a>, Problem> {
    let from = input.shape();
    let count = elements(&from)?;
    let mut shape = Vec::with_capacity(wanted.len());
    for (place, size) in wanted.iter().enumerate() {
        shape.push(match *size {
            0 => *from.get(place).ok_or("there is no size to keep")?,
            -1 => usize::MAX,
            size => usize::try_from(size).map_err(|_| "a size is negative".to_owned())?,
        });
    }
    if let Some(open) = shape.iter().position(|size| *size == usize::MAX) {
        shape[open] = 1;
        let known = elements(&shape)?;
        shape[open] = count.checked_div(known).unwrap_or(0);
    }
    input.reshaped(shape)
}

/// `Flatten` to a matrix.
pub(crate) fn flatten<'a>(input: &Value<'a>, axis: usize) -> Result<Value<'a>, Problem> {
    if matches!(input, Value::Tokens(_)) && axis == 1 {
        // One list per row is what tokens are already.
        return Ok(input.clone());
    }
    let shape = input.shape();
    let axis = axis.min(shape.len());
    input.reshaped(vec![elements(&shape[..axis])?, elements(&shape[axis..])?])
}

/// `Concat` of matrices side by side (dimensions of size one between the first and the last may be there). Sparse if any
/// part is.
pub(crate) fn concatenate(parts: &[&Value], axis: i64) -> Result<Value<'static>, Problem> {
    let first = parts.first().ok_or("there is nothing to concatenate")?.shape();
    let rows = rows_and_width(&first).0;
    let rank = first.len();
    if rank < 2 || (axis != -1 && usize::try_from(axis) != Ok(rank - 1)) {
        return Err(format!("values of shape {first:?} are joined along their last axis only, not {axis}"));
    }
    let mut width = 0_usize;
    for part in parts {
        let shape = part.shape();
        if shape.len() != rank || shape[0] != rows || shape[1..rank - 1].iter().any(|size| *size != 1) {
            return Err(format!("a part of shape {shape:?} does not fit {rows} rows"));
        }
        width = width.checked_add(shape[rank - 1]).ok_or("the result is too wide")?;
    }
    let joined = join(parts, rows, width)?;
    if rank == 2 {
        return Ok(joined);
    }
    let mut shape = first;
    shape[rank - 1] = width;
    joined.reshaped(shape)
}

fn join(parts: &[&Value], rows: usize, width: usize) -> Result<Value<'static>, Problem> {
    if parts.iter().any(|part| matches!(part, Value::Sparse(_))) {
        return concatenate_sparse(parts, rows, width);
    }
    match parts.first() {
        Some(Value::Double(_)) => {
            let of = |part: &&Value| if let Value::Double(dense) = part { Some(dense.data.clone()) } else { None };
            let parts: Option<Vec<Vec<f64>>> = parts.iter().map(of).collect();
            Ok(Value::Double(beside(&parts.ok_or("types differ")?, rows, width)?))
        }
        Some(Value::Int(_)) => {
            let of = |part: &&Value| if let Value::Int(dense) = part { Some(dense.data.clone()) } else { None };
            let parts: Option<Vec<Vec<i64>>> = parts.iter().map(of).collect();
            Ok(Value::Int(beside(&parts.ok_or("types differ")?, rows, width)?))
        }
        Some(Value::Text(_)) => concatenate_texts(parts, rows, width),
        _ => {
            let parts: Result<Vec<_>, Problem> = parts.iter().map(|part| part.floats()).collect();
            let parts: Vec<&[f32]> =
                parts.as_ref().map_err(Clone::clone)?.iter().map(|part| part.data.as_slice()).collect();
            Ok(Value::Float(beside(&parts, rows, width)?))
        }
    }
}

fn beside<T: Copy, S: AsRef<[T]>>(parts: &[S], rows: usize, width: usize) -> Result<Dense<T>, Problem> {
    let mut data = Vec::with_capacity(elements(&[rows, width])?);
    for row in 0..rows {
        for part in parts {
            let width = part.as_ref().len() / rows;
            data.extend_from_slice(&part.as_ref()[row * width..(row + 1) * width]);
        }
    }
    Ok(Dense::matrix(rows, width, data))
}

fn concatenate_texts(parts: &[&Value], rows: usize, width: usize) -> Result<Value<'static>, Problem> {
    let parts: Result<Vec<&Texts>, Problem> = parts.iter().map(|part| part.texts()).collect();
    let parts = parts?;
    let mut dictionary = Vec::with_capacity(elements(&[rows, width])?);
    for row in 0..rows {
        for part in &parts {
            let width = part.codes.len() / rows;
            let codes = &part.codes[row * width..(row + 1) * width];
            dictionary.extend(codes.iter().map(|code| Arc::<str>::from(part.text(*code))));
        }
    }
    let codes = (0..dictionary.len() as u32).collect();
    Ok(Value::Text(Texts { shape: vec![rows, width], dictionary: Dictionary::Shared(dictionary.into()), codes }))
}

fn concatenate_sparse(parts: &[&Value], rows: usize, width: usize) -> Result<Value<'static>, Problem> {
    u32::try_from(width).map_err(|_| "the result is too wide".to_owned())?;
    let mut result = Sparse { width, offsets: vec![0], ..Sparse::default() };
    for row in 0..rows {
        let mut start = 0;
        for part in parts {
            match part {
                Value::Sparse(sparse) => {
                    for (index, value) in sparse.row(row) {
                        result.indices.push((start + index) as u32);
                        result.values.push(value);
                    }
                    start += sparse.width;
                }
                other => {
                    let dense = other.floats()?;
                    let width = rows_and_width(&dense.shape).1;
                    for (index, value) in dense.data[row * width..(row + 1) * width].iter().enumerate() {
                        if *value != 0.0 {
                            result.indices.push((start + index) as u32);
                            result.values.push(*value);
                        }
                    }
                    start += width;
                }
            }
        }
        result.offsets.push(result.indices.len());
    }
    Ok(Value::Sparse(result))
}

/// `ArgMax` along the columns of a matrix; the first of the greatest.
pub(crate) fn arg_max(input: &Value, keep: bool) -> Result<Value<'static>, Problem> {
    let input = input.floats()?;
    let (rows, width) = matrix(&input.shape)?;
    if width == 0 {
        return Err("there are no columns".to_owned());
    }
    let data = input.data.chunks_exact(width).map(|row| i64::from(greatest(row))).collect();
    Ok(Value::Int(Dense { shape: if keep { vec![rows, 1] } else { vec![rows] }, data }))
}

/// `Softmax` along the columns of a matrix.
pub(crate) fn softmax_rows(input: &Value) -> Result<Value<'static>, Problem> {
    let mut output = input.floats()?.into_owned();
    let (_, width) = matrix(&output.shape)?;
    output.data.chunks_exact_mut(width.max(1)).for_each(softmax);
    Ok(Value::Float(output))
}

/// `ReduceSum` along the columns of a matrix.
pub(crate) fn sum_rows(input: &Value, keep: bool) -> Result<Value<'static>, Problem> {
    let input = input.floats()?;
    let (rows, width) = matrix(&input.shape)?;
    let data = (0..rows).map(|row| input.data[row * width..(row + 1) * width].iter().sum()).collect();
    Ok(Value::Float(Dense { shape: if keep { vec![rows, 1] } else { vec![rows] }, data }))
}

/// `IsNaN`.
pub(crate) fn is_nan(input: &Value) -> Result<Value<'static>, Problem> {
    let input = input.floats()?;
    Ok(Value::Bool(Dense { shape: input.shape.clone(), data: input.data.iter().map(|value| value.is_nan()).collect() }))
}

fn matrix(shape: &[usize]) -> Result<(usize, usize), Problem> {
    match shape {
        [rows, width] => Ok((*rows, *width)),
        other => Err(format!("a matrix is needed, not shape {other:?}")),
    }
}
