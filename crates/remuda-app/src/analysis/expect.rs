//! `analysis expect`: turn a slice into a behavioural test, by one table more in a file of `tests/`.

use super::chosen::{self, Chosen, choose, is_number};
use super::keep::newest;
use super::{Show, Sliced};
use crate::app::App;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::run::has_classes;
use crate::use_case::{Access, UseCase};
use remuda_model::data::{ColumnType, Contract};
use remuda_model::text;
use remuda_repo::render::SliceTest;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The most rows that such a test draws: a floor is to be quick.
const ROWS: u64 = 1_000;

/// Turn a slice into a behavioural test: rows of it must get the label that they carry.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The slice: its number in the analysis, or its name in `slices.toml`.
    pub slice: String,
    /// The share of its rows that must be right, such as 0.8; without it, what all rows reach.
    #[arg(long, value_name = "SHARE")]
    #[serde(default)]
    pub pass_rate: Option<f64>,
    /// The analysis: its id, or a candidate; without it, the newest.
    #[arg(long = "of", value_name = "ANALYSIS", default_value = "newest")]
    #[serde(default = "newest")]
    pub analysis: String,
    /// The file of tests, without folder and ending.
    #[arg(long = "in", value_name = "TESTS", default_value = "slices")]
    #[serde(default = "slices")]
    pub tests: String,
    /// The test's name; without it, the slice's, or what its predicate says.
    #[arg(long)]
    #[serde(default)]
    pub name: Option<String>,
    /// What it is a test of: the row of the matrix that it stands in.
    #[arg(long, default_value = "slices")]
    #[serde(default = "slices")]
    pub capability: String,
}

fn slices() -> String {
    "slices".to_owned()
}

/// What `analysis expect` wrote.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Expected {
    /// The test, as `--test` of `analysis test` takes it: FILE/NAME.
    pub test: String,
    /// The file that it stands in.
    pub file: String,
    /// The line where it begins.
    pub line: u32,
    /// Which rows of validation it is made of.
    pub filter: String,
    /// The share that must be right.
    pub pass_rate: f64,
}

impl UseCase for Expect {
    const NOUN: &'static str = "analysis";
    const VERB: &'static str = "expect";
    const ACCESS: Access = Access::Write;
    const ABOUT: &'static str = "Turn a slice into a behavioural test, in the folder that is served.";
    type Answer = Expected;

    async fn run(self, app: &App, context: &Context) -> Result<Expected> {
        let sliced = match is_number(&self.slice) {
            true => Some(Show { analysis: self.analysis.clone() }.run(app, context).await?),
            false => None,
        };
        expect(context, &self, sliced.as_ref())
    }
}

