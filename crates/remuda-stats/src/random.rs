//! The stream of random bits behind every resample.
//!
//! Our own few lines and not a dependency, because this is the innermost loop: built with this crate's optimisation in
//! every profile. Not for secrets.

/// xoshiro256++ (Blackman & Vigna 2021, "Scrambled linear pseudorandom number generators"), one stream per resample.
pub(crate) struct Stream {
    state: [u64; 4],
}

impl Stream {
    /// The stream of resample `number` under a seed. Neighbouring seeds and numbers share nothing: both pass through
    /// SplitMix64 (Steele, Lea & Flood 2014) before they meet.
    pub(crate) fn new(seed: u64, number: u64) -> Self {
        let mut mixer = mix(seed.wrapping_add(GOLDEN)) ^ mix(number.wrapping_mul(2).wrapping_add(1)).rotate_left(32);
        let mut next = || {
            mixer = mixer.wrapping_add(GOLDEN);
            mix(mixer)
        };
        Self { state: [next(), next(), next(), next()] }
    }

    /// The next 64 bits.
    #[inline]
    pub(crate) fn next(&mut self) -> u64 {
        let [a, b, c, d] = self.state;
        let result = a.wrapping_add(d).rotate_left(23).wrapping_add(a);
        let (c, d) = (c ^ a, d ^ b);
        self.state = [a ^ d, b ^ c, c ^ (b << 17), d.rotate_left(45)];
        result
    }

    /// A number in (0, 1) with 53 random bits.
    #[inline]
    pub(crate) fn open(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

pub(crate) fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Calls `visit` with `draws` uniform integers below `bound` (above 0): Lemire (2019), "Fast random integer generation in
/// an interval". A 64-bit draw serves two integers while the bound fits 32 bits.
#[inline]
pub(crate) fn draw_below(random: &mut Stream, bound: usize, draws: usize, mut visit: impl FnMut(usize)) {
    let wide = bound as u64;
    if wide > u64::from(u32::MAX) {
        for _ in 0..draws {
            // The bias of the widening product is below bound / 2^64.
            visit(((u128::from(random.next()) * u128::from(wide)) >> 64) as usize);
        }
        return;
    }
    let reject = ((1_u64 << 32) % wide.max(1)) as u32;
    let mut left = draws;
    while left > 1 {
        let word = random.next();
        let (one, two) = ((word & 0xffff_ffff) * wide, (word >> 32) * wide);
        if (one as u32).min(two as u32) >= reject {
            visit((one >> 32) as usize);
            visit((two >> 32) as usize);
            left -= 2;
        }
    }
    while left > 0 {
        let product = (random.next() >> 32) * wide;
        if product as u32 >= reject {
            visit((product >> 32) as usize);
            left -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Stream, draw_below};

    /// The first outputs of the authors' reference code from the state 1, 2, 3, 4.
    #[test]
    fn the_stream_is_xoshiro() {
        let mut stream = Stream { state: [1, 2, 3, 4] };
        let first: Vec<u64> = (0..4).map(|_| stream.next()).collect();
        assert_eq!(first, [41_943_041, 58_720_359, 3_588_806_011_781_223, 3_591_011_842_654_386]);
    }

    #[test]
    fn integers_are_uniform() {
        let mut counts = [0_u32; 7];
        draw_below(&mut Stream::new(1, 2), 7, 70_001, |index| counts[index] += 1);
        assert_eq!(counts.iter().sum::<u32>(), 70_001);
        let chi_square: f64 = counts.iter().map(|count| (f64::from(*count) - 10_000.0).powi(2) / 10_000.0).sum();
        assert!(chi_square < 20.0, "{counts:?}");
    }

    #[test]
    fn neighbouring_streams_differ() {
        let firsts: std::collections::BTreeSet<u64> =
            (0..100).flat_map(|seed| (0..100).map(move |number| Stream::new(seed, number).next())).collect();
        assert_eq!(firsts.len(), 10_000);
    }
}
