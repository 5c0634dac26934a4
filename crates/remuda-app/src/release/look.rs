//! Looking at releases: list, show, which one is live, and what is missing before one may go live.

use super::create::Created;
use super::{List, Promotion, ReleaseLine, ReleasePage, Releases, Show, WaivedVerdict};
use crate::app::App;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::gate::{Evaluation, RequirementVerdicts};
use crate::pin::payload;
use crate::team::Signature;
use crate::use_case::{Access, UseCase};
use remuda_ledger::FactQuery;
use remuda_model::Digest;
use remuda_model::fact::Fact;
use remuda_model::gate::{Verdict, VerdictKind};
use remuda_model::requirement::Requirement;
use remuda_model::team::{Independence, Missing, Product, Risk, SignatureKind};
use remuda_repo::Defined;
use serde::{Deserialize, Serialize};

/// What `release.promoted` and `release.rolled_back` keep.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct PromotionRecord {
    /// The release that was live before.
    #[serde(default)]
    pub(super) before: Option<String>,
    #[serde(default)]
    pub(super) why: String,
}

impl UseCase for List {
    const NOUN: &'static str = "release";
    const VERB: &'static str = "list";
    const ACCESS: Access = Access::Read;
    const ABOUT: &'static str = "List releases, newest first.";
    type Answer = Releases;

    async fn run(self, app: &App, context: &Context) -> Result<Releases> {
        Ok(Releases { releases: releases(app, context).await? })
    }
}

impl UseCase for Show {
    const NOUN: &'static str = "release";
    const VERB: &'static str = "show";
    const ACCESS: Access = Access::Read;
    const ABOUT: &'static str =
        "Show a release: what it is made of, its evidence, what is missing before it may go live.";
    type Answer = ReleasePage;

    async fn run(self, app: &App, context: &Context) -> Result<ReleasePage> {
        page(app, context, &self.release).await
    }
}

async fn created(app: &App, context: &Context) -> Result<Vec<(Fact, Created)>> {
    let query = FactQuery {
        verbs: vec!["release.created".into()],
        newest_first: true,
        ..FactQuery::of(&context.product()?.name)
    };
    app.ledger.facts(&query).await?.into_iter().map(|fact| payload(&fact).map(|created| (fact, created))).collect()
}

/// Promotions and rollbacks, newest first. The first one's release is live.
pub(crate) async fn promotions(app: &App, context: &Context) -> Result<Vec<Promotion>> {
    let query = FactQuery {
        verbs: vec!["release.promoted".into(), "release.rolled_back".into()],
        newest_first: true,
        ..FactQuery::of(&context.product()?.name)
    };
    let mut found = Vec::new();
    for fact in app.ledger.facts(&query).await? {
        let record: PromotionRecord = payload(&fact)?;
        let digest = Digest::parse(&fact.fact.subject)
            .map_err(|error| Error::new("ledger.unusable", "a promotion names no release").caused_by(&error))?;
        found.push(Promotion {
            release: digest,
            actor: fact.fact.actor.clone(),
            time: fact.fact.time,
            how: if fact.fact.verb == "release.promoted" { "promoted" } else { "rolled back" }.to_owned(),
            why: record.why,
        });
    }
    Ok(found)
}

/// All releases, newest first.
pub(crate) async fn releases(app: &App, context: &Context) -> Result<Vec<ReleaseLine>> {
    let promotions = promotions(app, context).await?;
    let evaluations = crate::gate::evaluations(app, context).await?;
    let live = promotions.first().map(|promotion| &promotion.release);
    let mut lines = Vec::new();
    for (fact, created) in created(app, context).await? {
        let digest = created.content.digest();
        let mine: Vec<&Evaluation> = evaluations
            .iter()
            .filter(|evaluation| created.content.evaluations.contains(&evaluation.id))
            .filter(|evaluation| speaks_for(evaluation, &created.content.requirements))
            .collect();
        lines.push(ReleaseLine {
            live: live == Some(&digest),
            promotions: promotions.iter().filter(|promotion| promotion.release == digest).count() as u32,
            verdict: verdict(&mine, &created.content.requirements),
            model_name: created.model_name,
            model: created.content.model.clone(),
            actor: fact.fact.actor.clone(),
            time: fact.fact.time,
            solo: created.content.solo,
            waivers: waivers(&mine, &created.content.requirements),
            digest,
        });
    }
    Ok(lines)
}

