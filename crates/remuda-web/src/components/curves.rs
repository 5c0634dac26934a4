//! Curves of a candidate's scores, drawn: sensitivity against false alarms, precision against recall, promised against
//! happened. Words under each say how to read it.

use super::chart::place;
use maud::{Markup, html};
use remuda_model::analysis::{CalibrationBin, Curves, ThresholdPoint};

/// The drawing's inside: a square of this size, with room for words left and below.
const SIDE: f64 = 240.0;
const LEFT: f64 = 56.0;
const TOP: f64 = 10.0;

/// All curves of an evaluation, side by side.
pub fn all(curves: &Curves) -> Markup {
    let of = curves.class.as_deref().map_or_else(|| "the answer".to_owned(), |class| format!("“{class}”"));
    html! {
        div.curves {
            @if curves.thresholds.len() > 1 {
                (figure(
                    "Found against false alarms (ROC)",
                    &format!("Each point is a threshold: how many of the rows that are {of} are found, for how many of the others that are taken for it. The dashed line is what chance does."),
                    &axes("false alarms", "found", &html! {
                        line.chance x1=(place(x(0.0))) y1=(place(y(0.0))) x2=(place(x(1.0))) y2=(place(y(1.0))) {}
                        (path(&curves.thresholds, |point| (point.false_alarms, point.recall)))
                    }),
                ))
                (figure(
                    "Right against found (precision and recall)",
                    &format!("How many of the rows that are taken for {of} are it, for how many of all that are found."),
                    &axes("found", "right", &path(&curves.thresholds, |point| (point.recall, point.precision))),
                ))
            }
            @if !curves.calibration.is_empty() { (calibration(&curves.calibration, curves.class.as_deref())) }
        }
    }
}

/// What was promised against what happened, each bin a dot with its interval. `class` is that of the scores; without one
/// they are confidences.
pub fn calibration(bins: &[CalibrationBin], class: Option<&str>) -> Markup {
    figure(
        "Promised against happened (calibration)",
        &match class {
            Some(class) => format!("Of the rows with like scores, how many are “{class}”. On the dashed line a score means what it says; the bars are 95 % intervals."),
            None => "Of the answers of like confidence, how many are right. On the dashed line a score means what it says; the bars are 95 % intervals.".to_owned(),
        },
        &axes("score", "happened", &html! {
            line.chance x1=(place(x(0.0))) y1=(place(y(0.0))) x2=(place(x(1.0))) y2=(place(y(1.0))) {}
            @for bin in bins { (bin_mark(bin)) }
        }),
    )
}

fn figure(title: &str, words: &str, drawing: &Markup) -> Markup {
    html! {
        figure.curve {
            figcaption { b { (title) } }
            svg viewBox="0 0 314 290" role="img" aria-label=(title) { (drawing) }
            p.small.muted { (words) }
        }
    }
}

fn x(share: f64) -> f64 {
    LEFT + share.clamp(0.0, 1.0) * SIDE
}

fn y(share: f64) -> f64 {
    TOP + (1.0 - share.clamp(0.0, 1.0)) * SIDE
}

fn axes(below: &str, beside: &str, inside: &Markup) -> Markup {
    html! {
        @for tick in [0.0, 0.25, 0.5, 0.75, 1.0] {
            line.grid x1=(place(x(tick))) x2=(place(x(tick))) y1=(place(y(0.0))) y2=(place(y(1.0))) {}
            line.grid x1=(place(x(0.0))) x2=(place(x(1.0))) y1=(place(y(tick))) y2=(place(y(tick))) {}
        }
        @for tick in [0.0, 0.5, 1.0] {
            text.tick-label x=(place(x(tick))) y=(place(y(0.0) + 14.0)) text-anchor="middle" { (percent(tick)) }
            text.tick-label x=(place(x(0.0) - 5.0)) y=(place(y(tick) + 4.0)) text-anchor="end" { (percent(tick)) }
        }
        text.axis-label x=(place(x(0.5))) y="280" text-anchor="middle" { (below) }
        text.axis-label transform=(format!("rotate(-90 12 {0}) translate(12 {0})", place(y(0.5)))) text-anchor="middle" { (beside) }
        (inside)
    }
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

fn path(points: &[ThresholdPoint], at: impl Fn(&ThresholdPoint) -> (f64, f64)) -> Markup {
    let mut line = String::new();
    for (index, point) in points.iter().enumerate() {
        let (right, up) = at(point);
        line.push_str(if index == 0 { "M" } else { " L" });
        line.push_str(&format!("{} {}", place(x(right)), place(y(up))));
    }
    html! { path.curve-line d=(line) {} }
}

fn bin_mark(bin: &CalibrationBin) -> Markup {
    let words = format!(
        "promised {:.3}, happened {:.3} [{:.3}, {:.3}], {} rows",
        bin.promised, bin.happened, bin.lower, bin.upper, bin.n
    );
    html! {
        g.bin {
            title { (words) }
            line.spread x1=(place(x(bin.promised))) x2=(place(x(bin.promised))) y1=(place(y(bin.lower))) y2=(place(y(bin.upper))) {}
            circle cx=(place(x(bin.promised))) cy=(place(y(bin.happened))) r="3.4" {}
        }
    }
}
