//! Agreement statistics against the shared cases: kappas, alpha, vote shares, Dawid-Skene.

use crate::reference::{close, shared};
use remuda_stats::agreement::{self, Level, Weights};
use serde_json::{Value, json};

type Items = Vec<Vec<Option<u32>>>;

#[test]
fn agreement_reference_cases() {
    let text = std::fs::read_to_string(shared().join("reference/agreement.json")).unwrap();
    let file: Value = serde_json::from_str(&text).unwrap();
    let mut failures = Vec::new();
    for case in file["cases"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let mut check = |what: &str, got: Value, want: &Value, tolerance: f64| {
            if let Err(miss) = close(&got, want, tolerance) {
                failures.push(format!("{name}: {what}: {miss}"));
            }
        };
        let items = items(&case["matrix"]);
        let classes = case["k"].as_u64().unwrap() as usize;
        let expected = &case["expected"];
        alphas(case, &items, classes, &mut check);
        kappas(expected, &items, classes, &mut check);
        if !expected["dawid_skene"].is_null() {
            models(expected, &items, &mut check);
        }
    }
    assert!(failures.is_empty(), "{} misses:\n{}", failures.len(), failures.join("\n"));
}

fn items(matrix: &Value) -> Items {
    let row = |row: &Value| row.as_array().unwrap().iter().map(|label| label.as_u64().map(|l| l as u32)).collect();
    matrix.as_array().unwrap().iter().map(row).collect()
}

fn number(value: remuda_stats::Result<f64>) -> Value {
    value.ok().map_or(Value::Null, Value::from)
}

fn alphas(case: &Value, items: &Items, classes: usize, check: &mut impl FnMut(&str, Value, &Value, f64)) {
    let offset = case["value_offset"].as_f64().unwrap_or(0.0);
    let values: Vec<f64> = match case["value_map"].as_array() {
        Some(map) => map.iter().map(|value| value.as_f64().unwrap()).collect(),
        None => (0..classes).map(|label| label as f64 + offset).collect(),
    };
    for (name, level) in [
        ("krippendorff_nominal", Level::Nominal),
        ("krippendorff_ordinal", Level::Ordinal),
        ("krippendorff_interval", Level::Interval),
        ("krippendorff_ratio", Level::Ratio),
    ] {
        check(name, number(agreement::alpha(items, &values, level)), &case["expected"][name], 1e-9);
    }
}

fn kappas(expected: &Value, items: &Items, classes: usize, check: &mut impl FnMut(&str, Value, &Value, f64)) {
    for (pair, want) in expected["cohen_kappa"].as_object().unwrap() {
        let (one, other) = pair.split_once('-').unwrap();
        let column = |who: &str| -> Vec<Option<u32>> {
            let who: usize = who.parse().unwrap();
            items.iter().map(|item| item[who]).collect()
        };
        let (one, other) = (column(one), column(other));
        let kappa = |weights| number(agreement::cohen_kappa(&one, &other, classes, weights));
        let got = json!({"none": kappa(Weights::None), "linear": kappa(Weights::Linear), "quadratic": kappa(Weights::Quadratic)});
        for weights in ["none", "linear", "quadratic"] {
            check(&format!("kappa {pair} {weights}"), got[weights].clone(), &want[weights], 1e-9);
        }
    }
    let table: Vec<Vec<u64>> = items
        .iter()
        .map(|item| {
            let mut counts = vec![0; classes];
            item.iter().flatten().for_each(|label| counts[*label as usize] += 1);
            counts
        })
        .collect();
    check("fleiss", number(agreement::fleiss_kappa(&table)), &expected["fleiss_kappa"], 1e-9);
    check("randolph", number(agreement::randolph_kappa(&table)), &expected["randolph_kappa"], 1e-9);
}

/// The models' arrays follow the labels that occur, so the items are renumbered first.
fn models(expected: &Value, items: &Items, check: &mut impl FnMut(&str, Value, &Value, f64)) {
    let seen: Vec<u32> =
        expected["labels_seen"].as_array().unwrap().iter().map(|label| label.as_u64().unwrap() as u32).collect();
    let renumber = |label: &Option<u32>| label.map(|label| seen.iter().position(|s| *s == label).unwrap() as u32);
    let kept: Vec<usize> = (0..items.len()).filter(|index| items[*index].iter().any(Option::is_some)).collect();
    let items: Items = kept.iter().map(|index| items[*index].iter().map(renumber).collect()).collect();
    let shares = agreement::vote_shares(&items, seen.len()).unwrap();
    for (index, shares) in kept.iter().zip(&shares) {
        check("vote share", json!(shares), &expected["vote_share"][index.to_string()], 1e-9);
    }
    for (iterations, want) in expected["dawid_skene"].as_object().unwrap() {
        let model = agreement::dawid_skene(&items, seen.len(), iterations.parse().unwrap()).unwrap();
        for (index, posterior) in kept.iter().zip(&model.posterior) {
            near(&format!("posterior {iterations} {index}"), posterior, &want["posterior"][index.to_string()], check);
        }
        near("prior", &model.prior, &want["prior"], check);
        for (who, table) in want["confusion_observed_by_true"].as_object().unwrap() {
            let who: usize = who.parse().unwrap();
            for (observed, row) in table.as_array().unwrap().iter().enumerate() {
                near(&format!("confusion {iterations} {who}"), &model.confusion[who][observed], row, check);
            }
        }
    }
}

/// Within 1e-8 absolutely, as the reference asks for.
fn near(what: &str, got: &[f64], want: &Value, check: &mut impl FnMut(&str, Value, &Value, f64)) {
    for (got, want_number) in got.iter().zip(want.as_array().unwrap()) {
        if (got - want_number.as_f64().unwrap()).abs() > 1e-8 {
            check(what, json!(got), want_number, 0.0);
        }
    }
    check("length", json!(got.len()), &json!(want.as_array().unwrap().len()), 0.0);
}
