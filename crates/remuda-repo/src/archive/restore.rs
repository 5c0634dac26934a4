//! Giving packed files back: into a folder, never beyond it, and over nothing unless that is asked for.

use super::{Entry, Reader, from_text, is_safe};
use crate::RepoError;
use crate::git::path_of;
use remuda_model::Digest;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

/// How many clashing files an error names.
const NAMED: usize = 20;

/// What was given back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    /// Files and links that were written.
    pub written: u64,
    /// Files that were there already, as they should be.
    pub unchanged: u64,
}

/// Writes the files into a folder, which is made if need be. Files that are there with other content are an error, and
/// then nothing is written, unless `force`. Links are made last, so nothing is written through one.
///
/// # Errors
/// A path leads out of the folder, files would be overwritten, or one cannot be read or written.
pub fn restore(reader: &mut Reader, folder: &Path, force: bool) -> Result<Restored, RepoError> {
    let entries = planned(&reader.listing.entries)?;
    let folders = folders_of(&reader.listing.folders)?;
    make_folder(folder)?;
    let mut restored = Restored::default();
    let mut todo = Vec::new();
    let mut clashing = Vec::new();
    for (path, entry) in entries {
        let target = folder.join(path_of(&path));
        no_link_above(folder, &path)?;
        match target.symlink_metadata() {
            Err(_) => todo.push((path, entry)),
            Ok(_) if is_same(&target, &entry) => restored.unchanged += 1,
            Ok(about) if about.is_dir() || !force => clashing.push(entry.path.clone()),
            Ok(_) => todo.push((path, entry)),
        }
    }
    if !clashing.is_empty() {
        clashing.truncate(NAMED);
        return Err(RepoError::WouldOverwrite { folder: folder.to_owned(), paths: clashing });
    }
    let (links, files): (Vec<_>, Vec<_>) = todo.into_iter().partition(|(_, entry)| entry.link.is_some());
    for (path, entry) in files.iter().chain(&links) {
        let target = folder.join(path_of(path));
        if let Some(parent) = target.parent() {
            make_folder(parent)?;
        }
        write_one(reader, entry, &target)?;
        restored.written += 1;
    }
    for path in folders {
        no_link_above(folder, &path)?;
        make_folder(&folder.join(path_of(&path)))?;
    }
    Ok(restored)
}

/// The entries with their paths as bytes; refused where one leads elsewhere, comes twice or lies within another.
fn planned(entries: &[Entry]) -> Result<Vec<(Vec<u8>, Entry)>, RepoError> {
    let mut planned = Vec::with_capacity(entries.len());
    let mut seen: BTreeSet<Vec<u8>> = BTreeSet::new();
    for entry in entries {
        let bad = || RepoError::BadPath { path: entry.path.clone() };
        let path = from_text(&entry.path).filter(|path| is_safe(path)).ok_or_else(bad)?;
        if !seen.insert(path.clone()) {
            return Err(bad());
        }
        planned.push((path, entry.clone()));
    }
    for (path, entry) in &planned {
        let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(place, _)| place);
        if ends.into_iter().any(|end| seen.contains(&path[..end])) {
            return Err(RepoError::BadPath { path: entry.path.clone() });
        }
    }
    Ok(planned)
}

fn folders_of(folders: &[String]) -> Result<Vec<Vec<u8>>, RepoError> {
    let read = |text: &String| {
        from_text(text).filter(|path| is_safe(path)).ok_or_else(|| RepoError::BadPath { path: text.clone() })
    };
    folders.iter().map(read).collect()
}

fn make_folder(folder: &Path) -> Result<(), RepoError> {
    fs::create_dir_all(folder).map_err(|source| RepoError::Write { path: folder.to_owned(), source })
}

/// A link among the folders above a file would lead the writing elsewhere.
fn no_link_above(folder: &Path, path: &[u8]) -> Result<(), RepoError> {
    let mut place = folder.to_owned();
    let mut parts = path.split(|byte| *byte == b'/').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            break;
        }
        place.push(path_of(part));
        match place.symlink_metadata() {
            Ok(about) if about.is_dir() => {}
            Ok(_) => return Err(RepoError::WouldOverwrite { folder: folder.to_owned(), paths: vec![shown(&place)] }),
            Err(_) => break,
        }
    }
    Ok(())
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// Whether what lies there is what would be written.
fn is_same(target: &Path, entry: &Entry) -> bool {
    let Ok(about) = target.symlink_metadata() else { return false };
    if let Some(link) = &entry.link {
        let wanted = from_text(link).map(|bytes| path_of(&bytes));
        return wanted.is_some() && fs::read_link(target).ok() == wanted;
    }
    if !about.is_file() || about.len() != entry.bytes {
        return false;
    }
    let Ok(file) = File::open(target) else { return false };
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(file).is_ok() && Some(Digest::from_hash(hasher.finalize())) == entry.digest
}

/// Writes one file or link, whole or not at all.
fn write_one(reader: &mut Reader, entry: &Entry, target: &Path) -> Result<(), RepoError> {
    let failed = |source| RepoError::Write { path: target.to_owned(), source };
    let parent: PathBuf = target.parent().map(Path::to_owned).unwrap_or_default();
    if let Some(link) = &entry.link {
        let to = from_text(link).filter(|to| !to.is_empty() && !to.contains(&0));
        let to = to.ok_or_else(|| RepoError::BadPath { path: link.clone() })?;
        if target.symlink_metadata().is_ok() {
            fs::remove_file(target).map_err(failed)?;
        }
        return make_link(&path_of(&to), target).map_err(failed);
    }
    let mut scratch = tempfile::NamedTempFile::new_in(&parent).map_err(failed)?;
    reader.copy(entry, scratch.as_file_mut(), target)?;
    scratch.as_file_mut().flush().map_err(failed)?;
    set_mode(scratch.as_file(), entry.mode).map_err(failed)?;
    scratch.persist(target).map_err(|error| failed(error.error))?;
    Ok(())
}

#[cfg(unix)]
fn make_link(to: &Path, target: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(to, target)
}

#[cfg(not(unix))]
fn make_link(to: &Path, target: &Path) -> std::io::Result<()> {
    fs::write(target, to.to_string_lossy().as_bytes())
}

#[cfg(unix)]
fn set_mode(file: &File, mode: u32) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(mode & 0o777))
}

#[cfg(not(unix))]
fn set_mode(_: &File, _: u32) -> std::io::Result<()> {
    Ok(())
}
