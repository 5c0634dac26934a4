//! Bounds: what a quantity is held against, checked for unit and range as it is read.
//!
//! Where a reader could take a bound in two ways (a bare `%` on a difference, 90 for 0.90), it is refused here.

use std::ops::Range;

use super::criterion::{Bound, Change, Comparison, Quantity};
use super::cursor::{Cursor, shorten};
use super::metrics::Scale;
use super::parse::{CriterionError, reference, shift_decimal};
use super::print::quantity_text;
use crate::text::nearest;

impl Bound {
    /// The number in the quantity's own unit: shares for `%` and `pp`, as written for every other unit. `None` for a
    /// bound that is taken from another model.
    ///
    /// ```
    /// use remuda_model::gate::criterion::Bound;
    /// let bound = |value, unit: &str| Bound::Number { value, unit: Some(unit.to_owned()) };
    /// assert_eq!(bound(99.9, "%").threshold(), Some(0.999));
    /// assert_eq!(bound(80.0, "ms").threshold(), Some(80.0));
    /// ```
    pub fn threshold(&self) -> Option<f64> {
        match self {
            Bound::Number { value, unit } if matches!(unit.as_deref(), Some("%" | "pp")) => {
                Some(shift_decimal(*value, -2))
            }
            Bound::Number { value, .. } => Some(*value),
            Bound::Reference { .. } => None,
        }
    }
}

impl Change {
    /// The bound that a reference's value gives.
    ///
    /// ```
    /// use remuda_model::gate::criterion::Change;
    /// assert_eq!(Change::AddPoints(-50.0).apply(0.75), 0.25);
    /// assert_eq!(Change::Times(2.0).apply(0.25), 0.5);
    /// ```
    pub fn apply(self, value: f64) -> f64 {
        match self {
            Change::None => value,
            Change::Add(shift) => value + shift,
            Change::AddPoints(points) => value + shift_decimal(points, -2),
            Change::Times(factor) => value * factor,
        }
    }
}

/// Whether a word can be a unit: it starts with a letter or a sign of money or degree, and is no word of the language.
pub(super) fn is_unit(word: &str) -> bool {
    let sign = |character: char| matches!(character, '€' | '$' | '£' | '¥' | '°');
    const NO_UNITS: [&str; 17] = [
        "where", "for", "by", "x", "pp", "with", "and", "or", "better", "worse", "not", "each", "every", "per", "when",
        "if", "times",
    ];
    let keyword = NO_UNITS.iter().any(|keyword| word.eq_ignore_ascii_case(keyword));
    word.starts_with(|first: char| first.is_alphabetic() || sign(first))
        && word.chars().all(|next| next.is_alphanumeric() || sign(next) || matches!(next, '/' | '_' | '²' | '³'))
        && !keyword
}

pub(super) fn read_bound(
    cursor: &mut Cursor<'_>,
    quantity: &Quantity,
    comparison: Comparison,
) -> Result<Bound, CriterionError> {
    cursor.skip_space();
    let start = cursor.at;
    if let Some(reference) = reference(cursor)? {
        if matches!(quantity, Quantity::ChangedDecisions { .. }) {
            return Err(CriterionError::new(
                start..cursor.at,
                "changed decisions are held against a number, not against a model",
            )
            .hint("write `changed decisions vs production <= 10 %`"));
        }
        let change = read_change(cursor, quantity)?;
        return Ok(Bound::Reference { reference, change });
    }
    for word in ["nan", "inf", "infinity", "-inf", "+inf", "-infinity"] {
        if cursor.eat(word) {
            return Err(CriterionError::new(start..cursor.at, format!("`{word}` is no bound")).hint("write a number"));
        }
    }
    let Some((value, span)) = cursor.number()? else { return Err(no_bound(cursor, quantity)) };
    let unit = read_unit(cursor, quantity, value, &span)?;
    let bound = Bound::Number { value, unit };
    check_range(cursor, quantity, comparison, &bound, span.start..cursor.at)?;
    Ok(bound)
}

fn no_bound(cursor: &mut Cursor<'_>, quantity: &Quantity) -> CriterionError {
    let span = cursor.next_span();
    let shown = cursor.shown_next();
    if let Some(close) = nearest(&shorten(&cursor.text[span.clone()]), ["production", "baseline", "release"]) {
        return CriterionError::new(span, format!("{shown}: did you mean `{close}`?"));
    }
    let error = CriterionError::new(span, format!("a bound is expected here, not {shown}"));
    let number = if quantity.scale() == Scale::Share { "0.9` or `90 %" } else { "0.05" };
    error.hint(format!("write a number (`{number}`), `production`, `baseline NAME` or `release ID`"))
}

