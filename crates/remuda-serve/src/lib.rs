//! The live release behind the Open Inference Protocol v2 over REST (KServe, `open_inference_rest`), and a plainer
//! door of our own that takes rows as JSON objects.
//!
//! What lives here: the wire shapes and their translation to columns and back. What never does: a rule about what may
//! go live, the model itself, the prediction log's files: those are remuda-app's ([`remuda_app::serving`]).
//!
//! - [`protocol`]: the shapes on the wire; [`metadata`]: what the server and the model say about themselves
//! - [`tensor`]: tensors to columns, checked against the contract's types; [`rows`]: objects to columns
//! - [`infer`]: one request from its bytes to its answer; [`answer`]: predictions to output tensors
//! - [`refusal`]: every way to say no, with its HTTP status
//!
//! A prediction is answered only when it is in the log: [`PredictionLog::record`] returns when it is durable. Who may
//! ask is not decided here: the binary puts these routes behind the guard of the pages.

pub mod answer;
pub mod infer;
pub mod metadata;
pub mod protocol;
pub mod refusal;
pub mod rows;
pub mod tensor;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{any, get, post};
use remuda_app::App;
use remuda_app::serving::{EndpointHandle, PredictionLog};
use std::sync::Arc;

/// The most bytes that a request's body may have.
pub const BODY_LIMIT: usize = 16 * 1024 * 1024;

/// The most rows that one request may ask about.
pub const ROW_LIMIT: usize = 10_000;

/// What the inference server needs.
pub struct Serve {
    /// The application: clock and ids.
    pub app: App,
    /// The live release, swapped while we run.
    pub handle: EndpointHandle,
    /// Where predictions are kept; shared with whoever closes it at the end.
    pub log: Arc<PredictionLog>,
}

/// The routes under `/v2`.
pub fn router(serve: Serve) -> Router {
    Router::new()
        .route("/v2", get(metadata::server))
        .route("/v2/health/live", get(metadata::live))
        .route("/v2/health/ready", get(metadata::ready))
        .route("/v2/models/{name}", get(metadata::model))
        .route("/v2/models/{name}/ready", get(metadata::model_ready))
        .route("/v2/models/{name}/infer", post(infer::infer))
        .route("/v2/models/{name}/rows", post(infer::rows))
        .route("/v2/models/{name}/versions/{version}", get(metadata::version))
        .route("/v2/models/{name}/versions/{version}/ready", get(metadata::version_ready))
        .route("/v2/models/{name}/versions/{version}/infer", post(infer::infer_version))
        .route("/v2/models/{name}/versions/{version}/rows", post(infer::rows_version))
        .route("/v2/{*rest}", any(metadata::nowhere))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(Arc::new(serve))
}
