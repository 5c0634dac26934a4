//! Changes of traces.

use super::super::experiments::active;
use super::super::refusal::Refusal;
use super::super::runs::head;
use super::super::writer::{Change, OPERATION, Tracker};
use super::{COLUMNS, read};
use crate::engine::{Transaction, Value};
use crate::error::{Error, database};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use remuda_model::run::trace::{Assessment, Trace, TraceSpan};
use std::collections::BTreeMap;

/// The tag that tells clients where spans lie: here.
const SPANS_TAG: (&str, &str) = ("mlflow.trace.spansLocation", "TRACKING_STORE");
/// The tag that tells them where attachments go.
const ARTIFACTS_TAG: &str = "mlflow.artifactLocation";

/// What changes.
enum Alter {
    /// Its caller says all about the trace.
    Tell(Box<Trace>, Vec<Assessment>),
    /// Spans arrive, with what they say about traces that nobody told of yet.
    Spans(Vec<(Trace, Vec<TraceSpan>)>),
    Tag(String, String, String),
    Untag(String, String),
    Assess(String, Box<Assessment>),
    Withdraw(String, String),
}

impl Change for Alter {
    type Answer = ();

    fn apply<'a>(&'a self, product: &'a str, transaction: &'a mut Transaction) -> BoxFuture<'a, Result<(), Error>> {
        self.write(product, transaction).boxed()
    }
}

impl Alter {
    async fn write(&self, product: &str, transaction: &mut Transaction) -> Result<(), Error> {
        match self {
            Alter::Tell(trace, assessments) => tell(product, transaction, trace, assessments).await,
            Alter::Spans(all) => {
                // Nothing may be written before it is sure that all of it will be.
                for (trace, _) in all {
                    active(product, transaction, trace.experiment).await?;
                }
                for (trace, spans) in all {
                    add_spans(product, transaction, trace, spans).await?;
                }
                Ok(())
            }
            Alter::Tag(id, key, value) => {
                let (number, mut trace) = need(product, transaction, id).await?;
                trace.document.tags.insert(key.clone(), value.clone());
                put_words(transaction, number, "tag", &BTreeMap::from([(key.clone(), value.clone())])).await?;
                store(transaction, number, &trace).await
            }
            Alter::Untag(id, key) => {
                const GO: &str = "DELETE FROM tracked_trace_word WHERE trace = $1 AND kind = 'tag' AND key = $2";
                let (number, mut trace) = need(product, transaction, id).await?;
                if trace.document.tags.remove(key).is_none() {
                    return Err(Error::Refused(Refusal::Missing { what: "tag", name: key.clone() }));
                }
                execute(transaction, GO, &[Value::Integer(number), Value::Text(key)]).await?;
                store(transaction, number, &trace).await
            }
            Alter::Assess(id, assessment) => {
                let (number, _) = need(product, transaction, id).await?;
                put_assessment(transaction, number, assessment).await
            }
            Alter::Withdraw(id, assessment) => {
                const GO: &str = "DELETE FROM tracked_assessment WHERE trace = $1 AND id = $2";
                let (number, _) = need(product, transaction, id).await?;
                execute(transaction, GO, &[Value::Integer(number), Value::Text(assessment)]).await
            }
        }
    }
}

async fn execute(transaction: &mut Transaction, sql: &str, values: &[Value<'_>]) -> Result<(), Error> {
    transaction.execute(sql, values).await.map(|_| ()).map_err(|source| database(OPERATION, source))
}

async fn find(product: &str, transaction: &mut Transaction, id: &str) -> Result<Option<(i64, Trace)>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM tracked_trace AS t WHERE t.product = $1 AND t.id = $2");
    let rows = transaction.rows(sql, &[Value::Text(product), Value::Text(id)]).await;
    let rows = rows.map_err(|source| database(OPERATION, source))?;
    rows.first().map(read).transpose().map_err(|source| database(OPERATION, source))
}

