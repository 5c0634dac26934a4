//! Bad disks: full, read-only, with a flipped bit. Each gives an error that names the next step, and the ledger stays
//! whole, or says where it is not.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]
#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

use crate::harness::{Said, Stage};
use crate::shop::{Wire, database, fine, json, shop, shop_before_promotion, table, whole};
use std::process::{Command, Stdio};
use std::time::Duration;

#[test]
fn bad_disk_the_file_alone_is_the_ledger_when_a_command_has_ended() {
    let stage = shop();
    let left = || -> Vec<String> {
        let entries = std::fs::read_dir(stage.path(".remuda")).unwrap().flatten();
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        let mut names: Vec<String> = names.filter(|name| name.starts_with("ledger")).collect();
        names.sort();
        names
    };
    assert_eq!(left(), ["ledger.db"], "after init");
    for words in [&["run"][..], &["status"], &["data", "show", "nothing"], &["run", "--", "false"]] {
        stage.run(words);
        assert_eq!(left(), ["ledger.db"], "after {words:?}");
    }
    let server = stage.serve(&["up", "--listen", "127.0.0.1:0", "--json"]);
    assert!(left().len() > 1, "a server keeps its log open");
    fine(&stage, &["sign", "intent", "shop"]);
    assert!(server.stop());
    assert_eq!(left(), ["ledger.db"], "after a server that was asked to stop");
    whole(&stage);
}

#[test]
fn bad_disk_a_byte_flipped_in_the_log_is_named_by_whoever_verifies() {
    let stage = shop();
    // Killed, so that its facts are in the log alone.
    let server = stage.serve(&["up", "--listen", "127.0.0.1:0", "--json"]);
    fine(&stage, &["sign", "intent", "shop"]);
    fine(&stage, &["run", "--", "true"]);
    drop(server);
    let log = stage.path(".remuda/ledger.db-wal");
    let mut bytes = std::fs::read(&log).unwrap();
    bytes[32 + 24 + 100] ^= 1;
    std::fs::write(&log, bytes).unwrap();
    // Another command comes first, and SQLite forgets what lies behind the break.
    fine(&stage, &["status"]);
    let said = stage.run(&["ledger", "verify"]);
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    assert!(said.out.contains("broke off at byte 32"), "{}", said.out);
    std::fs::remove_file(stage.path(".remuda/ledger.db-broken-log-1")).unwrap();
    whole(&stage);
}

#[test]
fn bad_disk_a_flipped_byte_is_named() {
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
    let told: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    let named = serde_json::json!([format!("b3:{digest}")]);
    assert_eq!(told["damaged_blobs"], named, "and by a field of its own");

    std::fs::remove_file(&blob).unwrap();
    let said = stage.run(&["ledger", "verify", "--json"]);
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    assert!(said.out.contains(digest), "a blob that is gone is named: {}", said.out);
    let told: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(told["damaged_blobs"], named);
    std::fs::write(&blob, &sound).unwrap();
    whole(&stage);
}

#[test]
fn bad_disk_a_changed_fact_is_named() {
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
fn bad_disk_a_folder_that_cannot_be_written() {
    let stage = shop();
    fine(&stage, &["run"]);
    stage.write("more.csv", &table(2_000, 5));
    let facts = whole(&stage);
    let Some(shell) = among_own_mounts(&stage) else { return };
    let (steps, told) = script(
        shell,
        "mount --bind . . && mount -o remount,bind,ro . && cd \"$PWD\" || exit 9
        step check remuda check
        step status remuda status
        step log remuda ledger log
        step show remuda data show shop
        step runs remuda run list
        step verify remuda ledger verify
        step add remuda data add more.csv --as shop
        step run remuda run --force
        step track remuda run -- true
        step gate remuda gate evaluate trees
        step up remuda up --listen 127.0.0.1:0
        step init remuda init other --from more.csv --label label",
    );
    let read = ["check=0", "status=0", "log=0", "show=0", "runs=0", "verify=0"];
    let written = ["add=1", "run=1", "track=1", "gate=2", "up=1", "init=1"];
    assert_eq!(steps, [read, written].concat(), "{told}");
    assert_eq!(told.matches("it can be read, as it is").count(), 10, "{told}");
    assert_eq!(told.matches("check that the disk is not read-only").count(), 6, "each failure says what to do: {told}");
    assert!(!told.contains("panicked"), "{told}");
    assert_eq!(whole(&stage), facts);
    fine(&stage, &["data", "add", "more.csv", "--as", "shop"]);
}

#[test]
fn bad_disk_a_full_disk() {
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
fn bad_disk_a_full_disk_under_a_server() {
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
fn bad_disk_an_output_that_cannot_be_written() {
    let stage = shop();
    let told = stage.run(&["data", "export", "shop", "-o", "no/such/folder/rows.csv"]);
    assert_eq!(told.code, 1, "{}{}", told.out, told.err);
    assert!(told.err.contains("no/such/folder"), "{}", told.err);
    assert!(!stage.path("no").exists());
    whole(&stage);
}
