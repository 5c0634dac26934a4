//! Prices by simulation, for criteria whose power has no formula: the square-root law gives a first number of labels,
//! samples of that size are drawn and judged by the very method that decides, and the number is moved until the chance
//! of *met* is what a price buys.

use super::{Direction, Offer, POWER, Price, scaled};
use crate::auc;
use crate::bootstrap::{self, draw_multinomial};
use crate::estimate::{Estimate, Result};
use crate::random::{Stream, draw_below};
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
/// Rows that scores are drawn from.
const POPULATION: usize = 5_000;
/// More cells than these would take minutes.
const MOST_CELLS: usize = 64;

/// The price of a criterion on the area under the ROC curve. Rows are drawn from those at hand, so the shape of the scores
/// stays what it is; the positive ones are moved on the scale of normal ranks until the area is the assumed one.
///
/// ```
/// use remuda_stats::{auc, price::{self, Direction}};
/// let scores: Vec<f64> = (0..300).map(|row| f64::from((row * 37) % 100) + f64::from(row % 3) * 22.0).collect();
/// let positive: Vec<bool> = (0..300).map(|row| row % 3 == 2).collect();
/// let estimate = auc::estimate(&scores, &positive, 0.95)?;
/// let price = price::auc(&scores, &positive, &estimate, Direction::AtLeast, estimate.value - 0.03)?;
/// let offer = price.expected.unwrap();
/// assert!(offer.chance > 0.7 && offer.labels > 300, "{offer:?}");
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// As [`scaled`].
pub fn auc(
    scores: &[f64],
    positive: &[bool],
    estimate: &Estimate,
    direction: Direction,
    threshold: f64,
) -> Result<Price> {
    let price = scaled(estimate, direction, threshold)?;
    // Of very many rows a part spread evenly has the same shape.
    let stride = scores.len().div_ceil(POPULATION).max(1);
    let scores: Vec<f64> = scores.iter().copied().step_by(stride).collect();
    let positive: Vec<bool> = positive.iter().copied().step_by(stride).collect();
    let (ranks, confidence) = (normal_ranks(&scores), estimate.confidence);
    let moved_by = |by: f64| -> Vec<f64> {
        ranks.iter().zip(&positive).map(|(rank, is)| rank + if *is { by } else { 0.0 }).collect()
    };
    let area = |by: f64| auc::delong(&moved_by(by), &positive).map_or(0.5, |found| found.auc);
    Ok(refined(price, |assumed| {
        let (mut low, mut high) = (-8.0, 8.0);
        for _ in 0..30 {
            let middle = 0.5 * (low + high);
            if area(middle) < assumed { low = middle } else { high = middle }
        }
        let (population, positive) = (moved_by(0.5 * (low + high)), &positive);
        move |labels, number| {
            let mut random = Stream::new(SEED, number);
            let (mut drawn, mut is) = (Vec::new(), Vec::new());
            draw_below(&mut random, population.len(), labels as usize, |row| {
                drawn.push(population[row]);
                is.push(positive[row]);
            });
            auc::estimate(&drawn, &is, confidence).is_ok_and(|found| is_met(&found, direction, threshold))
        }
    }))
}

/// Normal scores of the ranks (van der Waerden); equal values share their mean rank.
fn normal_ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_unstable_by(|one, other| values[*one].total_cmp(&values[*other]));
    let mut ranks = vec![0.0; values.len()];
    let mut at = 0;
    while at < order.len() {
        let end =
            order[at..].iter().position(|row| values[*row] > values[order[at]]).map_or(order.len(), |more| at + more);
        let rank = normal::quantile((at + end) as f64 / 2.0 / values.len() as f64);
        order[at..end].iter().for_each(|row| ranks[*row] = rank);
        at = end.max(at + 1);
    }
    ranks
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
    let statistic = &statistic;
    Ok(refined(price, |assumed| {
        let moved = moved_to(counts, width, statistic, assumed);
        move |labels, number| {
            let population = sized(&moved, labels);
            let total: u64 = population.iter().sum();
            let mut drawn = vec![0.0; population.len()];
            draw_multinomial(&mut Stream::new(SEED, number), &population, total, &mut drawn);
            let drawn: Vec<u64> = drawn.iter().map(|count| *count as u64).collect();
            bootstrap::cells(&drawn, statistic, REPLICATES, number, estimate.confidence)
                .is_ok_and(|found| is_met(&found, direction, threshold))
        }
    }))
}

const SEED: u64 = 0x7072_6963_6521;

fn is_met(found: &Estimate, direction: Direction, threshold: f64) -> bool {
    match direction {
        Direction::AtLeast => found.lower >= threshold,
        Direction::AtMost => found.upper <= threshold,
    }
}

/// Moves each offer's number of labels until the simulated chance is the power. `trial` makes, for an assumed value, the
/// judgement of one simulated sample: by number of labels and number of the try.
fn refined<T: Fn(u64, u64) -> bool>(mut price: Price, trial: impl Fn(f64) -> T) -> Price {
    let z = normal::quantile(price.confidence);
    for offer in [&mut price.expected, &mut price.pessimistic, &mut price.optimistic].into_iter().flatten() {
        if offer.labels > MOST_ROWS {
            continue;
        }
        let passes = trial(offer.assumed);
        let chance_of = |labels: u64| {
            let met = (0..TRIES).filter(|number| passes(labels, *number)).count() as f64;
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
#[expect(clippy::unwrap_used, reason = "a test may fail loudly")]
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
    fn the_price_of_an_area_keeps_the_shape_of_the_scores() {
        let mut random = Stream::new(5, 5);
        let positive: Vec<bool> = (0..600).map(|row| row % 4 == 0).collect();
        let scores: Vec<f64> =
            positive.iter().map(|is| normal::quantile(random.open()) + if *is { 1.4 } else { 0.0 }).collect();
        let estimate = auc::estimate(&scores, &positive, 0.95).unwrap();
        let law = scaled(&estimate, Direction::AtLeast, estimate.value - 0.02).unwrap().expected.unwrap();
        let price = auc(&scores, &positive, &estimate, Direction::AtLeast, estimate.value - 0.02).unwrap();
        let offer = price.expected.unwrap();
        // For well-behaved scores the law and the simulation agree.
        let ratio = offer.labels as f64 / law.labels as f64;
        assert!((0.6..1.4).contains(&ratio), "{offer:?} {law:?}");
        assert_eq!(normal_ranks(&[3.0, 1.0, 3.0]), normal_ranks(&[9.0, -2.0, 9.0]));
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
