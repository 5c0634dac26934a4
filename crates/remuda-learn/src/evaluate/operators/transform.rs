//! The `post_transform` of the classical classifiers: scores to probabilities.

use crate::error::LearnError;
use crate::evaluate::attributes::Attributes;

/// What is done to the scores of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Transform {
    /// Nothing.
    None,
    /// Each through the logistic function.
    Logistic,
    /// All through softmax.
    Softmax,
}

impl Transform {
    /// Reads the attribute.
    pub(crate) fn read(attributes: Attributes) -> Result<Self, LearnError> {
        match attributes.string("post_transform", "NONE")?.as_str() {
            "NONE" => Ok(Transform::None),
            "LOGISTIC" => Ok(Transform::Logistic),
            "SOFTMAX" => Ok(Transform::Softmax),
            other => Err(attributes.malformed(format!("post transform {other} is not supported"))),
        }
    }

    /// Transforms the scores of one row.
    pub(crate) fn apply(self, scores: &mut [f32]) {
        match self {
            Transform::None => {}
            Transform::Logistic => scores.iter_mut().for_each(|score| *score = logistic(*score)),
            Transform::Softmax => softmax(scores),
        }
    }

    /// Both classes from the one score of the second, where scores are probabilities.
    pub(crate) fn pair_of_probability(self, score: f32) -> [f32; 2] {
        [1.0 - score, score]
    }

    /// Both classes from the one score of the second, where scores are logits.
    pub(crate) fn pair_of_logit(self, score: f32) -> [f32; 2] {
        match self {
            Transform::Logistic => [logistic(-score), logistic(score)],
            // ONNX Runtime puts the greater one where the winner is not.
            Transform::None | Transform::Softmax => {
                if score > 0.0 {
                    [-score, score]
                } else {
                    [score, -score]
                }
            }
        }
    }
}

/// The logistic function, stable at both ends.
pub(crate) fn logistic(score: f32) -> f32 {
    let upper = 1.0 / (1.0 + (-score.abs()).exp());
    if score < 0.0 { 1.0 - upper } else { upper }
}

/// Softmax in place, stable.
pub(crate) fn softmax(scores: &mut [f32]) {
    let greatest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        *score = (*score - greatest).exp();
        sum += *score;
    }
    scores.iter_mut().for_each(|score| *score /= sum);
}
