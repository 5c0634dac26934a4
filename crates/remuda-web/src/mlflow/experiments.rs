//! Experiments.

use super::answer::{Answer, respond};
use super::fields::{Fields, invalid};
use super::{Call, Outcome, Routes, limits};
use axum::response::Response;
use axum::routing::{get, post};
use remuda_app::words::run::tracked::{Experiment, Stage};
use serde_json::{Value, json};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .at("/2.0/mlflow/experiments/create", post(create))
        .at("/2.0/mlflow/experiments/get", get(find))
        .at("/2.0/mlflow/experiments/get-by-name", get(find_by_name))
        .at("/2.0/mlflow/experiments/update", post(update))
        .at("/2.0/mlflow/experiments/delete", post(delete))
        .at("/2.0/mlflow/experiments/restore", post(restore))
        .at("/2.0/mlflow/experiments/set-experiment-tag", post(set_tag))
        .at("/2.0/mlflow/experiments/delete-experiment-tag", post(delete_tag))
}

/// An experiment as the protocol writes it.
pub(super) fn written(experiment: &Experiment) -> Value {
    let tags: Vec<Value> = experiment.tags.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect();
    json!({
        "experiment_id": experiment.id.to_string(),
        "name": experiment.name,
        "artifact_location": experiment.artifacts,
        "lifecycle_stage": experiment.stage.as_str(),
        "creation_time": experiment.created,
        "last_update_time": experiment.updated,
        "tags": tags,
    })
}

async fn create(call: Call, fields: Fields) -> Response {
    let work = async || -> Outcome {
        let name = fields.need("name")?;
        limits::experiment_name(&name)?;
        let artifacts = fields.text("artifact_location")?;
        if let Some(artifacts) = &artifacts {
            if artifacts.starts_with("runs:/") {
                return Err(invalid(format!("Artifact location cannot be a runs:/ URI. Given: '{artifacts}'")));
            }
            limits::within("artifact_location", artifacts, 2048)?;
            if artifacts.contains(['#', '?']) && !artifacts.starts_with("file:") {
                return Err(invalid(format!(
                    "Invalid artifact location '{artifacts}': URL can't include fragments or params"
                )));
            }
        }
        let tags = fields.pairs("tags")?;
        for (key, value) in &tags {
            limits::experiment_tag(key, value)?;
        }
        let id = call.tracking.create_experiment(&name, artifacts.as_deref(), tags).await?;
        Ok(json!({ "experiment_id": id.to_string() }).into())
    };
    respond(work().await)
}

async fn find(call: Call, fields: Fields) -> Response {
    let work = async || -> Outcome {
        let id = limits::experiment_id(&fields.need("experiment_id")?)?;
        let experiment = call.tracking.experiment(id).await?;
        Ok(json!({ "experiment": written(&experiment) }).into())
    };
    respond(work().await)
}

async fn find_by_name(call: Call, fields: Fields) -> Response {
    let work = async || -> Outcome {
        let experiment = call.tracking.experiment_named(&fields.need("experiment_name")?).await?;
        Ok(json!({ "experiment": written(&experiment) }).into())
    };
    respond(work().await)
}

async fn update(call: Call, fields: Fields) -> Response {
    let work = async || -> Outcome {
        let id = limits::experiment_id(&fields.need("experiment_id")?)?;
        let name = fields.need("new_name")?;
        limits::experiment_name(&name)?;
        call.tracking.rename_experiment(id, &name).await?;
        Ok(Answer::done())
    };
    respond(work().await)
}

async fn delete(call: Call, fields: Fields) -> Response {
    let work = async || -> Outcome {
        let id = limits::experiment_id(&fields.need("experiment_id")?)?;
        call.tracking.move_experiment(&call.context().await?, id, Stage::Deleted).await?;
        Ok(Answer::done())
    };
    respond(work().await)
}

async fn restore(call: Call, fields: Fields) -> Response {
    let work = async || -> Outcome {
        let id = limits::experiment_id(&fields.need("experiment_id")?)?;
        call.tracking.move_experiment(&call.context().await?, id, Stage::Active).await?;
        Ok(Answer::done())
    };
    respond(work().await)
}

async fn set_tag(call: Call, fields: Fields) -> Response {
    let work = async || -> Outcome {
        let id = limits::experiment_id(&fields.need("experiment_id")?)?;
        let (key, value) = (fields.need("key")?, fields.any_text("value")?.unwrap_or_default());
        limits::experiment_tag(&key, &value)?;
        call.tracking.tag_experiment(id, &key, &value).await?;
        Ok(Answer::done())
    };
    respond(work().await)
}

async fn delete_tag(call: Call, fields: Fields) -> Response {
    let work = async || -> Outcome {
        let id = limits::experiment_id(&fields.need("experiment_id")?)?;
        call.tracking.untag_experiment(id, &fields.need("key")?).await?;
        Ok(Answer::done())
    };
    respond(work().await)
}
