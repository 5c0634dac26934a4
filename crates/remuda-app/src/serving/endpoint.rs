//! The live model: loaded once, swapped when a release goes live, asked for predictions.

use crate::app::App;
use crate::context::{Context, Source};
use crate::error::{Error, Result};
use crate::model;
use crate::release::{content_of, live_release};
use remuda_learn::{Predictions, Predictor};
use remuda_model::data::{ColumnType, Contract, FeatureKind, Task};
use remuda_model::model::ModelVersion;
use remuda_model::table::Table;
use serde_json::{Map, Value};
use std::sync::{Arc, RwLock};
use std::time::Duration;

/// How often a serving process looks whether another release went live.
const WATCH: Duration = Duration::from_millis(250);

/// One input that callers send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// The column's name.
    pub name: String,
    /// Its type, from the contract.
    pub column_type: ColumnType,
    /// A value must be sent; `null` is refused.
    pub required: bool,
}

/// One row of input.
pub type InferRow = Map<String, Value>;

/// One prediction.
#[derive(Clone, Debug, PartialEq)]
pub struct Inferred {
    /// The class, or the number as text.
    pub label: String,
    /// Probability of the positive class (binary) or of `label`; the number itself for regression.
    pub score: f64,
    /// Probability of each class, in the order of [`Endpoint::labels`]; empty for regression.
    pub probabilities: Vec<f32>,
}

/// A release that can be asked.
pub struct Endpoint {
    /// The endpoint's name: the model's in the Open Inference Protocol.
    pub name: String,
    /// The release's digest.
    pub release: String,
    /// The model version.
    pub model: ModelVersion,
    /// What callers send, in the model's order.
    pub inputs: Vec<Input>,
    /// The classes; empty for regression.
    pub labels: Vec<String>,
    /// What is predicted.
    pub task: Task,
    contract: Contract,
    columns: Vec<(String, FeatureKind)>,
    predictor: Arc<dyn Predictor>,
}

impl Endpoint {
    /// An endpoint over a model version.
    pub(crate) async fn open(
        app: &App,
        name: &str,
        release: String,
        model: ModelVersion,
        contract: Contract,
    ) -> Result<Self> {
        let predictor = model::load(app, &model).await?;
        let mut inputs = Vec::new();
        for feature in &model.signature.features {
            let column = contract.column(&feature.name).ok_or_else(|| {
                Error::new("release.not_ready", format!("the contract has no column `{}`", feature.name))
                    .hint("train the model again with the contract that is in force")
            })?;
            inputs.push(Input {
                name: column.name.clone(),
                column_type: column.column_type,
                required: column.required,
            });
        }
        Ok(Self {
            name: name.to_owned(),
            release,
            inputs,
            labels: model.signature.labels.classes().to_vec(),
            task: model.signature.task,
            columns: model.signature.features.iter().map(|feature| (feature.name.clone(), feature.kind)).collect(),
            contract,
            predictor,
            model,
        })
    }

    /// Predicts rows given as JSON objects; keys that are no inputs are ignored.
    ///
    /// # Errors
    /// `serving.input`: a column is missing, null though required, or of another type; the message names it.
    pub fn predict_rows(&self, rows: &[InferRow]) -> Result<Vec<Inferred>> {
        for input in &self.inputs {
            for (place, row) in rows.iter().enumerate() {
                match row.get(&input.name) {
                    None => {
                        return Err(Error::new(
                            "serving.input",
                            format!("column `{}` is missing in row {place}", input.name),
                        )
                        .hint(format!(
                            "send `{}` as {}",
                            input.name,
                            input.column_type.as_str()
                        )));
                    }
                    Some(Value::Null) if input.required => {
                        return Err(Error::new(
                            "serving.input",
                            format!(
                                "column `{}` is null in row {place}, and the contract requires a value",
                                input.name
                            ),
                        ));
                    }
                    Some(_) => {}
                }
            }
        }
        let table = remuda_data::json_table(rows, &self.contract, &self.columns)
            .map_err(|error| Error::new("serving.input", error.to_string()))?;
        self.predict_table(&table)
    }

    /// Rows out of columns: what the Open Inference Protocol sends.
    pub fn rows_of(columns: Vec<(String, Vec<Value>)>) -> Vec<InferRow> {
        let rows = columns.iter().map(|(_, values)| values.len()).max().unwrap_or(0);
        let mut objects = vec![Map::with_capacity(columns.len()); rows];
        for (name, values) in columns {
            for (object, value) in objects.iter_mut().zip(values) {
                object.insert(name.clone(), value);
            }
        }
        objects
    }

    /// Predicts rows of a table.
    pub(crate) fn predict_table(&self, table: &Table) -> Result<Vec<Inferred>> {
        Ok(inferred(&self.predictor.predict(table)?, self.model.signature.positive.as_deref()))
    }

    /// The columns that the model reads.
    pub(crate) fn columns(&self) -> &[(String, FeatureKind)] {
        &self.columns
    }

    /// The contract that types the inputs.
    pub(crate) fn contract(&self) -> &Contract {
        &self.contract
    }
}

