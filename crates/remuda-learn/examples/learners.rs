//! Trains on one CSV file, predicts another, writes what came out: the Rust half of `bench/learners`.
//!
//! `learners ALGORITHM LABEL KIND TRAIN.csv TEST.csv FOLDER`, where KIND is `classes` or `number`. Writes `model.onnx` and
//! `predictions.csv` into the folder and prints the seconds of training and predicting as JSON.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program for measuring: it may talk and fail loudly")]

use remuda_learn::{Predictions, Target, TrainRequest, load, train};
use remuda_model::data::FeatureKind;
use remuda_model::feature::Feature;
use remuda_model::run::Algorithm;
use remuda_model::table::{Table, Texts, Values};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::time::Instant;

type Columns = BTreeMap<String, Vec<String>>;

fn read(path: &str) -> Columns {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let names: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let mut columns: Columns = names.iter().map(|name| (name.clone(), Vec::new())).collect();
    for record in reader.records() {
        for (name, value) in names.iter().zip(record.unwrap().iter()) {
            columns.get_mut(name).unwrap().push(value.to_owned());
        }
    }
    columns
}

fn kind(values: &[String]) -> FeatureKind {
    let filled: Vec<&String> = values.iter().filter(|value| !value.is_empty()).collect();
    if filled.iter().all(|value| value.parse::<f64>().is_ok()) {
        return FeatureKind::Number;
    }
    let distinct: BTreeSet<&&String> = filled.iter().collect();
    let wordy = filled.iter().filter(|value| value.split_whitespace().count() > 3).count();
    if distinct.len() * 2 > filled.len() && wordy * 2 > filled.len() {
        FeatureKind::Text
    } else {
        FeatureKind::Category
    }
}

fn table(columns: &Columns, features: &[Feature]) -> Table {
    let mut table = Table::default();
    for feature in features {
        let values = &columns[&feature.name];
        let values = match feature.kind {
            FeatureKind::Number => {
                Values::Number(values.iter().map(|value| value.parse().unwrap_or(f64::NAN)).collect())
            }
            _ => Values::Text(Texts::from_values(
                values.iter().map(|value| Some(value).filter(|value| !value.is_empty())),
            )),
        };
        assert!(table.set(&feature.name, values));
    }
    table
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [algorithm, label, kind_of_label, training, testing, folder] = arguments.as_slice() else {
        println!("learners ALGORITHM LABEL classes|number TRAIN.csv TEST.csv FOLDER");
        return;
    };
    let (training, testing) = (read(training), read(testing));
    let features: Vec<Feature> = training
        .iter()
        .filter(|(name, _)| *name != label)
        .map(|(name, values)| Feature { name: name.clone(), kind: kind(values) })
        .collect();
    let truth = &training[label];
    let target = if kind_of_label == "number" {
        Target::Number(truth.iter().map(|value| value.parse().unwrap()).collect())
    } else {
        let labels: Vec<String> = truth.iter().collect::<BTreeSet<_>>().into_iter().cloned().collect();
        let index = truth.iter().map(|value| labels.binary_search(value).unwrap() as u32).collect();
        Target::Classes { labels, index }
    };
    let training_table = table(&training, &features);
    let parameters = BTreeMap::new();
    let request = TrainRequest {
        algorithm: Algorithm::parse(algorithm).unwrap(),
        features: &features,
        table: &training_table,
        target: &target,
        seed: 1,
        parameters: &parameters,
    };
    let start = Instant::now();
    let trained = train(&request, &mut |_| {}).unwrap();
    let train_seconds = start.elapsed().as_secs_f64();
    let predictor = load(&trained.onnx).unwrap();
    let testing_table = table(&testing, &features);
    let start = Instant::now();
    let predictions = predictor.predict(&testing_table).unwrap();
    let predict_seconds = start.elapsed().as_secs_f64();
    std::fs::write(format!("{folder}/model.onnx"), &trained.onnx).unwrap();
    std::fs::write(format!("{folder}/predictions.csv"), csv_of(&predictions)).unwrap();
    let said = serde_json::json!({
        "train_seconds": train_seconds, "predict_seconds": predict_seconds, "notes": trained.notes,
        "importance": trained.importance.iter().take(5).collect::<Vec<_>>(),
        "inputs": predictor.inputs(),
    });
    println!("{said}");
}

fn csv_of(predictions: &Predictions) -> String {
    let mut text = String::new();
    match predictions {
        Predictions::Number(numbers) => {
            text.push_str("variable\n");
            numbers.iter().for_each(|number| writeln!(text, "{number}").unwrap());
        }
        Predictions::Classes { labels, chosen, probabilities } => {
            writeln!(
                text,
                "label,{}",
                (0..labels.len()).map(|class| format!("p{class}")).collect::<Vec<_>>().join(",")
            )
            .unwrap();
            for (class, probabilities) in chosen.iter().zip(probabilities.chunks(labels.len())) {
                let probabilities: Vec<String> = probabilities.iter().map(ToString::to_string).collect();
                writeln!(text, "{class},{}", probabilities.join(",")).unwrap();
            }
        }
    }
    text
}
