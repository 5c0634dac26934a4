//! `run collect`: deleted runs and experiments are removed for good, with what they logged, their files and the blobs that
//! nothing holds any more. What a release rests on stays.
//!
//! Order makes it safe: rows and paths of a run go in one transaction, which notes the blobs let go of; then blobs that no path
//! holds; then the notes. A crash in between leaves work for the next time, and nothing missing.

use super::housekeeping::MovedRun;
use super::tracked::{RunSearch, Tracking, artifact_folder};
use crate::app::App;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::pin;
use crate::use_case::{Access, UseCase};
use remuda_ledger::DeletedRun;
use remuda_model::fact::Link;
use remuda_model::run::artifact::ArtifactPath;
use remuda_model::run::filter::Filter;
use remuda_model::run::retention::Span;
use remuda_model::run::tracked::{DEFAULT_EXPERIMENT, Stage, TrackedRun};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Whoever stores a blob holds it after moments, not after this long (milliseconds).
const STORING: i64 = 3_600_000;

/// Remove for good what was deleted: runs, experiments, their files, and blobs that nothing holds any more.
///
/// Where `[retention]` of `remuda.toml` says how long runs are kept, those that ended before are deleted first; they are
/// collected in their turn.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Collect {
    /// Only what was deleted longer ago than this: `12h`, `30d`, `8w`.
    #[arg(long, default_value = "30d", value_name = "SPAN")]
    #[serde(default = "thirty_days")]
    pub older_than: String,
    /// Only say what would go.
    #[arg(long)]
    #[serde(default)]
    pub dry_run: bool,
}

fn thirty_days() -> String {
    "30d".to_owned()
}

/// A run that stays although it is due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PinnedRun {
    /// Its id.
    pub run: String,
    /// Its name.
    pub name: String,
    /// What rests on it, in a sentence.
    pub why: String,
}

/// What went, or would go.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Collected {
    /// Runs that were deleted by the rule of `remuda.toml`: they can be brought back until they are collected.
    pub deleted_by_rule: Vec<MovedRun>,
    /// Runs that were removed.
    pub runs: Vec<MovedRun>,
    /// Experiments that were removed: number and name.
    pub experiments: Vec<CollectedExperiment>,
    /// Logged models that were removed.
    #[serde(default)]
    pub models: Vec<CollectedModel>,
    /// Runs that stay since something rests on them.
    pub pinned: Vec<PinnedRun>,
    /// Files of the removed runs.
    pub files: u64,
    /// Bytes of these files.
    pub bytes: u64,
    /// Blobs that were removed from the disk; before, it is not known which are shared.
    pub blobs: u64,
    /// Bytes of these blobs.
    pub freed: u64,
    /// Nothing was changed: it was asked what would go.
    pub dry_run: bool,
}

/// A logged model that was removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CollectedModel {
    /// Its id.
    pub model: String,
    /// Its name.
    pub name: String,
}

/// An experiment that was removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CollectedExperiment {
    /// Its number.
    pub experiment: i64,
    /// Its name.
    pub name: String,
}

impl UseCase for Collect {
    const NOUN: &'static str = "run";
    const VERB: &'static str = "collect";
    const ACCESS: Access = Access::Write;
    const ABOUT: &'static str = "Remove for good what was deleted: runs, experiments, their files and blobs.";
    type Answer = Collected;

    async fn run(self, app: &App, context: &Context) -> Result<Collected> {
        let span = Span::parse(&self.older_than).ok_or_else(|| {
            Error::new("request.invalid", format!("`{}` is no length of time", self.older_than))
                .hint("write hours, days or weeks: `--older-than 30d`")
        })?;
        let tracking = app.tracking(&context.product()?.name)?;
        let before = tracking.now().saturating_sub(span.milliseconds);
        let pins = pins(app, context, &tracking).await?;
        let mut work = Work {
            app,
            context,
            tracking,
            before,
            pins,
            done: Collected { dry_run: self.dry_run, ..Collected::default() },
        };
        work.apply_rule().await?;
        work.collect_runs().await?;
        work.collect_models().await?;
        work.collect_experiments().await?;
        if !self.dry_run {
            work.tracking.tracker.collect_datasets().await?;
            work.free_blobs().await?;
        }
        Ok(work.done)
    }
}

/// Runs and experiments that something rests on, and what.
#[derive(Default)]
struct Pins {
    runs: BTreeMap<String, String>,
    experiments: BTreeMap<i64, String>,
}

async fn pins(app: &App, context: &Context, tracking: &Tracking) -> Result<Pins> {
    let mut pins = Pins::default();
    for release in crate::release::releases(app, context).await? {
        let made = crate::model::find_made(app, context, |made| made.version.digest == release.model).await?;
        if let Some(made) = made {
            let why = format!("release {} rests on its model {}", release.digest.short(), release.model_name);
            pins.runs.insert(made.version.run, why);
        }
    }
    for origin in tracking.tracker.version_origins().await? {
        let why = format!("registered version {} rests on it", origin.version);
        let folder = ArtifactPath::of_address(&origin.storage).unwrap_or_default();
        // Its files may lie in a run's folder although it names no run: every name on the way counts as one.
        let names = folder.as_str().split('/').map(str::to_owned);
        for run in names.chain(origin.run).chain(origin.logged.0).filter(|run| !run.is_empty()) {
            pins.runs.entry(run).or_insert_with(|| why.clone());
        }
        let first = folder.as_str().split('/').next().and_then(|name| name.parse().ok());
        for experiment in [origin.logged.1, first].into_iter().flatten() {
            pins.experiments.entry(experiment).or_insert_with(|| why.clone());
        }
    }
    Ok(pins)
}