async fn need(product: &str, transaction: &mut Transaction, id: &str) -> Result<(i64, Trace), Error> {
    let found = find(product, transaction, id).await?;
    found.ok_or_else(|| Error::Refused(Refusal::Missing { what: "trace", name: id.to_owned() }))
}

async fn tell(
    product: &str,
    transaction: &mut Transaction,
    told: &Trace,
    assessments: &[Assessment],
) -> Result<(), Error> {
    let experiment = active(product, transaction, told.experiment).await?;
    let mut trace = told.clone();
    trace.document.told = true;
    let place = format!("{}/traces/{}/artifacts", experiment.artifacts.trim_end_matches('/'), trace.id);
    let number = match find(product, transaction, &trace.id).await? {
        None => {
            trace.document.tags.insert(ARTIFACTS_TAG.to_owned(), place);
            insert(product, transaction, &trace).await?
        }
        Some((number, known)) => {
            let mut tags = known.document.tags;
            tags.append(&mut trace.document.tags);
            tags.insert(ARTIFACTS_TAG.to_owned(), place);
            let mut metadata = known.document.metadata;
            metadata.append(&mut trace.document.metadata);
            (trace.document.tags, trace.document.metadata) = (tags, metadata);
            trace.document.request = trace.document.request.or(known.document.request);
            trace.document.response = trace.document.response.or(known.document.response);
            if trace.name.is_empty() {
                trace.name = known.name;
            }
            store(transaction, number, &trace).await?;
            number
        }
    };
    put_words(transaction, number, "tag", &trace.document.tags).await?;
    put_words(transaction, number, "metadata", &trace.document.metadata).await?;
    for assessment in assessments {
        put_assessment(transaction, number, assessment).await?;
    }
    Ok(())
}

async fn add_spans(
    product: &str,
    transaction: &mut Transaction,
    said: &Trace,
    spans: &[TraceSpan],
) -> Result<(), Error> {
    const INSERT: &str = "INSERT INTO tracked_span (trace, id, name, kind, status, started, ended, content)";
    const TAIL: &str = " ON CONFLICT (trace, id) DO UPDATE SET name = excluded.name, kind = excluded.kind, \
        status = excluded.status, started = excluded.started, ended = excluded.ended, content = excluded.content";
    let (key, value) = (SPANS_TAG.0.to_owned(), SPANS_TAG.1.to_owned());
    let number = match find(product, transaction, &said.id).await? {
        None => {
            let mut trace = said.clone();
            trace.document.tags.insert(key, value);
            let number = insert(product, transaction, &trace).await?;
            put_words(transaction, number, "tag", &trace.document.tags).await?;
            put_words(transaction, number, "metadata", &trace.document.metadata).await?;
            number
        }
        Some((number, mut trace)) => {
            if !trace.document.told {
                widen(&mut trace, said);
            }
            trace.document.tags.insert(key.clone(), value.clone());
            put_words(transaction, number, "tag", &BTreeMap::from([(key, value)])).await?;
            store(transaction, number, &trace).await?;
            number
        }
    };
    // One statement must not touch a row twice.
    let spans: BTreeMap<&str, &TraceSpan> = spans.iter().map(|span| (span.id.as_str(), span)).collect();
    let values: Vec<Value<'_>> = spans
        .values()
        .flat_map(|span| {
            [
                Value::Integer(number),
                Value::Text(&span.id),
                Value::Text(&span.name),
                Value::Text(&span.kind),
                Value::Text(&span.status),
                Value::Integer(span.started),
                Value::Integer(span.ended),
                Value::Bytes(&span.content),
            ]
        })
        .collect();
    transaction.insert(INSERT, 8, &values, TAIL).await.map(|_| ()).map_err(|source| database(OPERATION, source))
}

/// More spans of a trace that nobody told of: it grows, and its root says how it ended.
fn widen(trace: &mut Trace, said: &Trace) {
    let end = |one: &Trace| one.started + one.duration.unwrap_or_default();
    let end = end(trace).max(end(said));
    trace.started = trace.started.min(said.started);
    trace.duration = Some(end - trace.started);
    if said.status != "IN_PROGRESS" {
        trace.status.clone_from(&said.status);
        trace.name.clone_from(&said.name);
    }
    trace.document.request = trace.document.request.take().or_else(|| said.document.request.clone());
    trace.document.response = trace.document.response.take().or_else(|| said.document.response.clone());
}

