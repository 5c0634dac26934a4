//! A snapshot: the working files as a commit under `refs/remuda/runs/<id>`, made beside the index and the branch.
//!
//! It works on a copy of the index with its own name, so the real one is neither locked nor changed and several
//! snapshots may run at once. The copy keeps the original's modification time: git takes a file that is as new as the
//! index for possibly changed and compares its content; a newer copy would hide a change made in the same tick
//! ("racy git", `Documentation/technical/racy-git.txt` in git's sources).
//!
//! In a repository larger than the product, changes to tracked files count everywhere, but untracked files only under
//! the product's folder: what else lies around is not the product's business.

use super::program::{Git, split_nul};
use super::{OWN_EMAIL, OWN_NAME, head, is_repository, path_of};
use crate::RepoError;
use remuda_model::run::Snapshot;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The usual size cap for one file: 10 MiB.
pub const USUAL_CAP: u64 = 10 * 1024 * 1024;

/// The folder of a snapshot at work, within the git folder.
const FOLDER_PREFIX: &str = "remuda-snapshot-";

/// How old such a folder is when nobody can be at work in it any more.
const ABANDONED: std::time::Duration = std::time::Duration::from_secs(3600);

/// The git reference of a run's snapshot.
pub fn reference_of(run_id: &str) -> String {
    format!("refs/remuda/runs/{run_id}")
}

/// Commits the working files, uncommitted and untracked ones included, under [`reference_of`] the run. Ignored files
/// are left out; so are changed files larger than `cap_bytes` and files that cannot be read, which are listed with
/// their sizes; submodules stay as the index has them and other repositories within this one are passed over.
///
/// Outside a repository the answer is an empty [`Snapshot`]. `environment` is left to the caller.
pub fn snapshot(root: &Path, run_id: &str, cap_bytes: u64) -> Result<Snapshot, RepoError> {
    snapshot_without(root, run_id, cap_bytes, &BTreeSet::new())
}

/// The same without these files (paths from the top of the repository, as bytes), whether they are tracked or not.
pub fn snapshot_without(
    root: &Path,
    run_id: &str,
    cap_bytes: u64,
    without: &BTreeSet<Vec<u8>>,
) -> Result<Snapshot, RepoError> {
    if !remuda_model::text::is_name(run_id) {
        return Err(RepoError::BadRunId { id: run_id.to_owned() });
    }
    if !is_repository(root)? {
        return Ok(Snapshot::default());
    }
    let here = Git::at(root);
    let top = PathBuf::from(here.line(&["rev-parse", "--show-toplevel"])?);
    let git = here.elsewhere(&top);
    let position = head(root)?;
    let git_folder = PathBuf::from(git.line(&["rev-parse", "--absolute-git-dir"])?);
    let work = tempfile::Builder::new()
        .prefix(FOLDER_PREFIX)
        .tempdir_in(&git_folder)
        .map_err(|source| RepoError::Write { path: git_folder.clone(), source })?;
    sweep(&git_folder, work.path());
    let index = work.path().join("index");
    copy_index(&git, &top, &index)?;
    let aside = git.with("GIT_INDEX_FILE", &index);

    let mut picked = Picked::default();
    for path in changed_paths(&here, &aside)?.into_iter().filter(|path| !without.contains(path)) {
        picked.sort_in(&top, path, cap_bytes);
    }
    for path in without {
        picked.dropped.extend_from_slice(path);
        picked.dropped.push(0);
    }
    update(&aside, &picked)?;
    let tree = aside.line(&["write-tree", "--missing-ok"])?;
    let commit = commit_tree(&git, &tree, position.commit.as_deref(), run_id)?;
    git.run(&["update-ref", "-m", "remuda: snapshot", &reference_of(run_id), &commit])?;
    let changed_files = count_changes(&git, position.commit.as_deref(), &tree)?;
    Ok(Snapshot {
        commit: Some(commit),
        parent: position.commit,
        branch: position.branch,
        changed_files,
        left_out: picked.left_out,
        environment: Default::default(),
        captured: None,
    })
}

