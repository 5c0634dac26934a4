//! Metrics of a confusion matrix: points only; their bounds come from `proportion`, `f1` and `bootstrap::cells`.
//!
//! All take real-valued cells, so the same functions serve counts, bootstrap resamples and expected matrices.

use crate::estimate::{Result, Undefined, check_closed, check_lengths, out_of_range};
use serde::{Deserialize, Serialize};

/// A confusion matrix: `counts[truth * classes + predicted]`, row by row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Matrix<'a> {
    /// The number of classes; `counts` has its square.
    pub classes: usize,
    /// Cells, true class by true class.
    pub counts: &'a [f64],
}

/// Counts the cells of a confusion matrix from two columns of class numbers.
///
/// # Errors
/// No rows, columns of different length, or a class number that is not below `classes`.
pub fn confusion(truth: &[u32], predicted: &[u32], classes: usize) -> Result<Vec<u64>> {
    check_lengths(truth.len(), predicted.len())?;
    if truth.is_empty() {
        return Err(Undefined::NoRows);
    }
    let mut counts = vec![0; classes * classes];
    for (truth, predicted) in truth.iter().zip(predicted) {
        let largest = (*truth).max(*predicted);
        if largest as usize >= classes {
            return Err(out_of_range("a class number", f64::from(largest)));
        }
        counts[*truth as usize * classes + *predicted as usize] += 1;
    }
    Ok(counts)
}

/// The four cells of one class against the rest.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Binary {
    /// Positive rows predicted positive.
    pub true_positives: f64,
    /// Negative rows predicted positive.
    pub false_positives: f64,
    /// Positive rows predicted negative.
    pub false_negatives: f64,
    /// Negative rows predicted negative.
    pub true_negatives: f64,
}

/// One class of a matrix against all others.
///
/// # Errors
/// A matrix of the wrong size, or a class number that is not in it.
pub fn one_against_rest(matrix: Matrix<'_>, class: usize) -> Result<Binary> {
    let margins = Margins::new(matrix)?;
    if class >= matrix.classes {
        return Err(out_of_range("the class number", class as f64));
    }
    Ok(margins.binary(class))
}

/// The share of positive rows found: TP / (TP + FN). Also called sensitivity.
///
/// # Errors
/// [`Undefined::NoPositives`].
pub fn recall(cells: Binary) -> Result<f64> {
    share(cells.true_positives, cells.true_positives + cells.false_negatives, Undefined::NoPositives)
}

/// The share of predicted positives that are right: TP / (TP + FP).
///
/// # Errors
/// [`Undefined::NoPredictedPositives`].
pub fn precision(cells: Binary) -> Result<f64> {
    share(cells.true_positives, cells.true_positives + cells.false_positives, Undefined::NoPredictedPositives)
}

/// The share of negative rows left alone: TN / (TN + FP).
///
/// # Errors
/// [`Undefined::NoNegatives`].
pub fn specificity(cells: Binary) -> Result<f64> {
    share(cells.true_negatives, cells.true_negatives + cells.false_positives, Undefined::NoNegatives)
}

/// The share of predicted negatives that are right: TN / (TN + FN).
///
/// # Errors
/// [`Undefined::NoRows`] when no row was predicted negative.
pub fn negative_predictive_value(cells: Binary) -> Result<f64> {
    share(cells.true_negatives, cells.true_negatives + cells.false_negatives, Undefined::NoRows)
}

/// TP / (TP + FP + FN).
///
/// # Errors
/// [`Undefined::NoPositives`] when no row is positive or predicted to be.
pub fn jaccard(cells: Binary) -> Result<f64> {
    let below = cells.true_positives + cells.false_positives + cells.false_negatives;
    share(cells.true_positives, below, Undefined::NoPositives)
}

/// F-beta of one class: (1 + b²) TP / ((1 + b²) TP + b² FN + FP). van Rijsbergen (1979), chapter 7.
///
/// ```
/// use remuda_stats::classification::{Binary, f_beta};
/// let cells = Binary { true_positives: 80.0, false_positives: 20.0, false_negatives: 25.0, true_negatives: 0.0 };
/// assert!((f_beta(cells, 1.0)? - 0.7804878048780488).abs() < 1e-15);
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// [`Undefined::NoPositives`] when no row is positive or predicted to be.
pub fn f_beta(cells: Binary, beta: f64) -> Result<f64> {
    let square = beta * beta;
    let above = (1.0 + square) * cells.true_positives;
    share(above, above + square * cells.false_negatives + cells.false_positives, Undefined::NoPositives)
}

