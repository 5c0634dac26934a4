//! What a run logged, drawn: curves by the prefix of their names, system metrics small and apart. While the run goes on, a
//! small script puts this part in anew; with scripts off a link does.

use crate::components::lines::{Line, Manner, figure};
use crate::components::{Frame, parts};
use crate::format;
use maud::{Markup, html};
use remuda_app::run::{Along, RunCurve, RunCurves, RunState};
use remuda_model::run::RunStatus;
use remuda_model::text;

/// Metrics of a run that are drawn at most.
pub const SHOWN: usize = 60;

/// What machines say of themselves.
const SYSTEM: &str = "system";

/// The curves of a run, in a part that the script can put in anew.
pub fn section(frame: &Frame, run: &RunState, curves: Option<&RunCurves>, manner: Manner) -> Markup {
    let running = run.status == RunStatus::Running;
    let address = format!("/run/{}/live{}", format::segment(&run.run), query(manner));
    html! {
        @if running && run.tracked {
            section.block aria-labelledby="live" {
                header.block-head { h2 #live { span.pulse aria-hidden="true" {} "Live" } div.aside { a href=(frame.path) { "reload" } } }
                div data-live=(address) { (part(frame, run, curves, manner)) }
            }
        } @else if curves.is_some_and(|curves| curves.curves.iter().any(is_curve)) {
            (parts::section("curves", "Curves", html! {}, part(frame, run, curves, manner)))
        }
    }
}

/// The part that changes.
pub fn part(frame: &Frame, run: &RunState, curves: Option<&RunCurves>, manner: Manner) -> Markup {
    let all: Vec<&RunCurve> =
        curves.map(|curves| curves.curves.iter().filter(|curve| is_curve(curve)).collect()).unwrap_or_default();
    let running = run.status == RunStatus::Running;
    let mut groups: Vec<(&str, Vec<&RunCurve>)> = Vec::new();
    for curve in &all {
        let prefix = curve.metric.split_once('/').map_or("", |(prefix, _)| prefix);
        match groups.iter_mut().find(|(known, _)| *known == prefix) {
            Some((_, curves)) => curves.push(curve),
            None => groups.push((prefix, vec![curve])),
        }
    }
    groups.sort_by_key(|(prefix, _)| *prefix == SYSTEM);
    html! {
        @if running && run.tracked {
            p.muted.small {
                "Logged so far: " (text::count(curves.map_or(0, points), "point")) " of " (text::count(run.metrics.len() as u64, "metric"))
                ", drawn " (parts::time(frame.now, frame.now)) "."
            }
        }
        @if !all.is_empty() { (choices(frame, manner)) }
        @for (prefix, curves) in &groups {
            @if *prefix == SYSTEM {
                details.system open[groups.len() == 1] { summary { b { "system" } " " span.muted { (text::count(curves.len() as u64, "metric")) } }
                    div.line-grid.small-grid { @for curve in curves { (drawn(curve, SYSTEM, manner, true)) } } }
            } @else {
                @if !prefix.is_empty() && groups.len() > 1 { h3 { (prefix) } }
                div.line-grid { @for curve in curves { (drawn(curve, prefix, manner, false)) } }
            }
        }
        @if run.metrics.len() > SHOWN { p.muted.small { "The first " (SHOWN) " metrics are drawn." } }
        @if running && all.is_empty() && run.tracked && !run.metrics.is_empty() { p.muted { "A curve begins with the second point." } }
    }
}

fn points(curves: &RunCurves) -> u64 {
    curves.curves.iter().map(|curve| curve.points).sum()
}

/// One point is no curve: the table of metrics says it better.
fn is_curve(curve: &RunCurve) -> bool {
    curve.points > 1
}

fn drawn(curve: &RunCurve, prefix: &str, manner: Manner, small: bool) -> Markup {
    let title = curve.metric.strip_prefix(prefix).map_or(curve.metric.as_str(), |rest| rest.trim_start_matches('/'));
    let line = Line { name: &curve.metric, hue: 0, buckets: &curve.buckets };
    html! {
        (figure(title, &[line], manner, small))
    }
}

/// The ways to draw: along what, on which scale, how smooth. Each is a link.
fn choices(frame: &Frame, manner: Manner) -> Markup {
    let path = frame.path.split('?').next().unwrap_or_default();
    let path = path.strip_suffix("/live").unwrap_or(path);
    let link = |other: Manner, name: &str| {
        html! { a href={ (path) (query(other)) } aria-current=[(other == manner).then_some("true")] { (name) } " " }
    };
    html! {
        p.choices-line.small.muted {
            "along "
            @for (along, name) in [(Along::Step, "steps"), (Along::Time, "time"), (Along::Wall, "clock")] { (link(Manner { along, ..manner }, name)) }
            " · scale " (link(Manner { log: false, ..manner }, "even")) (link(Manner { log: true, ..manner }, "logarithms"))
            " · smoothing " (link(Manner { smooth: 0.0, ..manner }, "off"))
            @for smooth in [0.6, 0.9] { (link(Manner { smooth, ..manner }, &smooth.to_string())) }
        }
    }
}

/// A manner as a query, empty for the usual one.
pub(super) fn query(manner: Manner) -> String {
    let mut fields = Vec::new();
    if manner.along != Along::Step {
        fields.push(format!("along={}", manner.along.as_str()));
    }
    if manner.log {
        fields.push("scale=log".to_owned());
    }
    if manner.smooth > 0.0 {
        fields.push(format!("smooth={}", manner.smooth));
    }
    if fields.is_empty() { String::new() } else { format!("?{}", fields.join("&")) }
}
