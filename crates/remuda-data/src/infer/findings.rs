//! Oddities that need the rows: sentinels, spellings, rare classes, duplicates; and how well a single column tells
//! the label.

use super::purpose::Purpose;
use super::sample::Sample;
use crate::cell::shown;
use crate::error::DataError;
use crate::oddity::{table_warning, warning};
use remuda_model::data::{ColumnProfile, ColumnType, ColumnUse, Oddity, Profile, Task, ValueCount};
use remuda_model::table::{Texts, Values};
use remuda_model::text;
use std::collections::{BTreeMap, HashMap};

/// What the findings are about.
pub(super) struct Subject<'a> {
    pub(super) profile: &'a Profile,
    pub(super) sample: &'a Sample,
    pub(super) label: Option<usize>,
    pub(super) task: Option<Task>,
}

/// How much of the label a single column tells, 0 to 1, without what a group's own row says of itself (each row is
/// left out of its group's answer, so that many small groups tell nothing): the share of the errors of the best
/// constant answer that the column avoids, or of the variance.
pub(super) fn predictive_power(
    subject: &Subject<'_>,
    column: &ColumnProfile,
    label: &ColumnProfile,
    task: Task,
) -> Result<f64, DataError> {
    let rows = &subject.sample.rows;
    let values = rows.values(&column.name)?;
    let order = match &values {
        Values::Number(numbers) if column.distinct > 20 => Some(order_of(numbers)),
        _ => None,
    };
    if task == Task::Regression {
        let labels = rows.numbers(&label.name)?;
        return Ok(match order {
            Some(order) => variance_explained_by_neighbours(&order, &labels),
            None => explained_variance(&groups_of(values), &labels),
        });
    }
    let labels = rows.text(&label.name)?;
    Ok(match order {
        Some(order) => errors_avoided_by_neighbours(&order, &labels.codes),
        None => avoided_errors(&groups_of(values), &labels),
    })
}

/// The rows in the order of a number, missing ones last.
fn order_of(numbers: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..numbers.len()).collect();
    order.sort_by(|left, right| numbers[*left].total_cmp(&numbers[*right]).then(left.cmp(right)));
    order
}

/// The two rows before and the two behind a place.
fn neighbours(order: &[usize], place: usize) -> impl Iterator<Item = usize> + '_ {
    let around = place.saturating_sub(2)..(place + 3).min(order.len());
    around.filter(move |other| *other != place).map(|other| order[other])
}

/// As [`avoided_errors`], a row's answer being what most of its four neighbours have: a threshold anywhere is found.
fn errors_avoided_by_neighbours(order: &[usize], classes: &[u32]) -> f64 {
    let mut counts: HashMap<u32, u64> = HashMap::new();
    for class in classes {
        *counts.entry(*class).or_insert(0) += 1;
    }
    let errors_before = classes.len() as u64 - counts.values().copied().max().unwrap_or(0);
    if errors_before == 0 {
        return 0.0;
    }
    let is_right = |place: &usize| {
        let own = classes[order[*place]];
        let (mut same, mut all) = (0, 0);
        for other in neighbours(order, *place) {
            all += 1;
            same += usize::from(classes[other] == own);
        }
        same * 2 > all
    };
    let errors = classes.len() - (0..order.len()).filter(is_right).count();
    (1.0 - errors as f64 / errors_before as f64).max(0.0)
}

/// As [`explained_variance`], a row's answer being the mean of its four neighbours.
fn variance_explained_by_neighbours(order: &[usize], labels: &[f64]) -> f64 {
    let present: Vec<f64> = labels.iter().copied().filter(|label| !label.is_nan()).collect();
    let mean = present.iter().sum::<f64>() / present.len().max(1) as f64;
    let (mut before, mut after) = (0.0, 0.0);
    for (place, row) in order.iter().enumerate().filter(|(_, row)| !labels[**row].is_nan()) {
        let (mut sum, mut count) = (0.0, 0.0);
        for label in neighbours(order, place).map(|other| labels[other]).filter(|label| !label.is_nan()) {
            sum += label;
            count += 1.0;
        }
        let answer = if count > 0.0 { sum / count } else { mean };
        before += (labels[*row] - mean).powi(2);
        after += (labels[*row] - answer).powi(2);
    }
    if before > 0.0 { (1.0 - after / before).max(0.0) } else { 0.0 }
}

