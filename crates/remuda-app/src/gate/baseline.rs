//! Proposing criteria from measured baselines: what a simple model reaches, with room for the noise of a holdout.

use remuda_model::data::Task;
use remuda_model::run::MetricValue;

/// Half-widths of the validation interval between what the linear model reached and its threshold. A holdout of like
/// size decides at a confidence that its whole budget shares (about 1.3 half-widths of its own), and the two samples
/// differ by chance: beyond 2.5 half-widths, a model of that quality is met in about 19 of 20 cases.
const ROOM: f64 = 2.5;

/// Criteria for a first requirement. `linear` are the linear model's metrics on validation, `majority` those of the
/// constant one. A threshold lies [`ROOM`] half-widths of the interval below what the linear model reached (above, for
/// an error), rounded to two digits. A claim that the linear model itself would not pass is not proposed, and neither
/// is one that the constant model meets: a threshold lies beyond the far end of that model's interval.
pub(crate) fn propose_criteria(
    task: Task,
    positive: Option<&str>,
    linear: &[MetricValue],
    majority: &[MetricValue],
) -> Vec<String> {
    let mut criteria = Vec::new();
    match task {
        Task::Binary => {
            // An area of one half is what guessing reaches.
            criteria.extend(floor_of(linear, majority, "auc", 0.5).map(|floor| format!("auc >= {floor}")));
            let positive = positive.unwrap_or_default();
            // Where the constant model answers the positive class, its recall is 1 and only precision tells.
            let of_class = ["recall", "precision"].into_iter().find_map(|metric| {
                let floor = floor_of(linear, majority, &format!("{metric} of {positive}"), 0.0)?;
                Some(format!("{metric} of {} >= {floor}", quoted_class(positive)))
            });
            criteria.extend(of_class);
            criteria.extend(margin(linear, majority));
        }
        Task::Multiclass => {
            // Where one class is nearly all, accuracy hardly moves; the mean over classes still tells.
            let floor = ["accuracy", "macro f1"]
                .into_iter()
                .find_map(|metric| floor_of(linear, majority, metric, 0.0).map(|floor| format!("{metric} >= {floor}")));
            criteria.extend(floor);
            match margin(linear, majority) {
                Some(margin) => criteria.push(margin),
                // So do probabilities.
                None => criteria.extend(less_error(linear, majority, "log loss")),
            }
        }
        Task::Regression => {
            criteria.extend(ceiling_of(linear, majority, "mae").map(|ceiling| format!("mae <= {ceiling}")));
            criteria.extend(less_error(linear, majority, "mae"));
        }
    }
    if criteria.is_empty() {
        // Nothing was reached that could serve as a floor: what any model has to show first.
        let metric = if task == Task::Regression { "mae <" } else { "accuracy >" };
        criteria.push(format!("{metric} baseline majority"));
    }
    criteria
}

/// A class as the criterion language writes it.
fn quoted_class(class: &str) -> String {
    let bare = |character: char| character.is_alphanumeric() || "_-./".contains(character);
    let word = class.chars().next().is_some_and(char::is_alphabetic);
    if word && class.chars().all(bare) { class.to_owned() } else { format!("'{}'", class.replace('\'', "''")) }
}

fn find<'a>(metrics: &'a [MetricValue], name: &str) -> Option<&'a MetricValue> {
    metrics.iter().find(|metric| metric.name == name)
}

/// Two digits, downwards; none unless it is above what costs nothing to reach, and above what the constant model may
/// reach by chance.
fn floor_of(metrics: &[MetricValue], majority: &[MetricValue], name: &str, nothing: f64) -> Option<String> {
    let metric = find(metrics, name)?;
    let (value, lower) = (metric.value?, metric.lower?);
    let floor = ((value - ROOM * (value - lower)) * 100.0 + 1e-9).floor() / 100.0;
    let constant = find(majority, name).and_then(|metric| metric.upper.or(metric.value)).unwrap_or(nothing);
    (floor > nothing.max(constant)).then(|| format!("{floor:.2}"))
}

/// Three digits, upwards; none unless it is below what the constant model may reach by chance.
fn ceiling_of(metrics: &[MetricValue], majority: &[MetricValue], name: &str) -> Option<String> {
    let metric = find(metrics, name)?;
    let (value, upper) = (metric.value?, metric.upper?);
    let ceiling = value + ROOM * (upper - value);
    if ceiling <= 0.0 || !ceiling.is_finite() {
        return None;
    }
    let unit = 10f64.powf(ceiling.log10().floor() - 2.0);
    let ceiling = (ceiling / unit).ceil() * unit;
    let constant = find(majority, name).and_then(|metric| metric.lower.or(metric.value)).unwrap_or(f64::INFINITY);
    (ceiling < constant).then(|| remuda_model::text::number(ceiling).replace(',', ""))
}

