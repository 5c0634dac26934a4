//! The drafted contract: what was found, as columns and rules that later files must keep.

use super::findings::{Subject, classes};
use super::purpose::Purpose;
use remuda_model::data::{
    Check, Column, ColumnProfile, ColumnType, ColumnUse, Contract, FeatureKind, Rule, RuleSeverity, SplitRule, Task,
};

/// Most values listed in a rule on a category.
const LISTED: u64 = 30;
/// With so many rows and none missing, at most 3 in 1,000 are missing where the file came from, at 95 % confidence
/// (the rule of three: Hanley and Lippman-Hand, JAMA 249, 1983). Models then learn nothing about missing values, so a
/// caller that leaves the column out has made a mistake.
const TELLING: u64 = 1_000;
/// Words for the class that a binary question asks about.
const POSITIVE: [&str; 14] = [
    "yes", "true", "1", "positive", "y", "t", "pos", "spam", "fraud", "churned", "bad", "default", "approved", "failed",
];

/// Drafts the contract.
pub(super) fn draft_contract(name: &str, subject: &Subject<'_>, purposes: &[Purpose], missing: &[String]) -> Contract {
    let profile = subject.profile;
    let columns = profile.columns.iter().zip(purposes).map(|(column, purpose)| {
        let must = match purpose.column_use {
            ColumnUse::Key | ColumnUse::Label | ColumnUse::Group => true,
            ColumnUse::Feature => profile.rows >= TELLING,
            ColumnUse::Time | ColumnUse::Weight | ColumnUse::Ignore => false,
        };
        Column {
            name: column.name.clone(),
            column_type: column.column_type,
            required: must && column.missing == 0,
            column_use: purpose.column_use,
            kind: purpose.kind,
            description: String::new(),
        }
    });
    let mut rules = Vec::new();
    for (column, purpose) in profile.columns.iter().zip(purposes) {
        column_rules(subject, column, *purpose, &mut rules);
    }
    let keys: Vec<String> = named(subject, purposes, ColumnUse::Key);
    if !keys.is_empty() {
        let check = Check::DuplicateValues { columns: keys.clone(), rows: 0 };
        rules.push(rule(format!("duplicate_values({})", keys.join(", ")), check, RuleSeverity::Error));
    } else {
        let share = profile.duplicate_rows * 2;
        let check = Check::DuplicateValues { columns: Vec::new(), rows: share };
        rules.push(rule("duplicate_values".to_owned(), check, RuleSeverity::Warning));
    }
    let check = Check::RowCount { minimum: Some((profile.rows / 2).max(1)), maximum: None };
    rules.push(rule("row_count".to_owned(), check, RuleSeverity::Warning));
    let groups = named(subject, purposes, ColumnUse::Group);
    Contract {
        name: name.to_owned(),
        version: "1.0.0".to_owned(),
        description: String::new(),
        columns: columns.collect(),
        missing: missing.to_vec(),
        rules,
        split: SplitRule::usual(if groups.is_empty() { keys } else { groups }),
        positive: positive_class(subject),
    }
}

fn named(subject: &Subject<'_>, purposes: &[Purpose], column_use: ColumnUse) -> Vec<String> {
    let columns = subject.profile.columns.iter().zip(purposes);
    columns.filter(|(_, purpose)| purpose.column_use == column_use).map(|(column, _)| column.name.clone()).collect()
}

fn rule(name: String, check: Check, severity: RuleSeverity) -> Rule {
    Rule { name, check, severity }
}

fn column_rules(subject: &Subject<'_>, column: &ColumnProfile, purpose: Purpose, rules: &mut Vec<Rule>) {
    let name = &column.name;
    match purpose.column_use {
        ColumnUse::Ignore => return,
        ColumnUse::Key | ColumnUse::Group if column.missing == 0 => return,
        ColumnUse::Label if column.missing == 0 => {}
        _ => {
            // A column that was complete stays so; elsewhere twice the share of today, at least one row in a hundred.
            let share = column.missing as f64 / column.count.max(1) as f64;
            let check = if column.missing == 0 {
                Check::NullValues { column: name.clone(), rows: Some(0), share: None }
            } else {
                let allowed = ((share * 200.0).ceil() / 100.0).clamp(0.01, 1.0);
                Check::NullValues { column: name.clone(), rows: None, share: Some(allowed) }
            };
            rules.push(rule(format!("null_values({name})"), check, RuleSeverity::Warning));
        }
    }
    let is_class = purpose.column_use == ColumnUse::Label && subject.task != Some(Task::Regression);
    if is_class {
        let mut values: Vec<String> = classes(subject, column).into_iter().map(|class| class.value).collect();
        values.sort();
        let check = Check::ValidValues { column: name.clone(), values };
        rules.push(rule(format!("valid_values({name})"), check, RuleSeverity::Error));
        return;
    }
    let few = column.distinct <= LISTED && column.top.len() as u64 == column.distinct;
    let listed = few
        && column.distinct >= 2
        && (purpose.kind == Some(FeatureKind::Category)
            || (column.column_type == ColumnType::Integer && column.distinct == 2));
    if listed {
        let mut values: Vec<String> = column.top.iter().map(|top| top.value.clone()).collect();
        values.sort();
        let check = Check::ValidValues { column: name.clone(), values };
        rules.push(rule(format!("valid_values({name})"), check, RuleSeverity::Warning));
    } else if column.column_type.is_numeric()
        && purpose.column_use != ColumnUse::Key
        && let Some((minimum, maximum)) = soft_range(column)
    {
        let check = Check::Range { column: name.clone(), minimum: Some(minimum), maximum: Some(maximum) };
        rules.push(rule(format!("range({name})"), check, RuleSeverity::Warning));
    }
}

/// The observed range with half of its width more on each side, rounded outwards to two digits; what was never
/// negative stays so.
fn soft_range(column: &ColumnProfile) -> Option<(f64, f64)> {
    let numbers = column.numbers.as_ref()?;
    let slack = (numbers.maximum - numbers.minimum) / 2.0;
    let maximum = round_outwards(numbers.maximum + slack, true);
    let minimum = if numbers.minimum >= 0.0 { 0.0 } else { round_outwards(numbers.minimum - slack, false) };
    (minimum.is_finite() && maximum.is_finite()).then_some((minimum, maximum.max(minimum)))
}

fn round_outwards(value: f64, up: bool) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let digits = 1 - value.abs().log10().floor() as i32;
    let round = |scaled: f64| if up { scaled.ceil() } else { scaled.floor() };
    // Powers of ten are exact one way or the other; this keeps 0.3 from becoming 0.30000000000000004.
    if digits >= 0 {
        let scale = 10f64.powi(digits);
        round(value * scale) / scale
    } else {
        let scale = 10f64.powi(-digits);
        round(value / scale) * scale
    }
}

/// A word that says so, else the rarer class.
fn positive_class(subject: &Subject<'_>) -> Option<String> {
    if subject.task != Some(Task::Binary) {
        return None;
    }
    let label = &subject.profile.columns[subject.label?];
    let classes = classes(subject, label);
    let telling =
        POSITIVE.iter().find_map(|word| classes.iter().find(|class| class.value.trim().to_lowercase() == *word));
    telling.or_else(|| classes.last()).map(|class| class.value.clone())
}
