//! Records that a runner kept in a spool and delivers later, perhaps twice: each is carried out once. What a record does
//! and the note that it was done are one transaction.

use super::refusal::Refusal;
use super::writer::{OPERATION, Tracker};
use crate::engine::{Transaction, Value};
use crate::error::{Error, database};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// A record of a spool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpoolRecord {
    /// The spool's id.
    pub spool: String,
    /// The record's number in it, from 1.
    pub sequence: i64,
}

/// Numbers the changes that one record brings.
pub(super) struct Claims {
    record: SpoolRecord,
    parts: AtomicI64,
}

/// One change of one record.
pub(super) struct Claim {
    record: SpoolRecord,
    part: i64,
}

impl Claims {
    pub(super) fn next(&self) -> Claim {
        Claim { record: self.record.clone(), part: self.parts.fetch_add(1, Ordering::Relaxed) }
    }
}

impl Claim {
    /// The refusal of what was carried out before.
    pub(super) fn known(&self) -> Error {
        let SpoolRecord { spool, sequence } = self.record.clone();
        Error::Refused(Refusal::Delivered { spool, sequence })
    }

    fn values<'a>(&'a self, product: &'a str) -> [Value<'a>; 4] {
        [
            Value::Text(product),
            Value::Text(&self.record.spool),
            Value::Integer(self.record.sequence),
            Value::Integer(self.part),
        ]
    }
}

/// Notes that it is carried out; false when it was before.
pub(super) async fn claim(product: &str, transaction: &mut Transaction, claim: &Claim) -> Result<bool, Error> {
    const INSERT: &str = "INSERT INTO tracked_delivery (product, spool, sequence, part)";
    let tail = " ON CONFLICT (product, spool, sequence, part) DO NOTHING";
    let inserted = transaction.insert(INSERT, 4, &claim.values(product), tail).await;
    Ok(inserted.map_err(|source| database(OPERATION, source))? > 0)
}

/// Takes the note back.
pub(super) async fn give_back(product: &str, transaction: &mut Transaction, claim: &Claim) -> Result<(), Error> {
    const DELETE: &str =
        "DELETE FROM tracked_delivery WHERE product = $1 AND spool = $2 AND sequence = $3 AND part = $4";
    let done = transaction.execute(DELETE, &claim.values(product)).await;
    done.map(|_| ()).map_err(|source| database(OPERATION, source))
}

impl Tracker {
    /// The same tracker for the changes that one record brings: each is carried out once, however often it comes.
    #[must_use]
    pub fn for_record(&self, record: SpoolRecord) -> Self {
        let claims = Claims { record, parts: AtomicI64::new(0) };
        Self { claims: Some(Arc::new(claims)), ..self.clone() }
    }

    /// The same tracker for changes that belong to no record.
    pub(super) fn plain(&self) -> Self {
        Self { claims: None, ..self.clone() }
    }

    /// Up to which record a spool was delivered, as far as its runner knows.
    ///
    /// # Errors
    /// The database failed.
    pub async fn delivered(&self, spool: &str) -> Result<i64, Error> {
        const THROUGH: &str = "SELECT through FROM tracked_delivered WHERE product = $1 AND spool = $2";
        let values = [Value::Text(&self.product), Value::Text(spool)];
        let found = self.ledger.pool.first("read deliveries", THROUGH, &values, |row| row.integer(0)).await?;
        Ok(found.unwrap_or(0))
    }

    /// Notes that the runner of a spool knows that its records up to `through` are here: their rows go.
    ///
    /// # Errors
    /// The database failed.
    pub async fn settle(&self, spool: &str, through: i64) -> Result<(), Error> {
        const THROUGH: &str = "INSERT INTO tracked_delivered (product, spool, through)";
        const TAIL: &str = " ON CONFLICT (product, spool) DO UPDATE SET through = excluded.through WHERE excluded.through > tracked_delivered.through";
        const ROWS: &str = "DELETE FROM tracked_delivery WHERE product = $1 AND spool = $2 AND sequence <= $3";
        let failed = |source| database("settle deliveries", source);
        let values = [Value::Text(&self.product), Value::Text(spool), Value::Integer(through)];
        let mut transaction = self.ledger.pool.begin().await.map_err(failed)?;
        transaction.insert(THROUGH, 3, &values, TAIL).await.map_err(failed)?;
        transaction.execute(ROWS, &values).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)
    }
}
