//! Metrics of scores and probabilities: curves, average precision, log loss, Brier, several classes, cost by threshold.
//!
//! The binary AUC with its bounds is in `auc`; how well scores are calibrated is in `calibration`.

use crate::auc;
use crate::estimate::{Result, Undefined, check_closed, check_finite, check_lengths, check_open, out_of_range};
use serde::{Deserialize, Serialize};

/// One point of a curve: what happens when rows scoring at least `threshold` are taken as positive.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// The lowest score taken as positive.
    pub threshold: f64,
    /// Positive rows at or above it.
    pub true_positives: u64,
    /// Negative rows at or above it.
    pub false_positives: u64,
}

/// The curve that every ROC, precision-recall and cost curve is read from: one step per distinct score, from the highest
/// down, with the numbers of positives and negatives in all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// Steps by falling threshold.
    pub steps: Vec<Step>,
    /// Positive rows.
    pub positives: u64,
    /// Negative rows.
    pub negatives: u64,
}

/// The curve of a column of scores. O(n log n); ties make one step.
///
/// # Errors
/// No rows, columns of different length, or NaN scores.
pub fn curve(scores: &[f64], positive: &[bool]) -> Result<Curve> {
    check_lengths(scores.len(), positive.len())?;
    if scores.is_empty() {
        return Err(Undefined::NoRows);
    }
    let count = scores.iter().filter(|score| score.is_nan()).count() as u64;
    if count > 0 {
        return Err(Undefined::NotFinite { count });
    }
    let mut rows: Vec<(f64, bool)> = scores.iter().copied().zip(positive.iter().copied()).collect();
    rows.sort_unstable_by(|one, other| other.0.total_cmp(&one.0));
    let mut steps: Vec<Step> = Vec::new();
    let (mut true_positives, mut false_positives) = (0, 0);
    for (index, (score, positive)) in rows.iter().enumerate() {
        if *positive {
            true_positives += 1;
        } else {
            false_positives += 1;
        }
        if rows.get(index + 1).is_none_or(|next| next.0 != *score) {
            steps.push(Step { threshold: *score, true_positives, false_positives });
        }
    }
    Ok(Curve { steps, positives: true_positives, negatives: false_positives })
}

/// Average precision: Σ (recall step) × precision, without interpolation (Zhu 2004; scikit-learn's definition).
///
/// ```
/// let ap = remuda_stats::scoring::average_precision(&[0.1, 0.4, 0.35, 0.8], &[false, false, true, true])?;
/// assert!((ap - 0.8333333333333333).abs() < 1e-15);
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// As [`curve`], and no positive rows.
pub fn average_precision(scores: &[f64], positive: &[bool]) -> Result<f64> {
    let curve = curve(scores, positive)?;
    if curve.positives == 0 {
        return Err(Undefined::NoPositives);
    }
    let mut before = 0;
    let mut sum = 0.0;
    for step in &curve.steps {
        let precision = step.true_positives as f64 / (step.true_positives + step.false_positives) as f64;
        sum += (step.true_positives - before) as f64 * precision;
        before = step.true_positives;
    }
    Ok(sum / curve.positives as f64)
}

/// The area under the ROC curve up to a false positive rate, standardised to 1/2 for chance and 1 for perfect (McClish
/// 1989, "Analyzing a portion of the ROC curve").
///
/// # Errors
/// As [`curve`], one class only, or a limit outside (0, 1].
pub fn partial_auc(scores: &[f64], positive: &[bool], largest_rate: f64) -> Result<f64> {
    if !(largest_rate > 0.0 && largest_rate <= 1.0) {
        return Err(out_of_range("the largest false positive rate", largest_rate));
    }
    let curve = curve(scores, positive)?;
    check_both(&curve)?;
    let (mut x, mut y, mut area) = (0.0, 0.0, 0.0);
    for step in &curve.steps {
        let next_x = step.false_positives as f64 / curve.negatives as f64;
        let next_y = step.true_positives as f64 / curve.positives as f64;
        if next_x >= largest_rate {
            let share = if next_x > x { (largest_rate - x) / (next_x - x) } else { 0.0 };
            let cut = y + share * (next_y - y);
            area += (largest_rate - x) * (y + cut) / 2.0;
            break;
        }
        area += (next_x - x) * (y + next_y) / 2.0;
        (x, y) = (next_x, next_y);
    }
    let least = largest_rate * largest_rate / 2.0;
    Ok(0.5 * (1.0 + (area - least) / (largest_rate - least)))
}

