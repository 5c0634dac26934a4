//! Where the product stands, as one page: what waits first, then what holds, what is live, and what happened.

use super::Paper;
use super::error::diagnostic;
use super::layout::wrap;
use super::paint;
use super::requirement::standing;
use super::team;
use remuda_app::product::{Board, Waiting};
use remuda_model::diagnostic::Severity;
use remuda_model::text;

/// `status`.
pub(crate) fn board(board: &Board, paper: &Paper) -> String {
    let solo = if board.solo { ", a one-person team" } else { "" };
    let mut out = format!(
        "{}  stage {}, {} risk{solo}\n",
        paint::bold(&board.product),
        board.stage.as_str(),
        board.risk.as_str()
    );
    for found in board.diagnostics.iter().filter(|found| found.severity == Severity::Error).take(3) {
        out.push('\n');
        out.push_str(&diagnostic(found, paper));
    }
    if !board.waiting.is_empty() {
        section(&mut out, "Waits");
        board.waiting.iter().for_each(|waiting| out.push_str(&waiting_lines(waiting, paper)));
    }
    section(&mut out, "Requirements");
    if board.requirements.is_empty() {
        out.push_str("  none yet: write one in `requirements/NAME.md`\n");
    }
    for state in &board.requirements {
        out.push_str(&indented(&standing(state, &Paper { width: paper.width.saturating_sub(2), ..*paper })));
    }
    section(&mut out, "Live");
    match &board.live {
        Some(live) => out.push_str(&super::serving::summary(live, paper)),
        None => out.push_str("  nothing yet\n"),
    }
    if !board.datasets.is_empty() {
        section(&mut out, "Data");
        out.push_str(&super::data::versions(&board.datasets, paper, 2));
        for holdout in &board.holdouts {
            let rows = text::count(holdout.rows, "row");
            let line = format!(
                "  holdout of {}: {rows}, {} of {} looks spent\n",
                holdout.dataset, holdout.spent, holdout.budget
            );
            out.push_str(&if holdout.spent >= holdout.budget { paint::yellow(&line) } else { paint::dim(&line) });
        }
    }
    if !board.runs.is_empty() {
        section(&mut out, "Runs");
        out.push_str(&super::run::runs(&board.runs, paper, 2));
    }
    if !board.activity.is_empty() {
        section(&mut out, "Lately");
        out.push_str(&super::ledger::facts(&board.activity, paper, 2));
    }
    out
}

fn section(out: &mut String, title: &str) {
    out.push_str(&format!("\n{}\n", paint::bold(title)));
}

/// What waits, on which roles, with which command.
fn waiting_lines(waiting: &Waiting, paper: &Paper) -> String {
    let icon = match waiting.kind.as_str() {
        "alert" | "definition" => paint::red("!"),
        "undecided" | "stale" => paint::yellow("?"),
        _ => paint::cyan("○"),
    };
    let mut out = format!("  {icon} {}", wrap(&waiting.what, paper.width, 4).trim_start());
    let roles = team::roles(&waiting.roles);
    let who = match (roles.is_empty(), waiting.members.is_empty()) {
        (true, true) => String::new(),
        (true, false) => text::list(&waiting.members),
        (false, true) => format!("{roles}: nobody holds the role"),
        (false, false) => format!("{roles}: {}", text::list(&waiting.members)),
    };
    if !who.is_empty() {
        out.push_str(&paint::dim(&wrap(&who, paper.width, 4)));
    }
    if !waiting.command.is_empty() {
        out.push_str(&format!("    {}\n", paint::cyan(&waiting.command)));
    }
    out
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}
