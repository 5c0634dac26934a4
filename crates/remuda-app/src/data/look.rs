//! Looking at versions: list, show, diff; resolving what people type to a version; the looks at a holdout.

use super::{
    Cell, CellChange, ChangeCounts, ColumnChange, Diff, Log, Look, RowChange, Show, VersionDiff, VersionLine,
    VersionPage, Versions,
};
use crate::app::App;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::pin::{self, payload};
use crate::use_case::{Access, UseCase};
use remuda_data::Parts;
use remuda_ledger::{Append, FactQuery};
use remuda_model::Digest;
use remuda_model::data::{Column, ColumnUse, Contract, DatasetVersion, Manifest};
use remuda_model::fact::{Fact, Link, NewFact};
use serde::{Deserialize, Serialize};

impl UseCase for Log {
    const NOUN: &'static str = "data";
    const VERB: &'static str = "log";
    const ACCESS: Access = Access::Read;
    const ABOUT: &'static str = "List the versions of all datasets, or of one, newest first.";
    type Answer = Versions;

    async fn run(self, app: &App, context: &Context) -> Result<Versions> {
        let versions = dataset_versions(app, context, self.name.as_deref()).await?;
        if let (Some(name), true) = (&self.name, versions.is_empty()) {
            return Err(unknown_version(app, context, name).await?);
        }
        Ok(Versions { versions })
    }
}

impl UseCase for Show {
    const NOUN: &'static str = "data";
    const VERB: &'static str = "show";
    const ACCESS: Access = Access::Read;
    const ABOUT: &'static str = "Show a version: columns, profile, contract report, splits, looks at its holdout.";
    type Answer = VersionPage;

    async fn run(self, app: &App, context: &Context) -> Result<VersionPage> {
        let line = resolve_version(app, context, &self.version).await?;
        let profile = serde_json::from_slice(&app.blobs.get_checked(&line.version.profile).await?)?;
        let columns = columns_of(app, context, &line.version).await?;
        let siblings = dataset_versions(app, context, Some(&line.version.dataset)).await?;
        let product = context.product()?;
        let linking = app.ledger.facts_linking(&product.name, line.version.digest.as_str()).await?;
        let used_by = linking.iter().filter(|fact| fact.fact.verb != "data.added").map(crate::ledger::line).collect();
        Ok(VersionPage {
            columns,
            profile,
            report: line.version.report.clone(),
            looks: looks(app, context, &line.version).await?,
            budget: product.holdout_budget,
            used_by,
            siblings,
            line,
        })
    }
}

impl UseCase for Diff {
    const NOUN: &'static str = "data";
    const VERB: &'static str = "diff";
    const ACCESS: Access = Access::Read;
    const ABOUT: &'static str = "Compare two versions row by row: added, removed, changed, relabelled.";
    type Answer = VersionDiff;

