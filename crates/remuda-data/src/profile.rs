//! What a version looks like, in one pass and bounded memory.
//!
//! A column's values are counted exactly while it has at most 10,000 different ones; everything (quantiles, bins, top
//! values) then follows exactly. A column with more falls back to sketches: HyperLogLog for distinct values, a
//! t-digest for quantiles, a fine histogram whose range doubles, and frequent items in the manner of Misra and Gries
//! (Science of Computer Programming 2, 1982) for top values.
//!
//! What does not live here: what is odd about it (see `infer`).

use crate::cell::{Raw, write_number, write_raw};
use crate::columns::{View, views};
use crate::cut::Chunk;
use crate::error::DataError;
use datasketches::hll::{HllSketch, HllType};
use datasketches::tdigest::TDigestMut;
use remuda_model::data::{Bin, ColumnProfile, ColumnType, NumberSummary, Profile, ValueCount};
use std::collections::{HashMap, HashSet};

/// Distinct values counted exactly.
pub(crate) const EXACT: usize = 10_000;
/// Top values shown.
const TOP: usize = 50;
/// Bins shown.
const BINS: usize = 20;
/// Row hashes kept before duplicates are estimated from a sample of them.
const ROWS_KEPT: usize = 14_000_000;
/// Longest text that is counted as a value; longer ones count by their beginning and hash.
const LONGEST_VALUE: usize = 256;
/// The quantiles of a profile.
const RANKS: [f64; 5] = [0.05, 0.25, 0.50, 0.75, 0.95];

/// Collects a [`Profile`].
pub(crate) struct Profiler {
    columns: Vec<ColumnProfiler>,
    rows: u64,
    pub(crate) duplicates: Duplicates,
}

impl Profiler {
    /// A profiler for these columns.
    pub(crate) fn new(columns: &[(String, ColumnType)]) -> Result<Self, DataError> {
        let columns = columns.iter().map(|(name, kind)| ColumnProfiler::new(name, *kind)).collect();
        Ok(Self { columns, rows: 0, duplicates: Duplicates::new(ROWS_KEPT) })
    }

    /// Adds a chunk of rows.
    pub(crate) fn add(&mut self, chunk: &Chunk) -> Result<(), DataError> {
        self.rows += chunk.batch.num_rows() as u64;
        for (profiler, view) in self.columns.iter_mut().zip(views(&chunk.batch)?) {
            profiler.add(&view, chunk.batch.num_rows())?;
        }
        for hash in &chunk.hashes {
            self.duplicates.add(*hash);
        }
        Ok(())
    }

    /// The profile.
    pub(crate) fn finish(self) -> Result<Profile, DataError> {
        let mut columns = Vec::with_capacity(self.columns.len());
        for column in self.columns {
            columns.push(column.finish()?);
        }
        Ok(Profile { rows: self.rows, duplicate_rows: self.duplicates.surplus(), columns })
    }
}

/// Counts surplus equal hashes. Exact up to a number of different hashes; beyond it only hashes below a threshold are
/// kept, and the count is scaled up.
pub(crate) struct Duplicates {
    seen: HashSet<u64, std::hash::BuildHasherDefault<Identity>>,
    capacity: usize,
    shift: u32,
    surplus: u64,
}

/// Counts of numbers by their bits.
type NumberCounts = HashMap<u64, u64, std::hash::BuildHasherDefault<Mixed>>;

/// Spreads the bits of numbers, whose low ones are often all zero (Fibonacci hashing, Knuth volume 3, section 6.4).
#[derive(Default)]
struct Mixed(u64);

