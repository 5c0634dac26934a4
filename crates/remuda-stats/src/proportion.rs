//! One proportion: exact and score intervals, exact tests. Differences live in `paired` and `difference`.

use crate::estimate::{Estimate, Interval, Result, Undefined, check_closed, check_confidence, out_of_range};
use crate::special::{beta, binomial, normal};

/// The rate `successes / n` with exact one-sided bounds, each at `confidence`.
///
/// Clopper & Pearson (1934), "The use of confidence or fiducial limits illustrated in the case of the binomial".
///
/// ```
/// let rate = remuda_stats::proportion::rate(450, 500, 0.95)?;
/// assert!((rate.lower - 0.8751341925861098).abs() < 1e-12);
/// assert!((rate.upper - 0.9212614299548023).abs() < 1e-12);
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// No rows, more successes than rows, or a confidence outside (0, 1).
pub fn rate(successes: u64, n: u64, confidence: f64) -> Result<Estimate> {
    check(successes, n, confidence)?;
    Ok(Estimate {
        value: successes as f64 / n as f64,
        lower: lower_bound(successes, n, 1.0 - confidence),
        upper: upper_bound(successes, n, 1.0 - confidence),
        confidence,
        n,
        method: "Clopper-Pearson".to_owned(),
    })
}

/// The exact two-sided interval at `level`. Clopper & Pearson (1934).
///
/// # Errors
/// As [`rate`].
pub fn clopper_pearson(successes: u64, n: u64, level: f64) -> Result<Interval> {
    check(successes, n, level)?;
    let alpha = (1.0 - level) / 2.0;
    Ok(Interval { low: lower_bound(successes, n, alpha), high: upper_bound(successes, n, alpha) })
}

/// Wilson's score interval, two-sided: what charts show. Wilson (1927), "Probable inference".
///
/// ```
/// let interval = remuda_stats::proportion::wilson(91, 100, 0.95)?;
/// assert!((interval.low - 0.8377378714728368).abs() < 1e-12);
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// As [`rate`].
pub fn wilson(successes: u64, n: u64, level: f64) -> Result<Interval> {
    check(successes, n, level)?;
    Ok(wilson_at(successes, n, two_sided_z(level)))
}

/// Wilson's interval with the continuity correction of Newcombe (1998), "Two-sided confidence intervals for the
/// single proportion", method 4.
///
/// # Errors
/// As [`rate`].
pub fn wilson_corrected(successes: u64, n: u64, level: f64) -> Result<Interval> {
    check(successes, n, level)?;
    let z = two_sided_z(level);
    let total = n as f64;
    let p = successes as f64 / total;
    let q = 1.0 - p;
    let below = 2.0 * (total + z * z);
    let middle = 2.0 * total * p + z * z;
    let low_root = z * (z * z - 2.0 - 1.0 / total + 4.0 * p * (total * q + 1.0)).max(0.0).sqrt();
    let high_root = z * (z * z + 2.0 - 1.0 / total + 4.0 * p * (total * q - 1.0)).max(0.0).sqrt();
    Ok(Interval {
        low: if successes == 0 { 0.0 } else { ((middle - 1.0 - low_root) / below).max(0.0) },
        high: if successes == n { 1.0 } else { ((middle + 1.0 + high_root) / below).min(1.0) },
    })
}

/// Agresti & Coull (1998), "Approximate is better than exact": add z²/2 successes and failures, clipped to [0, 1].
///
/// # Errors
/// As [`rate`].
pub fn agresti_coull(successes: u64, n: u64, level: f64) -> Result<Interval> {
    check(successes, n, level)?;
    let z = two_sided_z(level);
    let total = n as f64 + z * z;
    let p = (successes as f64 + z * z / 2.0) / total;
    let half = z * (p * (1.0 - p) / total).sqrt();
    Ok(Interval { low: (p - half).max(0.0), high: (p + half).min(1.0) })
}

/// The equal-tailed interval of the Beta(k + 1/2, n - k + 1/2) posterior (Brown, Cai & DasGupta 2001, section 3.1.3).
///
/// # Errors
/// As [`rate`].
pub fn jeffreys(successes: u64, n: u64, level: f64) -> Result<Interval> {
    check(successes, n, level)?;
    let alpha = (1.0 - level) / 2.0;
    let (a, b) = (successes as f64 + 0.5, (n - successes) as f64 + 0.5);
    Ok(Interval { low: beta::inverse(a, b, alpha).0, high: beta::inverse_of_tails(a, b, 1.0 - alpha, alpha).0 })
}

