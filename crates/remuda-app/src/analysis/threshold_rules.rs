//! Ways to decide under costs, compared on the same rows: the candidate's own labels, the least expected cost, and of two
//! classes the threshold that was cheapest.

use super::judged::AnalysisHead;
use super::numbers::value;
use super::slicing::CONFIDENCE;
use super::threshold::{ChosenThreshold, CostPoint, DecisionChange, DecisionRule, RuleKind, ThresholdFound, mean_of};
use crate::error::{Error, Result};
use crate::gate::ClassSample;
use remuda_model::analysis::Confusion;
use remuda_model::run::MetricValue;
use remuda_model::text;
use remuda_stats::Undefined;
use remuda_stats::threshold::{Choice, Ranked, calibrated};
use std::collections::BTreeMap;

/// Seed of deals and redraws: fixed, so that the same rows give the same answer.
const SEED: u64 = 20_010_804;
/// Changes of decisions that an answer lists.
const CHANGES: usize = 20;
const MEAN_COST: &str = "mean cost";
const DIFFERENCE: &str = "difference";

/// What decisions cost.
pub(super) struct Table {
    /// The classes of the sample.
    pub(super) classes: Vec<String>,
    /// `[truth * classes + decision]`.
    pub(super) costs: Vec<f64>,
    /// The class that a threshold is for, where there are two.
    pub(super) positive: Option<usize>,
}

impl Table {
    fn cost(&self, truth: usize, decision: usize) -> f64 {
        self.costs[truth * self.classes.len() + decision]
    }

    /// What each row costs under these decisions.
    fn of(&self, truth: &[u32], decisions: &[u32]) -> Vec<f64> {
        truth.iter().zip(decisions).map(|(truth, decision)| self.cost(*truth as usize, *decision as usize)).collect()
    }
}

fn undecidable(reason: Undefined) -> Error {
    let why = match reason {
        Undefined::NoPositives | Undefined::NoNegatives => {
            "all rows are of one class, so nothing can be weighed".to_owned()
        }
        Undefined::OutOfRange { what, .. } if what.starts_with("what being wrong") => {
            "by the cost file both mistakes are cheaper than being right".to_owned()
        }
        other => other.to_string(),
    };
    Error::new("analysis.not_ready", format!("no threshold can be chosen: {why}"))
        .hint("look at the cost file and at the labels")
}

fn found(head: &AnalysisHead, own: DecisionRule) -> ThresholdFound {
    ThresholdFound {
        head: head.clone(),
        costs: String::new(),
        prices: Vec::new(),
        positive: None,
        rules: vec![own],
        chosen: None,
        curve: Vec::new(),
        changes: Vec::new(),
        advice: String::new(),
        applying: String::new(),
    }
}

/// Two classes: a threshold.
pub(super) fn of_two(
    sample: &ClassSample,
    table: &Table,
    positive: usize,
    units: &[u64],
    head: &AnalysisHead,
) -> Result<ThresholdFound> {
    let negative = 1 - positive;
    let pair = |truth: usize| [table.cost(truth, negative), table.cost(truth, positive)];
    let costs = [pair(negative), pair(positive)];
    // Sums of 32-bit probabilities may reach a hair over 1.
    let scores: Vec<f64> = sample.scores(positive).into_iter().map(|score| score.clamp(0.0, 1.0)).collect();
    let ranked = Ranked::new(&scores, &sample.is(positive), units, costs).map_err(undecidable)?;
    let (choice, least) = (ranked.choose(), calibrated(costs).map_err(undecidable)?.threshold());
    let own = table.of(&sample.truth, &sample.predicted);
    let mut answer = found(head, own_rule(sample, &own, head, true));
    let class = &table.classes[positive];
    let rule = |kind: RuleKind, at: Choice, cost: MetricValue, difference: MetricValue| {
        let taken = |row: usize| scores[row] >= at.threshold;
        let changed = |row: &usize| taken(*row) != (sample.predicted[*row] as usize == positive);
        DecisionRule {
            rule: kind,
            words: taken_from(class, at.threshold),
            threshold: Some(at.threshold),
            cost,
            difference: Some(difference),
            changed: (0..scores.len()).filter(changed).count() as u64,
            confusion: Some(confusion(sample, positive, &at)),
        }
    };
    if let Some(threshold) = least {
        let costs = ranked.costs_at(threshold);
        let cost = mean_of(MEAN_COST, &head.split, &costs);
        let difference = mean_of(DIFFERENCE, &head.split, &less(&costs, &own));
        answer.rules.push(rule(RuleKind::ExpectedCost, ranked.at(threshold), cost, difference));
    }
    let zeros = vec![0.0; scores.len()];
    let honest = |against: &[f64]| ranked.cross_fitted(against, SEED, CONFIDENCE);
    let point = Some(choice.mean_cost);
    let cost = honest(&zeros);
    let seen = mean_of(DIFFERENCE, &head.split, &less(&ranked.costs_at(choice.threshold), &own)).value;
    let difference = value(DIFFERENCE, &head.split, &honest(&own), seen, scores.len());
    let optimism = cost.as_ref().ok().map(|cost| cost.value - choice.mean_cost);
    let cost = value(MEAN_COST, &head.split, &cost, point, scores.len());
    answer.rules.push(rule(RuleKind::Chosen, choice, cost, difference));
    let redrawn = ranked.redrawn(SEED, 2.0 * CONFIDENCE - 1.0).map_err(undecidable)?;
    let chosen = ChosenThreshold {
        threshold: choice.threshold,
        low: redrawn.low,
        high: redrawn.high,
        redraws: redrawn.redraws,
        seen_cost: choice.mean_cost,
        optimism,
        constant: ranked.is_constant(),
    };
    let points = ranked.curve(CONFIDENCE, &[choice.threshold, least.unwrap_or(0.5)]).map_err(undecidable)?;
    answer.curve = points
        .iter()
        .map(|point| CostPoint {
            threshold: point.threshold,
            cost: point.mean_cost,
            lower: point.bounds.map(|(lower, _)| lower),
            upper: point.bounds.map(|(_, upper)| upper),
            taken: (point.hits + point.alarms) as f64 / scores.len() as f64,
        })
        .collect();
    answer.advice = advice_of_two(&answer.rules, &chosen);
    answer.applying = format!(
        "No file of the product holds a threshold: an endpoint answers `probabilities` beside `label`, and whoever acts on \
         them compares that of {class} with the threshold. A criterion `{MEAN_COST} using FILE` measures the candidate's own \
         labels. Choose again for every new model version."
    );
    (answer.positive, answer.chosen) = (Some(class.clone()), Some(chosen));
    Ok(answer)
}

