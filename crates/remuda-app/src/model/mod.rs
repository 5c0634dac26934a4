//! Models and their versions: list, show, add those that were trained elsewhere, export, load; `registry/` keeps the
//! names, numbered versions and aliases under which MLflow's clients know them.

mod add;
mod export;
mod interface;
mod load;
pub mod registry;
mod trial;

use crate::gate::EvaluationSummary;
use remuda_model::model::ModelVersion;
use remuda_model::model::registered::RegisteredVersion;
use remuda_model::run::MetricValue;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// List model versions, newest first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// Only this model.
    #[serde(default)]
    pub name: Option<String>,
}

/// Show a model version: what it reads, who made it, how it was evaluated.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Show {
    /// A model's name (its newest version), a version's digest or the beginning of it.
    pub model: String,
}

/// Register a model that was trained elsewhere: an ONNX file becomes a model version.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Add {
    /// The ONNX file. Over HTTP: the digest of an upload.
    #[schema(value_type = String)]
    pub file: PathBuf,
    /// The model's name; without it, the file's.
    #[arg(long = "as", value_name = "NAME")]
    #[serde(default)]
    pub name: Option<String>,
    /// The dataset (its newest version) or version that it was trained on; without it, the only dataset with a label.
    #[arg(long, value_name = "DATASET")]
    #[serde(default)]
    pub dataset: Option<String>,
    /// The run that made it; without it, a run of its own is noted.
    #[arg(long)]
    #[serde(default)]
    pub run: Option<String>,
    /// The columns of a matrix input, in its order: a,b,c. Inputs that are called as a column need none.
    #[arg(long, value_delimiter = ',', value_name = "COLUMNS")]
    #[serde(default)]
    pub features: Vec<String>,
    /// What the model's classes are called in the data, in the order of its scores: No,Yes.
    #[arg(long, value_delimiter = ',', value_name = "CLASSES")]
    #[serde(default)]
    pub classes: Vec<String>,
    /// The scores are logits, not probabilities.
    #[arg(long)]
    #[serde(default)]
    pub logits: bool,
    /// Rows with the training framework's own outputs: a table with the inputs, `prediction`, and `probability_CLASS` if it has
    /// them. Over HTTP: the digest of an upload.
    #[arg(long, value_name = "FILE")]
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    pub golden: Option<PathBuf>,
    /// The file's own name, when `file` is an upload.
    #[arg(skip)]
    #[serde(default)]
    pub source: Option<String>,
    /// The own name of `golden`, when it is an upload.
    #[arg(skip)]
    #[serde(default)]
    pub golden_source: Option<String>,
}

/// Write a model version as an ONNX file.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Export {
    /// A model's name (its newest version), a version's digest or the beginning of it.
    pub model: String,
    /// The file to write.
    #[arg(long, short, value_name = "FILE")]
    #[schema(value_type = String)]
    pub output: PathBuf,
}

/// What `model add` did.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AddedModel {
    /// The version.
    pub version: ModelVersion,
    /// It was registered before, in the same way: nothing was added.
    pub unchanged: bool,
    /// Metrics on validation.
    pub metrics: Vec<MetricValue>,
    /// What a person should know.
    pub notes: Vec<String>,
}

/// What `model export` did.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ExportedModel {
    /// The file.
    #[schema(value_type = String)]
    pub output: PathBuf,
    /// What a file of this version is called.
    pub file_name: String,
    /// The version.
    pub digest: Digest,
    /// Its size in bytes.
    pub bytes: u64,
    /// Over HTTP: where the file can be fetched, as a digest for `/api/v1/download/`.
    pub download: Option<String>,
}

/// Model versions.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Models {
    /// One each, newest first.
    pub models: Vec<ModelLine>,
}

/// A model version in a list.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ModelLine {
    /// The version.
    pub version: ModelVersion,
    /// Who made it.
    pub actor: String,
    /// When, microseconds since 1970.
    pub time: i64,
    /// Its metrics on validation.
    pub metrics: Vec<MetricValue>,
    /// How inputs weigh: name and share of the whole, greatest first.
    pub importance: Vec<(String, f64)>,
    /// What was noticed when it was made.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// A model version in full.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ModelPage {
    /// The version.
    pub line: ModelLine,
    /// Its evaluations, newest first.
    pub evaluations: Vec<EvaluationSummary>,
    /// Releases made of it.
    pub releases: Vec<String>,
    /// The registered versions that it is, newest first.
    #[serde(default)]
    pub registered: Vec<RegisteredVersion>,
}

use crate::app::App;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::pin::payload;
use crate::use_case::{Access, UseCase};
use remuda_ledger::FactQuery;
use remuda_model::Digest;
use remuda_model::fact::Fact;
use std::path::PathBuf;

