//! Runs: begun, changed, read by id.

use super::refusal::Refusal;
use super::writer::{Change, OPERATION, Tracker};
use super::{block, document};
use crate::append::{Append, append_in, check};
use crate::engine::{Row, Transaction, Value, lists};
use crate::error::{Error, database};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use remuda_model::fact::NewFact;
use remuda_model::run::tracked::{Document, Experiment, Stage, TrackedRun, TrackedStatus};

pub(super) const COLUMNS: &str = "tracked_run.number, tracked_run.id, tracked_run.experiment, tracked_run.name, \
    tracked_run.actor, tracked_run.status, tracked_run.started, tracked_run.ended, tracked_run.stage, \
    tracked_run.deleted, tracked_run.artifacts, tracked_run.native, tracked_run.document";

pub(super) const READ: &str = "read runs";

/// A row of [`COLUMNS`], its document still text.
pub(super) struct RawRun(TrackedRun, String);

pub(super) fn read(row: &Row) -> Result<RawRun, sqlx::Error> {
    let run = TrackedRun {
        number: row.integer(0)?,
        id: row.text(1)?,
        experiment: row.integer(2)?,
        name: row.text(3)?,
        actor: row.text(4)?,
        status: TrackedStatus::parse(&row.text(5)?).unwrap_or(TrackedStatus::Failed),
        started: row.integer(6)?,
        ended: row.optional_integer(7)?,
        stage: Stage::read(&row.text(8)?),
        deleted: row.optional_integer(9)?,
        artifacts: row.text(10)?,
        native: row.integer(11)? != 0,
        document: Document::default(),
    };
    Ok(RawRun(run, row.text(12)?))
}

impl RawRun {
    pub(super) fn finish(self) -> Result<TrackedRun, Error> {
        let RawRun(run, text) = self;
        Ok(TrackedRun { document: document::read(&text)?, ..run })
    }
}

/// A run to be begun.
#[derive(Clone, Debug)]
pub struct NewRun {
    /// Its id.
    pub id: String,
    /// The experiment.
    pub experiment: i64,
    /// Its name.
    pub name: String,
    /// Who runs it.
    pub actor: String,
    /// Where it stands.
    pub status: TrackedStatus,
    /// When it began.
    pub started: i64,
    /// When it ended, for one that is over.
    pub ended: Option<i64>,
    /// Where its artifacts lie; `None`: under its experiment's.
    pub artifacts: Option<String>,
    /// Whether remuda's own facts tell more.
    pub native: bool,
    /// What it has logged so far.
    pub document: Document,
    /// The facts that go with it.
    pub facts: Vec<NewFact>,
}

impl Change for NewRun {
    type Answer = TrackedRun;

    fn apply<'a>(
        &'a self,
        product: &'a str,
        transaction: &'a mut Transaction,
    ) -> BoxFuture<'a, Result<TrackedRun, Error>> {
        self.begin(product, transaction).boxed()
    }
}

impl NewRun {
    async fn begin(&self, product: &str, transaction: &mut Transaction) -> Result<TrackedRun, Error> {
        const INSERT: &str = "INSERT INTO tracked_run (product, id, experiment, name, actor, status, started, ended, \
            stage, deleted, artifacts, native, document)";
        let experiment = experiment_of(product, transaction, self.experiment).await?;
        if !stored_runs(product, transaction, &[&self.id]).await?.is_empty() {
            return Err(Error::Refused(Refusal::Taken { what: "a run", name: self.id.clone(), deleted: false }));
        }
        let artifacts = self
            .artifacts
            .clone()
            .unwrap_or_else(|| format!("{}/{}/artifacts", experiment.artifacts.trim_end_matches('/'), self.id));
        let text = document::write(&self.document);
        let values = [
            Value::Text(product),
            Value::Text(&self.id),
            Value::Integer(self.experiment),
            Value::Text(&self.name),
            Value::Text(&self.actor),
            Value::Text(self.status.as_str()),
            Value::Integer(self.started),
            Value::OptionalInteger(self.ended),
            Value::Text(Stage::Active.as_str()),
            Value::OptionalInteger(None),
            Value::Text(&artifacts),
            Value::Integer(i64::from(self.native)),
            Value::Text(&text),
        ];
        transaction.insert(INSERT, 13, &values, "").await.map_err(|source| database(OPERATION, source))?;
        let run = stored_run(product, transaction, &self.id).await?;
        let parameters: Vec<_> = self.document.parameters.clone().into_iter().collect();
        let tags: Vec<_> = self.document.tags.clone().into_iter().collect();
        put_keys(transaction, "tracked_parameter", run.number, &parameters).await?;
        put_keys(transaction, "tracked_tag", run.number, &tags).await?;
        put_metrics(transaction, run.number, &self.document).await?;
        append_facts(product, transaction, &self.facts).await?;
        Ok(run)
    }
}

