//! Linear models: logistic regression (two classes), softmax regression (more), ridge regression. The sum of losses plus
//! half of `l2` times the squared weights is minimised; intercepts go free.

use crate::error::LearnError;
use crate::onnx::FLOAT;
use crate::onnx::build::Builder;
use crate::train::parameters::Parameters;
use crate::train::sparse::Matrix;
use crate::train::{Target, TrainRequest, Trained, encode, lbfgs};
use rayon::prelude::*;
use remuda_model::text;

/// Rows worked on by one thread at a time; sums are added in row order whatever the threads.
const BLOCK: usize = 4096;

/// Trains a linear model.
pub(crate) fn train(
    request: &TrainRequest,
    parameters: Parameters,
    progress: &mut dyn FnMut(f64),
) -> Result<Trained, LearnError> {
    let l2 = parameters.number("l2", 1.0, 0.0..=1e12)?;
    let most_iterations = parameters.count("max_iterations", 300, 1..=100_000)?;
    let most_terms = parameters.count("max_terms", 30_000, 1..=1_000_000)?;
    let mut notes = Vec::new();
    let mut builder = Builder::new(request.features);
    let encoded = encode::for_linear(request, &mut builder, most_terms, &mut notes)?;
    let blocks = encode::apply(&builder, &encoded.name, encoded.origins.len(), request.table)?;
    let matrix = Matrix::from_blocks(&blocks).map_err(|problem| LearnError::malformed("the encoder", problem))?;
    drop(blocks);
    progress(0.1);

    let outputs = if request.target.classes() > 2 { request.target.classes() } else { 1 };
    let problem = Problem::new(&matrix, request.target, outputs, l2);
    let mut weights = problem.start();
    let ending = lbfgs::minimise(
        &mut weights,
        most_iterations,
        1e-5,
        &mut |at, gradient| problem.value(at, gradient),
        &mut |iteration| progress(0.1 + 0.9 * iteration as f64 / most_iterations as f64),
    );
    let steps = text::number(ending.iterations as f64);
    notes.push(if ending.converged {
        format!("converged after {steps} iterations")
    } else {
        format!("stopped after {steps} iterations, short of convergence; raise `max_iterations` or `l2`")
    });

    let importance = importance(request, &encoded.origins, &matrix, &weights, outputs);
    write(request, builder, &encoded.name, &matrix, &problem, &weights, outputs).map(|onnx| Trained {
        onnx,
        importance,
        notes,
    })
}

/// The function that is minimised, divided by the number of rows.
struct Problem<'a> {
    matrix: &'a Matrix,
    target: &'a Target,
    outputs: usize,
    l2: f64,
    /// Numbers are learned as `(number - mean) / deviation`.
    mean: f64,
    deviation: f64,
}

impl<'a> Problem<'a> {
    fn new(matrix: &'a Matrix, target: &'a Target, outputs: usize, l2: f64) -> Self {
        let (mut mean, mut deviation) = (0.0, 1.0);
        if let Target::Number(numbers) = target {
            let count = numbers.len() as f64;
            mean = numbers.iter().sum::<f64>() / count;
            deviation = (numbers.iter().map(|number| (number - mean).powi(2)).sum::<f64>() / count).sqrt();
            if deviation <= f64::MIN_POSITIVE {
                deviation = 1.0;
            }
        }
        Problem { matrix, target, outputs, l2, mean, deviation }
    }

    /// Zero weights, and intercepts that give the class frequencies.
    fn start(&self) -> Vec<f64> {
        let inputs = self.matrix.width * self.outputs;
        let mut weights = vec![0.0; inputs + self.outputs];
        if let Target::Classes { labels, index } = self.target {
            let mut counts = vec![0.5; labels.len()];
            index.iter().for_each(|class| counts[*class as usize] += 1.0);
            if self.outputs == 1 {
                weights[inputs] = f64::ln(counts[1] / counts[0]);
            } else {
                weights[inputs..]
                    .iter_mut()
                    .zip(&counts)
                    .for_each(|(weight, count)| *weight = (count / index.len() as f64).ln());
            }
        }
        weights
    }

