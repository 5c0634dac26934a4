//! The difference of two independent rates (two groups, two versions on different rows): intervals and an exact test.
//!
//! On the same rows use `paired`. Gaps over many groups are in `fairness`.

use crate::estimate::{Estimate, Interval, Result, Undefined, check_confidence, out_of_range};
use crate::proportion::{two_sided_z, wilson_at};
use crate::special::{binomial, bisect, normal};

/// A rate seen in one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// Rows that count.
    pub successes: u64,
    /// All rows of the group.
    pub n: u64,
}

impl Count {
    fn rate(self) -> f64 {
        self.successes as f64 / self.n as f64
    }
}

/// First rate minus second with one-sided bounds, by Newcombe's hybrid of two Wilson intervals.
///
/// # Errors
/// A group without rows, more successes than rows, or a confidence outside (0, 1).
pub fn estimate(first: Count, second: Count, confidence: f64) -> Result<Estimate> {
    check(first, second, confidence)?;
    let interval = newcombe_at(first, second, normal::quantile(confidence));
    Ok(Estimate {
        value: first.rate() - second.rate(),
        lower: interval.low,
        upper: interval.high,
        confidence,
        n: first.n + second.n,
        method: "Newcombe".to_owned(),
    })
}

/// Newcombe (1998), "Interval estimation for the difference between independent proportions", method 10; two-sided.
///
/// ```
/// use remuda_stats::difference::{Count, newcombe};
/// let interval = newcombe(Count { successes: 56, n: 70 }, Count { successes: 48, n: 80 }, 0.95)?;
/// assert!((interval.low - 0.0524).abs() < 1e-4 && (interval.high - 0.3339).abs() < 1e-4);
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// As [`estimate`].
pub fn newcombe(first: Count, second: Count, level: f64) -> Result<Interval> {
    check(first, second, level)?;
    Ok(newcombe_at(first, second, two_sided_z(level)))
}

fn newcombe_at(first: Count, second: Count, z: f64) -> Interval {
    let (one, two) = (wilson_at(first.successes, first.n, z), wilson_at(second.successes, second.n, z));
    let (p, q) = (first.rate(), second.rate());
    Interval { low: p - q - (p - one.low).hypot(two.high - q), high: p - q + (one.high - p).hypot(q - two.low) }
}

/// First rate over second with one-sided bounds: Donner & Zou (2012), "Closed-form confidence intervals for functions of
/// the normal mean and standard deviation" (MOVER-R), on Wilson's bounds of each rate. Where nothing bounds the second
/// rate away from zero, the upper bound is the largest number there is.
///
/// ```
/// use remuda_stats::difference::{Count, ratio};
/// let estimate = ratio(Count { successes: 80, n: 100 }, Count { successes: 90, n: 100 }, 0.975)?;
/// assert!((estimate.value - 8.0 / 9.0).abs() < 1e-12);
/// // Koopman's (1984) score interval is 0.7808 to 0.9990.
/// assert!((estimate.lower - 0.7808).abs() < 3e-3 && (estimate.upper - 0.9990).abs() < 1e-3);
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// As [`estimate`], and a second rate of zero.
pub fn ratio(first: Count, second: Count, confidence: f64) -> Result<Estimate> {
    check(first, second, confidence)?;
    if second.successes == 0 {
        return Err(Undefined::DividesByZero { what: "the second rate".to_owned() });
    }
    let z = normal::quantile(confidence);
    let (one, two) = (wilson_at(first.successes, first.n, z), wilson_at(second.successes, second.n, z));
    let (p, q) = (first.rate(), second.rate());
    // The two roots of one quadratic; the stable form of each avoids the difference of like numbers.
    let bound = |own: f64, other: f64, sign: f64| {
        let (above, below) = (own * (2.0 * p - own), other * (2.0 * q - other));
        let root = ((p * q).powi(2) - above * below).max(0.0).sqrt();
        if sign < 0.0 { above / (p * q + root) } else { (p * q + root) / below }
    };
    let lower = if first.successes == 0 { 0.0 } else { bound(one.low, two.high, -1.0).max(0.0) };
    let upper = bound(one.high, two.low, 1.0);
    Ok(Estimate {
        value: p / q,
        lower: lower.min(p / q),
        upper: if upper.is_finite() && upper > 0.0 { upper.max(p / q) } else { f64::MAX },
        confidence,
        n: first.n + second.n,
        method: "MOVER-R".to_owned(),
    })
}

