//! Registered models: made, described, renamed, tagged, deleted, found.

use crate::context::Context;
use crate::error::Result;
use crate::pin;
use crate::run::tracked::Tracking;
use remuda_ledger::{ModelChange, NewRegisteredModel, OrderPlace, RegistrySearch};
use remuda_model::model::registered::RegisteredModel;
use serde_json::json;
use std::collections::BTreeMap;

/// A page of what was found, and where it ends if there is more.
pub type Found<T> = (Vec<T>, Option<OrderPlace>);

impl Tracking {
    /// Makes a registered model.
    ///
    /// # Errors
    /// The name is taken (`tracked.exists`).
    pub async fn make_registered(
        &self,
        name: &str,
        description: Option<String>,
        tags: BTreeMap<String, String>,
    ) -> Result<RegisteredModel> {
        let model = NewRegisteredModel { name: name.to_owned(), description, tags, now: self.now(), facts: Vec::new() };
        self.tracker.make_registered_model(model).await?;
        self.registered(name).await
    }

    /// A registered model with its aliases and the newest version of each stage.
    ///
    /// # Errors
    /// It is missing.
    pub async fn registered(&self, name: &str) -> Result<RegisteredModel> {
        Ok(self.tracker.registered_model(name).await?)
    }

    /// Says what a registered model is.
    ///
    /// # Errors
    /// It is missing.
    pub async fn describe_registered(&self, name: &str, description: Option<String>) -> Result<RegisteredModel> {
        self.change_registered(name, ModelChange::Describe(description)).await?;
        self.registered(name).await
    }

    /// Gives a registered model a tag.
    ///
    /// # Errors
    /// It is missing.
    pub async fn tag_registered(&self, name: &str, key: String, value: String) -> Result<()> {
        self.change_registered(name, ModelChange::SetTag(key, value)).await
    }

    /// Takes a tag from a registered model, if it has it.
    ///
    /// # Errors
    /// It is missing.
    pub async fn untag_registered(&self, name: &str, key: String) -> Result<()> {
        self.change_registered(name, ModelChange::RemoveTag(key)).await
    }

    async fn change_registered(&self, name: &str, change: ModelChange) -> Result<()> {
        self.tracker.change_registered_model(name, change, self.now(), Vec::new()).await?;
        Ok(())
    }

    /// Renames a registered model.
    ///
    /// # Errors
    /// It is missing, the name is taken, or the live endpoint follows it by its name.
    pub async fn rename_registered(&self, context: &Context, name: &str, new: &str) -> Result<RegisteredModel> {
        self.refuse_rename(context, name, new)?;
        let fact = pin::fact(&self.app, context, "model.renamed", name, &json!({ "to": new }), Vec::new())?;
        let change = ModelChange::Rename(new.to_owned());
        self.tracker.change_registered_model(name, change, self.now(), vec![fact]).await?;
        self.registered(new).await
    }

    /// Deletes a registered model with its versions; model versions and releases that it became stay.
    ///
    /// # Errors
    /// It is missing, or one of its versions is live.
    pub async fn delete_registered(&self, context: &Context, name: &str) -> Result<()> {
        let model = self.registered(name).await?;
        self.refuse_delete(context, &model, None).await?;
        let fact = pin::fact(&self.app, context, "model.unregistered", name, &json!({}), Vec::new())?;
        self.tracker.change_registered_model(name, ModelChange::Delete, self.now(), vec![fact]).await?;
        Ok(())
    }

    /// The registered models that are sought.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub async fn search_registered(&self, search: &RegistrySearch<'_>) -> Result<Found<RegisteredModel>> {
        Ok(self.tracker.search_registered_models(search).await?)
    }
}
