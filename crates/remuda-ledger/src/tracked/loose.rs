//! Blobs of artifacts that no path holds: noted before their content is stored and when the last path lets go of them, so
//! that a crash at any moment leaves no blob that nobody knows of.
//!
//! A blob is noted, then stored, then held by a path. Whoever removes blobs does so under the lock of all writers, and
//! leaves those that were noted a short while ago: so none goes between being stored and being held.

use super::writer::{Change, OPERATION, Tracker, lock_key};
use crate::Blobs;
use crate::engine::{Transaction, Value};
use crate::error::{Error, database};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use remuda_model::Digest;

struct Note {
    digest: Digest,
    now: i64,
}

impl Change for Note {
    type Answer = ();

    fn apply<'a>(&'a self, product: &'a str, transaction: &'a mut Transaction) -> BoxFuture<'a, Result<(), Error>> {
        async move {
            lock_blobs(transaction).await?;
            note(product, transaction, self.digest.as_str(), self.now).await
        }
        .boxed()
    }
}

/// Products that share a database may share their blobs.
pub(super) async fn lock_blobs(transaction: &mut Transaction) -> Result<(), Error> {
    transaction.lock(lock_key("\u{1}blobs of artifacts")).await.map_err(|source| database(OPERATION, source))
}

const INSERT: &str = "INSERT INTO artifact_loose (product, digest, since)";

/// A blob that is about to be stored stays noted as late as it was: somebody else may be storing it.
const TAIL: &str = " ON CONFLICT (product, digest) DO UPDATE SET since = \
    CASE WHEN excluded.since > artifact_loose.since THEN excluded.since ELSE artifact_loose.since END";

/// What a path let go of can be removed at once.
const AT_ONCE: i64 = 0;

async fn note(product: &str, transaction: &mut Transaction, digest: &str, since: i64) -> Result<(), Error> {
    let values = [Value::Text(product), Value::Text(digest), Value::Integer(since)];
    transaction.insert(INSERT, 3, &values, TAIL).await.map(|_| ()).map_err(|source| database(OPERATION, source))
}

/// Notes a blob that a path lets go of.
pub(super) async fn loosen(product: &str, transaction: &mut Transaction, digest: &str) -> Result<(), Error> {
    note(product, transaction, digest, AT_ONCE).await
}

/// Notes the blobs of those rows of a product (`$1`) that a condition over `$2` and `$3` fits.
pub(super) async fn loosen_where(
    transaction: &mut Transaction,
    condition: &str,
    values: &[Value<'_>],
) -> Result<(), Error> {
    let sql = format!(
        "INSERT INTO artifact_loose (product, digest, since) SELECT DISTINCT product, digest, CAST({AT_ONCE} AS BIGINT) \
         FROM artifact WHERE product = $1 AND {condition} AND small IS NULL AND digest <> ''{TAIL}"
    );
    transaction.execute(sql, values).await.map(|_| ()).map_err(|source| database(OPERATION, source))
}

/// Blobs that were removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Freed {
    /// So many.
    pub blobs: u64,
    /// Of this size together.
    pub bytes: u64,
}

/// Blobs that are removed under one lock.
const AT_A_TIME: i64 = 64;

impl Tracker {
    /// Notes that a blob is about to be stored. When this returns the note is durable.
    ///
    /// # Errors
    /// The database failed.
    pub async fn note_loose(&self, digest: &Digest, now: i64) -> Result<(), Error> {
        self.change(Note { digest: digest.clone(), now }).await
    }

    /// Removes the blobs that nothing holds, but for those that were noted after `before` (milliseconds since 1970): who
    /// noted them may be storing them. A crash leaves blobs that the next call finds, and nothing missing.
    ///
    /// # Errors
    /// The database or the store failed; what was removed before stays removed.
    pub async fn free_blobs(&self, blobs: &Blobs, before: i64) -> Result<Freed, Error> {
        let failed = |source| database(OPERATION, source);
        let mut freed = Freed::default();
        loop {
            let mut transaction = self.ledger.pool.begin().await.map_err(failed)?;
            transaction.lock(lock_key(&self.product)).await.map_err(failed)?;
            lock_blobs(&mut transaction).await?;
            let loose = self.loose(&mut transaction, before).await?;
            for digest in &loose {
                self.free(&mut transaction, blobs, digest, before, &mut freed).await?;
            }
            transaction.commit().await.map_err(failed)?;
            if (loose.len() as i64) < AT_A_TIME {
                return Ok(freed);
            }
        }
    }

    async fn loose(&self, transaction: &mut Transaction, before: i64) -> Result<Vec<String>, Error> {
        const LOOSE: &str =
            "SELECT digest FROM artifact_loose WHERE product = $1 AND since <= $2 ORDER BY digest LIMIT $3";
        let failed = |source| database(OPERATION, source);
        let values = [Value::Text(&self.product), Value::Integer(before), Value::Integer(AT_A_TIME)];
        let rows = transaction.rows(LOOSE, &values).await.map_err(failed)?;
        rows.iter().map(|row| row.text(0)).collect::<Result<_, _>>().map_err(failed)
    }

    /// Removes one, unless a path of any product or a fact holds it, or somebody is storing it.
    async fn free(
        &self,
        transaction: &mut Transaction,
        blobs: &Blobs,
        digest: &str,
        before: i64,
        freed: &mut Freed,
    ) -> Result<(), Error> {
        const HELD: &str = "SELECT bytes FROM artifact WHERE digest = $1 AND small IS NULL AND digest <> '' LIMIT 1";
        const STORED: &str = "SELECT since FROM artifact_loose WHERE digest = $1 AND since > $2 LIMIT 1";
        const TOLD: &str = "SELECT sequence FROM link WHERE product = $1 AND target = $2 LIMIT 1";
        const KNOWN: &str = "DELETE FROM artifact_loose WHERE product = $1 AND digest = $2";
        let failed = |source| database(OPERATION, source);
        let own = [Value::Text(&self.product), Value::Text(digest)];
        let held = !transaction.rows(HELD, &[Value::Text(digest)]).await.map_err(failed)?.is_empty()
            || !transaction
                .rows(STORED, &[Value::Text(digest), Value::Integer(before)])
                .await
                .map_err(failed)?
                .is_empty()
            || !transaction.rows(TOLD, &own).await.map_err(failed)?.is_empty();
        if let (false, Ok(digest)) = (held, Digest::parse(digest)) {
            match blobs.size(&digest).await {
                Ok(bytes) => {
                    blobs.remove(&digest).await?;
                    freed.blobs += 1;
                    freed.bytes += bytes;
                }
                Err(Error::BlobMissing { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        transaction.execute(KNOWN, &own).await.map(|_| ()).map_err(failed)
    }
}
