//! Who did the work: read from the ledger's facts and from git's history, never from who is assigned now.

use crate::app::App;
use crate::context::Context;
use crate::error::Result;
use remuda_ledger::FactQuery;
use remuda_model::fact::{Fact, Relation};
use remuda_model::team::SignatureKind;
use remuda_repo::git;
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

/// Something that a member did for a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Contribution {
    /// The member's name.
    pub(crate) member: String,
    /// What they did, one phrase.
    pub(crate) what: String,
}

/// Facts by which a member makes something that others judge. Signing and looking are no contributions.
const MAKING: [&str; 5] = ["data.added", "run.started", "run.recorded", "run.finished", "model.made"];
/// How far the walk goes back: more steps than any journey from a prediction to its requirement has.
const DEPTH: usize = 12;

/// Who contributed to what a signature of this kind binds: for an intent, the authors of the requirement; else the
/// makers of the model (its runs, its data) and the authors of the definitions that those facts relied on.
pub(crate) async fn contributions(
    app: &App,
    context: &Context,
    kind: SignatureKind,
    binds: &str,
) -> Result<Vec<Contribution>> {
    if kind == SignatureKind::Intent {
        let path = context.definitions.requirements.iter().find(|found| found.digest.as_str() == binds);
        return match path {
            Some(requirement) => authors(app, context, std::iter::once(requirement.path.as_str())),
            None => Ok(Vec::new()),
        };
    }
    let product = &context.product()?.name;
    let mut found = Vec::new();
    let mut definitions = BTreeSet::new();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut open = vec![binds.to_owned()];
    for _ in 0..DEPTH {
        let mut next = Vec::new();
        for target in open.drain(..).filter(|target| seen.insert(target.clone())).collect::<Vec<_>>() {
            for fact in makers(app, product, &target).await? {
                if MAKING.contains(&fact.fact.verb.as_str()) {
                    found.push(Contribution { member: fact.fact.actor.clone(), what: phrase(&fact) });
                }
                for link in &fact.fact.links {
                    match (link.relation, link.kind.as_str()) {
                        // Models that a candidate is only held against are not part of it.
                        (Relation::Uses, "model_version") if fact.fact.verb == "gate.evaluated" => {
                            let candidate = fact.fact.links.iter().find(|link| link.kind == "model_version");
                            if candidate == Some(link) {
                                next.push(link.target.clone());
                            }
                        }
                        (Relation::Uses, "model_version" | "dataset_version" | "run" | "evaluation") => {
                            next.push(link.target.clone());
                        }
                        (Relation::Definition, _) if fact.fact.verb != "gate.evaluated" => {
                            definitions.insert(link.target.clone());
                        }
                        _ => {}
                    }
                }
            }
        }
        open = next;
        if open.is_empty() {
            break;
        }
    }
    // Whoever wrote the requirement judges by it: that is no part of the work that is judged.
    let relied_on = |file: &&(String, remuda_model::Digest)| {
        definitions.contains(file.1.as_str()) && !file.0.starts_with("requirements/")
    };
    let files = context.definitions.files.iter().filter(relied_on).map(|file| file.0.as_str());
    found.extend(authors(app, context, files)?);
    found.dedup();
    Ok(found)
}

/// The facts that made a thing, and all facts about a run.
async fn makers(app: &App, product: &str, target: &str) -> Result<Vec<Fact>> {
    let linking = app.ledger.facts_linking(product, target).await?;
    let makes =
        |fact: &Fact| fact.fact.links.iter().any(|link| link.relation == Relation::Makes && link.target == target);
    let mut facts: Vec<Fact> = linking.into_iter().filter(makes).collect();
    if facts.iter().any(|fact| fact.fact.verb == "run.started") {
        let query = FactQuery { subject: Some(target.to_owned()), ..FactQuery::of(product) };
        facts.extend(app.ledger.facts(&query).await?.into_iter().filter(|fact| fact.fact.verb == "run.recorded"));
    }
    Ok(facts)
}

fn phrase(fact: &Fact) -> String {
    let subject = fact.fact.subject.strip_prefix("b3:").unwrap_or(&fact.fact.subject);
    let short: String = subject.chars().take(12).collect();
    match fact.fact.verb.as_str() {
        "data.added" => format!("added data version {short}"),
        "model.made" => format!("trained model {short}"),
        _ => format!("worked on run {short}"),
    }
}

/// Who wrote which file, as git said it: git is a program, and a page that asks it about ten files would wait for it.
#[derive(Debug, Default)]
pub struct Authors {
    known: Mutex<HashMap<PathBuf, Known>>,
}

/// What is known of a repository at a commit.
#[derive(Debug, Default)]
struct Known {
    /// The commit, and when `.mailmap` (by which names are read) was last written.
    state: (String, Option<SystemTime>),
    files: HashMap<String, Vec<git::Contribution>>,
}

impl Authors {
    /// Who contributed to a file of a repository in this state.
    fn of(&self, root: &Path, path: &str, state: &(String, Option<SystemTime>)) -> Result<Vec<git::Contribution>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let here = known.entry(root.to_owned()).or_default();
        if here.state != *state {
            *here = Known { state: state.clone(), files: HashMap::new() };
        }
        if let Some(found) = here.files.get(path) {
            return Ok(found.clone());
        }
        let found = git::contributors(root, path)?;
        here.files.insert(path.to_owned(), found.clone());
        Ok(found)
    }
}

/// The members whose commits changed these files.
fn authors<'a>(app: &App, context: &Context, paths: impl Iterator<Item = &'a str>) -> Result<Vec<Contribution>> {
    let Some(root) = &context.root else { return Ok(Vec::new()) };
    let Some(commit) = git::commit(root)? else { return Ok(Vec::new()) };
    let mailmap = std::fs::metadata(root.join(".mailmap")).and_then(|file| file.modified()).ok();
    let state = (commit, mailmap);
    let product = context.product()?;
    let mut found: Vec<Contribution> = Vec::new();
    for path in paths {
        for commit in app.authors.of(root, path, &state)? {
            let is_author = |email: &Option<String>| {
                email.as_deref().is_some_and(|known| known.eq_ignore_ascii_case(&commit.email))
            };
            if let Some(member) = product.members.iter().find(|member| is_author(&member.email)) {
                let contribution = Contribution { member: member.name.clone(), what: format!("wrote {path}") };
                if !found.contains(&contribution) {
                    found.push(contribution);
                }
            }
        }
    }
    Ok(found)
}
