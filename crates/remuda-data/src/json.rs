//! Rows from JSON objects typed by a contract: what an inference request brings.
//!
//! What does not live here: the protocol around the objects.

use crate::cell::{Cell, MissingWords, Raw, convert, write_raw};
use crate::columns::{Builder, schema_of};
use crate::error::DataError;
use crate::rows::Rows;
use arrow::array::ArrayRef;
use arrow::record_batch::RecordBatch;
use remuda_model::data::{Column, ColumnType, Contract, FeatureKind};
use remuda_model::table::{Table, TableColumn, Texts, Values};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// Builds rows with the columns of the contract that the first object has, in the contract's order. Keys that the
/// contract does not have are left out.
///
/// Errors: as [`json_table`], but a column that no object has is left out in silence.
pub fn json_rows(objects: &[Map<String, Value>], contract: &Contract) -> Result<Rows, DataError> {
    let missing = MissingWords::new(&contract.missing);
    let present: Vec<&Column> = contract
        .columns
        .iter()
        .filter(|column| objects.iter().any(|object| object.contains_key(&column.name)))
        .collect();
    let columns: Vec<(String, ColumnType)> =
        present.iter().map(|column| (column.name.clone(), column.column_type)).collect();
    let mut builders: Vec<Builder> = columns.iter().map(|(_, kind)| Builder::new(*kind)).collect();
    for (row, object) in objects.iter().enumerate() {
        for (column, builder) in present.iter().zip(&mut builders) {
            builder.push(&cell_of(object.get(&column.name).unwrap_or(&Value::Null), column, &missing, row)?);
        }
    }
    let arrays: Vec<ArrayRef> = builders.iter_mut().map(Builder::finish).collect();
    let batch = RecordBatch::try_new(schema_of(&columns), arrays)
        .map_err(|error| DataError::engine("build a batch of rows", error))?;
    Ok(Rows::new(&columns, vec![batch]))
}

/// Builds the table that a model reads: `columns` are feature names with their kinds. The fast way, without Arrow.
///
/// Errors: a feature that an object lacks (null is a missing value, an absent key is an error), a value of another
/// type than the contract's, each with row and column.
pub fn json_table(
    objects: &[Map<String, Value>],
    contract: &Contract,
    columns: &[(String, FeatureKind)],
) -> Result<Table, DataError> {
    let missing = MissingWords::new(&contract.missing);
    let mut table = Table { columns: Vec::with_capacity(columns.len()), rows: objects.len() };
    for (name, kind) in columns {
        let Some(column) = contract.column(name) else {
            return Err(DataError::missing_column(name, contract.columns.iter().map(|column| column.name.as_str())));
        };
        let mut numbers = Vec::new();
        let mut texts = Vec::new();
        for (row, object) in objects.iter().enumerate() {
            let Some(value) = object.get(name) else {
                return Err(absent(name, object, contract));
            };
            let cell = cell_of(value, column, &missing, row)?;
            if *kind == FeatureKind::Number {
                numbers.push(number_of(&cell, column, row)?);
            } else {
                texts.push(text_of(cell));
            }
        }
        let values = if *kind == FeatureKind::Number {
            Values::Number(numbers)
        } else {
            Values::Text(Texts::from_values(texts))
        };
        table.columns.push(TableColumn { name: name.clone(), values });
    }
    Ok(table)
}

/// The object lacks a column; a key that the contract does not know may be a slip for it.
fn absent(name: &str, object: &Map<String, Value>, contract: &Contract) -> DataError {
    let unknown = object.keys().map(String::as_str).filter(|key| contract.column(key).is_none());
    DataError::missing_column(name, unknown)
}

fn cell_of<'a>(value: &'a Value, column: &Column, missing: &MissingWords, row: usize) -> Result<Cell<'a>, DataError> {
    let wrong = |found: String| DataError::Value {
        row: row + 1,
        column: column.name.clone(),
        expected: column.column_type,
        required: column.required,
        found,
    };
    let kind = column.column_type;
    let raw = match value {
        Value::Null => Raw::Missing,
        Value::Bool(value) if kind == ColumnType::Boolean => Raw::Boolean(*value),
        Value::Number(number) if kind.is_numeric() => match number.as_i64() {
            Some(integer) => Raw::Integer(integer),
            None => Raw::Number(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(text) if matches!(kind, ColumnType::String | ColumnType::Date | ColumnType::Timestamp) => {
            Raw::Text(text)
        }
        other => return Err(wrong(described(other))),
    };
    let cell = convert(raw, kind, missing).ok_or_else(|| wrong(described(value)))?;
    if column.required && cell == Cell::Missing {
        return Err(wrong("null".to_owned()));
    }
    Ok(cell)
}

fn number_of(cell: &Cell<'_>, column: &Column, row: usize) -> Result<f64, DataError> {
    Ok(match cell {
        Cell::Missing => f64::NAN,
        Cell::Integer(value) => *value as f64,
        Cell::Number(value) => *value,
        Cell::Boolean(value) => f64::from(u8::from(*value)),
        Cell::Date(days) => f64::from(*days) * 86_400.0,
        Cell::Timestamp(micros) => *micros as f64 / 1e6,
        Cell::Text(text) => {
            return Err(DataError::Value {
                row: row + 1,
                column: column.name.clone(),
                expected: ColumnType::Number,
                required: column.required,
                found: described(&Value::from(text.as_ref())),
            });
        }
    })
}

fn text_of(cell: Cell<'_>) -> Option<Cow<'_, str>> {
    let raw = match cell {
        Cell::Missing => return None,
        Cell::Text(text) => return Some(text),
        Cell::Integer(value) => Raw::Integer(value),
        Cell::Number(value) => Raw::Number(value),
        Cell::Boolean(value) => Raw::Boolean(value),
        Cell::Date(value) => Raw::Date(value),
        Cell::Timestamp(value) => Raw::Timestamp(value),
    };
    let mut text = String::new();
    write_raw(raw, &mut text);
    Some(Cow::Owned(text))
}

fn described(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => format!("the boolean {value}"),
        Value::Number(value) => format!("the number {value}"),
        Value::String(text) => format!("the string {}", crate::cell::shown(text)),
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}
