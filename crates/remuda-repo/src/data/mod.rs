//! Reading `data/NAME.odcs.yaml`: the part of the Open Data Contract Standard 3.1 that is enforced, and our own
//! `customProperties`. Quality rules are in [`quality`], splits in [`split`].
//!
//! Keys of the standard that say nothing about rows (servers, prices, teams) are allowed and passed over. Keys that
//! the standard does not know are errors, as its JSON schema has it.

mod custom;
pub(crate) mod quality;
mod split;

use crate::source::{Source, Table};
use crate::tree::{self, Node, Value};
use custom::Custom;
use remuda_model::data::{Check, Column, ColumnType, ColumnUse, Contract, FeatureKind, Rule, RuleSeverity};
use std::collections::HashSet;

const CONTRACT_KEYS: [&str; 22] = [
    "version",
    "kind",
    "apiVersion",
    "id",
    "name",
    "tenant",
    "tags",
    "status",
    "servers",
    "dataProduct",
    "description",
    "domain",
    "schema",
    "support",
    "price",
    "team",
    "roles",
    "slaDefaultElement",
    "slaProperties",
    "authoritativeDefinitions",
    "customProperties",
    "contractCreatedTs",
];

const SCHEMA_KEYS: [&str; 14] = [
    "id",
    "name",
    "physicalName",
    "physicalType",
    "description",
    "businessName",
    "authoritativeDefinitions",
    "tags",
    "customProperties",
    "logicalType",
    "dataGranularityDescription",
    "properties",
    "relationships",
    "quality",
];

const PROPERTY_KEYS: [&str; 28] = [
    "id",
    "name",
    "physicalType",
    "physicalName",
    "description",
    "businessName",
    "authoritativeDefinitions",
    "tags",
    "customProperties",
    "primaryKey",
    "primaryKeyPosition",
    "logicalType",
    "logicalTypeOptions",
    "required",
    "unique",
    "partitioned",
    "partitionKeyPosition",
    "classification",
    "encryptedName",
    "transformSourceObjects",
    "transformLogic",
    "transformDescription",
    "examples",
    "criticalDataElement",
    "relationships",
    "quality",
    "items",
    "properties",
];

/// Types of the standard that no column here can have.
const OTHER_TYPES: [&str; 3] = ["time", "object", "array"];

/// The dataset's name in the path of its contract.
pub(crate) fn name_of_path(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.strip_suffix(".odcs.yaml").or_else(|| name.strip_suffix(".odcs.yml")).unwrap_or(name)
}

/// Reads one contract.
pub(crate) fn read(source: &mut Source<'_>) -> Option<Contract> {
    let name = name_of_path(source.file);
    check_file_name(source, name);
    let root = match tree::yaml::parse(source.text) {
        Ok(root) => root,
        Err(fault) => {
            source.syntax("YAML", &[fault]);
            return None;
        }
    };
    let root = match &root.value {
        Value::Table(entries) => Table { entries, span: &root.span },
        other => {
            let message = format!("a contract is a table of keys, not {}", other.kind());
            source.error(&root.span, "wrong_type", message, "begin with `apiVersion: v3.1.0` and `kind: DataContract`");
            return None;
        }
    };
    root.allow(source, &CONTRACT_KEYS);
    check_heading(source, root, name);
    let version = root.require_text(source, "version", "version: 1.0.0").map(str::to_owned);
    let description = read_description(source, root);
    let customs = custom::read(source, root, custom::Level::Schema);
    let object = read_object(source, root)?;
    let mut contract = read_schema(source, object, name, customs)?;
    contract.version = version?;
    if description.is_some() {
        contract.description = description?;
    }
    Some(contract)
}

fn check_file_name(source: &mut Source<'_>, name: &str) {
    if !remuda_model::text::is_name(name) {
        let message = format!("`{name}` cannot be the name of a dataset: use lower case letters, digits, `-` and `_`");
        let hint = format!("rename the file to `{}.odcs.yaml`", remuda_model::text::to_name(name));
        source.whole("invalid_name", message, &hint);
    } else if source.file.ends_with(".yml") {
        source.whole(
            "invalid_name",
            "a contract's file ends in `.odcs.yaml`",
            &format!("rename it to `{name}.odcs.yaml`"),
        );
    }
}

/// What every contract of the standard carries about itself.
fn check_heading(source: &mut Source<'_>, root: Table<'_>, name: &str) {
    if let Some(word) = root.require_text(source, "apiVersion", "apiVersion: v3.1.0")
        && let Some(node) = root.get("apiVersion")
        && !word.starts_with("v3.")
    {
        let message = format!("contracts of version `{word}` are not read here");
        source.error(&node.span, "invalid_value", message, "write the contract as `v3.1.0`");
    }
    if let Some(word) = root.require_text(source, "kind", "kind: DataContract")
        && let Some(node) = root.get("kind")
        && word != "DataContract"
    {
        source.unknown_word(&node.span, "invalid_value", "kind", word, &["DataContract"]);
    }
    root.require_text(source, "id", &format!("id: {name}"));
    root.require_text(source, "status", "status: active");
    if let Some(word) = root.text(source, "name")
        && let Some(node) = root.get("name")
        && word != name
    {
        let message = format!("the contract is called `{word}`, but its file `{name}`");
        source.error(&node.span, "conflict", message, &format!("write `name: {name}` or rename the file"));
    }
}

