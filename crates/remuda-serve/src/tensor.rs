//! Tensors to columns: every value is checked against the contract's type, and every refusal names the column.

use crate::ROW_LIMIT;
use crate::protocol::InputTensor;
use crate::refusal::Refusal;
use remuda_app::serving::{Endpoint, InferRow, Input};
use remuda_model::data::ColumnType;
use remuda_model::text;
use serde_json::Value;
use std::collections::HashSet;

/// The tensor that carries the caller's own prediction ids, unless the contract has a column of that name.
pub const IDS: &str = "prediction_id";

/// The longest prediction id, in bytes.
const ID_LIMIT: usize = 200;

/// What a request asks about.
#[derive(Debug, PartialEq)]
pub struct Batch {
    /// The rows, each with every column of the model in its order; `null` where missing.
    pub rows: Vec<InferRow>,
    /// The caller's own prediction ids, one per row.
    pub ids: Option<Vec<String>>,
}

/// A datatype of the protocol, as far as it matters for reading JSON.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Datatype {
    /// A whole number in `least ..= greatest`.
    Whole {
        /// The least value.
        least: i64,
        /// The greatest value.
        greatest: i64,
    },
    /// A number.
    Float,
    /// true or false.
    Bool,
    /// Text.
    Bytes,
}

impl Datatype {
    /// Reads the word on the wire.
    pub fn parse(word: &str) -> Option<Self> {
        let whole = |least: i64, greatest: i64| Some(Datatype::Whole { least, greatest });
        match word {
            "BOOL" => Some(Datatype::Bool),
            "BYTES" => Some(Datatype::Bytes),
            "FP16" | "FP32" | "FP64" | "BF16" => Some(Datatype::Float),
            "INT8" => whole(i8::MIN.into(), i8::MAX.into()),
            "INT16" => whole(i16::MIN.into(), i16::MAX.into()),
            "INT32" => whole(i32::MIN.into(), i32::MAX.into()),
            "INT64" => whole(i64::MIN, i64::MAX),
            "UINT8" => whole(0, u8::MAX.into()),
            "UINT16" => whole(0, u16::MAX.into()),
            "UINT32" => whole(0, u32::MAX.into()),
            // Contracts hold 64-bit signed integers: what lies above cannot be in the data either.
            "UINT64" => whole(0, i64::MAX),
            _ => None,
        }
    }

    /// The datatype in which plain JSON rows carry a column.
    pub fn of(column_type: ColumnType) -> Self {
        match column_type {
            ColumnType::Integer => Datatype::Whole { least: i64::MIN, greatest: i64::MAX },
            ColumnType::Number => Datatype::Float,
            ColumnType::Boolean => Datatype::Bool,
            ColumnType::String | ColumnType::Date | ColumnType::Timestamp => Datatype::Bytes,
        }
    }

    /// Whether a column of this type may arrive so. Whole numbers are numbers; nothing else changes its kind.
    fn serves(self, column_type: ColumnType) -> bool {
        match self {
            Datatype::Whole { .. } => column_type.is_numeric(),
            Datatype::Float => column_type == ColumnType::Number,
            Datatype::Bool => column_type == ColumnType::Boolean,
            Datatype::Bytes => {
                matches!(column_type, ColumnType::String | ColumnType::Date | ColumnType::Timestamp)
            }
        }
    }

    /// Whether the value is one of this datatype.
    fn holds(self, value: &Value) -> bool {
        match self {
            Datatype::Whole { least, greatest } => {
                whole(value).is_some_and(|number| (least..=greatest).contains(&number))
            }
            Datatype::Float => value.is_number(),
            Datatype::Bool => value.is_boolean(),
            Datatype::Bytes => value.is_string(),
        }
    }
}

/// Reads the tensors of a request as the columns that the model expects.
pub fn read(tensors: Vec<InputTensor>, expected: &[Input]) -> Result<Batch, Refusal> {
    let mut places: Vec<Option<Vec<Value>>> = expected.iter().map(|_| None).collect();
    let mut ids = None;
    let mut rows = None;
    for tensor in tensors {
        let count = count_rows(&tensor)?;
        match rows {
            None => rows = Some(count),
            Some(before) if before == count => {}
            Some(before) => {
                return Err(Refusal::input(format!(
                    "column `{}` has {}, the columns before it {}",
                    tensor.name,
                    text::count(count as u64, "row"),
                    text::count(before as u64, "row"),
                )));
            }
        }
        let Some(place) = expected.iter().position(|input| input.name == tensor.name) else {
            if tensor.name == IDS && ids.is_none() {
                ids = Some(read_ids(tensor)?);
                continue;
            }
            return Err(unknown_column(&tensor.name, expected));
        };
        if places[place].is_some() {
            return Err(Refusal::input(format!("column `{}` is sent twice", tensor.name)));
        }
        places[place] = Some(read_column(tensor, &expected[place])?);
    }
    let rows = check_count(rows.unwrap_or(0))?;
    let mut columns = Vec::with_capacity(expected.len());
    for (input, values) in expected.iter().zip(places) {
        let values = values.ok_or_else(|| missing_column(input, None))?;
        columns.push((input.name.clone(), values));
    }
    if let Some(ids) = &ids {
        check_ids(ids, rows)?;
    }
    Ok(Batch { rows: Endpoint::rows_of(columns), ids })
}