impl std::hash::Hasher for Mixed {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }
    fn write_u64(&mut self, value: u64) {
        let mixed = (self.0 ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = (mixed ^ (mixed >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    }
}

/// Hashes are already hashed: they hash to themselves.
#[derive(Default)]
pub(crate) struct Identity(u64);

impl std::hash::Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }
    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

impl Duplicates {
    /// Keeps at most `capacity` hashes.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { seen: HashSet::default(), capacity, shift: 0, surplus: 0 }
    }

    /// Adds a hash; true when it was there before.
    pub(crate) fn add(&mut self, hash: u64) -> bool {
        if self.shift > 0 && hash.leading_zeros() < self.shift {
            return false;
        }
        let new = self.seen.insert(hash);
        if !new {
            self.surplus += 1;
        } else if self.seen.len() > self.capacity {
            self.shift += 1;
            let shift = self.shift;
            self.seen.retain(|hash| hash.leading_zeros() >= shift);
            self.surplus /= 2;
        }
        !new
    }

    /// Surplus hashes; an estimate when [`Duplicates::is_estimate`].
    pub(crate) fn surplus(&self) -> u64 {
        self.surplus << self.shift
    }

    /// Whether the count is scaled up from a sample.
    pub(crate) fn is_estimate(&self) -> bool {
        self.shift > 0
    }
}

struct ColumnProfiler {
    name: String,
    kind: ColumnType,
    count: u64,
    missing: u64,
    characters: u64,
    moments: Moments,
    values: Counted,
}

/// The counts of a column's values.
enum Counted {
    /// Numbers and times, by their bits.
    Numbers(NumberCounts),
    /// Texts and booleans.
    Texts(FrequentTexts),
    /// Numbers beyond the exact bound.
    Sketched(Box<NumberSketch>),
}

impl ColumnProfiler {
    fn new(name: &str, kind: ColumnType) -> Self {
        let values = match kind {
            ColumnType::String | ColumnType::Boolean => Counted::Texts(FrequentTexts::default()),
            _ => Counted::Numbers(NumberCounts::default()),
        };
        Self { name: name.to_owned(), kind, count: 0, missing: 0, characters: 0, moments: Moments::default(), values }
    }

    fn add(&mut self, view: &View<'_>, rows: usize) -> Result<(), DataError> {
        self.count += rows as u64;
        let mut scratch = String::new();
        for row in 0..rows {
            let raw = view.raw(row);
            match raw {
                Raw::Missing => self.missing += 1,
                Raw::Text(text) => {
                    self.characters += text.chars().count() as u64;
                    self.add_text(text)?;
                }
                Raw::Boolean(_) => {
                    scratch.clear();
                    write_raw(raw, &mut scratch);
                    self.add_text(&scratch)?;
                }
                _ => self.add_number(view.number(row))?,
            }
        }
        Ok(())
    }

    fn add_text(&mut self, text: &str) -> Result<(), DataError> {
        if let Counted::Texts(texts) = &mut self.values {
            texts.add(text)?;
        }
        Ok(())
    }

    fn add_number(&mut self, number: f64) -> Result<(), DataError> {
        let number = if number == 0.0 { 0.0 } else { number };
        self.moments.add(number);
        match &mut self.values {
            Counted::Numbers(counts) => {
                *counts.entry(number.to_bits()).or_insert(0) += 1;
                if counts.len() > EXACT {
                    let mut sketch = NumberSketch::new(counts)?;
                    // In the values' order: sketches remember the order, and the same rows make the same profile.
                    let mut sorted: Vec<(u64, u64)> = counts.iter().map(|(bits, count)| (*bits, *count)).collect();
                    sorted.sort_unstable();
                    for (bits, count) in sorted {
                        for _ in 0..count {
                            sketch.add(f64::from_bits(bits));
                        }
                    }
                    self.values = Counted::Sketched(Box::new(sketch));
                }
            }
            Counted::Sketched(sketch) => sketch.add(number),
            Counted::Texts(_) => {}
        }
        Ok(())
    }

