//! Metrics of ranked lists, one query at a time and averaged over queries.
//!
//! A query is a list of relevances with the scores that rank it, highest first. Rows with equal scores keep their order
//! in the reciprocal rank and the cut at k, and share their gains in the discounted ones.

use crate::estimate::{Result, Undefined, check_finite, check_lengths, out_of_range};

/// Discounted cumulative gain of the first `k` places (all when `None`), gain the relevance itself, discount
/// 1 / log2(rank + 1), tied rows sharing the mean gain (McSherry & Najork 2008).
///
/// # Errors
/// No rows, columns of different length, values that are not finite, negative relevance, or k = 0.
pub fn discounted_gain(relevance: &[f64], scores: &[f64], k: Option<usize>) -> Result<f64> {
    let order = ranked(relevance, scores)?;
    let k = cut(k, relevance.len())?;
    let discount = |place: usize| if place < k { 1.0 / (place as f64 + 2.0).log2() } else { 0.0 };
    let (mut start, mut sum) = (0, 0.0);
    while start < order.len() {
        let tied = order[start..].iter().take_while(|row| scores[**row] == scores[order[start]]).count();
        let gain: f64 = order[start..start + tied].iter().map(|row| relevance[*row]).sum();
        sum += gain / tied as f64 * (start..start + tied).map(discount).sum::<f64>();
        start += tied;
    }
    Ok(sum)
}

/// Discounted gain over the best possible one: 1 is a perfect order. Järvelin & Kekäläinen (2002).
///
/// ```
/// let ndcg = remuda_stats::ranking::normalized_gain(&[3.0, 2.0, 3.0, 0.0, 1.0, 2.0], &[6.0, 5.0, 4.0, 3.0, 2.0, 1.0], Some(3))?;
/// assert!((ndcg - 0.9777813616305048).abs() < 1e-12);
/// # Ok::<(), remuda_stats::Undefined>(())
/// ```
///
/// # Errors
/// As [`discounted_gain`], and [`Undefined::NoPositives`] when nothing is relevant.
pub fn normalized_gain(relevance: &[f64], scores: &[f64], k: Option<usize>) -> Result<f64> {
    let gain = discounted_gain(relevance, scores, k)?;
    let best = discounted_gain(relevance, relevance, k)?;
    if best > 0.0 { Ok(gain / best) } else { Err(Undefined::NoPositives) }
}

/// One over the rank of the first relevant row; 0 when there is none among the first `k`.
///
/// # Errors
/// As [`discounted_gain`].
pub fn reciprocal_rank(relevance: &[f64], scores: &[f64], k: Option<usize>) -> Result<f64> {
    let order = ranked(relevance, scores)?;
    let k = cut(k, relevance.len())?;
    Ok(order.iter().take(k).position(|row| relevance[*row] > 0.0).map_or(0.0, |place| 1.0 / (place as f64 + 1.0)))
}

/// The share of the first `k` rows that are relevant. A shorter list is judged by its own length.
///
/// # Errors
/// As [`discounted_gain`].
pub fn precision_at(relevance: &[f64], scores: &[f64], k: usize) -> Result<f64> {
    let (hits, places) = hits(relevance, scores, k)?;
    Ok(hits as f64 / places as f64)
}

/// The share of the relevant rows that are among the first `k`.
///
/// # Errors
/// As [`discounted_gain`], and nothing relevant.
pub fn recall_at(relevance: &[f64], scores: &[f64], k: usize) -> Result<f64> {
    let (hits, _) = hits(relevance, scores, k)?;
    let relevant = relevance.iter().filter(|value| **value > 0.0).count();
    if relevant > 0 { Ok(hits as f64 / relevant as f64) } else { Err(Undefined::NoPositives) }
}

/// 1 when a relevant row is among the first `k`, else 0; its mean over queries is the hit rate.
///
/// # Errors
/// As [`discounted_gain`].
pub fn hit_at(relevance: &[f64], scores: &[f64], k: usize) -> Result<f64> {
    Ok(if hits(relevance, scores, k)?.0 > 0 { 1.0 } else { 0.0 })
}

/// Average precision of one query, relevance above zero counting as relevant.
///
/// # Errors
/// As [`discounted_gain`], and nothing relevant.
pub fn average_precision(relevance: &[f64], scores: &[f64]) -> Result<f64> {
    ranked(relevance, scores)?;
    let positive: Vec<bool> = relevance.iter().map(|value| *value > 0.0).collect();
    crate::scoring::average_precision(scores, &positive)
}

/// The mean of a metric over queries, given one result each. The first reason why a query has none is returned: leave
/// such queries out beforehand, and say so.
///
/// # Errors
/// No queries, or a query without a value.
pub fn mean_over_queries(values: impl IntoIterator<Item = Result<f64>>) -> Result<f64> {
    let (mut sum, mut n) = (0.0, 0_u64);
    for value in values {
        sum += value?;
        n += 1;
    }
    if n > 0 { Ok(sum / n as f64) } else { Err(Undefined::NoRows) }
}

fn hits(relevance: &[f64], scores: &[f64], k: usize) -> Result<(usize, usize)> {
    let order = ranked(relevance, scores)?;
    let k = cut(Some(k), relevance.len())?;
    Ok((order.iter().take(k).filter(|row| relevance[**row] > 0.0).count(), k))
}

fn ranked(relevance: &[f64], scores: &[f64]) -> Result<Vec<usize>> {
    check_lengths(relevance.len(), scores.len())?;
    check_finite(relevance)?;
    check_finite(scores)?;
    if let Some(value) = relevance.iter().find(|value| **value < 0.0) {
        return Err(out_of_range("a relevance", *value));
    }
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|one, other| scores[*other].total_cmp(&scores[*one]));
    Ok(order)
}

fn cut(k: Option<usize>, rows: usize) -> Result<usize> {
    match k {
        Some(0) => Err(out_of_range("k", 0.0)),
        Some(k) => Ok(k.min(rows)),
        None => Ok(rows),
    }
}
