//! Predictions to output tensors and to rows.

use crate::protocol::{InferAnswer, OutputData, OutputTensor, RequestedOutput, RowPrediction, RowsAnswer};
use crate::refusal::Refusal;
use remuda_app::serving::{Endpoint, Inferred};
use remuda_model::data::Task;
use remuda_model::text;
use serde_json::{Map, Value};

/// The outputs in the order in which they are answered.
pub const OUTPUTS: [&str; 4] = ["label", "probabilities", "score", "prediction_id"];

/// The outputs that a request asks for: all where it names none. An unknown name is refused before anything is
/// predicted.
pub fn wanted(requested: &[RequestedOutput], task: Task) -> Result<Vec<&'static str>, Refusal> {
    let offered = OUTPUTS.into_iter().filter(|name| task != Task::Regression || *name != "probabilities");
    let offered: Vec<&'static str> = offered.collect();
    if requested.is_empty() {
        return Ok(offered);
    }
    let mut wanted = Vec::with_capacity(requested.len());
    for output in requested {
        match offered.iter().find(|name| **name == output.name) {
            Some(name) if !wanted.contains(name) => wanted.push(*name),
            Some(_) => {}
            None => {
                let names: Vec<String> = offered.iter().map(|name| format!("`{name}`")).collect();
                return Err(Refusal::input(format!(
                    "there is no output `{}`; the model answers {}",
                    output.name,
                    text::list(&names)
                )));
            }
        }
    }
    Ok(wanted)
}

/// The answer of the protocol.
pub fn tensors<'a>(
    endpoint: &'a Endpoint,
    id: Option<&'a str>,
    ids: &'a [String],
    inferred: &'a [Inferred],
    wanted: &[&'static str],
) -> InferAnswer<'a> {
    let outputs = wanted.iter().map(|name| output(name, endpoint, ids, inferred)).collect();
    let model_version = crate::metadata::short(&endpoint.release);
    InferAnswer { model_name: &endpoint.name, model_version, id, outputs }
}

/// The answer of the plainer door.
pub fn rows<'a>(endpoint: &'a Endpoint, ids: &'a [String], inferred: &'a [Inferred]) -> RowsAnswer<'a> {
    let regression = endpoint.task == Task::Regression;
    let predictions = ids.iter().zip(inferred).map(|(id, row)| RowPrediction {
        prediction_id: id,
        label: if regression { Value::from(row.score) } else { Value::from(row.label.as_str()) },
        score: row.score,
        probabilities: (!regression).then(|| {
            let shares = endpoint.labels.iter().zip(&row.probabilities);
            shares.map(|(label, share)| (label.clone(), Value::from(*share))).collect()
        }),
    });
    RowsAnswer {
        model_name: &endpoint.name,
        model_version: crate::metadata::short(&endpoint.release),
        predictions: predictions.collect(),
    }
}

/// The classes as a parameter: the protocol's parameters are texts, numbers or booleans, so they go as JSON text.
pub fn classes(labels: &[String]) -> Map<String, Value> {
    let mut parameters = Map::new();
    parameters.insert("classes".into(), Value::from(Value::from(labels).to_string()));
    parameters
}

fn output<'a>(
    name: &'static str,
    endpoint: &'a Endpoint,
    ids: &'a [String],
    inferred: &'a [Inferred],
) -> OutputTensor<'a> {
    let rows = inferred.len();
    let plain = |datatype, data| OutputTensor { name, shape: vec![rows], datatype, parameters: Map::new(), data };
    let scores = || OutputData::Numbers(inferred.iter().map(|row| row.score).collect());
    match name {
        "label" if endpoint.task == Task::Regression => plain("FP64", scores()),
        "label" => plain("BYTES", OutputData::Texts(inferred.iter().map(|row| row.label.as_str()).collect())),
        "probabilities" => OutputTensor {
            name,
            shape: vec![rows, endpoint.labels.len()],
            datatype: "FP32",
            parameters: classes(&endpoint.labels),
            data: OutputData::Floats(inferred.iter().flat_map(|row| row.probabilities.iter().copied()).collect()),
        },
        "score" => plain("FP64", scores()),
        _ => plain("BYTES", OutputData::Texts(ids.iter().map(String::as_str).collect())),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

    use super::*;

    fn requested(names: &[&str]) -> Vec<RequestedOutput> {
        names.iter().map(|name| serde_json::from_value(serde_json::json!({ "name": name })).unwrap()).collect()
    }

    #[test]
    fn only_what_was_asked_for_is_answered() {
        assert_eq!(wanted(&[], Task::Binary).unwrap(), OUTPUTS);
        assert_eq!(wanted(&[], Task::Regression).unwrap(), ["label", "score", "prediction_id"]);
        assert_eq!(wanted(&requested(&["score", "label"]), Task::Binary).unwrap(), ["score", "label"]);
        let refusal = wanted(&requested(&["probabilities"]), Task::Regression).unwrap_err();
        assert_eq!(
            refusal.error,
            "there is no output `probabilities`; the model answers `label`, `score` and `prediction_id`"
        );
    }
}
