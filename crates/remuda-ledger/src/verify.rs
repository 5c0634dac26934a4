//! Verifying a ledger: walks the chain of a product page by page and names every place that was tampered with.
//!
//! It finds facts that were changed, removed, inserted or reordered, changed or stray links, definition texts that do
//! not match their digest, and bulk rows that differ from what their fact vouches for. It cannot find a ledger that
//! was rewritten as a whole, hashes included: against that, note the head's hash somewhere else.

use crate::bulk::{BULK_METRIC_POINTS, BULK_OUTCOMES, BULK_PREDICTIONS, RowDigest, SEALED_METRIC_POINTS};
use crate::engine::{Pool, Row, Value};
use crate::error::Error;
use crate::facts::{COLUMNS, StoredFact, read_link};
use crate::{Ledger, metrics, outcomes, predictions, tally, write_ahead};
use remuda_model::Digest;
use remuda_model::fact::{Fact, Link, chain_hash, genesis};
use remuda_model::text;
use std::collections::{BTreeMap, HashSet};
use std::path::Path;

const OPERATION: &str = "verify the ledger";

/// Facts to a page.
const PAGE: i64 = 1000;

/// What a verification found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// Facts walked.
    pub facts: u64,
    /// Bulk rows whose digest was computed again.
    pub bulk_rows: u64,
    /// Definition texts whose digest was computed again.
    pub definitions: u64,
    /// Hash of the newest fact: noted elsewhere, it proves that the whole chain is still the same.
    pub head: Option<Digest>,
    /// What is wrong, in the order in which it was found. Empty: the ledger is whole.
    pub problems: Vec<Problem>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The fact's place, if the problem has one.
    pub sequence: Option<i64>,
    /// The fact's id, a definition's digest, or a table's name.
    pub id: String,
    /// What is wrong with it, without a full stop.
    pub message: String,
}

/// A walk along the chain of one product.
struct Walk<'a> {
    pool: &'a Pool,
    file: Option<&'a Path>,
    product: &'a str,
    expected: i64,
    previous: Digest,
    report: VerifyReport,
}

/// The tables whose rows belong to a fact.
const TABLES: [Table; 4] = [
    Table { name: "link", bulk: None },
    Table { name: "prediction", bulk: Some(BULK_PREDICTIONS) },
    Table { name: "outcome", bulk: Some(BULK_OUTCOMES) },
    Table { name: "metric_point", bulk: Some(BULK_METRIC_POINTS) },
];

struct Table {
    name: &'static str,
    bulk: Option<&'static str>,
}

impl Ledger {
    /// Verifies the facts of a product and all definitions. `progress` is told the facts walked and their number.
    /// Memory stays small however long the chain is. Others may append meanwhile.
    ///
    /// # Errors
    /// The database cannot be read at all. What can be read but is wrong is no error but a problem in the report.
    pub async fn verify(
        &self,
        product: &str,
        progress: &mut (dyn FnMut(u64, u64) + Send),
    ) -> Result<VerifyReport, Error> {
        let mut walk = Walk {
            pool: &self.pool,
            file: self.file.as_deref(),
            product,
            expected: 1,
            previous: genesis(product),
            report: VerifyReport::default(),
        };
        match walk.everything(progress).await {
            Ok(()) => Ok(walk.report),
            Err(error) => {
                let message = damage(error)?;
                walk.problem(None, "database", message);
                Ok(walk.report)
            }
        }
    }
}

/// Reads a failure as damage to the file where it is that: the message then; else the failure itself.
fn damage(error: Error) -> Result<String, Error> {
    match error {
        Error::Damaged { source, .. } => Ok(format!("the database file is damaged: {source}")),
        Error::Database { source: source @ (sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_)), .. } => {
            Ok(format!("a row cannot be read: {source}"))
        }
        other => Err(other),
    }
}

