//! Reading facts with their links: the head, one fact, queries, lineage, and the short ids that people type.

use crate::Ledger;
use crate::engine::{Conditions, Row, Value, after_prefix};
use crate::error::Error;
use remuda_model::Digest;
use remuda_model::fact::{Fact, Link, NewFact, Relation};
use remuda_model::team::Role;
use std::collections::{BTreeMap, HashMap};

/// Which facts to read. Empty lists and `None` filter nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FactQuery {
    /// The product.
    pub product: String,
    /// Exactly these verbs.
    pub verbs: Vec<String>,
    /// Verbs that begin so (`data.`).
    pub verb_prefix: Option<String>,
    /// Exactly this subject.
    pub subject: Option<String>,
    /// Exactly this member.
    pub actor: Option<String>,
    /// Facts that link to exactly this digest, id or name.
    pub target: Option<String>,
    /// Only facts before this sequence.
    pub before: Option<i64>,
    /// Only facts after this sequence.
    pub after: Option<i64>,
    /// At most so many.
    pub limit: Option<u32>,
    /// The newest first, else the oldest first.
    pub newest_first: bool,
}

impl FactQuery {
    /// All facts of a product, the oldest first.
    pub fn of(product: &str) -> Self {
        Self { product: product.to_owned(), ..Self::default() }
    }
}

/// A row of table `fact` as it is stored, which tampering may have made unreadable.
pub(crate) struct StoredFact {
    pub(crate) sequence: i64,
    pub(crate) id: String,
    pub(crate) time: i64,
    pub(crate) actor: String,
    pub(crate) role: Option<String>,
    pub(crate) verb: String,
    pub(crate) subject: String,
    pub(crate) payload: String,
    pub(crate) previous: String,
    pub(crate) hash: String,
}

/// The columns that [`StoredFact::read`] reads.
pub(crate) const COLUMNS: &str = "sequence, id, time, actor, role, verb, subject, payload, previous, hash";

impl StoredFact {
    pub(crate) fn read(row: &Row) -> Result<Self, sqlx::Error> {
        Ok(Self {
            sequence: row.integer(0)?,
            id: row.text(1)?,
            time: row.integer(2)?,
            actor: row.text(3)?,
            role: row.optional_text(4)?,
            verb: row.text(5)?,
            subject: row.text(6)?,
            payload: row.text(7)?,
            previous: row.text(8)?,
            hash: row.text(9)?,
        })
    }

    /// The fact, or what is wrong with the row.
    pub(crate) fn into_fact(self, product: &str, links: Vec<Link>) -> Result<Fact, String> {
        let role = match &self.role {
            None => None,
            Some(word) => Some(Role::parse(word).ok_or_else(|| format!("`{word}` is no role"))?),
        };
        let previous = Digest::parse(&self.previous).map_err(|error| error.to_string())?;
        let hash = Digest::parse(&self.hash).map_err(|error| error.to_string())?;
        let fact = NewFact {
            id: self.id,
            product: product.to_owned(),
            time: self.time,
            actor: self.actor,
            role,
            verb: self.verb,
            subject: self.subject,
            payload: self.payload,
            links,
        };
        Ok(Fact { sequence: self.sequence, fact, previous, hash })
    }
}

/// One row of table `link`: sequence, position, and the link, or the relation's word if it is none.
pub(crate) type StoredLink = (i64, i64, Result<Link, String>);

pub(crate) fn read_link(row: &Row) -> Result<StoredLink, sqlx::Error> {
    let word = row.text(2)?;
    let (kind, target) = (row.text(3)?, row.text(4)?);
    let link = match Relation::parse(&word) {
        Some(relation) => Ok(Link { relation, kind, target }),
        None => Err(word),
    };
    Ok((row.integer(0)?, row.integer(1)?, link))
}

impl Ledger {
    /// The newest fact of a product.
    ///
    /// # Errors
    /// The database failed or the row is unreadable.
    pub async fn head(&self, product: &str) -> Result<Option<Fact>, Error> {
        let query = FactQuery { limit: Some(1), newest_first: true, ..FactQuery::of(product) };
        Ok(self.facts(&query).await?.pop())
    }

    /// The products that have facts here, in order of their names.
    ///
    /// # Errors
    /// The database failed.
    pub async fn products(&self) -> Result<Vec<String>, Error> {
        const PRODUCTS: &str = "SELECT product FROM chain ORDER BY product";
        self.pool.list("list the products", PRODUCTS, &[], |row| row.text(0)).await
    }

    /// The fact with this id, of whichever product.
    ///
    /// # Errors
    /// The database failed or the row is unreadable.
    pub async fn fact(&self, id: &str) -> Result<Option<Fact>, Error> {
        const FACT: &str = "SELECT product, sequence FROM fact WHERE id = $1";
        let place =
            self.pool.first("find a fact", FACT, &[Value::Text(id)], |row| Ok((row.text(0)?, row.integer(1)?))).await?;
        let Some((product, sequence)) = place else { return Ok(None) };
        let query = FactQuery {
            after: Some(sequence - 1),
            before: Some(sequence.saturating_add(1)),
            ..FactQuery::of(&product)
        };
        Ok(self.facts(&query).await?.pop())
    }

