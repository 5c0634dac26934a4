//! A file of predictions, streamed and joined to the true labels by id (or by the order of rows, on request).

use super::Check;
use super::truth::{TrueValues, Truth, canonical, need, same};
use crate::error::{Error, Result};
use crate::gate::sample::{ClassSample, Sample};
use crate::uploads::RequestFile;
use remuda_data::Rows;
use remuda_model::requirement::StatedCriterion;
use remuda_model::table::{MISSING, Texts};
use std::collections::HashMap;
use std::sync::Arc;

/// Names that an id goes by, and predictions, and the probability of the positive class.
const IDS: [&str; 4] = ["prediction_id", "id", "row_id", "key"];
const PREDICTIONS: [&str; 5] = ["prediction", "predicted", "predicted_label", "y_pred", "pred"];
const SCORES: [&str; 5] = ["score", "probability", "proba", "y_score", "prob"];
/// Rows that are read at a time.
const CHUNK: usize = 65_536;
/// How far from one the sum of a row's probabilities may lie.
const SUM: f32 = 0.01;

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
}

enum Predicted {
    Numbers(Vec<f64>),
    Classes {
        /// The true classes, then others that were predicted.
        classes: Vec<String>,
        chosen: Vec<u32>,
        /// Row-major, rows x known; empty without probabilities.
        probabilities: Vec<f32>,
        known: usize,
        positive: Option<usize>,
    },
}

/// The column that both files have, before predictions are opened: named, usual, or the first that is unique by name.
pub(super) fn id_column(
    columns: &[String],
    request: &Check,
    file: &RequestFile,
    label: &str,
) -> Result<Option<String>> {
    let other = columns_of(&request.predictions).unwrap_or_default();
    if let Some(usual) = IDS.iter().find_map(|name| same(columns, name)) {
        return Ok(Some(usual));
    }
    let shared: Vec<&String> = columns.iter().filter(|name| *name != label && other.contains(name)).collect();
    match shared.as_slice() {
        [only] => Ok(Some((*only).clone())),
        _ => {
            Err(Error::new("request.invalid", format!("which column of {} joins it with the predictions?", file.name))
                .hint(format!("--id COLUMN, one of {}", remuda_model::text::list(columns)))
                .hint("or, if both files have the same rows in the same order: --by-row-order"))
        }
    }
}

fn columns_of(path: &std::path::Path) -> Option<Vec<String>> {
    let chunks = remuda_data::chunks(path, None, None, 1).ok()?;
    Some(chunks.columns().iter().map(|(name, _)| name.clone()).collect())
}

/// Where things stand in a file of predictions.
struct Columns {
    id: Option<String>,
    prediction: Option<String>,
    /// The probability of the positive class.
    score: Option<(String, usize)>,
    /// One column of probabilities per class, in the classes' order.
    by_class: Vec<String>,
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
    };
    let mut extras: Vec<(String, Vec<Option<String>>)> =
        extra_columns(&names, &columns, wanted, truth).into_iter().map(|name| (name, vec![None; rows])).collect();
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
    let mentioned = |name: &&String| wanted.criteria.iter().any(|stated| stated.text.contains(name.as_str()));
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