/// Writes a behavioural test over a slice into `tests/` of the product's folder. `sliced` is the analysis that its number
/// is of.
///
/// # Errors
/// No such slice, labels that are numbers, rows that only a model's answer selects, a name that is taken, a file that
/// cannot be written.
pub fn expect(context: &Context, request: &Expect, sliced: Option<&Sliced>) -> Result<Expected> {
    let chosen = choose(context, &request.slice, sliced)?;
    let contract = &context.need_contract(&chosen.dataset)?.value;
    let filter = rows_of(&chosen, contract)?;
    let pass_rate = pass_rate(request, &chosen)?;
    if !text::is_name(&request.tests) {
        return Err(Error::new("request.invalid", format!("`{}` cannot be the name of tests", request.tests))
            .hint(format!("use lower case letters, digits, `-` and `_`: `{}`", text::to_name(&request.tests))));
    }
    let path = format!("tests/{}.toml", request.tests);
    let name = name_of(request, &chosen);
    let known = context.definitions.tests.iter().find(|file| file.path == path);
    if known.is_some_and(|file| file.value.tests.iter().any(|test| test.name == name)) {
        return Err(Error::new("definition.exists", format!("`{path}` has a test `{name}` already"))
            .hint("choose another name with `--name`, or change the file"));
    }
    let several = context.definitions.contracts.len() > 1;
    if let Some(file) = known
        && file.value.dataset.as_deref().map_or(several, |dataset| dataset != chosen.dataset)
    {
        let message = format!("`{path}` is not about rows of `{}`", chosen.dataset);
        return Err(Error::new("request.invalid", message).hint("name another file with `--in`"));
    }
    let test = SliceTest {
        name: name.clone(),
        about: chosen.why.clone(),
        capability: request.capability.trim().to_owned(),
        filter: filter.clone(),
        limit: ROWS,
        pass_rate,
    };
    let content = match chosen::text_of(context, &path)? {
        empty if empty.trim().is_empty() => remuda_repo::render::slice_tests(&chosen.dataset),
        content => content,
    };
    let content = remuda_repo::edit::append(&content, &remuda_repo::render::slice_test(&test));
    let next = chosen::write(context, &path, &content)?;
    let written = next.definitions.tests.iter().find(|file| file.path == path);
    let written = written.and_then(|file| file.value.tests.iter().find(|test| test.name == name));
    Ok(Expected {
        test: format!("{}/{name}", request.tests),
        file: path,
        line: written.map_or(0, |test| test.line),
        filter,
        pass_rate,
    })
}

/// The rows that the test is made of: those of the slice, and of one class where only that class was looked at.
fn rows_of(chosen: &Chosen<'_>, contract: &Contract) -> Result<String> {
    let label = contract.label().filter(|label| has_classes(contract, label)).ok_or_else(|| {
        Error::new("analysis.not_ready", "labels that are numbers are rarely met exactly, so no test can expect them")
            .hint("put the slice under a criterion: `remuda analysis require`")
    })?;
    let columns: Vec<(String, ColumnType)> =
        contract.columns.iter().map(|column| (column.name.clone(), column.column_type)).collect();
    remuda_data::check_predicate(&chosen.filter, &columns).map_err(|error| {
        Error::new("analysis.not_ready", format!("the rows of this test cannot be chosen: {}", error.message)).hint(
            "a behavioural test draws its rows before a model answers: it cannot select by `prediction` or `score`",
        )
    })?;
    let class = chosen.found.and_then(|(sliced, _)| sliced.metric.strip_prefix("recall of "));
    Ok(match class {
        Some(class) => {
            let column = label.name.replace('"', "\"\"");
            let class = match label.column_type {
                ColumnType::String => format!("'{}'", class.replace('\'', "''")),
                _ => class.to_owned(),
            };
            format!("({}) AND \"{column}\" = {class}", chosen.filter)
        }
        None => chosen.filter.clone(),
    })
}

fn pass_rate(request: &Expect, chosen: &Chosen<'_>) -> Result<f64> {
    if let Some(share) = request.pass_rate {
        if share > 0.0 && share <= 1.0 {
            return Ok(share);
        }
        return Err(Error::new("request.invalid", format!("a share of {} cannot be right", text::number(share)))
            .hint("write a number above 0 and up to 1, such as `--pass-rate 0.8`"));
    }
    // Of other losses the share of right rows does not follow.
    let is_share = |metric: &str| metric == "accuracy" || metric.starts_with("recall of ");
    match chosen.found {
        Some((sliced, _)) if is_share(&sliced.metric) => {
            let reached = 1.0 - sliced.overall.value.unwrap_or(0.0);
            Ok(((reached * 20.0).floor() / 20.0).max(0.05))
        }
        _ => Err(Error::new("request.invalid", "how many of the slice's rows must be right?")
            .hint("say it with `--pass-rate 0.8`")),
    }
}

fn name_of(request: &Expect, chosen: &Chosen<'_>) -> String {
    match (&request.name, &chosen.name) {
        (Some(name), _) => name.clone(),
        (None, Some(name)) => name.clone(),
        (None, None) => text::to_name(&chosen.filter),
    }
}
