//! Where a version is cut into parts: at rows whose own content says so, so that two versions that share runs of rows
//! share parts, wherever in the file those runs are.
//!
//! The method is content-defined chunking over rows instead of bytes, with the normalised cut chance of FastCDC (Xia
//! et al., USENIX ATC 2016, section 3.3): a low chance below the target size and a high one above it, which keeps
//! sizes near the target. Sizes are counted in units: a row is one unit, or one per KiB of content if that is more, so
//! that wide rows make parts with fewer rows.
//!
//! What does not live here: how a part is encoded and where it is stored (see `ingest`).

use crate::cell::{MissingWords, Raw, Row, convert, shown, write_raw};
use crate::columns::{Builder, schema_of};
use crate::error::{DataError, Finding};
use crate::source::Source;
use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use remuda_model::Digest;
use remuda_model::data::ColumnType;

/// No part has fewer units, but the last.
pub(crate) const MINIMUM: u64 = 1024;
/// Below this many units a cut is unlikely, above it likely.
pub(crate) const TARGET: u64 = 4096;
/// No part has more units (but for one row that is larger by itself).
pub(crate) const MAXIMUM: u64 = 16_384;
/// One in so many units is a cut below the target.
const RARE: u64 = 8192;
/// One in so many units is a cut above the target.
const OFTEN: u64 = 1024;
/// Bytes of content that make a unit.
const UNIT: u64 = 1024;

/// A run of rows between two cuts.
pub(crate) struct Chunk {
    /// The rows.
    pub(crate) batch: RecordBatch,
    /// The digest of schema and rows.
    pub(crate) content: Digest,
    /// The first 64 bits of each row's hash.
    pub(crate) hashes: Vec<u64>,
    /// Each row's line (or row number) in its file.
    pub(crate) lines: Vec<u64>,
}

/// How the columns of a file become the columns of a version.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    /// Name and type of each column of the version.
    pub(crate) columns: Vec<(String, ColumnType)>,
    /// For each of them, its place in the file.
    pub(crate) places: Vec<usize>,
    /// Which words are missing values.
    pub(crate) missing: MissingWords,
}

/// Reads a whole source and hands over its chunks in order.
///
/// Errors: the first cell that does not fit its column's type, with the number of further ones.
pub(crate) fn stream(
    source: &mut Source,
    layout: &Layout,
    progress: &mut dyn FnMut(u64),
    sink: &mut dyn FnMut(Chunk) -> Result<(), DataError>,
) -> Result<u64, DataError> {
    let mut cutter = Cutter::new(layout);
    let mut row = Row::default();
    let mut rows = 0u64;
    let mut misfit: Option<Misfit> = None;
    while source.next(&mut row)? {
        rows += 1;
        if rows.is_multiple_of(1024) {
            progress(source.done());
        }
        let bad = match &mut misfit {
            None => cutter.push(&row).err(),
            Some(first) => {
                first.further += misfits(&row, layout);
                None
            }
        };
        if let Some(column) = bad {
            misfit = Some(Misfit {
                line: row.line,
                column,
                value: text_of(row.get(layout.places[column])),
                further: misfits(&row, layout) - 1,
            });
        } else if misfit.is_none()
            && let Some(chunk) = cutter.cut_if_due()?
        {
            sink(chunk)?;
        }
    }
    if let Some(misfit) = misfit {
        return Err(misfit.error(source, layout));
    }
    if let Some(chunk) = cutter.cut()? {
        sink(chunk)?;
    }
    progress(source.done());
    Ok(rows)
}

struct Misfit {
    line: u64,
    column: usize,
    value: String,
    further: u64,
}

impl Misfit {
    fn error(&self, source: &Source, layout: &Layout) -> DataError {
        let (name, kind) = &layout.columns[self.column];
        let mut problem = format!("{} is no {}", shown(&self.value), kind.as_str());
        if self.further > 0 {
            problem.push_str(&format!(" ({} more like it)", remuda_model::text::thousands(self.further)));
        }
        let next = if self.further == 0 {
            "correct it, add the word to the contract's `missing`, or change the column's type there"
        } else {
            "correct them, add a word to the contract's `missing`, or change the column's type there"
        };
        DataError::Contract(Finding::file(&source.file, problem, next).line(self.line).column(name.clone()))
    }
}

fn misfits(row: &Row, layout: &Layout) -> u64 {
    let bad = |(index, place): (usize, &usize)| {
        u64::from(convert(row.get(*place), layout.columns[index].1, &layout.missing).is_none())
    };
    layout.places.iter().enumerate().map(bad).sum()
}

