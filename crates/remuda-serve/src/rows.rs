//! Rows as JSON objects: our plainer door beside the protocol's tensors.

use crate::protocol::RowsRequest;
use crate::refusal::Refusal;
use crate::tensor::{Batch, Datatype, check_count, check_ids, check_value, missing_column, unknown_column};
use remuda_app::serving::Input;
use remuda_model::text;

/// Reads the objects of a request as rows that the model expects. A missing value is sent as `null`: an absent key is a
/// column that somebody forgot.
pub fn read(request: RowsRequest, expected: &[Input]) -> Result<Batch, Refusal> {
    let count = check_count(request.rows.len())?;
    let rows = request.rows;
    for (place, object) in rows.iter().enumerate() {
        for input in expected {
            let Some(value) = object.get(&input.name) else {
                let slip = object.keys().find(|name| expected.iter().all(|input| input.name != **name));
                let slip = slip.filter(|name| text::nearest(name, [input.name.as_str()]).is_some());
                return Err(match slip {
                    Some(name) => unknown_column(name, expected),
                    None => missing_column(input, Some(place + 1)),
                });
            };
            check_value(value, Datatype::of(input.column_type), input, place + 1)?;
        }
        // Every expected column is there now, so one more key is one too many.
        if object.len() > expected.len()
            && let Some(name) = object.keys().find(|name| expected.iter().all(|input| input.name != **name))
        {
            return Err(unknown_column(name, expected));
        }
    }
    if let Some(ids) = &request.ids {
        check_ids(ids, count)?;
    }
    Ok(Batch { rows, ids: request.ids })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

    use super::*;
    use remuda_model::data::ColumnType;
    use serde_json::{Value, json};

    fn inputs() -> Vec<Input> {
        let input = |name: &str, column_type, required| Input { name: name.into(), column_type, required };
        vec![input("tenure", ColumnType::Integer, true), input("note", ColumnType::String, false)]
    }

    fn read_json(body: Value) -> Result<Batch, Refusal> {
        read(serde_json::from_value(body).unwrap(), &inputs())
    }

    #[test]
    fn null_is_a_missing_value() {
        let rows = json!([{"note": "x", "tenure": 1}, {"tenure": 2.0, "note": null}]);
        let batch = read_json(json!({"rows": rows, "ids": ["a", "b"]})).unwrap();
        let rows: Vec<String> = batch.rows.into_iter().map(|row| Value::Object(row).to_string()).collect();
        assert_eq!(rows, [r#"{"note":"x","tenure":1}"#, r#"{"tenure":2.0,"note":null}"#]);
    }

    #[test]
    fn refusals_name_column_and_row() {
        let cases = [
            (
                json!({"rows": [{"tenure": 1, "note": null}, {"note": "x"}]}),
                "column `tenure` is missing in row 2: it expects INT64 (integer)",
            ),
            (
                json!({"rows": [{"tenure": 1}]}),
                "column `note` is missing in row 1: it expects BYTES (string); `null` stands for a missing value",
            ),
            (json!({"rows": [{"tenure": null, "note": "x"}]}), "column `tenure` is required: row 1 has no value"),
            (
                json!({"rows": [{"tenure": "1", "note": "x"}]}),
                "column `tenure` expects INT64 (integer): row 1 has \"1\"",
            ),
            (json!({"rows": [{"tenur": 1, "note": "x"}]}), "there is no column `tenur`; did you mean `tenure`?"),
            (
                json!({"rows": [{"tenure": 1, "note": "x", "tenur": 1}]}),
                "there is no column `tenur`; did you mean `tenure`?",
            ),
            (json!({"rows": [{"tenure": 1, "note": "x"}], "ids": ["a", "b"]}), "2 prediction ids for 1 row"),
        ];
        for (body, error) in cases {
            assert_eq!(read_json(body).unwrap_err(), Refusal::input(error));
        }
    }
}
