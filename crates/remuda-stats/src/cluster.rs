//! Rows that are not independent, or not drawn alike: ratio estimates over clusters, strata, weights.
//!
//! The cluster bootstrap is in `bootstrap`.

use crate::bootstrap::MINIMUM_CLUSTERS;
use crate::estimate::{Estimate, Result, Undefined, check_confidence, check_finite, check_lengths, out_of_range};
use crate::proportion;
use crate::special::{beta, normal, student};
use serde::{Deserialize, Serialize};

/// A ratio of totals with its linearised standard error.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ratio {
    /// Σ k / Σ n.
    pub value: f64,
    /// Its standard error by Taylor linearisation.
    pub standard_error: f64,
    /// Degrees of freedom: clusters less one.
    pub freedom: f64,
}

/// The ratio Σ k / Σ n over clusters (successes and rows of each customer, say) with its linearised error:
/// sqrt(m / (m - 1) Σ (k - p n)²) / Σ n. Cochran (1977), section 6.4.
///
/// ```
/// let ratio = remuda_stats::cluster::ratio(&[1.0, 2.0, 4.0], &[2.0, 3.0, 5.0])?;
/// assert!((ratio.value - 0.7).abs() < 1e-15);
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// Columns of different length, values that are not finite, or fewer than two clusters.
pub fn ratio(above: &[f64], below: &[f64]) -> Result<Ratio> {
    check_lengths(above.len(), below.len())?;
    check_finite(above)?;
    check_finite(below)?;
    if above.len() < 2 {
        return Err(Undefined::TooFew { needed: 2, have: above.len() as u64 });
    }
    let total: f64 = below.iter().sum();
    if total <= 0.0 {
        return Err(Undefined::NoRows);
    }
    let value = above.iter().sum::<f64>() / total;
    let clusters = above.len() as f64;
    let squares: f64 = above.iter().zip(below).map(|(k, n)| (k - value * n).powi(2)).sum();
    Ok(Ratio { value, standard_error: (clusters / (clusters - 1.0) * squares).sqrt() / total, freedom: clusters - 1.0 })
}

/// The ratio over clusters as an estimate: t with m - 1 degrees, at least 30 clusters.
///
/// # Errors
/// As [`ratio`], under 30 clusters, or a ratio that does not vary.
pub fn estimate(above: &[f64], below: &[f64], confidence: f64) -> Result<Estimate> {
    check_confidence(confidence)?;
    let ratio = ratio(above, below)?;
    let clusters = above.len() as u64;
    if clusters < MINIMUM_CLUSTERS {
        return Err(Undefined::TooFewGroups { needed: MINIMUM_CLUSTERS, have: clusters });
    }
    if ratio.standard_error == 0.0 {
        return Err(Undefined::OneValueOnly);
    }
    let half = student::quantile(confidence, ratio.freedom) * ratio.standard_error;
    Ok(Estimate {
        value: ratio.value,
        lower: ratio.value - half,
        upper: ratio.value + half,
        confidence,
        n: clusters,
        method: "linearised ratio over clusters, Student t".to_owned(),
    })
}

/// A rate over clusters: `hits` and `rows` of each. Clopper and Pearson's bounds at the effective number of rows
/// p (1 - p) / se², reduced by the ratio of t quantiles for rows and for clusters: Korn and Graubard (1998), "Confidence
/// intervals for proportions with small expected number of positive counts estimated from survey data". For rates near 0
/// or 1, and few clusters, this holds its level where [`estimate`] does not (docs/concepts/error-rates.md). Where the
/// rate does not vary between clusters each cluster counts as one row.
///
/// ```
/// let (hits, rows): (Vec<f64>, Vec<f64>) = (0..40).map(|i| (f64::from(8 + i % 3), 10.0)).unzip();
/// let rate = remuda_stats::cluster::rate(&hits, &rows, 0.95)?;
/// assert!((rate.value - 0.8975).abs() < 1e-12 && rate.n == 40);
/// assert!((rate.lower - 0.868_9).abs() < 1e-3);
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// As [`ratio`], under 30 clusters, or more hits than rows.
pub fn rate(hits: &[f64], rows: &[f64], confidence: f64) -> Result<Estimate> {
    check_confidence(confidence)?;
    let ratio = ratio(hits, rows)?;
    let clusters = hits.len() as f64;
    if hits.len() < MINIMUM_CLUSTERS as usize {
        return Err(Undefined::TooFewGroups { needed: MINIMUM_CLUSTERS, have: hits.len() as u64 });
    }
    let p = ratio.value;
    if !(0.0..=1.0).contains(&p) {
        return Err(out_of_range("the rate over clusters", p));
    }
    let total: f64 = rows.iter().sum();
    let effective = if ratio.standard_error > 0.0 && p > 0.0 && p < 1.0 {
        let fewer = student::quantile(confidence, total - 1.0) / student::quantile(confidence, clusters - 1.0);
        (p * (1.0 - p) / ratio.standard_error.powi(2) * fewer.powi(2)).min(total)
    } else {
        clusters.min(total)
    };
    let (hit, missed) = (p * effective, (1.0 - p) * effective);
    let alpha = 1.0 - confidence;
    Ok(Estimate {
        value: p,
        lower: if p <= 0.0 { 0.0 } else { beta::inverse(hit, missed + 1.0, alpha).0 },
        upper: if p >= 1.0 { 1.0 } else { beta::inverse(hit + 1.0, missed, 1.0 - alpha).0 },
        confidence,
        n: hits.len() as u64,
        method: "Korn-Graubard over clusters".to_owned(),
    })
}

