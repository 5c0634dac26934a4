//! Where the things of a graph stand when it is drawn in layers, causes before effects (K. Sugiyama, S. Tagawa and
//! M. Toda, "Methods for visual understanding of hierarchical system structures", 1981): layers by the longest path,
//! bends where an arrow passes a layer, an order with few crossings by barycentres, and places near their neighbours.
//! Numbers only: no markup here.

/// Room between two neighbours of a layer.
const GAP: f64 = 14.0;
/// Room that an arrow takes where it passes a layer.
const BEND: f64 = 8.0;
const SWEEPS: usize = 6;

/// A graph with its places.
pub(super) struct Plan {
    /// For each node its layer from 0 and the middle of its place across the layers.
    pub(super) places: Vec<(usize, f64)>,
    /// For each arrow drawn: from, to, and the bends between them (layer and middle).
    pub(super) routes: Vec<Route>,
    /// How many layers there are.
    pub(super) layers: usize,
    /// How far it reaches across the layers.
    pub(super) extent: f64,
}

/// The way of an arrow.
pub(super) struct Route {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) bends: Vec<(usize, f64)>,
}

/// Plans the places. `wanted` holds a first layer for each node (negative before the thing asked about, 0 for it,
/// positive after it); `arrows` go from cause to effect; each node is `size` long across the layers.
pub(super) fn plan(wanted: &[i64], arrows: &[(usize, usize)], size: f64) -> Plan {
    let (layer_of, layers) = compact(&relaxed(wanted, arrows));
    let mut work = Work { items: Vec::new(), rows: vec![Vec::new(); layers], before: Vec::new(), after: Vec::new() };
    for layer in &layer_of {
        work.add(*layer, size);
    }
    let mut chains = Vec::new();
    for (from, to) in arrows.iter().copied().filter(|(from, to)| layer_of[*from] < layer_of[*to]) {
        let mut chain = Vec::new();
        let mut last = from;
        for layer in layer_of[from] + 1..layer_of[to] {
            let bend = work.add(layer, BEND);
            work.join(last, bend);
            chain.push(bend);
            last = bend;
        }
        work.join(last, to);
        chains.push((from, to, chain));
    }
    work.order();
    work.settle();
    let middle = |item: usize| (work.items[item].layer, work.items[item].middle);
    let extent = work.items.iter().map(|item| item.middle + item.size / 2.0).fold(0.0, f64::max);
    Plan {
        places: (0..layer_of.len()).map(middle).collect(),
        routes: chains
            .into_iter()
            .map(|(from, to, chain)| Route { from, to, bends: chain.into_iter().map(middle).collect() })
            .collect(),
        layers,
        extent,
    }
}

/// Layers in which each cause stands before its effects, as far from nobody as it can: what led to the thing asked
/// about (negative) moves back, what came of it (positive) moves on. Circles end after as many rounds as nodes.
fn relaxed(wanted: &[i64], arrows: &[(usize, usize)]) -> Vec<i64> {
    let mut layers = wanted.to_vec();
    for _ in 0..layers.len() {
        let mut moved = false;
        for &(from, to) in arrows {
            if layers[to] > layers[from] {
                continue;
            }
            if layers[to] > 0 {
                layers[to] = layers[from] + 1;
                moved = true;
            } else if layers[from] < 0 {
                layers[from] = layers[to] - 1;
                moved = true;
            }
        }
        if !moved {
            break;
        }
    }
    layers
}

/// Layers numbered from 0 without holes, and how many there are.
fn compact(layers: &[i64]) -> (Vec<usize>, usize) {
    let mut known = layers.to_vec();
    known.sort_unstable();
    known.dedup();
    (layers.iter().map(|layer| known.binary_search(layer).unwrap_or(0)).collect(), known.len())
}

struct Item {
    layer: usize,
    size: f64,
    middle: f64,
}

/// Nodes and bends, in their rows.
struct Work {
    items: Vec<Item>,
    rows: Vec<Vec<usize>>,
    before: Vec<Vec<usize>>,
    after: Vec<Vec<usize>>,
}

impl Work {
    fn add(&mut self, layer: usize, size: f64) -> usize {
        self.items.push(Item { layer, size, middle: 0.0 });
        self.before.push(Vec::new());
        self.after.push(Vec::new());
        let item = self.items.len() - 1;
        self.rows[layer].push(item);
        item
    }

    fn join(&mut self, from: usize, to: usize) {
        self.after[from].push(to);
        self.before[to].push(from);
    }

    /// Orders each row by the mean place of the neighbours before it, then after it, and so on.
    fn order(&mut self) {
        let mut rank: Vec<f64> = vec![0.0; self.items.len()];
        for row in &self.rows {
            row.iter().enumerate().for_each(|(index, item)| rank[*item] = index as f64);
        }
        for sweep in 0..SWEEPS {
            for step in 0..self.rows.len() {
                let (row, neighbours) =
                    if sweep % 2 == 0 { (step, &self.before) } else { (self.rows.len() - 1 - step, &self.after) };
                let mut keyed: Vec<(f64, usize)> = self.rows[row]
                    .iter()
                    .map(|item| (mean(&neighbours[*item], |one| rank[one]).unwrap_or(rank[*item]), *item))
                    .collect();
                keyed.sort_by(|left, right| left.0.total_cmp(&right.0));
                self.rows[row] = keyed.into_iter().map(|(_, item)| item).collect();
                for (index, item) in self.rows[row].iter().enumerate() {
                    rank[*item] = index as f64;
                }
            }
        }
    }

