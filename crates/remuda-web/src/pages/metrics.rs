//! Metrics as tables: one under the other, or side by side where the steps of a run measured the same ones. Each value
//! stands with its interval, its n and its method.

use crate::components::{parts, table};
use crate::format;
use maud::{Markup, html};
use remuda_model::run::MetricValue;
use remuda_model::text;

/// Steps that stand side by side.
const ABREAST: usize = 5;
/// Metrics that a page shows.
const SHOWN: usize = 120;

/// Metrics of a run or a model.
pub(super) fn metrics(metrics: &[MetricValue], command: &str) -> Markup {
    let shown = &metrics[..metrics.len().min(SHOWN)];
    html! {
        @match side_by_side(shown) {
            Some((steps, names)) => (compared(shown, &steps, &names)),
            None => (listed(shown)),
        }
        (parts::left_out(metrics.len(), SHOWN, command))
        @if let Some(note) = note(shown) { p.muted.small { (note) } }
    }
}

/// Steps and metric names, when two to five steps measured much the same: `trees/auc` beside `linear/auc`.
fn side_by_side(metrics: &[MetricValue]) -> Option<(Vec<&str>, Vec<&str>)> {
    let mut steps = Vec::new();
    let mut names = Vec::new();
    for metric in metrics {
        let (step, name) = metric.name.split_once('/')?;
        if !steps.contains(&step) {
            steps.push(step);
        }
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let full = metrics.len() * 4 >= steps.len() * names.len() * 3;
    ((2..=ABREAST).contains(&steps.len()) && full).then_some((steps, names))
}

fn compared(metrics: &[MetricValue], steps: &[&str], names: &[&str]) -> Markup {
    let find = |step: &str, name: &str| metrics.iter().find(|metric| metric.name.split_once('/') == Some((step, name)));
    let head = html! {
        th scope="col" { "metric" }
        @for step in steps { th.number scope="col" { (step) } }
    };
    let rows = html! {
        @for name in names {
            @let found: Vec<&MetricValue> = steps.iter().filter_map(|step| find(step, name)).collect();
            @let same_n = found.iter().all(|metric| metric.n == found[0].n);
            tr {
                th.what.wide scope="row" {
                    (name)
                    span.second { (methods(&found)) @if same_n { ", n\u{a0}" (text::thousands(found[0].n)) } }
                }
                @for step in steps {
                    td.number data-label=(step) { @match find(step, name) { Some(metric) => (value(metric, !same_n)), None => span.muted { "–" } } }
                }
            }
        }
    };
    table::stacked("Metrics", head, rows)
}

/// The methods of what is defined, each once. (Where a value is undefined, the method is the reason.)
fn methods(metrics: &[&MetricValue]) -> String {
    let mut methods: Vec<String> = Vec::new();
    for metric in metrics.iter().filter(|metric| metric.value.is_some()) {
        let method = format::cut(&metric.method, 60);
        if !methods.contains(&method) {
            methods.push(method);
        }
    }
    text::list(&methods)
}

/// The value, under it its interval, and n where it is its own.
fn value(metric: &MetricValue, with_n: bool) -> Markup {
    html! {
        b { (format::point(metric)) }
        @if metric.value.is_none() { span.second.reason { (format::cut(&metric.method, 60)) } }
        @else {
            span.second { (format::interval(metric.lower, metric.upper)) }
            @if with_n { span.second { "n\u{a0}" (text::thousands(metric.n)) } }
        }
    }
}

fn listed(metrics: &[MetricValue]) -> Markup {
    let rows = html! {
        @for metric in metrics {
            tr {
                td.what.wide { (metric.name) span.second { (format::cut(&metric.method, 80)) } }
                td.number { b { (format::point(metric)) } }
                td { (format::interval(metric.lower, metric.upper)) }
                td.number data-label="n" { @if metric.method.starts_with("logged") { "–" } @else { (text::thousands(metric.n)) } }
            }
        }
    };
    table::stacked("Metrics", table::heads(["metric", "#value", "interval", "#n"]), rows)
}

/// What all metrics share: where they were measured, how sure their intervals are.
fn note(metrics: &[MetricValue]) -> Option<String> {
    let first = metrics.first()?;
    let same_split = metrics.iter().all(|metric| metric.split == first.split) && !first.split.is_empty();
    let mut levels: Vec<f64> =
        metrics.iter().filter(|metric| metric.lower.is_some()).map(|metric| metric.confidence).collect();
    levels.dedup();
    let place = if same_split { format!("Measured on {}", first.split) } else { "Measured".to_owned() };
    match levels.as_slice() {
        [] if same_split => Some(format!("{place}.")),
        [level] => Some(format!("{place}; intervals hold with {}.", format::two_sided(*level))),
        _ => None,
    }
}
