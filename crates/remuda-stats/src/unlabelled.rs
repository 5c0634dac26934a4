//! Performance without labels: what calibrated probabilities say of their own predictions. Advisory: it holds while a
//! score means what it meant when it was calibrated, which is what drift breaks.
//!
//! Confidence-based performance estimation (CBPE): Guo et al. (2021), "Predicting with confidence on unseen
//! distributions"; Białek et al. (2024), "Estimating model performance under covariate shift without labels".

use crate::estimate::{Estimate, Result, Undefined, check_closed, check_confidence, check_lengths};
use crate::special::normal;
use serde::{Deserialize, Serialize};

/// A rising map from a score to the share that happened, from bins of a calibration curve; between bins straight, beyond
/// the ends flat. Bins out of order are pooled (Barlow et al. 1972), so that a higher score never means less.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CalibrationMap {
    /// Mean score and share that happened, rising in both.
    knots: Vec<(f64, f64)>,
    /// Rows behind each.
    rows: Vec<f64>,
}

impl CalibrationMap {
    /// From bins of (rows, mean score, share that happened).
    ///
    /// # Errors
    /// No bins with rows, or shares outside [0, 1].
    pub fn new(bins: &[(u64, f64, f64)]) -> Result<Self> {
        let mut pooled: Vec<(f64, f64, f64)> = Vec::new();
        for (n, score, happened) in bins.iter().copied().filter(|bin| bin.0 > 0) {
            check_closed("a score", score)?;
            check_closed("a share", happened)?;
            let mut bin = (n as f64, score, happened);
            while let Some(last) = pooled.last().copied().filter(|last| last.2 > bin.2 || last.1 >= bin.1) {
                pooled.pop();
                let n = last.0 + bin.0;
                bin = (n, (last.0 * last.1 + bin.0 * bin.1) / n, (last.0 * last.2 + bin.0 * bin.2) / n);
            }
            pooled.push(bin);
        }
        if pooled.is_empty() {
            return Err(Undefined::NoRows);
        }
        Ok(Self {
            rows: pooled.iter().map(|bin| bin.0).collect(),
            knots: pooled.into_iter().map(|(_, score, happened)| (score, happened)).collect(),
        })
    }

    /// The share that is to be expected at a score.
    #[must_use]
    pub fn at(&self, score: f64) -> f64 {
        let ((below, share), (above, rest)) = self.place(score);
        self.knots[below].1 * share + self.knots[above].1 * rest
    }

    /// The two bins between which a score lies, with their weights.
    fn place(&self, score: f64) -> ((usize, f64), (usize, f64)) {
        let after = self.knots.partition_point(|knot| knot.0 < score);
        let last = self.knots.len() - 1;
        match after {
            0 => ((0, 1.0), (0, 0.0)),
            all if all > last => ((last, 1.0), (last, 0.0)),
            _ => {
                let (below, above) = (self.knots[after - 1].0, self.knots[after].0);
                let rest = (score - below) / (above - below);
                ((after - 1, 1.0 - rest), (after, rest))
            }
        }
    }

    /// What the map's own uncertainty adds to the variance of a sum over rows: its bins are shares of so many rows, not
    /// the truth. `slopes` gives each row's score and how the sum changes with the row's share.
    pub fn variance(&self, slopes: impl Iterator<Item = (f64, f64)>) -> f64 {
        let mut of_bin = vec![0.0; self.knots.len()];
        for (score, slope) in slopes {
            let ((below, share), (above, rest)) = self.place(score);
            of_bin[below] += slope * share;
            of_bin[above] += slope * rest;
        }
        let bins = of_bin.iter().zip(&self.knots).zip(&self.rows);
        bins.map(|((slope, knot), rows)| {
            // One row of each outcome is added, so that a pure bin is not taken for a sure one.
            let happened = (knot.1 * rows + 1.0) / (rows + 2.0);
            slope * slope * happened * (1.0 - happened) / rows
        })
        .sum()
    }
}

