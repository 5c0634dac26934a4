//! What can be done with a slice that was found: forms beside each slice, and the labels that were asked for.

use crate::components::{Frame, action, parts, table as tables};
use crate::format;
use maud::{Markup, html};
use remuda_app::analysis::{FoundSlice, LabelRequest, Sliced};
use remuda_model::text;

/// Requests that a page lists.
const SHOWN: usize = 20;

/// The four things that can be done with a slice, as forms for members and as commands for everybody.
pub(super) fn of_slice(frame: &Frame, view: &Sliced, slice: &FoundSlice) -> Markup {
    let (number, id) = (slice.number, view.id.as_str());
    html! {
        details.uses {
            summary { "Do something with it" }
            @if slice.name.is_none() {
                (one(
                    "Name it", "It goes into `slices.toml`, so that everybody speaks of the same rows.",
                    keep(frame, id, number), &format!("remuda analysis keep NAME --slice {number} --of {id}"),
                ))
            }
            (one(
                "Demand more of it", "A criterion on its rows goes into the requirement; the gate then decides it on the holdout.",
                require(frame, id, number), &format!("remuda analysis require {number} --of {id}"),
            ))
            @if view.is_rate {
                (one(
                    "Test it", "A behavioural test on its validation rows: a floor under every later candidate.",
                    expect(frame, id, number), &format!("remuda analysis expect {number} --of {id}"),
                ))
            }
            (one(
                "Ask for labels", "Rows of it, drawn by lot, in a file for those who label.",
                request(frame, id, number), &format!("remuda analysis request-labels {number} --of {id} -o FILE.csv"),
            ))
        }
    }
}

fn one(title: &str, words: &str, form: Markup, command: &str) -> Markup {
    html! {
        div.use {
            p { b { (title) } ". " span.muted { (parts::backticks(words)) } }
            (form)
            (parts::command(command))
        }
    }
}

/// A slice by its number in an analysis, as fields of a form.
fn of(id: &str, number: u32, send: impl FnOnce(&[(&str, &str)]) -> Markup) -> Markup {
    send(&[("slice", &number.to_string()), ("analysis", id)])
}

fn keep(frame: &Frame, id: &str, number: u32) -> Markup {
    let inputs = html! {
        label { "name" input type="text" name="name" required pattern="[a-z0-9][a-z0-9_-]*" maxlength="64" autocomplete="off"; }
    };
    of(id, number, |fields| action::form(frame, "analysis", "keep", "Name it", fields, inputs))
}

fn require(frame: &Frame, id: &str, number: u32) -> Markup {
    let inputs = html! {
        label { "criterion, or nothing for what all rows reach" input type="text" name="criterion" placeholder="accuracy >= 0.8" autocomplete="off"; }
        label { "requirement, where there are several" input type="text" name="requirement" autocomplete="off"; }
    };
    of(id, number, |fields| action::form(frame, "analysis", "require", "Write the criterion", fields, inputs))
}

fn expect(frame: &Frame, id: &str, number: u32) -> Markup {
    let inputs = html! {
        label { "share that must be right, or nothing for what all rows reach" input type="text" name="pass_rate" inputmode="decimal" placeholder="0.8" autocomplete="off"; }
    };
    of(id, number, |fields| action::form(frame, "analysis", "expect", "Write the test", fields, inputs))
}

fn request(frame: &Frame, id: &str, number: u32) -> Markup {
    let inputs = html! {
        label { "rows, or nothing for what is needed" input type="text" name="rows" inputmode="numeric" autocomplete="off"; }
        label {
            "from"
            select name="split" {
                option value="validation" { "validation" }
                option value="train" { "train" }
                option value="holdout" { "holdout" }
            }
        }
        label {
            "whose label is"
            select name="again" {
                option value="false" { "missing" }
                option value="true" { "there, for a second opinion" }
            }
        }
    };
    of(id, number, |fields| action::form(frame, "analysis", "request-labels", "Ask for labels", fields, inputs))
}

/// The labels that were asked for, each with its file.
pub(super) fn requests(frame: &Frame, requests: &[LabelRequest]) -> Markup {
    let rows = html! {
        @for one in requests.iter().take(SHOWN) {
            tr {
                td.what.wide {
                    @match (&one.analysis, one.slice) {
                        (Some(analysis), Some(slice)) => a href=(format::address("analysis", analysis)) { "slice " (slice) },
                        _ => (one.name.as_deref().unwrap_or("slice")),
                    }
                    code.second { (format::cut(&one.filter, 120)) }
                    @if frame.may_write() {
                        a.second href={ "/analysis/labels/" (format::segment(&one.id)) ".csv" } { (one.id) ".csv" }
                    } @else { code.second { (one.id) } }
                    @if !one.remark.is_empty() { span.second { (format::cut(&one.remark, 200)) } }
                }
                td.number {
                    b { (text::thousands(one.rows)) } " of " (text::thousands(one.pool))
                    span.second { (one.split) @if one.again { ", again" } }
                }
                td.wide.what { span.small { (format::cut(&one.because, 240)) } }
                td.end {
                    (format::cut(&one.actor, 20)) span.second { (parts::time(frame.now, one.time)) }
                }
            }
        }
    };
    html! {
        @if !requests.is_empty() {
            (parts::section("requests", "Labels asked for", html! {}, html! {
                (tables::stacked("Labels asked for", tables::heads(["rows of", "#rows", "why so many", "by"]), rows))
                (parts::left_out(requests.len(), SHOWN, "remuda analysis list"))
                p.small.muted { "Once they are labelled, put the labels into the data by their ids, and add the new file as a version." }
            }))
        }
    }
}