    /// Places each row as near to its neighbours as its order and sizes allow.
    fn settle(&mut self) {
        for row in &self.rows {
            let mut end = 0.0;
            for item in row {
                self.items[*item].middle = end + self.items[*item].size / 2.0;
                end += self.items[*item].size + GAP;
            }
        }
        for sweep in 0..2 * SWEEPS {
            for step in 0..self.rows.len() {
                let row = if sweep % 2 == 0 { step } else { self.rows.len() - 1 - step };
                self.place_row(row);
            }
        }
        let first = self.items.iter().map(|item| item.middle - item.size / 2.0).fold(f64::INFINITY, f64::min);
        if first.is_finite() {
            self.items.iter_mut().for_each(|item| item.middle -= first);
        }
    }

    fn place_row(&mut self, row: usize) {
        let items = &self.rows[row];
        let middle = |one: usize| self.items[one].middle;
        let near = |item: usize| {
            let all: Vec<usize> = self.before[item].iter().chain(&self.after[item]).copied().collect();
            mean(&all, middle).unwrap_or(middle(item))
        };
        let wanted: Vec<f64> = items.iter().map(|item| near(*item)).collect();
        let room: Vec<f64> =
            items.windows(2).map(|pair| (self.items[pair[0]].size + self.items[pair[1]].size) / 2.0 + GAP).collect();
        let found = spread(&wanted, &room);
        for (item, middle) in self.rows[row].iter().zip(found) {
            self.items[*item].middle = middle;
        }
    }
}

fn mean(items: &[usize], value: impl Fn(usize) -> f64) -> Option<f64> {
    if items.is_empty() {
        return None;
    }
    Some(items.iter().map(|item| value(*item)).sum::<f64>() / items.len() as f64)
}

/// The places nearest to `wanted` (least squares) that keep the order and at least `room` between neighbours:
/// isotonic regression by pooling adjacent violators, on places from which the needed room is subtracted.
fn spread(wanted: &[f64], room: &[f64]) -> Vec<f64> {
    let mut offset = 0.0;
    let mut offsets = Vec::with_capacity(wanted.len());
    let mut pools: Vec<(f64, usize)> = Vec::new();
    for (index, place) in wanted.iter().enumerate() {
        if index > 0 {
            offset += room[index - 1];
        }
        offsets.push(offset);
        pools.push((place - offset, 1));
        while let [.., (left, before), (right, after)] = pools.as_slice()
            && left > right
        {
            let count = before + after;
            let joined = (left * *before as f64 + right * *after as f64) / count as f64;
            pools.truncate(pools.len() - 2);
            pools.push((joined, count));
        }
    }
    let places = pools.into_iter().flat_map(|(place, count)| std::iter::repeat_n(place, count));
    places.zip(offsets).map(|(place, offset)| place + offset).collect()
}

#[cfg(test)]
mod tests {
    use super::{plan, relaxed, spread};

    #[test]
    fn places_stay_in_order_and_as_near_as_there_is_room() {
        assert_eq!(spread(&[0.0, 30.0], &[10.0]), [0.0, 30.0]);
        assert_eq!(spread(&[5.0, 5.0], &[10.0]), [0.0, 10.0]);
        assert_eq!(spread(&[9.0, 0.0, 30.0], &[10.0, 10.0]), [-0.5, 9.5, 30.0]);
        assert_eq!(spread(&[], &[]), Vec::<f64>::new());
    }

    #[test]
    fn causes_stand_before_effects_and_circles_end() {
        // A release (0) of a model (1) and an evaluation (2); the evaluation used the model, the model a run (3).
        let arrows = [(1, 0), (2, 0), (1, 2), (3, 1)];
        assert_eq!(relaxed(&[0, -1, -1, -2], &arrows), [0, -2, -1, -3]);
        assert_eq!(relaxed(&[0, -1, -1], &[(1, 0), (1, 2), (2, 1)]).len(), 3);
        let plan = plan(&[0, -1, -1, -2], &arrows, 50.0);
        assert_eq!(plan.layers, 4);
        assert_eq!(plan.places.iter().map(|place| place.0).collect::<Vec<_>>(), [3, 1, 2, 0]);
        let direct = plan.routes.iter().find(|route| (route.from, route.to) == (1, 0)).map(|route| route.bends.len());
        assert_eq!(direct, Some(1), "it passes the evaluation's layer");
        assert!(plan.places.iter().all(|place| place.1 >= 25.0 && place.1 <= plan.extent - 25.0));
    }

    #[test]
    fn neighbours_of_a_layer_never_overlap() {
        let arrows: Vec<(usize, usize)> = (1..12).map(|node| (0, node)).chain([(3, 12), (9, 12)]).collect();
        let wanted: Vec<i64> = (0..13).map(|node| if node == 0 { 0 } else { 1 + i64::from(node == 12) }).collect();
        let plan = plan(&wanted, &arrows, 50.0);
        let mut row: Vec<f64> = plan.places.iter().filter(|place| place.0 == 1).map(|place| place.1).collect();
        row.sort_by(f64::total_cmp);
        assert!(row.windows(2).all(|pair| pair[1] - pair[0] >= 50.0));
    }
}
