//! Distances and tests between two numeric samples: Kolmogorov-Smirnov, Wasserstein, energy, Mann-Whitney, Cramér-von
//! Mises. Histograms are in `binned`.

use super::Drift;
use crate::estimate::{Result, Undefined, check_finite};
use crate::special::{kolmogorov, normal};
use serde::{Deserialize, Serialize};

/// The mean of Kolmogorov's limit law, sqrt(pi / 2) ln 2: what chance gives, times sqrt(1/n + 1/m).
pub(crate) const MEAN_OF_KOLMOGOROV: f64 = 0.868_730_605_5;

/// Drift of a numeric column from two samples: the Kolmogorov-Smirnov distance with its p-value (exact up to 4,000,000
/// pairs, then the limit law). With ties the p-value is cautious.
///
/// # Errors
/// No rows on a side, or values that are not finite.
pub fn drift(reference: &[f64], live: &[f64]) -> Result<Drift> {
    let distances = distances(reference, live)?;
    let (n, m) = (reference.len() as u64, live.len() as u64);
    Ok(Drift {
        distance: distances.kolmogorov_smirnov,
        expected_by_chance: (MEAN_OF_KOLMOGOROV * (1.0 / n as f64 + 1.0 / m as f64).sqrt()).min(1.0),
        p_value: kolmogorov::two_sample_tail(distances.kolmogorov_smirnov, n, m),
        n_reference: n,
        n_live: m,
        method: "Kolmogorov-Smirnov".to_owned(),
    })
}

/// Distances between two samples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct NumericDistances {
    /// The largest gap between the two empirical distribution functions.
    pub kolmogorov_smirnov: f64,
    /// The area between them, in the unit of the column.
    pub wasserstein: f64,
    /// The area over the reference's standard deviation (n below); `None` when the reference is constant.
    pub wasserstein_in_deviations: Option<f64>,
    /// The energy distance (Székely & Rizzo 2013).
    pub energy: f64,
}

/// All distances in one pass over the two sorted samples.
///
/// ```
/// let distances = remuda_stats::drift::numeric::distances(&[0.0, 1.0, 3.0], &[5.0, 6.0, 8.0])?;
/// assert!((distances.wasserstein - 5.0).abs() < 1e-12);
/// assert_eq!(distances.kolmogorov_smirnov, 1.0);
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// No rows on a side, or values that are not finite.
pub fn distances(reference: &[f64], live: &[f64]) -> Result<NumericDistances> {
    let (from, to) = (sorted(reference)?, sorted(live)?);
    let (n, m) = (from.len() as f64, to.len() as f64);
    let (mut i, mut j) = (0, 0);
    let (mut largest, mut area, mut squared) = (0.0_f64, 0.0, 0.0);
    let mut gap = 0.0_f64;
    let mut previous = f64::NAN;
    while i < from.len() || j < to.len() {
        let here = match (from.get(i), to.get(j)) {
            (Some(a), Some(b)) => a.min(*b),
            (Some(a), None) => *a,
            (None, Some(b)) => *b,
            (None, None) => break,
        };
        if !previous.is_nan() {
            area += gap.abs() * (here - previous);
            squared += gap * gap * (here - previous);
        }
        while from.get(i).is_some_and(|value| *value <= here) {
            i += 1;
        }
        while to.get(j).is_some_and(|value| *value <= here) {
            j += 1;
        }
        gap = i as f64 / n - j as f64 / m;
        largest = largest.max(gap.abs());
        previous = here;
    }
    let moments = crate::mean::moments(&from);
    let deviation = (moments.variance * (n - 1.0) / n).max(0.0).sqrt();
    Ok(NumericDistances {
        kolmogorov_smirnov: largest,
        wasserstein: area,
        wasserstein_in_deviations: if deviation > 0.0 { Some(area / deviation) } else { None },
        energy: (2.0 * squared).sqrt(),
    })
}

/// A two-sample test: its statistic and its p-value.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SampleTest {
    /// The statistic.
    pub statistic: f64,
    /// The two-sided p-value.
    pub p_value: f64,
}

/// Mann-Whitney U of the first sample, with the normal approximation, tie and continuity correction; exact for two
/// samples without ties of which one has at most eight rows. Mann & Whitney (1947).
///
/// # Errors
/// No rows on a side, values that are not finite, or all values equal.
pub fn mann_whitney(first: &[f64], second: &[f64]) -> Result<SampleTest> {
    let (rank_sum, ties) = first_rank_sum(first, second)?;
    let (n, m) = (first.len() as f64, second.len() as f64);
    let u = rank_sum - n * (n + 1.0) / 2.0;
    if ties == 0.0 && (first.len() <= 8 || second.len() <= 8) && first.len() * second.len() <= 1_000_000 {
        let larger = u.max(n * m - u);
        let p = 2.0 * mann_whitney_tail(larger as usize, first.len(), second.len());
        return Ok(SampleTest { statistic: u, p_value: p.min(1.0) });
    }
    let total = n + m;
    let variance = n * m / 12.0 * (total + 1.0 - ties / (total * (total - 1.0)));
    if variance <= 0.0 {
        return Err(Undefined::OneValueOnly);
    }
    let z = (u.max(n * m - u) - n * m / 2.0 - 0.5) / variance.sqrt();
    Ok(SampleTest { statistic: u, p_value: (2.0 * normal::tail(z)).min(1.0) })
}

