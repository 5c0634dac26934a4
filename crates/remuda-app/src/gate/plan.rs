//! What an evaluation rests on, found and refused before anything is read: candidate, rows, criteria, references, looks.

use super::Evaluate;
use super::costs::Costs;
use super::schedule::Schedule;
use super::tested;
use crate::app::App;
use crate::context::Context;
use crate::data::{contract_of, latest_version, may_have_seen, retired_at, version_at};
use crate::error::{Error, Result};
use crate::model::{self, ModelLine, resolve_model};
use crate::pin::Pins;
use crate::use_case::UseCase;
use remuda_model::Digest;
use remuda_model::behaviour::BehaviouralTests;
use remuda_model::data::{Contract, DatasetVersion};
use remuda_model::fact::Link;
use remuda_model::gate::criterion::{Bound, Claim, Quantity, Reference};
use remuda_model::model::ModelVersion;
use remuda_model::requirement::Requirement;
use remuda_repo::Defined;
use std::collections::BTreeMap;

/// Everything that an evaluation rests on, found before anything is read.
pub(super) struct Plan<'a> {
    pub(super) candidate: ModelLine,
    pub(super) requirements: Vec<&'a Defined<Requirement>>,
    /// The looks so far under each of them.
    pub(super) schedules: Vec<Schedule>,
    pub(super) version: DatasetVersion,
    pub(super) contract: Contract,
    pub(super) references: Vec<(Reference, ModelVersion)>,
    /// Cost tables by the name that criteria give them, with their path.
    pub(super) costs: BTreeMap<String, (String, Costs)>,
    /// The behavioural tests that criteria name.
    pub(super) tests: Vec<&'a Defined<BehaviouralTests>>,
    /// Digest over all of it: the same plan has the same answer.
    pub(super) key: Digest,
    /// Digest over all of it but the rows: looks that ask the same of more rows are one submission.
    pub(super) question: Digest,
}

impl Plan<'_> {
    /// With its digests.
    fn keyed(mut self, context: &Context) -> Result<Self> {
        let mut fields: Vec<String> = vec![
            self.candidate.version.digest.to_string(),
            self.version.digest.to_string(),
            self.version.contract.as_ref().map(ToString::to_string).unwrap_or_default(),
            context.product()?.holdout_budget.to_string(),
        ];
        fields.extend(self.requirements.iter().map(|requirement| requirement.digest.to_string()));
        let of_reference =
            |(reference, version): &(Reference, ModelVersion)| format!("{} {}", reference.name(), version.digest);
        fields.extend(self.references.iter().map(of_reference));
        let text =
            |path: &String| Digest::of(context.files.0.get(path).map_or(&[], |text| text.as_bytes())).to_string();
        fields.extend(self.costs.values().map(|(path, _)| text(path)));
        fields.extend(self.tests.iter().map(|file| file.digest.to_string()));
        self.key = Digest::of_fields(fields.iter().map(String::as_bytes));
        // The second field is the version.
        let asked = fields.iter().enumerate().filter(|(place, _)| *place != 1).map(|(_, field)| field.as_bytes());
        self.question = Digest::of_fields(asked);
        Ok(self)
    }

    /// With the looks so far; refused where they are over, unless this very look was taken.
    async fn scheduled(mut self, app: &App, context: &Context) -> Result<Self> {
        let earlier = super::look::evaluations(app, context).await?;
        let known = super::look::evaluation_with_key(app, context, &self.key).await?.is_some();
        let digest = &self.candidate.version.digest;
        let schedule = |found: &&Defined<Requirement>| Schedule::of(&found.value, digest, &self.question, &earlier);
        self.schedules = self.requirements.iter().map(schedule).collect();
        if known || !self.schedules.iter().all(Schedule::is_over) {
            return Ok(self);
        }
        let name = &self.candidate.version.name;
        let text = format!("the plan of looks at {name} has ended: more rows are no further try");
        Err(Error::new("gate.not_ready", text)
            .hint(format!("remuda gate show {name}"))
            .hint("another candidate, or another plan in the requirement, is another submission"))
    }

    /// What a fact of it is linked to, and the definitions that go with the fact.
    pub(super) fn pins(&self, context: &Context) -> Result<(Vec<Link>, Pins)> {
        let mut pins = Pins::default();
        let mut links = vec![
            Link::uses("model_version", self.candidate.version.digest.as_str()),
            Link::uses("dataset_version", self.version.digest.as_str()),
        ];
        for requirement in &self.requirements {
            pins.add(context, &requirement.path);
            links.push(Link::uses("requirement", requirement.digest.as_str()));
        }
        self.costs.values().for_each(|(path, _)| pins.add(context, path));
        self.tests.iter().for_each(|file| pins.add(context, &file.path));
        pins.add(context, &context.need_contract(&self.version.dataset)?.path);
        links.extend(self.references.iter().map(|(_, version)| Link::uses("model_version", version.digest.as_str())));
        links.push(Link::uses("evaluation_key", self.key.as_str()));
        links.append(&mut pins.links);
        Ok((links, pins))
    }

    /// What earlier looks of the same plan paid for; nothing unless every requirement has a plan.
    pub(super) fn paid(&self) -> u32 {
        self.schedules.iter().map(Schedule::paid).min().unwrap_or(0)
    }

    /// Refuses when somebody else took a look of the same plan meanwhile: it spent risk that this one counted on.
    pub(super) async fn still_holds(&self, app: &App, context: &Context) -> Result<()> {
        let now = super::look::evaluations(app, context).await?;
        let same = |(found, before): (&&Defined<Requirement>, &Schedule)| {
            Schedule::of(&found.value, &self.candidate.version.digest, &self.question, &now).number() == before.number()
        };
        if self.requirements.iter().zip(&self.schedules).all(same) {
            return Ok(());
        }
        Err(Error::new("ledger.conflict", "another look of the same plan was taken at the same moment")
            .hint(format!("remuda gate evaluate {}", self.candidate.version.name)))
    }
}

