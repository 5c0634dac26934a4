//! Experiments: made, renamed, tagged, deleted, restored.

use super::Tracking;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::pin;
use remuda_ledger::Append;
use remuda_model::run::tracked::{Experiment, Stage};
use serde_json::json;

impl Tracking {
    /// Makes an experiment; gives its number.
    ///
    /// # Errors
    /// The name is taken (`tracked.exists`).
    pub async fn create_experiment(
        &self,
        name: &str,
        artifacts: Option<&str>,
        tags: Vec<(String, String)>,
    ) -> Result<i64> {
        self.tracker.ensure_default(self.now()).await?;
        Ok(self.tracker.create_experiment(name, artifacts, tags.into_iter().collect(), self.now()).await?)
    }

    /// An experiment.
    ///
    /// # Errors
    /// There is none of that number.
    pub async fn experiment(&self, id: i64) -> Result<Experiment> {
        if id == 0 {
            self.tracker.ensure_default(self.now()).await?;
        }
        let found = self.tracker.experiment(id).await?;
        found.ok_or_else(|| Error::not_found("experiment", &id.to_string()).hint("`remuda run experiments` lists them"))
    }

    /// The experiment of that name, deleted ones too.
    ///
    /// # Errors
    /// There is none of that name.
    pub async fn experiment_named(&self, name: &str) -> Result<Experiment> {
        self.tracker.ensure_default(self.now()).await?;
        let found = self.tracker.experiment_named(name).await?;
        found.ok_or_else(|| Error::not_found("experiment", name))
    }

    /// All experiments, by number, deleted ones too.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub async fn experiments(&self) -> Result<Vec<Experiment>> {
        self.tracker.ensure_default(self.now()).await?;
        Ok(self.tracker.experiments().await?)
    }

    /// Renames an experiment.
    ///
    /// # Errors
    /// It is missing or deleted, or the name is taken.
    pub async fn rename_experiment(&self, id: i64, name: &str) -> Result<()> {
        self.experiment(id).await?;
        Ok(self.tracker.rename_experiment(id, name, self.now()).await?)
    }

    /// Gives an experiment a tag.
    ///
    /// # Errors
    /// It is missing or deleted.
    pub async fn tag_experiment(&self, id: i64, key: &str, value: &str) -> Result<()> {
        self.experiment(id).await?;
        Ok(self.tracker.tag_experiment(id, key, value, self.now()).await?)
    }

    /// Takes a tag from an experiment.
    ///
    /// # Errors
    /// The experiment or the tag is missing.
    pub async fn untag_experiment(&self, id: i64, key: &str) -> Result<()> {
        Ok(self.tracker.untag_experiment(id, key, self.now()).await?)
    }

    /// Deletes an experiment with its runs, or restores both.
    ///
    /// # Errors
    /// It is missing, or in that stage already.
    pub async fn move_experiment(&self, context: &Context, id: i64, stage: Stage) -> Result<()> {
        self.experiment(id).await?;
        self.tracker.move_experiment(id, stage, self.now()).await?;
        let verb = if stage == Stage::Deleted { "experiment.deleted" } else { "experiment.restored" };
        let fact = pin::fact(&self.app, context, verb, format!("experiment/{id}"), &json!({}), Vec::new())?;
        let append = Append { facts: vec![fact], ..Append::default() };
        self.app.ledger.append(&context.product()?.name, append).await?;
        Ok(())
    }
}
