//! Opening a ledger: the address, the pool of PostgreSQL, and the migrations. SQLite's file is opened in `sqlite.rs`;
//! what is stored lives in the other files.

use crate::engine::{Pool, Row, Transaction, Value};
use crate::error::{Error, database};
use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use std::path::{Path, PathBuf};

/// The ledger of one or more products. A clone is cheap and shares the connections.
#[derive(Clone, Debug)]
pub struct Ledger {
    pub(crate) pool: Pool,
    /// The SQLite file.
    pub(crate) file: Option<PathBuf>,
    read_only: bool,
}

/// How to open a ledger.
#[derive(Clone, Debug)]
pub struct Options {
    /// Connections at most.
    pub connections: u32,
    /// SQLite: the file never grows past this many pages of 4 kB; beyond it, appends fail as on a full disk.
    pub sqlite_pages: Option<u32>,
}

impl Default for Options {
    fn default() -> Self {
        Self { connections: 8, sqlite_pages: None }
    }
}

/// One step of the ledger's format. A step is never changed once it is published; a change is a new step.
struct Migration {
    version: i64,
    both: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        both: include_str!("migrations/0001_ledger.sql"),
        sqlite: include_str!("migrations/0001_ledger.sqlite.sql"),
        postgres: include_str!("migrations/0001_ledger.postgres.sql"),
    },
    Migration { version: 2, both: include_str!("migrations/0002_tally.sql"), sqlite: "", postgres: "" },
    Migration { version: 3, both: include_str!("migrations/0003_tracked.sql"), sqlite: "", postgres: "" },
    Migration { version: 4, both: include_str!("migrations/0004_artifacts.sql"), sqlite: "", postgres: "" },
    Migration { version: 5, both: include_str!("migrations/0005_models.sql"), sqlite: "", postgres: "" },
    Migration { version: 6, both: include_str!("migrations/0006_traces.sql"), sqlite: "", postgres: "" },
    Migration { version: 7, both: include_str!("migrations/0007_finding.sql"), sqlite: "", postgres: "" },
    Migration { version: 8, both: include_str!("migrations/0008_delivery.sql"), sqlite: "", postgres: "" },
];

impl Ledger {
    /// Opens the ledger at `sqlite:PATH` (making folder and file) or `postgres://…`, and brings its tables up to date.
    /// A file whose folder may not be written is opened for reading: see [`Ledger::is_read_only`].
    ///
    /// # Errors
    /// The address is not understood, the database cannot be opened, or it was written by a newer remuda.
    pub async fn open(address: &str) -> Result<Self, Error> {
        Self::open_with(address, &Options::default()).await
    }

    /// [`Ledger::open`] with other than the usual options.
    ///
    /// # Errors
    /// As [`Ledger::open`].
    pub async fn open_with(address: &str, options: &Options) -> Result<Self, Error> {
        if let Some(path) = address.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            let path = Path::new(path);
            let (pool, read_only) = crate::sqlite::open(path, options).await?;
            return Ok(Self { pool, file: Some(path.to_owned()), read_only });
        }
        if address.starts_with("postgres://") || address.starts_with("postgresql://") {
            return Ok(Self { pool: open_postgres(address, options).await?, file: None, read_only: false });
        }
        Err(Error::Address { address: without_password(address) })
    }

    /// Closes all connections; SQLite then folds its log into the file.
    pub async fn close(&self) {
        match &self.pool {
            Pool::Sqlite(pool, _) => pool.close().await,
            Pool::Postgres(pool) => pool.close().await,
        }
    }

    /// Whether [`Ledger::close`] was called, by whichever clone.
    pub fn is_closed(&self) -> bool {
        match &self.pool {
            Pool::Sqlite(pool, _) => pool.is_closed(),
            Pool::Postgres(pool) => pool.is_closed(),
        }
    }

    /// Whether it can only be read, because its folder may not be written: appends fail with [`Error::ReadOnly`].
    pub fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// Whether this ledger is a SQLite file.
    pub fn is_local(&self) -> bool {
        matches!(self.pool, Pool::Sqlite(..))
    }
}

async fn open_postgres(address: &str, options: &Options) -> Result<Pool, Error> {
    const ENCODING: &str = "SELECT current_setting('server_encoding')";
    let place = without_password(address);
    let connect: PgConnectOptions = address.parse().map_err(|source| opening(&place, source))?;
    let pool = PgPoolOptions::new()
        .max_connections(options.connections)
        .acquire_timeout(crate::sqlite::PATIENCE)
        .connect_with(connect.disable_statement_logging())
        .await
        .map_err(|source| opening(&place, source))?;
    let pool = Pool::Postgres(pool);
    let encoding = pool.first("read the database's encoding", ENCODING, &[], |row| row.text(0)).await?;
    if let Some(encoding) = encoding.filter(|encoding| encoding != "UTF8") {
        return Err(Error::Encoding { place, encoding });
    }
    migrate(&pool, &place).await?;
    Ok(pool)
}

