//! Reading a file store: its runs are listed when it is opened, and read page by page.

use super::{CONTEXT, META, RESERVED, TRASH};
use crate::error::RepoError;
use crate::tree::{Node, Value, yaml};
use remuda_model::run::foreign::{ForeignExperiment, ForeignRun};
use remuda_model::run::tracked::{Input, ModelUse, Point, Stage, TrackedStatus};
use std::collections::BTreeMap;
use std::io::BufRead as _;
use std::path::{Path, PathBuf};

/// A folder `mlruns/`.
#[derive(Debug)]
pub struct MlflowFolder {
    /// Its experiments, deleted ones too.
    pub experiments: Vec<ForeignExperiment>,
    /// What people should know about it, a sentence each.
    pub notes: Vec<String>,
    folders: Vec<PathBuf>,
    /// Id, experiment and folder of each run, by id.
    runs: Vec<(String, usize, PathBuf)>,
}

impl MlflowFolder {
    /// Opens a file store and lists what is in it.
    ///
    /// # Errors
    /// The folder cannot be read, or holds no experiment.
    pub fn open(root: &Path) -> Result<Self, RepoError> {
        let mut store = Self { experiments: Vec::new(), notes: Vec::new(), folders: Vec::new(), runs: Vec::new() };
        std::fs::read_dir(root).map_err(|source| RepoError::Read { path: root.to_owned(), source })?;
        let mut folders = folders_in(root)?;
        if root.join(TRASH).is_dir() {
            folders.extend(folders_in(&root.join(TRASH))?);
        }
        for folder in folders.into_iter().filter(|folder| folder.join(META).is_file()) {
            store.add_experiment(folder)?;
        }
        if store.experiments.is_empty() {
            return Err(RepoError::NoStore { path: root.to_owned() });
        }
        store.runs.sort();
        Ok(store)
    }

    fn add_experiment(&mut self, folder: PathBuf) -> Result<(), RepoError> {
        let place = self.folders.len();
        let meta = match Meta::read(&folder) {
            Ok(meta) => meta,
            Err(why) => {
                self.notes.push(why);
                return Ok(());
            }
        };
        let Some(id) = meta.text("experiment_id") else {
            return Ok(());
        };
        let created = meta.integer("creation_time").unwrap_or_default();
        self.experiments.push(ForeignExperiment {
            name: meta.text("name").unwrap_or_else(|| id.clone()),
            id,
            stage: Stage::read(&meta.text("lifecycle_stage").unwrap_or_default()),
            created,
            updated: meta.integer("last_update_time").unwrap_or(created),
            tags: texts_in(&folder.join("tags"))?,
        });
        for run in folders_in(&folder)? {
            let name = name_of(&run);
            if !RESERVED.contains(&name.as_str()) && run.join(META).is_file() {
                self.runs.push((name, place, run));
            }
        }
        self.folders.push(folder);
        Ok(())
    }

    /// How many runs there are.
    pub fn count_runs(&self) -> u64 {
        self.runs.len() as u64
    }

