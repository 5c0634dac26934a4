//! Traces: written as their spans and words arrive, in any order; read with their spans; found by filters.

mod change;
mod search;

pub use search::{FoundTraces, TracePlace, TraceSearch};

use super::runs::READ;
use super::writer::Tracker;
use crate::engine::{Row, Value, lists};
use crate::error::Error;
use remuda_model::run::trace::{Assessment, Trace, TraceSpan};
use std::collections::HashMap;

const COLUMNS: &str = "t.number, t.id, t.experiment, t.name, t.status, t.started, t.duration, t.caller, t.document";

/// A trace with its place in the table.
fn read(row: &Row) -> Result<(i64, Trace), sqlx::Error> {
    let trace = Trace {
        id: row.text(1)?,
        experiment: row.integer(2)?,
        name: row.text(3)?,
        status: row.text(4)?,
        started: row.integer(5)?,
        duration: row.optional_integer(6)?,
        caller: row.optional_text(7)?,
        document: serde_json::from_str(&row.text(8)?).unwrap_or_default(),
    };
    Ok((row.integer(0)?, trace))
}

fn read_assessment(row: &Row) -> Result<(String, Assessment), sqlx::Error> {
    let assessment = Assessment {
        id: row.text(1)?,
        name: row.text(2)?,
        kind: row.text(3)?,
        value: row.text(4)?,
        created: row.integer(5)?,
        document: row.text(6)?,
    };
    Ok((row.text(0)?, assessment))
}

impl Tracker {
    /// Those of these traces that exist, in the order asked for.
    ///
    /// # Errors
    /// The database failed.
    pub async fn traces(&self, ids: &[&str]) -> Result<Vec<Trace>, Error> {
        let sql = format!(
            "SELECT {COLUMNS} FROM {} CROSS JOIN tracked_trace AS t WHERE t.product = $1 AND t.id = asked.id",
            self.ledger.pool.asked()
        );
        let mut found: HashMap<String, Trace> = HashMap::new();
        for list in lists(ids) {
            let values = [Value::Text(&self.product), Value::Text(&list)];
            for (_, trace) in self.ledger.pool.list(READ, sql.clone(), &values, read).await? {
                found.insert(trace.id.clone(), trace);
            }
        }
        Ok(ids.iter().filter_map(|id| found.remove(*id)).collect())
    }

    /// The spans of a trace, in order of their beginning.
    ///
    /// # Errors
    /// The database failed.
    pub async fn spans(&self, trace: &str) -> Result<Vec<TraceSpan>, Error> {
        const SPANS: &str = "SELECT s.id, s.name, s.kind, s.status, s.started, s.ended, s.content \
            FROM tracked_trace AS t JOIN tracked_span AS s ON s.trace = t.number \
            WHERE t.product = $1 AND t.id = $2 ORDER BY s.started, s.id";
        let read = |row: &Row| {
            Ok(TraceSpan {
                id: row.text(0)?,
                name: row.text(1)?,
                kind: row.text(2)?,
                status: row.text(3)?,
                started: row.integer(4)?,
                ended: row.integer(5)?,
                root: false,
                content: row.bytes(6)?,
            })
        };
        self.ledger.pool.list(READ, SPANS, &[Value::Text(&self.product), Value::Text(trace)], read).await
    }

    /// The assessments of these traces, oldest first: trace and assessment.
    ///
    /// # Errors
    /// The database failed.
    pub async fn assessments(&self, traces: &[&str]) -> Result<Vec<(String, Assessment)>, Error> {
        let sql = format!(
            "SELECT t.id, a.id, a.name, a.kind, a.value, a.created, a.document \
             FROM {} CROSS JOIN tracked_trace AS t CROSS JOIN tracked_assessment AS a \
             WHERE t.product = $1 AND t.id = asked.id AND a.trace = t.number ORDER BY a.created, a.id",
            self.ledger.pool.asked()
        );
        let mut found = Vec::new();
        for list in lists(traces) {
            let values = [Value::Text(&self.product), Value::Text(&list)];
            found.extend(self.ledger.pool.list(READ, sql.clone(), &values, read_assessment).await?);
        }
        Ok(found)
    }
}
