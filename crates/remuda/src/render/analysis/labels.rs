//! `analysis labels`: labels in doubt, by pair of classes, and the most doubtful rows.

use crate::render::layout::{cut, wrap};
use crate::render::table::{Side, Table};
use crate::render::words::percent;
use crate::render::{Paper, paint};
use remuda_app::analysis::{DoubtfulLabel, DoubtfulLabels};
use remuda_model::text;

/// Pairs of classes that a terminal shows.
const PAIRS: usize = 8;

/// Labels in doubt.
pub(crate) fn labels(answer: &DoubtfulLabels, paper: &Paper) -> String {
    let head = &answer.head;
    let share = if head.rows > 0 { answer.suspected as f64 / head.rows as f64 } else { 0.0 };
    let mut out = format!(
        "{}: {} of {} labels of {} are in doubt ({})\n",
        super::title(head),
        text::thousands(answer.suspected),
        text::thousands(head.rows),
        head.split,
        percent(share)
    );
    out.push_str(super::charge(head));
    if answer.suspected == 0 {
        out.push_str("\nNo label is in doubt: wherever the candidate is sure, it says what the label says.\n");
        return out;
    }
    let mut pairs = Table::new(&[("rows", Side::Right), ("given", Side::Left), ("suggested", Side::Left)]).indent(2);
    for pair in answer.pairs.iter().take(PAIRS) {
        pairs.row(vec![text::thousands(pair.rows), cut(&pair.given, 32), cut(&pair.suggested, 32)]);
    }
    out.push_str(&format!("\n{}\n{}", paint::bold("By class"), pairs.render(paper.width)));
    out.push_str(&format!("\n{}\n{}", paint::bold("The most doubtful"), rows(&answer.examples, paper)));
    let note = "A doubt is not a proof: a candidate that errs in the same way doubts right labels. Let somebody look at these rows \
                before a label is changed; `--json` has them with their keys.";
    out.push_str(&format!("\n{}", wrap(note, paper.width, 0)));
    out
}

fn rows(examples: &[DoubtfulLabel], paper: &Paper) -> String {
    let columns = [
        ("row", Side::Whole),
        ("given", Side::Left),
        ("suggested", Side::Left),
        ("margin", Side::Right),
        ("inputs", Side::Left),
    ];
    let mut table = Table::new(&columns).indent(2);
    for example in examples {
        let inputs = example.row.inputs.iter().map(|input| match example.row.inputs.len() {
            1 => input.value.clone(),
            _ => format!("{} {}", input.column, input.value),
        });
        let inputs = inputs.collect::<Vec<_>>().join(", ").replace(['\n', '\r', '\t'], " ");
        let (given, suggested) = (cut(&example.row.truth, 28), cut(&example.suggested, 28));
        table.row(vec![cut(&example.row.id, 24), given, suggested, format!("{:+.2}", example.margin), inputs]);
    }
    table.render(paper.width)
}
