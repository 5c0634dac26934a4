//! Slices: a planted one is found and confirmed, nothing is confirmed where nothing is, pruning loses nothing.

use proptest::prelude::*;
use remuda_stats::Undefined;
use remuda_stats::multiplicity::{Adjustment, adjust};
use remuda_stats::slices::{
    Column, Condition, Losses, NONE, Settings, Slice, confirm, confirm_within, members, merge, search, widen,
};

/// Numbers that look drawn, from a seed: SplitMix64.
struct Drawn(u64);

impl Drawn {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Six columns of five levels; a row is wrong with the chance that `chance` gives its codes.
fn table(seed: u64, rows: usize, chance: impl Fn(&[u8]) -> f64) -> (Vec<Vec<u8>>, Vec<f64>) {
    let mut drawn = Drawn(seed.wrapping_mul(0x5851_f42d_4c95_7f2d));
    let mut columns = vec![Vec::new(); 6];
    let mut losses = Vec::with_capacity(rows);
    for _ in 0..rows {
        let codes: Vec<u8> = (0..6).map(|_| (drawn.next() * 5.0) as u8).collect();
        losses.push(f64::from(u8::from(drawn.next() < chance(&codes))));
        for (column, code) in columns.iter_mut().zip(codes) {
            column.push(code);
        }
    }
    (columns, losses)
}

fn columns(codes: &[Vec<u8>], ordered: usize) -> Vec<Column<'_>> {
    codes.iter().map(|codes| Column { codes, levels: 5, ordered }).collect()
}

fn settings(least_rows: usize, depth: usize) -> Settings {
    Settings { alpha: 0.95, least_rows, depth, top: 32 }
}

fn found(codes: &[Vec<u8>], losses: &[f64], settings: &Settings) -> Vec<Slice> {
    search(&columns(codes, 0), losses, settings).unwrap()
}

#[test]
fn a_planted_slice_is_found_and_confirmed() {
    let planted = |codes: &[u8]| if codes[1] == 2 && codes[4] == 0 { 0.6 } else { 0.1 };
    let (codes, losses) = table(1, 8_000, planted);
    let best = &found(&codes, &losses, &settings(80, 3))[0];
    let condition = |column, level| Condition { column, from: level, to: level };
    assert_eq!(best.conditions, [condition(1, 2), condition(4, 0)]);
    let (fresh, fresh_losses) = table(2, 8_000, planted);
    let inside = members(&columns(&fresh, 0), &best.conditions, fresh_losses.len());
    let confirmed = confirm(&fresh_losses, &inside, Losses::Wrong, 0.975).unwrap();
    assert!(confirmed.p_value < 1e-9, "{confirmed:?}");
    assert!(confirmed.inside.lower < 0.6 && confirmed.inside.upper > 0.6);
    assert!(confirmed.difference.lower < 0.5 && confirmed.difference.upper > 0.5);
}

#[test]
fn a_range_is_found_where_the_trouble_is_a_range() {
    let (codes, losses) = table(3, 8_000, |codes| if codes[2] >= 3 { 0.5 } else { 0.05 });
    let columns = columns(&codes, 5);
    let settings = settings(80, 2);
    let best = search(&columns, &losses, &settings).unwrap();
    let wide = widen(&columns, &losses, &settings, &best[0]).unwrap();
    assert!(wide.conditions.contains(&Condition { column: 2, from: 3, to: 4 }), "{wide:?}");
    assert!(wide.score > best[0].score);
    let inside = members(&columns, &wide.conditions, losses.len());
    assert_eq!(inside.iter().filter(|inside| **inside).count() as u64, wide.rows);
}

/// Of 400 data sets without any bad slice, the Holm-adjusted claims on the other half are wrong in at most about 5 %.
#[test]
fn where_nothing_is_wrong_hardly_anything_is_confirmed() {
    let mut wrong = 0;
    for seed in 0..400 {
        let (codes, losses) = table(seed + 10, 600, |_| 0.3);
        let half =
            |from: usize| -> Vec<Vec<u8>> { codes.iter().map(|codes| codes[from..from + 300].to_vec()).collect() };
        let (first, second) = (half(0), half(300));
        let slices = found(&first, &losses[..300], &Settings { alpha: 0.99, ..settings(15, 2) });
        let merged = merge(&columns(&first, 0), 300, &slices, 0.5, 8);
        let p_values: Vec<f64> = merged
            .iter()
            .filter_map(|merged| {
                let inside = members(&columns(&second, 0), &merged.slice.conditions, 300);
                confirm(&losses[300..], &inside, Losses::Wrong, 0.975).ok().map(|found| found.p_value)
            })
            .collect();
        assert!(!p_values.is_empty());
        wrong += u32::from(adjust(&p_values, Adjustment::Holm).unwrap().iter().any(|p| *p <= 0.05));
    }
    // 20 are expected at the most; 34 is three standard deviations more. Fisher's test is cautious, so it is fewer.
    assert!((1..=34).contains(&wrong), "{wrong} of 400");
}

