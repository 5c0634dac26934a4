//! Runs: created, read, ended, deleted, tagged; the datasets that they read.

use super::answer::{Answer, respond};
use super::fields::{Fields, invalid, missing, unfit};
use super::{Call, Outcome, Routes, deliver, limits};
use axum::response::Response;
use axum::routing::{get, post};
use remuda_app::Error;
use remuda_app::run::tracked::{Begin, Change};
use remuda_app::words::run::tracked::{Input, ModelUse, Stage, TrackedRun, TrackedStatus};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The tag of an input that says what it was read for.
const CONTEXT_TAG: &str = "mlflow.data.context";

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .at("/2.0/mlflow/runs/create", post(create))
        .at("/2.0/mlflow/runs/get", get(find))
        .at("/2.0/mlflow/runs/update", post(update))
        .at("/2.0/mlflow/runs/delete", post(delete))
        .at("/2.0/mlflow/runs/restore", post(restore))
        .at("/2.0/mlflow/runs/log-inputs", post(log_inputs))
        .at("/2.0/mlflow/runs/outputs", post(log_outputs))
        .at("/2.0/mlflow/experiments/search-datasets", post(search_datasets))
}

/// What the protocol calls the run's info.
pub(super) fn info(run: &TrackedRun) -> Value {
    let mut info = Map::new();
    info.insert("run_id".to_owned(), json!(run.id));
    info.insert("run_uuid".to_owned(), json!(run.id));
    info.insert("run_name".to_owned(), json!(run.name));
    info.insert("experiment_id".to_owned(), json!(run.experiment.to_string()));
    info.insert("user_id".to_owned(), json!(run.actor));
    info.insert("status".to_owned(), json!(run.status.as_str()));
    info.insert("start_time".to_owned(), json!(run.started));
    if let Some(ended) = run.ended {
        info.insert("end_time".to_owned(), json!(ended));
    }
    info.insert("artifact_uri".to_owned(), json!(run.artifacts));
    info.insert("lifecycle_stage".to_owned(), json!(run.stage.as_str()));
    Value::Object(info)
}

/// A number as the protocol writes it: JSON has no word for what is not a number.
pub(crate) fn number(value: Option<f64>) -> Value {
    value.map_or_else(|| json!("NaN"), |value| json!(value))
}

fn pairs(map: &BTreeMap<String, String>) -> Vec<Value> {
    map.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect()
}

/// A run with what it logged; `inputs` are the datasets that it read.
pub(super) fn written(run: &TrackedRun, inputs: &[Input]) -> Value {
    let metrics: Vec<Value> = run
        .document
        .metrics
        .iter()
        .map(|(key, latest)| {
            json!({
                "key": key, "value": number(latest.value), "timestamp": latest.time, "step": latest.step,
                "run_id": run.id,
            })
        })
        .collect();
    let mut data = Map::new();
    for (name, list) in
        [("metrics", metrics), ("params", pairs(&run.document.parameters)), ("tags", pairs(&run.document.tags))]
    {
        if !list.is_empty() {
            data.insert(name.to_owned(), Value::Array(list));
        }
    }
    let mut all = Map::new();
    all.insert("info".to_owned(), info(run));
    all.insert("data".to_owned(), Value::Object(data));
    all.insert("inputs".to_owned(), inputs_of(run, inputs));
    if !run.document.model_outputs.is_empty() {
        let models: Vec<Value> = run
            .document
            .model_outputs
            .iter()
            .map(|made| json!({ "model_id": made.model, "step": made.step }))
            .collect();
        all.insert("outputs".to_owned(), json!({ "model_outputs": models }));
    }
    Value::Object(all)
}

fn inputs_of(run: &TrackedRun, inputs: &[Input]) -> Value {
    let mut all = Map::new();
    let datasets: Vec<Value> = inputs.iter().map(input).collect();
    if !datasets.is_empty() {
        all.insert("dataset_inputs".to_owned(), Value::Array(datasets));
    }
    let models: Vec<Value> = run.document.model_inputs.iter().map(|read| json!({ "model_id": read.model })).collect();
    if !models.is_empty() {
        all.insert("model_inputs".to_owned(), Value::Array(models));
    }
    Value::Object(all)
}

