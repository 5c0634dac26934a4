//! How many labels one holdout needs when it answers many questions, the questions perhaps chosen by the answers.
//!
//! Renggli et al. (2019), "Continuous integration of machine learning models with ease.ml/ci". Distribution-free, hence
//! larger than the exact sizes in `price`; for plans, never for verdicts.

use crate::estimate::{Result, check_open, check_positive, out_of_range};
use serde::{Deserialize, Serialize};

/// Whether an answer may influence the next question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Adaptivity {
    /// The questions are fixed, or the answers hidden until the end.
    None,
    /// Every answer is shown before the next model is made: 2^H histories instead of H questions.
    Full,
}

fn ln_questions(steps: u64, adaptivity: Adaptivity) -> f64 {
    match adaptivity {
        Adaptivity::None => (steps as f64).ln(),
        Adaptivity::Full => steps as f64 * std::f64::consts::LN_2,
    }
}

/// Labels for `steps` one-sided questions `quantity > A` about a mean of values that span `range`, each answered within
/// `epsilon`, all right with chance 1 - `risk`. Hoeffding (1963).
///
/// ```
/// use remuda_stats::adaptivity::{Adaptivity, hoeffding};
/// assert_eq!(hoeffding(1.0, 0.05, 0.01, 32, Adaptivity::Full)?.ceil(), 5358.0);
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// A risk outside (0, 1), no steps, or a range or tolerance that is not positive.
pub fn hoeffding(range: f64, epsilon: f64, risk: f64, steps: u64, adaptivity: Adaptivity) -> Result<f64> {
    check(epsilon, risk, steps)?;
    check_positive("the range", range)?;
    Ok(range * range * (ln_questions(steps, adaptivity) - risk.ln()) / (2.0 * epsilon * epsilon))
}

/// Labels for `steps` questions `new - old > B`, each rate estimated apart with half the tolerance and half the risk,
/// as ease.ml/ci does for a formula of two variables.
///
/// # Errors
/// As [`hoeffding`].
pub fn hoeffding_difference(epsilon: f64, risk: f64, steps: u64, adaptivity: Adaptivity) -> Result<f64> {
    hoeffding(1.0, epsilon / 2.0, risk / 2.0, steps, adaptivity)
}

/// Labels of a question `new - old > B` when the two disagree on less than a share `p` of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bennett {
    /// Rows, all labelled.
    pub labels: f64,
    /// Labels when only the rows on which the two differ are labelled.
    pub where_they_differ: f64,
}

/// Bennett's inequality with variance at most `disagreement`: n = (ln H - ln(risk / 4)) / (p h(epsilon / p)) with
/// h(u) = (1 + u) ln(1 + u) - u.
///
/// # Errors
/// As [`hoeffding`], and a disagreement outside (0, 1).
pub fn bennett(disagreement: f64, epsilon: f64, risk: f64, steps: u64, adaptivity: Adaptivity) -> Result<Bennett> {
    check(epsilon, risk, steps)?;
    check_open("the disagreement", disagreement)?;
    let u = epsilon / disagreement;
    let h = (1.0 + u) * u.ln_1p() - u;
    let labels = (ln_questions(steps, adaptivity) - (risk / 4.0).ln()) / (disagreement * h);
    Ok(Bennett { labels, where_they_differ: labels * disagreement })
}

fn check(epsilon: f64, risk: f64, steps: u64) -> Result<()> {
    check_positive("the tolerance", epsilon)?;
    check_open("the risk", risk)?;
    if steps == 0 { Err(out_of_range("the number of steps", 0.0)) } else { Ok(()) }
}
