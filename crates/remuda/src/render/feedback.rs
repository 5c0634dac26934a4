//! Outcomes that were joined.

use super::Paper;
use super::layout::wrap;
use super::paint;
use remuda_app::feedback::Joined;
use remuda_model::text;

/// `feedback add`.
pub(crate) fn joined(answer: &Joined, paper: &Paper) -> String {
    let added = text::count(answer.added, "outcome");
    let rows = text::count(answer.rows, "row");
    let none_matched = answer.unmatched > 0 && answer.unmatched + answer.empty >= answer.rows;
    let mut out = match (none_matched, answer.unmatched) {
        (_, 0) => format!("{} {added} joined, of {rows}\n", paint::green("✓")),
        (false, _) => format!("{} {added} kept, of {rows}\n", paint::green("✓")),
        (true, 1) => format!("{} {added} kept, of {rows}: its prediction is not known yet\n", paint::yellow("!")),
        (true, _) => format!("{} {added} kept, of {rows}: no prediction is known yet\n", paint::yellow("!")),
    };
    if answer.empty > 0 {
        let were = if answer.empty == 1 { "was" } else { "were" };
        out.push_str(&format!("  {} without an outcome {were} passed over\n", text::count(answer.empty, "row")));
    }
    if answer.corrected > 0 {
        out.push_str(&format!("  {} corrected an earlier one\n", text::thousands(answer.corrected)));
    }
    if answer.repeated > 0 {
        let were = if answer.repeated == 1 { "was" } else { "were" };
        out.push_str(&format!("  {} {were} there already\n", text::thousands(answer.repeated)));
    }
    if answer.older > 0 {
        out.push_str(&format!("  {} older than what is known: kept, without effect\n", text::thousands(answer.older)));
    }
    if answer.unmatched > 0 {
        out.push_str(&wrap(&paint::yellow(&unmatched(answer)), paper.width, 2));
        if none_matched {
            let hint = "no id of this file is known: name the column with the ids that predictions were given, with \
                `--id-column`";
            out.push_str(&wrap(&format!("{} {hint}", paint::cyan("hint:")), paper.width, 2));
        } else {
            let hint = "a slip in an id stays unjoined: send its outcome again under the right one";
            out.push_str(&wrap(&format!("{} {hint}", paint::cyan("hint:")), paper.width, 2));
        }
    }
    out.push_str(&format!("{} {}\n", paint::cyan("next:"), paint::cyan("remuda live")));
    out
}

/// How many ids are not known, and the first of them.
fn unmatched(answer: &Joined) -> String {
    let examples = answer.unmatched_examples.iter().take(5).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = if answer.unmatched > 5 { ", …" } else { "" };
    if answer.unmatched == 1 {
        return format!(
            "1 names a prediction that is not known (yet); it is kept, and joined when that comes: {examples}"
        );
    }
    let count = text::thousands(answer.unmatched);
    format!(
        "{count} name predictions that are not known (yet); they are kept, and joined when those come: {examples}{more}"
    )
}
