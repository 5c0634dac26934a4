//! Datasets: add a version, list, look, compare, export.

mod add;
mod look;
mod rows;

use remuda_model::data::{Column, ContractReport, DatasetVersion, Oddity, Profile};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use utoipa::ToSchema;

pub(crate) use add::{add_file, read_format};
pub(crate) use look::{
    append_look, contract_by_digest, contract_of, dataset_versions, latest_version, looks, may_have_seen, note_look,
    read_manifest, resolve_version, retired_at, version_at,
};
pub(crate) use rows::read_rows;

/// What one look at holdout rows costs of the budget: rows can be learned by heart, so it is all that is left of five.
pub(crate) const ROWS_CHARGE: u32 = 5;

/// Add a file as a new version of a dataset.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Add {
    /// The file: CSV, TSV, JSON Lines or Parquet. Over HTTP: the digest of an upload.
    #[schema(value_type = String)]
    pub file: PathBuf,
    /// The dataset's name; without it, the only contract's name or the file's.
    #[arg(long = "as", value_name = "NAME")]
    #[serde(default)]
    pub name: Option<String>,
    /// The format when the file's ending does not tell: csv, tsv, jsonl, parquet.
    #[arg(long)]
    #[serde(default)]
    pub format: Option<String>,
    /// The file's own name, when `file` is an upload.
    #[arg(skip)]
    #[serde(default)]
    pub source: Option<String>,
}

/// List the versions of all datasets, or of one.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// The dataset.
    #[serde(default)]
    pub name: Option<String>,
}

/// Show a version: columns, profile, contract report, splits.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Show {
    /// A dataset's name (its newest version) or a version's digest.
    pub version: String,
}

/// Compare two versions row by row.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Diff {
    /// The earlier version: digest, or NAME~1 for the one before the newest.
    pub before: String,
    /// The later version; without it, the newest of the same dataset.
    #[serde(default)]
    pub after: Option<String>,
    /// How many example rows to show.
    #[arg(long, default_value_t = 20)]
    #[serde(default = "twenty")]
    pub limit: usize,
    /// Show holdout rows among the examples too: a look at rows, which is charged.
    #[arg(long)]
    #[serde(default)]
    pub holdout: bool,
}

/// Write rows of a version to a file. Reading holdout rows is a fact.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Export {
    /// A dataset's name or a version's digest.
    pub version: String,
    /// The file to write; its ending decides the format (csv, jsonl, parquet).
    #[arg(long, short)]
    #[schema(value_type = String)]
    pub output: PathBuf,
    /// Only this split: train, validation or holdout.
    #[arg(long)]
    #[serde(default)]
    pub split: Option<String>,
    /// Only rows that this SQL predicate selects.
    #[arg(long = "where", value_name = "SQL")]
    #[serde(default)]
    pub filter: Option<String>,
}

pub(crate) fn twenty() -> usize {
    20
}

/// What `data add` did.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Added {
    /// The version.
    pub version: DatasetVersion,
    /// The very same rows were there before: nothing was added.
    pub unchanged: bool,
    /// What a person should look at.
    pub oddities: Vec<Oddity>,
    /// Rows against the version before, when there was one and it has a key.
    pub change: Option<ChangeCounts>,
}

/// How two versions differ, in rows.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ChangeCounts {
    /// Rows only in the later version.
    pub added: u64,
    /// Rows only in the earlier one.
    pub removed: u64,
    /// Rows whose key is in both and whose values differ beyond the label.
    pub changed: u64,
    /// Rows of which only the label differs.
    pub relabelled: u64,
}

/// Versions, newest first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Versions {
    /// One line each.
    pub versions: Vec<VersionLine>,
}

/// One version in a list.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct VersionLine {
    /// The version.
    pub version: DatasetVersion,
    /// Who added it.
    pub actor: String,
    /// When, microseconds since 1970.
    pub time: i64,
    /// The fact's id.
    pub fact: String,
}

