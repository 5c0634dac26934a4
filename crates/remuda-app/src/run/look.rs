//! Looking at runs: a run's state is what its facts add up to.

use super::find::Wanted;
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
use remuda_model::run::{MetricValue, RunStatus, Snapshot, StepOutcome};
use std::collections::{BTreeMap, HashMap};

const RUN_VERBS: [&str; 6] = ["run.started", "run.recorded", "run.resumed", "run.finished", "run.failed", "model.made"];

impl UseCase for List {
    const NOUN: &'static str = "run";
    const VERB: &'static str = "list";
    const ACCESS: Access = Access::Read;
    const ABOUT: &'static str = "List runs, newest first.";
    type Answer = Runs;

    async fn run(self, app: &App, context: &Context) -> Result<Runs> {
        let limit = self.limit.clamp(1, 1000);
        let before = match &self.before {
            None => None,
            Some(run) => Some(start_of(app, context, &find_run(app, context, run).await?.run).await?),
        };
        let wanted = Wanted::read(self.filter.as_deref(), self.order_by.as_deref())?;
        let mut runs = wanted.find(app, context, before, limit + 1).await?;
        let more = runs.len() > limit;
        runs.truncate(limit);
        Ok(Runs { runs, more })
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

/// The newest runs that started before this place in the chain, newest first, and the place of the oldest of them.
pub(crate) async fn run_states(
    app: &App,
    context: &Context,
    before: Option<i64>,
    limit: usize,
) -> Result<(Vec<RunState>, Option<i64>)> {
    let product = context.product()?.name.clone();
    let starts = app
        .ledger
        .facts(&FactQuery {
            product: product.clone(),
            verbs: vec!["run.started".into()],
            before,
            limit: Some(limit as u32),
            newest_first: true,
            ..FactQuery::default()
        })
        .await?;
    let Some(oldest) = starts.last() else { return Ok((Vec::new(), None)) };
    let facts = app
        .ledger
        .facts(&FactQuery {
            product,
            verbs: RUN_VERBS.iter().map(|verb| (*verb).to_owned()).collect(),
            after: Some(oldest.sequence - 1),
            ..FactQuery::default()
        })
        .await?;
    let mut by_run: HashMap<String, Vec<&Fact>> = HashMap::new();
    for fact in &facts {
        by_run.entry(run_of(fact)?).or_default().push(fact);
    }
    let states = starts.iter().map(|start| fold(by_run.get(&start.fact.subject).map_or(&[][..], Vec::as_slice)));
    Ok((states.collect::<Result<_>>()?, Some(oldest.sequence)))
}

/// A run by its id or the beginning of it; `newest` is the newest.
pub(crate) async fn find_run(app: &App, context: &Context, text: &str) -> Result<RunState> {
    if text == "newest" {
        let newest = run_states(app, context, None, 1).await?.0.into_iter().next();
        let none = || Error::not_found("run", text).hint("`remuda run` makes the first one");
        let mut newest = newest.ok_or_else(none)?;
        complete(app, context, &mut newest).await?;
        return Ok(newest);
    }
    let product = context.product()?.name.clone();
    let id = resolve(app, &product, text).await?;
    let query = FactQuery { product: product.clone(), subject: Some(id.clone()), ..FactQuery::default() };
    let mut facts = app.ledger.facts(&query).await?;
    facts.extend(
        app.ledger.facts_linking(&product, &id).await?.into_iter().filter(|fact| fact.fact.verb == "model.made"),
    );
    facts.sort_by_key(|fact| fact.sequence);
    let mut state = fold(&facts.iter().collect::<Vec<_>>())?;
    complete(app, context, &mut state).await?;
    Ok(state)
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

async fn resolve(app: &App, product: &str, text: &str) -> Result<String> {
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

async fn start_of(app: &App, context: &Context, run: &str) -> Result<i64> {
    let query = FactQuery {
        product: context.product()?.name.clone(),
        verbs: vec!["run.started".into()],
        subject: Some(run.to_owned()),
        ..FactQuery::default()
    };
    Ok(app.ledger.facts(&query).await?.first().map_or(i64::MAX, |fact| fact.sequence))
}

/// The run that a fact belongs to: its subject, but for `model.made`, whose payload names it.
fn run_of(fact: &Fact) -> Result<String> {
    if fact.fact.verb == "model.made" { Ok(payload::<Made>(fact)?.version.run) } else { Ok(fact.fact.subject.clone()) }
}

/// What facts of one run, oldest first, add up to.
fn fold(facts: &[&Fact]) -> Result<RunState> {
    let mut state = RunState {
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
    };
    for fact in facts {
        match fact.fact.verb.as_str() {
            "run.started" => {
                let record: StartRecord = payload(fact)?;
                state.run.clone_from(&fact.fact.subject);
                state.actor.clone_from(&fact.fact.actor);
                state.started = fact.fact.time;
                (state.command, state.snapshot, state.note) = (record.command, record.snapshot, record.note);
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
