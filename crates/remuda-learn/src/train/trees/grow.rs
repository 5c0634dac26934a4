//! Grows one tree, best leaf first, from histograms of gradients (Ke et al., LightGBM, NeurIPS 2017, section 2.1; missing
//! values take the better side, Chen and Guestrin, XGBoost, KDD 2016, algorithm 3).
//!
//! Each column's histogram is summed by one thread in row order, so the tree is the same however many threads there are.

use super::bins::{Bins, MISSING_BIN};
use rayon::prelude::*;

/// Work below this many row-columns stays on one thread.
const WORTH_SHARING: usize = 1 << 15;
/// A side of a split needs this much second derivative.
const LEAST_CURVATURE: f64 = 1e-3;

/// The limits of a tree.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Leaves at most.
    pub(crate) leaves: usize,
    /// Rows per leaf at least.
    pub(crate) rows_per_leaf: u32,
    /// Penalty on squared leaf values.
    pub(crate) l2: f64,
    /// What leaf values are multiplied by.
    pub(crate) rate: f64,
}

/// A grown tree. Node 0 is the root; children come after their parent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tree {
    /// The nodes.
    pub(crate) nodes: Vec<TreeNode>,
}

/// One node.
#[derive(Clone, Copy, Debug)]
pub(crate) enum TreeNode {
    /// Rows go left or right.
    Split {
        /// The column.
        column: u32,
        /// Bins up to this one go left.
        bin: u8,
        /// The same as a value: `<=` goes left.
        threshold: f32,
        /// Whether missing values go left.
        missing_left: bool,
        /// The left child.
        left: u32,
        /// The right child.
        right: u32,
        /// How much the loss falls.
        gain: f64,
    },
    /// Rows get this value.
    Leaf(f32),
}

impl Tree {
    /// The value that a row gets.
    pub(crate) fn value(&self, bins: &Bins, row: usize) -> f32 {
        let mut at = 0;
        loop {
            match self.nodes[at] {
                TreeNode::Leaf(value) => return value,
                TreeNode::Split { column, bin, missing_left, left, right, .. } => {
                    let own = bins.columns[column as usize][row];
                    let goes_left = if own == MISSING_BIN { missing_left } else { own <= bin };
                    at = if goes_left { left } else { right } as usize;
                }
            }
        }
    }
}

/// Sums over rows.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    slope: f64,
    curvature: f64,
    rows: u32,
}

impl Sums {
    fn plus(self, other: Sums) -> Sums {
        Sums {
            slope: self.slope + other.slope,
            curvature: self.curvature + other.curvature,
            rows: self.rows + other.rows,
        }
    }

    fn minus(self, other: Sums) -> Sums {
        Sums {
            slope: self.slope - other.slope,
            curvature: self.curvature - other.curvature,
            rows: self.rows - other.rows,
        }
    }

    fn score(self, l2: f64) -> f64 {
        self.slope * self.slope / (self.curvature + l2).max(1e-12)
    }
}

#[derive(Clone, Copy, Debug)]
struct Split {
    column: usize,
    bin: u8,
    threshold: f32,
    missing_left: bool,
    gain: f64,
    left: Sums,
}

struct Leaf {
    start: usize,
    end: usize,
    node: usize,
    sums: Sums,
    histogram: Vec<Sums>,
    best: Option<Split>,
}

/// What grows trees on one set of bins.
pub(crate) struct Grower<'a> {
    bins: &'a Bins,
    limits: Limits,
}

impl<'a> Grower<'a> {
    /// Prepares for these columns.
    pub(crate) fn new(bins: &'a Bins, limits: Limits) -> Self {
        Grower { bins, limits }
    }

