//! The address that a runner gives its script: MLflow's protocol for one run, on this machine, behind a secret.
//!
//! - without a spool it is the folder's own ledger that answers
//! - with one (`carry.rs`) a ledger of the run's own answers, and each change is in the spool's journal before it is
//!   acknowledged; `artifacts.rs` keeps files. What is not known here is asked upstream, where somebody answers
//!
//! Tracking never stops the training: what cannot be kept because the disk is full is answered as if it were, counted,
//! and said.

mod artifacts;
mod carry;
mod paths;

use super::answer::refuse;
use crate::guard::Caller;
use crate::state::Web;
use artifacts::Files;
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use futures::future::BoxFuture;
use paths::Kind;
use remuda_app::Error;
use remuda_app::run::spool::Journal;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tower::ServiceExt as _;

/// The greatest body that is held in memory.
const BODY: usize = 32 << 20;

/// The server behind a spool.
pub trait Upstream: Send + Sync {
    /// Asks it; `None` when it does not answer.
    fn ask(&self, method: Method, path: String, body: Bytes) -> BoxFuture<'_, Option<Reply>>;

    /// Waits, some seconds at most, until all that was spooled so far is delivered; whether it is.
    fn catch_up(&self) -> BoxFuture<'_, bool>;
}

/// What a server answered.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// What the body is.
    pub content_type: Option<HeaderValue>,
    /// The body.
    pub body: Bytes,
}

/// Where changes are kept until a server has them.
pub struct Spooling {
    /// The spool's folder.
    pub folder: PathBuf,
    /// Its journal.
    pub journal: Journal,
    /// The server.
    pub upstream: Arc<dyn Upstream>,
}

/// A local address.
pub struct LocalAddress {
    routes: Router,
    web: Web,
    secret: String,
    spooling: Option<Spooling>,
    files: Files,
    /// The run that the script continues, once it began.
    run: OnceLock<String>,
    /// The experiment that the script named last: its run begins there.
    experiment: AtomicI64,
    adopted: tokio::sync::Mutex<bool>,
    not_kept: AtomicU64,
    why_not_kept: Mutex<String>,
    tell: Box<dyn Fn(&str) + Send + Sync>,
}

