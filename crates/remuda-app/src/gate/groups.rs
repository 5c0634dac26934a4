//! A metric between groups: the gap (greatest less smallest) and the ratio (smallest over greatest).

use super::measure::{ROW_REPLICATES, SEED};
use super::rate::{Measured, Rate};
use super::sample::Sample;
use super::statistic::weighted;
use remuda_model::gate::criterion::MetricOf;
use remuda_model::table::MISSING;
use remuda_stats::difference::Count;
use remuda_stats::{Estimate, Undefined, bootstrap, fairness};

/// The rows of each group; rows whose group is missing belong to none, and groups without rows are left out.
pub(super) fn split(sample: &Sample, places: &[usize], codes: impl Iterator<Item = u32>, groups: usize) -> Vec<Sample> {
    let mut rows: Vec<Vec<usize>> = vec![Vec::new(); groups];
    for (place, code) in places.iter().zip(codes) {
        if code != MISSING {
            rows[code as usize].push(*place);
        }
    }
    rows.iter().filter(|rows| !rows.is_empty()).map(|rows| sample.take(rows)).collect()
}

/// The gap or ratio of a metric over groups: exact for rates; else each pair of groups by a bootstrap of each.
pub(super) fn estimate(metric: &MetricOf, groups: &[Sample], ratio: bool, confidence: f64) -> Measured<Estimate> {
    if groups.len() < 2 {
        return Err(Undefined::TooFewGroups { needed: 2, have: groups.len() as u64 }.into());
    }
    let mut counts = Vec::with_capacity(groups.len());
    for group in groups {
        if let Sample::Classes(classes) = group
            && let Some(rate) = Rate::of(metric, classes)?
        {
            counts.push(Count { successes: rate.hits(), n: rate.rows() });
        }
    }
    if counts.len() == groups.len() {
        let found = if ratio {
            fairness::ratio_estimate(&counts, confidence)
        } else {
            fairness::gap_estimate(&counts, confidence)
        };
        return Ok(found?);
    }
    by_bootstrap(metric, groups, ratio, confidence)
}

/// Each ordered pair of groups by a bootstrap of its rows. As in `remuda_stats::fairness`: the bound on the side where
/// every pair must hold takes the full risk, the other one shares it among the pairs.
fn by_bootstrap(metric: &MetricOf, groups: &[Sample], ratio: bool, confidence: f64) -> Measured<Estimate> {
    let statistics = groups.iter().map(|group| weighted(metric, group)).collect::<Measured<Vec<_>>>()?;
    let values: Vec<f64> =
        statistics.iter().zip(groups).map(|(statistic, group)| statistic(&vec![1; group.rows()])).collect();
    if values.iter().any(|value| !value.is_finite()) {
        return Err(Undefined::NotFinite { count: 1 }.into());
    }
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let each = 1.0 - (1.0 - confidence) / (groups.len() * (groups.len() - 1)) as f64;
    let mut found = Estimate {
        value: if ratio { least / most } else { most - least },
        lower: if ratio { 1.0 } else { 0.0 },
        upper: if ratio { 1.0 } else { 0.0 },
        confidence,
        n: groups.iter().map(|group| group.rows() as u64).sum(),
        method: "BCa bootstrap over all pairs of groups".to_owned(),
    };
    for first in 0..groups.len() {
        for second in (0..groups.len()).filter(|second| *second != first) {
            let cut = groups[first].rows();
            let compare = |weights: &[u32]| {
                let (one, other) = (statistics[first](&weights[..cut]), statistics[second](&weights[cut..]));
                if ratio { one / other } else { one - other }
            };
            let pair = |level| bootstrap::rows(cut + groups[second].rows(), compare, ROW_REPLICATES, SEED, level);
            if ratio {
                found.lower = found.lower.min(pair(confidence)?.lower);
                found.upper = found.upper.min(pair(each)?.upper);
            } else {
                found.upper = found.upper.max(pair(confidence)?.upper);
                found.lower = found.lower.max(pair(each)?.lower);
            }
        }
    }
    found.lower = found.lower.min(found.value);
    found.upper = found.upper.max(found.value);
    Ok(found)
}
