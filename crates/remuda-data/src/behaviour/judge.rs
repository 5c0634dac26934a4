//! Whether an answer is what a test expects.

use remuda_model::behaviour::{Direction, Expectation};

/// What a model says about one row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Answer<'a> {
    /// The class; `None` where the model gives numbers.
    pub label: Option<&'a str>,
    /// The score of the class that the test looks at, or the number; NaN where there is none.
    pub score: f64,
}

/// Scores that differ by less than this are the same: probabilities come in single precision.
pub const SAME_SCORE: f64 = 1e-6;

/// Whether a case passes. `own` is the label that the row itself carries; `before` the answer on the row before its
/// change. A score that does not exist passes nothing.
pub fn passes(expectation: &Expectation, own: Option<&str>, before: Option<Answer<'_>>, after: Answer<'_>) -> bool {
    match (expectation, before) {
        (Expectation::Label(labels), _) => {
            after.label.is_some_and(|label| labels.iter().any(|expected| expected == label))
        }
        (Expectation::OwnLabel, _) => own.is_some() && after.label == own,
        (Expectation::Score { at_least, at_most, .. }, _) => {
            at_least.is_none_or(|least| after.score >= least - SAME_SCORE)
                && at_most.is_none_or(|most| after.score <= most + SAME_SCORE)
                && !after.score.is_nan()
        }
        (Expectation::SameLabel, Some(before)) => after.label.is_some() && after.label == before.label,
        (Expectation::Within { distance, .. }, Some(before)) => {
            (after.score - before.score).abs() <= distance + SAME_SCORE
        }
        (Expectation::Moves { direction, by, .. }, Some(before)) => {
            let rise = after.score - before.score;
            match direction {
                Direction::Up => rise >= by - SAME_SCORE && rise > SAME_SCORE,
                Direction::Down => -rise >= by - SAME_SCORE && -rise > SAME_SCORE,
                Direction::NotUp => rise <= by + SAME_SCORE,
                Direction::NotDown => -rise <= by + SAME_SCORE,
            }
        }
        (Expectation::SameLabel | Expectation::Within { .. } | Expectation::Moves { .. }, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(label: &str, score: f64) -> Answer<'_> {
        Answer { label: Some(label), score }
    }

    #[test]
    fn scores_move_as_they_should() {
        use Direction::{Down, NotDown, NotUp, Up};
        let cases = [
            (Up, 0.0, 0.4, 0.5, true),
            (Up, 0.0, 0.5, 0.5, false),
            (Up, 0.2, 0.4, 0.5, false),
            (Down, 0.1, 0.5, 0.4, true),
            (Down, 0.0, 0.4, 0.5, false),
            (NotDown, 0.05, 0.50, 0.46, true),
            (NotDown, 0.05, 0.50, 0.44, false),
            (NotUp, 0.0, 0.5, 0.5, true),
            (NotUp, 0.0, 0.5, 0.51, false),
            (NotUp, 0.0, 0.5, f64::NAN, false),
            (Up, 0.0, f64::NAN, 0.5, false),
        ];
        for (direction, by, before, after, expected) in cases {
            let moves = Expectation::Moves { of: None, direction, by };
            let found = passes(&moves, None, Some(answer("a", before)), answer("a", after));
            assert_eq!(found, expected, "{direction:?} {by} {before} {after}");
        }
    }

    #[test]
    fn labels_and_ranges() {
        let label = Expectation::Label(vec!["a".into(), "b".into()]);
        assert!(passes(&label, None, None, answer("b", 0.1)) && !passes(&label, None, None, answer("c", 0.9)));
        assert!(!passes(&Expectation::OwnLabel, None, None, answer("b", 0.1)));
        assert!(passes(&Expectation::OwnLabel, Some("b"), None, answer("b", 0.1)));
        let range = Expectation::Score { of: None, at_least: Some(0.2), at_most: Some(0.4) };
        let within = |score| passes(&range, None, None, Answer { label: None, score });
        assert!(within(0.2) && within(0.4) && !within(0.41) && !within(f64::NAN));
        assert!(passes(&Expectation::SameLabel, None, Some(answer("a", 0.9)), answer("a", 0.1)));
        assert!(!passes(&Expectation::SameLabel, None, Some(answer("a", 0.9)), answer("b", 0.9)));
        assert!(!passes(&Expectation::SameLabel, None, None, answer("b", 0.9)));
    }
}
