//! The parser: a line of text becomes a [`Criterion`], or an error that says where and what to write instead.
//!
//! Recursive descent over the private `cursor`; bounds are read in [`super::bound`]. Whether columns, classes, files and
//! models exist, and whether the SQL is a predicate, is not known here.

use std::ops::Range;
use std::str::FromStr;

use super::bound::read_bound;
use super::criterion::{Claim, Comparison, Criterion, Each, Metric, MetricOf, Quantity, Reference};
use super::cursor::{Cursor, Place, Stop, at_boundary, decimal_end, phrase_end, shorten};
use super::metrics::{ClassUse, METRICS, MetricEntry, Parameter};
use crate::text::nearest;

/// The longest criterion that is read, in bytes: one line, not a document.
pub const LONGEST: usize = 4096;

/// Why a text is no criterion.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CriterionError {
    /// One sentence without its place.
    pub message: String,
    /// The bytes of the text that it is about; empty at the end of the text.
    pub span: Range<usize>,
    /// What to write instead.
    pub hints: Vec<String>,
}

impl CriterionError {
    pub(super) fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        CriterionError { message: message.into(), span, hints: Vec::new() }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

/// Reads one criterion.
///
/// A metric of a class (`recall`, `f1`) without a class is of the positive class of a binary contract. Keywords and
/// metrics may be in any case, with `_` or `-` for a space; clauses may come in any order. Names with spaces, signs or
/// the language's own words are quoted (`'<=50K'`, `"by"`); a quote inside is doubled.
///
/// ```
/// use remuda_model::gate::parse;
/// let criterion = parse("recall of urgent >= 90 % where language = 'es' @95%")?;
/// assert_eq!(criterion.filter.as_deref(), Some("language = 'es'"));
/// assert_eq!(criterion.to_string(), "recall of urgent >= 90 % where language = 'es' @95%");
///
/// let error = parse("recal of urgent >= 0.9").unwrap_err();
/// assert_eq!((error.to_string().as_str(), error.span), ("`recal`: did you mean `recall`?", 0..5));
/// # Ok::<(), remuda_model::gate::CriterionError>(())
/// ```
///
/// # Errors
/// The first thing that is not of the language, with its bytes and hints.
pub fn parse(text: &str) -> Result<Criterion, CriterionError> {
    if text.len() > LONGEST {
        let start = (0..=LONGEST).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let message = format!("a criterion is one line of at most {LONGEST} bytes; this has {}", text.len());
        return Err(
            CriterionError::new(start..text.len(), message).hint("split it, or name the slice by a column of the data")
        );
    }
    if let Some((at, hidden)) = text.char_indices().find(|(_, next)| is_hidden(*next)) {
        let message = format!("the character U+{:04X} cannot be seen and is not allowed", u32::from(hidden));
        return Err(CriterionError::new(at..at + hidden.len_utf8(), message).hint("delete it"));
    }
    let mut cursor = Cursor { text, at: 0 };
    if cursor.peek().is_none() {
        return Err(CriterionError::new(0..text.len(), "a criterion cannot be empty")
            .hint("write for example `accuracy >= 0.9`"));
    }
    let claim = claim(&mut cursor)?;
    let mut criterion = Criterion { claim, filter: None, each: None, by: None, confidence: None };
    clauses(&mut cursor, &mut criterion)?;
    Ok(criterion)
}

/// Control characters and marks that turn the direction of text: a terminal or page would show another criterion.
fn is_hidden(character: char) -> bool {
    let turns =
        matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    turns || (character.is_control() && !matches!(character, '\t' | '\n' | '\r'))
}

impl FromStr for Criterion {
    type Err = CriterionError;

