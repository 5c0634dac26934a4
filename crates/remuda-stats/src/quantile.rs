//! Quantiles (latency p99 and the like): point estimate, bounds by order statistics, exact tests.

use crate::estimate::{Estimate, Result, Undefined, check_confidence, check_open};
use crate::special::binomial;
use serde::{Deserialize, Serialize};

/// The quantile at `p` with one-sided bounds by order statistics; the values may come in any order.
///
/// The point is the linear (type 7) sample quantile of Hyndman & Fan (1996); the bounds hold for every continuous
/// distribution (Conover 1999, section 3.2).
///
/// ```
/// let values: Vec<f64> = (1..=300).map(f64::from).collect();
/// let p99 = remuda_stats::quantile::estimate(&values, 0.99, 0.95)?;
/// assert_eq!(p99.upper, 300.0);
/// let few = remuda_stats::quantile::estimate(&values[..298], 0.99, 0.95);
/// assert_eq!(few.unwrap_err().to_string(), "at least 299 rows are needed and there are 298");
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// No rows, NaN, or fewer rows than the two bounds need: [`Undefined::TooFew`] names the number.
pub fn estimate(values: &[f64], p: f64, confidence: f64) -> Result<Estimate> {
    let bounds = bounds(values, p, confidence)?;
    match (bounds.lower, bounds.upper) {
        (Some(lower), Some(upper)) => Ok(Estimate {
            value: bounds.value,
            lower,
            upper,
            confidence,
            n: values.len() as u64,
            method: "order statistics".to_owned(),
        }),
        _ => Err(Undefined::TooFew {
            needed: samples_needed(p, confidence)?.max(samples_needed(1.0 - p, confidence)?),
            have: values.len() as u64,
        }),
    }
}

/// The bounds of a quantile; each exists only when there are enough rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderBounds {
    /// The linear (type 7) sample quantile.
    pub value: f64,
    /// Rank of the lower bound, starting at 1.
    pub lower_rank: Option<u64>,
    /// Rank of the upper bound, starting at 1.
    pub upper_rank: Option<u64>,
    /// The one-sided lower bound.
    pub lower: Option<f64>,
    /// The one-sided upper bound.
    pub upper: Option<f64>,
}

/// As [`estimate`], where a bound may be missing: enough to refuse a limit although it cannot be confirmed.
///
/// # Errors
/// No rows, NaN, or a probability outside (0, 1).
pub fn bounds(values: &[f64], p: f64, confidence: f64) -> Result<OrderBounds> {
    check_confidence(confidence)?;
    check_open("the quantile", p)?;
    if values.is_empty() {
        return Err(Undefined::NoRows);
    }
    let count = values.iter().filter(|value| !value.is_finite()).count() as u64;
    if count > 0 {
        return Err(Undefined::NotFinite { count });
    }
    let n = values.len() as u64;
    let lower_rank = Some(binomial::quantile(1.0 - confidence, n, p)).filter(|rank| *rank >= 1);
    let upper_rank = Some(binomial::quantile(confidence, n, p) + 1).filter(|rank| *rank <= n);
    let mut work = values.to_vec();
    Ok(OrderBounds {
        value: linear(&mut work, p),
        lower_rank,
        upper_rank,
        lower: lower_rank.map(|rank| nth(&mut work, rank)),
        upper: upper_rank.map(|rank| nth(&mut work, rank)),
    })
}

/// The smallest sample for which a one-sided bound beyond the quantile `p` exists: ceil(ln(1 - confidence) / ln p).
///
/// ```
/// assert_eq!(remuda_stats::quantile::samples_needed(0.99, 0.95), Ok(299));
/// ```
///
/// # Errors
/// A probability or confidence outside (0, 1).
pub fn samples_needed(p: f64, confidence: f64) -> Result<u64> {
    check_confidence(confidence)?;
    check_open("the quantile", p)?;
    let alpha = 1.0 - confidence;
    let mut n = (alpha.ln() / p.ln()).ceil().max(1.0) as u64;
    // Undo the rounding of the division at the edge.
    while n > 1 && (n - 1) as f64 * p.ln() <= alpha.ln() * (1.0 + 1e-13) {
        n -= 1;
    }
    Ok(n)
}

/// An exact test that the quantile lies below a limit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LimitTest {
    /// The number of values below the limit.
    pub below: u64,
    /// The p-value of "the quantile is not below the limit".
    pub p_value: f64,
}

/// Tests that the quantile at `p` is below `limit` (Conover 1999, section 3.2).
///
/// # Errors
/// No rows, NaN, or a probability outside (0, 1).
pub fn test_below(values: &[f64], p: f64, limit: f64) -> Result<LimitTest> {
    check_open("the quantile", p)?;
    if values.is_empty() {
        return Err(Undefined::NoRows);
    }
    let count = values.iter().filter(|value| value.is_nan()).count() as u64;
    if count > 0 {
        return Err(Undefined::NotFinite { count });
    }
    let below = values.iter().filter(|value| **value < limit).count() as u64;
    Ok(LimitTest { below, p_value: binomial::at_least(below, values.len() as u64, p) })
}

/// The linear (type 7) quantile. Reorders `values`, which must be finite and not empty.
pub(crate) fn linear(values: &mut [f64], p: f64) -> f64 {
    let position = p * (values.len() - 1) as f64;
    let index = position.floor() as usize;
    let (_, at, above) = values.select_nth_unstable_by(index, f64::total_cmp);
    let at = *at;
    let share = position - index as f64;
    let next = above.iter().copied().min_by(f64::total_cmp).unwrap_or(at);
    at + share * (next - at)
}

/// The value at a rank that starts at 1 and is within the slice.
pub(crate) fn nth(values: &mut [f64], rank: u64) -> f64 {
    *values.select_nth_unstable_by((rank - 1) as usize, f64::total_cmp).1
}
