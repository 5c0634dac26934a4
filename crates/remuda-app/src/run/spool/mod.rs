//! Spools: what a run's script logged while its server may be away, kept on this disk until it is delivered. One folder
//! for each run of the runner, under `.remuda/spool-runs/`.
//!
//! - [`Journal`] (`journal.rs`): the records, checksummed, each on the disk before it is acknowledged
//! - `files.rs`: bodies that are too large for it
//! - [`Spool`]: a folder with its journal, what was delivered, and what the server refused; `waiting` looks at all of them

mod files;
mod journal;

pub use files::{SpooledFile, copy, is_whole, receive};
pub use journal::{Head, Journal, Reader, Record};

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

/// What a spool is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// Its id: what the server knows its records by.
    pub spool: String,
    /// The server that it is for.
    pub server: String,
    /// When it was made, milliseconds since 1970.
    pub made: i64,
}

/// A spool of which this process is the only writer.
pub struct Spool {
    /// Its folder.
    pub folder: PathBuf,
    /// What it is for.
    pub about: About,
    _lock: File,
}

/// What lies in a spool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// The spool.
    pub spool: String,
    /// The run that it is of, once it began.
    pub run: Option<String>,
    /// The server that it is for.
    pub server: String,
    /// Records that wait to be delivered.
    pub records: u64,
    /// Records that the server refused.
    pub refused: u64,
    /// A runner is at work on it now.
    pub live: bool,
}

/// Why a record was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// The record.
    pub sequence: u64,
    /// What it asked.
    pub path: String,
    /// What the server said.
    pub message: String,
    /// What was to be written.
    pub body: String,
}

/// The folder of all spools of a product.
pub fn spools(root: &Path) -> PathBuf {
    crate::product::ledger_folder(root).join("spool-runs")
}

