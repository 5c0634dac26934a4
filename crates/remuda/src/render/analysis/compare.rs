//! `analysis compare`: what the new candidate wins and loses against the old one, and whether that is more than chance.

use super::mistakes::examples;
use crate::render::model::metric_table;
use crate::render::words::figure;
use crate::render::{Paper, paint};
use remuda_app::analysis::{Comparison, Example};
use remuda_model::text;

/// Two candidates side by side.
pub(crate) fn compare(answer: &Comparison, paper: &Paper) -> String {
    let head = &answer.head;
    let mut out = format!(
        "{} {} against {} {} on {} of {} {}\n",
        paint::bold(&head.model_name),
        head.model.short(),
        paint::bold(&answer.old_name),
        answer.old.short(),
        text::count(head.rows, "row"),
        head.split,
        head.version.short()
    );
    out.push_str(super::charge(head));
    if head.model == answer.old {
        out.push_str("\nBoth are the same model: there is nothing to compare.\n");
        return out;
    }
    let what = if answer.both_right.is_some() { "right where the other is wrong" } else { "nearer to the truth" };
    out.push_str(&format!("  {} {what}, the other {}", text::thousands(answer.won), text::thousands(answer.lost)));
    if let (Some(right), Some(wrong)) = (answer.both_right, answer.both_wrong) {
        out.push_str(&format!("; both right {}, both wrong {}", text::thousands(right), text::thousands(wrong)));
    }
    out.push('\n');
    if let Some(p_value) = answer.p_value {
        let verdict = if p_value <= 0.05 { "more than chance explains" } else { "chance may well bring this" };
        let test = if answer.both_right.is_some() { "McNemar, exact" } else { "Wilcoxon's signed ranks" };
        out.push_str(&format!("  p {}, two-sided ({test}): {verdict}\n", figure(p_value)));
    }
    let title = format!("{} less {}, on the same rows", head.model_name, answer.old_name);
    out.push_str(&format!("\n{}\n{}", paint::bold(&title), metric_table(&answer.differences, paper)));
    for (title, rows) in [
        (format!("Won by {}", head.model_name), &answer.won_examples),
        (format!("Lost by {}", head.model_name), &answer.lost_examples),
        ("Both wrong".to_owned(), &answer.wrong_examples),
    ] {
        out.push_str(&section(&title, rows, paper));
    }
    out
}

fn section(title: &str, rows: &[Example], paper: &Paper) -> String {
    if rows.is_empty() { String::new() } else { format!("\n{}\n{}", paint::bold(title), examples(rows, paper)) }
}
