//! Two columns of numbers on the same rows, such as the losses of two models: Student's and Wilcoxon's paired tests.

use crate::drift::numeric::SampleTest;
use crate::estimate::{Interval, Result, Undefined, check_confidence, check_finite, check_lengths};
use crate::mean::moments;
use crate::special::{normal, student};

/// Rows up to which the signed ranks' distribution is counted out; more rows are normal enough.
const EXACT: usize = 50;
/// Rows up to which it is counted out where differences are tied or zero.
const EXACT_TIED: usize = 13;

/// A paired t test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairedT {
    /// The mean of new - old.
    pub difference: f64,
    /// Its two-sided interval.
    pub interval: Interval,
    /// The mean over its standard error.
    pub statistic: f64,
    /// Rows less one.
    pub freedom: f64,
    /// Two-sided.
    pub p_value: f64,
}

/// Student's test that the mean of `new - old` is zero, with its interval at `level`. Student (1908), section IX.
///
/// ```
/// let (new, old) = ([1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4], [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]);
/// // Student's own example: hours of sleep that two drugs gained.
/// let test = remuda_stats::paired_numbers::t_test(&new, &old, 0.95)?;
/// assert!((test.difference - 1.58).abs() < 1e-12 && (test.statistic - 4.062_127_7).abs() < 1e-6);
/// assert!((test.p_value - 0.002_832_9).abs() < 1e-6);
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// Unequal lengths, fewer than two rows, values that are not finite, or differences that are all equal.
pub fn t_test(new: &[f64], old: &[f64], level: f64) -> Result<PairedT> {
    check_confidence(level)?;
    let Gap { mean, error, freedom } = gap(new, old)?;
    let statistic = mean / error;
    let half = student::quantile(1.0 - (1.0 - level) / 2.0, freedom) * error;
    Ok(PairedT {
        difference: mean,
        interval: Interval { low: mean - half, high: mean + half },
        statistic,
        freedom,
        p_value: (2.0 * student::tail(statistic.abs(), freedom)).min(1.0),
    })
}

/// Wilcoxon's signed-rank test that `new - old` is symmetric about zero: the smaller of both rank sums and the two-sided
/// p-value. Rows without a difference are left out. Wilcoxon (1945); exact up to 50 rows without ties and up to 13 with
/// them, beyond that normal with the variance corrected for ties, without correction for continuity.
///
/// ```
/// // Darwin's pairs of maize plants, crossed and self-fertilised, in eighths of an inch.
/// let crossed = [188., 96., 168., 176., 153., 172., 177., 163., 146., 173., 186., 168., 177., 184., 96.];
/// let selfed = [139., 163., 160., 160., 147., 149., 149., 122., 132., 144., 130., 144., 102., 124., 144.];
/// let test = remuda_stats::paired_numbers::signed_rank(&crossed, &selfed)?;
/// assert_eq!(test.statistic, 24.0);
/// assert!((test.p_value - 0.041_26).abs() < 1e-5);
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// Unequal lengths, values that are not finite, or no row with a difference.
pub fn signed_rank(new: &[f64], old: &[f64]) -> Result<SampleTest> {
    let mut differences = differences(new, old)?;
    let rows = differences.len();
    differences.retain(|difference| *difference != 0.0);
    if differences.is_empty() {
        return Err(if rows == 0 { Undefined::NoRows } else { Undefined::OneValueOnly });
    }
    differences.sort_unstable_by(|one, other| one.abs().total_cmp(&other.abs()));
    let (mut doubled, mut ties) = (Vec::with_capacity(differences.len()), 0.0);
    for equal in differences.chunk_by(|one, other| one.abs() == other.abs()) {
        let first = doubled.len() + 1;
        let last = doubled.len() + equal.len();
        // Twice the mean rank of a tie is a whole number.
        doubled.extend(std::iter::repeat_n(first + last, equal.len()));
        ties += (equal.len() as f64).powi(3) - equal.len() as f64;
    }
    let signed = differences.iter().zip(&doubled);
    let plus: usize = signed.filter(|(difference, _)| **difference > 0.0).map(|(_, rank)| rank).sum();
    let all: usize = doubled.iter().sum();
    let smaller = plus.min(all - plus);
    let untied = ties == 0.0 && differences.len() == rows;
    let exact = rows <= if untied { EXACT } else { EXACT_TIED };
    let p_value = if exact { 2.0 * at_most(smaller, &doubled) } else { 2.0 * normal_tail(plus, &doubled, ties) };
    Ok(SampleTest { statistic: smaller as f64 / 2.0, p_value: p_value.min(1.0) })
}

/// The chance that the (doubled) ranks with a plus add up to at most `sum`, were every sign a fair coin.
fn at_most(sum: usize, doubled: &[usize]) -> f64 {
    let mut chances = vec![0.0; doubled.iter().sum::<usize>() + 1];
    chances[0] = 1.0;
    let mut top = 0;
    for rank in doubled {
        top += rank;
        for value in (0..=top).rev() {
            let with = if value >= *rank { chances[value - rank] } else { 0.0 };
            chances[value] = (chances[value] + with) / 2.0;
        }
    }
    chances[..=sum].iter().sum()
}

fn normal_tail(plus: usize, doubled: &[usize], ties: f64) -> f64 {
    let n = doubled.len() as f64;
    let variance = (n * (n + 1.0) * (2.0 * n + 1.0) - ties / 2.0) / 24.0;
    normal::tail((plus as f64 / 2.0 - n * (n + 1.0) / 4.0).abs() / variance.sqrt())
}

/// The mean of new - old, its standard error, and the rows less one.
pub(crate) struct Gap {
    pub(crate) mean: f64,
    pub(crate) error: f64,
    pub(crate) freedom: f64,
}

/// The mean difference of two columns with what Student's t needs.
pub(crate) fn gap(new: &[f64], old: &[f64]) -> Result<Gap> {
    let moments = moments(&differences(new, old)?);
    if moments.n < 2 {
        return Err(Undefined::TooFew { needed: 2, have: moments.n });
    }
    if moments.variance == 0.0 {
        return Err(Undefined::OneValueOnly);
    }
    let error = (moments.variance / moments.n as f64).sqrt();
    Ok(Gap { mean: moments.mean, error, freedom: moments.n as f64 - 1.0 })
}

fn differences(new: &[f64], old: &[f64]) -> Result<Vec<f64>> {
    check_lengths(new.len(), old.len())?;
    let differences: Vec<f64> = new.iter().zip(old).map(|(new, old)| new - old).collect();
    check_finite(&differences)?;
    Ok(differences)
}