/// More accurate than the constant model: by what the linear one gains, less the room for chance in both. Without a
/// gain that leaves room, only that it is better; without a sure gain, nothing.
fn margin(linear: &[MetricValue], majority: &[MetricValue]) -> Option<String> {
    let (linear, majority) = (find(linear, "accuracy")?, find(majority, "accuracy")?);
    let (value, floor) = (linear.value?, majority.value?);
    let (half, other) = (value - linear.lower?, floor - majority.lower?);
    let sure = ((value - floor - ROOM * half.hypot(other)) * 100.0 + 1e-9).floor() / 100.0;
    if sure >= 0.01 {
        return Some(format!("accuracy >= baseline majority + {sure:.2}"));
    }
    (value - floor > ROOM * half).then(|| "accuracy > baseline majority".to_owned())
}

/// Less of an error than the constant model makes, if the linear one surely makes less.
fn less_error(linear: &[MetricValue], majority: &[MetricValue], name: &str) -> Option<String> {
    let (upper, floor) = (find(linear, name)?.upper?, find(majority, name)?.value?);
    (upper < floor).then(|| format!("{name} < baseline majority"))
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
            for class in [">50K", "1", "it's", "Yes, sure", "-", "and"] {
                for text in propose_criteria(task, Some(class), &linear, &majority) {
                    assert!(remuda_model::gate::parse(&text).is_ok(), "{text}");
                }
            }
        }
        let proposed = propose_criteria(Task::Binary, Some(">50K"), &linear, &majority);
        assert_eq!(proposed, ["auc >= 0.79", "recall of '>50K' >= 0.47", "accuracy > baseline majority"]);
        let sure = [metric("accuracy", 0.6, 0.02)];
        let proposed = propose_criteria(Task::Multiclass, None, &linear, &sure);
        assert_eq!(proposed, ["accuracy >= 0.75", "accuracy >= baseline majority + 0.12"]);
    }

    #[test]
    fn a_claim_that_the_linear_model_would_not_pass_is_not_proposed() {
        let linear = [metric("accuracy", 0.906, 0.015), metric("log loss", 0.370, 0.05), metric("mae", 9.0, 0.5)];
        let majority = [metric("accuracy", 0.900, 0.016), metric("log loss", 0.428, 0.05), metric("mae", 9.1, 0.5)];
        let multiclass = propose_criteria(Task::Multiclass, None, &linear, &majority);
        assert_eq!(multiclass, ["log loss < baseline majority"]);
        assert_eq!(propose_criteria(Task::Regression, None, &linear, &majority), ["mae < baseline majority"]);
        // Noise: nothing but the plain claim remains.
        let guess = [metric("auc", 0.5, 0.1), metric("recall of p", 0.2, 0.1), metric("accuracy", 0.5, 0.1)];
        assert_eq!(propose_criteria(Task::Binary, Some("p"), &guess, &guess), ["accuracy > baseline majority"]);
        // An error of nothing gives no ceiling that could be passed.
        let perfect = [metric("mae", 0.0, 0.0)];
        assert_eq!(propose_criteria(Task::Regression, None, &perfect, &majority), ["mae < baseline majority"]);
    }
    #[test]
    fn a_claim_that_the_constant_model_meets_is_not_proposed() {
        // Collisions of birds with aircraft: nine in ten did no damage.
        let linear = [metric("accuracy", 0.906, 0.015), metric("macro f1", 0.42, 0.03)];
        let majority = [metric("accuracy", 0.900, 0.016), metric("macro f1", 0.237, 0.01)];
        assert_eq!(propose_criteria(Task::Multiclass, None, &linear, &majority), ["macro f1 >= 0.34"]);
        // The threshold has to lie above the upper end of the constant model's interval, not only above its value.
        let close = [metric("accuracy", 0.94, 0.01)];
        assert_eq!(propose_criteria(Task::Multiclass, None, &close, &majority[..1]), ["accuracy > baseline majority"]);
        // The constant model answers the positive class: its recall is 1, and only precision tells.
        let linear = [metric("recall of yes", 0.98, 0.005), metric("precision of yes", 0.95, 0.01)];
        let majority = [metric("recall of yes", 1.0, 0.0), metric("precision of yes", 0.8, 0.02)];
        assert_eq!(propose_criteria(Task::Binary, Some("yes"), &linear, &majority), ["precision of yes >= 0.92"]);
        let (linear, majority) = ([metric("mae", 5.0, 0.21)], [metric("mae", 9.1, 0.5)]);
        let proposed = propose_criteria(Task::Regression, None, &linear, &majority);
        assert_eq!(proposed, ["mae <= 5.53", "mae < baseline majority"]);
    }
}