/// A failure to open, told apart where the next step differs.
pub(crate) fn opening(place: &str, source: sqlx::Error) -> Error {
    match database("open the ledger", source) {
        Error::Database { source, .. } => Error::Open { place: place.to_owned(), source },
        told => told,
    }
}

/// Brings the tables up to date, once, however many processes open the ledger at the same time.
pub(crate) async fn migrate(pool: &Pool, place: &str) -> Result<(), Error> {
    let newest = MIGRATIONS.last().map_or(0, |migration| migration.version);
    // A ledger that is up to date is opened without taking the write lock.
    let read = |row: &Row| Ok((row.integer(0)?, row.integer(1)?));
    if let Ok(Some((found, count))) = pool.first("read the ledger's format", FORMAT, &[], read).await
        && found >= newest
        && count >= MIGRATIONS.len() as i64
    {
        return refuse_newer(found, newest, place);
    }
    let operation = "bring the ledger's tables up to date";
    let mut transaction = pool.begin().await.map_err(|source| opening(place, source))?;
    let found = applied(&mut transaction).await.map_err(|source| database(operation, source))?;
    refuse_newer(found.iter().copied().max().unwrap_or_default(), newest, place)?;
    for migration in MIGRATIONS.iter().filter(|migration| !found.contains(&migration.version)) {
        apply(&mut transaction, migration).await.map_err(|source| database(operation, source))?;
    }
    transaction.commit().await.map_err(|source| database(operation, source))
}

const FORMAT: &str = "SELECT COALESCE(MAX(version), 0), COUNT(*) FROM remuda_format";

fn refuse_newer(found: i64, known: i64, place: &str) -> Result<(), Error> {
    if found > known { Err(Error::Newer { place: place.to_owned(), found, known }) } else { Ok(()) }
}

/// The steps that the ledger has taken, read under the lock that keeps other migrators away.
async fn applied(transaction: &mut Transaction) -> Result<Vec<i64>, sqlx::Error> {
    const TABLE: &str = "CREATE TABLE IF NOT EXISTS remuda_format (version BIGINT NOT NULL PRIMARY KEY)";
    // Any fixed number: it names the lock "remuda migrates".
    transaction.lock(0x72_656d_7564_6100).await?;
    transaction.script(TABLE.to_owned()).await?;
    let rows = transaction.rows("SELECT version FROM remuda_format", &[]).await?;
    rows.iter().map(|row| row.integer(0)).collect()
}

async fn apply(transaction: &mut Transaction, migration: &Migration) -> Result<(), sqlx::Error> {
    const DONE: &str = "INSERT INTO remuda_format (version) VALUES ($1)";
    const WORDS: [(&str, &str, &str); 4] = [
        ("KEY_TEXT", "TEXT", "TEXT COLLATE \"C\""),
        ("BYTES", "BLOB", "BYTEA"),
        ("SERIAL_KEY", "INTEGER PRIMARY KEY AUTOINCREMENT", "BIGSERIAL PRIMARY KEY"),
        ("WITHOUT_ROWID", "WITHOUT ROWID", ""),
    ];
    let own = match transaction {
        Transaction::Sqlite(_) => migration.sqlite,
        Transaction::Postgres(_) => migration.postgres,
    };
    let mut both = migration.both.to_owned();
    for (word, sqlite, postgres) in WORDS {
        both = both.replace(word, if matches!(transaction, Transaction::Sqlite(_)) { sqlite } else { postgres });
    }
    transaction.script(both).await?;
    transaction.script(own.to_owned()).await?;
    transaction.execute(DONE, &[Value::Integer(migration.version)]).await?;
    Ok(())
}

/// An address fit for a message: `postgres://user:secret@host/name` loses its secret.
pub(crate) fn without_password(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else { return address.to_owned() };
    // A password may itself hold an `@`: the last one before the path ends it.
    let authority = rest.find('/').unwrap_or(rest.len());
    let address = match rest[..authority].rfind('@') {
        Some(at) => {
            let user = rest[..at].split(':').next().unwrap_or_default();
            format!("{scheme}://{user}{}", &rest[at..])
        }
        None => format!("{scheme}://{rest}"),
    };
    address.split('?').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::without_password;

    #[test]
    fn a_password_never_reaches_a_message() {
        let cases = [
            ("postgres://ana:secret@host:5432/remuda", "postgres://ana@host:5432/remuda"),
            ("postgres://ana:sec@ret@host/remuda?password=x", "postgres://ana@host/remuda"),
            ("postgres://host/remuda", "postgres://host/remuda"),
            ("mysql://ana:secret@host", "mysql://ana@host"),
        ];
        for (address, told) in cases {
            assert_eq!(without_password(address), told);
        }
    }
}
