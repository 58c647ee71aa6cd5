//! Decimals as Python's `Decimal` reads them, with their digits and exponent as written.
//!
//! `1.230` and `1.23` are different here: the server counts the places that were written.

use crate::domain::Amount;

/// The zeros of the decimal digits of other scripts; each is followed by its one to nine.
const ZEROS: [char; 36] = [
    '\u{660}', '\u{6f0}', '\u{7c0}', '\u{966}', '\u{9e6}', '\u{a66}', '\u{ae6}', '\u{b66}', '\u{be6}',
    '\u{c66}', '\u{ce6}', '\u{d66}', '\u{de6}', '\u{e50}', '\u{ed0}', '\u{f20}', '\u{1040}', '\u{1090}',
    '\u{17e0}', '\u{1810}', '\u{1946}', '\u{19d0}', '\u{1a80}', '\u{1a90}', '\u{1b50}', '\u{1bb0}',
    '\u{1c40}', '\u{1c50}', '\u{a620}', '\u{a8d0}', '\u{a900}', '\u{a9d0}', '\u{a9f0}', '\u{aa50}',
    '\u{abf0}', '\u{ff10}',
];

/// A finite decimal number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sandbox) struct Decimal {
    negative: bool,
    /// Without leading zeros; zero is one `0`.
    digits: String,
    exponent: i64,
}

impl Decimal {
    /// Reads a number; blanks around it and underscores in it do not matter, digits may be of any
    /// script. Infinities and "not a number" are none.
    pub(in crate::sandbox) fn parse(text: &str) -> Option<Self> {
        let plain: String =
            text.trim().chars().filter(|&character| character != '_').map(ascii).collect::<Option<_>>()?;
        let (negative, unsigned) = match plain.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, plain.strip_prefix('+').unwrap_or(&plain)),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, read_exponent(exponent)?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}");
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let kept = digits.trim_start_matches('0');
        let digits = if kept.is_empty() { "0".to_owned() } else { kept.to_owned() };
        let exponent = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?;
        Some(Self { negative, digits, exponent })
    }

    /// How many digits stand before the point, how many after it, and how many there are in all, as
    /// the server counts them.
    pub(in crate::sandbox) fn places(&self) -> Places {
        let digits = i64::try_from(self.digits.len()).unwrap_or(i64::MAX);
        let decimal = self.exponent.saturating_neg();
        if self.exponent >= 0 {
            let total = digits.saturating_add(self.exponent);
            Places { total, decimal: 0, whole: total }
        } else if digits > decimal {
            Places { total: digits, decimal, whole: digits - decimal }
        } else {
            Places { total: decimal, decimal, whole: 0 }
        }
    }

    /// The amount; `None` beyond what an amount can hold.
    pub(in crate::sandbox) fn amount(&self) -> Option<Amount> {
        let sign = if self.negative { "-" } else { "" };
        Amount::parse(&format!("{sign}{}e{}", self.digits, self.exponent)).ok()
    }
}

/// The digits of a number, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sandbox) struct Places {
    pub total: i64,
    pub decimal: i64,
    pub whole: i64,
}

fn ascii(character: char) -> Option<char> {
    if character.is_ascii() {
        return Some(character);
    }
    let code = u32::from(character);
    let value = ZEROS
        .iter()
        .map(|&zero| u32::from(zero))
        .find_map(|zero| code.checked_sub(zero).filter(|&value| value < 10))?;
    char::from_digit(value, 10)
}

fn read_exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|exponent: &i64| exponent.unsigned_abs() < 1_000_000_000_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_python_takes_for_a_number_is_one() {
        for (text, amount) in [
            (" 7 ", "7.00"),
            ("1_000", "1000.00"),
            ("١٢", "12.00"),
            ("5.", "5.00"),
            (".5", "0.50"),
            ("1E-2", "0.01"),
            ("-0", "0.00"),
        ] {
            let read = Decimal::parse(text).and_then(|decimal| decimal.amount());
            assert_eq!(read.map(|read| read.to_string()).as_deref(), Some(amount), "{text}");
        }
        for text in ["", ".", "1,5", "1 000", "0x10", "NaN", "-inf", "True", "1e", "--1"] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }

    #[test]
    fn written_places_are_counted_and_not_significant_ones() {
        let places = |text: &str| Decimal::parse(text).map(|decimal| decimal.places());
        assert_eq!(places("1.230"), Some(Places { total: 4, decimal: 3, whole: 1 }));
        assert_eq!(places("0.001"), Some(Places { total: 3, decimal: 3, whole: 0 }));
        assert_eq!(places("1e18"), Some(Places { total: 19, decimal: 0, whole: 19 }));
        assert_eq!(places("0e400"), Some(Places { total: 401, decimal: 0, whole: 401 }));
    }
}
