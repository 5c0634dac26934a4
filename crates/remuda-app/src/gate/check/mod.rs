//! `gate check`: criteria on predictions that any other program made. Two files, joined by id; no repository, no ledger,
//! and so no holdout budget: whoever looks often says so with `looks`.

mod answers;
mod columns;
mod join;
mod truth;

use super::costs::Costs;
use super::decide::{Bench, decide};
use super::sample::Sample;
use super::schedule::Schedule;
use crate::error::{Error, Result};
use crate::uploads::local_file;
use join::{Joined, Wanted, join};
use remuda_model::analysis::Confusion;
use remuda_model::diagnostic::Diagnostic;
use remuda_model::gate::criterion::{Bound, Claim, Metric, MetricOf, Quantity, Reference};
use remuda_model::gate::{Verdict, VerdictKind};
use remuda_model::requirement::StatedCriterion;
use remuda_model::table::{Texts, Values};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use truth::Truth;
use utoipa::ToSchema;

/// Decide criteria on predictions that any program made. Needs no product.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, clap::Args)]
#[group(skip)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// The true labels, with any columns that criteria select by: CSV, TSV, JSON Lines or Parquet.
    #[arg(long)]
    #[schema(value_type = String)]
    pub truth: PathBuf,
    /// The predictions: an id, the predicted label, and probabilities where criteria need them.
    #[arg(long)]
    #[schema(value_type = String)]
    pub predictions: PathBuf,
    /// A criterion, such as "recall of yes >= 0.9 where region = 'north'". May be given several times.
    #[arg(long = "criterion", short = 'c', required = true)]
    pub criteria: Vec<String>,
    /// Another model's predictions that criteria compare with: `production=FILE`, `baseline NAME=FILE` or `release
    /// ID=FILE`. May be given several times.
    #[arg(long = "against", value_name = "NAME=FILE")]
    #[serde(default)]
    pub against: Vec<String>,
    /// The column that joins the files; without it `prediction_id`, `id`, or the only column that both have.
    #[arg(long, value_name = "COLUMN")]
    #[serde(default)]
    pub id: Option<String>,
    /// The column of true labels; without it `label`, `truth`, `target` or `y`.
    #[arg(long, value_name = "COLUMN")]
    #[serde(default)]
    pub label: Option<String>,
    /// The column of predicted labels; without it `prediction`, `predicted`, or the label's name.
    #[arg(long, value_name = "COLUMN")]
    #[serde(default)]
    pub prediction: Option<String>,
    /// The column with the probability of the positive class; without it `score`, `probability` or `proba`. Columns named
    /// by the classes (`yes`, `p_yes`, `proba_yes`) are found by themselves.
    #[arg(long, value_name = "COLUMN")]
    #[serde(default)]
    pub score: Option<String>,
    /// The class that metrics without a class are of, of two.
    #[arg(long, value_name = "CLASS")]
    #[serde(default)]
    pub positive: Option<String>,
    /// Join by the order of rows, where there is no id. The files must have equally many.
    #[arg(long)]
    #[serde(default)]
    pub by_row_order: bool,
    /// Decide on the rows that all files have, instead of refusing files with other rows.
    #[arg(long)]
    #[serde(default)]
    pub common_rows: bool,
    /// How many times this holdout will be looked at in all: each look decides at the risk divided by it.
    #[arg(long, default_value_t = 1)]
    #[serde(default = "one")]
    pub looks: u32,
}

fn one() -> u32 {
    1
}

/// What a check found.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Checked {
    /// The verdict over all criteria.
    pub verdict: VerdictKind,
    /// One per criterion, or per slice of a `for each`.
    pub verdicts: Vec<Verdict>,
    /// The file of true labels.
    pub truth: String,
    /// The file of predictions.
    pub predictions: String,
    /// Rows that were decided on.
    pub rows: u64,
    /// What was left out, and what was assumed, each one sentence.
    pub notes: Vec<String>,
    /// Truth against prediction (classes only).
    pub confusion: Option<Confusion>,
    /// The looks that share the risk.
    pub looks: u32,
}

