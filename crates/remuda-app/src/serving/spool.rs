//! The prediction log. A prediction is written to a spool file before its answer leaves (one write for all that wait:
//! group commit), flushed to the disk's platter every 50 ms, and moved into the ledger in the background.
//!
//! What survives what: killing the process loses nothing that was answered; cutting the machine's power may lose the
//! last 50 ms. A file that a crash left behind is drained by the next start; replaying one twice adds nothing,
//! because the ledger knows each prediction's id. A record that the ledger can never take is put aside into a file
//! `NAME.refused` beside its own, and stays there for people to look at; the others go on.

use super::endpoint::{Endpoint, Inferred};
use crate::app::App;
use crate::error::{Error, Result};
use crate::pin;
use remuda_ledger::Append;
use remuda_model::fact::Link;
use remuda_model::serving::PredictionRecord;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::HashSet;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// How long a written record may wait for the disk.
const FLUSH: Duration = Duration::from_millis(50);
/// A spool file is closed and handed to the ledger after this time or size.
const ROTATE_AFTER: Duration = Duration::from_secs(1);
const ROTATE_BYTES: u64 = 16 * 1024 * 1024;
/// Predictions per ledger transaction.
const BATCH: usize = 5_000;

/// What `serving.logged` keeps.
#[derive(Serialize)]
struct Logged {
    count: usize,
    first: i64,
    last: i64,
}

struct Job {
    lines: Vec<u8>,
    done: oneshot::Sender<std::result::Result<(), String>>,
}

/// The log of one serving process.
pub struct PredictionLog {
    sender: Option<Sender<Job>>,
    writer: Option<std::thread::JoinHandle<()>>,
    app: App,
    product: String,
    chosen: Mutex<ChosenIds>,
}

/// Ids that callers chose of late: those that may still be on their way to the ledger, and some more.
#[derive(Default)]
struct ChosenIds {
    newest: HashSet<String>,
    older: HashSet<String>,
}

/// More ids than any spool file holds; when so many came, the older half is surely in the ledger.
const CHOSEN: usize = 100_000;

impl ChosenIds {
    /// Takes all of these ids, or none and names the one that is taken.
    fn take(&mut self, ids: &[String]) -> std::result::Result<(), String> {
        if let Some(taken) = ids.iter().find(|id| self.newest.contains(*id) || self.older.contains(*id)) {
            return Err(taken.clone());
        }
        if self.newest.len() > CHOSEN {
            self.older = std::mem::take(&mut self.newest);
        }
        self.newest.extend(ids.iter().cloned());
        Ok(())
    }
}

impl PredictionLog {
    /// Starts the log of a product.
    ///
    /// # Errors
    /// The spool folder cannot be made.
    pub fn start(app: App, product: &str) -> Result<Self> {
        let folder = spool_folder(&app);
        std::fs::create_dir_all(&folder)?;
        let (sender, jobs) = channel::<Job>();
        let (closed, drained) = tokio::sync::mpsc::unbounded_channel::<PathBuf>();
        let stem = format!("{product}@{}", crate::recovery::process_mark());
        let writer = std::thread::Builder::new()
            .name("prediction-log".into())
            .spawn(move || write_jobs(&jobs, &folder, &stem, &closed))?;
        tokio::spawn(drain_closed(app.clone(), product.to_owned(), drained));
        let product = product.to_owned();
        Ok(Self { sender: Some(sender), writer: Some(writer), app, product, chosen: Mutex::default() })
    }

    /// Takes ids that a caller chose, before anything is predicted under them: a prediction is a fact and is not
    /// written over.
    ///
    /// # Errors
    /// There is a prediction with one of them; the message names it.
    pub async fn claim(&self, ids: &[String]) -> Result<()> {
        let taken = |id: &str| {
            Error::new("request.invalid", format!("there is a prediction `{id}` already"))
                .hint("send another id, or none: ids are then made")
        };
        let asked: Vec<&str> = ids.iter().map(String::as_str).collect();
        let known = self.app.ledger.known_predictions(&self.product, &asked).await?;
        if let Some(id) = ids.iter().find(|id| known.contains(*id)) {
            return Err(taken(id));
        }
        let mut chosen = self.chosen.lock().map_err(|_| Error::new("internal", "the prediction log has stopped"))?;
        chosen.take(ids).map_err(|id| taken(&id))
    }

