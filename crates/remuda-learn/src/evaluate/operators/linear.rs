//! Linear operators: matrix products and the classical linear models. Weights lie input-major, so that a sparse row costs
//! its entries only.

use crate::error::LearnError;
use crate::evaluate::attributes::Attributes;
use crate::evaluate::operators::transform::Transform;
use crate::evaluate::operators::trees::greatest;
use crate::evaluate::value::{Dense, Problem, Value, elements, rows_and_width};

/// `x W + b`.
#[derive(Debug)]
pub(crate) struct Affine {
    /// Inputs x outputs, row-major.
    weights: Vec<f32>,
    bias: Vec<f32>,
    inputs: usize,
    outputs: usize,
}

impl Affine {
    /// From the constants of `MatMul` or `Gemm`.
    pub(crate) fn new(
        weights: &Dense<f32>,
        transposed: bool,
        scale: f32,
        bias: Option<&Dense<f32>>,
        bias_scale: f32,
    ) -> Result<Self, Problem> {
        let &[first, second] = weights.shape.as_slice() else {
            return Err("the weights are no matrix".to_owned());
        };
        let (inputs, outputs) = if transposed { (second, first) } else { (first, second) };
        let at =
            |input: usize, output: usize| if transposed { output * inputs + input } else { input * outputs + output };
        let mut data = Vec::with_capacity(inputs * outputs);
        for input in 0..inputs {
            data.extend((0..outputs).map(|output| weights.data[at(input, output)] * scale));
        }
        let bias = match bias.map(|bias| (bias.data.len(), bias)) {
            None => vec![0.0; outputs],
            Some((1, bias)) => vec![bias.data[0] * bias_scale; outputs],
            Some((length, bias)) if length == outputs => bias.data.iter().map(|value| value * bias_scale).collect(),
            Some(_) => return Err("the bias does not fit the weights".to_owned()),
        };
        Ok(Affine { weights: data, bias, inputs, outputs })
    }

    /// From the attributes of `LinearClassifier` or `LinearRegressor`, whose coefficients lie output-major.
    pub(crate) fn read(attributes: Attributes) -> Result<Self, LearnError> {
        let coefficients = attributes.floats("coefficients");
        let intercepts = attributes.floats("intercepts");
        let outputs = if intercepts.is_empty() { attributes.count("targets", 1)? } else { intercepts.len() };
        if outputs == 0 || coefficients.is_empty() || !coefficients.len().is_multiple_of(outputs) {
            return Err(attributes.malformed("coefficients and intercepts do not fit"));
        }
        let weights = Dense { shape: vec![outputs, coefficients.len() / outputs], data: coefficients.to_vec() };
        let bias = (!intercepts.is_empty()).then(|| Dense { shape: vec![outputs], data: intercepts.to_vec() });
        Affine::new(&weights, true, 1.0, bias.as_ref(), 1.0).map_err(|problem| attributes.malformed(problem))
    }

    /// Rows x outputs.
    pub(crate) fn run(&self, input: &Value) -> Result<Dense<f32>, Problem> {
        let (rows, width) = match input.shape().as_slice() {
            [width] => (1, *width),
            shape => rows_and_width(shape),
        };
        if width != self.inputs {
            return Err(format!("the weights read {} columns, but {width} came", self.inputs));
        }
        let mut output = Vec::with_capacity(elements(&[rows, self.outputs])?);
        for _ in 0..rows {
            output.extend_from_slice(&self.bias);
        }
        match input {
            Value::Sparse(sparse) => {
                for (row, sums) in output.chunks_exact_mut(self.outputs.max(1)).enumerate() {
                    sparse.row(row).for_each(|(index, value)| self.add(index, value, sums));
                }
            }
            other => {
                let dense = other.floats()?;
                for (row, sums) in output.chunks_exact_mut(self.outputs.max(1)).enumerate() {
                    let row = &dense.data[row * width..(row + 1) * width];
                    row.iter().enumerate().for_each(|(index, value)| self.add(index, *value, sums));
                }
            }
        }
        Ok(Dense::matrix(rows, self.outputs, output))
    }

    fn add(&self, index: usize, value: f32, sums: &mut [f32]) {
        let weights = &self.weights[index * self.outputs..(index + 1) * self.outputs];
        sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += value * weight);
    }

    /// `LinearClassifier`: the chosen class of each row, and rows x classes.
    pub(crate) fn classify(
        &self,
        input: &Value,
        classes: usize,
        transform: Transform,
    ) -> Result<(Vec<u32>, Dense<f32>), Problem> {
        let mut scores = self.run(input)?;
        let rows = scores.shape[0];
        if self.outputs == 1 && classes == 2 {
            let chosen = scores.data.iter().map(|score| u32::from(*score > 0.0)).collect();
            let pairs = scores.data.iter().flat_map(|score| {
                let mut one = [*score];
                if transform == Transform::Logistic {
                    transform.apply(&mut one);
                }
                [1.0 - one[0], one[0]]
            });
            return Ok((chosen, Dense::matrix(rows, 2, pairs.collect())));
        }
        let mut chosen = Vec::with_capacity(rows);
        for scores in scores.data.chunks_exact_mut(self.outputs) {
            chosen.push(greatest(scores));
            transform.apply(scores);
        }
        Ok((chosen, scores))
    }

    /// How many outputs.
    pub(crate) fn outputs(&self) -> usize {
        self.outputs
    }
}

/// `MatMul` of two values that both vary with the input.
pub(crate) fn multiply(left: &Value, right: &Value) -> Result<Value<'static>, Problem> {
    let right = right.floats()?;
    Affine::new(&right, false, 1.0, None, 0.0)?.run(left).map(Value::Float)
}