fn input(input: &Input) -> Value {
    let mut dataset = json!({
        "name": input.name, "digest": input.digest, "source_type": input.source_type, "source": input.source,
    });
    if let Some(schema) = &input.schema {
        dataset["schema"] = json!(schema);
    }
    if let Some(profile) = &input.profile {
        dataset["profile"] = json!(profile);
    }
    json!({ "tags": pairs(&input.tags), "dataset": dataset })
}

/// The run's id, under its name of today or of old.
pub(super) fn run_id(fields: &Fields) -> Result<String, Error> {
    let id = match fields.text("run_id")? {
        Some(id) => id,
        None => fields.text("run_uuid")?.ok_or_else(|| missing("run_id"))?,
    };
    limits::run_id("run_id", &id)?;
    Ok(id)
}

async fn create(call: Call, fields: Fields) -> Response {
    let work = async || -> Outcome {
        let experiment = match fields.get("experiment_id") {
            Some(Value::Number(number)) => limits::experiment_id(&number.to_string())?,
            _ => fields.text("experiment_id")?.as_deref().map_or(Ok(0), limits::experiment_id)?,
        };
        let tags = fields.pairs("tags")?;
        for (place, (key, value)) in tags.iter().enumerate() {
            limits::tag(&format!("tags[{place}].key"), &format!("tags[{place}].value"), key, value)?;
        }
        let name = fields.text("run_name")?;
        let tagged = tags.iter().find(|(key, _)| key == remuda_app::run::tracked::NAME_TAG).map(|(_, value)| value);
        if let (Some(name), Some(tagged)) = (&name, tagged)
            && name != tagged
        {
            return Err(invalid(format!(
                "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values (run_name='{name}', mlflow.runName='{tagged}')."
            )));
        }
        let begin = Begin {
            experiment,
            name,
            user: fields.text("user_id")?,
            started: fields.integer("start_time")?.filter(|time| *time > 0),
            tags,
            id: call.given_id(&fields, deliver::RUN_ID)?,
        };
        let run = call.tracking.begin(&call.context().await?, begin).await?;
        Ok(json!({ "run": written(&run, &[]) }).into())
    };
    respond(work().await)
}

async fn find(call: Call, fields: Fields) -> Response {
    let work = async || -> Outcome {
        let run = call.tracking.run(&run_id(&fields)?).await?;
        let inputs = call.tracking.inputs(&[&run.id]).await?;
        let inputs: Vec<Input> = inputs.into_iter().map(|(_, input)| input).collect();
        Ok(json!({ "run": written(&run, &inputs) }).into())
    };
    respond(work().await)
}

async fn update(call: Call, fields: Fields) -> Response {
    let work = async || -> Outcome {
        let id = run_id(&fields)?;
        let status = fields.text("status")?.map(|word| {
            TrackedStatus::parse(&word).ok_or_else(|| {
                unfit("status", &Value::from(word.as_str()), "write RUNNING, SCHEDULED, FINISHED, FAILED or KILLED")
            })
        });
        let change = Change {
            name: fields.text("run_name")?,
            status: status.transpose()?,
            ended: fields.integer("end_time")?.filter(|time| *time > 0),
        };
        let run = call.tracking.change(&call.context().await?, &id, change).await?;
        Ok(json!({ "run_info": info(&run) }).into())
    };
    respond(work().await)
}

async fn delete(call: Call, fields: Fields) -> Response {
    moved(call, fields, Stage::Deleted).await
}

async fn restore(call: Call, fields: Fields) -> Response {
    moved(call, fields, Stage::Active).await
}

async fn moved(call: Call, fields: Fields, stage: Stage) -> Response {
    let work = async || -> Outcome {
        call.tracking.move_run(&call.context().await?, &run_id(&fields)?, stage).await?;
        Ok(Answer::done())
    };
    respond(work().await)
}

