//! The types and missing words of an unknown file, from one pass over all of its cells.
//!
//! What does not live here: what columns are for and which rules they keep (see `infer`).

use crate::cell::{MissingWords, Raw, Row, parse_boolean, parse_number, write_raw};
use crate::cut::Layout;
use crate::error::{DataError, Finding};
use crate::source::Source;
use crate::time::{parse_date, parse_timestamp};
use remuda_model::data::ColumnType;

/// Words that people write where a value is missing, whatever the column.
const STRONG: [&str; 12] = ["?", "NA", "N/A", "n/a", "#N/A", "NULL", "null", "\\N", "(null)", "NaN", "nan", "<NA>"];
/// Words that stand for a missing value only where all other values are numbers, dates or booleans.
const WEAK: [&str; 12] =
    ["-", "--", ".", "None", "none", "NONE", "Null", "missing", "Missing", "unknown", "Unknown", "na"];

/// What is known of a column after the pass.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) name: String,
    pub(crate) kind: ColumnType,
    /// Missing words found in it, with their counts; `" "` for a blank field.
    pub(crate) words: Vec<(String, u64)>,
    /// Values that keep an otherwise numeric column from being numbers: how many, the first line, the first value.
    pub(crate) strangers: Option<(u64, u64, String)>,
    /// Digits with zeros before them, or more digits than an integer holds.
    pub(crate) digits_kept_as_text: bool,
}

/// What is known of a file after the pass.
#[derive(Clone, Debug)]
pub(crate) struct Drafts {
    pub(crate) columns: Vec<Draft>,
    pub(crate) missing: Vec<String>,
    pub(crate) rows: u64,
}

impl Drafts {
    /// The layout that keeps every column as drafted.
    pub(crate) fn layout(&self) -> Layout {
        Layout {
            columns: self.columns.iter().map(|draft| (draft.name.clone(), draft.kind)).collect(),
            places: (0..self.columns.len()).collect(),
            missing: MissingWords::new(&self.missing),
        }
    }
}

/// Reads a whole source. The words of a text label are classes, never missing values.
///
/// Errors: malformed content; a file without a row.
pub(crate) fn draft(
    source: &mut Source,
    label: Option<usize>,
    progress: &mut dyn FnMut(u64),
) -> Result<Drafts, DataError> {
    let mut trackers: Vec<Tracker> = source.columns.iter().map(|_| Tracker::default()).collect();
    let mut row = Row::default();
    let mut rows = 0u64;
    while source.next(&mut row)? {
        rows += 1;
        if rows.is_multiple_of(1024) {
            progress(source.done());
        }
        for (index, tracker) in trackers.iter_mut().enumerate() {
            tracker.add(row.get(index), source.untyped, row.line);
        }
    }
    if rows == 0 {
        let finding = Finding::file(&source.file, "the file has a header and no row", "add rows under the header");
        return Err(DataError::Content(finding));
    }
    let fixed: Vec<Option<ColumnType>> = source.columns.iter().map(|(_, kind)| *kind).collect();
    let missing = missing_words(&trackers, &fixed, label);
    let columns =
        source.columns.iter().zip(trackers).map(|((name, fixed), tracker)| tracker.finish(name, *fixed, &missing));
    Ok(Drafts { columns: columns.collect(), missing, rows })
}

/// The words that stand for a missing value in this file.
fn missing_words(trackers: &[Tracker], fixed: &[Option<ColumnType>], label: Option<usize>) -> Vec<String> {
    let mut missing: Vec<String> = Vec::new();
    let mut classes: Vec<&str> = Vec::new();
    for (index, tracker) in trackers.iter().enumerate() {
        let kind = fixed[index].unwrap_or_else(|| tracker.kind());
        let typed = kind != ColumnType::String && tracker.present > 0;
        if Some(index) == label && !typed {
            classes.extend(tracker.words.iter().map(|(word, _)| word.as_str()));
            continue;
        }
        for (word, _) in &tracker.words {
            let strong = STRONG.contains(&word.as_str()) && !(word == "NA" && tracker.is_codes());
            let is_missing = typed || strong || word == " ";
            if is_missing && !missing.contains(word) {
                missing.push(word.clone());
            }
        }
    }
    missing.retain(|word| !classes.contains(&word.as_str()));
    missing
}

/// Counts what the cells of a column could be.
#[derive(Clone, Debug, Default)]
struct Tracker {
    present: u64,
    integers: u64,
    numbers: u64,
    booleans: u64,
    dates: u64,
    timestamps: u64,
    /// Digits that are no number: zeros before them, a plus, or more than 63 bits.
    codes: u64,
    /// Two capital letters.
    letter_pairs: u64,
    words: Vec<(String, u64)>,
    stranger: Option<(u64, String)>,
}