async fn insert(product: &str, transaction: &mut Transaction, trace: &Trace) -> Result<i64, Error> {
    const INSERT: &str =
        "INSERT INTO tracked_trace (product, id, experiment, name, status, started, duration, caller, document)";
    let document = serde_json::to_string(&trace.document).unwrap_or_default();
    let values = [
        Value::Text(product),
        Value::Text(&trace.id),
        Value::Integer(trace.experiment),
        Value::Text(&trace.name),
        Value::Text(&trace.status),
        Value::Integer(trace.started),
        Value::OptionalInteger(trace.duration),
        Value::OptionalText(trace.caller.as_deref()),
        Value::Text(&document),
    ];
    transaction.insert(INSERT, 9, &values, "").await.map_err(|source| database(OPERATION, source))?;
    Ok(need(product, transaction, &trace.id).await?.0)
}

async fn store(transaction: &mut Transaction, number: i64, trace: &Trace) -> Result<(), Error> {
    const UPDATE: &str = "UPDATE tracked_trace SET experiment = $1, name = $2, status = $3, started = $4, \
        duration = $5, caller = $6, document = $7 WHERE number = $8";
    let document = serde_json::to_string(&trace.document).unwrap_or_default();
    let values = [
        Value::Integer(trace.experiment),
        Value::Text(&trace.name),
        Value::Text(&trace.status),
        Value::Integer(trace.started),
        Value::OptionalInteger(trace.duration),
        Value::OptionalText(trace.caller.as_deref()),
        Value::Text(&document),
        Value::Integer(number),
    ];
    execute(transaction, UPDATE, &values).await
}

/// Writes tags or metadata into the table that filters read.
async fn put_words(
    transaction: &mut Transaction,
    number: i64,
    kind: &str,
    words: &BTreeMap<String, String>,
) -> Result<(), Error> {
    const INSERT: &str = "INSERT INTO tracked_trace_word (trace, kind, key, value, head)";
    const TAIL: &str = " ON CONFLICT (trace, kind, key) DO UPDATE SET value = excluded.value, head = excluded.head";
    let values: Vec<Value<'_>> = words
        .iter()
        .flat_map(|(key, value)| {
            [Value::Integer(number), Value::Text(kind), Value::Text(key), Value::Text(value), Value::Text(head(value))]
        })
        .collect();
    transaction.insert(INSERT, 5, &values, TAIL).await.map(|_| ()).map_err(|source| database(OPERATION, source))
}

async fn put_assessment(transaction: &mut Transaction, number: i64, assessment: &Assessment) -> Result<(), Error> {
    const INSERT: &str = "INSERT INTO tracked_assessment (trace, id, name, kind, value, created, document)";
    const TAIL: &str = " ON CONFLICT (trace, id) DO UPDATE SET name = excluded.name, kind = excluded.kind, \
        value = excluded.value, document = excluded.document";
    let values = [
        Value::Integer(number),
        Value::Text(&assessment.id),
        Value::Text(&assessment.name),
        Value::Text(&assessment.kind),
        Value::Text(&assessment.value),
        Value::Integer(assessment.created),
        Value::Text(&assessment.document),
    ];
    transaction.insert(INSERT, 7, &values, TAIL).await.map(|_| ()).map_err(|source| database(OPERATION, source))
}

/// Traces that go: these, or the oldest of an experiment up to a moment.
struct Delete {
    experiment: i64,
    ids: Option<Vec<String>>,
    until: i64,
    most: i64,
}

impl Change for Delete {
    type Answer = u64;

    fn apply<'a>(&'a self, product: &'a str, transaction: &'a mut Transaction) -> BoxFuture<'a, Result<u64, Error>> {
        self.write(product, transaction).boxed()
    }
}

