//! Reading a filter: words, then clauses, with the place of what is wrong.

use super::{Attribute, Comparison, DatasetPart, Filter, Key, Test};
use std::ops::Range;
use thiserror::Error;

/// Brackets and `NOT`s within each other at most: a filter comes from anywhere.
const DEPTH: usize = 64;

/// What stands before the dot of a key, and what it means.
const PREFIXES: [(&str, &[&str]); 5] = [
    ("metrics", &["metrics", "metric"]),
    ("params", &["params", "param", "parameters", "parameter"]),
    ("tags", &["tags", "tag"]),
    ("attributes", &["attributes", "attribute", "attr", "run"]),
    ("datasets", &["datasets", "dataset"]),
];

/// What is wrong with a filter.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{message}")]
pub struct FilterError {
    /// One sentence.
    pub message: String,
    /// The bytes of the text that it is about.
    pub span: Range<usize>,
    /// What to write instead.
    pub hint: String,
}

impl FilterError {
    fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { message: message.into(), span, hint: String::new() }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }
}

/// Reads a filter; an empty text wants every run.
///
/// ```
/// use remuda_model::run::filter::parse;
/// let filter = parse("metrics.auc > 0.8 AND (params.depth IN ('4', '6') OR NOT tags.`mlflow.user` = 'ana')")?;
/// assert_eq!(parse(&filter.to_string())?, filter);
/// # Ok::<(), remuda_model::run::filter::FilterError>(())
/// ```
///
/// # Errors
/// A word that is not understood, with its place and what to write instead.
pub fn parse(text: &str) -> Result<Filter, FilterError> {
    let mut reader = Reader { text, words: words(text)?, at: 0 };
    if reader.words.is_empty() {
        return Ok(Filter::All(Vec::new()));
    }
    let filter = reader.any(0)?;
    match reader.peek() {
        None => Ok(filter),
        Some(word) => {
            let error = FilterError::new(word.span.clone(), format!("`{}` was not expected here", reader.shown(word)));
            Err(error.hint("join comparisons with AND or OR"))
        }
    }
}

/// One word of a filter.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Word {
    pub(super) kind: Kind,
    pub(super) span: Range<usize>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// Letters, with the names in backticks or quotes behind a dot taken in: `metrics.auc`.
    Name(String),
    /// In single or double quotes.
    Text(String),
    Number(f64),
    /// `=`, `(`, `,`
    Sign(&'static str),
}

/// The words of a text.
pub(super) fn words(text: &str) -> Result<Vec<Word>, FilterError> {
    const SIGNS: [&str; 12] = ["!=", "<>", ">=", "<=", "==", "=", ">", "<", "(", ")", ",", ";"];
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        if first.is_whitespace() {
            at += first.len_utf8();
        } else if first == '\'' || first == '"' && !is_key_start(&words) {
            let end = closing(text, at, first)?;
            words.push(Word { kind: Kind::Text(unquoted(&text[at + 1..end - 1], first)), span: at..end });
            at = end;
        } else if let Some(sign) = SIGNS.iter().find(|sign| text[at..].starts_with(**sign)) {
            words.push(Word { kind: Kind::Sign(sign), span: at..at + sign.len() });
            at += sign.len();
        } else {
            let end = name_end(text, at)?;
            if end == at {
                let error = FilterError::new(at..at + first.len_utf8(), format!("`{first}` was not expected here"));
                return Err(error.hint("the signs are =, !=, >, >=, <, <=, ( and )"));
            }
            let raw = &text[at..end];
            let numeric = first.is_ascii_digit() || matches!(first, '-' | '+' | '.');
            let kind = match raw.parse::<f64>() {
                Ok(number) if numeric => Kind::Number(number),
                _ => Kind::Name(raw.to_owned()),
            };
            words.push(Word { kind, span: at..end });
            at = end;
        }
    }
    Ok(words)
}

