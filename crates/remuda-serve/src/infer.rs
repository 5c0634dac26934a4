//! One request from its bytes to its answer: read, predict, log, answer. In that order: what was answered is logged.

use crate::Serve;
use crate::answer;
use crate::metadata::find;
use crate::protocol::{InferRequest, RowsRequest};
use crate::refusal::Refusal;
use crate::rows as objects;
use crate::tensor::{self, Batch};
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use remuda_app::serving::{Endpoint, Inferred};
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Instant;

/// Values (rows times columns) from which a prediction leaves the threads that answer other requests.
const BIG: usize = 20_000;

type Body = Result<Bytes, BytesRejection>;

/// `POST /v2/models/{name}/infer`.
pub(crate) async fn infer(
    State(serve): State<Arc<Serve>>,
    Path(name): Path<String>,
    body: Body,
) -> Result<Response, Refusal> {
    infer_with(&serve, find(&serve, &name, None)?, body).await
}

/// `POST /v2/models/{name}/versions/{version}/infer`.
pub(crate) async fn infer_version(
    State(serve): State<Arc<Serve>>,
    Path((name, version)): Path<(String, String)>,
    body: Body,
) -> Result<Response, Refusal> {
    infer_with(&serve, find(&serve, &name, Some(&version))?, body).await
}

/// `POST /v2/models/{name}/rows`.
pub(crate) async fn rows(
    State(serve): State<Arc<Serve>>,
    Path(name): Path<String>,
    body: Body,
) -> Result<Response, Refusal> {
    rows_with(&serve, find(&serve, &name, None)?, body).await
}

/// `POST /v2/models/{name}/versions/{version}/rows`.
pub(crate) async fn rows_version(
    State(serve): State<Arc<Serve>>,
    Path((name, version)): Path<(String, String)>,
    body: Body,
) -> Result<Response, Refusal> {
    rows_with(&serve, find(&serve, &name, Some(&version))?, body).await
}

async fn infer_with(serve: &Serve, endpoint: Arc<Endpoint>, body: Body) -> Result<Response, Refusal> {
    let started = Instant::now();
    let request: InferRequest = parse(body)?;
    let wanted = answer::wanted(&request.outputs, endpoint.task)?;
    let batch = tensor::read(request.inputs, &endpoint.inputs)?;
    let (ids, inferred) = predict(serve, &endpoint, batch, started).await?;
    let answer = answer::tensors(&endpoint, request.id.as_deref(), &ids, &inferred, &wanted);
    Ok(Json(answer).into_response())
}

async fn rows_with(serve: &Serve, endpoint: Arc<Endpoint>, body: Body) -> Result<Response, Refusal> {
    let started = Instant::now();
    let request: RowsRequest = parse(body)?;
    let batch = objects::read(request, &endpoint.inputs)?;
    let (ids, inferred) = predict(serve, &endpoint, batch, started).await?;
    Ok(Json(answer::rows(&endpoint, &ids, &inferred)).into_response())
}

/// Reads the body as JSON.
fn parse<T: DeserializeOwned>(body: Body) -> Result<T, Refusal> {
    let bytes = body.map_err(|rejection| match rejection.status().as_u16() {
        413 => Refusal::too_large(format!(
            "the body is over {} MiB; send fewer rows, or use `remuda predict FILE`",
            crate::BODY_LIMIT / (1024 * 1024)
        )),
        _ => Refusal::input(format!("the body cannot be read: {rejection}")),
    })?;
    serde_json::from_slice(&bytes)
        .map_err(|error| Refusal::input(format!("the body is no request of this kind: {error}")))
}

/// Predicts and logs. When this returns, the predictions are durable.
async fn predict(
    serve: &Serve,
    endpoint: &Arc<Endpoint>,
    batch: Batch,
    started: Instant,
) -> Result<(Vec<String>, Vec<Inferred>), Refusal> {
    let Batch { rows, ids } = batch;
    if let Some(ids) = &ids {
        serve.log.claim(ids).await?;
    }
    // A request's own `id` is no prediction id: clients repeat it, and outcomes would join to the wrong row.
    let ids = ids.unwrap_or_else(|| {
        let now = serve.app.clock.now();
        rows.iter().map(|_| serve.app.ids.fact(now)).collect()
    });
    let (rows, inferred) = if rows.len() * endpoint.inputs.len() < BIG {
        let inferred = endpoint.predict_rows(&rows)?;
        (rows, inferred)
    } else {
        let endpoint = endpoint.clone();
        let work = move || endpoint.predict_rows(&rows).map(|inferred| (rows, inferred));
        tokio::task::spawn_blocking(work).await.map_err(|error| {
            tracing::error!("a prediction ended without an answer: {error}");
            Refusal { status: 500, error: "the prediction ended without an answer".to_owned() }
        })??
    };
    let microseconds = i64::try_from(started.elapsed().as_micros()).unwrap_or(i64::MAX);
    serve.log.record(endpoint, &ids, &rows, &inferred, microseconds).await?;
    Ok((ids, inferred))
}