/// Decides criteria on the files of this machine. No use case in the strict sense, as it needs no product and appends
/// nothing: like `init`, it runs where it is called, never on a server (whose files are not the caller's).
///
/// # Errors
/// A criterion that cannot be read, files that do not fit together, columns that are not there.
pub async fn check(request: &Check, progress: &(dyn Fn(f64, &str) + Send + Sync)) -> Result<Checked> {
    let (stated, costs, against) = request.understood()?;
    let (truth_file, prediction_file) = (local_file(&request.truth)?, local_file(&request.predictions)?);
    progress(0.0, "reading the true labels");
    let mut truth = Truth::read(&truth_file, request, &stated)?;
    let wanted = Wanted { request, criteria: &stated, extras: true };
    progress(0.3, "joining the predictions");
    let mut joined = join(&prediction_file, &wanted, &truth)?;
    let mut others = Vec::new();
    for (reference, path) in &against {
        let other = join(&local_file(path)?, &Wanted { extras: false, ..wanted }, &truth)?;
        others.push((reference.clone(), other));
    }
    let mut notes = std::mem::take(&mut truth.notes);
    let kept = common_rows(request, &joined, &others, &mut notes)?;
    for (name, texts) in std::mem::take(&mut joined.extras) {
        truth.rows.set(&name, truth::numbers_of(&texts).map_or(Values::Text(texts), Values::Number))?;
    }
    let sample = joined.sample(&truth, &kept)?;
    same_words(&sample)?;
    notes.extend(direction(request, &joined, &sample)?);
    set_predictions(&mut truth.rows, &kept, &sample)?;
    let references: Vec<(Reference, Sample)> = others
        .iter()
        .map(|(reference, joined)| Ok((reference.clone(), joined.sample(&truth, &kept)?.in_order_of(&sample))))
        .collect::<Result<_>>()?;
    let bench = Bench {
        rows: &truth.rows,
        kept: &kept,
        sample: &sample,
        references: &references,
        tests: &Default::default(),
        itself: &[],
        costs: &costs,
        share: 1.0 / f64::from(request.looks),
        holdout: false,
        schedule: &Schedule::default(),
    };
    let mut verdicts = Vec::new();
    for (index, stated) in stated.iter().enumerate() {
        progress(0.6 + 0.4 * index as f64 / request.criteria.len() as f64, "deciding");
        verdicts.extend(decide(stated, &bench).await?);
    }
    let confusion = match &sample {
        Sample::Classes(sample) => Some(Confusion { classes: sample.classes.to_vec(), counts: sample.confusion() }),
        Sample::Numbers { .. } => None,
    };
    Ok(Checked {
        verdict: VerdictKind::all(verdicts.iter().map(|verdict| verdict.kind)),
        verdicts,
        truth: truth_file.name,
        predictions: prediction_file.name,
        rows: sample.rows() as u64,
        notes,
        confusion,
        looks: request.looks,
    })
}

/// What a request says: criteria, cost tables by name, and the files of other models.
type Understood = (Vec<StatedCriterion>, BTreeMap<String, Costs>, Vec<(Reference, PathBuf)>);

impl Check {
    /// Everything that can be refused before a file is read.
    fn understood(&self) -> Result<Understood> {
        let stated = self.criteria.iter().map(|text| parse(text)).collect::<Result<Vec<_>>>()?;
        if self.looks == 0 {
            return Err(Error::new("request.invalid", "`looks` is 0, and this is one look").hint("--looks 1"));
        }
        if let Some(what) = stated.iter().find_map(|stated| super::fit::unpaired(&stated.criterion.claim)) {
            let text = format!("{what} is held against a number, not against another model");
            return Err(Error::new("request.invalid", text).hint("write a number, or compare a metric"));
        }
        let against = against(&self.against)?;
        if let Some(reference) = lacking(&stated, &against) {
            let name = reference.name();
            let text = format!("a criterion compares with {name}, and its predictions were not given");
            return Err(Error::new("request.invalid", text).hint(format!("--against \"{name}=FILE\"")));
        }
        let costs = costs(&stated)?;
        Ok((stated, costs, against))
    }
}

fn parse(text: &str) -> Result<StatedCriterion> {
    match remuda_model::gate::parse(text) {
        Ok(criterion) => Ok(StatedCriterion { text: text.to_owned(), criterion, line: 1 }),
        Err(error) => {
            let mut found = Diagnostic::at("--criterion", text, error.span, "definition.criterion", error.message);
            found.hints = error.hints;
            let mut error = Error::new("definition.invalid", "a criterion cannot be read")
                .hint("`remuda gate grammar` explains the language");
            error.diagnostics = vec![found];
            Err(error)
        }
    }
}

