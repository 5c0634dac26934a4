//! Small learners that write ONNX, and an evaluator that runs ONNX: no DataFusion, no files, no async, no printing.
//!
//! - [`train`]: [`TrainRequest`] in, [`Trained`] out (majority, linear, boosted trees); numbers, categories, short texts
//! - [`load`]: ONNX bytes in, a [`Predictor`] out; whatever lies outside the allow-list is refused, by name
//! - [`load_on`]: the same on a chosen engine: ours, or ONNX Runtime (`runtime`) where its library can be loaded
//! - [`Reading`], [`inspect`] and [`with_reading`]: what a model from elsewhere asks for, and what was declared about it
//! - [`golden`] and [`check_golden`]: rows with the outputs that a model gave where it was made, checked at each load
//! - `onnx`: the few messages of the ONNX format that we read and write, and a graph builder
//! - `evaluate`: the graph compiled once, then walked per block of rows
//! - `train`: encoders, the optimiser, histogram trees
//!
//! One rule keeps training and serving equal: a learner first writes the ONNX nodes that encode its inputs, then learns
//! from what our evaluator makes of the training rows with those very nodes.

mod error;
mod evaluate;
mod golden;
mod onnx;
mod predict;
mod reading;
mod runtime;
mod train;

pub use error::LearnError;
pub use evaluate::load;
pub use golden::{Given, GivenAnswers, Golden, GoldenColumn, GoldenOutputs, GoldenValues, check_golden, given, golden};
pub use predict::{Predictions, Predictor};
pub use reading::{Inspection, ModelInput, Reading, inspect, with_reading};
pub use runtime::{OnnxRuntime, load_on};
pub use train::parameters::parameter_names;
pub use train::{Target, TrainRequest, Trained, train};