    fn finish(self) -> Result<ColumnProfile, DataError> {
        let present = self.count - self.missing;
        let mut profile = ColumnProfile {
            name: self.name,
            column_type: self.kind,
            count: self.count,
            missing: self.missing,
            distinct: 0,
            numbers: None,
            histogram: Vec::new(),
            top: Vec::new(),
            mean_length: (self.kind == ColumnType::String && present > 0)
                .then(|| self.characters as f64 / present as f64),
        };
        match self.values {
            Counted::Texts(texts) => {
                profile.distinct = texts.distinct().min(present);
                profile.top = texts.top();
            }
            Counted::Numbers(counts) => {
                let mut sorted: Vec<(f64, u64)> =
                    counts.into_iter().map(|(bits, count)| (f64::from_bits(bits), count)).collect();
                sorted.sort_by(|left, right| left.0.total_cmp(&right.0));
                profile.distinct = sorted.len() as u64;
                profile.numbers = self.moments.summary(exact_quantiles(&sorted, present));
                profile.histogram = self.moments.histogram(self.kind, |edges| exact_bins(&sorted, edges));
                if self.kind == ColumnType::Integer && sorted.len() <= TOP {
                    profile.top = top_numbers(&sorted);
                }
            }
            Counted::Sketched(mut sketch) => {
                profile.distinct = (sketch.distinct.estimate().round() as u64).clamp(EXACT as u64, present);
                profile.numbers = self.moments.summary(sketch.quantiles()?);
                profile.histogram = self.moments.histogram(self.kind, |edges| sketch.bins(edges));
            }
        }
        Ok(profile)
    }
}

fn top_numbers(sorted: &[(f64, u64)]) -> Vec<ValueCount> {
    let mut top: Vec<ValueCount> = sorted
        .iter()
        .map(|(value, count)| {
            let mut text = String::new();
            write_number(*value, &mut text);
            ValueCount { value: text, count: *count }
        })
        .collect();
    // Equal counts stay in the order of their values.
    top.sort_by_key(|value| std::cmp::Reverse(value.count));
    top
}

/// Quantiles of counted values by linear interpolation (Hyndman and Fan 1996, type 7).
fn exact_quantiles(sorted: &[(f64, u64)], total: u64) -> [f64; 5] {
    RANKS.map(|rank| {
        if total == 0 {
            return f64::NAN;
        }
        let place = rank * (total - 1) as f64;
        let lower = value_at(sorted, place.floor() as u64);
        let upper = value_at(sorted, place.ceil() as u64);
        lower + (upper - lower) * place.fract()
    })
}

fn value_at(sorted: &[(f64, u64)], place: u64) -> f64 {
    let mut before = 0;
    for (value, count) in sorted {
        before += count;
        if place < before {
            return *value;
        }
    }
    sorted.last().map_or(f64::NAN, |last| last.0)
}

fn exact_bins(sorted: &[(f64, u64)], edges: &[f64]) -> Vec<u64> {
    let mut counts = vec![0; edges.len() - 1];
    let mut bin = 0;
    for (value, count) in sorted {
        while bin + 1 < counts.len() && *value >= edges[bin + 1] {
            bin += 1;
        }
        counts[bin] += count;
    }
    counts
}

/// Mean and deviation after Welford (Technometrics 4, 1962), with the extremes.
#[derive(Clone, Copy, Debug, Default)]
struct Moments {
    count: u64,
    mean: f64,
    squares: f64,
    minimum: f64,
    maximum: f64,
}

impl Moments {
    fn add(&mut self, value: f64) {
        if self.count == 0 {
            self.minimum = value;
            self.maximum = value;
        }
        self.count += 1;
        let delta = value - self.mean;
        self.mean += delta / self.count as f64;
        self.squares += delta * (value - self.mean);
        self.minimum = self.minimum.min(value);
        self.maximum = self.maximum.max(value);
    }

    fn summary(&self, quantiles: [f64; 5]) -> Option<NumberSummary> {
        let deviation = if self.count > 1 { (self.squares / (self.count - 1) as f64).max(0.0).sqrt() } else { 0.0 };
        (self.count > 0).then_some(NumberSummary {
            minimum: self.minimum,
            maximum: self.maximum,
            mean: self.mean,
            deviation,
            quantiles,
        })
    }

