//! A contract as YAML of the Open Data Contract Standard 3.1.

use super::quoted;
use crate::data::quality::{to_percent, usual_name};
use crate::data::usual_kind;
use remuda_model::data::{Check, Column, ColumnUse, Contract, Rule, RuleSeverity};
use std::fmt::Write;

/// The text of `data/NAME.odcs.yaml`.
pub fn contract(contract: &Contract) -> String {
    let mut text = String::from(
        "# A data contract (Open Data Contract Standard 3.1). `remuda data add` holds every new version against it.\n\
         # What the standard has no word for stands under `customProperties`:\n\
         #   remudaUse   what a column is for: feature (when absent), label, key, group, time, weight or ignore\n\
         #   remudaKind  how models read a feature: number, category or text; of the label: number or category\n\
         # A rule of severity `error` refuses a version that breaks it; `warning` keeps and marks it.\n",
    );
    let name = plain(&contract.name);
    let _ = write!(
        text,
        "apiVersion: v3.1.0\nkind: DataContract\nid: {name}\nname: {name}\nversion: {}\nstatus: active\n",
        plain(&contract.version)
    );
    if !contract.description.is_empty() {
        let _ = write!(text, "description:\n  purpose: {}\n", plain(&contract.description));
    }
    let _ = write!(text, "schema:\n  - name: {name}\n    logicalType: object\n");
    write_customs(&mut text, contract);
    text.push_str("    properties:\n");
    for column in &contract.columns {
        let rules: Vec<&Rule> = contract.rules.iter().filter(|rule| column_of(rule) == Some(&column.name)).collect();
        write_column(&mut text, column, &rules);
    }
    let others: Vec<&Rule> = contract.rules.iter().filter(|rule| column_of(rule).is_none()).collect();
    if !others.is_empty() {
        text.push_str("    quality:\n");
        for rule in others {
            write_rule(&mut text, "      ", rule);
        }
    }
    text
}

fn write_customs(text: &mut String, contract: &Contract) {
    let split = &contract.split;
    text.push_str("    customProperties:\n");
    if !contract.missing.is_empty() {
        text.push_str("      # Words that stand for a missing value, besides the empty field.\n");
        let _ = write!(text, "      - property: remudaMissing\n        value: {}\n", flow(&contract.missing));
    }
    text.push_str(
        "      # Rows are dealt to splits by a hash of these columns (none: the whole row but the label), so a row\n      \
         # keeps its split as the data grows. Another salt deals anew.\n",
    );
    let _ = write!(
        text,
        "      - property: remudaSplit\n        value:\n          by: {}\n          salt: {}\n          \
         train: {:?}\n          validation: {:?}\n          holdout: {:?}\n",
        flow(&split.by),
        quoted(&split.salt),
        split.train,
        split.validation,
        split.holdout
    );
    if let Some(positive) = &contract.positive {
        text.push_str("      # The class that recall, precision and F1 are of when a criterion names none.\n");
        let _ = write!(text, "      - property: remudaPositive\n        value: {}\n", plain(positive));
    }
}

fn write_column(text: &mut String, column: &Column, rules: &[&Rule]) {
    let _ = writeln!(text, "      - name: {}", plain(&column.name));
    let _ = writeln!(text, "        logicalType: {}", column.column_type.as_str());
    if !column.description.is_empty() {
        let _ = writeln!(text, "        description: {}", plain(&column.description));
    }
    if column.required {
        text.push_str("        required: true\n");
    }
    if column.column_use == ColumnUse::Key {
        text.push_str("        primaryKey: true\n");
    }
    let purpose =
        (!matches!(column.column_use, ColumnUse::Feature | ColumnUse::Key)).then(|| column.column_use.as_str());
    let kind = column.kind.filter(|kind| *kind != usual_kind(column.column_type)).map(|kind| kind.as_str());
    if purpose.is_some() || kind.is_some() {
        text.push_str("        customProperties:\n");
    }
    for (property, value) in [("remudaUse", purpose), ("remudaKind", kind)] {
        if let Some(value) = value {
            let _ = write!(text, "          - property: {property}\n            value: {value}\n");
        }
    }
    if !rules.is_empty() {
        text.push_str("        quality:\n");
        for rule in rules {
            write_rule(text, "          ", rule);
        }
    }
}