fn text_of(raw: Raw<'_>) -> String {
    let mut text = String::new();
    write_raw(raw, &mut text);
    text
}

/// Collects rows until the next cut.
struct Cutter<'a> {
    layout: &'a Layout,
    schema: SchemaRef,
    builders: Vec<Builder>,
    canonical: Vec<u8>,
    units: u64,
    due: bool,
    content: blake3::Hasher,
    hashes: Vec<u64>,
    lines: Vec<u64>,
}

impl<'a> Cutter<'a> {
    fn new(layout: &'a Layout) -> Self {
        let builders = layout.columns.iter().map(|(_, kind)| Builder::new(*kind)).collect();
        let schema = schema_of(&layout.columns);
        Self {
            layout,
            schema,
            builders,
            canonical: Vec::new(),
            units: 0,
            due: false,
            content: content_hasher(&layout.columns),
            hashes: Vec::new(),
            lines: Vec::new(),
        }
    }

    /// Adds a row, or says which column does not fit.
    fn push(&mut self, row: &Row) -> Result<(), usize> {
        self.canonical.clear();
        for (index, place) in self.layout.places.iter().enumerate() {
            let cell = convert(row.get(*place), self.layout.columns[index].1, &self.layout.missing).ok_or(index)?;
            cell.write_canonical(&mut self.canonical);
            self.builders[index].push(&cell);
        }
        let hash = blake3::hash(&self.canonical);
        self.content.update(hash.as_bytes());
        let mut first = [0u8; 8];
        first.copy_from_slice(&hash.as_bytes()[..8]);
        let short = u64::from_le_bytes(first);
        self.hashes.push(short);
        self.lines.push(row.line);
        let row_units = (self.canonical.len() as u64 / UNIT).max(1);
        self.units += row_units;
        self.due = is_cut(short, row_units, self.units);
        Ok(())
    }

    fn cut_if_due(&mut self) -> Result<Option<Chunk>, DataError> {
        if self.due { self.cut() } else { Ok(None) }
    }

    fn cut(&mut self) -> Result<Option<Chunk>, DataError> {
        if self.hashes.is_empty() {
            return Ok(None);
        }
        let arrays: Vec<ArrayRef> = self.builders.iter_mut().map(Builder::finish).collect();
        let batch = RecordBatch::try_new(self.schema.clone(), arrays)
            .map_err(|error| DataError::engine("build a batch of rows", error))?;
        let content = std::mem::replace(&mut self.content, content_hasher(&self.layout.columns));
        self.units = 0;
        self.due = false;
        Ok(Some(Chunk {
            batch,
            content: Digest::from_hash(content.finalize()),
            hashes: std::mem::take(&mut self.hashes),
            lines: std::mem::take(&mut self.lines),
        }))
    }
}

/// Whether a part of `units` ends behind a row with this hash.
fn is_cut(hash: u64, row_units: u64, units: u64) -> bool {
    if units < MINIMUM {
        return false;
    }
    if units >= MAXIMUM {
        return true;
    }
    let one_in = if units < TARGET { RARE } else { OFTEN };
    // The low half of the hash against a threshold that grows with the row's size.
    let threshold = ((1u64 << 32) / one_in).saturating_mul(row_units);
    (hash & 0xffff_ffff) < threshold
}

/// The content digest covers names and types too: a part's Parquet file carries them.
fn content_hasher(columns: &[(String, ColumnType)]) -> blake3::Hasher {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"remuda part 1");
    hasher.update(&(columns.len() as u64).to_le_bytes());
    for (name, kind) in columns {
        for field in [name.as_str(), kind.as_str()] {
            hasher.update(&(field.len() as u64).to_le_bytes());
            hasher.update(field.as_bytes());
        }
    }
    hasher
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_have_about_the_target_size_and_never_more_than_the_maximum() {
        let mut sizes = Vec::new();
        let mut units = 0;
        for row in 0..2_000_000u64 {
            let hash = blake3::hash(&row.to_le_bytes());
            let mut first = [0u8; 8];
            first.copy_from_slice(&hash.as_bytes()[..8]);
            units += 1;
            if is_cut(u64::from_le_bytes(first), 1, units) {
                sizes.push(units);
                units = 0;
            }
        }
        let mean = sizes.iter().sum::<u64>() / sizes.len() as u64;
        assert!((3900..4700).contains(&mean), "{mean}");
        assert!(sizes.iter().all(|size| (MINIMUM..=MAXIMUM).contains(size)));
    }
}
