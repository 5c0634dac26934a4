//! Columns as levels to slice by, and the predicate that says in SQL which rows a level or a range of levels holds.
//!
//! Numbers and times fall into bins of about equal size whose cuts read well, categories into their values with rare
//! ones together, texts by length and by telling words. What does not live here: which levels make a slice worth
//! telling (remuda-stats), and what a loss is.

mod numbers;
mod texts;

use crate::error::DataError;
use crate::predicate::check_predicate;
use crate::rows::Rows;
use remuda_model::data::{ColumnType, FeatureKind};
use remuda_model::table::Values;

/// The code of a row that is at no level.
const NONE: u8 = u8::MAX;

/// Names that SQL reads as something else where they stand without quotes.
const WORDS_OF_SQL: [&str; 12] = [
    "true",
    "false",
    "null",
    "current_date",
    "current_time",
    "current_timestamp",
    "current_user",
    "user",
    "session_user",
    "localtime",
    "localtimestamp",
    "interval",
];

/// A column, or one word of a text column, as levels.
#[derive(Clone, Debug)]
pub struct Levels {
    /// The column that the levels are of.
    pub column: String,
    /// Per row its level; 255 where it is at none.
    pub codes: Vec<u8>,
    /// How many levels there are.
    pub levels: usize,
    /// The first so many are in an order: neighbours make a range.
    pub ordered: usize,
    terms: Terms,
}

/// What the levels stand for. Behind those named here, a last level may hold the missing values.
#[derive(Clone, Debug)]
enum Terms {
    /// Bins of the expression: below the first cut, between two, from the last one on.
    Bins { expression: String, cuts: Vec<String> },
    /// Distinct values in their order.
    Steps { expression: String, values: Vec<String> },
    /// Distinct values in no order, then perhaps all others.
    Values { expression: String, values: Vec<String>, others: bool },
    /// One level: the whole predicate.
    Whole { predicate: String },
}

/// How to make levels.
#[derive(Clone, Copy, Debug)]
pub struct Cutting<'a> {
    /// Rows that a level should hold, so that it may be a slice by itself.
    pub least_rows: usize,
    /// Per row its loss: telling words are those with great losses.
    pub losses: &'a [f64],
    /// Rows that may be used to find telling words: what is found on them is judged on the others.
    pub searched: &'a [bool],
}

impl Levels {
    /// The predicate that holds for exactly the rows at these levels.
    pub fn predicate(&self, from: u8, to: u8) -> String {
        let (from, to) = (usize::from(from), usize::from(to));
        match &self.terms {
            Terms::Whole { predicate } => predicate.clone(),
            Terms::Bins { expression, cuts } if from <= cuts.len() => {
                let low = from.checked_sub(1).map(|place| format!("{expression} >= {}", cuts[place]));
                let high = cuts.get(to).map(|cut| format!("{expression} < {cut}"));
                range(expression, low, high)
            }
            Terms::Steps { expression, values } if from < values.len() => {
                if from == to {
                    return format!("{expression} = {}", values[from]);
                }
                let low = (from > 0).then(|| format!("{expression} >= {}", values[from]));
                let high = (to + 1 < values.len()).then(|| format!("{expression} <= {}", values[to]));
                range(expression, low, high)
            }
            Terms::Values { expression, values, .. } if from < values.len() => {
                format!("{expression} = {}", values[from])
            }
            Terms::Values { expression, values, others: true } if from == values.len() => {
                format!("{expression} NOT IN ({})", values.join(", "))
            }
            Terms::Bins { expression, .. } | Terms::Steps { expression, .. } | Terms::Values { expression, .. } => {
                format!("{expression} IS NULL")
            }
        }
    }
}

/// A range with its ends; one without any holds for every value that is there.
fn range(expression: &str, low: Option<String>, high: Option<String>) -> String {
    match (low, high) {
        (Some(low), Some(high)) => format!("{low} AND {high}"),
        (Some(only), None) | (None, Some(only)) => only,
        (None, None) => format!("{expression} IS NOT NULL"),
    }
}

/// The levels of the named columns, each read as the kind says. A column that is one value throughout gives none.
///
/// # Errors
/// A column that is not there, or marks and losses of another number than rows.
pub async fn levels(
    rows: &Rows,
    columns: &[(String, FeatureKind)],
    cutting: &Cutting<'_>,
) -> Result<Vec<Levels>, DataError> {
    for found in [cutting.losses.len(), cutting.searched.len()] {
        if found != rows.len() {
            return Err(DataError::Length { column: "slices".to_owned(), expected: rows.len(), found });
        }
    }
    let types = rows.columns();
    let mut found = Vec::new();
    for (name, kind) in columns {
        let column_type = types.iter().find(|(known, _)| known == name).map(|(_, kind)| *kind);
        let expression = quoted(name, &types);
        match (rows.values(name)?, column_type) {
            (Values::Text(texts), _) if *kind == FeatureKind::Text => {
                found.extend(texts::lengths(name, &expression, &texts, cutting));
                found.extend(texts::words(rows, name, &expression, &texts, cutting).await?);
            }
            (Values::Text(texts), _) => found.extend(texts::values(name, &expression, &texts, cutting)),
            (Values::Number(numbers), column_type) => {
                let column_type = column_type.unwrap_or(ColumnType::Number);
                found.extend(numbers::levels(name, &expression, column_type, &numbers, cutting));
            }
        }
    }
    Ok(found)
}

/// A column's name as a predicate takes it: in double quotes unless it reads the same without.
pub(crate) fn quoted(name: &str, columns: &[(String, ColumnType)]) -> String {
    let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !WORDS_OF_SQL.contains(&name.to_lowercase().as_str())
        && check_predicate(&format!("{name} IS NULL"), columns).is_ok();
    if is_plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// A text as an SQL literal.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
