//! Runs every case of the reference file, or of the file that REMUDA_REFERENCE_CASES names.
//!
//! A case whose group or method nobody answers fails the test, as does a field nobody gives. Here the runner and the
//! comparison; `rates`, `models` and `samples` turn inputs into calls, `disputed` judges values that are mistakes.

mod disputed;
mod models;
mod rates;
mod samples;

use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What our functions answer to a case, by the field names of the file.
pub(crate) type Answer = BTreeMap<String, Value>;

/// The inputs of a case.
#[derive(Clone, Copy)]
pub(crate) struct Inputs<'a>(pub(crate) &'a Value);

impl Inputs<'_> {
    pub(crate) fn has(self, name: &str) -> bool {
        !self.0[name].is_null()
    }

    pub(crate) fn f(self, name: &str) -> f64 {
        self.0[name].as_f64().unwrap_or_else(|| panic!("input {name} is no number"))
    }

    pub(crate) fn f_or(self, name: &str, otherwise: f64) -> f64 {
        self.0[name].as_f64().unwrap_or(otherwise)
    }

    pub(crate) fn u(self, name: &str) -> u64 {
        self.f(name) as u64
    }

    pub(crate) fn list(self, name: &str) -> Vec<f64> {
        numbers(&self.0[name])
    }

    pub(crate) fn table(self, name: &str) -> Vec<Vec<f64>> {
        self.0[name].as_array().unwrap_or_else(|| panic!("input {name} is no list")).iter().map(numbers).collect()
    }

    pub(crate) fn counts(self, name: &str) -> Vec<u64> {
        self.list(name).into_iter().map(|value| value as u64).collect()
    }

    pub(crate) fn classes(self, name: &str) -> Vec<u32> {
        self.list(name).into_iter().map(|value| value as u32).collect()
    }

    pub(crate) fn flags(self, name: &str) -> Vec<bool> {
        self.list(name).into_iter().map(|value| value > 0.5).collect()
    }
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap_or_else(|| panic!("{value} is no list")).iter().map(|v| v.as_f64().unwrap()).collect()
}

/// Adds a field; a number that does not exist becomes null.
pub(crate) trait Put {
    fn put(&mut self, name: &str, value: impl Into<Value>) -> &mut Self;
    fn put_result(&mut self, name: &str, value: remuda_stats::Result<f64>) -> &mut Self;
}

impl Put for Answer {
    fn put(&mut self, name: &str, value: impl Into<Value>) -> &mut Self {
        self.insert(name.to_owned(), value.into());
        self
    }

    fn put_result(&mut self, name: &str, value: remuda_stats::Result<f64>) -> &mut Self {
        self.put(name, value.ok().map_or(Value::Null, Value::from))
    }
}

/// The folder of shared material: named by REMUDA_SHARED, else beside the workspace.
pub(crate) fn shared() -> PathBuf {
    if let Ok(folder) = std::env::var("REMUDA_SHARED") {
        return folder.into();
    }
    let mut folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    while folder.pop() {
        if folder.join("shared").is_dir() {
            return folder.join("shared");
        }
    }
    panic!("no folder `shared` above the crate; set REMUDA_SHARED");
}