fn taken_from(class: &str, threshold: f64) -> String {
    match threshold {
        above if above > 1.0 => format!("never {class}"),
        0.0 => format!("always {class}"),
        threshold => format!("{class} from {} on", text::number(threshold)),
    }
}

fn less(costs: &[f64], own: &[f64]) -> Vec<f64> {
    costs.iter().zip(own).map(|(cost, own)| cost - own).collect()
}

fn own_rule(sample: &ClassSample, own: &[f64], head: &AnalysisHead, with_confusion: bool) -> DecisionRule {
    DecisionRule {
        rule: RuleKind::Own,
        words: "the candidate's own label".to_owned(),
        threshold: None,
        cost: mean_of(MEAN_COST, &head.split, own),
        difference: None,
        changed: 0,
        confusion: with_confusion.then(|| Confusion { classes: sample.classes.to_vec(), counts: sample.confusion() }),
    }
}

/// Truth against decision at a threshold.
fn confusion(sample: &ClassSample, positive: usize, at: &Choice) -> Confusion {
    let positives = sample.truth.iter().filter(|truth| **truth as usize == positive).count() as u64;
    let negatives = sample.truth.len() as u64 - positives;
    let negative = 1 - positive;
    let mut counts = vec![0; 4];
    counts[positive * 2 + positive] = at.hits;
    counts[positive * 2 + negative] = positives - at.hits;
    counts[negative * 2 + positive] = at.alarms;
    counts[negative * 2 + negative] = negatives - at.alarms;
    Confusion { classes: sample.classes.to_vec(), counts }
}

/// What the interval of a paired difference says: cheaper, dearer, or neither.
fn side(difference: Option<&MetricValue>) -> i8 {
    match difference {
        Some(MetricValue { upper: Some(upper), .. }) if *upper < 0.0 => -1,
        Some(MetricValue { lower: Some(lower), .. }) if *lower > 0.0 => 1,
        _ => 0,
    }
}

