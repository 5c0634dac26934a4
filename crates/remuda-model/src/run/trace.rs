//! Traces: what one call of a program did, span by span, and how people or judges assessed it.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A trace without its spans. Times are milliseconds since 1970.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace {
    /// Its id.
    pub id: String,
    /// The number of its experiment.
    pub experiment: i64,
    /// Its name; empty when it has none.
    pub name: String,
    /// `OK`, `ERROR`, `IN_PROGRESS` or `STATE_UNSPECIFIED`.
    pub status: String,
    /// When it began.
    pub started: i64,
    /// How long it took, in milliseconds.
    pub duration: Option<i64>,
    /// The id that its caller gave it.
    pub caller: Option<String>,
    /// The rest.
    pub document: TraceDocument,
}

/// What of a trace is only shown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TraceDocument {
    /// The beginning of its request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// The beginning of its response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<String>,
    /// Tags, which can be changed.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Metadata, which cannot.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
    /// Its caller has said all about it: spans that come later change nothing of this.
    #[serde(default)]
    pub told: bool,
}

/// A span. Times are nanoseconds since 1970.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceSpan {
    /// Its id, hexadecimal.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it is: `LLM`, `TOOL`, `UNKNOWN`.
    pub kind: String,
    /// `OK`, `ERROR` or `UNSET`.
    pub status: String,
    /// When it began.
    pub started: i64,
    /// When it ended.
    pub ended: i64,
    /// It has no parent.
    pub root: bool,
    /// All of it, as it came.
    pub content: Vec<u8>,
}

/// An assessment of a trace.
#[derive(Clone, Debug, PartialEq)]
pub struct Assessment {
    /// Its id.
    pub id: String,
    /// What is assessed: `correctness`.
    pub name: String,
    /// `feedback`, `expectation` or `issue`.
    pub kind: String,
    /// The value, as JSON.
    pub value: String,
    /// When it was made, milliseconds since 1970.
    pub created: i64,
    /// All of it, as JSON.
    pub document: String,
}

