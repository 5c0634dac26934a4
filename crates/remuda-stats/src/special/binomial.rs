//! The binomial distribution: probability of one count, both tails, quantile. Counts up to 10^15 are exact in `f64`.

use super::beta;
use super::gamma::{deviance, stirling_error};
use std::f64::consts::PI;

/// P(X = k) for X ~ Binomial(n, p), by Loader's saddle-point form (2000).
#[must_use]
pub fn probability(k: u64, n: u64, p: f64) -> f64 {
    ln_probability(k, n, p).exp()
}

/// ln P(X = k).
#[must_use]
pub fn ln_probability(k: u64, n: u64, p: f64) -> f64 {
    if k > n {
        return f64::NEG_INFINITY;
    }
    let q = 1.0 - p;
    let (successes, total) = (k as f64, n as f64);
    if k == 0 {
        return if n == 0 { 0.0 } else { total * (-p).ln_1p() };
    }
    if k == n {
        return total * p.ln();
    }
    let failures = (n - k) as f64;
    if p <= 0.0 || q <= 0.0 {
        return f64::NEG_INFINITY;
    }
    stirling_error(total)
        - stirling_error(successes)
        - stirling_error(failures)
        - deviance(successes, total * p)
        - deviance(failures, total * q)
        + 0.5 * (total / (2.0 * PI * successes * failures)).ln()
}

/// P(X >= k).
#[must_use]
pub fn at_least(k: u64, n: u64, p: f64) -> f64 {
    if k == 0 {
        return 1.0;
    }
    if k > n {
        return 0.0;
    }
    beta::ln_incomplete(k as f64, (n - k) as f64 + 1.0, p, 1.0 - p).0.exp()
}

/// P(X <= k).
#[must_use]
pub fn at_most(k: u64, n: u64, p: f64) -> f64 {
    if k >= n {
        return 1.0;
    }
    beta::ln_incomplete(k as f64 + 1.0, (n - k) as f64, p, 1.0 - p).1.exp()
}

/// The smallest k with P(X <= k) >= `level`.
#[must_use]
pub fn quantile(level: f64, n: u64, p: f64) -> u64 {
    let (mut low, mut high) = (0_u64, n);
    while low < high {
        let middle = low + (high - low) / 2;
        if at_most(middle, n, p) >= level {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}
