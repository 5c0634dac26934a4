//! The report of an evaluation as one HTML document: to read on the screen, to print, to send on. It holds no script and
//! loads nothing when its style is inside; it knows no clock, so the same evaluation gives the same bytes.
//!
//! The first screen is for a reader who knows no statistics: the verdict, and what it means in plain words. What follows
//! gives the evidence; what the gate does not decide is in `report/findings.rs`.

mod findings;

use crate::assets;
use crate::components::{curves, parts, table, verdict};
use crate::format;
use crate::pages::gate::matrix;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use remuda_app::gate::{ReportPage, RequirementWords};
use remuda_model::data::Split;
use remuda_model::gate::{Verdict, VerdictKind};
use remuda_model::text;

/// Where the document takes its style from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// From inside: the file stands alone.
    Inside,
    /// From this server.
    Linked,
}

/// Criteria that are drawn in full, and rows of tables: a report of a thousand slices stays readable.
const FULL: usize = 60;

/// The document.
pub fn document(view: &ReportPage, style: Style) -> Markup {
    let evaluation = &view.evaluation;
    let title = format!("Report of {} · {} · remuda", evaluation.model_name, view.product);
    html! {
        (DOCTYPE)
        html lang="en" data-theme="light" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="generator" content="remuda";
                title { (title) }
                @match style {
                    Style::Inside => style { (PreEscaped(assets::STYLE)) },
                    Style::Linked => link rel="stylesheet" href=(*assets::STYLE_ADDRESS);,
                }
            }
            body.report {
                main {
                    @if style == Style::Linked {
                        p.report-back { a href={ "/gate/" (format::segment(&evaluation.id)) } { "Back to the gate report" } }
                        (parts::command(&format!("remuda gate report {} -o report.html", evaluation.id)))
                    }
                    (first_screen(view))
                    (criteria(view))
                    (findings::comparison(view))
                    (findings::slices(view))
                    (findings::behaviour(view))
                    @if let Some(found) = &evaluation.curves {
                        (parts::section("scores", "What its scores are worth", html! {}, curves::all(found)))
                    }
                    @if let Some(confusion) = &evaluation.confusion { (matrix(confusion)) }
                    (findings::labels(view))
                    (judged(view))
                    (holdout(view))
                    (signatures(view))
                    (how_to_read())
                }
                footer.muted.small {
                    "Evaluation " code { (evaluation.id) } ", fact " code { (evaluation.fact) } ". Written by remuda from the ledger of "
                    (view.product) "; " code { "remuda gate report " (evaluation.id) } " writes it again, byte for byte."
                }
            }
        }
    }
}

fn verdicts(view: &ReportPage) -> impl Iterator<Item = &Verdict> {
    view.evaluation.requirements.iter().flat_map(|one| &one.verdicts)
}

fn first_screen(view: &ReportPage) -> Markup {
    let evaluation = &view.evaluation;
    html! {
        header.report-head {
            p.eyebrow { (view.product) " · gate report" }
            h1 { "May “" (evaluation.model_name) "” go live?" }
            (verdict::banner(evaluation.verdict, &answer(view)))
            p.report-lead {
                "Judged on " b { (text::count(evaluation.rows, "row")) } " of " b { (evaluation.dataset) }
                " that it has never seen, by " b { (evaluation.actor) } " on " (format::time(evaluation.time)) "."
            }
            ul.criteria.card {
                @for one in verdicts(view).take(12) { (verdict::line(one)) }
            }
            (parts::left_out(verdicts(view).count(), 12, "the next section has all"))
            (findings::in_short(view))
        }
        @for one in &view.requirements { (requirement(one)) }
    }
}

/// The verdict in one or two sentences for everybody.
fn answer(view: &ReportPage) -> String {
    let count = |kind| verdicts(view).filter(|verdict| verdict.kind == kind).count();
    let (met, not_met, undecided) =
        (count(VerdictKind::Met), count(VerdictKind::NotMet), count(VerdictKind::Undecided));
    let all = met + not_met + undecided;
    let waived = verdicts(view).filter(|verdict| verdict.kind != VerdictKind::Met && verdict.passes()).count();
    let mut words = match view.evaluation.verdict {
        VerdictKind::Met if all == 1 => {
            "Yes: its one criterion is met, with the certainty that was asked for.".to_owned()
        }
        VerdictKind::Met => format!("Yes: all {all} criteria are met, each with the certainty that was asked for."),
        VerdictKind::NotMet => format!("No: {not_met} of {all} criteria are surely not met."),
        VerdictKind::Undecided if all == 0 => "Nothing was shown: there is no criterion.".to_owned(),
        VerdictKind::Undecided => {
            format!(
                "Not yet: {undecided} of {all} criteria cannot be decided with the rows at hand. Undecided is no yes."
            )
        }
    };
    if waived > 0 {
        words.push_str(&format!(" The product owner lets {waived} of them pass for a while; see below."));
    }
    words
}

fn requirement(one: &RequirementWords) -> Markup {
    html! {
        section.block {
            header.block-head { h2 { "What the business wants: " (one.name) } }
            p.goal { (parts::backticks(&one.goal)) }
            @if !one.prose.is_empty() { div.prose { (crate::components::prose::markdown(&one.prose)) } }
            p.small.muted {
                (one.owner) " speaks for it."
                @if let Some(looks) = &one.looks { " Looks while labels arrive: " (looks.words()) "." }
            }
        }
    }
}

