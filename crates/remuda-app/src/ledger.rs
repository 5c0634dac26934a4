//! The ledger as people read it: its newest facts, lineage both ways, and whether it is whole.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// List facts, newest first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// How many.
    #[arg(long, default_value_t = 50)]
    #[serde(default = "crate::run::fifty")]
    pub limit: usize,
    /// Only facts before this place in the chain.
    #[arg(long)]
    #[serde(default)]
    pub before: Option<i64>,
    /// Only this verb, such as `run.finished`.
    #[arg(long)]
    #[serde(default)]
    pub verb: Option<String>,
    /// Only this member.
    #[arg(long)]
    #[serde(default)]
    pub actor: Option<String>,
}

/// Walk lineage both ways from anything: a prediction, a model, a version, a run, a release, a requirement.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct Why {
    /// An id or digest, the beginning of one, or a name.
    pub id: String,
}

/// Check the hash chain and every blob.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct Verify {
    /// Check the chain only, not the blobs.
    #[arg(long)]
    #[serde(default)]
    pub facts_only: bool,
}

/// Facts, newest first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Facts {
    /// One each.
    pub facts: Vec<FactLine>,
    /// There are older ones.
    pub more: bool,
}

/// A fact in a list.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct FactLine {
    /// Place in the chain.
    pub sequence: i64,
    /// Its id.
    pub id: String,
    /// When, microseconds since 1970.
    pub time: i64,
    /// Who.
    pub actor: String,
    /// What happened.
    pub verb: String,
    /// To what.
    pub subject: String,
    /// One sentence that says it.
    pub sentence: String,
    /// Its hash.
    pub hash: String,
}

/// Lineage of one thing.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Lineage {
    /// The thing.
    pub thing: Thing,
    /// Where it came from: things that facts used to make it, nearest first.
    pub because: Vec<LineageStep>,
    /// What came of it, nearest first.
    pub led_to: Vec<LineageStep>,
}

/// A thing in a lineage.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Thing {
    /// `prediction`, `release`, `model_version`, `run`, `dataset_version`, `requirement`, `evaluation`, …
    pub kind: String,
    /// Its id or digest.
    pub id: String,
    /// What people call it.
    pub name: String,
}

/// One step of a lineage.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LineageStep {
    /// How far from the thing asked about, from 1.
    pub distance: u32,
    /// The thing.
    pub thing: Thing,
    /// The fact that made the arrow.
    pub fact: FactLine,
    /// The id of the thing that this one is joined to, one step nearer.
    pub from: String,
}

/// Whether the ledger is whole.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Verified {
    /// Facts checked.
    pub facts: u64,
    /// Blobs checked.
    pub blobs: u64,
    /// Bytes of blobs checked.
    pub bytes: u64,
    /// What is wrong; empty: all is well.
    pub problems: Vec<String>,
    /// The newest fact's hash: note it elsewhere, and a ledger cut short shows too.
    pub head: String,
}
