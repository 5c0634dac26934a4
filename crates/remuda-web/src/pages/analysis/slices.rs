//! `/analysis/{id}`: the slices that a search found, as a forest of intervals against all rows.

use super::uses;
use crate::components::{Frame, Page, Section, forest, layout, parts};
use crate::format;
use maud::{Markup, html};
use remuda_app::analysis::{FoundSlice, Sliced};
use remuda_model::text;

/// Slices that a page draws.
const SHOWN: usize = 30;

/// The slices of one analysis.
pub fn page(frame: &Frame, view: &Sliced) -> Markup {
    let body = html! {
        div.columns {
            div.main-column { (found(frame, view)) }
            div.side-column { (rests_on(frame, view)) (reading(view)) (left_out(view)) }
        }
        (uses::requests(frame, &view.requests))
    };
    let page = Page {
        title: format!("Slices of {}", view.model_name),
        section: Section::Analysis,
        crumbs: vec![("Analysis".to_owned(), "/analysis".to_owned())],
        beside: html! { @if view.charged { (parts::chip("a holdout look")) } },
        lead: html! {
            span {
                "candidate "
                a href=(format::address("model_version", view.model.as_str())) { b { (view.model_name) } } " "
                (parts::digest(view.model.as_str()))
            }
            span { "worst by " b { (view.metric) } " on " (view.split) }
            span { "by " b { (view.actor) } ", " (parts::time(frame.now, view.time)) }
        },
        commands: vec![format!("remuda analysis show {}", view.id)],
        body,
    };
    layout::page(frame, page)
}

fn found(frame: &Frame, view: &Sliced) -> Markup {
    let confirmed = view.slices.iter().filter(|slice| slice.confirmed).count();
    let shown = &view.slices[..view.slices.len().min(SHOWN)];
    let scale = forest::Scale::over(shown.iter().map(|slice| &slice.inside).chain([&view.overall]));
    let all = view.overall.value;
    parts::section(
        "slices",
        "The worst slices",
        parts::chip(&format!("{confirmed} of {} confirmed", view.slices.len())),
        html! {
            @if let Some(nothing) = &view.nothing {
                (parts::empty(&format!("There is no slice to tell of: {nothing}."), &again(view)))
            } @else {
                p.forest-head {
                    span { (capital(&view.loss)) " of all: " b { (format::point(&view.overall)) } }
                    span.muted { (format::interval(view.overall.lower, view.overall.upper)) }
                }
                ol.forest {
                    @for slice in shown { (one(frame, view, slice, scale.as_ref(), all)) }
                }
                (parts::left_out(view.slices.len(), shown.len(), &format!("remuda analysis show {}", view.id)))
            }
        },
    )
}

fn one(frame: &Frame, view: &Sliced, slice: &FoundSlice, scale: Option<&forest::Scale>, all: Option<f64>) -> Markup {
    let title = html! { code.filter { (slice.filter) } };
    let mut others = String::new();
    if slice.others > 0 {
        let count = text::count(u64::from(slice.others), "other slice");
        others.push_str(&format!("; stands for {count} of much the same rows"));
    }
    if slice.parts > 0 {
        let count = text::count(u64::from(slice.parts), "narrower slice");
        others.push_str(&format!("; {count} within it not shown to be worse than the rest of it"));
    }
    let below = uses::of_slice(frame, view, slice);
    card(
        slice,
        Drawn {
            loss: &view.loss,
            scale,
            all,
            title,
            others: Some(others).filter(|others| !others.is_empty()),
            below,
            keep: None,
        },
    )
}

/// What a card shows of a slice besides its numbers.
pub(super) struct Drawn<'a> {
    pub(super) loss: &'a str,
    pub(super) scale: Option<&'a forest::Scale>,
    /// The mean loss of all rows.
    pub(super) all: Option<f64>,
    pub(super) title: Markup,
    /// What else it stands for.
    pub(super) others: Option<String>,
    pub(super) below: Markup,
    /// The command that keeps it, where no form does.
    pub(super) keep: Option<&'a str>,
}

