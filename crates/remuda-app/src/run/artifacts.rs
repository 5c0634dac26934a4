//! `run artifacts` and `run download`: what a run keeps as files, by its own id.

use super::tracked::{Artifact, ArtifactEntry, ArtifactPlace, Tracking, artifact_folder};
use crate::app::App;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::use_case::{Access, UseCase};
use futures::StreamExt as _;
use remuda_model::Digest;
use remuda_model::run::artifact::ArtifactPath;
use remuda_model::run::tracked::TrackedRun;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use tokio::io::AsyncWriteExt as _;
use utoipa::ToSchema;

/// List the files that a run logged.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Artifacts {
    /// A run's id, or the beginning of it.
    pub run: String,
    /// A folder among the run's files; without it, all of them.
    #[serde(default)]
    pub path: Option<String>,
    /// Every file under the folder, however deep, instead of what lies in it.
    #[arg(long)]
    #[serde(default)]
    pub deep: bool,
}

/// Write a file that a run logged.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Download {
    /// A run's id, or the beginning of it.
    pub run: String,
    /// The file among the run's files.
    pub path: String,
    /// Where to write it.
    #[schema(value_type = String)]
    pub output: PathBuf,
}

/// A file or a folder of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RunArtifact {
    /// Its path below the run's folder.
    pub path: String,
    /// It is a folder.
    pub is_folder: bool,
    /// The size of a file.
    pub bytes: Option<u64>,
    /// The digest of a file's content.
    pub digest: Option<Digest>,
    /// When a file was logged, microseconds since 1970.
    pub time: Option<i64>,
}

/// The files of a run.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RunArtifacts {
    /// The run.
    pub run: String,
    /// Its name.
    pub name: String,
    /// The folder that is listed; empty: the run's own. A file is listed alone.
    pub path: String,
    /// Where the run's files lie.
    pub address: String,
    /// What lies there, by path.
    pub artifacts: Vec<RunArtifact>,
}

/// A file that was written.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Downloaded {
    /// Its path below the run's folder.
    pub path: String,
    /// Where it was written.
    #[schema(value_type = String)]
    pub output: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// The digest of its content.
    pub digest: Digest,
    /// For callers over HTTP: the digest under which `GET /api/v1/download/{digest}` gives the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub download: Option<String>,
}

impl Tracking {
    /// A tracked run by its id or the beginning of it, deleted ones too.
    ///
    /// # Errors
    /// There is none, or there are several.
    pub async fn find(&self, text: &str) -> Result<TrackedRun> {
        self.catch_up().await?;
        let known = if text.is_empty() { Vec::new() } else { self.tracker.runs_beginning(text).await? };
        match known.as_slice() {
            [] => Err(Error::not_found("tracked run", text).hint("`remuda run list` shows runs")),
            several if several.iter().any(|id| id == text) => self.run(text).await,
            [only] => self.run(only).await,
            several => Err(Error::new("request.ambiguous", format!("`{text}` fits runs {}", several.join(", ")))
                .hint("type more of it")),
        }
    }
}

fn below(text: &str) -> Result<ArtifactPath> {
    ArtifactPath::parse(text).map_err(|_| {
        Error::new("request.invalid", format!("`{text}` cannot be the path of an artifact"))
            .hint("write it as `remuda run artifacts RUN` shows it")
    })
}

impl UseCase for Artifacts {
    const NOUN: &'static str = "run";
    const VERB: &'static str = "artifacts";
    const ACCESS: Access = Access::Read;
    const ABOUT: &'static str = "List the files that a run logged.";
    type Answer = RunArtifacts;

    async fn run(self, app: &App, context: &Context) -> Result<RunArtifacts> {
        let tracking = app.tracking(&context.product()?.name)?;
        let run = tracking.find(&self.run).await?;
        let path = below(self.path.as_deref().unwrap_or_default())?;
        let top = artifact_folder(&run.artifacts)?;
        let folder = top.join(&path);
        let artifacts = match tracking.artifact_place(&folder).await? {
            ArtifactPlace::File(artifact) => vec![file_of(&artifact, path.as_str())],
            ArtifactPlace::Nothing if !path.is_top() => {
                return Err(Error::not_found("artifact", path.as_str())
                    .hint(format!("`remuda run artifacts {}` lists them", run.id)));
            }
            _ if self.deep => under(&tracking, &top, &folder).await?,
            _ => under_names(&tracking.artifacts_in(&folder).await?, &top),
        };
        let path = path.as_str().to_owned();
        Ok(RunArtifacts { run: run.id, name: run.name, path, address: run.artifacts, artifacts })
    }
}

