//! The incomplete beta function and its inverse, on the logarithmic scale.
//!
//! Every binomial tail, Clopper-Pearson bound and t quantile comes from here.

use super::gamma::{TINY, away_from_zero, deviance, stirling_error};
use std::f64::consts::PI;

/// ln(1 - e^x) for x <= 0, accurate at both ends.
#[must_use]
pub fn ln_one_minus_exp(x: f64) -> f64 {
    if x > -std::f64::consts::LN_2 { (-x.exp_m1()).ln() } else { (-x.exp()).ln_1p() }
}

/// ln of x^a y^b / B(a, b) with y = 1 - x given apart, so that neither end loses digits.
///
/// Loader's saddle-point form: no log gammas of large arguments are subtracted.
#[must_use]
pub fn ln_power_term(a: f64, b: f64, x: f64, y: f64) -> f64 {
    let n = a + b;
    stirling_error(n) - stirling_error(a) - stirling_error(b) - deviance(a, n * x) - deviance(b, n * y)
        + 0.5 * (a * b / (2.0 * PI * n)).ln()
}

/// (ln I_x(a, b), ln of its complement) with y = 1 - x given apart. Needs a, b > 0 and 0 <= x <= 1.
///
/// Continued fraction by the modified Lentz method (Abramowitz & Stegun 26.5.8), on the side where it converges.
#[must_use]
pub fn ln_incomplete(a: f64, b: f64, x: f64, y: f64) -> (f64, f64) {
    if x <= 0.0 {
        return (f64::NEG_INFINITY, 0.0);
    }
    if y <= 0.0 {
        return (0.0, f64::NEG_INFINITY);
    }
    let term = ln_power_term(a, b, x, y);
    if x < (a + 1.0) / (a + b + 2.0) {
        let lower = (term + (continued_fraction(a, b, x) / a).ln()).min(0.0);
        (lower, ln_one_minus_exp(lower))
    } else {
        let upper = (term + (continued_fraction(b, a, y) / b).ln()).min(0.0);
        (ln_one_minus_exp(upper), upper)
    }
}

/// I_x(a, b), the regularized incomplete beta function.
#[must_use]
pub fn incomplete(a: f64, b: f64, x: f64) -> f64 {
    ln_incomplete(a, b, x, 1.0 - x).0.exp()
}

fn continued_fraction(a: f64, b: f64, x: f64) -> f64 {
    let mut c = 1.0;
    let mut d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = d;
    for m in 1..1_000_000_u32 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / away_from_zero(1.0 + even * d);
        c = away_from_zero(1.0 + even / c);
        fraction *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / away_from_zero(1.0 + odd * d);
        c = away_from_zero(1.0 + odd / c);
        let step = d * c;
        fraction *= step;
        if (step - 1.0).abs() < 2e-16 {
            break;
        }
    }
    if fraction.is_finite() && fraction > 0.0 { fraction } else { TINY }
}

/// The pair (x, 1 - x) with I_x(a, b) = `probability`, both to full relative precision.
///
/// Newton's method on the logarithm of the smaller tail as a function of ln(x / (1 - x)), kept inside a bracket: both
/// tails are log-concave there, so far tails and shapes of a million are no special case.
///
/// ```
/// let (x, _) = remuda_stats::special::beta::inverse(3.0, 1e5, 0.975);
/// assert!((x / 7.224354453190225e-05 - 1.0).abs() < 1e-10);
/// ```
#[must_use]
pub fn inverse(a: f64, b: f64, probability: f64) -> (f64, f64) {
    inverse_of_tails(a, b, probability, 1.0 - probability)
}

/// As [`inverse`], with the complement of the probability given apart (for probabilities next to one).
#[must_use]
pub fn inverse_of_tails(a: f64, b: f64, lower: f64, upper: f64) -> (f64, f64) {
    if lower <= 0.0 {
        return (0.0, 1.0);
    }
    if upper <= 0.0 {
        return (1.0, 0.0);
    }
    let by_lower = lower <= upper;
    let target = if by_lower { lower.ln() } else { upper.ln() };
    // Positive when t is too far right.
    let miss = |t: f64| {
        let (x, y) = odds(t);
        let (ln_lower, ln_upper) = ln_incomplete(a, b, x, y);
        let (value, sign) = if by_lower { (ln_lower, 1.0) } else { (ln_upper, -1.0) };
        let slope = (ln_power_term(a, b, x, y) - value).exp();
        (sign * (value - target), slope)
    };
    let z = super::normal::quantile(lower.clamp(1e-300, 1.0 - 1e-16));
    let spread = (1.0 / a + 1.0 / b).sqrt();
    let mut t = ((a / b).ln() + z * spread).clamp(-690.0, 690.0);
    let (mut low, mut high) = (-720.0, 720.0);
    for _ in 0..200 {
        let (value, slope) = miss(t);
        if value > 0.0 {
            high = t;
        } else {
            low = t;
        }
        let newton = t - value / slope;
        let next = if newton.is_finite() && newton > low && newton < high { newton } else { (low + high) / 2.0 };
        let moved = (next - t).abs();
        t = next;
        if moved <= 1e-15 * t.abs().max(1.0) {
            break;
        }
    }
    odds(t)
}

fn odds(t: f64) -> (f64, f64) {
    (1.0 / (1.0 + (-t).exp()), 1.0 / (1.0 + t.exp()))
}
