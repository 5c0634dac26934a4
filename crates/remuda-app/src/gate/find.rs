//! Measuring what a criterion claims: the estimate, what it is held against, and what deciding would cost.

use super::compare::difference;
use super::decide::{Bench, side_of};
use super::groups;
use super::measure::measure;
use super::price::{price_of, price_of_difference, price_of_rate, scaled_price};
use super::rate::Rate;
use super::sample::Sample;
use super::units::Units;
use remuda_model::gate::criterion::{Bound, Change, Claim, Comparison, MetricOf, Quantity, Reference};
use remuda_model::gate::{Price, Reason, Verdict, VerdictKind};
use remuda_model::requirement::StatedCriterion;
use remuda_stats::{Estimate, cluster, mean, proportion, quantile};

/// A price that buys a smaller chance than this is none.
const LEAST_CHANCE: f64 = 0.65;

/// A result, or why there is none.
type Measured<T> = std::result::Result<T, String>;

/// The rows that a criterion, or one slice of it, is decided on.
pub(super) struct Cut<'a> {
    /// Places in the sample.
    pub(super) places: &'a [usize],
    /// What a quantile is of, per row of the table.
    pub(super) values: Option<&'a [f64]>,
    /// Which slice of a `for each`.
    pub(super) slice: Option<&'a str>,
}

/// An estimate, what it is held against, and what deciding would cost.
pub(super) struct Found {
    pub(super) estimate: Estimate,
    pub(super) threshold: f64,
    pub(super) price: Option<Price>,
}

/// What a criterion claims of some rows.
pub(super) struct Claimed<'a> {
    stated: &'a StatedCriterion,
    bench: &'a Bench<'a>,
    cut: &'a Cut<'a>,
    quantity: &'a Quantity,
    comparison: Comparison,
    bound: &'a Bound,
    confidence: f64,
    /// The units of `by`.
    units: Option<Units>,
}

impl<'a> Claimed<'a> {
    /// Finds the rows' units.
    pub(super) fn new(stated: &'a StatedCriterion, bench: &'a Bench<'a>, cut: &'a Cut<'a>) -> Measured<Self> {
        let criterion = &stated.criterion;
        let Claim::Holds { quantity, comparison, bound } = &criterion.claim else {
            return Err("behavioural tests were not run".to_owned());
        };
        let rows = cut.places.iter().map(|place| bench.kept[*place]);
        let units = criterion.by.as_ref().map(|column| Ok::<_, String>(Units::new(&bench.column(column)?, rows)));
        let (units, confidence) = (units.transpose()?, bench.confidence(criterion));
        Ok(Self { stated, bench, cut, quantity, comparison: *comparison, bound, confidence, units })
    }

    /// Measures it.
    pub(super) fn find(&self) -> Measured<Found> {
        if let (Quantity::Metric(metric), Bound::Reference { reference, change }) = (self.quantity, self.bound) {
            return self.relative(metric, reference, *change);
        }
        let threshold = self.bound.threshold().ok_or("the bound is no number")?;
        let at = |estimate| self.at(estimate, threshold);
        let found = match self.quantity {
            Quantity::Metric(metric) => self.metric(metric, threshold),
            Quantity::Gap { metric, column } => self.groups(metric, column, false).map(at),
            Quantity::Ratio { metric, column } => self.groups(metric, column, true).map(at),
            Quantity::Quantile { percent, .. } => self.quantile(*percent).map(at),
            Quantity::MeanCost { file } => self.cost(file).map(at),
            Quantity::ChangedDecisions { against } => self.changed(against, threshold),
            Quantity::PassRate { name } => Err(format!("behavioural tests of `{name}` were not run")),
        }?;
        Ok(self.sensible(found))
    }

