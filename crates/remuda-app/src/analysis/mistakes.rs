//! `analysis mistakes`: the confusion matrix with rows behind its cells, the surest mistakes, the largest errors, and how
//! far what the candidate promises is what comes.

use super::examples::{Example, examples};
use super::judged::{AnalysisHead, Judged, judge};
use super::{read_split, validation};
use crate::app::App;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::gate::{ClassSample, Sample, metric_value, usual_metrics};
use crate::use_case::{Access, UseCase};
use remuda_model::analysis::{CalibrationBin, Confusion};
use remuda_model::data::Split;
use remuda_model::gate::criterion::{Metric, MetricOf};
use remuda_model::run::MetricValue;
use remuda_stats::calibration::{Binning, reliability};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Cells of the matrix whose rows are shown.
const CELLS: usize = 24;
/// Bins of the calibration curve.
const BINS: usize = 10;

/// Show a candidate's mistakes: the confusion matrix with rows behind its cells, the surest mistakes, calibration.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Mistakes {
    /// A model's name (its newest version), a version's digest, or a run (its only or last model).
    pub candidate: String,
    /// The rows: validation, or holdout, which is a look at its rows and charged as one.
    #[arg(long, default_value = "validation")]
    #[serde(default = "validation")]
    pub split: String,
    /// How many rows to show of each kind.
    #[arg(long, default_value_t = 5)]
    #[serde(default = "five")]
    pub limit: usize,
}

impl Mistakes {
    /// The usual question about a candidate.
    pub fn of(candidate: &str) -> Self {
        Self { candidate: candidate.to_owned(), split: validation(), limit: five() }
    }
}

fn five() -> usize {
    5
}

/// A candidate's mistakes.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct MistakesFound {
    /// What was judged.
    #[serde(flatten)]
    pub head: AnalysisHead,
    /// Rows that are wrong; none for numbers.
    pub wrong: Option<u64>,
    /// The usual metrics, with their intervals.
    pub metrics: Vec<MetricValue>,
    /// Truth against prediction (classes only).
    pub confusion: Option<Confusion>,
    /// Rows behind the cells that have mistakes, the fullest cells first.
    pub cells: Vec<CellExamples>,
    /// The wrong rows of which the candidate was surest; for numbers those with the largest errors.
    pub worst: Vec<Example>,
    /// What was promised against what came, by rising promise (classes with probabilities only).
    pub calibration: Vec<CalibrationBin>,
    /// The class that was promised; none where it is whatever the candidate says.
    pub calibrated: Option<String>,
    /// The expected calibration error.
    pub calibration_error: Option<MetricValue>,
}

/// Rows of one cell of the matrix, the surest first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CellExamples {
    /// The true class.
    pub truth: String,
    /// The predicted class.
    pub predicted: String,
    /// How many rows the cell has.
    pub rows: u64,
    /// Some of them.
    pub examples: Vec<Example>,
}

impl UseCase for Mistakes {
    const NOUN: &'static str = "analysis";
    const VERB: &'static str = "mistakes";
    const ACCESS: Access = Access::Read;
    const ABOUT: &'static str =
        "Show a candidate's mistakes: the matrix with rows behind its cells, the surest ones, calibration.";
    type Answer = MistakesFound;

    async fn run(self, app: &App, context: &Context) -> Result<MistakesFound> {
        let split = read_split(&self.split)?;
        if !(1..=1_000).contains(&self.limit) {
            return Err(Error::new("request.invalid", format!("{} rows of each kind cannot be shown", self.limit))
                .hint("write `--limit 1` to `--limit 1000`"));
        }
        may_look(context, split)?;
        let judged = judge(app, context, &self.candidate, split, "mistakes").await?;
        let mut found = MistakesFound {
            head: judged.head(split),
            wrong: None,
            metrics: usual_metrics(&judged.model.signature)
                .iter()
                .map(|metric| metric_value(metric, &judged.sample, split.as_str()))
                .collect(),
            confusion: None,
            cells: Vec::new(),
            worst: Vec::new(),
            calibration: Vec::new(),
            calibrated: None,
            calibration_error: None,
        };
        match &judged.sample {
            Sample::Classes(sample) => of_classes(&judged, sample, self.limit, &mut found),
            Sample::Numbers { truth, predicted } => {
                let mut order: Vec<usize> = (0..truth.len()).collect();
                let error = |place: usize| (predicted[place] - truth[place]).abs();
                order.sort_by(|one, other| error(*other).total_cmp(&error(*one)));
                found.worst = examples(&judged, order.into_iter().take(self.limit));
            }
        }
        Ok(found)
    }
}

/// Reading holdout rows is charged, so only a member may.
pub(super) fn may_look(context: &Context, split: Split) -> Result<()> {
    if split != Split::Holdout || context.may_write() {
        return Ok(());
    }
    Err(Error::new("access.denied", "only a member may look at holdout rows").hint("write `--split validation`"))
}

fn of_classes(judged: &Judged, sample: &ClassSample, limit: usize, found: &mut MistakesFound) {
    let width = sample.classes.len();
    let confusion = Confusion { classes: sample.classes.to_vec(), counts: sample.confusion() };
    let (confidences, right) = sample.confidences();
    let mut wrong: Vec<usize> = (0..right.len()).filter(|place| !right[*place]).collect();
    wrong.sort_by(|one, other| confidences[*other].total_cmp(&confidences[*one]));
    let mut cells: Vec<(usize, usize)> =
        (0..width * width).map(|cell| (cell / width, cell % width)).filter(|(truth, said)| truth != said).collect();
    cells.sort_by_key(|(truth, said)| std::cmp::Reverse(confusion.at(*truth, *said)));
    let full = cells.into_iter().take(CELLS).filter(|(truth, said)| confusion.at(*truth, *said) > 0);
    found.cells = full
        .map(|(truth, said)| {
            let is_here =
                |place: &&usize| (sample.truth[**place] as usize, sample.predicted[**place] as usize) == (truth, said);
            CellExamples {
                truth: sample.classes[truth].clone(),
                predicted: sample.classes[said].clone(),
                rows: confusion.at(truth, said),
                examples: examples(judged, wrong.iter().filter(is_here).take(limit).copied()),
            }
        })
        .collect();
    found.wrong = Some(wrong.len() as u64);
    found.worst = examples(judged, wrong.into_iter().take(limit));
    found.confusion = Some(confusion);
    if sample.known > 0 {
        let (promised, came) = match sample.positive {
            Some(class) if width == 2 => {
                found.calibrated = Some(sample.classes[class].clone());
                (sample.scores(class), sample.is(class))
            }
            _ => (confidences, right),
        };
        found.calibration = curve(&promised, &came);
        let metric = MetricOf { metric: Metric::Ece, class: None };
        found.calibration_error = Some(metric_value(&metric, &judged.sample, &found.head.split));
    }
}

/// The reliability diagram in bins of equally many rows, each with its exact interval.
fn curve(promised: &[f64], came: &[bool]) -> Vec<CalibrationBin> {
    let bins = reliability(promised, came, BINS, Binning::EqualCount).unwrap_or_default();
    bins.into_iter()
        .filter_map(|bin| {
            let rate = remuda_stats::proportion::rate(bin.positives, bin.n, 0.975).ok()?;
            Some(CalibrationBin {
                n: bin.n,
                promised: bin.mean_score,
                happened: rate.value,
                lower: rate.lower,
                upper: rate.upper,
            })
        })
        .collect()
}