/// A group per row: the value.
fn groups_of(values: Values) -> Vec<u32> {
    let numbers = match values {
        Values::Text(texts) => return texts.codes,
        Values::Number(numbers) => numbers,
    };
    let mut sorted: Vec<f64> = numbers.iter().copied().filter(|value| !value.is_nan()).collect();
    sorted.sort_by(f64::total_cmp);
    sorted.dedup();
    let missing = sorted.len() as u32;
    let group = |value: &f64| if value.is_nan() { missing } else { sorted.partition_point(|edge| edge < value) as u32 };
    numbers.iter().map(group).collect()
}

fn avoided_errors(groups: &[u32], label: &Texts) -> f64 {
    let mut cells: HashMap<u32, HashMap<u32, u64>> = HashMap::new();
    let mut classes: HashMap<u32, u64> = HashMap::new();
    for (group, class) in groups.iter().zip(&label.codes) {
        *cells.entry(*group).or_default().entry(*class).or_insert(0) += 1;
        *classes.entry(*class).or_insert(0) += 1;
    }
    let rows = groups.len() as u64;
    let most = classes.values().copied().max().unwrap_or(0);
    let errors_before = rows - most;
    if errors_before == 0 {
        return 0.0;
    }
    let mut right = 0;
    for group in cells.values() {
        let mut counts: Vec<u64> = group.values().copied().collect();
        counts.sort_unstable_by(|left, right| right.cmp(left));
        let (first, second) = (counts[0], counts.get(1).copied().unwrap_or(0));
        // Left out, a row of the first class still meets its class if that stays the most frequent.
        if first > second + 1 || (first > 1 && second == 0) {
            right += first;
        }
    }
    let errors = rows - right.min(rows);
    (1.0 - errors as f64 / errors_before as f64).max(0.0)
}

fn explained_variance(groups: &[u32], values: &[f64]) -> f64 {
    let mut sums: HashMap<u32, (f64, f64)> = HashMap::new();
    let (mut total, mut rows) = (0.0, 0.0);
    for (group, value) in groups.iter().zip(values).filter(|(_, value)| !value.is_nan()) {
        let sum = sums.entry(*group).or_insert((0.0, 0.0));
        sum.0 += value;
        sum.1 += 1.0;
        total += value;
        rows += 1.0;
    }
    if rows < 2.0 {
        return 0.0;
    }
    let mean = total / rows;
    let (mut before, mut after) = (0.0, 0.0);
    for (group, value) in groups.iter().zip(values).filter(|(_, value)| !value.is_nan()) {
        before += (value - mean).powi(2);
        let (sum, count) = sums[group];
        let others = if count > 1.0 { (sum - value) / (count - 1.0) } else { mean };
        after += (value - others).powi(2);
    }
    if before > 0.0 { (1.0 - after / before).max(0.0) } else { 0.0 }
}

/// Oddities of single columns.
pub(super) fn about_values(
    subject: &Subject<'_>,
    purposes: &[Purpose],
    oddities: &mut Vec<Oddity>,
) -> Result<(), DataError> {
    for (place, column) in subject.profile.columns.iter().enumerate() {
        let is_label = Some(place) == subject.label;
        if purposes[place].column_use == ColumnUse::Feature && column.column_type.is_numeric() {
            about_sentinels(subject, column, oddities)?;
        }
        if column.column_type == ColumnType::String && (purposes[place].column_use == ColumnUse::Feature || is_label) {
            about_spellings(subject, column, oddities)?;
        }
        if is_label {
            about_label(subject, column, oddities);
        }
    }
    Ok(())
}

