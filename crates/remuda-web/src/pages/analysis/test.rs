//! `/test/{model}`: the behavioural tests of a candidate. The matrix of capabilities, each test, its failures with the
//! changed part marked.

use crate::components::{Frame, Page, Section, action, layout, parts, table, verdict};
use crate::format;
use maud::{Markup, html};
use remuda_app::analysis::{Answered, CapabilityRow, DefinedTests, Failure, PassRate, TestResult, TestState, Tested};
use remuda_model::behaviour::{Segment, TestType};
use remuda_model::gate::VerdictKind;
use remuda_model::text;

/// Tests that the page shows, and failures of all of them together.
const SHOWN: usize = 40;
const FAILURES_SHOWN: usize = 50;

/// The behavioural tests of a candidate.
pub fn page(frame: &Frame, view: &TestState) -> Markup {
    let short = view.model.short();
    let run = format!("remuda analysis test {short}");
    let body = html! {
        @for reason in view.stale.iter().take(6) {
            div.banner.warning { p.headline { (parts::backticks(reason)) } p { code { (run) } } }
        }
        @match &view.found {
            Some(found) => { (results(found, &run)) }
            None if view.files.is_empty() => {
                (parts::empty("No behavioural test yet. Write some in `tests/NAME.toml`: templates, changes, what must hold.", "remuda check"))
            }
            None => { (parts::empty("Never run on this candidate.", &run)) (files(&view.files)) }
        }
    };
    let page = Page {
        title: format!("Behavioural tests of {}", view.model_name),
        section: Section::Model,
        crumbs: vec![
            ("Models".to_owned(), "/model".to_owned()),
            (format!("{} {short}", view.model_name), format::address("model_version", view.model.as_str())),
        ],
        beside: html! {
            @if !view.files.is_empty() {
                (action::button(frame, "analysis", "test", "Run the tests", &[("candidate", view.model.as_str())]))
            }
        },
        lead: html! {
            @match &view.found {
                Some(found) => {
                    span { "by " b { (format::cut(&found.actor, 20)) } ", " (parts::time(frame.now, found.time)) }
                    @if let Some(version) = &found.version {
                        span { "rows of " (parts::digest_link("dataset_version", version.as_str())) ", never its holdout" }
                    }
                }
                None => span { "Rows that are written, filled in or changed on purpose, and what must hold of the answers." }
            }
        },
        commands: vec![run.clone(), format!("remuda analysis tested {short}")],
        body,
    };
    layout::page(frame, page)
}

fn results(found: &Tested, run: &str) -> Markup {
    let failing = found.tests.iter().filter(|test| !test.passed).count();
    let total = text::count(found.tests.len() as u64, "test");
    let sentence = match (failing, found.tests.len()) {
        (0, 1) => "✓ The test passes.".to_owned(),
        (0, _) => format!("✓ All {total} pass."),
        (1, _) => format!("✗ 1 of {total} fails."),
        (failing, _) => format!("✗ {failing} of {total} fail."),
    };
    html! {
        div class={ "banner " @if found.passed { "good" } @else { "bad" } } { p.headline { (sentence) } }
        (parts::section("matrix", "By capability", html! {}, html! {
            (matrix(&found.matrix))
            p.small.muted {
                "Intervals are one-sided, " (format::level(found.tests.first().map_or(0.95, |test| test.rate.confidence)))
                " each way, over base rows and templates: cases made of one of them are not independent."
            }
        }))
        (parts::section("tests", "Tests", parts::chip(&found.tests.len().to_string()), html! {
            @for (test, room) in found.tests.iter().zip(rooms(&found.tests)).take(SHOWN) { (one(test, room)) }
            (parts::left_out(found.tests.len(), SHOWN, run))
        }))
    }
}

/// How many failures of each test find room.
fn rooms(tests: &[TestResult]) -> Vec<usize> {
    let mut left = FAILURES_SHOWN;
    let mut room = |test: &TestResult| {
        let taken = test.failures.len().min(left);
        left -= taken;
        taken
    };
    tests.iter().map(&mut room).collect()
}

/// The tests by capability and type. (Reports show it too.)
pub(crate) fn matrix(rows: &[CapabilityRow]) -> Markup {
    let has = |kind: &TestType| rows.iter().any(|row| row.cells.iter().any(|cell| cell.kind == *kind));
    let kinds: Vec<TestType> = TestType::ALL.into_iter().filter(has).collect();
    let head = html! {
        th scope="col" { "capability" }
        @for kind in &kinds { th scope="col" { (kind.words()) } }
    };
    let body = html! {
        @for row in rows.iter().take(60) {
            tr {
                td.what.wide { b { (format::cut(&row.capability, 60)) } }
                @for kind in &kinds {
                    td.wide data-label=(kind.words()) {
                        @if let Some(cell) = row.cells.iter().find(|cell| cell.kind == *kind) {
                            (parts::mark(tone(cell.passing == cell.tests), &format!("{} of {} pass", cell.passing, cell.tests)))
                            " " (rate(&cell.rate))
                        }
                    }
                }
            }
        }
    };
    table::stacked("Capabilities", head, body)
}

