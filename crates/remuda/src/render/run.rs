//! Runs: lists, one in full, two side by side, and the lines while one goes.

use super::Paper;
use super::layout::wrap;
use super::model::metric_table;
use super::paint;
use super::run_again;
use super::table::{Side, Table};
use super::words::{ago, bytes, duration, metric, moment};
use remuda_app::run::{Difference, FileDifference, List, RunDiff, RunState, Runs};
use remuda_model::Digest;
use remuda_model::run::{MetricValue, RunStatus, StepOutcome, StepResult};
use remuda_model::text;

/// How many rows a table of differences shows.
const SHOWN_ROWS: usize = 40;

/// `run list`.
pub(crate) fn list(answer: &Runs, asked: &List, paper: &Paper) -> String {
    if answer.runs.is_empty() && asked.filter.is_some() {
        return "No run fits this filter.\n".to_owned();
    }
    if answer.runs.is_empty() && asked.deleted {
        return "No run is deleted.\n".to_owned();
    }
    if answer.runs.is_empty() && (asked.experiment.is_some() || asked.before.is_some()) {
        return "No run here: `remuda run experiments` lists the experiments.\n".to_owned();
    }
    if answer.runs.is_empty() {
        return "No runs yet: `remuda run`, or `remuda run -- COMMAND`.\n".to_owned();
    }
    let mut out = match &asked.select {
        Some(select) => super::runs::selected(&answer.runs, select, paper),
        None => runs(&answer.runs, paper, 0),
    };
    if let Some(total) = answer.total {
        out.push_str(&format!("{} in all\n", text::count(total, "run")));
    }
    if let (true, Some(last)) = (answer.more, answer.runs.last()) {
        let flags = super::runs::flags(asked);
        let what = if asked.order_by.is_some() { "the next ones" } else { "older ones" };
        out.push_str(&paint::dim(&format!("{what}: remuda run list --before {}{flags}\n", last.run)));
    }
    out
}

/// Runs as a table.
pub(crate) fn runs(states: &[RunState], paper: &Paper, indent: usize) -> String {
    let columns = [
        ("run", Side::Whole),
        ("status", Side::Whole),
        ("best", Side::Whole),
        ("took", Side::Right),
        ("when", Side::Whole),
        ("who", Side::Left),
        ("what", Side::Left),
    ];
    let mut table = Table::new(&columns).indent(indent);
    for state in states {
        let what =
            if state.note.is_empty() { state.command.clone() } else { format!("{} ({})", state.command, state.note) };
        table.row(vec![
            state.run.clone(),
            status_word(state.status),
            best(&state.metrics).map(best_words).unwrap_or_default(),
            took(state),
            ago(state.started, paper.now),
            state.actor.clone(),
            paint::dim(&what),
        ]);
    }
    table.render(paper.width)
}