/// The mean of -ln(probability given to what happened), probabilities kept `clip` away from 0 and 1.
///
/// # Errors
/// No rows, columns of different length, probabilities outside [0, 1], or an infinite loss when `clip` is 0.
pub fn log_loss(probabilities: &[f64], positive: &[bool], clip: f64) -> Result<f64> {
    check_probabilities(probabilities, positive.len())?;
    let losses = probabilities.iter().zip(positive).map(|(p, positive)| {
        let p = p.clamp(clip, 1.0 - clip);
        if *positive { -p.ln() } else { -(-p).ln_1p() }
    });
    finite_mean(losses, positive.len())
}

/// The log loss over several classes: `probabilities[row * classes + class]`, clipped as in [`log_loss`].
///
/// # Errors
/// As [`log_loss`], and a class number that is not below `classes`.
pub fn log_loss_of_classes(probabilities: &[f64], truth: &[u32], classes: usize, clip: f64) -> Result<f64> {
    check_table(probabilities, truth, classes)?;
    let losses = truth
        .iter()
        .enumerate()
        .map(|(row, class)| -probabilities[row * classes + *class as usize].clamp(clip, 1.0 - clip).ln());
    finite_mean(losses, truth.len())
}

/// The mean squared error of a probability. Brier (1950).
///
/// # Errors
/// No rows, columns of different length, or probabilities outside [0, 1].
pub fn brier(probabilities: &[f64], positive: &[bool]) -> Result<f64> {
    check_probabilities(probabilities, positive.len())?;
    let squares = probabilities.iter().zip(positive).map(|(p, positive)| {
        let miss = p - f64::from(u8::from(*positive));
        miss * miss
    });
    finite_mean(squares, positive.len())
}

/// The share of rows whose true class is among the `k` highest scores (ties favour the lower class number).
///
/// # Errors
/// No rows, a table of the wrong size, NaN, or a class number that is not below `classes`.
pub fn top_k_accuracy(scores: &[f64], truth: &[u32], classes: usize, k: usize) -> Result<f64> {
    check_table(scores, truth, classes)?;
    let hits = truth.iter().enumerate().filter(|(row, class)| {
        let scores = &scores[row * classes..(row + 1) * classes];
        let own = scores[**class as usize];
        let above = scores
            .iter()
            .enumerate()
            .filter(|(other, score)| **score > own || (**score == own && *other < **class as usize))
            .count();
        above < k
    });
    Ok(hits.count() as f64 / truth.len() as f64)
}

/// How the AUC of several classes is put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AucOfClasses {
    /// Each class against the rest, plain mean.
    OneAgainstRest,
    /// Each class against the rest, weighted by how often the class is true.
    OneAgainstRestWeighted,
    /// Each pair of classes, plain mean (Hand & Till 2001).
    OneAgainstOne,
}

/// The AUC over several classes: `scores[row * classes + class]`.
///
/// # Errors
/// As [`top_k_accuracy`], and a class that never (or always) occurs.
pub fn auc_of_classes(scores: &[f64], truth: &[u32], classes: usize, kind: AucOfClasses) -> Result<f64> {
    check_table(scores, truth, classes)?;
    let column = |class: usize, keep: &dyn Fn(u32) -> bool| -> Result<f64> {
        let rows = || truth.iter().enumerate().filter(|(_, truth)| keep(**truth));
        let values: Vec<f64> = rows().map(|(row, _)| scores[row * classes + class]).collect();
        let positive: Vec<bool> = rows().map(|(_, truth)| *truth as usize == class).collect();
        Ok(auc::delong(&values, &positive)?.auc)
    };
    let (mut sum, mut weights) = (0.0, 0.0);
    for one in 0..classes {
        if kind == AucOfClasses::OneAgainstOne {
            for other in 0..one {
                let pair = |class: u32| class as usize == one || class as usize == other;
                sum += column(one, &pair)? + column(other, &pair)?;
                weights += 2.0;
            }
        } else {
            let weight = match kind {
                AucOfClasses::OneAgainstRestWeighted => {
                    truth.iter().filter(|class| **class as usize == one).count() as f64
                }
                _ => 1.0,
            };
            sum += weight * column(one, &|_| true)?;
            weights += weight;
        }
    }
    if weights > 0.0 { Ok(sum / weights) } else { Err(Undefined::OneValueOnly) }
}