fn criteria(view: &ReportPage) -> Markup {
    let total = verdicts(view).count();
    parts::section(
        "criteria",
        "Each criterion against its threshold",
        html! {},
        html! {
            @for one in verdicts(view).take(FULL) { (verdict::full(one)) }
            (parts::left_out(total, FULL, "remuda gate show --json"))
        },
    )
}

fn judged(view: &ReportPage) -> Markup {
    let (evaluation, model, version) = (&view.evaluation, &view.model, &view.version);
    let split = |split: Split| text::thousands(version.split_rows[split as usize]);
    let features = model.signature.features.iter().take(30).map(|feature| feature.name.as_str()).collect::<Vec<_>>();
    let more = model.signature.features.len().saturating_sub(30);
    let algorithm = model.algorithm.as_ref().map_or_else(|| "made elsewhere".to_owned(), |one| one.as_str().to_owned());
    parts::section(
        "judged",
        "What was judged",
        html! {},
        html! {
            (parts::facts([
                ("candidate", html! { b { (model.name) } " " code { (model.digest.as_str()) } }),
                ("kind", html! { (algorithm) ", runs on " (model.engine.as_str()) ", " (format::bytes(model.bytes)) }),
                ("predicts", html! { code { (model.signature.label) } " from " (features.join(", ")) @if more > 0 { " and " (more) " more" } }),
                ("data", html! { (version.dataset) " " code { (version.digest.as_str()) } ", from " (version.source) }),
                ("rows", html! { (split(Split::Train)) " to train, " (split(Split::Validation)) " to choose, " (split(Split::Holdout)) " to decide" }),
                ("code", match view.snapshot.as_ref().and_then(|snapshot| snapshot.commit.as_ref()) {
                    Some(commit) => html! { "commit " code { (commit) } ", run " (model.run) },
                    None => html! { "no commit is known; run " (model.run) },
                }),
            ]))
            @if !view.parameters.is_empty() {
                p.small.muted {
                    "Parameters: "
                    @for (index, (name, value)) in view.parameters.iter().take(40).enumerate() {
                        @if index > 0 { ", " } (name) " = " (value.to_string())
                    }
                }
            }
            @if !evaluation.compared.is_empty() {
                p { "Compared, on the same rows, with:" }
                ul.plain-list { @for one in &evaluation.compared { li { (one.reference) ", model " code { (one.model.as_str()) } } } }
            }
        },
    )
}

fn holdout(view: &ReportPage) -> Markup {
    let evaluation = &view.evaluation;
    let spent = evaluation.spent.saturating_add(evaluation.charge);
    let rows = html! {
        @for look in view.looks.iter().take(FULL) {
            tr {
                td { (format::time(look.time)) }
                td { (look.actor) }
                td { (look.revealed) }
                td { (look.purpose) }
                td.number { @if look.retired { "retired" } @else { (look.charge) } }
            }
        }
    };
    parts::section(
        "holdout",
        "How often the deciding rows were asked",
        html! {},
        html! {
            p {
                "Whoever asks often enough gets a yes by luck, so each look is counted: " b { (spent) " of " (evaluation.budget) }
                " are spent, and each of them decides more strictly for it. This was submission " (evaluation.look) "."
            }
            (table::table("Looks at the holdout", table::heads(["when", "who", "saw", "for", "#charge"]), rows))
        },
    )
}

fn signatures(view: &ReportPage) -> Markup {
    let rows = html! {
        @for one in view.signatures.iter().take(FULL) {
            tr {
                td { b { (one.kind.as_str()) } }
                td { (one.member) }
                td { (format::time(one.time)) }
                td {
                    @match &one.waived {
                        Some(waived) => { "lets " code { (waived.criterion) } " pass until " (waived.until) ": " (one.remark) },
                        None => { (independence(&one.independence)) @if !one.remark.is_empty() { ": " (one.remark) } },
                    }
                }
            }
        }
    };
    parts::section(
        "signatures",
        "Who has signed this evidence",
        html! {},
        html! {
            @if view.signatures.is_empty() { p.muted { "Nobody yet." } }
            @else { (table::table("Signatures", table::heads(["what", "who", "when", ""]), rows)) }
        },
    )
}

fn independence(found: &remuda_model::team::Independence) -> String {
    use remuda_model::team::Independence;
    match found {
        Independence::Independent => "did none of this work".to_owned(),
        Independence::Solo => "a team of one".to_owned(),
        Independence::Contributed(work) => format!("not independent: {}", text::list(work)),
    }
}

fn how_to_read() -> Markup {
    parts::section(
        "reading",
        "How to read this",
        html! {},
        html! {
            dl.glossary {
                dt { "Met, not met, undecided" }
                dd { "A number from some rows is never the truth about all rows; the interval says how far it may be off. Met: the whole interval is on the good side of the threshold. Not met: the whole interval is on the bad side. Undecided: the threshold lies inside, and more labelled rows are needed." }
                dt { "n" }
                dd { "The rows that carry the number. For recall these are the rows that really are of the class." }
                dt { "Sure" }
                dd { "How rarely a criterion that does not hold would be called met. 95 % sure: at most once in twenty tries, all looks at the holdout taken together." }
                dt { "Slice, confirmed" }
                dd { "A group of rows that one condition or a few pick out. It is confirmed when rows that the search has not seen are worse there too: with a chance of at most 5 %, all groups of the list taken together, any of them is so by luck." }
                dt { "Behavioural test" }
                dd { "Rows written or changed on purpose, where everybody agrees what the answer must do. Its interval counts base rows and templates, since cases made of one of them stand and fall together." }
                dt { "Waiver" }
                dd { "The product owner bears that a criterion is not met, until a day. It changes no verdict." }
            }
        },
    )
}