/// `run show`.
pub(crate) fn show(state: &RunState, paper: &Paper) -> String {
    let mut out = format!("{}  {}  {}\n", status_word(state.status), paint::bold(&state.run), state.command);
    if !state.note.is_empty() {
        out.push_str(&wrap(&state.note, paper.width, 2));
    }
    let took = took(state);
    let took = if took.is_empty() { String::new() } else { format!(", took {took}") };
    out.push_str(&format!(
        "  by {}, {} ({}){took}\n",
        state.actor,
        ago(state.started, paper.now),
        moment(state.started)
    ));
    if let Some(code) = state.exit_code {
        out.push_str(&format!("  exit code {code}\n"));
    }
    if !state.failure.is_empty() {
        for line in state.failure.lines() {
            out.push_str(&format!("  {} {line}\n", paint::red("│")));
        }
    }
    out.push_str(&code_lines(state));
    out.push_str(&data_lines(state));
    out.push_str(&run_again::captured(state, paper));
    out.push_str(&super::runs::family_lines(state));
    if !state.steps.is_empty() {
        out.push_str(&format!("\n{}\n{}", paint::bold("Steps"), steps(&state.steps, paper)));
    }
    if !state.metrics.is_empty() {
        out.push_str(&format!("\n{}\n{}", paint::bold("Metrics"), metric_table(&state.metrics, paper)));
    }
    if !state.models.is_empty() {
        out.push_str(&format!("\n{}\n", paint::bold("Models")));
        let columns = [("", Side::Left), ("", Side::Left), ("", Side::Right), ("", Side::Left)];
        let mut table = Table::new(&columns).indent(2);
        for model in &state.models {
            let data = trained_on(state, model.trained_on.as_ref());
            table.row(vec![model.name.clone(), model.digest.short().to_owned(), bytes(model.bytes), data]);
        }
        out.push_str(&table.render(paper.width));
    }
    if !state.outputs.is_empty() {
        out.push_str(&format!("\n{}\n{}", paint::bold("Files written"), run_again::outputs(&state.outputs, paper)));
    }
    if !state.parameters.is_empty() {
        out.push_str(&format!("\n{}\n", paint::bold("Parameters")));
        let mut table = Table::new(&[("", Side::Left), ("", Side::Left)]).indent(2);
        for (name, value) in &state.parameters {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            table.row(vec![name.clone(), value]);
        }
        out.push_str(&table.render(paper.width));
    }
    out
}

/// Dataset and version that a model was trained on: no number stands without its rows.
fn trained_on(state: &RunState, version: Option<&Digest>) -> String {
    let Some(version) = version else { return "trained on data that nothing names".to_owned() };
    let dataset = state.data.iter().find(|seen| seen.version == *version).map(|seen| format!("{} ", seen.dataset));
    format!("trained on {}{}", dataset.unwrap_or_default(), version.short())
}

/// One line for each dataset version that the run's models were trained on.
fn data_lines(state: &RunState) -> String {
    state.data.iter().map(|seen| format!("  data       {} {}\n", seen.dataset, seen.version.short())).collect()
}

/// Each dataset of which the runs saw other versions, and the command that compares these.
fn data_differences(rows: &[Difference]) -> String {
    let side = |text: &str| if text.is_empty() { "none".to_owned() } else { text.to_owned() };
    let mut out = String::new();
    for row in rows {
        out.push_str(&format!("\n{} {}: {} → {}\n", paint::bold("data"), row.name, side(&row.left), side(&row.right)));
        let single = |text: &str| !text.is_empty() && !text.contains(',');
        if single(&row.left) && single(&row.right) {
            out.push_str(&format!("  {}\n", paint::cyan(&format!("remuda data diff {} {}", row.left, row.right))));
        }
    }
    out
}

fn code_lines(state: &RunState) -> String {
    let snapshot = &state.snapshot;
    let Some(commit) = &snapshot.commit else { return String::new() };
    let short = |commit: &str| commit.get(..10).unwrap_or(commit).to_owned();
    let mut out = format!("  code       {}", short(commit));
    if let Some(parent) = &snapshot.parent {
        let branch = snapshot.branch.as_ref().map(|branch| format!(" ({branch})")).unwrap_or_default();
        let changed = match snapshot.changed_files {
            0 => "as committed".to_owned(),
            count => format!("{} changed or new", text::count(count, "file")),
        };
        out.push_str(&format!(", {changed} on {}{branch}", short(parent)));
    }
    out.push('\n');
    // With packed files, what they lack is said at the end.
    for (path, size) in snapshot.left_out.iter().filter(|_| snapshot.captured.is_none()) {
        out.push_str(&format!("  {} {path} ({})\n", paint::yellow("left out"), bytes(*size)));
    }
    out
}

