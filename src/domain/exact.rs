//! Sums, products and ratios without any rounding.
//!
//! What a foreign system counts (core-seconds, mebibyte-minutes) is added up as it stands, as an
//! [`Exact`] decimal of any length, and only the sum is divided by a [`Ratio`]. The [`Quotient`] that this
//! leaves may have no last digit, so it says itself whether it is a number of hundredths, and is rounded
//! only by a rule.

use std::fmt;
use std::ops::{AddAssign, Mul};
use std::str::FromStr;

use num_bigint::{BigInt, Sign};

use super::amount::each_digit;
use super::{Amount, AmountError, RoundingRule, Unrounded};

/// The largest power of ten that a digit may stand for, and the smallest.
const POWERS: std::ops::RangeInclusive<i64> = -60..=40;
/// Decimal places that are shown of a quotient.
const SHOWN: u32 = 12;

/// An exact decimal.
///
/// ```
/// # use waldur_usage::domain::Exact;
/// let mut sum: Exact = "0.1".parse().unwrap();
/// sum += &"0.25".parse().unwrap();
/// assert_eq!(sum.to_string(), "0.35");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Exact {
    digits: BigInt,
    /// How many of the digits stand behind the point.
    scale: u32,
}

fn power(exponent: u32) -> BigInt {
    BigInt::from(10_u8).pow(exponent)
}

impl Exact {
    /// A whole number, divided by a power of ten.
    pub fn of_parts(digits: i128, scale: u32) -> Self {
        Self { digits: digits.into(), scale }
    }

    /// Whether it is below zero.
    pub fn is_negative(&self) -> bool {
        self.digits.sign() == Sign::Minus
    }

    /// Whether it is nothing.
    pub fn is_zero(&self) -> bool {
        self.digits.sign() == Sign::NoSign
    }

    /// So many times a ratio.
    pub fn times(&self, ratio: &Ratio) -> Quotient {
        let Ratio { above, below } = ratio;
        Quotient {
            above: &self.digits * &above.digits * power(below.scale),
            below: &below.digits * power(self.scale) * power(above.scale),
        }
    }
}

impl AddAssign<&Self> for Exact {
    fn add_assign(&mut self, other: &Self) {
        if other.scale <= self.scale {
            self.digits += &other.digits * power(self.scale - other.scale);
        } else {
            self.digits = &self.digits * power(other.scale - self.scale) + &other.digits;
            self.scale = other.scale;
        }
    }
}

impl Mul for &Exact {
    type Output = Exact;

    fn mul(self, other: Self) -> Exact {
        Exact { digits: &self.digits * &other.digits, scale: self.scale + other.scale }
    }
}

impl FromStr for Exact {
    type Err = AmountError;

    /// Takes what [`Amount::parse`] takes, with up to sixty decimal places.
    fn from_str(text: &str) -> Result<Self, AmountError> {
        let mut is_zero = true;
        let is_negative = each_digit(text, |_, power| {
            is_zero = false;
            match power {
                power if power > *POWERS.end() => Err(AmountError::TooLarge),
                power if power < *POWERS.start() => Err(AmountError::TooPrecise),
                _ => Ok(()),
            }
        })?;
        if is_zero {
            return Ok(Self::default());
        }
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let exponent: i64 = exponent.parse().map_err(|_| AmountError::NotANumber)?;
        let places = mantissa.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
        let digits: BigInt = digits.parse().map_err(|_| AmountError::NotANumber)?;
        let digits = if is_negative { -digits } else { digits };
        let scale = i64::try_from(places).unwrap_or(i64::MAX).saturating_sub(exponent);
        // No digit is out of range, so neither is the number of zeros around them.
        let shift = u32::try_from(scale.unsigned_abs()).map_err(|_| AmountError::TooLarge)?;
        Ok(if scale < 0 {
            Self { digits: digits * power(shift), scale: 0 }
        } else {
            Self { digits, scale: shift }
        })
    }
}

impl fmt::Display for Exact {
    /// Writes every digit and no zero behind the last one.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scale = usize::try_from(self.scale).unwrap_or(usize::MAX);
        let digits = self.digits.magnitude().to_string();
        let digits = format!("{digits:0>width$}", width = scale.saturating_add(1));
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        let fraction = fraction.trim_end_matches('0');
        let point = if fraction.is_empty() { "" } else { "." };
        formatter.pad_integral(!self.is_negative(), "", &format!("{whole}{point}{fraction}"))
    }
}

/// An exact ratio above zero, such as `1/3600` or `0.001`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ratio {
    above: Exact,
    below: Exact,
}

/// A text is not a ratio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a factor above zero; write it as a number or a fraction such as 1/3600")]
pub struct RatioError;

