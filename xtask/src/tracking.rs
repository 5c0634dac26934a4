//! The conformance suite of `crates/remuda/tests/mlflow`: Python environments with MLflow's client of today and of a year
//! ago, a server for each in a folder of its own, and pytest against it.

use crate::ci::succeeds;
use crate::machine;
use anyhow::{Context, Result, bail};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The clients: each has `requirements-NAME.txt` beside the tests and an environment NAME among the caches.
const CLIENTS: [&str; 2] = ["current", "year-old"];

/// Where the suite lies in the workspace.
const SUITE: &str = "crates/remuda/tests/mlflow";

/// The file in an environment that says what it was filled with.
const STAMP: &str = "requirements.txt";

/// What a made-up product is learned from: the suite asks nothing of it.
const ROWS: usize = 60;

/// Makes the environments and runs the suite with every client, side by side. `remuda` is the built program.
pub fn run(root: &Path, remuda: &Path) -> Result<()> {
    let environments = environments(root)?;
    let suite = root.join(SUITE);
    let trials: Vec<Result<String>> = std::thread::scope(|scope| {
        let started: Vec<_> = environments
            .iter()
            .map(|(client, python)| {
                let suite = &suite;
                scope.spawn(move || trial(client, python, suite, remuda))
            })
            .collect();
        started
            .into_iter()
            .map(|trial| trial.join().unwrap_or_else(|_| bail!("a trial of the protocol panicked")))
            .collect()
    });
    let mut failures = Vec::new();
    for ((client, _), trial) in environments.iter().zip(trials) {
        match trial {
            Ok(summary) => println!("   {client}: {summary}"),
            Err(failure) => failures.push(format!("with the client `{client}`: {failure:#}")),
        }
    }
    if failures.is_empty() { Ok(()) } else { bail!("{}", failures.join("\n\n")) }
}

