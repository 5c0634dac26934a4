//! A run reproduced, restored, made a branch of; and what a snapshot holds and lacks.

use super::Paper;
use super::layout::wrap;
use super::paint;
use super::table::{Side, Table};
use super::words::bytes;
use remuda_app::run::reproduce::{Outcome, Reproduction};
use remuda_app::run::restore::{Branched, RestoredRun, missing};
use remuda_app::run::{CapturedDiff, Difference, RunState};
use remuda_model::run::captured::{Captured, OutputFile};
use remuda_model::text;
use std::path::Path;

/// How many lines of one kind are shown.
const SHOWN: usize = 20;

/// The lines of `run show` about what was captured, and what was not.
pub(crate) fn captured(state: &RunState, paper: &Paper) -> String {
    let Some(captured) = &state.snapshot.captured else { return String::new() };
    let mut out = String::new();
    let mut line = |name: &str, words: String| {
        if !words.is_empty() {
            out.push_str(&format!("  {name:<11}{}", wrap(&words, paper.width, 13).trim_start()));
        }
    };
    if let Some(code) = &captured.code {
        let files = text::count(code.files, "file");
        line("kept", format!("{files}, {} in the ledger's blobs, files {}", bytes(code.bytes), code.tree.short()));
    }
    line("python", python_words(captured));
    line("machine", hardware_words(captured));
    line("variables", pairs(captured.variables.iter().map(|(name, value)| format!("{name}={value}"))));
    let seeds = captured.seeds.iter().map(|seed| format!("{} {} ({})", seed.name, seed.value, seed.place));
    line("seeds seen", pairs(seeds));
    line(
        "data files",
        pairs(captured.data.iter().map(|file| format!("{} is {} {}", file.path, file.dataset, file.version.short()))),
    );
    line("repeats", captured.reproduces.clone().map(|run| format!("run {run}")).unwrap_or_default());
    line("repeated by", pairs(state.reproduced_by.iter().map(|run| format!("run {run}"))));
    out.push_str(&missing_lines(&missing(state)));
    out
}

fn pairs(all: impl Iterator<Item = String>) -> String {
    let all: Vec<String> = all.collect();
    let more = all.len().saturating_sub(SHOWN);
    let mut shown = all.into_iter().take(SHOWN).collect::<Vec<_>>().join(", ");
    if more > 0 {
        shown.push_str(&format!(" and {more} more"));
    }
    shown
}

fn python_words(captured: &Captured) -> String {
    let Some(python) = &captured.python else { return String::new() };
    let assumed = if python.assumed { "; the one on the path, not seen in the command" } else { "" };
    let locks = if captured.locks.is_empty() { String::new() } else { format!(", {}", captured.locks.join(", ")) };
    format!(
        "{} {}, {}{locks}{assumed}",
        python.implementation,
        python.version,
        text::count(python.package_count, "package")
    )
}

fn hardware_words(captured: &Captured) -> String {
    let of = |name: &str| captured.hardware.get(name).cloned();
    let cores = of("cores").map(|cores| format!("{cores} cores"));
    [of("processor"), cores, of("memory"), of("graphics"), of("system")]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(", ")
}

fn missing_lines(missing: &[String]) -> String {
    let mut out = String::new();
    for what in missing.iter().take(SHOWN) {
        out.push_str(&format!("  {} {what}\n", paint::yellow("not captured")));
    }
    if missing.len() > SHOWN {
        out.push_str(&format!("  {} and {} more\n", paint::yellow("not captured"), missing.len() - SHOWN));
    }
    out
}

/// The files that a run wrote.
pub(crate) fn outputs(files: &[OutputFile], paper: &Paper) -> String {
    let mut table = Table::new(&[("", Side::Left), ("", Side::Right), ("", Side::Left), ("", Side::Left)]).indent(2);
    for file in files.iter().take(SHOWN) {
        let digest = file.digest.as_ref().map_or("not read", |digest| digest.short()).to_owned();
        let kept = if file.blob.is_some() { "kept".to_owned() } else { String::new() };
        table.row(vec![file.path.clone(), bytes(file.bytes), digest, kept]);
    }
    let mut out = table.render(paper.width);
    if files.len() > SHOWN {
        out.push_str(&paint::dim(&format!("  and {} more: add `--json`\n", files.len() - SHOWN)));
    }
    out
}

/// The parts of `run diff` beyond code, parameters, data and metrics.
pub(crate) fn captured_diff(diff: &CapturedDiff, render: impl Fn(&str, &[Difference]) -> String) -> String {
    [
        ("Command", &diff.arguments),
        ("Python", &diff.python),
        ("Packages", &diff.packages),
        ("Variables", &diff.variables),
        ("Machine", &diff.hardware),
        ("Seeds seen", &diff.seeds),
        ("Files written", &diff.outputs),
    ]
    .into_iter()
    .map(|(title, rows)| render(title, rows))
    .collect()
}

