//! The price of "undecided": how many labels would settle a criterion, and with which chance.
//!
//! A price is never one number: it depends on the true value, which nobody knows. [`Price`] gives it for the truth at
//! the estimate and for a plausible worse and better truth (the one-sided 75 % bounds of what has been seen, the middle
//! half of what is plausible). Here: rates, F1, paired differences, and any estimate by the square-root law, or by
//! simulation (`simulated`). The search
//! itself sits in `search`.

mod paired;
mod search;
mod simulated;

pub use paired::{connor, paired, tango_power};
pub use search::{LabelsNeeded, cohen_h, labels_for_rate, pass_mark, pass_probability};
pub use simulated::{auc, cells};

use crate::estimate::{Estimate, Result, Undefined, check_confidence, check_open};
use crate::proportion::{self, lower_bound, upper_bound};
use crate::special::normal;
use serde::{Deserialize, Serialize};

/// The chance of success a price buys.
pub const POWER: f64 = 0.8;

/// One minus this is the one-sided confidence of the plausible worse and better truth.
const PLAUSIBLE: f64 = 0.25;

/// Which side of the threshold a criterion wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Direction {
    /// The quantity must be at least the threshold.
    AtLeast,
    /// The quantity must be at most the threshold.
    AtMost,
}

/// What one assumed truth costs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Offer {
    /// The true value this offer assumes.
    pub assumed: f64,
    /// The whole sample needed (rows in all, not rows to add).
    pub labels: u64,
    /// The chance of meeting the criterion with that sample, if the assumption holds: at least the price's power.
    pub chance: f64,
}

/// How many labels would settle an undecided criterion.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Price {
    /// Rows there are now.
    pub have: u64,
    /// The threshold of the criterion.
    pub threshold: f64,
    /// The criterion's one-sided confidence.
    pub confidence: f64,
    /// The chance each offer buys.
    pub power: f64,
    /// If the truth is at the estimate. `None`: no number of labels helps, the assumed value does not meet the threshold.
    pub expected: Option<Offer>,
    /// If the truth is plausibly worse (one-sided 75 % bound).
    pub pessimistic: Option<Offer>,
    /// If the truth is plausibly better (one-sided 75 % bound).
    pub optimistic: Option<Offer>,
}

/// The price of a rate criterion decided by Clopper-Pearson: the smallest n whose exact power reaches 80 %.
///
/// ```
/// use remuda_stats::price::{Direction, rate};
/// let price = rate(93, 100, Direction::AtLeast, 0.9, 0.95)?;
/// assert_eq!(price.expected.map(|offer| offer.labels), Some(549));
/// assert_eq!(price.pessimistic.map(|offer| offer.labels > 1000), Some(true));
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// No rows, more successes than rows, or a threshold or confidence outside (0, 1).
pub fn rate(successes: u64, n: u64, direction: Direction, threshold: f64, confidence: f64) -> Result<Price> {
    proportion::check(successes, n, confidence)?;
    check_open("the threshold", threshold)?;
    // "At most" is "at least" for the failures.
    let (hits, bar) = match direction {
        Direction::AtLeast => (successes, threshold),
        Direction::AtMost => (n - successes, 1.0 - threshold),
    };
    let as_asked = |value: f64| if direction == Direction::AtLeast { value } else { 1.0 - value };
    let offer = |assumed: f64| {
        labels_for_rate(bar, assumed, confidence, POWER).map(|needed| Offer {
            assumed: as_asked(assumed),
            labels: needed.first,
            chance: needed.chance,
        })
    };
    Ok(Price {
        have: n,
        threshold,
        confidence,
        power: POWER,
        expected: offer(hits as f64 / n as f64),
        pessimistic: offer(lower_bound(hits, n, PLAUSIBLE)),
        optimistic: offer(upper_bound(hits, n, PLAUSIBLE)),
    })
}

/// The price of `binary F1 >= threshold`. Its labels are rows that are positive or predicted to be (TP + FP + FN).
///
/// # Errors
/// As [`rate`].
pub fn f1(
    true_positives: u64,
    false_positives: u64,
    false_negatives: u64,
    direction: Direction,
    threshold: f64,
    confidence: f64,
) -> Result<Price> {
    check_open("the threshold", threshold)?;
    let n = true_positives + false_positives + false_negatives;
    let mut price = rate(true_positives, n, direction, threshold / (2.0 - threshold), confidence)?;
    price.threshold = threshold;
    for offer in [&mut price.expected, &mut price.pessimistic, &mut price.optimistic].into_iter().flatten() {
        offer.assumed = 2.0 * offer.assumed / (1.0 + offer.assumed);
    }
    Ok(price)
}

/// The price of a criterion on any estimate, by the square-root law: the standard error shrinks with the root of n, as
/// it does for means, AUC and bootstrapped metrics. An approximation; the chance is the normal one.
///
/// # Errors
/// No rows, a confidence outside (1/2, 1), or an estimate whose bounds do not spread.
pub fn scaled(estimate: &Estimate, direction: Direction, threshold: f64) -> Result<Price> {
    check_confidence(estimate.confidence)?;
    if estimate.n == 0 {
        return Err(Undefined::NoRows);
    }
    let z = normal::quantile(estimate.confidence);
    let sign = if direction == Direction::AtLeast { 1.0 } else { -1.0 };
    // The side of the interval that decides.
    let reach =
        if direction == Direction::AtLeast { estimate.value - estimate.lower } else { estimate.upper - estimate.value };
    if z <= 0.0 || reach <= 0.0 {
        return Err(Undefined::NoVariation);
    }
    let error = reach / z;
    let shift = normal::quantile(1.0 - PLAUSIBLE) * error;
    let both = z + normal::quantile(POWER);
    let offer = |assumed: f64| {
        let gap = sign * (assumed - threshold);
        if gap <= 0.0 {
            return None;
        }
        let labels = (estimate.n as f64 * (both * error / gap).powi(2)).ceil().max(2.0);
        if labels > search::MOST_LABELS as f64 {
            return None;
        }
        let error_then = error * (estimate.n as f64 / labels).sqrt();
        Some(Offer { assumed, labels: labels as u64, chance: normal::cdf(gap / error_then - z) })
    };
    Ok(Price {
        have: estimate.n,
        threshold,
        confidence: estimate.confidence,
        power: POWER,
        expected: offer(estimate.value),
        pessimistic: offer(estimate.value - sign * shift),
        optimistic: offer(estimate.value + sign * shift),
    })
}
