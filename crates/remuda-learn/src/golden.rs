//! Golden rows: inputs and the outputs that a model gave where it was made, kept in its package and checked at each load.

use crate::error::LearnError;
use crate::predict::{Predictions, Predictor};
use remuda_model::table::{Table, TableColumn, Texts, Values};
use serde::{Deserialize, Serialize};

/// How far a probability, or a number relative to its size, may be off.
const TOLERANCE: f64 = 1e-5;
/// The same against a training framework, which mostly computes in 64 bits what ONNX computes in 32.
const GIVEN_TOLERANCE: f64 = 1e-4;
/// The most rows of a training framework that a package keeps; all that are given are checked once.
const GIVEN_ROWS: usize = 100;

/// Rows with their expected outputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Golden {
    /// The outputs are those of the training framework, not of the engine that ran the model first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub given: bool,
    /// The columns that the model reads.
    pub inputs: Vec<GoldenColumn>,
    /// What it gave.
    pub outputs: GoldenOutputs,
}

/// One column of golden rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GoldenColumn {
    /// The column's name.
    pub name: String,
    /// Its values.
    pub values: GoldenValues,
}

/// The values of a golden column; none where missing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GoldenValues {
    /// Numbers, rounded to 32-bit floats: what the model compares.
    Numbers(Vec<Option<f64>>),
    /// Texts.
    Texts(Vec<Option<String>>),
}

/// The outputs of golden rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GoldenOutputs {
    /// Classes.
    Classes {
        /// All classes of the model.
        labels: Vec<String>,
        /// The chosen class of each row.
        chosen: Vec<String>,
        /// Row-major, rows x labels.
        probabilities: Vec<f32>,
    },
    /// Numbers.
    Numbers(Vec<f64>),
}

/// Takes up to `rows` rows spread over the table, without infinite values (JSON has none), and what the model makes of them.
///
/// # Errors
/// Those of [`Predictor::predict`].
pub fn golden(predictor: &dyn Predictor, table: &Table, rows: usize) -> Result<Golden, LearnError> {
    let wanted: Vec<&str> = predictor.inputs().iter().map(|feature| feature.name.as_str()).collect();
    let columns: Vec<_> = table.columns.iter().filter(|column| wanted.contains(&column.name.as_str())).collect();
    let finite = |row: &usize| {
        let infinite = |values: &Values| matches!(values, Values::Number(numbers) if numbers.get(*row).is_some_and(|value| (*value as f32).is_infinite()));
        !columns.iter().any(|column| infinite(&column.values))
    };
    let step = (table.rows / rows.max(1)).max(1);
    let chosen: Vec<usize> = (0..table.rows).step_by(step).filter(finite).take(rows).collect();
    let inputs = golden_columns(&columns, &chosen, table.rows)?;
    let outputs = match predictor.predict(&table_of(&inputs, chosen.len()))? {
        Predictions::Number(numbers) => GoldenOutputs::Numbers(numbers),
        Predictions::Classes { labels, chosen, probabilities } => GoldenOutputs::Classes {
            chosen: chosen.iter().map(|class| labels[*class as usize].clone()).collect(),
            labels: labels.to_vec(),
            probabilities,
        },
    };
    Ok(Golden { given: false, inputs, outputs })
}

/// These rows of these columns.
fn golden_columns(columns: &[&TableColumn], chosen: &[usize], rows: usize) -> Result<Vec<GoldenColumn>, LearnError> {
    let mut inputs = Vec::new();
    for column in columns {
        crate::evaluate::inputs::check_values(&column.name, &column.values, rows)?;
        let values = match &column.values {
            Values::Number(numbers) => {
                let rounded = chosen.iter().map(|row| f64::from(numbers[*row] as f32));
                GoldenValues::Numbers(rounded.map(|value| Some(value).filter(|value| !value.is_nan())).collect())
            }
            Values::Text(texts) => {
                GoldenValues::Texts(chosen.iter().map(|row| texts.get(*row).map(str::to_owned)).collect())
            }
        };
        inputs.push(GoldenColumn { name: column.name.clone(), values });
    }
    Ok(inputs)
}

/// Rows with what the training framework said about them.
#[derive(Clone, Debug, PartialEq)]
pub struct Given {
    /// The inputs, with every column that the model reads.
    pub table: Table,
    /// The outputs.
    pub answers: GivenAnswers,
}

/// What a training framework said, one per row.
#[derive(Clone, Debug, PartialEq)]
pub enum GivenAnswers {
    /// Classes, and the probabilities of those classes for which it told them.
    Classes {
        /// The chosen class.
        chosen: Vec<String>,
        /// Class and its probability per row.
        probabilities: Vec<(String, Vec<f64>)>,
    },
    /// Numbers.
    Numbers(Vec<f64>),
}

