//! Feedback: outcomes joined to predictions by id, late, out of order, repeated.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use utoipa::ToSchema;

/// Join outcomes to predictions.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Add {
    /// The file: CSV, TSV, JSON Lines or Parquet. Over HTTP: the digest of an upload.
    #[schema(value_type = String)]
    pub file: PathBuf,
    /// The column with the prediction's id; without it, `prediction_id`, `prediction` or `id`.
    #[arg(long)]
    #[serde(default)]
    pub id_column: Option<String>,
    /// The column with what really happened; without it, `outcome`, `actual` or the label's name.
    #[arg(long)]
    #[serde(default)]
    pub outcome_column: Option<String>,
    /// The column with the time at which it was seen.
    #[arg(long)]
    #[serde(default)]
    pub time_column: Option<String>,
    /// The file's own name, when `file` is an upload.
    #[arg(skip)]
    #[serde(default)]
    pub source: Option<String>,
}

/// What `feedback add` did.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Joined {
    /// Rows in the file.
    pub rows: u64,
    /// Outcomes that were new.
    pub added: u64,
    /// Outcomes that replaced an earlier value of the same prediction.
    pub corrected: u64,
    /// Outcomes that were there already.
    pub repeated: u64,
    /// Outcomes that were seen before the one that counts: kept, and without effect.
    #[serde(default)]
    pub older: u64,
    /// Outcomes whose prediction is not known (yet), new ones or not: kept, joined when it comes.
    pub unmatched: u64,
    /// Some ids of those.
    pub unmatched_examples: Vec<String>,
    /// Rows without an outcome: passed over.
    #[serde(default)]
    pub empty: u64,
}

use crate::app::App;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::pin;
use crate::use_case::{Access, UseCase};
use remuda_data::Rows;
use remuda_ledger::{Append, OutcomeRecord};
use remuda_model::data::{Check, ColumnType};
use remuda_model::fact::Link;
use remuda_model::feedback::Outcome;
use remuda_model::table::Values;

/// Outcomes per transaction.
const CHUNK: usize = 20_000;
/// Ids that are shown of outcomes without a prediction.
const EXAMPLES: usize = 5;
/// Classes that are named where an outcome is none of them.
const SHOWN_CLASSES: usize = 10;

/// What `feedback.added` keeps.
#[derive(Serialize)]
struct AddedRecord<'a> {
    source: &'a str,
    rows: u64,
}

/// The columns that outcomes are read from.
struct Columns {
    id: String,
    outcome: String,
    time: Option<String>,
}

impl UseCase for Add {
    const NOUN: &'static str = "feedback";
    const VERB: &'static str = "add";
    const ACCESS: Access = Access::Write;
    const ABOUT: &'static str =
        "Join outcomes to predictions by id: late, out of order; a repeated file changes nothing.";
    type Answer = Joined;

    async fn run(self, app: &App, context: &Context) -> Result<Joined> {
        let file = app.request_file(context, &self.file, self.source.as_deref())?;
        let format = crate::data::read_format(None, &file.name)?;
        let mut chunks = remuda_data::chunks(&file.path, Some(format), None, CHUNK)?;
        let columns = self.columns(context, chunks.columns(), &file.name)?;
        let known = known_values(app, context).await?;
        if !matches!(known, KnownValues::Any) {
            // All of the file is looked at first: a wrong column must not leave its first rows in the ledger.
            for rows in remuda_data::chunks(&file.path, Some(format), None, CHUNK)? {
                refuse_unknown_values(&rows?, &columns, &known, &file.name)?;
            }
        }
        let mut joined = Joined::default();
        while let Some(rows) = chunks.next() {
            let rows = rows?;
            let (done, total) = chunks.progress();
            context.tell(done as f64 / total.max(1) as f64, "joining outcomes");
            join(app, context, &rows, &columns, &file.name, &mut joined).await?;
        }
        if joined.rows == 0 {
            return Err(Error::new("data.unusable", format!("{} has no rows", file.name)));
        }
        Ok(joined)
    }
}

impl Add {
    fn columns(&self, context: &Context, found: &[(String, ColumnType)], file: &str) -> Result<Columns> {
        let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
        let labels: Vec<&str> = context
            .definitions
            .contracts
            .iter()
            .filter_map(|contract| contract.value.label())
            .map(|label| label.name.as_str())
            .collect();
        let mut outcomes = vec!["outcome", "actual", "truth", "label"];
        outcomes.splice(0..0, labels);
        let pick = |asked: &Option<String>, usual: &[&str], what: &str, flag: &str| -> Result<String> {
            if let Some(asked) = asked {
                return match names.contains(&asked.as_str()) {
                    true => Ok(asked.clone()),
                    false => Err(Error::new("data.unusable", format!("{file} has no column `{asked}`"))
                        .hint(format!("it has {}", remuda_model::text::list(&names)))),
                };
            }
            let known = usual.iter().find(|usual| names.contains(usual));
            known.map(|name| (*name).to_owned()).ok_or_else(|| {
                Error::new("data.unusable", format!("which column of {file} is the {what}?"))
                    .hint(format!("name one: {flag} {}", names.join(" | ")))
            })
        };
        Ok(Columns {
            id: pick(&self.id_column, &["prediction_id", "prediction", "id"], "prediction's id", "--id-column")?,
            outcome: pick(&self.outcome_column, &outcomes, "outcome", "--outcome-column")?,
            time: match &self.time_column {
                Some(_) => Some(pick(&self.time_column, &[], "time", "--time-column")?),
                None => None,
            },
        })
    }
}

