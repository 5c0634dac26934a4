//! New against old on the same rows: right or wrong per row, and the equivalence of two measurements.
//!
//! Only rows on which the two disagree carry information. Paired AUC lives in `auc`, other paired metrics in `bootstrap`.

use crate::estimate::{Estimate, Interval, Result, Undefined, check_confidence, out_of_range};
use crate::paired_numbers::{Gap, gap};
use crate::proportion::{two_sided_z, wilson_at};
use crate::special::{binomial, bisect, gamma, normal, student};
use serde::{Deserialize, Serialize};

/// The difference of two paired rates, new minus old, with Tango's score bounds, each one-sided at `confidence`.
///
/// `only_new_right` and `only_old_right` are the disagreeing rows, `n` all rows. Tango (1998), "Equivalence test and
/// confidence interval for the difference in proportions for the paired-sample design".
///
/// ```
/// let difference = remuda_stats::paired::difference(35, 20, 500, 0.975)?;
/// assert!((difference.value - 0.03).abs() < 1e-12);
/// assert!((difference.lower - 0.0009590186214368495).abs() < 1e-9);
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// No rows, more disagreements than rows, or a confidence outside (0, 1).
pub fn difference(only_new_right: u64, only_old_right: u64, n: u64, confidence: f64) -> Result<Estimate> {
    check_confidence(confidence)?;
    check_counts(only_new_right, only_old_right, n)?;
    let z = normal::quantile(confidence);
    let value = (only_new_right as f64 - only_old_right as f64) / n as f64;
    let score = |delta: f64| tango_score(only_new_right as f64, only_old_right as f64, n as f64, delta);
    // The score falls from left to right through zero at the estimate.
    let lower = if value <= -1.0 { -1.0 } else { bisect(-1.0, value, |delta| score(delta) - z) };
    let upper = if value >= 1.0 { 1.0 } else { bisect(value, 1.0, |delta| score(delta) + z) };
    Ok(Estimate { value, lower, upper, confidence, n, method: "Tango score".to_owned() })
}

/// Tango's score statistic at a hypothetical difference: standard normal when the difference is the true one.
pub(crate) fn tango_score(b: f64, c: f64, n: f64, delta: f64) -> f64 {
    let above = b - c - n * delta;
    if above == 0.0 {
        return 0.0;
    }
    let linear = -b - c + (2.0 * n - b + c) * delta;
    let constant = -c * delta * (1.0 - delta);
    let root = (linear * linear - 8.0 * n * constant).max(0.0).sqrt();
    // The larger root of 2n q² + linear q + constant, in the form that does not cancel.
    let q = if linear <= 0.0 {
        (root - linear) / (4.0 * n)
    } else if root + linear > 0.0 {
        -2.0 * constant / (root + linear)
    } else {
        0.0
    };
    let variance = n * (2.0 * q + delta * (1.0 - delta));
    if variance <= 0.0 { above.signum() * f64::MAX } else { above / variance.sqrt() }
}

/// McNemar's tests in their usual forms.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct McNemar {
    /// Two-sided exact (binomial) p-value.
    pub exact: f64,
    /// Two-sided mid-p (Fagerland, Lydersen & Laake 2013).
    pub mid: f64,
    /// One-sided exact p-value of "new is better".
    pub new_better: f64,
    /// Chi-square without continuity correction, and its p-value.
    pub chi_square: f64,
    /// p-value of `chi_square`.
    pub asymptotic: f64,
    /// Chi-square with continuity correction.
    pub chi_square_corrected: f64,
    /// p-value of `chi_square_corrected`.
    pub asymptotic_corrected: f64,
}

/// The one-sided exact McNemar p-value of "new is better than old".
///
/// ```
/// let p = remuda_stats::paired::exact_p(12, 2)?;
/// assert!((p - 0.0064697265625).abs() < 1e-14);
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// None today; without disagreements the p-value is 1.
pub fn exact_p(only_new_right: u64, only_old_right: u64) -> Result<f64> {
    Ok(binomial::at_least(only_new_right, only_new_right + only_old_right, 0.5))
}

