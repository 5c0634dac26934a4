//! A file of a run as an HTTP answer: whole, in part, or not at all since the caller has it. Whatever it holds, a browser that
//! is shown it runs no script of it in our origin.

use super::fields::invalid;
use super::{Call, answer};
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use futures::TryStreamExt as _;
use remuda_app::Error;
use remuda_app::run::tracked::{Artifact, artifact_folder};
use remuda_app::words::run::artifact::ArtifactPath;
use std::ops::Range;

/// How a browser takes a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// It is saved.
    Saved,
    /// It is shown, in a sandbox.
    Shown,
}

/// A path as a caller wrote it.
pub(super) fn path(text: &str) -> Result<ArtifactPath, Error> {
    ArtifactPath::parse(text).map_err(|refused| invalid(refused.to_string()))
}

/// The file at a path under an address such as a run's `mlflow-artifacts:/0/RUN/artifacts`.
pub(crate) async fn file_under(
    call: &Call,
    address: &str,
    below: &str,
    headers: &HeaderMap,
    manner: Manner,
) -> Result<Response, Error> {
    let path = artifact_folder(address)?.join(&path(below)?);
    file(call, &path, headers, manner).await
}

/// The file at a path of the tree.
pub(crate) async fn file(
    call: &Call,
    path: &ArtifactPath,
    headers: &HeaderMap,
    manner: Manner,
) -> Result<Response, Error> {
    let artifact = call.tracking.artifact(path).await?;
    let tag = format!("\"{}\"", artifact.digest.hex());
    let mut response = Response::new(Body::empty());
    put_headers(response.headers_mut(), &artifact, &tag, manner);
    if is_known(headers, &tag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(response);
    }
    let range = match wanted(headers, &tag, artifact.bytes) {
        Wanted::All => 0..artifact.bytes,
        Wanted::Part(range) => {
            let place = format!("bytes {}-{}/{}", range.start, range.end - 1, artifact.bytes);
            put(response.headers_mut(), header::CONTENT_RANGE, &place);
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            range
        }
        Wanted::Outside => {
            let mut refusal = answer::refuse(&invalid("the range lies outside of the file"));
            *refusal.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
            put(refusal.headers_mut(), header::CONTENT_RANGE, &format!("bytes */{}", artifact.bytes));
            return Ok(refusal);
        }
    };
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
    let stream = call.tracking.artifact_stream(&artifact, range).await?;
    *response.body_mut() = Body::from_stream(stream.inspect_err(|error| {
        tracing::error!(code = error.code, message = error.message, "a file broke off");
    }));
    Ok(response)
}

/// Scripts have no place here, nor anything from elsewhere; what is shown has an origin of its own.
const SANDBOX: &str =
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; frame-ancestors 'self'";

fn put_headers(headers: &mut HeaderMap, artifact: &Artifact, tag: &str, manner: Manner) {
    let name = artifact.path.name();
    put(headers, header::CONTENT_TYPE, content_type(name));
    put(headers, header::ETAG, tag);
    put(headers, header::ACCEPT_RANGES, "bytes");
    // It may be kept, but must be asked for again: the tag then spares the content.
    put(headers, header::CACHE_CONTROL, "private, no-cache");
    put(headers, header::CONTENT_SECURITY_POLICY, SANDBOX);
    put(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    let word = match manner {
        Manner::Saved => "attachment",
        Manner::Shown => {
            put(headers, header::X_FRAME_OPTIONS, "SAMEORIGIN");
            "inline"
        }
    };
    put(headers, header::CONTENT_DISPOSITION, &format!("{word}; {}", file_name(name)));
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// The name for browsers that read Unicode (RFC 6266, RFC 8187) and for those that do not.
fn file_name(name: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_. ()+=".contains(letter);
    let ascii: String = name.chars().map(|letter| if plain(letter) { letter } else { '_' }).collect();
    let mut exact = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
            exact.push(char::from(byte));
        } else {
            exact.push_str(&format!("%{byte:02X}"));
        }
    }
    format!("filename=\"{ascii}\"; filename*=UTF-8''{exact}")
}

