//! What a compiler cannot check: who may know whom, how long files are, what may be committed.
//!
//! - [`layers`]: arrows between crates, and which crate may know which engine: one table
//! - [`sources`]: headers, lengths, `allow`, test modules
//! - [`foreign`]: files that are not ours
//! - [`codes`]: error codes against their registry
//! - [`scrub`]: Rust text without comments and strings, for all of these

mod codes;
mod foreign;
mod layers;
mod scrub;
mod sources;
#[cfg(test)]
mod tests;

use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::process::Command;

/// What was found, in order of files.
#[derive(Debug, Default)]
pub struct Report {
    /// Each ends the check.
    pub errors: Vec<String>,
    /// Each should be looked at.
    pub warnings: Vec<String>,
    /// How many files were read.
    pub files: usize,
}

/// The files of a tree: path from its root with forward slashes, and content.
pub struct Tree {
    files: BTreeMap<String, Vec<u8>>,
}

/// Checks the tree under `root`.
pub fn check(root: &Path) -> Result<Report> {
    let tree = Tree::read(root)?;
    let mut report = Report { files: tree.files.len(), ..Report::default() };
    layers::check(&tree, &mut report)?;
    sources::check(&tree, &mut report);
    foreign::check(&tree, &mut report);
    codes::check(&tree, &mut report);
    report.errors.sort();
    report.warnings.sort();
    Ok(report)
}

impl Tree {
    /// Reads what git knows or would add; without git, everything but build output.
    fn read(root: &Path) -> Result<Self> {
        let mut files = BTreeMap::new();
        for path in list(root)? {
            let absolute = root.join(&path);
            // Listed by git but removed in the working tree, or a link.
            if absolute.symlink_metadata().is_ok_and(|about| about.is_file()) {
                let bytes = std::fs::read(&absolute).with_context(|| format!("cannot read {}", absolute.display()))?;
                files.insert(path, bytes);
            }
        }
        Ok(Self { files })
    }

    /// Every file.
    pub fn all(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice()))
    }

    /// Every Rust file that people wrote: generated ones lie in `gen/`.
    pub fn rust(&self) -> impl Iterator<Item = (&str, &str)> {
        let ours = |path: &str| path.ends_with(".rs") && !path.split('/').any(|part| part == "gen");
        self.all()
            .filter(move |(path, _)| ours(path))
            .filter_map(|(path, bytes)| Some((path, std::str::from_utf8(bytes).ok()?)))
    }

    /// The text of one file.
    pub fn text(&self, path: &str) -> Option<&str> {
        std::str::from_utf8(self.files.get(path)?).ok()
    }
}

fn list(root: &Path) -> Result<Vec<String>> {
    if root.join(".git").exists() {
        let listed = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(root)
            .output()
            .context("cannot start git")?;
        let names = String::from_utf8_lossy(&listed.stdout).into_owned();
        return Ok(names.split('\0').filter(|name| !name.is_empty()).map(str::to_owned).collect());
    }
    let mut paths = Vec::new();
    for entry in walkdir::WalkDir::new(root).into_iter().filter_entry(|entry| entry.file_name() != "target") {
        let entry = entry?;
        if entry.file_type().is_file() {
            let path = entry.path().strip_prefix(root)?;
            paths.push(path.to_string_lossy().replace('\\', "/"));
        }
    }
    Ok(paths)
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for warning in &self.warnings {
            writeln!(formatter, "warning: {warning}")?;
        }
        for error in &self.errors {
            writeln!(formatter, "error: {error}")?;
        }
        let (errors, warnings) = (self.errors.len(), self.warnings.len());
        writeln!(formatter, "tidy: {} files, {errors} errors, {warnings} warnings", self.files)
    }
}
