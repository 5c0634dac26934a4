//! The mean of per-row losses, errors or costs, with bounds; and the moments other modules share.

use crate::estimate::{Estimate, Result, Undefined, check_confidence, check_finite, out_of_range};
use crate::special::student;

/// The mean with one-sided bounds: Student's t through Hall's transformation, which takes the skewness of the losses out.
/// Hall (1992), "On the removal of skewness by transformation"; the skewness is corrected for the sample's size, the
/// quantile is that of t with n - 1 degrees of freedom. Without skewness it is Student's t itself.
///
/// Simulated at the threshold (docs/concepts/error-rates.md) it keeps 5 % from 60 rows on for errors of a normal or
/// exponential kind, where t is wrong in 7 to 10 % of tries and a BCa bootstrap in 6 to 9 %. For losses with a very long
/// tail no method does: of 100 log-normal losses it is wrong in 7 %, t in 12 %.
///
/// ```
/// let losses: Vec<f64> = (0..200).map(|i| f64::from(i % 10)).collect();
/// let mean = remuda_stats::mean::estimate(&losses, 0.95)?;
/// assert!((mean.value - 4.5).abs() < 1e-12 && (mean.upper - 4.836_4).abs() < 1e-3);
/// // Skewed to the right: the upper bound lies further away than the lower one.
/// let skewed: Vec<f64> = (0..100).map(|i| (f64::from(i) / 25.0).exp()).collect();
/// let mean = remuda_stats::mean::estimate(&skewed, 0.95)?;
/// assert!(mean.upper - mean.value > 1.1 * (mean.value - mean.lower));
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// No rows, values that are not finite, one row, or rows that are all equal.
pub fn estimate(losses: &[f64], confidence: f64) -> Result<Estimate> {
    check_confidence(confidence)?;
    check_finite(losses)?;
    from_moments(moments(losses), confidence)
}

/// The same from moments alone: for losses of which only few values occur, [`moments_of_counts`] has them at once.
///
/// # Errors
/// No rows, one row, rows that are all equal, or moments that are not finite.
pub fn from_moments(moments: Moments, confidence: f64) -> Result<Estimate> {
    check_confidence(confidence)?;
    if moments.n == 0 {
        return Err(Undefined::NoRows);
    }
    check_finite(&[moments.mean, moments.variance, moments.skewness])?;
    check_spread(moments)?;
    let n = moments.n as f64;
    let adjusted = if moments.n > 2 { (n * (n - 1.0)).sqrt() / (n - 2.0) } else { 1.0 };
    let skewness = moments.skewness * adjusted;
    let third = skewness / 3.0;
    let inverse = |t: f64| {
        if third.abs() < 1e-9 {
            return t;
        }
        let inner = 1.0 + 3.0 * third * (t / n.sqrt() - skewness / (6.0 * n));
        n.sqrt() / third * (inner.cbrt() - 1.0)
    };
    let t = student::quantile(confidence, n - 1.0);
    let error = (moments.variance / n).sqrt();
    Ok(Estimate {
        value: moments.mean,
        lower: (moments.mean - error * inverse(t)).min(moments.mean),
        upper: (moments.mean - error * inverse(-t)).max(moments.mean),
        confidence,
        n: moments.n,
        method: "Student t, Hall's transformation".to_owned(),
    })
}

/// The mean of values that are known to lie between two ends, as costs do that a table gives: as [`estimate`], and of
/// rows that are all equal too. There no spread can be estimated, but the rows that differ are at most a share whose
/// Clopper-Pearson bound is 1 - risk^(1/n), and each of them by no more than the distance to an end.
///
/// ```
/// let nothing = remuda_stats::mean::between(&[0.0; 300], (0.0, 5.0), 0.95)?;
/// // The rule of three: at most about 3 / 300 of all rows cost anything, and each of them 5.
/// assert!((nothing.upper - 5.0 * 3.0 / 300.0).abs() < 5e-4 && nothing.lower == 0.0);
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// No rows, values that are not finite or lie outside the ends.
pub fn between(values: &[f64], (low, high): (f64, f64), confidence: f64) -> Result<Estimate> {
    check_confidence(confidence)?;
    check_finite(values)?;
    let Some(outside) = values.iter().find(|value| **value < low || **value > high) else {
        let moments = moments(values);
        if moments.variance > 0.0 || values.is_empty() {
            return estimate(values, confidence);
        }
        let others = 1.0 - (1.0 - confidence).powf(1.0 / moments.n as f64);
        return Ok(Estimate {
            value: moments.mean,
            lower: moments.mean - others * (moments.mean - low),
            upper: moments.mean + others * (high - moments.mean),
            confidence,
            n: moments.n,
            method: "all rows equal: Clopper-Pearson for rows that differ".to_owned(),
        });
    };
    Err(out_of_range("a value", *outside))
}

fn check_spread(moments: Moments) -> Result<()> {
    if moments.n < 2 {
        return Err(Undefined::TooFew { needed: 2, have: moments.n });
    }
    if moments.variance == 0.0 { Err(Undefined::OneValueOnly) } else { Ok(()) }
}

/// The mean with Student's t bounds, whatever the number of rows and the skew.
///
/// # Errors
/// No rows, values that are not finite, one row, or rows that are all equal.
pub fn student_t(losses: &[f64], confidence: f64) -> Result<Estimate> {
    check_confidence(confidence)?;
    check_finite(losses)?;
    let moments = moments(losses);
    check_spread(moments)?;
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

/// The moments of a sample of which each value occurs so many times.
///
/// ```
/// use remuda_stats::mean::{moments, moments_of_counts};
/// let (one, other) = (moments_of_counts(&[(0.0, 3), (5.0, 1)]), moments(&[0.0, 0.0, 5.0, 0.0]));
/// assert_eq!((one.n, one.mean, one.variance), (4, 1.25, 6.25));
/// assert!((one.skewness - other.skewness).abs() < 1e-12);
/// ```
#[must_use]
pub fn moments_of_counts(values: &[(f64, u64)]) -> Moments {
    let rows: u64 = values.iter().map(|(_, count)| count).sum();
    if rows == 0 {
        return Moments { n: 0, mean: 0.0, variance: 0.0, skewness: 0.0 };
    }
    let n = rows as f64;
    let mean = values.iter().map(|(value, count)| value * *count as f64).sum::<f64>() / n;
    let power =
        |power: i32| values.iter().map(|(value, count)| (value - mean).powi(power) * *count as f64).sum::<f64>();
    let second = power(2);
    let present = values.iter().filter(|(_, count)| *count > 0);
    let (least, greatest) = present.fold((f64::INFINITY, f64::NEG_INFINITY), |(least, greatest), (value, _)| {
        (least.min(*value), greatest.max(*value))
    });
    if least == greatest || second <= n * (mean.abs() * 1e-15).powi(2) {
        return Moments { n: rows, mean, variance: 0.0, skewness: 0.0 };
    }
    let variance = if rows > 1 { second / (n - 1.0) } else { 0.0 };
    Moments { n: rows, mean, variance, skewness: power(3) / n / (second / n).powf(1.5) }
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
