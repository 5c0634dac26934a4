//! The criterion language as data. One criterion is one line that a product owner can read.
//!
//! ```text
//! criterion := quantity cmp bound [where SQL] [for each COLUMN [with at least N]] [by COLUMN] [@ PERCENT]
//! ```

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One acceptance criterion.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Criterion {
    /// What is measured and what it is held against.
    pub claim: Claim,
    /// A DataFusion SQL predicate that selects rows of the evaluation table.
    pub filter: Option<String>,
    /// The criterion must hold for each value of a column.
    pub each: Option<Each>,
    /// The unit of independence.
    pub by: Option<String>,
    /// One-sided confidence in percent when written; 95 when absent.
    pub confidence: Option<f64>,
}

impl Criterion {
    /// The one-sided confidence as a share: 0.95 when the criterion names none.
    pub fn confidence_or_default(&self) -> f64 {
        self.confidence.unwrap_or(95.0) / 100.0
    }
}

/// What a criterion claims.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Claim {
    /// `QUANTITY cmp BOUND`.
    Holds {
        /// What is measured.
        quantity: Quantity,
        /// The comparison.
        comparison: Comparison,
        /// What it is held against.
        bound: Bound,
    },
    /// `every test of NAME passes`.
    EveryTest {
        /// The name of a behavioural test file, without folder and ending.
        name: String,
    },
}

/// What is measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// `METRIC [of CLASS]`.
    Metric(MetricOf),
    /// `gap of METRIC [of CLASS] between COLUMN`: greatest minus smallest over groups.
    Gap {
        /// The metric per group.
        metric: MetricOf,
        /// The grouping column.
        column: String,
    },
    /// `ratio of METRIC [of CLASS] between COLUMN`: smallest over greatest.
    Ratio {
        /// The metric per group.
        metric: MetricOf,
        /// The grouping column.
        column: String,
    },
    /// `pQ of EXPR`: a quantile, `percent` strictly between 0 and 100.
    Quantile {
        /// 99 for `p99`, 99.9 for `p99.9`.
        percent: f64,
        /// SQL expression or column.
        expression: String,
    },
    /// `pass rate of tests NAME`.
    PassRate {
        /// The behavioural test file.
        name: String,
    },
    /// `mean cost using FILE`.
    MeanCost {
        /// The cost file, from the product's root.
        file: String,
    },
    /// `changed decisions vs (production | release ID)`.
    ChangedDecisions {
        /// What it is compared with.
        against: Reference,
    },
}

/// A metric and, where it needs one, the class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MetricOf {
    /// The metric.
    pub metric: Metric,
    /// The class, for metrics of one class.
    pub class: Option<String>,
}

/// The metrics of the language.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Share of right predictions.
    Accuracy,
    /// Mean recall over classes.
    BalancedAccuracy,
    /// TP / (TP + FP).
    Precision,
    /// TP / (TP + FN).
    Recall,
    /// TN / (TN + FP).
    Specificity,
    /// F1 of a class (or of the positive class).
    F1,
    /// F-beta with its beta: `f0.5`, `f2`.
    FBeta(f64),
    /// F1 averaged over classes: `macro f1`.
    MacroF1,
    /// `micro f1`.
    MicroF1,
    /// `weighted f1`.
    WeightedF1,
    /// Matthews correlation coefficient.
    Mcc,
    /// Cohen's kappa.
    Kappa,
    /// Area under the ROC curve.
    Auc,
    /// Average precision.
    AveragePrecision,
    /// Log loss.
    LogLoss,
    /// Brier score.
    Brier,
    /// Expected calibration error.
    Ece,
    /// Mean absolute error.
    Mae,
    /// Root of the mean squared error.
    Rmse,
    /// Mean absolute percentage error.
    Mape,
    /// Coefficient of determination.
    R2,
    /// Mean of prediction minus truth.
    Bias,
    /// Pinball loss at a quantile (0 to 1): `pinball0.9`.
    Pinball(f64),
    /// Normalised discounted cumulative gain at k: `ndcg@10`.
    Ndcg(u32),
    /// Mean reciprocal rank.
    Mrr,
    /// Share of queries with a hit among the first k: `hit rate@5`.
    HitRate(u32),
    /// Share of rows predicted as the class.
    SelectionRate,
}

impl Metric {
    /// Whether greater is better (`None`: neither, such as a selection rate or a bias).
    pub fn greater_is_better(self) -> Option<bool> {
        match self {
            Metric::LogLoss
            | Metric::Brier
            | Metric::Ece
            | Metric::Mae
            | Metric::Rmse
            | Metric::Mape
            | Metric::Pinball(_) => Some(false),
            Metric::Bias | Metric::SelectionRate => None,
            _ => Some(true),
        }
    }
}

/// `>=`, `<=`, `>`, `<`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// `>=`
    AtLeast,
    /// `<=`
    AtMost,
    /// `>`
    MoreThan,
    /// `<`
    LessThan,
}

impl Comparison {
    /// Whether the quantity must lie above the bound.
    pub fn wants_more(self) -> bool {
        matches!(self, Comparison::AtLeast | Comparison::MoreThan)
    }

    /// The sign as written.
    pub fn sign(self) -> &'static str {
        match self {
            Comparison::AtLeast => ">=",
            Comparison::AtMost => "<=",
            Comparison::MoreThan => ">",
            Comparison::LessThan => "<",
        }
    }
}

/// What a quantity is held against.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// A number with its unit: `0.9`, `80 ms`, `10 %`.
    Number {
        /// The number as written (10 for `10 %`).
        value: f64,
        /// `%`, `ms`, `s` or another unit word; `None` for a plain number.
        unit: Option<String>,
    },
    /// Another model, shifted or scaled: `production + 0.01`, `production - 0.5 pp`, `baseline rules x 1.02`.
    Reference {
        /// The other model.
        reference: Reference,
        /// The shift or scale.
        change: Change,
    },
}

/// The model that a bound is taken from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reference {
    /// The live release.
    Production,
    /// A named baseline, by the name of its pipeline step.
    Baseline(String),
    /// A release by id.
    Release(String),
}

impl Reference {
    /// What criteria call it.
    pub fn name(&self) -> String {
        match self {
            Reference::Production => "production".to_owned(),
            Reference::Baseline(name) => format!("baseline {name}"),
            Reference::Release(id) => format!("release {id}"),
        }
    }
}

/// How the reference's value is changed before it is compared.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Not at all.
    None,
    /// Plus this (minus when negative), in the metric's own unit.
    Add(f64),
    /// Plus this many percentage points.
    AddPoints(f64),
    /// Times this.
    Times(f64),
}

/// `for each COLUMN [with at least N]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Each {
    /// The column whose values make the slices.
    pub column: String,
    /// Values with fewer rows are left out, and said to be.
    pub at_least: Option<u64>,
}
