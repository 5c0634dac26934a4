//! The four file formats of tables, and how a file's ending names them.

use crate::error::{DataError, Finding};
use std::path::Path;

/// A file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Comma-separated text with a header (`;`, tab and `|` are seen when the header has no comma).
    Csv,
    /// Tab-separated text with a header.
    Tsv,
    /// One JSON object per line.
    JsonLines,
    /// Apache Parquet.
    Parquet,
}

impl Format {
    /// The word in commands and file endings.
    pub fn as_str(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Tsv => "tsv",
            Format::JsonLines => "jsonl",
            Format::Parquet => "parquet",
        }
    }

    /// Reads a word or a file ending, in any case.
    pub fn parse(word: &str) -> Option<Self> {
        match word.to_ascii_lowercase().as_str() {
            "csv" => Some(Format::Csv),
            "tsv" | "tab" => Some(Format::Tsv),
            "jsonl" | "ndjson" | "jsonlines" => Some(Format::JsonLines),
            "parquet" | "pq" => Some(Format::Parquet),
            _ => None,
        }
    }

    /// The format that a file's ending names.
    ///
    /// Errors: an ending that names none, with the next step.
    pub fn of(path: &Path) -> Result<Self, DataError> {
        let file = file_name(path);
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or("");
        if let Some(format) = Format::parse(ending) {
            return Ok(format);
        }
        let (problem, next) = match ending.to_ascii_lowercase().as_str() {
            "gz" | "zst" | "bz2" | "xz" | "zip" => {
                ("it is compressed".to_owned(), "unpack it first, for example with `gunzip --keep`")
            }
            "json" => {
                ("a JSON document is no table".to_owned(), "write one object per line and call the file `.jsonl`")
            }
            "xls" | "xlsx" | "ods" => ("it is a spreadsheet".to_owned(), "save the sheet as CSV (UTF-8)"),
            "" => (
                "its name has no ending that tells its format".to_owned(),
                "give it one (`.csv`), or name the format: csv, tsv, jsonl or parquet",
            ),
            _ => {
                (format!("the ending `.{ending}` names no known format"), "name the format: csv, tsv, jsonl or parquet")
            }
        };
        Err(DataError::Content(Finding::file(&file, problem, next)))
    }
}

/// The file's name without its folder, for messages.
pub(crate) fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}
