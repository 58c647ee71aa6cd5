//! The seeded source of chance, so that a run with faults can be repeated.
//!
//! The generator is Steele, Lea and Flood's split-mix; it is small, passes the usual tests, and any
//! seed is as good as another.

/// A seeded generator.
#[derive(Debug, Clone)]
pub(in crate::sandbox) struct Random(u64);

impl Random {
    pub(in crate::sandbox) fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    pub(in crate::sandbox) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below a bound, which must not be zero; the bias of the remainder is far below what a
    /// rate of one in a million could show.
    pub(in crate::sandbox) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    /// A position in something of that length.
    pub(in crate::sandbox) fn position(&mut self, length: usize) -> usize {
        let bound = u64::try_from(length).unwrap_or(u64::MAX);
        usize::try_from(self.below(bound)).unwrap_or_default()
    }

    /// Puts items into an order of chance.
    pub(in crate::sandbox) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.position(last + 1));
        }
    }
}

/// A seed out of a seed and a text, the same on every machine.
pub(in crate::sandbox) fn mixed(seed: u64, text: &str) -> u64 {
    let start = Random::seeded(seed).next();
    text.bytes().fold(start, |mixed, byte| Random::seeded(mixed ^ u64::from(byte)).next())
}
