//! The area under the ROC curve: estimate, bounds, paired comparison, bootstrap. All by one sort per score column.

use crate::bootstrap;
use crate::estimate::{Estimate, Interval, Result, Undefined, check_closed, check_confidence, check_lengths};
use crate::random::draw_below;
use crate::special::{bisect, normal};
use serde::{Deserialize, Serialize};

/// With fewer positives or negatives than this, Newcombe's method decides instead of DeLong's.
pub const CLASS_SIZE_FOR_DELONG: u64 = 100;

/// The AUC with one-sided bounds, each at `confidence`: the chance that a positive row scores above a negative one,
/// ties counting a half.
///
/// DeLong's variance (DeLong, DeLong & Clarke-Pearson 1988, through midranks as in Sun & Xu 2014) on the logit scale;
/// Newcombe (2006, "Confidence intervals for an effect size measure based on the Mann-Whitney statistic", part 2,
/// method 5) under 100 positives or negatives, and at 0 and 1 where DeLong's variance vanishes. O(n log n).
///
/// ```
/// let scores = [0.1, 0.4, 0.35, 0.8];
/// let auc = remuda_stats::auc::estimate(&scores, &[false, false, true, true], 0.95)?;
/// assert_eq!(auc.value, 0.75);
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// No rows, one class only, NaN scores, or columns of different length.
pub fn estimate(scores: &[f64], positive: &[bool], confidence: f64) -> Result<Estimate> {
    check_confidence(confidence)?;
    let single = delong(scores, positive)?;
    let n = scores.len() as u64;
    let few = single.positives < CLASS_SIZE_FOR_DELONG || single.negatives < CLASS_SIZE_FOR_DELONG;
    let at_an_end = single.auc <= 0.0 || single.auc >= 1.0 || single.variance <= 0.0;
    let z = normal::quantile(confidence);
    let (interval, method) = if few || at_an_end {
        (newcombe_at(single.auc, single.positives, single.negatives, z), "Newcombe method 5")
    } else {
        let logit = (single.auc / (1.0 - single.auc)).ln();
        let half = z * single.variance.sqrt() / (single.auc * (1.0 - single.auc));
        let back = |x: f64| 1.0 / (1.0 + (-x).exp());
        (Interval { low: back(logit - half), high: back(logit + half) }, "DeLong, logit scale")
    };
    Ok(Estimate {
        value: single.auc,
        lower: interval.low,
        upper: interval.high,
        confidence,
        n,
        method: method.to_owned(),
    })
}

/// An AUC with DeLong's variance.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeLong {
    /// The AUC.
    pub auc: f64,
    /// DeLong's variance of it; NaN never, 0 when there is one row of a class.
    pub variance: f64,
    /// Rows of the positive class.
    pub positives: u64,
    /// Rows of the negative class.
    pub negatives: u64,
}

/// The AUC and its variance. DeLong, DeLong & Clarke-Pearson (1988).
///
/// # Errors
/// As [`estimate`].
pub fn delong(scores: &[f64], positive: &[bool]) -> Result<DeLong> {
    let components = Components::new(scores, positive)?;
    Ok(DeLong {
        auc: components.auc,
        variance: components.covariance(&components),
        positives: components.of_positives.len() as u64,
        negatives: components.of_negatives.len() as u64,
    })
}

/// Two AUCs on the same rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairedDeLong {
    /// The AUC of the first scores.
    pub first: f64,
    /// The AUC of the second scores.
    pub second: f64,
    /// Variance of the first.
    pub first_variance: f64,
    /// Variance of the second.
    pub second_variance: f64,
    /// Their covariance.
    pub covariance: f64,
}

/// Two AUCs with DeLong's covariance matrix.
///
/// # Errors
/// As [`estimate`].
pub fn delong_paired(first: &[f64], second: &[f64], positive: &[bool]) -> Result<PairedDeLong> {
    let one = Components::new(first, positive)?;
    let two = Components::new(second, positive)?;
    Ok(PairedDeLong {
        first: one.auc,
        second: two.auc,
        first_variance: one.covariance(&one),
        second_variance: two.covariance(&two),
        covariance: one.covariance(&two),
    })
}

