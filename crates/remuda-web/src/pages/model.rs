//! `/model` and `/model/{digest}`: model versions, what they read, how they were evaluated.

use super::{gate, metrics};
use crate::components::{Frame, Page, Section, action, chart, layout, parts, table};
use crate::format;
use maud::{Markup, html};
use remuda_app::model::{ModelLine, ModelPage, Models};
use remuda_app::words::model::registered::{CANDIDATE_TAG, VersionStage};
use remuda_model::data::Task;
use remuda_model::model::ModelSignature;
use remuda_model::text;

/// Model versions, newest first.
pub fn list(frame: &Frame, view: &Models) -> Markup {
    let rows = html! { @for line in view.models.iter().take(80) { (row(frame, line)) } };
    let body = html! {
        @if view.models.is_empty() {
            (parts::empty("No model yet. A step that learns makes one, written as ONNX with golden rows.", "remuda run"))
        }
        @else {
            (table::stacked("Models", table::heads(["model", "learner", "on validation", "run", "by"]), rows))
            (parts::left_out(view.models.len(), 80, "remuda model list"))
        }
    };
    let page = Page {
        title: "Models".to_owned(),
        section: Section::Model,
        crumbs: Vec::new(),
        beside: html! {},
        lead: html! { span { "Each version is one ONNX file; a candidate is one that is held against the criteria." } },
        commands: vec!["remuda model list".to_owned()],
        body,
    };
    layout::page(frame, page)
}

fn row(frame: &Frame, line: &ModelLine) -> Markup {
    let version = &line.version;
    html! {
        tr {
            td {
                a href=(format::address("model_version", version.digest.as_str())) { b { (version.name) } }
                span.second { (parts::digest_link("model_version", version.digest.as_str())) }
            }
            td.end { @match version.algorithm { Some(algorithm) => (algorithm.as_str()), None => span.muted { "own" } } }
            td.wide {
                div.metrics {
                    @for metric in line.metrics.iter().take(2) {
                        span {
                            span.muted { (metric.name) } " " b { (format::point(metric)) }
                            span.second { (format::interval(metric.lower, metric.upper)) }
                        }
                    }
                }
            }
            td { (parts::digest_link("run", &version.run)) }
            td.end { (format::cut(&line.actor, 20)) span.second { (parts::time(frame.now, line.time)) } }
        }
    }
}

/// One model version.
pub fn page(frame: &Frame, view: &ModelPage) -> Markup {
    let version = &view.line.version;
    let body = html! {
        div.columns {
            div.main-column {
                (parts::section("metrics", "On validation", html! {}, html! {
                    @if view.line.metrics.is_empty() {
                        p.muted { "No metric was recorded." }
                    } @else {
                        (metrics::metrics(&view.line.metrics, &format!("remuda model show {}", version.digest.short())))
                    }
                }))
                (evaluations(frame, view))
                (inputs(&version.signature))
            }
            div.side-column { (about(frame, view)) (notes(&view.line.notes)) (importance(&view.line.importance)) (registered(view)) (releases(view)) }
        }
    };
    let page = Page {
        title: format!("{} {}", version.name, version.digest.short()),
        section: Section::Model,
        crumbs: vec![("Models".to_owned(), "/model".to_owned())],
        beside: html! {
            (action::button(frame, "gate", "evaluate", "Evaluate", &[("candidate", version.digest.as_str())]))
            (action::button(frame, "analysis", "slices", "Find slices", &[("candidate", version.digest.as_str())]))
            (action::button(frame, "release", "create", "Create a release", &[("model", version.digest.as_str())]))
        },
        lead: html! {
            span { "by " b { (view.line.actor) } ", " (parts::time(frame.now, view.line.time)) }
            span { "run " (parts::digest_link("run", &version.run)) }
        },
        commands: vec![
            format!("remuda model show {}", version.digest.short()),
            format!("remuda gate evaluate {}", version.digest.short()),
            format!("remuda analysis slices {}", version.digest.short()),
            format!("remuda model export {} -o {}.onnx", version.digest.short(), version.name),
        ],
        body,
    };
    layout::page(frame, page)
}

fn evaluations(frame: &Frame, view: &ModelPage) -> Markup {
    parts::section(
        "evaluations",
        "Evaluations",
        html! {},
        html! {
            @if view.evaluations.is_empty() {
                (parts::empty("Not yet held against the criteria.", &format!("remuda gate evaluate {}", view.line.version.digest.short())))
            }
            @else { (gate::table(frame, &view.evaluations)) }
        },
    )
}