/// The live release.
pub(crate) async fn live_release(app: &App, context: &Context) -> Result<Option<ReleaseLine>> {
    Ok(releases(app, context).await?.into_iter().find(|release| release.live))
}

/// A release by digest or the beginning of it; `live` and `newest` are those.
pub(crate) async fn find_release(app: &App, context: &Context, text: &str) -> Result<ReleaseLine> {
    let all = releases(app, context).await?;
    let nothing = || Error::not_found("release", text).hint("`remuda release list` shows them");
    match text {
        "live" => all
            .into_iter()
            .find(|release| release.live)
            .ok_or_else(|| Error::new("serving.no_release", "no release is live").hint("remuda release promote")),
        "newest" => all
            .into_iter()
            .next()
            .ok_or_else(|| Error::not_found("release", text).hint("make one: `remuda release create MODEL`")),
        _ => {
            let wanted = text.strip_prefix("b3:").unwrap_or(text);
            let mut fitting = all
                .into_iter()
                .filter(|release| wanted.len() >= 4 && release.digest.hex().starts_with(wanted))
                .collect::<Vec<_>>();
            match fitting.len() {
                0 => Err(nothing()),
                1 => Ok(fitting.swap_remove(0)),
                _ => {
                    Err(Error::new("request.ambiguous", format!("`{text}` fits several releases"))
                        .hint("type more of it"))
                }
            }
        }
    }
}

/// What a release is made of.
pub(crate) async fn content_of(app: &App, context: &Context, release: &ReleaseLine) -> Result<Created> {
    created(app, context)
        .await?
        .into_iter()
        .map(|(_, created)| created)
        .find(|created| created.content.digest() == release.digest)
        .ok_or_else(|| Error::not_found("release", release.digest.short()))
}

/// The requirements that are measured on a dataset.
pub(crate) fn requirements_of<'a>(
    context: &'a Context,
    dataset: &str,
) -> impl Iterator<Item = &'a Defined<Requirement>> {
    let dataset = dataset.to_owned();
    context.definitions.requirements.iter().filter(move |requirement| requirement.value.dataset == dataset)
}

/// A release in full.
pub(super) async fn page(app: &App, context: &Context, text: &str) -> Result<ReleasePage> {
    let line = find_release(app, context, text).await?;
    let created = content_of(app, context, &line).await?;
    page_of(app, context, line, created).await
}

/// The page that a release would have if it were made now.
pub(super) async fn page_of_prepared(app: &App, context: &Context, created: Created) -> Result<ReleasePage> {
    let line = ReleaseLine {
        digest: created.content.digest(),
        model_name: created.model_name.clone(),
        model: created.content.model.clone(),
        actor: context.actor.name.clone(),
        time: 0,
        live: false,
        solo: created.content.solo,
        promotions: 0,
        verdict: VerdictKind::Undecided,
        waivers: Vec::new(),
    };
    page_of(app, context, line, created).await
}

async fn page_of(app: &App, context: &Context, line: ReleaseLine, created: Created) -> Result<ReleasePage> {
    let (evidence, of_other_texts) = evidence(app, context, &created).await?;
    let mut signatures: Vec<Signature> = Vec::new();
    for binds in binds(&created, &evidence, &line) {
        signatures.extend(crate::team::signatures_on(app, context, &binds).await?);
    }
    let missing = missing(context, &created, (&evidence, &of_other_texts), &signatures, &line)?;
    let history =
        promotions(app, context).await?.into_iter().filter(|promotion| promotion.release == line.digest).collect();
    let engine = crate::model::resolve_model(app, context, created.content.model.hex()).await?.version.engine;
    Ok(ReleasePage {
        engine,
        content: created.content,
        evaluations: evidence.iter().map(Evaluation::summary).collect(),
        signatures,
        missing,
        history,
        line,
    })
}

/// The evaluations of the release's model that looked at the holdout, newest first: those of exactly the release's
/// requirements, and apart from them those in which a requirement had another text. The latter are no evidence.
async fn evidence(app: &App, context: &Context, created: &Created) -> Result<(Vec<Evaluation>, Vec<Evaluation>)> {
    Ok(crate::gate::evaluations(app, context)
        .await?
        .into_iter()
        .filter(|evaluation| evaluation.model == created.content.model && evaluation.is_paid())
        .partition(|evaluation| speaks_for(evaluation, &created.content.requirements)))
}

