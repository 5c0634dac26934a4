//! Pages that cost what they show and not what there is: runs in the order of one metric, read from the metric's index, and
//! the newest that fit a filter which many fit.

use super::runs::READ;
use super::search::{Owned, RunOrder, RunSearch, Sql, value_of, write_conditions, write_filter, write_test};
use super::writer::Tracker;
use crate::engine::{Row, Value};
use crate::error::Error;
use remuda_model::run::filter::{Filter, Key};

/// Of fewer runs than this, sorting them costs less than walking the index past the others.
const FEW: i64 = 2_000;

/// So many of the newest runs are asked whether they fit, before all that fit are gathered; for pages of this size.
const NEWEST: i64 = 4_000;
const PAGE: usize = 1_001;

/// The filter that every run fits.
const EVERY: Filter = Filter::All(Vec::new());

/// Whether runs have a number for the metric, have one that is none, or have none.
const CLASSES: [i64; 3] = [0, 1, 2];

impl Tracker {
    /// The places of a page in the order of one metric; `None` when the order is another one, or sorting costs less.
    pub(super) async fn places_by_metric(&self, search: &RunSearch<'_>) -> Result<Option<Vec<RunOrder>>, Error> {
        let [order] = search.order else { return Ok(None) };
        let Key::Metric(name) = &order.key else { return Ok(None) };
        let narrow = !search.experiments.is_empty() || *search.filter != EVERY;
        if narrow && self.are_few(search).await? {
            return Ok(None);
        }
        let after = search.after.filter(|after| after.keys.len() == 1);
        let first = after.and_then(|after| after.keys.first()).map_or(0, |(class, _, _)| *class);
        let mut places = Vec::new();
        for class in CLASSES.into_iter().filter(|class| *class >= first) {
            let room = search.limit.saturating_sub(places.len());
            if room == 0 {
                break;
            }
            let mut sql = self.sql();
            let after = after.filter(|_| class == first);
            match class {
                2 => write_without(&mut sql, &self.product, search, name),
                _ => write_with(&mut sql, &self.product, search, (name, class == 0, order.descending), after),
            }
            if let Some(after) = after {
                write_after(&mut sql, after, class == 0, order.descending);
            }
            let direction = if order.descending { " DESC" } else { "" };
            let by_value = if class == 0 { format!("m.value{direction}, ") } else { String::new() };
            sql.push(&format!(" ORDER BY {by_value}r.started DESC, r.id LIMIT "));
            let limit = sql.place(Owned::Integer(i64::try_from(room).unwrap_or(i64::MAX)));
            sql.push(&limit);
            let values: Vec<Value<'_>> = sql.values.iter().map(value_of).collect();
            places.extend(self.ledger.pool.list(READ, sql.text, &values, |row| read(row, class)).await?);
        }
        Ok(Some(places))
    }

    /// The places of the newest runs that fit, when enough of the newest do; `None` when the whole must be searched.
    pub(super) async fn places_of_newest(&self, search: &RunSearch<'_>) -> Result<Option<Vec<RunOrder>>, Error> {
        if !search.order.is_empty() || *search.filter == EVERY || search.limit > PAGE {
            return Ok(None);
        }
        let mut sql = self.sql();
        sql.probing = true;
        sql.push("SELECT r.started, r.id FROM (SELECT r.* FROM tracked_run AS r WHERE ");
        write_conditions(&mut sql, &self.product, &RunSearch { filter: &EVERY, ..search.clone() });
        if let Some(after) = search.after {
            write_after(&mut sql, after, false, false);
        }
        sql.push(&format!(" ORDER BY r.started DESC, r.id LIMIT {NEWEST}) AS r WHERE "));
        write_filter(&mut sql, search.filter, &write_test);
        sql.push(" ORDER BY r.started DESC, r.id LIMIT ");
        let limit = sql.place(Owned::Integer(i64::try_from(search.limit).unwrap_or(i64::MAX)));
        sql.push(&limit);
        let values: Vec<Value<'_>> = sql.values.iter().map(value_of).collect();
        let place =
            |row: &Row| Ok::<_, sqlx::Error>(RunOrder { started: row.integer(0)?, id: row.text(1)?, keys: Vec::new() });
        let places = self.ledger.pool.list(READ, sql.text, &values, place).await?;
        Ok(if places.len() < search.limit { None } else { Some(places) })
    }

    async fn are_few(&self, search: &RunSearch<'_>) -> Result<bool, Error> {
        let mut sql = self.sql();
        sql.push("SELECT COUNT(*) FROM (SELECT 1 FROM tracked_run AS r WHERE ");
        write_conditions(&mut sql, &self.product, search);
        sql.push(&format!(" LIMIT {FEW}) AS few"));
        let values: Vec<Value<'_>> = sql.values.iter().map(value_of).collect();
        let found = self.ledger.pool.first(READ, sql.text, &values, |row| row.integer(0)).await?;
        Ok(found.unwrap_or_default() < FEW)
    }
}

/// Runs that have the metric. `CROSS JOIN` keeps SQLite from beginning with the runs, which it would then have to sort.
fn write_with(
    sql: &mut Sql,
    product: &str,
    search: &RunSearch<'_>,
    (name, numbers, descending): (&str, bool, bool),
    after: Option<&RunOrder>,
) {
    let key = sql.text(name);
    let known = if numbers { "IS NOT NULL" } else { "IS NULL" };
    sql.push(&format!(
        "SELECT r.started, r.id, m.value FROM tracked_metric AS m CROSS JOIN tracked_run AS r \
         WHERE m.key = {key} AND m.value {known} AND r.number = m.run AND "
    ));
    write_conditions(sql, product, search);
    // Said apart from what decides between equal values, so that the index begins where the page before ended.
    let value = after.and_then(|after| after.keys.first()).and_then(|(_, value, _)| *value);
    if let Some(value) = value.filter(|_| numbers) {
        let place = sql.place(Owned::Double(value));
        sql.push(&format!(" AND m.value {} {place}", if descending { "<=" } else { ">=" }));
    }
}

/// Runs that do not have it.
fn write_without(sql: &mut Sql, product: &str, search: &RunSearch<'_>, name: &str) {
    let key = sql.text(name);
    sql.push("SELECT r.started, r.id, NULL FROM tracked_run AS r WHERE ");
    write_conditions(sql, product, search);
    sql.push(&format!(" AND NOT EXISTS (SELECT 1 FROM tracked_metric AS m WHERE m.run = r.number AND m.key = {key})"));
}

fn write_after(sql: &mut Sql, after: &RunOrder, numbers: bool, descending: bool) {
    let value = after.keys.first().and_then(|(_, value, _)| *value).filter(|_| numbers);
    let started = sql.place(Owned::Integer(after.started));
    let id = sql.text(&after.id);
    let behind = format!("r.started < {started} OR (r.started = {started} AND r.id > {id})");
    match value {
        Some(value) => {
            let place = sql.place(Owned::Double(value));
            let sign = if descending { "<" } else { ">" };
            sql.push(&format!(" AND (m.value {sign} {place} OR {behind})"));
        }
        None => sql.push(&format!(" AND ({behind})")),
    }
}

fn read(row: &Row, class: i64) -> Result<RunOrder, sqlx::Error> {
    let value = if class == 0 { row.optional_double(2)? } else { None };
    Ok(RunOrder { started: row.integer(0)?, id: row.text(1)?, keys: vec![(class, value, None)] })
}
