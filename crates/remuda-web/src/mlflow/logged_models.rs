//! Logged models: made, finished, tagged, found.

use super::answer::{Answer, refuse, respond};
use super::fields::{Fields, invalid, missing, unfit, wrong_type};
use super::files::{Manner, file_under};
use super::runs::number;
use super::{Call, Outcome, Routes, limits, places};
use axum::extract::Path;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{delete, get, patch, post};
use remuda_app::Error;
use remuda_app::run::tracked::{LoggedChange, LoggedOrder, LoggedSearch, MakeLogged};
use remuda_app::words::model::filter::{LOGGED, ModelKey, attribute, logged};
use remuda_app::words::model::logged::{LoggedModel, LoggedStatus, ModelPoint};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Models on a page, and at most.
const MODELS: (usize, usize) = (100, 50_000);
/// Characters of a key of a tag or parameter.
const KEY: usize = 255;
/// Characters of its value.
const VALUE: usize = 100_000;

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .at("/2.0/mlflow/logged-models", post(create))
        .at("/2.0/mlflow/logged-models/search", post(search))
        .at("/2.0/mlflow/logged-models/{id}", get(find).patch(finish).delete(remove))
        .at("/2.0/mlflow/logged-models/{id}/tags", patch(set_tags))
        .at("/2.0/mlflow/logged-models/{id}/tags/{key}", delete(remove_tag))
        .at("/2.0/mlflow/logged-models/{id}/params", post(add_parameters))
        .at("/2.0/mlflow/logged-models/{id}/artifacts/directories", get(list_artifacts))
        .at("/2.0/mlflow/logged-models/{id}/artifacts/files", get(artifact))
}

/// A logged model as the protocol writes it.
fn written(model: &LoggedModel) -> Value {
    let pairs = |map: &BTreeMap<String, String>| -> Vec<Value> {
        map.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect()
    };
    let mut info = json!({
        "experiment_id": model.experiment.to_string(),
        "model_id": model.id,
        "name": model.name,
        "artifact_uri": model.artifacts,
        "creation_timestamp_ms": model.created,
        "last_updated_timestamp_ms": model.updated,
        "status": status_word(model.status),
        "model_type": model.kind.clone().unwrap_or_default(),
        "source_run_id": model.source_run.clone().unwrap_or_default(),
    });
    if !model.tags.is_empty() {
        info["tags"] = Value::from(pairs(&model.tags));
    }
    let mut data = Map::new();
    if !model.parameters.is_empty() {
        data.insert("params".to_owned(), Value::from(pairs(&model.parameters)));
    }
    if !model.points.is_empty() {
        data.insert("metrics".to_owned(), model.points.iter().map(point).collect());
    }
    json!({ "info": info, "data": data })
}

fn point(logged: &ModelPoint) -> Value {
    let mut written = json!({
        "key": logged.point.key,
        "value": number(logged.point.value),
        "timestamp": logged.point.time,
        "step": logged.point.step,
        "model_id": logged.model,
        "run_id": logged.run,
    });
    if let Some((name, digest)) = &logged.dataset {
        written["dataset_name"] = json!(name);
        written["dataset_digest"] = json!(digest);
    }
    written
}

fn status_word(status: LoggedStatus) -> &'static str {
    match status {
        LoggedStatus::Pending => "LOGGED_MODEL_PENDING",
        LoggedStatus::Ready => "LOGGED_MODEL_READY",
        LoggedStatus::Failed => "LOGGED_MODEL_UPLOAD_FAILED",
    }
}

/// A model's name may become part of an address.
fn check_name(name: &str) -> Result<(), Error> {
    const BAD: [char; 6] = ['/', ':', '.', '%', '"', '\''];
    if name.is_empty() || name.contains(BAD) {
        return Err(invalid(format!(
            "Invalid model name ('{name}') provided. Model name must be a non-empty string and cannot contain the \
             following characters: ('/', ':', '.', '%', '\"', \"'\")"
        )));
    }
    limits::within("name", name, 500)
}

fn pairs(fields: &Fields, name: &str) -> Result<BTreeMap<String, String>, Error> {
    let pairs = fields.pairs(name)?;
    for (place, (key, value)) in pairs.iter().enumerate() {
        limits::within(&format!("{name}[{place}].key"), key, KEY)?;
        limits::within(&format!("{name}[{place}].value"), value, VALUE)?;
    }
    Ok(pairs.into_iter().collect())
}

async fn create(call: Call, fields: Fields) -> Response {
    let work = async || -> Outcome {
        let experiment = limits::experiment_id(&fields.need("experiment_id")?)?;
        let name = fields.text("name")?;
        name.as_deref().map_or(Ok(()), check_name)?;
        let make = MakeLogged {
            experiment,
            name,
            kind: fields.text("model_type")?,
            source_run: fields.text("source_run_id")?,
            parameters: pairs(&fields, "params")?,
            tags: pairs(&fields, "tags")?,
        };
        let model = call.tracking.make_logged(&call.context().await?, make).await?;
        Ok(json!({ "model": written(&model) }).into())
    };
    respond(work().await)
}

async fn find(call: Call, Path(id): Path<String>, fields: Fields) -> Response {
    let work = async || -> Outcome {
        let deleted = fields.flag("allow_deleted")?.unwrap_or_default();
        Ok(json!({ "model": written(&call.tracking.logged(&id, deleted).await?) }).into())
    };
    respond(work().await)
}

async fn finish(call: Call, Path(id): Path<String>, fields: Fields) -> Response {
    let work = async || -> Outcome {
        let status = read_status(fields.get("status").ok_or_else(|| missing("status"))?)?;
        call.tracking.change_logged(&id, LoggedChange::Status(status)).await?;
        Ok(json!({ "model": written(&call.tracking.logged(&id, true).await?) }).into())
    };
    respond(work().await)
}

