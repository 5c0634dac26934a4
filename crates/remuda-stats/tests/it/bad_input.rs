//! Extremes and nonsense: a named reason or a finite number, never NaN, a panic or a silent zero.

use remuda_stats::price::Direction;
use remuda_stats::{
    Undefined, auc, calibration, classification, drift, f1, mean, paired, price, proportion, quantile, regression,
    scoring,
};

#[test]
fn nothing_to_count_is_said() {
    assert_eq!(proportion::rate(0, 0, 0.95), Err(Undefined::NoRows));
    assert_eq!(f1::binary(0, 0, 0, 0.95), Err(Undefined::NoPositives));
    assert_eq!(auc::estimate(&[], &[], 0.95), Err(Undefined::NoRows));
    assert_eq!(auc::estimate(&[0.5], &[true], 0.95), Err(Undefined::NoNegatives));
    assert_eq!(auc::estimate(&[0.5, 0.1], &[false, false], 0.95), Err(Undefined::NoPositives));
    assert_eq!(paired::difference(0, 0, 0, 0.95), Err(Undefined::NoRows));
    assert_eq!(mean::estimate(&[], 0.95), Err(Undefined::NoRows));
    assert_eq!(quantile::estimate(&[], 0.5, 0.95), Err(Undefined::NoRows));
    assert_eq!(scoring::average_precision(&[0.5], &[false]), Err(Undefined::NoPositives));
    assert_eq!(regression::r_squared(&[1.0, 1.0], &[1.0, 2.0]), Err(Undefined::OneValueOnly));
    assert_eq!(drift::categories(&[], &[]), Err(Undefined::NoRows));
    assert_eq!(drift::categories(&[5, 0], &[9, 0]), Err(Undefined::OneValueOnly));
    assert_eq!(calibration::recalibration(&[0.2, 0.3], &[true, true]), Err(Undefined::NoNegatives));
    let empty = classification::Matrix { classes: 2, counts: &[0.0; 4] };
    assert_eq!(classification::accuracy(empty), Err(Undefined::NoRows));
}

#[test]
fn values_that_are_no_numbers_are_counted() {
    let nan = f64::NAN;
    assert_eq!(auc::estimate(&[0.1, nan, nan], &[true, false, true], 0.9), Err(Undefined::NotFinite { count: 2 }));
    assert_eq!(mean::estimate(&[nan, 1.0, f64::INFINITY], 0.9), Err(Undefined::NotFinite { count: 2 }));
    assert_eq!(quantile::estimate(&[nan; 5], 0.5, 0.9), Err(Undefined::NotFinite { count: 5 }));
    assert_eq!(drift::numeric::drift(&[1.0], &[nan]), Err(Undefined::NotFinite { count: 1 }));
    assert_eq!(regression::bias(&[nan], &[1.0]), Err(Undefined::NotFinite { count: 1 }));
    // An infinite log-odds is a score like another.
    let scores = [f64::NEG_INFINITY, 0.0, f64::INFINITY];
    assert_eq!(auc::estimate(&scores, &[false, false, true], 0.9).unwrap().value, 1.0);
}

#[test]
fn arguments_outside_their_range_are_refused() {
    for confidence in [0.0, 1.0, -1.0, 2.0, f64::NAN, f64::INFINITY] {
        assert!(proportion::rate(1, 2, confidence).is_err());
        assert!(paired::difference(1, 1, 5, confidence).is_err());
        assert!(auc::estimate(&[0.1, 0.2], &[true, false], confidence).is_err());
        assert!(mean::estimate(&[1.0, 2.0], confidence).is_err());
        assert!(price::rate(1, 2, Direction::AtLeast, 0.5, confidence).is_err());
    }
    assert!(proportion::rate(3, 2, 0.95).is_err());
    assert!(paired::difference(4, 4, 5, 0.95).is_err());
    assert_eq!(auc::estimate(&[0.1], &[true, false], 0.95), Err(Undefined::UnequalLengths { left: 1, right: 2 }));
}

