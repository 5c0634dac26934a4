//! Use cases over HTTP: requests to `/api/v1`, files before them, problem+json back as the same error.
//!
//! The caller's definitions travel first, as one set with a digest, so the server judges by what the caller has
//! before their eyes. ureq blocks, so every exchange has a thread of its own.

use remuda_app::context::DefinitionFiles;
use remuda_app::error::CODES;
use remuda_app::{Caller, Error, Kind, Result, UseCase};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OnceCell;

/// The most bytes of one answer: more than any page of a ledger, less than memory.
const ANSWER_LIMIT: u64 = 1024 * 1024 * 1024;

/// A server.
pub(crate) struct Remote {
    wire: Wire,
    definitions: Option<Arc<DefinitionFiles>>,
    /// The digest of the set, once the server has it.
    pushed: OnceCell<String>,
}

/// What is sent.
pub(crate) enum Sent {
    /// These bytes, which are JSON; none at all: no body.
    Bytes(Vec<u8>),
    /// A file, streamed.
    File(PathBuf),
}

/// What came back, whatever its status.
pub(crate) struct Answered {
    /// The status.
    pub(crate) status: u16,
    /// What the body is.
    pub(crate) content_type: Option<String>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

/// How long a server may take to begin its answer to what a spool brings.
const ANSWERING: Duration = Duration::from_secs(120);

/// A text as a query holds it.
pub(crate) fn percent(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { (byte as char).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// What an exchange needs, cheap to clone into its thread.
#[derive(Clone)]
struct Wire {
    agent: ureq::Agent,
    base: String,
    token: Option<String>,
}

impl Remote {
    /// A server at this address. Nothing is sent yet.
    pub(crate) fn new(url: &str, token: Option<String>, definitions: Option<Arc<DefinitionFiles>>) -> Result<Self> {
        let base = url.trim_end_matches('/').to_owned();
        if !base.starts_with("http://") && !base.starts_with("https://") {
            return Err(Error::new("request.invalid", format!("`{url}` is no address of a server"))
                .hint(format!("write `http://{base}` or `https://{base}`")));
        }
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(Duration::from_secs(5)))
            .user_agent(concat!("remuda/", env!("CARGO_PKG_VERSION")))
            .build();
        let wire = Wire { agent: config.into(), base, token };
        Ok(Self { wire, definitions, pushed: OnceCell::new() })
    }

    /// Its address.
    pub(crate) fn base(&self) -> &str {
        &self.wire.base
    }

    /// One exchange of any kind.
    ///
    /// # Errors
    /// The server does not answer.
    pub(crate) async fn exchange(&self, method: &str, path: &str, sent: Sent) -> Result<Answered> {
        let wire = self.wire.clone();
        let (method, path) = (method.to_owned(), path.to_owned());
        apart(move || wire.exchange(&method, &path, sent)).await
    }

    /// Carries out a use case whose request is at hand as JSON.
    ///
    /// # Errors
    /// The server does not answer, or refuses.
    pub(crate) async fn post_use_case(&self, path: &str, mut body: Value) -> Result<Vec<u8>> {
        let definitions = self.definitions().await?;
        if let Some(fields) = body.as_object_mut() {
            self.send_files(fields).await?;
        }
        let text = serde_json::to_vec(&body)?;
        let (wire, path) = (self.wire.clone(), path.to_owned());
        apart(move || wire.post(&path, &text, definitions.as_deref())).await
    }

    /// The digest of the caller's definitions, after the server has them.
    async fn definitions(&self) -> Result<Option<String>> {
        let Some(files) = &self.definitions else { return Ok(None) };
        let digest = self.pushed.get_or_try_init(|| async {
            let body = serde_json::to_vec(&serde_json::json!({ "files": files.0 }))?;
            let wire = self.wire.clone();
            let answer = apart(move || wire.post("/api/v1/definitions", &body, None)).await?;
            read_digest(&answer)
        });
        Ok(Some(digest.await?.clone()))
    }

    /// Sends a request's file; answers its digest.
    async fn upload(&self, file: PathBuf) -> Result<String> {
        let wire = self.wire.clone();
        let answer = apart(move || wire.put_file("/api/v1/upload", &file)).await?;
        read_digest(&answer)
    }

    /// Fetches what a use case wrote into a file here.
    async fn download(&self, digest: &str, output: PathBuf) -> Result<()> {
        let path = format!("/api/v1/download/{digest}");
        let wire = self.wire.clone();
        apart(move || wire.get_file(&path, &output)).await
    }

    /// Replaces the request's files by digests of uploads. Answers where `output` is to lie here, if anywhere.
    async fn send_files(&self, request: &mut Map<String, Value>) -> Result<Option<PathBuf>> {
        for (field, own_name) in [("file", "source"), ("golden", "golden_source")] {
            if request.contains_key(own_name)
                && let Some(file) = request.get(field).and_then(Value::as_str).map(PathBuf::from)
            {
                let name = file.file_name().map(|name| name.to_string_lossy().into_owned());
                let digest = self.upload(file).await?;
                request.insert(field.into(), Value::from(digest));
                request.insert(own_name.into(), Value::from(name));
            }
        }
        let Some(output) = request.get("output").and_then(Value::as_str).map(PathBuf::from) else { return Ok(None) };
        // The server writes a file of its own: it needs the ending, not the caller's folders.
        let name = output.file_name().map(|name| name.to_string_lossy().into_owned());
        request.insert("output".into(), Value::from(name));
        Ok(Some(output))
    }

    /// Puts what the answer holds where the caller wants it.
    async fn fetch_output(&self, answer: &mut Value, output: PathBuf) -> Result<()> {
        let Some(fields) = answer.as_object_mut() else { return Ok(()) };
        if let Some(digest) = fields.get("download").and_then(Value::as_str).map(str::to_owned) {
            self.download(&digest, output.clone()).await?;
        } else if let Some(Value::String(csv)) = fields.get_mut("csv").map(Value::take) {
            std::fs::write(&output, csv).map_err(|source| cannot_write(&output, &source))?;
        } else {
            return Ok(());
        }
        fields.insert("output".into(), Value::from(output.to_string_lossy().into_owned()));
        Ok(())
    }
}

impl Caller for Remote {
    async fn call<U: UseCase>(&self, request: U) -> Result<U::Answer> {
        let definitions = self.definitions().await?;
        let mut body = serde_json::to_value(&request)?;
        let mut output = None;
        if let Some(fields) = body.as_object_mut() {
            output = self.send_files(fields).await?;
        }
        let path = format!("/api/v1/{}/{}", U::NOUN, U::VERB);
        let text = serde_json::to_vec(&body)?;
        let wire = self.wire.clone();
        let answered = apart(move || wire.post(&path, &text, definitions.as_deref())).await?;
        let unreadable = |error: serde_json::Error| {
            Error::new(
                "server.unreachable",
                format!("{} answered something that is no answer to this command", self.wire.base),
            )
            .hint("this program and the server may be of different versions: compare `remuda --version`")
            .caused_by(&error)
        };
        let mut answer: Value = serde_json::from_slice(&answered).map_err(unreadable)?;
        if let Some(output) = output {
            self.fetch_output(&mut answer, output).await?;
        }
        serde_json::from_value(answer).map_err(unreadable)
    }
}

impl Wire {
    fn post(&self, path: &str, body: &[u8], definitions: Option<&str>) -> Result<Vec<u8>> {
        let mut request = self.agent.post(format!("{}{path}", self.base)).content_type("application/json");
        for (name, value) in self.headers() {
            request = request.header(name, value);
        }
        if let Some(digest) = definitions {
            request = request.header("remuda-definitions", digest);
        }
        let response = request.send(body).map_err(|error| self.unreachable(&error))?;
        self.read(response)
    }

    fn exchange(&self, method: &str, path: &str, sent: Sent) -> Result<Answered> {
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.base));
        for (name, value) in self.headers() {
            request = request.header(name, value);
        }
        let unfit = |error: &ureq::http::Error| {
            Error::new("request.invalid", format!("`{path}` is no address on a server")).caused_by(error)
        };
        let response = match sent {
            Sent::Bytes(body) if body.is_empty() => self.send(request.body(()).map_err(|error| unfit(&error))?),
            Sent::Bytes(body) => {
                let request = request.header("content-type", "application/json");
                self.send(request.body(body).map_err(|error| unfit(&error))?)
            }
            Sent::File(file) => {
                let request = request.header("content-type", "application/octet-stream");
                self.send(request.body(File::open(file)?).map_err(|error| unfit(&error))?)
            }
        };
        let mut response = response.map_err(|error| self.unreachable(&error))?;
        let status = response.status().as_u16();
        let content_type =
            response.headers().get("content-type").and_then(|kind| kind.to_str().ok()).map(str::to_owned);
        let body = response.body_mut().with_config().limit(ANSWER_LIMIT).read_to_vec();
        Ok(Answered { status, content_type, body: body.map_err(|error| self.unreachable(&error))? })
    }

