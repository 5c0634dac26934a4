//! Tracked runs: begun, logged to, ended, deleted, restored, found.

use super::names::random_name;
use super::{Batch, Found, HistoryPage, HistoryPlace, RunSearch, Tracking};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::pin;
use crate::run::lifecycle::{EndRecord, StartRecord};
use remuda_ledger::{NewRun, RunChange};
use remuda_model::Digest;
use remuda_model::fact::{Link, NewFact};
use remuda_model::run::Snapshot;
use remuda_model::run::tracked::{Document, Input, ModelUse, Point, Stage, TrackedRun, TrackedStatus};
use serde_json::json;
use std::collections::BTreeMap;

/// The tag that repeats a run's name.
pub const NAME_TAG: &str = "mlflow.runName";

/// A run to be begun.
#[derive(Clone, Debug, Default)]
pub struct Begin {
    /// The experiment.
    pub experiment: i64,
    /// Its name; without it one is made up.
    pub name: Option<String>,
    /// Who runs it, as the script says; without it, the caller.
    pub user: Option<String>,
    /// When it began, milliseconds since 1970; without it, now.
    pub started: Option<i64>,
    /// Its tags.
    pub tags: Vec<(String, String)>,
    /// Its id, when the caller chose one.
    pub id: Option<String>,
}

/// How a run changes; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// Its new name.
    pub name: Option<String>,
    /// Where it stands.
    pub status: Option<TrackedStatus>,
    /// When it ended, milliseconds since 1970.
    pub ended: Option<i64>,
}

impl Tracking {
    /// Begins a run.
    ///
    /// # Errors
    /// The experiment is missing or deleted, or the id is taken.
    pub async fn begin(&self, context: &Context, begin: Begin) -> Result<TrackedRun> {
        if begin.experiment == 0 {
            self.tracker.ensure_default(self.now()).await?;
        }
        let id = begin.id.unwrap_or_else(|| self.app.ids.short());
        let mut tags: BTreeMap<String, String> = begin.tags.into_iter().collect();
        let name = match (begin.name.filter(|name| !name.is_empty()), tags.get(NAME_TAG)) {
            (Some(name), _) => name,
            (None, Some(name)) => name.clone(),
            (None, None) => random_name(Digest::of(id.as_bytes()).number()),
        };
        tags.insert(NAME_TAG.to_owned(), name.clone());
        let actor = begin.user.filter(|user| !user.is_empty()).unwrap_or_else(|| context.actor.name.clone());
        let start =
            StartRecord { command: String::new(), snapshot: Snapshot::default(), note: String::new(), tracked: true };
        let fact =
            pin::fact(&self.app, context, "run.started", id.as_str(), &start, vec![Link::makes("run", id.as_str())])?;
        let run = NewRun {
            id,
            experiment: begin.experiment,
            name,
            actor,
            status: TrackedStatus::Running,
            started: begin.started.unwrap_or_else(|| self.now()),
            ended: None,
            artifacts: None,
            native: false,
            document: Document { tags, ..Document::default() },
            facts: vec![fact],
        };
        Ok(self.tracker.begin_run(run).await?)
    }

    /// Logs a batch; when this returns it is on the disk.
    ///
    /// # Errors
    /// The run is missing or deleted, or a parameter has another value.
    pub async fn log(&self, run: &str, mut batch: Batch) -> Result<()> {
        if let Some((_, name)) = batch.tags.iter().rev().find(|(key, _)| key == NAME_TAG) {
            batch.name = Some(name.clone());
        }
        Ok(self.tracker.log(run, batch).await?)
    }

    /// Changes a run. Its end, and its going on after one, are facts.
    ///
    /// # Errors
    /// The run is missing or deleted.
    pub async fn change(&self, context: &Context, run: &str, change: Change) -> Result<TrackedRun> {
        let before = self.run(run).await?;
        let facts = self.facts_of_change(context, &before, &change)?;
        let tags = change.name.iter().map(|name| (NAME_TAG.to_owned(), name.clone())).collect();
        let change =
            RunChange { name: change.name, status: change.status, ended: change.ended, deleted: None, tags, facts };
        let mut after = self.tracker.change_run(run, change).await?;
        after.document.metrics = before.document.metrics;
        Ok(after)
    }

