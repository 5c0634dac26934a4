//! Bad luck: two at once, a kill in the middle, a full disk, a folder that cannot be written, a flipped bit. Nothing
//! that was acknowledged is lost, nothing half-written is seen, and the next command repairs what was left.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]
#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

use crate::harness::{Said, Stage};
use crate::shop::{Wire, count, fine, json, shop, shop_before_promotion, table, whole};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
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

/// The files under a folder of `.remuda/`.
fn files(stage: &Stage, folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![stage.path(".remuda").join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            }
            found.push(entry.path());
        }
    }
    found
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

/// Asks the ledger's own file, past the program.
fn database<T>(stage: &Stage, work: impl AsyncFnOnce(&mut sqlx::SqliteConnection) -> sqlx::Result<T>) -> T {
    use sqlx::{ConnectOptions as _, Connection as _};
    let file = stage.path(".remuda/ledger.db");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut open = sqlx::sqlite::SqliteConnectOptions::new().filename(file).connect().await.unwrap();
        let done = work(&mut open).await.unwrap();
        open.close().await.unwrap();
        done
    })
}

fn in_ledger(stage: &Stage) -> std::collections::BTreeSet<String> {
    let ids: Vec<String> =
        database(stage, async |open| sqlx::query_scalar("SELECT id FROM prediction").fetch_all(open).await);
    ids.into_iter().collect()
}

#[test]
fn bad_luck_a_flipped_byte_is_named() {
    let stage = shop();
    whole(&stage);
    let log = json(&stage, &["data", "log"]);
    let digest = log["versions"][0]["version"]["profile"].as_str().unwrap().trim_start_matches("b3:");
    let name = format!("{}/{}", &digest[..2], &digest[2..]);
    let blob = stage.path(".remuda/blobs").join(&name);
    let sound = std::fs::read(&blob).unwrap();
    let mut flipped = sound.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    std::fs::write(&blob, &flipped).unwrap();
    let said = stage.run(&["ledger", "verify", "--json"]);
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    assert!(said.out.contains(&name), "the blob is named: {}", said.out);
    assert!(said.out.contains("is damaged"), "{}", said.out);

    std::fs::remove_file(&blob).unwrap();
    let said = stage.run(&["ledger", "verify", "--json"]);
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    assert!(said.out.contains(digest), "a blob that is gone is named: {}", said.out);
    std::fs::write(&blob, &sound).unwrap();
    whole(&stage);
}

#[test]
fn bad_luck_a_changed_fact_is_named() {
    let stage = shop();
    let facts = whole(&stage);
    let refused = database(&stage, async |open| {
        Ok(sqlx::query("UPDATE fact SET actor = 'bob'").execute(&mut *open).await.err().map(|error| error.to_string()))
    });
    assert!(refused.is_some_and(|why| why.contains("appended, never changed")), "the database itself refuses");
    assert_eq!(whole(&stage), facts);

    let id: String = database(&stage, async |open| {
        sqlx::raw_sql("DROP TRIGGER fact_no_update").execute(&mut *open).await?;
        sqlx::raw_sql(
            "UPDATE fact SET payload = replace(payload, '\"rows\":2000', '\"rows\":2001') WHERE verb = 'data.added'",
        )
        .execute(&mut *open)
        .await?;
        sqlx::query_scalar("SELECT id FROM fact WHERE verb = 'data.added'").fetch_one(open).await
    });
    let said = stage.run(&["ledger", "verify", "--json"]);
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    assert!(said.out.contains(&id) && said.out.contains("was changed after it was appended"), "{}", said.out);
    // And in words.
    let said = stage.run(&["ledger", "verify"]);
    assert_eq!(said.code, 1);
    assert!(said.out.contains("was changed after it was appended"), "{}", said.out);
}

