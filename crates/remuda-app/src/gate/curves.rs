//! The curves of an evaluation: kept with it, so that a report costs no further look.

use super::sample::{ClassSample, Sample};
use remuda_model::analysis::{CalibrationBin, Curves, ThresholdPoint};
use remuda_stats::calibration::{Binning, reliability};
use remuda_stats::{curves, proportion};

/// Points of a curve: more cannot be seen.
const POINTS: usize = 80;
/// Rows of a bin of a calibration curve, and the most bins.
const ROWS_OF_BIN: usize = 30;
const BINS: usize = 20;

/// The curves of classes with probabilities; none for numbers and for labels alone.
pub(super) fn curves(sample: &Sample) -> Option<Curves> {
    let Sample::Classes(sample) = sample else { return None };
    if sample.known == 0 {
        return None;
    }
    let (scores, is) = scores(sample);
    let points = match sample.positive {
        Some(_) => curves::curve(&scores, &is, POINTS).unwrap_or_default(),
        None => Vec::new(),
    };
    let thresholds = points.iter().map(|point| ThresholdPoint {
        threshold: point.threshold,
        recall: point.recall,
        false_alarms: point.false_alarms,
        precision: point.precision,
    });
    let bins = (scores.len() / ROWS_OF_BIN).clamp(1, BINS);
    let bins = reliability(&scores, &is, bins, Binning::EqualCount).unwrap_or_default();
    let calibration = bins.iter().filter_map(|bin| {
        let interval = proportion::wilson(bin.positives, bin.n, 0.95).ok()?;
        let (lower, upper) = (interval.low, interval.high);
        Some(CalibrationBin { n: bin.n, promised: bin.mean_score, happened: bin.rate(), lower, upper })
    });
    Some(Curves {
        class: sample.positive.map(|class| sample.classes[class].clone()),
        thresholds: thresholds.collect(),
        calibration: calibration.collect(),
    })
}

/// The probability of the positive class and whether it is; without one, of the predicted class and whether it is right.
fn scores(sample: &ClassSample) -> (Vec<f64>, Vec<bool>) {
    match sample.positive {
        Some(class) => {
            (sample.scores(class).into_iter().map(|score| score.clamp(0.0, 1.0)).collect(), sample.is(class))
        }
        None => {
            let (scores, right) = sample.confidences();
            (scores.into_iter().map(|score| score.clamp(0.0, 1.0)).collect(), right)
        }
    }
}
