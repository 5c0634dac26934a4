//! Taking runs over: page by page, each run whole, several to a transaction, the next ones read while those are written.

use super::artifacts;
use super::source::{PointName, Source, name_of};
use super::{Import, ImportedExperiment, ImportedRuns};
use crate::app::App;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::pin;
use crate::run::lifecycle::{EndRecord, StartRecord};
use crate::run::tracked::{NAME_TAG, Tracking};
use remuda_ledger::{ImportedRun, RunImport, RunNews};
use remuda_model::fact::{Link, NewFact};
use remuda_model::run::Snapshot;
use remuda_model::run::foreign::{ForeignExperiment, ForeignRun, ImportState};
use remuda_model::run::tracked::{Document, Experiment, TrackedStatus};
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use tokio::task::JoinHandle;

/// Runs that are read at once.
const PAGE: usize = 100;
/// Points in one transaction, but for a run that has more.
const POINTS: u64 = 400_000;
/// Notes that are kept; more would be a log.
const NOTES: usize = 50;
/// The tag that keeps an experiment's id at its source.
const SOURCE_TAG: &str = "mlflow.imported_experiment_id";

/// An import under way.
struct Take<'a> {
    app: &'a App,
    context: &'a Context,
    source: &'a Source,
    tracking: Tracking,
    dry_run: bool,
    /// Where the server kept artifacts.
    artifacts: Option<PathBuf>,
    /// By their ids there.
    experiments: HashMap<String, Home>,
    batch: RunImport,
    points: u64,
    writing: Option<JoinHandle<Result<(), remuda_ledger::Error>>>,
    imported: ImportedRuns,
}

/// Where the artifacts of a run lie here.
fn artifacts_at(experiment: &Experiment, run: &str) -> String {
    format!("{}/{run}/artifacts", experiment.artifacts.trim_end_matches('/'))
}

/// Where the runs of an experiment go.
struct Home {
    /// Its place in the answer.
    place: usize,
    /// None before it is made, in a dry run.
    experiment: Option<Experiment>,
}

pub(super) async fn take(app: &App, context: &Context, source: &Source, request: &Import) -> Result<ImportedRuns> {
    let tracking = app.tracking(&context.product()?.name)?;
    let mut take = Take {
        app,
        context,
        source,
        tracking,
        dry_run: request.dry_run,
        artifacts: request.artifacts.as_ref().map(PathBuf::from),
        experiments: HashMap::new(),
        batch: RunImport::default(),
        points: 0,
        writing: None,
        imported: ImportedRuns {
            source: source.place(),
            revision: source.revision(),
            dry_run: request.dry_run,
            notes: source.notes(),
            ..ImportedRuns::default()
        },
    };
    take.experiments(&request.experiments).await?;
    let done = take.runs().await;
    // What was handed to the writer is waited for even where reading failed.
    let written = take.wait().await;
    done?;
    written?;
    Ok(take.imported)
}

