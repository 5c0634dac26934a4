//! Files that travel: uploads and downloads of HTTP callers, and pushed sets of definitions.
//!
//! They lie in `.remuda/uploads/` under their digest, written aside and renamed, and are swept after a day: what a
//! use case keeps of them goes into the blob store.

use crate::app::App;
use crate::context::{Context, DefinitionFiles};
use crate::error::{Error, Result};
use bytes::Bytes;
use futures::{Stream, StreamExt};
use remuda_model::Digest;
use std::path::{Path, PathBuf};
use tokio::io::AsyncWriteExt;

/// A request's file: where it lies here, and what its owner calls it.
pub(crate) struct RequestFile {
    /// Where it lies.
    pub(crate) path: PathBuf,
    /// Its own name, without folder.
    pub(crate) name: String,
}

impl App {
    fn uploads(&self) -> Result<PathBuf> {
        let folder = self.folder.join("uploads");
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// Receives a file in constant memory; answers its digest.
    ///
    /// # Errors
    /// The stream broke off or the disk is full; nothing is kept then.
    pub async fn receive_upload<S>(&self, mut stream: S) -> Result<String>
    where
        S: Stream<Item = std::io::Result<Bytes>> + Unpin,
    {
        let folder = self.uploads()?;
        let scratch = tempfile::NamedTempFile::new_in(&folder)?;
        let mut file = tokio::fs::File::from_std(scratch.reopen()?);
        let mut hasher = blake3::Hasher::new();
        while let Some(chunk) = stream.next().await {
            let chunk = chunk?;
            hasher.update(&chunk);
            file.write_all(&chunk).await?;
        }
        file.sync_all().await?;
        let digest = Digest::from_hash(hasher.finalize());
        scratch.persist(folder.join(digest.hex())).map_err(|failed| failed.error)?;
        Ok(digest.to_string())
    }

    /// Puts a file that a use case wrote where HTTP callers can fetch it; answers its digest.
    pub(crate) fn offer_download(&self, file: &Path) -> Result<String> {
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(std::fs::File::open(file)?)?;
        let digest = Digest::from_hash(hasher.finalize());
        let place = self.uploads()?.join(digest.hex());
        std::fs::rename(file, &place).or_else(|_| std::fs::copy(file, &place).map(|_| ()))?;
        Ok(digest.to_string())
    }

    /// Where an offered file lies.
    ///
    /// # Errors
    /// It is no digest, or was never offered, or was swept.
    pub fn download(&self, digest: &str) -> Result<PathBuf> {
        let digest = Digest::parse(digest)
            .map_err(|error| Error::new("request.invalid", "not the digest of an upload").caused_by(&error))?;
        let place = self.uploads()?.join(digest.hex());
        if place.is_file() {
            Ok(place)
        } else {
            Err(Error::not_found("upload", digest.short()).hint("uploads are kept for a day: send it again"))
        }
    }

    /// Keeps a set of definition files; answers its digest.
    ///
    /// # Errors
    /// The blob store cannot be written.
    pub async fn receive_definitions(&self, files: DefinitionFiles) -> Result<String> {
        let text = serde_json::to_vec(&files.0)?;
        Ok(self.blobs.put(Bytes::from(text)).await?.to_string())
    }

    /// A pushed set of definitions.
    pub(crate) async fn definition_set(&self, digest: &str) -> Result<DefinitionFiles> {
        let unknown = || {
            Error::new("definition.missing", format!("no set of definitions `{digest}` was pushed"))
                .hint("POST the files to /api/v1/definitions first")
        };
        let digest = Digest::parse(digest).map_err(|_| unknown())?;
        if !self.blobs.contains(&digest).await? {
            return Err(unknown());
        }
        let bytes = self.blobs.get_checked(&digest).await?;
        Ok(DefinitionFiles(serde_json::from_slice(&bytes).map_err(|_| unknown())?))
    }

    /// The file that a request names: a path of a local caller, or the digest of an upload.
    pub(crate) fn request_file(&self, context: &Context, file: &Path, name: Option<&str>) -> Result<RequestFile> {
        if !context.trusts_paths {
            let path = self.download(&file.to_string_lossy())?;
            let name = name.unwrap_or("upload");
            let name = Path::new(name).file_name().map_or("upload".into(), |name| name.to_string_lossy().into_owned());
            return Ok(RequestFile { path, name });
        }
        local_file(file)
    }

    /// Removes uploads and scratch folders that a crash or a day left behind.
    pub(crate) fn sweep(&self) {
        let day = std::time::Duration::from_secs(24 * 3600);
        for (folder, is_ours) in [("uploads", false), ("scratch", true)] {
            let Ok(entries) = std::fs::read_dir(self.folder.join(folder)) else { continue };
            for entry in entries.flatten() {
                let old = entry.metadata().and_then(|about| about.modified()).ok().and_then(|time| time.elapsed().ok());
                let gone = if is_ours {
                    crate::scratch::is_abandoned(&entry.path())
                } else {
                    old.is_some_and(|age| age > day)
                };
                if gone {
                    let path = entry.path();
                    let _ = if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
                }
            }
        }
    }
}

/// A file of this machine.
pub(crate) fn local_file(file: &Path) -> Result<RequestFile> {
    if !file.exists() {
        return Err(Error::not_found("file", &file.display().to_string())
            .hint("paths begin in the folder that you are in; check the spelling"));
    }
    if file.is_dir() {
        return Err(Error::new("request.invalid", format!("{} is a folder, not a data file", file.display())));
    }
    let name = file.file_name().map_or_else(|| file.display().to_string(), |name| name.to_string_lossy().into());
    Ok(RequestFile { path: file.to_owned(), name })
}
