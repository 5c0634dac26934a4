//! Files as streams of rows, whatever their format. Constant memory.
//!
//! What does not live here: what the cells mean (see `cell`, `infer`, `ingest`).

mod json;
mod parquet;
mod text;

use crate::cell::Row;
use crate::error::{DataError, Finding};
use crate::format::{Format, file_name};
use remuda_model::data::ColumnType;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// An open file.
pub(crate) struct Source {
    /// The file's name, for messages.
    pub(crate) file: String,
    /// The columns in file order; a type where the file itself states it.
    pub(crate) columns: Vec<(String, Option<ColumnType>)>,
    /// Size in bytes.
    pub(crate) total: u64,
    /// Whether text cells may hold anything (CSV) or strings are strings (JSON, Parquet).
    pub(crate) untyped: bool,
    kind: Kind,
}

enum Kind {
    Text(text::TextSource),
    Json(json::JsonSource),
    Parquet(parquet::ParquetSource),
}

impl Source {
    /// Opens a file and reads its header.
    pub(crate) fn open(path: &Path, format: Option<Format>) -> Result<Self, DataError> {
        let file = file_name(path);
        let mut handle = File::open(path).map_err(|source| DataError::Open { file: file.clone(), source })?;
        let metadata = handle.metadata().map_err(|source| DataError::Open { file: file.clone(), source })?;
        if metadata.is_dir() {
            return Err(DataError::Content(Finding::file(&file, "it is a folder", "name a file in it")));
        }
        let mut start = [0u8; 4];
        let known =
            read_start(&mut handle, &mut start).map_err(|source| DataError::Read { file: file.clone(), source })?;
        refuse_other_formats(&file, &start[..known])?;
        let format = match format {
            Some(format) => format,
            None if &start[..known] == b"PAR1" => Format::Parquet,
            None => Format::of(path)?,
        };
        if metadata.len() == 0 {
            let next = if format == Format::JsonLines {
                "write one JSON object per line"
            } else {
                "it needs a header and rows"
            };
            return Err(DataError::Content(Finding::file(&file, "the file is empty", next)));
        }
        let total = metadata.len();
        match format {
            Format::Csv | Format::Tsv => {
                let (source, names) = text::TextSource::open(path, &file, format)?;
                let columns = names.into_iter().map(|name| (name, None)).collect();
                Ok(Self { file, columns, total, untyped: true, kind: Kind::Text(source) })
            }
            Format::JsonLines => {
                let (source, names) = json::JsonSource::open(path, &file)?;
                let columns = names.into_iter().map(|name| (name, None)).collect();
                Ok(Self { file, columns, total, untyped: false, kind: Kind::Json(source) })
            }
            Format::Parquet => {
                let (source, columns) = parquet::ParquetSource::open(path, &file)?;
                let columns = columns.into_iter().map(|(name, kind)| (name, Some(kind))).collect();
                Ok(Self { file, columns, total, untyped: false, kind: Kind::Parquet(source) })
            }
        }
    }

    /// Reads the next row; `false` at the end.
    pub(crate) fn next(&mut self, row: &mut Row) -> Result<bool, DataError> {
        match &mut self.kind {
            Kind::Text(source) => source.next(row),
            Kind::Json(source) => source.next(row),
            Kind::Parquet(source) => source.next(row),
        }
    }

    /// Bytes read so far (an estimate for Parquet).
    pub(crate) fn done(&self) -> u64 {
        match &self.kind {
            Kind::Text(source) => source.done,
            Kind::Json(source) => source.done,
            Kind::Parquet(source) => (source.share_done() * self.total as f64) as u64,
        }
    }

    /// The word for a row's place: `line` or `row`.
    pub(crate) fn place_word(&self) -> &'static str {
        if matches!(self.kind, Kind::Parquet(_)) { "row" } else { "line" }
    }
}

fn read_start(handle: &mut File, start: &mut [u8; 4]) -> std::io::Result<usize> {
    let mut known = 0;
    while known < start.len() {
        match handle.read(&mut start[known..])? {
            0 => break,
            more => known += more,
        }
    }
    Ok(known)
}

/// Files that call themselves tables but begin like something else.
fn refuse_other_formats(file: &str, start: &[u8]) -> Result<(), DataError> {
    let (problem, next) = match start {
        [0x1f, 0x8b, ..] => ("it is compressed with gzip", "unpack it first: `gunzip --keep`"),
        [0x28, 0xb5, 0x2f, 0xfd] => ("it is compressed with zstd", "unpack it first: `unzstd`"),
        [b'P', b'K', 3, 4] => ("it is a zip archive or a spreadsheet", "unpack it, or save the sheet as CSV (UTF-8)"),
        [b'<', b'!' | b'?' | b'h' | b'H', ..] => (
            "it is a web page or XML, not a table",
            "fetch the data file itself: a download may have answered an error",
        ),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => ("it is UTF-16, not UTF-8", "convert it: `iconv -f UTF-16 -t UTF-8`"),
        _ => return Ok(()),
    };
    Err(DataError::Content(Finding::file(file, problem, next)))
}

/// Refuses header names that cannot name a column.
pub(crate) fn check_names(file: &str, line: Option<u64>, names: &[String]) -> Result<(), DataError> {
    let mut seen: std::collections::HashMap<&str, usize> = std::collections::HashMap::new();
    for (index, name) in names.iter().enumerate() {
        let place = index + 1;
        let (problem, next) = if name.is_empty() {
            let next = if place == 1 {
                "name it, or drop it (pandas leaves it out with `index=False`)"
            } else {
                "name it in the header"
            };
            (format!("column {place} has no name"), next)
        } else if name.chars().any(char::is_control) {
            (format!("the name of column {place} holds a line break or control character"), "rename it in the header")
        } else if let Some(first) = seen.insert(name, place) {
            (
                format!("columns {first} and {place} are both called `{name}`"),
                "rename one of them; if the file has no header, add one",
            )
        } else {
            continue;
        };
        let mut finding = Finding::file(file, problem, next);
        finding.line = line;
        return Err(DataError::Content(finding));
    }
    Ok(())
}
