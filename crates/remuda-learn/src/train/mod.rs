//! Training: checks the request, then hands it to a learner.

mod encode;
mod lbfgs;
mod linear;
mod majority;
pub(crate) mod parameters;
mod sparse;
mod text;
mod trees;

use crate::error::LearnError;
use crate::evaluate::inputs::check_values;
use parameters::Parameters;
use remuda_model::data::FeatureKind;
use remuda_model::feature::Feature;
use remuda_model::run::Algorithm;
use remuda_model::table::{Table, Values};
use std::collections::{BTreeMap, BTreeSet};

/// What is to be predicted.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// A class.
    Classes {
        /// All classes, in the order of the model's probabilities; the positive class of a binary task is last.
        labels: Vec<String>,
        /// Per row an index into `labels`.
        index: Vec<u32>,
    },
    /// A number per row; finite, and within the range of 32-bit floats.
    Number(Vec<f64>),
}

/// What to train, and on what.
#[derive(Clone, Copy, Debug)]
pub struct TrainRequest<'a> {
    /// The learner.
    pub algorithm: Algorithm,
    /// The columns to learn from.
    pub features: &'a [Feature],
    /// The training rows.
    pub table: &'a Table,
    /// What to predict, one per row.
    pub target: &'a Target,
    /// Decides everything random: equal requests give equal bytes, however many threads there are.
    pub seed: u64,
    /// See [`crate::parameter_names`].
    pub parameters: &'a BTreeMap<String, serde_json::Value>,
}

/// A trained model.
#[derive(Clone, Debug, PartialEq)]
pub struct Trained {
    /// The model as ONNX. One input per feature, named as the feature, `[N, 1]`: floats (NaN where missing) or strings
    /// (empty where missing). Outputs `label` (`[N]`) and `probabilities` (`[N, classes]`), or `variable` (`[N, 1]`).
    pub onnx: Vec<u8>,
    /// Each feature's share of the whole, greatest first: gain of splits, or size of standardised weights.
    pub importance: Vec<(String, f64)>,
    /// What a reader should know: columns without use, rounds, convergence.
    pub notes: Vec<String>,
}

/// Trains a model. `progress` hears shares of the work done, from 0 to 1, ascending.
///
/// # Errors
/// Unusable rows, features, labels or parameters, each named; never a panic.
pub fn train(request: &TrainRequest, progress: &mut dyn FnMut(f64)) -> Result<Trained, LearnError> {
    let parameters = Parameters::new(request.algorithm, request.parameters)?;
    check_features(request)?;
    check_target(request)?;
    progress(0.0);
    let mut trained = match request.algorithm {
        Algorithm::Majority => majority::train(request)?,
        Algorithm::Linear => linear::train(request, parameters, progress)?,
        Algorithm::Trees => trees::train(request, parameters, progress)?,
    };
    trained.importance.sort_by(|left, right| right.1.total_cmp(&left.1).then_with(|| left.0.cmp(&right.0)));
    progress(1.0);
    Ok(trained)
}

fn check_features(request: &TrainRequest) -> Result<(), LearnError> {
    let table = request.table;
    if request.features.is_empty() {
        return Err(LearnError::NoFeatures);
    }
    if table.rows == 0 {
        return Err(LearnError::NoRows);
    }
    let mut seen = BTreeSet::new();
    for feature in request.features {
        let refuse =
            |problem: &str| Err(LearnError::Feature { feature: feature.name.clone(), problem: problem.to_owned() });
        if feature.name.is_empty() {
            return refuse("has an empty name; name the column");
        }
        if !seen.insert(&feature.name) {
            return refuse("is named twice");
        }
        let Some(values) = table.column(&feature.name) else {
            let known: Vec<String> = table.columns.iter().take(50).map(|column| format!("`{}`", column.name)).collect();
            return Err(LearnError::MissingColumn {
                column: feature.name.clone(),
                known: remuda_model::text::list(&known),
            });
        };
        let (expected, found) = match (feature.kind, values) {
            (FeatureKind::Number, Values::Text(_)) => ("numbers", "texts"),
            (FeatureKind::Category | FeatureKind::Text, Values::Number(_)) => ("texts", "numbers"),
            _ => {
                check_values(&feature.name, values, table.rows)?;
                continue;
            }
        };
        return Err(LearnError::ColumnType { column: feature.name.clone(), expected, found });
    }
    Ok(())
}

fn check_target(request: &TrainRequest) -> Result<(), LearnError> {
    let refuse = |problem: String| Err(LearnError::Target { problem });
    let rows = request.table.rows;
    match request.target {
        Target::Number(numbers) if numbers.len() != rows => refuse(format!("{} labels for {rows} rows", numbers.len())),
        Target::Number(numbers) => match numbers.iter().position(|value| !(*value as f32).is_finite()) {
            Some(row) => {
                refuse(format!("row {row} (from 0) is missing, infinite or beyond 32-bit floats; leave such rows out"))
            }
            None => Ok(()),
        },
        Target::Classes { index, .. } if index.len() != rows => {
            refuse(format!("{} labels for {rows} rows", index.len()))
        }
        Target::Classes { labels, index } => {
            if labels.iter().collect::<BTreeSet<_>>().len() != labels.len() {
                return refuse("two classes have one name".to_owned());
            }
            if let Some(row) = index.iter().position(|class| *class as usize >= labels.len()) {
                return refuse(format!("row {row} (from 0) has a class outside the {} known", labels.len()));
            }
            let first = index.first().copied().unwrap_or(0);
            if request.algorithm != Algorithm::Majority && index.iter().all(|class| *class == first) {
                return Err(LearnError::OneClass { label: labels.get(first as usize).cloned().unwrap_or_default() });
            }
            Ok(())
        }
    }
}

impl Target {
    /// How many classes; none for a number.
    pub(crate) fn classes(&self) -> usize {
        match self {
            Target::Classes { labels, .. } => labels.len(),
            Target::Number(_) => 0,
        }
    }

    /// One number per row for each of up to `most` views of the target: the number itself, whether the row has the second
    /// of two classes, or whether it has each of the most frequent classes.
    pub(crate) fn views(&self, most: usize) -> Vec<Vec<f64>> {
        match self {
            Target::Number(numbers) => vec![numbers.clone()],
            Target::Classes { labels, index } => {
                let is = |class: u32| index.iter().map(|own| f64::from(u8::from(*own == class))).collect();
                if labels.len() <= 2 {
                    return vec![is(1)];
                }
                let mut counts = vec![0_usize; labels.len()];
                index.iter().for_each(|class| counts[*class as usize] += 1);
                let mut order: Vec<u32> = (0..labels.len() as u32).collect();
                order.sort_by_key(|class| (std::cmp::Reverse(counts[*class as usize]), *class));
                order.into_iter().take(most).map(is).collect()
            }
        }
    }
}
