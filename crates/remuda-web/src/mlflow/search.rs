//! Searches for runs and experiments.

use super::answer::{Answer, respond};
use super::fields::{Fields, invalid, unfit};
use super::{Call, Outcome, Routes, experiments, limits, runs};
use axum::response::Response;
use axum::routing::{get, post};
use remuda_app::Error;
use remuda_app::run::tracked::{RunOrder, RunSearch};
use remuda_app::words::run::filter::{Filter, FilterError, OrderBy, order_by, parse};
use remuda_app::words::run::tracked::{Experiment, Input, Stage};
use serde_json::{Value, json};
use std::collections::HashMap;

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .at("/2.0/mlflow/runs/search", post(search_runs))
        .at("/2.0/mlflow/experiments/search", post(search_experiments).get(search_experiments))
        .at("/2.0/mlflow/experiments/list", get(search_experiments))
}

/// Runs on a page, and at most.
const RUNS: (usize, usize) = (1000, 50_000);
/// Experiments on a page, and at most.
const EXPERIMENTS: (usize, usize) = (1000, 50_000);

fn unreadable(what: &str, error: &FilterError) -> Error {
    let hint = if error.hint.is_empty() { String::new() } else { format!(" ({})", error.hint) };
    invalid(format!("Invalid {what}: {} at character {}{hint}", error.message, error.span.start + 1))
}

/// The stage that a view asks for.
fn stage(fields: &Fields, name: &str) -> Result<Option<Stage>, Error> {
    match fields.text(name)?.as_deref() {
        None | Some("ACTIVE_ONLY" | "1") => Ok(Some(Stage::Active)),
        Some("DELETED_ONLY" | "2") => Ok(Some(Stage::Deleted)),
        Some("ALL" | "3") => Ok(None),
        Some(other) => Err(unfit(name, &Value::from(other), "write ACTIVE_ONLY, DELETED_ONLY or ALL")),
    }
}

async fn search_runs(call: Call, fields: Fields) -> Response {
    let work = async || -> Outcome {
        let limit = fields.limit("max_results", RUNS.0, RUNS.1)?;
        let ids = fields.texts("experiment_ids")?;
        let experiments = ids.iter().map(|id| limits::experiment_id(id)).collect::<Result<Vec<i64>, Error>>()?;
        let text = fields.text("filter")?.unwrap_or_default();
        let filter: Filter = parse(&text).map_err(|error| unreadable("filter string", &error))?;
        let mut order: Vec<OrderBy> = Vec::new();
        for one in fields.texts("order_by")?.iter().filter(|one| !one.trim().is_empty()) {
            order.push(order_by(one).map_err(|error| unreadable("order_by clause", &error))?);
        }
        let stage = stage(&fields, "run_view_type")?;
        if experiments.is_empty() {
            return Ok(Answer::done());
        }
        let after = fields.text("page_token")?.map(|token| read_token(&token)).transpose()?;
        let search = RunSearch {
            experiments: &experiments,
            stage,
            filter: &filter,
            order: &order,
            after: after.as_ref(),
            limit,
        };
        let found = call.tracking.search(&search).await?;
        let ids: Vec<&str> = found.runs.iter().map(|run| run.id.as_str()).collect();
        let mut inputs: HashMap<String, Vec<Input>> = HashMap::new();
        for (run, input) in call.tracking.inputs(&ids).await? {
            inputs.entry(run).or_default().push(input);
        }
        let none = Vec::new();
        let mut body = Vec::with_capacity(found.runs.len() * 512);
        body.extend_from_slice(b"{\"runs\":[");
        for (place, run) in found.runs.iter().enumerate() {
            if place > 0 {
                body.push(b',');
            }
            let written = runs::written(run, inputs.get(&run.id).unwrap_or(&none));
            serde_json::to_writer(&mut body, &written)?;
        }
        body.push(b']');
        if let Some(last) = &found.last {
            body.extend_from_slice(b",\"next_page_token\":");
            serde_json::to_writer(&mut body, &write_token(last))?;
        }
        body.push(b'}');
        Ok(Answer::raw(body))
    };
    respond(work().await)
}

/// A place in an order as a token: hexadecimal digits of JSON, so that it passes through any address.
fn write_token(place: &RunOrder) -> String {
    let keys: Vec<Value> =
        place.keys.iter().map(|(class, number, text)| json!([class, number.map(f64::to_bits), text])).collect();
    json!([keys, place.started, place.id]).to_string().bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn read_token(token: &str) -> Result<RunOrder, Error> {
    let read = || -> Option<RunOrder> {
        let bytes = (0..token.len() / 2)
            .map(|place| u8::from_str_radix(token.get(2 * place..2 * place + 2)?, 16).ok())
            .collect::<Option<Vec<u8>>>()?;
        type Stored = (Vec<(i64, Option<u64>, Option<String>)>, i64, String);
        let (keys, started, id): Stored = serde_json::from_slice(&bytes).ok()?;
        let keys = keys.into_iter().map(|(class, bits, text)| (class, bits.map(f64::from_bits), text)).collect();
        Some(RunOrder { keys, started, id })
    };
    read().ok_or_else(|| invalid("Invalid page token, could not parse it: ask for the first page again"))
}

async fn search_experiments(call: Call, fields: Fields) -> Response {
    let work = async || -> Outcome {
        let limit = fields.limit("max_results", EXPERIMENTS.0, EXPERIMENTS.1)?;
        let stage = stage(&fields, "view_type")?;
        let wanted = super::experiments_filter::Wanted::read(
            &fields.text("filter")?.unwrap_or_default(),
            &fields.texts("order_by")?,
        )?;
        let all = call.tracking.experiments().await?;
        let mut found: Vec<Experiment> =
            all.into_iter().filter(|one| stage.is_none_or(|stage| one.stage == stage) && wanted.matches(one)).collect();
        wanted.sort(&mut found);
        let from = match fields.text("page_token")? {
            None => 0,
            Some(token) => token.parse::<usize>().map_err(|_| invalid("Invalid page token, could not parse it"))?,
        };
        let more = found.len() > from.saturating_add(limit);
        let page: Vec<Value> = found.iter().skip(from).take(limit).map(experiments::written).collect();
        let mut answer = json!({ "experiments": page });
        if more {
            answer["next_page_token"] = json!((from + limit).to_string());
        }
        Ok(answer.into())
    };
    respond(work().await)
}
