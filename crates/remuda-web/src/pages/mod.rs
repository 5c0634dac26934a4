//! The pages: each a function from a use case's answer to markup, and the routes that ask for the answer.
//!
//! One file per noun, the same nouns as everywhere. No page holds a rule: what it says comes from the answer.

pub mod analysis;
pub mod board;
pub mod data;
pub mod errors;
pub mod gate;
pub mod ledger;
pub mod live;
pub mod login;
mod metrics;
pub mod model;
pub mod problem;
mod profile;
pub mod reference;
pub mod release;
pub mod requirement;
pub mod run;
mod run_captured;
pub mod runs;
pub mod team;
pub mod why;

use crate::components::{Frame, parts};
use crate::format;
use crate::state::Web;
use crate::visit::{Visit, redirect};
use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use maud::{Markup, html};
use remuda_app as app;
use serde::Deserialize;
use std::sync::Arc;

pub(crate) fn routes() -> Router<Arc<Web>> {
    Router::new()
        .route("/", get(board_page))
        .route("/requirement", get(requirements))
        .route("/requirement/{name}", get(requirement_page))
        .route("/data", get(versions))
        .route("/data/{version}", get(version_page))
        .route("/data/{before}/diff/{after}", get(version_diff))
        .merge(runs::routes())
        .route("/run/{run}", get(runs::run_page))
        .route("/run/{left}/diff/{right}", get(run_diff))
        .route("/model", get(models))
        .route("/model/{model}", get(model_page))
        .route("/model/{model}/onnx", get(model_file))
        .route("/test/{model}", get(tests_page))
        .route("/gate", get(evaluations))
        .route("/gate/{evaluation}", get(evaluation_page))
        .route("/gate/{evaluation}/report", get(evaluation_report))
        .route("/analysis", get(analyses))
        .merge(analysis::routes())
        .route("/analysis/labels/{request}", get(label_file))
        .route("/analysis/{analysis}", get(analysis_page))
        .route("/release", get(releases))
        .route("/release/{release}", get(release_page))
        .route("/live", get(live_page))
        .route("/why", get(why_ask))
        .route("/why/{id}", get(why_page))
        .route("/ledger", get(ledger_page))
        .route("/team", get(team_page))
        .route("/api", get(reference_page))
        .route("/docs/errors", get(errors_page))
}

/// A query that may be nonsense: the page is then shown as if nothing was asked.
pub(crate) type Asking<T> = Result<Query<T>, QueryRejection>;

async fn board_page(visit: Visit) -> Response {
    visit.show(app::product::Status {}, board::page).await
}

async fn requirements(visit: Visit) -> Response {
    visit.show(app::requirement::List {}, requirement::list).await
}

async fn requirement_page(visit: Visit, Path(name): Path<String>) -> Response {
    visit.show(app::requirement::Show { name }, requirement::page).await
}

async fn versions(visit: Visit) -> Response {
    visit.show(app::data::Log { name: None }, data::list).await
}

#[derive(Deserialize)]
struct ColumnsPage {
    #[serde(default)]
    columns: usize,
}

async fn version_page(visit: Visit, Path(version): Path<String>, query: Asking<ColumnsPage>) -> Response {
    let columns = query.map_or(0, |Query(query)| query.columns);
    visit.show(app::data::Show { version }, |frame, view| data::page(frame, view, columns)).await
}

async fn version_diff(visit: Visit, Path((before, after)): Path<(String, String)>) -> Response {
    visit.show(app::data::Diff { before, after: Some(after), limit: 40, holdout: false }, data::difference).await
}

async fn run_diff(visit: Visit, Path((left, right)): Path<(String, String)>) -> Response {
    visit.show(app::run::Diff { left, right: Some(right) }, run::difference).await
}

async fn models(visit: Visit) -> Response {
    visit.show(app::model::List { name: None }, model::list).await
}

async fn model_page(visit: Visit, Path(model): Path<String>) -> Response {
    visit.show(app::model::Show { model }, model::page).await
}

/// The model itself. It goes out under its own name and as nothing that a browser would open.
async fn model_file(visit: Visit, Path(model): Path<String>) -> Response {
    let context = match visit.context().await {
        Ok(context) => context,
        Err(error) => return visit.problem(None, &error, None),
    };
    let request = app::model::Export { model, output: "model.onnx".into() };
    let exported = match app::use_case::run(request, &visit.web.app, &context).await {
        Ok(exported) => exported,
        Err(error) => return visit.problem(Some(&context), &error, None),
    };
    let digest = exported.download.unwrap_or_default();
    match crate::api::attachment(&visit.web.app, &digest, Some(&exported.file_name)).await {
        Ok(file) => file,
        Err(error) => visit.problem(Some(&context), &error, None),
    }
}

