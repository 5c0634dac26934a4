//! The columns of a list of runs: those that were asked for, or those that most runs have.

use crate::format;
use maud::{Markup, html};
use remuda_app::run::{RunState, split};
use remuda_model::run::MetricValue;
use remuda_model::run::filter::{Attribute, Key, order_by};

/// Columns of a list at most.
const MOST: usize = 12;
/// Metrics and parameters of a list for which no columns were asked for.
const USUAL: (usize, usize) = (3, 2);
/// Columns that are offered.
const OFFERED: usize = 60;

/// The columns that are asked for; what cannot be read was refused before.
pub(super) fn asked(select: &str) -> Vec<Key> {
    split(select).iter().filter_map(|text| order_by(text).ok()).map(|order| order.key).take(MOST).collect()
}

/// What these runs have: metrics first, each with how many runs have it, the most frequent first.
pub(super) fn known(runs: &[RunState]) -> Vec<(Key, usize)> {
    let mut found: Vec<(Key, usize)> = Vec::new();
    let mut add = |key: Key| match found.iter_mut().find(|(known, _)| *known == key) {
        Some((_, times)) => *times += 1,
        None => found.push((key, 1)),
    };
    for run in runs {
        run.metrics.iter().for_each(|metric| add(Key::Metric(metric.name.clone())));
        run.parameters.keys().for_each(|name| add(Key::Parameter(name.clone())));
    }
    let machine = |key: &Key| matches!(key, Key::Metric(name) if name.starts_with("system/"));
    found.sort_by_key(|(key, times)| (matches!(key, Key::Parameter(_)), machine(key), std::cmp::Reverse(*times)));
    found.truncate(OFFERED);
    found
}

/// The columns of a list for which none were asked for: metrics that most runs have, parameters in which they differ. The
/// metric that runs are ordered by is always among them.
pub(super) fn usual(runs: &[RunState], order: Option<&Key>) -> Vec<Key> {
    let half = runs.len().div_ceil(2);
    let known = known(runs);
    let mut columns: Vec<Key> =
        order.filter(|key| matches!(key, Key::Metric(_) | Key::Parameter(_))).cloned().into_iter().collect();
    let differs = |name: &str| {
        let mut values = runs.iter().filter_map(|run| run.parameters.get(name));
        let first = values.next();
        values.any(|value| Some(value) != first)
    };
    let machine = |name: &str| name.starts_with("system/");
    let metrics =
        known.iter().filter(|(key, times)| matches!(key, Key::Metric(name) if *times >= half && !machine(name)));
    let parameters =
        known.iter().filter(|(key, times)| matches!(key, Key::Parameter(name) if *times >= half && differs(name)));
    for (key, _) in metrics.take(USUAL.0).chain(parameters.take(USUAL.1)) {
        if !columns.contains(key) {
            columns.push(key.clone());
        }
    }
    columns
}

/// The name of a column, as people read it.
pub(super) fn name(key: &Key) -> String {
    match key {
        Key::Metric(name) | Key::Parameter(name) => name.clone(),
        Key::Tag(name) => format!("tag {name}"),
        Key::Attribute(attribute) => attribute.as_str().replace('_', " "),
        Key::Dataset(part) => format!("dataset {}", part.as_str()),
    }
}

/// Whether its values are numbers, and stand to the right.
pub(super) fn is_number(key: &Key) -> bool {
    matches!(key, Key::Metric(_))
}

/// What a run has there.
pub(super) fn cell(run: &RunState, key: &Key) -> Markup {
    let text = |value: Option<&str>| html! { @match value { Some(value) => span title=(format::cut(value, 400)) { (format::cut(value, 28)) }, None => span.muted { "–" } } };
    match key {
        Key::Metric(name) => metric(run.metrics.iter().find(|metric| metric.name == *name)),
        Key::Parameter(name) => text(run.parameters.get(name).map(plain).as_deref()),
        Key::Tag(name) => text(run.tags.get(name).map(String::as_str)),
        Key::Attribute(attribute) => match attribute {
            Attribute::Id => text(Some(&run.run)),
            Attribute::Name => text(Some(&run.name)),
            Attribute::Status => text(Some(run.status.as_str())),
            Attribute::User => text(Some(&run.actor)),
            Attribute::Experiment => text(Some(&run.experiment)),
            Attribute::Started => text(Some(&format::time(run.started))),
            Attribute::Ended => text(run.ended.map(format::time).as_deref()),
            Attribute::Command => text(Some(&run.command)),
            Attribute::Note => text(Some(&run.note)),
            Attribute::Stage => text(Some(if run.deleted { "deleted" } else { "active" })),
            Attribute::ArtifactUri => text(None),
        },
        Key::Dataset(_) => text(None),
    }
}

/// A metric with its interval under it.
pub(super) fn metric(metric: Option<&MetricValue>) -> Markup {
    html! {
        @match metric {
            Some(metric) => { b { (format::point(metric)) } @if metric.lower.is_some() || metric.upper.is_some() { span.second { (format::interval(metric.lower, metric.upper)) } } }
            None => span.muted { "–" },
        }
    }
}

/// A parameter as text.
pub(super) fn plain(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
