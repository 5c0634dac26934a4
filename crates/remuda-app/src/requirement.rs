//! Requirements: what the business wants, and where each criterion stands.

use crate::gate::EvaluationSummary;
use remuda_model::gate::{Verdict, VerdictKind};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// List the requirements and where each stands.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct List {}

/// Show one requirement: prose, criteria in plain words, the newest verdicts.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Show {
    /// The requirement's name.
    pub name: String,
}

/// All requirements.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Requirements {
    /// One each, by name.
    pub requirements: Vec<RequirementState>,
}

/// One requirement and where it stands.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RequirementState {
    /// Its name.
    pub name: String,
    /// One line: what the business wants.
    pub goal: String,
    /// Who speaks for it.
    pub owner: String,
    /// The dataset that it is measured on.
    pub dataset: String,
    /// Digest of the text now in force.
    pub digest: String,
    /// The criteria as written, with their echo in plain words.
    pub criteria: Vec<CriterionWords>,
    /// The verdict over all criteria on the newest candidate that was evaluated; undecided when none was.
    pub verdict: VerdictKind,
    /// The newest verdicts, one per criterion (or slice); empty before the first evaluation.
    pub verdicts: Vec<Verdict>,
    /// The evaluation that they come from.
    pub evaluation: Option<EvaluationSummary>,
    /// Why the verdicts no longer speak for what is in force (text changed, newer data, newer candidate).
    pub stale: Vec<String>,
    /// Who signed the intent of this very text.
    pub signed_by: Vec<String>,
}

/// A criterion and what it says.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CriterionWords {
    /// The line as written.
    pub text: String,
    /// In plain words.
    pub words: String,
}

/// One requirement in full.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RequirementPage {
    /// Where it stands.
    pub state: RequirementState,
    /// Path of the file.
    pub path: String,
    /// The prose, Markdown.
    pub prose: String,
    /// Earlier evaluations, newest first.
    pub history: Vec<EvaluationSummary>,
}

use crate::app::App;
use crate::context::Context;
use crate::error::Result;
use crate::gate::Evaluation;
use crate::use_case::{Access, UseCase};
use remuda_model::requirement::Requirement;
use remuda_model::team::SignatureKind;
use remuda_repo::Defined;

impl UseCase for List {
    const NOUN: &'static str = "requirement";
    const VERB: &'static str = "list";
    const ACCESS: Access = Access::Read;
    const ABOUT: &'static str = "List the requirements and where each stands.";
    type Answer = Requirements;

    async fn run(self, app: &App, context: &Context) -> Result<Requirements> {
        let evaluations = crate::gate::evaluations(app, context).await?;
        let mut requirements = Vec::new();
        for requirement in &context.definitions.requirements {
            requirements.push(state(app, context, requirement, &evaluations).await?);
        }
        Ok(Requirements { requirements })
    }
}

impl UseCase for Show {
    const NOUN: &'static str = "requirement";
    const VERB: &'static str = "show";
    const ACCESS: Access = Access::Read;
    const ABOUT: &'static str = "Show one requirement: prose, criteria in plain words, the newest verdicts.";
    type Answer = RequirementPage;

    async fn run(self, app: &App, context: &Context) -> Result<RequirementPage> {
        let requirement = context.requirement(&self.name)?;
        let evaluations = crate::gate::evaluations(app, context).await?;
        let state = state(app, context, requirement, &evaluations).await?;
        let history = evaluations
            .iter()
            .filter(|evaluation| evaluation.requirements.iter().any(|found| found.requirement == self.name))
            .map(Evaluation::summary)
            .collect();
        Ok(RequirementPage { state, path: requirement.path.clone(), prose: requirement.value.prose.clone(), history })
    }
}

/// Criteria with their words.
pub(crate) fn criteria_words(requirement: &Requirement, positive: Option<&str>) -> Vec<CriterionWords> {
    requirement
        .criteria
        .iter()
        .map(|stated| CriterionWords {
            text: stated.text.clone(),
            words: remuda_model::gate::words(&stated.criterion, positive),
        })
        .collect()
}

async fn state(
    app: &App,
    context: &Context,
    requirement: &Defined<Requirement>,
    evaluations: &[Evaluation],
) -> Result<RequirementState> {
    let name = &requirement.value.name;
    let newest = evaluations.iter().find_map(|evaluation| {
        evaluation.requirements.iter().find(|found| found.requirement == *name).map(|found| (evaluation, found))
    });
    let contract = context.contract(&requirement.value.dataset).ok().flatten();
    let positive = contract.and_then(|contract| contract.value.positive.as_deref());
    let signatures = crate::team::signatures_on(app, context, requirement.digest.as_str()).await?;
    let hidden = newest.is_some_and(|(evaluation, _)| evaluation.revealed == "verdicts");
    let mut verdicts = newest.map(|(_, found)| found.verdicts.clone()).unwrap_or_default();
    if hidden {
        for verdict in &mut verdicts {
            (verdict.estimate, verdict.lower, verdict.upper, verdict.price) = (None, None, None, None);
        }
    }
    Ok(RequirementState {
        name: name.clone(),
        goal: requirement.value.goal.clone(),
        owner: requirement.value.owner.clone(),
        dataset: requirement.value.dataset.clone(),
        digest: requirement.digest.to_string(),
        criteria: criteria_words(&requirement.value, positive),
        verdict: newest.map_or(VerdictKind::Undecided, |(_, found)| found.verdict),
        verdicts,
        evaluation: newest.map(|(evaluation, _)| evaluation.summary()),
        stale: match newest {
            Some((evaluation, found)) => stale(app, context, requirement, evaluation, &found.digest).await?,
            None => Vec::new(),
        },
        signed_by: signatures
            .iter()
            .filter(|signature| signature.kind == SignatureKind::Intent)
            .map(|signature| signature.member.clone())
            .collect(),
    })
}

/// Why verdicts no longer speak for what is in force.
async fn stale(
    app: &App,
    context: &Context,
    requirement: &Defined<Requirement>,
    evaluation: &Evaluation,
    judged: &remuda_model::Digest,
) -> Result<Vec<String>> {
    let mut reasons = Vec::new();
    if *judged != requirement.digest {
        reasons.push("the requirement's text has changed since".to_owned());
    }
    if let Some(latest) = crate::data::latest_version(app, context, &requirement.value.dataset).await?
        && latest.version.digest != evaluation.version
    {
        reasons.push(format!("there is newer data: {}", latest.version.digest.short()));
    }
    for tests in &evaluation.tests {
        let now = context.definitions.tests.iter().find(|file| file.value.name == tests.name);
        if now.is_none_or(|now| now.digest != tests.digest) {
            reasons.push(format!("the behavioural tests {} have changed since", tests.name));
        }
    }
    let newest = crate::model::List { name: Some(evaluation.model_name.clone()) }.run(app, context).await?;
    if let Some(newest) = newest.models.first()
        && newest.version.digest != evaluation.model
    {
        reasons.push(format!("there is a newer {}: {}", evaluation.model_name, newest.version.digest.short()));
    }
    Ok(reasons)
}
