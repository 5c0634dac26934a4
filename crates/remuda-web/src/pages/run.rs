//! `/run/{id}` and `/run/{a}/diff/{b}`: what was tried, from what, with which result. (`runs` has the list.)

use super::runs::{Logged, family, live};
use crate::components::{Frame, Page, Section, action, diff, layout, parts, table};
use crate::format;
use maud::{Markup, html};
use remuda_app::run::{Difference, MetricDifference, RunDiff, RunState};
use remuda_model::Digest;
use remuda_model::run::{MetricValue, RunStatus, Snapshot, StepOutcome, StepResult};
use remuda_model::text;

/// Runs as a table. (The board shows it too.)
pub(crate) fn table(frame: &Frame, runs: &[RunState]) -> Markup {
    let rows = html! {
        @for (index, run) in runs.iter().enumerate() {
            tr {
                td { (parts::status(run.status)) span.second { (length(frame, run)) } }
                td.what.wide {
                    a href=(format::address("run", &run.run)) { b { (format::short(&run.run)) } } " " (format::cut(&run.command, 60))
                    span.second { (format::cut(&run.note, 80)) }
                }
                td.end { @match headline(run) { Some(metric) => (inline_metric(metric)), None => span.muted { "–" } } }
                td title=(run.actor) {
                    (format::cut(&run.actor, 20)) span.second { (parts::time(frame.now, run.started)) }
                }
                td.end { @if let Some(before) = runs.get(index + 1) {
                    a href={ "/run/" (format::segment(&before.run)) "/diff/" (format::segment(&run.run)) } { "diff" } } }
            }
        }
    };
    table::stacked("Runs", table::heads(["status", "run", "metric", "by", ""]), rows)
}

fn headline(run: &RunState) -> Option<&MetricValue> {
    // The last step's model is usually the one meant; its first metric says most.
    let last = run.steps.iter().rev().find_map(|step| {
        let own = format!("{}/", step.step);
        run.metrics.iter().find(|metric| metric.name.starts_with(&own))
    });
    last.or_else(|| run.metrics.first())
}

fn inline_metric(metric: &MetricValue) -> Markup {
    html! { span.muted { (metric.name) } " " b { (format::point(metric)) } span.second { (format::interval(metric.lower, metric.upper)) } }
}

pub(super) fn length(frame: &Frame, run: &RunState) -> String {
    let end = match (run.status, run.ended) {
        (_, Some(ended)) => ended,
        (RunStatus::Running, None) => frame.now,
        _ => return "–".to_owned(),
    };
    format::seconds(end.saturating_sub(run.started) as f64 / 1e6)
}

/// One run, without curves.
pub fn page(frame: &Frame, run: &RunState) -> Markup {
    page_with(frame, run, &Logged::default())
}

/// One run, with the curves and files that its script logged.
pub fn page_with(frame: &Frame, run: &RunState, logged: &Logged) -> Markup {
    let body = html! {
        @if run.deleted {
            div.banner.warning { p.headline { "This run was deleted. Until it is collected it can be brought back." }
                (super::runs::restore(frame, &run.run)) }
        }
        @if run.status == RunStatus::Failed {
            div.banner.bad { p.headline { "This run failed" @if let Some(code) = run.exit_code { ", exit code " (code) } }
                @if !run.failure.is_empty() { pre { code { (format::cut(&run.failure, 6_000)) } } } }
        }
        div.columns {
            div.main-column { (live::section(frame, run, logged.curves.as_ref(), logged.manner)) (metrics(run)) (steps(&run.steps)) (models(frame, run)) (logged_files(logged)) }
            div.side-column { (about(frame, run)) (family::family(run)) (parameters(run)) (snapshot(&run.snapshot)) (family::tags(run)) }
        }
    };
    let page = Page {
        title: format!("Run {}", format::short(&run.run)),
        section: Section::Run,
        crumbs: vec![("Runs".to_owned(), "/run".to_owned())],
        beside: parts::status(run.status),
        lead: html! {
            span { "by " b { (run.actor) } }
            span { (parts::time(frame.now, run.started)) }
            span { "took " (length(frame, run)) }
        },
        commands: vec![format!("remuda run show {}", run.run), format!("remuda run diff {}", run.run)],
        body,
    };
    layout::page(frame, page)
}

