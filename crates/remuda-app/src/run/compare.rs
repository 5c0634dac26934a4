//! Code and surroundings of two runs side by side: packed files where both runs kept them, else their commits.

use super::capture::code::PACKAGES;
use super::diff::differences;
use super::kept::reader_of;
use super::{CapturedDiff, FileDifference, RunState};
use crate::app::App;
use crate::context::Context;
use crate::error::{Error, Result};
use remuda_model::run::captured::{Captured, PackedCode};
use remuda_repo::archive::{Entry, Reader};
use remuda_repo::git::ChangeKind;
use std::collections::{BTreeMap, BTreeSet};

/// Lines of a file's diff that are shown.
const SHOWN_LINES: usize = 200;
/// Files above this size, in bytes, are named but not compared line by line.
const LARGEST_DIFF: usize = 1024 * 1024;
/// Files that are compared line by line; the others are named.
const COMPARED_FILES: usize = 500;

/// Files that differ, and what else does.
pub(super) async fn compare(
    app: &App,
    context: &Context,
    left: &RunState,
    right: &RunState,
) -> Result<(Vec<FileDifference>, CapturedDiff)> {
    let captured = |run: &RunState| run.snapshot.captured.as_deref().cloned().unwrap_or_default();
    let (before, after) = (captured(left), captured(right));
    let mut found = CapturedDiff {
        arguments: differences(&words(&before), &words(&after)),
        variables: differences(&before.variables, &after.variables),
        python: differences(&python(&before), &python(&after)),
        hardware: differences(&before.hardware, &after.hardware),
        seeds: differences(&seeds(&before), &seeds(&after)),
        packages: Vec::new(),
        outputs: differences(&outputs(left), &outputs(right)),
    };
    let (Some(old), Some(new)) = (&before.code, &after.code) else {
        return Ok((by_commits(context, left, right)?, found));
    };
    let packages = |captured: &Captured| captured.python.as_ref().and_then(|python| python.packages.clone());
    let same_packages = packages(&before) == packages(&after);
    if old.tree == new.tree && same_packages {
        return Ok((Vec::new(), found));
    }
    let opened = (open(app, old).await, open(app, new).await);
    let (Ok(mut old_files), Ok(mut new_files)) = opened else {
        // Blobs that are gone must not hide the rest of the comparison.
        return Ok((by_commits(context, left, right)?, found));
    };
    let work = move || -> Result<_> {
        let packages = differences(&installed(&mut old_files)?, &installed(&mut new_files)?);
        Ok((by_files(&mut old_files, &mut new_files)?, packages))
    };
    let (files, packages) = tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::new("internal", "the comparison stopped").caused_by(&error))??;
    found.packages = packages;
    Ok((files, found))
}

async fn open(app: &App, code: &PackedCode) -> Result<Reader> {
    reader_of(app, code).await
}

/// The command's words by their place, but those that name the folder itself.
fn words(captured: &Captured) -> BTreeMap<String, String> {
    let named = |(index, word): (usize, &String)| (format!("word {}", index + 1), word.clone());
    captured.arguments.iter().enumerate().map(named).collect()
}

fn python(captured: &Captured) -> BTreeMap<String, String> {
    let Some(python) = &captured.python else { return BTreeMap::new() };
    let version = format!("{} {}", python.implementation, python.version);
    BTreeMap::from([("Python".to_owned(), version.trim().to_owned())])
}

fn seeds(captured: &Captured) -> BTreeMap<String, String> {
    captured.seeds.iter().map(|seed| (format!("{} ({})", seed.name, seed.place), seed.value.clone())).collect()
}

fn outputs(run: &RunState) -> BTreeMap<String, String> {
    let shown = |digest: &Option<remuda_model::Digest>| {
        digest.as_ref().map_or_else(|| "not read".to_owned(), |digest| digest.short().to_owned())
    };
    run.outputs.iter().map(|output| (output.path.clone(), shown(&output.digest))).collect()
}

