//! From a file to the parts of a version: typed by the contract, cut by content, profiled and checked in one pass.
//!
//! One thread reads, types and hashes; another profiles, checks and encodes. Memory does not grow with the file, but
//! for the row hashes that find duplicates (8 bytes per row up to 14 million rows, an estimate beyond).
//!
//! What does not live here: the blob store, and what a broken rule does.

use crate::cell::MissingWords;
use crate::columns::{views, write_key};
use crate::cut::{Chunk, Layout, stream};
use crate::draft::draft;
use crate::error::{DataError, Finding};
use crate::format::Format;
use crate::oddity::{drafted, duplicates_estimated};
use crate::part::encode;
use crate::profile::Profiler;
use crate::rules::Checker;
use crate::source::Source;
use remuda_model::Digest;
use remuda_model::data::{Contract, ContractReport, Manifest, Oddity, Part, Profile, SplitRule};
use remuda_model::text;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, sync_channel};

/// What to ingest.
pub struct IngestRequest<'a> {
    /// The file.
    pub source: &'a Path,
    /// Its format; `None`: by its ending.
    pub format: Option<Format>,
    /// The contract that types and checks the rows; `None`: types are inferred and nothing is checked.
    pub contract: Option<&'a Contract>,
    /// An existing scratch folder for new part files.
    pub folder: &'a Path,
    /// Answers with the stored part of that content, if there is one.
    pub known: &'a dyn Fn(&Digest) -> Option<Part>,
}

/// A version, before anybody has stored it.
#[derive(Clone, Debug)]
pub struct Ingested {
    /// Schema and parts.
    pub manifest: Manifest,
    /// The parts that were not known: digest of the Parquet bytes, and the file in the scratch folder.
    pub new_parts: Vec<(Digest, PathBuf)>,
    /// What the version looks like.
    pub profile: Profile,
    /// What the contract found.
    pub report: ContractReport,
    /// Rows in train, validation and holdout.
    pub split_rows: [u64; 3],
    /// What a person should look at.
    pub oddities: Vec<Oddity>,
}

/// Streams a file into parts. Blocking. `progress` gets bytes done and bytes in all (two passes without a contract).
///
/// Errors: anything malformed, a header that is not the contract's, a cell that does not fit its type; then no file
/// is left in the scratch folder.
pub fn ingest(request: &IngestRequest<'_>, progress: &mut dyn FnMut(u64, u64)) -> Result<Ingested, DataError> {
    let mut source = Source::open(request.source, request.format)?;
    let total = source.total;
    let mut oddities = Vec::new();
    let (layout, passes) = match request.contract {
        Some(contract) => (layout_of(&source, contract)?, 1),
        None => {
            let drafts = draft(&mut source, None, &mut |done| progress(done, 2 * total))?;
            oddities = drafted(&drafts, source.place_word());
            source = Source::open(request.source, request.format)?;
            (drafts.layout(), 2)
        }
    };
    let offset = (passes - 1) * total;
    let mut report_progress = |done: u64| progress(offset + done, passes * total);
    let worker = Worker::new(request, &layout, &source)?;
    let outcome = run(&mut source, &layout, request.known, worker, &mut report_progress);
    let finished = match outcome {
        Ok(finished) => finished,
        Err(failed) => {
            for path in failed.written {
                // The scratch folder is the caller's to clear; a file that will not go does no harm there.
                let _ = std::fs::remove_file(path);
            }
            return Err(*failed.error);
        }
    };
    if finished.profile_is_estimate {
        oddities.push(duplicates_estimated(finished.profile.duplicate_rows));
    }
    Ok(Ingested {
        manifest: Manifest { columns: layout.columns, parts: finished.parts },
        new_parts: finished.new_parts,
        profile: finished.profile,
        report: finished.report,
        split_rows: finished.split_rows,
        oddities,
    })
}

