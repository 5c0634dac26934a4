//! A ledger in a SQLite file: opened for writing, or for reading alone where its folder may not be written. The
//! tables and the engine's seam live elsewhere.

use crate::engine::Pool;
use crate::error::Error;
use crate::open::{Options, opening};
use crate::write_ahead;
use sqlx::ConnectOptions as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How long one process waits for another's write lock.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// What opening a ledger takes from its disk: the index of the log (32 kB), and a page or two.
const ROOM: usize = 64 * 1024;

/// Opens the file, and says whether it may only be read.
pub(crate) async fn open(path: &Path, options: &Options) -> Result<(Pool, bool), Error> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)
            .map_err(|source| crate::error::file("make the ledger's folder", folder, source))?;
    }
    write_ahead::keep_if_broken(path);
    let refused = match patiently(|| for_writing(path, options)).await {
        Ok(pool) => return Ok((pool, false)),
        Err(refused) => refused,
    };
    match (disk_of(path), refused) {
        (Disk::Full, Error::Open { source, .. }) => Err(Error::Full { operation: "open the ledger", source }),
        (Disk::ReadOnly, Error::Open { source, .. } | Error::ReadOnly { source, .. }) => {
            if !path.is_file() {
                return Err(Error::ReadOnly { operation: "make the ledger", source });
            }
            Ok((for_reading(path, options).await?, true))
        }
        (_, refused) => Err(refused),
    }
}

async fn for_writing(path: &Path, options: &Options) -> Result<Pool, Error> {
    let mut connect = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true);
    if let Some(pages) = options.sqlite_pages {
        connect = connect.pragma("max_page_count", pages.to_string());
    }
    let place = path.display().to_string();
    let pool = connections(connect, options).await.map_err(|source| opening(&place, source))?;
    crate::open::migrate(&pool, &place).await?;
    Ok(pool)
}

/// Opens the file without writing anything. A ledger that was closed is whole in its file; one that was not needs its
/// log, and SQLite reads that in a folder that may not be written only while the log's index is there too.
async fn for_reading(path: &Path, options: &Options) -> Result<Pool, Error> {
    let log = std::fs::metadata(write_ahead::beside(path, "-wal")).map_or(0, |about| about.len());
    let connect = SqliteConnectOptions::new().filename(path).read_only(true).immutable(log == 0);
    let place = path.display().to_string();
    let pool = connections(connect, options).await.map_err(|source| match opening(&place, source) {
        Error::Open { place, source } if log > 0 => Error::Unclosed { place, source },
        told => told,
    })?;
    crate::open::migrate(&pool, &place).await?;
    Ok(pool)
}

async fn connections(connect: SqliteConnectOptions, options: &Options) -> Result<Pool, sqlx::Error> {
    let connect = connect
        .busy_timeout(PATIENCE)
        // Rows come from a thread of the driver: fewer, larger hand-overs; and pages of large indexes stay at hand.
        .row_buffer_size(1024)
        .pragma("cache_size", "-8192")
        // As PostgreSQL compares: `LIKE` tells upper from lower case.
        .pragma("case_sensitive_like", "ON")
        .disable_statement_logging();
    let pool = SqlitePoolOptions::new().max_connections(options.connections).acquire_timeout(PATIENCE);
    Ok(Pool::Sqlite(pool.connect_with(connect).await?, Arc::default()))
}

/// Two processes that open a new SQLite file at once may find it locked while the other turns the log on, a case in
/// which SQLite does not wait by itself.
async fn patiently<F: Future<Output = Result<Pool, Error>>>(open: impl Fn() -> F) -> Result<Pool, Error> {
    for _ in 0..200 {
        match open().await {
            Err(Error::Busy { .. }) => tokio::time::sleep(Duration::from_millis(50)).await,
            done => return done,
        }
    }
    open().await
}

/// The state of a disk, where a ledger could not be opened.
enum Disk {
    Full,
    ReadOnly,
    Fine,
}

/// Tries to write beside the file, since SQLite's "cannot open" does not tell why.
fn disk_of(path: &Path) -> Disk {
    use std::io::ErrorKind;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let probe = || {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(&[0; ROOM])?;
        file.as_file().sync_all()
    };
    match probe().map_err(|error: std::io::Error| error.kind()) {
        Err(ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => Disk::Full,
        Err(ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied) => Disk::ReadOnly,
        _ => Disk::Fine,
    }
}
