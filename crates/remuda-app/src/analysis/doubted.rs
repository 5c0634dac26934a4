//! That labels were doubted, as a fact: how many, of which classes, by which candidate on which rows. The rows themselves
//! stay out of it: the question finds them again.

use super::{DoubtfulLabels, DoubtfulPair};
use crate::app::App;
use crate::context::Context;
use crate::error::Result;
use crate::pin::{self, Pins, payload};
use remuda_ledger::{Append, FactQuery};
use remuda_model::Digest;
use remuda_model::fact::Link;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How many labels a candidate speaks against.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Doubted {
    /// The candidate.
    pub model: Digest,
    /// Its name.
    pub model_name: String,
    /// The dataset.
    pub dataset: String,
    /// Its version.
    pub version: Digest,
    /// `validation` or `holdout`.
    pub split: String,
    /// Rows that could be judged.
    pub rows: u64,
    /// How many of their labels are in doubt.
    pub suspected: u64,
    /// Doubts by given and suggested class, the most first; at most twenty.
    pub pairs: Vec<DoubtfulPair>,
    /// When, microseconds since 1970.
    #[serde(default)]
    pub time: i64,
}

/// The most pairs that a fact keeps.
const PAIRS: usize = 20;

/// Notes the answer once: the same candidate on the same rows doubts the same labels. One who is no member may ask, and
/// leaves no fact.
pub(super) async fn note(app: &App, context: &Context, found: &DoubtfulLabels) -> Result<()> {
    if !context.may_write() || app.ledger.is_read_only() {
        return Ok(());
    }
    let doubted = Doubted {
        model: found.head.model.clone(),
        model_name: found.head.model_name.clone(),
        dataset: found.head.dataset.clone(),
        version: found.head.version.clone(),
        split: found.head.split.clone(),
        rows: found.head.rows,
        suspected: found.suspected,
        pairs: found.pairs.iter().take(PAIRS).cloned().collect(),
        time: 0,
    };
    if all(app, context, &doubted.model).await?.iter().any(|known| Doubted { time: 0, ..known.clone() } == doubted) {
        return Ok(());
    }
    let mut pins = Pins::default();
    if let Ok(Some(contract)) = context.contract(&doubted.dataset) {
        pins.add(context, &contract.path);
    }
    let mut links = vec![
        Link::uses("model_version", doubted.model.as_str()),
        Link::uses("dataset_version", doubted.version.as_str()),
    ];
    links.extend(pins.links);
    let fact = pin::fact(app, context, "analysis.doubted", doubted.model.as_str(), &doubted, links)?;
    let append = Append { facts: vec![fact], definitions: pins.definitions, ..Append::default() };
    app.ledger.append(&context.product()?.name, append).await?;
    Ok(())
}

/// What was doubted by a candidate, newest first.
pub(super) async fn all(app: &App, context: &Context, model: &Digest) -> Result<Vec<Doubted>> {
    let query = FactQuery {
        verbs: vec!["analysis.doubted".into()],
        target: Some(model.to_string()),
        newest_first: true,
        ..FactQuery::of(&context.product()?.name)
    };
    let facts = app.ledger.facts(&query).await?;
    facts.iter().map(|fact| Ok(Doubted { time: fact.fact.time, ..payload(fact)? })).collect()
}
