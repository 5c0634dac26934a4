//! Quality rules of a contract: the standard's library metrics, with the comparisons that make sense of them. Rules
//! that are valid but not enforced here are warnings that say so; a rule is never enforced more loosely or strictly
//! than it is written.

use super::custom::scalar_text;
use crate::source::{Source, Table};
use crate::tree::{Entry, Node};
use remuda_model::data::{Check, Column, Rule, RuleSeverity};
use std::ops::Range;

const OPERATORS: [&str; 8] = [
    "mustBe",
    "mustNotBe",
    "mustBeGreaterThan",
    "mustBeGreaterOrEqualTo",
    "mustBeLessThan",
    "mustBeLessOrEqualTo",
    "mustBeBetween",
    "mustNotBeBetween",
];

const KEYS: [&str; 20] = [
    "id",
    "name",
    "description",
    "type",
    "metric",
    "rule",
    "arguments",
    "unit",
    "severity",
    "dimension",
    "method",
    "businessImpact",
    "schedule",
    "scheduler",
    "query",
    "engine",
    "implementation",
    "tags",
    "customProperties",
    "authoritativeDefinitions",
];

const METRICS: [&str; 5] = ["nullValues", "missingValues", "invalidValues", "duplicateValues", "rowCount"];

/// The interval that a metric must lie in; an open end is `None`.
struct Wanted {
    least: Option<f64>,
    most: Option<f64>,
    span: Range<usize>,
}

/// The name of a rule that has none of its own.
pub(crate) fn usual_name(check: &Check) -> String {
    match check {
        Check::NullValues { column, .. } => format!("null_values({column})"),
        Check::Range { column, .. } => format!("range({column})"),
        Check::ValidValues { column, .. } => format!("valid_values({column})"),
        Check::DuplicateValues { columns, .. } => format!("duplicate_values({})", columns.join(", ")),
        Check::RowCount { .. } => "row_count".to_owned(),
    }
}

/// Reads the `quality` of a table: of one column, or of the dataset whose columns are given.
pub(crate) fn read(
    source: &mut Source<'_>,
    table: Table<'_>,
    column: Option<&Column>,
    columns: &[Column],
    rules: &mut Vec<Rule>,
) {
    let Some(node) = table.get("quality") else { return };
    let Some(items) = source.list_of(node, "quality") else { return };
    for item in items {
        let Some(rule) = source.table_of(item, "quality") else { continue };
        rules.extend(read_rule(source, rule, column, columns));
    }
}

/// Reports rules that could not be told apart in a report.
pub(crate) fn check_names(source: &mut Source<'_>, object: Table<'_>, rules: &[Rule]) {
    let mut names: Vec<&str> = rules.iter().map(|rule| rule.name.as_str()).collect();
    names.sort_unstable();
    let span = object.entry("properties").map_or(0..0, |entry| entry.key_span.clone());
    for pair in names.windows(2).filter(|pair| pair[0] == pair[1]) {
        source.error(&span, "duplicate", format!("two rules are called `{}`", pair[0]), "give one of them a `name`");
    }
}

/// Reports bounds that no value can keep.
pub(crate) fn check_range(source: &mut Source<'_>, span: &Range<usize>, minimum: Option<f64>, maximum: Option<f64>) {
    if let (Some(minimum), Some(maximum)) = (minimum, maximum)
        && minimum > maximum
    {
        source.error(span, "invalid_value", "`minimum` is greater than `maximum`", "swap them");
    }
}

