//! The tree of artifacts: files stored, found, listed, deleted. Small content lies in the database, so that many small files
//! share flushes and need no object each; larger content is a blob, and `loose.rs` says which blobs nothing holds.
//!
//! Each folder has a row of its own in the folder above it, as long as something lies under it: so a listing reads
//! what it shows and nothing else.

use super::refusal::Refusal;
use super::writer::{Change, OPERATION, Tracker};
use crate::engine::{Row, Transaction, Value};
use crate::error::{Error, database};
use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use remuda_model::Digest;
use remuda_model::run::artifact::ArtifactPath;

/// Content up to this many bytes lies in the database.
pub const SMALL_ARTIFACT: usize = 64 * 1024;

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArtifactContent {
    /// The bytes.
    Small(Bytes),
    /// The bytes are a blob among those of artifacts.
    Blob,
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// Where it lies.
    pub path: ArtifactPath,
    /// The digest of its content.
    pub digest: Digest,
    /// The size of its content.
    pub bytes: u64,
    /// When it was stored, milliseconds since 1970.
    pub modified: i64,
    /// What it holds.
    pub content: ArtifactContent,
}

/// What lies in a folder: a file or a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArtifactEntry {
    /// The folder that it lies in.
    pub folder: String,
    /// Its name there.
    pub name: String,
    /// The digest of a file's content; `None` for a folder.
    pub digest: Option<Digest>,
    /// The size of a file's content; 0 for a folder.
    pub bytes: u64,
    /// When it was stored, milliseconds since 1970.
    pub modified: i64,
}

/// What stands at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArtifactPlace {
    /// A file.
    File(Artifact),
    /// A folder.
    Folder,
    /// Nothing.
    Nothing,
}

const READ: &str = "read artifacts";

/// The columns of [`ArtifactEntry`].
const ENTRY: &str = "SELECT folder, name, digest, bytes, modified FROM artifact";

fn read_entry(row: &Row) -> Result<ArtifactEntry, sqlx::Error> {
    Ok(ArtifactEntry {
        folder: row.text(0)?,
        name: row.text(1)?,
        digest: Digest::parse(&row.text(2)?).ok(),
        bytes: row.integer(3)?.max(0) as u64,
        modified: row.integer(4)?,
    })
}

/// The rows under a folder: its own children, and those of all folders below. No path holds a control character.
pub(super) fn ranges(folder: &str) -> [(String, String); 2] {
    [(folder.to_owned(), format!("{folder}\u{1}")), (format!("{folder}/"), format!("{folder}0"))]
}

struct Put(Artifact);

impl Change for Put {
    type Answer = ();

    fn apply<'a>(&'a self, product: &'a str, transaction: &'a mut Transaction) -> BoxFuture<'a, Result<(), Error>> {
        self.write(product, transaction).boxed()
    }
}

/// A row that is there already.
struct Known {
    digest: String,
    small: Option<i64>,
}

async fn known(product: &str, transaction: &mut Transaction, folder: &str, name: &str) -> Result<Option<Known>, Error> {
    const ONE: &str = "SELECT digest, small FROM artifact WHERE product = $1 AND folder = $2 AND name = $3";
    let failed = |source| database(OPERATION, source);
    let rows =
        transaction.rows(ONE, &[Value::Text(product), Value::Text(folder), Value::Text(name)]).await.map_err(failed)?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(Some(Known { digest: row.text(0).map_err(failed)?, small: row.optional_integer(1).map_err(failed)? }))
}

impl Put {
    async fn write(&self, product: &str, transaction: &mut Transaction) -> Result<(), Error> {
        const TAIL: &str = " ON CONFLICT (product, folder, name) DO UPDATE SET digest = excluded.digest, \
            bytes = excluded.bytes, modified = excluded.modified, small = excluded.small";
        let artifact = &self.0;
        let (folder, name) = artifact.path.split();
        let before = known(product, transaction, folder, name).await?;
        if before.as_ref().is_some_and(|before| before.digest.is_empty()) {
            return Err(misplaced(&artifact.path, "a folder"));
        }
        let missing = missing_folders(product, transaction, folder).await?;
        let small = self.put_content(product, transaction, before.as_ref()).await?;
        let mut values = Vec::new();
        for (parent, child) in &missing {
            values.extend(row_of(product, parent, child, "", 0, artifact.modified, None));
        }
        let bytes = i64::try_from(artifact.bytes).unwrap_or(i64::MAX);
        values.extend(row_of(product, folder, name, artifact.digest.as_str(), bytes, artifact.modified, small));
        transaction.insert(INSERT, 7, &values, TAIL).await.map(|_| ()).map_err(|source| database(OPERATION, source))
    }

