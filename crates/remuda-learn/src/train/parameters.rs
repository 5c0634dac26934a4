//! The parameters of the learners: their names, types, ranges and defaults.

use crate::error::LearnError;
use remuda_model::run::Algorithm;
use serde_json::Value;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// The names of the parameters that a learner knows.
///
/// - `linear`: `l2` (penalty as in scikit-learn: half of it times the squared weights, against the sum of losses),
///   `max_iterations`, `max_terms` (words and pairs of words per text column)
/// - `trees`: `rounds`, `learning_rate`, `max_leaves`, `min_rows_per_leaf`, `l2`, `row_share` (rows drawn per round),
///   `patience` (rounds without gain on the inner split before stopping), `max_terms`
pub fn parameter_names(algorithm: Algorithm) -> &'static [&'static str] {
    match algorithm {
        Algorithm::Majority => &[],
        Algorithm::Linear => &["l2", "max_iterations", "max_terms"],
        Algorithm::Trees => {
            &["learning_rate", "l2", "max_leaves", "max_terms", "min_rows_per_leaf", "patience", "rounds", "row_share"]
        }
    }
}

/// Parameters as given, with the learner they are for.
#[derive(Clone, Copy)]
pub(crate) struct Parameters<'a> {
    algorithm: Algorithm,
    given: &'a BTreeMap<String, Value>,
}

impl<'a> Parameters<'a> {
    /// Refuses names that the learner does not know.
    pub(crate) fn new(algorithm: Algorithm, given: &'a BTreeMap<String, Value>) -> Result<Self, LearnError> {
        let parameters = Parameters { algorithm, given };
        match given.keys().find(|name| !parameter_names(algorithm).contains(&name.as_str())) {
            None => Ok(parameters),
            Some(name) => Err(LearnError::UnknownParameter {
                name: name.clone(),
                algorithm: algorithm.as_str(),
                known: parameters.known(),
            }),
        }
    }

    fn known(&self) -> String {
        match parameter_names(self.algorithm) {
            [] => "none".to_owned(),
            names => remuda_model::text::list(names),
        }
    }

    fn wrong(&self, name: &str, expected: String) -> LearnError {
        let found = self.given.get(name).map(ToString::to_string).unwrap_or_default();
        LearnError::IllTypedParameter { name: name.to_owned(), expected, found, known: self.known() }
    }

    /// A number in a range.
    pub(crate) fn number(&self, name: &str, default: f64, range: RangeInclusive<f64>) -> Result<f64, LearnError> {
        let Some(value) = self.given.get(name) else { return Ok(default) };
        let number = value.as_f64().filter(|number| range.contains(number));
        number.ok_or_else(|| self.wrong(name, format!("a number from {} to {}", range.start(), range.end())))
    }

    /// A whole number in a range.
    pub(crate) fn count(&self, name: &str, default: usize, range: RangeInclusive<usize>) -> Result<usize, LearnError> {
        let Some(value) = self.given.get(name) else { return Ok(default) };
        let count = value.as_u64().and_then(|count| usize::try_from(count).ok()).filter(|count| range.contains(count));
        count.ok_or_else(|| self.wrong(name, format!("a whole number from {} to {}", range.start(), range.end())))
    }
}
