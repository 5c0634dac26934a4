//! The routes of many runs: each asks the use cases whose answers its page draws.

use super::compare::{self, Drawn};
use super::{Asked, Logged, files, list, live};
use crate::components::Frame;
use crate::mlflow::Call;
use crate::mlflow::files::{Manner, file_under};
use crate::state::Web;
use crate::visit::Visit;
use axum::extract::{Path, Query};
use axum::http::HeaderMap;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use maud::Markup;
use remuda_app as app;
use remuda_app::{Context, Error, UseCase, use_case};
use serde_json::json;
use std::sync::Arc;

type Pairs = Result<Query<Vec<(String, String)>>, axum::extract::rejection::QueryRejection>;

pub(crate) fn routes() -> Router<Arc<Web>> {
    Router::new()
        .route("/run", get(runs))
        .route("/run/compare", get(compare_page))
        .route("/run/{run}/live", get(live_part))
        .route("/run/{run}/files", get(files_top))
        .route("/run/{run}/files/{*path}", get(files_page))
        .route("/run/{run}/raw/{*path}", get(raw_file))
}

fn pairs(query: Pairs) -> Vec<(String, String)> {
    query.map(|Query(pairs)| pairs).unwrap_or_default()
}

async fn ask<U: UseCase>(visit: &Visit, context: &Context, request: U) -> Result<U::Answer, Error> {
    use_case::run(request, &visit.web.app, context).await
}

async fn runs(visit: Visit, query: Pairs) -> Response {
    let asked = Asked::read(&pairs(query));
    let context = match visit.context().await {
        Ok(context) => context,
        Err(error) => return visit.problem(None, &error, None),
    };
    let find = async || -> Result<list::View, Error> {
        let groups = match &asked.group {
            None => None,
            Some(by) => {
                let request = app::run::Groups {
                    by: by.clone(),
                    filter: asked.filter.clone(),
                    order_by: asked.order_by.clone(),
                    experiment: asked.experiment.clone(),
                    deleted: asked.deleted,
                };
                Some(ask(&visit, &context, request).await?)
            }
        };
        let mut list = asked.list();
        if groups.is_some() {
            // Of the runs themselves only their number is shown, and what there is to choose from.
            list.limit = 1;
        }
        Ok(list::View {
            runs: ask(&visit, &context, list).await?,
            groups,
            experiments: ask(&visit, &context, app::run::Experiments { deleted: asked.deleted }).await?,
            views: ask(&visit, &context, app::run::Views {}).await?,
        })
    };
    match find().await {
        Ok(view) => list::page(&visit.frame(Some(&context)), &view, &asked).into_response(),
        Err(error) => visit.problem(Some(&context), &error, Some("/run")),
    }
}

async fn compare_page(visit: Visit, query: Pairs) -> Response {
    let asked = compare::Question::read(&pairs(query));
    let context = match visit.context().await {
        Ok(context) => context,
        Err(error) => return visit.problem(None, &error, None),
    };
    let find = async || -> Result<(app::run::RunsCompared, Drawn), Error> {
        let compared = ask(&visit, &context, asked.request()).await?;
        let mut drawn = Drawn { metrics: asked.chosen(&compared), ..Drawn::default() };
        let runs: Vec<String> = compared.runs.iter().take(compare::CURVES).map(|run| run.run.clone()).collect();
        if !runs.is_empty() && !drawn.metrics.is_empty() {
            let request = app::run::Curves {
                buckets: compare::buckets(runs.len() * drawn.metrics.len()),
                runs,
                metrics: drawn.metrics.clone(),
                along: asked.manner.along.as_str().to_owned(),
            };
            drawn.curves = Some(ask(&visit, &context, request).await?);
        }
        Ok((compared, drawn))
    };
    match find().await {
        Ok((compared, drawn)) => compare::page(&visit.frame(Some(&context)), &compared, &drawn, &asked).into_response(),
        Err(error) => visit.problem(Some(&context), &error, Some("/run")),
    }
}

