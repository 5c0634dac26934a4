//! `/analysis/mistakes?candidate=…`: the matrix, the rows behind its cells, the surest mistakes, the calibration curve.

use super::asked::{Asked, Sheet};
use crate::components::{Frame, curves, parts, table as tables};
use crate::format;
use crate::pages::{gate, metrics};
use maud::{Markup, html};
use remuda_app::analysis::{Example, MistakesFound};
use remuda_model::text;

/// Cells whose rows a page shows.
const CELLS: usize = 12;

/// A candidate's mistakes, or the question of which candidate.
pub fn page(frame: &Frame, asked: &Asked<MistakesFound>) -> Markup {
    let sheet = Sheet {
        verb: "mistakes",
        title: "Mistakes",
        about: "Where the truth and a candidate part: the matrix, rows behind its cells, the surest mistakes, calibration.",
        head: |view: &MistakesFound| &view.head,
        inputs: html! {},
        options: String::new(),
        lead: &|view: &MistakesFound| html! { @if let Some(wrong) = view.wrong { span { b { (text::thousands(wrong)) } " wrong" } } },
        body: &body,
    };
    sheet.page(frame, asked)
}

fn body(view: &MistakesFound) -> Markup {
    let command = format!("remuda analysis mistakes {}", view.head.model.short());
    let worst = if view.wrong.is_some() { "The surest mistakes" } else { "The largest errors" };
    html! {
        @if view.wrong == Some(0) {
            (parts::empty("Every row is right: there is no mistake to show.", &command))
        }
        @if !view.worst.is_empty() { (parts::section("worst", worst, html! {}, examples(worst, &view.worst))) }
        @if let Some(confusion) = &view.confusion { (gate::matrix(confusion)) }
        @if !view.cells.is_empty() { (cells(view, &command)) }
        @if !view.calibration.is_empty() { (calibration(view)) }
        (parts::section("metrics", "Metrics", html! {}, metrics::metrics(&view.metrics, &command)))
    }
}

/// Rows as a table: truth, prediction, how sure, and the first inputs.
pub(super) fn examples(label: &str, shown: &[Example]) -> Markup {
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
                td.wide.what { (inputs(one)) }
            }
        }
    };
    let sure = if shown.iter().any(|one| one.error.is_some()) { "#error" } else { "#sure" };
    tables::stacked(label, tables::heads(["row", "truth", "predicted", sure, "inputs"]), rows)
}

/// The first inputs of a row.
pub(super) fn inputs(row: &Example) -> Markup {
    html! {
        @if let [only] = row.inputs.as_slice() { (format::cut(&only.value, 200)) }
        @else {
            @for input in &row.inputs {
                span.key { span.muted { (format::cut(&input.column, 24)) } " " (format::cut(&input.value, 32)) } " "
            }
        }
    }
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
            div.columns.even {
                div.plot { (curves::calibration(&view.calibration, view.calibrated.as_deref())) }
                (tables::table("Calibration", tables::heads(["#rows", "#promised", "#came", "#95 % interval"]), rows))
            }
            @if let Some(error) = error {
                p.small.muted {
                    "Expected calibration error " (format::point(error)) ", " (format::interval(error.lower, error.upper))
                    "."
                }
            }
        },
    )
}
