//! `analysis request-labels`: ask for labels of a slice's rows. The rows are drawn by lot and written to a file with ids
//! and inputs and an empty label; that somebody asked is a fact, and the file is kept with it.
//!
//! There are no queues of annotators yet: who labels the file, and that the labels come back as a new version of the
//! data, is the team's own work.

use super::chosen::{Chosen, choose, is_number};
use super::label_count::{Needed, needed};
use super::{Show, validation};
use crate::app::App;
use crate::context::Context;
use crate::data::{append_look, contract_of, latest_version, note_look, read_rows};
use crate::error::{Error, Result};
use crate::pin::{self, Pins, payload};
use crate::use_case::{Access, UseCase};
use remuda_data::{Format, ReadRequest, Rows};
use remuda_ledger::{Append, FactQuery};
use remuda_model::Digest;
use remuda_model::data::{ColumnType, ColumnUse, Contract, Split};
use remuda_model::fact::{Fact, Link};
use remuda_model::gate::Price;
use remuda_model::table::{MISSING, Texts, Values};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use utoipa::ToSchema;

/// The most rows of one request.
const MOST_ROWS: u64 = 100_000;

/// Ask for labels of a slice's rows: ids, inputs and an empty label in a CSV file, drawn by lot. The request is a fact.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct RequestLabels {
    /// The slice: its number in the analysis, or its name in `slices.toml`.
    pub slice: String,
    /// The CSV file to write. (Over HTTP: its name; without it the file is only kept.)
    #[arg(long, short, required = true)]
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub output: Option<PathBuf>,
    /// How many rows; without it, what the price of the next verdict says, else 100.
    #[arg(long)]
    #[serde(default)]
    pub rows: Option<u64>,
    /// The analysis: its id, or a candidate; without it, the newest.
    #[arg(long = "of", value_name = "ANALYSIS", default_value = "newest")]
    #[serde(default = "super::keep::newest")]
    pub analysis: String,
    /// Where the rows come from: train, validation, or holdout (rows without a label only).
    #[arg(long, default_value = "validation")]
    #[serde(default = "validation")]
    pub split: String,
    /// Rows that have a label already, for a second opinion; the file does not show it.
    #[arg(long)]
    #[serde(default)]
    pub again: bool,
    /// A remark for those who label, kept with the request.
    #[arg(long)]
    #[serde(default)]
    pub remark: Option<String>,
}

/// Write the rows of a request for labels to a file again. Costs nothing.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct RequestedLabels {
    /// The request's id.
    pub request: String,
    /// The CSV file to write.
    #[arg(long, short)]
    #[schema(value_type = String)]
    pub output: PathBuf,
}

/// A request for labels.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LabelRequest {
    /// Its id.
    pub id: String,
    /// The analysis whose slice it is about, if any.
    pub analysis: Option<String>,
    /// The slice's number there.
    pub slice: Option<u32>,
    /// The slice's name in `slices.toml`, if it had one.
    pub name: Option<String>,
    /// The dataset.
    pub dataset: String,
    /// Its version.
    pub version: Digest,
    /// Which rows, as an SQL predicate.
    pub filter: String,
    /// `train`, `validation` or `holdout`.
    pub split: String,
    /// The rows have a label, and a second opinion is wanted.
    pub again: bool,
    /// The column to fill in.
    pub label: String,
    /// The columns that tell rows apart: keys, or `row` where the data has none.
    pub keys: Vec<String>,
    /// Rows that could have been drawn.
    pub pool: u64,
    /// Rows that were drawn, each with the same chance, rows / pool.
    pub rows: u64,
    /// How many were wanted, where the pool has fewer.
    pub wanted: u64,
    /// Why so many, in words.
    pub because: String,
    /// The price of a verdict that says so, if one does.
    pub price: Option<Price>,
    /// A remark for those who label; may be empty.
    pub remark: String,
    /// The file, by its digest.
    pub file: Digest,
    /// Who asked.
    pub actor: String,
    /// When, microseconds since 1970.
    pub time: i64,
    /// The fact's id.
    pub fact: String,
    /// Where the file was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub output: Option<PathBuf>,
    /// Over HTTP, the digest under which the file can be fetched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub download: Option<String>,
}