/// Removes what killed snapshots left behind: our folders that are an hour older than the one just made.
fn sweep(git_folder: &Path, current: &Path) {
    let made = |folder: &Path| fs::metadata(folder).and_then(|metadata| metadata.modified());
    let (Ok(now), Ok(entries)) = (made(current), fs::read_dir(git_folder)) else { return };
    for entry in entries.flatten() {
        let ours = entry.file_name().to_string_lossy().starts_with(FOLDER_PREFIX);
        let old = made(&entry.path()).is_ok_and(|then| now.duration_since(then).is_ok_and(|age| age > ABANDONED));
        if ours && old {
            // Another snapshot may sweep at the same moment; what cannot be removed does no harm.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Copies the index with its modification time; a repository without one gets an empty copy.
fn copy_index(git: &Git, top: &Path, copy: &Path) -> Result<(), RepoError> {
    let original = top.join(git.line(&["rev-parse", "--git-path", "index"])?);
    let modified = match fs::metadata(&original) {
        Ok(metadata) => metadata.modified(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(RepoError::Read { path: original, source }),
    };
    let modified = modified.map_err(|source| RepoError::Read { path: original.clone(), source })?;
    fs::copy(&original, copy).map_err(|source| RepoError::Read { path: original, source })?;
    let failed = |source| RepoError::Write { path: copy.to_owned(), source };
    fs::OpenOptions::new().write(true).open(copy).and_then(|file| file.set_modified(modified)).map_err(failed)
}

/// Tracked files that differ from the index, anywhere, and untracked ones under the product's folder; paths from the
/// top of the repository, as bytes.
fn changed_paths(here: &Git, aside: &Git) -> Result<BTreeSet<Vec<u8>>, RepoError> {
    let tracked = aside.run(&["diff-files", "--name-only", "-z", "--ignore-submodules=all", "--no-renames"])?;
    let mut paths: BTreeSet<Vec<u8>> = split_nul(&tracked).map(<[u8]>::to_vec).collect();
    let prefix = here.line(&["rev-parse", "--show-prefix"])?;
    let mut arguments = vec!["ls-files", "-z", "--others", "--exclude-standard"];
    if !prefix.is_empty() {
        arguments.extend(["--", prefix.as_str()]);
    }
    let untracked = aside.run(&arguments)?;
    // A path that ends in a slash is another repository within this one. Our own folder is facts, not code, even
    // where somebody took its line out of `.gitignore`.
    let own_folder = format!("{prefix}.remuda/");
    let wanted = |path: &&[u8]| !path.ends_with(b"/") && !path.starts_with(own_folder.as_bytes());
    paths.extend(split_nul(&untracked).filter(wanted).map(<[u8]>::to_vec));
    Ok(paths)
}

/// What becomes of each changed path.
#[derive(Default)]
struct Picked {
    /// Taken into the tree, or out of it when the file is gone; separated by NUL.
    taken: Vec<u8>,
    /// Taken out of the tree although the file is there; separated by NUL.
    dropped: Vec<u8>,
    /// The dropped files with their sizes.
    left_out: Vec<(String, u64)>,
}

impl Picked {
    fn sort_in(&mut self, top: &Path, path: Vec<u8>, cap_bytes: u64) {
        let full = top.join(path_of(&path));
        let too_large = match fs::symlink_metadata(&full) {
            // A folder where a file or a submodule is tracked: git decides.
            Ok(metadata) if metadata.is_dir() => return,
            Ok(metadata) if metadata.is_file() => {
                let readable = fs::File::open(&full).is_ok();
                (metadata.len() > cap_bytes || !readable).then_some(metadata.len())
            }
            _ => None,
        };
        let list = match too_large {
            Some(bytes) => {
                self.left_out.push((String::from_utf8_lossy(&path).into_owned(), bytes));
                &mut self.dropped
            }
            None => &mut self.taken,
        };
        list.extend_from_slice(&path);
        list.push(0);
    }
}

fn update(aside: &Git, picked: &Picked) -> Result<(), RepoError> {
    if !picked.dropped.is_empty() {
        aside.feed(&["update-index", "-z", "--force-remove", "--stdin"], Some(&picked.dropped))?;
    }
    if !picked.taken.is_empty() {
        // `--replace`: a file may stand where the index has a folder, and the other way round.
        aside.feed(&["update-index", "-z", "--add", "--remove", "--replace", "--stdin"], Some(&picked.taken))?;
    }
    Ok(())
}

fn commit_tree(git: &Git, tree: &str, parent: Option<&str>, run_id: &str) -> Result<String, RepoError> {
    let message = format!("Snapshot of run {run_id}");
    let mut arguments = vec!["commit-tree", "--no-gpg-sign", "-m", &message];
    if let Some(parent) = parent {
        arguments.extend(["-p", parent]);
    }
    arguments.push(tree);
    git.as_person(OWN_NAME, OWN_EMAIL).line(&arguments)
}

/// Files that differ between the parent and the snapshot.
fn count_changes(git: &Git, parent: Option<&str>, tree: &str) -> Result<u64, RepoError> {
    let names = match parent {
        Some(parent) => git.run(&["diff-tree", "-r", "-z", "--name-only", "--no-renames", parent, tree])?,
        None => git.run(&["ls-tree", "-r", "-z", "--name-only", tree])?,
    };
    Ok(split_nul(&names).count() as u64)
}
