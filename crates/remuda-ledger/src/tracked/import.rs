//! Runs that come from elsewhere: many at once, each whole, in one transaction. A run that comes again takes what is new.

use super::block;
use super::document;
use super::fold::{fold_run, push_parts, without, write_parts};
use super::inputs::put_inputs;
use super::refusal::Refusal;
use super::runs::{READ, append_facts, put_keys, put_latest, stored_run, stored_runs, write_document};
use super::writer::{Change, OPERATION, Tracker};
use crate::append::{Append, check};
use crate::engine::{Row, Transaction, Value, lists};
use crate::error::{Error, database};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use remuda_model::fact::NewFact;
use remuda_model::run::tracked::{Document, Input, Latest, ModelUse, Point, Stage, TrackedStatus};
use std::collections::{BTreeMap, HashMap};

/// The points of a run on their way in: parts of a metric are packed as soon as they are full, so that a long history
/// takes some ten bytes a point.
#[derive(Clone, Debug, Default)]
pub struct PackedPoints {
    metrics: BTreeMap<String, Packed>,
    /// Points in all.
    pub count: u64,
    exact: bool,
}

#[derive(Clone, Debug, Default)]
struct Packed {
    parts: Vec<Part>,
    open: Vec<Point>,
    latest: Option<Latest>,
}

/// A part: its number, its points, its steps, its bytes.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) part: i64,
    pub(super) count: i64,
    pub(super) steps: (i64, i64),
    pub(super) points: Vec<u8>,
}

impl PackedPoints {
    /// `exact`: the source names no point twice, so that nobody looks for repetitions.
    pub fn new(exact: bool) -> Self {
        Self { exact, ..Self::default() }
    }

    /// Takes a point. Points of one metric come in the order of its history.
    pub fn push(&mut self, point: Point) {
        let exact = self.exact;
        self.count += 1;
        let metric = match self.metrics.get_mut(&point.key) {
            Some(metric) => metric,
            None => self.metrics.entry(point.key.clone()).or_default(),
        };
        let latest = point.latest();
        if metric.latest.is_none_or(|known| latest.is_after(&known)) {
            metric.latest = Some(latest);
        }
        metric.open.push(point);
        if metric.open.len() == super::fold::PART {
            metric.pack(exact);
        }
    }

    /// Packs what is left, and gives the latest of each metric to the document.
    fn finish(&mut self, document: &mut Document) {
        for (key, metric) in &mut self.metrics {
            metric.pack(self.exact);
            if let Some(latest) = metric.latest {
                document.metrics.insert(key.clone(), latest);
            }
        }
    }
}

impl Packed {
    fn pack(&mut self, exact: bool) {
        let points = std::mem::take(&mut self.open);
        let points = if exact { points } else { without(&points, &[]) };
        let first = self.parts.len() as i64;
        push_parts(&points, first, &mut self.parts);
    }
}

/// A run that is not here yet.
#[derive(Clone, Debug)]
pub struct ImportedRun {
    /// Its id.
    pub id: String,
    /// The experiment, by its number here.
    pub experiment: i64,
    /// Its name.
    pub name: String,
    /// Who ran it.
    pub actor: String,
    /// Where it stands.
    pub status: TrackedStatus,
    /// When it began.
    pub started: i64,
    /// When it ended.
    pub ended: Option<i64>,
    /// Whether it was deleted.
    pub stage: Stage,
    /// When it was deleted.
    pub deleted: Option<i64>,
    /// Where its artifacts lie here.
    pub artifacts: String,
    /// What it logged, the metrics apart.
    pub document: Document,
    /// The datasets that it read.
    pub inputs: Vec<Input>,
    /// Its points.
    pub points: PackedPoints,
    /// How it stood at its source.
    pub state: String,
    /// Where its artifacts lay at its source.
    pub source: String,
}

/// A run that is here already, and what is new of it. What is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct RunNews {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// Where it stands, and when it ended.
    pub status: Option<(TrackedStatus, Option<i64>)>,
    /// Whether, and when, it was deleted.
    pub stage: Option<(Stage, Option<i64>)>,
    /// Parameters; those that are here keep their value.
    pub parameters: BTreeMap<String, String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Datasets that it read.
    pub inputs: Vec<Input>,
    /// Logged models that it read.
    pub model_inputs: Vec<ModelUse>,
    /// Logged models that it made.
    pub model_outputs: Vec<ModelUse>,
    /// Points that are not here yet.
    pub points: Vec<Point>,
    /// How it stands at its source now.
    pub state: String,
    /// Where its artifacts lie at its source.
    pub source: String,
}

