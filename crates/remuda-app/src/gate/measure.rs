//! Measuring a metric on a sample: the estimate with its one-sided bounds. One place joins the criterion language's
//! metrics to the methods of remuda-stats (DESIGN, section 6).

use super::loss::{is_root, losses, scored};
use super::rate::{Cells, Measured, Rate, class_of};
use super::sample::{ClassSample, Sample};
use super::statistic::{calibrated, of_cells, weighted};
use super::units::Units;
use remuda_learn::{Predictions, Target};
use remuda_model::gate::criterion::{Metric, MetricOf};
use remuda_model::model::ModelSignature;
use remuda_model::run::MetricValue;
use remuda_stats::{Estimate, Undefined, auc, bootstrap, calibration, f1, mean, proportion};

/// Resamples of cells, which cost the same however many rows there are.
pub(super) const REPLICATES: u32 = 2_000;
/// Resamples of rows.
pub(super) const ROW_REPLICATES: u32 = 1_000;
/// From this many rows on, leaving groups out stands in for resampling rows.
const ROWS_FOR_JACKKNIFE: usize = 20_000;
/// Seed of a bootstrap: fixed, so that the same inputs give the same bounds.
pub(super) const SEED: u64 = 20_240_601;

/// A metric's estimate on a sample. `units` says which rows depend on each other.
pub(crate) fn measure(
    metric: &MetricOf,
    sample: &Sample,
    units: Option<&Units>,
    confidence: f64,
) -> Measured<Estimate> {
    if let Some(units) = units {
        return super::units::measure(metric, sample, units, confidence);
    }
    if let Some(losses) = losses(metric, sample)? {
        return Ok(rooted(mean::estimate(&losses, confidence)?, is_root(metric.metric)));
    }
    match sample {
        Sample::Classes(sample) => measure_classes(metric, sample, confidence),
        Sample::Numbers { .. } => by_rows(metric, sample, confidence),
    }
}

fn measure_classes(metric: &MetricOf, sample: &ClassSample, confidence: f64) -> Measured<Estimate> {
    if let Some(rate) = Rate::of(metric, sample)? {
        return Ok(proportion::rate(rate.hits(), rate.rows(), confidence).map_err(|reason| rate.explain(reason))?);
    }
    match metric.metric {
        Metric::F1 => {
            let cells = Cells::of(sample, class_of(metric, sample)?);
            Ok(f1::binary(cells.true_positives, cells.false_positives, cells.false_negatives, confidence)?)
        }
        Metric::Auc => {
            scored(metric, sample)?;
            let class = class_of(metric, sample)?;
            Ok(auc::estimate(&sample.scores(class), &sample.is(class), confidence)?)
        }
        Metric::AveragePrecision => by_rows(metric, &Sample::Classes(sample.clone()), confidence),
        Metric::Ece => {
            let (scores, right) = calibrated(metric, sample)?;
            let bins = super::statistic::CALIBRATION_BINS;
            let binning = calibration::Binning::EqualWidth;
            Ok(calibration::expected_calibration_error_estimate(&scores, &right, bins, binning, confidence)?)
        }
        _ => {
            let statistic = of_cells(metric, sample)?;
            let (counts, width) = (sample.confusion(), sample.classes.len());
            match bootstrap::cells(&counts, &statistic, REPLICATES, SEED, confidence) {
                Err(Undefined::NoVariation) => {
                    Ok(bootstrap::cells_without_variation(&counts, width, &statistic, confidence)?)
                }
                // Hardly any resample differs: that is no knowledge either.
                Ok(found) if found.lower == found.upper => {
                    Ok(bootstrap::cells_without_variation(&counts, width, &statistic, confidence)?)
                }
                found => Ok(found?),
            }
        }
    }
}

/// By resampling rows, or of very many rows by leaving out groups of them.
fn by_rows(metric: &MetricOf, sample: &Sample, confidence: f64) -> Measured<Estimate> {
    let statistic = weighted(metric, sample)?;
    let rows = sample.rows();
    Ok(if rows >= ROWS_FOR_JACKKNIFE {
        bootstrap::jackknife(rows, statistic, SEED, confidence)?
    } else {
        bootstrap::rows(rows, statistic, ROW_REPLICATES, SEED, confidence)?
    })
}

/// The root of a mean, its bounds with it.
pub(super) fn rooted(estimate: Estimate, root: bool) -> Estimate {
    if !root {
        return estimate;
    }
    let root = |value: f64| value.max(0.0).sqrt();
    Estimate { value: root(estimate.value), lower: root(estimate.lower), upper: root(estimate.upper), ..estimate }
}

/// The metrics that a training reports on validation, each with a two-sided 95 % interval.
pub(crate) fn validation_metrics(
    signature: &ModelSignature,
    truth: &Target,
    predictions: &Predictions,
) -> Vec<MetricValue> {
    let Ok(sample) = Sample::new(signature, truth, predictions) else { return Vec::new() };
    usual_metrics(signature).iter().map(|metric| metric_value(metric, &sample, "validation")).collect()
}

/// The metrics that fit a task, the most telling first.
pub(crate) fn usual_metrics(signature: &ModelSignature) -> Vec<MetricOf> {
    let plain = |metric| MetricOf { metric, class: None };
    match (&signature.task, &signature.positive) {
        (remuda_model::data::Task::Regression, _) => [Metric::Mae, Metric::Rmse, Metric::R2].map(plain).to_vec(),
        (remuda_model::data::Task::Binary, Some(positive)) => {
            let of = |metric| MetricOf { metric, class: Some(positive.clone()) };
            vec![
                plain(Metric::Auc),
                plain(Metric::Accuracy),
                of(Metric::Recall),
                of(Metric::Precision),
                of(Metric::F1),
                plain(Metric::LogLoss),
            ]
        }
        _ => [Metric::Accuracy, Metric::MacroF1, Metric::LogLoss].map(plain).to_vec(),
    }
}

/// One metric with its two-sided 95 % interval; an undefined one says why.
pub(crate) fn metric_value(metric: &MetricOf, sample: &Sample, split: &str) -> MetricValue {
    value_of(metric, measure(metric, sample, None, CONFIDENCE), sample, split)
}

/// New less old of a metric on the same rows, with its two-sided 95 % interval.
pub(crate) fn difference_value(metric: &MetricOf, new: &Sample, old: &Sample, split: &str) -> MetricValue {
    let found = super::compare::difference(metric, (new, old), None, 1.0, CONFIDENCE);
    value_of(metric, found.map(|(estimate, _)| estimate), new, split)
}

/// One-sided, so that both bounds make an interval of 95 %.
const CONFIDENCE: f64 = 0.975;

fn value_of(metric: &MetricOf, measured: Measured<Estimate>, sample: &Sample, split: &str) -> MetricValue {
    let name = match &metric.class {
        Some(class) => format!("{} of {class}", metric.metric.name()),
        None => metric.metric.name(),
    };
    match measured {
        Ok(estimate) => MetricValue {
            name,
            value: Some(estimate.value),
            lower: Some(estimate.lower),
            upper: Some(estimate.upper),
            confidence: CONFIDENCE,
            n: estimate.n,
            split: split.to_owned(),
            method: estimate.method,
        },
        Err(reason) => MetricValue {
            name,
            value: None,
            lower: None,
            upper: None,
            confidence: CONFIDENCE,
            n: sample.rows() as u64,
            split: split.to_owned(),
            method: reason.to_string(),
        },
    }
}
