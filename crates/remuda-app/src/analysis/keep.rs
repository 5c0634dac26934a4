//! `analysis keep`: give a slice a name in `slices.toml`, and say what can be done with it. A command writes the member's
//! own files, whatever server keeps the ledger; a page writes those of the folder that it is served from.

use super::chosen::{self, named_slices, numbered};
use super::{Show, Sliced};
use crate::app::App;
use crate::context::{Context, DefinitionFiles};
use crate::error::{Error, Result};
use crate::use_case::{Access, UseCase};
use remuda_model::analysis::NamedSlice;
use remuda_model::data::{ColumnType, Contract};
use remuda_model::diagnostic::Diagnostic;
use remuda_model::gate::Criterion;
use remuda_model::text;
use remuda_repo::Definitions;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

const FILE: &str = "slices.toml";

/// Give a slice a name: it goes to `slices.toml`, and the criterion to paste is printed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Keep {
    /// The name: lower case letters, digits, `-` and `_`.
    pub name: String,
    /// The slice's number in an analysis.
    #[arg(long, value_name = "NUMBER", required_unless_present = "filter", conflicts_with = "filter")]
    #[serde(default)]
    pub slice: Option<u32>,
    /// The analysis: its id, or a candidate; without it, the newest.
    #[arg(long = "of", value_name = "ANALYSIS", default_value = "newest")]
    #[serde(default = "newest")]
    pub analysis: String,
    /// A slice of your own: rows that this SQL predicate selects.
    #[arg(long = "where", value_name = "SQL")]
    #[serde(default)]
    pub filter: Option<String>,
    /// The dataset, for a slice of your own; without it, the only one.
    #[arg(long, value_name = "DATASET")]
    #[serde(default)]
    pub data: Option<String>,
    /// Why it is watched.
    #[arg(long)]
    #[serde(default)]
    pub why: Option<String>,
    /// What to demand of it, such as "recall of yes >= 0.8".
    #[arg(long, value_name = "METRIC >= NUMBER")]
    #[serde(default)]
    pub criterion: Option<String>,
}

pub(super) fn newest() -> String {
    "newest".to_owned()
}

/// What `analysis keep` wrote, and what to do with it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Kept {
    /// The slice.
    pub slice: NamedSlice,
    /// The file that it stands in.
    pub file: String,
    /// A criterion on its rows, ready to paste into a requirement.
    pub criterion: String,
    /// What the criterion says, in words.
    pub words: String,
    /// The requirements on its dataset, into which it could go.
    pub requirements: Vec<String>,
    /// The command that writes its labelled validation rows to a file, for a second look at the labels.
    pub relabel: String,
    /// The command that writes its rows without a label; empty where the label is always there.
    pub label: String,
}

impl UseCase for Keep {
    const NOUN: &'static str = "analysis";
    const VERB: &'static str = "keep";
    const ACCESS: Access = Access::Write;
    const ABOUT: &'static str = "Give a slice a name in `slices.toml`, in the folder that is served.";
    type Answer = Kept;

    async fn run(self, app: &App, context: &Context) -> Result<Kept> {
        let sliced = match &self.filter {
            Some(_) => None,
            None => Some(Show { analysis: self.analysis.clone() }.run(app, context).await?),
        };
        keep(context, &self, sliced.as_ref())
    }
}

/// Writes a slice to the `slices.toml` of the product's folder. `sliced` is the analysis that its number is of.
///
/// # Errors
/// A name that cannot be used or is taken, a number without slice, a predicate or criterion that cannot be read, a
/// file that cannot be written.
pub fn keep(context: &Context, request: &Keep, sliced: Option<&Sliced>) -> Result<Kept> {
    if !text::is_name(&request.name) {
        return Err(Error::new("request.invalid", format!("`{}` cannot be a slice's name", request.name))
            .hint(format!("use lower case letters, digits, `-` and `_`: `{}`", text::to_name(&request.name))));
    }
    if let Some(broken) = context.errors().into_iter().find(|found| found.file == FILE) {
        return Err(Error::definitions(vec![broken]));
    }
    if named_slices(context).iter().any(|slice| slice.name == request.name) {
        return Err(Error::new("definition.exists", format!("`{FILE}` has a slice `{}` already", request.name))
            .hint("choose another name, or change the file"));
    }
    let slice = slice_of(context, request, sliced)?;
    let claim = match (&request.criterion, sliced) {
        (Some(claim), _) => claim.clone(),
        (None, Some(sliced)) => usual_claim(sliced),
        (None, None) => "accuracy >= 0.8".to_owned(),
    };
    let (criterion, words) = criterion_on(context, &claim, &slice.dataset, &slice.filter)?;
    let content = chosen::text_of(context, FILE)?;
    let content = remuda_repo::edit::append(&content, &remuda_repo::render::named_slice(&slice));
    chosen::write(context, FILE, &content)?;
    let criterion = criterion.to_string();
    let (relabel, label) = requests(context, &slice);
    let on_it = context.definitions.requirements.iter().filter(|one| one.value.dataset == slice.dataset);
    let requirements = on_it.map(|one| one.path.clone()).collect();
    Ok(Kept { slice, file: FILE.to_owned(), criterion, words, requirements, relabel, label })
}