/// A shell among mounts of its own, which vanish with it; `None`, with a note, where that is not allowed.
fn among_own_mounts(stage: &Stage) -> Option<Command> {
    for own_user in [&[][..], &["--map-root-user"]] {
        let mut command = stage.program("unshare");
        command.arg("--mount").args(own_user);
        let mut probe = stage.program("unshare");
        probe.arg("--mount").args(own_user).args(["mount", "-t", "tmpfs", "none", "/mnt"]);
        if probe.stderr(Stdio::null()).status().is_ok_and(|status| status.success()) {
            command.args(["sh", "-c"]);
            return Some(command);
        }
    }
    println!("skipped: nothing can be mounted here, so no disk can be made full or read-only");
    None
}

/// Runs a script in which `remuda` is the built program; it says `NAME=CODE` of each step. Answers these lines and all
/// it said.
fn script(mut shell: Command, text: &str) -> (Vec<String>, String) {
    let program = env!("CARGO_BIN_EXE_remuda");
    let text =
        format!("remuda() {{ {program} \"$@\"; }}\nstep() {{ name=$1; shift; \"$@\"; echo \"$name=$?\"; }}\n{text}");
    let said = Said::of(shell.arg(text).stdin(Stdio::null()).output().unwrap());
    let told = format!("{}{}", said.out, said.err);
    assert_eq!(said.code, 0, "{told}");
    let is_step = |line: &&str| line.split_once('=').is_some_and(|(name, code)| !name.contains(' ') && code.len() < 4);
    (said.out.lines().filter(is_step).map(str::to_owned).collect(), told)
}

#[test]
fn bad_luck_a_folder_that_cannot_be_written() {
    let stage = shop();
    fine(&stage, &["run"]);
    stage.write("more.csv", &table(2_000, 5));
    let facts = whole(&stage);
    let Some(shell) = among_own_mounts(&stage) else { return };
    let (steps, told) = script(
        shell,
        "mount --bind . . && mount -o remount,bind,ro . && cd \"$PWD\" || exit 9
        step check remuda check
        step add remuda data add more.csv --as shop
        step run remuda run --force
        step track remuda run -- true
        step gate remuda gate evaluate trees
        step up remuda up --listen 127.0.0.1:0
        step init remuda init other --from more.csv --label label",
    );
    assert_eq!(steps, ["check=0", "add=1", "run=1", "track=1", "gate=1", "up=1", "init=1"], "{told}");
    let advised = told.matches("you may write there").count() + told.matches("is read-only").count();
    assert!(advised >= 6, "each failure names the next step: {told}");
    assert!(!told.contains("panicked"), "{told}");
    assert_eq!(whole(&stage), facts);
    fine(&stage, &["data", "add", "more.csv", "--as", "shop"]);
}

#[test]
fn bad_luck_a_full_disk() {
    let stage = shop();
    fine(&stage, &["run"]);
    stage.write("more.csv", &table(60_000, 5));
    let Some(shell) = among_own_mounts(&stage) else { return };
    // At each level of fullness something else is the first that cannot be written.
    let (steps, told) = script(
        shell,
        "mkdir -p ../full && mount -t tmpfs -o size=8m none ../full || exit 9
        cp -r . ../full/shop && cd ../full/shop || exit 9
        for left in 0 40 120 400 700 1000; do
            blocks=$(df -k --output=avail . | tail -n 1)
            dd if=/dev/zero of=../ballast bs=1k count=$((blocks - left)) 2>/dev/null
            step add remuda data add more.csv --as shop --quiet
            step track remuda run --quiet -- true >/dev/null 2>&1 || true
            rm ../ballast
            step verify remuda ledger verify --quiet
            step left test -z \"$(find .remuda/scratch .remuda/blobs/writing -mindepth 1)\"
        done
        step add remuda data add more.csv --as shop --quiet
        step verify remuda ledger verify --quiet",
    );
    let of = |name: &str| -> Vec<&str> { steps.iter().filter_map(|step| step.strip_prefix(name)).collect() };
    assert_eq!(of("verify="), ["0"; 7], "{told}");
    assert_eq!(of("left="), ["0"; 6], "{told}");
    let added = of("add=");
    assert_eq!(added.first(), Some(&"1"), "{told}");
    assert_eq!(added.last(), Some(&"0"), "{told}");
    assert!(added[..6].iter().filter(|code| **code == "1").count() >= 4, "{told}");
    assert!(told.contains("free some"), "the next step is named: {told}");
    assert!(!told.contains("panicked"), "{told}");
}

