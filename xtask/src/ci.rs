//! The steps of the whole check, in order. The first that fails ends it.

use crate::machine::{self, Machine};
use anyhow::{Context, Result, bail};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// Runs every step.
pub fn run(root: &Path, with_postgres: bool) -> Result<()> {
    let begun = Instant::now();
    let machine = machine::prepare(with_postgres)?;
    step("format", || cargo(root, &machine, &["fmt", "--all", "--check"]))?;
    step("tidy", crate::tidy_workspace)?;
    step("lints", || {
        cargo(root, &machine, &["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"])
    })?;
    step("tests", || tests(root, &machine, with_postgres))?;
    step("doctests", || cargo(root, &machine, &["test", "--workspace", "--doc", "--quiet"]))?;
    println!("\nall is well, after {:.0} s", begun.elapsed().as_secs_f64());
    Ok(())
}

fn step(name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    let begun = Instant::now();
    println!("── {name}");
    work().with_context(|| format!("step `{name}` failed"))?;
    println!("── {name}: {:.0} s", begun.elapsed().as_secs_f64());
    Ok(())
}

/// MLflow's own clients against the program as it was built for the tests.
pub fn tracking(root: &Path) -> Result<()> {
    let target = machine::target()?;
    let mut build = Command::new("cargo");
    build.args(["build", "--package", "remuda", "--quiet"]).current_dir(root).env("CARGO_TARGET_DIR", &target);
    let status = build.status().with_context(|| format!("cannot start {build:?}"))?;
    if !status.success() {
        bail!("{build:?} ended with {status}");
    }
    crate::tracking::run(root, &root.join(target).join("debug").join("remuda"))
}

/// All tests; with PostgreSQL where the script can start one. `cargo nextest` runs them faster, where it is installed.
fn tests(root: &Path, machine: &Machine, with_postgres: bool) -> Result<()> {
    let nextest = succeeds(Command::new("cargo").args(["nextest", "--version"]));
    let words: &[&str] = if nextest {
        &["nextest", "run", "--workspace", "--no-fail-fast"]
    } else {
        println!("cargo-nextest is not here; `cargo test` does the same, more slowly");
        &["test", "--workspace", "--lib", "--bins", "--tests"]
    };
    if !with_postgres {
        return cargo(root, machine, words);
    }
    let script = root.join(".ci").join("with-postgres");
    let mut command = Command::new(script);
    command.arg("cargo").args(words);
    finish(root, machine, command)
}

fn cargo(root: &Path, machine: &Machine, words: &[&str]) -> Result<()> {
    let mut command = Command::new("cargo");
    command.args(words);
    finish(root, machine, command)
}

fn finish(root: &Path, machine: &Machine, mut command: Command) -> Result<()> {
    command.current_dir(root).env("CARGO_TARGET_DIR", &machine.target).env("REMUDA_PYTHON", &machine.python);
    // Here no test may leave itself out.
    command.env("REMUDA_CI", "1");
    let status = command.status().with_context(|| format!("cannot start {command:?}"))?;
    if !status.success() {
        bail!("{command:?} ended with {status}");
    }
    Ok(())
}

/// Whether a command runs and succeeds, silently.
pub fn succeeds(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}