/// What a filter of traces looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TraceKey {
    /// The id.
    Id,
    /// The id that its caller gave it.
    Caller,
    /// The name.
    Name,
    /// The status.
    Status,
    /// The experiment.
    Experiment,
    /// The beginning, milliseconds since 1970.
    Started,
    /// The length, milliseconds.
    Duration,
    /// The end, milliseconds since 1970.
    Ended,
    /// A tag.
    Tag(String),
    /// A word of the metadata.
    Metadata(String),
    /// The name, kind or status of any of its spans.
    Span(&'static str),
    /// The value of a feedback or an expectation.
    Assessment(&'static str, String),
}

impl TraceKey {
    /// Whether it is compared as a number.
    pub fn is_number(&self) -> bool {
        matches!(self, TraceKey::Started | TraceKey::Duration | TraceKey::Ended)
    }
}

/// How it is tested.
#[derive(Clone, Debug, PartialEq)]
pub enum TraceTest {
    /// `=`, `!=`, `<`, `<=`, `>`, `>=` with a number.
    Number(&'static str, f64),
    /// `=` (or, when true, `!=`) with a text.
    Text(String, bool),
    /// `LIKE`; when true, without regard to upper and lower case.
    Like(String, bool),
    /// `IN`; when true, `NOT IN`.
    In(Vec<String>, bool),
    /// It is there, or is not.
    There(bool),
}

/// One comparison of a filter; all must hold.
pub type TraceClause = (TraceKey, TraceTest);

/// A word of a filter.
#[derive(Clone, Debug, PartialEq)]
enum Word {
    /// A name, with dots; parts in quotes or backticks are joined in.
    Name(String),
    Text(String),
    Number(f64),
    Sign(&'static str),
    Open,
    Close,
    Comma,
}

/// Reads a filter: comparisons joined by `AND`.
///
/// # Errors
/// What is wrong with it, as a sentence without full stop.
pub fn parse_filter(text: &str) -> Result<Vec<TraceClause>, String> {
    let words = words(text)?;
    let mut rest = words.as_slice();
    let mut clauses = Vec::new();
    while !rest.is_empty() {
        if !clauses.is_empty() {
            rest = keyword(rest, "AND").ok_or("comparisons are joined by AND")?;
        }
        let (Some(Word::Name(name)), after) = (rest.first(), rest.get(1..).unwrap_or_default()) else {
            return Err("a comparison begins with the name of an attribute, tag or metadata".to_owned());
        };
        let key = key(name)?;
        let (test, after) = test(&key, after)?;
        clauses.push((key, test));
        rest = after;
    }
    Ok(clauses)
}

/// Reads an order: a key, and whether the greatest comes first.
///
/// # Errors
/// What is wrong with it.
pub fn parse_order(text: &str) -> Result<(TraceKey, bool), String> {
    let words = words(text)?;
    let Some((Word::Name(name), rest)) = words.split_first() else {
        return Err("an order begins with the name of an attribute, tag or metadata".to_owned());
    };
    let key = key(name)?;
    match rest {
        [] => Ok((key, false)),
        [Word::Name(word)] if word.eq_ignore_ascii_case("ASC") => Ok((key, false)),
        [Word::Name(word)] if word.eq_ignore_ascii_case("DESC") => Ok((key, true)),
        _ => Err("an order ends with ASC or DESC".to_owned()),
    }
}

fn keyword<'a>(words: &'a [Word], wanted: &str) -> Option<&'a [Word]> {
    match words.split_first() {
        Some((Word::Name(name), rest)) if name.eq_ignore_ascii_case(wanted) => Some(rest),
        _ => None,
    }
}

fn key(name: &str) -> Result<TraceKey, String> {
    let (kind, rest) = name.split_once('.').unwrap_or(("attribute", name));
    let rest_of =
        |rest: &str| if rest.is_empty() { Err(format!("`{name}` names nothing")) } else { Ok(rest.to_owned()) };
    match kind.to_ascii_lowercase().as_str() {
        "attribute" | "attributes" | "trace" | "attr" => attribute(rest),
        "tag" | "tags" => Ok(TraceKey::Tag(rest_of(rest)?)),
        "metadata" | "request_metadata" => Ok(TraceKey::Metadata(rest_of(rest)?)),
        "feedback" => Ok(TraceKey::Assessment("feedback", rest_of(rest)?)),
        "expectation" => Ok(TraceKey::Assessment("expectation", rest_of(rest)?)),
        "span" => match rest {
            "name" => Ok(TraceKey::Span("name")),
            "type" => Ok(TraceKey::Span("kind")),
            "status" => Ok(TraceKey::Span("status")),
            _ => Err(format!("`{name}` cannot be searched: span.name, span.type and span.status can")),
        },
        _ => {
            Err(format!("`{kind}` is no part of a trace: attributes, tags, metadata, span, feedback, expectation are"))
        }
    }
}

fn attribute(name: &str) -> Result<TraceKey, String> {
    Ok(match name.to_ascii_lowercase().as_str() {
        "request_id" | "trace_id" => TraceKey::Id,
        "client_request_id" => TraceKey::Caller,
        "name" => TraceKey::Name,
        "status" | "state" => TraceKey::Status,
        "experiment_id" => TraceKey::Experiment,
        "timestamp" | "timestamp_ms" | "request_time" => TraceKey::Started,
        "execution_time" | "execution_time_ms" => TraceKey::Duration,
        "end_time" | "end_time_ms" => TraceKey::Ended,
        "run_id" => TraceKey::Metadata("mlflow.sourceRun".to_owned()),
        "prompt" => TraceKey::Tag("mlflow.linkedPrompts".to_owned()),
        other => {
            return Err(format!(
                "Invalid attribute key '{other}' specified: a trace has request_id, client_request_id, name, status, timestamp_ms, execution_time_ms, end_time_ms and run_id"
            ));
        }
    })
}

fn test<'a>(key: &TraceKey, words: &'a [Word]) -> Result<(TraceTest, &'a [Word]), String> {
    if let Some(rest) = keyword(words, "IS") {
        return match keyword(rest, "NOT") {
            Some(rest) => keyword(rest, "NULL").map(|rest| (TraceTest::There(true), rest)),
            None => keyword(rest, "NULL").map(|rest| (TraceTest::There(false), rest)),
        }
        .ok_or_else(|| "write IS NULL or IS NOT NULL".to_owned());
    }
    let negated = keyword(words, "NOT");
    if let Some(rest) = keyword(negated.unwrap_or(words), "IN") {
        let (list, rest) = list(rest)?;
        return Ok((TraceTest::In(list, negated.is_some()), rest));
    }
    for (word, fold_case) in [("LIKE", false), ("ILIKE", true)] {
        if let Some(rest) = keyword(words, word) {
            return match rest.split_first() {
                Some((Word::Text(text), rest)) => Ok((TraceTest::Like(text.clone(), fold_case), rest)),
                _ => Err(format!("behind {word} stands a text in quotes")),
            };
        }
    }
    match words {
        [Word::Sign(sign), Word::Number(number), rest @ ..] if key.is_number() => {
            Ok((TraceTest::Number(sign, *number), rest))
        }
        [Word::Sign(sign), Word::Number(number), rest @ ..] if matches!(key, TraceKey::Assessment(..)) => {
            Ok((TraceTest::Number(sign, *number), rest))
        }
        [Word::Sign(sign @ ("=" | "!=")), value @ (Word::Text(_) | Word::Name(_)), rest @ ..] if !key.is_number() => {
            let (Word::Text(text) | Word::Name(text)) = value else { return Err(String::new()) };
            Ok((TraceTest::Text(text.clone(), *sign == "!="), rest))
        }
        _ if key.is_number() => Err("this is compared with a number, by = != < <= > >=".to_owned()),
        _ => Err("this is compared with a text in quotes, by = != LIKE ILIKE IN or IS NULL".to_owned()),
    }
}