/// Agresti & Caffo (2000): one success and one failure added to each group, then the plain interval. Not clipped.
///
/// # Errors
/// As [`estimate`].
pub fn agresti_caffo(first: Count, second: Count, level: f64) -> Result<Interval> {
    check(first, second, level)?;
    let adjusted = |count: Count| ((count.successes as f64 + 1.0) / (count.n as f64 + 2.0), count.n as f64 + 2.0);
    Ok(plain(adjusted(first), adjusted(second), two_sided_z(level)))
}

/// The plain normal interval, not clipped; for comparison only.
///
/// # Errors
/// As [`estimate`].
pub fn wald(first: Count, second: Count, level: f64) -> Result<Interval> {
    check(first, second, level)?;
    Ok(plain((first.rate(), first.n as f64), (second.rate(), second.n as f64), two_sided_z(level)))
}

fn plain((p, n): (f64, f64), (q, m): (f64, f64), z: f64) -> Interval {
    let half = z * (p * (1.0 - p) / n + q * (1.0 - q) / m).sqrt();
    Interval { low: p - q - half, high: p - q + half }
}

/// The score interval of Miettinen & Nurminen (1985), with their factor N / (N - 1).
///
/// # Errors
/// As [`estimate`].
pub fn score(first: Count, second: Count, level: f64) -> Result<Interval> {
    check(first, second, level)?;
    let z = two_sided_z(level);
    let value = first.rate() - second.rate();
    let statistic = |delta: f64| score_statistic(first, second, delta);
    Ok(Interval {
        low: if value <= -1.0 { -1.0 } else { bisect(-1.0, value, |delta| statistic(delta) - z) },
        high: if value >= 1.0 { 1.0 } else { bisect(value, 1.0, |delta| statistic(delta) + z) },
    })
}

fn score_statistic(first: Count, second: Count, delta: f64) -> f64 {
    let (n, m) = (first.n as f64, second.n as f64);
    let above = first.rate() - second.rate() - delta;
    let q = restricted_second_rate(first, second, delta);
    let p = (q + delta).clamp(0.0, 1.0);
    let total = n + m;
    let variance = (p * (1.0 - p) / n + q * (1.0 - q) / m) * total / (total - 1.0);
    if above == 0.0 {
        0.0
    } else if variance <= 0.0 {
        above.signum() * f64::MAX
    } else {
        above / variance.sqrt()
    }
}

/// The second rate most likely when the difference is `delta`: the closed root of the cubic of Miettinen & Nurminen.
fn restricted_second_rate(first: Count, second: Count, delta: f64) -> f64 {
    let (n, m) = (first.n as f64, second.n as f64);
    let (x, y) = (first.successes as f64, second.successes as f64);
    let total = n + m;
    let cubic = total;
    let square = (n + 2.0 * m) * delta - total - (x + y);
    let linear = (m * delta - total - 2.0 * y) * delta + x + y;
    let constant = y * delta * (1.0 - delta);
    let shift = square / (3.0 * cubic);
    let q = shift.powi(3) - square * linear / (6.0 * cubic * cubic) + constant / (2.0 * cubic);
    let radius = (shift * shift - linear / (3.0 * cubic)).max(0.0).sqrt();
    let p = if q >= 0.0 { radius } else { -radius };
    if p == 0.0 {
        return (-shift).clamp(0.0, 1.0);
    }
    let angle = (std::f64::consts::PI + (q / p.powi(3)).clamp(-1.0, 1.0).acos()) / 3.0;
    (2.0 * p * angle.cos() - shift).clamp((-delta).max(0.0), (1.0 - delta).min(1.0))
}

/// Fisher's exact one-sided p-value of "the first rate is greater": both margins of the table held.
///
/// # Errors
/// As [`estimate`].
pub fn fisher_greater(first: Count, second: Count) -> Result<f64> {
    check(first, second, 0.5)?;
    let sum = first.successes + second.successes;
    let top = sum.min(first.n);
    Ok((first.successes..=top).map(|x| hypergeometric(x, first.n, second.n, sum)).sum::<f64>().min(1.0))
}

