//! Git, through the `git` program: it knows the team's configuration, attributes and ignore rules better than any
//! library. Snapshots are in `snapshot`, reading the past in `history`; here are the repository and its user.
//!
//! Nothing here runs hooks, prompts, or touches the index, the branch or the working files of a repository that was
//! there before.

mod branch;
mod files;
mod history;
mod program;
mod snapshot;

use crate::RepoError;
use crate::scaffold::write_over;
use program::Git;
use std::path::Path;

pub use branch::{branch_of_commit, branch_of_files};
pub use files::{WorkingFiles, bytes_of, path_of, working_files};
pub use history::{ChangeKind, Contribution, FileChange, contributors, diff, show_file};
pub use snapshot::{USUAL_CAP, reference_of, snapshot, snapshot_without};

/// The name and address under which remuda commits.
pub const OWN_NAME: &str = "remuda";
/// See [`OWN_NAME`].
pub const OWN_EMAIL: &str = "remuda@localhost";

/// The line of `.gitignore` that keeps ledger and blobs out of git.
const IGNORED: &str = ".remuda/";

/// Where a repository stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The commit that is checked out; `None` before the first one.
    pub commit: Option<String>,
    /// The branch that is checked out; `None` when detached.
    pub branch: Option<String>,
}

/// Who git says is working here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// `user.name`.
    pub name: String,
    /// `user.email`.
    pub email: String,
}

/// What [`init`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Initialised {
    /// A repository was made; otherwise the folder lay in one already.
    pub created: bool,
    /// The first commit, if a repository was made and there was something to commit.
    pub commit: Option<String>,
    /// `.gitignore` was made or got a line.
    pub ignore_changed: bool,
}

/// Whether `root` lies in the working tree of a git repository.
pub fn is_repository(root: &Path) -> Result<bool, RepoError> {
    let git = Git::at(root);
    let arguments = ["rev-parse", "--is-inside-work-tree"];
    let answer = git.ask(&arguments, None)?;
    if answer.success {
        return Ok(answer.output.starts_with(b"true"));
    }
    if answer.message.contains("not a git repository") {
        return Ok(false);
    }
    Err(git.refusal(&arguments, answer))
}

/// The commit and branch that are checked out. Nothing of both outside a repository.
pub fn head(root: &Path) -> Result<Head, RepoError> {
    if !is_repository(root)? {
        return Ok(Head::default());
    }
    let git = Git::at(root);
    let commit = git.line_if_any(&["rev-parse", "--verify", "--quiet", "HEAD^{commit}"])?;
    let branch = git.line_if_any(&["symbolic-ref", "--quiet", "--short", "HEAD"])?;
    Ok(Head { commit, branch })
}

/// The commit that is checked out; nothing outside a repository or before the first commit. Pages ask for it at each
/// visit, so the usual case (a loose reference in `root/.git`) is read without starting git.
pub fn commit(root: &Path) -> Result<Option<String>, RepoError> {
    if let Some(commit) = loose_commit(root) {
        return Ok(Some(commit));
    }
    let git = Git::at(root);
    let arguments = ["rev-parse", "--verify", "--quiet", "HEAD^{commit}"];
    let answer = git.ask(&arguments, None)?;
    if answer.message.contains("not a git repository") {
        return Ok(None);
    }
    if !answer.success && answer.code != Some(1) {
        return Err(git.refusal(&arguments, answer));
    }
    let commit = String::from_utf8_lossy(&answer.output).trim().to_owned();
    Ok((answer.success && !commit.is_empty()).then_some(commit))
}

/// The commit in the file of the reference that `HEAD` names, or in `HEAD` itself. Git reads this file before packed
/// references, so what stands here is the commit; everything else (worktrees, packed references, other storage) is
/// git's to find.
fn loose_commit(root: &Path) -> Option<String> {
    let folder = root.join(".git");
    let head = std::fs::read_to_string(folder.join("HEAD")).ok()?;
    let commit = match head.trim_end().strip_prefix("ref: ") {
        Some(name) if name.starts_with("refs/heads/") && !name.contains("..") => {
            std::fs::read_to_string(folder.join(name)).ok()?
        }
        Some(_) => return None,
        None => head,
    };
    let commit = commit.trim_end();
    let is_name = matches!(commit.len(), 40 | 64) && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_name.then(|| commit.to_owned())
}

