//! The store that is imported from: MLflow's database or its folder, read the same way.

use crate::error::{Error, Result};
use remuda_ledger::{ForeignDatabase, PackedPoints};
use remuda_model::run::foreign::{ForeignExperiment, ForeignRun};
use remuda_model::run::tracked::Point;
use remuda_repo::mlruns::MlflowFolder;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A store of MLflow.
pub(super) enum Source {
    Database(ForeignDatabase),
    Folder(Arc<MlflowFolder>, PathBuf),
}

/// A page of runs.
pub(super) struct Page {
    pub(super) runs: Vec<ForeignRun>,
    /// The id behind which the next page begins; `None` after the last one.
    pub(super) last: Option<String>,
    pub(super) notes: Vec<String>,
}

/// The step of a point, its time, and the bits of its value.
pub(super) type PointName = (i64, i64, Option<u64>);

/// What tells points of one metric apart.
pub(super) fn name_of(point: &Point) -> PointName {
    (point.step, point.time, point.value.map(f64::to_bits))
}

/// What an address of MLflow's means to us.
enum Place {
    Database(String),
    Folder(PathBuf),
}

fn place(text: &str) -> Result<Place> {
    let unfit = |message: String| {
        Error::new("request.invalid", message)
            .hint("such as: remuda run import sqlite:///mlflow.db")
            .hint("or: remuda run import mlruns/")
    };
    if let Some(path) = text.strip_prefix("file://") {
        return Ok(Place::Folder(PathBuf::from(path)));
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        let path = PathBuf::from(text.strip_prefix("sqlite:").unwrap_or(text));
        if path.is_dir() {
            return Ok(Place::Folder(path));
        }
        if !path.is_file() {
            return Err(unfit(format!("there is neither a file nor a folder `{}`", path.display())));
        }
        return Ok(Place::Database(format!("sqlite:{}", path.display())));
    };
    // As SQLAlchemy writes it, the driver stands behind a plus.
    match scheme.split('+').next().unwrap_or_default() {
        "sqlite" => {
            let path = rest.strip_prefix('/').unwrap_or(rest);
            let path = path.split('?').next().unwrap_or_default();
            if !Path::new(path).is_file() {
                return Err(unfit(format!("there is no file `{path}`")));
            }
            Ok(Place::Database(format!("sqlite:{path}")))
        }
        "postgresql" | "postgres" => Ok(Place::Database(format!("postgres://{rest}"))),
        "http" | "https" => {
            Err(unfit("a tracking server is not read over HTTP: name the database or the folder behind it".to_owned()))
        }
        other => Err(unfit(format!(
            "stores of the kind `{other}` cannot be imported: SQLite, PostgreSQL and `mlruns/` folders can"
        ))),
    }
}

/// An error in reading the store: it is the store's, not the ledger's.
fn unreadable(error: &(dyn std::error::Error + 'static)) -> Error {
    Error::new("run.import", error.to_string()).caused_by(error)
}

impl Source {
    pub(super) async fn open(text: &str) -> Result<Self> {
        match place(text)? {
            Place::Database(address) => {
                let database = ForeignDatabase::open(&address).await.map_err(|error| unreadable(&error))?;
                Ok(Source::Database(database))
            }
            Place::Folder(path) => {
                let path = std::fs::canonicalize(&path).map_err(|error| {
                    Error::new("run.import", format!("the folder `{}` cannot be read", path.display()))
                        .caused_by(&error)
                })?;
                let root = path.clone();
                let folder = blocking(move || MlflowFolder::open(&root)).await?;
                Ok(Source::Folder(Arc::new(folder), path))
            }
        }
    }

    pub(super) async fn close(&self) {
        if let Source::Database(database) = self {
            database.close().await;
        }
    }

    /// The folder of a run's artifacts, where the store has one itself.
    pub(super) fn artifacts_of(&self, run: &str) -> Option<PathBuf> {
        match self {
            Source::Database(_) => None,
            Source::Folder(folder, _) => folder.artifacts_of(run),
        }
    }

    /// Where it is, without a password.
    pub(super) fn place(&self) -> String {
        match self {
            Source::Database(database) => database.place.clone(),
            Source::Folder(_, path) => path.display().to_string(),
        }
    }

    pub(super) fn revision(&self) -> Option<String> {
        match self {
            Source::Database(database) => database.revision().map(str::to_owned),
            Source::Folder(..) => None,
        }
    }

    pub(super) fn notes(&self) -> Vec<String> {
        match self {
            Source::Database(database) => database.notes(),
            Source::Folder(folder, _) => folder.notes.clone(),
        }
    }

    pub(super) async fn experiments(&self) -> Result<Vec<ForeignExperiment>> {
        match self {
            Source::Database(database) => database.experiments().await.map_err(|error| unreadable(&error)),
            Source::Folder(folder, _) => Ok(folder.experiments.clone()),
        }
    }

    pub(super) async fn count_runs(&self) -> Result<u64> {
        match self {
            Source::Database(database) => database.count_runs().await.map_err(|error| unreadable(&error)),
            Source::Folder(folder, _) => Ok(folder.count_runs()),
        }
    }

    /// The next runs by id.
    pub(super) async fn page(&self, after: &str, limit: usize) -> Result<Page> {
        match self {
            Source::Database(database) => {
                let runs = database.runs(after, limit).await.map_err(|error| unreadable(&error))?;
                Ok(Page { last: runs.last().map(|run| run.id.clone()), runs, notes: Vec::new() })
            }
            Source::Folder(folder, _) => {
                let last = folder.last_of(after, limit).map(str::to_owned);
                let (folder, after) = (folder.clone(), after.to_owned());
                let (runs, notes) = blocking(move || folder.runs(&after, limit)).await?;
                Ok(Page { runs, last, notes })
            }
        }
    }

    /// All points of a run, packed, and the number of lines that are none.
    pub(super) async fn points(&self, run: &str) -> Result<(PackedPoints, u64)> {
        match self {
            Source::Database(database) => {
                let mut packed = PackedPoints::new(true);
                let walk = database.walk_points(run, None, |point| packed.push(point));
                walk.await.map_err(|error| unreadable(&error))?;
                Ok((packed, 0))
            }
            Source::Folder(folder, _) => {
                let (folder, run) = (folder.clone(), run.to_owned());
                blocking(move || {
                    let mut packed = PackedPoints::new(false);
                    let odd = folder.walk_points(&run, None, |point| packed.push(point))?;
                    Ok((packed, odd))
                })
                .await
            }
        }
    }

    /// The points of a metric that are not among those known.
    pub(super) async fn new_points(&self, run: &str, key: &str, mut known: HashSet<PointName>) -> Result<Vec<Point>> {
        let mut fresh = Vec::new();
        match self {
            Source::Database(database) => {
                let take = |point: Point| {
                    if known.insert(name_of(&point)) {
                        fresh.push(point);
                    }
                };
                database.walk_points(run, Some(key), take).await.map_err(|error| unreadable(&error))?;
                Ok(fresh)
            }
            Source::Folder(folder, _) => {
                let (folder, run, key) = (folder.clone(), run.to_owned(), key.to_owned());
                blocking(move || {
                    folder.walk_points(&run, Some(&key), |point| {
                        if known.insert(name_of(&point)) {
                            fresh.push(point);
                        }
                    })?;
                    Ok(fresh)
                })
                .await
            }
        }
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, remuda_repo::RepoError> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(|error| unreadable(&error)),
        Err(error) => Err(Error::new("internal", "the reading of the store ended early").caused_by(&error)),
    }
}
