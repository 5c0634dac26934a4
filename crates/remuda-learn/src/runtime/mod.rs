//! The second engine: ONNX Runtime, for models whose operators our evaluator lacks. Its library is no part of the program:
//! it is loaded when a model first needs it, from the first of the places that the caller names. `session` (behind the
//! feature `onnxruntime`) runs models, `classes` finds out what their labels are called.

#[cfg(feature = "onnxruntime")]
mod classes;
#[cfg(feature = "onnxruntime")]
mod library;
#[cfg(feature = "onnxruntime")]
mod session;

use crate::error::LearnError;
use crate::predict::Predictor;
use remuda_model::model::Engine;
use std::path::PathBuf;
use std::sync::Arc;

/// Where ONNX Runtime's library may lie: files, the first that can be loaded counts. Nothing is opened before a model
/// needs it. One process loads it once; later places are not looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OnnxRuntime {
    /// The files.
    pub places: Vec<PathBuf>,
}

/// Loads a model on this engine.
///
/// # Errors
/// Those of [`crate::load`] for our evaluator. For ONNX Runtime, [`LearnError::RuntimeMissing`] where its library cannot be
/// loaded or is too old, [`LearnError::RuntimeRefuses`] where it does not take the model; never a panic.
pub fn load_on(engine: Engine, onnx: &[u8], runtime: &OnnxRuntime) -> Result<Arc<dyn Predictor>, LearnError> {
    match engine {
        Engine::Remuda => crate::load(onnx),
        Engine::OnnxRuntime => load_there(onnx, runtime),
    }
}

#[cfg(feature = "onnxruntime")]
fn load_there(onnx: &[u8], runtime: &OnnxRuntime) -> Result<Arc<dyn Predictor>, LearnError> {
    session::load(onnx, runtime)
}

#[cfg(not(feature = "onnxruntime"))]
fn load_there(_: &[u8], _: &OnnxRuntime) -> Result<Arc<dyn Predictor>, LearnError> {
    Err(LearnError::RuntimeMissing { problem: "this program was built without the feature `onnxruntime`".to_owned() })
}
