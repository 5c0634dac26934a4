//! Registered models: a name, its numbered versions, and aliases that move from one version to another.
//!
//! Like what runs log these change and can be deleted; facts beside them say who did what. Times are milliseconds
//! since 1970.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The tag of a registered version that names the model version that it is.
pub const CANDIDATE_TAG: &str = "remuda.model_version";
/// The tag of a registered version that says why it is no model version.
pub const REFUSED_TAG: &str = "remuda.not_a_candidate";
/// The tag that makes a registered model a prompt; prompts are hidden unless they are asked for.
pub const PROMPT_TAG: &str = "mlflow.prompt.is_prompt";

/// Where a version stands, in the words of older clients; aliases came after them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum VersionStage {
    /// Nothing was said.
    #[default]
    None,
    /// It is being tried.
    Staging,
    /// It is in use.
    Production,
    /// It was put aside.
    Archived,
}

impl VersionStage {
    /// All of them.
    pub const ALL: [VersionStage; 4] =
        [VersionStage::None, VersionStage::Staging, VersionStage::Production, VersionStage::Archived];

    /// The word in tables and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            VersionStage::None => "None",
            VersionStage::Staging => "Staging",
            VersionStage::Production => "Production",
            VersionStage::Archived => "Archived",
        }
    }

    /// Reads [`VersionStage::as_str`], in upper or lower case.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.as_str().eq_ignore_ascii_case(word))
    }

    /// Whether older versions can be archived when one comes here.
    pub fn is_active(self) -> bool {
        matches!(self, VersionStage::Staging | VersionStage::Production)
    }
}

/// A registered model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RegisteredModel {
    /// Its name.
    pub name: String,
    /// What it is, in the team's words.
    pub description: Option<String>,
    /// When it was made.
    pub created: i64,
    /// When it or one of its versions was last changed.
    pub updated: i64,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Aliases and the versions that they point to.
    pub aliases: BTreeMap<String, i64>,
    /// The newest version of each stage.
    pub latest: Vec<RegisteredVersion>,
}

impl RegisteredModel {
    /// Whether it is a prompt.
    pub fn is_prompt(&self) -> bool {
        is_prompt(&self.tags)
    }
}

/// Whether these tags make something a prompt.
pub fn is_prompt(tags: &BTreeMap<String, String>) -> bool {
    tags.get(PROMPT_TAG).is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

/// A version of a registered model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RegisteredVersion {
    /// The registered model's name.
    pub model: String,
    /// Its number, from 1; a deleted one's is not given again.
    pub version: i64,
    /// When it was made.
    pub created: i64,
    /// When it was last changed.
    pub updated: i64,
    /// What it is, in the team's words.
    pub description: Option<String>,
    /// Who registered it.
    pub actor: String,
    /// Where it stands.
    pub stage: VersionStage,
    /// Where it came from, as the client said it.
    pub source: String,
    /// Where its files lie.
    pub storage: String,
    /// The run that made it.
    pub run: Option<String>,
    /// Where the run can be looked at.
    pub run_link: Option<String>,
    /// The logged model that it is.
    pub logged: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// The aliases that point to it.
    pub aliases: Vec<String>,
}

impl RegisteredVersion {
    /// The digest of the model version that it is, if it became one.
    pub fn candidate(&self) -> Option<&str> {
        self.tags.get(CANDIDATE_TAG).map(String::as_str)
    }

    /// Why it is no model version.
    pub fn refused(&self) -> Option<&str> {
        self.tags.get(REFUSED_TAG).map(String::as_str)
    }
}

/// The alias that the live endpoint follows: `champion`, or `churn@champion` for that of one registered model only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FollowedAlias {
    /// The registered model; `None`: of whichever has the alias.
    pub model: Option<String>,
    /// The alias.
    pub alias: String,
}

impl FollowedAlias {
    /// Reads `ALIAS` or `MODEL@ALIAS`.
    pub fn parse(text: &str) -> Option<Self> {
        let (model, alias) = match text.rsplit_once('@') {
            Some((model, alias)) => (Some(model.to_owned()), alias),
            None => (None, text),
        };
        let fits = !alias.is_empty()
            && alias.chars().all(|letter| letter.is_alphanumeric() || letter == '_' || letter == '-')
            && !is_reserved_alias(alias)
            && model.as_deref().is_none_or(|model| !model.trim().is_empty() && !model.contains(['/', ':']));
        fits.then(|| Self { model, alias: alias.to_owned() })
    }

    /// Whether it is this alias of this registered model.
    pub fn is(&self, model: &str, alias: &str) -> bool {
        self.alias == alias && self.model.as_deref().is_none_or(|known| known == model)
    }
}

impl std::fmt::Display for FollowedAlias {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.model {
            Some(model) => write!(formatter, "{model}@{}", self.alias),
            None => formatter.write_str(&self.alias),
        }
    }
}

/// Whether clients give this alias a meaning of its own: `latest` and version numbers such as `v3`.
pub fn is_reserved_alias(alias: &str) -> bool {
    let numbered =
        alias.strip_prefix(['v', 'V']).is_some_and(|rest| !rest.is_empty() && rest.chars().all(char::is_numeric));
    alias.eq_ignore_ascii_case("latest") || numbered
}

#[cfg(test)]
mod tests {
    use super::FollowedAlias;

    #[test]
    fn an_alias_is_followed_on_one_model_or_on_any() {
        let any = FollowedAlias::parse("champion").map(|alias| (alias.is("a", "champion"), alias.is("a", "other")));
        assert_eq!(any, Some((true, false)));
        let one = FollowedAlias::parse("churn@champion");
        assert_eq!(
            one.as_ref().map(|alias| (alias.is("churn", "champion"), alias.is("b", "champion"))),
            Some((true, false))
        );
        assert_eq!(one.map(|alias| alias.to_string()).as_deref(), Some("churn@champion"));
        for bad in ["", "@", "churn@", "latest", "v3", "a b", "a/b@champion", "@champion"] {
            assert_eq!(FollowedAlias::parse(bad), None, "{bad}");
        }
    }
}
