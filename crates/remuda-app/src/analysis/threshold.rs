//! `analysis threshold`: from which score on a yes is cheapest under a cost table, chosen on validation rows, with what it
//! costs on others; of several classes, the decisions that cost least if probabilities mean what they say.

use super::judged::{AnalysisHead, Judged, judge};
use super::numbers::value;
use super::slicing::CONFIDENCE;
use super::threshold_rules::{Table, of_several, of_two};
use super::{read_split, validation};
use crate::app::App;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::gate::costs::{self, Costs};
use crate::gate::{ClassSample, Sample};
use crate::use_case::{Access, UseCase};
use remuda_data::Rows;
use remuda_model::analysis::Confusion;
use remuda_model::data::{Contract, Split};
use remuda_model::run::MetricValue;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Costs of pairs that an answer lists.
const PRICES: usize = 60;

/// Choose the decision threshold that costs least under a cost file, and say what it costs on rows it was not chosen on.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Threshold {
    /// A model's name (its newest version), a version's digest, or a run (its only or last model).
    pub candidate: String,
    /// What each mistake costs: a file beside remuda.toml or in requirements/ whose name ends in `costs.csv`; without it,
    /// the only one.
    #[arg(long, value_name = "FILE")]
    #[serde(default)]
    pub costs: Option<String>,
    /// The rows: validation only. What is chosen on a holdout cannot be judged on it any more.
    #[arg(long, default_value = "validation")]
    #[serde(default = "validation")]
    pub split: String,
}

impl Threshold {
    /// The usual question about a candidate.
    pub fn of(candidate: &str, costs: Option<&str>) -> Self {
        Self { candidate: candidate.to_owned(), costs: costs.map(str::to_owned), split: validation() }
    }
}

/// Decisions under a cost table.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ThresholdFound {
    /// What was judged.
    #[serde(flatten)]
    pub head: AnalysisHead,
    /// The cost file.
    pub costs: String,
    /// Pairs of classes that cost something.
    pub prices: Vec<DecisionCost>,
    /// The class that a threshold is for; none where there are more than two classes.
    pub positive: Option<String>,
    /// The candidate's own decisions first, then the others, each with what it costs.
    pub rules: Vec<DecisionRule>,
    /// The threshold chosen (two classes only).
    pub chosen: Option<ChosenThreshold>,
    /// The mean cost by rising threshold (two classes only), for drawing.
    pub curve: Vec<CostPoint>,
    /// How the decisions of least expected cost differ from the candidate's own (several classes only), the most rows first.
    pub changes: Vec<DecisionChange>,
    /// What follows.
    pub advice: String,
    /// How to act on it.
    pub applying: String,
}

/// What a class costs that is taken for another, or for itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DecisionCost {
    /// The true class.
    pub truth: String,
    /// What it is taken for.
    pub decision: String,
    /// What that costs.
    pub cost: f64,
}

/// Which rule decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RuleKind {
    /// The candidate's own label.
    Own,
    /// The least expected cost, were the probabilities right (Elkan 2001): of two classes a threshold that the costs alone give.
    ExpectedCost,
    /// The threshold that was cheapest on these rows.
    Chosen,
}

/// A way to decide, with what it costs per row.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DecisionRule {
    /// Which.
    pub rule: RuleKind,
    /// The same in words.
    pub words: String,
    /// The least probability that is taken as the positive class; above 1: none is.
    pub threshold: Option<f64>,
    /// The mean cost per row. Of a chosen threshold, on rows that it was not chosen on.
    pub cost: MetricValue,
    /// That less the cost of the candidate's own decisions, on the same rows; none for those themselves.
    pub difference: Option<MetricValue>,
    /// Rows that are decided otherwise than by the candidate.
    pub changed: u64,
    /// Truth against decision (two classes only).
    pub confusion: Option<Confusion>,
}

/// A threshold that was chosen on rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ChosenThreshold {
    /// Rows with at least this probability are taken as the positive class.
    pub threshold: f64,
    /// 95 % of redrawn rows choose one between this
    pub low: f64,
    /// and this.
    pub high: f64,
    /// How many redraws.
    pub redraws: u32,
    /// The mean cost on the very rows that it was chosen on.
    pub seen_cost: f64,
    /// How much that is too low: the cost on rows that it was not chosen on less this.
    pub optimism: Option<f64>,
    /// All rows have the same score, so that no threshold tells them apart.
    pub constant: bool,
}

/// The mean cost at a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CostPoint {
    /// The threshold.
    pub threshold: f64,
    /// The mean cost per row.
    pub cost: f64,
    /// The lower end of its 95 % interval, for this threshold alone.
    pub lower: Option<f64>,
    /// The upper end.
    pub upper: Option<f64>,
    /// The share of rows that are taken as the positive class.
    pub taken: f64,
}

/// Rows whose decision differs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DecisionChange {
    /// What the candidate says.
    pub from: String,
    /// What costs least.
    pub to: String,
    /// Rows.
    pub rows: u64,
    /// What that saves in all of them together; less than 0 where it costs more.
    pub saved: f64,
}

impl UseCase for Threshold {
    const NOUN: &'static str = "analysis";
    const VERB: &'static str = "threshold";
    const ACCESS: Access = Access::Read;
    const ABOUT: &'static str =
        "Choose the decision threshold that costs least, with what it costs on rows it was not chosen on.";
    type Answer = ThresholdFound;

