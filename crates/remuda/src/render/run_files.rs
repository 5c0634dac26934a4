//! What runs keep, and how it goes: files, deletions, collections, room.

use super::Paper;
use super::layout::wrap;
use super::paint;
use super::table::{Side, Table};
use super::words::{ago, bytes};
use remuda_app::run::{Collected, Downloaded, ExperimentStorage, MovedRun, MovedRuns, RunArtifacts, StorageUse, Taken};
use remuda_model::text::{count, thousands};
use std::path::Path;

/// Runs that are named one by one; beyond, they are counted.
const NAMED: usize = 20;

/// `run artifacts`.
pub(crate) fn artifacts(answer: &RunArtifacts, paper: &Paper) -> String {
    if answer.artifacts.is_empty() {
        return format!("Run {} logged no files: `mlflow.log_artifact(FILE)` does.\n", answer.run);
    }
    let mut table = Table::new(&[("file", Side::Left), ("size", Side::Right), ("when", Side::Whole)]);
    for artifact in &answer.artifacts {
        let name = if artifact.is_folder { format!("{}/", artifact.path) } else { artifact.path.clone() };
        let size = artifact.bytes.map(bytes).unwrap_or_default();
        table.row(vec![name, size, artifact.time.map(|time| ago(time, paper.now)).unwrap_or_default()]);
    }
    let mut out = table.render(paper.width);
    let total = answer.artifacts.iter().filter_map(|artifact| artifact.bytes).sum();
    let files = answer.artifacts.iter().filter(|artifact| !artifact.is_folder).count() as u64;
    out.push_str(&paint::dim(&format!("{}, {}\n", count(files, "file"), bytes(total))));
    out
}

/// `run download`.
pub(crate) fn downloaded(answer: &[Downloaded], to: &Path) -> String {
    match answer {
        [only] => format!("{} {} ({})\n", paint::green("wrote"), only.output.display(), bytes(only.bytes)),
        several => {
            let total = several.iter().map(|file| file.bytes).sum();
            let files = count(several.len() as u64, "file");
            format!("{} {files} ({}) under {}\n", paint::green("wrote"), bytes(total), to.display())
        }
    }
}

/// `run delete` and `run undelete`.
pub(crate) fn moved(answer: &MovedRuns, word: &str, paper: &Paper) -> String {
    if answer.runs.is_empty() {
        return format!("No run to be {word}.\n");
    }
    let mut out = names(&answer.runs, paper);
    let runs = count(answer.runs.len() as u64, "run");
    if answer.dry_run {
        out.push_str(&format!("{runs} would be {word}; nothing was changed.\n"));
        return out;
    }
    out.push_str(&format!("{} {runs}\n", paint::green(word)));
    if word == "deleted" {
        let hint = "remuda run undelete RUN brings one back; remuda run collect removes them for good after 30 days";
        out.push_str(&wrap(&paint::dim(hint), paper.width, 0));
    }
    out
}

fn names(runs: &[MovedRun], paper: &Paper) -> String {
    let mut table = Table::new(&[("run", Side::Whole), ("experiment", Side::Right), ("name", Side::Left)]).indent(2);
    for run in runs.iter().take(NAMED) {
        table.row(vec![run.run.clone(), run.experiment.to_string(), run.name.clone()]);
    }
    let mut out = table.render(paper.width);
    if runs.len() > NAMED {
        out.push_str(&paint::dim(&format!("  and {} more\n", thousands((runs.len() - NAMED) as u64))));
    }
    out
}

/// `run collect`.
pub(crate) fn collected(answer: &Collected, paper: &Paper) -> String {
    let mut out = String::new();
    let would = if answer.dry_run { "would be " } else { "" };
    if !answer.deleted_by_rule.is_empty() {
        let runs = count(answer.deleted_by_rule.len() as u64, "run");
        out.push_str(&format!("{runs} {would}deleted by the rule in `remuda.toml`, to be collected later:\n"));
        out.push_str(&names(&answer.deleted_by_rule, paper));
    }
    if !answer.runs.is_empty() {
        out.push_str(&format!("{} {would}removed for good:\n", count(answer.runs.len() as u64, "run")));
        out.push_str(&names(&answer.runs, paper));
        out.push_str(&format!("  with {} ({})\n", count(answer.files, "file"), bytes(answer.bytes)));
    }
    if !answer.models.is_empty() {
        out.push_str(&format!("{} {would}removed for good\n", count(answer.models.len() as u64, "logged model")));
    }
    for experiment in &answer.experiments {
        out.push_str(&format!("experiment {} ({}) {would}removed for good\n", experiment.experiment, experiment.name));
    }
    for run in &answer.pinned {
        out.push_str(&wrap(
            &format!("{} {} {}: {}", paint::yellow("kept"), run.run, run.name, run.why),
            paper.width,
            0,
        ));
    }
    let nothing = answer.runs.is_empty() && answer.experiments.is_empty() && answer.models.is_empty();
    let nothing = nothing && answer.pinned.is_empty() && answer.deleted_by_rule.is_empty();
    if answer.blobs > 0 {
        out.push_str(&format!("{} {} on the disk\n", paint::green("freed"), bytes(answer.freed)));
    } else if nothing {
        out.push_str("Nothing to collect: only what was deleted long enough ago goes (`--older-than`).\n");
    } else if answer.dry_run {
        out.push_str("Nothing was changed.\n");
    }
    out
}

/// `run storage`.
pub(crate) fn storage(answer: &StorageUse, paper: &Paper) -> String {
    let columns = [
        ("experiment", Side::Left),
        ("runs", Side::Right),
        ("points", Side::Right),
        ("files", Side::Right),
        ("bytes", Side::Right),
        ("deleted", Side::Right),
    ];
    let mut table = Table::new(&columns);
    for experiment in &answer.experiments {
        let Taken { runs, points, files, .. } = experiment.active;
        table.row(vec![
            title(experiment),
            thousands(runs),
            thousands(points),
            thousands(files),
            if experiment.elsewhere { "elsewhere".to_owned() } else { bytes(experiment.active.bytes) },
            gone(&experiment.gone),
        ]);
    }
    let mut out = table.render(paper.width);
    if answer.experiments.iter().any(|experiment| experiment.gone != Taken::default()) {
        out.push_str(&paint::dim("what was deleted goes for good by `remuda run collect`\n"));
    }
    out
}

fn title(experiment: &ExperimentStorage) -> String {
    let deleted = if experiment.deleted { " (deleted)" } else { "" };
    format!("{} {}{deleted}", experiment.experiment, experiment.name)
}

fn gone(taken: &Taken) -> String {
    if *taken == Taken::default() {
        return String::new();
    }
    format!("{}, {}", count(taken.runs, "run"), bytes(taken.bytes))
}
