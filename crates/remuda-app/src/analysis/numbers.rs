//! Estimates as answers have them: a number with its interval, or the reason why there is none.

use super::slicing::CONFIDENCE;
use remuda_model::run::MetricValue;
use remuda_stats::{Estimate, Undefined};

/// A number of so many rows with its 95 % interval. Where the interval does not exist, the point alone with the reason.
pub(super) fn value(
    name: &str,
    split: &str,
    found: &Result<Estimate, Undefined>,
    point: Option<f64>,
    rows: usize,
) -> MetricValue {
    let (value, bounds, n, method) = match found {
        Ok(found) => (Some(found.value), Some((found.lower, found.upper)), found.n, found.method.clone()),
        Err(reason) => (point, None, rows as u64, reason.to_string()),
    };
    MetricValue {
        name: name.to_owned(),
        value,
        lower: bounds.map(|(lower, _)| lower),
        upper: bounds.map(|(_, upper)| upper),
        confidence: CONFIDENCE,
        n,
        split: split.to_owned(),
        method,
    }
}
