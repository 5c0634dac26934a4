//! What a run starts from, captured before it begins: code, command, environment, data and seeds, and what could not
//! be captured. Runs where the member is and reaches the ledger through a [`Caller`]. What a run wrote is found in
//! [`outputs`] when it ends.
//!
//! Nothing here reads the process's environment: it comes in [`Surroundings`], from the face.

pub(crate) mod code;
mod hardware;
mod missing;
pub(crate) mod outputs;
pub(crate) mod python;
pub(crate) mod variables;

use super::pipeline::Observer;
use super::{KnownCode, KnownContents, Start};
use crate::app::{IdSource, RandomIds};
use crate::error::{Error, Result};
use crate::use_case::Caller;
use code::Packing;
use outputs::FolderState;
use remuda_model::run::Snapshot;
use remuda_model::run::captured::{Captured, RunSettings};
use remuda_repo::archive::to_text;
use remuda_repo::git::{WorkingFiles, bytes_of, working_files};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Files above this many bytes are named instead of captured, unless `[run] largest_file` says otherwise: 50 MiB.
pub const USUAL_LARGEST: u64 = 50 * 1024 * 1024;

/// Where a command runs, and with what around it.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The environment's variables.
    pub variables: BTreeMap<String, String>,
    /// The folder that it runs in; empty: that of this process.
    pub folder: PathBuf,
}

/// How a run is captured.
#[derive(Clone, Debug, Default)]
pub struct Keeping {
    /// Where the command runs.
    pub surroundings: Surroundings,
    /// What the product wants captured.
    pub settings: RunSettings,
    /// Files that are captured although they seem to hold a secret.
    pub allowed: Vec<PathBuf>,
    /// The run that this one repeats.
    pub reproduces: Option<Repeated>,
}

/// What a repeated run must take over from the one that it repeats, since its own folder is made of it.
#[derive(Clone, Debug)]
pub struct Repeated {
    /// The run.
    pub run: String,
    /// The files that were given back: these are its code, whatever git would ignore in the new folder.
    pub files: WorkingFiles,
    /// The words of its command, as they were.
    pub arguments: Vec<String>,
}

/// A command as it will be run.
#[derive(Clone, Debug, Default)]
pub(super) struct Command {
    /// How the run is shown.
    pub(super) shown: String,
    /// Its words; empty for a pipeline.
    pub(super) argv: Vec<String>,
    /// Nothing but built-in learners: no Python takes part.
    pub(super) built_in: bool,
    /// The notebook that it executes.
    pub(super) notebook: Option<PathBuf>,
    /// Free words.
    pub(super) note: String,
}

/// A run that began, and the state of its folder.
pub(super) struct Begun {
    pub(super) run: String,
    pub(super) top: PathBuf,
    pub(super) before: FolderState,
}

/// Captures everything and begins the run.
pub(super) async fn begin(
    caller: &impl Caller,
    root: &Path,
    command: Command,
    keeping: &Keeping,
    observer: &mut dyn Observer,
) -> Result<Begun> {
    // The id is made here, because the snapshot is filed under it before the ledger (which may be far) hears of the run.
    let id = RandomIds.short();
    observer.progress(0.0, "looking at the folder");
    let known = caller.call(KnownCode {}).await?;
    let versions = caller.call(crate::data::Log { name: None }).await?.versions;
    let (folder, asked, kept, settled) = (root.to_owned(), command.clone(), keeping.clone(), known.clone());
    let files = versions.iter().filter_map(|line| {
        let file = line.version.file.clone()?;
        Some(missing::DatasetFile { dataset: line.version.dataset.clone(), version: line.version.digest.clone(), file })
    });
    let files: Vec<missing::DatasetFile> = files.collect();
    observer.progress(0.1, "packing code and environment");
    let mut found = apart(move || look(&folder, &asked, &kept, &settled, &files)).await?;
    if let Some(object) = found.object.take() {
        observer.progress(0.7, "keeping the code");
        let request = super::Keep { file: object.to_path_buf(), source: Some("code".to_owned()), code: true };
        let blob = caller.call(request).await?;
        if let Some(code) = &mut found.captured.code {
            (code.blob, code.packed) = (blob.blob, blob.bytes);
        }
    }
    // A rebuilt folder is no repository, whatever lies around it.
    let mut snapshot = match keeping.reproduces {
        Some(_) => Snapshot::default(),
        None => commit(root, &id, found.without, found.largest).await,
    };
    describe(&mut snapshot.environment);
    snapshot.captured = Some(Box::new(found.captured));
    let request =
        Start { command: command.shown, snapshot, note: command.note, holder: crate::recovery::holder(), id: Some(id) };
    let run = caller.call(request).await?.run;
    Ok(Begun { run, top: found.top, before: found.before })
}

