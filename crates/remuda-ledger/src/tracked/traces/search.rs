//! Finding traces: a filter as SQL, in an order, page by page.

use super::super::runs::READ;
use super::super::search::{Owned, Sql, value_of};
use super::super::writer::Tracker;
use super::{COLUMNS, read};
use crate::engine::Pool;
use crate::error::Error;
use remuda_model::run::trace::{Trace, TraceClause, TraceKey, TraceTest};

/// What is sought.
#[derive(Clone, Copy, Debug)]
pub struct TraceSearch<'a> {
    /// Of these experiments.
    pub experiments: &'a [i64],
    /// That fit all of this.
    pub filter: &'a [TraceClause],
    /// In this order (true: the greatest first); then the newest first.
    pub order: &'a [(TraceKey, bool)],
    /// Behind this place.
    pub after: TracePlace,
    /// So many at most.
    pub limit: usize,
}

/// Where a page begins: behind so many traces.
pub type TracePlace = usize;

/// A page of traces.
#[derive(Clone, Debug, Default)]
pub struct FoundTraces {
    /// The traces, in order.
    pub traces: Vec<Trace>,
    /// Where the next page begins, if there is one.
    pub next: Option<TracePlace>,
}

impl Tracker {
    /// The traces that are sought.
    ///
    /// # Errors
    /// The database failed.
    pub async fn search_traces(&self, search: TraceSearch<'_>) -> Result<FoundTraces, Error> {
        if search.experiments.is_empty() {
            return Ok(FoundTraces::default());
        }
        let postgres = matches!(self.ledger.pool, Pool::Postgres(_));
        let mut sql = Sql { text: String::new(), values: Vec::new(), postgres, probing: false };
        let product = sql.text(&self.product);
        let list: Vec<String> = search.experiments.iter().map(i64::to_string).collect();
        sql.push(&format!(
            "SELECT {COLUMNS} FROM tracked_trace AS t WHERE t.product = {product} AND t.experiment IN ({})",
            list.join(", ")
        ));
        for clause in search.filter {
            sql.push(" AND ");
            write_clause(&mut sql, clause);
        }
        sql.push(" ORDER BY ");
        for (key, descending) in search.order {
            let value = value_of_key(&mut sql, key);
            sql.push(&format!(
                "CASE WHEN {value} IS NULL THEN 1 ELSE 0 END, {value}{}, ",
                if *descending { " DESC" } else { "" }
            ));
        }
        sql.push("t.started DESC, t.id LIMIT ");
        let limit = sql.place(Owned::Integer(i64::try_from(search.limit + 1).unwrap_or(i64::MAX)));
        sql.push(&limit);
        sql.push(" OFFSET ");
        let after = sql.place(Owned::Integer(i64::try_from(search.after).unwrap_or(i64::MAX)));
        sql.push(&after);
        let values: Vec<_> = sql.values.iter().map(value_of).collect();
        let mut traces: Vec<Trace> =
            self.ledger.pool.list(READ, sql.text, &values, read).await?.into_iter().map(|(_, trace)| trace).collect();
        let next = (traces.len() > search.limit).then_some(search.after + search.limit);
        traces.truncate(search.limit);
        Ok(FoundTraces { traces, next })
    }
}

/// A key as an expression over `t`.
fn value_of_key(sql: &mut Sql, key: &TraceKey) -> String {
    let word = |sql: &mut Sql, kind: &str, name: &str| {
        let name = sql.text(name);
        format!(
            "(SELECT w.value FROM tracked_trace_word AS w WHERE w.trace = t.number AND w.kind = '{kind}' AND w.key = {name})"
        )
    };
    match key {
        TraceKey::Id => "t.id".to_owned(),
        TraceKey::Caller => "t.caller".to_owned(),
        TraceKey::Name => "t.name".to_owned(),
        TraceKey::Status => "t.status".to_owned(),
        TraceKey::Experiment => "CAST(t.experiment AS TEXT)".to_owned(),
        TraceKey::Started => "t.started".to_owned(),
        TraceKey::Duration => "t.duration".to_owned(),
        TraceKey::Ended => "(t.started + t.duration)".to_owned(),
        TraceKey::Tag(name) => word(sql, "tag", name),
        TraceKey::Metadata(name) => word(sql, "metadata", name),
        TraceKey::Span(column) => {
            format!("(SELECT MIN(s.{column}) FROM tracked_span AS s WHERE s.trace = t.number)")
        }
        TraceKey::Assessment(kind, name) => {
            let name = sql.text(name);
            format!(
                "(SELECT MIN(a.value) FROM tracked_assessment AS a WHERE a.trace = t.number AND a.kind = '{kind}' AND a.name = {name})"
            )
        }
    }
}

