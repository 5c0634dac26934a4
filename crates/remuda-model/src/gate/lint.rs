//! Doubts about a criterion that is well formed: it looks the wrong way, always holds, or can never be met.
//!
//! A doubt refuses nothing. What cannot be meant at all is refused by [`parse`](mod@super::parse).

use super::criterion::{Bound, Change, Claim, Comparison, Criterion, Metric, Quantity};
use super::metrics::Scale;
use super::parse::shift_decimal;

/// Full sentences for the author of a criterion; none when nothing looks odd.
///
/// ```
/// use remuda_model::gate::{lint, parse};
/// let doubts = lint(&parse("log loss >= 0.3")?);
/// assert_eq!(doubts, ["less log loss is better, so `>=` asks for a worse model: did you mean `<=`?"]);
/// assert!(lint(&parse("log loss <= 0.3")?).is_empty());
/// # Ok::<(), remuda_model::gate::CriterionError>(())
/// ```
pub fn lint(criterion: &Criterion) -> Vec<String> {
    let mut doubts = Vec::new();
    let Claim::Holds { quantity, comparison, bound } = &criterion.claim else { return doubts };
    doubts.extend(direction(quantity, *comparison));
    match bound {
        Bound::Number { value, unit } => {
            doubts.extend(bound.threshold().and_then(|threshold| edge(quantity, *comparison, threshold)));
            let tiny = unit.as_deref() == Some("%") && *value <= 1.0 && *value > 0.0;
            if tiny && comparison.wants_more() && quantity.greater_is_better() == Some(true) {
                let percent = shift_decimal(*value, 2);
                doubts.push(format!(
                    "{value} % is a share of {}: did you mean `{percent} %`?",
                    shift_decimal(*value, -2)
                ));
            }
            let is_mape = matches!(quantity, Quantity::Metric(of) if of.metric == Metric::Mape);
            if is_mape && unit.is_none() && *value > 1.0 {
                let percent = shift_decimal(*value, 2);
                doubts.push(format!("a mape of {value} is {percent} %: did you mean `{value} %`?"));
            }
        }
        Bound::Reference { change, .. } => doubts.extend(no_change(*change)),
    }
    doubts.extend(columns(criterion, quantity));
    if criterion.filter.is_some() && matches!(quantity, Quantity::PassRate { .. }) {
        doubts
            .push("behavioural tests have no rows of the evaluation table, so `where` selects none of them".to_owned());
    }
    let own = criterion
        .filter
        .as_deref()
        .and_then(|filter| ["prediction", "score"].into_iter().find(|own| names(filter, own)));
    if let Some(own) = own {
        doubts.push(format!(
            "`where` chooses rows by `{own}`, the model's own answer: another model is held to other rows, and a metric over \
             the chosen ones may hold by construction"
        ));
    }
    if criterion.confidence.is_some_and(|percent| percent < 80.0) {
        doubts.push("a confidence below 80 % lets many models pass by luck".to_owned());
    }
    doubts
}

/// Whether SQL names a column: outside of texts in single quotes, as a whole word.
fn names(sql: &str, column: &str) -> bool {
    let outside = sql.split('\'').step_by(2);
    let mut words = outside.flat_map(|part| part.split(|sign: char| !sign.is_alphanumeric() && sign != '_'));
    words.any(|word| word.eq_ignore_ascii_case(column))
}

fn direction(quantity: &Quantity, comparison: Comparison) -> Option<String> {
    let greater_is_better = quantity.greater_is_better()?;
    if greater_is_better == comparison.wants_more() {
        return None;
    }
    let name = match quantity {
        Quantity::Metric(of) => of.metric.name(),
        Quantity::Gap { .. } => "gap".to_owned(),
        Quantity::Ratio { .. } => "ratio".to_owned(),
        Quantity::PassRate { .. } => "pass rate".to_owned(),
        Quantity::MeanCost { .. } => "cost".to_owned(),
        Quantity::ChangedDecisions { .. } | Quantity::Quantile { .. } => "change of decisions".to_owned(),
    };
    let opposite = match comparison {
        Comparison::AtLeast => "<=",
        Comparison::AtMost => ">=",
        Comparison::MoreThan => "<",
        Comparison::LessThan => ">",
    };
    let better = if greater_is_better { "more" } else { "less" };
    Some(format!(
        "{better} {name} is better, so `{}` asks for a worse model: did you mean `{opposite}`?",
        comparison.sign()
    ))
}

fn edge(quantity: &Quantity, comparison: Comparison, threshold: f64) -> Option<String> {
    let (least, greatest) = quantity.range();
    let (near, far) = if comparison.wants_more() { (least, greatest) } else { (greatest, least) };
    let strict = matches!(comparison, Comparison::MoreThan | Comparison::LessThan);
    if threshold == near && !strict {
        return Some(format!("every model keeps `{} {threshold}`: the criterion asks for nothing", comparison.sign()));
    }
    if threshold != far {
        return None;
    }
    Some(if strict {
        format!("no model can keep `{} {threshold}`", comparison.sign())
    } else {
        format!(
            "no finite number of rows can show `{} {threshold}`: leave a margin, or the verdict stays undecided",
            comparison.sign()
        )
    })
}

fn no_change(change: Change) -> Option<String> {
    match change {
        Change::Add(0.0) | Change::AddPoints(0.0) => Some("a difference of 0 can be left out".to_owned()),
        Change::Times(1.0) => Some("a factor of 1 can be left out".to_owned()),
        _ => None,
    }
}

fn columns(criterion: &Criterion, quantity: &Quantity) -> Vec<String> {
    let mut doubts = Vec::new();
    let each = criterion.each.as_ref().map(|each| each.column.as_str());
    if let (Quantity::Gap { column, .. } | Quantity::Ratio { column, .. }, Some(each)) = (quantity, each)
        && column == each
    {
        doubts.push(format!(
            "each slice holds one value of {each} only, so there is nothing to compare between its values"
        ));
    }
    if let (Some(by), Some(each)) = (criterion.by.as_deref(), each)
        && by == each
    {
        doubts.push(format!("each slice is one single unit of {by}, which decides nothing"));
    }
    if let Quantity::Ratio { metric, .. } = quantity
        && (metric.metric.entry().range.0 < 0.0 || metric.metric.entry().scale == Scale::Plain)
    {
        doubts.push(format!("a ratio of {} has no plain meaning: use `gap of`", metric.metric.name()));
    }
    doubts
}
