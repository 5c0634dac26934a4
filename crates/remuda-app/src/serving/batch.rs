//! Predicting a file: streamed in chunks, logged, written as CSV.

use super::endpoint::{Endpoint, live_endpoint};
use super::spool::append_predictions;
use super::{Predict, Predicted};
use crate::app::App;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::model;
use crate::use_case::{Access, UseCase};
use remuda_data::Rows;
use remuda_model::data::ColumnType;
use remuda_model::serving::PredictionRecord;
use remuda_model::table::{MISSING, Values};
use serde_json::Value;
use std::io::Write;

/// Rows predicted at once.
const CHUNK: usize = 20_000;

impl UseCase for Predict {
    const NOUN: &'static str = "serving";
    const VERB: &'static str = "predict";
    const ACCESS: Access = Access::Write;
    const ABOUT: &'static str =
        "Predict the rows of a file with the live release (or another model), and log the predictions.";
    type Answer = Predicted;

    async fn run(self, app: &App, context: &Context) -> Result<Predicted> {
        let file = app.request_file(context, &self.file, self.source.as_deref())?;
        let format = crate::data::read_format(None, &file.name)?;
        let (endpoint, logged) = match &self.model {
            None => (live(app, context).await?, true),
            Some(name) => (of_model(app, context, name).await?, false),
        };
        let batch = app.ids.short();
        let mut sink = Sink::new(self.output.as_deref().filter(|_| context.trusts_paths))?;
        sink.header(&endpoint)?;
        let mut chunks = remuda_data::chunks(&file.path, Some(format), Some(endpoint.contract()), CHUNK)?;
        need_columns(&endpoint, chunks.columns(), &file.name)?;
        let mut rows_done = 0u64;
        while let Some(rows) = chunks.next() {
            let rows = rows?;
            let (done, total) = chunks.progress();
            context.tell(done as f64 / total.max(1) as f64, "predicting");
            let ids = ids_of(&rows, self.id_column.as_deref(), &batch, rows_done)?;
            need_values(&endpoint, &rows, rows_done, &file.name)?;
            let predictions = endpoint.predict_table(&rows.table(endpoint.columns())?)?;
            if logged {
                let records = records(app, &endpoint, &rows, &ids, &predictions)?;
                refuse_known_ids(app, context, self.id_column.as_deref(), &ids).await?;
                append_predictions(app, &context.product()?.name, &records, &context.actor.name).await?;
            }
            for (id, prediction) in ids.iter().zip(&predictions) {
                sink.row(id, prediction)?;
            }
            rows_done += rows.len() as u64;
        }
        if rows_done == 0 {
            return Err(Error::new("data.unusable", format!("{} has no rows", file.name)));
        }
        Ok(Predicted {
            rows: rows_done,
            release: logged.then(|| endpoint.release.clone()),
            model: endpoint.model.digest.to_string(),
            logged,
            csv: sink.finish()?,
            output: self.output,
        })
    }
}

/// The file has every column that the model reads, and all that are missing are named at once.
fn need_columns(endpoint: &Endpoint, found: &[(String, ColumnType)], file: &str) -> Result<()> {
    let lacks = |name: &String| !found.iter().any(|(known, _)| known == name);
    let missing: Vec<String> = endpoint
        .columns()
        .iter()
        .map(|(name, _)| name)
        .filter(|name| lacks(name))
        .map(|name| format!("`{name}`"))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let list = remuda_model::text::list(&missing);
    Err(Error::new("serving.input", format!("{file} lacks {list}, which the model reads"))
        .hint("add what is missing: an empty field stands for a missing value"))
}

/// The columns that the contract requires have a value in each row, as a request to the endpoint must have.
fn need_values(endpoint: &Endpoint, rows: &Rows, before: u64, file: &str) -> Result<()> {
    for input in endpoint.inputs.iter().filter(|input| input.required) {
        let missing = match rows.values(&input.name)? {
            Values::Number(numbers) => numbers.iter().position(|number| number.is_nan()),
            Values::Text(texts) => texts.codes.iter().position(|code| *code == MISSING),
        };
        let Some(row) = missing else { continue };
        let message =
            format!("{file} row {} has no `{}`, which the contract requires", before + row as u64 + 1, input.name);
        return Err(Error::new("serving.input", message).hint(
            "fill it in; or, where it may be missing, take `required: true` from the contract and release anew",
        ));
    }
    Ok(())
}

async fn live(app: &App, context: &Context) -> Result<Endpoint> {
    live_endpoint(app, context).await?.ok_or_else(|| {
        Error::new("serving.no_release", "no release is live")
            .hint("make one live: `remuda release create MODEL`, then `remuda release promote`")
            .hint("or predict with any model: `remuda predict FILE --model NAME` (nothing is logged then)")
    })
}