/// What `remuda run` answers at its end.
pub(crate) fn finished(state: &RunState, paper: &Paper) -> String {
    let mut out = ended(state, paper);
    // Steps name their metrics before a slash; the first metric of each step is what people compare.
    let mut table =
        Table::new(&[("model", Side::Left), ("", Side::Left), ("on validation", Side::Left), ("n", Side::Right)])
            .indent(2);
    let mut seen: Vec<&str> = Vec::new();
    for value in &state.metrics {
        let (step, name) = value.name.split_once('/').unwrap_or(("", &value.name));
        if seen.contains(&step) {
            continue;
        }
        seen.push(step);
        table.row(vec![step.to_owned(), paint::dim(name), metric(value), text::thousands(value.n)]);
    }
    out.push_str(&table.render(paper.width));
    if let Some(model) = most_promising(state)
        && state.status == RunStatus::Finished
    {
        out.push_str(&format!("{} {}\n", paint::cyan("next:"), paint::cyan(&format!("remuda gate evaluate {model}"))));
    }
    out
}

/// The model whose first metric on validation is the best of this run.
fn most_promising(state: &RunState) -> Option<&str> {
    let first = |name: &str| {
        state.metrics.iter().find(|metric| metric.name.split_once('/').is_some_and(|(step, _)| step == name))
    };
    let worth = |name: &str| {
        let Some(metric) = first(name) else { return f64::NEG_INFINITY };
        let smaller_is_better = ["mae", "rmse", "log loss"].iter().any(|known| metric.name.ends_with(known));
        let value = metric.value.unwrap_or(f64::NEG_INFINITY);
        if smaller_is_better { -value } else { value }
    };
    let names = state.models.iter().map(|model| model.name.as_str());
    names.max_by(|left, right| worth(left).total_cmp(&worth(right)))
}

/// One line: how a run ended.
pub(crate) fn ended(state: &RunState, _paper: &Paper) -> String {
    let took = took(state);
    let took = if took.is_empty() { took } else { format!(" in {took}") };
    format!("{} run {}{took}\n", status_word(state.status), state.run)
}

/// One line: that a run began, and where its page is.
pub(crate) fn begun(run: &str, page: &str) -> String {
    format!("Run {}  {}", paint::bold(run), paint::cyan(page))
}

/// One line: how a step ended.
pub(crate) fn step_line(result: &StepResult, paper: &Paper) -> String {
    let (icon, words) = outcome_words(result);
    let line = wrap(&format!("{}: {words}", paint::bold(&result.step)), paper.width, 4);
    format!("  {icon} {}", line.trim_start())
}

/// A line that a step printed.
pub(crate) fn output_line(line: &str) -> String {
    format!("  {} {line}\n", paint::dim("│"))
}

fn steps(steps: &[StepResult], paper: &Paper) -> String {
    let mut table = Table::new(&[("", Side::Left), ("", Side::Left), ("", Side::Left)]).indent(2);
    for step in steps {
        let (icon, words) = outcome_words(step);
        table.row(vec![icon, step.step.clone(), words]);
    }
    table.render(paper.width)
}

fn outcome_words(result: &StepResult) -> (String, String) {
    match result.outcome {
        StepOutcome::Ran => (paint::green("✓"), paint::dim(&format!("ran in {}", duration(result.seconds)))),
        StepOutcome::Skipped => (paint::dim("–"), paint::dim(&format!("skipped: {}", result.note))),
        StepOutcome::Failed => (paint::red("✗"), paint::red(&format!("failed: {}", result.note))),
    }
}

