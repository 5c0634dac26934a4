//! Uploads in parts: each part a file under `.remuda/uploads/`, in any order and as often as the caller likes; at the end they
//! become one artifact. Who never ends leaves parts that are swept after a day.

use super::Tracking;
use crate::error::{Error, Result};
use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use remuda_ledger::{Artifact, ArtifactContent};
use remuda_model::Digest;
use remuda_model::run::artifact::ArtifactPath;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Parts of one upload at most.
const MOST: u64 = 100_000;

/// Bytes read at once.
const PIECE: usize = 1 << 20;

/// The file that holds the path at which the artifact will stand.
const TARGET: &str = "target";

/// The file that says that the artifact is there: an answer may be lost, and the request repeated.
const DONE: &str = "done";

/// A part that a caller says it has sent.
#[derive(Clone, Debug)]
pub struct SentPart {
    /// Its number, from 1.
    pub number: u64,
    /// The digest that was answered, if the caller repeats it.
    pub digest: Option<String>,
}

impl Tracking {
    /// Begins an upload in parts; gives its id.
    ///
    /// # Errors
    /// The path has no name, there are too many parts, or the disk is full.
    pub async fn begin_parts(&self, path: &ArtifactPath, parts: u64) -> Result<String> {
        if path.is_top() {
            return Err(Error::new("request.invalid", "an artifact needs a name"));
        }
        if parts > MOST {
            return Err(Error::new("request.invalid", format!("{parts} parts are too many: at most {MOST}")));
        }
        self.app.sweep();
        let id = self.app.ids.secret();
        let folder = self.parts_folder(&id)?;
        tokio::fs::create_dir_all(&folder).await?;
        tokio::fs::write(folder.join(TARGET), path.as_str()).await?;
        Ok(id)
    }

    /// Receives a part, replacing what came for it before; gives its digest.
    ///
    /// # Errors
    /// There is no such upload, the stream breaks off, or the disk is full; the part is not there then.
    pub async fn put_part<S, E>(&self, id: &str, number: u64, mut body: S) -> Result<Digest>
    where
        S: Stream<Item = std::result::Result<Bytes, E>> + Unpin,
        E: std::error::Error + 'static,
    {
        let folder = self.open_upload(id).await?;
        if !(1..=MOST).contains(&number) {
            return Err(Error::new("request.invalid", format!("there is no part {number}: they count from 1")));
        }
        let scratch = tempfile::NamedTempFile::new_in(&folder)?;
        let mut file = tokio::fs::File::from_std(scratch.reopen()?);
        let mut hasher = blake3::Hasher::new();
        while let Some(piece) = body.next().await {
            let piece = piece.map_err(|source| {
                Error::new("request.invalid", "the upload broke off; this part was not kept").caused_by(&source)
            })?;
            hasher.update(&piece);
            file.write_all(&piece).await?;
        }
        file.flush().await?;
        let digest = Digest::from_hash(hasher.finalize());
        scratch.persist(folder.join(part_name(number))).map_err(|failed| failed.error)?;
        Ok(digest)
    }

    /// Puts the parts together, in the order of their numbers; when this returns the artifact is durable. Repeated, it does
    /// nothing more.
    ///
    /// # Errors
    /// A part is missing or differs from what the caller sent, or the path is not the one of the beginning.
    pub async fn finish_parts(&self, id: &str, path: &ArtifactPath, parts: &[SentPart]) -> Result<()> {
        let folder = self.parts_folder(id)?;
        if tokio::fs::read_to_string(folder.join(DONE)).await.is_ok_and(|target| target == path.as_str()) {
            return Ok(());
        }
        let folder = self.open_upload(id).await?;
        self.expect_target(&folder, path).await?;
        let wanted: BTreeMap<u64, Option<&str>> =
            parts.iter().map(|part| (part.number, part.digest.as_deref())).collect();
        if wanted.is_empty() {
            return Err(Error::new("request.invalid", "an upload needs at least one part"));
        }
        let mut writer = self.app.artifact_blobs().writer();
        for (number, digest) in wanted {
            let mut hasher = blake3::Hasher::new();
            let part = folder.join(part_name(number));
            let mut file = tokio::fs::File::open(&part)
                .await
                .map_err(|_| Error::new("request.invalid", format!("part {number} of the upload was not sent")))?;
            loop {
                let mut piece = Vec::with_capacity(PIECE);
                if (&mut file).take(PIECE as u64).read_to_end(&mut piece).await? == 0 {
                    break;
                }
                hasher.update(&piece);
                writer = writer.write(piece.into()).await?;
            }
            let found = Digest::from_hash(hasher.finalize());
            if digest.is_some_and(|digest| digest.trim_matches('"') != found.hex()) {
                let message = format!("part {number} of the upload is not the one that was sent last");
                return Err(Error::new("request.invalid", message).hint("send it again"));
            }
        }
        let (digest, bytes) = self.keep(writer).await?;
        let content = ArtifactContent::Blob;
        let artifact = Artifact { path: path.clone(), digest, bytes, modified: self.now(), content };
        self.tracker.put_artifact(artifact).await?;
        // All is safe: what follows only tidies up.
        let _ = tokio::fs::write(folder.join(DONE), path.as_str()).await;
        remove_parts(&folder).await;
        Ok(())
    }

    /// Gives an upload up. One that is over or was never begun is no error.
    ///
    /// # Errors
    /// The id is none.
    pub async fn drop_parts(&self, id: &str) -> Result<()> {
        let folder = self.parts_folder(id)?;
        if !folder.join(DONE).exists() {
            let _ = tokio::fs::remove_dir_all(&folder).await;
        }
        Ok(())
    }

    fn parts_folder(&self, id: &str) -> Result<PathBuf> {
        if id.len() != 64 || !id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(no_upload(id));
        }
        Ok(self.app.folder.join("uploads").join(format!("parts-{id}")))
    }

    async fn open_upload(&self, id: &str) -> Result<PathBuf> {
        let folder = self.parts_folder(id)?;
        if tokio::fs::try_exists(folder.join(TARGET)).await? { Ok(folder) } else { Err(no_upload(id)) }
    }

    async fn expect_target(&self, folder: &Path, path: &ArtifactPath) -> Result<()> {
        let target = tokio::fs::read_to_string(folder.join(TARGET)).await?;
        if target == path.as_str() {
            return Ok(());
        }
        let message = format!("this upload was begun for `{target}`, not for `{}`", path.as_str());
        Err(Error::new("request.invalid", message))
    }
}

fn no_upload(id: &str) -> Error {
    let id: String = id.chars().take(64).collect();
    Error::not_found("upload", &id).hint("begin a new one: an upload is kept for a day after its last part")
}

fn part_name(number: u64) -> String {
    format!("part-{number}")
}

async fn remove_parts(folder: &Path) {
    let Ok(mut entries) = tokio::fs::read_dir(folder).await else { return };
    while let Ok(Some(entry)) = entries.next_entry().await {
        if entry.file_name() != DONE {
            let _ = tokio::fs::remove_file(entry.path()).await;
        }
    }
}
