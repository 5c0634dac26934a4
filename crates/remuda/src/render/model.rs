//! Model versions.

use super::Paper;
use super::chart;
use super::layout::{cut, wrap};
use super::paint;
use super::table::{Side, Table};
use super::words::{ago, bytes, metric};
use remuda_app::model::{AddedModel, ExportedModel, ModelLine, ModelPage, Models};
use remuda_model::data::Task;
use remuda_model::run::MetricValue;
use remuda_model::text;

/// `model list`.
pub(crate) fn list(answer: &Models, paper: &Paper) -> String {
    if answer.models.is_empty() {
        return "No models yet: `remuda run` trains those of `pipeline.toml`.\n".to_owned();
    }
    let columns = [
        ("model", Side::Left),
        ("version", Side::Whole),
        ("run", Side::Whole),
        ("on validation", Side::Whole),
        ("when", Side::Whole),
        ("who", Side::Left),
    ];
    let mut table = Table::new(&columns);
    for line in &answer.models {
        table.row(vec![
            paint::bold(&line.version.name),
            line.version.digest.short().to_owned(),
            line.version.run.clone(),
            line.metrics.first().map(|first| format!("{} {}", first.name, metric(first))).unwrap_or_default(),
            ago(line.time, paper.now),
            line.actor.clone(),
        ]);
    }
    table.render(paper.width)
}

/// `model show`.
pub(crate) fn show(page: &ModelPage, paper: &Paper) -> String {
    let ModelLine { version, actor, time, metrics, importance, notes } = &page.line;
    let signature = &version.signature;
    let mut out = format!("{}  {}  {}\n", paint::bold(&version.name), version.digest.short(), bytes(version.bytes));
    let how = version
        .algorithm
        .map_or("trained elsewhere".to_owned(), |algorithm| format!("built-in `{}`", algorithm.as_str()));
    out.push_str(&format!("  {how}, run {}, {} by {actor}\n", version.run, ago(*time, paper.now)));
    if let Some(data) = &version.trained_on {
        out.push_str(&format!("  trained on version {}\n", data.short()));
    }
    out.push_str(&format!("  runs on {}\n", version.engine.as_str()));
    let answers = match signature.task {
        Task::Regression => "a number".to_owned(),
        Task::Binary | Task::Multiclass => cut(&text::list(signature.labels.classes()), 200),
    };
    out.push_str(&wrap(&format!("predicts {}: {answers}", signature.label), paper.width, 2));
    if !metrics.is_empty() {
        out.push_str(&format!("\n{}\n{}", paint::bold("On validation"), metric_table(metrics, paper)));
    }
    out.push_str(&format!("\n{}\n", paint::bold(&text::count(signature.features.len() as u64, "input"))));
    let mut table = Table::new(&[("", Side::Left), ("", Side::Left), ("", Side::Right), ("", Side::Left)]).indent(2);
    let weight = |name: &str| importance.iter().find(|(known, _)| known == name).map(|(_, share)| *share);
    let mut features: Vec<_> = signature.features.iter().map(|feature| (feature, weight(&feature.name))).collect();
    features.sort_by(|left, right| right.1.unwrap_or(0.0).total_cmp(&left.1.unwrap_or(0.0)));
    for (feature, share) in features {
        let percent = share.map(super::words::percent).unwrap_or_default();
        let bar = share.map(|share| chart::bar(share, 24)).unwrap_or_default();
        table.row(vec![feature.name.clone(), paint::dim(feature.kind.as_str()), percent, paint::cyan(&bar)]);
    }
    out.push_str(&table.render(paper.width));
    if !page.evaluations.is_empty() {
        out.push_str(&format!(
            "\n{}\n{}",
            paint::bold("Evaluations"),
            super::gate::summaries(&page.evaluations, paper, 2)
        ));
    }
    if !notes.is_empty() {
        out.push_str(&format!("\n{}\n{}", paint::bold("Notes"), note_lines(notes, paper)));
    }
    for version in &page.registered {
        let aliases = version.aliases.iter().map(|alias| format!(", {}", paint::cyan(alias)));
        out.push_str(&format!(
            "\nregistered as {} version {}{}\n",
            version.model,
            version.version,
            aliases.collect::<String>()
        ));
    }
    for release in &page.releases {
        out.push_str(&format!("\nreleased as {}\n", super::short(release)));
    }
    out
}

/// `model add`.
pub(crate) fn added(answer: &AddedModel, paper: &Paper) -> String {
    let version = &answer.version;
    let short = version.digest.short();
    let (name, bytes) = (paint::bold(&version.name), bytes(version.bytes));
    if answer.unchanged {
        return format!("– {name}  {short}  was registered before, in the same way\n");
    }
    let mut out = format!("{} {name}  {short}  {bytes}, run {}\n", paint::green("✓"), version.run);
    let inputs = text::count(version.signature.features.len() as u64, "input");
    out.push_str(&wrap(
        &format!("reads {inputs}, predicts {}, runs on {}", version.signature.label, version.engine.as_str()),
        paper.width,
        2,
    ));
    if !answer.metrics.is_empty() {
        out.push_str(&format!("\n{}\n{}", paint::bold("On validation"), metric_table(&answer.metrics, paper)));
    }
    out.push_str(&format!("\n{}\n{}", paint::bold("Notes"), note_lines(&answer.notes, paper)));
    out.push_str(&format!("\nNext: {}\n", paint::cyan(&format!("remuda gate evaluate {}", version.name))));
    out
}

/// `model export`.
pub(crate) fn exported(answer: &ExportedModel, _paper: &Paper) -> String {
    format!("{} {}  {}  {}\n", paint::green("✓"), answer.output.display(), bytes(answer.bytes), answer.digest.short())
}

fn note_lines(notes: &[String], paper: &Paper) -> String {
    notes.iter().map(|note| format!("  · {}", wrap(note, paper.width, 4).trim_start())).collect()
}

/// Metrics with their intervals.
pub(crate) fn metric_table(metrics: &[MetricValue], paper: &Paper) -> String {
    let columns = [("metric", Side::Left), ("value", Side::Whole), ("n", Side::Right), ("method", Side::Left)];
    let mut table = Table::new(&columns).indent(2);
    for value in metrics {
        table.row(vec![value.name.clone(), metric(value), text::thousands(value.n), paint::dim(&value.method)]);
    }
    table.render(paper.width)
}