    /// Logs the predictions of one request. They are safe from a crash of this process when this returns.
    ///
    /// # Errors
    /// The spool cannot be written (disk full): the caller must not answer as if all were well.
    pub async fn record(
        &self,
        endpoint: &Endpoint,
        ids: &[String],
        rows: &[Map<String, Value>],
        predictions: &[Inferred],
        microseconds: i64,
    ) -> Result<()> {
        let time = self.app.clock.now();
        let mut lines = Vec::with_capacity(rows.len() * 256);
        for ((id, row), prediction) in ids.iter().zip(rows).zip(predictions) {
            let record = PredictionRecord {
                id: id.clone(),
                release: endpoint.release.clone(),
                time,
                label: prediction.label.clone(),
                score: prediction.score,
                inputs: serde_json::to_string(row)?,
                microseconds,
            };
            push_line(&mut lines, &record)?;
        }
        let (done, written) = oneshot::channel();
        let closed = || Error::new("internal", "the prediction log has stopped");
        self.sender.as_ref().ok_or_else(closed)?.send(Job { lines, done }).map_err(|_| closed())?;
        match written.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(why)) => {
                let mut error = Error::new("ledger.unusable", "the prediction cannot be logged, so it is not answered");
                error.causes.push(why);
                Err(error)
            }
            Err(_) => Err(closed()),
        }
    }

    /// Ends the log: everything recorded is in the ledger when this returns.
    ///
    /// # Errors
    /// The ledger cannot be written; the spool then keeps what is left for the next start.
    pub async fn close(mut self) -> Result<()> {
        self.sender = None;
        if let Some(writer) = self.writer.take() {
            let _ = tokio::task::spawn_blocking(move || writer.join()).await;
        }
        drain_spool(&self.app).await.map(drop)
    }
}

fn spool_folder(app: &App) -> PathBuf {
    app.folder.join("spool")
}

/// A line: eight hexadecimal digits of the record's BLAKE3 hash, a space, the record as JSON.
fn push_line(lines: &mut Vec<u8>, record: &PredictionRecord) -> Result<()> {
    let json = serde_json::to_vec(record)?;
    lines.extend_from_slice(&blake3::hash(&json).to_hex().as_bytes()[..8]);
    lines.push(b' ');
    lines.extend_from_slice(&json);
    lines.push(b'\n');
    Ok(())
}

fn read_line(line: &[u8]) -> Option<PredictionRecord> {
    let (sum, json) = (line.get(..8)?, line.get(9..)?);
    if sum != &blake3::hash(json).to_hex().as_bytes()[..8] {
        return None;
    }
    serde_json::from_slice(json).ok()
}

/// An open spool file.
struct Segment {
    file: File,
    path: PathBuf,
    opened: Instant,
    flushed: Instant,
    bytes: u64,
    dirty: bool,
}

impl Segment {
    fn open(folder: &Path, stem: &str, number: u64) -> std::io::Result<Self> {
        let path = folder.join(format!("{stem}-{number}.open"));
        loop {
            let file = OpenOptions::new().create_new(true).append(true).open(&path)?;
            // The lock tells those who cannot see our process (a container and its host) that the file is being
            // written. Whoever came between making and locking has drained an empty file and removed it. Where a
            // file system has no locks, the process in the file's name has to do.
            let _ = file.lock();
            if path.exists() {
                let now = Instant::now();
                return Ok(Self { file, path, opened: now, flushed: now, bytes: 0, dirty: false });
            }
        }
    }

    fn flush(&mut self) {
        if self.dirty && self.flushed.elapsed() >= FLUSH {
            // A failing flush is met again by the next write, which does report it.
            let _ = self.file.sync_data();
            self.flushed = Instant::now();
            self.dirty = false;
        }
    }

    fn is_due(&self) -> bool {
        self.bytes > 0 && (self.opened.elapsed() >= ROTATE_AFTER || self.bytes >= ROTATE_BYTES)
    }
}

