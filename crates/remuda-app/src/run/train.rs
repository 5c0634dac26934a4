//! The built-in `learn` step: read the train split, train, write ONNX, measure on validation, append one fact.

use super::lifecycle::{Recorded, append_recorded, open_run};
use super::{Train, TrainedStep};
use crate::app::App;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::gate::validation_metrics;
use crate::model::{Made, find_made};
use crate::pin::{self, Pins};
use crate::use_case::{Access, UseCase};
use remuda_data::{ReadRequest, Rows};
use remuda_learn::{Predictor, Target, TrainRequest, Trained};
use remuda_ledger::Append;
use remuda_model::Digest;
use remuda_model::data::{Column, ColumnType, Contract, DatasetVersion, FeatureKind, Split, Task};
use remuda_model::fact::Link;
use remuda_model::feature::Feature;
use remuda_model::label::LabelSpace;
use remuda_model::model::{Engine, ModelSignature, ModelVersion};
use remuda_model::run::{Action, Learn, Pipeline, Step, StepOutcome, StepResult};
use remuda_model::table::{MISSING, Table, Values};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

/// Part of the inputs' digest: raised when the learners change, so that old models are trained anew.
const LEARNERS: &str = "remuda learners 1";
/// Rows with outputs that a package carries and checks at each load.
pub(crate) const GOLDEN_ROWS: usize = 20;

impl UseCase for Train {
    const NOUN: &'static str = "run";
    const VERB: &'static str = "train";
    const ACCESS: Access = Access::Write;
    const ABOUT: &'static str = "Train a built-in learner as one step of a run.";
    type Answer = TrainedStep;

    async fn run(self, app: &App, context: &Context) -> Result<TrainedStep> {
        let started = Instant::now();
        let run = open_run(app, context, &self.run).await?;
        let (step, learn) = learning_step(context, &self.step)?;
        let contract = context.need_contract(&learn.dataset)?;
        let line = crate::data::latest_version(app, context, &learn.dataset).await?.ok_or_else(|| {
            Error::new("data.unusable", format!("dataset `{}` has no version yet", learn.dataset))
                .hint(format!("remuda data add FILE --as {}", learn.dataset))
        })?;
        same_deal(app, context, &contract.value, &line.version).await?;
        let inputs = inputs_digest(step, &contract.digest, &line.version.digest)?;
        // Only the newest model of this name may be kept: an older one would stay behind those made since.
        let newest = find_made(app, context, |made| made.version.name == step.name).await?;
        if let Some(made) = newest.filter(|made| !self.force && made.inputs == inputs) {
            return skip(app, context, &run, step, inputs, made).await;
        }
        let job = Job { step, learn, contract: &contract.value, version: &line.version };
        let trained = job.train(app, context).await?;
        let made = store(app, context, &run, &job, trained, inputs.clone(), started).await?;
        let result = StepResult {
            step: step.name.clone(),
            outcome: StepOutcome::Ran,
            note: String::new(),
            inputs,
            seconds: started.elapsed().as_secs_f64(),
        };
        let parameters = flat_parameters(step, learn);
        let recorded = Recorded { parameters, step: Some(result.clone()), ..Recorded::default() };
        append_recorded(app, context, &run, &recorded, Vec::new()).await?;
        Ok(TrainedStep { result, model: Some(made.version), metrics: made.metrics, notes: made.notes })
    }
}

fn learning_step<'a>(context: &'a Context, name: &str) -> Result<(&'a Step, &'a Learn)> {
    let pipeline: &Pipeline = match &context.definitions.pipeline {
        Some(pipeline) => &pipeline.value,
        None => {
            context.need_sound()?;
            return Err(
                Error::new("definition.missing", "there is no `pipeline.toml`").hint("write one with a `[[step]]`")
            );
        }
    };
    let step = pipeline.steps.iter().find(|step| step.name == name).ok_or_else(|| {
        let names: Vec<&str> = pipeline.steps.iter().map(|step| step.name.as_str()).collect();
        Error::not_found("step", name).hint(format!("`pipeline.toml` has {}", remuda_model::text::list(&names)))
    })?;
    match &step.action {
        Action::Learn(learn) => Ok((step, learn)),
        Action::Command(_) => {
            Err(Error::new("request.invalid", format!("step `{name}` is a command, no `learn` step"))
                .hint("`remuda run` runs commands on your machine"))
        }
    }
}

