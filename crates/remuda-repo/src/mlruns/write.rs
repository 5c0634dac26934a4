//! Writing a file store: a run is written beside its place and put there when it is whole.

use super::{META, TRASH};
use crate::error::RepoError;
use remuda_model::run::tracked::{Experiment, Input, ModelUse, Point, Stage, TrackedRun, TrackedStatus};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Component, Path, PathBuf};

/// A file store that is being written.
#[derive(Debug)]
pub struct FolderWriter {
    root: PathBuf,
}

/// A run that is being written; [`RunFolder::finish`] puts it in its place.
#[derive(Debug)]
pub struct RunFolder {
    folder: PathBuf,
    place: PathBuf,
    datasets: PathBuf,
    id: String,
    /// What could not be written: names that are no file's.
    pub left_out: Vec<String>,
}

impl FolderWriter {
    /// A file store in this folder, which is made, is empty, or is a file store already.
    ///
    /// # Errors
    /// The folder holds something else, or cannot be made.
    pub fn open(root: &Path) -> Result<Self, RepoError> {
        make(root)?;
        let root = std::fs::canonicalize(root).map_err(|source| RepoError::Write { path: root.to_owned(), source })?;
        let entries =
            std::fs::read_dir(&root).map_err(|source| RepoError::Read { path: root.clone(), source })?.flatten();
        let strange = entries.filter(|entry| {
            let path = entry.path();
            !path.join(META).is_file() && entry.file_name() != TRASH && entry.file_name() != "models"
        });
        if let Some(strange) = strange.into_iter().next() {
            return Err(RepoError::NotEmpty { path: root, found: strange.file_name().to_string_lossy().into_owned() });
        }
        make(&root.join(TRASH))?;
        Ok(Self { root })
    }

    /// Where artifacts of a run lie: in its folder.
    fn experiment_folder(&self, experiment: &Experiment) -> PathBuf {
        match experiment.stage {
            Stage::Active => self.root.join(experiment.id.to_string()),
            Stage::Deleted => self.root.join(TRASH).join(experiment.id.to_string()),
        }
    }

    /// Writes an experiment, its runs apart.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn experiment(&self, experiment: &Experiment) -> Result<Vec<String>, RepoError> {
        let folder = self.experiment_folder(experiment);
        make(&folder)?;
        let location = address(&self.root.join(experiment.id.to_string()));
        let meta = [
            ("artifact_location", quoted(&location)),
            ("creation_time", experiment.created.to_string()),
            ("experiment_id", quoted(&experiment.id.to_string())),
            ("last_update_time", experiment.updated.to_string()),
            ("lifecycle_stage", experiment.stage.as_str().to_owned()),
            ("name", quoted(&experiment.name)),
        ];
        write_meta(&folder, &meta)?;
        let mut left_out = Vec::new();
        write_texts(&folder.join("tags"), &experiment.tags, &mut left_out)?;
        Ok(left_out)
    }

    /// Begins a run: everything but its points.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn run(&self, experiment: &Experiment, run: &TrackedRun, inputs: &[Input]) -> Result<RunFolder, RepoError> {
        let parent = self.experiment_folder(experiment);
        let folder = self.root.join(TRASH).join(format!("{}.partial", run.id));
        remove(&folder)?;
        for part in ["metrics", "params", "tags", "artifacts"] {
            make(&folder.join(part))?;
        }
        let place = parent.join(&run.id);
        let number = |value: Option<i64>| value.map_or("null".to_owned(), |value| value.to_string());
        let meta = [
            ("artifact_uri", quoted(&address(&place.join("artifacts")))),
            ("deleted_time", number(run.deleted)),
            ("end_time", number(run.ended)),
            ("entry_point_name", "''".to_owned()),
            ("experiment_id", quoted(&experiment.id.to_string())),
            ("lifecycle_stage", run.stage.as_str().to_owned()),
            ("run_id", quoted(&run.id)),
            ("run_name", quoted(&run.name)),
            ("source_name", "''".to_owned()),
            ("source_type", "4".to_owned()),
            ("source_version", "''".to_owned()),
            ("start_time", run.started.to_string()),
            ("status", status_number(run.status).to_string()),
            ("tags", "[]".to_owned()),
            ("user_id", quoted(&run.actor)),
        ];
        write_meta(&folder, &meta)?;
        let mut written =
            RunFolder { folder, place, datasets: parent.join("datasets"), id: run.id.clone(), left_out: Vec::new() };
        write_texts(&written.folder.join("params"), &run.document.parameters, &mut written.left_out)?;
        write_texts(&written.folder.join("tags"), &run.document.tags, &mut written.left_out)?;
        written.inputs(inputs)?;
        written.models(&run.document.model_inputs, &run.document.model_outputs)?;
        Ok(written)
    }
}

impl RunFolder {
    /// Where the run's artifacts are to be put.
    pub fn artifacts(&self) -> PathBuf {
        self.folder.join("artifacts")
    }

    fn inputs(&mut self, inputs: &[Input]) -> Result<(), RepoError> {
        for input in inputs {
            let dataset = name_of(&[&input.name, &input.digest]);
            let folder = self.datasets.join(&dataset);
            if !folder.join(META).is_file() {
                make(&folder)?;
                let optional = |text: &Option<String>| text.as_deref().map_or("null".to_owned(), quoted);
                let meta = [
                    ("digest", quoted(&input.digest)),
                    ("name", quoted(&input.name)),
                    ("profile", optional(&input.profile)),
                    ("schema", optional(&input.schema)),
                    ("source", quoted(&input.source)),
                    ("source_type", quoted(&input.source_type)),
                ];
                write_meta(&folder, &meta)?;
            }
            self.used("inputs", &name_of(&[&dataset, &self.id]), "DATASET", "RUN", &dataset, &input.tags, None)?;
        }
        Ok(())
    }

