//! Binary F1 with exact bounds. Macro and weighted F-scores go through `bootstrap::cells`.

use crate::estimate::{Estimate, Result, Undefined, check_confidence};
use crate::proportion::{lower_bound, upper_bound};

/// F1 = 2 TP / (2 TP + FP + FN) with exact one-sided bounds.
///
/// F1 is the increasing function 2J / (1 + J) of the Jaccard index J = TP / (TP + FP + FN), and given TP + FP + FN the
/// count TP is binomial, so Clopper-Pearson on J carries over (Wang & Li 2016 use the same conditioning). True
/// negatives do not matter.
///
/// ```
/// let f1 = remuda_stats::f1::binary(80, 20, 25, 0.975)?;
/// assert!((f1.value - 0.7804878048780488).abs() < 1e-12);
/// assert!((f1.lower - 0.7091098588900884).abs() < 1e-9);
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// [`Undefined::NoPositives`] when no row is positive or predicted to be: F1 is 0/0 there.
pub fn binary(true_positives: u64, false_positives: u64, false_negatives: u64, confidence: f64) -> Result<Estimate> {
    check_confidence(confidence)?;
    let n = true_positives + false_positives + false_negatives;
    if n == 0 {
        return Err(Undefined::NoPositives);
    }
    let from_jaccard = |j: f64| 2.0 * j / (1.0 + j);
    Ok(Estimate {
        value: from_jaccard(true_positives as f64 / n as f64),
        lower: from_jaccard(lower_bound(true_positives, n, 1.0 - confidence)),
        upper: from_jaccard(upper_bound(true_positives, n, 1.0 - confidence)),
        confidence,
        n,
        method: "exact binomial of TP / (TP + FP + FN)".to_owned(),
    })
}
