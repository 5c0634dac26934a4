//! A file of predictions, streamed and joined to the true labels by id (or by the order of rows, on request).

use super::Check;
use super::answers::Predicted;
use super::columns::Columns;
use super::truth::{TrueValues, Truth, mentions};
use crate::error::{Error, Result};
use crate::gate::sample::{ClassSample, Sample};
use crate::uploads::RequestFile;
use remuda_data::Rows;
use remuda_model::requirement::StatedCriterion;
use remuda_model::table::Texts;
use std::sync::Arc;

/// Rows that are read at a time.
const CHUNK: usize = 65_536;

/// What is wanted of a file of predictions.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) request: &'a Check,
    pub(super) criteria: &'a [StatedCriterion],
    /// Whether columns that criteria name, and the true labels lack, are taken from this file.
    pub(super) extras: bool,
}

/// Predictions by the true labels' rows.
pub(super) struct Joined {
    /// Per row whether it has a prediction and a true label.
    pub(super) found: Vec<bool>,
    labelled: usize,
    /// Rows of the file that the true labels lack.
    pub(super) foreign: u64,
    /// The first id of the truth that the predictions lack.
    pub(super) missing_example: Option<String>,
    /// The first id of the predictions that the truth lacks.
    pub(super) foreign_example: Option<String>,
    /// Columns that criteria name.
    pub(super) extras: Vec<(String, Texts)>,
    predicted: Predicted,
    /// The one column of scores, with the place of the class that it was taken for.
    score: Option<(String, usize)>,
}

/// Reads a file of predictions.
pub(super) fn join(file: &RequestFile, wanted: &Wanted<'_>, truth: &Truth) -> Result<Joined> {
    let format = crate::data::read_format(None, &file.name)?;
    let chunks = remuda_data::chunks(&file.path, Some(format), None, CHUNK)?;
    let names: Vec<String> = chunks.columns().iter().map(|(name, _)| name.clone()).collect();
    let columns = Columns::find(&names, file, wanted, truth)?;
    let rows = truth.rows.len();
    let mut joined = Joined {
        found: vec![false; rows],
        labelled: (0..rows).filter(|row| truth.is_labelled(*row)).count(),
        foreign: 0,
        missing_example: None,
        foreign_example: None,
        extras: Vec::new(),
        predicted: Predicted::new(truth, &columns, rows, wanted),
        score: columns.score.clone().filter(|_| columns.prediction.is_some()),
    };
    let mut extras: Vec<(String, Vec<Option<String>>)> =
        extra_columns(&names, &columns, wanted, truth).into_iter().map(|name| (name, vec![None; rows])).collect();
    let chunks = chunks.only(|name| columns.reads(name) || extras.iter().any(|(extra, _)| extra == name));
    let mut seen = vec![false; rows];
    let mut before = 0u64;
    let mut twice = (0u64, String::new());
    for chunk in chunks {
        let chunk = chunk?;
        let places = places(&chunk, &columns, truth, before, &mut joined, file)?;
        for (row, place) in places.iter().enumerate() {
            let Some(place) = place else { continue };
            if std::mem::replace(&mut seen[*place], true) {
                twice = (twice.0 + 1, columns.id.as_ref().map_or(String::new(), |id| id_of(&chunk, id, row)));
            }
        }
        joined.predicted.take(&chunk, &columns, &places, before, file)?;
        for (name, values) in &mut extras {
            let texts = chunk.text(name)?;
            for (row, place) in places.iter().enumerate() {
                if let Some(place) = place {
                    values[*place] = texts.get(row).map(str::to_owned);
                }
            }
        }
        before += chunk.len() as u64;
    }
    if twice.0 > 0 {
        let count = remuda_model::text::count(twice.0, "row");
        return Err(Error::new("data.unusable", format!("{count} of {} repeat an id, such as {}", file.name, twice.1))
            .hint("each id must be predicted once: which of them counts is not ours to choose"));
    }
    if columns.id.is_none() && before != rows as u64 {
        let (mine, theirs) = (remuda_model::text::thousands(before), remuda_model::text::thousands(rows as u64));
        return Err(Error::new(
            "data.unusable",
            format!("{} has {mine} rows and the true labels have {theirs}: row order cannot join them", file.name),
        )
        .hint("join by an id: --id COLUMN"));
    }
    for (row, seen) in seen.iter().enumerate() {
        joined.found[row] = *seen && truth.is_labelled(row);
        if !seen && truth.is_labelled(row) && joined.missing_example.is_none() {
            joined.missing_example = truth.id.as_ref().map(|id| id_of(&truth.rows, id, row));
        }
    }
    joined.extras = extras.into_iter().map(|(name, values)| (name, Texts::from_values(values))).collect();
    Ok(joined)
}

