//! The Python that a command uses: which one, its version, and what is installed in it.

use super::Surroundings;
use remuda_model::run::captured::{Captured, Gap, GapKind, Python};
use remuda_repo::archive::to_text;
use remuda_repo::git::bytes_of;
use serde::Deserialize;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long a Python may take to describe itself.
const PATIENCE: Duration = Duration::from_secs(30);
/// Programs that run another one in an environment of theirs: `uv run python train.py`.
const RUNNERS: [&str; 6] = ["uv", "poetry", "pdm", "pipenv", "pixi", "hatch"];
/// What every new environment brings by itself.
const BROUGHT: [&str; 3] = ["pip", "setuptools", "wheel"];

/// Tells version and packages, with where each came from (PEP 610). The current folder is taken off the path first, so
/// that a file called `json.py` there is not taken for the library.
const QUESTION: &str = r#"
import sys
sys.path = [place for place in sys.path if place]
import json, platform
found = {}
try:
    from importlib import metadata
    for one in metadata.distributions():
        try:
            name = one.metadata["Name"]
            if name and name not in found:
                origin = one.read_text("direct_url.json")
                found[name] = {"version": one.version, "origin": json.loads(origin) if origin else None}
        except Exception:
            pass
except ImportError:
    found = None
print("remuda:" + json.dumps({"version": platform.python_version(), "implementation": platform.python_implementation(), "packages": found}))
"#;

/// What a Python tells about itself.
#[derive(Deserialize)]
struct Told {
    version: String,
    implementation: String,
    packages: Option<std::collections::BTreeMap<String, Package>>,
}

#[derive(Deserialize)]
struct Package {
    version: Option<String>,
    origin: Option<Origin>,
}

