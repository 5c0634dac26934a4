//! The seam between SQLite and PostgreSQL: pools, transactions, values and rows as enums over the two drivers.
//!
//! Above this file each query is written once. `$1` placeholders work in both engines; the only text made here is
//! the list of placeholders of a batch. What a query means lives in the files that hold its text.

use crate::error::{Error, database};
use futures::TryStreamExt as _;
use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, PgPool, Postgres, Row as _, Sqlite, SqlitePool};
use std::sync::Arc;
use tokio::sync::{Mutex, OwnedMutexGuard};

/// A value on its way into a statement.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'a> {
    /// `TEXT`.
    Text(&'a str),
    /// `TEXT` that may be null.
    OptionalText(Option<&'a str>),
    /// `BIGINT`.
    Integer(i64),
    /// `BIGINT` that may be null.
    OptionalInteger(Option<i64>),
    /// `DOUBLE PRECISION` that may be null.
    OptionalDouble(Option<f64>),
    /// `BYTES`.
    Bytes(&'a [u8]),
}

/// Binds values to a query of either driver, whose types share method names but no trait.
macro_rules! bound {
    ($sql:expr, $values:expr) => {{
        let mut query = sqlx::query($sql);
        for value in $values {
            query = match *value {
                Value::Text(text) => query.bind(text),
                Value::OptionalText(text) => query.bind(text),
                Value::Integer(number) => query.bind(number),
                Value::OptionalInteger(number) => query.bind(number),
                Value::OptionalDouble(number) => query.bind(number),
                Value::Bytes(bytes) => query.bind(bytes),
            };
        }
        query
    }};
}

/// A row that came back.
pub(crate) enum Row {
    Sqlite(sqlx::sqlite::SqliteRow),
    Postgres(sqlx::postgres::PgRow),
}

macro_rules! column {
    ($row:expr, $index:expr) => {
        match $row {
            Row::Sqlite(row) => row.try_get($index),
            Row::Postgres(row) => row.try_get($index),
        }
    };
}

impl Row {
    pub(crate) fn text(&self, index: usize) -> Result<String, sqlx::Error> {
        column!(self, index)
    }
    pub(crate) fn optional_text(&self, index: usize) -> Result<Option<String>, sqlx::Error> {
        column!(self, index)
    }
    pub(crate) fn integer(&self, index: usize) -> Result<i64, sqlx::Error> {
        column!(self, index)
    }
    /// A whole number that the query itself made, of whichever width the engine chose.
    pub(crate) fn small(&self, index: usize) -> Result<i64, sqlx::Error> {
        match self {
            Row::Sqlite(row) => row.try_get(index),
            Row::Postgres(row) => row.try_get::<i32, _>(index).map(i64::from).or_else(|_| row.try_get(index)),
        }
    }
    pub(crate) fn optional_integer(&self, index: usize) -> Result<Option<i64>, sqlx::Error> {
        column!(self, index)
    }
    pub(crate) fn double(&self, index: usize) -> Result<f64, sqlx::Error> {
        column!(self, index)
    }
    pub(crate) fn optional_double(&self, index: usize) -> Result<Option<f64>, sqlx::Error> {
        column!(self, index)
    }
    pub(crate) fn bytes(&self, index: usize) -> Result<Vec<u8>, sqlx::Error> {
        column!(self, index)
    }
}

const ASKED_SQLITE: &str = "(SELECT DISTINCT value AS id FROM json_each($2)) AS asked";
const ASKED_POSTGRES: &str = "(SELECT DISTINCT value AS id FROM json_array_elements_text($2::json)) AS asked";

/// The connections to one database.
#[derive(Clone, Debug)]
pub(crate) enum Pool {
    /// SQLite, and the place where writers of this process queue (SQLite itself only polls).
    Sqlite(SqlitePool, Arc<Mutex<()>>),
    /// PostgreSQL.
    Postgres(PgPool),
}

impl Pool {
    /// All rows of a query.
    pub(crate) async fn rows(
        &self,
        operation: &'static str,
        sql: impl Into<String>,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>, Error> {
        let sql = AssertSqlSafe(sql.into());
        let answer = match self {
            Pool::Sqlite(pool, _) => {
                bound!(sql, values).fetch_all(pool).await.map(|rows| rows.into_iter().map(Row::Sqlite).collect())
            }
            Pool::Postgres(pool) => {
                bound!(sql, values).fetch_all(pool).await.map(|rows| rows.into_iter().map(Row::Postgres).collect())
            }
        };
        answer.map_err(|source| database(operation, source))
    }

    /// The first row of a query, each column read by `read`.
    pub(crate) async fn first<T>(
        &self,
        operation: &'static str,
        sql: impl Into<String>,
        values: &[Value<'_>],
        read: impl Fn(&Row) -> Result<T, sqlx::Error>,
    ) -> Result<Option<T>, Error> {
        let rows = self.rows(operation, sql, values).await?;
        rows.first().map(read).transpose().map_err(|source| database(operation, source))
    }

    /// All rows of a query, each read by `read`.
    pub(crate) async fn list<T>(
        &self,
        operation: &'static str,
        sql: impl Into<String>,
        values: &[Value<'_>],
        read: impl Fn(&Row) -> Result<T, sqlx::Error>,
    ) -> Result<Vec<T>, Error> {
        let rows = self.rows(operation, sql, values).await?;
        rows.iter().map(read).collect::<Result<_, _>>().map_err(|source| database(operation, source))
    }

    /// Hands out the rows of a query one after another, so that a long answer is never in memory at once.
    pub(crate) async fn walk(
        &self,
        operation: &'static str,
        sql: impl Into<String>,
        values: &[Value<'_>],
        mut each: impl FnMut(&Row) -> Result<(), sqlx::Error> + Send,
    ) -> Result<(), Error> {
        let sql = AssertSqlSafe(sql.into());
        let failed = |source| database(operation, source);
        match self {
            Pool::Sqlite(pool, _) => {
                let mut rows = bound!(sql, values).fetch(pool);
                while let Some(row) = rows.try_next().await.map_err(failed)? {
                    each(&Row::Sqlite(row)).map_err(failed)?;
                }
            }
            Pool::Postgres(pool) => {
                let mut rows = bound!(sql, values).fetch(pool);
                while let Some(row) = rows.try_next().await.map_err(failed)? {
                    each(&Row::Postgres(row)).map_err(failed)?;
                }
            }
        }
        Ok(())
    }

    /// A table `asked` with one column `id` for a query's `FROM`: the texts of the list (see [`lists`]) bound as `$2`.
    /// On SQLite it must stand to the left of a `CROSS JOIN`, which keeps it the outer loop.
    pub(crate) fn asked(&self) -> &'static str {
        match self {
            Pool::Sqlite(..) => ASKED_SQLITE,
            Pool::Postgres(..) => ASKED_POSTGRES,
        }
    }

    /// Runs one statement in a transaction of its own; gives the rows it changed.
    pub(crate) async fn execute(
        &self,
        operation: &'static str,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<u64, Error> {
        let run = async {
            let mut transaction = self.begin().await?;
            let changed = transaction.execute(sql, values).await?;
            transaction.commit().await?;
            Ok(changed)
        };
        run.await.map_err(|source| database(operation, source))
    }

    /// Begins a transaction that writes. On SQLite it holds the write lock from the start, so it never fails half-way
    /// because another process wrote in between.
    pub(crate) async fn begin(&self) -> Result<Transaction, sqlx::Error> {
        match self {
            Pool::Sqlite(pool, queue) => {
                let turn = Arc::clone(queue).lock_owned().await;
                let mut connection = pool.acquire().await?;
                sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut *connection).await?;
                Ok(Transaction::Sqlite(SqliteTransaction { connection: Some(connection), _turn: turn }))
            }
            Pool::Postgres(pool) => Ok(Transaction::Postgres(pool.begin().await?)),
        }
    }
}

/// A transaction that writes. Dropped without [`Transaction::commit`] it leaves no trace.
pub(crate) enum Transaction {
    Sqlite(SqliteTransaction),
    Postgres(sqlx::Transaction<'static, Postgres>),
}

/// A SQLite transaction. Where SQLite fails for want of space it rolls back by itself, and a driver that counts
/// transactions would then run the next statement outside of any: so a connection whose transaction did not commit is
/// closed, never used again.
pub(crate) struct SqliteTransaction {
    connection: Option<PoolConnection<Sqlite>>,
    _turn: OwnedMutexGuard<()>,
}

impl SqliteTransaction {
    fn connection(&mut self) -> Result<&mut sqlx::SqliteConnection, sqlx::Error> {
        self.connection.as_deref_mut().ok_or(sqlx::Error::PoolClosed)
    }
}

impl Drop for SqliteTransaction {
    fn drop(&mut self) {
        if let Some(connection) = &mut self.connection {
            connection.close_on_drop();
        }
    }
}

impl Transaction {
    /// Runs one statement; gives the rows it changed.
    pub(crate) async fn execute(&mut self, sql: impl Into<String>, values: &[Value<'_>]) -> Result<u64, sqlx::Error> {
        let sql = AssertSqlSafe(sql.into());
        match self {
            Transaction::Sqlite(transaction) => {
                Ok(bound!(sql, values).execute(transaction.connection()?).await?.rows_affected())
            }
            Transaction::Postgres(transaction) => {
                Ok(bound!(sql, values).execute(&mut **transaction).await?.rows_affected())
            }
        }
    }

    /// [`Pool::asked`], inside a transaction.
    pub(crate) fn asked(&self) -> &'static str {
        match self {
            Transaction::Sqlite(_) => ASKED_SQLITE,
            Transaction::Postgres(_) => ASKED_POSTGRES,
        }
    }

    /// Runs several statements without values, as a migration holds them.
    pub(crate) async fn script(&mut self, sql: String) -> Result<(), sqlx::Error> {
        let script = sqlx::raw_sql(AssertSqlSafe(sql));
        match self {
            Transaction::Sqlite(transaction) => script.execute(transaction.connection()?).await.map(|_| ()),
            Transaction::Postgres(transaction) => script.execute(&mut **transaction).await.map(|_| ()),
        }
    }

    /// All rows of a query, read inside the transaction.
    pub(crate) async fn rows(&mut self, sql: impl Into<String>, values: &[Value<'_>]) -> Result<Vec<Row>, sqlx::Error> {
        let sql = AssertSqlSafe(sql.into());
        Ok(match self {
            Transaction::Sqlite(transaction) => {
                let rows = bound!(sql, values).fetch_all(transaction.connection()?).await?;
                rows.into_iter().map(Row::Sqlite).collect()
            }
            Transaction::Postgres(transaction) => {
                let rows = bound!(sql, values).fetch_all(&mut **transaction).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    /// Keeps other appenders to the same product away until this transaction ends. SQLite has one writer anyway.
    pub(crate) async fn lock(&mut self, key: i64) -> Result<(), sqlx::Error> {
        const LOCK: &str = "SELECT pg_advisory_xact_lock($1)";
        match self {
            Transaction::Sqlite(_) => Ok(()),
            Transaction::Postgres(_) => self.rows(LOCK, &[Value::Integer(key)]).await.map(|_| ()),
        }
    }

    /// Inserts rows of `width` values each, many to a statement: `head` ends before `VALUES`, `tail` follows it.
    /// Gives the rows inserted.
    pub(crate) async fn insert(
        &mut self,
        head: &str,
        width: usize,
        values: &[Value<'_>],
        tail: &str,
    ) -> Result<u64, sqlx::Error> {
        // Few distinct batch sizes, so that the drivers' statement caches hold them all.
        const BATCHES: [usize; 3] = [128, 8, 1];
        let mut inserted = 0;
        let mut rest = values;
        for batch in BATCHES {
            let length = batch * width;
            if rest.len() < length {
                continue;
            }
            let sql = self.insert_text(head, width, batch, tail);
            while rest.len() >= length {
                let (now, later) = rest.split_at(length);
                inserted += self.execute(sql.clone(), now).await?;
                rest = later;
            }
        }
        Ok(inserted)
    }

    /// `head VALUES (…), (…) tail`. SQLite looks named placeholders up one after another, which costs the square of
    /// their number, so there they are `?`.
    fn insert_text(&self, head: &str, width: usize, batch: usize, tail: &str) -> String {
        let mut sql = format!("{head} VALUES ");
        for row in 0..batch {
            sql.push_str(if row == 0 { "(" } else { ", (" });
            for column in 0..width {
                if column > 0 {
                    sql.push_str(", ");
                }
                match self {
                    Transaction::Sqlite(_) => sql.push('?'),
                    Transaction::Postgres(_) => sql.push_str(&format!("${}", row * width + column + 1)),
                }
            }
            sql.push(')');
        }
        sql.push_str(tail);
        sql
    }

    /// Makes everything durable and visible.
    pub(crate) async fn commit(self) -> Result<(), sqlx::Error> {
        match self {
            Transaction::Sqlite(mut transaction) => {
                sqlx::raw_sql("COMMIT").execute(transaction.connection()?).await?;
                // Committed: the connection may serve again.
                drop(transaction.connection.take());
                Ok(())
            }
            Transaction::Postgres(transaction) => transaction.commit().await,
        }
    }
}

/// The conditions of a query whose filters are optional: text from constants, values apart.
#[derive(Default)]
pub(crate) struct Conditions<'a> {
    /// ` AND …` pieces.
    pub(crate) text: String,
    /// The values, in the order of their placeholders.
    pub(crate) values: Vec<Value<'a>>,
}

impl<'a> Conditions<'a> {
    /// Adds a value and gives its placeholder.
    pub(crate) fn place(&mut self, value: Value<'a>) -> String {
        self.values.push(value);
        format!("${}", self.values.len())
    }

    /// Adds `comparison value` (such as `subject =`), joined by `AND`.
    pub(crate) fn and(&mut self, comparison: &str, value: Value<'a>) {
        let placeholder = self.place(value);
        if !self.text.is_empty() {
            self.text.push_str(" AND ");
        }
        self.text.push_str(comparison);
        self.text.push(' ');
        self.text.push_str(&placeholder);
    }

    /// Adds `column IN (…)`.
    pub(crate) fn and_in(&mut self, column: &str, values: impl IntoIterator<Item = Value<'a>>) {
        let places: Vec<String> = values.into_iter().map(|value| self.place(value)).collect();
        if !self.text.is_empty() {
            self.text.push_str(" AND ");
        }
        self.text.push_str(&format!("{column} IN ({})", places.join(", ")));
    }
}

/// The text that sorts after every text with this prefix, in the order of code points.
pub(crate) fn after_prefix(prefix: &str) -> String {
    format!("{prefix}\u{10ffff}")
}

/// Texts as JSON lists of some thousand each: what [`Pool::asked`] reads. One value instead of a placeholder per text
/// keeps the statement short and the same.
pub(crate) fn lists(texts: &[&str]) -> impl Iterator<Item = String> {
    texts.chunks(4096).map(|slice| serde_json::Value::from(slice.to_vec()).to_string())
}
