//! MLflow's own database, read only: experiments, runs and points on their way in. Nothing here writes anywhere.
//!
//! `schema.rs` finds which columns there are, so that databases of other releases are read by name; `read.rs` reads.

mod read;
mod schema;

use crate::engine::Pool;
use crate::error::Error;
use crate::open::without_password;
use crate::sqlite::PATIENCE;
use schema::Schema;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{ConnectOptions as _, Connection as _};
use std::sync::Arc;

/// A database of MLflow.
#[derive(Clone, Debug)]
pub struct ForeignDatabase {
    pool: Pool,
    schema: Arc<Schema>,
    /// File, or host and database, without a password.
    pub place: String,
}

impl ForeignDatabase {
    /// Opens the database at `sqlite:PATH` or `postgres://…`, for reading only.
    ///
    /// # Errors
    /// It cannot be opened, or is none of MLflow's.
    pub async fn open(address: &str) -> Result<Self, Error> {
        let place = without_password(address.strip_prefix("sqlite:").unwrap_or(address));
        let failed = |source| Error::Foreign { place: place.clone(), source };
        let pool = match address.strip_prefix("sqlite:") {
            Some(path) => {
                let connect = SqliteConnectOptions::new()
                    .filename(path)
                    .read_only(true)
                    .busy_timeout(PATIENCE)
                    .row_buffer_size(1024)
                    .pragma("cache_size", "-16384")
                    .disable_statement_logging();
                let pool = SqlitePoolOptions::new().max_connections(2).acquire_timeout(PATIENCE);
                Pool::Sqlite(pool.connect_with(connect).await.map_err(failed)?, Arc::default())
            }
            None => {
                let connect: PgConnectOptions = address.parse().map_err(failed)?;
                let connect = connect.disable_statement_logging().options([("default_transaction_read_only", "on")]);
                // A pool would try again and again, and then say only that it took too long.
                sqlx::PgConnection::connect_with(&connect).await.map_err(failed)?.close().await.map_err(failed)?;
                let pool = PgPoolOptions::new().max_connections(2).acquire_timeout(PATIENCE);
                Pool::Postgres(pool.connect_with(connect).await.map_err(failed)?)
            }
        };
        let schema = Schema::read(&pool, &place).await?;
        Ok(Self { pool, schema: Arc::new(schema), place })
    }

    /// What people should know about it, a sentence each.
    pub fn notes(&self) -> Vec<String> {
        self.schema.notes()
    }

    /// The revision of its tables, as MLflow names it.
    pub fn revision(&self) -> Option<&str> {
        self.schema.revision.as_deref()
    }

    /// Closes the connections.
    pub async fn close(&self) {
        match &self.pool {
            Pool::Sqlite(pool, _) => pool.close().await,
            Pool::Postgres(pool) => pool.close().await,
        }
    }
}