/// Numbers with a long tail: the permutation test holds its level, which Welch's t would not on 20 rows.
#[test]
fn the_permutation_test_holds_its_level() {
    let mut drawn = Drawn(77);
    let mut wrong = 0;
    for _ in 0..400 {
        let losses: Vec<f64> = (0..200).map(|_| (3.0 * drawn.next()).exp().powi(2)).collect();
        let inside: Vec<bool> = (0..200).map(|row| row < 20).collect();
        wrong += u32::from(confirm(&losses, &inside, Losses::Numbers, 0.975).unwrap().p_value <= 0.05);
    }
    assert!((7..=34).contains(&wrong), "{wrong} of 400");
}

#[test]
fn slices_of_much_the_same_rows_are_one_and_the_simplest_is_kept() {
    // The third column repeats the first; the second splits it unevenly.
    let first: Vec<u8> = (0..100).map(|row| u8::from(row < 20)).collect();
    let second: Vec<u8> = (0..100).map(|row| u8::from(row < 18)).collect();
    let third = first.clone();
    let losses: Vec<f64> = (0..100).map(|row| f64::from(u8::from(row < 18))).collect();
    let codes = [first, second, third];
    let columns: Vec<Column<'_>> = codes.iter().map(|codes| Column { codes, levels: 2, ordered: 0 }).collect();
    let slices = search(&columns, &losses, &settings(5, 3)).unwrap();
    assert!(slices.len() >= 5, "{slices:?}");
    let merged = merge(&columns, 100, &slices, 0.5, 8);
    assert_eq!(merged.len(), 1, "{merged:?}");
    assert_eq!((merged[0].slice.conditions.len(), merged[0].others), (1, slices.len() - 1));
}

#[test]
fn extremes_have_answers() {
    let codes = vec![vec![0, 1, 2, 0, 1, 2, NONE, NONE]; 2];
    let of = |losses: &[f64]| found(&codes, losses, &settings(1, 2));
    assert_eq!(of(&[0.0; 8]), [], "no mistakes");
    assert_eq!(of(&[1.0; 8]), [], "all wrong");
    assert_eq!(of(&[0.3; 8]), [], "all alike, whatever rounding does");
    let one_row = vec![vec![0]; 2];
    assert_eq!(found(&one_row, &[1.0], &settings(1, 2)), []);
    assert_eq!(search(&[], &[1.0, 0.0], &settings(1, 2)), Ok(Vec::new()), "no columns");
    let constant = vec![vec![0; 4]];
    assert_eq!(found(&constant, &[0.0, 1.0, 1.0, 0.0], &settings(1, 1)), []);

    let refused = |codes: &[Vec<u8>], losses: &[f64], settings: Settings| {
        search(&columns(codes, 0), losses, &settings).unwrap_err()
    };
    assert_eq!(refused(&[], &[], settings(1, 1)), Undefined::NoRows);
    assert!(matches!(refused(&codes, &[1.0], settings(1, 1)), Undefined::UnequalLengths { .. }));
    assert!(matches!(refused(&[vec![0]], &[-1.0], settings(1, 1)), Undefined::OutOfRange { .. }));
    assert!(matches!(refused(&[vec![0]], &[f64::NAN], settings(1, 1)), Undefined::NotFinite { .. }));
    assert!(matches!(refused(&[vec![7]], &[1.0], settings(1, 1)), Undefined::OutOfRange { .. }));
    assert!(matches!(refused(&[vec![0]], &[1.0], settings(1, 9)), Undefined::OutOfRange { .. }));

    let judged = |losses: &[f64], inside: &[bool]| confirm(losses, inside, Losses::Numbers, 0.975).unwrap_err();
    assert_eq!(judged(&[1.0, 2.0], &[true, true]), Undefined::NoRows);
    assert!(matches!(judged(&[1.0, 2.0], &[true, false]), Undefined::TooFew { .. }));
    assert_eq!(judged(&[1.0; 4], &[true, true, false, false]), Undefined::OneValueOnly);
    let all_wrong = confirm(&[1.0; 4], &[true, true, false, false], Losses::Wrong, 0.975).unwrap();
    assert_eq!((all_wrong.inside.value, all_wrong.p_value), (1.0, 1.0));
}