/// Finds out what an evaluation would rest on.
///
/// # Errors
/// No criteria or no data, criteria that do not fit the data, a candidate that may have seen the holdout, a plan of looks
/// that has ended.
pub(super) async fn plan<'a>(app: &App, context: &'a Context, request: &Evaluate) -> Result<Plan<'a>> {
    context.need_sound()?;
    let candidate = resolve_model(app, context, &request.candidate).await?;
    let trained_on = candidate.version.trained_on.clone().ok_or_else(|| {
        Error::new("gate.not_ready", format!("nothing says what `{}` was trained on", candidate.version.name))
    })?;
    let trained_on = version_at(app, context, &trained_on, candidate.time).await?;
    let requirements = asked(context, request, &trained_on.dataset)?;
    let measured_on = &requirements[0].value.dataset;
    let version = latest_version(app, context, measured_on).await?.ok_or_else(|| {
        Error::new("gate.not_ready", format!("dataset `{measured_on}` has no version"))
            .hint(format!("remuda data add FILE --as {measured_on}"))
    })?;
    let version = version.version;
    unseen(app, context, &candidate, (&trained_on, &version)).await?;
    if let Some(time) = retired_at(app, context, &version).await? {
        let day = crate::team::waiver::day_of(time);
        let text = format!("the holdout of `{measured_on}` was retired on {day}: its rows have been in training since");
        return Err(Error::new("gate.not_ready", text)
            .hint(format!("give the split rule of `{measured_on}` a new `salt`, add the data and train again")));
    }
    let contract = match contract_of(app, context, &version).await? {
        Some(contract) => contract,
        None => context.need_contract(measured_on)?.value.clone(),
    };
    let references = references(app, context, &requirements).await?;
    let costs = costs(context, &requirements)?;
    let tests = tested::named(context, &requirements)?;
    let plan = Plan {
        candidate,
        requirements,
        schedules: Vec::new(),
        version,
        contract,
        references,
        costs,
        tests,
        key: Digest::of(b""),
        question: Digest::of(b""),
    };
    plan.keyed(context)?.scheduled(app, context).await
}

