//! The outputs of a model: which are label and probabilities, and predictions made of them.

use crate::error::LearnError;
use crate::evaluate::graph::{Plan, Source};
use crate::evaluate::operators::{Classes, Operator};
use crate::evaluate::value::{Dictionary, Value};
use crate::onnx::{DOUBLE, FLOAT, Graph, INT32, INT64, STRING};
use crate::predict::Predictions;
use crate::reading::Reading;
use std::collections::HashMap;
use std::sync::Arc;

/// What is read from a run.
#[derive(Debug)]
pub(crate) struct Outputs {
    /// Label and scores, or the scores alone.
    pub(crate) sources: Vec<Source>,
    /// How they are understood.
    pub(crate) heads: Heads,
}

/// How the outputs of a model are understood, whichever engine made them.
#[derive(Debug)]
pub(crate) struct Heads {
    /// The classes, or none for a number.
    pub(crate) labels: Option<Arc<[String]>>,
    /// How the label says a class; none where the class with the greatest score is the label.
    pub(crate) words: Option<Words>,
    logits: bool,
}

/// How the label output says a class.
#[derive(Debug)]
pub(crate) struct Words {
    /// The dictionary of the node that makes labels: where a value has this very one, its codes are the classes.
    dictionary: Option<Arc<[Arc<str>]>>,
    places: HashMap<String, u32>,
    numbers: Option<HashMap<i64, u32>>,
}

/// The names of the label, if there is one, and of the scores among the declared outputs.
pub(crate) fn find_outputs(graph: &Graph) -> Result<(Option<&str>, &str), LearnError> {
    let (mut label, mut scores) = (None, None);
    for output in &graph.outputs {
        let name = output.name.as_str();
        let tensor = output.value_type.as_ref().and_then(|value_type| value_type.tensor.as_ref());
        match tensor.map(|tensor| tensor.element) {
            Some(STRING | INT64 | INT32) => label = label.or(Some(name)),
            Some(FLOAT | DOUBLE) | None => scores = scores.or(Some(name)),
            Some(_) => {}
        }
    }
    let none = || LearnError::malformed("the outputs", "no output has probabilities or numbers");
    scores.map(|scores| (label, scores)).ok_or_else(none)
}

impl Outputs {
    /// Finds label and probabilities among the declared outputs.
    pub(crate) fn read(graph: &Graph, plan: &Plan, reading: &Reading) -> Result<Self, LearnError> {
        let (label, scores) = find_outputs(graph)?;
        let place = |name: &str| {
            let found = plan.places.get(name).copied();
            found.ok_or_else(|| LearnError::malformed("the outputs", "an output comes from nowhere"))
        };
        let (label, scores) = (label.map(place).transpose()?, place(scores)?);
        let classes = label.and_then(|label| find_classes(plan, label));
        let heads = Heads::new(classes.as_ref(), label.is_some(), reading)?;
        let label = label.filter(|_| heads.words.is_some());
        Ok(Outputs { sources: label.into_iter().chain([scores]).collect(), heads })
    }
}

impl Heads {
    /// Heads of a model whose graph knows these classes. Declared names stand for the graph's own, one by one; where the
    /// graph knows none, they are the classes, and the greatest score decides.
    pub(crate) fn new(classes: Option<&Classes>, has_label: bool, reading: &Reading) -> Result<Self, LearnError> {
        let refuse = |problem: String| Err(LearnError::Reading { problem });
        let declared = reading.classes.as_slice();
        let distinct: std::collections::BTreeSet<_> = declared.iter().collect();
        if distinct.len() != declared.len() {
            return refuse("two classes have one name".to_owned());
        }
        let named = || Some(Arc::from(declared)).filter(|names: &Arc<[String]>| !names.is_empty());
        let (labels, words) = match classes {
            Some(classes) => {
                let (own, words) = Words::new(classes);
                if words.places.len() != own.len() || own.is_empty() {
                    return Err(LearnError::malformed("the outputs", "two classes have one name"));
                }
                if !declared.is_empty() && declared.len() != own.len() {
                    let known = remuda_model::text::list(&own[..own.len().min(20)]);
                    return refuse(format!("it has {} classes ({known}), and {} are named", own.len(), declared.len()));
                }
                (Some(named().unwrap_or(own)), Some(words))
            }
            None if has_label && declared.is_empty() => {
                return Err(LearnError::malformed("the outputs", "the classes of the label are nowhere to be found"));
            }
            None => (named(), None),
        };
        if reading.logits && labels.is_none() {
            return refuse("its scores are said to be logits, and its classes are not named".to_owned());
        }
        Ok(Heads { labels, words, logits: reading.logits })
    }

    /// Predictions for no rows.
    pub(crate) fn none(&self) -> Predictions {
        match &self.labels {
            None => Predictions::Number(Vec::new()),
            Some(labels) => {
                Predictions::Classes { labels: labels.clone(), chosen: Vec::new(), probabilities: Vec::new() }
            }
        }
    }

    /// Puts the predictions of blocks behind one another.
    pub(crate) fn join(&self, parts: Vec<Predictions>) -> Predictions {
        let mut all = self.none();
        for part in parts {
            match (&mut all, part) {
                (Predictions::Number(all), Predictions::Number(part)) => all.extend(part),
                (
                    Predictions::Classes { chosen, probabilities, .. },
                    Predictions::Classes { chosen: more_chosen, probabilities: more_probabilities, .. },
                ) => {
                    chosen.extend(more_chosen);
                    probabilities.extend(more_probabilities);
                }
                // Each block has the kind of the model.
                (Predictions::Number(_), Predictions::Classes { .. })
                | (Predictions::Classes { .. }, Predictions::Number(_)) => {}
            }
        }
        all
    }