    fn models(&mut self, inputs: &[ModelUse], outputs: &[ModelUse]) -> Result<(), RepoError> {
        let none = BTreeMap::new();
        for one in inputs {
            self.used("inputs", &name_of(&[&one.model, &self.id]), "MODEL", "RUN", &one.model, &none, None)?;
        }
        for one in outputs {
            if is_file_name(&one.model) {
                let step = Some(one.step);
                self.used("outputs", &one.model, "RUN_OUTPUT", "MODEL_OUTPUT", &one.model, &none, step)?;
            }
        }
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "these are the lines of the file")]
    fn used(
        &self,
        kind: &str,
        name: &str,
        from: &str,
        to: &str,
        source: &str,
        tags: &BTreeMap<String, String>,
        step: Option<i64>,
    ) -> Result<(), RepoError> {
        let folder = self.folder.join(kind).join(name);
        make(&folder)?;
        let tags = serde_json::to_string(tags).unwrap_or_default();
        let mut meta = vec![
            ("destination_id", quoted(source)),
            ("destination_type", to.to_owned()),
            ("source_id", quoted(source)),
            ("source_type", from.to_owned()),
            ("tags", escaped(&tags)),
        ];
        if let Some(step) = step {
            meta.push(("step", step.to_string()));
        }
        write_meta(&folder, &meta)
    }

    /// Appends points to the history of a metric.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn points(&mut self, key: &str, points: &[Point]) -> Result<(), RepoError> {
        let path = self.folder.join("metrics").join(key);
        if !is_path(key) || make_parent(&path).is_err() || path.is_dir() {
            self.left_out.push(key.to_owned());
            return Ok(());
        }
        let failed = |source| RepoError::Write { path: path.clone(), source };
        let file = std::fs::OpenOptions::new().create(true).append(true).open(&path).map_err(failed)?;
        let mut file = std::io::BufWriter::new(file);
        for point in points {
            let value = point.value.and_then(serde_json::Number::from_f64);
            let value = value.map_or("nan".to_owned(), |number| number.to_string());
            writeln!(file, "{} {value} {}", point.time, point.step).map_err(failed)?;
        }
        file.flush().map_err(failed)
    }

    /// Puts the run in its place; one that was there goes.
    ///
    /// # Errors
    /// A folder cannot be moved.
    pub fn finish(self) -> Result<Vec<String>, RepoError> {
        remove(&self.place)?;
        std::fs::rename(&self.folder, &self.place)
            .map_err(|source| RepoError::Write { path: self.place.clone(), source })?;
        Ok(self.left_out)
    }
}

fn status_number(status: TrackedStatus) -> u8 {
    match status {
        TrackedStatus::Running => 1,
        TrackedStatus::Scheduled => 2,
        TrackedStatus::Finished => 3,
        TrackedStatus::Failed => 4,
        TrackedStatus::Killed => 5,
    }
}

/// A name that tells these texts from others: its readers only compare it.
fn name_of(texts: &[&str]) -> String {
    let mut all = String::new();
    for text in texts {
        all.push_str(&format!("{}:{text}", text.len()));
    }
    remuda_model::Digest::of(all.as_bytes()).hex()[..32].to_owned()
}

/// Whether a key is a path that stays inside its folder.
fn is_path(key: &str) -> bool {
    let parts = key.split('/').count();
    let normal = Path::new(key).components().filter(|part| matches!(part, Component::Normal(_))).count();
    !key.is_empty() && !key.contains('\0') && normal == parts
}

fn is_file_name(name: &str) -> bool {
    is_path(name) && !name.contains('/')
}

fn write_texts(folder: &Path, texts: &BTreeMap<String, String>, left_out: &mut Vec<String>) -> Result<(), RepoError> {
    for (key, text) in texts {
        let path = folder.join(key);
        // `a` and `a/b` cannot both be files.
        if !is_path(key) || make_parent(&path).is_err() || path.is_dir() {
            left_out.push(key.clone());
            continue;
        }
        std::fs::write(&path, text).map_err(|source| RepoError::Write { path: path.clone(), source })?;
    }
    Ok(())
}

fn write_meta(folder: &Path, lines: &[(&str, String)]) -> Result<(), RepoError> {
    let path = folder.join(META);
    let text: String = lines.iter().map(|(key, value)| format!("{key}: {value}\n")).collect();
    std::fs::write(&path, text).map_err(|source| RepoError::Write { path: path.clone(), source })
}

fn make(folder: &Path) -> Result<(), RepoError> {
    std::fs::create_dir_all(folder).map_err(|source| RepoError::Write { path: folder.to_owned(), source })
}

fn make_parent(path: &Path) -> std::io::Result<()> {
    path.parent().map_or(Ok(()), std::fs::create_dir_all)
}

fn remove(folder: &Path) -> Result<(), RepoError> {
    match std::fs::remove_dir_all(folder) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(RepoError::Write { path: folder.to_owned(), source })
        }
        _ => Ok(()),
    }
}

/// A text as YAML: JSON's quotes are YAML's too.
fn quoted(text: &str) -> String {
    escaped(&serde_json::Value::from(text).to_string())
}

/// Characters that YAML wants written as numbers.
fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for letter in json.chars() {
        match letter {
            '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                out.push_str(&format!("\\u{:04x}", letter as u32));
            }
            other => out.push(other),
        }
    }
    out
}

/// The `file://` address of a path.
fn address(path: &Path) -> String {
    let mut out = "file://".to_owned();
    for byte in path.to_string_lossy().bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.~:".contains(&byte) {
            out.push(byte as char);
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
