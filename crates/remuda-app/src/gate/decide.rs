//! Deciding one criterion on a sample: which rows, which quantity, which side of the threshold the bounds lie on.

use super::compare::difference;
use super::groups;
use super::measure::measure;
use super::price::{price_of, price_of_difference, price_of_rate, scaled_price};
use super::rate::Rate;
use super::sample::Sample;
use super::schedule::Schedule;
use super::tested::{self, Tested};
use super::units::Units;
use crate::error::{Error, Result};
use remuda_data::Rows;
use remuda_model::gate::criterion::{Bound, Change, Claim, Comparison, MetricOf, Quantity, Reference};
use remuda_model::gate::{Criterion, Price, Reason, Verdict, VerdictKind};
use remuda_model::requirement::StatedCriterion;
use remuda_model::table::{MISSING, Texts};
use remuda_stats::{Estimate, mean, proportion, quantile};
use std::collections::BTreeMap;

/// Looks early in a plan have next to no risk to spend; below this their bounds could not be computed.
pub(super) const LEAST_RISK: f64 = 1e-12;

/// What criteria are decided on.
#[derive(Clone, Copy)]
pub(super) struct Bench<'a> {
    /// The evaluation table: holdout rows with prediction columns.
    pub(super) rows: &'a Rows,
    /// The places of labelled rows among them: the sample's rows.
    pub(super) kept: &'a [usize],
    /// Truth and the candidate's predictions.
    pub(super) sample: &'a Sample,
    /// The models that criteria refer to, on the same rows.
    pub(super) references: &'a [(Reference, Sample)],
    /// What behavioural tests did, by file.
    pub(super) tests: &'a Tested,
    /// Cost tables by the name that criteria give them.
    pub(super) costs: &'a BTreeMap<String, super::costs::Costs>,
    /// Those of them that are the candidate itself.
    pub(super) itself: &'a [Reference],
    /// The submissions that share one risk.
    pub(super) looks: u32,
    /// The looks of this submission.
    pub(super) schedule: &'a Schedule,
}

impl Bench<'_> {
    /// The one-sided risk of one submission: the criterion's, shared by all submissions (union bound).
    fn risk(&self, criterion: &Criterion) -> f64 {
        (1.0 - criterion.confidence_or_default()) / f64::from(self.looks.max(1))
    }

    /// The one-sided confidence at which this look of it decides.
    fn confidence(&self, criterion: &Criterion) -> f64 {
        1.0 - self.schedule.risk(self.risk(criterion)).max(LEAST_RISK)
    }

    fn positive(&self) -> Option<&str> {
        match self.sample {
            Sample::Classes(sample) => sample.positive.map(|place| sample.classes[place].as_str()),
            Sample::Numbers { .. } => None,
        }
    }

    fn reference(&self, wanted: &Reference) -> std::result::Result<&Sample, String> {
        let found = self.references.iter().find(|(known, _)| known == wanted);
        found.map(|(_, sample)| sample).ok_or_else(|| format!("there is no {} yet", wanted.name()))
    }

    /// A column of the evaluation table, for a criterion that cuts by it.
    fn column(&self, name: &str) -> std::result::Result<Texts, String> {
        self.rows.text(name).map_err(|error| error.to_string())
    }
}

/// Decides a criterion: one verdict, or one per slice of a `for each`.
pub(super) async fn decide(stated: &StatedCriterion, bench: &Bench<'_>) -> Result<Vec<Verdict>> {
    if let Some(name) = tested::tests_of(&stated.criterion.claim) {
        let verdict = tested::decide_tests(stated, bench, name);
        return Ok(vec![Verdict { words: words(stated, bench), ..verdict }]);
    }
    if bench.schedule.is_over() {
        return Ok(vec![Verdict { words: words(stated, bench), ..undecided(stated, Reason::NoBudget) }]);
    }
    let mut places: Vec<usize> = (0..bench.kept.len()).collect();
    if let Some(predicate) = &stated.criterion.filter {
        let matching = bench.rows.matching(predicate).await.map_err(|error| {
            Error::new("gate.not_ready", format!("`where {predicate}` cannot be used")).caused_by(&error)
        })?;
        places.retain(|place| matching[bench.kept[*place]]);
    }
    let values = match &stated.criterion.claim {
        Claim::Holds { quantity: Quantity::Quantile { expression, .. }, .. } => {
            Some(bench.rows.evaluate(expression).await.map_err(|error| {
                Error::new("gate.not_ready", format!("`{expression}` cannot be measured")).caused_by(&error)
            })?)
        }
        _ => None,
    };
    let Some(each) = &stated.criterion.each else {
        let cut = Cut { places: &places, values: values.as_deref(), slice: None };
        return Ok(vec![decide_rows(stated, bench, &cut)]);
    };
    let texts = bench.rows.text(&each.column)?;
    let mut slices: Vec<Vec<usize>> = vec![Vec::new(); texts.dictionary.len()];
    for place in places {
        if texts.codes[bench.kept[place]] != MISSING {
            slices[texts.codes[bench.kept[place]] as usize].push(place);
        }
    }
    let least = each.at_least.unwrap_or(1).max(1) as usize;
    let mut verdicts = Vec::new();
    // By name: the dictionary has them in the order in which rows came.
    let mut named: Vec<(&str, &Vec<usize>)> = texts.dictionary.iter().map(AsRef::as_ref).zip(&slices).collect();
    named.sort_unstable_by_key(|(value, _)| *value);
    for (value, slice) in named {
        if slice.len() >= least {
            let name = format!("{} = {value}", each.column);
            let cut = Cut { places: slice, values: values.as_deref(), slice: Some(&name) };
            let verdict = decide_rows(stated, bench, &cut);
            verdicts.push(Verdict { slice: Some(name), ..verdict });
        }
    }
    if verdicts.is_empty() {
        let missing = format!("no value of {} has enough rows", each.column);
        verdicts.push(Verdict { words: words(stated, bench), ..undecided(stated, Reason::DataMissing(missing)) });
    }
    Ok(verdicts)
}

