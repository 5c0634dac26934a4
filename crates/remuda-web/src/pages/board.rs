//! `/`: where the product stands. Requirements with their verdicts, what waits and on whom, what is live, what is new.

use crate::components::{Frame, Page, Section, action, chart, layout, parts, verdict};
use crate::format;
use maud::{Markup, html};
use remuda_app::product::{Board, HoldoutState, LiveSummary, Waiting};
use remuda_app::requirement::RequirementState;
use remuda_model::gate::VerdictKind;
use remuda_model::text;

/// The board.
pub fn page(frame: &Frame, board: &Board) -> Markup {
    let body = html! {
        @if !board.diagnostics.is_empty() {
            div.banner.bad role="alert" {
                p.headline { (text::count(board.diagnostics.len() as u64, "error")) " in definition files" }
                (parts::diagnostics(&board.diagnostics))
            }
        }
        div.columns.board {
            div.main-column {
                @if board.live.is_none() { (way(board)) }
                @if !board.requirements.is_empty() { (requirements(&board.requirements)) }
                (waiting(frame, &board.waiting))
            }
            div.side-column {
                (live(frame, board.live.as_ref()))
                (evaluation(frame, board))
                (holdouts(&board.holdouts))
                (datasets(frame, board))
                (members(board))
            }
            div.more-column {
                (runs(frame, board))
                (activity(frame, board))
            }
        }
    };
    let page = Page {
        title: board.product.clone(),
        section: Section::Board,
        crumbs: Vec::new(),
        beside: html! { @if !board.requirements.is_empty() { (verdict::badge(overall(&board.requirements))) } },
        lead: html! {
            span { "stage " b { (board.stage.as_str()) } }
            span { "risk " b { (board.risk.as_str()) } }
            @if board.solo { span { (parts::mark(parts::Tone::Warning, "solo mode")) " signed by one person" } }
        },
        commands: vec!["remuda status".to_owned()],
        body,
    };
    layout::page(frame, page)
}

fn overall(requirements: &[RequirementState]) -> VerdictKind {
    VerdictKind::all(requirements.iter().map(|requirement| requirement.verdict))
}

/// The way from nothing to production, until something is live: what is done, and the command of each next step.
fn way(board: &Board) -> Markup {
    let steps = [
        (
            "/data",
            "Data",
            "A file becomes a version: checked, split, stored once.",
            "remuda data add FILE --as NAME",
            !board.datasets.is_empty(),
        ),
        (
            "/requirement",
            "Requirement",
            "What the business wants, as criteria of one line: `requirements/NAME.md`.",
            "remuda check",
            !board.requirements.is_empty(),
        ),
        (
            "/run",
            "Run",
            "The pipeline trains; any command of yours can be tracked too.",
            "remuda run",
            !board.runs.is_empty(),
        ),
        (
            "/gate",
            "Gate",
            "A model is held against the criteria, on rows that nobody has seen.",
            "remuda gate evaluate MODEL",
            board.evaluation.is_some(),
        ),
        (
            "/release",
            "Release",
            "Model, evidence and signatures become one digest, which goes live.",
            "remuda release create MODEL",
            board.live.is_some(),
        ),
    ];
    let next = steps.iter().position(|(_, _, _, _, done)| !done);
    let body = html! {
        ol.way {
            @for (index, (address, title, about, command, done)) in steps.iter().enumerate() {
                li class=(if *done { "done" } else if next == Some(index) { "next" } else { "later" }) {
                    span.station aria-hidden="true" { @if *done { "✓" } @else { (index + 1) } }
                    div {
                        h3 { a href=(*address) { (title) } @if *done { span.hidden { " done" } } }
                        @if !done { p.muted { (parts::backticks(about)) } (parts::command(command)) }
                    }
                }
            }
        }
    };
    parts::section("way", "The way to production", html! {}, body)
}

