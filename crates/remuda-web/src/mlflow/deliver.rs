//! What runners spooled while nobody answered: requests of the protocol, many at a time, each carried out once.

use super::answer::{Answer, respond};
use super::fields::{Fields, JsonBody, invalid};
use super::runs::{run_id, written};
use super::{Call, Outcome, Routes, limits};
use crate::guard::Caller;
use crate::state::Web;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Extension, State};
use axum::http::{Request, StatusCode, header};
use axum::response::Response;
use axum::routing::post;
use futures::future::join_all;
use remuda_app::Error;
use remuda_app::run::tracked::SpoolRecord;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::{Arc, OnceLock};
use tower::ServiceExt as _;

/// The field of a spooled `runs/create` that holds the id which the script knows.
pub(crate) const RUN_ID: &str = "remuda_run_id";
/// The same of a logged model.
pub(crate) const MODEL_ID: &str = "remuda_model_id";

/// The most records at a time.
const RECORDS: usize = 2000;

/// The longest message of a refusal.
const MESSAGE: usize = 64 << 10;

pub(super) fn routes(routes: Routes) -> Routes {
    routes.at("/2.0/remuda/deliver", post(deliver)).at("/2.0/remuda/adopt", post(adopt))
}

/// Records of a spool, in their order.
#[derive(Deserialize)]
struct Delivery {
    spool: String,
    /// The runner knows that records up to here were delivered.
    #[serde(default)]
    through: i64,
    records: Vec<Delivered>,
}

#[derive(Deserialize)]
struct Delivered {
    sequence: i64,
    method: String,
    path: String,
    body: String,
}

/// What came of a record: 200 also for one that came before.
#[derive(Serialize)]
struct Done {
    sequence: i64,
    status: u16,
    #[serde(skip_serializing_if = "String::is_empty")]
    message: String,
}

async fn deliver(
    State(web): State<Arc<Web>>,
    Extension(caller): Extension<Caller>,
    call: Call,
    body: JsonBody,
) -> Response {
    let work = async || -> Outcome {
        let delivery: Delivery = serde_json::from_slice(&body.0)
            .map_err(|error| invalid(format!("the body is no delivery of a spool: {error}")))?;
        limits::run_id("spool", &delivery.spool)?;
        if delivery.records.len() > RECORDS {
            return Err(invalid(format!("a delivery has at most {RECORDS} records")));
        }
        if delivery.through > 0 {
            call.tracking.settle(&delivery.spool, delivery.through).await?;
        }
        let through = call.tracking.delivered(&delivery.spool).await?;
        let done = carry_out_all(&web, &caller, &delivery, through).await;
        Ok(json!({ "done": done }).into())
    };
    respond(work().await)
}

/// Carries records out, in their order, up to the first that the server is to blame for.
async fn carry_out_all(web: &Arc<Web>, caller: &Caller, delivery: &Delivery, through: i64) -> Vec<Done> {
    static ROUTES: OnceLock<Router<Arc<Web>>> = OnceLock::new();
    let routes = ROUTES.get_or_init(super::routes).clone().with_state(web.clone());
    let mut done = Vec::with_capacity(delivery.records.len());
    let mut rest = delivery.records.as_slice();
    while let Some(first) = rest.first() {
        let count = if commutes(first) { rest.iter().take_while(|record| commutes(record)).count() } else { 1 };
        let (now, later) = rest.split_at(count);
        let work = now.iter().map(|record| async {
            if record.sequence <= through {
                return Done { sequence: record.sequence, status: 200, message: String::new() };
            }
            carry_out(routes.clone(), caller.clone(), &delivery.spool, record).await
        });
        let answers = join_all(work).await;
        let broken = answers.iter().any(|answer| answer.status >= 500 && answer.status != 501);
        done.extend(answers);
        if broken {
            break;
        }
        rest = later;
    }
    done
}

/// Whether its place among others of its kind does not matter: points and parameters. They are written together.
fn commutes(record: &Delivered) -> bool {
    match record.path.rsplit('/').next() {
        Some("log-metric" | "log-parameter") => true,
        Some("log-batch") => match serde_json::from_str::<Value>(&record.body) {
            Ok(body) => body["tags"].as_array().is_none_or(Vec::is_empty),
            Err(_) => false,
        },
        _ => false,
    }
}

async fn carry_out(routes: Router, caller: Caller, spool: &str, record: &Delivered) -> Done {
    let answer =
        |status: StatusCode, message: String| Done { sequence: record.sequence, status: status.as_u16(), message };
    let path = record.path.as_str();
    let is_ours = super::is_protocol(path) && !path.contains("/remuda/deliver");
    let built = Request::builder()
        .method(record.method.as_str())
        .uri(path)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(record.body.clone()));
    let (true, Ok(mut request)) = (is_ours, built) else {
        return answer(StatusCode::BAD_REQUEST, format!("`{path}` is no request that can be delivered"));
    };
    request.extensions_mut().insert(caller);
    request.extensions_mut().insert(SpoolRecord { spool: spool.to_owned(), sequence: record.sequence });
    let response = match routes.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    let status = response.status();
    if status.is_success() {
        return answer(StatusCode::OK, String::new());
    }
    let body = to_bytes(response.into_body(), MESSAGE).await.unwrap_or_default();
    let told = serde_json::from_slice::<Value>(&body).ok().and_then(|body| body["message"].as_str().map(str::to_owned));
    answer(status, told.unwrap_or_else(|| format!("answered {status}")))
}

/// Gives one of remuda's own runs its tracked side.
async fn adopt(call: Call, fields: Fields) -> Response {
    let work = async || -> Outcome {
        let id = run_id(&fields)?;
        let experiment = fields.text("experiment_id")?.as_deref().map_or(Ok(0), limits::experiment_id)?;
        let adopted = call.tracking.adopt_run(&call.context().await?, &id, experiment).await;
        match adopted {
            Ok(run) => Ok(json!({ "run": written(&run, &[]) }).into()),
            // Somebody else was quicker.
            Err(error) if error.code == "tracked.exists" => Ok(Answer::done()),
            Err(error) => Err::<Answer, Error>(error),
        }
    };
    respond(work().await)
}
