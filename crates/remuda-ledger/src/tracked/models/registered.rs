//! Registered models: made, described, renamed, tagged, deleted; their aliases. A name is free again once its model is
//! deleted.

use super::super::refusal::Refusal;
use super::super::runs::append_facts;
use super::super::writer::{Change, OPERATION, Tracker};
use super::versions;
use super::{json, put_pairs, take_pair};
use crate::append::{Append, check};
use crate::engine::{Row, Transaction, Value, lists};
use crate::error::{Error, database};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use remuda_model::fact::NewFact;
use remuda_model::model::registered::{RegisteredModel, RegisteredVersion, is_prompt};
use std::collections::{BTreeMap, HashMap};

const COLUMNS: &str = "r.number, r.name, r.description, r.created, r.updated, r.versions, r.tags";
const TAGS: (&str, &str) = ("registered_model_tag", "model");
pub(super) const READ: &str = "read registered models";

/// A registered model as its row says it.
pub(super) struct Stored {
    pub(super) number: i64,
    pub(super) name: String,
    description: Option<String>,
    created: i64,
    updated: i64,
    pub(super) versions: i64,
    tags: BTreeMap<String, String>,
}

fn read(row: &Row) -> Result<Stored, sqlx::Error> {
    Ok(Stored {
        number: row.integer(0)?,
        name: row.text(1)?,
        description: row.optional_text(2)?,
        created: row.integer(3)?,
        updated: row.integer(4)?,
        versions: row.integer(5)?,
        tags: serde_json::from_str(&row.text(6)?).unwrap_or_default(),
    })
}

impl Stored {
    fn told(self, aliases: BTreeMap<String, i64>, mut latest: Vec<RegisteredVersion>) -> RegisteredModel {
        versions::add_aliases(&mut latest, &aliases);
        RegisteredModel {
            name: self.name,
            description: self.description,
            created: self.created,
            updated: self.updated,
            tags: self.tags,
            aliases,
            latest,
        }
    }
}

/// A registered model to be made.
#[derive(Clone, Debug)]
pub struct NewRegisteredModel {
    /// Its name.
    pub name: String,
    /// What it is.
    pub description: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Now.
    pub now: i64,
    /// The facts that go with it.
    pub facts: Vec<NewFact>,
}

impl Change for NewRegisteredModel {
    type Answer = ();

    fn apply<'a>(&'a self, product: &'a str, transaction: &'a mut Transaction) -> BoxFuture<'a, Result<(), Error>> {
        self.make(product, transaction).boxed()
    }
}

impl NewRegisteredModel {
    async fn make(&self, product: &str, transaction: &mut Transaction) -> Result<(), Error> {
        const INSERT: &str =
            "INSERT INTO registered_model (product, name, description, created, updated, versions, tags)";
        if let Some(known) = find(product, transaction, &self.name).await? {
            return Err(Error::Refused(Refusal::Exists(taken(&known, is_prompt(&self.tags)))));
        }
        let tags = json(&self.tags);
        let values = [
            Value::Text(product),
            Value::Text(&self.name),
            Value::OptionalText(self.description.as_deref()),
            Value::Integer(self.now),
            Value::Integer(self.now),
            Value::Integer(0),
            Value::Text(&tags),
        ];
        transaction.insert(INSERT, 7, &values, "").await.map_err(|source| database(OPERATION, source))?;
        let model = stored(product, transaction, &self.name).await?;
        put_pairs(transaction, TAGS, model.number, &self.tags).await?;
        append_facts(product, transaction, &self.facts).await
    }
}

/// What clients are told when a name is taken.
fn taken(known: &Stored, asked_prompt: bool) -> String {
    let name = &known.name;
    let word = |prompt: bool| if prompt { "Prompt" } else { "Registered Model" };
    let (old, new) = (word(is_prompt(&known.tags)), word(asked_prompt));
    if old == new {
        return format!("{new} (name={name}) already exists.");
    }
    format!(
        "Tried to create a {} with name '{name}', but the name is already taken by a {}. A model and a prompt cannot \
         have the same name.",
        new.to_lowercase(),
        old.to_lowercase()
    )
}

