//! Pinning: a fact carries the digest of every definition it relied on, and the ledger keeps that definition's text.
//! Also the making of facts: actor, role, time and id are filled in here and nowhere else.

use crate::app::App;
use crate::context::{Actor, Context};
use crate::error::Result;
use remuda_ledger::Definition;
use remuda_model::Digest;
use remuda_model::fact::{Fact, Link, NewFact};
use remuda_model::team::Role;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The definitions that a use case relied on, ready for the ledger.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pins {
    /// The texts.
    pub(crate) definitions: Vec<Definition>,
    /// One link each.
    pub(crate) links: Vec<Link>,
}

impl Pins {
    /// Pins the file at `path`; a path that has no text pins nothing.
    pub(crate) fn add(&mut self, context: &Context, path: &str) {
        let Some(text) = context.files.0.get(path) else { return };
        let digest = Digest::of(text.as_bytes());
        if self.definitions.iter().any(|known| known.digest == digest && known.path == path) {
            return;
        }
        self.links.push(Link::definition(&digest));
        self.definitions.push(Definition { digest, path: path.to_owned(), text: text.clone() });
    }
}

/// A new fact by the context's actor.
pub(crate) fn fact(
    app: &App,
    context: &Context,
    verb: &str,
    subject: impl Into<String>,
    payload: &impl Serialize,
    links: Vec<Link>,
) -> Result<NewFact> {
    let role = role_for(verb, &context.actor);
    build(app, &context.product()?.name, &context.actor.name, role, verb, subject.into(), payload, links)
}

/// A new fact by remuda itself.
pub(crate) fn system_fact(
    app: &App,
    product: &str,
    verb: &str,
    subject: impl Into<String>,
    payload: &impl Serialize,
    links: Vec<Link>,
) -> Result<NewFact> {
    build(app, product, "system", None, verb, subject.into(), payload, links)
}

#[expect(clippy::too_many_arguments, reason = "a fact has these fields; both callers above name them")]
fn build(
    app: &App,
    product: &str,
    actor: &str,
    role: Option<Role>,
    verb: &str,
    subject: String,
    payload: &impl Serialize,
    links: Vec<Link>,
) -> Result<NewFact> {
    let time = app.clock.now();
    Ok(NewFact {
        id: app.ids.fact(time),
        product: product.to_owned(),
        time,
        actor: actor.to_owned(),
        role,
        verb: verb.to_owned(),
        subject,
        payload: serde_json::to_string(payload)?,
        links,
    })
}

/// The payload of a fact.
pub(crate) fn payload<T: DeserializeOwned>(fact: &Fact) -> Result<T> {
    Ok(serde_json::from_str(&fact.fact.payload)?)
}

/// The role in which a member acts: the first of those that fit the verb, else the first that they hold.
fn role_for(verb: &str, actor: &Actor) -> Option<Role> {
    let noun = verb.split('.').next().unwrap_or_default();
    let fitting: &[Role] = match noun {
        "data" | "feedback" => &[Role::DataEngineer, Role::DataScientist],
        "run" | "model" => &[Role::DataScientist, Role::ResearchEngineer],
        "gate" | "holdout" | "analysis" => &[Role::QualityEngineer, Role::DataScientist],
        "release" | "serving" => &[Role::BackendEngineer, Role::ProductOwner],
        "requirement" | "product" => &[Role::ProductOwner],
        _ => &[],
    };
    let held = |role: &&Role| actor.roles.contains(role);
    fitting.iter().find(held).or_else(|| actor.roles.first()).copied()
}