/// Packages with their versions.
fn installed(reader: &mut Reader) -> Result<BTreeMap<String, String>> {
    let text = reader.note(PACKAGES)?.unwrap_or_default();
    let text = String::from_utf8_lossy(&text).into_owned();
    let pair = |line: &str| match line.split_once("==").or_else(|| line.split_once(" @ ")) {
        Some((name, version)) => (name.to_owned(), version.to_owned()),
        None => (line.to_owned(), "from the folder".to_owned()),
    };
    Ok(text.lines().map(pair).collect())
}

/// By the packed files: equal contents are not read.
fn by_files(old: &mut Reader, new: &mut Reader) -> Result<Vec<FileDifference>> {
    let by_path = |reader: &Reader| -> BTreeMap<String, Entry> {
        reader.listing.entries.iter().map(|entry| (entry.path.clone(), entry.clone())).collect()
    };
    let (before, after) = (by_path(old), by_path(new));
    let paths: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let mut found = Vec::new();
    for path in paths {
        let (left, right) = (before.get(path), after.get(path));
        let same = |left: &Entry, right: &Entry| {
            left.digest == right.digest && left.link == right.link && left.mode & 0o100 == right.mode & 0o100
        };
        let kind = match (left, right) {
            (Some(left), Some(right)) if same(left, right) => continue,
            (Some(_), Some(_)) => "changed",
            (None, _) => "added",
            _ => "removed",
        };
        let diff = if found.len() < COMPARED_FILES {
            unified(&content(old, left)?, &content(new, right)?, path)
        } else {
            String::new()
        };
        found.push(FileDifference { kind: kind.to_owned(), path: path.clone(), diff });
    }
    Ok(found)
}

/// What a file says, or where a link points; nothing for what is not compared line by line.
fn content(reader: &mut Reader, entry: Option<&Entry>) -> Result<Vec<u8>> {
    let Some(entry) = entry else { return Ok(Vec::new()) };
    if let Some(link) = &entry.link {
        return Ok(format!("link to {link}\n").into_bytes());
    }
    if entry.bytes > LARGEST_DIFF as u64 {
        // One byte that is no text: named, and not compared.
        return Ok(vec![0xff]);
    }
    Ok(reader.content(entry)?)
}

/// By the commits, where both are in this repository.
fn by_commits(context: &Context, left: &RunState, right: &RunState) -> Result<Vec<FileDifference>> {
    let (Some(root), Some(from), Some(to)) = (&context.root, &left.snapshot.commit, &right.snapshot.commit) else {
        return Ok(Vec::new());
    };
    if from == to {
        return Ok(Vec::new());
    }
    let mut differences = Vec::new();
    for change in remuda_repo::git::diff(root, from, to)? {
        let old_path = change.old_path.as_deref().unwrap_or(&change.path);
        let read = |commit: &str, path: &str| remuda_repo::git::show_file(root, commit, path);
        let before = read(from, old_path)?.unwrap_or_default();
        let after = read(to, &change.path)?.unwrap_or_default();
        let kind = match change.kind {
            ChangeKind::Added => "added",
            ChangeKind::Removed => "removed",
            ChangeKind::Modified | ChangeKind::Renamed => "changed",
        };
        let diff = unified(&before, &after, &change.path);
        differences.push(FileDifference { kind: kind.to_owned(), path: change.path, diff });
    }
    Ok(differences)
}

/// A unified diff, cut at [`SHOWN_LINES`]; empty for binary and very large files.
fn unified(before: &[u8], after: &[u8], path: &str) -> String {
    if before.len().max(after.len()) > LARGEST_DIFF {
        return String::new();
    }
    let (Ok(before), Ok(after)) = (std::str::from_utf8(before), std::str::from_utf8(after)) else {
        return String::new();
    };
    let diff = similar::TextDiff::from_lines(before, after);
    let text = diff.unified_diff().context_radius(3).header(path, path).to_string();
    let mut lines: Vec<&str> = text.lines().take(SHOWN_LINES).collect();
    if text.lines().count() > SHOWN_LINES {
        lines.push("… (cut)");
    }
    lines.join("\n")
}
