//! The evaluator: ONNX bytes to a [`Predictor`]. [`graph`] orders the nodes, [`operators`] runs them, [`inputs`] feeds them
//! from a table, [`outputs`] makes predictions of what comes out.

pub(crate) mod attributes;
pub(crate) mod graph;
pub(crate) mod inputs;
pub(crate) mod operators;
pub(crate) mod outputs;
pub(crate) mod value;

use crate::error::LearnError;
use crate::onnx::Model;
use crate::predict::{Predictions, Predictor};
use crate::reading::{Reading, decode};
use graph::Plan;
use inputs::Inputs;
use outputs::Outputs;
use rayon::prelude::*;
use remuda_model::feature::Feature;
use remuda_model::model::Engine;
use remuda_model::table::Table;
use std::sync::Arc;

/// How many rows are worked on at once.
pub(crate) const BLOCK: usize = 1024;

/// A compiled model.
#[derive(Debug)]
struct Evaluator {
    inputs: Inputs,
    plan: Plan,
    outputs: Outputs,
}

/// Compiles an ONNX model. The first tensor of integers or strings among its outputs is the label, the first of floats (or
/// sequence of maps) the probabilities; a lone float is a regression.
///
/// A string input is a category, or a text where it is cut into tokens. An input of several columns becomes several
/// features, named `input_0`, `input_1` and so on, unless the file carries a [`Reading`](crate::Reading) that names them.
///
/// # Errors
/// [`LearnError::Unreadable`] and [`LearnError::Malformed`] for broken files, [`LearnError::OperatorsNotAllowed`] for
/// operators outside the allow-list. A trial row is run, so a model that loads has run once.
pub fn load(onnx: &[u8]) -> Result<Arc<dyn Predictor>, LearnError> {
    Ok(Arc::new(Evaluator::compile(&decode(onnx)?)?))
}

impl Evaluator {
    fn compile(model: &Model) -> Result<Self, LearnError> {
        let graph = model.graph.as_ref().ok_or_else(|| LearnError::malformed("the model", "it has no graph"))?;
        if model.operator_sets.is_empty() {
            return Err(LearnError::malformed("the model", "it names no operator set; perhaps the file is cut off"));
        }
        let reading = Reading::of(model)?;
        let inputs = Inputs::read(model, graph, &reading)?;
        let plan = Plan::compile(graph, &inputs.names()).map_err(|error| match operators::lacking(&graph.nodes) {
            lacking if lacking.is_empty() => error,
            operators => LearnError::OperatorsNotAllowed { operators },
        })?;
        let outputs = Outputs::read(graph, &plan, &reading)?;
        let evaluator = Evaluator { inputs, plan, outputs };
        evaluator.predict(&evaluator.inputs.trial())?;
        Ok(evaluator)
    }

    fn block(&self, table: &Table, columns: &[usize], rows: std::ops::Range<usize>) -> Result<Predictions, LearnError> {
        let count = rows.len();
        let values = self.inputs.values(table, columns, rows)?;
        let values = self.plan.run(values, &self.outputs.sources)?;
        self.outputs.heads.predictions(values, count)
    }
}

impl Predictor for Evaluator {
    fn inputs(&self) -> &[Feature] {
        &self.inputs.features
    }

    fn labels(&self) -> Option<&Arc<[String]>> {
        self.outputs.heads.labels.as_ref()
    }

    fn engine(&self) -> Engine {
        Engine::Remuda
    }

    fn predict(&self, table: &Table) -> Result<Predictions, LearnError> {
        let columns = self.inputs.columns(table)?;
        if table.rows <= BLOCK {
            return if table.rows == 0 {
                Ok(self.outputs.heads.none())
            } else {
                self.block(table, &columns, 0..table.rows)
            };
        }
        let blocks: Vec<usize> = (0..table.rows).step_by(BLOCK).collect();
        let parts: Result<Vec<Predictions>, LearnError> = blocks
            .into_par_iter()
            .map(|start| self.block(table, &columns, start..(start + BLOCK).min(table.rows)))
            .collect();
        Ok(self.outputs.heads.join(parts?))
    }
}
