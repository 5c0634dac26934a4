//! Levels of numbers, yes and no, days and moments.

use super::{Cutting, Levels, NONE, Terms};
use crate::cell::{Raw, write_raw};
use remuda_model::data::ColumnType;

/// Up to so many distinct values each is a level.
const STEPS: usize = 12;

/// The most bins: enough to find where trouble begins.
const BINS: usize = 10;

/// The levels of a column whose values are numbers (NaN where missing); `None` when they are all alike.
pub(super) fn levels(
    column: &str,
    expression: &str,
    column_type: ColumnType,
    numbers: &[f64],
    cutting: &Cutting<'_>,
) -> Option<Levels> {
    let mut sorted: Vec<f64> = numbers.iter().copied().filter(|value| value.is_finite()).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let mut distinct: Vec<f64> = Vec::new();
    for value in &sorted {
        if distinct.last() != Some(value) {
            distinct.push(*value);
            if distinct.len() > STEPS {
                break;
            }
        }
    }
    let named = distinct.len();
    let some_missing = sorted.len() < numbers.len();
    if named == 0 || (named == 1 && !some_missing) {
        return None;
    }
    let (terms, ends): (Terms, Vec<f64>) = if named <= STEPS {
        let values = distinct.iter().map(|value| literal(*value, column_type)).collect();
        (Terms::Steps { expression: expression.to_owned(), values }, distinct)
    } else {
        let cuts = cuts(&sorted, column_type, cutting);
        if cuts.is_empty() && !some_missing {
            return None;
        }
        let texts = cuts.iter().map(|cut| literal(*cut, column_type)).collect();
        (Terms::Bins { expression: expression.to_owned(), cuts: texts }, cuts)
    };
    let is_steps = matches!(terms, Terms::Steps { .. });
    let ordered = if is_steps { ends.len() } else { ends.len() + 1 };
    let code = |value: &f64| match value {
        value if value.is_nan() => ordered as u8,
        value if is_steps => ends.iter().position(|step| step == value).map_or(NONE, |place| place as u8),
        value => ends.iter().filter(|cut| value >= *cut).count() as u8,
    };
    Some(Levels {
        column: column.to_owned(),
        codes: numbers.iter().map(code).collect(),
        levels: ordered + usize::from(some_missing),
        // Yes and no are in no order worth a range.
        ordered: if column_type == ColumnType::Boolean { 0 } else { ordered },
        terms,
    })
}

/// Cuts that leave bins of about equal size; a value that many rows share has a bin of its own. Each cut is the number
/// with the fewest digits that lies near the place it should have.
fn cuts(sorted: &[f64], column_type: ColumnType, cutting: &Cutting<'_>) -> Vec<f64> {
    // So few bins that one of them, crossed with one of another column, still has rows enough; half of the rows are
    // searched. Neighbours can be joined again, but what was never counted cannot be found.
    let crossed = (sorted.len() as f64 / 2.0 / cutting.least_rows.max(1) as f64).sqrt();
    let bins = (crossed as usize).clamp(3, BINS);
    let size = (sorted.len() / bins).max(1);
    let mut cuts = Vec::new();
    let mut begin = 0;
    while begin + size + size / 2 < sorted.len() {
        let value = sorted[begin + size];
        let shared_from = sorted.partition_point(|other| *other < value);
        let shared_to = sorted.partition_point(|other| *other <= value);
        // The bin ends before a value that many share, unless it would be nearly empty.
        let place = if shared_from > begin + size / 4 { shared_from } else { shared_to };
        if place + size / 4 >= sorted.len() {
            break;
        }
        let slack = size / 8;
        let low = sorted[place.saturating_sub(slack + 1).max(begin)];
        let high = sorted[(place + slack).min(sorted.len() - 1)];
        let cut = between(low, high, column_type);
        begin = sorted.partition_point(|other| *other < cut);
        cuts.push(cut);
    }
    cuts
}

/// The value above `low` and up to `high` that reads best.
fn between(low: f64, high: f64, column_type: ColumnType) -> f64 {
    let steps: Vec<f64> = match column_type {
        ColumnType::Date => vec![86_400.0],
        ColumnType::Timestamp => vec![86_400.0, 3_600.0, 60.0, 1.0],
        _ => return fewest_digits(low, high, column_type == ColumnType::Integer),
    };
    let at = |step: f64| (high / step).floor() * step;
    steps.into_iter().map(at).find(|value| *value > low).unwrap_or(high)
}

/// The number above `low` and up to `high` with the fewest digits; halves of a power of ten count as round too.
fn fewest_digits(low: f64, high: f64, whole: bool) -> f64 {
    let greatest = low.abs().max(high.abs());
    if greatest == 0.0 {
        return high;
    }
    let first = greatest.log10().ceil() as i32;
    let last = if whole { 0 } else { first - 17 };
    for exponent in (last..=first).rev() {
        for (part, power) in [(1.0, exponent), (5.0, exponent - 1)] {
            let step = part * 10f64.powi(power);
            if whole && power < 0 {
                continue;
            }
            let decimals = (-power).max(0) as usize;
            // Written and read again: what is compared is what is printed.
            let rounded = format!("{:.decimals$}", (high / step).floor() * step).parse::<f64>().unwrap_or(high);
            if rounded > low && rounded <= high {
                return if rounded == 0.0 { 0.0 } else { rounded };
            }
        }
    }
    high
}

/// A value as SQL reads it.
fn literal(value: f64, column_type: ColumnType) -> String {
    let mut text = String::new();
    match column_type {
        ColumnType::Boolean => return (value != 0.0).to_string(),
        ColumnType::Date => write_raw(Raw::Date((value / 86_400.0).round() as i32), &mut text),
        ColumnType::Timestamp => write_raw(Raw::Timestamp((value * 1e6).round() as i64), &mut text),
        _ => return format!("{value}"),
    }
    let kind = if column_type == ColumnType::Date { "DATE" } else { "TIMESTAMP" };
    format!("{kind} '{text}'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_have_few_digits() {
        let cases = [
            (29.84, 30.11, false, 30.0),
            (29.84, 29.93, false, 29.9),
            (-3.0, 2.0, false, 0.0),
            (0.000_31, 0.000_36, false, 0.000_35),
            (41.0, 48.0, true, 45.0),
            (41.0, 42.0, true, 42.0),
            (-48.0, -41.0, true, -45.0),
            (0.1, 0.1 + 1e-16, false, 0.1 + 1e-16),
            (9_007_199.0, 9_007_200.0, true, 9_007_200.0),
        ];
        for (low, high, whole, expected) in cases {
            let found = fewest_digits(low, high, whole);
            assert!(found == expected && found > low && found <= high, "{low} {high}: {found}");
        }
    }
}
