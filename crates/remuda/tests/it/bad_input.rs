//! Bad input: files that are no tables, labels that cannot be learnt, slips in definitions, names that are none, and
//! callers over HTTP that want more than they may. Each is refused with the place and the next step, and leaves nothing
//! behind.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use crate::harness::Stage;
use crate::shop::{Wire, count, fine, json, shop, table, whole};

/// Files that are no tables, or none that can be learnt from.
const BAD: [&str; 9] = [
    "ragged.csv",
    "surplus.csv",
    "bytes.csv",
    "nul.csv",
    "twice.csv",
    "empty.csv",
    "header.csv",
    "one_class.csv",
    "one_row.csv",
];

/// Writes them into the stage's folder.
fn write_bad_files(stage: &Stage) {
    let good = table(12, 1);
    let with =
        |line: &[u8]| [good.as_bytes(), line, b"\n", &table(3, 2).as_bytes()["id,x,kind,label\n".len()..]].concat();
    let files: [(&str, Vec<u8>); 9] = [
        ("ragged.csv", with(b"12,0.5,a")),
        ("surplus.csv", with(b"12,0.5,a,Yes,more")),
        ("bytes.csv", with(b"12,0.5,\xff\xfe,Yes")),
        ("nul.csv", with(b"12,0.5,a\0b,Yes")),
        ("twice.csv", good.replace("id,x,kind", "id,x,x").into_bytes()),
        ("empty.csv", Vec::new()),
        ("header.csv", b"id,x,kind,label\n".to_vec()),
        ("one_class.csv", table(300, 1).replace("Yes", "No").into_bytes()),
        ("one_row.csv", table(1, 1).into_bytes()),
    ];
    for (name, bytes) in files {
        std::fs::write(stage.path(name), bytes).unwrap();
    }
}

#[test]
fn bad_files_make_no_product() {
    let stage = Stage::new();
    write_bad_files(&stage);
    stage.write("rows.csv", &table(300, 1));
    let mut told: Vec<String> = Vec::new();
    for file in BAD {
        told.push(stage.tell(&["init", "shop", "--from", file, "--label", "label"]));
    }
    told.push(stage.tell(&["init", "shop", "--from", "rows.csv", "--label", "lable"]));
    told.push(stage.tell(&["init", "shop", "--from", "rows.csv", "--label", "churned"]));
    told.push(stage.tell(&["init", "shop", "--from", "row.csv", "--label", "label"]));
    for name in ["a/b", "../shop", "", "two words", "é", "Shop"] {
        told.push(stage.tell(&["init", name, "--from", "rows.csv", "--label", "label"]));
    }
    // What a newcomer hands over by mistake.
    let rows = table(300, 1);
    let labels: String =
        rows.lines().map(|line| format!("{}\n", line.rsplit(',').next().unwrap_or_default())).collect();
    stage.write("page.csv", "<!DOCTYPE html>\n<html><body>404</body></html>\n");
    stage.write("rows", &rows);
    stage.write("headless.csv", rows.split_once('\n').unwrap().1);
    stage.write("labels.csv", &labels);
    stage.write("cut.parquet", &format!("PAR1{}", "\0".repeat(40)));
    for file in ["page.csv", "rows", "headless.csv", "labels.csv", "cut.parquet", "."] {
        told.push(stage.tell(&["init", "shop", "--from", file, "--label", "label"]));
    }
    insta::assert_snapshot!(told.join("\n"));
    assert!(!stage.path("shop").exists(), "nothing half-made is left");
    fine(&stage, &["init", "shop", "--from", "rows.csv", "--label", "label"]);
}

#[test]
fn bad_files_become_no_version() {
    let stage = shop();
    write_bad_files(&stage);
    let facts = whole(&stage);
    let mut told: Vec<String> = Vec::new();
    // The last two are whole tables; that nothing can be learnt from them is said by what learns.
    for file in &BAD[..7] {
        told.push(stage.tell(&["data", "add", file, "--as", "shop"]));
    }
    stage.write("rows.csv", &table(300, 1));
    for name in ["a/b", "../shop", "", "two words"] {
        told.push(stage.tell(&["data", "add", "rows.csv", "--as", name]));
    }
    told.push(stage.tell(&["data", "add", "nothing.csv"]));
    told.push(stage.tell(&["data", "add", "requirements"]));
    told.push(stage.tell(&["data", "add", "pipeline.toml"]));
    insta::assert_snapshot!(told.join("\n"));
    assert_eq!(whole(&stage), facts, "no fact came of a file that cannot be read");
    assert_eq!(count(&json(&stage, &["data", "log"]), "versions"), 1);
}

