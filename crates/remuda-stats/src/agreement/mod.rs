//! Do annotators agree, and whom to believe: Cohen, Fleiss, Randolph, Krippendorff, vote shares, Dawid-Skene.
//!
//! Labels are numbers from 0; `None` is "did not label". Here the kappas; `krippendorff` and `dawid_skene` have the rest.

mod dawid_skene;
mod krippendorff;

pub use dawid_skene::{DawidSkene, dawid_skene, vote_shares};
pub use krippendorff::{Level, alpha};

use crate::estimate::{Interval, Result, Undefined, check_confidence, check_lengths, out_of_range};
use serde::{Deserialize, Serialize};

/// How much a disagreement counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Weights {
    /// Every disagreement alike.
    None,
    /// By the distance of the labels.
    Linear,
    /// By the squared distance.
    Quadratic,
}

/// Cohen's kappa of two annotators over `classes` labels; rows that one of them left out are skipped. Cohen (1960, 1968).
///
/// ```
/// use remuda_stats::agreement::{Weights, cohen_kappa};
/// let kappa = cohen_kappa(&[Some(0), Some(1), Some(1), Some(0)], &[Some(0), Some(1), Some(0), Some(0)], 2, Weights::None)?;
/// assert!((kappa - 0.5).abs() < 1e-15);
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// No row labelled by both, a label that is not below `classes`, or [`Undefined::OneValueOnly`] where chance alone
/// agrees wholly (0/0).
pub fn cohen_kappa(one: &[Option<u32>], other: &[Option<u32>], classes: usize, weights: Weights) -> Result<f64> {
    let table = table(one, other, classes)?;
    let (rows, columns) = margins(&table, classes);
    let distance = |i: usize, j: usize| {
        let gap = i.abs_diff(j) as f64;
        match weights {
            Weights::None => f64::from(u8::from(i != j)),
            Weights::Linear => gap,
            Weights::Quadratic => gap * gap,
        }
    };
    let (mut seen, mut by_chance) = (0.0, 0.0);
    for i in 0..classes {
        for j in 0..classes {
            seen += distance(i, j) * table[i * classes + j];
            by_chance += distance(i, j) * rows[i] * columns[j];
        }
    }
    if by_chance > 0.0 { Ok(1.0 - seen / by_chance) } else { Err(Undefined::OneValueOnly) }
}

/// Cohen's kappa with its error.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kappa {
    /// Kappa without weights.
    pub value: f64,
    /// The standard error of Fleiss, Cohen & Everitt (1969).
    pub standard_error: f64,
    /// The normal interval, two-sided.
    pub interval: Interval,
    /// Rows that both labelled.
    pub n: u64,
}

/// Unweighted kappa with the large-sample error of Fleiss, Cohen & Everitt (1969) and the normal interval at `level`.
///
/// # Errors
/// As [`cohen_kappa`], and a level outside (0, 1).
pub fn cohen_kappa_interval(one: &[Option<u32>], other: &[Option<u32>], classes: usize, level: f64) -> Result<Kappa> {
    check_confidence(level)?;
    let value = cohen_kappa(one, other, classes, Weights::None)?;
    let table = table(one, other, classes)?;
    let n = one.iter().zip(other).filter(|(a, b)| a.is_some() && b.is_some()).count() as f64;
    let (rows, columns) = margins(&table, classes);
    let chance: f64 = rows.iter().zip(&columns).map(|(r, c)| r * c).sum();
    let miss = 1.0 - value;
    let (mut diagonal, mut rest) = (0.0, 0.0);
    for i in 0..classes {
        for j in 0..classes {
            let share = table[i * classes + j];
            if i == j {
                diagonal += share * (1.0 - (rows[i] + columns[i]) * miss).powi(2);
            } else {
                rest += share * (columns[i] + rows[j]).powi(2);
            }
        }
    }
    let variance = (diagonal + miss * miss * rest - (value - chance * miss).powi(2)) / ((1.0 - chance).powi(2) * n);
    let standard_error = variance.max(0.0).sqrt();
    let half = crate::proportion::two_sided_z(level) * standard_error;
    Ok(Kappa { value, standard_error, interval: Interval { low: value - half, high: value + half }, n: n as u64 })
}

/// Fleiss' kappa of a table of items by labels: how many annotators gave each label to each item. Fleiss (1971).
///
/// # Errors
/// No items, items with different numbers of labels or fewer than two, or one label only.
pub fn fleiss_kappa(items: &[Vec<u64>]) -> Result<f64> {
    let (agreement, shares) = pairwise_agreement(items)?;
    let chance: f64 = shares.iter().map(|share| share * share).sum();
    if chance < 1.0 - 1e-12 { Ok((agreement - chance) / (1.0 - chance)) } else { Err(Undefined::OneValueOnly) }
}

/// Randolph's free-marginal kappa: chance is one over the number of labels (the table's width). Randolph (2005).
///
/// # Errors
/// As [`fleiss_kappa`], and fewer than two labels.
pub fn randolph_kappa(items: &[Vec<u64>]) -> Result<f64> {
    let (agreement, shares) = pairwise_agreement(items)?;
    if shares.len() < 2 {
        return Err(Undefined::OneValueOnly);
    }
    let chance = 1.0 / shares.len() as f64;
    Ok((agreement - chance) / (1.0 - chance))
}

/// The share of agreeing pairs of annotators, averaged over items, and the share of each label.
fn pairwise_agreement(items: &[Vec<u64>]) -> Result<(f64, Vec<f64>)> {
    let Some(first) = items.first() else {
        return Err(Undefined::NoRows);
    };
    let raters: u64 = first.iter().sum();
    if raters < 2 {
        return Err(Undefined::TooFew { needed: 2, have: raters });
    }
    let mut totals = vec![0.0; first.len()];
    let mut agreement = 0.0;
    for item in items {
        check_lengths(first.len(), item.len())?;
        let labels: u64 = item.iter().sum();
        if labels != raters {
            return Err(Undefined::UnequalLengths { left: raters, right: labels });
        }
        let squares: f64 = item.iter().map(|count| (*count as f64).powi(2)).sum();
        let raters = raters as f64;
        agreement += (squares - raters) / (raters * (raters - 1.0));
        for (total, count) in totals.iter_mut().zip(item) {
            *total += *count as f64;
        }
    }
    let all = items.len() as f64 * raters as f64;
    Ok((agreement / items.len() as f64, totals.iter().map(|total| total / all).collect()))
}

/// Shares of each pair of labels among the rows that both labelled.
fn table(one: &[Option<u32>], other: &[Option<u32>], classes: usize) -> Result<Vec<f64>> {
    check_lengths(one.len(), other.len())?;
    let mut table = vec![0.0; classes * classes];
    let mut n = 0.0;
    for (a, b) in one.iter().zip(other) {
        let (Some(a), Some(b)) = (a, b) else { continue };
        let largest = (*a).max(*b);
        if largest as usize >= classes {
            return Err(out_of_range("a label", f64::from(largest)));
        }
        table[*a as usize * classes + *b as usize] += 1.0;
        n += 1.0;
    }
    if n == 0.0 {
        return Err(Undefined::NoRows);
    }
    table.iter_mut().for_each(|cell| *cell /= n);
    Ok(table)
}

fn margins(table: &[f64], classes: usize) -> (Vec<f64>, Vec<f64>) {
    let (mut rows, mut columns) = (vec![0.0; classes], vec![0.0; classes]);
    for (index, share) in table.iter().enumerate() {
        rows[index / classes] += share;
        columns[index % classes] += share;
    }
    (rows, columns)
}