fn advice_of_two(rules: &[DecisionRule], chosen: &ChosenThreshold) -> String {
    let of = |kind: RuleKind| rules.iter().find(|rule| rule.rule == kind);
    let (Some(own), Some(best)) = (of(RuleKind::Own), of(RuleKind::Chosen)) else { return String::new() };
    if chosen.constant {
        return format!(
            "All rows have the same score, so no threshold tells them apart: cheapest is {} for all.",
            best.words
        );
    }
    let expected = of(RuleKind::ExpectedCost).filter(|rule| {
        // Chosen by nobody's luck, and as cheap: the better reason.
        side(rule.difference.as_ref()) < 0 && rule.cost.value <= best.cost.value
    });
    let rule = expected.unwrap_or(best);
    let amount = |rule: &DecisionRule| {
        let value = rule.difference.as_ref().and_then(|difference| difference.value);
        value.map_or_else(String::new, |value| text::number(value.abs()))
    };
    match side(rule.difference.as_ref()) {
        -1 if expected.is_some() => format!(
            "Take rows as {}: that follows from the costs alone, and costs {} less per row than the candidate's own labels, \
             more than chance explains. The threshold that was cheapest on these rows is no cheaper on others.",
            rule.words,
            amount(rule)
        ),
        -1 => format!(
            "Take rows as {}: that costs {} less per row than the candidate's own labels, more than chance explains.",
            rule.words,
            amount(rule)
        ),
        _ if best.changed == 0 => "The candidate's own labels are the cheapest decisions already.".to_owned(),
        _ => format!(
            "Keep the candidate's own labels ({} per row): no threshold is cheaper by more than chance explains. More labelled \
             rows would tell.",
            own.cost.value.map_or_else(String::new, text::number)
        ),
    }
}

/// Several classes: per row the decision with the least expected cost (Elkan 2001, equation 1).
pub(super) fn of_several(sample: &ClassSample, table: &Table, head: &AnalysisHead) -> Result<ThresholdFound> {
    let known = sample.known;
    let mut decisions = Vec::with_capacity(sample.truth.len());
    let mut expected = vec![0.0; known];
    for (row, probabilities) in sample.probabilities.chunks_exact(known).enumerate() {
        expected.fill(0.0);
        for (truth, probability) in probabilities.iter().enumerate() {
            for (decision, expected) in expected.iter_mut().enumerate() {
                *expected += f64::from(*probability) * table.cost(truth, decision);
            }
        }
        let own = sample.predicted[row] as usize;
        let least = expected.iter().copied().fold(f64::INFINITY, f64::min);
        let slack = 1e-9 * least.abs();
        // Where the candidate's own label costs no more, it stays.
        let stays = expected.get(own).is_some_and(|expected| *expected <= least + slack);
        let cheapest = expected.iter().position(|expected| *expected <= least + slack);
        decisions.push(if stays { own as u32 } else { cheapest.unwrap_or(own) as u32 });
    }
    let own = table.of(&sample.truth, &sample.predicted);
    let costs = table.of(&sample.truth, &decisions);
    let difference = mean_of(DIFFERENCE, &head.split, &less(&costs, &own));
    let changed = decisions.iter().zip(&sample.predicted).filter(|(one, other)| one != other).count() as u64;
    let mut answer = found(head, own_rule(sample, &own, head, false));
    answer.advice = match (side(Some(&difference)), difference.value) {
        (-1, Some(value)) => format!(
            "Take each row for the class of least expected cost: that costs {} less per row than the candidate's own labels, \
             more than chance explains.",
            text::number(value.abs())
        ),
        (1, Some(value)) => format!(
            "Keep the candidate's own labels: deciding by expected cost costs {} more per row, so its probabilities do not mean \
             what they say. `remuda analysis mistakes` shows their calibration.",
            text::number(value)
        ),
        _ if changed == 0 => "The candidate's own labels are the decisions of least expected cost already.".to_owned(),
        _ => "Keep the candidate's own labels: deciding by expected cost is not cheaper by more than chance explains."
            .to_owned(),
    };
    answer.applying = "No file of the product holds costs for serving: an endpoint answers `probabilities` beside `label`, and \
                       whoever acts on them takes the class whose expected cost, the sum of probability times cost over the \
                       true classes, is the least."
        .to_owned();
    answer.rules.push(DecisionRule {
        rule: RuleKind::ExpectedCost,
        words: "the class of least expected cost".to_owned(),
        threshold: None,
        cost: mean_of(MEAN_COST, &head.split, &costs),
        difference: Some(difference),
        changed,
        confusion: None,
    });
    answer.changes = changes(sample, &decisions, &less(&own, &costs));
    Ok(answer)
}

fn changes(sample: &ClassSample, decisions: &[u32], saved: &[f64]) -> Vec<DecisionChange> {
    let mut by_pair: BTreeMap<(u32, u32), (u64, f64)> = BTreeMap::new();
    for ((from, to), saved) in sample.predicted.iter().zip(decisions).zip(saved).filter(|((from, to), _)| from != to) {
        let known = by_pair.entry((*from, *to)).or_default();
        *known = (known.0 + 1, known.1 + saved);
    }
    let name = |class: u32| sample.classes[class as usize].clone();
    let change = |((from, to), (rows, saved)): ((u32, u32), (u64, f64))| DecisionChange {
        from: name(from),
        to: name(to),
        rows,
        saved,
    };
    let mut changes: Vec<DecisionChange> = by_pair.into_iter().map(change).collect();
    changes.sort_by_key(|change| std::cmp::Reverse(change.rows));
    changes.truncate(CHANGES);
    changes
}
