//! Factors between units: exact fractions, and exact products with amounts.
//!
//! A factor is a ratio of two whole numbers, so that `1/60` and `1/1024` are what they say. A product
//! is exact to forty decimal places; a remainder beyond them is never lost to rounding.

use std::fmt;
use std::str::FromStr;

use super::Unrounded;

/// The largest number above or below the line, which is more than a petabyte has bytes.
const LARGEST: u64 = 10_u64.pow(16);

/// A ratio of two whole numbers, both above zero.
///
/// ```
/// # use waldur_usage::domain::Factor;
/// assert_eq!("0.001".parse::<Factor>(), "1/1000".parse());
/// assert_eq!("1/60".parse::<Factor>().unwrap().to_string(), "1/60");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Factor {
    above: u64,
    below: u64,
}

/// A text is no factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a factor above 0, such as 0.001 or 1/1024")]
pub struct FactorError;

impl Factor {
    fn new(above: u64, below: u64) -> Result<Self, FactorError> {
        let common = greatest_common_divisor(above, below);
        if common == 0 || above == 0 || below == 0 {
            return Err(FactorError);
        }
        let (above, below) = (above / common, below / common);
        if above > LARGEST || below > LARGEST { Err(FactorError) } else { Ok(Self { above, below }) }
    }

    /// The numbers above and below the line.
    pub(super) fn parts(self) -> (u64, u64) {
        (self.above, self.below)
    }

    /// So many times a value, to forty decimal places; what lies beyond them is one step of the last
    /// one, so that rounding to fewer goes the right way. `None` below zero and beyond the range.
    pub fn times(self, value: Unrounded) -> Option<Unrounded> {
        value.scaled(self)
    }
}

fn greatest_common_divisor(left: u64, right: u64) -> u64 {
    let (mut left, mut right) = (left, right);
    while right != 0 {
        (left, right) = (right, left % right);
    }
    left
}

/// A decimal without sign or exponent as a whole number and the power of ten below it.
fn decimal(text: &str) -> Result<(u64, u64), FactorError> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || whole.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(FactorError);
    }
    let places = u32::try_from(fraction.len()).map_err(|_| FactorError)?;
    let below = 10_u64.checked_pow(places).ok_or(FactorError)?;
    Ok((digits.parse().map_err(|_| FactorError)?, below))
}

impl FromStr for Factor {
    type Err = FactorError;

    /// Accepts a decimal, `0.001`, or a fraction of whole numbers, `1/1024`.
    fn from_str(text: &str) -> Result<Self, FactorError> {
        match text.trim().split_once('/') {
            None => decimal(text.trim()).and_then(|(above, below)| Self::new(above, below)),
            Some((above, below)) => {
                let whole = |text: &str| match decimal(text.trim())? {
                    (number, 1) => Ok(number),
                    _ => Err(FactorError),
                };
                Self::new(whole(above)?, whole(below)?)
            }
        }
    }
}

impl fmt::Display for Factor {
    /// Writes a decimal where the factor is one, else a fraction.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { above, below } = *self;
        let places = (0..=16).find(|&places| 10_u64.pow(places).is_multiple_of(below));
        let Some(places) = places else { return formatter.pad(&format!("{above}/{below}")) };
        let power = u128::from(10_u64.pow(places));
        let scaled = u128::from(above) * (power / u128::from(below));
        let whole = scaled / power;
        if places == 0 {
            return formatter.pad(&whole.to_string());
        }
        let width = usize::try_from(places).unwrap_or_default();
        formatter.pad(&format!("{whole}.{:0width$}", scaled % power))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::RoundingRule;

    fn times(value: &str, factor: &str) -> String {
        let factor: Factor = factor.parse().expect(factor);
        factor.times(value.parse().expect(value)).expect("in range").to_string()
    }

    #[test]
    fn products_are_exact() {
        for (value, factor, product) in [
            ("512", "0.001", "0.512"),
            ("90", "1/60", "1.50"),
            ("1", "1/1024", "0.0009765625"),
            ("7.25", "3600", "26100.00"),
            ("1099511627776", "1/1099511627776", "1.00"),
            ("999999999999.99", "1/1000", "999999999.99999"),
            ("0", "24", "0.00"),
            ("10", "1/60", "0.1666666666666666666666666666666666666667"),
        ] {
            assert_eq!(times(value, factor), product, "{value} × {factor}");
        }
        let large: Factor = "10000000000000000".parse().unwrap();
        assert_eq!(large.times("1e24".parse().unwrap()), None);
        assert_eq!(large.times("-1".parse().unwrap()), None);
    }

    #[test]
    fn a_remainder_decides_a_tie() {
        // 0.015 is a tie, a third of a step above it is not, nor is a third of a step below it.
        let third: Factor = "1/3".parse().unwrap();
        let rounded = |text: &str, rule| {
            third.times(text.parse().unwrap()).unwrap().to_cents(rule).unwrap().to_string()
        };
        let above = format!("0.045{}1", "0".repeat(36));
        let below = format!("0.044{}9", "9".repeat(36));
        assert_eq!(rounded("0.045", RoundingRule::HalfEven), "0.02");
        assert_eq!(rounded("0.075", RoundingRule::HalfEven), "0.02");
        assert_eq!(rounded(&above, RoundingRule::HalfUp), "0.02");
        assert_eq!(rounded(&below, RoundingRule::HalfUp), "0.01");
        assert_eq!(rounded("0.01", RoundingRule::Up), "0.01");
        assert_eq!(rounded("0.03", RoundingRule::Up), "0.01");
    }

    #[test]
    fn what_is_no_factor_is_refused() {
        for text in
            ["", "0", "-1", "1/0", "0/1", "1e3", ".5", "1,5", "1/1.5", "x", "1 000", "99999999999999999999"]
        {
            assert_eq!(text.parse::<Factor>(), Err(FactorError), "{text:?}");
        }
        for (text, shown) in [("0.0010", "0.001"), ("2/4", "0.5"), ("24", "24"), ("1.0", "1"), ("2/3", "2/3")]
        {
            assert_eq!(text.parse::<Factor>().unwrap().to_string(), shown);
        }
    }

    proptest! {
        #[test]
        fn there_and_back_is_where_it_began(cents in 0_u64..10_u64.pow(14), number in 1_u64..1_000_000) {
            let value: Unrounded = format!("{}.{:02}", cents / 100, cents % 100).parse().unwrap();
            let there: Factor = number.to_string().parse().unwrap();
            let back: Factor = format!("1/{number}").parse().unwrap();
            prop_assert_eq!(back.times(there.times(value).unwrap()), Some(value));
        }
    }
}