fn read_unit(
    cursor: &mut Cursor<'_>,
    quantity: &Quantity,
    value: f64,
    number: &Range<usize>,
) -> Result<Option<String>, CriterionError> {
    let scale = quantity.scale();
    if cursor.eat_char(&['%']).is_some() {
        let span = number.start..cursor.at;
        return match scale {
            Scale::Share | Scale::Column => Ok(Some("%".to_owned())),
            Scale::Difference => Err(ambiguous_percent(span, value, &shift_decimal(value, -2).to_string())),
            Scale::Own | Scale::Plain => {
                Err(CriterionError::new(span, format!("{} is not measured in %", quantity_text(quantity)))
                    .hint(format!("write a plain number, or compare: `production x {}`", percent_factor(value))))
            }
        };
    }
    let start = cursor.peek().map_or(cursor.text.len(), |_| cursor.at);
    if cursor.eat("pp") {
        return match scale {
            Scale::Difference => Ok(Some("pp".to_owned())),
            Scale::Share => Err(CriterionError::new(number.start..cursor.at, "`pp` is for differences")
                .hint(format!("write `{value} %`"))),
            _ => Err(no_points(start..cursor.at, quantity)),
        };
    }
    let rest = cursor.rest();
    let end = rest.find(|next: char| next.is_whitespace() || next == '@').unwrap_or(rest.len());
    let word = &rest[..end];
    if !is_unit(word) {
        return Ok(None);
    }
    match (scale, quantity) {
        (Scale::Own | Scale::Column, _) => {}
        // A word after a share is no unit: the clauses say what it could be.
        _ => return Ok(None),
    }
    if let Quantity::Quantile { expression, .. } = quantity {
        refuse_other_unit(expression, word, start..start + end)?;
    }
    cursor.at += end;
    Ok(Some(word.to_owned()))
}

/// A column that names its unit (`latency_ms`) is not held against another one: nothing converts numbers here.
fn refuse_other_unit(expression: &str, unit: &str, span: Range<usize>) -> Result<(), CriterionError> {
    const UNITS: [(&str, &str); 12] = [
        ("ns", "ns"),
        ("us", "us"),
        ("µs", "us"),
        ("ms", "ms"),
        ("s", "s"),
        ("sec", "s"),
        ("seconds", "s"),
        ("min", "min"),
        ("minutes", "min"),
        ("h", "h"),
        ("hours", "h"),
        ("days", "days"),
    ];
    let known = |word: &str| UNITS.iter().find(|(name, _)| word.eq_ignore_ascii_case(name)).map(|(_, unit)| *unit);
    let column = expression.trim_matches('"');
    let own = column.rsplit_once('_').and_then(|(_, ending)| known(ending));
    match (own, known(unit)) {
        (Some(own), Some(given)) if own != given => {
            Err(CriterionError::new(span, format!("`{}` is in {own}, this bound in {given}", shorten(column)))
                .hint(format!("write the bound in {own}")))
        }
        _ => Ok(()),
    }
}

fn read_change(cursor: &mut Cursor<'_>, quantity: &Quantity) -> Result<Change, CriterionError> {
    cursor.skip_space();
    let start = cursor.at;
    if cursor.eat("times") || eat_times(cursor) || cursor.eat_char(&['*', '×']).is_some() {
        return read_factor(cursor, start);
    }
    let Some(sign) = cursor.eat_char(&['+', '-', '−']) else { return Ok(Change::None) };
    let size = match cursor.peek() {
        Some('+' | '-' | '−') | None => None,
        Some(_) => cursor.number()?,
    };
    let Some((size, number)) = size else {
        let next = cursor.shown_next();
        return Err(cursor
            .error(format!("a number is expected after `{sign}`, not {next}"))
            .hint("write for example `+ 0.01` or `- 0.5 pp`"));
    };
    let signed = if sign == '+' { size } else { 0.0 - size };
    if cursor.eat_char(&['%']).is_some() {
        let factor = format!("x {}", percent_factor(signed));
        return Err(ambiguous_percent(start..cursor.at, signed, &factor));
    }
    let shares = matches!(quantity.scale(), Scale::Share | Scale::Difference);
    let (least, greatest) = quantity.range();
    let unit_start = cursor.peek().map_or(number.end, |_| cursor.at);
    if cursor.eat("pp") {
        if !shares {
            return Err(no_points(unit_start..cursor.at, quantity));
        }
        refuse_wide(start..cursor.at, shift_decimal(size, -2), greatest - least, size)?;
        return Ok(Change::AddPoints(signed));
    }
    refuse_wide(start..number.end, size, greatest - least, size)?;
    Ok(Change::Add(signed))
}

