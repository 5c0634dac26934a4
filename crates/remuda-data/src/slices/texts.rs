//! Levels of texts: the values of a category, and the length and the telling words of prose.

use super::{Cutting, Levels, NONE, Terms, literal, numbers};
use crate::error::DataError;
use crate::phrases::telling_phrases;
use crate::rows::Rows;
use remuda_model::data::ColumnType;
use remuda_model::table::{MISSING, Texts};

/// The most values of a category that have a level of their own; rarer ones share one.
const VALUES: usize = 60;

/// Up to so many values the others can be named by listing what they are not; a longer list nobody reads.
const LISTED: usize = 8;

/// The most words of a text column.
const WORDS: usize = 24;

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

/// The words that tell rows with great losses from others, on the rows that may be searched.
pub(super) async fn words(
    rows: &Rows,
    column: &str,
    expression: &str,
    texts: &Texts,
    cutting: &Cutting<'_>,
) -> Result<Vec<Levels>, DataError> {
    let mut found = Vec::new();
    for word in telling_phrases(texts, cutting, 1, WORDS) {
        let predicate = word.phrase.predicate(expression);
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
