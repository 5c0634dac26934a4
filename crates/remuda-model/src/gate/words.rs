//! The echo: a criterion as an English sentence, for a reader who knows neither the signs nor the metrics' names.
//!
//! A metric's own phrase lives in [`super::metrics`]; here are the sentences around it.

use super::criterion::{Bound, Change, Claim, Comparison, Criterion, MetricOf, Quantity, Reference};
use super::metrics::{ClassUse, Scale};
use super::parse::shift_decimal;
use crate::text::{count, thousands};

/// Says what a criterion promises. `positive` is the positive class of a binary contract, for metrics without a class.
///
/// ```
/// use remuda_model::gate::{parse, words};
/// let criterion = parse("recall of urgent >= 0.90 where language = 'es' @95%")?;
/// assert_eq!(
///     words(&criterion, None),
///     "we will be 95 % sure that at least 9 in 10 rows that are urgent are found, among rows where language = 'es'",
/// );
/// let criterion = parse("f1 >= production - 0.5 pp for each region with at least 50")?;
/// assert_eq!(
///     words(&criterion, Some("late")),
///     "we will be 95 % sure that the F1 score of late is at most 0.5 percentage points below that of the live release, \
///      separately for each region with at least 50 rows",
/// );
/// # Ok::<(), remuda_model::gate::CriterionError>(())
/// ```
pub fn words(criterion: &Criterion, positive: Option<&str>) -> String {
    let (quantity, comparison, bound) = match &criterion.claim {
        Claim::Holds { quantity, comparison, bound } => (quantity, *comparison, bound),
        Claim::EveryTest { name } => return format!("every test of {name} passes"),
    };
    let percent = criterion.confidence.unwrap_or(95.0);
    let claim = match bound {
        Bound::Number { unit, .. } => {
            let threshold = bound.threshold().unwrap_or(f64::NAN);
            against_number(quantity, comparison, threshold, unit.as_deref(), positive)
        }
        Bound::Reference { reference, change } => against_model(quantity, comparison, reference, *change, positive),
    };
    let mut sentence = format!("we will be {} % sure that {claim}", plain(percent));
    if let Some(filter) = &criterion.filter {
        sentence.push_str(&format!(", among rows where {filter}"));
    }
    if let Some(each) = &criterion.each {
        sentence.push_str(&format!(", separately for each {}", each.column));
        if let Some(rows) = each.at_least {
            sentence.push_str(&format!(" with at least {}", count(rows, "row")));
        }
    }
    if let Some(column) = &criterion.by {
        sentence.push_str(&format!(", with the rows of one {column} counted together as one unit"));
    }
    sentence
}

fn against_number(
    quantity: &Quantity,
    comparison: Comparison,
    threshold: f64,
    unit: Option<&str>,
    positive: Option<&str>,
) -> String {
    let size = amount(quantity.scale(), threshold, unit);
    match quantity {
        Quantity::Metric(of) => match of.metric.entry().rate {
            Some(rate) => format!("{} {}", how_many(comparison, threshold), rate_phrase(rate, of, positive)),
            None => format!("{} is {} {size}", noun(of, positive), limit(comparison)),
        },
        Quantity::Gap { metric, column } => format!(
            "{} differs by {} {size} between any two values of {column}",
            noun(metric, positive),
            limit(comparison)
        ),
        Quantity::Ratio { metric, column } => format!(
            "{} in the lowest {column} is {} {} % of that in the highest",
            noun(metric, positive),
            limit(comparison),
            plain(shift_decimal(threshold, 2))
        ),
        Quantity::PassRate { name } => format!("{} tests of {name} pass", how_many(comparison, threshold)),
        Quantity::ChangedDecisions { against } => {
            format!("{} decisions differ from those of {}", how_many(comparison, threshold), model(against))
        }
        Quantity::Quantile { .. } | Quantity::MeanCost { .. } => {
            format!("{} is {} {size}", subject(quantity, positive), limit(comparison))
        }
    }
}

fn against_model(
    quantity: &Quantity,
    comparison: Comparison,
    reference: &Reference,
    change: Change,
    positive: Option<&str>,
) -> String {
    let subject = subject(quantity, positive);
    let model = model(reference);
    let (shift, unit) = match change {
        Change::None => (0.0, ""),
        Change::Add(shift) => (shift, ""),
        Change::AddPoints(points) if points.abs() == 1.0 => (points, " percentage point"),
        Change::AddPoints(points) => (points, " percentage points"),
        Change::Times(factor) => {
            return format!("{subject} is {} {} times that of {model}", limit(comparison), plain(factor));
        }
    };
    let size = format!("{}{unit}", plain(shift.abs()));
    let relation = match (comparison, shift > 0.0, shift < 0.0) {
        (Comparison::AtLeast, false, false) => "is at least as high as".to_owned(),
        (Comparison::MoreThan, false, false) => "is higher than".to_owned(),
        (Comparison::AtMost, false, false) => "is no higher than".to_owned(),
        (Comparison::LessThan, false, false) => "is lower than".to_owned(),
        (Comparison::AtLeast, true, _) => format!("is at least {size} above"),
        (Comparison::MoreThan, true, _) => format!("is more than {size} above"),
        (Comparison::AtMost, true, _) => format!("is at most {size} above"),
        (Comparison::LessThan, true, _) => format!("is less than {size} above"),
        (Comparison::AtLeast, ..) => format!("is at most {size} below"),
        (Comparison::MoreThan, ..) => format!("is less than {size} below"),
        (Comparison::AtMost, ..) => format!("is at least {size} below"),
        (Comparison::LessThan, ..) => format!("is more than {size} below"),
    };
    format!("{subject} {relation} that of {model}")
}

