//! The inputs of a model: which columns of a table feed which graph inputs.

use crate::error::LearnError;
use crate::evaluate::attributes::shorten;
use crate::evaluate::value::{Dense, Dictionary, Texts, Value};
use crate::onnx::build::FEATURES_KEY;
use crate::onnx::{BOOL, DOUBLE, FLOAT, Graph, INT32, INT64, Model, STRING, ValueInfo};
use crate::reading::Reading;
use remuda_model::data::FeatureKind;
use remuda_model::feature::Feature;
use remuda_model::table::{MISSING, Table, TableColumn, Values};
use std::ops::Range;
use std::sync::Arc;

/// The most columns one model may read.
const MOST_COLUMNS: usize = 1 << 16;

/// The inputs, in the order of the graph.
#[derive(Debug)]
pub(crate) struct Inputs {
    /// The columns, in the order they are read.
    pub(crate) features: Vec<Feature>,
    /// The graph's inputs.
    pub(crate) inputs: Vec<Input>,
    /// The file was exported for one row at a time. (Our own evaluator is not bound by that.)
    pub(crate) one_row: bool,
}

/// One input of the graph.
#[derive(Debug)]
pub(crate) struct Input {
    /// Its name.
    pub(crate) name: String,
    /// Its element type.
    pub(crate) element: i32,
    /// Whether it has the shape `[N, width]`, rather than `[N]`.
    matrix: bool,
    /// Which features it is made of.
    features: Range<usize>,
}

impl Inputs {
    /// Reads the declared inputs. Constants that are declared as inputs too (old files) are no inputs.
    pub(crate) fn read(model: &Model, graph: &Graph, reading: &Reading) -> Result<Self, LearnError> {
        let kept = model.metadata.iter().find(|entry| entry.key == FEATURES_KEY);
        let kept: Vec<Feature> = kept.and_then(|entry| serde_json::from_str(&entry.value).ok()).unwrap_or_default();
        let mut found = Inputs { features: Vec::new(), inputs: Vec::new(), one_row: false };
        for input in &graph.inputs {
            if !graph.initializers.iter().any(|tensor| tensor.name == input.name) {
                found.add(input, graph, &kept, reading)?;
            }
        }
        if !reading.inputs.is_empty() {
            found.check_names(reading)?;
        }
        if found.features.is_empty() {
            return Err(LearnError::malformed("the graph", "it has no inputs"));
        }
        Ok(found)
    }

    /// Declared names must be those of inputs, and no column may be read twice.
    fn check_names(&self, reading: &Reading) -> Result<(), LearnError> {
        let refuse = |problem: String| Err(LearnError::Reading { problem });
        if let Some(name) = reading.inputs.keys().find(|name| !self.inputs.iter().any(|input| input.name == **name)) {
            return refuse(format!("it has no input `{}`", shorten(name)));
        }
        let mut seen = std::collections::BTreeSet::new();
        match self.features.iter().find(|feature| !seen.insert(&feature.name)) {
            Some(twice) => refuse(format!("column `{}` is named twice", shorten(&twice.name))),
            None => Ok(()),
        }
    }

