//! `analysis slices`: find the worst slices of a candidate, check them on other rows, keep what was found as a fact.

use super::judged::judge;
use super::losses::losses_of;
use super::slicing::{self, Outcome, Wanted};
use super::{Sliced, Slices, read_split};
use crate::app::App;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::pin::{self, Pins};
use crate::use_case::{Access, UseCase};
use remuda_ledger::Append;
use remuda_model::data::Split;
use remuda_model::fact::Link;
use remuda_stats::slices::DEEPEST;

impl UseCase for Slices {
    const NOUN: &'static str = "analysis";
    const VERB: &'static str = "slices";
    const ACCESS: Access = Access::Write;
    const ABOUT: &'static str =
        "Find the slices on which a candidate is worst, checked on rows the search has not seen.";
    type Answer = Sliced;

    async fn run(self, app: &App, context: &Context) -> Result<Sliced> {
        let split = read_split(&self.split)?;
        self.check()?;
        let judged = judge(app, context, &self.candidate, split, "slices").await?;
        let losses = losses_of(&judged, self.metric.as_deref())?;
        let places: Vec<usize> = losses.places.iter().map(|place| judged.kept[*place]).collect();
        let rows = judged.rows.take(&places)?;
        let searched = slicing::halves(&rows, &judged.contract)?;
        let count = searched.iter().filter(|searched| **searched).count();
        let wanted = Wanted {
            least_rows: slicing::least_rows(self.min_support.as_deref(), count, slicing::USUAL_LEAST)?,
            depth: self.depth,
            limit: self.limit,
            weight: self.weight,
            is_rate: losses.is_rate,
            metric: losses.words.clone(),
            split: split.as_str().to_owned(),
        };
        let (columns, mut left_out) = slicing::choose_columns(&rows, &judged.contract, &self.columns)?;
        context.tell(0.5, "cutting columns");
        let least = wanted.least_rows;
        let cut = slicing::cut(&rows, &columns, &losses.losses, &searched, least, &mut left_out).await?;
        context.tell(0.6, "searching slices");
        let (of_rows, units) = (losses.losses, slicing::units(&rows, &judged.contract)?);
        let search = move || slicing::find(&cut, (&of_rows, units.as_deref()), &searched, &wanted, left_out);
        let found = tokio::task::spawn_blocking(search)
            .await
            .map_err(|error| Error::new("internal", "searching stopped").caused_by(&error))??;
        let Outcome { columns, left_out, overall, searched_mean, slices, nothing } = found;
        let sliced = Sliced {
            id: app.ids.short(),
            model: judged.model.digest.clone(),
            model_name: judged.model.name.clone(),
            dataset: judged.version.dataset.clone(),
            version: judged.version.digest.clone(),
            split: split.as_str().to_owned(),
            charged: split == Split::Holdout,
            metric: losses.metric,
            loss: losses.words,
            is_rate: losses.is_rate,
            searched: count as u64,
            searched_mean,
            least_rows: least as u64,
            depth: self.depth as u32,
            weight: self.weight,
            columns,
            left_out,
            overall,
            slices,
            nothing,
            requests: Vec::new(),
            actor: context.actor.name.clone(),
            time: 0,
            fact: String::new(),
        };
        append(app, context, sliced).await
    }
}

impl Slices {
    fn check(&self) -> Result<()> {
        let refuse = |message: String, hint: &str| Err(Error::new("request.invalid", message).hint(hint));
        if !(1..=DEEPEST).contains(&self.depth) {
            return refuse(
                format!("a slice cannot have {} conditions", self.depth),
                "write `--depth 1` to `--depth 4`",
            );
        }
        if !(1..=100).contains(&self.limit) {
            return refuse(format!("{} slices cannot be reported", self.limit), "write `--limit 1` to `--limit 100`");
        }
        if !(self.weight > 0.0 && self.weight <= 1.0) {
            return refuse(
                format!("the weight of the loss cannot be {}", self.weight),
                "write a number above 0 and up to 1; 0.95 is usual",
            );
        }
        Ok(())
    }
}

/// The fact, which lineage joins to the model and the data.
async fn append(app: &App, context: &Context, mut sliced: Sliced) -> Result<Sliced> {
    let mut pins = Pins::default();
    if let Ok(Some(contract)) = context.contract(&sliced.dataset) {
        pins.add(context, &contract.path);
    }
    let mut links = vec![
        Link::makes("analysis", sliced.id.as_str()),
        Link::uses("model_version", sliced.model.as_str()),
        Link::uses("dataset_version", sliced.version.as_str()),
    ];
    links.extend(pins.links);
    let fact = pin::fact(app, context, "analysis.sliced", sliced.id.as_str(), &sliced, links)?;
    (sliced.time, sliced.fact) = (fact.time, fact.id.clone());
    let append = Append { facts: vec![fact], definitions: pins.definitions, ..Append::default() };
    app.ledger.append(&context.product()?.name, append).await?;
    super::look::add_names(context, &mut sliced);
    Ok(sliced)
}