/// Holds the model against the training framework's own rows, all of them, and keeps the first as golden rows. What the
/// framework did not tell (probabilities) is taken from the model.
///
/// # Errors
/// [`LearnError::Golden`] names the first row that differs by more than 1e-4; [`LearnError::Reading`] what does not fit.
pub fn given(predictor: &dyn Predictor, given: &Given) -> Result<Golden, LearnError> {
    let refuse = |problem: String| Err(LearnError::Reading { problem });
    let wanted = predictor.inputs().iter().map(|feature| feature.name.as_str());
    let columns: Vec<&TableColumn> =
        wanted.filter_map(|name| given.table.columns.iter().find(|column| column.name == name)).collect();
    let all: Vec<usize> = (0..given.table.rows).collect();
    let inputs = golden_columns(&columns, &all, given.table.rows)?;
    let outputs = match (&given.answers, predictor.predict(&table_of(&inputs, given.table.rows))?) {
        (GivenAnswers::Numbers(numbers), Predictions::Number(_)) => GoldenOutputs::Numbers(numbers.clone()),
        (GivenAnswers::Classes { chosen, probabilities }, Predictions::Classes { labels, probabilities: own, .. }) => {
            let known: Vec<&str> = probabilities.iter().map(|(class, _)| class.as_str()).collect();
            let unknown =
                chosen.iter().map(String::as_str).chain(known).find(|class| !labels.iter().any(|label| label == class));
            if let Some(unknown) = unknown {
                let names = remuda_model::text::list(&labels[..labels.len().min(20)]);
                return refuse(format!("the golden rows have a class `{unknown}`, and the model has {names}"));
            }
            GoldenOutputs::Classes {
                chosen: chosen.clone(),
                probabilities: filled(own, &labels, probabilities),
                labels: labels.to_vec(),
            }
        }
        _ => return refuse("the golden rows have classes where the model gives numbers, or the reverse".to_owned()),
    };
    let mut golden = Golden { given: true, inputs, outputs };
    check_golden(predictor, &golden)?;
    golden.cut(GIVEN_ROWS);
    Ok(golden)
}

/// The model's probabilities, with those of the framework in their places. Of two classes one tells the other.
fn filled(own: Vec<f32>, labels: &[String], told: &[(String, Vec<f64>)]) -> Vec<f32> {
    let mut all = own;
    let width = labels.len();
    for (class, shares) in told {
        let Some(place) = labels.iter().position(|label| label == class) else { continue };
        for (row, share) in all.chunks_exact_mut(width).zip(shares) {
            row[place] = *share as f32;
            if width == 2 && told.len() == 1 {
                row[1 - place] = (1.0 - share) as f32;
            }
        }
    }
    all
}

impl Golden {
    fn cut(&mut self, rows: usize) {
        for column in &mut self.inputs {
            match &mut column.values {
                GoldenValues::Numbers(numbers) => numbers.truncate(rows),
                GoldenValues::Texts(texts) => texts.truncate(rows),
            }
        }
        match &mut self.outputs {
            GoldenOutputs::Numbers(numbers) => numbers.truncate(rows),
            GoldenOutputs::Classes { labels, chosen, probabilities } => {
                chosen.truncate(rows);
                probabilities.truncate(rows * labels.len());
            }
        }
    }
}

fn table_of(inputs: &[GoldenColumn], rows: usize) -> Table {
    let mut table = Table { columns: Vec::new(), rows };
    for column in inputs {
        let values = match &column.values {
            GoldenValues::Numbers(numbers) => {
                Values::Number(numbers.iter().map(|value| value.unwrap_or(f64::NAN)).collect())
            }
            GoldenValues::Texts(texts) => Values::Text(Texts::from_values(texts.iter().map(Option::as_ref))),
        };
        table.columns.push(TableColumn { name: column.name.clone(), values });
    }
    table
}

/// Whether the model still gives the golden outputs: numbers within 1e-5 (relative to their size where that is above 1), the
/// same class unless the two best are that close. Outputs of a training framework are held to 1e-4.
///
/// # Errors
/// [`LearnError::Golden`] names the first row that differs; else those of [`Predictor::predict`].
pub fn check_golden(predictor: &dyn Predictor, golden: &Golden) -> Result<(), LearnError> {
    let rows = match &golden.outputs {
        GoldenOutputs::Numbers(numbers) => numbers.len(),
        GoldenOutputs::Classes { chosen, .. } => chosen.len(),
    };
    let tolerance = if golden.given { GIVEN_TOLERANCE } else { TOLERANCE };
    let differs = |row: usize, problem: String| Err(LearnError::Golden { row, problem });
    match (predictor.predict(&table_of(&golden.inputs, rows))?, &golden.outputs) {
        (Predictions::Number(found), GoldenOutputs::Numbers(expected)) => {
            for (row, (found, expected)) in found.iter().zip(expected).enumerate() {
                if !close(*found, *expected, tolerance) {
                    return differs(row, format!("{found} instead of {expected}"));
                }
            }
            Ok(())
        }
        (
            Predictions::Classes { labels: found_labels, chosen: found, probabilities: found_probabilities },
            GoldenOutputs::Classes { labels, chosen, probabilities },
        ) => {
            let width = labels.len();
            if found_labels.as_ref() != labels.as_slice() || probabilities.len() != found_probabilities.len() {
                return differs(0, "the classes are not those of the package".to_owned());
            }
            for (row, expected) in chosen.iter().enumerate() {
                let of = |all: &[f32]| all[row * width..(row + 1) * width].to_vec();
                let (was, is) = (of(probabilities), of(&found_probabilities));
                if let Some(class) =
                    (0..width).find(|class| !close(f64::from(is[*class]), f64::from(was[*class]), tolerance))
                {
                    return differs(
                        row,
                        format!("the probability of `{}` is {} instead of {}", labels[class], is[class], was[class]),
                    );
                }
                let label = &labels[found[row] as usize];
                if label != expected && !is_tie(&was, tolerance) {
                    return differs(row, format!("the label is `{label}` instead of `{expected}`"));
                }
            }
            Ok(())
        }
        _ => differs(0, "the model gives classes where it gave numbers, or the reverse".to_owned()),
    }
}

fn close(found: f64, expected: f64, tolerance: f64) -> bool {
    (found.is_nan() && expected.is_nan()) || (found - expected).abs() <= tolerance * expected.abs().max(1.0)
}

fn is_tie(probabilities: &[f32], tolerance: f64) -> bool {
    let mut sorted = probabilities.to_vec();
    sorted.sort_by(f32::total_cmp);
    matches!(sorted.as_slice(), [.., second, first] if f64::from(first - second) <= 2.0 * tolerance)
}
