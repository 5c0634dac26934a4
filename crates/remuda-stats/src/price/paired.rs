//! Sample size for a paired comparison: Connor's formula to start, the exact power of Tango's decision to finish.

use super::{Offer, PLAUSIBLE, POWER, Price, search::MOST_LABELS};
use crate::estimate::{Result, check_open, out_of_range};
use crate::paired::{difference, tango_score};
use crate::special::{binomial, normal};

/// Above this size the normal formula answers alone; its error is far below the doubt in the assumed rates.
const EXACT_UP_TO: f64 = 50_000.0;

/// Rows needed by McNemar's test, one-sided, for the share of rows only the new one gets right and only the old one.
///
/// Connor (1987), "Sample size for testing differences in proportions for the paired-sample design".
///
/// ```
/// let n = remuda_stats::price::connor(0.06, 0.03, 0.05, 0.8)?;
/// assert!((n - 616.1595748900564).abs() < 1e-6);
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// Shares that are not probabilities, or a first share that is not the larger one.
pub fn connor(only_new_right: f64, only_old_right: f64, alpha: f64, power: f64) -> Result<f64> {
    check_open("the risk", alpha)?;
    check_open("the power", power)?;
    let (sum, gap) = (only_new_right + only_old_right, only_new_right - only_old_right);
    if !(only_old_right >= 0.0 && sum <= 1.0 && gap > 0.0) {
        return Err(out_of_range("the difference of the rates", gap));
    }
    let root = normal::quantile(1.0 - alpha) * sum.sqrt() + normal::quantile(power) * (sum - gap * gap).max(0.0).sqrt();
    Ok((root / gap).powi(2))
}

/// The price of `new - old >= margin` on the same rows, decided by Tango's lower bound.
///
/// Only disagreeing rows carry information; the offers count all rows, at the share of disagreement seen so far.
///
/// ```
/// let price = remuda_stats::price::paired(12, 6, 200, 0.0, 0.95)?;
/// let labels = price.expected.map(|offer| offer.labels).unwrap_or(0);
/// assert!((560..=640).contains(&labels), "{labels}");
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// As [`crate::paired::difference`], and a margin outside (-1, 1).
pub fn paired(only_new_right: u64, only_old_right: u64, n: u64, margin: f64, confidence: f64) -> Result<Price> {
    if !(margin > -1.0 && margin < 1.0) {
        return Err(out_of_range("the margin", margin));
    }
    check_open("the confidence", confidence)?;
    let plausible = difference(only_new_right, only_old_right, n, 1.0 - PLAUSIBLE)?;
    let total = n as f64;
    // Half a row: without any disagreement seen, some is still to come.
    let disagreement = ((only_new_right + only_old_right) as f64).max(0.5) / total;
    let offer = |assumed: f64| offer(disagreement.max(assumed.abs()), assumed, margin, confidence);
    Ok(Price {
        have: n,
        threshold: margin,
        confidence,
        power: POWER,
        expected: offer(plausible.value),
        pessimistic: offer(plausible.lower),
        optimistic: offer(plausible.upper),
    })
}

fn offer(disagreement: f64, assumed: f64, margin: f64, confidence: f64) -> Option<Offer> {
    let new_share = ((disagreement + assumed) / 2.0).min(1.0);
    let old_share = ((disagreement - assumed) / 2.0).max(0.0);
    let normal_size = normal_size(new_share, old_share, margin, confidence)?;
    if normal_size > EXACT_UP_TO {
        return Some(Offer { assumed, labels: normal_size.ceil() as u64, chance: POWER });
    }
    let chance = |n: u64| tango_power(n, new_share, old_share, margin, confidence);
    // Bracket the answer around the formula, then bisect. Power is nearly monotone: a saw-tooth of a percent remains.
    let mut high = (normal_size * 1.05).ceil() as u64 + 4;
    for _ in 0..20 {
        if chance(high) >= POWER {
            break;
        }
        high += high / 4 + 1;
    }
    if chance(high) < POWER {
        return None;
    }
    let mut low = (normal_size * 0.7) as u64;
    while low > 0 && chance(low) >= POWER {
        low /= 2;
    }
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if chance(middle) >= POWER { high = middle } else { low = middle }
    }
    Some(Offer { assumed, labels: high, chance: chance(high) })
}

/// Connor's formula for any margin: the variance under the hypothesis is Tango's restricted one (Connor's at margin 0).
fn normal_size(new_share: f64, old_share: f64, margin: f64, confidence: f64) -> Option<f64> {
    let gap = new_share - old_share;
    if gap <= margin {
        return None;
    }
    let shift = gap - margin;
    // The score at n = 1 with these shares as counts gives the restricted variance.
    let score = tango_score(new_share, old_share, 1.0, margin);
    let under_margin = (shift / score).powi(2);
    let under_truth = (new_share + old_share - gap * gap).max(0.0);
    let root = normal::quantile(confidence) * under_margin.sqrt() + normal::quantile(POWER) * under_truth.sqrt();
    Some((root / shift).powi(2).max(1.0)).filter(|n| *n <= MOST_LABELS as f64)
}

/// The exact chance that Tango's lower bound reaches the margin with n rows, for given shares of rows that only the new
/// and only the old one gets right: a sum over the number of disagreements (all but 1e-9 of its distribution).
#[must_use]
pub fn tango_power(n: u64, new_share: f64, old_share: f64, margin: f64, confidence: f64) -> f64 {
    let disagreement = new_share + old_share;
    if n == 0 || disagreement <= 0.0 {
        let passes = n > 0 && tango_score(0.0, 0.0, n as f64, margin) >= normal::quantile(confidence);
        return if passes { 1.0 } else { 0.0 };
    }
    let z = normal::quantile(confidence);
    let spread = 6.2 * (n as f64 * disagreement * (1.0 - disagreement).max(0.0)).sqrt() + 8.0;
    let centre = n as f64 * disagreement;
    let first = (centre - spread).max(0.0) as u64;
    let last = ((centre + spread).ceil() as u64).min(n);
    let mut sum = 0.0;
    let mut needed = 0;
    for disagreements in first..=last {
        let weight = binomial::probability(disagreements, n, disagreement.min(1.0));
        if weight < 1e-13 {
            continue;
        }
        let passes = |new: u64| tango_score(new as f64, (disagreements - new) as f64, n as f64, margin) >= z;
        // The mark moves by at most one or two from one count to the next.
        needed = needed.min(disagreements);
        while needed > 0 && passes(needed) {
            needed -= 1;
        }
        while needed <= disagreements && !passes(needed) {
            needed += 1;
        }
        if needed <= disagreements {
            sum += weight * binomial::at_least(needed, disagreements, (new_share / disagreement).min(1.0));
        }
    }
    sum.min(1.0)
}
