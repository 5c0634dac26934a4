//! Verdicts: icon, word, colour, in that order of importance; and a criterion's verdict in full.

use super::{interval, parts, table};
use crate::format;
use maud::{Markup, html};
use remuda_model::gate::{Price, Reason, Verdict, VerdictKind};
use remuda_model::text;

/// Icon and word.
pub fn badge(kind: VerdictKind) -> Markup {
    html! { span class={ "verdict " (class(kind)) } { (icon(kind)) span { (kind.words()) } } }
}

/// The icon alone, with the word for those who do not see it.
pub fn dot(kind: VerdictKind) -> Markup {
    html! { span class={ "verdict-dot " (class(kind)) } title=(kind.words()) { (icon(kind)) span.hidden { (kind.words()) } } }
}

/// The big box at the head of a gate report.
pub fn banner(kind: VerdictKind, sentence: &str) -> Markup {
    html! {
        div class={ "verdict-box " (class(kind)) } {
            (icon(kind))
            div { p.word { (kind.words()) } p { (sentence) } }
        }
    }
}

/// The class that colours it.
pub fn class(kind: VerdictKind) -> &'static str {
    match kind {
        VerdictKind::Met => "met",
        VerdictKind::NotMet => "not-met",
        VerdictKind::Undecided => "undecided",
    }
}

/// Each kind has a shape of its own, so that no colour is needed: disc with a tick, square with a cross, open diamond.
fn icon(kind: VerdictKind) -> Markup {
    html! {
        svg.icon viewBox="0 0 20 20" width="20" height="20" aria-hidden="true" focusable="false" {
            @match kind {
                VerdictKind::Met => {
                    circle.body cx="10" cy="10" r="8.5" {}
                    path.sign d="M5.8 10.4 L8.8 13.3 L14.3 7.1" {}
                }
                VerdictKind::NotMet => {
                    rect.body x="2" y="2" width="16" height="16" rx="3.5" {}
                    path.sign d="M6.6 6.6 L13.4 13.4 M13.4 6.6 L6.6 13.4" {}
                }
                VerdictKind::Undecided => {
                    path.body.open d="M10 1.6 L18.4 10 L10 18.4 L1.6 10 Z" {}
                    path.sign d="M7.9 8.1 C7.9 5.5 12.1 5.5 12.1 8 C12.1 9.5 10 9.5 10 11.2" {}
                    path.sign d="M10 13.7 L10 13.75" {}
                }
            }
        }
    }
}

/// One criterion in a line: icon, plain words (as written on hover), slice, estimate.
pub fn line(verdict: &Verdict) -> Markup {
    html! {
        li.criterion-line {
            (dot(verdict.kind))
            (criterion(&verdict.criterion, &verdict.words, verdict.slice.as_deref()))
            span.estimate {
                @if verdict.estimate.is_some() {
                    b { (format::maybe(verdict.estimate)) }
                    span.interval-words { (format::interval(verdict.lower, verdict.upper)) }
                } @else if let Some(reason) = &verdict.reason { span.muted { (reason.words()) } }
            }
            (waived(verdict))
        }
    }
}

/// Who lets it pass until when, printed wherever the verdict is.
fn waived(verdict: &Verdict) -> Markup {
    html! { @if let Some(waiver) = &verdict.waiver { p.waiver { (sentence(&waiver.words())) } } }
}

/// One criterion that no candidate was held against yet.
pub fn pending(text: &str, words: &str) -> Markup {
    html! {
        li.criterion-line {
            (dot(VerdictKind::Undecided))
            (criterion(text, words, None))
            span.estimate.muted { "not evaluated" }
        }
    }
}

fn criterion(text: &str, words: &str, slice: Option<&str>) -> Markup {
    html! {
        span.criterion-text title=(text) {
            @if words.is_empty() { code { (text) } } @else { span.words { (sentence(words)) } }
            @if let Some(slice) = slice { (parts::chip(slice)) }
        }
    }
}

/// One criterion with its chart, what it rests on, and the price of deciding.
pub fn full(verdict: &Verdict) -> Markup {
    html! {
        article class={ "criterion " (class(verdict.kind)) } {
            header {
                (badge(verdict.kind))
                code { (verdict.criterion) }
                @if let Some(slice) = &verdict.slice { (parts::chip(slice)) }
            }
            (waived(verdict))
            p.words { (sentence(&verdict.words)) }
            div.criterion-body {
                div { (interval::chart(verdict)) p.because { (because(verdict)) } }
                dl.facts.tight {
                    div { dt { "estimate" } dd { b { (format::maybe(verdict.estimate)) } } }
                    div { dt { "interval" } dd { (interval_words(verdict)) } }
                    div { dt { "this look" } dd { (format::level(verdict.confidence)) " sure" } }
                    div { dt { "n" } dd { (text::thousands(verdict.n)) } }
                }
            }
            p.method-line { span.muted { "method " } (verdict.method) }
            @if let Some(price) = &verdict.price { (price_table(price)) }
        }
    }
}

fn interval_words(verdict: &Verdict) -> String {
    let interval = format::interval(verdict.lower, verdict.upper);
    if interval.is_empty() { "–".to_owned() } else { interval }
}

/// Why the verdict is what it is, as one sentence.
fn because(verdict: &Verdict) -> String {
    let threshold = text::number(verdict.threshold);
    let (safe, other) =
        if verdict.wants_more { (verdict.lower, verdict.upper) } else { (verdict.upper, verdict.lower) };
    let (safe_name, other_name, good, bad) = match verdict.wants_more {
        true => ("lower", "upper", "is not below", "is below"),
        false => ("upper", "lower", "is not above", "is above"),
    };
    match (verdict.kind, safe, other) {
        (VerdictKind::Met, Some(bound), _) => {
            format!("The {safe_name} bound {} {good} {threshold}.", format::measure(bound))
        }
        (VerdictKind::NotMet, _, Some(bound)) => {
            format!("Even the {other_name} bound {} {bad} {threshold}.", format::measure(bound))
        }
        (VerdictKind::Undecided, Some(bound), _) if verdict.reason == Some(Reason::TooFewLabels) => {
            let place = if verdict.wants_more { "below" } else { "above" };
            format!("The {safe_name} bound {} is still {place} {threshold}: too few labels.", format::measure(bound))
        }
        (kind, _, _) => match &verdict.reason {
            Some(reason) => sentence(&reason.words()),
            None => sentence(kind.words()),
        },
    }
}

fn sentence(text: &str) -> String {
    let mut letters = text.trim_end_matches('.').chars();
    letters.next().map(|first| format!("{}{}.", first.to_uppercase(), letters.as_str())).unwrap_or_default()
}

/// What deciding would cost.
fn price_table(price: &Price) -> Markup {
    let rows = html! {
        @for case in &price.cases {
            tr {
                td.number { (format::measure(case.assumed)) }
                @match (case.more, case.needed) {
                    (Some(more), Some(needed)) => {
                        td {
                            b { (text::thousands(more)) " more" } " "
                            span.muted { "(" (text::thousands(needed)) " in all)" }
                        }
                    }
                    (Some(more), None) => { td { b { (text::thousands(more)) " more" } } }
                    _ => { td.muted { "no number of labels would show it" } }
                }
                td.number { (format::percent(case.chance)) }
            }
        }
    };
    html! {
        div.price {
            h3 { "What deciding would cost" }
            p.muted { "In labels: " (price.unit) ". Nobody knows the true value, so here is the price at several." }
            (table::table("Price of deciding", table::heads(["#if truth is", "labels", "#chance of met"]), rows))
        }
    }
}
