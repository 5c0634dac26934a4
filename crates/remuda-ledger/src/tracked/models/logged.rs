//! Logged models: made, changed, read by id; points of their metrics.

use super::super::experiments::active;
use super::super::refusal::Refusal;
use super::super::runs::append_facts;
use super::super::writer::{Change, OPERATION, Tracker};
use super::{json, put_pairs, take_pair};
use crate::append::{Append, check};
use crate::engine::{Row, Transaction, Value, lists};
use crate::error::{Error, database};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use remuda_model::fact::NewFact;
use remuda_model::model::logged::{LoggedModel, LoggedStatus, ModelPoint};
use remuda_model::run::tracked::{Point, Stage};
use std::collections::{BTreeMap, HashMap};

const COLUMNS: &str = "r.number, r.id, r.experiment, r.name, r.kind, r.source_run, r.status, r.stage, r.created, \
    r.updated, r.artifacts, r.parameters, r.tags";
const PARAMETERS: (&str, &str) = ("logged_model_parameter", "model");
const TAGS: (&str, &str) = ("logged_model_tag", "model");
const READ: &str = "read logged models";

fn read(row: &Row) -> Result<LoggedModel, sqlx::Error> {
    Ok(LoggedModel {
        number: row.integer(0)?,
        id: row.text(1)?,
        experiment: row.integer(2)?,
        name: row.text(3)?,
        kind: row.optional_text(4)?,
        source_run: row.optional_text(5)?,
        status: LoggedStatus::parse(&row.text(6)?).unwrap_or_default(),
        stage: Stage::read(&row.text(7)?),
        created: row.integer(8)?,
        updated: row.integer(9)?,
        artifacts: row.text(10)?,
        parameters: serde_json::from_str(&row.text(11)?).unwrap_or_default(),
        tags: serde_json::from_str(&row.text(12)?).unwrap_or_default(),
        points: Vec::new(),
    })
}

/// A logged model to be made.
#[derive(Clone, Debug)]
pub struct NewLoggedModel {
    /// Its id.
    pub id: String,
    /// The experiment.
    pub experiment: i64,
    /// Its name.
    pub name: String,
    /// What kind of model it is.
    pub kind: Option<String>,
    /// The run that makes it.
    pub source_run: Option<String>,
    /// Now.
    pub now: i64,
    /// Its parameters.
    pub parameters: BTreeMap<String, String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// The facts that go with it.
    pub facts: Vec<NewFact>,
}

impl Change for NewLoggedModel {
    type Answer = LoggedModel;

    fn apply<'a>(
        &'a self,
        product: &'a str,
        transaction: &'a mut Transaction,
    ) -> BoxFuture<'a, Result<LoggedModel, Error>> {
        self.make(product, transaction).boxed()
    }
}

impl NewLoggedModel {
    async fn make(&self, product: &str, transaction: &mut Transaction) -> Result<LoggedModel, Error> {
        const INSERT: &str = "INSERT INTO logged_model (product, id, experiment, name, kind, source_run, status, stage, \
            created, updated, artifacts, parameters, tags)";
        let experiment = active(product, transaction, self.experiment).await?;
        let artifacts = format!("{}/models/{}/artifacts", experiment.artifacts.trim_end_matches('/'), self.id);
        let (parameters, tags) = (json(&self.parameters), json(&self.tags));
        let values = [
            Value::Text(product),
            Value::Text(&self.id),
            Value::Integer(self.experiment),
            Value::Text(&self.name),
            Value::OptionalText(self.kind.as_deref()),
            Value::OptionalText(self.source_run.as_deref()),
            Value::Text(LoggedStatus::Pending.as_str()),
            Value::Text(Stage::Active.as_str()),
            Value::Integer(self.now),
            Value::Integer(self.now),
            Value::Text(&artifacts),
            Value::Text(&parameters),
            Value::Text(&tags),
        ];
        transaction.insert(INSERT, 13, &values, "").await.map_err(|source| database(OPERATION, source))?;
        let model = stored(product, transaction, &self.id).await?;
        put_pairs(transaction, PARAMETERS, model.number, &self.parameters).await?;
        put_pairs(transaction, TAGS, model.number, &self.tags).await?;
        append_facts(product, transaction, &self.facts).await?;
        Ok(model)
    }
}

