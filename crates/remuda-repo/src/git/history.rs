//! Reading the past of a repository: who changed a file, how two commits differ, what a file was. Nothing is written.

use super::is_repository;
use super::program::{Git, split_nul};
use crate::RepoError;
use std::path::Path;

/// One commit that changed a file, for one of the people who made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contribution {
    /// The author, or a co-author named in the message.
    pub name: String,
    /// Their address; empty where a co-author has none.
    pub email: String,
    /// The commit.
    pub commit: String,
    /// When it was written: microseconds since 1970, UTC.
    pub time: i64,
    /// The first line of its message.
    pub summary: String,
}

/// What happened to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// Its content, or its kind, is another.
    Modified,
    /// It has another path, and perhaps another content.
    Renamed,
}

/// How a file differs between two commits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileChange {
    /// The path in the second commit (in the first, when removed), from the root.
    pub path: String,
    /// The path in the first commit, when it was another.
    pub old_path: Option<String>,
    /// What happened.
    pub kind: ChangeKind,
    /// Lines added; `None` for binary files.
    pub added: Option<u64>,
    /// Lines removed; `None` for binary files.
    pub removed: Option<u64>,
}

/// Who changed a file (path from the root), newest first, through renames: the author of each commit and those whom
/// its `Co-authored-by` trailers name. Names and addresses follow the repository's `.mailmap`. Empty for a file that
/// no commit knows.
pub fn contributors(root: &Path, path: &str) -> Result<Vec<Contribution>, RepoError> {
    crate::scaffold::inside(root, path)?;
    if super::commit(root)?.is_none() {
        return Ok(Vec::new());
    }
    let format = "--format=%H%x1f%aN%x1f%aE%x1f%at%x1f%s%x1f%(trailers:key=Co-authored-by,valueonly,separator=%x1e)";
    let output = Git::at(root).run(&["log", "-z", "--follow", "--no-color", format, "--", path])?;
    let mut found = Vec::new();
    for record in split_nul(&output) {
        read_record(&String::from_utf8_lossy(record), &mut found);
    }
    Ok(found)
}

fn read_record(record: &str, found: &mut Vec<Contribution>) {
    let fields: Vec<&str> = record.trim_start_matches('\n').split('\u{1f}').collect();
    let [commit, name, email, seconds, summary, trailers] = fields.as_slice() else { return };
    let time = seconds.parse::<i64>().unwrap_or(0).saturating_mul(1_000_000);
    let first = found.len();
    let mut add = |name: &str, email: &str| {
        // Somebody may be named as author and co-author of one commit.
        let known = found[first..]
            .iter()
            .any(|one| one.email.eq_ignore_ascii_case(email) && (!email.is_empty() || one.name == name));
        if !known {
            let (name, email) = (name.to_owned(), email.to_owned());
            found.push(Contribution {
                name,
                email,
                commit: (*commit).to_owned(),
                time,
                summary: (*summary).to_owned(),
            });
        }
    };
    add(name, email);
    for trailer in trailers.split('\u{1e}').map(str::trim).filter(|trailer| !trailer.is_empty()) {
        match trailer.rsplit_once('<') {
            Some((name, email)) => add(name.trim(), email.trim_end_matches('>').trim()),
            None => add(trailer, ""),
        }
    }
}

/// How the files under `root` differ between two commits, by path. Renames are found by content.
pub fn diff(root: &Path, commit_a: &str, commit_b: &str) -> Result<Vec<FileChange>, RepoError> {
    let (commit_a, commit_b) = (check_commit(commit_a)?, check_commit(commit_b)?);
    let common = ["diff-tree", "-r", "-z", "-M", "--relative", "--no-ext-diff", "--no-textconv"];
    let run = |what: &'static str| {
        let mut arguments = common.to_vec();
        arguments.extend([what, commit_a, commit_b]);
        Git::at(root).run(&arguments)
    };
    let (statuses, counts) = (run("--name-status")?, run("--numstat")?);
    let mut changes = read_statuses(&statuses);
    for (change, (added, removed)) in changes.iter_mut().zip(read_counts(&counts)) {
        (change.added, change.removed) = (added, removed);
    }
    changes.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(changes)
}

/// `M NUL path NUL`, `R087 NUL old NUL new NUL`.
fn read_statuses(output: &[u8]) -> Vec<FileChange> {
    let mut parts = split_nul(output).map(|part| String::from_utf8_lossy(part).into_owned());
    let mut changes = Vec::new();
    while let (Some(status), Some(first)) = (parts.next(), parts.next()) {
        let kind = match status.as_bytes().first() {
            Some(b'A') => ChangeKind::Added,
            Some(b'D') => ChangeKind::Removed,
            Some(b'R') => ChangeKind::Renamed,
            _ => ChangeKind::Modified,
        };
        let (path, old_path) = match kind {
            ChangeKind::Renamed => (parts.next().unwrap_or_default(), Some(first)),
            _ => (first, None),
        };
        changes.push(FileChange { path, old_path, kind, added: None, removed: None });
    }
    changes
}

/// `added TAB removed TAB path NUL`; for renames `added TAB removed TAB NUL old NUL new NUL`; `-` for binary files.
fn read_counts(output: &[u8]) -> Vec<(Option<u64>, Option<u64>)> {
    let mut parts = split_nul(output);
    let mut counts = Vec::new();
    while let Some(part) = parts.next() {
        let text = String::from_utf8_lossy(part);
        let mut fields = text.splitn(3, '\t');
        let (added, removed, path) = (fields.next(), fields.next(), fields.next());
        let number = |field: Option<&str>| field.and_then(|field| field.parse().ok());
        counts.push((number(added), number(removed)));
        if path.is_none_or(str::is_empty) {
            // The old and the new path follow on their own.
            parts.nth(1);
        }
    }
    counts
}

/// The content of a file (path from the root) in a commit; `None` when the commit does not have it.
pub fn show_file(root: &Path, commit: &str, path: &str) -> Result<Option<Vec<u8>>, RepoError> {
    let commit = check_commit(commit)?;
    crate::scaffold::inside(root, path)?;
    if !is_repository(root)? {
        return Ok(None);
    }
    let git = Git::at(root);
    git.run(&["cat-file", "-e", &format!("{commit}^{{commit}}")])?;
    let Some(object) = git.line_if_any(&["rev-parse", "--verify", "--quiet", &format!("{commit}:./{path}")])? else {
        return Ok(None);
    };
    if git.line(&["cat-file", "-t", &object])? != "blob" {
        return Ok(None);
    }
    git.run(&["cat-file", "blob", &object]).map(Some)
}

fn check_commit(commit: &str) -> Result<&str, RepoError> {
    let good = (7..=64).contains(&commit.len()) && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    if good { Ok(commit) } else { Err(RepoError::BadCommit { commit: commit.to_owned() }) }
}
