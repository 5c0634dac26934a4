//! What must hold for any input: bounds in order, more confidence wider, mirror images, agreement of two ways.

use proptest::prelude::*;
use remuda_stats::price::{labels_for_rate, pass_mark, pass_probability};
use remuda_stats::sequential::{planned, rate};
use remuda_stats::{Estimate, auc, f1, paired, proportion, quantile};

fn ordered(estimate: &Estimate) -> bool {
    estimate.lower <= estimate.value && estimate.value <= estimate.upper && estimate.lower.is_finite()
}

fn wider(wide: &Estimate, narrow: &Estimate) -> bool {
    wide.lower <= narrow.lower + 1e-12 && wide.upper >= narrow.upper - 1e-12
}

fn counts() -> impl Strategy<Value = (u64, u64)> {
    prop_oneof![1_u64..50, 50_u64..100_000, Just(10_000_000)].prop_flat_map(|n| (0..=n, Just(n)))
}

fn scored() -> impl Strategy<Value = (Vec<f64>, Vec<f64>, Vec<bool>)> {
    // Small integers make ties.
    proptest::collection::vec((0_i8..20, 0_i8..20, any::<bool>()), 2..120).prop_map(|rows| {
        let column = |pick: fn(&(i8, i8, bool)) -> i8| rows.iter().map(|row| f64::from(pick(row))).collect();
        (column(|row| row.0), column(|row| row.1), rows.iter().map(|row| row.2).collect())
    })
}

