//! Gaps between groups: the largest difference and ratio of a rate, with bounds that hold for all pairs at once.

use crate::difference::{self, Count};
use crate::estimate::{Estimate, Result, Undefined, check_confidence, check_lengths, out_of_range};
use serde::{Deserialize, Serialize};

/// What a binary classifier does in one group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Positive rows predicted positive.
    pub true_positives: u64,
    /// Negative rows predicted positive.
    pub false_positives: u64,
    /// Positive rows predicted negative.
    pub false_negatives: u64,
    /// Negative rows predicted negative.
    pub true_negatives: u64,
}

/// Counts cells per group; `group` numbers the rows' groups from 0.
///
/// # Errors
/// Columns of different length, or no rows.
pub fn groups(truth: &[bool], predicted: &[bool], group: &[u32]) -> Result<Vec<Group>> {
    check_lengths(truth.len(), predicted.len())?;
    check_lengths(truth.len(), group.len())?;
    let count = group.iter().max().map_or(0, |last| *last as usize + 1);
    if count == 0 {
        return Err(Undefined::NoRows);
    }
    let mut cells = vec![Group::default(); count];
    for ((truth, predicted), group) in truth.iter().zip(predicted).zip(group) {
        let cell = &mut cells[*group as usize];
        match (truth, predicted) {
            (true, true) => cell.true_positives += 1,
            (false, true) => cell.false_positives += 1,
            (true, false) => cell.false_negatives += 1,
            (false, false) => cell.true_negatives += 1,
        }
    }
    Ok(cells)
}

impl Group {
    /// Positives found: the group's recall.
    #[must_use]
    pub fn recall(self) -> Count {
        Count { successes: self.true_positives, n: self.true_positives + self.false_negatives }
    }

    /// Negatives predicted positive.
    #[must_use]
    pub fn false_positive_rate(self) -> Count {
        Count { successes: self.false_positives, n: self.false_positives + self.true_negatives }
    }

    /// Rows predicted positive.
    #[must_use]
    pub fn selection_rate(self) -> Count {
        let selected = self.true_positives + self.false_positives;
        Count { successes: selected, n: selected + self.false_negatives + self.true_negatives }
    }
}

/// The largest minus the smallest rate.
///
/// # Errors
/// Fewer than two groups, or a group without rows.
pub fn gap(rates: &[Count]) -> Result<f64> {
    let (least, most) = ends(rates)?;
    Ok(most - least)
}

/// The smallest rate over the largest.
///
/// # Errors
/// As [`gap`], and all rates zero.
pub fn ratio(rates: &[Count]) -> Result<f64> {
    let (least, most) = ends(rates)?;
    if most > 0.0 { Ok(least / most) } else { Err(Undefined::DividesByZero { what: "the largest rate".to_owned() }) }
}

/// The larger of the gaps in recall and in false positive rate (Hardt, Price & Srebro 2016).
///
/// # Errors
/// As [`gap`]: every group needs positive and negative rows.
pub fn equalized_odds_gap(groups: &[Group]) -> Result<f64> {
    let recalls: Vec<Count> = groups.iter().map(|group| group.recall()).collect();
    let alarms: Vec<Count> = groups.iter().map(|group| group.false_positive_rate()).collect();
    Ok(gap(&recalls)?.max(gap(&alarms)?))
}

/// The gap with one-sided bounds: the largest of the Newcombe bounds of all ordered pairs of groups. The gap is at most t
/// only if each pair's is (an intersection-union test, Berger 1982), so the upper bound takes each pair at the full risk;
/// it is at least t if any pair's is, so the lower bound shares the risk among the pairs (Bonferroni). A plain bootstrap
/// of the largest gap is biased upwards; this is not.
///
/// ```
/// use remuda_stats::difference::Count;
/// let rates = [Count { successes: 90, n: 100 }, Count { successes: 80, n: 100 }];
/// let gap = remuda_stats::fairness::gap_estimate(&rates, 0.95)?;
/// assert!((gap.value - 0.1).abs() < 1e-12 && gap.lower < 0.02 && (gap.upper - 0.18).abs() < 0.01);
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// As [`gap`], and a confidence outside (0, 1).
pub fn gap_estimate(rates: &[Count], confidence: f64) -> Result<Estimate> {
    check_confidence(confidence)?;
    let value = gap(rates)?;
    let pairs = (rates.len() * (rates.len() - 1)) as f64;
    let each = 1.0 - (1.0 - confidence) / pairs;
    let (mut lower, mut upper) = (0.0_f64, 0.0_f64);
    for (index, one) in rates.iter().enumerate() {
        for other in &rates[..index] {
            let (wide, plain) =
                (difference::estimate(*one, *other, each)?, difference::estimate(*one, *other, confidence)?);
            lower = lower.max(wide.lower).max(-wide.upper);
            upper = upper.max(plain.upper).max(-plain.lower);
        }
    }
    Ok(Estimate {
        value,
        lower: lower.min(value),
        upper: upper.min(1.0),
        confidence,
        n: rates.iter().map(|count| count.n).sum(),
        method: "Newcombe over all pairs of groups".to_owned(),
    })
}

/// The smallest rate over the greatest, with one-sided bounds from the ratios of all ordered pairs of groups
/// ([`difference::ratio`]). It is at least t only if each pair's is, so the lower bound takes each pair at the full
/// risk; it is at most t if any pair's is, so the upper bound shares the risk among the pairs.
///
/// # Errors
/// As [`ratio`], and a confidence outside (0, 1).
pub fn ratio_estimate(rates: &[Count], confidence: f64) -> Result<Estimate> {
    check_confidence(confidence)?;
    let value = ratio(rates)?;
    let each = 1.0 - (1.0 - confidence) / (rates.len() * (rates.len() - 1)) as f64;
    let (mut lower, mut upper) = (1.0_f64, 1.0_f64);
    for (index, one) in rates.iter().enumerate() {
        for (place, other) in rates.iter().enumerate() {
            // A group in which nothing was counted bounds no ratio from above; the reverse pair bounds it from below.
            if index != place && other.successes > 0 {
                lower = lower.min(difference::ratio(*one, *other, confidence)?.lower);
                upper = upper.min(difference::ratio(*one, *other, each)?.upper);
            }
        }
    }
    Ok(Estimate {
        value,
        lower: lower.min(value),
        upper: upper.max(value),
        confidence,
        n: rates.iter().map(|count| count.n).sum(),
        method: "MOVER-R over all pairs of groups".to_owned(),
    })
}

fn ends(rates: &[Count]) -> Result<(f64, f64)> {
    if rates.len() < 2 {
        return Err(Undefined::TooFewGroups { needed: 2, have: rates.len() as u64 });
    }
    let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
    for count in rates {
        if count.n == 0 {
            return Err(Undefined::NoRows);
        }
        if count.successes > count.n {
            return Err(out_of_range("the number of successes", count.successes as f64));
        }
        let rate = count.successes as f64 / count.n as f64;
        least = least.min(rate);
        most = most.max(rate);
    }
    Ok((least, most))
}
