//! `by COLUMN`: rows that depend on each other are taken together, one unit per value (a customer, a query).

use super::loss::{is_root, losses};
use super::measure::{ROW_REPLICATES, SEED, rooted};
use super::rate::{Measured, Rate, Unmeasured};
use super::sample::Sample;
use super::statistic::weighted;
use remuda_model::gate::criterion::{Metric, MetricOf};
use remuda_model::table::{MISSING, Texts};
use remuda_stats::{Estimate, Undefined, bootstrap, cluster, mean, ranking};

/// The unit of each row of a sample, numbered from 0 without gaps.
#[derive(Clone, Debug)]
pub(crate) struct Units {
    of_row: Vec<u32>,
    count: usize,
}

impl Units {
    /// The units of these rows; rows whose unit is missing have one of their own.
    pub(super) fn new(texts: &Texts, rows: impl IntoIterator<Item = usize>) -> Self {
        let mut place: Vec<Option<u32>> = vec![None; texts.dictionary.len()];
        let mut count = 0u32;
        let mut next = || {
            count += 1;
            count - 1
        };
        let of_row = rows
            .into_iter()
            .map(|row| match texts.codes[row] {
                MISSING => next(),
                code => *place[code as usize].get_or_insert_with(&mut next),
            })
            .collect();
        Self { of_row, count: count as usize }
    }

    /// Sums of a value over the rows of each unit.
    pub(super) fn sums(&self, values: impl IntoIterator<Item = f64>) -> Vec<f64> {
        let mut sums = vec![0.0; self.count];
        for (unit, value) in self.of_row.iter().zip(values) {
            sums[*unit as usize] += value;
        }
        sums
    }

    /// Rows of each unit.
    pub(super) fn rows(&self) -> Vec<f64> {
        self.sums(std::iter::repeat_n(1.0, self.of_row.len()))
    }

    /// The units' numbers, per row.
    pub(super) fn of_row(&self) -> &[u32] {
        &self.of_row
    }
}

/// A metric's estimate where only units are independent.
pub(super) fn measure(metric: &MetricOf, sample: &Sample, units: &Units, confidence: f64) -> Measured<Estimate> {
    if let Some(lists) = of_lists(metric.metric, sample, units)? {
        let mut estimate = mean::estimate(&lists, confidence)?;
        estimate.method = format!("{} over lists", estimate.method);
        return Ok(estimate);
    }
    if metric.metric == Metric::Ece {
        // Resampling would count its bias a second time.
        return Err(Unmeasured::DoesNotFit("ece is not decided over dependent rows: leave out `by`".to_owned()));
    }
    if let Sample::Classes(classes) = sample
        && let Some(rate) = Rate::of(metric, classes)?
    {
        let one = |flag: &bool| f64::from(u8::from(*flag));
        let rows = units.sums(rate.counted.iter().map(one));
        let hits = units.sums(rate.counted.iter().zip(&rate.hit).map(|(counted, hit)| one(&(*counted && *hit))));
        let (hits, rows): (Vec<f64>, Vec<f64>) = hits.into_iter().zip(rows).filter(|(_, rows)| *rows > 0.0).unzip();
        return Ok(cluster::rate(&hits, &rows, confidence).map_err(|reason| rate.explain(reason))?);
    }
    if let Some(losses) = losses(metric, sample)? {
        let estimate = cluster::estimate(&units.sums(losses), &units.rows(), confidence)?;
        return Ok(rooted(estimate, is_root(metric.metric)));
    }
    Ok(bootstrap::clusters(units.of_row(), weighted(metric, sample)?, ROW_REPLICATES, SEED, confidence)?)
}

/// A metric of ranked lists, one value per list: the units are the lists, relevance is the true number (or whether the
/// row is of the positive class), and the prediction ranks.
fn of_lists(metric: Metric, sample: &Sample, units: &Units) -> Measured<Option<Vec<f64>>> {
    if !matches!(metric, Metric::Ndcg(_) | Metric::Mrr | Metric::HitRate(_)) {
        return Ok(None);
    }
    let (relevance, scores) = match sample {
        Sample::Numbers { truth, predicted } => (truth.clone(), predicted.clone()),
        Sample::Classes(sample) => match sample.positive {
            Some(class) if sample.known > 0 => {
                (sample.is(class).iter().map(|is| f64::from(u8::from(*is))).collect(), sample.scores(class))
            }
            _ => return Err(Unmeasured::DoesNotFit(format!("{} needs a number per row that ranks", metric.name()))),
        },
    };
    let mut lists: Vec<(Vec<f64>, Vec<f64>)> = vec![Default::default(); units.count];
    for ((unit, relevance), score) in units.of_row.iter().zip(&relevance).zip(&scores) {
        lists[*unit as usize].0.push(*relevance);
        lists[*unit as usize].1.push(*score);
    }
    let value = |(relevance, scores): &(Vec<f64>, Vec<f64>)| match metric {
        Metric::Ndcg(k) => ranking::normalized_gain(relevance, scores, Some(k as usize)),
        Metric::Mrr => ranking::reciprocal_rank(relevance, scores, None),
        Metric::HitRate(k) => ranking::hit_at(relevance, scores, k as usize),
        _ => Err(Undefined::NoRows),
    };
    // A list without anything relevant has no best order: it is left out, as usual for these metrics.
    let values = lists.iter().map(value).filter(|value| !matches!(value, Err(Undefined::NoPositives)));
    Ok(Some(values.collect::<remuda_stats::Result<_>>()?))
}