impl UseCase for RequestLabels {
    const NOUN: &'static str = "analysis";
    const VERB: &'static str = "request-labels";
    const ACCESS: Access = Access::Write;
    const ABOUT: &'static str = "Ask for labels of a slice's rows, drawn by lot into a file. The request is a fact.";
    type Answer = LabelRequest;

    async fn run(self, app: &App, context: &Context) -> Result<LabelRequest> {
        self.output.as_deref().map_or(Ok(()), check_output)?;
        let split = Split::parse(&self.split).ok_or_else(|| {
            Error::new("request.invalid", format!("`{}` is no split", self.split))
                .hint("write train, validation or holdout")
        })?;
        if split == Split::Holdout && self.again {
            return Err(Error::new("request.invalid", "labels of the holdout are not asked for twice: they decide")
                .hint("write `--split validation`"));
        }
        if self.rows.is_some_and(|rows| !(1..=MOST_ROWS).contains(&rows)) {
            return Err(Error::new("request.invalid", "so many rows cannot be asked for")
                .hint(format!("write `--rows 1` to `--rows {MOST_ROWS}`")));
        }
        let sliced = match is_number(&self.slice) {
            true => Some(Show { analysis: self.analysis.clone() }.run(app, context).await?),
            false => None,
        };
        let chosen = choose(context, &self.slice, sliced.as_ref())?;
        let version = latest_version(app, context, &chosen.dataset)
            .await?
            .ok_or_else(|| Error::new("analysis.not_ready", format!("dataset `{}` has no version", chosen.dataset)))?
            .version;
        let contract = match contract_of(app, context, &version).await? {
            Some(contract) => contract,
            None => context.need_contract(&chosen.dataset)?.value.clone(),
        };
        context.tell(0.0, "reading rows");
        let request = ReadRequest { split: Some(split), columns: None, filter: None, limit: None };
        let rows = read_rows(app, &version, Some(&contract), request).await?;
        let pool = pool(&rows, &contract, &chosen, split, self.again).await?;
        let needed = needed(app, context, &chosen, &self, split).await?;
        let (id, wanted) = (app.ids.short(), needed.rows.min(MOST_ROWS));
        let drawn = draw(&id, &pool, wanted as usize);
        let label = label_of(&contract)?;
        let (sheet, keys) = sheet(&rows, &contract, &drawn)?;
        let Needed { because, price, .. } = needed;
        let asked = LabelRequest {
            id,
            analysis: chosen.found.map(|(sliced, _)| sliced.id.clone()),
            slice: chosen.found.map(|(_, found)| found.number),
            name: chosen.name.clone(),
            dataset: version.dataset.clone(),
            version: version.digest.clone(),
            filter: chosen.filter.clone(),
            split: split.as_str().to_owned(),
            again: self.again,
            label,
            keys,
            pool: pool.len() as u64,
            rows: drawn.len() as u64,
            wanted,
            because,
            price,
            remark: self.remark.clone().unwrap_or_default(),
            file: version.digest.clone(),
            actor: context.actor.name.clone(),
            time: 0,
            fact: String::new(),
            output: None,
            download: None,
        };
        if split == Split::Holdout {
            // What is seen has no label, so nothing that decides is revealed; that it was seen is noted all the same.
            let purpose = format!("labels asked for, request {}", asked.id);
            append_look(app, context, note_look(app, context, &version, "rows without labels", &purpose, 0)?).await?;
        }
        keep(app, context, asked, &sheet, self.output.as_deref()).await
    }
}

fn check_output(output: &Path) -> Result<()> {
    if output.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv")) {
        return Ok(());
    }
    Err(Error::new("request.invalid", "labels are asked for in a CSV file").hint("name one: `-o to-label.csv`"))
}

