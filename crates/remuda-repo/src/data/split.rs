//! The split rule and the positive class of a contract: the two things said of a dataset that columns and rules must
//! agree with.

use super::custom::{self, Custom};
use crate::source::{Source, Table};
use remuda_model::data::{Check, Column, ColumnUse, Rule, SplitRule};
use std::ops::Range;

/// Reads the split rule. Without one: the usual shares by group, else by key, else by the whole row.
pub(crate) fn read(
    source: &mut Source<'_>,
    object: Table<'_>,
    customs: &Custom,
    columns: &[Column],
) -> Option<SplitRule> {
    let Some(node) = &customs.split else { return Some(SplitRule::usual(usual_key(columns))) };
    let table = source.table_of(node, custom::SPLIT)?;
    table.allow(source, &["by", "salt", "train", "validation", "holdout"]);
    let by = read_key(source, table, columns);
    let salt = match table.get("salt") {
        Some(node) => custom::scalar_text(source, node, "salt"),
        None => Some("1".to_owned()),
    };
    let mut share = |key: &str, example: &str| {
        let node = table.require(source, key, example)?;
        let share = source.number_of(node, key)?;
        if !(0.0..=1.0).contains(&share) {
            let hint = "shares are written as 0.70, not as percent";
            source.error(&node.span, "invalid_value", format!("`{key}` must lie between 0 and 1"), hint);
            return None;
        }
        Some(share)
    };
    let train = share("train", "train: 0.70");
    let validation = share("validation", "validation: 0.15");
    let holdout = share("holdout", "holdout: 0.15");
    let rule = SplitRule { by: by?, salt: salt?, train: train?, validation: validation?, holdout: holdout? };
    check_shares(source, table, object, &rule);
    Some(rule)
}

/// The columns whose values are hashed when the contract does not say.
fn usual_key(columns: &[Column]) -> Vec<String> {
    let of = |purpose: ColumnUse| -> Vec<String> {
        columns.iter().filter(|column| column.column_use == purpose).map(|column| column.name.clone()).collect()
    };
    let groups = of(ColumnUse::Group);
    if groups.is_empty() { of(ColumnUse::Key) } else { groups }
}

fn read_key(source: &mut Source<'_>, table: Table<'_>, columns: &[Column]) -> Option<Vec<String>> {
    let Some(node) = table.get("by") else { return Some(usual_key(columns)) };
    let mut by: Vec<String> = Vec::new();
    for (name, span) in source.texts_of(node, "by")? {
        match columns.iter().find(|column| column.name == name) {
            None => {
                let known: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
                source.unknown_word(span, "unknown_column", "column", name, &known);
            }
            Some(column) if column.column_use == ColumnUse::Label => {
                let message =
                    format!("`{name}` is the label: splitting by it makes the splits differ in what is to be learnt");
                source.error(
                    span,
                    "conflict",
                    message,
                    "split by a key or a group, or write `by: []` for the whole row",
                );
            }
            Some(_) if by.iter().any(|earlier| earlier == name) => {
                source.error(span, "duplicate", format!("column `{name}` is listed twice"), "remove one of them");
            }
            Some(_) => by.push(name.to_owned()),
        }
    }
    check_group(source, &node.span, &by, columns);
    Some(by)
}

/// Rows that share a group stay in one split only if nothing but the group decides.
fn check_group(source: &mut Source<'_>, span: &Range<usize>, by: &[String], columns: &[Column]) {
    let groups: Vec<&Column> = columns.iter().filter(|column| column.column_use == ColumnUse::Group).collect();
    let Some(first) = groups.first() else { return };
    let by_group = !by.is_empty() && by.iter().all(|name| groups.iter().any(|group| group.name == *name));
    if !by_group {
        let message = format!("rows that share `{}` would fall into different splits", first.name);
        source.error(span, "conflict", message, &format!("write `by: [{}]`", first.name));
    }
}

fn check_shares(source: &mut Source<'_>, table: Table<'_>, object: Table<'_>, rule: &SplitRule) {
    let place = |key: &str| {
        let entry = table.entry(key).map(|entry| entry.key_span.clone());
        entry.or(object.entry("customProperties").map(|entry| entry.key_span.clone())).unwrap_or(0..0)
    };
    let sum = rule.train + rule.validation + rule.holdout;
    if (sum - 1.0).abs() > 1e-9 {
        let message =
            format!("`train`, `validation` and `holdout` sum to {}, not to 1", remuda_model::text::number(sum));
        source.error(&place("train"), "invalid_value", message, "70 %, 15 % and 15 % are usual: 0.70, 0.15, 0.15");
    } else if rule.train <= 0.0 {
        source.error(&place("train"), "invalid_value", "without a train share nothing can be learnt", "0.70 is usual");
    } else if rule.holdout <= 0.0 {
        source.warning(
            &place("holdout"),
            "invalid_value",
            "without a holdout no criterion can be decided",
            "0.15 is usual",
        );
    }
}

/// Reads the positive class. The outer `None` means a finding.
#[expect(clippy::option_option, reason = "the inner one is the contract's own: no positive class")]
pub(crate) fn read_positive(
    source: &mut Source<'_>,
    object: Table<'_>,
    customs: &Custom,
    columns: &[Column],
    rules: &[Rule],
) -> Option<Option<String>> {
    let Some((class, span)) = &customs.positive else { return Some(None) };
    let Some(label) = columns.iter().find(|column| column.column_use == ColumnUse::Label) else {
        let hint = "mark a column with `remudaUse: label`";
        let has_columns = object.get("properties").is_some();
        if has_columns {
            source.error(span, "conflict", "there is a positive class, but no label", hint);
        }
        return None;
    };
    let classes = rules.iter().find_map(|rule| match &rule.check {
        Check::ValidValues { column, values } if *column == label.name => Some(values),
        _ => None,
    });
    if let Some(classes) = classes.filter(|classes| !classes.contains(class)) {
        let known: Vec<&str> = classes.iter().map(String::as_str).collect();
        source.unknown_word(span, "unknown_class", "class", class, &known);
    }
    Some(Some(class.clone()))
}
