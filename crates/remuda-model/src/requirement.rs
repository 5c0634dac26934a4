//! Requirements: a need in prose, the goal it serves, and criteria of one line each.

use crate::Digest;
use crate::gate::Criterion;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A requirement, as `requirements/NAME.md` holds it: TOML front matter between `+++` lines, then prose.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Requirement {
    /// The file's name without ending.
    pub name: String,
    /// One line: what the business wants.
    pub goal: String,
    /// The member or role that speaks for it.
    pub owner: String,
    /// The dataset that it is measured on.
    pub dataset: String,
    /// The acceptance criteria, in order.
    pub criteria: Vec<StatedCriterion>,
    /// Everything after the front matter, Markdown.
    pub prose: String,
    /// Digest of the file's text.
    pub digest: Digest,
}

/// A criterion as it stands in a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StatedCriterion {
    /// The line as written.
    pub text: String,
    /// What it says.
    pub criterion: Criterion,
    /// Line in the file, from 1.
    pub line: u32,
}
