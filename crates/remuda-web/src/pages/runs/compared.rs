//! The tables of a comparison: who is best and with how much luck, parameters that differ, metrics side by side.

use super::compare::{Question, name};
use crate::components::{parts, table};
use crate::format;
use maud::{Markup, html};
use remuda_app::run::{BestOf, ComparedMetric, ComparedParameter, ComparedValue, RunsCompared};
use remuda_model::text;

/// Up to so many runs stand side by side; more stand below each other.
const ABREAST: usize = 6;
/// Runs below each other that a page shows.
const ROWS: usize = 25;
/// Parameters and metrics that a page shows: side by side, and as columns.
const LINES: usize = 60;
const COLUMNS: usize = 8;

/// The best by the leading metric, what luck alone would give, and what would make it a record.
pub(super) fn best(view: &RunsCompared, asked: &Question) -> Markup {
    let Some(metric) = view.metrics.first() else { return html! {} };
    let Some(best) = metric.best.as_ref().filter(|best| best.of > 1) else { return html! {} };
    let Some(run) = view.runs.get(best.place) else { return html! {} };
    let body = html! {
        div.card.stack {
            p {
                (parts::mark(parts::Tone::Warning, &format!("best of {}", text::thousands(best.of)))) " "
                a href=(format::address("run", &run.run)) { b { (name(view, best.place)) } }
                " has " (metric.name) " " b { (format::measure(best.value)) }
                @if best.lower.is_some() { ", corrected for the choice " b { (format::interval(best.lower, best.upper)) } }
            }
            (luck(metric, best))
            (record(view, metric, best, asked))
        }
    };
    parts::section("best", "The best, and its luck", html! {}, body)
}

fn luck(metric: &ComparedMetric, best: &BestOf) -> Markup {
    let which = if metric.less_is_better { "least" } else { "greatest" };
    html! {
        @if let (Some(expected), Some(deviation)) = (best.expected, best.deviation) {
            p {
                "The " (text::thousands(best.of)) " values have mean " (format::measure(best.mean)) " and standard deviation " (format::measure(deviation))
                ". Were they draws of one and the same thing (normal), the " (which) " of " (text::thousands(best.of)) " would be expected at "
                b { (format::measure(expected)) } ": so much is luck."
            }
        }
        p.muted.small {
            @if best.lower.is_some() {
                "The interval holds with " (format::two_sided(best.confidence)) " for the best of " (text::thousands(best.of))
                ", however it was chosen: Šidák (1967), simultaneous over all runs."
            } @else { "No interval is known: a script logged this metric, and on how many rows it rests is not known." }
        }
    }
}

/// Whether it is a record: only models judged on the same rows can say that.
fn record(view: &RunsCompared, metric: &ComparedMetric, best: &BestOf, asked: &Question) -> Markup {
    let step = metric.name.split_once('/').map_or("", |(step, _)| step);
    let model = |place: usize| {
        let run = view.runs.get(place)?;
        run.models.iter().find(|(name, _)| name == step).or(if run.models.len() == 1 {
            run.models.first()
        } else {
            None
        })
    };
    let both = best.next.and_then(|next| Some((model(best.place)?, model(next)?)));
    html! {
        @if let Some(pair) = &view.pair {
            p {
                @if pair.record { (parts::mark(parts::Tone::Good, "record")) } @else { (parts::mark(parts::Tone::Warning, "no record")) }
                " " (pair.words)
                @if let Some(difference) = &pair.difference { " " b { (format::point(difference)) } " " span.muted { (format::interval(difference.lower, difference.upper)) ", n " (text::thousands(difference.n)) ", " (difference.method) } }
            }
        }
        @match both {
            Some(((_, new), (_, old))) if new == old => p { "The next one has the same model version." },
            Some(((_, new), (_, old))) => {
                p {
                    "A record counts when the paired interval excludes zero: "
                    a href={ "/analysis/compare?candidate=" (new.short()) "&old=" (old.short()) } { "judge both models on the same rows" }
                    @if view.pair.is_none() && !asked.paired { "." }
                }
            },
            None => p.muted { "Whether it is a record is not known: that takes model versions of this run and the next one, judged on the same rows." },
        }
    }
}

/// Parameters that differ; those that are the same are folded away.
pub(super) fn parameters(view: &RunsCompared) -> Markup {
    let (differ, same): (Vec<&ComparedParameter>, Vec<&ComparedParameter>) =
        view.parameters.iter().partition(|one| one.differs);
    let few = view.runs.len() <= ABREAST;
    html! {
        (parts::section("parameters", "Parameters that differ", parts::chip(&differ.len().to_string()), html! {
            @if differ.is_empty() { p.muted { "None." } }
            @else if few { (side_by_side(view, &differ)) }
            @else { (counted(&differ, view.runs.len())) }
            @if !same.is_empty() {
                details {
                    summary { (text::count(same.len() as u64, "parameter")) " the same in all" }
                    dl.facts { @for one in same.iter().take(LINES) { div { dt { (format::cut(&one.name, 60)) } dd { code { (format::cut(first(one), 160)) } } } } }
                    (parts::left_out(same.len(), LINES, "remuda run compare --json"))
                }
            }
        }))
    }
}

fn first(one: &ComparedParameter) -> &str {
    one.values.iter().flatten().next().map_or("", String::as_str)
}

fn run_heads(view: &RunsCompared, what: &str) -> Markup {
    html! {
        th scope="col" { (what) }
        @for (place, run) in view.runs.iter().enumerate() { th scope="col" { a href=(format::address("run", &run.run)) { (name(view, place)) } } }
    }
}

