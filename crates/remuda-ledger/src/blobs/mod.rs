//! Blobs: content by its BLAKE3 digest, on local disk (`local.rs`) or an object store (`remote.rs`).
//!
//! A blob's name is `ab/cdef…` under `blobs/`: the first two digits and the rest. Content is never changed, so two
//! writers of the same blob do no harm. When a put returns, the blob is durable; before, it is not visible.

mod local;
mod remote;
mod write;

pub use write::BlobWriter;

use crate::error::Error;
use bytes::Bytes;
use futures::stream::BoxStream;
use object_store::ObjectStore;
use remuda_model::Digest;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A store of blobs. A clone is cheap.
#[derive(Clone, Debug)]
pub struct Blobs {
    place: Place,
}

#[derive(Clone, Debug)]
enum Place {
    Local(Arc<local::Local>),
    Remote(Arc<remote::Remote>),
}

/// Something wrong with a stored blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobProblem {
    /// The blob, if the file's name is that of one.
    pub digest: Option<Digest>,
    /// File or object.
    pub place: String,
    /// What is wrong with it, without a full stop.
    pub message: String,
}

/// How much is read at once.
pub(crate) const PIECE: usize = 1 << 20;

impl Blobs {
    /// Blobs under `folder/blobs/`. Nothing is made until the first put.
    pub fn local(folder: &Path) -> Self {
        Self { place: Place::Local(Arc::new(local::Local { folder: folder.join("blobs") })) }
    }

    /// Blobs in an object store, under `prefix` (may be empty); files that programs need on disk are kept in `cache`.
    pub fn remote(store: Arc<dyn ObjectStore>, prefix: &str, cache: &Path) -> Self {
        let cache = local::Local { folder: cache.join("blobs") };
        let folder = "blobs";
        Self { place: Place::Remote(Arc::new(remote::Remote { store, prefix: prefix.to_owned(), folder, cache })) }
    }

    /// Other blobs beside these, in a folder of this name instead of `blobs`: content that can be removed one day must not be
    /// taken for content that cannot.
    #[must_use]
    pub fn beside(&self, folder: &'static str) -> Self {
        let place = match &self.place {
            Place::Local(local) => Place::Local(Arc::new(local.beside(folder))),
            Place::Remote(remote) => Place::Remote(Arc::new(remote.beside(folder))),
        };
        Self { place }
    }

    /// Blobs on S3 and its kin, at `s3://BUCKET/PREFIX`. `settings` are object_store's keys of Amazon S3, such as
    /// `access_key_id`, `secret_access_key`, `region` and `endpoint`.
    ///
    /// # Errors
    /// The address or a setting is not understood.
    #[cfg(feature = "s3")]
    pub fn s3(address: &str, settings: &[(String, String)], cache: &Path) -> Result<Self, Error> {
        use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
        let failed = |source| Error::Store { operation: "open", location: address.to_owned(), source };
        let mut builder = AmazonS3Builder::new().with_url(address);
        for (key, value) in settings {
            let key: AmazonS3ConfigKey = key.parse().map_err(failed)?;
            builder = builder.with_config(key, value);
        }
        let prefix = address.strip_prefix("s3://").and_then(|rest| rest.split_once('/')).map_or("", |(_, path)| path);
        Ok(Self::remote(Arc::new(builder.build().map_err(failed)?), prefix.trim_matches('/'), cache))
    }

    /// Stores bytes; when this returns they are durable.
    ///
    /// # Errors
    /// No space, a read-only folder, or the store failed; then nothing is half-written.
    pub async fn put(&self, bytes: impl Into<Bytes>) -> Result<Digest, Error> {
        let bytes = bytes.into();
        match &self.place {
            Place::Local(local) => local.run("write the blob", move |local| local.put(&bytes)).await,
            Place::Remote(remote) => remote.put(bytes).await,
        }
    }

    /// Stores a file's content, read piece by piece; gives digest and size in bytes.
    ///
    /// # Errors
    /// The file cannot be read, or as [`Blobs::put`].
    pub async fn put_file(&self, path: &Path) -> Result<(Digest, u64), Error> {
        let path = path.to_owned();
        match &self.place {
            Place::Local(local) => local.run("write the blob", move |local| local.put_file(&path)).await,
            Place::Remote(remote) => remote.put_file(path).await,
        }
    }

    /// A blob's bytes, as they are stored.
    ///
    /// # Errors
    /// The blob is missing or cannot be read.
    pub async fn get(&self, digest: &Digest) -> Result<Bytes, Error> {
        let digest = digest.clone();
        match &self.place {
            Place::Local(local) => local.run("read the blob", move |local| local.get(&digest)).await,
            Place::Remote(remote) => remote.get(&digest).await,
        }
    }

    /// A blob's bytes, checked against its digest.
    ///
    /// # Errors
    /// The blob is missing, cannot be read, or is damaged.
    pub async fn get_checked(&self, digest: &Digest) -> Result<Bytes, Error> {
        let bytes = self.get(digest).await?;
        let found = Digest::of(&bytes);
        if found == *digest {
            return Ok(bytes);
        }
        Err(Error::BlobDamaged { digest: digest.clone(), found, place: self.place_of(digest) })
    }

