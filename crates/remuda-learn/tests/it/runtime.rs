//! ONNX Runtime as an engine: it runs what ours lacks as Python does, agrees with ours on the rest, and a library that is
//! missing, foreign, too old or broken is an error that says so.

use crate::exported::{differs, models, wrong_ones};
use crate::python::{python, run};
use remuda_learn::{LearnError, OnnxRuntime, Reading, inspect, load, load_on, with_reading};
use remuda_model::model::Engine;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The library of that Python.
fn library(python: &str) -> OnnxRuntime {
    let print = "import onnxruntime, pathlib; print(*pathlib.Path(onnxruntime.__file__).parent.glob('capi/libonnxruntime.*'), sep='\\n')";
    let found = Command::new(python).args(["-c", print]).output().unwrap();
    let places: Vec<PathBuf> = String::from_utf8(found.stdout).unwrap().lines().map(PathBuf::from).collect();
    assert!(!places.is_empty(), "the wheel of onnxruntime has no library");
    OnnxRuntime { places }
}

fn refusal(onnx: &[u8], places: Vec<PathBuf>) -> String {
    match load_on(Engine::OnnxRuntime, onnx, &OnnxRuntime { places }) {
        Ok(_) => panic!("it was loaded"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn what_ours_lacks_runs_there_as_in_python() {
    let Some(python) = python("onnxruntime, numpy, sklearn, skl2onnx, pandas, onnx") else { return };
    let folder = tempfile::tempdir().unwrap();
    run(&python, "foreign", folder.path());
    let runtime = library(&python);
    let models = models(folder.path());
    let check = |onnx: &[u8], expected: &Value| {
        let mut onnx = onnx.to_vec();
        let Err(LearnError::OperatorsNotAllowed { operators }) = load(&onnx) else {
            return Err("our evaluator does not refuse it by the operators".to_owned());
        };
        assert_eq!(inspect(&onnx).unwrap().lacking, operators);
        if operators.contains(&"LayerNormalization".to_owned()) {
            let columns = ["a", "b", "c", "d"].map(str::to_owned).to_vec();
            let classes = ["low", "middle", "high"].map(str::to_owned).to_vec();
            let reading = Reading { inputs: [("x".to_owned(), columns)].into(), classes, logits: true };
            onnx = with_reading(&onnx, &reading).unwrap();
        }
        let predictor = load_on(Engine::OnnxRuntime, &onnx, &runtime).map_err(|error| error.to_string())?;
        assert_eq!(predictor.engine(), Engine::OnnxRuntime);
        differs(predictor.as_ref(), expected)
    };
    let wrong = wrong_ones(&models, check);
    assert!(models.len() >= 20, "only {} models were exported", models.len());
    assert!(wrong.is_empty(), "{} of {} models differ:\n{}", wrong.len(), models.len(), wrong.join("\n"));
}

#[test]
fn both_engines_give_the_same_where_both_can() {
    let Some(python) = python("onnxruntime, numpy, sklearn, skl2onnx, pandas") else { return };
    let folder = tempfile::tempdir().unwrap();
    run(&python, "export", folder.path());
    let runtime = library(&python);
    let models = models(folder.path());
    let check = |onnx: &[u8], expected: &Value| {
        let theirs = load_on(Engine::OnnxRuntime, onnx, &runtime).map_err(|error| error.to_string())?;
        let ours = load(onnx).map_err(|error| error.to_string())?;
        assert_eq!((ours.inputs(), ours.labels()), (theirs.inputs(), theirs.labels()));
        differs(theirs.as_ref(), expected)
    };
    let wrong = wrong_ones(&models, check);
    assert!(wrong.is_empty(), "{} of {} models differ:\n{}", wrong.len(), models.len(), wrong.join("\n"));
}

/// Builds a library from C.
fn built(folder: &Path, name: &str, source: &str) -> PathBuf {
    let (code, library) = (folder.join(format!("{name}.c")), folder.join(format!("lib{name}.so")));
    std::fs::write(&code, source).unwrap();
    // Whoever links Rust has a C compiler.
    let done = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&code).status().unwrap();
    assert!(done.success());
    library
}

/// A library with ONNX Runtime's door and nothing behind it.
fn pretender(folder: &Path, name: &str, version: &str) -> PathBuf {
    let source = format!(
        "static const void *api(unsigned version) {{ (void)version; return 0; }}
         static const char *version(void) {{ return \"{version}\"; }}
         static struct {{ const void *(*api)(unsigned); const char *(*version)(void); }} base = {{ api, version }};
         const void *OrtGetApiBase(void) {{ return &base; }}"
    );
    built(folder, name, &source)
}

#[test]
fn a_library_that_does_not_fit_is_named_with_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let onnx = crate::hostile::model(&[crate::hostile::node("Conv", "", &["x"], "y", &[])]);
    assert_eq!(refusal(&onnx, Vec::new()), "ONNX Runtime is not at hand: its library was not found");
    let missing = folder.path().join("libonnxruntime.so");
    let said = refusal(&onnx, vec![missing.clone()]);
    assert_eq!(said, format!("ONNX Runtime is not at hand: {} is no file", missing.display()));
    std::fs::write(&missing, "no library").unwrap();
    assert!(refusal(&onnx, vec![missing.clone()]).contains("failed to load from"));
    let other = built(folder.path(), "other", "int other(void) { return 1; }");
    assert!(refusal(&onnx, vec![other.clone()]).ends_with("libother.so is another library"));
    let old = pretender(folder.path(), "old", "1.10.0");
    let said = refusal(&onnx, vec![other, old]);
    assert!(said.contains("libother.so is another library; "), "every place is told of: {said}");
    assert!(said.ends_with("libold.so is version 1.10.0, and 1.24 at least is needed"), "{said}");
}

/// A library that passes for a new one and lacks the interface makes the binding panic, and spoils it for the process.
#[test]
fn a_library_that_lies_about_its_version_ends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let new = pretender(folder.path(), "new", "1.99.0");
    let void = built(folder.path(), "void", "const void *OrtGetApiBase(void) { return 0; }");
    for library in [new, void] {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "runtime::child_loads_what_it_is_told", "--nocapture"])
            .env("REMUDA_TEST_LIBRARY", &library)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&child.stdout).into_owned();
        assert!(child.status.success(), "{said}{}", String::from_utf8_lossy(&child.stderr));
        assert!(said.contains("ONNX Runtime is not at hand: its interface broke: "), "{said}");
    }
}

#[test]
#[ignore = "the test above runs it in a process of its own"]
fn child_loads_what_it_is_told() {
    let Ok(library) = std::env::var("REMUDA_TEST_LIBRARY") else { return };
    let onnx = crate::hostile::model(&[crate::hostile::node("Conv", "", &["x"], "y", &[])]);
    println!("{}", refusal(&onnx, vec![PathBuf::from(&library)]));
    println!("{}", refusal(&onnx, vec![PathBuf::from(&library)]));
}

#[test]
fn what_it_refuses_too_is_told_in_its_words() {
    let Some(python) = python("onnxruntime") else { return };
    let runtime = library(&python);
    // The field of the format's version, which our evaluator does not ask for.
    let version = vec![1 << 3, 8];
    let rest = crate::hostile::model(&[crate::hostile::node("Steal", "org.evil", &["x"], "y", &[])]);
    let said = refusal(&[version, rest].concat(), runtime.places);
    assert!(said.starts_with("ONNX Runtime refuses the model: ") && said.contains("Steal"), "{said}");
}
