//! Making a product from a data file: infer, measure baselines, write definitions, add the first version.

use super::unfinished::{self, Unfinished};
use super::{Init, Initialised, MeasuredBaseline};
use crate::app::{App, Clock, Progress};
use crate::context::{Actor, Context, DefinitionFiles};
use crate::data::{add_file, read_format};
use crate::error::{Error, Result};
use crate::gate::propose_criteria;
use crate::pin::{self, Pins};
use crate::requirement::criteria_words;
use crate::run::Job;
use remuda_data::{InferRequest, Inference};
use remuda_ledger::{Append, FactQuery};
use remuda_model::Digest;
use remuda_model::data::{ColumnUse, DatasetVersion, FeatureKind, Task};
use remuda_model::diagnostic::Severity;
use remuda_model::fact::Link;
use remuda_model::requirement::{Requirement, StatedCriterion};
use remuda_model::run::{Action, Algorithm, Learn, MetricValue, Pipeline, Step};
use remuda_model::serving::Serving;
use remuda_model::team::{Member, Product, Risk};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What `product.created` keeps.
#[derive(Serialize)]
struct CreatedRecord<'a> {
    name: &'a str,
    task: Task,
    files: &'a [String],
}

/// Makes a product in a new folder under `parent`.
///
/// # Errors
/// The name, the file or the label cannot be used, or files are already there. Then nothing is left behind.
pub async fn init(
    parent: &Path,
    request: Init,
    actor: Actor,
    progress: Progress,
    ledger: Option<&str>,
) -> Result<Initialised> {
    init_at(parent, request, actor, progress, Place { ledger, clock: None }).await
}

/// Where and when a product is made: in a ledger elsewhere, on another clock.
#[derive(Default)]
pub(crate) struct Place<'a> {
    pub(crate) ledger: Option<&'a str>,
    pub(crate) clock: Option<Arc<dyn Clock>>,
}

/// [`init`], somewhere else or at another time.
pub(crate) async fn init_at(
    parent: &Path,
    request: Init,
    actor: Actor,
    progress: Progress,
    place: Place<'_>,
) -> Result<Initialised> {
    if !remuda_model::text::is_name(&request.name) {
        return Err(Error::new("request.invalid", format!("`{}` cannot be a product's name", request.name)).hint(
            format!("use lower case letters, digits, `-` and `_`: `{}`", remuda_model::text::to_name(&request.name)),
        ));
    }
    let risk = Risk::parse(&request.risk).ok_or_else(|| {
        Error::new("request.invalid", format!("`{}` is no risk", request.risk)).hint("write low, medium or high")
    })?;
    let folder = parent.join(&request.name);
    if folder.join("remuda.toml").exists() && !unfinished::is_unfinished(&folder) {
        return Err(Error::new("definition.exists", format!("{} is a product already", folder.display()))
            .hint("choose another name, or work there: `remuda status`"));
    }
    if request.from.is_dir() {
        return Err(Error::new("request.invalid", format!("{} is a folder, not a data file", request.from.display()))
            .hint(format!("name a file in it: `--from {}`", request.from.join("FILE.csv").display())));
    }
    if !request.from.is_file() {
        return Err(Error::not_found("file", &request.from.display().to_string())
            .hint("paths begin in the folder that you are in; check the spelling"));
    }
    let existed = folder.exists();
    let made = make(&folder, &request, risk, actor, progress, place).await;
    // A product that could not be made leaves no half of one.
    if made.is_err() && !existed {
        let _ = std::fs::remove_dir_all(&folder);
    } else if made.is_err() && unfinished::is_unfinished(&folder) {
        let _ = Unfinished::begin(&folder).and_then(Unfinished::done);
    }
    made
}

