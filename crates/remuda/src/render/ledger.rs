//! Facts, lineage, and whether the ledger is whole.

use super::Paper;
use super::layout::{self, wrap};
use super::paint;
use super::table::{Side, Table};
use super::words::{ago, sentence, short};
use remuda_app::ledger::{FactLine, Facts, Lineage, LineageStep, Thing, Verified};
use remuda_model::text;

/// `ledger log`.
pub(crate) fn log(answer: &Facts, paper: &Paper) -> String {
    if answer.facts.is_empty() {
        return "No such facts.\n".to_owned();
    }
    let mut out = facts(&answer.facts, paper, 0);
    if answer.more
        && let Some(last) = answer.facts.last()
    {
        out.push_str(&paint::dim(&format!("older ones: remuda ledger log --before {}\n", last.sequence)));
    }
    out
}

/// Facts as a table, each with its sentence.
pub(crate) fn facts(facts: &[FactLine], paper: &Paper, indent: usize) -> String {
    let columns = [("", Side::Right), ("when", Side::Whole), ("what", Side::Left)];
    let mut table = Table::new(&columns).indent(indent);
    for fact in facts {
        table.row(vec![paint::dim(&fact.sequence.to_string()), ago(fact.time, paper.now), fact.sentence.clone()]);
    }
    table.render(paper.width)
}

/// `why`.
pub(crate) fn lineage(lineage: &Lineage, paper: &Paper) -> String {
    let mut out = format!("{}\n", thing(&lineage.thing));
    if lineage.thing.kind == "prediction" {
        out.push_str(&prediction(lineage, paper));
    }
    out.push_str(&direction("because of", "Nothing came before it.", "↑", &lineage.because, paper));
    out.push_str(&direction("led to", "Nothing came of it yet.", "↓", &lineage.led_to, paper));
    out
}

/// What was predicted and what was observed: the sentences of its own steps, the outcome that counts first.
fn prediction(lineage: &Lineage, paper: &Paper) -> String {
    let own = |steps: &[LineageStep], kind: &str| {
        let step = steps.iter().find(|step| step.from == lineage.thing.id && step.thing.kind == kind)?;
        Some(format!("{}, {}", step.fact.sentence, ago(step.fact.time, paper.now)))
    };
    let predicted = own(&lineage.because, "release");
    let observed = own(&lineage.led_to, "outcomes").unwrap_or_else(|| "no outcome is known yet".to_owned());
    let lines = predicted.into_iter().chain([observed]);
    lines.map(|line| wrap(&line, paper.width, 2)).collect()
}

fn direction(title: &str, nothing: &str, arrow: &str, steps: &[LineageStep], paper: &Paper) -> String {
    if steps.is_empty() {
        return format!("\n{nothing}\n");
    }
    let mut out = format!("\n{}\n", paint::bold(&sentence(title)));
    for step in steps {
        let indent = 2 * step.distance.min(12) as usize;
        let margin = " ".repeat(indent);
        let line = format!("{margin}{} {}", paint::dim(arrow), thing(&step.thing));
        out.push_str(&format!("{}\n", layout::cut(&line, paper.width)));
        let fact = format!("{}, {}", step.fact.sentence, ago(step.fact.time, paper.now));
        out.push_str(&format!(
            "{margin}  {}\n",
            paint::dim(&layout::cut(&fact, paper.width.saturating_sub(indent + 2)))
        ));
    }
    out
}

/// What people call it: its name says what it is already.
fn thing(thing: &Thing) -> String {
    if thing.name.is_empty() {
        return format!("{} {}", thing.kind.replace('_', " "), paint::bold(short(&thing.id)));
    }
    paint::bold(&thing.name)
}

/// `ledger verify`.
pub(crate) fn verified(answer: &Verified, paper: &Paper) -> String {
    let facts = text::count(answer.facts, "fact");
    let blobs = text::count(answer.blobs, "blob");
    if answer.problems.is_empty() {
        let mut out = format!("{} the ledger is whole: {facts}, {blobs}\n", paint::green("✓"));
        out.push_str(&format!("  newest fact's hash {}\n", answer.head));
        out.push_str(&paint::dim("  note it elsewhere, and a ledger that was cut short shows too\n"));
        return out;
    }
    let problems = text::count(answer.problems.len() as u64, "problem");
    let mut out = format!("{} {problems} in {facts} and {blobs}\n", paint::red("✗"));
    for problem in &answer.problems {
        out.push_str(&format!("  {} {}", paint::red("✗"), wrap(problem, paper.width, 4).trim_start()));
    }
    out
}
