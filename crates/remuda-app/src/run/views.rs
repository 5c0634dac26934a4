//! Saved views: a filter, an order and columns under a name. A view is a fact; a later one of the same name replaces it.

use super::Done;
use super::find::{Sought, key_of, split};
use crate::app::App;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::pin::{self, payload};
use crate::use_case::{Access, UseCase};
use remuda_ledger::{Append, FactQuery};
use remuda_model::text;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Letters of a view's name at most.
const NAME: usize = 60;

/// Save a way to look at runs under a name, for the whole team.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct SaveView {
    /// Its name; one that is taken is replaced.
    pub name: String,
    /// Only runs that fit.
    #[arg(long)]
    #[serde(default)]
    pub filter: Option<String>,
    /// What to order by.
    #[arg(long)]
    #[serde(default)]
    pub order_by: Option<String>,
    /// Only runs of this experiment.
    #[arg(long)]
    #[serde(default)]
    pub experiment: Option<String>,
    /// What to show of each run.
    #[arg(long)]
    #[serde(default)]
    pub select: Option<String>,
    /// What to group by.
    #[arg(long)]
    #[serde(default)]
    pub group: Option<String>,
}

/// Forget a saved view.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct ForgetView {
    /// Its name.
    pub name: String,
}

/// List saved views.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Views {}

/// Saved views.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SavedViews {
    /// One each, by name.
    pub views: Vec<SavedView>,
}

/// A saved view.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SavedView {
    /// What it shows.
    pub view: SaveView,
    /// Who saved it.
    pub actor: String,
    /// When, microseconds since 1970.
    pub time: i64,
}

impl UseCase for SaveView {
    const NOUN: &'static str = "run";
    const VERB: &'static str = "save-view";
    const ACCESS: Access = Access::Write;
    const ABOUT: &'static str = "Save a way to look at runs under a name, for the whole team.";
    type Answer = Done;

    async fn run(mut self, app: &App, context: &Context) -> Result<Done> {
        self.name = self.name.trim().to_owned();
        let letters = self.name.chars().count();
        if letters == 0 || letters > NAME || self.name.chars().any(char::is_control) {
            return Err(Error::new("request.invalid", format!("a view's name has 1 to {NAME} letters"))
                .hint("name it after the question it answers: best of depth 6"));
        }
        // What cannot be shown is not saved.
        let list = super::List {
            filter: self.filter.clone(),
            order_by: self.order_by.clone(),
            experiment: self.experiment.clone(),
            ..super::List::default()
        };
        Sought::read(&list, app, context).await?;
        for column in self.select.iter().flat_map(|text| split(text)) {
            key_of("--select", &column)?;
        }
        if let Some(key) = &self.group {
            key_of("--group", key)?;
        }
        let subject = format!("view/{}", self.name);
        let fact = pin::fact(app, context, "view.saved", subject, &self, Vec::new())?;
        app.ledger.append(&context.product()?.name, Append { facts: vec![fact], ..Append::default() }).await?;
        Ok(Done { done: true })
    }
}

impl UseCase for ForgetView {
    const NOUN: &'static str = "run";
    const VERB: &'static str = "forget-view";
    const ACCESS: Access = Access::Write;
    const ABOUT: &'static str = "Forget a saved view.";
    type Answer = Done;

    async fn run(self, app: &App, context: &Context) -> Result<Done> {
        let known = saved(app, context).await?;
        if !known.iter().any(|one| one.view.name == self.name) {
            let error = Error::not_found("view", &self.name);
            let near = text::nearest(&self.name, known.iter().map(|one| one.view.name.as_str()));
            return Err(match near {
                Some(near) => error.hint(format!("did you mean `{near}`?")),
                None => error.hint("`remuda run views` lists them"),
            });
        }
        let subject = format!("view/{}", self.name);
        let fact = pin::fact(app, context, "view.forgotten", subject, &self, Vec::new())?;
        app.ledger.append(&context.product()?.name, Append { facts: vec![fact], ..Append::default() }).await?;
        Ok(Done { done: true })
    }
}

impl UseCase for Views {
    const NOUN: &'static str = "run";
    const VERB: &'static str = "views";
    const ACCESS: Access = Access::Read;
    const ABOUT: &'static str = "List saved views.";
    type Answer = SavedViews;

    async fn run(self, app: &App, context: &Context) -> Result<SavedViews> {
        Ok(SavedViews { views: saved(app, context).await? })
    }
}

/// The views that are saved and not forgotten, by name.
async fn saved(app: &App, context: &Context) -> Result<Vec<SavedView>> {
    let verbs = vec!["view.saved".into(), "view.forgotten".into()];
    let query = FactQuery { verbs, ..FactQuery::of(&context.product()?.name) };
    let mut facts = app.ledger.facts(&query).await?;
    facts.sort_by_key(|fact| fact.sequence);
    let mut views = BTreeMap::new();
    for fact in facts {
        if fact.fact.verb == "view.forgotten" {
            let forgotten: ForgetView = payload(&fact)?;
            views.remove(&forgotten.name);
        } else {
            let view: SaveView = payload(&fact)?;
            views.insert(view.name.clone(), SavedView { view, actor: fact.fact.actor.clone(), time: fact.fact.time });
        }
    }
    Ok(views.into_values().collect())
}
