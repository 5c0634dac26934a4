//! What a pipeline can get wrong, and the order of its steps.

use crate::support::{findings, good};
use insta::assert_snapshot;
use remuda_repo::run;

fn found(pipeline: &str) -> String {
    findings(&[("pipeline.toml", pipeline)])
}

#[test]
fn every_mistake_in_a_step_is_found_at_once() {
    assert_snapshot!(found(
        r#"[[step]]
name = "trees"
learn = "forest"
data = "customer"
sed = 3

[[step]]
name = "trees"
learn = "trees"
data = "customers"
features = ["tenur", "churn", "tenure", "tenure"]
seed = -1

[[step]]
name = "clean"
command = "python clean.py"
data = "customers"
inputs = ["step:tree", "data:orders", "../secret", "/etc/passwd", "src/*.py", "src/*.py"]
outputs = [".git/config"]

[[step]]
name = "both"
learn = "trees"
data = "customers"
command = "python train.py"

[[step]]
name = "neither"
"#
    ));
}

#[test]
fn a_model_that_a_command_writes_is_one_of_its_outputs_and_of_a_dataset_with_a_label() {
    assert_snapshot!(found(
        r#"[[step]]
name = "own"
command = "python train.py"
outputs = ["model.onnx"]

[step.model]
file = "modell.onnx"
data = "customer"
golden = "golden.csv"
logit = true

[[step]]
name = "other"
command = "python train.py"
outputs = ["other.onnx"]

[step.model]
file = "other.onnx"
data = "customers"
features = ["tenure", "tenur", "tenure"]
classes = ["No", "No"]
logits = "yes"

[[step]]
name = "trees"
learn = "trees"
data = "customers"

[step.model]
file = "model.onnx"
data = "customers"
"#
    ));
}

#[test]
fn circles_are_found_by_name_and_by_file() {
    assert_snapshot!(found(
        r#"[[step]]
name = "a"
command = "make a"
inputs = ["step:c"]

[[step]]
name = "b"
command = "make b"
inputs = ["step:a"]
outputs = ["b.csv"]

[[step]]
name = "c"
command = "make c"
inputs = ["b.csv"]
"#
    ));
    assert_snapshot!(found("[[step]]\nname = \"a\"\ncommand = \"make a\"\ninputs = [\"step:a\"]\n"));
}

#[test]
fn outputs_and_parameters_must_not_collide() {
    assert_snapshot!(found(
        r#"[[step]]
name = "a"
command = "make a"
outputs = ["x.csv"]
[step.parameters]
rate = 0.1
Rate = 1
momentum = nan
"a b" = 1

[[step]]
name = "b"
command = "make b"
outputs = ["x.csv"]

[[step]]
name = "c"
command = ""
"#
    ));
    assert_snapshot!(found("step = 3\nsteps = 1\n"));
}

#[test]
fn steps_are_ordered_by_what_they_need() {
    let pipeline = r#"[[step]]
name = "report"
command = "make report"
inputs = ["step:rules", "metrics.json"]

[[step]]
name = "rules"
learn = "majority"
data = "customers"

[[step]]
name = "measure"
command = "make metrics"
inputs = ["data:customers"]
outputs = ["metrics.json"]
"#;
    let definitions = good(&[("pipeline.toml", pipeline)]);
    let pipeline = definitions.pipeline.unwrap().value;
    assert_eq!(run::order(&pipeline), Some(vec![1, 2, 0]));
    assert_eq!(run::needs(&pipeline, 0), [1, 2]);
}
