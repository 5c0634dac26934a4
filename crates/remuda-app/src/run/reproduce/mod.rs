//! A run carried out again from its snapshot: files and environment rebuilt in a fresh folder, the same command run as a
//! new run, results compared. Runs where the member is; judging is in `judge`, environments in `environment`.

mod environment;
mod judge;

use super::capture::{Keeping, Repeated, Surroundings, apart, variables::MASK};
use super::pipeline::{self, Observer, Tracked};
use super::{RunState, Show, notebook, restore};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::use_case::Caller;
use environment::Environment;
use remuda_model::run::captured::Captured;
use remuda_repo::archive::{self, from_text};
use remuda_repo::git::{WorkingFiles, path_of};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use judge::{MetricCheck, Outcome, OutputCheck, Part, Reproduction, Tolerance};

/// How to reproduce a run.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// The run.
    pub run: String,
    /// How far metrics may be apart.
    pub tolerance: Tolerance,
    /// The folder to rebuild it in; without one, a temporary folder that goes when the run is reproduced.
    pub folder: Option<PathBuf>,
    /// Take the Python that is here instead of rebuilding its environment.
    pub no_install: bool,
    /// The environment around, without what the run sets.
    pub surroundings: Surroundings,
    /// Free words to find the new run by.
    pub note: String,
}

/// A run rebuilt, ready to be carried out.
pub struct Rebuilt {
    /// The run that is repeated.
    pub original: RunState,
    /// The product's folder in the rebuilt files.
    pub root: PathBuf,
    base: PathBuf,
    top: PathBuf,
    /// Removes the folder when it is dropped, unless it is kept.
    temporary: Option<tempfile::TempDir>,
    environment: Environment,
    files: WorkingFiles,
    wish: Wish,
}

/// Gives the files back and rebuilds the environment.
///
/// # Errors
/// The run kept no packed files, an argument was withheld, or the environment cannot be rebuilt.
pub async fn rebuild(caller: &impl Caller, wish: Wish, observer: &mut dyn Observer) -> Result<Rebuilt> {
    let original = caller.call(Show { run: wish.run.clone() }).await?;
    let captured = captured_of(&original)?.clone();
    if captured.arguments.iter().any(|word| word.contains(MASK)) {
        return Err(Error::new(
            "run.failed",
            "a word of the command was withheld as a secret, so it cannot be repeated",
        )
        .hint("let the script read secrets from its environment, and run it anew"));
    }
    observer.progress(0.0, "giving the files back");
    let (_holder, mut reader) = restore::fetch(caller, &original.run).await?;
    let (base, temporary) = folder_of(&wish, &original.run)?;
    let top = base.join("files");
    let packages = reader.note(super::capture::code::PACKAGES)?;
    let packages = packages.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let paths = reader.listing.entries.iter().filter_map(|entry| from_text(&entry.path)).collect();
    let place = top.clone();
    apart(move || Ok(archive::restore(&mut reader, &place, false)?)).await?;
    let top = std::fs::canonicalize(&top)?;
    let prefix = from_text(&captured.product).unwrap_or_default();
    let root = top.join(path_of(&prefix));
    let files = WorkingFiles { top: top.clone(), prefix, paths };
    std::fs::create_dir_all(&root)?;
    observer.progress(0.2, "rebuilding the environment");
    let environment =
        environment::build(&captured, packages, &base, &top, &wish.surroundings, wish.no_install, observer).await?;
    Ok(Rebuilt { original, root, base, top, temporary, environment, files, wish })
}

fn captured_of(run: &RunState) -> Result<&Captured> {
    super::kept::packed_code(run)?;
    run.snapshot.captured.as_deref().ok_or_else(|| Error::new("request.not_found", "nothing was captured"))
}

/// A fresh folder: the one that was named, which must be new or empty, or a temporary one.
fn folder_of(wish: &Wish, run: &str) -> Result<(PathBuf, Option<tempfile::TempDir>)> {
    let Some(folder) = &wish.folder else {
        let temporary = tempfile::Builder::new().prefix(&format!("remuda-{run}-")).tempdir()?;
        return Ok((std::fs::canonicalize(temporary.path())?, Some(temporary)));
    };
    std::fs::create_dir_all(folder)?;
    if std::fs::read_dir(folder)?.next().is_some() {
        return Err(Error::new("definition.exists", format!("{} is not empty", folder.display()))
            .hint("name a new folder: a run is rebuilt where nothing else lies"));
    }
    Ok((std::fs::canonicalize(folder)?, None))
}

