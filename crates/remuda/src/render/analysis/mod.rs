//! Analyses in a terminal: one file per verb, and the list of all.

pub(crate) mod compare;
pub(crate) mod labels;
pub(crate) mod mistakes;
pub(crate) mod phrases;
pub(crate) mod slices;
pub(crate) mod test;
pub(crate) mod threshold;
pub(crate) mod uses;

use super::table::{Side, Table};
use super::words::ago;
use super::{Paper, paint};
use remuda_app::analysis::{Analyses, AnalysisHead};

/// Which candidate on which data: what the first line of an answer begins with.
fn title(head: &AnalysisHead) -> String {
    format!("{} {} on {} {}", paint::bold(&head.model_name), head.model.short(), head.dataset, head.version.short())
}

/// What a look at the holdout took.
fn charge(head: &AnalysisHead) -> &'static str {
    if head.charged { "  a look at holdout rows was charged\n" } else { "" }
}

/// `analysis list`.
pub(crate) fn list(answer: &Analyses, paper: &Paper) -> String {
    if answer.analyses.is_empty() && answer.requests.is_empty() {
        return "No analyses yet: `remuda analysis slices MODEL`.\n".to_owned();
    }
    let columns = [
        ("analysis", Side::Whole),
        ("of", Side::Whole),
        ("model", Side::Left),
        ("version", Side::Whole),
        ("rows", Side::Whole),
        ("found", Side::Left),
        ("when", Side::Whole),
        ("who", Side::Left),
    ];
    let mut table = Table::new(&columns);
    for analysis in &answer.analyses {
        table.row(vec![
            analysis.id.clone(),
            analysis.kind.clone(),
            analysis.model_name.clone(),
            analysis.model.short().to_owned(),
            analysis.split.clone(),
            analysis.found.clone(),
            ago(analysis.time, paper.now),
            analysis.actor.clone(),
        ]);
    }
    let mut out = if answer.analyses.is_empty() { String::new() } else { table.render(paper.width) };
    if !answer.requests.is_empty() {
        let gap = if out.is_empty() { "" } else { "\n" };
        out.push_str(&format!("{gap}{}\n{}", paint::bold("Labels asked for"), uses::requests(&answer.requests, paper)));
    }
    out
}
