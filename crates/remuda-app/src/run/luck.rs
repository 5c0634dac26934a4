//! The best of many runs, and the luck that it contains.

use super::many::ComparedValue;
use remuda_stats::luck::{expected_maximum, of_the_best};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The best of several values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BestOf {
    /// Which run has it: its place among the runs.
    pub place: usize,
    /// The value.
    pub value: f64,
    /// Of how many values it is the best.
    pub of: u64,
    /// Which run comes next.
    pub next: Option<usize>,
    /// The mean of all.
    pub mean: f64,
    /// Their standard deviation; none of fewer than two.
    pub deviation: Option<f64>,
    /// What the best would be expected to be, were all draws from one normal distribution of this mean and deviation.
    pub expected: Option<f64>,
    /// The lower bound of the best, corrected for having been chosen; none where no interval is known.
    pub lower: Option<f64>,
    /// The upper bound, corrected.
    pub upper: Option<f64>,
    /// The one-sided confidence of each bound.
    pub confidence: f64,
    /// How the interval was made, or why there is none.
    pub method: String,
}

/// Whether less is better, as far as a metric's name says it.
pub fn is_better_small(name: &str) -> bool {
    let lower = name.to_lowercase();
    let last = lower.rsplit('/').next().unwrap_or_default();
    let words: Vec<&str> = last.split(|letter: char| !letter.is_alphanumeric()).collect();
    const SMALL: [&str; 15] = [
        "loss",
        "logloss",
        "error",
        "err",
        "mae",
        "mse",
        "rmse",
        "mape",
        "brier",
        "perplexity",
        "ppl",
        "latency",
        "seconds",
        "cost",
        "wer",
    ];
    words.iter().any(|word| SMALL.contains(word)) || last.ends_with("_ms") || last.ends_with("_loss")
}

/// The best of the values that are numbers.
pub(super) fn best_of(values: &[Option<ComparedValue>], less_is_better: bool) -> Option<BestOf> {
    let mut known: Vec<(usize, f64, ComparedValue)> = values
        .iter()
        .enumerate()
        .filter_map(|(place, value)| {
            let found = (*value)?;
            Some((place, found.value.filter(|value| value.is_finite())?, found))
        })
        .collect();
    // The first of equals stays first.
    known.sort_by(|one, other| if less_is_better { one.1.total_cmp(&other.1) } else { other.1.total_cmp(&one.1) });
    let (place, value, best) = known.first().map(|(place, value, found)| (*place, *value, *found))?;
    if known.len() > 1 && known.iter().all(|(_, other, _)| *other == value) {
        // Among equals nothing is best.
        return None;
    }
    let of = known.len() as u64;
    let n = of as f64;
    let mean = known.iter().map(|(_, value, _)| value / n).sum::<f64>();
    let squares = known.iter().map(|(_, value, _)| (value - mean).powi(2)).sum::<f64>();
    let deviation = Some((squares / (n - 1.0)).sqrt()).filter(|deviation| deviation.is_finite());
    let lift = deviation.map(|deviation| deviation * expected_maximum(of));
    let expected = lift.map(|lift| if less_is_better { mean - lift } else { mean + lift });
    let bounds = best.lower.zip(best.upper);
    let corrected = bounds.and_then(|bounds| of_the_best(value, bounds, best.confidence, of).ok());
    let method = match (corrected, of) {
        (None, _) => "no interval: on how many rows it rests is not known".to_owned(),
        (Some(_), 1) => "its own interval: nothing was chosen".to_owned(),
        (Some(_), of) => format!("Šidák, for the best of {of}"),
    };
    Some(BestOf {
        place,
        value,
        of,
        next: known.get(1).map(|(place, _, _)| *place),
        mean,
        deviation,
        expected,
        lower: corrected.map(|(lower, _)| lower),
        upper: corrected.map(|(_, upper)| upper),
        confidence: if corrected.is_some() { best.confidence } else { 0.0 },
        method,
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

    use super::*;

    fn value(value: f64, spread: Option<f64>) -> Option<ComparedValue> {
        let bound = |sign: f64| spread.map(|spread| value + sign * spread);
        Some(ComparedValue {
            value: Some(value),
            lower: bound(-1.0),
            upper: bound(1.0),
            confidence: if spread.is_some() { 0.975 } else { 0.0 },
            n: if spread.is_some() { 500 } else { 0 },
        })
    }

    #[test]
    fn the_best_of_many_is_told_with_what_luck_alone_would_give() {
        let values: Vec<_> = (0..10).map(|place| value(0.80 + 0.01 * f64::from(place), Some(0.02))).collect();
        let best = best_of(&values, false).unwrap();
        assert_eq!((best.place, best.of, best.next), (9, 10, Some(8)));
        // The mean of 0.80 … 0.89 and 1.53875 deviations of 0.03028.
        assert!((best.expected.unwrap() - (0.845 + 1.53875 * 0.030_276_5)).abs() < 1e-5);
        assert!(best.lower.unwrap() < 0.87 && best.upper.unwrap() > 0.91, "{best:?}");
        assert_eq!(best.method, "Šidák, for the best of 10");
        assert_eq!(best_of(&values, true).unwrap().place, 0);
    }

    #[test]
    fn what_scripts_logged_has_no_interval_and_says_so() {
        let values = [value(0.3, None), None, value(0.2, None)];
        let best = best_of(&values, true).unwrap();
        assert_eq!((best.place, best.next, best.lower), (2, Some(0), None));
        assert!(best.method.starts_with("no interval"));
        let alone = best_of(&[value(0.9, Some(0.05))], false).unwrap();
        assert_eq!((alone.next, alone.deviation, alone.expected), (None, None, None));
        assert!((alone.lower.unwrap() - 0.85).abs() < 1e-9, "{alone:?}");
        assert_eq!(best_of(&[value(0.5, None), value(0.5, None)], false), None, "among equals nothing is best");
        assert_eq!(best_of(&[None, value(f64::NAN, None), value(f64::INFINITY, None)], false), None);
    }

    #[test]
    fn names_say_which_way_is_better() {
        for small in ["loss", "val_loss", "trees/mae", "rmse", "log loss", "latency_ms", "trees/mean cost", "eval/wer"]
        {
            assert!(is_better_small(small), "{small}");
        }
        for great in ["auc", "trees/accuracy", "f1", "recall of lost", "losses/auc", "score"] {
            assert!(!is_better_small(great), "{great}");
        }
    }
}