    async fn run(self, app: &App, context: &Context) -> Result<VersionDiff> {
        let before = resolve_version(app, context, &self.before).await?.version;
        let after = match &self.after {
            Some(name) => resolve_version(app, context, name).await?.version,
            None => resolve_version(app, context, &before.dataset).await?.version,
        };
        let contract = context.contract(&after.dataset)?.map(|found| found.value.clone());
        let holdouts = holdouts(app, context, [&before, &after]).await?;
        let charged = self.holdout && !holdouts.is_empty();
        if charged {
            if !context.may_write() {
                return Err(Error::new("access.denied", "only a member may look at holdout rows")
                    .hint("leave out `--holdout`: everything but rows of the holdout is shown"));
            }
            let purpose = format!("compared {} with {}", before.digest.short(), after.digest.short());
            append_look(app, context, note_look(app, context, &after, "rows", &purpose, super::ROWS_CHARGE)?).await?;
        }
        let hidden = if self.holdout { Vec::new() } else { holdouts };
        let (left, right) = (version_parts(app, &before).await?, version_parts(app, &after).await?);
        let found = compare(&left, &right, contract.as_ref(), self.limit, hidden).await?;
        let text = |value: Option<String>| value.unwrap_or_default();
        Ok(VersionDiff {
            before: before.digest.to_string(),
            after: after.digest.to_string(),
            counts: ChangeCounts {
                added: found.added,
                removed: found.removed,
                changed: found.changed,
                relabelled: found.relabelled,
            },
            same: after.rows.saturating_sub(found.added + found.changed + found.relabelled),
            key: found.key_used.clone().unwrap_or_default(),
            by_column: found.by_column.into_iter().map(|(column, rows)| ColumnChange { column, rows }).collect(),
            examples: found
                .examples
                .into_iter()
                .map(|row| RowChange {
                    kind: kind_word(row.kind).to_owned(),
                    key: row.key.into_iter().map(|(column, value)| Cell { column, value }).collect(),
                    changes: row
                        .changes
                        .into_iter()
                        .map(|change| CellChange {
                            column: change.column,
                            before: text(change.before),
                            after: text(change.after),
                        })
                        .collect(),
                })
                .collect(),
            hidden: found.hidden,
            charged,
        })
    }
}

/// The contracts by which rows of these versions are in a holdout: each version's own. Without a label nothing is held
/// out.
async fn holdouts(app: &App, context: &Context, versions: [&DatasetVersion; 2]) -> Result<Vec<Contract>> {
    let mut found: Vec<Contract> = Vec::new();
    for version in versions {
        let Some(contract) = contract_of(app, context, version).await? else { continue };
        if contract.label().is_some() && found.iter().all(|known| known.split != contract.split) {
            found.push(contract);
        }
    }
    Ok(found)
}

fn kind_word(kind: remuda_data::RowChangeKind) -> &'static str {
    match kind {
        remuda_data::RowChangeKind::Added => "added",
        remuda_data::RowChangeKind::Removed => "removed",
        remuda_data::RowChangeKind::Changed => "changed",
        remuda_data::RowChangeKind::Relabelled => "relabelled",
    }
}

/// Versions of one dataset or of all, newest first.
pub(crate) async fn dataset_versions(app: &App, context: &Context, dataset: Option<&str>) -> Result<Vec<VersionLine>> {
    let query = FactQuery {
        product: context.product()?.name.clone(),
        verbs: vec!["data.added".into()],
        newest_first: true,
        ..FactQuery::default()
    };
    let mut lines = Vec::new();
    for fact in app.ledger.facts(&query).await? {
        let version: DatasetVersion = payload(&fact)?;
        if dataset.is_none_or(|name| name == version.dataset) {
            lines.push(line(&fact, version));
        }
    }
    Ok(lines)
}

fn line(fact: &Fact, version: DatasetVersion) -> VersionLine {
    VersionLine { version, actor: fact.fact.actor.clone(), time: fact.fact.time, fact: fact.fact.id.clone() }
}

/// The newest version of a dataset.
pub(crate) async fn latest_version(app: &App, context: &Context, dataset: &str) -> Result<Option<VersionLine>> {
    Ok(dataset_versions(app, context, Some(dataset)).await?.into_iter().next())
}