    async fn run(self, app: &App, context: &Context) -> Result<ThresholdFound> {
        let split = read_split(&self.split)?;
        if split == Split::Holdout {
            return Err(Error::new(
                "request.invalid",
                "a threshold is not chosen on the holdout: what was chosen on rows cannot be judged on them",
            )
            .hint("write `--split validation`"));
        }
        let (file, costs) = cost_file(context, self.costs.as_deref())?;
        let judged = judge(app, context, &self.candidate, split, "threshold").await?;
        let (sample, table) = decidable(&judged, &file, &costs)?;
        let head = judged.head(split);
        let units = units(&judged.rows, &judged.kept, &judged.contract)?;
        context.tell(0.5, "weighing decisions");
        let found = tokio::task::spawn_blocking(move || {
            let prices = prices(&table);
            let mut found = match table.positive {
                Some(positive) => of_two(&sample, &table, positive, &units, &head)?,
                None => of_several(&sample, &table, &head)?,
            };
            (found.costs, found.prices) = (file, prices);
            Ok(found)
        });
        found.await.map_err(|error| Error::new("internal", "choosing stopped").caused_by(&error))?
    }
}

/// The cost files of the definitions, by the names that requests take.
pub fn cost_files(context: &Context) -> Vec<String> {
    costs::files(context)
}

/// The cost file that was named, or the only one.
fn cost_file(context: &Context, named: Option<&str>) -> Result<(String, Costs)> {
    let files = costs::files(context);
    let example = "begin it with a line `truth,prediction,cost`, then one line for each mistake and what it costs";
    let name = match (named, files.as_slice()) {
        (Some(name), _) => name,
        (None, [only]) => only,
        (None, []) => {
            return Err(Error::new("analysis.not_ready", "no file says what mistakes cost")
                .hint(format!("write `costs.csv` beside remuda.toml: {example}")));
        }
        (None, several) => {
            return Err(Error::new("request.invalid", format!("there are {} cost files", several.len()))
                .hint(format!("write `--costs {}`", several[0])));
        }
    };
    if let Some((path, costs)) = costs::find(context, name)? {
        return Ok((path, costs));
    }
    let error = Error::not_found("cost file", name);
    Err(match remuda_model::text::nearest(name, files.iter().map(String::as_str)).or(files.first().map(String::as_str))
    {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error.hint(format!("write {name} beside remuda.toml: {example}")),
    }
    .hint("the names of cost files end in `costs.csv`"))
}

/// The sample and the costs of its classes, where there is something to decide by.
fn decidable(judged: &Judged, file: &str, costs: &Costs) -> Result<(ClassSample, Table)> {
    let name = &judged.model.name;
    let Sample::Classes(sample) = &judged.sample else {
        return Err(Error::new("analysis.not_ready", "the label is a number: there is no decision between classes")
            .hint(format!("`remuda analysis mistakes {name}` shows the largest errors")));
    };
    if sample.known < 2 {
        return Err(Error::new("analysis.not_ready", format!("`{name}` gives no probabilities"))
            .hint("decisions are weighed by probabilities: choose another candidate"));
    }
    let broken = sample.probabilities.iter().filter(|probability| !probability.is_finite()).count() as u64;
    if broken > 0 {
        let values = remuda_model::text::count(broken, "probability");
        return Err(Error::new("analysis.not_ready", format!("{values} of `{name}` are no finite numbers"))
            .hint("look at what the model makes of missing inputs"));
    }
    let refused = |why: String| {
        Error::new("analysis.not_ready", format!("{file}: {why}"))
            .hint("give each pair of classes a line `truth,prediction,cost`")
    };
    let costs = costs.table(&sample.classes).map_err(refused)?;
    let positive = (sample.classes.len() == 2 && sample.known == 2).then_some(sample.positive.unwrap_or(1));
    Ok((sample.clone(), Table { classes: sample.classes.to_vec(), costs, positive }))
}

/// A number per labelled row that rows which belong together share: by what deals the splits.
fn units(rows: &Rows, kept: &[usize], contract: &Contract) -> Result<Vec<u64>> {
    let mut units: Vec<u64> = vec![0xcbf2_9ce4_8422_2325; kept.len()];
    let by: Vec<&String> = contract.split.by.iter().filter(|name| rows.has(name)).collect();
    if by.is_empty() {
        return Ok((0..kept.len() as u64).collect());
    }
    for name in by {
        let texts = rows.text(name)?;
        for (unit, row) in units.iter_mut().zip(kept) {
            // FNV-1a: no secret, only the same number for the same key.
            for byte in texts.get(*row).unwrap_or("\u{1e}").bytes().chain([0x1f]) {
                *unit = (*unit ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
            }
        }
    }
    Ok(units)
}

/// Pairs that cost something, the dearest first.
fn prices(table: &Table) -> Vec<DecisionCost> {
    let width = table.classes.len();
    let mut prices: Vec<DecisionCost> = table
        .costs
        .iter()
        .enumerate()
        .filter(|(_, cost)| **cost != 0.0)
        .map(|(place, cost)| DecisionCost {
            truth: table.classes[place / width].clone(),
            decision: table.classes[place % width].clone(),
            cost: *cost,
        })
        .collect();
    prices.sort_by(|one, other| other.cost.total_cmp(&one.cost));
    prices.truncate(PRICES);
    prices
}

/// The mean of costs or of differences of costs, with its interval.
pub(super) fn mean_of(name: &str, split: &str, costs: &[f64]) -> MetricValue {
    let point = (!costs.is_empty()).then(|| costs.iter().sum::<f64>() / costs.len() as f64);
    value(name, split, &remuda_stats::mean::estimate(costs, CONFIDENCE), point, costs.len())
}
