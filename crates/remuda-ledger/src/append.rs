//! Appending: the one way in for facts, definitions and bulk rows. One call is one transaction.

use crate::bulk::{
    BULK_METRIC_POINTS, BULK_OUTCOMES, BULK_PREDICTIONS, MetricPoint, OutcomeRecord, RowDigest, SEALED_METRIC_POINTS,
    digest_metric_points, digest_outcomes, digest_predictions,
};
use crate::definitions::Definition;
use crate::engine::{Transaction, Value};
use crate::error::{Error, database, passes};
use crate::{Ledger, metrics, outcomes, predictions, tally};
use remuda_model::Digest;
use remuda_model::fact::{Fact, Link, NewFact, chain_hash, genesis};
use remuda_model::serving::PredictionRecord;

const OPERATION: &str = "append to the ledger";

/// What one transaction brings into the ledger of a product.
#[derive(Clone, Debug, Default)]
pub struct Append {
    /// The facts, in order. All name the product of the call.
    pub facts: Vec<NewFact>,
    /// The definition texts that these facts rely on; a text that is there already is no error.
    pub definitions: Vec<Definition>,
    /// Metric points. They enter the chain by the first fact, or wait for one that seals their run.
    pub metric_points: Vec<MetricPoint>,
    /// Predictions; those whose id is there already are left out. They enter the chain by the first fact.
    pub predictions: Vec<PredictionRecord>,
    /// Outcomes; one that says exactly what an earlier one said is left out. They enter the chain by the first fact.
    pub outcomes: Vec<OutcomeRecord>,
    /// Runs whose metric points without a fact are sealed by the last fact.
    pub sealed_runs: Vec<String>,
    /// Refuse with [`Error::Conflict`] unless the product's newest sequence is this one (0: no facts yet).
    pub expect_head: Option<i64>,
    /// Append nothing at all if there are bulk rows and none of them is new.
    pub only_news: bool,
}

/// What an append did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Appended {
    /// The facts with their places in the chain, and with the links that the ledger added for bulk rows.
    pub facts: Vec<Fact>,
    /// Metric points that were not there before.
    pub new_metric_points: u64,
    /// Predictions that were not there before.
    pub new_predictions: u64,
    /// Outcomes that were not there before.
    pub new_outcomes: u64,
}

impl Ledger {
    /// Appends in one transaction: all of it is durable when this returns, or none of it is there. Facts get the next
    /// sequences of the product; other appenders to it wait.
    ///
    /// # Errors
    /// The head moved ([`Error::Conflict`]), an id is taken ([`Error::Duplicate`]), the request contradicts itself
    /// ([`Error::Invalid`]), or the database failed; then nothing was written.
    pub async fn append(&self, product: &str, append: Append) -> Result<Appended, Error> {
        const TRIES: u32 = 5;
        check(product, &append)?;
        for _ in 1..TRIES {
            match self.append_once(product, &append).await {
                Err(error) if passes(&error) => {}
                done => return done,
            }
        }
        self.append_once(product, &append).await
    }

    async fn append_once(&self, product: &str, append: &Append) -> Result<Appended, Error> {
        let mut transaction = self.pool.begin().await.map_err(|source| database(OPERATION, source))?;
        match append_in(&mut transaction, product, append).await? {
            Some(appended) => {
                transaction.commit().await.map_err(|source| database(OPERATION, source))?;
                Ok(appended)
            }
            // Nothing was new: dropping the transaction takes everything back.
            None => Ok(Appended::default()),
        }
    }
}

/// Appends inside a transaction that does more; `None` if nothing was new and only news were asked for: then the
/// transaction must not be committed. The caller has checked the request ([`check`]).
pub(crate) async fn append_in(
    transaction: &mut Transaction,
    product: &str,
    append: &Append,
) -> Result<Option<Appended>, Error> {
    transaction.lock(lock_key(product)).await.map_err(|source| database(OPERATION, source))?;
    let (sequence, hash) = head(transaction, product).await?;
    if let Some(expected) = append.expect_head.filter(|expected| *expected != sequence) {
        return Err(Error::Conflict { product: product.to_owned(), expected, found: sequence });
    }
    write(transaction, product, append, sequence, hash).await.map_err(|source| database(OPERATION, source))
}

