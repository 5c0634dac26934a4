//! Do probabilities mean what they say: reliability, calibration errors, slope and intercept, isotonic recalibration.

use crate::estimate::{
    Estimate, Result, Undefined, check_closed, check_confidence, check_finite, check_lengths, out_of_range,
};
use crate::special::{gamma, normal};
use serde::{Deserialize, Serialize};

/// How scores are put into bins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Binning {
    /// Bins of equal width on [0, 1], each closed above; a score of 0 goes to the first.
    EqualWidth,
    /// Bins with equally many rows, equal scores kept together.
    EqualCount,
}

/// One bin of a reliability diagram.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// Rows in the bin.
    pub n: u64,
    /// Positive rows in the bin.
    pub positives: u64,
    /// The mean score in the bin: what the model promised.
    pub mean_score: f64,
}

impl Bin {
    /// What happened: the share of positive rows.
    #[must_use]
    pub fn rate(self) -> f64 {
        self.positives as f64 / self.n as f64
    }
}

/// The occupied bins of a reliability diagram, by rising score.
///
/// # Errors
/// No rows, columns of different length, scores outside [0, 1], or no bins.
pub fn reliability(scores: &[f64], positive: &[bool], bins: usize, binning: Binning) -> Result<Vec<Bin>> {
    check(scores, positive)?;
    if bins == 0 {
        return Err(out_of_range("the number of bins", 0.0));
    }
    let mut rows: Vec<(f64, bool)> = scores.iter().copied().zip(positive.iter().copied()).collect();
    rows.sort_unstable_by(|one, other| one.0.total_cmp(&other.0));
    let total = rows.len();
    let mut last: Option<usize> = None;
    let mut answer: Vec<Bin> = Vec::new();
    for (index, (score, positive)) in rows.iter().enumerate() {
        let tied = index > 0 && rows[index - 1].0 == *score;
        let bin = match (binning, last) {
            (_, Some(bin)) if tied => bin,
            (Binning::EqualWidth, _) => ((score * bins as f64).ceil() as usize).saturating_sub(1).min(bins - 1),
            (Binning::EqualCount, _) => index * bins / total,
        };
        if last != Some(bin) {
            answer.push(Bin { n: 0, positives: 0, mean_score: 0.0 });
            last = Some(bin);
        }
        if let Some(current) = answer.last_mut() {
            current.n += 1;
            current.positives += u64::from(*positive);
            // Running mean.
            current.mean_score += (score - current.mean_score) / current.n as f64;
        }
    }
    Ok(answer)
}

/// The expected calibration error: the mean distance of promise and outcome over bins, weighted by rows (Naeini, Cooper
/// & Hauskrecht 2015). It is biased upwards and depends on the bins: compare only like with like.
///
/// # Errors
/// As [`reliability`].
pub fn expected_calibration_error(scores: &[f64], positive: &[bool], bins: usize, binning: Binning) -> Result<f64> {
    let bins = reliability(scores, positive, bins, binning)?;
    let sum: f64 = bins.iter().map(|bin| bin.n as f64 * (bin.rate() - bin.mean_score).abs()).sum();
    Ok(sum / scores.len() as f64)
}

/// The expected calibration error with one-sided bounds. The estimate is biased upwards: in each bin of n rows chance
/// alone adds up to sqrt(2 v / (pi n)) on average, v the variance of outcome less score. So the upper bound, the estimate
/// plus its standard error times the normal quantile, is careful; and the lower bound takes that bias off as well, which by the
/// triangle inequality is enough however the truth is calibrated. Resampling would add the bias a second time.
///
/// ```
/// use remuda_stats::calibration::{Binning, expected_calibration_error_estimate};
/// let scores: Vec<f64> = (0..1000).map(|i| f64::from(i % 10) / 10.0 + 0.05).collect();
/// let positive: Vec<bool> = (0..1000).map(|i| (i / 10) % 100 < 10 * (i % 10) + 5).collect();
/// let error = expected_calibration_error_estimate(&scores, &positive, 10, Binning::EqualWidth, 0.95)?;
/// assert!(error.value < 1e-9 && error.lower == 0.0 && (0.01..0.03).contains(&error.upper));
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// As [`reliability`], and a confidence outside (0, 1).
pub fn expected_calibration_error_estimate(
    scores: &[f64],
    positive: &[bool],
    bins: usize,
    binning: Binning,
    confidence: f64,
) -> Result<Estimate> {
    check_confidence(confidence)?;
    let found = reliability(scores, positive, bins, binning)?;
    let total = scores.len() as f64;
    let (mut value, mut variance, mut bias) = (0.0, 0.0, 0.0);
    for bin in found {
        let (n, share) = (bin.n as f64, bin.n as f64 / total);
        // One row of each outcome is added, so that a pure bin is not taken for a sure one.
        let rate = (bin.positives as f64 + 1.0) / (n + 2.0);
        let spread = rate * (1.0 - rate) / n;
        value += share * (bin.rate() - bin.mean_score).abs();
        variance += share * share * spread;
        bias += share * (2.0 * spread / std::f64::consts::PI).sqrt();
    }
    let half = normal::quantile(confidence) * variance.sqrt();
    Ok(Estimate {
        value,
        lower: (value - bias - half).max(0.0),
        upper: (value + half).min(1.0),
        confidence,
        n: scores.len() as u64,
        method: "normal, its bias allowed for".to_owned(),
    })
}

