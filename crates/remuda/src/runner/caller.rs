//! A caller whose use cases are carried out here at once, and on the server when it can be reached: the run begins and
//! ends, whoever is away.

use crate::remote::Remote;
use remuda_app::app::{IdSource as _, RandomIds};
use remuda_app::run::spool::{self, Head, Journal, Spool};
use remuda_app::use_case::Access;
use remuda_app::{Caller, Local, Result, UseCase};
use serde_json::Value;
use std::path::PathBuf;
use std::sync::Arc;

/// Carries out use cases through a spool.
pub(crate) struct Spooled {
    local: Local,
    journal: Journal,
    spool: Arc<Spool>,
    remote: Arc<Remote>,
}

impl Spooled {
    pub(super) fn new(local: Local, journal: Journal, spool: Arc<Spool>, remote: Arc<Remote>) -> Self {
        Self { local, journal, spool, remote }
    }

    /// Puts a request into the journal; files that it names come along.
    async fn keep(&self, noun: &str, verb: &str, mut request: Value) -> Result<()> {
        if let Some(fields) = request.as_object_mut() {
            for name in ["file", "golden"] {
                let Some(file) = fields.get(name).and_then(Value::as_str).map(PathBuf::from) else { continue };
                let kept = format!("{}-{}", RandomIds.short(), file.file_name().unwrap_or_default().to_string_lossy());
                spool::copy(&self.spool.folder, &kept, &file)?;
                fields.insert(name.to_owned(), Value::from(self.spool.file(&kept).to_string_lossy().into_owned()));
            }
        }
        let at = self.local.app.clock.now().div_euclid(1000);
        let head = Head { method: "POST".to_owned(), path: format!("/api/v1/{noun}/{verb}"), at, file: None };
        self.journal.append(&head, &serde_json::to_vec(&request)?).await.map(|_| ())
    }
}

impl Caller for Spooled {
    async fn call<U: UseCase>(&self, request: U) -> Result<U::Answer> {
        if U::ACCESS == Access::Read {
            return self.local.call(request).await;
        }
        let said = serde_json::to_value(&request)?;
        let answer = self.local.call(request).await?;
        if (U::NOUN, U::VERB) == ("run", "beat") {
            // A heartbeat is for now: one that comes late says nothing.
            let _ = self.remote.post_use_case("/api/v1/run/beat", said).await;
            return Ok(answer);
        }
        self.keep(U::NOUN, U::VERB, said).await?;
        Ok(answer)
    }
}
