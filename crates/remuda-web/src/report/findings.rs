//! The parts of a report that the gate does not decide: slices, behavioural tests, doubted labels, other models. Where
//! nobody has looked, the part says so and names the command.

use crate::components::{forest, parts, table, verdict};
use crate::format;
use crate::pages::analysis::test::matrix;
use maud::{Markup, html};
use remuda_app::analysis::{Doubted, FoundSlice, Sliced, TestResult, Tested};
use remuda_app::gate::ReportPage;
use remuda_model::Digest;
use remuda_model::gate::criterion::{Bound, Claim};
use remuda_model::gate::{Verdict, VerdictKind};
use remuda_model::text;

/// Slices and tests that a report shows.
const SHOWN: usize = 12;

/// One line each for the first screen: what stands further down, in plain words.
pub(super) fn in_short(view: &ReportPage) -> Markup {
    let found = &view.findings;
    html! {
        ul.in-short {
            li { a href="#slices" { "Where it fails" } ": " (slices_in_short(found.sliced.as_ref())) }
            li { a href="#behaviour" { "How it behaves" } ": " (tests_in_short(found.tested.as_ref())) }
            li { a href="#labels" { "Whether the labels are right" } ": " (labels_in_short(found.doubted.as_ref())) }
        }
    }
}

fn slices_in_short(sliced: Option<&Sliced>) -> Markup {
    let Some(sliced) = sliced else { return html! { "nobody has looked yet." } };
    let confirmed = sliced.slices.iter().filter(|slice| slice.confirmed).count();
    let loss = |slice: &FoundSlice| slice.inside.value.unwrap_or(0.0);
    let worst = sliced.slices.iter().filter(|slice| slice.confirmed).max_by(|one, two| loss(one).total_cmp(&loss(two)));
    html! {
        @match worst {
            Some(worst) => {
                (text::count(confirmed as u64, "group")) " of rows " @if confirmed == 1 { "is" } @else { "are" }
                " worse than the rest beyond what chance explains. The worst: " code { (format::cut(&worst.filter, 160)) } ", "
                (sliced.loss) " " b { (format::point(&worst.inside)) } " against " b { (format::maybe(worst.rest)) } "."
            }
            None => "no group of rows was shown to be worse than the rest.",
        }
    }
}

fn tests_in_short(tested: Option<&Tested>) -> Markup {
    let Some(tested) = tested else { return html! { "its behavioural tests were never run." } };
    let passing = tested.tests.iter().filter(|test| test.passed).count();
    html! { b { (passing) " of " (tested.tests.len()) } " behavioural tests pass." }
}

fn labels_in_short(doubted: Option<&Doubted>) -> Markup {
    let Some(doubted) = doubted else { return html! { "nobody has looked yet; all numbers here take them as right." } };
    html! {
        b { (format::percent(format::share(doubted.suspected, doubted.rows))) } " of the labels of " (doubted.split)
        " are in doubt; all numbers here take them as right."
    }
}

/// The worst slices with their intervals, as the half of the rows that the search has not seen has them.
pub(super) fn slices(view: &ReportPage) -> Markup {
    let command = format!("remuda analysis slices {}", view.model.digest.short());
    let body = match &view.findings.sliced {
        None => parts::empty("Nobody has searched for the rows on which this candidate is worst.", &command),
        Some(found) => found_slices(view, found),
    };
    parts::section("slices", "Where it fails most", html! {}, body)
}