/// The mean cost at one threshold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ThresholdCost {
    /// Rows scoring at least this are taken as positive.
    pub threshold: f64,
    /// The mean cost per row.
    pub mean_cost: f64,
}

/// The mean cost at each distinct score as threshold, by rising threshold. `costs[truth][predicted]`, class 1 positive.
///
/// # Errors
/// As [`curve`], and costs that are not finite.
pub fn cost_by_threshold(scores: &[f64], positive: &[bool], costs: [[f64; 2]; 2]) -> Result<Vec<ThresholdCost>> {
    check_finite(&costs.concat())?;
    let curve = curve(scores, positive)?;
    let n = positive.len() as f64;
    let cost = |step: &Step| {
        let (tp, fp) = (step.true_positives as f64, step.false_positives as f64);
        let (fn_, tn) = (curve.positives as f64 - tp, curve.negatives as f64 - fp);
        (costs[0][0] * tn + costs[0][1] * fp + costs[1][0] * fn_ + costs[1][1] * tp) / n
    };
    let by_rising = curve.steps.iter().rev();
    Ok(by_rising.map(|step| ThresholdCost { threshold: step.threshold, mean_cost: cost(step) }).collect())
}

/// The threshold with the least mean cost, the lowest one among equals.
///
/// # Errors
/// As [`cost_by_threshold`].
pub fn cheapest_threshold(scores: &[f64], positive: &[bool], costs: [[f64; 2]; 2]) -> Result<ThresholdCost> {
    let all = cost_by_threshold(scores, positive, costs)?;
    let tolerance = 1e-12;
    all.into_iter()
        .reduce(|best, next| if next.mean_cost < best.mean_cost - tolerance { next } else { best })
        .ok_or(Undefined::NoRows)
}

/// The share of positives found at the highest-scored threshold that keeps precision at least `precision`.
///
/// # Errors
/// As [`curve`], no positive rows, or a precision outside (0, 1).
pub fn recall_at_precision(scores: &[f64], positive: &[bool], precision: f64) -> Result<f64> {
    check_open("the precision", precision)?;
    let curve = curve(scores, positive)?;
    if curve.positives == 0 {
        return Err(Undefined::NoPositives);
    }
    let best = curve
        .steps
        .iter()
        .filter(|step| step.true_positives as f64 >= precision * (step.true_positives + step.false_positives) as f64)
        .map(|step| step.true_positives)
        .max();
    Ok(best.unwrap_or(0) as f64 / curve.positives as f64)
}

fn check_both(curve: &Curve) -> Result<()> {
    if curve.positives == 0 {
        Err(Undefined::NoPositives)
    } else if curve.negatives == 0 {
        Err(Undefined::NoNegatives)
    } else {
        Ok(())
    }
}

fn check_probabilities(probabilities: &[f64], rows: usize) -> Result<()> {
    check_lengths(probabilities.len(), rows)?;
    check_finite(probabilities)?;
    probabilities.iter().try_for_each(|p| check_closed("a probability", *p))
}

fn check_table(scores: &[f64], truth: &[u32], classes: usize) -> Result<()> {
    check_lengths(scores.len(), truth.len() * classes)?;
    check_finite(scores)?;
    match truth.iter().find(|class| **class as usize >= classes) {
        Some(class) => Err(out_of_range("a class number", f64::from(*class))),
        None => Ok(()),
    }
}

fn finite_mean(values: impl Iterator<Item = f64>, n: usize) -> Result<f64> {
    let (mut sum, mut infinite) = (0.0, 0);
    for value in values {
        if value.is_finite() {
            sum += value;
        } else {
            infinite += 1;
        }
    }
    if infinite > 0 { Err(Undefined::NotFinite { count: infinite }) } else { Ok(sum / n as f64) }
}
