//! A candidate's answers beside the truth on one split: what every analysis begins with.

use crate::app::App;
use crate::context::Context;
use crate::data::{ROWS_CHARGE, append_look, contract_of, latest_version, note_look, read_rows, version_at};
use crate::error::{Error, Result};
use crate::gate::Sample;
use crate::model::{self, ModelLine, resolve_model};
use crate::run::{Examples, examples, label_column};
use remuda_data::{ReadRequest, Rows};
use remuda_learn::Predictions;
use remuda_model::Digest;
use remuda_model::data::{Contract, DatasetVersion, FeatureKind, Split};
use remuda_model::model::ModelVersion;
use remuda_model::table::{Texts, Values};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Rows of a split with the truth and a candidate's answers.
pub(crate) struct Judged {
    /// The candidate.
    pub(crate) model: ModelVersion,
    /// The version that the rows are of.
    pub(crate) version: DatasetVersion,
    /// Its contract.
    pub(crate) contract: Contract,
    /// The split's rows, with columns `prediction` and `score`.
    pub(crate) rows: Rows,
    /// Places of the labelled rows among them: the sample's rows, in this order.
    pub(crate) kept: Vec<usize>,
    /// Truth and answers.
    pub(crate) sample: Sample,
}

/// What an analysis was made on: the head of its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AnalysisHead {
    /// The candidate.
    pub model: Digest,
    /// Its name.
    pub model_name: String,
    /// The dataset.
    pub dataset: String,
    /// Its version.
    pub version: Digest,
    /// `validation` or `holdout`.
    pub split: String,
    /// Whether a look at the holdout was charged.
    pub charged: bool,
    /// Rows that were judged.
    pub rows: u64,
}

impl Judged {
    /// The head of an answer about these rows.
    pub(crate) fn head(&self, split: Split) -> AnalysisHead {
        AnalysisHead {
            model: self.model.digest.clone(),
            model_name: self.model.name.clone(),
            dataset: self.version.dataset.clone(),
            version: self.version.digest.clone(),
            split: split.as_str().to_owned(),
            charged: split == Split::Holdout,
            rows: self.sample.rows() as u64,
        }
    }
}

/// Reads a split of the newest version of the data that a candidate was trained on, and predicts it. A look at the
/// holdout shows rows, which is charged before anything is read.
///
/// # Errors
/// A candidate or version that is not there, rows without labels, a model that does not load.
pub(crate) async fn judge(
    app: &App,
    context: &Context,
    candidate: &str,
    split: Split,
    purpose: &str,
) -> Result<Judged> {
    let ModelLine { version: model, time, .. } = resolve_model(app, context, candidate).await?;
    let trained_on = model.trained_on.clone().ok_or_else(|| {
        Error::new("analysis.not_ready", format!("nothing says what `{}` was trained on", model.name))
            .hint("analyse predictions of any program with `remuda gate check`")
    })?;
    let dataset = version_at(app, context, &trained_on, time).await?.dataset;
    let version = latest_version(app, context, &dataset)
        .await?
        .ok_or_else(|| Error::new("analysis.not_ready", format!("dataset `{dataset}` has no version")))?
        .version;
    let contract = match contract_of(app, context, &version).await? {
        Some(contract) => contract,
        None => context.need_contract(&dataset)?.value.clone(),
    };
    if split == Split::Holdout {
        let purpose = format!("{purpose} of {}", model.name);
        append_look(app, context, note_look(app, context, &version, "rows", &purpose, ROWS_CHARGE)?).await?;
    }
    context.tell(0.0, "reading rows");
    let request = ReadRequest { split: Some(split), columns: None, filter: None, limit: None };
    let mut rows = read_rows(app, &version, Some(&contract), request).await?;
    context.tell(0.2, "predicting");
    let (sample, kept, predictions) = sample_of(app, &rows, &contract, &model).await?;
    set_predictions(&mut rows, &kept, &predictions)?;
    Ok(Judged { model, version, contract, rows, kept, sample })
}

/// Predicts the labelled rows with a model and joins the truth.
pub(crate) async fn sample_of(
    app: &App,
    rows: &Rows,
    contract: &Contract,
    version: &ModelVersion,
) -> Result<(Sample, Vec<usize>, Predictions)> {
    let signature = &version.signature;
    let columns: Vec<(String, FeatureKind)> =
        signature.features.iter().map(|feature| (feature.name.clone(), feature.kind)).collect();
    let label = label_column(contract)?;
    let Examples { table, target, kept } = examples(rows, &columns, contract, label, Some(&signature.labels))?;
    if kept.is_empty() {
        return Err(Error::new("data.unusable", "the split has no labelled rows").hint("add more data"));
    }
    let predictor = model::load(app, version).await?;
    let predictions = tokio::task::spawn_blocking(move || predictor.predict(&table))
        .await
        .map_err(|error| Error::new("internal", "predicting stopped").caused_by(&error))??;
    let sample = Sample::new(signature, &target, &predictions)?;
    Ok((sample, kept, predictions))
}

/// Adds the candidate's answers as columns `prediction` and `score`, so that `where` can select by them.
pub(crate) fn set_predictions(rows: &mut Rows, kept: &[usize], predictions: &Predictions) -> Result<()> {
    match predictions {
        Predictions::Number(numbers) => {
            let mut values = vec![f64::NAN; rows.len()];
            for (row, number) in kept.iter().zip(numbers) {
                values[*row] = *number;
            }
            rows.set("prediction", Values::Number(values))?;
        }
        Predictions::Classes { labels, chosen, probabilities } => {
            let mut words: Vec<Option<&str>> = vec![None; rows.len()];
            let mut scores = vec![f64::NAN; rows.len()];
            for (place, row) in kept.iter().enumerate() {
                words[*row] = Some(labels[chosen[place] as usize].as_str());
                let own = if labels.len() == 2 { 1 } else { chosen[place] as usize };
                scores[*row] = f64::from(probabilities[place * labels.len() + own]);
            }
            rows.set("prediction", Values::Text(Texts::from_values(words)))?;
            rows.set("score", Values::Number(scores))?;
        }
    }
    Ok(())
}
