//! Everything that a report of an evaluation says, in one answer: verdicts, curves, what was judged, on what, by whom,
//! how often the holdout was asked, and what analyses found about the candidate. Only what the ledger keeps: the same
//! facts give the same report.

use super::{Evaluation, Report, ReportPage, RequirementWords, Show};
use crate::app::App;
use crate::context::Context;
use crate::data::{looks, version_at};
use crate::error::Result;
use crate::model::resolve_model;
use crate::run::find_run;
use crate::use_case::{Access, UseCase};

impl UseCase for Report {
    const NOUN: &'static str = "gate";
    const VERB: &'static str = "report";
    const ACCESS: Access = Access::Read;
    const ABOUT: &'static str = "Everything about an evaluation in one answer, for a report that can be sent on.";
    type Answer = ReportPage;

    async fn run(self, app: &App, context: &Context) -> Result<ReportPage> {
        let evaluation = Show { evaluation: self.evaluation }.run(app, context).await?;
        let model = resolve_model(app, context, evaluation.model.hex()).await?;
        let version = version_at(app, context, &evaluation.version, evaluation.time).await?;
        let run = find_run(app, context, &evaluation.run).await.ok();
        // What came after the evaluation is not part of it: its report does not change when the holdout is asked again.
        let looks =
            looks(app, context, &version).await?.into_iter().filter(|look| look.time <= evaluation.time).collect();
        Ok(ReportPage {
            product: context.product()?.name.clone(),
            requirements: requirements(app, context, &evaluation).await?,
            signatures: crate::team::signatures_on(app, context, &evaluation.id).await?,
            findings: crate::analysis::newest::findings(app, context, &evaluation.model).await?,
            snapshot: run.as_ref().map(|run| run.snapshot.clone()),
            parameters: run.map(|run| run.parameters).unwrap_or_default(),
            model: model.version,
            version,
            looks,
            evaluation,
        })
    }
}

/// The prose of the requirements in the texts that were judged.
async fn requirements(app: &App, context: &Context, evaluation: &Evaluation) -> Result<Vec<RequirementWords>> {
    let mut found = Vec::new();
    for judged in &evaluation.requirements {
        let mut files = crate::context::DefinitionFiles::default();
        for definition in app.ledger.definition(&judged.digest).await? {
            files.0.insert(definition.path, definition.text);
        }
        let (definitions, _) = remuda_repo::check(&files, &crate::context::parse_criterion);
        let text = definitions.requirements.into_iter().next().map(|defined| defined.value);
        let now = context.definitions.requirements.iter().find(|defined| defined.digest == judged.digest);
        if let Some(requirement) = text.or_else(|| now.map(|defined| defined.value.clone())) {
            found.push(RequirementWords {
                name: judged.requirement.clone(),
                owner: requirement.owner,
                goal: requirement.goal,
                prose: requirement.prose,
                looks: requirement.looks,
            });
        }
    }
    Ok(found)
}