/// Refuses no rows and more than [`ROW_LIMIT`].
pub fn check_count(rows: usize) -> Result<usize, Refusal> {
    if rows == 0 {
        return Err(Refusal::input("the request has no rows: send one tensor per column with shape [rows]"));
    }
    if rows > ROW_LIMIT {
        return Err(Refusal::too_large(format!(
            "{} in one request; at most {} are answered, and `remuda predict FILE` takes any number",
            text::count(rows as u64, "row"),
            text::thousands(ROW_LIMIT as u64),
        )));
    }
    Ok(rows)
}

/// Refuses ids that outcomes could not be joined to.
pub fn check_ids(ids: &[String], rows: usize) -> Result<(), Refusal> {
    if ids.len() != rows {
        let count = text::count(ids.len() as u64, "prediction id");
        return Err(Refusal::input(format!("{count} for {}", text::count(rows as u64, "row"))));
    }
    let mut seen = HashSet::with_capacity(ids.len());
    for (row, id) in (1..).zip(ids) {
        if id.is_empty() || id.len() > ID_LIMIT {
            let bytes = id.len();
            return Err(Refusal::input(format!(
                "a prediction id has 1 to {ID_LIMIT} bytes, that of row {row} has {bytes}"
            )));
        }
        // The ledger keeps no NUL, and an id is a line of text wherever people read it.
        if let Some(control) = id.chars().find(|letter| letter.is_control()) {
            let code = u32::from(control);
            return Err(Refusal::input(format!(
                "the prediction id of row {row} holds the control character U+{code:04X}"
            )));
        }
        if !seen.insert(id.as_str()) {
            return Err(Refusal::input(format!("prediction id `{id}` is sent twice")));
        }
    }
    Ok(())
}

/// Checks one value of a column; `row` counts from 1.
pub fn check_value(value: &Value, datatype: Datatype, input: &Input, row: usize) -> Result<(), Refusal> {
    if value.is_null() {
        if input.required {
            return Err(Refusal::input(format!("column `{}` is required: row {row} has no value", input.name)));
        }
        return Ok(());
    }
    if datatype.holds(value) {
        return Ok(());
    }
    Err(Refusal::input(format!(
        "column `{}` expects {}: row {row} has {}",
        input.name,
        expectation(input.column_type),
        shown(value),
    )))
}

/// A column that the model does not read.
pub fn unknown_column(name: &str, expected: &[Input]) -> Refusal {
    let names = expected.iter().map(|input| input.name.as_str());
    match text::nearest(name, names) {
        Some(near) => Refusal::input(format!("there is no column `{name}`; did you mean `{near}`?")),
        None => Refusal::input(format!("there is no column `{name}`; `GET /v2/models/NAME` lists the columns")),
    }
}

/// A column that the model reads and nobody sent; `row` counts from 1, where only that row lacks it.
pub fn missing_column(input: &Input, row: Option<usize>) -> Refusal {
    let null = if input.required { "" } else { "; `null` stands for a missing value" };
    let place = row.map(|row| format!(" in row {row}")).unwrap_or_default();
    let expected = expectation(input.column_type);
    Refusal::input(format!("column `{}` is missing{place}: it expects {expected}{null}", input.name))
}

fn count_rows(tensor: &InputTensor) -> Result<usize, Refusal> {
    let rows = match tensor.shape.as_slice() {
        [rows] | [rows, 1] => *rows,
        other => {
            return Err(Refusal::input(format!(
                "column `{}` has shape {other:?}; it is one value per row: [rows] or [rows, 1]",
                tensor.name
            )));
        }
    };
    // A shape beyond what fits in memory is beyond the limit as well.
    check_count(usize::try_from(rows).unwrap_or(usize::MAX))
}

