//! Traces: spans as OpenTelemetry sends them, and what MLflow's clients say and ask about them.
//!
//! - `otlp.rs`: OpenTelemetry's messages; `ingest.rs`: spans on their way in
//! - `words.rs`: traces and assessments as the protocol writes them; `assess.rs`: the routes of assessments

mod assess;
mod ingest;
mod otlp;
mod words;

use super::answer::{Answer, respond};
use super::fields::{Fields, invalid, missing, unfit};
use super::{Call, Outcome, Routes, limits};
use axum::extract::Path;
use axum::response::Response;
use axum::routing::{delete, get, patch, post};
use prost::Message as _;
use remuda_app::Error;
use remuda_app::run::tracked::TraceSearch;
use remuda_app::words::run::trace::{Trace, TraceKey, parse_filter, parse_order};
use serde_json::{Value, json};
use words::Written;

/// Traces on a page, and at most.
const PAGE: (usize, usize) = (100, 500);
/// Traces that are asked for by id at once.
const BATCH: usize = 1000;

pub(super) fn routes(routes: Routes) -> Routes {
    let mut routes = routes.plain("/v1/traces", post(ingest::export));
    for version in ["/2.0", "/3.0"] {
        let at = |path: &str| format!("{version}/mlflow/traces{path}");
        routes = routes
            .at(&at("/{id}/tags"), patch(set_tag).delete(delete_tag))
            .at(&at("/delete-traces"), post(delete_traces));
    }
    let at = |path: &str| format!("/3.0/mlflow/traces{path}");
    routes
        .at("/3.0/mlflow/traces", post(tell))
        .at(&at("/search"), post(search))
        .at(&at("/get"), get(whole))
        .at(&at("/batchGet"), get(batch))
        .at(&at("/batchGetInfos"), get(batch_infos).post(batch_infos))
        .at(&at("/{id}"), get(info))
        .at(&at("/{id}/assessments"), post(assess::create))
        .at(&at("/{id}/assessments/{assessment}"), get(assess::find).patch(assess::update).delete(assess::remove))
        .at("/2.0/mlflow/traces/{id}/info", get(info))
        .plain("/ajax-api/2.0/mlflow/get-trace-artifact", get(spans_as_file))
        .plain("/ajax-api/3.0/mlflow/get-trace-artifact", get(spans_as_file))
        .at(&at("/{id}/tags/{key}"), delete(delete_tag_named))
}

async fn tell(call: Call, fields: Fields) -> Response {
    let work = async || -> Outcome {
        let trace = fields.get("trace").ok_or_else(|| missing("trace"))?;
        let info =
            trace.get("trace_info").filter(|info| info.is_object()).ok_or_else(|| missing("trace.trace_info"))?;
        let (mut trace, assessments) = words::read_trace(&call, info)?;
        if trace.id.is_empty() {
            return Err(missing("trace.trace_info.trace_id"));
        }
        if trace.name.is_empty() {
            trace.name = trace.document.tags.get(words::NAME_TAG).cloned().unwrap_or_default();
        }
        let trace = call.tracking.tell_trace(trace, assessments).await?;
        let written = Written::of(&call, std::slice::from_ref(&trace)).await?;
        Ok(json!({ "trace": { "trace_info": written.info(&trace) } }).into())
    };
    respond(work().await)
}

async fn info(call: Call, Path(id): Path<String>) -> Response {
    let work = async || -> Outcome {
        let trace = call.tracking.trace(&id).await?;
        let written = Written::of(&call, std::slice::from_ref(&trace)).await?;
        Ok(json!({ "trace": { "trace_info": written.info(&trace) } }).into())
    };
    respond(work().await)
}

async fn whole(call: Call, fields: Fields) -> Response {
    let work = async || -> Outcome {
        let trace = call.tracking.trace(&fields.need("trace_id")?).await?;
        let written = Written::of(&call, std::slice::from_ref(&trace)).await?;
        Ok(json!({ "trace": { "trace_info": written.info(&trace), "spans": spans(&call, &trace.id).await? } }).into())
    };
    respond(work().await)
}

/// The spans of a trace as protobuf's JSON.
async fn spans(call: &Call, trace: &str) -> Result<Value, Error> {
    let mut all = Vec::new();
    for span in call.tracking.spans(trace).await? {
        let span = otlp::Span::decode(span.content.as_slice())
            .map_err(|error| Error::new("internal", "a span that was kept cannot be read").caused_by(&error))?;
        all.push(span.json());
    }
    Ok(Value::Array(all))
}

async fn asked(call: &Call, fields: &Fields) -> Result<Vec<Trace>, Error> {
    let ids = fields.texts("trace_ids")?;
    if ids.is_empty() {
        return Err(missing("trace_ids"));
    }
    if ids.len() > BATCH {
        return Err(unfit("trace_ids", &Value::from(ids.len()), &format!("at most {BATCH} can be asked for at once")));
    }
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let mut found = call.tracking.traces(&ids).await?;
    if fields.get("experiment_ids").is_some() {
        let wanted = fields.texts("experiment_ids")?;
        found.retain(|trace| wanted.contains(&trace.experiment.to_string()));
    }
    Ok(found)
}

