//! The two shapes every method answers with: an [`Estimate`], or the named reason why there is none.

use serde::{Deserialize, Serialize};

/// A number with its uncertainty.
///
/// `lower` and `upper` are each a ONE-SIDED bound at `confidence`: the pair is a two-sided interval at
/// `2 * confidence - 1`. All numbers are finite.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The point estimate.
    pub value: f64,
    /// With `confidence`, the truth is at least this.
    pub lower: f64,
    /// With `confidence`, the truth is at most this.
    pub upper: f64,
    /// The one-sided confidence of each bound, between 0 and 1.
    pub confidence: f64,
    /// The number of rows (or pairs, or groups) the estimate rests on.
    pub n: u64,
    /// The method that gave the bounds, such as "Clopper-Pearson".
    pub method: String,
}

/// An interval without a point: two-sided unless the function that returns it says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// Why a number does not exist. Never a silent zero, never NaN.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub enum Undefined {
    /// Nothing was given to count.
    #[error("there are no rows to estimate from")]
    NoRows,
    /// No row belongs to the positive class.
    #[error("no row is of the positive class")]
    NoPositives,
    /// Every row belongs to the positive class.
    #[error("no row is of the negative class")]
    NoNegatives,
    /// No row was predicted to be of the class, so its precision has nothing to divide by.
    #[error("no row was predicted to be of the positive class")]
    NoPredictedPositives,
    /// All values are equal where the method needs at least two different ones.
    #[error("all rows have the same value, and this number needs at least two different ones")]
    OneValueOnly,
    /// Some inputs are NaN or infinite.
    #[error("{count} values are missing or not finite")]
    NotFinite {
        /// How many.
        count: u64,
    },
    /// Fewer rows than the method needs at this confidence.
    #[error("at least {needed} rows are needed and there are {have}")]
    TooFew {
        /// The smallest number of rows that would do.
        needed: u64,
        /// The number that is there.
        have: u64,
    },
    /// Fewer groups (units of independence, or groups to compare) than the method needs.
    #[error("the method needs {needed} groups, and there {} {have}", if *have == 1 { "is" } else { "are" })]
    TooFewGroups {
        /// The smallest number of groups that would do.
        needed: u64,
        /// The number that is there.
        have: u64,
    },
    /// Two columns that belong together differ in length.
    #[error("two columns that belong together have {left} and {right} rows")]
    UnequalLengths {
        /// Rows of the first column.
        left: u64,
        /// Rows of the second column.
        right: u64,
    },
    /// An argument lies outside the range in which the method makes sense.
    #[error("{what} is {value}, which is outside its range")]
    OutOfRange {
        /// The argument.
        what: String,
        /// The value it had.
        value: f64,
    },
    /// The value divided by is zero (a relative error at a true value of zero, for one).
    #[error("the number divides by zero: {what} is zero")]
    DividesByZero {
        /// What is zero.
        what: String,
    },
    /// Every resample gave the same value: resampling cannot tell how sure we may be.
    #[error("the number is the same on every resample, so resampling cannot say how sure it is")]
    NoVariation,
    /// The statistic could not be computed on some of the resamples, so its spread is unknown.
    #[error("the number does not exist on {undefined} of {replicates} resamples, so its uncertainty is unknown")]
    UndefinedOnResamples {
        /// Resamples without a value.
        undefined: u64,
        /// Resamples drawn.
        replicates: u64,
    },
    /// An iterative method found no solution.
    #[error("no solution was found for {what}")]
    NotConverged {
        /// What was being solved.
        what: String,
    },
}

/// What every function of this crate returns.
pub type Result<T> = std::result::Result<T, Undefined>;

/// Refuses a confidence (or level) that is not strictly between 0 and 1.
pub(crate) fn check_confidence(confidence: f64) -> Result<()> {
    check_open("the confidence", confidence)
}

/// Refuses a value that is not strictly between 0 and 1.
pub(crate) fn check_open(what: &str, value: f64) -> Result<()> {
    if value > 0.0 && value < 1.0 { Ok(()) } else { Err(out_of_range(what, value)) }
}

/// Refuses a value that is not between 0 and 1, ends included.
pub(crate) fn check_closed(what: &str, value: f64) -> Result<()> {
    if (0.0..=1.0).contains(&value) { Ok(()) } else { Err(out_of_range(what, value)) }
}

/// Refuses a value that is not a finite number above zero.
pub(crate) fn check_positive(what: &str, value: f64) -> Result<()> {
    if value > 0.0 && value.is_finite() { Ok(()) } else { Err(out_of_range(what, value)) }
}

/// The refusal of an argument. A value that is not finite is reported as the nearest finite number.
pub(crate) fn out_of_range(what: &str, value: f64) -> Undefined {
    let value = if value.is_nan() { 0.0 } else { value.clamp(f64::MIN, f64::MAX) };
    Undefined::OutOfRange { what: what.to_owned(), value }
}

/// Refuses an empty column and one with values that are not finite.
pub(crate) fn check_finite(values: &[f64]) -> Result<()> {
    if values.is_empty() {
        return Err(Undefined::NoRows);
    }
    let count = values.iter().filter(|value| !value.is_finite()).count() as u64;
    if count > 0 { Err(Undefined::NotFinite { count }) } else { Ok(()) }
}

/// Refuses two columns of different lengths.
pub(crate) fn check_lengths(left: usize, right: usize) -> Result<()> {
    if left == right { Ok(()) } else { Err(Undefined::UnequalLengths { left: left as u64, right: right as u64 }) }
}
