//! The place in a criterion's text while it is read: words, numbers, names, and stretches of SQL.
//!
//! What a stretch means is decided in [`parse`](mod@super::parse). Every step is linear in what it consumes.

use std::ops::Range;

use super::parse::CriterionError;

/// What a name stands for; decides how a missing one is asked for and how it is quoted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A class of the label.
    Class,
    /// A column of the evaluation table.
    Column,
    /// A baseline or a release.
    Model,
    /// A file or a behavioural test.
    File,
}

impl Place {
    fn noun(self) -> &'static str {
        match self {
            Place::Class => "a class",
            Place::Column => "a column",
            Place::Model => "a name",
            Place::File => "a file name",
        }
    }
}

/// Where a stretch of SQL ends, outside quotes and brackets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// At a clause: `for each`, `by`, `@`, a second `where`.
    Clause,
    /// At a comparison sign.
    Comparison,
}

/// Words that no bare name may be, for a sentence with a forgotten name must not read as another sentence.
const RESERVED: [&str; 8] = ["of", "where", "for", "by", "between", "with", "passes", "using"];

/// Whether a name can be written without quotes at this place.
pub(super) fn is_bare(name: &str, place: Place) -> bool {
    let reserved = RESERVED.iter().any(|word| name.eq_ignore_ascii_case(word))
        || (place == Place::Model && name.eq_ignore_ascii_case("x"));
    name.starts_with(|first: char| first.is_alphanumeric() || first == '_')
        && name.chars().all(is_name_char)
        && !reserved
        && !ends_in_subtraction(name)
}

/// `rules-0.02` is more likely a subtraction without spaces than a name.
fn ends_in_subtraction(name: &str) -> bool {
    name.rsplit_once('-')
        .is_some_and(|(_, tail)| tail.contains('.') && tail.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'))
}

fn is_name_char(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '-' | '.' | '/')
}

