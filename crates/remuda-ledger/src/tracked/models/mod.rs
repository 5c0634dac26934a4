//! Models beside runs: those that scripts log (`logged.rs`, `logged_search.rs`), and registered models with versions
//! and aliases (`registered.rs`, `versions.rs`, `registry_search.rs`). `seek.rs` orders and pages what was found.

mod logged;
mod logged_search;
mod registered;
mod registry_search;
mod seek;
mod versions;

pub use logged::{LoggedChange, NewLoggedModel};
pub(super) use logged::{need_logged, put_points};
pub use logged_search::{LoggedFound, LoggedOrder, LoggedSearch};
pub use registered::{ModelAnswer, ModelChange, NewRegisteredModel};
pub use registry_search::RegistrySearch;
pub use seek::OrderPlace;
pub use versions::{FactsOf, NewVersion, VersionChange};

use super::runs::head;
use super::writer::OPERATION;
use crate::engine::{Transaction, Value};
use crate::error::{Error, database};
use std::collections::BTreeMap;

/// Writes tags or parameters into a table that filters read: `column` names whose they are.
async fn put_pairs(
    transaction: &mut Transaction,
    (table, column): (&str, &str),
    number: i64,
    pairs: &BTreeMap<String, String>,
) -> Result<(), Error> {
    let values: Vec<Value<'_>> = pairs
        .iter()
        .flat_map(|(key, value)| {
            [Value::Integer(number), Value::Text(key), Value::Text(value), Value::Text(head(value))]
        })
        .collect();
    let insert = format!("INSERT INTO {table} ({column}, key, value, head)");
    let tail = format!(" ON CONFLICT ({column}, key) DO UPDATE SET value = excluded.value, head = excluded.head");
    transaction.insert(&insert, 4, &values, &tail).await.map(|_| ()).map_err(|source| database(OPERATION, source))
}

/// Takes one out of such a table.
async fn take_pair(
    transaction: &mut Transaction,
    (table, column): (&str, &str),
    number: i64,
    key: &str,
) -> Result<(), Error> {
    let sql = format!("DELETE FROM {table} WHERE {column} = $1 AND key = $2");
    let values = [Value::Integer(number), Value::Text(key)];
    transaction.execute(sql, &values).await.map(|_| ()).map_err(|source| database(OPERATION, source))
}

fn json(pairs: &BTreeMap<String, String>) -> String {
    // Texts under texts: writing them as JSON cannot fail.
    serde_json::to_string(pairs).unwrap_or_default()
}