    /// Bins of equal width; whole numbers with a small range get one bin each.
    fn histogram(&self, kind: ColumnType, count: impl FnOnce(&[f64]) -> Vec<u64>) -> Vec<Bin> {
        if self.count == 0 {
            return Vec::new();
        }
        let range = self.maximum - self.minimum;
        if range == 0.0 || !range.is_finite() {
            return vec![Bin { lower: self.minimum, upper: self.maximum, count: self.count }];
        }
        let bins = if kind == ColumnType::Integer && range < BINS as f64 { (range as usize).max(1) } else { BINS };
        let mut edges: Vec<f64> = (0..bins).map(|bin| self.minimum + range * bin as f64 / bins as f64).collect();
        edges.push(self.maximum);
        let counts = count(&edges);
        edges.windows(2).zip(counts).map(|(pair, count)| Bin { lower: pair[0], upper: pair[1], count }).collect()
    }
}

/// Quantiles, bins and distinct values of a column with many values.
struct NumberSketch {
    distinct: HllSketch,
    digest: TDigestMut,
    /// Counts of equal cells from `start`, each `width` wide; the range doubles when a value falls outside.
    cells: Vec<u64>,
    start: f64,
    width: f64,
}

const CELLS: usize = 8192;

impl NumberSketch {
    fn new(counts: &NumberCounts) -> Result<Self, DataError> {
        let values = counts.keys().map(|bits| f64::from_bits(*bits));
        let (low, high) =
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        // Some room on both sides; the halves keep the range of extreme values finite.
        let width = ((high / 2.0 - low / 2.0) / (CELLS as f64 / 4.0)).max(f64::MIN_POSITIVE);
        let distinct = HllSketch::new(12, HllType::Hll8)
            .map_err(|error| DataError::engine("count distinct values", error.to_string()))?;
        let digest =
            TDigestMut::new(200).map_err(|error| DataError::engine("estimate quantiles", error.to_string()))?;
        Ok(Self { distinct, digest, cells: vec![0; CELLS], start: low - width * (CELLS / 4) as f64, width })
    }

    fn add(&mut self, value: f64) {
        self.distinct.update(value.to_bits());
        self.digest.update(value);
        loop {
            let place = (value - self.start) / self.width;
            if place >= 0.0 && place < CELLS as f64 {
                self.cells[place as usize] += 1;
                return;
            }
            if !self.width.is_finite() || !place.is_finite() {
                let edge = if value < self.start { 0 } else { CELLS - 1 };
                self.cells[edge] += 1;
                return;
            }
            self.double(place < 0.0);
        }
    }

    /// Doubles the cells' width, growing downwards or upwards.
    fn double(&mut self, downwards: bool) {
        let mut merged = vec![0; CELLS];
        let offset = if downwards { CELLS / 2 } else { 0 };
        for (index, count) in self.cells.iter().enumerate() {
            merged[offset + index / 2] += count;
        }
        if downwards {
            self.start -= self.width * CELLS as f64;
        }
        self.width *= 2.0;
        self.cells = merged;
    }

    fn quantiles(&mut self) -> Result<[f64; 5], DataError> {
        let found = self
            .digest
            .quantiles(&RANKS)
            .map_err(|error| DataError::engine("estimate quantiles", error.to_string()))?
            .unwrap_or_default();
        let mut quantiles = [f64::NAN; 5];
        for (target, value) in quantiles.iter_mut().zip(found) {
            *target = value;
        }
        Ok(quantiles)
    }

    /// Each cell's rows go to the bin of the cell's middle.
    fn bins(&self, edges: &[f64]) -> Vec<u64> {
        let mut counts = vec![0; edges.len() - 1];
        let mut bin = 0;
        for (index, count) in self.cells.iter().enumerate() {
            let middle = self.start + (index as f64 + 0.5) * self.width;
            while bin + 1 < counts.len() && middle >= edges[bin + 1] {
                bin += 1;
            }
            counts[bin] += count;
        }
        counts
    }
}

/// Counts of texts: exact up to [`EXACT`] different ones, then the frequent ones.
#[derive(Default)]
struct FrequentTexts {
    counts: HashMap<Box<str>, u64>,
    distinct: Option<HllSketch>,
}

