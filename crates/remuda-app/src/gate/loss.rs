//! Losses per row: metrics that are a mean over rows, so that Student's t, clusters and paired differences apply.

use super::rate::{Measured, Unmeasured, class_of};
use super::sample::{ClassSample, Sample};
use remuda_model::gate::criterion::{Metric, MetricOf};
use remuda_stats::Undefined;

/// The per-row values whose mean is the metric; `None` for a metric that is no mean over rows. A mean squared error
/// stands for its root: [`is_root`].
pub(crate) fn losses(metric: &MetricOf, sample: &Sample) -> Measured<Option<Vec<f64>>> {
    match sample {
        Sample::Classes(sample) => match metric.metric {
            Metric::LogLoss => scored(metric, sample).map(|()| Some(log_losses(sample))),
            Metric::Brier => {
                scored(metric, sample)?;
                brier_losses(sample, metric).map(Some)
            }
            _ => Ok(None),
        },
        Sample::Numbers { truth, predicted } => number_losses(metric.metric, truth, predicted),
    }
}

/// Whether the metric is the root of the mean of its [`losses`].
pub(super) fn is_root(metric: Metric) -> bool {
    metric == Metric::Rmse
}

/// Refuses a metric of probabilities where the model gives labels only.
pub(super) fn scored(metric: &MetricOf, sample: &ClassSample) -> Measured<()> {
    if sample.known > 0 {
        return Ok(());
    }
    if sample.truth.iter().min() == sample.truth.iter().max() {
        return Err(Unmeasured::DoesNotFit(format!(
            "{} needs two classes, and the true labels have one",
            metric.metric.name()
        )));
    }
    Err(Unmeasured::DoesNotFit(format!(
        "{} needs probabilities, and the predictions are labels only",
        metric.metric.name()
    )))
}

fn log_losses(sample: &ClassSample) -> Vec<f64> {
    let rows = sample.probabilities.chunks_exact(sample.known.max(1)).zip(&sample.truth);
    // As scikit-learn does: a probability of zero counts as the smallest step above it.
    rows.map(|(row, truth)| -f64::from(row.get(*truth as usize).copied().unwrap_or(0.0)).max(f64::EPSILON).ln())
        .collect()
}

/// Squared distance between probabilities and truth: of one class when named or binary, else summed over classes
/// (Brier 1950, range 0 to 2).
fn brier_losses(sample: &ClassSample, metric: &MetricOf) -> Measured<Vec<f64>> {
    if metric.class.is_some() || (sample.positive.is_some() && sample.known == 2) {
        let class = class_of(metric, sample)?;
        let truths = sample.is(class);
        let loss = |(score, truth): (f64, &bool)| (score - f64::from(u8::from(*truth))).powi(2);
        return Ok(sample.scores(class).into_iter().zip(&truths).map(loss).collect());
    }
    let rows = sample.probabilities.chunks_exact(sample.known.max(1)).zip(&sample.truth);
    Ok(rows
        .map(|(row, truth)| {
            let known: f64 = row
                .iter()
                .enumerate()
                .map(|(class, score)| (f64::from(*score) - f64::from(u8::from(class == *truth as usize))).powi(2))
                .sum();
            known + f64::from(u8::from(*truth as usize >= sample.known))
        })
        .collect())
}

fn number_losses(metric: Metric, truth: &[f64], predicted: &[f64]) -> Measured<Option<Vec<f64>>> {
    let rows = || truth.iter().zip(predicted).map(|(truth, predicted)| (*truth, predicted - truth));
    Ok(Some(match metric {
        Metric::Mae => rows().map(|(_, error)| error.abs()).collect(),
        Metric::Bias => rows().map(|(_, error)| error).collect(),
        Metric::Rmse => rows().map(|(_, error)| error * error).collect(),
        Metric::Mape => {
            if truth.contains(&0.0) {
                return Err(Undefined::DividesByZero { what: "a true value".to_owned() }.into());
            }
            rows().map(|(truth, error)| (error / truth).abs()).collect()
        }
        // Koenker and Bassett (1978): under-prediction costs q, over-prediction 1 - q.
        Metric::Pinball(q) => {
            rows().map(|(_, error)| if error < 0.0 { -q * error } else { (1.0 - q) * error }).collect()
        }
        _ => return Ok(None),
    }))
}
