//! What changed between two versions, row by row.
//!
//! Parts with the same content on both sides are never read. Of the rest, rows that are equal cancel by their hashes;
//! only what remains is compared, by key where one is given and unique, else as a bag of rows. Memory grows with the
//! rest's row hashes (about 20 bytes per row) and with at most half a million rows at a time.
//!
//! What does not live here: which versions to compare and how to show the difference.

use crate::columns::{View, views, write_key};
use crate::error::DataError;
use crate::ingest::split_columns;
use crate::part::{Parts, batches};
use arrow::array::BooleanArray;
use arrow::compute::filter_record_batch;
use arrow::record_batch::RecordBatch;
use remuda_model::data::{ColumnType, Contract, Split, SplitRule};
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// Rows compared by key at a time.
const AT_A_TIME: u64 = 500_000;

/// What changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// Rows of the earlier version.
    pub rows_before: u64,
    /// Rows of the later version.
    pub rows_after: u64,
    /// Rows that only the later version has.
    pub added: u64,
    /// Rows that only the earlier version has.
    pub removed: u64,
    /// Rows with the same key and at least one other value, not counting the relabelled.
    pub changed: u64,
    /// Rows with the same key where only the label differs.
    pub relabelled: u64,
    /// For each column, in how many changed or relabelled rows it differs; most first, none that is 0.
    pub by_column: Vec<(String, u64)>,
    /// Columns that only the later version has.
    pub columns_added: Vec<String>,
    /// Columns that only the earlier version has.
    pub columns_removed: Vec<String>,
    /// Columns whose type changed: name, type before, type after.
    pub retyped: Vec<(String, ColumnType, ColumnType)>,
    /// The first rows that differ, without those of a hidden holdout.
    pub examples: Vec<RowChange>,
    /// Rows of a hidden holdout that differ too, of those that were met while examples were looked for.
    pub hidden: u64,
    /// The key that rows were matched by; `None`: they were compared whole, so a changed row counts as removed and
    /// added.
    pub key_used: Option<Vec<String>>,
    /// Why no key was used, when one was given.
    pub note: Option<String>,
}

/// What happened to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowChangeKind {
    /// Only the later version has it.
    Added,
    /// Only the earlier version has it.
    Removed,
    /// Values other than the label differ.
    Changed,
    /// Only the label differs.
    Relabelled,
}

/// One row that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowChange {
    /// What happened to it.
    pub kind: RowChangeKind,
    /// The key columns with their values; empty when no key was used.
    pub key: Vec<(String, String)>,
    /// The cells that differ; all of the row's cells when it was added or removed.
    pub changes: Vec<CellChange>,
}

/// One cell that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellChange {
    /// The column.
    pub column: String,
    /// The value in the earlier version; `None` when missing or not there.
    pub before: Option<String>,
    /// The value in the later version.
    pub after: Option<String>,
}

/// Compares two versions. `limit` is the greatest number of examples; a row that is in the holdout of one of the
/// `hidden` contracts is counted and never shown. Blocking.
///
/// Errors: a part that cannot be read.
pub fn diff(
    before: &Parts,
    after: &Parts,
    key: &[String],
    label: Option<&str>,
    limit: usize,
    hidden: &[Contract],
) -> Result<Diff, DataError> {
    let mut comparison = Comparison::new(before, after, key, label, limit);
    if limit > 0 {
        comparison.hide(hidden);
    }
    let mut diff = comparison.schema_diff();
    let (before_rest, after_rest) = comparison.rest();
    let mut surplus: HashMap<u64, i64> = HashMap::new();
    comparison.count(&before_rest, &comparison.before_places, &mut |hash| *surplus.entry(hash).or_insert(0) += 1)?;
    comparison.count(&after_rest, &comparison.after_places, &mut |hash| *surplus.entry(hash).or_insert(0) -= 1)?;
    surplus.retain(|_, count| *count != 0);
    let residual = Residual { before_rest, after_rest, surplus };
    let keyed = match comparison.key_places() {
        Ok(None) => None,
        Ok(Some(places)) => match comparison.by_key(&residual, &places, &mut diff)? {
            true => Some(key.to_vec()),
            false => {
                diff.note = Some(format!("{} is not unique in both versions", remuda_model::text::list(key)));
                None
            }
        },
        Err(missing) => {
            diff.note = Some(format!("the key column `{missing}` is not in both versions"));
            None
        }
    };
    if keyed.is_none() {
        comparison.as_bags(&residual, &mut diff)?;
    }
    diff.key_used = keyed;
    Ok(diff)
}

