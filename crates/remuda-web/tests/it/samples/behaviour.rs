//! Behavioural tests of a candidate: what they found, and what is there before they ran.

use super::{HOUR, NOW, digest};
use remuda_app::analysis::{
    Answered, CapabilityRow, DefinedTests, Failure, MatrixCell, PassRate, TestResult, TestState, Tested, TestedFile,
};
use remuda_model::behaviour::{Segment, TestType};

fn rate(cases: u64, failures: u64) -> PassRate {
    let value = 1.0 - failures as f64 / cases as f64;
    PassRate {
        cases,
        failures,
        units: cases,
        value: Some(value),
        lower: Some(value - 0.04),
        upper: Some((value + 0.03).min(1.0)),
        confidence: 0.95,
        method: "Clopper-Pearson".into(),
    }
}

fn segment(text: &str, changed: bool) -> Segment {
    Segment { text: text.into(), changed }
}

fn answered(label: &str, score: f64) -> Answered {
    Answered { label: label.into(), of: Some(label.into()), score: Some(score) }
}

fn failure(number: u64) -> Failure {
    Failure {
        unit: format!("validation row T{number:06}"),
        change: "1 typo".into(),
        column: "text".into(),
        before: vec![segment("the ", false), segment("server", true), segment(" does not answer", false)],
        after: vec![segment("the ", false), segment("sevrer", true), segment(" does not answer", false)],
        answered_before: Some(answered("urgent", 0.83)),
        answered: answered("routine", 0.61),
        own_label: Some("urgent".into()),
        row: serde_json::Map::new(),
    }
}

fn result(name: &str, kind: TestType, failures: u64) -> TestResult {
    TestResult {
        file: "triage".into(),
        name: name.into(),
        about: "A slip of the finger changes nothing".into(),
        capability: "robustness".into(),
        kind,
        expected: "the label stays".into(),
        passed: failures == 0,
        demanded: 0.95,
        rate: rate(200, failures),
        void: 3,
        problem: None,
        failures: (0..failures.min(5)).map(failure).collect(),
    }
}

pub(crate) fn state() -> TestState {
    let tests = vec![
        result("typos", TestType::Invariance, 17),
        result("second-trouble", TestType::Directional, 0),
        TestResult {
            problem: Some("the model has no class `urgnt`; did you mean `urgent`?".into()),
            passed: false,
            ..result("urgent-words", TestType::Minimum, 0)
        },
    ];
    let cell =
        |kind, failures| MatrixCell { kind, tests: 1, passing: u64::from(failures == 0), rate: rate(200, failures) };
    let matrix = vec![
        CapabilityRow {
            capability: "robustness".into(),
            cells: vec![cell(TestType::Invariance, 17), cell(TestType::Directional, 0)],
        },
        CapabilityRow { capability: "vocabulary".into(), cells: vec![cell(TestType::Minimum, 0)] },
    ];
    let found = Tested {
        id: "t4k8m2pq9x".into(),
        passed: false,
        model: digest("trees"),
        model_name: "trees".into(),
        dataset: "tickets".into(),
        version: Some(digest("tickets 2")),
        files: vec![TestedFile { name: "triage".into(), digest: digest("tests") }],
        only: None,
        matrix,
        tests,
        repeated: false,
        actor: "quality".into(),
        time: NOW - HOUR,
        fact: String::new(),
    };
    TestState { found: Some(found), stale: vec!["the tests triage have changed since".into()], ..unrun() }
}

pub(crate) fn unrun() -> TestState {
    let about = "Urgent tickets are seen as such".to_owned();
    TestState {
        model: digest("trees"),
        model_name: "trees".into(),
        files: vec![DefinedTests { name: "triage".into(), about, tests: 3, digest: digest("tests") }],
        found: None,
        stale: Vec::new(),
    }
}
