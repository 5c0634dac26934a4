//! Experiments: made, changed, found. A name stays taken until its experiment is collected.

use super::refusal::Refusal;
use super::writer::{Change, OPERATION, Tracker};
use crate::engine::{Row, Transaction, Value};
use crate::error::{Error, database};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use remuda_model::run::tracked::{DEFAULT_EXPERIMENT, Experiment, Stage};
use std::collections::BTreeMap;

const COLUMNS: &str = "SELECT id, name, artifacts, stage, created, updated, tags FROM tracked_experiment";

fn read(row: &Row) -> Result<Experiment, sqlx::Error> {
    Ok(Experiment {
        id: row.integer(0)?,
        name: row.text(1)?,
        artifacts: row.text(2)?,
        stage: Stage::read(&row.text(3)?),
        created: row.integer(4)?,
        updated: row.integer(5)?,
        tags: serde_json::from_str(&row.text(6)?).unwrap_or_default(),
    })
}

/// An experiment to be made.
struct Create {
    name: String,
    artifacts: Option<String>,
    now: i64,
    tags: BTreeMap<String, String>,
    /// The number that it must have; a taken one is no error.
    number: Option<i64>,
}

impl Change for Create {
    type Answer = i64;

    fn apply<'a>(&'a self, product: &'a str, transaction: &'a mut Transaction) -> BoxFuture<'a, Result<i64, Error>> {
        async move {
            if let Some(known) = by_name(product, transaction, &self.name).await? {
                if self.number == Some(known.id) {
                    return Ok(known.id);
                }
                return Err(taken(&known));
            }
            let failed = |source| database(OPERATION, source);
            let id = match self.number {
                Some(number) => number,
                None => next_number(product, transaction).await?,
            };
            let artifacts = self.artifacts.clone().unwrap_or_else(|| format!("mlflow-artifacts:/{id}"));
            let tags = serde_json::to_string(&self.tags).unwrap_or_default();
            let values = [
                Value::Text(product),
                Value::Integer(id),
                Value::Text(&self.name),
                Value::Text(&artifacts),
                Value::Text(Stage::Active.as_str()),
                Value::Integer(self.now),
                Value::Integer(self.now),
                Value::Text(&tags),
            ];
            const INSERT: &str =
                "INSERT INTO tracked_experiment (product, id, name, artifacts, stage, created, updated, tags)";
            transaction.insert(INSERT, 8, &values, "").await.map_err(failed)?;
            Ok(id)
        }
        .boxed()
    }
}

fn taken(known: &Experiment) -> Error {
    let deleted = known.stage == Stage::Deleted;
    Error::Refused(Refusal::Taken { what: "an experiment", name: known.name.clone(), deleted })
}

/// The number of the next experiment.
pub(super) async fn next_number(product: &str, transaction: &mut Transaction) -> Result<i64, Error> {
    const NEXT: &str = "SELECT COALESCE(MAX(id), 0) + 1 FROM tracked_experiment WHERE product = $1";
    let failed = |source| database(OPERATION, source);
    let rows = transaction.rows(NEXT, &[Value::Text(product)]).await.map_err(failed)?;
    rows.first().map_or(Ok(1), |row| row.integer(0)).map_err(failed)
}

pub(super) async fn by_name(
    product: &str,
    transaction: &mut Transaction,
    name: &str,
) -> Result<Option<Experiment>, Error> {
    let sql = format!("{COLUMNS} WHERE product = $1 AND name = $2");
    one(transaction, sql, &[Value::Text(product), Value::Text(name)]).await
}

