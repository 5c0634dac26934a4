//! `analysis require`: put a slice under a criterion of a requirement, by one line more in its file.

use super::chosen::{self, choose, is_number};
use super::keep::{criterion_on, newest, usual_claim};
use super::{Show, Sliced};
use crate::app::App;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::use_case::{Access, UseCase};
use remuda_model::requirement::Requirement;
use remuda_repo::Defined;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Put a slice under a criterion: one line more in a requirement.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Require {
    /// The slice: its number in the analysis, or its name in `slices.toml`.
    pub slice: String,
    /// What to demand of its rows, such as "recall of yes >= 0.8"; without it, what all rows reach.
    #[arg(long, value_name = "METRIC >= NUMBER")]
    #[serde(default)]
    pub criterion: Option<String>,
    /// The analysis: its id, or a candidate; without it, the newest.
    #[arg(long = "of", value_name = "ANALYSIS", default_value = "newest")]
    #[serde(default = "newest")]
    pub analysis: String,
    /// The requirement; without it, the only one on the slice's dataset.
    #[arg(long = "in", value_name = "REQUIREMENT")]
    #[serde(default)]
    pub requirement: Option<String>,
}

/// What `analysis require` wrote.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Required {
    /// The requirement.
    pub requirement: String,
    /// Its file.
    pub file: String,
    /// The line that the criterion stands on.
    pub line: u32,
    /// The criterion.
    pub criterion: String,
    /// What it says, in words.
    pub words: String,
    /// Doubts about it; it was written all the same.
    pub doubts: Vec<String>,
}

impl UseCase for Require {
    const NOUN: &'static str = "analysis";
    const VERB: &'static str = "require";
    const ACCESS: Access = Access::Write;
    const ABOUT: &'static str = "Put a slice under a criterion of a requirement, in the folder that is served.";
    type Answer = Required;

    async fn run(self, app: &App, context: &Context) -> Result<Required> {
        let sliced = match is_number(&self.slice) {
            true => Some(Show { analysis: self.analysis.clone() }.run(app, context).await?),
            false => None,
        };
        require(context, &self, sliced.as_ref())
    }
}

/// Writes a criterion on a slice into a requirement of the product's folder. `sliced` is the analysis that its number is of.
///
/// # Errors
/// No such slice or requirement, a criterion that cannot be read or stands there already, a file that cannot be written.
pub fn require(context: &Context, request: &Require, sliced: Option<&Sliced>) -> Result<Required> {
    let chosen = choose(context, &request.slice, sliced)?;
    let claim = match (&request.criterion, chosen.found) {
        (Some(claim), _) => claim.clone(),
        (None, Some((sliced, _))) => usual_claim(sliced),
        (None, None) => {
            return Err(Error::new("request.invalid", format!("what is demanded of `{}`?", request.slice))
                .hint("say it with `--criterion \"accuracy >= 0.8\"`"));
        }
    };
    let (criterion, words) = criterion_on(context, &claim, &chosen.dataset, &chosen.filter)?;
    let requirement = requirement_for(context, request.requirement.as_deref(), &chosen.dataset)?;
    let (name, path) = (requirement.value.name.clone(), requirement.path.clone());
    if let Some(stated) = requirement.value.criteria.iter().find(|stated| stated.criterion == criterion) {
        return Err(Error::new("definition.exists", format!("`{path}` demands this already, in line {}", stated.line))
            .hint(format!("`remuda requirement show {name}` shows it")));
    }
    let written = criterion.to_string();
    let text = chosen::text_of(context, &path)?;
    let edited = remuda_repo::edit::add_criterion(&text, &written).ok_or_else(|| {
        Error::new("definition.invalid", format!("`{path}` has no list of criteria"))
            .hint(format!("add the line yourself: {written}"))
    })?;
    let next = chosen::write(context, &path, &edited)?;
    let stated = next.requirement(&name)?.value.criteria.iter().find(|stated| stated.criterion == criterion);
    Ok(Required {
        requirement: name,
        line: stated.map_or(0, |stated| stated.line),
        doubts: remuda_model::gate::lint(&criterion).iter().map(ToString::to_string).collect(),
        file: path,
        criterion: written,
        words,
    })
}

/// The requirement that was named, or the only one on the dataset.
fn requirement_for<'a>(context: &'a Context, name: Option<&str>, dataset: &str) -> Result<&'a Defined<Requirement>> {
    if let Some(name) = name {
        let found = context.requirement(name)?;
        if found.value.dataset != dataset {
            let message = format!("`{name}` is decided on `{}`, and the slice is of `{dataset}`", found.value.dataset);
            return Err(Error::new("request.invalid", message).hint("name a requirement on the same dataset"));
        }
        return Ok(found);
    }
    let on_it = context.definitions.requirements.iter().filter(|one| one.value.dataset == dataset);
    match on_it.collect::<Vec<_>>().as_slice() {
        [only] => Ok(only),
        [] => {
            let broken: Vec<_> =
                context.errors().into_iter().filter(|found| found.file.starts_with("requirements/")).collect();
            if !broken.is_empty() {
                return Err(Error::definitions(broken));
            }
            Err(Error::new("definition.missing", format!("no requirement is on `{dataset}`")).hint(format!(
                "write `requirements/NAME.md` with `data = \"{dataset}\"`; `remuda check` says what it needs"
            )))
        }
        several => {
            let names: Vec<&str> = several.iter().map(|one| one.value.name.as_str()).collect();
            Err(Error::new("request.ambiguous", format!("`{dataset}` has {} requirements", several.len()))
                .hint(format!("name one with `--in`: {}", names.join(", "))))
        }
    }
}
