//! What is written reads back as the same value.

use crate::support::{good, parse_criterion};
use insta::assert_snapshot;
use remuda_model::Digest;
use remuda_model::data::*;
use remuda_model::requirement::{Looks, Requirement, StatedCriterion};
use remuda_model::run::{Action, Algorithm, Learn, Pipeline, Step, WrittenModel};
use remuda_model::serving::Serving;
use remuda_model::team::{Member, Product, Risk, Role, Stage};
use remuda_repo::render;
use std::collections::BTreeMap;

fn a_product() -> Product {
    Product {
        name: "churn".into(),
        stage: Stage::Explore,
        risk: Risk::High,
        solo: false,
        server: Some("http://127.0.0.1:7878".into()),
        holdout_budget: 12,
        run: Default::default(),
        members: vec![
            Member { name: "petra".into(), email: Some("petra@example.org".into()), roles: vec![Role::ProductOwner] },
            Member { name: "0dan".into(), email: None, roles: Role::ALL.to_vec() },
        ],
    }
}

fn a_column(name: &str, column_type: ColumnType, column_use: ColumnUse, kind: Option<FeatureKind>) -> Column {
    Column {
        name: name.into(),
        column_type,
        required: name.len().is_multiple_of(2),
        column_use,
        kind,
        description: String::new(),
    }
}

fn a_rule(name: &str, check: Check, severity: RuleSeverity) -> Rule {
    Rule { name: name.into(), check, severity }
}

fn a_contract() -> Contract {
    use ColumnType::{Boolean, Date, Integer, Number, String as Text, Timestamp};
    let mut columns = vec![
        a_column("customer", Text, ColumnUse::Key, None),
        a_column("Cost Total $", Number, ColumnUse::Feature, Some(FeatureKind::Number)),
        a_column("code", Integer, ColumnUse::Feature, Some(FeatureKind::Category)),
        a_column("größe: \"a\"\t#", Text, ColumnUse::Feature, Some(FeatureKind::Text)),
        a_column("no", Boolean, ColumnUse::Feature, Some(FeatureKind::Category)),
        a_column("day", Date, ColumnUse::Ignore, None),
        a_column("at", Timestamp, ColumnUse::Time, None),
        a_column("fnlwgt", Number, ColumnUse::Weight, None),
        a_column("family", Text, ColumnUse::Group, None),
        a_column("churn", Text, ColumnUse::Label, None),
    ];
    columns[1].description = "In dollars: net, \"not\"\u{85} gross".into();
    let error = RuleSeverity::Error;
    let nulls = |rows, share| Check::NullValues { column: "code".into(), rows, share };
    let range = |minimum, maximum| Check::Range { column: "Cost Total $".into(), minimum, maximum };
    let rules = vec![
        a_rule("range(Cost Total $)", range(Some(-1.5), Some(1e300)), RuleSeverity::Warning),
        a_rule("only: below", range(None, Some(0.1)), error),
        a_rule("null_values(code)", nulls(Some(0), None), error),
        a_rule("some gaps", nulls(Some(11), None), RuleSeverity::Warning),
        a_rule("few gaps", nulls(None, Some(0.07)), error),
        a_rule("third", nulls(None, Some(1.0 / 3.0)), error),
        a_rule("duplicate_values(code)", Check::DuplicateValues { columns: vec!["code".into()], rows: 3 }, error),
        a_rule(
            "valid_values(churn)",
            Check::ValidValues {
                column: "churn".into(),
                values: vec!["No".into(), "Yes".into(), "0".into(), "1e3".into(), "".into(), "~".into(), "null".into()],
            },
            error,
        ),
        a_rule("row_count", Check::RowCount { minimum: Some(1), maximum: None }, error),
        a_rule("not too many", Check::RowCount { minimum: None, maximum: Some(9) }, error),
        a_rule("duplicate_values()", Check::DuplicateValues { columns: vec![], rows: 24 }, RuleSeverity::Warning),
        a_rule(
            "duplicate_values(day, at)",
            Check::DuplicateValues { columns: vec!["day".into(), "at".into()], rows: 0 },
            error,
        ),
    ];
    Contract {
        name: "customers".into(),
        version: "1.0.0".into(),
        description: "Customers of a telephone company: one row each".into(),
        columns,
        missing: vec!["?".into(), "NA".into(), "-".into()],
        rules,
        split: SplitRule { by: vec!["family".into()], salt: "007".into(), train: 0.6, validation: 0.1, holdout: 0.3 },
        positive: Some("Yes".into()),
    }
}

