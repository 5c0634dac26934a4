//! What an import took and an export wrote.

use super::Paper;
use super::layout::wrap;
use super::paint;
use super::table::{Side, Table};
use remuda_app::run::{ExportedRuns, ImportedRuns};
use remuda_model::text::{count, thousands};

/// `run import`.
pub(crate) fn imported(answer: &ImportedRuns, paper: &Paper) -> String {
    let mut out = String::new();
    let revision = answer.revision.as_ref().map(|revision| format!(" (revision {revision})")).unwrap_or_default();
    let fresh = answer.new_runs + answer.changed_runs;
    if answer.new_runs + answer.changed_runs + answer.same_runs == 0 {
        out.push_str(&format!("There are no runs in {}{revision}.\n", answer.source));
    } else if fresh == 0 {
        let runs = count(answer.same_runs, "run");
        out.push_str(&format!("Nothing is new in {}{revision}: {runs} as imported before.\n", answer.source));
    } else {
        let word = if answer.dry_run { "Would import" } else { "Imported" };
        let mut parts = vec![format!("{} new", count(answer.new_runs, "run"))];
        if answer.changed_runs > 0 {
            parts.push(format!("{} changed", thousands(answer.changed_runs)));
        }
        if answer.same_runs > 0 {
            parts.push(format!("{} the same", thousands(answer.same_runs)));
        }
        let points = count(answer.points, "metric point");
        out.push_str(&format!("{word} from {}{revision}: {}; {points}\n", answer.source, parts.join(", ")));
    }
    if answer.artifacts > 0 {
        let files = count(answer.artifacts, "artifact");
        out.push_str(&format!("{files} of {}\n", super::words::bytes(answer.artifact_bytes)));
    }
    let mut table =
        Table::new(&[("experiment", Side::Left), ("runs there", Side::Right), ("here", Side::Whole)]).indent(2);
    for experiment in &answer.experiments {
        let here = match (experiment.experiment, experiment.known) {
            (Some(number), true) => format!("{number}, was here"),
            (Some(number), false) => format!("{number}, new"),
            (None, _) => "new".to_owned(),
        };
        table.row(vec![experiment.name.clone(), thousands(experiment.runs), here]);
    }
    out.push_str(&table.render(paper.width));
    notes(&mut out, &answer.notes, paper);
    if answer.dry_run {
        out.push_str(&paint::dim("nothing was written: leave out --dry-run to import\n"));
    } else if fresh > 0 {
        out.push_str(&paint::dim("see them: remuda run list\n"));
    }
    out
}

/// `run export`.
pub(crate) fn exported(answer: &ExportedRuns, paper: &Paper) -> String {
    if answer.runs == 0 {
        return format!(
            "No tracked runs to export: {} has the experiments alone. `remuda run import` brings some in.\n",
            answer.folder
        );
    }
    let mut out = format!(
        "Exported {} of {} with {} and {} to {}\n",
        count(answer.runs, "run"),
        count(answer.experiments, "experiment"),
        count(answer.points, "metric point"),
        count(answer.artifacts, "artifact"),
        answer.folder
    );
    notes(&mut out, &answer.notes, paper);
    out
}

fn notes(out: &mut String, notes: &[String], paper: &Paper) {
    for note in notes {
        out.push_str(&wrap(&format!("{} {note}", paint::yellow("note:")), paper.width, 0));
    }
}
