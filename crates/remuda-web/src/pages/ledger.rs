//! `/ledger`: facts, newest first, with their hashes.

use crate::components::{Frame, Page, Section, layout, parts, table};
use crate::format;
use maud::{Markup, html};
use remuda_app::ledger::{FactLine, Facts, Log};

/// A page of facts. `asked` is what was asked for: its filters stay while turning pages.
pub fn page(frame: &Frame, view: &Facts, asked: &Log) -> Markup {
    let rows = html! { @for fact in view.facts.iter().take(100) { (row(frame, fact)) } };
    let body = html! {
        form.filters method="get" action="/ledger" {
            label {
                "verb"
                input type="text" name="verb" value=(asked.verb.as_deref().unwrap_or("")) placeholder="run.finished" spellcheck="false";
            }
            label {
                "by"
                input type="text" name="actor" value=(asked.actor.as_deref().unwrap_or("")) placeholder="member" spellcheck="false";
            }
            button type="submit" { "Show" }
            @if asked.verb.is_some() || asked.actor.is_some() { a href="/ledger" { "all" } }
        }
        @if view.facts.is_empty() {
            (parts::empty("No fact here. The ledger fills by what the team does.", "remuda data add FILE"))
        }
        @else { (table::stacked("Facts", table::heads(["#no", "when", "who", "what", "verb", "hash"]), rows)) }
        nav.pager aria-label="Pages" {
            @if asked.before.is_some() { a href={ "/ledger" (query(asked, None)) } { "← newest" } }
            @if let (true, Some(last)) = (view.more, view.facts.last()) {
                a rel="next" href={ "/ledger" (query(asked, Some(last.sequence))) } { "older →" }
            }
        }
    };
    let page = Page {
        title: "Ledger".to_owned(),
        section: Section::Ledger,
        crumbs: Vec::new(),
        beside: html! {},
        lead: html! { span { "Facts are appended, never changed. Each carries the hash of the one before, so a changed byte shows." } },
        commands: vec!["remuda ledger log".to_owned(), "remuda ledger verify".to_owned()],
        body,
    };
    layout::page(frame, page)
}

fn query(asked: &Log, before: Option<i64>) -> String {
    let mut pairs = Vec::new();
    for (name, value) in [("verb", &asked.verb), ("actor", &asked.actor)] {
        if let Some(value) = value {
            pairs.push(format!("{name}={}", format::segment(value)));
        }
    }
    pairs.extend(before.map(|before| format!("before={before}")));
    if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
}

fn row(frame: &Frame, fact: &FactLine) -> Markup {
    html! {
        tr {
            td.number.muted.aside-cell { (fact.sequence) }
            td { (parts::time(frame.now, fact.time)) }
            td.end { (format::cut(&fact.actor, 24)) }
            td.what.wide {
                a.plain href=(format::address("fact", &fact.subject)) {
                    (parts::backticks(&format::cut(&fact.sentence, 200)))
                }
            }
            td { code.fact-verb { (fact.verb) } }
            td.end { (parts::digest(&fact.hash)) }
        }
    }
}

/// The sentence without the actor's name at its beginning: where the name stands beside it already.
pub(super) fn deed(fact: &FactLine) -> &str {
    fact.sentence.strip_prefix(fact.actor.as_str()).and_then(|rest| rest.strip_prefix(' ')).unwrap_or(&fact.sentence)
}

/// Facts as sentences; neighbours that say the same of the same thing are one line. (The board, data versions and
/// the search for lineage show them too.)
pub(crate) fn feed(frame: &Frame, facts: &[FactLine]) -> Markup {
    let facts = &facts[..facts.len().min(12)];
    let alike = |left: &FactLine, right: &FactLine| {
        left.verb == right.verb && left.subject == right.subject && left.actor == right.actor
    };
    html! {
        ol.feed {
            @for group in facts.chunk_by(alike) {
                @let fact = &group[0];
                li {
                    span.who title=(fact.actor) { (format::cut(&fact.actor, 24)) }
                    span.deed {
                        a.plain href=(format::address("fact", &fact.subject)) {
                            (parts::backticks(&format::cut(deed(fact), 200)))
                        }
                        @if group.len() > 1 { span.muted.small { " and " (group.len() - 1) " more before" } }
                    }
                    span.muted.when { (parts::ago(frame.now, fact.time)) }
                }
            }
        }
    }
}
