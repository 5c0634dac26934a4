//! The ledger as people read it: its newest facts, lineage both ways, and whether it is whole.

mod sentence;

use sentence::{sentence, short};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// List facts, newest first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// How many.
    #[arg(long, default_value_t = 50)]
    #[serde(default = "crate::run::fifty")]
    pub limit: usize,
    /// Only facts before this place in the chain.
    #[arg(long)]
    #[serde(default)]
    pub before: Option<i64>,
    /// Only this verb, such as `run.finished`.
    #[arg(long)]
    #[serde(default)]
    pub verb: Option<String>,
    /// Only this member.
    #[arg(long)]
    #[serde(default)]
    pub actor: Option<String>,
}

/// Walk lineage both ways from anything: a prediction, a model, a version, a run, a release, a requirement.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Why {
    /// An id or digest, the beginning of one, or a name.
    pub id: String,
}

/// Check the hash chain and every blob.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Verify {
    /// Check the chain only, not the blobs.
    #[arg(long)]
    #[serde(default)]
    pub facts_only: bool,
}

/// Facts, newest first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Facts {
    /// One each.
    pub facts: Vec<FactLine>,
    /// There are older ones.
    pub more: bool,
}

/// A fact in a list.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct FactLine {
    /// Place in the chain.
    pub sequence: i64,
    /// Its id.
    pub id: String,
    /// When, microseconds since 1970.
    pub time: i64,
    /// Who.
    pub actor: String,
    /// What happened.
    pub verb: String,
    /// To what.
    pub subject: String,
    /// One sentence that says it.
    pub sentence: String,
    /// Its hash.
    pub hash: String,
}

/// Lineage of one thing.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Lineage {
    /// The thing.
    pub thing: Thing,
    /// Where it came from: things that facts used to make it, nearest first.
    pub because: Vec<LineageStep>,
    /// What came of it, nearest first.
    pub led_to: Vec<LineageStep>,
    /// Further arrows between things that already stand in a step: a thing comes once, but may have many causes.
    #[serde(default)]
    pub joins: Vec<Join>,
}

/// An arrow from a cause to what came of it, by their ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Join {
    /// The id of the cause.
    pub cause: String,
    /// The id of what came of it.
    pub effect: String,
}

/// A thing in a lineage.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Thing {
    /// `prediction`, `release`, `model_version`, `run`, `dataset_version`, `requirement`, `evaluation`, …
    pub kind: String,
    /// Its id or digest.
    pub id: String,
    /// What people call it.
    pub name: String,
}

/// One step of a lineage.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LineageStep {
    /// How far from the thing asked about, from 1.
    pub distance: u32,
    /// The thing.
    pub thing: Thing,
    /// The fact that made the arrow.
    pub fact: FactLine,
    /// The id of the thing that this one is joined to, one step nearer.
    pub from: String,
}

/// Whether the ledger is whole.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Verified {
    /// Facts checked.
    pub facts: u64,
    /// Blobs checked.
    pub blobs: u64,
    /// What is wrong; empty: all is well.
    pub problems: Vec<String>,
    /// The digests of blobs that are damaged, cannot be read, or are missing though a fact relies on them.
    #[serde(default)]
    pub damaged_blobs: Vec<String>,
    /// The newest fact's hash: note it elsewhere, and a ledger cut short shows too.
    pub head: String,
}

use crate::app::App;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::use_case::{Access, UseCase};
use remuda_ledger::{FactQuery, OutcomeRecord};
use remuda_model::Digest;
use remuda_model::fact::{Fact, Link, Relation};
use std::collections::BTreeSet;

/// A walk goes this far and no farther.
const FARTHEST: u32 = 12;
/// Steps of one direction that are shown.
const STEPS: usize = 200;

impl UseCase for Log {
    const NOUN: &'static str = "ledger";
    const VERB: &'static str = "log";
    const ACCESS: Access = Access::Read;
    const ABOUT: &'static str = "List facts, newest first.";
    type Answer = Facts;