#[test]
fn reasons_are_plain_sentences() {
    let sentence = |reason: Undefined| reason.to_string();
    assert_eq!(sentence(Undefined::TooFew { needed: 299, have: 12 }), "at least 299 rows are needed and there are 12");
    assert_eq!(sentence(Undefined::NoPositives), "no row is of the positive class");
    assert_eq!(
        sentence(proportion::rate(1, 2, f64::NAN).unwrap_err()),
        "the confidence is 0, which is outside its range"
    );
}

#[test]
fn ties_everywhere_are_chance() {
    let positive: Vec<bool> = (0..1_000).map(|i| i % 2 == 0).collect();
    let estimate = auc::estimate(&vec![0.5; 1_000], &positive, 0.95).unwrap();
    assert_eq!(estimate.value, 0.5);
    assert!(estimate.lower < 0.5 && estimate.upper > 0.5, "{estimate:?}");
    let same = auc::paired_difference(&vec![0.5; 1_000], &vec![0.5; 1_000], &positive, 0.95).unwrap();
    assert_eq!((same.lower, same.value, same.upper), (0.0, 0.0, 0.0));
}

#[test]
fn perfect_models_are_not_certain() {
    let positive: Vec<bool> = (0..400).map(|i| i >= 200).collect();
    let one: Vec<f64> = (0..400).map(f64::from).collect();
    let other: Vec<f64> = (0..400).map(|i| f64::from(i) * if i % 2 == 0 { 1.0 } else { 1.001 }).collect();
    let estimate = auc::estimate(&one, &positive, 0.95).unwrap();
    assert!(estimate.value == 1.0 && estimate.lower < 1.0 && estimate.lower > 0.97, "{estimate:?}");
    let difference = auc::paired_difference(&one, &other, &positive, 0.95).unwrap();
    assert!(difference.value == 0.0 && difference.lower < 0.0 && difference.upper > 0.0, "{difference:?}");
    assert!(paired::difference(0, 0, 50, 0.95).unwrap().lower < 0.0);
    assert!(proportion::rate(1, 1, 0.95).unwrap().lower < 0.06);
}

#[test]
fn ten_million_rows_take_no_time() {
    let rate = proportion::rate(9_990_000, 10_000_000, 0.95).unwrap();
    assert!(rate.lower > 0.99898 && rate.upper < 0.99902, "{rate:?}");
    let difference = paired::difference(5_000, 4_000, 10_000_000, 0.95).unwrap();
    assert!(difference.lower > 0.0 && difference.upper < 2e-4, "{difference:?}");
    let price = price::rate(9_001, 10_000, Direction::AtLeast, 0.9, 0.95).unwrap();
    assert!(price.expected.unwrap().labels > 5_000_000, "{price:?}");
    let drift = drift::categories(&[5_000_000, 5_000_000], &[5_001_000, 4_999_000]).unwrap();
    assert!(drift.p_value > 0.2 && drift.distance < 1e-3, "{drift:?}");
}

#[test]
fn a_price_out_of_reach_is_none() {
    // Nine of ten now, and a threshold above that: only a better truth than seen would pass.
    let price = price::rate(90, 100, Direction::AtLeast, 0.95, 0.95).unwrap();
    assert_eq!((price.expected, price.pessimistic, price.optimistic), (None, None, None));
    let price = price::rate(5, 100, Direction::AtMost, 0.08, 0.95).unwrap();
    let mirrored = price::rate(95, 100, Direction::AtLeast, 0.92, 0.95).unwrap();
    assert_eq!(price.expected.unwrap().labels, mirrored.expected.unwrap().labels);
    assert!((price.expected.unwrap().assumed - 0.05).abs() < 1e-12);
    assert!(price.optimistic.unwrap().labels < price.expected.unwrap().labels);
    assert!(price.pessimistic.is_none_or(|offer| offer.labels > price.expected.unwrap().labels));
}