/// The quantity as the subject of a sentence.
fn subject(quantity: &Quantity, positive: Option<&str>) -> String {
    match quantity {
        Quantity::Metric(of) => noun(of, positive),
        Quantity::Gap { metric, column } => {
            format!("the greatest difference in {} between values of {column}", bare_noun(metric, positive))
        }
        Quantity::Ratio { metric, column } => {
            format!("the ratio of the lowest to the highest {} between values of {column}", bare_noun(metric, positive))
        }
        Quantity::Quantile { percent: 50.0, expression } => format!("the median of {expression}"),
        Quantity::Quantile { percent, expression } => format!("the {} percentile of {expression}", ordinal(*percent)),
        Quantity::PassRate { name } => format!("the share of passing tests of {name}"),
        Quantity::MeanCost { file } => format!("the mean cost per row by {file}"),
        Quantity::ChangedDecisions { against } => {
            format!("the share of decisions that differ from those of {}", model(against))
        }
    }
}

fn noun(of: &MetricOf, positive: Option<&str>) -> String {
    format!("the {}", bare_noun(of, positive))
}

fn bare_noun(of: &MetricOf, positive: Option<&str>) -> String {
    let entry = of.metric.entry();
    let noun = entry.noun.replace("{k}", &parameter(of));
    match (&of.class, entry.class) {
        (Some(class), _) => format!("{noun} of {class}"),
        (None, ClassUse::Positive) => format!("{noun} of {}", positive.unwrap_or("the positive class")),
        (None, _) => noun,
    }
}

fn parameter(of: &MetricOf) -> String {
    of.metric.parameter().map(plain).unwrap_or_default()
}

fn rate_phrase(rate: &str, of: &MetricOf, positive: Option<&str>) -> String {
    let class = of.class.as_deref().or(positive).unwrap_or("positive");
    // Read piece by piece, for a class may hold a brace itself.
    let mut out = String::new();
    let mut rest = rate;
    while let Some((before, tail)) = rest.split_once('{') {
        let (slot, after) = tail.split_once('}').unwrap_or((tail, ""));
        out.push_str(before);
        match slot {
            "is" => out.push_str(&as_adjective(class)),
            "as" => out.push_str(class),
            _ => out.push_str(&parameter(of)),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// `urgent` can be said of a row; `yes`, `1` and `<=50K` are what it is labelled.
fn as_adjective(class: &str) -> String {
    let answer = ["yes", "no", "true", "false", "y", "n"].iter().any(|word| class.eq_ignore_ascii_case(word));
    let word = class.chars().all(|next| next.is_alphabetic() || matches!(next, ' ' | '-' | '_'));
    if word && !answer { class.to_owned() } else { format!("labelled {class}") }
}

/// `at least 9 in 10`; shares that are no whole number in a thousand are said in percent.
fn how_many(comparison: Comparison, share: f64) -> String {
    match comparison {
        Comparison::AtLeast if share >= 1.0 => return "all".to_owned(),
        Comparison::AtMost if share <= 0.0 => return "none of the".to_owned(),
        _ => {}
    }
    let compared = match comparison {
        Comparison::LessThan => "fewer than",
        other => limit(other),
    };
    for of in [10_u64, 100, 1000] {
        let many = share * of as f64;
        if (many - many.round()).abs() < 1e-9 {
            return format!("{compared} {} in {}", thousands(many.round() as u64), thousands(of));
        }
    }
    let compared = if comparison == Comparison::LessThan { "less than" } else { compared };
    format!("{compared} {} % of", plain(shift_decimal(share, 2)))
}

fn limit(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::AtLeast => "at least",
        Comparison::AtMost => "at most",
        Comparison::MoreThan => "more than",
        Comparison::LessThan => "less than",
    }
}

fn amount(scale: Scale, threshold: f64, unit: Option<&str>) -> String {
    match unit {
        Some("%") => format!("{} %", plain(shift_decimal(threshold, 2))),
        Some(unit) if unit != "pp" => format!("{} {unit}", plain(threshold)),
        _ if scale == Scale::Difference => {
            let points = shift_decimal(threshold, 2);
            format!("{} percentage point{}", plain(points), if points == 1.0 { "" } else { "s" })
        }
        _ => plain(threshold),
    }
}

fn model(reference: &Reference) -> String {
    match reference {
        Reference::Production => "the live release".to_owned(),
        Reference::Baseline(name) => format!("the baseline {name}"),
        Reference::Release(id) => format!("release {id}"),
    }
}

/// All digits of a number, for a promise is not rounded; an exponent only where digits would fill a line.
fn plain(value: f64) -> String {
    let magnitude = value.abs();
    match magnitude {
        0.0 => "0".to_owned(),
        _ if (1e-6..1e15).contains(&magnitude) => value.to_string(),
        _ => format!("{value:e}"),
    }
}

fn ordinal(percent: f64) -> String {
    let digits = plain(percent);
    let whole = percent.fract() == 0.0;
    let ending = match digits.as_bytes() {
        [b'1', _] if whole => "th",
        [.., b'1'] if whole => "st",
        [.., b'2'] if whole => "nd",
        [.., b'3'] if whole => "rd",
        _ => "th",
    };
    format!("{digits}{ending}")
}
