//! A sample: the rows of a split with truth and a model's answers, as the measures need them.

use crate::error::{Error, Result};
use remuda_learn::{Predictions, Target};
use remuda_model::model::ModelSignature;
use std::sync::Arc;

/// Truth and predictions of the same rows.
#[derive(Clone, Debug)]
pub(crate) enum Sample {
    /// Classes.
    Classes(ClassSample),
    /// Numbers.
    Numbers {
        /// What really was.
        truth: Vec<f64>,
        /// What the model said.
        predicted: Vec<f64>,
    },
}

/// Rows with a true and a predicted class.
#[derive(Clone, Debug)]
pub(crate) struct ClassSample {
    /// The model's classes, then those that occur in the truth only.
    pub(crate) classes: Arc<[String]>,
    /// How many of them the model knows; 0 where it gives labels without probabilities.
    pub(crate) known: usize,
    /// The class that a metric without a class means.
    pub(crate) positive: Option<usize>,
    /// Per row the true class.
    pub(crate) truth: Vec<u32>,
    /// Per row the predicted class.
    pub(crate) predicted: Vec<u32>,
    /// Row-major, rows x known classes.
    pub(crate) probabilities: Vec<f32>,
}

impl Sample {
    /// Puts truth (whose classes begin with the model's) and predictions together.
    pub(crate) fn new(signature: &ModelSignature, truth: &Target, predictions: &Predictions) -> Result<Self> {
        match (truth, predictions) {
            (Target::Number(truth), Predictions::Number(predicted)) => {
                Ok(Sample::Numbers { truth: truth.clone(), predicted: predicted.clone() })
            }
            (Target::Classes { labels, index }, Predictions::Classes { labels: known, chosen, probabilities }) => {
                let positive =
                    signature.positive.as_ref().and_then(|name| labels.iter().position(|class| class == name));
                Ok(Sample::Classes(ClassSample {
                    classes: Arc::from(labels.as_slice()),
                    known: known.len(),
                    positive,
                    truth: index.clone(),
                    predicted: chosen.clone(),
                    probabilities: probabilities.clone(),
                }))
            }
            _ => Err(Error::new(
                "model.unusable",
                "the model answers numbers where the label has classes, or the reverse",
            )
            .hint("train it again: the contract's label has changed")),
        }
    }

    /// How many rows.
    pub(crate) fn rows(&self) -> usize {
        match self {
            Sample::Classes(sample) => sample.truth.len(),
            Sample::Numbers { truth, .. } => truth.len(),
        }
    }

    /// The rows at these places, in this order.
    pub(crate) fn take(&self, places: &[usize]) -> Sample {
        fn pick<T: Copy>(values: &[T], places: &[usize]) -> Vec<T> {
            places.iter().map(|place| values[*place]).collect()
        }
        match self {
            Sample::Numbers { truth, predicted } => {
                Sample::Numbers { truth: pick(truth, places), predicted: pick(predicted, places) }
            }
            Sample::Classes(sample) => {
                let row = |place: &usize| &sample.probabilities[place * sample.known..(place + 1) * sample.known];
                Sample::Classes(ClassSample {
                    classes: Arc::clone(&sample.classes),
                    truth: pick(&sample.truth, places),
                    predicted: pick(&sample.predicted, places),
                    probabilities: places.iter().flat_map(row).copied().collect(),
                    ..*sample
                })
            }
        }
    }
}

impl Sample {
    /// Whether two columns of predictions are those of one model: the same numbers or probabilities in every row. Equal
    /// labels are not enough to say so.
    pub(crate) fn is_same_model(&self, other: &Sample) -> bool {
        match (self, other) {
            (Sample::Numbers { predicted: one, .. }, Sample::Numbers { predicted: two, .. }) => one == two,
            (Sample::Classes(one), Sample::Classes(two)) => {
                one.known > 0
                    && one.classes == two.classes
                    && one.predicted == two.predicted
                    && one.probabilities == two.probabilities
            }
            _ => false,
        }
    }

