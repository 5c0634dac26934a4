//! Traces and assessments as the protocol writes them: protobuf's JSON, times as RFC 3339, lengths in seconds.

use super::super::Call;
use super::super::fields::{invalid, missing, unfit};
use super::super::limits;
use jiff::Timestamp;
use remuda_app::Error;
use remuda_app::words::run::trace::{Assessment, Trace, TraceDocument};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};

/// The tag that repeats a trace's name.
pub(super) const NAME_TAG: &str = "mlflow.traceName";

/// What traces are written with: their assessments, asked for at once.
pub(super) struct Written {
    assessments: HashMap<String, Vec<Assessment>>,
}

impl Written {
    pub(super) async fn of(call: &Call, traces: &[Trace]) -> Result<Self, Error> {
        let ids: Vec<&str> = traces.iter().map(|trace| trace.id.as_str()).collect();
        Ok(Self { assessments: call.tracking.assessments(&ids).await? })
    }

    /// A trace's information.
    pub(super) fn info(&self, trace: &Trace) -> Value {
        let location = json!({
            "type": "MLFLOW_EXPERIMENT",
            "mlflow_experiment": { "experiment_id": trace.experiment.to_string() },
        });
        let none = Vec::new();
        let assessments = self.assessments.get(&trace.id).unwrap_or(&none);
        let mut tags = trace.document.tags.clone();
        if !trace.name.is_empty() {
            tags.entry(NAME_TAG.to_owned()).or_insert_with(|| trace.name.clone());
        }
        let mut info = json!({
            "trace_id": trace.id,
            "trace_location": location,
            "request_time": moment(trace.started),
            "state": trace.status,
            "trace_metadata": trace.document.metadata,
            "tags": tags,
            "assessments": assessments.iter().map(written).collect::<Vec<Value>>(),
        });
        if let Some(duration) = trace.duration {
            info["execution_duration"] = json!(format!("{}.{:03}s", duration / 1000, duration.unsigned_abs() % 1000));
        }
        for (key, value) in [
            ("client_request_id", &trace.caller),
            ("request_preview", &trace.document.request),
            ("response_preview", &trace.document.response),
        ] {
            if let Some(value) = value {
                info[key] = json!(value);
            }
        }
        info
    }
}

/// An assessment, as it was kept.
pub(super) fn written(assessment: &Assessment) -> Value {
    serde_json::from_str(&assessment.document).unwrap_or_default()
}

/// Milliseconds since 1970 as RFC 3339.
pub(super) fn moment(milliseconds: i64) -> String {
    Timestamp::from_millisecond(milliseconds).unwrap_or_default().to_string()
}

fn read_moment(path: &str, value: &Value) -> Result<i64, Error> {
    let read = value.as_str().and_then(|text| text.parse::<Timestamp>().ok());
    read.map(|moment| moment.as_millisecond())
        .ok_or_else(|| unfit(path, value, "write a moment as 2025-01-31T12:00:00Z"))
}

/// A length such as `1.5s`, in milliseconds.
fn read_duration(path: &str, value: &Value) -> Result<i64, Error> {
    let seconds = value.as_str().and_then(|text| text.strip_suffix('s')).and_then(|text| text.parse::<f64>().ok());
    match seconds {
        Some(seconds) if seconds.abs() < 1e12 => Ok((seconds * 1000.0).round() as i64),
        _ => Err(unfit(path, value, "write a length in seconds as 1.5s")),
    }
}

fn texts(path: &str, value: Option<&Value>) -> Result<BTreeMap<String, String>, Error> {
    let mut found = BTreeMap::new();
    let Some(Value::Object(table)) = value else { return Ok(found) };
    for (key, value) in table {
        let Value::String(text) = value else { return Err(unfit(path, value, "its values are texts")) };
        limits::within(path, key, limits::KEY)?;
        limits::within(path, text, limits::TAG)?;
        found.insert(key.clone(), text.clone());
    }
    Ok(found)
}

/// A trace's information on its way in, and the assessments that come with it.
pub(super) fn read_trace(call: &Call, info: &Value) -> Result<(Trace, Vec<Assessment>), Error> {
    let text = |key: &str| info[key].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let id = text("trace_id").ok_or_else(|| missing("trace.trace_info.trace_id"))?;
    limits::within("trace_id", &id, 250)?;
    let experiment = info["trace_location"]["mlflow_experiment"]["experiment_id"].as_str();
    let experiment = experiment.ok_or_else(|| missing("trace.trace_info.trace_location"))?;
    let document = TraceDocument {
        request: text("request_preview"),
        response: text("response_preview"),
        tags: texts("tags", info.get("tags"))?,
        metadata: texts("trace_metadata", info.get("trace_metadata"))?,
        told: true,
    };
    let (_, now) = call.tracking.new_assessment();
    let started = match &info["request_time"] {
        Value::Null => now,
        value => read_moment("request_time", value)?,
    };
    let duration = match &info["execution_duration"] {
        Value::Null => None,
        value => Some(read_duration("execution_duration", value)?),
    };
    let mut assessments = Vec::new();
    for one in info["assessments"].as_array().into_iter().flatten() {
        assessments.push(read_assessment(call, &id, one, None)?);
    }
    let trace = Trace {
        name: document.tags.get(NAME_TAG).cloned().unwrap_or_default(),
        id,
        experiment: limits::experiment_id(experiment)?,
        status: text("state").unwrap_or_else(|| "STATE_UNSPECIFIED".to_owned()),
        started,
        duration,
        caller: text("client_request_id"),
        document,
    };
    Ok((trace, assessments))
}

/// An assessment on its way in; over the one that was there, it is a change of it.
pub(super) fn read_assessment(
    call: &Call,
    trace: &str,
    value: &Value,
    known: Option<&Assessment>,
) -> Result<Assessment, Error> {
    let Value::Object(fields) = value else { return Err(missing("assessment")) };
    let mut fields: Map<String, Value> = fields.clone();
    let name = fields.get("assessment_name").and_then(Value::as_str).unwrap_or_default().to_owned();
    if name.is_empty() {
        return Err(missing("assessment.assessment_name"));
    }
    limits::within("assessment_name", &name, limits::KEY)?;
    let (new_id, now) = call.tracking.new_assessment();
    let given = fields.get("assessment_id").and_then(Value::as_str).filter(|id| !id.is_empty()).map(str::to_owned);
    let id = known.map(|known| known.id.clone()).or(given).unwrap_or(new_id);
    let kind = ["feedback", "expectation", "issue"].into_iter().find(|kind| fields.contains_key(*kind));
    let kind = kind.ok_or_else(|| invalid("an assessment holds a feedback, an expectation or an issue"))?;
    let inner = &fields[kind];
    let value = match (&inner["value"], &inner["serialized_value"]["value"]) {
        (Value::Null, Value::String(text)) => text.clone(),
        (value, _) => value.to_string(),
    };
    let created = match (known, fields.get("create_time")) {
        (Some(known), _) => known.created,
        (None, Some(value @ Value::String(_))) => read_moment("create_time", value)?,
        _ => now,
    };
    fields.insert("assessment_id".to_owned(), json!(id));
    fields.insert("trace_id".to_owned(), json!(trace));
    fields.insert("create_time".to_owned(), json!(moment(created)));
    fields.entry("last_update_time").or_insert_with(|| json!(moment(now)));
    fields.entry("valid").or_insert(Value::Bool(true));
    let document = Value::Object(fields).to_string();
    Ok(Assessment { id, name, kind: kind.to_owned(), value, created, document })
}
