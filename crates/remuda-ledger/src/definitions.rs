//! Definition texts: what a definition file said when a fact relied on it.

use crate::Ledger;
use crate::engine::Value;
use crate::error::Error;
use remuda_model::Digest;

/// The text of a definition file and where it lay. The same text may have lain at several paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// Digest of the text.
    pub digest: Digest,
    /// Path from the repository's root.
    pub path: String,
    /// The whole text.
    pub text: String,
}

impl Ledger {
    /// The definition with this digest, once for each path at which it lay, ordered by path.
    ///
    /// # Errors
    /// The database failed.
    pub async fn definition(&self, digest: &Digest) -> Result<Vec<Definition>, Error> {
        const DEFINITION: &str = "SELECT path, text FROM definition WHERE digest = $1 ORDER BY path";
        let read = |row: &crate::engine::Row| {
            Ok(Definition { digest: digest.clone(), path: row.text(0)?, text: row.text(1)? })
        };
        self.pool.list("read a definition", DEFINITION, &[Value::Text(digest.as_str())], read).await
    }

    /// The digests of all texts that were relied on at `path`, in no particular order.
    ///
    /// # Errors
    /// The database failed.
    pub async fn definitions_at(&self, path: &str) -> Result<Vec<Definition>, Error> {
        const AT: &str = "SELECT digest, text FROM definition WHERE path = $1";
        let rows = self
            .pool
            .list("read definitions", AT, &[Value::Text(path)], |row| Ok((row.text(0)?, row.text(1)?)))
            .await?;
        rows.into_iter()
            .map(|(digest, text)| match Digest::parse(&digest) {
                Ok(digest) => Ok(Definition { digest, path: path.to_owned(), text }),
                Err(error) => {
                    Err(Error::Unreadable { product: path.to_owned(), sequence: 0, message: error.to_string() })
                }
            })
            .collect()
    }
}
