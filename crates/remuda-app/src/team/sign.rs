//! Signing, and reading signatures with their independence.

use super::{MemberWork, Show, Sign, Signature, Team, Waived, waiver, work};
use crate::app::App;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::pin::{self, Pins, payload};
use crate::use_case::{Access, UseCase};
use remuda_ledger::{Append, FactQuery};
use remuda_model::fact::{Fact, Link};
use remuda_model::team::{Independence, SignatureKind};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What `team.signed` keeps.
#[derive(Serialize, Deserialize)]
struct SignRecord {
    kind: SignatureKind,
    /// As people call it.
    subject: String,
    /// The digest or id that is bound.
    binds: String,
    /// The sentence that is promised.
    promise: String,
    remark: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    waived: Option<Waived>,
}

/// What is signed: how people call it, what it binds, and the links to it.
struct Bound {
    name: String,
    binds: String,
    links: Vec<Link>,
    pins: Pins,
}

/// A remark as every face prints it: in one line, without control characters.
fn one_line(text: &str) -> String {
    let text: String = text.chars().map(|sign| if sign.is_control() { ' ' } else { sign }).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl UseCase for Sign {
    const NOUN: &'static str = "team";
    const VERB: &'static str = "sign";
    const ACCESS: Access = Access::Write;
    const ABOUT: &'static str = "Sign: promise something about a subject. The signature binds digests.";
    type Answer = Signature;

    async fn run(self, app: &App, context: &Context) -> Result<Signature> {
        context.need_sound()?;
        let kind = SignatureKind::parse(&self.kind).ok_or_else(|| {
            let known = SignatureKind::ALL.map(SignatureKind::as_str);
            let error = Error::new("request.invalid", format!("`{}` is no kind of signature", self.kind));
            match remuda_model::text::nearest(&self.kind, known) {
                Some(near) => error.hint(format!("did you mean `{near}`?")),
                None => error.hint("write intent, evidence, operability, accept or waiver"),
            }
        })?;
        let product = context.product()?;
        let holds_role = context.actor.roles.iter().any(|role| kind.roles().contains(role));
        if !holds_role && !product.solo {
            let roles: Vec<String> = kind.roles().iter().map(|role| role.words()).collect();
            let members: Vec<&str> = product.holders(kind.roles()).iter().map(|member| member.name.as_str()).collect();
            let error = Error::new(
                "access.denied",
                format!("{} may not sign {}: that is for a {}", context.actor.name, kind.as_str(), roles.join(" or ")),
            );
            return Err(if members.is_empty() {
                error.hint("give a member that role in `remuda.toml`")
            } else {
                error.hint(format!("ask {}", remuda_model::text::list(&members)))
            });
        }
        let waived =
            if kind == SignatureKind::Waiver { Some(waiver::waived(app, context, &self).await?) } else { None };
        if waived.is_none() && (self.criterion.is_some() || self.until.is_some()) {
            let text = format!("a signature of {} takes neither a criterion nor a day", kind.as_str());
            return Err(Error::new("request.invalid", text).hint("`--criterion` and `--until` belong to a waiver"));
        }
        let bound = bind(app, context, kind, &self.subject).await?;
        let record = SignRecord {
            kind,
            subject: bound.name,
            binds: bound.binds.clone(),
            promise: kind.promise().to_owned(),
            remark: one_line(&self.remark),
            waived,
        };
        let mut links = bound.links;
        links.extend(bound.pins.links);
        let mut fact = pin::fact(app, context, "team.signed", bound.binds.as_str(), &record, links)?;
        fact.role = context.actor.roles.iter().find(|role| kind.roles().contains(role)).copied().or(fact.role);
        let append = Append { facts: vec![fact], definitions: bound.pins.definitions, ..Append::default() };
        let appended = app.ledger.append(&product.name, append).await?;
        let fact = appended.facts.first().ok_or_else(|| Error::new("internal", "the signature was not appended"))?;
        read(app, context, fact).await
    }
}

/// Finds what is signed.
async fn bind(app: &App, context: &Context, kind: SignatureKind, subject: &str) -> Result<Bound> {
    let mut pins = Pins::default();
    match kind {
        SignatureKind::Intent => {
            let requirement = context.requirement(subject)?;
            pins.add(context, &requirement.path);
            Ok(Bound {
                name: format!("requirement {subject}"),
                binds: requirement.digest.to_string(),
                links: vec![Link::uses("requirement", requirement.digest.as_str())],
                pins,
            })
        }
        SignatureKind::Evidence | SignatureKind::Waiver => {
            let evaluation = crate::gate::Show { evaluation: subject.to_owned() }.run(app, context).await?;
            Ok(Bound {
                name: format!("evaluation {} of {}", evaluation.id, evaluation.model_name),
                binds: evaluation.id.clone(),
                links: vec![
                    Link::uses("evaluation", evaluation.id.as_str()),
                    Link::uses("model_version", evaluation.model.as_str()),
                ],
                pins,
            })
        }
        SignatureKind::Operability | SignatureKind::Accept => {
            let release = crate::release::find_release(app, context, subject).await?;
            Ok(Bound {
                name: format!("release {}", release.digest.short()),
                binds: release.digest.to_string(),
                links: vec![Link::uses("release", release.digest.as_str())],
                pins,
            })
        }
    }
}

/// All signatures, newest first.
pub(crate) async fn signatures(app: &App, context: &Context) -> Result<Vec<Signature>> {
    let query =
        FactQuery { verbs: vec!["team.signed".into()], newest_first: true, ..FactQuery::of(&context.product()?.name) };
    let mut found = Vec::new();
    for fact in app.ledger.facts(&query).await? {
        found.push(read(app, context, &fact).await?);
    }
    Ok(found)
}

/// The signatures that bind exactly this, newest first.
pub(crate) async fn signatures_on(app: &App, context: &Context, binds: &str) -> Result<Vec<Signature>> {
    let query = FactQuery {
        verbs: vec!["team.signed".into()],
        subject: Some(binds.to_owned()),
        newest_first: true,
        ..FactQuery::of(&context.product()?.name)
    };
    let mut found = Vec::new();
    for fact in app.ledger.facts(&query).await? {
        found.push(read(app, context, &fact).await?);
    }
    Ok(found)
}

async fn read(app: &App, context: &Context, fact: &Fact) -> Result<Signature> {
    let record: SignRecord = payload(fact)?;
    let independence = if context.product()?.solo {
        Independence::Solo
    } else {
        let mut own: Vec<String> = work::contributions(app, context, record.kind, &record.binds)
            .await?
            .into_iter()
            .filter(|contribution| contribution.member == fact.fact.actor)
            .map(|contribution| contribution.what)
            .collect();
        own.dedup();
        if own.is_empty() { Independence::Independent } else { Independence::Contributed(own) }
    };
    Ok(Signature {
        fact: fact.fact.id.clone(),
        kind: record.kind,
        member: fact.fact.actor.clone(),
        time: fact.fact.time,
        subject: record.subject,
        binds: record.binds,
        independence,
        remark: record.remark,
        waived: record.waived,
    })
}

impl UseCase for Show {
    const NOUN: &'static str = "team";
    const VERB: &'static str = "show";
    const ACCESS: Access = Access::Read;
    const ABOUT: &'static str = "Show members, roles, signatures and who has done what.";
    type Answer = Team;

    async fn run(self, app: &App, context: &Context) -> Result<Team> {
        let product = context.product()?;
        let mut counts: BTreeMap<(String, String), u64> = BTreeMap::new();
        let mut last: BTreeMap<String, i64> = BTreeMap::new();
        for fact in app.ledger.facts(&FactQuery::of(&product.name)).await? {
            *counts.entry((fact.fact.actor.clone(), fact.fact.verb.clone())).or_default() += 1;
            last.insert(fact.fact.actor, fact.fact.time);
        }
        let members = product
            .members
            .iter()
            .map(|member| MemberWork {
                member: member.clone(),
                facts: counts
                    .iter()
                    .filter(|((actor, _), _)| *actor == member.name)
                    .map(|((_, verb), count)| (verb.clone(), *count))
                    .collect(),
                last: last.get(&member.name).copied(),
            })
            .collect();
        Ok(Team {
            product: product.name.clone(),
            stage: product.stage,
            risk: product.risk,
            solo: product.solo,
            members,
            signatures: signatures(app, context).await?,
        })
    }
}