/// The product's newest sequence and hash; 0 and the genesis hash when it has no facts.
async fn head(transaction: &mut Transaction, product: &str) -> Result<(i64, Digest), Error> {
    const HEAD: &str = "SELECT sequence, hash FROM fact WHERE product = $1 ORDER BY sequence DESC LIMIT 1";
    let read = async {
        let rows = transaction.rows(HEAD, &[Value::Text(product)]).await?;
        rows.first().map(|row| Ok((row.integer(0)?, row.text(1)?))).transpose()
    };
    match read.await.map_err(|source| database(OPERATION, source))? {
        None => Ok((0, genesis(product))),
        Some((sequence, hash)) => match Digest::parse(&hash) {
            Ok(hash) => Ok((sequence, hash)),
            Err(error) => Err(Error::Unreadable { product: product.to_owned(), sequence, message: error.to_string() }),
        },
    }
}

/// Writes everything; `None` if `only_news` was asked for and there are none.
async fn write(
    transaction: &mut Transaction,
    product: &str,
    append: &Append,
    head: i64,
    head_hash: Digest,
) -> Result<Option<Appended>, sqlx::Error> {
    let mut appended = Appended::default();
    let mut facts = append.facts.clone();
    let by_fact = if facts.is_empty() { 0 } else { head + 1 };
    let links = write_bulk(transaction, product, append, by_fact, &mut appended).await?;
    if append.only_news && !has_news(append, &appended) {
        return Ok(None);
    }
    if let Some(first) = facts.first_mut() {
        first.links.extend(links);
    }
    for run in &append.sealed_runs {
        let seal = seal(transaction, product, run).await?;
        if let Some(last) = facts.last_mut() {
            last.links.push(seal);
        }
    }
    write_definitions(transaction, &append.definitions).await?;
    appended.facts = chain(facts, head, head_hash);
    write_facts(transaction, product, &appended.facts).await?;
    Ok(Some(appended))
}

fn has_news(append: &Append, appended: &Appended) -> bool {
    let offered = !append.metric_points.is_empty() || !append.predictions.is_empty() || !append.outcomes.is_empty();
    !offered || appended.new_metric_points + appended.new_predictions + appended.new_outcomes > 0
}

/// Writes the bulk rows and gives the links by which they enter the chain.
async fn write_bulk(
    transaction: &mut Transaction,
    product: &str,
    append: &Append,
    sequence: i64,
    appended: &mut Appended,
) -> Result<Vec<Link>, sqlx::Error> {
    let mut links = Vec::new();
    if !append.predictions.is_empty() {
        let rows = &append.predictions;
        appended.new_predictions = predictions::insert(transaction, product, sequence, rows).await?;
        tally::add_predictions(transaction, product, sequence).await?;
        let digest = if appended.new_predictions == rows.len() as u64 {
            digest_predictions(rows)
        } else {
            let mut digest = RowDigest::new(BULK_PREDICTIONS);
            for row in transaction.rows(predictions::OF_FACT, &of_fact(product, sequence)).await? {
                digest.prediction(&predictions::read(&row)?);
            }
            digest.finish()
        };
        links.push(Link::makes(BULK_PREDICTIONS, digest));
    }
    if !append.outcomes.is_empty() {
        let rows = &append.outcomes;
        appended.new_outcomes = outcomes::insert(transaction, product, sequence, rows).await?;
        tally::add_outcomes(transaction, product, sequence).await?;
        let digest = if appended.new_outcomes == rows.len() as u64 {
            digest_outcomes(rows)
        } else {
            let mut digest = RowDigest::new(BULK_OUTCOMES);
            for row in transaction.rows(outcomes::OF_FACT, &of_fact(product, sequence)).await? {
                digest.outcome(&outcomes::read(&row)?);
            }
            digest.finish()
        };
        links.push(Link::makes(BULK_OUTCOMES, digest));
    }
    if !append.metric_points.is_empty() {
        let rows = &append.metric_points;
        let first = if sequence == 0 { metrics::next_position(transaction, product).await? } else { 0 };
        appended.new_metric_points = metrics::insert(transaction, product, sequence, first, rows).await?;
        if sequence == 0 {
            return Ok(links);
        }
        let digest = if appended.new_metric_points == rows.len() as u64 {
            digest_metric_points(rows)
        } else {
            let mut digest = RowDigest::new(BULK_METRIC_POINTS);
            for row in transaction.rows(metrics::OF_FACT, &of_fact(product, sequence)).await? {
                digest.metric_point(&metrics::read(&row)?);
            }
            digest.finish()
        };
        links.push(Link::makes(BULK_METRIC_POINTS, digest));
    }
    Ok(links)
}

