//! A sample of rows, chosen by their hashes: the same rows for the same file, spread over all of it.

use crate::cut::Chunk;
use crate::error::DataError;
use crate::rows::Rows;
use arrow::array::BooleanArray;
use arrow::compute::filter_record_batch;
use arrow::record_batch::RecordBatch;
use remuda_model::data::ColumnType;

/// Most rows kept.
const ROWS: usize = 100_000;
/// Most bytes kept.
const BYTES: usize = 128 << 20;

/// Collects the rows whose hash begins with enough zero bits; one more bit whenever there are too many.
#[derive(Default)]
pub(super) struct Sampler {
    kept: Vec<(RecordBatch, Vec<u64>)>,
    rows: usize,
    bytes: usize,
    bits: u32,
}

/// The sample.
pub(super) struct Sample {
    /// The rows.
    pub(super) rows: Rows,
    /// Whether it is the whole file.
    pub(super) whole: bool,
}

impl Sampler {
    pub(super) fn add(&mut self, chunk: &Chunk) -> Result<(), DataError> {
        self.keep(&chunk.batch, &chunk.hashes)?;
        while self.rows > ROWS || (self.bytes > BYTES && self.rows > 1000) {
            self.bits += 1;
            self.rows = 0;
            self.bytes = 0;
            for (batch, hashes) in std::mem::take(&mut self.kept) {
                self.keep(&batch, &hashes)?;
            }
        }
        Ok(())
    }

    fn keep(&mut self, batch: &RecordBatch, hashes: &[u64]) -> Result<(), DataError> {
        // Equal rows are kept or dropped together, so the middle bits are as good as any.
        let chosen = |hash: &u64| self.bits == 0 || (hash >> 32).trailing_zeros() >= self.bits;
        let mask: Vec<bool> = hashes.iter().map(chosen).collect();
        let hashes: Vec<u64> = hashes.iter().copied().filter(|hash| chosen(hash)).collect();
        if hashes.is_empty() {
            return Ok(());
        }
        let batch = if hashes.len() == mask.len() {
            batch.clone()
        } else {
            filter_record_batch(batch, &BooleanArray::from(mask))
                .map_err(|error| DataError::engine("take a sample of the rows", error))?
        };
        self.rows += batch.num_rows();
        self.bytes += batch.get_array_memory_size();
        self.kept.push((batch, hashes));
        Ok(())
    }

    pub(super) fn finish(self, columns: &[(String, ColumnType)]) -> Result<Sample, DataError> {
        let batches = self.kept.into_iter().map(|(batch, _)| batch).collect();
        Ok(Sample { rows: Rows::new(columns, batches), whole: self.bits == 0 })
    }
}