    fn add(&mut self, info: &ValueInfo, graph: &Graph, kept: &[Feature], reading: &Reading) -> Result<(), LearnError> {
        let broken = |problem: &str| LearnError::malformed(format!("input `{}`", shorten(&info.name)), problem);
        let tensor = info.value_type.as_ref().and_then(|value_type| value_type.tensor.as_ref());
        let tensor = tensor.ok_or_else(|| broken("it is no tensor"))?;
        if ![FLOAT, DOUBLE, INT32, INT64, BOOL, STRING].contains(&tensor.element) {
            return Err(broken("its element type is not supported"));
        }
        let dimensions = tensor.shape.as_ref().map_or(&[][..], |shape| &shape.dimensions);
        let named = reading.columns_of(&info.name);
        let width = match dimensions {
            [_] => 1,
            [_, width] => match width.size.and_then(|size| usize::try_from(size).ok()).filter(|size| *size > 0) {
                Some(width) => width,
                None => named.map_or(0, <[String]>::len),
            },
            _ => 0,
        };
        if let Some(named) = named.filter(|named| named.len() != width) {
            let problem = format!("input `{}` has {width} columns, and {} are named", shorten(&info.name), named.len());
            return Err(LearnError::Reading { problem });
        }
        self.one_row |= dimensions.first().is_some_and(|rows| rows.size == Some(1));
        if width == 0 || width + self.features.len() > MOST_COLUMNS {
            return Err(broken("its shape is not [rows] or [rows, a known number of columns]"));
        }
        let start = self.features.len();
        for column in 0..width {
            let name = match named {
                Some(named) => named[column].clone(),
                None if width == 1 => info.name.clone(),
                None => format!("{}_{column}", info.name),
            };
            let kind = if tensor.element != STRING {
                FeatureKind::Number
            } else if let Some(feature) = kept.iter().find(|feature| feature.name == name) {
                if feature.kind == FeatureKind::Text { FeatureKind::Text } else { FeatureKind::Category }
            } else if is_text(graph, &info.name) {
                FeatureKind::Text
            } else {
                FeatureKind::Category
            };
            self.features.push(Feature { name, kind });
        }
        let input = Input {
            name: info.name.clone(),
            element: tensor.element,
            matrix: dimensions.len() == 2,
            features: start..self.features.len(),
        };
        self.inputs.push(input);
        Ok(())
    }

    /// The names of the graph's inputs.
    pub(crate) fn names(&self) -> Vec<String> {
        self.inputs.iter().map(|input| input.name.clone()).collect()
    }

    /// A table of one row, on which a model is tried when it is loaded.
    pub(crate) fn trial(&self) -> Table {
        let columns = self.features.iter().map(|feature| {
            let values = match feature.kind {
                FeatureKind::Number => Values::Number(vec![0.0]),
                FeatureKind::Category | FeatureKind::Text => {
                    Values::Text(remuda_model::table::Texts { dictionary: vec![Arc::from("")], codes: vec![0] })
                }
            };
            TableColumn { name: feature.name.clone(), values }
        });
        Table { columns: columns.collect(), rows: 1 }
    }

    /// Where each feature lies in the table. Types, lengths and codes are checked here, once.
    pub(crate) fn columns(&self, table: &Table) -> Result<Vec<usize>, LearnError> {
        let mut places = Vec::with_capacity(self.features.len());
        for (index, feature) in self.features.iter().enumerate() {
            // Mostly the table has the model's order: look there first.
            let here = table.columns.get(index).is_some_and(|column| column.name == feature.name);
            let place =
                if here { Some(index) } else { table.columns.iter().position(|column| column.name == feature.name) };
            let place = place.ok_or_else(|| self.missing(&feature.name))?;
            check_column(&table.columns[place], feature, table.rows)?;
            places.push(place);
        }
        Ok(places)
    }

    fn missing(&self, column: &str) -> LearnError {
        let known: Vec<String> = self.features.iter().take(50).map(|feature| format!("`{}`", feature.name)).collect();
        LearnError::MissingColumn { column: column.to_owned(), known: remuda_model::text::list(&known) }
    }