impl Ratio {
    /// One to one.
    pub fn one() -> Self {
        Self { above: Exact::of_parts(1, 0), below: Exact::of_parts(1, 0) }
    }

    /// The same, divided by a whole number; by nothing else than one where that is zero.
    pub fn over(&self, whole: u32) -> Self {
        let below = &self.below * &Exact::of_parts(i128::from(whole.max(1)), 0);
        Self { above: self.above.clone(), below }
    }

    /// The product of two ratios.
    pub fn times(&self, other: &Self) -> Self {
        Self { above: &self.above * &other.above, below: &self.below * &other.below }
    }
}

impl FromStr for Ratio {
    type Err = RatioError;

    fn from_str(text: &str) -> Result<Self, RatioError> {
        let (above, below) = text.split_once('/').unwrap_or((text, "1"));
        let part = |text: &str| {
            let value: Exact = text.trim().parse().map_err(|_| RatioError)?;
            let is_sound = text.len() <= 40 && !value.is_negative() && !value.is_zero();
            if is_sound { Ok(value) } else { Err(RatioError) }
        };
        Ok(Self { above: part(above)?, below: part(below)? })
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.below == Exact::of_parts(1, 0) {
            self.above.fmt(formatter)
        } else {
            write!(formatter, "{}/{}", self.above, self.below)
        }
    }
}

/// What a sum is in another unit; it may have no last digit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quotient {
    above: BigInt,
    /// Above zero.
    below: BigInt,
}

impl Quotient {
    /// Whole steps of a power of ten, rounded down, and whether something is left.
    fn steps(&self, places: u32) -> (BigInt, bool) {
        let scaled = &self.above * power(places);
        let (steps, rest) = (&scaled / &self.below, &scaled % &self.below);
        // Division of big numbers rounds toward zero.
        let below = BigInt::from(u8::from(rest.sign() == Sign::Minus));
        (steps - below, rest.sign() != Sign::NoSign)
    }

    /// Whether it is below zero.
    pub fn is_negative(&self) -> bool {
        self.above.sign() == Sign::Minus
    }

    /// How much it is without its sign.
    #[must_use]
    pub fn size(&self) -> Self {
        Self { above: self.above.magnitude().clone().into(), below: self.below.clone() }
    }

    /// The amount, where it is a whole number of hundredths; `None` too where it leaves the range.
    pub fn in_cents(&self) -> Option<Amount> {
        let (cents, has_rest) = self.steps(2);
        if has_rest { None } else { amount_of_cents(&cents) }
    }

    /// Whether it has more than two decimal places.
    pub fn is_finer_than_cents(&self) -> bool {
        self.steps(2).1
    }

    /// The amount by a rule of rounding; `None` below zero and beyond the range of amounts.
    pub fn to_cents(&self, rule: RoundingRule) -> Option<Amount> {
        if self.is_negative() {
            return None;
        }
        let (cents, has_rest) = self.steps(2);
        // Twice what is left against the whole: half a hundredth is decided exactly.
        let rest = &self.above * power(2) - &cents * &self.below;
        let half = (&rest + &rest).cmp(&self.below);
        let is_odd = cents.magnitude().bit(0);
        let goes_up = match rule {
            RoundingRule::HalfUp => half.is_ge(),
            RoundingRule::HalfEven => half.is_gt() || half.is_eq() && is_odd,
            RoundingRule::Up => has_rest,
            RoundingRule::Down => false,
        };
        amount_of_cents(&(cents + BigInt::from(u8::from(goes_up))))
    }

    /// The value to the fortieth decimal place, cut off there; `None` beyond the range.
    pub fn unrounded(&self) -> Option<Unrounded> {
        let (steps, _) = self.steps(40);
        Unrounded::of_steps_of_forty(
            i128::try_from(&steps / power(30)).ok()?,
            i128::try_from(&steps % power(30)).ok()?,
        )
    }
}

fn amount_of_cents(cents: &BigInt) -> Option<Amount> {
    Amount::of_steps(i128::try_from(cents).ok()?.checked_mul(10_i128.pow(8))?)
}

