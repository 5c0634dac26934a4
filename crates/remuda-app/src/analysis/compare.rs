//! `analysis compare`: two candidates on the same rows: what the new one wins, what it loses, and whether that is more
//! than chance.

use super::examples::{Example, examples};
use super::judged::{AnalysisHead, judge, sample_of};
use super::mistakes::may_look;
use super::{read_split, validation};
use crate::app::App;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::gate::{Sample, difference_value, usual_metrics};
use crate::model::resolve_model;
use crate::use_case::{Access, UseCase};
use remuda_model::Digest;
use remuda_model::run::MetricValue;
use remuda_stats::{paired, paired_numbers};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Compare two candidates on the same rows: won, lost, both wrong, with rows of each.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Compare {
    /// The new one: a model's name (its newest version), a version's digest, or a run.
    pub new: String,
    /// The old one.
    pub old: String,
    /// The rows: validation, or holdout, which is a look at its rows and charged as one.
    #[arg(long, default_value = "validation")]
    #[serde(default = "validation")]
    pub split: String,
    /// How many rows to show of each kind.
    #[arg(long, default_value_t = 5)]
    #[serde(default = "five")]
    pub limit: usize,
}

fn five() -> usize {
    5
}

impl Compare {
    /// The usual question about two candidates.
    pub fn of(new: &str, old: &str) -> Self {
        Self { new: new.to_owned(), old: old.to_owned(), split: validation(), limit: five() }
    }
}

/// Two candidates side by side.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Comparison {
    /// What was judged: the new candidate, on rows that both were judged on.
    #[serde(flatten)]
    pub head: AnalysisHead,
    /// The old candidate.
    pub old: Digest,
    /// Its name.
    pub old_name: String,
    /// New less old of the usual metrics, paired, each with its interval.
    pub differences: Vec<MetricValue>,
    /// Rows that the new one has right and the old one wrong; of numbers, rows where its error is smaller.
    pub won: u64,
    /// The reverse.
    pub lost: u64,
    /// Rows that both have right; none for numbers.
    pub both_right: Option<u64>,
    /// Rows that both have wrong; none for numbers.
    pub both_wrong: Option<u64>,
    /// Two-sided: the chance of so uneven a count of won and lost, were both equally good (exact McNemar); of numbers, of
    /// so uneven errors (Wilcoxon's signed ranks).
    pub p_value: Option<f64>,
    /// Rows that were won, as the new one answers them; of classes those it is surest of.
    pub won_examples: Vec<Example>,
    /// Rows that were lost, as the new one answers them.
    pub lost_examples: Vec<Example>,
    /// Rows that both have wrong.
    pub wrong_examples: Vec<Example>,
}

impl UseCase for Compare {
    const NOUN: &'static str = "analysis";
    const VERB: &'static str = "compare";
    const ACCESS: Access = Access::Read;
    const ABOUT: &'static str = "Compare two candidates on the same rows: won, lost, both wrong, with rows of each.";
    type Answer = Comparison;

    async fn run(self, app: &App, context: &Context) -> Result<Comparison> {
        let split = read_split(&self.split)?;
        if !(1..=1_000).contains(&self.limit) {
            return Err(Error::new("request.invalid", format!("{} rows of each kind cannot be shown", self.limit))
                .hint("write `--limit 1` to `--limit 1000`"));
        }
        may_look(context, split)?;
        let old = resolve_model(app, context, &self.old).await?.version;
        let judged = judge(app, context, &self.new, split, "comparison").await?;
        if old.signature.label != judged.model.signature.label {
            let text = format!(
                "`{}` predicts `{}` and `{}` predicts `{}`",
                judged.model.name, judged.model.signature.label, old.name, old.signature.label
            );
            return Err(Error::new("request.invalid", text).hint("compare candidates for the same label"));
        }
        context.tell(0.6, "predicting with the other");
        let (other, kept, _) = sample_of(app, &judged.rows, &judged.contract, &old).await?;
        if kept != judged.kept {
            return Err(Error::new("data.unusable", "the two candidates can be judged on different rows only"));
        }
        let other = other.in_order_of(&judged.sample);
        let sorted = Sorted::new(&judged.sample, &other)?;
        let metrics = usual_metrics(&judged.model.signature);
        let differences = metrics.iter().map(|metric| difference_value(metric, &judged.sample, &other, split.as_str()));
        let (won, lost) = (sorted.won.len() as u64, sorted.lost.len() as u64);
        let shown = |places: &[usize]| examples(&judged, places.iter().take(self.limit).copied());
        Ok(Comparison {
            head: judged.head(split),
            old: old.digest.clone(),
            old_name: old.name.clone(),
            differences: differences.collect(),
            won,
            lost,
            both_right: sorted.both_right,
            both_wrong: sorted.both_wrong.as_ref().map(|rows| rows.len() as u64),
            p_value: sorted.p_value,
            won_examples: shown(&sorted.won),
            lost_examples: shown(&sorted.lost),
            wrong_examples: shown(sorted.both_wrong.as_deref().unwrap_or_default()),
        })
    }
}

/// Rows by who has them right, the most telling first.
struct Sorted {
    won: Vec<usize>,
    lost: Vec<usize>,
    both_right: Option<u64>,
    both_wrong: Option<Vec<usize>>,
    p_value: Option<f64>,
}

impl Sorted {
    fn new(new: &Sample, old: &Sample) -> Result<Self> {
        match (new, old) {
            (Sample::Classes(new), Sample::Classes(old)) => {
                let (confidences, right) = new.confidences();
                let other = old.right();
                let places = |ours: bool, theirs: bool| {
                    let fits = |place: &usize| right[*place] == ours && other[*place] == theirs;
                    let mut places: Vec<usize> = (0..right.len()).filter(fits).collect();
                    places.sort_by(|one, two| confidences[*two].total_cmp(&confidences[*one]));
                    places
                };
                let (won, lost) = (places(true, false), places(false, true));
                Ok(Self {
                    p_value: Some(paired::mcnemar(won.len() as u64, lost.len() as u64).exact),
                    won,
                    lost,
                    both_right: Some(places(true, true).len() as u64),
                    both_wrong: Some(places(false, false)),
                })
            }
            (Sample::Numbers { truth, predicted }, Sample::Numbers { predicted: other, .. }) => {
                let gain: Vec<f64> = truth
                    .iter()
                    .zip(predicted.iter().zip(other))
                    .map(|(truth, (new, old))| (old - truth).abs() - (new - truth).abs())
                    .collect();
                let places = |sign: f64| {
                    let mut places: Vec<usize> = (0..gain.len()).filter(|place| gain[*place] * sign > 0.0).collect();
                    places.sort_by(|one, two| (gain[*two] * sign).total_cmp(&(gain[*one] * sign)));
                    places
                };
                let errors = |predicted: &[f64]| -> Vec<f64> {
                    truth.iter().zip(predicted).map(|(truth, predicted)| (predicted - truth).abs()).collect()
                };
                let ranks = paired_numbers::signed_rank(&errors(predicted), &errors(other));
                let p_value = ranks.ok().map(|test| test.p_value);
                Ok(Self { won: places(1.0), lost: places(-1.0), both_right: None, both_wrong: None, p_value })
            }
            _ => Err(Error::new("request.invalid", "one candidate answers classes and the other numbers")),
        }
    }
}
