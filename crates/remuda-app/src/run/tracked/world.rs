//! One world: runs of the pipeline and of the runner stand in the same tables as those that scripts track, so that one
//! search finds all. Their facts are taken over in order, from where the last look ended.

use super::Tracking;
use crate::error::Result;
use crate::model::Made;
use crate::pin::payload;
use crate::run::lifecycle::{Recorded, StartRecord};
use remuda_ledger::{Batch, FactQuery, NewRun, Told};
use remuda_model::fact::Fact;
use remuda_model::run::MetricValue;
use remuda_model::run::tracked::{Document, Point, TrackedStatus};
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

/// Facts that are taken over at once.
const FACTS: u32 = 2000;

/// The experiment of the pipeline's runs.
const PIPELINE: &str = "pipeline";

/// The tag that holds the command of a run.
const COMMAND_TAG: &str = "remuda.command";
/// The tag that holds its note.
const NOTE_TAG: &str = "mlflow.note.content";

impl Tracking {
    /// Takes over what facts say of runs since the last look.
    ///
    /// # Errors
    /// The ledger cannot be read or written.
    pub(crate) async fn catch_up(&self) -> Result<()> {
        if self.app.ledger.is_read_only() {
            return Ok(());
        }
        loop {
            let newest = self.tracker.newest_fact().await?;
            if self.seen.load(Ordering::Relaxed) >= newest {
                return Ok(());
            }
            let cursor = self.tracker.cursor().await?;
            let from = cursor.max(self.seen.load(Ordering::Relaxed));
            if from >= newest {
                self.seen.fetch_max(from, Ordering::Relaxed);
                return Ok(());
            }
            let query = FactQuery {
                product: self.tracker.product().to_owned(),
                after: Some(from),
                limit: Some(FACTS),
                ..FactQuery::default()
            };
            let facts = self.app.ledger.facts(&query).await?;
            let Some(last) = facts.last() else { return Ok(()) };
            let mut told = Vec::new();
            for fact in &facts {
                told.extend(told_by(fact)?);
            }
            if told.iter().any(|told| matches!(told, Told::Began(_))) {
                let experiment = self.pipeline_experiment().await?;
                for told in &mut told {
                    if let Told::Began(run) = told {
                        run.experiment = experiment;
                    }
                }
            }
            // Most facts say nothing of runs: for those alone nothing is written.
            if !told.is_empty() || last.sequence - cursor > i64::from(FACTS) {
                self.tracker.take_over(cursor, last.sequence, told).await?;
            }
            self.seen.fetch_max(last.sequence, Ordering::Relaxed);
        }
    }

    async fn pipeline_experiment(&self) -> Result<i64> {
        self.tracker.ensure_default(self.now()).await?;
        if let Some(known) = self.tracker.experiment_named(PIPELINE).await? {
            return Ok(known.id);
        }
        match self.tracker.create_experiment(PIPELINE, None, BTreeMap::new(), self.now()).await {
            Ok(id) => Ok(id),
            // Somebody else made it a moment ago.
            Err(remuda_ledger::Error::Refused(_)) => {
                Ok(self.tracker.experiment_named(PIPELINE).await?.map_or(0, |known| known.id))
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn told_by(fact: &Fact) -> Result<Option<Told>> {
    let run = fact.fact.subject.clone();
    let time = fact.fact.time.div_euclid(1000);
    Ok(match fact.fact.verb.as_str() {
        "run.started" => {
            let record: StartRecord = payload(fact)?;
            if record.tracked { None } else { Some(Told::Began(begun(fact, record, time))) }
        }
        "run.recorded" => {
            let record: Recorded = payload(fact)?;
            let step = record.step.as_ref().map(|step| step.step.clone());
            let parameters = record.parameters.iter().map(|(name, value)| (name.clone(), plain(value))).collect();
            let points = points(&record.metrics, step.as_deref(), time);
            Some(Told::Recorded(run, Batch { points, parameters, ..Batch::default() }))
        }
        "model.made" => {
            let made: Made = payload(fact)?;
            let points = points(&made.metrics, Some(&made.version.name), time);
            Some(Told::Recorded(made.version.run, Batch { points, ..Batch::default() }))
        }
        // Runs that scripts track have these too, but their own word stands.
        "run.finished" => Some(Told::Ended(run, TrackedStatus::Finished, time)),
        "run.failed" => Some(Told::Ended(run, TrackedStatus::Failed, time)),
        _ => None,
    })
}

fn begun(fact: &Fact, record: StartRecord, time: i64) -> NewRun {
    let name = if record.note.is_empty() { record.command.clone() } else { record.note.clone() };
    let mut tags = BTreeMap::from([
        (super::NAME_TAG.to_owned(), name.clone()),
        ("mlflow.user".to_owned(), fact.fact.actor.clone()),
        ("mlflow.source.name".to_owned(), record.command.clone()),
        (COMMAND_TAG.to_owned(), record.command),
    ]);
    if !record.note.is_empty() {
        tags.insert(NOTE_TAG.to_owned(), record.note);
    }
    if let Some(commit) = record.snapshot.commit {
        tags.insert("mlflow.source.git.commit".to_owned(), commit);
    }
    NewRun {
        id: fact.fact.subject.clone(),
        experiment: 0,
        name,
        actor: fact.fact.actor.clone(),
        status: TrackedStatus::Running,
        started: time,
        ended: None,
        artifacts: None,
        native: true,
        document: Document { tags, ..Document::default() },
        facts: Vec::new(),
    }
}

fn points(metrics: &[MetricValue], step: Option<&str>, time: i64) -> Vec<Point> {
    let name = |metric: &MetricValue| match step {
        Some(step) if !metric.name.contains('/') => format!("{step}/{}", metric.name),
        _ => metric.name.clone(),
    };
    let defined = metrics.iter().filter(|metric| metric.value.is_some());
    defined.map(|metric| Point { key: name(metric), value: metric.value, step: 0, time }).collect()
}

/// A parameter as text: a text stays as it is, everything else becomes JSON.
fn plain(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
