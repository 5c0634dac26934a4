//! Rows as JSON objects to columns: our plainer door beside the protocol's tensors.

use crate::protocol::RowsRequest;
use crate::refusal::Refusal;
use crate::tensor::{Batch, Datatype, check_count, check_ids, check_value, unknown_column};
use remuda_app::serving::Input;
use serde_json::Value;

/// Reads the objects of a request as the columns that the model expects. An absent key is a missing value.
pub fn read(request: RowsRequest, expected: &[Input]) -> Result<Batch, Refusal> {
    let count = check_count(request.rows.len())?;
    let mut columns: Vec<(String, Vec<Value>)> =
        expected.iter().map(|input| (input.name.clone(), Vec::with_capacity(count))).collect();
    for (row, object) in request.rows.into_iter().enumerate() {
        let mut hint = 0;
        for (name, value) in object {
            let Some(place) = place_of(&name, expected, hint) else { return Err(unknown_column(&name, expected)) };
            hint = place + 1;
            columns[place].1.push(value);
        }
        for (input, (_, values)) in expected.iter().zip(&mut columns) {
            values.resize(row + 1, Value::Null);
            check_value(&values[row], Datatype::of(input.column_type), input, row + 1)?;
        }
    }
    if let Some(ids) = &request.ids {
        check_ids(ids, count)?;
    }
    Ok(Batch { columns, ids: request.ids, rows: count })
}

/// Where a column stands. Callers mostly send columns in order, so the place after the last one is tried first.
fn place_of(name: &str, expected: &[Input], hint: usize) -> Option<usize> {
    if expected.get(hint).is_some_and(|input| input.name == name) {
        return Some(hint);
    }
    expected.iter().position(|input| input.name == name)
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
        let batch = read_json(json!({"rows": [{"note": "x", "tenure": 1}, {"tenure": 2.0}], "ids": ["a", "b"]})).unwrap();
        assert_eq!(batch.rows, 2);
        assert_eq!(batch.columns[0], ("tenure".to_owned(), vec![json!(1), json!(2.0)]));
        assert_eq!(batch.columns[1], ("note".to_owned(), vec![json!("x"), Value::Null]));
    }

    #[test]
    fn refusals_name_column_and_row() {
        let cases = [
            (json!({"rows": [{"tenure": 1}, {"note": "x"}]}), "column `tenure` is required: row 2 has no value"),
            (json!({"rows": [{"tenure": "1"}]}), "column `tenure` expects INT64 (integer): row 1 has \"1\""),
            (json!({"rows": [{"tenur": 1}]}), "there is no column `tenur`; did you mean `tenure`?"),
            (json!({"rows": [{"tenure": 1}], "ids": ["a", "b"]}), "2 prediction ids for 1 row"),
        ];
        for (body, error) in cases {
            assert_eq!(read_json(body).unwrap_err(), Refusal::input(error));
        }
    }
}