fn file_of(artifact: &Artifact, path: &str) -> RunArtifact {
    RunArtifact {
        path: path.to_owned(),
        is_folder: false,
        bytes: Some(artifact.bytes),
        digest: Some(artifact.digest.clone()),
        time: Some(artifact.modified.saturating_mul(1000)),
    }
}

async fn under(tracking: &Tracking, top: &ArtifactPath, folder: &ArtifactPath) -> Result<Vec<RunArtifact>> {
    let mut found = under_names(&tracking.artifacts_under(folder).await?, top);
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

/// Entries with their paths below the run's own folder.
fn under_names(entries: &[ArtifactEntry], top: &ArtifactPath) -> Vec<RunArtifact> {
    let shown = |entry: &ArtifactEntry| {
        let folder = entry.folder.strip_prefix(top.as_str()).unwrap_or(&entry.folder).trim_start_matches('/');
        let path = if folder.is_empty() { entry.name.clone() } else { format!("{folder}/{}", entry.name) };
        let is_folder = entry.digest.is_none();
        RunArtifact {
            path,
            is_folder,
            bytes: (!is_folder).then_some(entry.bytes),
            digest: entry.digest.clone(),
            time: (!is_folder).then_some(entry.modified.saturating_mul(1000)),
        }
    };
    entries.iter().map(shown).collect()
}

impl UseCase for Download {
    const NOUN: &'static str = "run";
    const VERB: &'static str = "download";
    const ACCESS: Access = Access::Read;
    const ABOUT: &'static str = "Write a file that a run logged.";
    type Answer = Downloaded;

    async fn run(self, app: &App, context: &Context) -> Result<Downloaded> {
        let tracking = app.tracking(&context.product()?.name)?;
        let run = tracking.find(&self.run).await?;
        let path = below(&self.path)?;
        let artifact = tracking.artifact(&artifact_folder(&run.artifacts)?.join(&path)).await?;
        let mut answer = Downloaded {
            path: path.as_str().to_owned(),
            output: self.output,
            bytes: artifact.bytes,
            digest: artifact.digest.clone(),
            download: None,
        };
        if context.trusts_paths {
            write(&tracking, &artifact, &answer.output).await?;
        } else {
            let scratch = app.scratch()?;
            let file = scratch.path().join("artifact");
            write(&tracking, &artifact, &file).await?;
            answer.download = Some(app.offer_download(&file)?);
        }
        Ok(answer)
    }
}

/// Writes a file that appears whole, with the content that its digest names, or not at all.
async fn write(tracking: &Tracking, artifact: &Artifact, output: &Path) -> Result<()> {
    let refused = |source: &std::io::Error| {
        Error::new("request.invalid", format!("cannot write {}", output.display())).caused_by(source)
    };
    let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        // A scratch file is its owner's alone; a file that somebody asked for has the usual rights.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let scratch = builder.tempfile_in(folder).map_err(|source| refused(&source))?;
    let mut file = tokio::fs::File::from_std(scratch.reopen().map_err(|source| refused(&source))?);
    let mut stream = tracking.artifact_stream(artifact, 0..artifact.bytes).await?;
    let mut hasher = blake3::Hasher::new();
    while let Some(piece) = stream.next().await {
        let piece = piece?;
        hasher.update(&piece);
        file.write_all(&piece).await.map_err(|source| refused(&source))?;
    }
    file.flush().await.map_err(|source| refused(&source))?;
    let found = Digest::from_hash(hasher.finalize());
    if found != artifact.digest {
        let message = format!("artifact `{}` is damaged: its bytes hash to {found}", artifact.path.as_str());
        return Err(Error::new("ledger.unusable", message).hint("remuda ledger verify"));
    }
    scratch.persist(output).map_err(|failed| refused(&failed.error))?;
    Ok(())
}