/// P(U >= u) without ties, by the recurrence of Mann & Whitney over the partitions of u.
fn mann_whitney_tail(u: usize, n: usize, m: usize) -> f64 {
    let (small, large) = (n.min(m), n.max(m));
    let size = small * large;
    // Counts of subsets as shares: multiply by (1 - q^(large + i)) / (1 - q^i) for each i (Gaussian binomial).
    let mut shares = vec![0.0; size + 1];
    shares[0] = 1.0;
    for i in 1..=small {
        for value in ((large + i)..=size).rev() {
            shares[value] -= shares[value - large - i];
        }
        for value in i..=size {
            shares[value] += shares[value - i];
        }
    }
    let total: f64 = shares.iter().sum();
    shares[u.min(size)..].iter().sum::<f64>() / total
}

/// Two-sample Cramér-von Mises: T of Anderson (1962) with the p-value of its limit law adjusted by the first two
/// moments at these sizes.
///
/// # Errors
/// Fewer than two rows on a side, or values that are not finite.
pub fn cramer_von_mises(first: &[f64], second: &[f64]) -> Result<SampleTest> {
    let (one, two) = (sorted(first)?, sorted(second)?);
    for rows in [one.len(), two.len()] {
        if rows < 2 {
            return Err(Undefined::TooFew { needed: 2, have: rows as u64 });
        }
    }
    let ranks = midranks(&one, &two);
    let (n, m) = (one.len() as f64, two.len() as f64);
    let part = |ranks: &[f64]| -> f64 {
        ranks.iter().enumerate().map(|(index, rank)| (rank - (index as f64 + 1.0)).powi(2)).sum()
    };
    let u = n * part(&ranks.0) + m * part(&ranks.1);
    let (product, total) = (n * m, n + m);
    let statistic = u / (product * total) - (4.0 * product - 1.0) / (6.0 * total);
    let mean = (1.0 + 1.0 / total) / 6.0;
    let variance = (total + 1.0) * (4.0 * product * total - 3.0 * (n * n + m * m) - 2.0 * product)
        / (45.0 * total * total * 4.0 * product);
    let adjusted = 1.0 / 6.0 + (statistic - mean) / (45.0 * variance).sqrt();
    Ok(SampleTest {
        statistic,
        p_value: if adjusted < 0.003 { 1.0 } else { (1.0 - limit_cdf(adjusted)).clamp(0.0, 1.0) },
    })
}

/// The limit distribution of Cramér-von Mises (Csörgő & Faraway 1996, equation 1.2) through the Bessel function K(1/4).
fn limit_cdf(x: f64) -> f64 {
    let mut sum = 0.0;
    let mut coefficient = 1.0;
    for k in 0..200_u32 {
        let index = f64::from(k);
        if k > 0 {
            // Γ(k + 1/2) / (Γ(1/2) k!).
            coefficient *= (index - 0.5) / index;
        }
        let y = 4.0 * index + 1.0;
        let q = y * y / (16.0 * x);
        // One factor e^-q is the formula's, the other undoes the scaling of K.
        let term = coefficient * y.sqrt() * (-2.0 * q).exp() * scaled_bessel_quarter(q);
        sum += term;
        if term.abs() < 1e-16 {
            break;
        }
    }
    sum / (std::f64::consts::PI * x.sqrt())
}

/// e^q K(1/4, q) by the trapezoidal rule on its integral ∫ exp(-q (cosh t - 1)) cosh(t / 4) dt, which converges
/// faster than any power of the step.
fn scaled_bessel_quarter(q: f64) -> f64 {
    let step = 0.02_f64.min(0.2 / q.sqrt());
    let mut sum = 0.5;
    for i in 1..100_000_u32 {
        let t = f64::from(i) * step;
        let half = (t / 2.0).sinh();
        let term = (-2.0 * q * half * half).exp() * (t / 4.0).cosh();
        sum += term;
        if term < 1e-18 {
            break;
        }
    }
    sum * step
}

fn sorted(values: &[f64]) -> Result<Vec<f64>> {
    check_finite(values)?;
    let mut work = values.to_vec();
    work.sort_unstable_by(f64::total_cmp);
    Ok(work)
}

/// The rank sum of the first sample in the pooled one, and the tie term Σ (t³ - t).
fn first_rank_sum(first: &[f64], second: &[f64]) -> Result<(f64, f64)> {
    let (one, two) = (sorted(first)?, sorted(second)?);
    let mut ties = 0.0;
    let sum = walk_ties(&one, &two, |before, in_first, in_second| {
        let tied = (in_first + in_second) as f64;
        ties += tied * tied * tied - tied;
        in_first as f64 * (before as f64 + (tied + 1.0) / 2.0)
    });
    Ok((sum, ties))
}

/// The midranks of both sorted samples in the pooled one.
fn midranks(one: &[f64], two: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let (mut of_one, mut of_two) = (Vec::with_capacity(one.len()), Vec::with_capacity(two.len()));
    walk_ties(one, two, |before, in_first, in_second| {
        let rank = before as f64 + ((in_first + in_second) as f64 + 1.0) / 2.0;
        of_one.extend(std::iter::repeat_n(rank, in_first));
        of_two.extend(std::iter::repeat_n(rank, in_second));
        0.0
    });
    (of_one, of_two)
}

/// Calls `visit(rows before, tied rows of one, tied rows of two)` for each distinct value and adds up what it returns.
fn walk_ties(one: &[f64], two: &[f64], mut visit: impl FnMut(usize, usize, usize) -> f64) -> f64 {
    let (mut i, mut j) = (0, 0);
    let mut sum = 0.0;
    while i < one.len() || j < two.len() {
        let here = match (one.get(i), two.get(j)) {
            (Some(a), Some(b)) => a.min(*b),
            (Some(a), None) => *a,
            (None, Some(b)) => *b,
            (None, None) => break,
        };
        let in_one = one[i..].iter().take_while(|value| **value <= here).count();
        let in_two = two[j..].iter().take_while(|value| **value <= here).count();
        sum += visit(i + j, in_one, in_two);
        i += in_one;
        j += in_two;
    }
    sum
}
