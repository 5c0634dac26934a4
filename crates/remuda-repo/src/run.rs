//! Reading `pipeline.toml`: steps, what each needs, and the order in which they can run. Running them is the
//! application's.

use crate::definitions::Context;
use crate::source::{Source, Table};
use crate::team::read_word;
use crate::tree::{self, Entry, Node, Value};
use remuda_model::run::{Action, Algorithm, Learn, Pipeline, Step, WrittenModel};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

/// Steps in an order in which each comes after all that it needs, as indices into [`Pipeline::steps`]; steps that do
/// not depend on each other keep the order of the file. `None` when some need each other in a circle.
pub fn order(pipeline: &Pipeline) -> Option<Vec<usize>> {
    let ordered = ordered_part(&all_needs(pipeline));
    (ordered.len() == pipeline.steps.len()).then_some(ordered)
}

/// The steps that can be ordered (Kahn's algorithm); those missing are in circles, or need one that is.
fn ordered_part(needs: &[Vec<usize>]) -> Vec<usize> {
    let mut open: Vec<usize> = needs.iter().map(Vec::len).collect();
    let mut waiting: Vec<Vec<usize>> = vec![Vec::new(); needs.len()];
    for (step, needed) in needs.iter().enumerate() {
        for need in needed {
            waiting[*need].push(step);
        }
    }
    let mut ready: BTreeSet<usize> = (0..needs.len()).filter(|step| open[*step] == 0).collect();
    let mut ordered = Vec::with_capacity(needs.len());
    while let Some(step) = ready.pop_first() {
        ordered.push(step);
        for next in &waiting[step] {
            open[*next] -= 1;
            if open[*next] == 0 {
                ready.insert(*next);
            }
        }
    }
    ordered
}

/// The steps that a step needs first: those named `step:NAME` among its inputs, and those whose outputs it reads.
pub fn needs(pipeline: &Pipeline, index: usize) -> Vec<usize> {
    all_needs(pipeline).into_iter().nth(index).unwrap_or_default()
}

fn all_needs(pipeline: &Pipeline) -> Vec<Vec<usize>> {
    let mut named: HashMap<&str, usize> = HashMap::new();
    let mut makers: HashMap<&str, usize> = HashMap::new();
    for (index, step) in pipeline.steps.iter().enumerate() {
        named.entry(&step.name).or_insert(index);
        for output in &step.outputs {
            makers.entry(output).or_insert(index);
        }
    }
    let need = |input: &String| match input.strip_prefix("step:") {
        Some(name) => named.get(name).copied(),
        None => makers.get(input.as_str()).copied(),
    };
    let needs_of = |step: &Step| {
        let distinct: BTreeSet<usize> = step.inputs.iter().filter_map(need).collect();
        distinct.into_iter().collect()
    };
    pipeline.steps.iter().map(needs_of).collect()
}

/// Names of the steps of a file that may be wrong in other ways; `None` when its syntax is broken.
pub(crate) fn step_names(text: &str) -> Option<Vec<String>> {
    let root = tree::toml::parse(text, 0).ok()?;
    let Value::Table(entries) = root.value else { return None };
    let steps = entries.into_iter().find(|entry| entry.key == "step")?.node;
    let Value::List(steps) = steps.value else { return None };
    let name_of = |step: Node| match step.value {
        Value::Table(entries) => {
            entries.into_iter().find(|entry| entry.key == "name").and_then(|entry| match entry.node.value {
                Value::Text(name) => Some(name),
                _ => None,
            })
        }
        _ => None,
    };
    Some(steps.into_iter().filter_map(name_of).collect())
}

/// Reads `pipeline.toml`.
pub(crate) fn read(source: &mut Source<'_>, context: &Context<'_>) -> Option<Pipeline> {
    let root = match tree::toml::parse(source.text, 0) {
        Ok(root) => root,
        Err(faults) => {
            source.syntax("TOML", &faults);
            return None;
        }
    };
    let root = source.table_of(&root, "pipeline.toml")?;
    root.allow(source, &["step"]);
    let Some(node) = root.get("step") else { return Some(Pipeline::default()) };
    if !matches!(node.value, Value::List(_)) {
        let message = format!("`step` must be a list of tables, not {}", node.value.kind());
        source.error(&node.span, "wrong_type", message, "begin each step with `[[step]]`");
        return None;
    }
    let nodes = source.list_of(node, "step")?;
    let names = step_names(source.text).unwrap_or_default();
    let mut pipeline = Pipeline::default();
    let mut places = Vec::new();
    for node in nodes {
        let Some(table) = source.table_of(node, "step") else { continue };
        if let Some(step) = read_step(source, context, table, &names) {
            places.push(table);
            pipeline.steps.push(step);
        }
    }
    check_together(source, &pipeline, &places);
    Some(pipeline)
}