fn list(words: &[Word]) -> Result<(Vec<String>, &[Word]), String> {
    let wrong = || "behind IN stands a list of texts: ('a', 'b')".to_owned();
    let [Word::Open, rest @ ..] = words else { return Err(wrong()) };
    let mut rest = rest;
    let mut texts = Vec::new();
    loop {
        match rest {
            [Word::Text(text), Word::Comma, after @ ..] => {
                texts.push(text.clone());
                rest = after;
            }
            [Word::Text(text), Word::Close, after @ ..] => {
                texts.push(text.clone());
                return Ok((texts, after));
            }
            _ => return Err(wrong()),
        }
    }
}

fn words(text: &str) -> Result<Vec<Word>, String> {
    const SIGNS: [&str; 6] = ["!=", "<=", ">=", "=", "<", ">"];
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
            words.push(Word::Sign(sign));
            rest = &rest[sign.len()..];
        } else if matches!(first, '(' | ')' | ',') {
            words.push(match first {
                '(' => Word::Open,
                ')' => Word::Close,
                _ => Word::Comma,
            });
            rest = &rest[1..];
        } else if matches!(first, '\'' | '"') {
            let (inside, after) = quoted(rest, first)?;
            words.push(Word::Text(inside));
            rest = after;
        } else {
            let (word, after) = plain(rest)?;
            words.push(word);
            rest = after;
        }
        rest = rest.trim_start();
    }
    Ok(words)
}

fn quoted(rest: &str, quote: char) -> Result<(String, &str), String> {
    let inside = &rest[quote.len_utf8()..];
    let end = inside.find(quote).ok_or_else(|| format!("a {quote} is opened and never closed"))?;
    Ok((inside[..end].to_owned(), &inside[end + quote.len_utf8()..]))
}

/// A number, or a name whose parts may be quoted.
fn plain(mut rest: &str) -> Result<(Word, &str), String> {
    let mut word = String::new();
    let mut was_quoted = false;
    while let Some(letter) = rest.chars().next() {
        if letter == '`' || (letter == '"' && word.ends_with('.')) {
            let (inside, after) = quoted(rest, letter)?;
            word.push_str(&inside);
            was_quoted = true;
            rest = after;
        } else if letter.is_whitespace() || "=!<>(),'\"".contains(letter) {
            break;
        } else {
            word.push(letter);
            rest = &rest[letter.len_utf8()..];
        }
    }
    if word.is_empty() {
        return Err(format!("`{rest}` cannot be read"));
    }
    match word.parse::<f64>() {
        Ok(number) if !was_quoted && number.is_finite() => Ok((Word::Number(number), rest)),
        _ => Ok((Word::Name(word), rest)),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

    use super::*;

    #[test]
    fn a_filter_is_read_as_its_writer_means_it() {
        let text = "status = 'OK' AND attributes.timestamp_ms > 17 AND tags.`a b` LIKE '%x' AND metadata.user != \"ana\" \
            and trace.name IN ('p', 'q') AND request_metadata.k IS NOT NULL AND span.type = 'LLM' AND feedback.good = 'true'";
        let all = parse_filter(text).unwrap();
        let expected = vec![
            (TraceKey::Status, TraceTest::Text("OK".into(), false)),
            (TraceKey::Started, TraceTest::Number(">", 17.0)),
            (TraceKey::Tag("a b".into()), TraceTest::Like("%x".into(), false)),
            (TraceKey::Metadata("user".into()), TraceTest::Text("ana".into(), true)),
            (TraceKey::Name, TraceTest::In(vec!["p".into(), "q".into()], false)),
            (TraceKey::Metadata("k".into()), TraceTest::There(true)),
            (TraceKey::Span("kind"), TraceTest::Text("LLM".into(), false)),
            (TraceKey::Assessment("feedback", "good".into()), TraceTest::Text("true".into(), false)),
        ];
        assert_eq!(all, expected);
        assert_eq!(parse_filter("  ").unwrap(), Vec::new());
        assert_eq!(parse_order("timestamp_ms DESC").unwrap(), (TraceKey::Started, true));
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_a_reason() {
        for bad in [
            "status",
            "status = ",
            "status = 'OK' OR name = 'x'",
            "timestamp > 'x'",
            "name IN ()",
            "x.y = 'a'",
            "status = 'OK",
            "colour = 'x'",
            "span.depth = '1'",
            "tags. = 'x'",
            "= 'x'",
            "name > 'a'",
            "tags.`a = 'x'",
        ] {
            assert!(!parse_filter(bad).unwrap_err().is_empty(), "{bad}");
        }
        assert!(parse_order("timestamp sideways").is_err());
        assert!(parse_order("").is_err());
    }
}