async fn tests_page(visit: Visit, Path(candidate): Path<String>) -> Response {
    visit.show(app::analysis::ShowTests { candidate, limit: 5 }, analysis::test::page).await
}

async fn evaluations(visit: Visit) -> Response {
    visit.show(app::gate::List {}, gate::list).await
}

async fn evaluation_page(visit: Visit, Path(evaluation): Path<String>) -> Response {
    visit.show(app::gate::Show { evaluation }, gate::page).await
}

async fn evaluation_report(visit: Visit, Path(evaluation): Path<String>) -> Response {
    let draw = |_: &Frame, view: &app::gate::ReportPage| crate::report::document(view, crate::report::Style::Linked);
    visit.show(app::gate::Report { evaluation }, draw).await
}

async fn analyses(visit: Visit) -> Response {
    visit.show(app::analysis::List {}, analysis::list).await
}

async fn analysis_page(visit: Visit, Path(analysis): Path<String>) -> Response {
    visit.show(app::analysis::Show { analysis }, analysis::slices::page).await
}

/// The rows that somebody asked labels for.
async fn label_file(visit: Visit, Path(request): Path<String>) -> Response {
    let context = match visit.context().await {
        Ok(context) => context,
        Err(error) => return visit.problem(None, &error, None),
    };
    let request = request.trim_end_matches(".csv").to_owned();
    let name = format!("{request}-to-label.csv");
    let asked = app::analysis::RequestedLabels { request, output: name.clone().into() };
    let digest = match app::use_case::run(asked, &visit.web.app, &context).await {
        Ok(asked) => asked.download.unwrap_or_default(),
        Err(error) => return visit.problem(Some(&context), &error, None),
    };
    match crate::api::attachment(&visit.web.app, &digest, Some(&name)).await {
        Ok(file) => file,
        Err(error) => visit.problem(Some(&context), &error, None),
    }
}

async fn releases(visit: Visit) -> Response {
    visit.show(app::release::List {}, release::list).await
}

async fn release_page(visit: Visit, Path(release): Path<String>) -> Response {
    visit.show(app::release::Show { release }, release::page).await
}

async fn live_page(visit: Visit) -> Response {
    visit.show(app::serving::Live { days: 30 }, live::page).await
}

#[derive(Deserialize, Default)]
struct Asked {
    id: Option<String>,
}

async fn why_ask(visit: Visit, query: Asking<Asked>) -> Response {
    let id = query.ok().and_then(|Query(query)| query.id).map(|id| id.trim().to_owned()).unwrap_or_default();
    if !id.is_empty() {
        return redirect(&format!("/why/{}", format::segment(&id)));
    }
    visit.show(app::ledger::Log { limit: 12, before: None, verb: None, actor: None }, why::ask).await
}

async fn why_page(visit: Visit, Path(id): Path<String>) -> Response {
    visit.show(app::ledger::Why { id }, why::page).await
}

#[derive(Deserialize, Default)]
struct LedgerQuery {
    before: Option<String>,
    verb: Option<String>,
    actor: Option<String>,
}

async fn ledger_page(visit: Visit, query: Asking<LedgerQuery>) -> Response {
    let query = query.map(|Query(query)| query).unwrap_or_default();
    let filled = |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let asked = app::ledger::Log {
        limit: 80,
        before: query.before.and_then(|before| before.parse().ok()),
        verb: filled(query.verb),
        actor: filled(query.actor),
    };
    visit.show(asked.clone(), |frame, view| ledger::page(frame, view, &asked)).await
}

async fn team_page(visit: Visit) -> Response {
    visit.show(app::team::Show {}, team::page).await
}

async fn reference_page(visit: Visit) -> Response {
    let context = visit.context().await.ok();
    reference::page(&visit.frame(context.as_ref()), &crate::openapi::DESCRIPTION.operations).into_response()
}

/// Open to everybody, also to those whom an error has just turned away: it says nothing about the product then.
async fn errors_page(visit: Visit) -> Response {
    let known = visit.caller.member.is_some() || !visit.web.options.asks();
    let context = if known { visit.context().await.ok() } else { None };
    errors::page(&visit.frame(context.as_ref())).into_response()
}

/// Words in which digests are shown short.
fn linked_words(words: &str) -> Markup {
    html! {
        @for (index, word) in words.split(' ').take(40).enumerate() {
            @if index > 0 { " " }
            @if word.starts_with("b3:") { (parts::digest(word)) } @else { (format::cut(word, 80)) }
        }
    }
}