    fn send(
        &self,
        request: ureq::http::Request<impl ureq::AsSendBody>,
    ) -> std::result::Result<ureq::http::Response<ureq::Body>, ureq::Error> {
        let request = self
            .agent
            .configure_request(request)
            .timeout_recv_response(Some(ANSWERING))
            .allow_non_standard_methods(true)
            .build();
        self.agent.run(request)
    }

    fn put_file(&self, path: &str, file: &Path) -> Result<Vec<u8>> {
        let unreadable = |source: &std::io::Error| {
            Error::new("data.unreadable", format!("cannot open {}", file.display())).caused_by(source)
        };
        let opened = File::open(file).map_err(|source| unreadable(&source))?;
        let about = opened.metadata().map_err(|source| unreadable(&source))?;
        if about.is_dir() {
            return Err(Error::new("request.invalid", format!("{} is a folder, not a data file", file.display())));
        }
        let mut request = self.agent.put(format!("{}{path}", self.base)).content_type("application/octet-stream");
        for (name, value) in self.headers() {
            request = request.header(name, value);
        }
        let response = request.send(opened).map_err(|error| self.unreachable(&error))?;
        self.read(response)
    }

    fn get_file(&self, path: &str, output: &Path) -> Result<()> {
        let mut request = self.agent.get(format!("{}{path}", self.base));
        for (name, value) in self.headers() {
            request = request.header(name, value);
        }
        let mut response = request.call().map_err(|error| self.unreachable(&error))?;
        if !response.status().is_success() {
            self.read(response)?;
            return Ok(());
        }
        let mut file = File::create(output).map_err(|source| cannot_write(output, &source))?;
        let mut reader = response.body_mut().with_config().limit(u64::MAX).reader();
        std::io::copy(&mut reader, &mut file).and_then(|_| file.flush()).map_err(|source| cannot_write(output, &source))
    }

