//! A run's document as it is stored: JSON in which a metric's value is the bits of the number, so that it comes back the same.

use crate::error::Error;
use remuda_model::run::tracked::{Document, Latest, ModelUse};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Serialize)]
struct Written<'a> {
    p: &'a BTreeMap<String, String>,
    t: &'a BTreeMap<String, String>,
    m: BTreeMap<&'a str, (Option<u64>, i64, i64)>,
    #[serde(skip_serializing_if = "<[ModelUse]>::is_empty")]
    i: &'a [ModelUse],
    #[serde(skip_serializing_if = "<[ModelUse]>::is_empty")]
    o: &'a [ModelUse],
}

#[derive(Deserialize)]
struct Read {
    p: BTreeMap<String, String>,
    t: BTreeMap<String, String>,
    m: BTreeMap<String, (Option<u64>, i64, i64)>,
    #[serde(default)]
    i: Vec<ModelUse>,
    #[serde(default)]
    o: Vec<ModelUse>,
}

pub(super) fn write(document: &Document) -> String {
    let metrics = document
        .metrics
        .iter()
        .map(|(key, latest)| (key.as_str(), (latest.value.map(f64::to_bits), latest.step, latest.time)))
        .collect();
    let written = Written {
        p: &document.parameters,
        t: &document.tags,
        m: metrics,
        i: &document.model_inputs,
        o: &document.model_outputs,
    };
    // Texts and whole numbers under texts: writing them as JSON cannot fail.
    serde_json::to_string(&written).unwrap_or_default()
}

pub(super) fn read(text: &str) -> Result<Document, Error> {
    let read: Read = serde_json::from_str(text)
        .map_err(|error| Error::Invalid { message: format!("what a run logged cannot be read: {error}") })?;
    let latest = |(value, step, time): (Option<u64>, i64, i64)| Latest { value: value.map(f64::from_bits), step, time };
    Ok(Document {
        parameters: read.p,
        tags: read.t,
        metrics: read.m.into_iter().map(|(key, stored)| (key, latest(stored))).collect(),
        model_inputs: read.i,
        model_outputs: read.o,
    })
}
