//! The whole face over a new product, asked without a socket.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use remuda_app::{Actor, App, Source};
use remuda_web::{Options, Web};
use std::sync::Arc;
use tower::ServiceExt;

const PRODUCT: &str = r#"[product]
name = "churn"
stage = "build"
risk = "medium"
solo = false

[members.owner]
email = "owner@example.org"
roles = ["product-owner"]

[members.scientist]
roles = ["data-scientist", "data-engineer"]
"#;

/// A server that answers in this process.
pub(crate) struct Server {
    /// What it was made of.
    pub(crate) web: Web,
    router: Router,
    _folder: tempfile::TempDir,
}

/// An answer, read whole.
pub(crate) struct Answer {
    /// The status.
    pub(crate) status: StatusCode,
    /// The headers.
    pub(crate) headers: HeaderMap,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| unreadable(&self.text(), &error))
    }

    /// A header's text; empty when it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The problem that it is, checked for shape.
    pub(crate) fn problem(&self) -> serde_json::Value {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text());
        let problem = self.json();
        assert_eq!(problem["status"], self.status.as_u16());
        assert_eq!(problem["type"], format!("/docs/errors#{}", problem["code"].as_str().unwrap()));
        problem
    }
}

#[expect(clippy::panic, reason = "a test may fail loudly")]
fn unreadable(text: &str, error: &serde_json::Error) -> serde_json::Value {
    panic!("{error}: {text}")
}

impl Server {
    /// A server on loopback, where the owner works.
    pub(crate) async fn start() -> Self {
        Self::with(false, "127.0.0.1:7777").await
    }

    /// A server that others can reach.
    pub(crate) async fn open_to_others() -> Self {
        Self::with(true, "0.0.0.0:7777").await
    }

    pub(crate) async fn with(authentication: bool, bound: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("remuda.toml"), PRODUCT).unwrap();
        let app = App::open(&folder.path().join(".remuda")).await.unwrap();
        let owner = Actor { name: "owner".into(), email: None, roles: Vec::new() };
        let source = Arc::new(Source::new(folder.path().to_owned(), owner));
        let options = Options { authentication, bound: bound.parse().unwrap() };
        let web = Web { app, source, options, product: "churn".into() };
        Self { router: remuda_web::router(web.clone()), web, _folder: folder }
    }

    /// Sends a request as it is.
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        read(self.router.clone().oneshot(request).await.unwrap()).await
    }

    /// Opens a page with these headers.
    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(request("GET", path, headers, "")).await
    }

    /// Posts JSON.
    pub(crate) async fn json(&self, path: &str, body: &str, headers: &[(&str, &str)]) -> Answer {
        let headers = [&[("content-type", "application/json")], headers].concat();
        self.send(request("POST", path, &headers, body.to_owned())).await
    }

    /// Posts a form of ours, as a browser does.
    pub(crate) async fn form(&self, path: &str, body: &str, headers: &[(&str, &str)]) -> Answer {
        let own = [("content-type", "application/x-www-form-urlencoded"), ("origin", "http://127.0.0.1:7777")];
        self.send(request("POST", path, &[&own, headers].concat(), body.to_owned())).await
    }

    /// A token of the owner's.
    pub(crate) async fn token(&self) -> String {
        use remuda_app::{team, use_case};
        let context = self.web.source.context(None).unwrap();
        let request = team::Token { member: "owner".into() };
        use_case::run(request, &self.web.app, &context).await.unwrap().token
    }
}

/// A request to 127.0.0.1:7777, unless a header says otherwise.
pub(crate) fn request(method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    if headers.iter().all(|(name, _)| *name != "host") {
        request = request.header(header::HOST, "127.0.0.1:7777");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body.into()).unwrap()
}

/// Reads an answer whole.
pub(crate) async fn read(answer: axum::response::Response) -> Answer {
    let (parts, body) = answer.into_parts();
    let body = to_bytes(body, 64 << 20).await.unwrap().to_vec();
    Answer { status: parts.status, headers: parts.headers, body }
}
