//! Rounding to the two decimal places that a server takes, by a rule that somebody chose.
//!
//! Nothing is rounded unless a rule was given, and what a rule does is told to the last digit: an
//! [`Unrounded`] keeps forty decimal places, so that sums before and after can be set side by side.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::amount::each_digit;
use super::{Amount, AmountError, Factor};

/// Steps of 10⁻¹⁰ in a hundredth.
const CENT: i128 = 10_i128.pow(8);
/// The largest sum, in steps of 10⁻¹⁰.
const LIMIT: i128 = 10_i128.pow(34);
/// Steps of 10⁻⁴⁰ in one of 10⁻¹⁰.
const REST: i128 = 10_i128.pow(30);

/// A part of ten digits.
const PART: u128 = 10_u128.pow(10);

/// What becomes of decimal places beyond the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RoundingRule {
    /// To the nearest; a half goes up.
    HalfUp,
    /// To the nearest; a half goes to the even one.
    HalfEven,
    /// Always up.
    Up,
    /// Always down.
    Down,
}

impl fmt::Display for RoundingRule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::HalfUp => "half-up",
            Self::HalfEven => "half-even",
            Self::Up => "up",
            Self::Down => "down",
        })
    }
}

/// An exact decimal with up to forty places; may be negative.
///
/// ```
/// # use waldur_usage::domain::{RoundingRule, Unrounded};
/// let third: Unrounded = "0.333333333333333".parse().unwrap();
/// assert_eq!(third.to_cents(RoundingRule::HalfUp).unwrap().to_string(), "0.33");
/// assert_eq!(third.to_string(), "0.333333333333333");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Unrounded {
    // The order of the fields makes the order of values: whole steps first, then what is left.
    /// Whole steps of 10⁻¹⁰, rounded down.
    steps: i128,
    /// What is left, in steps of 10⁻⁴⁰; from nothing to less than a step of 10⁻¹⁰.
    rest: i128,
}

impl Unrounded {
    fn of_parts(steps: i128, rest: i128) -> Option<Self> {
        let steps = steps.checked_add(rest.div_euclid(REST))?;
        (steps.unsigned_abs() <= LIMIT.unsigned_abs()).then_some(Self { steps, rest: rest.rem_euclid(REST) })
    }

    /// So many steps of 10⁻¹⁰, and steps of 10⁻⁴⁰ beside them; `None` beyond the range.
    pub(super) fn of_steps_of_forty(steps: i128, rest: i128) -> Option<Self> {
        Self::of_parts(steps, rest)
    }

    /// The value with two decimal places. `None` below zero, where up and down have two meanings, and
    /// beyond the range of amounts.
    pub fn to_cents(self, rule: RoundingRule) -> Option<Amount> {
        if self.steps < 0 {
            return None;
        }
        let (cents, rest) = (self.steps / CENT, (self.steps % CENT, self.rest));
        let half = (CENT / 2, 0);
        let goes_up = match rule {
            RoundingRule::HalfUp => rest >= half,
            RoundingRule::HalfEven => rest > half || rest == half && cents % 2 == 1,
            RoundingRule::Up => rest > (0, 0),
            RoundingRule::Down => false,
        };
        Amount::of_steps((cents + i128::from(goes_up)).checked_mul(CENT)?)
    }

    /// Adds a value; `None` where the sum leaves the range.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        Self::of_parts(self.steps.checked_add(other.steps)?, self.rest + other.rest)
    }

    /// Subtracts a value; `None` where the difference leaves the range.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        Self::of_parts(self.steps.checked_sub(other.steps)?, self.rest - other.rest)
    }

    /// Whether it is below zero.
    pub fn is_negative(self) -> bool {
        self.steps < 0
    }

    /// The value as an amount; `None` where it has more than ten decimal places.
    pub fn exact(self) -> Option<Amount> {
        if self.rest == 0 { Amount::of_steps(self.steps) } else { None }
    }

    /// So many times the value; see [`Factor::times`].
    pub(super) fn scaled(self, factor: Factor) -> Option<Self> {
        let (above, below) = factor.parts();
        let (above, below) = (u128::from(above), u128::from(below));
        // The value in parts of ten digits, the smallest first: seven hold it, and a product takes two more.
        let mut parts = [0_u128; 9];
        let mut rest = u128::try_from(self.rest).ok()?;
        let mut steps = u128::try_from(self.steps).ok()?;
        for (at, part) in parts.iter_mut().enumerate() {
            let left = if at < 3 { &mut rest } else { &mut steps };
            (*part, *left) = (*left % PART, *left / PART);
        }
        if steps > 0 {
            return None;
        }
        let mut carried = 0;
        for part in &mut parts {
            carried += *part * above;
            (*part, carried) = (carried % PART, carried / PART);
        }
        if carried > 0 {
            return None;
        }
        let mut over = 0;
        for part in parts.iter_mut().rev() {
            let left = over * PART + *part;
            (*part, over) = (left / below, left % below);
        }
        let whole =
            parts[3..].iter().rev().try_fold(0_u128, |sum, part| sum.checked_mul(PART)?.checked_add(*part));
        let rest = parts[..3].iter().rev().fold(0, |sum, part| sum * PART + part);
        let (steps, rest) = (i128::try_from(whole?).ok()?, i128::try_from(rest).ok()?);
        let down = Self::of_parts(steps, rest)?;
        let up = Self::of_parts(steps, rest.checked_add(1)?)?;
        // What is left over counts as one step more, unless that would make a tie of what is none.
        Some(if over == 0 || up.rest == 0 { down } else { up })
    }
}

