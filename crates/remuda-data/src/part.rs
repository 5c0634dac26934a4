//! Parts as Parquet files: written with the same bytes every time, read batch by batch.
//!
//! What does not live here: where parts are cut (see `cut`) and where they are kept (the caller's blob store).

use crate::error::{Cause, DataError};
use crate::format::file_name;
use arrow::record_batch::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::arrow::arrow_writer::{ArrowWriter, ArrowWriterOptions};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use remuda_model::data::Manifest;
use std::fs::File;
use std::path::{Path, PathBuf};

/// The parts of a version, as local files in the manifest's order.
#[derive(Clone, Debug)]
pub struct Parts {
    /// What the version is made of.
    pub manifest: Manifest,
    /// One file per part, in the manifest's order.
    pub paths: Vec<PathBuf>,
}

/// The Parquet bytes of a batch: one row group, zstd level 3, no trace of machine or time.
pub(crate) fn encode(batch: &RecordBatch) -> Result<Vec<u8>, Cause> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_created_by("remuda".to_owned())
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .build();
    let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new_with_options(&mut bytes, batch.schema(), options)?;
    writer.write(batch)?;
    writer.close()?;
    Ok(bytes)
}

/// Reads the batches of one part, all columns or some (by their places, ascending).
pub(crate) fn batches(path: &Path, columns: Option<&[usize]>) -> Result<Batches, DataError> {
    let file = file_name(path);
    let handle = File::open(path).map_err(|source| DataError::Open { file: file.clone(), source })?;
    let failed =
        |source: parquet::errors::ParquetError| DataError::Parquet { file: file.clone(), source: source.into() };
    let mut builder = ParquetRecordBatchReaderBuilder::try_new(handle).map_err(failed)?.with_batch_size(16_384);
    if let Some(columns) = columns {
        let mask = ProjectionMask::roots(builder.parquet_schema(), columns.iter().copied());
        builder = builder.with_projection(mask);
    }
    let reader = builder.build().map_err(failed)?;
    Ok(Batches { reader, file })
}

/// The batches of one part.
pub(crate) struct Batches {
    reader: ParquetRecordBatchReader,
    file: String,
}

impl Iterator for Batches {
    type Item = Result<RecordBatch, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.reader.next()?;
        Some(batch.map_err(|source| DataError::Parquet { file: self.file.clone(), source: source.into() }))
    }
}
