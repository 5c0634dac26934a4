//! Spans on their way in: `POST /v1/traces` with protobuf, gzip or not.

use super::super::fields::invalid;
use super::super::{Call, answer, limits};
use super::otlp::{Export, Span, hex};
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use prost::Message as _;
use remuda_app::Error;
use remuda_app::words::run::trace::{Trace, TraceDocument, TraceSpan};
use std::collections::BTreeMap;
use std::io::Read as _;

/// Unpacked, a body may have so many bytes.
const LIMIT: u64 = 64 << 20;
/// Characters of a preview.
const PREVIEW: usize = 1000;

pub(super) async fn export(call: Call, headers: HeaderMap, body: Bytes) -> Response {
    match take(&call, &headers, &body).await {
        Ok(()) => {
            // An `ExportTraceServiceResponse` that has nothing to complain of has no bytes.
            let mut response = Response::new(Body::empty());
            let kind = HeaderValue::from_static("application/x-protobuf");
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
            response
        }
        Err(error) => answer::refuse(&error),
    }
}

fn text_of<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

async fn take(call: &Call, headers: &HeaderMap, body: &[u8]) -> Result<(), Error> {
    let bad = |message: &str| Error::new("tracked.bad_request", message);
    let experiment = text_of(headers, "x-mlflow-experiment-id")
        .ok_or_else(|| bad("the header `x-mlflow-experiment-id` is missing: it names the experiment of the spans"))?;
    let experiment = limits::experiment_id(experiment)?;
    let kind = text_of(headers, "content-type").unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if kind != "application/x-protobuf" {
        return Err(bad(&format!("Invalid Content-Type: {kind}. Expected: application/x-protobuf")));
    }
    let unpacked = match text_of(headers, "content-encoding").map(str::to_ascii_lowercase).as_deref() {
        None | Some("" | "identity") => body.to_vec(),
        Some("gzip") => unpack(flate2::read::GzDecoder::new(body))?,
        Some("deflate") => unpack(flate2::read::ZlibDecoder::new(body))?,
        Some(other) => return Err(bad(&format!("Unsupported Content-Encoding: {other}; gzip and deflate are taken"))),
    };
    let export = Export::decode(unpacked.as_slice()).map_err(|_| bad("Invalid OpenTelemetry format"))?;
    if export.resource_spans.is_empty() {
        return Err(bad("Invalid OpenTelemetry format - no spans found"));
    }
    let run = text_of(headers, "x-mlflow-run-id").map(str::to_owned);
    let mut by_trace: BTreeMap<String, Vec<Span>> = BTreeMap::new();
    for span in export.resource_spans.into_iter().flat_map(|one| one.scope_spans).flat_map(|one| one.spans) {
        if span.trace_id.len() != 16 || span.span_id.len() != 8 {
            return Err(invalid(
                "Cannot convert OpenTelemetry span to MLflow span: a trace's id has 16 bytes, a span's 8",
            ));
        }
        by_trace.entry(format!("tr-{}", hex(&span.trace_id))).or_default().push(span);
    }
    let mut all = Vec::with_capacity(by_trace.len());
    for (id, spans) in by_trace {
        all.push((trace_of(id, experiment, run.as_deref(), &spans), spans.iter().map(kept).collect()));
    }
    if all.is_empty() { Ok(()) } else { call.tracking.add_spans(all).await }
}

/// Unpacks a body; one that blows up beyond the limit is refused.
fn unpack(reader: impl std::io::Read) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let read = reader.take(LIMIT + 1).read_to_end(&mut bytes);
    read.map_err(|_| Error::new("tracked.bad_request", "the body is not packed as its header says"))?;
    if bytes.len() as u64 > LIMIT {
        return Err(invalid(format!("unpacked, the body has more than {LIMIT} bytes")));
    }
    Ok(bytes)
}

/// What spans say about their trace, until its caller does.
fn trace_of(id: String, experiment: i64, run: Option<&str>, spans: &[Span]) -> Trace {
    let milliseconds = |nanoseconds: u64| (nanoseconds / 1_000_000).cast_signed();
    let started = spans.iter().map(|span| milliseconds(span.start_time_unix_nano)).min().unwrap_or_default();
    let ended = spans.iter().map(|span| milliseconds(span.end_time_unix_nano)).max().unwrap_or_default();
    let root = spans.iter().find(|span| span.parent_span_id.is_empty());
    let status = match root {
        None => "IN_PROGRESS",
        Some(root) if root.status.as_ref().is_some_and(|status| status.code == 2) => "ERROR",
        Some(_) => "OK",
    };
    let preview = |key: &str| root.and_then(|root| root.text(key)).map(|text| text.chars().take(PREVIEW).collect());
    let mut document = TraceDocument {
        request: preview("mlflow.spanInputs"),
        response: preview("mlflow.spanOutputs"),
        ..TraceDocument::default()
    };
    if let Some(run) = run {
        document.metadata.insert("mlflow.sourceRun".to_owned(), run.to_owned());
    }
    document.metadata.insert("mlflow.trace_schema.version".to_owned(), "3".to_owned());
    let name = root.map(|root| root.name.clone()).unwrap_or_default();
    if !name.is_empty() {
        document.tags.insert(super::words::NAME_TAG.to_owned(), name.clone());
    }
    Trace {
        id,
        experiment,
        name,
        status: status.to_owned(),
        started,
        duration: Some((ended - started).max(0)),
        caller: None,
        document,
    }
}

/// A span as it is kept: whole, and what filters look at.
fn kept(span: &Span) -> TraceSpan {
    // MLflow's clients write attributes as JSON.
    let plain = |text: &str| serde_json::from_str::<String>(text).unwrap_or_else(|_| text.to_owned());
    let status = match span.status.as_ref().map_or(0, |status| status.code) {
        1 => "OK",
        2 => "ERROR",
        _ => "UNSET",
    };
    TraceSpan {
        id: hex(&span.span_id),
        name: span.name.clone(),
        kind: span.text("mlflow.spanType").map_or_else(|| "UNKNOWN".to_owned(), plain),
        status: status.to_owned(),
        started: span.start_time_unix_nano.cast_signed(),
        ended: span.end_time_unix_nano.cast_signed(),
        root: span.parent_span_id.is_empty(),
        content: span.encode_to_vec(),
    }
}
