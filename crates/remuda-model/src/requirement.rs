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
    /// When a candidate may be looked at again while labels still arrive; none: every look is a submission of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looks: Option<Looks>,
    /// Everything after the front matter, Markdown.
    pub prose: String,
    /// Digest of the file's text.
    pub digest: Digest,
}

/// Looks at one candidate on a holdout that grows: all of them share the risk of one submission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Looks {
    /// Planned: labelled holdout rows at each look, rising. The last one ends the plan.
    Planned(Vec<u64>),
    /// Whenever somebody wants, as often as they want; wider bounds are the price.
    AnyTime,
}

impl Looks {
    /// In plain words.
    pub fn words(&self) -> String {
        match self {
            Looks::Planned(rows) => {
                let rows: Vec<String> = rows.iter().map(u64::to_string).collect();
                format!("planned at {} rows", rows.join(", "))
            }
            Looks::AnyTime => "at any time".to_owned(),
        }
    }
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
