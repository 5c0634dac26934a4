//! A run carried out again: captured, its folder lost, given back, repeated and compared; through a server as well.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use crate::harness::{Said, Stage};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

/// Rows enough for a product, and a script of the standard library that reads them.
const ROWS: usize = 300;
const SCRIPT: &str = "import csv, json, random, sys
random.seed(7)
rows = list(csv.DictReader(open('rows.csv')))
noise = open('noise.txt').read() if len(sys.argv) > 1 else ''
json.dump({'rows': len(rows), 'draw': random.random(), 'noise': noise}, open('out/result.json', 'w'))
print('done')
";

/// A product whose dataset came from `rows.csv`, in a git repository, with a script that nobody committed.
fn product() -> Stage {
    let mut stage = Stage::new();
    let mut text = String::from("customer,spend,left\n");
    for row in 0..ROWS {
        text.push_str(&format!("{row},{},{}\n", row * 37 % 101, if row * 37 % 101 > 50 { "yes" } else { "no" }));
    }
    stage.write("rows.csv", &text);
    fine(&stage, &["init", "churn", "--from", "rows.csv", "--label", "left"]);
    fs::copy(stage.path("rows.csv"), stage.path("churn/rows.csv")).unwrap();
    stage.enter("churn");
    fs::create_dir(stage.path("out")).unwrap();
    fs::write(stage.path(".gitignore"), ".remuda/\nout/\nnoise.txt\n").unwrap();
    stage.write("train.py", SCRIPT);
    stage
}

fn fine(stage: &Stage, words: &[&str]) -> String {
    let said = stage.run(words);
    assert_eq!(said.code, 0, "{words:?}\n{}{}", said.out, said.err);
    said.out
}

fn json(stage: &Stage, words: &[&str]) -> Value {
    serde_json::from_str(&fine(stage, &[words, &["--json"]].concat())).unwrap()
}

fn newest(stage: &Stage) -> Value {
    json(stage, &["run", "show", "newest"])
}

fn ended(said: &Said, code: i32) -> String {
    assert_eq!(said.code, code, "{}{}", said.out, said.err);
    format!("{}{}", said.out, said.err)
}

#[test]
fn a_run_survives_its_folder_and_its_git_and_is_reproduced() {
    let stage = product();
    fine(&stage, &["run", "--", "python3", "train.py"]);
    let run = newest(&stage);
    let id = run["run"].as_str().unwrap().to_owned();
    let captured = &run["snapshot"]["captured"];
    assert_eq!(captured["arguments"], serde_json::json!(["python3", "train.py"]));
    assert_eq!(captured["data"][0]["path"], "rows.csv");
    assert_eq!(captured["seeds"][0]["place"], "train.py:2");
    assert!(captured["python"]["version"].as_str().unwrap().starts_with("3."));
    assert!(captured["hardware"]["cores"].is_string());
    assert_eq!(run["outputs"][0]["path"], "out/result.json");
    let shown = fine(&stage, &["run", "show", &id]);
    assert!(shown.contains("seeds seen random.seed 7 (train.py:2)"), "{shown}");
    assert!(!shown.contains("not captured"), "{shown}");

    // All but the ledger goes: the commit, the script, the data.
    fs::remove_dir_all(stage.path(".git")).unwrap();
    for file in ["train.py", "rows.csv"] {
        fs::remove_file(stage.path(file)).unwrap();
    }
    let said = stage.run(&["run", "reproduce", &id, "--no-install"]);
    let told = ended(&said, 0);
    assert!(told.contains("✓ reproduced"), "{told}");
    assert!(told.contains("out/result.json  same digest"), "{told}");
    assert!(told.contains("code: the same"), "{told}");
    let repeated = newest(&stage);
    assert_eq!(repeated["snapshot"]["captured"]["reproduces"], id.as_str());
    assert_eq!(json(&stage, &["run", "show", &id])["reproduced_by"][0], repeated["run"]);
    assert_eq!(repeated["snapshot"]["captured"]["code"], captured["code"]);

    // The files come back, and nothing is written over.
    fine(&stage, &["run", "restore", &id]);
    let back = stage.path(&format!("run-{id}"));
    assert_eq!(fs::read_to_string(back.join("train.py")).unwrap(), SCRIPT);
    assert!(back.join("out").is_dir());
    fs::write(back.join("train.py"), "mine").unwrap();
    let told = ended(&stage.run(&["run", "restore", &id]), 1);
    assert!(told.contains("train.py") && told.contains("--force"), "{told}");
    fine(&stage, &["run", "restore", &id, "--force"]);
    assert_eq!(fs::read_to_string(back.join("train.py")).unwrap(), SCRIPT);
}

