//! Models exported from scikit-learn by skl2onnx give in our evaluator what they give in ONNX Runtime.

use crate::python::{python, run};
use remuda_learn::{Predictions, Predictor, load};
use remuda_model::table::{Table, Texts, Values};
use serde_json::Value;
use std::path::Path;

pub(crate) fn table(inputs: &serde_json::Map<String, Value>) -> Table {
    let mut table = Table::default();
    for (name, values) in inputs {
        let values = values.as_array().unwrap();
        let column = if values.iter().any(Value::is_string) {
            Values::Text(Texts::from_values(values.iter().map(Value::as_str)))
        } else {
            Values::Number(values.iter().map(|value| value.as_f64().unwrap_or(f64::NAN)).collect())
        };
        assert!(table.set(name, column));
    }
    table
}

/// Whether a model gives what the exporting side wrote down.
pub(crate) fn differs(predictor: &dyn Predictor, expected: &Value) -> Result<(), String> {
    let predictions =
        predictor.predict(&table(expected["inputs"].as_object().unwrap())).map_err(|error| error.to_string())?;
    let list = |name: &str| expected[name].as_array().cloned().unwrap_or_default();
    match predictions {
        Predictions::Number(numbers) => {
            for (row, (ours, theirs)) in numbers.iter().zip(list("numbers")).enumerate() {
                let theirs = theirs.as_f64().unwrap();
                if (ours - theirs).abs() > 1e-5 * theirs.abs().max(1.0) {
                    return Err(format!("row {row}: {ours} instead of {theirs}"));
                }
            }
            if numbers.is_empty() { Err("no numbers".to_owned()) } else { Ok(()) }
        }
        Predictions::Classes { labels, chosen, probabilities } => {
            let classes = list("classes");
            if !classes.is_empty() && classes.iter().map(|class| class.as_str().unwrap()).ne(labels.iter()) {
                return Err(format!("classes {labels:?} instead of {classes:?}"));
            }
            for (row, (chosen, theirs)) in chosen.iter().zip(list("labels")).enumerate() {
                if labels[*chosen as usize] != theirs.as_str().unwrap() {
                    return Err(format!("row {row}: label {} instead of {theirs}", labels[*chosen as usize]));
                }
            }
            let theirs: Vec<f64> = list("probabilities")
                .iter()
                .flat_map(|row| row.as_array().cloned().unwrap())
                .map(|share| share.as_f64().unwrap())
                .collect();
            if theirs.len() != probabilities.len() || theirs.is_empty() {
                return Err("probabilities differ in number".to_owned());
            }
            match probabilities.iter().zip(&theirs).position(|(ours, theirs)| (f64::from(*ours) - theirs).abs() > 1e-5)
            {
                Some(place) => {
                    Err(format!("probability {place}: {} instead of {}", probabilities[place], theirs[place]))
                }
                None => Ok(()),
            }
        }
    }
}

#[test]
fn exported_models_run_as_in_onnxruntime() {
    let Some(python) = python("onnxruntime, numpy, sklearn, skl2onnx, pandas") else { return };
    let folder = tempfile::tempdir().unwrap();
    run(&python, "export", folder.path());
    let models = models(folder.path());
    let ours = |onnx: &[u8], expected: &Value| {
        let predictor = load(onnx).map_err(|error| error.to_string())?;
        differs(predictor.as_ref(), expected)
    };
    let wrong = wrong_ones(&models, ours);
    assert!(models.len() >= 25, "only {} models were exported", models.len());
    assert!(wrong.is_empty(), "{} of {} models differ:\n{}", wrong.len(), models.len(), wrong.join("\n"));
}

/// The models of a folder with what is expected of each.
pub(crate) fn models(folder: &Path) -> Vec<(String, Vec<u8>, Value)> {
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "onnx"));
    paths.sort();
    let read = |path: &std::path::PathBuf| {
        let expected = std::fs::read_to_string(path.with_extension("json")).unwrap();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        (name, std::fs::read(path).unwrap(), serde_json::from_str(&expected).unwrap())
    };
    paths.iter().map(read).collect()
}

/// What is wrong with those that fail.
pub(crate) fn wrong_ones(
    models: &[(String, Vec<u8>, Value)],
    check: impl Fn(&[u8], &Value) -> Result<(), String>,
) -> Vec<String> {
    let problem = |(name, onnx, expected): &(String, Vec<u8>, Value)| {
        check(onnx, expected).err().map(|problem| format!("{name}: {problem}"))
    };
    models.iter().filter_map(problem).collect()
}
