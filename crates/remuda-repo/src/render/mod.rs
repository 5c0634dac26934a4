//! Writing definitions as files: with the comments a newcomer needs, and such that reading them back gives the same
//! value. Placing the texts on disk is [`mod@crate::scaffold`]'s. The contract's YAML is in `data.rs`.

mod data;

use remuda_model::analysis::NamedSlice;
use remuda_model::requirement::{Looks, Requirement};
use remuda_model::run::{Action, Pipeline, Step};
use remuda_model::serving::Serving;
use remuda_model::team::{Product, Role};
use std::fmt::Write;

pub use data::contract;

/// The text of `remuda.toml`.
pub fn product(product: &Product) -> String {
    let mut text = String::from(
        "# The product, its team and what its hand-offs demand. Check this and the other definitions with `remuda check`.\n\n",
    );
    text.push_str("[product]\n");
    line(&mut text, "name", &quoted(&product.name), "");
    line(&mut text, "stage", &quoted(product.stage.as_str()), "explore, build or operate");
    let signatures: Vec<&str> = product.risk.signatures().iter().map(|kind| kind.as_str()).collect();
    let remark = format!("low, medium or high; a promotion needs: {}", signatures.join(", "));
    line(&mut text, "risk", &quoted(product.risk.as_str()), &remark);
    line(
        &mut text,
        "solo",
        &product.solo.to_string(),
        "true: a team of one, whose own signatures count; releases say so",
    );
    match &product.server {
        Some(server) => line(&mut text, "server", &quoted(server), "keeps the team's ledger"),
        None => text.push_str(
            "# server = \"http://127.0.0.1:7878\"  # a server that keeps the team's ledger; without it: .remuda/\n",
        ),
    }
    text.push_str("\n[holdout]\n");
    line(
        &mut text,
        "budget",
        &product.holdout_budget.to_string(),
        "what one holdout bears: a look at verdicts costs 1, at numbers 2, at rows 5",
    );
    let roles: Vec<&str> = Role::ALL.iter().map(|role| role.as_str()).collect();
    let _ = write!(text, "\n# Roles: {}.\n# The email joins a member to their git commits.\n", roles.join(", "));
    for member in &product.members {
        let _ = writeln!(text, "[members.{}]", key(&member.name));
        if let Some(email) = &member.email {
            line(&mut text, "email", &quoted(email), "");
        }
        let roles: Vec<&str> = member.roles.iter().map(|role| role.as_str()).collect();
        line(&mut text, "roles", &list(&roles), "");
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// The text of `requirements/NAME.md`.
pub fn requirement(requirement: &Requirement) -> String {
    let mut text = String::from("+++\n");
    line(&mut text, "goal", &quoted(&requirement.goal), "");
    line(&mut text, "owner", &quoted(&requirement.owner), "the member or role that speaks for it");
    line(&mut text, "data", &quoted(&requirement.dataset), "the dataset whose holdout decides");
    text.push_str("# One line each; a candidate needs all of them. \"@99%\" at the end asks to be surer than 95 %.\n");
    text.push_str("criteria = [\n");
    for stated in &requirement.criteria {
        let _ = writeln!(text, "    {},", quoted(&stated.text));
    }
    text.push_str("]\n");
    match &requirement.looks {
        Some(Looks::AnyTime) => line(&mut text, "looks", &quoted("any time"), ""),
        Some(Looks::Planned(rows)) => line(&mut text, "looks", &format!("{rows:?}"), ""),
        None => {}
    }
    text.push_str("+++\n");
    if !requirement.prose.is_empty() {
        let _ = write!(text, "\n{}\n", requirement.prose);
    }
    text
}

/// The text of `pipeline.toml`.
pub fn pipeline(pipeline: &Pipeline) -> String {
    let mut text = String::from(
        "# Steps of `remuda run`. A step whose inputs did not change is skipped.\n\
         # `learn` trains without any other program: trees, linear or majority (the floor under every claim).\n\
         # `command` runs anything, from this folder; parameters reach it as REMUDA_PARAM_NAME.\n\
         # `inputs` are files, \"data:NAME\" and \"step:NAME\"; `outputs` are files.\n",
    );
    for step in &pipeline.steps {
        text.push('\n');
        write_step(&mut text, step);
    }
    text
}

fn write_step(text: &mut String, step: &Step) {
    text.push_str("[[step]]\n");
    line(text, "name", &quoted(&step.name), "");
    match &step.action {
        Action::Command(command) => line(text, "command", &quoted(command), ""),
        Action::Learn(learn) => {
            line(text, "learn", &quoted(learn.algorithm.as_str()), "");
            line(text, "data", &quoted(&learn.dataset), "");
            if !learn.features.is_empty() {
                line(text, "features", &list(&learn.features), "");
            }
            line(text, "seed", &learn.seed.to_string(), "");
        }
    }
    if !step.inputs.is_empty() {
        line(text, "inputs", &list(&step.inputs), "");
    }
    if !step.outputs.is_empty() {
        line(text, "outputs", &list(&step.outputs), "");
    }
    if let Some(model) = &step.model {
        text.push_str("[step.model]\n");
        line(text, "file", &quoted(&model.file), "");
        line(text, "data", &quoted(&model.dataset), "");
        for (key, words) in [("features", &model.features), ("classes", &model.classes)] {
            if !words.is_empty() {
                line(text, key, &list(words), "");
            }
        }
        if model.logits {
            line(text, "logits", "true", "");
        }
        if let Some(golden) = &model.golden {
            line(text, "golden", &quoted(golden), "");
        }
    }
    if !step.parameters.is_empty() {
        text.push_str("[step.parameters]\n");
        for (name, value) in &step.parameters {
            if let Some(value) = toml_of(value) {
                line(text, &key(name), &value, "");
            }
        }
    }
}

/// The text of `serving.toml`.
pub fn serving(serving: &Serving) -> String {
    let mut text = String::from("# How releases are served by `remuda up`.\n");
    line(&mut text, "endpoint", &quoted(&serving.endpoint), "the model's name in the Open Inference Protocol");
    match &serving.on_duty {
        Some(word) => line(&mut text, "on_duty", &quoted(word), "the member or role that answers alerts"),
        None => text.push_str("# on_duty = \"backend-engineer\"  # the member or role that answers alerts\n"),
    }
    match &serving.alias {
        Some(alias) => line(&mut text, "alias", &quoted(&alias.to_string()), "the alias that says what is live"),
        None => {
            text.push_str("# alias = \"champion\"  # the alias of registered models that moves only through the gate\n")
        }
    }
    text.push_str("\n[drift]\n");
    let distance = float(serving.drift_distance);
    line(
        &mut text,
        "distance",
        &distance,
        "drift is called beyond this distance (0 to 1), besides what chance explains",
    );
    text
}

/// The lines of `slices.toml` that give a slice its name.
pub fn named_slice(slice: &NamedSlice) -> String {
    let mut text = format!("[slice.{}]\n", key(&slice.name));
    line(&mut text, "data", &quoted(&slice.dataset), "");
    line(&mut text, "where", &quoted(&slice.filter), "");
    if !slice.why.is_empty() {
        line(&mut text, "why", &quoted(&slice.why), "");
    }
    text
}

/// A behavioural test over the rows of a slice: each must get the label that it carries.
#[derive(Clone, Debug, PartialEq)]
pub struct SliceTest {
    /// Its name, unique in the file.
    pub name: String,
    /// One line for readers.
    pub about: String,
    /// What it is a test of.
    pub capability: String,
    /// The rows of validation that it is made of, as an SQL predicate.
    pub filter: String,
    /// The most rows.
    pub limit: u64,
    /// The share that must be right.
    pub pass_rate: f64,
}

/// The lines with which a new file of tests over slices begins.
pub fn slice_tests(dataset: &str) -> String {
    let mut text = String::from(
        "# Behavioural tests over slices: rows of validation that must get the label they carry.\n\
         # Run them with `remuda analysis test CANDIDATE`.\n",
    );
    line(&mut text, "about", &quoted("Slices on which a candidate was found wanting"), "");
    line(&mut text, "data", &quoted(dataset), "");
    text
}

/// The lines of a file of tests that hold one over a slice.
pub fn slice_test(test: &SliceTest) -> String {
    let mut text = String::from("[[test]]\n");
    line(&mut text, "name", &quoted(&test.name), "");
    if !test.about.is_empty() {
        line(&mut text, "about", &quoted(&test.about), "");
    }
    line(&mut text, "capability", &quoted(&test.capability), "");
    line(&mut text, "type", &quoted("minimum"), "");
    line(&mut text, "from", &quoted("validation"), "");
    line(&mut text, "where", &quoted(&test.filter), "");
    line(&mut text, "limit", &test.limit.to_string(), "");
    line(&mut text, "pass_rate", &float(test.pass_rate), "");
    text
}

fn line(text: &mut String, key: &str, value: &str, remark: &str) {
    let _ = write!(text, "{key} = {value}");
    if !remark.is_empty() {
        let _ = write!(text, "  # {remark}");
    }
    text.push('\n');
}

fn list<S: AsRef<str>>(items: &[S]) -> String {
    let items: Vec<String> = items.iter().map(|item| quoted(item.as_ref())).collect();
    let one_line = format!("[{}]", items.join(", "));
    if one_line.chars().count() <= 100 { one_line } else { format!("[\n    {},\n]", items.join(",\n    ")) }
}

fn key(name: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if !name.is_empty() && name.bytes().all(bare) { name.to_owned() } else { quoted(name) }
}

/// A double-quoted string, whose escapes mean the same in TOML and in YAML.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            other if other.is_control() || matches!(other, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                let _ = write!(out, "\\u{:04x}", other as u32);
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

/// A float that both languages read back as the same float, never as a whole number.
fn float(number: f64) -> String {
    format!("{number:?}")
}

/// A parameter in TOML, on one line; `None` for null, which TOML lacks.
fn toml_of(value: &serde_json::Value) -> Option<String> {
    Some(match value {
        serde_json::Value::Null => return None,
        serde_json::Value::Bool(flag) => flag.to_string(),
        serde_json::Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => whole.to_string(),
            (None, Some(number)) => float(number),
            (None, None) => return None,
        },
        serde_json::Value::String(text) => quoted(text),
        serde_json::Value::Array(items) => {
            let items: Vec<String> = items.iter().filter_map(toml_of).collect();
            format!("[{}]", items.join(", "))
        }
        serde_json::Value::Object(entries) => {
            let entries: Vec<String> = entries
                .iter()
                .filter_map(|(name, value)| Some(format!("{} = {}", key(name), toml_of(value)?)))
                .collect();
            format!("{{ {} }}", entries.join(", "))
        }
    })
}
