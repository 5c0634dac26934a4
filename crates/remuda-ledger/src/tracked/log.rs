//! Logging: points, parameters and tags of a run, all or nothing.

use super::block;
use super::refusal::Refusal;
use super::runs::{put_keys, stored_run, stored_runs, take_keys, write_document};
use super::writer::{Change, OPERATION, Tracker};
use crate::engine::{Transaction, Value};
use crate::error::{Error, database};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use remuda_model::model::logged::ModelPoint;
use remuda_model::run::tracked::{Document, Point, Stage};

/// What is logged at once: all of it or nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// Points of metrics.
    pub points: Vec<Point>,
    /// Those of them that are points of a logged model too.
    pub models: Vec<ModelPoint>,
    /// Parameters. One that is there already must have the same value.
    pub parameters: Vec<(String, String)>,
    /// Tags. One that is there already gets the new value.
    pub tags: Vec<(String, String)>,
    /// Tags that go.
    pub removed_tags: Vec<String>,
    /// The run's name, when a tag says it too.
    pub name: Option<String>,
}

/// Points of one run, ready for the journal.
#[derive(Debug)]
pub(super) struct Points {
    pub(super) run: String,
    block: Vec<u8>,
}

struct LogPoints(Points);

impl Change for LogPoints {
    type Answer = ();

    fn apply<'a>(&'a self, product: &'a str, transaction: &'a mut Transaction) -> BoxFuture<'a, Result<(), Error>> {
        async move {
            let written = write_points(product, transaction, &[&self.0]).await?;
            written.into_iter().collect::<Result<(), Refusal>>().map_err(Error::Refused)
        }
        .boxed()
    }

    fn points(&self) -> Option<&Points> {
        Some(&self.0)
    }

    fn written(&self) -> Option<()> {
        Some(())
    }
}

struct Log {
    run: String,
    batch: Batch,
}

impl Change for Log {
    type Answer = ();

    fn apply<'a>(&'a self, product: &'a str, transaction: &'a mut Transaction) -> BoxFuture<'a, Result<(), Error>> {
        self.write(product, transaction).boxed()
    }
}

impl Tracker {
    /// Logs a batch; when this returns it is durable.
    ///
    /// # Errors
    /// [`Error::Refused`]: no such run, the run was deleted, or a parameter differs; else the database failed. Nothing
    /// was written then.
    pub async fn log(&self, run: &str, batch: Batch) -> Result<(), Error> {
        let only_points = batch.parameters.is_empty()
            && batch.tags.is_empty()
            && batch.removed_tags.is_empty()
            && batch.models.is_empty()
            && batch.name.is_none();
        if only_points && !batch.points.is_empty() {
            let block = block::encode(batch.points.iter());
            return self.change(LogPoints(Points { run: run.to_owned(), block })).await;
        }
        self.change(Log { run: run.to_owned(), batch }).await
    }
}

/// Writes the points of several runs to the journal; each answer says whether its run takes any.
pub(super) async fn write_points(
    product: &str,
    transaction: &mut Transaction,
    all: &[&Points],
) -> Result<Vec<Result<(), Refusal>>, Error> {
    const JOURNAL: &str = "INSERT INTO tracked_journal (product, run, points)";
    let mut ids: Vec<&str> = all.iter().map(|points| points.run.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    let known = stored_runs(product, transaction, &ids).await?;
    let mut values = Vec::with_capacity(all.len() * 3);
    let mut answers = Vec::with_capacity(all.len());
    for points in all {
        let found = known.iter().find(|(id, ..)| *id == points.run);
        answers.push(match found {
            None => Err(Refusal::Missing { what: "run", name: points.run.clone() }),
            Some((_, _, Stage::Deleted)) => Err(deleted(&points.run)),
            Some((_, number, Stage::Active)) => {
                values.extend([Value::Text(product), Value::Integer(*number), Value::Bytes(&points.block)]);
                Ok(())
            }
        });
    }
    transaction.insert(JOURNAL, 3, &values, "").await.map_err(|source| database(OPERATION, source))?;
    Ok(answers)
}

/// A deleted run takes nothing.
pub(super) fn deleted(run: &str) -> Refusal {
    Refusal::Stage { what: "run", name: run.to_owned(), wanted: "active", found: "deleted" }
}

impl Log {
    async fn write(&self, product: &str, transaction: &mut Transaction) -> Result<(), Error> {
        let batch = &self.batch;
        let run = stored_run(product, transaction, &self.run).await?;
        if run.stage == Stage::Deleted {
            return Err(Error::Refused(deleted(&self.run)));
        }
        super::models::need_logged(product, transaction, &batch.models).await?;
        let mut document = run.document;
        self.add_parameters(&mut document)?;
        for (key, value) in &batch.tags {
            document.tags.insert(key.clone(), value.clone());
        }
        for key in &batch.removed_tags {
            if document.tags.remove(key).is_none() {
                return Err(Error::Refused(Refusal::Missing { what: "tag", name: key.clone() }));
            }
        }
        put_keys(transaction, "tracked_parameter", run.number, &batch.parameters).await?;
        put_keys(transaction, "tracked_tag", run.number, &batch.tags).await?;
        take_keys(transaction, "tracked_tag", run.number, &batch.removed_tags).await?;
        write_document(transaction, run.number, &document).await?;
        if let Some(name) = &batch.name {
            const NAME: &str = "UPDATE tracked_run SET name = $1 WHERE number = $2";
            let named = transaction.execute(NAME, &[Value::Text(name), Value::Integer(run.number)]).await;
            named.map_err(|source| database(OPERATION, source))?;
        }
        if !batch.points.is_empty() {
            let points = Points { run: self.run.clone(), block: block::encode(batch.points.iter()) };
            write_points(product, transaction, &[&points]).await?;
        }
        super::models::put_points(product, transaction, &batch.models).await
    }

    /// Adds the parameters, none of which may change.
    fn add_parameters(&self, document: &mut Document) -> Result<(), Error> {
        for (key, asked) in &self.batch.parameters {
            match document.parameters.get(key) {
                Some(known) if known != asked => {
                    return Err(Error::Refused(Refusal::ParameterDiffers {
                        run: self.run.clone(),
                        key: key.clone(),
                        known: known.clone(),
                        asked: asked.clone(),
                    }));
                }
                Some(_) => {}
                None => {
                    document.parameters.insert(key.clone(), asked.clone());
                }
            }
        }
        Ok(())
    }
}
