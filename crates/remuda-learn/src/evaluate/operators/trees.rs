//! Tree ensembles as flat arrays: one array of inner nodes, one of leaves. Comparisons and sums are in 32-bit floats, as in
//! ONNX Runtime, so that a value on a threshold falls on the same side in both.
//!
//! The rules for two classes follow ONNX Runtime, since the specification leaves them open: one weight per leaf means the
//! score of the second class, which wins above 0, or above 0.5 where no weight is negative.

use crate::error::LearnError;
use crate::evaluate::attributes::Attributes;
use crate::evaluate::operators::transform::Transform;
use crate::evaluate::value::{Dense, Problem, Value};
use std::collections::HashMap;

/// The bit of a child index that says "leaf".
const LEAF: u32 = 1 << 31;
/// The bit of a feature index that says "missing values go to the true branch".
const MISSING_TRUE: u32 = 1 << 31;

/// A forest.
#[derive(Debug, Default)]
pub(crate) struct Forest {
    nodes: Vec<FlatNode>,
    /// How each node compares, where any does otherwise than `<=`; else empty.
    modes: Vec<Mode>,
    roots: Vec<u32>,
    /// Leaf `l` votes with `votes[leaves[l] .. leaves[l + 1]]`.
    leaves: Vec<u32>,
    votes: Vec<(u32, f32)>,
    /// The value of each leaf, where each has exactly one vote for target 0; else empty.
    single: Vec<f32>,
    base: Vec<f32>,
    targets: usize,
    /// One more than the greatest feature index.
    width: usize,
    average: bool,
}

#[derive(Clone, Copy, Debug)]
struct FlatNode {
    feature: u32,
    threshold: f32,
    /// Where a row goes for which the comparison fails, and holds.
    children: [u32; 2],
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Mode {
    LessOrEqual,
    Less,
    GreaterOrEqual,
    Greater,
    Equal,
    NotEqual,
    Leaf,
}

/// The columns of the node table of `TreeEnsemble*`.
struct NodeTable<'a> {
    trees: &'a [i64],
    ids: &'a [i64],
    features: &'a [i64],
    yes: &'a [i64],
    no: &'a [i64],
    values: &'a [f32],
    missing: &'a [i64],
    modes: Vec<Mode>,
}

impl Forest {
    /// Reads the attributes of a tree operator; `prefix` is `class` or `target`.
    pub(crate) fn compile(attributes: Attributes, prefix: &str, targets: usize) -> Result<Self, LearnError> {
        let table = NodeTable::read(attributes)?;
        let places = table.places(attributes)?;
        let (leaf_of, mut forest) = Forest::lay_out(&table, &places, attributes)?;
        forest.targets = targets;
        forest.add_votes(attributes, prefix, &places, &leaf_of)?;
        forest.base = attributes.floats("base_values").to_vec();
        if ![0, 1, targets].contains(&forest.base.len()) {
            return Err(attributes.malformed("`base_values` has the wrong length"));
        }
        forest.average = match attributes.string("aggregate_function", "SUM")?.as_str() {
            "SUM" => false,
            "AVERAGE" => true,
            other => return Err(attributes.malformed(format!("aggregate function {other} is not supported"))),
        };
        if prefix == "class" && targets == 2 && !forest.base.is_empty() && !forest.one_target() {
            return Err(attributes.malformed("base values with votes for both of two classes have no agreed meaning"));
        }
        let plain = forest.leaves.windows(2).all(|pair| pair[1] - pair[0] == 1);
        if plain && forest.votes.iter().all(|vote| vote.0 == 0) {
            forest.single = forest.votes.iter().map(|vote| vote.1).collect();
        }
        Ok(forest)
    }