async fn make(
    folder: &Path,
    request: &Init,
    risk: Risk,
    actor: Actor,
    progress: Progress,
    place: Place<'_>,
) -> Result<Initialised> {
    let inference = infer(request, &progress).await?;
    let task = inference
        .task
        .ok_or_else(|| Error::new("data.unusable", format!("`{}` cannot serve as a label", request.label)))?;
    if let Some(fatal) = inference.oddities.iter().find(|oddity| oddity.severity == Severity::Error) {
        return Err(Error::new("data.unusable", fatal.message.clone()).hint(fatal.advice.clone()));
    }
    if !inference.contract.columns.iter().any(|column| column.column_use == ColumnUse::Feature) {
        let file = request.from.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let message = format!("{file} has no column from which `{}` could be predicted", request.label);
        let left = inference.oddities.iter().find(|oddity| oddity.column.is_some() && !oddity.advice.is_empty());
        let left = left.map(|oddity| format!("{}: {}", oddity.message, oddity.advice));
        let error = Error::new("data.unusable", message).hint("add columns that are known before the outcome is");
        return Err(match left {
            Some(left) => error.hint(left),
            None => error,
        });
    }
    std::fs::create_dir_all(folder).map_err(|source| {
        Error::new("repository.unusable", format!("cannot make the folder {}", folder.display())).caused_by(&source)
    })?;
    let mut unfinished = Unfinished::begin(folder)?;
    let product = product_of(request, risk, &actor);
    let member = product.members[0].clone();
    let pipeline = pipeline_of(&request.name);
    let mut contract = inference.contract.clone();
    if let Some(label) = contract.columns.iter_mut().find(|column| column.name == request.label) {
        label.kind = Some(if task == Task::Regression { FeatureKind::Number } else { FeatureKind::Category });
    }
    let mut texts = vec![
        ("remuda.toml".to_owned(), remuda_repo::render::product(&product)),
        (format!("data/{}.odcs.yaml", contract.name), remuda_repo::render::contract(&contract)),
        ("pipeline.toml".to_owned(), remuda_repo::render::pipeline(&pipeline)),
        ("serving.toml".to_owned(), remuda_repo::render::serving(&Serving::usual(&product.name))),
    ];
    unfinished.will_write(&texts)?;
    write(folder, &texts)?;
    // The first version and the baselines come before the requirement, because its thresholds are taken from them.
    let mut app = App::open_unfinished(&ledger_folder(folder), place.ledger).await?;
    if let Some(clock) = place.clock {
        app = app.with_clock(clock);
    }
    refuse_known(&app, &product.name).await?;
    let context = context_of(&texts, folder, &actor)?.with_progress(Arc::clone(&progress));
    let source = request.from.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let format = read_format(request.format.as_deref(), &source)?;
    let added = add_file(&app, &context, &contract.name, &request.from, &source, format).await?;
    let baselines = measure(&app, &context, &added.version).await?;
    let requirement = requirement_of(request, task, &contract, &member, &baselines)?;
    let path = format!("requirements/{}.md", requirement.name);
    texts.push((path, remuda_repo::render::requirement(&requirement)));
    unfinished.will_write(&texts[texts.len() - 1..])?;
    write(folder, &texts[texts.len() - 1..])?;
    let mut files: Vec<String> = texts.iter().map(|(path, _)| path.clone()).collect();
    let repository = remuda_repo::git::init(folder, &files)?;
    if repository.ignore_changed {
        files.push(".gitignore".to_owned());
    }
    let context = context_of(&texts, folder, &actor)?;
    context.need_sound()?;
    append_created(&app, &context, task, &files).await?;
    app.close().await;
    unfinished.done()?;
    Ok(Initialised {
        folder: folder.to_owned(),
        files,
        criteria: criteria_words(&requirement, contract.positive.as_deref()),
        contract,
        task,
        oddities: inference.oddities,
        baselines,
        version: added.version,
        member,
    })
}

/// A ledger that several folders share has each product once.
async fn refuse_known(app: &App, product: &str) -> Result<()> {
    let query = FactQuery { verbs: vec!["product.created".into()], limit: Some(1), ..FactQuery::of(product) };
    if app.ledger.facts(&query).await?.is_empty() {
        return Ok(());
    }
    Err(Error::new("definition.exists", format!("the ledger has a product `{product}` already"))
        .hint("choose another name; or, if it is that one, clone its repository instead of making it anew"))
}

async fn infer(request: &Init, progress: &Progress) -> Result<Inference> {
    let (source, name, label) = (request.from.clone(), request.name.clone(), request.label.clone());
    let file_name = source.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let format = read_format(request.format.as_deref(), &file_name)?;
    let progress = Arc::clone(progress);
    let work = move || {
        let request = InferRequest { source: &source, format: Some(format), name: &name, label: Some(&label) };
        let mut tell = |done: u64, total: u64| progress(done as f64 / total.max(1) as f64, "looking at the file");
        remuda_data::infer(&request, &mut tell)
    };
    Ok(tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::new("internal", "looking at the file stopped").caused_by(&error))??)
}

