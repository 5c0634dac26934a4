//! The environment of a repeated run: a fresh one with the recorded Python and packages, by `uv` where it is found, else
//! by `venv` and `pip`. What could not be had as it was is noted, never hidden.

use crate::error::{Error, Result};
use crate::run::capture::Surroundings;
use crate::run::capture::apart;
use crate::run::capture::python::{answer_of, find_program, is_python};
use crate::run::pipeline::{Observer, run_for};
use remuda_model::run::captured::{Captured, Python};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a Python may take to tell its version.
const PATIENCE: Duration = Duration::from_secs(20);

/// An environment that is ready.
#[derive(Debug, Default)]
pub(super) struct Environment {
    /// Its folder; none where the Python that is here is used.
    folder: Option<PathBuf>,
    /// The Python that stands for the recorded one, where there is no folder.
    python: Option<String>,
    /// Variables that make it the active one.
    pub(super) variables: BTreeMap<String, String>,
    /// What is not as it was.
    pub(super) notes: Vec<String>,
}

impl Environment {
    /// The program that stands for a recorded one.
    pub(super) fn program(&self, recorded: &str) -> String {
        let name = recorded.rsplit('/').next().unwrap_or(recorded);
        if let Some(folder) = &self.folder {
            let name = if is_python(recorded) { "python" } else { name };
            let inside = folder.join("bin").join(name);
            if inside.exists() {
                return inside.to_string_lossy().into_owned();
            }
        }
        match &self.python {
            Some(python) if is_python(recorded) => python.clone(),
            _ => recorded.to_owned(),
        }
    }
}

/// Builds the environment beside the files.
pub(super) async fn build(
    captured: &Captured,
    packages: Option<String>,
    base: &Path,
    top: &Path,
    surroundings: &Surroundings,
    no_install: bool,
    observer: &mut dyn Observer,
) -> Result<Environment> {
    let Some(python) = &captured.python else {
        let mut environment = Environment::default();
        if captured.locks.is_empty() {
            return Ok(environment);
        }
        environment.notes.push(format!("no Python was recorded, so {} was not installed", captured.locks.join(", ")));
        return Ok(environment);
    };
    if no_install {
        return Ok(as_it_is(python, surroundings));
    }
    let folder = base.join("environment");
    let list = base.join("packages.txt");
    let packages = packages.unwrap_or_default();
    std::fs::write(&list, &packages)?;
    let mut environment = Environment { folder: Some(folder.clone()), ..Environment::default() };
    let uv = find_program("uv", surroundings);
    let setup = Setup { folder: &folder, list: &list, top, python, surroundings, bare: packages.is_empty() };
    match uv {
        Some(uv) => with_uv(&setup, &uv.to_string_lossy(), observer).await?,
        None => with_pip(&setup, &mut environment, observer).await?,
    }
    if python.package_count > 0 && packages.is_empty() {
        environment.notes.push("the list of packages was not kept, so none was installed".to_owned());
    }
    let path = surroundings.variables.get("PATH").cloned().unwrap_or_default();
    environment.variables.insert("VIRTUAL_ENV".to_owned(), folder.to_string_lossy().into_owned());
    environment.variables.insert("PATH".to_owned(), format!("{}:{path}", folder.join("bin").display()));
    Ok(environment)
}

/// The Python that is here, in the place of the recorded one.
fn as_it_is(python: &Python, surroundings: &Surroundings) -> Environment {
    let mut environment = Environment::default();
    environment.notes.push("nothing was installed (`--no-install`): the Python that is here was used".to_owned());
    let first = python.program.split(' ').next().unwrap_or_default();
    match find_program(first, surroundings) {
        // One that was named by its path must not be looked for in the new folder, where it is not.
        Some(found) if first.contains('/') => environment.python = Some(found.to_string_lossy().into_owned()),
        Some(_) => {}
        None if is_python(first) => {
            let other = ["python3", "python"].into_iter().find(|name| find_program(name, surroundings).is_some());
            environment.python = other.map(str::to_owned);
        }
        None => {}
    }
    environment
}

/// What an installer needs.
struct Setup<'a> {
    folder: &'a Path,
    list: &'a Path,
    top: &'a Path,
    python: &'a Python,
    surroundings: &'a Surroundings,
    /// No package is to be installed.
    bare: bool,
}

