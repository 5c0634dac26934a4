//! Columns as bins: at most 255, plus one for missing. Thresholds are 32-bit floats with a value of the data on each side, so
//! that a bin's edge and the model's comparison never disagree.

use rayon::prelude::*;

/// The bin of a missing value.
pub(crate) const MISSING_BIN: u8 = 255;
/// The most thresholds of a column.
const MOST_THRESHOLDS: usize = 254;
/// How many rows the thresholds are found from.
const SAMPLE: usize = 200_000;
/// With fewer mostly constant columns than this, they are walked like the others.
const FEWEST_SPARSE: usize = 16;

/// Columns as bins.
#[derive(Debug)]
pub(crate) struct Bins {
    /// Per column, per row: how many thresholds lie below the value, or [`MISSING_BIN`].
    pub(crate) columns: Vec<Vec<u8>>,
    /// Per column, ascending: bin `b` holds values `<= thresholds[b]` and above the one before.
    pub(crate) thresholds: Vec<Vec<f32>>,
    /// Where each column's histogram starts; its last cell counts the missing.
    pub(crate) starts: Vec<usize>,
    /// Columns that are mostly one value, such as counts of words.
    pub(crate) sparse: Sparse,
}

/// Row by row the cells of mostly constant columns that differ from the usual one.
#[derive(Debug, Default)]
pub(crate) struct Sparse {
    /// For each column the histogram cell of its usual value, if it is mostly constant.
    pub(crate) usual: Vec<Option<u32>>,
    /// Row `r` has cells `offsets[r] .. offsets[r + 1]`; empty where no column is mostly constant.
    pub(crate) offsets: Vec<usize>,
    /// Histogram cells.
    pub(crate) cells: Vec<u32>,
}

impl Bins {
    /// How many rows.
    pub(crate) fn rows(&self) -> usize {
        self.columns.first().map_or(0, Vec::len)
    }

    /// Bins all rows, with thresholds found from the `fit` rows.
    pub(crate) fn new(columns: Vec<Vec<f32>>, fit: &[u32]) -> Self {
        let (thresholds, columns) = columns
            .into_par_iter()
            .map(|column| {
                let thresholds = thresholds(&column, fit);
                let bin = |value: &f32| {
                    if value.is_nan() {
                        MISSING_BIN
                    } else {
                        thresholds.partition_point(|threshold| threshold < value) as u8
                    }
                };
                let bins = column.iter().map(bin).collect();
                (thresholds, bins)
            })
            .unzip();
        let mut bins = Bins { columns, thresholds, starts: vec![0], sparse: Sparse::default() };
        for thresholds in &bins.thresholds {
            bins.starts.push(bins.starts.last().copied().unwrap_or(0) + thresholds.len() + 2);
        }
        bins.find_sparse();
        bins
    }

    /// The histogram cell of a bin.
    fn cell(&self, column: usize, bin: u8) -> usize {
        if bin == MISSING_BIN { self.starts[column + 1] - 1 } else { self.starts[column] + usize::from(bin) }
    }

    fn find_sparse(&mut self) {
        let usual = |column: usize| {
            let mut counts = [0_usize; 256];
            self.columns[column].iter().for_each(|bin| counts[usize::from(*bin)] += 1);
            let (bin, count) = counts.iter().enumerate().max_by_key(|(_, count)| **count)?;
            (*count * 10 >= self.rows() * 9).then(|| self.cell(column, bin as u8) as u32)
        };
        let usual: Vec<Option<u32>> = (0..self.columns.len()).into_par_iter().map(usual).collect();
        if usual.iter().flatten().count() < FEWEST_SPARSE {
            self.sparse.usual = vec![None; self.columns.len()];
            return;
        }
        let mut sparse = Sparse { usual, offsets: vec![0], cells: Vec::new() };
        for row in 0..self.rows() {
            for (column, usual) in sparse.usual.iter().enumerate() {
                let Some(usual) = usual else { continue };
                let cell = self.cell(column, self.columns[column][row]) as u32;
                if cell != *usual {
                    sparse.cells.push(cell);
                }
            }
            sparse.offsets.push(sparse.cells.len());
        }
        self.sparse = sparse;
    }
}

/// A threshold with `low` on its left (`<=`) and `high` on its right (`>`).
fn between(low: f32, high: f32) -> f32 {
    let middle = (f64::from(low) + (f64::from(high) - f64::from(low)) / 2.0) as f32;
    if middle >= low && middle < high { middle } else { low }
}

fn thresholds(column: &[f32], fit: &[u32]) -> Vec<f32> {
    let step = fit.len().div_ceil(SAMPLE).max(1);
    let mut values: Vec<f32> =
        fit.iter().step_by(step).map(|row| column[*row as usize]).filter(|value| !value.is_nan()).collect();
    // -0 and 0 compare equal, so they must not become two values.
    values.iter_mut().for_each(|value| *value += 0.0);
    values.sort_unstable_by(f32::total_cmp);
    let mut distinct: Vec<(f32, usize)> = Vec::new();
    for value in &values {
        match distinct.last_mut() {
            Some((last, rows)) if last == value => *rows += 1,
            _ => distinct.push((*value, 1)),
        }
    }
    if distinct.len() <= MOST_THRESHOLDS + 1 {
        return distinct.windows(2).map(|pair| between(pair[0].0, pair[1].0)).collect();
    }
    // As equal shares of the rows as whole values allow.
    let mut thresholds = Vec::with_capacity(MOST_THRESHOLDS);
    let (mut left, mut filled) = (values.len(), 0);
    for pair in distinct.windows(2) {
        filled += pair[0].1;
        let open = MOST_THRESHOLDS + 1 - thresholds.len();
        if open > 1 && filled * open >= left {
            thresholds.push(between(pair[0].0, pair[1].0));
            left -= filled;
            filled = 0;
        }
    }
    thresholds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_floats_are_told_apart() {
        let low = 1.7e9_f32;
        let high = f32::from_bits(low.to_bits() + 1);
        for (low, high) in [
            (low, high),
            (0.0, f32::MIN_POSITIVE),
            (f32::MAX, f32::INFINITY),
            (f32::NEG_INFINITY, f32::INFINITY),
            (-1.0, 1.0),
        ] {
            let threshold = between(low, high);
            assert!(low <= threshold && high > threshold, "{low} {threshold} {high}");
        }
    }

    #[test]
    fn bins_agree_with_comparisons() {
        let column: Vec<f32> =
            (0..5000).map(|row| if row % 7 == 0 { f32::NAN } else { ((row * 7919) % 3001) as f32 * 0.1 }).collect();
        let fit: Vec<u32> = (0..4000).collect();
        let bins = Bins::new(vec![column.clone()], &fit);
        assert!(bins.thresholds[0].len() > 200, "{}", bins.thresholds[0].len());
        for (value, bin) in column.iter().zip(&bins.columns[0]) {
            if value.is_nan() {
                assert_eq!(*bin, MISSING_BIN);
                continue;
            }
            for (index, threshold) in bins.thresholds[0].iter().enumerate() {
                assert_eq!(value <= threshold, usize::from(*bin) <= index);
            }
        }
    }
}
