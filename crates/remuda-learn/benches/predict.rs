//! How long one row takes, and a thousand: boosted trees of about a hundred rounds, and a linear model on text.

#![expect(clippy::unwrap_used, reason = "a benchmark may fail loudly")]

use remuda_learn::{Predictor, Target, TrainRequest, load, train};
use remuda_model::data::FeatureKind;
use remuda_model::feature::Feature;
use remuda_model::run::Algorithm;
use remuda_model::table::{Table, Texts, Values};
use std::collections::BTreeMap;
use std::sync::Arc;

fn main() {
    divan::main();
}

/// A small generator of numbers, the same each time.
fn next(state: &mut u64) -> f64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) as f64 / (1_u64 << 31) as f64
}

fn model(algorithm: Algorithm, columns: usize, text: bool, rows: usize) -> (Arc<dyn Predictor>, Table) {
    let mut state = 1;
    let mut table = Table::default();
    let mut features = Vec::new();
    let mut score = vec![0.0; rows];
    for column in 0..columns {
        let numbers: Vec<f64> = (0..rows).map(|_| next(&mut state)).collect();
        score.iter_mut().zip(&numbers).for_each(|(score, number)| *score += (number * (column + 3) as f64).sin());
        let name = format!("number {column}");
        assert!(table.set(&name, Values::Number(numbers)));
        features.push(Feature { name, kind: FeatureKind::Number });
    }
    if text {
        let words: Vec<String> = (0..rows)
            .map(|_| {
                (0..10).map(|_| format!("word{}", (next(&mut state) * 3000.0) as u32)).collect::<Vec<_>>().join(" ")
            })
            .collect();
        assert!(table.set("text", Values::Text(Texts::from_values(words.iter().map(Some)))));
        features.push(Feature { name: "text".to_owned(), kind: FeatureKind::Text });
    }
    let index = score.iter().map(|score| u32::from(score + next(&mut state) > columns as f64 * 0.2)).collect();
    let target = Target::Classes { labels: vec!["no".to_owned(), "yes".to_owned()], index };
    let mut parameters = BTreeMap::new();
    if algorithm == Algorithm::Trees {
        parameters = BTreeMap::from([("rounds".to_owned(), 100.into()), ("patience".to_owned(), 100.into())]);
    }
    let request = TrainRequest {
        algorithm,
        features: &features,
        table: &table,
        target: &target,
        seed: 1,
        parameters: &parameters,
    };
    (load(&train(&request, &mut |_| {}).unwrap().onnx).unwrap(), table)
}

#[divan::bench(args = [1, 1000])]
fn trees_of_20_numbers(bencher: divan::Bencher, rows: usize) {
    let (predictor, table) = model(Algorithm::Trees, 20, false, 5000);
    let table = table.take(&(0..rows).collect::<Vec<_>>());
    bencher.bench(|| predictor.predict(&table).unwrap());
}

#[divan::bench(args = [1, 1000])]
fn linear_on_text(bencher: divan::Bencher, rows: usize) {
    let (predictor, table) = model(Algorithm::Linear, 2, true, 5000);
    // One row as it comes with a request: its own dictionary.
    let mut table = table.take(&(0..rows).collect::<Vec<_>>());
    if let Values::Text(texts) = &mut table.columns[2].values {
        *texts = Texts::from_values((0..rows).map(|row| texts.get(row)).collect::<Vec<_>>());
    }
    bencher.bench(|| predictor.predict(&table).unwrap());
}

#[divan::bench(args = [100_000, 1_000_000], sample_count = 1, sample_size = 1)]
fn train_trees_on_20_numbers(bencher: divan::Bencher, rows: usize) {
    bencher.bench(|| model(Algorithm::Trees, 20, false, rows));
}
