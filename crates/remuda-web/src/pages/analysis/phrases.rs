//! `/analysis/phrases?candidate=…`: the words and phrases that mark mistakes, as a forest, with rows in which they stand.

use super::asked::{Asked, Sheet};
use super::slices::{Drawn, capital, card};
use crate::components::{Frame, forest, parts};
use crate::format;
use maud::{Markup, html};
use remuda_app::analysis::{FoundPhrase, PhraseExample, PhrasesFound};
use remuda_model::text;

/// Phrases that a page draws.
const SHOWN: usize = 30;

/// Phrases that mark mistakes, or the question of which candidate.
pub fn page(frame: &Frame, asked: &Asked<PhrasesFound>) -> Markup {
    let sheet = Sheet {
        verb: "phrases",
        title: "Telling phrases",
        about: "Words and phrases whose rows a candidate gets wrong more often than the rest.",
        head: |view: &PhrasesFound| &view.head,
        inputs: html! {},
        options: String::new(),
        lead: &|view: &PhrasesFound| html! { @if !view.columns.is_empty() { span { "in " b { (text::list(&view.columns)) } } } },
        body: &body,
    };
    sheet.page(frame, asked)
}

fn body(view: &PhrasesFound) -> Markup {
    let confirmed = view.phrases.iter().filter(|phrase| phrase.slice.confirmed).count();
    let shown = &view.phrases[..view.phrases.len().min(SHOWN)];
    let scale = forest::Scale::over(shown.iter().map(|phrase| &phrase.slice.inside).chain([&view.overall]));
    if let Some(nothing) = &view.nothing {
        return parts::empty(
            &format!("There is no phrase to tell of: {nothing}."),
            view.next.as_deref().unwrap_or_default(),
        );
    }
    let command = format!("remuda analysis phrases {} --json", view.head.model.short());
    let aside = parts::chip(&format!("{confirmed} of {} confirmed", view.phrases.len()));
    html! {
        div.columns {
            div.main-column {
                (parts::section("phrases", "Where mistakes crowd", aside, html! {
                    p.forest-head {
                        span { (capital(&view.loss)) " of all: " b { (format::point(&view.overall)) } }
                        span.muted { (format::interval(view.overall.lower, view.overall.upper)) }
                    }
                    ol.forest { @for phrase in shown { (one(view, phrase, scale.as_ref())) } }
                    (parts::left_out(view.phrases.len(), shown.len(), &command))
                }))
            }
            div.side-column { (reading(view, confirmed)) }
        }
    }
}

fn one(view: &PhrasesFound, phrase: &FoundPhrase, scale: Option<&forest::Scale>) -> Markup {
    let title = html! {
        p.quoted {
            b { "“" (format::cut(&phrase.phrase, 80)) "”" }
            @if view.columns.len() > 1 { " " span.muted { "in " (format::cut(&phrase.column, 40)) } }
        }
        @if !phrase.alternatives.is_empty() {
            p.small.muted {
                "much the same rows: "
                @for (index, other) in phrase.alternatives.iter().enumerate() {
                    @if index > 0 { ", " }
                    "“" (format::cut(other, 60)) "”"
                }
            }
        }
    };
    let below = html! {
        @for pair in phrase.confusions.iter().take(if phrase.slice.confirmed { 3 } else { 1 }) {
            p.small {
                (format::cut(&pair.truth, 60)) " called " b { (format::cut(&pair.predicted, 60)) } ", " (text::count(pair.rows, "row"))
            }
        }
        @if !phrase.examples.is_empty() {
            details open[phrase.slice.confirmed] {
                summary { "Some of its mistakes" }
                ul.failures { @for example in &phrase.examples { (shown(example)) } }
            }
        }
    };
    let filter = phrase.slice.filter.replace('\'', "'\\''");
    let keep = format!("remuda analysis keep NAME --data {} --where '{filter}'", view.head.dataset);
    let drawn =
        Drawn { loss: &view.loss, scale, all: view.overall.value, title, others: None, below, keep: Some(&keep) };
    card(&phrase.slice, drawn)
}

fn shown(example: &PhraseExample) -> Markup {
    html! {
        li {
            p.asked { @for piece in &example.text { @if piece.marked { mark { (piece.text) } } @else { (piece.text) } } }
            p.small.muted {
                code { (format::cut(&example.id, 24)) } " " (format::cut(&example.truth, 60)) " called " b { (format::cut(&example.predicted, 60)) }
                @if let Some(sure) = example.confidence { ", " (format::percent(sure)) " sure" }
            }
        }
    }
}

fn reading(view: &PhrasesFound, confirmed: usize) -> Markup {
    parts::section(
        "reading",
        "How to read it",
        html! {},
        html! {
            p.small {
                "The phrases were found on " (text::count(view.searched, "row")) ": those in at least "
                (text::count(view.least_rows, "row")) " whose " (view.loss) " lies the furthest above the mean. Whoever searches \
                finds, so what counts are the other " (text::thousands(view.overall.n)) " rows: the intervals are measured there."
            }
            p.small {
                b { "Confirmed" } " means worse than all other rows, with a chance of at most 5 % that any one of the phrases \
                here is so by chance alone."
            }
            @if confirmed == 0 {
                p.small { "None can be told from chance on so few rows. More labelled rows would tell." }
            }
        },
    )
}
