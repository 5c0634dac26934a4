//! Any table file as chunks of rows: what `predict FILE` and outcomes read, without making a version of it.

use crate::cell::{MissingWords, Row};
use crate::cell::{convert, shown, write_raw};
use crate::columns::Builder;
use crate::columns::schema_of;
use crate::error::{DataError, Finding};
use crate::format::Format;
use crate::rows::Rows;
use crate::source::Source;
use arrow::array::ArrayRef;
use arrow::record_batch::RecordBatch;
use remuda_model::data::{ColumnType, Contract};
use std::path::Path;

/// Opens a file and gives its rows in chunks of at most `rows_per_chunk`.
///
/// Columns that the contract has are typed by it; all others, and every column without a contract, are text. A column
/// that the contract has and the file lacks is no error here: whoever needs it will say so.
///
/// Errors: a file that cannot be opened or has a bad header; the iterator ends behind the first error.
pub fn chunks(
    path: &Path,
    format: Option<Format>,
    contract: Option<&Contract>,
    rows_per_chunk: usize,
) -> Result<Chunks, DataError> {
    let source = Source::open(path, format)?;
    let type_of = |name: &str, own: Option<ColumnType>| match contract {
        Some(contract) => contract.column(name).map(|column| column.column_type),
        None => own,
    };
    let columns: Vec<(String, ColumnType)> = source
        .columns
        .iter()
        .map(|(name, own)| (name.clone(), type_of(name, *own).unwrap_or(ColumnType::String)))
        .collect();
    Ok(Chunks {
        source,
        places: (0..columns.len()).collect(),
        columns,
        missing: MissingWords::new(contract.map_or(&[], |contract| &contract.missing)),
        rows_per_chunk: rows_per_chunk.max(1),
        ended: false,
    })
}

/// The chunks of a file.
pub struct Chunks {
    source: Source,
    columns: Vec<(String, ColumnType)>,
    /// Where in the file each column stands.
    places: Vec<usize>,
    missing: MissingWords,
    rows_per_chunk: usize,
    ended: bool,
}

impl Chunks {
    /// Name and type of each column.
    pub fn columns(&self) -> &[(String, ColumnType)] {
        &self.columns
    }

    /// Reads only the columns that are wanted: of a wide file, the others take neither time nor memory.
    pub fn only(mut self, wanted: impl Fn(&str) -> bool) -> Self {
        let kept = self.columns.into_iter().zip(self.places).filter(|((name, _), _)| wanted(name));
        (self.columns, self.places) = kept.unzip();
        self
    }

    /// Bytes read so far and bytes in all.
    pub fn progress(&self) -> (u64, u64) {
        (self.source.done(), self.source.total)
    }

    fn read(&mut self) -> Result<Option<Rows>, DataError> {
        let mut builders: Vec<Builder> = self.columns.iter().map(|(_, kind)| Builder::new(*kind)).collect();
        let mut row = Row::default();
        let mut rows = 0;
        while rows < self.rows_per_chunk && self.source.next(&mut row)? {
            rows += 1;
            for (((name, kind), place), builder) in self.columns.iter().zip(&self.places).zip(&mut builders) {
                let raw = row.get(*place);
                let Some(cell) = convert(raw, *kind, &self.missing) else {
                    let mut text = String::new();
                    write_raw(raw, &mut text);
                    let problem = format!("{} is no {}", shown(&text), kind.as_str());
                    let finding = Finding::file(
                        &self.source.file,
                        problem,
                        "correct it, or leave the field empty if it is missing",
                    );
                    return Err(DataError::Contract(finding.line(row.line).column(name.clone())));
                };
                builder.push(&cell);
            }
        }
        if rows == 0 {
            return Ok(None);
        }
        let arrays: Vec<ArrayRef> = builders.iter_mut().map(Builder::finish).collect();
        let batch = RecordBatch::try_new(schema_of(&self.columns), arrays)
            .map_err(|error| DataError::engine("build a batch of rows", error))?;
        Ok(Some(Rows::new(&self.columns, vec![batch])))
    }
}

impl Iterator for Chunks {
    type Item = Result<Rows, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let chunk = self.read();
        self.ended = !matches!(chunk, Ok(Some(_)));
        chunk.transpose()
    }
}
