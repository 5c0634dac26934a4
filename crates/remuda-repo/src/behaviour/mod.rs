//! Reading `tests/NAME.toml`: behavioural tests. Where rows come from is here; how they change and what is expected of
//! them, beside it. A TOML file of that folder that has none of our keys belongs to somebody else and is left alone.

mod change;
mod expect;
mod known;

use self::known::Known;
use crate::definitions::Context;
use crate::source::{Source, Table, nearest};
use crate::team::read_word;
use crate::tree::{self, Node, Value};
use remuda_model::behaviour::{Base, BehaviouralTest, BehaviouralTests, LIMIT_CAP, TestType};
use remuda_model::data::{FeatureKind, Split};
use serde_json::Map;
use std::collections::{BTreeMap, BTreeSet};

/// Base rows that a test takes of the data, and fills of templates, where it names no limit.
const USUAL_DATA: u64 = 200;
const USUAL_FILLS: u64 = 500;
/// The most draws of other columns for one base row.
const DRAWS_CAP: u64 = 1_000;

const FILE_KEYS: [&str; 5] = ["about", "data", "seed", "lexicon", "test"];
const TEST_KEYS: [&str; 16] = [
    "name",
    "about",
    "capability",
    "type",
    "template",
    "column",
    "rows",
    "from",
    "where",
    "with",
    "others",
    "draws",
    "limit",
    "change",
    "expect",
    "pass_rate",
];

/// Reads one file of behavioural tests.
pub(crate) fn read(source: &mut Source<'_>, context: &Context<'_>) -> Option<BehaviouralTests> {
    let root = match tree::toml::parse(source.text, 0) {
        Ok(root) => root,
        Err(faults) => {
            source.syntax("TOML", &faults);
            return None;
        }
    };
    let root = source.table_of(&root, "tests")?;
    let is_ours = |key: &str| FILE_KEYS.contains(&key) || nearest(key, &FILE_KEYS).is_some();
    if !root.entries.iter().any(|entry| is_ours(&entry.key)) {
        source.warning(&(0..0), "missing_key", "this file holds no behavioural test", "begin one with `[[test]]`");
        return None;
    }
    let name = source.file.rsplit('/').next().unwrap_or_default().trim_end_matches(".toml").to_owned();
    if !remuda_model::text::is_name(&name) {
        let message = format!("`{name}` cannot be the name of tests: use lower case letters, digits, `-` and `_`");
        let hint = format!("rename the file to `{}.toml`", remuda_model::text::to_name(&name));
        source.whole("invalid_name", message, &hint);
    }
    root.allow(source, &FILE_KEYS);
    let about = root.text(source, "about").unwrap_or_default().trim().to_owned();
    let dataset = root.text(source, "data");
    let contract = match (dataset, root.get("data")) {
        (Some(dataset), Some(node)) => context.check_dataset(source, &node.span, dataset),
        _ if context.contracts.len() == 1 => context.contracts.values().next().and_then(Option::as_ref),
        _ => None,
    };
    let seed = root.get("seed").map_or(Some(1), |node| source.count_of(node, "seed", 0));
    let open = context.files.0.keys().any(|path| path.starts_with("features/"));
    let lexicons = read_lexicons(source, root);
    let mut known = Known { contract, open, lexicons, used: BTreeSet::new() };
    let node = root.require(source, "test", "[[test]]")?;
    if !matches!(node.value, Value::List(_)) {
        let message = format!("`test` must be a list of tables, not {}", node.value.kind());
        source.error(&node.span, "wrong_type", message, "begin each test with `[[test]]`");
        return None;
    }
    let mut tests: Vec<BehaviouralTest> = Vec::new();
    for node in source.list_of(node, "test")? {
        let Some(table) = source.table_of(node, "test") else { continue };
        let Some(test) = read_test(source, &mut known, table) else { continue };
        if tests.iter().any(|earlier| earlier.name == test.name) {
            let span = table.get("name").map_or(table.span, |node| &node.span);
            source.error(span, "duplicate", format!("two tests are called `{}`", test.name), "rename one of them");
        }
        tests.push(test);
    }
    warn_of_unused(source, root, &known);
    let dataset = dataset.map(str::to_owned);
    Some(BehaviouralTests { name, about, dataset, seed: seed?, lexicons: known.lexicons, tests })
}

