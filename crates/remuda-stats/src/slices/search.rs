//! The search: level by level, each slice a join of slices with one condition less, all of which must have survived.
//!
//! SliceLine multiplies matrices; here the rows of a slice are a list, and one pass over them counts the extensions by
//! all levels of a column at once. The bounds are those of its section 3: size, sum and greatest loss of an extension
//! are at most the least of those of its parents.

use super::{Column, Condition, NONE, Scale, Settings, Slice, scale};
use crate::estimate::Result;
use std::collections::HashMap;

/// The slices with the highest scores, best first; none where every row has the same loss.
///
/// ```
/// use remuda_stats::slices::{Column, Settings, search};
/// // Rows of level 1 of the first column fail, whatever the second says.
/// let (first, second) = ([0, 0, 0, 0, 0, 0, 1, 1], [0, 1, 0, 1, 0, 1, 0, 1]);
/// let losses = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0];
/// let columns = [first, second].map(|codes| codes.to_vec());
/// let columns: Vec<Column> = columns.iter().map(|codes| Column { codes, levels: 2, ordered: 0 }).collect();
/// let found = search(&columns, &losses, &Settings { alpha: 0.95, least_rows: 1, depth: 2, top: 5 })?;
/// assert_eq!((found[0].conditions[0].column, found[0].conditions[0].from, found[0].rows), (0, 1, 2));
/// // 0.95 (1 / 0.25 - 1) - 0.05 (8 / 2 - 1)
/// assert!((found[0].score - 2.7).abs() < 1e-12);
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// No rows, columns of other lengths, losses that are negative or not finite, codes beyond a column's levels, settings
/// outside their ranges.
pub fn search(columns: &[Column<'_>], losses: &[f64], settings: &Settings) -> Result<Vec<Slice>> {
    let Some(scale) = scale(columns, losses, settings)? else { return Ok(Vec::new()) };
    let mut search = Search {
        columns,
        losses,
        scale,
        least: settings.least_rows.max(1) as u32,
        best: Best { top: settings.top, found: Vec::new() },
        level: HashMap::new(),
        next: Vec::new(),
        cells: vec![Cell::default(); 256],
    };
    search.first_level();
    for depth in 1..settings.depth {
        let mut keys: Vec<u64> = std::mem::take(&mut search.next).into_iter().collect();
        if keys.is_empty() {
            break;
        }
        keys.sort_unstable();
        let rows: Vec<u32> = (0..losses.len() as u32).collect();
        let mut found = HashMap::new();
        search.descend(&keys, depth, 0, &rows, &mut found);
        search.next = found.keys().copied().collect();
        search.level.extend(found);
    }
    Ok(search.best.found.into_iter().map(|(score, key, cell)| slice(score, key, cell)).collect())
}

/// Count, sum and greatest loss.
#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    rows: u32,
    sum: f64,
    most: f64,
}

struct Search<'a> {
    columns: &'a [Column<'a>],
    losses: &'a [f64],
    scale: Scale,
    least: u32,
    best: Best,
    /// All slices counted so far that may have extensions, by key.
    level: HashMap<u64, Cell>,
    /// The keys of the newest level.
    next: Vec<u64>,
    cells: Vec<Cell>,
}

/// The key of a slice: its conditions in 16 bits each, the first highest; column plus one, then level. Slices of
/// fewer conditions have smaller keys, so keys of all levels live in one map.
fn item(column: usize, level: usize) -> u64 {
    // 256 columns: the greatest is 65,535 + 256 only if levels reach 255, and they end at 254.
    (column * 255 + level + 1) as u64
}

fn parts(item: u64) -> (usize, usize) {
    let place = item as usize - 1;
    (place / 255, place % 255)
}

/// The condition at `place` of a key with `depth` conditions.
fn nth(key: u64, depth: usize, place: usize) -> u64 {
    (key >> (16 * (depth - 1 - place))) & 0xffff
}

fn slice(score: f64, key: u64, cell: Cell) -> Slice {
    let items = (0..4).rev().map(|place| (key >> (16 * place)) & 0xffff).filter(|item| *item > 0);
    let conditions = items
        .map(|item| {
            let (column, level) = parts(item);
            Condition { column, from: level as u8, to: level as u8 }
        })
        .collect();
    Slice { conditions, rows: u64::from(cell.rows), mean: cell.sum / f64::from(cell.rows), score }
}

