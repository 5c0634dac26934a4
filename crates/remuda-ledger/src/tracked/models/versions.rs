//! Versions of registered models: made, changed, deleted, read. A number is never given twice.

use super::super::refusal::Refusal;
use super::super::runs::append_facts;
use super::super::writer::{Change, OPERATION, Tracker};
use super::registered::{self, READ, Stored};
use super::{json, put_pairs, take_pair};
use crate::append::{Append, check};
use crate::engine::{Row, Transaction, Value, lists};
use crate::error::{Error, database};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use remuda_model::fact::NewFact;
use remuda_model::model::registered::{RegisteredVersion, VersionStage};
use std::collections::{BTreeMap, HashMap};

const COLUMNS: &str = "r.number, r.model, m.name, r.version, r.created, r.updated, r.description, r.actor, r.stage, \
    r.source, r.storage, r.run, r.run_link, r.logged, r.tags";
const FROM: &str = "registered_version AS r CROSS JOIN registered_model AS m";
pub(super) const VERSION_TAGS: (&str, &str) = ("registered_version_tag", "version");
/// The tag of a logged model that lists its versions.
const VERSIONS_TAG: &str = "mlflow.modelVersions";

/// A version with the numbers of its row and its model's.
pub(super) struct StoredVersion {
    number: i64,
    model: i64,
    told: RegisteredVersion,
}

fn read(row: &Row) -> Result<StoredVersion, sqlx::Error> {
    let told = RegisteredVersion {
        model: row.text(2)?,
        version: row.integer(3)?,
        created: row.integer(4)?,
        updated: row.integer(5)?,
        description: row.optional_text(6)?,
        actor: row.text(7)?,
        stage: VersionStage::parse(&row.text(8)?).unwrap_or_default(),
        source: row.text(9)?,
        storage: row.text(10)?,
        run: row.optional_text(11)?,
        run_link: row.optional_text(12)?,
        logged: row.optional_text(13)?,
        tags: serde_json::from_str(&row.text(14)?).unwrap_or_default(),
        aliases: Vec::new(),
    };
    Ok(StoredVersion { number: row.integer(0)?, model: row.integer(1)?, told })
}

/// The facts of a version whose number is known only when it is written.
pub type FactsOf = Box<dyn Fn(i64) -> Vec<NewFact> + Send + Sync>;

/// A version to be registered.
pub struct NewVersion {
    /// The registered model's name.
    pub model: String,
    /// What it is.
    pub description: Option<String>,
    /// Who registers it.
    pub actor: String,
    /// Where it came from, as the client says it.
    pub source: String,
    /// Where its files lie.
    pub storage: String,
    /// The run that made it.
    pub run: Option<String>,
    /// Where the run can be looked at.
    pub run_link: Option<String>,
    /// The logged model that it is: it is told of the version by a tag.
    pub logged: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Now.
    pub now: i64,
    /// The facts that go with it.
    pub facts: FactsOf,
}

impl Change for NewVersion {
    type Answer = RegisteredVersion;

    fn apply<'a>(
        &'a self,
        product: &'a str,
        transaction: &'a mut Transaction,
    ) -> BoxFuture<'a, Result<RegisteredVersion, Error>> {
        self.make(product, transaction).boxed()
    }
}

