//! Work on the workspace itself: `cargo xtask tidy` checks what a compiler cannot, `cargo xtask ci` checks everything.
//!
//! - [`tidy`]: arrows between crates, file lengths, headers, foreign files, error codes
//! - [`ci`]: the steps of the whole check, in order; [`machine`]: what they need that is not Rust
//! - [`tracking`]: MLflow's own clients, of today and of a year ago, against `remuda up`

mod ci;
mod machine;
mod tidy;
mod tracking;

use anyhow::{Result, bail};
use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask COMMAND

  tidy                    check layers, file lengths, headers, foreign files, error codes
  ci [--without-postgres] everything: format, lints, tidy, tests on SQLite and PostgreSQL, doctests
  tracking                MLflow's own clients, of today and of a year ago, against `remuda up`
";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["tidy"] => tidy_workspace(),
        ["ci"] => ci::run(&root(), true),
        ["ci", "--without-postgres"] => ci::run(&root(), false),
        ["tracking"] => ci::tracking(&root()),
        ["help" | "--help" | "-h"] => {
            print!("{USAGE}");
            Ok(())
        }
        other => bail!("unknown command `{}`\n{USAGE}", other.join(" ")),
    }
}

/// The workspace's folder.
fn root() -> PathBuf {
    // As cargo says at run time: a build of another clone may have been reused.
    let here = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let here = PathBuf::from(here);
    here.parent().map(PathBuf::from).unwrap_or(here)
}

fn tidy_workspace() -> Result<()> {
    let report = tidy::check(&root())?;
    print!("{report}");
    if report.errors.is_empty() { Ok(()) } else { bail!("tidy found {} errors", report.errors.len()) }
}
