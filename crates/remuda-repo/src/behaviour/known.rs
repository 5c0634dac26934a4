//! What the parts of a test are held against: the contract's columns and types, the file's lexicons.

use crate::requirement::place_in;
use crate::source::Source;
use crate::tree::{Node, Value};
use remuda_model::behaviour::template::{self, Part, lexicon_of};
use remuda_model::data::{ColumnType, ColumnUse, Contract};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// What a test's parts are held against.
pub(super) struct Known<'a> {
    /// The contract of the file's dataset, where there is one.
    pub(super) contract: Option<&'a Contract>,
    /// Whether columns may come from elsewhere than the contract.
    pub(super) open: bool,
    /// Words by lexicon.
    pub(super) lexicons: BTreeMap<String, Vec<String>>,
    /// The lexicons that some test uses.
    pub(super) used: BTreeSet<String>,
}

impl Known<'_> {
    /// Reports a column that the contract lacks; its type where it has it.
    pub(super) fn check_column(&self, source: &mut Source<'_>, span: &Range<usize>, name: &str) -> Option<ColumnType> {
        let contract = self.contract?;
        match contract.column(name) {
            Some(column) => Some(column.column_type),
            None if self.open => None,
            None => {
                let known: Vec<&str> = contract.columns.iter().map(|column| column.name.as_str()).collect();
                source.unknown_word(span, "unknown_column", "column", name, &known);
                None
            }
        }
    }

    /// Reports a column that no model reads: changing it tells nothing of any.
    pub(super) fn check_input(&self, source: &mut Source<'_>, span: &Range<usize>, name: &str) {
        let Some(column) = self.contract.and_then(|contract| contract.column(name)) else { return };
        let what = match column.column_use {
            ColumnUse::Feature => return,
            ColumnUse::Ignore => "the contract takes it out of the inputs".to_owned(),
            other => format!("it is the {}", other.as_str()),
        };
        let contract = self.contract.into_iter().flat_map(|contract| &contract.columns);
        let features = contract.filter(|column| column.column_use == ColumnUse::Feature);
        let features: Vec<&str> = features.map(|column| column.name.as_str()).collect();
        let hint = format!("change one of {}", remuda_model::text::list(&features));
        source.error(span, "invalid_value", format!("no model reads `{name}`: {what}"), &hint);
    }

    pub(super) fn check_text_column(&self, source: &mut Source<'_>, span: &Range<usize>, name: &str) {
        if let Some(kind) = self.check_column(source, span, name)
            && kind != ColumnType::String
        {
            let message = format!("`{name}` is no text but {}", kind.as_str());
            source.error(span, "wrong_type", message, "name a text column");
        }
    }

    /// A value of a row, held against the type of its column.
    pub(super) fn cell(&self, source: &mut Source<'_>, node: &Node, column: &str) -> Option<serde_json::Value> {
        let value = match &node.value {
            Value::Text(text) => serde_json::Value::from(text.as_str()),
            Value::Integer(number) => serde_json::Value::from(*number),
            Value::Float(number) if number.is_finite() => serde_json::Value::from(*number),
            Value::Boolean(flag) => serde_json::Value::from(*flag),
            other => {
                let message = format!("`{column}` must be one value, not {}", other.kind());
                source.error(&node.span, "wrong_type", message, "");
                return None;
            }
        };
        let Some(column_type) =
            self.contract.and_then(|contract| contract.column(column)).map(|column| column.column_type)
        else {
            return Some(value);
        };
        let fits = match column_type {
            ColumnType::Integer => value.is_i64(),
            ColumnType::Number => value.is_number(),
            ColumnType::Boolean => value.is_boolean(),
            ColumnType::String | ColumnType::Date | ColumnType::Timestamp => value.is_string(),
        };
        if !fits {
            let written = source.text.get(node.span.clone()).unwrap_or_default();
            let message = format!("the contract says that `{column}` is of type {}", column_type.as_str());
            let bare = written.trim_matches(['"', '\'']);
            let hint = match column_type {
                ColumnType::String | ColumnType::Date | ColumnType::Timestamp => format!("write \"{written}\""),
                ColumnType::Boolean => "write true or false".to_owned(),
                _ if bare.parse::<f64>().is_ok() => format!("write {bare} without quotes"),
                _ => "write a number".to_owned(),
            };
            source.error(&node.span, "wrong_type", message, &hint);
            return None;
        }
        Some(value)
    }

    /// Reads a template's braces and holds its lexicons against those of the file.
    pub(super) fn check_template(&mut self, source: &mut Source<'_>, text: &str, span: &Range<usize>) {
        let parts = match template::parse(text) {
            Ok(parts) => parts,
            Err((message, fault)) => {
                source.error(&place_in(source.text, span, &fault), "template", message, "");
                return;
            }
        };
        for part in parts {
            let Part::Place { name, span: place } = part else { continue };
            self.check_lexicon(source, &place_in(source.text, span, &place), &name);
        }
    }

    /// Reports a lexicon that the file does not have, and notes one that is used.
    pub(super) fn check_lexicon(&mut self, source: &mut Source<'_>, span: &Range<usize>, name: &str) -> Option<String> {
        if let Some(lexicon) = lexicon_of(name, |known| self.lexicons.contains_key(known)) {
            self.used.insert(lexicon.to_owned());
            return Some(lexicon.to_owned());
        }
        let known: Vec<&str> = self.lexicons.keys().map(String::as_str).collect();
        if known.is_empty() {
            let hint = format!("add a table `[lexicon]` with `{name} = [\"one\", \"another\"]`");
            source.error(span, "unknown_lexicon", format!("there is no lexicon `{name}`"), &hint);
        } else {
            source.unknown_word(span, "unknown_lexicon", "lexicon", name, &known);
        }
        None
    }
}