fn slice_of(context: &Context, request: &Keep, sliced: Option<&Sliced>) -> Result<NamedSlice> {
    if let Some(filter) = &request.filter {
        let contracts = &context.definitions.contracts;
        let contract = match (&request.data, contracts.as_slice()) {
            (Some(name), _) => context.need_contract(name)?,
            (None, [only]) => only,
            _ => {
                return Err(Error::new("request.invalid", "there are several datasets").hint("name one with `--data`"));
            }
        };
        remuda_data::check_predicate(filter, &columns_of(&contract.value)).map_err(|error| {
            Error::new("request.invalid", format!("the predicate cannot be used: {}", error.message))
        })?;
        return Ok(NamedSlice {
            name: request.name.clone(),
            dataset: contract.value.name.clone(),
            filter: filter.clone(),
            why: request.why.clone().unwrap_or_default(),
        });
    }
    let number = request.slice.unwrap_or(1);
    let sliced = sliced.ok_or_else(|| Error::not_found("analysis", &request.analysis))?;
    let found = numbered(sliced, number)?;
    let why = chosen::why(sliced, found);
    Ok(NamedSlice {
        name: request.name.clone(),
        dataset: sliced.dataset.clone(),
        filter: found.filter.clone(),
        why: request.why.clone().unwrap_or(why),
    })
}

/// The columns that a slice's predicate may name: the data's, and what a model says of each row.
fn columns_of(contract: &Contract) -> Vec<(String, ColumnType)> {
    let said = if contract.label().is_some_and(|label| crate::run::has_classes(contract, label)) {
        ColumnType::String
    } else {
        ColumnType::Number
    };
    let mut columns: Vec<(String, ColumnType)> =
        contract.columns.iter().map(|column| (column.name.clone(), column.column_type)).collect();
    for (name, column_type) in [("prediction", said), ("score", ColumnType::Number)] {
        if columns.iter().all(|(known, _)| known != name) {
            columns.push((name.to_owned(), column_type));
        }
    }
    columns
}

/// What is wrong with the predicates of `slices.toml`. (The rest of the file is checked with all others.)
pub(crate) fn check_slices(definitions: &Definitions, files: &DefinitionFiles) -> Vec<Diagnostic> {
    let Some(slices) = &definitions.slices else { return Vec::new() };
    let file = files.0.get(FILE).map_or("", String::as_str);
    let mut found = Vec::new();
    for slice in &slices.value {
        let Some(contract) = definitions.contract(&slice.dataset) else { continue };
        let Err(error) = remuda_data::check_predicate(&slice.filter, &columns_of(&contract.value)) else { continue };
        let head = file.find(&format!("[slice.{}]", slice.name)).unwrap_or(0);
        let place = file[head..].find("where").map_or(head, |place| head + place);
        let end = file[place..].find('\n').map_or(file.len(), |length| place + length);
        let message = format!("slice `{}`: {}", slice.name, error.message);
        found.push(Diagnostic::at(FILE, file, place..end, "definition.predicate", message));
    }
    found
}

/// A claim about all rows as a criterion on a slice, and what it says in words.
pub(super) fn criterion_on(context: &Context, claim: &str, dataset: &str, filter: &str) -> Result<(Criterion, String)> {
    let mut criterion = remuda_model::gate::parse(claim).map_err(|error| {
        let mut refusal = Error::new("request.invalid", format!("the criterion cannot be read: {}", error.message));
        refusal.hints = error.hints;
        if refusal.hints.is_empty() { refusal.hint("`remuda gate grammar` explains the language") } else { refusal }
    })?;
    if criterion.filter.is_some() {
        return Err(Error::new("request.invalid", "the criterion selects rows itself, and the slice does too")
            .hint("leave out its `where`: the slice's own is added"));
    }
    criterion.filter = Some(filter.to_owned());
    let contract = context.contract(dataset)?;
    let positive = contract.and_then(|contract| contract.value.positive.as_deref());
    let words = remuda_model::gate::words(&criterion, positive);
    Ok((criterion, words))
}

/// What to demand of a slice when nobody says: what all rows reach, rounded to what people would write.
pub(super) fn usual_claim(sliced: &Sliced) -> String {
    let overall = sliced.overall.value.unwrap_or(0.0);
    if sliced.is_rate {
        // Rounded down to a share that people would write.
        return format!("{} >= {}", sliced.metric, ((1.0 - overall) * 20.0).floor() / 20.0);
    }
    let target = if sliced.metric == "rmse" { overall.max(0.0).sqrt() } else { overall };
    let step = 10f64.powf(target.max(1e-9).log10().floor() - 1.0);
    let rounded = (target / step).ceil() * step;
    let decimals = (-step.log10().round()).max(0.0) as usize;
    format!("{} <= {rounded:.decimals$}", sliced.metric)
}

/// The commands that write the slice's rows: those with labels to look at again, those without to label.
fn requests(context: &Context, slice: &NamedSlice) -> (String, String) {
    let quoted = |filter: &str| format!("'{}'", filter.replace('\'', "'\\''"));
    let NamedSlice { name, dataset, filter, .. } = slice;
    let relabel = format!("remuda data export {dataset} --split validation --where {} -o {name}.csv", quoted(filter));
    let contract = context.contract(dataset).ok().flatten();
    let label = contract.and_then(|contract| contract.value.label()).filter(|label| !label.required);
    let label = label.map_or_else(String::new, |label| {
        let missing = format!("({filter}) AND \"{}\" IS NULL", label.name.replace('"', "\"\""));
        format!("remuda data export {dataset} --split train --where {} -o {name}-unlabelled.csv", quoted(&missing))
    });
    (relabel, label)
}