/// A value at the edge, repeated, far from all others, that people use for "no value".
fn about_sentinels(subject: &Subject<'_>, column: &ColumnProfile, oddities: &mut Vec<Oddity>) -> Result<(), DataError> {
    let mut counts: BTreeMap<i64, u64> = BTreeMap::new();
    for value in subject.sample.rows.numbers(&column.name)? {
        if !value.is_nan() {
            *counts.entry((value * 1000.0).clamp(-9e18, 9e18) as i64).or_insert(0) += 1;
        }
    }
    let enough = |count: u64| count >= 5 && count * 1000 >= subject.sample.rows.len() as u64;
    let mut ends = counts.iter();
    if let (Some((low, count)), Some((next, _))) = (ends.next(), ends.next()) {
        let known = [-1, -9, -99, -999, -9999, -99999].iter().any(|sentinel| sentinel * 1000 == *low);
        let apart = *next >= 0 && counts.len() > 3;
        if known && apart && enough(*count) {
            oddities.push(sentinel(column, *low, *count));
        }
    }
    let mut ends = counts.iter().rev();
    if let (Some((high, count)), Some((next, _))) = (ends.next(), ends.next()) {
        let known = [99, 999, 9999, 99_999, 999_999].iter().any(|sentinel| sentinel * 1000 == *high);
        let apart = *next >= 0 && *next < high / 2 && counts.len() > 3;
        if known && apart && enough(*count) {
            oddities.push(sentinel(column, *high, *count));
        }
    }
    Ok(())
}

fn sentinel(column: &ColumnProfile, thousandths: i64, count: u64) -> Oddity {
    let value = text::number(thousandths as f64 / 1000.0);
    warning(
        &column.name,
        format!("{} have `{}` = {value}, far from all others", text::count(count, "row"), column.name),
        "kept as a number; if it stands for a missing or capped value, list it under `missing` in the contract",
    )
}

/// Values that differ in case or surrounding blanks alone.
fn about_spellings(subject: &Subject<'_>, column: &ColumnProfile, oddities: &mut Vec<Oddity>) -> Result<(), DataError> {
    if column.distinct > 10_000 || column.mean_length.unwrap_or(0.0) > 40.0 {
        return Ok(());
    }
    let texts = subject.sample.rows.text(&column.name)?;
    let mut spellings: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for word in &texts.dictionary {
        spellings.entry(word.trim().to_lowercase()).or_default().push(word);
    }
    let groups: Vec<&Vec<&str>> = spellings.values().filter(|group| group.len() > 1).collect();
    let Some(first) = groups.first() else { return Ok(()) };
    let shown_words: Vec<String> = first.iter().take(3).map(|word| shown(word)).collect();
    oddities.push(warning(
        &column.name,
        format!(
            "{} of `{}` {} written in more than one way: {}",
            text::count(groups.len() as u64, "value"),
            column.name,
            if groups.len() == 1 { "is" } else { "are" },
            text::list(&shown_words)
        ),
        "kept as different values; correct the file if they mean the same",
    ));
    Ok(())
}

/// `1,234`, `$5.20`, `45 %`: numbers in a dress. Gives the first one when most values are such.
pub(super) fn dressed_number(subject: &Subject<'_>, column: &ColumnProfile) -> Result<Option<String>, DataError> {
    if column.column_type != ColumnType::String || column.mean_length.unwrap_or(0.0) > 24.0 {
        return Ok(None);
    }
    let texts = subject.sample.rows.text(&column.name)?;
    let dressed = |value: &str| {
        let bare: String = value.chars().filter(|c| !matches!(c, '$' | '€' | '£' | '%' | ',' | ' ' | '\'')).collect();
        bare != value && crate::cell::parse_number(&bare).is_some()
    };
    let seen = texts.dictionary.len().min(1000);
    let mut found = texts.dictionary.iter().take(1000).filter(|value| dressed(value));
    let first = found.next().map(|value| value.to_string());
    let count = found.count() + usize::from(first.is_some());
    Ok(first.filter(|_| seen >= 5 && count * 10 >= seen * 8))
}

