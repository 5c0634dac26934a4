//! Folding: points leave the journal, where they lie call by call, for parts by metric, and the latest of each metric goes
//! into the run's document and the table that filters read. All of a fold is one transaction.

use super::block;
use super::import::{Part, part_of};
use super::refusal::Refusal;
use super::runs::{COLUMNS, put_latest, read, write_document};
use super::writer::{OPERATION, Tracker, lock_key};
use crate::Ledger;
use crate::engine::{Row, Transaction, Value, lists};
use crate::error::{Error, database};
use remuda_model::run::tracked::{Point, TrackedRun};
use std::collections::{BTreeMap, HashSet};

/// Rows of the journal in one transaction at most.
const ROWS: i64 = 512;

/// A last part with fewer points than this is written anew together with what follows.
const SHORT: i64 = 512;

/// Points of a part at most.
pub(super) const PART: usize = 4096;

/// Folds all that lies in the journal of a product.
pub(super) async fn fold(ledger: &Ledger, product: &str) -> Result<(), Error> {
    let failed = |source| database(OPERATION, source);
    loop {
        if !lies_something(ledger, product).await? {
            return Ok(());
        }
        let mut transaction = ledger.pool.begin().await.map_err(failed)?;
        transaction.lock(lock_key(product)).await.map_err(failed)?;
        let folded = fold_some(product, &mut transaction).await?;
        transaction.commit().await.map_err(failed)?;
        if folded < ROWS {
            return Ok(());
        }
    }
}

async fn lies_something(ledger: &Ledger, product: &str) -> Result<bool, Error> {
    const ANY: &str = "SELECT sequence FROM tracked_journal WHERE product = $1 LIMIT 1";
    let found = ledger.pool.first(OPERATION, ANY, &[Value::Text(product)], |row| row.integer(0)).await?;
    Ok(found.is_some())
}

impl Tracker {
    /// Folds the journal, so that filters and histories see all that was acknowledged.
    ///
    /// # Errors
    /// The database failed; the journal then stays as it is.
    pub async fn fold(&self) -> Result<(), Error> {
        if self.ledger.is_read_only() {
            return Ok(());
        }
        fold(&self.ledger, &self.product).await
    }
}

/// Folds the oldest rows; gives their number.
async fn fold_some(product: &str, transaction: &mut Transaction) -> Result<i64, Error> {
    const OLDEST: &str =
        "SELECT sequence, run, points FROM tracked_journal WHERE product = $1 ORDER BY sequence LIMIT $2";
    let failed = |source| database(OPERATION, source);
    let rows = transaction.rows(OLDEST, &[Value::Text(product), Value::Integer(ROWS)]).await.map_err(failed)?;
    let mut sequences = Vec::with_capacity(rows.len());
    let mut by_run: BTreeMap<i64, Vec<Point>> = BTreeMap::new();
    for row in &rows {
        sequences.push(row.integer(0).map_err(failed)?);
        let points = block::decode(&row.bytes(2).map_err(failed)?)?;
        by_run.entry(row.integer(1).map_err(failed)?).or_default().extend(points);
    }
    drop(rows);
    for (number, points) in by_run {
        fold_run(transaction, number, points).await?;
    }
    remove(transaction, &sequences).await?;
    Ok(sequences.len() as i64)
}

async fn remove(transaction: &mut Transaction, sequences: &[i64]) -> Result<(), Error> {
    let texts: Vec<String> = sequences.iter().map(i64::to_string).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let sql = format!(
        "DELETE FROM tracked_journal WHERE sequence IN (SELECT CAST(asked.id AS BIGINT) FROM {}) AND sequence >= $1",
        transaction.asked()
    );
    for list in lists(&texts) {
        let values = [Value::Integer(0), Value::Text(&list)];
        transaction.execute(sql.clone(), &values).await.map_err(|source| database(OPERATION, source))?;
    }
    Ok(())
}

/// Folds the points of one run, in the order in which they came.
pub(super) async fn fold_run(transaction: &mut Transaction, number: i64, points: Vec<Point>) -> Result<(), Error> {
    let Some(mut run) = run_of(transaction, number).await? else { return Ok(()) };
    let mut keys: BTreeMap<String, Vec<Point>> = BTreeMap::new();
    for point in points {
        run.document.take(&point);
        match keys.get_mut(&point.key) {
            Some(known) => known.push(point),
            None => {
                keys.insert(point.key.clone(), vec![point]);
            }
        }
    }
    write_document(transaction, number, &run.document).await?;
    let latest = keys.keys().filter_map(|key| Some((number, key.as_str(), run.document.metrics.get(key)?.value)));
    put_latest(transaction, latest).await?;
    let mut tails = tails(transaction, number, &keys).await?;
    let mut parts: Vec<(&str, Vec<Part>)> = Vec::new();
    for (key, points) in &keys {
        parts.push((key, new_parts(points, tails.remove(key))?));
    }
    let mut all = Vec::new();
    for (key, parts) in &parts {
        all.extend(parts.iter().map(|part| (number, *key, part)));
    }
    write_parts(transaction, &all).await
}