/// The writer's thread: takes all jobs that wait, writes them at once, answers them, flushes and rotates.
fn write_jobs(jobs: &Receiver<Job>, folder: &Path, stem: &str, closed: &tokio::sync::mpsc::UnboundedSender<PathBuf>) {
    let mut number = jiff::Timestamp::now().as_microsecond().unsigned_abs();
    let mut segment: Option<Segment> = None;
    loop {
        let first = match jobs.recv_timeout(FLUSH) {
            Ok(job) => Some(job),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => break,
        };
        if let Some(first) = first {
            let mut waiting = vec![first];
            waiting.extend(jobs.try_iter().take(1_000));
            if segment.is_none() {
                number += 1;
            }
            let outcome = write_all(&mut segment, folder, stem, number, &waiting);
            for job in waiting {
                // Whoever asked may have gone; that changes nothing here.
                let _ = job.done.send(outcome.as_ref().copied().map_err(ToString::to_string));
            }
        }
        if let Some(open) = &mut segment {
            open.flush();
        }
        if segment.as_ref().is_some_and(Segment::is_due) {
            close(segment.take(), closed);
        }
    }
    close(segment.take(), closed);
}

fn write_all(
    segment: &mut Option<Segment>,
    folder: &Path,
    stem: &str,
    number: u64,
    jobs: &[Job],
) -> std::io::Result<()> {
    let open = match segment {
        Some(open) => open,
        None => segment.insert(Segment::open(folder, stem, number)?),
    };
    let bytes: Vec<u8> = jobs.iter().flat_map(|job| job.lines.iter().copied()).collect();
    if let Err(error) = open.file.write_all(&bytes) {
        // A partial line stays behind; its hash does not fit, so nobody reads it. The next job begins a new file.
        *segment = None;
        return Err(error);
    }
    open.bytes += bytes.len() as u64;
    open.dirty = true;
    Ok(())
}

/// Closes a spool file: flushed, and renamed so that others see that nobody writes it any more.
fn close(segment: Option<Segment>, closed: &tokio::sync::mpsc::UnboundedSender<PathBuf>) {
    let Some(segment) = segment else { return };
    let _ = segment.file.sync_data();
    let done = segment.path.with_extension("log");
    if std::fs::rename(&segment.path, &done).is_ok() {
        let _ = closed.send(done);
    }
}

async fn drain_closed(app: App, product: String, mut files: tokio::sync::mpsc::UnboundedReceiver<PathBuf>) {
    while let Some(file) = files.recv().await {
        if let Err(error) = drain_file(&app, &product, &file).await {
            tracing::warn!(%error, file = %file.display(), "predictions stay in the spool");
        }
    }
}

/// The ending of a file with records that the ledger can never take.
const REFUSED: &str = "refused";

/// Moves what closed or orphaned spool files hold into the ledger. Called at each start. Gives a sentence about the
/// records that had to be put aside, now or before, for as long as a file holds some.
///
/// # Errors
/// The ledger cannot be written: the first failure is told, and the files that met one are kept.
pub async fn drain_spool(app: &App) -> Result<Option<String>> {
    let Ok(entries) = std::fs::read_dir(spool_folder(app)) else { return Ok(None) };
    let mut drained = Ok(());
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some((product, rest)) = name.split_once('@') else { continue };
        if is_refused(&path) {
            continue;
        }
        let is_open = path.extension().is_some_and(|ending| ending == "open");
        let writer_lives = rest.split('-').next().is_some_and(crate::recovery::marked_process_lives);
        if is_open && writer_lives {
            continue;
        }
        let Ok(file) = File::open(&path) else { continue };
        if is_open && matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
            continue;
        }
        // A file that cannot be drained does not keep the others waiting.
        drained = drained.and(drain_file(app, product, &path).await);
    }
    drained.map(|()| refused_note(app))
}

fn is_refused(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == REFUSED)
}

/// The sentence about records that were put aside.
fn refused_note(app: &App) -> Option<String> {
    let entries = std::fs::read_dir(spool_folder(app)).ok()?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(|path| is_refused(path)).collect();
    files.sort();
    let lines = |path: &PathBuf| std::fs::read(path).map_or(0, |bytes| bytes.split(|byte| *byte == b'\n').count() - 1);
    let count: usize = files.iter().map(lines).sum();
    let first = files.first()?;
    let (were, and_more) = (if count == 1 { "was" } else { "were" }, if files.len() > 1 { " and others" } else { "" });
    Some(format!(
        "{} that the ledger cannot take (a NUL character, or over 800 bytes in an id) {were} put aside: look at \
         {}{and_more}, and move it away when done.",
        remuda_model::text::count(count as u64, "prediction"),
        first.display(),
    ))
}

