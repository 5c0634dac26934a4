//! Files of runs: received piece by piece, kept in the database when they are small and as blobs when they are not, listed,
//! read, deleted. Blobs of artifacts are apart from all others: only they can be removed one day.

use super::Tracking;
use crate::app::App;
use crate::error::{Error, Result};
use bytes::{Bytes, BytesMut};
use futures::stream::BoxStream;
use futures::{Stream, StreamExt as _};
use remuda_ledger::{Artifact, ArtifactContent, ArtifactEntry, ArtifactPlace, BlobWriter, Blobs, SMALL_ARTIFACT};
use remuda_model::Digest;
use remuda_model::run::artifact::ArtifactPath;
use std::ops::Range;
use std::time::Duration;

/// How long an upload may be silent.
const SILENCE: Duration = Duration::from_secs(300);

/// Bytes that are written at once.
const PIECE: usize = 1 << 20;

impl App {
    /// The blobs of artifacts.
    pub(crate) fn artifact_blobs(&self) -> Blobs {
        self.blobs.beside("artifacts")
    }
}

/// Content that was received: bytes, or a blob without a name yet.
enum Received {
    Small(Bytes),
    Large(BlobWriter),
}

impl Tracking {
    /// Stores a file at a path, replacing what is there; when this returns it is durable. Whoever stops in the middle leaves
    /// nothing.
    ///
    /// # Errors
    /// The stream breaks off, a folder stands there, or the disk is full.
    pub async fn put_artifact<S, E>(&self, path: &ArtifactPath, body: S) -> Result<Artifact>
    where
        S: Stream<Item = std::result::Result<Bytes, E>> + Unpin,
        E: std::error::Error + 'static,
    {
        if path.is_top() {
            return Err(Error::new("request.invalid", "an artifact needs a name"));
        }
        let (digest, bytes, content) = match receive(&self.app.artifact_blobs(), body).await? {
            Received::Small(bytes) => (Digest::of(&bytes), bytes.len() as u64, ArtifactContent::Small(bytes)),
            Received::Large(writer) => {
                let (digest, bytes) = self.keep(writer).await?;
                (digest, bytes, ArtifactContent::Blob)
            }
        };
        let artifact = Artifact { path: path.clone(), digest, bytes, modified: self.now(), content };
        self.tracker.put_artifact(artifact.clone()).await?;
        Ok(artifact)
    }

    /// Gives a written blob its name. It is noted first, so that a crash before a path holds it leaves it known.
    pub(super) async fn keep(&self, writer: BlobWriter) -> Result<(Digest, u64)> {
        let (digest, writer) = writer.digest().await?;
        self.tracker.note_loose(&digest, self.now()).await?;
        Ok(writer.finish().await?)
    }

    /// A file.
    ///
    /// # Errors
    /// Nothing stands there, or a folder.
    pub async fn artifact(&self, path: &ArtifactPath) -> Result<Artifact> {
        let name = path.as_str();
        match self.tracker.artifact(path).await? {
            ArtifactPlace::File(artifact) => Ok(artifact),
            ArtifactPlace::Folder => {
                Err(Error::new("request.invalid", format!("Artifact path refers to a directory, not a file: '{name}'")))
            }
            ArtifactPlace::Nothing => Err(Error::new("request.not_found", format!("No such artifact: '{name}'"))),
        }
    }

