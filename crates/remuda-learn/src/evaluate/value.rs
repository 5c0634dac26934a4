//! The values that flow through a graph for one block of rows. The first dimension is the row.
//!
//! Texts stay codes into the table's dictionary; what a text vectoriser makes stays sparse, so that no row ever costs the
//! size of a vocabulary.

use remuda_model::table::MISSING;
use std::sync::Arc;

/// What goes wrong inside an operator; the graph adds the node's name.
pub(crate) type Problem = String;

/// The most elements one value may have: hostile graphs double a value at each node.
pub(crate) const MOST_ELEMENTS: usize = 1 << 26;

/// A value.
#[derive(Clone, Debug)]
pub(crate) enum Value<'a> {
    /// 32-bit floats.
    Float(Dense<f32>),
    /// 64-bit floats.
    Double(Dense<f64>),
    /// Integers.
    Int(Dense<i64>),
    /// Truth values.
    Bool(Dense<bool>),
    /// Texts.
    Text(Texts<'a>),
    /// A list of tokens per row.
    Tokens(Tokens),
    /// A sparse matrix of 32-bit floats.
    Sparse(Sparse),
}

/// A dense array, row-major.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Dense<T> {
    /// The size of each dimension.
    pub(crate) shape: Vec<usize>,
    /// The elements: as many as the product of `shape`.
    pub(crate) data: Vec<T>,
}

/// Texts as codes.
#[derive(Clone, Debug)]
pub(crate) struct Texts<'a> {
    /// The size of each dimension.
    pub(crate) shape: Vec<usize>,
    /// The distinct texts.
    pub(crate) dictionary: Dictionary<'a>,
    /// An index into the dictionary, or [`MISSING`] (read as the empty text).
    pub(crate) codes: Vec<u32>,
}

/// Distinct texts: the table's own, or made by a node.
#[derive(Clone, Debug)]
pub(crate) enum Dictionary<'a> {
    /// The table's.
    Borrowed(&'a [Arc<str>]),
    /// A node's.
    Shared(Arc<[Arc<str>]>),
}

/// Tokens per row, as ranges of bytes in one text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tokens {
    /// All text that tokens were cut from.
    pub(crate) text: String,
    /// Start and end of each token in `text`.
    pub(crate) spans: Vec<(usize, usize)>,
    /// Row `r` has tokens `offsets[r] .. offsets[r + 1]`.
    pub(crate) offsets: Vec<usize>,
}

/// A sparse matrix, row by row, indices ascending within a row.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Sparse {
    /// How many columns.
    pub(crate) width: usize,
    /// Row `r` has entries `offsets[r] .. offsets[r + 1]`.
    pub(crate) offsets: Vec<usize>,
    /// The column of each entry.
    pub(crate) indices: Vec<u32>,
    /// The value of each entry.
    pub(crate) values: Vec<f32>,
}

impl<T> Dense<T> {
    /// A matrix. The length must fit.
    pub(crate) fn matrix(rows: usize, width: usize, data: Vec<T>) -> Self {
        debug_assert_eq!(rows * width, data.len());
        Dense { shape: vec![rows, width], data }
    }

    /// Rows and row width, all dimensions but the first being one.
    pub(crate) fn rows_and_width(&self) -> (usize, usize) {
        rows_and_width(&self.shape)
    }
}

/// Rows and row width of a shape; a list is a matrix of one column.
pub(crate) fn rows_and_width(shape: &[usize]) -> (usize, usize) {
    match shape {
        [] => (1, 1),
        [rows, rest @ ..] => (*rows, rest.iter().product()),
    }
}

/// The number of elements of a shape, refused past the limit.
pub(crate) fn elements(shape: &[usize]) -> Result<usize, Problem> {
    shape
        .iter()
        .try_fold(1_usize, |product, size| product.checked_mul(*size))
        .filter(|product| *product <= MOST_ELEMENTS)
        .ok_or_else(|| format!("a value of shape {shape:?} is too large"))
}

impl Dictionary<'_> {
    /// The texts.
    pub(crate) fn texts(&self) -> &[Arc<str>] {
        match self {
            Dictionary::Borrowed(texts) => texts,
            Dictionary::Shared(texts) => texts,
        }
    }
}

