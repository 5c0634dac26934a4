//! The model card in Markdown (Mitchell et al. 2019, "Model cards for model reporting"). Whatever others wrote stands in
//! it as words: no goal, name or predicate can break it.

use super::markdown::{code, code_in_cell, line, quoted, words};
use super::words::{estimate, figure, metric, percent, sentence};
use remuda_app::gate::{ReportPage, RequirementWords};
use remuda_model::data::{Split, Task};
use remuda_model::gate::{Verdict, VerdictKind};
use remuda_model::label::LabelSpace;
use remuda_model::text;

/// Slices and tests that a card names.
const SHOWN: usize = 8;

/// The model card.
pub(crate) fn card(view: &ReportPage) -> String {
    let evaluation = &view.evaluation;
    let mut out = format!("# Model card: {}\n\n", words(&view.model.name));
    out.push_str(&format!(
        "Of {}. Evaluation {} says: **{}**.\n",
        words(&view.product),
        code(&evaluation.id),
        evaluation.verdict.words()
    ));
    let parts = [
        ("Intended use", intended_use(view)),
        ("Model", model(view)),
        ("Data", data(view)),
        ("How it was judged", judged(view)),
        ("Where it fails", slices(view)),
        ("How it behaves", behaviour(view)),
        ("Limits", list(limits(view))),
    ];
    for (title, body) in parts {
        out.push_str(&format!("\n## {title}\n\n{}\n", body.trim_end()));
    }
    out
}

fn list(lines: impl IntoIterator<Item = String>) -> String {
    lines.into_iter().map(|line| format!("- {line}\n")).collect()
}

fn intended_use(view: &ReportPage) -> String {
    let one = |one: &RequirementWords| {
        let mut out = format!(
            "**{}** ({}, speaks for it: {})\n\n",
            sentence(&line(&one.goal)),
            words(&one.name),
            words(&one.owner)
        );
        if !one.prose.is_empty() {
            out.push_str(&format!("{}\n\n", quoted(&one.prose)));
        }
        out
    };
    let all: String = view.requirements.iter().map(one).collect();
    format!("{all}It was judged for this use and no other.\n")
}

fn model(view: &ReportPage) -> String {
    let model = &view.model;
    let answers = match (&model.signature.task, &model.signature.labels) {
        (Task::Regression, _) | (_, LabelSpace::Number) => "a number".to_owned(),
        (_, labels) => {
            format!("one of {} classes ({})", labels.classes().len(), some(labels.classes().iter().map(String::as_str)))
        }
    };
    let kind = model.algorithm.map_or("made elsewhere", |algorithm| algorithm.as_str());
    let commit = view.snapshot.as_ref().and_then(|snapshot| snapshot.commit.as_ref());
    let commit = commit.map(|commit| format!(", code {}", code(commit))).unwrap_or_default();
    list([
        format!("version: {}", code(model.digest.as_str())),
        format!("kind: {kind}, ONNX, {} bytes, runs on {}", text::thousands(model.bytes), model.engine.as_str()),
        format!("predicts: {}: {answers}", code(&model.signature.label)),
        format!("inputs: {}", some(model.signature.features.iter().map(|feature| feature.name.as_str()))),
        format!("made by: run {}{commit}", code(&model.run)),
    ])
}

fn data(view: &ReportPage) -> String {
    let version = &view.version;
    let split = |split: Split| text::thousands(version.split_rows[split as usize]);
    format!(
        "Dataset {}, version {}, from {}: {} rows to train, {} to choose, {} to decide.\n",
        code(&version.dataset),
        code(version.digest.as_str()),
        words(&version.source),
        split(Split::Train),
        split(Split::Validation),
        split(Split::Holdout),
    )
}

fn judged(view: &ReportPage) -> String {
    let mut out = "| criterion | verdict | estimate | n | method |\n|---|---|---|--:|---|\n".to_owned();
    for verdict in verdicts(view) {
        out.push_str(&row(verdict));
    }
    out.push_str(&format!(
        "\nIntervals are one-sided bounds on each side at the certainty that each criterion asks, shared among {} submissions of this holdout; this was number {}.\n",
        view.evaluation.budget, view.evaluation.look
    ));
    out
}

fn verdicts(view: &ReportPage) -> impl Iterator<Item = &Verdict> {
    view.evaluation.requirements.iter().flat_map(|one| &one.verdicts)
}

