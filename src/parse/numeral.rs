//! A number as people write it, and what it can mean.
//!
//! `1.234` is one number to a German and another one to an American. A [`Numeral`] takes a text apart
//! (sign, digits, separators, exponent, what stands around them) and says which readings it allows;
//! which one is meant is decided over the whole column, in `column`. The law kept here: what a reading
//! gives is exactly what is written, digit by digit, or there is no such reading.

use std::borrow::Cow;

/// The sign between the whole and its fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecimalSign {
    /// `1,234.5`
    Point,
    /// `1.234,5`
    Comma,
}

impl DecimalSign {
    /// The sign itself, and the one that then can only set thousands apart.
    fn signs(self) -> (char, char) {
        match self {
            Self::Point => ('.', ','),
            Self::Comma => (',', '.'),
        }
    }
}

/// Which decimal signs a number can have been written with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readings {
    /// It is the same number with both.
    Alike,
    /// It is a number with one of them alone, and so shows which one its writer uses.
    Only(DecimalSign),
    /// It is a number with both, and not the same one.
    Either,
}

/// What stands around a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Around<'a> {
    /// Nothing.
    Nothing,
    /// A unit behind it.
    Unit(&'a str),
    /// A percent or per mille sign.
    Percent,
    /// A currency.
    Currency,
}

/// A number, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numeral<'a> {
    is_negative: bool,
    mantissa: &'a str,
    exponent: &'a str,
    around: Around<'a>,
    /// The sign or code of its currency; empty where it has none.
    currency: &'a str,
}

/// No unit is longer, so a longer text behind a number is none.
const LONGEST_UNIT: usize = 50;
/// No number that means anything is longer; Excel itself writes up to 309 digits.
const LONGEST: usize = 400;
const CURRENCIES: [&str; 20] = [
    "EUR", "USD", "GBP", "CHF", "SEK", "NOK", "DKK", "ISK", "PLN", "CZK", "HUF", "RON", "BGN", "UAH", "TRY",
    "JPY", "CNY", "CAD", "AUD", "INR",
];

/// Writes full-width characters, the blanks that set thousands apart, apostrophes and dashes of any make
/// as the plain ones.
pub fn plain(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return text.into();
    }
    let plain = |character| match character {
        '\u{ff01}'..='\u{ff5e}' => {
            let code = u32::from(character) - 0xff01 + 0x21;
            char::from_u32(code).unwrap_or(character)
        }
        '\u{a0}' | '\u{2007}' | '\u{2009}' | '\u{202f}' | '\u{3000}' => ' ',
        '\u{2018}' | '\u{2019}' => '\'',
        '\u{2212}' | '\u{2010}' | '\u{2011}' | '\u{2012}' | '\u{2013}' | '\u{2014}' => '-',
        other => other,
    };
    text.chars().map(plain).collect::<String>().into()
}

/// The longest number that is told from others at a glance.
const LONGEST_GLANCE: usize = 40;

