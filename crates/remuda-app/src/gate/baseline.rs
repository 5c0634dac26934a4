//! Proposing criteria from measured baselines: what a simple model reaches, with room for the noise of a holdout.

use remuda_model::data::Task;
use remuda_model::run::MetricValue;

/// Criteria for a first requirement. `linear` are the linear model's metrics on validation, `majority` those of the
/// constant one. A threshold lies two half-widths of the interval below what the linear model reached (above, for an
/// error), rounded to two digits: what a model of that quality passes with good chance on a holdout of like size.
pub(crate) fn propose_criteria(
    task: Task,
    positive: Option<&str>,
    linear: &[MetricValue],
    majority: &[MetricValue],
) -> Vec<String> {
    let mut criteria = Vec::new();
    let class = positive.map(quoted_class).unwrap_or_default();
    match task {
        Task::Binary => {
            criteria.extend(floor_of(linear, "auc").map(|floor| format!("auc >= {floor}")));
            let recall = format!("recall of {}", positive.unwrap_or_default());
            criteria.extend(floor_of(linear, &recall).map(|floor| format!("recall of {class} >= {floor}")));
            criteria.push(margin(linear, majority, "accuracy", "accuracy"));
        }
        Task::Multiclass => {
            criteria.extend(floor_of(linear, "accuracy").map(|floor| format!("accuracy >= {floor}")));
            criteria.push(margin(linear, majority, "accuracy", "accuracy"));
        }
        Task::Regression => {
            criteria.extend(ceiling_of(linear, "mae").map(|ceiling| format!("mae <= {ceiling}")));
            criteria.push("mae < baseline majority".to_owned());
        }
    }
    criteria
}

/// A class as the criterion language writes it.
fn quoted_class(class: &str) -> String {
    let bare = |character: char| character.is_alphanumeric() || "_-./".contains(character);
    if !class.is_empty() && class.chars().all(bare) {
        class.to_owned()
    } else {
        format!("'{}'", class.replace('\'', "''"))
    }
}

fn find<'a>(metrics: &'a [MetricValue], name: &str) -> Option<&'a MetricValue> {
    metrics.iter().find(|metric| metric.name == name)
}

fn floor_of(metrics: &[MetricValue], name: &str) -> Option<String> {
    let metric = find(metrics, name)?;
    let (value, lower) = (metric.value?, metric.lower?);
    let floor = ((value - 2.0 * (value - lower)) * 100.0).floor() / 100.0;
    (floor > 0.0).then(|| format!("{floor:.2}"))
}

fn ceiling_of(metrics: &[MetricValue], name: &str) -> Option<String> {
    let metric = find(metrics, name)?;
    let (value, upper) = (metric.value?, metric.upper?);
    let ceiling = value + 2.0 * (upper - value);
    // Three significant digits, upwards.
    let unit = 10f64.powf(ceiling.abs().max(f64::MIN_POSITIVE).log10().floor() - 2.0);
    Some(remuda_model::text::number((ceiling / unit).ceil() * unit).replace(',', ""))
}

/// Better than the constant model: by what the linear one gains, less two half-widths of its interval.
fn margin(linear: &[MetricValue], majority: &[MetricValue], metric: &str, name: &str) -> String {
    let plain = format!("{name} > baseline majority");
    let (Some(linear), Some(majority)) = (find(linear, metric), find(majority, metric)) else { return plain };
    let (Some(value), Some(lower), Some(floor)) = (linear.value, linear.lower, majority.value) else { return plain };
    let sure = ((value - floor - 2.0 * (value - lower)) * 100.0).floor() / 100.0;
    if sure >= 0.01 { format!("{name} >= baseline majority + {sure:.2}") } else { plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metric(name: &str, value: f64, half: f64) -> MetricValue {
        MetricValue {
            name: name.into(),
            value: Some(value),
            lower: Some(value - half),
            upper: Some(value + half),
            confidence: 0.975,
            n: 1000,
            split: "validation".into(),
            method: String::new(),
        }
    }

    #[test]
    fn every_proposal_is_a_criterion() {
        let linear = [
            metric("auc", 0.84, 0.02),
            metric("recall of >50K", 0.6, 0.05),
            metric("accuracy", 0.8, 0.02),
            metric("mae", 12.345, 0.5),
        ];
        let majority = [metric("accuracy", 0.73, 0.03)];
        for task in [Task::Binary, Task::Multiclass, Task::Regression] {
            for text in propose_criteria(task, Some(">50K"), &linear, &majority) {
                assert!(remuda_model::gate::parse(&text).is_ok(), "{text}");
            }
        }
        let proposed = propose_criteria(Task::Binary, Some(">50K"), &linear, &majority);
        assert_eq!(proposed, ["auc >= 0.80", "recall of '>50K' >= 0.50", "accuracy >= baseline majority + 0.03"]);
    }
}
