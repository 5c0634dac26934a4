//! Tampering: whatever is done to the database from outside, `verify` names the place.

use crate::bulk::history;
use crate::harness::{check_both, fact, facts};
use remuda_ledger::Append;

const BROKEN: &str = "does not follow the fact before it: facts were removed, inserted or put in another order";
const CHANGED: &str = "was changed after it was appended (the fact or its links)";

/// Each case does one thing to five facts and says what must be found.
#[test]
fn tampering_with_facts_and_links_is_found_and_named() {
    let swap = "UPDATE fact SET sequence = 99 WHERE id = 'f2'; UPDATE fact SET sequence = 2 WHERE id = 'f3'; \
        UPDATE fact SET sequence = 3 WHERE id = 'f2';";
    let insert = "INSERT INTO fact SELECT product, 6, 'f6', time, actor, role, verb, subject, payload, previous, hash \
        FROM fact WHERE id = 'f5'";
    let cases: Vec<(&str, Vec<String>)> = vec![
        ("UPDATE fact SET payload = '{\"rows\": 7044}' WHERE id = 'f3'", vec![format!("3 f3: {CHANGED}")]),
        ("UPDATE fact SET time = time + 1 WHERE id = 'f5'", vec![format!("5 f5: {CHANGED}")]),
        (
            "UPDATE fact SET role = 'king' WHERE id = 'f5'",
            vec![
                "5 f5: `king` is no role".into(),
                "5 chain: the newest fact is not the one that the ledger recorded as newest".into(),
            ],
        ),
        (
            "DELETE FROM fact WHERE id = 'f3'",
            vec![
                "3 chain: facts 3 to 3 were removed".into(),
                "3 link: table link has rows of a fact that is not in the ledger".into(),
            ],
        ),
        (
            "DELETE FROM fact WHERE sequence > 3; DELETE FROM link WHERE sequence > 3",
            vec!["4 chain: facts 4 to 5 were removed from the end".into()],
        ),
        (
            swap,
            vec![
                format!("2 f3: {BROKEN}"),
                format!("2 f3: {CHANGED}"),
                format!("3 f2: {BROKEN}"),
                format!("3 f2: {CHANGED}"),
                format!("4 f4: {BROKEN}"),
            ],
        ),
        (
            insert,
            vec![
                "6 chain: the ledger recorded 5 facts, but has them up to 6: some were inserted".into(),
                format!("6 f6: {BROKEN}"),
                format!("6 f6: {CHANGED}"),
            ],
        ),
        ("UPDATE link SET target = 'x' WHERE sequence = 2", vec![format!("2 f2: {CHANGED}")]),
        ("DELETE FROM link WHERE sequence = 2", vec![format!("2 f2: {CHANGED}")]),
        ("INSERT INTO link VALUES ('churn', 4, 1, 'uses', 'run', 'x')", vec![format!("4 f4: {CHANGED}")]),
    ];
    for (sql, told) in cases {
        check_both(|place| {
            let told = told.clone();
            async move {
                place.add(facts(1..=5)).await;
                assert!(place.problems().await.is_empty());
                place.tamper(sql).await;
                assert_eq!(place.problems().await, told, "after {sql}");
            }
        });
    }
}

#[test]
fn tampering_with_bulk_rows_and_definitions_is_found_and_named() {
    let rows = |table: &str| format!("its rows in table {table} were changed, removed or added to");
    let cases = [
        ("UPDATE prediction SET score = 0.76 WHERE id = 'p2'", format!("3 f3: {}", rows("prediction"))),
        ("DELETE FROM prediction WHERE id = 'p2'", format!("3 f3: {}", rows("prediction"))),
        ("UPDATE outcome SET value = 'No' WHERE prediction = 'p2'", format!("4 f4: {}", rows("outcome"))),
        ("UPDATE metric_point SET value = 1 WHERE run = 'run/3'", format!("4 f4: {}", rows("metric_point"))),
        ("UPDATE metric_point SET value = 1 WHERE run = 'run/1'", format!("2 f2: {}", rows("metric_point"))),
        (
            "INSERT INTO prediction VALUES ('churn', 'p8', 1, 0, 'r1', 1, 'Yes', 1, '{}', 0)",
            "1 prediction: table prediction has rows that this fact does not vouch for".to_owned(),
        ),
        (
            "INSERT INTO outcome VALUES ('churn', 77, 0, 'p1', 'No', NULL, 1)",
            "77 outcome: table outcome has rows of a fact that is not in the ledger".to_owned(),
        ),
        (
            "UPDATE definition SET text = 'recall >= 0.1'",
            format!(
                "0 {}: the text of `a.md` does not match this digest",
                remuda_model::Digest::of(b"recall >= 0.9").as_str()
            ),
        ),
    ];
    for (sql, told) in cases {
        check_both(|place| {
            let told = told.clone();
            async move {
                history(&place).await;
                assert!(place.problems().await.is_empty());
                place.tamper(sql).await;
                assert_eq!(place.problems().await, [told], "after {sql}");
            }
        });
    }
}

#[test]
fn a_hundred_thousand_facts_are_walked_page_by_page() {
    check_both(|place| async move {
        for start in (1..=100_000).step_by(10_000) {
            place.add((start..start + 10_000).map(|number| fact(&format!("f{number}"))).collect()).await;
        }
        let mut calls = Vec::new();
        let report = place.ledger.verify("churn", &mut |done, total| calls.push((done, total))).await.unwrap();
        assert_eq!((report.facts, report.problems.len()), (100_000, 0));
        assert_eq!(report.head, Some(place.ledger.head("churn").await.unwrap().unwrap().hash));
        assert_eq!((calls.len(), calls[0], calls[99]), (100, (1_000, 100_000), (100_000, 100_000)));
    });
}

#[test]
fn an_empty_ledger_is_whole() {
    check_both(|place| async move {
        let report = place.ledger.verify("churn", &mut |_, _| {}).await.unwrap();
        assert_eq!((report.facts, report.head, report.problems.len()), (0, None, 0));
    });
}

#[test]
fn a_flipped_byte_in_the_sqlite_file_is_found() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ledger.db");
        let address = format!("sqlite:{}", file.display());
        let ledger = remuda_ledger::Ledger::open(&address).await.unwrap();
        let mut marked = fact("f2");
        marked.payload = r#"{"note": "the quick brown fox"}"#.to_owned();
        let facts = vec![fact("f1"), marked, fact("f3")];
        ledger.append("churn", Append { facts, ..Append::default() }).await.unwrap();
        ledger.close().await;

        let mut bytes = std::fs::read(&file).unwrap();
        let at = bytes.windows(9).position(|window| window == b"brown fox").unwrap();
        bytes[at] ^= 1;
        std::fs::write(&file, bytes).unwrap();

        let ledger = remuda_ledger::Ledger::open(&address).await.unwrap();
        let report = ledger.verify("churn", &mut |_, _| {}).await.unwrap();
        assert_eq!(report.problems.len(), 1);
        assert_eq!((report.problems[0].sequence, report.problems[0].id.as_str()), (Some(2), "f2"));
        ledger.close().await;
    });
}