/// The largest distance of promise and outcome over bins.
///
/// # Errors
/// As [`reliability`].
pub fn largest_calibration_error(scores: &[f64], positive: &[bool], bins: usize, binning: Binning) -> Result<f64> {
    let bins = reliability(scores, positive, bins, binning)?;
    Ok(bins.iter().map(|bin| (bin.rate() - bin.mean_score).abs()).fold(0.0, f64::max))
}

/// Murphy's (1973) parts of the Brier score: reliability - resolution + uncertainty, exact when scores are constant
/// within bins.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BrierParts {
    /// Squared distance of promise and outcome: 0 is best.
    pub reliability: f64,
    /// How far outcomes of the bins differ from the base rate: more is better.
    pub resolution: f64,
    /// The variance of the outcome itself.
    pub uncertainty: f64,
}

/// The parts of the Brier score over bins.
///
/// # Errors
/// As [`reliability`].
pub fn brier_parts(scores: &[f64], positive: &[bool], bins: usize, binning: Binning) -> Result<BrierParts> {
    let bins = reliability(scores, positive, bins, binning)?;
    let n = scores.len() as f64;
    let base = bins.iter().map(|bin| bin.positives as f64).sum::<f64>() / n;
    let mean = |part: &dyn Fn(&Bin) -> f64| bins.iter().map(|bin| bin.n as f64 * part(bin)).sum::<f64>() / n;
    Ok(BrierParts {
        reliability: mean(&|bin| (bin.rate() - bin.mean_score).powi(2)),
        resolution: mean(&|bin| (bin.rate() - base).powi(2)),
        uncertainty: base * (1.0 - base),
    })
}

/// A monotone map from score to probability.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Isotonic {
    /// Distinct scores, ascending.
    pub scores: Vec<f64>,
    /// The fitted probability at each, never falling.
    pub probabilities: Vec<f64>,
}

/// Isotonic regression of the outcome on the score by pooling adjacent violators (Ayer et al. 1955; Zadrozny & Elkan
/// 2002 for calibration).
///
/// # Errors
/// No rows, columns of different length, or scores that are not finite.
pub fn isotonic(scores: &[f64], positive: &[bool]) -> Result<Isotonic> {
    check_lengths(scores.len(), positive.len())?;
    check_finite(scores)?;
    let mut rows: Vec<(f64, bool)> = scores.iter().copied().zip(positive.iter().copied()).collect();
    rows.sort_unstable_by(|one, other| one.0.total_cmp(&other.0));
    let mut distinct = Vec::new();
    // Blocks of pooled scores: positives, rows, number of distinct scores.
    let mut blocks: Vec<(u64, u64, usize)> = Vec::new();
    for (score, positive) in rows {
        if distinct.last() == Some(&score) {
            if let Some(block) = blocks.last_mut() {
                block.0 += u64::from(positive);
                block.1 += 1;
            }
        } else {
            // The previous score is complete: pool before the next begins.
            pool(&mut blocks);
            distinct.push(score);
            blocks.push((u64::from(positive), 1, 1));
        }
    }
    pool(&mut blocks);
    let mut probabilities = Vec::with_capacity(distinct.len());
    for (positives, rows, width) in blocks {
        probabilities.extend(std::iter::repeat_n(positives as f64 / rows as f64, width));
    }
    Ok(Isotonic { scores: distinct, probabilities })
}

fn pool(blocks: &mut Vec<(u64, u64, usize)>) {
    while let [.., before, last] = blocks.as_slice() {
        let falls = u128::from(before.0) * u128::from(last.1) >= u128::from(last.0) * u128::from(before.1);
        if !falls {
            break;
        }
        let merged = (before.0 + last.0, before.1 + last.1, before.2 + last.2);
        blocks.pop();
        blocks.pop();
        blocks.push(merged);
    }
}

impl Isotonic {
    /// The probability at a score: linear between fitted scores, constant beyond the ends.
    #[must_use]
    pub fn at(&self, score: f64) -> f64 {
        let above = self.scores.partition_point(|known| *known < score);
        let (Some(first), Some(last)) = (self.probabilities.first(), self.probabilities.last()) else {
            return 0.5;
        };
        if above == 0 {
            return *first;
        }
        let Some(high) = self.scores.get(above) else {
            return *last;
        };
        let low = self.scores[above - 1];
        let share = (score - low) / (high - low);
        self.probabilities[above - 1] + share * (self.probabilities[above] - self.probabilities[above - 1])
    }
}

