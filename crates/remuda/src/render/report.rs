//! `gate report`: the document as a file. The model card is in `card.rs`.

use super::Paper;
use super::gate::verdict_word;
use remuda_app::gate::ReportPage;
use remuda_model::text;

/// What stands on the terminal beside a written file.
pub(crate) fn written(view: &ReportPage, file: &str, bytes: usize) -> String {
    format!(
        "{}  report of {} on {} {}\n  {file}, {} kB: opens in any browser, prints, loads nothing\n",
        verdict_word(view.evaluation.verdict),
        view.evaluation.model_name,
        view.evaluation.dataset,
        view.evaluation.version.short(),
        text::thousands(bytes.div_ceil(1_000) as u64)
    )
}

/// The document as it is written to a file.
pub(crate) fn html(view: &ReportPage) -> String {
    remuda_web::report::document(view, remuda_web::report::Style::Inside).into_string()
}

/// What a terminal shows of a report: the gate's own rendering.
pub(crate) fn text(view: &ReportPage, paper: &Paper) -> String {
    super::gate::evaluation(&view.evaluation, paper)
}
