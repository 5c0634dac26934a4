//! The bootstrap, for metrics without a formula: over confusion cells, rows, pairs of rows, clusters.
//!
//! The interval is BCa (Efron 1987, "Better bootstrap confidence intervals"). Each resample draws from its own
//! stream, numbered by the resample, so a seed gives one answer on any number of threads. A statistic that does not
//! exist on a resample returns NaN; such a resample counts against us at both ends.

use crate::estimate::{Estimate, Interval, Result, Undefined, check_confidence, check_finite};
use crate::random::{Stream, draw_below};
use crate::special::{normal, student};

/// The least number of clusters a cluster bootstrap accepts.
pub const MINIMUM_CLUSTERS: u64 = 30;

/// Groups of rows left out in turn to estimate the acceleration when there are many rows.
const JACKKNIFE_GROUPS: usize = 400;

/// BCa bounds for a statistic of cell counts (a confusion matrix, a table of outcomes), by multinomial resampling.
///
/// The cost does not grow with the number of rows: cells are drawn as binomials. `statistic` takes the counts in the
/// order given. Cells that are empty stay empty on every resample.
///
/// ```
/// let accuracy = |cells: &[f64]| (cells[0] + cells[3]) / cells.iter().sum::<f64>();
/// let bounds = remuda_stats::bootstrap::cells(&[400, 20, 30, 50], accuracy, 2_000, 7, 0.95)?;
/// assert!((bounds.value - 0.9).abs() < 1e-12);
/// assert!((bounds.lower - 0.876).abs() < 0.004 && (bounds.upper - 0.920).abs() < 0.004);
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// No rows, a statistic undefined on the data or on too many resamples, or one that never varies.
pub fn cells(
    counts: &[u64],
    statistic: impl Fn(&[f64]) -> f64 + Sync,
    replicates: u32,
    seed: u64,
    confidence: f64,
) -> Result<Estimate> {
    check_confidence(confidence)?;
    let total: u64 = counts.iter().sum();
    if total == 0 {
        return Err(Undefined::NoRows);
    }
    let mut work: Vec<f64> = counts.iter().map(|count| *count as f64).collect();
    let value = statistic(&work);
    let mut influences = Vec::new();
    for (index, count) in counts.iter().enumerate() {
        if *count > 0 {
            work[index] -= 1.0;
            influences.push((statistic(&work), *count as f64));
            work[index] += 1.0;
        }
    }
    let values = replicate(replicates, seed, counts.len(), |random, scratch: &mut Vec<f64>| {
        draw_multinomial(random, counts, total, scratch);
        statistic(scratch)
    });
    finish(value, values, acceleration(&influences), total, confidence, "BCa bootstrap over cells")
}

/// Bounds where no resample differs from the data, as when every prediction is right: the exact bound on the share of rows
/// that could be otherwise (Clopper and Pearson, none of n seen) is moved from one cell to another of its row in the worst
/// way for each bound. `width` cells make a row of the table (the predictions of one truth). Careful: it may take a rare
/// class for wholly wrong.
///
/// ```
/// // 300 of 300 right: an error rate of at most 0.99 %.
/// let accuracy = |cells: &[f64]| (cells[0] + cells[3]) / cells.iter().sum::<f64>();
/// let bounds = remuda_stats::bootstrap::cells_without_variation(&[200, 0, 0, 100], 2, accuracy, 0.95)?;
/// assert!((bounds.lower - 0.990_06).abs() < 1e-4 && bounds.upper == 1.0);
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// No rows, fewer than two classes, or a statistic undefined on the data.
pub fn cells_without_variation(
    counts: &[u64],
    width: usize,
    statistic: impl Fn(&[f64]) -> f64,
    confidence: f64,
) -> Result<Estimate> {
    if counts.len() < 2 || width < 2 {
        return Err(Undefined::OneValueOnly);
    }
    let total: u64 = counts.iter().sum();
    let unseen = crate::proportion::rate(0, total, confidence)?.upper * total as f64;
    let mut work: Vec<f64> = counts.iter().map(|count| *count as f64).collect();
    let value = statistic(&work);
    if !value.is_finite() {
        return Err(Undefined::NotFinite { count: 1 });
    }
    let (mut lower, mut upper) = (value, value);
    for from in 0..counts.len() {
        let moved = unseen.min(counts[from] as f64);
        let row = from - from % width.max(1);
        for to in (row..(row + width).min(counts.len())).filter(|to| *to != from && moved > 0.0) {
            work[from] -= moved;
            work[to] += moved;
            let other = statistic(&work);
            if other.is_finite() {
                (lower, upper) = (lower.min(other), upper.max(other));
            }
            work[from] += moved;
            work[to] -= moved;
        }
    }
    Ok(Estimate { value, lower, upper, confidence, n: total, method: "exact, for what was never seen".to_owned() })
}

