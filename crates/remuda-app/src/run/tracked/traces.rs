//! Traces: what a call of a program did, span by span, and how it was assessed.

use super::Tracking;
use crate::error::{Error, Result};
use remuda_model::run::trace::{Assessment, Trace, TraceSpan};
use std::collections::HashMap;

pub use remuda_ledger::{FoundTraces, TracePlace, TraceSearch};

impl Tracking {
    /// Takes down what the caller of a trace says about it; gives the trace as it is now.
    ///
    /// # Errors
    /// The experiment is missing or deleted.
    pub async fn tell_trace(&self, trace: Trace, assessments: Vec<Assessment>) -> Result<Trace> {
        self.default_if_zero(trace.experiment).await?;
        let id = trace.id.clone();
        self.tracker.tell_trace(trace, assessments).await?;
        self.trace(&id).await
    }

    /// Takes spans down, each list with what it says about its trace.
    ///
    /// # Errors
    /// An experiment is missing or deleted; nothing was written then.
    pub async fn add_spans(&self, spans: Vec<(Trace, Vec<TraceSpan>)>) -> Result<()> {
        if let Some((trace, _)) = spans.first() {
            self.default_if_zero(trace.experiment).await?;
        }
        Ok(self.tracker.add_spans(spans).await?)
    }

    async fn default_if_zero(&self, experiment: i64) -> Result<()> {
        if experiment == 0 {
            self.tracker.ensure_default(self.now()).await?;
        }
        Ok(())
    }

    /// A trace, without its spans.
    ///
    /// # Errors
    /// There is none of that id.
    pub async fn trace(&self, id: &str) -> Result<Trace> {
        let found = self.tracker.traces(&[id]).await?.into_iter().next();
        found.ok_or_else(|| Error::new("request.not_found", format!("Trace with ID '{id}' not found.")))
    }

    /// Those of these traces that exist, in the order asked for.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub async fn traces(&self, ids: &[&str]) -> Result<Vec<Trace>> {
        Ok(self.tracker.traces(ids).await?)
    }

    /// The spans of a trace, in order of their beginning.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub async fn spans(&self, trace: &str) -> Result<Vec<TraceSpan>> {
        Ok(self.tracker.spans(trace).await?)
    }

    /// The assessments of these traces, oldest first.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub async fn assessments(&self, traces: &[&str]) -> Result<HashMap<String, Vec<Assessment>>> {
        let mut found: HashMap<String, Vec<Assessment>> = HashMap::new();
        for (trace, assessment) in self.tracker.assessments(traces).await? {
            found.entry(trace).or_default().push(assessment);
        }
        Ok(found)
    }

    /// An assessment of a trace.
    ///
    /// # Errors
    /// There is no such trace or assessment.
    pub async fn assessment(&self, trace: &str, id: &str) -> Result<Assessment> {
        self.trace(trace).await?;
        let found = self.tracker.assessments(&[trace]).await?;
        let found = found.into_iter().map(|(_, one)| one).find(|one| one.id == id);
        found.ok_or_else(|| {
            Error::new("request.not_found", format!("Assessment with ID '{id}' not found for trace '{trace}'"))
        })
    }

    /// Keeps an assessment; one of the same id is replaced. Gives its id, made if it has none.
    ///
    /// # Errors
    /// The trace is missing.
    pub async fn assess_trace(&self, trace: &str, assessment: Assessment) -> Result<()> {
        self.trace(trace).await?;
        Ok(self.tracker.assess_trace(trace, assessment).await?)
    }

    /// Removes an assessment.
    ///
    /// # Errors
    /// The trace is missing.
    pub async fn withdraw_assessment(&self, trace: &str, id: &str) -> Result<()> {
        self.trace(trace).await?;
        Ok(self.tracker.withdraw_assessment(trace, id).await?)
    }

    /// An id for an assessment, and now in milliseconds since 1970.
    pub fn new_assessment(&self) -> (String, i64) {
        (format!("a-{}", &self.app.ids.secret()[..32]), self.now())
    }

    /// Gives a trace a tag.
    ///
    /// # Errors
    /// The trace is missing.
    pub async fn tag_trace(&self, id: &str, key: &str, value: &str) -> Result<()> {
        self.trace(id).await?;
        Ok(self.tracker.tag_trace(id, key, value).await?)
    }

    /// Takes a tag from a trace.
    ///
    /// # Errors
    /// The trace or the tag is missing.
    pub async fn untag_trace(&self, id: &str, key: &str) -> Result<()> {
        self.trace(id).await?;
        Ok(self.tracker.untag_trace(id, key).await?)
    }

    /// Deletes traces of an experiment, for good; gives their number.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub async fn delete_traces(&self, experiment: i64, ids: Option<Vec<String>>, until: i64, most: i64) -> Result<u64> {
        Ok(self.tracker.delete_traces(experiment, ids, until, most).await?)
    }

    /// The traces that are sought.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub async fn search_traces(&self, search: TraceSearch<'_>) -> Result<FoundTraces> {
        Ok(self.tracker.search_traces(search).await?)
    }
}
