//! Making a release: one digest over model, features, schema, criteria, evidence and signatures.

use super::{Create, ReleasePage, look};
use crate::app::App;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::model::resolve_model;
use crate::pin::{self, Pins};
use crate::use_case::{Access, UseCase};
use remuda_ledger::Append;
use remuda_model::Digest;
use remuda_model::fact::Link;
use remuda_model::release::ReleaseContent;
use remuda_model::team::SignatureKind;
use serde::{Deserialize, Serialize};

/// A release that could be made now.
pub(super) struct Prepared {
    /// What it would keep.
    pub(super) created: Created,
    pins: Pins,
}

/// What `release.created` keeps.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Created {
    pub(crate) content: ReleaseContent,
    pub(crate) model_name: String,
    pub(crate) dataset: String,
}

impl UseCase for Create {
    const NOUN: &'static str = "release";
    const VERB: &'static str = "create";
    const ACCESS: Access = Access::Write;
    const ABOUT: &'static str =
        "Make a release of a model: one digest over model, features, schema, criteria, evidence and signatures.";
    type Answer = ReleasePage;

    async fn run(self, app: &App, context: &Context) -> Result<ReleasePage> {
        let prepared = prepare(app, context, &self.model).await?;
        store(app, context, prepared).await
    }
}

/// What a release of a model is made of.
pub(super) async fn prepare(app: &App, context: &Context, model: &str) -> Result<Prepared> {
    context.need_sound()?;
    let model = resolve_model(app, context, model).await?;
    // Loading proves that the model can be served and that its golden rows still come out: refused now, never at
    // the first request.
    crate::model::load(app, &model.version).await?;
    let product = context.product()?;
    let trained_on = model.version.trained_on.clone().ok_or_else(|| {
        Error::new("release.not_ready", format!("nothing says what `{}` was trained on", model.version.name))
    })?;
    let dataset = crate::data::resolve_version(app, context, trained_on.hex()).await?.version.dataset;
    let contract = context.need_contract(&dataset)?;
    let mut pins = Pins::default();
    pins.add(context, &contract.path);
    let mut requirements = Vec::new();
    for requirement in super::requirements_of(context, &dataset) {
        pins.add(context, &requirement.path);
        requirements.push((requirement.value.name.clone(), requirement.digest.clone()));
    }
    let evaluations: Vec<String> = crate::gate::evaluations(app, context)
        .await?
        .into_iter()
        .filter(|evaluation| evaluation.model == model.version.digest && evaluation.is_paid())
        // An evaluation in which a requirement had another text says nothing about this one.
        .filter(|evaluation| look::speaks_for(evaluation, &requirements))
        .map(|evaluation| evaluation.id)
        .collect();
    let mut signatures = Vec::new();
    for (kind, binds) in requirements
        .iter()
        .map(|(_, digest)| (SignatureKind::Intent, digest.to_string()))
        .chain(evaluations.iter().map(|id| (SignatureKind::Evidence, id.clone())))
    {
        let on = crate::team::signatures_on(app, context, &binds).await?;
        signatures.extend(on.into_iter().filter(|signature| signature.kind == kind).map(|signature| signature.fact));
    }
    let content = ReleaseContent {
        product: product.name.clone(),
        model: model.version.digest.clone(),
        signature: Digest::of(&serde_json::to_vec(&model.version.signature)?),
        contract: Some(contract.digest.clone()),
        requirements,
        evaluations,
        signatures,
        solo: product.solo,
    };
    Ok(Prepared { created: Created { content, model_name: model.version.name.clone(), dataset }, pins })
}

/// Appends a release, unless it was made before.
pub(super) async fn store(app: &App, context: &Context, prepared: Prepared) -> Result<ReleasePage> {
    let Prepared { created, pins } = prepared;
    let content = &created.content;
    let digest = content.digest();
    if look::releases(app, context).await?.iter().any(|known| known.digest == digest) {
        return look::page(app, context, digest.as_str()).await;
    }
    let mut links = vec![Link::makes("release", digest.as_str()), Link::uses("model_version", content.model.as_str())];
    links.extend(content.requirements.iter().map(|(_, digest)| Link::uses("requirement", digest.as_str())));
    links.extend(content.evaluations.iter().map(|id| Link::uses("evaluation", id.as_str())));
    links.extend(content.signatures.iter().map(|id| Link::uses("signature", id.as_str())));
    links.extend(pins.links);
    let fact = pin::fact(app, context, "release.created", digest.as_str(), &created, links)?;
    let append = Append { facts: vec![fact], definitions: pins.definitions, ..Append::default() };
    app.ledger.append(&context.product()?.name, append).await?;
    look::page(app, context, digest.as_str()).await
}
