//! Bad luck: two at once, a kill in the middle. Nothing that was acknowledged is lost, nothing half-written is seen, and
//! the next command repairs what was left. What a disk can do is in `bad_disk`.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]
#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

use crate::harness::{Said, Stage};
use crate::shop::{Wire, count, database, files, fine, json, shop, shop_before_promotion, table, whole};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// Starts a command that says nothing to anybody.
fn start(stage: &Stage, words: &[&str]) -> Child {
    let mut command = stage.command(words);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Starts a command and kills it after this time; whether it had ended well before that.
fn kill_after(stage: &Stage, words: &[&str], delay: Duration) -> bool {
    let mut child = start(stage, words);
    std::thread::sleep(delay);
    child.kill().unwrap();
    child.wait().unwrap().success()
}

/// How long a command takes here and now.
fn time_of(stage: &Stage, words: &[&str]) -> Duration {
    let begun = Instant::now();
    fine(stage, words);
    begun.elapsed()
}

/// What a killed command may leave is gone after the next one.
fn nothing_is_left_behind(stage: &Stage) {
    whole(stage);
    assert_eq!(files(stage, "scratch"), Vec::<PathBuf>::new());
    assert_eq!(files(stage, "blobs/writing"), Vec::<PathBuf>::new());
}

#[test]
fn bad_luck_two_add_data_at_once() {
    let stage = shop();
    let names: Vec<String> = (0..4).map(|number| format!("rows{number}.csv")).collect();
    for (name, seed) in names.iter().zip(10..) {
        stage.write(name, &table(3_000, seed));
    }
    let children: Vec<Child> = names.iter().map(|name| start(&stage, &["data", "add", name, "--as", "shop"])).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let log = json(&stage, &["data", "log"]);
    let mut sources: Vec<&str> =
        log["versions"].as_array().unwrap().iter().map(|line| line["version"]["source"].as_str().unwrap()).collect();
    sources.sort_unstable();
    assert_eq!(sources, ["rows.csv", "rows0.csv", "rows1.csv", "rows2.csv", "rows3.csv"]);
    nothing_is_left_behind(&stage);
}

#[test]
fn bad_luck_two_evaluate_at_once() {
    let stage = shop();
    fine(&stage, &["run"]);
    let children: Vec<Child> = (0..2).map(|_| start(&stage, &["gate", "evaluate", "trees"])).collect();
    let codes: Vec<Option<i32>> = children.into_iter().map(|mut child| child.wait().unwrap().code()).collect();
    assert_eq!(codes, [Some(0), Some(0)]);
    // Whatever was answered is there, and each look was charged.
    let evaluations = count(&json(&stage, &["gate", "list"]), "evaluations");
    assert!((1..=2).contains(&evaluations), "{evaluations}");
    fine(&stage, &["gate", "show", "trees"]);
    whole(&stage);
}

#[test]
fn bad_luck_two_first_commands_at_once() {
    // Nobody has opened the ledger yet, and nobody has closed the run that died with its process.
    let stage = shop();
    let begun = killed_command(&stage);
    let children: Vec<Child> = (0..4).map(|_| start(&stage, &["status"])).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let log = json(&stage, &["ledger", "log", "--verb", "run.failed"]);
    assert_eq!(count(&log, "facts"), 1, "a run fails once, however many see it: {log}");
    assert_eq!(log["facts"][0]["subject"], begun.as_str());
    whole(&stage);
}

#[test]
fn bad_luck_kill_in_the_middle_of_data_add() {
    let stage = shop();
    stage.write("first.csv", &table(30_000, 3));
    stage.write("second.csv", &table(30_000, 4));
    let usual = time_of(&stage, &["data", "add", "first.csv", "--as", "shop"]);
    let mut ended = false;
    for share in [0.1, 0.4, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0] {
        ended |= kill_after(&stage, &["data", "add", "second.csv", "--as", "shop"], usual.mul_f64(share));
        nothing_is_left_behind(&stage);
        let log = json(&stage, &["data", "log"]);
        let versions = log["versions"].as_array().unwrap();
        assert!((2..=3).contains(&versions.len()), "{log}");
        assert!(versions.len() == 3 || !ended, "what was acknowledged is there: {log}");
        // Whatever the list shows is whole, to its last row.
        fine(&stage, &["data", "show", "shop"]);
        let newest = versions[0]["version"]["rows"].as_u64().unwrap();
        assert_eq!(newest, 30_000, "no half of a file is seen");
    }
    fine(&stage, &["data", "add", "second.csv", "--as", "shop"]);
    assert_eq!(count(&json(&stage, &["data", "log"]), "versions"), 3);
    fine(&stage, &["data", "export", "shop", "-o", "back.csv"]);
    assert_eq!(std::fs::read_to_string(stage.path("back.csv")).unwrap().lines().count(), 30_001);
}

#[test]
fn bad_luck_leaves_of_a_killed_writer_are_swept() {
    // What a kill leaves between the first byte of a blob and its name; no timing hits that moment for sure.
    let stage = shop();
    std::fs::write(stage.path(".remuda/blobs/writing/blob-Ab3xYz"), "half a blob").unwrap();
    std::fs::create_dir_all(stage.path(".remuda/scratch/4000000000-gone/parts")).unwrap();
    fine(&stage, &["status"]);
    nothing_is_left_behind(&stage);
}

/// Tracks a command, and kills remuda in the middle; answers the run's id.
fn killed_command(stage: &Stage) -> String {
    let mut child =
        stage.command(&["run", "--", "sh", "-c", "echo begun; exec sleep 2"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().unwrap()), &mut line).unwrap();
    assert_eq!(line, "begun\n");
    let running = json(stage, &["run", "list"]);
    assert_eq!(running["runs"][0]["status"], "running", "{running}");
    child.kill().unwrap();
    child.wait().unwrap();
    running["runs"][0]["run"].as_str().unwrap().to_owned()
}

#[test]
fn bad_luck_kill_in_the_middle_of_a_run() {
    let stage = shop();
    let run = killed_command(&stage);
    let list = json(&stage, &["run", "list"]);
    assert_eq!((&list["runs"][0]["run"], &list["runs"][0]["status"]), (&run.as_str().into(), &"failed".into()));
    let told = fine(&stage, &["run", "show", &run]);
    assert!(told.contains("its process ended without finishing it"), "{told}");

    let usual = time_of(&stage, &["run", "--force"]);
    for share in [0.2, 0.4, 0.6, 0.8, 1.0] {
        kill_after(&stage, &["run", "--force"], usual.mul_f64(share));
        let list = json(&stage, &["run", "list"]);
        for run in list["runs"].as_array().unwrap() {
            assert!(run["status"] == "failed" || run["status"] == "finished", "no run goes on for ever: {run}");
        }
        nothing_is_left_behind(&stage);
    }
    // The steps that a killed run brought to their end count; the rest runs anew.
    fine(&stage, &["run"]);
    assert_eq!(json(&stage, &["run", "list"])["runs"][0]["status"], "finished");
    fine(&stage, &["gate", "evaluate", "trees"]);
}

#[test]
fn bad_luck_kill_in_the_middle_of_promote() {
    let stage = shop_before_promotion();
    let usual = time_of(&stage, &["release", "show", "newest"]);
    for share in [0.3, 0.7, 0.9, 1.0, 1.1, 1.2, 1.4] {
        let acknowledged = kill_after(&stage, &["release", "promote"], usual.mul_f64(share));
        whole(&stage);
        let list = json(&stage, &["release", "list"]);
        let live = list["releases"][0]["live"].as_bool().unwrap();
        let facts = count(&json(&stage, &["ledger", "log", "--verb", "release.promoted"]), "facts");
        assert_eq!(facts, usize::from(live), "live is what a fact says: {list}");
        assert!(live || !acknowledged, "what was acknowledged is live: {list}");
    }
    fine(&stage, &["release", "promote"]);
    assert_eq!(count(&json(&stage, &["ledger", "log", "--verb", "release.promoted"]), "facts"), 1);
    // What is live can be loaded.
    let server = stage.serve(&["up", "--listen", "127.0.0.1:0", "--json"]);
    assert_eq!(Wire::to(&server).ask("GET", "/v2/health/ready", "").unwrap().0, 200);
}

/// Sends one row after another until the server is gone; answers the ids that it acknowledged.
fn predict_until_gone(mut wire: Wire, seed: u64, acknowledged: &std::sync::atomic::AtomicUsize) -> Vec<String> {
    let mut ids = Vec::new();
    for number in 0.. {
        let x = (seed * 7_919 + number * 104_729) % 10_000;
        let body = serde_json::json!({ "inputs": [
            { "name": "x", "shape": [1], "datatype": "FP64", "data": [x as f64 / 10_000.0] },
            { "name": "kind", "shape": [1], "datatype": "BYTES", "data": ["a"] },
        ]});
        // A broken answer is none.
        let Ok((status, answer)) = wire.ask("POST", "/v2/models/shop/infer", &body.to_string()) else { break };
        assert_eq!(status, 200, "{answer}");
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        let outputs = answer["outputs"].as_array().unwrap();
        let id = outputs.iter().find(|output| output["name"] == "prediction_id").unwrap();
        ids.push(id["data"][0].as_str().unwrap().to_owned());
        acknowledged.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    }
    ids
}

#[test]
fn bad_luck_kill_while_predictions_are_logged() {
    let stage = shop_before_promotion();
    fine(&stage, &["release", "promote"]);
    let mut known: Vec<String> = Vec::new();
    // The longest of these outlives a spool file, so that a kill meets one that is open and one that is being moved.
    for (round, wanted) in [1, 60, 400].into_iter().enumerate() {
        let server = stage.serve(&["up", "--listen", "127.0.0.1:0", "--json"]);
        let acknowledged = std::sync::atomic::AtomicUsize::new(0);
        let wires: Vec<Wire> = (0..3).map(|_| Wire::to(&server)).collect();
        let begun = Instant::now();
        let ids = std::thread::scope(|scope| {
            let acknowledged = &acknowledged;
            let clients: Vec<_> = wires
                .into_iter()
                .zip(0..)
                .map(|(wire, seed)| scope.spawn(move || predict_until_gone(wire, seed, acknowledged)))
                .collect();
            let long = Duration::from_millis(if round == 2 { 1_100 } else { 0 });
            while acknowledged.load(std::sync::atomic::Ordering::SeqCst) < wanted || begun.elapsed() < long {
                assert!(begun.elapsed() < Duration::from_secs(60), "the server answers too slowly");
                std::thread::sleep(Duration::from_millis(1));
            }
            // As `kill -9` does it.
            drop(server);
            clients.into_iter().flat_map(|client| client.join().unwrap()).collect::<Vec<_>>()
        });
        assert!(ids.len() >= wanted);
        known.extend(ids);
        // Any command repairs; this one counts as well.
        let live = json(&stage, &["live"]);
        let kept = live["predictions"].as_u64().unwrap() as usize;
        // Three requests may have been logged and not answered.
        assert!((known.len()..=known.len() + 3 * (round + 1)).contains(&kept), "{} against {kept}", known.len());
        assert_eq!(files(&stage, "spool"), Vec::<PathBuf>::new());
        whole(&stage);
    }
    let ids: std::collections::BTreeSet<String> = in_ledger(&stage);
    for id in &known {
        assert!(ids.contains(id), "{id} was acknowledged and is lost");
    }
    for id in known.iter().step_by(known.len() / 5) {
        let told = fine(&stage, &["why", id]);
        assert!(told.contains("requirement"), "{told}");
    }
}

#[test]
fn bad_luck_kill_in_the_middle_of_init() {
    let stage = Stage::new();
    stage.write("rows.csv", &table(30_000, 1));
    let words = ["init", "shop", "--from", "rows.csv", "--label", "label"];
    let usual = time_of(&stage, &words);
    std::fs::remove_dir_all(stage.path("shop")).unwrap();
    for share in [0.3, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1.0] {
        if kill_after(&stage, &words, usual.mul_f64(share)) {
            std::fs::remove_dir_all(stage.path("shop")).unwrap();
            continue;
        }
        // Half a product says that it is one; and the same words make a whole one.
        if stage.path("shop/.remuda/unfinished").exists() && stage.path("shop/remuda.toml").exists() {
            let said = stage.run(&["status", "-C", "shop"]);
            assert_eq!(said.code, 1, "{}{}", said.out, said.err);
            assert!(said.err.contains("stopped half-way") && said.err.contains("begins anew"), "{}", said.err);
        }
    }
    let _ = std::fs::remove_dir_all(stage.path("shop"));
    // Killed as soon as it has begun to write.
    let mut child = start(&stage, &words);
    while !stage.path("shop/remuda.toml").exists() {
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let said = stage.run(&words);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    let mut stage = stage;
    stage.enter("shop");
    whole(&stage);
    fine(&stage, &["check"]);
    assert_eq!(count(&json(&stage, &["data", "log"]), "versions"), 1);
    assert_eq!(count(&json(&stage, &["ledger", "log", "--verb", "product.created"]), "facts"), 1);
    assert!(!stage.path(".remuda/unfinished").exists());
    // A whole product is not begun anew.
    let again = stage.run(&["init", "shop", "--from", "../rows.csv", "--label", "label", "-C", ".."]);
    assert_eq!(again.code, 1);
    assert!(again.err.contains("is a product already"), "{}", again.err);
}

#[test]
fn bad_luck_two_servers_in_one_folder() {
    let stage = shop();
    let server = stage.serve(&["up", "--listen", "127.0.0.1:0", "--json"]);
    let second = stage.run(&["up", "--listen", "127.0.0.1:0"]);
    assert_eq!(second.code, 1, "{}{}", second.out, second.err);
    let told = format!("this folder is served already at {}", server.url);
    assert!(second.err.contains(&told), "{}", second.err);
    // The first one is not disturbed; and its kill frees the folder.
    assert_eq!(Wire::to(&server).ask("GET", "/v2/health/live", "").unwrap().0, 200);
    drop(server);
    let third = stage.serve(&["up", "--listen", "127.0.0.1:0", "--json"]);
    assert!(third.stop());
    whole(&stage);
}

#[test]
fn bad_luck_commands_beside_a_server_under_load() {
    let stage = shop_before_promotion();
    fine(&stage, &["release", "promote"]);
    stage.write("more.csv", &table(4_000, 9));
    let server = stage.serve(&["up", "--listen", "127.0.0.1:0", "--json"]);
    let acknowledged = std::sync::atomic::AtomicUsize::new(0);
    let wires: Vec<Wire> = (0..2).map(|_| Wire::to(&server)).collect();
    let ids = std::thread::scope(|scope| {
        let acknowledged = &acknowledged;
        let clients: Vec<_> = wires
            .into_iter()
            .zip(0..)
            .map(|(wire, seed)| scope.spawn(move || predict_until_gone(wire, seed, acknowledged)))
            .collect();
        for words in [
            &["data", "add", "more.csv", "--as", "shop"][..],
            &["run", "--force"],
            &["status"],
            &["gate", "evaluate", "linear"],
            &["ledger", "verify"],
        ] {
            fine(&stage, words);
        }
        assert!(acknowledged.load(std::sync::atomic::Ordering::SeqCst) > 10, "the server answers all the while");
        assert!(server.stop());
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect::<Vec<_>>()
    });
    whole(&stage);
    let kept = in_ledger(&stage);
    assert!(ids.iter().all(|id| kept.contains(id)), "what was acknowledged is in the ledger");
}

#[test]
fn bad_luck_a_run_that_a_command_cannot_see() {
    let stage = shop();
    let elsewhere = |words: &[&str]| {
        let mut command = stage.program("unshare");
        let apart = ["--mount", "--pid", "--fork", "--mount-proc", env!("CARGO_BIN_EXE_remuda")];
        Said::of(command.args(apart).args(words).stdin(Stdio::null()).output().unwrap())
    };
    if elsewhere(&["--version"]).code != 0 {
        println!("skipped: no namespace of processes can be made here");
        return;
    }
    let mut child =
        stage.command(&["run", "--", "sh", "-c", "echo begun; exec sleep 3"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().unwrap()), &mut line).unwrap();
    let said = elsewhere(&["run", "list", "--json"]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(said.out.contains("\"running\""), "it lives, though nobody there can see it: {}", said.out);
    assert!(child.wait().unwrap().success());
    assert_eq!(json(&stage, &["run", "list"])["runs"][0]["status"], "finished");
}

#[test]
fn bad_luck_a_command_that_cannot_see_the_server() {
    // As between a container and its host that share a folder: the server's process is in nobody's list here.
    let stage = shop_before_promotion();
    fine(&stage, &["release", "promote"]);
    let elsewhere = |words: &[&str]| {
        let mut command = stage.program("unshare");
        let apart = ["--mount", "--pid", "--fork", "--mount-proc", env!("CARGO_BIN_EXE_remuda")];
        Said::of(command.args(apart).args(words).stdin(Stdio::null()).output().unwrap())
    };
    if elsewhere(&["--version"]).code != 0 {
        println!("skipped: no namespace of processes can be made here");
        return;
    }
    let server = stage.serve(&["up", "--listen", "127.0.0.1:0", "--json"]);
    let mut wire = Wire::to(&server);
    let mut ask = || {
        let body = r#"{"inputs":[{"name":"x","shape":[1],"datatype":"FP64","data":[0.7]},
            {"name":"kind","shape":[1],"datatype":"BYTES","data":["a"]}]}"#;
        assert_eq!(wire.ask("POST", "/v2/models/shop/infer", body).unwrap().0, 200);
    };
    for _ in 0..4 {
        ask();
        let said = elsewhere(&["status", "--quiet"]);
        assert_eq!(said.code, 0, "{}{}", said.out, said.err);
        ask();
    }
    assert!(server.stop());
    assert_eq!(json(&stage, &["live"])["predictions"], 8);
    assert_eq!(files(&stage, "spool"), Vec::<PathBuf>::new());
    whole(&stage);
}

fn in_ledger(stage: &Stage) -> std::collections::BTreeSet<String> {
    let ids: Vec<String> =
        database(stage, async |open| sqlx::query_scalar("SELECT id FROM prediction").fetch_all(open).await);
    ids.into_iter().collect()
}
