//! The threshold at which a score is cheapest to act on, when mistakes have a price.
//!
//! [`calibrated`] is the threshold that theory gives to scores that mean what they say; [`Ranked::choose`] finds the one
//! that was cheapest on labelled rows; [`Ranked::cross_fitted`] says what such a choice really costs, since a choice
//! looks better on the rows that it was made on than on others; [`Ranked::redrawn`] says how much it hangs on these rows;
//! [`Ranked::curve`] draws the cost over all thresholds. Everywhere a row is taken as positive when its score is at
//! least the threshold.

mod curve;
mod honest;

pub use curve::Point;
pub use honest::Redrawn;

use crate::estimate::{Result, Undefined, check_closed, check_finite, check_lengths};

/// What each decision costs: `costs[truth][decision]`, 1 the positive class.
pub type Costs = [[f64; 2]; 2];

/// The decision that costs least when a score is the probability of the positive class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Calibrated {
    /// Positive from this score on.
    At(f64),
    /// Positive whatever the score: a false alarm costs no more than a row that is rightly let go.
    Always,
    /// Never positive: a hit is worth nothing.
    Never,
    /// Both decisions cost the same for every row.
    NoMatter,
}

impl Calibrated {
    /// The least score that is taken as positive; a number above 1 where none is.
    pub fn threshold(self) -> Option<f64> {
        match self {
            Calibrated::At(threshold) => Some(threshold),
            Calibrated::Always => Some(0.0),
            Calibrated::Never => Some(ABOVE_ALL),
            Calibrated::NoMatter => None,
        }
    }
}

/// A threshold that no probability reaches.
pub const ABOVE_ALL: f64 = 1.01;

/// The optimal threshold of a calibrated score: (c10 - c00) / (c10 - c00 + c01 - c11) with c of decision and truth.
/// Elkan (2001), "The Foundations of Cost-Sensitive Learning", IJCAI, section 2, equation 2; section 1.1 for the costs
/// that no sensible matrix has.
///
/// ```
/// use remuda_stats::threshold::{Calibrated, calibrated};
/// // A missed positive costs five false alarms: act from one in six on.
/// assert_eq!(calibrated([[0.0, 1.0], [5.0, 0.0]]), Ok(Calibrated::At(1.0 / 6.0)));
/// assert_eq!(calibrated([[0.0, 0.0], [5.0, 0.0]]), Ok(Calibrated::Always));
/// ```
///
/// # Errors
/// Costs that are not finite, and those under which both mistakes are cheaper than being right.
pub fn calibrated(costs: Costs) -> Result<Calibrated> {
    let stakes = Stakes::of(costs)?;
    Ok(match (stakes.alarm, stakes.hit) {
        (alarm, hit) if alarm > 0.0 && hit > 0.0 => Calibrated::At(alarm / (alarm + hit)),
        (alarm, hit) if alarm == 0.0 && hit == 0.0 => Calibrated::NoMatter,
        (alarm, hit) if alarm <= 0.0 && hit >= 0.0 => Calibrated::Always,
        _ => Calibrated::Never,
    })
}

/// What hangs on taking a row as positive.
#[derive(Clone, Copy, Debug)]
struct Stakes {
    /// What a false alarm costs more than letting a negative row go.
    alarm: f64,
    /// What a hit costs less than missing a positive row.
    hit: f64,
}

impl Stakes {
    fn of(costs: Costs) -> Result<Self> {
        check_finite(&costs.concat())?;
        let stakes = Self { alarm: costs[0][1] - costs[0][0], hit: costs[1][0] - costs[1][1] };
        check_finite(&[stakes.alarm, stakes.hit])?;
        if stakes.alarm < 0.0 && stakes.hit < 0.0 {
            return Err(crate::estimate::out_of_range("what being wrong costs more than being right", stakes.alarm));
        }
        Ok(stakes)
    }

    /// What decisions cost more than taking no row as positive.
    fn excess(self, hits: f64, alarms: f64) -> f64 {
        alarms * self.alarm - hits * self.hit
    }
}

