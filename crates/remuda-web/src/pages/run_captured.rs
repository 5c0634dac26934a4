//! What a run's snapshot holds and lacks, and what the run wrote: parts of `/run/{id}` and of the comparison.

use crate::components::{parts, table};
use crate::format;
use maud::{Markup, html};
use remuda_app::run::restore::missing;
use remuda_app::run::{CapturedDiff, Difference, RunState};
use remuda_model::run::captured::Captured;
use remuda_model::text;

/// How many lines of one kind a page shows.
const SHOWN: usize = 20;

/// The commands that do what the page shows.
pub(super) fn commands(run: &RunState) -> Vec<String> {
    let mut commands = vec![format!("remuda run show {}", run.run), format!("remuda run diff {}", run.run)];
    if run.snapshot.captured.as_ref().is_some_and(|captured| captured.code.is_some()) {
        commands.push(format!("remuda run reproduce {}", run.run));
        commands.push(format!("remuda run restore {}", run.run));
    }
    commands
}

/// What was captured, and what not.
pub(super) fn captured(run: &RunState) -> Markup {
    let Some(captured) = &run.snapshot.captured else { return html! {} };
    let missing = missing(run);
    let lines = |all: Vec<String>| {
        html! { @for line in all.iter().take(SHOWN) { div { (format::cut(line, 160)) } } @if all.len() > SHOWN { span.muted { "and " (all.len() - SHOWN) " more" } } }
    };
    let seeds = captured.seeds.iter().map(|seed| format!("{} {}, {}", seed.name, seed.value, seed.place)).collect();
    let data = html! {
        @for file in captured.data.iter().take(SHOWN) {
            div { code { (format::cut(&file.path, 60)) } " is " (file.dataset) " " (parts::digest_link("dataset_version", file.version.as_str())) }
        }
    };
    html! {
        (parts::facts([
            ("kept", html! { @match &captured.code {
                Some(code) => { (text::count(code.files, "file")) ", " (format::bytes(code.bytes)) " " (parts::digest(code.tree.as_str())) }
                None => "–",
            } }),
            ("python", parts::text(python(captured))),
            ("machine", parts::text(machine(captured))),
            ("data files", html! { @if captured.data.is_empty() { "–" } @else { (data) } }),
            ("seeds seen", html! { @if captured.seeds.is_empty() { "none; there may be some" } @else { (lines(seeds)) } }),
            ("repeats", html! { @match &captured.reproduces { Some(run) => a href=(format::address("run", run)) { (run) }, None => "–" } }),
            ("repeated by", html! {
                @if run.reproduced_by.is_empty() { "–" }
                @for run in run.reproduced_by.iter().take(SHOWN) { a href={ "/run/" (format::segment(run)) } { (run) } " " }
            }),
        ]))
        @if missing.is_empty() {
            p { (parts::mark(parts::Tone::Good, "✓ complete")) " Nothing that is looked for is missing." }
        } @else {
            p { (parts::mark(parts::Tone::Warning, "not captured")) }
            ul.plain-list {
                @for what in missing.iter().take(SHOWN) { li { (format::cut(what, 160)) } }
                @if missing.len() > SHOWN { li.muted { "and " (missing.len() - SHOWN) " more" } }
            }
        }
        @if !captured.variables.is_empty() {
            details { summary { "variables" }
                dl.facts { @for (name, value) in captured.variables.iter().take(60) { div { dt { (name) } dd { code { (format::cut(value, 120)) } } } } } }
        }
    }
}

fn python(captured: &Captured) -> String {
    let Some(python) = &captured.python else { return "–".to_owned() };
    let assumed = if python.assumed { " (the one on the path)" } else { "" };
    let locks = if captured.locks.is_empty() { String::new() } else { format!(", {}", captured.locks.join(", ")) };
    let packages = text::count(python.package_count, "package");
    format::cut(&format!("{} {}, {packages}{locks}{assumed}", python.implementation, python.version), 160).to_string()
}

fn machine(captured: &Captured) -> String {
    let of = |name: &str| captured.hardware.get(name).cloned();
    let cores = of("cores").map(|cores| format!("{cores} cores"));
    let known = [of("processor"), cores, of("memory"), of("graphics"), of("system")];
    known.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// The files that the run wrote.
pub(super) fn outputs(run: &RunState) -> Markup {
    let rows = html! {
        @for output in run.outputs.iter().take(100) {
            tr {
                td.what.wide { code { (format::cut(&output.path, 120)) } @if output.blob.is_some() { " " (parts::chip("kept")) } }
                td.number { (format::bytes(output.bytes)) }
                td.end { @match &output.digest { Some(digest) => (parts::digest(digest.as_str())), None => span.muted { "not read" } } }
            }
        }
    };
    html! {
        @if !run.outputs.is_empty() {
            (parts::section("outputs", "Files written", parts::chip(&run.outputs.len().to_string()), html! {
                (table::stacked("Files written", table::heads(["file", "#size", "digest"]), rows))
                (parts::left_out(run.outputs.len(), 100, &format!("remuda run show {} --json", run.run)))
            }))
        }
    }
}

/// Whether Python, packages, variables and machine are the same, as far as both runs say.
pub(super) fn same_environment(diff: &CapturedDiff) -> bool {
    [&diff.python, &diff.packages, &diff.variables, &diff.hardware].into_iter().all(Vec::is_empty)
}

/// The tables of a comparison beyond code, data, parameters and metrics.
pub(super) fn differences(diff: &CapturedDiff) -> [(&'static str, &'static str, &[Difference]); 7] {
    [
        ("command", "Command", &diff.arguments),
        ("python", "Python", &diff.python),
        ("packages", "Packages", &diff.packages),
        ("variables", "Variables", &diff.variables),
        ("machine", "Machine", &diff.hardware),
        ("seeds", "Seeds seen", &diff.seeds),
        ("written", "Files written", &diff.outputs),
    ]
}
