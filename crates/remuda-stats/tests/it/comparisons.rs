//! Two samples, two groups, one plan: values from SciPy 1.17 beyond the shared cases, and how long a price takes.

use remuda_stats::difference::{Count, fisher_greater, fisher_two_sided};
use remuda_stats::paired_numbers::signed_rank;
use remuda_stats::price::{self, Direction};
use remuda_stats::sequential::planned;
use remuda_stats::{Estimate, Undefined, cluster, drift, fairness, paired, proportion, regression};
use std::time::{Duration, Instant};

fn near(got: f64, want: f64, tolerance: f64) {
    assert!((got - want).abs() <= tolerance * want.abs(), "{got} instead of {want}");
}

#[test]
fn exact_tests_agree_with_scipy() {
    let (one, two) = (Count { successes: 8, n: 9 }, Count { successes: 2, n: 7 });
    near(fisher_greater(one, two).unwrap(), 0.024_475_524_475_524_483, 1e-10);
    near(fisher_two_sided(one, two).unwrap(), 0.034_965_034_965_034_975, 1e-10);
    for (k, n, p0, want) in [
        (7, 9, 0.5, 0.179_687_5),
        (91, 100, 0.95, 0.100_170_799_954_804_03),
        (3, 50, 0.2, 0.011_917_135_597_017_944),
        (450, 500, 0.9, 1.0),
    ] {
        near(proportion::test_two_sided(k, n, p0).unwrap(), want, 1e-9);
    }
    let (first, second) = ([1.0, 2.0, 3.0, 4.0, 5.5, 7.0], [1.5, 2.5, 6.0, 8.0, 9.0, 10.0, 11.0]);
    let rank = drift::numeric::mann_whitney(&first, &second).unwrap();
    assert_eq!(rank.statistic, 10.0);
    near(rank.p_value, 0.137_529_137_529_137_54, 1e-10);
    near(drift::numeric::drift(&first, &second).unwrap().p_value, 0.146_853_146_853_146_85, 1e-10);
}

#[test]
fn drift_by_chance_is_what_chance_gives() {
    // Two hundred pairs of samples from one distribution: the mean distance is the expected one.
    let mut total = 0.0;
    let mut expected = 0.0;
    for seed in 0..200_u64 {
        let draw = |shift: u64, n: u64| -> Vec<u64> {
            let mut counts = vec![0; 6];
            for i in 0..n {
                let x = ((i + 1) as f64 * 0.618_033_988_749_894_9
                    + ((seed * 7 + shift) as f64).sin() * 43_758.545_3
                    + (i as f64 * (1.0 + seed as f64 + shift as f64 / 3.0)).sin() * 10_000.0)
                    .rem_euclid(1.0);
                counts[((x * x) * 6.0) as usize] += 1;
            }
            counts
        };
        let result = drift::categories(&draw(1, 900), &draw(2, 300)).unwrap();
        total += result.distance;
        expected += result.expected_by_chance;
    }
    assert!((total / expected - 0.95).abs() < 0.12, "{} against {}", total / 200.0, expected / 200.0);
}

#[test]
fn binned_distances_agree_with_raw_ones() {
    let reference: Vec<f64> = (0..100).map(|i| f64::from(i % 10)).collect();
    let live: Vec<f64> = (0..80).map(|i| f64::from((i % 8) + 2)).collect();
    let count = |values: &[f64]| {
        let mut counts = vec![0; 10];
        values.iter().for_each(|value| counts[*value as usize] += 1);
        counts
    };
    let centres: Vec<f64> = (0..10).map(f64::from).collect();
    let raw = drift::numeric::distances(&reference, &live).unwrap();
    let (from, to) = (count(&reference), count(&live));
    near(drift::binned::kolmogorov_smirnov(&from, &to).unwrap(), raw.kolmogorov_smirnov, 1e-12);
    near(drift::binned::wasserstein(&centres, &from, &to).unwrap(), raw.wasserstein, 1e-12);
    near(drift::binned::energy(&centres, &from, &to).unwrap(), raw.energy, 1e-12);
}

#[test]
fn a_price_is_quick_also_when_it_is_high() {
    let start = Instant::now();
    for (k, n, threshold) in
        [(93, 100, 0.9), (901, 1_000, 0.9), (9_006, 10_000, 0.9), (90_015, 100_000, 0.9), (999, 1_000, 0.998)]
    {
        price::rate(k, n, Direction::AtLeast, threshold, 0.95).unwrap();
    }
    // Five prices of three offers each; generous, because the machine may be busy.
    assert!(start.elapsed() < Duration::from_millis(1_500), "{:?}", start.elapsed());
    let start = Instant::now();
    for (b, c, n) in [(12, 6, 200), (35, 20, 500), (30, 28, 5_000), (300, 290, 50_000)] {
        price::paired(b, c, n, 0.0, 0.95).unwrap();
    }
    assert!(start.elapsed() < Duration::from_millis(4_000), "{:?}", start.elapsed());
}

