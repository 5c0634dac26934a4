//! Student's t: upper tail and quantile, for any positive (also fractional) degrees of freedom.

use super::beta;

/// P(T > t) with `freedom` degrees.
#[must_use]
pub fn tail(t: f64, freedom: f64) -> f64 {
    if t.is_infinite() {
        return if t > 0.0 { 0.0 } else { 1.0 };
    }
    let square = t * t;
    let x = freedom / (freedom + square);
    let y = square / (freedom + square);
    let half = 0.5 * beta::ln_incomplete(freedom / 2.0, 0.5, x, y).0.exp();
    if t >= 0.0 { half } else { 1.0 - half }
}

/// The quantile: the t with P(T <= t) = `probability`.
///
/// ```
/// let t = remuda_stats::special::student::quantile(0.975, 4.7);
/// assert!((t - 2.62072607535317).abs() < 1e-10);
/// ```
#[must_use]
pub fn quantile(probability: f64, freedom: f64) -> f64 {
    if probability <= 0.0 {
        return f64::NEG_INFINITY;
    }
    if probability >= 1.0 {
        return f64::INFINITY;
    }
    if probability == 0.5 {
        return 0.0;
    }
    let smaller = probability.min(1.0 - probability);
    let (x, y) = beta::inverse_of_tails(freedom / 2.0, 0.5, 2.0 * smaller, 1.0 - 2.0 * smaller);
    let magnitude = (freedom * y / x).sqrt();
    if probability < 0.5 { -magnitude } else { magnitude }
}
