//! Behavioural tests as rows: base rows filled in or drawn, cases made by changing them, and whether an answer passes.
//!
//! Everything is a function of the file's seed and the names of its tests, so the same definitions on the same rows
//! make the same cases. What does not live here: the file's words (remuda-model), models, and what a rate is worth.

mod fill;
mod judge;
mod negation;
mod perturb;
mod random;
mod segments;

pub use judge::{Answer, SAME_SCORE, passes};
pub use segments::segments;

use fill::{fills, joined};
use perturb::perturbed;
use random::Stream;
use remuda_model::behaviour::{Base, BehaviouralTest, BehaviouralTests, Change, Perturbation, Segment};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// A row that cases are made of.
#[derive(Clone, Debug, PartialEq)]
pub struct BaseRow {
    /// What it is a member of: cases of one unit are not independent. A template, a listed row, a row of the data.
    pub unit: String,
    /// Its values.
    pub row: Map<String, Value>,
    /// For a filled template: its text with the filled parts marked.
    pub filled: Option<Vec<Segment>>,
}

/// One thing that a model is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// Which base row it was made of.
    pub base: usize,
    /// Which of the test's changes made it; `None`: the base row as it is.
    pub change: Option<usize>,
    /// The row.
    pub row: Map<String, Value>,
}

/// The cases of a test.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cases {
    /// The cases.
    pub cases: Vec<Case>,
    /// Changes that changed nothing: they are no cases.
    pub void: u64,
}

/// The base rows of a test that is filled in or listed. `others` are rows of the data from which the columns are drawn
/// that the test does not say; none where it says all.
pub fn base_rows(file: &BehaviouralTests, test: &BehaviouralTest, others: &[Map<String, Value>]) -> Vec<BaseRow> {
    let mut rows = match &test.base {
        Base::Templates { templates, column } => filled_rows(file, test, templates, column),
        Base::Rows { rows } => listed_rows(file, test, rows),
        Base::Data { .. } => Vec::new(),
    };
    for base in &mut rows {
        complete(&mut base.row, &test.with);
    }
    if others.is_empty() {
        return rows;
    }
    let drawn = |(place, base): (usize, BaseRow)| {
        let mut stream = Stream::of(file.seed, &[&test.name, "others", &place.to_string()]);
        // Different rows of the data, so that no two draws are one.
        let places = stream.sample(others.len() as u64, u64::from(test.draws.max(1)));
        places.into_iter().map(move |other| {
            let mut base = base.clone();
            complete(&mut base.row, &others[other as usize]);
            base
        })
    };
    rows.into_iter().enumerate().flat_map(drawn).collect()
}

/// Gives a row the columns that it does not have.
fn complete(row: &mut Map<String, Value>, others: &Map<String, Value>) {
    for (column, value) in others {
        row.entry(column.clone()).or_insert_with(|| value.clone());
    }
}

fn filled_rows(file: &BehaviouralTests, test: &BehaviouralTest, templates: &[String], column: &str) -> Vec<BaseRow> {
    let mut rows = Vec::new();
    let mut seen = BTreeSet::new();
    for (place, template) in templates.iter().enumerate() {
        let mut stream = Stream::of(file.seed, &[&test.name, "fill", template]);
        // What earlier templates leave of the limit is shared by those that follow.
        let left = test.limit.saturating_sub(rows.len() as u64);
        let share = left.div_ceil((templates.len() - place) as u64);
        for segments in fills(template, &file.lexicons, share, &mut stream) {
            let text = joined(&segments);
            if seen.insert(text.clone()) {
                let row = Map::from_iter([(column.to_owned(), Value::from(text))]);
                rows.push(BaseRow { unit: format!("template {template}"), row, filled: Some(segments) });
            }
        }
    }
    rows
}

fn listed_rows(file: &BehaviouralTests, test: &BehaviouralTest, rows: &[Map<String, Value>]) -> Vec<BaseRow> {
    let mut stream = Stream::of(file.seed, &[&test.name, "rows"]);
    let places = stream.sample(rows.len() as u64, test.limit);
    let row = |place: &u64| {
        let row = rows[*place as usize].clone();
        BaseRow { unit: format!("listed row {} of {}", place + 1, test.name), row, filled: None }
    };
    places.iter().map(row).collect()
}

