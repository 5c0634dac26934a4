//! MLflow's REST protocol: tracking, registry and artifacts, for scripts that speak it already.
//!
//! - [`answer`]: errors as its clients read them; [`fields`]: what a request says, checked; [`limits`]: names and sizes
//! - [`experiments`], [`runs`], [`logging`], [`search`], [`history`]: one file per part of the protocol
//! - [`logged_models`], [`registry`]: models; [`places`]: tokens of pages
//! - [`artifacts`]: files of runs; [`files`]: one of them as an answer
//! - [`traces`]: spans as OpenTelemetry sends them, traces and their assessments
//! - [`artifacts`]: files of runs; [`files`]: one of them as an answer
//! - [`deliver`]: what runners spooled; [`local`]: the address that a runner gives its script
//! - [`server`]: what the server can do, and the routes that it does not have
//!
//! Rules live in `remuda_app::run::tracked`; this face translates. A mistake of the caller is never a 5xx: clients would
//! repeat the request for minutes.

pub(crate) mod answer;
mod artifacts;
mod deliver;
mod experiments;
mod experiments_filter;
pub(crate) mod fields;
pub(crate) mod files;
mod history;
pub(crate) mod limits;
pub mod local;
mod logged_models;
mod logging;
mod places;
mod registry;
mod runs;
mod search;
mod server;
mod traces;

use crate::guard::Caller;
use crate::state::Web;
use answer::Answer;
use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRequestParts};
use axum::http::Method;
use axum::http::request::Parts;
use axum::routing::MethodRouter;
use remuda_app::run::tracked::{SpoolRecord, Tracking};
use remuda_app::{Context, Error};
use std::sync::Arc;

/// The greatest JSON body, in bytes: a dataset's profile may take 16 MiB.
const BODY_LIMIT: usize = 32 << 20;

/// Where the protocol lives: for programs, and for browsers.
const PREFIXES: [&str; 2] = ["/api", "/ajax-api"];

/// The state behind every route, and who calls.
pub(crate) struct Call {
    pub(crate) web: Arc<Web>,
    pub(crate) caller: Caller,
    pub(crate) tracking: Tracking,
    /// It comes from a spool, where it was acknowledged already: ids that were given there are kept.
    pub(crate) spooled: bool,
}

impl FromRequestParts<Arc<Web>> for Call {
    type Rejection = axum::response::Response;

    async fn from_request_parts(parts: &mut Parts, web: &Arc<Web>) -> Result<Self, Self::Rejection> {
        let caller = parts.extensions.get::<Caller>().cloned().unwrap_or_default();
        let tracking = web.app.tracking(&web.product).map_err(|error| answer::refuse(&error))?;
        let record = parts.extensions.get::<SpoolRecord>().cloned();
        let spooled = record.is_some();
        let tracking = match record {
            Some(record) => tracking.for_record(record),
            None => tracking,
        };
        let call = Self { web: web.clone(), caller, tracking, spooled };
        let reads = parts.method == Method::GET
            || parts.method == Method::HEAD
            || ["/search", "/search-datasets", "/get-latest-versions"]
                .iter()
                .any(|end| parts.uri.path().ends_with(end));
        if !reads {
            call.need_member().await.map_err(|error| answer::refuse(&error))?;
        }
        Ok(call)
    }
}

impl Call {
    /// The id that a spool gave: the script knows it.
    pub(crate) fn given_id(&self, fields: &fields::Fields, name: &str) -> Result<Option<String>, Error> {
        let id = if self.spooled { fields.text(name)? } else { None };
        if let Some(id) = &id {
            limits::run_id(name, id)?;
        }
        Ok(id)
    }

    /// Who calls, with the folder's definitions.
    pub(crate) async fn context(&self) -> Result<Context, Error> {
        crate::visit::context(&self.web, &self.caller, None).await
    }

    /// Refuses whoever is no member where others than this machine can call: only members fill the disk. On this machine
    /// alone nothing gates an experiment.
    pub(crate) async fn need_member(&self) -> Result<(), Error> {
        if !self.web.options.asks() {
            return Ok(());
        }
        let context = self.context().await?;
        if context.may_write() {
            return Ok(());
        }
        let who = &context.actor.name;
        let message = format!("`{who}` is no member of {}, so it may read but not write", context.product_name());
        Err(Error::new("access.denied", message).hint("add a `[members.NAME]` table to `remuda.toml`"))
    }
}

/// Routes of the protocol, each under both prefixes.
#[derive(Default)]
pub(crate) struct Routes {
    router: Router<Arc<Web>>,
}

impl Routes {
    /// Adds `/2.0/mlflow/…`, say, under both prefixes.
    #[must_use]
    pub(crate) fn at(mut self, path: &str, method: MethodRouter<Arc<Web>>) -> Self {
        for prefix in PREFIXES {
            self.router = self.router.route(&format!("{prefix}{path}"), method.clone());
        }
        self
    }

    /// Adds a path as it stands.
    #[must_use]
    pub(crate) fn plain(mut self, path: &str, method: MethodRouter<Arc<Web>>) -> Self {
        self.router = self.router.route(path, method);
        self
    }
}

/// All routes of the protocol.
pub(crate) fn routes() -> Router<Arc<Web>> {
    let routes = Routes::default();
    let routes = server::routes(routes);
    let routes = experiments::routes(routes);
    let routes = runs::routes(routes);
    let routes = logging::routes(routes);
    let routes = search::routes(routes);
    let routes = history::routes(routes);
    let routes = logged_models::routes(routes);
    let routes = registry::routes(routes);
    let routes = artifacts::routes(routes);
    let routes = traces::routes(routes);
    let routes = deliver::routes(routes);
    routes.router.layer(DefaultBodyLimit::max(BODY_LIMIT))
}

/// Whether an address belongs to the protocol: errors then have its shape.
pub(crate) fn is_protocol(path: &str) -> bool {
    let rest = PREFIXES.iter().find_map(|prefix| path.strip_prefix(prefix));
    rest.is_some_and(|rest| {
        ["/2.0/mlflow", "/2.11/mlflow", "/3.0/mlflow", "/2.0/remuda"].iter().any(|start| rest.starts_with(start))
    }) || ["/v1/traces", "/get-artifact", "/model-versions/get-artifact", "/health", "/version"].contains(&path)
}

pub(crate) use server::no_route;

/// The result of a route.
pub(crate) type Outcome = Result<Answer, Error>;
