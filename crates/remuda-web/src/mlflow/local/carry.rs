//! Changes are carried out by the ledger of this machine, then put into the journal, then acknowledged. Reads are answered
//! here if they can be, else upstream.

use super::super::answer::refuse;
use super::super::deliver::{MODEL_ID, RUN_ID};
use super::super::fields::Fields;
use super::super::limits;
use super::paths::{self, Kind};
use super::{BODY, LocalAddress, Spooling};
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use remuda_app::Error;
use remuda_app::run::spool::Head;
use remuda_app::words::run::tracked::{Experiment, Stage};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Numbers of experiments that are made while the server is away begin here: none that a server counts up to.
const DRAWN: i64 = 4_000_000_000_000_000;

/// An answer of JSON.
fn answered(value: &Value) -> Response {
    axum::Json(value).into_response()
}

/// The server cannot be asked. Clients would repeat a 5xx for minutes.
fn away() -> Response {
    let text = "the server does not answer, and this cannot wait for it in the spool";
    let body = json!({ "error_code": "TEMPORARILY_UNAVAILABLE", "message": text });
    (StatusCode::FAILED_DEPENDENCY, axum::Json(body)).into_response()
}

/// A spool takes whole files: parts of them would have to wait for each other.
pub(super) async fn server_info(answer: Response) -> Response {
    let body = to_bytes(answer.into_body(), BODY).await.unwrap_or_default();
    let mut info: Value = serde_json::from_slice(&body).unwrap_or_default();
    info["multipart_uploads_enabled"] = json!(false);
    info["multipart_downloads_enabled"] = json!(false);
    answered(&info)
}

impl LocalAddress {
    /// Carries out a change here, and journals it where there is a spool.
    pub(super) async fn carry(&self, method: Method, uri: Uri, body: Bytes) -> Response {
        let quiet = paths::kind(&method, uri.path()) == (Kind::Change { quiet: true });
        let answer = self.ask_here(method.clone(), uri.clone(), Body::from(body.clone())).await;
        let status = answer.status();
        if status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED && quiet {
            let (_, body) = answer.into_parts();
            let said = to_bytes(body, BODY).await.unwrap_or_default();
            let said: Value = serde_json::from_slice(&said).unwrap_or_default();
            let said = said["message"].as_str().unwrap_or("the ledger takes no more");
            self.lose(said.split([';', '(']).next().unwrap_or(said).trim());
            return answered(&json!({}));
        }
        let Some(spooling) = &self.spooling else { return answer };
        if status == StatusCode::NOT_FOUND {
            // It is not of this run: the server's own matter.
            return self.pass_on(spooling, method, uri, body, true).await;
        }
        if !status.is_success() {
            return answer;
        }
        let (parts, told) = answer.into_parts();
        let told = to_bytes(told, BODY).await.unwrap_or_default();
        let record = with_ids(uri.path(), &body, &told);
        match self.journal(spooling, &method, &uri, None, &record).await {
            Ok(()) => {}
            Err(error) if quiet => self.lose(&error.message),
            Err(error) => return refuse(&error),
        }
        Response::from_parts(parts, Body::from(told))
    }

    pub(super) async fn journal(
        &self,
        spooling: &Spooling,
        method: &Method,
        uri: &Uri,
        file: Option<String>,
        body: &[u8],
    ) -> Result<(), Error> {
        let at = self.web.app.clock.now().div_euclid(1000);
        let head = Head { method: method.to_string(), path: uri.to_string(), at, file };
        spooling.journal.append(&head, body).await.map(|_| ())
    }

    /// Lets the server answer, after it has all that was spooled before if `later` must see it.
    pub(super) async fn pass_on(
        &self,
        spooling: &Spooling,
        method: Method,
        uri: Uri,
        body: Bytes,
        later: bool,
    ) -> Response {
        if later && !spooling.upstream.catch_up().await {
            return away();
        }
        match spooling.upstream.ask(method, uri.to_string(), body).await {
            Some(reply) => reply.into_response(),
            None => away(),
        }
    }

    /// Reads here; what is not known here is asked upstream.
    pub(super) async fn read(&self, spooling: &Spooling, method: Method, uri: Uri, body: Bytes) -> Response {
        let answer = self.ask_here(method.clone(), uri.clone(), Body::from(body.clone())).await;
        if answer.status() != StatusCode::NOT_FOUND {
            return answer;
        }
        match spooling.upstream.ask(method, uri.to_string(), body).await {
            Some(reply) => reply.into_response(),
            None => answer,
        }
    }

    /// Searches all runs where the server can be asked, else those of this spool.
    pub(super) async fn search(&self, spooling: &Spooling, method: Method, uri: Uri, body: Bytes) -> Response {
        if spooling.upstream.catch_up().await
            && let Some(reply) = spooling.upstream.ask(method.clone(), uri.to_string(), body.clone()).await
        {
            return reply.into_response();
        }
        self.ask_here(method, uri, Body::from(body)).await
    }