/// AUC of `scores_new` minus AUC of `scores_old` on the same rows, with one-sided bounds by paired DeLong.
///
/// Where DeLong's variance vanishes although the two rank rows differently (both separate the classes wholly), the
/// bounds combine the two Newcombe intervals (Zou & Donner 2008), which is cautious.
///
/// # Errors
/// As [`estimate`].
pub fn paired_difference(
    scores_new: &[f64],
    scores_old: &[f64],
    positive: &[bool],
    confidence: f64,
) -> Result<Estimate> {
    check_confidence(confidence)?;
    let new = Components::new(scores_new, positive)?;
    let old = Components::new(scores_old, positive)?;
    let variance = new.covariance(&new) + old.covariance(&old) - 2.0 * new.covariance(&old);
    let value = new.auc - old.auc;
    let z = normal::quantile(confidence);
    let answer = |low: f64, high: f64, method: &str| Estimate {
        value,
        lower: low.clamp(-1.0, 1.0),
        upper: high.clamp(-1.0, 1.0),
        confidence,
        n: positive.len() as u64,
        method: method.to_owned(),
    };
    if variance > 1e-18 {
        let half = z * variance.sqrt();
        return Ok(answer(value - half, value + half, "paired DeLong"));
    }
    if scores_new == scores_old {
        return Ok(answer(value, value, "identical scores"));
    }
    let (positives, negatives) = (new.of_positives.len() as u64, new.of_negatives.len() as u64);
    let of_new = newcombe_at(new.auc, positives, negatives, z);
    let of_old = newcombe_at(old.auc, positives, negatives, z);
    let low = value - (new.auc - of_new.low).hypot(of_old.high - old.auc);
    let high = value + (of_new.high - new.auc).hypot(old.auc - of_old.low);
    Ok(answer(low, high, "Newcombe method 5, combined"))
}

/// Newcombe's method 5, two-sided at `level`: (A - t)² = z² V(t), V the Hanley-McNeil variance at t with both class
/// sizes replaced by their mean in its second term.
///
/// ```
/// let interval = remuda_stats::auc::newcombe(0.9, 20, 180, 0.95)?;
/// assert!((interval.low - 0.7968244962992869).abs() < 1e-6);
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// An AUC outside [0, 1], an empty class, or a level outside (0, 1).
pub fn newcombe(auc: f64, positives: u64, negatives: u64, level: f64) -> Result<Interval> {
    check_closed("the AUC", auc)?;
    check_confidence(level)?;
    if positives == 0 {
        return Err(Undefined::NoPositives);
    }
    if negatives == 0 {
        return Err(Undefined::NoNegatives);
    }
    Ok(newcombe_at(auc, positives, negatives, crate::proportion::two_sided_z(level)))
}

fn newcombe_at(auc: f64, positives: u64, negatives: u64, z: f64) -> Interval {
    let (m, n) = (positives as f64, negatives as f64);
    let others = (m + n) / 2.0 - 1.0;
    let variance = |t: f64| t * (1.0 - t) * (1.0 + others * (1.0 - t) / (2.0 - t) + others * t / (1.0 + t)) / (m * n);
    // Both sides vanish at t = A = 1 (or 0), which is not the root sought: start a hair inside.
    let hair = 1e-13;
    let miss = |t: f64| (auc - t).abs() - z * variance(t).max(0.0).sqrt();
    let low = if auc <= hair { 0.0 } else { bisect(0.0, auc - hair, miss) };
    let high = if auc >= 1.0 - hair { 1.0 } else { bisect(auc + hair, 1.0, miss) };
    Interval { low, high }
}

/// BCa bootstrap bounds of the AUC: rows are sorted once, each resample only draws counts.
///
/// # Errors
/// As [`estimate`]; also when every resample gives the same value.
pub fn bootstrap(scores: &[f64], positive: &[bool], replicates: u32, seed: u64, confidence: f64) -> Result<Estimate> {
    check_confidence(confidence)?;
    let components = Components::new(scores, positive)?;
    let sorted = Sorted::new(scores, positive)?;
    let n = scores.len();
    let values = bootstrap::replicate(replicates, seed, n, |random, counts: &mut Vec<u8>| {
        counts.fill(0);
        // A row drawn more than 255 times has a chance below 1e-500.
        draw_below(random, n, n, |row| counts[row] = counts[row].wrapping_add(1));
        sorted.weighted_auc(counts)
    });
    bootstrap::finish(
        components.auc,
        values,
        components.acceleration(),
        n as u64,
        confidence,
        "BCa bootstrap over rows",
    )
}

/// Rows in the order of their scores, with the ends of runs of equal scores.
struct Sorted {
    /// A mask over counts: 255 for a positive row, 0 for a negative one.
    positive: Vec<u8>,
    /// Index one past each run of ties; empty when all scores differ.
    run_ends: Vec<usize>,
}

impl Sorted {
    fn new(scores: &[f64], positive: &[bool]) -> Result<Self> {
        let order = sort(scores, positive)?;
        let mut run_ends = Vec::new();
        for index in 1..=order.len() {
            if index == order.len() || order[index].score != order[index - 1].score {
                run_ends.push(index);
            }
        }
        if run_ends.len() == order.len() {
            run_ends.clear();
        }
        Ok(Self { positive: order.iter().map(|row| if row.positive { u8::MAX } else { 0 }).collect(), run_ends })
    }

