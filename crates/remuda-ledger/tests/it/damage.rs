//! Damage: a byte that was changed anywhere in the file or in its log. `verify` names it, or nothing is read
//! differently; and what cannot be known is pinned down here as well.

use crate::bulk::history;
use crate::harness::{Place, fact};
use remuda_ledger::{Append, Ledger, Problem};
use sqlx::{AssertSqlSafe, Connection as _, Row as _};
use std::path::{Path, PathBuf};

fn run<F: Future<Output = ()>>(story: F) {
    tokio::runtime::Runtime::new().unwrap().block_on(story);
}

fn address(file: &Path) -> String {
    format!("sqlite:{}", file.display())
}

/// All that facts vouch for, as text; `None` if it cannot be read.
async fn contents(file: &Path) -> Option<Vec<String>> {
    let mut connection = sqlx::SqliteConnection::connect(&address(file)).await.ok()?;
    let mut all = Vec::new();
    for rows in [
        "fact ORDER BY product, sequence",
        "chain ORDER BY product",
        "link ORDER BY product, sequence, position",
        "definition ORDER BY digest, path",
        // The points of a run that is not sealed yet are vouched for by nothing.
        "metric_point WHERE sequence > 0 OR run = 'run/1' ORDER BY product, sequence, position",
        "prediction ORDER BY product, id",
        "outcome ORDER BY product, sequence, position",
    ] {
        let text = format!("SELECT * FROM {rows}");
        for row in sqlx::query(AssertSqlSafe(text)).fetch_all(&mut connection).await.ok()? {
            let cells = (0..row.len()).map(|cell| {
                let integer = row.try_get_unchecked::<Option<i64>, _>(cell);
                let text = row.try_get_unchecked::<Option<String>, _>(cell);
                format!("{integer:?} {text:?}")
            });
            all.push(cells.collect::<Vec<_>>().join(", "));
        }
    }
    connection.close().await.ok()?;
    Some(all)
}

/// What opening and verifying says: `None` if both find nothing.
async fn found(file: &Path) -> Option<String> {
    let ledger = match Ledger::open(&address(file)).await {
        Ok(ledger) => ledger,
        Err(error) => return Some(error.to_string()),
    };
    let told = match ledger.verify("churn", &mut |_, _| {}).await {
        Ok(report) => report.problems.first().map(|problem| problem.message.clone()),
        Err(error) => Some(error.to_string()),
    };
    ledger.close().await;
    told
}

#[test]
fn a_byte_flipped_anywhere_in_the_file_is_found_or_changes_nothing() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ledger.db");
        let ledger = Ledger::open(&address(&file)).await.unwrap();
        history(&Place { ledger: ledger.clone(), address: address(&file) }).await;
        ledger.close().await;
        assert_eq!(found(&file).await, None);
        let sound = std::fs::read(&file).unwrap();
        let before = contents(&file).await.unwrap();
        // Most of a page of a small ledger is empty: the bytes that hold something are tried, spread over all of them.
        let telling: Vec<usize> = (0..sound.len()).filter(|at| sound[*at] != 0).collect();
        let mut named = 0;
        for (round, at) in telling.iter().step_by(telling.len() / 250).enumerate() {
            let mut flipped = sound.clone();
            flipped[*at] ^= 1 << (round % 7);
            let copy = folder.path().join("flipped.db");
            std::fs::write(&copy, flipped).unwrap();
            match found(&copy).await {
                Some(_) => named += 1,
                None => assert_eq!(contents(&copy).await.as_ref(), Some(&before), "byte {at} was changed unseen"),
            }
            for ending in ["", "-wal", "-shm"] {
                let _ = std::fs::remove_file(folder.path().join(format!("flipped.db{ending}")));
            }
        }
        assert!(named > 60, "{named} were named");
    });
}

/// A ledger as a kill leaves it: facts `f1` to `f5` in its log, none of them folded into the file.
async fn killed(folder: &Path) -> PathBuf {
    let file = folder.join("ledger.db");
    let ledger = Ledger::open(&address(&file)).await.unwrap();
    // Folded into the file, so that the log holds facts alone.
    ledger.close().await;
    let ledger = Ledger::open(&address(&file)).await.unwrap();
    for number in 1..=5 {
        let facts = vec![fact(&format!("f{number}"))];
        ledger.append("churn", Append { facts, ..Append::default() }).await.unwrap();
    }
    let copy = folder.join("killed.db");
    for ending in ["", "-wal"] {
        let from = folder.join(format!("ledger.db{ending}"));
        std::fs::copy(from, folder.join(format!("killed.db{ending}"))).unwrap();
    }
    ledger.close().await;
    copy
}

fn flip_log(file: &Path, at: impl Fn(u64) -> u64) -> PathBuf {
    let log = PathBuf::from(format!("{}-wal", file.display()));
    let mut bytes = std::fs::read(&log).unwrap();
    let at = usize::try_from(at(bytes.len() as u64)).unwrap();
    bytes[at] ^= 4;
    std::fs::write(&log, bytes).unwrap();
    log
}

async fn facts_and_problems(file: &Path) -> (u64, Vec<Problem>) {
    let ledger = Ledger::open(&address(file)).await.unwrap();
    let report = ledger.verify("churn", &mut |_, _| {}).await.unwrap();
    ledger.close().await;
    (report.facts, report.problems)
}

#[test]
fn a_byte_flipped_in_the_log_is_named_with_what_is_lost_behind_it() {
    // In the header; in the first frame's own header; in its page.
    for at in [9, 17, 32 + 5, 32 + 17, 32 + 24 + 300] {
        run(async {
            let folder = tempfile::tempdir().unwrap();
            let file = killed(folder.path()).await;
            flip_log(&file, |_| at);
            let (facts, problems) = facts_and_problems(&file).await;
            assert_eq!(facts, 0, "SQLite forgets what lies behind the break");
            assert_eq!(problems.len(), 1, "{problems:?}");
            assert!(problems[0].id.ends_with("killed.db-broken-log-1"), "{problems:?}");
            let place = if at < 32 { 0 } else { 32 };
            assert!(problems[0].message.contains(&format!("broke off at byte {place}, and ")), "{problems:?}");
            // Whichever command opened the ledger first: the log was kept, and is named until somebody removes it.
            assert_eq!(facts_and_problems(&file).await, (0, problems.clone()));
            std::fs::remove_file(&problems[0].id).unwrap();
            assert_eq!(facts_and_problems(&file).await, (0, vec![]));
        });
    }
}

#[test]
fn transactions_before_a_break_are_there() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let file = killed(folder.path()).await;
        flip_log(&file, |length| length / 2);
        let (facts, problems) = facts_and_problems(&file).await;
        assert!((1..5).contains(&facts), "{facts}");
        assert_eq!(problems.len(), 1, "{problems:?}");
    });
}

#[test]
fn a_log_that_a_kill_cut_short_is_no_damage() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let file = killed(folder.path()).await;
        let log = PathBuf::from(format!("{}-wal", file.display()));
        let length = std::fs::metadata(&log).unwrap().len();
        std::fs::File::options().write(true).open(&log).unwrap().set_len(length - 100).unwrap();
        assert_eq!(facts_and_problems(&file).await, (4, vec![]));
    });
    // Nor can a byte changed in the last frame be told from a write that was cut: its transaction is gone unseen.
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let file = killed(folder.path()).await;
        flip_log(&file, |length| length - 100);
        assert_eq!(facts_and_problems(&file).await, (4, vec![]));
    });
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let file = killed(folder.path()).await;
        assert_eq!(facts_and_problems(&file).await, (5, vec![]));
    });
}
