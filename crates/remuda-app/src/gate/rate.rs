//! Rates: metrics that are a share of rows, the cells of one class, and the class that a metric is of.

use super::sample::ClassSample;
use remuda_model::gate::criterion::{Metric, MetricOf};
use remuda_stats::Undefined;

/// Why a metric has no estimate here.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum Unmeasured {
    /// The numbers do not exist.
    #[error("{0}")]
    Undefined(#[from] Undefined),
    /// The metric does not fit the task, or names a class that is not there.
    #[error("{0}")]
    DoesNotFit(String),
}

pub(crate) type Measured<T> = std::result::Result<T, Unmeasured>;

/// A metric that is a share of rows: which rows count, and which of them are hits.
pub(crate) struct Rate {
    /// Whether the row counts.
    pub(crate) counted: Vec<bool>,
    /// Whether it is a hit.
    pub(crate) hit: Vec<bool>,
    nothing: Undefined,
}

impl Rate {
    /// `None` for a metric that is no share of rows.
    pub(crate) fn of(metric: &MetricOf, sample: &ClassSample) -> Measured<Option<Rate>> {
        let rows = sample.truth.len();
        let rate = match metric.metric {
            // With one label per row, micro F1 is accuracy.
            Metric::Accuracy | Metric::MicroF1 => {
                Rate { counted: vec![true; rows], hit: sample.right(), nothing: Undefined::NoRows }
            }
            Metric::Recall => {
                let is = sample.is(class_of(metric, sample)?);
                Rate { counted: is, hit: sample.right(), nothing: Undefined::NoPositives }
            }
            Metric::Specificity => {
                let class = class_of(metric, sample)?;
                let counted = sample.is(class).into_iter().map(|is| !is).collect();
                let hit = sample.predicted.iter().map(|predicted| *predicted as usize != class).collect();
                Rate { counted, hit, nothing: Undefined::NoNegatives }
            }
            Metric::Precision => {
                let class = class_of(metric, sample)?;
                let counted = sample.predicted.iter().map(|predicted| *predicted as usize == class).collect();
                Rate { counted, hit: sample.right(), nothing: Undefined::NoPredictedPositives }
            }
            Metric::SelectionRate => {
                let class = class_of(metric, sample)?;
                let hit = sample.predicted.iter().map(|predicted| *predicted as usize == class).collect();
                Rate { counted: vec![true; rows], hit, nothing: Undefined::NoRows }
            }
            _ => return Ok(None),
        };
        Ok(Some(rate))
    }

    pub(super) fn rows(&self) -> u64 {
        self.counted.iter().filter(|counted| **counted).count() as u64
    }

    pub(super) fn hits(&self) -> u64 {
        self.counted.iter().zip(&self.hit).filter(|(counted, hit)| **counted && **hit).count() as u64
    }

    /// "There are no rows" says more when it says which rows.
    pub(super) fn explain(&self, reason: Undefined) -> Undefined {
        if reason == Undefined::NoRows { self.nothing.clone() } else { reason }
    }
}

/// Rows that one model has right and the other wrong: all that a paired comparison of rates rests on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Disagreement {
    /// Only the new model is right.
    pub(crate) only_new: u64,
    /// Only the old model is right.
    pub(crate) only_old: u64,
    /// Rows that count.
    pub(crate) rows: u64,
}

impl Disagreement {
    /// `None` for metrics whose rows differ between models (precision) or that are no shares of rows.
    pub(super) fn of(metric: &MetricOf, new: &ClassSample, old: &ClassSample) -> Measured<Option<Self>> {
        if !matches!(metric.metric, Metric::Accuracy | Metric::MicroF1 | Metric::Recall | Metric::Specificity) {
            return Ok(None);
        }
        let (Some(new), Some(old)) = (Rate::of(metric, new)?, Rate::of(metric, old)?) else { return Ok(None) };
        let mut found = Disagreement { only_new: 0, only_old: 0, rows: new.rows() };
        for ((counted, new), old) in new.counted.iter().zip(&new.hit).zip(&old.hit) {
            found.only_new += u64::from(*counted && *new && !*old);
            found.only_old += u64::from(*counted && !*new && *old);
        }
        if found.rows == 0 { Err(new.explain(Undefined::NoRows).into()) } else { Ok(Some(found)) }
    }

    /// Per row the new model's hit less the old one's, and whether the row counts.
    pub(super) fn rows(metric: &MetricOf, new: &ClassSample, old: &ClassSample) -> Measured<(Vec<f64>, Vec<f64>)> {
        let (Some(new), Some(old)) = (Rate::of(metric, new)?, Rate::of(metric, old)?) else {
            return Ok(Default::default());
        };
        let one = |flag: bool| f64::from(u8::from(flag));
        let hits = new.counted.iter().zip(new.hit.iter().zip(&old.hit));
        let difference = hits.map(|(counted, (new, old))| one(*counted) * (one(*new) - one(*old))).collect();
        Ok((difference, new.counted.iter().map(|counted| one(*counted)).collect()))
    }
}

/// Counts of one class against all others.
pub(super) struct Cells {
    pub(super) true_positives: u64,
    pub(super) false_positives: u64,
    pub(super) false_negatives: u64,
}

impl Cells {
    pub(super) fn of(sample: &ClassSample, class: usize) -> Self {
        let mut cells = Cells { true_positives: 0, false_positives: 0, false_negatives: 0 };
        for (truth, predicted) in sample.truth.iter().zip(&sample.predicted) {
            match (*truth as usize == class, *predicted as usize == class) {
                (true, true) => cells.true_positives += 1,
                (false, true) => cells.false_positives += 1,
                (true, false) => cells.false_negatives += 1,
                (false, false) => {}
            }
        }
        cells
    }
}

/// The class that a metric is of: the one named, else the positive one.
pub(super) fn class_of(metric: &MetricOf, sample: &ClassSample) -> Measured<usize> {
    let Some(name) = &metric.class else {
        return sample.positive.ok_or_else(|| {
            let known = remuda_model::text::list(&sample.classes[..sample.classes.len().min(5)]);
            Unmeasured::DoesNotFit(format!(
                "{} needs a class here: write `{} of CLASS` ({known} …)",
                metric.metric.name(),
                metric.metric.name()
            ))
        });
    };
    sample.classes.iter().position(|class| class == name).ok_or_else(|| {
        let near = remuda_model::text::nearest(name, sample.classes.iter().map(String::as_str));
        let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        Unmeasured::DoesNotFit(format!("no row and no model has the class `{name}`{hint}"))
    })
}