/// One server, asked by one client. Answers pytest's counts; the folder is kept where something failed.
fn trial(client: &str, python: &Path, suite: &Path, remuda: &Path) -> Result<String> {
    let folder = std::env::temp_dir().join(format!("remuda-tracking-{}-{client}", std::process::id()));
    if folder.exists() {
        std::fs::remove_dir_all(&folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let product = make_product(&folder, remuda)?;
    let (mut server, address) = serve(&folder, &product, remuda)?;
    let asked = ask(&folder, python, suite, &address);
    let ended = server.try_wait().ok().flatten();
    // It may have ended by itself, which is told below.
    let _ = server.kill();
    let _ = server.wait();
    let (passed, said) = asked?;
    let counts = |line: &&str| [" passed", " failed", " error"].iter().any(|word| line.contains(word));
    let summary = said.lines().rev().find(counts).unwrap_or("pytest counted nothing").to_owned();
    if passed && ended.is_none() {
        std::fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
        return Ok(summary);
    }
    let log = std::fs::read_to_string(folder.join("server.log")).unwrap_or_default();
    let last: Vec<&str> = log.lines().rev().take(30).collect();
    let last: Vec<&str> = last.into_iter().rev().collect();
    let end = ended.map_or_else(String::new, |status| format!("the server ended by itself with {status}\n"));
    bail!(
        "{summary}\n\n{said}\n\n{end}the server's last words ({}):\n{}",
        folder.join("server.log").display(),
        last.join("\n")
    )
}

/// A product in the folder, made from rows that mean nothing.
fn make_product(folder: &Path, remuda: &Path) -> Result<PathBuf> {
    let mut rows = String::from("id,amount,bought\n");
    for row in 0..ROWS {
        let label = if row % 3 == 0 { "no" } else { "yes" };
        rows.push_str(&format!("r{row},{},{label}\n", row % 7));
    }
    std::fs::write(folder.join("rows.csv"), rows).context("cannot write rows.csv")?;
    let identity = "[user]\n\tname = Ana\n\temail = ana@example.org\n[init]\n\tdefaultBranch = main\n";
    std::fs::write(folder.join("gitconfig"), identity).context("cannot write gitconfig")?;
    let mut init = program(remuda, folder);
    init.args(["init", "shop", "--from", "rows.csv", "--label", "bought"]);
    let output = init.output().with_context(|| format!("cannot start {init:?}"))?;
    if !output.status.success() {
        bail!("{init:?} ended with {}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(folder.join("shop"))
}

/// Starts the server on a free port; its process and its address. The suite itself waits until it answers.
fn serve(folder: &Path, product: &Path, remuda: &Path) -> Result<(Child, String)> {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).context("no port is free")?.port();
    let log = std::fs::File::create(folder.join("server.log")).context("cannot make server.log")?;
    let mut up = program(remuda, folder);
    up.arg("--product").arg(product).args(["up", "--listen", &format!("127.0.0.1:{port}")]);
    up.stdout(log.try_clone().context("cannot share server.log")?).stderr(log);
    let server = up.spawn().with_context(|| format!("cannot start {up:?}"))?;
    Ok((server, format!("http://127.0.0.1:{port}")))
}

/// Runs pytest: whether all passed, and what it said.
fn ask(folder: &Path, python: &Path, suite: &Path, address: &str) -> Result<(bool, String)> {
    let mut pytest = Command::new(python);
    pytest.args(["-m", "pytest", "-q", "--tb=short", "--color=no", "-p", "no:cacheprovider", "--rootdir"]).arg(suite);
    pytest.arg(suite).current_dir(folder).stdin(Stdio::null());
    pytest.env("MLFLOW_UNDER_TEST", address).env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONWARNINGS", "ignore");
    // Models are saved with whatever `python` and `pip` the client finds first.
    if let Some(programs) = python.parent() {
        let path = std::env::var("PATH").unwrap_or_default();
        pytest.env("PATH", format!("{}:{path}", programs.display()));
    }
    let output = pytest.output().with_context(|| format!("cannot start {pytest:?}"))?;
    let mut said = String::from_utf8_lossy(&output.stdout).into_owned();
    said.push_str(&String::from_utf8_lossy(&output.stderr));
    Ok((output.status.success(), said.trim_end().to_owned()))
}

/// The program with nothing of this machine's own configuration.
fn program(remuda: &Path, folder: &Path) -> Command {
    let mut command = Command::new(remuda);
    command.current_dir(folder).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("REMUDA_") || text.starts_with("GIT_") {
            command.env_remove(&name);
        }
    }
    command.env("HOME", folder).env("NO_COLOR", "1");
    command.env("GIT_CONFIG_GLOBAL", folder.join("gitconfig")).env("GIT_CONFIG_NOSYSTEM", "1");
    command
}

/// Every client's name and Python, made where it is missing or its requirements have changed.
fn environments(root: &Path) -> Result<Vec<(&'static str, PathBuf)>> {
    let cache = machine::cache()?.join("mlflow");
    CLIENTS.into_iter().map(|client| Ok((client, environment(root, &cache, client)?))).collect()
}

fn environment(root: &Path, cache: &Path, client: &str) -> Result<PathBuf> {
    let wanted = root.join(SUITE).join(format!("requirements-{client}.txt"));
    let text = std::fs::read_to_string(&wanted).with_context(|| format!("cannot read {}", wanted.display()))?;
    let folder = cache.join(client);
    let python = folder.join("bin").join("python");
    let is_filled = std::fs::read_to_string(folder.join(STAMP)).is_ok_and(|filled| filled == text);
    let is_there = ["-c", "from importlib.metadata import version; version('mlflow')"];
    if is_filled && succeeds(Command::new(&python).args(is_there)) {
        return Ok(python);
    }
    println!("   making the Python environment `{client}` in {}", folder.display());
    if folder.exists() {
        std::fs::remove_dir_all(&folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    let uv = installer(cache)?;
    finish(Command::new(&uv).args(["venv", "--quiet", "--python", ">=3.11,<3.14"]).arg(&folder))?;
    let mut install = Command::new(&uv);
    // The file is complete: nothing is resolved, and what it leaves out stays out.
    install.args(["pip", "install", "--quiet", "--no-deps", "--compile-bytecode", "--python"]).arg(&python);
    finish(install.arg("--requirement").arg(&wanted))?;
    // Written last: an environment without it was interrupted.
    std::fs::write(folder.join(STAMP), text).with_context(|| format!("cannot mark {}", folder.display()))?;
    Ok(python)
}

/// `uv`: the one on the path, or one of our own from PyPI.
fn installer(cache: &Path) -> Result<PathBuf> {
    if machine::is_program("uv") {
        return Ok(PathBuf::from("uv"));
    }
    let folder = cache.join("uv");
    let uv = folder.join("bin").join("uv");
    if !succeeds(Command::new(&uv).arg("--version")) {
        finish(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
        let mut install = Command::new(folder.join("bin").join("python"));
        finish(install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "uv"]))?;
    }
    Ok(uv)
}

fn finish(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {command:?}"))?;
    if !status.success() {
        bail!("{command:?} ended with {status}");
    }
    Ok(())
}
