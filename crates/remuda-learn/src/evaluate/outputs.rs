//! The outputs of a model: which are label and probabilities, and predictions made of them.

use crate::error::LearnError;
use crate::evaluate::graph::{Plan, Source};
use crate::evaluate::operators::{Classes, Operator};
use crate::evaluate::value::{Dictionary, Value};
use crate::onnx::{DOUBLE, FLOAT, Graph, INT32, INT64, STRING};
use crate::predict::Predictions;
use std::collections::HashMap;
use std::sync::Arc;

/// What is read from a run.
#[derive(Debug)]
pub(crate) struct Outputs {
    /// Label and probabilities, or the one number.
    pub(crate) sources: Vec<Source>,
    /// The classes, or none for a number.
    pub(crate) labels: Option<Arc<[String]>>,
    words: Option<Words>,
}

/// How the label output says a class.
#[derive(Debug)]
struct Words {
    /// The dictionary of the node that makes labels: where a value has this very one, its codes are the classes.
    dictionary: Option<Arc<[Arc<str>]>>,
    places: HashMap<String, u32>,
    numbers: Option<HashMap<i64, u32>>,
}

impl Outputs {
    /// Finds label and probabilities among the declared outputs.
    pub(crate) fn read(graph: &Graph, plan: &Plan) -> Result<Self, LearnError> {
        let broken = |problem: &str| LearnError::malformed("the outputs", problem);
        let (mut label, mut scores) = (None, None);
        for output in &graph.outputs {
            let source =
                plan.places.get(&output.name).copied().ok_or_else(|| broken("an output comes from nowhere"))?;
            let tensor = output.value_type.as_ref().and_then(|value_type| value_type.tensor.as_ref());
            match tensor.map(|tensor| tensor.element) {
                Some(STRING | INT64 | INT32) => label = label.or(Some(source)),
                Some(FLOAT | DOUBLE) | None => scores = scores.or(Some(source)),
                Some(_) => {}
            }
        }
        let scores = scores.ok_or_else(|| broken("no output has probabilities or numbers"))?;
        let Some(label) = label else { return Ok(Outputs { sources: vec![scores], labels: None, words: None }) };
        let classes =
            find_classes(plan, label).ok_or_else(|| broken("the classes of the label are nowhere to be found"))?;
        let (labels, words) = Words::new(&classes);
        if words.places.len() != labels.len() || labels.is_empty() {
            return Err(broken("two classes have one name"));
        }
        Ok(Outputs { sources: vec![label, scores], labels: Some(labels), words: Some(words) })
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

    /// Predictions from the values of [`Outputs::sources`].
    pub(crate) fn predictions(&self, values: Vec<Value>, rows: usize) -> Result<Predictions, LearnError> {
        let failed = |problem: String| LearnError::Run { place: "the outputs".to_owned(), problem };
        let wrong = |what: &str| failed(format!("{what} for {rows} rows do not fit"));
        let (Some(labels), Some(words)) = (&self.labels, &self.words) else {
            let numbers: Vec<f64> = match values.first() {
                Some(Value::Double(dense)) => dense.data.clone(),
                Some(value) => value.floats().map_err(failed)?.data.iter().map(|value| f64::from(*value)).collect(),
                None => Vec::new(),
            };
            return if numbers.len() == rows { Ok(Predictions::Number(numbers)) } else { Err(wrong("numbers")) };
        };
        let [label, scores] = values.as_slice() else { return Err(wrong("outputs")) };
        let chosen = words.read(label).map_err(failed)?;
        let probabilities = scores.floats().map_err(failed)?.into_owned().data;
        if chosen.len() != rows || probabilities.len() != rows * labels.len() {
            return Err(wrong("labels or probabilities"));
        }
        Ok(Predictions::Classes { labels: labels.clone(), chosen, probabilities })
    }
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
