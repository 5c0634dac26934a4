//! From a spool to its server: records in their order, many at a time, until the server has each. What it is not sure to
//! have delivered it delivers again; the server knows each record.

use crate::remote::{Remote, Sent};
use axum::body::Bytes;
use axum::http::{HeaderValue, Method, StatusCode};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use remuda_app::run::spool::{Reader, Record, Refused, Spool, SpooledFile, is_whole};
use remuda_app::{Error, Kind, Result};
use remuda_web::mlflow::local::{Reply, Upstream};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

/// Records and bytes of one delivery at most.
const RECORDS: usize = 1000;
const BYTES: usize = 4 << 20;

/// How long is waited before a server that was away is asked again: at first, at most.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// How long somebody who must see all that was spooled waits.
const CATCH_UP: Duration = Duration::from_secs(5);

/// Delivers a spool.
pub(crate) struct Forwarder {
    spool: Arc<Spool>,
    remote: Arc<Remote>,
    reader: Reader,
    waiting: VecDeque<Record>,
    /// How many go at once: one, after the server refused many as a whole.
    at_once: usize,
    delivered: u64,
    refused: u64,
    /// Numbers of experiments that were made here, and the server's.
    experiments: BTreeMap<String, String>,
}

/// What a step brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moved {
    /// Some records were delivered.
    Some,
    /// None waits.
    Nothing,
}

/// What came of a record.
enum Outcome {
    Delivered,
    Refused(String),
}

#[derive(Deserialize)]
struct Done {
    sequence: u64,
    status: u16,
    #[serde(default)]
    message: String,
}

impl Forwarder {
    /// A forwarder that goes on where the last one ended.
    pub(crate) fn new(spool: Arc<Spool>, remote: Arc<Remote>) -> Result<Self> {
        let delivered = spool.delivered();
        let mut reader = Reader::open(&spool.folder)?;
        while reader.next(delivered)?.is_some() {}
        let (experiments, refused) = (spool.experiments(), spool.refused().len() as u64);
        Ok(Self { spool, remote, reader, waiting: VecDeque::new(), at_once: RECORDS, delivered, refused, experiments })
    }

    /// The number of the last record that was delivered or refused, and how many were refused.
    pub(crate) fn stand(&self) -> (u64, u64) {
        (self.delivered, self.refused)
    }

    /// Delivers some records up to this number.
    ///
    /// # Errors
    /// The server is away, or does not let us in; nothing is lost.
    pub(crate) async fn step(&mut self, through: u64) -> Result<Moved> {
        self.fill(through)?;
        let Some(first) = self.waiting.front() else { return Ok(Moved::Nothing) };
        if goes_alone(first) {
            let outcome = self.deliver_one(first).await?;
            self.settle(outcome)?;
        } else {
            self.deliver_many().await?;
        }
        self.spool.set_delivered(self.delivered)?;
        Ok(Moved::Some)
    }

    fn fill(&mut self, through: u64) -> Result<()> {
        let mut bytes: usize = self.waiting.iter().map(|record| record.body.len()).sum();
        while self.waiting.len() < RECORDS && bytes < BYTES {
            let Some(record) = self.reader.next(through)? else { break };
            if record.sequence > self.delivered {
                bytes += record.body.len();
                self.waiting.push_back(record);
            }
        }
        Ok(())
    }

    /// Notes what came of the first record that waits.
    fn settle(&mut self, outcome: Outcome) -> Result<()> {
        let Some(record) = self.waiting.pop_front() else { return Ok(()) };
        if let Outcome::Refused(message) = outcome {
            let body = String::from_utf8_lossy(&record.body).into_owned();
            self.spool.add_refused(&Refused { sequence: record.sequence, path: record.head.path, message, body })?;
            self.refused += 1;
        }
        self.delivered = record.sequence;
        Ok(())
    }