fn a_pipeline() -> Pipeline {
    let parameters: BTreeMap<String, serde_json::Value> = [
        ("rate".to_owned(), serde_json::json!(0.1)),
        ("whole".to_owned(), serde_json::json!(2.0)),
        ("depth".to_owned(), serde_json::json!(-3)),
        ("names".to_owned(), serde_json::json!(["a", "b \"c\""])),
        ("deep".to_owned(), serde_json::json!({"x y": {"z": true}, "e": []})),
    ]
    .into();
    let learn = Learn {
        algorithm: Algorithm::Trees,
        dataset: "customers".into(),
        features: vec!["code".into(), "no".into()],
        seed: 7,
    };
    let plain = Step {
        name: "trees".into(),
        action: Action::Learn(learn),
        inputs: vec![],
        outputs: vec![],
        parameters,
        model: None,
    };
    let command = Step {
        name: "report".into(),
        action: Action::Command("python \"report\".py \\\n  --all".into()),
        inputs: vec!["data:customers".into(), "step:trees".into(), "src/**/*.py".into()],
        outputs: (0..9).map(|index| format!("reports/a-rather-long-name-{index}.html")).collect(),
        parameters: BTreeMap::new(),
        model: None,
    };
    let written = WrittenModel {
        file: "own.onnx".into(),
        dataset: "customers".into(),
        features: vec!["code".into(), "no".into()],
        classes: vec!["stays \"on\"".into(), "leaves".into()],
        logits: true,
        golden: Some("golden.csv".into()),
    };
    let own = Step {
        name: "own".into(),
        outputs: vec!["own.onnx".into(), "golden.csv".into()],
        parameters: [("depth".to_owned(), serde_json::json!(3))].into(),
        model: Some(written),
        ..command.clone()
    };
    Pipeline { steps: vec![plain, command, own] }
}

fn a_requirement() -> Requirement {
    let text = "recall of \"Yes\" >= 0.7";
    let stated = |text: &str| StatedCriterion { text: text.into(), criterion: parse_criterion(text).unwrap(), line: 0 };
    Requirement {
        name: "keep".into(),
        goal: "Keep \"customers\" \\ who would leave".into(),
        owner: "product-owner".into(),
        dataset: "customers".into(),
        criteria: vec![stated(&text.replace('"', "")), stated("accuracy >= baseline trees")],
        looks: Some(Looks::Planned(vec![200, 400, 1_000])),
        prose: "Why it matters.\n\n+++ is no fence within a line".into(),
        digest: Digest::of(b""),
    }
}

#[test]
fn every_definition_reads_back_as_it_was_written() {
    let (product, contract, pipeline) = (a_product(), a_contract(), a_pipeline());
    let requirement = a_requirement();
    let serving = Serving {
        endpoint: "churn".into(),
        on_duty: Some("0dan".into()),
        drift_distance: 0.25,
        alias: remuda_model::model::registered::FollowedAlias::parse("champion"),
    };
    let definitions = good(&[
        ("remuda.toml", &render::product(&product)),
        ("data/customers.odcs.yaml", &render::contract(&contract)),
        ("pipeline.toml", &render::pipeline(&pipeline)),
        ("requirements/keep.md", &render::requirement(&requirement)),
        ("serving.toml", &render::serving(&serving)),
    ]);
    assert_eq!(definitions.product.unwrap().value, product);
    let mut read = definitions.contracts[0].value.clone();
    let by_name = |left: &Rule, right: &Rule| left.name.cmp(&right.name);
    read.rules.sort_by(by_name);
    let mut written = contract;
    written.rules.sort_by(by_name);
    assert_eq!(read, written);
    assert_eq!(definitions.pipeline.unwrap().value, pipeline);
    assert_eq!(definitions.serving.unwrap().value, serving);
    let read = definitions.requirements[0].value.clone();
    let lines: Vec<u32> = read.criteria.iter().map(|stated| stated.line).collect();
    assert_eq!(lines, [7, 8]);
    let mut same = Requirement { digest: requirement.digest.clone(), ..read };
    same.criteria.iter_mut().for_each(|stated| stated.line = 0);
    assert_eq!(same, requirement);
}

#[test]
fn whole_numbers_may_be_classes_or_numbers_where_they_are_the_label() {
    for kind in [None, Some(FeatureKind::Category)] {
        let mut contract = a_contract();
        let label = contract.columns.len() - 1;
        (contract.columns[label].column_type, contract.columns[label].kind) = (ColumnType::Integer, kind);
        let definitions = good(&[
            ("remuda.toml", &render::product(&a_product())),
            ("data/customers.odcs.yaml", &render::contract(&contract)),
            ("requirements/keep.md", &render::requirement(&a_requirement())),
        ]);
        assert_eq!(definitions.contracts[0].value.columns[label].kind, kind);
    }
}

#[test]
fn the_written_files_read_well() {
    assert_snapshot!("product", render::product(&a_product()));
    assert_snapshot!("contract", render::contract(&a_contract()));
    assert_snapshot!("pipeline", render::pipeline(&a_pipeline()));
    assert_snapshot!("requirement", render::requirement(&a_requirement()));
    assert_snapshot!("serving", render::serving(&Serving::usual("churn")));
}
