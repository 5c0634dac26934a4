//! Metrics of scores as functions of row weights, prepared once: what resampling calls thousands of times.
//!
//! Weights say how often a row was drawn. A metric that does not exist on a draw is NaN, which the bootstrap counts.

use crate::estimate::{Result, Undefined, check_lengths, out_of_range};

/// Rows sorted by score, best first, with the ends of ties.
#[derive(Clone, Debug)]
pub struct RankedRows {
    /// Places of the rows, best score first.
    order: Vec<u32>,
    /// Whether the row at each place of the order is positive.
    positive: Vec<bool>,
    /// Ends (exclusive) of the runs of equal scores.
    ends: Vec<u32>,
}

impl RankedRows {
    /// Sorts once, O(n log n).
    ///
    /// ```
    /// let ranked = remuda_stats::weighted::RankedRows::new(&[0.1, 0.4, 0.35, 0.8], &[false, false, true, true])?;
    /// assert_eq!(ranked.auc(&[1, 1, 1, 1]), 0.75);
    /// assert!((ranked.average_precision(&[1, 1, 1, 1]) - 0.8333333333333333).abs() < 1e-15);
    /// // As if the third row stood there twice: 4 of its 6 pairs are in order.
    /// assert_eq!(ranked.auc(&[1, 1, 2, 1]), 4.0 / 6.0);
    /// # Ok::<(), remuda_stats::Undefined>(())
    /// ```
    ///
    /// # Errors
    /// No rows, more than 2^32 rows, columns of different length, or NaN scores.
    pub fn new(scores: &[f64], positive: &[bool]) -> Result<Self> {
        check_lengths(scores.len(), positive.len())?;
        if scores.is_empty() {
            return Err(Undefined::NoRows);
        }
        let count = scores.iter().filter(|score| score.is_nan()).count() as u64;
        if count > 0 {
            return Err(Undefined::NotFinite { count });
        }
        let rows = u32::try_from(scores.len()).map_err(|_| out_of_range("the number of rows", scores.len() as f64))?;
        let mut order: Vec<u32> = (0..rows).collect();
        order.sort_unstable_by(|one, other| scores[*other as usize].total_cmp(&scores[*one as usize]));
        let ends = (1..=rows)
            .filter(|end| {
                let here = order.get(*end as usize).map(|row| scores[*row as usize]);
                here != Some(scores[order[*end as usize - 1] as usize])
            })
            .collect();
        let positive = order.iter().map(|row| positive[*row as usize]).collect();
        Ok(Self { order, positive, ends })
    }

    /// Calls `visit` with the weight of positives and negatives of each run of equal scores, best first.
    fn runs(&self, weights: &[u32], mut visit: impl FnMut(f64, f64)) {
        let mut start = 0;
        for end in &self.ends {
            let (mut positives, mut negatives) = (0u64, 0u64);
            for place in start..*end as usize {
                let weight = u64::from(weights[self.order[place] as usize]);
                if self.positive[place] { positives += weight } else { negatives += weight }
            }
            start = *end as usize;
            visit(positives as f64, negatives as f64);
        }
    }

    /// The area under the ROC curve, ties counting half; NaN without both classes.
    #[must_use]
    pub fn auc(&self, weights: &[u32]) -> f64 {
        let (mut above, mut negatives, mut sum) = (0.0, 0.0, 0.0);
        self.runs(weights, |positive, negative| {
            sum += negative * (above + 0.5 * positive);
            above += positive;
            negatives += negative;
        });
        sum / (above * negatives)
    }

    /// Average precision as [`crate::scoring::average_precision`]; NaN without positives.
    #[must_use]
    pub fn average_precision(&self, weights: &[u32]) -> f64 {
        let (mut positives, mut all, mut sum) = (0.0, 0.0, 0.0);
        self.runs(weights, |positive, negative| {
            positives += positive;
            all += positive + negative;
            if positive > 0.0 {
                sum += positive * positives / all;
            }
        });
        sum / positives
    }
}

/// Rows with a score between 0 and 1, sorted into bins of equal width, each closed above.
#[derive(Clone, Debug)]
pub struct BinnedRows {
    bins: Vec<u32>,
    scores: Vec<f64>,
    positive: Vec<bool>,
    count: usize,
}

impl BinnedRows {
    /// # Errors
    /// No rows, columns of different length, scores outside 0 to 1, or no bins.
    pub fn new(scores: &[f64], positive: &[bool], bins: usize) -> Result<Self> {
        check_lengths(scores.len(), positive.len())?;
        if scores.is_empty() {
            return Err(Undefined::NoRows);
        }
        if bins == 0 {
            return Err(out_of_range("the number of bins", 0.0));
        }
        if let Some(score) = scores.iter().find(|score| !(0.0..=1.0).contains(*score)) {
            return Err(out_of_range("a score", *score));
        }
        // Each bin is closed above, as in `calibration`.
        let bin = |score: &f64| ((score * bins as f64).ceil() as usize).clamp(1, bins) as u32 - 1;
        Ok(Self {
            bins: scores.iter().map(bin).collect(),
            scores: scores.to_vec(),
            positive: positive.to_vec(),
            count: bins,
        })
    }

    /// The expected calibration error as [`crate::calibration::expected_calibration_error`].
    #[must_use]
    pub fn expected_calibration_error(&self, weights: &[u32]) -> f64 {
        let mut gaps = vec![0.0; self.count];
        let mut total = 0.0;
        for (row, weight) in weights.iter().enumerate() {
            if *weight > 0 {
                let weight = f64::from(*weight);
                total += weight;
                gaps[self.bins[row] as usize] += weight * (f64::from(u8::from(self.positive[row])) - self.scores[row]);
            }
        }
        gaps.iter().map(|gap| gap.abs()).sum::<f64>() / total
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;
    use crate::calibration::{Binning, expected_calibration_error};
    use crate::random::Stream;

    /// Weights mean the same as rows that stand there several times.
    #[test]
    fn a_weighted_row_is_a_row_that_is_there_so_often() {
        let mut random = Stream::new(3, 1);
        let scores: Vec<f64> = (0..300).map(|_| (random.open() * 20.0).floor() / 20.0).collect();
        let positive: Vec<bool> = scores.iter().map(|score| random.open() < 0.2 + 0.5 * score).collect();
        let weights: Vec<u32> = (0..300).map(|_| (random.open() * 4.0) as u32).collect();
        let often = |row: usize| std::iter::repeat_n(row, weights[row] as usize);
        let rows: Vec<usize> = (0..300).flat_map(often).collect();
        let many: Vec<f64> = rows.iter().map(|row| scores[*row]).collect();
        let are: Vec<bool> = rows.iter().map(|row| positive[*row]).collect();

        let ranked = RankedRows::new(&scores, &positive).unwrap();
        assert!((ranked.auc(&weights) - crate::auc::delong(&many, &are).unwrap().auc).abs() < 1e-12);
        let precision = crate::scoring::average_precision(&many, &are).unwrap();
        assert!((ranked.average_precision(&weights) - precision).abs() < 1e-12);
        let binned = BinnedRows::new(&scores, &positive, 15).unwrap();
        let error = expected_calibration_error(&many, &are, 15, Binning::EqualWidth).unwrap();
        assert!((binned.expected_calibration_error(&weights) - error).abs() < 1e-12);
        assert!(ranked.auc(&vec![0; 300]).is_nan() && ranked.average_precision(&vec![0; 300]).is_nan());
    }
}
