//! Registering a model that was trained elsewhere. Whoever trained it, it becomes a candidate like our own: the same
//! facts, the same golden rows, the same way to a release.

use super::trial::{Trial, Tried};
use super::{Add, AddedModel, Made, find_made, interface, made_facts};
use crate::app::App;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::pin::{self, Pins, payload};
use crate::run::{Recorded, append_recorded, label_column, noted_end, noted_start};
use crate::use_case::{Access, UseCase};
use remuda_data::ReadRequest;
use remuda_learn::{Given, GivenAnswers};
use remuda_ledger::Append;
use remuda_model::Digest;
use remuda_model::data::{ColumnType, Contract, DatasetVersion, FeatureKind, Split};
use remuda_model::fact::Link;
use remuda_model::model::ModelVersion;
use remuda_repo::Defined;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// Part of the inputs' digest: raised when registering changes.
const REGISTRATION: &str = "remuda registered model 1";
/// A greater file is refused: Protocol Buffers end at 2 GiB, and a model is held in memory.
const MOST_BYTES: u64 = 1 << 30;
/// Training rows on which a model is tried.
const TRIAL_ROWS: usize = 2000;
/// The most rows of a training framework that are read.
const MOST_GIVEN: usize = 10_000;
/// What stands before a class in the name of a column of probabilities.
const PROBABILITY: &str = "probability_";

/// Everything that a registration rests on.
struct Registration<'a> {
    name: String,
    contract: &'a Defined<Contract>,
    version: DatasetVersion,
    /// The bytes, with what was declared.
    onnx: Vec<u8>,
    /// Digest over all of it.
    inputs: Digest,
}

impl UseCase for Add {
    const NOUN: &'static str = "model";
    const VERB: &'static str = "add";
    const ACCESS: Access = Access::Write;
    const ABOUT: &'static str = "Register a model that was trained elsewhere: an ONNX file becomes a model version.";
    type Answer = AddedModel;

    async fn run(self, app: &App, context: &Context) -> Result<AddedModel> {
        let started = Instant::now();
        let file = app.request_file(context, &self.file, self.source.as_deref())?;
        let given_bytes = read_file(&file.path, &file.name)?;
        let run = match &self.run {
            Some(run) => Some(crate::run::find_run(app, context, run).await?.run),
            None => None,
        };
        let (contract, version) = trained_on(app, context, self.dataset.as_deref()).await?;
        let interface = interface::map(&remuda_learn::inspect(&given_bytes)?, &contract.value, &self)?;
        let given = self.given(app, context, &contract.value, &interface.columns)?;
        let onnx = remuda_learn::with_reading(&given_bytes, &interface.reading)?;
        let golden = given.as_ref().map(|(_, digest)| digest.as_str()).unwrap_or_default();
        let fields =
            [REGISTRATION, Digest::of(&onnx).as_str(), contract.digest.as_str(), version.digest.as_str(), golden]
                .map(str::to_owned);
        let inputs = Digest::of_fields(fields.iter().map(String::as_bytes));
        let name = model_name(self.name.as_deref(), &file.name)?;
        let registration = Registration { name, contract, version, onnx, inputs };
        if let Some(made) = registration.known(app, context).await? {
            return keep(app, context, run.as_deref(), made).await;
        }
        let tried = registration.try_out(app, context, interface.columns, given.map(|(given, _)| given)).await?;
        registration.refuse_two_meanings(app, context, &tried).await?;
        let notes = [interface.notes, vec![UNSEEN.to_owned()]].concat();
        registration.store(app, context, run, &file.name, tried, notes, started).await
    }
}

/// What remuda cannot know about a model from elsewhere.
const UNSEEN: &str = "remuda did not see which rows it learned from: train on `remuda data export NAME --split train`";

fn read_file(path: &Path, name: &str) -> Result<Vec<u8>> {
    let unreadable =
        |source: &std::io::Error| Error::new("model.unusable", format!("cannot read {name}")).caused_by(source);
    let bytes = std::fs::metadata(path).map_err(|source| unreadable(&source))?.len();
    if bytes > MOST_BYTES {
        return Err(Error::new("model.unusable", format!("{name} is larger than 1 GiB")));
    }
    std::fs::read(path).map_err(|source| unreadable(&source))
}

