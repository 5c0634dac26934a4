//! Rows as JSON objects: our plainer door beside the protocol's tensors.

use crate::protocol::RowsRequest;
use crate::refusal::Refusal;
use crate::tensor::{Batch, Datatype, check_count, check_ids, check_value, unknown_column};
use remuda_app::serving::Input;
use serde_json::Value;

/// Reads the objects of a request as rows that the model expects. An absent key is a missing value.
pub fn read(request: RowsRequest, expected: &[Input]) -> Result<Batch, Refusal> {
    let count = check_count(request.rows.len())?;
    let mut rows = request.rows;
    for (place, object) in rows.iter_mut().enumerate() {
        for input in expected {
            let value = object.get(&input.name).unwrap_or(&Value::Null);
            check_value(value, Datatype::of(input.column_type), input, place + 1)?;
            if !object.contains_key(&input.name) {
                object.insert(input.name.clone(), Value::Null);
            }
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
    use serde_json::json;

    fn inputs() -> Vec<Input> {
        let input = |name: &str, column_type, required| Input { name: name.into(), column_type, required };
        vec![input("tenure", ColumnType::Integer, true), input("note", ColumnType::String, false)]
    }

    fn read_json(body: Value) -> Result<Batch, Refusal> {
        read(serde_json::from_value(body).unwrap(), &inputs())
    }

    #[test]
    fn absent_keys_are_missing_values() {
        let batch =
            read_json(json!({"rows": [{"note": "x", "tenure": 1}, {"tenure": 2.0}], "ids": ["a", "b"]})).unwrap();
        let rows: Vec<String> = batch.rows.into_iter().map(|row| Value::Object(row).to_string()).collect();
        assert_eq!(rows, [r#"{"note":"x","tenure":1}"#, r#"{"tenure":2.0,"note":null}"#]);
    }

    #[test]
    fn refusals_name_column_and_row() {
        let cases = [
            (json!({"rows": [{"tenure": 1}, {"note": "x"}]}), "column `tenure` is required: row 2 has no value"),
            (json!({"rows": [{"tenure": "1"}]}), "column `tenure` expects INT64 (integer): row 1 has \"1\""),
            (json!({"rows": [{"tenure": 1, "tenur": 1}]}), "there is no column `tenur`; did you mean `tenure`?"),
            (json!({"rows": [{"tenure": 1}], "ids": ["a", "b"]}), "2 prediction ids for 1 row"),
        ];
        for (body, error) in cases {
            assert_eq!(read_json(body).unwrap_err(), Refusal::input(error));
        }
    }
}
