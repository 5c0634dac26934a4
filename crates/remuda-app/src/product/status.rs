//! The board: what holds, what is stale, what waits and on which role. Everything on it is read from facts.

use super::{Board, HoldoutState, LiveSummary, Status, Waiting};
use crate::app::App;
use crate::context::Context;
use crate::data::{VersionLine, dataset_versions, looks};
use crate::error::Result;
use crate::release::ReleasePage;
use crate::requirement::RequirementState;
use crate::use_case::{Access, UseCase};
use remuda_model::data::Split;
use remuda_model::gate::{Reason, VerdictKind};
use remuda_model::team::Role;

/// Facts shown as recent activity, and runs shown.
const ACTIVITY: usize = 10;
const RUNS: usize = 5;

impl UseCase for Status {
    const NOUN: &'static str = "product";
    const VERB: &'static str = "status";
    const ACCESS: Access = Access::Read;
    const ABOUT: &'static str = "What holds, what is stale, what waits and on which role.";
    type Answer = Board;

    async fn run(self, app: &App, context: &Context) -> Result<Board> {
        let product = context.product()?;
        let requirements = crate::requirement::List {}.run(app, context).await?.requirements;
        let datasets = newest_of_each(dataset_versions(app, context, None).await?);
        let mut holdouts = Vec::new();
        for line in &datasets {
            let spent = crate::data::spent(&looks(app, context, &line.version).await?);
            holdouts.push(HoldoutState {
                dataset: line.version.dataset.clone(),
                spent,
                budget: product.holdout_budget,
                rows: line.version.split_rows[Split::Holdout as usize],
            });
        }
        let evaluation = crate::gate::evaluations(app, context).await?.first().map(|evaluation| evaluation.summary());
        let live = live_summary(app, context).await?;
        let facts = crate::ledger::Log { limit: ACTIVITY, before: None, verb: None, actor: None };
        let mut board = Board {
            product: product.name.clone(),
            stage: product.stage,
            risk: product.risk,
            solo: product.solo,
            members: product.members.clone(),
            requirements,
            waiting: Vec::new(),
            datasets,
            runs: crate::run::newest_runs(app, context, RUNS).await?,
            evaluation,
            holdouts,
            live: live.as_ref().map(|(summary, _)| summary.clone()),
            activity: facts.run(app, context).await?.facts,
            diagnostics: context.diagnostics.as_ref().clone(),
        };
        let alerts = live.map(|(_, alerts)| alerts).unwrap_or_default();
        board.waiting = waiting(app, context, &board, alerts).await?;
        Ok(board)
    }
}

fn newest_of_each(lines: Vec<VersionLine>) -> Vec<VersionLine> {
    let mut newest: Vec<VersionLine> = Vec::new();
    for line in lines {
        if !newest.iter().any(|known| known.version.dataset == line.version.dataset) {
            newest.push(line);
        }
    }
    newest
}

async fn live_summary(app: &App, context: &Context) -> Result<Option<(LiveSummary, Vec<crate::serving::Alert>)>> {
    let page = crate::serving::Live { days: 30 }.run(app, context).await?;
    let Some(release) = page.release else { return Ok(None) };
    let metric = page.metric_history.first().map(|bucket| bucket.metric.name.clone());
    let summary = LiveSummary {
        release,
        predictions: page.predictions,
        outcomes: page.outcomes,
        metric: metric.and_then(|name| page.metrics.iter().find(|metric| metric.name == name).cloned()),
        drifted: page.drift.iter().filter(|drift| drift.drifted).map(|drift| drift.column.clone()).collect(),
        traffic: page.traffic,
    };
    Ok(Some((summary, page.alerts)))
}

/// What waits for a person. Each entry closes by a fact, never by being ticked off.
async fn waiting(
    app: &App,
    context: &Context,
    board: &Board,
    alerts: Vec<crate::serving::Alert>,
) -> Result<Vec<Waiting>> {
    let mut waiting = Vec::new();
    let errors = context.errors().len() as u64;
    if errors > 0 {
        let what = format!("{} in definition files", remuda_model::text::count(errors, "error"));
        waiting.push(wait(context, "definition", what, &[], "remuda check"));
    }
    for alert in alerts {
        waiting.push(wait(context, "alert", alert.message, &alert.roles, &alert.command));
    }
    for requirement in &board.requirements {
        waiting.extend(requirement_waits(context, board, requirement));
    }
    waiting.extend(board.live.iter().flat_map(|live| ended_waivers(context, &live.release)));
    waiting.extend(next_step(app, context, board).await?);
    Ok(waiting)
}

