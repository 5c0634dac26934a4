//! The writer of a product: changes queue, and all that wait are committed by one transaction. So many callers share one
//! flush to the disk, and each is answered only when its change is durable.

use super::delivery::{self, Claim};
use super::groups::Counts;
use super::log::Points;
use crate::Ledger;
use crate::engine::Transaction;
use crate::error::{Error, database, passes};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

pub(super) const OPERATION: &str = "write what is tracked";

/// Changes in one transaction at most.
const GROUP: usize = 2048;

/// How long points may lie in the journal.
const FOLD_EVERY: Duration = Duration::from_secs(1);

/// Reads and changes what is tracked of one product. A clone is cheap and shares the writer.
#[derive(Clone)]
pub struct Tracker {
    pub(super) ledger: Ledger,
    pub(super) product: Arc<str>,
    pub(super) claims: Option<Arc<delivery::Claims>>,
    pub(super) queue: mpsc::UnboundedSender<Box<dyn Work>>,
    pub(super) counts: Arc<Counts>,
}

/// A change: what happens inside a transaction. It may be carried out twice, when a group failed as a whole.
pub(super) trait Change: Send + Sync + 'static {
    type Answer: Send + 'static;

    /// Carries it out. [`Error::Refused`] must come before anything was written.
    fn apply<'a>(
        &'a self,
        product: &'a str,
        transaction: &'a mut Transaction,
    ) -> BoxFuture<'a, Result<Self::Answer, Error>>;

    /// The points, if it is nothing but points of one run: those of a group are written together.
    fn points(&self) -> Option<&Points> {
        None
    }

    /// The answer when points were written together with others.
    fn written(&self) -> Option<Self::Answer> {
        None
    }
}

/// A change whose answer somebody waits for.
pub(super) trait Work: Send {
    fn carry_out<'a>(
        &'a mut self,
        product: &'a str,
        transaction: &'a mut Transaction,
    ) -> BoxFuture<'a, Result<(), Error>>;
    fn points(&self) -> Option<&Points>;
    fn claim(&self) -> Option<&Claim>;
    fn is_refused(&self) -> bool;
    fn refuse(&mut self, error: Error);
    fn was_written(&mut self, written: Result<(), Error>);
    fn answer(self: Box<Self>, committed: Result<(), Error>);
}

struct Task<C: Change> {
    change: C,
    claim: Option<Claim>,
    outcome: Option<Result<C::Answer, Error>>,
    reply: oneshot::Sender<Result<C::Answer, Error>>,
}

impl<C: Change> Work for Task<C> {
    fn carry_out<'a>(
        &'a mut self,
        product: &'a str,
        transaction: &'a mut Transaction,
    ) -> BoxFuture<'a, Result<(), Error>> {
        async move {
            match self.change.apply(product, transaction).await {
                Ok(answer) => self.outcome = Some(Ok(answer)),
                Err(Error::Refused(refusal)) => self.outcome = Some(Err(Error::Refused(refusal))),
                Err(error) => return Err(error),
            }
            Ok(())
        }
        .boxed()
    }

    fn points(&self) -> Option<&Points> {
        self.change.points()
    }

    fn claim(&self) -> Option<&Claim> {
        self.claim.as_ref()
    }

    fn is_refused(&self) -> bool {
        matches!(self.outcome, Some(Err(_)))
    }

    fn refuse(&mut self, error: Error) {
        self.outcome = Some(Err(error));
    }

    fn was_written(&mut self, written: Result<(), Error>) {
        self.outcome = match written {
            Ok(()) => self.change.written().map(Ok),
            Err(error) => Some(Err(error)),
        };
    }

    fn answer(self: Box<Self>, committed: Result<(), Error>) {
        let Task { outcome, reply, .. } = *self;
        let answer = match (committed, outcome) {
            (Ok(()), Some(outcome)) => outcome,
            (Ok(()), None) => Err(Error::Invalid { message: "a change was not carried out".to_owned() }),
            (Err(error), _) => Err(error),
        };
        // Whoever asked may have gone.
        let _ = reply.send(answer);
    }
}

impl Tracker {
    /// Starts the writer of a product. It ends when the last clone is dropped. Must be called inside a tokio runtime.
    pub fn start(ledger: &Ledger, product: &str) -> Self {
        let (queue, waiting) = mpsc::unbounded_channel();
        let tracker =
            Self { ledger: ledger.clone(), product: product.into(), claims: None, queue, counts: Arc::default() };
        tokio::spawn(work(tracker.ledger.clone(), tracker.product.clone(), waiting));
        tracker
    }

    /// The product.
    pub fn product(&self) -> &str {
        &self.product
    }