/// BCa bounds for a statistic of rows. `statistic` receives how often each row was drawn, in row order; the data
/// themselves are all ones. For a paired comparison, compute both metrics from the same weights.
///
/// # Errors
/// As [`cells`].
pub fn rows(
    n: usize,
    statistic: impl Fn(&[u32]) -> f64 + Sync,
    replicates: u32,
    seed: u64,
    confidence: f64,
) -> Result<Estimate> {
    check_confidence(confidence)?;
    let influences = leave_out(n, |group, groups| {
        statistic(&(0..n).map(|row| u32::from(row % groups != group)).collect::<Vec<u32>>())
    });
    let value = statistic(&vec![1; n]);
    let values = replicate(replicates, seed, n, |random, weights: &mut Vec<u32>| {
        draw_rows(random, weights);
        statistic(weights)
    });
    finish(value, values, acceleration(&influences), n as u64, confidence, "BCa bootstrap over rows")
}

/// BCa bounds for the difference of two statistics on the same rows: [`rows`] under the name of its use.
///
/// # Errors
/// As [`cells`].
pub fn paired_rows(
    n: usize,
    new: impl Fn(&[u32]) -> f64 + Sync,
    old: impl Fn(&[u32]) -> f64 + Sync,
    replicates: u32,
    seed: u64,
    confidence: f64,
) -> Result<Estimate> {
    let mut estimate = rows(n, |weights| new(weights) - old(weights), replicates, seed, confidence)?;
    "BCa bootstrap over paired rows".clone_into(&mut estimate.method);
    Ok(estimate)
}

/// BCa bounds when rows belong to groups that are independent of each other (customers, patients): whole groups are
/// drawn. `cluster_of` gives each row's group, numbered from 0 without gaps; `statistic` receives row weights.
///
/// # Errors
/// As [`cells`], and [`Undefined::TooFewGroups`] under 30 groups.
pub fn clusters(
    cluster_of: &[u32],
    statistic: impl Fn(&[u32]) -> f64 + Sync,
    replicates: u32,
    seed: u64,
    confidence: f64,
) -> Result<Estimate> {
    check_confidence(confidence)?;
    let count = cluster_of.iter().max().map_or(0, |last| *last as usize + 1);
    if (count as u64) < MINIMUM_CLUSTERS {
        return Err(if count == 0 {
            Undefined::NoRows
        } else {
            Undefined::TooFewGroups { needed: MINIMUM_CLUSTERS, have: count as u64 }
        });
    }
    let spread = |weights: &[u32]| {
        let rows: Vec<u32> = cluster_of.iter().map(|cluster| weights[*cluster as usize]).collect();
        statistic(&rows)
    };
    let mut estimate = rows(count, spread, replicates, seed, confidence)?;
    "BCa bootstrap over clusters".clone_into(&mut estimate.method);
    Ok(estimate)
}