    /// Walks each tree from its root, so that cycles and shared nodes are noticed and each child comes after its parent.
    fn lay_out(
        table: &NodeTable,
        places: &HashMap<(i64, i64), usize>,
        attributes: Attributes,
    ) -> Result<(Vec<u32>, Forest), LearnError> {
        let mut forest = Forest::default();
        let mut leaf_of = vec![u32::MAX; table.ids.len()];
        let mut seen = vec![false; table.ids.len()];
        let mut leaf_count = 0_u32;
        let mut last_tree = None;
        for (row, tree) in table.trees.iter().enumerate() {
            if last_tree == Some(*tree) || seen[row] {
                continue;
            }
            last_tree = Some(*tree);
            // The first node of a tree is its root. A stack of (row, parent, whether it is the parent's true branch).
            let mut stack = vec![(row, None::<(usize, bool)>)];
            while let Some((row, parent)) = stack.pop() {
                if std::mem::replace(&mut seen[row], true) {
                    return Err(attributes.malformed("a tree has a cycle or a shared node"));
                }
                let own = if table.modes[row] == Mode::Leaf {
                    leaf_of[row] = leaf_count;
                    leaf_count += 1;
                    (leaf_count - 1) | LEAF
                } else {
                    let child = |id: i64| {
                        let found = places.get(&(*tree, id)).copied();
                        found.ok_or_else(|| attributes.malformed("a branch leads to no node"))
                    };
                    let own = forest.nodes.len();
                    stack.push((child(table.no[row])?, Some((own, false))));
                    stack.push((child(table.yes[row])?, Some((own, true))));
                    forest.push(table, row, attributes)?;
                    own as u32
                };
                match parent {
                    None => forest.roots.push(own),
                    Some((parent, holds)) => forest.nodes[parent].children[usize::from(holds)] = own,
                }
            }
        }
        if seen.contains(&false) {
            return Err(attributes.malformed("a node belongs to no tree"));
        }
        if forest.modes.iter().all(|mode| *mode == Mode::LessOrEqual) {
            forest.modes = Vec::new();
        }
        forest.leaves = vec![0; leaf_count as usize + 1];
        Ok((leaf_of, forest))
    }

    fn push(&mut self, table: &NodeTable, row: usize, attributes: Attributes) -> Result<(), LearnError> {
        let feature = table.features[row];
        let feature = u32::try_from(feature).ok().filter(|index| *index < 1 << 24);
        let feature = feature.ok_or_else(|| attributes.malformed("a node reads an impossible feature"))?;
        self.width = self.width.max(feature as usize + 1);
        let missing = if table.missing.get(row).is_some_and(|flag| *flag == 1) { MISSING_TRUE } else { 0 };
        self.nodes.push(FlatNode { feature: feature | missing, threshold: table.values[row], children: [0, 0] });
        self.modes.push(table.modes[row]);
        Ok(())
    }

    fn add_votes(
        &mut self,
        attributes: Attributes,
        prefix: &str,
        places: &HashMap<(i64, i64), usize>,
        leaf_of: &[u32],
    ) -> Result<(), LearnError> {
        let trees = attributes.ints(&format!("{prefix}_treeids"));
        let nodes = attributes.ints(&format!("{prefix}_nodeids"));
        let ids = attributes.ints(&format!("{prefix}_ids"));
        let weights = attributes.floats(&format!("{prefix}_weights"));
        if trees.len() != nodes.len() || trees.len() != ids.len() || trees.len() != weights.len() {
            return Err(attributes.malformed("the lists of votes differ in length"));
        }
        let mut votes = Vec::with_capacity(ids.len());
        for (((tree, node), target), weight) in trees.iter().zip(nodes).zip(ids).zip(weights) {
            let leaf = places.get(&(*tree, *node)).map(|row| leaf_of[*row]).filter(|leaf| *leaf != u32::MAX);
            let leaf = leaf.ok_or_else(|| attributes.malformed("a vote belongs to no leaf"))?;
            let target = u32::try_from(*target).ok().filter(|target| (*target as usize) < self.targets);
            let target = target.ok_or_else(|| attributes.malformed("a vote is for no target"))?;
            votes.push((leaf, target, *weight));
        }
        votes.sort_by_key(|vote| vote.0);
        for vote in &votes {
            self.leaves[vote.0 as usize + 1] += 1;
        }
        for leaf in 1..self.leaves.len() {
            self.leaves[leaf] += self.leaves[leaf - 1];
        }
        self.votes = votes.into_iter().map(|(_, target, weight)| (target, weight)).collect();
        Ok(())
    }