/// Every conjunction of up to three levels, counted one by one.
fn brute_force(codes: &[Vec<u8>], losses: &[f64], settings: &Settings) -> Vec<f64> {
    let all = losses.iter().sum::<f64>() / losses.len() as f64;
    let mut scores = Vec::new();
    let mut open: Vec<Vec<(usize, u8)>> = vec![Vec::new()];
    while let Some(conditions) = open.pop() {
        let next = conditions.last().map_or(0, |(column, _)| column + 1);
        if conditions.len() < settings.depth {
            for column in next..codes.len() {
                for level in 0..5 {
                    open.push([conditions.as_slice(), &[(column, level)]].concat());
                }
            }
        }
        let rows: Vec<usize> = (0..losses.len())
            .filter(|row| conditions.iter().all(|(column, level)| codes[*column][*row] == *level))
            .collect();
        if conditions.is_empty() || rows.len() < settings.least_rows {
            continue;
        }
        let (size, n) = (rows.len() as f64, losses.len() as f64);
        let mean = rows.iter().map(|row| losses[*row]).sum::<f64>() / size;
        let score = settings.alpha * (mean / all - 1.0) - (1.0 - settings.alpha) * (n / size - 1.0);
        if mean > 0.0 && score > 1e-9 {
            scores.push(score);
        }
    }
    scores.sort_by(|one, other| other.total_cmp(one));
    scores.truncate(settings.top);
    scores
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn pruning_loses_nothing(
        rows in prop::collection::vec((prop::collection::vec(0u8..6, 4), 0u8..6), 1..120),
        alpha in 0.5..1.0f64,
        least_rows in 1..6usize,
        depth in 1..=3usize,
        top in 1..20usize,
    ) {
        // Level 5 is none of the five: such rows are in no slice of that column.
        let code = |code: u8| if code == 5 { NONE } else { code };
        let codes: Vec<Vec<u8>> = (0..4).map(|place| rows.iter().map(|row| code(row.0[place])).collect()).collect();
        let losses: Vec<f64> = rows.iter().map(|row| f64::from(row.1.saturating_sub(2))).collect();
        let settings = Settings { alpha, least_rows, depth, top };
        let found = found(&codes, &losses, &settings);
        let expected = if losses.iter().all(|loss| *loss == 0.0) {
            Vec::new()
        } else {
            brute_force(&codes, &losses, &settings)
        };
        let scores: Vec<f64> = found.iter().map(|slice| slice.score).filter(|score| *score > 1e-9).collect();
        prop_assert_eq!(scores.len(), expected.len());
        for (score, expected) in scores.iter().zip(&expected) {
            prop_assert!((score - expected).abs() < 1e-9, "{} {}", score, expected);
        }
    }
}

/// A slice that is as bad as the one around it: against all other rows it looks worse for sure, against the rest of the
/// wider one it does only as often as the level says.
#[test]
fn a_narrower_slice_is_worse_than_the_wider_one_only_where_it_is() {
    let (mut against_all, mut against_wider, mut truly) = (0, 0, 0);
    for seed in 0..200 {
        let (codes, losses) = table(seed, 2_000, |codes| if codes[1] == 2 { 0.4 } else { 0.1 });
        let held = |conditions: &[Condition]| members(&columns(&codes, 0), conditions, losses.len());
        let condition = |column| Condition { column, from: 2, to: 2 };
        let (wider, narrower) = (held(&[condition(1)]), held(&[condition(1), condition(3)]));
        let p = |found: remuda_stats::slices::Confirmed| u32::from(found.p_value <= 0.05);
        against_all += p(confirm(&losses, &narrower, Losses::Wrong, 0.975).unwrap());
        against_wider += p(confirm_within(&losses, &narrower, &wider, Losses::Wrong, 0.975).unwrap());
        let planted = |codes: &[u8]| if codes[1] == 2 && codes[3] == 2 { 0.8 } else { 0.3 };
        let (codes, losses) = table(seed + 1_000, 2_000, planted);
        let held = |conditions: &[Condition]| members(&columns(&codes, 0), conditions, losses.len());
        let (wider, narrower) = (held(&[condition(1)]), held(&[condition(1), condition(3)]));
        truly += p(confirm_within(&losses, &narrower, &wider, Losses::Wrong, 0.975).unwrap());
    }
    assert!(against_all > 190, "{against_all}");
    // 5 % of 200, and three standard errors.
    assert!(against_wider <= 19, "{against_wider}");
    assert!(truly > 190, "{truly}");
    let empty = confirm_within(&[1.0, 0.0], &[true, false], &[false, false], Losses::Wrong, 0.975);
    assert_eq!(empty, Err(Undefined::NoRows));
}
