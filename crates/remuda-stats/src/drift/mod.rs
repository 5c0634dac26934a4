//! Has a column changed between a reference and now? Distances with the size that chance alone explains.
//!
//! With a million rows every test rejects and with fifty none does, so a verdict needs both: a distance (how much), what
//! chance alone would give at these sizes, and a p-value. Here the shape and the tests on categories; `numeric` has the
//! distances of raw samples, `binned` those of histograms.

pub mod binned;
pub mod numeric;

use crate::estimate::{Result, Undefined, check_confidence, check_lengths, out_of_range};
use crate::special::gamma;
use serde::{Deserialize, Serialize};

/// A size-aware statement about one column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// How far apart the two are, in the unit of `method`.
    pub distance: f64,
    /// The distance that chance alone would give on average at these sizes, were nothing changed.
    pub expected_by_chance: f64,
    /// The chance of a distance at least as large, were nothing changed.
    pub p_value: f64,
    /// Rows of the reference.
    pub n_reference: u64,
    /// Rows of the live sample.
    pub n_live: u64,
    /// The distance and the test.
    pub method: String,
}

/// Drift of a categorical column from its counts per category, in the same order in both; a category unknown to one
/// side has count 0 there.
///
/// The distance is the Jensen-Shannon distance to base 2 (0 same, 1 disjoint); the p-value is Pearson's chi-square test
/// of homogeneity. Under no change the Jensen-Shannon divergence is about chi-square / (8 ln 2) times (1/N + 1/M)
/// (Lin 1991 for the divergence; its second-order expansion is Pearson's statistic), which gives what chance explains.
///
/// ```
/// let drift = remuda_stats::drift::categories(&[50, 30, 15, 5, 0], &[400, 350, 180, 60, 10])?;
/// assert!((drift.distance - 0.10824834696321627).abs() < 1e-9);
/// assert!((drift.p_value - 0.3430812100177938).abs() < 1e-9);
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// Columns of different length, no rows on a side, or a single category.
pub fn categories(reference: &[u64], live: &[u64]) -> Result<Drift> {
    let distances = category_distances(reference, live)?;
    let (n, m) = (distances.n_reference as f64, distances.n_live as f64);
    let mean_divergence = distances.freedom * (1.0 / n + 1.0 / m) / (8.0 * std::f64::consts::LN_2);
    Ok(Drift {
        distance: distances.jensen_shannon,
        expected_by_chance: mean_divergence.sqrt().min(1.0),
        p_value: distances.p_value,
        n_reference: distances.n_reference,
        n_live: distances.n_live,
        method: "Jensen-Shannon distance, chi-square test".to_owned(),
    })
}

/// The usual distances between two tables of counts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CategoryDistances {
    /// Rows of the reference.
    pub n_reference: u64,
    /// Rows of the live sample.
    pub n_live: u64,
    /// Pearson's chi-square of homogeneity.
    pub chi_square: f64,
    /// Its degrees of freedom: categories that occur, less one.
    pub freedom: f64,
    /// Its p-value.
    pub p_value: f64,
    /// Jensen-Shannon distance, base 2 (the root of the divergence).
    pub jensen_shannon: f64,
    /// Total variation: half the sum of absolute differences.
    pub total_variation: f64,
    /// Hellinger distance.
    pub hellinger: f64,
    /// The largest absolute difference of a share.
    pub largest_difference: f64,
    /// Population stability index, zero shares replaced by 1e-4 and not renormalised.
    pub stability_index: f64,
    /// Cramér's V: chi-square over the number of rows, as a root.
    pub cramers_v: f64,
}

