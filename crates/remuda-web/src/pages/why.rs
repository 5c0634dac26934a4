//! `/why` and `/why/{id}`: lineage both ways, as a graph and as lists whose arrows are facts.

use crate::components::graph::{self, Graph, Node};
use crate::components::{Frame, Page, Section, layout, parts};
use crate::format;
use maud::{Markup, html};
use remuda_app::ledger::{Facts, Lineage, LineageStep, Thing};
use std::collections::{HashMap, HashSet};

/// Bundles listed per direction: keeps the page under its size.
const STEPS: usize = 60;
/// Things drawn per direction.
const DRAWN: usize = 20;
/// Levels that are indented; deeper ones stand at the last.
const LEVELS: u32 = 7;

/// The form that asks for an id; newest facts to begin with.
pub fn ask(frame: &Frame, newest: &Facts) -> Markup {
    let body = html! {
        form.ask action="/why" method="get" role="search" {
            label for="ask" { "An id or digest, the beginning of one, or a name" }
            div.ask-line {
                input #ask type="search" name="id" required spellcheck="false" autocomplete="off" placeholder="9f3c1a… or a requirement's name"; button type="submit" {
                    "Why"
                }
            }
        }
        @if newest.facts.is_empty() {
            (parts::empty("From any prediction back to the requirement, and forward again. Every run, version, evaluation and release has its lineage.", "remuda data add FILE --as NAME"))
        } @else {
            (parts::section("newest", "Or begin with what is new", html! { a href="/ledger" { "ledger" } }, super::ledger::feed(frame, &newest.facts)))
        }
    };
    let page = Page {
        title: "Lineage".to_owned(),
        section: Section::Why,
        crumbs: Vec::new(),
        beside: html! {},
        lead: html! { span { "Where a thing came from, and what came of it." } },
        commands: vec!["remuda why ID".to_owned()],
        body,
    };
    layout::page(frame, page)
}

/// The lineage of one thing.
pub fn page(frame: &Frame, view: &Lineage) -> Markup {
    let joined: HashSet<&str> =
        view.joins.iter().flat_map(|join| [join.cause.as_str(), join.effect.as_str()]).collect();
    let because = bundles(&view.because, &joined);
    let led_to = bundles(&view.led_to, &joined);
    let body = html! {
        @if !because.is_empty() || !led_to.is_empty() { (graph::graph(&drawing(frame, view, &because, &led_to))) }
        div.columns.even {
            (side(frame, "because", "Because of", &view.because, &because, "It stands at the beginning: nothing led to it."))
            (side(frame, "led-to", "Led to", &view.led_to, &led_to, "Nothing has come of it yet."))
        }
    };
    let page = Page {
        title: format!("Why {}", name(&view.thing)),
        section: Section::Why,
        crumbs: vec![("Lineage".to_owned(), "/why".to_owned())],
        beside: html! { span class={ "chip thing-" (kind_class(&view.thing.kind)) } { (kind_words(&view.thing.kind)) } },
        lead: html! {
            @let address = address(&view.thing);
            @if !address.starts_with("/why/") { span { a href=(address) { "open this " (kind_words(&view.thing.kind)) } } }
            span { (parts::digest(&view.thing.id)) }
        },
        commands: vec![format!("remuda why {}", format::short(&view.thing.id).trim_end_matches('…'))],
        body,
    };
    layout::page(frame, page)
}

fn name(thing: &Thing) -> String {
    if thing.name.is_empty() { format::short(&thing.id) } else { format::cut(&thing.name, 44) }
}

/// Its page. A requirement's page goes by its name, and its id is the digest of its text.
fn address(thing: &Thing) -> String {
    if thing.kind == "requirement" && thing.id.starts_with("b3:") {
        return match thing.name.strip_prefix("requirement ") {
            Some(name) => format::address("requirement", name),
            None => format::address("", &thing.id),
        };
    }
    format::address(&thing.kind, &thing.id)
}

fn kind_words(kind: &str) -> String {
    kind.replace('_', " ")
}

fn kind_class(kind: &str) -> &'static str {
    match kind {
        "requirement" | "definition" | "commit" | "product" => "word",
        "dataset_version" => "data",
        "run" | "model_version" => "model",
        "evaluation" | "signature" => "gate",
        _ => "live",
    }
}

/// Steps shown as one: things of one kind that hang on the same thing and on which nothing hangs.
struct Bundle<'a> {
    steps: Vec<&'a LineageStep>,
}

impl<'a> Bundle<'a> {
    fn first(&self) -> &'a LineageStep {
        self.steps[0]
    }

    fn newest(&self) -> i64 {
        self.steps.iter().map(|step| step.fact.time).max().unwrap_or_default()
    }
}