/// How a run changes; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct RunChange {
    /// Its new name.
    pub name: Option<String>,
    /// Where it stands now.
    pub status: Option<TrackedStatus>,
    /// When it ended.
    pub ended: Option<i64>,
    /// Deleted at this time, or (`Some(None)`) restored.
    pub deleted: Option<Option<i64>>,
    /// Tags to set with it.
    pub tags: Vec<(String, String)>,
    /// The facts that go with it.
    pub facts: Vec<NewFact>,
}

struct Alter {
    run: String,
    change: RunChange,
}

impl Change for Alter {
    type Answer = TrackedRun;

    fn apply<'a>(
        &'a self,
        product: &'a str,
        transaction: &'a mut Transaction,
    ) -> BoxFuture<'a, Result<TrackedRun, Error>> {
        self.write(product, transaction).boxed()
    }
}

impl Alter {
    async fn write(&self, product: &str, transaction: &mut Transaction) -> Result<TrackedRun, Error> {
        const UPDATE: &str =
            "UPDATE tracked_run SET name = $1, status = $2, ended = $3, stage = $4, deleted = $5 WHERE number = $6";
        let change = &self.change;
        let mut run = stored_run(product, transaction, &self.run).await?;
        if change.deleted.is_none() && run.stage == Stage::Deleted {
            return Err(Error::Refused(super::log::deleted(&self.run)));
        }
        if let Some(name) = &change.name {
            run.name.clone_from(name);
        }
        run.status = change.status.unwrap_or(run.status);
        run.ended = change.ended.or(run.ended);
        if let Some(deleted) = change.deleted {
            run.stage = if deleted.is_some() { Stage::Deleted } else { Stage::Active };
            run.deleted = deleted;
        }
        let values = [
            Value::Text(&run.name),
            Value::Text(run.status.as_str()),
            Value::OptionalInteger(run.ended),
            Value::Text(run.stage.as_str()),
            Value::OptionalInteger(run.deleted),
            Value::Integer(run.number),
        ];
        transaction.execute(UPDATE, &values).await.map_err(|source| database(OPERATION, source))?;
        if !change.tags.is_empty() {
            run.document.tags.extend(change.tags.iter().cloned());
            put_keys(transaction, "tracked_tag", run.number, &change.tags).await?;
            write_document(transaction, run.number, &run.document).await?;
        }
        append_facts(product, transaction, &change.facts).await?;
        Ok(run)
    }
}

impl Tracker {
    /// Begins a run, with its facts.
    ///
    /// # Errors
    /// The experiment is missing or deleted, the id is taken, or the database failed.
    pub async fn begin_run(&self, run: NewRun) -> Result<TrackedRun, Error> {
        check(&self.product, &Append { facts: run.facts.clone(), ..Append::default() })?;
        self.change(run).await
    }

    /// Changes a run, with the facts that go with it.
    ///
    /// # Errors
    /// It is missing or deleted, or the database failed.
    pub async fn change_run(&self, run: &str, change: RunChange) -> Result<TrackedRun, Error> {
        check(&self.product, &Append { facts: change.facts.clone(), ..Append::default() })?;
        self.change(Alter { run: run.to_owned(), change }).await
    }

