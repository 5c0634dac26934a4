//! Histories of metrics: page by page, whole, and thinned for charts.

use super::answer::{Answer, refuse, respond};
use super::fields::{Fields, invalid, missing};
use super::runs::{number, run_id};
use super::{Call, Outcome, Routes};
use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use axum::routing::get;
use remuda_app::Error;
use remuda_app::run::tracked::{HistoryPlace, Tracking};
use remuda_app::words::run::tracked::Point;
use serde_json::json;
use std::collections::BTreeSet;

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .at("/2.0/mlflow/metrics/get-history", get(history))
        .at("/2.0/mlflow/metrics/get-history-bulk", get(bulk))
        .at("/2.0/mlflow/metrics/get-history-bulk-interval", get(interval))
        .at("/2.11/mlflow/metrics/get-history-bulk-interval", get(interval))
}

/// Points of a page at most.
const PAGE: usize = 25_000;
/// Runs of a bulk request at most.
const BULK_RUNS: usize = 100;
/// Points of each run of a bulk request at most.
const BULK_POINTS: usize = 2500;
/// A history of up to so many points is answered in one piece, sorted by time.
const SORTED: usize = 50_000;

fn push_point(body: &mut Vec<u8>, point: &Point, run: Option<&str>) {
    let mut written =
        json!({ "key": point.key, "value": number(point.value), "timestamp": point.time, "step": point.step });
    if let Some(run) = run {
        written["run_id"] = json!(run);
    }
    body.extend_from_slice(written.to_string().as_bytes());
}

fn push_points(body: &mut Vec<u8>, points: &[Point]) {
    for (place, point) in points.iter().enumerate() {
        if place > 0 {
            body.push(b',');
        }
        push_point(body, point, None);
    }
}

async fn history(call: Call, fields: Fields) -> Response {
    let work = async || -> Result<Response, Error> {
        let id = run_id(&fields)?;
        let key = fields.text("metric_key")?.ok_or_else(|| missing("metric_key"))?;
        let token = fields.text("page_token")?;
        let Some(limit) = fields.integer("max_results")? else {
            return whole(call.tracking.clone(), id, key).await;
        };
        if limit <= 0 {
            return Err(invalid(format!(
                "Invalid value {limit} for parameter 'max_results' supplied. It must be a positive integer."
            )));
        }
        let from = token.map(|token| read_token(&token)).transpose()?.unwrap_or_default();
        let limit = usize::try_from(limit).unwrap_or(PAGE).min(PAGE);
        let page = call.tracking.history(&id, &key, from, limit).await?;
        let mut body = b"{\"metrics\":[".to_vec();
        push_points(&mut body, &page.points);
        body.push(b']');
        if let Some(next) = page.next {
            body.extend_from_slice(format!(",\"next_page_token\":\"{}.{}\"", next.part, next.offset).as_bytes());
        }
        body.push(b'}');
        Ok(respond(Ok(Answer::raw(body))))
    };
    work().await.unwrap_or_else(|error| refuse(&error))
}

fn read_token(token: &str) -> Result<HistoryPlace, Error> {
    let read = || {
        Some(token.split_once('.')?)
            .and_then(|(part, offset)| Some(HistoryPlace { part: part.parse().ok()?, offset: offset.parse().ok()? }))
    };
    read().ok_or_else(|| invalid("Invalid page token, could not parse it: ask for the first page again"))
}

/// The whole history. A long one is streamed while it is read.
async fn whole(tracking: Tracking, run: String, key: String) -> Result<Response, Error> {
    let first = tracking.history(&run, &key, HistoryPlace::default(), SORTED).await?;
    if first.next.is_none() {
        let mut points = first.points;
        points.sort_by_key(|point| (point.time, point.step));
        let mut body = b"{\"metrics\":[".to_vec();
        push_points(&mut body, &points);
        body.extend_from_slice(b"]}");
        return Ok(respond(Ok(Answer::raw(body))));
    }
    let (sender, receiver) = tokio::sync::mpsc::channel::<Result<Vec<u8>, std::io::Error>>(4);
    tokio::spawn(async move {
        let mut body = b"{\"metrics\":[".to_vec();
        push_points(&mut body, &first.points);
        let mut place = first.next;
        loop {
            if sender.send(Ok(std::mem::take(&mut body))).await.is_err() {
                return;
            }
            let Some(from) = place else { break };
            match tracking.history(&run, &key, from, SORTED).await {
                Ok(page) => {
                    body.push(b',');
                    push_points(&mut body, &page.points);
                    place = page.next;
                }
                Err(error) => {
                    let _ = sender.send(Err(std::io::Error::other(error.message))).await;
                    return;
                }
            }
        }
        let _ = sender.send(Ok(b"]}".to_vec())).await;
    });
    let stream = futures::stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|piece| (piece, receiver))
    });
    let mut response = Response::new(Body::from_stream(stream));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// The runs of a bulk request.