fn read_lexicons(source: &mut Source<'_>, root: Table<'_>) -> BTreeMap<String, Vec<String>> {
    let mut lexicons = BTreeMap::new();
    let Some(table) = root.get("lexicon").and_then(|node| source.table_of(node, "lexicon")) else { return lexicons };
    for entry in table.entries {
        let words = source.texts_of(&entry.node, &entry.key).unwrap_or_default();
        if words.is_empty() {
            let hint = format!("{} = [\"one\", \"another\"]", entry.key);
            source.error(&entry.node.span, "invalid_value", format!("lexicon `{}` has no words", entry.key), &hint);
        }
        let mut kept: Vec<String> = Vec::with_capacity(words.len());
        for (word, span) in words {
            if kept.iter().any(|earlier| earlier == word) {
                source.error(span, "duplicate", format!("`{word}` is in the lexicon twice"), "remove one of them");
            }
            kept.push(word.to_owned());
        }
        lexicons.insert(entry.key.clone(), kept);
    }
    lexicons
}

fn warn_of_unused(source: &mut Source<'_>, root: Table<'_>, known: &Known<'_>) {
    let Some(Value::Table(entries)) = root.get("lexicon").map(|node| &node.value) else { return };
    for entry in entries.iter().filter(|entry| !known.used.contains(&entry.key)) {
        let message = format!("no test uses lexicon `{}`", entry.key);
        let hint = format!("write `{{{}}}` in a template", entry.key);
        source.warning(&entry.key_span, "unused", message, &hint);
    }
}

fn read_test(source: &mut Source<'_>, known: &mut Known<'_>, table: Table<'_>) -> Option<BehaviouralTest> {
    table.allow(source, &TEST_KEYS);
    let name = table.require_text(source, "name", "name = \"typos\"");
    if let (Some(name), Some(node)) = (name, table.get("name")) {
        source.check_name(&node.span, "test", name);
    }
    let about = table.text(source, "about").unwrap_or_default().trim().to_owned();
    let capability = table.require_text(source, "capability", "capability = \"robustness\"");
    let words = TestType::ALL.map(TestType::as_str);
    let kind = read_word(source, table, "type", "type = \"minimum\"", &words, TestType::parse);
    let column = read_column(source, known, table);
    let base = read_base(source, known, table, column.as_deref());
    let with = match table.get("with") {
        Some(node) => read_row(source, known, node, "with"),
        None => Some(Map::new()),
    };
    let others = match table.get("others") {
        Some(node) => read_split(source, node, "others").map(Some),
        None => Some(None),
    };
    let draws = read_draws(source, table);
    let (limit, pass_rate) = read_numbers(source, table, base.as_ref());
    let kind = kind?;
    let changes = change::read(source, known, table, kind, column.as_deref());
    let expectation = expect::read(source, known, table, kind, base.as_ref());
    Some(BehaviouralTest {
        name: name?.to_owned(),
        about,
        capability: capability?.trim().to_owned(),
        base: base?,
        with: with?,
        others: others?,
        draws: draws?,
        limit: limit?,
        changes: changes?,
        expectation: expectation?,
        pass_rate: pass_rate?,
        line: source.text[..table.span.start].matches('\n').count() as u32 + 1,
    })
}

fn read_draws(source: &mut Source<'_>, table: Table<'_>) -> Option<u32> {
    let Some(node) = table.get("draws") else { return Some(1) };
    if table.get("others").is_none() {
        let hint = "add `others = \"validation\"`";
        source.error(&node.span, "invalid_value", "`draws` says how often other columns are drawn", hint);
    }
    change::capped(source, node, "draws", DRAWS_CAP)
}

fn read_numbers(source: &mut Source<'_>, table: Table<'_>, base: Option<&Base>) -> (Option<u64>, Option<f64>) {
    let limit = match table.get("limit") {
        Some(node) => source.count_of(node, "limit", 1).filter(|limit| {
            let fits = *limit <= LIMIT_CAP;
            if !fits {
                let most = remuda_model::text::thousands(LIMIT_CAP);
                source.error(&node.span, "invalid_value", format!("`limit` must be at most {most}"), "");
            }
            fits
        }),
        None => Some(match base {
            Some(Base::Data { .. }) => USUAL_DATA,
            Some(Base::Rows { .. }) => LIMIT_CAP,
            _ => USUAL_FILLS,
        }),
    };
    let pass_rate = match table.get("pass_rate") {
        Some(node) => source.number_of(node, "pass_rate").filter(|rate| {
            let fits = *rate > 0.0 && *rate <= 1.0;
            if !fits {
                let hint = "0.95 lets one case of twenty fail";
                source.error(&node.span, "invalid_value", "`pass_rate` must lie above 0 and at most 1", hint);
            }
            fits
        }),
        None => Some(1.0),
    };
    (limit, pass_rate)
}

