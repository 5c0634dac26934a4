//! Registered models and their aliases.

use super::super::answer::{Answer, respond};
use super::super::fields::Fields;
use super::super::{Call, Outcome, Routes, limits};
use super::{found, model, names, order, page, unreadable, version};
use axum::response::Response;
use axum::routing::{delete, get, patch, post};
use remuda_app::model::registry::RegistrySearch;
use remuda_app::words::model::filter::{REGISTERED, registered};
use serde_json::json;

/// Models on a page, and at most.
const MODELS: (usize, usize) = (100, 1000);
/// Characters of a description.
pub(super) const DESCRIPTION: usize = 100_000;

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .at("/2.0/mlflow/registered-models/create", post(create))
        .at("/2.0/mlflow/registered-models/get", get(find))
        .at("/2.0/mlflow/registered-models/rename", post(rename))
        .at("/2.0/mlflow/registered-models/update", patch(update))
        .at("/2.0/mlflow/registered-models/delete", delete(remove))
        .at("/2.0/mlflow/registered-models/search", get(search))
        .at("/2.0/mlflow/registered-models/set-tag", post(set_tag))
        .at("/2.0/mlflow/registered-models/delete-tag", delete(remove_tag))
        .at("/2.0/mlflow/registered-models/alias", post(set_alias).delete(remove_alias).get(by_alias))
}

async fn create(call: Call, fields: Fields) -> Response {
    let work = async || -> Outcome {
        call.need_member().await?;
        let name = names::model(&fields, "name")?;
        let tags = fields.pairs("tags")?;
        tags.iter().try_for_each(|(key, value)| names::tag(key, value))?;
        let description = fields.text("description")?;
        limits::within("description", description.as_deref().unwrap_or_default(), DESCRIPTION)?;
        let made = call.tracking.make_registered(&name, description, tags.into_iter().collect()).await?;
        Ok(json!({ "registered_model": model(&made) }).into())
    };
    respond(work().await)
}

async fn find(call: Call, fields: Fields) -> Response {
    let work = async || -> Outcome {
        let known = call.tracking.registered(&names::model(&fields, "name")?).await?;
        Ok(json!({ "registered_model": model(&known) }).into())
    };
    respond(work().await)
}

async fn rename(call: Call, fields: Fields) -> Response {
    let work = async || -> Outcome {
        call.need_member().await?;
        let (name, new) = (names::model(&fields, "name")?, names::model(&fields, "new_name")?);
        let renamed = call.tracking.rename_registered(&call.context().await?, &name, &new).await?;
        Ok(json!({ "registered_model": model(&renamed) }).into())
    };
    respond(work().await)
}

async fn update(call: Call, fields: Fields) -> Response {
    let work = async || -> Outcome {
        call.need_member().await?;
        let name = names::model(&fields, "name")?;
        let description = fields.any_text("description")?;
        limits::within("description", description.as_deref().unwrap_or_default(), DESCRIPTION)?;
        let known = call.tracking.describe_registered(&name, description).await?;
        Ok(json!({ "registered_model": model(&known) }).into())
    };
    respond(work().await)
}

async fn remove(call: Call, fields: Fields) -> Response {
    let work = async || -> Outcome {
        call.need_member().await?;
        let name = names::model(&fields, "name")?;
        call.tracking.delete_registered(&call.context().await?, &name).await?;
        Ok(Answer::done())
    };
    respond(work().await)
}

async fn search(call: Call, fields: Fields) -> Response {
    let work = async || -> Outcome {
        let limit = fields.limit("max_results", MODELS.0, MODELS.1)?;
        let text = fields.text("filter")?.unwrap_or_default();
        let filter = registered(&text).map_err(|error| unreadable(&text, &error))?;
        let order = order(&fields, &REGISTERED)?;
        let (after, mark) = page(&fields, "models")?;
        let search = RegistrySearch { filter: &filter, order: &order, after: after.as_ref(), limit };
        let (all, last) = call.tracking.search_registered(&search).await?;
        Ok(found("registered_models", all.iter().map(model).collect(), last.as_ref(), &mark).into())
    };
    respond(work().await)
}

async fn set_tag(call: Call, fields: Fields) -> Response {
    let work = async || -> Outcome {
        call.need_member().await?;
        let name = names::model(&fields, "name")?;
        let (key, value) = (fields.need("key")?, fields.any_text("value")?.unwrap_or_default());
        names::tag(&key, &value)?;
        call.tracking.tag_registered(&name, key, value).await?;
        Ok(Answer::done())
    };
    respond(work().await)
}

async fn remove_tag(call: Call, fields: Fields) -> Response {
    let work = async || -> Outcome {
        call.need_member().await?;
        let name = names::model(&fields, "name")?;
        call.tracking.untag_registered(&name, names::key(&fields)?).await?;
        Ok(Answer::done())
    };
    respond(work().await)
}

async fn set_alias(call: Call, fields: Fields) -> Response {
    let work = async || -> Outcome {
        call.need_member().await?;
        let (name, alias) = (names::model(&fields, "name")?, names::new_alias(&fields)?);
        let number = names::version(&fields)?;
        call.tracking.set_alias(&call.context().await?, &name, &alias, number).await?;
        Ok(Answer::done())
    };
    respond(work().await)
}

async fn remove_alias(call: Call, fields: Fields) -> Response {
    let work = async || -> Outcome {
        call.need_member().await?;
        let (name, alias) = (names::model(&fields, "name")?, names::alias(&fields)?);
        call.tracking.remove_alias(&call.context().await?, &name, &alias).await?;
        Ok(Answer::done())
    };
    respond(work().await)
}

async fn by_alias(call: Call, fields: Fields) -> Response {
    let work = async || -> Outcome {
        let (name, alias) = (names::model(&fields, "name")?, names::alias(&fields)?);
        let pointed = call.tracking.version_by_alias(&name, &alias).await?;
        Ok(json!({ "model_version": version(&pointed) }).into())
    };
    respond(work().await)
}
