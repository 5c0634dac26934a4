//! Metrics of predicted numbers, and their bounds.

use crate::bootstrap;
use crate::estimate::{Estimate, Result, Undefined, check_closed, check_confidence, check_finite, check_lengths};
use crate::mean;
use crate::special::student;

/// From this many rows on, R² is bounded by linearisation instead of a bootstrap.
const ROWS_TO_LINEARISE: usize = 20_000;

/// The mean absolute error. Unit: that of the column.
///
/// # Errors
/// No rows, columns of different length, or values that are not finite.
pub fn mean_absolute_error(truth: &[f64], predicted: &[f64]) -> Result<f64> {
    average(truth, predicted, |truth, predicted| (truth - predicted).abs())
}

/// The root of the mean squared error. Unit: that of the column.
///
/// # Errors
/// As [`mean_absolute_error`].
pub fn root_mean_squared_error(truth: &[f64], predicted: &[f64]) -> Result<f64> {
    Ok(average(truth, predicted, |truth, predicted| (truth - predicted).powi(2))?.sqrt())
}

/// The mean of predicted minus true: above zero when the model predicts too much.
///
/// # Errors
/// As [`mean_absolute_error`].
pub fn bias(truth: &[f64], predicted: &[f64]) -> Result<f64> {
    average(truth, predicted, |truth, predicted| predicted - truth)
}

/// The mean absolute error relative to the truth (0.1 is ten percent).
///
/// # Errors
/// As [`mean_absolute_error`], and [`Undefined::DividesByZero`] when a true value is zero.
pub fn mean_absolute_percentage_error(truth: &[f64], predicted: &[f64]) -> Result<f64> {
    if truth.contains(&0.0) {
        return Err(Undefined::DividesByZero { what: "a true value".to_owned() });
    }
    average(truth, predicted, |truth, predicted| ((truth - predicted) / truth).abs())
}

/// The median of the absolute errors.
///
/// # Errors
/// As [`mean_absolute_error`].
pub fn median_absolute_error(truth: &[f64], predicted: &[f64]) -> Result<f64> {
    check(truth, predicted)?;
    let mut errors: Vec<f64> = truth.iter().zip(predicted).map(|(t, p)| (t - p).abs()).collect();
    Ok(crate::quantile::linear(&mut errors, 0.5))
}

/// The pinball loss of a predicted quantile. Koenker & Bassett (1978).
///
/// # Errors
/// As [`mean_absolute_error`], and a quantile outside [0, 1].
pub fn pinball(truth: &[f64], predicted: &[f64], quantile: f64) -> Result<f64> {
    check_closed("the quantile", quantile)?;
    average(truth, predicted, |truth, predicted| {
        let miss = truth - predicted;
        (quantile * miss).max((quantile - 1.0) * miss)
    })
}

/// The root of the mean squared difference of ln(1 + value).
///
/// # Errors
/// As [`mean_absolute_error`], and [`Undefined::OutOfRange`] for a value at or below -1.
pub fn root_mean_squared_log_error(truth: &[f64], predicted: &[f64]) -> Result<f64> {
    if let Some(value) = truth.iter().chain(predicted).find(|value| **value <= -1.0) {
        return Err(crate::estimate::out_of_range("a value", *value));
    }
    Ok(average(truth, predicted, |t, p| (t.ln_1p() - p.ln_1p()).powi(2))?.sqrt())
}

/// R²: one minus the squared error over that of predicting the mean. Below zero when worse than the mean.
///
/// ```
/// let r2 = remuda_stats::regression::r_squared(&[3.0, -0.5, 2.0, 7.0], &[2.5, 0.0, 2.0, 8.0])?;
/// assert!((r2 - 0.9486081370449679).abs() < 1e-12);
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// As [`mean_absolute_error`], and [`Undefined::OneValueOnly`] when the truth does not vary.
pub fn r_squared(truth: &[f64], predicted: &[f64]) -> Result<f64> {
    check(truth, predicted)?;
    let spread = spread(truth)?;
    let misses: f64 = truth.iter().zip(predicted).map(|(t, p)| (t - p).powi(2)).sum();
    Ok(1.0 - misses / spread)
}

/// One minus the variance of the errors over that of the truth: R² without the bias.
///
/// # Errors
/// As [`r_squared`].
pub fn explained_variance(truth: &[f64], predicted: &[f64]) -> Result<f64> {
    check(truth, predicted)?;
    let spread = spread(truth)?;
    let errors: Vec<f64> = truth.iter().zip(predicted).map(|(t, p)| t - p).collect();
    let moments = mean::moments(&errors);
    Ok(1.0 - moments.variance * (moments.n as f64 - 1.0) / spread)
}

