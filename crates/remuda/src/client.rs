//! Use cases in this process or over HTTP: commands do not know which.

use crate::remote::Remote;
use crate::runner::Spooled;
use remuda_app::{Caller, Local, Result, UseCase};
use std::sync::{Mutex, PoisonError};

/// Whoever carries out use cases.
pub(crate) enum Client {
    /// This process.
    Local(Box<Local>),
    /// A server.
    Remote(Remote),
    /// This process now, and a server when it can be reached.
    Spooled(Box<Spooled>),
}

impl Caller for Client {
    async fn call<U: UseCase>(&self, request: U) -> Result<U::Answer> {
        match self {
            Client::Local(local) => local.call(request).await,
            Client::Remote(remote) => remote.call(request).await,
            Client::Spooled(spooled) => spooled.call(request).await,
        }
    }
}

/// A caller that remembers which run began through it, so that an interrupted run can be ended.
pub(crate) struct Remembering<C> {
    inner: C,
    run: Mutex<Option<String>>,
}

impl<C: Caller> Remembering<C> {
    /// Remembers nothing yet.
    pub(crate) fn new(inner: C) -> Self {
        Self { inner, run: Mutex::new(None) }
    }

    /// The run that began and has not ended.
    pub(crate) fn open_run(&self) -> Option<String> {
        self.run.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn remember(&self, run: Option<String>) {
        *self.run.lock().unwrap_or_else(PoisonError::into_inner) = run;
    }
}

impl<C: Caller> Caller for Remembering<C> {
    async fn call<U: UseCase>(&self, request: U) -> Result<U::Answer> {
        let answer = self.inner.call(request).await?;
        match (U::NOUN, U::VERB) {
            ("run", "start") => {
                let answered = serde_json::to_value(&answer)?;
                self.remember(answered.get("run").and_then(|run| run.as_str()).map(str::to_owned));
            }
            ("run", "finish") => self.remember(None),
            _ => {}
        }
        Ok(answer)
    }
}
