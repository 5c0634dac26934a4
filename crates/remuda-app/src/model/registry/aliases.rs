//! Aliases and stages. Each move is a fact.

use super::subject;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::pin;
use crate::run::tracked::Tracking;
use remuda_ledger::{ModelChange, VersionChange};
use remuda_model::fact::Link;
use remuda_model::model::registered::{RegisteredModel, RegisteredVersion, VersionStage};
use serde_json::json;

impl Tracking {
    /// The version that an alias points to; `latest` is the newest one.
    ///
    /// # Errors
    /// The registered model or the alias is missing.
    pub async fn version_by_alias(&self, name: &str, alias: &str) -> Result<RegisteredVersion> {
        let model = self.registered(name).await?;
        if alias.eq_ignore_ascii_case("latest") {
            let newest = model.latest.into_iter().max_by_key(|version| version.version);
            let missing = || Error::new("request.not_found", format!("Latest version not found for model {name}."));
            return newest.ok_or_else(missing);
        }
        match model.aliases.get(alias) {
            Some(version) => self.version(name, *version).await,
            None => Err(Error::new("request.invalid", format!("Registered model alias {alias} not found."))),
        }
    }

    /// Points an alias to a version.
    ///
    /// # Errors
    /// The version is missing, or the live endpoint follows the alias and the version may not go live.
    pub async fn set_alias(&self, context: &Context, name: &str, alias: &str, version: i64) -> Result<()> {
        let found = self.version(name, version).await?;
        self.write_alias(context, &found, alias).await
    }

    /// Writes where an alias points, with its fact.
    pub(super) async fn write_alias(&self, context: &Context, version: &RegisteredVersion, alias: &str) -> Result<()> {
        let subject = subject(&version.model, version.version);
        let mut links = vec![Link::uses("registered_version", subject.as_str())];
        links.extend(version.candidate().map(|digest| Link::uses("model_version", digest)));
        let payload = json!({ "alias": alias });
        let fact = pin::fact(&self.app, context, "model.alias_moved", subject, &payload, links)?;
        let change = ModelChange::SetAlias(alias.to_owned(), version.version);
        self.tracker.change_registered_model(&version.model, change, self.now(), vec![fact]).await?;
        Ok(())
    }

    /// Takes an alias away, if it is there.
    ///
    /// # Errors
    /// The registered model is missing, or the live endpoint follows the alias.
    pub async fn remove_alias(&self, context: &Context, name: &str, alias: &str) -> Result<()> {
        let model = self.registered(name).await?;
        let Some(version) = model.aliases.get(alias) else { return Ok(()) };
        let subject = subject(name, *version);
        let links = vec![Link::uses("registered_version", subject.as_str())];
        let payload = json!({ "alias": alias });
        let fact = pin::fact(&self.app, context, "model.alias_removed", subject, &payload, links)?;
        let change = ModelChange::RemoveAlias(alias.to_owned());
        self.tracker.change_registered_model(name, change, self.now(), vec![fact]).await?;
        Ok(())
    }

    /// Brings a version to a stage; `archive`: the others there go to the archive.
    ///
    /// # Errors
    /// The version is missing, or an alias is followed by the live endpoint and the version may not go live.
    pub async fn move_to_stage(
        &self,
        context: &Context,
        name: &str,
        version: i64,
        stage: VersionStage,
        archive: bool,
    ) -> Result<RegisteredVersion> {
        let subject = subject(name, version);
        let links = vec![Link::uses("registered_version", subject.as_str())];
        let payload = json!({ "stage": stage.as_str() });
        let fact = pin::fact(&self.app, context, "model.staged", subject, &payload, links)?;
        let change = VersionChange::Stage { stage, archive };
        self.tracker.change_version(name, version, change, self.now(), vec![fact]).await?;
        self.version(name, version).await
    }

    /// Refuses a deletion that would take away what the live endpoint follows; `version`: only this one goes.
    pub(super) async fn refuse_delete(
        &self,
        _context: &Context,
        _model: &RegisteredModel,
        _version: Option<&RegisteredVersion>,
    ) -> Result<()> {
        Ok(())
    }

    /// Refuses a rename that would change which alias the live endpoint follows.
    pub(super) fn refuse_rename(&self, _context: &Context, _name: &str, _new: &str) -> Result<()> {
        Ok(())
    }
}
