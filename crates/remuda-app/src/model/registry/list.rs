//! What the terminal and pages show of the registry.

use super::followed;
use crate::app::App;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::run::tracked::Tracking;
use crate::use_case::{Access, UseCase};
use remuda_ledger::RegistrySearch;
use remuda_model::Digest;
use remuda_model::model::filter::{ModelKey, VERSIONS, attribute};
use remuda_model::model::registered::{CANDIDATE_TAG, RegisteredModel, RegisteredVersion};
use remuda_model::run::filter::{Filter, Test};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Registered models or versions read at once.
const PAGE: usize = 1000;

/// Show registered models: versions, aliases, and which versions are candidates.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Registered {
    /// Only this registered model.
    #[serde(default)]
    pub name: Option<String>,
}

/// Registered models.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RegisteredModels {
    /// One each, by name; prompts are left out.
    pub models: Vec<RegisteredEntry>,
    /// The alias that the live endpoint follows, as `serving.toml` says it.
    pub followed: Option<String>,
    /// The model version that is live.
    pub live: Option<Digest>,
}

/// A registered model with all its versions.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RegisteredEntry {
    /// The registered model.
    pub model: RegisteredModel,
    /// Its versions, newest first.
    pub versions: Vec<RegisteredVersion>,
}

impl UseCase for Registered {
    const NOUN: &'static str = "model";
    const VERB: &'static str = "registered";
    const ACCESS: Access = Access::Read;
    const ABOUT: &'static str = "Show registered models: versions, aliases, and which versions are candidates.";
    type Answer = RegisteredModels;

    async fn run(self, app: &App, context: &Context) -> Result<RegisteredModels> {
        let tracking = app.tracking(&context.product()?.name)?;
        let wanted = match &self.name {
            Some(name) => vec![tracking.registered(name).await.map_err(|error| unknown(name, error))?],
            None => tracking.all_registered().await?,
        };
        let mut models = Vec::new();
        for model in wanted {
            let versions = tracking.versions_of(&model.name).await?;
            models.push(RegisteredEntry { model, versions });
        }
        let live = crate::release::live_release(app, context).await?.map(|live| live.model);
        Ok(RegisteredModels { models, followed: followed(context).map(ToString::to_string), live })
    }
}

fn unknown(name: &str, error: Error) -> Error {
    if error.code == "request.not_found" {
        return Error::not_found("registered model", name).hint("`remuda model registered` shows them");
    }
    error
}

impl Tracking {
    /// All registered models, by name.
    pub(super) async fn all_registered(&self) -> Result<Vec<RegisteredModel>> {
        let filter = Filter::All(Vec::new());
        let mut all = Vec::new();
        let mut after = None;
        loop {
            let search = RegistrySearch { filter: &filter, order: &[], after: after.as_ref(), limit: PAGE };
            let (found, last) = self.search_registered(&search).await?;
            all.extend(found);
            after = match last {
                Some(last) => Some(last),
                None => return Ok(all),
            };
        }
    }

    /// All versions of a registered model, newest first.
    pub(super) async fn versions_of(&self, name: &str) -> Result<Vec<RegisteredVersion>> {
        let key = attribute(&VERSIONS, "name").map(ModelKey::Attribute);
        match key {
            Some(key) => self.versions_where(Filter::Is(key, Test::Equals(name.to_owned()))).await,
            None => Ok(Vec::new()),
        }
    }

    /// The registered versions that are this model version, newest first.
    pub(crate) async fn registered_as(&self, model: &Digest) -> Result<Vec<RegisteredVersion>> {
        let key = ModelKey::Tag(CANDIDATE_TAG.to_owned());
        self.versions_where(Filter::Is(key, Test::Equals(model.to_string()))).await
    }

    async fn versions_where(&self, filter: Filter<ModelKey>) -> Result<Vec<RegisteredVersion>> {
        let mut all = Vec::new();
        let mut after = None;
        loop {
            let search = RegistrySearch { filter: &filter, order: &[], after: after.as_ref(), limit: PAGE };
            let (found, last) = self.search_versions(&search).await?;
            all.extend(found);
            after = match last {
                Some(last) => Some(last),
                None => return Ok(all),
            };
        }
    }
}
