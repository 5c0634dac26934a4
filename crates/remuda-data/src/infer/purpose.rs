//! What each column is for, and how models read it.
//!
//! What does not live here: oddities that change nothing in the contract (see `findings`).

use super::findings::{Subject, dressed_number, predictive_power};
use crate::error::DataError;
use crate::oddity::warning;
use remuda_model::data::{ColumnProfile, ColumnType, ColumnUse, FeatureKind, Oddity, Task};
use remuda_model::table::Texts;
use remuda_model::text;
use std::collections::HashMap;

/// Single columns that tell the label this well are not believed.
const LEAK: f64 = 0.95;
/// Beyond this the column is the label in other words.
const SAME: f64 = 0.999;

/// The use and kind of a column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Purpose {
    pub(super) column_use: ColumnUse,
    pub(super) kind: Option<FeatureKind>,
}

const IGNORED: Purpose = Purpose { column_use: ColumnUse::Ignore, kind: None };

fn plain(column_use: ColumnUse) -> Purpose {
    Purpose { column_use, kind: None }
}

/// Gives every column its purpose and says why where it is not plain.
pub(super) fn assign(subject: &Subject<'_>, oddities: &mut Vec<Oddity>) -> Result<Vec<Purpose>, DataError> {
    let mut purposes: Vec<Option<Purpose>> = vec![None; subject.profile.columns.len()];
    if let Some(label) = subject.label {
        purposes[label] = Some(plain(ColumnUse::Label));
    }
    assign_keys(subject, &mut purposes, oddities);
    for (place, column) in subject.profile.columns.iter().enumerate() {
        if purposes[place].is_some() {
            continue;
        }
        purposes[place] = match dressed_number(subject, column)? {
            Some(example) => dressed(column, &example, oddities),
            None => by_itself(column, oddities),
        };
    }
    assign_time(subject, &mut purposes, oddities);
    ignore_repeats(subject, &mut purposes, oddities)?;
    ignore_leaks(subject, &mut purposes, oddities)?;
    let columns = &subject.profile.columns;
    Ok(purposes.into_iter().zip(columns).map(|(purpose, column)| purpose.unwrap_or_else(|| feature(column))).collect())
}

/// Numbers with signs or separators: words when they are few, of no use to a model when they are many.
fn dressed(column: &ColumnProfile, example: &str, oddities: &mut Vec<Oddity>) -> Option<Purpose> {
    let few = column.distinct <= 50;
    let read = if few { "read as words" } else { "ignored" };
    oddities.push(warning(
        &column.name,
        format!("`{}` holds numbers with signs or separators, such as {}", column.name, crate::cell::shown(example)),
        format!("{read}; write plain numbers (`1234.5`) to have them as numbers"),
    ));
    (!few).then_some(IGNORED)
}

fn feature(column: &ColumnProfile) -> Purpose {
    let kind = match column.column_type {
        ColumnType::String if is_free_text(column) => FeatureKind::Text,
        ColumnType::String => FeatureKind::Category,
        _ => FeatureKind::Number,
    };
    Purpose { column_use: ColumnUse::Feature, kind: Some(kind) }
}

/// Sentences: long, and seldom the same.
fn is_free_text(column: &ColumnProfile) -> bool {
    let present = column.count - column.missing;
    let length = column.mean_length.unwrap_or(0.0);
    let spaced =
        column.top.is_empty() || column.top.iter().filter(|top| top.value.contains(' ')).count() * 2 > column.top.len();
    (length >= 20.0 && column.distinct * 2 > present && column.distinct > 20 && spaced)
        || (length >= 60.0 && column.distinct > 50 && spaced)
}

