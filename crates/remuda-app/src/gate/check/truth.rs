//! The file of true labels: which columns, which classes, which rows.

use super::{Check, about_neither, about_numbers};
use crate::error::{Error, Result};
use crate::uploads::RequestFile;
use remuda_data::Rows;
use remuda_model::requirement::StatedCriterion;
use remuda_model::table::{MISSING, Texts, Values};
use std::collections::HashMap;

/// Names that a label column goes by.
const LABELS: [&str; 6] = ["label", "truth", "target", "y", "y_true", "class"];

/// More different numbers than this are no classes.
const MANY_NUMBERS: usize = 200;

/// The true labels.
pub(super) struct Truth {
    /// The columns that criteria may speak of, the id and the label; texts that are all numbers are numbers.
    pub(super) rows: Rows,
    /// All columns of the file.
    pub(super) columns: Vec<String>,
    /// The column that joins, where files are joined by id.
    pub(super) id: Option<String>,
    /// The label's column.
    pub(super) label: String,
    /// Where each id stands.
    pub(super) place_of: HashMap<Box<str>, u32>,
    /// What is true.
    pub(super) values: TrueValues,
    /// What was assumed.
    pub(super) notes: Vec<String>,
}

/// True labels per row.
pub(super) enum TrueValues {
    /// Classes, sorted, and per row a place among them or [`MISSING`].
    Classes(Vec<String>, Vec<u32>),
    /// Numbers; NaN where missing.
    Numbers(Vec<f64>),
}

impl Truth {
    pub(super) fn read(file: &RequestFile, request: &Check, stated: &[StatedCriterion]) -> Result<Self> {
        let format = crate::data::read_format(None, &file.name)?;
        let chunks = remuda_data::chunks(&file.path, Some(format), None, usize::MAX)?;
        let columns: Vec<String> = chunks.columns().iter().map(|(name, _)| name.clone()).collect();
        let label = match &request.label {
            Some(label) => need(&columns, label, &file.name, "--label")?,
            None => LABELS.iter().find_map(|name| same(&columns, name)).ok_or_else(|| {
                Error::new("request.invalid", format!("which column of {} holds the true labels?", file.name))
                    .hint(format!("--label COLUMN, one of {}", remuda_model::text::list(&columns)))
            })?,
        };
        let id = match (&request.id, request.by_row_order) {
            (_, true) => None,
            (Some(id), false) => Some(need(&columns, id, &file.name, "--id")?),
            (None, false) => super::columns::id_column(&columns, request, file, &label)?,
        };
        let wanted = |name: &str| name == label || id.as_deref() == Some(name) || mentions(stated, name);
        let mut rows = match chunks.only(wanted).next() {
            Some(rows) => rows?,
            None => return Err(Error::new("data.unusable", format!("{} has no rows", file.name))),
        };
        let read: Vec<String> = rows.columns().into_iter().map(|(name, _)| name).collect();
        let place_of = match &id {
            Some(id) => places(&rows, id, &file.name)?,
            None => HashMap::new(),
        };
        let texts = rows.text(&label)?;
        let many_numbers = texts.dictionary.len() > MANY_NUMBERS && numbers_of(&texts).is_some();
        let (values, labels) = if about_numbers(stated) || (many_numbers && about_neither(stated)) {
            let numbers = numbers_of(&texts).ok_or_else(|| {
                let odd = texts.dictionary.iter().find(|text| text.trim().parse::<f64>().is_err());
                let odd = odd.map(|text| format!(": {text}")).unwrap_or_default();
                Error::new(
                    "data.unusable",
                    format!("a criterion is about numbers, but `{label}` holds other values{odd}"),
                )
            })?;
            let labels = numbers.iter().filter(|number| !number.is_nan()).count();
            (TrueValues::Numbers(numbers), labels)
        } else {
            if many_numbers {
                let distinct = remuda_model::text::thousands(texts.dictionary.len() as u64);
                let text = format!("`{label}` holds {distinct} different numbers, and the criteria are about classes");
                return Err(
                    Error::new("request.invalid", text).hint("ask for mae, rmse, r2 or another metric of numbers")
                );
            }
            let (classes, of_row) = classes_of(&texts);
            let labels = of_row.iter().filter(|class| **class != MISSING).count();
            (TrueValues::Classes(classes, of_row), labels)
        };
        if labels == 0 {
            return Err(Error::new("data.unusable", format!("column `{label}` of {} is empty", file.name)));
        }
        let mut notes = Vec::new();
        if labels < rows.len() {
            let without = remuda_model::text::count((rows.len() - labels) as u64, "row");
            notes.push(format!("{without} of {} without a true label: left out", file.name));
        }
        for name in read.iter().filter(|name| id.as_ref() != Some(*name)) {
            if let Some(numbers) = numbers_of(&rows.text(name)?) {
                rows.set(name, Values::Number(numbers))?;
            }
        }
        Ok(Self { rows, columns, id, label, place_of, values, notes })
    }

