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
    let mut seen = 0;
    for look in looks {
        if *look <= seen {
            return Err(out_of_range("a look (rows must rise)", *look as f64));
        }
        seen = *look;
    }
    let shares: Vec<Look> = looks.iter().map(|rows| Look { rows: *rows, share: *rows as f64 / *last as f64 }).collect();
    Ok(marks(&shares, threshold, alpha))
}

/// A look that took place: the rows that it counted, and which share of the plan had been seen by then.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// Rows of the rate so far (for recall: rows of the class).
    pub rows: u64,
    /// Share of the planned rows, above 0; from 1 on the plan is at its end.
    pub share: f64,
}

/// The risk that may be spent up to this share of a plan: 2 - 2 Φ(z(1 - alpha/2) / sqrt(share)), all of it at the end
/// (Lan & DeMets 1983).
///
/// ```
/// let spent = remuda_stats::sequential::planned::spent(0.05, 0.2)?;
/// assert!((spent - 0.0000117).abs() < 1e-7);
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// A risk outside (0, 1), or a share that is not positive.
pub fn spent(alpha: f64, share: f64) -> Result<f64> {
    check_open("the risk", alpha)?;
    crate::estimate::check_positive("the share", share)?;
    Ok(allowed(alpha, share))
}

/// The one-sided risk of a Clopper-Pearson bound that makes, at the last of these looks, exactly the decision of the
/// plan's binomial pass mark for `rate >= threshold`: the chance of as many successes as the mark, were the rate at the
/// threshold. 0 where no count would pass.
///
/// # Errors
/// No looks, rows that fall from look to look, shares that do not rise, a threshold or a risk outside (0, 1).
pub fn local_risk(looks: &[Look], threshold: f64, alpha: f64) -> Result<f64> {
    check_open("the threshold", threshold)?;
    check_open("the risk", alpha)?;
    let Some(last) = looks.last() else {
        return Err(Undefined::NoRows);
    };
    for pair in looks.windows(2) {
        if pair[1].rows < pair[0].rows || pair[1].share < pair[0].share {
            return Err(out_of_range("a look (rows and shares must not fall)", pair[1].rows as f64));
        }
    }
    let mark = marks(looks, threshold, alpha).pass_marks.pop().flatten();
    Ok(mark.map_or(0.0, |mark| binomial::at_least(mark, last.rows, threshold)))
}

fn allowed(alpha: f64, share: f64) -> f64 {
    if share >= 1.0 {
        return alpha;
    }
    2.0 * normal::tail(-normal::quantile(alpha / 2.0) / share.sqrt())
}

fn marks(looks: &[Look], threshold: f64, alpha: f64) -> Plan {
    let mut alive = Counts { first: 0, chances: vec![1.0] };
    let mut seen = 0;
    let mut spent = 0.0;
    let mut marks = Vec::with_capacity(looks.len());
    for look in looks {
        if look.rows > seen {
            alive = alive.after(look.rows - seen, threshold);
            seen = look.rows;
        }
        let (mark, used) = alive.cut((allowed(alpha, look.share) - spent).max(0.0));
        spent += used;
        marks.push(Some(mark).filter(|mark| *mark <= look.rows));
    }
    Plan { pass_marks: marks, risk_used: spent }
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
