//! `/analysis/compare?candidate=…&old=…`: two candidates on the same rows.

use super::asked::{Asked, Sheet, candidates};
use super::mistakes::examples;
use crate::components::{Frame, chart, parts};
use crate::format;
use crate::pages::metrics;
use maud::{Markup, html};
use remuda_app::analysis::{Comparison, Example};

/// Two candidates, or the question of which.
pub fn page(frame: &Frame, asked: &Asked<Comparison>) -> Markup {
    let found = asked.found.as_ref().and_then(|found| found.as_ref().ok());
    let old = found.map_or(asked.other.as_str(), |view| view.old.short());
    let sheet = Sheet {
        verb: "compare",
        title: "Comparison",
        about: "What a candidate wins and loses against another on the same rows, and whether that is more than chance.",
        head: |view: &Comparison| &view.head,
        inputs: candidates("old", "against", &asked.models, old),
        options: format!(" {}", if old.is_empty() { "OLD" } else { old }),
        lead: &|view: &Comparison| {
            html! {
                span {
                    "against " a href=(format::address("model_version", view.old.as_str())) { b { (view.old_name) } } " "
                    (parts::digest(view.old.as_str()))
                }
            }
        },
        body: &body,
    };
    sheet.page(frame, asked)
}

fn body(view: &Comparison) -> Markup {
    let command = format!("remuda analysis compare {} {}", view.head.model.short(), view.old.short());
    let new = format::cut(&view.head.model_name, 40);
    if view.head.model == view.old {
        return parts::empty("Both are the same model: there is nothing to compare. Choose another one.", "");
    }
    let rows = |id: &str, title: &str, examples_of: &[Example]| {
        html! { @if !examples_of.is_empty() { (parts::section(id, title, html! {}, examples(title, examples_of))) } }
    };
    html! {
        (parts::section("won", "Row by row", html! {}, won(view)))
        (parts::section("differences", &format!("{new} less {}", format::cut(&view.old_name, 40)), html! {}, html! {
            (metrics::metrics(&view.differences, &command))
            p.small.muted { "Differences on the same rows. An interval that holds 0 does not tell the two apart." }
        }))
        (rows("won-rows", &format!("Won by {new}"), &view.won_examples))
        (rows("lost-rows", &format!("Lost by {new}"), &view.lost_examples))
        (rows("wrong-rows", "Both wrong", &view.wrong_examples))
    }
}

/// Won, lost and shared rows as one bar, and what chance makes of it.
fn won(view: &Comparison) -> Markup {
    let (new, old) = (format::cut(&view.head.model_name, 30), format::cut(&view.old_name, 30));
    let what = if view.both_right.is_some() { "right" } else { "nearer" };
    let (only_new, only_old) = (format!("only {new} {what}"), format!("only {old} {what}"));
    let mut parts_of = vec![(only_new.as_str(), view.won, "won"), (only_old.as_str(), view.lost, "lost")];
    if let (Some(right), Some(wrong)) = (view.both_right, view.both_wrong) {
        parts_of.push(("both right", right, "both-right"));
        parts_of.push(("both wrong", wrong, "both-wrong"));
    }
    html! {
        (chart::stacked(&parts_of))
        @if let Some(p) = view.p_value {
            p {
                @if p <= 0.05 {
                    b { "More than chance explains" } ": were both equally good, so uneven a count of won and lost would come with a chance of "
                } @else {
                    b { "Chance may well bring this" } ": were both equally good, so uneven a count of won and lost would come with a chance of "
                }
                (if p < 0.0001 { "less than 0.0001".to_owned() } else { format::measure(p) }) " (two-sided, " (if view.both_right.is_some() { "exact McNemar test" } else { "Wilcoxon's signed ranks" }) ")."
            }
        }
    }
}