/// A release makes predictions every day: what repeats is bundled, as soon as there are two facts or four things.
fn bundles<'a>(steps: &'a [LineageStep], joined: &HashSet<&str>) -> Vec<Bundle<'a>> {
    let parents: HashSet<&str> = steps.iter().map(|step| step.from.as_str()).collect();
    let is_leaf =
        |step: &LineageStep| !parents.contains(step.thing.id.as_str()) && !joined.contains(step.thing.id.as_str());
    let mut sizes: HashMap<(&str, &str), usize> = HashMap::new();
    for step in steps.iter().filter(|step| is_leaf(step)) {
        *sizes.entry((&step.from, &step.thing.kind)).or_default() += 1;
    }
    let mut places: HashMap<(&str, &str), usize> = HashMap::new();
    let mut bundles: Vec<Bundle<'a>> = Vec::new();
    for step in steps {
        let key = (step.from.as_str(), step.thing.kind.as_str());
        let least = if is_fact(&step.thing.kind) { 2 } else { 4 };
        let repeats = is_leaf(step) && sizes.get(&key).is_some_and(|size| *size >= least);
        match places.get(&key) {
            Some(place) if repeats => bundles[*place].steps.push(step),
            _ => {
                if repeats {
                    places.insert(key, bundles.len());
                }
                bundles.push(Bundle { steps: vec![step] });
            }
        }
    }
    bundles
}

/// Kinds whose things are facts and have no name of their own.
fn is_fact(kind: &str) -> bool {
    ["signature", "promotion", "predictions", "outcomes", "fact"].contains(&kind)
}

fn drawing(frame: &Frame, view: &Lineage, because: &[Bundle<'_>], led_to: &[Bundle<'_>]) -> Graph {
    let mut graph = Graph::default();
    let mut places: HashMap<&str, usize> = HashMap::from([(view.thing.id.as_str(), 0)]);
    graph.nodes.push(Node {
        address: address(&view.thing),
        kind: kind_words(&view.thing.kind),
        class: kind_class(&view.thing.kind),
        name: own_name(&view.thing),
        detail: detail(&view.thing),
        sentence: String::new(),
        distance: 0,
    });
    for (side, sign) in [(because, -1), (led_to, 1)] {
        for bundle in side.iter().take(DRAWN) {
            let step = bundle.first();
            places.insert(&step.thing.id, graph.nodes.len());
            graph.nodes.push(node(frame, bundle, sign * i64::from(step.distance)));
        }
    }
    let arrows =
        because.iter().take(DRAWN).map(|bundle| (bundle.first().thing.id.as_str(), bundle.first().from.as_str()));
    let arrows = arrows.chain(
        led_to.iter().take(DRAWN).map(|bundle| (bundle.first().from.as_str(), bundle.first().thing.id.as_str())),
    );
    let joins = view.joins.iter().map(|join| (join.cause.as_str(), join.effect.as_str()));
    for (cause, effect) in arrows.chain(joins) {
        if let (Some(cause), Some(effect)) = (places.get(cause), places.get(effect))
            && cause != effect
            && !graph.arrows.contains(&(*cause, *effect))
        {
            graph.arrows.push((*cause, *effect));
        }
    }
    graph
}

fn node(frame: &Frame, bundle: &Bundle<'_>, distance: i64) -> Node {
    let step = bundle.first();
    let kind = &step.thing.kind;
    let (address, name, detail) = match bundle.steps.len() {
        1 if is_fact(kind) => {
            (address(&step.thing), format::cut(&step.fact.actor, 24), format::ago(frame.now, step.fact.time))
        }
        1 => (address(&step.thing), own_name(&step.thing), detail(&step.thing)),
        count => (list_of(kind), repeated(kind, count), format!("newest {}", format::ago(frame.now, bundle.newest()))),
    };
    Node {
        address,
        kind: kind_words(kind),
        class: kind_class(kind),
        name,
        detail,
        sentence: format::cut(super::ledger::deed(&step.fact), 120).replace('`', ""),
        distance,
    }
}

/// `13 times` for facts, `5 of them` for things.
fn repeated(kind: &str, count: usize) -> String {
    if is_fact(kind) { format!("{count} times") } else { format!("{count} of them") }
}

/// Where a bundle's things are listed.
fn list_of(kind: &str) -> String {
    let place = match kind {
        "predictions" | "outcomes" => "/live",
        "promotion" | "release" => "/release",
        "signature" => "/team",
        "model_version" => "/model",
        "dataset_version" => "/data",
        "run" => "/run",
        "evaluation" => "/gate",
        "requirement" => "/requirement",
        _ => "/ledger",
    };
    place.to_owned()
}

/// The name without what stands beside it already: its kind and its digest.
fn own_name(thing: &Thing) -> String {
    let short = format::short(&thing.id);
    let mut words: Vec<&str> = thing.name.split(' ').filter(|word| *word != short).collect();
    let kind = kind_words(&thing.kind);
    let kinds = kind.split(' ').chain(["data"]);
    if words.len() > 1 && kinds.into_iter().any(|kind| words.first() == Some(&kind)) {
        words.remove(0);
    }
    let name = words.join(" ");
    match name.as_str() {
        "" => short,
        _ if name == kind => short,
        // A commit is told by its first digits.
        _ if thing.kind == "commit" => name.chars().take(10).collect(),
        _ => format::cut(&name, 60),
    }
}