    /// Loss of one row; its scores become the slopes of the loss.
    fn loss(&self, row: usize, scores: &mut [f64]) -> f64 {
        match self.target {
            Target::Number(numbers) => {
                scores[0] -= (numbers[row] - self.mean) / self.deviation;
                0.5 * scores[0] * scores[0]
            }
            Target::Classes { index, .. } if self.outputs == 1 => {
                let (score, truth) = (scores[0], f64::from(index[row]));
                let loss = score.max(0.0) - score * truth + (-score.abs()).exp().ln_1p();
                scores[0] = 1.0 / (1.0 + (-score).exp()) - truth;
                loss
            }
            Target::Classes { index, .. } => {
                let truth = index[row] as usize;
                let greatest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let own = scores[truth];
                let sum: f64 = scores.iter().map(|score| (score - greatest).exp()).sum();
                scores.iter_mut().for_each(|score| *score = (*score - greatest).exp() / sum);
                scores[truth] -= 1.0;
                sum.ln() + greatest - own
            }
        }
    }

    fn value(&self, at: &[f64], gradient: &mut [f64]) -> f64 {
        let (matrix, outputs) = (self.matrix, self.outputs);
        let (weights, intercepts) = at.split_at(matrix.width * outputs);
        let scale = 1.0 / matrix.rows as f64;
        let mut slopes = vec![0.0_f32; matrix.rows * outputs];
        let losses: Vec<f64> = slopes
            .par_chunks_mut(BLOCK * outputs)
            .enumerate()
            .map(|(block, slopes)| {
                let mut scores = vec![0.0; outputs];
                let mut loss = 0.0;
                for (place, slopes) in slopes.chunks_exact_mut(outputs).enumerate() {
                    let row = block * BLOCK + place;
                    scores.copy_from_slice(intercepts);
                    for (column, value) in &matrix.entries[matrix.row_starts[row]..matrix.row_starts[row + 1]] {
                        let weights = &weights[*column as usize * outputs..(*column as usize + 1) * outputs];
                        let value = f64::from(*value);
                        scores.iter_mut().zip(weights).for_each(|(score, weight)| *score += value * weight);
                    }
                    loss += self.loss(row, &mut scores);
                    slopes.iter_mut().zip(&scores).for_each(|(slope, score)| *slope = *score as f32);
                }
                loss
            })
            .collect();
        let (of_weights, of_intercepts) = gradient.split_at_mut(matrix.width * outputs);
        of_weights.par_chunks_mut(outputs).enumerate().for_each(|(column, sums)| {
            sums.fill(0.0);
            for (row, value) in &matrix.by_column[matrix.column_starts[column]..matrix.column_starts[column + 1]] {
                let slopes = &slopes[*row as usize * outputs..(*row as usize + 1) * outputs];
                let value = f64::from(*value);
                sums.iter_mut().zip(slopes).for_each(|(sum, slope)| *sum += value * f64::from(*slope));
            }
            let weights = &weights[column * outputs..(column + 1) * outputs];
            sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum = (*sum + self.l2 * weight) * scale);
        });
        of_intercepts.fill(0.0);
        for slopes in slopes.chunks_exact(outputs) {
            of_intercepts.iter_mut().zip(slopes).for_each(|(sum, slope)| *sum += f64::from(*slope) * scale);
        }
        let penalty = 0.5 * self.l2 * weights.iter().map(|weight| weight * weight).sum::<f64>();
        (losses.iter().sum::<f64>() + penalty) * scale
    }
}

fn importance(
    request: &TrainRequest,
    origins: &[usize],
    matrix: &Matrix,
    weights: &[f64],
    outputs: usize,
) -> Vec<(String, f64)> {
    let mut sums = vec![0.0; request.features.len()];
    for (column, origin) in origins.iter().enumerate() {
        let size: f64 = weights[column * outputs..(column + 1) * outputs].iter().map(|weight| weight.abs()).sum();
        sums[*origin] += size * matrix.deviation(column);
    }
    encode::shares(request, sums)
}

fn write(
    request: &TrainRequest,
    mut builder: Builder,
    encoded: &str,
    matrix: &Matrix,
    problem: &Problem,
    weights: &[f64],
    outputs: usize,
) -> Result<Vec<u8>, LearnError> {
    let (weights, intercepts) = weights.split_at(matrix.width * outputs);
    let weights = weights.iter().map(|weight| (weight * problem.deviation) as f32).collect();
    let intercepts = intercepts.iter().map(|intercept| (intercept * problem.deviation + problem.mean) as f32).collect();
    let weights = builder.floats(&[matrix.width, outputs], weights);
    let intercepts = builder.floats(&[outputs], intercepts);
    let scores = builder.node("", "Gemm", &[encoded, &weights, &intercepts], Vec::new());
    match request.target {
        Target::Number(_) => builder.output("variable", &scores, FLOAT, Some(1)),
        Target::Classes { labels, .. } => {
            let probabilities = builder.probabilities(&scores, labels.len());
            builder.classes(&probabilities, labels);
        }
    }
    Ok(builder.finish())
}