fn read_column(tensor: InputTensor, input: &Input) -> Result<Vec<Value>, Refusal> {
    let datatype =
        Datatype::parse(&tensor.datatype).filter(|datatype| datatype.serves(input.column_type)).ok_or_else(|| {
            let expected = expectation(input.column_type);
            Refusal::input(format!("column `{}` expects {expected}, not datatype {}", input.name, tensor.datatype))
        })?;
    let rows = count_rows(&tensor)?;
    let values = flatten(&input.name, tensor.data, rows)?;
    for (row, value) in values.iter().enumerate() {
        check_value(value, datatype, input, row + 1)?;
    }
    Ok(values)
}

fn read_ids(tensor: InputTensor) -> Result<Vec<String>, Refusal> {
    let rows = count_rows(&tensor)?;
    let values = flatten(IDS, tensor.data, rows)?;
    let mut ids = Vec::with_capacity(values.len());
    for value in values {
        match value {
            Value::String(id) => ids.push(id),
            other => return Err(Refusal::input(format!("`{IDS}` expects BYTES, not {}", shown(&other)))),
        }
    }
    Ok(ids)
}

/// The values of a tensor in row order, whether they were sent flat or nested.
fn flatten(name: &str, data: Vec<Value>, rows: usize) -> Result<Vec<Value>, Refusal> {
    let values = if data.iter().any(Value::is_array) {
        let mut flat = Vec::with_capacity(rows);
        data.into_iter().for_each(|value| push_flat(value, &mut flat));
        flat
    } else {
        data
    };
    if values.len() == rows {
        return Ok(values);
    }
    let count = text::count(values.len() as u64, "value");
    Err(Refusal::input(format!("column `{name}` has {count}, its shape says {rows}")))
}

fn push_flat(value: Value, flat: &mut Vec<Value>) {
    match value {
        // serde_json reads at most 128 levels, so this ends.
        Value::Array(values) => values.into_iter().for_each(|value| push_flat(value, flat)),
        other => flat.push(other),
    }
}

/// A whole number, also when written as `3.0`.
fn whole(value: &Value) -> Option<i64> {
    if let Some(number) = value.as_i64() {
        return Some(number);
    }
    let number = value.as_f64()?;
    // 2^53: beyond it a float no longer names one whole number.
    (number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0).then_some(number as i64)
}

/// What a column expects, in the words of the protocol and of the contract.
fn expectation(column_type: ColumnType) -> &'static str {
    match column_type {
        ColumnType::Integer => "INT64 (integer)",
        ColumnType::Number => "FP64 (number)",
        ColumnType::String => "BYTES (string)",
        ColumnType::Boolean => "BOOL (boolean)",
        ColumnType::Date => "BYTES (date, such as 2026-11-23)",
        ColumnType::Timestamp => "BYTES (timestamp, such as 2026-11-23T14:30:00Z)",
    }
}

