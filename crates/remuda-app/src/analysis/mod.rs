//! The analysis of mistakes: where a candidate fails, on which rows, and whether that can be believed.
//!
//! It reads validation rows unless the holdout is asked for, which is a look at its rows and charged as one
//! ([`judged`]). Nothing here decides a criterion: that is the gate's.

mod test;
mod test_answer;
mod test_failure;
mod test_judge;
pub(crate) mod test_run;
pub(crate) mod test_tally;

pub use test::{ShowTests, Test};
pub use test_answer::{
    Answered, CapabilityRow, DefinedTests, Failure, MatrixCell, PassRate, TestResult, TestState, Tested, TestedFile,
};
mod chosen;
mod compare;
mod doubted;
mod examples;
mod expect;
pub(crate) mod judged;
mod keep;
mod label_count;
mod labels;
mod look;
mod losses;
mod mistakes;
pub(crate) mod newest;
mod numbers;
mod phrases;
mod phrases_found;
mod request_labels;
mod require;
mod slices;
mod slicing;
mod threshold;
mod threshold_rules;

use remuda_model::Digest;
use remuda_model::data::Split;
use remuda_model::run::MetricValue;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use chosen::is_number;
pub use compare::{Compare, Comparison};
pub use doubted::Doubted;
pub use examples::{Example, Input};
pub use expect::{Expect, Expected, expect};
pub use judged::AnalysisHead;
pub(crate) use keep::check_slices;
pub use keep::{Keep, Kept, keep};
pub use labels::{DoubtfulLabel, DoubtfulLabels, DoubtfulPair, Labels};
pub use mistakes::{CellExamples, Mistakes, MistakesFound};
pub use newest::Findings;
pub use phrases::{ConfusedPair, FoundPhrase, PhraseExample, Phrases, PhrasesFound, Piece};
pub use request_labels::{LabelRequest, RequestLabels, RequestedLabels};
pub use require::{Require, Required, require};
pub use threshold::{
    ChosenThreshold, CostPoint, DecisionChange, DecisionCost, DecisionRule, RuleKind, Threshold, ThresholdFound,
    cost_files,
};

use crate::error::{Error, Result};

/// Find the slices of data on which a candidate is worst, and check them on rows that the search has not seen.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Slices {
    /// A model's name (its newest version), a version's digest, or a run (its only or last model).
    pub candidate: String,
    /// The rows: validation, or holdout, which is a look at its rows and charged as one.
    #[arg(long, default_value = "validation")]
    #[serde(default = "validation")]
    pub split: String,
    /// What counts as bad: accuracy, `recall of CLASS`, log_loss, brier; mae or rmse for numbers.
    #[arg(long)]
    #[serde(default)]
    pub metric: Option<String>,
    /// The fewest rows of a slice in the half that is searched: a number (40) or a share (2%).
    #[arg(long, value_name = "ROWS|SHARE")]
    #[serde(default)]
    pub min_support: Option<String>,
    /// The most conditions of one slice, 1 to 4.
    #[arg(long, default_value_t = 3)]
    #[serde(default = "three")]
    pub depth: usize,
    /// Only these columns, separated by commas; without it, every column that is no key, label or weight.
    #[arg(long, value_delimiter = ',', value_name = "COLUMN,…")]
    #[serde(default)]
    pub columns: Vec<String>,
    /// How many slices to report at the most: each is one more claim that must hold.
    #[arg(long, default_value_t = 8)]
    #[serde(default = "eight")]
    pub limit: usize,
    /// How much the loss counts against the size of a slice, above 0 and up to 1.
    #[arg(long, default_value_t = 0.95)]
    #[serde(default = "usual_weight")]
    pub weight: f64,
}

/// Show an analysis again. Costs nothing.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Show {
    /// An analysis's id, `newest`, or a candidate (its newest analysis).
    pub analysis: String,
}

/// List analyses, newest first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct List {}

impl Slices {
    /// The usual question about a candidate.
    pub fn of(candidate: &str) -> Self {
        Self {
            candidate: candidate.to_owned(),
            split: validation(),
            metric: None,
            min_support: None,
            depth: three(),
            columns: Vec::new(),
            limit: eight(),
            weight: usual_weight(),
        }
    }
}

pub(crate) fn validation() -> String {
    "validation".to_owned()
}

fn three() -> usize {
    3
}

fn eight() -> usize {
    8
}

fn usual_weight() -> f64 {
    0.95
}

