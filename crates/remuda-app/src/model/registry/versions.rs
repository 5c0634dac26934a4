//! Versions of registered models: registered, described, tagged, deleted, found.

use super::source::Source;
use super::{models::Found, subject};
use crate::context::Context;
use crate::error::Result;
use crate::pin;
use crate::run::tracked::Tracking;
use remuda_ledger::{NewVersion, RegistrySearch, VersionChange};
use remuda_model::fact::{Link, NewFact};
use remuda_model::model::registered::{RegisteredVersion, VersionStage};
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;

/// A version to be registered.
#[derive(Clone, Debug, Default)]
pub struct Register {
    /// The registered model's name.
    pub name: String,
    /// Where it comes from.
    pub source: Source,
    /// Where the run can be looked at.
    pub run_link: Option<String>,
    /// What it is.
    pub description: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// What `model.registered` keeps.
#[derive(Serialize)]
struct Registered<'a> {
    source: &'a str,
}

impl Tracking {
    /// Registers a version. Files that hold an ONNX model make it a model version too; what hinders that is said by a tag.
    ///
    /// # Errors
    /// The registered model, the run or the logged model is missing, or the source is refused.
    pub async fn register(&self, context: &Context, register: Register) -> Result<RegisteredVersion> {
        let (given, prompt) = (&register.source, remuda_model::model::registered::is_prompt(&register.tags));
        let source = self.resolve_source(given, prompt).await?;
        let mut links = Vec::new();
        links.extend(source.run.iter().map(|run| Link::uses("run", run.as_str())));
        links.extend(source.logged.iter().map(|id| Link::uses("logged_model", id.as_str())));
        let payload = Registered { source: &source.uri };
        let fact = pin::fact(&self.app, context, "model.registered", register.name.as_str(), &payload, links)?;
        let name = register.name.clone();
        let facts = move |version: i64| {
            let subject = subject(&name, version);
            let mut links = vec![Link::makes("registered_version", subject.as_str())];
            links.extend(fact.links.iter().cloned());
            vec![NewFact { subject, links, ..fact.clone() }]
        };
        let version = NewVersion {
            model: register.name,
            description: register.description,
            actor: context.actor.name.clone(),
            source: source.uri,
            storage: source.storage,
            run: source.run,
            run_link: register.run_link,
            logged: source.logged,
            tags: register.tags,
            now: self.now(),
            facts: Box::new(facts),
        };
        let made = self.tracker.make_version(version).await?;
        if prompt { Ok(made) } else { self.become_candidate(context, made).await }
    }

    /// A version.
    ///
    /// # Errors
    /// It is missing.
    pub async fn version(&self, name: &str, version: i64) -> Result<RegisteredVersion> {
        Ok(self.tracker.registered_version(name, version).await?)
    }

    /// The newest version of each of these stages; none named: of every stage.
    ///
    /// # Errors
    /// The registered model is missing.
    pub async fn latest_versions(&self, name: &str, stages: &[VersionStage]) -> Result<Vec<RegisteredVersion>> {
        let mut latest = self.registered(name).await?.latest;
        latest.retain(|version| stages.is_empty() || stages.contains(&version.stage));
        Ok(latest)
    }

    /// Says what a version is.
    ///
    /// # Errors
    /// It is missing.
    pub async fn describe_version(
        &self,
        name: &str,
        version: i64,
        description: Option<String>,
    ) -> Result<RegisteredVersion> {
        self.change_version(name, version, VersionChange::Describe(description)).await?;
        self.version(name, version).await
    }

    /// Gives a version a tag.
    ///
    /// # Errors
    /// It is missing.
    pub async fn tag_version(&self, name: &str, version: i64, key: String, value: String) -> Result<()> {
        self.change_version(name, version, VersionChange::SetTag(key, value)).await
    }

    /// Takes a tag from a version, if it has it.
    ///
    /// # Errors
    /// It is missing.
    pub async fn untag_version(&self, name: &str, version: i64, key: String) -> Result<()> {
        self.change_version(name, version, VersionChange::RemoveTag(key)).await
    }

    async fn change_version(&self, name: &str, version: i64, change: VersionChange) -> Result<()> {
        Ok(self.tracker.change_version(name, version, change, self.now(), Vec::new()).await?)
    }

    /// Deletes a version with the aliases that point to it; the model version that it became stays.
    ///
    /// # Errors
    /// It is missing, or it is live.
    pub async fn delete_version(&self, context: &Context, name: &str, version: i64) -> Result<()> {
        let found = self.version(name, version).await?;
        self.refuse_delete(context, &self.registered(name).await?, Some(&found)).await?;
        let subject = subject(name, version);
        let links = vec![Link::uses("registered_version", subject.as_str())];
        let fact = pin::fact(&self.app, context, "model.unregistered", subject, &json!({}), links)?;
        self.tracker.change_version(name, version, VersionChange::Delete, self.now(), vec![fact]).await?;
        Ok(())
    }

    /// The versions that are sought.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub async fn search_versions(&self, search: &RegistrySearch<'_>) -> Result<Found<RegisteredVersion>> {
        Ok(self.tracker.search_versions(search).await?)
    }
}