#[test]
fn the_price_of_a_pair_keeps_its_promise() {
    let price = price::paired(35, 20, 500, 0.0, 0.95).unwrap();
    let offer = price.expected.unwrap();
    let connor = price::connor(0.07, 0.04, 0.05, 0.8).unwrap();
    assert!((offer.labels as f64 / connor - 1.0).abs() < 0.05, "{offer:?} against {connor}");
    assert!(offer.chance >= 0.8 && offer.chance < 0.83);
    // Not worse by more than two points: cheaper, and reachable from a draw.
    let margin = price::paired(20, 20, 500, -0.02, 0.95).unwrap().expected.unwrap();
    assert!(margin.labels > 500 && margin.labels < 2_500, "{margin:?}");
    assert!(price::paired(20, 20, 500, 0.0, 0.95).unwrap().expected.is_none());
    let met = paired::difference(20, 20, margin.labels, 0.95).unwrap();
    assert!(met.lower > -0.02);
}

#[test]
fn the_square_root_law_agrees_with_the_exact_price() {
    let rate = proportion::rate(930, 1_000, 0.95).unwrap();
    let scaled = price::scaled(&rate, Direction::AtLeast, 0.91).unwrap().expected.unwrap();
    let exact = price::rate(930, 1_000, Direction::AtLeast, 0.91, 0.95).unwrap().expected.unwrap();
    assert!((scaled.labels as f64 / exact.labels as f64 - 1.0).abs() < 0.25, "{scaled:?} {exact:?}");
}

#[test]
fn a_plan_costs_little_power() {
    let looks = [200, 400, 600, 800, 1_000];
    let plan = planned::pass_marks(&looks, 0.9, 0.05).unwrap();
    near(planned::chances(&looks, &plan, 0.9).unwrap().iter().sum(), plan.risk_used, 1e-9);
    let power: f64 = planned::chances(&looks, &plan, 0.93).unwrap().iter().sum();
    let once = price::pass_probability(1_000, 0.9, 0.05, 0.93).unwrap();
    assert!(power > once - 0.05 && power < once, "{power} against {once}");
}

#[test]
fn bounds_of_errors_and_gaps_are_in_order() {
    let truth: Vec<f64> = (0..400).map(|i| f64::from(i % 37)).collect();
    let predicted: Vec<f64> = (0..400).map(|i| f64::from(i % 37) + f64::from(i % 5) - 2.0).collect();
    let ordered = |estimate: &Estimate| estimate.lower < estimate.value && estimate.value < estimate.upper;
    for estimate in [
        regression::mean_absolute_error_estimate(&truth, &predicted, 0.95).unwrap(),
        regression::root_mean_squared_error_estimate(&truth, &predicted, 0.95).unwrap(),
        regression::r_squared_estimate(&truth, &predicted, 0.95).unwrap(),
    ] {
        assert!(ordered(&estimate), "{estimate:?}");
    }
    // The linearised and the resampled bounds of R² agree where one hands over to the other.
    let repeat = |column: &[f64]| column.repeat(49);
    let resampled = regression::r_squared_estimate(&repeat(&truth), &repeat(&predicted), 0.95).unwrap();
    let repeat = |column: &[f64]| column.repeat(50);
    let linearised = regression::r_squared_estimate(&repeat(&truth), &repeat(&predicted), 0.95).unwrap();
    assert_ne!(resampled.method, linearised.method);
    near(resampled.lower, linearised.lower, 1e-3);
    let groups = [Count { successes: 80, n: 100 }, Count { successes: 60, n: 90 }, Count { successes: 70, n: 80 }];
    assert!(ordered(&fairness::gap_estimate(&groups, 0.95).unwrap()));
    let successes: Vec<f64> = (0..40).map(|i| f64::from(i % 4)).collect();
    let ratio = cluster::estimate(&successes, &[4.0; 40], 0.95).unwrap();
    assert!(ordered(&ratio) && ratio.n == 40);
}

/// Values of scipy.stats.wilcoxon 1.17.1: ties and zeros among few rows (counted out) and among many (normal).
#[test]
fn signed_ranks_with_ties_are_counted_out_while_rows_are_few() {
    let few = signed_rank(
        &[6., 7., 0., 7., 4., 4., 5., 2., 8., 0., 2., 3.],
        &[5., 4., 2., 1., 0., 0., 2., 8., 1., 5., 7., 2.],
    )
    .unwrap();
    assert_eq!(few.statistic, 30.5);
    assert!((few.p_value - 0.528_808_593_75).abs() < 1e-12, "{}", few.p_value);
    let new = [3, 6, 1, 7, 3, 2, 4, 8, 7, 7, 2, 0, 7, 6, 6, 0, 0, 4, 3, 3, 8, 1, 4, 2, 2, 7, 1, 2, 1, 1];
    let old = [2, 7, 5, 4, 2, 8, 8, 2, 0, 3, 1, 8, 5, 4, 3, 4, 8, 3, 6, 1, 3, 9, 8, 1, 8, 7, 5, 4, 8, 8];
    let many = signed_rank(&new.map(f64::from), &old.map(f64::from)).unwrap();
    assert_eq!(many.statistic, 150.5);
    assert!((many.p_value - 0.146_269_303_962_230_23).abs() < 1e-12, "{}", many.p_value);
    assert_eq!(signed_rank(&[1.0, 2.0], &[1.0, 2.0]), Err(Undefined::OneValueOnly));
    assert_eq!(signed_rank(&[], &[]), Err(Undefined::NoRows));
}