pub use load::Cache;
pub(crate) use load::load;

/// What `model.made` keeps.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Made {
    /// The version.
    pub(crate) version: ModelVersion,
    /// Digest over everything that the training read.
    pub(crate) inputs: Digest,
    /// Metrics on validation.
    pub(crate) metrics: Vec<MetricValue>,
    /// How inputs weigh.
    pub(crate) importance: Vec<(String, f64)>,
    /// What the learner noticed.
    pub(crate) notes: Vec<String>,
    /// How long it took.
    pub(crate) seconds: f64,
}

impl UseCase for List {
    const NOUN: &'static str = "model";
    const VERB: &'static str = "list";
    const ACCESS: Access = Access::Read;
    const ABOUT: &'static str = "List model versions, newest first.";
    type Answer = Models;

    async fn run(self, app: &App, context: &Context) -> Result<Models> {
        let mut models = Vec::new();
        for fact in made_facts(app, context).await? {
            let made: Made = payload(&fact)?;
            if self.name.as_ref().is_none_or(|name| *name == made.version.name) {
                models.push(line(&fact, made));
            }
        }
        Ok(Models { models })
    }
}

impl UseCase for Show {
    const NOUN: &'static str = "model";
    const VERB: &'static str = "show";
    const ACCESS: Access = Access::Read;
    const ABOUT: &'static str = "Show a model version: what it reads, who made it, how it was evaluated.";
    type Answer = ModelPage;

    async fn run(self, app: &App, context: &Context) -> Result<ModelPage> {
        let line = resolve_model(app, context, &self.model).await?;
        let digest = &line.version.digest;
        let evaluations = crate::gate::evaluations(app, context)
            .await?
            .into_iter()
            .filter(|evaluation| evaluation.model == *digest)
            .map(|evaluation| evaluation.summary())
            .collect();
        let releases = crate::release::releases(app, context)
            .await?
            .into_iter()
            .filter(|release| release.model == *digest)
            .map(|release| release.digest.to_string())
            .collect();
        let registered = app.tracking(&context.product()?.name)?.registered_as(digest).await?;
        Ok(ModelPage { line, evaluations, releases, registered })
    }
}

async fn made_facts(app: &App, context: &Context) -> Result<Vec<Fact>> {
    let query =
        FactQuery { verbs: vec!["model.made".into()], newest_first: true, ..FactQuery::of(&context.product()?.name) };
    Ok(app.ledger.facts(&query).await?)
}

fn line(fact: &Fact, made: Made) -> ModelLine {
    ModelLine {
        version: made.version,
        actor: fact.fact.actor.clone(),
        time: fact.fact.time,
        metrics: made.metrics,
        importance: made.importance,
        notes: made.notes,
    }
}

/// The newest model that was made and fits.
pub(crate) async fn find_made(app: &App, context: &Context, fits: impl Fn(&Made) -> bool) -> Result<Option<Made>> {
    for fact in made_facts(app, context).await? {
        let made: Made = payload(&fact)?;
        if fits(&made) {
            return Ok(Some(made));
        }
    }
    Ok(None)
}

/// A model version by name (its newest version), digest or the beginning of one, or run (its last model).
pub(crate) async fn resolve_model(app: &App, context: &Context, text: &str) -> Result<ModelLine> {
    let mut models = List { name: None }.run(app, context).await?.models;
    if let Some(place) = models.iter().position(|line| line.version.name == text) {
        return Ok(models.swap_remove(place));
    }
    let wanted = text.strip_prefix("b3:").unwrap_or(text);
    let long_enough = wanted.len() >= 4;
    let fits = |line: &ModelLine| {
        long_enough && (line.version.digest.hex().starts_with(wanted) || line.version.run.starts_with(wanted))
    };
    let fitting: Vec<usize> = (0..models.len()).filter(|place| fits(&models[*place])).collect();
    let Some(first) = fitting.first() else {
        let names: Vec<&str> = models.iter().map(|line| line.version.name.as_str()).collect();
        let error = Error::not_found("model", text);
        return Err(match remuda_model::text::nearest(text, names.iter().copied()) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None if names.is_empty() => error.hint("`remuda run` trains the first one"),
            None => error.hint("`remuda model list` shows them"),
        });
    };
    let of_one_run = fitting.iter().all(|place| models[*place].version.run == models[*first].version.run);
    let of_one_digest = fitting.iter().all(|place| models[*place].version.digest == models[*first].version.digest);
    if of_one_run || of_one_digest {
        return Ok(models.swap_remove(*first));
    }
    let shorts: Vec<&str> = fitting.iter().map(|place| models[*place].version.digest.short()).collect();
    Err(Error::new("request.ambiguous", format!("`{text}` fits {}", shorts.join(", "))).hint("type more of it"))
}