/// Whether a key can begin here, which may stand in double quotes.
fn is_key_start(words: &[Word]) -> bool {
    match words.last().map(|word| &word.kind) {
        None | Some(Kind::Sign("(")) => !matches!(
            words.len().checked_sub(2).and_then(|place| words.get(place)).map(|word| &word.kind),
            Some(Kind::Name(name)) if name.eq_ignore_ascii_case("in")
        ),
        Some(Kind::Name(name)) => ["and", "or", "not"].iter().any(|word| name.eq_ignore_ascii_case(word)),
        _ => false,
    }
}

/// Where a name ends: at a space, a sign or a comma, but not within backticks or quotes behind a dot.
fn name_end(text: &str, start: usize) -> Result<usize, FilterError> {
    let mut at = start;
    while let Some(character) = text[at..].chars().next() {
        let behind_dot = text[..at].ends_with('.');
        let opens = character == '`'
            || character == '"' && (at == start || behind_dot)
            || character == '\'' && at > start && behind_dot;
        if opens {
            at = closing(text, at, character)?;
        } else if character.is_whitespace() || "=!<>(),;'\"".contains(character) {
            break;
        } else {
            at += character.len_utf8();
        }
    }
    Ok(at)
}

/// The place behind the quote that closes one; a doubled quote stands for itself.
fn closing(text: &str, start: usize, quote: char) -> Result<usize, FilterError> {
    let mut at = start + 1;
    while let Some(length) = text[at..].find(quote) {
        at += length + 1;
        if !text[at..].starts_with(quote) {
            return Ok(at);
        }
        at += 1;
    }
    Err(FilterError::new(start..text.len(), "a quote is not closed").hint(format!("end it with {quote}")))
}

fn unquoted(inner: &str, quote: char) -> String {
    inner.replace(&format!("{quote}{quote}"), &quote.to_string())
}