/// A version by dataset name (`churn`), by name and steps back (`churn~1`), by digest or the beginning of one.
pub(crate) async fn resolve_version(app: &App, context: &Context, text: &str) -> Result<VersionLine> {
    let versions = dataset_versions(app, context, None).await?;
    let (name, back) = match text.rsplit_once('~') {
        Some((name, back)) => (name, back.parse::<usize>().ok()),
        None => (text, Some(0)),
    };
    if let Some(back) = back {
        let mut of_name = versions.iter().filter(|line| line.version.dataset == name);
        if let Some(found) = of_name.nth(back) {
            return Ok(found.clone());
        }
    }
    let wanted = text.strip_prefix("b3:").unwrap_or(text);
    let mut fitting: Vec<&VersionLine> =
        versions.iter().filter(|line| wanted.len() >= 4 && line.version.digest.hex().starts_with(wanted)).collect();
    fitting.dedup_by(|left, right| left.version.digest == right.version.digest);
    match fitting.as_slice() {
        [first, rest @ ..] if rest.iter().all(|other| other.version.digest == first.version.digest) => {
            Ok((*first).clone())
        }
        [] => Err(unknown_version(app, context, text).await?),
        several => {
            let shorts: Vec<&str> = several.iter().map(|line| line.version.digest.short()).collect();
            Err(Error::new("request.ambiguous", format!("`{text}` fits {}", shorts.join(", "))).hint("type more of it"))
        }
    }
}

async fn unknown_version(app: &App, context: &Context, text: &str) -> Result<Error> {
    let names: Vec<String> =
        dataset_versions(app, context, None).await?.into_iter().map(|line| line.version.dataset).collect();
    if let Some((name, back)) = text.rsplit_once('~')
        && back.parse::<usize>().is_ok()
        && let count = names.iter().filter(|known| *known == name).count() as u64
        && count > 0
    {
        let count = remuda_model::text::count(count, "version");
        let error = Error::new("request.not_found", format!("`{name}` has {count}, so there is no `{text}`"));
        return Ok(error.hint(format!("`remuda data log {name}` lists them")));
    }
    let error = Error::not_found("dataset or version", text);
    Ok(match remuda_model::text::nearest(text, names.iter().map(String::as_str)) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None if names.is_empty() => error.hint("add one with `remuda data add FILE --as NAME`"),
        None => error.hint("`remuda data log` lists them"),
    })
}

/// A version's manifest.
pub(crate) async fn read_manifest(app: &App, version: &DatasetVersion) -> Result<Manifest> {
    Ok(serde_json::from_slice(&app.blobs.get_checked(&version.manifest).await?)?)
}

/// A version's parts as local files.
pub(crate) async fn version_parts(app: &App, version: &DatasetVersion) -> Result<Parts> {
    local_parts(app, read_manifest(app, version).await?).await
}

/// A manifest's parts as local files.
pub(crate) async fn local_parts(app: &App, manifest: Manifest) -> Result<Parts> {
    let mut paths = Vec::with_capacity(manifest.parts.len());
    for part in &manifest.parts {
        paths.push(app.blobs.local_path(&part.blob).await?);
    }
    Ok(Parts { manifest, paths })
}

/// Compares two versions off the async threads; rows of the hidden holdouts are counted and not shown.
pub(crate) async fn compare(
    before: &Parts,
    after: &Parts,
    contract: Option<&Contract>,
    limit: usize,
    hidden: Vec<Contract>,
) -> Result<remuda_data::Diff> {
    let keys: Vec<String> =
        contract.map(|contract| contract.keys().iter().map(|key| (*key).to_owned()).collect()).unwrap_or_default();
    let label = contract.and_then(|contract| contract.label()).map(|column| column.name.clone());
    let (before, after) = (before.clone(), after.clone());
    let work = move || remuda_data::diff(&before, &after, &keys, label.as_deref(), limit, &hidden);
    Ok(tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::new("internal", "comparing stopped").caused_by(&error))??)
}

/// The columns as the version's own contract had them; without a contract, as the file had them.
async fn columns_of(app: &App, context: &Context, version: &DatasetVersion) -> Result<Vec<Column>> {
    if let Some(contract) = contract_of(app, context, version).await? {
        return Ok(contract.columns);
    }
    let manifest = read_manifest(app, version).await?;
    let plain = |(name, column_type): (String, _)| Column {
        name,
        column_type,
        required: false,
        column_use: ColumnUse::Feature,
        kind: None,
        description: String::new(),
    };
    Ok(manifest.columns.into_iter().map(plain).collect())
}

