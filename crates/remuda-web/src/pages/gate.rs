//! `/gate` and `/gate/{id}`: evaluations, and the report of one: verdicts, what they rest on, what deciding costs.

use crate::components::{Frame, Page, Section, action, chart, layout, parts, table as tables, verdict};
use crate::format;
use maud::{Markup, html};
use remuda_app::gate::{Evaluation, EvaluationSummary, Evaluations, RequirementVerdicts};
use remuda_model::analysis::Confusion;
use remuda_model::gate::{Verdict, VerdictKind};
use remuda_model::text;

/// Classes of a confusion matrix that a page can show.
const CLASSES: usize = 12;
/// Criteria drawn in full, and those that follow in one line each.
const FULL: usize = 16;
const LINES: usize = 30;

/// Evaluations, newest first.
pub fn list(frame: &Frame, view: &Evaluations) -> Markup {
    let shown = &view.evaluations[..view.evaluations.len().min(100)];
    let body = html! {
        @if shown.is_empty() {
            (parts::empty("No candidate was evaluated yet. Each evaluation is a look at the holdout and is paid for.", "remuda gate evaluate MODEL"))
        }
        @else { (table(frame, shown)) (parts::left_out(view.evaluations.len(), shown.len(), "remuda gate list")) }
    };
    let page = Page {
        title: "Gate".to_owned(),
        section: Section::Gate,
        crumbs: Vec::new(),
        beside: html! {},
        lead: html! { span { "Candidates against criteria: met, not met, or undecided with its price." } },
        commands: vec!["remuda gate list".to_owned()],
        body,
    };
    layout::page(frame, page)
}

/// Evaluations as a table. (Requirements, models and releases show it too.)
pub(crate) fn table(frame: &Frame, evaluations: &[EvaluationSummary]) -> Markup {
    let rows = html! {
        @for one in evaluations.iter().take(100) {
            tr {
                td {
                    a.plain href=(format::address("evaluation", &one.id)) { (verdict::badge(one.verdict)) }
                    span.second { (parts::digest_link("evaluation", &one.id)) }
                }
                td.end {
                    a href=(format::address("model_version", one.model.as_str())) { b { (one.model_name) } }
                    span.second { (parts::digest(one.model.as_str())) }
                }
                td {
                    (text::count(one.rows, "row"))
                    span.second { (parts::digest_link("dataset_version", one.version.as_str())) }
                }
                td.end title=(one.actor) {
                    (format::cut(&one.actor, 20)) span.second { (parts::time(frame.now, one.time)) }
                }
            }
        }
    };
    tables::stacked("Evaluations", tables::heads(["verdict", "candidate", "holdout", "by"]), rows)
}

/// The report of one evaluation.
pub fn page(frame: &Frame, view: &Evaluation) -> Markup {
    let total: usize = view.requirements.iter().map(|one| one.verdicts.len()).sum();
    let mut full = FULL;
    let mut lines = LINES;
    let body = html! {
        (verdict::banner(view.verdict, &summary(view)))
        div.columns {
            div.main-column {
                @for one in &view.requirements {
                    (requirement(frame, &view.id, one, take(&mut full, one.verdicts.len()), &mut lines))
                }
                (parts::left_out(total, total.min(FULL - full + LINES - lines), &format!("remuda gate show {}", view.id)))
            }
            div.side-column { (rests_on(frame, view)) (budget(view)) (next(frame, view)) }
        }
        @if let Some(confusion) = &view.confusion { (matrix(confusion)) }
        @if let Some(found) = &view.curves { (scores(found)) }
    };
    let page = Page {
        title: format!("Gate report {}", format::short(&view.id)),
        section: Section::Gate,
        crumbs: vec![("Gate".to_owned(), "/gate".to_owned())],
        beside: html! {
            a.button href={ "/gate/" (format::segment(&view.id)) "/report" } { "Report" }
            @if view.repeated { (parts::chip("repeated, free of charge")) }
        },
        lead: html! {
            span {
                "candidate "
                a href=(format::address("model_version", view.model.as_str())) { b { (view.model_name) } } " "
                (parts::digest(view.model.as_str()))
            }
            span {
                "on the holdout of "
                a href=(format::address("dataset_version", view.version.as_str())) { b { (view.dataset) } } ", "
                (text::count(view.rows, "row"))
            }
            span { "by " b { (view.actor) } ", " (parts::time(frame.now, view.time)) }
        },
        commands: vec![format!("remuda gate show {}", view.id)],
        body,
    };
    layout::page(frame, page)
}

