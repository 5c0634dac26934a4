//! Logging: points, parameters, tags, and batches of them.

use super::answer::{Answer, respond};
use super::fields::{Fields, JsonBody, invalid, missing, unfit, wrong_type};
use super::runs::run_id;
use super::{Call, Outcome, Routes, limits};
use axum::response::Response;
use axum::routing::post;
use remuda_app::Error;
use remuda_app::run::tracked::Batch;
use remuda_app::words::run::tracked::Point;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeSet;

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .at("/2.0/mlflow/runs/log-metric", post(log_metric))
        .at("/2.0/mlflow/runs/log-parameter", post(log_parameter))
        .at("/2.0/mlflow/runs/log-batch", post(log_batch))
        .at("/2.0/mlflow/runs/set-tag", post(set_tag))
        .at("/2.0/mlflow/runs/delete-tag", post(delete_tag))
}

/// A metric as it comes; numbers stay texts until they are read exactly.
#[derive(Deserialize)]
struct RawMetric<'a> {
    #[serde(borrow, default)]
    key: Option<&'a RawValue>,
    #[serde(borrow, default)]
    value: Option<&'a RawValue>,
    #[serde(borrow, default)]
    timestamp: Option<&'a RawValue>,
    #[serde(borrow, default)]
    step: Option<&'a RawValue>,
    #[serde(borrow, default)]
    model_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    dataset_name: Option<&'a RawValue>,
    #[serde(borrow, default)]
    dataset_digest: Option<&'a RawValue>,
}

/// A point, and the logged model that it is also one of.
pub(super) struct Logged {
    pub(super) point: Point,
    pub(super) model: Option<String>,
    pub(super) dataset: Option<(String, String)>,
}

impl RawMetric<'_> {
    fn read(&self, path: &str) -> Result<Logged, Error> {
        let place = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        let key = match self.key {
            None => None,
            Some(raw) => Some(text(raw).ok_or_else(|| wrong_type(&place("key"), &value_of(raw)))?),
        };
        let key = key.filter(|key| !key.is_empty()).ok_or_else(|| missing(&place("key")))?;
        limits::metric(&place("name"), &key)?;
        let value = self.value.filter(|raw| raw.get() != "null").ok_or_else(|| missing(&place("value")))?;
        let timestamp = self.timestamp.filter(|raw| raw.get() != "null").ok_or_else(|| missing(&place("timestamp")))?;
        let time = whole(timestamp).ok_or_else(|| wrong_type(&place("timestamp"), &value_of(timestamp)))?;
        if time < 0 {
            let why = format!("metric '{key}' (value={value}). Timestamp must be a nonnegative long (64-bit integer) ");
            return Err(unfit(&place("timestamp"), &Value::from(time), &why));
        }
        let step = match self.step.filter(|raw| raw.get() != "null") {
            None => 0,
            Some(raw) => whole(raw).ok_or_else(|| wrong_type(&place("step"), &value_of(raw)))?,
        };
        let value = double(value).ok_or_else(|| {
            let why = format!("(timestamp={time}). Please specify value as a valid double (64-bit floating point)");
            unfit(&place("value"), &value_of(value), &why)
        })?;
        let word = |raw: Option<&RawValue>| raw.and_then(text).filter(|text| !text.is_empty()).map(Cow::into_owned);
        let dataset = word(self.dataset_name).zip(word(self.dataset_digest));
        let point = Point { key: key.into_owned(), value, step, time };
        Ok(Logged { point, model: word(self.model_id), dataset })
    }
}

fn value_of(raw: &RawValue) -> Value {
    serde_json::from_str(raw.get()).unwrap_or(Value::Null)
}

fn text<'a>(raw: &'a RawValue) -> Option<Cow<'a, str>> {
    let inner = raw.get().strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') { serde_json::from_str(raw.get()).ok().map(Cow::Owned) } else { Some(Cow::Borrowed(inner)) }
}

/// A whole number, written as one, as one with a fraction of zero, or as text.
fn whole(raw: &RawValue) -> Option<i64> {
    let written = text(raw);
    let digits = written.as_deref().unwrap_or(raw.get()).trim();
    digits.parse().ok().or_else(|| {
        let number: f64 = digits.parse().ok()?;
        (number.fract() == 0.0 && number.abs() < 9.2e18).then_some(number as i64)
    })
}

/// A number to the last bit; `Some(None)` is what is not a number, and infinities become the greatest numbers.
#[expect(clippy::option_option, reason = "no number at all, and the one that is none")]
fn double(raw: &RawValue) -> Option<Option<f64>> {
    let written = text(raw);
    let number: f64 = match written.as_deref().unwrap_or(raw.get()).trim() {
        "true" | "false" | "" => return None,
        "NaN" | "nan" => return Some(None),
        "Infinity" | "inf" => f64::INFINITY,
        "-Infinity" | "-inf" => f64::NEG_INFINITY,
        digits => digits.parse().ok()?,
    };
    Some(Some(number.clamp(f64::MIN, f64::MAX)).filter(|number| !number.is_nan()))
}

async fn log_metric(call: Call, body: JsonBody) -> Response {
    let work = async || -> Outcome {
        let fields = Fields::of_body(&body.0)?;
        let id = run_id(&fields)?;
        let metric: RawMetric<'_> = match serde_json::from_slice(&body.0) {
            Ok(metric) => metric,
            Err(error) => return Err(invalid(format!("the body cannot be read: {error}"))),
        };
        log(&call, &id, vec![metric.read("")?], Batch::default()).await
    };
    respond(work().await)
}

