//! Oddities that need no more than the first pass: the sentences of one file, in one place.
//!
//! What does not live here: oddities that need the rows themselves (see `infer`).

use crate::cell::shown;
use crate::draft::Drafts;
use remuda_model::data::{ColumnType, Oddity};
use remuda_model::diagnostic::Severity;
use remuda_model::text;

/// A warning about a column.
pub(crate) fn warning(column: &str, message: impl Into<String>, advice: impl Into<String>) -> Oddity {
    Oddity {
        severity: Severity::Warning,
        column: Some(column.to_owned()),
        message: message.into(),
        advice: advice.into(),
    }
}

/// A warning about the whole table.
pub(crate) fn table_warning(message: impl Into<String>, advice: impl Into<String>) -> Oddity {
    Oddity { severity: Severity::Warning, column: None, message: message.into(), advice: advice.into() }
}

/// That duplicate rows were counted in a sample.
pub(crate) fn duplicates_estimated(rows: u64) -> Oddity {
    table_warning(
        format!("about {} repeat an earlier row; the file is too long to count them exactly", text::count(rows, "row")),
        "the count is scaled up from a sample of the rows",
    )
}

/// What the first pass noticed.
pub(crate) fn drafted(drafts: &Drafts, place_word: &str) -> Vec<Oddity> {
    let mut oddities = Vec::new();
    for draft in &drafts.columns {
        for (word, count) in &draft.words {
            let have = if *count == 1 { "has" } else { "have" };
            let what = if word == " " { "nothing but blanks".to_owned() } else { format!("`{word}`") };
            let others = match draft.kind {
                ColumnType::Integer | ColumnType::Number => ", all other values are numbers",
                ColumnType::Date | ColumnType::Timestamp => ", all other values are dates",
                ColumnType::Boolean => ", all other values are true or false",
                ColumnType::String => "",
            };
            let listed = if word == " " { "a blank field".to_owned() } else { format!("`{word}`") };
            oddities.push(warning(
                &draft.name,
                format!(
                    "{} of {} {have} {what} in `{}`{others}",
                    text::thousands(*count),
                    text::count(drafts.rows, "row"),
                    draft.name
                ),
                format!("read as missing: {listed} stands under `missing` in the contract"),
            ));
        }
        if let Some((count, line, value)) = &draft.strangers {
            oddities.push(warning(
                &draft.name,
                format!(
                    "`{}` would be numbers but for {} (first: {place_word} {line}, {})",
                    draft.name,
                    text::count(*count, "value"),
                    shown(value)
                ),
                "read as text; correct the values, or list the word under `missing` and set the type to number",
            ));
        }
        if draft.digits_kept_as_text {
            oddities.push(warning(
                &draft.name,
                format!(
                    "`{}` holds digits that a number would lose (leading zeros, a plus sign, or too many digits)",
                    draft.name
                ),
                "read as text: they look like codes",
            ));
        }
    }
    oddities
}