impl Rebuilt {
    /// Carries the command out as a new run. For a pipeline, `context` has the rebuilt definitions.
    ///
    /// # Errors
    /// The command cannot be started, or the ledger not reached. A command that fails is no error here.
    pub async fn carry_out(
        &self,
        caller: &impl Caller,
        context: Option<&Context>,
        observer: &mut dyn Observer,
    ) -> Result<RunState> {
        let captured = captured_of(&self.original)?;
        let surroundings = self.surroundings(captured);
        let keeping = Keeping {
            surroundings: surroundings.clone(),
            settings: context_settings(captured),
            allowed: Vec::new(),
            reproduces: Some(Repeated {
                run: self.original.run.clone(),
                files: self.files.clone(),
                arguments: captured.arguments.clone(),
            }),
        };
        let note = self.wish.note.clone();
        if let Some(notebook) = &captured.notebook {
            let path = self.top.join(path_of(&from_text(notebook).unwrap_or_default()));
            let path = path.strip_prefix(&surroundings.folder).map(Path::to_owned).unwrap_or(path);
            let scratch = tempfile::Builder::new().prefix("notebook-").tempdir_in(&self.base)?;
            let mut tracked = notebook::prepare(path, note, keeping, &self.top, scratch.path()).await?;
            tracked.variables = self.changes(captured);
            return pipeline::track(caller, &self.root, tracked, observer).await;
        }
        if captured.arguments.is_empty() {
            let context = context.ok_or_else(|| Error::new("internal", "a pipeline needs its definitions"))?;
            let options = pipeline::Options { force: true, only: None, note, keeping };
            return pipeline::execute(caller, &self.root, context, options, observer).await;
        }
        let argv = self.words(captured);
        let variables = self.changes(captured);
        let tracked = Tracked { argv, note, keeping, variables, ..Tracked::default() };
        pipeline::track(caller, &self.root, tracked, observer).await
    }

    /// Compares the new run with the one that it repeats. A temporary folder stays unless all is the same.
    ///
    /// # Errors
    /// The ledger cannot be reached.
    pub async fn judge(mut self, caller: &impl Caller, repeated: &RunState) -> Result<Reproduction> {
        let request = super::Diff { left: self.original.run.clone(), right: Some(repeated.run.clone()) };
        let diff = caller.call(request).await?;
        let mut found = judge::judge(&diff, &self.wish.tolerance, std::mem::take(&mut self.environment.notes));
        found.folder = Some(self.base.clone());
        if let Some(temporary) = self.temporary.take() {
            if found.outcome == Outcome::Reproduced {
                found.folder = None;
            } else {
                let _ = temporary.keep();
            }
        }
        Ok(found)
    }

    /// Whether it is a pipeline's run.
    pub fn is_pipeline(&self) -> bool {
        let captured = self.original.snapshot.captured.as_deref();
        captured.is_some_and(|captured| captured.arguments.is_empty() && captured.notebook.is_none())
    }

    /// The command's words with the rebuilt Python and folder in the place of the old ones.
    fn words(&self, captured: &Captured) -> Vec<String> {
        let mut words: Vec<String> =
            captured.arguments.iter().map(|word| moved(word, &captured.top, &self.top)).collect();
        if let Some(first) = words.first_mut() {
            *first = self.environment.program(first);
        }
        words
    }

    /// What differs from the environment around: the captured variables as they were, others of their kind away.
    fn changes(&self, captured: &Captured) -> BTreeMap<String, Option<String>> {
        let mut changes: BTreeMap<String, Option<String>> = BTreeMap::new();
        let mut now = Captured::default();
        super::capture::variables::take(&self.wish.surroundings, &context_settings(captured), &mut now);
        changes.extend(now.variables.into_keys().map(|name| (name, None)));
        let then = captured.variables.iter();
        changes.extend(then.map(|(name, value)| (name.clone(), Some(moved(value, &captured.top, &self.top)))));
        changes.extend(self.environment.variables.iter().map(|(name, value)| (name.clone(), Some(value.clone()))));
        changes
    }

    fn surroundings(&self, captured: &Captured) -> Surroundings {
        let mut variables = self.wish.surroundings.variables.clone();
        for (name, value) in self.changes(captured) {
            match value {
                Some(value) => drop(variables.insert(name, value)),
                None => drop(variables.remove(&name)),
            }
        }
        let folder = self.top.join(path_of(&from_text(&captured.folder).unwrap_or_default()));
        // A folder that held no captured file is not among those given back.
        let _ = std::fs::create_dir_all(&folder);
        Surroundings { variables, folder }
    }
}

/// Settings under which the same variables are captured again.
fn context_settings(captured: &Captured) -> remuda_model::run::captured::RunSettings {
    remuda_model::run::captured::RunSettings {
        environment: captured.variables.keys().cloned().collect(),
        largest_file: Some(u64::MAX),
    }
}

/// A word that names the old folder, naming the new one.
fn moved(word: &str, old: &str, new: &Path) -> String {
    let Some(old) = from_text(old).and_then(|bytes| String::from_utf8(bytes).ok()).filter(|old| old.len() > 1) else {
        return word.to_owned();
    };
    let new = new.to_string_lossy();
    if word == old {
        return new.into_owned();
    }
    word.replace(&format!("{old}/"), &format!("{new}/"))
}