#[test]
fn bad_luck_a_full_disk_under_a_server() {
    let stage = shop_before_promotion();
    fine(&stage, &["release", "promote"]);
    let Some(mut shell) = among_own_mounts(&stage) else { return };
    let program = env!("CARGO_BIN_EXE_remuda");
    // The server says its address, then fills its disk; at the next line of its input it makes room again.
    let mut child = shell
        .arg(format!(
            "mkdir -p ../full && mount -t tmpfs -o size=8m none ../full || exit 9
            cp -r . ../full/shop && cd ../full/shop || exit 9
            {program} up --listen 127.0.0.1:0 --json 2>/dev/null &
            server=$!
            read line; dd if=/dev/zero of=../ballast bs=1k 2>/dev/null; echo full
            read line; rm ../ballast; echo free
            read line; kill -9 $server; wait $server 2>/dev/null
            {program} ledger verify --quiet >/dev/null; echo verified $?
            {program} live --json --quiet"
        ))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = std::io::BufReader::new(child.stdout.take().unwrap());
    let mut say = || std::io::Write::write_all(&mut input, b"next\n").unwrap();
    let mut hear = || {
        let mut line = String::new();
        std::io::BufRead::read_line(&mut output, &mut line).unwrap();
        line.trim_end().to_owned()
    };
    let told: serde_json::Value = serde_json::from_str(&hear()).unwrap();
    let url = told["url"].as_str().unwrap().to_owned();
    let body = r#"{"inputs":[{"name":"x","shape":[1],"datatype":"FP64","data":[0.7]},
        {"name":"kind","shape":[1],"datatype":"BYTES","data":["a"]}]}"#;
    let mut wire = Wire::at(&url);
    let mut acknowledged = 0;
    let mut ask = |wire: &mut Wire| {
        let (status, answer) = wire.ask("POST", "/v2/models/shop/infer", body).unwrap();
        acknowledged += u64::from(status == 200);
        (status, answer)
    };
    assert_eq!(ask(&mut wire).0, 200);
    say();
    assert_eq!(hear(), "full");
    // What may still fit into blocks that were taken is answered; then comes a refusal, and never an unlogged answer.
    let refused = (0..200).map(|_| ask(&mut wire)).find(|(status, _)| *status != 200);
    let (status, answer) = refused.unwrap_or_else(|| panic!("a full disk refuses"));
    assert!(status >= 500 && answer.contains("logged"), "{status} {answer}");
    say();
    assert_eq!(hear(), "free");
    let healed = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(20));
        ask(&mut wire).0 == 200
    });
    assert!(healed, "with room again, it answers again");
    say();
    assert_eq!(hear(), "verified 0");
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut output, &mut rest).unwrap();
    let live: serde_json::Value = serde_json::from_str(&rest).unwrap();
    assert!(live["predictions"].as_u64().unwrap() >= acknowledged, "{acknowledged} against {}", live["predictions"]);
    assert!(child.wait().unwrap().success());
}

#[test]
fn bad_luck_an_output_that_cannot_be_written() {
    let stage = shop();
    let told = stage.run(&["data", "export", "shop", "-o", "no/such/folder/rows.csv"]);
    assert_eq!(told.code, 1, "{}{}", told.out, told.err);
    assert!(told.err.contains("no/such/folder"), "{}", told.err);
    assert!(!stage.path("no").exists());
    whole(&stage);
}
