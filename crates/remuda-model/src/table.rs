//! Columns in memory, as models read them: numbers with NaN for missing, texts as codes into a dictionary.
//!
//! The one shape that data hands to learners and predictors; no files, no SQL, no Arrow.

use std::sync::Arc;

/// A table: columns of equal length.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// The columns, by name.
    pub columns: Vec<TableColumn>,
    /// How many rows each column has.
    pub rows: usize,
}

/// One column of a [`Table`].
#[derive(Clone, Debug, PartialEq)]
pub struct TableColumn {
    /// The column's name.
    pub name: String,
    /// The values.
    pub values: Values,
}

/// The values of a column.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Numbers; NaN where missing. Booleans are 0 and 1, times are seconds since 1970.
    Number(Vec<f64>),
    /// Texts.
    Text(Texts),
}

/// The code of a missing text.
pub const MISSING: u32 = u32::MAX;

/// Texts as codes into a dictionary of distinct values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Texts {
    /// The distinct values.
    pub dictionary: Vec<Arc<str>>,
    /// One code per row: an index into `dictionary`, or [`MISSING`].
    pub codes: Vec<u32>,
}

impl Values {
    /// How many rows.
    pub fn len(&self) -> usize {
        match self {
            Values::Number(numbers) => numbers.len(),
            Values::Text(texts) => texts.codes.len(),
        }
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rows at these places, in this order.
    #[must_use]
    pub fn take(&self, rows: &[usize]) -> Values {
        match self {
            Values::Number(numbers) => Values::Number(rows.iter().map(|row| numbers[*row]).collect()),
            Values::Text(texts) => Values::Text(Texts {
                dictionary: texts.dictionary.clone(),
                codes: rows.iter().map(|row| texts.codes[*row]).collect(),
            }),
        }
    }
}

impl Texts {
    /// The text of a row.
    pub fn get(&self, row: usize) -> Option<&str> {
        self.dictionary.get(self.codes[row] as usize).map(AsRef::as_ref)
    }

    /// Builds codes from texts, first come first coded.
    pub fn from_values<S: AsRef<str>>(values: impl IntoIterator<Item = Option<S>>) -> Self {
        let mut places: std::collections::HashMap<Arc<str>, u32> = std::collections::HashMap::new();
        let mut texts = Texts::default();
        for value in values {
            let code = match value {
                None => MISSING,
                Some(value) => match places.get(value.as_ref()) {
                    Some(code) => *code,
                    None => {
                        let shared: Arc<str> = Arc::from(value.as_ref());
                        let code = texts.dictionary.len() as u32;
                        texts.dictionary.push(shared.clone());
                        places.insert(shared, code);
                        code
                    }
                },
            };
            texts.codes.push(code);
        }
        texts
    }
}

impl Table {
    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&Values> {
        self.columns.iter().find(|column| column.name == name).map(|column| &column.values)
    }

    /// Adds or replaces a column. The first column sets the number of rows; a column of another length is refused
    /// (`false`) and the table stays as it was.
    pub fn set(&mut self, name: &str, values: Values) -> bool {
        if self.columns.is_empty() {
            self.rows = values.len();
        }
        if values.len() != self.rows {
            return false;
        }
        match self.columns.iter_mut().find(|column| column.name == name) {
            Some(column) => column.values = values,
            None => self.columns.push(TableColumn { name: name.to_owned(), values }),
        }
        true
    }

    /// The rows at these places, in this order.
    #[must_use]
    pub fn take(&self, rows: &[usize]) -> Table {
        let columns = self
            .columns
            .iter()
            .map(|column| TableColumn { name: column.name.clone(), values: column.values.take(rows) })
            .collect();
        Table { columns, rows: rows.len() }
    }
}
