//! What is kept of a run beside its facts: packed code and outputs, into the blobs and out again.

use super::lifecycle::Recorded;
use super::{Done, append_recorded, find_run};
use crate::app::App;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::pin::payload;
use crate::use_case::{Access, UseCase};
use remuda_ledger::FactQuery;
use remuda_model::Digest;
use remuda_model::fact::Link;
use remuda_model::run::captured::{OutputFile, PackedCode};
use remuda_repo::archive::{self, Known, Place, Reader};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use utoipa::ToSchema;

/// How many of the newest runs are asked for packed code that a new one may refer to.
const LOOKED_AT: u32 = 50;
/// The most outputs of one call.
const MOST_OUTPUTS: usize = 10_000;

/// Say which packed contents the ledger has, so that a snapshot packs new ones only.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct KnownCode {}

/// Keep a file of a run in the blobs: packed code, or an output.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Keep {
    /// The file; over HTTP the digest of an upload.
    #[schema(value_type = String)]
    pub file: PathBuf,
    /// The file's own name.
    #[arg(skip)]
    #[serde(default)]
    pub source: Option<String>,
    /// It is packed code: refused unless it can be read.
    #[arg(long)]
    #[serde(default)]
    pub code: bool,
}

/// Record the files that a run wrote.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct RecordOutputs {
    /// The run.
    pub run: String,
    /// The files.
    #[arg(skip)]
    #[serde(default)]
    pub outputs: Vec<OutputFile>,
}

/// Fetch a run's packed code, as one file that needs no other, or an output that was kept.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Fetch {
    /// A run's id, or the beginning of it.
    pub run: String,
    /// An output's path; without it, the packed code.
    #[arg(long)]
    #[serde(default)]
    pub kept: Option<String>,
    /// Where to write it.
    #[arg(long)]
    #[schema(value_type = String)]
    pub output: PathBuf,
}

/// Packed contents that the ledger has.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct KnownContents {
    /// The newest packed code, if there is one.
    pub code: Option<PackedCode>,
    /// The objects: the newest, and those that it refers to.
    pub packs: Vec<Digest>,
    /// Its contents.
    pub contents: Vec<KnownContent>,
    /// The texts beside its files.
    pub notes: BTreeMap<String, Digest>,
}

/// Where a packed content lies.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct KnownContent {
    /// The content.
    pub digest: Digest,
    /// The object's number, from 0.
    pub pack: u32,
    /// Where its block begins in the object.
    pub block: u64,
    /// Bytes of the block.
    pub packed: u64,
    /// Where it begins in the unpacked block.
    pub start: u64,
}

/// A file in the blobs.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct KeptFile {
    /// Its digest.
    pub blob: Digest,
    /// Its size in bytes.
    pub bytes: u64,
}

/// A file that was fetched.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Fetched {
    /// Where it lies.
    #[schema(value_type = String)]
    pub output: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// Where a caller over HTTP finds it, under `/api/v1/download/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub download: Option<String>,
}

impl KnownContents {
    /// As the packer wants it.
    pub(crate) fn known(&self) -> Known {
        let place = |content: &KnownContent| Place {
            pack: content.pack,
            block: content.block,
            packed: content.packed,
            start: content.start,
        };
        let places = self.contents.iter().map(|content| (content.digest.clone(), place(content))).collect();
        Known { packs: self.packs.clone(), places }
    }
}

impl UseCase for KnownCode {
    const NOUN: &'static str = "run";
    const VERB: &'static str = "known";
    const ACCESS: Access = Access::Read;
    const ABOUT: &'static str = "Say which packed contents the ledger has.";
    type Answer = KnownContents;

    async fn run(self, app: &App, context: &Context) -> Result<KnownContents> {
        let query = FactQuery {
            verbs: vec!["run.started".into()],
            newest_first: true,
            limit: Some(LOOKED_AT),
            ..FactQuery::of(&context.product()?.name)
        };
        for fact in app.ledger.facts(&query).await? {
            let record: super::lifecycle::StartRecord = payload(&fact)?;
            let Some(code) = record.snapshot.captured.and_then(|captured| captured.code) else { continue };
            // What is lost or damaged must not be built upon: then everything is packed anew.
            let Ok(place) = app.blobs.local_path(&code.blob).await else { continue };
            let Ok(listing) = archive::read_listing(&place) else { continue };
            if !app.blobs.missing(&listing.packs).await?.is_empty() {
                continue;
            }
            let known = Known::from(&code.blob, &listing);
            let content = |(digest, place): (Digest, Place)| KnownContent {
                digest,
                pack: place.pack,
                block: place.block,
                packed: place.packed,
                start: place.start,
            };
            let notes = listing.notes.iter().filter_map(|(name, entry)| Some((name.clone(), entry.digest.clone()?)));
            return Ok(KnownContents {
                notes: notes.collect(),
                code: Some(code),
                packs: known.packs,
                contents: known.places.into_iter().map(content).collect(),
            });
        }
        Ok(KnownContents::default())
    }
}