struct Comparison<'a> {
    before: &'a Parts,
    after: &'a Parts,
    key: &'a [String],
    label: Option<&'a str>,
    limit: usize,
    /// The columns that both have, in the later order.
    common: Vec<String>,
    before_places: Vec<usize>,
    after_places: Vec<usize>,
    /// Holdouts whose rows are not shown, with the columns that deal rows in each version.
    before_holdouts: Vec<Holdout>,
    after_holdouts: Vec<Holdout>,
}

/// Which rows of a version are in a holdout.
struct Holdout {
    rule: SplitRule,
    /// Places of the columns whose values are hashed; `None`: the version lacks one, so any row may be in it.
    by: Option<Vec<usize>>,
}

impl Holdout {
    fn of(contract: &Contract, columns: &[(String, ColumnType)]) -> Self {
        let names: Vec<String> = columns.iter().map(|(name, _)| name.clone()).collect();
        let label = contract.label().map(|column| column.name.as_str());
        Self { rule: contract.split.clone(), by: split_columns(&contract.split, &names, label).ok() }
    }

    fn has(&self, views: &[View<'_>], row: usize) -> bool {
        let Some(by) = &self.by else { return true };
        let (mut scratch, mut key) = (String::new(), Vec::new());
        write_key(views, by, row, &mut scratch, &mut key);
        self.rule.split_of(&key) == Split::Holdout
    }
}

/// What remains when equal parts and equal rows have cancelled.
struct Residual<'a> {
    before_rest: Vec<&'a Path>,
    after_rest: Vec<&'a Path>,
    /// Per row hash, how many more rows the earlier version has (fewer, when negative).
    surplus: HashMap<u64, i64>,
}

impl<'a> Comparison<'a> {
    fn new(before: &'a Parts, after: &'a Parts, key: &'a [String], label: Option<&'a str>, limit: usize) -> Self {
        let (mut common, mut before_places, mut after_places) = (Vec::new(), Vec::new(), Vec::new());
        for (after_place, (name, _)) in after.manifest.columns.iter().enumerate() {
            if let Some(before_place) = before.manifest.columns.iter().position(|(other, _)| other == name) {
                common.push(name.clone());
                before_places.push(before_place);
                after_places.push(after_place);
            }
        }
        let (before_holdouts, after_holdouts) = (Vec::new(), Vec::new());
        Self { before, after, key, label, limit, common, before_places, after_places, before_holdouts, after_holdouts }
    }

    /// Keeps the rows of these contracts' holdouts out of the examples.
    fn hide(&mut self, contracts: &[Contract]) {
        let of = |parts: &Parts| contracts.iter().map(|found| Holdout::of(found, &parts.manifest.columns)).collect();
        (self.before_holdouts, self.after_holdouts) = (of(self.before), of(self.after));
    }

    fn schema_diff(&self) -> Diff {
        let only = |these: &[(String, ColumnType)]| -> Vec<String> {
            these.iter().filter(|(name, _)| !self.common.contains(name)).map(|(name, _)| name.clone()).collect()
        };
        let mut retyped = Vec::new();
        for (index, name) in self.common.iter().enumerate() {
            let before = self.before.manifest.columns[self.before_places[index]].1;
            let after = self.after.manifest.columns[self.after_places[index]].1;
            if before != after {
                retyped.push((name.clone(), before, after));
            }
        }
        Diff {
            rows_before: self.before.manifest.rows(),
            rows_after: self.after.manifest.rows(),
            columns_added: only(&self.after.manifest.columns),
            columns_removed: only(&self.before.manifest.columns),
            retyped,
            ..Diff::default()
        }
    }