    async fn run(self, app: &App, context: &Context) -> Result<Facts> {
        let limit = self.limit.clamp(1, 10_000);
        let query = FactQuery {
            verbs: self.verb.into_iter().collect(),
            actor: self.actor,
            before: self.before,
            limit: Some(limit as u32 + 1),
            newest_first: true,
            ..FactQuery::of(&context.product()?.name)
        };
        let mut facts: Vec<FactLine> = app.ledger.facts(&query).await?.iter().map(line).collect();
        let more = facts.len() > limit;
        facts.truncate(limit);
        Ok(Facts { facts, more })
    }
}

impl UseCase for Verify {
    const NOUN: &'static str = "ledger";
    const VERB: &'static str = "verify";
    const ACCESS: Access = Access::Read;
    const ABOUT: &'static str = "Check the hash chain and every blob; a flipped byte is found and named.";
    type Answer = Verified;

    async fn run(self, app: &App, context: &Context) -> Result<Verified> {
        let product = context.product()?.name.clone();
        let progress = std::sync::Arc::clone(&context.progress);
        let share = if self.facts_only { 1.0 } else { 0.5 };
        let mut tell =
            move |done: u64, total: u64| progress(share * done as f64 / total.max(1) as f64, "checking facts");
        let report = app.ledger.verify(&product, &mut tell).await?;
        let mut problems: Vec<String> = report
            .problems
            .iter()
            .map(|problem| match problem.sequence {
                Some(sequence) => format!("fact {sequence} ({}): {}", problem.id, problem.message),
                None => format!("{}: {}", problem.id, problem.message),
            })
            .collect();
        let (mut blobs, mut damaged_blobs) = (0, Vec::new());
        if !self.facts_only {
            let progress = std::sync::Arc::clone(&context.progress);
            let checked = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
            let counter = std::sync::Arc::clone(&checked);
            let tell = move |done: u64, total: u64| {
                counter.store(done, std::sync::atomic::Ordering::Relaxed);
                progress(0.5 + 0.5 * done as f64 / total.max(1) as f64, "checking blobs");
            };
            for problem in app.blobs.verify_all(tell).await? {
                damaged_blobs.extend(problem.digest.map(|digest| digest.to_string()));
                problems.push(format!("{}: {}", problem.place, problem.message));
            }
            blobs = checked.load(std::sync::atomic::Ordering::Relaxed);
            for (digest, problem) in missing_blobs(app, &product).await? {
                damaged_blobs.push(digest.to_string());
                problems.push(problem);
            }
        }
        let head = report.head.map(|digest| digest.to_string()).unwrap_or_default();
        Ok(Verified { facts: report.facts, blobs, problems, damaged_blobs, head })
    }
}

/// Blobs that facts rely on and that are not there.
async fn missing_blobs(app: &App, product: &str) -> Result<Vec<(Digest, String)>> {
    let query = FactQuery { verbs: vec!["data.added".into(), "model.made".into()], ..FactQuery::of(product) };
    let mut problems = Vec::new();
    let mut seen = BTreeSet::new();
    for fact in app.ledger.facts(&query).await? {
        let mut needed = Vec::new();
        if fact.fact.verb == "model.made" {
            let made: crate::model::Made = crate::pin::payload(&fact)?;
            needed.extend([made.version.digest, made.version.golden]);
        } else {
            let version: remuda_model::data::DatasetVersion = crate::pin::payload(&fact)?;
            if app.blobs.contains(&version.manifest).await? {
                // A manifest that cannot be read is named by the check of all blobs.
                if let Ok(manifest) = crate::data::read_manifest(app, &version).await {
                    needed.extend(manifest.parts.into_iter().map(|part| part.blob));
                }
            }
            needed.extend([version.manifest, version.profile]);
        }
        for digest in needed {
            if seen.insert(digest.clone()) && !app.blobs.contains(&digest).await? {
                let message =
                    format!("blob {digest} is missing; fact {} ({}) relies on it", fact.sequence, fact.fact.verb);
                problems.push((digest, message));
            }
        }
    }
    Ok(problems)
}