#[test]
fn a_pipeline_is_repeated_with_the_definitions_that_were_in_force() {
    let stage = product();
    fine(&stage, &["run"]);
    let id = newest(&stage)["run"].as_str().unwrap().to_owned();
    // Another pipeline since: the repeated run does not follow it.
    let pipeline = fs::read_to_string(stage.path("pipeline.toml")).unwrap();
    stage.write("pipeline.toml", &pipeline.replacen("seed = ", "seed = 9", 1));
    let told = ended(&stage.run(&["run", "reproduce", &id]), 0);
    assert!(told.contains("✓ reproduced") && told.contains("model trees"), "{told}");
    assert!(told.contains("data: the same"), "{told}");
}

#[test]
fn what_differs_is_said_with_what_could_explain_it() {
    let stage = product();
    stage.write("train.py", &SCRIPT.replace("random.seed(7)", "pass"));
    fine(&stage, &["run", "--", "python3", "train.py"]);
    let id = newest(&stage)["run"].as_str().unwrap().to_owned();
    let told = ended(&stage.run(&["run", "reproduce", &id, "--no-install"]), 1);
    assert!(told.contains("✗ differs"), "{told}");
    assert!(told.contains("out/result.json  other content"), "{told}");
    assert!(told.contains("code: the same"), "{told}");
    assert!(told.contains("none was seen: chance may differ"), "{told}");

    // A file that git ignores and the script reads: the same result proves nothing, and without it there is none.
    stage.write("train.py", SCRIPT);
    stage.write("noise.txt", "x");
    fine(&stage, &["run", "--", "python3", "train.py", "noise"]);
    let run = newest(&stage);
    assert_eq!(run["snapshot"]["captured"]["gaps"][0]["what"], "noise.txt");
    let told = ended(&stage.run(&["run", "reproduce", run["run"].as_str().unwrap(), "--no-install"]), 1);
    assert!(told.contains("✗ it ended finished, exit code 0, this time failed, exit code 1"), "{told}");
    assert!(told.contains("not captured noise.txt (ignored by git)"), "{told}");
    fine(&stage, &["run", "--", "python3", "train.py"]);
    let id = newest(&stage)["run"].as_str().unwrap().to_owned();
    let told = ended(&stage.run(&["run", "reproduce", &id, "--no-install"]), 1);
    assert!(told.contains("? not proved"), "{told}");

    // What cannot be carried out at all ends with 2.
    let told = ended(&stage.run(&["run", "reproduce", "nosuchrun"]), 2);
    assert!(told.contains("remuda run list"), "{told}");
}

#[test]
fn a_server_keeps_the_code_and_gives_it_back() {
    let stage = product();
    let server = stage.serve(&["up", "--listen", "127.0.0.1:0", "--json"]);
    let product = fs::read_to_string(stage.path("remuda.toml")).unwrap();
    let named = format!("[product]\nserver = \"{}\"\n", server.url);
    stage.write("remuda.toml", &product.replacen("[product]\n", &named, 1));
    fine(&stage, &["run", "--", "python3", "train.py"]);
    let run = newest(&stage);
    let id = run["run"].as_str().unwrap().to_owned();
    fs::remove_file(stage.path("train.py")).unwrap();
    let told = ended(&stage.run(&["run", "reproduce", &id, "--no-install"]), 0);
    assert!(told.contains("✓ reproduced"), "{told}");
    fine(&stage, &["run", "restore", &id, "--into", "again"]);
    assert_eq!(fs::read_to_string(stage.path("again/train.py")).unwrap(), SCRIPT);
    fine(&stage, &["run", "branch", &id, "again"]);
    assert!(server.stop());
}