/// Rows by falling score, sorted once for all that is asked of them.
#[derive(Clone, Debug)]
pub struct Ranked {
    /// Row numbers by falling score.
    rows: Vec<u32>,
    /// Their scores.
    scores: Vec<f64>,
    /// Whether each is of the positive class.
    positive: Vec<bool>,
    positives: u64,
    /// What belongs together: rows of one unit are dealt and redrawn together.
    units: Vec<u64>,
    costs: Costs,
    stakes: Stakes,
    /// The calibrated threshold, which decides between cuts that cost the same.
    anchor: f64,
}

/// A threshold with what comes of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Choice {
    /// Rows that score at least this are taken as positive; [`ABOVE_ALL`] where no row is and the greatest score is 1.
    pub threshold: f64,
    /// Positive rows that are taken as positive.
    pub hits: u64,
    /// Negative rows that are taken as positive.
    pub alarms: u64,
    /// The mean cost per row.
    pub mean_cost: f64,
}

impl Ranked {
    /// Sorts rows by their probability of the positive class. `units` gives each row a number that rows which belong
    /// together share (one customer's, say); each its own where they are independent.
    ///
    /// # Errors
    /// No rows, more than 2^32, columns of different length, scores that are not finite or lie outside [0, 1], one class
    /// only, costs that are not finite, or costs under which both mistakes are cheaper than being right.
    pub fn new(scores: &[f64], positive: &[bool], units: &[u64], costs: Costs) -> Result<Self> {
        check_lengths(scores.len(), positive.len())?;
        check_lengths(scores.len(), units.len())?;
        check_finite(scores)?;
        scores.iter().try_for_each(|score| check_closed("a score", *score))?;
        let stakes = Stakes::of(costs)?;
        let positives = positive.iter().filter(|positive| **positive).count();
        match positives {
            0 => return Err(Undefined::NoPositives),
            all if all == positive.len() => return Err(Undefined::NoNegatives),
            _ => {}
        }
        let count = u32::try_from(scores.len())
            .map_err(|_| crate::estimate::out_of_range("the number of rows", scores.len() as f64))?;
        let mut rows: Vec<u32> = (0..count).collect();
        rows.sort_unstable_by(|one, other| {
            let (left, right) = (scores[*one as usize], scores[*other as usize]);
            right.total_cmp(&left).then(one.cmp(other))
        });
        let pick = |row: &u32| *row as usize;
        Ok(Self {
            scores: rows.iter().map(|row| scores[pick(row)]).collect(),
            positive: rows.iter().map(|row| positive[pick(row)]).collect(),
            positives: positives as u64,
            units: rows.iter().map(|row| units[pick(row)]).collect(),
            rows,
            costs,
            stakes,
            anchor: calibrated(costs)?.threshold().unwrap_or(0.5),
        })
    }

    /// Whether all rows score alike, so that no threshold can tell them apart.
    pub fn is_constant(&self) -> bool {
        self.scores.first() == self.scores.last()
    }

    /// The threshold that was cheapest on these rows. Of cuts that cost the same the one nearest to the calibrated
    /// threshold; within a cut's gap between two scores the calibrated threshold itself, else the number with the fewest
    /// decimals near the gap's middle. Its mean cost is too low for other rows: see [`Ranked::cross_fitted`].
    ///
    /// ```
    /// use remuda_stats::threshold::Ranked;
    /// let scores = [0.9, 0.8, 0.4, 0.35, 0.2, 0.1];
    /// let positive = [true, true, false, true, false, false];
    /// // A miss costs three false alarms: three hits and one false alarm are cheapest, one sixth of a cost per row.
    /// let ranked = Ranked::new(&scores, &positive, &[0, 1, 2, 3, 4, 5], [[0.0, 1.0], [3.0, 0.0]])?;
    /// let choice = ranked.choose();
    /// assert_eq!((choice.hits, choice.alarms, choice.threshold), (3, 1, 0.25));
    /// assert!((choice.mean_cost - 1.0 / 6.0).abs() < 1e-15);
    /// # Ok::<(), remuda_stats::Undefined>(())
    /// ```
    #[must_use]
    pub fn choose(&self) -> Choice {
        let cut = self.cheapest_cut(|_| 1.0);
        self.at(self.threshold_of(cut))
    }