/// The digest, where it is not the name already.
fn detail(thing: &Thing) -> String {
    let short = format::short(&thing.id);
    if thing.id.starts_with("b3:") && own_name(thing) != short { short } else { String::new() }
}

fn thing(thing: &Thing) -> Markup {
    html! {
        span class={ "chip thing-" (kind_class(&thing.kind)) } { (kind_words(&thing.kind)) } " "
        a href=(address(thing)) { b { (own_name(thing)) } } " "
        @if !detail(thing).is_empty() { (parts::digest(&thing.id)) }
    }
}

fn side(frame: &Frame, id: &str, title: &str, steps: &[LineageStep], bundles: &[Bundle<'_>], nothing: &str) -> Markup {
    let ordered = ordered(bundles);
    parts::section(
        id,
        title,
        parts::chip(&steps.len().to_string()),
        html! {
            @if steps.is_empty() { p.muted { (nothing) } }
            ol.tree {
                @for (level, bundle) in ordered.iter().take(STEPS) {
                    li class={ "level-" ((*level).min(LEVELS)) } {
                        @if bundle.steps.len() == 1 { (single(frame, bundle.first())) } @else { (repeat(frame, bundle)) }
                    }
                }
            }
            (parts::left_out(ordered.len(), STEPS, "remuda why ID"))
        },
    )
}

fn single(frame: &Frame, step: &LineageStep) -> Markup {
    let own_page = !address(&step.thing).starts_with("/why/");
    html! {
        div.node {
            @if is_fact(&step.thing.kind) {
                a class={ "chip thing-" (kind_class(&step.thing.kind)) } href={ "/why/" (segment(&step.thing.id)) } {
                    (kind_words(&step.thing.kind))
                }
            } @else { (thing(&step.thing)) }
            @if own_page { a.follow href={ "/why/" (segment(&step.thing.id)) } title="its own lineage" { "why" } }
        }
        (fact(frame, step))
    }
}

fn fact(frame: &Frame, step: &LineageStep) -> Markup {
    html! {
        p.fact {
            (parts::backticks(super::ledger::deed(&step.fact))) " "
            span.muted { (format::cut(&step.fact.actor, 24)) ", " (parts::ago(frame.now, step.fact.time)) }
        }
    }
}

/// A bundle: said once, its facts folded away.
fn repeat(frame: &Frame, bundle: &Bundle<'_>) -> Markup {
    let kind = &bundle.first().thing.kind;
    let mut steps = bundle.steps.clone();
    steps.sort_by_key(|step| std::cmp::Reverse(step.fact.time));
    html! {
        details {
            summary {
                span class={ "chip thing-" (kind_class(kind)) } { (kind_words(kind)) } " "
                b { (repeated(kind, steps.len())) } " "
                span.muted { "newest " (parts::ago(frame.now, bundle.newest())) }
            }
            ol.folded {
                @for step in steps.iter().take(20) {
                    li {
                        @if is_fact(kind) { (fact(frame, step)) } @else { (thing(&step.thing)) }
                    }
                }
            }
            @if steps.len() > 20 { p.muted { "and " (steps.len() - 20) " more: " a href=(list_of(kind)) { "all" } } }
        }
    }
}

fn segment(id: &str) -> String {
    // The short form of a digest is enough, and a page with many steps stays small.
    format::address("", id).trim_start_matches("/why/").to_owned()
}

/// The bundles in the order of a tree walked depth first, each with its level from 1. One whose nearer end is not
/// among the things hangs on the root. Each comes once, whatever circles the ids make.
fn ordered<'a, 'b>(bundles: &'b [Bundle<'a>]) -> Vec<(u32, &'b Bundle<'a>)> {
    let mut children: HashMap<&str, Vec<usize>> = HashMap::new();
    let known: HashSet<&str> = bundles.iter().map(|bundle| bundle.first().thing.id.as_str()).collect();
    let mut waiting: Vec<(u32, usize)> = Vec::new();
    for (index, bundle) in bundles.iter().enumerate() {
        let step = bundle.first();
        if known.contains(step.from.as_str()) && step.from != step.thing.id && step.distance > 1 {
            children.entry(&step.from).or_default().push(index);
        } else {
            waiting.push((1, index));
        }
    }
    waiting.reverse();
    let mut seen = vec![false; bundles.len()];
    let mut out = Vec::with_capacity(bundles.len());
    while let Some((level, index)) = waiting.pop() {
        if std::mem::replace(&mut seen[index], true) {
            continue;
        }
        out.push((level, &bundles[index]));
        if let Some(found) = children.get(bundles[index].first().thing.id.as_str()) {
            waiting.extend(found.iter().rev().map(|child| (level + 1, *child)));
        }
    }
    // What only hangs on circles is still shown.
    let left = bundles.iter().enumerate().filter(|(index, _)| !seen[*index]);
    out.extend(left.map(|(_, bundle)| (bundle.first().distance.max(1), bundle)));
    out
}
