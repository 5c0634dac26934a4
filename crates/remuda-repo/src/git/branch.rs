//! An ordinary branch of a snapshot: of its commit where that is there, else of the packed files. Index, working files
//! and the branch that is checked out stay as they are.

use super::program::Git;
use super::{OWN_EMAIL, OWN_NAME};
use crate::RepoError;
use crate::archive::{Reader, from_text};
use std::path::Path;

/// Makes a branch of a commit. `Ok(None)`: the commit is not in this repository.
///
/// # Errors
/// The name is no branch's, the branch is there already, or git refuses.
pub fn branch_of_commit(root: &Path, name: &str, commit: &str) -> Result<Option<String>, RepoError> {
    let git = Git::at(root);
    check_name(&git, name)?;
    let is_name = matches!(commit.len(), 40 | 64) && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    let object = format!("{commit}^{{commit}}");
    if !is_name || !git.ask(&["cat-file", "-e", &object], None)?.success {
        return Ok(None);
    }
    // The last word demands that the branch is not there: nobody else's can be overwritten.
    git.run(&["update-ref", "-m", "remuda: branch of a run", &format!("refs/heads/{name}"), commit, ""])?;
    Ok(Some(commit.to_owned()))
}

/// Makes a branch of packed files, with a commit on `parent` if that is in this repository. Answers the commit.
///
/// # Errors
/// As [`branch_of_commit`], or the packed files cannot be read.
pub fn branch_of_files(
    root: &Path,
    name: &str,
    parent: Option<&str>,
    message: &str,
    time: i64,
    reader: &mut Reader,
) -> Result<String, RepoError> {
    let git = Git::at(root);
    check_name(&git, name)?;
    let reference = format!("refs/heads/{name}");
    let known = |commit: &&str| {
        git.ask(&["cat-file", "-e", &format!("{commit}^{{commit}}")], None).is_ok_and(|answer| answer.success)
    };
    let mut stream = format!(
        "feature done\ncommit {reference}\ncommitter {OWN_NAME} <{OWN_EMAIL}> {time} +0000\ndata {}\n{message}\n",
        message.len()
    )
    .into_bytes();
    if let Some(parent) = parent.filter(known) {
        stream.extend_from_slice(format!("from {parent}\ndeleteall\n").as_bytes());
    }
    for entry in reader.listing.entries.clone() {
        let path = from_text(&entry.path).ok_or_else(|| RepoError::BadPath { path: entry.path.clone() })?;
        let (mode, content) = match &entry.link {
            Some(target) => ("120000", from_text(target).unwrap_or_default()),
            None if entry.mode & 0o100 != 0 => ("100755", reader.content(&entry)?),
            None => ("100644", reader.content(&entry)?),
        };
        stream.extend_from_slice(format!("M {mode} inline {}\ndata {}\n", quoted(&path), content.len()).as_bytes());
        stream.extend_from_slice(&content);
        stream.push(b'\n');
    }
    stream.extend_from_slice(b"done\n");
    git.feed(&["fast-import", "--quiet", "--done"], Some(&stream))?;
    git.line(&["rev-parse", "--verify", &format!("{reference}^{{commit}}")])
}

fn check_name(git: &Git, name: &str) -> Result<(), RepoError> {
    let reference = format!("refs/heads/{name}");
    let fits = !name.starts_with('-') && git.ask(&["check-ref-format", &reference], None)?.success;
    if !fits {
        return Err(RepoError::BadBranch { name: name.to_owned() });
    }
    if git.ask(&["show-ref", "--verify", "--quiet", &reference], None)?.success {
        return Err(RepoError::BranchExists { name: name.to_owned() });
    }
    Ok(())
}

/// A path as `fast-import` reads it, whatever its bytes.
fn quoted(path: &[u8]) -> String {
    let mut text = String::from("\"");
    for byte in path {
        match byte {
            b'"' | b'\\' => text.extend(['\\', *byte as char]),
            b' '..=b'~' => text.push(*byte as char),
            other => text.push_str(&format!("\\{other:03o}")),
        }
    }
    text.push('"');
    text
}
