//! New against old on the same rows: `new - scale * old` of a metric.

use super::loss::{is_root, losses};
use super::measure::{REPLICATES, ROW_REPLICATES, SEED};
use super::rate::{Disagreement, Measured, Unmeasured, class_of};
use super::sample::{ClassSample, Sample};
use super::statistic::{of_cells, weighted};
use super::units::Units;
use remuda_model::gate::criterion::{Metric, MetricOf};
use remuda_stats::{Estimate, Undefined, auc, bootstrap, cluster, mean, paired};
use std::collections::BTreeMap;

/// How much better the new model is than the old one on the same rows: `new - scale * old` of the metric.
pub(super) fn difference(
    metric: &MetricOf,
    (new, old): (&Sample, &Sample),
    units: Option<&Units>,
    scale: f64,
    confidence: f64,
) -> Measured<(Estimate, Option<Disagreement>)> {
    let plain = (scale - 1.0).abs() < 1e-12;
    if let (Sample::Classes(new), Sample::Classes(old)) = (new, old)
        && new.classes != old.classes
    {
        return Err(Unmeasured::DoesNotFit("the two models know different classes".into()));
    }
    let found = match (new, old) {
        (Sample::Classes(new), Sample::Classes(old)) if plain => Disagreement::of(metric, new, old)?,
        _ => None,
    };
    if let (Some(units), Some(_), Sample::Classes(new), Sample::Classes(old)) = (units, found, new, old) {
        let (difference, rows) = Disagreement::rows(metric, new, old)?;
        return Ok((cluster::estimate(&units.sums(difference), &units.sums(rows), confidence)?, found));
    }
    if let Some(found) = found {
        let estimate = paired::difference(found.only_new, found.only_old, found.rows, confidence)?;
        return Ok((estimate, Some(found)));
    }
    // Means over rows: the difference is a mean too, of the rows' differences.
    if !is_root(metric.metric)
        && let (Some(new), Some(old)) = (losses(metric, new)?, losses(metric, old)?)
    {
        let rows = new.iter().zip(&old).map(|(new, old)| new - scale * old);
        return Ok((
            match units {
                Some(units) => cluster::estimate(&units.sums(rows), &units.rows(), confidence)?,
                None => mean::estimate(&rows.collect::<Vec<_>>(), confidence)?,
            },
            None,
        ));
    }
    if let Some(units) = units {
        let (first, second) = (weighted(metric, new)?, weighted(metric, old)?);
        let both = |weights: &[u32]| first(weights) - scale * second(weights);
        return Ok((bootstrap::clusters(units.of_row(), both, ROW_REPLICATES, SEED, confidence)?, None));
    }
    match (new, old) {
        (Sample::Classes(new), Sample::Classes(old)) if metric.metric == Metric::Auc && plain => {
            let class = class_of(metric, new)?;
            let truth = new.is(class);
            Ok((auc::paired_difference(&new.scores(class), &old.scores(class), &truth, confidence)?, None))
        }
        (Sample::Classes(first), Sample::Classes(second)) if of_cells(metric, first).is_ok() => {
            Ok((of_cell_pairs(metric, first, second, scale, confidence)?, None))
        }
        _ => {
            let (first, second) = (weighted(metric, new)?, weighted(metric, old)?);
            let old = |weights: &[u32]| scale * second(weights);
            Ok((bootstrap::paired_rows(new.rows(), first, old, ROW_REPLICATES, SEED, confidence)?, None))
        }
    }
}

/// Any metric of confusion counts, new against old: the bootstrap draws cells of (truth, new, old).
fn of_cell_pairs(
    metric: &MetricOf,
    new: &ClassSample,
    old: &ClassSample,
    scale: f64,
    confidence: f64,
) -> Measured<Estimate> {
    let width = new.classes.len();
    let statistic = of_cells(metric, new)?;
    let mut places = BTreeMap::new();
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
    let mut estimate = match bootstrap::cells(&counts, both, REPLICATES, SEED, confidence) {
        Err(Undefined::NoVariation) => return without_variation(metric, new, old, scale, confidence),
        found => found?,
    };
    estimate.method = "BCa bootstrap over paired cells".into();
    Ok(estimate)
}

/// Where no resample differs, as when both models say the same of every row: what was never seen is bounded exactly, by
/// tables of (truth and old answer) against the new answer.
fn without_variation(
    metric: &MetricOf,
    new: &ClassSample,
    old: &ClassSample,
    scale: f64,
    confidence: f64,
) -> Measured<Estimate> {
    let width = new.classes.len();
    let statistic = of_cells(metric, new)?;
    let mut counts = vec![0u64; width * width * width];
    for ((truth, first), second) in new.truth.iter().zip(&new.predicted).zip(&old.predicted) {
        counts[(*truth as usize * width + *second as usize) * width + *first as usize] += 1;
    }
    let both = move |drawn: &[f64]| {
        let (mut first, mut second) = (vec![0.0; width * width], vec![0.0; width * width]);
        for (cell, count) in drawn.iter().enumerate().filter(|(_, count)| **count > 0.0) {
            let (truth, before, now) = (cell / (width * width), cell / width % width, cell % width);
            first[truth * width + now] += count;
            second[truth * width + before] += count;
        }
        statistic(&first) - scale * statistic(&second)
    };
    Ok(bootstrap::cells_without_variation(&counts, width, both, confidence)?)
}
