//! Finding runs by a filter and in an order: the language of `remuda_model::run::filter` over what facts tell.

use super::RunState;
use super::look::run_states;
use crate::app::App;
use crate::context::Context;
use crate::error::{Error, Result};
use remuda_model::diagnostic::Diagnostic;
use remuda_model::run::filter::{Attribute, Filter, FilterError, Key, OrderBy, Subject, order_by, parse};
use remuda_model::run::{MetricValue, RunStatus};
use std::borrow::Cow;
use std::cmp::Ordering;

/// Runs that are read at a time.
const CHUNK: usize = 5_000;

/// What is asked of runs.
pub(super) struct Wanted {
    filter: Filter,
    order: Option<OrderBy>,
}

impl Wanted {
    /// Reads a filter and an order.
    ///
    /// # Errors
    /// A word that is not understood, with its place.
    pub(super) fn read(filter: Option<&str>, order: Option<&str>) -> Result<Self> {
        let filter = filter.unwrap_or_default();
        let order = order.map(|text| order_by(text).map_err(|error| wrong("--order-by", text, error))).transpose()?;
        Ok(Self { filter: parse(filter).map_err(|error| wrong("--filter", filter, error))?, order })
    }

    /// The first `limit` runs that are wanted: the newest, or in the order asked for. (Before a place in the chain.)
    pub(super) async fn find(
        &self,
        app: &App,
        context: &Context,
        mut before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<RunState>> {
        let is_all = self.filter == Filter::All(Vec::new()) && self.order.is_none();
        let chunk = if is_all { limit } else { CHUNK.max(limit) };
        let mut found: Vec<RunState> = Vec::new();
        loop {
            let (runs, oldest) = run_states(app, context, before, chunk).await?;
            let ended = runs.len() < chunk;
            found.extend(runs.into_iter().filter(|run| self.filter.matches(run)));
            if let Some(order) = &self.order {
                found.sort_by(|one, other| compare(order, one, other));
            }
            if self.order.is_some() || found.len() >= limit {
                found.truncate(limit);
            }
            if ended || (self.order.is_none() && found.len() >= limit) {
                return Ok(found);
            }
            before = oldest;
        }
    }
}

pub(super) fn wrong(flag: &str, text: &str, error: FilterError) -> Error {
    let mut found = Diagnostic::at(flag, text, error.span, "request.filter", error.message);
    if !error.hint.is_empty() {
        found.hints.push(error.hint);
    }
    let mut error = Error::new("request.invalid", format!("{} cannot be read", flag.trim_start_matches('-')))
        .hint("such as: metrics.trees/auc > 0.8 and params.trees/rounds = '200'");
    error.diagnostics = vec![found];
    error
}

/// By a key; who lacks it comes last, and among equals the newest first (the sort is stable).
fn compare(order: &OrderBy, one: &RunState, other: &RunState) -> Ordering {
    let turned = |ordering: Ordering| if order.descending { ordering.reverse() } else { ordering };
    let number = |run: &RunState| match &order.key {
        Key::Metric(name) => run.metric(name),
        Key::Attribute(attribute) => run.number(*attribute),
        key => run.texts(key).first().and_then(|text| text.trim().parse::<f64>().ok()),
    };
    let (left, right) = (number(one).filter(|value| !value.is_nan()), number(other).filter(|value| !value.is_nan()));
    if let (Some(left), Some(right)) = (left, right) {
        return turned(left.total_cmp(&right));
    }
    match (left.is_some(), right.is_some()) {
        (true, false) => return Ordering::Less,
        (false, true) => return Ordering::Greater,
        _ => {}
    }
    match (one.texts(&order.key).first(), other.texts(&order.key).first()) {
        (Some(left), Some(right)) => turned(left.cmp(right)),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    }
}

impl Subject for RunState {
    fn metric(&self, name: &str) -> Option<f64> {
        let of_name = |metric: &&MetricValue| metric.name == name;
        self.metrics.iter().find(of_name).and_then(|metric| metric.value)
    }

    fn number(&self, attribute: Attribute) -> Option<f64> {
        match attribute {
            Attribute::Started => Some((self.started / 1000) as f64),
            Attribute::Ended => self.ended.map(|ended| (ended / 1000) as f64),
            _ => None,
        }
    }

    fn texts(&self, key: &Key) -> Vec<Cow<'_, str>> {
        let text = |value: &str| vec![Cow::Owned(value.to_owned())];
        match key {
            Key::Parameter(name) => match self.parameters.get(name) {
                Some(serde_json::Value::String(value)) => text(value),
                Some(value) => text(&value.to_string()),
                None => Vec::new(),
            },
            Key::Attribute(Attribute::Id) => text(&self.run),
            Key::Attribute(Attribute::User) => text(&self.actor),
            Key::Attribute(Attribute::Command) => text(&self.command),
            Key::Attribute(Attribute::Note | Attribute::Name) => text(&self.note),
            Key::Attribute(Attribute::Stage) => text("active"),
            Key::Attribute(Attribute::Status) => text(match self.status {
                RunStatus::Running => "RUNNING",
                RunStatus::Finished => "FINISHED",
                RunStatus::Failed => "FAILED",
            }),
            _ => Vec::new(),
        }
    }
}