/// The commit beside the packed files. They are in the blobs: a git that refuses costs the commit, not the run.
async fn commit(root: &Path, id: &str, without: BTreeSet<Vec<u8>>, largest: u64) -> Snapshot {
    let (folder, name) = (root.to_owned(), id.to_owned());
    let made = apart(move || Ok(remuda_repo::git::snapshot_without(&folder, &name, largest, &without)?)).await;
    made.unwrap_or_default()
}

fn describe(environment: &mut BTreeMap<String, String>) {
    environment.insert("os".into(), std::env::consts::OS.into());
    environment.insert("architecture".into(), std::env::consts::ARCH.into());
    environment.insert("remuda".into(), env!("CARGO_PKG_VERSION").into());
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    environment.insert("cores".into(), cores.to_string());
}

/// Work that blocks, on a thread that may.
pub(super) async fn apart<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::new("internal", "the snapshot stopped").caused_by(&error))?
}

/// What was found out before the run.
struct Found {
    captured: Captured,
    top: PathBuf,
    before: FolderState,
    /// The packed files, unless the ledger has the same already.
    object: Option<tempfile::TempPath>,
    /// Files that must not be in the commit either.
    without: BTreeSet<Vec<u8>>,
    largest: u64,
}

fn look(
    root: &Path,
    command: &Command,
    keeping: &Keeping,
    known: &KnownContents,
    datasets: &[missing::DatasetFile],
) -> Result<Found> {
    let files = match &keeping.reproduces {
        Some(repeated) => repeated.files.clone(),
        None => working_files(root)?,
    };
    let largest = keeping.settings.largest_file.unwrap_or(USUAL_LARGEST);
    let surroundings = settled(&keeping.surroundings)?;
    let mut captured = Captured {
        top: to_text(&bytes_of(&files.top)),
        product: to_text(&files.prefix),
        reproduces: keeping.reproduces.as_ref().map(|repeated| repeated.run.clone()),
        hardware: hardware::facts(&surroundings),
        ..Captured::default()
    };
    variables::take(&surroundings, &keeping.settings, &mut captured);
    let notebook: Vec<String> = command.notebook.iter().map(|notebook| notebook.display().to_string()).collect();
    let words = match &keeping.reproduces {
        Some(repeated) => &repeated.arguments,
        None if !notebook.is_empty() => &notebook,
        None => &command.argv,
    };
    captured.arguments = variables::masked(words, &mut captured.withheld);
    missing::place(&files.top, &surroundings.folder, &mut captured);
    captured.notebook = command.notebook.as_ref().and_then(|notebook| {
        let full = std::fs::canonicalize(surroundings.folder.join(notebook)).ok()?;
        Some(to_text(&bytes_of(full.strip_prefix(&files.top).ok()?)))
    });
    let packages = match command.built_in {
        true => None,
        false => python::ask(&command.argv, &surroundings, &files.top, &mut captured),
    };
    let before = outputs::state_of(root);
    let packing = Packing {
        files: &files,
        largest,
        allowed: allowed_paths(&keeping.allowed, &surroundings.folder, &files.top),
        packages,
        folders: outputs::empty_folders(&files, &before),
        known,
    };
    let (object, listing) = code::pack(root, &packing, &mut captured)?;
    missing::look(&files.top, &surroundings.folder, command, &listing, datasets, &mut captured);
    let without = captured.withheld.iter().filter_map(|one| remuda_repo::archive::from_text(&one.place));
    let without = without.filter(|path| files.paths.contains(path)).collect();
    Ok(Found { captured, top: files.top, before, object, without, largest })
}

/// The surroundings with a folder: that of this process, where none is named.
fn settled(surroundings: &Surroundings) -> Result<Surroundings> {
    let folder = if surroundings.folder.as_os_str().is_empty() { Path::new(".") } else { &surroundings.folder };
    Ok(Surroundings { folder: std::fs::canonicalize(folder)?, variables: surroundings.variables.clone() })
}

fn allowed_paths(allowed: &[PathBuf], folder: &Path, top: &Path) -> BTreeSet<Vec<u8>> {
    let from_top = |path: &PathBuf| {
        let full = std::fs::canonicalize(folder.join(path)).ok()?;
        Some(bytes_of(full.strip_prefix(top).ok()?))
    };
    allowed.iter().filter_map(from_top).collect()
}
