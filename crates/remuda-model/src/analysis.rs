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