async fn one(transaction: &mut Transaction, sql: String, values: &[Value<'_>]) -> Result<Option<Experiment>, Error> {
    let rows = transaction.rows(sql, values).await.map_err(|source| database(OPERATION, source))?;
    rows.first().map(read).transpose().map_err(|source| database(OPERATION, source))
}

/// The experiment, which must be there and active.
pub(super) async fn active(product: &str, transaction: &mut Transaction, id: i64) -> Result<Experiment, Error> {
    let sql = format!("{COLUMNS} WHERE product = $1 AND id = $2");
    match one(transaction, sql, &[Value::Text(product), Value::Integer(id)]).await? {
        None => Err(Error::Refused(Refusal::Missing { what: "experiment", name: id.to_string() })),
        Some(experiment) if experiment.stage == Stage::Deleted => {
            Err(wrong_stage(&id.to_string(), "active", experiment.stage))
        }
        Some(experiment) => Ok(experiment),
    }
}

/// How an experiment changes.
pub(super) enum Alter {
    Rename(String),
    SetTag(String, String),
    RemoveTag(String),
    Stage(Stage),
}

struct Update {
    id: i64,
    alter: Alter,
    now: i64,
}

impl Change for Update {
    type Answer = ();

    fn apply<'a>(&'a self, product: &'a str, transaction: &'a mut Transaction) -> BoxFuture<'a, Result<(), Error>> {
        async move {
            let name = || self.id.to_string();
            let sql = format!("{COLUMNS} WHERE product = $1 AND id = $2");
            let found = one(transaction, sql, &[Value::Text(product), Value::Integer(self.id)]).await?;
            let mut experiment =
                found.ok_or_else(|| Error::Refused(Refusal::Missing { what: "experiment", name: name() }))?;
            let active = experiment.stage == Stage::Active;
            match &self.alter {
                Alter::Stage(stage) => {
                    if *stage == experiment.stage {
                        let wanted = if active { "deleted" } else { "active" };
                        return Err(wrong_stage(&name(), wanted, experiment.stage));
                    }
                    experiment.stage = *stage;
                    runs_follow(product, transaction, self.id, *stage, self.now).await?;
                }
                _ if !active => return Err(wrong_stage(&name(), "active", experiment.stage)),
                Alter::Rename(new) => {
                    if let Some(known) = by_name(product, transaction, new).await?.filter(|known| known.id != self.id) {
                        return Err(taken(&known));
                    }
                    experiment.name.clone_from(new);
                }
                Alter::SetTag(key, value) => {
                    experiment.tags.insert(key.clone(), value.clone());
                }
                Alter::RemoveTag(key) => {
                    if experiment.tags.remove(key).is_none() {
                        return Err(Error::Refused(Refusal::Missing { what: "tag", name: key.clone() }));
                    }
                }
            }
            store(product, transaction, &experiment, self.now).await
        }
        .boxed()
    }
}

fn wrong_stage(name: &str, wanted: &'static str, found: Stage) -> Error {
    Error::Refused(Refusal::Stage { what: "experiment", name: name.to_owned(), wanted, found: found.as_str() })
}

pub(super) async fn store(
    product: &str,
    transaction: &mut Transaction,
    experiment: &Experiment,
    now: i64,
) -> Result<(), Error> {
    const UPDATE: &str =
        "UPDATE tracked_experiment SET name = $1, stage = $2, updated = $3, tags = $4 WHERE product = $5 AND id = $6";
    let tags = serde_json::to_string(&experiment.tags).unwrap_or_default();
    let values = [
        Value::Text(&experiment.name),
        Value::Text(experiment.stage.as_str()),
        Value::Integer(now),
        Value::Text(&tags),
        Value::Text(product),
        Value::Integer(experiment.id),
    ];
    transaction.execute(UPDATE, &values).await.map(|_| ()).map_err(|source| database(OPERATION, source))
}

/// The runs of an experiment are deleted and restored with it.
async fn runs_follow(
    product: &str,
    transaction: &mut Transaction,
    experiment: i64,
    stage: Stage,
    now: i64,
) -> Result<(), Error> {
    const FOLLOW: &str =
        "UPDATE tracked_run SET stage = $1, deleted = $2 WHERE product = $3 AND experiment = $4 AND stage <> $1";
    let deleted = (stage == Stage::Deleted).then_some(now);
    let values = [
        Value::Text(stage.as_str()),
        Value::OptionalInteger(deleted),
        Value::Text(product),
        Value::Integer(experiment),
    ];
    transaction.execute(FOLLOW, &values).await.map(|_| ()).map_err(|source| database(OPERATION, source))
}