    fn headers(&self) -> Vec<(&'static str, String)> {
        let mut headers = vec![("accept", "application/json".to_owned())];
        if let Some(token) = &self.token {
            headers.push(("authorization", format!("Bearer {token}")));
        }
        headers
    }

    /// The body of an answer; a refusal becomes the error it tells of.
    fn read(&self, mut response: ureq::http::Response<ureq::Body>) -> Result<Vec<u8>> {
        let status = response.status().as_u16();
        let body = response
            .body_mut()
            .with_config()
            .limit(ANSWER_LIMIT)
            .read_to_vec()
            .map_err(|error| self.unreachable(&error))?;
        if (200..300).contains(&status) { Ok(body) } else { Err(self.refusal(status, &body)) }
    }

    fn refusal(&self, status: u16, body: &[u8]) -> Error {
        match serde_json::from_slice::<Problem>(body) {
            Ok(problem) if !problem.code.is_empty() => problem.into_error(),
            _ => Error::new("server.unreachable", format!("{} answered {status} and no reason", self.base))
                .hint("does a remuda server listen there?"),
        }
    }

    fn unreachable(&self, error: &ureq::Error) -> Error {
        Error::new("server.unreachable", format!("the server {} does not answer", self.base))
            .hint("start it with `remuda up`, or correct `server` in `remuda.toml` or `--server`")
            .caused_by(error)
    }
}

/// An error as it travels (RFC 9457 and our own members).
#[derive(Deserialize)]
struct Problem {
    #[serde(default)]
    code: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    detail: String,
    #[serde(default)]
    hints: Vec<String>,
    #[serde(default)]
    diagnostics: Vec<remuda_model::diagnostic::Diagnostic>,
    #[serde(default)]
    causes: Vec<String>,
}

impl Problem {
    fn into_error(self) -> Error {
        let kind = CODES.iter().find(|known| known.code == self.code).map_or(Kind::Internal, |known| known.kind);
        let message = if self.detail.is_empty() { self.title } else { self.detail };
        let Self { code, hints, diagnostics, causes, .. } = self;
        Error { kind, code, message, hints, diagnostics, causes }
    }
}

/// Runs an exchange on a thread that may block.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(Error::new("internal", "an exchange with the server broke off").caused_by(&error)),
    }
}

fn read_digest(answer: &[u8]) -> Result<String> {
    #[derive(Deserialize)]
    struct Answer {
        digest: String,
    }
    let answer: Answer = serde_json::from_slice(answer)?;
    Ok(answer.digest)
}

fn cannot_write(output: &Path, source: &std::io::Error) -> Error {
    Error::new("repository.unusable", format!("cannot write {}", output.display())).caused_by(source)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

    use super::*;

    #[test]
    fn a_problem_comes_back_as_the_error_that_was_sent() {
        let remote = Remote::new("http://127.0.0.1:1/", None, None).unwrap();
        let body = br#"{"type":"/docs/errors#data.contract_breach","title":"x","status":409,"detail":"3 rows break `range(age)`",
            "code":"data.contract_breach","hints":["look at line 7"],"causes":["age is -1"]}"#;
        let error = remote.wire.refusal(409, body);
        assert_eq!(error.kind, Kind::Conflict);
        assert_eq!(error.message, "3 rows break `range(age)`");
        assert_eq!((error.hints.len(), error.causes.len()), (1, 1));
        let error = remote.wire.refusal(502, b"<html>");
        assert_eq!(error.code, "server.unreachable");
        assert_eq!(error.message, "http://127.0.0.1:1 answered 502 and no reason");
    }

    #[test]
    fn an_address_without_a_scheme_is_refused() {
        let error = Remote::new("localhost:7777", None, None).err().unwrap();
        assert_eq!(error.code, "request.invalid");
        assert_eq!(error.hints, ["write `http://localhost:7777` or `https://localhost:7777`"]);
    }
}