/// A value in a message: short.
fn shown(value: &Value) -> String {
    const LONGEST: usize = 40;
    let text = value.to_string();
    if text.chars().count() <= LONGEST {
        return text;
    }
    let cut: String = text.chars().take(LONGEST).collect();
    format!("{cut}…")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

    use super::*;
    use serde_json::json;

    fn inputs() -> Vec<Input> {
        let input = |name: &str, column_type, required| Input { name: name.into(), column_type, required };
        vec![
            input("tenure", ColumnType::Integer, true),
            input("TotalCharges", ColumnType::Number, false),
            input("Contract", ColumnType::String, true),
            input("Partner", ColumnType::Boolean, true),
        ]
    }

    fn tensors(change: impl FnOnce(&mut Vec<Value>)) -> Vec<InputTensor> {
        let mut tensors = vec![
            json!({"name": "tenure", "shape": [2], "datatype": "INT32", "data": [1, 34]}),
            json!({"name": "TotalCharges", "shape": [2, 1], "datatype": "FP32", "data": [[29.85], [null]]}),
            json!({"name": "Contract", "shape": [2], "datatype": "BYTES", "data": ["One year", "Two year"]}),
            json!({"name": "Partner", "shape": [2], "datatype": "BOOL", "data": [true, false]}),
        ];
        change(&mut tensors);
        tensors.into_iter().map(|tensor| serde_json::from_value(tensor).unwrap()).collect()
    }

    #[test]
    fn columns_come_in_the_models_order_and_nulls_are_kept() {
        let batch = read(tensors(|sent| sent.reverse()), &inputs()).unwrap();
        let rows: Vec<String> = batch.rows.into_iter().map(|row| Value::Object(row).to_string()).collect();
        assert_eq!(
            rows,
            [
                r#"{"tenure":1,"TotalCharges":29.85,"Contract":"One year","Partner":true}"#,
                r#"{"tenure":34,"TotalCharges":null,"Contract":"Two year","Partner":false}"#,
            ]
        );
    }

    #[test]
    fn every_refusal_names_the_column() {
        type Change = fn(&mut Vec<Value>);
        let cases: Vec<(Change, u16, &str)> = vec![
            (
                |sent| sent[0]["datatype"] = json!("BYTES"),
                400,
                "column `tenure` expects INT64 (integer), not datatype BYTES",
            ),
            (
                |sent| sent[0]["datatype"] = json!("FP64"),
                400,
                "column `tenure` expects INT64 (integer), not datatype FP64",
            ),
            (
                |sent| sent[0]["datatype"] = json!("int64"),
                400,
                "column `tenure` expects INT64 (integer), not datatype int64",
            ),
            (|sent| sent[0]["data"][1] = json!("34"), 400, "column `tenure` expects INT64 (integer): row 2 has \"34\""),
            (|sent| sent[0]["data"][1] = json!(3.5), 400, "column `tenure` expects INT64 (integer): row 2 has 3.5"),
            (|sent| sent[0]["data"][1] = Value::Null, 400, "column `tenure` is required: row 2 has no value"),
            (|sent| sent[2]["data"][0] = json!(1), 400, "column `Contract` expects BYTES (string): row 1 has 1"),
            (|sent| sent[3]["data"][0] = json!(1), 400, "column `Partner` expects BOOL (boolean): row 1 has 1"),
            (|sent| drop(sent.remove(2)), 400, "column `Contract` is missing: it expects BYTES (string)"),
            (
                |sent| drop(sent.remove(1)),
                400,
                "column `TotalCharges` is missing: it expects FP64 (number); `null` stands for a missing value",
            ),
            (|sent| sent[0]["name"] = json!("tenuer"), 400, "there is no column `tenuer`; did you mean `tenure`?"),
            (|sent| sent[1]["name"] = json!("tenure"), 400, "column `tenure` is sent twice"),
            (
                |sent| sent[0]["shape"] = json!([1, 2]),
                400,
                "column `tenure` has shape [1, 2]; it is one value per row: [rows] or [rows, 1]",
            ),
            (|sent| sent[0]["shape"] = json!([3]), 400, "column `tenure` has 2 values, its shape says 3"),
            (|sent| sent[3]["shape"] = json!([1]), 400, "column `Partner` has 1 row, the columns before it 2 rows"),
            (
                |sent| sent[0]["shape"] = json!([u64::MAX]),
                413,
                "18,446,744,073,709,551,615 rows in one request; at most 10,000 are answered, and `remuda predict FILE` takes any number",
            ),
            (Vec::clear, 400, "the request has no rows: send one tensor per column with shape [rows]"),
        ];
        for (change, status, error) in cases {
            let refusal = read(tensors(change), &inputs()).unwrap_err();
            assert_eq!(refusal, Refusal { status, error: error.to_owned() });
        }
    }

    #[test]
    fn callers_may_bring_their_own_ids() {
        let ids = |data: Value| {
            tensors(move |sent| {
                sent.push(json!({"name": "prediction_id", "shape": [2], "datatype": "BYTES", "data": data}));
            })
        };
        let batch = read(ids(json!(["a", "b"])), &inputs()).unwrap();
        assert_eq!(batch.ids, Some(vec!["a".to_owned(), "b".to_owned()]));
        let refusal = read(ids(json!(["a", "a"])), &inputs()).unwrap_err();
        assert_eq!(refusal.error, "prediction id `a` is sent twice");
        let refusal = read(ids(json!(["a", ""])), &inputs()).unwrap_err();
        assert_eq!(refusal.error, "a prediction id has 1 to 200 bytes, that of row 2 has 0");
        let refusal = read(ids(json!(["a", "b".repeat(201)])), &inputs()).unwrap_err();
        assert_eq!(refusal.error, "a prediction id has 1 to 200 bytes, that of row 2 has 201");
        let refusal = read(ids(json!(["a", "nul\u{0}x"])), &inputs()).unwrap_err();
        assert_eq!(refusal, Refusal::input("the prediction id of row 2 holds the control character U+0000".to_owned()));
        let refusal = read(ids(json!(["a\n", "b"])), &inputs()).unwrap_err();
        assert_eq!(refusal.error, "the prediction id of row 1 holds the control character U+000A");
    }

    #[test]
    fn whole_numbers_must_fit_their_datatype() {
        let cases = [("INT8", 127, true), ("INT8", 128, false), ("UINT8", -1, false), ("UINT64", 5, true)];
        for (word, number, fits) in cases {
            assert_eq!(Datatype::parse(word).unwrap().holds(&json!(number)), fits, "{word} {number}");
        }
        assert!(Datatype::parse("INT64").unwrap().holds(&json!(3.0)));
        assert!(!Datatype::parse("INT64").unwrap().holds(&json!(u64::MAX)));
    }
}