/// Matches the header with the contract: the same columns, in any order; the version has them in the contract's.
pub(crate) fn layout_of(source: &Source, contract: &Contract) -> Result<Layout, DataError> {
    let names: Vec<&str> = source.columns.iter().map(|(name, _)| name.as_str()).collect();
    let surplus: Vec<&str> = names.iter().copied().filter(|name| contract.column(name).is_none()).collect();
    let mut places = Vec::with_capacity(contract.columns.len());
    for column in &contract.columns {
        let Some(place) = names.iter().position(|name| *name == column.name) else {
            let next = match text::nearest(&column.name, surplus.iter().copied()) {
                Some(near) => format!("rename its column `{near}`, or change the contract"),
                None => "add it (empty fields are missing values), or take it out of the contract".to_owned(),
            };
            let finding = Finding::file(&source.file, "the contract has this column and the file lacks it", next);
            return Err(DataError::Contract(finding.column(column.name.clone())));
        };
        places.push(place);
    }
    if let Some(name) = surplus.first() {
        let more = if surplus.len() > 1 { format!(" (and {} more)", surplus.len() - 1) } else { String::new() };
        let problem = format!("the contract does not have this column{more}");
        let next = "add it to the contract (`use: ignore` keeps it from models), or remove it from the file";
        return Err(DataError::Contract(Finding::file(&source.file, problem, next).column(*name)));
    }
    Ok(Layout {
        columns: contract.columns.iter().map(|column| (column.name.clone(), column.column_type)).collect(),
        places,
        missing: MissingWords::new(&contract.missing),
    })
}

/// The places of the columns whose text makes the split key.
pub(crate) fn split_columns(
    rule: &SplitRule,
    columns: &[String],
    label: Option<&str>,
) -> Result<Vec<usize>, DataError> {
    if rule.by.is_empty() {
        return Ok((0..columns.len()).filter(|place| Some(columns[*place].as_str()) != label).collect());
    }
    let place = |name: &String| {
        let found = columns.iter().position(|column| column == name);
        found.ok_or_else(|| DataError::missing_column(name, columns.iter().map(String::as_str)))
    };
    rule.by.iter().map(place).collect()
}

struct Finished {
    parts: Vec<Part>,
    new_parts: Vec<(Digest, PathBuf)>,
    profile: Profile,
    profile_is_estimate: bool,
    report: ContractReport,
    split_rows: [u64; 3],
}

/// An error, and the files that were written before it.
struct Failed {
    error: Box<DataError>,
    written: Vec<PathBuf>,
}

impl Failed {
    fn new(error: DataError, written: Vec<PathBuf>) -> Self {
        Self { error: Box::new(error), written }
    }
}

/// Reads in this thread, works in another.
fn run(
    source: &mut Source,
    layout: &Layout,
    known: &dyn Fn(&Digest) -> Option<Part>,
    worker: Worker,
    progress: &mut dyn FnMut(u64),
) -> Result<Finished, Failed> {
    let file = source.file.clone();
    let (sender, receiver) = sync_channel::<(Chunk, Option<Part>)>(4);
    std::thread::scope(|scope| {
        let handle = scope.spawn(move || worker.run(&receiver));
        let interrupted = || DataError::Interrupted { file: file.clone() };
        let streamed = stream(source, layout, progress, &mut |chunk| {
            let stored = known(&chunk.content);
            // The worker hangs up only on an error of its own, which is the one to report.
            sender.send((chunk, stored)).map_err(|_| interrupted())
        });
        drop(sender);
        let (worker, worked) = match handle.join() {
            Ok(done) => done,
            Err(_) => return Err(Failed::new(interrupted(), Vec::new())),
        };
        let written = |worker: &Worker| worker.new_parts.iter().map(|(_, path)| path.clone()).collect();
        if let Err(error) = worked {
            return Err(Failed::new(error, written(&worker)));
        }
        match streamed {
            Err(error) => Err(Failed::new(error, written(&worker))),
            Ok(0) => {
                let finding = Finding::file(&file, "the file has a header and no row", "add rows under the header");
                Err(Failed::new(DataError::Content(finding), Vec::new()))
            }
            Ok(_) => {
                let paths = written(&worker);
                worker.finish().map_err(|error| Failed::new(error, paths))
            }
        }
    })
}

