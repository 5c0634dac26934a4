//! Finding runs: by a filter, in an order, page by page, among all that was tracked.

use super::look::{native_state, resolve, tracked_state};
use super::tracked::{RunOrder, RunSearch, Tracking};
use super::{List, RunState, Runs};
use crate::app::App;
use crate::context::Context;
use crate::error::{Error, Result};
use remuda_model::diagnostic::Diagnostic;
use remuda_model::run::filter::{Attribute, Filter, FilterError, Key, OrderBy, order_by, parse};
use remuda_model::run::tracked::{Stage, TrackedRun};
use std::collections::{HashMap, HashSet};

/// A search that is read and whose experiment is found.
pub(super) struct Sought {
    pub(super) tracking: Tracking,
    pub(super) filter: Filter,
    pub(super) order: Vec<OrderBy>,
    experiments: Vec<i64>,
    stage: Stage,
}

impl Sought {
    pub(super) async fn read(list: &List, app: &App, context: &Context) -> Result<Self> {
        let tracking = app.tracking(&context.product()?.name)?;
        tracking.catch_up().await?;
        let text = list.filter.as_deref().unwrap_or_default();
        let filter = parse(text).map_err(|error| wrong("--filter", text, error))?;
        let order = orders(list.order_by.as_deref())?;
        let experiments = match &list.experiment {
            None => Vec::new(),
            Some(text) => vec![find_experiment(&tracking, text).await?],
        };
        let stage = if list.deleted { Stage::Deleted } else { Stage::Active };
        Ok(Self { tracking, filter, order, experiments, stage })
    }

    pub(super) fn search(&self, limit: usize) -> RunSearch<'_> {
        RunSearch {
            experiments: &self.experiments,
            stage: Some(self.stage),
            filter: &self.filter,
            order: &self.order,
            after: None,
            limit,
        }
    }
}

impl List {
    /// The runs that are asked for.
    pub(super) async fn find(&self, app: &App, context: &Context) -> Result<Runs> {
        let limit = self.limit.clamp(1, 1000);
        for column in self.select.iter().flat_map(|text| split(text)) {
            key_of("--select", &column)?;
        }
        let sought = Sought::read(self, app, context).await?;
        let tracking = &sought.tracking;
        let after = match &self.before {
            None => None,
            Some(text) => {
                let run = resolve(app, &context.product()?.name, text).await?;
                Some(place_of(&tracking.run(&run).await?, &sought.order))
            }
        };
        let search = RunSearch { after: after.as_ref(), ..sought.search(limit + 1) };
        let mut found = tracking.search(&search).await?.runs;
        let more = found.len() > limit;
        found.truncate(limit);
        let total = if self.count {
            Some(tracking.tracker.count(&RunSearch { after: None, ..search.clone() }).await?)
        } else {
            None
        };
        Ok(Runs { runs: states(app, context, tracking, found).await?, more, total })
    }
}

/// The states of these runs, in this order, as lists show them.
pub(super) async fn states_of(app: &App, context: &Context, ids: &[String]) -> Result<Vec<RunState>> {
    let tracking = app.tracking(&context.product()?.name)?;
    tracking.tracker.fold().await?;
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let found = tracking.tracker.runs(&ids).await?;
    states(app, context, &tracking, found).await
}

/// The ids of these runs, each once; each may be the beginning of one.
pub(super) async fn find_ids(app: &App, context: &Context, texts: &[String]) -> Result<Vec<String>> {
    let product = &context.product()?.name;
    let tracking = app.tracking(product)?;
    tracking.catch_up().await?;
    let asked: Vec<&str> = texts.iter().map(String::as_str).collect();
    let known: HashSet<String> = tracking.tracker.runs(&asked).await?.into_iter().map(|run| run.id).collect();
    let (mut ids, mut seen) = (Vec::with_capacity(texts.len()), HashSet::new());
    for text in texts {
        let id = if known.contains(text) { text.clone() } else { resolve(app, product, text).await? };
        if seen.insert(id.clone()) {
            ids.push(id);
        }
    }
    Ok(ids)
}

fn orders(text: Option<&str>) -> Result<Vec<OrderBy>> {
    let texts = text.map(split).unwrap_or_default();
    texts.iter().map(|text| order_by(text).map_err(|error| wrong("--order-by", text, error))).collect()
}

/// The metric that an order names first, and whether its greatest value is the best.
pub(super) fn leading_metric(order: Option<&str>) -> Result<Option<(String, bool)>> {
    Ok(orders(order)?.into_iter().find_map(|one| match one.key {
        Key::Metric(name) => Some((name, one.descending)),
        _ => None,
    }))
}