/// How a logged model changes.
#[derive(Clone, Debug)]
pub enum LoggedChange {
    /// Its files are there, or did not come.
    Status(LoggedStatus),
    /// It gets these tags.
    SetTags(BTreeMap<String, String>),
    /// It loses this tag.
    RemoveTag(String),
    /// It gets these parameters, none of which may differ from one that it has.
    AddParameters(BTreeMap<String, String>),
    /// It is deleted, or restored.
    Stage(Stage),
}

struct Alter {
    id: String,
    change: LoggedChange,
    now: i64,
    facts: Vec<NewFact>,
}

impl Change for Alter {
    type Answer = LoggedModel;

    fn apply<'a>(
        &'a self,
        product: &'a str,
        transaction: &'a mut Transaction,
    ) -> BoxFuture<'a, Result<LoggedModel, Error>> {
        self.write(product, transaction).boxed()
    }
}

impl Alter {
    async fn write(&self, product: &str, transaction: &mut Transaction) -> Result<LoggedModel, Error> {
        let mut model = stored(product, transaction, &self.id).await?;
        match &self.change {
            LoggedChange::Status(status) => {
                model.status = *status;
                model.updated = self.now;
            }
            LoggedChange::Stage(stage) => {
                model.stage = *stage;
                model.updated = self.now;
            }
            LoggedChange::SetTags(tags) => {
                model.tags.extend(tags.clone());
                put_pairs(transaction, TAGS, model.number, tags).await?;
            }
            LoggedChange::RemoveTag(key) => {
                if model.tags.remove(key).is_none() {
                    let text = format!("No tag with key '{key}' found for model with ID '{}'.", model.id);
                    return Err(Error::Refused(Refusal::Absent(text)));
                }
                take_pair(transaction, TAGS, model.number, key).await?;
            }
            LoggedChange::AddParameters(parameters) => {
                add_parameters(&mut model, parameters)?;
                put_pairs(transaction, PARAMETERS, model.number, parameters).await?;
            }
        }
        store(transaction, &model).await?;
        append_facts(product, transaction, &self.facts).await?;
        Ok(model)
    }
}

fn add_parameters(model: &mut LoggedModel, parameters: &BTreeMap<String, String>) -> Result<(), Error> {
    for (key, asked) in parameters {
        if let Some(known) = model.parameters.get(key).filter(|known| *known != asked) {
            return Err(Error::Refused(Refusal::ParameterDiffers {
                run: model.id.clone(),
                key: key.clone(),
                known: known.clone(),
                asked: asked.clone(),
            }));
        }
        model.parameters.insert(key.clone(), asked.clone());
    }
    Ok(())
}

async fn store(transaction: &mut Transaction, model: &LoggedModel) -> Result<(), Error> {
    const UPDATE: &str = "UPDATE logged_model SET status = $1, stage = $2, updated = $3, parameters = $4, tags = $5 \
        WHERE number = $6";
    let (parameters, tags) = (json(&model.parameters), json(&model.tags));
    let values = [
        Value::Text(model.status.as_str()),
        Value::Text(model.stage.as_str()),
        Value::Integer(model.updated),
        Value::Text(&parameters),
        Value::Text(&tags),
        Value::Integer(model.number),
    ];
    transaction.execute(UPDATE, &values).await.map(|_| ()).map_err(|source| database(OPERATION, source))
}

/// That there is no logged model of this id.
fn missing(id: &str) -> Error {
    Error::Refused(Refusal::Absent(format!("Logged model with ID '{id}' not found.")))
}

/// A logged model without its points, deleted ones too, read inside a transaction.
async fn stored(product: &str, transaction: &mut Transaction, id: &str) -> Result<LoggedModel, Error> {
    let failed = |source| database(OPERATION, source);
    let sql = format!("SELECT {COLUMNS} FROM logged_model AS r WHERE r.product = $1 AND r.id = $2");
    let rows = transaction.rows(sql, &[Value::Text(product), Value::Text(id)]).await.map_err(failed)?;
    match rows.first() {
        Some(row) => read(row).map_err(failed),
        None => Err(missing(id)),
    }
}

