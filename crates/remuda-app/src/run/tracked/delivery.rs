//! What runners and spools bring: remuda's own runs get a tracked side, experiments made elsewhere keep their number
//! here, and records that come twice are carried out once.

use super::names::random_name;
use super::{NAME_TAG, SpoolRecord, Tracking};
use crate::app::App;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::run::find_run;
use remuda_ledger::{NewRun, RunChange};
use remuda_model::Digest;
use remuda_model::run::RunStatus;
use remuda_model::run::tracked::{Document, Experiment, TrackedRun, TrackedStatus};
use std::collections::BTreeMap;

impl Tracking {
    /// The same, for the changes that one record of a spool brings: each is carried out once, however often it comes. The
    /// second time is refused with `tracked.delivered`.
    #[must_use]
    pub fn for_record(&self, record: SpoolRecord) -> Self {
        Self { tracker: self.tracker.for_record(record), ..self.clone() }
    }

    /// Up to which record a spool was delivered, as far as its runner knows.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub async fn delivered(&self, spool: &str) -> Result<i64> {
        Ok(self.tracker.delivered(spool).await?)
    }

    /// Notes that the runner of a spool knows that its records up to `through` are here.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub async fn settle(&self, spool: &str, through: i64) -> Result<()> {
        Ok(self.tracker.settle(spool, through).await?)
    }

    /// Makes an experiment with the number that it has elsewhere.
    ///
    /// # Errors
    /// Number or name are another's.
    pub async fn adopt_experiment(&self, experiment: &Experiment) -> Result<()> {
        Ok(self.tracker.adopt_experiment(experiment).await?)
    }

    /// Gives one of remuda's own runs a tracked side, in this experiment, so that its script can log to it. A run that
    /// has one keeps it.
    ///
    /// # Errors
    /// There is no such run, or no such experiment.
    pub async fn adopt_run(&self, context: &Context, run: &str, experiment: i64) -> Result<TrackedRun> {
        if let Some(known) = self.tracker.run(run).await? {
            return Ok(known);
        }
        let state = find_run(&self.app, context, run).await?;
        if state.run != run {
            return Err(Error::not_found("run", run));
        }
        if experiment == 0 {
            self.tracker.ensure_default(self.now()).await?;
        }
        let name = if state.note.is_empty() { random_name(Digest::of(run.as_bytes()).number()) } else { state.note };
        let tags = BTreeMap::from([
            (NAME_TAG.to_owned(), name.clone()),
            ("mlflow.source.name".to_owned(), state.command),
            ("mlflow.source.type".to_owned(), "LOCAL".to_owned()),
            ("mlflow.user".to_owned(), state.actor.clone()),
        ]);
        let status = match state.status {
            RunStatus::Running => TrackedStatus::Running,
            RunStatus::Finished => TrackedStatus::Finished,
            RunStatus::Failed => TrackedStatus::Failed,
        };
        let new = NewRun {
            id: run.to_owned(),
            experiment,
            name,
            actor: state.actor,
            status,
            started: state.started.div_euclid(1000),
            ended: state.ended.map(|ended| ended.div_euclid(1000)),
            artifacts: None,
            native: true,
            document: Document { tags, ..Document::default() },
            facts: Vec::new(),
        };
        Ok(self.tracker.begin_run(new).await?)
    }
}

/// Says in the tracked side of a run, if it has one, how its process ended, or that it goes on after all.
pub(crate) async fn end_tracked(app: &App, product: &str, run: &str, status: TrackedStatus) -> Result<()> {
    let tracking = app.tracking(product)?;
    let Some(known) = tracking.tracker.run(run).await? else { return Ok(()) };
    if known.status == status && (known.ended.is_some() || !status.is_over()) {
        return Ok(());
    }
    let ended = status.is_over().then(|| known.ended.unwrap_or_else(|| tracking.now()));
    // A deleted run stays as it is.
    match tracking.tracker.change_run(run, RunChange { status: Some(status), ended, ..RunChange::default() }).await {
        Ok(_) | Err(remuda_ledger::Error::Refused(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
