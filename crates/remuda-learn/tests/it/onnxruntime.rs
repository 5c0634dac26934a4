//! ONNX Runtime gives what our evaluator gives for every model that we write.

use crate::python::{python, run};
use crate::world::{World, all, learn, world};
use remuda_learn::{Predictions, load};
use remuda_model::data::FeatureKind;
use remuda_model::run::Algorithm;
use remuda_model::table::{Table, Values};
use serde_json::{Value, json};

fn inputs(world: &World, table: &Table) -> Value {
    let column = |feature: &remuda_model::feature::Feature| match table.column(&feature.name).unwrap() {
        Values::Number(numbers) => {
            let said = |value: &f64| if value.is_nan() { Value::Null } else { json!(value.to_string()) };
            json!({"name": feature.name, "numbers": numbers.iter().map(said).collect::<Vec<_>>()})
        }
        Values::Text(texts) => {
            assert_ne!(feature.kind, FeatureKind::Number);
            json!({"name": feature.name, "texts": (0..table.rows).map(|row| texts.get(row).unwrap_or("")).collect::<Vec<_>>()})
        }
    };
    world.features.iter().map(column).collect()
}

/// Rows to compare: fresh ones, among them unseen words, infinite numbers and an empty text.
fn rows() -> Table {
    let mut table = world(400, 77).table;
    if let Values::Number(numbers) = &mut table.columns[0].values {
        numbers[..3].copy_from_slice(&[f64::INFINITY, f64::NEG_INFINITY, 1e30]);
    }
    if let Values::Text(texts) = &mut table.columns[2].values {
        texts.dictionary[1] = "unseen".into();
    }
    if let Values::Text(texts) = &mut table.columns[4].values {
        texts.dictionary[1] = "".into();
        texts.dictionary[2] = "LOST, ÜBERWEISUNG; lost-card\tpin".into();
    }
    table
}

#[test]
fn onnxruntime_agrees_with_us_on_what_we_write() {
    let Some(python) = python("onnxruntime, numpy") else { return };
    let folder = tempfile::tempdir().unwrap();
    let (world, rows) = (world(2500, 10), rows());
    let name = |name: &str, algorithm: Algorithm| format!("{}-{name}", algorithm.as_str());
    let mut ours = Vec::new();
    for (target_name, algorithm, target) in all(&world) {
        let onnx = learn(&world, algorithm, target).unwrap().onnx;
        let name = name(target_name, algorithm);
        std::fs::write(folder.path().join(format!("{name}.onnx")), &onnx).unwrap();
        std::fs::write(folder.path().join(format!("{name}.inputs.json")), inputs(&world, &rows).to_string()).unwrap();
        ours.push((name, load(&onnx).unwrap().predict(&rows).unwrap()));
    }
    run(&python, "run", folder.path());
    for (name, ours) in ours {
        let text = std::fs::read_to_string(folder.path().join(format!("{name}.outputs.json"))).unwrap();
        let theirs: Vec<Value> = serde_json::from_str(&text).unwrap();
        compare(&name, &ours, &theirs);
    }
}

fn compare(name: &str, ours: &Predictions, theirs: &[Value]) {
    match ours {
        Predictions::Number(numbers) => {
            for (row, (ours, theirs)) in numbers.iter().zip(theirs[0].as_array().unwrap()).enumerate() {
                let theirs = theirs[0].as_f64().unwrap();
                assert!((ours - theirs).abs() <= 1e-5 * theirs.abs().max(1.0), "{name} row {row}: {ours} {theirs}");
            }
        }
        Predictions::Classes { labels, chosen, probabilities } => {
            let width = labels.len();
            assert_eq!(theirs[0].as_array().unwrap().len(), chosen.len());
            for (row, chosen) in chosen.iter().enumerate() {
                assert_eq!(theirs[0][row].as_str().unwrap(), labels[*chosen as usize], "{name} row {row}");
                for class in 0..width {
                    let (ours, theirs) =
                        (f64::from(probabilities[row * width + class]), theirs[1][row][class].as_f64().unwrap());
                    assert!((ours - theirs).abs() < 1e-5, "{name} row {row} class {class}: {ours} {theirs}");
                }
            }
        }
    }
}
