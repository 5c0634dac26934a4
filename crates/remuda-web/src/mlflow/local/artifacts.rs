//! Files that a script logs while a spool keeps them: written there, on the disk before they are acknowledged, and read
//! from there again.

use super::super::answer::refuse;
use super::super::fields::invalid;
use super::{LocalAddress, Spooling, paths};
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use futures::{StreamExt as _, stream};
use remuda_app::Error;
use remuda_app::run::spool::{self, SpooledFile};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use tokio::io::AsyncReadExt as _;

/// The files of a spool, by the path that the script gave.
#[derive(Default)]
pub(super) struct Files {
    known: Mutex<BTreeMap<String, SpooledFile>>,
    last: AtomicU64,
}

impl Files {
    fn find(&self, path: &str) -> Option<SpooledFile> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned()
    }

    /// What lies directly in a folder: names, sizes of files.
    fn list(&self, folder: &str) -> BTreeMap<String, Option<u64>> {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found = BTreeMap::new();
        for (path, file) in known.range(prefix.clone()..).take_while(|(path, _)| path.starts_with(&prefix)) {
            let rest = &path[prefix.len()..];
            match rest.split_once('/') {
                Some((name, _)) => found.insert(name.to_owned(), None),
                None => found.insert(rest.to_owned(), Some(file.bytes)),
            };
        }
        found
    }
}

impl LocalAddress {
    /// A request about a file.
    pub(super) async fn artifact(&self, spooling: &Spooling, request: Request) -> Response {
        let rest = paths::rest(request.uri().path());
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let outcome = if rest.ends_with("/mlflow/artifacts/list") {
            self.list_run(spooling, uri).await
        } else {
            let place = rest.strip_prefix(paths::ARTIFACTS).map(|place| place.trim_start_matches('/'));
            match (method, place.map(decoded)) {
                (Method::PUT, Some(Ok(path))) => self.keep(spooling, request, path).await,
                (Method::GET, Some(Ok(path))) if path.is_empty() => self.list_folder(spooling, uri).await,
                (Method::GET, Some(Ok(path))) => self.send(spooling, uri, &path).await,
                (_, Some(Err(error))) => Err(error),
                (method, _) => Ok(self.pass_on(spooling, method, uri, Bytes::new(), true).await),
            }
        };
        outcome.unwrap_or_else(|error| refuse(&error))
    }

    async fn keep(&self, spooling: &Spooling, request: Request, path: String) -> Result<Response, Error> {
        let uri = request.uri().clone();
        let name = self.files.last.fetch_add(1, Ordering::Relaxed).to_string();
        let body = request.into_body().into_data_stream().map(|chunk| chunk.map_err(std::io::Error::other));
        let keep = async {
            let file = spool::receive(&spooling.folder, &name, body).await?;
            let about = serde_json::to_vec(&file)?;
            self.journal(spooling, &Method::PUT, &uri, Some(name.clone()), &about).await?;
            Ok::<SpooledFile, Error>(file)
        };
        match keep.await {
            Ok(file) => {
                self.files.known.lock().unwrap_or_else(PoisonError::into_inner).insert(path, file);
            }
            Err(error) if error.code == "ledger.full" => self.lose(&error.message),
            Err(error) => return Err(error),
        }
        Ok(axum::Json(json!({})).into_response())
    }

