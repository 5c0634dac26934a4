//! Blobs on local disk: written to a temporary file that is locked, synced, renamed, and its folder synced.
//! The methods block; [`Local::run`] runs them on a thread that may.

use super::{BlobProblem, PIECE, digest_of, name};
use crate::error::{Error, file};
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use remuda_model::Digest;
use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::NamedTempFile;

/// The folder in which blobs are written before they get their names; no blob's folder has this name.
const WRITING: &str = "writing";

/// Blobs under a folder.
#[derive(Debug)]
pub(crate) struct Local {
    pub(crate) folder: PathBuf,
}

/// A file with no name of its own yet. While its writer lives, it holds a lock; so a sweep can tell it from a stray.
pub(crate) struct Writing {
    file: NamedTempFile,
    hasher: blake3::Hasher,
    size: u64,
}

impl Writing {
    /// The file, for who reads what was written.
    pub(crate) fn path(&self) -> &Path {
        self.file.path()
    }

    /// The digest of what was written so far.
    pub(crate) fn digest(&self) -> Digest {
        Digest::from_hash(self.hasher.finalize())
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.hasher.update(bytes);
        self.size += bytes.len() as u64;
        self.file.write_all(bytes).map_err(|source| file("write the blob", self.file.path(), source))
    }
}

impl Local {
    /// Runs work that blocks, on a thread made for it.
    pub(crate) async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        operation: &'static str,
        work: impl FnOnce(&Local) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let local = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || work(&local)).await;
        done.map_err(|source| Error::Stopped { operation, source })?
    }

    /// Where the blob lies, or would lie.
    pub(crate) fn path(&self, digest: &Digest) -> PathBuf {
        let (folder, rest) = name(digest);
        self.folder.join(folder).join(rest)
    }

    /// Another folder of blobs in the same place.
    pub(crate) fn beside(&self, folder: &str) -> Self {
        Self { folder: self.folder.with_file_name(folder) }
    }

    pub(crate) fn remove(&self, digest: &Digest) -> Result<(), Error> {
        let path = self.path(digest);
        match std::fs::remove_file(&path) {
            Err(source) if !matches!(source.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                Err(file("remove the blob", path, source))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn existing(&self, digest: &Digest) -> Result<PathBuf, Error> {
        self.size(digest)?;
        Ok(self.path(digest))
    }

    pub(crate) fn size(&self, digest: &Digest) -> Result<u64, Error> {
        let path = self.path(digest);
        match std::fs::metadata(&path) {
            Ok(metadata) => Ok(metadata.len()),
            Err(source) => Err(absent(digest, path, source)),
        }
    }

    pub(crate) fn get(&self, digest: &Digest) -> Result<Bytes, Error> {
        let path = self.path(digest);
        match std::fs::read(&path) {
            Ok(bytes) => Ok(bytes.into()),
            Err(source) => Err(absent(digest, path, source)),
        }
    }

    pub(crate) async fn stream(
        self: &Arc<Self>,
        digest: &Digest,
        range: Range<u64>,
    ) -> Result<BoxStream<'static, Result<Bytes, Error>>, Error> {
        let digest = digest.clone();
        let open = move |local: &Local| {
            let path = local.path(&digest);
            let opened = File::open(&path).and_then(|mut open| {
                if range.start > 0 {
                    open.seek(SeekFrom::Start(range.start))?;
                }
                Ok(open)
            });
            match opened {
                Ok(open) => Ok((open, path, range.end.saturating_sub(range.start))),
                Err(source) => Err(absent(&digest, path, source)),
            }
        };
        let open = self.run("read the blob", open).await?;
        let local = Arc::clone(self);
        let stream = futures::stream::try_unfold(open, move |(open, path, left)| {
            let local = Arc::clone(&local);
            async move {
                let read = move |_: &Local| {
                    let length = left.min(PIECE as u64);
                    let mut piece = Vec::with_capacity(length as usize);
                    let read = (&open).take(length).read_to_end(&mut piece);
                    read.map_err(|source| file("read the blob", &path, source))?;
                    let left = left - piece.len() as u64;
                    Ok((piece, (open, path, left)))
                };
                let (piece, rest) = local.run("read the blob", read).await?;
                Ok(if piece.is_empty() { None } else { Some((Bytes::from(piece), rest)) })
            }
        });
        Ok(stream.boxed())
    }

    pub(crate) fn put(&self, bytes: &[u8]) -> Result<Digest, Error> {
        let digest = Digest::of(bytes);
        if self.holds(&digest, bytes.len() as u64)? {
            return Ok(digest);
        }
        let mut writing = self.begin()?;
        writing.write(bytes)?;
        self.finish(writing).map(|(digest, _)| digest)
    }

    pub(crate) fn put_file(&self, path: &Path) -> Result<(Digest, u64), Error> {
        let mut source = File::open(path).map_err(|source| file("read", path, source))?;
        let mut writing = self.begin()?;
        let mut piece = vec![0; PIECE];
        loop {
            match source.read(&mut piece) {
                Ok(0) => return self.finish(writing),
                Ok(length) => writing.write(&piece[..length])?,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(file("read", path, error)),
            }
        }
    }

    /// A file to write to.
    pub(crate) fn begin(&self) -> Result<Writing, Error> {
        let folder = self.folder.join(WRITING);
        std::fs::create_dir_all(&folder).map_err(|source| file("make the folder", &folder, source))?;
        loop {
            let made = builder().tempfile_in(&folder).map_err(|source| file("write a blob in", &folder, source))?;
            let locked = made.as_file().try_lock();
            // A sweep may come between making and locking: it then holds the lock, or has removed the file. Where a
            // file system has no locks, a sweep leaves the file alone.
            if !matches!(locked, Err(TryLockError::WouldBlock)) && made.path().exists() {
                return Ok(Writing { file: made, hasher: blake3::Hasher::new(), size: 0 });
            }
        }
    }

    /// Makes a written file durable under its digest.
    pub(crate) fn finish(&self, writing: Writing) -> Result<(Digest, u64), Error> {
        let digest = writing.digest();
        if self.holds(&digest, writing.size)? {
            return Ok((digest, writing.size));
        }
        let path = self.path(&digest);
        let folder = self.folder.join(name(&digest).0);
        let fresh = !folder.exists();
        std::fs::create_dir_all(&folder).map_err(|source| file("make the folder", &folder, source))?;
        writing.file.as_file().sync_all().map_err(|source| file("write the blob", &path, source))?;
        let kept = writing.file.persist(&path).map_err(|error| file("name the blob", &path, error.error))?;
        let _ = kept.unlock();
        sync_folder(&folder)?;
        if fresh {
            sync_folder(&self.folder)?;
        }
        Ok((digest, writing.size))
    }

    /// Whether the blob is here in full. A file of another size is damaged and will be written anew.
    fn holds(&self, digest: &Digest, size: u64) -> Result<bool, Error> {
        let path = self.path(digest);
        let holds = std::fs::metadata(&path).is_ok_and(|metadata| metadata.len() == size);
        if holds {
            // Another process may have renamed it a moment ago and not yet synced the folder.
            sync_folder(&self.folder.join(name(digest).0))?;
            sync_folder(&self.folder)?;
        }
        Ok(holds)
    }

    pub(crate) fn verify_all(&self, mut progress: impl FnMut(u64, u64)) -> Result<Vec<BlobProblem>, Error> {
        let mut problems = Vec::new();
        let (mut blobs, mut bytes) = (0, 0);
        for folder in entries(&self.folder)? {
            let folder_name = text_name(&folder);
            if folder_name == WRITING {
                self.strays(&mut problems)?;
                continue;
            }
            if !folder.is_dir() {
                problems.push(stranger(&folder));
                continue;
            }
            for path in entries(&folder)? {
                let Some(digest) = digest_of(&folder_name, &text_name(&path)) else {
                    problems.push(stranger(&path));
                    continue;
                };
                match hash_file(&path) {
                    Ok((found, size)) => {
                        bytes += size;
                        if found != digest {
                            problems.push(damaged(digest, path.display().to_string(), &found));
                        }
                    }
                    Err(error) => problems.push(BlobProblem {
                        digest: Some(digest),
                        place: path.display().to_string(),
                        message: format!("cannot be read: {error}"),
                    }),
                }
                blobs += 1;
                progress(blobs, bytes);
            }
        }
        Ok(problems)
    }

    fn strays(&self, problems: &mut Vec<BlobProblem>) -> Result<(), Error> {
        for path in entries(&self.folder.join(WRITING))? {
            if is_stray(&path) {
                problems.push(BlobProblem {
                    digest: None,
                    place: path.display().to_string(),
                    message: "was left behind by a writer that was stopped; nothing refers to it".to_owned(),
                });
            }
        }
        Ok(())
    }

    pub(crate) fn sweep(&self) -> Result<u64, Error> {
        let mut swept = 0;
        for path in entries(&self.folder.join(WRITING))? {
            if is_stray(&path) {
                match std::fs::remove_file(&path) {
                    Ok(()) => swept += 1,
                    Err(error) if error.kind() == ErrorKind::NotFound => {}
                    Err(error) => return Err(file("remove", path, error)),
                }
            }
        }
        Ok(swept)
    }
}

/// The problem of a blob whose bytes do not match its name.
pub(crate) fn damaged(digest: Digest, place: String, found: &Digest) -> BlobProblem {
    BlobProblem { digest: Some(digest), place, message: format!("is damaged: its bytes hash to {found}") }
}

fn stranger(path: &Path) -> BlobProblem {
    BlobProblem {
        digest: None,
        place: path.display().to_string(),
        message: "does not belong here: its name is no digest".to_owned(),
    }
}

/// Readable by whom the process lets read, not by its user alone as temporary files usually are.
fn builder() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("blob-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(std::fs::Permissions::from_mode(0o644));
    }
    builder
}