fn logged_files(logged: &Logged) -> Markup {
    html! { @if let Some(found) = &logged.files { (parts::section("files", "Files", html! {}, super::runs::files::list(found))) } }
}

fn metrics(run: &RunState) -> Markup {
    let body = html! {
        @if run.metrics.is_empty() { (parts::empty("This run recorded no metric.", "")) }
        @else { (super::metrics::metrics(&run.metrics, &format!("remuda run show {}", run.run))) }
    };
    parts::section("metrics", "Metrics", html! {}, body)
}

fn steps(steps: &[StepResult]) -> Markup {
    let rows = html! {
        @for step in steps.iter().take(80) {
            tr {
                td { b { (step.step) } }
                td.end { @match step.outcome {
                    StepOutcome::Ran => (parts::mark(parts::Tone::Good, "✓ ran")),
                    StepOutcome::Skipped => (parts::mark(parts::Tone::Quiet, "↷ skipped")),
                    StepOutcome::Failed => (parts::mark(parts::Tone::Bad, "✗ failed")),
                } }
                td.number { @if step.outcome == StepOutcome::Skipped { "–" } @else { (format::seconds(step.seconds)) } }
                td.what.wide { (parts::backticks(&format::cut(&step.note, 300))) }
                td.end { (parts::digest(step.inputs.as_str())) }
            }
        }
    };
    html! {
        @if !steps.is_empty() {
            (parts::section("steps", "Steps", html! {}, table::stacked("Steps", table::heads(["step", "outcome", "#took", "why", "inputs"]), rows)))
        }
    }
}

fn models(frame: &Frame, run: &RunState) -> Markup {
    let rows = html! {
        @for model in run.models.iter().take(40) {
            tr {
                td { a href=(format::address("model_version", model.digest.as_str())) { b { (model.name) } } }
                td.end { (parts::digest_link("model_version", model.digest.as_str())) }
                td {
                    @if let Some(algorithm) = model.algorithm { (algorithm.as_str()) }
                    @if let Some(version) = &model.trained_on {
                        span.second { "on " (dataset_of(run, version)) " " (parts::digest_link("dataset_version", version.as_str())) }
                    }
                }
                td.number { (format::bytes(model.bytes)) }
                td.wide.end { (action::button(frame, "gate", "evaluate", "Evaluate", &[("candidate", model.digest.as_str())])) }
            }
        }
    };
    html! {
        @if !run.models.is_empty() {
            (parts::section("models", "Models", html! {}, html! {
                (table::stacked("Models", table::heads(["model", "version", "learner", "#size", ""]), rows))
                p.muted.small { "Evaluating is a look at the holdout, and is charged." }
            }))
        }
    }
}

/// The name of the dataset that a version belongs to, if the answer says it.
fn dataset_of<'a>(run: &'a RunState, version: &Digest) -> &'a str {
    run.data.iter().find(|seen| seen.version == *version).map_or("", |seen| &seen.dataset)
}

/// The dataset versions that the run's models were trained on.
fn data(run: &RunState) -> Markup {
    html! {
        @if run.data.is_empty() { "–" }
        @for (index, seen) in run.data.iter().take(12).enumerate() {
            @if index > 0 { ", " }
            (seen.dataset) " " (parts::digest_link("dataset_version", seen.version.as_str()))
        }
    }
}