    /// The AUC with each row counted as often as `counts` says; NaN when a class is absent.
    fn weighted_auc(&self, counts: &[u8]) -> f64 {
        let (mut twice_wins, mut negatives, mut positives) = (0_u64, 0_u64, 0_u64);
        if self.run_ends.is_empty() {
            let mut drawn = 0_u64;
            for (count, positive) in counts.iter().zip(&self.positive) {
                let of_positives = u64::from(count & positive);
                twice_wins += of_positives * (drawn - positives);
                positives += of_positives;
                drawn += u64::from(*count);
            }
            negatives = drawn - positives;
            twice_wins *= 2;
        } else {
            let mut start = 0;
            for end in &self.run_ends {
                let (mut run_positives, mut run_negatives) = (0_u64, 0_u64);
                for (count, positive) in counts[start..*end].iter().zip(&self.positive[start..*end]) {
                    run_positives += u64::from(count & positive);
                    run_negatives += u64::from(count & !positive);
                }
                twice_wins += run_positives * (2 * negatives + run_negatives);
                positives += run_positives;
                negatives += run_negatives;
                start = *end;
            }
        }
        if positives == 0 || negatives == 0 {
            return f64::NAN;
        }
        twice_wins as f64 / (2.0 * positives as f64 * negatives as f64)
    }
}

#[derive(Clone, Copy)]
struct Row {
    score: f64,
    index: u32,
    positive: bool,
}

fn sort(scores: &[f64], positive: &[bool]) -> Result<Vec<Row>> {
    check_lengths(scores.len(), positive.len())?;
    if scores.is_empty() {
        return Err(Undefined::NoRows);
    }
    let count = scores.iter().filter(|score| score.is_nan()).count() as u64;
    if count > 0 {
        return Err(Undefined::NotFinite { count });
    }
    let mut rows: Vec<Row> = scores
        .iter()
        .zip(positive)
        .enumerate()
        .map(|(index, (score, positive))| Row { score: *score, index: index as u32, positive: *positive })
        .collect();
    rows.sort_unstable_by(|one, other| one.score.total_cmp(&other.score));
    Ok(rows)
}

/// DeLong's structural components: for each row, the share of the other class it is ordered rightly against.
struct Components {
    auc: f64,
    of_positives: Vec<f64>,
    of_negatives: Vec<f64>,
}

impl Components {
    fn new(scores: &[f64], positive: &[bool]) -> Result<Self> {
        let order = sort(scores, positive)?;
        let positives = positive.iter().filter(|positive| **positive).count();
        let negatives = positive.len() - positives;
        if positives == 0 {
            return Err(Undefined::NoPositives);
        }
        if negatives == 0 {
            return Err(Undefined::NoNegatives);
        }
        let mut by_row = vec![0.0; positive.len()];
        let (mut start, mut positives_below, mut negatives_below) = (0, 0_usize, 0_usize);
        while start < order.len() {
            let mut end = start;
            let (mut tied_positives, mut tied_negatives) = (0_usize, 0_usize);
            while end < order.len() && order[end].score == order[start].score {
                if order[end].positive {
                    tied_positives += 1;
                } else {
                    tied_negatives += 1;
                }
                end += 1;
            }
            let of_positive = (negatives_below as f64 + tied_negatives as f64 / 2.0) / negatives as f64;
            let above = positives - positives_below - tied_positives;
            let of_negative = (above as f64 + tied_positives as f64 / 2.0) / positives as f64;
            for row in &order[start..end] {
                by_row[row.index as usize] = if row.positive { of_positive } else { of_negative };
            }
            positives_below += tied_positives;
            negatives_below += tied_negatives;
            start = end;
        }
        let mut of_positives = Vec::with_capacity(positives);
        let mut of_negatives = Vec::with_capacity(negatives);
        for (value, positive) in by_row.iter().zip(positive) {
            if *positive { of_positives.push(*value) } else { of_negatives.push(*value) }
        }
        let auc = of_positives.iter().sum::<f64>() / positives as f64;
        Ok(Self { auc, of_positives, of_negatives })
    }

    fn covariance(&self, other: &Self) -> f64 {
        let part = |one: &[f64], two: &[f64]| {
            let n = one.len() as f64;
            if n < 2.0 {
                return 0.0;
            }
            let sum: f64 = one.iter().zip(two).map(|(x, y)| (x - self.auc) * (y - other.auc)).sum();
            sum / (n - 1.0) / n
        };
        part(&self.of_positives, &other.of_positives) + part(&self.of_negatives, &other.of_negatives)
    }

    /// BCa's acceleration from the influence of each row on the AUC.
    fn acceleration(&self) -> f64 {
        let (mut square, mut cube) = (0.0, 0.0);
        for part in [&self.of_positives, &self.of_negatives] {
            let scale = 1.0 / part.len() as f64;
            for value in part {
                let influence = (value - self.auc) * scale;
                square += influence * influence;
                cube += influence * influence * influence;
            }
        }
        if square > 0.0 { cube / (6.0 * f64::powf(square, 1.5)) } else { 0.0 }
    }
}
