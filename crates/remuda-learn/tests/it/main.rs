//! Learners and evaluator, seen from outside: what they learn, what they refuse, and that ONNX Runtime agrees.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]
#![expect(clippy::print_stdout, reason = "a skipped test says so")]

mod bad_input;
mod exported;
mod hostile;
mod learn;
mod onnxruntime;
mod python;
#[cfg(feature = "onnxruntime")]
mod runtime;
mod world;

/// Every file of this folder is a module above: none is forgotten.
#[test]
fn every_file_is_a_module() {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let main = include_str!("main.rs");
    for entry in std::fs::read_dir(here).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if let Some(module) = name.strip_suffix(".rs").filter(|module| *module != "main") {
            assert!(main.contains(&format!("mod {module};")), "{name} is forgotten");
        }
    }
}
