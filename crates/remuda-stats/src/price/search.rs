//! Exact sample size for one proportion against a threshold: a walk along n that carries both tails with it.

use crate::estimate::{Result, check_open, out_of_range};
use crate::special::{binomial, normal};
use serde::{Deserialize, Serialize};

/// No search goes beyond this many labels; nobody labels so many by hand.
pub(crate) const MOST_LABELS: u64 = 100_000_000;

/// Up to this normal-theory size the walk starts at one row; above, at nine tenths of it.
const WALK_FROM_START: f64 = 200_000.0;

/// Answers of a sample size search.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabelsNeeded {
    /// The first n whose exact power reaches the target.
    pub first: u64,
    /// The exact power at `first`.
    pub chance: f64,
    /// The first n that reaches the target and is followed by 50 more that do (exact power is a saw-tooth in n).
    pub stable: u64,
    /// The size by the normal approximation, for comparison.
    pub normal: u64,
}

/// The labels needed to show `rate >= threshold` by a one-sided Clopper-Pearson bound, were the true rate `assumed`.
///
/// `None` when the assumed rate does not exceed the threshold, when an argument lies outside (0, 1), or when more than
/// 10^8 labels would be needed.
///
/// The walk steps n by one and updates the two binomial tails at the pass mark by their recurrences, so it costs some
/// 20 ns per n and is exact (Chow, Shao, Wang & Lokhnygina 2017, section 4.1, for the test; the saw-tooth: Chernick &
/// Liu 2002).
///
/// ```
/// let needed = remuda_stats::price::labels_for_rate(0.9, 0.93, 0.95, 0.8).unwrap();
/// assert_eq!((needed.first, needed.stable, needed.normal), (549, 593, 558));
/// ```
#[must_use]
pub fn labels_for_rate(threshold: f64, assumed: f64, confidence: f64, power: f64) -> Option<LabelsNeeded> {
    let open = |value: f64| value > 0.0 && value < 1.0;
    if !(open(threshold) && open(confidence) && open(power) && assumed > threshold && assumed <= 1.0) {
        return None;
    }
    let assumed = assumed.min(1.0 - 1e-12);
    if assumed <= threshold {
        return None;
    }
    let alpha = 1.0 - confidence;
    let root = normal::quantile(confidence) * (threshold * (1.0 - threshold)).sqrt()
        + normal::quantile(power) * (assumed * (1.0 - assumed)).sqrt();
    let normal_size = (root / (assumed - threshold)).powi(2).ceil().max(1.0);
    if normal_size > MOST_LABELS as f64 {
        return None;
    }
    let start = if normal_size <= WALK_FROM_START { 0 } else { (normal_size * 0.9) as u64 };
    let mut walk = Walk::new(start, threshold, assumed, alpha);
    if walk.power() >= power {
        walk = Walk::new(0, threshold, assumed, alpha);
    }
    let mut first: Option<(u64, f64)> = None;
    let (mut run_start, mut run) = (0, 0);
    while walk.n < MOST_LABELS {
        walk.step();
        if walk.power() >= power {
            if first.is_none() {
                first = Some((walk.n, walk.power()));
            }
            if run == 0 {
                run_start = walk.n;
            }
            run += 1;
            if run == 51 {
                break;
            }
        } else {
            run = 0;
        }
    }
    first.map(|(first, chance)| LabelsNeeded { first, chance, stable: run_start, normal: normal_size as u64 })
}

/// The smallest number of successes out of n whose one-sided Clopper-Pearson lower bound is at least the threshold;
/// `None` when not even n of n would do.
///
/// ```
/// assert_eq!(remuda_stats::price::pass_mark(100, 0.9, 0.05), Ok(Some(96)));
/// ```
///
/// # Errors
/// A threshold or risk outside (0, 1).
pub fn pass_mark(n: u64, threshold: f64, alpha: f64) -> Result<Option<u64>> {
    check_open("the threshold", threshold)?;
    check_open("the risk", alpha)?;
    Ok(Some(mark(n, threshold, alpha)).filter(|mark| *mark <= n))
}

