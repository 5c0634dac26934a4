//! What the server can do, and the routes that it does not have.

use super::answer::refuse;
use super::{PREFIXES, Routes};
use axum::Json;
use axum::body::Body;
use axum::http::Uri;
use axum::response::Response;
use axum::routing::{any, get};
use remuda_app::Error;
use serde_json::json;

/// Parts of the protocol that are left to others, and where to go instead.
const ABSENT: [(&str, &str); 14] = [
    ("gateway", "remuda serves its own models, and is no gateway to others'"),
    ("scorers", "criteria and the gate judge models here"),
    ("prompt-optimization", "prompts are not optimised here"),
    ("review", "signatures and decisions are reviews here"),
    ("issues", "mistakes are analysed by `remuda analysis`"),
    ("webhooks", "there are no webhooks"),
    ("workspaces", "one server serves one product"),
    ("users", "members are listed in `remuda.toml`"),
    ("permissions", "roles are given in `remuda.toml`"),
    ("jobs", "sweeps are run by `remuda run sweep`"),
    ("datasets", "evaluation datasets are dataset versions here: `remuda data add`"),
    ("budgets", "there is no gateway whose budget could be spent"),
    ("genai", "prompts and agents are not evaluated here"),
    ("custom-views", "views are links here"),
];

pub(super) fn routes(routes: Routes) -> Routes {
    let mut routes = routes
        .at("/3.0/mlflow/server-info", get(info))
        .at("/2.0/mlflow/server-info", get(info))
        .plain("/health", get(|| async { "OK" }))
        // Clients compare it with versions of MLflow, whose protocol we speak up to this one.
        .plain("/version", get(|| async { PROTOCOL }))
        .plain("/graphql", any(unsupported));
    for (name, _) in ABSENT {
        for version in ["2.0", "3.0"] {
            for tail in ["", "/{*rest}"] {
                routes = routes.at(&format!("/{version}/mlflow/{name}{tail}"), any(unsupported));
            }
        }
    }
    routes
}

/// The release of MLflow whose protocol this is.
const PROTOCOL: &str = "3.17.2";

async fn info() -> Json<serde_json::Value> {
    Json(json!({
        "store_type": "SqlStore",
        "workspaces_enabled": false,
        "multipart_uploads_enabled": true,
        // A file comes as one stream as fast as in parts, and a small one needs no second request.
        "multipart_downloads_enabled": false,
        "presigned_uploads_supported": false,
        "presigned_downloads_supported": false,
        "features_enabled": {},
        "server": { "name": "remuda", "version": env!("CARGO_PKG_VERSION") },
    }))
}

async fn unsupported(uri: Uri, body: Body) -> Response {
    // Read to its end, so that the connection can serve on.
    let _ = axum::body::to_bytes(body, 1 << 20).await;
    let path = PREFIXES.iter().find_map(|prefix| uri.path().strip_prefix(prefix)).unwrap_or(uri.path());
    let name = path.split('/').nth(3).unwrap_or_default();
    let reason = ABSENT
        .iter()
        .find(|(known, _)| *known == name)
        .map_or("it is the browser's own interface there", |(_, why)| why);
    refuse(&Error::new(
        "tracked.unsupported",
        format!("remuda does not speak this part of MLflow's protocol: {reason}"),
    ))
}

/// The answer at an address of the protocol that does not exist.
pub(crate) fn no_route(path: &str) -> Response {
    refuse(&Error::new("tracked.no_route", format!("there is no `{path}` in MLflow's protocol as remuda speaks it")))
}
