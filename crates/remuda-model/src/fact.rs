//! Facts: what the ledger holds. A fact says who did what to which subject, when, and on which versions it relied.
//!
//! Facts form a hash chain: each carries the hash of the one before, so a changed or removed row shows. The hash is
//! taken over length-prefixed fields (never over re-serialised JSON), so it does not depend on how a database or a
//! JSON library prints things.

use crate::Digest;
use crate::team::Role;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A fact before the ledger has given it its place in the chain. Ids and times come from the application's seams.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NewFact {
    /// UUID version 7 in its usual text form.
    pub id: String,
    /// The product whose ledger this is.
    pub product: String,
    /// Microseconds since 1970-01-01T00:00:00Z.
    pub time: i64,
    /// The member who did it (or `system` where a program acted by itself, such as a monitor).
    pub actor: String,
    /// The role in which the member acted.
    pub role: Option<Role>,
    /// What happened, as `noun.verb` in the past tense: `data.added`, `run.finished`, `gate.evaluated`.
    pub verb: String,
    /// The thing it happened to: a version digest, a run id, a requirement name.
    pub subject: String,
    /// Everything else, as JSON text. Stored as given and never queried.
    pub payload: String,
    /// What the fact relied on or made: role (`uses`, `makes`, `definition`, …) and digest or id.
    pub links: Vec<Link>,
}

/// One arrow of lineage, from a fact to something it used or made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Link {
    /// Whether the thing was used or made, or is the definition relied on.
    pub relation: Relation,
    /// What kind of thing it is: `dataset_version`, `run`, `model_version`, `definition`, `release`, …
    pub kind: String,
    /// Digest, id or name of the thing.
    pub target: String,
}

/// How a fact relates to a thing (W3C PROV: used, wasGeneratedBy, hadPlan).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// The activity read it.
    Uses,
    /// The activity made it.
    Makes,
    /// The definition that was in force.
    Definition,
}

impl Relation {
    /// The word stored in the ledger.
    pub fn as_str(self) -> &'static str {
        match self {
            Relation::Uses => "uses",
            Relation::Makes => "makes",
            Relation::Definition => "definition",
        }
    }

    /// Reads the word stored in the ledger.
    pub fn parse(word: &str) -> Option<Self> {
        [Relation::Uses, Relation::Makes, Relation::Definition].into_iter().find(|relation| relation.as_str() == word)
    }
}

impl Link {
    /// The activity read `target`.
    pub fn uses(kind: &str, target: impl Into<String>) -> Self {
        Self { relation: Relation::Uses, kind: kind.to_owned(), target: target.into() }
    }

    /// The activity made `target`.
    pub fn makes(kind: &str, target: impl Into<String>) -> Self {
        Self { relation: Relation::Makes, kind: kind.to_owned(), target: target.into() }
    }

    /// The definition text that was in force.
    pub fn definition(digest: &Digest) -> Self {
        Self { relation: Relation::Definition, kind: "definition".to_owned(), target: digest.to_string() }
    }
}

/// A fact in the ledger: the new fact, its place and its hashes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Fact {
    /// Place in the chain of the product, from 1, without holes.
    pub sequence: i64,
    /// What was appended.
    #[serde(flatten)]
    pub fact: NewFact,
    /// Hash of the fact before; [`genesis`] for the first.
    pub previous: Digest,
    /// Hash of this fact, over all fields and `previous`.
    pub hash: Digest,
}

/// The hash before the first fact of a product.
pub fn genesis(product: &str) -> Digest {
    Digest::of_fields([b"remuda ledger 1".as_slice(), product.as_bytes()])
}

/// The hash of a fact at a place in the chain.
pub fn chain_hash(sequence: i64, fact: &NewFact, previous: &Digest) -> Digest {
    let mut fields: Vec<Vec<u8>> = vec![
        b"fact".to_vec(),
        sequence.to_le_bytes().to_vec(),
        previous.as_str().as_bytes().to_vec(),
        fact.id.as_bytes().to_vec(),
        fact.product.as_bytes().to_vec(),
        fact.time.to_le_bytes().to_vec(),
        fact.actor.as_bytes().to_vec(),
        fact.role.map(|role| role.as_str().as_bytes().to_vec()).unwrap_or_default(),
        fact.verb.as_bytes().to_vec(),
        fact.subject.as_bytes().to_vec(),
        fact.payload.as_bytes().to_vec(),
    ];
    for link in &fact.links {
        fields.push(link.relation.as_str().as_bytes().to_vec());
        fields.push(link.kind.as_bytes().to_vec());
        fields.push(link.target.as_bytes().to_vec());
    }
    Digest::of_fields(fields.iter().map(Vec::as_slice))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fact() -> NewFact {
        NewFact {
            id: "018f".into(),
            product: "churn".into(),
            time: 1,
            actor: "ana".into(),
            role: Some(Role::DataScientist),
            verb: "data.added".into(),
            subject: "b3:1".into(),
            payload: "{}".into(),
            links: vec![Link::uses("dataset_version", "x")],
        }
    }

    #[test]
    fn every_field_reaches_the_hash() {
        let first = genesis("churn");
        let base = chain_hash(1, &fact(), &first);
        let changes: Vec<fn(&mut NewFact)> = vec![
            |fact| fact.id.push('x'),
            |fact| fact.product.push('x'),
            |fact| fact.time += 1,
            |fact| fact.actor.push('x'),
            |fact| fact.role = None,
            |fact| fact.verb.push('x'),
            |fact| fact.subject.push('x'),
            |fact| fact.payload.push(' '),
            |fact| fact.links.clear(),
            |fact| fact.links[0].target.push('y'),
        ];
        for change in changes {
            let mut changed = fact();
            change(&mut changed);
            assert_ne!(chain_hash(1, &changed, &first), base);
        }
        assert_ne!(chain_hash(2, &fact(), &first), base);
        assert_ne!(chain_hash(1, &fact(), &genesis("other")), base);
    }
}