struct Reader<'a> {
    text: &'a str,
    words: Vec<Word>,
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<&Word> {
        self.words.get(self.at)
    }

    fn shown(&self, word: &Word) -> String {
        self.text[word.span.clone()].to_owned()
    }

    /// The place behind the last word.
    fn end(&self) -> Range<usize> {
        self.text.trim_end().len()..self.text.len()
    }

    fn next(&mut self, wanted: &str) -> Result<Word, FilterError> {
        let word = self.words.get(self.at).cloned();
        self.at += 1;
        word.ok_or_else(|| FilterError::new(self.end(), format!("{wanted} is missing at the end")))
    }

    fn takes(&mut self, keyword: &str) -> bool {
        let is = |word: &Word| matches!(&word.kind, Kind::Name(name) if name.eq_ignore_ascii_case(keyword));
        let taken = self.peek().is_some_and(is);
        self.at += usize::from(taken);
        taken
    }

    fn takes_sign(&mut self, wanted: &str) -> bool {
        let taken = self.peek().is_some_and(|word| matches!(word.kind, Kind::Sign(sign) if sign == wanted));
        self.at += usize::from(taken);
        taken
    }

    fn any(&mut self, depth: usize) -> Result<Filter, FilterError> {
        let mut parts = vec![self.all(depth)?];
        while self.takes("or") {
            parts.push(self.all(depth)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Filter::Any(parts) })
    }

    fn all(&mut self, depth: usize) -> Result<Filter, FilterError> {
        let mut parts = vec![self.one(depth)?];
        while self.takes("and") {
            parts.push(self.one(depth)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Filter::All(parts) })
    }

    fn one(&mut self, depth: usize) -> Result<Filter, FilterError> {
        if depth > DEPTH {
            let span = self.peek().map_or(self.end(), |word| word.span.clone());
            return Err(FilterError::new(span, format!("more than {DEPTH} brackets within each other")));
        }
        if self.takes("not") {
            return Ok(Filter::Not(Box::new(self.one(depth + 1)?)));
        }
        if self.takes_sign("(") {
            let inner = self.any(depth + 1)?;
            if !self.takes_sign(")") {
                let span = self.peek().map_or(self.end(), |word| word.span.clone());
                return Err(FilterError::new(span, "a bracket is not closed").hint("write )"));
            }
            return Ok(inner);
        }
        let word = self.next("a comparison")?;
        let key = match &word.kind {
            Kind::Name(name) => key(name, &word.span)?,
            _ => {
                let text = format!("`{}` is nothing that a run has", self.shown(&word));
                return Err(
                    FilterError::new(word.span, text).hint("begin with metrics., params., tags. or an attribute")
                );
            }
        };
        let test = self.test(&key)?;
        Ok(Filter::Is(key, test))
    }

    fn test(&mut self, key: &Key) -> Result<Test, FilterError> {
        if self.takes("is") {
            let absent = !self.takes("not");
            let word = self.next("NULL")?;
            return match &word.kind {
                Kind::Name(name) if name.eq_ignore_ascii_case("null") && absent => Ok(Test::Absent),
                Kind::Name(name) if name.eq_ignore_ascii_case("null") => Ok(Test::Present),
                _ => {
                    Err(FilterError::new(word.span, "IS compares with NULL only").hint("write IS NULL or IS NOT NULL"))
                }
            };
        }
        let negated = self.takes("not");
        let word = self.next("a comparison sign")?;
        match &word.kind {
            Kind::Name(name) if name.eq_ignore_ascii_case("in") => self.list(key, negated),
            Kind::Name(name) if name.eq_ignore_ascii_case("like") || name.eq_ignore_ascii_case("ilike") => {
                if negated {
                    return Err(
                        FilterError::new(word.span, "NOT LIKE is not known").hint("write NOT key LIKE 'pattern'")
                    );
                }
                let fold_case = name.eq_ignore_ascii_case("ilike");
                is_text(key, &word.span)?;
                let pattern = self.quoted()?;
                Ok(Test::Like { pattern, fold_case })
            }
            Kind::Sign(sign) if !negated => self.compared(key, sign, &word.span),
            _ => {
                let text = format!("`{}` is no comparison", self.shown(&word));
                Err(FilterError::new(word.span, text).hint("write =, !=, >, >=, <, <=, LIKE, ILIKE, IN or IS NULL"))
            }
        }
    }

    fn compared(&mut self, key: &Key, sign: &str, span: &Range<usize>) -> Result<Test, FilterError> {
        let comparison = match sign {
            "=" | "==" => Comparison::Equal,
            "!=" | "<>" => Comparison::NotEqual,
            ">" => Comparison::Greater,
            ">=" => Comparison::AtLeast,
            "<" => Comparison::Less,
            "<=" => Comparison::AtMost,
            other => return Err(FilterError::new(span.clone(), format!("`{other}` is no comparison"))),
        };
        let word = self.next("a value")?;
        let of_numbers = is_number(key);
        let number = match &word.kind {
            Kind::Number(number) => Some(*number),
            Kind::Name(name) => special(name),
            _ => None,
        };
        if let Some(number) = number.filter(|_| of_numbers || matches!(key, Key::Parameter(_) | Key::Tag(_))) {
            return Ok(Test::Number(comparison, number));
        }
        match (word.kind, comparison) {
            (Kind::Text(text), Comparison::Equal) if !of_numbers => Ok(Test::Equals(text)),
            (Kind::Text(text), Comparison::NotEqual) if !of_numbers => Ok(Test::Differs(text)),
            (Kind::Text(_), _) if !of_numbers => {
                Err(FilterError::new(span.clone(), format!("texts are not compared with `{sign}`"))
                    .hint("write =, !=, LIKE, ILIKE or IN, or a number without quotes"))
            }
            _ if of_numbers => {
                Err(FilterError::new(word.span, format!("{key} is a number")).hint("write a number without quotes"))
            }
            _ => Err(FilterError::new(word.span, format!("{key} is a text")).hint("put the value in single quotes")),
        }
    }

    fn list(&mut self, key: &Key, negated: bool) -> Result<Test, FilterError> {
        let open = self.next("(")?;
        if open.kind != Kind::Sign("(") {
            return Err(FilterError::new(open.span, "IN is followed by a list").hint("write IN ('one', 'another')"));
        }
        is_text(key, &open.span)?;
        let mut values = Vec::new();
        loop {
            values.push(self.quoted()?);
            let word = self.next(")")?;
            match word.kind {
                Kind::Sign(",") => {}
                Kind::Sign(")") => return Ok(if negated { Test::NotIn(values) } else { Test::In(values) }),
                _ => return Err(FilterError::new(word.span, "a list goes on with a comma").hint("write , or )")),
            }
        }
    }

    fn quoted(&mut self) -> Result<String, FilterError> {
        let word = self.next("a text in quotes")?;
        match word.kind {
            Kind::Text(text) => Ok(text),
            _ => {
                let text = format!("`{}` is no text", self.shown(&word));
                Err(FilterError::new(word.span, text).hint("put it in single quotes"))
            }
        }
    }
}