fn read_step(source: &mut Source<'_>, context: &Context<'_>, table: Table<'_>, names: &[String]) -> Option<Step> {
    let known = ["name", "learn", "data", "features", "seed", "command", "inputs", "outputs", "parameters", "model"];
    table.allow(source, &known);
    let name = table.require_text(source, "name", "name = \"trees\"");
    if let (Some(name), Some(node)) = (name, table.get("name")) {
        source.check_name(&node.span, "step", name);
    }
    let action = match (table.entry("learn"), table.entry("command")) {
        (Some(_), Some(command)) => {
            source.error(
                &command.key_span,
                "conflict",
                "a step has `learn` or `command`, not both",
                "make two steps of it",
            );
            None
        }
        (Some(_), None) => read_learn(source, context, table).map(Action::Learn),
        (None, Some(command)) => read_command(source, table, command).map(Action::Command),
        (None, None) => {
            let misspelt = table.entries.iter().any(|entry| !known.contains(&entry.key.as_str()));
            if !misspelt {
                let span = table.entries.first().map_or(table.span.clone(), |entry| entry.key_span.clone());
                let hint = "add `learn = \"trees\"` with `data = \"NAME\"`, or `command = \"python train.py\"`";
                source.error(&span, "missing_key", "the step has neither `learn` nor `command`", hint);
            }
            None
        }
    };
    let inputs = read_paths(source, context, table, "inputs", names);
    let outputs = read_paths(source, context, table, "outputs", names);
    let parameters = read_parameters(source, table);
    let model = match table.entry("model") {
        None => Some(None),
        Some(entry) if table.entry("learn").is_some() => {
            let hint = "remove `[step.model]`: a step with `learn` makes its model by itself";
            source.error(&entry.key_span, "conflict", "`model` is for steps with `command`", hint);
            None
        }
        Some(entry) => read_model(source, context, &entry.node, outputs.as_deref().unwrap_or_default()).map(Some),
    };
    Some(Step {
        name: name?.to_owned(),
        action: action?,
        inputs: inputs?,
        outputs: outputs?,
        parameters: parameters?,
        model: model?,
    })
}

/// `[step.model]`: the model that a command writes.
fn read_model(source: &mut Source<'_>, context: &Context<'_>, node: &Node, outputs: &[String]) -> Option<WrittenModel> {
    let table = source.table_of(node, "model")?;
    table.allow(source, &["file", "data", "features", "classes", "logits", "golden"]);
    let output = |source: &mut Source<'_>, key: &str, path: &str| {
        if !outputs.iter().any(|output| output == path) {
            let span = table.get(key).map_or(table.span.clone(), |node| node.span.clone());
            let hint = format!("write it under `outputs` too: `outputs = [\"{path}\"]`");
            source.error(&span, "conflict", format!("`{path}` is no output of the step"), &hint);
        }
    };
    let file = table.require_text(source, "file", "file = \"model.onnx\"");
    if let Some(file) = file {
        output(source, "file", file);
    }
    let golden = table.text(source, "golden");
    if let Some(golden) = golden {
        output(source, "golden", golden);
    }
    let dataset = table.require_text(source, "data", "data = \"NAME\"");
    let contract = match (dataset, table.get("data")) {
        (Some(dataset), Some(node)) => context.check_dataset(source, &node.span, dataset),
        _ => None,
    };
    if let (Some(contract), Some(node)) = (contract, table.get("data"))
        && contract.label().is_none()
    {
        let message = format!("dataset `{}` has no label, so a model of it has no purpose", contract.name);
        let hint = format!("mark a column in data/{}.odcs.yaml with `remudaUse: label`", contract.name);
        source.error(&node.span, "conflict", message, &hint);
    }
    let known: Option<Vec<&str>> =
        contract.map(|contract| contract.columns.iter().map(|column| column.name.as_str()).collect());
    let features = read_words(source, table, "features", known.as_deref());
    let classes = read_words(source, table, "classes", None);
    let logits = match table.get("logits") {
        None => Some(false),
        Some(node) => source.flag_of(node, "logits"),
    };
    Some(WrittenModel {
        file: file?.to_owned(),
        dataset: dataset?.to_owned(),
        features: features?,
        classes: classes?,
        logits: logits?,
        golden: golden.map(str::to_owned),
    })
}

