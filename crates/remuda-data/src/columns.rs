//! Between our column types and Arrow's: schemas, builders, typed views of a batch, and casts of foreign types.
//!
//! What does not live here: files. Nothing of Arrow leaves this crate.

use crate::cell::{Cell, Raw, write_raw};
use crate::error::{DataError, Finding};
use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, BooleanBuilder, Date32Array, Date32Builder, Float64Array, Float64Builder,
    Int64Array, Int64Builder, StringArray, StringBuilder, TimestampMicrosecondArray, TimestampMicrosecondBuilder,
};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{
    DataType, Date32Type, Field, Float64Type, Int64Type, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType,
};
use arrow::record_batch::RecordBatch;
use remuda_model::data::ColumnType;
use std::sync::Arc;

/// The Arrow type that holds a column.
pub(crate) fn arrow_type(kind: ColumnType) -> DataType {
    match kind {
        ColumnType::Integer => DataType::Int64,
        ColumnType::Number => DataType::Float64,
        ColumnType::String => DataType::Utf8,
        ColumnType::Boolean => DataType::Boolean,
        ColumnType::Date => DataType::Date32,
        ColumnType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
    }
}

/// The schema of some columns; every value may be missing.
pub(crate) fn schema_of(columns: &[(String, ColumnType)]) -> SchemaRef {
    let fields: Vec<Field> = columns.iter().map(|(name, kind)| Field::new(name, arrow_type(*kind), true)).collect();
    Arc::new(Schema::new(fields))
}

/// The columns of a schema made by [`schema_of`] or [`normalise`].
pub(crate) fn columns_of(schema: &Schema) -> Vec<(String, ColumnType)> {
    let kind = |field: &Field| logical_type(field.data_type()).unwrap_or(ColumnType::String);
    schema.fields().iter().map(|field| (field.name().clone(), kind(field))).collect()
}

/// Our type for any Arrow type; `None` where there is none.
pub(crate) fn logical_type(data_type: &DataType) -> Option<ColumnType> {
    let kind = match data_type {
        DataType::Boolean => ColumnType::Boolean,
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => ColumnType::Integer,
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => ColumnType::Integer,
        DataType::Float16 | DataType::Float32 | DataType::Float64 => ColumnType::Number,
        DataType::Decimal32(precision, 0) | DataType::Decimal64(precision, 0) | DataType::Decimal128(precision, 0)
            if *precision <= 18 =>
        {
            ColumnType::Integer
        }
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..) => {
            ColumnType::Number
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => ColumnType::String,
        DataType::Date32 | DataType::Date64 => ColumnType::Date,
        DataType::Timestamp(..) => ColumnType::Timestamp,
        DataType::Dictionary(_, values) => return logical_type(values),
        _ => return None,
    };
    Some(kind)
}

/// Casts the columns of a foreign batch to ours. A value that does not fit (an unsigned integer beyond 63 bits) is an
/// error; nothing becomes missing in silence.
pub(crate) fn normalise(
    batch: &RecordBatch,
    columns: &[(String, ColumnType)],
    file: &str,
) -> Result<RecordBatch, DataError> {
    let options = CastOptions { safe: false, ..CastOptions::default() };
    let mut arrays = Vec::with_capacity(columns.len());
    for ((name, kind), array) in columns.iter().zip(batch.columns()) {
        let target = arrow_type(*kind);
        let array = if let (ColumnType::Timestamp, DataType::Timestamp(unit, Some(_))) = (kind, array.data_type()) {
            // A moment with a zone is the same moment in UTC: only the label goes.
            let bare = DataType::Timestamp(*unit, Some("UTC".into()));
            cast_with_options(array, &bare, &options).and_then(|array| cast_with_options(&array, &target, &options))
        } else {
            cast_with_options(array, &target, &options)
        };
        arrays.push(array.map_err(|error| {
            let next = format!("write the column as {}", kind.as_str());
            DataError::Content(Finding::file(file, error.to_string(), next).column(name.clone()))
        })?);
    }
    RecordBatch::try_new(schema_of(columns), arrays).map_err(|error| DataError::engine("build a batch of rows", error))
}

/// Builds one column.
pub(crate) enum Builder {
    Integer(Int64Builder),
    Number(Float64Builder),
    String(StringBuilder),
    Boolean(BooleanBuilder),
    Date(Date32Builder),
    Timestamp(TimestampMicrosecondBuilder),
}

impl Builder {
    pub(crate) fn new(kind: ColumnType) -> Self {
        match kind {
            ColumnType::Integer => Builder::Integer(Int64Builder::new()),
            ColumnType::Number => Builder::Number(Float64Builder::new()),
            ColumnType::String => Builder::String(StringBuilder::new()),
            ColumnType::Boolean => Builder::Boolean(BooleanBuilder::new()),
            ColumnType::Date => Builder::Date(Date32Builder::new()),
            ColumnType::Timestamp => Builder::Timestamp(TimestampMicrosecondBuilder::new()),
        }
    }

