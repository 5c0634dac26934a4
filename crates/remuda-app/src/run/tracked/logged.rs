//! Logged models: made by runs, with files, parameters, tags and metrics of their own.

use super::Tracking;
use super::names::random_name;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::pin;
use remuda_ledger::{LoggedChange, LoggedFound, LoggedSearch, NewLoggedModel};
use remuda_model::Digest;
use remuda_model::fact::Link;
use remuda_model::model::logged::LoggedModel;
use remuda_model::run::tracked::Stage;
use serde_json::json;
use std::collections::BTreeMap;

/// A logged model to be made.
#[derive(Clone, Debug, Default)]
pub struct MakeLogged {
    /// The experiment.
    pub experiment: i64,
    /// Its name; without it one is made up.
    pub name: Option<String>,
    /// What kind of model it is.
    pub kind: Option<String>,
    /// The run that makes it.
    pub source_run: Option<String>,
    /// Its parameters.
    pub parameters: BTreeMap<String, String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

impl Tracking {
    /// Makes a logged model, whose files come afterwards.
    ///
    /// # Errors
    /// The experiment is missing or deleted.
    pub async fn make_logged(&self, context: &Context, make: MakeLogged) -> Result<LoggedModel> {
        if make.experiment == 0 {
            self.tracker.ensure_default(self.now()).await?;
        }
        let id = format!("m-{}", &self.app.ids.secret()[..32]);
        let name = make.name.unwrap_or_else(|| random_name(Digest::of(id.as_bytes()).number()));
        let mut links = vec![Link::makes("logged_model", id.as_str())];
        links.extend(make.source_run.iter().map(|run| Link::uses("run", run.as_str())));
        let fact = pin::fact(&self.app, context, "model.logged", id.as_str(), &json!({ "name": name }), links)?;
        let model = NewLoggedModel {
            id,
            experiment: make.experiment,
            name,
            kind: make.kind,
            source_run: make.source_run,
            now: self.now(),
            parameters: make.parameters,
            tags: make.tags,
            facts: vec![fact],
        };
        Ok(self.tracker.make_logged_model(model).await?)
    }

    /// A logged model with the points of its metrics.
    ///
    /// # Errors
    /// There is none of that id, or it was deleted and `deleted` is false.
    pub async fn logged(&self, id: &str, deleted: bool) -> Result<LoggedModel> {
        let found = self.tracker.logged_model(id).await?;
        found
            .filter(|model| deleted || model.stage == Stage::Active)
            .ok_or_else(|| Error::new("request.not_found", format!("Logged model with ID '{id}' not found.")))
    }

    /// Changes a logged model.
    ///
    /// # Errors
    /// It is missing, or the change does not fit.
    pub async fn change_logged(&self, id: &str, change: LoggedChange) -> Result<LoggedModel> {
        Ok(self.tracker.change_logged_model(id, change, self.now(), Vec::new()).await?)
    }

    /// Deletes a logged model. Until it is collected it can be restored.
    ///
    /// # Errors
    /// It is missing.
    pub async fn delete_logged(&self, context: &Context, id: &str) -> Result<()> {
        let links = vec![Link::uses("logged_model", id)];
        let fact = pin::fact(&self.app, context, "model.log_deleted", id, &json!({}), links)?;
        let change = LoggedChange::Stage(Stage::Deleted);
        self.tracker.change_logged_model(id, change, self.now(), vec![fact]).await?;
        Ok(())
    }

    /// The logged models that are sought.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub async fn search_logged(&self, search: &LoggedSearch<'_>) -> Result<LoggedFound> {
        Ok(self.tracker.search_logged_models(search).await?)
    }

    /// The logged models that a run made.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub async fn logged_of(&self, run: &str) -> Result<Vec<LoggedModel>> {
        Ok(self.tracker.logged_models_of(run).await?)
    }
}