/// Profiles, checks, splits and encodes.
struct Worker {
    folder: PathBuf,
    profiler: Profiler,
    checker: Option<Checker>,
    rule: SplitRule,
    split_columns: Vec<usize>,
    split_rows: [u64; 3],
    parts: Vec<Part>,
    new_parts: Vec<(Digest, PathBuf)>,
    written: HashMap<Digest, Part>,
}

impl Worker {
    fn new(request: &IngestRequest<'_>, layout: &Layout, source: &Source) -> Result<Self, DataError> {
        let rule = request.contract.map_or_else(|| SplitRule::usual(Vec::new()), |contract| contract.split.clone());
        let names: Vec<String> = layout.columns.iter().map(|(name, _)| name.clone()).collect();
        let label = request.contract.and_then(Contract::label).map(|column| column.name.as_str());
        let checker = match request.contract {
            Some(contract) => Some(Checker::new(contract, &source.file, source.place_word())?),
            None => None,
        };
        Ok(Self {
            folder: request.folder.to_owned(),
            profiler: Profiler::new(&layout.columns)?,
            checker,
            split_columns: split_columns(&rule, &names, label)?,
            rule,
            split_rows: [0; 3],
            parts: Vec::new(),
            new_parts: Vec::new(),
            written: HashMap::new(),
        })
    }

    fn run(mut self, receiver: &Receiver<(Chunk, Option<Part>)>) -> (Self, Result<(), DataError>) {
        while let Ok((chunk, stored)) = receiver.recv() {
            if let Err(error) = self.add(&chunk, stored) {
                return (self, Err(error));
            }
        }
        (self, Ok(()))
    }

    fn add(&mut self, chunk: &Chunk, stored: Option<Part>) -> Result<(), DataError> {
        self.profiler.add(chunk)?;
        if let Some(checker) = &mut self.checker {
            checker.add(chunk)?;
        }
        self.split(chunk)?;
        let part = match stored.or_else(|| self.written.get(&chunk.content).cloned()) {
            Some(part) => part,
            None => self.write(chunk)?,
        };
        self.parts.push(part);
        Ok(())
    }

    fn split(&mut self, chunk: &Chunk) -> Result<(), DataError> {
        let views = views(&chunk.batch)?;
        let mut scratch = String::new();
        let mut key = Vec::new();
        for row in 0..chunk.batch.num_rows() {
            key.clear();
            write_key(&views, &self.split_columns, row, &mut scratch, &mut key);
            self.split_rows[self.rule.split_of(&key) as usize] += 1;
        }
        Ok(())
    }

    fn write(&mut self, chunk: &Chunk) -> Result<Part, DataError> {
        let path = self.folder.join(format!("{}.parquet", chunk.content.hex()));
        let failed = |source| DataError::Write { file: path.display().to_string(), source };
        let bytes = encode(&chunk.batch).map_err(failed)?;
        let blob = Digest::of(&bytes);
        self.new_parts.push((blob.clone(), path.clone()));
        std::fs::write(&path, &bytes).map_err(|error| failed(error.into()))?;
        let part = Part {
            content: chunk.content.clone(),
            blob,
            rows: chunk.batch.num_rows() as u64,
            bytes: bytes.len() as u64,
        };
        self.written.insert(chunk.content.clone(), part.clone());
        Ok(part)
    }

    fn finish(self) -> Result<Finished, DataError> {
        let profile_is_estimate = self.profiler.duplicates.is_estimate();
        Ok(Finished {
            parts: self.parts,
            new_parts: self.new_parts,
            profile: self.profiler.finish()?,
            profile_is_estimate,
            report: self.checker.map(Checker::finish).unwrap_or_default(),
            split_rows: self.split_rows,
        })
    }
}
