//! A curve in few buckets, made while its points go by: each bucket keeps its first, last, least and greatest point, so
//! that a drawing of it looks like one of all points (the M4 aggregation: Jugel, Jerzak, Hackenbroich, Markl (2014), "M4: a
//! visualization-oriented time series data aggregation", PVLDB 7).

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A stretch of a curve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Bucket {
    /// How many points.
    pub n: u64,
    /// The first: place and value.
    pub first: (i64, f64),
    /// The last.
    pub last: (i64, f64),
    /// The least.
    pub min: (i64, f64),
    /// The greatest.
    pub max: (i64, f64),
    /// The mean of the values.
    pub mean: f64,
}

impl Bucket {
    fn of(place: i64, value: f64) -> Self {
        let point = (place, value);
        Self { n: 1, first: point, last: point, min: point, max: point, mean: value }
    }

    /// Takes the points of another bucket over. Of equal places the later one to come is the last.
    fn take(&mut self, other: &Bucket) {
        if other.first.0 < self.first.0 {
            self.first = other.first;
        }
        if other.last.0 >= self.last.0 {
            self.last = other.last;
        }
        if other.min.1 < self.min.1 {
            self.min = other.min;
        }
        if other.max.1 > self.max.1 {
            self.max = other.max;
        }
        let n = self.n + other.n;
        self.mean += (other.mean - self.mean) * (other.n as f64 / n as f64);
        self.n = n;
    }
}

/// Buckets that grow with what comes: never more of them than were asked for.
pub(super) struct Thinner {
    most: usize,
    /// A power of two. At 2^63 the two halves of the line are all that is left.
    width: i128,
    buckets: BTreeMap<i128, Bucket>,
    /// Values that are no numbers, or infinite: no drawing has a place for them.
    pub(super) undefined: u64,
    pub(super) points: u64,
}

impl Thinner {
    /// At most `most` buckets, at least two.
    pub(super) fn new(most: usize) -> Self {
        Self { most: most.max(2), width: 1, buckets: BTreeMap::new(), undefined: 0, points: 0 }
    }

    /// Takes a point.
    pub(super) fn push(&mut self, place: i64, value: Option<f64>) {
        self.points += 1;
        let Some(value) = value.filter(|value| value.is_finite()) else {
            self.undefined += 1;
            return;
        };
        let bucket = Bucket::of(place, value);
        let key = i128::from(place).div_euclid(self.width);
        match self.buckets.get_mut(&key) {
            Some(known) => known.take(&bucket),
            None => {
                self.buckets.insert(key, bucket);
            }
        }
        while self.buckets.len() > self.most {
            self.widen();
        }
    }

    /// Twice as wide: each two neighbours become one.
    fn widen(&mut self) {
        self.width *= 2;
        let mut wider: BTreeMap<i128, Bucket> = BTreeMap::new();
        for (place, bucket) in std::mem::take(&mut self.buckets) {
            match wider.get_mut(&place.div_euclid(2)) {
                Some(known) => known.take(&bucket),
                None => {
                    wider.insert(place.div_euclid(2), bucket);
                }
            }
        }
        self.buckets = wider;
    }

    /// The buckets, in order.
    pub(super) fn finish(self) -> Vec<Bucket> {
        self.buckets.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_points_stay_as_they_are() {
        let mut thinner = Thinner::new(10);
        for step in 0..10 {
            thinner.push(step, Some(step as f64));
        }
        let buckets = thinner.finish();
        assert_eq!(buckets.len(), 10);
        assert!(buckets.iter().all(|bucket| bucket.n == 1 && bucket.first == bucket.max));
    }

    #[test]
    fn many_points_keep_their_peaks_their_ends_and_their_mean() {
        let mut thinner = Thinner::new(100);
        for step in 0..1_000_000_i64 {
            let value = if step == 654_321 { 99.0 } else { (step % 7) as f64 };
            thinner.push(step, Some(value));
        }
        thinner.push(1_000_000, None);
        thinner.push(1_000_001, Some(f64::INFINITY));
        assert_eq!((thinner.points, thinner.undefined), (1_000_002, 2));
        let buckets = thinner.finish();
        assert!((50..=100).contains(&buckets.len()), "{}", buckets.len());
        assert_eq!(buckets.iter().map(|bucket| bucket.n).sum::<u64>(), 1_000_000);
        assert!(buckets.iter().any(|bucket| bucket.max == (654_321, 99.0)));
        assert_eq!(buckets.first().map(|bucket| bucket.first), Some((0, 0.0)));
        assert_eq!(buckets.last().map(|bucket| bucket.last.0), Some(999_999));
        assert!(buckets.iter().all(|bucket| (2.9..3.2).contains(&bucket.mean)));
    }

    #[test]
    fn no_order_of_coming_and_no_place_breaks_it() {
        let mut thinner = Thinner::new(2);
        for place in [i64::MAX, 0, i64::MIN, 5, -5, i64::MAX - 1, i64::MIN + 1] {
            thinner.push(place, Some(place as f64));
        }
        let buckets = thinner.finish();
        assert!(buckets.len() <= 2 && buckets.is_sorted_by_key(|bucket| bucket.first.0));
        assert_eq!(buckets.iter().map(|bucket| bucket.n).sum::<u64>(), 7);
        let mut backwards = Thinner::new(4);
        (0..100).rev().for_each(|step| backwards.push(step, Some(step as f64)));
        let buckets = backwards.finish();
        assert_eq!(buckets.first().map(|bucket| bucket.first), Some((0, 0.0)));
        assert_eq!(buckets.last().map(|bucket| bucket.last), Some((99, 99.0)));
    }
}
