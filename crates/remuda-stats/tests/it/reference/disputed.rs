//! Reference values that are mistakes, and the proof (docs/decisions/0007).
//!
//! A case counts as disputed only where three things hold: our function was asked and differs from the file; a third
//! way that shares no formula with it, here a likelihood maximised by search, gives our value; and the known mistake
//! gives the file's. All else that differs is a miss.

use super::{Answer, Inputs};
use remuda_stats::difference::{Count, score};
use remuda_stats::special::{bisect, normal};
use serde_json::Value;

/// Whether the file's answer is a mistake that we know, and ours is right.
pub(super) fn is_mistaken(method: &str, inputs: Inputs<'_>, ours: &Answer, theirs: &Value) -> bool {
    if method != "difference of independent proportions, score" {
        return false;
    }
    let near = |value: &Value, bound: f64| value.as_f64().is_some_and(|value| (value - bound).abs() < 1e-6);
    let (right, slip) = (interval(inputs, searched_rate), interval(inputs, slipped_rate));
    let ours_is_right = near(&ours["low"], right.0) && near(&ours["high"], right.1);
    ours_is_right && near(&theirs["low"], slip.0) && near(&theirs["high"], slip.1)
}

/// Miettinen and Nurminen's interval: differences d whose score statistic lies within the normal quantile, its variance
/// taken at the second rate that is the most likely one if the difference is d.
fn interval(inputs: Inputs<'_>, most_likely: impl Fn([f64; 4], f64) -> f64) -> (f64, f64) {
    let data = ["k1", "n1", "k2", "n2"].map(|name| inputs.f(name));
    let [k1, n1, k2, n2] = data;
    let n = n1 + n2;
    let value = k1 / n1 - k2 / n2;
    let statistic = |d: f64| {
        let second = most_likely(data, d);
        let first = second + d;
        let variance = (first * (1.0 - first) / n1 + second * (1.0 - second) / n2) * n / (n - 1.0);
        (value - d) / variance.sqrt()
    };
    let z = normal::quantile(1.0 - (1.0 - inputs.f("level")) / 2.0);
    let (least, most) = ((value - 0.3).max(-0.999), (value + 0.3).min(0.999));
    (bisect(least, value - 1e-6, |d| statistic(d) - z), bisect(value + 1e-6, most, |d| statistic(d) + z))
}

/// The second rate that maximises the likelihood of both samples while the rates differ by d: golden-section search.
fn searched_rate([k1, n1, k2, n2]: [f64; 4], d: f64) -> f64 {
    let part = |count: f64, rate: f64| if count == 0.0 { 0.0 } else { count * rate.ln() };
    let likelihood = |second: f64| {
        let first = second + d;
        part(k1, first) + part(n1 - k1, 1.0 - first) + part(k2, second) + part(n2 - k2, 1.0 - second)
    };
    let ratio = (5f64.sqrt() - 1.0) / 2.0;
    let (mut low, mut high) = (0f64.max(-d), 1f64.min(1.0 - d));
    for _ in 0..200 {
        let (left, right) = (high - ratio * (high - low), low + ratio * (high - low));
        if likelihood(left) < likelihood(right) { low = left } else { high = right }
    }
    0.5 * (low + high)
}

/// The same rate by the paper's cubic, with the slip of statsmodels 0.15 (`score_test_proportions_2indep`): its linear
/// coefficient begins with the second sample's successes where the paper has its size.
fn slipped_rate([k1, n1, k2, n2]: [f64; 4], d: f64) -> f64 {
    let n = n1 + n2;
    let square = (n1 + 2.0 * n2) * d - n - k1 - k2;
    let linear = (k2 * d - n - 2.0 * k2) * d + k1 + k2;
    let q = (square / (3.0 * n)).powi(3) - linear * square / (6.0 * n * n) + k2 * d * (1.0 - d) / (2.0 * n);
    let p = q.signum() * ((square / (3.0 * n)).powi(2) - linear / (3.0 * n)).sqrt();
    let angle = (std::f64::consts::PI + (q / p.powi(3)).acos()) / 3.0;
    2.0 * p * angle.cos() - square / (3.0 * n)
}

/// Newcombe (1998), "Interval estimation for the difference between independent proportions", table II, contrast (a),
/// method 6 (Miettinen and Nurminen): 0.0528 to 0.3382, which the search gives too.
#[test]
fn the_score_interval_of_two_rates_is_the_published_one() {
    let interval = score(Count { successes: 56, n: 70 }, Count { successes: 48, n: 80 }, 0.95).unwrap();
    assert!((interval.low - 0.0528).abs() < 5e-5, "{interval:?}");
    assert!((interval.high - 0.3382).abs() < 5e-5, "{interval:?}");
}
