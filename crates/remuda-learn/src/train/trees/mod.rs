//! Boosted trees: logistic loss for two classes, softmax for more, squared error for numbers; early stopping on an inner
//! split of the training rows; written as one `TreeEnsembleRegressor` whose scores become probabilities by plain operators
//! (the specification leaves open what `TreeEnsembleClassifier` means for two classes, `Sigmoid` it does not).

mod bins;
mod grow;
mod write;

use crate::error::LearnError;
use crate::evaluate::operators::transform::softmax;
use crate::onnx::build::Builder;
use crate::train::parameters::Parameters;
use crate::train::{Target, TrainRequest, Trained, encode};
use bins::Bins;
use grow::{Grower, Limits, Tree, TreeNode};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// Under this many rows nothing is held back for early stopping.
const FEWEST_TO_STOP_EARLY: usize = 200;
/// Cells of the encoded matrix that terms of texts may fill.
const MOST_TEXT_CELLS: usize = 60_000_000;

struct Settings {
    limits: Limits,
    rounds: usize,
    patience: usize,
    row_share: f64,
    terms: usize,
}

impl Settings {
    fn read(parameters: Parameters, request: &TrainRequest) -> Result<Self, LearnError> {
        let rows = request.table.rows;
        let classes = request.target.classes().max(1);
        let rounds = if rows < FEWEST_TO_STOP_EARLY { 50 } else { (6000 / classes).clamp(60, 600) };
        let rows_per_leaf = if rows < 400 { (rows / 20).max(1) } else { 20 };
        Ok(Settings {
            limits: Limits {
                leaves: parameters.count("max_leaves", 31, 2..=4096)?,
                rows_per_leaf: parameters.count("min_rows_per_leaf", rows_per_leaf, 1..=1_000_000)? as u32,
                l2: parameters.number("l2", 1.0, 0.0..=1e12)?,
                rate: parameters.number("learning_rate", 0.1, 1e-6..=1.0)?,
            },
            rounds: parameters.count("rounds", rounds, 1..=100_000)?,
            patience: parameters.count("patience", 20, 1..=100_000)?,
            row_share: parameters.number("row_share", 0.8, 0.01..=1.0)?,
            terms: parameters.count("max_terms", (MOST_TEXT_CELLS / rows).clamp(32, 300), 1..=5000)?,
        })
    }
}

/// Trains boosted trees.
pub(crate) fn train(
    request: &TrainRequest,
    parameters: Parameters,
    progress: &mut dyn FnMut(f64),
) -> Result<Trained, LearnError> {
    let settings = Settings::read(parameters, request)?;
    let (fit, held) = inner_split(request);
    let mut builder = Builder::new(request.features);
    let encoded = encode::for_trees(request, &mut builder, &fit, request.seed, settings.terms)?;
    let bins = Bins::new(encoded.columns, &fit);
    progress(0.1);
    let mut forest = Boosting::new(request, &bins, fit, held);
    let notes = vec![forest.run(&settings, progress)];

    let mut gains = vec![0.0; request.features.len()];
    for node in forest.rounds.iter().flatten().flat_map(|tree| &tree.nodes) {
        if let TreeNode::Split { column, gain, .. } = node {
            gains[encoded.encoded.origins[*column as usize]] += gain;
        }
    }
    let importance = encode::shares(request, gains);
    let onnx = write::write(request, builder, &encoded.encoded.name, &forest.rounds, &forest.base);
    Ok(Trained { onnx, importance, notes })
}

/// Rows to fit on and rows to stop by: a tenth, at least 50; none where there are too few. Every class is fitted on.
fn inner_split(request: &TrainRequest) -> (Vec<u32>, Vec<u32>) {
    let rows = request.table.rows;
    let all = 0..rows as u32;
    if rows < FEWEST_TO_STOP_EARLY {
        return (all.collect(), Vec::new());
    }
    let share = (50.0 / rows as f64).max(0.1);
    let held =
        |row: &u32| (encode::mix(request.seed ^ encode::mix(u64::from(*row) + 1)) as f64 / u64::MAX as f64) < share;
    let (held, fit): (Vec<u32>, Vec<u32>) = all.clone().partition(held);
    let both = match request.target {
        Target::Number(_) => true,
        Target::Classes { index, .. } => fit.iter().any(|row| index[*row as usize] != index[fit[0] as usize]),
    };
    if both && !held.is_empty() { (fit, held) } else { (all.collect(), Vec::new()) }
}

struct Boosting<'a> {
    target: &'a Target,
    bins: &'a Bins,
    fit: Vec<u32>,
    held: Vec<u32>,
    seed: u64,
    outputs: usize,
    base: Vec<f64>,
    /// Per output, per row.
    scores: Vec<Vec<f64>>,
    /// Per round, per output.
    rounds: Vec<Vec<Tree>>,
}

impl<'a> Boosting<'a> {
    fn new(request: &TrainRequest<'a>, bins: &'a Bins, fit: Vec<u32>, held: Vec<u32>) -> Self {
        let outputs = if request.target.classes() > 2 { request.target.classes() } else { 1 };
        let base: Vec<f64> = match request.target {
            Target::Number(numbers) => {
                vec![fit.iter().map(|row| numbers[*row as usize]).sum::<f64>() / fit.len() as f64]
            }
            Target::Classes { labels, index } => {
                let mut counts = vec![0.5; labels.len()];
                fit.iter().for_each(|row| counts[index[*row as usize] as usize] += 1.0);
                if outputs == 1 {
                    vec![f64::ln(counts[1] / counts[0])]
                } else {
                    counts.iter().map(|count| f64::ln(count / fit.len() as f64)).collect()
                }
            }
        };
        // The model adds 32-bit floats.
        let base: Vec<f64> = base.iter().map(|value| f64::from(*value as f32)).collect();
        let scores = base.iter().map(|value| vec![*value; request.table.rows]).collect();
        Boosting {
            target: request.target,
            bins,
            fit,
            held,
            seed: request.seed,
            outputs,
            base,
            scores,
            rounds: Vec::new(),
        }
    }