    /// Without prices that nobody could pay: for a value that the quantity cannot have, or for a chance that no number of
    /// labels brought near to the one asked for. Whatever is undecided needs at least one more.
    fn sensible(&self, mut found: Found) -> Found {
        let (least, greatest) = self.quantity.range();
        if let Some(price) = &mut found.price {
            price.cases.retain(|case| (least..=greatest).contains(&case.assumed) && case.chance >= LEAST_CHANCE);
            price.cases.iter_mut().for_each(|case| case.more = case.more.map(|more| more.max(1)));
        }
        found.price = found.price.filter(|price| !price.cases.is_empty() && !self.bench.schedule.ends_here());
        found
    }

    fn by(&self) -> Option<&str> {
        self.stated.criterion.by.as_deref()
    }

    fn wants_more(&self) -> bool {
        self.comparison.wants_more()
    }

    fn pick(&self, sample: &Sample) -> Sample {
        let whole = self.cut.places.len() == self.bench.kept.len();
        if whole { sample.clone() } else { sample.take(self.cut.places) }
    }

    fn only_rows(&self, what: &str) -> Measured<()> {
        match self.by() {
            Some(column) => Err(format!("{what} is not decided `by {column}`")),
            None => Ok(()),
        }
    }

    /// An estimate whose price grows with the square of what its bounds must shrink by.
    fn at(&self, estimate: Estimate, threshold: f64) -> Found {
        let price = scaled_price(&estimate, self.wants_more(), threshold, self.by());
        Found { estimate, threshold, price }
    }

    fn metric(&self, metric: &MetricOf, threshold: f64) -> Measured<Found> {
        let (bench, criterion) = (self.bench, &self.stated.criterion);
        let (sample, wants_more) = (self.pick(bench.sample), self.wants_more());
        let part = (self.stated.text.as_str(), self.cut.slice);
        let planned = match (&self.units, &sample) {
            (None, Sample::Classes(classes)) => {
                Rate::of(metric, classes).map_err(|why| why.to_string())?.and_then(|rate| {
                    let risk = bench.risk(criterion);
                    bench.schedule.rate(part, (rate.hits(), rate.rows()), threshold, risk, wants_more)
                })
            }
            _ => None,
        };
        let estimate = match planned {
            Some(found) => found.map_err(|why| why.to_string())?,
            None => measure(metric, &sample, self.units.as_ref(), self.confidence).map_err(|why| why.to_string())?,
        };
        let price = match &self.units {
            // A price by simulation takes its time, and only what is open has one.
            _ if side_of(&estimate, threshold, self.comparison) != VerdictKind::Undecided => None,
            Some(_) => scaled_price(&estimate, wants_more, threshold, self.by()),
            None => {
                // A plan's risk is nearly whole at its end, which is what more labels lead to.
                let at_end = Estimate { confidence: 1.0 - bench.risk(criterion), ..estimate.clone() };
                price_of(metric, &sample, &at_end, wants_more, threshold)
            }
        };
        Ok(Found { estimate, threshold, price })
    }

    fn groups(&self, metric: &MetricOf, column: &str, ratio: bool) -> Measured<Estimate> {
        self.only_rows("a comparison of groups")?;
        let texts = self.bench.column(column)?;
        let codes = self.cut.places.iter().map(|place| texts.codes[self.bench.kept[*place]]);
        let samples = groups::split(self.bench.sample, self.cut.places, codes, texts.dictionary.len());
        groups::estimate(metric, &samples, ratio, self.confidence).map_err(|why| why.to_string())
    }

    fn quantile(&self, percent: f64) -> Measured<Estimate> {
        self.only_rows("a quantile")?;
        let values = self.cut.values.ok_or("nothing was measured")?;
        let of_place = |place: &usize| values[self.bench.kept[*place]];
        let values: Vec<f64> = self.cut.places.iter().map(of_place).filter(|value| !value.is_nan()).collect();
        quantile::estimate(&values, percent / 100.0, self.confidence).map_err(|why| why.to_string())
    }