/// What is imported in one transaction.
#[derive(Clone, Debug, Default)]
pub struct RunImport {
    /// Runs that were not here.
    pub new: Vec<ImportedRun>,
    /// Runs that were.
    pub changed: Vec<RunNews>,
    /// The facts that go with them.
    pub facts: Vec<NewFact>,
}

impl Change for RunImport {
    type Answer = ();

    fn apply<'a>(&'a self, product: &'a str, transaction: &'a mut Transaction) -> BoxFuture<'a, Result<(), Error>> {
        async move {
            let ids: Vec<&str> = self.new.iter().map(|run| run.id.as_str()).collect();
            if let Some((id, ..)) = stored_runs(product, transaction, &ids).await?.first() {
                return Err(Error::Refused(Refusal::Taken { what: "a run", name: id.clone(), deleted: false }));
            }
            write_new(product, transaction, &self.new).await?;
            for news in &self.changed {
                write_news(product, transaction, news).await?;
            }
            write_states(product, transaction, self).await?;
            append_facts(product, transaction, &self.facts).await
        }
        .boxed()
    }
}

async fn write_new(product: &str, transaction: &mut Transaction, runs: &[ImportedRun]) -> Result<(), Error> {
    const INSERT: &str = "INSERT INTO tracked_run (product, id, experiment, name, actor, status, started, ended, \
        stage, deleted, artifacts, native, document)";
    let failed = |source| database(OPERATION, source);
    let texts: Vec<String> = runs.iter().map(|run| document::write(&run.document)).collect();
    let mut values = Vec::with_capacity(runs.len() * 13);
    for (run, text) in runs.iter().zip(&texts) {
        values.extend([
            Value::Text(product),
            Value::Text(&run.id),
            Value::Integer(run.experiment),
            Value::Text(&run.name),
            Value::Text(&run.actor),
            Value::Text(run.status.as_str()),
            Value::Integer(run.started),
            Value::OptionalInteger(run.ended),
            Value::Text(run.stage.as_str()),
            Value::OptionalInteger(run.deleted),
            Value::Text(&run.artifacts),
            Value::Integer(0),
            Value::Text(text),
        ]);
    }
    transaction.insert(INSERT, 13, &values, "").await.map_err(failed)?;
    let ids: Vec<&str> = runs.iter().map(|run| run.id.as_str()).collect();
    let numbers: HashMap<String, i64> =
        stored_runs(product, transaction, &ids).await?.into_iter().map(|(id, number, _)| (id, number)).collect();
    let of = |run: &ImportedRun| numbers.get(&run.id).copied().unwrap_or_default();
    let mut parameters = Vec::new();
    let mut tags = Vec::new();
    let mut latest = Vec::new();
    let mut parts = Vec::new();
    for run in runs {
        let number = of(run);
        parameters.extend(run.document.parameters.iter().map(|(key, value)| (number, key.as_str(), value.as_str())));
        tags.extend(run.document.tags.iter().map(|(key, value)| (number, key.as_str(), value.as_str())));
        latest.extend(run.document.metrics.iter().map(|(key, one)| (number, key.as_str(), one.value)));
        for (key, metric) in &run.points.metrics {
            parts.extend(metric.parts.iter().map(|part| (number, key.as_str(), part)));
        }
        put_inputs(product, transaction, number, run.experiment, &run.inputs).await?;
    }
    put_pairs(transaction, "tracked_parameter", &parameters).await?;
    put_pairs(transaction, "tracked_tag", &tags).await?;
    put_latest(transaction, latest.into_iter()).await?;
    write_parts(transaction, &parts).await
}

async fn put_pairs(transaction: &mut Transaction, table: &str, pairs: &[(i64, &str, &str)]) -> Result<(), Error> {
    let values: Vec<Value<'_>> = pairs
        .iter()
        .flat_map(|(run, key, value)| {
            [Value::Integer(*run), Value::Text(key), Value::Text(value), Value::Text(super::runs::head(value))]
        })
        .collect();
    let insert = format!("INSERT INTO {table} (run, key, value, head)");
    transaction.insert(&insert, 4, &values, "").await.map(|_| ()).map_err(|source| database(OPERATION, source))
}

