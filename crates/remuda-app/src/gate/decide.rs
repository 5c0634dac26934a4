//! Deciding one criterion on a sample: which rows, which quantity, which side of the threshold the bounds lie on.

use super::find::{Claimed, Cut};
use super::sample::Sample;
use super::schedule::Schedule;
use super::tested::{self, Tested};
use crate::error::{Error, Result};
use rayon::prelude::*;
use remuda_data::Rows;
use remuda_model::gate::criterion::{Claim, Comparison, Quantity, Reference};
use remuda_model::gate::{Criterion, Reason, Verdict, VerdictKind};
use remuda_model::requirement::StatedCriterion;
use remuda_model::table::{MISSING, Texts};
use remuda_stats::Estimate;
use std::collections::BTreeMap;

/// Looks early in a plan have next to no risk to spend; below this their bounds could not be computed.
pub(super) const LEAST_RISK: f64 = 1e-12;

/// Rows of a holdout that a verdict rests on at least.
const LEAST_ROWS: usize = 10;

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
    /// The part of a criterion's risk that this submission may take.
    pub(super) share: f64,
    /// Whether the rows are a holdout's: then nothing may tell of single rows.
    pub(super) holdout: bool,
    /// The looks of this submission.
    pub(super) schedule: &'a Schedule,
}

impl Bench<'_> {
    /// The one-sided risk of one submission: the criterion's, shared by all submissions (union bound).
    pub(super) fn risk(&self, criterion: &Criterion) -> f64 {
        (1.0 - criterion.confidence_or_default()) * self.share
    }

    /// The one-sided confidence at which this look of it decides.
    pub(super) fn confidence(&self, criterion: &Criterion) -> f64 {
        1.0 - self.schedule.risk(self.risk(criterion)).max(LEAST_RISK)
    }

    fn positive(&self) -> Option<&str> {
        match self.sample {
            Sample::Classes(sample) => sample.positive.map(|place| sample.classes[place].as_str()),
            Sample::Numbers { .. } => None,
        }
    }

    pub(super) fn reference(&self, wanted: &Reference) -> std::result::Result<&Sample, String> {
        let found = self.references.iter().find(|(known, _)| known == wanted);
        found.map(|(_, sample)| sample).ok_or_else(|| format!("there is no {} yet", wanted.name()))
    }

    /// A column of the evaluation table, for a criterion that cuts by it.
    pub(super) fn column(&self, name: &str) -> std::result::Result<Texts, String> {
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
        let what = format!("`where {predicate}`");
        match computed(bench, &what, bench.rows.matching(predicate).await)? {
            Ok(matching) => places.retain(|place| matching[bench.kept[*place]]),
            Err(why) => return Ok(vec![Verdict { words: words(stated, bench), ..undecided(stated, why) }]),
        }
    }
    let mut values = None;
    if let Claim::Holds { quantity: Quantity::Quantile { expression, .. }, .. } = &stated.criterion.claim {
        match computed(bench, &format!("`{expression}`"), bench.rows.evaluate(expression).await)? {
            Ok(found) => values = Some(found),
            Err(why) => return Ok(vec![Verdict { words: words(stated, bench), ..undecided(stated, why) }]),
        }
    }
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
    // By name: the dictionary has them in the order in which rows came.
    let mut named: Vec<(&str, &Vec<usize>)> = texts.dictionary.iter().map(AsRef::as_ref).zip(&slices).collect();
    named.sort_unstable_by_key(|(value, _)| *value);
    named.retain(|(_, slice)| slice.len() >= least);
    let one = |(value, slice): &(&str, &Vec<usize>)| {
        let name = format!("{} = {value}", each.column);
        let cut = Cut { places: slice, values: values.as_deref(), slice: Some(&name) };
        let verdict = decide_rows(stated, bench, &cut);
        Verdict { slice: Some(name), ..verdict }
    };
    // Resampling takes its time, and slices know nothing of each other.
    let mut verdicts: Vec<Verdict> = named.par_iter().map(one).collect();
    if verdicts.is_empty() {
        let missing = format!("no value of {} has enough rows", each.column);
        verdicts.push(Verdict { words: words(stated, bench), ..undecided(stated, Reason::DataMissing(missing)) });
    }
    Ok(verdicts)
}

/// What SQL made of the rows. Of a holdout its complaint stays unsaid, and the look is charged all the same: a complaint
/// quotes the value that it stumbled over, and even that there is one tells something.
fn computed<T>(
    bench: &Bench<'_>,
    what: &str,
    found: std::result::Result<T, remuda_data::DataError>,
) -> Result<std::result::Result<T, Reason>> {
    match found {
        Ok(found) => Ok(Ok(found)),
        Err(_) if bench.holdout => Ok(Err(Reason::DataMissing(format!("{what} cannot be computed on every row")))),
        Err(error) => Err(Error::new("gate.not_ready", format!("{what} cannot be used")).caused_by(&error)),
    }
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

/// Decides a criterion on some rows.
fn decide_rows(stated: &StatedCriterion, bench: &Bench<'_>, cut: &Cut<'_>) -> Verdict {
    let base = |reason| Verdict { words: words(stated, bench), ..undecided(stated, reason) };
    let Claim::Holds { comparison, .. } = &stated.criterion.claim else {
        return base(Reason::DataMissing("behavioural tests were not run".to_owned()));
    };
    if cut.places.is_empty() {
        return base(Reason::DataMissing("no row is selected".to_owned()));
    }
    if bench.holdout && cut.places.len() < LEAST_ROWS {
        let rows = remuda_model::text::count(cut.places.len() as u64, "row");
        let why = format!("{rows} of a holdout; on fewer than {LEAST_ROWS} a verdict would tell what single rows are");
        return base(Reason::DataMissing(why));
    }
    match Claimed::new(stated, bench, cut).and_then(|claimed| claimed.find()) {
        Err(why) => base(Reason::DataMissing(why)),
        Ok(found) => found.verdict(base(Reason::TooFewLabels), *comparison),
    }
}

/// Which side of the threshold the bounds lie on.
pub(super) fn side_of(estimate: &Estimate, threshold: f64, comparison: Comparison) -> VerdictKind {
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
