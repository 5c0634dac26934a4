//! Access tokens, of which only the hash is stored. Making a token and hashing it is the application's part.

use crate::Ledger;
use crate::engine::{Row, Value};
use crate::error::Error;

/// A member's access token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The member whom it lets in.
    pub member: String,
    /// Hash of the token.
    pub hash: String,
    /// When it was made, microseconds since 1970, UTC.
    pub created: i64,
    /// When it was revoked; then it lets nobody in.
    pub revoked: Option<i64>,
}

fn read(row: &Row) -> Result<Token, sqlx::Error> {
    Ok(Token { hash: row.text(0)?, member: row.text(1)?, created: row.integer(2)?, revoked: row.optional_integer(3)? })
}

impl Ledger {
    /// Stores a token's hash.
    ///
    /// # Errors
    /// The hash is there already, or the database failed.
    pub async fn add_token(&self, member: &str, hash: &str, created: i64) -> Result<(), Error> {
        const ADD: &str = "INSERT INTO token (hash, member, created) VALUES ($1, $2, $3)";
        let values = [Value::Text(hash), Value::Text(member), Value::Integer(created)];
        self.pool.execute("add a token", ADD, &values).await.map(|_| ())
    }

    /// Revokes a token; `false` if there is none with this hash that still lets somebody in.
    ///
    /// # Errors
    /// The database failed.
    pub async fn revoke_token(&self, hash: &str, time: i64) -> Result<bool, Error> {
        const REVOKE: &str = "UPDATE token SET revoked = $2 WHERE hash = $1 AND revoked IS NULL";
        let values = [Value::Text(hash), Value::Integer(time)];
        Ok(self.pool.execute("revoke a token", REVOKE, &values).await? > 0)
    }

    /// The token with this hash, revoked or not.
    ///
    /// # Errors
    /// The database failed.
    pub async fn token(&self, hash: &str) -> Result<Option<Token>, Error> {
        const TOKEN: &str = "SELECT hash, member, created, revoked FROM token WHERE hash = $1";
        self.pool.first("find a token", TOKEN, &[Value::Text(hash)], read).await
    }

    /// All tokens, the oldest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn tokens(&self) -> Result<Vec<Token>, Error> {
        const TOKENS: &str = "SELECT hash, member, created, revoked FROM token ORDER BY created, hash";
        self.pool.list("list tokens", TOKENS, &[], read).await
    }
}
