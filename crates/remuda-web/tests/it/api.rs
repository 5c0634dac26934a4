//! The JSON API: every use case has its address, errors are problems that name the field, bytes are streamed.

use crate::server::{Server, request};
use axum::body::{Body, Bytes};
use remuda_web::openapi::DESCRIPTION;

#[tokio::test]
async fn a_use_case_is_called_and_answers_json() {
    let server = Server::start().await;
    let answer = server.json("/api/v1/product/status", "{}", &[]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.json()["product"], "churn");
    assert_eq!(answer.json()["members"][1]["roles"][0], "data-scientist");
}

#[tokio::test]
async fn every_use_case_has_its_address_and_asks_for_json() {
    let server = Server::start().await;
    assert!(DESCRIPTION.operations.len() > 30);
    for operation in &DESCRIPTION.operations {
        let path = format!("/api/v1/{}/{}", operation.noun, operation.verb);
        let answer = server.send(request("POST", &path, &[("content-type", "text/plain")], "{}")).await;
        assert_eq!(answer.status, 415, "{path}");
        assert_eq!(answer.problem()["code"], "request.invalid");
        assert!(DESCRIPTION.document["paths"][&path]["post"].is_object());
    }
    let answer = server.get("/api/v1/openapi.json", &[]).await;
    assert_eq!(answer.json()["info"]["title"], "remuda");
}

#[tokio::test]
async fn a_bad_body_is_answered_with_the_field_that_is_wrong() {
    let server = Server::start().await;
    let cases = [
        ("/api/v1/run/list", r#"{"limit": "many"}"#, "field `limit`: invalid type"),
        ("/api/v1/run/list", r#"{"limt": 3}"#, "unknown field `limt`"),
        ("/api/v1/data/show", "{}", "missing field `version`"),
        ("/api/v1/run/record", r#"{"run":"a","metrics":[{"name":7}]}"#, "field `metrics[0].name`"),
        ("/api/v1/product/status", "{} {}", "after the body"),
        ("/api/v1/product/status", "{", "EOF"),
        ("/api/v1/product/status", "", "EOF"),
    ];
    for (path, body, expected) in cases {
        let answer = server.json(path, body, &[]).await;
        assert_eq!(answer.status, 400, "{path} {body}");
        let detail = answer.problem()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(expected), "{body}: {detail}");
    }
}

#[tokio::test]
async fn addresses_methods_and_sizes_are_refused_as_problems() {
    let server = Server::start().await;
    let unknown = server.json("/api/v1/data/juggle", "{}", &[]).await;
    assert_eq!((unknown.status.as_u16(), unknown.problem()["code"].as_str()), (404, Some("request.not_found")));
    let method = server.get("/api/v1/data/show", &[]).await;
    assert_eq!(method.status, 405);
    method.problem();
    let large = format!(r#"{{"version":"{}"}}"#, "x".repeat(9 << 20));
    let large = server.json("/api/v1/data/show", &large, &[]).await;
    assert_eq!(large.status, 413);
    assert!(large.problem()["hints"][0].as_str().unwrap().contains("/api/v1/upload"));
    let missing = server.json("/api/v1/run/show", r#"{"run":"nothing"}"#, &[]).await;
    assert_eq!((missing.status.as_u16(), missing.problem()["kind"].as_str()), (404, Some("missing")));
}

#[tokio::test]
async fn files_larger_than_any_json_body_travel_both_ways() {
    let server = Server::start().await;
    let chunk = Bytes::from(vec![7u8; 1 << 20]);
    let chunks = futures::stream::iter((0..20).map(move |_| std::io::Result::Ok(chunk.clone())));
    let sent = server.send(request("PUT", "/api/v1/upload", &[], Body::from_stream(chunks))).await;
    assert_eq!(sent.status, 200, "{}", sent.text());
    let digest = sent.json()["digest"].as_str().unwrap().to_owned();
    let back = server.get(&format!("/api/v1/download/{digest}"), &[("accept-encoding", "gzip")]).await;
    assert_eq!((back.status.as_u16(), back.body.len()), (200, 20 << 20));
    assert_eq!(back.header("content-encoding"), "");
    assert_eq!(back.header("content-length"), (20 << 20).to_string());
    let none = server.get("/api/v1/download/b3:00", &[]).await;
    assert_eq!(none.status, 400);
    none.problem();
}

#[tokio::test]
async fn an_upload_that_breaks_off_is_a_problem() {
    let server = Server::start().await;
    let broken =
        futures::stream::iter([Ok(Bytes::from_static(b"half")), Err(std::io::Error::other("the line went dead"))]);
    let answer = server.send(request("PUT", "/api/v1/upload", &[], Body::from_stream(broken))).await;
    assert!(!answer.status.is_success());
    answer.problem();
}

#[tokio::test]
async fn a_path_of_the_servers_machine_is_no_file_of_the_callers() {
    let server = Server::start().await;
    let answer = server.json("/api/v1/data/add", r#"{"file":"/etc/passwd","name":"x"}"#, &[]).await;
    assert!(answer.status.is_client_error(), "{}", answer.text());
    assert!(!answer.text().contains("root:"));
}

#[tokio::test]
async fn definitions_are_pushed_and_then_named() {
    let server = Server::start().await;
    let text = "[product]\nname = \"churn\"\nstage = \"explore\"\nrisk = \"low\"\n\n[members.owner]\nroles = [\"product-owner\"]\n";
    let body = serde_json::json!({ "files": { "remuda.toml": text } }).to_string();
    let pushed = server.json("/api/v1/definitions", &body, &[]).await;
    assert_eq!(pushed.status, 200, "{}", pushed.text());
    let digest = pushed.json()["digest"].as_str().unwrap().to_owned();
    let answer = server.json("/api/v1/product/status", "{}", &[("remuda-definitions", &digest)]).await;
    // The set is used, but who is a member and what is at stake is said by the server's own `remuda.toml`: a pushed
    // one must not make its sender a product owner.
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["stage"], "build");
    let unknown = format!("b3:{}", "0".repeat(64));
    let answer = server.json("/api/v1/product/status", "{}", &[("remuda-definitions", &unknown)]).await;
    assert_eq!(answer.problem()["code"], "definition.missing");
}