fn requirements(requirements: &[RequirementState]) -> Markup {
    let body = html! {
        @for state in requirements.iter().take(12) { (requirement(state)) }
        (parts::left_out(requirements.len(), 12, "remuda requirement list"))
    };
    parts::section("requirements", "Requirements", html! { a href="/requirement" { "all" } }, body)
}

/// One requirement as a card. (Also what the list of requirements is made of.)
pub(crate) fn requirement(state: &RequirementState) -> Markup {
    html! {
        article class={ "card requirement " (verdict::class(state.verdict)) } {
            header {
                h3 { a href=(format::address("requirement", &state.name)) { (state.name) } }
                (verdict::badge(state.verdict))
            }
            p.goal { (parts::backticks(&state.goal)) }
            ul.criteria {
                @if state.verdicts.is_empty() {
                    @for criterion in state.criteria.iter().take(8) {
                        (verdict::pending(&criterion.text, &criterion.words))
                    }
                } @else {
                    @for one in state.verdicts.iter().take(8) { (verdict::line(one)) }
                }
            }
            (parts::left_out(state.verdicts.len().max(state.criteria.len()), 8, &format!("remuda requirement show {}", state.name)))
            @for stale in state.stale.iter().take(4) {
                p.stale { (parts::mark(parts::Tone::Warning, "stale")) " " (parts::backticks(stale)) }
            }
            footer {
                span { "owner " b { (state.owner) } }
                span { "on " a href={ "/data/" (format::segment(&state.dataset)) } { (state.dataset) } }
                @if state.signed_by.is_empty() { span.muted { "intent not signed" } }
                @else { span { "intent signed by " b { (text::list(&state.signed_by)) } } }
            }
        }
    }
}

fn waiting(frame: &Frame, waiting: &[Waiting]) -> Markup {
    let body = html! {
        @if waiting.is_empty() {
            (parts::empty("Nothing waits. Every hand-off is closed by a fact.", ""))
        } @else {
            ul.waiting {
                @for one in waiting.iter().take(12) {
                    li {
                        div.waiting-head {
                            span class={ "chip kind-" (kind_class(&one.kind)) } { (one.kind) }
                            p { (parts::backticks(&one.what)) }
                        }
                        p.on-whom {
                            @if !one.roles.is_empty() { "waits on " (parts::roles(&one.roles)) }
                            @if !one.members.is_empty() { span.muted { (text::list(&one.members)) } }
                        }
                        div.do-it {
                            @if !one.command.is_empty() { (parts::command(&one.command)) }
                            (action::for_command(frame, &one.command, &one.members))
                        }
                    }
                }
            }
            (parts::left_out(waiting.len(), 12, "remuda status"))
        }
    };
    parts::section(
        "waiting",
        "What waits",
        html! { @if !waiting.is_empty() { (parts::chip(&waiting.len().to_string())) } },
        body,
    )
}

fn kind_class(kind: &str) -> &'static str {
    match kind {
        "alert" | "definition" => "bad",
        "stale" | "undecided" => "warning",
        _ => "quiet",
    }
}

fn live(frame: &Frame, live: Option<&LiveSummary>) -> Markup {
    let body = html! {
        @match live {
            None => p.muted { "Nothing is live yet." },
            Some(live) => {
                div.card.live-card {
                    p.live-name {
                        span.pulse aria-hidden="true" {}
                        a href=(format::address("release", live.release.digest.as_str())) {
                            b { (live.release.model_name) }
                        }
                        " " (parts::digest(live.release.digest.as_str()))
                    }
                    @if live.traffic.len() > 2 { (chart::sparkline(&live.traffic)) }
                    dl.facts.tight {
                        div { dt { "predictions, 30 days" } dd { (text::thousands(live.predictions)) } }
                        div { dt { "outcomes" } dd { (text::thousands(live.outcomes)) } }
                        @if let Some(metric) = &live.metric {
                            div {
                                dt { "live " (metric.name) }
                                dd {
                                    b { (format::point(metric)) }
                                    span.second { (format::interval(metric.lower, metric.upper)) }
                                }
                            }
                        }
                        div { dt { "since" } dd { (parts::ago(frame.now, live.release.time)) } }
                    }
                    @if live.drifted.is_empty() { p.muted { "No column drifts." } }
                    @else {
                        p {
                            (parts::mark(parts::Tone::Warning, "drift")) " in "
                            b { (text::list(&live.drifted[..live.drifted.len().min(6)])) }
                        }
                    }
                }
            }
        }
    };
    parts::section("live", "Live", html! { a href="/live" { "more" } }, body)
}

