//! Criteria about behavioural tests: `pass rate of tests NAME >= 0.95` and `every test of NAME passes`.
//!
//! The pass rate speaks of rows and templates like those that were written, so it comes with bounds over base rows and
//! templates. `every test` speaks of the tests as they are written: nothing is sampled, and each test is held against its
//! own pass rate. Neither reads the holdout, so the risk is not shared with other looks.

use super::decide::{Bench, undecided};
use super::find::Found;
use super::price::scaled_price;
use crate::analysis::test_run::{Subject, run_tests};
use crate::analysis::test_tally::{Outcome, Tally};
use crate::app::App;
use crate::context::Context;
use crate::error::{Error, Result};
use remuda_model::behaviour::BehaviouralTests;
use remuda_model::gate::criterion::{Bound, Claim, Quantity};
use remuda_model::gate::{Reason, Verdict, VerdictKind};
use remuda_model::requirement::{Requirement, StatedCriterion};
use remuda_model::text;
use remuda_repo::Defined;
use std::collections::BTreeMap;

/// What the tests of each file that criteria name did.
pub(super) type Tested = BTreeMap<String, Vec<Outcome>>;

/// The file of tests that a criterion is about.
pub(super) fn tests_of(claim: &Claim) -> Option<&str> {
    match claim {
        Claim::EveryTest { name } | Claim::Holds { quantity: Quantity::PassRate { name }, .. } => Some(name),
        Claim::Holds { .. } => None,
    }
}

/// The files of tests that criteria name, once each.
///
/// # Errors
/// A file that is not there.
pub(super) fn named<'a>(
    context: &'a Context,
    requirements: &[&'a Defined<Requirement>],
) -> Result<Vec<&'a Defined<BehaviouralTests>>> {
    let mut found: Vec<&Defined<BehaviouralTests>> = Vec::new();
    let criteria = requirements.iter().flat_map(|requirement| &requirement.value.criteria);
    for name in criteria.filter_map(|stated| tests_of(&stated.criterion.claim)) {
        let files = &context.definitions.tests;
        let file = files.iter().find(|file| file.value.name == name).ok_or_else(|| {
            Error::new("gate.not_ready", format!("there are no behavioural tests `{name}`"))
                .hint(format!("write them in `tests/{name}.toml`"))
        })?;
        if !found.iter().any(|known| known.path == file.path) {
            found.push(file);
        }
    }
    Ok(found)
}

/// Runs them on the candidate.
pub(super) async fn run(
    app: &App,
    context: &Context,
    subject: &Subject,
    files: &[&Defined<BehaviouralTests>],
) -> Result<Tested> {
    let mut tested = Tested::new();
    for file in files {
        let tests: Vec<_> = file.value.tests.iter().collect();
        let outcomes = run_tests(app, context, subject, &file.value, &tests).await?;
        tested.insert(file.value.name.clone(), outcomes);
    }
    Ok(tested)
}

/// Decides a criterion about the tests `name`.
pub(super) fn decide_tests(stated: &StatedCriterion, bench: &Bench<'_>, name: &str) -> Verdict {
    let missing = |why: String| undecided(stated, Reason::DataMissing(why));
    let criterion = &stated.criterion;
    if criterion.filter.is_some() || criterion.each.is_some() || criterion.by.is_some() {
        let why = "behavioural tests say themselves which rows they take: leave out `where`, `for each` and `by`";
        return missing(why.to_owned());
    }
    let Some(outcomes) = bench.tests.get(name) else {
        return missing(format!("behavioural tests of `{name}` were not run"));
    };
    match &criterion.claim {
        Claim::EveryTest { .. } => every(undecided(stated, Reason::TooFewLabels), outcomes),
        Claim::Holds { comparison, bound, .. } => {
            if let Some((test, why)) = unrun(outcomes) {
                return missing(format!("test `{test}` {why}"));
            }
            let Some(threshold) = bound.threshold().filter(|_| matches!(bound, Bound::Number { .. })) else {
                return missing("a pass rate is held against a number".to_owned());
            };
            // No holdout row is read: the criterion's own risk is not shared with other looks.
            let estimate = Tally::of_all(outcomes).estimate(criterion.confidence_or_default());
            match estimate {
                Err(why) => missing(why.to_string()),
                Ok(estimate) => {
                    let mut price = scaled_price(&estimate, comparison.wants_more(), threshold, None);
                    if let Some(price) = &mut price {
                        price.unit = "base rows or templates, with their cases".to_owned();
                    }
                    let found = Found { estimate, threshold, price };
                    found.verdict(undecided(stated, Reason::TooFewLabels), *comparison)
                }
            }
        }
    }
}

/// The first test that shows nothing, and why.
fn unrun(outcomes: &[Outcome]) -> Option<(&str, String)> {
    outcomes.iter().find_map(|outcome| {
        let result = &outcome.result;
        let why = match &result.problem {
            Some(problem) => format!("could not be run: {problem}"),
            None if result.rate.cases == 0 => "has no case".to_owned(),
            None => return None,
        };
        Some((result.name.as_str(), why))
    })
}

/// Met when every test passes, not met when one that was run does not, undecided when one shows nothing.
fn every(base: Verdict, outcomes: &[Outcome]) -> Verdict {
    let ran = |outcome: &&Outcome| outcome.result.problem.is_none() && outcome.result.rate.cases > 0;
    let failing: Vec<&str> = outcomes
        .iter()
        .filter(ran)
        .filter(|outcome| !outcome.result.passed)
        .map(|outcome| outcome.result.name.as_str())
        .collect();
    let passing = outcomes.iter().filter(|outcome| outcome.result.passed).count();
    let (kind, reason) = match unrun(outcomes) {
        _ if !failing.is_empty() => (VerdictKind::NotMet, None),
        Some((test, why)) => (VerdictKind::Undecided, Some(Reason::DataMissing(format!("test `{test}` {why}")))),
        None if outcomes.is_empty() => {
            (VerdictKind::Undecided, Some(Reason::DataMissing("the file has no test".to_owned())))
        }
        None => (VerdictKind::Met, None),
    };
    let mut method = "the tests as they are written, each by its own pass rate".to_owned();
    if !failing.is_empty() {
        let verb = if failing.len() == 1 { "fails" } else { "fail" };
        method.push_str(&format!("; {} {verb}", text::list(&failing)));
    }
    let share = passing as f64 / outcomes.len().max(1) as f64;
    let shown = (kind != VerdictKind::Undecided).then_some(share);
    Verdict { kind, reason, estimate: shown, lower: shown, upper: shown, n: outcomes.len() as u64, method, ..base }
}
