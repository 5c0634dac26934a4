//! What a model says about the rows of behavioural tests, and which of its failures are the worst.

use super::test_answer::{Answered, Failure};
use remuda_learn::Predictions;
use remuda_model::behaviour::Expectation;
use remuda_model::text;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Failures of one test that are kept.
const FAILURES_KEPT: usize = 20;

/// What the model says about one row.
pub(super) struct RowAnswer {
    /// The class, or the number as text.
    pub(super) label: String,
    chosen: Option<usize>,
    labels: Arc<[String]>,
    probabilities: Vec<f32>,
    number: Option<f64>,
}

impl RowAnswer {
    /// The answer with the score of a class; of the predicted one where none is looked at.
    pub(super) fn looked_at(&self, of: Option<usize>) -> Answered {
        let place = of.or(self.chosen);
        let score = place.and_then(|place| self.probabilities.get(place)).map(|score| f64::from(*score));
        let of = place.and_then(|place| self.labels.get(place)).cloned();
        Answered { label: self.label.clone(), of, score: score.or(self.number) }
    }

    /// How sure the model is of what it says.
    fn sureness(&self) -> f64 {
        self.chosen.and_then(|place| self.probabilities.get(place)).map_or(0.0, |score| f64::from(*score))
    }
}

impl Answered {
    /// The same as the judge takes it.
    pub(super) fn as_answer(&self) -> remuda_data::behaviour::Answer<'_> {
        remuda_data::behaviour::Answer { label: Some(&self.label), score: self.score.unwrap_or(f64::NAN) }
    }
}

/// What the model says about each row.
pub(super) fn row_answers(predictions: &Predictions) -> Vec<RowAnswer> {
    match predictions {
        Predictions::Number(numbers) => numbers
            .iter()
            .map(|number| RowAnswer {
                label: text::number(*number),
                chosen: None,
                labels: Arc::from([]),
                probabilities: Vec::new(),
                number: number.is_finite().then_some(*number),
            })
            .collect(),
        Predictions::Classes { labels, chosen, probabilities } => {
            let width = probabilities.len().checked_div(chosen.len()).unwrap_or_default();
            let one = |(row, chosen): (usize, &u32)| RowAnswer {
                label: labels.get(*chosen as usize).cloned().unwrap_or_default(),
                chosen: Some(*chosen as usize),
                labels: Arc::clone(labels),
                probabilities: probabilities[row * width..(row + 1) * width].to_vec(),
                number: None,
            };
            chosen.iter().enumerate().map(one).collect()
        }
    }
}

/// How bad a failure is, for the order in which failures are shown: how far a score is off, or how sure a wrong label is.
pub(super) fn severity(expectation: &Expectation, before: Option<&Answered>, after: &Answered, row: &RowAnswer) -> f64 {
    let after_score = after.score.unwrap_or(f64::NAN);
    let moved = before.and_then(|before| before.score).map_or(0.0, |before| (after_score - before).abs());
    let bad = match expectation {
        Expectation::Score { at_least, at_most, .. } => {
            let below = at_least.map_or(0.0, |least| least - after_score);
            below.max(at_most.map_or(0.0, |most| after_score - most))
        }
        Expectation::Within { .. } => moved,
        // A score that must move and stays is as bad as one that moves the wrong way: by how far it missed.
        Expectation::Moves { direction, by, .. } => {
            use remuda_model::behaviour::Direction::{Down, NotDown, NotUp, Up};
            let rise = before.and_then(|before| before.score).map_or(0.0, |before| after_score - before);
            match direction {
                Up => by - rise,
                Down => by + rise,
                NotUp => rise - by,
                NotDown => -rise - by,
            }
        }
        Expectation::Label(_) | Expectation::OwnLabel | Expectation::SameLabel => row.sureness(),
    };
    if bad.is_nan() { f64::INFINITY } else { bad }
}

/// The failures to keep: the worst of each base row or template first, then the others of them, worst first.
pub(super) fn worst(mut failures: Vec<(f64, Failure)>) -> Vec<Failure> {
    failures.sort_by(|left, right| right.0.total_cmp(&left.0));
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut ranked: Vec<(usize, Failure)> = Vec::with_capacity(failures.len());
    for (_, failure) in failures {
        let rank = seen.entry(failure.unit.clone()).or_default();
        ranked.push((*rank, failure));
        *rank += 1;
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().take(FAILURES_KEPT).map(|(_, failure)| failure).collect()
}
