//! Tracked runs that go and come back: `run delete`, `run undelete`; and what takes how much room: `run storage`.
//!
//! A deleted run is out of sight and can be brought back until `run collect` removes it for good (`collect.rs`).

use super::tracked::{RunSearch, Tracking, artifact_folder};
use crate::app::App;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::use_case::{Access, UseCase};
use remuda_ledger::Room;
use remuda_model::run::filter::parse;
use remuda_model::run::tracked::{Stage, TrackedRun};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Runs that are read at a time.
const PAGE: usize = 1000;

/// Delete tracked runs. They can be brought back until they are collected.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Delete {
    /// Ids of runs, or the beginnings of them.
    #[arg(value_name = "RUN")]
    #[serde(default)]
    pub runs: Vec<String>,
    /// All runs that fit: `metrics.loss > 1 and status = 'FAILED'`.
    #[arg(long)]
    #[serde(default)]
    pub filter: Option<String>,
    /// Only say which.
    #[arg(long)]
    #[serde(default)]
    pub dry_run: bool,
}

/// Bring deleted runs back.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Undelete {
    /// Ids of deleted runs, or the beginnings of them.
    #[arg(value_name = "RUN")]
    #[serde(default)]
    pub runs: Vec<String>,
    /// All deleted runs that fit.
    #[arg(long)]
    #[serde(default)]
    pub filter: Option<String>,
    /// Only say which.
    #[arg(long)]
    #[serde(default)]
    pub dry_run: bool,
}

/// Show what tracked runs take: by experiment, deleted ones apart.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Storage {}

/// A run that was, or would be, moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MovedRun {
    /// Its id.
    pub run: String,
    /// Its name.
    pub name: String,
    /// Its experiment.
    pub experiment: i64,
}

/// Runs that were, or would be, moved.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct MovedRuns {
    /// One each.
    pub runs: Vec<MovedRun>,
    /// Nothing was changed: it was asked which only.
    pub dry_run: bool,
}

/// What runs take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Taken {
    /// Runs.
    pub runs: u64,
    /// Points of metrics.
    pub points: u64,
    /// Files.
    pub files: u64,
    /// Bytes of these files; content that several share counts each time.
    pub bytes: u64,
}

/// What an experiment takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExperimentStorage {
    /// The experiment.
    pub experiment: i64,
    /// Its name.
    pub name: String,
    /// It was deleted.
    pub deleted: bool,
    /// What is there.
    pub active: Taken,
    /// What was deleted and not collected yet.
    pub gone: Taken,
    /// Its runs' files lie elsewhere, where scripts write them: they are not counted.
    pub elsewhere: bool,
}

/// What everything takes.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct StorageUse {
    /// One each, by number.
    pub experiments: Vec<ExperimentStorage>,
}

impl UseCase for Delete {
    const NOUN: &'static str = "run";
    const VERB: &'static str = "delete";
    const ACCESS: Access = Access::Write;
    const ABOUT: &'static str = "Delete tracked runs; they can be brought back until they are collected.";
    type Answer = MovedRuns;

    async fn run(self, app: &App, context: &Context) -> Result<MovedRuns> {
        let asked = Asked { runs: self.runs, filter: self.filter, dry_run: self.dry_run };
        asked.carry_out(app, context, Stage::Deleted).await
    }
}

impl UseCase for Undelete {
    const NOUN: &'static str = "run";
    const VERB: &'static str = "undelete";
    const ACCESS: Access = Access::Write;
    const ABOUT: &'static str = "Bring deleted runs back.";
    type Answer = MovedRuns;

    async fn run(self, app: &App, context: &Context) -> Result<MovedRuns> {
        let asked = Asked { runs: self.runs, filter: self.filter, dry_run: self.dry_run };
        asked.carry_out(app, context, Stage::Active).await
    }
}

struct Asked {
    runs: Vec<String>,
    filter: Option<String>,
    dry_run: bool,
}

