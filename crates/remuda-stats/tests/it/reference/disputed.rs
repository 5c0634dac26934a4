//! Reference values we refuse to match, each with the mistake that produces them.
//!
//! For such a case the reference test does NOT hold our function against the file: it holds the formula below, which
//! exists in this test only. A green reference test therefore says nothing of our `score` interval; that one rests on
//! the single value at the end of this file.

use super::{Answer, Inputs, Put};
use remuda_stats::difference::{Count, score};
use remuda_stats::special::{bisect, normal};

/// The answer of the library behind the file, where we know it to be wrong.
pub(super) fn mistaken(group: &str, method: &str, inputs: Inputs<'_>) -> Option<Answer> {
    match (group, method) {
        ("two_proportions", "difference of independent proportions, score") => Some(score_with_a_count(inputs)),
        _ => None,
    }
}

/// Miettinen and Nurminen's interval as statsmodels 0.15 computes it: the linear coefficient of their cubic starts with
/// the second group's successes where the paper has its size.
fn score_with_a_count(inputs: Inputs<'_>) -> Answer {
    let (k1, n1, k2, n2) = (inputs.f("k1"), inputs.f("n1"), inputs.f("k2"), inputs.f("n2"));
    let n = n1 + n2;
    let statistic = |d: f64| {
        let square = (n1 + 2.0 * n2) * d - n - k1 - k2;
        let linear = (k2 * d - n - 2.0 * k2) * d + k1 + k2;
        let q = (square / (3.0 * n)).powi(3) - linear * square / (6.0 * n * n) + k2 * d * (1.0 - d) / (2.0 * n);
        let p = q.signum() * ((square / (3.0 * n)).powi(2) - linear / (3.0 * n)).sqrt();
        let angle = (std::f64::consts::PI + (q / p.powi(3)).acos()) / 3.0;
        let second = 2.0 * p * angle.cos() - square / (3.0 * n);
        let first = second + d;
        let variance = (first * (1.0 - first) / n1 + second * (1.0 - second) / n2) * n / (n - 1.0);
        (k1 / n1 - k2 / n2 - d) / variance.sqrt()
    };
    let z = normal::quantile(1.0 - (1.0 - inputs.f("level")) / 2.0);
    let value = k1 / n1 - k2 / n2;
    let mut answer = Answer::new();
    answer.put("diff", value);
    answer.put("low", bisect(value - 0.3, value - 1e-6, |d| statistic(d) - z));
    answer.put("high", bisect(value + 1e-6, value + 0.3, |d| statistic(d) + z));
    answer
}

/// Newcombe (1998), "Interval estimation for the difference between independent proportions", table II, contrast (a),
/// method 6 (Miettinen and Nurminen): 0.0528 to 0.3382. Quoted from memory, no copy at hand: to be checked against the
/// paper before anybody relies on it.
#[test]
fn the_score_interval_of_two_rates_is_the_published_one() {
    let interval = score(Count { successes: 56, n: 70 }, Count { successes: 48, n: 80 }, 0.95).unwrap();
    assert!((interval.low - 0.0528).abs() < 5e-5, "{interval:?}");
    assert!((interval.high - 0.3382).abs() < 5e-5, "{interval:?}");
}
