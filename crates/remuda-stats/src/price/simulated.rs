//! Prices by simulation, for criteria whose power has no formula: the square-root law gives a first number of labels,
//! samples of that size are drawn and judged by the very method that decides, and the number is moved until the chance
//! of *met* is what a price buys.

use super::{Direction, Offer, POWER, Price, scaled};
use crate::auc;
use crate::bootstrap::{self, draw_multinomial};
use crate::estimate::{Estimate, Result};
use crate::random::Stream;
use crate::special::normal;

/// Samples drawn at each number of labels: the chance is then known to about three points.
const TRIES: u64 = 200;
/// Times that the number of labels is moved.
const MOVES: usize = 4;
/// How near to the power asked for is near enough.
const NEAR: f64 = 0.04;
/// Larger samples are left to the law, which holds there.
const MOST_ROWS: u64 = 20_000;
/// Resamples of one simulated decision.
const REPLICATES: u32 = 200;
/// More cells than these would take minutes.
const MOST_CELLS: usize = 64;

/// The price of a criterion on the area under the ROC curve. Scores are drawn from two normal distributions whose area is
/// the assumed one (Obuchowski & McClish 1997), with the classes' shares as they are.
///
/// ```
/// use remuda_stats::{auc, price::{self, Direction}};
/// let scores: Vec<f64> = (0..300).map(|row| f64::from((row * 37) % 100) + f64::from(row % 3) * 22.0).collect();
/// let positive: Vec<bool> = (0..300).map(|row| row % 3 == 2).collect();
/// let estimate = auc::estimate(&scores, &positive, 0.95)?;
/// let price = price::auc(&estimate, 1.0 / 3.0, Direction::AtLeast, estimate.value - 0.03)?;
/// let offer = price.expected.unwrap();
/// assert!(offer.chance > 0.7 && offer.labels > 300, "{offer:?}");
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// As [`scaled`].
pub fn auc(estimate: &Estimate, positive_share: f64, direction: Direction, threshold: f64) -> Result<Price> {
    let price = scaled(estimate, direction, threshold)?;
    let confidence = estimate.confidence;
    Ok(refined(price, |labels, assumed, number| {
        let distance = std::f64::consts::SQRT_2 * normal::quantile(assumed.clamp(1e-6, 1.0 - 1e-6));
        let mut random = Stream::new(SEED, number);
        let mut draw = || normal::quantile(random.open());
        let positives = ((labels as f64 * positive_share).round() as usize).clamp(1, labels as usize - 1);
        let positive: Vec<bool> = (0..labels as usize).map(|row| row < positives).collect();
        let scores: Vec<f64> =
            positive.iter().map(|is_positive| draw() + if *is_positive { distance } else { 0.0 }).collect();
        auc::estimate(&scores, &positive, confidence).is_ok_and(|found| is_met(&found, direction, threshold))
    }))
}

/// The price of a criterion on a statistic of a square table of truth (rows) against prediction, decided by resampling its
/// cells. The table is moved towards all right or all wrong until the statistic has the assumed value.
///
/// # Errors
/// As [`scaled`].
pub fn cells(
    counts: &[u64],
    width: usize,
    statistic: impl Fn(&[f64]) -> f64 + Sync,
    estimate: &Estimate,
    direction: Direction,
    threshold: f64,
) -> Result<Price> {
    let price = scaled(estimate, direction, threshold)?;
    if counts.len() > MOST_CELLS || width == 0 || counts.len() != width * width {
        return Ok(price);
    }
    Ok(refined(price, |labels, assumed, number| {
        let population = sized(&moved_to(counts, width, &statistic, assumed), labels);
        let total: u64 = population.iter().sum();
        let mut drawn = vec![0.0; population.len()];
        draw_multinomial(&mut Stream::new(SEED, number), &population, total, &mut drawn);
        let drawn: Vec<u64> = drawn.iter().map(|count| *count as u64).collect();
        bootstrap::cells(&drawn, &statistic, REPLICATES, number, estimate.confidence)
            .is_ok_and(|found| is_met(&found, direction, threshold))
    }))
}

const SEED: u64 = 0x7072_6963_6521;

fn is_met(found: &Estimate, direction: Direction, threshold: f64) -> bool {
    match direction {
        Direction::AtLeast => found.lower >= threshold,
        Direction::AtMost => found.upper <= threshold,
    }
}