fn wait(context: &Context, kind: &str, what: String, roles: &[Role], command: &str) -> Waiting {
    let members = match &context.definitions.product {
        Some(product) => product.value.holders(roles).iter().map(|member| member.name.clone()).collect(),
        None => Vec::new(),
    };
    Waiting { what, roles: roles.to_vec(), members, command: command.to_owned(), kind: kind.to_owned() }
}

fn requirement_waits(context: &Context, board: &Board, requirement: &RequirementState) -> Vec<Waiting> {
    let mut waits = Vec::new();
    let evaluators = [Role::QualityEngineer, Role::DataScientist];
    let Some(evaluation) = &requirement.evaluation else { return waits };
    let command = format!("remuda gate evaluate {}", evaluation.model_name);
    if !requirement.stale.is_empty() {
        let what =
            format!("requirement {} is stale: {}", requirement.name, remuda_model::text::list(&requirement.stale));
        // Newer data without a newer model asks for training; everything else for an evaluation.
        let only_data = requirement.stale.iter().all(|reason| reason.starts_with("there is newer data"));
        let command = if only_data { "remuda run" } else { command.as_str() };
        waits.push(wait(context, "stale", what, &evaluators, command));
    }
    for verdict in requirement.verdicts.iter().filter(|verdict| !verdict.passes()) {
        match (verdict.kind, &verdict.reason) {
            (VerdictKind::Undecided, Some(reason)) => {
                let price = verdict.price.as_ref().and_then(price_words).unwrap_or_default();
                let what = format!("`{}` is undecided: {}{price}", verdict.criterion, reason.words());
                let (roles, command): (&[Role], String) = match reason {
                    Reason::TooFewLabels => (
                        &[Role::DataEngineer, Role::Annotator],
                        format!("remuda data add FILE --as {}", requirement.dataset),
                    ),
                    _ => (&evaluators, command.clone()),
                };
                waits.push(wait(context, "undecided", what, roles, &command));
            }
            (VerdictKind::NotMet, _) => {
                let what = format!("`{}` is not met by {}", verdict.criterion, evaluation.model_name);
                waits.push(wait(context, "undecided", what, &[Role::DataScientist], "remuda run"));
            }
            _ => {}
        }
    }
    let spent = board.holdouts.iter().find(|holdout| holdout.dataset == requirement.dataset);
    if let Some(holdout) = spent
        && holdout.spent >= holdout.budget
    {
        let what = format!(
            "the holdout of {} is used up ({} of {}): another salt in its contract retires it",
            holdout.dataset, holdout.spent, holdout.budget
        );
        let command = format!("remuda data add FILE --as {}", holdout.dataset);
        waits.push(wait(context, "undecided", what, &[Role::DataEngineer], &command));
    }
    waits
}

/// A live release that rests on waivers which have ended: nothing stops it, and somebody must know.
fn ended_waivers(context: &Context, release: &crate::release::ReleaseLine) -> Vec<Waiting> {
    let ended = release.waivers.iter().filter(|waived| waived.waiver.expired);
    let line = |waived: &crate::release::WaivedVerdict| {
        let words = waived.waiver.words();
        let what =
            format!("{} is live with `{}` {}: {words}", release.model_name, waived.criterion, waived.kind.words());
        wait(context, "alert", what, &[Role::ProductOwner, Role::DataScientist], "remuda run")
    };
    ended.map(line).collect()
}