impl From<Amount> for Unrounded {
    fn from(amount: Amount) -> Self {
        Self { steps: amount.steps(), rest: 0 }
    }
}

impl FromStr for Unrounded {
    type Err = AmountError;

    /// Takes what [`Amount::parse`] takes, with up to forty decimal places.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (mut steps, mut rest) = (0_i128, 0_i128);
        let is_negative = each_digit(text, |digit, power| {
            let (part, place) = if power >= -10 { (&mut steps, power + 10) } else { (&mut rest, power + 40) };
            let place = u32::try_from(place).map_err(|_| AmountError::TooPrecise)?;
            if place > 34 {
                return Err(AmountError::TooLarge);
            }
            *part += i128::from(digit) * 10_i128.pow(place);
            if steps > LIMIT { Err(AmountError::TooLarge) } else { Ok(()) }
        })?;
        let value = if is_negative { Self::of_parts(-steps, -rest) } else { Self::of_parts(steps, rest) };
        value.ok_or(AmountError::TooLarge)
    }
}

impl fmt::Display for Unrounded {
    /// Writes at least two decimal places and as many more as are set.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (steps, rest) = if self.steps < 0 && self.rest > 0 {
            (self.steps + 1, REST - self.rest)
        } else {
            (self.steps, self.rest)
        };
        let unit = 10_u128.pow(10);
        let fraction = format!("{:010}{rest:030}", steps.unsigned_abs() % unit);
        let kept = fraction.trim_end_matches('0').len().max(2);
        let text = format!("{}.{}", steps.unsigned_abs() / unit, &fraction[..kept]);
        formatter.pad_integral(self.steps >= 0, "", &text)
    }
}

impl Serialize for Unrounded {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Unrounded {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value(text: &str) -> Unrounded {
        text.parse().expect(text)
    }

    #[test]
    fn rules_differ_where_they_should() {
        let table = [
            ("1.005", "1.01", "1.00", "1.01", "1.00"),
            ("1.015", "1.02", "1.02", "1.02", "1.01"),
            ("1.0050000000000000000000000000000000000001", "1.01", "1.01", "1.01", "1.00"),
            ("1.0049999999999999999999999999999999999999", "1.00", "1.00", "1.01", "1.00"),
            ("0.0000000000000001", "0.00", "0.00", "0.01", "0.00"),
            ("7.25", "7.25", "7.25", "7.25", "7.25"),
            ("1e-17", "0.00", "0.00", "0.01", "0.00"),
            ("0.995", "1.00", "1.00", "1.00", "0.99"),
        ];
        for (text, half_up, half_even, up, down) in table {
            let rounded = |rule| value(text).to_cents(rule).unwrap().to_string();
            assert_eq!(rounded(RoundingRule::HalfUp), half_up, "{text}");
            assert_eq!(rounded(RoundingRule::HalfEven), half_even, "{text}");
            assert_eq!(rounded(RoundingRule::Up), up, "{text}");
            assert_eq!(rounded(RoundingRule::Down), down, "{text}");
        }
        assert_eq!(value("-1").to_cents(RoundingRule::Down), None);
        assert_eq!(value("-0.001").to_cents(RoundingRule::Up), None);
    }

    #[test]
    fn what_has_more_places_or_is_larger_is_refused() {
        let tiny = format!("0.{}1", "0".repeat(40));
        assert_eq!(tiny.parse::<Unrounded>(), Err(AmountError::TooPrecise));
        assert_eq!("1e300".parse::<Unrounded>(), Err(AmountError::TooLarge));
        assert_eq!("1e-999999".parse::<Unrounded>(), Err(AmountError::TooPrecise));
        assert_eq!("1,5".parse::<Unrounded>(), Err(AmountError::NotANumber));
    }

    #[test]
    fn differences_are_exact_and_signed() {
        let difference = |left: &str, right: &str| value(left).checked_sub(value(right)).unwrap().to_string();
        assert_eq!(difference("0.33", "0.333333333333333"), "-0.003333333333333");
        assert_eq!(difference("0.34", "0.333333333333333"), "0.006666666666667");
        assert_eq!(difference("1", "1.00"), "0.00");
        assert_eq!(value("-2.5").to_string(), "-2.50");
    }

    proptest! {
        #[test]
        fn printing_and_parsing_are_inverse(whole in -10_i64.pow(15)..10_i64.pow(15), fraction in "[0-9]{1,40}") {
            let text = format!("{whole}.{fraction}");
            let parsed = value(&text);
            prop_assert_eq!(value(&parsed.to_string()), parsed);
        }

        #[test]
        fn rounding_moves_by_less_than_a_cent(digits in 0_u64..10_u64.pow(14), places in 0_usize..20) {
            let digits = format!("{digits:020}");
            let (whole, fraction) = digits.split_at(20 - places);
            let before = value(&format!("0{whole}.{fraction}0"));
            for rule in [RoundingRule::HalfUp, RoundingRule::HalfEven, RoundingRule::Up, RoundingRule::Down] {
                let after = Unrounded::from(before.to_cents(rule).unwrap());
                let moved = after.checked_sub(before).unwrap();
                prop_assert!(moved < value("0.01") && moved > value("-0.01"));
                prop_assert!(rule != RoundingRule::Up || !moved.is_negative());
                prop_assert!(rule != RoundingRule::Down || moved <= Unrounded::default());
            }
        }
    }
}