impl NewVersion {
    async fn make(&self, product: &str, transaction: &mut Transaction) -> Result<RegisteredVersion, Error> {
        const INSERT: &str = "INSERT INTO registered_version (model, version, created, updated, description, actor, \
            stage, source, storage, run, run_link, logged, tags)";
        let model = registered::stored(product, transaction, &self.model).await?;
        let version = model.versions + 1;
        let facts = (self.facts)(version);
        check(product, &Append { facts: facts.clone(), ..Append::default() })?;
        registered::touch(transaction, model.number, version, self.now).await?;
        let tags = json(&self.tags);
        let values = [
            Value::Integer(model.number),
            Value::Integer(version),
            Value::Integer(self.now),
            Value::Integer(self.now),
            Value::OptionalText(self.description.as_deref()),
            Value::Text(&self.actor),
            Value::Text(VersionStage::None.as_str()),
            Value::Text(&self.source),
            Value::Text(&self.storage),
            Value::OptionalText(self.run.as_deref()),
            Value::OptionalText(self.run_link.as_deref()),
            Value::OptionalText(self.logged.as_deref()),
            Value::Text(&tags),
        ];
        transaction.insert(INSERT, 13, &values, "").await.map_err(|source| database(OPERATION, source))?;
        let made = stored(transaction, &model, version).await?;
        put_pairs(transaction, VERSION_TAGS, made.number, &self.tags).await?;
        if let Some(logged) = &self.logged {
            super::logged::add_version(product, transaction, logged, VERSIONS_TAG, (&model.name, version)).await?;
        }
        append_facts(product, transaction, &facts).await?;
        Ok(made.told)
    }
}

/// How a version changes.
#[derive(Clone, Debug)]
pub enum VersionChange {
    /// What it is.
    Describe(Option<String>),
    /// It gets a tag.
    SetTag(String, String),
    /// It loses a tag, if it has it.
    RemoveTag(String),
    /// It comes to a stage; `archive`: the others there go to the archive.
    Stage {
        /// The stage.
        stage: VersionStage,
        /// Whether others leave it.
        archive: bool,
    },
    /// It is deleted, with the aliases that point to it.
    Delete,
}

struct Alter {
    model: String,
    version: i64,
    change: VersionChange,
    now: i64,
    facts: Vec<NewFact>,
}

impl Change for Alter {
    type Answer = ();

    fn apply<'a>(&'a self, product: &'a str, transaction: &'a mut Transaction) -> BoxFuture<'a, Result<(), Error>> {
        self.write(product, transaction).boxed()
    }
}

impl Alter {
    async fn write(&self, product: &str, transaction: &mut Transaction) -> Result<(), Error> {
        let model = registered::stored(product, transaction, &self.model).await?;
        let mut version = stored(transaction, &model, self.version).await?;
        match &self.change {
            VersionChange::Describe(description) => {
                version.told.description.clone_from(description);
                version.told.updated = self.now;
            }
            VersionChange::SetTag(key, value) => {
                version.told.tags.insert(key.clone(), value.clone());
                let pair = BTreeMap::from([(key.clone(), value.clone())]);
                put_pairs(transaction, VERSION_TAGS, version.number, &pair).await?;
            }
            VersionChange::RemoveTag(key) => {
                version.told.tags.remove(key);
                take_pair(transaction, VERSION_TAGS, version.number, key).await?;
            }
            VersionChange::Stage { stage, archive } => {
                if *archive {
                    archive_others(transaction, &version, *stage, self.now).await?;
                }
                version.told.stage = *stage;
                version.told.updated = self.now;
                registered::touch(transaction, model.number, model.versions, self.now).await?;
            }
            VersionChange::Delete => {
                delete(transaction, &version).await?;
                registered::touch(transaction, model.number, model.versions, self.now).await?;
                return append_facts(product, transaction, &self.facts).await;
            }
        }
        store(transaction, &version).await?;
        append_facts(product, transaction, &self.facts).await
    }
}

async fn archive_others(
    transaction: &mut Transaction,
    version: &StoredVersion,
    stage: VersionStage,
    now: i64,
) -> Result<(), Error> {
    const ARCHIVE: &str =
        "UPDATE registered_version SET stage = $1, updated = $2 WHERE model = $3 AND stage = $4 AND number <> $5";
    let values = [
        Value::Text(VersionStage::Archived.as_str()),
        Value::Integer(now),
        Value::Integer(version.model),
        Value::Text(stage.as_str()),
        Value::Integer(version.number),
    ];
    transaction.execute(ARCHIVE, &values).await.map(|_| ()).map_err(|source| database(OPERATION, source))
}

