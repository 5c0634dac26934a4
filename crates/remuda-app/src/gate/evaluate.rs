//! Evaluating a candidate: predict the holdout, measure each criterion, decide, charge the look, append one fact.

use super::decide::{Bench, decide};
use super::plan::{Plan, plan};
use super::sample::Sample;
use super::schedule::Schedule;
use super::tested;
use super::{Compared, Evaluate, Evaluation, RequirementVerdicts};
use crate::analysis::TestedFile;
use crate::analysis::judged::{sample_of, set_predictions};
use crate::analysis::test_run::Subject;
use crate::app::App;
use crate::context::Context;
use crate::data::{Look, looks, note_look, read_rows};
use crate::error::Result;
use crate::pin;
use crate::use_case::{Access, UseCase};
use remuda_data::ReadRequest;
use remuda_ledger::Append;
use remuda_model::analysis::Confusion;
use remuda_model::data::Split;
use remuda_model::fact::Link;
use remuda_model::gate::criterion::Reference;
use remuda_model::gate::{Reason, Verdict, VerdictKind};
use remuda_model::requirement::Requirement;
use remuda_repo::Defined;

/// What a look costs that shows verdicts only, and one that shows numbers: numbers teach a tuner more.
pub(super) const VERDICTS_CHARGE: u32 = 1;
pub(super) const NUMBERS_CHARGE: u32 = 2;

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
        let share = if charge < wanted { 1.0 / f64::from(budget) } else { crate::data::share_left(&past, budget) };
        let affordable = spent + charge <= budget && share > 0.0;
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
            measure_all(app, context, &plan, share, &mut evaluation).await?;
        } else {
            refuse_all(&plan, &mut evaluation);
        }
        evaluation.verdict = VerdictKind::all(evaluation.requirements.iter().map(|found| found.verdict));
        let evaluation = append(app, context, &plan, evaluation, wanted).await?;
        Ok(if self.verdicts_only { hidden(evaluation) } else { evaluation })
    }
}

async fn measure_all(
    app: &App,
    context: &Context,
    plan: &Plan<'_>,
    share: f64,
    evaluation: &mut Evaluation,
) -> Result<()> {
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
        share,
        holdout: true,
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
    let (mut links, pins) = plan.pins(context)?;
    links.insert(0, Link::makes("evaluation", evaluation.id.as_str()));
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
