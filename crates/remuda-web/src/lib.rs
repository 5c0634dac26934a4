//! The browser's face and the machine's: pages, JSON API, OpenAPI, login. It translates and renders; rules live in
//! the use cases of `remuda-app`, the only other crate (besides the words) that it knows.
//!
//! - [`state`]: what the face is given; [`guard`]: who may come in, and how answers leave
//! - [`api`]: every use case as `POST /api/v1/<noun>/<verb>`; [`openapi`]: its description
//! - [`report`]: an evaluation as one document; [`pages`]: from answer to markup, one file per noun; [`components`]: what pages are built of
//! - [`actions`]: forms that carry out use cases; [`login`]: tokens pasted, cookies set
//! - [`mlflow`]: MLflow's protocol, for scripts that speak it already
//! - [`format`]: values as people read them; [`assets`]: style sheet, script, mark

mod actions;
mod api;
pub mod assets;
pub mod components;
pub mod format;
mod guard;
mod login;
pub mod mlflow;
pub mod openapi;
pub mod pages;
pub mod report;
mod state;
mod visit;

pub use guard::guarded;
pub use state::{Options, Web};

use axum::Router;
use axum::routing::get;
use std::sync::Arc;

/// Pages and API behind their guard, compressed. Other routers of the same port go behind the same guard by
/// [`guarded`].
pub fn router(web: Web) -> Router {
    let web = Arc::new(web);
    let inner = Router::new()
        .merge(pages::routes())
        .merge(actions::routes())
        .merge(login::routes())
        .merge(api::routes())
        .route("/assets/{file}", get(assets::serve))
        .fallback(visit::not_found)
        .method_not_allowed_fallback(visit::wrong_method)
        .with_state(web.clone());
    // Scripts speak from this machine or a fast network: squeezing their answers would cost more than it saves.
    let protocol = mlflow::routes().with_state(web.clone());
    guard::guarded_by(web.clone(), inner).merge(guard::guarded_uncompressed(web, protocol))
}