async fn run_of(transaction: &mut Transaction, number: i64) -> Result<Option<TrackedRun>, Error> {
    let failed = |source| database(OPERATION, source);
    let sql = format!("SELECT {COLUMNS} FROM tracked_run WHERE number = $1");
    let rows = transaction.rows(sql, &[Value::Integer(number)]).await.map_err(failed)?;
    rows.first().map(|row| read(row).map_err(failed)?.finish()).transpose()
}

/// The last part of a metric.
struct Tail {
    part: i64,
    count: i64,
    points: Vec<u8>,
}

async fn tails(
    transaction: &mut Transaction,
    number: i64,
    keys: &BTreeMap<String, Vec<Point>>,
) -> Result<BTreeMap<String, Tail>, Error> {
    let failed = |source| database(OPERATION, source);
    let names: Vec<&str> = keys.keys().map(String::as_str).collect();
    let sql = format!(
        "SELECT last.key, last.part, last.count, last.points FROM {} CROSS JOIN tracked_part AS last \
         WHERE last.run = $1 AND last.key = asked.id AND last.part = \
         (SELECT MAX(part) FROM tracked_part AS other WHERE other.run = $1 AND other.key = asked.id)",
        transaction.asked()
    );
    let tail = |row: &Row| {
        Ok::<_, sqlx::Error>((
            row.text(0)?,
            Tail { part: row.integer(1)?, count: row.integer(2)?, points: row.bytes(3)? },
        ))
    };
    let mut found = BTreeMap::new();
    for list in lists(&names) {
        let values = [Value::Integer(number), Value::Text(&list)];
        for row in transaction.rows(sql.clone(), &values).await.map_err(failed)? {
            let (key, last) = tail(&row).map_err(failed)?;
            found.insert(key, last);
        }
    }
    Ok(found)
}

/// The parts that points of a metric add. A point that is there already, to the last bit, is left out: callers repeat
/// what they are not sure to have delivered.
fn new_parts(points: &[Point], tail: Option<Tail>) -> Result<Vec<Part>, Error> {
    let mut parts = Vec::new();
    let Some(tail) = tail else {
        push_parts(&without(points, &[]), 0, &mut parts);
        return Ok(parts);
    };
    let known = block::decode(&tail.points)?;
    let fresh = without(points, &known);
    if fresh.is_empty() {
        return Ok(parts);
    }
    if tail.count < SHORT {
        let whole: Vec<Point> = known.into_iter().chain(fresh).collect();
        push_parts(&whole, tail.part, &mut parts);
    } else {
        push_parts(&fresh, tail.part + 1, &mut parts);
    }
    Ok(parts)
}

/// The points that are neither known nor named twice.
pub(super) fn without(points: &[Point], known: &[Point]) -> Vec<Point> {
    let name = |point: &Point| (point.step, point.time, point.value.map(f64::to_bits));
    let mut seen: HashSet<_> = known.iter().map(name).collect();
    points.iter().filter(|point| seen.insert(name(point))).cloned().collect()
}

/// Cuts points into parts, numbered from `first` on.
pub(super) fn push_parts(points: &[Point], first: i64, parts: &mut Vec<Part>) {
    parts.extend((first..).zip(points.chunks(PART)).map(|(part, points)| part_of(part, points)));
}

/// Writes parts: run, metric and part each.
pub(super) async fn write_parts(transaction: &mut Transaction, parts: &[(i64, &str, &Part)]) -> Result<(), Error> {
    const INSERT: &str = "INSERT INTO tracked_part (run, key, part, count, first_step, last_step, points)";
    const TAIL: &str = " ON CONFLICT (run, key, part) DO UPDATE SET count = excluded.count, \
        first_step = excluded.first_step, last_step = excluded.last_step, points = excluded.points";
    let values: Vec<Value<'_>> = parts
        .iter()
        .flat_map(|(run, key, part)| {
            [
                Value::Integer(*run),
                Value::Text(key),
                Value::Integer(part.part),
                Value::Integer(part.count),
                Value::Integer(part.steps.0),
                Value::Integer(part.steps.1),
                Value::Bytes(&part.points),
            ]
        })
        .collect();
    transaction.insert(INSERT, 7, &values, TAIL).await.map(|_| ()).map_err(|source| database(OPERATION, source))
}

/// The error that a run is missing.
pub(super) fn missing_run(id: &str) -> Error {
    Error::Refused(Refusal::Missing { what: "run", name: id.to_owned() })
}
