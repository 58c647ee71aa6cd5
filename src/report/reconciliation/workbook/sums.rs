//! Sums as they are, and whether a spreadsheet comes to the same.
//!
//! A spreadsheet adds up binary numbers. That is right to the last decimal for almost all that finance
//! has, and wrong in silence for the rest: amounts of more than 15 digits, which stand there as text and
//! are not added at all, and sums beyond 15 digits. So each sum is made twice, exactly and in the way of a
//! spreadsheet, and a formula stands only where both are the same.

use crate::domain::Amount;

/// Digits that a spreadsheet keeps of a number.
const DIGITS: i32 = 15;

/// An amount as a cell can hold it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Figure {
    /// The number; `None` where only a text has all digits.
    pub(super) number: Option<f64>,
    /// How many decimal places are written, at least two.
    pub(super) decimals: u8,
    /// How many characters it has.
    pub(super) length: usize,
}

impl Figure {
    pub(super) fn of(amount: Amount) -> Self {
        let text = amount.text();
        // There is nothing but ASCII in it.
        let text = str::from_utf8(text.as_bytes()).unwrap_or_default();
        let digits = text.trim_start_matches(['-', '0', '.']).bytes().filter(u8::is_ascii_digit).count();
        let decimals = text.rfind('.').map_or(0, |point| text.len() - point - 1);
        Self {
            number: text.parse().ok().filter(|_| digits <= 15),
            decimals: u8::try_from(decimals).unwrap_or(10),
            length: text.len(),
        }
    }
}

/// A sum of amounts that stand in cells.
#[derive(Debug, Clone)]
pub(super) struct Sum {
    exact: Option<Amount>,
    /// What a spreadsheet comes to that adds one cell after the other.
    binary: f64,
    /// How many amounts stand there as text.
    texts: usize,
    /// How many decimal places the most precise of them has.
    decimals: u8,
    /// How many characters the longest of them has.
    length: usize,
}

impl Default for Sum {
    fn default() -> Self {
        Self { exact: Some(Amount::ZERO), binary: 0.0, texts: 0, decimals: 2, length: 0 }
    }
}

impl Sum {
    /// Adds what stands in a cell.
    pub(super) fn add(&mut self, amount: Amount, figure: Figure) {
        self.exact = self.exact.and_then(|sum| sum.checked_add(amount));
        match figure.number {
            Some(number) => self.binary += number,
            None => self.texts += 1,
        }
        self.decimals = self.decimals.max(figure.decimals);
        self.length = self.length.max(figure.length);
    }

    /// Subtracts what stands in a cell.
    pub(super) fn subtract(&mut self, amount: Amount, figure: Figure) {
        self.exact = self.exact.and_then(|sum| sum.checked_sub(amount));
        match figure.number {
            Some(number) => self.binary -= number,
            None => self.texts += 1,
        }
        self.decimals = self.decimals.max(figure.decimals);
    }

    /// The exact sum; `None` beyond the range of amounts.
    pub(super) fn exact(&self) -> Option<Amount> {
        self.exact
    }

    /// Whether some of it stands there as text, which a spreadsheet does not add.
    pub(super) fn has_texts(&self) -> bool {
        self.texts > 0
    }

    /// How many decimal places it takes to write every part of it.
    pub(super) fn decimals(&self) -> u8 {
        self.decimals
    }

    /// How many characters the longest part of it or the sum has.
    pub(super) fn length(&self) -> usize {
        self.length.max(self.exact.map_or(0, |exact| Figure::of(exact).length))
    }

    /// Whether a spreadsheet that adds the cells up and rounds to so many decimals comes to the sum. It may
    /// add them in another order than one after the other, so there has to be room to both sides.
    pub(super) fn is_safe(&self, decimals: u8) -> bool {
        let Some(number) = self.exact.and_then(|exact| Figure::of(exact).number) else { return false };
        let step = 10_f64.powi(-i32::from(decimals));
        self.texts == 0
            && (self.binary - number).abs() < step / 8.0
            && number.abs() < 10_f64.powi(DIGITS - i32::from(decimals))
    }
}

/// An amount as the cached value of a formula.
pub(super) fn cached(amount: Amount) -> String {
    let text = amount.to_string();
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(parts: &[&str]) -> Sum {
        let mut sum = Sum::default();
        for part in parts {
            let amount = part.parse().unwrap();
            sum.add(amount, Figure::of(amount));
        }
        sum
    }

    #[test]
    fn a_sum_that_a_spreadsheet_gets_wrong_is_known() {
        let tenths = sum(&["0.1", "0.2", "-0.3"]);
        assert!(tenths.is_safe(2) && tenths.exact() == Some(Amount::ZERO));
        assert!(tenths.binary != 0.0, "only rounding makes it right");
        assert!(!sum(&["1234567890123.456", "1"]).is_safe(3), "one of them is a text");
        assert!(sum(&["1234567890123.45", "1"]).is_safe(2));
        assert!(!sum(&["9999999999999.99", "0.01"]).is_safe(2), "16 digits");
        // Each of them is exact, and what is left of them is lost beside the largest.
        let lost = sum(&["900000000000.00", "0.0001", "-900000000000.00"]);
        assert!(!lost.is_safe(4) && lost.exact() == Some("0.0001".parse().unwrap()));
    }

    #[test]
    fn cached_values_have_no_digits_to_spare() {
        let cached = |text: &str| cached(text.parse().unwrap());
        assert_eq!([cached("0"), cached("-120.50"), cached("1000")], ["0", "-120.5", "1000"]);
    }
}