    async fn deliver_many(&mut self) -> Result<()> {
        let mut records = Vec::new();
        for record in self.waiting.iter().take(self.at_once).take_while(|record| !goes_alone(record)) {
            let body = String::from_utf8_lossy(&self.mapped(&record.body)).into_owned();
            let head = &record.head;
            records
                .push(json!({ "sequence": record.sequence, "method": head.method, "path": head.path, "body": body }));
        }
        let about = &self.spool.about.spool;
        let count = records.len();
        let body = json!({ "spool": about, "through": self.delivered, "records": records }).to_string();
        let path = "/api/2.0/remuda/deliver";
        let (status, answered) = self.exchange("POST", path, Sent::Bytes(body.into_bytes())).await?;
        if matches!(status, 400 | 413 | 415 | 422) {
            // Something among them cannot even be read: each goes alone until that one is found.
            if count == 1 {
                self.settle(Outcome::Refused(message_of(status, &answered)))?;
            }
            self.at_once = if count == 1 { RECORDS } else { 1 };
            return Ok(());
        }
        if status != 200 {
            return Err(refusal(self.remote.base(), status, &answered));
        }
        #[derive(Deserialize)]
        struct Answer {
            done: Vec<Done>,
        }
        let answer: Answer = serde_json::from_slice(&answered)?;
        for done in answer.done {
            if self.waiting.front().is_none_or(|record| record.sequence != done.sequence) {
                return Err(Error::new("server.unreachable", "the server answered about other records than were sent"));
            }
            match done.status {
                200..300 => self.settle(Outcome::Delivered)?,
                300..=499 | 501 => self.settle(Outcome::Refused(done.message))?,
                _ => {
                    self.spool.set_delivered(self.delivered)?;
                    return Err(Error::new("server.unreachable", format!("the server failed: {}", done.message)));
                }
            }
        }
        Ok(())
    }

    async fn deliver_one(&self, record: &Record) -> Result<Outcome> {
        let head = &record.head;
        if head.path.starts_with("/api/v1/") {
            let request = serde_json::from_slice(&record.body)?;
            return match self.remote.post_use_case(&head.path, request).await {
                Ok(_) => Ok(Outcome::Delivered),
                Err(error) if is_passing(&error) => Err(error),
                Err(error) => Ok(Outcome::Refused(error.message)),
            };
        }
        if let Some(name) = &head.file {
            return self.deliver_file(record, name).await;
        }
        Ok(Outcome::Refused(format!("{} is no record that can be delivered", head.path)))
    }

    async fn deliver_file(&self, record: &Record, name: &str) -> Result<Outcome> {
        let path = self.spool.file(name);
        let about: SpooledFile = serde_json::from_slice(&record.body)?;
        let whole = {
            let path = path.clone();
            let about = about.clone();
            tokio::task::spawn_blocking(move || is_whole(&path, &about))
                .await
                .map_err(|error| Error::new("internal", "a file could not be checked").caused_by(&error))?
        };
        if !whole.unwrap_or(false) {
            return Ok(Outcome::Refused(format!("the spooled file {name} is damaged or gone")));
        }
        let to = self.mapped_path(&record.head.path);
        let (status, answered) = self.exchange("PUT", &to, Sent::File(path)).await?;
        match status {
            200..300 => Ok(Outcome::Delivered),
            401 | 403 | 408 | 429 | 500 | 502..600 => Err(refusal(self.remote.base(), status, &answered)),
            _ => Ok(Outcome::Refused(message_of(status, &answered))),
        }
    }

    /// Finds the server's experiment of the name, or makes it.
    async fn deliver_experiment(&self, record: &Record) -> Result<(String, String)> {
        let asked: Value = serde_json::from_slice(&record.body)?;
        let own = asked["experiment_id"].as_str().unwrap_or_default().to_owned();
        let path = &record.head.path;
        let (status, answered) = self.exchange("POST", path, Sent::Bytes(record.body.clone())).await?;
        let told: Value = serde_json::from_slice(&answered).unwrap_or_default();
        if let Some(id) = told["experiment_id"].as_str() {
            return Ok((own, id.to_owned()));
        }
        if told["error_code"] != "RESOURCE_ALREADY_EXISTS" {
            return Err(refusal(self.remote.base(), status, &answered));
        }
        let name = crate::remote::percent(asked["name"].as_str().unwrap_or_default());
        let path = format!("/api/2.0/mlflow/experiments/get-by-name?experiment_name={name}");
        let (status, answered) = self.exchange("GET", &path, Sent::Bytes(Vec::new())).await?;
        let told: Value = serde_json::from_slice(&answered).unwrap_or_default();
        match told["experiment"]["experiment_id"].as_str() {
            Some(id) => Ok((own, id.to_owned())),
            None => Err(refusal(self.remote.base(), status, &answered)),
        }
    }