fn label_of(contract: &Contract) -> Result<String> {
    contract.label().map(|label| label.name.clone()).ok_or_else(|| {
        Error::new("analysis.not_ready", format!("the contract of `{}` names no label", contract.name))
            .hint(format!("mark one in `data/{}.odcs.yaml`", contract.name))
    })
}

/// The rows that can be drawn: those of the slice without a label, or those with one for a second opinion.
async fn pool(rows: &Rows, contract: &Contract, chosen: &Chosen<'_>, split: Split, again: bool) -> Result<Vec<usize>> {
    let columns: Vec<(String, ColumnType)> = rows.columns();
    remuda_data::check_predicate(&chosen.filter, &columns).map_err(|error| {
        Error::new("analysis.not_ready", format!("the rows cannot be chosen: {}", error.message))
            .hint("rows to label are chosen before a model answers: not by `prediction` or `score`")
    })?;
    let labels = rows.text(&label_of(contract)?)?;
    // The predicate sees only rows that may be drawn: over labels of the holdout it would tell what they are.
    let open: Vec<usize> = (0..rows.len()).filter(|row| labels.get(*row).is_some() == again).collect();
    let inside = rows.take(&open)?.matching(&chosen.filter).await?;
    let pool: Vec<usize> = open.into_iter().zip(inside).filter(|(_, inside)| *inside).map(|(row, _)| row).collect();
    if !pool.is_empty() {
        return Ok(pool);
    }
    let split = split.as_str();
    Err(if again {
        Error::new("data.unusable", format!("no row of the slice in {split} has a label"))
            .hint("leave out `--again` to ask for their first")
    } else {
        let error = Error::new("data.unusable", format!("no row of the slice in {split} is without a label"));
        let error = if split == "holdout" {
            error
        } else {
            error.hint("`--again` asks for a second opinion on those that have one")
        };
        error.hint("more rows without labels come with `remuda data add FILE`")
    })
}

/// So many of the pool, each with the same chance: those whose digest with the request's id is smallest.
fn draw(id: &str, pool: &[usize], wanted: usize) -> Vec<usize> {
    let lot = |row: &usize| Digest::of(format!("{id} {row}").as_bytes()).to_string();
    let mut drawn: Vec<(String, usize)> = pool.iter().map(|row| (lot(row), *row)).collect();
    drawn.sort();
    drawn.truncate(wanted);
    let mut rows: Vec<usize> = drawn.into_iter().map(|(_, row)| row).collect();
    rows.sort_unstable();
    rows
}

/// The rows as those who label see them: keys and inputs, and an empty label behind them. Neither weights nor what a model
/// says, which would lead them.
fn sheet(rows: &Rows, contract: &Contract, drawn: &[usize]) -> Result<(Rows, Vec<String>)> {
    let label = label_of(contract)?;
    let mut keys: Vec<String> = contract.keys().iter().map(|key| (*key).to_owned()).collect();
    let shown = |name: &String| {
        let column = contract.column(name);
        !keys.contains(name)
            && *name != label
            && column.is_none_or(|column| !matches!(column.column_use, ColumnUse::Weight | ColumnUse::Ignore))
    };
    let inputs: Vec<String> = rows.columns().into_iter().map(|(name, _)| name).filter(shown).collect();
    let mut sheet = rows.take(drawn)?;
    if keys.is_empty() {
        let mut name = "row".to_owned();
        while inputs.contains(&name) || name == label {
            name.insert(0, '_');
        }
        let numbers: Vec<String> = drawn.iter().map(|row| (row + 1).to_string()).collect();
        sheet.set(&name, Values::Text(Texts::from_values(numbers.into_iter().map(Some))))?;
        keys.push(name);
    }
    sheet.set(&label, Values::Text(Texts { dictionary: Vec::new(), codes: vec![MISSING; drawn.len()] }))?;
    let columns: Vec<&str> = keys.iter().chain(&inputs).chain([&label]).map(String::as_str).collect();
    Ok((sheet.select(&columns)?, keys))
}