    /// A run with all that it has logged up to now, deleted ones too.
    ///
    /// # Errors
    /// The database failed.
    pub async fn run(&self, id: &str) -> Result<Option<TrackedRun>, Error> {
        let sql = format!("SELECT {COLUMNS} FROM tracked_run WHERE product = $1 AND id = $2");
        let values = [Value::Text(&self.product), Value::Text(id)];
        // The journal first: what is folded between the two reads is in the row, and taken over twice does no harm.
        let journal = self.journal_of(id).await?;
        let Some(raw) = self.ledger.pool.first(READ, sql, &values, read).await? else { return Ok(None) };
        let mut run = raw.finish()?;
        for points in journal {
            for point in block::decode(&points)? {
                run.document.take(&point);
            }
        }
        Ok(Some(run))
    }

    /// Those of these runs that exist, in the order asked for, without what lies in the journal yet.
    ///
    /// # Errors
    /// The database failed.
    pub async fn runs(&self, ids: &[&str]) -> Result<Vec<TrackedRun>, Error> {
        let mut found = std::collections::HashMap::new();
        let sql = format!(
            "SELECT {COLUMNS} FROM {} CROSS JOIN tracked_run WHERE tracked_run.id = asked.id AND product = $1",
            self.ledger.pool.asked()
        );
        for list in lists(ids) {
            let values = [Value::Text(&self.product), Value::Text(&list)];
            for raw in self.ledger.pool.list(READ, sql.clone(), &values, read).await? {
                let run = raw.finish()?;
                found.insert(run.id.clone(), run);
            }
        }
        Ok(ids.iter().filter_map(|id| found.remove(*id)).collect())
    }

    /// The journal's blocks of a run, oldest first.
    async fn journal_of(&self, id: &str) -> Result<Vec<Vec<u8>>, Error> {
        const JOURNAL: &str = "SELECT points FROM tracked_journal \
            WHERE run = (SELECT number FROM tracked_run WHERE product = $1 AND id = $2) ORDER BY sequence";
        let values = [Value::Text(&self.product), Value::Text(id)];
        self.ledger.pool.list(READ, JOURNAL, &values, |row| row.bytes(0)).await
    }
}

/// A run, read inside a transaction (without the journal).
pub(super) async fn stored_run(product: &str, transaction: &mut Transaction, id: &str) -> Result<TrackedRun, Error> {
    let failed = |source| database(OPERATION, source);
    let sql = format!("SELECT {COLUMNS} FROM tracked_run WHERE product = $1 AND id = $2");
    let rows = transaction.rows(sql, &[Value::Text(product), Value::Text(id)]).await.map_err(failed)?;
    match rows.first() {
        Some(row) => read(row).map_err(failed)?.finish(),
        None => Err(Error::Refused(Refusal::Missing { what: "run", name: id.to_owned() })),
    }
}

/// Id, number and stage of those of these runs that exist.
pub(super) async fn stored_runs(
    product: &str,
    transaction: &mut Transaction,
    ids: &[&str],
) -> Result<Vec<(String, i64, Stage)>, Error> {
    const ONE: &str = "SELECT id, number, stage FROM tracked_run WHERE product = $1 AND id = $2";
    let failed = |source| database(OPERATION, source);
    let mut found = Vec::with_capacity(ids.len());
    if let [id] = ids {
        for row in transaction.rows(ONE, &[Value::Text(product), Value::Text(id)]).await.map_err(failed)? {
            found.push((
                row.text(0).map_err(failed)?,
                row.integer(1).map_err(failed)?,
                Stage::read(&row.text(2).map_err(failed)?),
            ));
        }
        return Ok(found);
    }
    let asked = transaction.asked();
    let sql = format!(
        "SELECT tracked_run.id, number, stage FROM {asked} CROSS JOIN tracked_run WHERE product = $1 AND tracked_run.id = asked.id"
    );
    for list in lists(ids) {
        for row in transaction.rows(sql.clone(), &[Value::Text(product), Value::Text(&list)]).await.map_err(failed)? {
            found.push((
                row.text(0).map_err(failed)?,
                row.integer(1).map_err(failed)?,
                Stage::read(&row.text(2).map_err(failed)?),
            ));
        }
    }
    Ok(found)
}