/// How a registered model changes.
#[derive(Clone, Debug)]
pub enum ModelChange {
    /// What it is.
    Describe(Option<String>),
    /// Its name.
    Rename(String),
    /// It gets a tag.
    SetTag(String, String),
    /// It loses a tag, if it has it.
    RemoveTag(String),
    /// An alias points to this version from now on.
    SetAlias(String, i64),
    /// An alias goes, if it is there.
    RemoveAlias(String),
    /// It is deleted with all its versions.
    Delete,
}

/// What a change found before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ModelAnswer {
    /// The version that the alias pointed to.
    pub before: Option<i64>,
}

struct Alter {
    name: String,
    change: ModelChange,
    now: i64,
    facts: Vec<NewFact>,
}

impl Change for Alter {
    type Answer = ModelAnswer;

    fn apply<'a>(
        &'a self,
        product: &'a str,
        transaction: &'a mut Transaction,
    ) -> BoxFuture<'a, Result<ModelAnswer, Error>> {
        self.write(product, transaction).boxed()
    }
}

impl Alter {
    async fn write(&self, product: &str, transaction: &mut Transaction) -> Result<ModelAnswer, Error> {
        let mut model = stored(product, transaction, &self.name).await?;
        let mut answer = ModelAnswer::default();
        match &self.change {
            ModelChange::Describe(description) => {
                model.description.clone_from(description);
                model.updated = self.now;
            }
            ModelChange::Rename(name) => {
                if *name != model.name && find(product, transaction, name).await?.is_some() {
                    let text = format!("Registered Model (name={name}) already exists.");
                    return Err(Error::Refused(Refusal::Exists(text)));
                }
                model.name.clone_from(name);
                model.updated = self.now;
                versions::touch(transaction, model.number, self.now).await?;
            }
            ModelChange::SetTag(key, value) => {
                model.tags.insert(key.clone(), value.clone());
                let pair = BTreeMap::from([(key.clone(), value.clone())]);
                put_pairs(transaction, TAGS, model.number, &pair).await?;
            }
            ModelChange::RemoveTag(key) => {
                model.tags.remove(key);
                take_pair(transaction, TAGS, model.number, key).await?;
            }
            ModelChange::SetAlias(alias, version) => {
                versions::stored(transaction, &model, *version).await?;
                answer.before = alias_of(transaction, model.number, alias).await?;
                set_alias(transaction, model.number, alias, *version).await?;
            }
            ModelChange::RemoveAlias(alias) => {
                answer.before = alias_of(transaction, model.number, alias).await?;
                remove_alias(transaction, model.number, alias).await?;
            }
            ModelChange::Delete => {
                delete(transaction, model.number).await?;
                append_facts(product, transaction, &self.facts).await?;
                return Ok(answer);
            }
        }
        store(transaction, &model).await?;
        append_facts(product, transaction, &self.facts).await?;
        Ok(answer)
    }
}

async fn store(transaction: &mut Transaction, model: &Stored) -> Result<(), Error> {
    const UPDATE: &str = "UPDATE registered_model SET name = $1, description = $2, updated = $3, versions = $4, tags = $5 \
        WHERE number = $6";
    let tags = json(&model.tags);
    let values = [
        Value::Text(&model.name),
        Value::OptionalText(model.description.as_deref()),
        Value::Integer(model.updated),
        Value::Integer(model.versions),
        Value::Text(&tags),
        Value::Integer(model.number),
    ];
    transaction.execute(UPDATE, &values).await.map(|_| ()).map_err(|source| database(OPERATION, source))
}