/// How many criteria are met, not met, undecided.
fn summary(view: &Evaluation) -> String {
    let count = |kind| {
        view.requirements.iter().flat_map(|one| &one.verdicts).filter(|verdict| verdict.kind == kind).count() as u64
    };
    let (met, not_met, undecided) =
        (count(VerdictKind::Met), count(VerdictKind::NotMet), count(VerdictKind::Undecided));
    let all = text::count(met + not_met + undecided, "criterion").replace("criterions", "criteria");
    match view.verdict {
        VerdictKind::Met => format!("{all}, all met: this candidate may go on."),
        VerdictKind::NotMet => format!(
            "{all}: {met} met, {not_met} not met, {undecided} undecided. One that is not met is enough to stop."
        ),
        VerdictKind::Undecided if met + not_met + undecided == 0 => {
            "There is no criterion, so nothing was shown.".to_owned()
        }
        VerdictKind::Undecided => {
            format!("{all}: {met} met, {undecided} undecided. Undecided never passes; below is what deciding costs.")
        }
    }
}

/// Takes up to `wanted` from what room is left.
fn take(room: &mut usize, wanted: usize) -> usize {
    let taken = wanted.min(*room);
    *room -= taken;
    taken
}

fn requirement(frame: &Frame, evaluation: &str, one: &RequirementVerdicts, full: usize, lines: &mut usize) -> Markup {
    let short = take(lines, one.verdicts.len() - full);
    let title = html! { a href=(format::address("requirement", &one.requirement)) { (one.requirement) } };
    html! {
        section.block {
            header.block-head { h2 { (title) } div.aside { (verdict::badge(one.verdict)) } }
            p.goal { (parts::backticks(&one.goal)) }
            @for verdict in one.verdicts.iter().take(full) { (verdict::full(verdict)) (waive(frame, evaluation, verdict)) }
            @if short > 0 {
                ul.criteria.card {
                    @for verdict in one.verdicts.iter().skip(full).take(short) { (verdict::line(verdict)) }
                }
            }
        }
    }
}

/// What the product owner can do about a criterion that is not met: let it pass until a day.
fn waive(frame: &Frame, evaluation: &str, verdict: &Verdict) -> Markup {
    if verdict.passes() || !action::may_sign(frame, "waiver") {
        return html! {};
    }
    let fields = [("kind", "waiver"), ("subject", evaluation), ("criterion", &verdict.criterion)];
    let inputs = html! {
        label { "until" input type="date" name="until" required; }
        label { "because" input type="text" name="remark" required maxlength="300"; }
    };
    html! {
        details.waive {
            summary { "Waive it" }
            (action::form(frame, "team", "sign", "Let it pass until then", &fields, inputs))
        }
    }
}

fn rests_on(frame: &Frame, view: &Evaluation) -> Markup {
    parts::section(
        "rests-on",
        "What it rests on",
        html! {},
        html! {
            (parts::facts([
                ("candidate", parts::digest_link("model_version", view.model.as_str())),
                ("made by run", parts::digest_link("run", &view.run)),
                ("data version", parts::digest_link("dataset_version", view.version.as_str())),
                ("holdout rows", parts::text(text::thousands(view.rows))),
                ("evaluated", parts::ago(frame.now, view.time)),
                ("fact", parts::digest(&view.fact)),
            ]))
            @if !view.compared.is_empty() {
                p.muted { "Compared, on the same rows, with" }
                ul.plain-list {
                    @for one in &view.compared {
                        li { (one.reference) " " (parts::digest_link("model_version", one.model.as_str())) }
                    }
                }
            }
            @for one in &view.requirements {
                p.small {
                    span.muted { "text of " (one.requirement) " " }
                    (parts::digest_link("definition", one.digest.as_str()))
                }
            }
            p { a href={ "/why/" (format::segment(&view.id)) } { "lineage" } }
        },
    )
}

fn budget(view: &Evaluation) -> Markup {
    let spent = view.spent.saturating_add(view.charge);
    parts::section(
        "budget",
        "Budget of this holdout",
        html! {},
        html! {
            p.budget {
                (chart::pips(spent, view.budget))
                span.budget-words { (view.budget.saturating_sub(spent)) " of " (view.budget) " left" }
            }
            p {
                "Submission " b { (view.look) } " of this holdout. It revealed " b { (view.revealed) }
                @if view.covered { " and is covered by the plan of its looks." } @else { " and cost " b { (view.charge) } "." }
            }
            p.muted.small { "A holdout wears out: the more often it is asked, the less its answers mean." }
        },
    )
}