fn evaluation(frame: &Frame, board: &Board) -> Markup {
    html! {
        @if let Some(evaluation) = &board.evaluation {
            (parts::section("newest-evaluation", "Newest evaluation", html! { a href="/gate" { "all" } }, html! {
                a.card.row-card href=(format::address("evaluation", &evaluation.id)) {
                    (verdict::badge(evaluation.verdict))
                    span { b { (evaluation.model_name) } " on " (text::count(evaluation.rows, "row")) }
                    span.muted { (evaluation.actor) ", " (parts::ago(frame.now, evaluation.time)) }
                }
            }))
        }
    }
}

fn holdouts(holdouts: &[HoldoutState]) -> Markup {
    html! {
        @if !holdouts.is_empty() {
            (parts::section("holdouts", "Holdout budgets", html! {}, html! {
                ul.plain-list {
                    @for holdout in holdouts.iter().take(12) {
                        li.budget {
                            span { a href={ "/data/" (format::segment(&holdout.dataset)) } { (holdout.dataset) } " "
                                span.muted { (text::count(holdout.rows, "row")) } }
                            (chart::pips(holdout.spent, holdout.budget))
                            span.budget-words {
                                (holdout.budget.saturating_sub(holdout.spent)) " of " (holdout.budget) " left"
                            }
                        }
                    }
                }
                p.muted.small { "A holdout wears out: each look is a fact and is paid for." }
            }))
        }
    }
}

fn datasets(frame: &Frame, board: &Board) -> Markup {
    if board.datasets.is_empty() {
        return html! {};
    }
    let body = html! {
        ul.plain-list {
            @for line in board.datasets.iter().take(10) {
                @let breaches = line.version.report.breaches().count();
                li.two-lines {
                    span {
                        a href=(format::address("dataset_version", line.version.digest.as_str())) {
                            b { (line.version.dataset) }
                        }
                        " " (parts::digest(line.version.digest.as_str()))
                    }
                    span.muted {
                        (text::count(line.version.rows, "row")) ", " (parts::ago(frame.now, line.time))
                        @if breaches > 0 {
                            " · " (parts::mark(parts::Tone::Warning, &text::count(breaches as u64, "breach")))
                        }
                    }
                }
            }
        }
    };
    parts::section("datasets", "Data", html! { a href="/data" { "all" } }, body)
}

fn runs(frame: &Frame, board: &Board) -> Markup {
    html! {
        @if !board.runs.is_empty() {
            (parts::section("runs", "Newest runs", html! { a href="/run" { "all" } }, super::run::table(frame, &board.runs)))
        }
    }
}

fn activity(frame: &Frame, board: &Board) -> Markup {
    html! {
        @if !board.activity.is_empty() {
            (parts::section("activity", "Activity", html! { a href="/ledger" { "ledger" } }, super::ledger::feed(frame, &board.activity)))
        }
    }
}

fn members(board: &Board) -> Markup {
    html! {
        @if !board.members.is_empty() {
            (parts::section("members", "Team", html! { a href="/team" { "more" } }, html! {
                ul.plain-list.members {
                    @for member in board.members.iter().take(16) {
                        li { b { (member.name) } " " (parts::roles(&member.roles)) }
                    }
                }
                (parts::left_out(board.members.len(), 16, "remuda team show"))
            }))
        }
    }
}