    /// The files of parts that do not cancel.
    fn rest(&self) -> (Vec<&'a Path>, Vec<&'a Path>) {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for part in &self.before.manifest.parts {
            *counts.entry(part.content.as_str()).or_insert(0) += 1;
        }
        let mut after_rest = Vec::new();
        for (part, path) in self.after.manifest.parts.iter().zip(&self.after.paths) {
            match counts.get_mut(part.content.as_str()) {
                Some(count) if *count > 0 => *count -= 1,
                _ => after_rest.push(path.as_path()),
            }
        }
        let mut before_rest = Vec::new();
        for (part, path) in self.before.manifest.parts.iter().zip(&self.before.paths) {
            if let Some(count) = counts.get_mut(part.content.as_str())
                && *count > 0
            {
                *count -= 1;
                before_rest.push(path.as_path());
            }
        }
        (before_rest, after_rest)
    }

    fn count(&self, paths: &[&Path], places: &[usize], add: &mut dyn FnMut(u64)) -> Result<(), DataError> {
        let mut hasher = RowHasher::default();
        for path in paths {
            for batch in batches(path, None)? {
                let batch = batch?;
                let views = views(&batch)?;
                for row in 0..batch.num_rows() {
                    add(hasher.hash(&views, places, row));
                }
            }
        }
        Ok(())
    }

    /// Places of the key among the common columns: `None` when no key is given, an error names a column that is not
    /// common.
    fn key_places(&self) -> Result<Option<Vec<usize>>, &str> {
        if self.key.is_empty() {
            return Ok(None);
        }
        let place = |name: &'a String| self.common.iter().position(|common| common == name).ok_or(name.as_str());
        self.key.iter().map(place).collect::<Result<Vec<_>, _>>().map(Some)
    }

    /// Compares what remains by key; `false` when the key turns out not to be unique.
    fn by_key(&self, residual: &Residual<'_>, key: &[usize], diff: &mut Diff) -> Result<bool, DataError> {
        let rows: u64 = residual.surplus.values().map(|count| count.unsigned_abs()).sum();
        let turns = rows / AT_A_TIME + 1;
        let mut found = diff.clone();
        let mut columns = vec![0u64; self.common.len()];
        for turn in 0..turns {
            let before =
                self.collect(&residual.before_rest, &self.before_places, residual, 1, Some((key, turn, turns)))?;
            let after =
                self.collect(&residual.after_rest, &self.after_places, residual, -1, Some((key, turn, turns)))?;
            if !self.match_rows(&before, &after, key, &mut found, &mut columns)? {
                return Ok(false);
            }
        }
        found.by_column = self.common.iter().cloned().zip(columns).filter(|(_, count)| *count > 0).collect();
        found.by_column.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        *diff = found;
        Ok(true)
    }