/// A status by its name or its number.
fn read_status(value: &Value) -> Result<LoggedStatus, Error> {
    let numbered = value.as_u64().or_else(|| value.as_str()?.parse().ok()).and_then(|number| {
        let place = usize::try_from(number).ok()?.checked_sub(1)?;
        LoggedStatus::ALL.get(place).copied()
    });
    let named =
        value.as_str().and_then(|word| LoggedStatus::ALL.into_iter().find(|status| status_word(*status) == word));
    numbered.or(named).ok_or_else(|| {
        unfit("status", value, "write LOGGED_MODEL_PENDING, LOGGED_MODEL_READY or LOGGED_MODEL_UPLOAD_FAILED")
    })
}

async fn remove(call: Call, Path(id): Path<String>) -> Response {
    let work = async || -> Outcome {
        call.tracking.delete_logged(&call.context().await?, &id).await?;
        Ok(Answer::done())
    };
    respond(work().await)
}

async fn set_tags(call: Call, Path(id): Path<String>, fields: Fields) -> Response {
    let work = async || -> Outcome {
        let tags = pairs(&fields, "tags")?;
        call.tracking.change_logged(&id, LoggedChange::SetTags(tags)).await?;
        Ok(Answer::done())
    };
    respond(work().await)
}

async fn remove_tag(call: Call, Path((id, key)): Path<(String, String)>) -> Response {
    let work = async || -> Outcome {
        call.tracking.change_logged(&id, LoggedChange::RemoveTag(key)).await?;
        Ok(Answer::done())
    };
    respond(work().await)
}

async fn add_parameters(call: Call, Path(id): Path<String>, fields: Fields) -> Response {
    let work = async || -> Outcome {
        let parameters = pairs(&fields, "params")?;
        call.tracking.change_logged(&id, LoggedChange::AddParameters(parameters)).await?;
        Ok(Answer::done())
    };
    respond(work().await)
}

async fn list_artifacts(call: Call, Path(id): Path<String>, fields: Fields) -> Response {
    let work = async || -> Outcome {
        let below = fields.text("artifact_directory_path")?;
        super::files::path(below.as_deref().unwrap_or_default())?;
        let model = call.tracking.logged(&id, false).await?;
        super::artifacts::listing(&call, &model.artifacts, below.as_deref()).await
    };
    respond(work().await)
}

async fn artifact(call: Call, Path(id): Path<String>, headers: HeaderMap, fields: Fields) -> Response {
    let work = async || {
        let below = fields.need("artifact_file_path")?;
        super::files::path(&below)?;
        let model = call.tracking.logged(&id, false).await?;
        file_under(&call, &model.artifacts, &below, &headers, Manner::Saved).await
    };
    work().await.unwrap_or_else(|error| refuse(&error))
}

async fn search(call: Call, fields: Fields) -> Response {
    let work = async || -> Outcome {
        let limit = fields.limit("max_results", MODELS.0, MODELS.1)?;
        let ids = fields.texts("experiment_ids")?;
        if ids.is_empty() {
            return Err(missing("experiment_ids"));
        }
        let experiments = ids.iter().map(|id| limits::experiment_id(id)).collect::<Result<Vec<i64>, Error>>()?;
        let text = fields.text("filter")?.unwrap_or_default();
        let filter = logged(&text).map_err(|error| super::registry::unreadable(&text, &error))?;
        let datasets = fields.list("datasets")?.iter().map(read_dataset).collect::<Result<Vec<_>, Error>>()?;
        let orders = fields.list("order_by")?;
        let order = orders.iter().map(read_order).collect::<Result<Vec<LoggedOrder>, Error>>()?;
        let mark = places::mark(&[&ids.join(","), &text, &Value::from(orders).to_string()]);
        let after = fields.text("page_token")?.map(|token| places::read(&token, &mark)).transpose()?;
        let search = LoggedSearch {
            experiments: &experiments,
            filter: &filter,
            datasets: &datasets,
            order: &order,
            after: after.as_ref(),
            limit,
        };
        let found = call.tracking.search_logged(&search).await?;
        let mut answer = Map::new();
        if !found.models.is_empty() {
            answer.insert("models".to_owned(), found.models.iter().map(written).collect());
        }
        if let Some(last) = &found.last {
            answer.insert("next_page_token".to_owned(), Value::from(places::write(last, &mark)));
        }
        Ok(Value::Object(answer).into())
    };
    respond(work().await)
}

fn read_dataset(value: &Value) -> Result<(String, Option<String>), Error> {
    let dataset = Fields::of_object(value).ok_or_else(|| wrong_type("datasets", value))?;
    let name = dataset.text("dataset_name")?;
    let name = name.ok_or_else(|| invalid("`dataset_name` in the `datasets` clause must be specified."))?;
    Ok((name, dataset.text("dataset_digest")?))
}

fn read_order(value: &Value) -> Result<LoggedOrder, Error> {
    let clause = Fields::of_object(value).ok_or_else(|| wrong_type("order_by", value))?;
    let field = clause.need("field_name")?;
    let key = match field.split_once('.') {
        None => {
            let known = attribute(&LOGGED, &field).map(ModelKey::Attribute);
            known.ok_or_else(|| invalid(format!("Invalid order by field name: {field}")))?
        }
        Some(("metrics", name)) => ModelKey::Metric(name.trim_matches('`').to_owned()),
        Some(_) => {
            return Err(invalid(format!("Invalid order by field name: {field}. Only metrics are supported.")));
        }
    };
    let (dataset, digest) = (clause.text("dataset_name")?, clause.text("dataset_digest")?);
    Ok(LoggedOrder { key, descending: !clause.flag("ascending")?.unwrap_or(true), dataset, digest })
}
