//! `/analysis/mistakes?candidate=…`: the matrix, the rows behind its cells, the surest mistakes, the calibration curve.

use crate::components::{Frame, Page, Section, layout, parts, table as tables};
use crate::format;
use crate::pages::{gate, metrics};
use maud::{Markup, html};
use remuda_app::analysis::{Example, MistakesFound};
use remuda_model::analysis::CalibrationBin;
use remuda_model::text;

/// Cells whose rows a page shows.
const CELLS: usize = 12;

/// A candidate's mistakes.
pub fn page(frame: &Frame, view: &MistakesFound) -> Markup {
    let command = format!("remuda analysis mistakes {}", view.head.model.short());
    let worst = if view.wrong.is_some() { "The surest mistakes" } else { "The largest errors" };
    let body = html! {
        @if view.wrong == Some(0) {
            (parts::empty("Every row is right: there is no mistake to show.", &command))
        }
        @if !view.worst.is_empty() { (parts::section("worst", worst, html! {}, examples(worst, &view.worst))) }
        @if let Some(confusion) = &view.confusion { (gate::matrix(confusion)) }
        @if !view.cells.is_empty() { (cells(view, &command)) }
        @if !view.calibration.is_empty() { (calibration(view)) }
        (parts::section("metrics", "Metrics", html! {}, metrics::metrics(&view.metrics, &command)))
    };
    let page = Page {
        title: format!("Mistakes of {}", view.head.model_name),
        section: Section::Analysis,
        crumbs: vec![("Analysis".to_owned(), "/analysis".to_owned())],
        beside: html! { @if view.head.charged { (parts::chip("a holdout look")) } },
        lead: html! {
            span {
                "candidate "
                a href=(format::address("model_version", view.head.model.as_str())) { b { (view.head.model_name) } } " "
                (parts::digest(view.head.model.as_str()))
            }
            span {
                (text::count(view.head.rows, "row")) " of " (view.head.split)
                @if let Some(wrong) = view.wrong { ", " b { (text::thousands(wrong)) } " wrong" }
            }
            span { "data " (parts::digest_link("dataset_version", view.head.version.as_str())) }
        },
        commands: vec![command, format!("remuda analysis slices {}", view.head.model.short())],
        body,
    };
    layout::page(frame, page)
}

/// Rows as a table: truth, prediction, how sure, and the first inputs.
fn examples(label: &str, shown: &[Example]) -> Markup {
    let rows = html! {
        @for one in shown.iter().take(50) {
            tr {
                td { code { (format::cut(&one.id, 24)) } }
                td { (format::cut(&one.truth, 40)) }
                td { b { (format::cut(&one.predicted, 40)) } }
                td.number {
                    @match (one.confidence, one.error) {
                        (Some(confidence), _) => (format::percent(confidence)),
                        (None, Some(error)) => (format::measure(error)),
                        (None, None) => "–",
                    }
                }
                td.wide.what {
                    @if let [only] = one.inputs.as_slice() { (format::cut(&only.value, 200)) }
                    @else {
                        @for input in &one.inputs {
                            span.key { span.muted { (format::cut(&input.column, 24)) } " " (format::cut(&input.value, 32)) } " "
                        }
                    }
                }
            }
        }
    };
    let sure = if shown.iter().any(|one| one.error.is_some()) { "#error" } else { "#sure" };
    tables::stacked(label, tables::heads(["row", "truth", "predicted", sure, "inputs"]), rows)
}

fn cells(view: &MistakesFound, command: &str) -> Markup {
    parts::section(
        "cells",
        "Rows behind the cells",
        html! {},
        html! {
            @for cell in view.cells.iter().take(CELLS) {
                details {
                    summary {
                        b { (format::cut(&cell.truth, 48)) } " called " b { (format::cut(&cell.predicted, 48)) } ": "
                        (text::count(cell.rows, "row"))
                    }
                    (examples(&format!("{} called {}", cell.truth, cell.predicted), &cell.examples))
                }
            }
            (parts::left_out(view.cells.len(), CELLS, &format!("{command} --json")))
        },
    )
}

fn calibration(view: &MistakesFound) -> Markup {
    let rows = html! {
        @for bin in &view.calibration {
            tr {
                td.number { (text::thousands(bin.n)) }
                td.number { (format::measure(bin.promised)) }
                td.number { b { (format::measure(bin.happened)) } }
                td.number.muted { (format::interval(Some(bin.lower), Some(bin.upper))) }
            }
        }
    };
    let error = view.calibration_error.as_ref();
    parts::section(
        "calibration",
        "What was promised, and what came",
        html! { @if let Some(error) = error { (parts::chip(&format!("ECE {}", format::point(error)))) } },
        html! {
            div.plot { (curve(&view.calibration)) }
            (tables::table("Calibration", tables::heads(["#rows", "#promised", "#came", "#95 % interval"]), rows))
            @if let Some(error) = error {
                p.small.muted {
                    "Expected calibration error " (format::point(error)) ", " (format::interval(error.lower, error.upper))
                    ". On the dashed line, what is promised is what comes."
                }
            }
        },
    )
}

/// Promise to the right, what came upwards, each bin a dot with its interval.
fn curve(bins: &[CalibrationBin]) -> Markup {
    let x = |value: f64| format!("{:.1}", 30.0 + value.clamp(0.0, 1.0) * 310.0);
    let y = |value: f64| format!("{:.1}", 10.0 + (1.0 - value.clamp(0.0, 1.0)) * 220.0);
    let points: Vec<String> = bins.iter().map(|bin| format!("{},{}", x(bin.promised), y(bin.happened))).collect();
    html! {
        svg.interval.calibration viewBox="0 0 360 256" role="img" aria-label="Share that came against probability promised" {
            line.axis x1="30" x2="340" y1="230" y2="230" {}
            line.axis x1="30" x2="30" y1="10" y2="230" {}
            line.threshold x1="30" y1="230" x2="340" y2="10" {}
            polyline.curve points=(points.join(" ")) {}
            @for bin in bins {
                line.cap x1=(x(bin.promised)) x2=(x(bin.promised)) y1=(y(bin.lower)) y2=(y(bin.upper)) {}
                circle.estimate cx=(x(bin.promised)) cy=(y(bin.happened)) r="4.5" {}
            }
            text x="30" y="248" { "0" }
            text x="340" y="248" text-anchor="end" { "promised 1" }
            text x="24" y="16" text-anchor="end" { "1" }
        }
    }
}