impl Tracker {
    fn add(&mut self, raw: Raw<'_>, untyped: bool, line: u64) {
        match raw {
            Raw::Missing => return,
            Raw::Text(text) => return self.add_text(text, untyped, line),
            Raw::Integer(_) => {
                self.integers += 1;
                self.numbers += 1;
            }
            Raw::Number(value) if value.is_nan() => return,
            Raw::Number(_) => self.numbers += 1,
            Raw::Boolean(_) => self.booleans += 1,
            Raw::Date(_) => self.dates += 1,
            Raw::Timestamp(_) => self.timestamps += 1,
        }
        self.present += 1;
    }

    fn add_text(&mut self, text: &str, untyped: bool, line: u64) {
        if text.is_empty() {
            return;
        }
        let trimmed = text.trim();
        let first = trimmed.as_bytes().first().copied().unwrap_or(b' ');
        let numeric = matches!(first, b'0'..=b'9' | b'+' | b'-' | b'.');
        if trimmed.is_empty() || (trimmed.len() <= 7 && (STRONG.contains(&trimmed) || WEAK.contains(&trimmed))) {
            let word = if trimmed.is_empty() { " " } else { trimmed };
            match self.words.iter_mut().find(|(known, _)| known == word) {
                Some((_, count)) => *count += 1,
                None => self.words.push((word.to_owned(), 1)),
            }
            return;
        }
        self.present += 1;
        let is_number = numeric && untyped && self.add_numeric(trimmed);
        if is_number {
            return;
        }
        if numeric && parse_date(trimmed).is_some() {
            self.dates += 1;
        } else if numeric && parse_timestamp(trimmed).is_some() {
            self.timestamps += 1;
        } else if untyped && parse_boolean(trimmed).is_some() {
            self.booleans += 1;
        } else if trimmed.len() == 2 && trimmed.bytes().all(|byte| byte.is_ascii_uppercase()) {
            self.letter_pairs += 1;
        }
        if self.stranger.is_none() {
            let mut shown = String::new();
            write_raw(Raw::Text(trimmed.get(..trimmed.floor_char_boundary(60)).unwrap_or("")), &mut shown);
            self.stranger = Some((line, shown));
        }
    }

    /// Counts a text as a number if it is one.
    fn add_numeric(&mut self, text: &str) -> bool {
        let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
        let zeros = digits.len() > 1 && digits.starts_with('0') && digits.as_bytes()[1].is_ascii_digit();
        let whole = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        if whole {
            if zeros || text.starts_with('+') || text.parse::<i64>().is_err() {
                self.codes += 1;
            } else {
                self.integers += 1;
            }
            self.numbers += 1;
            return true;
        }
        if parse_number(text).is_none() {
            return false;
        }
        self.codes += u64::from(zeros);
        self.numbers += 1;
        true
    }

    /// Country or state codes: `NA` is one of them.
    fn is_codes(&self) -> bool {
        self.present > 20 && self.letter_pairs == self.present
    }

    /// The narrowest type that fits every value but the words.
    fn kind(&self) -> ColumnType {
        if self.present == 0 {
            ColumnType::String
        } else if self.codes > 0 {
            // Leading zeros would be lost in a number, and so would digits beyond 63 bits: such columns are codes.
            ColumnType::String
        } else if self.integers == self.present {
            ColumnType::Integer
        } else if self.numbers == self.present {
            ColumnType::Number
        } else if self.booleans == self.present {
            ColumnType::Boolean
        } else if self.dates == self.present {
            ColumnType::Date
        } else if self.dates + self.timestamps == self.present {
            ColumnType::Timestamp
        } else {
            ColumnType::String
        }
    }

    fn finish(self, name: &str, fixed: Option<ColumnType>, missing: &[String]) -> Draft {
        let mut kind = fixed.unwrap_or_else(|| self.kind());
        // A word that is a class of the label elsewhere cannot be a missing value here.
        if fixed.is_none() && self.words.iter().any(|(word, _)| !missing.contains(word)) {
            kind = ColumnType::String;
        }
        let others = self.present - self.numbers;
        let nearly = kind == ColumnType::String && self.codes == 0 && others > 0 && self.numbers >= 20 * others;
        let strangers = self.stranger.filter(|_| nearly).map(|(line, value)| (others, line, value));
        let digits_kept_as_text = kind == ColumnType::String && self.codes > 0 && self.numbers == self.present;
        let words = self.words.into_iter().filter(|(word, _)| missing.contains(word)).collect();
        Draft { name: name.to_owned(), kind, words, strangers, digits_kept_as_text }
    }
}
