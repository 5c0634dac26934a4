//! A slice judged on rows that the search has not seen: its mean loss, the difference to the rest, and a p-value.

use crate::bootstrap::MINIMUM_CLUSTERS;
use crate::difference::{self, Count};
use crate::estimate::{Estimate, Result, Undefined, check_confidence, check_finite, check_lengths};
use crate::mean::{self, Moments, moments};
use crate::proportion;
use crate::random::{Stream, draw_below};
use crate::special::student;

/// What losses are: the method follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Losses {
    /// 0 or 1: the mean is a rate.
    Wrong,
    /// Any numbers.
    Numbers,
}

/// What the fresh rows say of a slice.
#[derive(Clone, Debug, PartialEq)]
pub struct Confirmed {
    /// The mean loss within the slice.
    pub inside: Estimate,
    /// The mean loss of all other rows.
    pub rest: f64,
    /// Inside less rest.
    pub difference: Estimate,
    /// One-sided: the chance to see as much or more were the slice no worse than the rest.
    pub p_value: f64,
    /// The test that gave the p-value.
    pub test: &'static str,
}

/// Permutations of a test by resampling, and the seed of their stream.
const PERMUTATIONS: u64 = 9_999;
const SEED: u64 = 20_210_620;

/// From this many rows on either side the central limit has set in, and Welch's t-test replaces permutations.
const ROWS_FOR_T: u64 = 1_000;

/// Compares the rows of a slice with all others: rates by Clopper-Pearson, Newcombe and Fisher's exact test; numbers by
/// [`mean::estimate`], Welch's interval, and a permutation test (Welch's t-test from 1,000 rows on).
///
/// ```
/// use remuda_stats::slices::{Losses, confirm};
/// // 8 of 20 wrong inside, 16 of 80 outside.
/// let losses: Vec<f64> = (0..100).map(|row| f64::from(u8::from(row < 8 || (20..36).contains(&row)))).collect();
/// let inside: Vec<bool> = (0..100).map(|row| row < 20).collect();
/// let found = confirm(&losses, &inside, Losses::Wrong, 0.975)?;
/// assert!((found.difference.value - 0.2).abs() < 1e-12 && (found.p_value - 0.0608).abs() < 1e-4);
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// No rows on one side, marks of another length, losses that are not finite, one row of a slice of numbers, or numbers
/// that are all alike on both sides.
pub fn confirm(losses: &[f64], inside: &[bool], kind: Losses, confidence: f64) -> Result<Confirmed> {
    check_confidence(confidence)?;
    check_lengths(losses.len(), inside.len())?;
    let part = |wanted: bool| -> Vec<f64> {
        losses.iter().zip(inside).filter(|(_, inside)| **inside == wanted).map(|(loss, _)| *loss).collect()
    };
    let (slice, rest) = (part(true), part(false));
    check_finite(&slice)?;
    check_finite(&rest)?;
    match kind {
        Losses::Wrong => of_rates(&slice, &rest, confidence),
        Losses::Numbers => of_numbers(&slice, &rest, confidence),
    }
}

/// Compares the rows of a slice with all others (or with those of `whole` around it) where only units are independent, as
/// customers are with several rows each: both means are ratios of sums over units, and the error of their difference comes
/// from its linearised sum per unit, with Student's t. Cochran (1977), sections 6.4 and 2.9; degrees of freedom by the
/// side with fewer units.
///
/// ```
/// use remuda_stats::slices::confirm_units;
/// // 80 units of 5 rows, all rows of a unit alike: 12 of 40 units inside are wrong, 4 of 40 outside.
/// let of_unit = |unit: usize| f64::from(u8::from(unit < 12 || (40..44).contains(&unit)));
/// let losses: Vec<f64> = (0..400).map(|row| of_unit(row / 5)).collect();
/// let (inside, units): (Vec<bool>, Vec<u32>) = (0..400).map(|row| (row < 200, row as u32 / 5)).unzip();
/// let found = confirm_units(&losses, &inside, None, &units, 0.975)?;
/// // As if there were 80 rows: about the p-value of the unit means, not that of 400 rows.
/// assert!((found.difference.value - 0.2).abs() < 1e-12 && (0.01..0.03).contains(&found.p_value), "{found:?}");
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// Columns of different length, losses that are not finite, fewer than 30 units on a side, or no variation between units.
pub fn confirm_units(
    losses: &[f64],
    inside: &[bool],
    whole: Option<&[bool]>,
    units: &[u32],
    confidence: f64,
) -> Result<Confirmed> {
    check_confidence(confidence)?;
    check_lengths(losses.len(), inside.len())?;
    check_lengths(losses.len(), units.len())?;
    check_lengths(losses.len(), whole.map_or(losses.len(), <[bool]>::len))?;
    check_finite(losses)?;
    // Per unit: sum and rows inside, sum and rows of the rest.
    let mut sums = vec![[0.0; 4]; units.iter().max().map_or(0, |last| *last as usize + 1)];
    for row in (0..losses.len()).filter(|row| whole.is_none_or(|whole| whole[*row])) {
        let of = &mut sums[units[row] as usize];
        let side = if inside[row] { 0 } else { 2 };
        of[side] += losses[row];
        of[side + 1] += 1.0;
    }
    let side = |sum: usize| -> (Vec<f64>, Vec<f64>) {
        sums.iter().filter(|of| of[sum + 1] > 0.0).map(|of| (of[sum], of[sum + 1])).unzip()
    };
    let ((slice, slice_rows), (rest, rest_rows)) = (side(0), side(2));
    for count in [slice.len(), rest.len()] {
        if (count as u64) < MINIMUM_CLUSTERS {
            return Err(Undefined::TooFewGroups { needed: MINIMUM_CLUSTERS, have: count as u64 });
        }
    }
    let inside = crate::cluster::estimate(&slice, &slice_rows, confidence)?;
    let total = |values: &[f64]| values.iter().sum::<f64>();
    let (rows_in, rows_out) = (total(&slice_rows), total(&rest_rows));
    let (mean_in, mean_out) = (total(&slice) / rows_in, total(&rest) / rows_out);
    let part = |of: &[f64; 4]| (of[0] - mean_in * of[1]) / rows_in - (of[2] - mean_out * of[3]) / rows_out;
    let count = sums.iter().filter(|of| of[1] + of[3] > 0.0).count() as f64;
    let error = (count / (count - 1.0) * sums.iter().map(|of| part(of).powi(2)).sum::<f64>()).sqrt();
    if error <= 0.0 {
        return Err(Undefined::OneValueOnly);
    }
    let freedom = slice.len().min(rest.len()) as f64 - 1.0;
    let (value, half) = (mean_in - mean_out, student::quantile(confidence, freedom) * error);
    Ok(Confirmed {
        inside,
        rest: mean_out,
        difference: Estimate {
            value,
            lower: value - half,
            upper: value + half,
            confidence,
            n: (rows_in + rows_out) as u64,
            method: "linearised over groups, Student t".to_owned(),
        },
        p_value: student::tail(value / error, freedom),
        test: "t-test over groups",
    })
}