fn read_rule(source: &mut Source<'_>, rule: Table<'_>, column: Option<&Column>, columns: &[Column]) -> Option<Rule> {
    let known: Vec<&str> = KEYS.iter().chain(&OPERATORS).copied().collect();
    rule.allow(source, &known);
    if !is_library_rule(source, rule) {
        return None;
    }
    let severity = read_severity(source, rule);
    if let (Some(old), None) = (rule.entry("rule"), rule.get("metric")) {
        let hint = "write it as `metric`, which took its place in version 3.1 of the standard";
        source.warning(&old.key_span, "not_enforced", "`rule` is not enforced", hint);
        return None;
    }
    let metric = rule.require_text(source, "metric", "metric: nullValues")?;
    let place = rule.get("metric")?.span.clone();
    if !METRICS.contains(&metric) {
        source.unknown_word(&place, "invalid_value", "metric", metric, &METRICS);
        return None;
    }
    let wanted = read_wanted(source, rule, &place)?;
    let check = match (metric, column) {
        ("nullValues", Some(column)) => null_values(source, rule, column, &wanted),
        ("invalidValues", Some(column)) => invalid_values(source, rule, column, &wanted, &place),
        ("duplicateValues", _) => duplicate_values(source, rule, column, columns, &wanted),
        ("rowCount", None) => row_count(source, &wanted),
        ("missingValues", _) => {
            let hint = "list the words under `remudaMissing` and use `nullValues`";
            source.warning(&place, "not_enforced", "`missingValues` is not enforced", hint);
            None
        }
        ("rowCount", Some(_)) => {
            source.error(
                &place,
                "conflict",
                "`rowCount` is said of the dataset",
                "move it to the `quality` beside `properties`",
            );
            None
        }
        (_, _) => {
            let message = format!("`{metric}` is said of a column");
            source.error(&place, "conflict", message, "move it to the `quality` of the column");
            None
        }
    }?;
    let name = rule.text(source, "name").filter(|name| !name.trim().is_empty());
    Some(Rule { name: name.map_or_else(|| usual_name(&check), str::to_owned), check, severity })
}

/// Whether a rule is of the library's metrics: the kind that is enforced.
fn is_library_rule(source: &mut Source<'_>, rule: Table<'_>) -> bool {
    let kind = rule.text(source, "type").unwrap_or("library");
    let span = rule.get("type").map_or(rule.span.clone(), |node| node.span.clone());
    match kind {
        "library" => return true,
        // Prose for people: there is nothing to enforce.
        "text" => {}
        "sql" | "custom" => {
            let hint = "say it with a library metric, or test it in a pipeline step";
            source.warning(&span, "not_enforced", format!("rules of type `{kind}` are not enforced"), hint);
        }
        other => source.unknown_word(&span, "invalid_value", "type", other, &["library", "text", "sql", "custom"]),
    }
    false
}

fn read_severity(source: &mut Source<'_>, rule: Table<'_>) -> RuleSeverity {
    let Some(node) = rule.get("severity") else { return RuleSeverity::Error };
    match source.text_of(node, "severity") {
        Some("warning" | "info") => RuleSeverity::Warning,
        Some("error") | None => RuleSeverity::Error,
        Some(other) => {
            source.unknown_word(&node.span, "invalid_value", "severity", other, &["error", "warning", "info"]);
            RuleSeverity::Error
        }
    }
}

/// The comparison of a rule. Comparisons that leave no interval are not enforced.
fn read_wanted(source: &mut Source<'_>, rule: Table<'_>, metric: &Range<usize>) -> Option<Wanted> {
    let operators: Vec<&Entry> = rule.entries.iter().filter(|entry| OPERATORS.contains(&entry.key.as_str())).collect();
    let operator = match operators.as_slice() {
        [only] => *only,
        [] => {
            source.error(metric, "missing_key", "the rule compares with nothing", "add `mustBe: 0`");
            return None;
        }
        [_, second, ..] => {
            source.error(
                &second.key_span,
                "conflict",
                "a rule has one comparison",
                "make two rules of it, or use `mustBeBetween`",
            );
            return None;
        }
    };
    let key = operator.key.as_str();
    let span = operator.node.span.clone();
    if key.ends_with("Between") {
        let (low, high) = read_pair(source, &operator.node, key)?;
        if key == "mustBeBetween" {
            return Some(Wanted { least: Some(low), most: Some(high), span });
        }
    }
    if key.starts_with("mustNot") {
        source.warning(&operator.key_span, "not_enforced", format!("`{key}` is not enforced"), "");
        return None;
    }
    let number = source.number_of(&operator.node, key)?;
    let (least, most) = match key {
        "mustBe" => (Some(number), Some(number)),
        "mustBeGreaterThan" => (Some(number.next_up()), None),
        "mustBeGreaterOrEqualTo" => (Some(number), None),
        "mustBeLessThan" => (None, Some(number.next_down())),
        _ => (None, Some(number)),
    };
    Some(Wanted { least, most, span })
}

