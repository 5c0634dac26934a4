//! Vote shares, and the model of Dawid & Skene: what each item probably is and how each annotator errs.

use crate::estimate::{Result, Undefined, out_of_range};
use serde::{Deserialize, Serialize};

/// Chances below this are raised to it inside the iteration, as no finite number of labels proves an impossibility.
const FLOOR: f64 = 1e-10;

/// The share of each label among an item's annotators: `shares[item][label]`. Ties stay ties.
///
/// # Errors
/// No items, an item without labels, or a label that is not below `classes`.
pub fn vote_shares(items: &[Vec<Option<u32>>], classes: usize) -> Result<Vec<Vec<f64>>> {
    if items.is_empty() || classes == 0 {
        return Err(Undefined::NoRows);
    }
    items
        .iter()
        .map(|item| {
            let mut shares = vec![0.0; classes];
            let mut votes = 0.0;
            for label in item.iter().flatten() {
                let slot = shares.get_mut(*label as usize).ok_or_else(|| out_of_range("a label", f64::from(*label)))?;
                *slot += 1.0;
                votes += 1.0;
            }
            if votes == 0.0 {
                return Err(Undefined::NoRows);
            }
            shares.iter_mut().for_each(|share| *share /= votes);
            Ok(shares)
        })
        .collect()
}

/// The fitted model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DawidSkene {
    /// The chance of each true label: `posterior[item][true]`.
    pub posterior: Vec<Vec<f64>>,
    /// How common each true label is.
    pub prior: Vec<f64>,
    /// How each annotator answers: `confusion[annotator][observed][true]`; columns sum to one. Answers never given by
    /// an annotator are 0.
    pub confusion: Vec<Vec<Vec<f64>>>,
}

/// Dawid & Skene (1979), "Maximum likelihood estimation of observer error-rates using the EM algorithm", started from
/// the vote shares and run for `iterations` rounds.
///
/// # Errors
/// As [`vote_shares`].
pub fn dawid_skene(items: &[Vec<Option<u32>>], classes: usize, iterations: u32) -> Result<DawidSkene> {
    let mut posterior = vote_shares(items, classes)?;
    let annotators = items.iter().map(Vec::len).max().unwrap_or(0);
    let mut prior = mean_posterior(&posterior, classes);
    let mut confusion = confusions(items, &posterior, annotators, classes);
    for _ in 0..iterations {
        posterior = expect(items, &prior, &confusion, classes);
        prior = mean_posterior(&posterior, classes);
        confusion = confusions(items, &posterior, annotators, classes);
    }
    Ok(DawidSkene { posterior, prior, confusion })
}

fn expect(items: &[Vec<Option<u32>>], prior: &[f64], confusion: &[Vec<Vec<f64>>], classes: usize) -> Vec<Vec<f64>> {
    items
        .iter()
        .map(|item| {
            let logs: Vec<f64> = (0..classes)
                .map(|class| {
                    let votes = item.iter().enumerate().filter_map(|(who, label)| label.map(|label| (who, label)));
                    let likelihood: f64 = votes.map(|(who, label)| confusion[who][label as usize][class].ln()).sum();
                    prior[class].max(FLOOR).ln() + likelihood
                })
                .collect();
            let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let chances: Vec<f64> = logs.iter().map(|log| (log - most).exp()).collect();
            let sum: f64 = chances.iter().sum();
            chances.iter().map(|chance| chance / sum).collect()
        })
        .collect()
}

fn mean_posterior(posterior: &[Vec<f64>], classes: usize) -> Vec<f64> {
    let mut mean = vec![0.0; classes];
    for item in posterior {
        for (sum, chance) in mean.iter_mut().zip(item) {
            *sum += chance / posterior.len() as f64;
        }
    }
    mean
}

fn confusions(
    items: &[Vec<Option<u32>>],
    posterior: &[Vec<f64>],
    annotators: usize,
    classes: usize,
) -> Vec<Vec<Vec<f64>>> {
    let mut confusion = vec![vec![vec![0.0; classes]; classes]; annotators];
    let mut given = vec![vec![false; classes]; annotators];
    for (item, chances) in items.iter().zip(posterior) {
        for (who, label) in item.iter().enumerate() {
            let Some(label) = label else { continue };
            given[who][*label as usize] = true;
            for (cell, chance) in confusion[who][*label as usize].iter_mut().zip(chances) {
                *cell += chance;
            }
        }
    }
    for (table, given) in confusion.iter_mut().zip(&given) {
        for (row, given) in table.iter_mut().zip(given) {
            if *given {
                row.iter_mut().for_each(|cell| *cell = cell.max(FLOOR));
            }
        }
        for class in 0..classes {
            let sum: f64 = table.iter().map(|row| row[class]).sum();
            if sum > 0.0 {
                table.iter_mut().for_each(|row| row[class] /= sum);
            }
        }
    }
    confusion
}