/// Logs what was read; points of logged models go there too.
async fn log(call: &Call, run: &str, points: Vec<Logged>, batch: Batch) -> Outcome {
    let batch = Batch { points: points.into_iter().map(|logged| logged.point).collect(), ..batch };
    call.tracking.log(run, batch).await?;
    Ok(Answer::done())
}

async fn log_parameter(call: Call, fields: Fields) -> Response {
    let work = async || -> Outcome {
        let id = run_id(&fields)?;
        let (key, value) = (fields.need("key")?, fields.any_text("value")?.unwrap_or_default());
        limits::parameter("key", &key, &value)?;
        log(&call, &id, Vec::new(), Batch { parameters: vec![(key, value)], ..Batch::default() }).await
    };
    respond(work().await)
}

async fn set_tag(call: Call, fields: Fields) -> Response {
    let work = async || -> Outcome {
        let id = run_id(&fields)?;
        let (key, value) = (fields.need("key")?, fields.any_text("value")?.unwrap_or_default());
        limits::tag("key", "value", &key, &value)?;
        log(&call, &id, Vec::new(), Batch { tags: vec![(key, value)], ..Batch::default() }).await
    };
    respond(work().await)
}

async fn delete_tag(call: Call, fields: Fields) -> Response {
    let work = async || -> Outcome {
        let id = run_id(&fields)?;
        let batch = Batch { removed_tags: vec![fields.need("key")?], ..Batch::default() };
        log(&call, &id, Vec::new(), batch).await
    };
    respond(work().await)
}

/// A batch as it comes.
#[derive(Deserialize)]
struct RawBatch<'a> {
    #[serde(borrow, default)]
    metrics: Option<Vec<RawMetric<'a>>>,
}

async fn log_batch(call: Call, body: JsonBody) -> Response {
    let work = async || -> Outcome {
        if body.0.len() > limits::BATCH_BYTES {
            return Err(invalid(format!(
                "Batched logging API requests must be at most {} bytes, got a request of size {}.",
                limits::BATCH_BYTES,
                body.0.len()
            )));
        }
        let (id, points, batch) = read_batch(&body.0)?;
        log(&call, &id, points, batch).await
    };
    respond(work().await)
}

fn read_batch(body: &[u8]) -> Result<(String, Vec<Logged>, Batch), Error> {
    let raw: Option<RawBatch<'_>> = serde_json::from_slice(body).ok();
    let fields = Rest::read(body)?;
    let metrics = match raw {
        Some(raw) => raw.metrics.unwrap_or_default(),
        None => {
            // The whole body is JSON, so a metric among them is not what it should be.
            let fields = Fields::of_body(body)?;
            run_id(&fields)?;
            let metrics = fields.list("metrics")?;
            let odd = metrics.iter().enumerate().find(|(_, metric)| !metric.is_object());
            return Err(odd.map_or_else(
                || invalid("the body cannot be read as a batch"),
                |(place, metric)| wrong_type(&format!("metrics[{place}]"), metric),
            ));
        }
    };
    let id = run_id(&fields)?;
    let parameters = fields.pairs("params")?;
    let tags = fields.pairs("tags")?;
    check_sizes(metrics.len(), parameters.len(), tags.len())?;
    let points = metrics
        .iter()
        .enumerate()
        .map(|(place, metric)| metric.read(&format!("metrics[{place}]")))
        .collect::<Result<Vec<Logged>, Error>>()?;
    let mut seen = BTreeSet::new();
    let mut twice = Vec::new();
    for (place, (key, value)) in parameters.iter().enumerate() {
        limits::parameter(&format!("params[{place}].key"), key, value)?;
        if !seen.insert(key) {
            twice.push(key.as_str());
        }
    }
    if !twice.is_empty() {
        return Err(invalid(format!(
            "Duplicate parameter keys have been submitted: [{}]. Please ensure the request contains only one param value per param key.",
            twice.iter().map(|key| format!("'{key}'")).collect::<Vec<String>>().join(", ")
        )));
    }
    for (place, (key, value)) in tags.iter().enumerate() {
        limits::tag(&format!("tags[{place}].key"), &format!("tags[{place}].value"), key, value)?;
    }
    Ok((id, points, Batch { parameters, tags, ..Batch::default() }))
}

/// A batch without its metrics, which are many and read elsewhere.
struct Rest;

impl Rest {
    fn read(body: &[u8]) -> Result<Fields, Error> {
        #[derive(Deserialize)]
        struct Small {
            #[serde(default)]
            run_id: Value,
            #[serde(default)]
            run_uuid: Value,
            #[serde(default)]
            params: Value,
            #[serde(default)]
            tags: Value,
        }
        match serde_json::from_slice::<Small>(body) {
            Ok(Small { run_id, run_uuid, params, tags }) => {
                let all = serde_json::json!({ "run_id": run_id, "run_uuid": run_uuid, "params": params, "tags": tags });
                Fields::of_object(&all).ok_or_else(|| missing("run_id"))
            }
            Err(_) => Fields::of_body(body),
        }
    }
}

fn check_sizes(metrics: usize, parameters: usize, tags: usize) -> Result<(), Error> {
    let all = metrics + parameters + tags;
    for (what, most, count) in [
        ("metrics", limits::BATCH_METRICS, metrics),
        ("params", limits::BATCH_PAIRS, parameters),
        ("tags", limits::BATCH_PAIRS, tags),
        ("metrics, params, and tags", limits::BATCH, all),
    ] {
        if count > most {
            return Err(invalid(format!(
                "A batch logging request can contain at most {most} {what}. Got {count} {what}. Please split up {what} across multiple requests and try again."
            )));
        }
    }
    Ok(())
}