    fn run(&mut self, settings: &Settings, progress: &mut dyn FnMut(f64)) -> String {
        let grower = Grower::new(self.bins, settings.limits);
        let (mut best, mut best_rounds) = (f64::INFINITY, 0);
        for round in 0..settings.rounds {
            self.round(round, &grower, settings);
            progress(0.1 + 0.9 * (round + 1) as f64 / settings.rounds as f64);
            let idle = self.rounds.last().is_none_or(|trees| trees.iter().all(|tree| tree.nodes.len() == 1));
            if self.held.is_empty() {
                best_rounds = self.rounds.len();
            } else {
                let loss = self.loss();
                if loss < best {
                    (best, best_rounds) = (loss, self.rounds.len());
                }
            }
            if idle || (!self.held.is_empty() && self.rounds.len() >= best_rounds + settings.patience) {
                break;
            }
        }
        let grown = self.rounds.len();
        self.rounds.truncate(best_rounds.max(1));
        match self.held.len() {
            0 => format!("{grown} rounds"),
            held => format!("{best_rounds} rounds, the best of {grown} on {held} rows held back from training"),
        }
    }

    fn round(&mut self, round: usize, grower: &Grower, settings: &Settings) {
        let rows = self.drawn(round, settings.row_share);
        let chances = self.chances();
        let one = |output: usize| grower.grow(rows.clone(), &self.slopes(output, &chances));
        let trees: Vec<Tree> =
            if self.outputs == 1 { vec![one(0)] } else { (0..self.outputs).into_par_iter().map(one).collect() };
        for (tree, scores) in trees.iter().zip(&mut self.scores) {
            let bins = self.bins;
            scores
                .par_iter_mut()
                .with_min_len(4096)
                .enumerate()
                .for_each(|(row, score)| *score += f64::from(tree.value(bins, row)));
        }
        self.rounds.push(trees);
    }

    fn drawn(&self, round: usize, share: f64) -> Vec<u32> {
        if share >= 1.0 || self.fit.len() < FEWEST_TO_STOP_EARLY {
            return self.fit.clone();
        }
        let mut random = ChaCha8Rng::seed_from_u64(encode::mix(self.seed).wrapping_add(round as u64));
        let bound = (share * f64::from(u32::MAX)) as u32;
        self.fit.iter().copied().filter(|_| random.random::<u32>() <= bound).collect()
    }

    /// First and second derivatives of the loss by the scores of one output.
    fn slopes(&self, output: usize, chances: &[f32]) -> Vec<(f32, f32)> {
        let scores = &self.scores[output];
        match self.target {
            Target::Number(numbers) => {
                scores.iter().zip(numbers).map(|(score, number)| ((score - number) as f32, 1.0)).collect()
            }
            Target::Classes { index, .. } if self.outputs == 1 => {
                let of = |(score, class): (&f64, &u32)| {
                    let chance = 1.0 / (1.0 + (-score).exp());
                    ((chance - f64::from(*class)) as f32, (chance * (1.0 - chance)) as f32)
                };
                scores.iter().zip(index).map(of).collect()
            }
            Target::Classes { index, .. } => {
                // Friedman's factor for one-against-rest trees on softmax (Annals of Statistics 29(5), 2001, section 4.6).
                let factor = self.outputs as f64 / (self.outputs as f64 - 1.0);
                let of = |(row, class): (usize, &u32)| {
                    let chance = f64::from(chances[row * self.outputs + output]);
                    let truth = f64::from(u8::from(*class as usize == output));
                    ((chance - truth) as f32, (factor * chance * (1.0 - chance)) as f32)
                };
                index.iter().enumerate().map(of).collect()
            }
        }
    }

    /// Softmax probabilities, rows x classes; nothing where there are no more than two.
    fn chances(&self) -> Vec<f32> {
        if self.outputs == 1 {
            return Vec::new();
        }
        let mut chances = vec![0.0; self.bins.rows() * self.outputs];
        chances.par_chunks_mut(self.outputs).with_min_len(1024).enumerate().for_each(|(row, chances)| {
            chances.iter_mut().zip(&self.scores).for_each(|(chance, scores)| *chance = scores[row] as f32);
            softmax(chances);
        });
        chances
    }

    /// Mean loss on the rows held back.
    fn loss(&self) -> f64 {
        let of = |row: &u32| {
            let row = *row as usize;
            match self.target {
                Target::Number(numbers) => (self.scores[0][row] - numbers[row]).powi(2),
                Target::Classes { index, .. } if self.outputs == 1 => {
                    let score = self.scores[0][row];
                    score.max(0.0) - score * f64::from(index[row]) + (-score.abs()).exp().ln_1p()
                }
                Target::Classes { index, .. } => {
                    let scores = || self.scores.iter().map(|scores| scores[row]);
                    let greatest = scores().fold(f64::NEG_INFINITY, f64::max);
                    scores().map(|score| (score - greatest).exp()).sum::<f64>().ln() + greatest
                        - self.scores[index[row] as usize][row]
                }
            }
        };
        self.held.iter().map(of).sum::<f64>() / self.held.len() as f64
    }
}
