//! `run compare`: up to 500 runs side by side: what differs between them, who is best at what, and how much of that is luck.

use super::find::find_ids;
use super::luck::{BestOf, best_of, is_better_small};
use super::{List, RunState};
use crate::app::App;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::use_case::{Access, UseCase};
use remuda_model::Digest;
use remuda_model::run::{MetricValue, RunStatus};
use remuda_model::text;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use utoipa::ToSchema;

/// Runs that are compared at most.
pub const MOST: usize = 500;
/// Parameters and metrics of one answer at most, each.
const KEYS: usize = 400;

/// Compare up to 500 runs: parameters that differ, metrics with the best of each and the luck that it contains.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct CompareRuns {
    /// The runs; without any, those that fit the filter.
    #[serde(default)]
    pub runs: Vec<String>,
    /// Runs that fit: `params.depth = '6' and status = 'FINISHED'`.
    #[arg(long)]
    #[serde(default)]
    pub filter: Option<String>,
    /// The order of the runs, and the metric that leads: `metrics.auc DESC`.
    #[arg(long)]
    #[serde(default)]
    pub order_by: Option<String>,
    /// Only runs of this experiment, by name or number.
    #[arg(long)]
    #[serde(default)]
    pub experiment: Option<String>,
    /// How many runs of those that fit, at most 500.
    #[arg(long, default_value_t = MOST)]
    #[serde(default = "most")]
    pub limit: usize,
    /// Judge the models of the best run and of the next one on the same rows: only that makes a record.
    #[arg(long)]
    #[serde(default)]
    pub paired: bool,
}

fn most() -> usize {
    MOST
}

/// Runs side by side.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RunsCompared {
    /// The runs, in order.
    pub runs: Vec<ComparedRun>,
    /// How many fit the filter, with those that are not compared.
    pub total: u64,
    /// Parameters, those that differ first. Each has one value for each run.
    pub parameters: Vec<ComparedParameter>,
    /// Metrics, the one that leads first.
    pub metrics: Vec<ComparedMetric>,
    /// Parameters or metrics were left out: there are more than one answer holds.
    pub cut: bool,
    /// The models of the best run and the next one, judged on the same rows, if that was asked.
    pub pair: Option<ComparedPair>,
}

/// One of the runs.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ComparedRun {
    /// Its id.
    pub run: String,
    /// Its name.
    pub name: String,
    /// Its experiment.
    pub experiment: String,
    /// Who ran it.
    pub actor: String,
    /// Where it stands.
    pub status: RunStatus,
    /// When it began, microseconds since 1970.
    pub started: i64,
    /// When it ended.
    pub ended: Option<i64>,
    /// A script tracked it.
    pub tracked: bool,
    /// Model versions that it made: name and digest.
    pub models: Vec<(String, Digest)>,
}

/// A parameter of all runs.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ComparedParameter {
    /// Its name.
    pub name: String,
    /// Not all runs have the same value.
    pub differs: bool,
    /// The value of each run, in their order.
    pub values: Vec<Option<String>>,
}

/// A metric of all runs.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ComparedMetric {
    /// Its name.
    pub name: String,
    /// Less is better, as its name or the order says.
    pub less_is_better: bool,
    /// What each run has, in their order.
    pub values: Vec<Option<ComparedValue>>,
    /// The best of them.
    pub best: Option<BestOf>,
}

/// A metric of one run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ComparedValue {
    /// The value.
    pub value: Option<f64>,
    /// Its lower bound, where its rows are known.
    pub lower: Option<f64>,
    /// Its upper bound.
    pub upper: Option<f64>,
    /// The one-sided confidence of each bound.
    pub confidence: f64,
    /// Rows it rests on; 0 when that is not known.
    pub n: u64,
}

