//! What a request of the protocol is, as far as an address with a spool must tell them apart.

use axum::http::Method;

/// The beginning of an artifact's address.
pub(super) const ARTIFACTS: &str = "/2.0/mlflow-artifacts/artifacts";

/// A kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It changes something of a run. `quiet`: where that cannot be kept, the script need not know.
    Change {
        /// Losing it must not stop the script.
        quiet: bool,
    },
    /// It looks an experiment up, or makes one.
    Experiment,
    /// It reads something of one run.
    Read,
    /// It searches.
    Search,
    /// It is about a file.
    Artifact,
    /// What the server can do.
    ServerInfo,
    /// It is answered here.
    Own,
    /// Anything else: the server's own matter.
    Other,
}

/// The path behind `/api` or `/ajax-api`.
pub(super) fn rest(path: &str) -> &str {
    super::super::PREFIXES.iter().find_map(|prefix| path.strip_prefix(prefix)).unwrap_or(path)
}

pub(super) fn kind(method: &Method, path: &str) -> Kind {
    let rest = rest(path);
    if rest.starts_with("/2.0/mlflow-artifacts/") {
        return Kind::Artifact;
    }
    let Some(noun) = rest.split_once("/mlflow/").map(|(_, noun)| noun) else {
        return match rest {
            "/health" | "/version" => Kind::Own,
            "/2.0/remuda/adopt" => Kind::Change { quiet: false },
            _ => Kind::Other,
        };
    };
    let reads = *method == Method::GET;
    match noun {
        "server-info" => Kind::ServerInfo,
        "experiments/get" | "experiments/get-by-name" | "experiments/create" => Kind::Experiment,
        "experiments/set-experiment-tag" | "experiments/delete-experiment-tag" => Kind::Change { quiet: true },
        "artifacts/list" => Kind::Artifact,
        "runs/search" | "experiments/search" | "experiments/search-datasets" | "logged-models/search" => Kind::Search,
        "runs/create" | "runs/delete" | "runs/restore" | "logged-models" => Kind::Change { quiet: false },
        _ if noun.starts_with("metrics/") => Kind::Read,
        _ if noun.starts_with("runs/") && !reads => Kind::Change { quiet: true },
        _ if noun.starts_with("logged-models/") && !reads => Kind::Change { quiet: true },
        _ if noun.starts_with("runs/") || noun.starts_with("logged-models/") => Kind::Read,
        _ => Kind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, kind};
    use axum::http::Method;

    #[test]
    fn requests_are_told_apart() {
        let quiet = Kind::Change { quiet: true };
        let loud = Kind::Change { quiet: false };
        for (method, path, found) in [
            (Method::POST, "/api/2.0/mlflow/runs/log-batch", quiet),
            (Method::POST, "/ajax-api/2.0/mlflow/runs/create", loud),
            (Method::GET, "/api/2.0/mlflow/runs/get", Kind::Read),
            (Method::POST, "/api/2.0/mlflow/runs/search", Kind::Search),
            (Method::GET, "/api/2.0/mlflow/metrics/get-history", Kind::Read),
            (Method::PATCH, "/api/2.0/mlflow/logged-models/m-1", quiet),
            (Method::POST, "/api/2.0/mlflow/logged-models/search", Kind::Search),
            (Method::PUT, "/api/2.0/mlflow-artifacts/artifacts/0/r/artifacts/a.txt", Kind::Artifact),
            (Method::POST, "/api/2.0/mlflow/registered-models/create", Kind::Other),
            (Method::GET, "/api/3.0/mlflow/server-info", Kind::ServerInfo),
            (Method::POST, "/api/2.0/mlflow/experiments/create", Kind::Experiment),
            (Method::POST, "/v1/traces", Kind::Other),
        ] {
            assert_eq!(kind(&method, path), found, "{path}");
        }
    }
}