/// What lies in the spools of a product, oldest first.
///
/// # Errors
/// A folder cannot be read.
pub fn waiting(root: &Path) -> Result<Vec<Waiting>> {
    let mut found = Vec::new();
    let entries = match std::fs::read_dir(spools(root)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    for entry in entries {
        let folder = entry?.path();
        let Some(about) = read_about(&folder) else { continue };
        let live = is_held(&folder);
        let delivered = read_delivered(&folder);
        let (mut records, mut run) = (0, None);
        let mut reader = Reader::open(&folder)?;
        while let Some(record) = reader.next(u64::MAX)? {
            if record.sequence > delivered {
                records += 1;
            }
            run = run.or_else(|| run_of(&record));
        }
        let refused = read_refused(&folder).len() as u64;
        found.push((about.made, Waiting { spool: about.spool, run, server: about.server, records, refused, live }));
    }
    found.sort_by(|one, other| (one.0, &one.1.spool).cmp(&(other.0, &other.1.spool)));
    Ok(found.into_iter().map(|(_, waiting)| waiting).collect())
}

/// The run that a record begins.
pub fn run_of(record: &Record) -> Option<String> {
    let begins = record.head.path == "/api/v1/run/start";
    let body: serde_json::Value = begins.then(|| serde_json::from_slice(&record.body).ok()).flatten()?;
    body["id"].as_str().map(str::to_owned)
}

impl Spool {
    /// Makes a spool.
    ///
    /// # Errors
    /// Its folder cannot be written.
    pub fn make(root: &Path, about: About) -> Result<Self> {
        let folder = spools(root).join(&about.spool);
        let unwritable = |source: &std::io::Error| {
            let code = crate::error::code_of_io(source, "ledger.unusable");
            Error::new(code, format!("cannot keep what the run logs in {}", folder.display()))
                .hint("free some room, or run the command by itself")
                .caused_by(source)
        };
        std::fs::create_dir_all(folder.join("files")).map_err(|source| unwritable(&source))?;
        let lock = lock(&folder).map_err(|source| unwritable(&source))?;
        let lock = lock.ok_or_else(|| Error::new("internal", "a new spool is in use already"))?;
        replace(&folder.join("about.json"), &serde_json::to_vec(&about)?).map_err(|source| unwritable(&source))?;
        Ok(Self { folder, about, _lock: lock })
    }

    /// Opens a spool that a runner left; `None` while somebody is at work on it, or when it is none.
    ///
    /// # Errors
    /// Its folder cannot be written.
    pub fn open(root: &Path, spool: &str) -> Result<Option<Self>> {
        let folder = spools(root).join(spool);
        let Some(about) = read_about(&folder) else { return Ok(None) };
        let Some(lock) = lock(&folder)? else { return Ok(None) };
        Ok(Some(Self { folder, about, _lock: lock }))
    }

    /// The number of the last record that is known to be delivered.
    pub fn delivered(&self) -> u64 {
        read_delivered(&self.folder)
    }

    /// Notes it. To forget it does no harm: the server knows each record.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn set_delivered(&self, sequence: u64) -> Result<()> {
        Ok(replace(&self.folder.join("delivered"), sequence.to_string().as_bytes())?)
    }

    /// Notes what the server refused.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn add_refused(&self, refused: &Refused) -> Result<()> {
        let mut file = OpenOptions::new().create(true).append(true).open(self.folder.join("refused"))?;
        let mut line = serde_json::to_vec(refused)?;
        line.push(b'\n');
        file.write_all(&line)?;
        Ok(())
    }

    /// What the server refused.
    pub fn refused(&self) -> Vec<Refused> {
        read_refused(&self.folder)
    }

    /// Numbers of experiments that were made here, and those that they have on the server.
    pub fn experiments(&self) -> BTreeMap<String, String> {
        let text = std::fs::read(self.folder.join("experiments.json")).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// Keeps these numbers.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn set_experiments(&self, experiments: &BTreeMap<String, String>) -> Result<()> {
        Ok(replace(&self.folder.join("experiments.json"), &serde_json::to_vec(experiments)?)?)
    }

    /// Where the bytes of a record lie that names a file.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join("files").join(name)
    }

    /// Removes the spool: all of it was delivered. What the server refused stays, in a file beside it.
    ///
    /// # Errors
    /// The folder cannot be removed.
    pub fn remove(self) -> Result<()> {
        let refused = self.folder.join("refused");
        if refused.exists() {
            let beside = crate::product::ledger_folder(Path::new(""));
            let beside = self.folder.ancestors().find(|folder| folder.ends_with(&beside)).unwrap_or(&self.folder);
            let kept = beside.join("refused-records");
            std::fs::create_dir_all(&kept)?;
            let files = kept.join(&self.about.spool);
            for record in self.refused() {
                // The body of a record with a file tells of it.
                let Ok(file) = serde_json::from_str::<SpooledFile>(&record.body) else { continue };
                std::fs::create_dir_all(&files)?;
                std::fs::rename(self.file(&file.name), files.join(&file.name))?;
            }
            std::fs::rename(&refused, kept.join(format!("{}.jsonl", self.about.spool)))?;
        }
        std::fs::remove_dir_all(&self.folder)?;
        Ok(())
    }
}

fn read_about(folder: &Path) -> Option<About> {
    serde_json::from_slice(&std::fs::read(folder.join("about.json")).ok()?).ok()
}

fn read_delivered(folder: &Path) -> u64 {
    let text = std::fs::read_to_string(folder.join("delivered")).unwrap_or_default();
    text.trim().parse().unwrap_or(0)
}

fn read_refused(folder: &Path) -> Vec<Refused> {
    let text = std::fs::read_to_string(folder.join("refused")).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// The lock of a spool, or `None` while another process has it. The system gives it back when its holder dies.
fn lock(folder: &Path) -> std::io::Result<Option<File>> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(folder.join("lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        // Where a file system has no locks, people must not sync a run that goes on.
        Err(TryLockError::Error(_)) => Ok(Some(file)),
    }
}

fn is_held(folder: &Path) -> bool {
    matches!(lock(folder), Ok(None))
}

/// Writes a file so that it is there whole or not at all.
fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(path);
    let mut scratch = tempfile::NamedTempFile::new_in(folder)?;
    scratch.write_all(bytes)?;
    scratch.as_file().sync_data()?;
    scratch.persist(path).map_err(|failed| failed.error)?;
    Ok(())
}
