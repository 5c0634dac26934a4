//! The mean of per-row losses, errors or costs, with bounds; and the moments other modules share.

use crate::bootstrap;
use crate::estimate::{Estimate, Result, Undefined, check_confidence, check_finite};
use crate::special::{normal, student};

/// From this many rows on, the t interval may decide.
pub const ROWS_FOR_T: u64 = 100;

/// From this many skewed rows on, Hall's transformation replaces the bootstrap.
const ROWS_FOR_HALL: u64 = 20_000;

/// The mean with one-sided bounds: Student's t when it can be trusted, else a BCa bootstrap of 2,000 resamples.
///
/// t is trusted from 100 rows on while n > 25 G², G the skewness of the losses (Cochran 1977, "Sampling techniques",
/// section 2.15). The bootstrap is seeded with a constant: equal input gives equal bounds. From 20,000 skewed rows on
/// Hall's transformation stands in for it: as accurate to the same order, and without resamples. With fewer than 100
/// skewed rows no method is exact: for 60 exponential losses the upper bound holds in 92 of 100 samples, not in 95.
///
/// ```
/// let losses: Vec<f64> = (0..200).map(|i| f64::from(i % 10)).collect();
/// let mean = remuda_stats::mean::estimate(&losses, 0.95)?;
/// assert!((mean.value - 4.5).abs() < 1e-12 && mean.method == "Student t");
/// assert!((mean.upper - 4.836_4).abs() < 1e-3);
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// No rows, values that are not finite, one row, or rows that are all equal.
pub fn estimate(losses: &[f64], confidence: f64) -> Result<Estimate> {
    check_confidence(confidence)?;
    check_finite(losses)?;
    let moments = moments(losses);
    if moments.n >= ROWS_FOR_T && moments.n as f64 > 25.0 * moments.skewness * moments.skewness {
        return student_t(losses, confidence);
    }
    if moments.n >= ROWS_FOR_HALL && moments.variance > 0.0 {
        return Ok(hall(moments, confidence));
    }
    bootstrap::mean(losses, 2_000, 0, confidence)
}

/// Hall (1992), "On the removal of skewness by transformation": the normal quantile through the inverse of
/// g(T) = T + skew (T² / 3 + 1/6) / sqrt(n) + skew² T³ / (27 n).
fn hall(moments: Moments, confidence: f64) -> Estimate {
    let n = moments.n as f64;
    let third = moments.skewness / 3.0;
    let inverse = |z: f64| {
        let inner = 1.0 + 3.0 * third * (z / n.sqrt() - moments.skewness / (6.0 * n));
        n.sqrt() / third * (inner.cbrt() - 1.0)
    };
    let z = normal::quantile(confidence);
    let error = (moments.variance / n).sqrt();
    let (one, other) = (moments.mean - error * inverse(z), moments.mean - error * inverse(-z));
    Estimate {
        value: moments.mean,
        lower: one.min(moments.mean),
        upper: other.max(moments.mean),
        confidence,
        n: moments.n,
        method: "Hall's transformed t".to_owned(),
    }
}

/// The mean with Student's t bounds, whatever the number of rows and the skew.
///
/// # Errors
/// No rows, values that are not finite, one row, or rows that are all equal.
pub fn student_t(losses: &[f64], confidence: f64) -> Result<Estimate> {
    check_confidence(confidence)?;
    check_finite(losses)?;
    let moments = moments(losses);
    if moments.n < 2 {
        return Err(Undefined::TooFew { needed: 2, have: moments.n });
    }
    if moments.variance == 0.0 {
        return Err(Undefined::OneValueOnly);
    }
    let half = student::quantile(confidence, moments.n as f64 - 1.0) * (moments.variance / moments.n as f64).sqrt();
    Ok(Estimate {
        value: moments.mean,
        lower: moments.mean - half,
        upper: moments.mean + half,
        confidence,
        n: moments.n,
        method: "Student t".to_owned(),
    })
}

/// Count, mean, unbiased variance and skewness of a sample. Nothing is checked; an empty sample has zeros.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moments {
    /// Rows.
    pub n: u64,
    /// The mean.
    pub mean: f64,
    /// The variance with n - 1 below; 0 for fewer than two rows.
    pub variance: f64,
    /// The skewness m3 / m2^1.5; 0 when all rows are equal.
    pub skewness: f64,
}

/// The moments of a sample in two passes, centred on the mean.
#[must_use]
pub fn moments(values: &[f64]) -> Moments {
    let n = values.len() as f64;
    if values.is_empty() {
        return Moments { n: 0, mean: 0.0, variance: 0.0, skewness: 0.0 };
    }
    let mean = values.iter().sum::<f64>() / n;
    let (mut second, mut third, mut first) = (0.0, 0.0, 0.0);
    for value in values {
        let d = value - mean;
        first += d;
        second += d * d;
        third += d * d * d;
    }
    // Corrects the rounding of the mean itself (Chan, Golub & LeVeque 1983).
    second = (second - first * first / n).max(0.0);
    // A constant column leaves rounding dust: it is no spread.
    if second <= n * (mean.abs() * 1e-15).powi(2) {
        return Moments { n: values.len() as u64, mean, variance: 0.0, skewness: 0.0 };
    }
    let variance = if n > 1.0 { second / (n - 1.0) } else { 0.0 };
    Moments { n: values.len() as u64, mean, variance, skewness: third / n / (second / n).powf(1.5) }
}
