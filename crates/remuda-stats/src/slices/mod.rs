//! Slices: conjunctions of column values whose rows have a greater mean loss than all rows.
//!
//! [`search`] walks the lattice of conjunctions in the manner of SliceLine (Sagadeeva & Boehm 2021, "SliceLine: Fast,
//! linear-algebra-based slice finding for ML model debugging", SIGMOD), [`widen`] lets a bin of an ordered column grow
//! into a range, [`merge`] joins slices of much the same rows, and [`confirm`] judges a slice on rows that the search
//! has not seen ([`confirm_within`]: against the slice around it, which [`around`] finds). What the codes mean is the caller's: here are numbers only.

mod confirm;
mod nested;
mod search;
mod shape;

pub use confirm::{Confirmed, Losses, confirm, confirm_units};
pub use nested::{around, confirm_within, in_common, settle};
pub use search::search;
pub use shape::{Joined, Merged, bitmap, join, members, merge, widen};

use crate::estimate::{Result, Undefined, check_finite, check_lengths, out_of_range};

/// The code of a row that is at no level of a column.
pub const NONE: u8 = u8::MAX;

/// The most columns that one search takes.
pub const MOST_COLUMNS: usize = 256;

/// The most conditions in one slice.
pub const DEEPEST: usize = 4;

/// A column as codes.
#[derive(Clone, Copy, Debug)]
pub struct Column<'a> {
    /// Per row its level, below `levels`; or [`NONE`].
    pub codes: &'a [u8],
    /// How many levels there are, at most 255.
    pub levels: usize,
    /// The first so many levels are in an order, so that neighbours may be joined into a range; 0: none are.
    pub ordered: usize,
}

/// What to look for.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How much the error counts against the size, above 0 and up to 1: SliceLine's alpha, 0.95 there.
    pub alpha: f64,
    /// The fewest rows of a slice, at least 1.
    pub least_rows: usize,
    /// The most conditions of a slice, 1 to [`DEEPEST`].
    pub depth: usize,
    /// How many slices to keep.
    pub top: usize,
}

/// One condition: a level of a column, or a range of neighbouring ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Condition {
    /// The column's place.
    pub column: usize,
    /// The first level.
    pub from: u8,
    /// The last level, the same as `from` unless levels were joined.
    pub to: u8,
}

impl Condition {
    /// Whether a row with this code is in.
    #[inline]
    pub fn holds(&self, code: u8) -> bool {
        (self.from..=self.to).contains(&code)
    }
}

/// A slice of the rows searched.
#[derive(Clone, Debug, PartialEq)]
pub struct Slice {
    /// All of these hold; columns ascend.
    pub conditions: Vec<Condition>,
    /// Rows.
    pub rows: u64,
    /// The mean loss of its rows.
    pub mean: f64,
    /// alpha (mean / mean of all - 1) - (1 - alpha) (rows of all / rows - 1); above 0 for every slice that is given.
    pub score: f64,
}

/// What the score needs of all rows.
#[derive(Clone, Copy, Debug)]
struct Scale {
    rows: f64,
    mean: f64,
    alpha: f64,
}

impl Scale {
    fn score(&self, rows: f64, sum: f64) -> f64 {
        self.alpha * (sum / rows / self.mean - 1.0) - (1.0 - self.alpha) * (self.rows / rows - 1.0)
    }
}

/// The scale; `None` where no slice can be worse than the whole: no row has a loss.
fn scale(columns: &[Column<'_>], losses: &[f64], settings: &Settings) -> Result<Option<Scale>> {
    check_finite(losses)?;
    if let Some(loss) = losses.iter().find(|loss| **loss < 0.0) {
        return Err(out_of_range("a loss", *loss));
    }
    if !(settings.alpha > 0.0 && settings.alpha <= 1.0) {
        return Err(out_of_range("alpha", settings.alpha));
    }
    if !(1..=DEEPEST).contains(&settings.depth) {
        return Err(out_of_range("the number of conditions", settings.depth as f64));
    }
    if columns.len() > MOST_COLUMNS {
        return Err(out_of_range("the number of columns", columns.len() as f64));
    }
    for column in columns {
        check_lengths(column.codes.len(), losses.len())?;
        if column.levels > usize::from(NONE) || column.ordered > column.levels {
            return Err(out_of_range("the number of levels", column.levels as f64));
        }
        if let Some(code) = column.codes.iter().find(|code| **code != NONE && usize::from(**code) >= column.levels) {
            return Err(out_of_range("a code", f64::from(*code)));
        }
    }
    let mean = losses.iter().sum::<f64>() / losses.len() as f64;
    if !mean.is_finite() {
        return Err(Undefined::NotFinite { count: 1 });
    }
    Ok((mean > 0.0).then_some(Scale { rows: losses.len() as f64, mean, alpha: settings.alpha }))
}