impl Delete {
    async fn write(&self, product: &str, transaction: &mut Transaction) -> Result<u64, Error> {
        const OLD: &str = "SELECT number FROM tracked_trace WHERE product = $1 AND experiment = $2 AND started <= $3 \
            ORDER BY started, id LIMIT $4";
        const ONE: &str = "SELECT number FROM tracked_trace WHERE product = $1 AND experiment = $2 AND id = $3";
        let failed = |source| database(OPERATION, source);
        let place = [Value::Text(product), Value::Integer(self.experiment)];
        let mut numbers = Vec::new();
        match &self.ids {
            None => {
                let [product, experiment] = place;
                let values = [product, experiment, Value::Integer(self.until), Value::Integer(self.most)];
                for row in transaction.rows(OLD, &values).await.map_err(failed)? {
                    numbers.push(row.integer(0).map_err(failed)?);
                }
            }
            Some(ids) => {
                for id in ids {
                    let [product, experiment] = place;
                    for row in transaction.rows(ONE, &[product, experiment, Value::Text(id)]).await.map_err(failed)? {
                        numbers.push(row.integer(0).map_err(failed)?);
                    }
                }
            }
        }
        for number in &numbers {
            for table in ["tracked_span", "tracked_trace_word", "tracked_assessment"] {
                execute(transaction, &format!("DELETE FROM {table} WHERE trace = $1"), &[Value::Integer(*number)])
                    .await?;
            }
            execute(transaction, "DELETE FROM tracked_trace WHERE number = $1", &[Value::Integer(*number)]).await?;
        }
        Ok(numbers.len() as u64)
    }
}

impl Tracker {
    /// Takes down what the caller of a trace says about it. Its spans may be here already, or come later.
    ///
    /// # Errors
    /// The experiment is missing or deleted, or the database failed.
    pub async fn tell_trace(&self, trace: Trace, assessments: Vec<Assessment>) -> Result<(), Error> {
        self.change(Alter::Tell(Box::new(trace), assessments)).await
    }

    /// Takes spans down, each list with what it says about its trace.
    ///
    /// # Errors
    /// An experiment is missing or deleted, or the database failed; nothing was written then.
    pub async fn add_spans(&self, spans: Vec<(Trace, Vec<TraceSpan>)>) -> Result<(), Error> {
        self.change(Alter::Spans(spans)).await
    }

    /// Gives a trace a tag.
    ///
    /// # Errors
    /// The trace is missing, or the database failed.
    pub async fn tag_trace(&self, id: &str, key: &str, value: &str) -> Result<(), Error> {
        self.change(Alter::Tag(id.to_owned(), key.to_owned(), value.to_owned())).await
    }

    /// Takes a tag from a trace.
    ///
    /// # Errors
    /// The trace or the tag is missing, or the database failed.
    pub async fn untag_trace(&self, id: &str, key: &str) -> Result<(), Error> {
        self.change(Alter::Untag(id.to_owned(), key.to_owned())).await
    }

    /// Keeps an assessment; one of the same id is replaced.
    ///
    /// # Errors
    /// The trace is missing, or the database failed.
    pub async fn assess_trace(&self, id: &str, assessment: Assessment) -> Result<(), Error> {
        self.change(Alter::Assess(id.to_owned(), Box::new(assessment))).await
    }

    /// Removes an assessment; one that is not there is gone already.
    ///
    /// # Errors
    /// The trace is missing, or the database failed.
    pub async fn withdraw_assessment(&self, id: &str, assessment: &str) -> Result<(), Error> {
        self.change(Alter::Withdraw(id.to_owned(), assessment.to_owned())).await
    }

    /// Deletes traces of an experiment, for good: those of these ids, or the oldest that began up to a moment
    /// (milliseconds since 1970). Gives their number.
    ///
    /// # Errors
    /// The database failed.
    pub async fn delete_traces(
        &self,
        experiment: i64,
        ids: Option<Vec<String>>,
        until: i64,
        most: i64,
    ) -> Result<u64, Error> {
        self.change(Delete { experiment, ids, until, most }).await
    }
}