fn about_label(subject: &Subject<'_>, label: &ColumnProfile, oddities: &mut Vec<Oddity>) {
    let name = &label.name;
    if label.missing > 0 {
        oddities.push(warning(
            name,
            format!(
                "{} {} no label",
                text::count(label.missing, "row"),
                if label.missing == 1 { "has" } else { "have" }
            ),
            "they cannot teach or test anything; the contract warns about them",
        ));
    }
    if label.column_type == ColumnType::Integer && subject.task == Some(Task::Multiclass) {
        oddities.push(warning(
            name,
            format!("`{name}` has {} whole numbers", label.distinct),
            "taken as classes; set its type to number to predict a number instead",
        ));
    }
    if subject.task == Some(Task::Regression) {
        return;
    }
    let classes = classes(subject, label);
    let rare: Vec<String> = classes
        .iter()
        .filter(|class| class.count < 20)
        .map(|class| format!("{} ({})", shown(&class.value), class.count))
        .collect();
    if !rare.is_empty() {
        let list = text::list(&rare[..rare.len().min(5)]);
        let more = if rare.len() > 5 { format!(" and {} more", rare.len() - 5) } else { String::new() };
        oddities.push(warning(
            name,
            format!("too few rows of {}: {list}{more}", text::count(rare.len() as u64, "class")),
            "no statement about such a class can be certain; merge it with another, or label more",
        ));
    }
    let total: u64 = classes.iter().map(|class| class.count).sum();
    if let (Some(most), Some(least), Some(Task::Binary)) = (classes.first(), classes.last(), subject.task)
        && least.count * 10 < total
        && least.count >= 20
    {
        let share = text::number(100.0 * most.count as f64 / total as f64);
        oddities.push(warning(
            name,
            format!("classes are uneven: {share} % {}", shown(&most.value)),
            "accuracy says little here; ask for recall and precision of the rare class",
        ));
    }
}

/// The classes of a label with their counts, most frequent first: exact where the profile has them all, else (more
/// classes than a profile shows) from the sample.
pub(super) fn classes(subject: &Subject<'_>, label: &ColumnProfile) -> Vec<ValueCount> {
    if label.top.len() as u64 == label.distinct {
        return label.top.clone();
    }
    let Ok(texts) = subject.sample.rows.text(&label.name) else { return label.top.clone() };
    let mut counts = vec![0u64; texts.dictionary.len()];
    for code in &texts.codes {
        if let Some(count) = counts.get_mut(*code as usize) {
            *count += 1;
        }
    }
    let mut classes: Vec<ValueCount> = texts
        .dictionary
        .iter()
        .zip(counts)
        .map(|(value, count)| ValueCount { value: value.to_string(), count })
        .collect();
    classes.sort_by(|left, right| right.count.cmp(&left.count).then_with(|| left.value.cmp(&right.value)));
    classes
}

/// Oddities of the whole table.
pub(super) fn about_table(subject: &Subject<'_>, oddities: &mut Vec<Oddity>) {
    let profile = subject.profile;
    if profile.duplicate_rows > 0 {
        let verb = if profile.duplicate_rows == 1 { "repeats" } else { "repeat" };
        oddities.push(table_warning(
            format!("{} {verb} an earlier row exactly", text::count(profile.duplicate_rows, "row")),
            "kept; rows are split by their content, so copies stay in one split",
        ));
    }
    if profile.rows < 100 {
        oddities.push(table_warning(
            format!("the file has {} only", text::count(profile.rows, "row")),
            "too few to decide anything with certainty: every verdict will be undecided",
        ));
    }
    let header_is_data =
        profile.columns.iter().filter(|column| crate::cell::parse_number(&column.name).is_some()).count();
    if header_is_data * 2 >= profile.columns.len() && header_is_data > 0 {
        oddities.push(table_warning(
            "the header looks like a row of data: its names are numbers",
            "if the file has no header, write one as its first line",
        ));
    }
}