/// A slice with its interval against all rows.
pub(super) fn card(slice: &FoundSlice, drawn: Drawn<'_>) -> Markup {
    let tone = if slice.confirmed { "not-met" } else { "undecided" };
    let times = match (slice.inside.value, slice.rest) {
        (Some(inside), Some(rest)) if rest > 0.0 && inside > 1.05 * rest => Some(inside / rest),
        _ => None,
    };
    html! {
        li class={ "card " (tone) } {
            header {
                span.badge-word {
                    @if slice.confirmed { span aria-hidden="true" { "✗ " } "confirmed" }
                    @else { span aria-hidden="true" { "· " } "not confirmed" }
                }
                @if let Some(name) = &slice.name { (parts::mark(parts::Tone::Good, name)) }
            }
            (drawn.title)
            @if let Some(scale) = drawn.scale { (forest::row(scale, &slice.inside, drawn.all, drawn.loss)) }
            p.small {
                b { (format::point(&slice.inside)) } " "
                span.muted { (format::interval(slice.inside.lower, slice.inside.upper)) }
                " against " b { (format::maybe(slice.rest)) } " in the rest"
                @if let Some(within) = slice.within { " of slice " (within) }
                @if let Some(times) = times { ", " (text::number((times * 10.0).round() / 10.0)) " times as much" }
                ", " (text::count(slice.rows, "row"))
            }
            p.small.muted {
                @match slice.adjusted {
                    Some(p) => { "p " (p_value(p)) " after Holm, " (slice.test) }
                    None => { "not tested: " (slice.inside.method) }
                }
                @if let Some(others) = drawn.others { (others) }
            }
            (drawn.below)
            @if let Some(keep) = drawn.keep.filter(|_| slice.confirmed && slice.name.is_none()) { (parts::command(keep)) }
        }
    }
}

fn p_value(p: f64) -> String {
    if p < 0.0001 { "< 0.0001".to_owned() } else { format::measure(p) }
}

fn again(view: &Sliced) -> String {
    format!("remuda analysis slices {} --weight 0.99", view.model.short())
}

pub(super) fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn rests_on(frame: &Frame, view: &Sliced) -> Markup {
    parts::section(
        "rests-on",
        "What it rests on",
        html! {},
        html! {
            (parts::facts([
                ("candidate", parts::digest_link("model_version", view.model.as_str())),
                ("data version", parts::digest_link("dataset_version", view.version.as_str())),
                ("rows searched", parts::text(text::thousands(view.searched))),
                ("rows checked on", parts::text(text::thousands(view.overall.n))),
                ("a slice has at least", parts::text(text::count(view.least_rows, "row"))),
                ("and at most", parts::text(text::count(u64::from(view.depth), "condition"))),
                ("asked", parts::ago(frame.now, view.time)),
                ("fact", parts::digest(&view.fact)),
            ]))
            p { a href={ "/why/" (format::segment(&view.id)) } { "lineage" } }
        },
    )
}

fn reading(view: &Sliced) -> Markup {
    parts::section(
        "reading",
        "How to read it",
        html! {},
        html! {
            p.small {
                "Half of the rows was searched for the conjunctions with the greatest " (view.loss)
                ". Whoever searches finds, so what counts is the other half: the intervals are measured there."
            }
            p.small {
                b { "Confirmed" } " means worse than all other rows, with a chance of at most 5 % that any one of the slices \
                here is so by chance alone. A slice within another is held against the rest of that one."
            }
        },
    )
}

fn left_out(view: &Sliced) -> Markup {
    html! {
        @if !view.left_out.is_empty() {
            (parts::section("left-out", "Not sliced by", html! {}, html! {
                ul.plain-list.small {
                    @for one in view.left_out.iter().take(30) { li { code { (format::cut(&one.column, 40)) } " " span.muted { (one.why) } } }
                }
                (parts::left_out(view.left_out.len(), 30, &format!("remuda analysis show {} --json", view.id)))
            }))
        }
    }
}
