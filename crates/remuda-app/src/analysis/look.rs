//! Looking at analyses again, which costs nothing.

use super::request_labels::label_requests;
use super::{Analyses, AnalysisLine, FoundSlice, List, Show, Sliced};
use crate::app::App;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::pin::payload;
use crate::use_case::{Access, UseCase};
use remuda_ledger::FactQuery;
use remuda_model::fact::Fact;

impl UseCase for Show {
    const NOUN: &'static str = "analysis";
    const VERB: &'static str = "show";
    const ACCESS: Access = Access::Read;
    const ABOUT: &'static str = "Show an analysis again. Costs nothing.";
    type Answer = Sliced;

    async fn run(self, app: &App, context: &Context) -> Result<Sliced> {
        let all = analyses(app, context).await?;
        let wanted = self.analysis.as_str();
        let hex = wanted.strip_prefix("b3:").unwrap_or(wanted);
        let of_model =
            |sliced: &&Sliced| sliced.model_name == wanted || (hex.len() >= 4 && sliced.model.hex().starts_with(hex));
        let found = match wanted {
            "newest" => all.first(),
            _ => all
                .iter()
                .find(|sliced| sliced.id == wanted)
                .or_else(|| all.iter().find(|sliced| wanted.len() >= 4 && sliced.id.starts_with(wanted)))
                .or_else(|| all.iter().find(of_model)),
        };
        let Some(found) = found else {
            let error = Error::not_found("analysis", wanted);
            return Err(if all.is_empty() {
                error.hint("make one with `remuda analysis slices MODEL`")
            } else {
                error.hint("`remuda analysis list` shows them")
            });
        };
        let mut sliced = found.clone();
        add_names(context, &mut sliced);
        sliced.requests = label_requests(app, context).await?;
        sliced.requests.retain(|request| request.analysis.as_deref() == Some(sliced.id.as_str()));
        Ok(sliced)
    }
}

impl UseCase for List {
    const NOUN: &'static str = "analysis";
    const VERB: &'static str = "list";
    const ACCESS: Access = Access::Read;
    const ABOUT: &'static str = "List analyses, newest first.";
    type Answer = Analyses;

    async fn run(self, app: &App, context: &Context) -> Result<Analyses> {
        let analyses = analyses(app, context).await?.iter().map(Sliced::line).collect();
        Ok(Analyses { analyses, requests: label_requests(app, context).await? })
    }
}

impl Sliced {
    /// One line of it.
    pub fn line(&self) -> AnalysisLine {
        let confirmed = self.slices.iter().filter(|slice| slice.confirmed).count() as u64;
        let slices = remuda_model::text::count(self.slices.len() as u64, "slice");
        AnalysisLine {
            id: self.id.clone(),
            kind: "slices".to_owned(),
            model: self.model.clone(),
            model_name: self.model_name.clone(),
            version: self.version.clone(),
            split: self.split.clone(),
            found: if self.slices.is_empty() {
                "no slice".to_owned()
            } else {
                format!("{confirmed} of {slices} confirmed")
            },
            actor: self.actor.clone(),
            time: self.time,
        }
    }
}

/// Names that slices have in the definitions in force.
pub(super) fn add_names(context: &Context, sliced: &mut Sliced) {
    let mut slices: Vec<&mut FoundSlice> = sliced.slices.iter_mut().collect();
    add_names_to(context, &sliced.dataset, &mut slices);
}

/// The same for slices of a dataset, wherever they stand.
pub(super) fn add_names_to(context: &Context, dataset: &str, slices: &mut [&mut FoundSlice]) {
    let Some(named) = &context.definitions.slices else { return };
    for slice in slices {
        let same = named.value.iter().find(|named| named.dataset == dataset && named.filter == slice.filter);
        slice.name = same.map(|named| named.name.clone());
    }
}

pub(super) fn read(fact: &Fact) -> Result<Sliced> {
    let mut sliced: Sliced = payload(fact)?;
    sliced.time = fact.fact.time;
    sliced.fact.clone_from(&fact.fact.id);
    Ok(sliced)
}

/// All analyses, newest first.
async fn analyses(app: &App, context: &Context) -> Result<Vec<Sliced>> {
    let query = FactQuery {
        verbs: vec!["analysis.sliced".into()],
        newest_first: true,
        ..FactQuery::of(&context.product()?.name)
    };
    app.ledger.facts(&query).await?.iter().map(read).collect()
}
