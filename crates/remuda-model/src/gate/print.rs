//! The printer: one canonical text per criterion, which the parser reads back as the same criterion.
//!
//! Nothing is added: a confidence that was not written is not printed here, but always said in [`words`](mod@super::words).

use std::fmt;

use super::criterion::{Bound, Change, Claim, Criterion, MetricOf, Quantity, Reference};
use super::cursor::{Place, Stop, is_bare, sql_end};

impl fmt::Display for Criterion {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.claim {
            Claim::Holds { quantity, comparison, bound } => {
                write!(out, "{} {} {}", quantity_text(quantity), comparison.sign(), bound_text(bound))?;
            }
            Claim::EveryTest { name } => write!(out, "every test of {} passes", name_text(name, Place::File))?,
        }
        if let Some(filter) = &self.filter {
            write!(out, " where {}", sql_text(filter, Stop::Clause))?;
        }
        if let Some(each) = &self.each {
            write!(out, " for each {}", name_text(&each.column, Place::Column))?;
            if let Some(rows) = each.at_least {
                write!(out, " with at least {rows}")?;
            }
        }
        if let Some(column) = &self.by {
            write!(out, " by {}", name_text(column, Place::Column))?;
        }
        if let Some(percent) = self.confidence {
            write!(out, " @{percent}%")?;
        }
        Ok(())
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&quantity_text(self))
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&bound_text(self))
    }
}

pub(super) fn quantity_text(quantity: &Quantity) -> String {
    match quantity {
        Quantity::Metric(metric) => metric_text(metric),
        Quantity::Gap { metric, column } => {
            format!("gap of {} between {}", metric_text(metric), name_text(column, Place::Column))
        }
        Quantity::Ratio { metric, column } => {
            format!("ratio of {} between {}", metric_text(metric), name_text(column, Place::Column))
        }
        Quantity::Quantile { percent, expression } => {
            format!("p{percent} of {}", sql_text(expression, Stop::Comparison))
        }
        Quantity::PassRate { name } => format!("pass rate of tests {}", name_text(name, Place::File)),
        Quantity::MeanCost { file } => format!("mean cost using {}", name_text(file, Place::File)),
        Quantity::ChangedDecisions { against } => format!("changed decisions vs {}", reference_text(against)),
    }
}

fn metric_text(of: &MetricOf) -> String {
    match &of.class {
        Some(class) => format!("{} of {}", of.metric.name(), name_text(class, Place::Class)),
        None => of.metric.name(),
    }
}

fn bound_text(bound: &Bound) -> String {
    match bound {
        Bound::Number { value, unit: Some(unit) } => format!("{} {unit}", unsigned_zero(*value)),
        Bound::Number { value, unit: None } => unsigned_zero(*value).to_string(),
        Bound::Reference { reference, change } => format!("{}{}", reference_text(reference), change_text(*change)),
    }
}

fn change_text(change: Change) -> String {
    let sign = |shift: f64| if shift < 0.0 { '-' } else { '+' };
    match change {
        Change::None => String::new(),
        Change::Add(shift) => format!(" {} {}", sign(shift), shift.abs()),
        Change::AddPoints(points) => format!(" {} {} pp", sign(points), points.abs()),
        Change::Times(factor) => format!(" x {factor}"),
    }
}

/// -0 is 0: two texts for one number would not be canonical.
fn unsigned_zero(value: f64) -> f64 {
    value + 0.0
}

fn reference_text(reference: &Reference) -> String {
    match reference {
        Reference::Production => "production".to_owned(),
        Reference::Baseline(name) => format!("baseline {}", name_text(name, Place::Model)),
        Reference::Release(id) => format!("release {}", name_text(id, Place::Model)),
    }
}

/// A name, in quotes only where it needs them: double ones for columns as in SQL, single ones for all else.
pub(super) fn name_text(name: &str, place: Place) -> String {
    let quote = if place == Place::Column { "\"" } else { "'" };
    if is_bare(name, place) {
        name.to_owned()
    } else {
        format!("{quote}{}{quote}", name.replace(quote, &quote.repeat(2)))
    }
}

/// SQL as written; in brackets where a word in it would end it too early (no parsed criterion holds such SQL).
fn sql_text(sql: &str, stop: Stop) -> String {
    if sql_end(sql, 0, stop) == Ok(sql.len()) { sql.to_owned() } else { format!("({sql})") }
}