/// Predictions, one per row.
pub(crate) fn inferred(predictions: &Predictions, positive: Option<&str>) -> Vec<Inferred> {
    match predictions {
        Predictions::Number(numbers) => numbers
            .iter()
            .map(|number| Inferred { label: number.to_string(), score: *number, probabilities: Vec::new() })
            .collect(),
        Predictions::Classes { labels, chosen, probabilities } => {
            let positive = positive.and_then(|name| labels.iter().position(|label| label == name));
            let rows = probabilities.chunks_exact(labels.len().max(1)).zip(chosen);
            rows.map(|(row, chosen)| {
                let chosen = *chosen as usize;
                Inferred {
                    label: labels[chosen].clone(),
                    score: f64::from(row[positive.unwrap_or(chosen)]),
                    probabilities: row.to_vec(),
                }
            })
            .collect()
        }
    }
}

/// The endpoint of the live release.
pub(crate) async fn live_endpoint(app: &App, context: &Context) -> Result<Option<Endpoint>> {
    let Some(release) = live_release(app, context).await? else { return Ok(None) };
    let created = content_of(app, context, &release).await?;
    let model = model::resolve_model(app, context, release.model.hex()).await?.version;
    let contract = contract_of_release(app, context, &created.content).await?;
    let product = context.product()?;
    let usual = remuda_model::serving::Serving::usual(&product.name);
    let settings = context.definitions.serving.as_ref().map_or(usual, |serving| serving.value.clone());
    Endpoint::open(app, &settings.endpoint, release.digest.to_string(), model, contract).await.map(Some)
}

/// The contract that a release was made with, from the text that the ledger keeps.
async fn contract_of_release(
    app: &App,
    context: &Context,
    content: &remuda_model::release::ReleaseContent,
) -> Result<Contract> {
    let digest = content
        .contract
        .as_ref()
        .ok_or_else(|| Error::new("release.not_ready", "the release has no contract, so its inputs have no types"))?;
    crate::data::contract_by_digest(app, context, digest).await?.ok_or_else(|| {
        Error::new("ledger.unusable", format!("the contract {} of the release cannot be read", digest.short()))
    })
}

/// The live endpoint of a serving process, kept current.
#[derive(Clone)]
pub struct EndpointHandle {
    current: Arc<RwLock<Option<Arc<Endpoint>>>>,
    trouble: Arc<RwLock<Option<Error>>>,
}

/// How long we wait before we try again what could not be loaded: a missing library may be put in its place.
const AGAIN: std::time::Duration = std::time::Duration::from_secs(5);

impl EndpointHandle {
    /// Loads the live release, if any, and watches for others. One that cannot be loaded is [`Self::trouble`], not the end
    /// of the server: the pages say what is wrong and can take the release back.
    pub async fn start(app: App, source: Arc<Source>) -> Self {
        let handle = Self { current: Arc::default(), trouble: Arc::default() };
        let loaded = handle.refresh(&app, &source).await;
        handle.note(loaded.err());
        let watching = handle.clone();
        tokio::spawn(async move {
            let mut seen = None;
            loop {
                tokio::time::sleep(WATCH).await;
                if app.ledger.is_closed() {
                    return;
                }
                let watched = watching.watch(&app, &source, &mut seen).await;
                let failed = watched.is_err();
                if let Err(error) = &watched {
                    tracing::warn!(%error, "the live release could not be loaded; the one before stays");
                }
                watching.note(watched.err());
                if failed {
                    tokio::time::sleep(AGAIN).await;
                }
            }
        });
        handle
    }

    /// Why the release that should be live is not, if it could not be loaded.
    pub fn trouble(&self) -> Option<Error> {
        self.trouble.read().map_or(None, |trouble| trouble.clone())
    }

    fn note(&self, trouble: Option<Error>) {
        if let Ok(mut known) = self.trouble.write() {
            *known = trouble;
        }
    }

    /// The endpoint that is live now.
    pub fn current(&self) -> Option<Arc<Endpoint>> {
        self.current.read().map_or(None, |current| current.clone())
    }

    /// Looks at the newest promotion, and loads its release when it is another one.
    async fn watch(&self, app: &App, source: &Source, seen: &mut Option<i64>) -> Result<()> {
        let context = source.context(None)?;
        let query = remuda_ledger::FactQuery {
            verbs: vec!["release.promoted".into(), "release.rolled_back".into()],
            newest_first: true,
            limit: Some(1),
            ..remuda_ledger::FactQuery::of(&context.product()?.name)
        };
        let newest = app.ledger.facts(&query).await?.first().map(|fact| fact.sequence);
        if newest != *seen {
            self.refresh(app, source).await?;
            *seen = newest;
        }
        Ok(())
    }

    async fn refresh(&self, app: &App, source: &Source) -> Result<()> {
        let context = source.context(None)?;
        if context.definitions.product.is_none() {
            return Ok(());
        }
        let live = live_endpoint(app, &context).await?.map(Arc::new);
        if let Ok(mut current) = self.current.write() {
            *current = live;
        }
        Ok(())
    }
}
