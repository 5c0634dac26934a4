//! Artifacts: the proxy by which clients put, get, list and delete files, uploads in parts, and the same by run.

use super::answer::{Answer, refuse, respond};
use super::fields::{Fields, invalid};
use super::files::{Manner, file, file_under, path};
use super::{Call, Outcome, Routes, limits, runs};
use axum::body::Body;
use axum::extract::{Path as Segment, Query, Request};
use axum::http::{HeaderMap, Uri, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post, put};
use futures::StreamExt as _;
use remuda_app::Error;
use remuda_app::run::tracked::{ArtifactEntry, SentPart, artifact_folder};
use remuda_app::words::run::artifact::{ArtifactPath, percent_decoded};
use serde_json::{Value, json};

/// Bytes of what a browser may put at once.
const BROWSER_LIMIT: usize = 10 << 20;

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .at("/2.0/mlflow-artifacts/artifacts", get(list))
        .at("/2.0/mlflow-artifacts/artifacts/", get(list))
        .at("/2.0/mlflow-artifacts/artifacts/{*path}", get(download).put(upload).delete(delete))
        .at("/2.0/mlflow-artifacts/mpu/create/{*path}", post(begin_parts))
        .at("/2.0/mlflow-artifacts/mpu/part/{id}/{number}", put(put_part))
        .at("/2.0/mlflow-artifacts/mpu/complete/{*path}", post(finish_parts))
        .at("/2.0/mlflow-artifacts/mpu/abort/{*path}", post(drop_parts))
        .at("/2.0/mlflow-artifacts/presigned/{*path}", get(presigned))
        .at("/2.0/mlflow/artifacts/list", get(list_of_run))
        .at("/2.0/mlflow/get-artifact", get(download_of_run))
        .at("/2.0/mlflow/upload-artifact", post(upload_to_run))
        .plain("/get-artifact", get(download_of_run))
}

/// The path that an address ends with, behind these words; decoded once, as it was encoded once.
fn tail(uri: &Uri, behind: &str) -> Result<ArtifactPath, Error> {
    let raw = uri.path().split_once(behind).map_or("", |(_, tail)| tail);
    let text = match percent_decoded(raw.as_bytes()) {
        None => raw.to_owned(),
        Some(bytes) => String::from_utf8(bytes).map_err(|_| invalid("Invalid path"))?,
    };
    path(&text)
}

const ARTIFACTS: &str = "/mlflow-artifacts/artifacts/";

async fn upload(call: Call, request: Request) -> Response {
    let work = async || -> Outcome {
        let target = tail(request.uri(), ARTIFACTS)?;
        if request.uri().path().ends_with('/') {
            return Err(invalid("Invalid path"));
        }
        call.need_member().await?;
        call.tracking.put_artifact(&target, request.into_body().into_data_stream()).await?;
        Ok(Answer::done())
    };
    respond(work().await)
}

async fn download(call: Call, uri: Uri, headers: HeaderMap) -> Response {
    let work = async || file(&call, &tail(&uri, ARTIFACTS)?, &headers, Manner::Saved).await;
    work().await.unwrap_or_else(|error| refuse(&error))
}

async fn delete(call: Call, uri: Uri) -> Response {
    let work = async || -> Outcome {
        let target = tail(&uri, ARTIFACTS)?;
        call.need_member().await?;
        call.tracking.delete_artifacts(&target).await?;
        Ok(Answer::done())
    };
    respond(work().await)
}

async fn list(call: Call, fields: Fields) -> Response {
    let work = async || -> Outcome {
        let folder = path(&fields.text("path")?.unwrap_or_default())?;
        let entries = call.tracking.artifacts_in(&folder).await?;
        let files = entries.iter().map(|entry| written(entry, &entry.name)).collect();
        Ok(with_files(json!({}), files))
    };
    respond(work().await)
}