/// Which of these rows of the data a test takes: at most its limit, a seeded sample where there are more.
pub fn sampled(file: &BehaviouralTests, test: &BehaviouralTest, rows: usize) -> Vec<usize> {
    let mut stream = Stream::of(file.seed, &[&test.name, "data"]);
    stream.sample(rows as u64, test.limit).into_iter().map(|place| place as usize).collect()
}

/// The cases of a test on its base rows: the rows themselves for minimum functionality, else each row with each change.
/// A change that changes nothing makes no case, and two variants that say the same are one.
pub fn cases(file: &BehaviouralTests, test: &BehaviouralTest, bases: &[BaseRow]) -> Cases {
    let mut found = Cases::default();
    for (base, row) in bases.iter().enumerate() {
        if test.changes.is_empty() {
            found.cases.push(Case { base, change: None, row: row.row.clone() });
        }
        for (place, change) in test.changes.iter().enumerate() {
            let mut variants: Vec<Value> = Vec::new();
            for variant in 0..change.times.max(1) {
                let names = [&test.name, "change", &place.to_string(), &base.to_string(), &variant.to_string()];
                variants.extend(changed(file, change, &row.row, &mut Stream::of(file.seed, &names)));
            }
            if variants.is_empty() {
                found.void += 1;
            }
            let mut seen: Vec<&Value> = Vec::new();
            for value in &variants {
                if !seen.contains(&value) {
                    seen.push(value);
                    let mut row = row.row.clone();
                    row.insert(change.column.clone(), value.clone());
                    found.cases.push(Case { base, change: Some(place), row });
                }
            }
        }
    }
    found
}