/// All distances between two tables of counts; see [`CategoryDistances`].
///
/// # Errors
/// As [`categories`].
pub fn category_distances(reference: &[u64], live: &[u64]) -> Result<CategoryDistances> {
    check_lengths(reference.len(), live.len())?;
    let n_reference: u64 = reference.iter().sum();
    let n_live: u64 = live.iter().sum();
    if n_reference == 0 || n_live == 0 {
        return Err(Undefined::NoRows);
    }
    let (n, m) = (n_reference as f64, n_live as f64);
    let mut occurring = 0.0;
    let (mut chi_square, mut divergence, mut variation, mut squares) = (0.0, 0.0, 0.0, 0.0);
    let (mut largest, mut stability) = (0.0_f64, 0.0);
    for (from, to) in reference.iter().zip(live) {
        let (from, to) = (*from as f64, *to as f64);
        if from + to == 0.0 {
            continue;
        }
        occurring += 1.0;
        let (p, q) = (from / n, to / m);
        let (expected_from, expected_to) = ((from + to) * n / (n + m), (from + to) * m / (n + m));
        chi_square += (from - expected_from).powi(2) / expected_from + (to - expected_to).powi(2) / expected_to;
        let middle = (p + q) / 2.0;
        divergence += entropy_term(p, middle) + entropy_term(q, middle);
        variation += (p - q).abs();
        squares += (p.sqrt() - q.sqrt()).powi(2);
        largest = largest.max((p - q).abs());
        stability += stability_term(p, q);
    }
    if occurring < 2.0 {
        return Err(Undefined::OneValueOnly);
    }
    let freedom = occurring - 1.0;
    Ok(CategoryDistances {
        n_reference,
        n_live,
        chi_square,
        freedom,
        p_value: gamma::chi_square_tail(chi_square, freedom),
        jensen_shannon: (divergence / 2.0 / std::f64::consts::LN_2).max(0.0).sqrt().min(1.0),
        total_variation: variation / 2.0,
        hellinger: (squares / 2.0).sqrt(),
        largest_difference: largest,
        stability_index: stability,
        cramers_v: (chi_square / (n + m)).sqrt(),
    })
}

/// The largest population stability index that chance explains at `level`, for `bins` bins and two sample sizes.
///
/// PSI * N M / (N + M) is about chi-square with bins - 1 degrees (Yurdakul & Naranjo 2020, "Statistical properties of
/// the population stability index"). The customary 0.1 and 0.2 ignore the sizes.
///
/// ```
/// let critical = remuda_stats::drift::stability_index_critical(10, 1000, 100, 0.95)?;
/// assert!((critical - 0.1861087536508249).abs() < 1e-9);
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// Fewer than two bins, no rows, or a level outside (0, 1).
pub fn stability_index_critical(bins: u64, n_reference: u64, n_live: u64, level: f64) -> Result<f64> {
    check_confidence(level)?;
    let scale = stability_scale(bins, n_reference, n_live)?;
    Ok(gamma::chi_square_quantile(level, bins as f64 - 1.0) * scale)
}

/// The chance of a population stability index at least as large, were nothing changed.
///
/// # Errors
/// As [`stability_index_critical`].
pub fn stability_index_p_value(index: f64, bins: u64, n_reference: u64, n_live: u64) -> Result<f64> {
    if !(index >= 0.0 && index.is_finite()) {
        return Err(out_of_range("the stability index", index));
    }
    let scale = stability_scale(bins, n_reference, n_live)?;
    Ok(gamma::chi_square_tail(index / scale, bins as f64 - 1.0))
}

fn stability_scale(bins: u64, n_reference: u64, n_live: u64) -> Result<f64> {
    if n_reference == 0 || n_live == 0 {
        return Err(Undefined::NoRows);
    }
    if bins < 2 {
        return Err(Undefined::OneValueOnly);
    }
    Ok(1.0 / n_reference as f64 + 1.0 / n_live as f64)
}

fn entropy_term(share: f64, middle: f64) -> f64 {
    if share > 0.0 { share * (share / middle).ln() } else { 0.0 }
}

fn stability_term(p: f64, q: f64) -> f64 {
    let (p, q) = (if p > 0.0 { p } else { 1e-4 }, if q > 0.0 { q } else { 1e-4 });
    (p - q) * (p / q).ln()
}
