//! Evaluating a candidate: predict the holdout, measure each criterion, decide, charge the look, append one fact.

use super::costs::Costs;
use super::decide::{Bench, decide};
use super::sample::Sample;
use super::schedule::Schedule;
use super::tested;
use super::{Compared, Evaluate, Evaluation, RequirementVerdicts};
use crate::analysis::TestedFile;
use crate::analysis::judged::{sample_of, set_predictions};
use crate::analysis::test_run::Subject;
use crate::app::App;
use crate::context::Context;
use crate::data::{Look, contract_of, latest_version, looks, may_have_seen, note_look, read_rows, version_at};
use crate::error::{Error, Result};
use crate::model::{self, ModelLine, resolve_model};
use crate::pin::{self, Pins};
use crate::use_case::{Access, UseCase};
use remuda_data::ReadRequest;
use remuda_ledger::Append;
use remuda_model::Digest;
use remuda_model::analysis::Confusion;
use remuda_model::behaviour::BehaviouralTests;
use remuda_model::data::{Contract, DatasetVersion, Split};
use remuda_model::fact::Link;
use remuda_model::gate::criterion::{Bound, Claim, Quantity, Reference};
use remuda_model::gate::{Reason, Verdict, VerdictKind};
use remuda_model::model::ModelVersion;
use remuda_model::requirement::Requirement;
use remuda_repo::Defined;
use std::collections::BTreeMap;

/// What a look costs that shows verdicts only, and one that shows numbers: numbers teach a tuner more.
pub(super) const VERDICTS_CHARGE: u32 = 1;
pub(super) const NUMBERS_CHARGE: u32 = 2;

/// Everything that an evaluation rests on, found before anything is read.
struct Plan<'a> {
    candidate: ModelLine,
    requirements: Vec<&'a Defined<Requirement>>,
    /// The looks so far under each of them.
    schedules: Vec<Schedule>,
    version: DatasetVersion,
    contract: Contract,
    references: Vec<(Reference, ModelVersion)>,
    /// Cost tables by the name that criteria give them, with their path.
    costs: BTreeMap<String, (String, Costs)>,
    /// The behavioural tests that criteria name.
    tests: Vec<&'a Defined<BehaviouralTests>>,
    /// Digest over all of it: the same plan has the same answer.
    key: Digest,
    /// Digest over all of it but the rows: looks that ask the same of more rows are one submission.
    question: Digest,
}

impl UseCase for Evaluate {
    const NOUN: &'static str = "gate";
    const VERB: &'static str = "evaluate";
    const ACCESS: Access = Access::Write;
    const ABOUT: &'static str =
        "Evaluate a candidate on the holdout against the criteria. The look is a fact and is charged.";
    type Answer = Evaluation;

    async fn run(self, app: &App, context: &Context) -> Result<Evaluation> {
        let plan = plan(app, context, &self).await?;
        let known = super::look::evaluation_with_key(app, context, &plan.key).await?;
        let paid = known.as_ref().map_or(0, Evaluation::paid);
        let wanted = if self.verdicts_only { VERDICTS_CHARGE } else { NUMBERS_CHARGE };
        if let Some(known) = known
            && paid >= wanted
        {
            let known = Evaluation { repeated: true, ..known };
            return Ok(if self.verdicts_only { hidden(known) } else { known });
        }
        let past = looks(app, context, &plan.version).await?;
        let spent = crate::data::spent(&past);
        let budget = context.product()?.holdout_budget;
        let charge = wanted.saturating_sub(paid.max(plan.paid()));
        let look = submission(&past);
        let affordable = spent + charge <= budget;
        let mut evaluation = Evaluation {
            id: app.ids.short(),
            verdict: VerdictKind::Undecided,
            requirements: Vec::new(),
            model: plan.candidate.version.digest.clone(),
            model_name: plan.candidate.version.name.clone(),
            run: plan.candidate.version.run.clone(),
            dataset: plan.version.dataset.clone(),
            version: plan.version.digest.clone(),
            rows: plan.version.split_rows[Split::Holdout as usize],
            confusion: None,
            curves: None,
            look,
            charge: if affordable { charge } else { 0 },
            spent,
            budget,
            revealed: if self.verdicts_only { "verdicts" } else { "numbers" }.to_owned(),
            covered: affordable && charge == 0,
            repeated: false,
            compared: plan
                .references
                .iter()
                .map(|(reference, version)| Compared { reference: reference.name(), model: version.digest.clone() })
                .collect(),
            plan: Some(plan.question.clone()),
            tests: plan
                .tests
                .iter()
                .map(|file| TestedFile { name: file.value.name.clone(), digest: file.digest.clone() })
                .collect(),
            solo: context.product()?.solo,
            actor: context.actor.name.clone(),
            time: 0,
            fact: String::new(),
        };
        if affordable {
            measure_all(app, context, &plan, &mut evaluation).await?;
        } else {
            refuse_all(&plan, &mut evaluation);
        }
        evaluation.verdict = VerdictKind::all(evaluation.requirements.iter().map(|found| found.verdict));
        let evaluation = append(app, context, &plan, evaluation, wanted).await?;
        Ok(if self.verdicts_only { hidden(evaluation) } else { evaluation })
    }
}