async fn store(transaction: &mut Transaction, version: &StoredVersion) -> Result<(), Error> {
    const UPDATE: &str = "UPDATE registered_version SET description = $1, updated = $2, stage = $3, tags = $4 \
        WHERE number = $5";
    let tags = json(&version.told.tags);
    let values = [
        Value::OptionalText(version.told.description.as_deref()),
        Value::Integer(version.told.updated),
        Value::Text(version.told.stage.as_str()),
        Value::Text(&tags),
        Value::Integer(version.number),
    ];
    transaction.execute(UPDATE, &values).await.map(|_| ()).map_err(|source| database(OPERATION, source))
}

async fn delete(transaction: &mut Transaction, version: &StoredVersion) -> Result<(), Error> {
    const ALIASES: &str = "DELETE FROM registered_alias WHERE model = $1 AND version = $2";
    const TAGS: &str = "DELETE FROM registered_version_tag WHERE version = $1";
    const VERSION: &str = "DELETE FROM registered_version WHERE number = $1";
    let failed = |source| database(OPERATION, source);
    let values = [Value::Integer(version.model), Value::Integer(version.told.version)];
    transaction.execute(ALIASES, &values).await.map_err(failed)?;
    transaction.execute(TAGS, &[Value::Integer(version.number)]).await.map_err(failed)?;
    transaction.execute(VERSION, &[Value::Integer(version.number)]).await.map(|_| ()).map_err(failed)
}

/// Notes that the versions of a model changed now.
pub(super) async fn touch(transaction: &mut Transaction, model: i64, now: i64) -> Result<(), Error> {
    const TOUCH: &str = "UPDATE registered_version SET updated = $1 WHERE model = $2";
    let values = [Value::Integer(now), Value::Integer(model)];
    transaction.execute(TOUCH, &values).await.map(|_| ()).map_err(|source| database(OPERATION, source))
}

/// A version, read inside a transaction.
pub(super) async fn stored(
    transaction: &mut Transaction,
    model: &Stored,
    version: i64,
) -> Result<StoredVersion, Error> {
    let failed = |source| database(OPERATION, source);
    let sql = format!("SELECT {COLUMNS} FROM {FROM} WHERE r.model = $1 AND r.version = $2 AND m.number = r.model");
    let rows = transaction.rows(sql, &[Value::Integer(model.number), Value::Integer(version)]).await.map_err(failed)?;
    match rows.first() {
        Some(row) => read(row).map_err(failed),
        None => Err(missing(&model.name, version)),
    }
}

fn missing(name: &str, version: i64) -> Error {
    Error::Refused(Refusal::Absent(format!("Model Version (name={name}, version={version}) not found")))
}

/// Tells versions of one model which aliases point to them.
pub(super) fn add_aliases(versions: &mut [RegisteredVersion], aliases: &BTreeMap<String, i64>) {
    for version in versions {
        let mine = aliases.iter().filter(|(_, number)| **number == version.version);
        version.aliases = mine.map(|(alias, _)| alias.clone()).collect();
    }
}

impl Tracker {
    /// Registers a version.
    ///
    /// # Errors
    /// The registered model or the logged model is missing ([`Refusal::Absent`]), or the database failed.
    pub async fn make_version(&self, version: NewVersion) -> Result<RegisteredVersion, Error> {
        self.change(version).await
    }

    /// Changes a version.
    ///
    /// # Errors
    /// It is missing ([`Refusal::Absent`]), or the database failed.
    pub async fn change_version(
        &self,
        model: &str,
        version: i64,
        change: VersionChange,
        now: i64,
        facts: Vec<NewFact>,
    ) -> Result<(), Error> {
        check(&self.product, &Append { facts: facts.clone(), ..Append::default() })?;
        self.change(Alter { model: model.to_owned(), version, change, now, facts }).await
    }

