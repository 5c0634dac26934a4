//! What the next start repairs: a run whose process is gone, predictions in the spool of a killed server.

use crate::harness::{Story, check_both, customers};
use remuda_app::run::{Show, Start};
use remuda_ledger::{FactQuery, Window};
use remuda_model::run::RunStatus;
use remuda_model::serving::PredictionRecord;
use remuda_model::team::Risk;

/// A process that has ended, as leases and spool files name it: its number and when it began.
fn dead_process() -> String {
    let mut child = std::process::Command::new("true").spawn().unwrap();
    child.wait().unwrap();
    format!("{}.1", child.id())
}

/// This process, named so.
fn own_process() -> Option<String> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let began = stat.rsplit(") ").next()?.split_whitespace().nth(19)?.to_owned();
    Some(format!("{}.{began}", std::process::id()))
}

fn start(holder: String) -> Start {
    serde_json::from_value(serde_json::json!({
        "command": "python train.py", "holder": holder, "note": "",
        "snapshot": remuda_model::run::Snapshot::default(),
    }))
    .unwrap()
}

#[test]
fn a_killed_run_ends_as_failed() {
    check_both(Risk::Medium, |story| async move {
        let run = story.does("scientist", start("elsewhere/00000000:1".into())).await.unwrap().run;
        let state = story.does("scientist", Show { run: run.clone() }).await.unwrap();
        assert_eq!(state.status, RunStatus::Running);
        // The story's clock is long past: no heartbeat came since.
        story.reopened().await;
        let state = story.does("scientist", Show { run: run.clone() }).await.unwrap();
        assert_eq!((state.status, state.failure.as_str()), (RunStatus::Failed, "its heartbeat stopped"));
        assert!(story.app.ledger.leases().await.unwrap().is_empty());
        // Once.
        story.reopened().await;
        let query = FactQuery { verbs: vec!["run.failed".into()], subject: Some(run), ..FactQuery::of("churn") };
        assert_eq!(story.app.ledger.facts(&query).await.unwrap().len(), 1);
    });
}

#[test]
fn a_run_whose_process_has_ended_is_closed_at_once() {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let (Some(name), Some(boot)) = (read("/proc/sys/kernel/hostname"), read("/proc/sys/kernel/random/boot_id")) else {
        return;
    };
    let list = std::fs::read_link("/proc/self/ns/pid").unwrap();
    let list: String = list.to_string_lossy().chars().filter(char::is_ascii_digit).collect();
    let machine = format!("{}/{}/{list}", name.trim(), &boot.trim()[..8]);
    check_both(Risk::Medium, |story| {
        let machine = machine.clone();
        async move {
            let run = story.does("scientist", start(format!("{machine}:{}", dead_process()))).await.unwrap().run;
            let now = remuda_app::app::Clock::now(&remuda_app::app::SystemClock);
            let held = story.app.ledger.leases().await.unwrap().remove(0);
            story.app.ledger.beat_lease(&held.name, &held.holder, now).await.unwrap();
            story.reopened().await;
            let state = story.does("scientist", Show { run }).await.unwrap();
            assert_eq!(state.failure, "its process ended without finishing it");
        }
    });
}

#[test]
fn a_run_in_another_list_of_processes_is_left_alone_while_its_heart_beats() {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let (Some(name), Some(boot)) = (read("/proc/sys/kernel/hostname"), read("/proc/sys/kernel/random/boot_id")) else {
        return;
    };
    // A container of this machine: the number means nothing here.
    let elsewhere = format!("{}/{}/1", name.trim(), &boot.trim()[..8]);
    check_both(Risk::Medium, |story| {
        let elsewhere = elsewhere.clone();
        async move {
            let run = story.does("scientist", start(format!("{elsewhere}:{}", dead_process()))).await.unwrap().run;
            let now = remuda_app::app::Clock::now(&remuda_app::app::SystemClock);
            let held = story.app.ledger.leases().await.unwrap().remove(0);
            story.app.ledger.beat_lease(&held.name, &held.holder, now).await.unwrap();
            story.reopened().await;
            let state = story.does("scientist", Show { run }).await.unwrap();
            assert_eq!(state.status, RunStatus::Running);
        }
    });
}

/// A line as the prediction log writes it.
fn line(record: &PredictionRecord) -> String {
    let json = serde_json::to_string(record).unwrap();
    format!("{} {json}\n", &blake3::hash(json.as_bytes()).to_hex()[..8])
}

async fn logged(story: &Story) -> (usize, usize) {
    let rows = story.app.ledger.predictions(&Window::all("churn"), 100).await.unwrap();
    let query = FactQuery { verbs: vec!["serving.logged".into()], ..FactQuery::of("churn") };
    (rows.len(), story.app.ledger.facts(&query).await.unwrap().len())
}

