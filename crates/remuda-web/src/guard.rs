//! Who may come in, and how answers leave.
//!
//! On loopback without authentication the browser itself is the danger: any page that it shows can send requests
//! here. So the `Host` must be this machine's own name (a foreign name that resolves here is DNS rebinding), and a
//! request that changes something must not come from another origin. With authentication a bearer token or the login
//! cookie (`HttpOnly`, `SameSite=Strict`) is needed for everything but [open addresses](is_open).

use crate::api::problem;
use crate::mlflow;
use crate::state::Web;
use crate::visit::redirect;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use remuda_app::Error;
use std::sync::Arc;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};

/// The cookie that holds the token.
pub(crate) const TOKEN_COOKIE: &str = "remuda_token";

/// What the guard found out about a caller; rides with the request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Caller {
    /// The member whom a token named; `None`: whoever the server runs as (loopback without authentication).
    pub(crate) member: Option<String>,
    /// The token came by the login cookie.
    pub(crate) signed_in: bool,
}

/// Another router of the same port (the inference protocol) behind the same guard.
pub fn guarded(web: &Web, inner: Router) -> Router {
    guarded_by(Arc::new(web.clone()), inner)
}

pub(crate) fn guarded_by(web: Arc<Web>, inner: Router) -> Router {
    let worth_compressing = DefaultPredicate::new().and(NotForContentType::const_new("application/octet-stream"));
    guarded_uncompressed(web, inner).layer(CompressionLayer::new().compress_when(worth_compressing))
}

/// The same, with answers that leave as they are.
pub(crate) fn guarded_uncompressed(web: Arc<Web>, inner: Router) -> Router {
    inner
        .layer(CatchPanicLayer::custom(|_| {
            let mut answer = problem::answer(&failure());
            answer.extensions_mut().insert(Failed);
            answer
        }))
        .layer(middleware::from_fn_with_state(web, check))
}

/// Rides with the answer to a request on which the server failed.
#[derive(Clone)]
struct Failed;

fn failure() -> Error {
    Error::new("internal", "the server failed on this request").hint("try again; the server's log tells more")
}

async fn check(State(web): State<Arc<Web>>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let mut answer = match admit(&web, &parts).await {
        Ok(caller) => {
            parts.extensions.insert(caller);
            let path = parts.uri.path().to_owned();
            let answer = next.run(Request::from_parts(parts, body)).await;
            let failed = answer.extensions().get::<Failed>().is_some();
            // People get a page, where a program would get problem+json.
            if failed && !is_machine(&path) { refuse(&path, &failure()) } else { answer }
        }
        Err(refusal) => *refusal,
    };
    put_headers(&mut answer);
    answer
}

/// The caller, or the answer that refuses them.
async fn admit(web: &Web, request: &Parts) -> Result<Caller, Box<Response>> {
    let headers = &request.headers;
    let path = request.uri.path();
    if !web.options.asks() && !is_own_name(host(headers, &request.uri)) {
        let error = Error::new("access.denied", "this server answers to localhost, 127.0.0.1 and [::1] only")
            .hint("open it as http://127.0.0.1");
        return Err(Box::new(refuse(path, &error)));
    }
    if changes(&request.method) {
        check_origin(headers, &request.uri).map_err(|error| Box::new(refuse(path, &error)))?;
        if path.starts_with("/v2/") && is_form(headers) {
            let error = Error::new("request.invalid", "the content type must be application/json");
            return Err(Box::new(problem::with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE, &error)));
        }
    }
    identify(web, request).await
}

async fn identify(web: &Web, request: &Parts) -> Result<Caller, Box<Response>> {
    let headers = &request.headers;
    let path = request.uri.path();
    let bearer = bearer(headers);
    let cookie = crate::visit::cookie(headers, TOKEN_COOKIE);
    let found = match bearer.as_deref().or(cookie.as_deref()) {
        None => None,
        Some(token) => {
            remuda_app::team::identify(&web.app, token).await.map_err(|error| Box::new(refuse(path, &error)))?
        }
    };
    let asks = web.options.asks() && !is_open(path);
    match found {
        Some(member) => Ok(Caller { member: Some(member), signed_in: bearer.is_none() }),
        // A stale cookie on a server that does not ask is no reason to refuse; a wrong bearer token is.
        None if !asks && bearer.is_none() => Ok(Caller::default()),
        None if is_open(path) => Ok(Caller::default()),
        None => Err(Box::new(unknown(request))),
    }
}

/// Addresses that everybody may open: to log in, to look decent while doing so, to read what an error means, to be
/// watched by an orchestrator.
fn is_open(path: &str) -> bool {
    path == "/login"
        || path == "/docs/errors"
        || path == "/v2/health/live"
        || path == "/v2/health/ready"
        || path == "/health"
        || path == "/version"
        || path.ends_with("/mlflow/server-info")
        || ["/assets/", "/theme/"].iter().any(|open| path.starts_with(open))
}

fn unknown(request: &Parts) -> Response {
    let path = request.uri.path();
    if is_machine(path) || request.method != Method::GET {
        let error = Error::new("access.unknown", "no valid token was sent")
            .hint("send `authorization: Bearer TOKEN`; `remuda team token NAME` makes one");
        let mut answer = refuse(path, &error);
        answer.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        return answer;
    }
    let back = request.uri.path_and_query().map_or("/", |address| address.as_str());
    redirect(&format!("/login?back={}", crate::format::segment(back)))
}