fn absent(digest: &Digest, path: PathBuf, source: std::io::Error) -> Error {
    match source.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => Error::BlobMissing { digest: digest.clone() },
        _ => file("read the blob", path, source),
    }
}

/// A file in the writing folder whose writer is gone: its lock can be had.
fn is_stray(path: &Path) -> bool {
    File::open(path).is_ok_and(|open| open.try_lock().is_ok())
}

/// The files of a folder in order of their names; none where the folder is not there yet.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let failed = |source| file("list", folder, source);
    let listing = match std::fs::read_dir(folder) {
        Ok(listing) => listing,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut paths = Vec::new();
    for entry in listing {
        paths.push(entry.map_err(failed)?.path());
    }
    paths.sort();
    Ok(paths)
}

fn text_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

pub(crate) fn hash_file(path: &Path) -> std::io::Result<(Digest, u64)> {
    let mut hasher = blake3::Hasher::new();
    let size = std::io::copy(&mut std::io::BufReader::with_capacity(PIECE, File::open(path)?), &mut hasher)?;
    Ok((Digest::from_hash(hasher.finalize()), size))
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> Result<(), Error> {
    let synced = File::open(folder).and_then(|open| open.sync_all());
    synced.map_err(|source| file("sync the folder", folder, source))
}

/// Elsewhere a folder cannot be opened as a file; the file system keeps the order itself.
#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> Result<(), Error> {
    Ok(())
}
