//! Work in progress: folders under `.remuda/scratch/` that go with their owner, and after a crash at the next start.
//!
//! A folder is named after its owner's process and holds a locked file. Whoever sees that process lets the folder be;
//! whoever cannot (a container and its host that share a folder) is told by the lock.

use crate::app::App;
use crate::error::{Error, Result};
use std::fs::{File, TryLockError};
use std::path::Path;

/// The file whose lock says that a scratch folder is in use.
const LOCK: &str = "lock";

/// A scratch folder. It goes when the value is dropped.
pub(crate) struct Scratch {
    // Before the lock, so that nobody sweeps what is being removed.
    folder: tempfile::TempDir,
    _lock: File,
}

impl Scratch {
    /// Where it lies.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl App {
    /// A scratch folder of this process.
    pub(crate) fn scratch(&self) -> Result<Scratch> {
        let parent = self.folder.join("scratch");
        let refused = |source: std::io::Error| {
            let code = crate::error::code_of_io(&source, "ledger.unusable");
            Error::new(code, format!("cannot make a folder to work in, in {}", parent.display())).caused_by(&source)
        };
        std::fs::create_dir_all(&parent).map_err(refused)?;
        let prefix = format!("{}-", crate::recovery::process_mark());
        loop {
            let folder = tempfile::Builder::new().prefix(&prefix).tempdir_in(&parent).map_err(refused)?;
            let lock = match File::create(folder.path().join(LOCK)) {
                Ok(lock) => lock,
                // Somebody who cannot see this process swept the folder before it was locked.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(refused(error)),
            };
            // Where a file system has no locks, the process in the folder's name has to do.
            let _ = lock.lock();
            if folder.path().join(LOCK).exists() {
                return Ok(Scratch { folder, _lock: lock });
            }
        }
    }
}

/// Whether nobody uses a scratch folder any more.
pub(crate) fn is_abandoned(folder: &Path) -> bool {
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mark = name.split('-').next().unwrap_or_default();
    if crate::recovery::marked_process_lives(mark) {
        return false;
    }
    match File::open(folder.join(LOCK)) {
        Ok(lock) => !matches!(lock.try_lock(), Err(TryLockError::WouldBlock)),
        Err(_) => true,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

    use super::*;

    #[test]
    fn a_folder_in_use_is_told_by_its_process_or_by_its_lock() {
        let parent = tempfile::tempdir().unwrap();
        let make = |name: &str| {
            let folder = parent.path().join(name);
            std::fs::create_dir(&folder).unwrap();
            let lock = File::create(folder.join(LOCK)).unwrap();
            (folder, lock)
        };
        let (own, _) = make(&format!("{}-a", crate::recovery::process_mark()));
        assert!(!is_abandoned(&own));
        // A process that is gone, or that another list of processes has.
        let (other, lock) = make("4000000000.7-b");
        lock.lock().unwrap();
        assert!(!is_abandoned(&other));
        lock.unlock().unwrap();
        assert!(is_abandoned(&other));
        // This process's number, taken over from one that began at another time.
        let (earlier, _) = make(&format!("{}.1-c", std::process::id()));
        assert!(is_abandoned(&earlier));
        // As versions before named them, and killed before it had a lock.
        let bare = parent.path().join("4000000000-d");
        std::fs::create_dir(&bare).unwrap();
        assert!(is_abandoned(&bare));
    }
}
