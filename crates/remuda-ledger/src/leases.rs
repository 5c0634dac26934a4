//! Leases: who is at work on something now, by a heartbeat. A lease is no fact; it comes and goes.

use crate::Ledger;
use crate::engine::{Row, Value};
use crate::error::Error;

/// Somebody at work on something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// What is held: `run/018f…`.
    pub name: String,
    /// Who holds it.
    pub holder: String,
    /// The last heartbeat, microseconds since 1970, UTC.
    pub beat: i64,
}

fn read(row: &Row) -> Result<Lease, sqlx::Error> {
    Ok(Lease { name: row.text(0)?, holder: row.text(1)?, beat: row.integer(2)? })
}

impl Ledger {
    /// Takes a lease or keeps it alive; `false` if somebody else holds it.
    ///
    /// # Errors
    /// The database failed.
    pub async fn beat_lease(&self, name: &str, holder: &str, time: i64) -> Result<bool, Error> {
        self.take_lease(name, holder, time, i64::MIN).await
    }

    /// [`Ledger::beat_lease`], also from another holder whose last heartbeat is before `stale_before`.
    ///
    /// # Errors
    /// The database failed.
    pub async fn take_lease(&self, name: &str, holder: &str, time: i64, stale_before: i64) -> Result<bool, Error> {
        const TAKE: &str = "INSERT INTO lease (name, holder, beat) VALUES ($1, $2, $3) \
            ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, beat = excluded.beat \
            WHERE lease.holder = excluded.holder OR lease.beat < $4";
        let values = [Value::Text(name), Value::Text(holder), Value::Integer(time), Value::Integer(stale_before)];
        Ok(self.pool.execute("take a lease", TAKE, &values).await? > 0)
    }

    /// Gives a lease back; `false` if this holder does not hold it.
    ///
    /// # Errors
    /// The database failed.
    pub async fn release_lease(&self, name: &str, holder: &str) -> Result<bool, Error> {
        const RELEASE: &str = "DELETE FROM lease WHERE name = $1 AND holder = $2";
        let values = [Value::Text(name), Value::Text(holder)];
        Ok(self.pool.execute("release a lease", RELEASE, &values).await? > 0)
    }

    /// The lease of this name.
    ///
    /// # Errors
    /// The database failed.
    pub async fn lease(&self, name: &str) -> Result<Option<Lease>, Error> {
        const LEASE: &str = "SELECT name, holder, beat FROM lease WHERE name = $1";
        self.pool.first("read a lease", LEASE, &[Value::Text(name)], read).await
    }

    /// All leases, in order of their names.
    ///
    /// # Errors
    /// The database failed.
    pub async fn leases(&self) -> Result<Vec<Lease>, Error> {
        self.stale_leases(i64::MAX).await
    }

    /// The leases whose last heartbeat is before a time, in order of their names.
    ///
    /// # Errors
    /// The database failed.
    pub async fn stale_leases(&self, before: i64) -> Result<Vec<Lease>, Error> {
        const STALE: &str = "SELECT name, holder, beat FROM lease WHERE beat < $1 ORDER BY name";
        self.pool.list("list leases", STALE, &[Value::Integer(before)], read).await
    }
}