#[test]
fn secrets_are_withheld_and_never_quoted() {
    let mut stage = product();
    let secret = format!("{}{}", "ghp_", "aB3dE5fG7hJ9kL2mN4pQ6rS8tU0vW1xYz2A4");
    stage.write("upload.py", &format!("import os\nTOKEN = '{secret}'\n"));
    stage.write(".env", "A=1\n");
    stage.surround("REMUDA_PARAM_API_KEY", "q8f2c9d1e7b3");
    fine(&stage, &["run", "--", "python3", "train.py"]);
    let run = newest(&stage);
    let places: Vec<&str> = run["snapshot"]["captured"]["withheld"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["place"].as_str().unwrap())
        .collect();
    assert_eq!(places, ["environment REMUDA_PARAM_API_KEY", ".env", "upload.py"]);
    let told = format!("{run}{}", fine(&stage, &["run", "show", "newest"]));
    assert!(told.contains("upload.py:2 (withheld: GitHub token)"), "{told}");
    assert!(!told.contains(&secret) && !told.contains("q8f2c9d1e7b3"), "{told}");
    let listed = stage
        .program("git")
        .args(["ls-tree", "-r", "--name-only"])
        .arg(run["snapshot"]["commit"].as_str().unwrap())
        .output();
    let listed = String::from_utf8(listed.unwrap().stdout).unwrap();
    assert!(listed.contains("train.py") && !listed.contains("upload.py") && !listed.contains(".env"), "{listed}");
    let told = ended(&stage.run(&["run", "reproduce", "newest", "--no-install"]), 1);
    assert!(told.contains("? not proved"), "{told}");

    fine(&stage, &["run", "--allow-secret", "upload.py", "--", "python3", "train.py"]);
    fine(&stage, &["run", "restore", "newest", "--into", "again"]);
    assert!(fs::read_to_string(stage.path("again/upload.py")).unwrap().contains(&secret));
    assert!(!stage.path("again/.env").exists());
    // A secret among the words is masked, in the list of runs too, and such a run cannot be repeated.
    fine(&stage, &["run", "--", "true", "--api-key", &secret]);
    let told = fine(&stage, &["run", "list", "--json"]);
    assert!(told.contains("[withheld]") && !told.contains(&secret), "{told}");
    ended(&stage.run(&["run", "reproduce", "newest"]), 2);
}

#[test]
fn a_branch_is_made_when_the_reference_is_gone() {
    let stage = product();
    fine(&stage, &["run", "--", "python3", "train.py"]);
    let run = newest(&stage);
    let (id, commit) = (run["run"].as_str().unwrap(), run["snapshot"]["commit"].as_str().unwrap());
    let git = |words: &[&str]| {
        let output = stage.program("git").args(words).output().unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap().trim().to_owned())
    };
    fine(&stage, &["run", "branch", id, "first"]);
    assert_eq!(git(&["rev-parse", "first"]).1, commit);
    git(&["branch", "-D", "first"]);
    assert!(git(&["update-ref", "-d", &format!("refs/remuda/runs/{id}")]).0);
    assert!(git(&["reflog", "expire", "--expire=now", "--all"]).0 && git(&["gc", "--quiet", "--prune=now"]).0);
    assert!(!git(&["cat-file", "-e", commit]).0);
    let told = fine(&stage, &["run", "branch", id, "second"]);
    assert!(told.contains("made of the packed files"), "{told}");
    assert_eq!(git(&["show", "second:train.py"]).1, SCRIPT.trim());
    assert_eq!(git(&["log", "--format=%s", "-1", "second"]).1, format!("Snapshot of run {id}"));
    let told = ended(&stage.run(&["run", "branch", id, "second"]), 1);
    assert!(told.contains("already"), "{told}");
    // What differs between two runs is read from the packed files as well.
    stage.write("train.py", &SCRIPT.replace("seed(7)", "seed(8)"));
    fine(&stage, &["run", "--", "python3", "-B", "train.py"]);
    let told = fine(&stage, &["run", "diff", id, "newest"]);
    assert!(told.contains("+random.seed(8)") && told.contains("word 3"), "{told}");
}

