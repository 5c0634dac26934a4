//! Bodies that are too large for the journal: files of the spool, on the disk before their record is.

use crate::error::{Error, Result};
use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use remuda_model::Digest;
use serde::{Deserialize, Serialize};
use std::path::Path;
use tokio::io::AsyncWriteExt as _;

/// A file of a spool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpooledFile {
    /// Its name in the spool.
    pub name: String,
    /// Its bytes.
    pub bytes: u64,
    /// Their digest.
    pub digest: Digest,
}

/// Writes a body to a file of the spool; when this returns it is on the disk.
///
/// # Errors
/// The body broke off, or the disk takes no more; nothing is kept then.
pub async fn receive(
    spool: &Path,
    name: &str,
    mut body: impl Stream<Item = std::io::Result<Bytes>> + Unpin + Send,
) -> Result<SpooledFile> {
    let path = spool.join("files").join(name);
    let write = async {
        let mut file = tokio::fs::File::create(&path).await?;
        let mut hasher = blake3::Hasher::new();
        let mut bytes = 0;
        while let Some(chunk) = body.next().await {
            let chunk = chunk?;
            hasher.update(&chunk);
            bytes += chunk.len() as u64;
            file.write_all(&chunk).await?;
        }
        file.flush().await?;
        file.sync_data().await?;
        Ok(SpooledFile { name: name.to_owned(), bytes, digest: Digest::from_hash(hasher.finalize()) })
    };
    let written: std::io::Result<SpooledFile> = write.await;
    if written.is_err() {
        let _ = tokio::fs::remove_file(&path).await;
    }
    written.map_err(|source| {
        let code = crate::error::code_of_io(&source, "request.invalid");
        Error::new(code, "the file could not be kept in the spool").caused_by(&source)
    })
}

/// Copies a file of this machine into the spool.
///
/// # Errors
/// It cannot be read, or the disk takes no more.
pub fn copy(spool: &Path, name: &str, file: &Path) -> Result<()> {
    let path = spool.join("files").join(name);
    std::fs::copy(file, &path)?;
    Ok(std::fs::File::open(&path)?.sync_data()?)
}

/// Whether a file of a spool still holds what was kept.
///
/// # Errors
/// It cannot be read.
pub fn is_whole(path: &Path, file: &SpooledFile) -> Result<bool> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(std::fs::File::open(path)?)?;
    Ok(Digest::from_hash(hasher.finalize()) == file.digest)
}