impl Walk<'_> {
    fn problem(&mut self, sequence: Option<i64>, id: impl Into<String>, message: impl Into<String>) {
        self.report.problems.push(Problem { sequence, id: id.into(), message: message.into() });
    }

    async fn everything(&mut self, progress: &mut (dyn FnMut(u64, u64) + Send)) -> Result<(), Error> {
        self.broken_logs();
        self.pages_of_file().await?;
        let head = self.recorded_head().await?;
        let total = head.as_ref().map_or(0, |(sequence, _)| u64::try_from(*sequence).unwrap_or_default());
        let mut after = i64::MIN;
        while let Some(last) = self.page(after, head.as_ref().map_or(i64::MAX, |(sequence, _)| *sequence)).await? {
            after = last;
            progress(self.report.facts, total);
        }
        self.end(head);
        self.strays().await?;
        self.definitions().await?;
        self.counts().await
    }

    /// The counts of traffic, where nothing else is wrong: after changed predictions they differ of course.
    async fn counts(&mut self) -> Result<(), Error> {
        if !self.report.problems.is_empty() {
            return Ok(());
        }
        for (release, minute) in tally::differences(self.pool, self.product).await? {
            let message =
                format!("its counts of release {release} at {minute} differ from its predictions and outcomes");
            self.problem(None, "tally", message);
        }
        Ok(())
    }

    /// Logs that broke off before their end when the ledger was opened.
    fn broken_logs(&mut self) {
        let kept = self.file.map(write_ahead::kept).unwrap_or_default();
        for (file, found) in kept {
            let transactions = text::count(found.transactions, "transaction");
            let message = format!(
                "the write-ahead log broke off at byte {}, and {transactions} behind that place are lost: a byte was \
                 changed, or a power cut tore a write; what was read of it is kept here, remove it when you have looked",
                found.at
            );
            self.problem(None, file.display().to_string(), message);
        }
    }

    /// SQLite's own check of the file's structure, and of each index against its table.
    async fn pages_of_file(&mut self) -> Result<(), Error> {
        const CHECK: &str = "PRAGMA integrity_check(16)";
        if matches!(self.pool, Pool::Postgres(_)) {
            return Ok(());
        }
        for message in self.pool.list(OPERATION, CHECK, &[], |row| row.text(0)).await? {
            if message != "ok" {
                self.problem(None, "database", message);
            }
        }
        Ok(())
    }

    /// The newest place by the table of heads. The newest fact is read first: appends in between only move the
    /// recorded head further.
    async fn recorded_head(&mut self) -> Result<Option<(i64, String)>, Error> {
        const NEWEST: &str = "SELECT COALESCE(MAX(sequence), 0) FROM fact WHERE product = $1";
        const CHAIN: &str = "SELECT sequence, hash FROM chain WHERE product = $1";
        let product = [Value::Text(self.product)];
        let newest = self.pool.first(OPERATION, NEWEST, &product, |row| row.integer(0)).await?.unwrap_or(0);
        let read = |row: &Row| Ok((row.integer(0)?, row.text(1)?));
        let recorded = self.pool.first(OPERATION, CHAIN, &product, read).await?;
        let place = recorded.as_ref().map_or(0, |(sequence, _)| *sequence);
        if newest > place {
            let message = format!("the ledger recorded {place} facts, but has them up to {newest}: some were inserted");
            self.problem(Some(place + 1), "chain", message);
            return Ok(None);
        }
        Ok(recorded)
    }

    /// Walks one page; gives the last sequence, or `None` at the end.
    async fn page(&mut self, after: i64, until: i64) -> Result<Option<i64>, Error> {
        const LINKS: &str = "SELECT sequence, position, relation, kind, target FROM link \
            WHERE product = $1 AND sequence > $2 AND sequence <= $3 ORDER BY sequence, position";
        let text = format!(
            "SELECT {COLUMNS} FROM fact WHERE product = $1 AND sequence > $2 AND sequence <= $3 \
             ORDER BY sequence LIMIT {PAGE}"
        );
        let values = [Value::Text(self.product), Value::Integer(after), Value::Integer(until)];
        let rows = self.pool.rows(OPERATION, text, &values).await?;
        let last = match rows.last() {
            None => return Ok(None),
            Some(row) => row.integer(0).map_err(|source| crate::error::database(OPERATION, source))?,
        };
        let span = [Value::Text(self.product), Value::Integer(after), Value::Integer(last)];
        let mut links: BTreeMap<i64, Vec<Link>> = BTreeMap::new();
        for (sequence, position, link) in self.pool.list(OPERATION, LINKS, &span, read_link).await? {
            match link {
                Ok(link) => links.entry(sequence).or_default().push(link),
                Err(word) => {
                    self.problem(Some(sequence), "link", format!("link {position}: `{word}` is no relation"));
                }
            }
        }
        self.unvouched(&span, &links).await?;
        for row in &rows {
            match StoredFact::read(row) {
                Ok(stored) => {
                    let own = links.remove(&stored.sequence).unwrap_or_default();
                    self.fact(stored, own).await?;
                }
                Err(error) => {
                    self.problem(Some(self.expected), "fact", format!("its row cannot be read: {error}"));
                    self.expected += 1;
                }
            }
        }
        Ok(Some(last))
    }

    /// Checks one fact against the chain so far.
    async fn fact(&mut self, stored: StoredFact, links: Vec<Link>) -> Result<(), Error> {
        self.report.facts += 1;
        let (sequence, id) = (stored.sequence, stored.id.clone());
        if sequence < self.expected {
            self.problem(Some(sequence), id, "has no place in the chain");
            return Ok(());
        }
        let gap = sequence > self.expected;
        if gap {
            let message = format!("facts {} to {} were removed", self.expected, sequence - 1);
            self.problem(Some(self.expected), "chain", message);
        }
        self.expected = sequence + 1;
        let fact = match stored.into_fact(self.product, links) {
            Ok(fact) => fact,
            Err(message) => {
                self.problem(Some(sequence), id, message);
                return Ok(());
            }
        };
        if !gap && fact.previous != self.previous {
            self.problem(
                Some(sequence),
                &fact.fact.id,
                "does not follow the fact before it: facts were removed, inserted or put in another order",
            );
        }
        if chain_hash(sequence, &fact.fact, &fact.previous) != fact.hash {
            self.problem(Some(sequence), &fact.fact.id, "was changed after it was appended (the fact or its links)");
        }
        self.bulk(&fact).await?;
        self.previous = fact.hash;
        Ok(())
    }

    /// Computes the digests again by which a fact vouches for bulk rows.
    async fn bulk(&mut self, fact: &Fact) -> Result<(), Error> {
        for link in &fact.fact.links {
            let (found, claimed) = match link.kind.as_str() {
                BULK_PREDICTIONS | BULK_OUTCOMES | BULK_METRIC_POINTS => {
                    (self.bulk_digest(fact.sequence, &link.kind).await?, link.target.clone())
                }
                SEALED_METRIC_POINTS => {
                    // RUN/COUNT/DIGEST; the run's name may hold slashes itself.
                    let mut parts = link.target.rsplitn(3, '/');
                    let claimed = parts.next().unwrap_or_default().to_owned();
                    let count = parts.next().and_then(|count| count.parse().ok()).unwrap_or_default();
                    (self.sealed_digest(parts.next().unwrap_or_default(), count).await?, claimed)
                }
                _ => continue,
            };
            if found.as_str() != claimed {
                let message = format!("its rows in table {} were changed, removed or added to", table_of(&link.kind));
                self.problem(Some(fact.sequence), &fact.fact.id, message);
            }
        }
        Ok(())
    }

    async fn bulk_digest(&mut self, sequence: i64, kind: &str) -> Result<Digest, Error> {
        let mut digest = RowDigest::new(kind);
        let mut after = i64::MIN;
        loop {
            let values = [
                Value::Text(self.product),
                Value::Integer(sequence),
                Value::Integer(after),
                Value::Integer(metrics::PAGE),
            ];
            let (text, position) = match kind {
                BULK_PREDICTIONS => (predictions::OF_FACT, 7),
                BULK_OUTCOMES => (outcomes::OF_FACT, 4),
                _ => (metrics::OF_FACT, 5),
            };
            let rows = self.pool.rows(OPERATION, text, &values).await?;
            let mut read = || -> Result<(), sqlx::Error> {
                for row in &rows {
                    match kind {
                        BULK_PREDICTIONS => digest.prediction(&predictions::read(row)?),
                        BULK_OUTCOMES => digest.outcome(&outcomes::read(row)?),
                        _ => digest.metric_point(&metrics::read(row)?),
                    }
                    after = row.integer(position)?;
                }
                Ok(())
            };
            read().map_err(|source| crate::error::database(OPERATION, source))?;
            self.report.bulk_rows += rows.len() as u64;
            if (rows.len() as i64) < metrics::PAGE {
                return Ok(digest.finish());
            }
        }
    }

    /// The digest over the first `count` metric points of a run that came without a fact.
    async fn sealed_digest(&mut self, run: &str, count: i64) -> Result<Digest, Error> {
        let mut digest = RowDigest::new(BULK_METRIC_POINTS);
        let (mut after, mut left) = (-1, count);
        while left > 0 {
            let page = left.min(metrics::PAGE);
            let values = [Value::Text(self.product), Value::Text(run), Value::Integer(after), Value::Integer(page)];
            let read = |row: &Row| Ok((metrics::read(row)?, row.integer(5)?));
            let rows = self.pool.list(OPERATION, metrics::LOOSE, &values, read).await?;
            for (point, position) in &rows {
                digest.metric_point(point);
                after = *position;
            }
            self.report.bulk_rows += rows.len() as u64;
            left -= page;
            if (rows.len() as i64) < page {
                break;
            }
        }
        Ok(digest.finish())
    }

    /// Bulk rows of facts that do not vouch for any.
    async fn unvouched(&mut self, span: &[Value<'_>], links: &BTreeMap<i64, Vec<Link>>) -> Result<(), Error> {
        for table in &TABLES {
            let Some(kind) = table.bulk else { continue };
            let text = format!(
                "SELECT DISTINCT sequence FROM {} WHERE product = $1 AND sequence > $2 AND sequence <= $3 \
                 AND sequence <> 0",
                table.name
            );
            for sequence in self.pool.list(OPERATION, text, span, |row| row.integer(0)).await? {
                let vouched = links.get(&sequence).is_some_and(|links| links.iter().any(|link| link.kind == kind));
                if !vouched {
                    let message = format!("table {} has rows that this fact does not vouch for", table.name);
                    self.problem(Some(sequence), table.name, message);
                }
            }
        }
        Ok(())
    }

    /// Compares the end of the walk with the recorded head.
    fn end(&mut self, recorded: Option<(i64, String)>) {
        if self.expected > 1 {
            self.report.head = Some(self.previous.clone());
        }
        let Some((sequence, hash)) = recorded else { return };
        if self.expected <= sequence {
            let message = format!("facts {} to {sequence} were removed from the end", self.expected);
            self.problem(Some(self.expected), "chain", message);
        } else if hash != self.previous.as_str() {
            self.problem(Some(sequence), "chain", "the newest fact is not the one that the ledger recorded as newest");
        }
    }

    /// Rows whose fact is gone, and definitions that were relied on but are gone.
    async fn strays(&mut self) -> Result<(), Error> {
        const GONE: &str = "SELECT MIN(l.sequence), l.target FROM link l \
            WHERE l.product = $1 AND l.relation = 'definition' \
            AND NOT EXISTS (SELECT 1 FROM definition d WHERE d.digest = l.target) GROUP BY l.target";
        let product = [Value::Text(self.product)];
        for table in &TABLES {
            let text = format!(
                "SELECT DISTINCT t.sequence FROM {} t WHERE t.product = $1 AND t.sequence <> 0 AND NOT EXISTS \
                 (SELECT 1 FROM fact f WHERE f.product = t.product AND f.sequence = t.sequence)",
                table.name
            );
            for sequence in self.pool.list(OPERATION, text, &product, |row| row.integer(0)).await? {
                let message = format!("table {} has rows of a fact that is not in the ledger", table.name);
                self.problem(Some(sequence), table.name, message);
            }
        }
        let read = |row: &Row| Ok((row.integer(0)?, row.text(1)?));
        for (sequence, digest) in self.pool.list(OPERATION, GONE, &product, read).await? {
            self.problem(Some(sequence), digest, "the text of this definition, on which the fact relied, is not here");
        }
        Ok(())
    }

    /// Computes the digest of every definition text again.
    async fn definitions(&mut self) -> Result<(), Error> {
        const DEFINITIONS: &str = "SELECT digest, path, text FROM definition \
            WHERE (digest, path) > ($1, $2) ORDER BY digest, path LIMIT 256";
        let (mut digest, mut path) = (String::new(), String::new());
        let mut told: HashSet<String> = HashSet::new();
        loop {
            let values = [Value::Text(&digest), Value::Text(&path)];
            let read = |row: &Row| Ok((row.text(0)?, row.text(1)?, row.text(2)?));
            let rows = self.pool.list(OPERATION, DEFINITIONS, &values, read).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            (digest, path) = (last.0.clone(), last.1.clone());
            for (claimed, path, text) in rows {
                self.report.definitions += 1;
                if Digest::of(text.as_bytes()).as_str() != claimed && told.insert(claimed.clone()) {
                    self.problem(None, claimed, format!("the text of `{path}` does not match this digest"));
                }
            }
        }
    }
}

fn table_of(kind: &str) -> &'static str {
    TABLES.iter().find(|table| table.bulk == Some(kind)).map_or("metric_point", |table| table.name)
}
