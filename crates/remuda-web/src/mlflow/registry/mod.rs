//! The model registry: registered models, versions, aliases, stages.
//!
//! `names.rs` checks names; `models.rs` and `versions.rs` hold a route each for what clients ask.

mod models;
mod names;
mod versions;

use super::Routes;
use super::fields::{Fields, invalid};
use super::places;
use remuda_app::Error;
use remuda_app::run::tracked::OrderPlace;
use remuda_app::words::model::filter::{ModelAttribute, attribute};
use remuda_app::words::model::registered::{RegisteredModel, RegisteredVersion};
use remuda_app::words::run::filter::FilterError;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) fn routes(routes: Routes) -> Routes {
    versions::routes(models::routes(routes))
}

/// A filter that cannot be read.
pub(super) fn unreadable(text: &str, error: &FilterError) -> Error {
    let hint = if error.hint.is_empty() { String::new() } else { format!(" ({})", error.hint) };
    let place = text.get(..error.span.start).map_or(1, |before| before.chars().count() + 1);
    invalid(format!("Invalid filter string: {} at character {place}{hint}", error.message))
}

fn pairs(tags: &BTreeMap<String, String>) -> Vec<Value> {
    tags.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect()
}

/// A registered model as the protocol writes it.
fn model(model: &RegisteredModel) -> Value {
    let mut written = json!({
        "name": model.name,
        "creation_timestamp": model.created,
        "last_updated_timestamp": model.updated,
    });
    if let Some(description) = model.description.as_ref().filter(|text| !text.is_empty()) {
        written["description"] = json!(description);
    }
    if !model.latest.is_empty() {
        written["latest_versions"] = model.latest.iter().map(version).collect();
    }
    if !model.tags.is_empty() {
        written["tags"] = Value::from(pairs(&model.tags));
    }
    if !model.aliases.is_empty() {
        let alias = |(alias, version): (&String, &i64)| json!({ "alias": alias, "version": version.to_string() });
        written["aliases"] = model.aliases.iter().map(alias).collect();
    }
    written
}

/// A version as the protocol writes it. It is ready at once: its files were there before it.
fn version(version: &RegisteredVersion) -> Value {
    let mut written = json!({
        "name": version.model,
        "version": version.version.to_string(),
        "creation_timestamp": version.created,
        "last_updated_timestamp": version.updated,
        "user_id": version.actor,
        "current_stage": version.stage.as_str(),
        "description": version.description.clone().unwrap_or_default(),
        "source": version.source,
        "run_id": version.run.clone().unwrap_or_default(),
        "run_link": version.run_link.clone().unwrap_or_default(),
        "status": "READY",
    });
    if !version.tags.is_empty() {
        written["tags"] = Value::from(pairs(&version.tags));
    }
    if !version.aliases.is_empty() {
        written["aliases"] = json!(version.aliases);
    }
    if let Some(logged) = &version.logged {
        written["model_id"] = json!(logged);
    }
    written
}

/// Orders, the greatest first or last.
type Order = Vec<(&'static ModelAttribute, bool)>;

/// Reads the clauses of an order.
fn order(fields: &Fields, known: &'static [ModelAttribute]) -> Result<Order, Error> {
    let clauses = fields.texts("order_by")?;
    let mut order: Order = Vec::new();
    for clause in clauses.iter().filter(|clause| !clause.trim().is_empty()) {
        let mut words = clause.split_whitespace();
        let key = words.next().unwrap_or_default().trim_matches(['`', '"']);
        let key = key.strip_prefix("attributes.").or_else(|| key.strip_prefix("attribute.")).unwrap_or(key);
        let found = attribute(known, key).ok_or_else(|| {
            let keys: Vec<&str> = known.iter().map(ModelAttribute::as_str).collect();
            invalid(format!("Invalid order by key '{key}' specified. Valid keys are {}", keys.join(", ")))
        })?;
        let descending = match words.next().map(str::to_ascii_lowercase).as_deref() {
            None | Some("asc") => false,
            Some("desc") => true,
            Some(_) => return Err(invalid(format!("Invalid ordering key in order_by clause '{clause}'."))),
        };
        if words.next().is_some() {
            return Err(invalid(format!("Invalid order_by clause '{clause}'. Could not be parsed.")));
        }
        if order.iter().any(|(before, _)| before.as_str() == found.as_str()) {
            return Err(invalid(format!("`order_by` contains duplicate fields: {}", Value::from(clauses.clone()))));
        }
        order.push((found, descending));
    }
    Ok(order)
}

/// The page that a request asks for, and the mark of its search.
fn page(fields: &Fields, kind: &str) -> Result<(Option<OrderPlace>, String), Error> {
    let filter = fields.text("filter")?.unwrap_or_default();
    let mark = places::mark(&[kind, &filter, &fields.texts("order_by")?.join(",")]);
    let after = fields.text("page_token")?.map(|token| places::read(&token, &mark)).transpose()?;
    Ok((after, mark))
}

/// A page of what was found.
fn found(name: &str, all: Vec<Value>, last: Option<&OrderPlace>, mark: &str) -> Value {
    let mut answer = json!({});
    if !all.is_empty() {
        answer[name] = Value::from(all);
    }
    if let Some(last) = last {
        answer["next_page_token"] = json!(places::write(last, mark));
    }
    answer
}