/// A version in full.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct VersionPage {
    /// The version and who added it.
    pub line: VersionLine,
    /// Its columns as the contract in force when it was added had them.
    pub columns: Vec<Column>,
    /// What it looks like.
    pub profile: Profile,
    /// What the contract found.
    pub report: ContractReport,
    /// How often its holdout was looked at, and by what: newest first.
    pub looks: Vec<Look>,
    /// Submissions that the holdout bears in all.
    pub budget: u32,
    /// Runs and evaluations that used it: fact verb, subject, time.
    pub used_by: Vec<crate::ledger::FactLine>,
    /// The other versions of the dataset, newest first.
    pub siblings: Vec<VersionLine>,
}

/// One look at a holdout.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Look {
    /// When, microseconds since 1970.
    pub time: i64,
    /// Who looked.
    pub actor: String,
    /// What was looked at: `verdicts`, `numbers` or `rows`.
    pub revealed: String,
    /// What for: the candidate, or the file written.
    pub purpose: String,
    /// What it cost of the budget.
    pub charge: u32,
    /// The budget of the holdout at that time; 0 where an older program did not say.
    #[serde(default)]
    pub budget: u32,
    /// It was at a holdout that the split rule has retired since: it no longer counts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retired: bool,
}

/// What looks cost that still count.
pub(crate) fn spent(looks: &[Look]) -> u32 {
    looks.iter().filter(|look| !look.retired).map(|look| look.charge).sum()
}

/// The part of a criterion's risk that a new submission may take: one in as many as the budget bears, and never more than
/// the submissions so far have left. (With a budget that never changes that is always enough; raised again and again, the
/// parts would add up to more than one.)
pub(crate) fn share_left(looks: &[Look], budget: u32) -> f64 {
    let usual = 1.0 / f64::from(budget.max(1));
    let submissions = looks.iter().filter(|look| !look.retired && look.charge > 0 && look.revealed != "rows");
    let taken: f64 = submissions.map(|look| if look.budget > 0 { 1.0 / f64::from(look.budget) } else { usual }).sum();
    // A rounding error of the sum is no part.
    let left = 1.0 - taken;
    if left < 1e-9 { 0.0 } else { usual.min(left) }
}

/// How two versions differ.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct VersionDiff {
    /// The earlier version's digest.
    pub before: String,
    /// The later version's digest.
    pub after: String,
    /// The counts.
    pub counts: ChangeCounts,
    /// Rows in both that are the same.
    pub same: u64,
    /// The columns that rows were matched by; empty: whole rows, so a changed row counts as removed and added.
    pub key: Vec<String>,
    /// How many changed rows differ in each column.
    pub by_column: Vec<ColumnChange>,
    /// Some changed rows; none of the holdout, unless they were asked for.
    pub examples: Vec<RowChange>,
    /// Holdout rows that differ too, met while examples were looked for and not shown.
    #[serde(default)]
    pub hidden: u64,
    /// Whether a holdout look was charged.
    #[serde(default)]
    pub charged: bool,
}

/// How often a column differs.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ColumnChange {
    /// The column.
    pub column: String,
    /// Rows in which it differs.
    pub rows: u64,
}

/// One row that differs.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RowChange {
    /// `added`, `removed`, `changed` or `relabelled`.
    pub kind: String,
    /// Key columns and values.
    pub key: Vec<Cell>,
    /// What differs.
    pub changes: Vec<CellChange>,
}

/// A column and a value.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Cell {
    /// The column.
    pub column: String,
    /// The value as text; empty when missing.
    pub value: String,
}

/// A value that differs.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CellChange {
    /// The column.
    pub column: String,
    /// The earlier value.
    pub before: String,
    /// The later value.
    pub after: String,
}

/// What `data export` wrote.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Exported {
    /// The file.
    #[schema(value_type = String)]
    pub output: PathBuf,
    /// Rows written.
    pub rows: u64,
    /// The version they come from.
    pub version: String,
    /// Whether a holdout look was charged.
    pub charged: bool,
    /// For HTTP callers: the digest under which the file can be fetched.
    pub download: Option<String>,
}
