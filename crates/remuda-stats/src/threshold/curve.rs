//! The mean cost over all thresholds, with a band, thinned for drawing.

use super::Ranked;
use crate::estimate::Result;
use crate::mean;

/// The mean cost at one threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// The threshold.
    pub threshold: f64,
    /// Positive rows that are taken as positive there.
    pub hits: u64,
    /// Negative rows that are.
    pub alarms: u64,
    /// The mean cost per row.
    pub mean_cost: f64,
    /// Its bounds for this threshold alone, each one-sided; none where every row costs the same.
    pub bounds: Option<(f64, f64)>,
}

/// Steps of the score, and of the share of rows, at which the curve is drawn.
const STEPS: usize = 100;
const SHARES: usize = 60;

impl Ranked {
    /// The cost by rising threshold: at each hundredth, and where each sixtieth of the rows ends, so that scores which
    /// crowd in a corner are drawn too. Bounds are those of [`mean::estimate`], pointwise: they hold for a threshold that
    /// was fixed before the rows were seen.
    ///
    /// # Errors
    /// A confidence outside of (0, 1).
    pub fn curve(&self, confidence: f64, also: &[f64]) -> Result<Vec<Point>> {
        crate::estimate::check_confidence(confidence)?;
        let rows = self.scores.len();
        let mut thresholds: Vec<f64> = (0..=STEPS).map(|step| step as f64 / STEPS as f64).collect();
        thresholds.extend((0..SHARES).map(|share| self.scores[share * (rows - 1) / SHARES]));
        thresholds.extend(also.iter().copied().filter(|threshold| (0.0..=1.0).contains(threshold)));
        thresholds.sort_unstable_by(f64::total_cmp);
        thresholds.dedup();
        let mut hits_of = Vec::with_capacity(rows + 1);
        let mut hits = 0;
        hits_of.push(0);
        for positive in &self.positive {
            hits += u64::from(*positive);
            hits_of.push(hits);
        }
        let point = |threshold: f64| {
            let taken = self.scores.partition_point(|score| *score >= threshold);
            let (hits, alarms) = (hits_of[taken], taken as u64 - hits_of[taken]);
            let moments = mean::moments_of_counts(&self.cells(hits, alarms));
            let bounds = mean::from_moments(moments, confidence).ok().map(|found| (found.lower, found.upper));
            Point { threshold, hits, alarms, mean_cost: moments.mean, bounds }
        };
        Ok(thresholds.into_iter().map(point).collect())
    }
}
