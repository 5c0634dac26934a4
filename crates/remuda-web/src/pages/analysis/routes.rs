//! The addresses of questions about a candidate, and the use cases that answer them.

use super::asked::Asked;
use super::{compare, labels, mistakes, phrases, threshold};
use crate::components::Frame;
use crate::pages::Asking;
use crate::state::Web;
use crate::visit::Visit;
use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use maud::Markup;
use remuda_app::analysis as app;
use remuda_app::{UseCase, use_case};
use serde::Deserialize;
use std::sync::Arc;

pub(crate) fn routes() -> Router<Arc<Web>> {
    Router::new()
        .route("/analysis/mistakes", get(mistakes_page))
        .route("/analysis/labels", get(labels_page))
        .route("/analysis/phrases", get(phrases_page))
        .route("/analysis/threshold", get(threshold_page))
        .route("/analysis/compare", get(compare_page))
}

/// What a chooser sends.
#[derive(Deserialize, Default)]
struct Chosen {
    candidate: Option<String>,
    #[serde(alias = "old", alias = "costs")]
    other: Option<String>,
}

impl Chosen {
    fn of(query: Asking<Self>) -> (Option<String>, Option<String>) {
        let chosen = query.map(|query| query.0).unwrap_or_default();
        let filled = |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        (filled(chosen.candidate), filled(chosen.other))
    }
}

async fn mistakes_page(visit: Visit, query: Asking<Chosen>) -> Response {
    let (candidate, _) = Chosen::of(query);
    let request = candidate.as_deref().map(app::Mistakes::of);
    ask(visit, candidate, None, request, |frame, asked, _| mistakes::page(frame, asked)).await
}

async fn labels_page(visit: Visit, query: Asking<Chosen>) -> Response {
    let (candidate, _) = Chosen::of(query);
    let request = candidate.as_deref().map(app::Labels::of);
    ask(visit, candidate, None, request, |frame, asked, _| labels::page(frame, asked)).await
}

async fn phrases_page(visit: Visit, query: Asking<Chosen>) -> Response {
    let (candidate, _) = Chosen::of(query);
    let request = candidate.as_deref().map(app::Phrases::of);
    ask(visit, candidate, None, request, |frame, asked, _| phrases::page(frame, asked)).await
}

async fn threshold_page(visit: Visit, query: Asking<Chosen>) -> Response {
    let (candidate, costs) = Chosen::of(query);
    let request = candidate.as_deref().map(|candidate| app::Threshold::of(candidate, costs.as_deref()));
    ask(visit, candidate, costs, request, threshold::page).await
}

async fn compare_page(visit: Visit, query: Asking<Chosen>) -> Response {
    let (candidate, old) = Chosen::of(query);
    let request = candidate.as_deref().zip(old.as_deref()).map(|(new, old)| app::Compare::of(new, old));
    ask(visit, candidate, old, request, |frame, asked, _| compare::page(frame, asked)).await
}

/// Asks when enough was chosen, and draws the page with its chooser whatever came of it: what cannot be asked of one
/// candidate can be of another.
async fn ask<U: UseCase>(
    visit: Visit,
    candidate: Option<String>,
    other: Option<String>,
    request: Option<U>,
    draw: impl FnOnce(&Frame, &Asked<U::Answer>, &[String]) -> Markup,
) -> Response {
    let context = match visit.context().await {
        Ok(context) => context,
        Err(error) => return visit.problem(None, &error, None),
    };
    let models = match use_case::run(remuda_app::model::List { name: None }, &visit.web.app, &context).await {
        Ok(models) => models.models.into_iter().filter(|line| line.version.trained_on.is_some()).collect(),
        Err(error) => return visit.problem(Some(&context), &error, None),
    };
    let found = match request {
        Some(request) => Some(use_case::run(request, &visit.web.app, &context).await),
        None => None,
    };
    let status = match &found {
        Some(Err(error)) if error.status() >= 500 => return visit.problem(Some(&context), error, None),
        Some(Err(error)) if error.status() == 404 => StatusCode::NOT_FOUND,
        _ => StatusCode::OK,
    };
    let (candidate, other) = (candidate.unwrap_or_default(), other.unwrap_or_default());
    let asked = Asked { models, candidate, other, found };
    let page = draw(&visit.frame(Some(&context)), &asked, &app::cost_files(&context));
    (status, page).into_response()
}