fn bulk_runs(fields: &Fields, name: &str) -> Result<Vec<String>, Error> {
    let runs = match fields.texts("run_ids")? {
        runs if runs.is_empty() => fields.texts("run_id")?,
        runs => runs,
    };
    if runs.is_empty() {
        return Err(match name {
            "GetMetricHistoryBulkInterval" => missing("run_ids"),
            name => invalid(format!("{name} request must specify at least one run_id.")),
        });
    }
    if runs.len() > BULK_RUNS {
        let most = match name {
            "GetMetricHistoryBulkInterval" => format!("can specify at most {BULK_RUNS} run_ids"),
            _ => format!("cannot specify more than {BULK_RUNS} run_ids"),
        };
        return Err(invalid(format!("{name} request {most}. Received {} run_ids.", runs.len())));
    }
    Ok(runs)
}

async fn bulk(call: Call, fields: Fields) -> Response {
    let work = async || -> Outcome {
        let runs = bulk_runs(&fields, "GetMetricHistoryBulk")?;
        let key = fields
            .text("metric_key")?
            .ok_or_else(|| invalid("GetMetricHistoryBulk request must specify a metric_key."))?;
        let limit =
            fields.integer("max_results")?.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(PAGE).min(PAGE);
        let mut all: Vec<(String, Point)> = Vec::new();
        for run in runs {
            let page = call.tracking.history(&run, &key, HistoryPlace::default(), limit).await?;
            all.extend(page.points.into_iter().map(|point| (run.clone(), point)));
        }
        let mut body = b"{\"metrics\":[".to_vec();
        for (place, (run, point)) in all.iter().take(limit).enumerate() {
            if place > 0 {
                body.push(b',');
            }
            push_point(&mut body, point, Some(run));
        }
        body.extend_from_slice(b"]}");
        Ok(Answer::raw(body))
    };
    respond(work().await)
}

async fn interval(call: Call, fields: Fields) -> Response {
    let work = async || -> Outcome {
        let runs = bulk_runs(&fields, "GetMetricHistoryBulkInterval")?;
        let key = fields.text("metric_key")?.ok_or_else(|| missing("metric_key"))?;
        let limit = match fields.integer("max_results")? {
            None => BULK_POINTS,
            Some(wanted) => usize::try_from(wanted)
                .ok()
                .filter(|wanted| (1..=BULK_POINTS).contains(wanted))
                .ok_or_else(|| invalid(format!("max_results must be between 1 and {BULK_POINTS}.")))?,
        };
        let (start, end) = (fields.integer("start_step")?, fields.integer("end_step")?);
        let (start, end) = match (start, end) {
            (None, None) => (i64::MIN, i64::MAX),
            (Some(start), Some(end)) if start <= end => (start, end),
            (Some(start), Some(end)) => {
                return Err(invalid(format!(
                    "end_step must be greater than start_step. Found start_step={start} and end_step={end}."
                )));
            }
            _ => {
                return Err(invalid("If either start step or end step are specified, both must be specified."));
            }
        };
        let mut metrics = Vec::new();
        for (run, point) in thinned(&call.tracking, &runs, &key, (start, end), limit).await? {
            metrics.push(json!({
                "run_id": run, "key": point.key, "value": number(point.value), "timestamp": point.time, "step": point.step,
            }));
        }
        Ok(json!({ "metrics": metrics }).into())
    };
    respond(work().await)
}

/// So many values at most, evenly chosen, the first and the last among them.
fn spread(all: &[i64], most: usize) -> Vec<i64> {
    if all.len() <= most {
        return all.to_vec();
    }
    let (last, gaps) = (all.len() - 1, most.saturating_sub(1).max(1));
    (0..most).map(|place| all[if most == 1 { last } else { place * last / gaps }]).collect()
}

/// Points of each run at steps that are evenly chosen among all, with the least and greatest step of each run.
async fn thinned(
    tracking: &Tracking,
    runs: &[String],
    key: &str,
    (start, end): (i64, i64),
    limit: usize,
) -> Result<Vec<(String, Point)>, Error> {
    let within = |point: &Point| (start..=end).contains(&point.step);
    let mut all = BTreeSet::new();
    let mut chosen = BTreeSet::new();
    for run in runs {
        let (mut least, mut most) = (i64::MAX, i64::MIN);
        tracking
            .walk_history(run, key, |points| {
                for point in points.iter().filter(|point| within(point)) {
                    all.insert(point.step);
                    (least, most) = (least.min(point.step), most.max(point.step));
                }
                true
            })
            .await?;
        if least <= most {
            chosen.extend([least, most]);
        }
    }
    let all: Vec<i64> = all.into_iter().collect();
    chosen.extend(spread(&all, limit));
    let mut found = Vec::new();
    for run in runs {
        let mut of_run: Vec<Point> = Vec::new();
        tracking
            .walk_history(run, key, |points| {
                of_run.extend(points.into_iter().filter(|point| within(point) && chosen.contains(&point.step)));
                true
            })
            .await?;
        of_run.sort_by_key(|point| (point.step, point.time));
        of_run.truncate(limit);
        found.extend(of_run.into_iter().map(|point| (run.clone(), point)));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::spread;

    #[test]
    fn what_is_chosen_begins_with_the_first_and_ends_with_the_last() {
        let all: Vec<i64> = (0..40).collect();
        assert_eq!(spread(&all, 5), [0, 9, 19, 29, 39]);
        assert_eq!(spread(&all, 1), [39]);
        assert_eq!(spread(&all, 40), all);
        assert_eq!(spread(&[], 5), [0_i64; 0]);
    }
}