impl LocalAddress {
    /// An address whose requests begin with `/SECRET`. `tell` says to people what they must know at once.
    pub fn new(
        web: Web,
        secret: String,
        spooling: Option<Spooling>,
        tell: impl Fn(&str) + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            routes: super::routes().with_state(Arc::new(web.clone())),
            web,
            secret,
            spooling,
            files: Files::default(),
            run: OnceLock::new(),
            experiment: AtomicI64::new(0),
            adopted: tokio::sync::Mutex::new(false),
            not_kept: AtomicU64::new(0),
            why_not_kept: Mutex::default(),
            tell: Box::new(tell),
        })
    }

    /// Tells which run the script continues.
    pub fn set_run(&self, run: &str) {
        let _ = self.run.set(run.to_owned());
    }

    /// Tells which experiment the script's surroundings name.
    pub fn set_experiment(&self, experiment: i64) {
        self.experiment.store(experiment, Ordering::Relaxed);
    }

    /// How many changes could not be kept, and why.
    pub fn not_kept(&self) -> (u64, String) {
        let why = self.why_not_kept.lock().unwrap_or_else(PoisonError::into_inner).clone();
        (self.not_kept.load(Ordering::Relaxed), why)
    }

    /// Notes in the run how much of it is missing.
    pub async fn note_gaps(&self) {
        let (count, why) = self.not_kept();
        let Some(run) = self.run.get().filter(|_| count > 0) else { return };
        let body = json!({ "run_id": run, "key": "remuda.not_kept", "value": format!("{count}: {why}") }).to_string();
        let path = Uri::from_static("/api/2.0/mlflow/runs/set-tag");
        // Where the disk is still full the note is missing too; people were told.
        let _ = self.carry(Method::POST, path, Bytes::from(body)).await;
    }

    /// The router of the address.
    pub fn router(self: &Arc<Self>) -> Router {
        Router::new().fallback(serve).with_state(self.clone())
    }

    /// Counts what could not be kept; says so, but not each time.
    fn lose(&self, why: &str) {
        let count = self.not_kept.fetch_add(1, Ordering::Relaxed) + 1;
        why.clone_into(&mut self.why_not_kept.lock().unwrap_or_else(PoisonError::into_inner));
        if count.is_power_of_two() && count != 2 && count != 4 {
            (self.tell)(&format!("not kept: {count} of what the script logged ({why}); the script goes on"));
        }
    }

    /// Asks the ledger of this machine.
    async fn ask_here(&self, method: Method, uri: Uri, body: Body) -> Response {
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.ask_routes(request).await
    }

    async fn ask_routes(&self, mut request: Request) -> Response {
        request.extensions_mut().insert(Caller::default());
        match self.routes.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }

    /// The run gets its tracked side when the script first names it, in the experiment that it named before.
    async fn adopt_if_named(&self, uri: &Uri, body: &[u8]) {
        let Some(run) = self.run.get() else { return };
        let names = |text: &[u8]| text.windows(run.len()).any(|window| window == run.as_bytes());
        if !names(uri.to_string().as_bytes()) && !names(body) {
            return;
        }
        let mut adopted = self.adopted.lock().await;
        if *adopted {
            return;
        }
        let experiment = self.experiment.load(Ordering::Relaxed).to_string();
        if let (Some(spooling), true) = (&self.spooling, experiment != "0") {
            let get = format!("/api/2.0/mlflow/experiments/get?experiment_id={experiment}");
            if let Ok(get) = get.parse() {
                self.experiment(spooling, Method::GET, get, Bytes::new()).await;
            }
        }
        let body = json!({ "run_id": run, "experiment_id": experiment }).to_string();
        let path = Uri::from_static("/api/2.0/remuda/adopt");
        *adopted = self.carry(Method::POST, path, Bytes::from(body)).await.status().is_success();
    }

    /// Remembers the experiment that the script was told of.
    fn note_experiment(&self, answered: &[u8]) {
        let answered: Value = serde_json::from_slice(answered).unwrap_or_default();
        let id = answered["experiment"]["experiment_id"].as_str().or_else(|| answered["experiment_id"].as_str());
        if let Some(id) = id.and_then(|id| id.parse().ok()) {
            self.experiment.store(id, Ordering::Relaxed);
        }
    }

    async fn answer(&self, request: Request) -> Response {
        let kind = paths::kind(request.method(), request.uri().path());
        if let (Kind::Artifact, spooling) = (&kind, &self.spooling) {
            return match spooling {
                None => self.pass_file(request).await,
                Some(spooling) => self.artifact(spooling, request).await,
            };
        }
        let (parts, body) = request.into_parts();
        let body = match to_bytes(body, BODY).await {
            Ok(body) => body,
            Err(error) => return refuse(&Error::new("tracked.bad_request", format!("the body broke off: {error}"))),
        };
        self.adopt_if_named(&parts.uri, &body).await;
        let (method, uri) = (parts.method, parts.uri);
        let Some(spooling) = &self.spooling else {
            let answer = self.carry(method, uri, body).await;
            return if kind == Kind::Experiment { self.heard(answer).await } else { answer };
        };
        match kind {
            Kind::Experiment => {
                let answer = self.experiment(spooling, method, uri, body).await;
                self.heard(answer).await
            }
            Kind::Change { .. } => self.carry(method, uri, body).await,
            Kind::Own => self.ask_here(method, uri, Body::from(body)).await,
            Kind::ServerInfo => carry::server_info(self.ask_here(method, uri, Body::from(body)).await).await,
            Kind::Read => self.read(spooling, method, uri, body).await,
            Kind::Search => self.search(spooling, method, uri, body).await,
            Kind::Artifact | Kind::Other => self.pass_on(spooling, method, uri, body, true).await,
        }
    }

    /// A file for the folder's own ledger; one that has no room there does not stop the script.
    async fn pass_file(&self, request: Request) -> Response {
        let keeps = request.method() == Method::PUT;
        let answer = self.ask_routes(request).await;
        let failed = answer.status().is_server_error() && answer.status() != StatusCode::NOT_IMPLEMENTED;
        if !keeps || !failed {
            return answer;
        }
        self.lose("a file could not be written where the ledger lives");
        axum::Json(json!({})).into_response()
    }

    /// An answer about an experiment, remembered.
    async fn heard(&self, answer: Response) -> Response {
        if !answer.status().is_success() {
            return answer;
        }
        let (parts, body) = answer.into_parts();
        let body = to_bytes(body, BODY).await.unwrap_or_default();
        self.note_experiment(&body);
        Response::from_parts(parts, Body::from(body))
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        if let Some(content_type) = self.content_type {
            response.headers_mut().insert(header::CONTENT_TYPE, content_type);
        }
        response
    }
}

async fn serve(State(address): State<Arc<LocalAddress>>, mut request: Request) -> Response {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let within = path.strip_prefix('/').and_then(|path| path.strip_prefix(address.secret.as_str()));
    // Other users of this machine can knock here, but do not know the word.
    let Some(uri) = within.filter(|rest| rest.starts_with('/')).and_then(|rest| rest.parse::<Uri>().ok()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    *request.uri_mut() = uri;
    address.answer(request).await
}