fn words(stated: &StatedCriterion, bench: &Bench<'_>) -> String {
    remuda_model::gate::words(&stated.criterion, bench.positive())
}

/// A verdict for want of something.
pub(super) fn undecided(stated: &StatedCriterion, reason: Reason) -> Verdict {
    let (threshold, wants_more) = match &stated.criterion.claim {
        Claim::Holds { bound, comparison, .. } => (bound.threshold().unwrap_or(0.0), comparison.wants_more()),
        Claim::EveryTest { .. } => (1.0, true),
    };
    Verdict {
        criterion: stated.text.clone(),
        words: remuda_model::gate::words(&stated.criterion, None),
        slice: None,
        kind: VerdictKind::Undecided,
        reason: Some(reason),
        estimate: None,
        lower: None,
        upper: None,
        threshold,
        wants_more,
        confidence: stated.criterion.confidence_or_default(),
        n: 0,
        method: String::new(),
        price: None,
        waiver: None,
    }
}

/// The rows that a criterion, or one slice of it, is decided on.
struct Cut<'a> {
    /// Places in the sample.
    places: &'a [usize],
    /// What a quantile is of, per row of the table.
    values: Option<&'a [f64]>,
    /// Which slice of a `for each`.
    slice: Option<&'a str>,
}

fn decide_rows(stated: &StatedCriterion, bench: &Bench<'_>, cut: &Cut<'_>) -> Verdict {
    let base = |reason| Verdict { words: words(stated, bench), ..undecided(stated, reason) };
    let Claim::Holds { comparison, .. } = &stated.criterion.claim else {
        return base(Reason::DataMissing("behavioural tests were not run".to_owned()));
    };
    if cut.places.is_empty() {
        return base(Reason::DataMissing("no row is selected".to_owned()));
    }
    match find(stated, bench, cut) {
        Err(why) => base(Reason::DataMissing(why)),
        Ok(found) => found.verdict(base(Reason::TooFewLabels), *comparison),
    }
}

/// An estimate, what it is held against, and what deciding would cost.
pub(super) struct Found {
    pub(super) estimate: Estimate,
    pub(super) threshold: f64,
    pub(super) price: Option<Price>,
}