/// Bounds without resampling, for very many rows: rows are dealt at random to 100 groups, the statistic is taken with each
/// group left out, and its spread gives a standard error with 99 degrees of freedom (the delete-a-group jackknife, Kott
/// 2001, "The delete-a-group jackknife"). For smooth statistics; costs 101 evaluations where [`rows`] costs thousands.
///
/// ```
/// let values: Vec<f64> = (0..20_000).map(|i| f64::from(i % 100)).collect();
/// let mean = |weights: &[u32]| {
///     let sum: f64 = values.iter().zip(weights).map(|(value, weight)| value * f64::from(*weight)).sum();
///     sum / weights.iter().map(|weight| f64::from(*weight)).sum::<f64>()
/// };
/// let bounds = remuda_stats::bootstrap::jackknife(20_000, mean, 1, 0.95)?;
/// // The standard error of this mean is 28.87 / sqrt(20,000) = 0.204.
/// assert!((bounds.value - 49.5).abs() < 1e-9 && (bounds.upper - 49.5 - 1.66 * 0.204).abs() < 0.06);
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// Fewer than 10,000 rows, a statistic undefined on the data, or one that never varies.
pub fn jackknife(n: usize, statistic: impl Fn(&[u32]) -> f64 + Sync, seed: u64, confidence: f64) -> Result<Estimate> {
    const GROUPS: usize = 100;
    const LEAST: usize = 10_000;
    check_confidence(confidence)?;
    if n < LEAST {
        return Err(Undefined::TooFew { needed: LEAST as u64, have: n as u64 });
    }
    let mut group_of = Vec::with_capacity(n);
    draw_below(&mut Stream::new(seed, 0), GROUPS, n, |group| group_of.push(group as u64));
    let value = statistic(&vec![1; n]);
    if !value.is_finite() {
        return Err(Undefined::NotFinite { count: 1 });
    }
    let left_out = numbered(GROUPS as u32, n, |left_out, weights: &mut Vec<u32>| {
        weights.iter_mut().zip(&group_of).for_each(|(weight, group)| *weight = u32::from(*group != left_out));
        statistic(weights)
    });
    let undefined = left_out.iter().filter(|value| !value.is_finite()).count() as u64;
    if undefined > 0 {
        return Err(Undefined::UndefinedOnResamples { undefined, replicates: GROUPS as u64 });
    }
    let groups = GROUPS as f64;
    let mean = left_out.iter().sum::<f64>() / groups;
    let squares: f64 = left_out.iter().map(|value| (value - mean).powi(2)).sum();
    let error = ((groups - 1.0) / groups * squares).sqrt();
    if error <= 1e-14 * value.abs() {
        return Err(Undefined::NoVariation);
    }
    let half = student::quantile(confidence, groups - 1.0) * error;
    Ok(Estimate {
        value,
        lower: value - half,
        upper: value + half,
        confidence,
        n: n as u64,
        method: "delete-a-group jackknife".to_owned(),
    })
}

/// BCa bounds of the mean of a column. The acceleration is exact: a sixth of the skewness over the root of n.
///
/// # Errors
/// No rows, values that are not finite, one row, or rows that are all equal.
pub fn mean(values: &[f64], replicates: u32, seed: u64, confidence: f64) -> Result<Estimate> {
    check_confidence(confidence)?;
    check_finite(values)?;
    let moments = crate::mean::moments(values);
    if moments.n < 2 {
        return Err(Undefined::TooFew { needed: 2, have: moments.n });
    }
    if moments.variance == 0.0 {
        return Err(Undefined::OneValueOnly);
    }
    let n = values.len();
    let means = replicate(replicates, seed, 0, |random, _: &mut Vec<f64>| {
        let mut sum = 0.0;
        draw_below(random, n, n, |row| sum += values[row]);
        sum / n as f64
    });
    let acceleration = moments.skewness / (6.0 * (n as f64).sqrt());
    finish(moments.mean, means, acceleration, moments.n, confidence, "BCa bootstrap of the mean")
}

/// The percentile interval from given replicates, two-sided at `level`, with linear interpolation.
///
/// # Errors
/// No replicates, values that are not finite, or a level outside (0, 1).
pub fn percentile(replicates: &[f64], level: f64) -> Result<Interval> {
    check_confidence(level)?;
    check_finite(replicates)?;
    let mut work = replicates.to_vec();
    let alpha = (1.0 - level) / 2.0;
    Ok(Interval {
        low: crate::quantile::linear(&mut work, alpha),
        high: crate::quantile::linear(&mut work, 1.0 - alpha),
    })
}

/// The basic ("reverse percentile") interval: the percentile interval mirrored at the estimate. Davison & Hinkley
/// (1997), section 5.2.
///
/// # Errors
/// As [`percentile`].
pub fn basic(value: f64, replicates: &[f64], level: f64) -> Result<Interval> {
    let mirrored = percentile(replicates, level)?;
    Ok(Interval { low: 2.0 * value - mirrored.high, high: 2.0 * value - mirrored.low })
}

/// The BCa interval from given replicates and leave-one-out values, two-sided at `level`. Efron (1987).
///
/// # Errors
/// No replicates, values that are not finite, or no replicate on one side of the estimate.
pub fn bca(value: f64, replicates: &[f64], leave_one_out: &[f64], level: f64) -> Result<Interval> {
    check_confidence(level)?;
    check_finite(replicates)?;
    check_finite(leave_one_out)?;
    let influences: Vec<(f64, f64)> = leave_one_out.iter().map(|value| (*value, 1.0)).collect();
    let confidence = 1.0 - (1.0 - level) / 2.0;
    let estimate = finish(value, replicates.to_vec(), acceleration(&influences), 0, confidence, "BCa")?;
    Ok(Interval { low: estimate.lower, high: estimate.upper })
}