impl Asked {
    async fn carry_out(self, app: &App, context: &Context, to: Stage) -> Result<MovedRuns> {
        let tracking = app.tracking(&context.product()?.name)?;
        let from = if to == Stage::Deleted { Stage::Active } else { Stage::Deleted };
        let mut found: BTreeMap<String, TrackedRun> = BTreeMap::new();
        for text in &self.runs {
            let run = tracking.find(text).await?;
            if run.stage == from {
                found.insert(run.id.clone(), run);
            }
        }
        match &self.filter {
            Some(filter) => {
                let runs = fitting(&tracking, filter, from).await?;
                found.extend(runs.into_iter().map(|run| (run.id.clone(), run)));
            }
            None if self.runs.is_empty() => {
                return Err(Error::new("request.invalid", "name runs, or those that fit a filter")
                    .hint("add ids, or `--filter \"status = 'FAILED'\"`"));
            }
            None => {}
        }
        let total = found.len().max(1) as f64;
        for (done, run) in found.keys().enumerate() {
            if self.dry_run {
                break;
            }
            context.tell(done as f64 / total, "moving runs");
            tracking.move_run(context, run, to).await?;
        }
        let moved = |run: TrackedRun| MovedRun { run: run.id, name: run.name, experiment: run.experiment };
        Ok(MovedRuns { runs: found.into_values().map(moved).collect(), dry_run: self.dry_run })
    }
}

/// All runs in this stage that fit a filter.
async fn fitting(tracking: &Tracking, filter: &str, stage: Stage) -> Result<Vec<TrackedRun>> {
    let filter = parse(filter).map_err(|error| super::find::wrong("--filter", filter, error))?;
    let mut runs = Vec::new();
    let mut after = None;
    loop {
        let search = RunSearch {
            experiments: &[],
            stage: Some(stage),
            filter: &filter,
            order: &[],
            after: after.as_ref(),
            limit: PAGE,
        };
        let page = tracking.search(&search).await?;
        runs.extend(page.runs);
        match page.last {
            Some(last) => after = Some(last),
            None => return Ok(runs),
        }
    }
}

impl UseCase for Storage {
    const NOUN: &'static str = "run";
    const VERB: &'static str = "storage";
    const ACCESS: Access = Access::Read;
    const ABOUT: &'static str = "Show what tracked runs take: by experiment, deleted ones apart.";
    type Answer = StorageUse;

    async fn run(self, app: &App, context: &Context) -> Result<StorageUse> {
        let tracking = app.tracking(&context.product()?.name)?;
        let rows = tracking.tracker.rows_by_experiment().await?;
        let deleted = tracking.tracker.deleted_runs(i64::MAX).await?;
        let mut experiments = Vec::new();
        for experiment in tracking.experiments().await? {
            let rows_of = |stage: Stage| {
                let found = rows.iter().find(|(id, found, _)| *id == experiment.id && *found == stage);
                found.map_or(Room::default(), |(_, _, room)| *room)
            };
            let (mut active, mut gone) = (taken(rows_of(Stage::Active)), taken(rows_of(Stage::Deleted)));
            let folder = artifact_folder(&experiment.artifacts).ok();
            if let Some(folder) = &folder {
                let all = tracking.tracker.room_of_artifacts(folder).await?;
                for run in deleted.iter().filter(|run| run.experiment == experiment.id) {
                    let Ok(place) = artifact_folder(&run.artifacts) else { continue };
                    let room = tracking.tracker.room_of_artifacts(&place).await?;
                    gone.files += room.files;
                    gone.bytes += room.bytes;
                }
                active.files = all.files.saturating_sub(gone.files);
                active.bytes = all.bytes.saturating_sub(gone.bytes);
            }
            if experiment.stage == Stage::Deleted {
                // What lies beside its runs went with it.
                gone.files += std::mem::take(&mut active.files);
                gone.bytes += std::mem::take(&mut active.bytes);
            }
            experiments.push(ExperimentStorage {
                experiment: experiment.id,
                name: experiment.name,
                deleted: experiment.stage == Stage::Deleted,
                active,
                gone,
                elsewhere: folder.is_none(),
            });
        }
        Ok(StorageUse { experiments })
    }
}

fn taken(room: Room) -> Taken {
    Taken { runs: room.runs, points: room.points, files: room.files, bytes: room.bytes }
}