/// Whether an evaluation is of these requirements in these texts, and of no other.
pub(super) fn speaks_for(evaluation: &Evaluation, requirements: &[(String, Digest)]) -> bool {
    let same = |found: &RequirementVerdicts| {
        requirements.iter().any(|(name, digest)| *name == found.requirement && *digest == found.digest)
    };
    !evaluation.requirements.is_empty() && evaluation.requirements.iter().all(same)
}

/// The newest evaluation that judged this text of a requirement, and its verdicts.
fn judged<'a>(
    mut evidence: impl Iterator<Item = &'a Evaluation>,
    name: &str,
    digest: &Digest,
) -> Option<(&'a Evaluation, &'a RequirementVerdicts)> {
    evidence.find_map(|evaluation| {
        let mut verdicts = evaluation.requirements.iter();
        let found = verdicts.find(|found| found.requirement == name && found.digest == *digest)?;
        Some((evaluation, found))
    })
}

/// The verdict over all requirements, each by the newest evaluation that judged it.
fn verdict(evidence: &[&Evaluation], requirements: &[(String, Digest)]) -> VerdictKind {
    if requirements.is_empty() {
        return VerdictKind::Undecided;
    }
    VerdictKind::all(requirements.iter().map(|(name, digest)| {
        judged(evidence.iter().copied(), name, digest).map_or(VerdictKind::Undecided, |(_, found)| found.verdict)
    }))
}

/// The waivers that let its criteria pass, or did so until they ended.
fn waivers(evidence: &[&Evaluation], requirements: &[(String, Digest)]) -> Vec<WaivedVerdict> {
    let judged = requirements.iter().filter_map(|(name, digest)| judged(evidence.iter().copied(), name, digest));
    let verdicts = judged.flat_map(|(_, found)| &found.verdicts);
    let waived = |verdict: &Verdict| {
        let waiver = verdict.waiver.clone()?;
        Some(WaivedVerdict {
            criterion: verdict.criterion.clone(),
            slice: verdict.slice.clone(),
            kind: verdict.kind,
            waiver,
        })
    };
    verdicts.filter_map(waived).collect()
}

/// What signatures on a release can bind.
fn binds(created: &Created, evidence: &[Evaluation], line: &ReleaseLine) -> Vec<String> {
    let requirements = created.content.requirements.iter().map(|(_, digest)| digest.to_string());
    let evaluations = evidence.iter().map(|evaluation| evaluation.id.clone());
    requirements.chain(evaluations).chain([line.digest.to_string()]).collect()
}

/// Exactly what is missing before a release may go live, who can provide it, and with which command.
pub(super) fn missing(
    context: &Context,
    created: &Created,
    (evidence, of_other_texts): (&[Evaluation], &[Evaluation]),
    signatures: &[Signature],
    line: &ReleaseLine,
) -> Result<Vec<Missing>> {
    let product = context.product()?;
    let mut missing = Vec::new();
    if created.content.requirements.is_empty() {
        missing.push(Missing {
            what: format!("no requirement is measured on dataset {}", created.dataset),
            roles: SignatureKind::Intent.roles().to_vec(),
            members: names(product, SignatureKind::Intent, &[]),
            command: "write requirements/NAME.md".to_owned(),
        });
    }
    for (name, digest) in &created.content.requirements {
        missing.extend(changed_since(context, product, created, name, digest));
        missing.extend(verdict_missing(product, created, (evidence, of_other_texts), name, digest));
    }
    for kind in product.risk.signatures() {
        let subjects: Vec<(String, String)> = match kind {
            SignatureKind::Intent => {
                created.content.requirements.iter().map(|(name, digest)| (name.clone(), digest.to_string())).collect()
            }
            SignatureKind::Evidence => match deciding(evidence, &created.content.requirements) {
                // What would be signed is not there yet; that it will have to be is said now.
                none if none.is_empty() => vec![(created.content.model.short().to_owned(), String::new())],
                ids => ids.into_iter().map(|id| (id.clone(), id)).collect(),
            },
            _ => vec![(line.digest.short().to_owned(), line.digest.to_string())],
        };
        for (subject, binds) in subjects {
            missing.extend(signature_missing(product, *kind, &subject, &binds, signatures));
        }
    }
    Ok(missing)
}

/// The ids of the evaluations that decide: for each requirement the newest that judged it.
fn deciding(evidence: &[Evaluation], requirements: &[(String, Digest)]) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    for (name, digest) in requirements {
        if let Some((evaluation, _)) = judged(evidence.iter(), name, digest)
            && !ids.contains(&evaluation.id)
        {
            ids.push(evaluation.id.clone());
        }
    }
    ids
}

