//! Confident learning: which given labels a model's out-of-sample probabilities speak against.
//!
//! Northcutt, Jiang & Chuang (2021), "Confident learning: estimating uncertainty in dataset labels", sections 3.1 and 3.2.

use crate::estimate::{Result, Undefined, check_lengths, out_of_range};
use serde::{Deserialize, Serialize};

/// A row whose label is in doubt.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Suspect {
    /// The row.
    pub row: usize,
    /// The class that its probabilities speak for.
    pub suggested: u32,
    /// Probability of the given class less that of the suggested one: the more below 0, the more in doubt.
    pub margin: f64,
}

/// Rows whose labels are in doubt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Suspects {
    /// The most doubtful first.
    pub rows: Vec<Suspect>,
    /// Rows that could be judged: of a class that the model knows.
    pub judged: u64,
}

/// The rows that count confidently as another class than the one given. A row counts as class j when its probability of j
/// is at least the mean that rows labelled j have; of several such classes, the likeliest. A row whose given class is the
/// likeliest of all is not in doubt. `probabilities` is row-major, rows x classes, and must be out of sample; labels beyond
/// the classes are left out.
///
/// ```
/// // Rows 0 to 3 are surely what they are called; row 4 is called 0 and looks like 1.
/// let probabilities = [0.9, 0.1, 0.8, 0.2, 0.1, 0.9, 0.2, 0.8, 0.05, 0.95];
/// let found = remuda_stats::confident::suspects(&probabilities, &[0, 0, 1, 1, 0], 2)?;
/// assert_eq!(found.rows.iter().map(|one| (one.row, one.suggested)).collect::<Vec<_>>(), [(4, 1)]);
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// No rows, fewer than two classes, or columns of different length.
pub fn suspects(probabilities: &[f32], given: &[u32], classes: usize) -> Result<Suspects> {
    if classes < 2 {
        return Err(out_of_range("the number of classes", classes as f64));
    }
    check_lengths(probabilities.len(), given.len() * classes)?;
    if given.is_empty() {
        return Err(Undefined::NoRows);
    }
    let row = |place: usize| &probabilities[place * classes..(place + 1) * classes];
    let known = || given.iter().enumerate().filter(|(_, label)| (**label as usize) < classes);
    let (mut sums, mut counts) = (vec![0.0_f64; classes], vec![0_u64; classes]);
    for (place, label) in known() {
        sums[*label as usize] += f64::from(row(place)[*label as usize]);
        counts[*label as usize] += 1;
    }
    // A class without rows has no mean to reach.
    let bars: Vec<f64> = sums
        .iter()
        .zip(&counts)
        .map(|(sum, count)| if *count > 0 { sum / *count as f64 } else { f64::INFINITY })
        .collect();
    let mut rows = Vec::new();
    for (place, label) in known() {
        let chances = row(place);
        let reaches = |class: &usize| f64::from(chances[*class]) >= bars[*class];
        let likeliest = (0..classes).filter(reaches).max_by(|one, other| chances[*one].total_cmp(&chances[*other]));
        // Where the given class is the likeliest of all, the model agrees with it, whatever a lower bar says.
        let agrees = chances.iter().all(|chance| *chance <= chances[*label as usize]);
        if let Some(suggested) = likeliest.filter(|class| *class != *label as usize && !agrees) {
            let margin = f64::from(chances[*label as usize]) - f64::from(chances[suggested]);
            rows.push(Suspect { row: place, suggested: suggested as u32, margin });
        }
    }
    rows.sort_by(|one, other| one.margin.total_cmp(&other.margin).then(one.row.cmp(&other.row)));
    Ok(Suspects { rows, judged: known().count() as u64 })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;
    use crate::random::Stream;

    #[test]
    fn flipped_labels_are_found_and_few_others() {
        let mut random = Stream::new(11, 2);
        let (mut probabilities, mut given, mut flipped) = (Vec::new(), Vec::new(), Vec::new());
        for row in 0..2_000 {
            let truth = u32::from(random.open() < 0.4);
            // A good model: it is mostly sure of the truth.
            let sure = 0.7 + 0.29 * random.open();
            let chance = if truth == 1 { sure } else { 1.0 - sure };
            probabilities.extend([1.0 - chance as f32, chance as f32]);
            let flip = row % 20 == 7;
            flipped.push(flip);
            given.push(if flip { 1 - truth } else { truth });
        }
        let found = suspects(&probabilities, &given, 2).unwrap();
        let hits = found.rows.iter().filter(|one| flipped[one.row]).count();
        assert_eq!(found.judged, 2_000);
        assert!(hits >= 40 && found.rows.len() - hits <= 5, "{hits} of 100 flipped, {} in all", found.rows.len());
        assert!(found.rows.windows(2).all(|pair| pair[0].margin <= pair[1].margin));
    }

    #[test]
    fn extremes_have_an_answer() {
        assert_eq!(suspects(&[], &[], 2), Err(Undefined::NoRows));
        assert!(suspects(&[0.5], &[0], 1).is_err() && suspects(&[0.5, 0.5, 0.1], &[0, 1], 2).is_err());
        // A label that the model does not know cannot be judged.
        let found = suspects(&[0.9, 0.1, 0.9, 0.1], &[0, 5], 2).unwrap();
        assert_eq!((found.rows.len(), found.judged), (0, 1));
    }
}
