//! Many claims at once: adjusted p-values for "which of these slices fail". A release that needs all its criteria does
//! not need this (an intersection-union test).

use crate::estimate::{Result, Undefined, check_closed};
use serde::{Deserialize, Serialize};

/// The ways to adjust.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Adjustment {
    /// Times the number of claims.
    Bonferroni,
    /// Šidák's 1 - (1 - p)^m, for independent claims.
    Sidak,
    /// Step-down Bonferroni (Holm 1979): never worse than Bonferroni, and as safe. The usual choice.
    Holm,
    /// Step-up Simes (Hochberg 1988), for independent or positively dependent claims.
    Hochberg,
    /// Hommel (1988): closed Simes, at least as strong as Hochberg.
    Hommel,
    /// False discovery rate (Benjamini & Hochberg 1995).
    BenjaminiHochberg,
    /// False discovery rate under any dependence (Benjamini & Yekutieli 2001).
    BenjaminiYekutieli,
}

/// Adjusted p-values, in the order given; reject those at or below the level.
///
/// ```
/// use remuda_stats::multiplicity::{Adjustment, adjust};
/// let adjusted = adjust(&[0.01, 0.04, 0.03], Adjustment::Holm)?;
/// assert!((adjusted[0] - 0.03).abs() < 1e-15 && (adjusted[1] - 0.06).abs() < 1e-15);
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// No p-values, or one outside [0, 1].
pub fn adjust(p_values: &[f64], adjustment: Adjustment) -> Result<Vec<f64>> {
    if p_values.is_empty() {
        return Err(Undefined::NoRows);
    }
    p_values.iter().try_for_each(|p| check_closed("a p-value", *p))?;
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|one, other| p_values[*one].total_cmp(&p_values[*other]));
    let sorted: Vec<f64> = order.iter().map(|index| p_values[*index]).collect();
    let adjusted = adjust_sorted(&sorted, adjustment);
    let mut answer = vec![0.0; p_values.len()];
    for (index, value) in order.iter().zip(adjusted) {
        answer[*index] = value.min(1.0);
    }
    Ok(answer)
}

fn adjust_sorted(sorted: &[f64], adjustment: Adjustment) -> Vec<f64> {
    let m = sorted.len() as f64;
    let rank = |index: usize| index as f64 + 1.0;
    let scaled = |factor: &dyn Fn(usize) -> f64| -> Vec<f64> {
        sorted.iter().enumerate().map(|(index, p)| p * factor(index)).collect()
    };
    match adjustment {
        Adjustment::Bonferroni => scaled(&|_| m),
        Adjustment::Sidak => sorted.iter().map(|p| -(m * (-p).ln_1p()).exp_m1()).collect(),
        Adjustment::Holm => rising(scaled(&|index| m - index as f64)),
        Adjustment::Hochberg => falling(scaled(&|index| m - index as f64)),
        Adjustment::BenjaminiHochberg => falling(scaled(&|index| m / rank(index))),
        Adjustment::BenjaminiYekutieli => {
            let harmonic: f64 = (1..=sorted.len()).map(|i| 1.0 / i as f64).sum();
            falling(scaled(&|index| harmonic * m / rank(index)))
        }
        Adjustment::Hommel => hommel(sorted),
    }
}

/// Running maximum: step-down procedures.
fn rising(mut values: Vec<f64>) -> Vec<f64> {
    for index in 1..values.len() {
        values[index] = values[index].max(values[index - 1]);
    }
    values
}

/// Running minimum from the end: step-up procedures.
fn falling(mut values: Vec<f64>) -> Vec<f64> {
    for index in (1..values.len()).rev() {
        values[index - 1] = values[index - 1].min(values[index]);
    }
    values
}

/// Wright (1992), "Adjusted p-values for simultaneous inference", the algorithm for Hommel's procedure. O(m²).
fn hommel(sorted: &[f64]) -> Vec<f64> {
    let n = sorted.len();
    let mut adjusted = sorted.to_vec();
    for m in (2..=n).rev() {
        // The Simes p-value of the m largest.
        let simes = (0..m).map(|i| m as f64 * sorted[n - m + i] / (i as f64 + 1.0)).fold(f64::INFINITY, f64::min);
        for (index, value) in adjusted.iter_mut().enumerate() {
            let bound = if index >= n - m { simes } else { simes.min(m as f64 * sorted[index]) };
            *value = value.max(bound);
        }
    }
    adjusted
}