    async fn exchange(&self, method: &str, path: &str, sent: Sent) -> Result<(u16, Vec<u8>)> {
        let answer = self.remote.exchange(method, path, sent).await?;
        Ok((answer.status, answer.body))
    }

    /// The body with the server's number of the experiment.
    fn mapped(&self, body: &[u8]) -> Vec<u8> {
        if self.experiments.is_empty() {
            return body.to_vec();
        }
        let Ok(mut fields) = serde_json::from_slice::<Value>(body) else { return body.to_vec() };
        let known = fields["experiment_id"].as_str().and_then(|id| self.experiments.get(id)).cloned();
        match known {
            Some(id) => {
                fields["experiment_id"] = json!(id);
                fields.to_string().into_bytes()
            }
            None => body.to_vec(),
        }
    }

    /// The address of a file, which begins with the number of its experiment.
    fn mapped_path(&self, path: &str) -> String {
        const BEFORE: &str = "/mlflow-artifacts/artifacts/";
        let Some((before, rest)) = path.split_once(BEFORE) else { return path.to_owned() };
        let (number, file) = rest.split_once('/').unwrap_or((rest, ""));
        match self.experiments.get(number) {
            Some(id) => format!("{before}{BEFORE}{id}/{file}"),
            None => path.to_owned(),
        }
    }
}

/// Whether a record is delivered by itself: a use case, a file, an experiment whose number must be learnt.
fn goes_alone(record: &Record) -> bool {
    let head = &record.head;
    head.file.is_some() || head.path.starts_with("/api/v1/") || head.path.ends_with("/experiments/create")
}

/// Whether the same request may be taken later: the server is away or at fault, or does not let us in.
fn is_passing(error: &Error) -> bool {
    error.kind == Kind::Internal
        || error.kind == Kind::Denied
        || matches!(error.code.as_str(), "server.unreachable" | "ledger.full" | "ledger.conflict" | "ledger.read_only")
}

fn message_of(status: u16, answered: &[u8]) -> String {
    let told: Value = serde_json::from_slice(answered).unwrap_or_default();
    let said = told["message"].as_str().or_else(|| told["detail"].as_str());
    said.map_or_else(|| format!("answered {status}"), str::to_owned)
}

fn refusal(server: &str, status: u16, answered: &[u8]) -> Error {
    let said = message_of(status, answered);
    match status {
        401 | 403 => Error::new("access.denied", format!("{server} does not let us in: {said}"))
            .hint("send a member's token with `--token` or REMUDA_TOKEN"),
        404 => Error::new("server.unreachable", format!("{server} takes no spools: {said}"))
            .hint("is it a remuda server of this version?"),
        _ => Error::new("server.unreachable", format!("{server} answered {status}: {said}")),
    }
}

impl Forwarder {
    /// Delivers the experiment that waits first, if one does.
    async fn step_experiment(&mut self) -> Result<bool> {
        let Some(record) = self.waiting.front().filter(|record| record.head.path.ends_with("/experiments/create"))
        else {
            return Ok(false);
        };
        let (own, theirs) = self.deliver_experiment(record).await?;
        self.experiments.insert(own, theirs);
        // First the number, then that it was delivered: what follows needs it.
        self.spool.set_experiments(&self.experiments)?;
        self.settle(Outcome::Delivered)?;
        self.spool.set_delivered(self.delivered)?;
        Ok(true)
    }

    /// [`Forwarder::step`], experiments too.
    pub(crate) async fn advance(&mut self, through: u64) -> Result<Moved> {
        self.fill(through)?;
        if self.step_experiment().await? {
            return Ok(Moved::Some);
        }
        self.step(through).await
    }
}

/// How far a spool is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standing {
    /// The last record that the server has.
    pub(crate) delivered: u64,
    /// Records that it refused.
    pub(crate) refused: u64,
    /// Why it does not go on.
    pub(crate) trouble: Option<String>,
}