/// One line before the command runs again.
pub(crate) fn rebuilt(original: &RunState, root: &Path) -> String {
    format!("Rebuilt run {} in {}; it runs again.\n", original.run, root.display())
}

/// `run reproduce`.
pub(crate) fn reproduction(found: &Reproduction, paper: &Paper) -> String {
    let verdict = match found.outcome {
        Outcome::Reproduced => paint::green("✓ reproduced"),
        Outcome::Unproven => paint::yellow("? not proved"),
        Outcome::Differs => paint::red("✗ differs"),
    };
    let mut out = format!("{verdict}  {} by run {}\n", paint::bold(&found.run), found.repeated);
    if let Some(ending) = &found.ending {
        out.push_str(&format!("  {} it ended {}, this time {}\n", paint::red("✗"), ending.left, ending.right));
    }
    let mark = |same: Option<bool>| match same {
        Some(true) => paint::green("✓"),
        Some(false) => paint::red("✗"),
        None => paint::dim("?"),
    };
    let mut table = Table::new(&[("", Side::Left), ("", Side::Left), ("", Side::Left)]).indent(2);
    for metric in found.metrics.iter().take(SHOWN) {
        let value = |value: Option<f64>| value.map_or_else(|| "none".to_owned(), |value| value.to_string());
        let words = format!("{} → {} (± {:e})", value(metric.recorded), value(metric.repeated), metric.tolerance);
        table.row(vec![mark(Some(metric.same)), metric.name.clone(), words]);
    }
    let mut checks: Vec<_> = found.outputs.iter().collect();
    checks.sort_by_key(|output| (output.same == Some(true), output.path.clone()));
    for output in checks.iter().take(SHOWN) {
        table.row(vec![mark(output.same), output.path.clone(), output.words.clone()]);
    }
    out.push_str(&table.render(paper.width));
    let hidden = found.outputs.len().saturating_sub(SHOWN) + found.metrics.len().saturating_sub(SHOWN);
    if hidden > 0 {
        out.push_str(&paint::dim(&format!("  and {hidden} more: add `--json`\n")));
    }
    if found.outputs.is_empty() && found.metrics.is_empty() {
        out.push_str("  There is nothing to compare: the run wrote no file and recorded no metric.\n");
    }
    if found.outcome == Outcome::Differs {
        out.push_str(&format!("\n{}\n", paint::bold("What could explain it")));
    }
    for part in &found.parts {
        let words = format!("{} {}: {}", mark(part.same), part.name, part.words);
        out.push_str(&format!("  {}", wrap(&words, paper.width, 6).trim_start()));
    }
    for note in &found.notes {
        out.push_str(&wrap(&format!("{} {note}", paint::yellow("note:")), paper.width, 2));
    }
    if found.outcome == Outcome::Unproven && !found.missing.is_empty() {
        out.push_str("  What could be compared is the same, but the snapshot lacks something:\n");
    }
    out.push_str(&missing_lines(&found.missing));
    if found.outcome == Outcome::Differs && found.parts.iter().all(|part| part.same != Some(false)) {
        out.push_str("  None of these differs: chance, time, the network or another process is left.\n");
    }
    if let Some(folder) = &found.folder {
        out.push_str(&format!("files: {}\n", folder.display()));
    }
    let next = format!("remuda run diff {} {}", found.run, found.repeated);
    out.push_str(&format!("{} {}\n", paint::cyan("next:"), paint::cyan(&next)));
    out
}

/// `run restore`.
pub(crate) fn restored(found: &RestoredRun, _paper: &Paper) -> String {
    let unchanged = match found.unchanged {
        0 => String::new(),
        count => format!(", {} there already", text::count(count, "file")),
    };
    let outputs = match found.outputs.len() {
        0 => String::new(),
        count => format!(", {}", text::count(count as u64, "output")),
    };
    let written = text::count(found.written, "file");
    let mut out =
        format!("{} {written} written to {}{unchanged}{outputs}\n", paint::green("✓"), found.folder.display());
    out.push_str(&missing_lines(&found.missing));
    out
}

/// `run branch`.
pub(crate) fn branched(made: &Branched, _paper: &Paper) -> String {
    let from = if made.from_packed { ", made of the packed files" } else { "" };
    let commit = made.commit.get(..10).unwrap_or(&made.commit);
    let switch = paint::cyan(&format!("git switch {}", made.branch));
    format!("{} branch {} at {commit}{from}\n{} {switch}\n", paint::green("✓"), made.branch, paint::cyan("next:"))
}
