//! Outcomes that were joined.

use super::Paper;
use super::layout::wrap;
use super::paint;
use remuda_app::feedback::Joined;
use remuda_model::text;

/// `feedback add`.
pub(crate) fn joined(answer: &Joined, paper: &Paper) -> String {
    let added = text::count(answer.added, "outcome");
    let mut out = format!("{} {added} joined, of {}\n", paint::green("✓"), text::count(answer.rows, "row"));
    if answer.corrected > 0 {
        out.push_str(&format!("  {} corrected an earlier one\n", text::thousands(answer.corrected)));
    }
    if answer.repeated > 0 {
        out.push_str(&format!("  {} were there already\n", text::thousands(answer.repeated)));
    }
    if answer.unmatched > 0 {
        let examples = answer.unmatched_examples.iter().take(5).map(String::as_str).collect::<Vec<_>>().join(", ");
        let count = text::thousands(answer.unmatched);
        let sentence = format!(
            "{count} name predictions that are not known yet; they are kept and joined when those come: {examples}"
        );
        out.push_str(&wrap(&paint::yellow(&sentence), paper.width, 2));
    }
    out.push_str(&format!("{} {}\n", paint::cyan("next:"), paint::cyan("remuda live")));
    out
}
