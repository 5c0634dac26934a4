//! The mean cost over all thresholds, drawn: the line with its band, where it is the least, and what others cost.

use super::chart::place;
use maud::{Markup, html};
use remuda_app::analysis::CostPoint;
use remuda_model::text;

const WIDTH: f64 = 400.0;
const HEIGHT: f64 = 190.0;
const LEFT: f64 = 46.0;
const TOP: f64 = 10.0;

/// What is drawn.
pub struct Drawing<'a> {
    /// The curve, by rising threshold.
    pub points: &'a [CostPoint],
    /// The threshold that was chosen.
    pub chosen: f64,
    /// Between which thresholds redrawn rows choose.
    pub redrawn: (f64, f64),
    /// The threshold that follows from the costs alone.
    pub expected: Option<f64>,
    /// What the candidate's own labels cost.
    pub own: Option<f64>,
    /// The class that the threshold is for.
    pub positive: &'a str,
}

/// The cost curve with its legend.
pub fn curve(drawing: &Drawing<'_>) -> Markup {
    let ends = drawing.points.iter().flat_map(|point| [Some(point.cost), point.lower, point.upper]);
    let ends: Vec<f64> = ends.flatten().chain(drawing.own).filter(|end| end.is_finite()).collect();
    let (least, most) =
        ends.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), end| (low.min(*end), high.max(*end)));
    if drawing.points.is_empty() || least > most {
        return html! { p.no-chart.muted { "No numbers to draw." } };
    }
    let (low, step) = steps(least, most);
    let high = low + 4.0 * step;
    let x = |threshold: f64| LEFT + threshold.clamp(0.0, 1.0) * WIDTH;
    let y = |cost: f64| TOP + (1.0 - (cost - low) / (high - low)) * HEIGHT;
    let best = drawing.points.iter().find(|point| point.threshold >= drawing.chosen);
    let label = format!(
        "Mean cost per row by threshold, from {} to {}; the least at {}",
        text::number(least),
        text::number(most),
        text::number(drawing.chosen)
    );
    html! {
        figure.cost-curve {
            svg viewBox="0 0 460 246" role="img" aria-label=(label) {
                (axes(low, step, &x, &y))
                @let (from, to) = (x(drawing.redrawn.0), x(drawing.redrawn.1));
                rect.redrawn x=(place(from - 1.0)) y=(place(TOP)) width=(place((to - from).max(0.0) + 2.0)) height=(place(HEIGHT)) {}
                path.band d=(band(drawing.points, &x, &y)) {}
                @if let Some(own) = drawing.own {
                    line.own x1=(place(x(0.0))) x2=(place(x(1.0))) y1=(place(y(own))) y2=(place(y(own))) {}
                }
                path.line d=(line(drawing.points, &x, &y)) {}
                @if let Some(expected) = drawing.expected.filter(|expected| *expected <= 1.0) {
                    line.expected x1=(place(x(expected))) x2=(place(x(expected))) y1=(place(TOP)) y2=(place(TOP + HEIGHT)) {}
                }
                @if let Some(best) = best { circle.best cx=(place(x(best.threshold))) cy=(place(y(best.cost))) r="4.5" {} }
            }
            figcaption.legend { (legend(drawing)) }
        }
    }
}

/// The lowest tick and the step to the next of four: round numbers that hold all.
fn steps(least: f64, most: f64) -> (f64, f64) {
    let span = (most - least).max(most.abs() * 1e-3).max(1e-6);
    let power = 10f64.powf((span / 4.0).log10().floor());
    for times in [1.0, 2.0, 2.5, 4.0, 5.0, 10.0, 20.0, 50.0] {
        let step = times * power;
        let low = (least / step).floor() * step;
        if low + 4.0 * step >= most {
            return (low, step);
        }
    }
    (least, span / 4.0)
}

fn axes(low: f64, step: f64, x: &dyn Fn(f64) -> f64, y: &dyn Fn(f64) -> f64) -> Markup {
    html! {
        @for tick in 0..=4 {
            @let cost = low + f64::from(tick) * step;
            line.grid x1=(place(x(0.0))) x2=(place(x(1.0))) y1=(place(y(cost))) y2=(place(y(cost))) {}
            text x=(place(x(0.0) - 6.0)) y=(place(y(cost) + 4.0)) text-anchor="end" { (text::number(cost)) }
        }
        @for tick in [0.0, 0.25, 0.5, 0.75, 1.0] {
            text x=(place(x(tick))) y=(place(TOP + HEIGHT + 16.0)) text-anchor="middle" { (text::number(tick)) }
        }
        text x=(place(x(0.5))) y="242" text-anchor="middle" { "threshold" }
    }
}

fn line(points: &[CostPoint], x: &dyn Fn(f64) -> f64, y: &dyn Fn(f64) -> f64) -> String {
    let mut path = String::new();
    for point in points {
        path.push_str(if path.is_empty() { "M" } else { " L" });
        path.push_str(&format!("{} {}", place(x(point.threshold)), place(y(point.cost))));
    }
    path
}

/// There along the upper ends, back along the lower ones.
fn band(points: &[CostPoint], x: &dyn Fn(f64) -> f64, y: &dyn Fn(f64) -> f64) -> String {
    let mut path = String::new();
    let mut add = |threshold: f64, cost: f64| {
        path.push_str(if path.is_empty() { "M" } else { " L" });
        path.push_str(&format!("{} {}", place(x(threshold)), place(y(cost))));
    };
    points.iter().for_each(|point| add(point.threshold, point.upper.unwrap_or(point.cost)));
    points.iter().rev().for_each(|point| add(point.threshold, point.lower.unwrap_or(point.cost)));
    path.push_str(" Z");
    path
}

fn legend(drawing: &Drawing<'_>) -> Markup {
    let key = |mark: Markup, words: String| html! { span.key { svg viewBox="0 0 24 10" aria-hidden="true" { (mark) } (words) } };
    html! {
        (key(html! { rect.band width="24" height="10" {} line.line x1="0" x2="24" y1="5" y2="5" {} }, "mean cost, 95 % at each threshold".to_owned()))
        (key(html! { circle.best cx="12" cy="5" r="4" {} }, format!("cheapest here, {}", text::number(drawing.chosen))))
        (key(html! { rect.redrawn width="24" height="10" {} }, "where 95 % of redrawn rows choose".to_owned()))
        @if let Some(expected) = drawing.expected.filter(|expected| *expected <= 1.0) {
            (key(html! { line.expected x1="12" x2="12" y1="0" y2="10" {} }, format!("by the costs alone, {}", text::number(expected))))
        }
        @if let Some(own) = drawing.own {
            (key(html! { line.own x1="0" x2="24" y1="5" y2="5" {} }, format!("the candidate's own label, {}", text::number(own))))
        }
        @if !drawing.positive.is_empty() { span.muted { "right of a threshold fewer rows are taken for " b { (drawing.positive) } } }
    }
}