    /// The facts that a query asks for, each with its links.
    ///
    /// # Errors
    /// The database failed or a row is unreadable.
    pub async fn facts(&self, query: &FactQuery) -> Result<Vec<Fact>, Error> {
        let prefix_end = query.verb_prefix.as_deref().map(after_prefix);
        let mut conditions = Conditions::default();
        conditions.and("product =", Value::Text(&query.product));
        if !query.verbs.is_empty() {
            conditions.and_in("verb", query.verbs.iter().map(|verb| Value::Text(verb)));
        }
        if let (Some(prefix), Some(end)) = (&query.verb_prefix, &prefix_end) {
            conditions.and("verb >=", Value::Text(prefix));
            conditions.and("verb <", Value::Text(end));
        }
        if let Some(subject) = &query.subject {
            conditions.and("subject =", Value::Text(subject));
        }
        if let Some(actor) = &query.actor {
            conditions.and("actor =", Value::Text(actor));
        }
        if let Some(target) = &query.target {
            let product = conditions.place(Value::Text(&query.product));
            conditions.and(
                &format!("sequence IN (SELECT sequence FROM link WHERE product = {product} AND target ="),
                Value::Text(target),
            );
            conditions.text.push(')');
        }
        if let Some(before) = query.before {
            conditions.and("sequence <", Value::Integer(before));
        }
        if let Some(after) = query.after {
            conditions.and("sequence >", Value::Integer(after));
        }
        let direction = if query.newest_first { "DESC" } else { "ASC" };
        let limit = query.limit.map(|limit| format!(" LIMIT {limit}")).unwrap_or_default();
        let text = format!("SELECT {COLUMNS} FROM fact WHERE {} ORDER BY sequence {direction}{limit}", conditions.text);
        let stored = self.pool.list("read facts", text, &conditions.values, StoredFact::read).await?;
        self.with_links(&query.product, stored).await
    }

    /// The facts that link to exactly this digest, id or name, the oldest first.
    ///
    /// # Errors
    /// The database failed or a row is unreadable.
    pub async fn facts_linking(&self, product: &str, target: &str) -> Result<Vec<Fact>, Error> {
        let query = FactQuery { target: Some(target.to_owned()), ..FactQuery::of(product) };
        self.facts(&query).await
    }

    /// Adds the links of all these facts, read in few queries.
    async fn with_links(&self, product: &str, stored: Vec<StoredFact>) -> Result<Vec<Fact>, Error> {
        let sequences: Vec<i64> = stored.iter().map(|fact| fact.sequence).collect();
        let mut links = self.links_of(product, &sequences).await?;
        stored
            .into_iter()
            .map(|fact| {
                let sequence = fact.sequence;
                let own = links.remove(&sequence).unwrap_or_default();
                fact.into_fact(product, own).map_err(|message| unreadable(product, sequence, message))
            })
            .collect()
    }

    async fn links_of(&self, product: &str, sequences: &[i64]) -> Result<HashMap<i64, Vec<Link>>, Error> {
        let mut links: HashMap<i64, Vec<Link>> = HashMap::new();
        for chunk in sequences.chunks(512) {
            // Two statement texts only: short lists are filled up with their last sequence.
            let width = if chunk.len() <= 16 { 16 } else { 512 };
            let last = chunk.last().copied().unwrap_or_default();
            let filled = chunk.iter().copied().chain(std::iter::repeat(last)).take(width);
            let mut conditions = Conditions::default();
            conditions.and("product =", Value::Text(product));
            conditions.and_in("sequence", filled.map(Value::Integer));
            let text = format!(
                "SELECT sequence, position, relation, kind, target FROM link WHERE {} ORDER BY sequence, position",
                conditions.text
            );
            for (sequence, _, link) in self.pool.list("read links", text, &conditions.values, read_link).await? {
                let link = link.map_err(|word| unreadable(product, sequence, format!("`{word}` is no relation")))?;
                links.entry(sequence).or_default().push(link);
            }
        }
        Ok(links)
    }

    /// What a short id typed by a person may mean: the fact ids, subjects and link targets that begin with it (digests
    /// also without their `b3:`), each once with its kind, ordered by id; at most 64. The kind is that of a link where
    /// one names the thing, else the noun of the fact's verb, else `fact`.
    ///
    /// # Errors
    /// The database failed.
    pub async fn resolve_prefix(&self, product: &str, prefix: &str) -> Result<Vec<(String, String)>, Error> {
        const IDS: &str = "SELECT DISTINCT 'fact', id FROM fact \
            WHERE product = $1 AND id >= $2 AND id < $3 ORDER BY id LIMIT 64";
        const SUBJECTS: &str = "SELECT DISTINCT verb, subject FROM fact \
            WHERE product = $1 AND subject >= $2 AND subject < $3 ORDER BY subject, verb LIMIT 64";
        const TARGETS: &str = "SELECT DISTINCT kind, target FROM link \
            WHERE product = $1 AND target >= $2 AND target < $3 \
            AND kind NOT IN ('bulk.predictions', 'bulk.outcomes', 'bulk.metric_points', 'sealed.metric_points') \
            ORDER BY target, kind LIMIT 64";
        let mut found: BTreeMap<String, String> = BTreeMap::new();
        for prefix in [prefix.to_owned(), format!("b3:{prefix}")] {
            let end = after_prefix(&prefix);
            let values = [Value::Text(product), Value::Text(&prefix), Value::Text(&end)];
            // The later list names the kind better.
            for text in [IDS, SUBJECTS, TARGETS] {
                let read = |row: &Row| Ok((row.text(0)?, row.text(1)?));
                for (kind, id) in self.pool.list("find what an id means", text, &values, read).await? {
                    let noun = kind.split('.').next().unwrap_or_default().to_owned();
                    found.insert(id, noun);
                }
            }
        }
        Ok(found.into_iter().take(64).map(|(id, kind)| (kind, id)).collect())
    }
}

pub(crate) fn unreadable(product: &str, sequence: i64, message: String) -> Error {
    Error::Unreadable { product: product.to_owned(), sequence, message }
}