/// The requirements that are asked for, with criteria that can be measured.
fn asked<'a>(context: &'a Context, request: &Evaluate, dataset: &str) -> Result<Vec<&'a Defined<Requirement>>> {
    let requirements: Vec<&Defined<Requirement>> = match &request.requirement {
        Some(name) => vec![context.requirement(name)?],
        None => context.definitions.requirements.iter().filter(|found| found.value.dataset == dataset).collect(),
    };
    if requirements.iter().all(|requirement| requirement.value.criteria.is_empty()) {
        return Err(Error::new("gate.not_ready", format!("no requirement has criteria on dataset `{dataset}`"))
            .hint("write one: requirements/NAME.md with `criteria = [\"accuracy >= 0.9\"]`"));
    }
    let misfits: Vec<_> = requirements.iter().flat_map(|found| super::fit::misfits_of(context, found)).collect();
    if misfits.is_empty() { Ok(requirements) } else { Err(Error::definitions(misfits)) }
}

/// Refuses a candidate that may have been trained on rows of the holdout.
async fn unseen(
    app: &App,
    context: &Context,
    candidate: &ModelLine,
    (trained_on, version): (&DatasetVersion, &DatasetVersion),
) -> Result<()> {
    if !may_have_seen(app, context, trained_on, version).await? {
        return Ok(());
    }
    let name = &candidate.version.name;
    let text = if trained_on.dataset == version.dataset {
        format!("{name} was trained before the split rule changed, so it has seen rows of this holdout")
    } else {
        format!("{} has rows of {}, on which {name} was trained", version.dataset, trained_on.dataset)
    };
    Err(Error::new("gate.not_ready", text).hint("train it again on this dataset's split: remuda run"))
}

/// The models that criteria refer to, each once, as far as there are any.
async fn references(
    app: &App,
    context: &Context,
    requirements: &[&Defined<Requirement>],
) -> Result<Vec<(Reference, ModelVersion)>> {
    let mut references: Vec<(Reference, ModelVersion)> = Vec::new();
    for criterion in requirements.iter().flat_map(|requirement| &requirement.value.criteria) {
        let Some(reference) = reference_of(&criterion.criterion.claim) else { continue };
        if references.iter().any(|(known, _)| known == reference) {
            continue;
        }
        if let Some(version) = resolve_reference(app, context, reference).await? {
            references.push((reference.clone(), version));
        }
    }
    Ok(references)
}

/// The cost tables that criteria name.
fn costs(context: &Context, requirements: &[&Defined<Requirement>]) -> Result<BTreeMap<String, (String, Costs)>> {
    let mut found = BTreeMap::new();
    for stated in requirements.iter().flat_map(|requirement| &requirement.value.criteria) {
        let Claim::Holds { quantity: Quantity::MeanCost { file }, .. } = &stated.criterion.claim else { continue };
        let known = super::costs::find(context, file)?.ok_or_else(|| {
            Error::new("gate.not_ready", format!("`{}` names a file that is not there", stated.text))
                .hint(format!("write {file} beside remuda.toml, with a first line `truth,prediction,cost`"))
                .hint("the names of cost files end in `costs.csv`")
        })?;
        found.insert(file.clone(), known);
    }
    Ok(found)
}

fn reference_of(claim: &Claim) -> Option<&Reference> {
    match claim {
        Claim::Holds { bound: Bound::Reference { reference, .. }, .. } => Some(reference),
        Claim::Holds { quantity: Quantity::ChangedDecisions { against }, .. } => Some(against),
        _ => None,
    }
}

/// The model behind a reference; `None` when there is none yet (the criterion is then undecided, data missing).
async fn resolve_reference(app: &App, context: &Context, reference: &Reference) -> Result<Option<ModelVersion>> {
    let digest = match reference {
        Reference::Baseline(name) => {
            let models = model::List { name: Some(name.clone()) }.run(app, context).await?.models;
            return Ok(models.into_iter().next().map(|line| line.version));
        }
        Reference::Production => match crate::release::live_release(app, context).await? {
            Some(release) => release.model,
            None => return Ok(None),
        },
        Reference::Release(id) => crate::release::find_release(app, context, id).await?.model,
    };
    Ok(Some(resolve_model(app, context, digest.hex()).await?.version))
}