    fn one_target(&self) -> bool {
        self.votes.first().is_none_or(|first| self.votes.iter().all(|vote| vote.0 == first.0))
    }

    fn leaf(&self, root: u32, row: &[f32]) -> usize {
        let mut at = root;
        if self.modes.is_empty() {
            while at & LEAF == 0 {
                let node = self.nodes[at as usize];
                let value = row[(node.feature & !MISSING_TRUE) as usize];
                // No branch here: which way a row goes cannot be guessed, and a wrong guess costs more than both tests.
                let yes = (value <= node.threshold) | ((node.feature & MISSING_TRUE != 0) & value.is_nan());
                at = node.children[usize::from(yes)];
            }
            return (at & !LEAF) as usize;
        }
        while at & LEAF == 0 {
            let node = self.nodes[at as usize];
            let value = row[(node.feature & !MISSING_TRUE) as usize];
            let yes = self.modes[at as usize].holds(value, node.threshold)
                || (node.feature & MISSING_TRUE != 0 && value.is_nan());
            at = node.children[usize::from(yes)];
        }
        (at & !LEAF) as usize
    }

    /// Sums of the votes, rows x targets, without base values.
    fn sums(&self, input: &Value) -> Result<(usize, Vec<f32>), Problem> {
        let input = input.floats()?;
        let (rows, width) = input.rows_and_width();
        if width < self.width {
            return Err(format!("the trees read {} columns, but {width} came", self.width));
        }
        let mut sums = vec![0.0_f32; rows * self.targets];
        if width == 0 {
            return Ok((rows, sums));
        }
        for root in &self.roots {
            for (row, sums) in input.data.chunks_exact(width).zip(sums.chunks_exact_mut(self.targets)) {
                let leaf = self.leaf(*root, row);
                if let Some(weight) = self.single.get(leaf) {
                    sums[0] += weight;
                    continue;
                }
                for (target, weight) in &self.votes[self.leaves[leaf] as usize..self.leaves[leaf + 1] as usize] {
                    sums[*target as usize] += weight;
                }
            }
        }
        Ok((rows, sums))
    }

    /// `TreeEnsembleRegressor`: rows x targets.
    pub(crate) fn regress(&self, input: &Value) -> Result<Dense<f32>, Problem> {
        let (rows, mut sums) = self.sums(input)?;
        if self.average {
            let trees = self.roots.len().max(1) as f32;
            sums.iter_mut().for_each(|sum| *sum /= trees);
        }
        if self.base.len() == self.targets {
            for sums in sums.chunks_exact_mut(self.targets) {
                sums.iter_mut().zip(&self.base).for_each(|(sum, base)| *sum += base);
            }
        }
        Ok(Dense::matrix(rows, self.targets, sums))
    }

    /// `TreeEnsembleClassifier`: the chosen class of each row, and rows x classes.
    pub(crate) fn classify(&self, input: &Value, transform: Transform) -> Result<(Vec<u32>, Dense<f32>), Problem> {
        if self.targets == 2 { self.classify_two(input, transform) } else { self.classify_many(input, transform) }
    }

    fn classify_many(&self, input: &Value, transform: Transform) -> Result<(Vec<u32>, Dense<f32>), Problem> {
        let mut scores = self.regress(input)?;
        let mut chosen = Vec::with_capacity(scores.shape[0]);
        for scores in scores.data.chunks_exact_mut(self.targets) {
            chosen.push(greatest(scores));
            transform.apply(scores);
        }
        Ok((chosen, scores))
    }