    fn cost(&self, file: &str) -> Measured<Estimate> {
        let costs = self.bench.costs.get(file).ok_or_else(|| format!("there is no file `{file}`"))?;
        let losses = costs.of(&self.pick(self.bench.sample))?;
        let estimate = match &self.units {
            Some(units) => cluster::estimate(&units.sums(losses), &units.rows(), self.confidence),
            None => mean::between(&losses, costs.range(self.bench.sample)?, self.confidence),
        };
        estimate.map_err(|why| why.to_string())
    }

    fn changed(&self, against: &Reference, threshold: f64) -> Measured<Found> {
        let changed = self.bench.sample.changed(self.bench.reference(against)?)?;
        let rows = self.cut.places.len() as u64;
        let changed: Vec<f64> = self.cut.places.iter().map(|place| f64::from(u8::from(changed[*place]))).collect();
        let hits = changed.iter().sum::<f64>() as u64;
        let estimate = match &self.units {
            Some(units) => cluster::rate(&units.sums(changed), &units.rows(), self.confidence),
            None => proportion::rate(hits, rows, self.confidence),
        };
        let estimate = estimate.map_err(|why| why.to_string())?;
        let price = match self.by() {
            Some(by) => scaled_price(&estimate, self.wants_more(), threshold, Some(by)),
            None => price_of_rate(hits, rows, self.wants_more(), threshold, self.confidence),
        };
        Ok(Found { estimate, threshold, price })
    }

    /// New against old on the same rows: `new >= old + d` is held as `new - old >= d`, `new >= k old` as
    /// `new - k old >= 0`.
    fn relative(&self, metric: &MetricOf, reference: &Reference, change: Change) -> Measured<Found> {
        let (new, old) = (self.pick(self.bench.sample), self.pick(self.bench.reference(reference)?));
        if !matches!(change, Change::Times(_)) && (self.bench.itself.contains(reference) || new.is_same_model(&old)) {
            return Ok(Found::of_itself(change, new.rows(), self.confidence));
        }
        let (scale, threshold) = match change {
            Change::Times(factor) => (factor, 0.0),
            added => (1.0, added_by(added)),
        };
        let found = difference(metric, (&new, &old), self.units.as_ref(), scale, self.confidence);
        let (estimate, disagreement) = found.map_err(|why| why.to_string())?;
        let price = match self.by() {
            Some(by) => scaled_price(&estimate, self.wants_more(), threshold, Some(by)),
            None => price_of_difference(disagreement, &estimate, self.wants_more(), threshold),
        };
        Ok(Found { estimate, threshold, price })
    }
}

/// What is added to the reference's value.
fn added_by(change: Change) -> f64 {
    match change {
        Change::Add(by) => by,
        Change::AddPoints(points) => points / 100.0,
        Change::None | Change::Times(_) => 0.0,
    }
}

impl Found {
    /// A model held against itself differs from itself by nothing: no sample is needed to know that.
    fn of_itself(change: Change, rows: usize, confidence: f64) -> Self {
        let threshold = added_by(change);
        let estimate = Estimate {
            value: 0.0,
            lower: 0.0,
            upper: 0.0,
            confidence,
            n: rows as u64,
            method: "the same model: no difference".to_owned(),
        };
        Found { estimate, threshold, price: None }
    }

    /// Which side of the threshold the bounds lie on.
    pub(super) fn verdict(self, base: Verdict, comparison: Comparison) -> Verdict {
        let Found { estimate, threshold, price } = self;
        let kind = side_of(&estimate, threshold, comparison);
        let undecided = kind == VerdictKind::Undecided;
        Verdict {
            kind,
            reason: if undecided { Some(Reason::TooFewLabels) } else { None },
            estimate: Some(estimate.value),
            lower: Some(estimate.lower),
            upper: Some(estimate.upper),
            threshold,
            n: estimate.n,
            confidence: estimate.confidence,
            method: estimate.method,
            price: if undecided { price } else { None },
            ..base
        }
    }
}