    /// Finds or makes an experiment: the server's where it answers, else one of our own, which finds the server's of that
    /// name when it is delivered.
    pub(super) async fn experiment(&self, spooling: &Spooling, method: Method, uri: Uri, body: Bytes) -> Response {
        let making = uri.path().ends_with("/create");
        if !making {
            let here = self.ask_here(method.clone(), uri.clone(), Body::from(body.clone())).await;
            if here.status() != StatusCode::NOT_FOUND {
                return here;
            }
            let Some(reply) = spooling.upstream.ask(method, uri.to_string(), body).await else { return here };
            if reply.status.is_success() {
                self.adopt_experiment(&reply.body).await;
            }
            return reply.into_response();
        }
        match spooling.upstream.ask(method.clone(), uri.to_string(), body.clone()).await {
            Some(reply) => {
                let told: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
                if let Some(id) = told["experiment_id"].as_str() {
                    let get = format!("/api/2.0/mlflow/experiments/get?experiment_id={id}");
                    if let Some(known) = spooling.upstream.ask(Method::GET, get, Bytes::new()).await {
                        self.adopt_experiment(&known.body).await;
                    }
                }
                reply.into_response()
            }
            None => self.make_experiment(spooling, method, uri, &body).await.unwrap_or_else(|error| refuse(&error)),
        }
    }

    /// Takes an experiment of the server's over, with its number.
    async fn adopt_experiment(&self, answered: &[u8]) {
        let answered: Value = serde_json::from_slice(answered).unwrap_or_default();
        let found = &answered["experiment"];
        let Some(id) = found["experiment_id"].as_str().and_then(|id| id.parse().ok()) else { return };
        let text = |name: &str| found[name].as_str().unwrap_or_default().to_owned();
        let number = |name: &str| found[name].as_i64().unwrap_or_default();
        let experiment = Experiment {
            id,
            name: text("name"),
            artifacts: text("artifact_location"),
            stage: Stage::read(&text("lifecycle_stage")),
            created: number("creation_time"),
            updated: number("last_update_time"),
            tags: BTreeMap::new(),
        };
        if let Ok(tracking) = self.web.app.tracking(&self.web.product) {
            // Where it cannot be taken over, runs in it are refused with the reason.
            let _ = tracking.adopt_experiment(&experiment).await;
        }
    }

    /// Makes an experiment while the server is away. Its number is drawn, so that it is no other's.
    async fn make_experiment(
        &self,
        spooling: &Spooling,
        method: Method,
        uri: Uri,
        body: &[u8],
    ) -> Result<Response, Error> {
        let tracking = self.web.app.tracking(&self.web.product)?;
        let fields = Fields::of_body(body)?;
        let name = fields.need("name")?;
        limits::experiment_name(&name)?;
        if tracking.experiment_named(&name).await.is_ok() {
            // Refused, and with the same words as ever.
            return Ok(self.ask_here(method, uri, Body::from(body.to_vec())).await);
        }
        let drawn = u64::from_str_radix(self.web.app.ids.secret().get(..12).unwrap_or("1"), 16).unwrap_or(1);
        let id = DRAWN + drawn as i64;
        let now = self.web.app.clock.now().div_euclid(1000);
        let artifacts = fields.text("artifact_location")?.unwrap_or_else(|| format!("mlflow-artifacts:/{id}"));
        let tags = fields.pairs("tags")?.into_iter().collect();
        let made = Experiment { id, name, artifacts, stage: Stage::Active, created: now, updated: now, tags };
        tracking.adopt_experiment(&made).await?;
        let mut record: Map<String, Value> = serde_json::from_slice(body)?;
        record.insert("experiment_id".to_owned(), json!(id.to_string()));
        self.journal(spooling, &method, &uri, None, &serde_json::to_vec(&record)?).await?;
        Ok(answered(&json!({ "experiment_id": id.to_string() })))
    }
}

/// A request that makes something, with the id that it got here: the server must give the same.
fn with_ids(path: &str, body: &Bytes, told: &[u8]) -> Bytes {
    let (create, model) = (path.ends_with("/runs/create"), path.ends_with("/mlflow/logged-models"));
    if !create && !model {
        return body.clone();
    }
    let Ok(mut asked) = serde_json::from_slice::<Map<String, Value>>(body) else { return body.clone() };
    let told: Value = serde_json::from_slice(told).unwrap_or_default();
    let info = if create { &told["run"]["info"] } else { &told["model"]["info"] };
    if create {
        asked.insert(RUN_ID.to_owned(), info["run_id"].clone());
        asked.insert("run_name".to_owned(), info["run_name"].clone());
        asked.insert("start_time".to_owned(), info["start_time"].clone());
    } else {
        asked.insert(MODEL_ID.to_owned(), info["model_id"].clone());
        asked.insert("name".to_owned(), info["name"].clone());
    }
    Bytes::from(Value::Object(asked).to_string())
}