/// How the classes of a matrix are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Average {
    /// The plain mean over classes that occur in truth or prediction.
    Macro,
    /// All classes' cells summed first.
    Micro,
    /// The mean weighted by how often each class is true.
    Weighted,
}

/// What a class contributes for which the number does not exist (never predicted, so without a precision).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Absent {
    /// The average does not exist either.
    Refuse,
    /// It contributes 0, as scikit-learn's `zero_division=0` does.
    CountAsZero,
}

/// Precision over all classes.
///
/// # Errors
/// No rows, a matrix of the wrong size, or a class without a precision under [`Absent::Refuse`].
pub fn average_precision_of_classes(matrix: Matrix<'_>, average: Average, absent: Absent) -> Result<f64> {
    averaged(matrix, average, absent, precision)
}

/// Recall over all classes.
///
/// # Errors
/// As [`average_precision_of_classes`].
pub fn average_recall(matrix: Matrix<'_>, average: Average, absent: Absent) -> Result<f64> {
    averaged(matrix, average, absent, recall)
}

/// F-beta over all classes. It exists for every class that occurs, so nothing has to be refused.
///
/// # Errors
/// No rows or a matrix of the wrong size.
pub fn average_f_beta(matrix: Matrix<'_>, average: Average, beta: f64) -> Result<f64> {
    averaged(matrix, average, Absent::Refuse, |cells| f_beta(cells, beta))
}

/// The share of rows predicted right.
///
/// # Errors
/// No rows or a matrix of the wrong size.
pub fn accuracy(matrix: Matrix<'_>) -> Result<f64> {
    let margins = Margins::new(matrix)?;
    Ok(margins.right.iter().sum::<f64>() / margins.total)
}

/// The mean recall over the classes that are true at least once.
///
/// # Errors
/// No rows or a matrix of the wrong size.
pub fn balanced_accuracy(matrix: Matrix<'_>) -> Result<f64> {
    let margins = Margins::new(matrix)?;
    let recalls = || margins.right.iter().zip(&margins.truth).filter(|(_, truth)| **truth > 0.0);
    Ok(recalls().map(|(right, truth)| right / truth).sum::<f64>() / recalls().count() as f64)
}

/// The correlation of Matthews (1975) for any number of classes (Gorodkin 2004).
///
/// # Errors
/// [`Undefined::OneValueOnly`] when all rows are of one class or predicted to be: it is 0/0 there.
pub fn matthews(matrix: Matrix<'_>) -> Result<f64> {
    let margins = Margins::new(matrix)?;
    let total = margins.total;
    let right: f64 = margins.right.iter().sum();
    let product: f64 = margins.truth.iter().zip(&margins.predicted).map(|(t, p)| t * p).sum();
    let truth: f64 = total * total - margins.truth.iter().map(|t| t * t).sum::<f64>();
    let predicted: f64 = total * total - margins.predicted.iter().map(|p| p * p).sum::<f64>();
    if truth <= 0.0 || predicted <= 0.0 {
        return Err(Undefined::OneValueOnly);
    }
    Ok((right * total - product) / (truth.sqrt() * predicted.sqrt()))
}

/// Cohen's kappa of truth and prediction: agreement beyond chance (Cohen 1960).
///
/// # Errors
/// [`Undefined::OneValueOnly`] when chance alone agrees wholly.
pub fn kappa(matrix: Matrix<'_>) -> Result<f64> {
    let margins = Margins::new(matrix)?;
    let total = margins.total;
    let right = margins.right.iter().sum::<f64>() / total;
    let chance: f64 = margins.truth.iter().zip(&margins.predicted).map(|(t, p)| t * p).sum::<f64>() / (total * total);
    share(right - chance, 1.0 - chance, Undefined::OneValueOnly)
}

