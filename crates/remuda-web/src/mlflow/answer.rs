//! Answers and errors of the protocol.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use remuda_app::{Error, Kind};
use serde_json::{Value, json};

/// A JSON object.
pub(crate) struct Answer(Vec<u8>);

impl Answer {
    /// `{}`: it was done.
    pub(crate) fn done() -> Self {
        Self(b"{}".to_vec())
    }

    /// Bytes that are JSON already.
    pub(crate) fn raw(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl From<Value> for Answer {
    fn from(value: Value) -> Self {
        Self(value.to_string().into_bytes())
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        json_response(StatusCode::OK, self.0)
    }
}

/// A route's result as a response.
pub(crate) fn respond(outcome: Result<Answer, Error>) -> Response {
    match outcome {
        Ok(answer) => answer.into_response(),
        Err(error) => refuse(&error),
    }
}

fn json_response(status: StatusCode, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The error as the protocol's clients read it.
pub(crate) fn refuse(error: &Error) -> Response {
    let (status, code) = code_of(error);
    if status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED {
        tracing::error!(code = error.code, message = error.message, causes = ?error.causes, "a tracking call failed");
    }
    let mut message = error.message.clone();
    for diagnostic in &error.diagnostics {
        message.push_str(&format!("; {}", diagnostic.message));
    }
    for hint in &error.hints {
        message.push_str(&format!(" ({hint})"));
    }
    json_response(status, json!({ "error_code": code, "message": message }).to_string().into_bytes())
}

/// Status and code: what clients repeat (5xx, 429) is said only where repeating may help.
fn code_of(error: &Error) -> (StatusCode, &'static str) {
    match (error.kind, error.code.as_str()) {
        (_, "access.unknown") => (StatusCode::UNAUTHORIZED, "UNAUTHENTICATED"),
        (_, "tracked.delivered") => (StatusCode::ALREADY_REPORTED, "ALREADY_DELIVERED"),
        (_, "tracked.exists") => (StatusCode::BAD_REQUEST, "RESOURCE_ALREADY_EXISTS"),
        (_, "tracked.bad_request") => (StatusCode::BAD_REQUEST, "BAD_REQUEST"),
        (_, "tracked.unsupported") => (StatusCode::NOT_IMPLEMENTED, "NOT_IMPLEMENTED"),
        (_, "tracked.no_route") => (StatusCode::NOT_FOUND, "ENDPOINT_NOT_FOUND"),
        (_, "tracked.conflict") => (StatusCode::CONFLICT, "RESOURCE_CONFLICT"),
        (_, "release.not_ready" | "gate.not_ready") => (StatusCode::FORBIDDEN, "PERMISSION_DENIED"),
        (_, "ledger.conflict" | "ledger.full" | "ledger.read_only") => {
            (StatusCode::SERVICE_UNAVAILABLE, "TEMPORARILY_UNAVAILABLE")
        }
        (Kind::Missing, _) => (StatusCode::NOT_FOUND, "RESOURCE_DOES_NOT_EXIST"),
        (Kind::Denied, _) => (StatusCode::FORBIDDEN, "PERMISSION_DENIED"),
        (Kind::User | Kind::Config | Kind::Conflict, _) => (StatusCode::BAD_REQUEST, "INVALID_PARAMETER_VALUE"),
        (Kind::Internal, _) => (StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_ERROR"),
    }
}