struct Work<'a> {
    app: &'a App,
    context: &'a Context,
    tracking: Tracking,
    /// What was deleted later than this stays.
    before: i64,
    pins: Pins,
    done: Collected,
}

impl Work<'_> {
    /// Deletes the runs that ended longer ago than the rule lets them be kept.
    async fn apply_rule(&mut self) -> Result<()> {
        const PAGE: usize = 1000;
        let text = self.context.files.0.get("remuda.toml").map(String::as_str).unwrap_or_default();
        let Some(keep) = remuda_repo::retention::keep_runs(text) else { return Ok(()) };
        let limit = self.tracking.now().saturating_sub(keep.milliseconds);
        let is_due = |run: &TrackedRun| run.status.is_over() && run.ended.unwrap_or(run.started) < limit;
        let filter = Filter::All(Vec::new());
        let mut due: Vec<TrackedRun> = Vec::new();
        let mut after = None;
        loop {
            let search = RunSearch {
                experiments: &[],
                stage: Some(Stage::Active),
                filter: &filter,
                order: &[],
                after: after.as_ref(),
                limit: PAGE,
            };
            let page = self.tracking.search(&search).await?;
            due.extend(page.runs.into_iter().filter(is_due));
            match page.last {
                Some(last) => after = Some(last),
                None => break,
            }
        }
        for run in due {
            if self.pins.runs.contains_key(&run.id) {
                continue;
            }
            if !self.done.dry_run {
                self.tracking.move_run(self.context, &run.id, Stage::Deleted).await?;
            }
            let moved = MovedRun { run: run.id, name: run.name, experiment: run.experiment };
            self.done.deleted_by_rule.push(moved);
        }
        Ok(())
    }

    async fn collect_runs(&mut self) -> Result<()> {
        let due = self.tracking.tracker.deleted_runs(self.before).await?;
        let total = due.len().max(1) as f64;
        for (number, run) in due.into_iter().enumerate() {
            self.context.tell(number as f64 / total, "removing runs");
            if let Some(why) = self.pins.runs.get(&run.id) {
                self.done.pinned.push(PinnedRun { run: run.id, name: run.name, why: why.clone() });
                continue;
            }
            self.collect_run(run).await?;
        }
        Ok(())
    }

    async fn collect_run(&mut self, run: DeletedRun) -> Result<()> {
        let room = match artifact_folder(&run.artifacts) {
            Ok(folder) => self.tracking.tracker.room_of_artifacts(&folder).await?,
            Err(_) => remuda_ledger::Room::default(),
        };
        if !self.done.dry_run {
            let told = json!({ "files": room.files, "bytes": room.bytes });
            let links = vec![Link::uses("run", run.id.as_str())];
            let fact = pin::fact(self.app, self.context, "run.collected", run.id.as_str(), &told, links)?;
            if !self.tracking.tracker.collect_run(&run.id, self.before, vec![fact]).await? {
                return Ok(());
            }
        }
        self.done.files += room.files;
        self.done.bytes += room.bytes;
        self.done.runs.push(MovedRun { run: run.id, name: run.name, experiment: run.experiment });
        Ok(())
    }

    /// Logged models that were deleted by themselves.
    async fn collect_models(&mut self) -> Result<()> {
        for (id, name) in self.tracking.tracker.deleted_logged_models(self.before).await? {
            // An address of a registered version names the model's folder.
            let pinned = self.pins.runs.contains_key(&id);
            if !pinned && (self.done.dry_run || self.tracking.tracker.collect_logged_model(&id, self.before).await?) {
                self.done.models.push(CollectedModel { model: id, name });
            }
        }
        Ok(())
    }

    /// Experiments follow when none of their runs is left.
    async fn collect_experiments(&mut self) -> Result<()> {
        let rows = self.tracking.tracker.rows_by_experiment().await?;
        for experiment in self.tracking.experiments().await? {
            let due = experiment.stage == Stage::Deleted
                && experiment.updated <= self.before
                && experiment.id != DEFAULT_EXPERIMENT
                && !self.pins.experiments.contains_key(&experiment.id);
            let going = self.done.runs.iter().filter(|run| run.experiment == experiment.id).count() as u64;
            let left: u64 = rows.iter().filter(|(id, ..)| *id == experiment.id).map(|(_, _, room)| room.runs).sum();
            let empty = if self.done.dry_run { left <= going } else { left == 0 };
            if !due || !empty {
                continue;
            }
            if !self.done.dry_run {
                let subject = format!("experiment/{}", experiment.id);
                let fact = pin::fact(self.app, self.context, "experiment.collected", subject, &json!({}), Vec::new())?;
                let tracker = &self.tracking.tracker;
                if !tracker.collect_experiment(experiment.id, self.before, vec![fact]).await? {
                    continue;
                }
            }
            self.done.experiments.push(CollectedExperiment { experiment: experiment.id, name: experiment.name });
        }
        Ok(())
    }

    async fn free_blobs(&mut self) -> Result<()> {
        self.context.tell(0.9, "removing blobs");
        let before = self.tracking.now().saturating_sub(STORING);
        let freed = self.tracking.tracker.free_blobs(&self.app.artifact_blobs(), before).await?;
        (self.done.blobs, self.done.freed) = (freed.blobs, freed.bytes);
        Ok(())
    }
}
