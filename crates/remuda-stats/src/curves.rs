//! Curves over all thresholds of a score: sensitivity against false alarms (ROC), precision against recall. One sort
//! gives both; long curves are thinned for drawing, evenly along their length.

use crate::estimate::{Result, Undefined, check_finite, check_lengths};
use serde::{Deserialize, Serialize};

/// What happens when everything scored at least `threshold` is called positive.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// The threshold; the first point, where nothing is called positive, has that of the second.
    pub threshold: f64,
    /// Share of positive rows that are called positive (recall, sensitivity).
    pub recall: f64,
    /// Share of negative rows that are called positive.
    pub false_alarms: f64,
    /// Share of rows called positive that are; 1 where nothing is called positive.
    pub precision: f64,
}

/// The curve of a score from the strictest threshold to the most lenient, thinned to at most `most` points (both ends are
/// kept). Rows with equal scores are one step, so ties make a slope, as in the area under the curve.
///
/// ```
/// let curve = remuda_stats::curves::curve(&[0.9, 0.8, 0.7, 0.1], &[true, false, true, false], 100)?;
/// let steps: Vec<(f64, f64)> = curve.iter().map(|point| (point.false_alarms, point.recall)).collect();
/// assert_eq!(steps, [(0.0, 0.0), (0.0, 0.5), (0.5, 0.5), (0.5, 1.0), (1.0, 1.0)]);
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// No rows, one class only, columns of different length, or scores that are not finite.
pub fn curve(scores: &[f64], positive: &[bool], most: usize) -> Result<Vec<Point>> {
    check_lengths(scores.len(), positive.len())?;
    check_finite(scores)?;
    let mut rows: Vec<(f64, bool)> = scores.iter().copied().zip(positive.iter().copied()).collect();
    let positives = positive.iter().filter(|positive| **positive).count();
    let negatives = rows.len() - positives;
    if positives == 0 {
        return Err(if rows.is_empty() { Undefined::NoRows } else { Undefined::NoPositives });
    }
    if negatives == 0 {
        return Err(Undefined::NoNegatives);
    }
    rows.sort_unstable_by(|one, other| other.0.total_cmp(&one.0));
    let mut points = vec![Point { threshold: rows[0].0, recall: 0.0, false_alarms: 0.0, precision: 1.0 }];
    let (mut hits, mut alarms) = (0_usize, 0_usize);
    for (at, (score, is_positive)) in rows.iter().enumerate() {
        if *is_positive {
            hits += 1
        } else {
            alarms += 1
        }
        if rows.get(at + 1).is_none_or(|next| next.0 < *score) {
            points.push(Point {
                threshold: *score,
                recall: hits as f64 / positives as f64,
                false_alarms: alarms as f64 / negatives as f64,
                precision: hits as f64 / (hits + alarms) as f64,
            });
        }
    }
    Ok(thinned(points, most.max(2)))
}

/// Keeps at most `most` points, evenly along the way from (0, 0) to (1, 1).
fn thinned(points: Vec<Point>, most: usize) -> Vec<Point> {
    if points.len() <= most {
        return points;
    }
    // The way along both axes is 2 in all, whatever the curve.
    let stride = 2.0 / (most - 1) as f64;
    let last = points.len() - 1;
    let mut kept = Vec::with_capacity(most);
    let mut next = 0.0;
    for (at, point) in points.iter().enumerate() {
        let way = point.recall + point.false_alarms;
        if at == 0 || at == last || (way >= next && kept.len() + 1 < most) {
            kept.push(*point);
            next = way + stride;
        }
    }
    kept
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn a_thinned_curve_keeps_its_ends_and_nearly_its_area() {
        let scores: Vec<f64> = (0..5_000).map(|row| f64::from((row * 7_919) % 5_000)).collect();
        let positive: Vec<bool> = (0..5_000).map(|row| ((row * 7_919) % 5_000 + (row % 13) * 300) > 4_000).collect();
        let area = |curve: &[Point]| -> f64 {
            curve.windows(2).map(|p| (p[1].false_alarms - p[0].false_alarms) * (p[0].recall + p[1].recall) / 2.0).sum()
        };
        let whole = curve(&scores, &positive, usize::MAX).unwrap();
        let auc = crate::auc::estimate(&scores, &positive, 0.95).unwrap().value;
        assert!((area(&whole) - auc).abs() < 1e-12);
        let thin = curve(&scores, &positive, 60).unwrap();
        assert!(thin.len() <= 60 && (area(&thin) - auc).abs() < 2e-3, "{} points, {}", thin.len(), area(&thin));
        assert_eq!((thin[0], thin[thin.len() - 1]), (whole[0], whole[whole.len() - 1]));
    }

    #[test]
    fn what_has_no_curve_says_why() {
        assert_eq!(curve(&[], &[], 10), Err(Undefined::NoRows));
        assert_eq!(curve(&[0.5], &[true], 10), Err(Undefined::NoNegatives));
        assert_eq!(curve(&[0.5], &[false], 10), Err(Undefined::NoPositives));
        assert!(curve(&[f64::NAN, 0.5], &[true, false], 10).is_err());
        let tied = curve(&[0.5; 4], &[true, false, true, false], 10).unwrap();
        assert_eq!(tied.len(), 2);
    }
}