/// Words of a name: `customerID` is customer, id.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut before_lower = false;
    for character in name.chars() {
        let starts = character.is_uppercase() && before_lower;
        before_lower = character.is_lowercase() || character.is_ascii_digit();
        if !character.is_alphanumeric() {
            words.push(String::new());
        } else {
            if starts || words.is_empty() {
                words.push(String::new());
            }
            if let Some(word) = words.last_mut() {
                word.extend(character.to_lowercase());
            }
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn is_id_name(name: &str) -> bool {
    let words = words(name);
    let last = words.last().map_or("", String::as_str);
    matches!(last, "id" | "uuid" | "guid" | "key" | "identifier" | "rownumber" | "rowid")
        || name.ends_with("_id")
        || matches!(name.to_lowercase().as_str(), "index" | "customerid" | "userid" | "passengerid" | "row" | "rownum")
}

/// People and things that are observed more than once.
fn is_unit_name(name: &str) -> bool {
    let words = words(name);
    let units = [
        "customer",
        "user",
        "patient",
        "subject",
        "person",
        "household",
        "account",
        "client",
        "member",
        "driver",
        "student",
        "employee",
        "session",
        "device",
    ];
    is_id_name(name) && words.iter().any(|word| units.contains(&word.as_str()))
}

fn is_unique(column: &ColumnProfile) -> bool {
    // Beyond the exact bound distinct values are an estimate with a deviation of about 1.6 %.
    let slack = if column.distinct > crate::profile::EXACT as u64 { column.count / 20 } else { 0 };
    column.missing == 0 && column.count >= 2 && column.distinct + slack >= column.count
}

fn assign_keys(subject: &Subject<'_>, purposes: &mut [Option<Purpose>], oddities: &mut Vec<Oddity>) {
    let free = |place: usize, purposes: &[Option<Purpose>]| purposes[place].is_none();
    let columns = &subject.profile.columns;
    let may_be_key = |column: &ColumnProfile| match column.column_type {
        _ if !is_unique(column) => false,
        ColumnType::Integer => is_id_name(&column.name) || counts_rows(column),
        ColumnType::String => is_id_name(&column.name) || (column.count >= 20 && !is_free_text(column)),
        _ => false,
    };
    let mut candidates: Vec<usize> =
        (0..columns.len()).filter(|place| free(*place, purposes) && may_be_key(&columns[*place])).collect();
    // A name that says so comes before mere uniqueness, a text code before a row number.
    candidates.sort_by_key(|place| (!is_id_name(&columns[*place].name), *place));
    // Texts that are unique by nature (questions, comments) are features, handled as text above.
    for (rank, place) in candidates.iter().enumerate() {
        let name = &columns[*place].name;
        if rank == 0 {
            purposes[*place] = Some(plain(ColumnUse::Key));
            oddities.push(warning(
                name,
                format!("`{name}` has another value in every row"),
                "taken as the key: rows are told apart and split by it, and models do not see it",
            ));
        } else {
            purposes[*place] = Some(IGNORED);
            oddities.push(warning(
                name,
                format!("`{name}` has another value in every row, too"),
                "ignored: a second identifier tells a model nothing",
            ));
        }
    }
    for (place, column) in columns.iter().enumerate() {
        let repeated = column.distinct >= 20 && column.distinct * 10 <= (column.count - column.missing) * 9;
        if free(place, purposes) && repeated && is_unit_name(&column.name) {
            let first = !purposes.iter().flatten().any(|purpose| purpose.column_use == ColumnUse::Group);
            purposes[place] = Some(plain(if first { ColumnUse::Group } else { ColumnUse::Ignore }));
            let advice = if first {
                "taken as the group: rows that share it stay in one split, and models do not see it"
            } else {
                "ignored: a model would learn single cases by heart"
            };
            oddities.push(warning(
                &column.name,
                format!(
                    "`{}` names {} in {}",
                    column.name,
                    text::count(column.distinct, "unit"),
                    text::count(column.count, "row")
                ),
                advice,
            ));
        }
    }
}

/// 0, 1, 2, … or 1, 2, 3, …: a row number.
fn counts_rows(column: &ColumnProfile) -> bool {
    column.count >= 20
        && column.numbers.as_ref().is_some_and(|numbers| {
            numbers.maximum - numbers.minimum + 1.0 == column.count as f64 && numbers.minimum.abs() <= 1.0
        })
}

/// What a column's own values and name say; `None` for a plain feature.
fn by_itself(column: &ColumnProfile, oddities: &mut Vec<Oddity>) -> Option<Purpose> {
    let name = &column.name;
    let present = column.count - column.missing;
    if present == 0 {
        oddities.push(warning(name, format!("`{name}` has no value in any row"), "ignored"));
        return Some(IGNORED);
    }
    if column.distinct == 1 && column.missing == 0 {
        let value = column.top.first().map(|top| top.value.clone());
        let value = value.or_else(|| column.numbers.as_ref().map(|numbers| text::number(numbers.minimum)));
        let value = value.map(|value| format!(" ({})", crate::cell::shown(&value))).unwrap_or_default();
        oddities.push(warning(name, format!("`{name}` has the same value in every row{value}"), "ignored"));
        return Some(IGNORED);
    }
    if is_survey_weight(column) {
        oddities.push(warning(
            name,
            format!(
                "`{name}` looks like a survey weight (its name, and {} above 0)",
                text::count(column.distinct, "different value")
            ),
            "use: weight; models do not see it",
        ));
        return Some(plain(ColumnUse::Weight));
    }
    let nearly_unique = present >= 20 && column.distinct * 100 >= present * 90;
    let identifier = match column.column_type {
        ColumnType::String => nearly_unique && !is_free_text(column),
        ColumnType::Integer => nearly_unique && is_id_name(name),
        _ => false,
    };
    if identifier {
        oddities.push(warning(
            name,
            format!(
                "`{name}` has another value in almost every row ({} in {})",
                text::thousands(column.distinct),
                text::count(present, "row")
            ),
            "ignored: a model would learn single rows by heart",
        ));
        return Some(IGNORED);
    }
    None
}

/// Survey weights have telling names; a plain `weight` may be that of a body or a car, which is a feature.
fn is_survey_weight(column: &ColumnProfile) -> bool {
    let name = column.name.to_lowercase().replace([' ', '-', '.'], "_");
    let telling = name.ends_with("wgt")
        || name.ends_with("wgts")
        || matches!(name.as_str(), "perwt" | "hhwt" | "pweight" | "finalwt" | "pwgtp" | "wt")
        || ["sample", "sampling", "survey", "instance", "person", "final", "design", "case", "replicate", "household"]
            .iter()
            .any(|word| name.contains(&format!("{word}_weight")) || name.contains(&format!("{word}weight")));
    let positive = column.numbers.as_ref().is_some_and(|numbers| numbers.minimum > 0.0);
    telling && positive && column.column_type.is_numeric() && column.distinct > 20
}

fn assign_time(subject: &Subject<'_>, purposes: &mut [Option<Purpose>], oddities: &mut Vec<Oddity>) {
    let mut first = true;
    for (place, column) in subject.profile.columns.iter().enumerate() {
        let is_time = matches!(column.column_type, ColumnType::Date | ColumnType::Timestamp);
        if !is_time || purposes[place].is_some() {
            continue;
        }
        let name = &column.name;
        let range = column.numbers.as_ref().map(|numbers| {
            let mut range = String::new();
            crate::time::write_date((numbers.minimum / 86_400.0).floor() as i32, &mut range);
            range.push_str(" to ");
            crate::time::write_date((numbers.maximum / 86_400.0).floor() as i32, &mut range);
            range
        });
        let range = range.map(|range| format!(", {range}")).unwrap_or_default();
        let advice = if first {
            "use: time; models do not see it. Rows are split by hash, not by time: look for drift before you trust the past"
        } else {
            "ignored: another time of the same row may be known only after the event"
        };
        oddities.push(warning(name, format!("`{name}` holds {}s{range}", column.column_type.as_str()), advice));
        purposes[place] = Some(if first { plain(ColumnUse::Time) } else { IGNORED });
        first = false;
    }
}

/// Of two columns that repeat each other one to one, the later is ignored.
fn ignore_repeats(
    subject: &Subject<'_>,
    purposes: &mut [Option<Purpose>],
    oddities: &mut Vec<Oddity>,
) -> Result<(), DataError> {
    let columns = &subject.profile.columns;
    let mut by_shape: HashMap<(u64, u64), Vec<usize>> = HashMap::new();
    for (place, column) in columns.iter().enumerate() {
        let present = column.count - column.missing;
        let comparable = column.distinct >= 2 && column.distinct * 2 <= present;
        if purposes[place].is_none() && comparable {
            by_shape.entry((column.distinct, column.missing)).or_default().push(place);
        }
    }
    let mut groups: Vec<Vec<usize>> = by_shape.into_values().filter(|group| group.len() > 1).collect();
    groups.sort();
    for group in groups {
        let mut kept: Vec<(usize, Texts)> = Vec::new();
        for place in group {
            let texts = subject.sample.rows.text(&columns[place].name)?;
            let twin = kept.iter().find(|(_, other)| is_one_to_one(other, &texts)).map(|(place, _)| *place);
            let Some(twin) = twin else {
                kept.push((place, texts));
                continue;
            };
            let (name, other) = (&columns[place].name, &columns[twin].name);
            let of = if subject.sample.whole { "" } else { " in a sample of the rows" };
            oddities.push(warning(
                name,
                format!(
                    "`{name}` repeats `{other}`: each of its {} stands for one of the other{of}",
                    text::count(columns[place].distinct, "value")
                ),
                format!("ignored: `{other}` says the same"),
            ));
            purposes[place] = Some(IGNORED);
        }
    }
    Ok(())
}

fn is_one_to_one(left: &Texts, right: &Texts) -> bool {
    let mut there: HashMap<u32, u32> = HashMap::new();
    let mut back: HashMap<u32, u32> = HashMap::new();
    left.codes.iter().zip(&right.codes).all(|(left, right)| {
        *there.entry(*left).or_insert(*right) == *right && *back.entry(*right).or_insert(*left) == *left
    })
}

/// Columns that tell the label too well.
fn ignore_leaks(
    subject: &Subject<'_>,
    purposes: &mut [Option<Purpose>],
    oddities: &mut Vec<Oddity>,
) -> Result<(), DataError> {
    let (Some(label), Some(task)) = (subject.label, subject.task) else { return Ok(()) };
    let label = &subject.profile.columns[label];
    for (place, column) in subject.profile.columns.iter().enumerate() {
        if purposes[place].is_some() || is_free_text(column) {
            continue;
        }
        let power = predictive_power(subject, column, label, task)?;
        if power < LEAK {
            continue;
        }
        let name = &column.name;
        let what = if task == Task::Regression {
            "of the label's variance"
        } else {
            "of what there is to know about the label"
        };
        let message = format!("`{name}` alone tells {} % {what}", text::number((power * 1000.0).floor() / 10.0));
        if power >= SAME {
            purposes[place] = Some(IGNORED);
            oddities.push(warning(
                name,
                message,
                "ignored: it says the label in other words; make it a feature only if it is known before the event",
            ));
        } else {
            oddities.push(warning(
                name,
                message,
                "kept as a feature; set `use: ignore` if it is known only after the event",
            ));
        }
    }
    Ok(())
}
