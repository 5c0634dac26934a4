//! Artifacts over HTTP: put, got in parts, listed, deleted; paths that lead elsewhere; uploads that break off.

use crate::server::{Answer, Server, request};
use axum::body::Body;
use futures::stream;
use serde_json::json;

const TREE: &str = "/api/2.0/mlflow-artifacts/artifacts";

async fn put(server: &Server, path: &str, content: impl Into<Body>) -> Answer {
    server.send(request("PUT", &format!("{TREE}/{path}"), &[("content-type", "text/plain")], content)).await
}

async fn get(server: &Server, path: &str, headers: &[(&str, &str)]) -> Answer {
    server.get(&format!("{TREE}/{path}"), headers).await
}

async fn list(server: &Server, path: &str) -> serde_json::Value {
    server.get(&format!("{TREE}?path={path}"), &[]).await.json()
}

/// More than a row of the database holds.
fn large() -> Vec<u8> {
    (0..3_000_000_u32).map(|number| (number % 251) as u8).collect()
}

#[tokio::test]
async fn a_file_comes_back_whole_in_part_or_not_at_all() {
    let server = Server::start().await;
    for (name, content) in [("small.bin", large()[..1000].to_vec()), ("large.bin", large()), ("empty.bin", Vec::new())]
    {
        let answer = put(&server, name, content.clone()).await;
        assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "{}"));
        let whole = get(&server, name, &[]).await;
        assert_eq!((whole.status.as_u16(), whole.body == content), (200, true), "{name}");
        assert_eq!(whole.header("content-length"), content.len().to_string());
        assert_eq!(whole.header("accept-ranges"), "bytes");
        let known = get(&server, name, &[("if-none-match", whole.header("etag"))]).await;
        assert_eq!((known.status.as_u16(), known.body.len()), (304, 0));
        let head = server.send(request("HEAD", &format!("{TREE}/{name}"), &[], "")).await;
        assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
        assert_eq!(head.header("content-length"), content.len().to_string());
        let beyond = get(&server, name, &[("range", "bytes=99999999-")]).await;
        assert_eq!(beyond.status, 416, "{name}");
        assert_eq!(beyond.header("content-range"), format!("bytes */{}", content.len()));
    }
    for (name, range, from, to, size) in [
        ("small.bin", "bytes=10-19", 10, 20, 1000),
        ("large.bin", "bytes=1048570-2097160", 1_048_570, 2_097_161, 3_000_000),
        ("large.bin", "bytes=-5", 2_999_995, 3_000_000, 3_000_000),
    ] {
        let part = get(&server, name, &[("range", range)]).await;
        assert_eq!(part.status, 206);
        assert_eq!(part.header("content-range"), format!("bytes {from}-{}/{size}", to - 1));
        assert_eq!(part.header("content-length"), (to - from).to_string());
        assert!(part.body == large()[from..to], "{name} {range}");
    }
    let listed = list(&server, "").await;
    assert_eq!(
        listed,
        json!({ "files": [
            { "path": "empty.bin", "is_dir": false, "file_size": 0 },
            { "path": "large.bin", "is_dir": false, "file_size": 3_000_000 },
            { "path": "small.bin", "is_dir": false, "file_size": 1000 },
        ] })
    );
}

#[tokio::test]
async fn a_path_that_leads_elsewhere_is_refused_and_never_a_failure() {
    let server = Server::start().await;
    for path in [
        "../secret",
        "a/../../secret",
        "%2e%2e/secret",
        "%2E%2E%2Fsecret",
        "%252e%252e/secret",
        "%25252e%25252e/secret",
        "/etc/passwd",
        "%2Fetc%2Fpasswd",
        "a//b",
        "a%5C..%5Cb",
        "C:/windows",
        "c%3A%5Cwindows",
        "a%00b",
        "a%2500b",
        "a%0Ab",
        "a%23b",
        "a%FFb",
        "./a",
    ] {
        for method in ["GET", "PUT", "DELETE"] {
            let answer = server.send(request(method, &format!("{TREE}/{path}"), &[], "x")).await;
            assert_eq!(answer.status, 400, "{method} {path}: {}", answer.text());
            let told = json!({ "error_code": "INVALID_PARAMETER_VALUE", "message": "Invalid path" });
            assert_eq!(answer.json(), told, "{method} {path}");
        }
        // A query's bytes that are no UTF-8 are read as a character like any other.
        let in_a_query = if path.contains("%FF") { "..".to_owned() } else { path.to_owned() };
        for address in [
            format!("{TREE}?path={in_a_query}"),
            format!("/get-artifact?run_uuid=none&path={in_a_query}"),
            format!("/ajax-api/2.0/mlflow/get-artifact?run_uuid=none&path={in_a_query}"),
            format!("/api/2.0/mlflow/artifacts/list?run_id=none&path={in_a_query}"),
            format!("/api/2.0/mlflow-artifacts/presigned/{path}"),
        ] {
            let answer = server.get(&address, &[]).await;
            assert_eq!(answer.status, 400, "{address}: {}", answer.text());
        }
        let body = json!({ "path": "x.bin", "num_parts": 1 }).to_string();
        let parts = server.json(&format!("/api/2.0/mlflow-artifacts/mpu/create/{path}"), &body, &[]).await;
        assert_eq!(parts.status, 400, "{path}");
    }
    assert_eq!(list(&server, "").await, json!({}));
}

