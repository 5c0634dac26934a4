//! Measuring a metric on a sample: the estimate with its one-sided bounds, and what deciding would cost.
//! One place joins the criterion language's metrics to the methods of remuda-stats (DESIGN, section 6).

use super::sample::{ClassSample, Sample};
use remuda_learn::{Predictions, Target};
use remuda_model::gate::criterion::{Metric, MetricOf};
use remuda_model::gate::verdict::{Price, PriceCase};
use remuda_model::model::ModelSignature;
use remuda_model::run::MetricValue;
use remuda_stats::classification::{self, Average, Matrix};
use remuda_stats::price::Direction;
use remuda_stats::{Estimate, Undefined, auc, bootstrap, f1, mean, paired, price, proportion};

/// Resamples of a bootstrap.
const REPLICATES: u32 = 2_000;
/// Seed of a bootstrap: fixed, so that the same inputs give the same bounds.
const SEED: u64 = 20_240_601;

/// Why a metric has no estimate here.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum Unmeasured {
    /// The numbers do not exist.
    #[error("{0}")]
    Undefined(#[from] Undefined),
    /// The metric does not fit the task, or names a class that is not there.
    #[error("{0}")]
    DoesNotFit(String),
}

type Measured<T> = std::result::Result<T, Unmeasured>;

/// A metric's estimate on a sample.
pub(crate) fn measure(metric: &MetricOf, sample: &Sample, confidence: f64) -> Measured<Estimate> {
    match sample {
        Sample::Classes(sample) => measure_classes(metric, sample, confidence),
        Sample::Numbers { truth, predicted } => measure_numbers(metric.metric, truth, predicted, confidence),
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
            let class = class_of(metric, sample)?;
            Ok(auc::estimate(&sample.scores(class), &sample.is(class), confidence)?)
        }
        Metric::LogLoss => Ok(mean::estimate(&log_losses(sample), confidence)?),
        Metric::Brier => Ok(mean::estimate(&brier_losses(sample, metric)?, confidence)?),
        _ => {
            let statistic = cell_statistic(metric, sample)?;
            Ok(bootstrap::cells(&sample.confusion(), statistic, REPLICATES, SEED, confidence)?)
        }
    }
}

