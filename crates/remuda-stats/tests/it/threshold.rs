//! Thresholds under a cost matrix: against brute force, in any order of rows, and honest about what they cost.

use remuda_stats::threshold::{ABOVE_ALL, Calibrated, Costs, Ranked, calibrated};
use remuda_stats::{Undefined, mean};

/// A stream of numbers in [0, 1).
fn uniform(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64
    }
}

fn cost_at(scores: &[f64], positive: &[bool], costs: Costs, threshold: f64) -> f64 {
    let cost = |(score, positive): (&f64, &bool)| costs[usize::from(*positive)][usize::from(*score >= threshold)];
    scores.iter().zip(positive).map(cost).sum::<f64>() / scores.len() as f64
}

#[test]
fn the_choice_is_the_cheapest_of_all_thresholds() {
    let mut next = uniform(7);
    for round in 0..400 {
        let rows = 2 + (next() * 30.0) as usize;
        // Every other round has few distinct scores, so that ties decide.
        let steps = if round % 2 == 0 { 5.0 } else { 1e6 };
        let scores: Vec<f64> = (0..rows).map(|_| (next() * steps).floor() / steps).collect();
        let mut positive: Vec<bool> = scores.iter().map(|score| next() < *score).collect();
        (positive[0], positive[1]) = (true, false);
        let costs = [[next() - 0.5, next() + 0.5], [next() * 4.0 + 1.0, next() - 0.5]];
        let units: Vec<u64> = (0..rows as u64).collect();
        let ranked = Ranked::new(&scores, &positive, &units, costs).unwrap();
        let choice = ranked.choose();
        let all = scores.iter().copied().chain([0.0, ABOVE_ALL]);
        let least = all.map(|threshold| cost_at(&scores, &positive, costs, threshold)).fold(f64::INFINITY, f64::min);
        assert!((choice.mean_cost - least).abs() < 1e-9, "round {round}: {choice:?}, {least}");
        assert!((cost_at(&scores, &positive, costs, choice.threshold) - least).abs() < 1e-9, "round {round}");
        let by_row = ranked.costs_at(choice.threshold);
        assert!((by_row.iter().sum::<f64>() / rows as f64 - least).abs() < 1e-9);
    }
}

#[test]
fn the_curve_is_the_mean_of_the_costs_with_the_bounds_of_a_mean() {
    let mut next = uniform(3);
    let scores: Vec<f64> = (0..500).map(|_| next().powi(3)).collect();
    let positive: Vec<bool> = scores.iter().map(|score| next() < *score).collect();
    let units: Vec<u64> = (0..500).collect();
    let ranked = Ranked::new(&scores, &positive, &units, [[0.0, 1.0], [5.0, -1.0]]).unwrap();
    let curve = ranked.curve(0.975, &[0.123_4]).unwrap();
    assert!(curve.len() > 100 && curve.iter().any(|point| point.threshold == 0.123_4));
    for point in &curve {
        let losses = ranked.costs_at(point.threshold);
        let (expected, (lower, upper)) = (mean::estimate(&losses, 0.975).unwrap(), point.bounds.unwrap());
        for (one, other) in [(expected.value, point.mean_cost), (expected.lower, lower), (expected.upper, upper)] {
            assert!((one - other).abs() < 1e-9, "{point:?} {expected:?}");
        }
    }
}

#[test]
fn the_order_of_the_rows_changes_nothing() {
    let mut next = uniform(11);
    let scores: Vec<f64> = (0..300).map(|_| (next() * 40.0).floor() / 40.0).collect();
    let positive: Vec<bool> = scores.iter().map(|score| next() < *score).collect();
    let units: Vec<u64> = (0..300).map(|row| row / 2).collect();
    let costs = [[0.0, 1.0], [4.0, 0.0]];
    let ranked = Ranked::new(&scores, &positive, &units, costs).unwrap();
    let order: Vec<usize> = (0..300).map(|row| (row * 77) % 300).collect();
    fn pick<T: Copy>(values: &[T], order: &[usize]) -> Vec<T> {
        order.iter().map(|row| values[*row]).collect()
    }
    let shuffled = Ranked::new(&pick(&scores, &order), &pick(&positive, &order), &pick(&units, &order), costs).unwrap();
    assert_eq!(ranked.choose(), shuffled.choose());
    assert_eq!(ranked.redrawn(1, 0.95), shuffled.redrawn(1, 0.95));
    let own: Vec<f64> = (0..300).map(|row| f64::from(u8::from(row % 3 == 0))).collect();
    let one = ranked.cross_fitted(&own, 1, 0.975).unwrap();
    let other = shuffled.cross_fitted(&pick(&own, &order), 1, 0.975).unwrap();
    // Sums of the same numbers in another order differ in their last digits.
    for (one, other) in [(one.value, other.value), (one.lower, other.lower), (one.upper, other.upper)] {
        assert!((one - other).abs() < 1e-12, "{one} {other}");
    }
}

/// Scores that are uniform, of which the square is the probability: the best threshold under 5 to 1 is 1 / sqrt(6), and
/// the calibrated one, 1 / 6, is wrong for them.
fn sample(next: &mut impl FnMut() -> f64, rows: usize) -> (Vec<f64>, Vec<bool>) {
    let scores: Vec<f64> = (0..rows).map(|_| next()).collect();
    let positive = scores.iter().map(|score| next() < score * score).collect();
    (scores, positive)
}