    /// Appends a cell; one of another type counts as missing (the caller has converted it to this type).
    pub(crate) fn push(&mut self, cell: &Cell<'_>) {
        match (self, cell) {
            (Builder::Integer(builder), Cell::Integer(value)) => builder.append_value(*value),
            (Builder::Number(builder), Cell::Number(value)) => builder.append_value(*value),
            (Builder::String(builder), Cell::Text(text)) => builder.append_value(text),
            (Builder::Boolean(builder), Cell::Boolean(value)) => builder.append_value(*value),
            (Builder::Date(builder), Cell::Date(value)) => builder.append_value(*value),
            (Builder::Timestamp(builder), Cell::Timestamp(value)) => builder.append_value(*value),
            (Builder::Integer(builder), _) => builder.append_null(),
            (Builder::Number(builder), _) => builder.append_null(),
            (Builder::String(builder), _) => builder.append_null(),
            (Builder::Boolean(builder), _) => builder.append_null(),
            (Builder::Date(builder), _) => builder.append_null(),
            (Builder::Timestamp(builder), _) => builder.append_null(),
        }
    }

    /// The column so far; the builder begins anew.
    pub(crate) fn finish(&mut self) -> ArrayRef {
        match self {
            Builder::Integer(builder) => Arc::new(builder.finish()),
            Builder::Number(builder) => Arc::new(builder.finish()),
            Builder::String(builder) => Arc::new(builder.finish()),
            Builder::Boolean(builder) => Arc::new(builder.finish()),
            Builder::Date(builder) => Arc::new(builder.finish()),
            Builder::Timestamp(builder) => Arc::new(builder.finish()),
        }
    }
}

/// A typed view of one column of a batch.
#[derive(Clone, Copy)]
pub(crate) enum View<'a> {
    Integer(&'a Int64Array),
    Number(&'a Float64Array),
    String(&'a StringArray),
    Boolean(&'a BooleanArray),
    Date(&'a Date32Array),
    Timestamp(&'a TimestampMicrosecondArray),
}

impl<'a> View<'a> {
    /// The view of an array of one of our types.
    pub(crate) fn of(array: &'a dyn Array) -> Result<Self, DataError> {
        let view = match array.data_type() {
            DataType::Int64 => array.as_primitive_opt::<Int64Type>().map(View::Integer),
            DataType::Float64 => array.as_primitive_opt::<Float64Type>().map(View::Number),
            DataType::Utf8 => array.as_string_opt::<i32>().map(View::String),
            DataType::Boolean => array.as_boolean_opt().map(View::Boolean),
            DataType::Date32 => array.as_primitive_opt::<Date32Type>().map(View::Date),
            DataType::Timestamp(TimeUnit::Microsecond, None) => {
                array.as_primitive_opt::<TimestampMicrosecondType>().map(View::Timestamp)
            }
            _ => None,
        };
        view.ok_or_else(|| DataError::engine("read a column", format!("unexpected type {}", array.data_type())))
    }

    /// The value of a row.
    pub(crate) fn raw(&self, row: usize) -> Raw<'a> {
        match self {
            View::Integer(array) if array.is_valid(row) => Raw::Integer(array.value(row)),
            View::Number(array) if array.is_valid(row) => Raw::Number(array.value(row)),
            View::String(array) if array.is_valid(row) => Raw::Text(array.value(row)),
            View::Boolean(array) if array.is_valid(row) => Raw::Boolean(array.value(row)),
            View::Date(array) if array.is_valid(row) => Raw::Date(array.value(row)),
            View::Timestamp(array) if array.is_valid(row) => Raw::Timestamp(array.value(row)),
            _ => Raw::Missing,
        }
    }

    /// The value of a row as a number: booleans 0 and 1, times in seconds since 1970, NaN where missing or text.
    pub(crate) fn number(&self, row: usize) -> f64 {
        match self.raw(row) {
            Raw::Integer(value) => value as f64,
            Raw::Number(value) => value,
            Raw::Boolean(value) => f64::from(u8::from(value)),
            Raw::Date(days) => f64::from(days) * 86_400.0,
            Raw::Timestamp(micros) => micros as f64 / 1e6,
            Raw::Missing | Raw::Text(_) => f64::NAN,
        }
    }

    /// Appends the value's text form; `false` when it is missing.
    pub(crate) fn text(&self, row: usize, out: &mut String) -> bool {
        let raw = self.raw(row);
        write_raw(raw, out);
        raw != Raw::Missing
    }
}

/// Views of all columns of a batch.
pub(crate) fn views(batch: &RecordBatch) -> Result<Vec<View<'_>>, DataError> {
    batch.columns().iter().map(|array| View::of(array.as_ref())).collect()
}

/// Appends the text forms of some columns of a row, each with its length before it (u32, little endian; missing is
/// the greatest length): the bytes of split keys and row keys.
pub(crate) fn write_key(views: &[View<'_>], columns: &[usize], row: usize, scratch: &mut String, out: &mut Vec<u8>) {
    for column in columns {
        scratch.clear();
        if views[*column].text(row, scratch) {
            out.extend_from_slice(&(scratch.len() as u32).to_le_bytes());
            out.extend_from_slice(scratch.as_bytes());
        } else {
            out.extend_from_slice(&u32::MAX.to_le_bytes());
        }
    }
}