async fn write_news(product: &str, transaction: &mut Transaction, news: &RunNews) -> Result<(), Error> {
    const UPDATE: &str =
        "UPDATE tracked_run SET name = $1, status = $2, ended = $3, stage = $4, deleted = $5 WHERE number = $6";
    let mut run = stored_run(product, transaction, &news.id).await?;
    if let Some(name) = &news.name {
        run.name.clone_from(name);
    }
    (run.status, run.ended) = news.status.unwrap_or((run.status, run.ended));
    (run.stage, run.deleted) = news.stage.unwrap_or((run.stage, run.deleted));
    let values = [
        Value::Text(&run.name),
        Value::Text(run.status.as_str()),
        Value::OptionalInteger(run.ended),
        Value::Text(run.stage.as_str()),
        Value::OptionalInteger(run.deleted),
        Value::Integer(run.number),
    ];
    transaction.execute(UPDATE, &values).await.map_err(|source| database(OPERATION, source))?;
    let known = &run.document.parameters;
    let fresh: Vec<(String, String)> =
        news.parameters.clone().into_iter().filter(|(key, _)| !known.contains_key(key)).collect();
    let tags: Vec<(String, String)> = news.tags.clone().into_iter().collect();
    put_keys(transaction, "tracked_parameter", run.number, &fresh).await?;
    put_keys(transaction, "tracked_tag", run.number, &tags).await?;
    run.document.parameters.extend(fresh);
    run.document.tags.extend(tags);
    run.document.add_models(&news.model_inputs, &news.model_outputs);
    write_document(transaction, run.number, &run.document).await?;
    put_inputs(product, transaction, run.number, run.experiment, &news.inputs).await?;
    if news.points.is_empty() { Ok(()) } else { fold_run(transaction, run.number, news.points.clone()).await }
}

async fn write_states(product: &str, transaction: &mut Transaction, import: &RunImport) -> Result<(), Error> {
    const INSERT: &str = "INSERT INTO tracked_import (product, run, state, artifacts)";
    const TAIL: &str =
        " ON CONFLICT (product, run) DO UPDATE SET state = excluded.state, artifacts = excluded.artifacts";
    let new = import.new.iter().map(|run| (&run.id, &run.state, &run.source));
    let changed = import.changed.iter().map(|run| (&run.id, &run.state, &run.source));
    let values: Vec<Value<'_>> = new
        .chain(changed)
        .flat_map(|(id, state, source)| {
            [Value::Text(product), Value::Text(id), Value::Text(state), Value::Text(source)]
        })
        .collect();
    transaction.insert(INSERT, 4, &values, TAIL).await.map(|_| ()).map_err(|source| database(OPERATION, source))
}

impl Tracker {
    /// Imports runs, each whole; when this returns they are durable.
    ///
    /// # Errors
    /// A run that should be new is here, one that should be here is missing, or the database failed. Nothing was
    /// written then.
    pub async fn import(&self, mut import: RunImport) -> Result<(), Error> {
        check(&self.product, &Append { facts: import.facts.clone(), ..Append::default() })?;
        for run in &mut import.new {
            run.points.finish(&mut run.document);
        }
        self.change(import).await
    }

    /// Those of these runs that are here, each with how it stood at its source when it was last imported.
    ///
    /// # Errors
    /// The database failed.
    pub async fn import_states(&self, runs: &[&str]) -> Result<HashMap<String, Option<String>>, Error> {
        let sql = format!(
            "SELECT tracked_run.id, i.state FROM {} CROSS JOIN tracked_run \
             LEFT JOIN tracked_import AS i ON i.product = tracked_run.product AND i.run = tracked_run.id \
             WHERE tracked_run.product = $1 AND tracked_run.id = asked.id",
            self.ledger.pool.asked()
        );
        let mut found = HashMap::new();
        for list in lists(runs) {
            let values = [Value::Text(&self.product), Value::Text(&list)];
            let read = |row: &Row| Ok((row.text(0)?, row.optional_text(1)?));
            found.extend(self.ledger.pool.list(READ, sql.clone(), &values, read).await?);
        }
        Ok(found)
    }
}

/// A part's bytes.
pub(super) fn part_of(part: i64, points: &[Point]) -> Part {
    let steps =
        points.iter().fold((i64::MAX, i64::MIN), |(least, most), one| (least.min(one.step), most.max(one.step)));
    Part { part, count: points.len() as i64, steps, points: block::encode(points.iter()) }
}