fn answer(group: &str, (method, function): (&str, &str), inputs: Inputs<'_>) -> Option<Answer> {
    match group {
        "proportion" => rates::proportion(method, inputs),
        "paired" => rates::paired(method, inputs),
        "f1" => rates::f1(inputs),
        "special" => rates::special(method, inputs),
        "labels_needed" => rates::labels_needed(method, inputs),
        "two_proportions" => rates::two_proportions(method, function, inputs),
        "multiplicity" => rates::multiplicity(method, inputs),
        "sequential" => rates::sequential(method, inputs),
        "easeml_ci" => rates::easeml_ci(method, inputs),
        "label_noise" => rates::label_noise(method, inputs),
        "auc" => models::auc(method, inputs),
        "classification" => models::classification(method, inputs),
        "calibration" => models::calibration(method, inputs),
        "fairness" => models::fairness(inputs),
        "ranking" => models::ranking(inputs),
        "agreement" => models::agreement(method, inputs),
        "quantile" => samples::quantile(method, inputs),
        "bootstrap" => samples::bootstrap(method, inputs),
        "regression" => samples::regression(method, inputs),
        "drift" => samples::drift(method, inputs),
        "cluster" => samples::cluster(method, inputs),
        "ppi" => samples::prediction_powered(method, inputs),
        "conformal" => samples::conformal(inputs),
        _ => None,
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "what is disputed must be seen")]
fn reference_cases() {
    let path = match std::env::var("REMUDA_REFERENCE_CASES") {
        // A relative path is seen from the workspace, where the command is typed, not from this crate.
        Ok(path) => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path),
        Err(_) => shared().join("reference/statistics.json"),
    };
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let file: Value = serde_json::from_str(&text).unwrap();
    let cases = file["cases"].as_array().unwrap();
    let (mut failures, mut disputed) = (Vec::new(), Vec::new());
    for case in cases {
        let text = |name: &str| case[name].as_str().unwrap_or_default();
        let label = format!("{} ({})", text("id"), text("method"));
        let tolerance = case["rtol"].as_f64().unwrap_or(1e-9);
        let inputs = Inputs(&case["inputs"]);
        // A case whose inputs we misread is one miss, not the end of the run.
        let attempt = std::panic::catch_unwind(|| answer(text("group"), (text("method"), text("function")), inputs));
        let misses = match attempt {
            Err(_) => vec!["the call failed, see above".to_owned()],
            Ok(None) => vec!["no such method here".to_owned()],
            Ok(Some(got)) => {
                let misses = compare(&got, &case["expected"], tolerance);
                if !misses.is_empty() && disputed::is_mistaken(text("method"), inputs, &got, &case["expected"]) {
                    disputed.push(format!("{label}: {}", misses.join(", ")));
                    continue;
                }
                misses
            }
        };
        failures.extend(misses.into_iter().map(|miss| format!("{label}: {miss}")));
    }
    let agree = cases.len() - disputed.len();
    println!(
        "{agree} of {} cases agree; the file is mistaken in {}:\n{}",
        cases.len(),
        disputed.len(),
        disputed.join("\n")
    );
    assert!(!cases.is_empty(), "the file has no cases");
    assert!(failures.is_empty(), "{} misses in {} cases:\n{}", failures.len(), cases.len(), failures.join("\n"));
}

/// The wanted fields that the answer lacks or misses.
fn compare(got: &Answer, expected: &Value, tolerance: f64) -> Vec<String> {
    let wanted = expected.as_object().unwrap().iter();
    wanted
        .filter_map(|(field, want)| match got.get(field) {
            None => Some(format!("field {field} is not answered")),
            Some(got) => close(got, want, tolerance).err().map(|miss| format!("{field}: {miss}")),
        })
        .collect()
}

/// Compares two values: numbers within a relative tolerance, all else exactly.
pub(crate) fn close(got: &Value, want: &Value, tolerance: f64) -> Result<(), String> {
    match (got, want) {
        (Value::Array(got), Value::Array(want)) => {
            if got.len() != want.len() {
                return Err(format!("{} values instead of {}", got.len(), want.len()));
            }
            got.iter().zip(want).try_for_each(|(got, want)| close(got, want, tolerance))
        }
        (Value::Object(got), Value::Object(want)) => want.iter().try_for_each(|(name, want)| {
            close(got.get(name).unwrap_or(&Value::Null), want, tolerance).map_err(|miss| format!("{name}: {miss}"))
        }),
        (Value::Number(got), Value::Number(want)) => {
            let (got, want) = (got.as_f64().unwrap(), want.as_f64().unwrap());
            // A wanted zero has no relative scale, and differences of rates carry rounding of the last digit.
            let floor = if want == 0.0 { 1e-12 } else { 4.0 * f64::EPSILON * f64::min(1.0, want.abs() * 1e3) };
            let gap = (got - want).abs();
            if gap <= tolerance * want.abs() + floor { Ok(()) } else { Err(format!("{got} instead of {want}")) }
        }
        _ if got == want => Ok(()),
        _ => Err(format!("{got} instead of {want}")),
    }
}