/// One run: what is known of it, and its curves.
pub(crate) async fn run_page(visit: Visit, Path(run): Path<String>, query: Pairs) -> Response {
    let manner = compare::manner(&pairs(query));
    let context = match visit.context().await {
        Ok(context) => context,
        Err(error) => return visit.problem(None, &error, None),
    };
    let find = async || -> Result<(app::run::RunState, Logged), Error> {
        let state = ask(&visit, &context, app::run::Show { run: run.clone() }).await?;
        let curves = curves_of(&visit, &context, &state, manner.along).await?;
        let files = if state.tracked {
            let request = app::run::Artifacts { run: state.run.clone(), path: None, deep: false };
            // Where the files lie elsewhere, or the run was collected, there are none to list.
            ask(&visit, &context, request).await.ok().filter(|found| !found.artifacts.is_empty())
        } else {
            None
        };
        Ok((state, Logged { curves, files, manner }))
    };
    match find().await {
        Ok((state, logged)) => {
            crate::pages::run::page_with(&visit.frame(Some(&context)), &state, &logged).into_response()
        }
        Err(error) => visit.problem(Some(&context), &error, None),
    }
}

/// The curves of a run that a script tracked; those of a pipeline have one point each.
async fn curves_of(
    visit: &Visit,
    context: &Context,
    state: &app::run::RunState,
    along: app::run::Along,
) -> Result<Option<app::run::RunCurves>, Error> {
    if !state.tracked || state.metrics.is_empty() {
        return Ok(None);
    }
    let metrics: Vec<String> = state.metrics.iter().take(live::SHOWN).map(|metric| metric.name.clone()).collect();
    let request = app::run::Curves {
        buckets: compare::buckets(metrics.len()),
        runs: vec![state.run.clone()],
        metrics,
        along: along.as_str().to_owned(),
    };
    match ask(visit, context, request).await {
        Ok(curves) => Ok(Some(curves)),
        // What it logged was collected a moment ago, or never was there.
        Err(error) if error.kind == app::Kind::Missing => Ok(None),
        Err(error) => Err(error),
    }
}

/// What changes while a run goes on, for the page's script: whether it goes on, and the part of the page.
async fn live_part(visit: Visit, Path(run): Path<String>, query: Pairs) -> Response {
    let manner = compare::manner(&pairs(query));
    let find = async || -> Result<(Frame, app::run::RunState, Option<app::run::RunCurves>), Error> {
        let context = visit.context().await?;
        let state = ask(&visit, &context, app::run::Show { run }).await?;
        let curves = curves_of(&visit, &context, &state, manner.along).await?;
        Ok((visit.frame(Some(&context)), state, curves))
    };
    match find().await {
        Ok((frame, state, curves)) => {
            let running = state.status == remuda_model::run::RunStatus::Running;
            let part = live::part(&frame, &state, curves.as_ref(), manner).into_string();
            ([(header::CACHE_CONTROL, "no-store")], Json(json!({ "running": running, "html": part }))).into_response()
        }
        Err(error) => crate::api::problem::answer(&error),
    }
}

async fn files_top(visit: Visit, Path(run): Path<String>) -> Response {
    folder_or_file(visit, run, None).await
}

async fn files_page(visit: Visit, Path((run, path)): Path<(String, String)>) -> Response {
    folder_or_file(visit, run, Some(path)).await
}

/// A folder's page, or a file's.
async fn folder_or_file(visit: Visit, run: String, path: Option<String>) -> Response {
    let context = match visit.context().await {
        Ok(context) => context,
        Err(error) => return visit.problem(None, &error, None),
    };
    let draw = async || -> Result<Markup, Error> {
        let request = app::run::Artifacts { run: run.clone(), path: path.clone(), deep: false };
        let found = ask(&visit, &context, request).await?;
        let frame = visit.frame(Some(&context));
        let is_file = found.artifacts.iter().any(|one| !one.is_folder && one.path == found.path);
        if !is_file {
            return Ok(files::folder(&frame, &found));
        }
        let preview = ask(&visit, &context, app::run::Preview { run: found.run, path: found.path }).await?;
        Ok(files::file(&frame, &preview))
    };
    match draw().await {
        Ok(page) => page.into_response(),
        Err(error) => visit.problem(Some(&context), &error, None),
    }
}

/// A file as it is, for pictures and sandboxes, or to be saved.
async fn raw_file(
    visit: Visit,
    call: Call,
    Path((run, path)): Path<(String, String)>,
    query: Pairs,
    headers: HeaderMap,
) -> Response {
    let manner = if pairs(query).iter().any(|(name, _)| name == "save") { Manner::Saved } else { Manner::Shown };
    let find = async || -> Result<Response, Error> {
        let run = call.tracking.find(&run).await?;
        file_under(&call, &run.artifacts, &path, &headers, manner).await
    };
    match find().await {
        Ok(response) => response,
        Err(error) => visit.problem(None, &error, None),
    }
}