fn write(folder: &Path, texts: &[(String, String)]) -> Result<()> {
    let files: Vec<(&str, &str)> = texts.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    remuda_repo::scaffold(folder, &files)?;
    Ok(())
}

fn context_of(texts: &[(String, String)], folder: &Path, actor: &Actor) -> Result<Context> {
    let files = DefinitionFiles(texts.iter().cloned().collect());
    Ok(Context::new(files, Some(folder.to_owned()), actor.clone()))
}

/// A product of one member, who holds every role and says so.
fn product_of(request: &Init, risk: Risk, actor: &Actor) -> Product {
    Product { risk, ..super::bare::bare(&request.name, actor) }
}

fn pipeline_of(dataset: &str) -> Pipeline {
    let step = |name: &str, algorithm| Step {
        name: name.to_owned(),
        action: Action::Learn(Learn { algorithm, dataset: dataset.to_owned(), features: Vec::new(), seed: 1 }),
        inputs: Vec::new(),
        outputs: Vec::new(),
        parameters: std::collections::BTreeMap::new(),
        model: None,
    };
    Pipeline {
        steps: vec![
            step("majority", Algorithm::Majority),
            step("linear", Algorithm::Linear),
            step("trees", Algorithm::Trees),
        ],
    }
}

/// Trains the constant and the linear model and measures them on validation. Neither is stored.
async fn measure(app: &App, context: &Context, version: &DatasetVersion) -> Result<Vec<MeasuredBaseline>> {
    let contract = &context.need_contract(&version.dataset)?.value;
    let pipeline = pipeline_of(&version.dataset);
    let mut measured = Vec::new();
    for step in pipeline.steps.iter().take(2) {
        let Action::Learn(learn) = &step.action else { continue };
        context.tell(0.5, &format!("measuring the {} baseline", step.name));
        let trained = Job { step, learn, contract, version }.train(app, context).await?;
        measured.push(MeasuredBaseline { name: step.name.clone(), metrics: trained.metrics });
    }
    Ok(measured)
}

fn requirement_of(
    request: &Init,
    task: Task,
    contract: &remuda_model::data::Contract,
    member: &Member,
    baselines: &[MeasuredBaseline],
) -> Result<Requirement> {
    let of = |name: &str| -> &[MetricValue] {
        baselines.iter().find(|baseline| baseline.name == name).map_or(&[], |baseline| &baseline.metrics)
    };
    let proposed = propose_criteria(task, contract.positive.as_deref(), of("linear"), of("majority"));
    let mut criteria = Vec::new();
    for text in proposed {
        let criterion = remuda_model::gate::parse(&text).map_err(|error| {
            Error::new("internal", format!("proposed an unreadable criterion `{text}`")).caused_by(&error)
        })?;
        criteria.push(StatedCriterion { text, criterion, line: 0 });
    }
    let prose = format!(
        "# Why\n\nSay here what the business does with the prediction of `{}`, what a mistake costs, and who is hurt by it.\n\n\
         # Where the thresholds come from\n\nThey were proposed by `remuda init` from a linear model measured on the validation\n\
         split, with room for the noise of a holdout. They are a floor to argue about, not a goal.\n",
        request.label
    );
    Ok(Requirement {
        name: request.name.clone(),
        goal: format!("Predict `{}` well enough to act on it", request.label),
        owner: member.name.clone(),
        dataset: contract.name.clone(),
        criteria,
        looks: None,
        prose,
        digest: Digest::of(b""),
    })
}

async fn append_created(app: &App, context: &Context, task: Task, files: &[String]) -> Result<()> {
    let product = context.product()?;
    let mut pins = Pins::default();
    for path in files {
        pins.add(context, path);
    }
    let record = CreatedRecord { name: &product.name, task, files };
    let mut links = vec![Link::makes("product", product.name.as_str())];
    links.extend(pins.links);
    let fact = pin::fact(app, context, "product.created", product.name.as_str(), &record, links)?;
    let append = Append { facts: vec![fact], definitions: pins.definitions, ..Append::default() };
    app.ledger.append(&product.name, append).await?;
    Ok(())
}

/// Where a product's ledger lies.
pub fn ledger_folder(root: &Path) -> PathBuf {
    root.join(".remuda")
}