/// The split that a request names.
pub(crate) fn read_split(word: &str) -> Result<Split> {
    match Split::parse(word) {
        Some(split @ (Split::Validation | Split::Holdout)) => Ok(split),
        Some(Split::Train) => Err(Error::new("request.invalid", "a model is not judged on the rows that it learnt")
            .hint("write `--split validation`")),
        None => Err(Error::new("request.invalid", format!("`{word}` is no split")).hint("write validation or holdout")),
    }
}

/// What a search for slices found.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Sliced {
    /// Its id.
    pub id: String,
    /// The candidate.
    pub model: Digest,
    /// The candidate's name.
    pub model_name: String,
    /// The dataset.
    pub dataset: String,
    /// Its version.
    pub version: Digest,
    /// `validation` or `holdout`.
    pub split: String,
    /// Whether a look at the holdout was charged.
    pub charged: bool,
    /// The metric asked about: `accuracy`, `recall of yes`, `mae`.
    pub metric: String,
    /// What the losses are, in words: `error rate`, `absolute error`.
    pub loss: String,
    /// The loss is a share of rows.
    pub is_rate: bool,
    /// Rows searched.
    pub searched: u64,
    /// The mean loss of the rows searched.
    pub searched_mean: f64,
    /// The fewest rows of a slice.
    pub least_rows: u64,
    /// The most conditions.
    pub depth: u32,
    /// How much the loss counted against the size.
    pub weight: f64,
    /// The columns that were sliced by.
    pub columns: Vec<String>,
    /// Columns that were left out, and why.
    pub left_out: Vec<LeftOut>,
    /// The mean loss of all rows that the slices were checked on.
    pub overall: MetricValue,
    /// The slices: those that are confirmed first, and the worst of the search first among them.
    pub slices: Vec<FoundSlice>,
    /// Why there is no slice, when there is none.
    pub nothing: Option<String>,
    /// Requests for labels of its slices, newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<LabelRequest>,
    /// Who asked.
    pub actor: String,
    /// When, microseconds since 1970.
    pub time: i64,
    /// The fact's id.
    pub fact: String,
}

/// A column that was not sliced by.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LeftOut {
    /// The column.
    pub column: String,
    /// Why.
    pub why: String,
}

/// A slice that the search found, as the other half of the rows has it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct FoundSlice {
    /// Its place, from 1.
    pub number: u32,
    /// Which rows, in the SQL that `where` takes in a criterion.
    pub filter: String,
    /// Its rows in the half that was searched.
    pub searched_rows: u64,
    /// Their mean loss: the search chose the slice for it, so it is too high.
    pub searched_mean: f64,
    /// SliceLine's score, there.
    pub score: f64,
    /// How many slices of much the same rows it stands for besides itself.
    pub others: u32,
    /// The number of the slice that it lies within, when it is shown to be worse than that one's other rows: then
    /// `rest`, `difference` and the p-values are against those.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<u32>,
    /// Narrower slices within it that were found too and are not shown to be worse than its other rows.
    #[serde(default)]
    pub parts: u32,
    /// Its rows in the other half.
    pub rows: u64,
    /// Their mean loss.
    pub inside: MetricValue,
    /// The mean loss of all rows outside of it, or of those of the slice that it lies within.
    pub rest: Option<f64>,
    /// Inside less outside.
    pub difference: MetricValue,
    /// The chance to see as much were the slice no worse than the rest, before the claims are counted.
    pub p_value: Option<f64>,
    /// The same after Holm's correction for all slices that are reported.
    pub adjusted: Option<f64>,
    /// The test.
    pub test: String,
    /// Worse than the rest (of the slice that it lies within) beyond what chance explains: the adjusted p-value is at most
    /// 0.05.
    pub confirmed: bool,
    /// The name that it has in `slices.toml`.
    #[serde(default)]
    pub name: Option<String>,
}

/// An analysis in a list.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AnalysisLine {
    /// Its id.
    pub id: String,
    /// What was asked: `slices`.
    pub kind: String,
    /// The candidate.
    pub model: Digest,
    /// The candidate's name.
    pub model_name: String,
    /// The dataset version.
    pub version: Digest,
    /// The rows: `validation` or `holdout`.
    pub split: String,
    /// What it found, in a few words.
    pub found: String,
    /// Who asked.
    pub actor: String,
    /// When, microseconds since 1970.
    pub time: i64,
}

/// Analyses, newest first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Analyses {
    /// One each.
    pub analyses: Vec<AnalysisLine>,
    /// Requests for labels, newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<LabelRequest>,
}
