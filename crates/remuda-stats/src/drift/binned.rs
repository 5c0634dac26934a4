//! Distances of two histograms over the same bins: what is left when raw values are not kept.

use super::{Drift, category_distances};
use crate::estimate::{Result, Undefined, check_finite, check_lengths};

/// Drift of a numeric column from counts in shared, ordered bins. The distance is Kolmogorov-Smirnov on the bins; the
/// p-value is the chi-square one, which ties do not harm.
///
/// # Errors
/// As [`category_distances`].
pub fn drift(reference: &[u64], live: &[u64]) -> Result<Drift> {
    let table = category_distances(reference, live)?;
    let (n, m) = (table.n_reference as f64, table.n_live as f64);
    Ok(Drift {
        distance: kolmogorov_smirnov(reference, live)?,
        expected_by_chance: super::numeric::MEAN_OF_KOLMOGOROV * (1.0 / n + 1.0 / m).sqrt(),
        p_value: table.p_value,
        n_reference: table.n_reference,
        n_live: table.n_live,
        method: "Kolmogorov-Smirnov distance on bins, chi-square test".to_owned(),
    })
}

/// The largest gap between the two cumulative shares at bin ends: a lower bound of the distance of the raw samples.
///
/// # Errors
/// Different numbers of bins, or no rows on a side.
pub fn kolmogorov_smirnov(reference: &[u64], live: &[u64]) -> Result<f64> {
    Ok(gaps(reference, live)?.into_iter().fold(0.0, |largest: f64, gap| largest.max(gap.abs())))
}

/// Wasserstein-1 between two histograms, all rows of a bin placed at its centre. `centres` ascend.
///
/// # Errors
/// Different lengths, no rows on a side, or centres that are not finite.
pub fn wasserstein(centres: &[f64], reference: &[u64], live: &[u64]) -> Result<f64> {
    let gaps = prepared(centres, reference, live)?;
    Ok(gaps.iter().zip(centres.windows(2)).map(|(gap, pair)| gap.abs() * (pair[1] - pair[0])).sum())
}

/// The energy distance between two histograms, all rows of a bin placed at its centre: the root of twice the integral of
/// the squared gap (Székely & Rizzo 2013).
///
/// # Errors
/// As [`wasserstein`].
pub fn energy(centres: &[f64], reference: &[u64], live: &[u64]) -> Result<f64> {
    let gaps = prepared(centres, reference, live)?;
    let integral: f64 = gaps.iter().zip(centres.windows(2)).map(|(gap, pair)| gap * gap * (pair[1] - pair[0])).sum();
    Ok((2.0 * integral).sqrt())
}

fn prepared(centres: &[f64], reference: &[u64], live: &[u64]) -> Result<Vec<f64>> {
    check_finite(centres)?;
    check_lengths(centres.len(), reference.len())?;
    gaps(reference, live)
}

/// Reference minus live cumulative share after each bin.
fn gaps(reference: &[u64], live: &[u64]) -> Result<Vec<f64>> {
    check_lengths(reference.len(), live.len())?;
    let n: u64 = reference.iter().sum();
    let m: u64 = live.iter().sum();
    if n == 0 || m == 0 {
        return Err(Undefined::NoRows);
    }
    let (mut before, mut now) = (0, 0);
    Ok(reference
        .iter()
        .zip(live)
        .map(|(from, to)| {
            before += from;
            now += to;
            before as f64 / n as f64 - now as f64 / m as f64
        })
        .collect())
}
