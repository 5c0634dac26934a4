//! Models as scripts log them: files that a run made, with parameters, tags and metrics of their own.
//!
//! They change and can be deleted like the runs that made them. Times are milliseconds since 1970.

use crate::run::tracked::{Point, Stage};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Whether a logged model's files are all there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum LoggedStatus {
    /// They are coming.
    #[default]
    Pending,
    /// They are there.
    Ready,
    /// They did not come.
    Failed,
}

impl LoggedStatus {
    /// All of them, as the protocol numbers them from 1.
    pub const ALL: [LoggedStatus; 3] = [LoggedStatus::Pending, LoggedStatus::Ready, LoggedStatus::Failed];

    /// The word in tables and filters.
    pub fn as_str(self) -> &'static str {
        match self {
            LoggedStatus::Pending => "PENDING",
            LoggedStatus::Ready => "READY",
            LoggedStatus::Failed => "FAILED",
        }
    }

    /// Reads [`LoggedStatus::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == word)
    }
}

/// A logged model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LoggedModel {
    /// Its place in the tables.
    pub number: i64,
    /// Its id: `m-` and 32 hexadecimal digits.
    pub id: String,
    /// The experiment that it belongs to.
    pub experiment: i64,
    /// Its name.
    pub name: String,
    /// What kind of model it is, as the script says.
    pub kind: Option<String>,
    /// The run that made it.
    pub source_run: Option<String>,
    /// Whether its files are there.
    pub status: LoggedStatus,
    /// Whether it was deleted.
    pub stage: Stage,
    /// When it was made.
    pub created: i64,
    /// When it was last changed.
    pub updated: i64,
    /// Where its files lie.
    pub artifacts: String,
    /// Its parameters: written once.
    pub parameters: BTreeMap<String, String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Points of its metrics, oldest first.
    pub points: Vec<ModelPoint>,
}

/// A point of a metric of a logged model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ModelPoint {
    /// The logged model's id.
    pub model: String,
    /// The run that logged it.
    pub run: String,
    /// The point.
    pub point: Point,
    /// Name and digest of the dataset that it was measured on.
    pub dataset: Option<(String, String)>,
}