async fn experiment_of(product: &str, transaction: &mut Transaction, id: i64) -> Result<Experiment, Error> {
    super::experiments::active(product, transaction, id).await
}

pub(super) async fn append_facts(product: &str, transaction: &mut Transaction, facts: &[NewFact]) -> Result<(), Error> {
    if facts.is_empty() {
        return Ok(());
    }
    append_in(transaction, product, &Append { facts: facts.to_vec(), ..Append::default() }).await.map(|_| ())
}

pub(super) async fn write_document(transaction: &mut Transaction, run: i64, document: &Document) -> Result<(), Error> {
    const UPDATE: &str = "UPDATE tracked_run SET document = $1 WHERE number = $2";
    let text = document::write(document);
    let written = transaction.execute(UPDATE, &[Value::Text(&text), Value::Integer(run)]).await;
    written.map(|_| ()).map_err(|source| database(OPERATION, source))
}

/// The first characters of a value: what the index holds.
pub(super) fn head(value: &str) -> &str {
    value.char_indices().nth(100).map_or(value, |(end, _)| &value[..end])
}

/// Writes parameters or tags into the table that filters read.
pub(super) async fn put_keys(
    transaction: &mut Transaction,
    table: &str,
    run: i64,
    pairs: &[(String, String)],
) -> Result<(), Error> {
    // The last value of a key that is named twice: one statement must not touch a row twice.
    let last: std::collections::BTreeMap<&str, &str> =
        pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let values: Vec<Value<'_>> = last
        .iter()
        .flat_map(|(key, value)| [Value::Integer(run), Value::Text(key), Value::Text(value), Value::Text(head(value))])
        .collect();
    let insert = format!("INSERT INTO {table} (run, key, value, head)");
    let tail = " ON CONFLICT (run, key) DO UPDATE SET value = excluded.value, head = excluded.head";
    transaction.insert(&insert, 4, &values, tail).await.map(|_| ()).map_err(|source| database(OPERATION, source))
}

/// Takes tags out of the table that filters read.
pub(super) async fn take_keys(
    transaction: &mut Transaction,
    table: &str,
    run: i64,
    keys: &[String],
) -> Result<(), Error> {
    let sql = format!("DELETE FROM {table} WHERE run = $1 AND key = $2");
    for key in keys {
        let done = transaction.execute(sql.clone(), &[Value::Integer(run), Value::Text(key)]).await;
        done.map_err(|source| database(OPERATION, source))?;
    }
    Ok(())
}

/// Writes the latest metrics into the table that filters read.
pub(super) async fn put_metrics(transaction: &mut Transaction, run: i64, document: &Document) -> Result<(), Error> {
    put_latest(transaction, document.metrics.iter().map(|(key, latest)| (run, key.as_str(), latest.value))).await
}

/// Writes these latest values; no run and key twice.
pub(super) async fn put_latest<'a>(
    transaction: &mut Transaction,
    latest: impl Iterator<Item = (i64, &'a str, Option<f64>)>,
) -> Result<(), Error> {
    let values: Vec<Value<'_>> = latest
        .flat_map(|(run, key, value)| [Value::Integer(run), Value::Text(key), Value::OptionalDouble(value)])
        .collect();
    let tail = " ON CONFLICT (run, key) DO UPDATE SET value = excluded.value";
    let written = transaction.insert("INSERT INTO tracked_metric (run, key, value)", 3, &values, tail).await;
    written.map(|_| ()).map_err(|source| database(OPERATION, source))
}