/// Tells a logged model by a tag, a list as JSON, that it is a registered version.
pub(super) async fn add_version(
    product: &str,
    transaction: &mut Transaction,
    id: &str,
    tag: &str,
    (name, version): (&str, i64),
) -> Result<(), Error> {
    let mut model = stored(product, transaction, id).await?;
    let known = model.tags.get(tag).and_then(|text| serde_json::from_str(text).ok());
    let mut all: Vec<serde_json::Value> = known.unwrap_or_default();
    // A text, as clients write it: they add it again otherwise.
    let this = serde_json::json!({ "name": name, "version": version.to_string() });
    if !all.contains(&this) {
        all.push(this);
    }
    let value = serde_json::Value::from(all).to_string();
    model.tags.insert(tag.to_owned(), value.clone());
    put_pairs(transaction, TAGS, model.number, &BTreeMap::from([(tag.to_owned(), value)])).await?;
    store(transaction, &model).await
}

/// The numbers of the logged models of these points.
async fn numbers(
    product: &str,
    transaction: &mut Transaction,
    points: &[ModelPoint],
) -> Result<HashMap<String, i64>, Error> {
    const NUMBER: &str = "SELECT number FROM logged_model WHERE product = $1 AND id = $2";
    let failed = |source| database(OPERATION, source);
    let mut numbers = HashMap::new();
    for point in points {
        if numbers.contains_key(&point.model) {
            continue;
        }
        let rows =
            transaction.rows(NUMBER, &[Value::Text(product), Value::Text(&point.model)]).await.map_err(failed)?;
        let number = rows.first().ok_or_else(|| missing(&point.model))?.integer(0).map_err(failed)?;
        numbers.insert(point.model.clone(), number);
    }
    Ok(numbers)
}

/// Refuses points of logged models that do not exist.
pub(in super::super) async fn need_logged(
    product: &str,
    transaction: &mut Transaction,
    points: &[ModelPoint],
) -> Result<(), Error> {
    numbers(product, transaction, points).await.map(|_| ())
}

/// Writes points of logged models. The same point twice is one.
pub(in super::super) async fn put_points(
    product: &str,
    transaction: &mut Transaction,
    points: &[ModelPoint],
) -> Result<(), Error> {
    const INSERT: &str =
        "INSERT INTO logged_model_metric (model, key, time, step, run, dataset, dataset_digest, value)";
    if points.is_empty() {
        return Ok(());
    }
    let numbers = numbers(product, transaction, points).await?;
    let mut values = Vec::with_capacity(points.len() * 8);
    for ModelPoint { model, run, point, dataset } in points {
        let (dataset, digest) = dataset.as_ref().map_or(("", ""), |(name, digest)| (name.as_str(), digest.as_str()));
        values.extend([
            Value::Integer(numbers.get(model).copied().unwrap_or_default()),
            Value::Text(&point.key),
            Value::Integer(point.time),
            Value::Integer(point.step),
            Value::Text(run),
            Value::Text(dataset),
            Value::Text(digest),
            Value::OptionalDouble(point.value),
        ]);
    }
    let written = transaction.insert(INSERT, 8, &values, " ON CONFLICT DO NOTHING").await;
    written.map(|_| ()).map_err(|source| database(OPERATION, source))
}

fn read_point(row: &Row) -> Result<(i64, ModelPoint), sqlx::Error> {
    let (dataset, digest) = (row.text(5)?, row.text(6)?);
    let point =
        Point { key: row.text(1)?, time: row.integer(2)?, step: row.integer(3)?, value: row.optional_double(7)? };
    let dataset = (!dataset.is_empty() || !digest.is_empty()).then_some((dataset, digest));
    Ok((row.integer(0)?, ModelPoint { model: String::new(), run: row.text(4)?, point, dataset }))
}