/// A metric of the confusion counts, as a function of them; NaN where undefined.
fn cell_statistic(metric: &MetricOf, sample: &ClassSample) -> Measured<impl Fn(&[f64]) -> f64 + Sync + use<>> {
    let classes = sample.classes.len();
    let kind = metric.metric;
    let class = match kind {
        Metric::FBeta(_) | Metric::F1 | Metric::Precision => class_of(metric, sample)?,
        Metric::Accuracy
        | Metric::BalancedAccuracy
        | Metric::MacroF1
        | Metric::MicroF1
        | Metric::WeightedF1
        | Metric::Mcc
        | Metric::Kappa => 0,
        Metric::Recall | Metric::Specificity => class_of(metric, sample)?,
        other => return Err(not_measured(other)),
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

fn not_measured(metric: Metric) -> Unmeasured {
    Unmeasured::DoesNotFit(format!("{} is not measured on classes yet", metric.name()))
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
    if metric.class.is_some() || sample.positive.is_some() {
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

fn measure_numbers(metric: Metric, truth: &[f64], predicted: &[f64], confidence: f64) -> Measured<Estimate> {
    let errors: Vec<f64> = truth.iter().zip(predicted).map(|(truth, predicted)| predicted - truth).collect();
    match metric {
        Metric::Mae => Ok(mean::estimate(&errors.iter().map(|error| error.abs()).collect::<Vec<_>>(), confidence)?),
        Metric::Bias => Ok(mean::estimate(&errors, confidence)?),
        Metric::Rmse => {
            let squares: Vec<f64> = errors.iter().map(|error| error * error).collect();
            let square = mean::estimate(&squares, confidence)?;
            Ok(Estimate {
                value: square.value.sqrt(),
                lower: square.lower.max(0.0).sqrt(),
                upper: square.upper.max(0.0).sqrt(),
                ..square
            })
        }
        Metric::R2 => {
            let statistic = |weights: &[u32]| weighted_r2(truth, &errors, weights);
            Ok(bootstrap::rows(truth.len(), statistic, REPLICATES / 2, SEED, confidence)?)
        }
        other => Err(Unmeasured::DoesNotFit(format!("{} is not measured on numbers yet", other.name()))),
    }
}

fn weighted_r2(truth: &[f64], errors: &[f64], weights: &[u32]) -> f64 {
    let total: f64 = weights.iter().map(|weight| f64::from(*weight)).sum();
    let mean = truth.iter().zip(weights).map(|(value, weight)| value * f64::from(*weight)).sum::<f64>() / total;
    let (mut residual, mut spread) = (0.0, 0.0);
    for ((value, error), weight) in truth.iter().zip(errors).zip(weights) {
        residual += error * error * f64::from(*weight);
        spread += (value - mean) * (value - mean) * f64::from(*weight);
    }
    1.0 - residual / spread
}

/// How much better the new model is than the old one on the same rows: `new - scale * old` of the metric.
pub(crate) fn difference(
    metric: &MetricOf,
    new: &Sample,
    old: &Sample,
    scale: f64,
    confidence: f64,
) -> Measured<(Estimate, Option<Disagreement>)> {
    let plain = (scale - 1.0).abs() < 1e-12;
    match (new, old) {
        (Sample::Numbers { truth, predicted }, Sample::Numbers { predicted: before, .. }) => {
            Ok((number_difference(metric.metric, truth, predicted, before, scale, confidence)?, None))
        }
        (Sample::Classes(new), Sample::Classes(old)) => {
            if plain && let Some(found) = Disagreement::of(metric, new, old)? {
                let estimate = paired::difference(found.only_new, found.only_old, found.rows, confidence)?;
                return Ok((estimate, Some(found)));
            }
            if plain && metric.metric == Metric::Auc {
                let class = class_of(metric, new)?;
                let old_class = class_of(metric, old)?;
                let truth = new.is(class);
                let estimate = auc::paired_difference(&new.scores(class), &old.scores(old_class), &truth, confidence)?;
                return Ok((estimate, None));
            }
            // Means over rows: the difference is a mean too, of the rows' differences.
            let losses = match metric.metric {
                Metric::LogLoss => Some((log_losses(new), log_losses(old))),
                Metric::Brier => Some((brier_losses(new, metric)?, brier_losses(old, metric)?)),
                _ => None,
            };
            if let Some((new, old)) = losses {
                let rows: Vec<f64> = new.iter().zip(&old).map(|(new, old)| new - scale * old).collect();
                return Ok((mean::estimate(&rows, confidence)?, None));
            }
            Ok((class_difference(metric, new, old, scale, confidence)?, None))
        }
        _ => Err(Unmeasured::DoesNotFit("the two models answer different kinds of label".into())),
    }
}

fn number_difference(
    metric: Metric,
    truth: &[f64],
    new: &[f64],
    old: &[f64],
    scale: f64,
    confidence: f64,
) -> Measured<Estimate> {
    if metric == Metric::Mae {
        let losses: Vec<f64> = truth
            .iter()
            .zip(new.iter().zip(old))
            .map(|(truth, (new, old))| (new - truth).abs() - scale * (old - truth).abs())
            .collect();
        return Ok(mean::estimate(&losses, confidence)?);
    }
    let statistic = |predicted: &[f64], weights: &[u32]| {
        let errors: Vec<f64> = truth.iter().zip(predicted).map(|(truth, predicted)| predicted - truth).collect();
        let total: f64 = weights.iter().map(|weight| f64::from(*weight)).sum();
        let weighted = |value: &dyn Fn(f64) -> f64| {
            errors.iter().zip(weights).map(|(error, weight)| value(*error) * f64::from(*weight)).sum::<f64>() / total
        };
        match metric {
            Metric::Rmse => weighted(&|error| error * error).sqrt(),
            Metric::R2 => weighted_r2(truth, &errors, weights),
            Metric::Bias => weighted(&|error| error),
            _ => f64::NAN,
        }
    };
    let (first, second) =
        (|weights: &[u32]| statistic(new, weights), |weights: &[u32]| scale * statistic(old, weights));
    Ok(bootstrap::paired_rows(truth.len(), first, second, REPLICATES / 2, SEED, confidence)?)
}

/// Any metric of confusion counts, new against old: the bootstrap draws cells of (truth, new, old).
fn class_difference(
    metric: &MetricOf,
    new: &ClassSample,
    old: &ClassSample,
    scale: f64,
    confidence: f64,
) -> Measured<Estimate> {
    let width = new.classes.len();
    if new.classes != old.classes {
        return Err(Unmeasured::DoesNotFit("the two models know different classes".into()));
    }
    let statistic = cell_statistic(metric, new)?;
    let mut places = std::collections::BTreeMap::new();
    for ((truth, first), second) in new.truth.iter().zip(&new.predicted).zip(&old.predicted) {
        *places.entry((*truth, *first, *second)).or_insert(0u64) += 1;
    }
    let cells: Vec<((u32, u32, u32), u64)> = places.into_iter().collect();
    let counts: Vec<u64> = cells.iter().map(|(_, count)| *count).collect();
    let both = move |drawn: &[f64]| {
        let (mut first, mut second) = (vec![0.0; width * width], vec![0.0; width * width]);
        for (((truth, new, old), _), count) in cells.iter().zip(drawn) {
            first[*truth as usize * width + *new as usize] += count;
            second[*truth as usize * width + *old as usize] += count;
        }
        statistic(&first) - scale * statistic(&second)
    };
    let mut estimate = bootstrap::cells(&counts, both, REPLICATES, SEED, confidence)?;
    estimate.method = "BCa bootstrap over paired cells".into();
    Ok(estimate)
}

/// A metric that is a share of rows: which rows count, and which of them are hits.
struct Rate {
    counted: Vec<bool>,
    hit: Vec<bool>,
    nothing: Undefined,
}

impl Rate {
    /// `None` for a metric that is no share of rows.
    fn of(metric: &MetricOf, sample: &ClassSample) -> Measured<Option<Rate>> {
        let rows = sample.truth.len();
        let rate = match metric.metric {
            Metric::Accuracy => Rate { counted: vec![true; rows], hit: sample.right(), nothing: Undefined::NoRows },
            Metric::Recall => {
                let is = sample.is(class_of(metric, sample)?);
                Rate { counted: is, hit: sample.right(), nothing: Undefined::NoPositives }
            }
            Metric::Specificity => {
                let class = class_of(metric, sample)?;
                let counted = sample.is(class).into_iter().map(|is| !is).collect();
                let hit = sample.predicted.iter().map(|predicted| *predicted as usize != class).collect();
                Rate { counted, hit, nothing: Undefined::NoNegatives }
            }
            Metric::Precision => {
                let class = class_of(metric, sample)?;
                let counted = sample.predicted.iter().map(|predicted| *predicted as usize == class).collect();
                Rate { counted, hit: sample.right(), nothing: Undefined::NoPredictedPositives }
            }
            Metric::SelectionRate => {
                let class = class_of(metric, sample)?;
                let hit = sample.predicted.iter().map(|predicted| *predicted as usize == class).collect();
                Rate { counted: vec![true; rows], hit, nothing: Undefined::NoRows }
            }
            _ => return Ok(None),
        };
        Ok(Some(rate))
    }

    fn rows(&self) -> u64 {
        self.counted.iter().filter(|counted| **counted).count() as u64
    }

    fn hits(&self) -> u64 {
        self.counted.iter().zip(&self.hit).filter(|(counted, hit)| **counted && **hit).count() as u64
    }

    /// "There are no rows" says more when it says which rows.
    fn explain(&self, reason: Undefined) -> Undefined {
        if reason == Undefined::NoRows { self.nothing.clone() } else { reason }
    }
}

/// Rows that one model has right and the other wrong: all that a paired comparison of rates rests on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Disagreement {
    /// Only the new model is right.
    pub(crate) only_new: u64,
    /// Only the old model is right.
    pub(crate) only_old: u64,
    /// Rows that count.
    pub(crate) rows: u64,
}

impl Disagreement {
    /// `None` for metrics whose rows differ between models (precision) or that are no shares of rows.
    fn of(metric: &MetricOf, new: &ClassSample, old: &ClassSample) -> Measured<Option<Self>> {
        if !matches!(metric.metric, Metric::Accuracy | Metric::Recall | Metric::Specificity) {
            return Ok(None);
        }
        let (Some(new), Some(old)) = (Rate::of(metric, new)?, Rate::of(metric, old)?) else { return Ok(None) };
        let mut found = Disagreement { only_new: 0, only_old: 0, rows: new.rows() };
        for ((counted, new), old) in new.counted.iter().zip(&new.hit).zip(&old.hit) {
            found.only_new += u64::from(*counted && *new && !*old);
            found.only_old += u64::from(*counted && !*new && *old);
        }
        if found.rows == 0 { Err(new.explain(Undefined::NoRows).into()) } else { Ok(Some(found)) }
    }
}

struct Cells {
    true_positives: u64,
    false_positives: u64,
    false_negatives: u64,
}

impl Cells {
    fn of(sample: &ClassSample, class: usize) -> Self {
        let mut cells = Cells { true_positives: 0, false_positives: 0, false_negatives: 0 };
        for (truth, predicted) in sample.truth.iter().zip(&sample.predicted) {
            match (*truth as usize == class, *predicted as usize == class) {
                (true, true) => cells.true_positives += 1,
                (false, true) => cells.false_positives += 1,
                (true, false) => cells.false_negatives += 1,
                (false, false) => {}
            }
        }
        cells
    }
}

/// The class that a metric is of: the one named, else the positive one.
fn class_of(metric: &MetricOf, sample: &ClassSample) -> Measured<usize> {
    let Some(name) = &metric.class else {
        return sample.positive.ok_or_else(|| {
            let known = remuda_model::text::list(&sample.classes[..sample.classes.len().min(5)]);
            Unmeasured::DoesNotFit(format!(
                "{} needs a class here: write `{} of CLASS` ({known} …)",
                metric.metric.name(),
                metric.metric.name()
            ))
        });
    };
    sample.classes.iter().position(|class| class == name).ok_or_else(|| {
        let near = remuda_model::text::nearest(name, sample.classes.iter().map(String::as_str));
        let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        Unmeasured::DoesNotFit(format!("no row and no model has the class `{name}`{hint}"))
    })
}

/// What deciding would cost, by the method that fits the metric.
pub(crate) fn price_of(
    metric: &MetricOf,
    sample: &Sample,
    estimate: &Estimate,
    wants_more: bool,
    threshold: f64,
) -> Option<Price> {
    let direction = if wants_more { Direction::AtLeast } else { Direction::AtMost };
    let (found, unit) = match sample {
        Sample::Classes(classes) => match Rate::of(metric, classes).ok()? {
            Some(rate) => {
                let priced = price::rate(rate.hits(), rate.rows(), direction, threshold, estimate.confidence);
                (priced, unit_of(metric, classes))
            }
            None if metric.metric == Metric::F1 => {
                let cells = Cells::of(classes, class_of(metric, classes).ok()?);
                let (hits, wrong, lost) = (cells.true_positives, cells.false_positives, cells.false_negatives);
                let priced = price::f1(hits, wrong, lost, direction, threshold, estimate.confidence);
                (priced, "rows that are of the class or are taken for it".to_owned())
            }
            None => (price::scaled(estimate, direction, threshold), "rows".to_owned()),
        },
        Sample::Numbers { .. } => (price::scaled(estimate, direction, threshold), "rows".to_owned()),
    };
    Some(cases(&found.ok()?, unit))
}

/// The price of a paired comparison: rows, of which only those on which the models disagree count.
pub(crate) fn price_of_difference(
    found: Option<Disagreement>,
    estimate: &Estimate,
    wants_more: bool,
    threshold: f64,
) -> Option<Price> {
    let direction = if wants_more { Direction::AtLeast } else { Direction::AtMost };
    let priced = match found {
        Some(found) if wants_more => {
            price::paired(found.only_new, found.only_old, found.rows, threshold, estimate.confidence)
        }
        Some(found) => price::paired(found.only_old, found.only_new, found.rows, -threshold, estimate.confidence),
        None => price::scaled(estimate, direction, threshold),
    };
    Some(cases(&priced.ok()?, "rows that both models predict".to_owned()))
}

fn cases(price: &price::Price, unit: String) -> Price {
    let case = |offer: &price::Offer| PriceCase {
        assumed: offer.assumed,
        needed: Some(offer.labels),
        more: Some(offer.labels.saturating_sub(price.have)),
        chance: offer.chance,
    };
    let cases = [&price.optimistic, &price.expected, &price.pessimistic].into_iter().flatten().map(case).collect();
    Price { cases, unit }
}

fn unit_of(metric: &MetricOf, sample: &ClassSample) -> String {
    let class = class_of(metric, sample).ok().map(|class| sample.classes[class].clone()).unwrap_or_default();
    match metric.metric {
        Metric::Recall => format!("rows whose truth is {class}"),
        Metric::Specificity => format!("rows whose truth is not {class}"),
        Metric::Precision => format!("rows predicted as {class}"),
        _ => "rows".to_owned(),
    }
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
    const CONFIDENCE: f64 = 0.975;
    let name = match &metric.class {
        Some(class) => format!("{} of {class}", metric.metric.name()),
        None => metric.metric.name(),
    };
    match measure(metric, sample, CONFIDENCE) {
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
