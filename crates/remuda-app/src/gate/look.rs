//! Looking at evaluations again, which costs nothing.

use super::evaluate::{NUMBERS_CHARGE, VERDICTS_CHARGE, hidden};
use super::{Evaluation, EvaluationSummary, Evaluations, List, RequirementVerdicts, Show};
use crate::app::App;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::pin::payload;
use crate::use_case::{Access, UseCase};
use remuda_ledger::FactQuery;
use remuda_model::Digest;
use remuda_model::fact::Fact;
use remuda_model::gate::Verdict;

impl UseCase for Show {
    const NOUN: &'static str = "gate";
    const VERB: &'static str = "show";
    const ACCESS: Access = Access::Read;
    const ABOUT: &'static str = "Show an evaluation again. Costs nothing.";
    type Answer = Evaluation;

    async fn run(self, app: &App, context: &Context) -> Result<Evaluation> {
        let all = evaluations(app, context).await?;
        if self.evaluation == "newest"
            && let Some(first) = all.first()
        {
            return Ok(shown(first.clone()));
        }
        let wanted = &self.evaluation;
        if let Some(found) = all.iter().find(|evaluation| evaluation.id == *wanted) {
            return Ok(shown(found.clone()));
        }
        let starts = |evaluation: &&Evaluation| wanted.len() >= 4 && evaluation.id.starts_with(wanted.as_str());
        if let Some(found) = all.iter().find(starts) {
            return Ok(shown(found.clone()));
        }
        let hex = wanted.strip_prefix("b3:").unwrap_or(wanted);
        let of_model = |evaluation: &&Evaluation| {
            evaluation.model_name == *wanted || (hex.len() >= 4 && evaluation.model.hex().starts_with(hex))
        };
        match all.iter().find(of_model) {
            Some(found) => Ok(shown(found.clone())),
            None => Err(Error::not_found("evaluation", wanted).hint("`remuda gate list` shows them")),
        }
    }
}

impl UseCase for List {
    const NOUN: &'static str = "gate";
    const VERB: &'static str = "list";
    const ACCESS: Access = Access::Read;
    const ABOUT: &'static str = "List evaluations, newest first.";
    type Answer = Evaluations;

    async fn run(self, app: &App, context: &Context) -> Result<Evaluations> {
        let evaluations = evaluations(app, context).await?.iter().map(Evaluation::summary).collect();
        Ok(Evaluations { evaluations })
    }
}

impl Evaluation {
    /// Whether it was measured at all: a refused one was not paid for.
    pub(crate) fn is_paid(&self) -> bool {
        self.charge > 0 || self.covered
    }

    /// What it showed, as a charge.
    pub(super) fn paid(&self) -> u32 {
        if self.revealed == "numbers" { NUMBERS_CHARGE } else { VERDICTS_CHARGE }
    }

    /// One line of it.
    pub fn summary(&self) -> EvaluationSummary {
        EvaluationSummary {
            id: self.id.clone(),
            verdict: self.verdict,
            passes: !self.requirements.is_empty() && self.requirements.iter().all(RequirementVerdicts::passes),
            model: self.model.clone(),
            model_name: self.model_name.clone(),
            version: self.version.clone(),
            rows: self.rows,
            actor: self.actor.clone(),
            time: self.time,
        }
    }
}

impl RequirementVerdicts {
    /// Whether a release may rest on them: there are some, and each is met or waived for now.
    pub(crate) fn passes(&self) -> bool {
        !self.verdicts.is_empty() && self.verdicts.iter().all(Verdict::passes)
    }
}

/// Numbers that a verdicts-only look did not pay for stay hidden.
fn shown(evaluation: Evaluation) -> Evaluation {
    if evaluation.revealed == "verdicts" { hidden(evaluation) } else { evaluation }
}

fn read(fact: &Fact) -> Result<Evaluation> {
    let mut evaluation: Evaluation = payload(fact)?;
    evaluation.time = fact.fact.time;
    evaluation.fact.clone_from(&fact.fact.id);
    Ok(evaluation)
}

/// All evaluations, newest first.
pub(crate) async fn evaluations(app: &App, context: &Context) -> Result<Vec<Evaluation>> {
    let query = FactQuery {
        verbs: vec!["gate.evaluated".into()],
        newest_first: true,
        ..FactQuery::of(&context.product()?.name)
    };
    let mut all: Vec<Evaluation> = app.ledger.facts(&query).await?.iter().map(read).collect::<Result<_>>()?;
    crate::team::waiver::attach(app, context, &mut all).await?;
    Ok(all)
}

/// The evaluation with exactly these inputs, if its holdout look was paid.
pub(super) async fn evaluation_with_key(app: &App, context: &Context, key: &Digest) -> Result<Option<Evaluation>> {
    let facts = app.ledger.facts_linking(&context.product()?.name, key.as_str()).await?;
    let evaluated = facts.iter().filter(|fact| fact.fact.verb == "gate.evaluated").map(read);
    let mut paid: Vec<Evaluation> = evaluated.collect::<Result<_>>()?;
    paid.retain(Evaluation::is_paid);
    // Verdicts may have been bought first and their numbers later: the answer is the one that shows most.
    let Some(most) = paid.into_iter().max_by_key(Evaluation::paid) else { return Ok(None) };
    let mut found = [most];
    crate::team::waiver::attach(app, context, &mut found).await?;
    Ok(found.into_iter().next())
}
