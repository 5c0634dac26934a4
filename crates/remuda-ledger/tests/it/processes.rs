//! Several writers: tasks of one process, processes of one machine, and a process killed at work.
//!
//! The other processes are this test binary again, told by its environment to run [`worker`].

use crate::harness::{check_both, fact};
use remuda_ledger::{Append, Blobs, FactQuery, Ledger};
use remuda_model::Digest;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

/// Starts a process that appends facts `NAME-1`, `NAME-2`, … one by one and prints each acknowledged id.
fn spawn(address: &str, name: &str, count: u32) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "processes::worker", "--ignored", "--nocapture"])
        .env("REMUDA_TEST_WORKER_ADDRESS", address)
        .env("REMUDA_TEST_WORKER_NAME", name)
        .env("REMUDA_TEST_WORKER_COUNT", count.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap()
}

#[test]
#[ignore = "runs in a process of its own, started by the other tests"]
#[expect(clippy::print_stdout, reason = "the parent reads which facts were acknowledged")]
fn worker() {
    let Ok(address) = std::env::var("REMUDA_TEST_WORKER_ADDRESS") else { return };
    let name = std::env::var("REMUDA_TEST_WORKER_NAME").unwrap();
    let count: u32 = std::env::var("REMUDA_TEST_WORKER_COUNT").unwrap().parse().unwrap();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        if let Some(folder) = address.strip_prefix("blobs:") {
            let blobs = Blobs::local(std::path::Path::new(folder));
            for number in 1..=count {
                let digest = blobs.put(format!("{name}-{number} ").repeat(100_000)).await.unwrap();
                println!("\nacknowledged {digest}");
            }
            return;
        }
        let ledger = Ledger::open(&address).await.unwrap();
        for number in 1..=count {
            let id = format!("{name}-{number}");
            ledger.append("churn", Append { facts: vec![fact(&id)], ..Append::default() }).await.unwrap();
            println!("\nacknowledged {id}");
        }
    });
}

fn acknowledged(line: &str) -> Option<String> {
    line.strip_prefix("acknowledged ").map(str::to_owned)
}

#[test]
fn tasks_append_at_once_and_the_chain_has_no_holes() {
    check_both(|place| async move {
        let mut tasks = Vec::new();
        for task in 0..8 {
            let ledger = place.ledger.clone();
            tasks.push(tokio::spawn(async move {
                for number in 0..25 {
                    let facts = vec![fact(&format!("{task}-{number}")), fact(&format!("{task}-{number}-more"))];
                    ledger.append("churn", Append { facts, ..Append::default() }).await.unwrap();
                }
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(place.ledger.head("churn").await.unwrap().unwrap().sequence, 400);
        assert!(place.problems().await.is_empty());
    });
}

#[test]
fn two_processes_append_at_once_to_a_ledger_that_neither_had_made() {
    check_both(|place| async move {
        let fresh = if place.ledger.is_local() {
            place.address.replace("ledger.db", "fresh.db")
        } else {
            place.address.clone()
        };
        let children = ["a", "b"].map(|name| spawn(&fresh, name, 60));
        for mut child in children {
            let output = BufReader::new(child.stdout.take().unwrap());
            assert_eq!(output.lines().filter_map(|line| acknowledged(&line.unwrap())).count(), 60);
            assert!(child.wait().unwrap().success());
        }
        let ledger = Ledger::open(&fresh).await.unwrap();
        let report = ledger.verify("churn", &mut |_, _| {}).await.unwrap();
        assert_eq!((report.facts, report.problems.len()), (120, 0));
        ledger.close().await;
    });
}

#[test]
fn a_process_killed_at_work_loses_nothing_that_it_had_acknowledged() {
    check_both(|place| async move {
        let mut seen = Vec::new();
        for round in 1..=3 {
            let mut child = spawn(&place.address, &format!("round{round}"), 100_000);
            let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
            let before = seen.len();
            while seen.len() < before + 30 {
                seen.extend(acknowledged(&lines.next().unwrap().unwrap()));
            }
            child.kill().unwrap();
            child.wait().unwrap();
            // What it had printed before it died counts as well.
            seen.extend(lines.filter_map(|line| acknowledged(&line.ok()?)));
        }
        let ledger = Ledger::open(&place.address).await.unwrap();
        let report = ledger.verify("churn", &mut |_, _| {}).await.unwrap();
        assert_eq!(report.problems, []);
        let kept = ledger.facts(&FactQuery::of("churn")).await.unwrap();
        let kept: std::collections::HashSet<String> = kept.into_iter().map(|fact| fact.fact.id).collect();
        let lost: Vec<&String> = seen.iter().filter(|id| !kept.contains(*id)).collect();
        assert!(lost.is_empty(), "lost {lost:?}");
        // At most one append a round was durable before it could be acknowledged.
        assert!(kept.len() <= seen.len() + 3);
        ledger.append("churn", Append { facts: vec![fact("after")], ..Append::default() }).await.unwrap();
        ledger.close().await;
    });
}

#[test]
fn many_open_a_new_ledger_at_the_same_time() {
    check_both(|place| async move {
        let fresh = if place.ledger.is_local() {
            place.address.replace("ledger.db", "fresh.db")
        } else {
            place.address.clone()
        };
        let opens = (0..12).map(|_| {
            let address = fresh.clone();
            tokio::spawn(async move { Ledger::open(&address).await })
        });
        for open in opens.collect::<Vec<_>>() {
            open.await.unwrap().unwrap().close().await;
        }
    });
}

#[test]
fn a_process_killed_while_it_puts_blobs_leaves_whole_blobs_and_what_a_sweep_removes() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = spawn(&format!("blobs:{}", folder.path().display()), "blob", 100_000);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut seen = Vec::new();
    while seen.len() < 20 {
        seen.extend(acknowledged(&lines.next().unwrap().unwrap()));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    seen.extend(lines.filter_map(|line| acknowledged(&line.ok()?)));
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let blobs = Blobs::local(folder.path());
        let seen: Vec<Digest> = seen.iter().filter_map(|text| Digest::parse(text).ok()).collect();
        assert_eq!(blobs.missing(&seen).await.unwrap(), []);
        assert!(blobs.sweep_temporary().await.unwrap() <= 1);
        assert_eq!(blobs.verify_all(|_, _| {}).await.unwrap(), []);
    });
}