/// A fact in a list.
pub(crate) fn line(fact: &Fact) -> FactLine {
    FactLine {
        sequence: fact.sequence,
        id: fact.fact.id.clone(),
        time: fact.fact.time,
        actor: fact.fact.actor.clone(),
        verb: fact.fact.verb.clone(),
        subject: fact.fact.subject.clone(),
        sentence: sentence(fact),
        hash: fact.hash.to_string(),
    }
}

impl UseCase for Why {
    const NOUN: &'static str = "ledger";
    const VERB: &'static str = "why";
    const ACCESS: Access = Access::Read;
    const ABOUT: &'static str =
        "Walk lineage both ways from anything: a prediction, model, version, run, release, requirement.";
    type Answer = Lineage;

    async fn run(self, app: &App, context: &Context) -> Result<Lineage> {
        let thing = find_thing(app, context, &self.id).await?;
        let mut joins = Vec::new();
        let mut because = walk(app, context, &thing, Direction::Because, &mut joins).await?;
        let mut led_to = walk(app, context, &thing, Direction::LedTo, &mut joins).await?;
        if thing.kind == "prediction" {
            tell_of_prediction(app, &context.product()?.name, &thing.id, &mut because, &mut led_to).await?;
        }
        Ok(Lineage { thing, because, led_to, joins })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Because,
    LedTo,
}

/// Kinds of link that carry no lineage of their own.
const PLUMBING: [&str; 7] =
    ["blob", "evaluation_key", "tests_key", "definition", "bulk.predictions", "bulk.outcomes", "bulk.metric_points"];

/// The thing that an id, the beginning of one, or a name means.
async fn find_thing(app: &App, context: &Context, text: &str) -> Result<Thing> {
    let product = &context.product()?.name;
    if app.ledger.prediction(product, text).await?.is_some() {
        return Ok(Thing { kind: "prediction".into(), id: text.to_owned(), name: format!("prediction {text}") });
    }
    if let Ok(requirement) = context.requirement(text) {
        return Ok(named(app, context, "requirement", requirement.digest.as_str()).await);
    }
    if let Ok(model) = crate::model::resolve_model(app, context, text).await
        && model.version.name == text
    {
        return Ok(named(app, context, "model_version", model.version.digest.as_str()).await);
    }
    if let Ok(version) = crate::data::resolve_version(app, context, text).await {
        return Ok(named(app, context, "dataset_version", version.version.digest.as_str()).await);
    }
    if let Ok(release) = crate::release::find_release(app, context, text).await {
        return Ok(named(app, context, "release", release.digest.as_str()).await);
    }
    let wanted = if text.len() >= 6 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) && !text.contains('-') {
        vec![format!("b3:{text}"), text.to_owned()]
    } else {
        vec![text.to_owned()]
    };
    for wanted in wanted {
        let mut found: Vec<(String, String)> = app.ledger.resolve_prefix(product, &wanted).await?;
        found.retain(|(kind, _)| !PLUMBING.contains(&kind.as_str()));
        found.sort_by_key(|(_, id)| id.clone());
        found.dedup_by(|left, right| left.1 == right.1);
        match found.as_slice() {
            [] => {}
            [(kind, id)] => return Ok(named(app, context, kind, id).await),
            several => {
                let ids: Vec<String> =
                    several.iter().take(5).map(|(kind, id)| format!("{kind} {}", short(id))).collect();
                return Err(Error::new("request.ambiguous", format!("`{text}` fits {}", ids.join(", ")))
                    .hint("type more of it"));
            }
        }
    }
    Err(Error::not_found("prediction, release, model, version, run, evaluation or requirement", text)
        .hint("`remuda ledger log` lists what happened"))
}