impl Plan<'_> {
    /// What earlier looks of the same plan paid for; nothing unless every requirement has a plan.
    fn paid(&self) -> u32 {
        self.schedules.iter().map(Schedule::paid).min().unwrap_or(0)
    }

    /// Refuses when somebody else took a look of the same plan meanwhile: it spent risk that this one counted on.
    async fn still_holds(&self, app: &App, context: &Context) -> Result<()> {
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

async fn plan<'a>(app: &App, context: &'a Context, request: &Evaluate) -> Result<Plan<'a>> {
    context.need_sound()?;
    let candidate = resolve_model(app, context, &request.candidate).await?;
    let trained_on = candidate.version.trained_on.clone().ok_or_else(|| {
        Error::new("gate.not_ready", format!("nothing says what `{}` was trained on", candidate.version.name))
    })?;
    let dataset = version_at(app, context, &trained_on, candidate.time).await?.dataset;
    let requirements: Vec<&Defined<Requirement>> = match &request.requirement {
        Some(name) => vec![context.requirement(name)?],
        None => context.definitions.requirements.iter().filter(|found| found.value.dataset == dataset).collect(),
    };
    if requirements.iter().all(|requirement| requirement.value.criteria.is_empty()) {
        return Err(Error::new("gate.not_ready", format!("no requirement has criteria on dataset `{dataset}`"))
            .hint("write one: requirements/NAME.md with `criteria = [\"accuracy >= 0.9\"]`"));
    }
    let misfits: Vec<_> = requirements.iter().flat_map(|found| super::fit::misfits_of(context, found)).collect();
    if !misfits.is_empty() {
        return Err(Error::definitions(misfits));
    }
    let measured_on = &requirements[0].value.dataset;
    let version = latest_version(app, context, measured_on)
        .await?
        .ok_or_else(|| {
            Error::new("gate.not_ready", format!("dataset `{measured_on}` has no version"))
                .hint(format!("remuda data add FILE --as {measured_on}"))
        })?
        .version;
    let trained_on = version_at(app, context, &trained_on, candidate.time).await?;
    if may_have_seen(app, context, &trained_on, &version).await? {
        let name = &candidate.version.name;
        let text = if trained_on.dataset == version.dataset {
            format!("{name} was trained before the split rule changed, so it has seen rows of this holdout")
        } else {
            format!("{} has rows of {}, on which {name} was trained", version.dataset, trained_on.dataset)
        };
        return Err(Error::new("gate.not_ready", text).hint("train it again on this dataset's split: remuda run"));
    }
    let contract = match contract_of(app, context, &version).await? {
        Some(contract) => contract,
        None => context.need_contract(measured_on)?.value.clone(),
    };
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
    let costs = costs(context, &requirements)?;
    let tests = tested::named(context, &requirements)?;
    let mut fields: Vec<String> = vec![
        candidate.version.digest.to_string(),
        version.digest.to_string(),
        version.contract.as_ref().map(ToString::to_string).unwrap_or_default(),
        context.product()?.holdout_budget.to_string(),
    ];
    fields.extend(requirements.iter().map(|requirement| requirement.digest.to_string()));
    fields.extend(references.iter().map(|(reference, version)| format!("{} {}", reference.name(), version.digest)));
    let text = |path: &String| Digest::of(context.files.0.get(path).map_or(&[], |text| text.as_bytes())).to_string();
    fields.extend(costs.values().map(|(path, _)| text(path)));
    fields.extend(tests.iter().map(|file| file.digest.to_string()));
    let key = Digest::of_fields(fields.iter().map(String::as_bytes));
    // The second field is the version.
    let asked = fields.iter().enumerate().filter(|(place, _)| *place != 1).map(|(_, field)| field.as_bytes());
    let question = Digest::of_fields(asked);
    let earlier = super::look::evaluations(app, context).await?;
    let known = super::look::evaluation_with_key(app, context, &key).await?.is_some();
    let candidate_digest = &candidate.version.digest;
    let schedules: Vec<Schedule> =
        requirements.iter().map(|found| Schedule::of(&found.value, candidate_digest, &question, &earlier)).collect();
    if !known && schedules.iter().any(Schedule::is_over) {
        let name = &candidate.version.name;
        return Err(Error::new(
            "gate.not_ready",
            format!("the plan of looks at {name} has ended: more rows are no further try"),
        )
        .hint(format!("remuda gate show {name}"))
        .hint("another candidate, or another plan in the requirement, is another submission"));
    }
    Ok(Plan { candidate, requirements, schedules, version, contract, references, costs, tests, key, question })
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

