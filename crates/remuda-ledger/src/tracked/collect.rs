//! Collecting: deleted runs and experiments go from all tables, for good. Their facts stay: ids, times and digests.
//!
//! Rows and paths of a run go in one transaction, which notes the blobs that no path holds afterwards; `loose.rs` removes
//! these. So a crash at any moment leaves nothing that is referred to missing, and nothing that nobody knows of.

use super::artifacts::{ranges, remove_under};
use super::runs::{append_facts, stored_run};
use super::writer::{Change, OPERATION, Tracker};
use crate::append::{Append, check};
use crate::engine::{Transaction, Value};
use crate::error::{Error, database};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use remuda_model::fact::NewFact;
use remuda_model::run::artifact::ArtifactPath;
use remuda_model::run::tracked::{DEFAULT_EXPERIMENT, Stage, TrackedRun};

/// Every table with rows of one run, by its number.
const RUN_TABLES: [&str; 6] =
    ["tracked_parameter", "tracked_tag", "tracked_metric", "tracked_input", "tracked_journal", "tracked_part"];

const READ: &str = "read what was deleted";

/// A deleted run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletedRun {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its experiment.
    pub experiment: i64,
    /// When it was deleted, milliseconds since 1970.
    pub deleted: i64,
    /// Where its artifacts lie.
    pub artifacts: String,
}

/// What an experiment, or what was deleted of it, takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// Runs.
    pub runs: u64,
    /// Points of metrics.
    pub points: u64,
    /// Files.
    pub files: u64,
    /// Bytes of these files; content that several hold counts each time.
    pub bytes: u64,
}

struct CollectRun {
    run: String,
    before: i64,
    facts: Vec<NewFact>,
}

impl Change for CollectRun {
    type Answer = bool;

    fn apply<'a>(&'a self, product: &'a str, transaction: &'a mut Transaction) -> BoxFuture<'a, Result<bool, Error>> {
        self.write(product, transaction).boxed()
    }
}

impl CollectRun {
    async fn write(&self, product: &str, transaction: &mut Transaction) -> Result<bool, Error> {
        let run = match stored_run(product, transaction, &self.run).await {
            // Somebody else collected it.
            Err(Error::Refused(_)) => return Ok(false),
            found => found?,
        };
        let due = run.stage == Stage::Deleted && run.deleted.is_some_and(|deleted| deleted <= self.before);
        if !due {
            return Ok(false);
        }
        let failed = |source| database(OPERATION, source);
        for table in RUN_TABLES {
            let sql = format!("DELETE FROM {table} WHERE run = $1");
            transaction.execute(sql, &[Value::Integer(run.number)]).await.map_err(failed)?;
        }
        const RUN: &str = "DELETE FROM tracked_run WHERE number = $1";
        transaction.execute(RUN, &[Value::Integer(run.number)]).await.map_err(failed)?;
        if let Some(folder) = own_folder(&run) {
            remove_under(product, transaction, &folder).await?;
        }
        append_facts(product, transaction, &self.facts).await?;
        Ok(true)
    }
}

/// The folder with this run's artifacts and no other's: one of the names on the way to it is the run's id. (Who imports runs may
/// give several one address.)
fn own_folder(run: &TrackedRun) -> Option<ArtifactPath> {
    run.artifact_folder().filter(|folder| folder.as_str().split('/').any(|name| name == run.id))
}

struct CollectExperiment {
    id: i64,
    before: i64,
    facts: Vec<NewFact>,
}

impl Change for CollectExperiment {
    type Answer = bool;

    fn apply<'a>(&'a self, product: &'a str, transaction: &'a mut Transaction) -> BoxFuture<'a, Result<bool, Error>> {
        async move {
            const DUE: &str = "SELECT artifacts FROM tracked_experiment \
                WHERE product = $1 AND id = $2 AND stage = 'deleted' AND updated <= $3 AND NOT EXISTS \
                (SELECT 1 FROM tracked_run WHERE tracked_run.product = $1 AND tracked_run.experiment = $2)";
            const GO: &str = "DELETE FROM tracked_experiment WHERE product = $1 AND id = $2";
            let failed = |source| database(OPERATION, source);
            if self.id == DEFAULT_EXPERIMENT {
                return Ok(false);
            }
            let own = [Value::Text(product), Value::Integer(self.id)];
            let values = [own[0], own[1], Value::Integer(self.before)];
            let rows = transaction.rows(DUE, &values).await.map_err(failed)?;
            let Some(row) = rows.first() else { return Ok(false) };
            let address = row.text(0).map_err(failed)?;
            remove_beside_runs(transaction, &own).await?;
            transaction.execute(GO, &own).await.map_err(failed)?;
            // What lies beside runs (traces, logged models), where the address is this experiment's own.
            let folder = ArtifactPath::of_address(&address).filter(|folder| folder.as_str() == self.id.to_string());
            if let Some(folder) = folder {
                remove_under(product, transaction, &folder).await?;
            }
            append_facts(product, transaction, &self.facts).await?;
            Ok(true)
        }
        .boxed()
    }
}