    fn match_rows(
        &self,
        before: &[RecordBatch],
        after: &[RecordBatch],
        key: &[usize],
        diff: &mut Diff,
        columns: &mut [u64],
    ) -> Result<bool, DataError> {
        let before_key: Vec<usize> = key.iter().map(|place| self.before_places[*place]).collect();
        let after_key: Vec<usize> = key.iter().map(|place| self.after_places[*place]).collect();
        let before_views: Vec<Vec<View<'_>>> = before.iter().map(views).collect::<Result<_, _>>()?;
        let mut scratch = String::new();
        let mut bytes = Vec::new();
        let mut index: HashMap<Vec<u8>, (usize, usize)> = HashMap::new();
        for (batch, views) in before_views.iter().enumerate() {
            for row in 0..before[batch].num_rows() {
                bytes.clear();
                write_key(views, &before_key, row, &mut scratch, &mut bytes);
                if index.insert(bytes.clone(), (batch, row)).is_some() {
                    return Ok(false);
                }
            }
        }
        let mut matched: Vec<Vec<bool>> = before.iter().map(|batch| vec![false; batch.num_rows()]).collect();
        let mut seen: HashSet<Vec<u8>> = HashSet::new();
        for batch in after {
            let after_views = views(batch)?;
            for row in 0..batch.num_rows() {
                bytes.clear();
                write_key(&after_views, &after_key, row, &mut scratch, &mut bytes);
                let Some((other, other_row)) = index.get(&bytes).copied() else {
                    if !seen.insert(bytes.clone()) {
                        return Ok(false);
                    }
                    diff.added += 1;
                    self.example_of_one(diff, RowChangeKind::Added, &after_views, row, &after_key);
                    continue;
                };
                if std::mem::replace(&mut matched[other][other_row], true) {
                    return Ok(false);
                }
                self.compare(diff, columns, (&before_views[other], other_row), (&after_views, row), &after_key);
            }
        }
        for (batch, views) in before_views.iter().enumerate() {
            for (row, matched) in matched[batch].iter().enumerate() {
                if !matched {
                    diff.removed += 1;
                    self.example_of_one(diff, RowChangeKind::Removed, views, row, &before_key);
                }
            }
        }
        Ok(true)
    }