fn of_rates(slice: &[f64], rest: &[f64], confidence: f64) -> Result<Confirmed> {
    let count = |losses: &[f64]| Count {
        successes: losses.iter().filter(|loss| **loss > 0.0).count() as u64,
        n: losses.len() as u64,
    };
    let (one, other) = (count(slice), count(rest));
    Ok(Confirmed {
        inside: proportion::rate(one.successes, one.n, confidence)?,
        rest: other.successes as f64 / other.n as f64,
        difference: difference::estimate(one, other, confidence)?,
        p_value: difference::fisher_greater(one, other)?,
        test: "Fisher's exact test",
    })
}

fn of_numbers(slice: &[f64], rest: &[f64], confidence: f64) -> Result<Confirmed> {
    let inside = mean::estimate(slice, confidence)?;
    let (one, other) = (moments(slice), moments(rest));
    let welch = Welch::of(one, other)?;
    let half = student::quantile(confidence, welch.freedom) * welch.error;
    let value = one.mean - other.mean;
    let by_t = one.n.min(other.n) >= ROWS_FOR_T;
    Ok(Confirmed {
        inside,
        rest: other.mean,
        difference: Estimate {
            value,
            lower: value - half,
            upper: value + half,
            confidence,
            n: one.n + other.n,
            method: "Welch".to_owned(),
        },
        p_value: if by_t { student::tail(value / welch.error, welch.freedom) } else { permutation(slice, rest) },
        test: if by_t { "Welch's t-test" } else { "permutation test" },
    })
}

/// Welch (1947), "The generalization of Student's problem when several different population variances are involved".
struct Welch {
    error: f64,
    freedom: f64,
}

impl Welch {
    fn of(one: Moments, other: Moments) -> Result<Self> {
        let (first, second) = (one.variance / one.n as f64, other.variance / other.n as f64);
        if one.n < 2 || other.n < 2 {
            return Err(Undefined::TooFew { needed: 2, have: one.n.min(other.n) });
        }
        let sum = first + second;
        if sum <= 0.0 {
            return Err(Undefined::OneValueOnly);
        }
        let freedom = sum * sum / (first * first / (one.n as f64 - 1.0) + second * second / (other.n as f64 - 1.0));
        Ok(Self { error: sum.sqrt(), freedom })
    }
}

/// The share of random draws of as many rows whose sum is at least the slice's, the slice itself among them (Phipson &
/// Smyth 2010, "Permutation p-values should never be zero"). The smaller side is drawn: their sums tell the same.
fn permutation(slice: &[f64], rest: &[f64]) -> f64 {
    let mut pool: Vec<f64> = slice.iter().chain(rest).copied().collect();
    let total: f64 = pool.iter().sum();
    let draws_slice = slice.len() <= rest.len();
    let size = slice.len().min(rest.len());
    let seen: f64 = slice.iter().sum();
    let slack = 1e-9 * total.abs();
    let mut as_great = 1u64;
    for number in 0..PERMUTATIONS {
        let mut random = Stream::new(SEED, number);
        let mut sum = 0.0;
        // The first `size` places of a Fisher-Yates shuffle; the pool may stay shuffled.
        for place in 0..size {
            let mut drawn = place;
            draw_below(&mut random, pool.len() - place, 1, |offset| drawn = place + offset);
            pool.swap(place, drawn);
            sum += pool[place];
        }
        let sum = if draws_slice { sum } else { total - sum };
        as_great += u64::from(sum >= seen - slack);
    }
    as_great as f64 / (PERMUTATIONS + 1) as f64
}