fn read_pair(source: &mut Source<'_>, node: &Node, key: &str) -> Option<(f64, f64)> {
    let numbers: Vec<f64> =
        source.list_of(node, key)?.iter().map(|item| source.number_of(item, key)).collect::<Option<_>>()?;
    match numbers.as_slice() {
        [low, high] if low <= high => Some((*low, *high)),
        _ => {
            source.error(
                &node.span,
                "invalid_value",
                format!("`{key}` takes two numbers, the smaller first"),
                "write `[100, 120]`",
            );
            None
        }
    }
}

/// The greatest count that a rule admits; rules that also demand breaches are not enforced.
fn most_of(source: &mut Source<'_>, wanted: &Wanted) -> Option<f64> {
    match (wanted.least, wanted.most) {
        (_, Some(most)) if most < 0.0 => {
            source.error(
                &wanted.span,
                "invalid_value",
                "no count is less than 0, so no rows can keep this rule",
                "write `mustBe: 0`",
            );
            None
        }
        (least, Some(most)) if least.is_none_or(|least| least <= 0.0) => Some(most),
        _ => {
            let hint = "use `mustBe: 0`, `mustBeLessThan` or `mustBeLessOrEqualTo`";
            source.warning(&wanted.span, "not_enforced", "a rule that asks for breaches is not enforced", hint);
            None
        }
    }
}

fn is_percent(source: &mut Source<'_>, rule: Table<'_>) -> Option<bool> {
    let Some(node) = rule.get("unit") else { return Some(false) };
    match source.text_of(node, "unit")? {
        "rows" => Some(false),
        "percent" => Some(true),
        other => {
            source.unknown_word(&node.span, "invalid_value", "unit", other, &["rows", "percent"]);
            None
        }
    }
}

fn null_values(source: &mut Source<'_>, rule: Table<'_>, column: &Column, wanted: &Wanted) -> Option<Check> {
    let percent = is_percent(source, rule)?;
    let most = most_of(source, wanted)?;
    let column = column.name.clone();
    if !percent {
        return Some(Check::NullValues { column, rows: Some(most.floor() as u64), share: None });
    }
    if most > 100.0 {
        source.error(&wanted.span, "invalid_value", "a percentage is at most 100", "");
        return None;
    }
    Some(Check::NullValues { column, rows: None, share: Some(from_percent(most)) })
}

fn invalid_values(
    source: &mut Source<'_>,
    rule: Table<'_>,
    column: &Column,
    wanted: &Wanted,
    place: &Range<usize>,
) -> Option<Check> {
    is_percent(source, rule)?;
    let most = most_of(source, wanted)?;
    let hint = "add `arguments: {validValues: [...]}` or `arguments: {minimum: 0, maximum: 100}`";
    let Some(node) = rule.get("arguments") else {
        source.error(place, "missing_key", "`invalidValues` does not say which values are valid", hint);
        return None;
    };
    let arguments = source.table_of(node, "arguments")?;
    arguments.allow(source, &["validValues", "minimum", "maximum", "pattern"]);
    if most >= 1.0 {
        let message = "a number of invalid values is not enforced, only none";
        source.warning(&wanted.span, "not_enforced", message, "write `mustBe: 0` with `severity: warning`");
        return None;
    }
    if let Some(pattern) = arguments.entry("pattern") {
        source.warning(&pattern.key_span, "not_enforced", "`pattern` is not enforced", "");
    }
    let bounds = arguments.get("minimum").is_some() || arguments.get("maximum").is_some();
    match (arguments.get("validValues"), bounds) {
        (Some(values), false) => valid_values(source, column, values),
        (None, true) => range(source, arguments, column),
        (Some(_), true) => {
            source.error(
                &node.span,
                "conflict",
                "a rule has `validValues` or bounds, not both",
                "make two rules of it",
            );
            None
        }
        (None, false) => {
            if arguments.get("pattern").is_none() {
                source.error(place, "missing_key", "`invalidValues` does not say which values are valid", hint);
            }
            None
        }
    }
}