/// Notes that a registered model changed now, and the number of its newest version.
pub(super) async fn touch(transaction: &mut Transaction, number: i64, versions: i64, now: i64) -> Result<(), Error> {
    const TOUCH: &str = "UPDATE registered_model SET updated = $1, versions = $2 WHERE number = $3";
    let values = [Value::Integer(now), Value::Integer(versions), Value::Integer(number)];
    transaction.execute(TOUCH, &values).await.map(|_| ()).map_err(|source| database(OPERATION, source))
}

async fn alias_of(transaction: &mut Transaction, model: i64, alias: &str) -> Result<Option<i64>, Error> {
    const ALIAS: &str = "SELECT version FROM registered_alias WHERE model = $1 AND alias = $2";
    let failed = |source| database(OPERATION, source);
    let rows = transaction.rows(ALIAS, &[Value::Integer(model), Value::Text(alias)]).await.map_err(failed)?;
    rows.first().map(|row| row.integer(0)).transpose().map_err(failed)
}

async fn set_alias(transaction: &mut Transaction, model: i64, alias: &str, version: i64) -> Result<(), Error> {
    const INSERT: &str = "INSERT INTO registered_alias (model, alias, version)";
    let values = [Value::Integer(model), Value::Text(alias), Value::Integer(version)];
    let tail = " ON CONFLICT (model, alias) DO UPDATE SET version = excluded.version";
    transaction.insert(INSERT, 3, &values, tail).await.map(|_| ()).map_err(|source| database(OPERATION, source))
}

async fn remove_alias(transaction: &mut Transaction, model: i64, alias: &str) -> Result<(), Error> {
    const DELETE: &str = "DELETE FROM registered_alias WHERE model = $1 AND alias = $2";
    let values = [Value::Integer(model), Value::Text(alias)];
    transaction.execute(DELETE, &values).await.map(|_| ()).map_err(|source| database(OPERATION, source))
}

async fn delete(transaction: &mut Transaction, model: i64) -> Result<(), Error> {
    const TAGS_OF_VERSIONS: &str =
        "DELETE FROM registered_version_tag WHERE version IN (SELECT number FROM registered_version WHERE model = $1)";
    let mut statements = vec![TAGS_OF_VERSIONS.to_owned()];
    for (table, column) in [
        ("registered_version", "model"),
        ("registered_alias", "model"),
        ("registered_model_tag", "model"),
        ("registered_model", "number"),
    ] {
        statements.push(format!("DELETE FROM {table} WHERE {column} = $1"));
    }
    for statement in statements {
        let done = transaction.execute(statement, &[Value::Integer(model)]).await;
        done.map_err(|source| database(OPERATION, source))?;
    }
    Ok(())
}

async fn find(product: &str, transaction: &mut Transaction, name: &str) -> Result<Option<Stored>, Error> {
    let failed = |source| database(OPERATION, source);
    let sql = format!("SELECT {COLUMNS} FROM registered_model AS r WHERE r.product = $1 AND r.name = $2");
    let rows = transaction.rows(sql, &[Value::Text(product), Value::Text(name)]).await.map_err(failed)?;
    rows.first().map(read).transpose().map_err(failed)
}

/// A registered model, read inside a transaction.
pub(super) async fn stored(product: &str, transaction: &mut Transaction, name: &str) -> Result<Stored, Error> {
    find(product, transaction, name).await?.ok_or_else(|| missing(name))
}

/// That there is no registered model of this name.
fn missing(name: &str) -> Error {
    Error::Refused(Refusal::Absent(format!("Registered Model with name={name} not found")))
}

impl Tracker {
    /// Makes a registered model.
    ///
    /// # Errors
    /// The name is taken ([`Refusal::Exists`]), or the database failed.
    pub async fn make_registered_model(&self, model: NewRegisteredModel) -> Result<(), Error> {
        check(&self.product, &Append { facts: model.facts.clone(), ..Append::default() })?;
        self.change(model).await
    }

