//! Looking at runs: a run's state is what its facts add up to.

use super::lifecycle::{EndRecord, Recorded, StartRecord};
use super::{List, RunData, RunState, Runs, Show};
use crate::app::App;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::model::Made;
use crate::pin::payload;
use crate::use_case::{Access, UseCase};
use remuda_ledger::FactQuery;
use remuda_model::fact::Fact;
use remuda_model::run::tracked::{Stage, TrackedRun};
use remuda_model::run::{MetricValue, RunStatus, Snapshot, StepOutcome};
use std::collections::BTreeMap;

impl UseCase for List {
    const NOUN: &'static str = "run";
    const VERB: &'static str = "list";
    const ACCESS: Access = Access::Read;
    const ABOUT: &'static str = "List runs, newest first.";
    type Answer = Runs;

    async fn run(self, app: &App, context: &Context) -> Result<Runs> {
        self.find(app, context).await
    }
}

impl UseCase for Show {
    const NOUN: &'static str = "run";
    const VERB: &'static str = "show";
    const ACCESS: Access = Access::Read;
    const ABOUT: &'static str = "Show a run: steps, metrics with intervals, models, snapshot.";
    type Answer = RunState;

    async fn run(self, app: &App, context: &Context) -> Result<RunState> {
        find_run(app, context, &self.run).await
    }
}

/// The newest runs, newest first.
pub(crate) async fn newest_runs(app: &App, context: &Context, limit: usize) -> Result<Vec<RunState>> {
    Ok(List { limit, ..List::default() }.find(app, context).await?.runs)
}

/// A run by its id or the beginning of it; `newest` is the newest.
pub(crate) async fn find_run(app: &App, context: &Context, text: &str) -> Result<RunState> {
    let product = context.product()?.name.clone();
    let id = match text {
        "newest" => {
            let newest = newest_runs(app, context, 1).await?.into_iter().next();
            newest.ok_or_else(|| Error::not_found("run", text).hint("`remuda run` makes the first one"))?.run
        }
        text => resolve(app, &product, text).await?,
    };
    let tracking = app.tracking(&product)?;
    let mut state = state_of_facts(app, &product, &id).await?;
    match tracking.tracker.run(&id).await? {
        Some(run) => {
            let experiment = tracking.experiment(run.experiment).await.map(|found| found.name).unwrap_or_default();
            state.family = Some(super::family::family(context, &tracking, &run).await?);
            add_tracked(&mut state, run, experiment);
        }
        // What it logged was collected.
        None if state.tracked => state.deleted = true,
        None => {}
    }
    complete(app, context, &mut state).await?;
    Ok(state)
}

/// What the facts of a run add up to.
async fn state_of_facts(app: &App, product: &str, id: &str) -> Result<RunState> {
    let query = FactQuery { product: product.to_owned(), subject: Some(id.to_owned()), ..FactQuery::default() };
    let mut facts = app.ledger.facts(&query).await?;
    let linking = app.ledger.facts_linking(product, id).await?;
    let repeats = linking.iter().filter(|fact| fact.fact.verb == "run.started" && fact.fact.subject != id);
    let reproduced_by = repeats.map(|fact| fact.fact.subject.clone()).collect();
    facts.extend(linking.into_iter().filter(|fact| fact.fact.verb == "model.made"));
    facts.sort_by_key(|fact| fact.sequence);
    let state = fold(&facts.iter().collect::<Vec<_>>())?;
    Ok(RunState { reproduced_by, ..state })
}

/// The state of a run of remuda's own, for a list.
pub(super) async fn native_state(
    app: &App,
    context: &Context,
    run: TrackedRun,
    experiment: String,
) -> Result<RunState> {
    let mut state = state_of_facts(app, &context.product()?.name, &run.id).await?;
    add_tracked(&mut state, run, experiment);
    Ok(state)
}

/// The state of a run that a script tracked, for a list.
pub(super) fn tracked_state(run: TrackedRun, experiment: String) -> RunState {
    let mut state = empty();
    state.run.clone_from(&run.id);
    state.tracked = true;
    add_tracked(&mut state, run, experiment);
    state
}

/// Adds what lies in tables to what facts say.
fn add_tracked(state: &mut RunState, run: TrackedRun, experiment: String) {
    let TrackedRun { name, actor, status, started, ended, stage, native, document, .. } = run;
    (state.name, state.experiment, state.deleted) = (name, experiment, stage == Stage::Deleted);
    if state.tracked || !native {
        state.actor = actor;
        state.started = started.saturating_mul(1000);
        state.ended = ended.map(|ended| ended.saturating_mul(1000));
        state.status = super::family::status_of(status);
        if state.command.is_empty() {
            state.command = document.tags.get("mlflow.source.name").cloned().unwrap_or_default();
        }
        if state.note.is_empty() {
            state.note = document.tags.get("mlflow.note.content").cloned().unwrap_or_default();
        }
    }
    for (key, value) in document.parameters {
        state.parameters.entry(key).or_insert(serde_json::Value::String(value));
    }
    for (key, latest) in document.metrics {
        if !state.metrics.iter().any(|known| known.name == key) {
            state.metrics.push(logged(key, latest.value));
        }
    }
    state.tags = document.tags;
}

/// A metric as a script logged it: nothing is known of its rows, so it has no interval.
fn logged(name: String, value: Option<f64>) -> MetricValue {
    MetricValue {
        name,
        value,
        lower: None,
        upper: None,
        confidence: 0.0,
        n: 0,
        split: String::new(),
        method: "logged by the script; on how many rows it rests is not known".to_owned(),
    }
}