/// Measures what a criterion claims on these rows.
fn find(stated: &StatedCriterion, bench: &Bench<'_>, cut: &Cut<'_>) -> std::result::Result<Found, String> {
    let Cut { places, values, slice } = *cut;
    let criterion = &stated.criterion;
    let Claim::Holds { quantity, comparison, bound } = &criterion.claim else {
        return Err("behavioural tests were not run".to_owned());
    };
    let confidence = bench.confidence(criterion);
    let wants_more = comparison.wants_more();
    let by = criterion.by.as_deref();
    let units = match &criterion.by {
        Some(column) => Some(Units::new(&bench.column(column)?, places.iter().map(|place| bench.kept[*place]))),
        None => None,
    };
    let whole = places.len() == bench.kept.len();
    let pick = |sample: &Sample| if whole { sample.clone() } else { sample.take(places) };
    if let (Quantity::Metric(metric), Bound::Reference { reference, change }) = (quantity, bound) {
        let (new, old) = (pick(bench.sample), pick(bench.reference(reference)?));
        if !matches!(change, Change::Times(_)) && (bench.itself.contains(reference) || new.is_same_model(&old)) {
            return Ok(Found::of_itself(*change, new.rows(), confidence));
        }
        return relative(metric, (&new, &old), (units.as_ref(), by), *change, wants_more, confidence);
    }
    let threshold = bound.threshold().ok_or("the bound is no number")?;
    let only_rows = |what: &str| match &criterion.by {
        Some(column) => Err(format!("{what} is not decided `by {column}`")),
        None => Ok(()),
    };
    let plain = |estimate: Estimate| {
        let price = scaled_price(&estimate, wants_more, threshold, by);
        Found { estimate, threshold, price }
    };
    match quantity {
        Quantity::Metric(metric) => {
            let sample = pick(bench.sample);
            let part = (stated.text.as_str(), slice);
            let planned = match (&units, &sample) {
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
                None => measure(metric, &sample, units.as_ref(), confidence).map_err(|why| why.to_string())?,
            };
            let price = match &units {
                // A price by simulation takes its time, and only what is open has one.
                _ if side_of(&estimate, threshold, *comparison) != VerdictKind::Undecided => None,
                Some(_) => scaled_price(&estimate, wants_more, threshold, by),
                None => {
                    // A plan's risk is nearly whole at its end, which is what more labels lead to.
                    let at_end = Estimate { confidence: 1.0 - bench.risk(criterion), ..estimate.clone() };
                    price_of(metric, &sample, &at_end, wants_more, threshold)
                }
            };
            Ok(Found { estimate, threshold, price })
        }
        Quantity::Gap { metric, column } | Quantity::Ratio { metric, column } => {
            only_rows("a comparison of groups")?;
            let texts = bench.column(column)?;
            let codes = places.iter().map(|place| texts.codes[bench.kept[*place]]);
            let samples = groups::split(bench.sample, places, codes, texts.dictionary.len());
            let ratio = matches!(quantity, Quantity::Ratio { .. });
            groups::estimate(metric, &samples, ratio, confidence).map(plain).map_err(|why| why.to_string())
        }
        Quantity::Quantile { percent, .. } => {
            only_rows("a quantile")?;
            let values = values.ok_or("nothing was measured")?;
            let values: Vec<f64> =
                places.iter().map(|place| values[bench.kept[*place]]).filter(|v| !v.is_nan()).collect();
            quantile::estimate(&values, percent / 100.0, confidence).map(plain).map_err(|why| why.to_string())
        }
        Quantity::MeanCost { file } => {
            let costs = bench.costs.get(file).ok_or_else(|| format!("there is no file `{file}`"))?;
            let losses = costs.of(&pick(bench.sample))?;
            let estimate = match &units {
                Some(units) => remuda_stats::cluster::estimate(&units.sums(losses), &units.rows(), confidence),
                None => mean::estimate(&losses, confidence),
            };
            estimate.map(plain).map_err(|why| why.to_string())
        }
        Quantity::ChangedDecisions { against } => {
            let changed = bench.sample.changed(bench.reference(against)?)?;
            let changed: Vec<f64> = places.iter().map(|place| f64::from(u8::from(changed[*place]))).collect();
            let hits = changed.iter().sum::<f64>() as u64;
            let estimate = match &units {
                Some(units) => remuda_stats::cluster::rate(&units.sums(changed), &units.rows(), confidence),
                None => proportion::rate(hits, places.len() as u64, confidence),
            };
            let estimate = estimate.map_err(|why| why.to_string())?;
            let price = match by {
                Some(_) => scaled_price(&estimate, wants_more, threshold, by),
                None => price_of_rate(hits, places.len() as u64, wants_more, threshold, confidence),
            };
            Ok(Found { estimate, threshold, price })
        }
        Quantity::PassRate { name } => Err(format!("behavioural tests of `{name}` were not run")),
    }
}

/// New against old on the same rows: `new >= old + d` is held as `new - old >= d`, `new >= k old` as `new - k old >= 0`.
fn relative(
    metric: &MetricOf,
    samples: (&Sample, &Sample),
    (units, by): (Option<&Units>, Option<&str>),
    change: Change,
    wants_more: bool,
    confidence: f64,
) -> std::result::Result<Found, String> {
    let (scale, threshold) = match change {
        Change::None => (1.0, 0.0),
        Change::Add(by) => (1.0, by),
        Change::AddPoints(points) => (1.0, points / 100.0),
        Change::Times(factor) => (factor, 0.0),
    };
    let found = difference(metric, samples, units, scale, confidence).map_err(|why| why.to_string())?;
    let (estimate, disagreement) = found;
    let price = match by {
        Some(_) => scaled_price(&estimate, wants_more, threshold, by),
        None => price_of_difference(disagreement, &estimate, wants_more, threshold),
    };
    Ok(Found { estimate, threshold, price })
}

impl Found {
    /// A model held against itself differs from itself by nothing: no sample is needed to know that.
    fn of_itself(change: Change, rows: usize, confidence: f64) -> Self {
        let threshold = match change {
            Change::Add(by) => by,
            Change::AddPoints(points) => points / 100.0,
            Change::None | Change::Times(_) => 0.0,
        };
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

/// Which side of the threshold the bounds lie on.
fn side_of(estimate: &Estimate, threshold: f64, comparison: Comparison) -> VerdictKind {
    let (met, not_met) = match comparison {
        Comparison::AtLeast => (estimate.lower >= threshold, estimate.upper < threshold),
        Comparison::MoreThan => (estimate.lower > threshold, estimate.upper <= threshold),
        Comparison::AtMost => (estimate.upper <= threshold, estimate.lower > threshold),
        Comparison::LessThan => (estimate.upper < threshold, estimate.lower >= threshold),
    };
    match (met, not_met) {
        (true, _) => VerdictKind::Met,
        (_, true) => VerdictKind::NotMet,
        _ => VerdictKind::Undecided,
    }
}
