//! Artifacts of runs that come, and of those that go: file by file, each streamed. Those that are here already, by path and
//! size, are left as they are, so that an import that was broken off goes on.

use super::source::Source;
use crate::error::{Error, Result};
use crate::run::tracked::{Tracking, artifact_folder};
use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use remuda_model::run::artifact::{ArtifactPath, percent_decoded};
use remuda_model::run::foreign::ForeignRun;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Bytes that are read at once.
const PIECE: usize = 1 << 20;

/// What was copied.
#[derive(Clone, Debug, Default)]
pub(super) struct Copied {
    pub(super) files: u64,
    pub(super) bytes: u64,
    /// What could not be, a sentence each.
    pub(super) notes: Vec<String>,
}

/// The folder on this machine in which a run's artifacts lie; the error says where they lie instead.
pub(super) fn folder_of(source: &Source, run: &ForeignRun, root: Option<&Path>) -> Result<PathBuf, String> {
    // A folder `mlruns/` that was moved names places where it once was.
    if let Some(folder) = source.artifacts_of(&run.id) {
        return Ok(folder);
    }
    let text = run.artifacts.as_str();
    let decoded = |path: &str| {
        let bytes = percent_decoded(path.as_bytes()).unwrap_or_else(|| path.as_bytes().to_vec());
        PathBuf::from(String::from_utf8_lossy(&bytes).into_owned())
    };
    if let Some(path) = text.strip_prefix("file://").or_else(|| text.strip_prefix("file:")) {
        return Ok(decoded(path));
    }
    match (ArtifactPath::of_address(text), root) {
        (Some(path), Some(root)) => return Ok(root.join(path.as_str())),
        (Some(_), None) => {
            return Err("artifacts that the server kept are not copied: name its folder with `--artifacts`".to_owned());
        }
        (None, _) => {}
    }
    match text.split_once("://") {
        Some((scheme, _)) => Err(format!("artifacts at {scheme}:// are not copied")),
        None => Ok(PathBuf::from(text)),
    }
}

/// Copies what lies in a folder of this machine to a run's artifacts; in a dry run it only counts.
pub(super) async fn bring(tracking: &Tracking, folder: &Path, address: &str, dry_run: bool) -> Result<Copied> {
    let mut copied = Copied::default();
    let Some(top) = ArtifactPath::of_address(address) else { return Ok(copied) };
    let files = files_in(folder).await?;
    if files.is_empty() {
        return Ok(copied);
    }
    let mut known: HashMap<String, u64> = HashMap::new();
    for entry in tracking.artifacts_under(&top).await?.into_iter().filter(|entry| entry.digest.is_some()) {
        known.insert(format!("{}/{}", entry.folder, entry.name), entry.bytes);
    }
    for (name, path, size) in files {
        let Ok(below) = ArtifactPath::parse(&name) else {
            copied.notes.push(format!("the artifact `{name}` cannot have that name here and is left out"));
            continue;
        };
        let place = top.join(&below);
        if known.get(place.as_str()) == Some(&size) {
            continue;
        }
        copied.files += 1;
        copied.bytes += size;
        if !dry_run {
            let file = tokio::fs::File::open(&path).await.map_err(|error| unreadable(&path, &error))?;
            tracking.put_artifact(&place, Box::pin(pieces(file))).await?;
        }
    }
    Ok(copied)
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    Error::new("run.import", format!("the artifact `{}` cannot be read", path.display())).caused_by(error)
}

fn pieces(file: tokio::fs::File) -> impl Stream<Item = std::io::Result<Bytes>> {
    futures::stream::unfold(Some(file), |file| async move {
        let mut file = file?;
        let mut piece = vec![0; PIECE];
        match file.read(&mut piece).await {
            Ok(0) => None,
            Ok(length) => {
                piece.truncate(length);
                Some((Ok(Bytes::from(piece)), Some(file)))
            }
            Err(error) => Some((Err(error), None)),
        }
    })
}

/// The files beneath a folder: name from it, path and size. Links are not followed.
async fn files_in(folder: &Path) -> Result<Vec<(String, PathBuf, u64)>> {
    let mut found = Vec::new();
    let mut open = vec![(String::new(), folder.to_owned())];
    while let Some((prefix, folder)) = open.pop() {
        let mut entries = match tokio::fs::read_dir(&folder).await {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(unreadable(&folder, &error)),
        };
        while let Some(entry) = entries.next_entry().await.map_err(|error| unreadable(&folder, &error))? {
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            let about = entry.metadata().await.map_err(|error| unreadable(&entry.path(), &error))?;
            if about.is_dir() {
                open.push((format!("{name}/"), entry.path()));
            } else if about.is_file() {
                found.push((name, entry.path(), about.len()));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Copies a run's artifacts into a folder of this machine; gives their number.
pub(super) async fn give(tracking: &Tracking, address: &str, folder: &Path) -> Result<u64> {
    let Ok(top) = artifact_folder(address) else { return Ok(0) };
    let mut files = 0;
    for entry in tracking.artifacts_under(&top).await?.into_iter().filter(|entry| entry.digest.is_some()) {
        let whole = format!("{}/{}", entry.folder, entry.name);
        let Some(name) = whole.strip_prefix(top.as_str()).and_then(|rest| rest.strip_prefix('/')) else { continue };
        let path = folder.join(name);
        let failed = |error: std::io::Error| {
            Error::new("run.import", format!("the artifact `{}` cannot be written", path.display())).caused_by(&error)
        };
        if let Some(parent) = path.parent() {
            tokio::fs::create_dir_all(parent).await.map_err(failed)?;
        }
        let parsed = ArtifactPath::parse(&whole).map_err(|error| Error::new("internal", error.to_string()))?;
        let artifact = tracking.artifact(&parsed).await?;
        let mut content = tracking.artifact_stream(&artifact, 0..artifact.bytes).await?;
        let mut file = tokio::fs::File::create(&path).await.map_err(failed)?;
        while let Some(piece) = content.next().await {
            file.write_all(&piece?).await.map_err(failed)?;
        }
        file.flush().await.map_err(failed)?;
        files += 1;
    }
    Ok(files)
}
