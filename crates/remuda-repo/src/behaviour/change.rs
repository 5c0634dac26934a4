//! Reading `change`: one table or a list of them, each with one way to change a column.

use super::known::Known;
use crate::source::{Source, Table};
use crate::tree::{Entry, Node, Value};
use remuda_model::behaviour::{Change, LetterCase, Perturbation, Punctuation, TestType};
use remuda_model::data::ColumnType;

/// The ways to change a column.
const WAYS: [&str; 10] =
    ["typos", "case", "punctuation", "numbers", "swap", "negation", "prepend", "append", "set", "add"];

/// The most slips of the finger, and the most variants.
const TYPOS_CAP: u64 = 20;
const TIMES_CAP: u64 = 100;

/// The changes of a test: none for minimum functionality, at least one for the other types.
pub(super) fn read(
    source: &mut Source<'_>,
    known: &mut Known<'_>,
    table: Table<'_>,
    kind: TestType,
    column: Option<&str>,
) -> Option<Vec<Change>> {
    if kind == TestType::Minimum {
        if let Some(entry) = table.entry("change") {
            let message = "a test of minimum functionality takes its rows as they are";
            source.error(
                &entry.key_span,
                "invalid_value",
                message,
                "write `type = \"invariance\"` or `\"directional\"`",
            );
        }
        return Some(Vec::new());
    }
    let node = table.require(source, "change", "change = { typos = 1 }")?;
    let nodes: Vec<&Node> = match &node.value {
        Value::List(_) => source.list_of(node, "change")?.iter().collect(),
        _ => vec![node],
    };
    if nodes.is_empty() {
        source.error(&node.span, "invalid_value", "`change` is empty", "write change = { typos = 1 }");
    }
    let changes: Vec<Option<Change>> = nodes.into_iter().map(|node| read_one(source, known, node, column)).collect();
    changes.into_iter().collect()
}

fn read_one(source: &mut Source<'_>, known: &mut Known<'_>, node: &Node, usual: Option<&str>) -> Option<Change> {
    let table = source.table_of(node, "change")?;
    table.allow(source, &[&WAYS[..], &["column", "times"]].concat());
    let ways: Vec<&Entry> = table.entries.iter().filter(|entry| WAYS.contains(&entry.key.as_str())).collect();
    let way = match ways.as_slice() {
        [way] => *way,
        [] => {
            // A slip of the finger was reported as an unknown key.
            if table.entries.iter().all(|entry| ["column", "times"].contains(&entry.key.as_str())) {
                let hint = "add one of `typos`, `case`, `punctuation`, `numbers`, `swap`, `negation`, `prepend`, `append`, \
                            `set` and `add`";
                source.error(table.span, "missing_key", "this change does not say what changes", hint);
            }
            return None;
        }
        [_, second, ..] => {
            let message = format!("a change is one thing, not `{}` and `{}`", ways[0].key, second.key);
            source.error(&second.key_span, "duplicate", message, "make two changes of it: [{ … }, { … }]");
            return None;
        }
    };
    let column = match table.get("column") {
        Some(node) => source.text_of(node, "column").map(str::to_owned),
        None => usual.map(str::to_owned),
    };
    let Some(column) = column else {
        source.error(&way.key_span, "missing_key", "which column changes?", "add `column = \"COLUMN\"`");
        return None;
    };
    let perturbation = perturbation(source, known, way, &column);
    if let Some(perturbation) = &perturbation {
        let span = table.get("column").map_or(&way.key_span, |node| &node.span);
        if perturbation.is_of_text() {
            known.check_text_column(source, span, &column);
        } else {
            known.check_column(source, span, &column);
        }
        known.check_input(source, span, &column);
    }
    let times = match table.get("times") {
        Some(node) => {
            if perturbation.as_ref().is_some_and(|what| !what.is_random()) {
                let message = format!("`{}` has one outcome, so `times` has no meaning", way.key);
                source.error(&node.span, "invalid_value", message, "take it out");
            }
            capped(source, node, "times", TIMES_CAP)
        }
        None => Some(1),
    };
    Some(Change { column, perturbation: perturbation?, times: times? })
}

