//! Metric points: written by an append, read for one metric of one run.

use crate::Ledger;
use crate::bulk::MetricPoint;
use crate::engine::{Row, Transaction, Value};
use crate::error::Error;

/// Rows to a page, where rows are read page by page.
pub(crate) const PAGE: i64 = 4096;

/// The metric points of one fact, after a position, in order.
pub(crate) const OF_FACT: &str = "SELECT run, name, step, time, value, position FROM metric_point \
    WHERE product = $1 AND sequence = $2 AND position > $3 ORDER BY position LIMIT $4";

/// The metric points of one run that came without a fact, after a position, in order.
pub(crate) const LOOSE: &str = "SELECT run, name, step, time, value, position FROM metric_point \
    WHERE product = $1 AND sequence = 0 AND run = $2 AND position > $3 ORDER BY position LIMIT $4";

pub(crate) fn read(row: &Row) -> Result<MetricPoint, sqlx::Error> {
    Ok(MetricPoint {
        run: row.text(0)?,
        name: row.text(1)?,
        step: row.integer(2)?,
        time: row.integer(3)?,
        value: row.optional_double(4)?.unwrap_or(f64::NAN),
    })
}

/// SQLite stores NaN as null, so both engines do.
pub(crate) fn storable(number: f64) -> Value<'static> {
    Value::OptionalDouble(if number.is_nan() { None } else { Some(number) })
}

/// Inserts metric points from a position on; gives how many were not there before.
pub(crate) async fn insert(
    transaction: &mut Transaction,
    product: &str,
    sequence: i64,
    first: i64,
    rows: &[MetricPoint],
) -> Result<u64, sqlx::Error> {
    const INSERT: &str = "INSERT INTO metric_point (product, sequence, position, run, name, step, time, value)";
    let mut inserted = 0;
    let mut position = first;
    // Slices bound the memory that the values take.
    for slice in rows.chunks(4096) {
        let mut values = Vec::with_capacity(slice.len() * 8);
        for row in slice {
            values.extend([
                Value::Text(product),
                Value::Integer(sequence),
                Value::Integer(position),
                Value::Text(&row.run),
                Value::Text(&row.name),
                Value::Integer(row.step),
                Value::Integer(row.time),
                storable(row.value),
            ]);
            position += 1;
        }
        inserted += transaction.insert(INSERT, 8, &values, " ON CONFLICT DO NOTHING").await?;
    }
    Ok(inserted)
}

/// The position of the next metric point without a fact.
pub(crate) async fn next_position(transaction: &mut Transaction, product: &str) -> Result<i64, sqlx::Error> {
    const NEXT: &str = "SELECT COALESCE(MAX(position), -1) + 1 FROM metric_point WHERE product = $1 AND sequence = 0";
    let rows = transaction.rows(NEXT, &[Value::Text(product)]).await?;
    rows.first().map_or(Ok(0), |row| row.integer(0))
}

impl Ledger {
    /// The points of one metric of a run, by step and time.
    ///
    /// # Errors
    /// The database failed.
    pub async fn metric_points(&self, product: &str, run: &str, name: &str) -> Result<Vec<MetricPoint>, Error> {
        const POINTS: &str = "SELECT run, name, step, time, value FROM metric_point \
            WHERE product = $1 AND run = $2 AND name = $3 ORDER BY step, time, sequence, position";
        let values = [Value::Text(product), Value::Text(run), Value::Text(name)];
        self.pool.list("read metric points", POINTS, &values, read).await
    }

    /// The names of a run's metrics, in order, each with the number of its points.
    ///
    /// # Errors
    /// The database failed.
    pub async fn metric_names(&self, product: &str, run: &str) -> Result<Vec<(String, i64)>, Error> {
        const NAMES: &str = "SELECT name, CAST(COUNT(*) AS BIGINT) FROM metric_point \
            WHERE product = $1 AND run = $2 GROUP BY name ORDER BY name";
        let values = [Value::Text(product), Value::Text(run)];
        self.pool.list("read metric names", NAMES, &values, |row| Ok((row.text(0)?, row.integer(1)?))).await
    }
}
