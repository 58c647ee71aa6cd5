//! The text of an [`Amount`](super::Amount), made without memory of its own.
//!
//! A server that lists hundreds of usages at once writes an amount in every row, so its digits go
//! straight into an array that is long enough for the largest amount.

/// A sign, twenty-five digits, the point and ten more digits.
const LONGEST: usize = 37;
/// Where the point stands; ten digits come after it.
const POINT: usize = LONGEST - 11;
/// Two decimal places are always written.
const SHORTEST_END: usize = POINT + 3;

/// A decimal number as text, with at least two decimal places and as many more as are set.
#[derive(Debug, Clone, Copy)]
pub struct AmountText {
    bytes: [u8; LONGEST],
    start: usize,
    end: usize,
}

impl AmountText {
    /// The text of so many steps of 10⁻¹⁰, at most 10³⁴ of them.
    pub(super) fn of_steps(steps: i128) -> Self {
        let mut text = Self { bytes: [b'0'; LONGEST], start: LONGEST, end: LONGEST };
        text.push_digits(steps.unsigned_abs());
        if steps < 0 {
            text.push(b'-');
        }
        while text.end > SHORTEST_END && text.bytes[text.end - 1] == b'0' {
            text.end -= 1;
        }
        text
    }

    /// The ASCII text, with its sign where the number is below zero.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// The text without its sign.
    pub(super) fn magnitude(&self) -> &str {
        let bytes = self.as_bytes();
        // There is nothing but ASCII in it.
        str::from_utf8(bytes.strip_prefix(b"-").unwrap_or(bytes)).unwrap_or_default()
    }

    /// Writes the digits of a number from the last to the first, at least one before the point.
    fn push_digits(&mut self, number: u128) {
        let mut rest = number;
        // Division in 128 bits is slow, and hardly any amount needs it.
        let mut short = loop {
            match u64::try_from(rest) {
                Ok(short) => break short,
                Err(_) => self.push_digit((rest % 10).to_le_bytes()[0]),
            }
            rest /= 10;
        };
        while short > 0 || self.start >= POINT {
            self.push_digit((short % 10).to_le_bytes()[0]);
            short /= 10;
        }
    }

    fn push_digit(&mut self, digit: u8) {
        if self.start == POINT + 1 {
            self.push(b'.');
        }
        self.push(b'0' + digit);
    }

    fn push(&mut self, byte: u8) {
        self.start -= 1;
        self.bytes[self.start] = byte;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(steps: i128) -> String {
        String::from_utf8(AmountText::of_steps(steps).as_bytes().to_vec()).unwrap()
    }

    /// The same by the formatting of the standard library.
    fn expected(steps: i128) -> String {
        let unit = 10_u128.pow(10);
        let sign = if steps < 0 { "-" } else { "" };
        let fraction = format!("{:010}", steps.unsigned_abs() % unit);
        let kept = fraction.trim_end_matches('0').len().max(2);
        format!("{sign}{}.{}", steps.unsigned_abs() / unit, &fraction[..kept])
    }

    #[test]
    fn amounts_of_any_size_have_their_text() {
        let largest = 10_i128.pow(34);
        for (steps, text) in [
            (0, "0.00"),
            (1, "0.0000000001"),
            (-1_250_000_000, "-0.125"),
            (10_000_000_000, "1.00"),
            (i128::from(u64::MAX), "1844674407.3709551615"),
            (i128::from(u64::MAX) + 1, "1844674407.3709551616"),
            (largest, "1000000000000000000000000.00"),
            (1 - largest, "-999999999999999999999999.9999999999"),
        ] {
            assert_eq!(written(steps), text);
            assert_eq!(expected(steps), text);
        }
    }

    proptest! {
        #[test]
        fn the_text_is_what_the_standard_library_makes_of_it(
            steps in -10_i128.pow(34)..=10_i128.pow(34),
            places in 0_u32..34,
        ) {
            // Numbers of every length, not only the longest.
            let steps = steps / 10_i128.pow(places);
            prop_assert_eq!(written(steps), expected(steps));
        }
    }
}
