//! Split-conformal prediction: the score below which a new row falls with a promised chance.

use crate::estimate::{Result, Undefined, check_open};
use serde::{Deserialize, Serialize};

/// A conformal threshold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    /// The rank of the threshold among the calibration scores, starting at 1.
    pub rank: u64,
    /// The threshold: sets keep every answer whose score is not above it.
    pub score: f64,
}

/// The k-th smallest calibration score with k = ceil((n + 1)(1 - alpha)): a new row's score is at most that with chance
/// 1 - alpha or more. Vovk, Gammerman & Shafer (2005); Lei et al. (2018).
///
/// ```
/// let scores: Vec<f64> = (1..=99).map(f64::from).collect();
/// let threshold = remuda_stats::conformal::threshold(&scores, 0.1)?;
/// assert_eq!((threshold.rank, threshold.score), (90, 90.0));
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// No rows, NaN, alpha outside (0, 1), or [`Undefined::TooFew`] where the threshold would be infinite.
pub fn threshold(scores: &[f64], alpha: f64) -> Result<Threshold> {
    check_open("alpha", alpha)?;
    if scores.is_empty() {
        return Err(Undefined::NoRows);
    }
    let count = scores.iter().filter(|score| score.is_nan()).count() as u64;
    if count > 0 {
        return Err(Undefined::NotFinite { count });
    }
    let n = scores.len() as u64;
    let rank = rank(n, alpha);
    if rank > n {
        // k <= n needs (n + 1) alpha >= 1.
        let needed = (1.0 / alpha - 1.0 - 1e-9).ceil().max(1.0) as u64;
        return Err(Undefined::TooFew { needed, have: n });
    }
    Ok(Threshold { rank, score: crate::quantile::nth(&mut scores.to_vec(), rank) })
}

/// The rank ceil((n + 1)(1 - alpha)), which may exceed n; rounding of the product is forgiven.
#[must_use]
pub fn rank(n: u64, alpha: f64) -> u64 {
    ((n as f64 + 1.0) * (1.0 - alpha) - 1e-9).ceil().max(1.0) as u64
}
