//! What behavioural tests can get wrong.

use crate::support::{CONTRACT, findings, good};
use insta::assert_snapshot;
use remuda_model::behaviour::{Base, Direction, Expectation, Perturbation};
use remuda_model::data::Split;

const PATH: &str = "tests/typos.toml";
const CONTRACT_FILE: &str = "data/customers.odcs.yaml";

/// A sound file that says something of every kind.
pub(crate) const TESTS: &str = r#"about = "However it is put"
data = "customers"

[lexicon]
name = ["Ana", "Bo"]

[[test]]
name = "names"
capability = "fairness"
type = "invariance"
template = "{name} met {name2}"
column = "note"
with = { tenure = 3 }
change = [{ swap = "name", times = 2 }, { column = "tenure", add = 12 }]

[[test]]
name = "loyal"
capability = "loyalty"
type = "directional"
from = "validation"
where = "tenure < 12"
change = { column = "tenure", add = 12 }
expect = { score = "not up", of = "Yes", by = 0.02 }
pass_rate = 0.9

[[test]]
name = "known"
capability = "loyalty"
type = "minimum"
rows = [{ customer = "c1", tenure = 1, churn = "Yes" }]
"#;

/// The usual contract with a text that models read.
fn contract() -> String {
    CONTRACT.replace("      - name: tenure", "      - name: note\n        logicalType: string\n      - name: tenure")
}

fn found(tests: &str) -> String {
    findings(&[(CONTRACT_FILE, &contract()), (PATH, tests)])
}

#[test]
fn a_sound_file_is_read() {
    let definitions = good(&[(CONTRACT_FILE, &contract()), (PATH, TESTS)]);
    let tests = &definitions.tests[0].value;
    assert_eq!((tests.name.as_str(), tests.dataset.as_deref(), tests.seed), ("typos", Some("customers"), 1));
    let [names, loyal, known] = tests.tests.as_slice() else { unreachable!("three tests are written") };
    assert_eq!((names.line, names.limit, names.pass_rate, names.changes.len()), (7, 500, 1.0, 2));
    assert_eq!(names.expectation, Expectation::SameLabel);
    assert_eq!((names.changes[0].column.as_str(), names.changes[0].times), ("note", 2));
    assert_eq!(names.changes[1].perturbation, Perturbation::Add(12.0));
    let filter = Some("tenure < 12".to_owned());
    assert_eq!((&loyal.base, loyal.limit), (&Base::Data { split: Split::Validation, filter }, 200));
    let moves = Expectation::Moves { of: Some("Yes".into()), direction: Direction::NotUp, by: 0.02 };
    assert_eq!((&loyal.expectation, loyal.pass_rate), (&moves, 0.9));
    assert_eq!(known.expectation, Expectation::OwnLabel);
}

#[test]
fn every_mistake_is_found_at_once_with_its_place() {
    assert_snapshot!(found(
        r#"dta = "customers"
seed = -1

[lexicon]
product = ["phone", "phone"]
empty = []
spare = ["never used"]

[[test]]
name = "Broken Phones"
capability = "vocabulary"
type = "minimal"
template = ["my {prodct} is broken", "my {product is", "{{fine}} {other}"]
column = "tenure"
with = { tenur = 3, churn = 1 }
expect = { lable = "Yes" }

[[test]]
name = "typos"
capabilty = "robustness"
type = "invariance"
from = "holdout"
limit = 0
change = [{ tpyos = 1 }, { typos = 1, case = "uper" }, { column = "note", case = "uper" }, { times = 2 }]
expect = { within = -0.1, of = "Ja" }
pass_rate = 95

[[test]]
name = "typos"
capability = "robustness"
type = "directional"
rows = []
from = "validation"
change = { column = "tenure", add = 0.5, times = 3 }
expect = { score = "upp", by = 1 }
"#
    ));
}

#[test]
fn what_does_not_go_together_is_said() {
    assert_snapshot!(found(
        r#"[[test]]
name = "a"
capability = "x"
type = "minimum"
rows = [{ tenure = "three" }]
where = "tenure > 3"
change = { column = "tenure", add = 1 }
expect = { label = "Maybe", at_least = 0.5 }

[[test]]
name = "b"
capability = "x"
type = "minimum"
template = "hello"
expect = { at_least = 0.5, at_most = 0.4 }

[[test]]
name = "c"
capability = "x"
type = "directional"
from = "train"
change = [{ column = "tenure", typos = 1 }, { column = "churn", add = 1 }, { column = "churn", numbers = false }]

[[test]]
name = "d"
capability = "x"
type = "invariance"
"#
    ));
}

#[test]
fn a_file_of_somebody_else_is_left_alone_and_an_unknown_dataset_is_not() {
    assert_snapshot!(findings(&[
        ("tests/fixtures.toml", "[database]\nurl = \"sqlite::memory:\"\n"),
        ("tests/other.toml", "data = \"customer\"\ntest = 3\n"),
        ("tests/none.toml", "about = \"nothing yet\"\n"),
        ("tests/broken.toml", "[[test]\n"),
    ]));
}

#[test]
fn a_criterion_about_tests_that_are_not_there_is_told_which_are() {
    let requirement = crate::support::REQUIREMENT.replace("recall of Yes >= 0.70", "every test of typoes passes");
    assert_snapshot!(findings(&[(CONTRACT_FILE, &contract()), (PATH, TESTS), ("requirements/keep.md", &requirement)]));
}