async fn of_model(app: &App, context: &Context, name: &str) -> Result<Endpoint> {
    let version = model::resolve_model(app, context, name).await?.version;
    let trained_on = version
        .trained_on
        .clone()
        .ok_or_else(|| Error::new("model.unusable", format!("nothing says what `{name}` was trained on")))?;
    let data = crate::data::resolve_version(app, context, trained_on.hex()).await?.version;
    let contract = match crate::data::contract_of(app, context, &data).await? {
        Some(contract) => contract,
        None => context.need_contract(&data.dataset)?.value.clone(),
    };
    Endpoint::open(app, name, String::new(), version, contract).await
}

/// The ids of a chunk's rows: a column's values, or made from the batch and the row's place.
fn ids_of(rows: &Rows, column: Option<&str>, batch: &str, before: u64) -> Result<Vec<String>> {
    let Some(column) = column else {
        return Ok((0..rows.len() as u64).map(|row| format!("{batch}-{}", before + row + 1)).collect());
    };
    let texts = rows.text(column)?;
    let mut ids = Vec::with_capacity(rows.len());
    let mut seen = std::collections::HashSet::new();
    for row in 0..rows.len() {
        let id = texts
            .get(row)
            .filter(|id| !id.is_empty())
            .ok_or_else(|| Error::new("data.unusable", format!("row {} has no `{column}`", before + row as u64 + 1)))?;
        if !seen.insert(id) {
            return Err(Error::new("data.unusable", format!("`{column}` repeats the value {id}"))
                .hint("leave out `--id-column`: ids are then made"));
        }
        ids.push(id.to_owned());
    }
    Ok(ids)
}

/// Ids that callers chose must be new: a prediction is a fact and is not written over.
async fn refuse_known_ids(app: &App, context: &Context, column: Option<&str>, ids: &[String]) -> Result<()> {
    if column.is_none() {
        return Ok(());
    }
    let product = &context.product()?.name;
    let asked: Vec<&str> = ids.iter().map(String::as_str).collect();
    let known = app.ledger.known_predictions(product, &asked).await?;
    match ids.iter().find(|id| known.contains(*id)) {
        None => Ok(()),
        Some(id) => Err(Error::new("request.invalid", format!("there is a prediction `{id}` already"))
            .hint("leave out `--id-column`: ids are then made")),
    }
}

fn records(
    app: &App,
    endpoint: &Endpoint,
    rows: &Rows,
    ids: &[String],
    predictions: &[super::Inferred],
) -> Result<Vec<PredictionRecord>> {
    let time = app.clock.now();
    let mut records = Vec::with_capacity(ids.len());
    for (row, (id, prediction)) in ids.iter().zip(predictions).enumerate() {
        let mut inputs = rows.row_json(row).unwrap_or_default();
        inputs.retain(|name, _| endpoint.inputs.iter().any(|input| input.name == *name));
        records.push(PredictionRecord {
            id: id.clone(),
            release: endpoint.release.clone(),
            time,
            label: prediction.label.clone(),
            score: prediction.score,
            inputs: serde_json::to_string(&Value::Object(inputs))?,
            microseconds: 0,
        });
    }
    Ok(records)
}

/// Where predictions are written: a file that appears whole, or text.
enum Sink {
    Text(Vec<u8>),
    File(tempfile::NamedTempFile, std::path::PathBuf),
}

impl Sink {
    fn new(output: Option<&std::path::Path>) -> Result<Self> {
        let Some(output) = output else { return Ok(Sink::Text(Vec::new())) };
        let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(std::path::Path::new("."));
        let file = tempfile::NamedTempFile::new_in(folder).map_err(|source| {
            Error::new("request.invalid", format!("cannot write {}", output.display())).caused_by(&source)
        })?;
        Ok(Sink::File(file, output.to_owned()))
    }

    fn line(&mut self, fields: &[&str]) -> Result<()> {
        let line = fields.iter().map(|field| csv_field(field)).collect::<Vec<_>>().join(",") + "\n";
        match self {
            Sink::Text(text) => text.extend_from_slice(line.as_bytes()),
            Sink::File(file, _) => file.write_all(line.as_bytes())?,
        }
        Ok(())
    }

    fn header(&mut self, endpoint: &Endpoint) -> Result<()> {
        if endpoint.labels.is_empty() {
            self.line(&["prediction_id", "prediction"])
        } else {
            self.line(&["prediction_id", "prediction", "score"])
        }
    }

    fn row(&mut self, id: &str, prediction: &super::Inferred) -> Result<()> {
        if prediction.probabilities.is_empty() {
            self.line(&[id, &prediction.label])
        } else {
            self.line(&[id, &prediction.label, &format!("{:.6}", prediction.score)])
        }
    }

    fn finish(self) -> Result<Option<String>> {
        match self {
            Sink::Text(text) => Ok(Some(String::from_utf8_lossy(&text).into_owned())),
            Sink::File(file, output) => {
                file.as_file().sync_all()?;
                file.persist(&output).map_err(|failed| failed.error)?;
                Ok(None)
            }
        }
    }
}

/// A CSV field, quoted where it must be.
fn csv_field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}