/// The column in whose entry a rule stands; rules over several columns, or none, stand with the dataset.
fn column_of(rule: &Rule) -> Option<&String> {
    match &rule.check {
        Check::NullValues { column, .. } | Check::Range { column, .. } | Check::ValidValues { column, .. } => {
            Some(column)
        }
        Check::DuplicateValues { columns, .. } if columns.len() == 1 => columns.first(),
        Check::DuplicateValues { .. } | Check::RowCount { .. } => None,
    }
}

fn write_rule(text: &mut String, margin: &str, rule: &Rule) {
    let mut lines: Vec<String> = Vec::new();
    let at_most = |rows: u64| if rows == 0 { "mustBe: 0".to_owned() } else { format!("mustBeLessOrEqualTo: {rows}") };
    match &rule.check {
        Check::NullValues { rows, share, .. } => {
            lines.push("metric: nullValues".into());
            match share {
                Some(share) => {
                    lines.push(format!("mustBeLessOrEqualTo: {}", to_percent(*share)));
                    lines.push("unit: percent".into());
                }
                None => lines.push(at_most(rows.unwrap_or(0))),
            }
        }
        Check::Range { minimum, maximum, .. } => {
            lines.push("metric: invalidValues".into());
            lines.push("arguments:".into());
            lines.extend(minimum.map(|minimum| format!("  minimum: {}", bound(minimum))));
            lines.extend(maximum.map(|maximum| format!("  maximum: {}", bound(maximum))));
            lines.push("mustBe: 0".into());
        }
        Check::ValidValues { values, .. } => {
            lines.push("metric: invalidValues".into());
            lines.push("arguments:".into());
            lines.push(format!("  validValues: {}", flow(values)));
            lines.push("mustBe: 0".into());
        }
        Check::DuplicateValues { columns, rows } => {
            lines.push("metric: duplicateValues".into());
            if columns.len() > 1 {
                lines.push("arguments:".into());
                lines.push(format!("  properties: {}", flow(columns)));
            }
            lines.push(at_most(*rows));
        }
        Check::RowCount { minimum, maximum } => {
            lines.push("metric: rowCount".into());
            lines.push(match (minimum, maximum) {
                (Some(minimum), Some(maximum)) => format!("mustBeBetween: [{minimum}, {maximum}]"),
                (None, Some(maximum)) => format!("mustBeLessOrEqualTo: {maximum}"),
                (minimum, None) => format!("mustBeGreaterOrEqualTo: {}", minimum.unwrap_or(0)),
            });
        }
    }
    if rule.name != usual_name(&rule.check) {
        lines.insert(0, format!("name: {}", plain(&rule.name)));
    }
    let severity = match rule.severity {
        RuleSeverity::Error => "error",
        RuleSeverity::Warning => "warning",
    };
    lines.push(format!("severity: {severity}"));
    for (index, line) in lines.iter().enumerate() {
        let _ = writeln!(text, "{margin}{} {line}", if index == 0 { "-" } else { " " });
    }
}

/// A bound as people write it: whole numbers without a point, huge and tiny ones with an exponent.
fn bound(number: f64) -> String {
    let plain = number == 0.0 || (1e-4..1e15).contains(&number.abs());
    if plain { number.to_string() } else { format!("{number:?}") }
}

fn flow(values: &[String]) -> String {
    format!("[{}]", values.iter().map(|value| plain(value)).collect::<Vec<_>>().join(", "))
}

/// A scalar that every YAML reader takes for text: bare where it is surely a word, else quoted. YAML 1.1 readers take
/// `No` and `on` for booleans, so these are quoted too.
fn plain(text: &str) -> String {
    let inner =
        |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '-' | ' ' | '/' | '(' | ')');
    let bare = text.starts_with(|first: char| first.is_ascii_alphabetic())
        && !text.ends_with(' ')
        && text.len() <= 80
        && text.chars().all(inner);
    let reserved = ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"];
    let is_version = text.split('.').count() == 3
        && text.split('.').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    if is_version || (bare && !reserved.contains(&text.to_ascii_lowercase().as_str())) {
        text.to_owned()
    } else {
        quoted(text)
    }
}
