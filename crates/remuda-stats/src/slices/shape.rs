//! The shape of slices that were found: ranges instead of single bins, one slice instead of many that overlap.

use super::{Column, Condition, NONE, Scale, Settings, Slice, scale};
use crate::estimate::Result;

/// Per row whether it is in the slice.
pub fn members(columns: &[Column<'_>], conditions: &[Condition], rows: usize) -> Vec<bool> {
    let mut inside = vec![true; rows];
    for condition in conditions {
        for (inside, code) in inside.iter_mut().zip(columns[condition.column].codes) {
            *inside &= condition.holds(*code);
        }
    }
    inside
}

/// Lets each bin of an ordered column grow into the range of neighbouring bins with the highest score, the other
/// conditions held, until nothing grows. A range over every level of its column says nothing and is left out.
///
/// # Errors
/// As [`super::search`].
pub fn widen(columns: &[Column<'_>], losses: &[f64], settings: &Settings, slice: &Slice) -> Result<Slice> {
    let Some(scale) = scale(columns, losses, settings)? else { return Ok(slice.clone()) };
    let mut grown = slice.clone();
    // Each round that goes on has raised the score, and two are nearly always enough.
    for _ in 0..4 {
        let mut changed = false;
        for place in 0..grown.conditions.len() {
            let ordered = columns[grown.conditions[place].column].ordered;
            if ordered > 1 && usize::from(grown.conditions[place].to) < ordered {
                changed |= grow(columns, losses, settings.least_rows, &scale, &mut grown, place);
            }
        }
        grown.conditions.retain(|condition| !says_nothing(&columns[condition.column], condition));
        if !changed {
            break;
        }
    }
    Ok(grown)
}

fn says_nothing(column: &Column<'_>, condition: &Condition) -> bool {
    let whole = condition.from == 0 && usize::from(condition.to) + 1 == column.levels;
    whole && !column.codes.contains(&NONE)
}

/// Replaces one condition by the best range that holds it; whether that raised the score.
fn grow(
    columns: &[Column<'_>],
    losses: &[f64],
    least_rows: usize,
    scale: &Scale,
    slice: &mut Slice,
    place: usize,
) -> bool {
    let condition = slice.conditions[place];
    let column = &columns[condition.column];
    let others: Vec<Condition> = slice.conditions.iter().copied().filter(|other| *other != condition).collect();
    let inside = members(columns, &others, losses.len());
    let mut levels = vec![(0u64, 0.0); column.ordered];
    for ((code, loss), inside) in column.codes.iter().zip(losses).zip(inside) {
        if let (true, Some(level)) = (inside, levels.get_mut(usize::from(*code))) {
            level.0 += 1;
            level.1 += loss;
        }
    }
    let mut best: Option<(f64, u8, u8, u64, f64)> = None;
    for from in 0..=usize::from(condition.from) {
        for to in usize::from(condition.to)..column.ordered {
            let (rows, sum) =
                levels[from..=to].iter().fold((0, 0.0), |(rows, sum), level| (rows + level.0, sum + level.1));
            let score = scale.score(rows as f64, sum);
            if rows as usize >= least_rows && score > best.map_or(slice.score + 1e-9, |(known, ..)| known) {
                best = Some((score, from as u8, to as u8, rows, sum));
            }
        }
    }
    let Some((score, from, to, rows, sum)) = best else { return false };
    slice.conditions[place] = Condition { from, to, ..condition };
    (slice.rows, slice.mean, slice.score) = (rows, sum / rows as f64, score);
    true
}

/// A slice is part of another when this share of its rows lies in it,
const PART: f64 = 0.9;
/// and then says something of its own only when its mean loss is so many times that of the other.
const WORSE: f64 = 1.2;

/// A slice that stands for all that share most of its rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Merged {
    /// The simplest of them; of equally simple ones the one with the highest score.
    pub slice: Slice,
    /// How many more it stands for.
    pub others: usize,
}

/// Joins slices (best first) whose rows overlap by more than `overlap` (rows in both over rows in either, Jaccard), and a
/// part with the whole where it is hardly worse; gives the first `limit` in the order of the best of each.
pub fn merge(columns: &[Column<'_>], rows: usize, slices: &[Slice], overlap: f64, limit: usize) -> Vec<Merged> {
    let items =
        slices.iter().map(|slice| (slice.clone(), bitmap(&members(columns, &slice.conditions, rows)))).collect();
    let is_simpler = |known: &Slice, new: &Slice| known.conditions.len() <= new.conditions.len();
    let mut joined = join(items, overlap, |slice| (slice.rows, slice.mean), is_simpler);
    joined.truncate(limit);
    joined.into_iter().map(|one| Merged { slice: one.item, others: one.others.len() }).collect()
}

/// One for all that share most of its rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Joined<T> {
    /// The one that stands for all.
    pub item: T,
    /// The others.
    pub others: Vec<T>,
}

/// Joins sets of rows (best first, each with its [`bitmap`]) that overlap by more than `overlap`, and a part with the whole
/// where its mean loss is hardly greater. `size` gives rows and mean loss; `stays` whether of two the first stands for
/// both. The order is that of the best of each.
pub fn join<T>(
    items: Vec<(T, Vec<u64>)>,
    overlap: f64,
    size: impl Fn(&T) -> (u64, f64),
    stays: impl Fn(&T, &T) -> bool,
) -> Vec<Joined<T>> {
    let mut kept: Vec<(Joined<T>, Vec<u64>)> = Vec::new();
    for (item, mut bits) in items {
        let mut joined = Joined { item, others: Vec::new() };
        let mut place = kept.len();
        // One may join two that did not overlap each other.
        while let Some(at) = kept.iter().position(|(known, other)| {
            let (jaccard, part) = overlaps(&bits, other);
            jaccard > overlap || (part > PART && is_hardly_worse(size(&joined.item), size(&known.item)))
        }) {
            let (known, known_bits) = kept.remove(at);
            place = place.min(at);
            let first = stays(&known.item, &joined.item);
            let (stands, goes) = if first { (known, joined) } else { (joined, known) };
            if first {
                bits = known_bits;
            }
            joined = stands;
            joined.others.push(goes.item);
            joined.others.extend(goes.others);
        }
        kept.insert(place.min(kept.len()), (joined, bits));
    }
    kept.into_iter().map(|(joined, _)| joined).collect()
}

/// A set of rows as bits, as [`join`] takes it.
pub fn bitmap(inside: &[bool]) -> Vec<u64> {
    let mut bits = vec![0u64; inside.len().div_ceil(64)];
    for (row, inside) in inside.iter().enumerate() {
        bits[row / 64] |= u64::from(*inside) << (row % 64);
    }
    bits
}

/// Rows in both over rows in either, and over rows of the smaller one.
fn overlaps(one: &[u64], other: &[u64]) -> (f64, f64) {
    let (mut first, mut second, mut both) = (0u64, 0u64, 0u64);
    for (one, other) in one.iter().zip(other) {
        first += u64::from(one.count_ones());
        second += u64::from(other.count_ones());
        both += u64::from((one & other).count_ones());
    }
    if both == 0 {
        return (0.0, 0.0);
    }
    (both as f64 / (first + second - both) as f64, both as f64 / first.min(second) as f64)
}

/// Whether the smaller of two sets of rows has a mean loss little above that of the larger.
fn is_hardly_worse(one: (u64, f64), other: (u64, f64)) -> bool {
    let (small, large) = if one.0 <= other.0 { (one, other) } else { (other, one) };
    small.1 <= WORSE * large.1
}
