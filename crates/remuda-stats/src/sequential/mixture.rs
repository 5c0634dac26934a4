//! Mixture boundaries for sums (Howard, Ramdas, McAuliffe & Sekhon 2021, "Time-uniform, nonparametric, nonasymptotic
//! confidence sequences"), and the mixture test of a mean difference.

use crate::estimate::{Result, check_open, check_positive};
use crate::special::{bisect, gamma, normal};
use serde::{Deserialize, Serialize};

/// Where a mixture boundary is tightest.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tuning {
    /// The intrinsic time (variance so far) at which the boundary is tightest.
    pub time: f64,
    /// The risk for which it is tuned.
    pub risk: f64,
}

impl Tuning {
    pub(crate) fn check(self) -> Result<()> {
        check_positive("the tuning time", self.time)?;
        check_open("the tuning risk", self.risk)
    }

    /// The two-sided precision of the mixing normal.
    pub(crate) fn two_sided(self) -> f64 {
        let twice_log = -2.0 * self.risk.ln();
        self.time / (twice_log + twice_log.ln_1p())
    }

    /// The one-sided precision: that of twice the risk.
    pub(crate) fn one_sided(self) -> f64 {
        Tuning { time: self.time, risk: (2.0 * self.risk).min(1.0) }.two_sided()
    }
}

/// The two-sided normal-mixture boundary: |sum| stays below it for all times with chance 1 - `risk`. Closed form.
///
/// ```
/// use remuda_stats::sequential::mixture::{Tuning, normal_two_sided};
/// let bound = normal_two_sided(100.0, 0.05, Tuning { time: 100.0, risk: 0.05 })?;
/// assert!((bound - 30.35208990376253).abs() < 1e-9);
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// A time that is not positive, or a risk outside (0, 1).
pub fn normal_two_sided(time: f64, risk: f64, tuning: Tuning) -> Result<f64> {
    check(time, risk, tuning)?;
    let rho = tuning.two_sided();
    Ok(((time + rho) * (((time + rho) / rho).ln() - 2.0 * risk.ln())).sqrt())
}

/// The one-sided normal-mixture boundary.
///
/// # Errors
/// As [`normal_two_sided`].
pub fn normal_one_sided(time: f64, risk: f64, tuning: Tuning) -> Result<f64> {
    check(time, risk, tuning)?;
    let rho = tuning.one_sided();
    let spread = time + rho;
    let log_martingale =
        |sum: f64| 0.5 * (4.0 * rho / spread).ln() + sum * sum / (2.0 * spread) + normal::cdf(sum / spread.sqrt()).ln();
    Ok(crossing(-risk.ln(), spread.sqrt(), log_martingale))
}

/// The gamma-exponential mixture boundary, one-sided, for sums whose increments are sub-exponential with scale `scale`.
///
/// # Errors
/// As [`normal_two_sided`], and a scale that is not positive.
pub fn gamma_exponential(time: f64, risk: f64, scale: f64, tuning: Tuning) -> Result<f64> {
    check(time, risk, tuning)?;
    check_positive("the scale", scale)?;
    let square = scale * scale;
    let rho = tuning.one_sided() / square;
    let constant = rho * rho.ln() - gamma::ln_gamma(rho) - gamma::ln_incomplete(rho, rho).0;
    let shape = time / square + rho;
    let log_martingale = |sum: f64| {
        let rate = (scale * sum + time) / square + rho;
        constant + gamma::ln_gamma(shape) + gamma::ln_incomplete(shape, rate).0 - shape * rate.ln() + rate - rho
    };
    Ok(crossing(-risk.ln(), (time + rho * square).sqrt(), log_martingale))
}

/// The mixture sequential probability ratio test of a mean difference of zero.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MixtureTest {
    /// The likelihood ratio, mixed over N(0, tau²).
    pub ratio: f64,
    /// The always valid p-value at this moment: the least of 1 and 1 / ratio.
    pub p_value: f64,
}

/// Johari, Pekelis & Walsh (2017), "Always valid inference": sqrt(V / (V + n tau²)) exp(n² tau² x² / (2 V (V + n tau²))).
///
/// # Errors
/// A variance, a tau or a count that is not positive.
pub fn mixture_test(mean_difference: f64, variance: f64, n: u64, tau: f64) -> Result<MixtureTest> {
    check_positive("the variance", variance)?;
    check_positive("tau", tau)?;
    check_positive("the number of rows", n as f64)?;
    crate::estimate::check_finite(&[mean_difference])?;
    let n = n as f64;
    let spread = variance + n * tau * tau;
    let log_ratio = 0.5 * (variance / spread).ln() + (n * tau * mean_difference).powi(2) / (2.0 * variance * spread);
    Ok(MixtureTest { ratio: log_ratio.exp().min(f64::MAX), p_value: (-log_ratio).exp().min(1.0) })
}

/// Where an increasing log martingale reaches a level.
fn crossing(level: f64, scale: f64, log_martingale: impl Fn(f64) -> f64) -> f64 {
    let mut high = scale;
    for _ in 0..200 {
        if log_martingale(high) >= level {
            break;
        }
        high *= 2.0;
    }
    bisect(0.0, high, |sum| log_martingale(sum) - level)
}

fn check(time: f64, risk: f64, tuning: Tuning) -> Result<()> {
    check_positive("the time", time)?;
    check_open("the risk", risk)?;
    tuning.check()
}