impl fmt::Display for Quotient {
    /// Writes up to twelve decimal places, and `…` where there are more.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (digits, has_rest) = self.steps(SHOWN);
        let shown = Exact { digits, scale: SHOWN };
        write!(formatter, "{shown}{}", if has_rest { "…" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn exact(text: &str) -> Exact {
        text.parse().expect(text)
    }

    fn ratio(text: &str) -> Ratio {
        text.parse().expect(text)
    }

    #[test]
    fn decimals_are_read_and_written_to_the_last_digit() {
        for (text, shown) in [
            ("0", "0"),
            ("0e999999", "0"),
            ("-0.50", "-0.5"),
            ("12.5e3", "12500"),
            ("1234e-2", "12.34"),
            ("1e-60", "0.000000000000000000000000000000000000000000000000000000000001"),
            ("100.000", "100"),
        ] {
            assert_eq!(exact(text).to_string(), shown, "{text}");
        }
        assert_eq!("1e-61".parse::<Exact>(), Err(AmountError::TooPrecise));
        assert_eq!("1e41".parse::<Exact>(), Err(AmountError::TooLarge));
        assert_eq!("1,5".parse::<Exact>(), Err(AmountError::NotANumber));
    }

    #[test]
    fn a_ratio_is_above_zero() {
        for text in ["0", "-1", "1/0", "1/-2", "", "/", "1/2/3", "x", "1 000", &"1".repeat(41)] {
            assert_eq!(text.parse::<Ratio>(), Err(RatioError), "{text}");
        }
        assert_eq!(ratio("1/3600").to_string(), "1/3600");
        assert_eq!(ratio("0.50").to_string(), "0.5");
    }

    #[test]
    fn a_third_is_no_amount_and_three_thirds_are() {
        let third = exact("1").times(&ratio("1/3"));
        assert_eq!(third.in_cents(), None);
        assert!(third.is_finer_than_cents());
        assert_eq!(third.to_string(), "0.333333333333…");
        assert_eq!(third.to_cents(RoundingRule::HalfUp).unwrap().to_string(), "0.33");
        assert_eq!(third.to_cents(RoundingRule::Up).unwrap().to_string(), "0.34");
        assert_eq!(third.unrounded().unwrap().to_string(), format!("0.{}", "3".repeat(40)));
        let mut sum = Exact::default();
        for _ in 0..3 {
            sum += &exact("1");
        }
        assert_eq!(sum.times(&ratio("1/3")).in_cents().unwrap().to_string(), "1.00");
        assert_eq!(exact("-1").times(&ratio("1/3")).to_cents(RoundingRule::Down), None);
    }

    #[test]
    fn halves_are_decided_exactly() {
        let rounded = |text: &str, rule| exact(text).times(&Ratio::one()).to_cents(rule).unwrap().to_string();
        assert_eq!(rounded("0.125", RoundingRule::HalfEven), "0.12");
        assert_eq!(rounded("0.135", RoundingRule::HalfEven), "0.14");
        assert_eq!(rounded("0.125", RoundingRule::HalfUp), "0.13");
        assert_eq!(
            rounded("0.12499999999999999999999999999999999999999999999", RoundingRule::HalfUp),
            "0.12"
        );
        assert_eq!(rounded("0.1200000000000000000000000000000000000000000001", RoundingRule::Up), "0.13");
        assert_eq!(exact("1e30").times(&Ratio::one()).in_cents(), None);
    }

    proptest! {
        #[test]
        fn sums_before_a_division_are_exact(
            seconds in prop::collection::vec(0_u64..10_u64.pow(12), 0..200),
            below in 1_u32..1_000_000,
        ) {
            let mut sum = Exact::default();
            for one in &seconds {
                sum += &exact(&one.to_string());
            }
            let total: u128 = seconds.iter().map(|&one| u128::from(one)).sum();
            prop_assert_eq!(sum.to_string(), total.to_string());
            let quotient = sum.times(&Ratio::one().over(below));
            let cents = total * 100 / u128::from(below);
            let is_whole = (total * 100).is_multiple_of(u128::from(below));
            prop_assert_eq!(quotient.in_cents().is_some(), is_whole);
            let down = quotient.to_cents(RoundingRule::Down).unwrap().to_string();
            prop_assert_eq!(down, format!("{}.{:02}", cents / 100, cents % 100));
            let up = quotient.to_cents(RoundingRule::Up).unwrap();
            let step = Amount::parse(if is_whole { "0" } else { "0.01" }).unwrap();
            prop_assert_eq!(up.checked_sub(step), quotient.to_cents(RoundingRule::Down));
        }

        #[test]
        fn order_and_scale_do_not_matter(parts in prop::collection::vec("[0-9]{1,12}[.][0-9]{1,20}", 1..30)) {
            let (mut forth, mut back) = (Exact::default(), Exact::default());
            for (part, last) in parts.iter().zip(parts.iter().rev()) {
                forth += &exact(part);
                back += &exact(last);
            }
            prop_assert_eq!(forth.to_string(), back.to_string());
            prop_assert_eq!(exact(&forth.to_string()).to_string(), forth.to_string());
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,30}") {
            let _ = text.parse::<Exact>();
            let _ = text.parse::<Ratio>();
        }
    }
}