impl UseCase for Keep {
    const NOUN: &'static str = "run";
    const VERB: &'static str = "keep";
    const ACCESS: Access = Access::Write;
    const ABOUT: &'static str = "Keep a file of a run in the blobs.";
    type Answer = KeptFile;

    async fn run(self, app: &App, context: &Context) -> Result<KeptFile> {
        let file = app.request_file(context, &self.file, self.source.as_deref())?;
        if self.code {
            let listing = archive::read_listing(&file.path)?;
            if !app.blobs.missing(&listing.packs).await?.is_empty() {
                return Err(Error::new("request.invalid", "the packed files refer to others that are not here")
                    .hint("pack them anew: run the command again"));
            }
        }
        let (blob, bytes) = app.blobs.put_file(&file.path).await?;
        Ok(KeptFile { blob, bytes })
    }
}

impl UseCase for RecordOutputs {
    const NOUN: &'static str = "run";
    const VERB: &'static str = "outputs";
    const ACCESS: Access = Access::Write;
    const ABOUT: &'static str = "Record the files that a run wrote.";
    type Answer = Done;

    async fn run(mut self, app: &App, context: &Context) -> Result<Done> {
        let run = super::lifecycle::open_run(app, context, &self.run).await?;
        self.outputs.truncate(MOST_OUTPUTS);
        let kept: Vec<Digest> = self.outputs.iter().filter_map(|output| output.blob.clone()).collect();
        need_blobs(app, &kept).await?;
        let links = kept.iter().map(|blob| Link::makes("blob", blob.as_str())).collect();
        let recorded = Recorded { outputs: self.outputs, ..Recorded::default() };
        append_recorded(app, context, &run, &recorded, links).await?;
        Ok(Done { done: true })
    }
}

impl UseCase for Fetch {
    const NOUN: &'static str = "run";
    const VERB: &'static str = "fetch";
    const ACCESS: Access = Access::Read;
    const ABOUT: &'static str = "Fetch a run's packed code, or an output that was kept.";
    type Answer = Fetched;

    async fn run(self, app: &App, context: &Context) -> Result<Fetched> {
        let run = find_run(app, context, &self.run).await?;
        let scratch = app.scratch()?;
        let file = scratch.path().join("fetched");
        match &self.kept {
            Some(path) => {
                let output = run.outputs.iter().find(|output| output.path == *path);
                let blob = output.and_then(|output| output.blob.as_ref()).ok_or_else(|| {
                    Error::not_found("kept output", path).hint(format!("`remuda run show {}` lists them", run.run))
                })?;
                std::fs::write(&file, app.blobs.get_checked(blob).await?)?;
            }
            None => {
                let code = packed_code(&run)?;
                let reader = reader_of(app, code).await?;
                let into = file.clone();
                tokio::task::spawn_blocking(move || reader.gather(&into))
                    .await
                    .map_err(|error| Error::new("internal", "the packing stopped").caused_by(&error))??;
            }
        }
        let bytes = std::fs::metadata(&file)?.len();
        if context.trusts_paths {
            std::fs::copy(&file, &self.output).map_err(|source| {
                Error::new("request.invalid", format!("cannot write {}", self.output.display())).caused_by(&source)
            })?;
            return Ok(Fetched { output: self.output, bytes, download: None });
        }
        let download = Some(app.offer_download(&file)?);
        Ok(Fetched { output: self.output, bytes, download })
    }
}

/// The packed code of a run, or the error that says that it has none.
pub(super) fn packed_code(run: &super::RunState) -> Result<&PackedCode> {
    let code = run.snapshot.captured.as_ref().and_then(|captured| captured.code.as_ref());
    code.ok_or_else(|| {
        let error = Error::new("request.not_found", format!("run {} kept no packed code", run.run));
        match &run.snapshot.commit {
            Some(commit) => error.hint(format!("its commit may be in the repository: git show {commit}")),
            None => error.hint("runs made with `remuda run` keep it"),
        }
    })
}

/// Opens packed code, wherever its objects lie.
pub(super) async fn reader_of(app: &App, code: &PackedCode) -> Result<Reader> {
    let place = app.blobs.local_path(&code.blob).await?;
    let mut others = HashMap::new();
    for other in &code.others {
        others.insert(other.clone(), app.blobs.local_path(other).await?);
    }
    Ok(Reader::open(&place, &others)?)
}

/// The objects that packed code lies in.
pub(super) fn objects_of(code: &PackedCode) -> Vec<Digest> {
    std::iter::once(&code.blob).chain(&code.others).cloned().collect()
}

/// Refuses blobs that are not here.
pub(super) async fn need_blobs(app: &App, blobs: &[Digest]) -> Result<()> {
    for blob in blobs {
        if !app.blobs.contains(blob).await? {
            return Err(Error::new("request.invalid", format!("the blob {} is not here", blob.short()))
                .hint("send it first: POST /api/v1/run/keep"));
        }
    }
    Ok(())
}