    /// What comes of a threshold.
    #[must_use]
    pub fn at(&self, threshold: f64) -> Choice {
        let taken = self.scores.partition_point(|score| *score >= threshold);
        let hits = self.positive[..taken].iter().filter(|positive| **positive).count() as u64;
        let alarms = taken as u64 - hits;
        Choice { threshold, hits, alarms, mean_cost: self.mean_cost(hits, alarms) }
    }

    /// What each row costs at a threshold, in the order in which the rows were given.
    #[must_use]
    pub fn costs_at(&self, threshold: f64) -> Vec<f64> {
        let mut costs = vec![0.0; self.rows.len()];
        for (place, row) in self.rows.iter().enumerate() {
            costs[*row as usize] = self.cost(place, threshold);
        }
        costs
    }

    fn cost(&self, place: usize, threshold: f64) -> f64 {
        self.costs[usize::from(self.positive[place])][usize::from(self.scores[place] >= threshold)]
    }

    fn mean_cost(&self, hits: u64, alarms: u64) -> f64 {
        let total: f64 = self.cells(hits, alarms).iter().map(|(cost, count)| cost * *count as f64).sum();
        total / self.rows.len() as f64
    }

    /// The four costs with how many rows have each.
    fn cells(&self, hits: u64, alarms: u64) -> [(f64, u64); 4] {
        let (positives, negatives) = (self.positives, self.rows.len() as u64 - self.positives);
        let [[rest, alarm], [miss, hit]] = self.costs;
        [(hit, hits), (miss, positives - hits), (alarm, alarms), (rest, negatives - alarms)]
    }

    /// How many of the first rows to take as positive, when each row counts as often as `weight` says of its place.
    fn cheapest_cut(&self, weight: impl Fn(usize) -> f64) -> usize {
        let (mut hits, mut alarms) = (0.0, 0.0);
        let mut best = (0, 0.0, self.distance(0));
        let scale = self.stakes.alarm.abs().max(self.stakes.hit.abs()) * 1e-9;
        let last = self.rows.len() - 1;
        for place in 0..=last {
            let weight = weight(place);
            if self.positive[place] {
                hits += weight;
            } else {
                alarms += weight;
            }
            if place < last && self.scores[place + 1] == self.scores[place] {
                continue;
            }
            let excess = self.stakes.excess(hits, alarms);
            if excess < best.1 - scale {
                best = (place + 1, excess, self.distance(place + 1));
            } else if excess <= best.1 + scale {
                let distance = self.distance(place + 1);
                if distance < best.2 {
                    best = (place + 1, excess.min(best.1), distance);
                }
            }
        }
        best.0
    }

    /// The scores between which a cut lies: thresholds above the first and up to the second make it.
    fn gap(&self, cut: usize) -> (f64, f64) {
        let above = cut.checked_sub(1).map_or(1.0, |place| self.scores[place]);
        let below = self.scores.get(cut).copied().unwrap_or(f64::NEG_INFINITY);
        (below, above)
    }

    fn distance(&self, cut: usize) -> f64 {
        let (below, above) = self.gap(cut);
        if self.anchor <= below {
            below - self.anchor
        } else if self.anchor <= above {
            0.0
        } else {
            self.anchor - above
        }
    }

    fn threshold_of(&self, cut: usize) -> f64 {
        let (below, above) = self.gap(cut);
        if below >= above {
            return ABOVE_ALL;
        }
        if below < self.anchor && self.anchor <= above {
            return self.anchor;
        }
        if below == f64::NEG_INFINITY {
            return 0.0;
        }
        let middle = below + (above - below) / 2.0;
        for decimals in 1..=12 {
            let scale = 10f64.powi(decimals);
            let rounded = (middle * scale).round() / scale;
            if below < rounded && rounded <= above {
                return rounded;
            }
        }
        above
    }
}