fn special(name: &str) -> Option<f64> {
    let name = name.trim_start_matches(['+', '-']);
    let known = ["nan", "inf", "infinity"].iter().any(|word| name.eq_ignore_ascii_case(word));
    if known { name.parse().ok() } else { None }
}

fn is_number(key: &Key) -> bool {
    matches!(key, Key::Metric(_)) || matches!(key, Key::Attribute(attribute) if attribute.is_number())
}

fn is_text(key: &Key, span: &Range<usize>) -> Result<(), FilterError> {
    if is_number(key) {
        return Err(
            FilterError::new(span.clone(), format!("{key} is a number")).hint("compare it with =, !=, >, >=, <, <=")
        );
    }
    Ok(())
}

/// The key that a name stands for: `PREFIX.NAME`, the name bare, in backticks or in quotes.
pub(super) fn key(raw: &str, span: &Range<usize>) -> Result<Key, FilterError> {
    let quote = |name: &str| name.starts_with(['`', '"', '\'']);
    let bare = |name: &str| match name.chars().next() {
        Some(mark @ ('`' | '"' | '\'')) if name.len() >= 2 && name.ends_with(mark) => {
            unquoted(&name[1..name.len() - 1], mark)
        }
        _ => name.to_owned(),
    };
    let (prefix, name) = match raw.split_once('.') {
        Some((prefix, name)) if !quote(raw) => (prefix, name),
        _ => ("attributes", raw),
    };
    let meant = PREFIXES.iter().find(|(_, words)| words.iter().any(|word| prefix.eq_ignore_ascii_case(word)));
    let Some((meant, _)) = meant else {
        let known = PREFIXES.iter().map(|(word, _)| *word);
        let error =
            FilterError::new(span.start..span.start + prefix.len(), format!("`{prefix}.` is nothing that a run has"));
        return Err(match crate::text::nearest(prefix, known) {
            Some(near) => error.hint(format!("did you mean `{near}.`?")),
            None => error.hint("write metrics., params., tags., attributes. or datasets."),
        });
    };
    let name = bare(name);
    if name.is_empty() {
        return Err(FilterError::new(span.clone(), format!("a name is missing behind `{prefix}.`")));
    }
    match *meant {
        "metrics" => Ok(Key::Metric(name)),
        "params" => Ok(Key::Parameter(name)),
        "tags" => Ok(Key::Tag(name)),
        "datasets" => {
            let found = DatasetPart::ALL.into_iter().find(|part| part.as_str().eq_ignore_ascii_case(&name));
            found.map(Key::Dataset).ok_or_else(|| {
                FilterError::new(span.clone(), format!("a dataset has no `{name}`"))
                    .hint("write name, digest or context")
            })
        }
        _ => Attribute::parse(&name).map(Key::Attribute).ok_or_else(|| {
            let error = FilterError::new(span.clone(), format!("a run has no attribute `{name}`"));
            let known = Attribute::ALL.into_iter().map(Attribute::as_str);
            match crate::text::nearest(&name, known) {
                Some(near) => error.hint(format!("did you mean `{near}`?")),
                None => error.hint(format!("for a parameter write params.{name}, for a metric metrics.{name}")),
            }
        }),
    }
}
