//! The team: members, roles, signatures and their independence, tokens.

mod sign;
mod tokens;
pub(crate) mod waiver;
mod work;

use remuda_model::team::{Independence, Member, Risk, SignatureKind, Stage};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(crate) use sign::signatures_on;
pub use tokens::{has_tokens, identify};
pub use work::Authors;

/// Show members, roles, signatures and who has done what.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Show {}

/// Sign: promise something about a subject. The signature binds digests.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Sign {
    /// What is promised: intent, evidence, operability, accept or waiver.
    pub kind: String,
    /// intent: a requirement's name; evidence, waiver: an evaluation or model; operability, accept: a release.
    pub subject: String,
    /// waiver: the criterion that is waived, as written, or its number in the report from 1.
    #[arg(long, value_name = "CRITERION")]
    #[serde(default)]
    pub criterion: Option<String>,
    /// waiver: the last day on which it counts, such as 2026-12-31.
    #[arg(long, value_name = "DAY")]
    #[serde(default)]
    pub until: Option<String>,
    /// A remark that stays with the signature. A waiver says why.
    #[arg(long, default_value = "")]
    #[serde(default)]
    pub remark: String,
}

/// Make a token for a member, to use the server from elsewhere. It is shown once.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// The member.
    pub member: String,
}

/// Withdraw all tokens of a member.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct RevokeToken {
    /// The member.
    pub member: String,
}

/// A new token.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NewToken {
    /// The member.
    pub member: String,
    /// The secret; the ledger keeps only its hash.
    pub token: String,
}

/// A signature and whether it counts as independent.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Signature {
    /// The fact's id.
    pub fact: String,
    /// What is promised.
    pub kind: SignatureKind,
    /// Who signed.
    pub member: String,
    /// When, microseconds since 1970.
    pub time: i64,
    /// What was signed, as people call it: `requirement churn`, `evaluation k3…`, `release 9f…`.
    pub subject: String,
    /// The digest or id that it binds.
    pub binds: String,
    /// waiver: what is waived, and until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waived: Option<Waived>,
    /// Whether the signer did part of the work.
    pub independence: Independence,
    /// A remark.
    pub remark: String,
}

/// The verdict that a waiver lets pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Waived {
    /// The criterion as written.
    pub criterion: String,
    /// Which slice of a `for each`; none: every slice of the criterion.
    pub slice: Option<String>,
    /// The last day on which it counts, `2026-12-31` (UTC).
    pub until: String,
}

/// The team.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Team {
    /// The product.
    pub product: String,
    /// Where it stands.
    pub stage: Stage,
    /// What a mistake costs.
    pub risk: Risk,
    /// A declared one-person team.
    pub solo: bool,
    /// Members and what they did.
    pub members: Vec<MemberWork>,
    /// Signatures, newest first.
    pub signatures: Vec<Signature>,
}

/// A member and what the ledger says they did.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct MemberWork {
    /// The member.
    pub member: Member,
    /// How many facts of each verb: `run.finished` 12.
    pub facts: Vec<(String, u64)>,
    /// The newest fact's time.
    pub last: Option<i64>,
}