fn model_name(asked: Option<&str>, file_name: &str) -> Result<String> {
    let stem = Path::new(file_name).file_stem().map_or(file_name.into(), |stem| stem.to_string_lossy());
    let usual = remuda_model::text::to_name(&stem);
    match asked {
        None => Ok(usual),
        Some(name) if remuda_model::text::is_name(name) => Ok(name.to_owned()),
        Some(name) => Err(Error::new("request.invalid", format!("`{name}` cannot be a model's name")).hint(format!(
            "use lower case letters, digits, `-` and `_`: `--as {}`",
            remuda_model::text::to_name(name)
        ))),
    }
}

/// The version that a model was trained on, and the contract in force.
async fn trained_on<'a>(
    app: &App,
    context: &'a Context,
    asked: Option<&str>,
) -> Result<(&'a Defined<Contract>, DatasetVersion)> {
    let text = match asked {
        Some(text) => text.to_owned(),
        None => {
            let labelled = context.definitions.contracts.iter().filter(|contract| contract.value.label().is_some());
            let names: Vec<&str> = labelled.map(|contract| contract.value.name.as_str()).collect();
            match names.as_slice() {
                [only] => (*only).to_owned(),
                [] => {
                    context.need_sound()?;
                    return Err(Error::new("definition.missing", "no contract has a label, so no model has a purpose"));
                }
                several => {
                    let message = format!("which dataset was it trained on? There are {}", several.join(", "));
                    return Err(Error::new("request.invalid", message).hint(format!("`--dataset {}`", several[0])));
                }
            }
        }
    };
    let version = crate::data::resolve_version(app, context, &text).await?.version;
    Ok((context.need_contract(&version.dataset)?, version))
}

impl Add {
    /// The training framework's own rows, with the digest of their file.
    fn given(
        &self,
        app: &App,
        context: &Context,
        contract: &Contract,
        columns: &[(String, FeatureKind)],
    ) -> Result<Option<(Given, Digest)>> {
        let Some(golden) = &self.golden else { return Ok(None) };
        let file = app.request_file(context, golden, self.golden_source.as_deref())?;
        let format = crate::data::read_format(None, &file.name)?;
        let typed = with_floats(contract, columns);
        let mut chunks = remuda_data::chunks(&file.path, Some(format), Some(&typed), MOST_GIVEN)?;
        let rows = chunks.next().transpose()?.filter(|rows| !rows.is_empty());
        let rows = rows.ok_or_else(|| Error::new("data.unusable", format!("{} has no rows", file.name)))?;
        if !rows.has("prediction") {
            return Err(Error::new("data.unusable", format!("{} has no column `prediction`", file.name))
                .hint("put the training framework's own answers there, beside the columns that the model reads"));
        }
        let label = label_column(contract)?;
        let answers = if crate::run::has_classes(contract, label) {
            let mut probabilities = Vec::new();
            for (column, _) in rows.columns() {
                if let Some(class) = column.strip_prefix(PROBABILITY) {
                    probabilities.push((class.to_owned(), numbers(&rows, &column)?));
                }
            }
            GivenAnswers::Classes { chosen: words(&rows, "prediction")?, probabilities }
        } else {
            GivenAnswers::Numbers(numbers(&rows, "prediction")?)
        };
        let digest = Digest::of(&std::fs::read(&file.path)?);
        Ok(Some((Given { table: rows.table(columns)?, answers }, digest)))
    }
}

/// Training code mostly holds whole numbers as floats and writes `3.0`: what a model reads as a number is read as one.
fn with_floats(contract: &Contract, columns: &[(String, FeatureKind)]) -> Contract {
    let mut contract = contract.clone();
    for column in contract.columns.iter_mut().filter(|column| column.column_type == ColumnType::Integer) {
        if columns.iter().any(|(name, kind)| *name == column.name && *kind == FeatureKind::Number) {
            column.column_type = ColumnType::Number;
        }
    }
    contract
}

fn words(rows: &remuda_data::Rows, column: &str) -> Result<Vec<String>> {
    let texts = rows.text(column)?;
    let word = |row: usize| {
        let missing = || Error::new("data.unusable", format!("row {} has no `{column}`", row + 1));
        texts.get(row).map(str::to_owned).ok_or_else(missing)
    };
    (0..rows.len()).map(word).collect()
}

fn numbers(rows: &remuda_data::Rows, column: &str) -> Result<Vec<f64>> {
    let number = |(row, word): (usize, &String)| {
        let odd = || Error::new("data.unusable", format!("row {}: `{column}` is {word}, which is no number", row + 1));
        word.trim().parse::<f64>().ok().filter(|number| number.is_finite()).ok_or_else(odd)
    };
    words(rows, column)?.iter().enumerate().map(number).collect()
}