    async fn send(&self, spooling: &Spooling, uri: Uri, path: &str) -> Result<Response, Error> {
        let Some(file) = self.files.find(path) else {
            return Ok(self.pass_on(spooling, Method::GET, uri, Bytes::new(), false).await);
        };
        let opened = tokio::fs::File::open(spooling.folder.join("files").join(&file.name)).await?;
        let chunks = stream::unfold(opened, |mut file| async {
            let mut chunk = vec![0; 256 * 1024];
            match file.read(&mut chunk).await {
                Ok(0) => None,
                Ok(read) => {
                    chunk.truncate(read);
                    Some((Ok(Bytes::from(chunk)), file))
                }
                Err(error) => Some((Err(error), file)),
            }
        });
        let headers = [
            (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
            (header::CONTENT_LENGTH, file.bytes.to_string()),
        ];
        Ok((StatusCode::OK, headers, Body::from_stream(chunks)).into_response())
    }

    /// The files of a folder, named from there.
    async fn list_folder(&self, spooling: &Spooling, uri: Uri) -> Result<Response, Error> {
        let folder = asked(&uri, "path")?;
        let found = self.files.list(&folder);
        if found.is_empty() {
            return Ok(self.pass_on(spooling, Method::GET, uri, Bytes::new(), false).await);
        }
        Ok(axum::Json(json!({ "files": written(&found, "") })).into_response())
    }

    /// The files of a folder of a run, named from the run's.
    async fn list_run(&self, spooling: &Spooling, uri: Uri) -> Result<Response, Error> {
        let folder = asked(&uri, "path")?;
        let id = asked(&uri, "run_id")?;
        let tracking = self.web.app.tracking(&self.web.product)?;
        let root = tracking.run(&id).await.map(|run| run.artifacts).unwrap_or_default();
        let Some(place) = root.strip_prefix("mlflow-artifacts:/") else {
            return Ok(self.pass_on(spooling, Method::GET, uri, Bytes::new(), false).await);
        };
        let place = [place.trim_matches('/'), folder.as_str()].join("/");
        let found = self.files.list(place.trim_end_matches('/'));
        if found.is_empty() {
            return Ok(self.pass_on(spooling, Method::GET, uri, Bytes::new(), false).await);
        }
        Ok(axum::Json(json!({ "root_uri": root, "files": written(&found, &folder) })).into_response())
    }
}

fn written(found: &BTreeMap<String, Option<u64>>, folder: &str) -> Vec<Value> {
    let path = |name: &str| if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
    found
        .iter()
        .map(|(name, bytes)| match bytes {
            Some(bytes) => json!({ "path": path(name), "is_dir": false, "file_size": bytes }),
            None => json!({ "path": path(name), "is_dir": true }),
        })
        .collect()
}

fn asked(uri: &Uri, name: &str) -> Result<String, Error> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(uri.query().unwrap_or_default())
        .map_err(|error| invalid(format!("the query cannot be read: {error}")))?;
    let found = pairs.into_iter().find(|(known, _)| known == name).map(|(_, value)| value).unwrap_or_default();
    Ok(found.trim_matches('/').to_owned())
}

/// A path as the script meant it; one that leaves its folder is refused, as the server would.
fn decoded(path: &str) -> Result<String, Error> {
    let wrong = || invalid("Invalid path");
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digits = rest.get(..2).and_then(|digits| std::str::from_utf8(digits).ok()).ok_or_else(wrong)?;
        bytes.push(u8::from_str_radix(digits, 16).map_err(|_| wrong())?);
        rest = &rest[2..];
    }
    let text = String::from_utf8(bytes).map_err(|_| wrong())?;
    let leaves = text.split(['/', '\\']).any(|part| part == "..") || text.starts_with('/') || text.contains('\0');
    if leaves { Err(wrong()) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

    use super::*;

    #[test]
    fn a_path_stays_in_its_folder() {
        assert_eq!(decoded("0/r/artifacts/a%20b.txt").unwrap(), "0/r/artifacts/a b.txt");
        for bad in ["../x", "a/%2e%2e/b", "a/..", "%2Fetc/passwd", "a%00b", "a%zz", "a%2", "a\\..\\b"] {
            assert!(decoded(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_folder_lists_what_lies_directly_in_it() {
        let files = Files::default();
        for (path, bytes) in
            [("0/r/artifacts/a.txt", 3), ("0/r/artifacts/m/x", 4), ("0/r/artifacts/m/y", 5), ("0/r2/z", 1)]
        {
            let digest = remuda_app::words::Digest::of(b"");
            let file = SpooledFile { name: "1".to_owned(), bytes, digest };
            files.known.lock().unwrap().insert(path.to_owned(), file);
        }
        let found = files.list("0/r/artifacts");
        assert_eq!(found, BTreeMap::from([("a.txt".to_owned(), Some(3)), ("m".to_owned(), None)]));
        assert_eq!(files.list("0/r/artifacts/m").len(), 2);
        assert!(files.list("0/r/art").is_empty());
    }
}