fn written(entry: &ArtifactEntry, path: &str) -> Value {
    match entry.digest {
        Some(_) => json!({ "path": path, "is_dir": false, "file_size": entry.bytes }),
        None => json!({ "path": path, "is_dir": true }),
    }
}

fn with_files(mut answer: Value, files: Vec<Value>) -> Answer {
    if !files.is_empty() {
        answer["files"] = Value::Array(files);
    }
    answer.into()
}

/// What lies in a folder under an address such as a run's: `files` and `root_uri`.
pub(super) async fn listing(call: &Call, address: &str, below: Option<&str>) -> Outcome {
    let below = path(below.unwrap_or_default())?;
    let folder = artifact_folder(address)?.join(&below);
    let entries = call.tracking.artifacts_in(&folder).await?;
    let path_of = |entry: &ArtifactEntry| match below.as_str() {
        "" => entry.name.clone(),
        below => format!("{below}/{}", entry.name),
    };
    let files = entries.iter().map(|entry| written(entry, &path_of(entry))).collect();
    Ok(with_files(json!({ "root_uri": address }), files))
}

async fn list_of_run(call: Call, fields: Fields) -> Response {
    let work = async || -> Outcome {
        let below = fields.text("path")?;
        path(below.as_deref().unwrap_or_default())?;
        let run = call.tracking.run(&runs::run_id(&fields)?).await?;
        listing(&call, &run.artifacts, below.as_deref()).await
    };
    respond(work().await)
}

/// `preview=true` shows the file in a sandbox instead of saving it.
async fn download_of_run(call: Call, headers: HeaderMap, fields: Fields) -> Response {
    let work = async || {
        let below = fields.need("path")?;
        path(&below)?;
        let run = call.tracking.run(&runs::run_id(&fields)?).await?;
        let manner = if fields.flag("preview")? == Some(true) { Manner::Shown } else { Manner::Saved };
        file_under(&call, &run.artifacts, &below, &headers, manner).await
    };
    work().await.unwrap_or_else(|error| refuse(&error))
}

#[derive(serde::Deserialize)]
struct Put {
    run_uuid: Option<String>,
    path: Option<String>,
}

async fn upload_to_run(call: Call, Query(asked): Query<Put>, body: Body) -> Response {
    let work = async || -> Outcome {
        let given = |value: Option<String>, name: &str| {
            value.filter(|value| !value.is_empty()).ok_or_else(|| invalid(format!("Request must specify {name}.")))
        };
        let id = given(asked.run_uuid, "run_uuid")?;
        let below = path(&given(asked.path, "path")?)?;
        limits::run_id("run_uuid", &id)?;
        call.need_member().await?;
        let bytes = axum::body::to_bytes(body, BROWSER_LIMIT)
            .await
            .map_err(|_| invalid("Artifact size is too large. Max size is 10MB."))?;
        if bytes.is_empty() {
            return Err(invalid("Request must specify data."));
        }
        let run = call.tracking.run(&id).await?;
        let target = artifact_folder(&run.artifacts)?.join(&below);
        let body = futures::stream::iter([Ok::<_, std::io::Error>(bytes)]);
        call.tracking.put_artifact(&target, body).await?;
        Ok(Answer::done())
    };
    respond(work().await)
}

/// The folder of the address, and the name of the caller's own file in it.
fn part_target(uri: &Uri, behind: &str, fields: &Fields) -> Result<ArtifactPath, Error> {
    let folder = tail(uri, behind)?;
    let local = fields.need("path")?;
    let name = local.rsplit(['/', '\\']).next().unwrap_or_default();
    let name = path(name)?;
    if name.is_top() {
        return Err(invalid("Invalid path"));
    }
    Ok(folder.join(&name))
}