#[tokio::test]
async fn what_a_run_logged_runs_no_script_in_our_origin() {
    let server = Server::start().await;
    let made = server.json("/api/2.0/mlflow/runs/create", r#"{"experiment_id":"0"}"#, &[]).await.json();
    let run = made["run"]["info"]["run_id"].as_str().unwrap().to_owned();
    let page = "<script>alert(document.domain)</script>";
    for name in ["page.html", "image.svg"] {
        put(&server, &format!("0/{run}/artifacts/{name}"), page).await;
        let saved = server.get(&format!("/get-artifact?run_uuid={run}&path={name}"), &[]).await;
        assert_eq!((saved.status.as_u16(), saved.text().as_str()), (200, page));
        assert!(saved.header("content-disposition").starts_with("attachment;"), "{name}");
        let shown = server.get(&format!("/get-artifact?run_uuid={run}&path={name}&preview=true"), &[]).await;
        assert!(shown.header("content-disposition").starts_with("inline;"), "{name}");
        for answer in [saved, shown] {
            assert!(answer.header("content-security-policy").starts_with("sandbox; default-src 'none'"), "{name}");
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
        }
    }
    let listed = server.get(&format!("/api/2.0/mlflow/artifacts/list?run_id={run}"), &[]).await.json();
    assert_eq!(listed["root_uri"], format!("mlflow-artifacts:/0/{run}/artifacts"));
    assert_eq!(listed["files"][1]["path"], "page.html");
    let missing = server.get(&format!("/get-artifact?run_uuid={run}&path=none"), &[]).await;
    assert_eq!(
        (missing.status.as_u16(), missing.json()["error_code"].as_str()),
        (404, Some("RESOURCE_DOES_NOT_EXIST"))
    );

    let browser = format!("/ajax-api/2.0/mlflow/upload-artifact?run_uuid={run}&path=notes/n.md");
    let sent = server.send(request("POST", &browser, &[("origin", "http://127.0.0.1:7777")], "# n")).await;
    assert_eq!(sent.status, 200, "{}", sent.text());
    assert_eq!(server.get(&format!("/get-artifact?run_id={run}&path=notes/n.md"), &[]).await.text(), "# n");
    let much = server.send(request("POST", &browser, &[], vec![0; (10 << 20) + 1])).await;
    assert_eq!(much.json()["message"], "Artifact size is too large. Max size is 10MB.");
}

#[tokio::test]
async fn who_stops_in_the_middle_leaves_nothing() {
    let server = Server::start().await;
    for pieces in [1_usize, 40] {
        let sent = (0..pieces).map(|_| Ok(vec![7_u8; 100_000])).chain([Err(std::io::Error::other("gone"))]);
        let answer = put(&server, "0/r/half.bin", Body::from_stream(stream::iter(sent))).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
    }
    assert_eq!(list(&server, "").await, json!({}));
    let kept = server.web.app.folder.join("artifacts/writing");
    assert_eq!(std::fs::read_dir(kept).map_or(0, Iterator::count), 0, "no half-written file stays");
}

#[tokio::test]
async fn parts_come_in_any_order_and_more_than_once() {
    let server = Server::start().await;
    let mpu = "/api/2.0/mlflow-artifacts/mpu";
    let body = json!({ "path": "C:\\data\\model.bin", "num_parts": 3 }).to_string();
    let proof = [("authorization", "Basic OnNlY3JldA==")];
    let begun = server.json(&format!("{mpu}/create/0/r/artifacts/m"), &body, &[]).await.json();
    let id = begun["upload_id"].as_str().unwrap().to_owned();
    let address = begun["credentials"][2]["url"].as_str().unwrap();
    assert_eq!(address, format!("http://127.0.0.1:7777{mpu}/part/{id}/3"));
    assert_eq!(begun["credentials"][2]["headers"], json!({}));
    let send = async |number: u32, content: &'static str| {
        server.send(request("PUT", &format!("{mpu}/part/{id}/{number}"), &[], content)).await
    };
    let mut tags = std::collections::BTreeMap::new();
    for (number, content) in [(3, "ccc"), (1, "wrong"), (2, "bb"), (1, "a")] {
        tags.insert(number, send(number, content).await.header("etag").to_owned());
    }
    assert_eq!(send(0, "x").await.status, 400);
    let parts = |tags: &std::collections::BTreeMap<u32, String>| {
        let parts: Vec<_> = tags.iter().map(|(number, tag)| json!({ "part_number": number, "etag": tag })).collect();
        json!({ "path": "/data/model.bin", "upload_id": id, "parts": parts }).to_string()
    };
    let mut four = tags.clone();
    four.insert(4, tags[&1].clone());
    let missing = server.json(&format!("{mpu}/complete/0/r/artifacts/m"), &parts(&four), &[]).await;
    assert_eq!(missing.status, 400, "{}", missing.text());
    let elsewhere = server.json(&format!("{mpu}/complete/0/other"), &parts(&tags), &[]).await;
    assert_eq!(elsewhere.status, 400);
    assert_eq!(list(&server, "0/r/artifacts/m").await, json!({}));
    for _ in 0..2 {
        let done = server.json(&format!("{mpu}/complete/0/r/artifacts/m"), &parts(&tags), &[]).await;
        assert_eq!((done.status.as_u16(), done.text().as_str()), (200, "{}"));
    }
    assert_eq!(get(&server, "0/r/artifacts/m/model.bin", &[]).await.text(), "abbccc");

    let begun = server.json(&format!("{mpu}/create/0/r"), &body, &[]).await.json();
    let other = begun["upload_id"].as_str().unwrap();
    let dropped = json!({ "path": "model.bin", "upload_id": other }).to_string();
    assert_eq!(server.json(&format!("{mpu}/abort/0/r"), &dropped, &[]).await.status, 200);
    let late = server.send(request("PUT", &format!("{mpu}/part/{other}/1"), &[], "x")).await;
    assert!(late.status.is_client_error(), "{}", late.text());
    let aside = server.send(request("PUT", &format!("{mpu}/part/../../x/1"), &proof, "x")).await;
    assert!(aside.status.is_client_error(), "{}", aside.text());
}

