//! The life of a run: start, record, beat, finish. A run whose process is gone is closed as failed by the next start.

use super::tracked::end_tracked;
use super::{Beat, Done, Finish, Record, RunState, Start, Started, find_run};
use crate::app::App;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::pin::{self, Pins};
use crate::use_case::{Access, UseCase};
use remuda_ledger::{Append, FactQuery};
use remuda_model::Digest;
use remuda_model::fact::{Link, NewFact};
use remuda_model::model::ModelVersion;
use remuda_model::run::captured::OutputFile;
use remuda_model::run::tracked::TrackedStatus;
use remuda_model::run::{MetricValue, RunStatus, Snapshot, StepResult};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A run without a heartbeat for this long (microseconds) is taken for dead where its process cannot be seen.
const SILENCE: i64 = 90_000_000;

/// What `run.started` keeps.
#[derive(Serialize, Deserialize)]
pub(super) struct StartRecord {
    pub(super) command: String,
    pub(super) snapshot: Snapshot,
    pub(super) note: String,
    /// What it logs lies in tables that can be deleted, not in facts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) tracked: bool,
}

/// What `run.recorded` keeps.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Recorded {
    #[serde(default)]
    pub(crate) metrics: Vec<MetricValue>,
    #[serde(default)]
    pub(crate) parameters: BTreeMap<String, serde_json::Value>,
    #[serde(default)]
    pub(crate) step: Option<StepResult>,
    #[serde(default)]
    pub(crate) model: Option<ModelVersion>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) outputs: Vec<OutputFile>,
}

/// What `run.finished` and `run.failed` keep.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct EndRecord {
    #[serde(default)]
    pub(super) exit_code: Option<i32>,
    #[serde(default)]
    pub(super) note: String,
}

impl UseCase for Start {
    const NOUN: &'static str = "run";
    const VERB: &'static str = "start";
    const ACCESS: Access = Access::Write;
    const ABOUT: &'static str = "Begin a run.";
    type Answer = Started;

    async fn run(self, app: &App, context: &Context) -> Result<Started> {
        let product = context.product()?.name.clone();
        let run = match self.id {
            None => app.ids.short(),
            Some(id) if remuda_model::text::is_name(&id) && (10..=32).contains(&id.len()) => id,
            Some(id) => return Err(Error::new("request.invalid", format!("`{id}` cannot be a run's id"))),
        };
        let query = FactQuery { subject: Some(run.clone()), limit: Some(1), ..FactQuery::of(&product) };
        if let Some(known) = app.ledger.facts(&query).await?.first() {
            // A runner that did not hear our answer asks again.
            let record: StartRecord = pin::payload(known)?;
            if known.fact.actor == context.actor.name && record.command == self.command && record.note == self.note {
                return Ok(Started { run });
            }
            return Err(Error::new("request.invalid", format!("the run id {run} is taken")).hint("leave it out"));
        }
        let mut pins = Pins::default();
        pins.add(context, "pipeline.toml");
        let mut links = vec![Link::makes("run", run.as_str())];
        if let Some(commit) = &self.snapshot.commit {
            links.push(Link::uses("commit", commit.as_str()));
        }
        if let Some(captured) = &self.snapshot.captured {
            let blobs: Vec<Digest> = captured.code.iter().flat_map(super::kept::objects_of).collect();
            super::kept::need_blobs(app, &blobs).await?;
            links.extend(blobs.iter().map(|blob| Link::uses("blob", blob.as_str())));
            links.extend(captured.data.iter().map(|seen| Link::uses("dataset_version", seen.version.as_str())));
            links.extend(captured.reproduces.iter().map(|earlier| Link::uses("run", earlier.as_str())));
        }
        links.extend(pins.links);
        // The lease comes first: a crash between the two leaves a lease without a run, which the next start drops.
        app.ledger.beat_lease(&lease(&product, &run), &self.holder, app.clock.now()).await?;
        let record = StartRecord { command: self.command, snapshot: self.snapshot, note: self.note, tracked: false };
        let fact = pin::fact(app, context, "run.started", run.as_str(), &record, links)?;
        let append = Append { facts: vec![fact], definitions: pins.definitions, ..Append::default() };
        app.ledger.append(&product, append).await?;
        Ok(Started { run })
    }
}