/// The plain normal interval, two-sided and not clipped. Kept for comparison only: it is far too short near 0 and 1.
///
/// # Errors
/// As [`rate`].
pub fn wald(successes: u64, n: u64, level: f64) -> Result<Interval> {
    check(successes, n, level)?;
    let p = successes as f64 / n as f64;
    let half = two_sided_z(level) * (p * (1.0 - p) / n as f64).sqrt();
    Ok(Interval { low: p - half, high: p + half })
}

/// The exact p-value of `true rate <= threshold` against "greater": P(X >= successes) at the threshold.
///
/// # Errors
/// No rows, more successes than rows, or a threshold outside [0, 1].
pub fn test_greater(successes: u64, n: u64, threshold: f64) -> Result<f64> {
    check(successes, n, 0.5)?;
    check_closed("the threshold", threshold)?;
    Ok(binomial::at_least(successes, n, threshold))
}

/// The exact p-value of `true rate >= threshold` against "less": P(X <= successes) at the threshold.
///
/// # Errors
/// As [`test_greater`].
pub fn test_less(successes: u64, n: u64, threshold: f64) -> Result<f64> {
    check(successes, n, 0.5)?;
    check_closed("the threshold", threshold)?;
    Ok(binomial::at_most(successes, n, threshold))
}

/// The exact two-sided p-value: the chance, at the threshold, of all counts no likelier than the one seen.
///
/// # Errors
/// As [`test_greater`].
pub fn test_two_sided(successes: u64, n: u64, threshold: f64) -> Result<f64> {
    check(successes, n, 0.5)?;
    check_closed("the threshold", threshold)?;
    let seen = binomial::probability(successes, n, threshold) * (1.0 + 1e-7);
    let mode = ((n as f64 + 1.0) * threshold).floor().min(n as f64) as u64;
    if successes == mode {
        return Ok(1.0);
    }
    // Each side of the mode is monotone: bisect for where the other tail becomes as unlikely.
    if successes < mode {
        let (mut low, mut high) = (mode, n + 1);
        while low < high {
            let middle = low + (high - low) / 2;
            if binomial::probability(middle, n, threshold) <= seen { high = middle } else { low = middle + 1 }
        }
        return Ok((binomial::at_most(successes, n, threshold) + binomial::at_least(low, n, threshold)).min(1.0));
    }
    // The number of counts from zero upwards that are as unlikely.
    let (mut low, mut high) = (0, mode + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        if binomial::probability(middle, n, threshold) <= seen { low = middle + 1 } else { high = middle }
    }
    let other = if low == 0 { 0.0 } else { binomial::at_most(low - 1, n, threshold) };
    Ok((other + binomial::at_least(successes, n, threshold)).min(1.0))
}

/// The exact lower bound at one-sided risk `alpha`; inputs already checked.
pub(crate) fn lower_bound(successes: u64, n: u64, alpha: f64) -> f64 {
    if successes == 0 { 0.0 } else { beta::inverse(successes as f64, (n - successes) as f64 + 1.0, alpha).0 }
}

/// The exact upper bound at one-sided risk `alpha`; inputs already checked.
pub(crate) fn upper_bound(successes: u64, n: u64, alpha: f64) -> f64 {
    if successes == n {
        return 1.0;
    }
    beta::inverse_of_tails(successes as f64 + 1.0, (n - successes) as f64, 1.0 - alpha, alpha).0
}

/// Wilson's interval with a given normal quantile; inputs already checked.
pub(crate) fn wilson_at(successes: u64, n: u64, z: f64) -> Interval {
    let total = n as f64;
    let p = successes as f64 / total;
    let below = 1.0 + z * z / total;
    let centre = (p + z * z / (2.0 * total)) / below;
    let half = z / below * (p * (1.0 - p) / total + z * z / (4.0 * total * total)).sqrt();
    Interval {
        low: if successes == 0 { 0.0 } else { (centre - half).max(0.0) },
        high: if successes == n { 1.0 } else { (centre + half).min(1.0) },
    }
}

/// The normal quantile of a two-sided level.
pub(crate) fn two_sided_z(level: f64) -> f64 {
    -normal::quantile((1.0 - level) / 2.0)
}

pub(crate) fn check(successes: u64, n: u64, confidence: f64) -> Result<()> {
    check_confidence(confidence)?;
    if n == 0 {
        return Err(Undefined::NoRows);
    }
    if successes > n {
        return Err(out_of_range("the number of successes", successes as f64));
    }
    Ok(())
}