struct CollectModel {
    id: String,
    before: i64,
}

impl Change for CollectModel {
    type Answer = bool;

    fn apply<'a>(&'a self, product: &'a str, transaction: &'a mut Transaction) -> BoxFuture<'a, Result<bool, Error>> {
        async move {
            const DUE: &str = "SELECT number, artifacts FROM logged_model WHERE product = $1 AND id = $2 \
                AND stage = 'deleted' AND updated <= $3 \
                AND NOT EXISTS (SELECT 1 FROM registered_version WHERE logged = $2)";
            let failed = |source| database(OPERATION, source);
            let values = [Value::Text(product), Value::Text(&self.id), Value::Integer(self.before)];
            let rows = transaction.rows(DUE, &values).await.map_err(failed)?;
            let Some(row) = rows.first() else { return Ok(false) };
            let number = row.integer(0).map_err(failed)?;
            let address = row.text(1).map_err(failed)?;
            for table in ["logged_model_parameter", "logged_model_tag", "logged_model_metric"] {
                let sql = format!("DELETE FROM {table} WHERE model = $1");
                transaction.execute(sql, &[Value::Integer(number)]).await.map_err(failed)?;
            }
            const GO: &str = "DELETE FROM logged_model WHERE number = $1";
            transaction.execute(GO, &[Value::Integer(number)]).await.map_err(failed)?;
            let folder = ArtifactPath::of_address(&address);
            if let Some(folder) = folder.filter(|folder| folder.as_str().split('/').any(|name| name == self.id)) {
                remove_under(product, transaction, &folder).await?;
            }
            Ok(true)
        }
        .boxed()
    }
}

/// Removes the datasets, logged models and traces of an experiment: product and number are `$1` and `$2`.
async fn remove_beside_runs(transaction: &mut Transaction, own: &[Value<'_>]) -> Result<(), Error> {
    const OWNERS: [(&str, &str, &[&str]); 3] = [
        ("tracked_dataset", "dataset", &["tracked_input"]),
        ("logged_model", "model", &["logged_model_parameter", "logged_model_tag", "logged_model_metric"]),
        ("tracked_trace", "trace", &["tracked_trace_word", "tracked_span", "tracked_assessment"]),
    ];
    for (owner, key, tables) in OWNERS {
        let due = "product = $1 AND experiment = $2";
        let mut all: Vec<String> = tables
            .iter()
            .map(|table| format!("DELETE FROM {table} WHERE {key} IN (SELECT number FROM {owner} WHERE {due})"))
            .collect();
        all.push(format!("DELETE FROM {owner} WHERE {due}"));
        for sql in all {
            transaction.execute(sql, own).await.map_err(|source| database(OPERATION, source))?;
        }
    }
    Ok(())
}

/// A registered version and what it was made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionOrigin {
    /// The registered model and the number: `churn 3`.
    pub version: String,
    /// The run that it names.
    pub run: Option<String>,
    /// The run and the experiment of the logged model that it names.
    pub logged: (Option<String>, Option<i64>),
    /// Where its files lie.
    pub storage: String,
}

impl Tracker {
    /// The logged models that were deleted up to this time: id and name.
    ///
    /// # Errors
    /// The database failed.
    pub async fn deleted_logged_models(&self, before: i64) -> Result<Vec<(String, String)>, Error> {
        const DELETED: &str = "SELECT id, name FROM logged_model \
            WHERE product = $1 AND stage = 'deleted' AND updated <= $2 ORDER BY id";
        let values = [Value::Text(&self.product), Value::Integer(before)];
        self.ledger.pool.list(READ, DELETED, &values, |row| Ok((row.text(0)?, row.text(1)?))).await
    }

    /// Removes a logged model that was deleted up to this time and that no registered version names, with its files; answers
    /// whether it went.
    ///
    /// # Errors
    /// The database failed; then all of it is still there.
    pub async fn collect_logged_model(&self, id: &str, before: i64) -> Result<bool, Error> {
        self.change(CollectModel { id: id.to_owned(), before }).await
    }

    /// All registered versions with what they were made of: collecting that would take their files.
    ///
    /// # Errors
    /// The database failed.
    pub async fn version_origins(&self) -> Result<Vec<VersionOrigin>, Error> {
        const ORIGINS: &str = "SELECT model.name, version.version, version.run, logged.source_run, logged.experiment, \
            version.storage FROM registered_version AS version \
            JOIN registered_model AS model ON model.number = version.model \
            LEFT JOIN logged_model AS logged ON logged.product = model.product AND logged.id = version.logged \
            WHERE model.product = $1 ORDER BY model.name, version.version";
        let read = |row: &crate::engine::Row| {
            Ok(VersionOrigin {
                version: format!("{} {}", row.text(0)?, row.integer(1)?),
                run: row.optional_text(2)?,
                logged: (row.optional_text(3)?, row.optional_integer(4)?),
                storage: row.text(5)?,
            })
        };
        self.ledger.pool.list(READ, ORIGINS, &[Value::Text(&self.product)], read).await
    }