    /// A blob's bytes piece by piece, as they are stored.
    ///
    /// # Errors
    /// The blob is missing or cannot be opened; a piece that cannot be read is an error in the stream.
    pub async fn get_stream(&self, digest: &Digest) -> Result<BoxStream<'static, Result<Bytes, Error>>, Error> {
        match &self.place {
            Place::Local(local) => local.stream(digest, 0..u64::MAX).await,
            Place::Remote(remote) => remote.stream(digest).await,
        }
    }

    /// Some of a blob's bytes piece by piece, from `range.start` up to but not including `range.end`, which must lie within it.
    ///
    /// # Errors
    /// As [`Blobs::get_stream`].
    pub async fn get_range(
        &self,
        digest: &Digest,
        range: Range<u64>,
    ) -> Result<BoxStream<'static, Result<Bytes, Error>>, Error> {
        match &self.place {
            Place::Local(local) => local.stream(digest, range).await,
            Place::Remote(remote) => remote.range(digest, range).await,
        }
    }

    /// Removes a blob; one that is not here is no error. Only who knows that nothing refers to it may call this.
    ///
    /// # Errors
    /// The store failed.
    pub async fn remove(&self, digest: &Digest) -> Result<(), Error> {
        let digest = digest.clone();
        match &self.place {
            Place::Local(local) => local.run("remove the blob", move |local| local.remove(&digest)).await,
            Place::Remote(remote) => remote.remove(&digest).await,
        }
    }

    /// A file with the blob's content: the blob itself on local disk, else a copy in the cache folder, checked when it
    /// was fetched. It must not be changed.
    ///
    /// # Errors
    /// The blob is missing, damaged on its way, or the cache cannot be written.
    pub async fn local_path(&self, digest: &Digest) -> Result<PathBuf, Error> {
        match &self.place {
            Place::Local(local) => {
                let digest = digest.clone();
                local.run("find the blob", move |local| local.existing(&digest)).await
            }
            Place::Remote(remote) => remote.fetch(digest).await,
        }
    }

    /// Whether the blob is here.
    ///
    /// # Errors
    /// The store failed.
    pub async fn contains(&self, digest: &Digest) -> Result<bool, Error> {
        match self.size(digest).await {
            Ok(_) => Ok(true),
            Err(Error::BlobMissing { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The blob's size in bytes.
    ///
    /// # Errors
    /// The blob is missing or the store failed.
    pub async fn size(&self, digest: &Digest) -> Result<u64, Error> {
        let digest = digest.clone();
        match &self.place {
            Place::Local(local) => local.run("find the blob", move |local| local.size(&digest)).await,
            Place::Remote(remote) => remote.size(&digest).await,
        }
    }

    /// Reads every blob and computes its digest again. `progress` is told the blobs and bytes read so far.
    ///
    /// # Errors
    /// The store cannot be listed; what cannot be read is a problem.
    pub async fn verify_all(&self, progress: impl FnMut(u64, u64) + Send + 'static) -> Result<Vec<BlobProblem>, Error> {
        match &self.place {
            Place::Local(local) => local.run("verify the blobs", move |local| local.verify_all(progress)).await,
            Place::Remote(remote) => remote.verify_all(progress).await,
        }
    }

    /// Which of these blobs are missing, one problem each.
    ///
    /// # Errors
    /// The store failed.
    pub async fn missing(&self, digests: &[Digest]) -> Result<Vec<BlobProblem>, Error> {
        let mut problems = Vec::new();
        for digest in digests {
            if !self.contains(digest).await? {
                problems.push(BlobProblem {
                    digest: Some(digest.clone()),
                    place: self.place_of(digest),
                    message: "is missing".to_owned(),
                });
            }
        }
        Ok(problems)
    }

    /// Removes what writers that were killed left behind, and nothing of writers at work; gives the number of files.
    ///
    /// # Errors
    /// The folder cannot be read or a file not removed.
    pub async fn sweep_temporary(&self) -> Result<u64, Error> {
        match &self.place {
            Place::Local(local) => local.run("sweep the blobs", |local| local.sweep()).await,
            Place::Remote(remote) => remote.sweep().await,
        }
    }

    fn place_of(&self, digest: &Digest) -> String {
        match &self.place {
            Place::Local(local) => local.path(digest).display().to_string(),
            Place::Remote(remote) => remote.location(digest).to_string(),
        }
    }
}

/// The name of a blob under `blobs/`: `ab/cdef…`.
pub(crate) fn name(digest: &Digest) -> (&str, &str) {
    digest.hex().split_at(2)
}

/// The digest that a name under `blobs/` stands for.
pub(crate) fn digest_of(folder: &str, file: &str) -> Option<Digest> {
    if folder.len() == 2 { Digest::parse(&format!("b3:{folder}{file}")).ok() } else { None }
}
