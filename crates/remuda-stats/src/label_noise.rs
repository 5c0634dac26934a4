//! What wrong labels do to a number: corrections when the error rates are known, bounds when only their size is.

use crate::estimate::{Interval, Result, Undefined, check_closed, out_of_range};
use serde::{Deserialize, Serialize};

/// A rate corrected for an imperfect test.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Corrected {
    /// The corrected rate, clipped to [0, 1].
    pub value: f64,
    /// Its standard error by the delta method, the error rates being estimates themselves.
    pub standard_error: f64,
}

/// A measured error rate of the labelling and the rows it was measured on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// The rate.
    pub value: f64,
    /// The rows behind it.
    pub n: u64,
}

/// The true rate behind an observed one, when labels find true positives with `sensitivity` and true negatives with
/// `specificity`: (p + sp - 1) / (se + sp - 1). Rogan & Gladen (1978); the variance in the form of Lang & Reiczigel
/// (2014).
///
/// # Errors
/// Rates outside [0, 1], no rows, or labels no better than chance (se + sp <= 1).
pub fn rogan_gladen(observed: Measured, sensitivity: Measured, specificity: Measured) -> Result<Corrected> {
    for (what, measured) in
        [("the observed rate", observed), ("the sensitivity", sensitivity), ("the specificity", specificity)]
    {
        check_closed(what, measured.value)?;
        if measured.n == 0 {
            return Err(Undefined::NoRows);
        }
    }
    let youden = sensitivity.value + specificity.value - 1.0;
    if youden <= 0.0 {
        return Err(out_of_range("sensitivity + specificity - 1", youden));
    }
    let raw = (observed.value + specificity.value - 1.0) / youden;
    let variance = |measured: Measured| measured.value * (1.0 - measured.value) / measured.n as f64;
    let total = variance(observed) + raw * raw * variance(sensitivity) + (1.0 - raw).powi(2) * variance(specificity);
    Ok(Corrected { value: raw.clamp(0.0, 1.0), standard_error: total.sqrt() / youden })
}

/// The least and greatest true accuracy when a share `label_error` of the labels is wrong, wherever the errors fall.
///
/// ```
/// let bounds = remuda_stats::label_noise::worst_case(0.93, 0.02)?;
/// assert!((bounds.low - 0.91).abs() < 1e-12 && (bounds.high - 0.95).abs() < 1e-12);
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// Shares outside [0, 1].
pub fn worst_case(accuracy: f64, label_error: f64) -> Result<Interval> {
    check_closed("the accuracy", accuracy)?;
    check_closed("the label error", label_error)?;
    Ok(Interval { low: (accuracy - label_error).max(0.0), high: (accuracy + label_error).min(1.0) })
}
