//! Requirements: where each criterion stands.

use super::Paper;
use super::gate::{compact_lines, verdict_word};
use super::layout::{prose, wrap};
use super::paint;
use super::words::{ago, estimate, sentence};
use remuda_app::gate::EvaluationSummary;
use remuda_app::requirement::{RequirementPage, RequirementState, Requirements};
use remuda_model::gate::{Verdict, VerdictKind};
use remuda_model::text;

/// `requirement list`.
pub(crate) fn list(answer: &Requirements, paper: &Paper) -> String {
    if answer.requirements.is_empty() {
        return "No requirements yet: write one in `requirements/NAME.md`.\n".to_owned();
    }
    let states: Vec<String> = answer.requirements.iter().map(|state| standing(state, paper)).collect();
    states.join("\n")
}

/// `requirement show`.
pub(crate) fn show(page: &RequirementPage, paper: &Paper) -> String {
    let state = &page.state;
    let mut out = standing(state, paper);
    let signed = if state.signed_by.is_empty() {
        format!("nobody yet; {}", paint::cyan(&format!("remuda sign intent {}", state.name)))
    } else {
        text::list(&state.signed_by)
    };
    out.push_str(&format!(
        "\n  owner      {}\n  dataset    {}\n  intent     signed by {signed}\n",
        state.owner, state.dataset
    ));
    out.push_str(&format!("  file       {}\n", page.path));
    out.push_str(&format!("\n{}\n", paint::bold("In plain words")));
    for criterion in &state.criteria {
        out.push_str(&wrap(&sentence(&criterion.words), paper.width, 2));
    }
    if !page.prose.trim().is_empty() {
        out.push('\n');
        out.push_str(&prose(&page.prose, paper.width, 2));
    }
    if !page.history.is_empty() {
        out.push_str(&format!("\n{}\n", paint::bold("Evaluations")));
        out.push_str(&super::gate::summaries(&page.history, paper, 2));
    }
    out
}

/// A requirement with its criteria: what `status` shows too.
pub(crate) fn standing(state: &RequirementState, paper: &Paper) -> String {
    let mut out = format!("{}  {}\n", verdict_word(state.verdict), paint::bold(&state.name));
    out.push_str(&wrap(&sentence(&state.goal), paper.width, 2));
    if state.verdicts.is_empty() {
        for criterion in &state.criteria {
            out.push_str(&format!("  {} {}\n", paint::yellow(VerdictKind::Undecided.icon()), criterion.text));
        }
    }
    out.push_str(&compact_lines(&state.verdicts, paper));
    if let Some(evaluation) = &state.evaluation {
        out.push_str(&paint::dim(&format!("  {}\n", evaluated(evaluation, paper))));
    }
    for reason in &state.stale {
        out.push_str(&wrap(&format!("{} {reason}", paint::yellow("stale:")), paper.width, 2));
    }
    out
}

fn evaluated(evaluation: &EvaluationSummary, paper: &Paper) -> String {
    let rows = text::count(evaluation.rows, "row");
    format!(
        "{} {} on {rows}, {} by {}",
        evaluation.model_name,
        evaluation.model.short(),
        ago(evaluation.time, paper.now),
        evaluation.actor
    )
}

/// A verdict's numbers, or why there are none.
pub(crate) fn numbers(verdict: &Verdict) -> String {
    match (&verdict.reason, verdict.estimate) {
        (Some(reason), None) => reason.words(),
        (_, None) => String::new(),
        (_, value) => estimate(value, verdict.lower, verdict.upper),
    }
}