    /// Hands a change to the writer and waits until it is durable.
    pub(super) async fn change<C: Change>(&self, change: C) -> Result<C::Answer, Error> {
        let stopped = || Error::Invalid { message: "the ledger was closed".to_owned() };
        let (reply, answer) = oneshot::channel();
        let counted = change.points().is_none();
        let claim = self.claims.as_ref().map(|claims| claims.next());
        let task = Box::new(Task { change, claim, outcome: None, reply });
        self.queue.send(task).map_err(|_| stopped())?;
        let answer = answer.await.map_err(|_| stopped())?;
        if counted {
            self.counts.forget();
        }
        answer
    }
}

async fn work(ledger: Ledger, product: Arc<str>, mut waiting: mpsc::UnboundedReceiver<Box<dyn Work>>) {
    let mut fold_at: Option<Instant> = None;
    loop {
        let mut group = Vec::new();
        let due = fold_at.unwrap_or_else(|| Instant::now() + Duration::from_secs(3600));
        tokio::select! {
            biased;
            received = waiting.recv_many(&mut group, GROUP) => {
                if received == 0 {
                    break;
                }
            }
            () = tokio::time::sleep_until(due), if fold_at.is_some() => {}
        }
        let points = group.iter().any(|task| task.points().is_some());
        if !group.is_empty() {
            commit(&ledger, &product, group).await;
        }
        if points && fold_at.is_none() {
            fold_at = Some(Instant::now() + FOLD_EVERY);
        }
        if fold_at.is_some_and(|due| due <= Instant::now()) {
            // What cannot be folded now stays in the journal, where reads find it too.
            let _ = super::fold::fold(&ledger, &product).await;
            fold_at = None;
        }
    }
    let _ = super::fold::fold(&ledger, &product).await;
}

/// Commits a group, or, if that fails, each of its changes alone, so that one that no database takes harms no other.
async fn commit(ledger: &Ledger, product: &str, mut group: Vec<Box<dyn Work>>) {
    if group.len() > 1 && together(ledger, product, &mut group).await.is_ok() {
        group.into_iter().for_each(|task| task.answer(Ok(())));
        return;
    }
    for task in group {
        let mut alone = [task];
        let mut done = together(ledger, product, &mut alone).await;
        for _ in 0..PATIENT_TRIES {
            match &done {
                Err(error) if passes(error) => done = together(ledger, product, &mut alone).await,
                _ => break,
            }
        }
        let [task] = alone;
        task.answer(done);
    }
}

/// How often a change is tried again while another process holds the database.
const PATIENT_TRIES: u32 = 4;

/// Carries out all of a group and commits it.
async fn together(ledger: &Ledger, product: &str, group: &mut [Box<dyn Work>]) -> Result<(), Error> {
    let failed = |source| database(OPERATION, source);
    let mut transaction = ledger.pool.begin().await.map_err(failed)?;
    transaction.lock(lock_key(product)).await.map_err(failed)?;
    for task in group.iter_mut().filter(|task| task.points().is_none()) {
        if claimed(product, &mut transaction, task.as_mut()).await? {
            task.carry_out(product, &mut transaction).await?;
            give_back(product, &mut transaction, task.as_mut()).await?;
        }
    }
    let mut tasks: Vec<&mut Box<dyn Work>> = Vec::new();
    for task in group.iter_mut().filter(|task| task.points().is_some()) {
        if claimed(product, &mut transaction, task.as_mut()).await? {
            tasks.push(task);
        }
    }
    if !tasks.is_empty() {
        let points: Vec<&Points> = tasks.iter().filter_map(|task| task.points()).collect();
        let written = super::log::write_points(product, &mut transaction, &points).await?;
        for (task, written) in tasks.into_iter().zip(written) {
            task.was_written(written.map_err(Error::Refused));
            give_back(product, &mut transaction, task.as_mut()).await?;
        }
    }
    transaction.commit().await.map_err(failed)
}

/// Notes that a record of a spool is carried out; false when it was before, which is then the answer.
async fn claimed(product: &str, transaction: &mut Transaction, task: &mut dyn Work) -> Result<bool, Error> {
    let Some(claim) = task.claim() else { return Ok(true) };
    if delivery::claim(product, transaction, claim).await? {
        return Ok(true);
    }
    let known = claim.known();
    task.refuse(known);
    Ok(false)
}

/// A record that was refused was not carried out.
async fn give_back(product: &str, transaction: &mut Transaction, task: &mut dyn Work) -> Result<(), Error> {
    let refused = task.is_refused();
    match task.claim().filter(|_| refused) {
        Some(claim) => delivery::give_back(product, transaction, claim).await,
        None => Ok(()),
    }
}

/// The lock of those who write what is tracked of a product: another one than that of its facts.
pub(super) fn lock_key(product: &str) -> i64 {
    let hash = blake3::hash(format!("tracked/{product}").as_bytes());
    hash.as_bytes().first_chunk().map_or(0, |bytes| i64::from_le_bytes(*bytes))
}
