//! YAML 1.2 into a tree: one document, core schema (so `No` is text), anchors expanded up to a cap.

use super::{Entry, Node, SyntaxError, Value};
use granit_parser::{Event, Parser, ScalarStyle, Span};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// The most values that a file may hold once its aliases are expanded: a short file can stand for a huge one.
const NODE_CAP: usize = 200_000;

/// Parses the text of one file.
pub(crate) fn parse(text: &str) -> Result<Node, SyntaxError> {
    let mut reader = Reader { parser: Parser::new_from_str(text), text, anchors: HashMap::new(), nodes: 0 };
    let node = reader.document();
    node.map(|node| node.unwrap_or(Node { value: Value::Null, span: 0..0 }))
}

struct Reader<'t> {
    parser: Parser<'t, granit_parser::StrInput<'t>>,
    text: &'t str,
    anchors: HashMap<usize, Node>,
    nodes: usize,
}

impl<'t> Reader<'t> {
    /// The first document; a second one is an error.
    fn document(&mut self) -> Result<Option<Node>, SyntaxError> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => return Ok(root),
                Event::StreamStart | Event::DocumentEnd => {}
                Event::DocumentStart(..) if root.is_some() => {
                    let message = "a file holds one document, and here a second one begins".to_owned();
                    return Err(SyntaxError { message, span: self.range(&span) });
                }
                Event::DocumentStart(..) => {}
                other => root = Some(self.node(other, span)?),
            }
        }
    }

    fn next(&mut self) -> Result<(Event<'t>, Span), SyntaxError> {
        match self.parser.next_event() {
            Some(Ok(found)) => Ok(found),
            Some(Err(error)) => {
                let marker = error.marker();
                let at = marker.byte_offset().unwrap_or_else(|| self.byte_of_character(marker.index()));
                let info = error.info();
                let message = info.lines().next().unwrap_or("this is no YAML").to_owned();
                Err(SyntaxError { message, span: at..at + 1 })
            }
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn node(&mut self, event: Event<'t>, span: Span) -> Result<Node, SyntaxError> {
        let range = self.range(&span);
        self.count(1, &range)?;
        let (anchor, node) = match event {
            Event::Scalar(value, style, anchor, tag) => {
                let as_text = style != ScalarStyle::Plain || tag.is_some_and(|tag| tag.core_suffix() == Some("str"));
                (anchor, Node { value: scalar(value, as_text), span: range })
            }
            Event::SequenceStart(_, anchor, _) => {
                let mut items = Vec::new();
                let end = loop {
                    match self.next()? {
                        (Event::SequenceEnd, end) => break end,
                        (other, span) => items.push(self.node(other, span)?),
                    }
                };
                (anchor, Node { value: Value::List(items), span: self.whole(&range, &end) })
            }
            Event::MappingStart(_, anchor, _) => {
                let (entries, end) = self.entries()?;
                (anchor, Node { value: Value::Table(entries), span: self.whole(&range, &end) })
            }
            Event::Alias(id) => {
                let Some(target) = self.anchors.get(&id) else {
                    return Err(SyntaxError {
                        message: "this alias stands within what it names".to_owned(),
                        span: range,
                    });
                };
                // Findings point at the alias: the values were judged where they are written.
                let copy = Node { value: target.value.clone(), span: range.clone() };
                self.count(size(&copy), &range)?;
                return Ok(copy);
            }
            _ => return Err(SyntaxError { message: "a value was expected here".to_owned(), span: range }),
        };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn entries(&mut self) -> Result<(Vec<Entry>, Span), SyntaxError> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut seen: HashSet<String> = HashSet::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                return Ok((entries, span));
            }
            let key_span = self.range(&span);
            let Event::Scalar(key, ..) = event else {
                return Err(SyntaxError { message: "a key must be plain text".to_owned(), span: key_span });
            };
            if !seen.insert(key.to_string()) {
                return Err(SyntaxError { message: format!("key `{key}` is written twice"), span: key_span });
            }
            let (event, span) = self.next()?;
            let node = self.node(event, span)?;
            entries.push(Entry { key: key.into_owned(), key_span, node });
        }
    }

    fn count(&mut self, more: usize, span: &Range<usize>) -> Result<(), SyntaxError> {
        self.nodes += more;
        if self.nodes <= NODE_CAP {
            return Ok(());
        }
        Err(SyntaxError { message: format!("the file stands for more than {NODE_CAP} values"), span: span.clone() })
    }

    fn range(&self, span: &Span) -> Range<usize> {
        span.byte_range()
            .unwrap_or_else(|| self.byte_of_character(span.start.index())..self.byte_of_character(span.end.index()))
    }

    fn whole(&self, start: &Range<usize>, end: &Span) -> Range<usize> {
        start.start..self.range(end).end.max(start.end)
    }

    fn byte_of_character(&self, index: usize) -> usize {
        self.text.char_indices().nth(index).map_or(self.text.len(), |(at, _)| at)
    }
}

