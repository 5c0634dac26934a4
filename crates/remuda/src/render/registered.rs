//! Registered models.

use super::Paper;
use super::layout::wrap;
use super::paint;
use super::table::{Side, Table};
use super::words::ago;
use remuda_app::model::registry::{RegisteredEntry, RegisteredModels};
use remuda_model::model::registered::{RegisteredVersion, VersionStage};

/// Said where no alias is followed.
const NOT_FOLLOWED: &str =
    "The live endpoint follows no alias: name one by `alias` in serving.toml, and it moves only through the gate.";

/// `model registered`.
pub(crate) fn list(answer: &RegisteredModels, paper: &Paper) -> String {
    if answer.models.is_empty() {
        return "No registered models yet: log one from a script with `mlflow.onnx.log_model(…, registered_model_name=\"NAME\")`.\n"
            .to_owned();
    }
    let mut out = String::new();
    for (place, entry) in answer.models.iter().enumerate() {
        if place > 0 {
            out.push('\n');
        }
        out.push_str(&model(entry, answer, paper));
    }
    out.push_str(&match &answer.followed {
        Some(alias) => format!("\nThe live endpoint follows `{alias}`: it moves only through the gate.\n"),
        None => format!("\n{}", wrap(NOT_FOLLOWED, paper.width, 0)),
    });
    out
}

fn model(entry: &RegisteredEntry, answer: &RegisteredModels, paper: &Paper) -> String {
    let RegisteredEntry { model, versions } = entry;
    let mut out = format!("{}\n", paint::bold(&model.name));
    if let Some(description) = model.description.as_ref().filter(|text| !text.is_empty()) {
        out.push_str(&wrap(description, paper.width, 2));
    }
    for (key, value) in &model.tags {
        out.push_str(&wrap(&format!("{key}: {value}"), paper.width, 2));
    }
    if versions.is_empty() {
        out.push_str("  no version yet\n");
        return out;
    }
    let columns = [
        ("version", Side::Right),
        ("aliases", Side::Left),
        ("model", Side::Whole),
        ("run", Side::Whole),
        ("when", Side::Whole),
        ("who", Side::Left),
    ];
    let mut table = Table::new(&columns).indent(2);
    for version in versions {
        table.row(vec![
            version.version.to_string(),
            names(version),
            candidate(version, answer),
            version.run.clone().unwrap_or_default(),
            ago(version.created.saturating_mul(1000), paper.now),
            version.actor.clone(),
        ]);
    }
    out.push_str(&table.render(paper.width));
    for version in versions.iter().take(10) {
        if let Some(why) = version.refused() {
            out.push_str(&wrap(&format!("version {} is no candidate: {why}", version.version), paper.width, 2));
        }
    }
    out
}

fn names(version: &RegisteredVersion) -> String {
    let mut names = version.aliases.clone();
    if version.stage != VersionStage::None {
        names.push(format!("({})", version.stage.as_str()));
    }
    names.join(", ")
}

/// Which model version it is.
fn candidate(version: &RegisteredVersion, answer: &RegisteredModels) -> String {
    match version.candidate() {
        Some(digest) if answer.live.as_ref().is_some_and(|live| live.as_str() == digest) => {
            format!("{} {}", super::short(digest), paint::green("live"))
        }
        Some(digest) => super::short(digest).to_owned(),
        None => "–".to_owned(),
    }
}
