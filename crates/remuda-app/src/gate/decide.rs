//! Deciding one criterion: which rows, which estimate, which side of the threshold, and the price where undecided.

use super::measure::{difference, measure, price_of, price_of_difference};
use super::sample::Sample;
use crate::error::{Error, Result};
use remuda_data::Rows;
use remuda_model::gate::criterion::{Bound, Change, Claim, Comparison, MetricOf, Quantity, Reference};
use remuda_model::gate::{Criterion, Price, Reason, Verdict, VerdictKind};
use remuda_model::requirement::StatedCriterion;
use remuda_model::table::MISSING;
use remuda_stats::Estimate;

/// What criteria are decided on.
pub(super) struct Bench<'a> {
    /// The evaluation table: holdout rows with prediction columns.
    pub(super) rows: &'a Rows,
    /// The places of labelled rows among them: the sample's rows.
    pub(super) kept: &'a [usize],
    /// Truth and the candidate's predictions.
    pub(super) sample: &'a Sample,
    /// The models that criteria refer to, on the same rows.
    pub(super) references: &'a [(Reference, Sample)],
    /// Those of them that are the candidate itself.
    pub(super) itself: &'a [Reference],
    /// The submissions that share one risk.
    pub(super) looks: u32,
}

impl Bench<'_> {
    /// The one-sided confidence at which one look decides: the criterion's risk, shared by all looks (union bound).
    fn confidence(&self, criterion: &Criterion) -> f64 {
        1.0 - (1.0 - criterion.confidence_or_default()) / f64::from(self.looks.max(1))
    }

    fn positive(&self) -> Option<&str> {
        match self.sample {
            Sample::Classes(sample) => sample.positive.map(|place| sample.classes[place].as_str()),
            Sample::Numbers { .. } => None,
        }
    }
}

/// Decides a criterion: one verdict, or one per slice of a `for each`.
pub(super) async fn decide(stated: &StatedCriterion, bench: &Bench<'_>) -> Result<Vec<Verdict>> {
    let mask = match &stated.criterion.filter {
        Some(predicate) => {
            let matching = bench.rows.matching(predicate).await.map_err(|error| {
                Error::new("gate.not_ready", format!("`where {predicate}` cannot be used")).caused_by(&error)
            })?;
            bench.kept.iter().map(|row| matching[*row]).collect()
        }
        None => vec![true; bench.kept.len()],
    };
    let Some(each) = &stated.criterion.each else {
        return Ok(vec![decide_rows(stated, bench, &mask)]);
    };
    let texts = bench.rows.text(&each.column)?;
    let mut verdicts = Vec::new();
    for (code, value) in texts.dictionary.iter().enumerate() {
        let in_slice = |(row, selected): (&usize, &bool)| {
            *selected && texts.codes[*row] != MISSING && texts.codes[*row] as usize == code
        };
        let slice: Vec<bool> = bench.kept.iter().zip(&mask).map(in_slice).collect();
        let rows = slice.iter().filter(|kept| **kept).count() as u64;
        if rows == 0 || each.at_least.is_some_and(|least| rows < least) {
            continue;
        }
        let mut verdict = decide_rows(stated, bench, &slice);
        verdict.slice = Some(format!("{} = {value}", each.column));
        verdicts.push(verdict);
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
    }
}

fn decide_rows(stated: &StatedCriterion, bench: &Bench<'_>, mask: &[bool]) -> Verdict {
    let criterion = &stated.criterion;
    let base = |reason| Verdict { words: words(stated, bench), ..undecided(stated, reason) };
    let missing = |what: String| base(Reason::DataMissing(what));
    let (quantity, comparison, bound) = match &criterion.claim {
        Claim::Holds { quantity, comparison, bound } => (quantity, *comparison, bound),
        Claim::EveryTest { name } => return missing(format!("behavioural tests of `{name}` were not run")),
    };
    if let Some(column) = &criterion.by {
        return missing(format!("rows that depend on each other (`by {column}`) are not decided yet"));
    }
    let Quantity::Metric(metric) = quantity else {
        return missing(format!("`{quantity}` is not measured yet"));
    };
    let confidence = bench.confidence(criterion);
    let sample = bench.sample.filtered(mask);
    if sample.rows() == 0 {
        return missing("no holdout row is selected".to_owned());
    }
    let found = match bound {
        Bound::Number { .. } => absolute(metric, &sample, bound, comparison, confidence),
        Bound::Reference { reference, change } => {
            let Some((_, other)) = bench.references.iter().find(|(known, _)| known == reference) else {
                return missing(format!("there is no {} yet", super::evaluate::reference_name(reference)));
            };
            let found = relative(metric, &sample, &other.filtered(mask), *change, comparison, confidence);
            if bench.itself.contains(reference) { found.map(|found| found.with_itself(*change)) } else { found }
        }
    };
    match found {
        Err(why) => missing(why),
        Ok(found) => found.verdict(base(Reason::TooFewLabels), comparison),
    }
}

/// An estimate, what it is held against, and what deciding would cost.
struct Found {
    estimate: Estimate,
    threshold: f64,
    price: Option<Price>,
}

fn absolute(
    metric: &MetricOf,
    sample: &Sample,
    bound: &Bound,
    comparison: Comparison,
    confidence: f64,
) -> std::result::Result<Found, String> {
    let threshold = bound.threshold().ok_or("the bound is no number")?;
    let estimate = measure(metric, sample, confidence).map_err(|why| why.to_string())?;
    let price = price_of(metric, sample, &estimate, comparison.wants_more(), threshold);
    Ok(Found { estimate, threshold, price })
}

/// New against old on the same rows: `new >= old + d` is held as `new - old >= d`, `new >= k old` as `new - k old >= 0`.
fn relative(
    metric: &MetricOf,
    new: &Sample,
    old: &Sample,
    change: Change,
    comparison: Comparison,
    confidence: f64,
) -> std::result::Result<Found, String> {
    let (scale, threshold) = match change {
        Change::None => (1.0, 0.0),
        Change::Add(by) => (1.0, by),
        Change::AddPoints(points) => (1.0, points / 100.0),
        Change::Times(factor) => (factor, 0.0),
    };
    let (estimate, disagreement) = difference(metric, new, old, scale, confidence).map_err(|why| why.to_string())?;
    let price = price_of_difference(disagreement, &estimate, comparison.wants_more(), threshold);
    Ok(Found { estimate, threshold, price })
}

impl Found {
    /// A model held against itself differs from itself by nothing: no sample is needed to know that.
    fn with_itself(mut self, change: Change) -> Self {
        if !matches!(change, Change::Times(_)) {
            (self.estimate.value, self.estimate.lower, self.estimate.upper) = (0.0, 0.0, 0.0);
            self.estimate.method = "the same model: no difference".to_owned();
        }
        self
    }

    /// Which side of the threshold the bounds lie on.
    fn verdict(self, base: Verdict, comparison: Comparison) -> Verdict {
        let Found { estimate, threshold, price } = self;
        let (met, not_met) = match comparison {
            Comparison::AtLeast => (estimate.lower >= threshold, estimate.upper < threshold),
            Comparison::MoreThan => (estimate.lower > threshold, estimate.upper <= threshold),
            Comparison::AtMost => (estimate.upper <= threshold, estimate.lower > threshold),
            Comparison::LessThan => (estimate.upper < threshold, estimate.lower >= threshold),
        };
        let kind = match (met, not_met) {
            (true, _) => VerdictKind::Met,
            (_, true) => VerdictKind::NotMet,
            _ => VerdictKind::Undecided,
        };
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