/// The column of the test's text: the one that is named, else the only text that models read.
fn read_column(source: &mut Source<'_>, known: &Known<'_>, table: Table<'_>) -> Option<String> {
    if let Some(node) = table.get("column") {
        let column = source.text_of(node, "column")?;
        known.check_text_column(source, &node.span, column);
        return Some(column.to_owned());
    }
    let texts: Vec<&str> = known
        .contract?
        .features()
        .filter(|column| column.kind == Some(FeatureKind::Text))
        .map(|column| column.name.as_str())
        .collect();
    match texts.as_slice() {
        [only] => Some((*only).to_owned()),
        _ => None,
    }
}

fn read_base(source: &mut Source<'_>, known: &mut Known<'_>, table: Table<'_>, column: Option<&str>) -> Option<Base> {
    let given: Vec<&str> = ["template", "rows", "from"].into_iter().filter(|key| table.get(key).is_some()).collect();
    if let Some(node) = table.get("where").filter(|_| !given.contains(&"from")) {
        source.error(&node.span, "invalid_value", "`where` selects rows of the data", "add `from = \"validation\"`");
    }
    match given.as_slice() {
        ["template"] => read_templates(source, known, table.get("template")?, column),
        ["rows"] => {
            let node = table.get("rows")?;
            let items = source.list_of(node, "rows")?;
            if items.is_empty() {
                source.error(&node.span, "invalid_value", "`rows` is empty", "write rows = [{ COLUMN = \"value\" }]");
            }
            let rows: Vec<_> = items.iter().map(|item| read_row(source, known, item, "rows")).collect();
            Some(Base::Rows { rows: rows.into_iter().collect::<Option<_>>()? })
        }
        ["from"] => {
            let split = read_split(source, table.get("from")?, "from")?;
            let filter = table.text(source, "where").map(|filter| filter.trim().to_owned());
            Some(Base::Data { split, filter: filter.filter(|filter| !filter.is_empty()) })
        }
        [] => {
            let hint = "add `template = \"my {product} is broken\"`, `rows = [{ … }]` or `from = \"validation\"`";
            source.error(table.span, "missing_key", "this test says nothing about its rows", hint);
            None
        }
        _ => {
            let second = table.entry(given[1]).map_or(table.span, |entry| &entry.key_span);
            let message = format!("rows come from `{}` or from `{}`, not from both", given[0], given[1]);
            source.error(second, "duplicate", message, "make two tests of it");
            None
        }
    }
}

/// A split that tests may read. The holdout is for the gate alone: tests are run again and again.
fn read_split(source: &mut Source<'_>, node: &Node, key: &str) -> Option<Split> {
    match source.text_of(node, key)? {
        "validation" => Some(Split::Validation),
        "train" => Some(Split::Train),
        "holdout" => {
            let message =
                "behavioural tests never read the holdout: they are run again and again, and it would wear out";
            source.error(&node.span, "invalid_value", message, "write \"validation\"");
            None
        }
        other => {
            source.unknown_word(&node.span, "invalid_value", "split", other, &["validation", "train"]);
            None
        }
    }
}

fn read_templates(source: &mut Source<'_>, known: &mut Known<'_>, node: &Node, column: Option<&str>) -> Option<Base> {
    let texts = match &node.value {
        Value::List(_) => source.texts_of(node, "template")?,
        _ => vec![(source.text_of(node, "template")?, &node.span)],
    };
    if texts.is_empty() {
        source.error(&node.span, "invalid_value", "`template` is empty", "write \"my {product} is broken\"");
    }
    for (text, span) in &texts {
        known.check_template(source, text, span);
    }
    let Some(column) = column else {
        let hint = "add `column = \"COLUMN\"`";
        source.error(&node.span, "missing_key", "into which column does the template's text go?", hint);
        return None;
    };
    let templates = texts.into_iter().map(|(text, _)| text.to_owned()).collect();
    Some(Base::Templates { templates, column: column.to_owned() })
}

/// The values of a row, by column.
fn read_row(
    source: &mut Source<'_>,
    known: &Known<'_>,
    node: &Node,
    key: &str,
) -> Option<Map<String, serde_json::Value>> {
    let table = source.table_of(node, key)?;
    let mut row = Map::new();
    for entry in table.entries {
        known.check_column(source, &entry.key_span, &entry.key);
        let value = known.cell(source, &entry.node, &entry.key)?;
        row.insert(entry.key.clone(), value);
    }
    Some(row)
}
