//! Assessments of traces: made, read, changed, removed.

use super::super::answer::{Answer, respond};
use super::super::fields::{Fields, invalid, missing};
use super::super::{Call, Outcome};
use super::words::{moment, read_assessment, written};
use axum::extract::Path;
use axum::response::Response;
use remuda_app::Error;
use serde_json::{Value, json};

pub(super) async fn create(call: Call, Path(trace): Path<String>, fields: Fields) -> Response {
    let work = async || -> Outcome {
        let value = fields.get("assessment").ok_or_else(|| missing("assessment"))?;
        let assessment = read_assessment(&call, &trace, value, None)?;
        let answer = json!({ "assessment": written(&assessment) });
        let overrides = value["overrides"].as_str().filter(|id| !id.is_empty()).map(str::to_owned);
        if let Some(overridden) = overrides {
            invalidate(&call, &trace, &overridden).await?;
        }
        call.tracking.assess_trace(&trace, assessment).await?;
        Ok(answer.into())
    };
    respond(work().await)
}

/// The assessment that another one overrides holds no longer.
async fn invalidate(call: &Call, trace: &str, id: &str) -> Result<(), Error> {
    set_valid(call, trace, id, false).await
}

async fn set_valid(call: &Call, trace: &str, id: &str, valid: bool) -> Result<(), Error> {
    let mut known = call.tracking.assessment(trace, id).await?;
    let mut document = written(&known);
    document["valid"] = Value::Bool(valid);
    known.document = document.to_string();
    call.tracking.assess_trace(trace, known).await
}

pub(super) async fn find(call: Call, Path((trace, id)): Path<(String, String)>) -> Response {
    let work = async || -> Outcome {
        let assessment = call.tracking.assessment(&trace, &id).await?;
        Ok(json!({ "assessment": written(&assessment) }).into())
    };
    respond(work().await)
}

pub(super) async fn update(call: Call, Path((trace, id)): Path<(String, String)>, fields: Fields) -> Response {
    let work = async || -> Outcome {
        let known = call.tracking.assessment(&trace, &id).await?;
        let change = fields.get("assessment").ok_or_else(|| missing("assessment"))?;
        let mask = fields.get("update_mask").ok_or_else(|| missing("update_mask"))?;
        let mut document = written(&known);
        for path in paths(mask)? {
            match path.as_str() {
                "assessment_name" | "rationale" | "metadata" | "valid" => document[&path] = change[&path].clone(),
                "feedback" | "expectation" if document.get(&path).is_some() => document[&path] = change[&path].clone(),
                "feedback" | "expectation" => {
                    return Err(invalid(format!("this assessment is no {path}, and does not become one")));
                }
                other => return Err(invalid(format!("`{other}` of an assessment cannot be changed"))),
            }
        }
        document["last_update_time"] = json!(moment(call.tracking.new_assessment().1));
        let assessment = read_assessment(&call, &trace, &document, Some(&known))?;
        let answer = json!({ "assessment": written(&assessment) });
        call.tracking.assess_trace(&trace, assessment).await?;
        Ok(answer.into())
    };
    respond(work().await)
}

/// The paths of a field mask: protobuf's JSON joins them by commas, in camel case.
fn paths(mask: &Value) -> Result<Vec<String>, Error> {
    let texts: Vec<&str> = match mask {
        Value::String(text) => text.split(',').collect(),
        other => other["paths"].as_array().into_iter().flatten().filter_map(Value::as_str).collect(),
    };
    let snake = |text: &str| {
        let mut out = String::new();
        for letter in text.trim().chars() {
            if letter.is_ascii_uppercase() {
                out.push('_');
            }
            out.push(letter.to_ascii_lowercase());
        }
        out
    };
    let paths: Vec<String> = texts.into_iter().map(snake).filter(|path| !path.is_empty()).collect();
    if paths.is_empty() { Err(missing("update_mask")) } else { Ok(paths) }
}

pub(super) async fn remove(call: Call, Path((trace, id)): Path<(String, String)>) -> Response {
    let work = async || -> Outcome {
        let known = call.tracking.assessments(&[trace.as_str()]).await?.remove(&trace).unwrap_or_default();
        if let Some(gone) = known.iter().find(|one| one.id == id) {
            let overridden = written(gone)["overrides"].as_str().map(str::to_owned);
            if let Some(before) = overridden.filter(|before| known.iter().any(|one| one.id == *before)) {
                set_valid(&call, &trace, &before, true).await?;
            }
        }
        call.tracking.withdraw_assessment(&trace, &id).await?;
        Ok(Answer::done())
    };
    respond(work().await)
}