/// A rate over clusters of which there may be few, with bounds that hold whatever happens within them. Where each cluster
/// has one row this is Clopper and Pearson's; from 30 clusters on it is [`rate`]. Under 30 a cluster counts as one trial:
/// the lower bound is Clopper and Pearson's for the clusters that hit with every row, the upper one that for clusters that
/// hit with any. (A cluster's own rate lies between these two, so the mean over clusters does too; ten rows of one cluster
/// weigh no more than one.)
///
/// ```
/// // Five clusters of ten rows, one of which misses once: one trial in five is not wholly a hit.
/// let rate = remuda_stats::cluster::rate_of_any(&[10.0, 10.0, 9.0, 10.0, 10.0], &[10.0; 5], 0.95)?;
/// let exact = remuda_stats::proportion::rate(4, 5, 0.95)?;
/// assert!((rate.value, rate.lower, rate.upper, rate.n) == (0.98, exact.lower, 1.0, 5));
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// No clusters, none with rows, columns of different length, or more hits than rows.
pub fn rate_of_any(hits: &[f64], rows: &[f64], confidence: f64) -> Result<Estimate> {
    check_lengths(hits.len(), rows.len())?;
    check_finite(hits)?;
    check_finite(rows)?;
    let total: f64 = rows.iter().sum();
    if total <= 0.0 {
        return Err(Undefined::NoRows);
    }
    let value = hits.iter().sum::<f64>() / total;
    if hits.iter().zip(rows).any(|(hits, rows)| hits > rows || *hits < 0.0) {
        return Err(out_of_range("the rate of a cluster", value));
    }
    let clusters = hits.len() as u64;
    let whole = hits.iter().zip(rows).filter(|(hits, rows)| hits >= rows).count() as u64;
    if rows.iter().all(|rows| *rows == 1.0) {
        return proportion::rate(whole, clusters, confidence);
    }
    if clusters >= MINIMUM_CLUSTERS {
        return rate(hits, rows, confidence);
    }
    let any = hits.iter().filter(|hits| **hits > 0.0).count() as u64;
    Ok(Estimate {
        value,
        lower: proportion::rate(whole, clusters, confidence)?.lower.min(value),
        upper: proportion::rate(any, clusters, confidence)?.upper.max(value),
        confidence,
        n: clusters,
        method: "Clopper-Pearson over clusters".to_owned(),
    })
}

/// How much the variance grows because rows come in clusters, and the correlation within them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DesignEffect {
    /// Variance of the clustered rate over that of as many independent rows.
    pub design_effect: f64,
    /// Rows divided by the design effect.
    pub effective_rows: f64,
    /// The correlation within clusters, by one-way analysis of variance.
    pub intraclass_correlation: f64,
}

/// The design effect of a rate over clusters (Kish 1965, section 8.2) and the ANOVA intraclass correlation.
///
/// # Errors
/// As [`ratio`], a rate of 0 or 1, or clusters of one row each.
pub fn design_effect(successes: &[f64], rows: &[f64]) -> Result<DesignEffect> {
    let ratio = ratio(successes, rows)?;
    let p = ratio.value;
    if p <= 0.0 || p >= 1.0 {
        return Err(Undefined::OneValueOnly);
    }
    let total: f64 = rows.iter().sum();
    let clusters = rows.len() as f64;
    if total <= clusters {
        return Err(Undefined::TooFew { needed: clusters as u64 + 1, have: total as u64 });
    }
    let design_effect = ratio.standard_error.powi(2) / (p * (1.0 - p) / total);
    let occupied = || successes.iter().zip(rows).filter(|(_, n)| **n > 0.0);
    let between: f64 = occupied().map(|(k, n)| n * (k / n - p).powi(2)).sum::<f64>() / (clusters - 1.0);
    let within: f64 = occupied().map(|(k, n)| k * (n - k) / n).sum::<f64>() / (total - clusters);
    let typical = (total - rows.iter().map(|n| n * n).sum::<f64>() / total) / (clusters - 1.0);
    let below = between + (typical - 1.0) * within;
    Ok(DesignEffect {
        design_effect,
        effective_rows: if design_effect > 0.0 { total / design_effect } else { total },
        intraclass_correlation: if below > 0.0 { (between - within) / below } else { 0.0 },
    })
}

/// One stratum of a stratified sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stratum {
    /// The stratum's share of the population.
    pub weight: f64,
    /// Sampled rows that count.
    pub successes: u64,
    /// Sampled rows.
    pub n: u64,
}

