//! What the server and the live model say about themselves: health, readiness, inputs and outputs with their types.

use crate::Serve;
use crate::protocol::{ModelMetadata, ServerMetadata, TensorMetadata};
use crate::refusal::Refusal;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use remuda_app::serving::{Endpoint, Input};
use remuda_model::data::{ColumnType, Task};
use serde_json::{Map, Value, json};
use std::sync::Arc;

type ServeState = State<Arc<Serve>>;

/// `GET /v2`: who we are.
pub async fn server() -> Json<ServerMetadata> {
    Json(ServerMetadata { name: "remuda", version: env!("CARGO_PKG_VERSION"), extensions: vec!["rows"] })
}

/// `GET /v2/health/live`: the process answers.
pub async fn live() -> Json<Value> {
    Json(json!({ "live": true }))
}

/// `GET /v2/health/ready`: a release is live.
pub(crate) async fn ready(State(serve): ServeState) -> Response {
    match serve.handle.current() {
        Some(_) => Json(json!({ "ready": true })).into_response(),
        None => not_ready(json!({ "ready": false, "error": Refusal::not_live(&serve.handle).error })),
    }
}

/// `GET /v2/models/{name}`.
pub(crate) async fn model(State(serve): ServeState, Path(name): Path<String>) -> Result<Json<ModelMetadata>, Refusal> {
    Ok(Json(describe(&*find(&serve, &name, None)?)))
}

/// `GET /v2/models/{name}/versions/{version}`.
pub(crate) async fn version(
    State(serve): ServeState,
    Path((name, version)): Path<(String, String)>,
) -> Result<Json<ModelMetadata>, Refusal> {
    Ok(Json(describe(&*find(&serve, &name, Some(&version))?)))
}

/// `GET /v2/models/{name}/ready`.
pub(crate) async fn model_ready(State(serve): ServeState, Path(name): Path<String>) -> Response {
    readiness(&serve, &name, None)
}

/// `GET /v2/models/{name}/versions/{version}/ready`.
pub(crate) async fn version_ready(State(serve): ServeState, Path((name, version)): Path<(String, String)>) -> Response {
    readiness(&serve, &name, Some(&version))
}

/// Everything else under `/v2`.
pub async fn nowhere(uri: axum::http::Uri) -> Refusal {
    Refusal::unknown(format!("there is nothing at {}; `GET /v2/models/NAME` describes the live model", uri.path()))
}

/// The live endpoint, if it has this name (and this version).
pub(crate) fn find(serve: &Serve, name: &str, version: Option<&str>) -> Result<Arc<Endpoint>, Refusal> {
    let endpoint = serve.handle.current().ok_or_else(|| Refusal::not_live(&serve.handle))?;
    if endpoint.name != name {
        return Err(Refusal::unknown(format!("there is no model `{name}` here; `{}` is live", endpoint.name)));
    }
    if let Some(version) = version
        && !is_version(&endpoint.release, version)
    {
        let live = short(&endpoint.release);
        return Err(Refusal::unknown(format!("`{name}` has no version `{version}` here; `{live}` is live")));
    }
    Ok(endpoint)
}

/// The release as people read it: twelve hexadecimal digits. Also the version in answers.
pub(crate) fn short(release: &str) -> &str {
    let hex = release.strip_prefix("b3:").unwrap_or(release);
    hex.get(..12).unwrap_or(hex)
}

/// Whether `asked` names this release: its digest, or at least eight digits of its beginning.
fn is_version(release: &str, asked: &str) -> bool {
    let hex = release.strip_prefix("b3:").unwrap_or(release);
    let asked = asked.strip_prefix("b3:").unwrap_or(asked);
    asked == hex || (asked.len() >= 8 && hex.starts_with(asked))
}

fn readiness(serve: &Serve, name: &str, version: Option<&str>) -> Response {
    match find(serve, name, version) {
        Ok(endpoint) => Json(json!({ "name": endpoint.name, "ready": true })).into_response(),
        Err(refusal) if refusal.status == 503 => {
            not_ready(json!({ "name": name, "ready": false, "error": refusal.error }))
        }
        Err(refusal) => refusal.into_response(),
    }
}

fn not_ready(body: Value) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
}

fn describe(endpoint: &Endpoint) -> ModelMetadata {
    ModelMetadata {
        name: endpoint.name.clone(),
        versions: vec![short(&endpoint.release).to_owned()],
        platform: "onnx_onnxv1",
        inputs: endpoint.inputs.iter().map(describe_input).collect(),
        outputs: describe_outputs(endpoint),
    }
}

fn describe_input(input: &Input) -> TensorMetadata {
    let mut parameters = Map::new();
    parameters.insert("type".into(), Value::from(input.column_type.as_str()));
    parameters.insert("required".into(), Value::from(input.required));
    TensorMetadata { name: input.name.clone(), datatype: datatype(input.column_type), shape: vec![-1], parameters }
}

/// The datatype that we name for a contract's type; others are read too ([`crate::tensor`]).
pub fn datatype(column_type: ColumnType) -> &'static str {
    match column_type {
        ColumnType::Integer => "INT64",
        ColumnType::Number => "FP64",
        ColumnType::Boolean => "BOOL",
        ColumnType::String | ColumnType::Date | ColumnType::Timestamp => "BYTES",
    }
}

fn describe_outputs(endpoint: &Endpoint) -> Vec<TensorMetadata> {
    let plain = |name: &str, datatype: &'static str| TensorMetadata {
        name: name.to_owned(),
        datatype,
        shape: vec![-1],
        parameters: Map::new(),
    };
    let mut outputs = Vec::with_capacity(4);
    if endpoint.task == Task::Regression {
        outputs.push(plain("label", "FP64"));
    } else {
        outputs.push(plain("label", "BYTES"));
        let mut probabilities = plain("probabilities", "FP32");
        probabilities.shape = vec![-1, endpoint.labels.len() as i64];
        probabilities.parameters = crate::answer::classes(&endpoint.labels);
        outputs.push(probabilities);
    }
    outputs.push(plain("score", "FP64"));
    outputs.push(plain("prediction_id", "BYTES"));
    outputs
}

#[cfg(test)]
mod tests {
    use super::{is_version, short};

    #[test]
    fn a_version_is_the_release_or_its_beginning() {
        let release = format!("b3:{}", "0123456789abcdef".repeat(4));
        assert_eq!(short(&release), "0123456789ab");
        for good in ["0123456789ab", "01234567", release.as_str(), &release[3..]] {
            assert!(is_version(&release, good), "{good}");
        }
        for bad in ["", "0123", "1", "b3:", "0123456789ac"] {
            assert!(!is_version(&release, bad), "{bad}");
        }
    }
}
