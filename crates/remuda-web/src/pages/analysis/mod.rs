//! `/analysis` and `/analysis/{id}`: analyses of mistakes, one file per verb; what asks about a candidate is in `asked`.

pub mod asked;
pub mod compare;
pub mod labels;
pub mod mistakes;
pub mod phrases;
mod routes;
pub mod slices;
pub mod test;
pub mod threshold;
mod uses;

pub(crate) use routes::routes;

use crate::components::{Frame, Page, Section, layout, parts, table as tables};
use crate::format;
use maud::{Markup, html};
use remuda_app::analysis::{Analyses, AnalysisLine};

/// Analyses, newest first.
pub fn list(frame: &Frame, view: &Analyses) -> Markup {
    let shown = &view.analyses[..view.analyses.len().min(100)];
    let body = html! {
        (parts::section("ask", "Ask about a candidate", html! {}, asked::all()))
        @if shown.is_empty() {
            (parts::empty("No candidate was searched for slices yet.", "remuda analysis slices MODEL"))
        }
        @else {
            (parts::section("kept", "Searches for slices", html! {}, html! {
                (table(frame, shown)) (parts::left_out(view.analyses.len(), shown.len(), "remuda analysis list"))
            }))
        }
        (uses::requests(frame, &view.requests))
    };
    let page = Page {
        title: "Analysis".to_owned(),
        section: Section::Analysis,
        crumbs: Vec::new(),
        beside: html! {},
        lead: html! { span { "Where candidates fail, on which rows, and whether that can be believed." } },
        commands: vec!["remuda analysis list".to_owned()],
        body,
    };
    layout::page(frame, page)
}

fn table(frame: &Frame, analyses: &[AnalysisLine]) -> Markup {
    let rows = html! {
        @for one in analyses {
            tr {
                td {
                    a href=(format::address("analysis", &one.id)) { b { (one.kind) } }
                    span.second { (one.found) }
                }
                td.end {
                    a href=(format::address("model_version", one.model.as_str())) { b { (one.model_name) } }
                    span.second { (parts::digest(one.model.as_str())) }
                }
                td { (one.split) span.second { (parts::digest_link("dataset_version", one.version.as_str())) } }
                td.end title=(one.actor) {
                    (format::cut(&one.actor, 20)) span.second { (parts::time(frame.now, one.time)) }
                }
            }
        }
    };
    tables::stacked("Analyses", tables::heads(["analysis", "candidate", "rows", "by"]), rows)
}
