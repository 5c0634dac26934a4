//! Finding logged models: by filter, by datasets that they were measured on, in the order of a metric on a dataset.

use super::super::search::{Side, Sql, value_of, write_filter, write_member, write_number, write_text};
use super::super::writer::Tracker;
use super::seek::{self, OrderPlace, SeekKey};
use crate::engine::{Pool, Value};
use crate::error::Error;
use remuda_model::model::filter::{ModelAttribute, ModelKey};
use remuda_model::model::logged::LoggedModel;
use remuda_model::run::filter::{Filter, Test};
use remuda_model::run::tracked::Stage;

/// What is sought.
#[derive(Clone, Debug)]
pub struct LoggedSearch<'a> {
    /// Of these experiments.
    pub experiments: &'a [i64],
    /// That fit.
    pub filter: &'a Filter<ModelKey>,
    /// Measured on one of these datasets: name, and digest if it is said. Empty: on any or none.
    pub datasets: &'a [(String, Option<String>)],
    /// In this order; then the newest first, then by id.
    pub order: &'a [LoggedOrder],
    /// Behind this place of the page before.
    pub after: Option<&'a OrderPlace>,
    /// So many at most.
    pub limit: usize,
}

/// A key of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedOrder {
    /// An attribute, or a metric's latest value.
    pub key: ModelKey,
    /// The greatest first.
    pub descending: bool,
    /// Of the metric: measured on a dataset of this name.
    pub dataset: Option<String>,
    /// Of the metric: measured on a dataset of this digest.
    pub digest: Option<String>,
}

/// A page of logged models.
#[derive(Clone, Debug, Default)]
pub struct LoggedFound {
    /// The models, in order, with their points.
    pub models: Vec<LoggedModel>,
    /// Where the last one stands, if there is more.
    pub last: Option<OrderPlace>,
}

impl Tracker {
    /// The logged models that are sought; deleted ones are not.
    ///
    /// # Errors
    /// The database failed.
    pub async fn search_logged_models(&self, search: &LoggedSearch<'_>) -> Result<LoggedFound, Error> {
        let postgres = matches!(self.ledger.pool, Pool::Postgres(_));
        let mut sql = Sql { text: String::new(), values: Vec::new(), postgres, probing: false };
        let mut keys: Vec<SeekKey> = search.order.iter().map(|one| order_key(&mut sql, one)).collect();
        keys.push(SeekKey::number("r.created", true));
        keys.push(SeekKey::text("r.id", false));
        sql.push(&format!("SELECT r.number{} FROM logged_model AS r WHERE ", seek::columns(&keys)));
        write_conditions(&mut sql, &self.product, search);
        if let Some(after) = search.after.filter(|after| after.keys.len() == keys.len()) {
            seek::write_after(&mut sql, &keys, after);
        }
        seek::write_order(&mut sql, &keys, search.limit.saturating_add(1));
        let values: Vec<Value<'_>> = sql.values.iter().map(value_of).collect();
        let operation = "find logged models";
        let rows = self.ledger.pool.list(operation, sql.text, &values, |row| seek::read_place(row, &keys)).await?;
        let (numbers, last) = seek::page(rows, search.limit);
        Ok(LoggedFound { models: self.logged_models(&numbers).await?, last })
    }
}

fn order_key(sql: &mut Sql, order: &LoggedOrder) -> SeekKey {
    match &order.key {
        ModelKey::Attribute(attribute) if attribute.is_number => SeekKey::number(column(attribute), order.descending),
        ModelKey::Attribute(attribute) => SeekKey::text(text_column(attribute), order.descending),
        ModelKey::Metric(name) => {
            let mut conditions = format!("m.model = r.number AND m.key = {}", sql.text(name));
            if let Some(dataset) = &order.dataset {
                conditions.push_str(&format!(" AND m.dataset = {}", sql.text(dataset)));
            }
            if let Some(digest) = &order.digest {
                conditions.push_str(&format!(" AND m.dataset_digest = {}", sql.text(digest)));
            }
            let latest = "ORDER BY m.time DESC, m.step DESC, m.run LIMIT 1";
            let value = format!("(SELECT m.value FROM logged_model_metric AS m WHERE {conditions} {latest})");
            SeekKey { value, is_number: true, descending: order.descending }
        }
        ModelKey::Parameter(name) | ModelKey::Tag(name) => {
            let table = table(&order.key);
            let key = sql.text(name);
            let value = format!("(SELECT t.value FROM {table} AS t WHERE t.model = r.number AND t.key = {key})");
            SeekKey::text(value, order.descending)
        }
    }
}

