//! The bootstrap agrees with exact methods and with SciPy, gives one answer per seed, and admits what it cannot know.

use remuda_stats::{Undefined, auc, bootstrap, mean, proportion};

const EXPONENTIAL: [f64; 30] = [
    1.073, 0.3085, 5.3754, 0.3664, 0.1154, 1.7998, 0.4986, 0.5514, 0.0297, 0.7641, 1.0415, 0.2306, 1.6772, 0.2086,
    0.7863, 0.1288, 0.9229, 0.4624, 0.6887, 2.649, 1.1145, 0.8988, 2.84, 2.0309, 1.1658, 0.3286, 1.4347, 0.1578,
    8.4229, 0.2359,
];

#[test]
fn the_mean_of_a_skewed_column_agrees_with_scipy() {
    // scipy.stats.bootstrap(n_resamples=200000, method="BCa", confidence_level=0.9).
    let ours = bootstrap::mean(&EXPONENTIAL, 50_000, 3, 0.95).unwrap();
    assert!((ours.lower - 0.8950).abs() < 0.02, "{ours:?}");
    assert!((ours.upper - 2.0295).abs() < 0.06, "{ours:?}");
    // What decides lies further out above: thirty rows of a long tail are fewer than they look.
    assert!(mean::estimate(&EXPONENTIAL, 0.95).unwrap().upper > ours.upper);
}

#[test]
fn rows_and_the_mean_agree() {
    let statistic = |weights: &[u32]| {
        let sum: f64 = EXPONENTIAL.iter().zip(weights).map(|(x, w)| x * f64::from(*w)).sum();
        sum / f64::from(weights.iter().sum::<u32>())
    };
    let rows = bootstrap::rows(EXPONENTIAL.len(), statistic, 20_000, 5, 0.95).unwrap();
    let direct = bootstrap::mean(&EXPONENTIAL, 20_000, 5, 0.95).unwrap();
    assert!(
        (rows.lower - direct.lower).abs() < 0.02 && (rows.upper - direct.upper).abs() < 0.06,
        "{rows:?} {direct:?}"
    );
}

#[test]
fn cells_agree_with_the_exact_interval_of_a_rate() {
    let rate = |cells: &[f64]| cells[0] / (cells[0] + cells[1]);
    for (k, n) in [(450_u64, 500_u64), (9_000_000, 10_000_000), (30, 60)] {
        let exact = proportion::rate(k, n, 0.95).unwrap();
        let drawn = bootstrap::cells(&[k, n - k], rate, 4_000, 11, 0.95).unwrap();
        let width = exact.upper - exact.lower;
        assert!((drawn.lower - exact.lower).abs() < 0.15 * width, "{drawn:?} {exact:?}");
        assert!((drawn.upper - exact.upper).abs() < 0.15 * width, "{drawn:?} {exact:?}");
    }
}

#[test]
fn a_seed_gives_one_answer_and_another_seed_another() {
    let scores: Vec<f64> = (0..500).map(|i| f64::from((i * 7919) % 500)).collect();
    let positive: Vec<bool> = (0..500).map(|i| (i * 31) % 3 == 0 || i % 97 == 0).collect();
    let one = auc::bootstrap(&scores, &positive, 500, 1, 0.9).unwrap();
    assert_eq!(one, auc::bootstrap(&scores, &positive, 500, 1, 0.9).unwrap());
    assert_ne!(one, auc::bootstrap(&scores, &positive, 500, 2, 0.9).unwrap());
}

#[test]
fn the_auc_bootstrap_agrees_with_delong() {
    let n = 3_000;
    let positive: Vec<bool> = (0..n).map(|i| i % 3 == 0).collect();
    // Coarse scores, so that ties are everywhere.
    let scores: Vec<f64> = (0..n).map(|i| f64::from((i * 7919) % 101) + if i % 3 == 0 { 30.0 } else { 0.0 }).collect();
    let delong = auc::estimate(&scores, &positive, 0.95).unwrap();
    let drawn = auc::bootstrap(&scores, &positive, 4_000, 1, 0.95).unwrap();
    let width = delong.upper - delong.lower;
    assert_eq!(drawn.value, delong.value);
    assert!((drawn.lower - delong.lower).abs() < 0.08 * width, "{drawn:?} {delong:?}");
    assert!((drawn.upper - delong.upper).abs() < 0.08 * width, "{drawn:?} {delong:?}");
}

#[test]
fn clusters_widen_the_interval() {
    // Forty customers with fifty equal rows each: as good as forty rows.
    let cluster_of: Vec<u32> = (0..2_000).map(|row| row / 50).collect();
    let value = |row: usize| if (row / 50).is_multiple_of(4) { 0.0 } else { 1.0 };
    let statistic = |weights: &[u32]| {
        let sum: f64 = weights.iter().enumerate().map(|(row, w)| value(row) * f64::from(*w)).sum();
        sum / weights.iter().map(|w| f64::from(*w)).sum::<f64>()
    };
    let clusters = bootstrap::clusters(&cluster_of, statistic, 2_000, 1, 0.95).unwrap();
    let rows = bootstrap::rows(2_000, statistic, 2_000, 1, 0.95).unwrap();
    assert!(clusters.upper - clusters.lower > 4.0 * (rows.upper - rows.lower), "{clusters:?} {rows:?}");
    let few: Vec<u32> = (0..29).collect();
    assert_eq!(bootstrap::clusters(&few, |_| 0.5, 100, 1, 0.95), Err(Undefined::TooFewGroups { needed: 30, have: 29 }));
}

#[test]
fn what_resampling_cannot_know_is_said() {
    let share = |cells: &[f64]| cells[0] / (cells[0] + cells[1]);
    assert_eq!(bootstrap::cells(&[50, 0], share, 500, 1, 0.95), Err(Undefined::NoVariation));
    assert_eq!(bootstrap::cells(&[0, 0], share, 500, 1, 0.95), Err(Undefined::NoRows));
    // Recall of a class with two rows: one resample in seven has none of them.
    let recall = |cells: &[f64]| cells[0] / (cells[0] + cells[1]);
    let answer = bootstrap::cells(&[1, 1, 200], recall, 2_000, 1, 0.95);
    assert!(matches!(answer, Err(Undefined::UndefinedOnResamples { undefined, .. }) if undefined > 200), "{answer:?}");
    assert_eq!(mean::estimate(&[2.5; 500], 0.95), Err(Undefined::OneValueOnly));
    assert_eq!(mean::estimate(&[2.5], 0.95), Err(Undefined::TooFew { needed: 2, have: 1 }));
}

#[test]
fn hall_s_transformation_agrees_with_the_bootstrap_of_many_skewed_rows() {
    // exp of twice a normal, at spread-out quantiles: a skewness of 33, where Student's t is off by 0.1 at the top.
    let losses: Vec<f64> = (1..=20_000)
        .map(|i| (f64::from(i) * 0.754_877_666_246_692_7).fract().clamp(1e-9, 1.0 - 1e-9))
        .map(|u| (2.0 * remuda_stats::special::normal::quantile(u)).exp())
        .collect();
    let ours = mean::estimate(&losses, 0.95).unwrap();
    // scipy.stats.bootstrap(n_resamples=20000, method="BCa", confidence_level=0.9): 6.935 to 7.950.
    assert!((ours.lower - 6.935).abs() < 0.02 && (ours.upper - 7.950).abs() < 0.03, "{ours:?}");
}