/// The cost tables that criteria name: files, seen from the folder that one is in.
fn costs(stated: &[StatedCriterion]) -> Result<BTreeMap<String, Costs>> {
    let mut costs = BTreeMap::new();
    for stated in stated {
        let Claim::Holds { quantity: Quantity::MeanCost { file }, .. } = &stated.criterion.claim else { continue };
        let text =
            std::fs::read_to_string(file).map_err(|source| Error::not_found("cost file", file).caused_by(&source))?;
        let table = Costs::parse(&text)
            .map_err(|why| Error::new("data.unusable", format!("{file} is no cost table: {why}")))?;
        costs.insert(file.clone(), table);
    }
    Ok(costs)
}

fn against(words: &[String]) -> Result<Vec<(Reference, PathBuf)>> {
    words
        .iter()
        .map(|word| {
            let wrong = || {
                Error::new("request.invalid", format!("`--against {word}` is not understood"))
                    .hint("--against production=FILE, --against \"baseline NAME=FILE\"")
            };
            let (name, file) = word.split_once('=').ok_or_else(wrong)?;
            let name = name.trim();
            let reference = match name.split_once(' ') {
                None if name == "production" => Reference::Production,
                Some(("baseline", name)) => Reference::Baseline(name.trim().to_owned()),
                Some(("release", id)) => Reference::Release(id.trim().to_owned()),
                _ => return Err(wrong()),
            };
            Ok((reference, PathBuf::from(file.trim())))
        })
        .collect()
}

/// The rows that all files have. Files with other rows are refused unless that was asked for: a comparison on other rows
/// compares rows, and a model that leaves out what is hard looks good.
fn common_rows(
    request: &Check,
    joined: &Joined,
    references: &[(Reference, Joined)],
    notes: &mut Vec<String>,
) -> Result<Vec<usize>> {
    let all = std::iter::once(("the predictions".to_owned(), joined));
    let all: Vec<(String, &Joined)> = all
        .chain(
            references.iter().map(|(reference, joined)| (format!("the predictions of {}", reference.name()), joined)),
        )
        .collect();
    let count = |rows: u64| remuda_model::text::count(rows, "row");
    for (name, joined) in &all {
        let missing = joined.missing() as u64;
        let (lacking, foreign) = (&joined.missing_example, &joined.foreign_example);
        for (rows, text, example) in [
            (missing, format!("{name} lack {} of the true labels", count(missing)), lacking),
            (joined.foreign, format!("{name} have {} that the true labels lack", count(joined.foreign)), foreign),
        ] {
            if rows > 0 && !request.common_rows {
                let error = Error::new("data.unusable", text);
                let error = match example {
                    Some(id) => error.hint(format!("the first such id is {id}")),
                    None => error,
                };
                return Err(error.hint("decide on the rows that all files have: --common-rows"));
            }
            if rows > 0 {
                notes.push(format!("{text}: left out"));
            }
        }
    }
    let kept: Vec<usize> =
        (0..joined.found.len()).filter(|row| all.iter().all(|(_, joined)| joined.found[*row])).collect();
    if kept.is_empty() {
        return Err(Error::new("data.unusable", "no row has both a true label and a prediction")
            .hint("name the column that joins the files: --id COLUMN"));
    }
    Ok(kept)
}

/// Refuses predictions none of which is a class of the truth: they speak of the same classes in other words.
fn same_words(sample: &Sample) -> Result<()> {
    let Sample::Classes(sample) = sample else { return Ok(()) };
    let mut known = vec![false; sample.classes.len()];
    sample.truth.iter().for_each(|class| known[*class as usize] = true);
    // Of a truth with one class all answers may well be another.
    let is_one_class = known.iter().filter(|known| **known).count() < 2;
    if is_one_class || sample.predicted.iter().any(|class| known[*class as usize]) {
        return Ok(());
    }
    let words = |classes: &[u32]| {
        let mut places: Vec<u32> = classes.iter().take(10_000).copied().collect();
        places.sort_unstable();
        places.dedup();
        let names: Vec<String> =
            places.iter().take(4).map(|place| format!("`{}`", sample.classes[*place as usize])).collect();
        remuda_model::text::list(&names)
    };
    let text = format!(
        "no predicted label is one of the truth: {} is predicted, the truth has {}",
        words(&sample.predicted),
        words(&sample.truth)
    );
    Err(Error::new("data.unusable", text)
        .hint("write the same words in both files, or name the columns: --label, --prediction"))
}

