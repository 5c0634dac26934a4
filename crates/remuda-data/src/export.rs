//! Rows written to a file: what `predict FILE` and exports leave behind.

use crate::cell::Raw;
use crate::columns::{View, views};
use crate::error::{Cause, DataError};
use crate::format::Format;
use crate::part::encode;
use crate::rows::{Rows, json_of};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// Writes rows chunk by chunk.
pub struct RowWriter {
    file: String,
    inner: Inner,
    header: bool,
}

enum Inner {
    Text(Box<csv::Writer<File>>),
    Json(BufWriter<File>),
    /// Parquet holds one chunk: the whole file.
    Parquet(std::path::PathBuf),
}

impl RowWriter {
    /// Creates (or replaces) a file.
    ///
    /// Errors: a file that cannot be created.
    pub fn create(path: &Path, format: Format) -> Result<Self, DataError> {
        let file = path.display().to_string();
        let create =
            || File::create(path).map_err(|source| DataError::Write { file: file.clone(), source: source.into() });
        let inner = match format {
            Format::Csv => Inner::Text(Box::new(csv::Writer::from_writer(create()?))),
            Format::Tsv => Inner::Text(Box::new(csv::WriterBuilder::new().delimiter(b'\t').from_writer(create()?))),
            Format::JsonLines => Inner::Json(BufWriter::new(create()?)),
            Format::Parquet => Inner::Parquet(path.to_owned()),
        };
        Ok(Self { file, inner, header: false })
    }

    /// Writes the next rows. A Parquet file takes one call; write CSV or JSON Lines to go on in chunks.
    pub fn write(&mut self, rows: &Rows) -> Result<(), DataError> {
        let header = std::mem::replace(&mut self.header, true);
        let written = match &mut self.inner {
            Inner::Text(writer) => write_text(writer, rows, !header),
            Inner::Json(writer) => write_json(writer, rows),
            Inner::Parquet(_) if header => Err("a Parquet file is written in one piece".into()),
            Inner::Parquet(path) => write_parquet(path, rows),
        };
        written.map_err(|source| DataError::Write { file: self.file.clone(), source })
    }

    /// Finishes the file.
    pub fn finish(mut self) -> Result<(), DataError> {
        let flushed = match &mut self.inner {
            Inner::Text(writer) => writer.flush(),
            Inner::Json(writer) => writer.flush(),
            Inner::Parquet(_) => Ok(()),
        };
        flushed.map_err(|source| DataError::Write { file: self.file, source: source.into() })
    }
}

impl Rows {
    /// Writes all rows to a file.
    ///
    /// Errors: a file that cannot be written.
    pub fn write(&self, path: &Path, format: Format) -> Result<(), DataError> {
        let mut writer = RowWriter::create(path, format)?;
        writer.write(self)?;
        writer.finish()
    }
}

fn write_text(writer: &mut csv::Writer<File>, rows: &Rows, header: bool) -> Result<(), Cause> {
    if header {
        writer.write_record(rows.columns().iter().map(|(name, _)| name))?;
    }
    let mut scratch = String::new();
    for batch in rows.batches() {
        let views = views(batch)?;
        for row in 0..batch.num_rows() {
            for view in &views {
                scratch.clear();
                view.text(row, &mut scratch);
                writer.write_field(&scratch)?;
            }
            writer.write_record(None::<&[u8]>)?;
        }
    }
    Ok(())
}

fn write_json(writer: &mut BufWriter<File>, rows: &Rows) -> Result<(), Cause> {
    let names: Vec<String> = rows.columns().into_iter().map(|(name, _)| name).collect();
    for batch in rows.batches() {
        let views: Vec<View<'_>> = views(batch)?;
        for row in 0..batch.num_rows() {
            let cell = |(name, view): (&String, &View<'_>)| {
                let raw: Raw<'_> = view.raw(row);
                (name.clone(), json_of(raw))
            };
            let object: serde_json::Map<String, serde_json::Value> = names.iter().zip(&views).map(cell).collect();
            serde_json::to_writer(&mut *writer, &object)?;
            writer.write_all(b"\n")?;
        }
    }
    Ok(())
}

fn write_parquet(path: &Path, rows: &Rows) -> Result<(), Cause> {
    let whole = rows.whole()?;
    std::fs::write(path, encode(&whole)?)?;
    Ok(())
}
