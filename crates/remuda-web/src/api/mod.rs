//! The JSON API: every use case as `POST /api/v1/<noun>/<verb>`, registered by a visitor so that none is forgotten.

pub(crate) mod problem;
mod transfer;

pub(crate) use transfer::attachment;

use crate::guard::Caller;
use crate::openapi;
use crate::state::Web;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Extension, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use remuda_app::{Error, UseCase, Visitor, use_case, visit_all};
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// The greatest JSON body, in bytes. Files travel by `/api/v1/upload`.
const BODY_LIMIT: usize = 8 << 20;

pub(crate) fn routes() -> Router<Arc<Web>> {
    let mut registrar = Registrar { router: Router::new() };
    visit_all(&mut registrar);
    registrar
        .router
        .route("/api/v1/definitions", post(transfer::definitions))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .route("/api/v1/upload", put(transfer::upload))
        .route("/api/v1/download/{digest}", get(transfer::download))
        .route("/api/v1/openapi.json", get(|| async { Json(&openapi::DESCRIPTION.document) }))
}

struct Registrar {
    router: Router<Arc<Web>>,
}

impl Visitor for Registrar {
    fn visit<U: UseCase>(&mut self) {
        let path = format!("/api/v1/{}/{}", U::NOUN, U::VERB);
        self.router = std::mem::take(&mut self.router).route(&path, post(call::<U>));
    }
}

async fn call<U: UseCase>(
    State(web): State<Arc<Web>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let request: U = match read_json(&headers, body) {
        Ok(request) => request,
        Err(answer) => return *answer,
    };
    let definitions = headers.get("remuda-definitions").and_then(|digest| digest.to_str().ok());
    let context = match crate::visit::context(&web, &caller, definitions).await {
        Ok(context) => context,
        Err(error) => return problem::answer(&error),
    };
    match use_case::run(request, &web.app, &context).await {
        Ok(answer) => Json(answer).into_response(),
        Err(error) => problem::answer(&error),
    }
}

/// The body as a request; a problem that names the field otherwise.
fn read_json<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<T, Box<Response>> {
    // A foreign page can send forms and plain text without asking first, but not JSON.
    if !is_json(headers) {
        let error =
            Error::new("request.invalid", "the content type must be application/json").hint("with curl: `--json '{}'`");
        return Err(Box::new(problem::with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE, &error)));
    }
    let body = body.map_err(|rejection| {
        let error = Error::new("request.invalid", rejection.body_text());
        let error = if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            error.hint("send files by PUT /api/v1/upload, and name their digest")
        } else {
            error
        };
        Box::new(problem::with_status(rejection.status(), &error))
    })?;
    let mut reader = serde_json::Deserializer::from_slice(&body);
    let read = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let place = if path == "." { "the body".to_owned() } else { format!("field `{path}`") };
        Error::new("request.invalid", format!("{place}: {}", error.inner()))
    });
    let read = read.and_then(|read| match reader.end() {
        Ok(()) => Ok(read),
        Err(error) => Err(Error::new("request.invalid", format!("after the body: {error}"))),
    });
    read.map_err(|error| Box::new(problem::answer(&error)))
}

fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    content_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}
