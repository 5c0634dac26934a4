//! `analysis mistakes`: the matrix, the rows behind it, the surest mistakes, and what promises are worth.

use crate::render::gate::confusion_table;
use crate::render::layout::{cut, wrap};
use crate::render::table::{Side, Table};
use crate::render::words::{figure, metric, percent};
use crate::render::{Paper, paint};
use remuda_app::analysis::{CellExamples, Example, MistakesFound};
use remuda_model::analysis::CalibrationBin;
use remuda_model::text;

/// Cells whose rows a terminal shows.
const CELLS: usize = 6;

/// A candidate's mistakes.
pub(crate) fn mistakes(answer: &MistakesFound, paper: &Paper) -> String {
    let mut out = headline(answer, paper);
    if answer.wrong == Some(0) {
        out.push_str("\nEvery row is right: there is no mistake to show.\n");
        return out;
    }
    if let Some(confusion) = &answer.confusion {
        out.push_str(&format!("\n{}\n{}", paint::bold("Truth against prediction"), confusion_table(confusion, paper)));
    }
    for cell in answer.cells.iter().take(CELLS) {
        out.push_str(&format!("\n{}", cell_examples(cell, paper)));
    }
    let title = if answer.wrong.is_some() { "The surest mistakes" } else { "The largest errors" };
    out.push_str(&format!("\n{}\n{}", paint::bold(title), examples(&answer.worst, paper)));
    if !answer.calibration.is_empty() {
        out.push_str(&format!("\n{}\n{}", paint::bold("What was promised, and what came"), calibration(answer, paper)));
    }
    let next = format!("remuda analysis slices {}", answer.head.model.short());
    out.push_str(&format!("\n{} {} finds where they crowd\n", paint::cyan("next:"), paint::cyan(&next)));
    out
}

fn headline(answer: &MistakesFound, paper: &Paper) -> String {
    let head = &answer.head;
    let rows = text::count(head.rows, "row");
    let wrong = answer.wrong.map(|wrong| format!(", {} wrong", text::thousands(wrong))).unwrap_or_default();
    let mut out = format!("{}: {rows} of {}{wrong}\n", super::title(head), head.split);
    let metrics: Vec<String> = answer.metrics.iter().map(|one| format!("{} {}", one.name, metric(one))).collect();
    out.push_str(&wrap(&metrics.join("; "), paper.width, 2));
    out.push_str(super::charge(head));
    out
}

fn cell_examples(cell: &CellExamples, paper: &Paper) -> String {
    format!(
        "{} {} called {}: {}\n{}",
        paint::red("✗"),
        paint::bold(&cell.truth),
        paint::bold(&cell.predicted),
        text::count(cell.rows, "row"),
        examples(&cell.examples, paper)
    )
}

/// Rows as a table.
pub(super) fn examples(examples: &[Example], paper: &Paper) -> String {
    let mut table = Table::new(&[
        ("row", Side::Whole),
        ("truth", Side::Left),
        ("predicted", Side::Left),
        ("sure", Side::Right),
        ("inputs", Side::Left),
    ])
    .indent(2);
    for example in examples {
        let sure = match (example.confidence, example.error) {
            (Some(confidence), _) => percent(confidence),
            (None, Some(error)) => format!("off by {}", text::number(error)),
            (None, None) => String::new(),
        };
        let inputs = example.inputs.iter().map(|input| match example.inputs.len() {
            1 => input.value.clone(),
            _ => format!("{} {}", input.column, input.value),
        });
        let inputs = inputs.collect::<Vec<_>>().join(", ").replace(['\n', '\r', '\t'], " ");
        table.row(vec![cut(&example.id, 24), cut(&example.truth, 28), cut(&example.predicted, 28), sure, inputs]);
    }
    table.render(paper.width)
}

fn calibration(answer: &MistakesFound, paper: &Paper) -> String {
    let mut table =
        Table::new(&[("rows", Side::Right), ("promised", Side::Right), ("came", Side::Right), ("", Side::Whole)])
            .indent(2);
    for bin in &answer.calibration {
        table.row(vec![
            text::thousands(bin.n),
            figure(bin.promised),
            format!("{} [{}, {}]", figure(bin.happened), figure(bin.lower), figure(bin.upper)),
            verdict(bin),
        ]);
    }
    let error = answer.calibration_error.as_ref().map_or_else(String::new, |error| {
        wrap(&format!("expected calibration error {}", metric(error)), paper.width, 2)
    });
    format!("{}{error}", table.render(paper.width))
}

/// Whether the promise lies outside of what the rows of the bin allow.
fn verdict(bin: &CalibrationBin) -> String {
    if bin.promised > bin.upper {
        paint::yellow("promises too much")
    } else if bin.promised < bin.lower {
        paint::yellow("promises too little")
    } else {
        String::new()
    }
}