/// A thing with the name that people call it by.
async fn named(app: &App, context: &Context, kind: &str, id: &str) -> Thing {
    let name = match kind {
        "requirement" | "definition" => match remuda_model::Digest::parse(id) {
            Ok(digest) => {
                let known = app.ledger.definition(&digest).await.unwrap_or_default();
                let current = context.definitions.files.iter().find(|file| file.1 == digest).map(|file| file.0.clone());
                let path = current.or_else(|| known.into_iter().next().map(|definition| definition.path));
                let path = path.unwrap_or_else(|| short(id));
                let stem =
                    path.strip_prefix("requirements/").and_then(|path| path.strip_suffix(".md")).map(str::to_owned);
                stem.map_or(path, |stem| format!("requirement {stem}"))
            }
            Err(_) => id.to_owned(),
        },
        "model_version" => match crate::model::resolve_model(app, context, id.trim_start_matches("b3:")).await {
            Ok(model) => format!("model {} {}", model.version.name, short(id)),
            Err(_) => format!("model {}", short(id)),
        },
        "dataset_version" => match crate::data::resolve_version(app, context, id).await {
            Ok(line) => format!("data {} {}", line.version.dataset, short(id)),
            Err(_) => format!("data {}", short(id)),
        },
        // The id of a fact says nothing to a reader; the fact's sentence, which stands beside the name, says all.
        "signature" | "promotion" | "predictions" | "outcomes" | "fact" => kind.to_owned(),
        other => format!("{} {}", other.replace('_', " "), short(id)),
    };
    Thing { kind: kind.to_owned(), id: id.to_owned(), name }
}

/// Breadth first, nearest first, each thing once; arrows that lead to a thing again become joins.
async fn walk(
    app: &App,
    context: &Context,
    start: &Thing,
    direction: Direction,
    joins: &mut Vec<Join>,
) -> Result<Vec<LineageStep>> {
    let product = &context.product()?.name;
    let mut seen: BTreeSet<String> = BTreeSet::from([start.id.clone()]);
    let mut open = vec![start.clone()];
    let mut steps = Vec::new();
    for distance in 1..=FARTHEST {
        let mut next = Vec::new();
        for thing in &open {
            for fact in arrows(app, product, thing, direction).await? {
                for link in ends(&fact, thing, direction) {
                    if seen.contains(&link.target) {
                        joined(joins, &thing.id, &link.target, direction);
                        continue;
                    }
                    if steps.len() >= STEPS {
                        continue;
                    }
                    seen.insert(link.target.clone());
                    let found = named(app, context, &link.kind, &link.target).await;
                    steps.push(LineageStep {
                        distance,
                        thing: found.clone(),
                        fact: line(&fact),
                        from: thing.id.clone(),
                    });
                    next.push(found);
                }
            }
        }
        if next.is_empty() {
            break;
        }
        open = next;
    }
    Ok(steps)
}

/// Notes an arrow between two things that were both met already.
fn joined(joins: &mut Vec<Join>, thing: &str, other: &str, direction: Direction) {
    let (cause, effect) = if direction == Direction::Because { (other, thing) } else { (thing, other) };
    let join = Join { cause: cause.to_owned(), effect: effect.to_owned() };
    if joins.len() < STEPS && cause != effect && !joins.contains(&join) {
        joins.push(join);
    }
}

/// The facts that join a thing to others in this direction.
async fn arrows(app: &App, product: &str, thing: &Thing, direction: Direction) -> Result<Vec<Fact>> {
    if thing.kind == "prediction" {
        let sequence = app.ledger.prediction_sequence(product, &thing.id).await?;
        let Some(sequence) = sequence else { return Ok(Vec::new()) };
        let query = FactQuery { after: Some(sequence - 1), limit: Some(1), ..FactQuery::of(product) };
        return match direction {
            Direction::Because => Ok(app.ledger.facts(&query).await?),
            Direction::LedTo => Ok(brought(app, product, &thing.id).await?.into_iter().map(|(fact, _)| fact).collect()),
        };
    }
    let makes =
        |fact: &Fact| fact.fact.links.iter().any(|link| link.relation == Relation::Makes && link.target == thing.id);
    let mut facts = app.ledger.facts_linking(product, &thing.id).await?;
    facts.retain(|fact| makes(fact) == (direction == Direction::Because));
    Ok(facts)
}