/// A requirement that was changed after the release was made.
fn changed_since(
    context: &Context,
    product: &Product,
    created: &Created,
    name: &str,
    digest: &Digest,
) -> Option<Missing> {
    let current = context.definitions.requirements.iter().find(|requirement| requirement.value.name == name);
    if current.is_some_and(|current| current.digest == *digest) {
        return None;
    }
    let roles = vec![remuda_model::team::Role::QualityEngineer, remuda_model::team::Role::DataScientist];
    Some(Missing {
        what: format!("requirement {name} has changed since the release was made"),
        members: product.holders(&roles).iter().map(|member| member.name.clone()).collect(),
        roles,
        command: format!("remuda gate evaluate {} && remuda release create {}", created.model_name, created.model_name),
    })
}

/// A requirement whose criteria are not all met by the newest evaluation of this model.
fn verdict_missing(
    product: &Product,
    created: &Created,
    (evidence, of_other_texts): (&[Evaluation], &[Evaluation]),
    name: &str,
    digest: &Digest,
) -> Option<Missing> {
    let command = format!("remuda gate evaluate {}", created.content.model.short());
    let roles = vec![remuda_model::team::Role::QualityEngineer, remuda_model::team::Role::DataScientist];
    let members = product.holders(&roles).iter().map(|member| member.name.clone()).collect();
    let knows = |evaluation: &Evaluation| evaluation.requirements.iter().any(|found| found.requirement == name);
    let what = match judged(evidence.iter(), name, digest).map(|(_, found)| found) {
        None if of_other_texts.iter().any(knows) => {
            format!("requirement {name} was evaluated on this model in another text only: this text was not")
        }
        None => format!("requirement {name} was not evaluated on this model"),
        Some(found) if found.passes() => return None,
        Some(found) => {
            let open: Vec<String> = found
                .verdicts
                .iter()
                .filter(|verdict| !verdict.passes())
                .map(|verdict| {
                    let ended = verdict.waiver.as_ref().map(|waiver| format!(", and {}", waiver.words()));
                    format!("`{}` is {}{}", verdict.criterion, verdict.kind.words(), ended.unwrap_or_default())
                })
                .collect();
            format!("requirement {name} is {}: {}", found.verdict.words(), remuda_model::text::list(&open))
        }
    };
    Some(Missing { what, roles, members, command })
}

/// Whether this product's risk asks that signers of this kind did none of the work.
fn must_be_independent(risk: Risk, kind: SignatureKind) -> bool {
    match risk {
        Risk::Low => false,
        Risk::Medium => kind == SignatureKind::Evidence,
        Risk::High => true,
    }
}

fn signature_missing(
    product: &Product,
    kind: SignatureKind,
    subject: &str,
    binds: &str,
    signatures: &[Signature],
) -> Option<Missing> {
    let given: Vec<&Signature> =
        signatures.iter().filter(|signature| signature.kind == kind && signature.binds == binds).collect();
    let counts = |signature: &&&Signature| match signature.independence {
        Independence::Independent | Independence::Solo => true,
        Independence::Contributed(_) => !must_be_independent(product.risk, kind),
    };
    if given.iter().any(|signature| counts(&signature)) {
        return None;
    }
    let what = match given.first() {
        None => format!("no {} signature on {subject}", kind.as_str()),
        Some(signature) => {
            let Independence::Contributed(work) = &signature.independence else { return None };
            let work: Vec<&str> = work.iter().take(3).map(String::as_str).collect();
            format!(
                "the {} signature on {subject} by {} is not independent: they {}",
                kind.as_str(),
                signature.member,
                remuda_model::text::list(&work)
            )
        }
    };
    let excluded: Vec<&str> = given.iter().map(|signature| signature.member.as_str()).collect();
    Some(Missing {
        what,
        roles: kind.roles().to_vec(),
        members: names(product, kind, &excluded),
        command: format!("remuda sign {} {subject}", kind.as_str()),
    })
}

/// The members who hold a role for this kind and have not signed already.
fn names(product: &Product, kind: SignatureKind, excluded: &[&str]) -> Vec<String> {
    product
        .holders(kind.roles())
        .iter()
        .filter(|member| !excluded.contains(&member.name.as_str()))
        .map(|member| member.name.clone())
        .collect()
}