/// ` (about 900 to 2,300 more rows whose truth is Yes, with a chance of 80 %)`.
fn price_words(price: &remuda_model::gate::Price) -> Option<String> {
    let more: Vec<u64> = price.cases.iter().filter_map(|case| case.more).collect();
    let (least, most) = (more.iter().min()?, more.iter().max()?);
    let chance = price.cases.first().map_or(0.8, |case| case.chance.min(0.8));
    let range = if least == most {
        remuda_model::text::thousands(*least)
    } else {
        format!("{} to {}", remuda_model::text::thousands(*least), remuda_model::text::thousands(*most))
    };
    Some(format!(" (about {range} more {}, chance {:.0} %)", price.unit, chance * 100.0))
}

/// The model of the newest run with the best first metric on validation.
fn most_promising(models: &[crate::model::ModelLine]) -> Option<&crate::model::ModelLine> {
    let run = &models.first()?.version.run;
    let smaller_is_better = |name: &str| ["mae", "rmse", "log loss"].contains(&name);
    let worth = |line: &crate::model::ModelLine| {
        let metric = line.metrics.first();
        let value = metric.and_then(|metric| metric.value).unwrap_or(f64::NEG_INFINITY);
        if metric.is_some_and(|metric| smaller_is_better(&metric.name)) { -value } else { value }
    };
    let of_run = models.iter().filter(|line| line.version.run == *run);
    of_run.max_by(|left, right| worth(left).total_cmp(&worth(right)))
}

/// The next step of the journey, when nothing else says it.
async fn next_step(app: &App, context: &Context, board: &Board) -> Result<Vec<Waiting>> {
    if board.datasets.is_empty() {
        let command = "remuda data add FILE --as NAME";
        return Ok(vec![wait(context, "next", "there is no data yet".into(), &[Role::DataEngineer], command)]);
    }
    let models = crate::model::List { name: None }.run(app, context).await?.models;
    let Some(newest) = models.first() else {
        let what = "nothing was trained yet".to_owned();
        return Ok(vec![wait(context, "next", what, &[Role::DataScientist], "remuda run")]);
    };
    let Some(evaluation) = &board.evaluation else {
        let name = &most_promising(&models).unwrap_or(newest).version.name;
        let what = "no candidate was evaluated yet".to_owned();
        let command = format!("remuda gate evaluate {name}");
        return Ok(vec![wait(context, "next", what, &[Role::QualityEngineer, Role::DataScientist], &command)]);
    };
    let releases = crate::release::releases(app, context).await?;
    let Some(release) = releases.iter().find(|release| release.model == evaluation.model) else {
        let stale = board.requirements.iter().any(|requirement| !requirement.stale.is_empty());
        if evaluation.passes && !stale {
            let how = if evaluation.verdict == VerdictKind::Met { "meets its criteria" } else { "passes by waiver" };
            let what = format!("{} {how} and has no release", evaluation.model_name);
            // A name means the newest version, which need not be the one that was evaluated.
            let newest = models.iter().find(|line| line.version.name == evaluation.model_name);
            let is_newest = newest.is_some_and(|line| line.version.digest == evaluation.model);
            let model = if is_newest { evaluation.model_name.as_str() } else { evaluation.model.short() };
            let command = format!("remuda release create {model}");
            return Ok(vec![wait(context, "next", what, &[Role::BackendEngineer, Role::DataScientist], &command)]);
        }
        return Ok(Vec::new());
    };
    if release.live || releases.iter().any(|other| other.live && other.time > release.time) {
        return Ok(Vec::new());
    }
    // One that was live and is not any more was taken back: it does not wait to go live again.
    if crate::release::promotions(app, context).await?.iter().any(|known| known.release == release.digest) {
        return Ok(Vec::new());
    }
    let page: ReleasePage = crate::release::Show { release: release.digest.to_string() }.run(app, context).await?;
    let mut waits: Vec<Waiting> = page
        .missing
        .iter()
        .map(|missing| Waiting {
            what: missing.what.clone(),
            roles: missing.roles.clone(),
            members: missing.members.clone(),
            command: missing.command.clone(),
            kind: "signature".to_owned(),
        })
        .collect();
    if waits.is_empty() {
        let what = format!("release {} is ready to go live", release.digest.short());
        let command = format!("remuda release promote {}", release.digest.short());
        waits.push(wait(context, "next", what, &[Role::BackendEngineer, Role::ProductOwner], &command));
    }
    Ok(waits)
}
