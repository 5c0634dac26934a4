//! What a run wrote: the folder before and after, told apart by size and times, then by digest.

use remuda_model::Digest;
use remuda_model::run::captured::OutputFile;
use remuda_repo::archive::to_text;
use remuda_repo::git::{WorkingFiles, bytes_of};
use std::collections::{BTreeSet, HashMap};
use std::fs::Metadata;
use std::path::{Path, PathBuf};

/// Folders that no run's result is in.
const PASSED_OVER: [&str; 10] = [
    ".git",
    ".remuda",
    ".ipynb_checkpoints",
    "__pycache__",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    "node_modules",
    "mlruns",
    "wandb",
];
/// More files than this are not watched.
const MOST_FILES: usize = 200_000;
/// Files above this many bytes are named without a digest: 4 GiB.
const LARGEST: u64 = 4 * 1024 * 1024 * 1024;
/// How many outputs are recorded.
const MOST_OUTPUTS: usize = 2_000;

/// The files of a folder: what changes when one is written.
#[derive(Clone, Debug, Default)]
pub(crate) struct FolderState {
    root: PathBuf,
    files: HashMap<PathBuf, Stamp>,
    folders: BTreeSet<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    bytes: u64,
    modified: i128,
    changed: i128,
}

impl FolderState {
    /// The files with their sizes.
    pub(crate) fn sizes(&self) -> impl Iterator<Item = (&Path, u64)> {
        self.files.iter().map(|(path, stamp)| (path.as_path(), stamp.bytes))
    }
}

/// The state of a folder. What cannot be read is not there.
pub(crate) fn state_of(root: &Path) -> FolderState {
    let mut state = FolderState { root: root.to_owned(), ..FolderState::default() };
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            let (path, Ok(about)) = (entry.path(), entry.metadata()) else { continue };
            if about.is_dir() {
                let name = entry.file_name();
                let passed_over = PASSED_OVER.iter().any(|known| name == **known);
                if !passed_over && !path.join("pyvenv.cfg").exists() && !path.join("conda-meta").exists() {
                    state.folders.insert(path.clone());
                    open.push(path);
                }
            } else if about.is_file() && state.files.len() < MOST_FILES {
                state.files.insert(path, stamp_of(&about));
            }
        }
    }
    state
}

#[cfg(unix)]
fn stamp_of(about: &Metadata) -> Stamp {
    use std::os::unix::fs::MetadataExt;
    let nanoseconds = |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
    Stamp {
        bytes: about.len(),
        modified: nanoseconds(about.mtime(), about.mtime_nsec()),
        changed: nanoseconds(about.ctime(), about.ctime_nsec()),
    }
}

#[cfg(not(unix))]
fn stamp_of(about: &Metadata) -> Stamp {
    let since = |time: std::io::Result<std::time::SystemTime>| {
        let time = time.ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        time.map_or(0, |time| time.as_nanos() as i128)
    };
    Stamp { bytes: about.len(), modified: since(about.modified()), changed: since(about.created()) }
}

/// The files that are new or differ from before, with digests; paths from the top.
pub(crate) fn written(before: &FolderState, top: &Path) -> Vec<OutputFile> {
    let after = state_of(&before.root);
    let mut changed: Vec<(&PathBuf, &Stamp)> =
        after.files.iter().filter(|(path, stamp)| before.files.get(*path) != Some(*stamp)).collect();
    changed.sort_by_key(|(path, _)| *path);
    changed.into_iter().take(MOST_OUTPUTS).map(|(path, stamp)| output(path, stamp.bytes, top)).collect()
}

/// One output.
pub(crate) fn output(path: &Path, bytes: u64, top: &Path) -> OutputFile {
    let named = path.strip_prefix(top).unwrap_or(path);
    let digest = if bytes > LARGEST { None } else { digest_of(path) };
    let meaning = path.extension().filter(|ending| *ending == "ipynb").and_then(|_| meaning_of_notebook(path));
    OutputFile { path: to_text(&bytes_of(named)), bytes, digest, meaning, blob: None }
}

/// The digest of a file's content.
pub(crate) fn digest_of(path: &Path) -> Option<Digest> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(std::fs::File::open(path).ok()?).ok()?;
    Some(Digest::from_hash(hasher.finalize()))
}

/// The digest of a notebook's code and results, without the times and ids that differ at each execution.
fn meaning_of_notebook(path: &Path) -> Option<Digest> {
    let notebook: serde_json::Value = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
    let mut fields: Vec<Vec<u8>> = Vec::new();
    for cell in notebook.get("cells")?.as_array()? {
        for name in ["cell_type", "source"] {
            fields.push(cell.get(name).map(ToString::to_string).unwrap_or_default().into_bytes());
        }
        for output in cell.get("outputs").and_then(serde_json::Value::as_array).into_iter().flatten() {
            for name in ["output_type", "name", "text", "data", "ename", "evalue"] {
                fields.push(output.get(name).map(ToString::to_string).unwrap_or_default().into_bytes());
            }
        }
    }
    Some(Digest::of_fields(fields.iter().map(Vec::as_slice)))
}

/// Folders that are there and hold none of the captured files: a script may write into them.
pub(crate) fn empty_folders(files: &WorkingFiles, state: &FolderState) -> Vec<String> {
    const MOST: usize = 1_000;
    let mut parents: BTreeSet<&[u8]> = BTreeSet::new();
    for path in &files.paths {
        let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(place, _)| place);
        parents.extend(ends.map(|end| &path[..end]));
    }
    let named = |folder: &PathBuf| folder.strip_prefix(&files.top).ok().map(bytes_of);
    let empty = state.folders.iter().filter_map(named).filter(|folder| !parents.contains(folder.as_slice()));
    let visible = empty.filter(|folder| !folder.split(|byte| *byte == b'/').any(|part| part.starts_with(b".")));
    visible.filter(|folder| remuda_repo::archive::is_safe(folder)).take(MOST).map(|folder| to_text(&folder)).collect()
}
