//! Which columns of a file of predictions hold ids, answers and probabilities.

use super::Check;
use super::answers::SUM;
use super::join::Wanted;
use super::truth::{TrueValues, Truth, need, same};
use crate::error::{Error, Result};
use crate::uploads::RequestFile;
use remuda_model::requirement::StatedCriterion;

/// Names that an id goes by, and predictions, and the probability of the positive class.
const IDS: [&str; 4] = ["prediction_id", "id", "row_id", "key"];
const PREDICTIONS: [&str; 5] = ["prediction", "predicted", "predicted_label", "y_pred", "pred"];
const SCORES: [&str; 5] = ["score", "probability", "proba", "y_score", "prob"];
/// What may stand before a class in the name of its column of probabilities.
const FORMS: [&str; 6] = ["", "p_", "proba_", "prob_", "probability_", "score_"];
/// Rows that show whether columns are probabilities.
const SHOWN: usize = 200;

/// Where things stand in a file of predictions.
pub(super) struct Columns {
    pub(super) id: Option<String>,
    pub(super) prediction: Option<String>,
    /// The probability of the positive class.
    pub(super) score: Option<(String, usize)>,
    /// One column of probabilities per class, in the order of the true classes and then of `others`.
    pub(super) by_class: Vec<String>,
    /// Classes that have probabilities and do not occur in the truth.
    pub(super) others: Vec<String>,
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

impl Columns {
    /// Finds them by what was asked for and by usual names.
    pub(super) fn find(names: &[String], file: &RequestFile, wanted: &Wanted<'_>, truth: &Truth) -> Result<Self> {
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
                Some(name) => {
                    Ok(Self { id, prediction: Some(name), score: None, by_class: Vec::new(), others: Vec::new() })
                }
                None => Err(no_prediction(names, file)),
            };
        };
        let free = |name: &String| Some(name) != id.as_ref() && Some(name) != prediction.as_ref();
        let of_class = |class: &String| {
            FORMS.iter().find_map(|form| Some((*form, same(names, &format!("{form}{class}")).filter(free)?)))
        };
        let (forms, mut by_class): (Vec<&str>, Vec<String>) = classes.iter().filter_map(of_class).unzip();
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
        let mut others = Vec::new();
        if by_class.len() < classes.len() || score.is_some() {
            by_class.clear();
        } else if let Some(form) = forms.first() {
            let untold = |name: &&String| {
                free(name) && !by_class.contains(name) && !same(&truth.columns, name).is_some_and(|_| form.is_empty())
            };
            let named = names.iter().filter(untold).filter_map(|name| class_of(name, form)).collect();
            for (column, class) in completing(file, &by_class, named)? {
                by_class.push(column);
                others.push(class);
            }
        }
        if prediction.is_none() && by_class.is_empty() && score.is_none() {
            return Err(no_prediction(names, file));
        }
        Ok(Self { id, prediction, score, by_class, others })
    }
}

impl Columns {
    /// Whether a column of the file is one of them.
    pub(super) fn reads(&self, name: &str) -> bool {
        let score = self.score.as_ref().map(|(score, _)| score);
        let mut named = self.id.iter().chain(&self.prediction).chain(score).chain(&self.by_class);
        named.any(|column| column == name)
    }
}

/// The class that a column of probabilities is named after, with the column before it.
fn class_of(name: &str, form: &str) -> Option<(String, String)> {
    let begins = name.get(..form.len()).is_some_and(|start| start.eq_ignore_ascii_case(form));
    let class = name.get(form.len()..).filter(|class| begins && !class.is_empty())?;
    Some((name.to_owned(), super::truth::canonical(class)))
}

/// Of further columns, with the classes that they are named after, those that hold what the known probabilities lack to
/// one, as far as the first rows show; none where nothing is lacking or these do not fill it.
fn completing(file: &RequestFile, known: &[String], mut named: Vec<(String, String)>) -> Result<Vec<(String, String)>> {
    let format = crate::data::read_format(None, &file.name)?;
    let wanted = |name: &str| known.iter().chain(named.iter().map(|(column, _)| column)).any(|column| column == name);
    let Some(rows) = remuda_data::chunks(&file.path, Some(format), None, SHOWN)?.only(wanted).next() else {
        return Ok(Vec::new());
    };
    let rows = rows?;
    let mut sums = vec![0.0; rows.len()];
    let mut add = |column: &str| -> Result<bool> {
        let texts = rows.text(column)?;
        let number = |row| texts.get(row).and_then(|text| text.trim().parse::<f64>().ok());
        let shares = (0..rows.len()).map(|row| number(row).filter(|value| (0.0..=1.0).contains(value)));
        let Some(shares) = shares.collect::<Option<Vec<f64>>>() else { return Ok(false) };
        sums.iter_mut().zip(shares).for_each(|(sum, share)| *sum += share);
        Ok(true)
    };
    for column in known {
        add(column)?;
    }
    let mut kept = Vec::new();
    for (column, class) in named.drain(..) {
        if add(&column)? {
            kept.push((column, class));
        }
    }
    let whole = sums.iter().all(|sum: &f64| (sum - 1.0).abs() <= f64::from(SUM));
    Ok(if whole { kept } else { Vec::new() })
}

fn no_prediction(names: &[String], file: &RequestFile) -> Error {
    Error::new("request.invalid", format!("which column of {} holds the predictions?", file.name))
        .hint(format!("--prediction COLUMN, one of {}", remuda_model::text::list(names)))
}

/// The positive one of two classes: named, or the one that says yes, or the only one that criteria are of. (The order of
/// criteria must not decide it.)
pub(super) fn positive(classes: &[String], request: &Check, stated: &[StatedCriterion]) -> Option<usize> {
    let place = |name: &str| classes.iter().position(|class| class.eq_ignore_ascii_case(name));
    if classes.len() != 2 {
        return None;
    }
    if let Some(name) = &request.positive {
        return place(name);
    }
    let mut named: Vec<usize> = super::metrics(stated).filter_map(|of| of.class.as_deref().and_then(place)).collect();
    named.dedup();
    let usual = ["yes", "true", "1", "positive", "pos"].iter().find_map(|name| place(name));
    usual.or(named.first().copied().filter(|_| named.len() == 1))
}
