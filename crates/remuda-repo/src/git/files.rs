//! Which working files a snapshot takes in: what git tracks, and what it neither tracks nor ignores. A folder without
//! git is read by the same rules, its `.gitignore` included; submodules and repositories within are read as their own
//! git sees them.

use super::is_repository;
use super::program::{Git, split_nul};
use crate::RepoError;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Untracked files of these names are made by tools, not by people.
const MADE_BY_TOOLS: [&str; 11] = [
    "--exclude=.remuda/",
    "--exclude=__pycache__/",
    "--exclude=*.py[co]",
    "--exclude=.ipynb_checkpoints/",
    "--exclude=.mypy_cache/",
    "--exclude=.pytest_cache/",
    "--exclude=.ruff_cache/",
    "--exclude=node_modules/",
    "--exclude=mlruns/",
    "--exclude=mlflow.db",
    "--exclude=.DS_Store",
];
/// Repositories within repositories are followed this deep.
const DEEPEST: usize = 8;

/// The working files of a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkingFiles {
    /// The top: that of the repository around the folder, else the folder itself.
    pub top: PathBuf,
    /// The folder, from the top, with `/` at its end; empty where it is the top.
    pub prefix: Vec<u8>,
    /// Paths from the top, in order, as bytes.
    pub paths: BTreeSet<Vec<u8>>,
}

/// Lists the working files. In a repository larger than the product, tracked files count everywhere and untracked ones
/// under the product's folder.
///
/// # Errors
/// Git is missing or refuses.
pub fn working_files(root: &Path) -> Result<WorkingFiles, RepoError> {
    let mut files = WorkingFiles { top: root.to_owned(), ..WorkingFiles::default() };
    if is_repository(root)? {
        let here = Git::at(root);
        files.top = PathBuf::from(here.line(&["rev-parse", "--show-toplevel"])?);
        files.prefix = here.run(&["rev-parse", "--show-prefix"])?;
        while files.prefix.last().is_some_and(|last| matches!(last, b'\n' | b'\r')) {
            files.prefix.pop();
        }
        let top = files.top.clone();
        let prefix = files.prefix.clone();
        add_repository(&Git::at(&top), &top, b"", &prefix, 0, &mut files.paths)?;
    } else {
        let failed = |source| RepoError::Write { path: root.to_owned(), source };
        let scratch = tempfile::Builder::new().prefix("remuda-listing-").tempdir().map_err(failed)?;
        Git::at(scratch.path()).run(&["init", "--quiet", "--bare", "."])?;
        let git = Git::at(root).with("GIT_DIR", scratch.path()).with("GIT_WORK_TREE", root);
        add_untracked(&git, root, b"", b"", 0, &mut files.paths)?;
    }
    Ok(files)
}

fn add_repository(
    git: &Git,
    top: &Path,
    within: &[u8],
    untracked_under: &[u8],
    depth: usize,
    paths: &mut BTreeSet<Vec<u8>>,
) -> Result<(), RepoError> {
    let staged = git.run(&["ls-files", "-z", "--stage"])?;
    for line in split_nul(&staged) {
        // `MODE OBJECT STAGE`, a tab, the path.
        let Some(tab) = line.iter().position(|byte| *byte == b'\t') else { continue };
        let path = [within, &line[tab + 1..]].concat();
        if line.starts_with(b"160000") {
            add_nested(top, &path, depth, paths)?;
        } else if top.join(path_of(&path)).symlink_metadata().is_ok_and(|about| !about.is_dir()) {
            paths.insert(path);
        }
    }
    add_untracked(git, top, within, untracked_under, depth, paths)
}

fn add_untracked(
    git: &Git,
    top: &Path,
    within: &[u8],
    under: &[u8],
    depth: usize,
    paths: &mut BTreeSet<Vec<u8>>,
) -> Result<(), RepoError> {
    let mut arguments: Vec<&[u8]> = vec![b"ls-files", b"-z", b"--others", b"--exclude-standard"];
    arguments.extend(MADE_BY_TOOLS.iter().map(|pattern| pattern.as_bytes()));
    if !under.is_empty() {
        arguments.extend([b"--".as_slice(), under]);
    }
    let arguments: Vec<std::ffi::OsString> = arguments.into_iter().map(|word| path_of(word).into_os_string()).collect();
    let others = git.run(&arguments)?;
    let environments = environments_of(&others);
    for name in split_nul(&others) {
        let path = [within, name].concat();
        if environments.iter().any(|folder| name.starts_with(folder)) {
            continue;
        }
        match path.strip_suffix(b"/") {
            Some(nested) => add_nested(top, nested, depth, paths)?,
            None => drop(paths.insert(path)),
        }
    }
    Ok(())
}

/// Folders of untracked Python environments: those with a `pyvenv.cfg` or conda's history.
fn environments_of(names: &[u8]) -> Vec<&[u8]> {
    split_nul(names)
        .filter_map(|name| name.strip_suffix(b"pyvenv.cfg").or_else(|| name.strip_suffix(b"conda-meta/history")))
        .filter(|folder| folder.ends_with(b"/"))
        .collect()
}

/// The files of a submodule or of another repository within, if it is checked out.
fn add_nested(top: &Path, path: &[u8], depth: usize, paths: &mut BTreeSet<Vec<u8>>) -> Result<(), RepoError> {
    let folder = top.join(path_of(path));
    let is_link = folder.symlink_metadata().is_ok_and(|about| about.file_type().is_symlink());
    if depth >= DEEPEST || is_link || folder.join(".git").symlink_metadata().is_err() {
        return Ok(());
    }
    let git = Git::at(&folder);
    // A broken one within must not stop the run around it; its files are then missing, as an empty submodule's are.
    if !git.ask(&["rev-parse", "--is-inside-work-tree"], None)?.success {
        return Ok(());
    }
    add_repository(&git, top, &[path, b"/"].concat(), b"", depth + 1, paths)
}

/// The path that these bytes are.
#[cfg(unix)]
pub fn path_of(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
}

/// The path that these bytes are.
#[cfg(not(unix))]
pub fn path_of(bytes: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(bytes).into_owned())
}

/// The bytes of a path, with forward slashes.
#[cfg(unix)]
pub fn bytes_of(path: &Path) -> Vec<u8> {
    use std::os::unix::ffi::OsStrExt;
    path.as_os_str().as_bytes().to_vec()
}

/// The bytes of a path, with forward slashes.
#[cfg(not(unix))]
pub fn bytes_of(path: &Path) -> Vec<u8> {
    path.to_string_lossy().replace('\\', "/").into_bytes()
}