/// Whether a text is digits and nothing else.
pub fn is_whole_number(text: &str) -> bool {
    (1..=LONGEST_GLANCE).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a text is digits with a decimal point between them: not three of them behind it, which could be
/// thousands. Nearly all amounts are so, and have the one reading that they look like.
pub fn is_plain_decimal(text: &str) -> bool {
    let Some((whole, fraction)) = text.split_once('.').filter(|_| text.len() <= LONGEST_GLANCE) else {
        return false;
    };
    fraction.len() != 3 && is_whole_number(whole) && is_whole_number(fraction)
}

impl<'a> Numeral<'a> {
    /// Takes a text apart that [`plain`] has gone over; `None` where it is no number in any reading.
    pub fn of(text: &'a str) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let bracketed = text.strip_prefix('(').and_then(|text| text.strip_suffix(')'));
        let mut rest = bracketed.unwrap_or(text).trim();
        let (mut sign, mut currency) = (None, "");
        loop {
            if let Some(after) = rest.strip_prefix(['+', '-']).filter(|_| sign.is_none()) {
                sign = Some(rest.starts_with('-'));
                rest = after.trim_start();
            } else if let Some(after) = after_currency(rest).filter(|_| currency.is_empty()) {
                currency = &rest[..rest.len() - after.len()];
                rest = after.trim_start();
            } else {
                break;
            }
        }
        let end = rest.find(|one: char| !is_of_number(one)).unwrap_or(rest.len());
        let mantissa = rest[..end].trim_end();
        let follows = mantissa.len() == end;
        let (exponent, behind) = exponent(&rest[end..]).filter(|_| follows).unwrap_or(("", &rest[end..]));
        let behind = behind.trim();
        // A minus behind the number is the way of old ledgers to write one below zero.
        let before_minus = behind.strip_suffix('-').or_else(|| behind.strip_prefix('-'));
        let behind_number = before_minus.unwrap_or(behind).trim();
        let around = match around(behind_number)? {
            Around::Nothing if !currency.is_empty() => Around::Currency,
            Around::Currency if currency.is_empty() => {
                currency = behind_number;
                Around::Currency
            }
            // Two currencies, or money with a unit, are no number that anybody can believe.
            Around::Currency | Around::Unit(_) | Around::Percent
                if !currency.is_empty() && currency != behind_number =>
            {
                return None;
            }
            around => around,
        };
        let signs = [bracketed.is_some(), sign.is_some(), before_minus.is_some()];
        if signs.into_iter().filter(|&is_there| is_there).count() > 1 {
            return None;
        }
        let is_negative = bracketed.is_some() || sign == Some(true) || before_minus.is_some();
        // `0x10` is 16 to whoever wrote it, and no zero with a unit.
        if mantissa == "0" && behind.starts_with(['x', 'X']) {
            return None;
        }
        let numeral = Self { is_negative, mantissa, exponent, around, currency };
        let is_number = numeral.whole_and_fraction(DecimalSign::Point).is_some()
            || numeral.whole_and_fraction(DecimalSign::Comma).is_some();
        is_number.then_some(numeral)
    }

    /// What stands around it.
    pub fn around(&self) -> Around<'a> {
        self.around
    }

    /// The sign or code of its currency; empty where it has none.
    pub fn currency(&self) -> &'a str {
        self.currency
    }

    /// The readings that it allows.
    pub fn readings(&self) -> Readings {
        let is_sound = |sign| self.whole_and_fraction(sign).is_some();
        match (is_sound(DecimalSign::Point), is_sound(DecimalSign::Comma)) {
            // Whichever of the two stands in it is a decimal sign to one reading and none to the other.
            (true, true) if self.mantissa.contains(['.', ',']) => Readings::Either,
            (true, false) => Readings::Only(DecimalSign::Point),
            (false, true) => Readings::Only(DecimalSign::Comma),
            (true, true) | (false, false) => Readings::Alike,
        }
    }

    /// The number with one of the signs, as [`Amount::parse`](crate::domain::Amount::parse) takes it.
    pub fn plain(&self, sign: DecimalSign) -> Option<String> {
        let (whole, fraction) = self.whole_and_fraction(sign)?;
        let mut text = String::with_capacity(self.mantissa.len() + self.exponent.len() + 2);
        text.push_str(if self.is_negative { "-" } else { "" });
        text.extend(whole.chars().filter(char::is_ascii_digit));
        if !fraction.is_empty() {
            text.push('.');
            text.push_str(fraction);
        }
        text.push_str(self.exponent);
        Some(text)
    }

    /// How many decimal places it has with one of the signs.
    pub fn places(&self, sign: DecimalSign) -> usize {
        self.whole_and_fraction(sign).map_or(0, |(_, fraction)| fraction.len())
    }

    fn whole_and_fraction(&self, sign: DecimalSign) -> Option<(&'a str, &'a str)> {
        let (decimal, other) = sign.signs();
        let (whole, fraction) = match self.mantissa.split_once(decimal) {
            Some((_, "")) => return None,
            Some((whole, fraction)) => (whole, fraction),
            None => (self.mantissa, ""),
        };
        let is_sound = fraction.bytes().all(|byte| byte.is_ascii_digit())
            && (is_whole(whole, other, !self.exponent.is_empty())
                || whole.is_empty() && !fraction.is_empty());
        is_sound.then_some((whole, fraction))
    }
}

