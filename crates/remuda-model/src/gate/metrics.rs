//! The one place per metric: its names, whether it takes a class, its range and unit, and its phrase.
//!
//! The parser, the printer, the words, the lints and the editor's completion data all read this table. How a metric is
//! computed is the business of remuda-stats.

use std::mem::discriminant;

use serde::{Deserialize, Serialize};

use super::criterion::{Metric, Quantity};

/// Whether a metric is one of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClassUse {
    /// Never: the metric is over all rows.
    Never,
    /// Of a class; without one, of the positive class of a binary contract.
    Positive,
    /// Of a class where one is named, else over all classes.
    Optional,
}

/// The unit that a quantity is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = MetricScale)]
pub enum Scale {
    /// A share or score whose bound may be written in `%`.
    Share,
    /// A difference of shares: `pp` or a plain number, never `%`.
    Difference,
    /// The label's own unit, or money: a unit word may follow.
    Own,
    /// A column's own unit; `%` is allowed too.
    Column,
    /// A number without unit.
    Plain,
}

/// How a metric's name is followed by a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = MetricParameter)]
pub enum Parameter {
    /// By none.
    None,
    /// Directly: `f2`, `pinball0.9`.
    Suffix,
    /// After an `@`: `ndcg@10`.
    First,
}

/// All that the language knows of a metric.
#[derive(Clone, Copy, Debug)]
pub struct MetricEntry {
    /// The metric, with an example of its parameter.
    pub metric: Metric,
    /// The name as printed, without parameter.
    pub name: &'static str,
    /// Other names that are understood.
    pub aliases: &'static [&'static str],
    /// Whether a class belongs to it.
    pub class: ClassUse,
    /// Whether a number belongs to the name.
    pub parameter: Parameter,
    /// Least and greatest value.
    pub range: (f64, f64),
    /// Its unit.
    pub scale: Scale,
    /// The name in a sentence; `{k}` is the parameter.
    pub noun: &'static str,
    /// For shares of rows, what so many in ten of them do; `{is}` and `{as}` are the class.
    pub rate: Option<&'static str>,
}

const fn entry(
    metric: Metric,
    name: &'static str,
    aliases: &'static [&'static str],
    noun: &'static str,
) -> MetricEntry {
    MetricEntry {
        metric,
        name,
        aliases,
        class: ClassUse::Never,
        parameter: Parameter::None,
        range: (0.0, 1.0),
        scale: Scale::Share,
        noun,
        rate: None,
    }
}

impl MetricEntry {
    const fn class(self, class: ClassUse) -> Self {
        MetricEntry { class, ..self }
    }

    const fn parameter(self, parameter: Parameter) -> Self {
        MetricEntry { parameter, ..self }
    }

    const fn scale(self, scale: Scale, least: f64, greatest: f64) -> Self {
        MetricEntry { scale, range: (least, greatest), ..self }
    }

    const fn rate(self, rate: &'static str) -> Self {
        MetricEntry { rate: Some(rate), ..self }
    }
}

const ANY: f64 = f64::INFINITY;