fn row(verdict: &Verdict) -> String {
    let slice = verdict.slice.as_ref().map(|slice| format!(" ({})", words(slice))).unwrap_or_default();
    let waiver = verdict.waiver.as_ref().map(|waiver| format!("; {}", words(&waiver.words()))).unwrap_or_default();
    let why = verdict.reason.as_ref().map(|reason| format!(": {}", words(&reason.words()))).unwrap_or_default();
    let numbers = match verdict.estimate {
        Some(value) => estimate(Some(value), verdict.lower, verdict.upper),
        None => "–".to_owned(),
    };
    let (kind, n) = (verdict.kind.words(), text::thousands(verdict.n));
    format!(
        "| {}{slice} | {kind}{why}{waiver} | {numbers} | {n} | {} |\n",
        code_in_cell(&verdict.criterion),
        words(&verdict.method)
    )
}

fn slices(view: &ReportPage) -> String {
    let Some(found) = &view.findings.sliced else {
        return format!(
            "Nobody has looked: {}.",
            code(&format!("remuda analysis slices {}", view.model.digest.short()))
        );
    };
    if let Some(nothing) = &found.nothing {
        return format!("No group of rows of {} stands out: {}.", found.split, words(nothing));
    }
    let mut out = format!(
        "The {} over all {} rows that were checked is {}. Slices found on other rows of {}:\n\n\
         | slice | {} | rest | rows | |\n|---|---|--:|--:|---|\n",
        words(&found.loss),
        text::thousands(found.overall.n),
        metric(&found.overall),
        found.split,
        words(&found.loss)
    );
    for slice in found.slices.iter().take(SHOWN) {
        let rest = slice.rest.map_or_else(|| "–".to_owned(), figure);
        let within = slice.within.map(|within| format!(" of slice {within}")).unwrap_or_default();
        let confirmed = if slice.confirmed { "confirmed" } else { "not confirmed" };
        out.push_str(&format!(
            "| {}. {} | {} | {rest}{within} | {} | {confirmed} |\n",
            slice.number,
            code_in_cell(&slice.filter),
            estimate(slice.inside.value, slice.inside.lower, slice.inside.upper),
            text::thousands(slice.rows)
        ));
    }
    out.push_str("\nConfirmed: worse on rows that the search has not seen, at 5 % for all of them together (Holm).\n");
    out
}

fn behaviour(view: &ReportPage) -> String {
    let Some(found) = &view.findings.tested else {
        let command = format!("remuda analysis test {}", view.model.digest.short());
        return format!("No behavioural test was run: {}.", code(&command));
    };
    let mut out = "| capability | type | tests that pass | cases that pass |\n|---|---|--:|---|\n".to_owned();
    for row in &found.matrix {
        for cell in &row.cells {
            out.push_str(&format!(
                "| {} | {} | {} of {} | {} |\n",
                words(&row.capability),
                cell.kind.words(),
                cell.passing,
                cell.tests,
                estimate(cell.rate.value, cell.rate.lower, cell.rate.upper)
            ));
        }
    }
    let failing = found.tests.iter().filter(|test| !test.passed);
    let failing: Vec<String> = failing.map(|test| code(&format!("{}/{}", test.file, test.name))).collect();
    if !failing.is_empty() {
        out.push_str(&format!("\nFailing: {}.\n", failing.join(", ")));
    }
    out
}

/// What the evidence itself says of its bounds.
fn limits(view: &ReportPage) -> Vec<String> {
    let open = verdicts(view).filter(|verdict| verdict.kind != VerdictKind::Met);
    let mut limits: Vec<String> =
        open.map(|verdict| format!("{} is {}", code(&verdict.criterion), verdict.kind.words())).collect();
    if let Some(curves) = &view.evaluation.curves {
        let off = |bin: &&remuda_model::analysis::CalibrationBin| bin.promised < bin.lower || bin.promised > bin.upper;
        let count = curves.calibration.iter().filter(off).count();
        // By chance so many would be off in one of a hundred reports.
        if count > 2 + curves.calibration.len() / 12 {
            let all = curves.calibration.len();
            limits.push(format!(
                "scores do not mean what they say in {count} of {all} bins of like scores (95 % intervals)"
            ));
        }
    }
    limits.push(
        "rows like those of the dataset above; other populations, times and languages were not judged".to_owned(),
    );
    limits.push(match &view.findings.doubted {
        Some(found) if found.rows > 0 => format!(
            "labels are taken as right; {} of {} of {} are in doubt ({})",
            text::thousands(found.suspected),
            text::thousands(found.rows),
            found.split,
            percent(found.suspected as f64 / found.rows as f64)
        ),
        _ => "labels are taken as right; nobody has asked whether they are".to_owned(),
    });
    if view.signatures.is_empty() {
        limits.push("nobody has signed this evidence".to_owned());
    }
    limits
}

/// The first dozen names, and how many more.
fn some<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.map(code).collect();
    match names.len() {
        0..=12 => names.join(", "),
        all => format!("{} and {} more", names[..12].join(", "), all - 12),
    }
}
