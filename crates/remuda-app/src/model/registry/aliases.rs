//! Aliases and stages. Each move is a fact.

use super::subject;
use crate::app::App;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::pin;
use crate::run::tracked::Tracking;
use remuda_ledger::{ModelChange, VersionChange};
use remuda_model::Digest;
use remuda_model::fact::Link;
use remuda_model::model::registered::{FollowedAlias, RegisteredModel, RegisteredVersion, VersionStage};
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
        if followed(context).is_some_and(|followed| followed.is(name, alias)) {
            let what = format!("alias `{alias}` of `{name}`");
            self.bring_live(context, &found, &what).await?;
            // The alias has followed already, perhaps to another version that is the same model.
            if self.registered(name).await?.aliases.get(alias) == Some(&version) {
                return Ok(());
            }
        }
        self.write_alias(context, &found, alias).await
    }

    /// Makes a version live through the gate, or says all that is missing.
    async fn bring_live(&self, context: &Context, version: &RegisteredVersion, what: &str) -> Result<()> {
        let which = format!("version {} of `{}`", version.version, version.model);
        let stays = format!("{what} follows what is live (`alias` in serving.toml) and was not moved");
        let Some(candidate) = version.candidate() else {
            let why = version.refused().unwrap_or("its files hold no ONNX model; log one with `mlflow.onnx.log_model`");
            return Err(Error::new(
                "release.not_ready",
                format!("{stays}: {which} is no candidate for a release: {why}"),
            ));
        };
        let digest = Digest::parse(candidate).map_err(|error| {
            Error::new("release.not_ready", format!("{stays}: the tag that says which model {which} is was changed"))
                .caused_by(&error)
        })?;
        match crate::release::go_live(&self.app, context, &digest).await {
            Ok(_) => Ok(()),
            Err(error) => Err(Error { message: format!("{stays}: {}", error.message), ..error }),
        }
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
        if followed(context).is_some_and(|followed| followed.is(name, alias)) {
            self.refuse_if_live(context, &self.version(name, *version).await?).await?;
        }
        self.drop_alias(context, name, alias, *version).await
    }

    /// Takes an alias away, with its fact.
    async fn drop_alias(&self, context: &Context, name: &str, alias: &str, version: i64) -> Result<()> {
        let subject = subject(name, version);
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
        let in_production = stage == VersionStage::Production;
        if followed(context).is_some_and(|followed| followed.is(name, &followed.alias)) && in_production {
            let found = self.version(name, version).await?;
            self.bring_live(context, &found, &format!("stage Production of `{name}`")).await?;
        }
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
        context: &Context,
        model: &RegisteredModel,
        version: Option<&RegisteredVersion>,
    ) -> Result<()> {
        let Some(followed) = followed(context).filter(|followed| followed.is(&model.name, &followed.alias)) else {
            return Ok(());
        };
        let Some(pointed) = model.aliases.get(&followed.alias) else { return Ok(()) };
        if version.is_some_and(|version| version.version != *pointed) {
            return Ok(());
        }
        self.refuse_if_live(context, &self.version(&model.name, *pointed).await?).await
    }

    /// Refuses what would leave the live endpoint without its alias.
    async fn refuse_if_live(&self, context: &Context, version: &RegisteredVersion) -> Result<()> {
        let live = crate::release::live_release(&self.app, context).await?;
        if live.is_none_or(|live| Some(live.model.as_str()) != version.candidate()) {
            return Ok(());
        }
        let (name, number) = (&version.model, version.version);
        let message = format!(
            "version {number} of `{name}` is live, and the endpoint follows its alias (`alias` in serving.toml): it can be \
             replaced by another version or by `remuda release rollback`, but not taken away"
        );
        Err(Error::new("access.denied", message))
    }

    /// Refuses a rename that would change which alias the live endpoint follows.
    pub(super) fn refuse_rename(&self, context: &Context, name: &str, new: &str) -> Result<()> {
        let named = followed(context).and_then(|followed| followed.model.as_deref());
        match named.filter(|named| *named == name || *named == new) {
            None => Ok(()),
            Some(named) => Err(Error::new(
                "access.denied",
                format!(
                    "the live endpoint follows an alias of `{named}` by this name; change `alias` in serving.toml first"
                ),
            )),
        }
    }

    /// Moves the followed alias to the versions that are this model, after it went live. An alias that would point to a
    /// model that is not live any more goes.
    async fn follow(&self, context: &Context, followed: &FollowedAlias, live: &Digest) -> Result<()> {
        for model in self.all_registered().await? {
            if !followed.is(&model.name, &followed.alias) {
                continue;
            }
            let versions = self.versions_of(&model.name).await?;
            let pointed = model.aliases.get(&followed.alias).copied();
            let is_live = |version: &&RegisteredVersion| version.candidate() == Some(live.as_str());
            if versions.iter().filter(is_live).any(|version| Some(version.version) == pointed) {
                continue;
            }
            match (versions.iter().filter(is_live).max_by_key(|version| version.version), pointed) {
                (Some(version), _) => self.write_alias(context, version, &followed.alias).await?,
                (None, Some(pointed)) if followed.model.is_some() => {
                    self.drop_alias(context, &model.name, &followed.alias, pointed).await?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// The alias that the live endpoint follows.
pub(crate) fn followed(context: &Context) -> Option<&FollowedAlias> {
    context.definitions.serving.as_ref()?.value.alias.as_ref()
}

/// Moves the followed alias to what went live. What is live stays live if that fails; the next promotion mends it.
pub(crate) async fn follow(app: &App, context: &Context, live: &Digest) {
    let Some(followed) = followed(context) else { return };
    let moved = async {
        let tracking = app.tracking(&context.product()?.name)?;
        tracking.follow(context, followed, live).await
    };
    if let Err(error) = moved.await {
        tracing::error!(code = error.code, message = error.message, "the alias did not follow what is live");
    }
}