/// What a client sends the parts to: absolute addresses, and the headers that let it in, since it sends no others.
async fn begin_parts(call: Call, uri: Uri, headers: HeaderMap, fields: Fields) -> Response {
    let work = async || -> Outcome {
        let target = part_target(&uri, "/mpu/create/", &fields)?;
        call.need_member().await?;
        let parts = fields.integer("num_parts")?.unwrap_or(1);
        let parts = u64::try_from(parts).map_err(|_| invalid("num_parts must not be negative"))?;
        let id = call.tracking.begin_parts(&target, parts).await?;
        let own = own_address(&call, &headers, &uri);
        let admission = admission(&headers);
        let credentials: Vec<Value> = (1..=parts)
            .map(|number| {
                json!({
                    "url": format!("{own}/api/2.0/mlflow-artifacts/mpu/part/{id}/{number}"),
                    "part_number": number,
                    "headers": admission,
                })
            })
            .collect();
        Ok(json!({ "upload_id": id, "credentials": credentials }).into())
    };
    respond(work().await)
}

/// This server as the caller reached it.
fn own_address(call: &Call, headers: &HeaderMap, uri: &Uri) -> String {
    let host = crate::guard::host(headers, uri).map_or_else(|| call.web.options.bound.to_string(), str::to_owned);
    let forwarded = headers.get("x-forwarded-proto").and_then(|value| value.to_str().ok());
    let scheme = if forwarded.is_some_and(|scheme| scheme.eq_ignore_ascii_case("https")) { "https" } else { "http" };
    format!("{scheme}://{host}")
}

/// The caller's own proof of who they are, told back to nobody but them.
fn admission(headers: &HeaderMap) -> Value {
    match headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()) {
        Some(proof) => json!({ "Authorization": proof }),
        None => json!({}),
    }
}

async fn put_part(call: Call, Segment((id, number)): Segment<(String, String)>, body: Body) -> Response {
    let work = async || -> Result<Response, Error> {
        let number = number.parse().map_err(|_| invalid(format!("`{number}` is no number of a part")))?;
        call.need_member().await?;
        let body = body.into_data_stream().boxed();
        let digest = call.tracking.put_part(&id, number, body).await?;
        Ok(([(header::ETAG, format!("\"{}\"", digest.hex()))], Answer::done()).into_response())
    };
    work().await.unwrap_or_else(|error| refuse(&error))
}

async fn finish_parts(call: Call, uri: Uri, fields: Fields) -> Response {
    let work = async || -> Outcome {
        let target = part_target(&uri, "/mpu/complete/", &fields)?;
        let id = fields.need("upload_id")?;
        let mut parts = Vec::new();
        for (place, value) in fields.list("parts")?.iter().enumerate() {
            let part = Fields::of_object(value).ok_or_else(|| invalid(format!("parts[{place}] is no object")))?;
            let number = part.integer("part_number")?.and_then(|number| u64::try_from(number).ok());
            let number = number.ok_or_else(|| super::fields::missing(&format!("parts[{place}].part_number")))?;
            parts.push(SentPart { number, digest: part.text("etag")? });
        }
        call.need_member().await?;
        call.tracking.finish_parts(&id, &target, &parts).await?;
        Ok(Answer::done())
    };
    respond(work().await)
}

async fn drop_parts(call: Call, uri: Uri, fields: Fields) -> Response {
    let work = async || -> Outcome {
        part_target(&uri, "/mpu/abort/", &fields)?;
        call.need_member().await?;
        call.tracking.drop_parts(&fields.need("upload_id")?).await?;
        Ok(Answer::done())
    };
    respond(work().await)
}

/// Where a client can fetch a file in ranges: here, since the tree has no other door.
async fn presigned(call: Call, uri: Uri, headers: HeaderMap) -> Response {
    let work = async || -> Outcome {
        let artifact = call.tracking.artifact(&tail(&uri, "/mlflow-artifacts/presigned/")?).await?;
        let raw = uri.path().split_once("/presigned/").map_or("", |(_, tail)| tail);
        let url = format!("{}/api/2.0{ARTIFACTS}{raw}", own_address(&call, &headers, &uri));
        Ok(json!({ "url": url, "headers": admission(&headers), "file_size": artifact.bytes }).into())
    };
    respond(work().await)
}