proptest! {
    #[test]
    fn a_rate_is_between_its_bounds((k, n) in counts(), confidence in 0.5_f64..0.999) {
        let rate = proportion::rate(k, n, confidence).unwrap();
        prop_assert!(ordered(&rate) && rate.lower >= 0.0 && rate.upper <= 1.0, "{rate:?}");
        prop_assert!(wider(&proportion::rate(k, n, confidence + (1.0 - confidence) / 2.0).unwrap(), &rate));
        let mirror = proportion::rate(n - k, n, confidence).unwrap();
        prop_assert!((mirror.lower - (1.0 - rate.upper)).abs() < 1e-11);
        // The bound is where the exact test is on the edge.
        if k > 0 {
            let p = proportion::test_greater(k, n, rate.lower).unwrap();
            prop_assert!((p / (1.0 - confidence) - 1.0).abs() < 1e-6, "{p}");
        }
    }

    #[test]
    fn anytime_bounds_decide_as_the_anytime_test((k, n) in counts(), threshold in 0.01_f64..0.99, risk in 0.001_f64..0.3) {
        let bounds = rate::bounds(k, n, risk).unwrap();
        let observed = k as f64 / n as f64;
        prop_assert!(0.0 <= bounds.low && bounds.low <= observed && observed <= bounds.high && bounds.high <= 1.0, "{bounds:?}");
        // At a hair's breadth from the bound the two may differ by rounding.
        prop_assume!((threshold - bounds.low).abs() > 1e-9);
        let passes = rate::test_above(k, n, threshold, risk).unwrap().passes;
        prop_assert_eq!(passes, bounds.low >= threshold, "{:?} {}", bounds, threshold);
        prop_assert!(bounds.low <= proportion::rate(k, n, 1.0 - risk).unwrap().lower + 1e-9);
    }

    #[test]
    fn a_local_risk_decides_as_the_plan_does(
        steps in proptest::collection::vec(1_u64..200, 1..6), threshold in 0.05_f64..0.98, risk in 0.01_f64..0.2, hits in 0.0_f64..1.0
    ) {
        let looks: Vec<u64> = steps.iter().scan(0, |sum, step| { *sum += step; Some(*sum) }).collect();
        let (last, total) = (looks.len() - 1, looks[looks.len() - 1]);
        let plan = planned::pass_marks(&looks, threshold, risk).unwrap();
        let taken: Vec<planned::Look> =
            looks.iter().map(|rows| planned::Look { rows: *rows, share: *rows as f64 / total as f64 }).collect();
        let local = planned::local_risk(&taken, threshold, risk).unwrap();
        prop_assert!(local <= risk + 1e-12, "{local}");
        let hits = (hits * total as f64) as u64;
        let passes = plan.pass_marks[last].is_some_and(|mark| hits >= mark);
        let bound = if local > 0.0 { proportion::rate(hits, total, 1.0 - local).unwrap().lower } else { 0.0 };
        let at_mark = plan.pass_marks[last] == Some(hits);
        prop_assert!(at_mark || passes == (bound >= threshold), "{hits} of {total}, {plan:?}, {bound}");
        prop_assert!(!at_mark || bound >= threshold - 1e-9, "{hits} of {total}, {plan:?}, {bound}");
    }

    #[test]
    fn f1_is_between_its_bounds(tp in 0_u64..500, fp in 0_u64..500, fn_ in 0_u64..500, confidence in 0.5_f64..0.99) {
        prop_assume!(tp + fp + fn_ > 0);
        let estimate = f1::binary(tp, fp, fn_, confidence).unwrap();
        prop_assert!(ordered(&estimate), "{estimate:?}");
        prop_assert_eq!(&estimate, &f1::binary(tp, fn_, fp, confidence).unwrap());
    }

    #[test]
    fn a_paired_difference_turns_with_its_roles(b in 0_u64..80, c in 0_u64..80, rest in 0_u64..5_000, confidence in 0.55_f64..0.99) {
        let n = b + c + rest;
        prop_assume!(n > 0);
        let difference = paired::difference(b, c, n, confidence).unwrap();
        prop_assert!(ordered(&difference), "{difference:?}");
        let turned = paired::difference(c, b, n, confidence).unwrap();
        prop_assert!((difference.lower + turned.upper).abs() < 1e-9, "{difference:?} {turned:?}");
        prop_assert!(wider(&paired::difference(b, c, n, confidence + (1.0 - confidence) / 2.0).unwrap(), &difference));
    }

    #[test]
    fn the_auc_is_the_share_of_ordered_pairs((scores, other, positive) in scored()) {
        prop_assume!(positive.contains(&true) && positive.contains(&false));
        let estimate = auc::estimate(&scores, &positive, 0.9).unwrap();
        let (mut sum, mut pairs) = (0.0, 0.0);
        for (one, _) in scores.iter().zip(&positive).filter(|(_, p)| **p) {
            for (two, _) in scores.iter().zip(&positive).filter(|(_, p)| !**p) {
                pairs += 1.0;
                sum += if one > two { 1.0 } else if one == two { 0.5 } else { 0.0 };
            }
        }
        prop_assert!((estimate.value - sum / pairs).abs() < 1e-12);
        prop_assert!(ordered(&estimate) && estimate.lower >= 0.0 && estimate.upper <= 1.0, "{estimate:?}");
        // Reversing the order of all scores mirrors the estimate.
        let reversed: Vec<f64> = scores.iter().map(|score| -score).collect();
        let mirror = auc::estimate(&reversed, &positive, 0.9).unwrap();
        prop_assert!((mirror.lower - (1.0 - estimate.upper)).abs() < 1e-9, "{mirror:?} {estimate:?}");
        let difference = auc::paired_difference(&scores, &other, &positive, 0.9).unwrap();
        let turned = auc::paired_difference(&other, &scores, &positive, 0.9).unwrap();
        prop_assert!(ordered(&difference) && (difference.lower + turned.upper).abs() < 1e-12);
    }

    #[test]
    fn order_statistics_cover_the_sample_quantile(values in proptest::collection::vec(-1e6_f64..1e6, 30..300), p in 0.2_f64..0.8) {
        let bounds = quantile::bounds(&values, p, 0.95).unwrap();
        prop_assert!(bounds.lower.is_none_or(|lower| lower <= bounds.value));
        prop_assert!(bounds.upper.is_none_or(|upper| upper >= bounds.value));
    }

    #[test]
    fn the_walk_and_the_direct_power_agree(threshold in 0.02_f64..0.97, gap in 0.1_f64..0.9, confidence in 0.8_f64..0.99) {
        let assumed = threshold + gap * (1.0 - threshold);
        let Some(needed) = labels_for_rate(threshold, assumed, confidence, 0.8) else {
            return Ok(());
        };
        let alpha = 1.0 - confidence;
        let power = |n: u64| pass_probability(n, threshold, alpha, assumed).unwrap();
        prop_assert!((power(needed.first) - needed.chance).abs() < 1e-9);
        prop_assert!(power(needed.first) >= 0.8 - 1e-9);
        prop_assert!(needed.first == 1 || power(needed.first - 1) < 0.8 + 1e-9);
        if let Some(mark) = pass_mark(needed.first, threshold, alpha).unwrap() {
            let bound = |k| proportion::rate(k, needed.first, confidence).unwrap().lower;
            prop_assert!(bound(mark) >= threshold - 1e-9);
            prop_assert!(mark == 0 || bound(mark - 1) < threshold + 1e-9);
        }
    }
}
