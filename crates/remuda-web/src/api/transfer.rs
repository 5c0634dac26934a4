//! Bytes in and out: uploads and downloads, streamed; sets of definition files.

use super::{problem, read_json};
use crate::guard::Caller;
use crate::state::Web;
use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::rejection::BytesRejection;
use axum::extract::{Extension, Path, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures::{StreamExt, stream};
use remuda_app::context::DefinitionFiles;
use remuda_app::{App, Context, Error};
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::io::AsyncReadExt;

/// Bytes read from a file at once.
const CHUNK: usize = 256 * 1024;

/// `PUT /api/v1/upload`: of any size, never held in memory.
pub(super) async fn upload(State(web): State<Arc<Web>>, Extension(caller): Extension<Caller>, body: Body) -> Response {
    if let Err(error) = need_member(&web, &caller).await {
        return problem::answer(&error);
    }
    let bytes = body.into_data_stream().map(|chunk| chunk.map_err(std::io::Error::other));
    match web.app.receive_upload(bytes).await {
        Ok(digest) => Json(json!({ "digest": digest })).into_response(),
        Err(error) => problem::answer(&error),
    }
}

/// `GET /api/v1/download/{digest}`.
pub(super) async fn download(State(web): State<Arc<Web>>, Path(digest): Path<String>) -> Response {
    attachment(&web.app, &digest, None).await.unwrap_or_else(|error| problem::answer(&error))
}

/// An offered file, streamed; browsers keep it under this name.
pub(crate) async fn attachment(app: &App, digest: &str, name: Option<&str>) -> Result<Response, Error> {
    let file = tokio::fs::File::open(app.download(digest)?).await?;
    let length = file.metadata().await?.len();
    // Names of ours are letters, digits, `-`, `_` and `.`; whatever is not is no part of a header.
    let plain = |letter: &char| letter.is_ascii_alphanumeric() || "-_.".contains(*letter);
    let disposition = name.map_or("attachment".to_owned(), |name| {
        format!("attachment; filename=\"{}\"", name.chars().filter(plain).collect::<String>())
    });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
        (header::CONTENT_LENGTH, HeaderValue::from(length)),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_str(&disposition).unwrap_or(HeaderValue::from_static("attachment")),
        ),
    ];
    Ok((headers, Body::from_stream(chunks(file))).into_response())
}

fn chunks(file: tokio::fs::File) -> impl futures::Stream<Item = std::io::Result<Bytes>> {
    stream::try_unfold(file, |mut file| async move {
        let mut buffer = Vec::with_capacity(CHUNK);
        let read = (&mut file).take(CHUNK as u64).read_to_end(&mut buffer).await?;
        Ok(if read == 0 { None } else { Some((Bytes::from(buffer), file)) })
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pushed {
    files: BTreeMap<String, String>,
}

/// `POST /api/v1/definitions`.
pub(super) async fn definitions(
    State(web): State<Arc<Web>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let pushed: Pushed = match read_json(&headers, body) {
        Ok(pushed) => pushed,
        Err(answer) => return *answer,
    };
    if let Err(error) = need_member(&web, &caller).await {
        return problem::answer(&error);
    }
    match web.app.receive_definitions(DefinitionFiles(pushed.files)).await {
        Ok(digest) => Json(json!({ "digest": digest })).into_response(),
        Err(error) => problem::answer(&error),
    }
}

/// Only members fill the disk.
async fn need_member(web: &Web, caller: &Caller) -> Result<(), Error> {
    let context: Context = crate::visit::context(web, caller, None).await?;
    if context.may_write() {
        return Ok(());
    }
    Err(Error::new(
        "access.denied",
        format!("`{}` is no member of {}, so it may not send files", context.actor.name, context.product_name()),
    )
    .hint("add a `[members.NAME]` table to `remuda.toml`"))
}
