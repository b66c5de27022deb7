//! Chance that comes out the same each time: a result can be had again, on any machine.

/// `SplitMix64` (Steele, Lea & Flood, OOPSLA 2014). The seed is the whole state.
pub(crate) struct Dice(pub u64);

impl Dice {
    /// The next 64 bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mix(self.0)
    }

    /// A number below `n`; 0 when `n` is 0. The high half of a product is even enough for lists far shorter than 2^64
    /// (Lemire, ACM TOMACS 29 (2019) 3).
    pub fn below(&mut self, n: usize) -> usize {
        usize::try_from((u128::from(self.next()) * n as u128) >> 64).unwrap_or(0)
    }
}

/// 2^64 divided by the golden ratio.
pub(crate) const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The finaliser: spreads every bit over all.
pub(crate) fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_rolls_as_published() {
        // The first three of seed 1234567, as in the reference implementation (prng.di.unimi.it/splitmix64.c).
        let mut dice = Dice(1_234_567);
        assert_eq!(
            [dice.next(), dice.next(), dice.next()],
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
        assert_eq!(dice.below(0), 0);
        assert!((0..1000).all(|_| dice.below(7) < 7));
    }
}