/// Delivers a spool in the background, while it grows.
pub(crate) struct Courier {
    standing: watch::Receiver<Standing>,
    nudge: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Courier {
    /// Starts it.
    pub(crate) fn start(forwarder: Forwarder, durable: watch::Receiver<u64>) -> Self {
        let (tell, standing) = watch::channel(Standing::default());
        let nudge = Arc::new(Notify::new());
        let task = tokio::spawn(work(forwarder, durable, tell, nudge.clone()));
        Self { standing, nudge, task }
    }

    /// The server behind the spool, as the local address asks it.
    pub(crate) fn upstream(&self, remote: Arc<Remote>, durable: watch::Receiver<u64>) -> Asked {
        Asked {
            remote,
            durable,
            standing: self.standing.clone(),
            nudge: self.nudge.clone(),
            away_until: Mutex::new(None),
        }
    }

    /// Waits until a record is delivered, the server turns out to be away, or so long.
    pub(crate) async fn wait_for(&self, last: u64, patience: Duration) -> Standing {
        wait_for(self.standing.clone(), &self.nudge, last, patience).await
    }

    /// Ends it.
    pub(crate) async fn stop(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

async fn wait_for(mut standing: watch::Receiver<Standing>, nudge: &Notify, last: u64, patience: Duration) -> Standing {
    standing.mark_unchanged();
    nudge.notify_one();
    let reached = async {
        // The trouble of a while ago may be over: it counts once it was tried again.
        let mut tried = false;
        loop {
            let now = standing.borrow_and_update().clone();
            if now.delivered >= last || (tried && now.trouble.is_some()) {
                return;
            }
            if standing.changed().await.is_err() {
                return;
            }
            tried = true;
        }
    };
    let _ = tokio::time::timeout(patience, reached).await;
    standing.borrow().clone()
}

async fn work(
    mut forwarder: Forwarder,
    mut durable: watch::Receiver<u64>,
    tell: watch::Sender<Standing>,
    nudge: Arc<Notify>,
) {
    let mut pause = FIRST_PAUSE;
    loop {
        let through = *durable.borrow_and_update();
        let moved = forwarder.advance(through).await;
        let (delivered, refused) = forwarder.stand();
        let trouble = moved.as_ref().err().map(|error| error.message.clone());
        let _ = tell.send(Standing { delivered, refused, trouble });
        match moved {
            Ok(Moved::Some) => pause = FIRST_PAUSE,
            Ok(Moved::Nothing) => {
                tokio::select! {
                    changed = durable.changed() => if changed.is_err() { return },
                    () = nudge.notified() => {}
                }
            }
            Err(_) => {
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = nudge.notified() => {}
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

/// The server, asked for what the script wants to know.
pub(crate) struct Asked {
    remote: Arc<Remote>,
    durable: watch::Receiver<u64>,
    standing: watch::Receiver<Standing>,
    nudge: Arc<Notify>,
    /// A server that did not answer is left alone for a moment: a script must not wait for it again and again.
    away_until: Mutex<Option<Instant>>,
}

impl Upstream for Asked {
    fn ask(&self, method: Method, path: String, body: Bytes) -> BoxFuture<'_, Option<Reply>> {
        async move {
            let away = *self.away_until.lock().unwrap_or_else(PoisonError::into_inner);
            if away.is_some_and(|until| Instant::now() < until) {
                return None;
            }
            let answered = self.remote.exchange(method.as_str(), &path, Sent::Bytes(body.to_vec())).await;
            let until = answered.is_err().then(|| Instant::now() + Duration::from_secs(5));
            *self.away_until.lock().unwrap_or_else(PoisonError::into_inner) = until;
            let answer = answered.ok()?;
            Some(Reply {
                status: StatusCode::from_u16(answer.status).ok()?,
                content_type: answer.content_type.and_then(|kind| HeaderValue::from_str(&kind).ok()),
                body: Bytes::from(answer.body),
            })
        }
        .boxed()
    }

    fn catch_up(&self) -> BoxFuture<'_, bool> {
        async move {
            let last = *self.durable.borrow();
            wait_for(self.standing.clone(), &self.nudge, last, CATCH_UP).await.delivered >= last
        }
        .boxed()
    }
}
