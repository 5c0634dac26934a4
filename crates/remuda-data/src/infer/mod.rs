//! Everything about an unknown file: a drafted contract, the task, a profile and what looks odd.
//!
//! Two passes over the file: types and missing words first (see `draft`), then the profile and a sample of at most
//! 100,000 rows, chosen by their hashes, on which columns are compared with each other and with the label.
//!
//! What does not live here: writing the contract down.

mod contract;
mod findings;
mod purpose;
mod sample;

use crate::cut::stream;
use crate::draft::draft;
use crate::error::{DataError, Finding};
use crate::format::Format;
use crate::oddity::{drafted, duplicates_estimated};
use crate::profile::Profiler;
use crate::source::Source;
use remuda_model::data::{ColumnProfile, ColumnType, Contract, Oddity, Profile, Task};
use remuda_model::text;
use std::path::Path;

/// What to look at.
#[derive(Clone, Copy, Debug)]
pub struct InferRequest<'a> {
    /// The file.
    pub source: &'a Path,
    /// Its format; `None`: by its ending.
    pub format: Option<Format>,
    /// The dataset's name.
    pub name: &'a str,
    /// The column that models will predict.
    pub label: Option<&'a str>,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Inference {
    /// The drafted contract.
    pub contract: Contract,
    /// What the label asks for; `None` without a label.
    pub task: Option<Task>,
    /// What the file looks like.
    pub profile: Profile,
    /// What a person should look at, the file's order of columns, table-wide ones last.
    pub oddities: Vec<Oddity>,
}

/// Reads a whole file and drafts its contract. `progress` gets bytes done and bytes in all (twice the file).
///
/// Errors: malformed content, a label column that does not exist or has one class only, fewer than two rows.
pub fn infer(request: &InferRequest<'_>, progress: &mut dyn FnMut(u64, u64)) -> Result<Inference, DataError> {
    let mut source = Source::open(request.source, request.format)?;
    let total = source.total;
    let label = label_place(&source, request.label)?;
    let place_word = source.place_word();
    let drafts = draft(&mut source, label, &mut |done| progress(done, 2 * total))?;
    if drafts.rows < 2 {
        let finding = Finding::file(
            &source.file,
            "the file has one row",
            "nothing can be inferred or learned from one row; add more",
        );
        return Err(DataError::Content(finding));
    }
    let layout = drafts.layout();
    let mut profiler = Profiler::new(&layout.columns)?;
    let mut sample = sample::Sampler::default();
    source = Source::open(request.source, request.format)?;
    stream(&mut source, &layout, &mut |done| progress(total + done, 2 * total), &mut |chunk| {
        profiler.add(&chunk)?;
        sample.add(&chunk)
    })?;
    let estimated = profiler.duplicates.is_estimate();
    let profile = profiler.finish()?;
    let task = match label {
        Some(place) => Some(checked_task(&source, &profile.columns[place])?),
        None => None,
    };
    let sample = sample.finish(&layout.columns)?;
    let mut oddities = drafted(&drafts, place_word);
    let subject = findings::Subject { profile: &profile, sample: &sample, label, task };
    let purposes = purpose::assign(&subject, &mut oddities)?;
    findings::about_values(&subject, &purposes, &mut oddities)?;
    findings::about_table(&subject, &mut oddities);
    if estimated {
        oddities.push(duplicates_estimated(profile.duplicate_rows));
    }
    sort_oddities(&mut oddities, &layout.columns);
    let contract = contract::draft_contract(request.name, &subject, &purposes, &drafts.missing);
    Ok(Inference { contract, task, profile, oddities })
}

/// What a label asks for: two classes, more, or a number. Integers with at most ten values are classes; `None` for
/// a label without two different values.
pub fn task_of(label: &ColumnProfile) -> Option<Task> {
    match (label.column_type, label.distinct) {
        (_, 0 | 1) => None,
        (_, 2) => Some(Task::Binary),
        (ColumnType::Number | ColumnType::Date | ColumnType::Timestamp, _) => Some(Task::Regression),
        (ColumnType::Integer, distinct) if distinct > 10 => Some(Task::Regression),
        _ => Some(Task::Multiclass),
    }
}

fn label_place(source: &Source, label: Option<&str>) -> Result<Option<usize>, DataError> {
    let Some(label) = label else { return Ok(None) };
    let names = || source.columns.iter().map(|(name, _)| name.as_str());
    if let Some(place) = names().position(|name| name == label) {
        return Ok(Some(place));
    }
    let next = match text::nearest(label, names()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            let shown: Vec<String> = names().take(12).map(|name| format!("`{name}`")).collect();
            let more = if source.columns.len() > 12 { ", …" } else { "" };
            let headless = names().any(|name| name.parse::<f64>().is_ok());
            let headless = if headless { "; if these are values, add a header line above them" } else { "" };
            format!("its columns are {}{more}{headless}", shown.join(", "))
        }
    };
    let problem = format!("there is no column `{label}` to be the label");
    Err(DataError::Contract(Finding::file(&source.file, problem, next)))
}

fn checked_task(source: &Source, label: &ColumnProfile) -> Result<Task, DataError> {
    let refuse = |problem: String, next: &str| {
        DataError::Contract(Finding::file(&source.file, problem, next).column(label.name.clone()))
    };
    if label.missing == label.count {
        return Err(refuse("the label has no value in any row".to_owned(), "choose another label column"));
    }
    if let Some(task) = task_of(label) {
        let rows = label.count - label.missing;
        if task == Task::Multiclass && label.distinct > 1000 && label.distinct * 2 > rows {
            let problem =
                format!("the label has {} in {}", text::count(label.distinct, "class"), text::count(rows, "row"));
            return Err(refuse(problem, "choose a label whose values repeat"));
        }
        return Ok(task);
    }
    let value = label.top.first().map_or(String::new(), |top| format!(", {}", crate::cell::shown(&top.value)));
    Err(refuse(
        format!("the label has one class only{value}"),
        "nothing can be learned from it: add rows of another class, or choose another label column",
    ))
}

fn sort_oddities(oddities: &mut [Oddity], columns: &[(String, ColumnType)]) {
    oddities.sort_by_key(|oddity| match &oddity.column {
        Some(column) => columns.iter().position(|(name, _)| name == column).unwrap_or(columns.len()),
        None => columns.len(),
    });
}