async fn drain_file(app: &App, product: &str, path: &Path) -> Result<()> {
    let Ok(bytes) = std::fs::read(path) else { return Ok(()) };
    let records: Vec<PredictionRecord> = bytes.split(|byte| *byte == b'\n').filter_map(read_line).collect();
    let mut refused = Vec::new();
    for batch in records.chunks(BATCH) {
        refused.extend(append_what_can_be(app, product, batch).await?);
    }
    if !refused.is_empty() {
        put_aside(path, &refused)?;
    }
    let _ = std::fs::remove_file(path);
    Ok(())
}

/// Appends all records but those that the ledger can never take, and gives these. The ledger names no record: what it
/// refuses is halved until one is left, which costs no writing, since it looks before it begins.
async fn append_what_can_be(app: &App, product: &str, records: &[PredictionRecord]) -> Result<Vec<PredictionRecord>> {
    let mut refused = Vec::new();
    let mut waiting = by_release(records);
    while let Some(mut predictions) = waiting.pop() {
        let append = append_of(app, product, predictions.clone(), "system")?;
        match app.ledger.append(product, append).await {
            Ok(_) => {}
            Err(remuda_ledger::Error::Invalid { .. }) if predictions.len() > 1 => {
                waiting.push(predictions.split_off(predictions.len() / 2));
                waiting.push(predictions);
            }
            Err(error @ remuda_ledger::Error::Invalid { .. }) => {
                tracing::warn!(%error, "a prediction in the spool is put aside");
                refused.append(&mut predictions);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(refused)
}

/// Keeps records beside their spool file, on the disk before that is removed. One that a drain cut short has kept
/// already is not kept twice.
fn put_aside(path: &Path, refused: &[PredictionRecord]) -> Result<()> {
    let aside = path.with_extension(REFUSED);
    let kept = match std::fs::read(&aside) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let kept: HashSet<&[u8]> = kept.split_inclusive(|byte| *byte == b'\n').collect();
    let mut lines = Vec::new();
    for record in refused {
        let mut line = Vec::new();
        push_line(&mut line, record)?;
        if !kept.contains(line.as_slice()) {
            lines.extend(line);
        }
    }
    let mut file = OpenOptions::new().create(true).append(true).open(&aside)?;
    file.write_all(&lines)?;
    file.sync_all()?;
    Ok(())
}

/// Appends predictions with one fact per release; those that are there already add nothing.
pub(crate) async fn append_predictions(
    app: &App,
    product: &str,
    records: &[PredictionRecord],
    actor: &str,
) -> Result<u64> {
    let mut new = 0;
    for predictions in by_release(records) {
        let append = append_of(app, product, predictions, actor)?;
        new += app.ledger.append(product, append).await?.new_predictions;
    }
    Ok(new)
}

/// The predictions of each release, in their order.
fn by_release(records: &[PredictionRecord]) -> Vec<Vec<PredictionRecord>> {
    let mut releases: Vec<&str> = records.iter().map(|record| record.release.as_str()).collect();
    releases.sort_unstable();
    releases.dedup();
    let of = |release: &str| records.iter().filter(|record| record.release == release).cloned().collect();
    releases.into_iter().map(of).collect()
}

/// The fact that brings the predictions of one release, and these.
fn append_of(app: &App, product: &str, predictions: Vec<PredictionRecord>, actor: &str) -> Result<Append> {
    let release = predictions.first().map(|record| record.release.clone()).unwrap_or_default();
    let times = || predictions.iter().map(|record| record.time);
    let logged = Logged {
        count: predictions.len(),
        first: times().min().unwrap_or_default(),
        last: times().max().unwrap_or_default(),
    };
    let links = vec![Link::uses("release", release.as_str())];
    let mut fact = pin::system_fact(app, product, "serving.logged", &release, &logged, links)?;
    actor.clone_into(&mut fact.actor);
    Ok(Append { facts: vec![fact], predictions, only_news: true, ..Append::default() })
}