    /// The values of the graph's inputs for these rows.
    pub(crate) fn values<'a>(
        &self,
        table: &'a Table,
        columns: &[usize],
        rows: Range<usize>,
    ) -> Result<Vec<Value<'a>>, LearnError> {
        self.inputs.iter().map(|input| self.value(input, table, columns, rows.clone())).collect()
    }

    fn value<'a>(
        &self,
        input: &Input,
        table: &'a Table,
        places: &[usize],
        rows: Range<usize>,
    ) -> Result<Value<'a>, LearnError> {
        let width = input.features.len();
        let shape = if input.matrix { vec![rows.len(), width] } else { vec![rows.len()] };
        let columns = || input.features.clone().map(|feature| &table.columns[places[feature]]);
        if input.element == STRING {
            return Ok(Value::Text(texts(shape, columns().map(|column| &column.values).collect(), rows)));
        }
        let numbers: Vec<&[f64]> = columns()
            .map(|column| if let Values::Number(numbers) = &column.values { &numbers[rows.clone()] } else { &[] })
            .collect();
        let cells = || {
            (0..rows.len())
                .flat_map(|row| numbers.iter().map(move |column| column.get(row).copied().unwrap_or(f64::NAN)))
        };
        Ok(match input.element {
            DOUBLE => Value::Double(Dense { shape, data: cells().collect() }),
            INT32 | INT64 | BOOL => {
                for (column, numbers) in columns().zip(&numbers) {
                    if numbers.iter().any(|value| !value.is_finite()) {
                        let (expected, found) = ("whole numbers without gaps", "a missing or infinite value");
                        return Err(LearnError::ColumnType { column: column.name.clone(), expected, found });
                    }
                }
                if input.element == BOOL {
                    Value::Bool(Dense { shape, data: cells().map(|value| value != 0.0).collect() })
                } else {
                    Value::Int(Dense { shape, data: cells().map(|value| value as i64).collect() })
                }
            }
            _ => Value::Float(Dense { shape, data: cells().map(|value| value as f32).collect() }),
        })
    }
}

fn texts<'a>(shape: Vec<usize>, columns: Vec<&'a Values>, rows: Range<usize>) -> Texts<'a> {
    if let [Values::Text(texts)] = columns.as_slice() {
        return Texts { shape, dictionary: Dictionary::Borrowed(&texts.dictionary), codes: texts.codes[rows].to_vec() };
    }
    let mut dictionary = Vec::with_capacity(rows.len() * columns.len());
    for row in rows {
        dictionary.extend(columns.iter().map(|column| match column {
            Values::Text(texts) => Arc::<str>::from(texts.get(row).unwrap_or("")),
            Values::Number(_) => Arc::<str>::from(""),
        }));
    }
    let codes = (0..dictionary.len() as u32).collect();
    Texts { shape, dictionary: Dictionary::Shared(dictionary.into()), codes }
}

fn check_column(column: &TableColumn, feature: &Feature, rows: usize) -> Result<(), LearnError> {
    let (expected, found) = match (feature.kind, &column.values) {
        (FeatureKind::Number, Values::Number(_)) | (FeatureKind::Category | FeatureKind::Text, Values::Text(_)) => {
            return check_values(&column.name, &column.values, rows);
        }
        (FeatureKind::Number, Values::Text(_)) => ("numbers", "texts"),
        (FeatureKind::Category | FeatureKind::Text, Values::Number(_)) => ("texts", "numbers"),
    };
    Err(LearnError::ColumnType { column: column.name.clone(), expected, found })
}

/// Checks a column's length, and its codes against its dictionary.
pub(crate) fn check_values(name: &str, values: &Values, rows: usize) -> Result<(), LearnError> {
    let broken = |problem: String| LearnError::ColumnShape { column: name.to_owned(), problem };
    if values.len() != rows {
        return Err(broken(format!("it has {} values for {rows} rows", values.len())));
    }
    if let Values::Text(texts) = values {
        let known = texts.dictionary.len();
        if texts.codes.iter().any(|code| *code != MISSING && *code as usize >= known) {
            return Err(broken("a code lies outside its dictionary".to_owned()));
        }
    }
    Ok(())
}

/// Whether a string input is cut into tokens, straight or through nodes that only pass it on.
fn is_text(graph: &Graph, input: &str) -> bool {
    let mut names = vec![input];
    let mut seen = 0;
    while let Some(name) = names.get(seen).copied() {
        seen += 1;
        for node in graph.nodes.iter().filter(|node| node.inputs.iter().any(|input| input == name)) {
            match node.operator.as_str() {
                "StringNormalizer" | "Tokenizer" | "TfIdfVectorizer" => return true,
                "Identity" | "Reshape" | "Flatten" | "Cast" => {
                    let new = node
                        .outputs
                        .iter()
                        .map(String::as_str)
                        .filter(|output| !names.contains(output))
                        .collect::<Vec<_>>();
                    names.extend(new);
                }
                _ => {}
            }
        }
    }
    false
}
