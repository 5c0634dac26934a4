//! Two runs side by side.

use super::{Diff, Difference, List, MetricDifference, RunDiff, RunState, find_run};
use crate::app::App;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::use_case::{Access, UseCase};
use std::collections::{BTreeMap, BTreeSet};

impl UseCase for Diff {
    const NOUN: &'static str = "run";
    const VERB: &'static str = "diff";
    const ACCESS: Access = Access::Read;
    const ABOUT: &'static str = "Show two runs side by side: code, parameters, data, metrics.";
    type Answer = RunDiff;

    async fn run(self, app: &App, context: &Context) -> Result<RunDiff> {
        let mut left = find_run(app, context, &self.left).await?;
        let right = match &self.right {
            Some(right) => find_run(app, context, right).await?,
            None => {
                // One run named: it is compared with the one before it, which then stands on the left.
                let earlier = before(app, context, &left).await?;
                std::mem::replace(&mut left, earlier)
            }
        };
        let parameters = differences(&printed(&left), &printed(&right));
        let environment = differences(&left.snapshot.environment, &right.snapshot.environment);
        let metrics = metric_differences(&left, &right);
        let (files, captured) = super::compare::compare(app, context, &left, &right).await?;
        let data = differences(&versions(&left), &versions(&right));
        Ok(RunDiff { left, right, data, parameters, metrics, environment, files, captured })
    }
}

async fn before(app: &App, context: &Context, run: &RunState) -> Result<RunState> {
    let list = List { limit: 1, before: Some(run.run.clone()), ..List::default() };
    let mut earlier = list.find(app, context).await?.runs.into_iter().next().ok_or_else(|| {
        Error::new("request.invalid", format!("there is no run before {}", run.run)).hint("name two runs")
    })?;
    super::look::complete(app, context, &mut earlier).await?;
    Ok(earlier)
}

/// The versions of each dataset that a run's models were trained on.
fn versions(run: &RunState) -> BTreeMap<String, String> {
    let mut by_dataset: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for seen in &run.data {
        by_dataset.entry(seen.dataset.clone()).or_default().insert(seen.version.short());
    }
    by_dataset.into_iter().map(|(name, versions)| (name, Vec::from_iter(versions).join(", "))).collect()
}

fn printed(run: &RunState) -> BTreeMap<String, String> {
    run.parameters
        .iter()
        .map(|(name, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            (name.clone(), text)
        })
        .collect()
}

pub(super) fn differences(left: &BTreeMap<String, String>, right: &BTreeMap<String, String>) -> Vec<Difference> {
    let names: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
    names
        .into_iter()
        .filter(|name| left.get(*name) != right.get(*name))
        .map(|name| Difference {
            name: name.clone(),
            left: left.get(name).cloned().unwrap_or_default(),
            right: right.get(name).cloned().unwrap_or_default(),
        })
        .collect()
}

fn metric_differences(left: &RunState, right: &RunState) -> Vec<MetricDifference> {
    let names: BTreeSet<&String> = left.metrics.iter().chain(&right.metrics).map(|metric| &metric.name).collect();
    names
        .into_iter()
        .map(|name| {
            let of = |run: &RunState| run.metrics.iter().find(|metric| metric.name == *name).cloned();
            let (left, right) = (of(left), of(right));
            let apart = match (&left, &right) {
                (Some(left), Some(right)) => match (left.lower, left.upper, right.lower, right.upper) {
                    (Some(low), Some(high), Some(other_low), Some(other_high)) => high < other_low || other_high < low,
                    _ => false,
                },
                _ => false,
            };
            MetricDifference { name: name.clone(), left, right, apart }
        })
        .collect()
}
