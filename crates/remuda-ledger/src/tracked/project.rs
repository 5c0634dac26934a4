//! Runs whose facts tell everything, taken over into the tables that filters read: which facts were taken is kept in the
//! same transaction, so that nothing is taken twice or lost.

use super::log::Batch;
use super::refusal::Refusal;
use super::runs::{NewRun, READ, put_keys, put_latest, stored_run, stored_runs, write_document};
use super::writer::{Change, OPERATION, Tracker};
use crate::engine::{Transaction, Value};
use crate::error::{Error, database};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use remuda_model::run::tracked::TrackedStatus;

/// What one fact says of a run.
#[derive(Clone, Debug)]
pub enum Told {
    /// It began.
    Began(NewRun),
    /// It recorded something.
    Recorded(String, Batch),
    /// It ended, at this time in milliseconds since 1970.
    Ended(String, TrackedStatus, i64),
}

struct Take {
    from: i64,
    upto: i64,
    told: Vec<Told>,
}

impl Change for Take {
    type Answer = bool;

    fn apply<'a>(&'a self, product: &'a str, transaction: &'a mut Transaction) -> BoxFuture<'a, Result<bool, Error>> {
        async move {
            const CURSOR: &str = "SELECT sequence FROM tracked_cursor WHERE product = $1";
            const MOVE: &str = "INSERT INTO tracked_cursor (product, sequence) VALUES ($1, $2) \
                ON CONFLICT (product) DO UPDATE SET sequence = excluded.sequence";
            let failed = |source| database(OPERATION, source);
            let rows = transaction.rows(CURSOR, &[Value::Text(product)]).await.map_err(failed)?;
            let cursor = rows.first().map_or(Ok(0), |row| row.integer(0)).map_err(failed)?;
            if cursor != self.from {
                return Ok(false);
            }
            for told in &self.told {
                match take(product, transaction, told).await {
                    // A run that is here already was begun by its runner; one that is not was collected.
                    Ok(()) | Err(Error::Refused(Refusal::Taken { .. } | Refusal::Missing { .. })) => {}
                    Err(error) => return Err(error),
                }
            }
            let moved = [Value::Text(product), Value::Integer(self.upto)];
            transaction.execute(MOVE, &moved).await.map_err(failed)?;
            Ok(true)
        }
        .boxed()
    }
}

async fn take(product: &str, transaction: &mut Transaction, told: &Told) -> Result<(), Error> {
    const END: &str = "UPDATE tracked_run SET status = $1, ended = $2 WHERE product = $3 AND id = $4 AND native = 1";
    match told {
        Told::Began(run) => {
            if !stored_runs(product, transaction, &[&run.id]).await?.is_empty() {
                return Ok(());
            }
            run.apply(product, transaction).await.map(|_| ())
        }
        Told::Recorded(run, batch) => {
            let stored = stored_run(product, transaction, run).await?;
            let mut document = stored.document;
            document.parameters.extend(batch.parameters.iter().cloned());
            document.tags.extend(batch.tags.iter().cloned());
            for point in &batch.points {
                // What is recorded has no steps: the last word counts.
                document.metrics.insert(point.key.clone(), point.latest());
            }
            put_keys(transaction, "tracked_parameter", stored.number, &batch.parameters).await?;
            put_keys(transaction, "tracked_tag", stored.number, &batch.tags).await?;
            let latest: std::collections::BTreeMap<&str, Option<f64>> =
                batch.points.iter().map(|point| (point.key.as_str(), point.value)).collect();
            put_latest(transaction, latest.into_iter().map(|(key, value)| (stored.number, key, value))).await?;
            write_document(transaction, stored.number, &document).await
        }
        Told::Ended(run, status, time) => {
            let values = [Value::Text(status.as_str()), Value::Integer(*time), Value::Text(product), Value::Text(run)];
            transaction.execute(END, &values).await.map(|_| ()).map_err(|source| database(OPERATION, source))
        }
    }
}

impl Tracker {
    /// The place in the chain up to which facts were taken over.
    ///
    /// # Errors
    /// The database failed.
    pub async fn cursor(&self) -> Result<i64, Error> {
        const CURSOR: &str = "SELECT sequence FROM tracked_cursor WHERE product = $1";
        let found = self.ledger.pool.first(READ, CURSOR, &[Value::Text(&self.product)], |row| row.integer(0)).await?;
        Ok(found.unwrap_or_default())
    }

    /// Takes over what facts after `from` up to `upto` say; false if somebody else has taken them meanwhile.
    ///
    /// # Errors
    /// The database failed.
    pub async fn take_over(&self, from: i64, upto: i64, told: Vec<Told>) -> Result<bool, Error> {
        self.change(Take { from, upto, told }).await
    }

    /// The newest place in the chain of facts.
    ///
    /// # Errors
    /// The database failed.
    pub async fn newest_fact(&self) -> Result<i64, Error> {
        const HEAD: &str = "SELECT sequence FROM chain WHERE product = $1";
        let found = self.ledger.pool.first(READ, HEAD, &[Value::Text(&self.product)], |row| row.integer(0)).await?;
        Ok(found.unwrap_or_default())
    }
}