async fn batch(call: Call, fields: Fields) -> Response {
    let work = async || -> Outcome {
        let found = asked(&call, &fields).await?;
        let written = Written::of(&call, &found).await?;
        let mut traces = Vec::with_capacity(found.len());
        for trace in &found {
            traces.push(json!({ "trace_info": written.info(trace), "spans": spans(&call, &trace.id).await? }));
        }
        Ok(json!({ "traces": traces }).into())
    };
    respond(work().await)
}

async fn batch_infos(call: Call, fields: Fields) -> Response {
    let work = async || -> Outcome {
        let found = asked(&call, &fields).await?;
        let written = Written::of(&call, &found).await?;
        let infos: Vec<Value> = found.iter().map(|trace| written.info(trace)).collect();
        Ok(json!({ "trace_infos": infos }).into())
    };
    respond(work().await)
}

async fn search(call: Call, fields: Fields) -> Response {
    let work = async || -> Outcome {
        let limit = fields.limit("max_results", PAGE.0, PAGE.1)?;
        let mut experiments = Vec::new();
        if fields.get("locations").is_none() && fields.get("experiment_ids").is_none() {
            return Err(missing("locations"));
        }
        for location in fields.list("locations")? {
            let id = location["mlflow_experiment"]["experiment_id"].as_str();
            experiments.push(limits::experiment_id(id.ok_or_else(|| missing("locations"))?)?);
        }
        for id in fields.texts("experiment_ids")? {
            experiments.push(limits::experiment_id(&id)?);
        }
        let filter = fields.text("filter")?.unwrap_or_default();
        let filter = parse_filter(&filter).map_err(|why| invalid(format!("Invalid filter string: {why}")))?;
        let mut order: Vec<(TraceKey, bool)> = Vec::new();
        for one in fields.texts("order_by")? {
            order.push(parse_order(&one).map_err(|why| invalid(format!("Invalid order_by clause '{one}': {why}")))?);
        }
        let after = match fields.text("page_token")? {
            None => 0,
            Some(token) => token.parse().map_err(|_| invalid("Invalid page token, could not parse it"))?,
        };
        let search = TraceSearch { experiments: &experiments, filter: &filter, order: &order, after, limit };
        let found = call.tracking.search_traces(search).await?;
        let written = Written::of(&call, &found.traces).await?;
        let traces: Vec<Value> = found.traces.iter().map(|trace| written.info(trace)).collect();
        let mut answer = json!({ "traces": traces });
        if let Some(next) = found.next {
            answer["next_page_token"] = json!(next.to_string());
        }
        Ok(answer.into())
    };
    respond(work().await)
}

async fn set_tag(call: Call, Path(id): Path<String>, fields: Fields) -> Response {
    let work = async || -> Outcome {
        let (key, value) = (fields.need("key")?, fields.any_text("value")?.unwrap_or_default());
        limits::within("key", &key, limits::KEY)?;
        limits::within("value", &value, limits::TAG)?;
        call.tracking.tag_trace(&id, &key, &value).await?;
        Ok(Answer::done())
    };
    respond(work().await)
}

async fn delete_tag(call: Call, Path(id): Path<String>, fields: Fields) -> Response {
    let work = async || -> Outcome {
        call.tracking.untag_trace(&id, &fields.need("key")?).await?;
        Ok(Answer::done())
    };
    respond(work().await)
}

async fn delete_tag_named(call: Call, Path((id, key)): Path<(String, String)>) -> Response {
    let work = async || -> Outcome {
        call.tracking.untag_trace(&id, &key).await?;
        Ok(Answer::done())
    };
    respond(work().await)
}

async fn delete_traces(call: Call, fields: Fields) -> Response {
    let work = async || -> Outcome {
        let experiment = limits::experiment_id(&fields.need("experiment_id")?)?;
        let ids = fields.texts("request_ids")?;
        let until = fields.integer("max_timestamp_millis")?;
        let most = fields.integer("max_traces")?;
        if ids.is_empty() == until.is_none() {
            return Err(invalid("Exactly one of `max_timestamp_millis` and `trace_ids` must be specified."));
        }
        if !ids.is_empty() && most.is_some() {
            return Err(invalid("`max_traces` can't be specified if `trace_ids` is specified."));
        }
        if most.is_some_and(|most| most <= 0) {
            return Err(invalid(format!(
                "`max_traces` must be a positive integer, received {}.",
                most.unwrap_or_default()
            )));
        }
        let ids = (!ids.is_empty()).then_some(ids);
        let until = until.unwrap_or(i64::MAX);
        let deleted = call.tracking.delete_traces(experiment, ids, until, most.unwrap_or(i64::MAX)).await?;
        Ok(json!({ "traces_deleted": deleted }).into())
    };
    respond(work().await)
}

/// The spans in the shape of the file that MLflow's clients of older releases look for.
async fn spans_as_file(call: Call, fields: Fields) -> Response {
    let work = async || -> Outcome {
        let id = fields.text("request_id")?.ok_or_else(|| {
            Error::new("tracked.bad_request", "Request must include the \"request_id\" query parameter.")
        })?;
        if fields.text("path")?.is_some() {
            return Err(Error::new("request.not_found", "this trace has no attachment of that name"));
        }
        call.tracking.trace(&id).await?;
        Ok(json!({ "spans": spans(&call, &id).await? }).into())
    };
    respond(work().await)
}