async fn join(
    app: &App,
    context: &Context,
    rows: &Rows,
    columns: &Columns,
    source: &str,
    joined: &mut Joined,
) -> Result<()> {
    let product = &context.product()?.name;
    let (ids, values) = (rows.text(&columns.id)?, rows.text(&columns.outcome)?);
    let times = columns.time.as_ref().map(|name| moments(rows, name)).transpose()?;
    let received = app.clock.now();
    let asked: Vec<&str> = (0..rows.len()).filter_map(|row| ids.get(row)).collect();
    let mut known = app.ledger.outcomes_of_many(product, &asked).await?;
    let predicted = app.ledger.known_predictions(product, &asked).await?;
    let mut outcomes = Vec::with_capacity(rows.len());
    for row in 0..rows.len() {
        joined.rows += 1;
        let Some(value) = values.get(row).filter(|value| !value.trim().is_empty()) else {
            joined.empty += 1;
            continue;
        };
        let Some(id) = ids.get(row) else { continue };
        let observed = times.as_ref().and_then(|times| times[row]);
        if !predicted.contains(id) {
            joined.unmatched += 1;
            if joined.unmatched_examples.len() < EXAMPLES {
                joined.unmatched_examples.push(id.to_owned());
            }
        }
        let outcome = Outcome { prediction: id.to_owned(), value: value.to_owned(), observed };
        let record = OutcomeRecord { outcome, received };
        let before = known.entry(id.to_owned()).or_default();
        match standing(before, &record) {
            Standing::First => joined.added += 1,
            Standing::Repeated => {
                joined.repeated += 1;
                continue;
            }
            Standing::Confirmed => joined.repeated += 1,
            Standing::Corrects => joined.corrected += 1,
            Standing::Older => joined.older += 1,
        }
        before.push(record.clone());
        outcomes.push(record);
    }
    if outcomes.is_empty() {
        return Ok(());
    }
    let record = AddedRecord { source, rows: outcomes.len() as u64 };
    let mut links = Vec::new();
    if let Some(live) = crate::release::live_release(app, context).await? {
        links.push(Link::uses("release", live.digest.as_str()));
    }
    let fact = pin::fact(app, context, "feedback.added", source, &record, links)?;
    let append = Append { facts: vec![fact], outcomes, only_news: true, ..Append::default() };
    app.ledger.append(product, append).await?;
    Ok(())
}

/// How an outcome stands to what was known of its prediction.
#[derive(Debug, PartialEq)]
enum Standing {
    /// Nothing was known.
    First,
    /// It was said before, or says what counts without a time of its own: no news.
    Repeated,
    /// It says what counts, and was seen later: kept, since an outcome seen in between must not win over it.
    Confirmed,
    /// It counts from now on.
    Corrects,
    /// It was seen before the one that counts.
    Older,
}

/// `before` is in the order of arrival.
fn standing(before: &[OutcomeRecord], new: &OutcomeRecord) -> Standing {
    // The last of those that are newest by their moment.
    let Some(newest) = before.iter().max_by_key(|record| record.moment()) else { return Standing::First };
    // Whatever was said before is no news, even if something else was said since: an old file changes nothing.
    if before.iter().any(|record| record.outcome == new.outcome) {
        return Standing::Repeated;
    }
    let later = new.moment() >= newest.moment();
    match newest.outcome.value == new.outcome.value {
        true if later && new.outcome.observed.is_some() => Standing::Confirmed,
        true => Standing::Repeated,
        false if later => Standing::Corrects,
        false => Standing::Older,
    }
}

/// What an outcome may say.
enum KnownValues {
    Any,
    Numbers,
    /// One of these, in this order.
    Classes(Vec<String>),
}

/// What outcomes may say: numbers where every contract's label is one; else the classes of the live model and those
/// that the contracts' rules name for their labels; anything while nothing is live.
async fn known_values(app: &App, context: &Context) -> Result<KnownValues> {
    if are_numbers(context) {
        return Ok(KnownValues::Numbers);
    }
    let Some(live) = crate::release::live_release(app, context).await? else { return Ok(KnownValues::Any) };
    let signature = crate::model::resolve_model(app, context, live.model.hex()).await?.version.signature;
    let mut classes = signature.labels.classes().to_vec();
    if classes.is_empty() {
        return Ok(KnownValues::Any);
    }
    for contract in context.definitions.contracts.iter().map(|contract| &contract.value) {
        let Some(label) = contract.label() else { continue };
        for rule in &contract.rules {
            if let Check::ValidValues { column, values } = &rule.check
                && *column == label.name
            {
                classes.extend(values.iter().filter(|value| !signature.labels.classes().contains(value)).cloned());
            }
        }
    }
    Ok(KnownValues::Classes(classes))
}