fn next(frame: &Frame, view: &Evaluation) -> Markup {
    let sign = format!("remuda sign evidence {}", view.id);
    let create = format!("remuda release create {}", view.model.short());
    parts::section(
        "next",
        "Next",
        html! {},
        html! {
            @match view.verdict {
                VerdictKind::Met => {
                    p { "Somebody who did none of this work signs the evidence; then a release is made." }
                    (parts::command(&sign)) (action::for_command(frame, &sign, &[]))
                    (parts::command(&create)) (action::for_command(frame, &create, &[]))
                }
                VerdictKind::NotMet => p { "Look at the mistakes, then change data, features or model. A new candidate gets a look of its own." },
                VerdictKind::Undecided => { p { "More labels decide; the price stands at each criterion." } (parts::command("remuda data add FILE")) }
            }
        },
    )
}

/// The curves of the scores.
pub(crate) fn scores(found: &remuda_model::analysis::Curves) -> Markup {
    parts::section("scores", "What its scores are worth", html! {}, super::super::components::curves::all(found))
}

/// The matrix of a sample. (The mistakes of a candidate show it too.)
pub(crate) fn matrix(confusion: &Confusion) -> Markup {
    let classes = confusion.classes.len().min(CLASSES);
    let count = |truth: usize, predicted: usize| {
        confusion.counts.get(truth * confusion.classes.len() + predicted).copied().unwrap_or(0)
    };
    let row_sum = |truth: usize| (0..confusion.classes.len()).map(|predicted| count(truth, predicted)).sum::<u64>();
    let rows = html! {
        @for truth in 0..classes {
            @let sum = row_sum(truth);
            tr {
                th scope="row" { (format::cut(&confusion.classes[truth], 32)) }
                @for predicted in 0..classes {
                    @let cell = count(truth, predicted);
                    td class={ "cell " (if truth == predicted { "right" } else { "wrong" }) " heat-" (heat(cell, sum)) } {
                        (text::thousands(cell)) span.small { (format::percent(format::share(cell, sum))) }
                    }
                }
                td.number.muted { (text::thousands(sum)) }
            }
        }
    };
    let head = html! {
        th scope="col" { "truth ↓ predicted →" }
        @for class in confusion.classes.iter().take(classes) { th.number scope="col" { (format::cut(class, 32)) } }
        th.number scope="col" { "rows" }
    };
    parts::section(
        "confusion",
        "Truth against prediction",
        html! {},
        html! {
            @if confusion.classes.len() > CLASSES { (mistakes(confusion)) }
            @else { div.matrix { (tables::table("Truth against prediction", head, rows)) } }
        },
    )
}

/// Where there are too many classes for a matrix: the commonest mistakes.
fn mistakes(confusion: &Confusion) -> Markup {
    let classes = confusion.classes.len();
    let mut found: Vec<(u64, usize, usize)> = confusion
        .counts
        .iter()
        .take(classes * classes)
        .enumerate()
        .map(|(cell, count)| (*count, cell / classes, cell % classes))
        .filter(|(count, truth, predicted)| *count > 0 && truth != predicted)
        .collect();
    found.sort_by(|left, right| right.0.cmp(&left.0).then((left.1, left.2).cmp(&(right.1, right.2))));
    let most = found.first().map_or(0, |(count, _, _)| *count);
    let rows = html! {
        @for (count, truth, predicted) in found.iter().take(20) {
            tr {
                td { (format::cut(&confusion.classes[*truth], 48)) }
                td { (format::cut(&confusion.classes[*predicted], 48)) }
                td.number { b { (text::thousands(*count)) } }
                td.wide-bar { (chart::bar(format::share(*count, most))) }
            }
        }
    };
    html! {
        p.muted { (classes) " classes are too many for a matrix on a page: here are the commonest mistakes." }
        (tables::table("Commonest mistakes", tables::heads(["truth", "predicted", "#rows", ""]), rows))
        (parts::left_out(found.len(), 20, "remuda gate show ID --json"))
    }
}

/// Five steps of shade by the share of the row.
fn heat(cell: u64, sum: u64) -> u32 {
    let share = format::share(cell, sum);
    if cell == 0 { 0 } else { ((share * 5.0).ceil() as u32).clamp(1, 5) }
}