    /// What stands at a path.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub async fn artifact_place(&self, path: &ArtifactPath) -> Result<ArtifactPlace> {
        Ok(self.tracker.artifact(path).await?)
    }

    /// Some of a file's content, piece by piece; the range must lie within it.
    ///
    /// # Errors
    /// The content is missing or cannot be opened; a piece that cannot be read is an error in the stream.
    pub async fn artifact_stream(
        &self,
        artifact: &Artifact,
        range: Range<u64>,
    ) -> Result<BoxStream<'static, Result<Bytes>>> {
        match &artifact.content {
            ArtifactContent::Small(bytes) => {
                let end = (range.end as usize).min(bytes.len());
                let piece = bytes.slice((range.start as usize).min(end)..end);
                Ok(futures::stream::iter([Ok(piece)]).boxed())
            }
            ArtifactContent::Blob => {
                let stream = self.app.artifact_blobs().get_range(&artifact.digest, range).await?;
                Ok(stream.map(|piece| piece.map_err(Error::from)).boxed())
            }
        }
    }

    /// A file's content whole, checked against its digest.
    ///
    /// # Errors
    /// Nothing or a folder stands there, or it has more than `most` bytes.
    pub async fn artifact_bytes(&self, path: &ArtifactPath, most: u64) -> Result<Bytes> {
        let artifact = self.artifact(path).await?;
        if artifact.bytes > most {
            let message =
                format!("artifact `{}` has {} bytes; at most {most} are read here", path.as_str(), artifact.bytes);
            return Err(Error::new("request.invalid", message));
        }
        match artifact.content {
            ArtifactContent::Small(bytes) => Ok(bytes),
            ArtifactContent::Blob => Ok(self.app.artifact_blobs().get_checked(&artifact.digest).await?),
        }
    }

    /// What lies in a folder, by name; nothing for a file or where nothing is.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub async fn artifacts_in(&self, folder: &ArtifactPath) -> Result<Vec<ArtifactEntry>> {
        Ok(self.tracker.artifacts_in(folder).await?)
    }

    /// All files under a folder, however deep.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub async fn artifacts_under(&self, folder: &ArtifactPath) -> Result<Vec<ArtifactEntry>> {
        const PAGE: usize = 5000;
        let mut all: Vec<ArtifactEntry> = Vec::new();
        loop {
            let page = self.tracker.artifacts_under(folder, all.last(), PAGE).await?;
            let ended = page.len() < PAGE;
            all.extend(page);
            if ended {
                return Ok(all);
            }
        }
    }

    /// Deletes a file, or a folder with all that lies under it.
    ///
    /// # Errors
    /// Nothing is there.
    pub async fn delete_artifacts(&self, path: &ArtifactPath) -> Result<()> {
        if path.is_top() {
            return Err(Error::new("request.invalid", "name the artifact that is to be deleted"));
        }
        Ok(self.tracker.delete_artifacts(path).await?)
    }
}

/// The place in the tree of artifacts that an address stands for.
///
/// # Errors
/// The artifacts lie elsewhere, where their script writes them: this server neither reads nor writes there.
pub fn artifact_folder(address: &str) -> Result<ArtifactPath> {
    ArtifactPath::of_address(address).ok_or_else(|| {
        let message = format!("these artifacts lie at `{address}`, where the script itself writes and reads them");
        Error::new("tracked.unsupported", message)
            .hint("read them with `mlflow.artifacts.download_artifacts` where that place can be reached")
    })
}

async fn receive<S, E>(blobs: &Blobs, mut body: S) -> Result<Received>
where
    S: Stream<Item = std::result::Result<Bytes, E>> + Unpin,
    E: std::error::Error + 'static,
{
    let mut waiting = BytesMut::new();
    let mut writer = None;
    while let Some(piece) = next(&mut body).await? {
        waiting.extend_from_slice(&piece);
        let enough = if writer.is_some() { PIECE } else { SMALL_ARTIFACT + 1 };
        if waiting.len() >= enough {
            let piece = std::mem::replace(&mut waiting, BytesMut::with_capacity(PIECE + PIECE / 2)).freeze();
            writer = Some(writer.unwrap_or_else(|| blobs.writer()).write(piece).await?);
        }
    }
    let last = waiting.freeze();
    Ok(match writer {
        None => Received::Small(last),
        Some(writer) => Received::Large(writer.write(last).await?),
    })
}

/// The next piece of an upload; `None` at its end.
async fn next<S, E>(body: &mut S) -> Result<Option<Bytes>>
where
    S: Stream<Item = std::result::Result<Bytes, E>> + Unpin,
    E: std::error::Error + 'static,
{
    let silent = || Error::new("request.invalid", "the upload fell silent; nothing was kept").hint("send it again");
    match tokio::time::timeout(SILENCE, body.next()).await.map_err(|_| silent())? {
        None => Ok(None),
        Some(Ok(piece)) => Ok(Some(piece)),
        Some(Err(source)) => {
            let error = Error::new("request.invalid", "the upload broke off; nothing was kept");
            Err(error.hint("send it again").caused_by(&source))
        }
    }
}