impl Texts<'_> {
    /// The text of one code; the empty text where missing.
    pub(crate) fn text(&self, code: u32) -> &str {
        self.dictionary.texts().get(code as usize).map_or("", AsRef::as_ref)
    }

    /// Applies `function` to each element, once per distinct text where that is cheaper.
    pub(crate) fn map<T: Copy>(&self, function: impl Fn(&str) -> T) -> Vec<T> {
        let distinct = self.dictionary.texts();
        if distinct.len() > self.codes.len() {
            return self.codes.iter().map(|code| function(self.text(*code))).collect();
        }
        let missing = function("");
        let known: Vec<T> = distinct.iter().map(|text| function(text)).collect();
        self.codes.iter().map(|code| known.get(*code as usize).copied().unwrap_or(missing)).collect()
    }

    /// New texts made from each, with as small a dictionary as comes easily.
    pub(crate) fn rewrite(&self, function: impl Fn(&str) -> String) -> Texts<'static> {
        let distinct = self.dictionary.texts();
        let (dictionary, codes): (Vec<Arc<str>>, Vec<u32>) = if distinct.len() > self.codes.len() {
            let texts = self.codes.iter().map(|code| Arc::from(function(self.text(*code)))).collect();
            (texts, (0..self.codes.len() as u32).collect())
        } else {
            let mut texts: Vec<Arc<str>> = distinct.iter().map(|text| Arc::from(function(text))).collect();
            texts.push(Arc::from(function("")));
            let missing = distinct.len() as u32;
            (texts, self.codes.iter().map(|code| if *code == MISSING { missing } else { *code }).collect())
        };
        Texts { shape: self.shape.clone(), dictionary: Dictionary::Shared(dictionary.into()), codes }
    }
}

impl Sparse {
    /// How many rows.
    pub(crate) fn rows(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// The entries of a row.
    pub(crate) fn row(&self, row: usize) -> impl Iterator<Item = (usize, f32)> + '_ {
        let range = self.offsets[row]..self.offsets[row + 1];
        self.indices[range.clone()].iter().map(|index| *index as usize).zip(self.values[range].iter().copied())
    }

    /// The dense matrix.
    pub(crate) fn dense(&self) -> Result<Dense<f32>, Problem> {
        let mut data = vec![0.0; elements(&[self.rows(), self.width])?];
        for (row, cells) in data.chunks_mut(self.width.max(1)).enumerate().take(self.rows()) {
            for (index, value) in self.row(row) {
                cells[index] = value;
            }
        }
        Ok(Dense::matrix(self.rows(), self.width, data))
    }
}

impl<'a> Value<'a> {
    /// The shape.
    pub(crate) fn shape(&self) -> Vec<usize> {
        match self {
            Value::Float(dense) => dense.shape.clone(),
            Value::Double(dense) => dense.shape.clone(),
            Value::Int(dense) => dense.shape.clone(),
            Value::Bool(dense) => dense.shape.clone(),
            Value::Text(texts) => texts.shape.clone(),
            Value::Tokens(tokens) => vec![tokens.offsets.len().saturating_sub(1)],
            Value::Sparse(sparse) => vec![sparse.rows(), sparse.width],
        }
    }

    /// What it holds, in words.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Value::Float(_) => "float",
            Value::Double(_) => "double",
            Value::Int(_) => "int64",
            Value::Bool(_) => "bool",
            Value::Text(_) => "string",
            Value::Tokens(_) => "tokens",
            Value::Sparse(_) => "sparse float",
        }
    }

    /// The numbers as 32-bit floats, dense.
    pub(crate) fn floats(&self) -> Result<std::borrow::Cow<'_, Dense<f32>>, Problem> {
        use std::borrow::Cow;
        let cast = |shape: &Vec<usize>, data: Vec<f32>| Cow::Owned(Dense { shape: shape.clone(), data });
        match self {
            Value::Float(dense) => Ok(Cow::Borrowed(dense)),
            Value::Double(dense) => Ok(cast(&dense.shape, dense.data.iter().map(|value| *value as f32).collect())),
            Value::Int(dense) => Ok(cast(&dense.shape, dense.data.iter().map(|value| *value as f32).collect())),
            Value::Bool(dense) => Ok(cast(&dense.shape, dense.data.iter().map(|value| f32::from(*value)).collect())),
            Value::Sparse(sparse) => Ok(Cow::Owned(sparse.dense()?)),
            Value::Text(_) | Value::Tokens(_) => Err(format!("numbers are needed, not {}", self.kind())),
        }
    }

    /// The texts.
    pub(crate) fn texts(&self) -> Result<&Texts<'a>, Problem> {
        match self {
            Value::Text(texts) => Ok(texts),
            other => Err(format!("texts are needed, not {}", other.kind())),
        }
    }

    /// The same elements in another shape.
    pub(crate) fn reshaped(&self, shape: Vec<usize>) -> Result<Value<'a>, Problem> {
        if elements(&shape)? != elements(&self.shape())? {
            return Err(format!("a value of shape {:?} cannot take shape {shape:?}", self.shape()));
        }
        Ok(match self.clone() {
            Value::Float(dense) => Value::Float(Dense { shape, ..dense }),
            Value::Double(dense) => Value::Double(Dense { shape, ..dense }),
            Value::Int(dense) => Value::Int(Dense { shape, ..dense }),
            Value::Bool(dense) => Value::Bool(Dense { shape, ..dense }),
            Value::Text(texts) => Value::Text(Texts { shape, ..texts }),
            Value::Sparse(sparse) if shape == [sparse.rows(), sparse.width] => Value::Sparse(sparse),
            Value::Sparse(sparse) => Value::Float(Dense { shape, data: sparse.dense()?.data }),
            Value::Tokens(_) => return Err("tokens have no other shape".to_owned()),
        })
    }
}
