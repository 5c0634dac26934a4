//! What can go wrong in the ledger and the blobs, and how a database's answer is read as one of these.

use remuda_model::Digest;
use std::path::PathBuf;

/// An operation on the ledger or the blobs that did not succeed. Nothing was half-written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The ledger's address is neither `sqlite:PATH` nor `postgres://…`.
    #[error(
        "the ledger's address `{address}` is not understood: write `sqlite:PATH` or `postgres://USER@HOST/DATABASE`"
    )]
    Address {
        /// The address, without a password.
        address: String,
    },
    /// The database could not be opened.
    #[error("cannot open the ledger at {place}: check that it exists and that you may write there")]
    Open {
        /// File or host and database.
        place: String,
        /// What the driver said.
        #[source]
        source: sqlx::Error,
    },
    /// Another program's database could not be opened.
    #[error("cannot open the database at {place}: check that it exists and that you may read it")]
    Foreign {
        /// File or host and database.
        place: String,
        /// What the driver said.
        #[source]
        source: sqlx::Error,
    },
    /// A database is not what it was taken for.
    #[error("the database at {place} is none of MLflow's: it has no table `{table}`")]
    NotMlflow {
        /// File or host and database.
        place: String,
        /// The table that it lacks.
        table: &'static str,
    },
    /// The ledger was written by a newer remuda.
    #[error(
        "the ledger at {place} has format {found}, this remuda knows formats up to {known}: install a newer remuda"
    )]
    Newer {
        /// File or host and database.
        place: String,
        /// The format found.
        found: i64,
        /// The newest format that this program knows.
        known: i64,
    },
    /// The PostgreSQL database does not store UTF-8.
    #[error("the database at {place} stores {encoding}, not UTF8: create one with `ENCODING 'UTF8'`")]
    Encoding {
        /// Host and database.
        place: String,
        /// The database's encoding.
        encoding: String,
    },
    /// Another process held the ledger too long.
    #[error("{operation}: another process kept the ledger locked; try again when it is done")]
    Busy {
        /// What was tried.
        operation: &'static str,
        /// What the driver said.
        #[source]
        source: sqlx::Error,
    },
    /// No space is left for the ledger. What was acknowledged before is safe.
    #[error("{operation}: no space is left where the ledger lives; free some and try again, nothing was written")]
    Full {
        /// What was tried.
        operation: &'static str,
        /// What the driver said.
        #[source]
        source: sqlx::Error,
    },
    /// The ledger may not be written.
    #[error("{operation}: the ledger or its folder is read-only; nothing was written")]
    ReadOnly {
        /// What was tried.
        operation: &'static str,
        /// What the driver said.
        #[source]
        source: sqlx::Error,
    },
    /// The ledger's folder may not be written, and what its log holds can therefore not be read.
    #[error("the ledger at {place} was not closed, and its log can only be read where its folder may be written")]
    Unclosed {
        /// The file.
        place: String,
        /// What the driver said.
        #[source]
        source: sqlx::Error,
    },
    /// The database's file does not hold what a database wrote.
    #[error("{operation}: the ledger's file is damaged, or is no ledger")]
    Damaged {
        /// What was tried.
        operation: &'static str,
        /// What the driver said.
        #[source]
        source: sqlx::Error,
    },
    /// Any other failure of the database.
    #[error("{operation}: the database failed")]
    Database {
        /// What was tried.
        operation: &'static str,
        /// What the driver said.
        #[source]
        source: sqlx::Error,
    },
    /// Somebody else appended in between.
    #[error(
        "the ledger of `{product}` has moved on: expected fact {expected} as the newest, found {found}; read again and retry"
    )]
    Conflict {
        /// The product.
        product: String,
        /// The sequence that the caller expected.
        expected: i64,
        /// The newest sequence; 0 when there is none.
        found: i64,
    },
    /// A change of what is tracked was refused.
    #[error(transparent)]
    Refused(#[from] crate::tracked::Refusal),
    /// A fact with this id is already there.
    #[error("{operation}: an id of these facts is in the ledger already; nothing was written")]
    Duplicate {
        /// What was tried.
        operation: &'static str,
        /// What the driver said.
        #[source]
        source: sqlx::Error,
    },
    /// The caller's request contradicts itself.
    #[error("cannot append to the ledger: {message}")]
    Invalid {
        /// What is wrong with it.
        message: String,
    },
    /// A stored row cannot be read back: the ledger was changed from outside.
    #[error("row {sequence} of `{product}` cannot be read ({message}): run `remuda ledger verify`")]
    Unreadable {
        /// The product.
        product: String,
        /// The row's sequence.
        sequence: i64,
        /// What is wrong with it.
        message: String,
    },
    /// A file operation on blobs failed.
    #[error("cannot {operation} {}", path.display())]
    File {
        /// What was tried: `write the blob`, …
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
    /// No space is left for blobs.
    #[error("cannot {operation} {}: no space is left; free some and try again, nothing was half-written", path.display())]
    FileFull {
        /// What was tried.
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
    /// The folder may not be written.
    #[error("cannot {operation} {}: the folder may not be written; check its permissions", path.display())]
    FileReadOnly {
        /// What was tried.
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
    /// The object store failed.
    #[error("cannot {operation} `{location}` in the object store")]
    Store {
        /// What was tried.
        operation: &'static str,
        /// The object's name.
        location: String,
        /// What the store said.
        #[source]
        source: object_store::Error,
    },
    /// No blob has this digest.
    #[error("no blob {digest} is here: it was never stored, or its file was removed")]
    BlobMissing {
        /// The digest asked for.
        digest: Digest,
    },
    /// A blob's bytes do not match its name.
    #[error("blob {digest} is damaged: its bytes hash to {found}; remove {place} and store the content again")]
    BlobDamaged {
        /// The digest asked for.
        digest: Digest,
        /// The digest of the bytes found.
        found: Digest,
        /// File or object.
        place: String,
    },
    /// A background thread ended before its work was done.
    #[error("cannot {operation}: its thread was stopped")]
    Stopped {
        /// What was tried.
        operation: &'static str,
        /// What the runtime said.
        #[source]
        source: tokio::task::JoinError,
    },
}

/// The message that the triggers give when a fact is inserted twice.
pub(crate) const PRESENT: &str = "is in the ledger already";

/// What SQLite answers, besides SQLITE_FULL, where a disk has no room: its file, its log or the log's index cannot be
/// written (778), made durable (1034, 1290: file systems that find their room late), cut (1546) or made larger (4874).
const OUT_OF_ROOM: [&str; 5] = ["778", "1034", "1290", "1546", "4874"];

/// Reads a database's failure. SQLite gives extended result codes (<https://sqlite.org/rescode.html>), PostgreSQL
/// five-letter SQLSTATE codes (PostgreSQL manual, appendix A).
pub(crate) fn database(operation: &'static str, source: sqlx::Error) -> Error {
    let Some(answer) = source.as_database_error() else {
        return match &source {
            sqlx::Error::PoolTimedOut => Error::Busy { operation, source },
            _ => Error::Database { operation, source },
        };
    };
    if answer.is_unique_violation() || answer.message().contains(PRESENT) {
        return Error::Duplicate { operation, source };
    }
    let code = answer.code().unwrap_or_default().into_owned();
    // The low byte of an extended SQLite code is the primary code; SQLSTATE codes have five characters.
    let primary = if code.len() == 5 { None } else { code.parse::<i64>().ok().map(|code| code & 0xff) };
    match (primary, code.as_str()) {
        (Some(5 | 6), _) | (None, "40001" | "40P01" | "55P03") => Error::Busy { operation, source },
        (Some(13), _) | (None, "53100") => Error::Full { operation, source },
        _ if OUT_OF_ROOM.contains(&code.as_str()) => Error::Full { operation, source },
        (Some(8), _) | (None, "25006") => Error::ReadOnly { operation, source },
        // SQLITE_CORRUPT and SQLITE_NOTADB; data_corrupted and index_corrupted.
        (Some(11 | 26), _) | (None, "XX001" | "XX002") => Error::Damaged { operation, source },
        _ => Error::Database { operation, source },
    }
}

/// Reads a failed file operation.
pub(crate) fn file(operation: &'static str, path: impl Into<PathBuf>, source: std::io::Error) -> Error {
    use std::io::ErrorKind;
    let path = path.into();
    match source.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            Error::FileFull { operation, path, source }
        }
        ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => Error::FileReadOnly { operation, path, source },
        _ => Error::File { operation, path, source },
    }
}

impl Error {
    /// Whether it failed because no space is left: reading may go on.
    pub fn is_about_room(&self) -> bool {
        matches!(self, Error::Full { .. } | Error::FileFull { .. })
    }

    /// Whether it failed because the ledger or the blobs may not be written here: reading may go on.
    pub fn is_about_permission(&self) -> bool {
        matches!(self, Error::ReadOnly { .. } | Error::FileReadOnly { .. })
    }
}

/// Whether a failed transaction may succeed when it is tried again as it is.
pub(crate) fn passes(error: &Error) -> bool {
    matches!(error, Error::Busy { .. })
}
