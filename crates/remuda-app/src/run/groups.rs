//! Runs in groups: one line for each value of a parameter, with what a metric does there; and experiments with their runs.

use super::List;
use super::find::{Sought, key_of};
use crate::app::App;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::use_case::{Access, UseCase};
use remuda_ledger::RunGroup;
use remuda_model::run::filter::Key;
use remuda_model::run::tracked::Stage;
use remuda_stats::mean::{Moments, from_moments};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Confidence of each bound of a group's mean: together a two-sided 95 % interval.
const CONFIDENCE: f64 = 0.975;

/// Group runs by a parameter: how many, the best and the mean of the metric that they are ordered by.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Groups {
    /// What to group by: `params.depth`, `tags.team`, `status`.
    pub by: String,
    /// Only runs that fit.
    #[arg(long)]
    #[serde(default)]
    pub filter: Option<String>,
    /// The metric of each group, and which way it is better: `metrics.auc DESC`.
    #[arg(long)]
    #[serde(default)]
    pub order_by: Option<String>,
    /// Only runs of this experiment, by name or number.
    #[arg(long)]
    #[serde(default)]
    pub experiment: Option<String>,
    /// Runs that were deleted, instead of the others.
    #[arg(long)]
    #[serde(default)]
    pub deleted: bool,
}

/// Runs in groups.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RunGroups {
    /// What they are grouped by, as a filter writes it.
    pub by: String,
    /// The metric, if one was named.
    pub metric: Option<String>,
    /// The greatest value is the best.
    pub greatest_first: bool,
    /// The groups, the best first.
    pub groups: Vec<RunGroupLine>,
    /// There are more than are shown.
    pub more: bool,
}

/// A group of runs.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RunGroupLine {
    /// The value that they share; none for runs that have none.
    pub value: Option<String>,
    /// How many runs.
    pub runs: u64,
    /// How many of them have a number for the metric.
    pub measured: u64,
    /// The best of these numbers: one of `measured`, with the luck that this contains.
    pub best: Option<f64>,
    /// Their mean.
    pub mean: Option<f64>,
    /// The mean's lower bound over runs, at a one-sided 97.5 %.
    pub lower: Option<f64>,
    /// The mean's upper bound.
    pub upper: Option<f64>,
    /// When the newest run of the group began, microseconds since 1970.
    pub newest: i64,
}

impl UseCase for Groups {
    const NOUN: &'static str = "run";
    const VERB: &'static str = "groups";
    const ACCESS: Access = Access::Read;
    const ABOUT: &'static str = "Group runs by a parameter, with the best and the mean of a metric.";
    type Answer = RunGroups;

    async fn run(self, app: &App, context: &Context) -> Result<RunGroups> {
        let by = key_of("--by", &self.by)?;
        if matches!(by, Key::Metric(_) | Key::Dataset(_)) {
            return Err(Error::new("request.invalid", format!("runs cannot be grouped by `{}`", self.by))
                .hint("group by a parameter, a tag or an attribute: params.depth"));
        }
        let list = List {
            filter: self.filter,
            order_by: self.order_by,
            experiment: self.experiment,
            deleted: self.deleted,
            ..List::default()
        };
        let sought = Sought::read(&list, app, context).await?;
        let ordering = sought.order.iter().find_map(|order| match &order.key {
            Key::Metric(name) => Some((name.clone(), order.descending)),
            _ => None,
        });
        let (metric, greatest_first) = ordering.map_or((None, true), |(name, greatest)| (Some(name), greatest));
        let found = sought.tracking.tracker.groups(&sought.search(1), &by, metric.as_deref(), greatest_first).await?;
        let groups = found.groups.into_iter().map(|group| line(group, greatest_first)).collect();
        Ok(RunGroups { by: by.to_string(), metric, greatest_first, groups, more: found.more })
    }
}

fn line(group: RunGroup, greatest_first: bool) -> RunGroupLine {
    let moments = group.mean.zip(group.variance).map(|(mean, variance)| Moments {
        n: group.measured,
        mean,
        variance,
        // Of third moments nothing is summed: the interval is Student's.
        skewness: 0.0,
    });
    let interval = moments.and_then(|moments| from_moments(moments, CONFIDENCE).ok());
    RunGroupLine {
        value: group.value,
        runs: group.runs,
        measured: group.measured,
        best: if greatest_first { group.greatest } else { group.least },
        mean: group.mean,
        lower: interval.as_ref().map(|interval| interval.lower),
        upper: interval.as_ref().map(|interval| interval.upper),
        newest: group.newest.saturating_mul(1000),
    }
}

/// List experiments, with how many runs each has.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Experiments {
    /// Those that were deleted too.
    #[arg(long)]
    #[serde(default)]
    pub deleted: bool,
}

/// Experiments.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ExperimentList {
    /// One each, the one with the newest run first.
    pub experiments: Vec<ExperimentLine>,
}

/// An experiment.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ExperimentLine {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// It was deleted.
    pub deleted: bool,
    /// Its runs.
    pub runs: u64,
    /// Its runs that were deleted.
    pub deleted_runs: u64,
    /// When its newest run began, microseconds since 1970.
    pub newest: Option<i64>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

impl UseCase for Experiments {
    const NOUN: &'static str = "run";
    const VERB: &'static str = "experiments";
    const ACCESS: Access = Access::Read;
    const ABOUT: &'static str = "List experiments, with how many runs each has.";
    type Answer = ExperimentList;

    async fn run(self, app: &App, context: &Context) -> Result<ExperimentList> {
        let tracking = app.tracking(&context.product()?.name)?;
        tracking.catch_up().await?;
        let counts = tracking.tracker.run_counts().await?;
        let mut experiments = Vec::new();
        for experiment in tracking.experiments().await? {
            let deleted = experiment.stage == Stage::Deleted;
            if deleted && !self.deleted {
                continue;
            }
            let of =
                |stage: Stage| counts.iter().find(|count| count.experiment == experiment.id && count.stage == stage);
            let newest = [Stage::Active, Stage::Deleted].into_iter().filter_map(of).map(|count| count.newest).max();
            experiments.push(ExperimentLine {
                id: experiment.id,
                runs: of(Stage::Active).map_or(0, |count| count.runs),
                deleted_runs: of(Stage::Deleted).map_or(0, |count| count.runs),
                newest: newest.map(|newest| newest.saturating_mul(1000)),
                name: experiment.name,
                deleted,
                tags: experiment.tags,
            });
        }
        experiments.sort_by_key(|line| (std::cmp::Reverse(line.newest), line.id));
        Ok(ExperimentList { experiments })
    }
}
