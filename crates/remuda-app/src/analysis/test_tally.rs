//! What the cases of behavioural tests are worth: pass rates with bounds, the matrix of capabilities.
//!
//! Cases made of the same base row, or filled into the same template, pass and fail together more often than not. So
//! base rows and templates are the units of independence, and the bounds speak of other rows and templates like these.

use super::test_answer::{CapabilityRow, MatrixCell, PassRate, TestResult};
use remuda_model::behaviour::TestType;
use remuda_stats::{Estimate, cluster};
use std::collections::BTreeMap;

/// One-sided confidence of the bounds that are shown.
const CONFIDENCE: f64 = 0.95;

/// Cases by unit.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tally(BTreeMap<String, (f64, f64)>);

/// A test's result and its cases by unit.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// The result.
    pub(crate) result: TestResult,
    /// Its cases.
    pub(crate) tally: Tally,
}

impl Tally {
    /// One more case.
    pub(crate) fn add(&mut self, unit: &str, passes: bool) {
        let (hits, cases) = self.0.entry(unit.to_owned()).or_default();
        *hits += f64::from(u8::from(passes));
        *cases += 1.0;
    }

    /// The cases of several tests; a unit that they share is one.
    pub(crate) fn of_all<'a>(outcomes: impl IntoIterator<Item = &'a Outcome>) -> Self {
        let mut all = Tally::default();
        for (unit, (hits, cases)) in outcomes.into_iter().flat_map(|outcome| &outcome.tally.0) {
            let (all_hits, all_cases) = all.0.entry(unit.clone()).or_default();
            *all_hits += hits;
            *all_cases += cases;
        }
        all
    }

    /// How many cases.
    pub(crate) fn cases(&self) -> u64 {
        self.0.values().map(|(_, cases)| *cases as u64).sum()
    }

    /// How many of them fail.
    pub(crate) fn failures(&self) -> u64 {
        self.0.values().map(|(hits, cases)| (cases - hits) as u64).sum()
    }

    /// The pass rate with its bounds.
    pub(crate) fn estimate(&self, confidence: f64) -> remuda_stats::Result<Estimate> {
        let (hits, cases): (Vec<f64>, Vec<f64>) = self.0.values().copied().unzip();
        let estimate = cluster::rate_of_any(&hits, &cases, confidence)?;
        let method = estimate.method.replace("over clusters", "over base rows and templates");
        Ok(Estimate { method, ..estimate })
    }

    /// The same for an answer.
    pub(crate) fn rate(&self) -> PassRate {
        let estimate = self.estimate(CONFIDENCE).ok();
        PassRate {
            cases: self.cases(),
            failures: self.failures(),
            units: self.0.len() as u64,
            value: estimate.as_ref().map(|estimate| estimate.value),
            lower: estimate.as_ref().map(|estimate| estimate.lower),
            upper: estimate.as_ref().map(|estimate| estimate.upper),
            confidence: CONFIDENCE,
            method: estimate.map(|estimate| estimate.method).unwrap_or_default(),
        }
    }
}

/// Results by capability, in the order in which the files name them, and type.
pub(crate) fn matrix(outcomes: &[Outcome]) -> Vec<CapabilityRow> {
    let mut capabilities: Vec<&str> = Vec::new();
    for outcome in outcomes {
        if !capabilities.contains(&outcome.result.capability.as_str()) {
            capabilities.push(&outcome.result.capability);
        }
    }
    let cell = |capability: &str, kind: TestType| -> Option<MatrixCell> {
        let of = |outcome: &&Outcome| outcome.result.capability == capability && outcome.result.kind == kind;
        let own: Vec<&Outcome> = outcomes.iter().filter(of).collect();
        if own.is_empty() {
            return None;
        }
        Some(MatrixCell {
            kind,
            tests: own.len() as u64,
            passing: own.iter().filter(|outcome| outcome.result.passed).count() as u64,
            rate: Tally::of_all(own).rate(),
        })
    };
    let row = |capability: &str| CapabilityRow {
        capability: capability.to_owned(),
        cells: TestType::ALL.into_iter().filter_map(|kind| cell(capability, kind)).collect(),
    };
    capabilities.into_iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_fills_of_one_template_weigh_no_more_than_one_row() {
        let mut tally = Tally::default();
        (0..10).for_each(|_| tally.add("template a", true));
        let rate = tally.rate();
        assert_eq!((rate.cases, rate.failures, rate.units, rate.value), (10, 0, 1, Some(1.0)));
        // Clopper and Pearson's lower bound of one success in one trial is the risk itself.
        assert!(rate.lower.is_some_and(|lower| (lower - 0.05).abs() < 1e-12), "{rate:?}");
    }

    #[test]
    fn no_case_has_no_rate() {
        let rate = Tally::default().rate();
        assert_eq!((rate.cases, rate.value, rate.lower, rate.upper), (0, None, None, None));
    }
}
