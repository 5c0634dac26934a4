//! What deciding would cost, by the method that fits the metric: a range with its chance, split by slice and class.

use super::rate::{Cells, Disagreement, Rate, class_of};
use super::sample::{ClassSample, Sample};
use super::statistic::of_cells;
use remuda_model::gate::criterion::{Metric, MetricOf};
use remuda_model::gate::verdict::{Price, PriceCase};
use remuda_stats::price::Direction;
use remuda_stats::{Estimate, price};

/// What deciding would cost, by the method that fits the metric.
pub(super) fn price_of(
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
            None if metric.metric == Metric::Auc => {
                let class = class_of(metric, classes).ok()?;
                let (scores, is) = (classes.scores(class), classes.is(class));
                (price::auc(&scores, &is, estimate, direction, threshold), "rows".to_owned())
            }
            None => match of_cells(metric, classes) {
                Ok(statistic) => {
                    let (counts, width) = (classes.confusion(), classes.classes.len());
                    (price::cells(&counts, width, statistic, estimate, direction, threshold), "rows".to_owned())
                }
                Err(_) => (price::scaled(estimate, direction, threshold), "rows".to_owned()),
            },
        },
        Sample::Numbers { .. } => (price::scaled(estimate, direction, threshold), "rows".to_owned()),
    };
    Some(cases(&found.ok()?, unit))
}

/// The price of a paired comparison: rows, of which only those on which the models disagree count.
pub(super) fn price_of_difference(
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

/// The price of an estimate by the square-root law, in rows or in units of dependent rows.
pub(super) fn scaled_price(estimate: &Estimate, wants_more: bool, threshold: f64, by: Option<&str>) -> Option<Price> {
    let direction = if wants_more { Direction::AtLeast } else { Direction::AtMost };
    let unit = by.map_or_else(|| "rows".to_owned(), |column| format!("values of {column} with their rows"));
    Some(cases(&price::scaled(estimate, direction, threshold).ok()?, unit))
}

/// The price of a share of all rows.
pub(super) fn price_of_rate(hits: u64, rows: u64, wants_more: bool, threshold: f64, confidence: f64) -> Option<Price> {
    let direction = if wants_more { Direction::AtLeast } else { Direction::AtMost };
    Some(cases(&price::rate(hits, rows, direction, threshold, confidence).ok()?, "rows".to_owned()))
}
