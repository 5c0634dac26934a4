//! Members and the roles they hold; the hand-offs that signatures close.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A logical role: one person may hold several, several may hold one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Speaks for the need: goals, criteria, acceptance.
    ProductOwner,
    /// Experiments, statistics, models.
    DataScientist,
    /// Data, contracts, features.
    DataEngineer,
    /// Methods and training at scale.
    ResearchEngineer,
    /// Serving and operation.
    BackendEngineer,
    /// Tests, evidence, gates.
    QualityEngineer,
    /// Supplies labels.
    Annotator,
    /// Knows what the labels mean.
    DomainExpert,
}

impl Role {
    /// All roles, in the order in which pages list them.
    pub const ALL: [Role; 8] = [
        Role::ProductOwner,
        Role::DataScientist,
        Role::DataEngineer,
        Role::ResearchEngineer,
        Role::BackendEngineer,
        Role::QualityEngineer,
        Role::Annotator,
        Role::DomainExpert,
    ];

    /// The word used in files, commands and the ledger.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::ProductOwner => "product-owner",
            Role::DataScientist => "data-scientist",
            Role::DataEngineer => "data-engineer",
            Role::ResearchEngineer => "research-engineer",
            Role::BackendEngineer => "backend-engineer",
            Role::QualityEngineer => "quality-engineer",
            Role::Annotator => "annotator",
            Role::DomainExpert => "domain-expert",
        }
    }

    /// The words as people say them: `product owner`.
    pub fn words(self) -> String {
        self.as_str().replace('-', " ")
    }

    /// Reads [`Role::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }
}

/// A member of the team, as `remuda.toml` names them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Member {
    /// The name used in commands and facts.
    pub name: String,
    /// The address that git commits carry: joins commits to the member.
    pub email: Option<String>,
    /// The roles the member holds now.
    pub roles: Vec<Role>,
}

/// What a signature promises. Each kind is due from certain roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SignatureKind {
    /// The requirement says what the business needs.
    Intent,
    /// The evidence supports the verdicts.
    Evidence,
    /// It can be run, watched and rolled back.
    Operability,
    /// The product takes the release.
    Accept,
    /// A release may pass although one criterion is not met, until a day.
    Waiver,
}

impl SignatureKind {
    /// All kinds.
    pub const ALL: [SignatureKind; 5] = [
        SignatureKind::Intent,
        SignatureKind::Evidence,
        SignatureKind::Operability,
        SignatureKind::Accept,
        SignatureKind::Waiver,
    ];

    /// Those that a promotion can ask for, in the order in which a product passes them.
    pub const PROMOTING: [SignatureKind; 4] =
        [SignatureKind::Intent, SignatureKind::Evidence, SignatureKind::Operability, SignatureKind::Accept];

    /// The word used in commands and the ledger.
    pub fn as_str(self) -> &'static str {
        match self {
            SignatureKind::Intent => "intent",
            SignatureKind::Evidence => "evidence",
            SignatureKind::Operability => "operability",
            SignatureKind::Accept => "accept",
            SignatureKind::Waiver => "waiver",
        }
    }

    /// Reads [`SignatureKind::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// The roles whose holders may give it.
    pub fn roles(self) -> &'static [Role] {
        match self {
            SignatureKind::Intent | SignatureKind::Accept | SignatureKind::Waiver => &[Role::ProductOwner],
            SignatureKind::Evidence => &[Role::QualityEngineer, Role::DataScientist, Role::DomainExpert],
            SignatureKind::Operability => &[Role::BackendEngineer],
        }
    }

    /// What the signer promises, as one sentence.
    pub fn promise(self) -> &'static str {
        match self {
            SignatureKind::Intent => "these criteria say what the business needs",
            SignatureKind::Evidence => "the evaluation supports these verdicts, and I checked how it was made",
            SignatureKind::Operability => "it can be served, watched and rolled back",
            SignatureKind::Accept => "the product takes this release",
            SignatureKind::Waiver => "the product bears that this criterion is not met, until that day",
        }
    }
}

/// Why a signature does or does not count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Independence {
    /// The signer did none of the work that they signed.
    Independent,
    /// The signer contributed: what they did, one phrase each (`trained run 018f…`, `wrote features/age.sql`).
    Contributed(Vec<String>),
    /// The team is one person and has said so in `remuda.toml`.
    Solo,
}

/// What is missing before a hand-off may pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Missing {
    /// One sentence without full stop: what is missing.
    pub what: String,
    /// Which roles can provide it.
    pub roles: Vec<Role>,
    /// Which members hold those roles and would count (names).
    pub members: Vec<String>,
    /// The command that provides it.
    pub command: String,
}

/// `remuda.toml`: the product, its team and what its hand-offs demand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Product {
    /// The product's name.
    pub name: String,
    /// Where it stands.
    pub stage: Stage,
    /// What a mistake costs: sets which signatures a promotion needs.
    pub risk: Risk,
    /// A declared one-person team: its own signatures count, and the release says so.
    pub solo: bool,
    /// The server that keeps the ledger; `None`: the ledger lies in `.remuda/`.
    pub server: Option<String>,
    /// How many evaluations one holdout bears.
    pub holdout_budget: u32,
    /// What snapshots of runs take in.
    #[serde(default)]
    pub run: crate::run::captured::RunSettings,
    /// The members.
    pub members: Vec<Member>,
}

/// Where a product stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Finding out whether it can work.
    Explore,
    /// Making it work.
    Build,
    /// Live.
    Operate,
}

/// What a mistake costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Risk {
    /// An annoyance.
    Low,
    /// Money or trust.
    Medium,
    /// Somebody's rights, health or living.
    High,
}

impl Stage {
    /// Reads the word in `remuda.toml`.
    pub fn parse(word: &str) -> Option<Self> {
        [Stage::Explore, Stage::Build, Stage::Operate].into_iter().find(|known| known.as_str() == word)
    }

    /// The word in `remuda.toml`.
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::Explore => "explore",
            Stage::Build => "build",
            Stage::Operate => "operate",
        }
    }
}

impl Risk {
    /// Reads the word in `remuda.toml`.
    pub fn parse(word: &str) -> Option<Self> {
        [Risk::Low, Risk::Medium, Risk::High].into_iter().find(|known| known.as_str() == word)
    }

    /// The word in `remuda.toml`.
    pub fn as_str(self) -> &'static str {
        match self {
            Risk::Low => "low",
            Risk::Medium => "medium",
            Risk::High => "high",
        }
    }

    /// The signatures that a promotion needs.
    pub fn signatures(self) -> &'static [SignatureKind] {
        match self {
            Risk::Low => &[SignatureKind::Accept],
            Risk::Medium => &[SignatureKind::Intent, SignatureKind::Evidence, SignatureKind::Accept],
            Risk::High => &SignatureKind::PROMOTING,
        }
    }
}

impl Product {
    /// The member of that name.
    pub fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name == name)
    }

    /// The members who hold one of these roles.
    pub fn holders(&self, roles: &[Role]) -> Vec<&Member> {
        self.members.iter().filter(|member| member.roles.iter().any(|role| roles.contains(role))).collect()
    }
}
