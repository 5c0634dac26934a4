//! A file's answers: labels, probabilities and numbers, checked as they are read.

use super::columns::{Columns, positive};
use super::join::Wanted;
use super::truth::{TrueValues, Truth, canonical};
use crate::error::{Error, Result};
use crate::uploads::RequestFile;
use remuda_data::Rows;
use remuda_model::table::{MISSING, Texts};
use std::collections::HashMap;

/// How far from one the sum of a row's probabilities may lie.
pub(super) const SUM: f32 = 0.01;

/// A file's answers, by the true labels' rows.
pub(super) enum Predicted {
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

impl Predicted {
    /// None yet.
    pub(super) fn new(truth: &Truth, columns: &Columns, rows: usize, wanted: &Wanted<'_>) -> Self {
        match &truth.values {
            TrueValues::Numbers(_) => Predicted::Numbers(vec![f64::NAN; rows]),
            TrueValues::Classes(classes, _) => {
                let scored = columns.score.is_some() || !columns.by_class.is_empty();
                let all: Vec<String> = classes.iter().chain(&columns.others).cloned().collect();
                let known = if scored { all.len() } else { 0 };
                let positive = positive(classes, wanted.request, wanted.criteria).filter(|_| all.len() == 2);
                Predicted::Classes {
                    classes: all,
                    chosen: vec![MISSING; rows],
                    probabilities: vec![0.0; rows * known],
                    known,
                    positive,
                }
            }
        }
    }

    /// Takes over a chunk's predictions.
    pub(super) fn take(
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