    /// Predictions from label and scores, or from the scores alone where they decide.
    pub(crate) fn predictions(&self, values: Vec<Value>, rows: usize) -> Result<Predictions, LearnError> {
        let failed = |problem: String| LearnError::Run { place: "the outputs".to_owned(), problem };
        let wrong = |what: &str| failed(format!("{what} for {rows} rows do not fit"));
        let Some(labels) = &self.labels else {
            let numbers: Vec<f64> = match values.first() {
                Some(Value::Double(dense)) => dense.data.clone(),
                Some(value) => value.floats().map_err(failed)?.data.iter().map(|value| f64::from(*value)).collect(),
                None => Vec::new(),
            };
            return match numbers.len().checked_div(rows) {
                _ if numbers.len() == rows => Ok(Predictions::Number(numbers)),
                Some(several) if several > 1 && several * rows == numbers.len() => {
                    Err(failed(format!("it gives {several} scores per row, and its classes are not named")))
                }
                _ => Err(wrong("numbers")),
            };
        };
        let scores = values.last().ok_or_else(|| wrong("outputs"))?;
        let mut scores = scores.floats().map_err(failed)?.into_owned().data;
        if scores.len() == rows && labels.len() == 2 {
            scores = both_classes(&scores, self.logits);
        } else if scores.len() != rows * labels.len() {
            return Err(wrong("labels or probabilities"));
        } else if self.logits {
            scores.chunks_exact_mut(labels.len()).for_each(softmax);
        }
        let chosen = match &self.words {
            Some(words) => words.read(values.first().ok_or_else(|| wrong("outputs"))?).map_err(failed)?,
            None => scores.chunks_exact(labels.len()).map(greatest).collect(),
        };
        if chosen.len() != rows {
            return Err(wrong("labels or probabilities"));
        }
        Ok(Predictions::Classes { labels: labels.clone(), chosen, probabilities: scores })
    }

    /// The place of a class among the scores, by the name that the graph has for it. (Maps from `ZipMap` have such keys.)
    #[cfg(feature = "onnxruntime")]
    pub(crate) fn place_of(&self, name: &str) -> Option<usize> {
        match (&self.words, &self.labels) {
            (Some(words), _) => words.places.get(name).map(|place| *place as usize),
            (None, Some(labels)) => labels.iter().position(|label| label == name),
            (None, None) => None,
        }
    }
}

/// Probabilities of both classes from one score per row, that of the second class.
fn both_classes(scores: &[f32], logits: bool) -> Vec<f32> {
    let second = |score: f32| if logits { 1.0 / (1.0 + (-score).exp()) } else { score };
    scores.iter().flat_map(|score| [1.0 - second(*score), second(*score)]).collect()
}

fn softmax(row: &mut [f32]) {
    let greatest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    row.iter_mut().for_each(|score| *score = (*score - greatest).exp());
    let sum: f32 = row.iter().sum();
    row.iter_mut().for_each(|score| *score /= sum);
}

/// The place of the greatest; the first of equals.
fn greatest(row: &[f32]) -> u32 {
    let mut best = 0;
    for (place, score) in row.iter().enumerate() {
        if *score > row[best] {
            best = place;
        }
    }
    best as u32
}

impl Words {
    fn new(classes: &Classes) -> (Arc<[String]>, Self) {
        let labels: Arc<[String]> = match classes {
            Classes::Text(texts) => texts.iter().map(|text| text.to_string()).collect(),
            Classes::Int(numbers) => numbers.iter().map(ToString::to_string).collect(),
        };
        let places = labels.iter().cloned().zip(0..).collect();
        let (dictionary, numbers) = match classes {
            Classes::Text(texts) => (Some(texts.clone()), None),
            Classes::Int(numbers) => (None, Some(numbers.iter().copied().zip(0..).collect())),
        };
        (labels, Words { dictionary, places, numbers })
    }

    fn read(&self, label: &Value) -> Result<Vec<u32>, String> {
        let unknown = || "a label is not among the classes".to_owned();
        let found: Option<Vec<u32>> = match (label, &self.numbers) {
            (Value::Int(dense), Some(numbers)) => {
                dense.data.iter().map(|number| numbers.get(number).copied()).collect()
            }
            (Value::Text(texts), _) => {
                let own = match (&texts.dictionary, &self.dictionary) {
                    (Dictionary::Shared(made), Some(known)) => made.starts_with(known) && made.len() <= known.len() + 1,
                    _ => false,
                };
                let count = self.places.len() as u32;
                if own {
                    texts.codes.iter().map(|code| Some(*code).filter(|code| *code < count)).collect()
                } else {
                    texts.codes.iter().map(|code| self.places.get(texts.text(*code)).copied()).collect()
                }
            }
            _ => return Err(format!("the label is {}", label.kind())),
        };
        found.ok_or_else(unknown)
    }
}

/// Walks back from the label to the node that knows the classes.
fn find_classes(plan: &Plan, label: Source) -> Option<Classes> {
    let mut wanted = label;
    for step in plan.steps.iter().rev() {
        if !step.outputs.iter().flatten().any(|slot| Source::Slot(*slot) == wanted) {
            continue;
        }
        match &step.operator {
            Operator::TreeClassifier(_, classes, _)
            | Operator::LinearClassifier(_, classes, _)
            | Operator::PickLabels(classes) => {
                return Some(classes.clone());
            }
            Operator::LabelEncoder(encoder) => {
                // The last entry is the default for unknown keys.
                let texts = encoder.dictionary()?;
                return Some(Classes::Text(texts[..texts.len() - 1].iter().cloned().collect()));
            }
            Operator::Pass | Operator::Cast(_) | Operator::Reshape(_) | Operator::Flatten(_) => {
                wanted = *step.inputs.first()?
            }
            _ => return None,
        }
    }
    None
}