    /// Stores small content, gives up what the file held before; gives the row of the content.
    async fn put_content(
        &self,
        product: &str,
        transaction: &mut Transaction,
        before: Option<&Known>,
    ) -> Result<Option<i64>, Error> {
        const UPDATE: &str = "UPDATE artifact_content SET content = $1 WHERE number = $2";
        const ADD: &str = "INSERT INTO artifact_content (content) VALUES ($1) RETURNING number";
        const FORGET: &str = "DELETE FROM artifact_content WHERE number = $1";
        let failed = |source| database(OPERATION, source);
        let artifact = &self.0;
        let number = before.and_then(|before| before.small);
        if let (Some(before), None) = (before, number)
            && before.digest != artifact.digest.as_str()
        {
            super::loose::loosen(product, transaction, &before.digest).await?;
        }
        match (&artifact.content, number) {
            (ArtifactContent::Small(content), Some(number)) => {
                let values = [Value::Bytes(content), Value::Integer(number)];
                transaction.execute(UPDATE, &values).await.map_err(failed)?;
                Ok(Some(number))
            }
            (ArtifactContent::Small(content), None) => {
                let rows = transaction.rows(ADD, &[Value::Bytes(content)]).await.map_err(failed)?;
                rows.first().map(|row| row.integer(0)).transpose().map_err(failed)
            }
            (ArtifactContent::Blob, _) => {
                if let Some(number) = number {
                    transaction.execute(FORGET, &[Value::Integer(number)]).await.map_err(failed)?;
                }
                Ok(None)
            }
        }
    }
}

const INSERT: &str = "INSERT INTO artifact (product, folder, name, digest, bytes, modified, small)";

fn row_of<'a>(
    product: &'a str,
    folder: &'a str,
    name: &'a str,
    digest: &'a str,
    bytes: i64,
    modified: i64,
    small: Option<i64>,
) -> [Value<'a>; 7] {
    [
        Value::Text(product),
        Value::Text(folder),
        Value::Text(name),
        Value::Text(digest),
        Value::Integer(bytes),
        Value::Integer(modified),
        Value::OptionalInteger(small),
    ]
}

fn misplaced(path: &ArtifactPath, found: &'static str) -> Error {
    Error::Refused(Refusal::Misplaced { path: path.as_str().to_owned(), found })
}

/// The folders on the way to this one, itself among them, that have no row yet: each with the folder above it.
async fn missing_folders(
    product: &str,
    transaction: &mut Transaction,
    folder: &str,
) -> Result<Vec<(String, String)>, Error> {
    let mut missing = Vec::new();
    let mut rest = folder;
    while !rest.is_empty() {
        let (parent, name) = rest.rsplit_once('/').unwrap_or(("", rest));
        match known(product, transaction, parent, name).await? {
            // What has a row lies in folders that have theirs.
            Some(found) if found.digest.is_empty() => return Ok(missing),
            Some(_) => {
                return Err(Error::Refused(Refusal::Misplaced { path: rest.to_owned(), found: "a file" }));
            }
            None => missing.push((parent.to_owned(), name.to_owned())),
        }
        rest = parent;
    }
    Ok(missing)
}

struct Delete(ArtifactPath);

impl Change for Delete {
    type Answer = u64;

    fn apply<'a>(&'a self, product: &'a str, transaction: &'a mut Transaction) -> BoxFuture<'a, Result<u64, Error>> {
        async move {
            let removed = remove_under(product, transaction, &self.0).await?;
            if removed == 0 {
                let name = self.0.as_str().to_owned();
                return Err(Error::Refused(Refusal::Missing { what: "artifact", name }));
            }
            Ok(removed)
        }
        .boxed()
    }
}

/// Removes a file, or a folder with all that lies under it; gives the number of rows that went. Blobs become loose.
pub(super) async fn remove_under(
    product: &str,
    transaction: &mut Transaction,
    path: &ArtifactPath,
) -> Result<u64, Error> {
    let (folder, name) = path.split();
    let mut removed = 0;
    if !path.is_top() {
        let own = "folder = $2 AND name = $3";
        removed += remove_where(product, transaction, own, [folder, name]).await?;
    }
    for (from, to) in ranges(path.as_str()) {
        removed += remove_where(product, transaction, "folder >= $2 AND folder < $3", [&from, &to]).await?;
    }
    if removed > 0 {
        prune(product, transaction, folder).await?;
    }
    Ok(removed)
}

async fn remove_where(
    product: &str,
    transaction: &mut Transaction,
    condition: &str,
    [first, second]: [&str; 2],
) -> Result<u64, Error> {
    let failed = |source| database(OPERATION, source);
    let values = [Value::Text(product), Value::Text(first), Value::Text(second)];
    super::loose::loosen_where(transaction, condition, &values).await?;
    let contents = format!(
        "DELETE FROM artifact_content WHERE number IN \
         (SELECT small FROM artifact WHERE product = $1 AND {condition} AND small IS NOT NULL)"
    );
    transaction.execute(contents, &values).await.map_err(failed)?;
    let rows = format!("DELETE FROM artifact WHERE product = $1 AND {condition}");
    transaction.execute(rows, &values).await.map_err(failed)
}