fn id_of(rows: &Rows, column: &str, row: usize) -> String {
    rows.take(&[row])
        .and_then(|one| one.text(column))
        .ok()
        .and_then(|texts| texts.get(0).map(str::to_owned))
        .unwrap_or_default()
}

/// Columns that a criterion mentions and only this file has.
fn extra_columns(names: &[String], columns: &Columns, wanted: &Wanted<'_>, truth: &Truth) -> Vec<String> {
    let mentioned = |name: &&String| mentions(wanted.criteria, name);
    let taken = |name: &&String| {
        columns.id.as_ref() == Some(name) || columns.prediction.as_ref() == Some(name) || truth.rows.has(name)
    };
    names.iter().filter(|name| wanted.extras && mentioned(name) && !taken(name)).cloned().collect()
}

/// The place of each row of a chunk among the true labels.
fn places(
    chunk: &Rows,
    columns: &Columns,
    truth: &Truth,
    before: u64,
    joined: &mut Joined,
    file: &RequestFile,
) -> Result<Vec<Option<usize>>> {
    let Some(id) = &columns.id else {
        let rows = truth.rows.len();
        return Ok((0..chunk.len()).map(|row| Some(before as usize + row).filter(|place| *place < rows)).collect());
    };
    let texts = chunk.text(id)?;
    (0..chunk.len())
        .map(|row| {
            let text = texts.get(row).filter(|text| !text.is_empty()).ok_or_else(|| {
                Error::new("data.unusable", format!("row {} of {} has no `{id}`", before + row as u64 + 1, file.name))
            })?;
            let place = truth.place_of.get(text).map(|place| *place as usize);
            if place.is_none() {
                joined.foreign += 1;
                joined.foreign_example.get_or_insert_with(|| text.to_owned());
            }
            Ok(place)
        })
        .collect()
}

impl Joined {
    /// The one column of scores beside predictions, with the place of the class that it was taken for.
    pub(super) fn scored(&self) -> Option<(&str, usize)> {
        self.score.as_ref().map(|(column, class)| (column.as_str(), *class))
    }

    /// Labelled rows without a prediction.
    pub(super) fn missing(&self) -> usize {
        self.labelled - self.found.iter().filter(|found| **found).count()
    }

    /// Truth and predictions of the kept rows.
    pub(super) fn sample(&self, truth: &Truth, kept: &[usize]) -> Result<Sample> {
        match (&truth.values, &self.predicted) {
            (TrueValues::Numbers(values), Predicted::Numbers(predicted)) => Ok(Sample::Numbers {
                truth: kept.iter().map(|row| values[*row]).collect(),
                predicted: kept.iter().map(|row| predicted[*row]).collect(),
            }),
            (
                TrueValues::Classes(_, of_row),
                Predicted::Classes { classes, chosen, probabilities, known, positive },
            ) => {
                let row = |row: &usize| &probabilities[row * known..(row + 1) * known];
                Ok(Sample::Classes(ClassSample {
                    classes: Arc::from(classes.as_slice()),
                    known: *known,
                    positive: *positive,
                    truth: kept.iter().map(|row| of_row[*row]).collect(),
                    predicted: kept.iter().map(|row| chosen[*row]).collect(),
                    probabilities: kept.iter().flat_map(row).copied().collect(),
                }))
            }
            _ => Err(Error::new("internal", "numbers met classes")),
        }
    }
}
