//! Rows in memory, column by column: what learners, gates and pages get to see of a version or a file.
//!
//! What does not live here: reading them (see `read`, `chunks`, `json`) and writing them (see `export`).

use crate::cell::Raw;
use crate::columns::{View, arrow_type, columns_of, schema_of};
use crate::error::DataError;
use crate::predicate::Predicate;
use arrow::array::{Array, ArrayRef, Float64Array, StringArray};
use arrow::datatypes::SchemaRef;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use remuda_model::data::{ColumnType, FeatureKind};
use remuda_model::table::{MISSING, Table, Texts, Values};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::Arc;

/// Rows in memory. Cheap to clone: the columns are shared.
#[derive(Clone, Debug)]
pub struct Rows {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
    rows: usize,
}

impl Rows {
    pub(crate) fn new(columns: &[(String, ColumnType)], batches: Vec<RecordBatch>) -> Self {
        let rows = batches.iter().map(RecordBatch::num_rows).sum();
        Self { schema: schema_of(columns), batches, rows }
    }

    pub(crate) fn batches(&self) -> &[RecordBatch] {
        &self.batches
    }

    /// All rows as one batch.
    pub(crate) fn whole(&self) -> Result<RecordBatch, DataError> {
        arrow::compute::concat_batches(&self.schema, &self.batches)
            .map_err(|error| DataError::engine("join batches of rows", error))
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Name and type of each column.
    pub fn columns(&self) -> Vec<(String, ColumnType)> {
        columns_of(&self.schema)
    }

    /// Whether there is a column of that name.
    pub fn has(&self, column: &str) -> bool {
        self.schema.index_of(column).is_ok()
    }

    fn place(&self, column: &str) -> Result<usize, DataError> {
        let names = self.schema.fields().iter().map(|field| field.name().as_str());
        self.schema.index_of(column).map_err(|_| DataError::missing_column(column, names))
    }

    fn views(&self, column: &str) -> Result<Vec<(View<'_>, usize)>, DataError> {
        let place = self.place(column)?;
        self.batches.iter().map(|batch| Ok((View::of(batch.column(place).as_ref())?, batch.num_rows()))).collect()
    }

    /// A column's values: numbers for numbers, booleans (0 and 1) and times (seconds since 1970); texts for texts.
    pub fn values(&self, column: &str) -> Result<Values, DataError> {
        let is_text = self.schema.field(self.place(column)?).data_type() == &arrow_type(ColumnType::String);
        if is_text { self.text(column).map(Values::Text) } else { self.numbers(column).map(Values::Number) }
    }

    /// A column's values as numbers; NaN where missing.
    ///
    /// Errors: a text column.
    pub fn numbers(&self, column: &str) -> Result<Vec<f64>, DataError> {
        let mut numbers = Vec::with_capacity(self.rows);
        for (view, rows) in self.views(column)? {
            if matches!(view, View::String(_)) {
                return Err(DataError::engine(format!("read column `{column}` as numbers"), "it holds text"));
            }
            numbers.extend((0..rows).map(|row| view.number(row)));
        }
        Ok(numbers)
    }

    /// A column's values as texts, in the form that the files have them (`29.85`, `true`, `2026-01-31`).
    pub fn text(&self, column: &str) -> Result<Texts, DataError> {
        let mut places: HashMap<Arc<str>, u32> = HashMap::new();
        let mut texts = Texts { dictionary: Vec::new(), codes: Vec::with_capacity(self.rows) };
        let mut scratch = String::new();
        for (view, rows) in self.views(column)? {
            for row in 0..rows {
                let raw = view.raw(row);
                let text = match raw {
                    Raw::Missing => {
                        texts.codes.push(MISSING);
                        continue;
                    }
                    Raw::Text(text) => text,
                    other => {
                        scratch.clear();
                        crate::cell::write_raw(other, &mut scratch);
                        scratch.as_str()
                    }
                };
                let code = match places.get(text) {
                    Some(code) => *code,
                    None => {
                        let shared: Arc<str> = Arc::from(text);
                        let code = texts.dictionary.len() as u32;
                        texts.dictionary.push(shared.clone());
                        places.insert(shared, code);
                        code
                    }
                };
                texts.codes.push(code);
            }
        }
        Ok(texts)
    }

    /// The named columns as models read them, in this order.
    ///
    /// Errors: a column that is not there; a text column asked for as a number.
    pub fn table(&self, columns: &[(String, FeatureKind)]) -> Result<Table, DataError> {
        let mut table = Table { columns: Vec::with_capacity(columns.len()), rows: self.rows };
        for (name, kind) in columns {
            let values = match kind {
                FeatureKind::Number => Values::Number(self.numbers(name)?),
                FeatureKind::Category | FeatureKind::Text => Values::Text(self.text(name)?),
            };
            table.set(name, values);
        }
        Ok(table)
    }

    /// Adds or replaces a column, for example of predictions.
    ///
    /// Errors: another number of values than rows.
    pub fn set(&mut self, name: &str, values: Values) -> Result<(), DataError> {
        if values.len() != self.rows {
            return Err(DataError::Length { column: name.to_owned(), expected: self.rows, found: values.len() });
        }
        let (kind, whole): (ColumnType, ArrayRef) = match values {
            Values::Number(numbers) => {
                let array: Float64Array = numbers.into_iter().map(|value| (!value.is_nan()).then_some(value)).collect();
                (ColumnType::Number, Arc::new(array))
            }
            Values::Text(texts) => {
                let array: StringArray = (0..texts.codes.len()).map(|row| texts.get(row)).collect();
                (ColumnType::String, Arc::new(array))
            }
        };
        let mut columns = self.columns();
        let place = columns.iter().position(|(known, _)| known == name);
        match place {
            Some(place) => columns[place].1 = kind,
            None => columns.push((name.to_owned(), kind)),
        }
        let schema = schema_of(&columns);
        let mut start = 0;
        let mut batches = Vec::with_capacity(self.batches.len());
        for batch in &self.batches {
            let mut arrays = batch.columns().to_vec();
            let slice = whole.slice(start, batch.num_rows());
            start += batch.num_rows();
            match place {
                Some(place) => arrays[place] = slice,
                None => arrays.push(slice),
            }
            let batch = RecordBatch::try_new(schema.clone(), arrays)
                .map_err(|error| DataError::engine(format!("set column `{name}`"), error))?;
            batches.push(batch);
        }
        self.schema = schema;
        self.batches = batches;
        Ok(())
    }

    /// For each row whether it matches the predicate; a missing answer does not match.
    pub async fn matching(&self, predicate: &str) -> Result<Vec<bool>, DataError> {
        let compiled = Predicate::compile(predicate, &self.columns())?;
        let mut matching = Vec::with_capacity(self.rows);
        for batch in &self.batches {
            matching.extend(compiled.matches(batch)?.iter().map(|found| found == Some(true)));
            // A long filter lets other tasks of the same thread go on.
            tokio::task::yield_now().await;
        }
        Ok(matching)
    }

    /// For each row what an SQL expression over its columns gives, as a number; NaN where missing.
    ///
    /// Errors: anything that a predicate may not hold either, or an expression that gives no number.
    pub async fn evaluate(&self, expression: &str) -> Result<Vec<f64>, DataError> {
        let compiled = Predicate::compile_number(expression, &self.columns())?;
        let mut numbers = Vec::with_capacity(self.rows);
        for batch in &self.batches {
            numbers.extend(compiled.numbers(batch)?);
            tokio::task::yield_now().await;
        }
        Ok(numbers)
    }

    /// Only these columns, in this order.
    ///
    /// Errors: a column that is not there.
    pub fn select(&self, columns: &[&str]) -> Result<Rows, DataError> {
        let places: Vec<usize> = columns.iter().map(|name| self.place(name)).collect::<Result<_, _>>()?;
        let all = self.columns();
        let schema = schema_of(&places.iter().map(|place| all[*place].clone()).collect::<Vec<_>>());
        let project = |batch: &RecordBatch| {
            let arrays = places.iter().map(|place| batch.column(*place).clone()).collect();
            // Without columns the arrays do not tell how many rows there are.
            let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
            RecordBatch::try_new_with_options(schema.clone(), arrays, &options)
                .map_err(|error| DataError::engine("pick columns", error))
        };
        let batches = self.batches.iter().map(project).collect::<Result<_, _>>()?;
        Ok(Self { schema, batches, rows: self.rows })
    }

    /// The rows at these places, in this order.
    pub fn take(&self, rows: &[usize]) -> Result<Rows, DataError> {
        let failed = |error| DataError::engine("pick rows", error);
        let whole = self.whole()?;
        let places: arrow::array::UInt64Array = rows.iter().map(|row| *row as u64).collect();
        let taken = arrow::compute::take_record_batch(&whole, &places).map_err(failed)?;
        Ok(Self { schema: self.schema.clone(), rows: taken.num_rows(), batches: vec![taken] })
    }

    /// The rows for which `keep` is true.
    ///
    /// Errors: another number of marks than rows.
    pub fn filter(&self, keep: &[bool]) -> Result<Rows, DataError> {
        if keep.len() != self.rows {
            return Err(DataError::Length { column: "filter".to_owned(), expected: self.rows, found: keep.len() });
        }
        let mut start = 0;
        let mut batches = Vec::new();
        for batch in &self.batches {
            let mask = arrow::array::BooleanArray::from(keep[start..start + batch.num_rows()].to_vec());
            start += batch.num_rows();
            let kept = arrow::compute::filter_record_batch(batch, &mask)
                .map_err(|error| DataError::engine("filter rows", error))?;
            if kept.num_rows() > 0 {
                batches.push(kept);
            }
        }
        let rows = batches.iter().map(RecordBatch::num_rows).sum();
        Ok(Self { schema: self.schema.clone(), batches, rows })
    }

    /// A row as a JSON object; missing values are null. `None` beyond the end.
    pub fn row_json(&self, row: usize) -> Option<Map<String, Value>> {
        let mut place = row;
        for batch in &self.batches {
            if place < batch.num_rows() {
                let mut object = Map::with_capacity(batch.num_columns());
                for (field, array) in self.schema.fields().iter().zip(batch.columns()) {
                    let value = View::of(array.as_ref()).map_or(Value::Null, |view| json_of(view.raw(place)));
                    object.insert(field.name().clone(), value);
                }
                return Some(object);
            }
            place -= batch.num_rows();
        }
        None
    }
}

/// A cell as JSON: times as text, numbers as numbers.
pub(crate) fn json_of(raw: Raw<'_>) -> Value {
    match raw {
        Raw::Missing => Value::Null,
        Raw::Text(text) => Value::from(text),
        Raw::Integer(value) => Value::from(value),
        Raw::Number(value) => Value::from(value),
        Raw::Boolean(value) => Value::from(value),
        Raw::Date(_) | Raw::Timestamp(_) => {
            let mut text = String::new();
            crate::cell::write_raw(raw, &mut text);
            Value::from(text)
        }
    }
}