/// The contract that was in force when a version was added, from the text that the ledger keeps.
pub(crate) async fn contract_of(app: &App, context: &Context, version: &DatasetVersion) -> Result<Option<Contract>> {
    match &version.contract {
        Some(digest) => contract_by_digest(app, context, digest).await,
        None => Ok(None),
    }
}

/// The contract with this digest: the one in force, or the text that the ledger keeps.
pub(crate) async fn contract_by_digest(app: &App, context: &Context, digest: &Digest) -> Result<Option<Contract>> {
    if let Some(current) = context.definitions.contracts.iter().find(|contract| contract.digest == *digest) {
        return Ok(Some(current.value.clone()));
    }
    let mut files = crate::context::DefinitionFiles::default();
    for definition in app.ledger.definition(digest).await? {
        files.0.insert(definition.path, definition.text);
    }
    let (definitions, _) = remuda_repo::check(&files, &crate::context::parse_criterion);
    Ok(definitions.contracts.into_iter().next().map(|found| found.value))
}

/// What a look at a holdout keeps.
#[derive(Serialize, Deserialize)]
struct LookRecord {
    dataset: String,
    revealed: String,
    purpose: String,
    charge: u32,
    /// The budget of the holdout at that time; 0 where an older program did not say.
    #[serde(default)]
    budget: u32,
}

/// The fact of a look at a dataset's holdout.
pub(crate) fn note_look(
    app: &App,
    context: &Context,
    version: &DatasetVersion,
    revealed: &str,
    purpose: &str,
    charge: u32,
) -> Result<NewFact> {
    let record = LookRecord {
        dataset: version.dataset.clone(),
        revealed: revealed.to_owned(),
        purpose: purpose.to_owned(),
        charge,
        budget: context.product()?.holdout_budget,
    };
    let links = vec![Link::uses("dataset_version", version.digest.as_str())];
    pin::fact(app, context, "holdout.looked", version.dataset.as_str(), &record, links)
}

/// All looks at the holdout of a version, whatever its dataset was called, newest first. Those at another holdout of its
/// dataset, which another split rule has dealt, are retired.
pub(crate) async fn looks(app: &App, context: &Context, version: &DatasetVersion) -> Result<Vec<Look>> {
    let query = FactQuery {
        verbs: vec!["holdout.looked".into()],
        newest_first: true,
        ..FactQuery::of(&context.product()?.name)
    };
    let facts = app.ledger.facts(&query).await?;
    if facts.is_empty() {
        return Ok(Vec::new());
    }
    // The same rows may have been added again under another split rule or another name: the digest alone does not tell
    // the deal, and the name not the rows.
    let mut deals: Vec<(VersionLine, Deal)> = Vec::new();
    for line in dataset_versions(app, context, None).await? {
        let deal = |one: &Contract, other: &Contract| one.split.deals_like(&other.split);
        let same = by_contracts(app, context, (&line.version, version), deal).await?;
        let deal = match (line.version.dataset == version.dataset, same) {
            (true, true) => Deal::Same,
            (true, false) => Deal::Retired,
            (false, true) if shares_rows(app, &line.version, version).await? => Deal::Same,
            (false, _) => Deal::Foreign,
        };
        deals.push((line, deal));
    }
    let mut found = Vec::new();
    for fact in facts {
        let record: LookRecord = payload(&fact)?;
        let deal = fact.fact.links.iter().find_map(|link| {
            let seen = deals
                .iter()
                .find(|(line, _)| line.version.dataset == record.dataset && is_at(line, &link.target, fact.fact.time));
            seen.map(|(_, deal)| *deal)
        });
        let of_name = if record.dataset == version.dataset { Deal::Same } else { Deal::Foreign };
        let deal = deal.unwrap_or(of_name);
        if deal != Deal::Foreign {
            found.push(Look {
                time: fact.fact.time,
                actor: fact.fact.actor.clone(),
                revealed: record.revealed,
                purpose: record.purpose,
                charge: record.charge,
                budget: record.budget,
                retired: deal == Deal::Retired,
            });
        }
    }
    Ok(found)
}