    fn from_str(text: &str) -> Result<Self, CriterionError> {
        parse(text)
    }
}

fn claim(cursor: &mut Cursor<'_>) -> Result<Claim, CriterionError> {
    if cursor.eat("every test of") {
        let name = test_name(cursor)?;
        if !cursor.eat("passes") {
            let next = cursor.shown_next();
            return Err(
                cursor.error(format!("`passes` is expected after `every test of {}`, not {next}", shorten(&name)))
            );
        }
        if cursor.peek().is_some() {
            return Err(cursor
                .error(
                    "`every test of … passes` takes no more: every test has to pass, whatever the slice or confidence",
                )
                .hint("for a share of tests write `pass rate of tests NAME >= 0.95`"));
        }
        return Ok(Claim::EveryTest { name });
    }
    let quantity = quantity(cursor)?;
    let comparison = comparison(cursor, &quantity)?;
    let bound = read_bound(cursor, &quantity, comparison)?;
    Ok(Claim::Holds { quantity, comparison, bound })
}

fn quantity(cursor: &mut Cursor<'_>) -> Result<Quantity, CriterionError> {
    if cursor.eat("gap of") {
        let (metric, column) = metric_between(cursor)?;
        return Ok(Quantity::Gap { metric, column });
    }
    if cursor.eat("ratio of") {
        let (metric, column) = metric_between(cursor)?;
        return Ok(Quantity::Ratio { metric, column });
    }
    if cursor.eat("pass rate of tests") {
        return Ok(Quantity::PassRate { name: test_name(cursor)? });
    }
    if cursor.eat("mean cost using") {
        return Ok(Quantity::MeanCost { file: cost_file(cursor)? });
    }
    if cursor.eat("changed decisions vs") || cursor.eat("changed decisions versus") {
        return Ok(Quantity::ChangedDecisions { against: compared_model(cursor)? });
    }
    if let Some(percent) = quantile(cursor)? {
        let expression = cursor.sql(Stop::Comparison, "a column or an SQL expression")?;
        return Ok(Quantity::Quantile { percent, expression });
    }
    Ok(Quantity::Metric(metric_of(cursor)?))
}

fn metric_between(cursor: &mut Cursor<'_>) -> Result<(MetricOf, String), CriterionError> {
    let metric = metric_of(cursor)?;
    if !cursor.eat("between") {
        let next = cursor.shown_next();
        return Err(cursor
            .error(format!("`between COLUMN` is expected here, not {next}"))
            .hint("write for example `gap of recall of approved between gender <= 0.05`"));
    }
    Ok((metric, cursor.name(Place::Column)?.0))
}

/// `p99 of`, `p99.9 of`.
fn quantile(cursor: &mut Cursor<'_>) -> Result<Option<f64>, CriterionError> {
    cursor.skip_space();
    let rest = cursor.rest();
    let Some(digits) = rest.strip_prefix(['p', 'P']) else { return Ok(None) };
    let Some(end) = decimal_end(digits).filter(|end| at_boundary(&digits[*end..])) else { return Ok(None) };
    let span = cursor.at..cursor.at + 1 + end;
    let percent = digits[..end].parse::<f64>().unwrap_or(f64::NAN);
    if !(percent > 0.0 && percent < 100.0) {
        let message = format!("`{}` is no quantile: the number lies between 0 and 100", shorten(&rest[..=end]));
        return Err(CriterionError::new(span, message).hint("write for example `p50` or `p99.9`"));
    }
    cursor.at = span.end;
    if !cursor.eat("of") {
        let next = cursor.shown_next();
        return Err(cursor
            .error(format!("`of` and a column are expected after a quantile, not {next}"))
            .hint(format!("write `{} of COLUMN`", &rest[..=end])));
    }
    Ok(Some(percent))
}

fn metric_of(cursor: &mut Cursor<'_>) -> Result<MetricOf, CriterionError> {
    cursor.skip_space();
    let start = cursor.at;
    let metric = metric(cursor)?;
    let name = start..cursor.at;
    if !cursor.eat("of") {
        return Ok(MetricOf { metric, class: None });
    }
    let (class, span) = cursor.name(Place::Class)?;
    if metric.entry().class == ClassUse::Never {
        let message = format!("{} is over all classes and has no `of {}`", metric.name(), shorten(&class));
        let error = CriterionError::new(name.start..span.end, message);
        return Err(match metric {
            Metric::Accuracy | Metric::BalancedAccuracy => {
                error.hint(format!("write `recall of {}`", &cursor.text[span]))
            }
            Metric::MacroF1 | Metric::MicroF1 | Metric::WeightedF1 => {
                error.hint(format!("write `f1 of {}`", &cursor.text[span]))
            }
            _ => error.hint(format!("write `{}`", metric.name())),
        });
    }
    Ok(MetricOf { metric, class: Some(class) })
}

/// The metric whose name reaches furthest.
fn metric(cursor: &mut Cursor<'_>) -> Result<Metric, CriterionError> {
    let rest = cursor.rest();
    let mut best: Option<(usize, &MetricEntry, Option<f64>)> = None;
    for entry in &METRICS {
        for name in std::iter::once(&entry.name).chain(entry.aliases) {
            let Some(end) = phrase_end(rest, name) else { continue };
            let Some((end, number)) = parameter(rest, end, entry.parameter, *name == "f") else { continue };
            if best.as_ref().is_none_or(|(furthest, ..)| end > *furthest) {
                best = Some((end, entry, number));
            }
        }
    }
    let Some((end, entry, number)) = best else { return Err(unknown_metric(cursor)) };
    let span = cursor.at..cursor.at + end;
    cursor.at = span.end;
    let number = if entry.parameter == Parameter::None { 1.0 } else { number.unwrap_or(f64::NAN) };
    entry.metric.with_parameter(number).map_err(|reason| {
        let name = shorten(&cursor.text[span.clone()]);
        CriterionError::new(span, format!("`{name}` {reason}"))
    })
}

/// Where a metric's name ends with its number. `None` when this is not the metric at all.
fn parameter(rest: &str, end: usize, parameter: Parameter, short: bool) -> Option<(usize, Option<f64>)> {
    let plain = at_boundary(&rest[end..]).then_some((end, None));
    let tail = match parameter {
        Parameter::None => return plain,
        Parameter::First => rest[end..].trim_start().strip_prefix('@').map(str::trim_start),
        Parameter::Suffix if short => return numbered(rest, &rest[end..]),
        Parameter::Suffix => Some(rest[end..].trim_start()),
    };
    tail.and_then(|tail| numbered(rest, tail)).or(plain)
}

fn numbered(rest: &str, tail: &str) -> Option<(usize, Option<f64>)> {
    let length = decimal_end(tail).filter(|length| at_boundary(&tail[*length..]))?;
    Some((rest.len() - tail.len() + length, tail[..length].parse().ok()))
}

fn unknown_metric(cursor: &mut Cursor<'_>) -> CriterionError {
    let span = cursor.next_span();
    let word = &cursor.text[span.clone()];
    if word.is_empty() || !word.chars().any(char::is_alphabetic) {
        let next = cursor.shown_next();
        return CriterionError::new(span, format!("a metric is expected here, not {next}"))
            .hint("write the quantity first: `recall of urgent >= 0.9`");
    }
    let rest = cursor.rest();
    let two = rest.split_whitespace().take(2).map(shorten).collect::<Vec<_>>().join(" ");
    let names = || {
        METRICS
            .iter()
            .flat_map(|entry| std::iter::once(&entry.name).chain(entry.aliases))
            .copied()
            .filter(|name| name.len() > 2)
    };
    let phrases = ["gap of", "ratio of", "pass rate", "mean cost", "changed decisions", "every test"];
    let short = shorten(word);
    if let Some(close) = nearest(&two, names().chain(phrases)).filter(|close| close.contains(' ')) {
        let length = rest.split_whitespace().nth(1).and_then(|second| rest.find(second).map(|at| at + second.len()));
        let span = span.start..span.start + length.unwrap_or(word.len());
        return CriterionError::new(span, format!("`{two}`: did you mean `{close}`?"));
    }
    if let Some(close) = nearest(&short.replace('_', " "), names()) {
        return CriterionError::new(span, format!("`{short}`: did you mean `{close}`?"));
    }
    if let Some(close) = phrases.iter().find(|phrase| phrase.starts_with(&word.to_ascii_lowercase())) {
        return CriterionError::new(span, format!("`{short}` is not finished: did you mean `{close} …`?"));
    }
    let known: Vec<String> = METRICS.iter().map(|entry| entry.metric.name()).collect();
    CriterionError::new(span, format!("`{short}` is no metric")).hint(format!("the metrics are {}", known.join(", ")))
}

fn test_name(cursor: &mut Cursor<'_>) -> Result<String, CriterionError> {
    let (name, span) = cursor.name(Place::File)?;
    if name.contains(['/', '\\']) || name.to_ascii_lowercase().ends_with(".toml") {
        return Err(CriterionError::new(span, "a behavioural test is named without folder and ending")
            .hint("write for example `every test of negation passes`"));
    }
    Ok(name)
}

fn cost_file(cursor: &mut Cursor<'_>) -> Result<String, CriterionError> {
    let (file, span) = cursor.name(Place::File)?;
    let outside =
        file.starts_with(['/', '\\', '~']) || file.contains(':') || file.split(['/', '\\']).any(|part| part == "..");
    if outside {
        return Err(CriterionError::new(span, format!("`{}` is not inside the product's folder", shorten(&file)))
            .hint("write the path from the product's root, such as `costs/triage.csv`"));
    }
    Ok(file)
}

fn compared_model(cursor: &mut Cursor<'_>) -> Result<Reference, CriterionError> {
    match reference(cursor)? {
        Some(Reference::Baseline(_)) | None => {
            let next = cursor.shown_next();
            Err(cursor
                .error(format!("`production` or `release ID` is expected after `changed decisions vs`, not {next}"))
                .hint("write `changed decisions vs production <= 10 %`"))
        }
        Some(model) => Ok(model),
    }
}

/// `production`, `baseline NAME` or `release ID`.
pub(super) fn reference(cursor: &mut Cursor<'_>) -> Result<Option<Reference>, CriterionError> {
    if cursor.eat("production") {
        return Ok(Some(Reference::Production));
    }
    if cursor.eat("baseline") {
        return Ok(Some(Reference::Baseline(cursor.name(Place::Model)?.0)));
    }
    if cursor.eat("release") {
        return Ok(Some(Reference::Release(cursor.name(Place::Model)?.0)));
    }
    Ok(None)
}

fn comparison(cursor: &mut Cursor<'_>, quantity: &Quantity) -> Result<Comparison, CriterionError> {
    cursor.skip_space();
    let rest = cursor.rest();
    let length = rest.find(|sign| !matches!(sign, '<' | '>' | '=' | '!' | '≥' | '≤' | '~')).unwrap_or(rest.len());
    let found = match &rest[..length] {
        ">=" | "≥" => Comparison::AtLeast,
        "<=" | "≤" => Comparison::AtMost,
        ">" => Comparison::MoreThan,
        "<" => Comparison::LessThan,
        sign => return Err(no_comparison(cursor, sign, quantity)),
    };
    cursor.at += length;
    Ok(found)
}

fn no_comparison(cursor: &mut Cursor<'_>, sign: &str, quantity: &Quantity) -> CriterionError {
    let span = cursor.at..cursor.at + sign.len();
    match sign {
        "=" | "==" | "===" => {
            return CriterionError::new(
                span,
                format!("`{sign}` is no claim that data can show: no estimate equals a number exactly"),
            )
            .hint("write `>=` or `<=`");
        }
        "=>" => return CriterionError::new(span, "`=>`: did you mean `>=`?"),
        "=<" => return CriterionError::new(span, "`=<`: did you mean `<=`?"),
        "" => {}
        _ => {
            return CriterionError::new(span, format!("`{}` is no comparison", shorten(sign)))
                .hint("write `>=`, `<=`, `>` or `<`");
        }
    }
    for (words, sign) in
        [("at least", ">="), ("at most", "<="), ("more than", ">"), ("above", ">"), ("less than", "<"), ("below", "<")]
    {
        let mut ahead = cursor.clone();
        if ahead.eat(words) {
            return CriterionError::new(span.start..ahead.at, format!("write `{sign}` for `{words}`"));
        }
    }
    let next = cursor.shown_next();
    let error = cursor.error(format!("a comparison (`>=`, `<=`, `>`, `<`) is expected here, not {next}"));
    match quantity {
        Quantity::Metric(MetricOf { class: Some(class), .. }) if next != "the end" => {
            error.hint(format!("a class of several words is quoted: `'{} …'`", shorten(class)))
        }
        Quantity::Metric(MetricOf { metric, class: None })
            if next != "the end" && metric.entry().class != ClassUse::Never =>
        {
            error.hint(format!("a class is named with `of`: `{} of {}`", metric.name(), next.trim_matches('`')))
        }
        _ => error.hint("write for example `>= 0.9` or `>= production + 0.01`"),
    }
}

fn clauses(cursor: &mut Cursor<'_>, criterion: &mut Criterion) -> Result<(), CriterionError> {
    while cursor.peek().is_some() {
        let start = cursor.at;
        let twice = if cursor.eat("where") {
            let filter = cursor.sql(Stop::Clause, "an SQL predicate, such as `language = 'es'`,")?;
            criterion.filter.replace(filter).map(|_| "`where` stands twice: join the predicates with `and`")
        } else if cursor.eat("for each") {
            let each = each(cursor)?;
            criterion.each.replace(each).map(|_| "`for each` stands twice: make one column of the two")
        } else if cursor.eat("by") {
            let (column, _) = cursor.name(Place::Column)?;
            criterion.by.replace(column).map(|_| "`by` stands twice: rows have one unit of independence")
        } else if cursor.eat_char(&['@']).is_some() {
            let confidence = confidence(cursor, start)?;
            criterion.confidence.replace(confidence).map(|_| "`@` stands twice")
        } else {
            return Err(unexpected(cursor));
        };
        if let Some(message) = twice {
            return Err(CriterionError::new(start..cursor.at, message));
        }
    }
    Ok(())
}

fn each(cursor: &mut Cursor<'_>) -> Result<Each, CriterionError> {
    let (column, _) = cursor.name(Place::Column)?;
    if !cursor.eat("with at least") {
        return Ok(Each { column, at_least: None });
    }
    cursor.skip_space();
    let rest = cursor.rest();
    let length = rest.find(|next: char| !next.is_ascii_digit()).unwrap_or(rest.len());
    let span =
        if length == 0 || !at_boundary(&rest[length..]) { cursor.next_span() } else { cursor.at..cursor.at + length };
    let rows = cursor.text[span.clone()].parse::<u64>().ok().filter(|rows| *rows > 0);
    let Some(rows) = rows else {
        let shown = cursor.shown_next();
        return Err(CriterionError::new(
            span,
            format!("a whole number of rows is expected after `with at least`, not {shown}"),
        )
        .hint("write for example `with at least 50`"));
    };
    cursor.at = span.end;
    cursor.eat("rows");
    Ok(Each { column, at_least: Some(rows) })
}

fn confidence(cursor: &mut Cursor<'_>, start: usize) -> Result<f64, CriterionError> {
    let Some((percent, span)) = cursor.number()? else {
        let next = cursor.shown_next();
        return Err(cursor
            .error(format!("a confidence is expected after `@`, not {next}"))
            .hint("write for example `@95%`"));
    };
    let has_sign = cursor.eat_char(&['%']).is_some();
    let span = start..if has_sign { cursor.at } else { span.end };
    if !has_sign {
        let message = format!("the confidence `@{percent}` needs its `%`");
        let meant = if percent > 0.0 && percent < 1.0 { shift_decimal(percent, 2) } else { percent };
        let usual = if (50.0..100.0).contains(&meant) { meant } else { 95.0 };
        return Err(CriterionError::new(span, message).hint(format!("write `@{usual}%`")));
    }
    if !(50.0..100.0).contains(&percent) {
        let message = format!("a confidence lies between 50 % and 100 %, 100 % excluded; this is {percent} %");
        let error = CriterionError::new(span, message);
        let meant = shift_decimal(percent, 2);
        return Err(error.hint(format!("write `@{}%`", if (50.0..100.0).contains(&meant) { meant } else { 95.0 })));
    }
    Ok(percent)
}

/// `value` times ten to the `places`, rounded as a reader of decimals expects (99.9 by -2 is 0.999).
pub(super) fn shift_decimal(value: f64, places: i32) -> f64 {
    format!("{value}e{places}").parse().unwrap_or(f64::NAN)
}

fn unexpected(cursor: &mut Cursor<'_>) -> CriterionError {
    let span = cursor.next_span();
    let word = cursor.text[span.clone()].to_ascii_lowercase();
    let shown = cursor.shown_next();
    let error = CriterionError::new(span, format!("{shown} is not expected here"));
    if matches!(word.as_str(), "and" | "or" | "," | ";" | "&" | "|") {
        return error.hint("one criterion makes one claim: put each on its own line");
    }
    if matches!(word.as_str(), "better" | "worse" | "not") {
        return error.hint("a criterion ends with its bound and clauses; put remarks into the requirement's prose");
    }
    match nearest(&shorten(&word), ["where", "for each", "by", "with at least"]) {
        Some(close) => error.hint(format!("did you mean `{close}`?")),
        None if matches!(word.as_str(), "for" | "per" | "each" | "every" | "in") => {
            error.hint("did you mean `for each COLUMN`?")
        }
        None if matches!(word.as_str(), "when" | "if" | "with" | "among" | "on") => {
            error.hint("did you mean `where PREDICATE`?")
        }
        None => error.hint("after the bound come `where PREDICATE`, `for each COLUMN`, `by COLUMN` and `@95%`"),
    }
}