async fn with_uv(setup: &Setup<'_>, uv: &str, observer: &mut dyn Observer) -> Result<()> {
    let folder = setup.folder.to_string_lossy();
    let words = [uv, "venv", "--quiet", "--seed", "--python", &setup.python.version, &folder];
    step(&words, setup, observer).await?;
    if setup.bare {
        return Ok(());
    }
    let (python, list) = (setup.folder.join("bin").join("python"), setup.list.to_string_lossy());
    let words = [uv, "pip", "install", "--quiet", "--no-deps", "--python", &python.to_string_lossy(), "-r", &list];
    step(&words, setup, observer).await
}

async fn with_pip(setup: &Setup<'_>, environment: &mut Environment, observer: &mut dyn Observer) -> Result<()> {
    let (python, surroundings) = (setup.python.clone(), setup.surroundings.clone());
    let found = apart(move || Ok(nearest(&python, &surroundings))).await?;
    let (program, version) = found.ok_or_else(|| {
        Error::new("run.failed", "there is no Python here to rebuild the environment with")
            .hint(format!("install Python {}", setup.python.version))
    })?;
    if version != setup.python.version {
        environment
            .notes
            .push(format!("Python {} was recorded and is not here; {version} was used", setup.python.version));
    }
    let folder = setup.folder.to_string_lossy();
    let mut words = vec![program.as_str(), "-m", "venv"];
    // Without packages there is nothing for pip to do, and making it takes seconds.
    words.extend(setup.bare.then_some("--without-pip"));
    words.push(&folder);
    step(&words, setup, observer).await?;
    if setup.bare {
        return Ok(());
    }
    let (python, list) = (setup.folder.join("bin").join("python"), setup.list.to_string_lossy());
    let python = python.to_string_lossy();
    let words =
        [&python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "-r", list.as_ref()];
    step(&words, setup, observer).await
}

/// The Python that is nearest to the recorded one: the same version, else the same minor version, else any.
fn nearest(recorded: &Python, surroundings: &Surroundings) -> Option<(String, String)> {
    let minor = minor_of(&recorded.version);
    let first = recorded.program.split(' ').next().unwrap_or_default();
    let mut names = vec![format!("python{minor}"), "python3".to_owned(), "python".to_owned()];
    if is_python(first) {
        names.insert(0, first.to_owned());
    }
    let version = |name: &String| {
        let arguments = ["-c".to_owned(), "import platform; print(platform.python_version())".to_owned()];
        let text = answer_of(name, &arguments, surroundings, Path::new("/"), PATIENCE)?;
        Some((name.clone(), text.trim().to_owned()))
    };
    let found: Vec<(String, String)> = names.iter().filter_map(version).collect();
    let same = found.iter().find(|(_, version)| *version == recorded.version);
    let alike = || found.iter().find(|(_, version)| minor_of(version) == minor);
    same.or_else(alike).or(found.first()).cloned()
}

/// `3.11` of `3.11.7`.
fn minor_of(version: &str) -> String {
    version.split('.').take(2).collect::<Vec<_>>().join(".")
}

/// One step of an installer, its words shown as they come.
async fn step(words: &[&str], setup: &Setup<'_>, observer: &mut dyn Observer) -> Result<()> {
    let failed = |reason: String| {
        Error::new("run.failed", format!("the environment could not be rebuilt: {reason}"))
            .hint("take the Python that is here: add `--no-install`")
    };
    let mut command = tokio::process::Command::new(words[0]);
    // Paths in the list of packages begin at the top of the files.
    command.args(&words[1..]).current_dir(setup.top);
    if !setup.surroundings.variables.is_empty() {
        command.env_clear().envs(&setup.surroundings.variables);
    }
    for name in ["VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "PIP_REQUIRE_VIRTUALENV"] {
        command.env_remove(name);
    }
    match run_for(command, observer).await {
        Ok(None) => Ok(()),
        Ok(Some(reason)) => Err(failed(format!("`{}`: {reason}", words.join(" ")))),
        Err(source) => Err(failed(format!("`{}` cannot be started", words[0])).caused_by(&source)),
    }
}