/// How the holdout of one version stands to that of another.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Deal {
    /// Rows that are in both are held out by both.
    Same,
    /// Of the same dataset, dealt by another rule.
    Retired,
    /// Other rows, or another dataset that deals by another rule.
    Foreign,
}

/// Whether two versions have stored rows in common. (Files of the same rows are cut at the same places.)
async fn shares_rows(app: &App, one: &DatasetVersion, other: &DatasetVersion) -> Result<bool> {
    if one.digest == other.digest {
        return Ok(true);
    }
    let (one, other) = (read_manifest(app, one).await?, read_manifest(app, other).await?);
    Ok(one.parts.iter().any(|part| other.parts.iter().any(|known| known.blob == part.blob)))
}

/// When the holdout of a version was retired: a later version of its dataset was dealt by another rule, so its rows have
/// been in training since. `None` while it was not.
pub(crate) async fn retired_at(app: &App, context: &Context, version: &DatasetVersion) -> Result<Option<i64>> {
    let (mut was_dealt, mut retired) = (false, None);
    let lines = dataset_versions(app, context, Some(&version.dataset)).await?;
    for line in lines.iter().rev() {
        let deal = |one: &Contract, other: &Contract| one.split.deals_like(&other.split);
        let same = by_contracts(app, context, (&line.version, version), deal).await?;
        if was_dealt && !same && retired.is_none() {
            retired = Some(line.time);
        }
        was_dealt |= same;
    }
    Ok(retired)
}

/// Whether this is how a version with this digest stood at a time. (Lines are the newest first.)
fn is_at(line: &VersionLine, digest: &str, time: i64) -> bool {
    line.version.digest.as_str() == digest && line.time <= time
}

/// A version as it stood at a time: the same rows may have been added again under another contract since.
pub(crate) async fn version_at(app: &App, context: &Context, digest: &Digest, time: i64) -> Result<DatasetVersion> {
    let versions = dataset_versions(app, context, None).await?;
    match versions.into_iter().find(|line| is_at(line, digest.as_str(), time)) {
        Some(line) => Ok(line.version),
        None => Ok(resolve_version(app, context, digest.hex()).await?.version),
    }
}

/// Whether a model that was trained on one version may have seen holdout rows of another: the split rule has changed, or
/// the same rows go by another name.
pub(crate) async fn may_have_seen(
    app: &App,
    context: &Context,
    trained_on: &DatasetVersion,
    judged_on: &DatasetVersion,
) -> Result<bool> {
    if trained_on.dataset != judged_on.dataset {
        return shares_rows(app, trained_on, judged_on).await;
    }
    let kept_apart = |one: &Contract, other: &Contract| !one.split.may_leak_into(&other.split);
    Ok(!by_contracts(app, context, (trained_on, judged_on), kept_apart).await?)
}

/// What holds of the contracts of two versions; of versions without contracts it is taken to hold.
async fn by_contracts(
    app: &App,
    context: &Context,
    (one, other): (&DatasetVersion, &DatasetVersion),
    holds: impl Fn(&Contract, &Contract) -> bool,
) -> Result<bool> {
    if one.contract == other.contract {
        return Ok(true);
    }
    let (one, other) = (contract_of(app, context, one).await?, contract_of(app, context, other).await?);
    Ok(match (one, other) {
        (Some(one), Some(other)) => holds(&one, &other),
        _ => true,
    })
}

/// Appends one look by itself.
pub(crate) async fn append_look(app: &App, context: &Context, fact: NewFact) -> Result<()> {
    let append = Append { facts: vec![fact], ..Append::default() };
    app.ledger.append(&context.product()?.name, append).await?;
    Ok(())
}