impl FrequentTexts {
    fn add(&mut self, text: &str) -> Result<(), DataError> {
        let long;
        let text = if text.len() > LONGEST_VALUE {
            long = shortened(text);
            long.as_str()
        } else {
            text
        };
        if let Some(sketch) = &mut self.distinct {
            sketch.update(text);
        }
        if let Some(count) = self.counts.get_mut(text) {
            *count += 1;
            return Ok(());
        }
        self.counts.insert(text.into(), 1);
        if self.distinct.is_none() && self.counts.len() > EXACT {
            let mut sketch = HllSketch::new(12, HllType::Hll8)
                .map_err(|error| DataError::engine("count distinct values", error.to_string()))?;
            let mut known: Vec<&str> = self.counts.keys().map(AsRef::as_ref).collect();
            known.sort_unstable();
            for text in known {
                sketch.update(text);
            }
            self.distinct = Some(sketch);
        }
        if self.counts.len() > 2 * EXACT {
            self.purge();
        }
        Ok(())
    }

    /// Takes the median count from every count and forgets what reaches zero, as in Misra and Gries: a value with
    /// more than 1/10,000 of the rows always survives.
    fn purge(&mut self) {
        let mut counts: Vec<u64> = self.counts.values().copied().collect();
        let middle = counts.len() / 2;
        let (_, median, _) = counts.select_nth_unstable(middle);
        let median = *median;
        self.counts.retain(|_, count| {
            *count = count.saturating_sub(median);
            *count > 0
        });
    }

    fn distinct(&self) -> u64 {
        match &self.distinct {
            Some(sketch) => (sketch.estimate().round() as u64).max(EXACT as u64),
            None => self.counts.len() as u64,
        }
    }

    fn top(self) -> Vec<ValueCount> {
        let few = self.counts.len() <= TOP;
        let mut top: Vec<ValueCount> = self
            .counts
            .into_iter()
            .filter(|(_, count)| few || *count > 1)
            .map(|(value, count)| ValueCount { value: value.into(), count })
            .collect();
        top.sort_by(|left, right| right.count.cmp(&left.count).then_with(|| left.value.cmp(&right.value)));
        top.truncate(TOP);
        top
    }
}

/// The beginning of a long text with its hash, so that different long texts stay different.
fn shortened(text: &str) -> String {
    let mut end = LONGEST_VALUE - 32;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}… [{}]", &text[..end], &blake3::hash(text.as_bytes()).to_hex()[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(row: u64) -> u64 {
        let mut first = [0u8; 8];
        first.copy_from_slice(&blake3::hash(&row.to_le_bytes()).as_bytes()[..8]);
        u64::from_le_bytes(first)
    }

    #[test]
    fn duplicates_are_exact_and_then_estimated_in_bounded_memory() {
        // 100,000 rows, every fourth a copy of an earlier one.
        let rows = || (0..100_000u64).map(|row| hash(if row % 4 == 3 { row - 1 } else { row }));
        let mut exact = Duplicates::new(1_000_000);
        rows().for_each(|hash| {
            exact.add(hash);
        });
        assert_eq!((exact.surplus(), exact.is_estimate()), (25_000, false));
        let mut bounded = Duplicates::new(5000);
        rows().for_each(|hash| {
            bounded.add(hash);
        });
        assert!(bounded.is_estimate() && bounded.seen.len() <= 5000);
        assert!(bounded.surplus().abs_diff(25_000) < 2500, "{}", bounded.surplus());
    }

    #[test]
    fn frequent_texts_survive_a_flood_of_rare_ones() {
        let mut texts = FrequentTexts::default();
        for row in 0..60_000u64 {
            let added = texts.add(&if row % 10 == 0 { "often".to_owned() } else { format!("rare {row}") });
            assert!(added.is_ok() && texts.counts.len() <= 2 * EXACT);
        }
        assert!(texts.distinct().abs_diff(54_001) < 3000, "{}", texts.distinct());
        assert_eq!(texts.top()[0].value, "often");
    }
}