/// A list of distinct texts, each one of the known columns where those are given; empty when the key is absent.
fn read_words(source: &mut Source<'_>, table: Table<'_>, key: &str, known: Option<&[&str]>) -> Option<Vec<String>> {
    let Some(node) = table.get(key) else { return Some(Vec::new()) };
    let mut words: Vec<String> = Vec::new();
    for (word, span) in source.texts_of(node, key)? {
        if words.iter().any(|earlier| earlier == word) {
            source.error(span, "duplicate", format!("`{word}` is listed twice"), "remove one of them");
        }
        if let Some(known) = known.filter(|known| !known.contains(&word)) {
            source.unknown_word(span, "unknown_column", "column", word, known);
        }
        words.push(word.to_owned());
    }
    Some(words)
}

fn read_command(source: &mut Source<'_>, table: Table<'_>, command: &Entry) -> Option<String> {
    for key in ["data", "features", "seed"] {
        if let Some(entry) = table.entry(key) {
            let hint = match key {
                "data" => {
                    "name the dataset under `inputs` as \"data:NAME\", and in `[step.model]` if it writes a model"
                }
                _ => "put it under `[step.parameters]`",
            };
            source.error(&entry.key_span, "conflict", format!("`{key}` is for steps with `learn`"), hint);
        }
    }
    let text = source.text_of(&command.node, "command")?;
    if text.trim().is_empty() || text.contains('\0') {
        source.error(
            &command.node.span,
            "invalid_value",
            "`command` is empty",
            "write `command = \"python train.py\"`",
        );
        return None;
    }
    Some(text.to_owned())
}

fn read_learn(source: &mut Source<'_>, context: &Context<'_>, table: Table<'_>) -> Option<Learn> {
    let algorithm =
        read_word(source, table, "learn", "learn = \"trees\"", &["trees", "linear", "majority"], Algorithm::parse);
    let seed = match table.get("seed") {
        Some(node) => source.count_of(node, "seed", 0),
        None => Some(0),
    };
    let dataset = table.require_text(source, "data", "data = \"NAME\"");
    let contract = match (dataset, table.get("data")) {
        (Some(dataset), Some(node)) => context.check_dataset(source, &node.span, dataset),
        _ => None,
    };
    if let (Some(contract), Some(node)) = (contract, table.get("data"))
        && contract.label().is_none()
    {
        let message = format!("dataset `{}` has no label, so there is nothing to learn", contract.name);
        let hint = format!("mark a column in data/{}.odcs.yaml with `remudaUse: label`", contract.name);
        source.error(&node.span, "conflict", message, &hint);
    }
    let mut features = Vec::new();
    if let Some(node) = table.get("features") {
        for (name, span) in source.texts_of(node, "features")? {
            if features.iter().any(|earlier| earlier == name) {
                source.error(span, "duplicate", format!("feature `{name}` is listed twice"), "remove one of them");
                continue;
            }
            features.push(name.to_owned());
            let Some(contract) = contract else { continue };
            let known: Vec<&str> = contract.features().map(|column| column.name.as_str()).collect();
            match contract.column(name) {
                Some(_) if known.contains(&name) => {}
                Some(column) => {
                    let message = format!("column `{name}` is the {}, not a feature", column.column_use.as_str());
                    source.error(span, "conflict", message, "remove it from `features`");
                }
                None => source.unknown_word(span, "unknown_column", "column", name, &known),
            }
        }
    }
    Some(Learn { algorithm: algorithm?, dataset: dataset?.to_owned(), features, seed: seed? })
}

fn read_paths(
    source: &mut Source<'_>,
    context: &Context<'_>,
    table: Table<'_>,
    key: &str,
    names: &[String],
) -> Option<Vec<String>> {
    let Some(node) = table.get(key) else { return Some(Vec::new()) };
    let mut paths: Vec<String> = Vec::new();
    for (path, span) in source.texts_of(node, key)? {
        if let Some(name) = path.strip_prefix("step:").filter(|_| key == "inputs") {
            if !names.iter().any(|known| known == name) {
                let known: Vec<&str> = names.iter().map(String::as_str).collect();
                source.unknown_word(span, "unknown_step", "step", name, &known);
            }
        } else if let Some(name) = path.strip_prefix("data:").filter(|_| key == "inputs") {
            context.check_dataset(source, span, name);
        } else {
            check_path(source, span, path);
        }
        if paths.iter().any(|earlier| earlier == path) {
            source.error(span, "duplicate", format!("`{path}` is listed twice"), "remove one of them");
        }
        paths.push(path.to_owned());
    }
    Some(paths)
}

fn check_path(source: &mut Source<'_>, span: &Range<usize>, path: &str) {
    let reserved = [".git", ".remuda"].iter().any(|folder| path.split('/').next() == Some(folder));
    let outside = path.starts_with('/') || path.contains(':') || path.split('/').any(|part| part == "..");
    let odd = path.trim().is_empty() || path.contains(['\\', '\0']);
    if outside || odd || reserved {
        let hint = "write a path from the product's root with forward slashes, `data:NAME` or `step:NAME`";
        source.error(span, "invalid_value", format!("`{path}` is no path inside the product"), hint);
    }
}

