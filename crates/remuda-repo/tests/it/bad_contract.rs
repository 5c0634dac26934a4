//! What a data contract can get wrong.

use crate::support::{CONTRACT, findings, good};
use insta::assert_snapshot;
use remuda_model::data::{Check, RuleSeverity};

const PATH: &str = "data/customers.odcs.yaml";

fn with(from: &str, to: &str) -> String {
    assert!(CONTRACT.contains(from), "the contract has no {from:?}");
    CONTRACT.replacen(from, to, 1)
}

fn found(contract: &str) -> String {
    findings(&[(PATH, contract), ("pipeline.toml", ""), ("requirements/keep.md", crate::support::REQUIREMENT)])
}

#[test]
fn broken_yaml_shows_the_place() {
    assert_snapshot!(found(&with("kind: DataContract", "kind: [DataContract")));
    assert_snapshot!(found(&with("status: active", "status: active\nstatus: draft")));
    assert_snapshot!(found("just text"));
    assert_snapshot!(found(""));
}

#[test]
fn unknown_keys_are_underlined_at_every_level() {
    let contract = with("status: active", "status: active\ndescripton: x")
        .replacen("    logicalType: object", "    logicalType: object\n    propertees: 3", 1)
        .replacen("        primaryKey: true", "        primaryKy: true", 1)
        .replacen("            mustBe: 0", "            mustBee: 0", 1)
        .replacen("remudaUse", "remudaUs", 1);
    assert_snapshot!(found(&contract));
}

#[test]
fn wrong_types_and_words_are_found() {
    let contract = with("version: 1.0.0", "version: 1.0")
        .replacen("logicalType: integer", "logicalType: int", 1)
        .replacen("primaryKey: true", "primaryKey: yes", 1)
        .replacen("value: label", "value: lable", 1)
        .replacen("kind: DataContract", "kind: Contract", 1)
        .replacen("v3.1.0", "v2.2.2", 1);
    assert_snapshot!(found(&contract));
}

#[test]
fn names_must_agree_and_be_distinct() {
    let contract =
        with("name: customers\nversion", "name: clients\nversion").replacen("name: tenure", "name: customer", 1);
    assert_snapshot!(found(&contract));
    assert_snapshot!(findings(&[
        ("data/My Data.odcs.yaml", CONTRACT),
        ("data/more.odcs.yml", &with("name: customers", "name: more"))
    ]));
}

#[test]
fn splits_must_make_sense() {
    let split = |value: &str| {
        with(
            "    properties:\n",
            &format!("    customProperties:\n      - property: remudaSplit\n        value: {value}\n    properties:\n"),
        )
    };
    assert_snapshot!(found(&split("{by: [churn, custmer], train: 0.7, validation: 0.2, holdout: 0.2}")));
    assert_snapshot!(found(&split("{by: [customer], train: 70, validation: 0.15}")));
    assert_snapshot!(found(&split("{train: 0.8, validation: 0.2, holdout: 0, seed: 3}")));
    let grouped = split("{by: [customer], train: 0.7, validation: 0.15, holdout: 0.15}").replacen(
        "logicalType: integer",
        "logicalType: integer\n        customProperties: [{property: remudaUse, value: group}]",
        1,
    );
    assert_snapshot!(found(&grouped));
}

#[test]
fn our_own_properties_must_fit_the_column() {
    let contract = with("    properties:\n", "    customProperties:\n      - property: remudaPositive\n        value: yes\n      - property: remudaKind\n        value: text\n    properties:\n")
        .replacen("logicalType: integer", "logicalType: integer\n        customProperties:\n          - {property: remudaKind, value: text}\n          - {property: remuda_use, value: key}", 1)
        .replacen("primaryKey: true", "primaryKey: true\n        customProperties: [{property: remudaUse, value: label}]", 1);
    assert_snapshot!(found(&contract));
}

#[test]
fn rules_that_are_not_enforced_say_so_and_are_no_errors() {
    let contract = with(
        "logicalType: integer",
        "logicalType: integer
        logicalTypeOptions: {minimum: 0, multipleOf: 2}
        quality:
          - type: sql
            query: SELECT 1
            mustBe: 1
          - type: text
            description: Tenure is in months.
          - metric: missingValues
            mustBe: 0
          - metric: nullValues
            mustNotBe: 3
          - metric: nullValues
            mustBeGreaterThan: 3
          - metric: duplicateValues
            mustBeLessThan: 1
            unit: percent",
    );
    assert_snapshot!(found(&contract));
}

#[test]
fn rules_that_mean_nothing_are_errors() {
    let contract = with(
        "logicalType: integer",
        "logicalType: integer
        quality:
          - metric: nulValues
            mustBe: 0
          - metric: nullValues
          - metric: nullValues
            mustBe: 0
            mustBeLessThan: 1
          - metric: nullValues
            mustBeLessThan: 0
          - metric: rowCount
            mustBe: 0
          - metric: invalidValues
            mustBe: 0
          - metric: invalidValues
            arguments: {minimum: 3, maximum: 1}
            mustBe: 0
            severity: fatal
          - metric: rowCount
            mustBeBetween: [3]",
    );
    assert_snapshot!(found(&contract));
}

#[test]
fn the_standards_metrics_become_rules() {
    let contract = with(
        "logicalType: integer",
        "logicalType: integer
        unique: true
        logicalTypeOptions: {minimum: 0}
        quality:
          - metric: nullValues
            mustBeLessThan: 11
            severity: warning
          - metric: nullValues
            name: few gaps
            mustBeLessOrEqualTo: 7
            unit: percent",
    ) + "    quality:
      - metric: rowCount
        mustBeBetween: [100, 120]
      - metric: duplicateValues
        arguments: {properties: [customer, tenure]}
        mustBe: 0
";
    let definitions = good(&[(PATH, &contract)]);
    let rules = &definitions.contracts[0].value.rules;
    let column = || "tenure".to_owned();
    let expected = [
        ("range(tenure)", Check::Range { column: column(), minimum: Some(0.0), maximum: None }),
        ("duplicate_values(tenure)", Check::DuplicateValues { columns: vec![column()], rows: 0 }),
        ("null_values(tenure)", Check::NullValues { column: column(), rows: Some(10), share: None }),
        ("few gaps", Check::NullValues { column: column(), rows: None, share: Some(0.07) }),
        ("valid_values(churn)", Check::ValidValues { column: "churn".into(), values: vec!["No".into(), "Yes".into()] }),
        ("row_count", Check::RowCount { minimum: Some(100), maximum: Some(120) }),
        (
            "duplicate_values(customer, tenure)",
            Check::DuplicateValues { columns: vec!["customer".into(), column()], rows: 0 },
        ),
    ];
    assert_eq!(rules.iter().map(|rule| (rule.name.as_str(), rule.check.clone())).collect::<Vec<_>>(), expected);
    assert_eq!(rules[2].severity, RuleSeverity::Warning);
}

#[test]
fn a_dataset_has_one_label_and_one_schema() {
    let two_labels = with(
        "logicalType: integer",
        "logicalType: integer\n        customProperties: [{property: remudaUse, value: label}]",
    );
    assert_snapshot!(found(&two_labels));
    assert_snapshot!(found(&(CONTRACT.to_owned() + "  - name: orders\n    properties: []\n")));
    assert_snapshot!(found(&with(
        "  - name: customers\n    logicalType: object\n",
        "  - name: customers\n    logicalType: objet\n    tag: 1\n"
    )));
}