/// Refuses to train by another split rule than the one by which the version is judged: rows of its holdout would be
/// trained on.
async fn same_deal(app: &App, context: &Context, contract: &Contract, version: &DatasetVersion) -> Result<()> {
    let Some(own) = crate::data::contract_of(app, context, version).await? else { return Ok(()) };
    if !contract.split.may_leak_into(&own.split) {
        return Ok(());
    }
    let text = format!("the split rule of `{}` has changed since its newest version was added", version.dataset);
    Err(Error::new("data.unusable", text)
        .hint(format!("add the data again, which deals its rows anew: remuda data add FILE --as {}", version.dataset)))
}

fn inputs_digest(step: &Step, contract: &Digest, version: &Digest) -> Result<Digest> {
    let step = serde_json::to_vec(step)?;
    Ok(Digest::of_fields([LEARNERS.as_bytes(), &step, contract.as_str().as_bytes(), version.as_str().as_bytes()]))
}

async fn skip(app: &App, context: &Context, run: &str, step: &Step, inputs: Digest, made: Made) -> Result<TrainedStep> {
    let note = format!(
        "code, contract and data are as in run {}: kept its model {}",
        made.version.run,
        made.version.digest.short()
    );
    let result = StepResult { step: step.name.clone(), outcome: StepOutcome::Skipped, note, inputs, seconds: 0.0 };
    let recorded = Recorded {
        metrics: made.metrics.clone(),
        step: Some(result.clone()),
        model: Some(made.version.clone()),
        ..Recorded::default()
    };
    let links = vec![Link::uses("model_version", made.version.digest.as_str())];
    append_recorded(app, context, run, &recorded, links).await?;
    Ok(TrainedStep { result, model: Some(made.version), metrics: made.metrics, notes: made.notes })
}

/// One training.
pub(crate) struct Job<'a> {
    /// The step.
    pub(crate) step: &'a Step,
    /// Its settings.
    pub(crate) learn: &'a Learn,
    /// The contract.
    pub(crate) contract: &'a Contract,
    /// The data.
    pub(crate) version: &'a DatasetVersion,
}

/// A trained model with everything that is known of it before it is stored.
pub(crate) struct TrainedModel {
    pub(crate) trained: Trained,
    pub(crate) signature: ModelSignature,
    pub(crate) golden: Vec<u8>,
    pub(crate) metrics: Vec<remuda_model::run::MetricValue>,
}

impl Job<'_> {
    /// Trains on the train split and measures on validation.
    pub(crate) async fn train(&self, app: &App, context: &Context) -> Result<TrainedModel> {
        let label = label_column(self.contract)?;
        let features = features(self.contract, &self.learn.features)?;
        context.tell(0.0, "reading the train split");
        let train = self.read(app, Split::Train).await?;
        let validation = self.read(app, Split::Validation).await?;
        let columns: Vec<(String, FeatureKind)> =
            features.iter().map(|feature| (feature.name.clone(), feature.kind)).collect();
        let Examples { table, target, .. } = examples(&train, &columns, self.contract, label, None)?;
        let labels = match &target {
            Target::Classes { labels, .. } => LabelSpace::Classes(labels.clone()),
            Target::Number(_) => LabelSpace::Number,
        };
        let held = examples(&validation, &columns, self.contract, label, Some(&labels))?;
        let (validation_table, truth) = (held.table, held.target);
        let signature = ModelSignature {
            features: features.clone(),
            task: task_of(&labels),
            label: label.name.clone(),
            positive: positive_of(self.contract, &labels),
            labels,
        };
        let (algorithm, seed) = (self.learn.algorithm, self.learn.seed);
        let parameters = self.step.parameters.clone();
        let progress = Arc::clone(&context.progress);
        let for_metrics = signature.clone();
        let work = move || -> Result<(Trained, Vec<u8>, Vec<remuda_model::run::MetricValue>)> {
            let request = TrainRequest {
                algorithm,
                features: &features,
                table: &table,
                target: &target,
                seed,
                parameters: &parameters,
            };
            let trained = remuda_learn::train(&request, &mut |share| progress(share, "training"))?;
            let predictor: Arc<dyn Predictor> = remuda_learn::load(&trained.onnx)?;
            let golden = remuda_learn::golden(predictor.as_ref(), &table, GOLDEN_ROWS)?;
            let predictions = predictor.predict(&validation_table)?;
            let metrics = validation_metrics(&for_metrics, &truth, &predictions);
            Ok((trained, serde_json::to_vec(&golden)?, metrics))
        };
        let (trained, golden, metrics) = tokio::task::spawn_blocking(work)
            .await
            .map_err(|error| Error::new("internal", "training stopped").caused_by(&error))??;
        Ok(TrainedModel { trained, signature, golden, metrics })
    }

    async fn read(&self, app: &App, split: Split) -> Result<Rows> {
        let request = ReadRequest { split: Some(split), columns: None, filter: None, limit: None };
        crate::data::read_rows(app, self.version, Some(self.contract), request).await
    }
}