fn side_by_side(view: &RunsCompared, parameters: &[&ComparedParameter]) -> Markup {
    let rows = html! {
        @for one in parameters.iter().take(LINES) {
            tr {
                th scope="row" title=(one.name) { (format::cut(&one.name, 40)) }
                @for value in &one.values { td { @match value { Some(value) => code { (format::cut(value, 60)) }, None => span.muted { "–" } } } }
            }
        }
    };
    html! {
        (table::table("Parameters that differ", run_heads(view, "parameter"), rows))
        (parts::left_out(parameters.len(), LINES, "remuda run compare --json"))
    }
}

/// Of many runs: how many different values each parameter has, and the most frequent.
fn counted(parameters: &[&ComparedParameter], runs: usize) -> Markup {
    let rows = html! {
        @for one in parameters.iter().take(LINES) {
            @let values = frequent(one);
            tr {
                td.what.wide { (format::cut(&one.name, 60)) }
                td.number data-label="values" { (text::thousands(values.len() as u64)) }
                td.what { @for (index, (value, times)) in values.iter().take(5).enumerate() {
                    @if index > 0 { ", " } code { (format::cut(value, 24)) } " " span.muted { "× " (times) }
                } @if values.len() > 5 { " …" } }
                td.number data-label="without" { (text::thousands((runs - one.values.iter().flatten().count()) as u64)) }
            }
        }
    };
    html! {
        (table::stacked("Parameters that differ", table::heads(["parameter", "#values", "most frequent", "#without"]), rows))
        (parts::left_out(parameters.len(), LINES, "remuda run compare --json"))
    }
}

fn frequent(one: &ComparedParameter) -> Vec<(&str, usize)> {
    let mut found: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    for value in one.values.iter().flatten() {
        *found.entry(value).or_default() += 1;
    }
    let mut found: Vec<(&str, usize)> = found.into_iter().collect();
    found.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
    found
}

/// Metrics: side by side for few runs, below each other for many.
pub(super) fn metrics(view: &RunsCompared) -> Markup {
    let body = html! {
        @if view.metrics.is_empty() { (parts::empty("These runs recorded no metric.", "")) }
        @else if view.runs.len() <= ABREAST { (metrics_abreast(view)) }
        @else { (below(view)) }
        @if view.cut { p.muted.small { "There are more parameters or metrics than one answer holds." } }
    };
    parts::section("metrics", "Metrics", html! {}, body)
}

fn value(value: Option<&ComparedValue>) -> Markup {
    html! {
        @match value {
            Some(found) => { b { (format::maybe(found.value)) } @if found.lower.is_some() { span.second { (format::interval(found.lower, found.upper)) } } }
            None => span.muted { "–" },
        }
    }
}

fn metrics_abreast(view: &RunsCompared) -> Markup {
    let rows = html! {
        @for metric in view.metrics.iter().take(LINES) {
            @let best = metric.best.as_ref().filter(|best| best.of > 1);
            tr {
                th.what scope="row" {
                    (format::cut(&metric.name, 60))
                    @if let Some(expected) = best.and_then(|best| best.expected) { span.second { "by luck " (format::measure(expected)) } }
                }
                @for (place, found) in metric.values.iter().enumerate() {
                    td.number {
                        (value(found.as_ref()))
                        @if let Some(best) = best.filter(|best| best.place == place) { span.second { (parts::mark(parts::Tone::Warning, &format!("best of {}", best.of))) } }
                    }
                }
            }
        }
    };
    html! {
        (table::table("Metrics", run_heads(view, "metric"), rows))
        (parts::left_out(view.metrics.len(), LINES, "remuda run compare --json"))
        p.muted.small { "“By luck”: where the best of so many would be expected, were all of one mean and spread." }
    }
}

fn below(view: &RunsCompared) -> Markup {
    let metrics = &view.metrics[..view.metrics.len().min(COLUMNS)];
    let parameters: Vec<&ComparedParameter> =
        view.parameters.iter().filter(|one| one.differs).take(COLUMNS / 2).collect();
    let mut order: Vec<usize> = (0..view.runs.len()).collect();
    if let Some(lead) = metrics.first() {
        let worth = |place: &usize| {
            let found =
                lead.values.get(*place).and_then(|value| value.as_ref()?.value).filter(|value| value.is_finite());
            found.map_or(f64::INFINITY, |value| if lead.less_is_better { value } else { -value })
        };
        order.sort_by(|one, other| worth(one).total_cmp(&worth(other)));
    }
    let rows = html! {
        @for place in order.iter().take(ROWS) {
            @let run = &view.runs[*place];
            tr {
                td.what.wide { a href=(format::address("run", &run.run)) { b { (name(view, *place)) } } span.second { (format::cut(&run.actor, 20)) } }
                @for metric in metrics {
                    td.number.wide data-label=(metric.name) {
                        (value(metric.values.get(*place).and_then(Option::as_ref)))
                        @if let Some(best) = metric.best.as_ref().filter(|best| best.place == *place && best.of > 1) { span.second { (parts::mark(parts::Tone::Warning, &format!("best of {}", text::thousands(best.of)))) } }
                    }
                }
                @for one in &parameters { td.wide data-label=(one.name) { @match one.values.get(*place).and_then(Option::as_ref) { Some(value) => code { (format::cut(value, 24)) }, None => span.muted { "–" } } } }
            }
        }
    };
    let head = html! {
        th scope="col" { "run" }
        @for metric in metrics { th.number scope="col" title=(metric.name) { (format::cut(&metric.name, 24)) } }
        @for one in &parameters { th scope="col" title=(one.name) { (format::cut(&one.name, 24)) } }
    };
    html! {
        (table::stacked("Metrics", head, rows))
        (parts::left_out(view.runs.len(), ROWS, "remuda run compare"))
    }
}
