//! Trying a model from elsewhere: which engine runs it, whether its answers fit the label, what it is worth on validation.

use crate::error::{Error, Result, with_runtime_hints};
use crate::gate::validation_metrics;
use crate::run::{Examples, GOLDEN_ROWS, examples, has_classes, positive_of, task_of};
use remuda_data::Rows;
use remuda_learn::{Given, LearnError, OnnxRuntime, Predictions, Predictor, Target};
use remuda_model::data::{Column, Contract, FeatureKind};
use remuda_model::label::LabelSpace;
use remuda_model::model::{Engine, ModelSignature};
use remuda_model::run::MetricValue;
use remuda_model::text;
use std::sync::Arc;

/// What a trial needs. It runs on a thread that may block.
pub(super) struct Trial {
    /// The bytes, with what was declared.
    pub(super) onnx: Vec<u8>,
    /// Where ONNX Runtime may lie.
    pub(super) runtime: Arc<OnnxRuntime>,
    /// The contract.
    pub(super) contract: Contract,
    /// Its label.
    pub(super) label: Column,
    /// The columns that the model reads.
    pub(super) columns: Vec<(String, FeatureKind)>,
    /// Training rows.
    pub(super) train: Rows,
    /// Validation rows.
    pub(super) validation: Rows,
    /// Rows of the training framework.
    pub(super) given: Option<Given>,
}

/// A model that runs.
pub(super) struct Tried {
    /// On which engine.
    pub(super) engine: Engine,
    /// What it reads and answers.
    pub(super) signature: ModelSignature,
    /// Its golden rows, as JSON.
    pub(super) golden: Vec<u8>,
    /// Metrics on validation.
    pub(super) metrics: Vec<MetricValue>,
    /// What a person should know.
    pub(super) notes: Vec<String>,
}

/// What to do where a model does not say its classes.
const NAME_CLASSES: &str = "name its classes in the order of its scores: `--classes No,Yes`";

/// Why a trial failed: this engine's fault, or everybody's.
enum Failure {
    Engine(LearnError),
    All(Error),
}

impl From<LearnError> for Failure {
    fn from(error: LearnError) -> Self {
        match error {
            LearnError::Unreadable(_)
            | LearnError::Reading { .. }
            | LearnError::MissingColumn { .. }
            | LearnError::ColumnType { .. } => Failure::All(error.into()),
            LearnError::Run { ref place, .. } if place == "the outputs" => Failure::All(
                Error::from(error).hint(NAME_CLASSES).hint("and if its scores are logits, say so: `--logits`"),
            ),
            other => Failure::Engine(other),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::All(error)
    }
}

impl From<remuda_data::DataError> for Failure {
    fn from(error: remuda_data::DataError) -> Self {
        Failure::All(error.into())
    }
}

impl Trial {
    /// Tries our evaluator first, then ONNX Runtime.
    ///
    /// # Errors
    /// No engine runs the model; or its answers do not fit the label.
    pub(super) fn run(&self) -> Result<Tried> {
        let ours = match self.on(Engine::Remuda) {
            Ok(tried) => return Ok(tried),
            Err(Failure::All(error)) => return Err(error),
            Err(Failure::Engine(error)) => error,
        };
        match self.on(Engine::OnnxRuntime) {
            Ok(mut tried) => {
                tried
                    .notes
                    .insert(0, format!("it runs on ONNX Runtime, which every machine that serves it needs: {ours}"));
                Ok(tried)
            }
            Err(Failure::All(error)) => Err(error),
            Err(Failure::Engine(theirs)) => Err(no_engine(&ours, &theirs)),
        }
    }

    fn on(&self, engine: Engine) -> Result<Tried, Failure> {
        let predictor = remuda_learn::load_on(engine, &self.onnx, &self.runtime)?;
        let labels = self.labels(predictor.as_ref())?;
        let Examples { table, target, .. } =
            examples(&self.train, &self.columns, &self.contract, &self.label, Some(&labels))?;
        let answers = predictor.predict(&table)?;
        plausible(&answers)?;
        let mut notes = self.compare_classes(&labels, &target)?;
        let golden = match &self.given {
            Some(given) => {
                notes.push(format!(
                    "it gives what the training framework gave in {}",
                    text::count(given.table.rows as u64, "row")
                ));
                remuda_learn::given(predictor.as_ref(), given)?
            }
            None => {
                notes.push(
                    "its golden rows hold what the engine gave; `--golden FILE` holds it to the training framework"
                        .to_owned(),
                );
                remuda_learn::golden(predictor.as_ref(), &table, GOLDEN_ROWS)?
            }
        };
        let signature = ModelSignature {
            features: predictor.inputs().to_vec(),
            task: task_of(&labels),
            label: self.label.name.clone(),
            positive: positive_of(&self.contract, &labels),
            labels,
        };
        let metrics = self.measure(predictor.as_ref(), &signature)?;
        if metrics.iter().any(|metric| metric.name == "auc" && metric.upper.is_some_and(|upper| upper < 0.5)) {
            notes.insert(0, "it ranks worse than chance: are its classes named in the order of its scores?".to_owned());
        }
        Ok(Tried { engine, signature, golden: serde_json::to_vec(&golden).map_err(Error::from)?, metrics, notes })
    }

