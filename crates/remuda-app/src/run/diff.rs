//! Two runs side by side.

use super::{Diff, Difference, FileDifference, List, MetricDifference, RunDiff, RunState, find_run};
use crate::app::App;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::use_case::{Access, UseCase};
use remuda_repo::git::ChangeKind;
use std::collections::{BTreeMap, BTreeSet};

/// Lines of a file's diff that are shown.
const SHOWN_LINES: usize = 200;
/// Files above this size, in bytes, are named but not compared line by line.
const LARGEST_DIFF: usize = 1024 * 1024;

impl UseCase for Diff {
    const NOUN: &'static str = "run";
    const VERB: &'static str = "diff";
    const ACCESS: Access = Access::Read;
    const ABOUT: &'static str = "Show two runs side by side: code, parameters, data, metrics.";
    type Answer = RunDiff;

    async fn run(self, app: &App, context: &Context) -> Result<RunDiff> {
        let mut left = find_run(app, context, &self.left).await?;
        let right = match &self.right {
            Some(right) => find_run(app, context, right).await?,
            None => {
                // One run named: it is compared with the one before it, which then stands on the left.
                let earlier = before(app, context, &left).await?;
                std::mem::replace(&mut left, earlier)
            }
        };
        let parameters = differences(&printed(&left), &printed(&right));
        let environment = differences(&left.snapshot.environment, &right.snapshot.environment);
        let metrics = metric_differences(&left, &right);
        let files = file_differences(context, &left, &right)?;
        let data = differences(&versions(&left), &versions(&right));
        Ok(RunDiff { left, right, data, parameters, metrics, environment, files })
    }
}

async fn before(app: &App, context: &Context, run: &RunState) -> Result<RunState> {
    let list = List { limit: 1, before: Some(run.run.clone()), ..List::default() };
    let mut earlier = list.find(app, context).await?.runs.into_iter().next().ok_or_else(|| {
        Error::new("request.invalid", format!("there is no run before {}", run.run)).hint("name two runs")
    })?;
    super::look::complete(app, context, &mut earlier).await?;
    Ok(earlier)
}

/// The versions of each dataset that a run's models were trained on.
fn versions(run: &RunState) -> BTreeMap<String, String> {
    let mut by_dataset: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for seen in &run.data {
        by_dataset.entry(seen.dataset.clone()).or_default().insert(seen.version.short());
    }
    by_dataset.into_iter().map(|(name, versions)| (name, Vec::from_iter(versions).join(", "))).collect()
}

fn printed(run: &RunState) -> BTreeMap<String, String> {
    run.parameters
        .iter()
        .map(|(name, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            (name.clone(), text)
        })
        .collect()
}

fn differences(left: &BTreeMap<String, String>, right: &BTreeMap<String, String>) -> Vec<Difference> {
    let names: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
    names
        .into_iter()
        .filter(|name| left.get(*name) != right.get(*name))
        .map(|name| Difference {
            name: name.clone(),
            left: left.get(name).cloned().unwrap_or_default(),
            right: right.get(name).cloned().unwrap_or_default(),
        })
        .collect()
}

fn metric_differences(left: &RunState, right: &RunState) -> Vec<MetricDifference> {
    let names: BTreeSet<&String> = left.metrics.iter().chain(&right.metrics).map(|metric| &metric.name).collect();
    names
        .into_iter()
        .map(|name| {
            let of = |run: &RunState| run.metrics.iter().find(|metric| metric.name == *name).cloned();
            let (left, right) = (of(left), of(right));
            let apart = match (&left, &right) {
                (Some(left), Some(right)) => match (left.lower, left.upper, right.lower, right.upper) {
                    (Some(low), Some(high), Some(other_low), Some(other_high)) => high < other_low || other_high < low,
                    _ => false,
                },
                _ => false,
            };
            MetricDifference { name: name.clone(), left, right, apart }
        })
        .collect()
}

fn file_differences(context: &Context, left: &RunState, right: &RunState) -> Result<Vec<FileDifference>> {
    let (Some(root), Some(from), Some(to)) = (&context.root, &left.snapshot.commit, &right.snapshot.commit) else {
        return Ok(Vec::new());
    };
    if from == to {
        return Ok(Vec::new());
    }
    let mut differences = Vec::new();
    for change in remuda_repo::git::diff(root, from, to)? {
        let old_path = change.old_path.as_deref().unwrap_or(&change.path);
        let read = |commit: &str, path: &str| remuda_repo::git::show_file(root, commit, path);
        let before = read(from, old_path)?.unwrap_or_default();
        let after = read(to, &change.path)?.unwrap_or_default();
        let kind = match change.kind {
            ChangeKind::Added => "added",
            ChangeKind::Removed => "removed",
            ChangeKind::Modified | ChangeKind::Renamed => "changed",
        };
        let diff = unified(&before, &after, &change.path);
        differences.push(FileDifference { kind: kind.to_owned(), path: change.path, diff });
    }
    Ok(differences)
}

/// A unified diff, cut at [`SHOWN_LINES`]; empty for binary and very large files.
fn unified(before: &[u8], after: &[u8], path: &str) -> String {
    if before.len().max(after.len()) > LARGEST_DIFF {
        return String::new();
    }
    let (Ok(before), Ok(after)) = (std::str::from_utf8(before), std::str::from_utf8(after)) else {
        return String::new();
    };
    let diff = similar::TextDiff::from_lines(before, after);
    let text = diff.unified_diff().context_radius(3).header(path, path).to_string();
    let mut lines: Vec<&str> = text.lines().take(SHOWN_LINES).collect();
    if text.lines().count() > SHOWN_LINES {
        lines.push("… (cut)");
    }
    lines.join("\n")
}
