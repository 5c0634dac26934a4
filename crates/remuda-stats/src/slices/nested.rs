//! Slices within slices: which is part of which, whether the narrower one is worse than the one around it, and which of
//! them stay when that cannot be shown.

use super::{Column, Condition, Confirmed, Losses, Settings, Slice, confirm, members, scale};
use crate::estimate::{Result, check_lengths};

/// For each slice the narrowest of the others that holds all of its rows whatever the data: all conditions of the wider
/// one follow from its own. `None`: it lies within no other.
///
/// ```
/// use remuda_stats::slices::{Condition, Slice, around};
/// let slice = |conditions: &[(usize, u8, u8)], rows| Slice {
///     conditions: conditions.iter().map(|(column, from, to)| Condition { column: *column, from: *from, to: *to }).collect(),
///     rows, mean: 0.5, score: 1.0,
/// };
/// // Monthly contracts; the first year of them; the first month of those.
/// let found = [slice(&[(1, 0, 0)], 500), slice(&[(0, 0, 3), (1, 0, 0)], 200), slice(&[(0, 0, 0), (1, 0, 0)], 60)];
/// assert_eq!(around(&found), [None, Some(0), Some(1)]);
/// ```
pub fn around(slices: &[Slice]) -> Vec<Option<usize>> {
    let narrowest = |inner: &Slice| {
        let wider = slices.iter().enumerate().filter(|(_, outer)| is_within(&inner.conditions, &outer.conditions));
        wider.min_by_key(|(_, outer)| (outer.rows, std::cmp::Reverse(outer.conditions.len()))).map(|(place, _)| place)
    };
    slices.iter().map(narrowest).collect()
}

/// Whether every condition of `outer` follows from those of `inner`, and not the other way round as well.
fn is_within(inner: &[Condition], outer: &[Condition]) -> bool {
    let follows = |from: &[Condition], all: &[Condition]| {
        let implied = |wide: &Condition| {
            let narrow = |one: &Condition| one.column == wide.column && one.from >= wide.from && one.to <= wide.to;
            from.iter().any(narrow)
        };
        all.iter().all(implied)
    };
    follows(inner, outer) && !follows(outer, inner)
}