/// Every metric of the language, in the order in which completion offers them.
pub const METRICS: [MetricEntry; 27] = [
    entry(Metric::Accuracy, "accuracy", &["acc"], "accuracy").rate("rows are predicted right"),
    entry(Metric::BalancedAccuracy, "balanced accuracy", &["macro recall"], "balanced accuracy"),
    entry(Metric::Precision, "precision", &["ppv", "positive predictive value"], "precision")
        .class(ClassUse::Positive)
        .rate("rows predicted {as} really are {as}"),
    entry(Metric::Recall, "recall", &["sensitivity", "tpr", "true positive rate"], "recall")
        .class(ClassUse::Positive)
        .rate("rows that are {is} are found"),
    entry(Metric::Specificity, "specificity", &["tnr", "true negative rate"], "specificity")
        .class(ClassUse::Positive)
        .rate("rows that are not {is} are predicted not {as}"),
    entry(Metric::F1, "f1", &["f1 score"], "F1 score").class(ClassUse::Positive),
    entry(Metric::FBeta(2.0), "f", &["fbeta", "f beta"], "F{k} score")
        .class(ClassUse::Positive)
        .parameter(Parameter::Suffix),
    entry(Metric::MacroF1, "macro f1", &["f1 macro"], "F1 score averaged over classes"),
    entry(Metric::MicroF1, "micro f1", &["f1 micro"], "F1 score over all decisions"),
    entry(Metric::WeightedF1, "weighted f1", &["f1 weighted"], "F1 score weighted by the classes' sizes"),
    entry(
        Metric::Mcc,
        "mcc",
        &["matthews", "matthews correlation", "matthews correlation coefficient", "phi"],
        "Matthews correlation",
    )
    .scale(Scale::Share, -1.0, 1.0),
    entry(
        Metric::Kappa,
        "kappa",
        &["cohen's kappa", "cohens kappa", "cohen kappa"],
        "agreement beyond chance (Cohen's kappa)",
    )
    .scale(Scale::Share, -1.0, 1.0),
    entry(Metric::Auc, "auc", &["roc auc", "auroc", "auc roc"], "area under the ROC curve").class(ClassUse::Positive),
    entry(Metric::AveragePrecision, "average precision", &["ap", "pr auc", "auprc"], "average precision")
        .class(ClassUse::Positive),
    entry(Metric::LogLoss, "log loss", &["logloss", "cross entropy"], "log loss").scale(Scale::Plain, 0.0, ANY),
    entry(Metric::Brier, "brier", &["brier score"], "Brier score").class(ClassUse::Optional).scale(
        Scale::Share,
        0.0,
        2.0,
    ),
    entry(Metric::Ece, "ece", &["expected calibration error", "calibration error"], "expected calibration error")
        .class(ClassUse::Optional),
    entry(Metric::Mae, "mae", &["mean absolute error"], "mean absolute error").scale(Scale::Own, 0.0, ANY),
    entry(Metric::Rmse, "rmse", &["root mean squared error", "root mean square error"], "root mean squared error")
        .scale(Scale::Own, 0.0, ANY),
    entry(Metric::Mape, "mape", &["mean absolute percentage error"], "mean absolute percentage error").scale(
        Scale::Share,
        0.0,
        ANY,
    ),
    entry(Metric::R2, "r2", &["r²", "r squared"], "share of variance explained (R²)").scale(Scale::Share, -ANY, 1.0),
    entry(Metric::Bias, "bias", &["mean error"], "mean of prediction minus truth").scale(Scale::Own, -ANY, ANY),
    entry(Metric::Pinball(0.9), "pinball", &["pinball loss", "quantile loss"], "pinball loss at quantile {k}")
        .parameter(Parameter::Suffix)
        .scale(Scale::Own, 0.0, ANY),
    entry(Metric::Ndcg(10), "ndcg", &[], "ranking quality (NDCG) of the first {k}").parameter(Parameter::First),
    entry(Metric::Mrr, "mrr", &["mean reciprocal rank"], "mean reciprocal rank"),
    entry(Metric::HitRate(5), "hit rate", &["hits", "hit"], "hit rate among the first {k}")
        .parameter(Parameter::First)
        .rate("queries have a hit among the first {k}"),
    entry(Metric::SelectionRate, "selection rate", &["positive rate"], "selection rate")
        .class(ClassUse::Positive)
        .rate("rows are predicted {as}"),
];