/// Two models judged on the same rows.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ComparedPair {
    /// The run that is best.
    pub best: String,
    /// The next one.
    pub next: String,
    /// Best less next, paired; none when no metric of both fits the one that leads.
    pub difference: Option<MetricValue>,
    /// The paired interval excludes zero, on the right side.
    pub record: bool,
    /// That in one sentence.
    pub words: String,
}

impl UseCase for CompareRuns {
    const NOUN: &'static str = "run";
    const VERB: &'static str = "compare";
    const ACCESS: Access = Access::Read;
    const ABOUT: &'static str =
        "Compare up to 500 runs: parameters that differ, metrics with the best of each and its luck.";
    type Answer = RunsCompared;

    async fn run(self, app: &App, context: &Context) -> Result<RunsCompared> {
        if self.runs.len() > MOST || !(1..=MOST).contains(&self.limit) {
            return Err(Error::new("request.invalid", format!("at most {MOST} runs are compared at once"))
                .hint("say which by a filter: --filter \"metrics.auc > 0.8\""));
        }
        let list = List {
            limit: self.limit,
            filter: self.filter.clone(),
            order_by: self.order_by.clone(),
            experiment: self.experiment.clone(),
            count: true,
            ..List::default()
        };
        let (states, total) = if self.runs.is_empty() {
            let found = list.find(app, context).await?;
            let total = found.total.unwrap_or_default();
            (found.runs, total)
        } else {
            let ids = find_ids(app, context, &self.runs).await?;
            let found = super::find::states_of(app, context, &ids).await?;
            let total = found.len() as u64;
            (found, total)
        };
        let leading = super::find::leading_metric(self.order_by.as_deref())?;
        let mut answer = compared(&states, total, leading.as_ref());
        if self.paired {
            answer.pair = Some(pair(app, context, &answer).await?);
        }
        Ok(answer)
    }
}

/// Runs side by side. `leading` is the metric that was asked for, and whether its greatest is best.
fn compared(states: &[RunState], total: u64, leading: Option<&(String, bool)>) -> RunsCompared {
    let (parameters, more_parameters) = parameters(states);
    let (metrics, more_metrics) = metrics(states, leading);
    let run = |state: &RunState| ComparedRun {
        run: state.run.clone(),
        name: state.name.clone(),
        experiment: state.experiment.clone(),
        actor: state.actor.clone(),
        status: state.status,
        started: state.started,
        ended: state.ended,
        tracked: state.tracked,
        models: state.models.iter().map(|model| (model.name.clone(), model.digest.clone())).collect(),
    };
    RunsCompared {
        runs: states.iter().map(run).collect(),
        total,
        parameters,
        metrics,
        cut: more_parameters || more_metrics,
        pair: None,
    }
}

fn parameters(states: &[RunState]) -> (Vec<ComparedParameter>, bool) {
    let names: BTreeSet<&String> = states.iter().flat_map(|state| state.parameters.keys()).collect();
    let plain = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut found: Vec<ComparedParameter> = names
        .into_iter()
        .map(|name| {
            let values: Vec<Option<String>> =
                states.iter().map(|state| state.parameters.get(name).map(plain)).collect();
            let differs = values.windows(2).any(|pair| pair[0] != pair[1]);
            ComparedParameter { name: name.clone(), differs, values }
        })
        .collect();
    found.sort_by_key(|one| !one.differs);
    let more = found.len() > KEYS;
    found.truncate(KEYS);
    (found, more)
}

