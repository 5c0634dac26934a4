//! What stands around a run: experiment, parent and children, the datasets that its script read, logged models, tags.

use crate::components::{parts, table};
use crate::format;
use maud::{Markup, html};
use remuda_app::run::{RunFamily, RunState};
use remuda_model::text;

/// Tags that a page shows.
const TAGS: usize = 60;

/// Experiment, parent and children.
pub fn family(run: &RunState) -> Markup {
    let Some(family) = &run.family else { return html! {} };
    html! {
        (parts::section("family", "Experiment", html! {}, html! {
            (parts::facts([
                ("experiment", html! { a href={ "/run?experiment=" (format::segment(&run.experiment)) } { (format::cut(&run.experiment, 60)) } }),
                ("nested in", html! { @match &family.parent {
                    Some((id, name)) => { a href=(format::address("run", id)) { @if name.is_empty() { (format::short(id)) } @else { (format::cut(name, 50)) } } },
                    None => "–",
                } }),
            ]))
            @if !family.children.is_empty() {
                details open[family.children.len() <= 12] {
                    summary { (text::count(family.children_in_all, "nested run")) }
                    ul.plain-list.small { @for child in &family.children {
                        li { (parts::status(child.status)) " " a href=(format::address("run", &child.run)) { (format::cut(&child.name, 50)) } }
                    } }
                    (parts::left_out(family.children_in_all as usize, family.children.len(), "remuda run list --filter"))
                }
                @if family.children.len() > 1 { p { a href=(children_compared(&run.run)) { "compare the nested runs" } } }
            }
        }))
        (inputs(family))
        (models(family))
    }
}

fn children_compared(run: &str) -> String {
    let filter = format!("tags.mlflow.parentRunId = '{}'", run.replace('\'', "''"));
    format!("/run/compare?filter={}", format::segment(&filter))
}

fn inputs(family: &RunFamily) -> Markup {
    let rows = html! {
        @for input in family.inputs.iter().take(40) {
            tr {
                td.what { b { (format::cut(&input.name, 60)) } @if !input.context.is_empty() { span.second { "for " (format::cut(&input.context, 40)) } } }
                td { @match &input.version {
                    Some(version) => { (parts::digest_link("dataset_version", version.as_str())) },
                    None => { code.digest title=(input.digest) { (format::cut(&input.digest, 16)) } span.second { "no version here" } },
                } }
            }
        }
    };
    html! {
        @if !family.inputs.is_empty() {
            (parts::section("inputs", "Datasets read", html! {}, table::stacked("Datasets read", table::heads(["dataset", "version"]), rows)))
        }
    }
}

fn models(family: &RunFamily) -> Markup {
    html! {
        @if !family.models_made.is_empty() || !family.models_read.is_empty() {
            (parts::section("logged-models", "Logged models", html! {}, html! {
                ul.plain-list.small {
                    @for model in family.models_made.iter().take(20) { li { "made " code { (model) } } }
                    @for model in family.models_read.iter().take(20) { li { "read " code { (model) } } }
                }
            }))
        }
    }
}

/// The tags that people set; those of clients and of remuda are folded away.
pub fn tags(run: &RunState) -> Markup {
    let is_own = |name: &str| !name.starts_with("mlflow.") && !name.starts_with("remuda.");
    let (own, others): (Vec<_>, Vec<_>) = run.tags.iter().partition(|(name, _)| is_own(name));
    let list = |tags: &[(&String, &String)]| {
        html! {
            dl.facts { @for (name, value) in tags.iter().take(TAGS) { div { dt { (format::cut(name, 60)) } dd { (format::cut(value, 200)) } } } }
            (parts::left_out(tags.len(), TAGS, &format!("remuda run show {} --json", run.run)))
        }
    };
    html! {
        @if !run.tags.is_empty() {
            (parts::section("tags", "Tags", html! {}, html! {
                @if !own.is_empty() { (list(&own)) }
                @if !others.is_empty() { details { summary { (text::count(others.len() as u64, "tag")) " of clients" } (list(&others)) } }
            }))
        }
    }
}