/// The chance of reaching the pass mark with n rows, were the true rate `assumed`.
///
/// # Errors
/// A threshold or risk outside (0, 1), or an assumed rate outside [0, 1].
pub fn pass_probability(n: u64, threshold: f64, alpha: f64, assumed: f64) -> Result<f64> {
    if !(0.0..=1.0).contains(&assumed) {
        return Err(out_of_range("the assumed rate", assumed));
    }
    Ok(pass_mark(n, threshold, alpha)?.map_or(0.0, |mark| binomial::at_least(mark, n, assumed)))
}

/// Rows per arm to tell two independent rates apart, one-sided, by Cohen's h: 2 ((z_alpha + z_power) / h)² (Cohen 1988,
/// section 6.4).
///
/// # Errors
/// A probability outside (0, 1), or a first rate that is not the larger one.
pub fn cohen_h(larger: f64, smaller: f64, alpha: f64, power: f64) -> Result<f64> {
    check_open("the first rate", larger)?;
    check_open("the second rate", smaller)?;
    check_open("the risk", alpha)?;
    check_open("the power", power)?;
    let h = 2.0 * (larger.sqrt().asin() - smaller.sqrt().asin());
    if h <= 0.0 {
        return Err(out_of_range("the difference of the rates", larger - smaller));
    }
    Ok(2.0 * ((normal::quantile(1.0 - alpha) + normal::quantile(power)) / h).powi(2))
}

/// The pass mark, n + 1 when there is none; inputs already checked.
fn mark(n: u64, threshold: f64, alpha: f64) -> u64 {
    let (mut low, mut high) = (0, n + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        if binomial::at_least(middle, n, threshold) <= alpha { high = middle } else { low = middle + 1 }
    }
    low
}

/// One binomial tail P(X >= k) with P(X = k - 1), both carried from n to n + 1.
struct Tail {
    p: f64,
    tail: f64,
    below: f64,
}

impl Tail {
    fn new(n: u64, k: u64, p: f64) -> Self {
        Self { p, tail: binomial::at_least(k, n, p), below: binomial::probability(k - 1, n, p) }
    }

    /// From n to n + 1 rows at the same k.
    fn more_rows(&mut self, n: f64, k: f64) {
        self.tail += self.p * self.below;
        self.below *= (n + 1.0) * (1.0 - self.p) / (n + 2.0 - k);
    }

    /// From k to k + 1 at the same number of rows.
    fn more_successes(&mut self, n: f64, k: f64) {
        self.below *= (n + 1.0 - k) * self.p / (k * (1.0 - self.p));
        self.tail = (self.tail - self.below).max(0.0);
    }
}

/// The pass mark and both tails at one n.
struct Walk {
    n: u64,
    k: u64,
    alpha: f64,
    at_threshold: Tail,
    at_assumed: Tail,
}

impl Walk {
    fn new(n: u64, threshold: f64, assumed: f64, alpha: f64) -> Self {
        let k = mark(n, threshold, alpha).max(1);
        Self { n, k, alpha, at_threshold: Tail::new(n, k, threshold), at_assumed: Tail::new(n, k, assumed) }
    }

    fn power(&self) -> f64 {
        if self.k > self.n { 0.0 } else { self.at_assumed.tail }
    }

    fn step(&mut self) {
        let (n, k) = (self.n as f64, self.k as f64);
        self.at_threshold.more_rows(n, k);
        self.at_assumed.more_rows(n, k);
        self.n += 1;
        while self.at_threshold.tail > self.alpha && self.k <= self.n {
            let (n, k) = (self.n as f64, self.k as f64);
            self.at_threshold.more_successes(n, k);
            self.at_assumed.more_successes(n, k);
            self.k += 1;
        }
    }
}
