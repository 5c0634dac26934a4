//! Writes grown trees as ONNX.

use super::grow::{Tree, TreeNode};
use crate::onnx::FLOAT;
use crate::onnx::build::{Builder, ML, floats, int, ints, string, strings};
use crate::train::{Target, TrainRequest};

/// The node table of `TreeEnsembleRegressor`, column by column.
#[derive(Default)]
struct Columns {
    trees: Vec<i64>,
    nodes: Vec<i64>,
    features: Vec<i64>,
    modes: Vec<&'static str>,
    values: Vec<f32>,
    yes: Vec<i64>,
    no: Vec<i64>,
    missing: Vec<i64>,
    target_trees: Vec<i64>,
    target_nodes: Vec<i64>,
    targets: Vec<i64>,
    weights: Vec<f32>,
}

/// The finished model.
pub(crate) fn write(
    request: &TrainRequest,
    mut builder: Builder,
    encoded: &str,
    rounds: &[Vec<Tree>],
    base: &[f64],
) -> Vec<u8> {
    let mut columns = Columns::default();
    let trees = rounds.iter().flat_map(|trees| trees.iter().enumerate());
    for (number, (target, tree)) in trees.enumerate() {
        columns.add(number as i64, target as i64, tree);
    }
    let attributes = vec![
        int("n_targets", base.len() as i64),
        string("post_transform", "NONE"),
        string("aggregate_function", "SUM"),
        floats("base_values", base.iter().map(|value| *value as f32).collect()),
        ints("nodes_treeids", columns.trees),
        ints("nodes_nodeids", columns.nodes),
        ints("nodes_featureids", columns.features),
        strings("nodes_modes", &columns.modes),
        floats("nodes_values", columns.values),
        ints("nodes_truenodeids", columns.yes),
        ints("nodes_falsenodeids", columns.no),
        ints("nodes_missing_value_tracks_true", columns.missing),
        ints("target_treeids", columns.target_trees),
        ints("target_nodeids", columns.target_nodes),
        ints("target_ids", columns.targets),
        floats("target_weights", columns.weights),
    ];
    let scores = builder.node(ML, "TreeEnsembleRegressor", &[encoded], attributes);
    match request.target {
        Target::Number(_) => builder.output("variable", &scores, FLOAT, Some(1)),
        Target::Classes { labels, .. } => {
            let probabilities = builder.probabilities(&scores, labels.len());
            builder.classes(&probabilities, labels);
        }
    }
    builder.finish()
}

impl Columns {
    fn add(&mut self, number: i64, target: i64, tree: &Tree) {
        for (place, node) in tree.nodes.iter().enumerate() {
            self.trees.push(number);
            self.nodes.push(place as i64);
            match *node {
                TreeNode::Split { column, threshold, missing_left, left, right, .. } => {
                    self.features.push(i64::from(column));
                    self.modes.push("BRANCH_LEQ");
                    self.values.push(threshold);
                    self.yes.push(i64::from(left));
                    self.no.push(i64::from(right));
                    self.missing.push(i64::from(missing_left));
                }
                TreeNode::Leaf(value) => {
                    self.features.push(0);
                    self.modes.push("LEAF");
                    self.values.push(0.0);
                    self.yes.push(0);
                    self.no.push(0);
                    self.missing.push(0);
                    self.target_trees.push(number);
                    self.target_nodes.push(place as i64);
                    self.targets.push(target);
                    self.weights.push(value);
                }
            }
        }
    }
}