/// The standard error: the standard deviation of the replicates, with one less below.
///
/// # Errors
/// Fewer than two replicates or values that are not finite.
pub fn standard_error(replicates: &[f64]) -> Result<f64> {
    check_finite(replicates)?;
    let moments = crate::mean::moments(replicates);
    if moments.n < 2 { Err(Undefined::TooFew { needed: 2, have: moments.n }) } else { Ok(moments.variance.sqrt()) }
}

/// From leave-one-out values, each with the number of rows that share it, to the acceleration of BCa.
fn acceleration(left_out: &[(f64, f64)]) -> f64 {
    let finite = || left_out.iter().filter(|(value, _)| value.is_finite());
    let weight: f64 = finite().map(|(_, weight)| weight).sum();
    if weight == 0.0 {
        return 0.0;
    }
    let mean = finite().map(|(value, weight)| value * weight).sum::<f64>() / weight;
    let (mut square, mut cube) = (0.0, 0.0);
    for (value, weight) in finite() {
        let d = mean - value;
        square += weight * d * d;
        cube += weight * d * d * d;
    }
    if square > 0.0 { cube / (6.0 * square.powf(1.5)) } else { 0.0 }
}

/// Evaluates the statistic with each group of rows left out; one row per group while there are few rows.
fn leave_out(n: usize, without: impl Fn(usize, usize) -> f64) -> Vec<(f64, f64)> {
    let groups = n.min(JACKKNIFE_GROUPS);
    (0..groups).map(|group| (without(group, groups), 1.0)).collect()
}

/// Runs `one` for each replicate, on as many threads as the machine offers; the result is in replicate order.
pub(crate) fn replicate<T: Clone + Default + Send>(
    replicates: u32,
    seed: u64,
    scratch: usize,
    one: impl Fn(&mut Stream, &mut Vec<T>) -> f64 + Sync,
) -> Vec<f64> {
    numbered(replicates, scratch, |number, work| one(&mut Stream::new(seed, number), work))
}

/// Runs `one` for each number below `count`, on as many threads as the machine offers; the result is in their order.
pub(crate) fn numbered<T: Clone + Default + Send>(
    count: u32,
    scratch: usize,
    one: impl Fn(u64, &mut Vec<T>) -> f64 + Sync,
) -> Vec<f64> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(16);
    let share = (count as usize).div_ceil(threads).max(1);
    let mut values = vec![0.0; count as usize];
    std::thread::scope(|scope| {
        for (part, chunk) in values.chunks_mut(share).enumerate() {
            let one = &one;
            scope.spawn(move || {
                let mut work = vec![T::default(); scratch];
                for (offset, value) in chunk.iter_mut().enumerate() {
                    *value = one((part * share + offset) as u64, &mut work);
                }
            });
        }
    });
    values
}

/// Bias correction, adjusted levels, bounds.
pub(crate) fn finish(
    value: f64,
    mut values: Vec<f64>,
    acceleration: f64,
    n: u64,
    confidence: f64,
    method: &str,
) -> Result<Estimate> {
    let drawn = values.len() as u64;
    if !value.is_finite() {
        return Err(Undefined::NotFinite { count: 1 });
    }
    values.retain(|value| value.is_finite());
    let undefined = drawn - values.len() as u64;
    if values.is_empty() {
        return Err(Undefined::UndefinedOnResamples { undefined, replicates: drawn });
    }
    values.sort_unstable_by(f64::total_cmp);
    let spread = values[values.len() - 1] - values[0];
    if spread <= 1e-13 * value.abs() {
        return Err(Undefined::NoVariation);
    }
    let below = values.partition_point(|other| *other < value) as f64;
    let not_above = values.partition_point(|other| *other <= value) as f64;
    let defined = values.len() as f64;
    // Half the ties count as below; kept off 0 and 1, where the correction would be infinite.
    let share = ((below + not_above) / (2.0 * defined)).clamp(0.5 / defined, 1.0 - 0.5 / defined);
    let bias = normal::quantile(share);
    let adjusted = |z: f64| normal::cdf(bias + (bias + z) / (1.0 - acceleration * (bias + z)).max(1e-6));
    let z = normal::quantile(confidence);
    let missing = undefined as usize;
    let lower = at_level(&values, missing, 0, adjusted(-z));
    let upper = at_level(&values, 0, missing, adjusted(z));
    match (lower, upper) {
        (Some(lower), Some(upper)) => Ok(Estimate {
            value,
            // With extreme corrections a bound may cross the estimate; it then says no more than the estimate.
            lower: lower.min(value),
            upper: upper.max(value),
            confidence,
            n,
            method: method.to_owned(),
        }),
        _ => Err(Undefined::UndefinedOnResamples { undefined, replicates: drawn }),
    }
}