async fn measure_all(app: &App, context: &Context, plan: &Plan<'_>, evaluation: &mut Evaluation) -> Result<()> {
    context.tell(0.0, "reading the holdout");
    let request = ReadRequest { split: Some(Split::Holdout), columns: None, filter: None, limit: None };
    let mut rows = read_rows(app, &plan.version, Some(&plan.contract), request).await?;
    context.tell(0.2, "predicting");
    let (sample, kept, predictions) = sample_of(app, &rows, &plan.contract, &plan.candidate.version).await?;
    evaluation.rows = sample.rows() as u64;
    let mut references = Vec::new();
    for (reference, version) in &plan.references {
        let (other, _, _) = sample_of(app, &rows, &plan.contract, version).await?;
        references.push((reference.clone(), other.in_order_of(&sample)));
    }
    set_predictions(&mut rows, &kept, &predictions)?;
    let costs = plan.costs.iter().map(|(name, (_, costs))| (name.clone(), costs.clone())).collect();
    let candidate = &plan.candidate.version.digest;
    let itself: Vec<Reference> = plan
        .references
        .iter()
        .filter(|(_, version)| version.digest == *candidate)
        .map(|(name, _)| name.clone())
        .collect();
    let unplanned = Schedule::default();
    let subject = Subject {
        model: plan.candidate.version.clone(),
        version: plan.version.clone(),
        contract: plan.contract.clone(),
    };
    let tests = tested::run(app, context, &subject, &plan.tests).await?;
    let bench = Bench {
        rows: &rows,
        kept: &kept,
        sample: &sample,
        references: &references,
        costs: &costs,
        tests: &tests,
        itself: &itself,
        looks: evaluation.budget,
        schedule: &unplanned,
    };
    let total = plan.requirements.len() as f64;
    for (index, (requirement, schedule)) in plan.requirements.iter().zip(&plan.schedules).enumerate() {
        context.tell(0.3 + 0.7 * index as f64 / total, "deciding");
        let schedule = schedule.at(evaluation.rows);
        let bench = Bench { schedule: &schedule, ..bench };
        let mut verdicts = Vec::new();
        for stated in &requirement.value.criteria {
            verdicts.extend(decide(stated, &bench).await?);
        }
        evaluation.requirements.push(group(requirement, verdicts));
    }
    evaluation.curves = super::curves::curves(&sample);
    if let Sample::Classes(sample) = &sample {
        evaluation.confusion = Some(Confusion { classes: sample.classes.to_vec(), counts: sample.confusion() });
    }
    Ok(())
}

fn group(requirement: &Defined<Requirement>, verdicts: Vec<Verdict>) -> RequirementVerdicts {
    RequirementVerdicts {
        requirement: requirement.value.name.clone(),
        digest: requirement.digest.clone(),
        goal: requirement.value.goal.clone(),
        verdict: VerdictKind::all(verdicts.iter().map(|verdict| verdict.kind)),
        verdicts,
    }
}