    /// Grows a tree on these rows; `slopes` are first and second derivatives of the loss, for all rows of the table.
    pub(crate) fn grow(&self, mut rows: Vec<u32>, slopes: &[(f32, f32)]) -> Tree {
        let mut tree = Tree { nodes: vec![TreeNode::Leaf(0.0)] };
        let histogram = self.histogram(&rows, slopes);
        let sums = rows.iter().fold(Sums::default(), |all, row| all.plus(one(slopes[*row as usize])));
        let best = self.best(&histogram, sums);
        let mut leaves = vec![Leaf { start: 0, end: rows.len(), node: 0, sums, histogram, best }];
        while leaves.len() < self.limits.leaves {
            let mut chosen: Option<(usize, Split)> = None;
            for (place, leaf) in leaves.iter().enumerate() {
                if let Some(split) = leaf.best
                    && chosen.is_none_or(|(_, best)| split.gain > best.gain)
                {
                    chosen = Some((place, split));
                }
            }
            let Some((place, split)) = chosen else { break };
            let leaf = leaves.swap_remove(place);
            let (left, right) = self.divide(leaf, split, &mut rows, slopes, &mut tree);
            leaves.extend([left, right]);
        }
        for leaf in &leaves {
            let value = -leaf.sums.slope / (leaf.sums.curvature + self.limits.l2).max(1e-12) * self.limits.rate;
            tree.nodes[leaf.node] = TreeNode::Leaf(value as f32);
        }
        tree
    }

    fn divide(
        &self,
        leaf: Leaf,
        split: Split,
        rows: &mut [u32],
        slopes: &[(f32, f32)],
        tree: &mut Tree,
    ) -> (Leaf, Leaf) {
        let own = &mut rows[leaf.start..leaf.end];
        let column = &self.bins.columns[split.column];
        let goes_left = |row: &u32| {
            let bin = column[*row as usize];
            if bin == MISSING_BIN { split.missing_left } else { bin <= split.bin }
        };
        let mut right_rows = Vec::with_capacity((leaf.sums.rows - split.left.rows) as usize);
        let mut kept = 0;
        for place in 0..own.len() {
            let row = own[place];
            if goes_left(&row) {
                own[kept] = row;
                kept += 1;
            } else {
                right_rows.push(row);
            }
        }
        own[kept..].copy_from_slice(&right_rows);
        let middle = leaf.start + kept;

        let (left_node, right_node) = (tree.nodes.len(), tree.nodes.len() + 1);
        tree.nodes.extend([TreeNode::Leaf(0.0), TreeNode::Leaf(0.0)]);
        tree.nodes[leaf.node] = TreeNode::Split {
            column: split.column as u32,
            bin: split.bin,
            threshold: split.threshold,
            missing_left: split.missing_left,
            left: left_node as u32,
            right: right_node as u32,
            gain: split.gain,
        };

        // Only the smaller side is summed; the other is what remains.
        let right_sums = leaf.sums.minus(split.left);
        let left_is_smaller = middle - leaf.start <= leaf.end - middle;
        let smaller = if left_is_smaller { leaf.start..middle } else { middle..leaf.end };
        let small = self.histogram(&rows[smaller], slopes);
        let mut large = leaf.histogram;
        large.iter_mut().zip(&small).for_each(|(large, small)| *large = large.minus(*small));
        let (left, right) = if left_is_smaller { (small, large) } else { (large, small) };
        let make = |start, end, node, sums, histogram: Vec<Sums>| {
            let best = self.best(&histogram, sums);
            Leaf { start, end, node, sums, histogram, best }
        };
        (make(leaf.start, middle, left_node, split.left, left), make(middle, leaf.end, right_node, right_sums, right))
    }

    fn histogram(&self, rows: &[u32], slopes: &[(f32, f32)]) -> Vec<Sums> {
        let mut histogram = vec![Sums::default(); self.bins.starts.last().copied().unwrap_or(0)];
        // Read in the order of the rows once, then walked by every column.
        let own: Vec<(f32, f32)> = rows.iter().map(|row| slopes[*row as usize]).collect();
        self.fill_sparse(&mut histogram, rows, &own);
        let mut cells: Vec<(usize, &mut [Sums])> = Vec::with_capacity(self.bins.columns.len());
        let mut rest = histogram.as_mut_slice();
        for column in 0..self.bins.columns.len() {
            let (first, others) = rest.split_at_mut(self.bins.starts[column + 1] - self.bins.starts[column]);
            if self.bins.sparse.usual[column].is_none() {
                cells.push((column, first));
            }
            rest = others;
        }
        let fill = |(column, cells): (usize, &mut [Sums])| {
            let bins = &self.bins.columns[column];
            let missing = cells.len() - 1;
            for (row, (slope, curvature)) in rows.iter().zip(&own) {
                let bin = bins[*row as usize];
                let cell = &mut cells[if bin == MISSING_BIN { missing } else { bin as usize }];
                cell.slope += f64::from(*slope);
                cell.curvature += f64::from(*curvature);
                cell.rows += 1;
            }
        };
        if rows.len() * cells.len() >= WORTH_SHARING {
            cells.into_par_iter().for_each(fill);
        } else {
            cells.into_iter().for_each(fill);
        }
        histogram
    }

