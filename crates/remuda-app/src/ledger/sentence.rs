//! What facts say in one sentence each.

use remuda_model::fact::Fact;

/// One sentence that says what happened.
pub(super) fn sentence(fact: &Fact) -> String {
    let payload: serde_json::Value = serde_json::from_str(&fact.fact.payload).unwrap_or_default();
    let text = |path: &[&str]| {
        let found = path.iter().try_fold(&payload, |value, key| value.get(key));
        found.map_or_else(String::new, |value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    };
    let number = |path: &[&str]| text(path).parse::<u64>().map(remuda_model::text::thousands).unwrap_or_default();
    let actor = &fact.fact.actor;
    let subject = short(&fact.fact.subject);
    match fact.fact.verb.as_str() {
        "product.created" => format!("{actor} made the product {subject}"),
        "data.added" => {
            format!("{actor} added {} rows of {} as version {subject}", number(&["rows"]), text(&["dataset"]))
        }
        "data.refused" => format!("{} was refused: it breaks the contract of {subject}", text(&["source"])),
        "holdout.looked" => {
            format!("{actor} looked at the holdout of {subject} ({}): {}", text(&["revealed"]), text(&["purpose"]))
        }
        "run.started" => match text(&["command"]) {
            command if command.is_empty() => format!("{actor} started run {subject}"),
            command => format!("{actor} started run {subject}: {command}"),
        },
        "run.resumed" => format!("{actor} went on with run {subject}"),
        "run.recorded" => match text(&["step", "step"]) {
            step if step.is_empty() => format!("run {subject} recorded metrics"),
            step => format!("run {subject}: step {step} {}", text(&["step", "outcome"])),
        },
        "run.imported" => {
            let number = |key: &str| payload[key].as_u64().unwrap_or(0);
            let runs = remuda_model::text::count(number("new_runs") + number("changed_runs"), "run");
            format!("{actor} imported {runs} from {}", text(&["source"]))
        }
        "view.saved" => format!("{actor} saved the view {}", text(&["name"])),
        "view.forgotten" => format!("{actor} forgot the view {}", text(&["name"])),
        "run.finished" => format!("run {subject} finished"),
        "run.failed" => format!("run {subject} failed: {}", text(&["note"]).lines().next().unwrap_or_default()),
        "run.deleted" => format!("{actor} deleted run {subject}"),
        "run.restored" => format!("{actor} brought run {subject} back"),
        "run.collected" => format!("{actor} removed run {subject} for good, with {} files", number(&["files"])),
        "experiment.collected" => format!("{actor} removed {} for good", fact.fact.subject.replace('/', " ")),
        "model.made" if text(&["version", "algorithm"]) == "null" => {
            format!("{actor} registered {} as model {subject}", text(&["version", "name"]))
        }
        "model.made" => format!("{actor} trained {} as model {subject}", text(&["version", "name"])),
        "model.logged" => format!("{actor} logged model {}", text(&["name"])),
        "model.log_deleted" => format!("{actor} deleted logged model {subject}"),
        "model.registered" => format!("{actor} registered version {subject}"),
        "model.unregistered" => format!("{actor} deleted {subject} from the registry"),
        "model.renamed" => format!("{actor} renamed registered model {subject} to {}", text(&["to"])),
        "model.alias_moved" => format!("{actor} pointed alias {} to {subject}", text(&["alias"])),
        "model.alias_removed" => format!("{actor} took alias {} from {subject}", text(&["alias"])),
        "model.staged" => format!("{actor} brought {subject} to stage {}", text(&["stage"])),
        "gate.evaluated" => {
            format!("{actor} evaluated {}: {}", text(&["model_name"]), text(&["verdict"]).replace('_', " "))
        }
        "analysis.tested" => {
            let passed = if text(&["passed"]) == "true" { "all pass" } else { "some fail" };
            format!("{actor} ran behavioural tests on {}: {passed}", text(&["model_name"]))
        }
        "analysis.sliced" => {
            let found = payload["slices"].as_array().map_or(0, Vec::len) as u64;
            let found = remuda_model::text::count(found, "slice");
            format!("{actor} searched {} for slices by {}: {found}", text(&["model_name"]), text(&["metric"]))
        }
        "analysis.doubted" => {
            let number = |key: &str| remuda_model::text::thousands(payload[key].as_u64().unwrap_or(0));
            format!("{actor} doubted {} of {} labels by {}", number("suspected"), number("rows"), text(&["model_name"]))
        }
        "label.requested" => {
            let rows = remuda_model::text::count(payload["rows"].as_u64().unwrap_or(0), "row");
            let what = if payload["again"] == true { "second labels" } else { "labels" };
            format!("{actor} asked for {what} of {rows} of {}", text(&["dataset"]))
        }
        "team.signed" => format!("{actor} signed {} of {}", text(&["kind"]), text(&["subject"])),
        "team.token_made" => format!("{actor} made a token for {subject}"),
        "team.token_revoked" => format!("{actor} withdrew the tokens of {subject}"),
        "release.created" => format!("{actor} made release {subject} of {}", text(&["model_name"])),
        "release.promoted" => format!("{actor} made release {subject} live"),
        "release.rolled_back" => match text(&["why"]) {
            why if why.is_empty() => format!("{actor} rolled back to release {subject}"),
            why => format!("{actor} rolled back to release {subject}: {why}"),
        },
        "serving.logged" => format!("release {subject} made {} predictions", number(&["count"])),
        "feedback.added" => format!("{actor} joined {} outcomes from {}", number(&["rows"]), text(&["source"])),
        verb => format!("{actor}: {verb} {subject}"),
    }
}

/// A digest as people read it; other subjects as they are.
pub(super) fn short(text: &str) -> String {
    match remuda_model::Digest::parse(text) {
        Ok(digest) => digest.short().to_owned(),
        Err(_) => text.to_owned(),
    }
}