fn true_cost(threshold: f64) -> f64 {
    let t = threshold.clamp(0.0, 1.0);
    (1.0 - t) - (1.0 - t.powi(3)) / 3.0 + 5.0 * t.powi(3) / 3.0
}

#[test]
fn cross_fitting_takes_the_luck_out_and_its_interval_covers() {
    let costs = [[0.0, 1.0], [5.0, 0.0]];
    let (rounds, rows) = (400, 200);
    let units: Vec<u64> = (0..rows as u64).collect();
    let mut next = uniform(2001);
    let (mut seen, mut honest, mut real, mut covered, mut held) = (0.0, 0.0, 0.0, 0, 0);
    for _ in 0..rounds {
        let (scores, positive) = sample(&mut next, rows);
        let ranked = Ranked::new(&scores, &positive, &units, costs).unwrap();
        let choice = ranked.choose();
        let truth = true_cost(choice.threshold);
        let found = ranked.cross_fitted(&units.iter().map(|_| 0.0).collect::<Vec<f64>>(), 1, 0.975).unwrap();
        seen += choice.mean_cost / f64::from(rounds);
        honest += found.value / f64::from(rounds);
        real += truth / f64::from(rounds);
        covered += u32::from(found.lower <= truth && truth <= found.upper);
        let redrawn = ranked.redrawn(1, 0.95).unwrap();
        held += u32::from(redrawn.low <= 6f64.sqrt().recip() && 6f64.sqrt().recip() <= redrawn.high);
    }
    assert!(real - seen > 0.02, "choosing and judging on the same rows flatters: {seen} {real}");
    assert!((real - honest).abs() < 0.25 * (real - seen), "{honest} {real}");
    // The Monte Carlo error of 95 % in 400 rounds is 1.1 points.
    assert!(f64::from(covered) / f64::from(rounds) > 0.93, "{covered} of {rounds}");
    assert!(f64::from(held) / f64::from(rounds) > 0.90, "{held} of {rounds}");
}

#[test]
fn what_has_no_threshold_says_why() {
    let units: Vec<u64> = (0..4).collect();
    let costs = [[0.0, 1.0], [5.0, 0.0]];
    let of = |scores: &[f64], positive: &[bool], costs: Costs| {
        Ranked::new(scores, positive, &units[..scores.len()], costs).map(|ranked| ranked.choose())
    };
    assert_eq!(Ranked::new(&[], &[], &[], costs).map(|_| ()), Err(Undefined::NoRows));
    assert_eq!(of(&[0.2, 0.3], &[false, false], costs), Err(Undefined::NoPositives));
    assert_eq!(of(&[0.2, 0.3], &[true, true], costs), Err(Undefined::NoNegatives));
    assert_eq!(of(&[f64::NAN, 0.3], &[true, false], costs), Err(Undefined::NotFinite { count: 1 }));
    assert!(matches!(of(&[1.5, 0.3], &[true, false], costs), Err(Undefined::OutOfRange { .. })));
    assert!(matches!(of(&[0.5], &[true, false], costs), Err(Undefined::UnequalLengths { .. })));
    assert!(of(&[0.5, 0.3], &[true, false], [[0.0, f64::INFINITY], [1.0, 0.0]]).is_err());
    assert!(of(&[0.5, 0.3], &[true, false], [[1.0, 0.0], [0.0, 1.0]]).is_err(), "being wrong is the cheaper");
    let few = Ranked::new(&[0.5, 0.3], &[true, false], &[0, 1], costs).unwrap();
    assert_eq!(few.cross_fitted(&[0.0, 0.0], 1, 0.975), Err(Undefined::TooFew { needed: 20, have: 2 }));

    // All scores alike: all rows or none, whichever is cheaper.
    let constant = Ranked::new(&[0.4; 4], &[true, false, false, false], &units, costs).unwrap();
    assert!(constant.is_constant());
    assert_eq!((constant.choose().hits, constant.choose().alarms), (1, 3));
    let constant = Ranked::new(&[0.4; 4], &[true, false, false, false], &units, [[0.0, 1.0], [2.0, 0.0]]).unwrap();
    assert_eq!((constant.choose().hits, constant.choose().alarms), (0, 0));
    let sure = Ranked::new(&[1.0; 4], &[true, false, false, false], &units, [[0.0, 1.0], [2.0, 0.0]]).unwrap();
    assert_eq!(sure.choose().threshold, ABOVE_ALL);
}

#[test]
fn theory_knows_matrices_that_no_threshold_is_for() {
    let cases = [
        ([[0.0, 1.0], [1.0, 0.0]], Calibrated::At(0.5)),
        ([[0.0, 2.0], [8.0, 0.0]], Calibrated::At(0.2)),
        // A hit that earns: (2 - 0) / (2 - 0 + 5 + 3).
        ([[0.0, 2.0], [5.0, -3.0]], Calibrated::At(0.2)),
        ([[1.0, 1.0], [5.0, 0.0]], Calibrated::Always),
        ([[0.0, 1.0], [3.0, 3.0]], Calibrated::Never),
        ([[0.0, 1.0], [2.0, 3.0]], Calibrated::Never),
        ([[1.0, 1.0], [2.0, 2.0]], Calibrated::NoMatter),
    ];
    for (costs, expected) in cases {
        assert_eq!(calibrated(costs), Ok(expected), "{costs:?}");
    }
}