#[test]
fn the_spool_of_a_killed_server_is_drained_once() {
    check_both(Risk::Medium, |story| async move {
        let release = story.go_live(&customers(1, 3_000, None)).await;
        let record = |id: &str| PredictionRecord {
            id: id.to_owned(),
            release: release.clone(),
            time: 1_772_500_000_000_000,
            label: "yes".to_owned(),
            score: 0.75,
            inputs: r#"{"spend": 12.5, "plan": "basic"}"#.to_owned(),
            microseconds: 90,
        };
        let whole: String = ["p1", "p2", "p3"].map(|id| line(&record(id))).concat();
        // The last write was cut by the kill.
        let torn = line(&record("p4"));
        let text = format!("{whole}{}", &torn[..torn.len() / 2]);
        let spool = story.root().join(".remuda/spool");
        std::fs::create_dir_all(&spool).unwrap();
        let file = spool.join(format!("churn@{}-1.open", dead_process()));
        std::fs::write(&file, &text).unwrap();
        story.reopened().await;
        assert_eq!(logged(&story).await, (3, 1));
        assert!(!file.exists());
        // A drain that was killed before it removed the file is drained again, and adds nothing.
        std::fs::write(&file, &text).unwrap();
        story.reopened().await;
        assert_eq!(logged(&story).await, (3, 1));
        // A file that somebody still writes is left alone.
        let Some(own) = own_process() else { return };
        let open = spool.join(format!("churn@{own}-2.open"));
        std::fs::write(&open, line(&record("p5"))).unwrap();
        story.reopened().await;
        assert_eq!(logged(&story).await, (3, 1));
        assert!(open.exists());
    });
}

#[test]
fn a_record_that_the_ledger_cannot_take_is_put_aside() {
    check_both(Risk::Medium, |story| async move {
        let release = story.go_live(&customers(1, 3_000, None)).await;
        let record = |id: &str| PredictionRecord {
            id: id.to_owned(),
            release: release.clone(),
            time: 1_772_500_000_000_000,
            label: "yes".to_owned(),
            score: 0.75,
            inputs: "{}".to_owned(),
            microseconds: 90,
        };
        let spool = story.root().join(".remuda/spool");
        std::fs::create_dir_all(&spool).unwrap();
        let file = spool.join(format!("churn@{}-1.log", dead_process()));
        let refused = file.with_extension("refused");
        let text: String = ["p1", "nul\0x", "p2", "p3"].map(|id| line(&record(id))).concat();
        std::fs::write(&file, &text).unwrap();
        let app = story.reopened().await;
        let known = story.app.ledger.known_predictions("churn", &["p1", "p2", "p3"]).await.unwrap();
        assert_eq!((known.len(), logged(&story).await.0), (3, 3));
        assert!(!file.exists());
        assert_eq!(std::fs::read_to_string(&refused).unwrap(), line(&record("nul\0x")));
        let note = app.notes.join(" ");
        assert!(note.starts_with("1 prediction that the ledger cannot take") && note.contains(".refused"), "{note}");
        // A drain that was killed before it removed the file is drained again: nothing is kept twice, nothing lost.
        std::fs::write(&file, &text).unwrap();
        let app = story.reopened().await;
        assert_eq!(logged(&story).await.0, 3);
        assert_eq!(std::fs::read_to_string(&refused).unwrap(), line(&record("nul\0x")));
        assert_eq!(app.notes.len(), 1);
    });
}

#[test]
fn a_spool_that_cannot_be_folded_in_does_not_keep_people_from_reading() {
    check_both(Risk::Medium, |story| async move {
        let release = story.go_live(&customers(1, 3_000, None)).await;
        let spool = story.root().join(".remuda/spool");
        std::fs::create_dir_all(&spool).unwrap();
        let bad = PredictionRecord {
            id: "nul\0x".to_owned(),
            release,
            time: 1_772_500_000_000_000,
            label: "yes".to_owned(),
            score: 0.75,
            inputs: "{}".to_owned(),
            microseconds: 90,
        };
        let file = spool.join(format!("churn@{}-1.log", dead_process()));
        std::fs::write(&file, line(&bad)).unwrap();
        // Where the file of what is put aside should be, a folder stands.
        std::fs::create_dir(file.with_extension("refused")).unwrap();
        let app = story.reopened().await;
        assert!(file.exists());
        assert!(app.notes[0].starts_with("Predictions wait in the spool and are not counted yet: "), "{:?}", app.notes);
    });
}
