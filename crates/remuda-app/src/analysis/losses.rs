//! What counts as bad: the loss of each row under a metric, the less the better.

use super::judged::Judged;
use crate::error::{Error, Result};
use crate::gate::{Rate, Sample, Unmeasured, losses};
use remuda_model::gate::criterion::{Claim, Metric, MetricOf, Quantity};

/// Losses of the rows that the metric counts.
pub(super) struct RowLosses {
    /// The metric as a criterion writes it.
    pub(super) metric: String,
    /// What the losses are, in words.
    pub(super) words: String,
    /// 0 or 1 each: the mean is a share of rows.
    pub(super) is_rate: bool,
    /// Places of the rows in the sample.
    pub(super) places: Vec<usize>,
    /// One loss each.
    pub(super) losses: Vec<f64>,
}

/// The losses under a metric; without one, wrong or right for classes and the absolute error for numbers.
///
/// # Errors
/// A metric that is none, is no mean over rows, or does not fit the label.
pub(super) fn losses_of(judged: &Judged, metric: Option<&str>) -> Result<RowLosses> {
    let metric = match metric {
        Some(text) => read_metric(text)?,
        None => MetricOf {
            metric: if matches!(judged.sample, Sample::Classes(_)) { Metric::Accuracy } else { Metric::Mae },
            class: None,
        },
    };
    let text = Quantity::Metric(metric.clone()).to_string();
    let unfit = |reason: Unmeasured| Error::new("request.invalid", reason.to_string()).hint(METRICS);
    if metric.metric == Metric::Bias {
        return Err(Error::new("request.invalid", "bias has a direction, so no slice is the worst by it")
            .hint("write `--metric mae`"));
    }
    if let Sample::Classes(sample) = &judged.sample
        && let Some(rate) = Rate::of(&metric, sample).map_err(unfit)?
    {
        let places: Vec<usize> = (0..rate.counted.len()).filter(|place| rate.counted[*place]).collect();
        let losses = places.iter().map(|place| f64::from(u8::from(!rate.hit[*place]))).collect();
        return Ok(RowLosses { words: words_of_rate(&metric), metric: text, is_rate: true, places, losses });
    }
    match losses(&metric, &judged.sample).map_err(unfit)? {
        Some(losses) => {
            let words = words_of(&metric, &text);
            Ok(RowLosses { metric: text, words, is_rate: false, places: (0..losses.len()).collect(), losses })
        }
        None => Err(Error::new("request.invalid", format!("{text} is no mean over rows, so rows have no share in it"))
            .hint(METRICS)),
    }
}

const METRICS: &str = "metrics that slices can be found by: accuracy, `recall of CLASS`, `precision of CLASS`, log_loss, \
                       brier; for numbers mae, rmse, mape";

/// A metric as a criterion writes it.
fn read_metric(text: &str) -> Result<MetricOf> {
    // The language has no reader for a metric alone: a claim that any number fulfils stands in.
    let criterion = remuda_model::gate::parse(&format!("{text} >= 0")).map_err(|error| {
        let mut refusal = Error::new("request.invalid", format!("`{text}` is no metric: {}", error.message));
        refusal.hints = error.hints;
        refusal.hint(METRICS)
    })?;
    match criterion.claim {
        Claim::Holds { quantity: Quantity::Metric(metric), .. } if criterion.filter.is_none() => Ok(metric),
        _ => Err(Error::new("request.invalid", format!("`{text}` is no metric")).hint(METRICS)),
    }
}

fn words_of_rate(metric: &MetricOf) -> String {
    let class = metric.class.as_deref().unwrap_or("the positive class");
    match metric.metric {
        Metric::Recall => format!("share of {class} missed"),
        Metric::Precision => format!("share of predicted {class} that is wrong"),
        Metric::Specificity => format!("share wrongly called {class}"),
        Metric::SelectionRate => format!("share not called {class}"),
        _ => "error rate".to_owned(),
    }
}

fn words_of(metric: &MetricOf, text: &str) -> String {
    match metric.metric {
        Metric::Mae => "absolute error".to_owned(),
        Metric::Rmse => "squared error".to_owned(),
        Metric::Mape => "relative error".to_owned(),
        Metric::LogLoss => "log loss".to_owned(),
        Metric::Brier => "Brier loss".to_owned(),
        _ => text.to_owned(),
    }
}