fn read_parameters(source: &mut Source<'_>, table: Table<'_>) -> Option<BTreeMap<String, serde_json::Value>> {
    let Some(node) = table.get("parameters") else { return Some(BTreeMap::new()) };
    let parameters = source.table_of(node, "parameters")?;
    let mut read: BTreeMap<String, serde_json::Value> = BTreeMap::new();
    for entry in parameters.entries {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if entry.key.is_empty() || !entry.key.bytes().all(allowed) {
            let message = format!("`{}` cannot be the name of a parameter", entry.key);
            source.error(&entry.key_span, "invalid_name", message, "use letters, digits, `_` and `-`");
        }
        let variable = |key: &str| key.to_ascii_uppercase().replace('-', "_");
        if let Some(earlier) = read.keys().find(|earlier| variable(earlier) == variable(&entry.key)) {
            let message = format!("parameters `{earlier}` and `{}` reach a command as the same variable", entry.key);
            source.error(&entry.key_span, "duplicate", message, "rename one of them");
        }
        if let Some(value) = json_of(source, &entry.node, &entry.key) {
            read.insert(entry.key.clone(), value);
        }
    }
    Some(read)
}

fn json_of(source: &mut Source<'_>, node: &Node, key: &str) -> Option<serde_json::Value> {
    Some(match &node.value {
        Value::Null => serde_json::Value::Null,
        Value::Boolean(flag) => (*flag).into(),
        Value::Integer(number) => (*number).into(),
        Value::Float(_) => source.number_of(node, key)?.into(),
        Value::Text(text) => text.clone().into(),
        Value::List(items) => items.iter().filter_map(|item| json_of(source, item, key)).collect::<Vec<_>>().into(),
        Value::Table(entries) => entries
            .iter()
            .filter_map(|entry| Some((entry.key.clone(), json_of(source, &entry.node, &entry.key)?)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
    })
}

/// What only shows when all steps are known: names and outputs used twice, and circles.
fn check_together(source: &mut Source<'_>, pipeline: &Pipeline, places: &[Table<'_>]) {
    let place = |index: usize, key: &str| {
        let table = places[index];
        table.get(key).map_or_else(|| table.span.clone(), |node| node.span.clone())
    };
    for (index, step) in pipeline.steps.iter().enumerate() {
        let earlier = &pipeline.steps[..index];
        if earlier.iter().any(|other| other.name == step.name) {
            source.error(
                &place(index, "name"),
                "duplicate",
                format!("two steps are called `{}`", step.name),
                "rename one of them",
            );
        }
        for output in &step.outputs {
            if let Some(other) = earlier.iter().find(|other| other.outputs.contains(output)) {
                let message = format!("steps `{}` and `{}` both write `{output}`", other.name, step.name);
                source.error(&place(index, "outputs"), "duplicate", message, "give each step files of its own");
            }
        }
    }
    if let Some(circle) = find_circle(pipeline) {
        let shown: Vec<String> =
            circle.iter().take(10).map(|index| format!("`{}`", pipeline.steps[*index].name)).collect();
        let first = &shown[0];
        let message = match circle.len() {
            1 => format!("step {first} needs itself"),
            2..=10 => format!("these steps need each other in a circle: {} needs {first}", shown.join(" needs ")),
            many => format!("{many} steps need each other in a circle: {} needs …", shown.join(" needs ")),
        };
        source.error(&place(circle[0], "inputs"), "cycle", message, "remove one of these inputs");
    }
}

/// The steps of one circle, each needing the next, from the first in the file on; or none.
fn find_circle(pipeline: &Pipeline) -> Option<Vec<usize>> {
    let needs = all_needs(pipeline);
    let mut left: BTreeSet<usize> = (0..needs.len()).collect();
    for step in ordered_part(&needs) {
        left.remove(&step);
    }
    // Every step that is left needs another that is left, so walking along one need each must come back.
    let mut way: Vec<usize> = vec![left.first().copied()?];
    let mut places: HashMap<usize, usize> = HashMap::from([(way[0], 0)]);
    loop {
        let last = way[way.len() - 1];
        let next = needs[last].iter().copied().find(|need| left.contains(need))?;
        if let Some(at) = places.insert(next, way.len()) {
            let mut circle = way.split_off(at);
            let first = circle.iter().enumerate().min_by_key(|(_, step)| **step).map_or(0, |(place, _)| place);
            circle.rotate_left(first);
            return Some(circle);
        }
        way.push(next);
    }
}