fn tone(passes: bool) -> parts::Tone {
    if passes { parts::Tone::Good } else { parts::Tone::Bad }
}

/// `23 of 56 fail` and the share that passes with its interval.
fn rate(rate: &PassRate) -> Markup {
    html! {
        @if rate.cases == 0 { span.muted { "no case" } } @else {
            b { (format::maybe(rate.value)) }
            span.second {
                (text::thousands(rate.failures)) " of " (text::count(rate.cases, "case")) @if rate.failures == 1 { " fails" } @else { " fail" }
                ", " (format::interval(rate.lower, rate.upper))
            }
        }
    }
}

fn one(test: &TestResult, room: usize) -> Markup {
    let kind = if test.passed { VerdictKind::Met } else { VerdictKind::NotMet };
    html! {
        article.card.behaviour {
            h3 {
                (verdict::dot(kind)) " " (test.name) " "
                (parts::chip(&format::cut(&test.capability, 40))) " " (parts::chip(test.kind.words()))
            }
            @if !test.about.is_empty() { p { (format::cut(&test.about, 300)) } }
            @if let Some(problem) = &test.problem {
                p { (parts::mark(parts::Tone::Warning, "could not be run")) " " (parts::backticks(problem)) }
            } @else {
                p.small {
                    "Expected: " (format::cut(&test.expected, 300))
                    @if test.demanded < 1.0 { ", in " (format::percent(test.demanded)) " of the cases" }
                    ". " (text::thousands(test.rate.failures)) " of " (text::count(test.rate.cases, "case"))
                    @if test.rate.failures == 1 { " fails" } @else { " fail" } ": "
                    b { (format::maybe(test.rate.value)) } " " span.muted { (format::interval(test.rate.lower, test.rate.upper)) }
                    @if test.void > 0 { ". " (text::count(test.void, "change")) " changed nothing" }
                    "."
                }
                @if !test.failures.is_empty() { (failures(test, room)) }
            }
        }
    }
}

fn failures(test: &TestResult, room: usize) -> Markup {
    let total = test.rate.failures as usize;
    let scored = test.expected.contains("score");
    html! {
        ul.failures {
            @for failure in test.failures.iter().take(room) { (failed(failure, scored)) }
        }
        (parts::left_out(total, room, &format!("--test {}/{} --limit 20", test.file, test.name)))
    }
}

fn failed(failure: &Failure, scored: bool) -> Markup {
    html! {
        li {
            @if !failure.before.is_empty() { p.asked { span.label { "before" } " " (segments(&failure.before)) } }
            p.asked {
                span.label { @if failure.before.is_empty() { "asked" } @else { "after" } } " " (segments(&failure.after))
            }
            @if let Some(rest) = rest(failure) { p.small.muted { (format::cut(&rest, 200)) } }
            p.small {
                @if let Some(before) = &failure.answered_before { (answered(before, scored)) " → " }
                (answered(&failure.answered, scored))
                @if let Some(own) = failure.own_label.as_ref().filter(|own| failure.before.is_empty() && **own != failure.answered.label) {
                    span.muted { ", labelled " (format::cut(own, 60)) }
                }
                span.second {
                    (format::cut(&failure.unit, 160))
                    @if !failure.change.is_empty() { ": " (failure.change) }
                    @if !failure.column.is_empty() { " in " code { (format::cut(&failure.column, 60)) } }
                }
            }
        }
    }
}

/// The other columns of a row of which one whole value was changed: the change alone tells too little.
fn rest(failure: &Failure) -> Option<String> {
    let [Segment { changed: true, .. }] = failure.before.as_slice() else { return None };
    let value = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let others = failure.row.iter().filter(|(name, _)| **name != failure.column);
    let pairs: Vec<String> = others.take(20).map(|(name, one)| format!("{name} = {}", value(one))).collect();
    (!pairs.is_empty()).then(|| pairs.join(", "))
}

/// Changed parts are marked; for those who do not see colours they are underlined too.
fn segments(segments: &[Segment]) -> Markup {
    html! {
        @for segment in segments {
            @if segment.changed { mark { (segment.text) } } @else { (segment.text) }
        }
    }
}

fn answered(answer: &Answered, scored: bool) -> Markup {
    html! {
        b { (format::cut(&answer.label, 60)) }
        @if let (Some(of), Some(score)) = (&answer.of, answer.score) {
            " " span.muted { @if scored && *of != answer.label { (format::cut(of, 60)) " " } (format::measure(score)) }
        }
    }
}

fn files(files: &[DefinedTests]) -> Markup {
    let rows = html! {
        @for file in files.iter().take(60) {
            tr { td.what { code { "tests/" (file.name) ".toml" } } td { (format::cut(&file.about, 200)) } td.number { (file.tests) } }
        }
    };
    table::table("Files", table::heads(["file", "about", "#tests"]), rows)
}