/// One minus the absolute error over that of predicting the median.
///
/// # Errors
/// As [`r_squared`].
pub fn d_squared_absolute(truth: &[f64], predicted: &[f64]) -> Result<f64> {
    let error = mean_absolute_error(truth, predicted)?;
    spread(truth)?;
    let median = crate::quantile::linear(&mut truth.to_vec(), 0.5);
    Ok(1.0 - error / average(truth, truth, |t, _| (t - median).abs())?)
}

/// The mean absolute error with one-sided bounds; see [`mean::estimate`].
///
/// # Errors
/// As [`mean_absolute_error`], and too few rows or errors that are all equal.
pub fn mean_absolute_error_estimate(truth: &[f64], predicted: &[f64], confidence: f64) -> Result<Estimate> {
    check(truth, predicted)?;
    let errors: Vec<f64> = truth.iter().zip(predicted).map(|(t, p)| (t - p).abs()).collect();
    let mut estimate = mean::estimate(&errors, confidence)?;
    estimate.lower = estimate.lower.max(0.0);
    Ok(estimate)
}

/// The root mean squared error with one-sided bounds: those of the mean squared error, whose root is monotone.
///
/// # Errors
/// As [`mean_absolute_error_estimate`].
pub fn root_mean_squared_error_estimate(truth: &[f64], predicted: &[f64], confidence: f64) -> Result<Estimate> {
    check(truth, predicted)?;
    let squares: Vec<f64> = truth.iter().zip(predicted).map(|(t, p)| (t - p).powi(2)).collect();
    let mut estimate = mean::estimate(&squares, confidence)?;
    estimate.value = estimate.value.sqrt();
    estimate.lower = estimate.lower.max(0.0).sqrt();
    estimate.upper = estimate.upper.max(0.0).sqrt();
    Ok(estimate)
}

/// R² with one-sided bounds: BCa over rows (2,000 resamples), from 20,000 rows on the linearised ratio with t.
///
/// # Errors
/// As [`r_squared`], and fewer than three rows.
pub fn r_squared_estimate(truth: &[f64], predicted: &[f64], confidence: f64) -> Result<Estimate> {
    check_confidence(confidence)?;
    let value = r_squared(truth, predicted)?;
    let n = truth.len();
    if n < 3 {
        return Err(Undefined::TooFew { needed: 3, have: n as u64 });
    }
    let centre = truth.iter().sum::<f64>() / n as f64;
    if n >= ROWS_TO_LINEARISE {
        let below = spread(truth)? / n as f64;
        let influences: Vec<f64> = truth
            .iter()
            .zip(predicted)
            .map(|(t, p)| ((t - p).powi(2) - (1.0 - value) * (t - centre).powi(2)) / below)
            .collect();
        let error = (mean::moments(&influences).variance / n as f64).sqrt();
        let half = student::quantile(confidence, n as f64 - 1.0) * error;
        return Ok(Estimate {
            value,
            lower: value - half,
            upper: (value + half).min(1.0),
            confidence,
            n: n as u64,
            method: "linearised ratio, Student t".to_owned(),
        });
    }
    let statistic = |weights: &[u32]| {
        let (mut sum, mut square, mut misses) = (0.0, 0.0, 0.0);
        let mut total = 0.0;
        for ((t, p), weight) in truth.iter().zip(predicted).zip(weights) {
            let (weight, t_centred) = (f64::from(*weight), t - centre);
            total += weight;
            sum += weight * t_centred;
            square += weight * t_centred * t_centred;
            misses += weight * (t - p) * (t - p);
        }
        let spread = square - sum * sum / total;
        if spread > 0.0 { 1.0 - misses / spread } else { f64::NAN }
    };
    bootstrap::rows(n, statistic, 2_000, 0, confidence)
}

fn average(truth: &[f64], predicted: &[f64], loss: impl Fn(f64, f64) -> f64) -> Result<f64> {
    check(truth, predicted)?;
    Ok(truth.iter().zip(predicted).map(|(t, p)| loss(*t, *p)).sum::<f64>() / truth.len() as f64)
}

fn check(truth: &[f64], predicted: &[f64]) -> Result<()> {
    check_lengths(truth.len(), predicted.len())?;
    check_finite(truth)?;
    check_finite(predicted)
}

/// The sum of squares around the mean, above zero.
fn spread(truth: &[f64]) -> Result<f64> {
    let moments = mean::moments(truth);
    if moments.variance > 0.0 { Ok(moments.variance * (moments.n as f64 - 1.0)) } else { Err(Undefined::OneValueOnly) }
}
