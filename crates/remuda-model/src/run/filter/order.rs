//! The order of runs: `metrics.auc DESC`.

use super::Key;
use super::read::{FilterError, Kind, key, words};

/// What runs are ordered by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderBy {
    /// What of a run.
    pub key: Key,
    /// The greatest first. Runs without it come last either way.
    pub descending: bool,
}

/// Reads one clause of an order.
///
/// ```
/// let order = remuda_model::run::filter::order_by("metrics.`val auc` DESC")?;
/// assert!(order.descending);
/// # Ok::<(), remuda_model::run::filter::FilterError>(())
/// ```
///
/// # Errors
/// A word that is not understood.
pub fn order_by(text: &str) -> Result<OrderBy, FilterError> {
    let words = words(text)?;
    let wrong = |span: std::ops::Range<usize>, message: &str| FilterError {
        message: message.to_owned(),
        span,
        hint: "write a key and ASC or DESC: metrics.auc DESC".to_owned(),
    };
    let (first, rest) = words.split_first().ok_or_else(|| wrong(0..text.len(), "nothing says what to order by"))?;
    let Kind::Name(name) = &first.kind else { return Err(wrong(first.span.clone(), "this is nothing that a run has")) };
    let key = key(name, &first.span)?;
    let descending = match rest {
        [] => false,
        [word] => match &word.kind {
            Kind::Name(way) if way.eq_ignore_ascii_case("asc") => false,
            Kind::Name(way) if way.eq_ignore_ascii_case("desc") => true,
            _ => return Err(wrong(word.span.clone(), "the order is ASC or DESC")),
        },
        [_, further, ..] => return Err(wrong(further.span.clone(), "one clause orders by one key")),
    };
    Ok(OrderBy { key, descending })
}
