//! A product that is being made. `init` notes what it writes in `.remuda/unfinished` before it writes it, and removes
//! the note when all is there; so a product whose `init` was killed is known by its note, and the next `init` takes
//! back what the first one wrote and begins anew. A living `init` holds the note's lock.

use crate::error::{Error, Result};
use remuda_model::Digest;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// Under `.remuda/`.
const NOTE: &str = "unfinished";

/// The note of an `init` at work.
pub(super) struct Unfinished {
    note: File,
    folder: PathBuf,
}

/// A line of the note. One that a kill cut short is none.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    /// The folder held no ledger: what `.remuda/` holds now came of this `init`.
    NewLedger,
    /// A file that is about to be written.
    File { path: String, digest: Digest },
}

/// Whether an `init` in this folder has begun and not ended.
pub(super) fn is_unfinished(folder: &Path) -> bool {
    super::ledger_folder(folder).join(NOTE).exists()
}

/// Refuses to work with a product that is not there as a whole. `ledger` is its `.remuda/`.
pub(crate) fn refuse_unfinished(ledger: &Path) -> Result<()> {
    let Ok(note) = File::open(ledger.join(NOTE)) else { return Ok(()) };
    if matches!(note.try_lock(), Err(TryLockError::WouldBlock)) {
        return Err(at_work());
    }
    Err(Error::new("repository.unusable", "`remuda init` was stopped half-way here, so the product is not whole")
        .hint("run the same `remuda init` again, from the folder above: it begins anew"))
}

fn at_work() -> Error {
    Error::new("repository.unusable", "another `remuda init` is at work in this folder")
        .hint("wait until it is done, then: `remuda status`")
}

impl Unfinished {
    /// Begins a note; what an `init` left here that was stopped is taken back first.
    ///
    /// # Errors
    /// Another `init` is at work here, somebody changed what the stopped one wrote, or the folder cannot be written.
    pub(super) fn begin(folder: &Path) -> Result<Self> {
        let ledger = super::ledger_folder(folder);
        std::fs::create_dir_all(&ledger)?;
        let new_ledger = !ledger.join("ledger.db").exists();
        let note = OpenOptions::new().create(true).read(true).append(true).open(ledger.join(NOTE))?;
        if matches!(note.try_lock(), Err(TryLockError::WouldBlock)) {
            return Err(at_work());
        }
        let mut unfinished = Self { note, folder: folder.to_owned() };
        let taken_back = unfinished.take_back()?;
        unfinished.note.set_len(0)?;
        if new_ledger || taken_back {
            unfinished.write(&Line::NewLedger)?;
        }
        Ok(unfinished)
    }

    /// Notes files (path from the folder, text) before they are written.
    pub(super) fn will_write(&mut self, files: &[(String, String)]) -> Result<()> {
        for (path, text) in files {
            self.write(&Line::File { path: path.clone(), digest: Digest::of(text.as_bytes()) })?;
        }
        Ok(())
    }

    /// The product is whole.
    pub(super) fn done(self) -> Result<()> {
        std::fs::remove_file(super::ledger_folder(&self.folder).join(NOTE))?;
        Ok(())
    }

    /// Removes what the note tells of, if nobody changed it since; whether that included the ledger.
    fn take_back(&mut self) -> Result<bool> {
        let mut text = String::new();
        self.note.read_to_string(&mut text)?;
        let lines: Vec<Line> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let written = |path: &str| self.folder.join(path);
        for line in &lines {
            let Line::File { path, digest } = line else { continue };
            let Ok(found) = std::fs::read(written(path)) else { continue };
            if Digest::of(&found) != *digest {
                return Err(Error::new(
                    "definition.exists",
                    format!("`remuda init` was stopped half-way here, and {path} was changed since"),
                )
                .hint(format!("move it away and begin anew: `mv {path} /tmp`, then the same `remuda init`")));
            }
        }
        let mut new_ledger = false;
        for line in &lines {
            match line {
                Line::NewLedger => new_ledger = true,
                Line::File { path, .. } => remove(&written(path))?,
            }
        }
        if new_ledger {
            let ledger = super::ledger_folder(&self.folder);
            for entry in std::fs::read_dir(&ledger)?.flatten().filter(|entry| entry.file_name() != NOTE) {
                remove(&entry.path())?;
            }
        }
        Ok(new_ledger)
    }

    fn write(&mut self, line: &Line) -> Result<()> {
        let mut text = serde_json::to_string(line)?;
        text.push('\n');
        self.note.write_all(text.as_bytes())?;
        Ok(())
    }
}

fn remove(path: &Path) -> std::io::Result<()> {
    let removed = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

    use super::*;

    fn files() -> Vec<(String, String)> {
        vec![("remuda.toml".to_owned(), "name = \"shop\"\n".to_owned()), ("data.yaml".to_owned(), "a: 1\n".to_owned())]
    }

    /// An `init` that is killed after it wrote its files and some of the ledger.
    fn killed(folder: &Path) {
        let mut unfinished = Unfinished::begin(folder).unwrap();
        unfinished.will_write(&files()).unwrap();
        for (path, text) in files() {
            std::fs::write(folder.join(path), text).unwrap();
        }
        std::fs::write(folder.join(".remuda/ledger.db"), "half").unwrap();
        std::fs::create_dir_all(folder.join(".remuda/blobs/ab")).unwrap();
        // The line that it was about to write.
        unfinished.note.write_all(b"{\"file\":{\"pa").unwrap();
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap().flatten();
        let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn what_a_killed_init_wrote_is_taken_back_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("notes.md"), "mine").unwrap();
        killed(folder.path());
        let refused = refuse_unfinished(&folder.path().join(".remuda")).unwrap_err();
        assert!(refused.message.contains("stopped half-way"), "{refused}");
        let again = Unfinished::begin(folder.path()).unwrap();
        assert_eq!(names(folder.path()), [".remuda", "notes.md"]);
        assert_eq!(names(&folder.path().join(".remuda")), ["unfinished"]);
        again.done().unwrap();
        assert!(!is_unfinished(folder.path()));
        refuse_unfinished(&folder.path().join(".remuda")).unwrap();
    }

    #[test]
    fn a_ledger_that_was_there_before_stays() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(".remuda")).unwrap();
        std::fs::write(folder.path().join(".remuda/ledger.db"), "facts").unwrap();
        killed(folder.path());
        Unfinished::begin(folder.path()).unwrap();
        assert!(folder.path().join(".remuda/ledger.db").exists());
        assert!(!folder.path().join("remuda.toml").exists());
    }

    #[test]
    fn what_somebody_changed_since_is_not_removed() {
        let folder = tempfile::tempdir().unwrap();
        killed(folder.path());
        std::fs::write(folder.path().join("data.yaml"), "a: 2\n").unwrap();
        let refused = Unfinished::begin(folder.path()).err().unwrap();
        assert!(refused.message.contains("data.yaml was changed since"), "{refused}");
        assert_eq!(names(folder.path()), [".remuda", "data.yaml", "remuda.toml"]);
    }

    #[test]
    fn two_inits_do_not_meet() {
        let folder = tempfile::tempdir().unwrap();
        let first = Unfinished::begin(folder.path()).unwrap();
        let refused = Unfinished::begin(folder.path()).err().unwrap();
        assert!(refused.message.contains("at work"), "{refused}");
        let refused = refuse_unfinished(&folder.path().join(".remuda")).unwrap_err();
        assert!(refused.message.contains("at work"), "{refused}");
        first.done().unwrap();
    }
}