/// Stores a trained model and appends the fact.
async fn store(
    app: &App,
    context: &Context,
    run: &str,
    job: &Job<'_>,
    trained: TrainedModel,
    inputs: Digest,
    started: Instant,
) -> Result<Made> {
    let bytes = trained.trained.onnx.len() as u64;
    let digest = app.blobs.put(trained.trained.onnx).await?;
    let golden = app.blobs.put(trained.golden).await?;
    let version = ModelVersion {
        digest: digest.clone(),
        name: job.step.name.clone(),
        run: run.to_owned(),
        algorithm: Some(job.learn.algorithm),
        signature: trained.signature,
        trained_on: Some(job.version.digest.clone()),
        golden,
        bytes,
        engine: Engine::Remuda,
    };
    let made = Made {
        version,
        inputs,
        metrics: trained.metrics,
        importance: trained.trained.importance,
        notes: trained.trained.notes,
        seconds: started.elapsed().as_secs_f64(),
    };
    let mut pins = Pins::default();
    pins.add(context, "pipeline.toml");
    pins.add(context, &context.need_contract(&job.learn.dataset)?.path);
    let mut links = vec![
        Link::makes("model_version", digest.as_str()),
        Link::uses("run", run),
        Link::uses("dataset_version", job.version.digest.as_str()),
    ];
    links.extend(pins.links);
    let fact = pin::fact(app, context, "model.made", digest.as_str(), &made, links)?;
    let append = Append { facts: vec![fact], definitions: pins.definitions, ..Append::default() };
    app.ledger.append(&context.product()?.name, append).await?;
    Ok(made)
}

fn flat_parameters(step: &Step, learn: &Learn) -> BTreeMap<String, serde_json::Value> {
    let mut parameters = BTreeMap::new();
    for (name, value) in &step.parameters {
        parameters.insert(format!("{}/{name}", step.name), value.clone());
    }
    parameters.insert(format!("{}/algorithm", step.name), learn.algorithm.as_str().into());
    parameters.insert(format!("{}/seed", step.name), learn.seed.into());
    parameters
}

/// The label column of a contract.
pub(crate) fn label_column(contract: &Contract) -> Result<&Column> {
    contract.label().ok_or_else(|| {
        Error::new("data.unusable", format!("contract `{}` names no label", contract.name))
            .hint("give one column the custom property `use: label`")
    })
}

/// The features that a step asks for, by the contract.
fn features(contract: &Contract, wanted: &[String]) -> Result<Vec<Feature>> {
    let feature = |column: &Column| {
        let by_type = if column.column_type.is_numeric()
            || matches!(column.column_type, ColumnType::Date | ColumnType::Timestamp)
        {
            FeatureKind::Number
        } else {
            FeatureKind::Category
        };
        Feature { name: column.name.clone(), kind: column.kind.unwrap_or(by_type) }
    };
    if wanted.is_empty() {
        let all: Vec<Feature> = contract.features().map(feature).collect();
        if all.is_empty() {
            return Err(Error::new("data.unusable", format!("contract `{}` has no feature columns", contract.name)));
        }
        return Ok(all);
    }
    wanted
        .iter()
        .map(|name| match contract.column(name) {
            Some(column) if contract.label().is_none_or(|label| label.name != *name) => Ok(feature(column)),
            Some(_) => Err(Error::new("data.unusable", format!("`{name}` is the label and cannot be a feature"))),
            None => {
                let known = contract.columns.iter().map(|column| column.name.as_str());
                let error =
                    Error::new("data.unusable", format!("feature `{name}` is no column of `{}`", contract.name));
                Err(match remuda_model::text::nearest(name, known) {
                    Some(near) => error.hint(format!("did you mean `{near}`?")),
                    None => error,
                })
            }
        })
        .collect()
}