impl Search<'_> {
    /// Every level of every column.
    fn first_level(&mut self) {
        for (place, column) in self.columns.iter().enumerate() {
            let mut cells = vec![Cell::default(); 256];
            for (code, loss) in column.codes.iter().zip(self.losses) {
                count(&mut cells[usize::from(*code)], *loss);
            }
            for (level, cell) in cells.iter().enumerate().take(column.levels) {
                let key = item(place, level);
                if self.keep(key, *cell) {
                    self.level.insert(key, *cell);
                    self.next.push(key);
                }
            }
        }
    }

    /// Notes a counted slice; whether it may have extensions.
    fn keep(&mut self, key: u64, cell: Cell) -> bool {
        if cell.rows < self.least || cell.sum <= 0.0 {
            return false;
        }
        let score = self.scale.score(f64::from(cell.rows), cell.sum);
        if score > 0.0 {
            self.best.offer(score, key, cell);
        }
        self.bound(cell) > self.best.bar()
    }

    /// The greatest score that a slice within these bounds can have (SliceLine, equations 3 and 4).
    fn bound(&self, cell: Cell) -> f64 {
        if cell.rows < self.least {
            return f64::NEG_INFINITY;
        }
        let (least, most) = (f64::from(self.least), f64::from(cell.rows));
        let turn = if cell.most > 0.0 { (cell.sum / cell.most).clamp(least, most) } else { most };
        let at = |rows: f64| self.scale.score(rows, cell.sum.min(rows * cell.most));
        // Rounding of sums must not prune what equals the bar.
        [least, turn, most].into_iter().map(at).fold(f64::NEG_INFINITY, f64::max) * (1.0 + 1e-12) + 1e-12
    }

    /// Goes down to each slice among `keys` (sorted, alike in their first `fixed` conditions, whose rows are `rows`) and
    /// counts its extensions.
    fn descend(&mut self, keys: &[u64], depth: usize, fixed: usize, rows: &[u32], found: &mut HashMap<u64, Cell>) {
        if fixed == depth {
            if let [key] = keys {
                self.extend(*key, depth, rows, found);
            }
            return;
        }
        let column_of = |key: &u64| parts(nth(*key, depth, fixed)).0;
        for of_column in keys.chunk_by(|one, other| column_of(one) == column_of(other)) {
            let Some(column) = of_column.first().map(column_of) else { continue };
            let groups: Vec<&[u64]> =
                of_column.chunk_by(|one, other| nth(*one, depth, fixed) == nth(*other, depth, fixed)).collect();
            let mut place = [NONE; 256];
            for (index, group) in groups.iter().enumerate() {
                place[parts(nth(group[0], depth, fixed)).1] = index as u8;
            }
            let mut buckets: Vec<Vec<u32>> = vec![Vec::new(); groups.len()];
            let codes = self.columns[column].codes;
            for row in rows {
                let bucket = place[usize::from(codes[*row as usize])];
                if bucket != NONE {
                    buckets[usize::from(bucket)].push(*row);
                }
            }
            for (group, rows) in groups.into_iter().zip(buckets) {
                self.descend(group, depth, fixed + 1, &rows, found);
            }
        }
    }

    /// Counts the extensions of one slice by levels of later columns.
    fn extend(&mut self, key: u64, depth: usize, rows: &[u32], found: &mut HashMap<u64, Cell>) {
        let Some(own) = self.level.get(&key).copied() else { return };
        if self.bound(own) <= self.best.bar() {
            return;
        }
        let last = parts(nth(key, depth, depth - 1)).0;
        let losses: Vec<f64> = rows.iter().map(|row| self.losses[*row as usize]).collect();
        let mut wanted = Vec::new();
        for column in last + 1..self.columns.len() {
            let Column { codes, levels, .. } = self.columns[column];
            wanted.clear();
            wanted.extend((0..levels).filter(|level| self.is_promising(key, depth, own, item(column, *level))));
            if wanted.is_empty() {
                continue;
            }
            let mut cells = std::mem::take(&mut self.cells);
            cells[..levels].fill(Cell::default());
            for (row, loss) in rows.iter().zip(&losses) {
                count(&mut cells[usize::from(codes[*row as usize])], *loss);
            }
            for level in &wanted {
                let extended = key << 16 | item(column, *level);
                if self.keep(extended, cells[*level]) {
                    found.insert(extended, cells[*level]);
                }
            }
            self.cells = cells;
        }
    }

    /// Whether all parents of `key` with one more condition survived, and leave room for a score above the bar.
    fn is_promising(&self, key: u64, depth: usize, own: Cell, more: u64) -> bool {
        let Some(single) = self.level.get(&more) else { return false };
        let mut bound = least(own, *single);
        // The parents that lack one of the conditions of `key`.
        let parents = if depth > 1 { depth } else { 0 };
        for left_out in 0..parents {
            let kept = (0..depth).filter(|place| *place != left_out);
            let parent = kept.fold(0, |parent, place| parent << 16 | nth(key, depth, place)) << 16 | more;
            match self.level.get(&parent) {
                Some(cell) => bound = least(bound, *cell),
                None => return false,
            }
        }
        self.bound(bound) > self.best.bar()
    }
}

#[inline]
fn count(cell: &mut Cell, loss: f64) {
    cell.rows += 1;
    cell.sum += loss;
    cell.most = if loss > cell.most { loss } else { cell.most };
}

fn least(one: Cell, other: Cell) -> Cell {
    Cell { rows: one.rows.min(other.rows), sum: one.sum.min(other.sum), most: one.most.min(other.most) }
}

/// The best slices so far, best first.
struct Best {
    top: usize,
    found: Vec<(f64, u64, Cell)>,
}

impl Best {
    /// What a slice must exceed to be of interest.
    fn bar(&self) -> f64 {
        if self.found.len() < self.top { 0.0 } else { self.found.last().map_or(f64::INFINITY, |worst| worst.0) }
    }

    fn offer(&mut self, score: f64, key: u64, cell: Cell) {
        if score <= self.bar() {
            return;
        }
        // Of equal scores the one with fewer conditions, whose key is smaller, stands first.
        let place = self.found.partition_point(|(known, other, _)| (-known, *other) <= (-score, key));
        self.found.insert(place, (score, key, cell));
        self.found.truncate(self.top);
    }
}
