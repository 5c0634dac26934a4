//! Errors as `application/problem+json` (RFC 9457), with the application's code, hints, diagnostics and causes.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use remuda_app::{Error, Kind};
use serde::Serialize;

#[derive(Serialize)]
struct Problem<'a> {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: &'a str,
    #[serde(flatten)]
    error: Members<'a>,
}

/// The error's own members; its message is `detail`, and `message` too, so that a client may read the error whole.
#[derive(Serialize)]
struct Members<'a> {
    kind: Kind,
    code: &'a str,
    message: &'a str,
    hints: &'a [String],
    diagnostics: &'a [remuda_model::diagnostic::Diagnostic],
    causes: &'a [String],
}

/// The error with its own status.
pub(crate) fn answer(error: &Error) -> Response {
    with_status(StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), error)
}

/// The error with a status that HTTP knows better.
pub(crate) fn with_status(status: StatusCode, error: &Error) -> Response {
    if status.is_server_error() {
        tracing::error!(code = error.code, message = error.message, causes = ?error.causes, "a call failed");
    }
    let problem = Problem {
        r#type: format!("/docs/errors#{}", error.code),
        title: title(error.kind),
        status: status.as_u16(),
        detail: &error.message,
        error: Members {
            kind: error.kind,
            code: &error.code,
            message: &error.message,
            hints: &error.hints,
            diagnostics: &error.diagnostics,
            causes: &error.causes,
        },
    };
    // Plain texts and numbers: writing them as JSON cannot fail.
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    let mut answer = Response::new(Body::from(body));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    answer
}

fn title(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "The request cannot be carried out as it stands",
        Kind::Config => "A definition or the configuration is wrong",
        Kind::Missing => "There is no such thing",
        Kind::Conflict => "Something is not ready, or clashes with what is there",
        Kind::Denied => "The caller may not do this",
        Kind::Internal => "The server failed",
    }
}
