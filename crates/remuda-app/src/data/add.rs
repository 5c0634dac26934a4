//! Adding a version: stream the file into parts, check the contract, keep what is new, append one fact.

use super::{Add, Added, ChangeCounts, look};
use crate::app::App;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::pin::{self, Pins};
use crate::use_case::{Access, UseCase};
use remuda_data::{Format, IngestRequest, Ingested, Parts};
use remuda_ledger::Append;
use remuda_model::Digest;
use remuda_model::data::{Contract, ContractReport, DatasetVersion, Manifest, Oddity, Part, SourceFile};
use remuda_model::fact::Link;
use serde::Serialize;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// A version that was added, with what was noticed.
pub(crate) struct AddedOutcome {
    /// The version.
    pub(crate) version: DatasetVersion,
    /// Where its parts lie.
    pub(crate) parts: Parts,
    /// The newest version has the very same rows.
    pub(crate) unchanged: bool,
    /// What a person should look at.
    pub(crate) oddities: Vec<Oddity>,
}

/// What is kept of a refused file.
#[derive(Serialize)]
struct Refusal<'a> {
    dataset: &'a str,
    source: &'a str,
    report: &'a ContractReport,
}

impl UseCase for Add {
    const NOUN: &'static str = "data";
    const VERB: &'static str = "add";
    const ACCESS: Access = Access::Write;
    const ABOUT: &'static str = "Add a file as a new version of a dataset.";
    type Answer = Added;

    async fn run(self, app: &App, context: &Context) -> Result<Added> {
        let file = app.request_file(context, &self.file, self.source.as_deref())?;
        let name = dataset_name(context, self.name.as_deref(), &file.name)?;
        let format = read_format(self.format.as_deref(), &file.name)?;
        let before = look::latest_version(app, context, &name).await?;
        let added = add_file(app, context, &name, &file.path, &file.name, format).await?;
        let change = match before {
            Some(before) if !added.unchanged => changes_since(app, context, &before.version, &added).await?,
            _ => None,
        };
        Ok(Added { version: added.version, unchanged: added.unchanged, oddities: added.oddities, change })
    }
}

/// The dataset's name: as asked, or the only contract's, or the file's.
fn dataset_name(context: &Context, asked: Option<&str>, file_name: &str) -> Result<String> {
    if let Some(name) = asked {
        if remuda_model::text::is_name(name) {
            return Ok(name.to_owned());
        }
        return Err(Error::new("request.invalid", format!("`{name}` cannot be a dataset's name")).hint(format!(
            "use lower case letters, digits, `-` and `_`: `--as {}`",
            remuda_model::text::to_name(name)
        )));
    }
    let stem = Path::new(file_name).file_stem().map_or(file_name.into(), |stem| stem.to_string_lossy());
    let from_file = remuda_model::text::to_name(&stem);
    match context.definitions.contracts.as_slice() {
        [only] => Ok(only.value.name.clone()),
        several if several.iter().any(|contract| contract.value.name == from_file) => Ok(from_file),
        [] => Ok(from_file),
        several => {
            let names: Vec<&str> = several.iter().map(|contract| contract.value.name.as_str()).collect();
            Err(Error::new("request.invalid", format!("which dataset is {file_name}? There are {}", names.join(", ")))
                .hint(format!("remuda data add {file_name} --as {}", names[0])))
        }
    }
}

/// The format asked for, else by the file's ending.
pub(crate) fn read_format(asked: Option<&str>, file_name: &str) -> Result<Format> {
    match asked {
        Some(word) => Format::parse(word).ok_or_else(|| {
            Error::new("request.invalid", format!("`{word}` is no format that remuda reads"))
                .hint("write csv, tsv, jsonl or parquet")
        }),
        None => Ok(Format::of(Path::new(file_name))?),
    }
}

/// Streams a file into a new version of a dataset and appends the fact.
pub(crate) async fn add_file(
    app: &App,
    context: &Context,
    dataset: &str,
    path: &Path,
    source: &str,
    format: Format,
) -> Result<AddedOutcome> {
    let contract = context.contract(dataset)?;
    let known = known_parts(app, context, dataset).await?;
    let scratch = app.scratch()?;
    let ingested =
        ingest(context, path, format, contract.map(|found| found.value.clone()), scratch.path(), known).await?;
    if ingested.report.refuses() {
        return Err(refuse(app, context, dataset, source, &ingested.report).await?);
    }
    let total = ingested.new_parts.len().max(1) as f64;
    let mut new_bytes = 0;
    for (index, (_, file)) in ingested.new_parts.iter().enumerate() {
        context.tell(0.95 + 0.05 * index as f64 / total, "storing parts");
        new_bytes += app.blobs.put_file(file).await?.1;
    }
    let manifest = &ingested.manifest;
    let version = DatasetVersion {
        dataset: dataset.to_owned(),
        digest: manifest.digest(),
        source: source.to_owned(),
        rows: manifest.rows(),
        bytes: manifest.bytes(),
        new_bytes,
        manifest: app.blobs.put(serde_json::to_vec(manifest)?).await?,
        profile: app.blobs.put(serde_json::to_vec(&ingested.profile)?).await?,
        contract: contract.map(|found| found.digest.clone()),
        report: ingested.report.clone(),
        split_rows: ingested.split_rows,
        file: Some(source_file(path).await?),
    };
    let parts = look::local_parts(app, manifest.clone()).await?;
    let newest = look::latest_version(app, context, dataset).await?;
    let unchanged = newest
        .is_some_and(|newest| newest.version.digest == version.digest && newest.version.contract == version.contract);
    if !unchanged {
        append_version(app, context, &version, contract.map(|found| found.path.as_str())).await?;
    }
    Ok(AddedOutcome { version, parts, unchanged, oddities: ingested.oddities })
}