/// The values of an `OF_FACT` query, from the first row on.
fn of_fact(product: &str, sequence: i64) -> [Value<'_>; 4] {
    [Value::Text(product), Value::Integer(sequence), Value::Integer(-1), Value::Integer(i64::MAX)]
}

/// The link that seals a run's metric points which came without a fact.
async fn seal(transaction: &mut Transaction, product: &str, run: &str) -> Result<Link, sqlx::Error> {
    let mut digest = RowDigest::new(BULK_METRIC_POINTS);
    let mut count = 0;
    let mut after = -1;
    loop {
        let values = [Value::Text(product), Value::Text(run), Value::Integer(after), Value::Integer(metrics::PAGE)];
        let rows = transaction.rows(metrics::LOOSE, &values).await?;
        for row in &rows {
            digest.metric_point(&metrics::read(row)?);
            after = row.integer(5)?;
        }
        count += rows.len() as i64;
        if (rows.len() as i64) < metrics::PAGE {
            break;
        }
    }
    Ok(Link::makes(SEALED_METRIC_POINTS, format!("{run}/{count}/{}", digest.finish())))
}

async fn write_definitions(transaction: &mut Transaction, definitions: &[Definition]) -> Result<(), sqlx::Error> {
    const DEFINITION: &str = "INSERT INTO definition (digest, path, text)";
    let values: Vec<Value<'_>> = definitions
        .iter()
        .flat_map(|definition| {
            [Value::Text(definition.digest.as_str()), Value::Text(&definition.path), Value::Text(&definition.text)]
        })
        .collect();
    transaction.insert(DEFINITION, 3, &values, " ON CONFLICT DO NOTHING").await.map(|_| ())
}

/// Gives each fact its place and its hashes.
fn chain(facts: Vec<NewFact>, head: i64, head_hash: Digest) -> Vec<Fact> {
    let mut previous = head_hash;
    let place = |(sequence, fact): (i64, NewFact)| {
        let hash = chain_hash(sequence, &fact, &previous);
        let previous = std::mem::replace(&mut previous, hash.clone());
        Fact { sequence, fact, previous, hash }
    };
    (head + 1..).zip(facts).map(place).collect()
}

async fn write_facts(transaction: &mut Transaction, product: &str, facts: &[Fact]) -> Result<(), sqlx::Error> {
    const FACT: &str =
        "INSERT INTO fact (product, sequence, id, time, actor, role, verb, subject, payload, previous, hash)";
    const LINK: &str = "INSERT INTO link (product, sequence, position, relation, kind, target)";
    const CHAIN: &str = "INSERT INTO chain (product, sequence, hash) VALUES ($1, $2, $3) \
        ON CONFLICT (product) DO UPDATE SET sequence = excluded.sequence, hash = excluded.hash";
    let Some(last) = facts.last() else { return Ok(()) };
    let values: Vec<Value<'_>> = facts
        .iter()
        .flat_map(|Fact { sequence, fact, previous, hash }| {
            [
                Value::Text(product),
                Value::Integer(*sequence),
                Value::Text(&fact.id),
                Value::Integer(fact.time),
                Value::Text(&fact.actor),
                Value::OptionalText(fact.role.map(|role| role.as_str())),
                Value::Text(&fact.verb),
                Value::Text(&fact.subject),
                Value::Text(&fact.payload),
                Value::Text(previous.as_str()),
                Value::Text(hash.as_str()),
            ]
        })
        .collect();
    transaction.insert(FACT, 11, &values, "").await?;
    let mut links: Vec<Value<'_>> = Vec::new();
    for fact in facts {
        for (position, link) in (0..).zip(&fact.fact.links) {
            links.extend([
                Value::Text(product),
                Value::Integer(fact.sequence),
                Value::Integer(position),
                Value::Text(link.relation.as_str()),
                Value::Text(&link.kind),
                Value::Text(&link.target),
            ]);
        }
    }
    transaction.insert(LINK, 6, &links, "").await?;
    let head = [Value::Text(product), Value::Integer(last.sequence), Value::Text(last.hash.as_str())];
    transaction.execute(CHAIN, &head).await.map(|_| ())
}

