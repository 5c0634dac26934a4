//! Behavioural tests: the matrix of capabilities, each test, and its failures with the changed part marked.

use crate::render::layout::{cut, left, wrap};
use crate::render::table::{Side, Table};
use crate::render::words::{ago, estimate, percent};
use crate::render::{Paper, paint, short};
use remuda_app::analysis::{Answered, Failure, PassRate, TestResult, TestState, Tested};
use remuda_model::behaviour::Segment;
use remuda_model::gate::VerdictKind;
use remuda_model::text;

/// `analysis test`.
pub(crate) fn tested(answer: &Tested, paper: &Paper) -> String {
    let failing = answer.tests.iter().filter(|test| !test.passed).count();
    let total = text::count(answer.tests.len() as u64, "behavioural test");
    let headline = match (failing, answer.tests.len()) {
        (0, 1) => format!("{} 1 behavioural test passes", mark(true)),
        (0, _) => format!("{} all {total} pass", mark(true)),
        (failing, _) => format!("{} {failing} of {total} {}", mark(false), if failing == 1 { "fails" } else { "fail" }),
    };
    let subject = format!("on {} {}", answer.model_name, short(answer.model.as_str()));
    let mut out = format!("{headline} {}\n\n", paint::dim(&subject));
    out.push_str(&matrix(answer, paper));
    for test in &answer.tests {
        out.push('\n');
        out.push_str(&one(test, paper));
    }
    let units = "Intervals are one-sided, 95 % each way, over base rows and templates: cases made of one of them are not \
                 independent.";
    out.push_str(&format!("\n{}", paint::dim(&wrap(units, paper.width, 0))));
    if answer.repeated {
        let again = format!("The same tests ran on it {}: this is that answer.", ago(answer.time, paper.now));
        out.push_str(&paint::dim(&format!("{again}\n")));
    }
    out
}

/// `analysis tested`.
pub(crate) fn state(answer: &TestState, paper: &Paper) -> String {
    let run = format!("remuda analysis test {}", answer.model_name);
    let Some(found) = &answer.found else {
        if answer.files.is_empty() {
            return "No behavioural tests yet: write some in `tests/NAME.toml`.\n".to_owned();
        }
        let count: u64 = answer.files.iter().map(|file| file.tests).sum();
        let tests = text::count(count, "behavioural test");
        return format!("{tests} in `tests/`, never run on {}: {}\n", answer.model_name, paint::cyan(&run));
    };
    let mut out = tested(found, paper);
    for reason in &answer.stale {
        out.push_str(&wrap(&format!("{} {reason}; {}", paint::yellow("stale:"), paint::cyan(&run)), paper.width, 0));
    }
    out
}

fn mark(passed: bool) -> String {
    if passed { paint::green(VerdictKind::Met.icon()) } else { paint::red(VerdictKind::NotMet.icon()) }
}

/// One line for each capability and type: a matrix of intervals would not fit a terminal.
fn matrix(answer: &Tested, paper: &Paper) -> String {
    let columns = [
        ("capability", Side::Left),
        ("type", Side::Whole),
        ("tests", Side::Right),
        ("cases", Side::Right),
        ("fail", Side::Right),
        ("pass rate", Side::Whole),
    ];
    let mut table = Table::new(&columns);
    for row in &answer.matrix {
        for (place, cell) in row.cells.iter().enumerate() {
            let rate = &cell.rate;
            table.row(vec![
                if place == 0 { row.capability.clone() } else { String::new() },
                cell.kind.words().to_owned(),
                cell.tests.to_string(),
                text::thousands(rate.cases),
                text::thousands(rate.failures),
                format!("{} {}", mark(cell.passing == cell.tests), estimate(rate.value, rate.lower, rate.upper)),
            ]);
        }
    }
    table.render(paper.width)
}

/// `3 of 200 fail, 0.985 [0.96, 0.99]`.
fn failures(rate: &PassRate) -> String {
    if rate.cases == 0 {
        return "no case".to_owned();
    }
    let (failing, cases) = (text::thousands(rate.failures), text::thousands(rate.cases));
    let verb = if rate.failures == 1 { "fails" } else { "fail" };
    format!("{failing} of {cases} {verb}, {}", estimate(rate.value, rate.lower, rate.upper))
}