fn write_conditions(sql: &mut Sql, product: &str, search: &LoggedSearch<'_>) {
    let product = sql.text(product);
    let experiments: Vec<String> = search.experiments.iter().map(i64::to_string).collect();
    let of = if experiments.is_empty() { "NULL".to_owned() } else { experiments.join(", ") };
    sql.push(&format!("r.product = {product} AND r.experiment IN ({of}) AND r.stage = '{}'", Stage::Active.as_str()));
    if *search.filter != Filter::All(Vec::new()) {
        sql.push(" AND ");
        write_filter(sql, search.filter, &|sql, key, test| write_test(sql, key, test, search.datasets));
    }
    if !search.datasets.is_empty() && !has_metric(search.filter) {
        let measured = measured_on(sql, search.datasets);
        sql.push(&format!(" AND r.number IN (SELECT m.model FROM logged_model_metric AS m WHERE {measured})"));
    }
}

/// Whether a filter looks at a metric: then the datasets say where it was measured.
fn has_metric(filter: &Filter<ModelKey>) -> bool {
    match filter {
        Filter::All(parts) | Filter::Any(parts) => parts.iter().any(has_metric),
        Filter::Not(part) => has_metric(part),
        Filter::Is(key, _) => matches!(key, ModelKey::Metric(_)),
    }
}

fn measured_on(sql: &mut Sql, datasets: &[(String, Option<String>)]) -> String {
    let each: Vec<String> = datasets
        .iter()
        .map(|(name, digest)| {
            let name = sql.text(name);
            match digest {
                Some(digest) => format!("(m.dataset = {name} AND m.dataset_digest = {})", sql.text(digest)),
                None => format!("m.dataset = {name}"),
            }
        })
        .collect();
    format!("({})", each.join(" OR "))
}

fn write_test(sql: &mut Sql, key: &ModelKey, test: &Test, datasets: &[(String, Option<String>)]) {
    match key {
        ModelKey::Metric(name) => {
            let mut from = format!("SELECT m.model FROM logged_model_metric AS m WHERE m.key = {}", sql.text(name));
            if !datasets.is_empty() {
                from.push_str(&format!(" AND {}", measured_on(sql, datasets)));
            }
            write_member(sql, &from, test, &Side::Metric);
        }
        ModelKey::Parameter(name) | ModelKey::Tag(name) => {
            let from = format!("SELECT t.model FROM {} AS t WHERE t.key = {}", table(key), sql.text(name));
            write_member(sql, &from, test, &Side::Text { value: "t.value", head: Some("t.head") });
        }
        ModelKey::Attribute(attribute) if attribute.is_number => write_number(sql, column(attribute), test),
        ModelKey::Attribute(attribute) => {
            sql.push("(");
            write_text(sql, &text_column(attribute), None, test);
            sql.push(")");
        }
    }
}

fn table(key: &ModelKey) -> &'static str {
    if matches!(key, ModelKey::Tag(_)) { "logged_model_tag" } else { "logged_model_parameter" }
}

fn column(attribute: &ModelAttribute) -> &'static str {
    match attribute.as_str() {
        "name" => "r.name",
        "model_type" => "r.kind",
        "status" => "r.status",
        "source_run_id" => "r.source_run",
        "artifact_location" => "r.artifacts",
        "experiment_id" => "r.experiment",
        "creation_timestamp" => "r.created",
        "last_updated_timestamp" => "r.updated",
        _ => "r.id",
    }
}

fn text_column(attribute: &ModelAttribute) -> String {
    let column = column(attribute);
    if column == "r.experiment" { "CAST(r.experiment AS TEXT)".to_owned() } else { column.to_owned() }
}