    fn compare(
        &self,
        diff: &mut Diff,
        columns: &mut [u64],
        before: (&[View<'_>], usize),
        after: (&[View<'_>], usize),
        after_key: &[usize],
    ) {
        let mut changes = Vec::new();
        for (index, name) in self.common.iter().enumerate() {
            let old = text(&before.0[self.before_places[index]], before.1);
            let new = text(&after.0[self.after_places[index]], after.1);
            if old != new {
                columns[index] += 1;
                changes.push(CellChange { column: name.clone(), before: old, after: new });
            }
        }
        let kind = match changes.as_slice() {
            // Rows that differ in type alone read the same.
            [] => return,
            [only] if Some(only.column.as_str()) == self.label => RowChangeKind::Relabelled,
            _ => RowChangeKind::Changed,
        };
        match kind {
            RowChangeKind::Relabelled => diff.relabelled += 1,
            _ => diff.changed += 1,
        }
        let hides =
            |holdouts: &[Holdout], (views, row): (&[View<'_>], usize)| holdouts.iter().any(|all| all.has(views, row));
        if hides(&self.before_holdouts, before) || hides(&self.after_holdouts, after) {
            diff.hidden += 1;
        } else if diff.examples.len() < self.limit {
            let key = self.key_of(after.0, after.1, after_key);
            diff.examples.push(RowChange { kind, key, changes });
        }
    }

    fn key_of(&self, views: &[View<'_>], row: usize, places: &[usize]) -> Vec<(String, String)> {
        let value = |place: &usize| text(&views[*place], row).unwrap_or_default();
        self.key.iter().cloned().zip(places.iter().map(value)).collect()
    }

    fn example_of_one(&self, diff: &mut Diff, kind: RowChangeKind, views: &[View<'_>], row: usize, key: &[usize]) {
        let added = kind == RowChangeKind::Added;
        let holdouts = if added { &self.after_holdouts } else { &self.before_holdouts };
        if holdouts.iter().any(|holdout| holdout.has(views, row)) {
            diff.hidden += 1;
            return;
        }
        if diff.examples.len() >= self.limit {
            return;
        }
        let columns = if added { &self.after.manifest.columns } else { &self.before.manifest.columns };
        let cell = |(place, (name, _)): (usize, &(String, ColumnType))| {
            let value = text(&views[place], row);
            let (before, after) = if added { (None, value) } else { (value, None) };
            CellChange { column: name.clone(), before, after }
        };
        let changes = columns.iter().enumerate().map(cell).collect();
        diff.examples.push(RowChange { kind, key: self.key_of(views, row, key), changes });
    }

    /// Without a key: what remains was added or removed.
    fn as_bags(&self, residual: &Residual<'_>, diff: &mut Diff) -> Result<(), DataError> {
        diff.added = residual.surplus.values().filter(|count| **count < 0).map(|count| count.unsigned_abs()).sum();
        diff.removed = residual.surplus.values().filter(|count| **count > 0).map(|count| count.unsigned_abs()).sum();
        let sides = [
            (RowChangeKind::Added, &residual.after_rest, &self.after_places, -1),
            (RowChangeKind::Removed, &residual.before_rest, &self.before_places, 1),
        ];
        for (index, (kind, paths, places, sign)) in sides.into_iter().enumerate() {
            // Each side gets a fair share of the examples.
            let share = if index == 0 && diff.removed > 0 { self.limit.div_ceil(2) } else { self.limit };
            let mut taken: HashMap<u64, i64> = HashMap::new();
            for path in paths {
                if diff.examples.len() >= share {
                    break;
                }
                let mut found = Vec::new();
                self.collect_path(path, places, residual, sign, None, &mut taken, &mut found)?;
                for batch in found {
                    let views = views(&batch)?;
                    for row in 0..batch.num_rows() {
                        if diff.examples.len() < share {
                            self.example_of_one(diff, kind, &views, row, &[]);
                            if let Some(example) = diff.examples.last_mut() {
                                example.key.clear();
                            }
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// The rows that did not cancel on one side, of one turn.
    fn collect(
        &self,
        paths: &[&Path],
        places: &[usize],
        residual: &Residual<'_>,
        sign: i64,
        turn: Option<(&[usize], u64, u64)>,
    ) -> Result<Vec<RecordBatch>, DataError> {
        let mut found = Vec::new();
        let mut left: HashMap<u64, i64> = HashMap::new();
        for path in paths {
            self.collect_path(path, places, residual, sign, turn, &mut left, &mut found)?;
        }
        Ok(found)
    }

    #[expect(clippy::too_many_arguments, reason = "one inner loop, shared by two ways of collecting")]
    fn collect_path(
        &self,
        path: &Path,
        places: &[usize],
        residual: &Residual<'_>,
        sign: i64,
        turn: Option<(&[usize], u64, u64)>,
        taken: &mut HashMap<u64, i64>,
        found: &mut Vec<RecordBatch>,
    ) -> Result<(), DataError> {
        let mut hasher = RowHasher::default();
        for batch in batches(path, None)? {
            let batch = batch?;
            let views = views(&batch)?;
            let mut mask = vec![false; batch.num_rows()];
            for (row, keep) in mask.iter_mut().enumerate() {
                let hash = hasher.hash(&views, places, row);
                let wanted = residual.surplus.get(&hash).copied().unwrap_or(0) * sign;
                if wanted <= 0 {
                    continue;
                }
                if let Some((key, turn, turns)) = turn {
                    let key: Vec<usize> = key.iter().map(|place| places[*place]).collect();
                    if turns > 1 && hasher.hash(&views, &key, row) % turns != turn {
                        continue;
                    }
                }
                let so_far = taken.entry(hash).or_insert(0);
                if *so_far < wanted {
                    *so_far += 1;
                    *keep = true;
                }
            }
            if mask.contains(&true) {
                let kept = filter_record_batch(&batch, &BooleanArray::from(mask));
                found.push(kept.map_err(|error| DataError::engine("compare rows", error))?);
            }
        }
        Ok(())
    }
}

/// Hashes the text forms of some columns of a row.
#[derive(Default)]
struct RowHasher {
    scratch: String,
    bytes: Vec<u8>,
}

impl RowHasher {
    fn hash(&mut self, views: &[View<'_>], places: &[usize], row: usize) -> u64 {
        self.bytes.clear();
        write_key(views, places, row, &mut self.scratch, &mut self.bytes);
        let mut first = [0u8; 8];
        first.copy_from_slice(&blake3::hash(&self.bytes).as_bytes()[..8]);
        u64::from_le_bytes(first)
    }
}

fn text(view: &View<'_>, row: usize) -> Option<String> {
    let mut text = String::new();
    view.text(row, &mut text).then_some(text)
}
