//! What luck adds to the best of many: how far the greatest of n equal tries stands above their mean, and an interval for
//! a value that was chosen because it is the best.

use crate::estimate::{Result, Undefined, check_confidence, check_finite, out_of_range};
use crate::special::normal;

/// The expected greatest of n independent standard normal numbers, by Simpson's rule over
/// E = ∫₀ (1 - Φⁿ) dz - ∫⁰ Φⁿ dz. Of one it is 0. Table: Harter (1961), "Expected values of normal order statistics",
/// Biometrika 48.
///
/// ```
/// use remuda_stats::luck::expected_maximum;
/// assert!((expected_maximum(2) - 0.56419).abs() < 1e-5);
/// assert!((expected_maximum(10) - 1.53875).abs() < 1e-5);
/// assert!((expected_maximum(100) - 2.50759).abs() < 1e-5);
/// ```
pub fn expected_maximum(n: u64) -> f64 {
    if n < 2 {
        return 0.0;
    }
    // Beyond twelve standard deviations nothing is left for any n that can be counted.
    const STEPS: u32 = 4_000;
    let width = 12.0 / f64::from(STEPS);
    let power = |z: f64| {
        let ln = if z > 0.0 { (-normal::tail(z)).ln_1p() } else { normal::cdf(z).ln() };
        (ln * n as f64).exp()
    };
    let inside = |step: u32| {
        let z = f64::from(step) * width;
        (1.0 - power(z)) - power(-z)
    };
    let weight = |step: u32| match step {
        0 | STEPS => 1.0,
        odd if odd % 2 == 1 => 4.0,
        _ => 2.0,
    };
    (0..=STEPS).map(|step| weight(step) * inside(step)).sum::<f64>() * width / 3.0
}

/// An interval of one value widened so that the intervals of all `n` values hold together, and so the one of the value
/// that was chosen among them, however it was chosen: Šidák (1967), "Rectangular confidence regions for the means of
/// multivariate normal distributions", Journal of the American Statistical Association 62, which needs no independence;
/// that holding for all is holding for a chosen one: Berk and others (2013), "Valid post-selection inference", Annals of
/// Statistics 41.
///
/// `confidence` is that of each bound alone. The distances to the bounds grow by the ratio of the normal quantiles; of
/// values between 0 and 1 on the scale of log odds, so that no bound leaves that range.
///
/// ```
/// let (lower, upper) = remuda_stats::luck::of_the_best(0.9, (0.88, 0.918), 0.975, 20)?;
/// assert!((lower - 0.867_85).abs() < 1e-4 && (upper - 0.926_43).abs() < 1e-4, "{lower} {upper}");
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// No value to choose from, a bound on the wrong side, or numbers that are not finite.
pub fn of_the_best(value: f64, (lower, upper): (f64, f64), confidence: f64, n: u64) -> Result<(f64, f64)> {
    check_confidence(confidence)?;
    check_finite(&[value, lower, upper])?;
    if n == 0 {
        return Err(Undefined::NoRows);
    }
    let alone = 1.0 - 2.0 * (1.0 - confidence);
    if alone <= 0.0 || lower > value || value > upper {
        return Err(out_of_range("a value and its bounds", value));
    }
    // 1 - alone^(1/n), without losing its digits when n is great.
    let risk = -(alone.ln() / n as f64).exp_m1();
    let ratio = normal::quantile(1.0 - risk / 2.0) / normal::quantile(confidence);
    let within = |number: f64| number > 0.0 && number < 1.0;
    if within(value) && within(lower) && within(upper) {
        let odds = |share: f64| (share / (1.0 - share)).ln();
        let share = |odds: f64| 1.0 / (1.0 + (-odds).exp());
        let middle = odds(value);
        return Ok((share(middle - ratio * (middle - odds(lower))), share(middle + ratio * (odds(upper) - middle))));
    }
    let (low, high) = (value - ratio * (value - lower), value + ratio * (upper - value));
    let is_share = lower >= 0.0 && upper <= 1.0;
    Ok(if is_share { (low.max(0.0), high.min(1.0)) } else { (low, high) })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

    use super::*;

    #[test]
    fn the_greatest_of_many_is_what_tables_say() {
        for (n, expected) in [(1, 0.0), (2, 0.564_19), (3, 0.846_28), (5, 1.162_96), (20, 1.867_48), (1000, 3.241_44)] {
            assert!((expected_maximum(n) - expected).abs() < 1e-5, "{n}: {}", expected_maximum(n));
        }
        assert!(expected_maximum(u64::MAX) < 12.0);
    }

    #[test]
    fn an_interval_of_one_stays_and_of_more_grows() {
        let (lower, upper) = of_the_best(0.9, (0.88, 0.918), 0.975, 1).unwrap();
        assert!((lower - 0.88).abs() < 1e-9 && (upper - 0.918).abs() < 1e-9);
        let widths: Vec<f64> = [1, 2, 10, 500]
            .map(|n| of_the_best(12.0, (11.0, 14.0), 0.975, n).unwrap())
            .iter()
            .map(|(lower, upper)| upper - lower)
            .collect();
        assert!(widths.is_sorted() && widths[3] < 2.2 * widths[0], "{widths:?}");
        // Šidák for ten: 0.95^(1/10) leaves 0.256 % on each side, 2.8 standard errors.
        let (lower, _) = of_the_best(2.0, (2.0 - 1.959_964, 2.0 + 1.959_964), 0.975, 10).unwrap();
        assert!((2.0 - lower - 2.799_5).abs() < 1e-3, "{lower}");
        let (lower, upper) = of_the_best(0.99, (0.95, 1.0), 0.975, 50).unwrap();
        assert!((0.0..0.95).contains(&lower) && upper == 1.0);
        assert!(
            of_the_best(0.5, (0.6, 0.7), 0.975, 3).is_err() && of_the_best(f64::NAN, (0.1, 0.2), 0.975, 3).is_err()
        );
    }
}
