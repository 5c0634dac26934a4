//! The application: the seams to ledger, blobs, clock and ids, held together.

use crate::error::{Error, Result};
use remuda_ledger::{Blobs, Ledger};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Where times come from.
pub trait Clock: Send + Sync {
    /// Microseconds since 1970-01-01T00:00:00Z.
    fn now(&self) -> i64;
}

/// Where ids come from.
pub trait IdSource: Send + Sync {
    /// A UUID version 7 at this time (microseconds), as text.
    fn fact(&self, now: i64) -> String;
    /// Ten letters and digits that a person can type: for runs, evaluations and batches.
    fn short(&self) -> String;
    /// 32 random bytes as 64 hexadecimal digits: for tokens.
    fn secret(&self) -> String;
}

/// The machine's clock.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> i64 {
        jiff::Timestamp::now().as_microsecond()
    }
}

/// A clock that stands where it was put: for histories told by a program (`remuda demo`) and for tests.
#[derive(Default)]
pub struct SetClock(AtomicU64);

impl SetClock {
    /// Puts the clock to this time, in microseconds since 1970.
    pub fn set(&self, now: i64) {
        self.0.store(now.max(0) as u64, Ordering::SeqCst);
    }

    /// Moves the clock forward, in microseconds.
    pub fn forward(&self, by: i64) {
        self.0.fetch_add(by.max(0) as u64, Ordering::SeqCst);
    }
}

impl Clock for SetClock {
    fn now(&self) -> i64 {
        // Every look moves it by a microsecond, so that no two facts share a time.
        self.0.fetch_add(1, Ordering::SeqCst) as i64
    }
}

/// Random ids.
pub struct RandomIds;

impl IdSource for RandomIds {
    fn fact(&self, now: i64) -> String {
        let seconds = now.div_euclid(1_000_000).max(0) as u64;
        let nanoseconds = (now.rem_euclid(1_000_000) * 1000) as u32;
        let time = uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanoseconds);
        uuid::Uuid::new_v7(time).to_string()
    }

    fn short(&self) -> String {
        // 31 letters and digits without 0, 1, i, l, o: ten of them carry 49 bits.
        const LETTERS: &[u8] = b"23456789abcdefghjkmnpqrstuvwxyz";
        let mut random = uuid::Uuid::new_v4().as_u128();
        let mut text = String::with_capacity(10);
        for _ in 0..10 {
            text.push(LETTERS[(random % LETTERS.len() as u128) as usize] as char);
            random /= LETTERS.len() as u128;
        }
        text
    }

    fn secret(&self) -> String {
        format!("{:032x}{:032x}", uuid::Uuid::new_v4().as_u128(), uuid::Uuid::new_v4().as_u128())
    }
}

/// What a long use case tells whoever waits: how far it is (0 to 1) and with what.
pub type Progress = Arc<dyn Fn(f64, &str) + Send + Sync>;

/// The application. Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// Facts.
    pub ledger: Ledger,
    /// Bytes.
    pub blobs: Blobs,
    /// Where times come from.
    pub clock: Arc<dyn Clock>,
    /// Where ids come from.
    pub ids: Arc<dyn IdSource>,
    /// The folder for scratch files, spools and caches (`.remuda/`).
    pub folder: PathBuf,
    /// Models that were loaded before, by digest.
    pub models: Arc<crate::model::Cache>,
    /// Where ONNX Runtime's library may lie; empty: models outside our evaluator's list cannot be run.
    pub runtime: Arc<remuda_learn::OnnxRuntime>,
    /// The live page of a moment ago.
    pub live: Arc<crate::serving::LiveCache>,
    /// What people should know about how it was opened, one sentence each: repairs that have to wait.
    pub notes: Arc<Vec<String>>,
    /// Who wrote which definition, as git said it at a commit.
    pub authors: Arc<crate::team::Authors>,
    /// What scripts track.
    pub trackers: Arc<crate::run::tracked::Trackers>,
}

impl App {
    /// Opens the embedded ledger and blobs under `folder` (`.remuda/` of a product), making them if need be, and
    /// repairs what a crash left behind: scratch files, runs without a process, predictions still in the spool.
    pub async fn open(folder: &Path) -> Result<Self> {
        Self::open_at(folder, None).await
    }

    /// The same, with a ledger elsewhere (`postgres://…`) when `ledger` names one.
    pub async fn open_at(folder: &Path, ledger: Option<&str>) -> Result<Self> {
        crate::product::refuse_unfinished(folder)?;
        Self::open_unfinished(folder, ledger).await
    }

    /// The same for a product that `init` is making.
    pub(crate) async fn open_unfinished(folder: &Path, ledger: Option<&str>) -> Result<Self> {
        std::fs::create_dir_all(folder).map_err(|source| {
            let code = crate::error::code_of_io(&source, "ledger.unusable");
            Error::new(code, format!("cannot make the folder {}", folder.display())).caused_by(&source)
        })?;
        let url = match ledger {
            Some(url) => url.to_owned(),
            None => format!("sqlite:{}", folder.join("ledger.db").display()),
        };
        let mut app = Self {
            ledger: Ledger::open(&url).await?,
            blobs: Blobs::local(folder),
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
            folder: folder.to_owned(),
            models: Arc::default(),
            runtime: Arc::default(),
            live: Arc::default(),
            notes: Arc::default(),
            authors: Arc::default(),
            trackers: Arc::default(),
        };
        app.notes = Arc::new(crate::recovery::recover(&app).await?);
        Ok(app)
    }

    /// The same application with another clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Ends the work: SQLite's log is folded into its file, so that the file alone is the ledger. No clone of this
    /// application can be used afterwards.
    pub async fn close(&self) {
        self.ledger.close().await;
    }

    /// The same application with these places to look for ONNX Runtime's library, in this order.
    #[must_use]
    pub fn with_onnx_runtime(mut self, places: Vec<PathBuf>) -> Self {
        self.runtime = Arc::new(remuda_learn::OnnxRuntime { places });
        self
    }
}