/// `run diff`.
pub(crate) fn diff(diff: &RunDiff, paper: &Paper) -> String {
    let mut out = String::new();
    for state in [&diff.left, &diff.right] {
        out.push_str(&format!(
            "{}  {}  {} by {}, {}\n",
            paint::bold(&state.run),
            status_word(state.status),
            state.command,
            state.actor,
            ago(state.started, paper.now)
        ));
    }
    out.push_str(&data_differences(&diff.data));
    if !diff.metrics.is_empty() {
        let columns = [("metric", Side::Left), ("left", Side::Left), ("right", Side::Left), ("", Side::Left)];
        let mut table = Table::new(&columns).indent(2);
        for row in &diff.metrics {
            let side = |value: &Option<MetricValue>| value.as_ref().map(metric).unwrap_or_else(|| "–".to_owned());
            let apart = if row.apart { paint::yellow("apart") } else { String::new() };
            table.row(vec![row.name.clone(), side(&row.left), side(&row.right), apart]);
        }
        out.push_str(&format!("\n{}\n{}", paint::bold("Metrics"), table.render(paper.width)));
        out.push_str(&paint::dim("  apart: the intervals do not overlap; the gate compares row by row\n"));
    }
    out.push_str(&differences("Parameters", &diff.parameters, paper));
    out.push_str(&differences("Environment", &diff.environment, paper));
    out.push_str(&run_again::captured_diff(&diff.captured, |title, rows| differences(title, rows, paper)));
    if diff.files.is_empty() {
        out.push_str("\nThe code is the same.\n");
    }
    for file in &diff.files {
        out.push_str(&file_difference(file));
    }
    out
}

fn differences(title: &str, rows: &[Difference], paper: &Paper) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&[("name", Side::Left), ("left", Side::Left), ("right", Side::Left)]).indent(2);
    let side = |text: &str| if text.is_empty() { "–".to_owned() } else { text.to_owned() };
    for row in rows.iter().take(SHOWN_ROWS) {
        table.row(vec![row.name.clone(), side(&row.left), side(&row.right)]);
    }
    let more = match rows.len().saturating_sub(SHOWN_ROWS) {
        0 => String::new(),
        more => paint::dim(&format!("  and {more} more: add `--json`\n")),
    };
    format!("\n{}\n{}{more}", paint::bold(title), table.render(paper.width))
}

fn file_difference(file: &FileDifference) -> String {
    let kind = match file.kind.as_str() {
        "added" => paint::green("added"),
        "removed" => paint::red("removed"),
        other => paint::yellow(other),
    };
    let mut out = format!("\n{kind} {}\n", paint::bold(&file.path));
    for line in file.diff.lines() {
        let painted = match line.as_bytes().first() {
            Some(b'+') => paint::green(line),
            Some(b'-') => paint::red(line),
            Some(b'@') => paint::cyan(line),
            _ => line.to_owned(),
        };
        out.push_str(&format!("  {painted}\n"));
    }
    out
}

/// Icon, word, colour.
pub(crate) fn status_word(status: RunStatus) -> String {
    match status {
        RunStatus::Running => paint::cyan("● running"),
        RunStatus::Finished => paint::green("✓ finished"),
        RunStatus::Failed => paint::red("✗ failed"),
    }
}

fn took(state: &RunState) -> String {
    let Some(ended) = state.ended else { return String::new() };
    duration(ended.saturating_sub(state.started) as f64 / 1e6)
}

/// The metric without its step: the run's page tells which.
fn best_words(best: &MetricValue) -> String {
    format!("{} {}", best.name.rsplit('/').next().unwrap_or_default(), metric(best))
}

/// The metric that people compare runs by: the greatest first metric among the steps.
fn best(metrics: &[MetricValue]) -> Option<&MetricValue> {
    let first = metrics.first()?;
    let name = |metric: &MetricValue| metric.name.rsplit('/').next().unwrap_or_default().to_owned();
    let wanted = name(first);
    let parsed = remuda_model::gate::parse(&format!("{wanted} >= 0"));
    let greater = parsed.ok().and_then(|criterion| match criterion.claim {
        remuda_model::gate::criterion::Claim::Holds { quantity, .. } => quantity.greater_is_better(),
        remuda_model::gate::criterion::Claim::EveryTest { .. } => None,
    });
    let same = metrics.iter().filter(|metric| name(metric) == wanted && metric.value.is_some());
    let by = |left: &&MetricValue, right: &&MetricValue| {
        left.value.unwrap_or(f64::NAN).total_cmp(&right.value.unwrap_or(f64::NAN))
    };
    match greater {
        Some(false) => same.min_by(by),
        _ => same.max_by(by),
    }
}
