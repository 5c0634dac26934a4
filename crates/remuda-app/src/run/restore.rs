//! A run's files given back, into a folder or as a branch. Runs where the member is.

use super::capture::apart;
use super::{Fetch, RunState, Show};
use crate::error::{Error, Result};
use crate::use_case::Caller;
use remuda_model::run::captured::Captured;
use remuda_repo::archive::{self, Reader};
use remuda_repo::{RepoError, git};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use utoipa::ToSchema;

/// Files that were given back.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RestoredRun {
    /// The run.
    pub run: String,
    /// The folder.
    #[schema(value_type = String)]
    pub folder: PathBuf,
    /// Files and links that were written.
    pub written: u64,
    /// Files that were there already, as they should be.
    pub unchanged: u64,
    /// Outputs that were kept and written too.
    pub outputs: Vec<String>,
    /// What the snapshot does not hold.
    pub missing: Vec<String>,
}

/// A branch of a run's snapshot.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Branched {
    /// The run.
    pub run: String,
    /// The branch.
    pub branch: String,
    /// Its commit.
    pub commit: String,
    /// It was made of the packed files, since the commit is not in this repository.
    pub from_packed: bool,
}

/// What a reproduction of this run would miss. A data file that git ignores and that the run itself wrote is none.
pub fn missing(run: &RunState) -> Vec<String> {
    let Some(captured) = &run.snapshot.captured else { return Captured::default().missing() };
    let wrote = |what: &str| {
        run.outputs.iter().any(|output| output.path == what || (what.ends_with('/') && output.path.starts_with(what)))
    };
    let mut captured = Captured::clone(captured);
    captured.gaps.retain(|gap| gap.kind != remuda_model::run::captured::GapKind::Ignored || !wrote(&gap.what));
    captured.missing()
}

/// Fetches a run's packed files and opens them. The folder holds them while the reader is used.
pub(super) async fn fetch(caller: &impl Caller, run: &str) -> Result<(tempfile::TempDir, Reader)> {
    let folder = tempfile::Builder::new().prefix("remuda-fetch-").tempdir()?;
    let output = folder.path().join("code");
    caller.call(Fetch { run: run.to_owned(), kept: None, output: output.clone() }).await?;
    let reader = apart(move || Ok(Reader::open(&output, &HashMap::new())?)).await?;
    Ok((folder, reader))
}

/// Gives a run's files back, into `into` or a new folder named after the run. With `outputs`, those that were kept too.
///
/// # Errors
/// The run kept no packed files, or files of other content are there and `force` is not set: then nothing is written.
pub async fn restore(
    caller: &impl Caller,
    run: &str,
    into: Option<PathBuf>,
    force: bool,
    outputs: bool,
) -> Result<RestoredRun> {
    let state = caller.call(Show { run: run.to_owned() }).await?;
    let (_holder, mut reader) = fetch(caller, &state.run).await?;
    let folder = into.unwrap_or_else(|| PathBuf::from(format!("run-{}", state.run)));
    let target = folder.clone();
    let restored = apart(move || archive::restore(&mut reader, &target, force).map_err(advised)).await?;
    let mut kept = Vec::new();
    for output in state.outputs.iter().filter(|output| outputs && output.blob.is_some()) {
        let name = archive::from_text(&output.path).filter(|path| archive::is_safe(path));
        let name =
            name.ok_or_else(|| Error::new("repository.unusable", format!("`{}` is no safe path", output.path)))?;
        let place = folder.join(git::path_of(&name));
        if place.symlink_metadata().is_ok() && !force {
            return Err(advised(RepoError::WouldOverwrite { folder, paths: vec![output.path.clone()] }));
        }
        make_parent_inside(&folder, &place)?;
        caller.call(Fetch { run: state.run.clone(), kept: Some(output.path.clone()), output: place }).await?;
        kept.push(output.path.clone());
    }
    let missing = missing(&state);
    let (written, unchanged) = (restored.written, restored.unchanged);
    Ok(RestoredRun { run: state.run, folder, written, unchanged, outputs: kept, missing })
}

/// Makes the folder of an output; refused where a link among the files that were given back would lead it elsewhere.
fn make_parent_inside(folder: &Path, place: &Path) -> Result<()> {
    let parent = place.parent().unwrap_or(folder);
    let mut above = parent;
    while !above.exists() {
        above = above.parent().unwrap_or(folder);
    }
    let inside = std::fs::canonicalize(above)?.starts_with(std::fs::canonicalize(folder)?);
    let is_link = place.symlink_metadata().is_ok_and(|about| about.file_type().is_symlink());
    if !inside || is_link {
        return Err(Error::new("repository.unusable", format!("{} is or lies behind a link", place.display()))
            .hint("restore without `--outputs`"));
    }
    Ok(std::fs::create_dir_all(parent)?)
}

/// Makes a branch of a run's snapshot, in the repository of `root`.
///
/// # Errors
/// The folder has no repository, the branch is there, or the run kept nothing to make it of.
pub async fn branch(caller: &impl Caller, root: &Path, run: &str, name: &str) -> Result<Branched> {
    let state = caller.call(Show { run: run.to_owned() }).await?;
    if !git::is_repository(root)? {
        return Err(Error::new("repository.unusable", format!("{} is in no git repository", root.display()))
            .hint(format!("take the files instead: remuda run restore {}", state.run)));
    }
    if let Some(commit) = &state.snapshot.commit
        && let Some(commit) = git::branch_of_commit(root, name, commit).map_err(advised)?
    {
        return Ok(Branched { run: state.run, branch: name.to_owned(), commit, from_packed: false });
    }
    let (_holder, mut reader) = fetch(caller, &state.run).await?;
    let message = format!("Snapshot of run {}", state.run);
    let (place, branch, parent, time) =
        (root.to_owned(), name.to_owned(), state.snapshot.parent.clone(), state.started / 1_000_000);
    let made = apart(move || {
        git::branch_of_files(&place, &branch, parent.as_deref(), &message, time, &mut reader).map_err(advised)
    });
    Ok(Branched { run: state.run, branch: name.to_owned(), commit: made.await?, from_packed: true })
}

/// The error with its next step.
fn advised(error: RepoError) -> Error {
    let code = match &error {
        RepoError::WouldOverwrite { .. } | RepoError::BranchExists { .. } => "definition.exists",
        RepoError::BadBranch { .. } => "request.invalid",
        _ => return Error::from(error),
    };
    let built = Error::new(code, error.to_string());
    match error {
        RepoError::WouldOverwrite { .. } => {
            built.hint("choose another folder with `--into`, or write over them with `--force`")
        }
        RepoError::BranchExists { .. } => built.hint("choose another name"),
        _ => built.hint("use a name that git takes, such as `try-again`"),
    }
}
