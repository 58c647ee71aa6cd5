//! Whether one amount is the other in another unit, or with two digits exchanged.
//!
//! Exact to the last digit, but for a smaller amount that was rounded to two decimal places; such a one
//! needs three digits, because nearly every amount is so many times 0.01.

use std::cmp::Ordering;

use crate::domain::{Amount, times};

use super::totals::size;

/// The ratios that units of time, size and count stand in, with what they may mean.
const RATIOS: [(i64, &str); 14] = [
    (24, "hours and days"),
    (60, "minutes and hours, or seconds and minutes"),
    (1_000, "thousands"),
    (1_024, "a step of 1024, as from MB to GB"),
    (1_440, "minutes and days"),
    (3_600, "seconds and hours"),
    (60_000, "minutes and thousands of hours"),
    (86_400, "seconds and days"),
    (1_000_000, "millions"),
    (1_048_576, "two steps of 1024, as from kB to GB"),
    (3_600_000, "seconds and thousands of hours"),
    (1_000_000_000, "thousand millions"),
    (1_073_741_824, "three steps of 1024, as from bytes to GB"),
    (1_099_511_627_776, "four steps of 1024, as from bytes to TB"),
];

/// Which of the sides is the larger one, how many times, and what that may mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnitRatio {
    /// Whether the first amount is the larger one.
    pub first_is_larger: bool,
    /// How many times.
    pub times: i64,
    /// Which units it may be.
    pub meaning: &'static str,
}

/// The ratio of units that two amounts stand in, where they do.
pub fn unit_ratio(first: Amount, second: Amount) -> Option<UnitRatio> {
    let first_is_larger = size(first) > size(second);
    let (large, small) = if first_is_larger { (first, second) } else { (second, first) };
    if small.is_zero() || large.is_negative() != small.is_negative() {
        return None;
    }
    let (large, small) = (size(large), size(small));
    let is_exact = |ratio: i64| times(small, ratio) == Some(large);
    let is_rounded = |ratio: i64| {
        // The small one is less than half a hundredth off: the large one less than the ratio times that.
        let apart = times(small, ratio).and_then(|whole| large.checked_sub(whole)).map(size);
        let most = Amount::parse("0.005").ok().and_then(|half| times(half, ratio));
        small >= Amount::from(1)
            && small.has_cents_only()
            && apart.zip(most).is_some_and(|(apart, most)| apart <= most)
    };
    let found = RATIOS.iter().find(|(ratio, _)| is_exact(*ratio));
    let (times, meaning) = *found.or_else(|| RATIOS.iter().find(|(ratio, _)| is_rounded(*ratio)))?;
    Some(UnitRatio { first_is_larger, times, meaning })
}

/// Whether two amounts are the same but for two digits that stand side by side.
pub fn are_transposed(first: Amount, second: Amount) -> bool {
    if first.is_negative() != second.is_negative() {
        return false;
    }
    let (first, second) = (first.text(), second.text());
    let digits = |text: &[u8]| -> Vec<u8> { text.iter().copied().filter(u8::is_ascii_digit).collect() };
    let places = |text: &[u8]| text.iter().rev().take_while(|byte| **byte != b'.').count();
    let (mut one, mut other) = (digits(first.as_bytes()), digits(second.as_bytes()));
    let (behind_one, behind_other) = (places(first.as_bytes()), places(second.as_bytes()));
    let behind = behind_one.max(behind_other);
    one.resize(one.len().saturating_add(behind.saturating_sub(behind_one)), b'0');
    other.resize(other.len().saturating_add(behind.saturating_sub(behind_other)), b'0');
    let significant = |digits: &[u8]| digits.iter().skip_while(|digit| **digit == b'0').count();
    // 1.00 and 10.00 have other lengths: that is a factor and no slip of two digits.
    if one.len() != other.len() || significant(&one) != significant(&other) {
        return false;
    }
    let differ: Vec<usize> = (0..one.len()).filter(|place| one[*place] != other[*place]).collect();
    match differ.as_slice() {
        [left, right] if left.saturating_add(1) == *right => {
            one[*left].cmp(&other[*right]) == Ordering::Equal
                && one[*right].cmp(&other[*left]) == Ordering::Equal
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(text: &str) -> Amount {
        Amount::parse(text).expect(text)
    }

    #[test]
    fn ratios_of_units_are_found_and_others_are_not() {
        let ratio = |one: &str, other: &str| {
            let found = unit_ratio(amount(one), amount(other));
            found.map(|found| if found.first_is_larger { found.times } else { -found.times })
        };
        for (one, other, expected) in [
            ("60", "1", Some(60)),
            ("1", "60", Some(-60)),
            ("0.24", "0.01", Some(24)),
            ("7000", "7", Some(1_000)),
            ("7168", "7", Some(1_024)),
            ("3600.36", "1.0001", Some(3_600)),
            ("-120", "-2", Some(60)),
            ("100", "1.67", Some(60)),
            ("101", "1.67", None),
            ("1234567", "1234.57", Some(1_000)),
            ("1234567.89", "1.23", Some(1_000_000)),
            ("1048576", "1", Some(1_048_576)),
            ("1073741824", "1", Some(1_073_741_824)),
            ("99", "0.10", None),
            ("61", "1", None),
            ("60", "-1", None),
            ("60", "0", None),
            ("5", "5", None),
        ] {
            assert_eq!(ratio(one, other), expected, "{one} and {other}");
        }
    }

    #[test]
    fn two_digits_side_by_side_are_exchanged_or_not() {
        for (one, other, expected) in [
            ("1234.56", "1243.56", true),
            ("12.34", "13.24", true),
            ("0.12", "0.21", true),
            ("120", "102", true),
            ("-12.5", "-15.2", true),
            ("0.125", "0.152", true),
            ("0.10", "0.01", false),
            ("10", "1", false),
            ("12", "-21", false),
            ("123", "321", false),
            ("12.34", "12.34", false),
            ("12.34", "12.35", false),
            ("1221", "2112", false),
        ] {
            assert_eq!(are_transposed(amount(one), amount(other)), expected, "{one} and {other}");
            assert_eq!(are_transposed(amount(other), amount(one)), expected, "{other} and {one}");
        }
    }
}
