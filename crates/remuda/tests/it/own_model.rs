//! A model that a script trains with scikit-learn and that only ONNX Runtime runs: from a pipeline's step to a served
//! release. `REMUDA_PYTHON` names the Python; `cargo xtask ci` sets it.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]
#![expect(clippy::print_stdout, reason = "a skipped test says so")]

use crate::harness::{Said, Stage};
use crate::inference::{ask, customer};
use crate::journey;
use std::process::Command;

/// Nearest neighbours over all columns of telco's customers, with fifty rows of its own answers.
const SCRIPT: &str = r#"
import numpy as np
import pandas as pd
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

rows = pd.read_csv("train.csv").drop(columns="customerID")
label = rows.pop("Churn")
numbers = [name for name in rows if pd.api.types.is_numeric_dtype(rows[name])]
words = [name for name in rows if name not in numbers]
rows[numbers] = rows[numbers].astype(np.float32)
scale = make_pipeline(SimpleImputer(), StandardScaler())
parts = ColumnTransformer([("numbers", scale, numbers), ("words", OneHotEncoder(handle_unknown="ignore", sparse_output=False), words)])
model = make_pipeline(parts, KNeighborsClassifier(60)).fit(rows, label)
types = [(name, (FloatTensorType if name in numbers else StringTensorType)([None, 1])) for name in rows]
with open("model.onnx", "wb") as file:
    file.write(to_onnx(model, initial_types=types, target_opset={"": 15, "ai.onnx.ml": 3}).SerializeToString())
golden = rows.head(50).copy()
golden["probability_Yes"] = model.predict_proba(golden)[:, 1]
golden["prediction"] = model.predict(rows.head(50))
golden.to_csv("golden.csv", index=False)
"#;

fn pipeline(python: &str) -> String {
    format!(
        "[[step]]
name = \"neighbours\"
command = \"{python} train.py\"
inputs = [\"train.py\", \"train.csv\", \"data:churn\"]
outputs = [\"model.onnx\", \"golden.csv\"]

[step.model]
file = \"model.onnx\"
data = \"churn\"
golden = \"golden.csv\"
"
    )
}

/// A product whose pipeline trains with this Python.
fn product() -> Option<(Stage, String)> {
    let Ok(python) = std::env::var("REMUDA_PYTHON") else {
        println!("skipped: set REMUDA_PYTHON to a Python that has onnxruntime, scikit-learn, skl2onnx and pandas");
        return None;
    };
    let (stage, _) = journey::churn();
    well(stage.run(&["data", "export", "churn", "--split", "train", "-o", "train.csv"]));
    stage.write("train.py", SCRIPT);
    stage.write("pipeline.toml", &pipeline(&python));
    let print = "import onnxruntime, pathlib; print(pathlib.Path(onnxruntime.__file__).parent / 'capi')";
    let capi = String::from_utf8(Command::new(&python).args(["-c", print]).output().unwrap().stdout).unwrap();
    Some((stage, capi.trim().to_owned()))
}

fn well(said: Said) -> String {
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    said.out
}

#[test]
fn a_script_trains_it_and_onnx_runtime_serves_it() {
    let Some((mut stage, capi)) = product() else { return };
    // Without the library the step fails, says why, and leaves no model.
    let said = stage.run(&["run"]);
    assert_eq!(said.code, 1, "{}", said.out);
    assert!(said.err.contains("step `neighbours`: no engine here can run the model: operator"), "{}", said.err);
    assert!(said.err.contains("/nowhere/libonnxruntime.so is no file"), "{}", said.err);
    assert!(well(stage.run(&["model", "list"])).starts_with("No models yet"));

    stage.surround("REMUDA_ONNXRUNTIME", &capi);
    well(stage.run(&["run"]));
    let again = stage.run(&["run"]);
    assert!(again.err.contains("neighbours: skipped"), "{}", again.err);
    let shown = well(stage.run(&["model", "show", "neighbours"]));
    assert!(shown.contains("runs on ONNX Runtime") && shown.contains("trained elsewhere, run "), "{shown}");
    assert!(shown.contains("it gives what the training framework gave in 50 rows"), "{shown}");
    for words in [
        &["gate", "evaluate", "neighbours"][..],
        &["sign", "intent", "churn"],
        &["sign", "evidence", "neighbours"],
        &["release", "create", "neighbours"],
        &["sign", "accept", "newest"],
        &["release", "promote"],
    ] {
        well(stage.run(words));
    }
    assert!(well(stage.run(&["release", "show", "live"])).contains("runs on ONNX Runtime"));

    let server = stage.serve(&["up", "--listen", "127.0.0.1:0", "--json"]);
    let (status, answer) = ask(&server, "POST", "/v2/models/churn/infer", Some(&customer()));
    assert_eq!(status, 200, "{answer}");
    let shares: Vec<f64> =
        answer["outputs"][1]["data"].as_array().unwrap().iter().filter_map(|share| share.as_f64()).collect();
    assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-5, "{answer}");
    let id = answer["outputs"][3]["data"][0].as_str().unwrap().to_owned();
    assert!(server.stop());
    let why = well(stage.run(&["why", &id]));
    assert!(why.contains("model neighbours") && why.contains("requirement churn"), "{why}");

    // Whoever takes the library away hears of it, and the release stays what it was.
    stage.surround("REMUDA_ONNXRUNTIME", "/nowhere/else.so");
    let said = stage.run(&["predict", "new.csv"]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("ONNX Runtime is not at hand: /nowhere/else.so is no file"), "{}", said.err);
}

#[test]
fn a_tracked_script_hands_its_model_over_by_itself() {
    let Some((mut stage, capi)) = product() else { return };
    stage.surround("REMUDA_ONNXRUNTIME", &capi);
    let python = std::env::var("REMUDA_PYTHON").unwrap();
    let program = env!("CARGO_BIN_EXE_remuda");
    let both = format!("{python} train.py && {program} model add model.onnx --as own --golden golden.csv");
    well(stage.run(&["run", "--", "sh", "-c", &both]));
    let runs = well(stage.run(&["run", "show", "newest", "--json"]));
    let run: serde_json::Value = serde_json::from_str(&runs).unwrap();
    assert_eq!(run["models"][0]["name"], "own", "{runs}");
    assert_eq!(run["status"], "finished");
}
