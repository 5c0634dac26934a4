//! Content addresses. A [`Digest`] is the BLAKE3 hash of some bytes, written `b3:` and 64 hex digits.

use serde::{Deserialize, Serialize};
use std::fmt;
use utoipa::ToSchema;

/// The BLAKE3 hash of some bytes, as text (`b3:` + 64 lower-case hex digits).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, example = "b3:6b86…")]
pub struct Digest(String);

/// A text that is no digest.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no digest: expected `b3:` and 64 hexadecimal digits")]
pub struct DigestError(pub String);

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self::from_hash(blake3::hash(bytes))
    }

    /// The digest that a finished hasher holds.
    pub fn from_hash(hash: blake3::Hash) -> Self {
        Self(format!("b3:{}", hash.to_hex()))
    }

    /// The digest of several fields, each with its length before it, so that no two lists of fields collide.
    pub fn of_fields<'a>(fields: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut hasher = blake3::Hasher::new();
        for field in fields {
            hasher.update(&(field.len() as u64).to_le_bytes());
            hasher.update(field);
        }
        Self::from_hash(hasher.finalize())
    }

    /// Reads a digest from its text form.
    pub fn parse(text: &str) -> Result<Self, DigestError> {
        let hex = text.strip_prefix("b3:").unwrap_or("");
        let is_hex = hex.len() == 64 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if is_hex { Ok(Self(text.to_owned())) } else { Err(DigestError(text.to_owned())) }
    }

    /// The whole text, `b3:…`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The 64 hexadecimal digits alone.
    pub fn hex(&self) -> &str {
        &self.0[3..]
    }

    /// The first sixty-four bits as a number: for choices that must not change.
    pub fn number(&self) -> u64 {
        u64::from_str_radix(&self.hex()[..16], 16).unwrap_or_default()
    }

    /// The first twelve hexadecimal digits: what people read and type.
    pub fn short(&self) -> &str {
        &self.0[3..15]
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "b3:{}…", self.short())
    }
}

impl TryFrom<String> for Digest {
    type Error = DigestError;
    fn try_from(text: String) -> Result<Self, DigestError> {
        Self::parse(&text)
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.0
    }
}