fn about(frame: &Frame, run: &RunState) -> Markup {
    parts::section(
        "about",
        "About",
        html! {},
        html! {
            (parts::facts([
                ("run", parts::digest(&run.run)),
                ("command", html! { code { (format::cut(&run.command, 300)) } }),
                ("data", data(run)),
                ("note", parts::text(if run.note.is_empty() { "–" } else { &run.note })),
                ("started", parts::time(frame.now, run.started)),
                ("ended", html! { @match run.ended { Some(ended) => (parts::time(frame.now, ended)), None => "–" } }),
                ("exit code", html! { @match run.exit_code { Some(code) => (code), None => "–" } }),
            ]))
            p { a href={ "/why/" (format::segment(&run.run)) } { "lineage" } }
        },
    )
}

fn parameters(run: &RunState) -> Markup {
    html! {
        @if !run.parameters.is_empty() {
            (parts::section("parameters", "Parameters", html! {}, html! {
                dl.facts {
                    @for (name, value) in run.parameters.iter().take(80) {
                        div { dt { (name) } dd { code { (format::cut(&plain(value), 200)) } } }
                    }
                }
            }))
        }
    }
}

fn plain(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn snapshot(snapshot: &Snapshot) -> Markup {
    let commit = |commit: &Option<String>| html! { @match commit { Some(commit) => (parts::digest(commit)), None => span.muted { "no git repository" } } };
    parts::section(
        "snapshot",
        "Snapshot",
        html! {},
        html! {
            (parts::facts([
                ("code", commit(&snapshot.commit)),
                ("made on", commit(&snapshot.parent)),
                ("branch", parts::text(snapshot.branch.as_deref().unwrap_or("–"))),
                ("changed files", parts::text(text::thousands(snapshot.changed_files))),
            ]))
            @if !snapshot.left_out.is_empty() {
                p { (parts::mark(parts::Tone::Warning, "left out")) " because of their size:" }
                ul.plain-list {
                    @for (path, bytes) in snapshot.left_out.iter().take(12) {
                        li { code { (path) } " " span.muted { (format::bytes(*bytes)) } }
                    }
                }
            }
            @if !snapshot.environment.is_empty() {
                details { summary { "environment" }
                    dl.facts { @for (name, value) in snapshot.environment.iter().take(60) { div { dt { (name) } dd { (format::cut(value, 120)) } } } } }
            }
        },
    )
}

/// Two runs side by side.
pub fn difference(frame: &Frame, view: &RunDiff) -> Markup {
    let (left, right) = (format::short(&view.left.run), format::short(&view.right.run));
    let body = html! {
        @if !view.data.is_empty() { (data_differences(&view.data, &left, &right)) }
        (metric_differences(&view.metrics, &left, &right))
        @if !view.parameters.is_empty() { (differences("parameters", "Parameters", &view.parameters, &left, &right)) }
        @if !view.environment.is_empty() { (differences("environment", "Environment", &view.environment, &left, &right)) }
        @if !view.files.is_empty() { (files(view)) }
        @if let Some(same) = the_same(view) { p.muted { (same) } }
    };
    let page = Page {
        title: format!("{left} → {right}"),
        section: Section::Run,
        crumbs: vec![("Runs".to_owned(), "/run".to_owned())],
        beside: html! {},
        lead: html! {
            span {
                a href=(format::address("run", &view.left.run)) { (left) } " by " (view.left.actor) ", "
                (parts::time(frame.now, view.left.started))
            }
            span {
                a href=(format::address("run", &view.right.run)) { (right) } " by " (view.right.actor) ", "
                (parts::time(frame.now, view.right.started))
            }
        },
        commands: vec![format!("remuda run diff {} {}", view.left.run, view.right.run)],
        body,
    };
    layout::page(frame, page)
}

/// Other versions of a dataset: the first thing to know about two runs.
fn data_differences(found: &[Difference], left: &str, right: &str) -> Markup {
    let single = |text: &str| !text.is_empty() && !text.contains(',');
    html! {
        (differences("data", "Data", found, left, right))
        @for one in found.iter().take(12) {
            @if single(&one.left) && single(&one.right) {
                (parts::command(&format!("remuda data diff {} {}", one.left, one.right)))
            }
        }
    }
}

/// What does not differ, in one sentence; nothing while the data differ, since it would read as a summary.
fn the_same(view: &RunDiff) -> Option<String> {
    if !view.data.is_empty() {
        return None;
    }
    let parts = [
        ("data", !view.left.data.is_empty() && !view.right.data.is_empty()),
        ("parameters", view.parameters.is_empty()),
        ("environment", view.environment.is_empty()),
        ("code", view.files.is_empty()),
    ];
    let same: Vec<&str> = parts.into_iter().filter(|(_, is_same)| *is_same).map(|(name, _)| name).collect();
    if same.is_empty() { None } else { Some(format!("The same in both: {}.", text::list(&same))) }
}

fn metric_differences(metrics: &[MetricDifference], left: &str, right: &str) -> Markup {
    let cell = |metric: &Option<MetricValue>| {
        html! {
            @match metric { Some(metric) => { b { (format::point(metric)) } " " span.second { (format::interval(metric.lower, metric.upper)) } }, None => span.muted { "–" } }
        }
    };
    let rows = html! {
        @for metric in metrics.iter().take(120) {
            @let known = |side: &Option<MetricValue>| side.as_ref().is_some_and(|metric| metric.value.is_some());
            tr {
                td.what.wide { (metric.name) }
                td.number data-label=(left) { (cell(&metric.left)) }
                td.number data-label=(right) { (cell(&metric.right)) }
                td.wide {
                    @if !known(&metric.left) && !known(&metric.right) { span.muted { "in neither" } }
                    @else if !known(&metric.left) || !known(&metric.right) { span.muted { "in one only" } }
                    @else if metric.apart { (parts::mark(parts::Tone::Warning, "apart")) }
                    @else { span.muted { "within chance" } }
                }
            }
        }
    };
    parts::section(
        "metrics",
        "Metrics",
        html! {},
        html! {
            @if metrics.is_empty() { p.muted { "Neither run recorded a metric." } }
            @else {
                (table::stacked("Metrics of both", html! { th scope="col" { "metric" } th.number scope="col" { (left) } th.number scope="col" { (right) } th scope="col" { "intervals" } }, rows))
            }
            p.muted.small {
                "Intervals that do not overlap are marked. The gate compares on the same rows, and decides."
            }
        },
    )
}

fn differences(id: &str, title: &str, found: &[Difference], left: &str, right: &str) -> Markup {
    let rows = html! {
        @for one in found.iter().take(100) {
            tr {
                td { (one.name) }
                td { code { (format::cut(&one.left, 160)) } }
                td { code { (format::cut(&one.right, 160)) } }
            }
        }
    };
    parts::section(
        id,
        title,
        html! {},
        table::table(
            title,
            html! { th scope="col" { "name" } th scope="col" { (left) } th scope="col" { (right) } },
            rows,
        ),
    )
}

fn files(view: &RunDiff) -> Markup {
    let mut room = 400usize;
    let mut shown = Vec::new();
    for file in view.files.iter().take(40) {
        let lines = file.diff.lines().count().min(120).min(room);
        room -= lines;
        shown.push((file, lines));
    }
    parts::section(
        "files",
        "Files",
        parts::chip(&view.files.len().to_string()),
        html! {
            @for (file, lines) in &shown {
                details.file open[*lines > 0] {
                    summary {
                        span class={ "chip change-" (if file.kind == "added" { "added" } else if file.kind == "removed" { "removed" } else { "changed" }) } {
                            (file.kind)
                        }
                        " " code { (file.path) }
                    }
                    @if *lines > 0 { (diff::unified(&file.diff, *lines)) }
                    @else if file.diff.is_empty() { p.muted { "binary, or not shown" } }
                    @else {
                        p.muted {
                            "more than fits a page: "
                            code {
                                "remuda run diff " (format::short(&view.left.run)) " " (format::short(&view.right.run))
                            }
                        }
                    }
                }
            }
            (parts::left_out(view.files.len(), 40, "remuda run diff LEFT RIGHT"))
        },
    )
}
