//! `/why` and `/why/{id}`: lineage both ways, as trees whose arrows are facts.

use crate::components::{Frame, Page, Section, layout, parts};
use crate::format;
use maud::{Markup, html};
use remuda_app::ledger::{Lineage, LineageStep, Thing};

/// Steps drawn per direction: keeps the page under its size.
const STEPS: usize = 90;
/// Levels that are indented; deeper ones stand at the last.
const LEVELS: u32 = 7;

/// The form that asks for an id.
pub fn ask(frame: &Frame) -> Markup {
    let body = html! {
        form.ask action="/why" method="get" role="search" {
            label for="ask" { "An id or digest, the beginning of one, or a name" }
            div.ask-line {
                input #ask type="search" name="id" required spellcheck="false" autocomplete="off" placeholder="9f3c1a… or a requirement's name"; button type="submit" {
                    "Why"
                }
            }
        }
        (parts::empty("From any prediction back to the requirement, and forward again. Every run, version, evaluation and release has its lineage.", "remuda why ID"))
    };
    let page = Page {
        title: "Lineage".to_owned(),
        section: Section::Why,
        crumbs: Vec::new(),
        beside: html! {},
        lead: html! { span { "Where a thing came from, and what came of it." } },
        commands: Vec::new(),
        body,
    };
    layout::page(frame, page)
}

/// The lineage of one thing.
pub fn page(frame: &Frame, view: &Lineage) -> Markup {
    let body = html! {
        div.lineage {
            (side(frame, "because", "Because of", &view.because, "It stands at the beginning: nothing led to it."))
            div.thing-here { (thing(&view.thing)) }
            (side(frame, "led-to", "Led to", &view.led_to, "Nothing has come of it yet."))
        }
    };
    let page = Page {
        title: format!("Why {}", name(&view.thing)),
        section: Section::Why,
        crumbs: vec![("Lineage".to_owned(), "/why".to_owned())],
        beside: html! { span class={ "chip thing-" (kind_class(&view.thing.kind)) } { (kind_words(&view.thing.kind)) } },
        lead: html! { span { (parts::digest(&view.thing.id)) } },
        commands: vec![format!("remuda why {}", format::short(&view.thing.id).trim_end_matches('…'))],
        body,
    };
    layout::page(frame, page)
}

fn name(thing: &Thing) -> String {
    if thing.name.is_empty() { format::short(&thing.id) } else { format::cut(&thing.name, 44) }
}

fn kind_words(kind: &str) -> String {
    kind.replace('_', " ")
}

fn kind_class(kind: &str) -> &'static str {
    match kind {
        "requirement" | "definition" | "commit" => "word",
        "dataset_version" => "data",
        "run" | "model_version" => "model",
        "evaluation" | "signature" => "gate",
        _ => "live",
    }
}

fn thing(thing: &Thing) -> Markup {
    html! {
        span class={ "chip thing-" (kind_class(&thing.kind)) } { (kind_words(&thing.kind)) } " "
        a href=(format::address(&thing.kind, &thing.id)) { b { (name(thing)) } } " "
        @if !thing.name.contains(format::short(&thing.id).trim_end_matches('…')) { (parts::digest(&thing.id)) }
    }
}

fn side(frame: &Frame, id: &str, title: &str, steps: &[LineageStep], nothing: &str) -> Markup {
    let ordered = ordered(steps);
    parts::section(
        id,
        title,
        parts::chip(&steps.len().to_string()),
        html! {
            @if steps.is_empty() { p.muted { (nothing) } }
            ol.tree {
                @for (level, step) in ordered.iter().take(STEPS) {
                    li class={ "level-" ((*level).min(LEVELS)) } {
                        div.node {
                            (thing(&step.thing))
                            a.follow href={ "/why/" (segment(&step.thing.id)) } title="its own lineage" { "why" }
                        }
                        p.fact {
                            (parts::backticks(super::ledger::deed(&step.fact))) " "
                            span.muted {
                                (format::cut(&step.fact.actor, 24)) ", " (parts::ago(frame.now, step.fact.time))
                            }
                        }
                    }
                }
            }
            (parts::left_out(steps.len(), STEPS, "remuda why ID"))
        },
    )
}

fn segment(id: &str) -> String {
    // The short form of a digest is enough, and a page with many steps stays small.
    format::address("", id).trim_start_matches("/why/").to_owned()
}

/// The steps in the order of a tree walked depth first, each with its level from 1. A step whose nearer end is not
/// among the steps hangs on the root. Each step comes once, whatever circles the ids make.
fn ordered(steps: &[LineageStep]) -> Vec<(u32, &LineageStep)> {
    let mut children: std::collections::HashMap<&str, Vec<usize>> = std::collections::HashMap::new();
    let known: std::collections::HashSet<&str> = steps.iter().map(|step| step.thing.id.as_str()).collect();
    let mut waiting: Vec<(u32, usize)> = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        if known.contains(step.from.as_str()) && step.from != step.thing.id && step.distance > 1 {
            children.entry(&step.from).or_default().push(index);
        } else {
            waiting.push((1, index));
        }
    }
    waiting.reverse();
    let mut seen = vec![false; steps.len()];
    let mut out = Vec::with_capacity(steps.len());
    while let Some((level, index)) = waiting.pop() {
        if std::mem::replace(&mut seen[index], true) {
            continue;
        }
        out.push((level, &steps[index]));
        if let Some(found) = children.get(steps[index].thing.id.as_str()) {
            waiting.extend(found.iter().rev().map(|child| (level + 1, *child)));
        }
    }
    // What only hangs on circles is still shown.
    out.extend(
        steps.iter().enumerate().filter(|(index, _)| !seen[*index]).map(|(_, step)| (step.distance.max(1), step)),
    );
    out
}
