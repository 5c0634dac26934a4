//! Analysis of mistakes: confusion counts and slices. (Clusters and behavioural tests grow here.)

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Counts of truth against prediction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Confusion {
    /// The classes, in the order of rows and columns.
    pub classes: Vec<String>,
    /// `counts[truth * classes + predicted]`.
    pub counts: Vec<u64>,
}

impl Confusion {
    /// An empty matrix over these classes.
    pub fn new(classes: Vec<String>) -> Self {
        let cells = classes.len() * classes.len();
        Self { classes, counts: vec![0; cells] }
    }

    /// Rows of truth `truth` that were predicted as `predicted`.
    pub fn at(&self, truth: usize, predicted: usize) -> u64 {
        self.counts[truth * self.classes.len() + predicted]
    }

    /// One more row.
    pub fn add(&mut self, truth: usize, predicted: usize) {
        let width = self.classes.len();
        self.counts[truth * width + predicted] += 1;
    }
}

/// How a candidate's scores behave over all thresholds, and whether they mean what they say.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Curves {
    /// The class whose probability is the score; none: the score is that of the predicted class, for being right.
    pub class: Option<String>,
    /// From the strictest threshold to the most lenient; empty without a class.
    pub thresholds: Vec<ThresholdPoint>,
    /// At most twenty bins of equally many rows: what was promised, what happened.
    pub calibration: Vec<CalibrationBin>,
}

/// What happens when everything scored at least `threshold` is called positive.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ThresholdPoint {
    /// The threshold.
    pub threshold: f64,
    /// Share of positive rows that are called positive.
    pub recall: f64,
    /// Share of negative rows that are called positive.
    pub false_alarms: f64,
    /// Share of rows called positive that are.
    pub precision: f64,
}

/// Rows of like scores.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CalibrationBin {
    /// Rows.
    pub n: u64,
    /// Their mean score: what the candidate promised.
    pub promised: f64,
    /// The share that was positive (or right): what happened.
    pub happened: f64,
    /// Its two-sided 95 % interval.
    pub lower: f64,
    /// Its upper end.
    pub upper: f64,
}

/// A slice with a name, as `slices.toml` has it: rows that somebody wants to watch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NamedSlice {
    /// Its name.
    pub name: String,
    /// The dataset whose rows it is of.
    pub dataset: String,
    /// The predicate, in the SQL that `where` takes in a criterion.
    pub filter: String,
    /// Why it is watched; empty when nobody said.
    pub why: String,
}
