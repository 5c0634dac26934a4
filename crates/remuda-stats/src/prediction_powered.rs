//! Prediction-powered means: few labels, many predictions, and an interval that stays honest however bad the
//! predictions are.

use crate::estimate::{Estimate, Result, Undefined, check_confidence, check_finite, check_lengths};
use crate::mean::moments;
use crate::special::normal;

/// The mean of the label with one-sided bounds, from labelled rows with predictions and unlabelled rows with
/// predictions: lambda × mean(unlabelled predictions) + mean(label - lambda × prediction).
///
/// `lambda` 0 ignores the predictions, 1 trusts their scale wholly. Angelopoulos et al. (2023), "Prediction-powered
/// inference"; lambda from Angelopoulos, Duchi & Zrnic (2023), "PPI++". Variances have n below.
///
/// ```
/// use remuda_stats::prediction_powered::mean;
/// let estimate = mean(&[1.0, 0.0, 1.0, 1.0], &[0.9, 0.2, 0.7, 0.8], &[0.5, 0.6, 0.7], 1.0, 0.95)?;
/// assert!((estimate.value - 0.7).abs() < 1e-12);
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// No rows on a side, values that are not finite, or nothing that varies.
pub fn mean(
    labels: &[f64],
    predicted: &[f64],
    predicted_unlabelled: &[f64],
    lambda: f64,
    confidence: f64,
) -> Result<Estimate> {
    check_confidence(confidence)?;
    check(labels, predicted, predicted_unlabelled)?;
    check_finite(&[lambda])?;
    let corrections: Vec<f64> = labels.iter().zip(predicted).map(|(label, guess)| label - lambda * guess).collect();
    let (correction, unlabelled) = (moments(&corrections), moments(predicted_unlabelled));
    let population = |variance: f64, n: u64| if n > 0 { variance * (n as f64 - 1.0) / n as f64 } else { 0.0 };
    let variance = population(correction.variance, correction.n) / correction.n as f64
        + lambda * lambda * population(unlabelled.variance, unlabelled.n) / unlabelled.n as f64;
    if variance <= 0.0 {
        return Err(Undefined::OneValueOnly);
    }
    let value = lambda * unlabelled.mean + correction.mean;
    let half = normal::quantile(confidence) * variance.sqrt();
    Ok(Estimate {
        value,
        lower: value - half,
        upper: value + half,
        confidence,
        n: correction.n,
        method: "prediction-powered mean".to_owned(),
    })
}

/// The lambda of least variance: cov(label, prediction) / ((1 + n / N) var(prediction)), clipped to [0, 1]. PPI++,
/// section 6.
///
/// # Errors
/// As [`mean`], and predictions that do not vary.
pub fn best_lambda(labels: &[f64], predicted: &[f64], predicted_unlabelled: &[f64]) -> Result<f64> {
    check(labels, predicted, predicted_unlabelled)?;
    let (n, unlabelled) = (labels.len() as f64, predicted_unlabelled.len() as f64);
    let (label_mean, guess_mean) = (moments(labels).mean, moments(predicted).mean);
    let covariance: f64 =
        labels.iter().zip(predicted).map(|(y, f)| (y - label_mean) * (f - guess_mean)).sum::<f64>() / n;
    let all: Vec<f64> = predicted.iter().chain(predicted_unlabelled).copied().collect();
    let spread = moments(&all);
    let variance = spread.variance * (spread.n as f64 - 1.0) / spread.n as f64;
    if variance <= 0.0 {
        return Err(Undefined::OneValueOnly);
    }
    Ok((covariance / ((1.0 + n / unlabelled) * variance)).clamp(0.0, 1.0))
}

fn check(labels: &[f64], predicted: &[f64], predicted_unlabelled: &[f64]) -> Result<()> {
    check_lengths(labels.len(), predicted.len())?;
    check_finite(labels)?;
    check_finite(predicted)?;
    check_finite(predicted_unlabelled)
}
