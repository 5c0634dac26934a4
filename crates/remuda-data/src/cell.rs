//! One cell and one row on their way from a file to a typed column: raw as the file has them, typed as the contract
//! wants them, canonical bytes for hashing, and the text form that every face and every split key uses.
//!
//! What does not live here: files (see `source`) and Arrow (see `columns`).

use crate::time::{parse_date, parse_timestamp, write_date, write_timestamp};
use remuda_model::data::ColumnType;
use std::borrow::Cow;
use std::fmt::Write;
use std::ops::Range;

/// A cell as the file has it. Text files have only texts; JSON and Parquet know more.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Raw<'a> {
    Missing,
    Text(&'a str),
    Integer(i64),
    Number(f64),
    Boolean(bool),
    Date(i32),
    Timestamp(i64),
}

/// A cell of its column's type.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell<'a> {
    Missing,
    Text(Cow<'a, str>),
    Integer(i64),
    Number(f64),
    Boolean(bool),
    Date(i32),
    Timestamp(i64),
}

#[derive(Clone, Debug)]
enum Slot {
    Text(Range<usize>),
    Other(Raw<'static>),
}

/// A row as the file has it; the buffers are used again for the next row.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row {
    text: String,
    slots: Vec<Slot>,
    /// The physical line where the row starts (text files) or its number (Parquet), from 1.
    pub(crate) line: u64,
}

impl Row {
    pub(crate) fn clear(&mut self, line: u64) {
        self.text.clear();
        self.slots.clear();
        self.line = line;
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(crate) fn push_text(&mut self, text: &str) {
        let start = self.text.len();
        self.text.push_str(text);
        self.slots.push(Slot::Text(start..self.text.len()));
    }

    /// Adds to a field that is not finished yet.
    pub(crate) fn extend_open(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Where the next field will start.
    pub(crate) fn open(&self) -> usize {
        self.text.len()
    }

    /// Finishes the field that began at `start`.
    pub(crate) fn close(&mut self, start: usize) {
        self.slots.push(Slot::Text(start..self.text.len()));
    }

    /// Adds a cell; a text is copied.
    pub(crate) fn push(&mut self, raw: Raw<'_>) {
        let other = match raw {
            Raw::Text(text) => return self.push_text(text),
            Raw::Missing => Raw::Missing,
            Raw::Integer(value) => Raw::Integer(value),
            Raw::Number(value) => Raw::Number(value),
            Raw::Boolean(value) => Raw::Boolean(value),
            Raw::Date(value) => Raw::Date(value),
            Raw::Timestamp(value) => Raw::Timestamp(value),
        };
        self.slots.push(Slot::Other(other));
    }

    /// The cell at a place; missing beyond the end.
    pub(crate) fn get(&self, index: usize) -> Raw<'_> {
        match self.slots.get(index) {
            Some(Slot::Text(range)) => Raw::Text(&self.text[range.clone()]),
            Some(Slot::Other(raw)) => *raw,
            None => Raw::Missing,
        }
    }
}

/// Which words stand for a missing value, besides the empty field.
#[derive(Clone, Debug, Default)]
pub(crate) struct MissingWords {
    words: Vec<String>,
    blank: bool,
}

impl MissingWords {
    pub(crate) fn new(words: &[String]) -> Self {
        let trimmed: Vec<String> = words.iter().map(|word| word.trim().to_owned()).collect();
        Self {
            blank: trimmed.iter().any(String::is_empty),
            words: trimmed.into_iter().filter(|word| !word.is_empty()).collect(),
        }
    }

    fn contains(&self, text: &str) -> bool {
        if text.is_empty() {
            return true;
        }
        // Words are short: most values are ruled out by their length.
        if text.len() > 24 {
            return false;
        }
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return self.blank;
        }
        self.words.iter().any(|word| word == trimmed)
    }
}

/// Reads a raw cell as `kind`; `None` when it does not fit.
pub(crate) fn convert<'a>(raw: Raw<'a>, kind: ColumnType, missing: &MissingWords) -> Option<Cell<'a>> {
    match raw {
        Raw::Missing => Some(Cell::Missing),
        Raw::Number(value) if value.is_nan() => Some(Cell::Missing),
        Raw::Text(text) if missing.contains(text) => Some(Cell::Missing),
        Raw::Text(text) => convert_text(text, kind),
        other => convert_typed(other, kind),
    }
}

fn convert_text(text: &str, kind: ColumnType) -> Option<Cell<'_>> {
    if kind == ColumnType::String {
        return Some(Cell::Text(Cow::Borrowed(text)));
    }
    let text = text.trim();
    match kind {
        ColumnType::Integer => text.parse().ok().map(Cell::Integer),
        ColumnType::Number => parse_number(text).map(Cell::Number),
        ColumnType::Boolean => parse_boolean(text).map(Cell::Boolean),
        ColumnType::Date => parse_date(text).map(Cell::Date),
        ColumnType::Timestamp => parse_moment(text).map(Cell::Timestamp),
        ColumnType::String => None,
    }
}

