//! Columns as bins: at most 255, plus one for missing. Thresholds are 32-bit floats with a value of the data on each side, so
//! that a bin's edge and the model's comparison never disagree.

use rayon::prelude::*;

/// The bin of a missing value.
pub(crate) const MISSING_BIN: u8 = 255;
/// The most thresholds of a column.
const MOST_THRESHOLDS: usize = 254;
/// How many rows the thresholds are found from.
const SAMPLE: usize = 200_000;

/// Columns as bins.
#[derive(Debug)]
pub(crate) struct Bins {
    /// Per column, per row: how many thresholds lie below the value, or [`MISSING_BIN`].
    pub(crate) columns: Vec<Vec<u8>>,
    /// Per column, ascending: bin `b` holds values `<= thresholds[b]` and above the one before.
    pub(crate) thresholds: Vec<Vec<f32>>,
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
                    if value.is_nan() { MISSING_BIN } else { thresholds.partition_point(|threshold| threshold < value) as u8 }
                };
                let bins = column.iter().map(bin).collect();
                (thresholds, bins)
            })
            .unzip();
        Bins { columns, thresholds }
    }
}

/// A threshold with `low` on its left (`<=`) and `high` on its right (`>`).
fn between(low: f32, high: f32) -> f32 {
    let middle = (f64::from(low) + (f64::from(high) - f64::from(low)) / 2.0) as f32;
    if middle >= low && middle < high { middle } else { low }
}

fn thresholds(column: &[f32], fit: &[u32]) -> Vec<f32> {
    let step = fit.len().div_ceil(SAMPLE).max(1);
    let mut values: Vec<f32> = fit.iter().step_by(step).map(|row| column[*row as usize]).filter(|value| !value.is_nan()).collect();
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
        for (low, high) in [(low, high), (0.0, f32::MIN_POSITIVE), (f32::MAX, f32::INFINITY), (f32::NEG_INFINITY, f32::INFINITY), (-1.0, 1.0)] {
            let threshold = between(low, high);
            assert!(low <= threshold && high > threshold, "{low} {threshold} {high}");
        }
    }

    #[test]
    fn bins_agree_with_comparisons() {
        let column: Vec<f32> = (0..5000).map(|row| if row % 7 == 0 { f32::NAN } else { ((row * 7919) % 3001) as f32 * 0.1 }).collect();
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
