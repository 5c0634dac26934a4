//! Models that were trained elsewhere: they become candidates like our own, or are refused with the reason.

use crate::harness::{Story, check_both, customers};
use remuda_app::model::{Add, AddedModel, Export, List, Show};
use remuda_app::release::Create;
use remuda_app::run;
use remuda_app::serving::Predict;
use remuda_app::{Error, Result};
use remuda_model::model::Engine;
use remuda_model::run::MetricValue;
use remuda_model::run::StepOutcome;
use remuda_model::team::Risk;
use std::path::PathBuf;

/// The linear model as a file, as if another program had written it.
async fn from_elsewhere(story: &Story) -> PathBuf {
    story.add(&customers(1, 1_500, None)).await;
    story.train().await;
    let output = story.file("elsewhere.onnx", "");
    story.does("scientist", Export { model: "linear".into(), output: output.clone() }).await.unwrap();
    output
}

/// Declaring the classes, even by their own names, makes other bytes: a version of its own.
fn registration(file: PathBuf) -> Add {
    Add { file, classes: vec!["no".into(), "yes".into()], ..Add::default() }
}

async fn refused(story: &Story, request: Add) -> Error {
    let answer: Result<AddedModel> = story.does("scientist", request).await;
    answer.unwrap_err()
}

#[test]
fn it_goes_the_same_way_to_a_live_release() {
    check_both(Risk::Medium, |story| async move {
        let file = from_elsewhere(&story).await;
        let added = story.does("scientist", registration(file.clone())).await.unwrap();
        assert!(!added.unchanged);
        assert_eq!((added.version.name.as_str(), added.version.engine), ("elsewhere", Engine::Remuda));
        let own = story.does("scientist", Show { model: "linear".into() }).await.unwrap().line;
        assert_eq!(added.version.signature, own.version.signature);
        // The probabilities went through another file, so the last digits may differ.
        let rounded = |metrics: &[MetricValue]| -> Vec<String> {
            let shown = |value: Option<f64>| value.map_or(String::new(), |value| format!("{value:.6}"));
            metrics.iter().map(|m| format!("{} {} {} n {}", m.name, shown(m.value), shown(m.lower), m.n)).collect()
        };
        assert_eq!(rounded(&added.metrics), rounded(&own.metrics), "the same model, measured on the same rows");
        assert_ne!(added.version.digest, own.version.digest);

        // A run of its own says where it came from; the same file again adds nothing.
        let noted = story.does("scientist", run::Show { run: added.version.run.clone() }).await.unwrap();
        assert_eq!((noted.command.as_str(), noted.models.len()), ("remuda model add elsewhere.onnx", 1));
        assert_eq!(noted.status, remuda_model::run::RunStatus::Finished);
        assert!(story.does("scientist", registration(file)).await.unwrap().unchanged);
        assert_eq!(story.does("scientist", List { name: Some("elsewhere".into()) }).await.unwrap().models.len(), 1);

        let evaluation = story.evaluate("elsewhere").await;
        story.sign("owner", "intent", "churn").await;
        story.sign("tester", "evidence", &evaluation.id).await;
        let release = story.does("operator", Create { model: "elsewhere".into() }).await.unwrap();
        story.sign("owner", "accept", release.line.digest.as_str()).await;
        let live = story.promote(release.line.digest.as_str()).await.unwrap();
        assert!(live.line.live);
        assert_eq!(story.predict(2_000, 2_009).await.unwrap().rows, 10);
    });
}

#[test]
fn the_training_frameworks_own_rows_are_held_against_it() {
    check_both(Risk::Medium, |story| async move {
        let file = from_elsewhere(&story).await;
        let ask = story.file("ask.csv", &customers(1, 40, None));
        let predict = Predict { file: ask, output: None, id_column: None, model: Some("linear".into()), source: None };
        let told = story.does("scientist", predict).await.unwrap().csv.unwrap();
        let mut golden = String::from("customer,spend,plan,prediction,probability_yes\n");
        for (row, answer) in customers(1, 40, None).lines().zip(told.lines()).skip(1) {
            let input = row.rsplit_once(',').unwrap().0;
            let answer = answer.split_once(',').unwrap().1;
            golden.push_str(&format!("{input},{answer}\n"));
        }
        let golden_file = story.file("golden.csv", &golden);
        let with = |path: &PathBuf| Add { golden: Some(path.clone()), ..registration(file.clone()) };
        let added = story.does("scientist", with(&golden_file)).await.unwrap();
        assert_eq!(added.notes[0], "it gives what the training framework gave in 40 rows");

        let (before, last) = golden.trim_end().rsplit_once(',').unwrap();
        let wrong = 1.0 - last.parse::<f64>().unwrap();
        let other = story.file("other.csv", &format!("{before},{wrong}\n"));
        let error = refused(&story, with(&other)).await;
        assert_eq!(error.code, "model.unusable");
        let expected = "the model does not give what the training framework gave: in row 40 the probability of `no` is";
        assert!(error.message.starts_with(expected), "{error:?}");
        let bare = story.file("bare.csv", "spend,plan\n1,basic\n");
        let error = refused(&story, with(&bare)).await;
        assert_eq!(error.message, "bare.csv has no column `prediction`");
        let odd = story.file("odd.csv", "customer,spend,plan,prediction\n1,1,basic,maybe\n");
        let error = refused(&story, with(&odd)).await;
        assert!(error.message.contains("the golden rows have a class `maybe`"), "{error:?}");
    });
}

