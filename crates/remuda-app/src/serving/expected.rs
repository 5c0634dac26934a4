//! Performance while labels are late: what the newest predictions' own scores say, by the calibration that the release's
//! evaluation measured; and with some outcomes at hand, an interval for all predictions. Advisory: nothing is decided by it.

use crate::app::App;
use crate::context::Context;
use crate::error::Result;
use remuda_ledger::Joined;
use remuda_model::analysis::Curves;
use remuda_model::model::ModelVersion;
use remuda_model::run::MetricValue;
use remuda_model::serving::PredictionRecord;
use remuda_stats::unlabelled::{self, CalibrationMap};
use remuda_stats::{Estimate, prediction_powered};
use std::collections::HashSet;

/// Rows below which nothing is said.
const LEAST: usize = 30;
/// One-sided, so that both bounds make an interval of 95 %.
const CONFIDENCE: f64 = 0.975;

/// The expected metrics of the newest predictions; none for numbers, or where no evaluation measured the scores.
pub(super) async fn expected(
    app: &App,
    context: &Context,
    model: &ModelVersion,
    records: &[PredictionRecord],
    joined: &[Joined],
) -> Result<Vec<MetricValue>> {
    if records.len() < LEAST || model.signature.labels.classes().is_empty() {
        return Ok(Vec::new());
    }
    let evaluations = crate::gate::evaluations(app, context).await?;
    let curves = evaluations.into_iter().filter(|one| one.model == model.digest).find_map(|one| one.curves);
    let Some(scale) = curves.as_ref().and_then(Scale::new) else { return Ok(Vec::new()) };
    Ok(of_rows(&scale, records, joined))
}

/// From scores to chances.
struct Scale<'a> {
    map: CalibrationMap,
    /// The class whose probability the score is; none: the predicted one's.
    class: Option<&'a str>,
}

impl<'a> Scale<'a> {
    fn new(curves: &'a Curves) -> Option<Self> {
        let bins: Vec<(u64, f64, f64)> =
            curves.calibration.iter().map(|bin| (bin.n, bin.promised, bin.happened)).collect();
        Some(Self { map: CalibrationMap::new(&bins).ok()?, class: curves.class.as_deref() })
    }

    /// The chance that the positive class is true, and whether it was predicted.
    fn positive(&self, label: &str, score: f64) -> (f64, bool) {
        (self.map.at(score), Some(label) == self.class)
    }

    /// The chance that a prediction is right.
    fn right(&self, label: &str, score: f64) -> f64 {
        match self.class {
            None => self.map.at(score),
            Some(_) => match self.positive(label, score) {
                (chance, true) => chance,
                (chance, false) => 1.0 - chance,
            },
        }
    }
}

fn of_rows(scale: &Scale<'_>, records: &[PredictionRecord], joined: &[Joined]) -> Vec<MetricValue> {
    let scored: Vec<&PredictionRecord> = records.iter().filter(|record| record.score.is_finite()).collect();
    let chances: Vec<f64> = scored.iter().map(|record| scale.right(&record.label, record.score)).collect();
    // How each sum changes with a row's share; the map's own uncertainty comes on top of that of the rows.
    let count = scored.len() as f64;
    let slope = |record: &&PredictionRecord| match scale.class {
        Some(class) if record.label != class => -1.0 / count,
        _ => 1.0 / count,
    };
    let widen = |found: remuda_stats::Result<Estimate>, slopes: Vec<f64>| {
        let rows = scored.iter().zip(slopes).map(|(record, slope)| (record.score, slope));
        found.map(|estimate| unlabelled::widened(estimate, scale.map.variance(rows)))
    };
    let accuracy = widen(unlabelled::accuracy(&chances, CONFIDENCE), scored.iter().map(slope).collect());
    let mut found: Vec<(String, remuda_stats::Result<Estimate>)> = vec![("accuracy".to_owned(), accuracy)];
    if let Some(class) = scale.class {
        let (positive, predicted): (Vec<f64>, Vec<bool>) =
            scored.iter().map(|record| scale.positive(&record.label, record.score)).unzip();
        let whole: f64 = positive.iter().sum();
        let recall = unlabelled::recall(&positive, &predicted, CONFIDENCE);
        let share = recall.as_ref().map_or(0.0, |estimate| estimate.value);
        let slopes = predicted.iter().map(|is| (f64::from(u8::from(*is)) - share) / whole.max(f64::MIN_POSITIVE));
        found.push((format!("recall of {class}"), widen(recall, slopes.collect())));
        let called = predicted.iter().filter(|is| **is).count().max(1) as f64;
        let slopes = predicted.iter().map(|is| f64::from(u8::from(*is)) / called);
        let precision = unlabelled::precision(&positive, &predicted, CONFIDENCE);
        found.push((format!("precision of {class}"), widen(precision, slopes.collect())));
    }
    if joined.len() >= LEAST {
        found.push(("accuracy".to_owned(), powered(scale, &scored, joined)));
    }
    let value = |(name, estimate): (String, remuda_stats::Result<Estimate>)| {
        let estimate = estimate.ok()?;
        Some(MetricValue {
            name,
            value: Some(estimate.value),
            lower: Some(estimate.lower),
            upper: Some(estimate.upper),
            confidence: CONFIDENCE,
            n: estimate.n,
            split: "expected".to_owned(),
            method: estimate.method,
        })
    };
    found.into_iter().filter_map(value).collect()
}

/// The accuracy over all predictions, from those whose outcome is known and the scores of the others. Right if outcomes
/// come for rows like the others; then however bad the scores are.
fn powered(scale: &Scale<'_>, scored: &[&PredictionRecord], joined: &[Joined]) -> remuda_stats::Result<Estimate> {
    let known: HashSet<&str> = joined.iter().map(|row| row.prediction.as_str()).collect();
    let rest: Vec<f64> = scored
        .iter()
        .filter(|record| !known.contains(record.id.as_str()))
        .map(|record| scale.right(&record.label, record.score))
        .collect();
    let labelled: Vec<&Joined> = joined.iter().filter(|row| row.score.is_finite()).collect();
    let right: Vec<f64> = labelled.iter().map(|row| f64::from(u8::from(row.outcome == row.label))).collect();
    let promised: Vec<f64> = labelled.iter().map(|row| scale.right(&row.label, row.score)).collect();
    let lambda = prediction_powered::best_lambda(&right, &promised, &rest)?;
    prediction_powered::mean(&right, &promised, &rest, lambda, CONFIDENCE)
}