/// What browsers take a file for, by its ending.
pub(crate) fn content_type(name: &str) -> &'static str {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase();
    match ending.as_str() {
        "txt" | "log" | "err" | "cfg" | "conf" | "cnf" | "ini" | "properties" | "prop" | "hocon" | "toml" | "yaml"
        | "yml" | "xml" | "py" | "js" | "sh" | "sql" | "r" | "rs" | "md" | "rst" | "tsv" | "jsonnet" | "jsonl" => {
            "text/plain; charset=utf-8"
        }
        "csv" => "text/csv; charset=utf-8",
        "json" => "application/json",
        "html" | "htm" => "text/html; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "bmp" => "image/bmp",
        "pdf" => "application/pdf",
        _ if matches!(name, "MLmodel" | "MLproject" | "Dockerfile" | "Makefile") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Whether the caller holds this content already (RFC 9110, section 13.1.2).
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let Some(held) = text(headers, &header::IF_NONE_MATCH) else { return false };
    held.split(',').map(str::trim).any(|held| held == "*" || held.strip_prefix("W/").unwrap_or(held) == tag)
}

#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    All,
    Part(Range<u64>),
    Outside,
}

/// Which bytes are wanted (RFC 9110, section 14.2). What is not understood, or asks for several ranges, is answered whole.
fn wanted(headers: &HeaderMap, tag: &str, size: u64) -> Wanted {
    let is_other = text(headers, &header::IF_RANGE).is_some_and(|held| held.trim() != tag);
    let Some(range) = text(headers, &header::RANGE).filter(|_| !is_other) else { return Wanted::All };
    let Some((first, last)) = range.trim().strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return Wanted::All;
    };
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let range = match (first.trim(), last.trim()) {
        ("", last) => match number(last) {
            Some(0) => return Wanted::Outside,
            Some(length) => size.saturating_sub(length)..size,
            None => return Wanted::All,
        },
        (first, "") => match number(first) {
            Some(first) => first..size,
            None => return Wanted::All,
        },
        (first, last) => match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(size),
            _ => return Wanted::All,
        },
    };
    if range.start >= size { Wanted::Outside } else { Wanted::Part(range) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn ranges_are_read_as_the_standard_says() {
        let cases = [
            ("bytes=0-3", Wanted::Part(0..4)),
            ("bytes=4-", Wanted::Part(4..10)),
            ("bytes=-3", Wanted::Part(7..10)),
            ("bytes=-30", Wanted::Part(0..10)),
            ("bytes=8-99", Wanted::Part(8..10)),
            ("bytes=9-9", Wanted::Part(9..10)),
            ("bytes=10-", Wanted::Outside),
            ("bytes=10-12", Wanted::Outside),
            ("bytes=-0", Wanted::Outside),
            ("bytes=3-2", Wanted::All),
            ("bytes=0-1,3-4", Wanted::All),
            ("bytes=x", Wanted::All),
            ("bytes=-", Wanted::All),
            ("lines=1-2", Wanted::All),
            ("bytes=99999999999999999999-", Wanted::All),
        ];
        for (range, expected) in cases {
            assert_eq!(wanted(&headers(&[(header::RANGE, range)]), "\"t\"", 10), expected, "{range}");
        }
        assert_eq!(wanted(&headers(&[(header::RANGE, "bytes=0-")]), "\"t\"", 0), Wanted::Outside);
        assert_eq!(wanted(&headers(&[]), "\"t\"", 10), Wanted::All);
        let resumed = |tag| headers(&[(header::RANGE, "bytes=4-"), (header::IF_RANGE, tag)]);
        assert_eq!(wanted(&resumed("\"t\""), "\"t\"", 10), Wanted::Part(4..10));
        assert_eq!(wanted(&resumed("\"old\""), "\"t\"", 10), Wanted::All);
    }

    #[test]
    fn content_that_is_known_is_told_by_its_tag() {
        for (held, known) in
            [("\"t\"", true), ("W/\"t\"", true), ("\"a\", \"t\"", true), ("*", true), ("\"a\"", false), ("t", false)]
        {
            assert_eq!(is_known(&headers(&[(header::IF_NONE_MATCH, held)]), "\"t\""), known, "{held}");
        }
    }

    #[test]
    fn a_name_cannot_break_out_of_its_header() {
        assert_eq!(
            file_name("größe \"1\".csv"),
            "filename=\"gr__e _1_.csv\"; filename*=UTF-8''gr%C3%B6%C3%9Fe%20%221%22.csv"
        );
    }
}