    /// Per row, whether another model decides otherwise.
    pub(crate) fn changed(&self, other: &Sample) -> std::result::Result<Vec<bool>, String> {
        match (self, other) {
            (Sample::Numbers { predicted: new, .. }, Sample::Numbers { predicted: old, .. }) => {
                Ok(new.iter().zip(old).map(|(new, old)| new != old).collect())
            }
            (Sample::Classes(new), Sample::Classes(old)) => {
                let name = |sample: &ClassSample, class: &u32| sample.classes[*class as usize].clone();
                let pairs = new.predicted.iter().zip(&old.predicted);
                Ok(if new.classes == old.classes {
                    pairs.map(|(one, other)| one != other).collect()
                } else {
                    pairs.map(|(one, other)| name(new, one) != name(old, other)).collect()
                })
            }
            _ => Err("the two models answer different kinds of label".to_owned()),
        }
    }
}

impl ClassSample {
    /// Counts of truth against prediction: `counts[truth * classes + predicted]`.
    pub(crate) fn confusion(&self) -> Vec<u64> {
        let width = self.classes.len();
        let mut counts = vec![0; width * width];
        for (truth, predicted) in self.truth.iter().zip(&self.predicted) {
            counts[*truth as usize * width + *predicted as usize] += 1;
        }
        counts
    }

    /// The probability that the model gives a class, per row; zero for a class that it does not know.
    pub(crate) fn scores(&self, class: usize) -> Vec<f64> {
        if class >= self.known {
            return vec![0.0; self.truth.len()];
        }
        self.probabilities.chunks_exact(self.known).map(|row| f64::from(row[class])).collect()
    }

    /// Per row the probability of the predicted class, and whether it is the true one.
    pub(crate) fn confidences(&self) -> (Vec<f64>, Vec<bool>) {
        let score = |(row, predicted): (usize, &u32)| {
            let place = *predicted as usize;
            if place < self.known { f64::from(self.probabilities[row * self.known + place]) } else { 0.0 }
        };
        (self.predicted.iter().enumerate().map(score).collect(), self.right())
    }

    /// Per row, whether the truth is this class.
    pub(crate) fn is(&self, class: usize) -> Vec<bool> {
        self.truth.iter().map(|truth| *truth as usize == class).collect()
    }

    /// Per row, whether the prediction is right.
    pub(crate) fn right(&self) -> Vec<bool> {
        self.truth.iter().zip(&self.predicted).map(|(truth, predicted)| truth == predicted).collect()
    }
}

impl Sample {
    /// The same sample with classes in another order: what a paired comparison of two models needs. Classes that the
    /// order lacks are put behind it.
    pub(crate) fn in_order_of(self, other: &Sample) -> Sample {
        let (Sample::Classes(sample), Sample::Classes(other)) = (&self, other) else { return self };
        if sample.classes == other.classes {
            return self;
        }
        let mut classes: Vec<String> = other.classes.to_vec();
        let mut place = |name: &String| {
            classes.iter().position(|class| class == name).unwrap_or_else(|| {
                classes.push(name.clone());
                classes.len() - 1
            }) as u32
        };
        let places: Vec<u32> = sample.classes.iter().map(&mut place).collect();
        let moved = |values: &[u32]| values.iter().map(|value| places[*value as usize]).collect();
        let known = if sample.known == 0 { 0 } else { classes.len() };
        let mut probabilities = vec![0.0; sample.truth.len() * known];
        for (row, given) in sample.probabilities.chunks_exact(sample.known.max(1)).enumerate() {
            for (class, probability) in given.iter().enumerate() {
                probabilities[row * classes.len() + places[class] as usize] = *probability;
            }
        }
        Sample::Classes(ClassSample {
            known,
            positive: sample.positive.map(|positive| places[positive] as usize),
            truth: moved(&sample.truth),
            predicted: moved(&sample.predicted),
            probabilities,
            classes: Arc::from(classes),
        })
    }
}
