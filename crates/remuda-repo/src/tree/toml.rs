//! TOML into a tree. The parser recovers from errors, so one look shows all of them.

use super::{Entry, Node, SyntaxError, Value};
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Parses `text`; `offset` is added to all places (a front matter begins further down in its file).
pub(crate) fn parse(text: &str, offset: usize) -> Result<Node, Vec<SyntaxError>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut faults: Vec<SyntaxError> = errors
        .iter()
        .map(|error| {
            let span = error.span().unwrap_or(0..0);
            SyntaxError { message: one_line(error.message()), span: shifted(span, offset) }
        })
        .collect();
    let mut reader = Reader { offset, faults: Vec::new() };
    let span = shifted(table.span(), offset);
    let node = Node { value: reader.table(table.into_inner()), span };
    faults.append(&mut reader.faults);
    if faults.is_empty() { Ok(node) } else { Err(faults) }
}

struct Reader {
    offset: usize,
    faults: Vec<SyntaxError>,
}

impl Reader {
    fn table(&mut self, table: DeTable<'_>) -> Value {
        let mut entries: Vec<Entry> = table
            .into_iter()
            .map(|(key, value)| Entry {
                key_span: shifted(key.span(), self.offset),
                key: key.into_inner().into_owned(),
                node: self.node(value),
            })
            .collect();
        // The map is sorted by key; people read findings from top to bottom.
        entries.sort_by_key(|entry| entry.key_span.start);
        Value::Table(entries)
    }

    fn node(&mut self, value: Spanned<DeValue<'_>>) -> Node {
        let span = shifted(value.span(), self.offset);
        let value = match value.into_inner() {
            DeValue::String(text) => Value::Text(text.into_owned()),
            DeValue::Boolean(flag) => Value::Boolean(flag),
            DeValue::Integer(number) => match i64::from_str_radix(&number.as_str().replace('_', ""), number.radix()) {
                Ok(number) => Value::Integer(number),
                Err(_) => self.fault(&span, "whole numbers lie between -9223372036854775808 and 9223372036854775807"),
            },
            DeValue::Float(number) => match number.as_str().replace('_', "").parse::<f64>() {
                Ok(number) => Value::Float(number),
                Err(_) => self.fault(&span, "this is no number"),
            },
            DeValue::Datetime(moment) => Value::Text(moment.to_string()),
            DeValue::Array(items) => Value::List(items.into_iter().map(|item| self.node(item)).collect()),
            DeValue::Table(table) => self.table(table),
        };
        Node { value, span }
    }

    fn fault(&mut self, span: &Range<usize>, message: &str) -> Value {
        self.faults.push(SyntaxError { message: message.to_owned(), span: span.clone() });
        Value::Null
    }
}

fn shifted(span: Range<usize>, offset: usize) -> Range<usize> {
    span.start + offset..span.end + offset
}

fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Where byte `at` of a TOML string's value stands in `raw`, the string as written with its quotes.
///
/// Escapes make a value shorter than its text, so the raw text is walked beside the value.
pub(crate) fn offset_in_string(raw: &str, at: usize) -> usize {
    let literal = raw.starts_with('\'');
    let opening = if raw.starts_with("\"\"\"") || raw.starts_with("'''") { 3 } else { 1 };
    let mut place = opening.min(raw.len());
    if opening == 3 {
        let rest = &raw[place..];
        place += if rest.starts_with("\r\n") { 2 } else { usize::from(rest.starts_with('\n')) };
    }
    let mut decoded = 0;
    while decoded < at {
        let Some(character) = raw[place..].chars().next() else { break };
        let (raw_length, value_length) = if character == '\\' && !literal {
            escape_lengths(&raw[place..])
        } else {
            (character.len_utf8(), character.len_utf8())
        };
        place += raw_length;
        decoded += value_length;
    }
    // A line that ends in a backslash goes on at the next word.
    if !literal && raw[place.min(raw.len())..].starts_with('\\') {
        let (raw_length, value_length) = escape_lengths(&raw[place..]);
        place += if value_length == 0 { raw_length } else { 0 };
    }
    place.min(raw.len())
}

/// How long an escape is as written, and how long the value that it stands for, in bytes.
fn escape_lengths(escape: &str) -> (usize, usize) {
    let digits = match escape.as_bytes().get(1) {
        Some(b'x') => 2,
        Some(b'u') => 4,
        Some(b'U') => 8,
        Some(b' ' | b'\t' | b'\r' | b'\n') => {
            let blank = escape[1..].len() - escape[1..].trim_start().len();
            return (1 + blank, 0);
        }
        Some(_) => return (2, 1),
        None => return (1, 1),
    };
    let length = escape
        .get(2..2 + digits)
        .and_then(|hex| u32::from_str_radix(hex, 16).ok())
        .and_then(char::from_u32)
        .map_or(1, char::len_utf8);
    ((2 + digits).min(escape.len()), length)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail loudly")]
    use super::*;

    #[test]
    fn a_place_in_a_string_is_a_place_in_the_file() {
        let cases = [
            ("\"recal >= 0.9\"", "recal"),
            ("'recal >= 0.9'", "recal"),
            ("\"\"\"\nauc >= 0.9\"\"\"", "0.9"),
            (r#""of \"a\" recal""#, "recal"),
            (r#""\u00e4\x41\U0001F40E recal""#, "recal"),
            ("\"\"\"one \\\n   recal\"\"\"", "recal"),
            ("'''\r\nÄ recal'''", "recal"),
        ];
        for (raw, word) in cases {
            let text = format!("key = {raw}\n");
            let node = parse(&text, 0).unwrap();
            let Value::Table(entries) = node.value else { unreachable!("a document is a table") };
            let Value::Text(value) = &entries[0].node.value else { unreachable!("the case is a string") };
            assert_eq!(&text[entries[0].node.span.clone()], raw);
            let place = offset_in_string(raw, value.find(word).unwrap());
            assert!(raw[place..].starts_with(word), "{raw}: {place}");
        }
    }
}
