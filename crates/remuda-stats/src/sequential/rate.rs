//! A rate watched while labels arrive: intervals and tests valid at every moment, and Wald's test of two values.

use super::mixture::Tuning;
use crate::estimate::{Interval, Result, Undefined, check_open, check_positive, out_of_range};
use crate::special::{beta, bisect, gamma};
use serde::{Deserialize, Serialize};

/// The anytime-valid interval of a rate by a Beta(a, b) mixture: all p for which the mixture's likelihood is below
/// 1 / risk times that of p (Robbins 1970). With a = b = 1/2 it needs no tuning.
///
/// ```
/// let interval = remuda_stats::sequential::rate::interval(46, 50, 0.05, 0.5, 0.5)?;
/// assert!((interval.low - 0.742363822864173).abs() < 1e-9);
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// No rows, more successes than rows, a risk outside (0, 1), or shapes that are not positive.
pub fn interval(successes: u64, n: u64, risk: f64, a: f64, b: f64) -> Result<Interval> {
    check(successes, n, risk)?;
    check_positive("the first shape", a)?;
    check_positive("the second shape", b)?;
    let (k, m) = (successes as f64, (n - successes) as f64);
    let mixture = gamma::ln_beta(a + k, b + m) - gamma::ln_beta(a, b);
    Ok(around(successes, n, -risk.ln(), |p, q| mixture - ln_likelihood(k, m, p, q)))
}

/// The confidence sequence of a rate by the two-sided beta-binomial mixture centred at each candidate rate, tightest
/// after `tuning.time` rows (Howard et al. 2021, proposition 7).
///
/// # Errors
/// As [`interval`].
pub fn confidence_sequence(successes: u64, n: u64, risk: f64, tuning: Tuning) -> Result<Interval> {
    check(successes, n, risk)?;
    tuning.check()?;
    let (k, m) = (successes as f64, (n - successes) as f64);
    let log_martingale = |p: f64, q: f64| {
        let variance = p * q;
        let rho = Tuning { time: tuning.time * variance, risk: tuning.risk }.two_sided();
        let r = (rho - variance).max(1e-3 * variance);
        let (a, b) = (r / q, r / p);
        gamma::ln_beta(a + k, b + m) - gamma::ln_beta(a, b) - ln_likelihood(k, m, p, q)
    };
    Ok(around(successes, n, -risk.ln(), log_martingale))
}

/// A one-sided test that may be read after every label.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnytimeTest {
    /// ln of the evidence against `rate <= threshold`.
    pub log_evidence: f64,
    /// The least of 1 and exp(-log_evidence).
    pub p_value: f64,
    /// Whether the evidence reaches ln(1 / risk).
    pub passes: bool,
}

/// Tests `rate <= threshold` with the Beta(1/2, 1/2) prior cut to rates above the threshold.
///
/// # Errors
/// As [`interval`], and a threshold outside (0, 1).
pub fn test_above(successes: u64, n: u64, threshold: f64, risk: f64) -> Result<AnytimeTest> {
    check(successes, n, risk)?;
    check_open("the threshold", threshold)?;
    let (k, m) = (successes as f64, (n - successes) as f64);
    let (p, q) = (threshold, 1.0 - threshold);
    let above = |a: f64, b: f64| gamma::ln_beta(a, b) + beta::ln_incomplete(a, b, p, q).1;
    let log_evidence = above(0.5 + k, 0.5 + m) - above(0.5, 0.5) - ln_likelihood(k, m, p, q);
    Ok(AnytimeTest { log_evidence, p_value: (-log_evidence).exp().min(1.0), passes: log_evidence >= -risk.ln() })
}

/// One-sided bounds that stay valid however often and whenever they are read: the lower one is the smallest threshold
/// that [`test_above`] cannot exclude, the upper one the same for failures. Each errs at any time with chance `risk`.
///
/// ```
/// let bounds = remuda_stats::sequential::rate::bounds(46, 50, 0.05)?;
/// assert!((bounds.low - 0.7678676269829099).abs() < 1e-9);
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// As [`interval`].
pub fn bounds(successes: u64, n: u64, risk: f64) -> Result<Interval> {
    check(successes, n, risk)?;
    Ok(Interval { low: lower(successes, n, risk), high: 1.0 - lower(n - successes, n, risk) })
}

fn lower(successes: u64, n: u64, risk: f64) -> f64 {
    if successes == 0 {
        return 0.0;
    }
    let rate = successes as f64 / n as f64;
    let surplus = |threshold: f64| {
        test_above(successes, n, threshold, risk).map_or(f64::NEG_INFINITY, |test| test.log_evidence + risk.ln())
    };
    let (mut low, mut high) = (0.0, rate.min(1.0 - f64::EPSILON));
    for _ in 0..80 {
        let middle = 0.5 * (low + high);
        if surplus(middle) >= 0.0 { low = middle } else { high = middle }
    }
    low
}

/// Wald's sequential probability ratio test between two rates.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RatioTest {
    /// ln of the likelihood at the good rate over that at the bad rate.
    pub log_ratio: f64,
    /// At or above this the good rate is accepted.
    pub accept_above: f64,
    /// At or below this it is rejected.
    pub reject_below: f64,
}

/// Wald (1945): bad rate `p0`, good rate `p1`, risks of accepting a bad and of rejecting a good one.
///
/// # Errors
/// As [`interval`], and rates or risks outside (0, 1).
pub fn ratio_test(successes: u64, n: u64, p0: f64, p1: f64, alpha: f64, beta: f64) -> Result<RatioTest> {
    check(successes, n, alpha)?;
    check_open("the bad rate", p0)?;
    check_open("the good rate", p1)?;
    check_open("the risk of rejecting", beta)?;
    let (k, m) = (successes as f64, (n - successes) as f64);
    Ok(RatioTest {
        log_ratio: k * (p1 / p0).ln() + m * ((1.0 - p1) / (1.0 - p0)).ln(),
        accept_above: ((1.0 - beta) / alpha).ln(),
        reject_below: (beta / (1.0 - alpha)).ln(),
    })
}

/// The two rates at which a log martingale, least at the observed rate, reaches a level.
fn around(successes: u64, n: u64, level: f64, log_martingale: impl Fn(f64, f64) -> f64) -> Interval {
    let rate = successes as f64 / n as f64;
    // In log odds, so that rates next to 0 and 1 keep their digits.
    let at = |t: f64| {
        let (p, q) = (1.0 / (1.0 + (-t).exp()), 1.0 / (1.0 + t.exp()));
        log_martingale(p, q) - level
    };
    let centre = if successes == 0 {
        -40.0
    } else if successes == n {
        40.0
    } else {
        (rate / (1.0 - rate)).ln()
    };
    let back = |t: f64| 1.0 / (1.0 + (-t).exp());
    Interval {
        low: if successes == 0 { 0.0 } else { back(bisect(-45.0, centre, at)) },
        high: if successes == n { 1.0 } else { back(bisect(centre, 45.0, at)) },
    }
}

fn ln_likelihood(k: f64, m: f64, p: f64, q: f64) -> f64 {
    let part = |count: f64, rate: f64| if count > 0.0 { count * rate.ln() } else { 0.0 };
    part(k, p) + part(m, q)
}

fn check(successes: u64, n: u64, risk: f64) -> Result<()> {
    check_open("the risk", risk)?;
    if n == 0 {
        return Err(Undefined::NoRows);
    }
    if successes > n {
        return Err(out_of_range("the number of successes", successes as f64));
    }
    Ok(())
}