impl Columns {
    fn find(names: &[String], file: &RequestFile, wanted: &Wanted<'_>, truth: &Truth) -> Result<Self> {
        let request = wanted.request;
        let id = match &truth.id {
            None => None,
            Some(id) => match same(names, id).or_else(|| IDS.iter().find_map(|name| same(names, name))) {
                Some(id) => Some(id),
                None => Some(need(names, id, &file.name, "--id")?),
            },
        };
        let prediction = match &request.prediction {
            Some(name) => Some(need(names, name, &file.name, "--prediction")?),
            None => PREDICTIONS.iter().find_map(|name| same(names, name)).or_else(|| same(names, &truth.label)),
        };
        let TrueValues::Classes(classes, _) = &truth.values else {
            let prediction = prediction.or_else(|| SCORES.iter().find_map(|name| same(names, name)));
            return match prediction {
                Some(name) => Ok(Self { id, prediction: Some(name), score: None, by_class: Vec::new() }),
                None => Err(no_prediction(names, file)),
            };
        };
        let of_class = |class: &String| {
            let forms = ["", "p_", "proba_", "prob_", "probability_", "score_"];
            let found = forms.iter().find_map(|form| same(names, &format!("{form}{class}")));
            found.filter(|name| Some(name) != id.as_ref() && Some(name) != prediction.as_ref())
        };
        let by_class: Vec<String> = classes.iter().filter_map(of_class).collect();
        let score = match &request.score {
            Some(name) => Some(need(names, name, &file.name, "--score")?),
            None => SCORES.iter().find_map(|name| same(names, name)).filter(|name| Some(name) != prediction.as_ref()),
        };
        let positive = positive(classes, request, wanted.criteria);
        let score = match (score, positive, classes.len()) {
            (Some(name), Some(positive), 2) => Some((name, positive)),
            (Some(name), None, 2) if request.score.is_some() => {
                return Err(Error::new("request.invalid", format!("`{name}` is the probability of which class?"))
                    .hint(format!("--positive {} or --positive {}", classes[0], classes[1])));
            }
            _ => None,
        };
        let by_class = if by_class.len() == classes.len() && score.is_none() { by_class } else { Vec::new() };
        if prediction.is_none() && by_class.is_empty() && score.is_none() {
            return Err(no_prediction(names, file));
        }
        Ok(Self { id, prediction, score, by_class })
    }
}

fn no_prediction(names: &[String], file: &RequestFile) -> Error {
    Error::new("request.invalid", format!("which column of {} holds the predictions?", file.name))
        .hint(format!("--prediction COLUMN, one of {}", remuda_model::text::list(names)))
}

/// The positive one of two classes: named, or the one that criteria are of, or the one that says yes.
fn positive(classes: &[String], request: &Check, stated: &[StatedCriterion]) -> Option<usize> {
    let place = |name: &str| classes.iter().position(|class| class.eq_ignore_ascii_case(name));
    if classes.len() != 2 {
        return None;
    }
    if let Some(name) = &request.positive {
        return place(name);
    }
    super::metrics(stated)
        .find_map(|of| of.class.as_deref().and_then(place))
        .or_else(|| ["yes", "true", "1", "positive", "pos"].iter().find_map(|name| place(name)))
}

impl Predicted {
    fn new(truth: &Truth, columns: &Columns, rows: usize, wanted: &Wanted<'_>) -> Self {
        match &truth.values {
            TrueValues::Numbers(_) => Predicted::Numbers(vec![f64::NAN; rows]),
            TrueValues::Classes(classes, _) => {
                let scored = columns.score.is_some() || !columns.by_class.is_empty();
                let known = if scored { classes.len() } else { 0 };
                Predicted::Classes {
                    classes: classes.clone(),
                    chosen: vec![MISSING; rows],
                    probabilities: vec![0.0; rows * known],
                    known,
                    positive: positive(classes, wanted.request, wanted.criteria),
                }
            }
        }
    }

    /// Takes over a chunk's predictions.
    fn take(
        &mut self,
        chunk: &Rows,
        columns: &Columns,
        places: &[Option<usize>],
        before: u64,
        file: &RequestFile,
    ) -> Result<()> {
        let at = |row: usize| format!("row {} of {}", before + row as u64 + 1, file.name);
        let placed = || places.iter().enumerate().filter_map(|(row, place)| Some((row, (*place)?)));
        match self {
            Predicted::Numbers(numbers) => {
                let name = columns.prediction.as_deref().unwrap_or_default();
                let values = number_column(chunk, name, &at)?;
                for (row, place) in placed() {
                    if values[row].is_nan() {
                        return Err(Error::new("data.unusable", format!("{} has no number in `{name}`", at(row))));
                    }
                    numbers[place] = values[row];
                }
            }
            Predicted::Classes { classes, chosen, probabilities, known, .. } => {
                take_probabilities(chunk, columns, places, *known, probabilities, &at)?;
                if let Some(name) = &columns.prediction {
                    take_labels(&chunk.text(name)?, classes, &mut placed(), chosen, name, &at)?;
                } else {
                    for (_, place) in placed() {
                        let row = &probabilities[place * *known..(place + 1) * *known];
                        let best = row.iter().enumerate().max_by(|one, other| one.1.total_cmp(other.1));
                        chosen[place] = best.map_or(0, |(class, _)| class as u32);
                    }
                }
            }
        }
        Ok(())
    }
}