fn read_description(source: &mut Source<'_>, root: Table<'_>) -> Option<String> {
    let node = root.get("description")?;
    let table = source.table_of(node, "description")?;
    table.allow(source, &["usage", "purpose", "limitations", "authoritativeDefinitions", "customProperties"]);
    table.text(source, "purpose").map(|purpose| purpose.trim().to_owned())
}

/// The one element of `schema`.
fn read_object<'n>(source: &mut Source<'_>, root: Table<'n>) -> Option<Table<'n>> {
    let node = root.require(source, "schema", "schema: [...]")?;
    let objects = source.list_of(node, "schema")?;
    match objects {
        [] => {
            source.error(
                &node.span,
                "missing_key",
                "`schema` describes nothing",
                "add one element with `name` and `properties`",
            );
            None
        }
        [only] => source.table_of(only, "schema"),
        [_, second, ..] => {
            let hint = "put each element of `schema` into a contract of its own";
            source.error(&head(second), "invalid_value", "one contract describes one dataset", hint);
            None
        }
    }
}

/// A place to point at within a value that may have many lines.
fn head(node: &Node) -> std::ops::Range<usize> {
    match &node.value {
        Value::Table(entries) => entries.first().map_or(node.span.clone(), |first| first.key_span.clone()),
        _ => node.span.clone(),
    }
}

fn read_schema(source: &mut Source<'_>, object: Table<'_>, name: &str, outer: Custom) -> Option<Contract> {
    object.allow(source, &SCHEMA_KEYS);
    object.require_text(source, "name", &format!("name: {name}"));
    if let Some(word) = object.text(source, "logicalType")
        && let Some(node) = object.get("logicalType")
        && word != "object"
    {
        source.unknown_word(&node.span, "invalid_value", "logicalType", word, &["object"]);
    }
    let description = object.text(source, "description").unwrap_or_default().trim().to_owned();
    let customs = custom::read(source, object, custom::Level::Schema).or(outer);

    let mut columns = Vec::new();
    let mut rules = Vec::new();
    let node = object.require(source, "properties", "properties: [...]")?;
    let properties = source.list_of(node, "properties")?;
    if properties.is_empty() {
        source.error(&node.span, "missing_key", "`properties` names no columns", "add one entry per column");
    }
    let mut names: HashSet<&str> = HashSet::new();
    for node in properties {
        let Some(property) = source.table_of(node, "properties") else { continue };
        let Some((column, mut own)) = read_column(source, property) else { continue };
        if let (Some(written), Some(at)) = (property.text(source, "name"), property.get("name"))
            && !names.insert(written)
        {
            source.error(
                &at.span,
                "duplicate",
                format!("two columns are called `{written}`"),
                "remove or rename one of them",
            );
        }
        check_label(source, &columns, &column, property);
        columns.push(column);
        rules.append(&mut own);
    }
    quality::read(source, object, None, &columns, &mut rules);
    quality::check_names(source, object, &rules);
    let split = split::read(source, object, &customs, &columns);
    let positive = split::read_positive(source, object, &customs, &columns, &rules);
    Some(Contract {
        name: name.to_owned(),
        version: String::new(),
        description,
        columns,
        missing: customs.missing.map(|(words, _)| words).unwrap_or_default(),
        rules,
        split: split?,
        positive: positive?,
    })
}

fn check_label(source: &mut Source<'_>, earlier: &[Column], column: &Column, property: Table<'_>) {
    if column.column_use != ColumnUse::Label {
        return;
    }
    if let Some(other) = earlier.iter().find(|other| other.column_use == ColumnUse::Label) {
        let span = property.get("name").map_or(property.span.clone(), |node| node.span.clone());
        let message = format!("`{}` and `{}` are both the label", other.name, column.name);
        source.error(&span, "conflict", message, "give one of them `remudaUse: ignore`");
    }
}

/// Reads one property: the column, and the rules that stand within it.
fn read_column(source: &mut Source<'_>, property: Table<'_>) -> Option<(Column, Vec<Rule>)> {
    property.allow(source, &PROPERTY_KEYS);
    let name = property.require_text(source, "name", "name: age");
    if let (Some(name), Some(node)) = (name, property.get("name"))
        && name.contains(|character: char| character.is_control() && !character.is_whitespace())
    {
        source.error(&node.span, "invalid_name", "the column's name has control characters", "rename the column");
    }
    let column_type = read_type(source, property);
    let required = property.get("required").and_then(|node| source.flag_of(node, "required")).unwrap_or(false);
    let customs = custom::read(source, property, custom::Level::Property);
    let column_use = read_use(source, property, &customs);
    let description = property.text(source, "description").unwrap_or_default().trim().to_owned();
    let (name, column_type) = (name?, column_type?);
    let kind = read_kind(source, &customs, column_use, column_type);
    let column = Column { name: name.to_owned(), column_type, required, column_use, kind, description };
    let mut rules = Vec::new();
    read_type_options(source, property, &column, &mut rules);
    if property.get("unique").and_then(|node| source.flag_of(node, "unique")) == Some(true) {
        let check = Check::DuplicateValues { columns: vec![name.to_owned()], rows: 0 };
        rules.push(Rule { name: quality::usual_name(&check), check, severity: RuleSeverity::Error });
    }
    quality::read(source, property, Some(&column), &[], &mut rules);
    Some((column, rules))
}