/// The content of the file itself: a run that reads this very file is then known to read this version.
async fn source_file(path: &Path) -> Result<SourceFile> {
    let path = path.to_owned();
    let hashed = tokio::task::spawn_blocking(move || -> std::io::Result<SourceFile> {
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(std::fs::File::open(path)?)?;
        Ok(SourceFile { bytes: hasher.count(), digest: Digest::from_hash(hasher.finalize()) })
    });
    Ok(hashed.await.map_err(|error| Error::new("internal", "reading stopped").caused_by(&error))??)
}

async fn append_version(app: &App, context: &Context, version: &DatasetVersion, contract: Option<&str>) -> Result<()> {
    let mut pins = Pins::default();
    if let Some(path) = contract {
        pins.add(context, path);
    }
    let mut links = vec![Link::makes("dataset_version", version.digest.as_str())];
    links.push(Link::uses("blob", version.manifest.as_str()));
    links.extend(pins.links);
    let fact = pin::fact(app, context, "data.added", version.digest.as_str(), version, links)?;
    let append = Append { facts: vec![fact], definitions: pins.definitions, ..Append::default() };
    app.ledger.append(&context.product()?.name, append).await?;
    Ok(())
}

/// Parts that earlier versions of the dataset have, by content.
async fn known_parts(app: &App, context: &Context, dataset: &str) -> Result<HashMap<Digest, Part>> {
    let mut known = HashMap::new();
    for line in look::dataset_versions(app, context, Some(dataset)).await?.into_iter().take(20) {
        let manifest: Manifest = look::read_manifest(app, &line.version).await?;
        for part in manifest.parts {
            known.entry(part.content.clone()).or_insert(part);
        }
    }
    Ok(known)
}

async fn ingest(
    context: &Context,
    path: &Path,
    format: Format,
    contract: Option<Contract>,
    folder: &Path,
    known: HashMap<Digest, Part>,
) -> Result<Ingested> {
    let progress = Arc::clone(&context.progress);
    let (path, folder) = (path.to_owned(), folder.to_owned());
    let work = move || {
        let known = |content: &Digest| known.get(content).cloned();
        let request = IngestRequest {
            source: &path,
            format: Some(format),
            contract: contract.as_ref(),
            folder: &folder,
            known: &known,
        };
        let mut tell = |done: u64, total: u64| progress(0.95 * done as f64 / total.max(1) as f64, "reading rows");
        remuda_data::ingest(&request, &mut tell)
    };
    Ok(tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::new("internal", "reading stopped").caused_by(&error))??)
}

/// Records the refusal as a fact and makes the error that lists the breaches.
async fn refuse(app: &App, context: &Context, dataset: &str, source: &str, report: &ContractReport) -> Result<Error> {
    let mut pins = Pins::default();
    if let Some(contract) = context.contract(dataset)? {
        pins.add(context, &contract.path);
    }
    let payload = Refusal { dataset, source, report };
    let fact = pin::fact(app, context, "data.refused", dataset, &payload, pins.links)?;
    let append = Append { facts: vec![fact], definitions: pins.definitions, ..Append::default() };
    app.ledger.append(&context.product()?.name, append).await?;
    let breaches: Vec<_> =
        report.breaches().filter(|result| result.severity == remuda_model::data::RuleSeverity::Error).collect();
    let count = remuda_model::text::count(breaches.len() as u64, "rule");
    let mut error = Error::new("data.contract_breach", format!("{source} breaks {count} of the contract `{dataset}`"));
    error.causes = breaches.iter().map(|result| format!("{}: {}", result.rule, result.message)).collect();
    Ok(error.hint("correct the file, or correct the contract").hint(format!(
        "a rule with `severity: warning` in data/{dataset}.odcs.yaml marks the version instead of refusing it"
    )))
}

/// How the new version differs from the one before, when rows have a key.
async fn changes_since(
    app: &App,
    context: &Context,
    before: &DatasetVersion,
    added: &AddedOutcome,
) -> Result<Option<ChangeCounts>> {
    let before_parts = look::version_parts(app, before).await?;
    if before_parts.manifest.columns != added.parts.manifest.columns {
        return Ok(None);
    }
    let contract = context.contract(&before.dataset)?.map(|found| found.value.clone());
    let found = look::compare(&before_parts, &added.parts, contract.as_ref(), 0, Vec::new()).await?;
    Ok(Some(ChangeCounts {
        added: found.added,
        removed: found.removed,
        changed: found.changed,
        relabelled: found.relabelled,
    }))
}