fn take_labels(
    texts: &Texts,
    classes: &mut Vec<String>,
    placed: &mut dyn Iterator<Item = (usize, usize)>,
    chosen: &mut [u32],
    name: &str,
    at: &dyn Fn(usize) -> String,
) -> Result<()> {
    let mut class_of: HashMap<u32, u32> = HashMap::new();
    for (row, place) in placed {
        let code = texts.codes[row];
        let text = texts.get(row).filter(|text| !text.trim().is_empty());
        let text =
            text.ok_or_else(|| Error::new("data.unusable", format!("{} has no prediction in `{name}`", at(row))))?;
        chosen[place] = *class_of.entry(code).or_insert_with(|| {
            let label = canonical(text);
            let known = classes.iter().position(|class| *class == label);
            known.unwrap_or_else(|| {
                classes.push(label);
                classes.len() - 1
            }) as u32
        });
    }
    Ok(())
}

/// Probabilities of a chunk, checked: between 0 and 1, and together one.
fn take_probabilities(
    chunk: &Rows,
    columns: &Columns,
    places: &[Option<usize>],
    known: usize,
    probabilities: &mut [f32],
    at: &dyn Fn(usize) -> String,
) -> Result<()> {
    let names: Vec<&str> = match &columns.score {
        Some((name, _)) => vec![name],
        None => columns.by_class.iter().map(String::as_str).collect(),
    };
    let values = names.iter().map(|name| number_column(chunk, name, at)).collect::<Result<Vec<_>>>()?;
    for (row, place) in places.iter().enumerate() {
        let Some(place) = place else { continue };
        let into = &mut probabilities[place * known..(place + 1) * known];
        for (index, (values, name)) in values.iter().zip(&names).enumerate() {
            let value = values[row];
            if !(0.0..=1.0).contains(&value) {
                let shown = if value.is_nan() { "nothing".to_owned() } else { value.to_string() };
                return Err(Error::new("data.unusable", format!("{} has {shown} in `{name}`", at(row)))
                    .hint("a probability lies between 0 and 1"));
            }
            match &columns.score {
                Some((_, positive)) => {
                    into[*positive] = value as f32;
                    into[1 - positive] = 1.0 - value as f32;
                }
                None => into[index] = value as f32,
            }
        }
        let sum: f32 = into.iter().sum();
        if known > 0 && (sum - 1.0).abs() > SUM {
            return Err(Error::new("data.unusable", format!("the probabilities of {} add up to {sum:.3}", at(row)))
                .hint("they must add up to 1: are all classes there, and are these no raw scores?"));
        }
    }
    Ok(())
}

/// A column as numbers, whether the file holds numbers or texts.
fn number_column(chunk: &Rows, name: &str, at: &dyn Fn(usize) -> String) -> Result<Vec<f64>> {
    let texts = chunk.text(name)?;
    let mut numbers = Vec::with_capacity(texts.codes.len());
    for row in 0..texts.codes.len() {
        numbers.push(match texts.get(row).map(str::trim).filter(|text| !text.is_empty()) {
            None => f64::NAN,
            Some(text) => text.parse::<f64>().map_err(|_| {
                Error::new("data.unusable", format!("{} has `{text}` in `{name}`, which is no number", at(row)))
            })?,
        });
    }
    Ok(numbers)
}

impl Joined {
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
