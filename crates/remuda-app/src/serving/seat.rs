//! One server per folder: whoever serves a folder holds the lock of `.remuda/server`, in which its address stands.
//! Two would each log under the ids that callers chose, and neither would know the other's.

use crate::app::App;
use crate::error::{Error, Result};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};

/// The right to serve a folder. It ends with the process, however that ends.
pub struct Seat {
    _file: File,
}

/// Where a folder is served now, if it is.
pub fn served_at(folder: &std::path::Path) -> Option<String> {
    let mut file = File::open(folder.join("server")).ok()?;
    if !matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)) {
        return None;
    }
    let mut known = String::new();
    file.read_to_string(&mut known).ok()?;
    known.lines().next().filter(|line| line.starts_with("http")).map(str::to_owned)
}

impl Seat {
    /// Takes the seat for a server that answers at `url`.
    ///
    /// # Errors
    /// `server.running`: another server serves this folder; the message tells where. Or the folder cannot be written.
    pub fn take(app: &App, url: &str) -> Result<Self> {
        let path = app.folder.join("server");
        let mut file =
            OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path).map_err(|source| {
                let code = crate::error::code_of_io(&source, "ledger.unusable");
                Error::new(code, format!("cannot write {}, so nothing can be served from here", path.display()))
                    .caused_by(&source)
            })?;
        // Where a file system has no locks, servers are told apart by their ports alone.
        if matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
            let mut known = String::new();
            let _ = file.read_to_string(&mut known);
            let place = known.lines().next().filter(|line| line.starts_with("http"));
            let at = place.map(|url| format!(" at {url}")).unwrap_or_default();
            let error = Error::new("server.running", format!("this folder is served already{at}"));
            return Err(match place {
                Some(url) => error.hint(format!("use that server: open {url}, or stop it first (Ctrl-C)")),
                None => error.hint("stop that server first (Ctrl-C)"),
            });
        }
        // Only for people: a server that cannot say where it is serves all the same.
        let _ = file.set_len(0).and_then(|()| file.seek(SeekFrom::Start(0))).and_then(|_| writeln!(file, "{url}"));
        Ok(Self { _file: file })
    }
}