    /// Mostly constant columns: only what is unusual is walked, the usual cell is what remains.
    fn fill_sparse(&self, histogram: &mut [Sums], rows: &[u32], own: &[(f32, f32)]) {
        let sparse = &self.bins.sparse;
        if sparse.offsets.is_empty() {
            return;
        }
        let mut all = Sums::default();
        for (row, slopes) in rows.iter().zip(own) {
            let slopes = one(*slopes);
            all = all.plus(slopes);
            for cell in &sparse.cells[sparse.offsets[*row as usize]..sparse.offsets[*row as usize + 1]] {
                let cell = &mut histogram[*cell as usize];
                *cell = cell.plus(slopes);
            }
        }
        for (column, usual) in sparse.usual.iter().enumerate() {
            let Some(usual) = usual else { continue };
            let cells = self.bins.starts[column]..self.bins.starts[column + 1];
            let rest = histogram[cells].iter().fold(Sums::default(), |sum, cell| sum.plus(*cell));
            histogram[*usual as usize] = all.minus(rest);
        }
    }

    fn best(&self, histogram: &[Sums], all: Sums) -> Option<Split> {
        if all.rows < 2 * self.limits.rows_per_leaf {
            return None;
        }
        let of = |column: usize| {
            self.best_of(column, &histogram[self.bins.starts[column]..self.bins.starts[column + 1]], all)
        };
        let columns = 0..self.bins.columns.len();
        let found: Vec<Option<Split>> = if histogram.len() >= WORTH_SHARING {
            columns.into_par_iter().map(of).collect()
        } else {
            columns.map(of).collect()
        };
        let better = |best: Option<Split>, split: Split| match best {
            Some(best) if best.gain >= split.gain => Some(best),
            _ => Some(split),
        };
        found.into_iter().flatten().fold(None, better)
    }

    fn best_of(&self, column: usize, cells: &[Sums], all: Sums) -> Option<Split> {
        let (missing, filled) = cells.split_last()?;
        let thresholds = &self.bins.thresholds[column];
        let own = all.score(self.limits.l2);
        let mut best: Option<Split> = None;
        let mut try_split = |bin: usize, threshold: f32, missing_left: bool, left: Sums| {
            let right = all.minus(left);
            let enough = |side: Sums| side.rows >= self.limits.rows_per_leaf && side.curvature >= LEAST_CURVATURE;
            let gain = left.score(self.limits.l2) + right.score(self.limits.l2) - own;
            if enough(left) && enough(right) && gain > 1e-9 && best.is_none_or(|best| gain > best.gain) {
                best = Some(Split { column, bin: bin as u8, threshold, missing_left, gain, left });
            }
        };
        let mut left = Sums::default();
        for (bin, threshold) in thresholds.iter().enumerate() {
            left = left.plus(filled[bin]);
            if missing.rows == 0 {
                // Nothing is known of missing values here: they go where most rows go.
                try_split(bin, *threshold, left.rows * 2 >= all.rows, left);
            } else {
                try_split(bin, *threshold, false, left);
                try_split(bin, *threshold, true, left.plus(*missing));
            }
        }
        if missing.rows > 0 {
            // Everything known against everything missing.
            try_split(thresholds.len(), f32::INFINITY, false, all.minus(*missing));
        }
        best
    }
}

fn one(slopes: (f32, f32)) -> Sums {
    Sums { slope: f64::from(slopes.0), curvature: f64::from(slopes.1), rows: 1 }
}