/// The mean cost per row under `costs[truth * classes + predicted]`.
///
/// # Errors
/// No rows, matrices of different size, or costs that are not finite.
pub fn mean_cost(matrix: Matrix<'_>, costs: &[f64]) -> Result<f64> {
    let margins = Margins::new(matrix)?;
    check_lengths(matrix.counts.len(), costs.len())?;
    crate::estimate::check_finite(costs)?;
    Ok(matrix.counts.iter().zip(costs).map(|(count, cost)| count * cost).sum::<f64>() / margins.total)
}

/// The cells a perfectly calibrated score leads one to expect without labels: CBPE, confidence-based performance
/// estimation. Each predicted positive is right with chance `score`, each predicted negative with 1 - `score`.
///
/// # Errors
/// No rows, columns of different length, or scores outside [0, 1].
pub fn expected_cells(scores: &[f64], predicted_positive: &[bool]) -> Result<Binary> {
    check_lengths(scores.len(), predicted_positive.len())?;
    if scores.is_empty() {
        return Err(Undefined::NoRows);
    }
    let mut cells = Binary { true_positives: 0.0, false_positives: 0.0, false_negatives: 0.0, true_negatives: 0.0 };
    for (score, positive) in scores.iter().zip(predicted_positive) {
        check_closed("a score", *score)?;
        if *positive {
            cells.true_positives += score;
            cells.false_positives += 1.0 - score;
        } else {
            cells.false_negatives += score;
            cells.true_negatives += 1.0 - score;
        }
    }
    Ok(cells)
}

fn share(above: f64, below: f64, otherwise: Undefined) -> Result<f64> {
    if below > 0.0 { Ok(above / below) } else { Err(otherwise) }
}

fn averaged(
    matrix: Matrix<'_>,
    average: Average,
    absent: Absent,
    of_class: impl Fn(Binary) -> Result<f64>,
) -> Result<f64> {
    let margins = Margins::new(matrix)?;
    if average == Average::Micro {
        let right: f64 = margins.right.iter().sum();
        let wrong = margins.total - right;
        return of_class(Binary {
            true_positives: right,
            false_positives: wrong,
            false_negatives: wrong,
            true_negatives: 0.0,
        });
    }
    let (mut sum, mut weights) = (0.0, 0.0);
    for class in 0..matrix.classes {
        if margins.truth[class] + margins.predicted[class] == 0.0 {
            continue;
        }
        let weight = if average == Average::Macro { 1.0 } else { margins.truth[class] };
        if weight == 0.0 {
            continue;
        }
        let value = match of_class(margins.binary(class)) {
            Ok(value) => value,
            Err(_) if absent == Absent::CountAsZero => 0.0,
            Err(reason) => return Err(reason),
        };
        sum += weight * value;
        weights += weight;
    }
    Ok(sum / weights)
}

/// Row, column and diagonal sums.
struct Margins {
    total: f64,
    truth: Vec<f64>,
    predicted: Vec<f64>,
    right: Vec<f64>,
}

impl Margins {
    fn new(matrix: Matrix<'_>) -> Result<Self> {
        let classes = matrix.classes;
        check_lengths(classes * classes, matrix.counts.len())?;
        let (mut truth, mut predicted) = (vec![0.0; classes], vec![0.0; classes]);
        let mut right = vec![0.0; classes];
        for (index, count) in matrix.counts.iter().enumerate() {
            if !(*count >= 0.0 && count.is_finite()) {
                return Err(out_of_range("a cell of the confusion matrix", *count));
            }
            let (row, column) = (index / classes, index % classes);
            truth[row] += count;
            predicted[column] += count;
            if row == column {
                right[row] += count;
            }
        }
        let total: f64 = truth.iter().sum();
        if total > 0.0 { Ok(Self { total, truth, predicted, right }) } else { Err(Undefined::NoRows) }
    }

    fn binary(&self, class: usize) -> Binary {
        let true_positives = self.right[class];
        let false_positives = self.predicted[class] - true_positives;
        let false_negatives = self.truth[class] - true_positives;
        Binary {
            true_positives,
            false_positives,
            false_negatives,
            true_negatives: (self.total - true_positives - false_positives - false_negatives).max(0.0),
        }
    }
}