/// The linear quantile of sorted values with `before` values at minus infinity and `after` at plus infinity.
fn at_level(sorted: &[f64], before: usize, after: usize, level: f64) -> Option<f64> {
    let total = sorted.len() + before + after;
    let position = level * (total - 1) as f64;
    let index = position.floor() as usize;
    let share = position - index as f64;
    let get = |index: usize| index.checked_sub(before).and_then(|index| sorted.get(index)).copied();
    let at = get(index)?;
    if share == 0.0 { Some(at) } else { Some(at + share * (get(index + 1)? - at)) }
}

/// Fills `weights` with how often each row is drawn in a resample of the same size.
fn draw_rows(random: &mut Stream, weights: &mut [u32]) {
    weights.fill(0);
    let rows = weights.len();
    draw_below(random, rows, rows, |row| weights[row] += 1);
}

pub(crate) fn draw_multinomial(random: &mut Stream, counts: &[u64], total: u64, drawn: &mut [f64]) {
    let (mut rows_left, mut mass_left) = (total, total);
    for (slot, count) in drawn.iter_mut().zip(counts) {
        let taken = if *count == 0 || rows_left == 0 {
            0
        } else if *count == mass_left {
            rows_left
        } else {
            draw_binomial(random, rows_left, *count as f64 / mass_left as f64)
        };
        *slot = taken as f64;
        rows_left -= taken;
        mass_left -= count;
    }
}

/// One binomial draw by inversion outwards from the mode: exact, in O(sqrt(n p (1 - p))) steps (Kachitvichyanukul &
/// Schmeiser 1988 describe the plain form).
fn draw_binomial(random: &mut Stream, n: u64, p: f64) -> u64 {
    let mut uniform = random.open();
    if n as f64 * p < 10.0 {
        return draw_small_binomial(uniform, n, p);
    }
    let mode = (((n as f64 + 1.0) * p).floor() as u64).min(n);
    let peak = crate::special::binomial::probability(mode, n, p);
    uniform -= peak;
    if uniform <= 0.0 {
        return mode;
    }
    let odds = p / (1.0 - p);
    let (mut up, mut up_probability) = (mode, peak);
    let (mut down, mut down_probability) = (mode, peak);
    loop {
        let can_rise = up < n && up_probability > 0.0;
        if can_rise {
            up_probability *= odds * (n - up) as f64 / (up + 1) as f64;
            up += 1;
            uniform -= up_probability;
            if uniform <= 0.0 {
                return up;
            }
        }
        let can_fall = down > 0 && down_probability > 0.0;
        if can_fall {
            down_probability *= down as f64 / (odds * (n - down + 1) as f64);
            down -= 1;
            uniform -= down_probability;
            if uniform <= 0.0 {
                return down;
            }
        }
        if !can_rise && !can_fall {
            // Rounding left a sliver of the unit interval uncovered.
            return mode;
        }
    }
}

/// Inversion upwards from zero, for small means: cheaper than finding the mode's probability.
fn draw_small_binomial(uniform: f64, n: u64, p: f64) -> u64 {
    let odds = p / (1.0 - p);
    let mut probability = (n as f64 * (-p).ln_1p()).exp();
    let (mut count, mut left) = (0, uniform - probability);
    while left > 0.0 && count < n && probability > 0.0 {
        probability *= odds * (n - count) as f64 / (count + 1) as f64;
        count += 1;
        left -= probability;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::{Stream, draw_binomial};

    /// Both samplers against the distribution itself: chi-square over the counts that are likely enough.
    #[test]
    fn binomial_draws_follow_the_binomial() {
        for (n, p) in [(12, 0.3), (1_000, 0.004), (40, 0.5), (10_000, 0.9), (5, 0.98)] {
            let draws = 40_000;
            let mut counts = vec![0.0; n as usize + 1];
            let mut stream = Stream::new(9, n);
            for _ in 0..draws {
                counts[draw_binomial(&mut stream, n, p) as usize] += 1.0;
            }
            let (mut chi_square, mut cells) = (0.0, 0.0);
            for (k, count) in counts.iter().enumerate() {
                let expected = f64::from(draws) * crate::special::binomial::probability(k as u64, n, p);
                if expected > 10.0 {
                    chi_square += (count - expected) * (count - expected) / expected;
                    cells += 1.0;
                }
            }
            let tail = crate::special::gamma::chi_square_tail(chi_square, f64::max(cells - 1.0, 1.0));
            assert!(tail > 1e-4, "n {n}, p {p}: {chi_square} over {cells} counts");
        }
    }
}