/// `x 1.02` and `x1.02`.
fn eat_times(cursor: &mut Cursor<'_>) -> bool {
    cursor.skip_space();
    let mut tail = cursor.rest().chars();
    let is_sign = matches!(tail.next(), Some('x' | 'X'));
    let ends =
        tail.next().is_none_or(|next| next.is_whitespace() || next.is_ascii_digit() || matches!(next, '.' | '-' | '+'));
    if is_sign && ends {
        cursor.at += 1;
    }
    is_sign && ends
}

fn read_factor(cursor: &mut Cursor<'_>, start: usize) -> Result<Change, CriterionError> {
    let Some((factor, span)) = cursor.number()? else {
        let next = cursor.shown_next();
        return Err(cursor
            .error(format!("a factor is expected after `x`, not {next}"))
            .hint("write for example `x 1.02`"));
    };
    if factor <= 0.0 {
        return Err(
            CriterionError::new(span, format!("the factor {factor} is not above 0")).hint("write for example `x 1.02`")
        );
    }
    if cursor.eat_char(&['%']).is_some() || cursor.eat("pp") {
        return Err(CriterionError::new(start..cursor.at, "a factor has no unit")
            .hint(format!("write `x {}`", shift_decimal(factor, -2))));
    }
    Ok(Change::Times(factor))
}

fn refuse_wide(span: Range<usize>, size: f64, width: f64, written: f64) -> Result<(), CriterionError> {
    if size <= width {
        return Ok(());
    }
    let error =
        CriterionError::new(span, format!("a difference of {written} is more than the whole range of the metric"));
    Err(if written <= 100.0 && size == written { error.hint(format!("did you mean `{written} pp`?")) } else { error })
}

/// `instead` is what else could be meant: a factor for a change, a share for a gap.
fn ambiguous_percent(span: Range<usize>, value: f64, instead: &str) -> CriterionError {
    let points = value.abs();
    let message = format!("a bare % on a difference is ambiguous: write `{points} pp` or `{instead}`");
    CriterionError::new(span, message).hint(format!("`{points} pp` are percentage points of the metric itself"))
}

/// The factor that a change by so many percent is.
fn percent_factor(percent: f64) -> f64 {
    shift_decimal(((100.0 + percent) * 1e9).round() / 1e9, -2)
}

fn no_points(span: Range<usize>, quantity: &Quantity) -> CriterionError {
    CriterionError::new(span, format!("{} is no share, so it has no percentage points", quantity_text(quantity)))
        .hint("write the difference as a plain number, or a factor: `x 1.02`")
}

fn check_range(
    cursor: &Cursor<'_>,
    quantity: &Quantity,
    comparison: Comparison,
    bound: &Bound,
    span: Range<usize>,
) -> Result<(), CriterionError> {
    let (least, greatest) = quantity.range();
    let threshold = bound.threshold().unwrap_or(f64::NAN);
    if (least..=greatest).contains(&threshold) {
        return Ok(());
    }
    let name = quantity_text(quantity);
    let limits = match (least.is_finite(), greatest.is_finite()) {
        (true, true) => format!("lies between {least} and {greatest}"),
        (true, false) => format!("is never below {least}"),
        _ => format!("is never above {greatest}"),
    };
    let written = shorten(&cursor.text[span.clone()]);
    let error = CriterionError::new(
        span,
        format!("{} {limits}, so `{} {written}` says nothing", shorten(&name), comparison.sign()),
    );
    Err(match bound {
        Bound::Number { value, unit: None } if greatest <= 2.0 && *value > 0.0 && *value <= 100.0 => {
            let sign = if quantity.scale() == Scale::Difference { "pp" } else { "%" };
            let share = shift_decimal(*value, -2);
            let share = if share.to_string().len() < 4 { format!("{share:.2}") } else { share.to_string() };
            error.hint(format!("did you mean {share} or {value} {sign}?"))
        }
        _ => error,
    })
}
