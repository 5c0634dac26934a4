//! The stream of random bits behind sampling and changes. The same names give the same bits on every machine, and no
//! test's bits depend on those of another.

/// SplitMix64 (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators").
pub(super) struct Stream(u64);

impl Stream {
    /// The stream of these names under a seed.
    pub(super) fn of(seed: u64, names: &[&str]) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&seed.to_le_bytes());
        for name in names {
            hasher.update(&(name.len() as u64).to_le_bytes());
            hasher.update(name.as_bytes());
        }
        let mut first = [0_u8; 8];
        first.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
        Self(u64::from_le_bytes(first))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`; 0 for a bound of 0. The bias of the widening product is below bound / 2^64.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// A place in a list of this length.
    pub(super) fn place(&mut self, length: usize) -> usize {
        self.below(length as u64) as usize
    }

    /// `wanted` different numbers below `total`, in ascending order; all where there are no more. Floyd's method
    /// (Bentley and Floyd 1987, "A sample of brilliance").
    pub(super) fn sample(&mut self, total: u64, wanted: u64) -> Vec<u64> {
        if wanted >= total {
            return (0..total).collect();
        }
        let mut chosen = std::collections::BTreeSet::new();
        for last in total - wanted..total {
            let drawn = self.below(last + 1);
            if !chosen.insert(drawn) {
                chosen.insert(last);
            }
        }
        chosen.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_has_as_many_different_numbers_as_asked_for() {
        for (total, wanted) in [(10, 3), (10, 10), (3, 10), (1_000_000_007, 50), (0, 5)] {
            let sample = Stream::of(1, &["a"]).sample(total, wanted);
            assert_eq!(sample.len() as u64, total.min(wanted));
            assert!(sample.windows(2).all(|pair| pair[0] < pair[1]) && sample.iter().all(|number| *number < total));
        }
        assert_eq!(Stream::of(1, &["a"]).sample(100, 5), Stream::of(1, &["a"]).sample(100, 5));
        assert_ne!(Stream::of(1, &["a"]).sample(100, 5), Stream::of(2, &["a"]).sample(100, 5));
        assert_ne!(Stream::of(1, &["a", "b"]).sample(100, 5), Stream::of(1, &["ab"]).sample(100, 5));
    }
}
