//! `gate report`: the document as a file, and the model card in Markdown (Mitchell et al. 2019, "Model cards for model
//! reporting").

use super::Paper;
use super::gate::verdict_word;
use super::words::{estimate, sentence};
use remuda_app::gate::ReportPage;
use remuda_model::data::{Split, Task};
use remuda_model::gate::Verdict;
use remuda_model::label::LabelSpace;
use remuda_model::text;

/// What stands on the terminal beside a written file.
pub(crate) fn written(view: &ReportPage, file: &str, bytes: usize) -> String {
    format!(
        "{}  report of {} on {} {}\n  {file}, {} kB: opens in any browser, prints, loads nothing\n",
        verdict_word(view.evaluation.verdict),
        view.evaluation.model_name,
        view.evaluation.dataset,
        view.evaluation.version.short(),
        text::thousands(bytes.div_ceil(1_000) as u64)
    )
}

/// The document as it is written to a file.
pub(crate) fn html(view: &ReportPage) -> String {
    remuda_web::report::document(view, remuda_web::report::Style::Inside).into_string()
}

/// What a terminal shows of a report: the gate's own rendering.
pub(crate) fn text(view: &ReportPage, paper: &Paper) -> String {
    super::gate::evaluation(&view.evaluation, paper)
}

/// The model card.
pub(crate) fn card(view: &ReportPage) -> String {
    let (evaluation, model, version) = (&view.evaluation, &view.model, &view.version);
    let mut out = format!("# Model card: {}\n\n", plain(&model.name));
    let verdict = evaluation.verdict.words();
    out.push_str(&format!(
        "Of {}. Its newest evaluation here, `{}`, says: **{verdict}**.\n",
        plain(&view.product),
        evaluation.id
    ));
    out.push_str("\n## Intended use\n\n");
    for one in &view.requirements {
        out.push_str(&format!(
            "**{}** ({}, speaks for it: {})\n\n",
            sentence(&plain(&one.goal)),
            one.name,
            plain(&one.owner)
        ));
        if !one.prose.is_empty() {
            // Headings of the requirement must not end this section.
            let quoted: Vec<String> = one.prose.lines().map(|line| format!("> {line}").trim_end().to_owned()).collect();
            out.push_str(&format!("{}\n\n", quoted.join("\n")));
        }
    }
    out.push_str("It was judged for this use and no other.\n\n## Model\n\n");
    let answers = match (&model.signature.task, &model.signature.labels) {
        (Task::Regression, _) => "a number".to_owned(),
        (_, LabelSpace::Number) => "a number".to_owned(),
        (_, labels) => {
            format!("one of {} classes ({})", labels.classes().len(), some(labels.classes().iter().map(String::as_str)))
        }
    };
    let inputs = some(model.signature.features.iter().map(|feature| feature.name.as_str()));
    let kind = model.algorithm.map_or("made elsewhere", |algorithm| algorithm.as_str());
    for (name, value) in [
        ("version", format!("`{}`", model.digest)),
        ("kind", format!("{kind}, ONNX, {} bytes, runs on {}", text::thousands(model.bytes), model.engine.as_str())),
        ("predicts", format!("`{}`: {answers}", model.signature.label)),
        ("inputs", inputs),
        ("made by", format!("run `{}`{}", model.run, commit(view))),
    ] {
        out.push_str(&format!("- {name}: {value}\n"));
    }
    out.push_str(&format!(
        "\n## Data\n\nDataset `{}`, version `{}`, from {}: {} rows to train, {} to choose, {} to decide.\n",
        version.dataset,
        version.digest,
        plain(&version.source),
        text::thousands(version.split_rows[Split::Train as usize]),
        text::thousands(version.split_rows[Split::Validation as usize]),
        text::thousands(version.split_rows[Split::Holdout as usize]),
    ));
    out.push_str("\n## How it was judged\n\n| criterion | verdict | estimate | n | method |\n|---|---|---|--:|---|\n");
    for verdict in evaluation.requirements.iter().flat_map(|one| &one.verdicts) {
        out.push_str(&line(verdict));
    }
    out.push_str(&format!(
        "\nIntervals are one-sided bounds on each side at the certainty that each criterion asks, shared among {} submissions of this holdout; this was number {}.\n",
        evaluation.budget, evaluation.look
    ));
    out.push_str("\n## Limits\n\n");
    for limit in limits(view) {
        out.push_str(&format!("- {limit}\n"));
    }
    out
}

fn commit(view: &ReportPage) -> String {
    let commit = view.snapshot.as_ref().and_then(|snapshot| snapshot.commit.as_ref());
    commit.map(|commit| format!(", code `{commit}`")).unwrap_or_default()
}

fn line(verdict: &Verdict) -> String {
    let slice = verdict.slice.as_ref().map(|slice| format!(" ({})", plain(slice))).unwrap_or_default();
    let waiver = verdict.waiver.as_ref().map(|waiver| format!("; {}", plain(&waiver.words()))).unwrap_or_default();
    let why = verdict.reason.as_ref().map(|reason| format!(": {}", plain(&reason.words()))).unwrap_or_default();
    let numbers = match verdict.estimate {
        Some(value) => estimate(Some(value), verdict.lower, verdict.upper),
        None => "–".to_owned(),
    };
    let (kind, n) = (verdict.kind.words(), text::thousands(verdict.n));
    format!(
        "| `{}`{slice} | {kind}{why}{waiver} | {numbers} | {n} | {} |\n",
        plain(&verdict.criterion),
        plain(&verdict.method)
    )
}

/// What the evidence itself says of its bounds.
fn limits(view: &ReportPage) -> Vec<String> {
    let verdicts = || view.evaluation.requirements.iter().flat_map(|one| &one.verdicts);
    let mut limits: Vec<String> = Vec::new();
    for verdict in verdicts().filter(|verdict| verdict.kind != remuda_model::gate::VerdictKind::Met) {
        limits.push(format!("`{}` is {}", plain(&verdict.criterion), verdict.kind.words()));
    }
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
    limits.push("labels are taken as right".to_owned());
    if view.signatures.is_empty() {
        limits.push("nobody has signed this evidence".to_owned());
    }
    limits
}

/// The first dozen names, and how many more.
fn some<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{}`", plain(name))).collect();
    match names.len() {
        0..=12 => names.join(", "),
        all => format!("{} and {} more", names[..12].join(", "), all - 12),
    }
}

/// A text that breaks neither a table nor a line.
fn plain(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}