    /// Changes a registered model.
    ///
    /// # Errors
    /// It is missing, or the version that an alias is to point to, or the new name is taken, or the database failed.
    pub async fn change_registered_model(
        &self,
        name: &str,
        change: ModelChange,
        now: i64,
        facts: Vec<NewFact>,
    ) -> Result<ModelAnswer, Error> {
        check(&self.product, &Append { facts: facts.clone(), ..Append::default() })?;
        self.change(Alter { name: name.to_owned(), change, now, facts }).await
    }

    /// A registered model with its aliases and the newest version of each stage.
    ///
    /// # Errors
    /// It is missing ([`Refusal::Absent`]), or the database failed.
    pub async fn registered_model(&self, name: &str) -> Result<RegisteredModel, Error> {
        let sql = format!("SELECT {COLUMNS} FROM registered_model AS r WHERE r.product = $1 AND r.name = $2");
        let values = [Value::Text(&self.product), Value::Text(name)];
        let found = self.ledger.pool.first(READ, sql, &values, read).await?;
        let model = found.ok_or_else(|| missing(name))?;
        let aliases = self.aliases_of(model.number).await?;
        let latest = self.latest_of(model.number).await?;
        Ok(model.told(aliases, latest))
    }

    /// Aliases of a registered model, and the versions that they point to.
    pub(super) async fn aliases_of(&self, number: i64) -> Result<BTreeMap<String, i64>, Error> {
        const ALIASES: &str = "SELECT alias, version FROM registered_alias WHERE model = $1";
        let read = |row: &Row| Ok((row.text(0)?, row.integer(1)?));
        let found = self.ledger.pool.list(READ, ALIASES, &[Value::Integer(number)], read).await?;
        Ok(found.into_iter().collect())
    }

    /// Aliases of several registered models.
    pub(super) async fn aliases_of_all(&self, numbers: &[i64]) -> Result<HashMap<i64, BTreeMap<String, i64>>, Error> {
        let sql = format!(
            "SELECT a.model, a.alias, a.version FROM {} CROSS JOIN registered_alias AS a \
             WHERE a.model = CAST(asked.id AS BIGINT) AND a.model >= $1",
            self.ledger.pool.asked()
        );
        let mut found: HashMap<i64, BTreeMap<String, i64>> = HashMap::new();
        let texts: Vec<String> = numbers.iter().map(i64::to_string).collect();
        for list in lists(&texts.iter().map(String::as_str).collect::<Vec<_>>()) {
            let read = |row: &Row| Ok((row.integer(0)?, row.text(1)?, row.integer(2)?));
            let values = [Value::Integer(0), Value::Text(&list)];
            for (model, alias, version) in self.ledger.pool.list(READ, sql.clone(), &values, read).await? {
                found.entry(model).or_default().insert(alias, version);
            }
        }
        Ok(found)
    }

    /// The registered models of these numbers, in this order.
    pub(super) async fn registered_models(&self, numbers: &[i64]) -> Result<Vec<RegisteredModel>, Error> {
        let sql = format!(
            "SELECT {COLUMNS} FROM {} CROSS JOIN registered_model AS r \
             WHERE r.number = CAST(asked.id AS BIGINT) AND r.product = $1",
            self.ledger.pool.asked()
        );
        let mut found: HashMap<i64, Stored> = HashMap::new();
        let texts: Vec<String> = numbers.iter().map(i64::to_string).collect();
        for list in lists(&texts.iter().map(String::as_str).collect::<Vec<_>>()) {
            let values = [Value::Text(&self.product), Value::Text(&list)];
            for model in self.ledger.pool.list(READ, sql.clone(), &values, read).await? {
                found.insert(model.number, model);
            }
        }
        let mut aliases = self.aliases_of_all(numbers).await?;
        let mut latest = self.latest_of_all(numbers).await?;
        let told = |number: &i64| {
            let model = found.remove(number)?;
            let aliases = aliases.remove(number).unwrap_or_default();
            Some(model.told(aliases, latest.remove(number).unwrap_or_default()))
        };
        Ok(numbers.iter().filter_map(told).collect())
    }
}