#[tokio::test]
async fn a_script_that_must_say_who_it_is_sends_parts_too() {
    let server = Server::open_to_others().await;
    let proof = format!("Bearer {}", server.token().await);
    let allowed = [("authorization", proof.as_str())];
    let body = json!({ "path": "x.bin", "num_parts": 1 }).to_string();
    let create = "/api/2.0/mlflow-artifacts/mpu/create/0/r";
    assert_eq!(server.json(create, &body, &[]).await.status, 401);
    let begun = server.json(create, &body, &allowed).await.json();
    let credential = &begun["credentials"][0];
    let address = credential["url"].as_str().unwrap().strip_prefix("http://127.0.0.1:7777").unwrap();
    assert_eq!(server.send(request("PUT", address, &[], "x")).await.status, 401);
    let told = credential["headers"]["Authorization"].as_str().unwrap();
    let sent = server.send(request("PUT", address, &[("authorization", told)], "x")).await;
    assert_eq!(sent.status, 200, "{}", sent.text());
    assert_eq!(put(&server, "0/r/y", "y").await.status, 401);
}

#[tokio::test]
async fn files_that_a_script_keeps_elsewhere_are_not_read_here() {
    let server = Server::start().await;
    let body = r#"{"name":"own place","artifact_location":"file:///etc"}"#;
    let experiment = server.json("/api/2.0/mlflow/experiments/create", body, &[]).await.json();
    let id = experiment["experiment_id"].as_str().unwrap();
    let body = json!({ "experiment_id": id }).to_string();
    let made = server.json("/api/2.0/mlflow/runs/create", &body, &[]).await.json();
    let run = made["run"]["info"]["run_id"].as_str().unwrap();
    for address in
        [format!("/api/2.0/mlflow/artifacts/list?run_id={run}"), format!("/get-artifact?run_id={run}&path=passwd")]
    {
        let answer = server.get(&address, &[]).await;
        assert_eq!((answer.status.as_u16(), answer.json()["error_code"].as_str()), (501, Some("NOT_IMPLEMENTED")));
        assert!(answer.text().contains("file:///etc"), "{}", answer.text());
    }
}
