//! `run curves`: metrics over steps or time, thinned while they are read, so that a history of any length costs the same
//! memory and the same drawing.

use super::find::find_ids;
use super::thin::{Bucket, Thinner};
use super::tracked::Tracking;
use crate::app::App;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::use_case::{Access, UseCase};
use remuda_model::run::tracked::{Point, TrackedRun};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Curves of one answer at most.
const CURVES: usize = 600;
/// Buckets of one curve at most.
const BUCKETS: usize = 1_000;
/// Runs of one question at most.
const RUNS: usize = 500;

/// The curves of metrics, thinned: each bucket keeps its first, last, least and greatest point.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Curves {
    /// The runs.
    #[arg(required = true)]
    pub runs: Vec<String>,
    /// A metric; several may be named. Without any, all that the first runs have.
    #[arg(long = "metric")]
    #[serde(default)]
    pub metrics: Vec<String>,
    /// Along what: `step`, `time` since the run began, or `wall`, the time of day.
    #[arg(long, default_value = "step")]
    #[serde(default = "step")]
    pub along: String,
    /// Buckets of each curve at most.
    #[arg(long, default_value_t = 200)]
    #[serde(default = "two_hundred")]
    pub buckets: usize,
}

fn step() -> String {
    Along::Step.as_str().to_owned()
}

fn two_hundred() -> usize {
    200
}

/// Along what curves run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Along {
    /// The step that the script counted.
    #[default]
    Step,
    /// Milliseconds since the run began.
    Time,
    /// Milliseconds since 1970.
    Wall,
}

impl Along {
    /// The word in requests.
    pub fn as_str(self) -> &'static str {
        match self {
            Along::Step => "step",
            Along::Time => "time",
            Along::Wall => "wall",
        }
    }

    /// Reads [`Along::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        [Along::Step, Along::Time, Along::Wall].into_iter().find(|known| known.as_str() == word)
    }
}

/// Thinned curves.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RunCurves {
    /// Along what they run.
    pub along: Along,
    /// One for each run and metric that has points.
    pub curves: Vec<RunCurve>,
    /// Runs and metrics with more curves than one answer holds were left out.
    pub cut: bool,
}

/// The curve of one metric of one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunCurve {
    /// The run.
    pub run: String,
    /// Its name.
    pub name: String,
    /// The metric.
    pub metric: String,
    /// Points that it has.
    pub points: u64,
    /// Points that are no finite numbers, and so have no place in a drawing.
    pub undefined: u64,
    /// Its buckets, in order.
    pub buckets: Vec<Bucket>,
}

impl UseCase for Curves {
    const NOUN: &'static str = "run";
    const VERB: &'static str = "curves";
    const ACCESS: Access = Access::Read;
    const ABOUT: &'static str = "The curves of metrics over steps or time, thinned by the server.";
    type Answer = RunCurves;

    async fn run(self, app: &App, context: &Context) -> Result<RunCurves> {
        let along = Along::parse(&self.along).ok_or_else(|| {
            Error::new("request.invalid", format!("curves do not run along `{}`", self.along))
                .hint("write `step`, `time` or `wall`")
        })?;
        if !(2..=BUCKETS).contains(&self.buckets) {
            return Err(Error::new("request.invalid", format!("a curve has 2 to {BUCKETS} buckets")));
        }
        if self.runs.is_empty() || self.runs.len() > RUNS {
            return Err(Error::new("request.invalid", format!("name 1 to {RUNS} runs")));
        }
        let tracking = app.tracking(&context.product()?.name)?;
        tracking.catch_up().await?;
        let ids = find_ids(app, context, &self.runs).await?;
        let mut answer = RunCurves { along, curves: Vec::new(), cut: false };
        for (place, id) in ids.iter().enumerate() {
            context.tell(place as f64 / ids.len() as f64, "reading histories");
            let run = tracking.run(id).await?;
            let metrics: Vec<&String> = if self.metrics.is_empty() {
                run.document.metrics.keys().collect()
            } else {
                self.metrics.iter().filter(|metric| run.document.metrics.contains_key(*metric)).collect()
            };
            for metric in metrics {
                if answer.curves.len() >= CURVES {
                    answer.cut = true;
                    return Ok(answer);
                }
                answer.curves.push(curve(&tracking, &run, metric, along, self.buckets).await?);
            }
        }
        Ok(answer)
    }
}

async fn curve(tracking: &Tracking, run: &TrackedRun, metric: &str, along: Along, buckets: usize) -> Result<RunCurve> {
    let mut thinner = Thinner::new(buckets);
    let place = |point: &Point| match along {
        Along::Step => point.step,
        Along::Time => point.time.saturating_sub(run.started),
        Along::Wall => point.time,
    };
    tracking
        .walk_history(&run.id, metric, |points| {
            points.iter().for_each(|point| thinner.push(place(point), point.value));
            true
        })
        .await?;
    Ok(RunCurve {
        run: run.id.clone(),
        name: run.name.clone(),
        metric: metric.to_owned(),
        points: thinner.points,
        undefined: thinner.undefined,
        buckets: thinner.finish(),
    })
}