/// A rate over strata.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stratified {
    /// The rate in the population.
    pub value: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// The rate in the sample, which the sampling distorts.
    pub unweighted: f64,
}

/// The rate in a population sampled by strata: Σ W p, with error sqrt(Σ W² p (1 - p) / (n - 1)). Cochran (1977),
/// section 5.4. Weights are divided by their sum.
///
/// # Errors
/// No strata, weights that are not positive, or a stratum with fewer than two rows.
pub fn stratified(strata: &[Stratum]) -> Result<Stratified> {
    let total: f64 = strata.iter().map(|stratum| stratum.weight).sum();
    if strata.is_empty() {
        return Err(Undefined::NoRows);
    }
    let (mut value, mut variance) = (0.0, 0.0);
    for stratum in strata {
        if !(stratum.weight > 0.0 && stratum.weight.is_finite()) {
            return Err(out_of_range("the weight of a stratum", stratum.weight));
        }
        if stratum.n < 2 {
            return Err(Undefined::TooFew { needed: 2, have: stratum.n });
        }
        if stratum.successes > stratum.n {
            return Err(out_of_range("the number of successes", stratum.successes as f64));
        }
        let weight = stratum.weight / total;
        let p = stratum.successes as f64 / stratum.n as f64;
        value += weight * p;
        variance += weight * weight * p * (1.0 - p) / (stratum.n as f64 - 1.0);
    }
    let rows: u64 = strata.iter().map(|stratum| stratum.n).sum();
    let successes: u64 = strata.iter().map(|stratum| stratum.successes).sum();
    Ok(Stratified { value, standard_error: variance.sqrt(), unweighted: successes as f64 / rows as f64 })
}

/// The mean of rows drawn with known, unequal chances, each weighted by one over its chance (Hájek's ratio), with the
/// linearised normal bounds.
///
/// # Errors
/// Columns of different length, values that are not finite, chances outside (0, 1], or fewer than two rows.
pub fn weighted_mean(values: &[f64], chances: &[f64], confidence: f64) -> Result<Estimate> {
    check_confidence(confidence)?;
    check_lengths(values.len(), chances.len())?;
    check_finite(values)?;
    if let Some(chance) = chances.iter().find(|chance| !(**chance > 0.0 && **chance <= 1.0)) {
        return Err(out_of_range("a sampling probability", *chance));
    }
    let n = values.len() as u64;
    if n < 2 {
        return Err(Undefined::TooFew { needed: 2, have: n });
    }
    let total: f64 = chances.iter().map(|chance| 1.0 / chance).sum();
    let value = values.iter().zip(chances).map(|(value, chance)| value / chance).sum::<f64>() / total;
    let squares: f64 = values.iter().zip(chances).map(|(x, chance)| ((x - value) / chance).powi(2)).sum();
    let error = (n as f64 / (n as f64 - 1.0) * squares).sqrt() / total;
    if error == 0.0 {
        return Err(Undefined::OneValueOnly);
    }
    let half = normal::quantile(confidence) * error;
    Ok(Estimate {
        value,
        lower: value - half,
        upper: value + half,
        confidence,
        n,
        method: "weights 1/pi, linearised ratio".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_clusters_count_as_one_trial_each_and_many_do_not() {
        // One row each: the rows are the trials, however few.
        assert_eq!(rate_of_any(&[1.0, 0.0, 1.0], &[1.0; 3], 0.95), proportion::rate(2, 3, 0.95));
        let (hits, rows): (Vec<f64>, Vec<f64>) = (0..30).map(|i| (f64::from(8 + i % 3), 10.0)).unzip();
        assert_eq!(rate_of_any(&hits, &rows, 0.95), rate(&hits, &rows, 0.95));
        // 29 such clusters, of which every third is a hit as a whole and each is one in part.
        let few = rate_of_any(&hits[..29], &rows[..29], 0.95).map(|rate| (rate.lower, rate.upper, rate.n));
        assert_eq!(few, proportion::rate(9, 29, 0.95).map(|whole| (whole.lower, 1.0, 29)));
    }

    #[test]
    fn the_bounds_enclose_the_rate_where_great_clusters_miss() {
        let estimate = rate_of_any(&[1.0, 1.0, 1.0, 1.0, 0.0], &[1.0, 1.0, 1.0, 1.0, 100.0], 0.5);
        assert!(estimate.is_ok_and(|found| found.lower <= found.value && found.value <= found.upper));
    }

    #[test]
    fn no_rows_have_no_rate() {
        assert_eq!(rate_of_any(&[], &[], 0.95), Err(Undefined::NoRows));
        assert_eq!(rate_of_any(&[0.0], &[0.0], 0.95), Err(Undefined::NoRows));
        assert!(rate_of_any(&[2.0], &[1.0], 0.95).is_err());
        assert!(rate_of_any(&[1.0], &[1.0, 1.0], 0.95).is_err());
    }
}
