//! Decimals as PostgreSQL's binary form has them: groups of four digits, the first of them the highest.

/// The groups that a value has at most: 38 digits of Arrow, and two that fill the last group.
const GROUPS: usize = 10;

/// Puts a decimal behind its length, given as a whole number of its last digit. There are 2 or 10 decimal
/// places, so that two more fill a group.
pub(super) fn numeric(value: i128, places: u8, out: &mut Vec<u8>) -> Result<(), String> {
    let beyond = || "a number of more than 38 digits".to_owned();
    let filled = value.unsigned_abs().checked_mul(100).ok_or_else(beyond)?;
    let mut groups = [0_u16; GROUPS];
    let count = split(filled, &mut groups).ok_or_else(beyond)?;
    // Groups of zeros at the end are not written.
    let zeros = groups[..count].iter().take_while(|group| **group == 0).count();
    let fraction = i16::from(places.div_ceil(4));
    let written = i16::try_from(count - zeros).unwrap_or_default();
    let weight = if written == 0 { 0 } else { i16::try_from(count).unwrap_or_default() - 1 - fraction };
    let sign: u16 = if value < 0 { 0x4000 } else { 0 };
    out.extend_from_slice(&(8 + 2 * i32::from(written)).to_be_bytes());
    out.extend_from_slice(&written.to_be_bytes());
    out.extend_from_slice(&weight.to_be_bytes());
    out.extend_from_slice(&sign.to_be_bytes());
    out.extend_from_slice(&u16::from(places).to_be_bytes());
    for group in groups[zeros..count].iter().rev() {
        out.extend_from_slice(&group.to_be_bytes());
    }
    Ok(())
}

/// Splits a number into groups, the lowest first; how many there are.
fn split(mut value: u128, groups: &mut [u16; GROUPS]) -> Option<usize> {
    let mut count = 0;
    // Dividing 128 bits is slow, and few amounts need them.
    let mut low = loop {
        if let Ok(low) = u64::try_from(value) {
            break low;
        }
        *groups.get_mut(count)? = u16::try_from(value % 10_000).ok()?;
        value /= 10_000;
        count += 1;
    };
    while low > 0 {
        *groups.get_mut(count)? = u16::try_from(low % 10_000).ok()?;
        low /= 10_000;
        count += 1;
    }
    Some(count)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reads the binary form back, as its documentation describes it.
    fn read(bytes: &[u8]) -> (i128, i16) {
        let word = |at: usize| i16::from_be_bytes([bytes[at], bytes[at + 1]]);
        let length = i32::from_be_bytes(bytes[..4].try_into().unwrap());
        assert_eq!(usize::try_from(length).unwrap(), bytes.len() - 4);
        let (count, weight, sign, scale) = (word(4), word(6), word(8), word(10));
        // In steps of 10^-12, which both kinds of decimals divide.
        let mut value: i128 = 0;
        for group in 0..count {
            let digits = i128::from(word(12 + 2 * usize::try_from(group).unwrap()));
            assert!((0..10_000).contains(&digits));
            let power = u32::try_from(4 * (weight - group) + 12).unwrap();
            value += digits * 10_i128.pow(power);
        }
        if count > 0 {
            assert_ne!(word(12), 0, "a group of zeros at the beginning");
            assert_ne!(word(10 + 2 * usize::try_from(count).unwrap()), 0, "a group of zeros at the end");
        }
        (if sign == 0x4000 { -value } else { value }, scale)
    }

    fn check(value: i128, places: u8) {
        let mut bytes = Vec::new();
        numeric(value, places, &mut bytes).unwrap();
        assert_eq!(read(&bytes), (value * 10_i128.pow(12 - u32::from(places)), places.into()), "{value}");
    }

    #[test]
    fn edges_are_exact() {
        for value in [0, 1, 99, 100, 101, 9_999, 10_000, 1_000_000, 12_345_678, 10_i128.pow(20) - 1] {
            for places in [2, 10] {
                check(value, places);
                check(-value, places);
            }
        }
        check(10_i128.pow(22) - 1, 10);
        assert!(numeric(i128::MAX, 2, &mut Vec::new()).is_err());
    }

    proptest! {
        #[test]
        fn every_decimal_is_exact(value in -(10_i128.pow(20))..10_i128.pow(20), cut in 0_u32..20) {
            check(value / 10_i128.pow(cut), 2);
            check(value / 10_i128.pow(cut) * 10_i128.pow(cut), 10);
        }
    }
}