impl Take<'_> {
    async fn experiments(&mut self, only: &[String]) -> Result<()> {
        let all = self.source.experiments().await?;
        for name in only {
            if !all.iter().any(|one| one.name == *name) {
                let error = Error::not_found("experiment", name);
                let near = remuda_model::text::nearest(name, all.iter().map(|one| one.name.as_str()));
                return Err(match near {
                    Some(near) => error.hint(format!("did you mean `{near}`?")),
                    None => error.hint("leave `--experiment` out to import all"),
                });
            }
        }
        if !self.dry_run {
            self.tracking.tracker.ensure_default(self.tracking.now()).await?;
        }
        for foreign in all.into_iter().filter(|one| only.is_empty() || only.contains(&one.name)) {
            self.adopt(foreign).await?;
        }
        Ok(())
    }

    async fn adopt(&mut self, foreign: ForeignExperiment) -> Result<()> {
        let tracker = &self.tracking.tracker;
        let known = tracker.experiment_named(&foreign.name).await?;
        let place = self.imported.experiments.len();
        let (id, name, is_known) = (foreign.id.clone(), foreign.name.clone(), known.is_some());
        let experiment = if self.dry_run {
            known
        } else {
            let tag = (SOURCE_TAG.to_owned(), id.clone());
            Some(tracker.import_experiment(foreign, tag).await?)
        };
        let number = experiment.as_ref().map(|one| one.id);
        self.imported.experiments.push(ImportedExperiment { name, experiment: number, known: is_known, runs: 0 });
        self.experiments.insert(id, Home { place, experiment });
        Ok(())
    }

    async fn runs(&mut self) -> Result<()> {
        let total = self.source.count_runs().await?.max(1);
        let mut seen = 0_u64;
        let mut after = String::new();
        loop {
            let page = self.source.page(&after, PAGE).await?;
            let Some(last) = page.last else { break };
            after = last;
            page.notes.into_iter().for_each(|note| self.note(note));
            let ids: Vec<&str> = page.runs.iter().map(|run| run.id.as_str()).collect();
            let states = self.tracking.tracker.import_states(&ids).await?;
            for run in page.runs {
                seen += 1;
                let Some(home) = self.experiments.get(&run.experiment) else { continue };
                self.imported.experiments[home.place].runs += 1;
                let address = home.experiment.as_ref().map(|one| artifacts_at(one, &run.id));
                self.bring(&run, address.as_deref()).await?;
                match states.get(&run.id) {
                    None => self.add(run).await?,
                    Some(state) => self.renew(run, state.as_deref()).await?,
                }
                if self.points >= POINTS || self.batch.new.len() + self.batch.changed.len() >= PAGE {
                    self.write().await?;
                }
                if seen.is_multiple_of(20) {
                    let what = format!("{seen} of {total} runs, {} points", self.imported.points);
                    self.context.tell(seen as f64 / total as f64, &what);
                }
            }
        }
        self.write().await
    }

    /// Copies the artifacts of a run: before the run itself, so that a run that is here has them all.
    async fn bring(&mut self, run: &ForeignRun, address: Option<&str>) -> Result<()> {
        let folder = match artifacts::folder_of(self.source, run, self.artifacts.as_deref()) {
            Ok(folder) => folder,
            Err(why) => {
                if !self.imported.notes.contains(&why) {
                    self.note(why);
                }
                return Ok(());
            }
        };
        // In a dry run the experiment may not be here yet, and then nothing of it is.
        let nowhere = format!("mlflow-artifacts:/new/{}/artifacts", run.id);
        let address = address.unwrap_or(&nowhere);
        let copied = artifacts::bring(&self.tracking, &folder, address, self.dry_run).await?;
        self.imported.artifacts += copied.files;
        self.imported.artifact_bytes += copied.bytes;
        copied.notes.into_iter().for_each(|note| self.note(note));
        Ok(())
    }

    /// A run that is not here.
    async fn add(&mut self, run: ForeignRun) -> Result<()> {
        self.imported.new_runs += 1;
        if self.dry_run {
            self.imported.points += match self.source {
                Source::Database(_) => run.sizes.values().sum::<u64>(),
                Source::Folder(..) => self.source.points(&run.id).await?.0.count,
            };
            return Ok(());
        }
        let home = self.experiments.get(&run.experiment).and_then(|home| home.experiment.as_ref());
        let Some((experiment, artifacts)) = home.map(|home| (home.id, artifacts_at(home, &run.id))) else {
            return Ok(());
        };
        let (points, odd) = self.source.points(&run.id).await?;
        if odd > 0 {
            self.note(format!("{odd} lines of metrics of run {} are none and were left out", run.id));
        }
        self.points += points.count;
        self.imported.points += points.count;
        let facts = self.facts_of(&run)?;
        self.batch.facts.extend(facts);
        let state = serde_json::to_string(&run.state())?;
        let mut tags = run.tags;
        if !run.name.is_empty() {
            tags.insert(NAME_TAG.to_owned(), run.name.clone());
        }
        let document = Document {
            parameters: run.parameters,
            tags,
            model_inputs: run.model_inputs,
            model_outputs: run.model_outputs,
            ..Document::default()
        };
        self.batch.new.push(ImportedRun {
            artifacts,
            id: run.id,
            experiment,
            name: run.name,
            actor: run.actor,
            status: run.status,
            started: run.started,
            ended: run.ended,
            stage: run.stage,
            deleted: run.deleted,
            document,
            inputs: run.inputs,
            points,
            state,
            source: run.artifacts,
        });
        Ok(())
    }

    /// The facts of a run's beginning and, where it is over, of its end.
    fn facts_of(&self, run: &ForeignRun) -> Result<Vec<NewFact>> {
        let start = StartRecord {
            command: String::new(),
            snapshot: Snapshot::default(),
            note: run.name.clone(),
            tracked: true,
        };
        let made = vec![Link::makes("run", run.id.as_str())];
        let mut facts = vec![pin::fact(self.app, self.context, "run.started", run.id.as_str(), &start, made)?];
        facts.extend(self.end_of(run)?);
        Ok(facts)
    }

    fn end_of(&self, run: &ForeignRun) -> Result<Option<NewFact>> {
        if !run.status.is_over() {
            return Ok(None);
        }
        let note = if run.status == TrackedStatus::Killed { "killed" } else { "" };
        let end = EndRecord { exit_code: None, note: note.to_owned() };
        let verb = if run.status == TrackedStatus::Finished { "run.finished" } else { "run.failed" };
        let links = vec![Link::uses("run", run.id.as_str())];
        pin::fact(self.app, self.context, verb, run.id.as_str(), &end, links).map(Some)
    }

    /// A run that is here: what changed there since it was imported comes; what was changed here stays.
    async fn renew(&mut self, run: ForeignRun, state: Option<&str>) -> Result<()> {
        let before: ImportState = state.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let now = run.state();
        if now == before {
            self.imported.same_runs += 1;
            return Ok(());
        }
        self.imported.changed_runs += 1;
        let mut points = Vec::new();
        for (key, size) in &run.sizes {
            if before.sizes.get(key) == Some(size) {
                continue;
            }
            let mut known: HashSet<PointName> = HashSet::new();
            let remember = |points: Vec<_>| {
                known.extend(points.iter().map(name_of));
                true
            };
            self.tracking.tracker.walk_history(&run.id, key, remember).await?;
            points.extend(self.source.new_points(&run.id, key, known).await?);
        }
        self.points += points.len() as u64;
        self.imported.points += points.len() as u64;
        if self.dry_run {
            return Ok(());
        }
        // A run that never came in by an import keeps name, status and stage of its own.
        let was_imported = before.status.is_some();
        let ended_now = was_imported && before.status != Some(run.status);
        if ended_now {
            let fact = self.end_of(&run)?;
            self.batch.facts.extend(fact);
        }
        let logged = now.logged != before.logged;
        let mut tags = if logged { run.tags } else { Default::default() };
        let renamed = was_imported && now.name != before.name;
        if renamed {
            tags.insert(NAME_TAG.to_owned(), run.name.clone());
        }
        self.batch.changed.push(RunNews {
            id: run.id,
            name: renamed.then_some(run.name),
            status: (ended_now || (was_imported && now.ended != before.ended)).then_some((run.status, run.ended)),
            stage: (was_imported && now.stage != before.stage).then_some((run.stage, run.deleted)),
            parameters: if logged { run.parameters } else { Default::default() },
            tags,
            inputs: if logged { run.inputs } else { Vec::new() },
            model_inputs: run.model_inputs,
            model_outputs: run.model_outputs,
            points,
            state: serde_json::to_string(&now)?,
            source: run.artifacts,
        });
        Ok(())
    }

    /// Hands what was gathered to the writer, when it is done with what it got before.
    async fn write(&mut self) -> Result<()> {
        self.wait().await?;
        let batch = std::mem::take(&mut self.batch);
        self.points = 0;
        if batch.new.is_empty() && batch.changed.is_empty() {
            return Ok(());
        }
        let tracker = self.tracking.tracker.clone();
        self.writing = Some(tokio::spawn(async move { tracker.import(batch).await }));
        Ok(())
    }

    async fn wait(&mut self) -> Result<()> {
        let Some(writing) = self.writing.take() else { return Ok(()) };
        match writing.await {
            Ok(written) => Ok(written?),
            Err(error) => Err(Error::new("internal", "the writing of runs ended early").caused_by(&error)),
        }
    }

    fn note(&mut self, note: String) {
        match self.imported.notes.len() {
            length if length < NOTES => self.imported.notes.push(note),
            NOTES => self.imported.notes.push("there were more such notes, which are left out".to_owned()),
            _ => {}
        }
    }
}