    /// The model's classes, or a number, as the contract has it.
    fn labels(&self, predictor: &dyn Predictor) -> Result<LabelSpace> {
        let name = &self.label.name;
        match (predictor.labels(), has_classes(&self.contract, &self.label)) {
            (Some(labels), true) => Ok(LabelSpace::Classes(labels.to_vec())),
            (None, false) => Ok(LabelSpace::Number),
            (None, true) => {
                Err(Error::new("model.unusable", format!("the model says no classes, and the label `{name}` has some"))
                    .hint(NAME_CLASSES)
                    .hint("and if its scores are logits, say so: `--logits`"))
            }
            (Some(labels), false) => {
                let list = text::list(&labels[..labels.len().min(10)]);
                Err(Error::new(
                    "model.unusable",
                    format!("the model answers {list}, and the label `{name}` is a number"),
                )
                .hint("train a regression, or say `kind: category` of the label in the contract"))
            }
        }
    }

    /// The model's classes against those of the training rows, which stand behind them in the target.
    fn compare_classes(&self, labels: &LabelSpace, target: &Target) -> Result<Vec<String>> {
        let Target::Classes { labels: all, index } = target else { return Ok(Vec::new()) };
        let known = labels.classes();
        let unknown = &all[known.len().min(all.len())..];
        let few = |names: &[String]| text::list(&names[..names.len().min(10)]);
        if !index.is_empty() && index.iter().all(|class| *class as usize >= known.len()) {
            let message = format!("the model answers {}, and `{}` says {}", few(known), self.label.name, few(unknown));
            return Err(Error::new("model.unusable", message)
                .hint("say what its classes are called in the data, in the order of its scores: `--classes No,Yes`"));
        }
        Ok(if unknown.is_empty() {
            Vec::new()
        } else {
            vec![format!(
                "it does not know {}, which the training rows have: each such row counts as a mistake",
                few(unknown)
            )]
        })
    }

    fn measure(&self, predictor: &dyn Predictor, signature: &ModelSignature) -> Result<Vec<MetricValue>, Failure> {
        let held = examples(&self.validation, &self.columns, &self.contract, &self.label, Some(&signature.labels))?;
        Ok(validation_metrics(signature, &held.target, &predictor.predict(&held.table)?))
    }
}

/// Whether numbers are numbers and probabilities are probabilities.
fn plausible(answers: &Predictions) -> Result<()> {
    match answers {
        Predictions::Number(numbers) => match numbers.iter().find(|number| !number.is_finite()) {
            Some(odd) => Err(Error::new("model.unusable", format!("the model answers {odd} for a training row"))
                .hint("perhaps it does not take missing values: put a step before it that fills them")),
            None => Ok(()),
        },
        Predictions::Classes { labels, probabilities, .. } => {
            let fine = |row: &[f32]| {
                let sum: f32 = row.iter().sum();
                row.iter().all(|share| (-1e-3..=1.001).contains(share)) && (sum - 1.0).abs() < 1e-2
            };
            match probabilities.chunks_exact(labels.len().max(1)).find(|row| !fine(row)) {
                None => Ok(()),
                Some(row) => {
                    let shown: Vec<String> = row.iter().take(5).map(|share| format!("{share}")).collect();
                    let message =
                        format!("the model's scores are no probabilities: {} for a training row", shown.join(", "));
                    Err(Error::new("model.unusable", message)
                        .hint("if they are logits, say so: `--logits`")
                        .hint("or train it so that it gives probabilities"))
                }
            }
        }
    }
}

/// Neither engine runs the model: what each says, and what to do.
fn no_engine(ours: &LearnError, theirs: &LearnError) -> Error {
    if let LearnError::Golden { row, problem } = ours {
        let message = format!("the model does not give what the training framework gave: in row {} {problem}", row + 1);
        return Error::new("model.unusable", message)
            .hint("compare how its inputs are fed: order of columns, missing values, texts of numbers, 32-bit floats");
    }
    let mut error = Error::new("model.unusable", format!("no engine here can run the model: {ours}")).caused_by(theirs);
    if matches!(ours, LearnError::Malformed { place, .. } if place == "the outputs") {
        error = error.hint(NAME_CLASSES);
    }
    match theirs {
        LearnError::RuntimeMissing { .. } => with_runtime_hints(error),
        LearnError::Golden { .. } => error.hint("compare how inputs are fed: order, missing values, 32-bit floats"),
        _ => error.hint("export it again, perhaps with an older operator set"),
    }
}