async fn log_inputs(call: Call, fields: Fields) -> Response {
    let work = async || -> Outcome {
        let id = run_id(&fields)?;
        let mut inputs = Vec::new();
        for (place, value) in fields.list("datasets")?.iter().enumerate() {
            inputs.push(read_input(&format!("datasets[{place}]"), value)?);
        }
        let models = model_uses(&fields, "models")?;
        call.tracking.add_inputs(&call.context().await?, &id, inputs, models, Vec::new()).await?;
        Ok(Answer::done())
    };
    respond(work().await)
}

async fn log_outputs(call: Call, fields: Fields) -> Response {
    let work = async || -> Outcome {
        let id = run_id(&fields)?;
        if fields.get("models").is_none() {
            return Err(missing("models"));
        }
        let models = model_uses(&fields, "models")?;
        call.tracking.add_inputs(&call.context().await?, &id, Vec::new(), Vec::new(), models).await?;
        Ok(Answer::done())
    };
    respond(work().await)
}

fn model_uses(fields: &Fields, name: &str) -> Result<Vec<ModelUse>, Error> {
    let mut uses = Vec::new();
    for (place, value) in fields.list(name)?.iter().enumerate() {
        let path = format!("{name}[{place}].model_id");
        let entry = Fields::of_object(value).ok_or_else(|| missing(&path))?;
        let model = entry.text("model_id")?.ok_or_else(|| missing(&path))?;
        uses.push(ModelUse { model, step: entry.integer("step")?.unwrap_or_default() });
    }
    Ok(uses)
}

fn read_input(path: &str, value: &Value) -> Result<Input, Error> {
    let entry = Fields::of_object(value).ok_or_else(|| missing(path))?;
    let dataset =
        entry.get("dataset").and_then(Fields::of_object).ok_or_else(|| missing(&format!("{path}.dataset")))?;
    let need = |name: &str| dataset.text(name)?.ok_or_else(|| missing(&format!("{path}.dataset.{name}")));
    let mut tags = BTreeMap::new();
    for (key, value) in entry.pairs("tags")? {
        limits::within("key", &key, 255)?;
        limits::within("value", &value, 500)?;
        tags.insert(key, value);
    }
    let input = Input {
        name: need("name")?,
        digest: need("digest")?,
        source_type: need("source_type")?,
        source: need("source")?,
        schema: dataset.text("schema")?,
        profile: dataset.text("profile")?,
        context: tags.get(CONTEXT_TAG).cloned().unwrap_or_default(),
        tags,
    };
    limits::within("name", &input.name, 500)?;
    limits::within("digest", &input.digest, 36)?;
    limits::within("source", &input.source, 65_535)?;
    limits::within("schema", input.schema.as_deref().unwrap_or_default(), 1_048_575)?;
    limits::within("profile", input.profile.as_deref().unwrap_or_default(), 16_777_215)?;
    Ok(input)
}

async fn search_datasets(call: Call, fields: Fields) -> Response {
    let work = async || -> Outcome {
        let ids = fields.texts("experiment_ids")?;
        if ids.is_empty() || ids.len() > 20 {
            let what = if ids.is_empty() {
                "must specify at least one experiment_id."
            } else {
                "cannot specify more than 20 experiment_ids."
            };
            return Err(invalid(format!("SearchDatasets request {what} Received {} experiment_ids.", ids.len())));
        }
        let ids = ids.iter().map(|id| limits::experiment_id(id)).collect::<Result<Vec<i64>, Error>>()?;
        let found: Vec<Value> = call
            .tracking
            .datasets_of(&ids)
            .await?
            .into_iter()
            .map(|(experiment, name, digest, context)| {
                let mut summary = json!({ "experiment_id": experiment.to_string(), "name": name, "digest": digest });
                if !context.is_empty() {
                    summary["context"] = json!(context);
                }
                summary
            })
            .collect();
        Ok(json!({ "dataset_summaries": found }).into())
    };
    respond(work().await)
}
