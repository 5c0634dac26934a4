//! `/live`: traffic, the live metric with its interval, drift per column then and now, what somebody should look at.

use super::release;
use crate::components::timeline::{self, Time};
use crate::components::{Frame, Page, Section, chart, layout, parts, table};
use crate::format;
use maud::{Markup, html};
use remuda_app::release::Promotion;
use remuda_app::serving::{ColumnDrift, InputColumn, LabelShare, LivePage};
use remuda_model::run::MetricValue;
use remuda_model::text;

/// Columns whose drift is drawn in full: those that drift, and as many steady ones as fill a row.
const DRAWN: usize = 12;
const ROW: usize = 3;
/// Labels that fit a narrow column; more of them, or longer ones, take the wide one.
const FEW_LABELS: usize = 6;

const COMMAND: &str = "remuda live";

/// What is live.
pub fn page(frame: &Frame, view: &LivePage) -> Markup {
    let body = html! {
        @if view.release.is_none() {
            (parts::empty("Nothing is live yet. A release goes live when nothing is missing any more.", "remuda release promote"))
        }
        (alerts(view))
        @if view.release.is_some() || view.predictions > 0 {
            (tiles(view))
            @let marks = marks(view);
            @let time = time(view, &marks);
            div.columns.even {
                (parts::section("traffic", "Traffic", html! { span { "predictions" } }, html! {
                    @if view.traffic.is_empty() {
                        p.muted { "No prediction in this window." }
                    } @else {
                        (timeline::traffic(&view.traffic, &time))
                    }
                }))
                (metric(view, &time))
            }
            (other_metrics(view))
            (expected(view))
            (drift(view))
            @let few = view.labels.len() <= FEW_LABELS && view.labels.iter().all(|label| label.label.chars().count() <= 20);
            div.columns {
                div.main-column { @if !few { (labels(&view.labels)) } (inputs(frame, view)) }
                div.side-column { @if few { (labels(&view.labels)) } (history(frame, view)) }
            }
        }
    };
    let page = Page {
        title: "Live".to_owned(),
        section: Section::Live,
        crumbs: Vec::new(),
        beside: html! { @if view.release.is_some() { span.chip.live { span.pulse aria-hidden="true" {} "live" } } },
        lead: html! {
            span { "endpoint " code { (view.endpoint) } }
            @if let Some(release) = &view.release {
                span {
                    "release " (parts::digest_link("release", release.digest.as_str())) " of "
                    b { (release.model_name) }
                }
            }
            span {
                "on duty "
                @match &view.on_duty { Some(member) => b { (member) }, None => span.muted { "nobody named" } }
            }
            span.muted { (format::day(view.since)) " to " (format::day(view.until)) }
        },
        commands: vec![COMMAND.to_owned()],
        body,
    };
    layout::page(frame, page)
}

fn alerts(view: &LivePage) -> Markup {
    html! {
        @if !view.alerts.is_empty() {
            (parts::section("alerts", "Look at this", parts::mark(parts::Tone::Warning, &view.alerts.len().to_string()), html! {
                ul.waiting { @for alert in view.alerts.iter().take(12) {
                    li { div.waiting-head { span.chip.bad { "alert" } p { (parts::backticks(&alert.message)) } }
                        @if !alert.roles.is_empty() { p.on-whom { "waits on " (parts::roles(&alert.roles)) } }
                        @if !alert.command.is_empty() && alert.command != COMMAND { div.do-it { (parts::command(&alert.command)) } } }
                } }
            }))
        }
    }
}

fn tiles(view: &LivePage) -> Markup {
    let answered = format::share(view.outcomes, view.predictions);
    html! {
        div.tiles {
            div.tile { b { (text::thousands(view.predictions)) } span { "predictions" } }
            div.tile {
                b { (text::thousands(view.outcomes)) } span { "outcomes, for " (format::percent(answered)) " of them" }
            }
            @if let Some(metric) = headline(view) {
                div.tile {
                    b { (format::point(metric)) }
                    span { (metric.name) ", " span.nowrap { (format::interval(metric.lower, metric.upper)) } }
                }
            }
            @if let Some(latency) = latency(view) {
                div.tile { b { (format::seconds(latency / 1e6)) } span { "mean time to answer" } }
            }
            @let drifting = view.drift.iter().filter(|column| column.drifted).count();
            div.tile { b { (drifting) } span { "of " (text::count(view.drift.len() as u64, "input")) " drifting" } }
        }
    }
}

/// When releases went live, with what the charts call it.
fn marks(view: &LivePage) -> Vec<(i64, String)> {
    let mark = |one: &Promotion| {
        (one.time, format!("{} {}, {}", one.how, format::short(one.release.as_str()), format::time(one.time)))
    };
    view.history.iter().map(mark).collect()
}

