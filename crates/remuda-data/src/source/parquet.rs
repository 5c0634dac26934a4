//! Parquet files from elsewhere: their column types mapped to ours, read batch by batch.

use super::check_names;
use crate::cell::Row;
use crate::columns::{View, logical_type, normalise};
use crate::error::{DataError, Finding};
use arrow::record_batch::RecordBatch;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use remuda_model::data::ColumnType;
use std::fs::File;
use std::path::Path;

/// An open Parquet file.
pub(crate) struct ParquetSource {
    reader: ParquetRecordBatchReader,
    file: String,
    columns: Vec<(String, ColumnType)>,
    batch: Option<RecordBatch>,
    place: usize,
    read: u64,
    rows: u64,
}

impl ParquetSource {
    /// Opens a file and maps its types.
    pub(crate) fn open(path: &Path, file: &str) -> Result<(Self, Vec<(String, ColumnType)>), DataError> {
        let handle = File::open(path).map_err(|source| DataError::Open { file: file.to_owned(), source })?;
        let failed =
            |source: parquet::errors::ParquetError| DataError::Parquet { file: file.to_owned(), source: source.into() };
        let builder = ParquetRecordBatchReaderBuilder::try_new(handle).map_err(failed)?;
        let rows = u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(0);
        let mut columns = Vec::new();
        for field in builder.schema().fields() {
            let Some(kind) = logical_type(field.data_type()) else {
                let problem = format!("its type {} has no counterpart in a table", field.data_type());
                let next = "leave the column out, or write it as text, number, boolean, date or timestamp";
                return Err(Finding::file(file, problem, next).column(field.name().clone()).into());
            };
            columns.push((field.name().trim().to_owned(), kind));
        }
        let names: Vec<String> = columns.iter().map(|(name, _)| name.clone()).collect();
        check_names(file, None, &names)?;
        let reader = builder.with_batch_size(4096).build().map_err(failed)?;
        let source =
            Self { reader, file: file.to_owned(), columns: columns.clone(), batch: None, place: 0, read: 0, rows };
        Ok((source, columns))
    }

    /// Reads the next row.
    pub(crate) fn next(&mut self, row: &mut Row) -> Result<bool, DataError> {
        loop {
            if let Some(batch) = &self.batch
                && self.place < batch.num_rows()
            {
                self.read += 1;
                row.clear(self.read);
                for array in batch.columns() {
                    row.push(View::of(array.as_ref())?.raw(self.place));
                }
                self.place += 1;
                return Ok(true);
            }
            match self.reader.next() {
                None => return Ok(false),
                Some(Err(source)) => return Err(DataError::Parquet { file: self.file.clone(), source: source.into() }),
                Some(Ok(batch)) => {
                    self.batch = Some(normalise(&batch, &self.columns, &self.file)?);
                    self.place = 0;
                }
            }
        }
    }

    /// The share of rows read so far.
    pub(crate) fn share_done(&self) -> f64 {
        if self.rows == 0 { 1.0 } else { self.read as f64 / self.rows as f64 }
    }
}
