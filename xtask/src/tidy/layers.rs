//! Layer = crate. An arrow goes down only; crates on one floor do not know each other; each engine has one home.

use super::scrub::{code, words_before_path};
use super::{Report, Tree};
use anyhow::{Context, Result};
use std::collections::BTreeMap;

/// Every crate and those of ours that it may know, tests included. DESIGN section 5 in one table.
const ARROWS: [(&str, &[&str]); 10] = [
    ("remuda-model", &[]),
    ("remuda-repo", &["remuda-model"]),
    ("remuda-ledger", &["remuda-model"]),
    ("remuda-data", &["remuda-model"]),
    ("remuda-learn", &["remuda-model"]),
    ("remuda-stats", &["remuda-model"]),
    ("remuda-app", &["remuda-model", "remuda-repo", "remuda-ledger", "remuda-data", "remuda-learn", "remuda-stats"]),
    ("remuda-web", &["remuda-model", "remuda-app"]),
    ("remuda-serve", &["remuda-model", "remuda-app"]),
    ("remuda", &["remuda-model", "remuda-app", "remuda-web", "remuda-serve"]),
];

/// Engines and who may know them. A name stands for the crate and for those whose names go on after a `-`.
const HOMES: [(&str, &[&str]); 16] = [
    ("datafusion", &["remuda-data"]),
    ("arrow", &["remuda-data"]),
    ("parquet", &["remuda-data"]),
    ("ballista", &["remuda-data"]),
    ("sqlx", &["remuda-ledger"]),
    ("object_store", &["remuda-ledger"]),
    ("gix", &["remuda-repo"]),
    ("ort", &["remuda-learn"]),
    ("prost", &["remuda-learn", "remuda-web"]),
    ("maud", &["remuda-web"]),
    ("axum", &["remuda-web", "remuda-serve", "remuda"]),
    ("tower", &["remuda-web", "remuda-serve", "remuda"]),
    ("clap", &["remuda-app", "remuda"]),
    ("ureq", &["remuda"]),
    ("anstream", &["remuda"]),
    ("miette", &["remuda"]),
];

/// Engines that a crate's tests may know besides: the stories make PostgreSQL databases and tamper with rows,
/// which the ledger's own functions rightly refuse.
const TESTS_ALSO: [(&str, &str); 2] = [("remuda-app", "sqlx"), ("remuda", "sqlx")];

/// All that the words may depend on: no file, no clock, no network, no async can come in with these.
const MODEL_MAY: [&str; 5] = ["serde", "serde_json", "blake3", "thiserror", "utoipa"];

/// What the words may not say.
const MODEL_MAY_NOT: [&str; 7] =
    ["std::fs", "std::net", "std::process", "std::env", "SystemTime::now", "Instant::now", "std::thread"];

pub fn check(tree: &Tree, report: &mut Report) -> Result<()> {
    let mut crates: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (path, bytes) in tree.all() {
        let Some(folder) = path.strip_prefix("crates/").and_then(|rest| rest.strip_suffix("/Cargo.toml")) else {
            continue;
        };
        if folder.contains('/') {
            report.errors.push(format!("{path}: crates lie right under crates/"));
            continue;
        }
        let manifest: toml::Table =
            toml::from_str(std::str::from_utf8(bytes)?).with_context(|| format!("{path} is no TOML"))?;
        crates.insert(folder, dependencies(&manifest));
        check_manifest(path, folder, &manifest, report);
    }
    for (path, text) in tree.rust() {
        let Some((folder, _)) = path.strip_prefix("crates/").and_then(|rest| rest.split_once('/')) else { continue };
        check_paths(path, folder, text, report);
    }
    Ok(())
}

/// Every name in every table of dependencies, for tests and builds and single platforms too.
fn dependencies(manifest: &toml::Table) -> Vec<String> {
    let mut names = Vec::new();
    for (key, value) in manifest {
        let Some(table) = value.as_table() else { continue };
        if key == "target" {
            table.values().filter_map(toml::Value::as_table).for_each(|inner| names.extend(dependencies(inner)));
        } else if matches!(key.as_str(), "dependencies" | "dev-dependencies" | "build-dependencies") {
            for (name, settings) in table {
                let renamed = settings.get("package").and_then(toml::Value::as_str);
                names.push(renamed.unwrap_or(name).to_owned());
            }
        }
    }
    names
}

fn check_manifest(path: &str, folder: &str, manifest: &toml::Table, report: &mut Report) {
    let Some(may) = arrows(folder) else {
        report.errors.push(format!("{path}: `{folder}` has no layer: give it one in xtask/src/tidy/layers.rs"));
        return;
    };
    let mut built = manifest.clone();
    built.remove("dev-dependencies");
    let built = dependencies(&built);
    for name in dependencies(manifest) {
        if tests_also(folder, &name) && !built.contains(&name) {
            continue;
        }
        if let Some(reason) = refusal(folder, may, &name) {
            report.errors.push(format!("{path}: {reason}"));
        }
    }
    if folder == "remuda-model"
        && let Some(table) = manifest.get("dependencies").and_then(toml::Value::as_table)
    {
        for name in table.keys().filter(|name| !MODEL_MAY.contains(&name.as_str())) {
            report
                .errors
                .push(format!("{path}: the words may depend on {} only, not on `{name}`", MODEL_MAY.join(", ")));
        }
    }
}

/// `use` and full paths: a dependency of a dependency is as far away as one that was never named.
fn check_paths(path: &str, folder: &str, text: &str, report: &mut Report) {
    let Some(may) = arrows(folder) else { return };
    let code = code(text);
    for (number, line) in code.lines().enumerate() {
        for word in words_before_path(line) {
            let name = word.replace('_', "-");
            if path.contains("/tests/") && tests_also(folder, &name) {
                continue;
            }
            let known = refusal(folder, may, &name).or_else(|| refusal(folder, may, word));
            if let Some(reason) = known.filter(|_| folder != name) {
                report.errors.push(format!("{path}:{}: {reason}", number + 1));
            }
        }
        if folder == "remuda-model"
            && let Some(forbidden) = MODEL_MAY_NOT.iter().find(|forbidden| line.contains(*forbidden))
        {
            report.errors.push(format!("{path}:{}: the words know no `{forbidden}`", number + 1));
        }
    }
}

fn arrows(folder: &str) -> Option<&'static [&'static str]> {
    ARROWS.iter().find(|(name, _)| *name == folder).map(|(_, may)| *may)
}

fn tests_also(folder: &str, name: &str) -> bool {
    TESTS_ALSO.contains(&(folder, name))
}

/// Why a crate may not know another, if it may not.
fn refusal(folder: &str, may: &[&str], name: &str) -> Option<String> {
    if ARROWS.iter().any(|(known, _)| *known == name) && folder != name {
        return (!may.contains(&name)).then(|| format!("`{folder}` may not know `{name}`"));
    }
    let (engine, homes) = HOMES.iter().find(|(engine, _)| is_of(engine, name))?;
    (!homes.contains(&folder)).then(|| format!("only {} may know `{engine}`", homes.join(", ")))
}

fn is_of(engine: &str, name: &str) -> bool {
    name.strip_prefix(engine).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}