#[test]
fn a_notebook_is_executed_and_kept() {
    let mut stage = product();
    // An executor of the test's own: what it must understand is the call.
    let tools = stage.path("tools");
    fs::create_dir(&tools).unwrap();
    let python = tools.join("python3");
    fs::write(&python, EXECUTOR).unwrap();
    fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).unwrap();
    stage.write(".gitignore", ".remuda/\nout/\ntools/\n");
    stage.write(
        "analysis.ipynb",
        "{\"cells\": [{\"cell_type\": \"code\", \"source\": [\"random_state = 5\\n\"], \"outputs\": []}]}",
    );
    let told = ended(&stage.run(&["run", "nothing.ipynb"]), 1);
    assert!(told.contains("there is no notebook"), "{told}");
    let told = ended(&stage.run(&["run", "lst"]), 1);
    assert!(told.contains("remuda run -- lst"), "{told}");
    let path = format!("{}:{}", tools.display(), std::env::var("PATH").unwrap());
    stage.surround("PATH", &path);
    fine(&stage, &["run", "analysis.ipynb"]);
    let run = newest(&stage);
    assert_eq!(run["command"], "analysis.ipynb");
    assert_eq!(run["outputs"][0]["path"], "analysis.executed.ipynb");
    assert_eq!(run["snapshot"]["captured"]["seeds"][0]["value"], "5");
    let told = ended(&stage.run(&["run", "reproduce", "newest", "--no-install"]), 0);
    assert!(told.contains("same code and results, other times"), "{told}");
    fine(&stage, &["run", "restore", run["run"].as_str().unwrap(), "--into", "again", "--outputs"]);
    assert!(fs::read_to_string(stage.path("again/analysis.executed.ipynb")).unwrap().contains("executed"));
}

/// Says that it has nbconvert, and "executes" by adding a time and an output.
const EXECUTOR: &str = r#"#!/bin/sh
case "$1 $2" in
"-c import importlib"*) echo nbconvert ;;
"-m nbconvert")
    while [ $# -gt 1 ]; do
        case "$1" in
        --output-dir) folder=$2 ;;
        --output) name=$2 ;;
        esac
        shift
    done
    printf '{"cells": [{"cell_type": "code", "metadata": {"at": "%s"}, "source": ["x"], "outputs": [{"text": "executed"}]}]}' "$(date +%N)" > "$folder/$name"
    ;;
*) PATH=${PATH#*:} exec python3 "$@" ;;
esac
"#;

#[test]
fn a_run_killed_in_the_middle_of_its_snapshot_leaves_nothing_behind_that_hurts() {
    let stage = product();
    fs::create_dir(stage.path("many")).unwrap();
    for number in 0..3_000 {
        fs::write(stage.path(&format!("many/{number}.txt")), format!("file {number}\n").repeat(40)).unwrap();
    }
    let before = json(&stage, &["run", "list"])["runs"].as_array().unwrap().len();
    for wait in [30, 90, 200, 400] {
        let mut child =
            stage.command(&["run", "--", "true"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(wait));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    fine(&stage, &["run", "--", "true"]);
    assert_eq!(newest(&stage)["status"], "finished");
    let runs = json(&stage, &["run", "list"])["runs"].as_array().unwrap().clone();
    assert!(runs.len() > before);
    assert!(runs.iter().all(|run| run["status"] != "running"), "{runs:?}");
    fine(&stage, &["ledger", "verify"]);
    let status = stage.program("git").args(["status", "--porcelain"]).output().unwrap();
    assert!(status.status.success());
    let restored = json(&stage, &["run", "restore", "newest", "--into", "again"]);
    assert!(restored["written"].as_u64().unwrap() > 3_000);
}

#[test]
fn two_runs_at_once_and_a_product_without_git_are_kept() {
    let stage = product();
    fs::remove_dir_all(stage.path(".git")).unwrap();
    let start = || -> std::process::Child {
        let mut command: Command = stage.command(&["run", "--", "python3", "train.py"]);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    let mut both = [start(), start()];
    assert!(both.iter_mut().all(|child| child.wait().unwrap().success()));
    let runs = json(&stage, &["run", "list"]);
    for run in runs["runs"].as_array().unwrap() {
        assert_eq!(run["snapshot"]["commit"], Value::Null);
        let id = run["run"].as_str().unwrap();
        let restored = json(&stage, &["run", "restore", id, "--into", &format!("../back-{id}")]);
        assert_eq!(restored["missing"], serde_json::json!([]));
    }
    assert_eq!(runs["runs"].as_array().unwrap().len(), 2);
}