    /// A version, with its aliases.
    ///
    /// # Errors
    /// It is missing ([`Refusal::Absent`]), or the database failed.
    pub async fn registered_version(&self, model: &str, version: i64) -> Result<RegisteredVersion, Error> {
        let sql = format!(
            "SELECT {COLUMNS} FROM {FROM} WHERE m.product = $1 AND m.name = $2 AND r.model = m.number AND r.version = $3"
        );
        let values = [Value::Text(&self.product), Value::Text(model), Value::Integer(version)];
        let found = self.ledger.pool.first(READ, sql, &values, read).await?;
        let mut found = found.ok_or_else(|| missing(model, version))?;
        add_aliases(std::slice::from_mut(&mut found.told), &self.aliases_of(found.model).await?);
        Ok(found.told)
    }

    /// The newest version of each stage of a model, by number.
    pub(super) async fn latest_of(&self, model: i64) -> Result<Vec<RegisteredVersion>, Error> {
        let sql = format!(
            "SELECT {COLUMNS} FROM {FROM} WHERE r.model = $1 AND m.number = r.model AND {} ORDER BY r.version",
            newest("$1")
        );
        let found = self.ledger.pool.list(READ, sql, &[Value::Integer(model)], read).await?;
        Ok(found.into_iter().map(|version| version.told).collect())
    }

    /// [`Tracker::latest_of`] for several models.
    pub(super) async fn latest_of_all(&self, models: &[i64]) -> Result<HashMap<i64, Vec<RegisteredVersion>>, Error> {
        let sql = format!(
            "SELECT {COLUMNS} FROM {} CROSS JOIN {FROM} WHERE m.number = CAST(asked.id AS BIGINT) AND m.product = $1 \
             AND r.model = m.number AND {} ORDER BY r.model, r.version",
            self.ledger.pool.asked(),
            newest("m.number")
        );
        let mut all: HashMap<i64, Vec<RegisteredVersion>> = HashMap::new();
        let texts: Vec<String> = models.iter().map(i64::to_string).collect();
        for list in lists(&texts.iter().map(String::as_str).collect::<Vec<_>>()) {
            let values = [Value::Text(&self.product), Value::Text(&list)];
            for version in self.ledger.pool.list(READ, sql.clone(), &values, read).await? {
                all.entry(version.model).or_default().push(version.told);
            }
        }
        Ok(all)
    }

    /// The versions of these numbers, in this order, with their aliases.
    pub(super) async fn versions(&self, numbers: &[i64]) -> Result<Vec<RegisteredVersion>, Error> {
        let sql = format!(
            "SELECT {COLUMNS} FROM {} CROSS JOIN {FROM} WHERE r.number = CAST(asked.id AS BIGINT) AND m.product = $1 \
             AND m.number = r.model",
            self.ledger.pool.asked()
        );
        let mut found: HashMap<i64, StoredVersion> = HashMap::new();
        let texts: Vec<String> = numbers.iter().map(i64::to_string).collect();
        for list in lists(&texts.iter().map(String::as_str).collect::<Vec<_>>()) {
            let values = [Value::Text(&self.product), Value::Text(&list)];
            for version in self.ledger.pool.list(READ, sql.clone(), &values, read).await? {
                found.insert(version.number, version);
            }
        }
        let mut models: Vec<i64> = found.values().map(|version| version.model).collect();
        models.sort_unstable();
        models.dedup();
        let aliases = self.aliases_of_all(&models).await?;
        let none = BTreeMap::new();
        let told = |number: &i64| {
            let mut version = found.remove(number)?;
            let aliases = aliases.get(&version.model).unwrap_or(&none);
            add_aliases(std::slice::from_mut(&mut version.told), aliases);
            Some(version.told)
        };
        Ok(numbers.iter().filter_map(told).collect())
    }
}

/// That a version is the newest of its stage: one look into the index for each stage.
fn newest(model: &str) -> String {
    let each: Vec<String> = VersionStage::ALL
        .iter()
        .map(|stage| {
            let stage = stage.as_str();
            format!(
                "(SELECT MAX(o.version) FROM registered_version AS o WHERE o.model = {model} AND o.stage = '{stage}')"
            )
        })
        .collect();
    format!("r.version IN ({})", each.join(", "))
}
