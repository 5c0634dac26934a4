//! Runs that scripts track, as MLflow's clients do: experiments, runs, what they log. Faces translate to this.
//!
//! Each begun, ended, deleted and restored run is a fact; what it logs is not, so that deleting really deletes.

mod artifacts;
mod delivery;
mod experiments;
mod logged;
mod names;
mod parts;
mod runs;
mod traces;
mod world;

pub use artifacts::artifact_folder;
pub(crate) use delivery::end_tracked;
pub use logged::MakeLogged;
pub use parts::SentPart;
pub use remuda_ledger::SpoolRecord;
pub use remuda_ledger::{Artifact, ArtifactContent, ArtifactEntry, ArtifactPlace};
pub use remuda_ledger::{
    Batch, Found, HistoryPage, HistoryPlace, LoggedChange, LoggedFound, LoggedOrder, LoggedSearch, OrderPlace,
    RunOrder, RunSearch,
};
pub use runs::{Begin, Change, NAME_TAG};
pub use traces::{FoundTraces, TracePlace, TraceSearch};

use crate::app::App;
use crate::error::{Error, Result};
use remuda_ledger::{Refusal, Tracker};
use std::collections::HashMap;
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex, PoisonError};

/// The trackers of an application, one for each product.
#[derive(Default)]
pub struct Trackers(Mutex<HashMap<String, (Tracker, Arc<AtomicI64>)>>);

/// What is tracked of one product. Cheap to clone.
#[derive(Clone)]
pub struct Tracking {
    pub(crate) app: App,
    pub(crate) tracker: Tracker,
    /// The place in the chain up to which this process has looked for runs to take over.
    seen: Arc<AtomicI64>,
}

impl App {
    /// What is tracked of a product. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// The ledger may only be read and holds nothing of it.
    pub fn tracking(&self, product: &str) -> Result<Tracking> {
        let mut trackers = self.trackers.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (tracker, seen) = match trackers.get(product) {
            Some(known) => known.clone(),
            None => {
                let made = (Tracker::start(&self.ledger, product), Arc::default());
                trackers.insert(product.to_owned(), made.clone());
                made
            }
        };
        Ok(Tracking { app: self.clone(), tracker, seen })
    }
}

impl Tracking {
    /// Now, in milliseconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        self.app.clock.now().div_euclid(1000)
    }
}

/// A refusal as the application says it; every other error of the ledger as usual.
pub(crate) fn refused(refusal: &Refusal) -> Error {
    let text = refusal.to_string();
    match refusal {
        Refusal::Missing { .. } | Refusal::Absent(_) => Error::new("request.not_found", text),
        Refusal::Exists(_) => Error::new("tracked.exists", text),
        Refusal::Taken { deleted, .. } => {
            let error = Error::new("tracked.exists", text);
            if *deleted {
                error.hint("it was deleted: restore it, or collect what was deleted to free the name")
            } else {
                error
            }
        }
        Refusal::Delivered { .. } => Error::new("tracked.delivered", text),
        Refusal::Stage { .. } => Error::new("tracked.stage", text),
        Refusal::Misplaced { .. } => {
            Error::new("request.invalid", text).hint("choose another path, or delete that first")
        }
        Refusal::ParameterDiffers { .. } => {
            Error::new("tracked.parameter", text).hint("log it in a run of its own, or under another name")
        }
    }
}