fn one(test: &TestResult, paper: &Paper) -> String {
    let name = format!("{}/{}", test.file, test.name);
    let kind = format!("{}, {}", test.capability, test.kind.words());
    let mut out = format!("{} {}  {}\n", mark(test.passed), paint::bold(&name), paint::dim(&kind));
    if !test.about.is_empty() {
        out.push_str(&wrap(&test.about, paper.width, 2));
    }
    if let Some(problem) = &test.problem {
        out.push_str(&wrap(&format!("{} {problem}", paint::yellow("could not be run:")), paper.width, 2));
        return out;
    }
    let demanded = if test.demanded < 1.0 { format!("; {} must pass", percent(test.demanded)) } else { String::new() };
    let void = match test.void {
        0 => String::new(),
        void => format!("; {} changed nothing", text::count(void, "change")),
    };
    let line = format!("{}: {}{demanded}{void}", test.expected, failures(&test.rate));
    out.push_str(&wrap(&line, paper.width, 2));
    for failure in &test.failures {
        out.push_str(&failed(failure, test, paper));
    }
    let hidden = test.rate.failures.saturating_sub(test.failures.len() as u64);
    if hidden > 0 && !test.failures.is_empty() {
        out.push_str(&paint::dim(&format!("    and {} more\n", text::thousands(hidden))));
    }
    out
}

fn failed(failure: &Failure, test: &TestResult, paper: &Paper) -> String {
    let label = |word: &str| paint::dim(&left(word, 7));
    let room = paper.width.saturating_sub(7);
    let block = |word: &str, text: &str| {
        let body = wrap(text, room, 0);
        let lines: Vec<String> = body
            .lines()
            .enumerate()
            .map(|(place, line)| format!("    {}{line}\n", if place == 0 { label(word) } else { label("") }))
            .collect();
        lines.concat()
    };
    let mut out = String::new();
    let column = if failure.column.is_empty() { String::new() } else { format!(" ({})", failure.column) };
    let what =
        if failure.change.is_empty() { failure.unit.clone() } else { format!("{}: {}", failure.unit, failure.change) };
    out.push_str(&wrap(&format!("{} {what}{column}", paint::red("-")), paper.width, 2));
    if !failure.before.is_empty() {
        out.push_str(&block("before", &marked(&failure.before)));
    }
    out.push_str(&block(if failure.before.is_empty() { "asked" } else { "after" }, &marked(&failure.after)));
    if let Some(rest) = rest(failure) {
        out.push_str(&format!("    {}{}\n", label("with"), paint::dim(&cut(&rest, room.saturating_sub(4)))));
    }
    let scored = test.expected.contains("score");
    let mut answer = match &failure.answered_before {
        Some(before) => format!("{} → {}", said(before, scored), said(&failure.answered, scored)),
        None => said(&failure.answered, scored),
    };
    if let Some(own) = failure.own_label.as_ref().filter(|_| test.expected.ends_with("row's own")) {
        answer.push_str(&format!(", not {own}"));
    }
    out.push_str(&block("said", &answer));
    out
}

/// The other columns of a row of which one whole value was changed: the change alone tells too little.
fn rest(failure: &Failure) -> Option<String> {
    let [Segment { changed: true, .. }] = failure.before.as_slice() else { return None };
    let value = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let others = failure.row.iter().filter(|(name, _)| **name != failure.column);
    let pairs: Vec<String> = others.map(|(name, one)| format!("{name} = {}", value(one))).collect();
    (!pairs.is_empty()).then(|| pairs.join(", "))
}

/// Changed parts stand in brackets, so that they are seen without colour too.
fn marked(segments: &[Segment]) -> String {
    let part = |segment: &Segment| {
        let flat = segment.text.replace(['\n', '\r', '\t'], " ");
        if !segment.changed {
            return flat;
        }
        // Each word is coloured by itself: a line may be broken between them.
        let words: Vec<String> = flat.split(' ').map(paint::yellow).collect();
        format!("[{}]", words.join(" "))
    };
    segments.iter().map(part).collect()
}

fn said(answer: &Answered, scored: bool) -> String {
    let score = answer.score.map(crate::render::words::figure);
    match (&answer.of, score) {
        (Some(of), Some(score)) if scored && *of != answer.label => format!("{} ({of} {score})", answer.label),
        (Some(_), Some(score)) => format!("{} {score}", answer.label),
        _ => answer.label.clone(),
    }
}
