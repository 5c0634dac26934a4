//! Any metric as a function of row weights: what resampling rows, pairs of rows and clusters needs.

use super::loss::{is_root, losses, scored};
use super::rate::{Measured, Rate, Unmeasured, class_of};
use super::sample::{ClassSample, Sample};
use remuda_model::gate::criterion::{Metric, MetricOf};
use remuda_stats::classification::{self, Average, Matrix};
use remuda_stats::weighted::{BinnedRows, RankedRows};

/// Bins of the calibration error (Guo et al. 2017, "On calibration of modern neural networks").
pub(super) const CALIBRATION_BINS: usize = 15;

/// A metric as a function of how often each row counts; NaN where it does not exist.
pub(super) type Weighted<'a> = Box<dyn Fn(&[u32]) -> f64 + Sync + 'a>;

/// The metric of a sample as a function of row weights.
pub(super) fn weighted<'a>(metric: &MetricOf, sample: &'a Sample) -> Measured<Weighted<'a>> {
    if let Some(losses) = losses(metric, sample)? {
        let root = is_root(metric.metric);
        return Ok(Box::new(move |weights| {
            let mean = weighted_mean(&losses, weights);
            if root { mean.sqrt() } else { mean }
        }));
    }
    match sample {
        Sample::Numbers { truth, predicted } if metric.metric == Metric::R2 => {
            Ok(Box::new(|weights| weighted_r2(truth, predicted, weights)))
        }
        Sample::Numbers { .. } => Err(does_not_fit(metric, "numbers")),
        Sample::Classes(sample) => weighted_classes(metric, sample),
    }
}

fn weighted_classes<'a>(metric: &MetricOf, sample: &'a ClassSample) -> Measured<Weighted<'a>> {
    if let Some(rate) = Rate::of(metric, sample)? {
        return Ok(Box::new(move |weights| {
            let (mut rows, mut hits) = (0u64, 0u64);
            for ((weight, counted), hit) in weights.iter().zip(&rate.counted).zip(&rate.hit) {
                rows += u64::from(*counted) * u64::from(*weight);
                hits += u64::from(*counted && *hit) * u64::from(*weight);
            }
            hits as f64 / rows as f64
        }));
    }
    match metric.metric {
        Metric::Auc | Metric::AveragePrecision => {
            scored(metric, sample)?;
            let class = class_of(metric, sample)?;
            let ranked = RankedRows::new(&sample.scores(class), &sample.is(class))?;
            let area = metric.metric == Metric::Auc;
            Ok(Box::new(move |weights| if area { ranked.auc(weights) } else { ranked.average_precision(weights) }))
        }
        Metric::Ece => {
            let (scores, right) = calibrated(metric, sample)?;
            let binned = BinnedRows::new(&scores, &right, CALIBRATION_BINS)?;
            Ok(Box::new(move |weights| binned.expected_calibration_error(weights)))
        }
        _ => {
            let statistic = of_cells(metric, sample)?;
            let width = sample.classes.len();
            Ok(Box::new(move |weights| {
                let mut cells = vec![0.0; width * width];
                for ((weight, truth), predicted) in weights.iter().zip(&sample.truth).zip(&sample.predicted) {
                    cells[*truth as usize * width + *predicted as usize] += f64::from(*weight);
                }
                statistic(&cells)
            }))
        }
    }
}

/// What is held against what happened: of one class its probability, of many classes that of the predicted one.
pub(super) fn calibrated(metric: &MetricOf, sample: &ClassSample) -> Measured<(Vec<f64>, Vec<bool>)> {
    scored(metric, sample)?;
    match class_of(metric, sample) {
        Ok(class) => Ok((sample.scores(class), sample.is(class))),
        Err(_) if metric.class.is_none() => Ok(sample.confidences()),
        Err(error) => Err(error),
    }
}

/// A metric of the confusion counts, as a function of them; NaN where undefined.
pub(super) fn of_cells(metric: &MetricOf, sample: &ClassSample) -> Measured<impl Fn(&[f64]) -> f64 + Sync + use<>> {
    let classes = sample.classes.len();
    let kind = metric.metric;
    let class = match kind {
        Metric::FBeta(_) | Metric::F1 | Metric::Precision | Metric::Recall | Metric::Specificity => {
            class_of(metric, sample)?
        }
        Metric::Accuracy
        | Metric::BalancedAccuracy
        | Metric::MacroF1
        | Metric::MicroF1
        | Metric::WeightedF1
        | Metric::Mcc
        | Metric::Kappa => 0,
        _ => return Err(does_not_fit(metric, "classes")),
    };
    Ok(move |counts: &[f64]| {
        let matrix = Matrix { counts, classes };
        let of_class = |measure: &dyn Fn(classification::Binary) -> remuda_stats::Result<f64>| {
            classification::one_against_rest(matrix, class).and_then(measure)
        };
        let value = match kind {
            Metric::Accuracy => classification::accuracy(matrix),
            Metric::BalancedAccuracy => classification::balanced_accuracy(matrix),
            Metric::MacroF1 => classification::average_f_beta(matrix, Average::Macro, 1.0),
            Metric::MicroF1 => classification::average_f_beta(matrix, Average::Micro, 1.0),
            Metric::WeightedF1 => classification::average_f_beta(matrix, Average::Weighted, 1.0),
            Metric::Mcc => classification::matthews(matrix),
            Metric::Kappa => classification::kappa(matrix),
            Metric::FBeta(beta) => of_class(&|cells| classification::f_beta(cells, beta)),
            Metric::Precision => of_class(&classification::precision),
            Metric::Recall => of_class(&classification::recall),
            Metric::Specificity => of_class(&classification::specificity),
            _ => of_class(&|cells| classification::f_beta(cells, 1.0)),
        };
        value.unwrap_or(f64::NAN)
    })
}

pub(super) fn does_not_fit(metric: &MetricOf, kind: &str) -> Unmeasured {
    let name = metric.metric.name();
    Unmeasured::DoesNotFit(match metric.metric {
        Metric::Ndcg(_) | Metric::Mrr | Metric::HitRate(_) => {
            format!("{name} is a metric of ranked lists: say which column names the list, `by COLUMN`")
        }
        _ => format!("{name} does not fit a label of {kind}"),
    })
}

fn weighted_mean(values: &[f64], weights: &[u32]) -> f64 {
    let total: f64 = weights.iter().map(|weight| f64::from(*weight)).sum();
    values.iter().zip(weights).map(|(value, weight)| value * f64::from(*weight)).sum::<f64>() / total
}

fn weighted_r2(truth: &[f64], predicted: &[f64], weights: &[u32]) -> f64 {
    let mean = weighted_mean(truth, weights);
    let (mut residual, mut spread) = (0.0, 0.0);
    for ((truth, predicted), weight) in truth.iter().zip(predicted).zip(weights) {
        let weight = f64::from(*weight);
        residual += (predicted - truth).powi(2) * weight;
        spread += (truth - mean).powi(2) * weight;
    }
    1.0 - residual / spread
}