/// What a run's own facts do not say: the parameters of models that it kept, and the names of the datasets.
pub(super) async fn complete(app: &App, context: &Context, state: &mut RunState) -> Result<()> {
    add_kept_parameters(app, &context.product()?.name, state).await?;
    let versions = crate::data::dataset_versions(app, context, None).await?;
    for trained_on in state.models.iter().filter_map(|model| model.trained_on.as_ref()) {
        let Some(line) = versions.iter().find(|line| line.version.digest == *trained_on) else { continue };
        let seen = RunData { dataset: line.version.dataset.clone(), version: trained_on.clone() };
        if !state.data.contains(&seen) {
            state.data.push(seen);
        }
    }
    for file in state.snapshot.captured.iter().flat_map(|captured| &captured.data) {
        let seen = RunData { dataset: file.dataset.clone(), version: file.version.clone() };
        if !state.data.contains(&seen) {
            state.data.push(seen);
        }
    }
    Ok(())
}

/// A step that was skipped kept the model of an earlier run, which recorded the parameters of both.
async fn add_kept_parameters(app: &App, product: &str, state: &mut RunState) -> Result<()> {
    let skipped = state.steps.iter().filter(|step| step.outcome == StepOutcome::Skipped);
    let mut kept = BTreeMap::new();
    for step in skipped {
        let prefix = format!("{}/", step.step);
        let Some(model) = state.models.iter().find(|model| model.name == step.step && model.run != state.run) else {
            continue;
        };
        if state.parameters.keys().any(|name| name.starts_with(&prefix)) {
            continue;
        }
        let query = FactQuery {
            verbs: vec!["run.recorded".into()],
            subject: Some(model.run.clone()),
            ..FactQuery::of(product)
        };
        for fact in app.ledger.facts(&query).await? {
            let record: Recorded = payload(&fact)?;
            kept.extend(record.parameters.into_iter().filter(|(name, _)| name.starts_with(&prefix)));
        }
    }
    state.parameters.extend(kept);
    Ok(())
}

pub(super) async fn resolve(app: &App, product: &str, text: &str) -> Result<String> {
    let mut ids: Vec<String> = app
        .ledger
        .resolve_prefix(product, text)
        .await?
        .into_iter()
        .filter(|(kind, _)| kind == "run")
        .map(|(_, id)| id)
        .collect();
    ids.sort();
    ids.dedup();
    match ids.as_slice() {
        [only] => Ok(only.clone()),
        [] => Err(Error::not_found("run", text).hint("`remuda run list` shows them")),
        several if several.iter().any(|id| id == text) => Ok(text.to_owned()),
        several => Err(Error::new("request.ambiguous", format!("`{text}` fits runs {}", several.join(", ")))
            .hint("type more of it")),
    }
}

/// A run of which nothing is known yet.
fn empty() -> RunState {
    RunState {
        run: String::new(),
        actor: String::new(),
        status: RunStatus::Running,
        command: String::new(),
        note: String::new(),
        started: 0,
        ended: None,
        exit_code: None,
        failure: String::new(),
        snapshot: Snapshot::default(),
        steps: Vec::new(),
        metrics: Vec::new(),
        parameters: BTreeMap::new(),
        models: Vec::new(),
        data: Vec::new(),
        name: String::new(),
        experiment: String::new(),
        tags: BTreeMap::new(),
        tracked: false,
        deleted: false,
        outputs: Vec::new(),
        reproduced_by: Vec::new(),
        family: None,
    }
}

/// What facts of one run, oldest first, add up to.
fn fold(facts: &[&Fact]) -> Result<RunState> {
    let mut state = empty();
    for fact in facts {
        match fact.fact.verb.as_str() {
            "run.started" => {
                let record: StartRecord = payload(fact)?;
                state.run.clone_from(&fact.fact.subject);
                state.actor.clone_from(&fact.fact.actor);
                state.started = fact.fact.time;
                (state.command, state.snapshot, state.note) = (record.command, record.snapshot, record.note);
                state.tracked = record.tracked;
            }
            "model.made" => {
                let made: Made = payload(fact)?;
                add_metrics(&mut state, &made.metrics, Some(&made.version.name));
                state.models.push(made.version);
            }
            "run.recorded" => {
                let record: Recorded = payload(fact)?;
                let step = record.step.as_ref().map(|step| step.step.clone());
                add_metrics(&mut state, &record.metrics, step.as_deref());
                state.parameters.extend(record.parameters);
                state.steps.extend(record.step);
                state.outputs.extend(record.outputs);
                if let Some(model) = record.model
                    && !state.models.iter().any(|known| known.digest == model.digest && known.name == model.name)
                {
                    state.models.push(model);
                }
            }
            "run.resumed" => {
                state.status = RunStatus::Running;
                (state.ended, state.exit_code) = (None, None);
                state.failure.clear();
            }
            "run.finished" | "run.failed" if state.ended.is_none() => {
                let record: EndRecord = payload(fact)?;
                let finished = fact.fact.verb == "run.finished";
                state.status = if finished { RunStatus::Finished } else { RunStatus::Failed };
                state.ended = Some(fact.fact.time);
                state.exit_code = record.exit_code;
                state.failure = record.note;
            }
            _ => {}
        }
    }
    Ok(state)
}

/// Adds metrics under `STEP/NAME`; the newest value of a name counts.
fn add_metrics(state: &mut RunState, metrics: &[MetricValue], step: Option<&str>) {
    for metric in metrics {
        let name = match step {
            Some(step) if !metric.name.contains('/') => format!("{step}/{}", metric.name),
            _ => metric.name.clone(),
        };
        state.metrics.retain(|known| known.name != name);
        state.metrics.push(MetricValue { name, ..metric.clone() });
    }
}
