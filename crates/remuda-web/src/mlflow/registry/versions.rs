//! Versions of registered models and their stages.

use super::super::answer::{Answer, refuse, respond};
use super::super::fields::{Fields, invalid, unfit};
use super::super::files::{Manner, file_under};
use super::super::{Call, Outcome, Routes, limits};
use super::models::DESCRIPTION;
use super::{found, names, order, page, unreadable, version};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{delete, get, patch, post};
use remuda_app::model::registry::{Register, RegistrySearch, Source, read_stage};
use remuda_app::words::model::filter::{VERSIONS, attribute, versions};
use remuda_app::words::model::registered::VersionStage;
use serde_json::{Value, json};

/// Versions on a page, and at most.
const VERSIONS_FOUND: (usize, usize) = (10_000, 200_000);

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .at("/2.0/mlflow/model-versions/create", post(create))
        .at("/2.0/mlflow/model-versions/get", get(find))
        .at("/2.0/mlflow/model-versions/update", patch(update))
        .at("/2.0/mlflow/model-versions/delete", delete(remove))
        .at("/2.0/mlflow/model-versions/search", get(search))
        .at("/2.0/mlflow/model-versions/set-tag", post(set_tag))
        .at("/2.0/mlflow/model-versions/delete-tag", delete(remove_tag))
        .at("/2.0/mlflow/model-versions/transition-stage", post(transition))
        .at("/2.0/mlflow/model-versions/get-download-uri", get(download_uri))
        .plain("/model-versions/get-artifact", get(artifact))
        .at("/2.0/mlflow/registered-models/get-latest-versions", get(latest).post(latest))
}

async fn create(call: Call, fields: Fields) -> Response {
    let work = async || -> Outcome {
        call.need_member().await?;
        let name = names::model(&fields, "name")?;
        let source = Source {
            uri: fields.need("source")?,
            run: fields.any_text("run_id")?,
            logged: fields.any_text("model_id")?,
        };
        limits::within("source", &source.uri, 5000)?;
        let tags = fields.pairs("tags")?;
        tags.iter().try_for_each(|(key, value)| names::tag(key, value))?;
        let description = fields.text("description")?;
        limits::within("description", description.as_deref().unwrap_or_default(), DESCRIPTION)?;
        let run_link = fields.text("run_link")?;
        limits::within("run_link", run_link.as_deref().unwrap_or_default(), 5000)?;
        let register = Register { name, source, run_link, description, tags: tags.into_iter().collect() };
        let made = call.tracking.register(&call.context().await?, register).await?;
        Ok(json!({ "model_version": version(&made) }).into())
    };
    respond(work().await)
}

async fn find(call: Call, fields: Fields) -> Response {
    let work = async || -> Outcome {
        let (name, number) = (names::model(&fields, "name")?, names::version(&fields)?);
        Ok(json!({ "model_version": version(&call.tracking.version(&name, number).await?) }).into())
    };
    respond(work().await)
}

async fn update(call: Call, fields: Fields) -> Response {
    let work = async || -> Outcome {
        call.need_member().await?;
        let (name, number) = (names::model(&fields, "name")?, names::version(&fields)?);
        let description = fields.any_text("description")?;
        limits::within("description", description.as_deref().unwrap_or_default(), DESCRIPTION)?;
        let known = call.tracking.describe_version(&name, number, description).await?;
        Ok(json!({ "model_version": version(&known) }).into())
    };
    respond(work().await)
}

async fn remove(call: Call, fields: Fields) -> Response {
    let work = async || -> Outcome {
        call.need_member().await?;
        let (name, number) = (names::model(&fields, "name")?, names::version(&fields)?);
        call.tracking.delete_version(&call.context().await?, &name, number).await?;
        Ok(Answer::done())
    };
    respond(work().await)
}

