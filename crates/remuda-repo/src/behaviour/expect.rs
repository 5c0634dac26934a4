//! Reading `expect`: what must hold, by the type of the test.

use super::known::Known;
use crate::requirement::classes_of;
use crate::source::{Source, Table};
use crate::tree::Value;
use remuda_model::behaviour::{Base, Direction, Expectation, TestType};
use std::ops::Range;

/// What a test expects. Invariance expects the same label where nothing is said; minimum functionality, where its rows
/// carry a label of their own, that one.
pub(super) fn read(
    source: &mut Source<'_>,
    known: &Known<'_>,
    table: Table<'_>,
    kind: TestType,
    base: Option<&Base>,
) -> Option<Expectation> {
    let Some(node) = table.get("expect") else { return unsaid(source, known, table, kind, base) };
    let expect = source.table_of(node, "expect")?;
    let of = read_class(source, known, expect);
    match kind {
        TestType::Minimum => minimum(source, known, expect, of),
        TestType::Invariance => {
            expect.allow(source, &["within", "of"]);
            let distance = expect.require(source, "within", "within = 0.1")?;
            let span = &distance.span;
            let distance = source.number_of(distance, "within")?;
            not_negative(source, span, "within", distance);
            Some(Expectation::Within { of, distance })
        }
        TestType::Directional => {
            expect.allow(source, &["score", "by", "of"]);
            let words = Direction::ALL.map(Direction::as_str);
            let parse = |word: &str| Direction::ALL.into_iter().find(|one| one.as_str() == word);
            let direction = crate::team::read_word(source, expect, "score", "score = \"not down\"", &words, parse);
            let by = match expect.get("by") {
                Some(node) => {
                    let by = source.number_of(node, "by")?;
                    not_negative(source, &node.span, "by", by);
                    by
                }
                None => 0.0,
            };
            Some(Expectation::Moves { of, direction: direction?, by })
        }
    }
}

fn unsaid(
    source: &mut Source<'_>,
    known: &Known<'_>,
    table: Table<'_>,
    kind: TestType,
    base: Option<&Base>,
) -> Option<Expectation> {
    let label = known.contract.and_then(|contract| contract.label()).map(|column| column.name.as_str());
    let labelled = match base {
        Some(Base::Rows { rows }) => label.is_some_and(|label| rows.iter().all(|row| row.contains_key(label))),
        Some(Base::Data { .. }) => true,
        _ => false,
    };
    let example = match kind {
        TestType::Invariance => return Some(Expectation::SameLabel),
        TestType::Minimum if labelled => return Some(Expectation::OwnLabel),
        TestType::Minimum => "expect = { label = \"CLASS\" }",
        TestType::Directional => "expect = { score = \"not down\", of = \"CLASS\", by = 0.05 }",
    };
    table.require(source, "expect", example);
    None
}

fn minimum(source: &mut Source<'_>, known: &Known<'_>, expect: Table<'_>, of: Option<String>) -> Option<Expectation> {
    expect.allow(source, &["label", "at_least", "at_most", "of"]);
    let bound = |source: &mut Source<'_>, key: &str| match expect.get(key) {
        Some(node) => source.number_of(node, key).map(Some),
        None => Some(None),
    };
    let (at_least, at_most) = (bound(source, "at_least")?, bound(source, "at_most")?);
    let Some(node) = expect.get("label") else {
        if at_least.is_none() && at_most.is_none() {
            expect.require(source, "label", "label = \"CLASS\"");
            return None;
        }
        if at_least.zip(at_most).is_some_and(|(least, most)| least > most) {
            let message = "no score is at least the one and at most the other";
            source.error(expect.span, "invalid_value", message, "swap `at_least` and `at_most`");
        }
        return Some(Expectation::Score { of, at_least, at_most });
    };
    if at_least.is_some() || at_most.is_some() || of.is_some() {
        let message = "a test expects a label or a score, not both";
        source.error(expect.span, "invalid_value", message, "make two tests of it");
    }
    let labels = match &node.value {
        Value::List(_) => source.texts_of(node, "label")?,
        _ => vec![(source.text_of(node, "label")?, &node.span)],
    };
    if labels.is_empty() {
        source.error(&node.span, "invalid_value", "`label` is empty", "write label = \"CLASS\"");
    }
    for (label, span) in &labels {
        check_class(source, known, label, span);
    }
    Some(Expectation::Label(labels.into_iter().map(|(label, _)| label.to_owned()).collect()))
}

fn read_class(source: &mut Source<'_>, known: &Known<'_>, expect: Table<'_>) -> Option<String> {
    let class = expect.text(source, "of")?;
    if let Some(node) = expect.get("of") {
        check_class(source, known, class, &node.span);
    }
    Some(class.to_owned())
}

fn check_class(source: &mut Source<'_>, known: &Known<'_>, class: &str, span: &Range<usize>) {
    if let Some(classes) = known.contract.and_then(classes_of)
        && !classes.contains(&class)
    {
        source.unknown_word(span, "unknown_class", "class", class, &classes);
    }
}

fn not_negative(source: &mut Source<'_>, span: &Range<usize>, key: &str, value: f64) {
    if value < 0.0 {
        source.error(span, "invalid_value", format!("`{key}` must not be negative"), "");
    }
}