fn read_type(source: &mut Source<'_>, property: Table<'_>) -> Option<ColumnType> {
    let word = property.require_text(source, "logicalType", "logicalType: string")?;
    let found = ColumnType::parse(word);
    if found.is_none()
        && let Some(node) = property.get("logicalType")
    {
        if OTHER_TYPES.contains(&word) {
            let message = format!("columns of type `{word}` are not read here");
            source.error(&node.span, "invalid_value", message, "write `string`, and take it apart in a feature");
        } else {
            let known = ["integer", "number", "string", "boolean", "date", "timestamp"];
            source.unknown_word(&node.span, "invalid_value", "logicalType", word, &known);
        }
    }
    found
}

fn read_use(source: &mut Source<'_>, property: Table<'_>, customs: &Custom) -> ColumnUse {
    let key = property.get("primaryKey").and_then(|node| source.flag_of(node, "primaryKey")) == Some(true);
    match &customs.column_use {
        Some((other, span)) if key && *other != ColumnUse::Key => {
            let message = format!("the column is the primary key and, by `remudaUse`, the {}", other.as_str());
            source.error(span, "conflict", message, "remove `primaryKey: true` or `remudaUse`");
            *other
        }
        Some((purpose, _)) => *purpose,
        None if key => ColumnUse::Key,
        None => ColumnUse::Feature,
    }
}

/// How models read a column of this type when the contract does not say.
pub(crate) fn usual_kind(column_type: ColumnType) -> FeatureKind {
    match column_type {
        ColumnType::Integer | ColumnType::Number | ColumnType::Date | ColumnType::Timestamp => FeatureKind::Number,
        ColumnType::String | ColumnType::Boolean => FeatureKind::Category,
    }
}

fn read_kind(
    source: &mut Source<'_>,
    customs: &Custom,
    column_use: ColumnUse,
    column_type: ColumnType,
) -> Option<FeatureKind> {
    let Some((kind, span)) = &customs.kind else {
        return (column_use == ColumnUse::Feature).then(|| usual_kind(column_type));
    };
    // A label's kind says whether its values are classes or numbers: integers can be either.
    if !matches!(column_use, ColumnUse::Feature | ColumnUse::Label) {
        let message =
            format!("`remudaKind` is for features and the label, and this column is the {}", column_use.as_str());
        source.error(span, "conflict", message, "remove `remudaKind`");
        return None;
    }
    let fits = match kind {
        FeatureKind::Number => column_type != ColumnType::String,
        FeatureKind::Category => true,
        FeatureKind::Text => column_type == ColumnType::String && column_use == ColumnUse::Feature,
    };
    if !fits {
        let what = if column_use == ColumnUse::Label { "label" } else { "column" };
        let message = format!("a {what} of type `{}` cannot be read as {}", column_type.as_str(), kind.as_str());
        source.error(span, "conflict", message, &format!("write `{}`", usual_kind(column_type).as_str()));
    }
    Some(*kind)
}

/// `logicalTypeOptions`: bounds of numbers are rules; other options are said not to be enforced.
fn read_type_options(source: &mut Source<'_>, property: Table<'_>, column: &Column, rules: &mut Vec<Rule>) {
    let Some(node) = property.get("logicalTypeOptions") else { return };
    let Some(options) = source.table_of(node, "logicalTypeOptions") else { return };
    let known = [
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "minLength",
        "maxLength",
        "pattern",
        "format",
        "timezone",
        "defaultTimezone",
    ];
    options.allow(source, &known);
    let numeric = column.column_type.is_numeric();
    let bound = |source: &mut Source<'_>, key: &str| {
        options.get(key).filter(|_| numeric).and_then(|node| source.number_of(node, key))
    };
    let (minimum, maximum) = (bound(source, "minimum"), bound(source, "maximum"));
    for entry in options.entries {
        let enforced = numeric && ["minimum", "maximum"].contains(&entry.key.as_str());
        let remark = ["format", "timezone", "defaultTimezone"].contains(&entry.key.as_str());
        if known.contains(&entry.key.as_str()) && !enforced && !remark {
            let message = format!("`{}` is not enforced on `{}`", entry.key, column.name);
            source.warning(&entry.key_span, "not_enforced", message, "");
        }
    }
    if minimum.is_some() || maximum.is_some() {
        let check = Check::Range { column: column.name.clone(), minimum, maximum };
        quality::check_range(source, &node.span, minimum, maximum);
        rules.push(Rule { name: quality::usual_name(&check), check, severity: RuleSeverity::Error });
    }
}