/// Fisher's exact two-sided p-value: all tables no likelier than the one seen.
///
/// # Errors
/// As [`estimate`].
pub fn fisher_two_sided(first: Count, second: Count) -> Result<f64> {
    check(first, second, 0.5)?;
    let sum = first.successes + second.successes;
    let seen = hypergeometric(first.successes, first.n, second.n, sum) * (1.0 + 1e-7);
    let all = (sum.saturating_sub(second.n)..=sum.min(first.n)).map(|x| hypergeometric(x, first.n, second.n, sum));
    Ok(all.filter(|p| *p <= seen).sum::<f64>().min(1.0))
}

/// Boschloo's exact unconditional one-sided p-value of "the first rate is greater": Fisher's p-value as the statistic,
/// the worst case over the common rate. Boschloo (1970). More powerful than Fisher's own test.
///
/// Meant for small tables: the cost grows with the product of the group sizes.
///
/// # Errors
/// As [`estimate`], and more than 250,000 pairs of rows.
pub fn boschloo_greater(first: Count, second: Count) -> Result<f64> {
    check(first, second, 0.5)?;
    if first.n.saturating_mul(second.n) > 250_000 {
        return Err(out_of_range("the number of pairs of rows", first.n as f64 * second.n as f64));
    }
    let seen = fisher_greater(first, second)? * (1.0 + 1e-12);
    // For each count of the second group, the smallest count of the first that is at least as extreme.
    let mut marks = Vec::with_capacity(second.n as usize + 1);
    let mut mark = 0;
    for y in 0..=second.n {
        while mark <= first.n {
            let p = fisher_greater(Count { successes: mark, n: first.n }, Count { successes: y, n: second.n })?;
            if p <= seen {
                break;
            }
            mark += 1;
        }
        marks.push(mark);
    }
    let chance = |rate: f64| -> f64 {
        let terms = marks.iter().enumerate().map(|(y, mark)| {
            binomial::probability(y as u64, second.n, rate) * binomial::at_least(*mark, first.n, rate)
        });
        terms.sum()
    };
    Ok(largest(chance).min(1.0))
}

/// The largest value of a function on (0, 1): a grid, then golden sections around its best points.
fn largest(function: impl Fn(f64) -> f64) -> f64 {
    let steps = 400;
    let grid: Vec<f64> =
        (0..=steps).map(|i| function((f64::from(i) / f64::from(steps)).clamp(1e-9, 1.0 - 1e-9))).collect();
    let mut best = grid.iter().copied().fold(0.0, f64::max);
    for index in 1..grid.len() - 1 {
        if grid[index] < grid[index - 1] || grid[index] < grid[index + 1] || grid[index] < 0.9 * best {
            continue;
        }
        let (mut low, mut high) = ((index as f64 - 1.0) / f64::from(steps), (index as f64 + 1.0) / f64::from(steps));
        for _ in 0..60 {
            let (one, two) = (low + (high - low) * 0.381_966, low + (high - low) * 0.618_034);
            if function(one) < function(two) { low = one } else { high = two }
        }
        best = best.max(function((low + high) / 2.0));
    }
    best
}

/// P(X = x) when `sum` rows are drawn from n and m rows and X of them come from the n.
fn hypergeometric(x: u64, n: u64, m: u64, sum: u64) -> f64 {
    if x > n || x > sum || sum - x > m {
        return 0.0;
    }
    // A product of three binomials at one rate keeps every factor in range.
    let rate = (sum as f64 / (n + m) as f64).clamp(1e-300, 1.0 - 1e-16);
    (binomial::ln_probability(x, n, rate) + binomial::ln_probability(sum - x, m, rate)
        - binomial::ln_probability(sum, n + m, rate))
    .exp()
}

fn check(first: Count, second: Count, confidence: f64) -> Result<()> {
    check_confidence(confidence)?;
    for count in [first, second] {
        if count.n == 0 {
            return Err(Undefined::NoRows);
        }
        if count.successes > count.n {
            return Err(out_of_range("the number of successes", count.successes as f64));
        }
    }
    Ok(())
}
