//! Levels of texts: the values of a category, and the length and the telling words of prose.

use super::{Cutting, Levels, NONE, Terms, literal, numbers};
use crate::error::DataError;
use crate::rows::Rows;
use remuda_model::data::ColumnType;
use remuda_model::table::{MISSING, Texts};
use std::collections::{BTreeMap, HashSet};

/// The most values of a category that have a level of their own; rarer ones share one.
const VALUES: usize = 60;

/// Up to so many values the others can be named by listing what they are not; a longer list nobody reads.
const LISTED: usize = 8;

/// The most words of a text column.
const WORDS: usize = 24;

/// A word of more than this share of the rows tells nothing.
const COMMON: f64 = 0.3;

/// The values of a category, the commonest first; `None` when no two levels have rows enough. Rarer values are at no
/// level where the common ones are too many to list.
pub(super) fn values(column: &str, expression: &str, texts: &Texts, cutting: &Cutting<'_>) -> Option<Levels> {
    let mut counts = vec![0usize; texts.dictionary.len()];
    let mut missing = 0usize;
    for code in &texts.codes {
        match counts.get_mut(*code as usize) {
            Some(count) => *count += 1,
            None => missing += 1,
        }
    }
    let mut common: Vec<usize> = (0..counts.len()).filter(|code| counts[*code] >= cutting.least_rows.max(1)).collect();
    common.sort_by(|one, other| {
        counts[*other].cmp(&counts[*one]).then_with(|| texts.dictionary[*one].cmp(&texts.dictionary[*other]))
    });
    common.truncate(VALUES);
    let rarer = common.len() < counts.iter().filter(|count| **count > 0).count();
    let others = rarer && (1..=LISTED).contains(&common.len());
    let levels = common.len() + usize::from(others) + usize::from(missing > 0);
    if levels < 2 && !(rarer && levels == 1) {
        return None;
    }
    let rare = if others { common.len() as u8 } else { NONE };
    let mut place = vec![rare; counts.len()];
    for (level, code) in common.iter().enumerate() {
        place[*code] = level as u8;
    }
    let last = (levels - 1) as u8;
    let code = |code: &u32| if *code == MISSING { last } else { place.get(*code as usize).copied().unwrap_or(last) };
    Some(Levels {
        column: column.to_owned(),
        codes: texts.codes.iter().map(code).collect(),
        levels,
        ordered: 0,
        terms: Terms::Values {
            expression: expression.to_owned(),
            values: common.iter().map(|code| literal(&texts.dictionary[*code])).collect(),
            others,
        },
    })
}

/// The length of texts in characters, in bins.
pub(super) fn lengths(column: &str, expression: &str, texts: &Texts, cutting: &Cutting<'_>) -> Option<Levels> {
    let of_value: Vec<f64> = texts.dictionary.iter().map(|text| text.chars().count() as f64).collect();
    let length = |code: &u32| of_value.get(*code as usize).copied().unwrap_or(f64::NAN);
    let lengths: Vec<f64> = texts.codes.iter().map(length).collect();
    numbers::levels(column, &format!("char_length({expression})"), ColumnType::Integer, &lengths, cutting)
}

/// The words that tell rows with great losses from others, on the rows that may be searched: those whose mean loss lies
/// the most standard errors above the mean, and at least one. Words of most rows, such as articles, tell nothing.
pub(super) async fn words(
    rows: &Rows,
    column: &str,
    expression: &str,
    texts: &Texts,
    cutting: &Cutting<'_>,
) -> Result<Vec<Levels>, DataError> {
    let mut found = Vec::new();
    for word in telling_words(texts, cutting) {
        let predicate = format!("regexp_like({expression}, '\\b{word}\\b', 'i')");
        let inside = rows.matching(&predicate).await?;
        found.push(Levels {
            column: column.to_owned(),
            codes: inside.into_iter().map(|inside| if inside { 0 } else { NONE }).collect(),
            levels: 1,
            ordered: 0,
            terms: Terms::Whole { predicate },
        });
    }
    Ok(found)
}

fn telling_words(texts: &Texts, cutting: &Cutting<'_>) -> Vec<String> {
    let mut of_value = vec![(0usize, 0.0); texts.dictionary.len()];
    let (mut rows, mut sum, mut squares) = (0usize, 0.0, 0.0);
    for ((code, loss), _) in
        texts.codes.iter().zip(cutting.losses).zip(cutting.searched).filter(|(_, searched)| **searched)
    {
        (rows, sum, squares) = (rows + 1, sum + loss, squares + loss * loss);
        if let Some((count, total)) = of_value.get_mut(*code as usize) {
            (*count, *total) = (*count + 1, *total + loss);
        }
    }
    let mut words: BTreeMap<String, (usize, f64)> = BTreeMap::new();
    for (text, (count, total)) in texts.dictionary.iter().zip(of_value).filter(|(_, (count, _))| *count > 0) {
        let text = text.to_lowercase();
        // An underscore belongs to a word for regular expressions, and such words are rarely of use.
        let own: HashSet<&str> =
            text.split(|character: char| !character.is_alphanumeric() && character != '_').collect();
        for word in own.into_iter().filter(|word| (2..=30).contains(&word.chars().count()) && !word.contains('_')) {
            let known = match words.get_mut(word) {
                Some(known) => known,
                None => words.entry(word.to_owned()).or_default(),
            };
            *known = (known.0 + count, known.1 + total);
        }
    }
    let mean = sum / rows.max(1) as f64;
    let spread = (squares / rows.max(1) as f64 - mean * mean).max(0.0).sqrt();
    let excess = |(count, total): (usize, f64)| (total / count as f64 - mean) * (count as f64).sqrt() / spread;
    let mut telling: Vec<(f64, String)> = words
        .into_iter()
        .filter(|(_, (count, _))| *count >= cutting.least_rows.max(1) && *count as f64 <= COMMON * rows as f64)
        .map(|(word, counted)| (excess(counted), word))
        .filter(|(excess, _)| *excess >= 1.0)
        .collect();
    telling.sort_by(|one, other| other.0.total_cmp(&one.0));
    telling.into_iter().take(WORDS).map(|(_, word)| word).collect()
}