/// The name and address that git is configured with here; `None` unless both are there.
pub fn user(root: &Path) -> Result<Option<User>, RepoError> {
    let git = Git::at(root);
    let name = git.line_if_any(&["config", "--get", "user.name"])?;
    let email = git.line_if_any(&["config", "--get", "user.email"])?;
    Ok(match (name, email) {
        (Some(name), Some(email)) => Some(User { name, email }),
        _ => None,
    })
}

/// Makes `root` a repository if it does not lie in one (or lies where the outer one ignores it), and sees that git
/// ignores `.remuda/`. In a new repository the given files (paths from the root) and `.gitignore` become the first
/// commit, as the configured user, else as remuda itself.
pub fn init(root: &Path, files: &[String]) -> Result<Initialised, RepoError> {
    let git = Git::at(root);
    let created = !is_repository(root)? || is_ignored_outside(&git)?;
    if created {
        git.run(&["init", "--quiet"])?;
    }
    let ignore_changed = ignore_own_folder(root)?;
    let commit = if created { first_commit(&git, root, files)? } else { None };
    Ok(Initialised { created, commit, ignore_changed })
}

/// Whether an outer repository ignores the folder, so that nothing in it would ever be in a snapshot.
fn is_ignored_outside(git: &Git) -> Result<bool, RepoError> {
    let prefix = git.line(&["rev-parse", "--show-prefix"])?;
    if prefix.is_empty() {
        return Ok(false);
    }
    // `check-ignore` takes paths, but refuses to be told that they are literal.
    let outer = Git::at(Path::new(&git.line(&["rev-parse", "--show-toplevel"])?)).with("GIT_LITERAL_PATHSPECS", "0");
    let folder = format!("./{}", prefix.trim_end_matches('/'));
    Ok(outer.ask(&["check-ignore", "--quiet", "--", &folder], None)?.success)
}

/// Adds our line to `.gitignore`, after what is there and with its line ends. Returns whether the file changed.
///
/// # Errors
/// `.gitignore` cannot be read or written.
pub fn ignore_own_folder(root: &Path) -> Result<bool, RepoError> {
    let path = root.join(".gitignore");
    let before = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(source) => return Err(RepoError::Read { path, source }),
    };
    let is_ours = |line: &str| matches!(line.trim(), ".remuda/" | ".remuda" | "/.remuda/" | "/.remuda");
    if before.lines().any(is_ours) {
        return Ok(false);
    }
    let line_end = if before.contains("\r\n") { "\r\n" } else { "\n" };
    let mut after = before;
    if !after.is_empty() && !after.ends_with('\n') {
        after.push_str(line_end);
    }
    for line in ["# Ledger, blobs and spool of remuda: facts, not definitions.", IGNORED] {
        after.push_str(line);
        after.push_str(line_end);
    }
    write_over(&path, &after)?;
    Ok(true)
}

/// Commits files (paths from the root) as a person, at a time (seconds since 1970, UTC). Returns the commit.
pub fn commit_as(root: &Path, who: &User, time: i64, files: &[&str], message: &str) -> Result<String, RepoError> {
    let date = format!("@{time} +0000");
    let git = Git::at(root).as_person(&who.name, &who.email);
    let git = git.with("GIT_AUTHOR_DATE", &date).with("GIT_COMMITTER_DATE", &date);
    let mut arguments = vec!["add", "--force", "--"];
    arguments.extend(files);
    git.run(&arguments)?;
    git.run(&["-c", "commit.gpgSign=false", "commit", "--quiet", "--message", message])?;
    git.line(&["rev-parse", "--verify", "HEAD^{commit}"])
}

fn first_commit(git: &Git, root: &Path, files: &[String]) -> Result<Option<String>, RepoError> {
    let mut ours: Vec<&str> = files.iter().map(String::as_str).filter(|path| !path.starts_with(IGNORED)).collect();
    if !ours.contains(&".gitignore") {
        ours.push(".gitignore");
    }
    ours.retain(|path| root.join(path).symlink_metadata().is_ok());
    if ours.is_empty() {
        return Ok(None);
    }
    // Forced: a rule in the user's own ignore file must not keep the product's files out of its first commit.
    let mut arguments = vec!["add", "--force", "--"];
    arguments.extend(&ours);
    git.run(&arguments)?;
    let committer = match user(root)? {
        Some(_) => git.clone(),
        None => git.as_person(OWN_NAME, OWN_EMAIL),
    };
    committer.run(&[
        "-c",
        "commit.gpgSign=false",
        "commit",
        "--quiet",
        "--message",
        "Begin the product with remuda init",
    ])?;
    git.line_if_any(&["rev-parse", "--verify", "--quiet", "HEAD^{commit}"])
}