/// Whether a text is a whole number: digits alone, or groups of three with one separator between them.
fn is_whole(text: &str, other: char, has_exponent: bool) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let Some(separator) = text.chars().find(|one| !one.is_ascii_digit()) else { return digits(text) };
    if has_exponent || !(separator == other || matches!(separator, ' ' | '\'')) {
        return false;
    }
    let mut groups = text.split(separator);
    // Nobody writes a zero before the first thousand, so `0,125` can only be a fraction.
    let first =
        groups.next().is_some_and(|first| digits(first) && first.len() <= 3 && !first.starts_with('0'));
    first && groups.all(|group| digits(group) && group.len() == 3)
}

fn is_of_number(one: char) -> bool {
    one.is_ascii_digit() || matches!(one, '.' | ',' | ' ' | '\'')
}

fn is_currency_symbol(one: char) -> bool {
    matches!(one, '$' | '\u{a2}'..='\u{a5}' | '\u{20a0}'..='\u{20cf}' | '\u{ffe0}' | '\u{ffe1}' | '\u{ffe5}')
}

fn after_currency(text: &str) -> Option<&str> {
    text.strip_prefix(is_currency_symbol)
        .or_else(|| CURRENCIES.iter().find_map(|currency| text.strip_prefix(currency)))
}

/// Splits an exponent off, such as `e-3` or `E+05`.
fn exponent(text: &str) -> Option<(&str, &str)> {
    let digits = text.strip_prefix(['e', 'E'])?;
    let digits = digits.strip_prefix(['+', '-']).unwrap_or(digits);
    let rest = digits.trim_start_matches(|one: char| one.is_ascii_digit());
    if rest.len() == digits.len()
        || rest.starts_with(|one: char| one.is_alphanumeric() || one == '.' || one == ',')
    {
        return None;
    }
    Some(text.split_at(text.len() - rest.len()))
}