/// What of a run a text names: `metrics.auc`, `params.depth`.
pub(super) fn key_of(flag: &str, text: &str) -> Result<Key> {
    let read = order_by(text).map_err(|mut error| {
        error.hint = "write a key: metrics.auc, params.depth, tags.team, status".to_owned();
        wrong(flag, text, error)
    })?;
    Ok(read.key)
}

/// Orders and columns are separated by commas outside of quotes.
pub fn split(text: &str) -> Vec<String> {
    let (mut parts, mut quote) = (vec![String::new()], None);
    for letter in text.chars() {
        match quote {
            Some(open) if open == letter => quote = None,
            None if matches!(letter, '`' | '"' | '\'') => quote = Some(letter),
            None if letter == ',' => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = parts.last_mut() {
            last.push(letter);
        }
    }
    parts.retain(|part| !part.trim().is_empty());
    parts.iter().map(|part| part.trim().to_owned()).collect()
}

/// The number of the experiment that goes by this name or number.
async fn find_experiment(tracking: &Tracking, text: &str) -> Result<i64> {
    if let Ok(found) = tracking.experiment_named(text).await {
        return Ok(found.id);
    }
    if let Ok(id) = text.parse::<i64>() {
        return Ok(tracking.experiment(id).await?.id);
    }
    let names: Vec<String> = tracking.experiments().await?.into_iter().map(|known| known.name).collect();
    let error = Error::not_found("experiment", text);
    Err(match remuda_model::text::nearest(text, names.iter().map(String::as_str)) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error.hint("`remuda run experiments` lists them"),
    })
}

/// States of runs: those of remuda's own tell more by their facts.
async fn states(app: &App, context: &Context, tracking: &Tracking, runs: Vec<TrackedRun>) -> Result<Vec<RunState>> {
    let names: HashMap<i64, String> =
        tracking.experiments().await?.into_iter().map(|experiment| (experiment.id, experiment.name)).collect();
    let mut states = Vec::with_capacity(runs.len());
    for run in runs {
        let experiment = names.get(&run.experiment).cloned().unwrap_or_default();
        states.push(if run.native {
            native_state(app, context, run, experiment).await?
        } else {
            tracked_state(run, experiment)
        });
    }
    Ok(states)
}

/// Where a run stands in an order.
fn place_of(run: &TrackedRun, order: &[OrderBy]) -> RunOrder {
    let text = |value: Option<&String>| match value {
        Some(value) => (0, None, Some(value.clone())),
        None => (2, None, None),
    };
    let number = |value: Option<i64>| match value {
        Some(value) => (0, Some(value as f64), None),
        None => (2, None, None),
    };
    let key = |one: &OrderBy| match &one.key {
        Key::Metric(name) => match run.document.metrics.get(name) {
            Some(latest) if latest.value.is_some() => (0, latest.value, None),
            Some(_) => (1, None, None),
            None => (2, None, None),
        },
        Key::Parameter(name) => text(run.document.parameters.get(name)),
        Key::Tag(name) => text(run.document.tags.get(name)),
        Key::Attribute(attribute) => match attribute {
            Attribute::Started => number(Some(run.started)),
            Attribute::Ended => number(run.ended),
            Attribute::Id => text(Some(&run.id)),
            Attribute::Name => text(Some(&run.name)),
            Attribute::Status => text(Some(&run.status.as_str().to_owned())),
            Attribute::User => text(Some(&run.actor)),
            Attribute::ArtifactUri => text(Some(&run.artifacts)),
            Attribute::Stage => text(Some(&run.stage.as_str().to_owned())),
            Attribute::Experiment => text(Some(&run.experiment.to_string())),
            Attribute::Command => text(run.document.tags.get("remuda.command")),
            Attribute::Note => text(run.document.tags.get("mlflow.note.content")),
        },
        Key::Dataset(_) => (2, None, None),
    };
    RunOrder { keys: order.iter().map(key).collect(), started: run.started, id: run.id.clone() }
}

pub(super) fn wrong(flag: &str, text: &str, error: FilterError) -> Error {
    let mut found = Diagnostic::at(flag, text, error.span, "request.filter", error.message);
    if !error.hint.is_empty() {
        found.hints.push(error.hint);
    }
    let mut error = Error::new("request.invalid", format!("{} cannot be read", flag.trim_start_matches('-')))
        .hint("such as: metrics.trees/auc > 0.8 and params.trees/rounds = '200'");
    error.diagnostics = vec![found];
    error
}
