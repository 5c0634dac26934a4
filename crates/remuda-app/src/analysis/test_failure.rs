//! A failing case as people look at it: what was asked, with the changed or filled part marked.

use super::test_answer::{Answered, Failure};
use remuda_data::behaviour::{BaseRow, Case, segments};
use remuda_model::behaviour::{Base, BehaviouralTest, Segment};
use remuda_model::data::FeatureKind;
use remuda_model::feature::Feature;
use serde_json::{Map, Value};

/// A case with everything that it was made of.
pub(super) struct Asked<'a> {
    /// The test.
    pub(super) test: &'a BehaviouralTest,
    /// The case.
    pub(super) case: &'a Case,
    /// Its base row.
    pub(super) base: &'a BaseRow,
    /// What the model reads.
    pub(super) inputs: &'a [Feature],
}

/// The longest text that a failure keeps, in characters.
const TEXT_CAP: usize = 600;

/// A failing case.
pub(super) fn failure(
    asked: &Asked<'_>,
    before: Option<Answered>,
    answered: Answered,
    own_label: Option<&str>,
) -> Failure {
    let change = asked.case.change.and_then(|place| asked.test.changes.get(place));
    let (column, left, right) = match change {
        Some(change) => {
            let value = |row: &Map<String, Value>| shown(row.get(&change.column));
            let (left, right) = (value(&asked.base.row), value(&asked.case.row));
            let (left, right) = if change.perturbation.is_of_text() {
                segments(&left, &right)
            } else {
                (whole(&left, true), whole(&right, true))
            };
            (change.column.clone(), left, right)
        }
        None => {
            let (column, text) = described(asked);
            (column, Vec::new(), text)
        }
    };
    let mut row = asked.case.row.clone();
    row.retain(|name, _| asked.inputs.iter().any(|input| input.name == *name));
    Failure {
        unit: asked.base.unit.clone(),
        change: change.map(|change| change.perturbation.words()).unwrap_or_default(),
        column,
        before: capped(left),
        after: capped(right),
        answered_before: before,
        answered,
        own_label: own_label.map(str::to_owned),
        row,
    }
}

/// What is shown of a row that was taken as it is: its text, else what the test itself says of it.
fn described(asked: &Asked<'_>) -> (String, Vec<Segment>) {
    if let (Base::Templates { column, .. }, Some(filled)) = (&asked.test.base, &asked.base.filled) {
        return (column.clone(), filled.clone());
    }
    let row = &asked.case.row;
    let text = asked.inputs.iter().find(|input| input.kind == FeatureKind::Text && row.contains_key(&input.name));
    if let Some(input) = text {
        return (input.name.clone(), whole(&shown(row.get(&input.name)), false));
    }
    let said = |input: &&Feature| match &asked.test.base {
        Base::Rows { rows } => rows.iter().any(|listed| listed.contains_key(&input.name)),
        _ => true,
    };
    let pairs: Vec<String> = asked
        .inputs
        .iter()
        .filter(said)
        .take(8)
        .map(|input| format!("{} = {}", input.name, shown(row.get(&input.name))))
        .collect();
    (String::new(), whole(&pairs.join(", "), false))
}

fn whole(text: &str, changed: bool) -> Vec<Segment> {
    vec![Segment { text: text.to_owned(), changed }]
}

fn shown(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "missing".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// A long text loses what is far from its changes: each unchanged stretch keeps its ends.
fn capped(segments: Vec<Segment>) -> Vec<Segment> {
    let length: usize = segments.iter().map(|segment| segment.text.chars().count()).sum();
    if length <= TEXT_CAP {
        return segments;
    }
    let keep = (TEXT_CAP / segments.len().max(1)).max(20);
    let cut = |mut segment: Segment| {
        let letters: Vec<char> = segment.text.chars().collect();
        if letters.len() > keep {
            let (head, tail) = (&letters[..keep / 2], &letters[letters.len() - keep / 2..]);
            segment.text = format!("{} … {}", head.iter().collect::<String>(), tail.iter().collect::<String>());
        }
        segment
    };
    segments.into_iter().take(TEXT_CAP / 20).map(cut).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_keeps_what_changed() {
        let long = "word ".repeat(1_000);
        let (_, after) = segments(&format!("{long}old {long}"), &format!("{long}new {long}"));
        let short = capped(after);
        let text: String = short.iter().map(|segment| segment.text.as_str()).collect();
        assert!(text.chars().count() < 700, "{}", text.chars().count());
        assert!(short.iter().any(|segment| segment.changed && segment.text == "new"), "{short:?}");
    }
}