/// What one column of scores was taken for; refused where it is lower for the rows that are predicted positive, for then
/// it speaks of the other class.
fn direction(request: &Check, joined: &Joined, sample: &Sample) -> Result<Option<String>> {
    let (Some((column, positive)), Sample::Classes(sample)) = (joined.scored(), sample) else { return Ok(None) };
    let scores = sample.scores(positive);
    let mean = |wanted: bool| {
        let of = scores.iter().zip(&sample.predicted).filter(|(_, class)| (**class as usize == positive) == wanted);
        let (sum, count) = of.fold((0.0, 0.0), |(sum, count), (score, _)| (sum + score, count + 1.0));
        if count > 0.0 { Some(sum / count) } else { None }
    };
    let (class, other) = (&sample.classes[positive], &sample.classes[1 - positive]);
    match (mean(true), mean(false)) {
        (Some(here), Some(there)) if here < there && request.positive.is_none() => {
            let text = format!(
                "`{column}` is lower where `{class}` is predicted: it seems to be the probability of `{other}`"
            );
            Err(Error::new("data.unusable", text)
                .hint(format!("--positive {other}; or --positive {class}, if it is not")))
        }
        _ => Ok(Some(format!("`{column}` was taken for the probability of {class} (--positive says otherwise)"))
            .filter(|_| request.positive.is_none())),
    }
}

/// Adds predictions and scores as columns, so that `where` can select by them.
fn set_predictions(rows: &mut remuda_data::Rows, kept: &[usize], sample: &Sample) -> Result<()> {
    match sample {
        Sample::Numbers { predicted, .. } => {
            let mut values = vec![f64::NAN; rows.len()];
            kept.iter().zip(predicted).for_each(|(row, number)| values[*row] = *number);
            rows.set("prediction", Values::Number(values))?;
        }
        Sample::Classes(sample) => {
            let mut words: Vec<Option<&str>> = vec![None; rows.len()];
            for (row, class) in kept.iter().zip(&sample.predicted) {
                words[*row] = Some(sample.classes[*class as usize].as_str());
            }
            rows.set("prediction", Values::Text(Texts::from_values(words)))?;
            if sample.known > 0 {
                let scores = match sample.positive {
                    Some(class) => sample.scores(class),
                    None => sample.confidences().0,
                };
                let mut values = vec![f64::NAN; rows.len()];
                kept.iter().zip(scores).for_each(|(row, score)| values[*row] = score);
                rows.set("score", Values::Number(values))?;
            }
        }
    }
    Ok(())
}

/// The metrics that criteria name.
fn metrics(stated: &[StatedCriterion]) -> impl Iterator<Item = &MetricOf> {
    stated.iter().filter_map(|stated| match &stated.criterion.claim {
        Claim::Holds { quantity: Quantity::Metric(metric), .. }
        | Claim::Holds { quantity: Quantity::Gap { metric, .. } | Quantity::Ratio { metric, .. }, .. } => Some(metric),
        _ => None,
    })
}

/// Whether criteria are about a number and not a class.
fn about_numbers(stated: &[StatedCriterion]) -> bool {
    metrics(stated).any(|of| {
        matches!(of.metric, Metric::Mae | Metric::Rmse | Metric::Mape | Metric::R2 | Metric::Bias | Metric::Pinball(_))
    })
}

/// Whether no criterion asks what the label is: then many different numbers are as good as classes.
fn about_neither(stated: &[StatedCriterion]) -> bool {
    stated.iter().all(|stated| {
        matches!(
            &stated.criterion.claim,
            Claim::Holds { quantity: Quantity::Quantile { .. } | Quantity::ChangedDecisions { .. }, .. }
        )
    })
}

/// The models that criteria compare with and that were not given.
fn lacking<'a>(stated: &'a [StatedCriterion], against: &[(Reference, PathBuf)]) -> Option<&'a Reference> {
    let of = |claim: &'a Claim| match claim {
        Claim::Holds { bound: Bound::Reference { reference, .. }, .. } => Some(reference),
        Claim::Holds { quantity: Quantity::ChangedDecisions { against }, .. } => Some(against),
        _ => None,
    };
    let named = stated.iter().filter_map(|stated| of(&stated.criterion.claim));
    named.into_iter().find(|reference| against.iter().all(|(known, _)| known != *reference))
}