/// Programs get problem+json, people a page without frame (nothing is known about them yet).
fn refuse(path: &str, error: &Error) -> Response {
    if mlflow::is_protocol(path) {
        return mlflow::answer::refuse(error);
    }
    if is_machine(path) {
        return problem::answer(error);
    }
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let frame = crate::visit::anonymous_frame();
    (status, crate::pages::problem::bare(&frame, error)).into_response()
}

/// Whether programs speak here.
pub(crate) fn is_machine(path: &str) -> bool {
    path.starts_with("/api/")
        || path.starts_with("/v2/")
        || path == "/v2"
        || path == "/metrics"
        || mlflow::is_protocol(path)
}

fn changes(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Browsers say where a changing request comes from; programs say nothing.
fn check_origin(headers: &HeaderMap, uri: &Uri) -> Result<(), Error> {
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    let foreign_site = site.is_some_and(|site| site != b"same-origin" && site != b"none");
    let own = host(headers, uri);
    let foreign_origin = headers.get(header::ORIGIN).is_some_and(|origin| {
        let authority =
            origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, authority)| authority);
        authority.is_none() || authority != own
    });
    if foreign_site || foreign_origin {
        return Err(Error::new("access.denied", "this request comes from another site"));
    }
    Ok(())
}

/// Content types that a foreign page can send without asking first (the "simple" ones of the Fetch standard).
fn is_form(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"].contains(&essence.as_str())
}

/// The host that the caller names: `127.0.0.1:7070`.
pub(crate) fn host<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> Option<&'a str> {
    match headers.get(header::HOST) {
        Some(host) => host.to_str().ok(),
        None => uri.authority().map(axum::http::uri::Authority::as_str),
    }
}

fn is_own_name(host: Option<&str>) -> bool {
    let Some(host) = host else { return false };
    let name = match host.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((inside, after)) if after.is_empty() || is_port(after) => return inside == "::1",
            _ => return false,
        },
        None => match host.split_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            Some(_) => return false,
            None => host,
        },
    };
    name.eq_ignore_ascii_case("localhost") || name == "127.0.0.1"
}

fn is_port(text: &str) -> bool {
    text.strip_prefix(':').is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("basic") {
        // MLflow's clients send name and password: the token is the password.
        let text = String::from_utf8(base64(token.trim())?).ok()?;
        return text.split_once(':').map(|(_, password)| password.to_owned()).filter(|password| !password.is_empty());
    }
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}

/// The bytes that a text of RFC 4648, section 4, stands for.
fn base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut held) = (0_u32, 0_u32);
    for letter in text.trim_end_matches('=').bytes() {
        let six = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(six);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    Some(bytes)
}

fn put_headers(answer: &mut Response) {
    // `same-origin`, not `no-referrer`: under the latter browsers send `Origin: null` with our own forms, and a form
    // of ours could not be told from a foreign one. Nothing leaves this origin either way.
    let fixed = [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ];
    let headers = answer.headers_mut();
    for (name, value) in fixed {
        // An answer may be stricter by itself: what a run logged is shown in a sandbox.
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-store"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machines_own_names_pass() {
        for own in ["localhost", "localhost:7070", "LOCALHOST:1", "127.0.0.1", "127.0.0.1:7070", "[::1]", "[::1]:7070"]
        {
            assert!(is_own_name(Some(own)), "{own}");
        }
        for foreign in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example:80",
            "[::1].evil",
            "[::2]",
            "127.0.0.1:80@evil",
            "::1",
            "",
        ] {
            assert!(!is_own_name(Some(foreign)), "{foreign}");
        }
        assert!(!is_own_name(None));
    }

    #[test]
    fn a_password_is_a_token() {
        let asked = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap_or(HeaderValue::from_static("")));
            bearer(&headers)
        };
        assert_eq!(asked("Basic YW5hOnNlY3JldA=="), Some("secret".to_owned()));
        assert_eq!(asked("Bearer secret"), Some("secret".to_owned()));
        assert_eq!(asked("Basic YW5hOg=="), None, "an empty password is none");
        assert_eq!(asked("Basic !"), None);
    }

    #[test]
    fn another_origin_may_not_change_anything() {
        let headers = |pairs: &[(&'static str, &str)]| {
            let mut map = HeaderMap::new();
            for (name, value) in pairs {
                map.insert(*name, HeaderValue::from_str(value).unwrap_or(HeaderValue::from_static("")));
            }
            map
        };
        let uri = Uri::from_static("/action/team/sign");
        let cases = [
            (headers(&[("host", "127.0.0.1:7070")]), true),
            (headers(&[("host", "127.0.0.1:7070"), ("origin", "http://127.0.0.1:7070")]), true),
            (headers(&[("host", "127.0.0.1:7070"), ("origin", "http://127.0.0.1:8080")]), false),
            (headers(&[("host", "127.0.0.1:7070"), ("origin", "https://evil.example")]), false),
            (headers(&[("host", "127.0.0.1:7070"), ("origin", "null")]), false),
            (headers(&[("host", "127.0.0.1:7070"), ("sec-fetch-site", "cross-site")]), false),
            (headers(&[("host", "127.0.0.1:7070"), ("sec-fetch-site", "same-site")]), false),
            (headers(&[("host", "127.0.0.1:7070"), ("sec-fetch-site", "same-origin")]), true),
        ];
        for (headers, fine) in cases {
            assert_eq!(check_origin(&headers, &uri).is_ok(), fine, "{headers:?}");
        }
    }
}
