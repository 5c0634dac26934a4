//! Blobs in an object store. Stores make an object visible when it is whole, and durable when they say so.

use super::local::{Local, damaged, hash_file};
use super::{BlobProblem, PIECE, digest_of, name};
use crate::error::{Error, file};
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _};
use object_store::path::Path as Location;
use object_store::{GetOptions, ObjectStore, ObjectStoreExt as _, WriteMultipart};
use remuda_model::Digest;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::io::AsyncReadExt as _;

/// Blobs in an object store, and the folder where files are kept that programs need on disk.
#[derive(Debug)]
pub(crate) struct Remote {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) prefix: String,
    pub(crate) folder: &'static str,
    pub(crate) cache: Local,
}

impl Remote {
    /// The object's name.
    pub(crate) fn location(&self, digest: &Digest) -> Location {
        let (folder, rest) = name(digest);
        Location::from_iter(self.prefix.split('/').filter(|part| !part.is_empty()).chain([self.folder, folder, rest]))
    }

    /// Another folder of blobs in the same store.
    pub(crate) fn beside(&self, folder: &'static str) -> Self {
        let cache = self.cache.beside(folder);
        Self { store: Arc::clone(&self.store), prefix: self.prefix.clone(), folder, cache }
    }

    fn failed(&self, operation: &'static str, digest: &Digest, source: object_store::Error) -> Error {
        match source {
            object_store::Error::NotFound { .. } => Error::BlobMissing { digest: digest.clone() },
            source => Error::Store { operation, location: self.location(digest).to_string(), source },
        }
    }

    pub(crate) async fn put(&self, bytes: Bytes) -> Result<Digest, Error> {
        let digest = Digest::of(&bytes);
        if self.holds(&digest, bytes.len() as u64).await? {
            return Ok(digest);
        }
        let put = self.store.put(&self.location(&digest), bytes.into()).await;
        put.map_err(|source| self.failed("write", &digest, source))?;
        Ok(digest)
    }

    /// Read twice: the name must be known before the first byte is sent.
    pub(crate) async fn put_file(&self, path: PathBuf) -> Result<(Digest, u64), Error> {
        let operation = "read";
        let hashed = path.clone();
        let hash = tokio::task::spawn_blocking(move || hash_file(&hashed)).await;
        let (digest, size) = hash
            .map_err(|source| Error::Stopped { operation, source })?
            .map_err(|source| file(operation, &path, source))?;
        if self.holds(&digest, size).await? {
            return Ok((digest, size));
        }
        let location = self.location(&digest);
        let upload = self.store.put_multipart(&location).await;
        let upload = upload.map_err(|source| self.failed("write", &digest, source))?;
        let mut write = WriteMultipart::new_with_chunk_size(upload, 8 * PIECE);
        match self.send(&path, &digest, &mut write).await {
            Ok(found) if found == digest => {
                write.finish().await.map_err(|source| self.failed("write", &digest, source))?;
                Ok((digest, size))
            }
            sent => {
                // Best effort: what was sent in part is never visible as a blob.
                let _ = write.abort().await;
                let found = sent?;
                Err(Error::BlobDamaged { digest, found, place: path.display().to_string() })
            }
        }
    }

    /// Sends a file piece by piece; gives the digest of what was sent.
    async fn send(&self, path: &std::path::Path, digest: &Digest, write: &mut WriteMultipart) -> Result<Digest, Error> {
        let failed = |source| file("read", path, source);
        let mut source = tokio::fs::File::open(path).await.map_err(failed)?;
        let mut hasher = blake3::Hasher::new();
        let mut piece = vec![0; PIECE];
        loop {
            let length = source.read(&mut piece).await.map_err(failed)?;
            if length == 0 {
                return Ok(Digest::from_hash(hasher.finalize()));
            }
            hasher.update(&piece[..length]);
            write.wait_for_capacity(4).await.map_err(|source| self.failed("write", digest, source))?;
            write.write(&piece[..length]);
        }
    }

