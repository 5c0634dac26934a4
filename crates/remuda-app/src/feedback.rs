//! Feedback: outcomes joined to predictions by id, late, out of order, repeated.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use std::path::PathBuf;

/// Join outcomes to predictions.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct Add {
    /// The file: CSV, TSV, JSON Lines or Parquet. Over HTTP: the digest of an upload.
    pub file: PathBuf,
    /// The column with the prediction's id; without it, `prediction_id`, `prediction` or `id`.
    #[arg(long)]
    #[serde(default)]
    pub id_column: Option<String>,
    /// The column with what really happened; without it, `outcome`, `actual` or the label's name.
    #[arg(long)]
    #[serde(default)]
    pub outcome_column: Option<String>,
    /// The column with the time at which it was seen.
    #[arg(long)]
    #[serde(default)]
    pub time_column: Option<String>,
    /// The file's own name, when `file` is an upload.
    #[arg(skip)]
    #[serde(default)]
    pub source: Option<String>,
}

/// What `feedback add` did.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Joined {
    /// Rows in the file.
    pub rows: u64,
    /// Outcomes that were new.
    pub added: u64,
    /// Outcomes that replaced an earlier value of the same prediction.
    pub corrected: u64,
    /// Outcomes that were there already.
    pub repeated: u64,
    /// Outcomes whose prediction is not known (yet): kept, joined when it comes.
    pub unmatched: u64,
    /// Some ids of those.
    pub unmatched_examples: Vec<String>,
}
