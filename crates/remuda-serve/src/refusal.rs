//! Every way to say no: a status and one sentence, as the protocol's `{"error": "…"}`.

use crate::protocol::ErrorAnswer;
use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// A request that gets no prediction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// One sentence.
    pub error: String,
}

impl Refusal {
    /// 400: the request is wrong.
    pub fn input(error: impl Into<String>) -> Self {
        Self { status: 400, error: error.into() }
    }

    /// 404: no such model or version.
    pub fn unknown(error: impl Into<String>) -> Self {
        Self { status: 404, error: error.into() }
    }

    /// 413: more than one request may ask.
    pub fn too_large(error: impl Into<String>) -> Self {
        Self { status: 413, error: error.into() }
    }

    /// 503: nothing is live, or what should be cannot be loaded.
    pub fn not_live(handle: &remuda_app::serving::EndpointHandle) -> Self {
        let error = match handle.trouble() {
            Some(trouble) => format!("the live release cannot be loaded: {}", trouble.message),
            None => "nothing is live: make a release with `remuda release create MODEL` and put it live with \
                     `remuda release promote`"
                .to_owned(),
        };
        Self { status: 503, error }
    }
}

impl From<remuda_app::Error> for Refusal {
    fn from(error: remuda_app::Error) -> Self {
        let status = error.status();
        let mut text = error.message;
        // Callers of an endpoint get what they can mend; what lies beneath goes to the log of the server.
        if status < 500 {
            for hint in &error.hints {
                text.push_str("; ");
                text.push_str(hint);
            }
        } else {
            tracing::error!(code = error.code, causes = ?error.causes, "inference failed: {text}");
        }
        Self { status, error: text }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, Json(ErrorAnswer { error: self.error })).into_response()
    }
}