fn write_clause(sql: &mut Sql, (key, test): &TraceClause) {
    let (from, value) = match key {
        TraceKey::Span(column) => {
            ("SELECT s.trace FROM tracked_span AS s WHERE 1 = 1".to_owned(), format!("s.{column}"))
        }
        TraceKey::Assessment(kind, name) => {
            let name = sql.text(name);
            let from =
                format!("SELECT a.trace FROM tracked_assessment AS a WHERE a.kind = '{kind}' AND a.name = {name}");
            (from, "a.value".to_owned())
        }
        TraceKey::Tag(name) => words_of(sql, "tag", name),
        TraceKey::Metadata(name) => words_of(sql, "metadata", name),
        own => {
            let value = value_of_key(sql, own);
            write_test(sql, &value, test);
            return;
        }
    };
    match test {
        TraceTest::There(there) => {
            sql.push(&format!("t.number {} ({from})", if *there { "IN" } else { "NOT IN" }));
        }
        test => {
            sql.push(&format!("t.number IN ({from} AND "));
            write_test(sql, &value, test);
            sql.push(")");
        }
    }
}

fn words_of(sql: &mut Sql, kind: &str, name: &str) -> (String, String) {
    let name = sql.text(name);
    let from = format!("SELECT w.trace FROM tracked_trace_word AS w WHERE w.kind = '{kind}' AND w.key = {name}");
    (from, "w.value".to_owned())
}

fn write_test(sql: &mut Sql, value: &str, test: &TraceTest) {
    match test {
        TraceTest::Number(sign, wanted) => {
            let place = sql.place(Owned::Double(*wanted));
            let sign = if *sign == "!=" { "<>" } else { sign };
            // Assessments are kept as JSON: a number there is one in any engine, a text is none.
            let value = if value == "a.value" { super::super::search::number_of(sql, value) } else { value.to_owned() };
            sql.push(&format!("{value} {sign} {place}"));
        }
        TraceTest::Text(wanted, differs) => {
            let place = sql.text(wanted);
            if value == "a.value" && !differs {
                // A feedback `yes` is kept as the JSON text `"yes"`, and `true` as it stands.
                let quoted = serde_json::Value::from(wanted.as_str()).to_string();
                let quoted = sql.text(&quoted);
                sql.push(&format!("({value} = {place} OR {value} = {quoted})"));
            } else {
                sql.push(&format!("{value} {} {place}", if *differs { "<>" } else { "=" }));
            }
        }
        TraceTest::Like(pattern, fold_case) => {
            let pattern = if *fold_case { pattern.to_lowercase() } else { pattern.clone() };
            let place = sql.text(&pattern);
            let value = if *fold_case { format!("LOWER({value})") } else { value.to_owned() };
            let escape = if sql.postgres { " ESCAPE ''" } else { "" };
            sql.push(&format!("{value} LIKE {place}{escape}"));
        }
        TraceTest::In(all, negated) => {
            let places: Vec<String> = all.iter().map(|one| sql.text(one)).collect();
            sql.push(&format!("{value} {} ({})", if *negated { "NOT IN" } else { "IN" }, places.join(", ")));
        }
        TraceTest::There(there) => {
            sql.push(&format!("{value} IS {}", if *there { "NOT NULL" } else { "NULL" }));
        }
    }
}