/// No budget is left: nothing is read, and every criterion is undecided for that reason.
fn refuse_all(plan: &Plan<'_>, evaluation: &mut Evaluation) {
    for requirement in &plan.requirements {
        let verdicts =
            requirement.value.criteria.iter().map(|stated| super::decide::undecided(stated, Reason::NoBudget));
        evaluation.requirements.push(group(requirement, verdicts.collect()));
    }
}

async fn append(
    app: &App,
    context: &Context,
    plan: &Plan<'_>,
    mut evaluation: Evaluation,
    wanted: u32,
) -> Result<Evaluation> {
    let mut pins = Pins::default();
    let mut links = vec![
        Link::makes("evaluation", evaluation.id.as_str()),
        Link::uses("model_version", evaluation.model.as_str()),
        Link::uses("dataset_version", evaluation.version.as_str()),
    ];
    for requirement in &plan.requirements {
        pins.add(context, &requirement.path);
        links.push(Link::uses("requirement", requirement.digest.as_str()));
    }
    plan.costs.values().for_each(|(path, _)| pins.add(context, path));
    plan.tests.iter().for_each(|file| pins.add(context, &file.path));
    pins.add(context, &context.need_contract(&plan.version.dataset)?.path);
    links.extend(plan.references.iter().map(|(_, version)| Link::uses("model_version", version.digest.as_str())));
    links.push(Link::uses("evaluation_key", plan.key.as_str()));
    links.extend(pins.links);
    let product = &context.product()?.name;
    loop {
        // The budget is checked against the head that the look is appended to: of two who evaluate at the same moment
        // with one look left, one is refused.
        let head = app.ledger.head(product).await?.map_or(0, |fact| fact.sequence);
        // Somebody may have asked the same at the same time: their answer is ours too, and it is paid once.
        if let Some(known) = super::look::evaluation_with_key(app, context, &plan.key).await?
            && known.paid() >= wanted
        {
            return Ok(Evaluation { repeated: true, ..known });
        }
        plan.still_holds(app, context).await?;
        let past = looks(app, context, &plan.version).await?;
        let spent = crate::data::spent(&past);
        evaluation.look = submission(&past);
        if evaluation.charge > 0 && spent + evaluation.charge > evaluation.budget {
            evaluation.charge = 0;
            evaluation.requirements.clear();
            (evaluation.confusion, evaluation.curves) = (None, None);
            refuse_all(plan, &mut evaluation);
            evaluation.verdict = VerdictKind::Undecided;
        }
        evaluation.spent = spent;
        let mut facts = Vec::new();
        if evaluation.is_paid() {
            let purpose = format!("evaluation {} of {}", evaluation.id, evaluation.model_name);
            facts.push(note_look(app, context, &plan.version, &evaluation.revealed, &purpose, evaluation.charge)?);
        }
        let fact = pin::fact(app, context, "gate.evaluated", evaluation.id.as_str(), &evaluation, links.clone())?;
        evaluation.time = fact.time;
        evaluation.fact.clone_from(&fact.id);
        facts.push(fact);
        let append =
            Append { facts, definitions: pins.definitions.clone(), expect_head: Some(head), ..Append::default() };
        match app.ledger.append(product, append).await {
            Ok(_) => return Ok(evaluation),
            Err(remuda_ledger::Error::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Which submission of this holdout comes next, from 1.
fn submission(past: &[Look]) -> u32 {
    past.iter().filter(|look| look.revealed != "rows" && !look.retired).count() as u32 + 1
}

/// The same evaluation without its numbers.
pub(super) fn hidden(mut evaluation: Evaluation) -> Evaluation {
    (evaluation.confusion, evaluation.curves) = (None, None);
    for verdict in evaluation.requirements.iter_mut().flat_map(|requirement| &mut requirement.verdicts) {
        (verdict.estimate, verdict.lower, verdict.upper, verdict.price) = (None, None, None, None);
        // Rows predicted as a class are numbers too.
        verdict.n = 0;
    }
    evaluation
}
