//! The live release behind the Open Inference Protocol: what it says of itself, what it answers, what it refuses.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use crate::harness::{Server, Stage};
use crate::journey;
use serde_json::{Value, json};

/// A request and its answer, as text.
pub(crate) fn ask(server: &Server, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let url = format!("{}{path}", server.url);
    let mut response = match (method, body) {
        ("GET", _) => agent.get(&url).call().unwrap(),
        (_, body) => agent.post(&url).send_json(body.unwrap_or(&Value::Null)).unwrap(),
    };
    let answer = response.body_mut().read_json().unwrap_or(Value::Null);
    (response.status().as_u16(), answer)
}

/// One customer as tensors.
pub(crate) fn customer() -> Value {
    let text = |name: &str, value: &str| json!({"name": name, "shape": [1], "datatype": "BYTES", "data": [value]});
    json!({"id": "r1", "inputs": [
        text("gender", "Female"),
        {"name": "SeniorCitizen", "shape": [1], "datatype": "INT64", "data": [0]},
        text("Partner", "Yes"), text("Dependents", "No"),
        {"name": "tenure", "shape": [1, 1], "datatype": "INT32", "data": [[1]]},
        text("PhoneService", "No"), text("MultipleLines", "No phone service"), text("InternetService", "DSL"),
        text("OnlineSecurity", "No"), text("OnlineBackup", "Yes"), text("DeviceProtection", "No"),
        text("TechSupport", "No"), text("StreamingTV", "No"), text("StreamingMovies", "No"),
        text("Contract", "Month-to-month"), text("PaperlessBilling", "Yes"), text("PaymentMethod", "Electronic check"),
        {"name": "MonthlyCharges", "shape": [1], "datatype": "FP64", "data": [29.85]},
        {"name": "TotalCharges", "shape": [1], "datatype": "FP64", "data": [null]},
    ]})
}

/// The same customer as a JSON object.
fn row() -> Value {
    let inputs = customer()["inputs"].as_array().unwrap().clone();
    let value = |input: &Value| input["data"].pointer("/0/0").unwrap_or(&input["data"][0]).clone();
    inputs.iter().map(|input| (input["name"].as_str().unwrap().to_owned(), value(input))).collect()
}

/// Training never saw a missing tenure: the contract says so, and both doors refuse one. `TotalCharges` has blanks.
fn refuses_what_is_missing(server: &Server) {
    let rows = |row: Value| ask(server, "POST", "/v2/models/churn/rows", Some(&json!({ "rows": [row] })));
    let without = |name: &str| {
        let mut row = row();
        row.as_object_mut().unwrap().remove(name);
        row
    };
    let nulled = |name: &str| {
        let mut row = row();
        row[name] = Value::Null;
        row
    };
    assert_eq!(rows(row()).0, 200);
    assert_eq!(rows(nulled("TotalCharges")).0, 200);
    let cases = [
        (without("tenure"), "column `tenure` is missing in row 1: it expects INT64 (integer)"),
        (nulled("tenure"), "column `tenure` is required: row 1 has no value"),
        (
            without("TotalCharges"),
            "column `TotalCharges` is missing in row 1: it expects FP64 (number); `null` stands for a missing value",
        ),
    ];
    for (row, error) in cases {
        assert_eq!(rows(row), (400, json!({ "error": error })));
    }
    let mut tensors = customer();
    tensors["inputs"][4]["data"] = json!([[null]]);
    let (status, answer) = ask(server, "POST", "/v2/models/churn/infer", Some(&tensors));
    assert_eq!((status, answer), (400, json!({"error": "column `tenure` is required: row 1 has no value"})));
}

#[test]
fn a_release_is_asked_as_it_goes_live_and_every_answer_is_logged() {
    let (stage, _) = journey::churn();
    let server = stage.serve(&["up", "--listen", "127.0.0.1:0", "--json"]);
    assert_eq!(ask(&server, "GET", "/v2/health/live", None), (200, json!({"live": true})));
    let (status, answer) = ask(&server, "POST", "/v2/models/churn/infer", Some(&customer()));
    assert_eq!(status, 503, "{answer}");
    assert_eq!(ask(&server, "GET", "/v2/health/ready", None).0, 503);

    for words in journey::TO_LIVE {
        let said = stage.run(words);
        assert_eq!(said.code, 0, "{words:?}: {}{}", said.out, said.err);
    }
    // The server notices a promotion by itself, within a second.
    let ready = (0..100).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        ask(&server, "GET", "/v2/health/ready", None).0 == 200
    });
    assert!(ready, "the promotion was noticed");

    let (_, metadata) = ask(&server, "GET", "/v2/models/churn", None);
    insta::assert_snapshot!("metadata", stage.settle(&serde_json::to_string_pretty(&metadata).unwrap()));
    let (status, answer) = ask(&server, "POST", "/v2/models/churn/infer", Some(&customer()));
    assert_eq!(status, 200, "{answer}");
    let id = answer["outputs"][3]["data"][0].as_str().unwrap().to_owned();
    assert_eq!(answer["outputs"][1]["shape"], json!([1, 2]));

    the_model_can_be_fetched(&stage, &server);

    let mut wrong = customer();
    wrong["inputs"][4]["datatype"] = json!("BYTES");
    let (status, answer) = ask(&server, "POST", "/v2/models/churn/infer", Some(&wrong));
    assert_eq!(
        (status, answer),
        (400, json!({"error": "column `tenure` expects INT64 (integer), not datatype BYTES"}))
    );
    wrong["inputs"].as_array_mut().unwrap().remove(4);
    let (status, answer) = ask(&server, "POST", "/v2/models/churn/infer", Some(&wrong));
    assert_eq!(status, 400);
    assert_eq!(answer, json!({"error": "column `tenure` is missing: it expects INT64 (integer)"}));
    refuses_what_is_missing(&server);
    let (status, answer) = ask(&server, "POST", "/v2/models/chrn/infer", Some(&customer()));
    assert_eq!((status, answer), (404, json!({"error": "there is no model `chrn` here; `churn` is live"})));

    assert!(server.stop());
    // What was answered is in the ledger, and leads back to the requirement.
    let told = stage.run(&["why", &id]);
    assert_eq!(told.code, 0, "{}", told.err);
    assert!(told.out.contains("requirement"), "{}", told.out);
}

/// From its page under its own name, byte for byte what the command writes.
fn the_model_can_be_fetched(stage: &Stage, server: &Server) {
    let said = stage.run(&["model", "export", "trees", "-o", "trees.onnx"]);
    assert_eq!(said.code, 0, "{}", said.err);
    let mut file = ureq::get(format!("{}/model/trees/onnx", server.url)).call().unwrap();
    let header = |name: &str| file.headers().get(name).unwrap().to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "application/octet-stream");
    assert!(
        header("content-disposition").starts_with("attachment; filename=\"trees-"),
        "{}",
        header("content-disposition")
    );
    assert_eq!(file.body_mut().read_to_vec().unwrap(), std::fs::read(stage.path("trees.onnx")).unwrap());
    let unknown: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    assert_eq!(unknown.get(format!("{}/model/nothing/onnx", server.url)).call().unwrap().status(), 404);
}