async fn search(call: Call, fields: Fields) -> Response {
    let work = async || -> Outcome {
        let limit = fields.limit("max_results", VERSIONS_FOUND.0, VERSIONS_FOUND.1)?;
        let text = fields.text("filter")?.unwrap_or_default();
        let filter = versions(&text).map_err(|error| unreadable(&text, &error))?;
        let mut order = order(&fields, &VERSIONS)?;
        if order.is_empty() {
            order.extend(attribute(&VERSIONS, "last_updated_timestamp").map(|updated| (updated, true)));
        }
        let (after, mark) = page(&fields, "versions")?;
        let search = RegistrySearch { filter: &filter, order: &order, after: after.as_ref(), limit };
        let (all, last) = call.tracking.search_versions(&search).await?;
        Ok(found("model_versions", all.iter().map(version).collect(), last.as_ref(), &mark).into())
    };
    respond(work().await)
}

async fn set_tag(call: Call, fields: Fields) -> Response {
    let work = async || -> Outcome {
        call.need_member().await?;
        let (name, number) = (names::model(&fields, "name")?, names::version(&fields)?);
        let (key, value) = (fields.need("key")?, fields.any_text("value")?.unwrap_or_default());
        names::tag(&key, &value)?;
        call.tracking.tag_version(&name, number, key, value).await?;
        Ok(Answer::done())
    };
    respond(work().await)
}

async fn remove_tag(call: Call, fields: Fields) -> Response {
    let work = async || -> Outcome {
        call.need_member().await?;
        let (name, number) = (names::model(&fields, "name")?, names::version(&fields)?);
        call.tracking.untag_version(&name, number, names::key(&fields)?).await?;
        Ok(Answer::done())
    };
    respond(work().await)
}

async fn transition(call: Call, fields: Fields) -> Response {
    let work = async || -> Outcome {
        call.need_member().await?;
        let (name, number) = (names::model(&fields, "name")?, names::version(&fields)?);
        let word = fields.need("stage")?;
        let stage = read_stage(&word)?;
        let archive = match fields.get("archive_existing_versions") {
            Some(Value::Bool(_) | Value::String(_)) | None => {
                fields.flag("archive_existing_versions")?.unwrap_or_default()
            }
            Some(other) => return Err(unfit("archive_existing_versions", other, "write true or false")),
        };
        if archive && !stage.is_active() {
            return Err(invalid(format!(
                "Model version transition cannot archive existing model versions because '{word}' is not an Active \
                 stage. Valid stages are ['{}', '{}']",
                VersionStage::Staging.as_str(),
                VersionStage::Production.as_str()
            )));
        }
        let moved = call.tracking.move_to_stage(&call.context().await?, &name, number, stage, archive).await?;
        Ok(json!({ "model_version": version(&moved) }).into())
    };
    respond(work().await)
}

async fn download_uri(call: Call, fields: Fields) -> Response {
    let work = async || -> Outcome {
        let (name, number) = (names::model(&fields, "name")?, names::version(&fields)?);
        Ok(json!({ "artifact_uri": call.tracking.version(&name, number).await?.storage }).into())
    };
    respond(work().await)
}

async fn artifact(call: Call, headers: HeaderMap, fields: Fields) -> Response {
    let work = async || {
        let (name, number) = (names::model(&fields, "name")?, names::version(&fields)?);
        let below = fields.need("path")?;
        let storage = call.tracking.version(&name, number).await?.storage;
        file_under(&call, &storage, &below, &headers, Manner::Saved).await
    };
    work().await.unwrap_or_else(|error| refuse(&error))
}

async fn latest(call: Call, fields: Fields) -> Response {
    let work = async || -> Outcome {
        let name = names::model(&fields, "name")?;
        let stages = fields.texts("stages")?.iter().map(|word| read_stage(word)).collect::<Result<Vec<_>, _>>()?;
        let latest = call.tracking.latest_versions(&name, &stages).await?;
        Ok(found("model_versions", latest.iter().map(version).collect(), None, "").into())
    };
    respond(work().await)
}