/// Refuses an outcome that no prediction could be compared with.
fn refuse_unknown_values(rows: &Rows, columns: &Columns, known: &KnownValues, source: &str) -> Result<()> {
    let (ids, values) = (rows.text(&columns.id)?, rows.text(&columns.outcome)?);
    for row in 0..rows.len() {
        let (Some(id), Some(value)) = (ids.get(row), values.get(row)) else { continue };
        let why = match known {
            KnownValues::Numbers if !value.trim().parse::<f64>().is_ok_and(f64::is_finite) => "no number".to_owned(),
            KnownValues::Classes(classes) if classes.iter().all(|class| class != value) => {
                let mut shown: Vec<String> =
                    classes.iter().take(SHOWN_CLASSES).map(|class| format!("`{class}`")).collect();
                if classes.len() > shown.len() {
                    shown.push(format!("{} more", classes.len() - shown.len()));
                }
                format!("none of the known classes: {}", remuda_model::text::list(&shown))
            }
            _ => continue,
        };
        if value.trim().is_empty() {
            continue;
        }
        let message = format!("the outcome `{value}` of prediction `{id}` is {why}");
        return Err(Error::new("data.unusable", message)
            .hint(format!("correct {source}, or name the column with the outcomes: --outcome-column")));
    }
    Ok(())
}

/// Whether what is predicted are numbers, by every contract that names a label.
fn are_numbers(context: &Context) -> bool {
    let contracts = context.definitions.contracts.iter().map(|contract| &contract.value);
    let mut labels = contracts.filter_map(|contract| Some((contract, contract.label()?))).peekable();
    labels.peek().is_some() && labels.all(|(contract, label)| !crate::run::has_classes(contract, label))
}

/// A column of times in microseconds since 1970: moments as ISO 8601 (without a zone: UTC), days, or numbers of
/// seconds; columns of times as they are.
fn moments(rows: &Rows, column: &str) -> Result<Vec<Option<i64>>> {
    let Values::Text(texts) = rows.values(column)? else {
        let seconds = rows.numbers(column)?;
        return Ok(seconds.into_iter().map(|seconds| seconds.is_finite().then_some((seconds * 1e6) as i64)).collect());
    };
    (0..texts.codes.len())
        .map(|row| match texts.get(row).map(str::trim).filter(|text| !text.is_empty()) {
            None => Ok(None),
            Some(text) => moment(text).map(Some).ok_or_else(|| {
                Error::new("data.unusable", format!("`{text}` in column `{column}` is no time"))
                    .hint("write 2026-11-23, 2026-11-23T14:05:00Z or seconds since 1970")
            }),
        })
        .collect()
}

fn moment(text: &str) -> Option<i64> {
    if let Ok(seconds) = text.parse::<f64>() {
        return seconds.is_finite().then_some((seconds * 1e6) as i64);
    }
    let spaced = text.replacen(' ', "T", 1);
    [text.to_owned(), format!("{spaced}Z"), format!("{text}T00:00:00Z")]
        .iter()
        .find_map(|form| form.parse::<jiff::Timestamp>().ok())
        .map(|moment| moment.as_microsecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outcome_that_was_seen_last_counts_whatever_came_last() {
        let record = |value: &str, observed: Option<i64>, received: i64| OutcomeRecord {
            outcome: Outcome { prediction: "p".to_owned(), value: value.to_owned(), observed },
            received,
        };
        let cases = [
            (vec![], record("yes", None, 10), Standing::First),
            (vec![record("yes", None, 10)], record("yes", None, 20), Standing::Repeated),
            (vec![record("yes", None, 10)], record("no", None, 20), Standing::Corrects),
            // The first file comes once more, after a correction.
            (vec![record("yes", None, 10), record("no", None, 20)], record("yes", None, 30), Standing::Repeated),
            (vec![record("yes", Some(5), 10)], record("no", Some(4), 20), Standing::Older),
            (vec![record("yes", Some(5), 10)], record("no", Some(6), 20), Standing::Corrects),
            // Seen again later: what was seen in between, and comes last, does not count.
            (vec![record("yes", Some(1), 10)], record("yes", Some(3), 20), Standing::Confirmed),
            (vec![record("yes", Some(1), 10), record("yes", Some(3), 20)], record("no", Some(2), 30), Standing::Older),
            (vec![record("yes", Some(3), 10)], record("yes", Some(1), 20), Standing::Repeated),
        ];
        for (before, new, expected) in cases {
            assert_eq!(standing(&before, &new), expected, "{before:?} then {new:?}");
        }
    }
}