    /// Whether a row has a true label.
    pub(super) fn is_labelled(&self, row: usize) -> bool {
        match &self.values {
            TrueValues::Classes(_, of_row) => of_row[row] != MISSING,
            TrueValues::Numbers(numbers) => !numbers[row].is_nan(),
        }
    }
}

/// Whether a criterion may speak of a column: others need not be read.
pub(super) fn mentions(stated: &[StatedCriterion], column: &str) -> bool {
    let column = column.to_lowercase();
    // Within quotes, SQL doubles a quote.
    stated.iter().any(|stated| stated.text.to_lowercase().replace("\"\"", "\"").contains(&column))
}

/// The column of that name, or an error that lists those there are.
pub(super) fn need(columns: &[String], name: &str, file: &str, flag: &str) -> Result<String> {
    if columns.iter().any(|column| column == name) {
        return Ok(name.to_owned());
    }
    let error = Error::new("request.invalid", format!("{file} has no column `{name}`"));
    Err(match remuda_model::text::nearest(name, columns.iter().map(String::as_str)) {
        Some(near) => error.hint(format!("did you mean {flag} {near}?")),
        None => error.hint(format!("its columns are {}", remuda_model::text::list(columns))),
    })
}

/// The column of that name, whatever its case.
pub(super) fn same(columns: &[String], name: &str) -> Option<String> {
    columns.iter().find(|column| column.eq_ignore_ascii_case(name)).cloned()
}

fn places(rows: &Rows, id: &str, file: &str) -> Result<HashMap<Box<str>, u32>> {
    let texts = rows.text(id)?;
    let mut places = HashMap::with_capacity(rows.len());
    let mut twice: Vec<&str> = Vec::new();
    for row in 0..rows.len() {
        let Some(text) = texts.get(row).filter(|text| !text.is_empty()) else {
            return Err(Error::new("data.unusable", format!("row {} of {file} has no `{id}`", row + 1)));
        };
        if places.insert(Box::from(text), row as u32).is_some() {
            twice.push(text);
        }
    }
    match twice.first() {
        None => Ok(places),
        Some(first) => {
            let count = remuda_model::text::count(twice.len() as u64, "row");
            Err(Error::new("data.unusable", format!("{count} of {file} repeat an id of `{id}`, such as {first}"))
                .hint("each id must stand there once: name another column with --id"))
        }
    }
}

/// A label in the form that both files agree on: `1`, `1.0` and ` 1` are one class, as are `True` and `true`.
pub(super) fn canonical(text: &str) -> String {
    let text = text.trim();
    if text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false") {
        return text.to_ascii_lowercase();
    }
    match text.parse::<f64>() {
        Ok(number) if number.fract() == 0.0 && number.abs() < 1e15 && text.contains('.') => format!("{number:.0}"),
        _ => text.to_owned(),
    }
}

/// The classes in order, and per row a place among them.
fn classes_of(texts: &Texts) -> (Vec<String>, Vec<u32>) {
    let names: Vec<String> = texts.dictionary.iter().map(|text| canonical(text)).collect();
    let used: std::collections::BTreeSet<&String> = names.iter().filter(|name| !name.is_empty()).collect();
    let classes: Vec<String> = used.into_iter().cloned().collect();
    let place: Vec<u32> =
        names.iter().map(|name| classes.binary_search(name).map_or(MISSING, |place| place as u32)).collect();
    let of_row =
        texts.codes.iter().map(|code| if *code == MISSING { MISSING } else { place[*code as usize] }).collect();
    (classes, of_row)
}

/// A column of texts as numbers, if all of them are; codes such as `007` are none.
pub(super) fn numbers_of(texts: &Texts) -> Option<Vec<f64>> {
    let is_code = |text: &str| text.len() > 1 && text.starts_with('0') && !text.starts_with("0.");
    let number = |text: &str| match text.trim() {
        "" => Some(f64::NAN),
        text if is_code(text) => None,
        text => text.parse::<f64>().ok().filter(|number| number.is_finite()),
    };
    let numbers = texts.dictionary.iter().map(|text| number(text)).collect::<Option<Vec<f64>>>()?;
    if numbers.iter().all(|number| number.is_nan()) {
        return None;
    }
    Some(texts.codes.iter().map(|code| if *code == MISSING { f64::NAN } else { numbers[*code as usize] }).collect())
}
