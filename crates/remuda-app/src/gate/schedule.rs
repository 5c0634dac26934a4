//! More than one look at a candidate while labels arrive: how its looks share the risk of one submission.
//!
//! A requirement says when it may be looked at (`looks`, [`Looks`]). Planned looks spend the risk late, like O'Brien and
//! Fleming, exactly for rates and by increments (a union bound) for everything else. Looks at any time use a mixture
//! bound for rates, and risk / (k (k + 1)) at look k for everything else, which adds up to the risk.

use super::Evaluation;
use super::decide::LEAST_RISK;
use remuda_model::Digest;
use remuda_model::requirement::{Looks, Requirement};
use remuda_stats::estimate::Result;
use remuda_stats::sequential::{planned, rate};
use remuda_stats::{Estimate, proportion};
use std::collections::BTreeMap;

/// Rates of more rows than this are shared by increments: the exact recursion would take seconds.
const ROWS_FOR_EXACT: u64 = 2_000_000;

/// The looks at one candidate under one text of a requirement.
#[derive(Clone, Debug, Default)]
pub(super) struct Schedule {
    looks: Option<Looks>,
    /// Oldest first.
    past: Vec<PastLook>,
    /// Labelled rows at the look that is taken now.
    rows: u64,
}

/// A criterion and, of a `for each`, its slice.
pub(super) type Part<'a> = (&'a str, Option<&'a str>);

#[derive(Clone, Debug)]
struct PastLook {
    rows: u64,
    /// Rows that carried each criterion.
    counts: BTreeMap<(String, Option<String>), u64>,
    paid: u32,
}

impl Schedule {
    /// The looks so far at this candidate under this text, which asked the same question: with other references, costs or
    /// tests it is another submission. `evaluations` are the newest first.
    pub(super) fn of(
        requirement: &Requirement,
        candidate: &Digest,
        question: &Digest,
        evaluations: &[Evaluation],
    ) -> Self {
        let Some(looks) = requirement.looks.clone() else { return Self::default() };
        let mut past = Vec::new();
        for evaluation in evaluations.iter().rev().filter(|evaluation| evaluation.is_paid()) {
            let same = evaluation.requirements.iter().find(|found| found.digest == requirement.digest);
            let asks_the_same = evaluation.model == *candidate && evaluation.plan.as_ref() == Some(question);
            let Some(found) = same.filter(|_| asks_the_same) else { continue };
            let counts = found.verdicts.iter().map(|one| ((one.criterion.clone(), one.slice.clone()), one.n));
            past.push(PastLook { rows: evaluation.rows, counts: counts.collect(), paid: evaluation.paid() });
        }
        Self { looks: Some(looks), past, rows: 0 }
    }

    /// The same at this many labelled rows.
    pub(super) fn at(&self, rows: u64) -> Self {
        Self { rows, ..self.clone() }
    }

    /// Which look this is, from 1.
    pub(super) fn number(&self) -> usize {
        self.past.len() + 1
    }

    /// What earlier looks paid for: later looks of the same schedule are covered by it.
    pub(super) fn paid(&self) -> u32 {
        self.past.iter().map(|look| look.paid).max().unwrap_or(0)
    }

    /// Whether the plan came to its end before this look: no risk is left.
    pub(super) fn is_over(&self) -> bool {
        match (&self.looks, self.past.last()) {
            (Some(Looks::Planned(plan)), Some(last)) => last.rows >= plan.last().copied().unwrap_or(0),
            _ => false,
        }
    }

    /// Whether this look is the last of a plan: more rows are no further try, so they have no price.
    pub(super) fn ends_here(&self) -> bool {
        matches!(&self.looks, Some(Looks::Planned(plan)) if self.rows >= plan.last().copied().unwrap_or(0))
    }

    /// What this look is, for people; empty where a requirement has no plan.
    pub(super) fn words(&self) -> String {
        match &self.looks {
            None => String::new(),
            Some(Looks::AnyTime) => format!("look {}, valid at any time", self.number()),
            Some(Looks::Planned(plan)) => {
                let beside = if plan.contains(&self.rows) { "" } else { ", at another number of rows than planned" };
                format!("look {} of a plan of {}{beside}", self.number(), plan.len())
            }
        }
    }

    /// This look's part of a criterion's whole risk, when nothing better is known of the quantity.
    pub(super) fn risk(&self, whole: f64) -> f64 {
        match &self.looks {
            None => whole,
            Some(Looks::AnyTime) => whole / (self.number() * (self.number() + 1)) as f64,
            Some(Looks::Planned(plan)) => {
                let spent = |rows: u64| planned::spent(whole, share(rows, plan)).unwrap_or(0.0);
                let before = self.past.last().map_or(0.0, |look| spent(look.rows));
                (spent(self.rows) - before).max(0.0)
            }
        }
    }

