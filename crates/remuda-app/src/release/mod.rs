//! Releases: create, list, show, promote, roll back. Promotion is refused with the exact list of what is missing.

mod create;
mod go_live;
mod look;
mod promote;

use crate::gate::EvaluationSummary;
use crate::team::Signature;
use remuda_model::Digest;
use remuda_model::gate::{VerdictKind, Waiver};
use remuda_model::model::Engine;
use remuda_model::release::ReleaseContent;
use remuda_model::team::Missing;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(crate) use go_live::go_live;
pub(crate) use look::{content_of, find_release, live_release, promotions, releases, requirements_of};

/// Make a release of a model: one digest over model, features, schema, criteria, evidence and signatures.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Create {
    /// A model's name (its newest version), a version's digest or a run.
    pub model: String,
}

/// List releases, newest first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct List {}

/// Show a release: what it is made of, its evidence and signatures, what is missing before it may go live.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Show {
    /// A release's digest, the beginning of it, `live` or `newest`.
    pub release: String,
}

/// Make a release live. Refused with the list of what is missing.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Promote {
    /// A release's digest or the beginning of it; without it, the newest.
    #[serde(default)]
    pub release: Option<String>,
}

/// Make the release that was live before live again. Asks for nothing.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Rollback {
    /// Why: stays with the fact.
    #[arg(long, default_value = "")]
    #[serde(default)]
    pub why: String,
}

/// Releases, newest first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Releases {
    /// One each.
    pub releases: Vec<ReleaseLine>,
}

/// A release in a list.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ReleaseLine {
    /// Its digest.
    pub digest: Digest,
    /// The model's name.
    pub model_name: String,
    /// The model version.
    pub model: Digest,
    /// Who made the release.
    pub actor: String,
    /// When, microseconds since 1970.
    pub time: i64,
    /// It is live now.
    pub live: bool,
    /// Made and signed by a one-person team.
    pub solo: bool,
    /// How often it was made live.
    pub promotions: u32,
    /// The verdict over its evaluations.
    pub verdict: VerdictKind,
    /// Criteria that the product owner lets pass, or let pass until the waiver ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waivers: Vec<WaivedVerdict>,
}

/// A criterion that is not met and was waived.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct WaivedVerdict {
    /// The criterion as written.
    pub criterion: String,
    /// Which slice of a `for each`.
    pub slice: Option<String>,
    /// What the verdict is all the same.
    pub kind: VerdictKind,
    /// The waiver.
    pub waiver: Waiver,
}

/// A release in full.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ReleasePage {
    /// The release.
    pub line: ReleaseLine,
    /// What it is made of.
    pub content: ReleaseContent,
    /// What runs its model.
    pub engine: Engine,
    /// Its evidence.
    pub evaluations: Vec<EvaluationSummary>,
    /// Signatures on its requirements, evidence and on itself.
    pub signatures: Vec<Signature>,
    /// What is missing before it may go live; empty: nothing.
    pub missing: Vec<Missing>,
    /// When it went live and when it was replaced.
    pub history: Vec<Promotion>,
}

/// A release that went live.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Promotion {
    /// The release's digest.
    pub release: Digest,
    /// Who made it live.
    pub actor: String,
    /// When, microseconds since 1970.
    pub time: i64,
    /// `promoted` or `rolled back`.
    pub how: String,
    /// Why, for a rollback.
    pub why: String,
}
