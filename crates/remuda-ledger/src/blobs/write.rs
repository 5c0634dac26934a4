//! A blob whose content comes piece by piece, from a network say: hashed while it is written, in constant memory. It has no
//! name before [`BlobWriter::finish`]; dropped before, it leaves nothing.

use super::local::{Local, Writing};
use super::{Blobs, Place};
use crate::error::Error;
use bytes::Bytes;
use remuda_model::Digest;
use std::sync::Arc;
use tokio::task::JoinHandle;

const OPERATION: &str = "write the blob";

/// A blob that is being written.
pub struct BlobWriter {
    place: Place,
    /// What the last piece is being written to: the next one can be gathered meanwhile.
    at_work: JoinHandle<Result<Writing, Error>>,
}

fn apart(work: impl FnOnce() -> Result<Writing, Error> + Send + 'static) -> JoinHandle<Result<Writing, Error>> {
    tokio::task::spawn_blocking(work)
}

async fn done(at_work: JoinHandle<Result<Writing, Error>>) -> Result<Writing, Error> {
    at_work.await.map_err(|source| Error::Stopped { operation: OPERATION, source })?
}

impl Blobs {
    /// A blob to write piece by piece. Must be called inside a tokio runtime.
    pub fn writer(&self) -> BlobWriter {
        let begin: Box<dyn FnOnce() -> Result<Writing, Error> + Send> = match &self.place {
            Place::Local(local) => {
                let local: Arc<Local> = Arc::clone(local);
                Box::new(move || local.begin())
            }
            Place::Remote(remote) => {
                let remote = Arc::clone(remote);
                Box::new(move || remote.cache.begin())
            }
        };
        BlobWriter { place: self.place.clone(), at_work: apart(begin) }
    }
}

impl BlobWriter {
    /// Writes a piece, some hundred kilobytes at best; returns when the piece before was written.
    ///
    /// # Errors
    /// No space, a read-only folder, or the disk failed.
    pub async fn write(self, piece: Bytes) -> Result<Self, Error> {
        let Self { place, at_work } = self;
        let mut writing = done(at_work).await?;
        let at_work = apart(move || {
            writing.write(&piece)?;
            Ok(writing)
        });
        Ok(Self { place, at_work })
    }

    /// Waits for what is being written; gives the digest that the blob will have.
    ///
    /// # Errors
    /// As [`BlobWriter::write`].
    pub async fn digest(self) -> Result<(Digest, Self), Error> {
        let Self { place, at_work } = self;
        let writing = done(at_work).await?;
        let digest = writing.digest();
        Ok((digest, Self { place, at_work: apart(move || Ok(writing)) }))
    }

    /// Makes the blob durable under its digest; gives that and its size.
    ///
    /// # Errors
    /// As [`BlobWriter::write`]; then nothing is left.
    pub async fn finish(self) -> Result<(Digest, u64), Error> {
        let Self { place, at_work } = self;
        let writing = done(at_work).await?;
        match place {
            Place::Local(local) => local.run(OPERATION, move |local| local.finish(writing)).await,
            // The name must be known before the first byte is sent; the file goes when `writing` does.
            Place::Remote(remote) => remote.put_file(writing.path().to_owned()).await,
        }
    }
}