    /// The next runs by id, behind the one of this id, and what could not be read of them.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn runs(&self, after: &str, limit: usize) -> Result<(Vec<ForeignRun>, Vec<String>), RepoError> {
        let first = self.runs.partition_point(|(id, ..)| id.as_str() <= after);
        let mut found = Vec::new();
        let mut notes = Vec::new();
        for (id, experiment, folder) in self.runs[first..].iter().take(limit) {
            match Meta::read(folder) {
                Ok(meta) => found.push(self.read_run(id, *experiment, folder, &meta)?),
                Err(why) => notes.push(why),
            }
        }
        Ok((found, notes))
    }

    /// The id of the last of the next runs, whether they can be read or not; `None` when there are none.
    pub fn last_of(&self, after: &str, limit: usize) -> Option<&str> {
        let first = self.runs.partition_point(|(id, ..)| id.as_str() <= after);
        self.runs[first..].iter().take(limit).next_back().map(|(id, ..)| id.as_str())
    }

    fn read_run(&self, id: &str, experiment: usize, folder: &Path, meta: &Meta) -> Result<ForeignRun, RepoError> {
        let tags = texts_in(&folder.join("tags"))?;
        let name = meta.text("run_name").filter(|name| !name.is_empty());
        let mut sizes = BTreeMap::new();
        for (key, path) in files_in(&folder.join("metrics"))? {
            let about = std::fs::metadata(&path).map_err(|source| RepoError::Read { path, source })?;
            sizes.insert(key, about.len());
        }
        let mut run = ForeignRun {
            id: id.to_owned(),
            experiment: self.experiments[experiment].id.clone(),
            name: name.or_else(|| tags.get("mlflow.runName").cloned()).unwrap_or_default(),
            actor: meta.text("user_id").unwrap_or_default(),
            status: status_of(meta),
            started: meta.integer("start_time").unwrap_or_default(),
            ended: meta.integer("end_time"),
            stage: Stage::read(&meta.text("lifecycle_stage").unwrap_or_default()),
            deleted: meta.integer("deleted_time"),
            artifacts: meta.text("artifact_uri").unwrap_or_default(),
            parameters: texts_in(&folder.join("params"))?,
            tags,
            inputs: Vec::new(),
            model_inputs: Vec::new(),
            model_outputs: Vec::new(),
            sizes,
        };
        self.read_uses(&mut run, experiment, folder)?;
        Ok(run)
    }

    /// The datasets and models that a run read, and the models that it made.
    fn read_uses(&self, run: &mut ForeignRun, experiment: usize, folder: &Path) -> Result<(), RepoError> {
        for input in folders_in(&folder.join("inputs"))? {
            let Ok(meta) = Meta::read(&input) else { continue };
            let Some(source) = meta.text("source_id") else { continue };
            if meta.text("source_type").as_deref() == Some("MODEL") {
                run.model_inputs.push(ModelUse { model: source, step: 0 });
                continue;
            }
            let dataset = self.folders[experiment].join("datasets").join(&source);
            let (Ok(dataset), tags) = (Meta::read(&dataset), meta.table("tags")) else { continue };
            run.inputs.push(Input {
                name: dataset.text("name").unwrap_or_default(),
                digest: dataset.text("digest").unwrap_or_default(),
                source_type: dataset.text("source_type").unwrap_or_default(),
                source: dataset.text("source").unwrap_or_default(),
                schema: dataset.text("schema"),
                profile: dataset.text("profile"),
                context: tags.get(CONTEXT).cloned().unwrap_or_default(),
                tags,
            });
        }
        for output in folders_in(&folder.join("outputs"))? {
            let Ok(meta) = Meta::read(&output) else { continue };
            let step = meta.integer("step").unwrap_or_default();
            run.model_outputs.push(ModelUse { model: name_of(&output), step });
        }
        Ok(())
    }

    /// The folder of a run's artifacts, if they lie with the run.
    pub fn artifacts_of(&self, run: &str) -> Option<PathBuf> {
        let place = self.runs.binary_search_by(|(id, ..)| id.as_str().cmp(run)).ok()?;
        Some(self.runs[place].2.join("artifacts")).filter(|folder| folder.is_dir())
    }

    /// The points of a run, metric by metric, as they were logged; of one metric alone where it is named. Gives the
    /// number of lines that are none.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn walk_points(&self, run: &str, key: Option<&str>, mut each: impl FnMut(Point)) -> Result<u64, RepoError> {
        let Ok(place) = self.runs.binary_search_by(|(id, ..)| id.as_str().cmp(run)) else { return Ok(0) };
        let mut odd = 0;
        for (name, path) in files_in(&self.runs[place].2.join("metrics"))? {
            if key.is_some_and(|key| key != name) {
                continue;
            }
            let failed = |source| RepoError::Read { path: path.clone(), source };
            let mut file = std::io::BufReader::new(std::fs::File::open(&path).map_err(failed)?);
            let mut line = Vec::new();
            while file.read_until(b'\n', &mut line).map_err(failed)? > 0 {
                match point(&name, &line) {
                    Some(point) => each(point),
                    None if line.iter().all(u8::is_ascii_whitespace) => {}
                    None => odd += 1,
                }
                line.clear();
            }
        }
        Ok(odd)
    }
}

