//! A notebook as a run: executed by `nbconvert` or `papermill` of the environment's Python, the executed copy kept.

use super::RunState;
use super::capture::python::{answer_of, find_program};
use super::capture::{Keeping, Surroundings, apart};
use super::pipeline::{Observer, Tracked, track};
use crate::error::{Error, Result};
use crate::use_case::Caller;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a Python may take to say what it can execute.
const PATIENCE: Duration = Duration::from_secs(60);

/// A notebook that a command executes.
#[derive(Clone, Debug)]
pub(crate) struct Notebook {
    /// The notebook.
    pub(crate) path: PathBuf,
    /// Where the executed copy will lie.
    pub(crate) executed: PathBuf,
}

impl Notebook {
    /// What the executed copy is called among the outputs.
    pub(crate) fn output_name(&self) -> String {
        let stem = self.path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        format!("{stem}.executed.ipynb")
    }
}

/// What can execute a notebook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Executor {
    Nbconvert,
    Papermill,
}

/// Executes a notebook as a run. The notebook itself is not changed; the executed copy is an output of the run.
///
/// # Errors
/// There is no such notebook, or nothing to execute it with; and as [`track`].
pub async fn execute(
    caller: &impl Caller,
    root: &Path,
    notebook: PathBuf,
    note: String,
    keeping: Keeping,
    observer: &mut dyn Observer,
) -> Result<RunState> {
    let folder = root.join(".remuda").join("packing");
    std::fs::create_dir_all(&folder)?;
    let scratch = tempfile::Builder::new().prefix("notebook-").tempdir_in(&folder)?;
    let tracked = prepare(notebook, note, keeping, root, scratch.path()).await?;
    track(caller, root, tracked, observer).await
}

/// The command that executes a notebook, with the executed copy in `scratch`.
pub(super) async fn prepare(
    notebook: PathBuf,
    note: String,
    keeping: Keeping,
    root: &Path,
    scratch: &Path,
) -> Result<Tracked> {
    let full = keeping.surroundings.folder.join(&notebook);
    if !full.is_file() {
        return Err(Error::not_found("notebook", &notebook.display().to_string())
            .hint("paths begin in the folder that you are in; check the spelling")
            .hint("to track a command, put two dashes before it: remuda run -- python train.py"));
    }
    let (surroundings, root) = (keeping.surroundings.clone(), root.to_owned());
    let (python, executor) = apart(move || find_executor(&surroundings, &root)).await?;
    let executed = scratch.join("executed.ipynb");
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<String>>();
    let mut argv = vec![python];
    let parent = full.parent().unwrap_or(&full).to_string_lossy().into_owned();
    match executor {
        Executor::Nbconvert => {
            argv.extend(words(&["-m", "nbconvert", "--to", "notebook", "--execute", "--output-dir"]));
            argv.push(scratch.to_string_lossy().into_owned());
            argv.extend(words(&["--output", "executed.ipynb"]));
            argv.push(full.to_string_lossy().into_owned());
        }
        Executor::Papermill => {
            argv.extend(words(&["-m", "papermill", "--no-progress-bar", "--cwd", &parent]));
            argv.push(full.to_string_lossy().into_owned());
            argv.push(executed.to_string_lossy().into_owned());
        }
    }
    Ok(Tracked { argv, note, keeping, notebook: Some(Notebook { path: notebook, executed }), ..Tracked::default() })
}

/// A Python that can execute notebooks: that of the active environment, of the folder's, or on the path.
fn find_executor(surroundings: &Surroundings, root: &Path) -> Result<(String, Executor)> {
    let active = surroundings.variables.get("VIRTUAL_ENV").map(PathBuf::from);
    let active = active.into_iter().chain([root.join(".venv"), root.join("venv")]);
    let mut pythons: Vec<String> = active
        .map(|environment| environment.join("bin").join("python"))
        .filter(|python| python.is_file())
        .map(|python| python.to_string_lossy().into_owned())
        .collect();
    let on_path = ["python3", "python"].into_iter().filter(|name| find_program(name, surroundings).is_some());
    pythons.extend(on_path.map(str::to_owned));
    const QUESTION: &str = "import importlib.util as u
print('nbconvert' if u.find_spec('nbconvert') and u.find_spec('ipykernel') else 'papermill' if u.find_spec('papermill') else 'none')";
    for python in &pythons {
        let arguments = ["-c".to_owned(), QUESTION.to_owned()];
        let told = answer_of(python, &arguments, surroundings, &surroundings.folder, PATIENCE);
        match told.as_deref().map(str::trim) {
            Some("nbconvert") => return Ok((python.clone(), Executor::Nbconvert)),
            Some("papermill") => return Ok((python.clone(), Executor::Papermill)),
            _ => {}
        }
    }
    let error = Error::new("run.failed", "no Python here can execute a notebook: none has nbconvert or papermill");
    Err(match pythons.first() {
        Some(python) => error.hint(format!("install it: {python} -m pip install nbconvert ipykernel")),
        None => error.hint("install Python, then: python3 -m pip install nbconvert ipykernel"),
    })
}