fn inputs(signature: &ModelSignature) -> Markup {
    let rows = html! { @for feature in signature.features.iter().take(150) { tr { td.what { (feature.name) } td { (feature.kind.as_str()) } } } };
    parts::section(
        "inputs",
        "Inputs",
        parts::chip(&signature.features.len().to_string()),
        html! {
            (table::table("Inputs", table::heads(["column", "read as"]), rows))
            (parts::left_out(signature.features.len(), 150, "remuda model show NAME"))
        },
    )
}

fn about(frame: &Frame, view: &ModelPage) -> Markup {
    let version = &view.line.version;
    let signature = &version.signature;
    let task = match signature.task {
        Task::Binary => "one of two classes",
        Task::Multiclass => "one of several classes",
        Task::Regression => "a number",
    };
    let classes = signature.labels.classes();
    let trained_on = html! { @match &version.trained_on { Some(digest) => (parts::digest_link("dataset_version", digest.as_str())), None => "–" } };
    parts::section(
        "about",
        "About",
        html! {},
        html! {
            (parts::facts([
                ("digest", parts::digest(version.digest.as_str())),
                ("predicts", html! { b { (signature.label) } ", " (task) }),
                ("classes", html! { @if classes.is_empty() { "–" } @else { (text::list(&classes[..classes.len().min(12)])) @if classes.len() > 12 { " …" } } }),
                ("positive", parts::text(signature.positive.as_deref().unwrap_or("–"))),
                ("trained on", trained_on),
                ("runs on", parts::text(version.engine.as_str())),
                ("golden rows", parts::digest(version.golden.as_str())),
                ("size", parts::text(format::bytes(version.bytes))),
                ("made", parts::ago(frame.now, view.line.time)),
            ]))
            p {
                a href={ "/why/" (version.digest.short()) } { "lineage" } " · "
                a href={ "/test/" (version.digest.short()) } { "behavioural tests" } " · "
                a href={ "/model/" (version.digest.short()) "/onnx" } download { "download the ONNX file" }
            }
            @if version.trained_on.is_some() {
                p { "ask: " (super::analysis::asked::links(version.digest.short(), signature.labels.classes().is_empty())) }
            }
        },
    )
}

fn notes(notes: &[String]) -> Markup {
    html! {
        @if !notes.is_empty() {
            (parts::section("notes", "Notes", html! {}, html! { ul.plain-list.small { @for note in notes.iter().take(20) { li { (format::cut(note, 300)) } } } }))
        }
    }
}

fn importance(importance: &[(String, f64)]) -> Markup {
    let most = importance.iter().map(|(_, share)| *share).fold(0.0, f64::max);
    html! {
        @if !importance.is_empty() {
            (parts::section("importance", "How inputs weigh", html! {}, html! {
                ul.bars.small { @for (name, share) in importance.iter().take(16) {
                    li {
                        span.bar-name title=(name) { (format::cut(name, 28)) }
                        (chart::bar(if most > 0.0 { share / most } else { 0.0 }))
                        span.bar-value { (format::percent(*share)) }
                    }
                } }
                (parts::left_out(importance.len(), 16, "remuda model show NAME"))
            }))
        }
    }
}

/// The names under which clients of MLflow know it.
fn registered(view: &ModelPage) -> Markup {
    html! {
        @if !view.registered.is_empty() {
            (parts::section("registered", "Registered as", html! {}, html! {
                ul.plain-list { @for version in view.registered.iter().take(20) {
                    li {
                        b { (version.model) } " version " (version.version)
                        @for alias in &version.aliases { " · @" (alias) }
                        @if version.stage != VersionStage::None { " · " (version.stage.as_str()) }
                        @for (key, value) in version.tags.iter().filter(|(key, _)| *key != CANDIDATE_TAG).take(8) {
                            br; span.muted.small { (format::cut(key, 40)) ": " (format::cut(value, 80)) }
                        }
                    }
                } }
                p.muted.small { "An alias named by " code { "alias" } " in " code { "serving.toml" } " moves only through the gate." }
                (parts::left_out(view.registered.len(), 20, "remuda model registered"))
            }))
        }
    }
}

fn releases(view: &ModelPage) -> Markup {
    html! {
        @if !view.releases.is_empty() {
            (parts::section("releases", "Releases", html! {}, html! { ul.plain-list { @for release in view.releases.iter().take(20) { li { (parts::digest_link("release", release)) } } } }))
        }
    }
}