impl Tracker {
    /// Makes a logged model.
    ///
    /// # Errors
    /// The experiment is missing or deleted, or the database failed.
    pub async fn make_logged_model(&self, model: NewLoggedModel) -> Result<LoggedModel, Error> {
        check(&self.product, &Append { facts: model.facts.clone(), ..Append::default() })?;
        self.change(model).await
    }

    /// Changes a logged model; what comes back has no points.
    ///
    /// # Errors
    /// It is missing, the change does not fit, or the database failed.
    pub async fn change_logged_model(
        &self,
        id: &str,
        change: LoggedChange,
        now: i64,
        facts: Vec<NewFact>,
    ) -> Result<LoggedModel, Error> {
        check(&self.product, &Append { facts: facts.clone(), ..Append::default() })?;
        self.change(Alter { id: id.to_owned(), change, now, facts }).await
    }

    /// A logged model with its points, deleted ones too.
    ///
    /// # Errors
    /// The database failed.
    pub async fn logged_model(&self, id: &str) -> Result<Option<LoggedModel>, Error> {
        let sql = format!("SELECT {COLUMNS} FROM logged_model AS r WHERE r.product = $1 AND r.id = $2");
        let values = [Value::Text(&self.product), Value::Text(id)];
        let found = self.ledger.pool.first(READ, sql, &values, read).await?;
        let Some(model) = found else { return Ok(None) };
        Ok(self.with_points(vec![model]).await?.pop())
    }

    /// The logged models of these numbers, in this order, with their points.
    pub(super) async fn logged_models(&self, numbers: &[i64]) -> Result<Vec<LoggedModel>, Error> {
        let sql = format!(
            "SELECT {COLUMNS} FROM {} CROSS JOIN logged_model AS r \
             WHERE r.number = CAST(asked.id AS BIGINT) AND r.product = $1",
            self.ledger.pool.asked()
        );
        let mut found: HashMap<i64, LoggedModel> = HashMap::new();
        let texts: Vec<String> = numbers.iter().map(i64::to_string).collect();
        for list in lists(&texts.iter().map(String::as_str).collect::<Vec<_>>()) {
            let values = [Value::Text(&self.product), Value::Text(&list)];
            for model in self.ledger.pool.list(READ, sql.clone(), &values, read).await? {
                found.insert(model.number, model);
            }
        }
        self.with_points(numbers.iter().filter_map(|number| found.remove(number)).collect()).await
    }

    async fn with_points(&self, mut models: Vec<LoggedModel>) -> Result<Vec<LoggedModel>, Error> {
        let sql = format!(
            "SELECT m.model, m.key, m.time, m.step, m.run, m.dataset, m.dataset_digest, m.value \
             FROM {} CROSS JOIN logged_model_metric AS m \
             WHERE m.model = CAST(asked.id AS BIGINT) AND m.model >= $1 ORDER BY m.model, m.key, m.time, m.step",
            self.ledger.pool.asked()
        );
        let places: HashMap<i64, usize> =
            models.iter().enumerate().map(|(place, model)| (model.number, place)).collect();
        let texts: Vec<String> = models.iter().map(|model| model.number.to_string()).collect();
        for list in lists(&texts.iter().map(String::as_str).collect::<Vec<_>>()) {
            let values = [Value::Integer(0), Value::Text(&list)];
            for (number, point) in self.ledger.pool.list(READ, sql.clone(), &values, read_point).await? {
                if let Some(model) = places.get(&number).and_then(|place| models.get_mut(*place)) {
                    let point = ModelPoint { model: model.id.clone(), ..point };
                    model.points.push(point);
                }
            }
        }
        Ok(models)
    }

    /// The logged models of which these runs are the source, with their points, oldest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn logged_models_of(&self, run: &str) -> Result<Vec<LoggedModel>, Error> {
        const OF: &str =
            "SELECT number FROM logged_model WHERE product = $1 AND source_run = $2 ORDER BY created, number";
        let values = [Value::Text(&self.product), Value::Text(run)];
        let numbers = self.ledger.pool.list(READ, OF, &values, |row| row.integer(0)).await?;
        self.logged_models(&numbers).await
    }
}