#[test]
fn bad_labels_fail_the_step_that_cannot_learn_them() {
    let stage = shop();
    write_bad_files(&stage);
    let mut told: Vec<String> = Vec::new();
    for file in ["one_class.csv", "one_row.csv"] {
        told.push(stage.tell(&["data", "add", file, "--as", "shop"]));
        told.push(stage.tell(&["run"]));
        told.push(stage.tell(&["gate", "evaluate", "trees"]));
    }
    insta::assert_snapshot!(told.join("\n"));
    let runs = json(&stage, &["run", "list"]);
    assert!(runs["runs"].as_array().unwrap().iter().all(|run| run["status"] == "failed"), "{runs}");
    whole(&stage);
    // The next good version mends it.
    stage.write("rows.csv", &table(2_000, 1));
    fine(&stage, &["data", "add", "rows.csv", "--as", "shop"]);
    fine(&stage, &["run"]);
    fine(&stage, &["gate", "evaluate", "trees"]);
}

#[test]
fn bad_keys_in_definitions_show_their_line() {
    let stage = shop();
    let mut told: Vec<String> = Vec::new();
    for (file, right, wrong) in [
        ("remuda.toml", "budget = 10", "bugdet = 10"),
        ("pipeline.toml", "seed = 1", "sede = 1"),
        ("serving.toml", "distance = 0.1", "distanse = 0.1"),
        ("requirements/shop.md", "goal = ", "gaol = "),
        ("requirements/shop.md", "accuracy >= 0.9", "acuracy >= 0.9"),
        ("data/shop.odcs.yaml", "required: true", "requird: true"),
        ("data/shop.odcs.yaml", "status: active", "status: active\n  status: [active"),
    ] {
        let text = std::fs::read_to_string(stage.path(file)).unwrap();
        assert!(text.contains(right), "{file} has no `{right}`: {text}");
        stage.write(file, &text.replacen(right, wrong, 1));
        told.push(stage.tell(&["check"]));
        assert_eq!(stage.run(&["check"]).code, 1, "{file}: {wrong}");
        stage.write(file, &text);
    }
    insta::assert_snapshot!(told.join("\n"));
    fine(&stage, &["check"]);
}

#[test]
fn bad_callers_read_and_write_no_file_of_the_server() {
    let stage = shop();
    stage.write("secret.csv", &table(300, 3));
    let secret = std::fs::canonicalize(stage.path("secret.csv")).unwrap();
    let secret = secret.to_str().unwrap();
    let target = stage.path("written.csv");
    let server = stage.serve(&["up", "--listen", "127.0.0.1:0", "--json"]);
    let mut wire = Wire::to(&server);
    let facts = whole(&stage);
    for body in [
        serde_json::json!({ "file": secret, "name": "shop" }),
        serde_json::json!({ "file": "secret.csv", "name": "shop" }),
        serde_json::json!({ "file": "../secret.csv", "name": "shop", "source": "secret.csv" }),
        serde_json::json!({ "file": format!("b3:../../{secret}"), "name": "shop" }),
        serde_json::json!({ "file": "/etc/passwd", "name": "shop", "format": "csv" }),
    ] {
        let (status, answer) = wire.ask("POST", "/api/v1/data/add", &body.to_string()).unwrap();
        assert_eq!(status, 400, "{body}: {answer}");
        assert!(answer.contains("upload"), "the next step is to send the file: {answer}");
    }
    for (path, body) in [
        ("/api/v1/serving/predict", serde_json::json!({ "file": secret, "output": target })),
        ("/api/v1/feedback/add", serde_json::json!({ "file": secret })),
    ] {
        let (status, answer) = wire.ask("POST", path, &body.to_string()).unwrap();
        assert!((400..500).contains(&status), "{path}: {status} {answer}");
    }
    for path in
        ["/api/v1/download/..%2f..%2fsecret.csv", "/api/v1/download/b3:..%2f..%2fremuda.toml", "/..%2fremuda.toml"]
    {
        let (status, answer) = wire.ask("GET", path, "").unwrap();
        assert!((400..500).contains(&status), "{path}: {status} {answer}");
        assert!(!answer.contains("[members"), "{path}: {answer}");
    }
    assert_eq!(whole(&stage), facts, "none of this became a fact");
    // What is written for a caller lies where uploads lie, whatever path they name.
    let body = serde_json::json!({ "version": "shop", "output": target });
    let (status, answer) = wire.ask("POST", "/api/v1/data/export", &body.to_string()).unwrap();
    assert_eq!(status, 200, "{answer}");
    assert!(!target.exists(), "{answer}");
}

#[test]
fn bad_hosts_are_turned_away() {
    let stage = shop();
    let server = stage.serve(&["up", "--listen", "127.0.0.1:0", "--json"]);
    let paths = [("GET", "/"), ("GET", "/v2"), ("POST", "/api/v1/product/status"), ("POST", "/v2/models/shop/infer")];
    for (method, path) in paths {
        let mut wire = Wire::to(&server);
        assert_ne!(wire.ask(method, path, "{}").unwrap().0, 403, "{path}: this machine's own name is let in");
        for host in ["evil.example", "127.0.0.1.evil.example", "localhost@evil.example", ""] {
            let mut wire = Wire::to(&server);
            wire.pretend(host);
            let (status, answer) = wire.ask(method, path, "{}").unwrap();
            assert!(matches!(status, 400 | 403), "{host} {path}: {status} {answer}");
            assert!(!answer.contains("accuracy"), "{host} {path}: {answer}");
        }
    }
}
