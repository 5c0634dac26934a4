//! A run's script logs whoever is away: the server at the start, in the middle, at the end; the runner itself. What was
//! acknowledged is on the server in the end, once. The script is Python's standard library alone.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use crate::harness::{Server, Stage};
use crate::shop::{Wire, shop_before_promotion};
use serde_json::Value;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Logs points one by one, and writes down each that was acknowledged. It waits where a file `wait-N` stands.
const SCRIPT: &str = r#"
import json, os, sys, time, urllib.request
base, run = os.environ["MLFLOW_TRACKING_URI"], os.environ["MLFLOW_RUN_ID"]
def ask(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(base + path, data, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)
def experiment(name):
    try:
        return ask("/api/2.0/mlflow/experiments/get-by-name?experiment_name=" + name)["experiment"]["experiment_id"]
    except urllib.error.HTTPError as error:
        assert error.code == 404, error
        return ask("/api/2.0/mlflow/experiments/create", {"name": name})["experiment_id"]
wanted = experiment("outages")
info = ask("/api/2.0/mlflow/runs/get?run_id=" + run)["run"]["info"]
assert info["experiment_id"] == wanted, (info, wanted)
ask("/api/2.0/mlflow/runs/log-parameter", {"run_id": run, "key": "depth", "value": "6"})
child = ask("/api/2.0/mlflow/runs/create", {"experiment_id": wanted, "tags": [{"key": "mlflow.parentRunId", "value": run}]})
child = child["run"]["info"]["run_id"]
acknowledged = open("acknowledged", "w")
print("logging", flush=True)
for step in range(int(sys.argv[1])):
    name = "wait-%d" % step
    if os.path.exists(name):
        open("at-%d" % step, "w").close()
        while os.path.exists(name):
            time.sleep(0.01)
    try:
        ask("/api/2.0/mlflow/runs/log-metric", {"run_id": run, "key": "loss", "value": 0.5, "timestamp": 1000 + step, "step": step})
    except OSError as error:
        print("gone", error, flush=True)
        sys.exit(3)
    acknowledged.write("%d\n" % step)
    acknowledged.flush()
ask("/api/2.0/mlflow/runs/log-batch", {"run_id": child, "metrics": [{"key": "loss", "value": 0.5, "timestamp": 7, "step": 1}], "tags": [{"key": "kind", "value": "nested"}]})
ask("/api/2.0/mlflow/runs/update", {"run_id": child, "status": "FINISHED", "end_time": 9})
got = ask("/api/2.0/mlflow/runs/get?run_id=" + run)["run"]["data"]
assert got["metrics"][0]["step"] == int(sys.argv[1]) - 1, got
sys.exit(int(sys.argv[2]) if len(sys.argv) > 2 else 0)
"#;

const POINTS: usize = 300;

fn product() -> Stage {
    let stage = shop_before_promotion();
    stage.write("train.py", SCRIPT);
    stage
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn serve(stage: &Stage, port: u16) -> Server {
    stage.serve(&["up", "--listen", &format!("127.0.0.1:{port}"), "--json"])
}

fn start(stage: &Stage, server: Option<&str>, more: &[&str]) -> Child {
    let points = POINTS.to_string();
    let mut words = vec!["run"];
    words.extend(server.iter().flat_map(|url| ["--server", url]));
    words.extend(["--", "python3", "train.py", &points]);
    words.extend(more);
    stage.command(&words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn wait_for(path: &Path) {
    let begun = Instant::now();
    while !path.exists() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{} does not come", path.display());
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn answered(url: &str, method: &str, path: &str, body: &str) -> Value {
    let (status, text) = Wire::at(url).ask(method, path, body).unwrap();
    assert_eq!(status, 200, "{text}");
    serde_json::from_str(&text).unwrap()
}

/// The steps that the server has of the run of the script, and the run.
fn on_the_server(url: &str) -> (Vec<i64>, Value) {
    let found = answered(url, "GET", "/api/2.0/mlflow/experiments/get-by-name?experiment_name=outages", "");
    let experiment = found["experiment"]["experiment_id"].as_str().unwrap().to_owned();
    let body = format!(r#"{{"experiment_ids":["{experiment}"],"filter":"params.depth = '6'"}}"#);
    let found = answered(url, "POST", "/api/2.0/mlflow/runs/search", &body);
    let runs = found["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 1, "one run, not two");
    let id = runs[0]["info"]["run_id"].as_str().unwrap();
    let path = format!("/api/2.0/mlflow/metrics/get-history?metric_key=loss&run_id={id}");
    let history = answered(url, "GET", &path, "");
    let steps = history["metrics"].as_array().unwrap().iter().map(|point| point["step"].as_i64().unwrap()).collect();
    (steps, runs[0].clone())
}

fn all_steps() -> Vec<i64> {
    (0..POINTS as i64).collect()
}

#[test]
fn outages_without_a_server_nothing_is_spooled_and_the_run_is_one() {
    let stage = product();
    let ended = start(&stage, None, &["7"]).wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(7), "{}", String::from_utf8_lossy(&ended.stderr));
    assert!(!stage.path(".remuda/spool-runs").exists());
    let server = serve(&stage, 0);
    let (steps, run) = on_the_server(&server.url);
    assert_eq!(steps, all_steps());
    assert_eq!(run["info"]["status"], "FAILED", "the exit code was 7");
    let told: Value = serde_json::from_str(&stage.run(&["run", "list", "--json"]).out).unwrap();
    let tracked = told["runs"].as_array().unwrap().iter().find(|one| one["run"] == run["info"]["run_id"]).unwrap();
    assert_eq!(tracked["exit_code"], 7);
}

#[test]
fn outages_a_server_that_is_away_all_the_time_gets_everything_once_by_sync() {
    let stage = product();
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}");
    let ended = start(&stage, Some(&url), &[]).wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(0), "{said}");
    assert!(said.contains("`remuda sync` delivers them"), "{said}");
    let status = stage.run(&["status"]);
    assert!(status.err.contains("of 1 run wait for their server"), "{}", status.err);
    let sync = stage.run(&["sync"]);
    assert_eq!(sync.code, 1, "{}", sync.out);
    let server = serve(&stage, port);
    let sync = stage.run(&["sync"]);
    assert_eq!((sync.code, sync.out.contains("refused")), (0, false), "{}{}", sync.out, sync.err);
    let (steps, run) = on_the_server(&server.url);
    assert_eq!(steps, all_steps());
    assert_eq!(run["info"]["status"], "FINISHED");
    assert!(stage.run(&["sync"]).out.contains("Nothing waits"));
}

#[test]
fn outages_a_server_killed_in_the_middle_and_started_again_has_everything_once() {
    let stage = product();
    let port = free_port();
    let server = serve(&stage, port);
    let url = server.url.clone();
    stage.write("wait-100", "");
    stage.write("wait-200", "");
    let running = start(&stage, Some(&url), &[]);
    wait_for(&stage.path("at-100"));
    // A killed process flushes nothing and answers nobody.
    drop(server);
    std::fs::remove_file(stage.path("wait-100")).unwrap();
    wait_for(&stage.path("at-200"));
    let server = serve(&stage, port);
    std::fs::remove_file(stage.path("wait-200")).unwrap();
    let ended = running.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(0), "{said}");
    let (steps, run) = on_the_server(&server.url);
    assert_eq!(steps, all_steps(), "{said}");
    assert_eq!(run["info"]["status"], "FINISHED");
    assert!(!said.contains("wait in"), "{said}");
}

#[test]
fn outages_a_killed_runner_loses_nothing_that_was_acknowledged() {
    let stage = product();
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}");
    stage.write("wait-150", "");
    let mut running = start(&stage, Some(&url), &[]);
    wait_for(&stage.path("at-150"));
    running.kill().unwrap();
    running.wait().unwrap();
    std::fs::remove_file(stage.path("wait-150")).unwrap();
    let server = serve(&stage, port);
    let sync = stage.run(&["sync"]);
    assert_eq!(sync.code, 0, "{}{}", sync.out, sync.err);
    let acknowledged = std::fs::read_to_string(stage.path("acknowledged")).unwrap().lines().count();
    let (steps, run) = on_the_server(&server.url);
    assert_eq!(acknowledged, 150);
    assert_eq!(steps, (0..150).collect::<Vec<i64>>());
    assert_eq!(run["info"]["status"], "FAILED", "nobody said that it ended");
}

#[test]
fn outages_a_delivery_that_is_killed_again_and_again_doubles_nothing() {
    let stage = product();
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}");
    assert_eq!(start(&stage, Some(&url), &[]).wait_with_output().unwrap().status.code(), Some(0));
    let mut server = serve(&stage, port);
    for delay in [20, 60, 120, 200] {
        let mut sync = stage.command(&["sync"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(delay));
        sync.kill().unwrap();
        sync.wait().unwrap();
        if delay == 60 {
            drop(server);
            server = serve(&stage, port);
        }
    }
    // What the killed ones noted of their way is forgotten: the server must know by itself.
    let spools = std::fs::read_dir(stage.path(".remuda/spool-runs"));
    for folder in spools.into_iter().flatten().flatten() {
        let _ = std::fs::remove_file(folder.path().join("delivered"));
    }
    let sync = stage.run(&["sync"]);
    assert_eq!((sync.code, sync.out.contains("refused")), (0, false), "{}{}", sync.out, sync.err);
    let (steps, run) = on_the_server(&server.url);
    assert_eq!(steps, all_steps());
    assert_eq!(run["info"]["status"], "FINISHED");
}

#[test]
fn outages_another_user_of_the_machine_does_not_know_the_word() {
    let stage = product();
    stage.write(
        "knock.py",
        r#"
import os, urllib.parse, urllib.request, urllib.error
base = urllib.parse.urlparse(os.environ["MLFLOW_TRACKING_URI"])
assert len(base.path) == 33, base
for path in ["/api/2.0/mlflow/experiments/get?experiment_id=0", "/" + "0" * 32 + "/api/2.0/mlflow/experiments/get?experiment_id=0", "/"]:
    try:
        urllib.request.urlopen("http://" + base.netloc + path)
        raise SystemExit("let in")
    except urllib.error.HTTPError as error:
        assert error.code == 404, error
"#,
    );
    let ended = stage.run(&["run", "--", "python3", "knock.py"]);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
}

#[test]
fn outages_standard_input_goes_through_and_a_signal_lets_the_script_end_by_itself() {
    let stage = product();
    let mut echo = stage.command(&["run", "--", "cat"]);
    let mut child = echo.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"no newline at the end").unwrap();
    assert_eq!(child.wait_with_output().unwrap().stdout, b"no newline at the end");
    stage.write("wait-10", "");
    stage.write(
        "patient.py",
        "import signal, sys, time\ndef end(*_):\n    open('ended-well', 'w').close()\n    sys.exit(5)\nsignal.signal(signal.SIGTERM, end)\nopen('ready', 'w').close()\ntime.sleep(60)\n",
    );
    let running = stage.command(&["run", "--", "python3", "patient.py"]).stdout(Stdio::null()).spawn().unwrap();
    wait_for(&stage.path("ready"));
    Command::new("kill").args(["-TERM", &running.id().to_string()]).status().unwrap();
    let code = running.wait_with_output().unwrap().status.code();
    assert!(stage.path("ended-well").exists());
    assert_eq!(code, Some(5));
}