/// Removes the rows of folders that became empty, upwards.
async fn prune(product: &str, transaction: &mut Transaction, folder: &str) -> Result<(), Error> {
    const ANY: &str = "SELECT bytes FROM artifact WHERE product = $1 AND folder = $2 LIMIT 1";
    const GO: &str = "DELETE FROM artifact WHERE product = $1 AND folder = $2 AND name = $3 AND digest = ''";
    let failed = |source| database(OPERATION, source);
    let mut rest = folder;
    while !rest.is_empty() {
        let left = transaction.rows(ANY, &[Value::Text(product), Value::Text(rest)]).await.map_err(failed)?;
        if !left.is_empty() {
            return Ok(());
        }
        let (parent, name) = rest.rsplit_once('/').unwrap_or(("", rest));
        let values = [Value::Text(product), Value::Text(parent), Value::Text(name)];
        transaction.execute(GO, &values).await.map_err(failed)?;
        rest = parent;
    }
    Ok(())
}

impl Tracker {
    /// Stores a file, with the folders on its way; one that is there is replaced. When this returns it is durable. A blob's content
    /// must be stored already, after [`Tracker::note_loose`].
    ///
    /// # Errors
    /// [`Refusal::Misplaced`]: a folder stands there, or a file stands where a folder is needed; else the database failed.
    pub async fn put_artifact(&self, artifact: Artifact) -> Result<(), Error> {
        if artifact.path.is_top() {
            return Err(misplaced(&artifact.path, "a folder"));
        }
        self.change(Put(artifact)).await
    }

    /// What stands at a path.
    ///
    /// # Errors
    /// The database failed.
    pub async fn artifact(&self, path: &ArtifactPath) -> Result<ArtifactPlace, Error> {
        const ONE: &str = "SELECT digest, bytes, modified, small FROM artifact \
            WHERE product = $1 AND folder = $2 AND name = $3";
        const CONTENT: &str = "SELECT content FROM artifact_content WHERE number = $1";
        if path.is_top() {
            return Ok(ArtifactPlace::Folder);
        }
        let (folder, name) = path.split();
        let values = [Value::Text(&self.product), Value::Text(folder), Value::Text(name)];
        // A second look if the file was replaced between its row and its content.
        for _ in 0..3 {
            let found = self.ledger.pool.first(READ, ONE, &values, |row| {
                Ok((row.text(0)?, row.integer(1)?, row.integer(2)?, row.optional_integer(3)?))
            });
            let Some((digest, bytes, modified, small)) = found.await? else { return Ok(ArtifactPlace::Nothing) };
            let Ok(digest) = Digest::parse(&digest) else { return Ok(ArtifactPlace::Folder) };
            let content = match small {
                None => ArtifactContent::Blob,
                Some(number) => {
                    let values = [Value::Integer(number)];
                    let read = self.ledger.pool.first(READ, CONTENT, &values, |row| row.bytes(0)).await?;
                    match read.filter(|content| Digest::of(content) == digest) {
                        Some(content) => ArtifactContent::Small(content.into()),
                        None => continue,
                    }
                }
            };
            let bytes = bytes.max(0) as u64;
            return Ok(ArtifactPlace::File(Artifact { path: path.clone(), digest, bytes, modified, content }));
        }
        Err(Error::Invalid { message: format!("artifact `{}` does not hold what was stored", path.as_str()) })
    }

    /// What lies in a folder, by name; nothing for a file or where nothing is.
    ///
    /// # Errors
    /// The database failed.
    pub async fn artifacts_in(&self, folder: &ArtifactPath) -> Result<Vec<ArtifactEntry>, Error> {
        let sql = format!("{ENTRY} WHERE product = $1 AND folder = $2 ORDER BY name");
        let values = [Value::Text(&self.product), Value::Text(folder.as_str())];
        self.ledger.pool.list(READ, sql, &values, read_entry).await
    }

    /// The files under a folder, however deep, at most `limit`, after this one.
    ///
    /// # Errors
    /// The database failed.
    pub async fn artifacts_under(
        &self,
        folder: &ArtifactPath,
        after: Option<&ArtifactEntry>,
        limit: usize,
    ) -> Result<Vec<ArtifactEntry>, Error> {
        let sql = format!(
            "{ENTRY} WHERE product = $1 AND folder >= $2 AND folder < $3 AND (folder, name) > ($4, $5) AND digest <> '' \
             ORDER BY folder, name LIMIT $6"
        );
        let (last_folder, last_name) = after.map_or(("", ""), |entry| (entry.folder.as_str(), entry.name.as_str()));
        let mut found = Vec::new();
        for (from, to) in ranges(folder.as_str()) {
            // Below the top everything lies; its second range would begin with a slash.
            let to = if folder.is_top() { "\u{10ffff}".to_owned() } else { to };
            let values = [
                Value::Text(&self.product),
                Value::Text(&from),
                Value::Text(&to),
                Value::Text(last_folder),
                Value::Text(last_name),
                Value::Integer((limit - found.len()) as i64),
            ];
            found.extend(self.ledger.pool.list(READ, sql.clone(), &values, read_entry).await?);
            if found.len() >= limit || folder.is_top() {
                break;
            }
        }
        Ok(found)
    }

    /// Deletes a file, or a folder with all that lies under it.
    ///
    /// # Errors
    /// Nothing is there, or the database failed.
    pub async fn delete_artifacts(&self, path: &ArtifactPath) -> Result<(), Error> {
        self.change(Delete(path.clone())).await.map(|_| ())
    }
}