fn convert_typed(raw: Raw<'_>, kind: ColumnType) -> Option<Cell<'_>> {
    let cell = match (kind, raw) {
        (ColumnType::Integer, Raw::Integer(value)) => Cell::Integer(value),
        (ColumnType::Integer, Raw::Number(value)) if value.fract() == 0.0 && value.abs() < 9e15 => {
            Cell::Integer(value as i64)
        }
        (ColumnType::Number, Raw::Integer(value)) => Cell::Number(value as f64),
        (ColumnType::Number, Raw::Number(value)) if value.is_finite() => Cell::Number(value),
        (ColumnType::Boolean, Raw::Boolean(value)) => Cell::Boolean(value),
        (ColumnType::Date, Raw::Date(value)) => Cell::Date(value),
        (ColumnType::Timestamp, Raw::Timestamp(value)) => Cell::Timestamp(value),
        (ColumnType::Timestamp, Raw::Date(value)) => Cell::Timestamp(i64::from(value) * 86_400_000_000),
        (ColumnType::String, raw) => {
            let mut text = String::new();
            write_raw(raw, &mut text);
            Cell::Text(Cow::Owned(text))
        }
        _ => return None,
    };
    Some(cell)
}

/// A finite decimal number; words such as `inf` are no numbers.
pub(crate) fn parse_number(text: &str) -> Option<f64> {
    let first = text.as_bytes().iter().find(|byte| !matches!(byte, b'+' | b'-'))?;
    if !(first.is_ascii_digit() || *first == b'.') {
        return None;
    }
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

pub(crate) fn parse_boolean(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// A timestamp, or a date as its midnight.
pub(crate) fn parse_moment(text: &str) -> Option<i64> {
    parse_timestamp(text).or_else(|| parse_date(text).map(|days| i64::from(days) * 86_400_000_000))
}

/// The text form of a number: the shortest that reads back the same; exponents only where people write them.
pub(crate) fn write_number(value: f64, out: &mut String) {
    let value = if value == 0.0 { 0.0 } else { value };
    let magnitude = value.abs();
    // Writing to a String cannot fail.
    let _ = if magnitude != 0.0 && !(1e-5..1e16).contains(&magnitude) {
        write!(out, "{value:e}")
    } else {
        write!(out, "{value}")
    };
}

/// The text form of a raw cell; nothing for a missing one.
pub(crate) fn write_raw(raw: Raw<'_>, out: &mut String) {
    match raw {
        Raw::Missing => {}
        Raw::Text(text) => out.push_str(text),
        Raw::Integer(value) => {
            let _ = write!(out, "{value}");
        }
        Raw::Number(value) => write_number(value, out),
        Raw::Boolean(value) => out.push_str(if value { "true" } else { "false" }),
        Raw::Date(value) => write_date(value, out),
        Raw::Timestamp(value) => write_timestamp(value, out),
    }
}

impl Cell<'_> {
    /// Appends the canonical bytes: a tag, then the value; texts with their length before them. Zero has one sign.
    pub(crate) fn write_canonical(&self, out: &mut Vec<u8>) {
        match self {
            Cell::Missing => out.push(0),
            Cell::Integer(value) => {
                out.push(1);
                out.extend_from_slice(&value.to_le_bytes());
            }
            Cell::Number(value) => {
                out.push(2);
                let value = if *value == 0.0 { 0.0 } else { *value };
                out.extend_from_slice(&value.to_bits().to_le_bytes());
            }
            Cell::Boolean(value) => out.extend_from_slice(&[3, u8::from(*value)]),
            Cell::Date(value) => {
                out.push(4);
                out.extend_from_slice(&value.to_le_bytes());
            }
            Cell::Timestamp(value) => {
                out.push(5);
                out.extend_from_slice(&value.to_le_bytes());
            }
            Cell::Text(text) => {
                out.push(6);
                out.extend_from_slice(&(text.len() as u64).to_le_bytes());
                out.extend_from_slice(text.as_bytes());
            }
        }
    }
}

/// A value short enough for a message.
pub(crate) fn shown(text: &str) -> String {
    let mut short: String = text.chars().take(40).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().count() > 40 {
        short.push('…');
    }
    format!("`{short}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_the_form_people_wrote() {
        for text in ["29.85", "-3", "0.1", "1000000", "1e300", "0"] {
            let mut back = String::new();
            write_number(parse_number(text).unwrap_or(f64::NAN), &mut back);
            assert_eq!(back, text);
        }
        for bad in ["inf", "NaN", "1,5", "", "-", "1e999", "0x10"] {
            assert_eq!(parse_number(bad), None, "{bad}");
        }
    }

    #[test]
    fn missing_words_are_compared_without_the_blanks_around_them() {
        let words = MissingWords::new(&["?".into(), " ".into()]);
        assert!(words.contains("") && words.contains(" ?") && words.contains("  "));
        assert!(!words.contains("None"));
        assert!(!MissingWords::new(&[]).contains(" "));
    }
}
