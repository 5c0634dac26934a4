//! Runs the Python script beside this file, where the environment variable `REMUDA_PYTHON` names a Python that has
//! `onnxruntime` and `numpy` (and, for exported models, `scikit-learn` and `skl2onnx`).

use std::path::Path;
use std::process::Command;

/// Whether there is a Python; a note says that the test is skipped.
pub(crate) fn python(needs: &str) -> Option<String> {
    let Ok(python) = std::env::var("REMUDA_PYTHON") else {
        println!("skipped: set REMUDA_PYTHON to a Python that has {needs}");
        return None;
    };
    let imports = format!("import {needs}");
    let found = Command::new(&python).args(["-c", &imports]).output().unwrap();
    if !found.status.success() {
        println!("skipped: {python} lacks one of {needs}");
        return None;
    }
    Some(python)
}

/// Runs the script.
pub(crate) fn run(python: &str, mode: &str, folder: &Path) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/agreement.py");
    let output = Command::new(python).arg(script).arg(mode).arg(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
