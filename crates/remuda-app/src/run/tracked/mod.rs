//! Runs that scripts track, as MLflow's clients do: experiments, runs, what they log. Faces translate to this.
//!
//! Each begun, ended, deleted and restored run is a fact; what it logs is not, so that deleting really deletes.

mod delivery;
mod experiments;
mod names;
mod runs;

pub(crate) use delivery::end_tracked;
pub use remuda_ledger::{Batch, Found, HistoryPage, HistoryPlace, RunOrder, RunSearch, SpoolRecord};
pub use runs::{Begin, Change, NAME_TAG};

use crate::app::App;
use crate::error::{Error, Result};
use remuda_ledger::{Refusal, Tracker};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// The trackers of an application, one for each product.
#[derive(Default)]
pub struct Trackers(Mutex<HashMap<String, Tracker>>);

/// What is tracked of one product. Cheap to clone.
#[derive(Clone)]
pub struct Tracking {
    pub(crate) app: App,
    pub(crate) tracker: Tracker,
}

impl App {
    /// What is tracked of a product. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// The ledger may only be read and holds nothing of it.
    pub fn tracking(&self, product: &str) -> Result<Tracking> {
        let mut trackers = self.trackers.0.lock().unwrap_or_else(PoisonError::into_inner);
        let tracker = match trackers.get(product) {
            Some(tracker) => tracker.clone(),
            None => {
                let tracker = Tracker::start(&self.ledger, product);
                trackers.insert(product.to_owned(), tracker.clone());
                tracker
            }
        };
        Ok(Tracking { app: self.clone(), tracker })
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
        Refusal::Missing { .. } => Error::new("request.not_found", text),
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
        Refusal::ParameterDiffers { .. } => {
            Error::new("tracked.parameter", text).hint("log it in a run of its own, or under another name")
        }
    }
}
