//! The special functions every method above stands on: normal, Student, chi-square, beta, binomial, Kolmogorov.
//!
//! Here: distribution tails and their inverses, on logarithms wherever a tail can be small. Not here: estimates,
//! tests or anything that knows what a row is. `statrs` serves the log gamma of small arguments. The incomplete
//! beta and its inverse are our own because the library loses digits far in the tail and with shapes of a million and
//! more; so is the normal tail, where its complementary error function is right to 5e-11 only.

pub mod beta;
pub mod binomial;
pub mod gamma;
pub mod kolmogorov;
pub mod normal;
pub mod student;

/// The root of `function` between `low` and `high` by bisection, to the last bit that the interval can resolve.
///
/// `function(low)` and `function(high)` must have different signs; when they have not, the end with the smaller
/// absolute value is returned. Bisection is slower than Newton and cannot be fooled.
pub fn bisect(low: f64, high: f64, function: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (low, high);
    let (at_low, at_high) = (function(low), function(high));
    if at_low == 0.0 {
        return low;
    }
    if at_high == 0.0 {
        return high;
    }
    if (at_low > 0.0) == (at_high > 0.0) {
        return if at_low.abs() <= at_high.abs() { low } else { high };
    }
    for _ in 0..200 {
        let middle = low + (high - low) / 2.0;
        if middle <= low.min(high) || middle >= low.max(high) {
            break;
        }
        if (function(middle) > 0.0) == (at_low > 0.0) {
            low = middle;
        } else {
            high = middle;
        }
    }
    low + (high - low) / 2.0
}