fn perturbation(source: &mut Source<'_>, known: &mut Known<'_>, way: &Entry, column: &str) -> Option<Perturbation> {
    let (node, key) = (&way.node, way.key.as_str());
    match key {
        "typos" => capped(source, node, key, TYPOS_CAP).map(Perturbation::Typos),
        "case" => one_of(source, node, key, &LetterCase::ALL, LetterCase::as_str).map(Perturbation::Case),
        "punctuation" => {
            one_of(source, node, key, &Punctuation::ALL, Punctuation::as_str).map(Perturbation::Punctuation)
        }
        "numbers" => flag(source, node, key).map(|()| Perturbation::Numbers),
        "negation" => flag(source, node, key).map(|()| Perturbation::Negation),
        "swap" => {
            let lexicon = source.text_of(node, key)?;
            let lexicon = known.check_lexicon(source, &node.span, lexicon)?;
            if known.lexicons.get(&lexicon).is_some_and(|words| words.len() < 2) {
                let message = format!("lexicon `{lexicon}` has no second word to swap with");
                source.error(&node.span, "invalid_value", message, "add words to it");
            }
            Some(Perturbation::Swap(lexicon))
        }
        "prepend" | "append" => {
            let text = source.text_of(node, key)?;
            known.check_template(source, text, &node.span);
            let text = text.to_owned();
            Some(if key == "prepend" { Perturbation::Prepend(text) } else { Perturbation::Append(text) })
        }
        "set" => {
            let items = source.list_of(node, key)?;
            if items.is_empty() {
                source.error(&node.span, "invalid_value", "`set` has no values", "write set = [\"one\", \"another\"]");
            }
            let values: Vec<_> = items.iter().map(|item| known.cell(source, item, column)).collect();
            Some(Perturbation::Set(values.into_iter().collect::<Option<_>>()?))
        }
        _ => {
            let amount = source.number_of(node, key)?;
            check_amount(source, known, node, column, amount);
            Some(Perturbation::Add(amount))
        }
    }
}

fn check_amount(source: &mut Source<'_>, known: &Known<'_>, node: &Node, column: &str, amount: f64) {
    let kind = known.contract.and_then(|contract| contract.column(column)).map(|column| column.column_type);
    if amount == 0.0 {
        source.error(&node.span, "invalid_value", "adding 0 changes nothing", "write another number");
    } else if kind.is_some_and(|kind| !kind.is_numeric()) {
        source.error(&node.span, "wrong_type", format!("`{column}` is no number"), "`set` changes it to other values");
    } else if kind == Some(ColumnType::Integer) && amount.fract() != 0.0 {
        source.error(&node.span, "wrong_type", format!("`{column}` holds whole numbers"), "add a whole number");
    }
}

pub(super) fn capped(source: &mut Source<'_>, node: &Node, key: &str, cap: u64) -> Option<u32> {
    let count = source.count_of(node, key, 1)?;
    if count > cap {
        source.error(&node.span, "invalid_value", format!("`{key}` must be at most {cap}"), "");
        return None;
    }
    u32::try_from(count).ok()
}

fn one_of<T: Copy>(
    source: &mut Source<'_>,
    node: &Node,
    key: &str,
    all: &[T],
    word: impl Fn(T) -> &'static str,
) -> Option<T> {
    let written = source.text_of(node, key)?;
    let found = all.iter().copied().find(|one| word(*one) == written);
    if found.is_none() {
        let words: Vec<&str> = all.iter().map(|one| word(*one)).collect();
        source.unknown_word(&node.span, "invalid_value", key, written, &words);
    }
    found
}

/// `numbers = true`: there is nothing else to say.
fn flag(source: &mut Source<'_>, node: &Node, key: &str) -> Option<()> {
    if source.flag_of(node, key)? {
        return Some(());
    }
    source.error(
        &node.span,
        "invalid_value",
        format!("`{key} = false` changes nothing"),
        "write `true`, or take it out",
    );
    None
}