fn found_slices(view: &ReportPage, found: &Sliced) -> Markup {
    let shown = &found.slices[..found.slices.len().min(SHOWN)];
    let scale = forest::Scale::over(shown.iter().map(|slice| &slice.inside).chain([&found.overall]));
    let confirmed = found.slices.iter().filter(|slice| slice.confirmed).count();
    html! {
        p {
            "The " (found.loss) " over all rows is " b { (format::point(&found.overall)) } " "
            span.muted { (format::interval(found.overall.lower, found.overall.upper)) } ". "
            @match &found.nothing {
                Some(nothing) => { "No group of rows stands out: " (nothing) "." }
                None => {
                    "Groups of rows with a greater one were looked for among " (text::thousands(found.searched)) " rows and checked on "
                    (text::thousands(found.overall.n)) " others: " b { (confirmed) " of " (found.slices.len()) } " are worse beyond what chance explains."
                }
            }
        }
        @if !shown.is_empty() {
            ol.forest {
                @for slice in shown { (slice_line(slice, &found.loss, scale.as_ref(), found.overall.value)) }
            }
            (parts::left_out(found.slices.len(), SHOWN, &format!("remuda analysis show {}", found.id)))
            p.small.muted {
                "The bar is the 95 % interval, the dashed line all rows. Not confirmed means that chance explains it too."
            }
        }
        (rests_on(view, &found.split, Some(&found.version), &format!("analysis {}", found.id)))
    }
}

fn slice_line(slice: &FoundSlice, loss: &str, scale: Option<&forest::Scale>, all: Option<f64>) -> Markup {
    html! {
        li class={ "card " (if slice.confirmed { "not-met" } else { "undecided" }) } {
            p.small {
                span.badge-word { @if slice.confirmed { "✗ confirmed" } @else { "· not confirmed" } }
                @if let Some(name) = &slice.name { " " (parts::chip(name)) }
            }
            code.filter { (format::cut(&slice.filter, 400)) }
            @if let Some(scale) = scale { (forest::row(scale, &slice.inside, all, loss)) }
            p.small {
                b { (format::point(&slice.inside)) } " "
                span.muted { (format::interval(slice.inside.lower, slice.inside.upper)) }
                " against " b { (format::maybe(slice.rest)) } " in the rest"
                @if let Some(within) = slice.within { " of slice " (within) }
                ", " (text::count(slice.rows, "row"))
            }
        }
    }
}

/// On which rows an analysis was made, and whether those are the rows of the evaluation's version.
fn rests_on(view: &ReportPage, split: &str, version: Option<&Digest>, what: &str) -> Markup {
    html! {
        p.small.muted {
            "Rows of " (split)
            @if split == "holdout" { ", which was charged as a look" }
            @match version {
                Some(version) if *version != view.version.digest => { " of another version of the data, " code { (version.short()) } }
                _ => {}
            }
            "; " (what) "."
        }
    }
}

/// The matrix of behavioural tests, and those that fail.
pub(super) fn behaviour(view: &ReportPage) -> Markup {
    let command = format!("remuda analysis test {}", view.model.digest.short());
    let body = match &view.findings.tested {
        None => parts::empty(
            "No behavioural test was run on this candidate: rows written or changed on purpose, and what must hold of the answers.",
            &command,
        ),
        Some(found) => html! {
            p {
                @let passing = found.tests.iter().filter(|test| test.passed).count();
                b { (passing) " of " (found.tests.len()) } " tests pass: rows that were written, filled in or changed on purpose, and what must hold of the answers."
            }
            (matrix(&found.matrix))
            (failing(&found.tests))
            @match &found.version {
                Some(version) => (rests_on(view, "validation or train, never of the holdout", Some(version), &format!("tests {}", found.id))),
                None => p.small.muted { "They read no row of the data; tests " (found.id) "." },
            }
        },
    };
    parts::section("behaviour", "How it behaves", html! {}, body)
}