impl UseCase for Record {
    const NOUN: &'static str = "run";
    const VERB: &'static str = "record";
    const ACCESS: Access = Access::Write;
    const ABOUT: &'static str = "Record metrics, parameters and step results of a run.";
    type Answer = Done;

    async fn run(self, app: &App, context: &Context) -> Result<Done> {
        let run = open_run(app, context, &self.run).await?;
        let recorded =
            Recorded { metrics: self.metrics, parameters: self.parameters, step: self.step, ..Recorded::default() };
        append_recorded(app, context, &run, &recorded, Vec::new()).await?;
        Ok(Done { done: true })
    }
}

impl UseCase for Beat {
    const NOUN: &'static str = "run";
    const VERB: &'static str = "beat";
    const ACCESS: Access = Access::Write;
    const ABOUT: &'static str = "Say that the run's process still lives.";
    type Answer = Done;

    async fn run(self, app: &App, context: &Context) -> Result<Done> {
        let name = lease(&context.product()?.name, &self.run);
        let holder = match app.ledger.lease(&name).await? {
            Some(held) => held.holder,
            None => {
                let state = find_run(app, context, &self.run).await?;
                if !is_presumed_dead(&state) {
                    return Err(Error::new("request.invalid", format!("run {} has ended", self.run)));
                }
                // It was silent, not dead: the machine slept, or nothing reached us.
                let resumed = resumed(app, context, &state.run)?;
                app.ledger
                    .append(&context.product()?.name, Append { facts: vec![resumed], ..Append::default() })
                    .await?;
                end_tracked(app, &context.product()?.name, &state.run, TrackedStatus::Running).await?;
                String::new()
            }
        };
        app.ledger.beat_lease(&name, &holder, app.clock.now()).await?;
        Ok(Done { done: true })
    }
}

impl UseCase for Finish {
    const NOUN: &'static str = "run";
    const VERB: &'static str = "finish";
    const ACCESS: Access = Access::Write;
    const ABOUT: &'static str = "End a run.";
    type Answer = Done;

    async fn run(self, app: &App, context: &Context) -> Result<Done> {
        let verb = match RunStatus::parse(&self.status) {
            Some(RunStatus::Finished) => "run.finished",
            Some(RunStatus::Failed) => "run.failed",
            _ => {
                return Err(Error::new("request.invalid", format!("`{}` is no way to end a run", self.status))
                    .hint("write finished or failed"));
            }
        };
        let state = find_run(app, context, &self.run).await?;
        let run = state.run.clone();
        let same = state.status.as_str() == self.status && state.exit_code == self.exit_code;
        if same && state.failure == self.note {
            // A runner that did not hear our answer says it again.
            return Ok(Done { done: true });
        }
        let mut facts = Vec::new();
        if is_presumed_dead(&state) {
            facts.push(resumed(app, context, &run)?);
        } else if state.status != RunStatus::Running {
            return Err(has_ended_already(&state));
        }
        let record = EndRecord { exit_code: self.exit_code, note: self.note };
        let product = &context.product()?.name;
        facts.push(pin::fact(app, context, verb, run.as_str(), &record, vec![Link::uses("run", run.as_str())])?);
        app.ledger.append(product, Append { facts, ..Append::default() }).await?;
        let status = if verb == "run.finished" { TrackedStatus::Finished } else { TrackedStatus::Failed };
        end_tracked(app, product, &run, status).await?;
        if let Some(held) = app.ledger.lease(&lease(product, &run)).await? {
            app.ledger.release_lease(&held.name, &held.holder).await?;
        }
        Ok(Done { done: true })
    }
}

/// The start of a run that is over when it is noted: nothing holds it, so it needs no lease.
pub(crate) fn noted_start(app: &App, context: &Context, run: &str, command: &str, note: &str) -> Result<NewFact> {
    let start = StartRecord {
        command: command.to_owned(),
        snapshot: Snapshot::default(),
        note: note.to_owned(),
        tracked: false,
    };
    pin::fact(app, context, "run.started", run, &start, vec![Link::makes("run", run)])
}