/// The same estimate with a further variance, such as [`CalibrationMap::variance`].
#[must_use]
pub fn widened(estimate: Estimate, variance: f64) -> Estimate {
    let z = normal::quantile(estimate.confidence);
    let wide = |bound: f64| ((estimate.value - bound).powi(2) + z * z * variance.max(0.0)).sqrt();
    let (below, above) = (wide(estimate.lower), wide(estimate.upper));
    Estimate { lower: (estimate.value - below).max(0.0), upper: (estimate.value + above).min(1.0), ..estimate }
}

/// The accuracy to be expected of predictions whose chances to be right are these, with the bounds within which the
/// accuracy of exactly these rows lies with `confidence` on each side, if the chances are true.
///
/// ```
/// let expected = remuda_stats::unlabelled::accuracy(&[0.9, 0.8, 0.7, 0.6], 0.95)?;
/// assert!((expected.value - 0.75).abs() < 1e-12);
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// No rows, chances outside [0, 1], or a confidence outside (0, 1).
pub fn accuracy(chances: &[f64], confidence: f64) -> Result<Estimate> {
    ratio(chances, &vec![1.0; chances.len()], confidence)
}

/// Of rows with a probability of being positive and a prediction: the expected recall.
///
/// # Errors
/// As [`accuracy`], and columns of different length or no probability above 0.
pub fn recall(positive: &[f64], predicted: &[bool], confidence: f64) -> Result<Estimate> {
    check_lengths(positive.len(), predicted.len())?;
    let hits: Vec<f64> = positive.iter().zip(predicted).map(|(p, is)| if *is { *p } else { 0.0 }).collect();
    ratio(&hits, positive, confidence)
}

/// The expected share of positive rows among those predicted positive.
///
/// # Errors
/// As [`accuracy`], and columns of different length or no row predicted positive.
pub fn precision(positive: &[f64], predicted: &[bool], confidence: f64) -> Result<Estimate> {
    check_lengths(positive.len(), predicted.len())?;
    let chances: Vec<f64> = positive.iter().zip(predicted).filter(|(_, is)| **is).map(|(p, _)| *p).collect();
    if chances.is_empty() && !positive.is_empty() {
        return Err(Undefined::NoPredictedPositives);
    }
    accuracy(&chances, confidence)
}