fn failing(tests: &[TestResult]) -> Markup {
    let failing: Vec<&TestResult> = tests.iter().filter(|test| !test.passed).collect();
    html! {
        @if !failing.is_empty() {
            h3 { "Tests that fail" }
            ul.plain-list {
                @for test in failing.iter().take(SHOWN) {
                    li {
                        (verdict::dot(VerdictKind::NotMet)) " " b { (test.file) "/" (test.name) } ": "
                        @match &test.problem {
                            Some(problem) => { "could not be run: " (parts::backticks(problem)) }
                            None => {
                                (format::cut(&test.expected, 200)) "; " (text::thousands(test.rate.failures)) " of "
                                (text::count(test.rate.cases, "case")) " fail, "
                                (format::percent(test.demanded)) " must pass"
                            }
                        }
                        @if !test.about.is_empty() { span.second.muted { (format::cut(&test.about, 200)) } }
                    }
                }
            }
            (parts::left_out(failing.len(), SHOWN, "remuda analysis tested CANDIDATE"))
        }
    }
}

/// Labels that the candidate's probabilities speak against.
pub(super) fn labels(view: &ReportPage) -> Markup {
    let command = format!("remuda analysis labels {}", view.model.digest.short());
    let body = match &view.findings.doubted {
        None => parts::empty(
            "Nobody has asked whether the labels are right. Every number above takes them as the truth.",
            &command,
        ),
        Some(found) => html! {
            p {
                "Of " (text::count(found.rows, "label")) " of " (found.split) ", " b { (text::thousands(found.suspected)) " ("
                (format::percent(format::share(found.suspected, found.rows))) ")" }
                " are in doubt: the candidate, which has not learnt from these rows, is surer of another class than it usually is of that one. "
                "A doubt is no proof; somebody has to look."
            }
            @if !found.pairs.is_empty() { (pairs(found)) }
            (rests_on(view, &found.split, Some(&found.version), "confident learning (Northcutt, Jiang and Chuang 2021)"))
        },
    };
    parts::section("labels", "Whether the labels are right", html! {}, body)
}

fn pairs(found: &Doubted) -> Markup {
    let rows = html! {
        @for pair in found.pairs.iter().take(SHOWN) {
            tr {
                td { (format::cut(&pair.given, 60)) }
                td { (format::cut(&pair.suggested, 60)) }
                td.number { b { (text::thousands(pair.rows)) } }
            }
        }
    };
    table::table("Labels in doubt", table::heads(["labelled", "looks like", "#rows"]), rows)
}

/// The candidate beside the models that criteria name, on the same rows.
pub(super) fn comparison(view: &ReportPage) -> Markup {
    let verdicts = || view.evaluation.requirements.iter().flat_map(|one| &one.verdicts);
    let against: Vec<&Verdict> = verdicts().filter(|verdict| is_comparison(verdict)).collect();
    let rows = html! {
        @for one in against.iter().take(SHOWN) {
            tr {
                td.what.wide { code { (one.criterion) } @if let Some(slice) = &one.slice { " " (parts::chip(slice)) } }
                td.number { b { (format::maybe(one.estimate)) } }
                td.number.muted { (format::interval(one.lower, one.upper)) }
                td { (verdict::badge(one.kind)) }
            }
        }
    };
    let body = html! {
        @if against.is_empty() {
            (parts::empty(
                "No criterion holds it against another model. Row by row, on validation, two candidates are compared by",
                &format!("remuda analysis compare {} OTHER", view.model.digest.short()),
            ))
        } @else {
            p { "Both models answered the same rows, so luck with the rows falls out. Above 0 the metric is greater than the other model's." }
            (table::stacked("Comparisons", table::heads(["criterion", "#difference", "#interval", "verdict"]), rows))
            (parts::left_out(against.len(), SHOWN, "remuda gate show --json"))
            ul.plain-list.small {
                @for one in view.evaluation.compared.iter().take(SHOWN) { li { (one.reference) ": model " code { (one.model.short()) } } }
            }
        }
    };
    parts::section("comparison", "Against other models", html! {}, body)
}

/// Whether a criterion's bound is another model.
fn is_comparison(verdict: &Verdict) -> bool {
    let Ok(criterion) = remuda_model::gate::parse(&verdict.criterion) else { return false };
    matches!(criterion.claim, Claim::Holds { bound: Bound::Reference { .. }, .. })
}