#[derive(Deserialize)]
struct Origin {
    url: String,
    #[serde(default)]
    vcs_info: Option<VersionControl>,
    #[serde(default)]
    dir_info: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct VersionControl {
    vcs: String,
    commit_id: String,
}

/// How to call the Python of a command.
struct Candidate {
    program: String,
    before: Vec<String>,
    assumed: bool,
}

/// Asks the Python of a command and notes it; answers the list of its packages as `pip` reads it.
pub(super) fn ask(argv: &[String], surroundings: &Surroundings, top: &Path, captured: &mut Captured) -> Option<String> {
    let candidates = candidates(argv, surroundings);
    for candidate in &candidates {
        let Some(told) = question(candidate, surroundings) else { continue };
        let packages = told.packages.as_ref().map(|packages| requirements(packages, top, captured));
        let count = packages.as_ref().map_or(0, |text| text.lines().count() as u64);
        let words: Vec<&str> =
            std::iter::once(candidate.program.as_str()).chain(candidate.before.iter().map(String::as_str)).collect();
        captured.python = Some(Python {
            version: told.version,
            implementation: told.implementation,
            program: words.join(" "),
            packages: None,
            package_count: count,
            assumed: candidate.assumed,
        });
        return packages;
    }
    let wanted_one = candidates.iter().any(|candidate| !candidate.assumed);
    if wanted_one {
        let what = format!("the Python of `{}`", argv.first().map_or("", String::as_str));
        captured.gaps.push(Gap { kind: GapKind::NoEnvironment, what, bytes: None });
    }
    None
}

fn question(candidate: &Candidate, surroundings: &Surroundings) -> Option<Told> {
    let mut arguments = candidate.before.clone();
    arguments.extend(["-c".to_owned(), QUESTION.to_owned()]);
    let text = answer_of(&candidate.program, &arguments, surroundings, &surroundings.folder, PATIENCE)?;
    let line = text.lines().rev().find_map(|line| line.strip_prefix("remuda:"))?;
    serde_json::from_str(line).ok()
}

/// The Pythons that a command may use, the surest first.
fn candidates(argv: &[String], surroundings: &Surroundings) -> Vec<Candidate> {
    let plain = |program: &str, assumed| Candidate { program: program.to_owned(), before: Vec::new(), assumed };
    let Some(first) = argv.first() else { return vec![plain("python3", true), plain("python", true)] };
    if is_python(first) {
        return vec![plain(first, false)];
    }
    let runner = RUNNERS.contains(&name_of(first)) && argv.get(1).is_some_and(|word| word == "run");
    if runner {
        return vec![Candidate { program: first.clone(), before: vec!["run".into(), "python".into()], assumed: false }];
    }
    let mut found = Vec::new();
    found.extend(interpreter_of(first, surroundings).map(|program| plain(&program, false)));
    found.extend([plain("python3", true), plain("python", true)]);
    found
}

/// Whether a program's name is one of Python's.
pub(crate) fn is_python(program: &str) -> bool {
    let name = name_of(program);
    let rest = name.strip_prefix("python").or_else(|| name.strip_prefix("pypy"));
    rest.is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'))
}

fn name_of(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

/// The Python in the first line of a script, such as `pytest` or `torchrun`.
fn interpreter_of(program: &str, surroundings: &Surroundings) -> Option<String> {
    let file = find_program(program, surroundings)?;
    let mut line = String::new();
    BufReader::new(std::fs::File::open(file).ok()?.take(512)).read_line(&mut line).ok()?;
    let mut words = line.strip_prefix("#!")?.split_whitespace();
    let first = words.next()?;
    let program = if name_of(first) == "env" { words.find(|word| !word.starts_with('-'))? } else { first };
    is_python(program).then(|| program.to_owned())
}

/// Where a program lies: by its path, or on the path of the surroundings.
pub(crate) fn find_program(program: &str, surroundings: &Surroundings) -> Option<PathBuf> {
    if program.contains('/') {
        return Some(surroundings.folder.join(program)).filter(|file| file.is_file());
    }
    let path = surroundings.variables.get("PATH")?;
    std::env::split_paths(path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// The packages as `pip install -r` reads them. What was installed from a folder of this machine is a gap.
fn requirements(packages: &std::collections::BTreeMap<String, Package>, top: &Path, captured: &mut Captured) -> String {
    let mut lines = Vec::new();
    for (name, package) in packages {
        if BROUGHT.contains(&name.to_ascii_lowercase().as_str()) {
            continue;
        }
        let Some(version) = &package.version else { continue };
        match &package.origin {
            None => lines.push(format!("{name}=={version}")),
            Some(Origin { url, vcs_info: Some(vcs), .. }) => {
                lines.push(format!("{name} @ {}+{url}@{}", vcs.vcs, vcs.commit_id));
            }
            Some(origin) if origin.url.starts_with("file://") => {
                let place = origin.url.trim_start_matches("file://");
                let within = Path::new(place).strip_prefix(top).ok().filter(|_| origin.dir_info.is_some());
                match within {
                    Some(within) => lines.push(format!("./{}", to_text(&bytes_of(within)))),
                    None => {
                        let what = format!("{name} {version} from {place}");
                        captured.gaps.push(Gap { kind: GapKind::LocalPackage, what, bytes: None });
                    }
                }
            }
            Some(origin) => lines.push(format!("{name} @ {}", origin.url)),
        }
    }
    lines.sort_by_key(|line| line.to_ascii_lowercase());
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// What a program prints, if it ends well and in time.
pub(crate) fn answer_of(
    program: &str,
    arguments: &[String],
    surroundings: &Surroundings,
    folder: &Path,
    patience: Duration,
) -> Option<String> {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    // An empty environment means that of this process: a face that gives none wants nothing changed.
    if !surroundings.variables.is_empty() {
        command.env_clear().envs(&surroundings.variables);
    }
    let mut child = command.spawn().ok()?;
    let mut output = child.stdout.take()?;
    let reading = std::thread::spawn(move || {
        let mut text = Vec::new();
        output.read_to_end(&mut text).map(|_| text)
    });
    let begin = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if begin.elapsed() < patience => std::thread::sleep(Duration::from_millis(5)),
            _ => {
                // It took too long or cannot be waited for: nothing more is wanted of it.
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
    };
    let text = reading.join().ok()?.ok()?;
    status.success().then(|| String::from_utf8_lossy(&text).into_owned())
}