/// The expectation of hits over that of their base, by the delta method over independent Bernoulli rows.
fn ratio(hits: &[f64], base: &[f64], confidence: f64) -> Result<Estimate> {
    check_confidence(confidence)?;
    for chance in hits.iter().chain(base) {
        check_closed("a chance", *chance)?;
    }
    if hits.is_empty() {
        return Err(Undefined::NoRows);
    }
    let (sum, whole): (f64, f64) = (hits.iter().sum(), base.iter().sum());
    if whole <= 0.0 {
        return Err(Undefined::NoPositives);
    }
    let value = sum / whole;
    // A row adds (hit - value x base); both are one draw where the base is a chance itself.
    let variance: f64 = hits
        .iter()
        .zip(base)
        .map(|(hit, base)| {
            let fixed = *base >= 1.0;
            let chance = if fixed { *hit } else { *base };
            let weight = if fixed {
                1.0
            } else if *hit > 0.0 {
                1.0 - value
            } else {
                -value
            };
            weight * weight * chance * (1.0 - chance)
        })
        .sum();
    let half = normal::quantile(confidence) * variance.sqrt() / whole;
    Ok(Estimate {
        value,
        lower: (value - half).max(0.0),
        upper: (value + half).min(1.0),
        confidence,
        n: hits.len() as u64,
        method: "from calibrated scores, without labels".to_owned(),
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;
    use crate::random::Stream;

    #[test]
    fn calibrated_scores_tell_their_own_accuracy_recall_and_precision() {
        let mut random = Stream::new(3, 1);
        let (mut inside, tries) = ([0_u32; 3], 400);
        for _ in 0..tries {
            let positive: Vec<f64> = (0..400).map(|_| random.open().powi(2)).collect();
            let predicted: Vec<bool> = positive.iter().map(|p| *p > 0.5).collect();
            let truth: Vec<bool> = positive.iter().map(|p| random.open() < *p).collect();
            let share = |of: &dyn Fn(usize) -> bool, among: &dyn Fn(usize) -> bool| {
                let rows: Vec<usize> = (0..400).filter(|row| among(*row)).collect();
                rows.iter().filter(|row| of(**row)).count() as f64 / rows.len() as f64
            };
            let chances: Vec<f64> = positive.iter().map(|p| p.max(1.0 - p)).collect();
            let found = [
                (accuracy(&chances, 0.975).unwrap(), share(&|row| truth[row] == predicted[row], &|_| true)),
                (recall(&positive, &predicted, 0.975).unwrap(), share(&|row| predicted[row], &|row| truth[row])),
                (precision(&positive, &predicted, 0.975).unwrap(), share(&|row| truth[row], &|row| predicted[row])),
            ];
            for (count, (estimate, seen)) in inside.iter_mut().zip(&found) {
                *count += u32::from(estimate.lower <= *seen && *seen <= estimate.upper);
            }
        }
        for (count, what) in inside.iter().zip(["accuracy", "recall", "precision"]) {
            let share = f64::from(*count) / f64::from(tries);
            assert!((0.92..=0.985).contains(&share), "{what}: {share} of 95 % intervals hold");
        }
    }

    #[test]
    fn the_map_is_no_surer_than_its_own_rows() {
        let mut random = Stream::new(8, 1);
        let (mut inside, tries) = (0_u32, 300);
        for _ in 0..tries {
            // 1,000 rows calibrate, 20,000 are judged; scores say what they mean.
            let mut draw = |rows: usize| -> Vec<(f64, bool)> {
                (0..rows).map(|_| (random.open(), random.open())).map(|(p, u)| (p, u < p)).collect()
            };
            let known = draw(1_000);
            let (scores, happened): (Vec<f64>, Vec<bool>) = known.into_iter().unzip();
            let binning = crate::calibration::Binning::EqualCount;
            let bins = crate::calibration::reliability(&scores, &happened, 20, binning).unwrap();
            let bins: Vec<(u64, f64, f64)> = bins.iter().map(|bin| (bin.n, bin.mean_score, bin.rate())).collect();
            let map = CalibrationMap::new(&bins).unwrap();
            let rows = draw(20_000);
            let right = rows.iter().filter(|(p, is)| (*p > 0.5) == *is).count() as f64 / 20_000.0;
            let chances: Vec<f64> =
                rows.iter().map(|(p, _)| if *p > 0.5 { map.at(*p) } else { 1.0 - map.at(*p) }).collect();
            let slopes = rows.iter().map(|(p, _)| (*p, if *p > 0.5 { 1.0 } else { -1.0 } / 20_000.0));
            let estimate = widened(accuracy(&chances, 0.975).unwrap(), map.variance(slopes));
            inside += u32::from(estimate.lower <= right && right <= estimate.upper);
        }
        let share = f64::from(inside) / f64::from(tries);
        assert!(share > 0.9, "{share} of 95 % intervals hold");
    }

    #[test]
    fn a_map_rises_and_pools_what_is_out_of_order() {
        let map = CalibrationMap::new(&[(10, 0.1, 0.2), (10, 0.3, 0.1), (10, 0.7, 0.8)]).unwrap();
        assert!((map.at(0.0) - 0.15).abs() < 1e-12 && map.at(1.0) == 0.8);
        assert!((map.at(0.45) - 0.475).abs() < 1e-9, "{}", map.at(0.45));
        assert!(CalibrationMap::new(&[]).is_err() && CalibrationMap::new(&[(3, 2.0, 0.5)]).is_err());
        assert!(accuracy(&[], 0.95).is_err() && recall(&[0.0], &[true], 0.95).is_err());
        assert_eq!(precision(&[0.4], &[false], 0.95), Err(Undefined::NoPredictedPositives));
    }
}