/// The logistic recalibration of a probability: logit(p) = intercept + slope × logit(score). Perfect is (0, 1).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recalibration {
    /// Below zero: the scores are too high on the whole.
    pub intercept: f64,
    /// Below one: the scores are too extreme.
    pub slope: f64,
    /// Standard error of the intercept.
    pub intercept_error: f64,
    /// Standard error of the slope.
    pub slope_error: f64,
}

/// Slope and intercept of calibration (Cox 1958) by maximum likelihood.
///
/// # Errors
/// No rows, one class only, scores outside (0, 1), scores that are all equal, or classes that the scores separate wholly.
pub fn recalibration(scores: &[f64], positive: &[bool]) -> Result<Recalibration> {
    check(scores, positive)?;
    if !positive.contains(&true) {
        return Err(Undefined::NoPositives);
    }
    if !positive.contains(&false) {
        return Err(Undefined::NoNegatives);
    }
    if let Some(score) = scores.iter().find(|score| **score <= 0.0 || **score >= 1.0) {
        return Err(out_of_range("a score (the ends have no logit)", *score));
    }
    let logits: Vec<f64> = scores.iter().map(|score| score.ln() - (-score).ln_1p()).collect();
    if crate::mean::moments(&logits).variance == 0.0 {
        return Err(Undefined::OneValueOnly);
    }
    let (mut intercept, mut slope) = (0.0_f64, 1.0_f64);
    for _ in 0..100 {
        let (gradient, information) = likelihood(&logits, positive, intercept, slope);
        let determinant = information[0] * information[2] - information[1] * information[1];
        if determinant <= 1e-12 * information[0] * information[2] {
            break;
        }
        let step_intercept = (information[2] * gradient[0] - information[1] * gradient[1]) / determinant;
        let step_slope = (information[0] * gradient[1] - information[1] * gradient[0]) / determinant;
        // Long steps are cut: the likelihood is concave, but its quadratic model is poor far off.
        let scale = 1.0 / (step_intercept.abs().max(step_slope.abs()) / 5.0).max(1.0);
        intercept += scale * step_intercept;
        slope += scale * step_slope;
        if slope.abs() > 1e4 {
            break;
        }
        if step_intercept.abs().max(step_slope.abs()) < 1e-12 * (1.0 + intercept.abs() + slope.abs()) {
            return Ok(Recalibration {
                intercept,
                slope,
                intercept_error: (information[2] / determinant).sqrt(),
                slope_error: (information[0] / determinant).sqrt(),
            });
        }
    }
    Err(Undefined::NotConverged { what: "the calibration slope (the scores may separate the classes)".to_owned() })
}

/// Gradient and information (three numbers, upper triangle) of the two-parameter logistic likelihood.
fn likelihood(logits: &[f64], positive: &[bool], intercept: f64, slope: f64) -> ([f64; 2], [f64; 3]) {
    let (mut gradient, mut information) = ([0.0; 2], [0.0; 3]);
    for (logit, positive) in logits.iter().zip(positive) {
        let p = 1.0 / (1.0 + (-(intercept + slope * logit)).exp());
        let miss = f64::from(u8::from(*positive)) - p;
        let weight = p * (1.0 - p);
        gradient[0] += miss;
        gradient[1] += miss * logit;
        information[0] += weight;
        information[1] += weight * logit;
        information[2] += weight * logit * logit;
    }
    (gradient, information)
}

/// The p-value of the Hosmer-Lemeshow test of calibration over `bins` bins of equally many rows, for scores not fitted
/// on these rows (chi-square with as many degrees as bins). Hosmer & Lemeshow (1980).
///
/// # Errors
/// As [`reliability`], and scores of exactly 0 or 1 throughout a bin.
pub fn hosmer_lemeshow(scores: &[f64], positive: &[bool], bins: usize) -> Result<f64> {
    let bins = reliability(scores, positive, bins, Binning::EqualCount)?;
    let mut sum = 0.0;
    for bin in &bins {
        let variance = bin.n as f64 * bin.mean_score * (1.0 - bin.mean_score);
        if variance <= 0.0 {
            return Err(Undefined::OneValueOnly);
        }
        sum += (bin.positives as f64 - bin.n as f64 * bin.mean_score).powi(2) / variance;
    }
    Ok(gamma::chi_square_tail(sum, bins.len() as f64))
}

fn check(scores: &[f64], positive: &[bool]) -> Result<()> {
    check_lengths(scores.len(), positive.len())?;
    check_finite(scores)?;
    scores.iter().try_for_each(|score| check_closed("a score", *score))
}