fn metrics(states: &[RunState], leading: Option<&(String, bool)>) -> (Vec<ComparedMetric>, bool) {
    let mut by_name: BTreeMap<&str, Vec<Option<ComparedValue>>> = BTreeMap::new();
    for (place, state) in states.iter().enumerate() {
        for metric in &state.metrics {
            let values = by_name.entry(&metric.name).or_insert_with(|| vec![None; states.len()]);
            values[place] = Some(ComparedValue {
                value: metric.value,
                lower: metric.lower,
                upper: metric.upper,
                confidence: metric.confidence,
                n: metric.n,
            });
        }
    }
    let mut found: Vec<ComparedMetric> = by_name
        .into_iter()
        .map(|(name, values)| {
            let asked = leading.filter(|(asked, _)| asked == name).map(|(_, greatest)| !greatest);
            let less_is_better = asked.unwrap_or_else(|| is_better_small(name));
            // Of what machines say of themselves nothing is best.
            let best = if name.starts_with("system/") { None } else { best_of(&values, less_is_better) };
            ComparedMetric { name: name.to_owned(), less_is_better, values, best }
        })
        .collect();
    // The one that leads; then those that most runs have, with intervals, before what machines say of themselves.
    found.sort_by_key(|one| {
        let asked = leading.is_some_and(|(asked, _)| *asked == one.name);
        let known = one.values.iter().filter(|value| value.is_some()).count();
        let sure = one.values.iter().flatten().any(|value| value.lower.is_some());
        (!asked, one.name.starts_with("system/"), std::cmp::Reverse(known), !sure)
    });
    let more = found.len() > KEYS;
    found.truncate(KEYS);
    (found, more)
}

/// The best run and the next one by the leading metric, their models judged on the same validation rows.
async fn pair(app: &App, context: &Context, compared: &RunsCompared) -> Result<ComparedPair> {
    let lacking = |message: &str| Error::new("request.invalid", message.to_owned());
    let metric = compared.metrics.first().ok_or_else(|| lacking("these runs have no metric"))?;
    let best = metric.best.as_ref().ok_or_else(|| {
        lacking("no run is better than the others in the metric that leads")
            .hint("choose another one: --order-by \"metrics.auc DESC\"")
    })?;
    let next = best.next.ok_or_else(|| {
        lacking("no run is better than the others in the metric that leads")
            .hint("choose another one: --order-by \"metrics.auc DESC\"")
    })?;
    let (step, name) = metric.name.split_once('/').unwrap_or(("", &metric.name));
    let model_of = |place: usize| {
        let run = compared.runs.get(place)?;
        let named = run.models.iter().find(|(model, _)| model == step);
        named.or(if run.models.len() == 1 { run.models.first() } else { None }).map(|(_, digest)| (run, digest.clone()))
    };
    let (Some((best_run, new)), Some((next_run, old))) = (model_of(best.place), model_of(next)) else {
        return Err(lacking("the best run and the next one do not both have a model version of this metric")
            .hint("register their models: `remuda model add`"));
    };
    let mut answer = ComparedPair {
        best: best_run.run.clone(),
        next: next_run.run.clone(),
        difference: None,
        record: false,
        words: String::new(),
    };
    if new == old {
        answer.words = format!("Runs {} and {} have the same model version.", answer.best, answer.next);
        return Ok(answer);
    }
    let question = crate::analysis::Compare::of(new.as_str(), old.as_str());
    let judged = UseCase::run(question, app, context).await?;
    answer.difference = judged.differences.into_iter().find(|one| one.name == name);
    let sides = answer.difference.as_ref().map(|one| (one.lower, one.upper));
    answer.record = match sides {
        Some((Some(lower), _)) if !metric.less_is_better => lower > 0.0,
        Some((_, Some(upper))) if metric.less_is_better => upper < 0.0,
        _ => false,
    };
    answer.words = match (answer.record, &answer.difference) {
        (_, None) => format!("On the same rows {name} of the two models is not compared."),
        (true, Some(_)) => {
            format!("On the same rows the interval of the difference of {name} excludes zero.")
        }
        (false, Some(_)) => {
            format!("On the same rows the interval of the difference of {name} contains zero.")
        }
    };
    Ok(answer)
}

impl RunsCompared {
    /// How many parameters differ, in words.
    pub fn differing(&self) -> String {
        text::count(self.parameters.iter().filter(|one| one.differs).count() as u64, "parameter")
    }
}