/// McNemar's test: exact, mid-p and asymptotic. Without disagreements every p-value is 1. McNemar (1947).
#[must_use]
pub fn mcnemar(only_new_right: u64, only_old_right: u64) -> McNemar {
    let n = only_new_right + only_old_right;
    if n == 0 {
        return McNemar {
            exact: 1.0,
            mid: 1.0,
            new_better: 1.0,
            chi_square: 0.0,
            asymptotic: 1.0,
            chi_square_corrected: 0.0,
            asymptotic_corrected: 1.0,
        };
    }
    let smaller = only_new_right.min(only_old_right);
    let tail = binomial::at_most(smaller, n, 0.5);
    let here = binomial::probability(smaller, n, 0.5);
    let gap = only_new_right.abs_diff(only_old_right) as f64;
    let chi_square = gap * gap / n as f64;
    let corrected = (gap - 1.0) * (gap - 1.0) / n as f64;
    McNemar {
        exact: (2.0 * tail).min(1.0),
        mid: if gap == 0.0 { 1.0 - here / 2.0 } else { 2.0 * tail - here },
        new_better: binomial::at_least(only_new_right, n, 0.5),
        chi_square,
        asymptotic: gamma::chi_square_tail(chi_square, 1.0),
        chi_square_corrected: corrected,
        asymptotic_corrected: gamma::chi_square_tail(corrected, 1.0),
    }
}

/// Newcombe's hybrid score interval of a paired difference, two-sided at `level`.
///
/// Newcombe (1998), "Improved confidence intervals for the difference between binomial proportions based on paired
/// data", method 10 (continuity-corrected phi).
///
/// # Errors
/// No rows or a level outside (0, 1).
pub fn newcombe(
    both_right: u64,
    only_new_right: u64,
    only_old_right: u64,
    both_wrong: u64,
    level: f64,
) -> Result<Interval> {
    check_confidence(level)?;
    let n = both_right + only_new_right + only_old_right + both_wrong;
    check_counts(only_new_right, only_old_right, n)?;
    let z = two_sided_z(level);
    let total = n as f64;
    let new = wilson_at(both_right + only_new_right, n, z);
    let old = wilson_at(both_right + only_old_right, n, z);
    let new_rate = (both_right + only_new_right) as f64 / total;
    let old_rate = (both_right + only_old_right) as f64 / total;
    let theta = (only_new_right as f64 - only_old_right as f64) / total;
    let phi = corrected_phi(both_right as f64, only_new_right as f64, only_old_right as f64, both_wrong as f64);
    let combine = |one: f64, other: f64| (one * one - 2.0 * phi * one * other + other * other).max(0.0).sqrt();
    Ok(Interval {
        low: theta - combine(new_rate - new.low, old.high - old_rate),
        high: theta + combine(new.high - new_rate, old_rate - old.low),
    })
}

fn corrected_phi(a: f64, b: f64, c: f64, d: f64) -> f64 {
    let margins = (a + b) * (c + d) * (a + c) * (b + d);
    if margins == 0.0 {
        return 0.0;
    }
    let half = (a + b + c + d) / 2.0;
    let determinant = a * d - b * c;
    let above = if determinant > half {
        determinant - half
    } else if determinant >= 0.0 {
        0.0
    } else {
        determinant
    };
    above / margins.sqrt()
}

/// The p-value of "not equivalent": two one-sided paired t tests that the mean of `new - old` lies in (`low`, `high`).
///
/// Schuirmann (1987). Small values support equivalence.
///
/// # Errors
/// Unequal lengths, fewer than two rows, values that are not finite, or differences that are all equal.
pub fn equivalence(new: &[f64], old: &[f64], low: f64, high: f64) -> Result<f64> {
    let Gap { mean, error, freedom } = gap(new, old)?;
    let above_low = student::tail((mean - low) / error, freedom);
    let below_high = student::tail((high - mean) / error, freedom);
    Ok(above_low.max(below_high))
}

fn check_counts(only_new_right: u64, only_old_right: u64, n: u64) -> Result<()> {
    if n == 0 {
        return Err(Undefined::NoRows);
    }
    if only_new_right.saturating_add(only_old_right) > n {
        return Err(out_of_range("the number of disagreements", only_new_right.saturating_add(only_old_right) as f64));
    }
    Ok(())
}