/// From the first prediction to the end of the last stretch: both charts share it.
fn time<'a>(view: &LivePage, marks: &'a [(i64, String)]) -> Time<'a> {
    let stretches = || {
        let traffic = view.traffic.iter().filter(|bucket| bucket.count > 0).map(|bucket| (bucket.start, bucket.width));
        traffic.chain(view.metric_history.iter().map(|bucket| (bucket.start, bucket.width)))
    };
    Time {
        start: stretches().map(|(start, _)| start).min().unwrap_or(view.since),
        end: stretches().map(|(start, width)| start + width).max().unwrap_or(view.until),
        marks,
    }
}

/// The metric that is drawn over time, over the whole window.
fn headline(view: &LivePage) -> Option<&MetricValue> {
    let drawn = view.metric_history.first().map(|bucket| bucket.metric.name.as_str());
    view.metrics.iter().find(|metric| Some(metric.name.as_str()) == drawn).or_else(|| view.metrics.first())
}

/// Mean over online answers, in microseconds.
fn latency(view: &LivePage) -> Option<f64> {
    let online = || view.traffic.iter().filter(|bucket| bucket.mean_microseconds > 0.0 && bucket.count > 0);
    let count: f64 = online().map(|bucket| bucket.count as f64).sum();
    let sum: f64 = online().map(|bucket| bucket.mean_microseconds * bucket.count as f64).sum();
    if count > 0.0 { Some(sum / count) } else { None }
}

fn metric(view: &LivePage, time: &Time<'_>) -> Markup {
    let name = view.metric_history.first().map(|bucket| bucket.metric.name.as_str());
    let title = name.map_or_else(|| "Live metric".to_owned(), |name| format!("Live {name}"));
    parts::section(
        "metric",
        &title,
        html! { span.muted { "by time of prediction, band: 95 % interval" } },
        html! {
            @if view.metric_history.is_empty() {
                (parts::empty("Outcomes come later. Add them as they come; repeated ones change nothing.", "remuda feedback add OUTCOMES.csv"))
            }
            @else { (timeline::band(&view.metric_history, time)) }
        },
    )
}

/// The metrics that are not drawn, each with its interval.
fn other_metrics(view: &LivePage) -> Markup {
    let drawn = headline(view).map(|metric| metric.name.as_str());
    html! {
        @if view.metrics.len() > 1 {
            ul.metrics aria-label="Other live metrics" {
                @for metric in view.metrics.iter().filter(|metric| Some(metric.name.as_str()) != drawn).take(8) {
                    li {
                        span.muted { (metric.name) } " " b { (format::point(metric)) }
                        span.second { (format::interval(metric.lower, metric.upper)) }
                    }
                }
            }
        }
    }
}

/// What scores let expect while outcomes are late.
fn expected(view: &LivePage) -> Markup {
    html! {
        @if !view.expected.is_empty() {
            (parts::section("expected", "Expected while outcomes are late", html! {}, html! {
                ul.metrics aria-label="Expected metrics" {
                    @for metric in view.expected.iter().take(8) {
                        li {
                            span.muted { (metric.name) } " " b { (format::point(metric)) }
                            span.second { (format::interval(metric.lower, metric.upper)) ", " (text::count(metric.n, "row")) ", " (metric.method) }
                        }
                    }
                }
                p.muted.small { "Advisory: it holds while scores mean what they meant at the evaluation, and a prediction-powered value while outcomes come from rows at random. It decides nothing." }
            }))
        }
    }
}

fn drift(view: &LivePage) -> Markup {
    let columns = &view.drift;
    let mut sorted: Vec<&ColumnDrift> = columns.iter().collect();
    sorted.sort_by(|left, right| right.drifted.cmp(&left.drifted).then(right.distance.total_cmp(&left.distance)));
    let drifting = sorted.iter().filter(|column| column.drifted).count();
    let full = drifting.next_multiple_of(ROW).clamp(ROW, DRAWN).min(sorted.len());
    // One column in a table of its own is not worth a table.
    let full = if sorted.len() - full <= 1 { sorted.len() } else { full };
    let (drawn, rest) = sorted.split_at(full);
    html! {
        @if !columns.is_empty() {
            (parts::section("drift", "Drift against the training version", html! { span.key { span.swatch.then {} "training" } span.key { span.swatch.now {} "live" } }, html! {
                div.profiles { @for column in drawn { (drift_card(column)) } }
                @if !rest.is_empty() { (drift_table(rest)) }
                @if !view.unwatched.is_empty() {
                    p.muted { "Not watched, since their values can hardly repeat or never varied: " (text::list(&view.unwatched)) "." }
                }
                p.muted.small {
                    "Distance is the population stability index. Chance alone explains the distance marked beside it at these sizes; a column drifts when it is above that and above the threshold."
                }
            }))
        }
    }
}

