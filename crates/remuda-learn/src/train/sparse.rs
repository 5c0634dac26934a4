//! The encoded training rows as a sparse matrix, by rows and by columns: what the linear learner walks.

use crate::evaluate::value::{Problem, Value};

/// A matrix both ways.
#[derive(Debug, Default)]
pub(crate) struct Matrix {
    /// How many rows.
    pub(crate) rows: usize,
    /// How many columns.
    pub(crate) width: usize,
    /// Entries of row `r`: `row_starts[r] .. row_starts[r + 1]`.
    pub(crate) row_starts: Vec<usize>,
    /// Column and value of each entry.
    pub(crate) entries: Vec<(u32, f32)>,
    /// Entries of column `c` by columns: `column_starts[c] .. column_starts[c + 1]`.
    pub(crate) column_starts: Vec<usize>,
    /// Row and value of each entry, by columns.
    pub(crate) by_column: Vec<(u32, f32)>,
}

impl Matrix {
    /// From blocks of rows.
    pub(crate) fn from_blocks(blocks: &[Value]) -> Result<Self, Problem> {
        let mut matrix = Matrix { row_starts: vec![0], ..Matrix::default() };
        for block in blocks {
            match block {
                Value::Sparse(sparse) => {
                    matrix.width = sparse.width;
                    for row in 0..sparse.rows() {
                        matrix.entries.extend(sparse.row(row).map(|(index, value)| (index as u32, value)));
                        matrix.row_starts.push(matrix.entries.len());
                    }
                }
                other => {
                    let dense = other.floats()?;
                    let (_, width) = dense.rows_and_width();
                    matrix.width = width;
                    for row in dense.data.chunks_exact(width.max(1)) {
                        let filled = row.iter().enumerate().filter(|(_, value)| **value != 0.0);
                        matrix.entries.extend(filled.map(|(index, value)| (index as u32, *value)));
                        matrix.row_starts.push(matrix.entries.len());
                    }
                }
            }
        }
        matrix.rows = matrix.row_starts.len() - 1;
        matrix.transpose();
        Ok(matrix)
    }

    fn transpose(&mut self) {
        let mut starts = vec![0_usize; self.width + 1];
        self.entries.iter().for_each(|entry| starts[entry.0 as usize + 1] += 1);
        for column in 0..self.width {
            starts[column + 1] += starts[column];
        }
        let mut next = starts.clone();
        self.by_column = vec![(0, 0.0); self.entries.len()];
        for row in 0..self.rows {
            for (column, value) in &self.entries[self.row_starts[row]..self.row_starts[row + 1]] {
                let place = &mut next[*column as usize];
                self.by_column[*place] = (row as u32, *value);
                *place += 1;
            }
        }
        self.column_starts = starts;
    }

    /// The standard deviation of a column.
    pub(crate) fn deviation(&self, column: usize) -> f64 {
        let entries = &self.by_column[self.column_starts[column]..self.column_starts[column + 1]];
        let count = self.rows.max(1) as f64;
        let mean = entries.iter().map(|entry| f64::from(entry.1)).sum::<f64>() / count;
        let squares = entries.iter().map(|entry| f64::from(entry.1).powi(2)).sum::<f64>() / count;
        (squares - mean * mean).max(0.0).sqrt()
    }
}
