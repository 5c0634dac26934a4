//! Orders and pages: any list of keys as `ORDER BY`, and the condition for what comes behind a place in it.

use super::super::search::{Owned, Sql};
use crate::engine::Row;

/// Where something stands in an order: what the next page begins behind.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderPlace {
    /// For each key of the order: 0 for a value, 1 for none; and the value.
    pub keys: Vec<(i64, Option<f64>, Option<String>)>,
}

/// A key of an order, as SQL.
pub(super) struct SeekKey {
    pub(super) value: String,
    pub(super) is_number: bool,
    pub(super) descending: bool,
}

impl SeekKey {
    pub(super) fn text(value: impl Into<String>, descending: bool) -> Self {
        Self { value: value.into(), is_number: false, descending }
    }

    pub(super) fn number(value: &str, descending: bool) -> Self {
        Self { value: format!("CAST({value} AS DOUBLE PRECISION)"), is_number: true, descending }
    }

    fn class(&self) -> String {
        format!("CASE WHEN {} IS NULL THEN 1 ELSE 0 END", self.value)
    }
}

/// `, class, value` for each key: what stands behind `SELECT r.number`.
pub(super) fn columns(keys: &[SeekKey]) -> String {
    keys.iter().map(|key| format!(", {}, {}", key.class(), key.value)).collect()
}

/// ` AND …`: what comes behind a place. The first key that differs decides.
pub(super) fn write_after(sql: &mut Sql, keys: &[SeekKey], after: &OrderPlace) {
    let mut equal = String::new();
    let mut cases = Vec::new();
    for (key, (class, number, text)) in keys.iter().zip(&after.keys) {
        let class_place = sql.place(Owned::Integer(*class));
        let class = key.class();
        cases.push(format!("({equal}{class} > {class_place})"));
        equal.push_str(&format!("{class} = {class_place} AND "));
        let place = match (key.is_number, number, text) {
            (true, Some(number), _) => sql.place(Owned::Double(*number)),
            (false, _, Some(text)) => sql.text(text),
            _ => continue,
        };
        let sign = if key.descending { "<" } else { ">" };
        cases.push(format!("({equal}{} {sign} {place})", key.value));
        equal.push_str(&format!("{} = {place} AND ", key.value));
    }
    sql.push(&format!(" AND ({})", cases.join(" OR ")));
}

/// ` ORDER BY … LIMIT …`.
pub(super) fn write_order(sql: &mut Sql, keys: &[SeekKey], limit: usize) {
    let parts: Vec<String> = keys
        .iter()
        .enumerate()
        .map(|(at, key)| format!("{}, {}{}", 2 + 2 * at, 3 + 2 * at, if key.descending { " DESC" } else { "" }))
        .collect();
    let limit = sql.place(Owned::Integer(i64::try_from(limit).unwrap_or(i64::MAX)));
    sql.push(&format!(" ORDER BY {} LIMIT {limit}", parts.join(", ")));
}

/// The number and the place of a row of [`columns`].
pub(super) fn read_place(row: &Row, keys: &[SeekKey]) -> Result<(i64, OrderPlace), sqlx::Error> {
    let mut place = OrderPlace { keys: Vec::with_capacity(keys.len()) };
    for (at, key) in keys.iter().enumerate() {
        let class = row.small(1 + 2 * at)?;
        let at = 2 + 2 * at;
        place.keys.push(match key.is_number {
            true => (class, row.optional_double(at)?, None),
            false => (class, None, row.optional_text(at)?),
        });
    }
    Ok((row.integer(0)?, place))
}

/// Of one more row than fits a page: the page, and where it ends if there is more.
pub(super) fn page(mut rows: Vec<(i64, OrderPlace)>, limit: usize) -> (Vec<i64>, Option<OrderPlace>) {
    let more = rows.len() > limit;
    rows.truncate(limit);
    let last = if more { rows.last().map(|(_, place)| place.clone()) } else { None };
    (rows.into_iter().map(|(number, _)| number).collect(), last)
}