/// The lock of a product: the first eight bytes of its genesis hash, so that two products rarely wait for each other.
fn lock_key(product: &str) -> i64 {
    u64::from_str_radix(&genesis(product).hex()[..16], 16).unwrap_or_default().cast_signed()
}

/// The longest key, in bytes: three of them fit the 2,704 bytes of a PostgreSQL index row.
const LONGEST_KEY: usize = 800;

/// Refuses what no engine could store or what would break the chain, before anything is locked.
pub(crate) fn check(product: &str, append: &Append) -> Result<(), Error> {
    check_key("a product", product)?;
    for fact in &append.facts {
        if fact.product != product {
            return invalid(format!("fact {} names product `{}`, not `{product}`", fact.id, fact.product));
        }
        check_key("a fact's id", &fact.id)?;
        check_key("an actor", &fact.actor)?;
        check_key("a verb", &fact.verb)?;
        check_key("a subject", &fact.subject)?;
        check_text("a payload", &fact.payload)?;
        for link in &fact.links {
            check_text("a link's kind", &link.kind)?;
            check_key("a link's target", &link.target)?;
            if link.kind.starts_with("bulk.") || link.kind.starts_with("sealed.") {
                return invalid(format!("links of kind `{}` are added by the ledger itself", link.kind));
            }
        }
    }
    for definition in &append.definitions {
        check_key("a definition's path", &definition.path)?;
        check_text("a definition", &definition.text)?;
        if Digest::of(definition.text.as_bytes()) != definition.digest {
            return invalid(format!("the text of `{}` does not match its digest", definition.path));
        }
    }
    check_bulk(append)
}

fn check_bulk(append: &Append) -> Result<(), Error> {
    let loose = append.facts.is_empty();
    if loose && !(append.predictions.is_empty() && append.outcomes.is_empty() && append.sealed_runs.is_empty()) {
        return invalid("predictions, outcomes and seals need a fact that brings them in".to_owned());
    }
    for row in &append.metric_points {
        check_key("a run", &row.run)?;
        check_key("a metric's name", &row.name)?;
    }
    for run in &append.sealed_runs {
        check_key("a run", run)?;
    }
    for row in &append.predictions {
        check_key("a prediction's id", &row.id)?;
        check_key("a prediction's release", &row.release)?;
        check_text("a prediction's label", &row.label)?;
        check_text("a prediction's inputs", &row.inputs)?;
    }
    for row in &append.outcomes {
        check_key("an outcome's prediction", &row.outcome.prediction)?;
        check_key("an outcome", &row.outcome.value)?;
    }
    Ok(())
}

fn check_key(what: &str, text: &str) -> Result<(), Error> {
    if text.len() > LONGEST_KEY {
        return invalid(format!("{what} has {} bytes, more than {LONGEST_KEY}", text.len()));
    }
    check_text(what, text)
}

/// PostgreSQL stores no NUL character; what one engine refuses, both refuse.
fn check_text(what: &str, text: &str) -> Result<(), Error> {
    if text.as_bytes().contains(&0) {
        return invalid(format!("{what} contains a NUL character"));
    }
    Ok(())
}

fn invalid(message: String) -> Result<(), Error> {
    Err(Error::Invalid { message })
}
