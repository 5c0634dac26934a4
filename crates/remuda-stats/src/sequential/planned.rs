//! A plan of looks at a rate: exact binomial pass marks whose risks add up to the level.

use crate::estimate::{Result, Undefined, check_open, out_of_range};
use crate::special::{binomial, normal};
use serde::{Deserialize, Serialize};

/// Counts less likely than this are dropped from the recursion.
const NEGLIGIBLE: f64 = 1e-22;

/// A plan of looks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// For each look, the number of successes so far that passes; `None` where no number does.
    pub pass_marks: Vec<Option<u64>>,
    /// The chance of passing at any look, were the rate exactly at the threshold.
    pub risk_used: f64,
}

/// Pass marks for `rate >= threshold` at the given looks (rows in all at each, rising), with the risk spent as 2 - 2
/// Φ(z(1 - alpha/2) / sqrt(t)), t the share of rows seen: late, like O'Brien and Fleming (Lan & DeMets 1983). The
/// binomial recursion is exact, and what a look does not use is left to the next.
///
/// ```
/// let plan = remuda_stats::sequential::planned::pass_marks(&[200, 400, 600, 800, 1000], 0.9, 0.05)?;
/// assert_eq!(plan.pass_marks[4], Some(917));
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// No looks, looks that do not rise, or a threshold or risk outside (0, 1).
pub fn pass_marks(looks: &[u64], threshold: f64, alpha: f64) -> Result<Plan> {
    check_open("the threshold", threshold)?;
    check_open("the risk", alpha)?;
    let Some(last) = looks.last() else {
        return Err(Undefined::NoRows);
    };
    let mut alive = Counts { first: 0, chances: vec![1.0] };
    let mut seen = 0;
    let mut spent = 0.0;
    let mut marks = Vec::with_capacity(looks.len());
    for look in looks {
        if *look <= seen {
            return Err(out_of_range("a look (rows must rise)", *look as f64));
        }
        alive = alive.after(look - seen, threshold);
        seen = *look;
        let share = *look as f64 / *last as f64;
        let allowed = 2.0 * normal::tail(-normal::quantile(alpha / 2.0) / share.sqrt());
        let (mark, used) = alive.cut(allowed - spent);
        spent += used;
        marks.push(Some(mark).filter(|mark| *mark <= *look));
    }
    Ok(Plan { pass_marks: marks, risk_used: spent })
}

/// The chance of passing at each look, were the rate `assumed`: the power of a plan, look by look.
///
/// # Errors
/// As [`pass_marks`], a plan of another length, or an assumed rate outside (0, 1).
pub fn chances(looks: &[u64], plan: &Plan, assumed: f64) -> Result<Vec<f64>> {
    check_open("the assumed rate", assumed)?;
    crate::estimate::check_lengths(looks.len(), plan.pass_marks.len())?;
    let mut alive = Counts { first: 0, chances: vec![1.0] };
    let mut seen = 0;
    let mut answer = Vec::with_capacity(looks.len());
    for (look, mark) in looks.iter().zip(&plan.pass_marks) {
        if *look <= seen {
            return Err(out_of_range("a look (rows must rise)", *look as f64));
        }
        alive = alive.after(look - seen, assumed);
        seen = *look;
        answer.push(mark.map_or(0.0, |mark| alive.cut_at(mark)));
    }
    Ok(answer)
}

/// Chances of the number of successes among the histories that have not passed yet.
struct Counts {
    first: u64,
    chances: Vec<f64>,
}

impl Counts {
    /// After `rows` more rows.
    fn after(&self, rows: u64, p: f64) -> Self {
        let mode = (((rows as f64 + 1.0) * p) as u64).min(rows);
        let enough = |k: u64| binomial::probability(k, rows, p) > NEGLIGIBLE;
        let low = edge(0, mode, enough);
        let high = rows - edge(0, rows - mode, |k| enough(rows - k));
        let added: Vec<f64> = (low..=high).map(|k| binomial::probability(k, rows, p)).collect();
        let mut chances = vec![0.0; self.chances.len() + added.len()];
        for (index, chance) in self.chances.iter().enumerate() {
            if *chance > NEGLIGIBLE {
                for (slot, more) in chances[index..].iter_mut().zip(&added) {
                    *slot += chance * more;
                }
            }
        }
        Self { first: self.first + low, chances }
    }

    /// Removes the longest upper tail with a chance of at most `allowed`; returns its start and its chance.
    fn cut(&mut self, allowed: f64) -> (u64, f64) {
        let mut tail = 0.0;
        let mut keep = self.chances.len();
        while keep > 0 && tail + self.chances[keep - 1] <= allowed {
            tail += self.chances[keep - 1];
            keep -= 1;
        }
        self.chances.truncate(keep);
        (self.first + keep as u64, tail)
    }

    /// Removes all counts from `mark` on and returns their chance.
    fn cut_at(&mut self, mark: u64) -> f64 {
        let keep = (mark.saturating_sub(self.first) as usize).min(self.chances.len());
        self.chances.drain(keep..).sum()
    }
}

/// The smallest number in low..=high for which a rising condition holds (`high` when none does).
fn edge(low: u64, high: u64, condition: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (low, high);
    while low < high {
        let middle = low + (high - low) / 2;
        if condition(middle) { high = middle } else { low = middle + 1 }
    }
    low
}