impl Metric {
    /// What the language knows of this metric.
    pub fn entry(self) -> &'static MetricEntry {
        let same = |entry: &&MetricEntry| discriminant(&entry.metric) == discriminant(&self);
        METRICS.iter().find(same).unwrap_or(&METRICS[0])
    }

    /// The number in the metric's name, where there is one.
    pub fn parameter(self) -> Option<f64> {
        match self {
            Metric::FBeta(number) | Metric::Pinball(number) => Some(number),
            Metric::Ndcg(first) | Metric::HitRate(first) => Some(f64::from(first)),
            _ => None,
        }
    }

    /// The name as the printer writes it.
    ///
    /// ```
    /// use remuda_model::gate::criterion::Metric;
    /// assert_eq!(Metric::FBeta(0.5).name(), "f0.5");
    /// assert_eq!(Metric::HitRate(5).name(), "hit rate@5");
    /// assert_eq!(Metric::LogLoss.name(), "log loss");
    /// ```
    pub fn name(self) -> String {
        let entry = self.entry();
        match (entry.parameter, self.parameter()) {
            (Parameter::First, Some(number)) => format!("{}@{number}", entry.name),
            (_, Some(number)) => format!("{}{number}", entry.name),
            (_, None) => entry.name.to_owned(),
        }
    }

    /// The same metric with another number in its name; the reason why not, as `` `{name}` needs … ``.
    pub(super) fn with_parameter(self, number: f64) -> Result<Metric, &'static str> {
        let whole = number.fract() == 0.0 && (1.0..=f64::from(u32::MAX)).contains(&number);
        match self {
            Metric::FBeta(_) if number == 1.0 => Ok(Metric::F1),
            Metric::FBeta(_) if number > 0.0 && number.is_finite() => Ok(Metric::FBeta(number)),
            Metric::FBeta(_) => Err("needs a beta above 0, such as `f2`"),
            Metric::Pinball(_) if number > 0.0 && number < 1.0 => Ok(Metric::Pinball(number)),
            Metric::Pinball(_) => Err("needs a quantile between 0 and 1, such as `pinball0.9`"),
            Metric::Ndcg(_) if whole => Ok(Metric::Ndcg(number as u32)),
            Metric::HitRate(_) if whole => Ok(Metric::HitRate(number as u32)),
            Metric::Ndcg(_) => Err("needs a whole number of first places, such as `ndcg@10`"),
            Metric::HitRate(_) => Err("needs a whole number of first places, such as `hit rate@5`"),
            other => Ok(other),
        }
    }
}

impl Quantity {
    /// Least and greatest value that the quantity can take.
    pub fn range(&self) -> (f64, f64) {
        match self {
            Quantity::Metric(of) => of.metric.entry().range,
            Quantity::Gap { metric, .. } => {
                let (least, greatest) = metric.metric.entry().range;
                (0.0, greatest - least)
            }
            Quantity::Ratio { .. } | Quantity::PassRate { .. } | Quantity::ChangedDecisions { .. } => (0.0, 1.0),
            Quantity::Quantile { .. } | Quantity::MeanCost { .. } => (-ANY, ANY),
        }
    }

    /// The unit that the quantity is measured in.
    pub fn scale(&self) -> Scale {
        match self {
            Quantity::Metric(of) => of.metric.entry().scale,
            Quantity::Gap { metric, .. } => match metric.metric.entry().scale {
                Scale::Share => Scale::Difference,
                other => other,
            },
            Quantity::Ratio { .. } | Quantity::PassRate { .. } | Quantity::ChangedDecisions { .. } => Scale::Share,
            Quantity::Quantile { .. } => Scale::Column,
            Quantity::MeanCost { .. } => Scale::Own,
        }
    }

    /// Whether greater is better (`None`: neither, or only the team knows).
    pub fn greater_is_better(&self) -> Option<bool> {
        match self {
            Quantity::Metric(of) => of.metric.greater_is_better(),
            Quantity::Ratio { .. } | Quantity::PassRate { .. } => Some(true),
            Quantity::Gap { .. } | Quantity::MeanCost { .. } | Quantity::ChangedDecisions { .. } => Some(false),
            Quantity::Quantile { .. } => None,
        }
    }
}