/// Whether a character continues a word of the language or of SQL.
pub(super) fn is_word_char(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// The length of `phrase` at the start of `text`, whatever its case; words may be joined by spaces, `_` or `-`.
pub(super) fn phrase_end(text: &str, phrase: &str) -> Option<usize> {
    let mut at = 0;
    for (index, word) in phrase.split(' ').enumerate() {
        if index > 0 {
            let rest = &text[at..];
            let spaces = rest.len() - rest.trim_start().len();
            at += if spaces == 0 && rest.starts_with(['_', '-']) { 1 } else { spaces };
            if at == text.len() - rest.len() {
                return None;
            }
        }
        if !text.get(at..at + word.len())?.eq_ignore_ascii_case(word) {
            return None;
        }
        at += word.len();
    }
    Some(at)
}

/// Whether no word goes on at the start of `rest`.
pub(super) fn at_boundary(rest: &str) -> bool {
    let mut characters = rest.chars();
    match characters.next() {
        Some('.') => !characters.next().is_some_and(|next| next.is_ascii_digit()),
        Some(next) => !is_word_char(next),
        None => true,
    }
}

/// The length of an unsigned decimal without exponent at the start of `text`.
pub(super) fn decimal_end(text: &str) -> Option<usize> {
    let digits = |from: usize| text[from..].bytes().take_while(u8::is_ascii_digit).count();
    let whole = digits(0);
    let fraction = if text[whole..].starts_with('.') { digits(whole + 1) } else { 0 };
    match (whole, fraction) {
        (0, 0) => None,
        (_, 0) => Some(whole),
        _ => Some(whole + 1 + fraction),
    }
}

/// A reading place.
#[derive(Clone)]
pub(super) struct Cursor<'a> {
    /// The whole text.
    pub(super) text: &'a str,
    /// The byte where reading goes on; always on a character's edge.
    pub(super) at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    pub(super) fn skip_space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    /// The next character that is no space.
    pub(super) fn peek(&mut self) -> Option<char> {
        self.skip_space();
        self.rest().chars().next()
    }

    /// Reads `phrase` if it is next, as whole words.
    pub(super) fn eat(&mut self, phrase: &str) -> bool {
        self.skip_space();
        match phrase_end(self.rest(), phrase) {
            Some(end) if at_boundary(&self.rest()[end..]) => {
                self.at += end;
                true
            }
            _ => false,
        }
    }

    /// Reads one of `characters` if it is next.
    pub(super) fn eat_char(&mut self, characters: &[char]) -> Option<char> {
        let found = self.peek().filter(|next| characters.contains(next))?;
        self.at += found.len_utf8();
        Some(found)
    }

    /// The stretch that an error about the next thing points at: a word, or one other character.
    pub(super) fn next_span(&mut self) -> Range<usize> {
        self.skip_space();
        let rest = self.rest();
        let length = rest.chars().take_while(|next| is_name_char(*next)).map(char::len_utf8).sum::<usize>();
        let length = if length == 0 { rest.chars().next().map_or(0, char::len_utf8) } else { length };
        self.at..self.at + length
    }

    /// An error about the next thing.
    pub(super) fn error(&mut self, message: impl Into<String>) -> CriterionError {
        CriterionError::new(self.next_span(), message)
    }

    /// The next thing as an error shows it: in backticks and shortened, or "the end".
    pub(super) fn shown_next(&mut self) -> String {
        let span = self.next_span();
        if span.is_empty() { "the end".to_owned() } else { format!("`{}`", shorten(&self.text[span])) }
    }

    /// A signed decimal number; `None`, and nothing read, when there is none.
    pub(super) fn number(&mut self) -> Result<Option<(f64, Range<usize>)>, CriterionError> {
        self.skip_space();
        let start = self.at;
        let sign = self.rest().chars().next().filter(|sign| matches!(sign, '-' | '+' | '−'));
        let digits_from = start + sign.map_or(0, char::len_utf8);
        let Some(length) = decimal_end(&self.text[digits_from..]) else {
            return Ok(None);
        };
        let mut end = digits_from + length;
        let exponent =
            self.text[end..].strip_prefix(['e', 'E']).map(|tail| tail.strip_prefix(['-', '+']).unwrap_or(tail));
        if let Some(tail) = exponent.filter(|tail| tail.starts_with(|first: char| first.is_ascii_digit())) {
            end = self.text.len() - tail.trim_start_matches(|digit: char| digit.is_ascii_digit()).len();
        }
        let span = start..end;
        self.refuse_number_tail(&span)?;
        let digits = &self.text[digits_from..end];
        let magnitude: f64 = digits
            .parse()
            .map_err(|_| CriterionError::new(span.clone(), format!("`{}` is no number", shorten(digits))))?;
        let mantissa = digits.split(['e', 'E']).next().unwrap_or(digits);
        let underflow = magnitude == 0.0 && mantissa.bytes().any(|digit| matches!(digit, b'1'..=b'9'));
        if !magnitude.is_finite() || underflow {
            let size = if underflow { "small" } else { "large" };
            return Err(CriterionError::new(span, format!("`{}` is too {size} a number", shorten(digits))));
        }
        self.at = end;
        let negative = matches!(sign, Some('-' | '−'));
        Ok(Some((if negative { 0.0 - magnitude } else { magnitude }, span)))
    }

    /// Thousands signs and decimal commas are refused, for they mean different numbers to different readers.
    fn refuse_number_tail(&self, span: &Range<usize>) -> Result<(), CriterionError> {
        let mut tail = self.text[span.end..].chars();
        let (mark, digit) = (tail.next(), tail.next());
        let more_digits = digit.is_some_and(|digit| digit.is_ascii_digit());
        if !(matches!(mark, Some(',' | '_' | '\'' | '.')) && more_digits) {
            return Ok(());
        }
        let rest = self.text[span.end..]
            .trim_start_matches(|next: char| next.is_ascii_digit() || matches!(next, ',' | '_' | '\'' | '.'));
        let whole = span.start..self.text.len() - rest.len();
        let written = &self.text[whole.clone()];
        let mut error = CriterionError::new(whole, format!("`{}` is no number of this language", shorten(written)));
        if mark == Some(',') {
            error =
                error.hint(format!("write the decimal sign as a point: `{}`", shorten(&written.replacen(',', ".", 1))));
        }
        Err(error.hint("write digits without thousands signs: `1000`"))
    }

    /// A name: bare, or in single or double quotes (a quote inside is doubled).
    pub(super) fn name(&mut self, place: Place) -> Result<(String, Range<usize>), CriterionError> {
        let first = self.peek();
        let start = self.at;
        if let Some(quote @ ('\'' | '"')) = first {
            let end = start + quoted_end(self.rest(), quote).ok_or_else(|| unclosed(start, quote))?;
            let inside = &self.text[start + 1..end - 1];
            if inside.is_empty() {
                return Err(CriterionError::new(start..end, format!("{} cannot be empty", place.noun())));
            }
            self.at = end;
            return Ok((inside.replace(&format!("{quote}{quote}"), &quote.to_string()), start..end));
        }
        let rest = self.rest();
        let end = start + rest.find(|next| !is_name_char(next)).unwrap_or(rest.len());
        let name = &self.text[start..end];
        let next = self.text[end..].chars().next();
        let ends_well = next.is_none_or(|next| {
            next.is_whitespace()
                || matches!(next, '<' | '>' | '=' | '!' | '≥' | '≤' | '@')
                || (place == Place::Model && matches!(next, '+' | '−' | '*' | '×'))
        });
        if is_bare(name, place) && ends_well {
            self.at = end;
            return Ok((name.to_owned(), start..end));
        }
        Err(self.no_bare_name(place))
    }

    fn no_bare_name(&mut self, place: Place) -> CriterionError {
        let start = self.at;
        let rest = self.rest();
        let end = start + rest.find(char::is_whitespace).unwrap_or(rest.len());
        let word = &self.text[start..end];
        // A name such as `<=50K` starts with a sign too; `>=0.9` is a bound whose name was forgotten.
        let bound = word.trim_start_matches(['<', '>', '=', '!', '≥', '≤']).trim_end_matches('%');
        let needs_quotes = word.chars().any(char::is_alphanumeric) && bound.parse::<f64>().is_err();
        if !needs_quotes {
            let next = self.shown_next();
            return self.error(format!("{} is expected here, not {next}", place.noun()));
        }
        let error = CriterionError::new(start..end, format!("`{}` needs quotes to be {}", shorten(word), place.noun()));
        let error = error.hint(format!("write `'{}'`", shorten(word)));
        match word.rsplit_once('-') {
            Some((name, number)) if ends_in_subtraction(word) => {
                error.hint(format!("or, for a difference, put spaces around the sign: `{} - {number}`", shorten(name)))
            }
            _ => error,
        }
    }

    /// A stretch of SQL up to `stop` or the end: quotes and brackets balanced, one expression, not empty.
    pub(super) fn sql(&mut self, stop: Stop, what: &str) -> Result<String, CriterionError> {
        self.skip_space();
        let start = self.at;
        let end = sql_end(self.text, start, stop)?;
        let sql = self.text[start..end].trim();
        if sql.is_empty() {
            return Err(self.error(format!("{what} is expected here")));
        }
        self.at = end;
        Ok(sql.to_owned())
    }
}

