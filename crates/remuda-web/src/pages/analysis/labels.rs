//! `/analysis/labels?candidate=…`: labels in doubt, by pair of classes, and the most doubtful rows.

use super::asked::{Asked, Sheet};
use crate::components::{Frame, chart, parts, table as tables};
use crate::format;
use maud::{Markup, html};
use remuda_app::analysis::{DoubtfulLabel, DoubtfulLabels, DoubtfulPair};
use remuda_model::text;

/// Pairs of classes, and rows, that a page shows.
const PAIRS: usize = 12;
const ROWS: usize = 50;

/// Labels in doubt, or the question of which candidate.
pub fn page(frame: &Frame, asked: &Asked<DoubtfulLabels>) -> Markup {
    let sheet = Sheet {
        verb: "labels",
        title: "Doubtful labels",
        about: "Rows whose labels are probably wrong, by what a candidate says of rows that it was not trained on.",
        head: |view: &DoubtfulLabels| &view.head,
        inputs: html! {},
        options: String::new(),
        lead: &|view: &DoubtfulLabels| {
            let share = format::share(view.suspected, view.head.rows);
            html! { span { b { (text::thousands(view.suspected)) } " in doubt, " (format::percent(share)) } }
        },
        body: &body,
    };
    sheet.page(frame, asked)
}

fn body(view: &DoubtfulLabels) -> Markup {
    let command = format!("remuda analysis labels {} --limit 200", view.head.model.short());
    html! {
        @if view.suspected == 0 {
            (parts::empty("No label is in doubt: wherever the candidate is sure, it says what the label says.", &command))
        } @else {
            p { "A doubt is not a proof: a candidate that errs in the same way doubts right labels. Let somebody look at these rows before a label is changed." }
            (parts::section("pairs", "By class", html! {}, pairs(&view.pairs, &command)))
            (parts::section("rows", "The most doubtful rows", html! {}, html! {
                (rows(&view.examples))
                (parts::left_out(view.suspected as usize, view.examples.len().min(ROWS), &command))
            }))
        }
    }
}

fn pairs(pairs: &[DoubtfulPair], command: &str) -> Markup {
    let most = pairs.first().map_or(0, |pair| pair.rows);
    let rows = html! {
        @for pair in pairs.iter().take(PAIRS) {
            tr {
                td { (format::cut(&pair.given, 40)) }
                td { b { (format::cut(&pair.suggested, 40)) } }
                td.number { (text::thousands(pair.rows)) }
                td.wide { (chart::bar(format::share(pair.rows, most))) }
            }
        }
    };
    html! {
        (tables::stacked("Pairs of classes", tables::heads(["given", "suggested", "#rows", ""]), rows))
        (parts::left_out(pairs.len(), PAIRS, &format!("{command} --json")))
    }
}

fn rows(examples: &[DoubtfulLabel]) -> Markup {
    let rows = html! {
        @for one in examples.iter().take(ROWS) {
            tr {
                td { code { (format::cut(&one.row.id, 24)) } }
                td { (format::cut(&one.row.truth, 40)) }
                td { b { (format::cut(&one.suggested, 40)) } }
                td.number data-label="margin" { (format::measure(one.margin)) }
                td.wide.what { (super::mistakes::inputs(&one.row)) }
            }
        }
    };
    tables::stacked("Doubtful rows", tables::heads(["row", "given", "suggested", "#margin", "inputs"]), rows)
}