fn valid_values(source: &mut Source<'_>, column: &Column, node: &Node) -> Option<Check> {
    let mut values: Vec<String> = Vec::new();
    for item in source.list_of(node, "validValues")? {
        let Some(value) = scalar_text(source, item, "validValues") else { continue };
        if values.contains(&value) {
            source.error(&item.span, "duplicate", format!("`{value}` is listed twice"), "remove one of them");
        } else {
            values.push(value);
        }
    }
    if values.is_empty() {
        source.error(&node.span, "invalid_value", "`validValues` admits no value at all", "list the valid values");
        return None;
    }
    Some(Check::ValidValues { column: column.name.clone(), values })
}

fn range(source: &mut Source<'_>, arguments: Table<'_>, column: &Column) -> Option<Check> {
    if !column.column_type.is_numeric() {
        let message =
            format!("bounds are for numbers, and `{}` is of type `{}`", column.name, column.column_type.as_str());
        source.error(&arguments.entries[0].key_span, "conflict", message, "use `validValues`");
        return None;
    }
    let minimum = arguments.get("minimum").map(|node| source.number_of(node, "minimum"));
    let maximum = arguments.get("maximum").map(|node| source.number_of(node, "maximum"));
    let (minimum, maximum) = (flatten(minimum)?, flatten(maximum)?);
    check_range(source, arguments.span, minimum, maximum);
    Some(Check::Range { column: column.name.clone(), minimum, maximum })
}

/// A bound that is there must be good; one that is absent is fine.
#[expect(clippy::option_option, reason = "absent and unreadable are two things")]
fn flatten(bound: Option<Option<f64>>) -> Option<Option<f64>> {
    match bound {
        None => Some(None),
        Some(read) => read.map(Some),
    }
}

fn duplicate_values(
    source: &mut Source<'_>,
    rule: Table<'_>,
    column: Option<&Column>,
    columns: &[Column],
    wanted: &Wanted,
) -> Option<Check> {
    if is_percent(source, rule)? {
        let hint = "count in rows: `unit: rows`";
        source.warning(&wanted.span, "not_enforced", "a percentage of duplicates is not enforced", hint);
        return None;
    }
    let rows = most_of(source, wanted)?.floor() as u64;
    let mut named = Vec::new();
    match (column, rule.get("arguments")) {
        (Some(column), _) => named.push(column.name.clone()),
        (None, None) => {}
        (None, Some(node)) => {
            let arguments = source.table_of(node, "arguments")?;
            arguments.allow(source, &["properties"]);
            if let Some(node) = arguments.get("properties") {
                for (name, span) in source.texts_of(node, "properties")? {
                    if columns.iter().any(|column| column.name == name) {
                        named.push(name.to_owned());
                    } else {
                        let known: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
                        source.unknown_word(span, "unknown_column", "column", name, &known);
                    }
                }
            }
        }
    }
    Some(Check::DuplicateValues { columns: named, rows })
}

fn row_count(source: &mut Source<'_>, wanted: &Wanted) -> Option<Check> {
    if wanted.most.is_some_and(|most| most < 0.0) {
        source.error(&wanted.span, "invalid_value", "no dataset has fewer than 0 rows", "");
        return None;
    }
    let minimum = wanted.least.map(|least| least.max(0.0).ceil() as u64);
    let maximum = wanted.most.map(|most| most.floor() as u64);
    Some(Check::RowCount { minimum, maximum })
}

/// A percentage as a share: the decimal point moves, so that 7 % is the number written 0.07.
fn from_percent(percent: f64) -> f64 {
    format!("{percent}e-2").parse().unwrap_or(percent / 100.0)
}

/// A share as a percentage; see [`from_percent`].
pub(crate) fn to_percent(share: f64) -> f64 {
    let shifted = format!("{share}e2").parse().unwrap_or(share * 100.0);
    // Rounding may leave the neighbour of the share that was meant.
    [shifted, f64::next_up(shifted), f64::next_down(shifted)]
        .into_iter()
        .find(|percent| from_percent(*percent) == share)
        .unwrap_or(shifted)
}