/// At most 40 characters of a text, for a message.
pub(super) fn shorten(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn unclosed(start: usize, sign: char) -> CriterionError {
    CriterionError::new(start..start + sign.len_utf8(), format!("this {sign} is never closed"))
}

/// The length of the quoted stretch that `text` starts with; a doubled quote does not end it.
fn quoted_end(text: &str, quote: char) -> Option<usize> {
    let mut at = 1;
    loop {
        at += text.get(at..)?.find(quote)? + 1;
        if !text[at..].starts_with(quote) {
            return Some(at);
        }
        at += 1;
    }
}

/// Where the SQL that starts at `start` ends: at `stop`, or at the end of the text.
pub(super) fn sql_end(text: &str, start: usize, stop: Stop) -> Result<usize, CriterionError> {
    let mut at = start;
    let mut open: Vec<(usize, char)> = Vec::new();
    while let Some(next) = text[at..].chars().next() {
        let rest = &text[at..];
        if open.is_empty() && stops(text, at, stop)? {
            return Ok(at);
        }
        match next {
            '\'' | '"' => at += quoted_end(rest, next).ok_or_else(|| unclosed(at, next))?,
            '(' | '[' | '{' => {
                open.push((at, next));
                at += 1;
            }
            ')' | ']' | '}' => {
                close(&mut open, at, next)?;
                at += 1;
            }
            _ if next == ';' || rest.starts_with("--") || rest.starts_with("/*") => {
                let sign = if next == ';' { ";" } else { &rest[..2] };
                return Err(CriterionError::new(
                    at..at + sign.len(),
                    format!("`{sign}` has no place in a criterion's SQL"),
                )
                .hint("write one expression, without comments"));
            }
            _ if is_word_char(next) => at += rest.find(|next| !is_word_char(next)).unwrap_or(rest.len()),
            _ => at += next.len_utf8(),
        }
    }
    match open.pop() {
        Some((place, sign)) => Err(unclosed(place, sign)),
        None => Ok(at),
    }
}

fn close(open: &mut Vec<(usize, char)>, at: usize, sign: char) -> Result<(), CriterionError> {
    let opening = match sign {
        ')' => '(',
        ']' => '[',
        _ => '{',
    };
    match open.pop() {
        Some((_, last)) if last == opening => Ok(()),
        Some((_, last)) => Err(CriterionError::new(at..at + 1, format!("`{sign}` closes a `{last}`"))),
        None => Err(CriterionError::new(at..at + 1, format!("this `{sign}` was never opened"))),
    }
}

/// Whether the SQL stops at `at`, which is outside quotes and brackets and, for words, a word's first character.
fn stops(text: &str, at: usize, stop: Stop) -> Result<bool, CriterionError> {
    let rest = &text[at..];
    let whole_word = |phrase: &str| phrase_end(rest, phrase).is_some_and(|end| at_boundary(&rest[end..]));
    if stop == Stop::Comparison {
        return Ok(rest.starts_with(['<', '>', '=', '!', '≥', '≤']) || whole_word("where"));
    }
    // `@>`, `<@` and `@@` are operators of SQL.
    if let Some(tail) = rest.strip_prefix('@') {
        return Ok(!tail.starts_with(['>', '@']) && !text[..at].ends_with(['<', '@']));
    }
    if whole_word("for") && !whole_word("for each") {
        return Err(CriterionError::new(at..at + 3, "`for` stands alone: did you mean `for each`?")
            .hint("write `for each COLUMN`, or `\"for\"` in quotes for a column of that name"));
    }
    Ok(whole_word("by") || whole_word("for each") || whole_word("where"))
}