/// The values that a change gives its column; none where nothing changes.
fn changed(file: &BehaviouralTests, change: &Change, row: &Map<String, Value>, stream: &mut Stream) -> Vec<Value> {
    let now = row.get(&change.column).unwrap_or(&Value::Null);
    match (&change.perturbation, now) {
        (Perturbation::Set(values), _) => values.iter().filter(|value| !same(value, now)).cloned().collect(),
        (Perturbation::Add(amount), Value::Number(number)) => added(number, *amount).into_iter().collect(),
        (Perturbation::Add(_), _) => Vec::new(),
        (what, Value::String(text)) => {
            perturbed(text, what, &file.lexicons, stream).map(Value::from).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// Equal values; 1 and 1.0 are the same number.
fn same(left: &Value, right: &Value) -> bool {
    match (left.as_f64(), right.as_f64()) {
        (Some(left), Some(right)) => left == right,
        _ => left == right,
    }
}

/// A whole number stays one where a whole amount is added.
fn added(number: &serde_json::Number, amount: f64) -> Option<Value> {
    if amount == 0.0 {
        return None;
    }
    if let Some(whole) = number.as_i64()
        && amount.fract() == 0.0
        && amount.abs() < 9e15
    {
        return whole.checked_add(amount as i64).map(Value::from);
    }
    let before = number.as_f64()?;
    let sum = before + amount;
    (sum.is_finite() && sum != before).then(|| Value::from(sum))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

    use super::*;
    use remuda_model::behaviour::{Expectation, LetterCase};
    use serde_json::json;

    fn file() -> BehaviouralTests {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        BehaviouralTests {
            name: "routing".into(),
            about: String::new(),
            dataset: None,
            seed: 1,
            lexicons: [("product".to_owned(), words(&["phone", "laptop", "Tablet"]))].into(),
            tests: Vec::new(),
        }
    }

    fn test(base: Base, changes: Vec<Change>) -> BehaviouralTest {
        BehaviouralTest {
            name: "t".into(),
            about: String::new(),
            capability: "vocabulary".into(),
            base,
            with: Map::from_iter([("channel".to_owned(), json!("mail"))]),
            others: None,
            draws: 2,
            limit: 4,
            changes,
            expectation: Expectation::SameLabel,
            pass_rate: 1.0,
            line: 1,
        }
    }

    fn change(column: &str, perturbation: Perturbation, times: u32) -> Change {
        Change { column: column.into(), perturbation, times }
    }

    fn templates(templates: &[&str]) -> Base {
        let templates = templates.iter().map(|template| (*template).to_owned()).collect();
        Base::Templates { templates, column: "text".into() }
    }

    #[test]
    fn templates_share_the_limit_and_constants_fill_the_other_columns() {
        let test = test(templates(&["no place", "my {product} broke", "the {product} is gone"]), Vec::new());
        let rows = base_rows(&file(), &test, &[]);
        let texts: Vec<&str> = rows.iter().map(|row| row.row["text"].as_str().unwrap()).collect();
        assert_eq!((texts.len(), texts[0]), (4, "no place"));
        assert!(rows.iter().all(|row| row.row["channel"] == "mail"));
        let units: BTreeSet<&str> = rows.iter().map(|row| row.unit.as_str()).collect();
        assert_eq!(units.len(), 3);
        assert_eq!(rows, base_rows(&file(), &test, &[]));
    }

    #[test]
    fn what_a_row_does_not_say_is_drawn_from_the_data() {
        let listed = Base::Rows { rows: vec![Map::from_iter([("text".to_owned(), json!("hi"))])] };
        let data: Vec<Map<String, Value>> = (0..3)
            .map(|age| json!({"age": age, "channel": "chat", "text": "other"}).as_object().unwrap().clone())
            .collect();
        let rows = base_rows(&file(), &test(listed, Vec::new()), &data);
        // Two draws of one row are one unit.
        assert_eq!((rows.len(), &rows[0].unit), (2, &rows[1].unit));
        assert_ne!(rows[0].row["age"], rows[1].row["age"]);
        assert_eq!((&rows[0].row["text"], &rows[0].row["channel"]), (&json!("hi"), &json!("mail")));
        assert!(rows[0].row["age"].is_u64());
    }

    #[test]
    fn a_change_that_changes_nothing_is_no_case() {
        let changes = vec![
            change("text", Perturbation::Case(LetterCase::Lower), 1),
            change("channel", Perturbation::Set(vec![json!("mail"), json!("chat"), json!("phone")]), 1),
            change("age", Perturbation::Add(1.0), 1),
        ];
        let test = test(templates(&["{product}"]), changes);
        let bases = base_rows(&file(), &test, &[]);
        let found = cases(&file(), &test, &bases);
        // Of three words only one has a letter to lower; no row has an age.
        let by_change = |place| found.cases.iter().filter(|case| case.change == Some(place)).count();
        assert_eq!((bases.len(), by_change(0), by_change(1), by_change(2), found.void), (3, 1, 6, 0, 5));
        assert!(found.cases.iter().all(|case| case.row != bases[case.base].row));
    }

    #[test]
    fn variants_that_say_the_same_are_one_case() {
        let swap = change("text", Perturbation::Swap("product".into()), 50);
        let test = test(templates(&["my phone"]), vec![swap]);
        let bases = base_rows(&file(), &test, &[]);
        let texts: BTreeSet<String> =
            cases(&file(), &test, &bases).cases.iter().map(|case| case.row["text"].to_string()).collect();
        assert_eq!(texts.into_iter().collect::<Vec<_>>(), ["\"my Tablet\"", "\"my laptop\""]);
        assert_eq!(cases(&file(), &test, &bases).cases.len(), 2);
    }

    #[test]
    fn numbers_are_added_to_as_what_they_are() {
        let number = |value: Value| value.as_number().unwrap().clone();
        assert_eq!(added(&number(json!(12)), 12.0), Some(json!(24)));
        assert_eq!(added(&number(json!(12)), 0.5), Some(json!(12.5)));
        assert_eq!(added(&number(json!(1.5)), -1.0), Some(json!(0.5)));
        assert_eq!(added(&number(json!(i64::MAX)), 1.0), None);
        assert_eq!(added(&number(json!(1e300)), 1.0), None);
        assert!(same(&json!(1), &json!(1.0)) && !same(&json!("1"), &json!(1)));
    }
}