/// The very same was registered before: nothing is added, and a run that made it again is told so.
async fn keep(app: &App, context: &Context, run: Option<&str>, made: Made) -> Result<AddedModel> {
    if let Some(run) = run.filter(|run| *run != made.version.run) {
        let recorded =
            Recorded { metrics: made.metrics.clone(), model: Some(made.version.clone()), ..Recorded::default() };
        let links = vec![Link::uses("model_version", made.version.digest.as_str())];
        append_recorded(app, context, run, &recorded, links).await?;
    }
    Ok(AddedModel { version: made.version, unchanged: true, metrics: made.metrics, notes: made.notes })
}

impl Registration<'_> {
    async fn known(&self, app: &App, context: &Context) -> Result<Option<Made>> {
        find_made(app, context, |made| made.inputs == self.inputs && made.version.name == self.name).await
    }

    async fn try_out(
        &self,
        app: &App,
        context: &Context,
        columns: Vec<(String, FeatureKind)>,
        given: Option<Given>,
    ) -> Result<Tried> {
        let contract = &self.contract.value;
        let read = async |split, limit| {
            let request = ReadRequest { split: Some(split), columns: None, filter: None, limit };
            crate::data::read_rows(app, &self.version, Some(contract), request).await
        };
        context.tell(0.0, "reading rows");
        let trial = Trial {
            onnx: self.onnx.clone(),
            runtime: Arc::clone(&app.runtime),
            label: label_column(contract)?.clone(),
            contract: contract.clone(),
            columns,
            train: read(Split::Train, Some(TRIAL_ROWS)).await?,
            validation: read(Split::Validation, None).await?,
            given,
        };
        context.tell(0.5, "trying the model");
        tokio::task::spawn_blocking(move || trial.run())
            .await
            .map_err(|error| Error::new("internal", "trying the model stopped").caused_by(&error))?
    }

    /// A model is known by its bytes, so the same bytes cannot mean two things.
    async fn refuse_two_meanings(&self, app: &App, context: &Context, tried: &Tried) -> Result<()> {
        let digest = Digest::of(&self.onnx);
        for fact in made_facts(app, context).await? {
            let made: Made = payload(&fact)?;
            if made.version.digest == digest && made.version.signature != tried.signature {
                let message = format!(
                    "this very file is model `{}` already, which predicts `{}`",
                    made.version.name, made.version.signature.label
                );
                return Err(
                    Error::new("model.unusable", message).hint("export it again under another name of its graph")
                );
            }
        }
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "a model's fact has these parts")]
    async fn store(
        self,
        app: &App,
        context: &Context,
        run: Option<String>,
        file_name: &str,
        tried: Tried,
        notes: Vec<String>,
        started: Instant,
    ) -> Result<AddedModel> {
        let bytes = self.onnx.len() as u64;
        let digest = app.blobs.put(self.onnx).await?;
        let golden = app.blobs.put(tried.golden).await?;
        let own_run = if run.is_none() { Some(app.ids.short()) } else { None };
        let version = ModelVersion {
            digest: digest.clone(),
            name: self.name,
            run: run.or_else(|| own_run.clone()).unwrap_or_default(),
            algorithm: None,
            signature: tried.signature,
            trained_on: Some(self.version.digest.clone()),
            golden,
            bytes,
            engine: tried.engine,
        };
        let made = Made {
            version,
            inputs: self.inputs,
            metrics: tried.metrics,
            importance: Vec::new(),
            notes: [tried.notes, notes].concat(),
            seconds: started.elapsed().as_secs_f64(),
        };
        let mut pins = Pins::default();
        pins.add(context, "pipeline.toml");
        pins.add(context, &self.contract.path);
        let mut links = vec![
            Link::makes("model_version", digest.as_str()),
            Link::uses("run", made.version.run.as_str()),
            Link::uses("dataset_version", self.version.digest.as_str()),
        ];
        links.extend(pins.links);
        let mut facts = Vec::new();
        let command = format!("remuda model add {file_name}");
        if let Some(own) = &own_run {
            facts.push(noted_start(app, context, own, &command, "trained elsewhere")?);
        }
        facts.push(pin::fact(app, context, "model.made", digest.as_str(), &made, links)?);
        if let Some(own) = &own_run {
            facts.push(noted_end(app, context, own)?);
        }
        let append = Append { facts, definitions: pins.definitions, ..Append::default() };
        app.ledger.append(&context.product()?.name, append).await?;
        Ok(AddedModel { version: made.version, unchanged: false, metrics: made.metrics, notes: made.notes })
    }
}
