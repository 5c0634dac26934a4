//! Our own `customProperties` in a contract: what they are called, where they may stand and how they are read.
//! Custom properties of other programs are passed over.

use crate::source::{Source, Table, nearest};
use crate::tree::{Node, Value};
use remuda_model::data::{ColumnUse, FeatureKind};
use std::ops::Range;

pub(crate) const USE: &str = "remudaUse";
pub(crate) const KIND: &str = "remudaKind";
pub(crate) const MISSING: &str = "remudaMissing";
pub(crate) const SPLIT: &str = "remudaSplit";
pub(crate) const POSITIVE: &str = "remudaPositive";

const OF_PROPERTY: [&str; 2] = [USE, KIND];
const OF_SCHEMA: [&str; 3] = [MISSING, SPLIT, POSITIVE];

/// Where `customProperties` stand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    /// On the dataset.
    Schema,
    /// On one column.
    Property,
}

/// What was found, each with its place.
#[derive(Default)]
pub(crate) struct Custom {
    pub(crate) column_use: Option<(ColumnUse, Range<usize>)>,
    pub(crate) kind: Option<(FeatureKind, Range<usize>)>,
    pub(crate) missing: Option<(Vec<String>, Range<usize>)>,
    pub(crate) split: Option<Node>,
    pub(crate) positive: Option<(String, Range<usize>)>,
}

impl Custom {
    /// These, and where there is nothing, the other's.
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            column_use: self.column_use.or(other.column_use),
            kind: self.kind.or(other.kind),
            missing: self.missing.or(other.missing),
            split: self.split.or(other.split),
            positive: self.positive.or(other.positive),
        }
    }
}

/// Reads the `customProperties` of a table.
pub(crate) fn read(source: &mut Source<'_>, table: Table<'_>, level: Level) -> Custom {
    let mut found = Custom::default();
    let Some(node) = table.get("customProperties") else { return found };
    let Some(items) = source.list_of(node, "customProperties") else { return found };
    let mut seen: Vec<&str> = Vec::new();
    for item in items {
        let Some(item) = source.table_of(item, "customProperties") else { continue };
        item.allow(source, &["id", "property", "value", "description"]);
        let Some(name) = item.require_text(source, "property", "property: remudaUse") else { continue };
        let Some(place) = item.get("property") else { continue };
        if !is_ours(source, &place.span, name, level) {
            continue;
        }
        if seen.contains(&name) {
            source.error(&place.span, "duplicate", format!("`{name}` is given twice"), "remove one of them");
            continue;
        }
        seen.push(name);
        if let Some(value) = item.require(source, "value", "value: ...") {
            read_value(source, &mut found, name, value);
        }
    }
    found
}

/// Whether a property is one of ours at this level; what looks like ours and is not is reported.
fn is_ours(source: &mut Source<'_>, span: &Range<usize>, name: &str, level: Level) -> bool {
    let (here, elsewhere): (&[&str], &[&str]) = match level {
        Level::Schema => (&OF_SCHEMA, &OF_PROPERTY),
        Level::Property => (&OF_PROPERTY, &OF_SCHEMA),
    };
    if here.contains(&name) {
        return true;
    }
    if elsewhere.contains(&name) {
        let place = if level == Level::Schema { "a column" } else { "the dataset" };
        let message = format!("`{name}` is said of {place}");
        source.error(span, "conflict", message, &format!("move it to the `customProperties` of {place}"));
    } else if name.starts_with("remuda") {
        source.unknown_word(span, "unknown_key", "custom property", name, here);
    } else if let Some(near) = nearest(name, here) {
        let message = format!("custom property `{name}` is passed over");
        source.warning(span, "unknown_key", message, &format!("did you mean `{near}`?"));
    }
    false
}

fn read_value(source: &mut Source<'_>, found: &mut Custom, name: &str, value: &Node) {
    let span = value.span.clone();
    match name {
        USE => {
            let known = ["feature", "label", "key", "group", "time", "weight", "ignore"];
            found.column_use = read_word(source, value, name, &known, ColumnUse::parse).map(|word| (word, span));
        }
        KIND => {
            let known = ["number", "category", "text"];
            found.kind = read_word(source, value, name, &known, FeatureKind::parse).map(|word| (word, span));
        }
        MISSING => found.missing = read_missing(source, value).map(|words| (words, span)),
        SPLIT => found.split = Some(value.clone()),
        _ => found.positive = scalar_text(source, value, name).map(|class| (class, span)),
    }
}

fn read_word<T>(
    source: &mut Source<'_>,
    value: &Node,
    name: &str,
    known: &[&str],
    parse: impl Fn(&str) -> Option<T>,
) -> Option<T> {
    let word = source.text_of(value, name)?;
    let parsed = parse(word);
    if parsed.is_none() {
        source.unknown_word(&value.span, "invalid_value", name, word, known);
    }
    parsed
}

fn read_missing(source: &mut Source<'_>, value: &Node) -> Option<Vec<String>> {
    let mut words: Vec<String> = Vec::new();
    for item in source.list_of(value, MISSING)? {
        let Some(word) = scalar_text(source, item, MISSING) else { continue };
        if words.contains(&word) {
            source.error(&item.span, "duplicate", format!("`{word}` is listed twice"), "remove one of them");
        } else if word.is_empty() {
            source.error(&item.span, "invalid_value", "the empty field is always missing", "remove it");
        } else {
            words.push(word);
        }
    }
    Some(words)
}

/// A value as the text that stands in a data file: `0` for the number 0, as written.
pub(crate) fn scalar_text(source: &mut Source<'_>, node: &Node, key: &str) -> Option<String> {
    let written = source.text.get(node.span.clone()).unwrap_or_default().trim();
    let as_written = (!written.is_empty() && !written.starts_with(['*', '&', '!'])).then(|| written.to_owned());
    match &node.value {
        Value::Text(text) => Some(text.clone()),
        Value::Boolean(flag) => Some(as_written.unwrap_or_else(|| flag.to_string())),
        Value::Integer(number) => Some(as_written.unwrap_or_else(|| number.to_string())),
        Value::Float(number) => Some(as_written.unwrap_or_else(|| number.to_string())),
        // Lets the usual finding speak.
        Value::Null | Value::List(_) | Value::Table(_) => source.text_of(node, key).map(str::to_owned),
    }
}