impl Tracker {
    /// Makes an experiment and gives its number. `artifacts` is where its runs' artifacts lie; without it, the server's store.
    ///
    /// # Errors
    /// The name is taken ([`Refusal::Taken`]), or the database failed.
    pub async fn create_experiment(
        &self,
        name: &str,
        artifacts: Option<&str>,
        tags: BTreeMap<String, String>,
        now: i64,
    ) -> Result<i64, Error> {
        let create = Create { name: name.to_owned(), artifacts: artifacts.map(str::to_owned), now, tags, number: None };
        self.change(create).await
    }

    /// Makes the experiment that always exists, if it is not there yet.
    ///
    /// # Errors
    /// The database failed.
    pub async fn ensure_default(&self, now: i64) -> Result<(), Error> {
        if self.ledger.is_read_only() || self.experiment(DEFAULT_EXPERIMENT).await?.is_some() {
            return Ok(());
        }
        let create = Create {
            name: "Default".to_owned(),
            artifacts: None,
            now,
            tags: BTreeMap::new(),
            number: Some(DEFAULT_EXPERIMENT),
        };
        self.plain().change(create).await.map(|_| ())
    }

    /// Makes an experiment with this number, or leaves the one that has number and name.
    ///
    /// # Errors
    /// Number or name are another's ([`Refusal::Taken`]), or the database failed.
    pub async fn adopt_experiment(&self, experiment: &Experiment) -> Result<(), Error> {
        if let Some(known) = self.experiment(experiment.id).await?
            && known.name != experiment.name
        {
            return Err(taken(&known));
        }
        let create = Create {
            name: experiment.name.clone(),
            artifacts: Some(experiment.artifacts.clone()),
            now: experiment.created,
            tags: experiment.tags.clone(),
            number: Some(experiment.id),
        };
        self.change(create).await.map(|_| ())
    }

    /// Renames an experiment.
    ///
    /// # Errors
    /// It is missing or deleted, the name is taken, or the database failed.
    pub async fn rename_experiment(&self, id: i64, name: &str, now: i64) -> Result<(), Error> {
        self.change(Update { id, alter: Alter::Rename(name.to_owned()), now }).await
    }

    /// Gives an experiment a tag.
    ///
    /// # Errors
    /// It is missing or deleted, or the database failed.
    pub async fn tag_experiment(&self, id: i64, key: &str, value: &str, now: i64) -> Result<(), Error> {
        self.change(Update { id, alter: Alter::SetTag(key.to_owned(), value.to_owned()), now }).await
    }

    /// Takes a tag from an experiment.
    ///
    /// # Errors
    /// The experiment or the tag is missing, or the database failed.
    pub async fn untag_experiment(&self, id: i64, key: &str, now: i64) -> Result<(), Error> {
        self.change(Update { id, alter: Alter::RemoveTag(key.to_owned()), now }).await
    }

    /// Deletes an experiment with its runs, or restores both.
    ///
    /// # Errors
    /// It is missing, or in that stage already, or the database failed.
    pub async fn move_experiment(&self, id: i64, stage: Stage, now: i64) -> Result<(), Error> {
        self.change(Update { id, alter: Alter::Stage(stage), now }).await
    }

    /// An experiment.
    ///
    /// # Errors
    /// The database failed.
    pub async fn experiment(&self, id: i64) -> Result<Option<Experiment>, Error> {
        let sql = format!("{COLUMNS} WHERE product = $1 AND id = $2");
        self.ledger.pool.first(READ, sql, &[Value::Text(&self.product), Value::Integer(id)], read).await
    }

    /// The experiment of that name, deleted ones too.
    ///
    /// # Errors
    /// The database failed.
    pub async fn experiment_named(&self, name: &str) -> Result<Option<Experiment>, Error> {
        let sql = format!("{COLUMNS} WHERE product = $1 AND name = $2");
        self.ledger.pool.first(READ, sql, &[Value::Text(&self.product), Value::Text(name)], read).await
    }

    /// All experiments, by number.
    ///
    /// # Errors
    /// The database failed.
    pub async fn experiments(&self) -> Result<Vec<Experiment>, Error> {
        let sql = format!("{COLUMNS} WHERE product = $1 ORDER BY id");
        self.ledger.pool.list(READ, sql, &[Value::Text(&self.product)], read).await
    }
}

const READ: &str = "read experiments";