/// Keeps the file and appends the fact; writes the file where it is wanted.
async fn keep(
    app: &App,
    context: &Context,
    mut asked: LabelRequest,
    sheet: &Rows,
    output: Option<&Path>,
) -> Result<LabelRequest> {
    let scratch = app.scratch()?;
    let file = scratch.path().join("to-label.csv");
    sheet.write(&file, Format::Csv)?;
    asked.file = app.blobs.put_file(&file).await?.0;
    let mut pins = Pins::default();
    if let Ok(Some(contract)) = context.contract(&asked.dataset) {
        pins.add(context, &contract.path);
    }
    if asked.name.is_some() {
        pins.add(context, "slices.toml");
    }
    let mut links =
        vec![Link::makes("label_request", asked.id.as_str()), Link::uses("dataset_version", asked.version.as_str())];
    links.extend(asked.analysis.iter().map(|analysis| Link::uses("analysis", analysis.as_str())));
    links.extend(pins.links);
    let fact = pin::fact(app, context, "label.requested", asked.id.as_str(), &asked, links)?;
    (asked.time, asked.fact) = (fact.time, fact.id.clone());
    let append = Append { facts: vec![fact], definitions: pins.definitions, ..Append::default() };
    app.ledger.append(&context.product()?.name, append).await?;
    match output {
        Some(output) => hand_out(app, context, asked, &file, output),
        None => Ok(asked),
    }
}

/// Puts the file where the caller wants it: on this machine, or where it can be fetched.
fn hand_out(app: &App, context: &Context, mut asked: LabelRequest, file: &Path, output: &Path) -> Result<LabelRequest> {
    asked.output = Some(output.to_owned());
    if context.trusts_paths {
        std::fs::copy(file, output).map_err(|error| {
            Error::new("request.invalid", format!("cannot write {}", output.display()))
                .hint(format!("`remuda analysis requested-labels {} -o FILE` writes it elsewhere", asked.id))
                .caused_by(&error)
        })?;
    } else {
        asked.download = Some(app.offer_download(file)?);
    }
    Ok(asked)
}

impl UseCase for RequestedLabels {
    const NOUN: &'static str = "analysis";
    const VERB: &'static str = "requested-labels";
    // It appends nothing, but rows of the data are for members.
    const ACCESS: Access = Access::Write;
    const ABOUT: &'static str = "Write the rows of a request for labels to a file again. Costs nothing.";
    type Answer = LabelRequest;

    async fn run(self, app: &App, context: &Context) -> Result<LabelRequest> {
        check_output(&self.output)?;
        let all = label_requests(app, context).await?;
        let wanted = self.request.as_str();
        let found = all.iter().find(|one| one.id == wanted || (wanted.len() >= 4 && one.id.starts_with(wanted)));
        let asked = found
            .cloned()
            .ok_or_else(|| Error::not_found("request for labels", wanted).hint("`remuda analysis list` shows them"))?;
        let scratch = app.scratch()?;
        let file = scratch.path().join("to-label.csv");
        std::fs::write(&file, app.blobs.get_checked(&asked.file).await?)?;
        hand_out(app, context, asked, &file, &self.output)
    }
}

/// All requests for labels, newest first.
pub(super) async fn label_requests(app: &App, context: &Context) -> Result<Vec<LabelRequest>> {
    let query = FactQuery {
        verbs: vec!["label.requested".into()],
        newest_first: true,
        ..FactQuery::of(&context.product()?.name)
    };
    app.ledger.facts(&query).await?.iter().map(read).collect()
}

fn read(fact: &Fact) -> Result<LabelRequest> {
    let mut asked: LabelRequest = payload(fact)?;
    asked.time = fact.fact.time;
    asked.fact.clone_from(&fact.fact.id);
    Ok(asked)
}