    async fn holds(&self, digest: &Digest, size: u64) -> Result<bool, Error> {
        match self.size(digest).await {
            Ok(found) => Ok(found == size),
            Err(Error::BlobMissing { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn size(&self, digest: &Digest) -> Result<u64, Error> {
        let head = self.store.head(&self.location(digest)).await;
        head.map(|head| head.size).map_err(|source| self.failed("find", digest, source))
    }

    pub(crate) async fn get(&self, digest: &Digest) -> Result<Bytes, Error> {
        let get = self.store.get(&self.location(digest)).await;
        let get = get.map_err(|source| self.failed("read", digest, source))?;
        get.bytes().await.map_err(|source| self.failed("read", digest, source))
    }

    pub(crate) async fn stream(
        self: &Arc<Self>,
        digest: &Digest,
    ) -> Result<BoxStream<'static, Result<Bytes, Error>>, Error> {
        let get = self.store.get(&self.location(digest)).await;
        let get = get.map_err(|source| self.failed("read", digest, source))?;
        let (remote, digest) = (Arc::clone(self), digest.clone());
        Ok(get.into_stream().map_err(move |source| remote.failed("read", &digest, source)).boxed())
    }

    pub(crate) async fn range(
        self: &Arc<Self>,
        digest: &Digest,
        range: Range<u64>,
    ) -> Result<BoxStream<'static, Result<Bytes, Error>>, Error> {
        if range.is_empty() {
            return Ok(futures::stream::empty().boxed());
        }
        let options = GetOptions { range: Some(range.into()), ..GetOptions::default() };
        let get = self.store.get_opts(&self.location(digest), options).await;
        let get = get.map_err(|source| self.failed("read", digest, source))?;
        let (remote, digest) = (Arc::clone(self), digest.clone());
        Ok(get.into_stream().map_err(move |source| remote.failed("read", &digest, source)).boxed())
    }

    /// Removes the object and the file in the cache.
    pub(crate) async fn remove(&self, digest: &Digest) -> Result<(), Error> {
        self.cache.remove(digest)?;
        match self.store.delete(&self.location(digest)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(source) => Err(self.failed("remove", digest, source)),
        }
    }

    /// The file in the cache, fetched and checked if it is not there yet.
    pub(crate) async fn fetch(self: &Arc<Self>, digest: &Digest) -> Result<PathBuf, Error> {
        match self.cache.existing(digest) {
            Err(Error::BlobMissing { .. }) => {}
            found => return found,
        }
        let mut stream = self.stream(digest).await?;
        let mut writing = self.cache.begin()?;
        while let Some(piece) = stream.try_next().await? {
            writing.write(&piece)?;
        }
        let found = writing.digest();
        if found != *digest {
            let place = self.location(digest).to_string();
            return Err(Error::BlobDamaged { digest: digest.clone(), found, place });
        }
        self.cache.finish(writing)?;
        Ok(self.cache.path(digest))
    }

    pub(crate) async fn verify_all(
        self: &Arc<Self>,
        mut progress: impl FnMut(u64, u64) + Send,
    ) -> Result<Vec<BlobProblem>, Error> {
        let root = Location::from_iter(self.prefix.split('/').filter(|part| !part.is_empty()).chain([self.folder]));
        let mut listing = self.store.list(Some(&root));
        let mut problems = Vec::new();
        let (mut blobs, mut bytes) = (0, 0);
        loop {
            let next = listing.try_next().await;
            let failed = |source| Error::Store { operation: "list", location: root.to_string(), source };
            let Some(object) = next.map_err(failed)? else { return Ok(problems) };
            let parts: Vec<_> = object.location.prefix_match(&root).into_iter().flatten().collect();
            let digest = match parts.as_slice() {
                [folder, rest] => digest_of(folder.as_ref(), rest.as_ref()),
                _ => None,
            };
            let place = object.location.to_string();
            let Some(digest) = digest else {
                let message = "does not belong here: its name is no digest".to_owned();
                problems.push(BlobProblem { digest: None, place, message });
                continue;
            };
            match self.hash(&digest).await {
                Ok(found) if found == digest => {}
                Ok(found) => problems.push(damaged(digest, place, &found)),
                Err(error) => {
                    let message = format!("cannot be read: {error}");
                    problems.push(BlobProblem { digest: Some(digest), place, message });
                }
            }
            blobs += 1;
            bytes += object.size;
            progress(blobs, bytes);
        }
    }

    async fn hash(self: &Arc<Self>, digest: &Digest) -> Result<Digest, Error> {
        let mut hasher = blake3::Hasher::new();
        let mut stream = self.stream(digest).await?;
        while let Some(piece) = stream.try_next().await? {
            hasher.update(&piece);
        }
        Ok(Digest::from_hash(hasher.finalize()))
    }

    /// Only the cache has temporary files.
    pub(crate) async fn sweep(self: &Arc<Self>) -> Result<u64, Error> {
        let remote = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || remote.cache.sweep()).await;
        done.map_err(|source| Error::Stopped { operation: "sweep the blobs", source })?
    }
}