/// Its end.
pub(crate) fn noted_end(app: &App, context: &Context, run: &str) -> Result<NewFact> {
    pin::fact(app, context, "run.finished", run, &EndRecord::default(), vec![Link::uses("run", run)])
}

/// Appends what a step brought.
pub(crate) async fn append_recorded(
    app: &App,
    context: &Context,
    run: &str,
    recorded: &Recorded,
    links: Vec<Link>,
) -> Result<()> {
    let mut all = vec![Link::uses("run", run)];
    all.extend(links);
    let fact = pin::fact(app, context, "run.recorded", run, recorded, all)?;
    app.ledger.append(&context.product()?.name, Append { facts: vec![fact], ..Append::default() }).await?;
    Ok(())
}

/// The id of a run that still goes on.
pub(super) async fn open_run(app: &App, context: &Context, text: &str) -> Result<String> {
    let state = find_run(app, context, text).await?;
    if state.status == RunStatus::Running {
        return Ok(state.run);
    }
    Err(has_ended_already(&state))
}

fn has_ended_already(state: &RunState) -> Error {
    Error::new("request.invalid", format!("run {} has ended ({})", state.run, state.status.as_str()))
}

/// Why a run is taken for dead: nobody said that it ended.
const PRESUMPTIONS: [&str; 2] = ["its process ended without finishing it", "its heartbeat stopped"];

/// Whether the run failed only because nothing was heard of it.
fn is_presumed_dead(state: &RunState) -> bool {
    state.status == RunStatus::Failed && state.exit_code.is_none() && PRESUMPTIONS.contains(&state.failure.as_str())
}

fn resumed(app: &App, context: &Context, run: &str) -> Result<NewFact> {
    pin::fact(app, context, "run.resumed", run, &serde_json::json!({}), vec![Link::uses("run", run)])
}

fn lease(product: &str, run: &str) -> String {
    format!("run/{product}/{run}")
}

/// Closes runs whose process is gone, as failed. Called at each start.
pub(crate) async fn close_dead_runs(app: &App) -> Result<()> {
    let now = app.clock.now();
    for held in app.ledger.leases().await? {
        let Some((product, run)) = held.name.strip_prefix("run/").and_then(|rest| rest.split_once('/')) else {
            continue;
        };
        let silent = now.saturating_sub(held.beat) > SILENCE;
        let gone = crate::recovery::holder_is_gone(&held.holder);
        // A machine that slept is silent while its processes live.
        let silent = silent && !crate::recovery::holder_lives(&held.holder);
        if !gone && !silent {
            continue;
        }
        // Of all who see the dead run at once, one takes its lease and closes it.
        let us = crate::recovery::holder();
        let unmoved = held.beat.saturating_add(1);
        if !app.ledger.take_lease(&held.name, &us, now.max(unmoved), unmoved).await? {
            continue;
        }
        if !has_ended(app, product, run).await? {
            let why = if gone { PRESUMPTIONS[0] } else { PRESUMPTIONS[1] };
            let record = EndRecord { exit_code: None, note: why.to_owned() };
            let fact = pin::system_fact(app, product, "run.failed", run, &record, vec![Link::uses("run", run)])?;
            app.ledger.append(product, Append { facts: vec![fact], ..Append::default() }).await?;
            end_tracked(app, product, run, TrackedStatus::Failed).await?;
        }
        app.ledger.release_lease(&held.name, &us).await?;
    }
    Ok(())
}

/// Whether the ledger has an end of the run, or no start at all (a crash between lease and start).
async fn has_ended(app: &App, product: &str, run: &str) -> Result<bool> {
    let query = FactQuery { product: product.to_owned(), subject: Some(run.to_owned()), ..FactQuery::default() };
    let facts = app.ledger.facts(&query).await?;
    let started = facts.iter().any(|fact| fact.fact.verb == "run.started");
    let last = facts
        .iter()
        .rfind(|fact| matches!(fact.fact.verb.as_str(), "run.started" | "run.resumed" | "run.finished" | "run.failed"));
    let ended = last.is_some_and(|fact| matches!(fact.fact.verb.as_str(), "run.finished" | "run.failed"));
    Ok(ended || !started)
}