    fn facts_of_change(&self, context: &Context, before: &TrackedRun, change: &Change) -> Result<Vec<NewFact>> {
        let Some(status) = change.status.filter(|status| *status != before.status) else { return Ok(Vec::new()) };
        // The runner sees the process: what it says of the end is the fact.
        if before.native {
            return Ok(Vec::new());
        }
        let run = before.id.as_str();
        let mut links = vec![Link::uses("run", run)];
        if status.is_over() {
            let note = if status == TrackedStatus::Killed { "killed" } else { "" };
            let verb = if status == TrackedStatus::Finished { "run.finished" } else { "run.failed" };
            let record = serde_json::to_vec(&before.document)?;
            links.push(Link::makes("record", Digest::of(&record).as_str()));
            let end = EndRecord { exit_code: None, note: note.to_owned() };
            return Ok(vec![pin::fact(&self.app, context, verb, run, &end, links)?]);
        }
        if before.status.is_over() {
            return Ok(vec![pin::fact(&self.app, context, "run.resumed", run, &json!({}), links)?]);
        }
        Ok(Vec::new())
    }

    /// Deletes a run, or restores it. Until it is collected it can be restored.
    ///
    /// # Errors
    /// The run is missing.
    pub async fn move_run(&self, context: &Context, run: &str, stage: Stage) -> Result<()> {
        let before = self.run(run).await?;
        if before.stage == stage {
            return Ok(());
        }
        let verb = if stage == Stage::Deleted { "run.deleted" } else { "run.restored" };
        let fact = pin::fact(&self.app, context, verb, run, &json!({}), vec![Link::uses("run", run)])?;
        let deleted = Some((stage == Stage::Deleted).then(|| self.now()));
        self.tracker.change_run(run, RunChange { deleted, facts: vec![fact], ..RunChange::default() }).await?;
        Ok(())
    }

    /// A run with all that it has logged up to now, deleted ones too.
    ///
    /// # Errors
    /// There is none of that id.
    pub async fn run(&self, id: &str) -> Result<TrackedRun> {
        if let Some(run) = self.tracker.run(id).await? {
            return Ok(run);
        }
        self.catch_up().await?;
        self.tracker.run(id).await?.ok_or_else(|| Error::not_found("run", id))
    }

    /// The runs that are sought.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub async fn search(&self, search: &RunSearch<'_>) -> Result<Found> {
        self.catch_up().await?;
        Ok(self.tracker.search(search).await?)
    }

    /// A page of a metric's history.
    ///
    /// # Errors
    /// The run is missing.
    pub async fn history(&self, run: &str, key: &str, from: HistoryPlace, limit: usize) -> Result<HistoryPage> {
        Ok(self.tracker.history(run, key, from, limit).await?)
    }

    /// The whole history of a metric, part by part; `each` ends it by answering false.
    ///
    /// # Errors
    /// The run is missing.
    pub async fn walk_history(&self, run: &str, key: &str, each: impl FnMut(Vec<Point>) -> bool + Send) -> Result<()> {
        Ok(self.tracker.walk_history(run, key, each).await?)
    }

    /// Notes what a run read, and which logged models it read and made. A dataset whose digest is that of a dataset
    /// version (or the first characters of it) is linked to the version.
    ///
    /// # Errors
    /// The run is missing or deleted.
    pub async fn add_inputs(
        &self,
        context: &Context,
        run: &str,
        inputs: Vec<Input>,
        model_inputs: Vec<ModelUse>,
        model_outputs: Vec<ModelUse>,
    ) -> Result<()> {
        let mut facts = Vec::new();
        let mut links = vec![Link::uses("run", run)];
        for input in &inputs {
            if let Some(version) = self.version_of(context, &input.digest).await? {
                links.push(Link::uses("dataset_version", version.as_str()));
            }
        }
        if links.len() > 1 {
            facts.push(pin::fact(&self.app, context, "run.recorded", run, &json!({}), links)?);
        }
        Ok(self.tracker.add_inputs(run, inputs, model_inputs, model_outputs, facts).await?)
    }

    /// The dataset version whose digest begins so.
    pub(crate) async fn version_of(&self, context: &Context, digest: &str) -> Result<Option<Digest>> {
        let hex = digest.strip_prefix("b3:").unwrap_or(digest);
        // Fewer characters could be anybody's.
        if hex.len() < 10 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(None);
        }
        match crate::data::resolve_version(&self.app, context, &format!("b3:{hex}")).await {
            Ok(found) => Ok(Some(found.version.digest)),
            Err(error) if error.kind == crate::Kind::Internal => Err(error),
            Err(_) => Ok(None),
        }
    }

    /// The datasets that these runs read: run and dataset.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub async fn inputs(&self, runs: &[&str]) -> Result<Vec<(String, Input)>> {
        Ok(self.tracker.inputs(runs).await?)
    }

    /// The datasets that runs of these experiments read: experiment, name, digest and context, each once.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub async fn datasets_of(&self, experiments: &[i64]) -> Result<Vec<(i64, String, String, String)>> {
        Ok(self.tracker.datasets_of(experiments).await?)
    }
}