    /// The runs that were deleted up to this time (milliseconds since 1970), the oldest deletion first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn deleted_runs(&self, before: i64) -> Result<Vec<DeletedRun>, Error> {
        const DELETED: &str = "SELECT id, name, experiment, deleted, artifacts FROM tracked_run \
            WHERE product = $1 AND stage = 'deleted' AND deleted <= $2 ORDER BY deleted, id";
        let values = [Value::Text(&self.product), Value::Integer(before)];
        let read = |row: &crate::engine::Row| {
            Ok(DeletedRun {
                id: row.text(0)?,
                name: row.text(1)?,
                experiment: row.integer(2)?,
                deleted: row.integer(3)?,
                artifacts: row.text(4)?,
            })
        };
        self.ledger.pool.list(READ, DELETED, &values, read).await
    }

    /// The runs that begin with these letters, three at most: deleted ones too.
    ///
    /// # Errors
    /// The database failed.
    pub async fn runs_beginning(&self, prefix: &str) -> Result<Vec<String>, Error> {
        const BEGINNING: &str =
            "SELECT id FROM tracked_run WHERE product = $1 AND id >= $2 AND id < $3 ORDER BY id LIMIT 3";
        let end = crate::engine::after_prefix(prefix);
        let values = [Value::Text(&self.product), Value::Text(prefix), Value::Text(&end)];
        self.ledger.pool.list(READ, BEGINNING, &values, |row| row.text(0)).await
    }

    /// Removes a run that was deleted up to this time, with all that it logged and its artifacts; answers whether it went: one
    /// that was restored meanwhile stays.
    ///
    /// # Errors
    /// The database failed; then all of it is still there.
    pub async fn collect_run(&self, run: &str, before: i64, facts: Vec<NewFact>) -> Result<bool, Error> {
        check(&self.product, &Append { facts: facts.clone(), ..Append::default() })?;
        // What lies in the journal belongs to numbers that are never given again; folding it later finds no run.
        self.change(CollectRun { run: run.to_owned(), before, facts }).await
    }

    /// Removes an experiment that was deleted up to this time and has no runs left; answers whether it went. The one that always
    /// exists stays.
    ///
    /// # Errors
    /// The database failed; then all of it is still there.
    pub async fn collect_experiment(&self, id: i64, before: i64, facts: Vec<NewFact>) -> Result<bool, Error> {
        check(&self.product, &Append { facts: facts.clone(), ..Append::default() })?;
        self.change(CollectExperiment { id, before, facts }).await
    }

    /// Removes the descriptions of datasets that no run refers to any more.
    ///
    /// # Errors
    /// The database failed.
    pub async fn collect_datasets(&self) -> Result<u64, Error> {
        const UNUSED: &str = "DELETE FROM tracked_dataset WHERE product = $1 AND NOT EXISTS \
            (SELECT 1 FROM tracked_input WHERE tracked_input.dataset = tracked_dataset.number)";
        self.ledger.pool.execute(OPERATION, UNUSED, &[Value::Text(&self.product)]).await
    }

    /// Runs and points by experiment and stage.
    ///
    /// # Errors
    /// The database failed.
    pub async fn rows_by_experiment(&self) -> Result<Vec<(i64, Stage, Room)>, Error> {
        const ROWS: &str = "SELECT run.experiment, run.stage, COUNT(*), CAST(COALESCE(SUM(part.points), 0) AS BIGINT) \
            FROM tracked_run AS run LEFT JOIN \
            (SELECT run, SUM(count) AS points FROM tracked_part GROUP BY run) AS part ON part.run = run.number \
            WHERE run.product = $1 GROUP BY run.experiment, run.stage ORDER BY run.experiment, run.stage";
        self.fold().await?;
        let read = |row: &crate::engine::Row| {
            let room =
                Room { runs: row.integer(2)?.max(0) as u64, points: row.integer(3)?.max(0) as u64, ..Room::default() };
            Ok((row.integer(0)?, Stage::read(&row.text(1)?), room))
        };
        self.ledger.pool.list(READ, ROWS, &[Value::Text(&self.product)], read).await
    }

    /// Files under a folder and their bytes.
    ///
    /// # Errors
    /// The database failed.
    pub async fn room_of_artifacts(&self, folder: &ArtifactPath) -> Result<Room, Error> {
        const FILES: &str = "SELECT COUNT(*), CAST(COALESCE(SUM(bytes), 0) AS BIGINT) FROM artifact \
            WHERE product = $1 AND folder >= $2 AND folder < $3 AND digest <> ''";
        let mut room = Room::default();
        for (from, to) in ranges(folder.as_str()) {
            let to = if folder.is_top() { "\u{10ffff}".to_owned() } else { to };
            let values = [Value::Text(&self.product), Value::Text(&from), Value::Text(&to)];
            let found = self.ledger.pool.first(READ, FILES, &values, |row| Ok((row.integer(0)?, row.integer(1)?)));
            let (files, bytes) = found.await?.unwrap_or_default();
            room.files += files.max(0) as u64;
            room.bytes += bytes.max(0) as u64;
            if folder.is_top() {
                break;
            }
        }
        Ok(room)
    }
}
