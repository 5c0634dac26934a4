//! Log gamma, Stirling's error, the deviance terms of Loader, and the incomplete gamma with the chi-square on it.

use std::f64::consts::PI;

/// ln Γ(x) for x > 0.
#[must_use]
pub fn ln_gamma(x: f64) -> f64 {
    if x > 16.0 {
        (x - 0.5) * x.ln() - x + 0.5 * (2.0 * PI).ln() + stirling_series(x)
    } else {
        statrs::function::gamma::ln_gamma(x)
    }
}

/// ln B(a, b).
#[must_use]
pub fn ln_beta(a: f64, b: f64) -> f64 {
    ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b)
}

/// ln Γ(x + 1) minus Stirling's main term: what Loader (2000, "Fast and accurate computation of binomial
/// probabilities") calls delta. Keeps densities exact for counts of a million, where two log gammas would cancel.
pub(crate) fn stirling_error(x: f64) -> f64 {
    if x > 16.0 {
        stirling_series(x)
    } else {
        statrs::function::gamma::ln_gamma(x + 1.0) - (x + 0.5) * x.ln() + x - 0.5 * (2.0 * PI).ln()
    }
}

fn stirling_series(x: f64) -> f64 {
    let inverse_square = 1.0 / (x * x);
    let sum = 1.0 / 12.0
        - inverse_square
            * (1.0 / 360.0
                - inverse_square
                    * (1.0 / 1260.0
                        - inverse_square
                            * (1.0 / 1680.0
                                - inverse_square
                                    * (1.0 / 1188.0 - inverse_square * (691.0 / 360_360.0 - inverse_square / 156.0)))));
    sum / x
}

/// x ln(x / expected) + expected - x without cancellation near x = expected (Loader's bd0).
pub(crate) fn deviance(x: f64, expected: f64) -> f64 {
    let difference = x - expected;
    if difference.abs() < 0.1 * (x + expected) {
        let v = difference / (x + expected);
        let mut sum = difference * v;
        let mut term = 2.0 * x * v;
        for j in 1..1000 {
            term *= v * v;
            let next = sum + term / f64::from(2 * j + 1);
            if next == sum {
                break;
            }
            sum = next;
        }
        return sum;
    }
    if x == 0.0 {
        return expected;
    }
    x * (x / expected).ln() + expected - x
}

/// ln of the regularized incomplete gamma, both tails: (ln P(a, x), ln Q(a, x)), for a > 0 and x >= 0.
///
/// Series below a + 1, continued fraction above (Abramowitz & Stegun 6.5.29, 6.5.31).
#[must_use]
pub fn ln_incomplete(a: f64, x: f64) -> (f64, f64) {
    if x <= 0.0 {
        return (f64::NEG_INFINITY, 0.0);
    }
    if x.is_infinite() {
        return (0.0, f64::NEG_INFINITY);
    }
    // ln of x^a e^-x / Γ(a + 1).
    let ln_front = -stirling_error(a) - deviance(a, x) - 0.5 * (2.0 * PI * a).ln();
    if x < a + 1.0 {
        let (mut term, mut sum) = (1.0, 1.0);
        for n in 1..1_000_000_u32 {
            term *= x / (a + f64::from(n));
            sum += term;
            if term < sum * 1e-17 {
                break;
            }
        }
        let lower = ln_front + sum.ln();
        return (lower, super::beta::ln_one_minus_exp(lower));
    }
    let mut b = x + 1.0 - a;
    let mut c = 1.0 / TINY;
    let mut d = 1.0 / b;
    let mut fraction = d;
    for i in 1..1_000_000_u32 {
        let i = f64::from(i);
        let numerator = -i * (i - a);
        b += 2.0;
        d = away_from_zero(numerator * d + b);
        c = away_from_zero(b + numerator / c);
        d = 1.0 / d;
        let step = d * c;
        fraction *= step;
        if (step - 1.0).abs() < 1e-16 {
            break;
        }
    }
    let upper = ln_front + a.ln() + fraction.ln();
    (super::beta::ln_one_minus_exp(upper), upper)
}

pub(crate) const TINY: f64 = 1e-300;

pub(crate) fn away_from_zero(value: f64) -> f64 {
    if value.abs() < TINY { TINY } else { value }
}

/// P(X > x) for a chi-square variable with `freedom` degrees.
///
/// ```
/// let p = remuda_stats::special::gamma::chi_square_tail(30.0, 12.0);
/// assert!((p - 0.0027924293327009145).abs() < 1e-14);
/// ```
#[must_use]
pub fn chi_square_tail(x: f64, freedom: f64) -> f64 {
    ln_incomplete(freedom / 2.0, x / 2.0).1.exp()
}

/// The chi-square quantile: the x with P(X <= x) = `probability`.
#[must_use]
pub fn chi_square_quantile(probability: f64, freedom: f64) -> f64 {
    if probability <= 0.0 {
        return 0.0;
    }
    if probability >= 1.0 {
        return f64::INFINITY;
    }
    let upper_half = probability > 0.5;
    let target = if upper_half { (-probability).ln_1p() } else { probability.ln() };
    let function = |t: f64| {
        let (lower, upper) = ln_incomplete(freedom / 2.0, t.exp() / 2.0);
        if upper_half { target - upper } else { lower - target }
    };
    let centre = freedom.ln();
    let (mut low, mut high) = (centre - 1.0, centre + 1.0);
    while function(low) > 0.0 && low > -700.0 {
        low -= 2.0 * (centre - low);
    }
    while function(high) < 0.0 && high < 700.0 {
        high += 1.0;
    }
    super::bisect(low, high, function).exp()
}
