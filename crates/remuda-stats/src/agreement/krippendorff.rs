//! Krippendorff's alpha for any number of annotators, missing labels, and four levels of measurement.

use crate::estimate::{Result, Undefined, check_finite, out_of_range};
use serde::{Deserialize, Serialize};

/// What the labels measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Level {
    /// Names: different or not.
    Nominal,
    /// Ranks.
    Ordinal,
    /// Numbers whose differences count.
    Interval,
    /// Numbers from a true zero.
    Ratio,
}

/// Krippendorff (2011), "Computing Krippendorff's alpha-reliability": one minus observed over expected disagreement.
/// `items` has one row per item with one entry per annotator; labels index `values` (their numbers, ascending).
///
/// ```
/// use remuda_stats::agreement::{Level, alpha};
/// let items = vec![vec![Some(0), Some(0)], vec![Some(1), Some(1)], vec![Some(0), Some(1)]];
/// let value = alpha(&items, &[0.0, 1.0], Level::Nominal)?;
/// assert!((value - (1.0 - 5.0 * 2.0 / 18.0)).abs() < 1e-12);
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// No item with two labels, a label without a value, or [`Undefined::OneValueOnly`] when only one label occurs.
pub fn alpha(items: &[Vec<Option<u32>>], values: &[f64], level: Level) -> Result<f64> {
    check_finite(values)?;
    let classes = values.len();
    let mut coincidences = vec![0.0; classes * classes];
    for item in items {
        let labels: Vec<usize> = item.iter().flatten().map(|label| *label as usize).collect();
        if let Some(label) = labels.iter().find(|label| **label >= classes) {
            return Err(out_of_range("a label", *label as f64));
        }
        if labels.len() < 2 {
            continue;
        }
        let mut counts = vec![0.0; classes];
        labels.iter().for_each(|label| counts[*label] += 1.0);
        let others = labels.len() as f64 - 1.0;
        for a in 0..classes {
            for b in 0..classes {
                let pairs = if a == b { counts[a] * (counts[a] - 1.0) } else { counts[a] * counts[b] };
                coincidences[a * classes + b] += pairs / others;
            }
        }
    }
    let totals: Vec<f64> = (0..classes).map(|a| coincidences[a * classes..(a + 1) * classes].iter().sum()).collect();
    let all: f64 = totals.iter().sum();
    if all == 0.0 {
        return Err(Undefined::NoRows);
    }
    let (mut observed, mut expected) = (0.0, 0.0);
    for a in 0..classes {
        for b in 0..classes {
            let distance = distance(level, values, &totals, a, b);
            observed += coincidences[a * classes + b] * distance;
            expected += totals[a] * totals[b] * distance;
        }
    }
    if expected > 0.0 { Ok(1.0 - (all - 1.0) * observed / expected) } else { Err(Undefined::OneValueOnly) }
}

/// The squared difference of two labels.
fn distance(level: Level, values: &[f64], totals: &[f64], a: usize, b: usize) -> f64 {
    if a == b {
        return 0.0;
    }
    match level {
        Level::Nominal => 1.0,
        Level::Ordinal => {
            let between: f64 = totals[a.min(b)..=a.max(b)].iter().sum();
            (between - (totals[a] + totals[b]) / 2.0).powi(2)
        }
        Level::Interval => (values[a] - values[b]).powi(2),
        Level::Ratio => {
            let sum = values[a] + values[b];
            if sum == 0.0 { 0.0 } else { ((values[a] - values[b]) / sum).powi(2) }
        }
    }
}