/// Slices of one condition that two or more of these have in common, with a greater mean loss than all rows, best first:
/// a search that prefers great losses gives many narrow slices of one wide one, and leaves the wide one out.
///
/// ```
/// use remuda_stats::slices::{Column, Condition, Settings, Slice, in_common};
/// // Rows at level 1 of the second column fail half of the time, whatever the first says.
/// let codes: Vec<Vec<u8>> = vec![(0..80).map(|row| row % 4).collect(), (0..80).map(|row| u8::from(row >= 40)).collect()];
/// let losses: Vec<f64> = (0..80).map(|row| f64::from(u8::from(row >= 40 && row % 3 == 0))).collect();
/// let columns: Vec<Column> = codes.iter().map(|codes| Column { codes, levels: 4, ordered: 0 }).collect();
/// let condition = |column, level| Condition { column, from: level, to: level };
/// let narrow = |level| Slice { conditions: vec![condition(0, level), condition(1, 1)], rows: 10, mean: 0.4, score: 0.5 };
/// let settings = Settings { alpha: 0.95, least_rows: 10, depth: 2, top: 8 };
/// let found = in_common(&columns, &losses, &settings, &[narrow(0), narrow(2)])?;
/// assert_eq!((found.len(), found[0].conditions.as_slice(), found[0].rows), (1, [condition(1, 1)].as_slice(), 40));
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// As [`super::search`].
pub fn in_common(columns: &[Column<'_>], losses: &[f64], settings: &Settings, slices: &[Slice]) -> Result<Vec<Slice>> {
    let Some(scale) = scale(columns, losses, settings)? else { return Ok(Vec::new()) };
    let narrow: Vec<&Slice> = slices.iter().filter(|slice| slice.conditions.len() > 1).collect();
    let mut conditions: Vec<Condition> = narrow.iter().flat_map(|slice| &slice.conditions).copied().collect();
    conditions.sort();
    conditions.dedup();
    let is_common = |condition: &Condition| {
        let is_new = slices.iter().all(|slice| slice.conditions.as_slice() != std::slice::from_ref(condition));
        is_new && narrow.iter().filter(|slice| slice.conditions.contains(condition)).count() > 1
    };
    let measured = conditions.into_iter().filter(is_common).filter_map(|condition| {
        let inside = members(columns, &[condition], losses.len());
        let own = inside.iter().zip(losses).filter(|(inside, _)| **inside);
        let (rows, sum) = own.fold((0u64, 0.0), |(rows, sum), (_, loss)| (rows + 1, sum + loss));
        let mean = sum / rows as f64;
        let counts = rows >= settings.least_rows.max(1) as u64 && mean > scale.mean;
        counts.then(|| Slice { conditions: vec![condition], rows, mean, score: scale.score(rows as f64, sum) })
    });
    let mut found: Vec<Slice> = measured.collect();
    found.sort_by(|one, other| other.score.total_cmp(&one.score));
    Ok(found)
}

/// Compares the rows of a slice with the other rows of the slice around it, as [`confirm`] does with all other rows.
///
/// ```
/// use remuda_stats::slices::{Losses, confirm_within};
/// // 200 rows, the first 40 of them in the wider slice, of which the first 20 are wrong half of the time, the others never.
/// let losses: Vec<f64> = (0..200).map(|row| f64::from(u8::from(row < 20 && row % 2 == 0))).collect();
/// let (inside, around): (Vec<bool>, Vec<bool>) = (0..200).map(|row| (row < 20, row < 40)).unzip();
/// let found = confirm_within(&losses, &inside, &around, Losses::Wrong, 0.975)?;
/// assert_eq!((found.inside.value, found.rest, found.difference.n), (0.5, 0.0, 40));
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// As [`confirm`], of the rows of the wider slice.
pub fn confirm_within(
    losses: &[f64],
    inside: &[bool],
    around: &[bool],
    kind: Losses,
    confidence: f64,
) -> Result<Confirmed> {
    check_lengths(losses.len(), inside.len())?;
    check_lengths(losses.len(), around.len())?;
    let rows = || (0..losses.len()).filter(|row| around[*row]);
    let losses: Vec<f64> = rows().map(|row| losses[row]).collect();
    let inside: Vec<bool> = rows().map(|row| inside[row]).collect();
    confirm(&losses, &inside, kind, confidence)
}

/// Where each slice goes: to itself, or into the nearest one around it that stays. One within another stays when it is
/// shown to be worse than that, or when one within it stays: what a claim compares with must be there to be read.
///
/// ```
/// // The second lies in the first and is no worse; the third lies in the first and is.
/// assert_eq!(remuda_stats::slices::settle(&[None, Some(0), Some(0)], &[true, false, true]), [0, 0, 2]);
/// ```
pub fn settle(around: &[Option<usize>], confirmed: &[bool]) -> Vec<usize> {
    let outer = |place: usize| around.get(place).copied().flatten();
    let is_confirmed = |place: &usize| confirmed.get(*place).copied().unwrap_or(false);
    let mut stays: Vec<bool> = (0..around.len()).map(|place| outer(place).is_none() || is_confirmed(&place)).collect();
    // No slice lies within itself, so a walk outwards is shorter than the list.
    for place in (0..around.len()).filter(is_confirmed) {
        let mut at = place;
        for _ in 0..around.len() {
            let Some(next) = outer(at) else { break };
            stays[next] = true;
            at = next;
        }
    }
    let home = |place: usize| {
        let mut at = place;
        for _ in 0..around.len() {
            match outer(at) {
                Some(next) if !stays[at] => at = next,
                _ => break,
            }
        }
        at
    };
    (0..around.len()).map(home).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(conditions: &[(usize, u8, u8)], rows: u64) -> Slice {
        let condition = |(column, from, to): &(usize, u8, u8)| Condition { column: *column, from: *from, to: *to };
        Slice { conditions: conditions.iter().map(condition).collect(), rows, mean: 0.5, score: 1.0 }
    }

    #[test]
    fn a_slice_lies_within_the_narrowest_of_those_that_hold_it() {
        let slices = [
            slice(&[(0, 0, 2)], 300),
            slice(&[(1, 1, 1)], 200),
            slice(&[(0, 1, 2), (1, 1, 1)], 80),
            // It overlaps the first and lies in none.
            slice(&[(0, 2, 4)], 250),
            slice(&[(0, 1, 2), (1, 1, 1), (2, 0, 0)], 20),
        ];
        assert_eq!(around(&slices), [None, None, Some(1), None, Some(2)]);
        assert_eq!(around(&[slice(&[(0, 0, 2)], 9), slice(&[(0, 0, 2)], 9)]), [None, None], "twins hold each other");
        assert_eq!(around(&[]), []);
    }

    #[test]
    fn what_is_not_worse_goes_to_the_nearest_that_stays() {
        // A chain: 3 in 2 in 1 in 0.
        let chain = [None, Some(0), Some(1), Some(2)];
        assert_eq!(settle(&chain, &[true, false, false, false]), [0, 0, 0, 0]);
        assert_eq!(settle(&chain, &[true, true, false, false]), [0, 1, 1, 1]);
        // The innermost is worse than the third, so the third stays to be compared with, and with it all around.
        assert_eq!(settle(&chain, &[false, false, false, true]), [0, 1, 2, 3]);
        assert_eq!(settle(&[None, None], &[false, false]), [0, 1], "nothing is around them");
    }
}