fn size(node: &Node) -> usize {
    match &node.value {
        Value::List(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Table(entries) => 1 + entries.iter().map(|entry| size(&entry.node)).sum::<usize>(),
        _ => 1,
    }
}

/// The core schema, YAML 1.2.2 section 10.3.2.
fn scalar(value: Cow<'_, str>, as_text: bool) -> Value {
    if as_text {
        return Value::Text(value.into_owned());
    }
    match value.as_ref() {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Boolean(true),
        "false" | "False" | "FALSE" => return Value::Boolean(false),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Value::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Value::Float(f64::NEG_INFINITY),
        ".nan" | ".NaN" | ".NAN" => return Value::Float(f64::NAN),
        _ => {}
    }
    if let Some(hex) = value.strip_prefix("0x").and_then(|digits| i64::from_str_radix(digits, 16).ok()) {
        return Value::Integer(hex);
    }
    if let Some(octal) = value.strip_prefix("0o").and_then(|digits| i64::from_str_radix(digits, 8).ok()) {
        return Value::Integer(octal);
    }
    let unsigned = value.strip_prefix(['+', '-']).unwrap_or(&value);
    let numeric = unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        && unsigned.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'));
    if numeric {
        if let Ok(number) = value.parse::<i64>() {
            return Value::Integer(number);
        }
        if let Ok(number) = value.parse::<f64>() {
            return Value::Float(number);
        }
    }
    Value::Text(value.into_owned())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail loudly")]
    use super::*;

    fn value_of(text: &str) -> Value {
        parse(text).unwrap().value
    }

    #[test]
    fn plain_words_follow_the_core_schema() {
        let cases = [
            ("No", Value::Text("No".into())),
            ("yes", Value::Text("yes".into())),
            ("true", Value::Boolean(true)),
            ("~", Value::Null),
            ("12", Value::Integer(12)),
            ("-0.5", Value::Float(-0.5)),
            ("1e3", Value::Float(1000.0)),
            ("0x1F", Value::Integer(31)),
            ("1.0.0", Value::Text("1.0.0".into())),
            ("2024-01-01", Value::Text("2024-01-01".into())),
            ("'12'", Value::Text("12".into())),
            ("!!str 12", Value::Text("12".into())),
        ];
        for (text, expected) in cases {
            assert_eq!(value_of(text), expected, "{text}");
        }
    }

    #[test]
    fn keys_and_values_know_their_place_behind_wide_letters() {
        let text = "größe: klein\nliste: [ä, 'b c']\nblock:\n  - name: x\n";
        let Value::Table(entries) = value_of(text) else { unreachable!("it is a table") };
        assert_eq!(&text[entries[0].key_span.clone()], "größe");
        assert_eq!(&text[entries[0].node.span.clone()], "klein");
        let Value::List(items) = &entries[1].node.value else { unreachable!("it is a list") };
        assert_eq!(&text[items[0].span.clone()], "ä");
        assert_eq!(&text[items[1].span.clone()], "'b c'");
    }

    #[test]
    fn a_bomb_of_aliases_is_refused() {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..9 {
            let before = vec![format!("*a{}", level - 1); 10].join(", ");
            text.push_str(&format!("a{level}: &a{level} [{before}]\n"));
        }
        assert!(parse(&text).unwrap_err().message.contains("more than"));
        assert!(parse("a: &a [*a]").unwrap_err().message.contains("within"));
        assert!(parse("a: 1\na: 2").unwrap_err().message.contains("twice"));
        assert!(parse("a: 1\n---\nb: 2").unwrap_err().message.contains("second"));
    }
}
