//! From telling phrases to claims: those of much the same rows joined, each checked on the half that was not searched, with
//! the confusions and examples of its rows.

use super::FoundSlice;
use super::examples::example;
use super::phrases::{ConfusedPair, FoundPhrase, PhraseExample, Piece, Searched};
use super::slicing::{self, Claimed, Fresh, OVERLAP};
use crate::error::Result;
use crate::gate::Sample;
use remuda_data::Cutting;
use remuda_data::phrases::{LONGEST, Phrase, TellingPhrase, expression_of, telling_phrases};
use remuda_stats::slices::{Joined, bitmap, join};
use std::collections::BTreeMap;

/// How many phrases of a column are kept for joining: most of them overlap.
const SPARE: usize = 256;
/// Other phrases that an answer lists, and confusions.
const ALTERNATIVES: usize = 8;
const CONFUSIONS: usize = 3;
/// Letters that are shown of a text, around the phrase.
const LETTERS: usize = 240;

/// A phrase of one of the columns.
struct Told {
    column: usize,
    telling: TellingPhrase,
}

/// The phrases, those that are confirmed first.
pub(super) async fn found_phrases(search: &Searched<'_>) -> Result<Vec<FoundPhrase>> {
    let mut claims = Vec::new();
    for joined in told(search)? {
        if claims.len() == search.wanted.limit {
            break;
        }
        let column = &search.columns[joined.item.column];
        let filter = joined.item.telling.phrase.predicate(&expression_of(search.rows, column));
        // The predicate says which rows a phrase has, so that whoever uses it selects what was checked here.
        let inside = search.rows.matching(&filter).await?;
        if let Some(slice) = claimed(search, filter, &joined, &inside) {
            claims.push((slice, joined, inside));
        }
    }
    let slices: Vec<FoundSlice> = claims.iter().map(|(slice, ..)| slice.clone()).collect();
    let outer = vec![None; slices.len()];
    let slices = slicing::correct(slices, &outer)?;
    let mut found = Vec::with_capacity(slices.len());
    for slice in slices {
        let Some((_, joined, inside)) = claims.iter().find(|(claim, ..)| claim.filter == slice.filter) else {
            continue;
        };
        found.push(found_phrase(search, slice, joined, inside)?);
    }
    Ok(found)
}

/// The telling phrases of all columns, the most telling first, those of much the same rows as one.
fn told(search: &Searched<'_>) -> Result<Vec<Joined<Told>>> {
    let cutting =
        Cutting { least_rows: search.wanted.least_rows, losses: &search.losses.losses, searched: search.searched };
    let mut all = Vec::new();
    for (column, name) in search.columns.iter().enumerate() {
        let telling = telling_phrases(&search.rows.text(name)?, &cutting, LONGEST, SPARE);
        all.extend(telling.into_iter().map(|telling| Told { column, telling }));
    }
    all.sort_by(|one, other| other.telling.excess.total_cmp(&one.telling.excess));
    let bits = |told: &Told| {
        let mut inside = vec![false; search.rows.len()];
        told.telling.rows.iter().for_each(|row| inside[*row as usize] = true);
        bitmap(&inside)
    };
    let items = all
        .into_iter()
        .map(|told| {
            let bits = bits(&told);
            (told, bits)
        })
        .collect();
    let size = |told: &Told| (told.telling.rows.len() as u64, told.telling.mean);
    Ok(join(items, OVERLAP, size, |_, _| true))
}

/// What the half that was not searched says of a phrase; none where the predicate selects nothing that was searched.
fn claimed(search: &Searched<'_>, filter: String, joined: &Joined<Told>, inside: &[bool]) -> Option<FoundSlice> {
    let losses = &search.losses.losses;
    let (mut rows, mut sum) = (0, 0.0);
    let (mut checked, mut checked_inside, mut checked_units) = (Vec::new(), Vec::new(), Vec::new());
    for (row, loss) in losses.iter().enumerate() {
        if !search.searched[row] {
            checked.push(*loss);
            checked_inside.push(inside[row]);
            checked_units.extend(search.units.map(|units| units[row]));
        } else if inside[row] {
            (rows, sum) = (rows + 1, sum + loss);
        }
    }
    (rows > 0).then(|| {
        let (mean, score) = (sum / rows as f64, joined.item.telling.excess);
        let claimed = Claimed { filter, rows, mean, score, others: joined.others.len() as u32 };
        let fresh = Fresh { losses: &checked, units: search.units.map(|_| checked_units.as_slice()) };
        slicing::judge(claimed, &fresh, &checked_inside, None, search.wanted)
    })
}