fn drift_card(column: &ColumnDrift) -> Markup {
    let full = column.shares.iter().take(8).flat_map(|share| [share.training, share.live]).fold(0.0, f64::max);
    html! {
        article class={ "profile drift" @if column.drifted { " drifted" } } {
            header {
                h3 title=(format::cut(&column.column, 200)) { (format::cut(&column.column, 60)) }
                @if column.drifted {
                    (parts::mark(parts::Tone::Warning, "! drifts"))
                } @else {
                    (parts::mark(parts::Tone::Quiet, "steady"))
                }
            }
            ul.bars.small {
                @for share in column.shares.iter().take(8) {
                    li { span.bar-name title=(format::cut(&share.name, 120)) { (format::cut(&share.name, 28)) } (chart::then_and_now(share, full))
                        span.bar-value { span.muted { (format::percent(share.training)) } " → " (format::percent(share.live)) } }
                }
            }
            (parts::left_out(column.shares.len(), 8, "remuda live"))
            footer {
                span { "distance " b { (format::distance(column.distance)) } }
                span.muted { "chance explains " (format::distance(column.by_chance)) }
                span.muted { (text::count(column.rows, "row")) }
            }
        }
    }
}

fn drift_table(columns: &[&ColumnDrift]) -> Markup {
    let rows = html! {
        @for column in columns.iter().take(60) {
            tr {
                td { (column.column) }
                td.end { @if column.drifted { (parts::mark(parts::Tone::Warning, "! drifts")) } @else { span.muted { "steady" } } }
                td.number data-label="distance" { (format::distance(column.distance)) }
                td.number data-label="by chance" { (format::distance(column.by_chance)) }
                td.number.aside-cell { (format::distance(column.p_value)) }
                td.number.aside-cell { (text::thousands(column.rows)) }
            }
        }
    };
    html! {
        (table::stacked("Drift of the other columns", table::heads(["column", "drift", "#distance", "#by chance", "#p", "#rows"]), rows))
        (parts::left_out(columns.len(), 60, "remuda live"))
    }
}

fn labels(labels: &[LabelShare]) -> Markup {
    let rows = html! {
        @for label in labels.iter().take(30) {
            tr {
                td.what.wide { (format::cut(&label.label, 80)) }
                td.number data-label="predicted" { (format::percent(label.predicted)) }
                td.number data-label="observed" { (label.observed.map_or_else(|| "–".to_owned(), format::percent)) }
            }
        }
    };
    html! { @if !labels.is_empty() { (parts::section("labels", "Predicted and observed", html! {}, html! {
    (table::stacked("Labels", table::heads(["label", "#predicted", "#observed"]), rows)) (parts::left_out(labels.len(), 30, "remuda live")) })) } }
}

fn inputs(frame: &Frame, view: &LivePage) -> Markup {
    let rows = html! {
        @for input in view.inputs.iter().take(80) {
            tr {
                td.what { (input.name) } td { (input.column_type.as_str()) }
                td { @if input.required { "required" } @else { span.muted { "may be missing" } } }
            }
        }
    };
    parts::section(
        "inputs",
        "What callers send",
        html! {},
        html! {
            @if !view.inputs.is_empty() {
                details {
                    summary { (text::count(view.inputs.len() as u64, "input")) ", typed from the contract" }
                    (table::table("Inputs", table::heads(["column", "type", ""]), rows))
                    (parts::left_out(view.inputs.len(), 80, "remuda live"))
                }
                (parts::command(&example_call(frame, view)))
            }
        },
    )
}

/// A call that works from a terminal on this machine, with the first inputs.
fn example_call(frame: &Frame, view: &LivePage) -> String {
    let input = |input: &InputColumn| {
        use remuda_model::data::ColumnType::{Boolean, Integer, Number};
        let (data_type, value) = match input.column_type {
            Integer => ("INT64", "1"),
            Number => ("FP64", "1.0"),
            Boolean => ("BOOL", "true"),
            _ => ("BYTES", "\"…\""),
        };
        format!(
            "{{\"name\":{},\"shape\":[1],\"datatype\":\"{data_type}\",\"data\":[{value}]}}",
            serde_json::Value::from(input.name.as_str())
        )
    };
    let inputs: Vec<String> = view.inputs.iter().take(2).map(input).collect();
    let more = if view.inputs.len() > 2 { ", …" } else { "" };
    format!(
        "curl --json '{{\"inputs\":[{}{more}]}}' {}/v2/models/{}/infer",
        inputs.join(", "),
        frame.host,
        format::segment(&view.endpoint)
    )
}

fn history(frame: &Frame, view: &LivePage) -> Markup {
    html! { @if !view.history.is_empty() { (parts::section("history", "Who went live when", html! {}, release::promotions(frame, &view.history))) } }
}
