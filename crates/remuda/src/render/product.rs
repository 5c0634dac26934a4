//! What `init` made and what `check` found.

use super::Paper;
use super::data::oddities;
use super::error::diagnostic;
use super::layout::wrap;
use super::paint;
use super::table::{Side, Table};
use super::words::{metric, sentence};
use remuda_app::product::{Checked, Initialised};
use remuda_app::requirement::CriterionWords;
use remuda_model::data::{ColumnUse, Contract, Task};
use remuda_model::diagnostic::Severity;
use remuda_model::text;

/// `init`.
pub(crate) fn initialised(made: &Initialised, paper: &Paper) -> String {
    let version = &made.version;
    let mut out = format!("{} {}\n", paint::green("✓"), paint::bold(&made.folder.display().to_string()));
    let rows = text::count(version.rows, "row");
    let [train, validation, holdout] = version.split_rows.map(text::thousands);
    out.push_str(&format!("  {rows}: train {train}, validation {validation}, holdout {holdout}\n"));
    out.push_str(&wrap(&inferred(&made.contract, made.task), paper.width, 2));
    if !made.oddities.is_empty() {
        out.push_str(&format!("\n{}\n{}", paint::bold("What looks odd"), oddities(&made.oddities, paper)));
    }
    if !made.baselines.is_empty() {
        out.push_str(&format!("\n{}\n", paint::bold("Measured on validation")));
        let mut table = Table::new(&[("baseline", Side::Left), ("", Side::Left), ("", Side::Left)]).indent(2);
        for baseline in &made.baselines {
            for value in baseline.metrics.iter().take(3) {
                table.row(vec![baseline.name.clone(), value.name.clone(), metric(value)]);
            }
        }
        out.push_str(&table.render(paper.width));
    }
    if !made.criteria.is_empty() {
        out.push_str(&format!("\n{}\n", paint::bold("Proposed criteria: change them to what the business needs")));
        made.criteria.iter().for_each(|criterion| out.push_str(&criterion_words(criterion, paper)));
    }
    out.push_str(&format!("\n{}\n", paint::bold("Files")));
    made.files.iter().for_each(|file| out.push_str(&format!("  {file}\n")));
    let roles: Vec<String> = made.member.roles.iter().map(|role| role.words()).collect();
    out.push_str(&wrap(&format!("The first member is {}: {}.", made.member.name, text::list(&roles)), paper.width, 0));
    let name = made.folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    out.push_str(&format!("{} {}\n", paint::cyan("next:"), paint::cyan(&format!("cd {name} && remuda run"))));
    out
}

/// What the contract says, in one sentence.
fn inferred(contract: &Contract, task: Task) -> String {
    let of_use = |purpose: ColumnUse| -> Vec<&str> {
        contract
            .columns
            .iter()
            .filter(|column| column.column_use == purpose)
            .map(|column| column.name.as_str())
            .collect()
    };
    let task = match task {
        Task::Binary => "one of two classes",
        Task::Multiclass => "one of several classes",
        Task::Regression => "a number",
    };
    let label = contract.label().map_or("nothing", |label| label.name.as_str());
    let mut parts = vec![format!("predicts {label}, {task}")];
    if let Some(positive) = &contract.positive {
        parts.push(format!("metrics are of {positive}"));
    }
    parts.push(text::count(of_use(ColumnUse::Feature).len() as u64, "feature"));
    for (purpose, words) in [
        (ColumnUse::Key, "key"),
        (ColumnUse::Group, "group"),
        (ColumnUse::Time, "time"),
        (ColumnUse::Weight, "weight"),
        (ColumnUse::Ignore, "ignored"),
    ] {
        let names = of_use(purpose);
        if !names.is_empty() {
            parts.push(format!("{words} {}", text::list(&names)));
        }
    }
    parts.join("; ")
}

/// `check`.
pub(crate) fn checked(answer: &Checked, paper: &Paper) -> String {
    let mut out = String::new();
    for found in &answer.diagnostics {
        out.push_str(&diagnostic(found, paper));
        out.push('\n');
    }
    for (requirement, criteria) in &answer.criteria {
        out.push_str(&format!("{}\n", paint::bold(requirement)));
        criteria.iter().for_each(|criterion| out.push_str(&criterion_words(criterion, paper)));
        out.push('\n');
    }
    let errors = answer.diagnostics.iter().filter(|found| found.severity == Severity::Error).count() as u64;
    let warnings = answer.diagnostics.len() as u64 - errors;
    let files = text::count(answer.files, "definition file");
    let summary = match (errors, warnings) {
        (0, 0) => format!("{} {files}, all sound\n", paint::green("✓")),
        (0, warnings) => format!("{} {files}, {}\n", paint::yellow("!"), text::count(warnings, "warning")),
        (errors, 0) => format!("{} {files}, {}\n", paint::red("✗"), text::count(errors, "error")),
        (errors, warnings) => {
            format!(
                "{} {files}, {}, {}\n",
                paint::red("✗"),
                text::count(errors, "error"),
                text::count(warnings, "warning")
            )
        }
    };
    out.push_str(&summary);
    out
}

/// A criterion and what it says.
fn criterion_words(criterion: &CriterionWords, paper: &Paper) -> String {
    format!("  {}\n{}", criterion.text, paint::dim(&wrap(&sentence(&criterion.words), paper.width, 4)))
}