    fn classify_two(&self, input: &Value, transform: Transform) -> Result<(Vec<u32>, Dense<f32>), Problem> {
        let one_target = self.one_target();
        let positive = self.votes.iter().all(|vote| vote.1 >= 0.0);
        let (rows, sums) = self.sums(input)?;
        let mut scores = Vec::with_capacity(rows * 2);
        let mut chosen = Vec::with_capacity(rows);
        for sums in sums.chunks_exact(2) {
            if !one_target {
                // Base values cannot come here: they are refused when the forest is compiled.
                let mut pair = [sums[0], sums[1]];
                chosen.push(u32::from(pair[1] > 0.0));
                transform.apply(&mut pair);
                scores.extend(pair);
                continue;
            }
            let score = sums[0] + sums[1] + self.base.last().copied().unwrap_or(0.0);
            let (bound, pair) = if self.base.len() == 2 {
                let mut pair = [-score, score];
                transform.apply(&mut pair);
                (if positive { 0.5 } else { 0.0 }, pair)
            } else if positive {
                (0.5, transform.pair_of_probability(score))
            } else {
                (0.0, transform.pair_of_logit(score))
            };
            chosen.push(u32::from(score > bound));
            scores.extend(pair);
        }
        Ok((chosen, Dense::matrix(rows, 2, scores)))
    }
}

/// The first of the greatest.
pub(crate) fn greatest(scores: &[f32]) -> u32 {
    let mut best = 0;
    for (index, score) in scores.iter().enumerate() {
        if *score > scores[best] {
            best = index;
        }
    }
    best as u32
}

impl<'a> NodeTable<'a> {
    fn read(attributes: Attributes<'a>) -> Result<Self, LearnError> {
        let list = |name: &str| attributes.node.attributes.iter().find(|attribute| attribute.name == name);
        let ints = |name: &str| list(name).map_or(&[][..], |attribute| &attribute.ints);
        if attributes.has("nodes_values_as_tensor") || attributes.has("base_values_as_tensor") {
            return Err(attributes.malformed("64-bit thresholds are not supported"));
        }
        let modes: Result<Vec<Mode>, LearnError> = list("nodes_modes")
            .map_or(&[][..], |attribute| &attribute.strings)
            .iter()
            .map(|word| Mode::parse(word).ok_or_else(|| attributes.malformed("a node has an unknown mode")))
            .collect();
        let table = NodeTable {
            trees: ints("nodes_treeids"),
            ids: ints("nodes_nodeids"),
            features: ints("nodes_featureids"),
            yes: ints("nodes_truenodeids"),
            no: ints("nodes_falsenodeids"),
            values: list("nodes_values").map_or(&[][..], |attribute| &attribute.floats),
            missing: ints("nodes_missing_value_tracks_true"),
            modes: modes?,
        };
        let count = table.ids.len();
        let lengths = [
            table.trees.len(),
            table.features.len(),
            table.yes.len(),
            table.no.len(),
            table.values.len(),
            table.modes.len(),
        ];
        if count == 0 || lengths.iter().any(|length| *length != count) || count >= LEAF as usize {
            return Err(attributes.malformed("the lists of nodes are empty or differ in length"));
        }
        Ok(table)
    }

    fn places(&self, attributes: Attributes) -> Result<HashMap<(i64, i64), usize>, LearnError> {
        let mut places = HashMap::with_capacity(self.ids.len());
        for (row, key) in self.trees.iter().copied().zip(self.ids.iter().copied()).enumerate() {
            if places.insert(key, row).is_some() {
                return Err(attributes.malformed("two nodes have one number"));
            }
        }
        Ok(places)
    }
}

impl Mode {
    fn parse(word: &[u8]) -> Option<Self> {
        Some(match word {
            b"BRANCH_LEQ" => Mode::LessOrEqual,
            b"BRANCH_LT" => Mode::Less,
            b"BRANCH_GTE" => Mode::GreaterOrEqual,
            b"BRANCH_GT" => Mode::Greater,
            b"BRANCH_EQ" => Mode::Equal,
            b"BRANCH_NEQ" => Mode::NotEqual,
            b"LEAF" => Mode::Leaf,
            _ => return None,
        })
    }

    #[expect(clippy::float_cmp, reason = "ONNX defines these modes as exact comparisons")]
    fn holds(self, value: f32, threshold: f32) -> bool {
        match self {
            Mode::LessOrEqual => value <= threshold,
            Mode::Less => value < threshold,
            Mode::GreaterOrEqual => value >= threshold,
            Mode::Greater => value > threshold,
            Mode::Equal => value == threshold,
            Mode::NotEqual => value != threshold,
            Mode::Leaf => false,
        }
    }
}
