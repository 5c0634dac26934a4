//! `/analysis/threshold?candidate=…`: ways to decide under a cost table, and the cost over all thresholds.

use super::asked::{Asked, Sheet};
use crate::components::{Frame, cost, parts, table as tables};
use crate::format;
use crate::pages::gate;
use maud::{Markup, html};
use remuda_app::analysis::{ChosenThreshold, DecisionChange, DecisionRule, RuleKind, ThresholdFound};
use remuda_model::run::MetricValue;
use remuda_model::text;

/// Prices, and changes of decisions, that a page shows.
const SHOWN: usize = 20;

/// Decisions under costs, or the question of which candidate and which costs. `files` are the cost files there are.
pub fn page(frame: &Frame, asked: &Asked<ThresholdFound>, files: &[String]) -> Markup {
    let found = asked.found.as_ref().and_then(|found| found.as_ref().ok());
    let chosen = found.map_or(asked.other.as_str(), |view| view.costs.as_str());
    let is_chosen = |file: &str| chosen == file || chosen.strip_prefix("requirements/") == Some(file);
    let inputs = html! {
        @if !files.is_empty() {
            label {
                "costs"
                select name="costs" {
                    @for file in files { option value=(file) selected[is_chosen(file)] { (format::cut(file, 60)) } }
                }
            }
        }
    };
    let named = if chosen.is_empty() { files.first().map_or("costs.csv", String::as_str) } else { chosen };
    let sheet = Sheet {
        verb: "threshold",
        title: "Decisions",
        about: "From which probability on to act, when mistakes have a price: chosen on validation rows, with what the choice costs on others.",
        head: |view: &ThresholdFound| &view.head,
        inputs,
        options: format!(" --costs {named}"),
        lead: &|view: &ThresholdFound| html! { span { "under " code { (view.costs) } } },
        body: &body,
    };
    sheet.page(frame, asked)
}

fn body(view: &ThresholdFound) -> Markup {
    let chosen = view.rules.iter().find(|rule| rule.rule == RuleKind::Chosen);
    html! {
        div.advice { p { b { (parts::backticks(&view.advice)) } } p.small.muted { (parts::backticks(&view.applying)) } }
        (parts::section("rules", "What each way to decide costs", html! {}, html! {
            (rules(&view.rules))
            @if let Some(chosen) = &view.chosen { p.small { (stability(chosen)) } }
        }))
        @if let Some(picked) = &view.chosen {
            (parts::section("curve", "Mean cost by threshold", html! {}, html! { div.plot { (curve(view, picked)) } }))
        }
        @if let Some((rule, confusion)) = chosen.and_then(|rule| Some((rule, rule.confusion.as_ref()?))) {
            p { "Decided as “" (rule.words) "”:" }
            (gate::matrix(confusion))
        }
        @if !view.changes.is_empty() { (parts::section("changes", "What changes", html! {}, changes(&view.changes))) }
        (parts::section("prices", "What mistakes cost", html! {}, prices(view)))
    }
}

fn rules(rules: &[DecisionRule]) -> Markup {
    let rows = html! {
        @for rule in rules {
            tr {
                td.what.wide { b { (format::cut(&rule.words, 60)) } span.second { (why(rule.rule)) } }
                td.number data-label="cost per row" { (number(&rule.cost)) }
                td.number data-label="less own" { @if let Some(difference) = &rule.difference { (number(difference)) } @else { "–" } }
                td.number data-label="rows changed" { @if rule.difference.is_some() { (text::thousands(rule.changed)) } @else { "–" } }
            }
        }
    };
    html! {
        (tables::stacked("Ways to decide", tables::heads(["decide", "#cost per row", "#less own", "#rows changed"]), rows))
        p.small.muted {
            "Less own: less the cost of the candidate's own label on the same rows; below 0 it is cheaper. Intervals hold with 95 %."
        }
    }
}

fn number(value: &MetricValue) -> Markup {
    html! {
        b { (format::point(value)) }
        span.second { @if value.lower.is_some() { (format::interval(value.lower, value.upper)) } @else { (format::cut(&value.method, 60)) } }
    }
}

fn why(rule: RuleKind) -> &'static str {
    match rule {
        RuleKind::Own => "what the model answers",
        RuleKind::ExpectedCost => "by the costs alone, were the probabilities right",
        RuleKind::Chosen => "cheapest on these rows; its cost is that on rows it was not chosen on",
    }
}

fn stability(chosen: &ChosenThreshold) -> String {
    let luck = chosen.optimism.map_or_else(String::new, |optimism| {
        format!(
            ", {} too little: that is the luck of choosing, and taken out above by cross-fitting",
            text::number(optimism.max(0.0))
        )
    });
    format!(
        "On the rows that it was chosen on, the cheapest threshold costs {}{luck}. Drawing the rows again {} times, 95 % of the \
         choices lie between {} and {}.",
        text::number(chosen.seen_cost),
        text::thousands(u64::from(chosen.redraws)),
        text::number(chosen.low),
        text::number(chosen.high)
    )
}

fn curve(view: &ThresholdFound, chosen: &ChosenThreshold) -> Markup {
    let of = |kind: RuleKind| view.rules.iter().find(|rule| rule.rule == kind);
    cost::curve(&cost::Drawing {
        points: &view.curve,
        chosen: chosen.threshold,
        redrawn: (chosen.low, chosen.high),
        expected: of(RuleKind::ExpectedCost).and_then(|rule| rule.threshold),
        own: of(RuleKind::Own).and_then(|rule| rule.cost.value),
        positive: view.positive.as_deref().unwrap_or_default(),
    })
}

fn changes(changes: &[DecisionChange]) -> Markup {
    let rows = html! {
        @for change in changes.iter().take(SHOWN) {
            tr {
                td data-label="says" { (format::cut(&change.from, 40)) }
                td data-label="costs least" { b { (format::cut(&change.to, 40)) } }
                td.number data-label="rows" { (text::thousands(change.rows)) }
                td.number data-label="saves" { (text::number(change.saved)) }
            }
        }
    };
    tables::stacked("Changes", tables::heads(["the candidate says", "costs least", "#rows", "#saves"]), rows)
}

fn prices(view: &ThresholdFound) -> Markup {
    let rows = html! {
        @for price in view.prices.iter().take(SHOWN) {
            tr {
                td { (format::cut(&price.truth, 40)) }
                td { (format::cut(&price.decision, 40)) }
                td.number data-label="cost" { (text::number(price.cost)) }
            }
        }
    };
    html! {
        @if view.prices.is_empty() { p.muted { "No decision costs anything." } }
        @else { (tables::table("Costs", tables::heads(["truth", "taken for", "#cost"]), rows)) }
        (parts::left_out(view.prices.len(), SHOWN, &view.costs))
    }
}