    /// Bounds of a rate that decide as this schedule asks; `None` where a requirement has no plan.
    pub(super) fn rate(
        &self,
        part: Part<'_>,
        (hits, rows): (u64, u64),
        threshold: f64,
        whole: f64,
        wants_more: bool,
    ) -> Option<Result<Estimate>> {
        let looks = self.looks.as_ref()?;
        if rows == 0 {
            return None;
        }
        let value = hits as f64 / rows as f64;
        let method = |name: &str| format!("{name}, {}", self.words());
        Some(match looks {
            Looks::AnyTime => rate::bounds(hits, rows, whole).map(|bounds| Estimate {
                value,
                lower: bounds.low,
                upper: bounds.high,
                confidence: 1.0 - whole,
                n: rows,
                method: method("beta mixture"),
            }),
            Looks::Planned(plan) => {
                let taken = self.taken(part, rows, plan);
                let exact = |threshold: f64| {
                    let found =
                        if rows > ROWS_FOR_EXACT { None } else { planned::local_risk(&taken, threshold, whole).ok() };
                    found.unwrap_or_else(|| self.risk(whole))
                };
                let (below, above) = (exact(threshold), exact(1.0 - threshold));
                let bound = |risk: f64| {
                    if risk > LEAST_RISK { proportion::rate(hits, rows, 1.0 - risk).map(Some) } else { Ok(None) }
                };
                bound(below).and_then(|low| {
                    let high = bound(above)?;
                    Ok(Estimate {
                        value,
                        lower: low.map_or(0.0, |low| low.lower),
                        upper: high.map_or(1.0, |high| high.upper),
                        confidence: 1.0 - if wants_more { below } else { above },
                        n: rows,
                        method: method("exact binomial"),
                    })
                })
            }
        })
    }

    /// The looks up to now at one criterion. Looks that did not measure it are left out.
    fn taken(&self, (criterion, slice): Part<'_>, rows: u64, plan: &[u64]) -> Vec<planned::Look> {
        let key = (criterion.to_owned(), slice.map(str::to_owned));
        let before = self.past.iter().filter_map(|look| {
            let rows = look.counts.get(&key).copied().filter(|rows| *rows > 0)?;
            Some(planned::Look { rows, share: share(look.rows, plan) })
        });
        before.chain(std::iter::once(planned::Look { rows, share: share(self.rows, plan) })).collect()
    }
}

/// Which share of a plan has been seen.
fn share(rows: u64, plan: &[u64]) -> f64 {
    let last = plan.last().copied().unwrap_or(1).max(1);
    (rows as f64 / last as f64).clamp(f64::MIN_POSITIVE, 1.0)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    fn schedule(looks: Looks, past: &[(u64, u64)], rows: u64) -> Schedule {
        let past = past
            .iter()
            .map(|(rows, n)| PastLook { rows: *rows, counts: [(("q".to_owned(), None), *n)].into(), paid: 1 })
            .collect();
        Schedule { looks: Some(looks), past, rows }
    }

    #[test]
    fn a_plan_spends_late_and_never_more_than_its_risk() {
        let plan = vec![200, 400, 600, 800, 1_000];
        let mut sum = 0.0;
        for (at, rows) in plan.iter().enumerate() {
            let past: Vec<(u64, u64)> = plan[..at].iter().map(|rows| (*rows, *rows)).collect();
            let now = schedule(Looks::Planned(plan.clone()), &past, *rows);
            let risk = now.risk(0.05);
            assert!(risk > 0.0 && (at == 0 || risk > sum / 2.0), "look {at}: {risk}");
            sum += risk;
            // 917 of 1,000 is the last mark of this plan (the doctest of `planned`).
            if at == 4 {
                let of = |hits| now.rate(("q", None), (hits, 1_000), 0.9, 0.05, true).unwrap().unwrap().lower;
                assert!(of(917) >= 0.9 - 1e-12 && of(916) < 0.9);
            }
        }
        assert!((sum - 0.05).abs() < 1e-12, "{sum}");
        let over = schedule(Looks::Planned(plan), &[(1_000, 1_000)], 1_200);
        assert!(over.is_over());
        assert!(over.risk(0.05) <= 0.0);
    }

    #[test]
    fn looks_at_any_time_add_up_to_the_risk() {
        let past: Vec<(u64, u64)> = (1..10_000).map(|look| (look, look)).collect();
        let risks = (0..past.len()).map(|at| schedule(Looks::AnyTime, &past[..at.min(60)], 5).risk(0.05));
        let first: f64 = risks.take(60).sum();
        assert!(first < 0.05 && first > 0.049, "{first}");
    }

    #[test]
    fn a_class_without_new_rows_does_not_lose_its_look() {
        let now = schedule(Looks::Planned(vec![100, 200]), &[(100, 40)], 200);
        let rate = now.rate(("q", None), (40, 40), 0.9, 0.05, true).unwrap().unwrap();
        assert!(rate.lower > 0.9, "{rate:?}");
        let absent = now.rate(("other", None), (40, 40), 0.9, 0.05, true).unwrap().unwrap();
        assert!(absent.lower > 0.9, "{absent:?}");
    }
}