/// Whether the label's values are classes.
pub(crate) fn has_classes(contract: &Contract, label: &Column) -> bool {
    match label.kind {
        Some(FeatureKind::Number) => false,
        Some(_) => true,
        None => !label.column_type.is_numeric() || contract.positive.is_some(),
    }
}

/// What is predicted, by the labels.
pub(crate) fn task_of(labels: &LabelSpace) -> Task {
    match labels {
        LabelSpace::Number => Task::Regression,
        LabelSpace::Classes(classes) if classes.len() == 2 => Task::Binary,
        LabelSpace::Classes(_) => Task::Multiclass,
    }
}

/// The class of a binary task that metrics mean: the contract's, else the second.
pub(crate) fn positive_of(contract: &Contract, labels: &LabelSpace) -> Option<String> {
    match labels.classes() {
        [first, second] => match &contract.positive {
            Some(positive) if positive == first => Some(first.clone()),
            _ => Some(second.clone()),
        },
        _ => None,
    }
}

/// Rows that have a label.
pub(crate) struct Examples {
    /// Their inputs.
    pub(crate) table: Table,
    /// Their labels.
    pub(crate) target: Target,
    /// Their places among all rows read.
    pub(crate) kept: Vec<usize>,
}

/// The rows that have a label, as inputs and target. With known `labels`, classes get their places there; a class
/// that is not among them gets a place behind the last, so that it counts as a mistake and is never lost.
pub(crate) fn examples(
    rows: &Rows,
    columns: &[(String, FeatureKind)],
    contract: &Contract,
    label: &Column,
    labels: Option<&LabelSpace>,
) -> Result<Examples> {
    let table = rows.table(columns)?;
    if !has_classes(contract, label) {
        let Values::Number(numbers) = rows.values(&label.name)? else {
            return Err(Error::new("data.unusable", format!("label `{}` is no number", label.name)));
        };
        let kept: Vec<usize> = (0..numbers.len()).filter(|row| numbers[*row].is_finite()).collect();
        let target = kept.iter().map(|row| numbers[*row]).collect();
        return Ok(Examples { table: table.take(&kept), target: Target::Number(target), kept });
    }
    let texts = rows.text(&label.name)?;
    let kept: Vec<usize> = (0..texts.codes.len()).filter(|row| texts.codes[*row] != MISSING).collect();
    let mut classes: Vec<String> = match labels {
        Some(labels) => labels.classes().to_vec(),
        None => ordered_classes(&texts, &kept, contract.positive.as_deref()),
    };
    let mut places: Vec<Option<u32>> = vec![None; texts.dictionary.len()];
    let mut index = Vec::with_capacity(kept.len());
    for row in &kept {
        let code = texts.codes[*row] as usize;
        let place = match places[code] {
            Some(place) => place,
            None => {
                let name = texts.dictionary[code].as_ref();
                let found = classes.iter().position(|class| class == name).unwrap_or_else(|| {
                    classes.push(name.to_owned());
                    classes.len() - 1
                });
                places[code] = Some(found as u32);
                found as u32
            }
        };
        index.push(place);
    }
    Ok(Examples { table: table.take(&kept), target: Target::Classes { labels: classes, index }, kept })
}

/// The classes that occur, in order of their names, the positive one last.
fn ordered_classes(texts: &remuda_model::table::Texts, kept: &[usize], positive: Option<&str>) -> Vec<String> {
    let mut present = vec![false; texts.dictionary.len()];
    for row in kept {
        present[texts.codes[*row] as usize] = true;
    }
    let mut classes: Vec<String> = texts
        .dictionary
        .iter()
        .zip(&present)
        .filter(|(_, present)| **present)
        .map(|(name, _)| name.to_string())
        .collect();
    classes.sort();
    if let Some(place) = positive.and_then(|positive| classes.iter().position(|class| class == positive)) {
        let positive = classes.remove(place);
        classes.push(positive);
    }
    classes
}