#[test]
fn what_cannot_be_a_candidate_is_refused_with_the_reason() {
    check_both(Risk::Medium, |story| async move {
        let file = from_elsewhere(&story).await;
        let text = story.file("model.onnx", "this is no model");
        let error = refused(&story, Add { file: text, ..Add::default() }).await;
        assert_eq!(
            (error.code.as_str(), error.message.as_str()),
            ("model.unusable", "the model is no readable ONNX file; export it again")
        );

        let swapped = Add { classes: vec!["stays".into(), "leaves".into()], file: file.clone(), ..Add::default() };
        let error = refused(&story, swapped).await;
        assert_eq!(error.message, "the model answers stays and leaves, and `churned` says no and yes");
        let three = Add { classes: ["a", "b", "c"].map(str::to_owned).to_vec(), file: file.clone(), ..Add::default() };
        let error = refused(&story, three).await;
        assert!(error.message.ends_with("it has 2 classes (no and yes), and 3 are named"), "{error:?}");
        let missing = Add { dataset: Some("churm".into()), ..registration(file.clone()) };
        assert_eq!(refused(&story, missing).await.hints, ["did you mean `churn`?"]);
        let run = Add { run: Some("nosuchrun2".into()), ..registration(file.clone()) };
        assert_eq!(refused(&story, run).await.code, "request.not_found");
        let reversed = Add { classes: vec!["yes".into(), "no".into()], ..registration(file.clone()) };
        let notes = story.does("scientist", reversed).await.unwrap().notes;
        assert_eq!(notes[0], "it ranks worse than chance: are its classes named in the order of its scores?");
        let name = Add { name: Some("My Model".into()), ..registration(file) };
        assert_eq!(refused(&story, name).await.message, "`My Model` cannot be a model's name");

        let foreign = story.folder_file("foreign.onnx", &foreign());
        let error = refused(&story, Add { file: foreign, ..Add::default() }).await;
        assert_eq!(
            error.message,
            "no engine here can run the model: operators `Erf` and `Where` are not among those that remuda runs itself"
        );
        assert!(error.causes[0].starts_with("ONNX Runtime is not at hand: "), "{error:?}");
        assert!(error.hints[0].starts_with("`pip install onnxruntime`"), "{error:?}");
        assert_eq!(
            story.does("scientist", List { name: None }).await.unwrap().models.len(),
            3,
            "ours, and the reversed one"
        );
    });
}

const OWN_STEP: &str = "[[step]]\nname = \"own\"\ncommand = \"cat given.onnx > model.onnx\"\ninputs = [\"given.onnx\", \"data:churn\"]\n\
    outputs = [\"model.onnx\"]\n\n[step.model]\nfile = \"model.onnx\"\ndata = \"churn\"\nclasses = [\"no\", \"yes\"]\n";

#[test]
fn a_step_of_the_pipeline_that_writes_a_model_makes_a_candidate_and_runs_again_for_new_data() {
    check_both(Risk::Medium, |story| async move {
        let file = from_elsewhere(&story).await;
        std::fs::copy(file, story.root().join("given.onnx")).unwrap();
        story.write("scientist", "pipeline.toml", OWN_STEP);
        let outcomes = |state: &run::RunState| state.steps.iter().map(|step| step.outcome).collect::<Vec<_>>();
        let first = story.train().await;
        assert_eq!(outcomes(&first), [StepOutcome::Ran]);
        assert_eq!(first.models[0].name, "own");
        assert!(first.metrics.iter().any(|metric| metric.name == "own/auc"), "{:?}", first.metrics);
        let again = story.train().await;
        assert_eq!(outcomes(&again), [StepOutcome::Skipped]);
        assert_eq!(again.models, first.models, "a skipped step keeps its model");

        let added = story.add(&customers(1, 1_600, None)).await;
        let newer = story.train().await;
        assert_eq!(outcomes(&newer), [StepOutcome::Ran]);
        assert_eq!(newer.models[0].trained_on, Some(added.version.digest));

        std::fs::write(story.root().join("given.onnx"), "no model").unwrap();
        let failed = story.try_train().await.unwrap_err();
        assert!(failed.message.starts_with("step `own`: the model is no readable ONNX file"), "{failed:?}");
    });
}

/// A model of one number with operators that our evaluator lacks, in the wire format by hand.
fn foreign() -> Vec<u8> {
    fn field(number: u8, content: &[u8]) -> Vec<u8> {
        [&[number << 3 | 2, content.len() as u8], content].concat()
    }
    let node = |operator: &str, inputs: &[&str], output: &str| {
        let inputs: Vec<u8> = inputs.iter().flat_map(|input| field(1, input.as_bytes())).collect();
        field(1, &[inputs, field(2, output.as_bytes()), field(4, operator.as_bytes())].concat())
    };
    let shape = field(2, &[field(1, &field(2, b"N")), field(1, &[8, 1])].concat());
    let tensor = field(2, &field(1, &[vec![8, 1], shape].concat()));
    let nodes = [node("Erf", &["spend"], "v"), node("Where", &["v", "v", "v"], "w"), node("Erf", &["w"], "y")].concat();
    let named = |number, name: &[u8]| field(number, &[field(1, name), tensor.clone()].concat());
    let graph = [nodes, named(11, b"spend"), named(12, b"y")].concat();
    [field(7, &graph), field(8, &[16, 15])].concat()
}
