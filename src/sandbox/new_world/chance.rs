//! Numbers that look like chance and follow from what they are asked for.

/// A number that is spread evenly and is always the same for the same question.
pub(super) fn roll(question: &str, number: u32, detail: u32) -> u64 {
    let mut state = u64::from(number) << 32 | u64::from(detail);
    for byte in question.bytes() {
        state = mix(state ^ u64::from(byte));
    }
    mix(state)
}

/// One step of the generator that is known as `SplitMix64`.
fn mix(state: u64) -> u64 {
    let mut mixed = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// One of so many, from zero.
pub(super) fn pick(question: &str, number: u32, many: u32) -> u32 {
    let many = u64::from(many.max(1));
    u32::try_from(roll(question, number, 0) % many).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn picks_are_spread_evenly() {
        let mut counts = [0_u32; 10];
        for number in 0..10_000 {
            counts[usize::try_from(pick("spread", number, 10)).unwrap()] += 1;
        }
        assert!(counts.iter().all(|count| (850..1150).contains(count)), "{counts:?}");
        assert_ne!(roll("a", 1, 2), roll("b", 1, 2));
    }
}
