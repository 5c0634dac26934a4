//! What can go wrong with a table: one error enum, and the finding that names file, line, column and next step.
//!
//! What does not live here: how a face shows an error.

use remuda_model::data::ColumnType;
use std::fmt;
use std::ops::Range;

/// A cause from a library below, kept whole.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Something wrong in a file's content: the place, the problem and the next step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file's name, without its folder.
    pub file: String,
    /// Physical line (text files) or row (Parquet), from 1.
    pub line: Option<u64>,
    /// The column's name.
    pub column: Option<String>,
    /// What is wrong, no full stop.
    pub problem: String,
    /// What to do.
    pub next: String,
}

impl Finding {
    /// A finding about a whole file.
    pub fn file(file: &str, problem: impl Into<String>, next: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line: None, column: None, problem: problem.into(), next: next.into() }
    }

    /// The same finding at a line.
    #[must_use]
    pub fn line(mut self, line: u64) -> Self {
        self.line = Some(line);
        self
    }

    /// The same finding in a column.
    #[must_use]
    pub fn column(mut self, column: impl Into<String>) -> Self {
        self.column = Some(column.into());
        self
    }

    /// Place and problem, without the next step.
    pub fn problem(&self) -> String {
        let mut place = format!("`{}`", self.file);
        if let Some(line) = self.line {
            place.push_str(&format!(" line {line}"));
        }
        if let Some(column) = &self.column {
            place.push_str(&format!(", column `{column}`"));
        }
        format!("{place}: {}", self.problem)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}; {}", self.problem(), self.next)
    }
}

/// A predicate that cannot be used, and where in its text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PredicateError {
    /// One sentence, no full stop.
    pub message: String,
    /// Byte offsets into the predicate's text; the whole text when no place is known.
    pub span: Range<usize>,
}

/// What can go wrong with tables.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A file cannot be opened.
    #[error("cannot open `{file}`")]
    Open {
        /// The file.
        file: String,
        /// Why.
        source: std::io::Error,
    },
    /// A file cannot be read on.
    #[error("cannot read `{file}`")]
    Read {
        /// The file.
        file: String,
        /// Why.
        source: std::io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write `{file}`")]
    Write {
        /// The file.
        file: String,
        /// Why.
        source: Cause,
    },
    /// The file's content is no table that can be used.
    #[error("{0}")]
    Content(Finding),
    /// The file does not have the columns or types of the contract, or the label cannot be learned.
    #[error("{0}")]
    Contract(Finding),
    /// A Parquet file cannot be read.
    #[error("cannot read `{file}` as Parquet; if it is whole, write it anew, or as CSV")]
    Parquet {
        /// The file.
        file: String,
        /// Why.
        source: Cause,
    },
    /// A column that somebody asked for is not there.
    #[error("there is no column `{column}`{}", suggestion.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default())]
    MissingColumn {
        /// The column.
        column: String,
        /// The nearest name that is there.
        suggestion: Option<String>,
    },
    /// A value does not fit its column.
    #[error("row {row}, column `{column}`: expected {}, found {found}", expectation(*expected, *required))]
    Value {
        /// The row, from 1.
        row: usize,
        /// The column.
        column: String,
        /// What the contract says.
        expected: ColumnType,
        /// Whether a value must be there.
        required: bool,
        /// What was found.
        found: String,
    },
    /// Columns of different lengths.
    #[error("column `{column}` has {found} values where the table has {expected} rows")]
    Length {
        /// The column.
        column: String,
        /// Rows of the table.
        expected: usize,
        /// Values given.
        found: usize,
    },
    /// A predicate cannot be used.
    #[error("the predicate cannot be used")]
    Predicate(#[from] PredicateError),
    /// The SQL engine refuses or fails.
    #[error("cannot {operation}")]
    Engine {
        /// What was tried.
        operation: String,
        /// Why.
        source: Cause,
    },
    /// A thread of ours ended before its work did.
    #[error("the work on `{file}` ended early: this is a bug in remuda; please report it")]
    Interrupted {
        /// The file.
        file: String,
    },
}

impl DataError {
    /// The next step, where the message has one; [`Finding::problem`] is then the message without it.
    pub fn finding(&self) -> Option<&Finding> {
        match self {
            DataError::Content(finding) | DataError::Contract(finding) => Some(finding),
            _ => None,
        }
    }

    /// An engine's failure.
    pub(crate) fn engine(operation: impl Into<String>, source: impl Into<Cause>) -> Self {
        DataError::Engine { operation: operation.into(), source: source.into() }
    }

    /// A column that is not among `names`.
    pub(crate) fn missing_column<'a>(column: &str, names: impl IntoIterator<Item = &'a str>) -> Self {
        let suggestion = remuda_model::text::nearest(column, names).map(str::to_owned);
        DataError::MissingColumn { column: column.to_owned(), suggestion }
    }
}

fn expectation(expected: ColumnType, required: bool) -> String {
    let word = match expected {
        ColumnType::Integer => "an integer",
        ColumnType::Number => "a number",
        ColumnType::String => "a string",
        ColumnType::Boolean => "a boolean (true or false)",
        ColumnType::Date => "a date (2026-01-31)",
        ColumnType::Timestamp => "a timestamp (2026-01-31T12:00:00Z)",
    };
    if required { word.to_owned() } else { format!("{word} or null") }
}