/// The facts that brought outcomes of a prediction, each with what it said of this one; the outcome that counts first.
async fn brought(app: &App, product: &str, prediction: &str) -> Result<Vec<(Fact, OutcomeRecord)>> {
    let outcomes = app.ledger.outcomes_of(product, prediction).await?;
    if outcomes.is_empty() {
        return Ok(Vec::new());
    }
    let query = FactQuery { verbs: vec!["feedback.added".into()], ..FactQuery::of(product) };
    let facts = app.ledger.facts(&query).await?;
    let mut found: Vec<(Fact, OutcomeRecord)> = Vec::new();
    for outcome in outcomes.into_iter().rev() {
        // `feedback add` takes the time of receipt, and then that of the fact: the first fact from then on brought it.
        let brings = |fact: &&Fact| (fact.fact.time < outcome.received, fact.fact.time.abs_diff(outcome.received));
        let Some(fact) = facts.iter().min_by_key(brings) else { continue };
        if found.iter().all(|(known, _)| known.sequence != fact.sequence) {
            found.push((fact.clone(), outcome));
        }
    }
    Ok(found)
}

/// Says of a prediction's own steps what was predicted and what was observed: their facts tell of many predictions.
async fn tell_of_prediction(
    app: &App,
    product: &str,
    id: &str,
    because: &mut [LineageStep],
    led_to: &mut [LineageStep],
) -> Result<()> {
    if let Some(prediction) = app.ledger.prediction(product, id).await? {
        let score = match prediction.score {
            score if score.is_nan() || prediction.label.parse() == Ok(score) => String::new(),
            score => format!(" with score {}", remuda_model::text::number(score)),
        };
        for step in because.iter_mut().filter(|step| step.from == id && step.thing.kind == "release") {
            step.fact.sentence = format!("{} predicted {}{score}", step.thing.name, prediction.label);
        }
    }
    for (place, (fact, outcome)) in brought(app, product, id).await?.into_iter().enumerate() {
        let Some(step) = led_to.iter_mut().find(|step| step.from == id && step.thing.id == fact.fact.id) else {
            continue;
        };
        let value = &outcome.outcome.value;
        let moment = outcome.outcome.observed.and_then(|moment| jiff::Timestamp::from_microsecond(moment).ok());
        let on = moment.map(|moment| format!(" on {}", moment.strftime("%Y-%m-%d"))).unwrap_or_default();
        let counts = if place == 0 { "" } else { ", which a newer outcome replaces" };
        step.thing.name = format!("outcome {value}");
        step.fact.sentence = format!("{value} was observed{on}{counts}: {}", step.fact.sentence);
    }
    Ok(())
}

/// The other ends of a fact's arrows, seen from a thing.
fn ends(fact: &Fact, thing: &Thing, direction: Direction) -> Vec<Link> {
    let carries = |link: &&Link| !PLUMBING.contains(&link.kind.as_str()) && link.target != thing.id;
    let of = |relation: Relation| {
        fact.fact.links.iter().filter(move |link| link.relation == relation).filter(carries).cloned()
    };
    if direction == Direction::Because {
        return of(Relation::Uses).collect();
    }
    let made: Vec<Link> = of(Relation::Makes).collect();
    if !made.is_empty() {
        return made;
    }
    // A fact that makes nothing (a signature, a promotion, predictions) is itself what came of it.
    let kind = match fact.fact.verb.as_str() {
        "team.signed" => "signature",
        "release.promoted" | "release.rolled_back" => "promotion",
        "serving.logged" => "predictions",
        "feedback.added" => "outcomes",
        "run.recorded" | "run.finished" | "run.failed" | "holdout.looked" => return Vec::new(),
        _ => "fact",
    };
    vec![Link { relation: Relation::Makes, kind: kind.to_owned(), target: fact.fact.id.clone() }]
}