fn around(text: &str) -> Option<Around<'_>> {
    let is_currency = CURRENCIES.contains(&text) || text.chars().all(is_currency_symbol);
    match text {
        "" => Some(Around::Nothing),
        "%" | "\u{2030}" | "pct" | "percent" => Some(Around::Percent),
        _ if is_currency => Some(Around::Currency),
        _ if text.len() <= LONGEST_UNIT
            && text.starts_with(|one: char| one.is_alphabetic() || one == '°') =>
        {
            Some(Around::Unit(text))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{Amount, AmountError};

    /// The two readings of a text: with a point, then with a comma.
    fn read(text: &str) -> Option<(Option<String>, Option<String>)> {
        let text = plain(text);
        let numeral = Numeral::of(&text)?;
        Some((numeral.plain(DecimalSign::Point), numeral.plain(DecimalSign::Comma)))
    }

    #[test]
    fn a_number_has_the_readings_that_its_separators_allow() {
        let table = [
            ("12", "12", "12"),
            ("007", "007", "007"),
            ("1234", "1234", "1234"),
            ("1.234", "1.234", "1234"),
            ("1,234", "1234", "1.234"),
            ("12,345", "12345", "12.345"),
            ("123.456", "123.456", "123456"),
            ("1234.567", "1234.567", ""),
            ("1234,567", "", "1234.567"),
            ("0.125", "0.125", ""),
            ("0,125", "", "0.125"),
            ("1.5", "1.5", ""),
            ("1,50", "", "1.50"),
            (".5", ".5", ""),
            (",234", "", ".234"),
            ("1.234,5", "", "1234.5"),
            ("1,234.5", "1234.5", ""),
            ("1.234.567", "", "1234567"),
            ("1,234,567", "1234567", ""),
            ("1 234,50", "", "1234.50"),
            ("1\u{a0}234\u{a0}567", "1234567", "1234567"),
            ("1\u{202f}234,5", "", "1234.5"),
            ("1\u{2009}234.5", "1234.5", ""),
            ("1'234.50", "1234.50", ""),
            ("1’234’567", "1234567", "1234567"),
            ("\u{ff11}\u{ff12}\u{ff0e}\u{ff15}", "12.5", ""),
            ("1 234.567", "1234.567", ""),
            ("(5.00)", "-5.00", ""),
            ("5.00-", "-5.00", ""),
            ("\u{2212}5", "-5", "-5"),
            ("- 5", "-5", "-5"),
            ("+5", "5", "5"),
            ("1.5e3", "1.5e3", ""),
            ("1,5E+03", "", "1.5E+03"),
            ("1.234e3", "1.234e3", ""),
            ("12 h", "12", "12"),
            ("1.234 core-hours", "1.234", "1234"),
            ("€ 1.234,50", "", "1234.50"),
            ("-$5", "-5", "-5"),
            ("EUR 5-", "-5", "-5"),
            ("5- EUR", "-5", "-5"),
            ("50 %", "50", "50"),
        ];
        for (text, point, comma) in table {
            let written = |reading: &str| Some(reading.to_owned()).filter(|reading| !reading.is_empty());
            assert_eq!(read(text), Some((written(point), written(comma))), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_has_no_reading() {
        for text in [
            "",
            "-",
            "\u{2013}",
            ".",
            ",",
            "1.",
            "1,",
            "x",
            "n/a",
            "1 23",
            "1  234",
            "12 34",
            "0 123",
            "1.23,45",
            "1,23.45",
            "12,34,567",
            "1.2.3",
            "1'23",
            "1 234'567",
            "1.234 567",
            "--5",
            "(-5)",
            "-5-",
            "(5",
            "5)",
            "12/5",
            "12:30",
            "2026-11-01",
            "1e",
            "e5",
            "'5",
            "= 5",
            "1 234e2",
            "٣",
            "1_000",
            "NaN",
            "inf",
            "€",
            "ca. 5",
            "5 €%",
            "%5",
            "1..2",
            "1,,2",
            "+-5",
            "1e5.5",
            "0x10",
            "0XFF",
        ] {
            assert_eq!(read(text).filter(|_| !text.starts_with("1e")), None, "{text:?}");
        }
        assert_eq!(read(&"1".repeat(401)), None);
    }

    proptest! {
        #[test]
        fn no_text_panics_and_every_reading_is_a_number(
            text in prop_oneof!["\\PC{0,40}", "[-+0-9., '()eE€%h]{0,16}"],
        ) {
            let text = plain(&text);
            if let Some(numeral) = Numeral::of(&text) {
                for sign in [DecimalSign::Point, DecimalSign::Comma] {
                    let number = numeral.plain(sign).map(|number| Amount::parse(&number));
                    // Nobody means an exponent of seven digits.
                    let is_number = !matches!(number, Some(Err(AmountError::NotANumber)));
                    prop_assert!(is_number || text.contains(['e', 'E']), "{text:?}");
                }
            }
        }
    }

    #[test]
    fn what_stands_around_a_number_is_told() {
        let around = |text: &'static str| Numeral::of(text).map(|numeral| numeral.around());
        assert_eq!(around("12.5 core-hours"), Some(Around::Unit("core-hours")));
        assert_eq!(around("12h"), Some(Around::Unit("h")));
        assert_eq!(around("1e"), Some(Around::Unit("e")));
        assert_eq!(around("1e5x"), Some(Around::Unit("e5x")));
        assert_eq!(around("12.5%"), Some(Around::Percent));
        assert_eq!(around("€12"), Some(Around::Currency));
        assert_eq!(around("12 EUR"), Some(Around::Currency));
        assert_eq!(around("1e5"), Some(Around::Nothing));
    }
}