/// Moves each offer's number of labels until the simulated chance of `passes(labels, assumed, try)` is the power.
fn refined(mut price: Price, passes: impl Fn(u64, f64, u64) -> bool) -> Price {
    let z = normal::quantile(price.confidence);
    for offer in [&mut price.expected, &mut price.pessimistic, &mut price.optimistic].into_iter().flatten() {
        let chance_of = |labels: u64| {
            let met = (0..TRIES).filter(|number| passes(labels, offer.assumed, *number)).count() as f64;
            // One try of each kind is added: never a chance of 0 or 1.
            (met + 1.0) / (TRIES as f64 + 2.0)
        };
        let mut best = *offer;
        for _ in 0..MOVES {
            if best.labels > MOST_ROWS || best.labels < 4 {
                break;
            }
            best.chance = chance_of(best.labels);
            if (best.chance - POWER).abs() <= NEAR {
                break;
            }
            // The law again, from where the simulation says that we are.
            let reached = (z + normal::quantile(best.chance)).max(0.3);
            let factor = ((z + normal::quantile(POWER)) / reached).powi(2).clamp(0.3, 3.0);
            best = Offer { labels: (best.labels as f64 * factor).ceil() as u64, ..best };
        }
        *offer = best;
    }
    price
}

/// The table with a share of the mistakes put right, or of the right answers made mistakes, so that the statistic has the
/// assumed value.
fn moved_to(counts: &[u64], width: usize, statistic: &impl Fn(&[f64]) -> f64, assumed: f64) -> Vec<f64> {
    let whole: Vec<f64> = counts.iter().map(|count| *count as f64).collect();
    let at = |share: f64| {
        let mut table = whole.clone();
        for row in 0..width {
            let diagonal = row * width + row;
            let others = || (row * width..(row + 1) * width).filter(move |cell| *cell != diagonal);
            let wrong: f64 = others().map(|cell| whole[cell]).sum();
            for cell in others() {
                let part = if wrong > 0.0 { whole[cell] / wrong } else { 1.0 / (width.max(2) - 1) as f64 };
                table[cell] += if share >= 0.0 { -share * whole[cell] } else { -share * whole[diagonal] * part };
            }
            table[diagonal] += if share >= 0.0 { share * wrong } else { share * whole[diagonal] };
        }
        table
    };
    let value = |share: f64| statistic(&at(share));
    let (mut low, mut high) = (-1.0, 1.0);
    let rises = value(0.999) >= value(-0.999);
    for _ in 0..40 {
        let middle = 0.5 * (low + high);
        if (value(middle) < assumed) == rises { low = middle } else { high = middle }
    }
    at(0.5 * (low + high))
}

/// Whole counts in these proportions.
fn sized(table: &[f64], labels: u64) -> Vec<u64> {
    let sum: f64 = table.iter().sum();
    table.iter().map(|count| (count / sum * labels as f64).round().max(0.0) as u64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_moved_to_the_value_that_is_assumed() {
        let accuracy = |cells: &[f64]| (cells[0] + cells[3]) / cells.iter().sum::<f64>();
        for assumed in [0.62, 0.75, 0.9, 0.99] {
            let moved = moved_to(&[40, 10, 15, 35], 2, &accuracy, assumed);
            assert!((accuracy(&moved) - assumed).abs() < 1e-6, "{assumed}: {moved:?}");
            assert!((moved[0] + moved[1] - 50.0).abs() < 1e-9, "the classes keep their shares: {moved:?}");
        }
    }

    #[test]
    fn the_price_of_accuracy_by_its_cells_is_near_the_exact_one() {
        let accuracy = |cells: &[f64]| (cells[0] + cells[3]) / cells.iter().sum::<f64>();
        let counts = [45, 3, 4, 48];
        let estimate = bootstrap::cells(&counts, accuracy, 2_000, 1, 0.95).unwrap();
        let simulated = cells(&counts, 2, accuracy, &estimate, Direction::AtLeast, 0.9).unwrap().expected.unwrap();
        let exact = super::super::rate(93, 100, Direction::AtLeast, 0.9, 0.95).unwrap().expected.unwrap();
        let ratio = simulated.labels as f64 / exact.labels as f64;
        assert!((0.7..1.3).contains(&ratio), "{simulated:?} {exact:?}");
    }
}