fn found_phrase(
    search: &Searched<'_>,
    slice: FoundSlice,
    joined: &Joined<Told>,
    inside: &[bool],
) -> Result<FoundPhrase> {
    let losses = &search.losses;
    // Places in the sample of the phrase's rows that have a loss, the surest or largest first.
    let mut bad: Vec<(f64, usize)> = Vec::new();
    for (place, loss) in
        losses.places.iter().zip(&losses.losses).zip(inside).filter(|(_, inside)| **inside).map(|(pair, _)| pair)
    {
        if *loss > 0.0 {
            bad.push((weight(search, *place, *loss), *place));
        }
    }
    bad.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1)));
    let column = &search.columns[joined.item.column];
    let phrase = &joined.item.telling.phrase;
    let mut examples = Vec::new();
    for (_, place) in bad.iter().take(search.examples) {
        let Some(row) = example(search.judged, *place) else { continue };
        let text = search.judged.rows.row_json(search.judged.kept[*place]).and_then(|cells| cells.get(column).cloned());
        let text = text.as_ref().and_then(|text| text.as_str()).unwrap_or_default();
        examples.push(PhraseExample {
            id: row.id,
            text: near(phrase, text),
            truth: row.truth,
            predicted: row.predicted,
            confidence: row.confidence,
        });
    }
    let mut alternatives: Vec<String> = joined.others.iter().map(|other| other.telling.phrase.text()).collect();
    alternatives.truncate(ALTERNATIVES);
    Ok(FoundPhrase {
        phrase: phrase.text(),
        column: column.clone(),
        alternatives,
        slice,
        confusions: confusions(search, &bad),
        examples,
    })
}

/// How much a mistake tells: of classes how sure the candidate was, of numbers the loss.
fn weight(search: &Searched<'_>, place: usize, loss: f64) -> f64 {
    match &search.judged.sample {
        Sample::Classes(sample) if search.losses.is_rate && sample.known > 0 => {
            let chosen = sample.predicted[place] as usize;
            if chosen < sample.known { f64::from(sample.probabilities[place * sample.known + chosen]) } else { loss }
        }
        _ => loss,
    }
}

fn confusions(search: &Searched<'_>, bad: &[(f64, usize)]) -> Vec<ConfusedPair> {
    let Sample::Classes(sample) = &search.judged.sample else { return Vec::new() };
    let mut counts: BTreeMap<(u32, u32), u64> = BTreeMap::new();
    for (_, place) in bad {
        let pair = (sample.truth[*place], sample.predicted[*place]);
        if pair.0 != pair.1 {
            *counts.entry(pair).or_default() += 1;
        }
    }
    let mut counts: Vec<((u32, u32), u64)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, rows)| std::cmp::Reverse(*rows));
    let name = |class: u32| sample.classes[class as usize].clone();
    let pair = |((truth, predicted), rows)| ConfusedPair { truth: name(truth), predicted: name(predicted), rows };
    counts.into_iter().take(CONFUSIONS).map(pair).collect()
}

/// The text with the phrase marked; of a long one what stands around its first occurrence.
fn near(phrase: &Phrase, text: &str) -> Vec<Piece> {
    let pieces = phrase.marked(text);
    let before = pieces.first().filter(|(_, marked)| !marked).map_or(0, |(text, _)| text.chars().count());
    let mut skip = before.saturating_sub(LETTERS / 3);
    let mut room = LETTERS;
    let mut shown: Vec<Piece> = Vec::new();
    let whole = pieces.iter().map(|(text, _)| text.chars().count()).sum::<usize>();
    if whole <= LETTERS {
        skip = 0;
    }
    for (text, marked) in pieces {
        let length = text.chars().count();
        if skip >= length {
            skip -= length;
            continue;
        }
        let mut part: String = text.chars().skip(skip).take(room).collect();
        if skip > 0 {
            part.insert(0, '…');
        }
        room = room.saturating_sub(length - skip);
        skip = 0;
        if room == 0 {
            part.push('…');
        }
        shown.push(Piece { text: part, marked });
        if room == 0 {
            break;
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::near;
    use remuda_data::phrases::phrases_of;

    #[test]
    fn a_long_text_is_shown_around_its_phrase() {
        let phrase = &phrases_of("top up", 2)[2];
        let text = format!("{}my top up failed {}", "word ".repeat(500), "word ".repeat(500));
        let pieces = near(phrase, &text);
        let whole: String = pieces.iter().map(|piece| piece.text.as_str()).collect();
        assert!(whole.starts_with('…') && whole.ends_with('…') && whole.chars().count() <= 243, "{whole}");
        assert!(pieces.iter().any(|piece| piece.marked && piece.text == "top up"), "{pieces:?}");
        let short = near(phrase, "no such words");
        assert_eq!((short.len(), short[0].marked), (1, false));
        assert!(near(phrase, "").is_empty());
    }
}