/// A line `TIME VALUE [STEP [DATASET DIGEST]]`.
fn point(key: &str, line: &[u8]) -> Option<Point> {
    let mut words = std::str::from_utf8(line).ok()?.split_ascii_whitespace();
    let time = words.next()?.parse().ok()?;
    let value: f64 = words.next()?.parse().ok()?;
    let step = words.next().map_or(Some(0), |word| word.parse().ok())?;
    // What is infinite is kept as the greatest number, as everywhere in the protocol.
    let value = if value.is_nan() { None } else { Some(value.clamp(f64::MIN, f64::MAX)) };
    Some(Point { key: key.to_owned(), value, step, time })
}

fn status_of(meta: &Meta) -> TrackedStatus {
    if let Some(word) = meta.text("status")
        && let Some(status) = TrackedStatus::parse(&word)
    {
        return status;
    }
    match meta.integer("status") {
        Some(2) => TrackedStatus::Scheduled,
        Some(3) => TrackedStatus::Finished,
        Some(4) => TrackedStatus::Failed,
        Some(5) => TrackedStatus::Killed,
        _ => TrackedStatus::Running,
    }
}

/// The keys of a `meta.yaml`.
struct Meta(BTreeMap<String, Value>);

impl Meta {
    /// Reads the `meta.yaml` of a folder; the error says why it cannot be.
    fn read(folder: &Path) -> Result<Self, String> {
        let path = folder.join(META);
        let why = |why: String| format!("{} cannot be read and is left out: {why}", path.display());
        let bytes = std::fs::read(&path).map_err(|error| why(error.to_string()))?;
        let node = yaml::parse(&String::from_utf8_lossy(&bytes)).map_err(|error| why(error.message))?;
        match node.value {
            Value::Table(entries) => Ok(Self(entries.into_iter().map(|entry| (entry.key, entry.node.value)).collect())),
            other => Err(why(format!("it holds {}", other.kind()))),
        }
    }

    fn text(&self, key: &str) -> Option<String> {
        self.0.get(key).and_then(text)
    }

    fn integer(&self, key: &str) -> Option<i64> {
        match self.0.get(key)? {
            Value::Integer(number) => Some(*number),
            Value::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    fn table(&self, key: &str) -> BTreeMap<String, String> {
        match self.0.get(key) {
            Some(Value::Table(entries)) => {
                let value = |node: &Node| text(&node.value).unwrap_or_default();
                entries.iter().map(|entry| (entry.key.clone(), value(&entry.node))).collect()
            }
            _ => BTreeMap::new(),
        }
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Boolean(yes) => Some(yes.to_string()),
        Value::Null | Value::List(_) | Value::Table(_) => None,
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The folders right in a folder, by name; none where it does not exist.
fn folders_in(folder: &Path) -> Result<Vec<PathBuf>, RepoError> {
    let failed = |source| RepoError::Read { path: folder.to_owned(), source };
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(failed(source)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        if entry.path().is_dir() && entry.file_name() != TRASH {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// All files beneath a folder, named by their path from it: a name may hold slashes.
fn files_in(folder: &Path) -> Result<BTreeMap<String, PathBuf>, RepoError> {
    let mut found = BTreeMap::new();
    let mut open = vec![(String::new(), folder.to_owned())];
    while let Some((prefix, folder)) = open.pop() {
        let failed = |source| RepoError::Read { path: folder.clone(), source };
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(source) => return Err(failed(source)),
        };
        for entry in entries {
            let entry = entry.map_err(failed)?;
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            // A link could lead round in a circle.
            let kind = entry.file_type().map_err(failed)?;
            if kind.is_dir() {
                open.push((format!("{name}/"), entry.path()));
            } else if kind.is_file() {
                found.insert(name, entry.path());
            }
        }
    }
    Ok(found)
}

/// The files beneath a folder with what they hold.
fn texts_in(folder: &Path) -> Result<BTreeMap<String, String>, RepoError> {
    let mut found = BTreeMap::new();
    for (name, path) in files_in(folder)? {
        let bytes = std::fs::read(&path).map_err(|source| RepoError::Read { path, source })?;
        found.insert(name, String::from_utf8_lossy(&bytes).into_owned());
    }
    Ok(found)
}
