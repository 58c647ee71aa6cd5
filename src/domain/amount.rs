//! Exact decimal quantities.
//!
//! An [`Amount`] is a whole number of 10⁻¹⁰ units in 128 bits, the finest step that Waldur stores
//! anywhere. `1.20`, `1.2` and the JSON number `1.2` are one value. Arithmetic is checked, never
//! rounded. A [`ReportableAmount`] is an amount that every server version accepts in `set_usage`.

use std::cmp::Ordering;
use std::fmt;
use std::num::NonZero;
use std::str::FromStr;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::AmountText;

/// Decimal places that an [`Amount`] can hold.
const SCALE: u32 = 10;
const UNIT: i128 = 10_i128.pow(SCALE);
const CENT: i128 = 10_i128.pow(SCALE - 2);
/// The largest magnitude: 10²⁴, so that sums of a hundred million rows cannot overflow.
const LIMIT: i128 = 10_i128.pow(24 + SCALE);

/// An exact decimal with up to ten decimal places; may be negative.
///
/// ```
/// # use waldur_usage::domain::Amount;
/// let amount: Amount = "1.20".parse().unwrap();
/// assert_eq!(amount, "1.2".parse().unwrap());
/// assert_eq!(amount.to_string(), "1.20");
/// assert_eq!("0.125".parse::<Amount>().unwrap().to_string(), "0.125");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Amount {
    /// The upper half of the steps with its highest bit turned round. The range is far from the end of 128
    /// bits, so it is never zero, and an amount that may be missing takes no more room than one that is there.
    high: NonZero<i64>,
    low: u64,
}

/// Why a text is not an [`Amount`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// The text is not a decimal number written with a point.
    #[error("not a decimal number")]
    NotANumber,
    /// The number has non-zero digits beyond the tenth decimal place.
    #[error("more than 10 decimal places")]
    TooPrecise,
    /// The magnitude is beyond 10²⁴.
    #[error("beyond 10^24")]
    TooLarge,
}

impl Amount {
    /// Nothing at all.
    pub const ZERO: Self = Self::of(0);

    /// Parses ASCII decimal text: an optional sign, digits with an optional point, an optional
    /// exponent. No blanks, no thousands separators, no other digits.
    pub fn parse(text: &str) -> Result<Self, AmountError> {
        if let Some(amount) = parse_plain(text) {
            return Ok(amount);
        }
        let mut steps = 0_i128;
        let is_negative = each_digit(text, |digit, power| {
            let place = u32::try_from(power + i64::from(SCALE)).map_err(|_| AmountError::TooPrecise)?;
            if place > 24 + SCALE {
                return Err(AmountError::TooLarge);
            }
            steps += i128::from(digit) * 10_i128.pow(place);
            if steps > LIMIT { Err(AmountError::TooLarge) } else { Ok(()) }
        })?;
        Ok(Self::of(if is_negative { -steps } else { steps }))
    }

    /// Adds two amounts; `None` where the sum leaves the range.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        // Neither is larger than the range, so that their sum fits into 128 bits.
        Self::of_steps(self.steps() + other.steps())
    }

    /// Subtracts an amount; `None` where the difference leaves the range.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        Self::of_steps(self.steps() - other.steps())
    }

    /// Sums amounts exactly; `None` where the sum leaves the range.
    pub fn total(amounts: impl IntoIterator<Item = Self>) -> Option<Self> {
        amounts.into_iter().try_fold(Self::ZERO, Self::checked_add)
    }

    /// The text that `Display` writes.
    pub fn text(self) -> AmountText {
        AmountText::of_steps(self.steps())
    }

    /// The amount in whole steps of 10⁻¹⁰: for arithmetic that has a file of its own, and for formats
    /// that hold decimals as whole numbers.
    pub fn steps(self) -> i128 {
        (i128::from(self.high.get() ^ i64::MIN) << 64) | i128::from(self.low)
    }

    /// An amount of so many steps within the range.
    const fn of(steps: i128) -> Self {
        let [h0, h1, h2, h3, h4, h5, h6, h7, l0, l1, l2, l3, l4, l5, l6, l7] = steps.to_be_bytes();
        let high = i64::from_be_bytes([h0, h1, h2, h3, h4, h5, h6, h7]) ^ i64::MIN;
        let Some(high) = NonZero::new(high) else { panic!("beyond the range of amounts") };
        Self { high, low: u64::from_be_bytes([l0, l1, l2, l3, l4, l5, l6, l7]) }
    }

    /// The amount of so many steps of 10⁻¹⁰; `None` beyond the range.
    pub(super) fn of_steps(steps: i128) -> Option<Self> {
        (steps.unsigned_abs() <= LIMIT.unsigned_abs()).then(|| Self::of(steps))
    }

    /// Whether this is zero.
    pub fn is_zero(self) -> bool {
        self.steps() == 0
    }

    /// Whether this is below zero.
    pub fn is_negative(self) -> bool {
        self.steps() < 0
    }

    /// Whether no digit beyond the second decimal place is set.
    pub fn has_cents_only(self) -> bool {
        // Dividing 64 bits takes a tenth of the time, and nearly all amounts fit.
        match (i64::try_from(self.steps()), i64::try_from(CENT)) {
            (Ok(steps), Ok(cent)) => steps % cent == 0,
            _ => self.steps() % CENT == 0,
        }
    }
}

impl Default for Amount {
    fn default() -> Self {
        Self::ZERO
    }
}

impl fmt::Debug for Amount {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Amount").field(&self.steps()).finish()
    }
}

impl Ord for Amount {
    fn cmp(&self, other: &Self) -> Ordering {
        self.steps().cmp(&other.steps())
    }
}

impl PartialOrd for Amount {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The most digits of which every number fits into 64 bits.
const PLAIN_DIGITS: usize = 18;

/// Parses what nearly all amounts are: a few digits, with a point between two of them or none. `None` says
/// nothing of any other text.
fn parse_plain(text: &str) -> Option<Amount> {
    let bytes = text.as_bytes();
    if bytes.is_empty() || bytes.len() > PLAIN_DIGITS {
        return None;
    }
    let (mut number, mut places) = (0_u64, None::<u32>);
    for &byte in bytes {
        match (byte, &mut places) {
            (b'0'..=b'9', places) => {
                number = number * 10 + u64::from(byte - b'0');
                if let Some(places) = places {
                    *places += 1;
                }
            }
            (b'.', None) => places = Some(0),
            _ => return None,
        }
    }
    if bytes.first() == Some(&b'.') || places == Some(0) {
        return None;
    }
    let power = SCALE.checked_sub(places.unwrap_or(0))?;
    Some(Amount::of(i128::from(number) * i128::from(10_u64.pow(power))))
}

/// Hands out each digit that is not zero with the power of ten that it stands for; returns whether the
/// number is negative.
pub(super) fn each_digit(
    text: &str,
    mut take: impl FnMut(u8, i64) -> Result<(), AmountError>,
) -> Result<bool, AmountError> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
        None => (text, 0),
    };
    let (is_negative, digits) = match mantissa.as_bytes().first() {
        Some(b'-') => (true, &mantissa[1..]),
        Some(b'+') => (false, &mantissa[1..]),
        _ => (false, mantissa),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() {
        return Err(AmountError::NotANumber);
    }
    let point = i64::try_from(whole.len()).map_err(|_| AmountError::TooLarge)?;
    for (position, digit) in (0_i64..).zip(whole.bytes().chain(fraction.bytes())) {
        if !digit.is_ascii_digit() {
            return Err(AmountError::NotANumber);
        }
        if digit != b'0' {
            take(digit - b'0', point - 1 - position + exponent)?;
        }
    }
    Ok(is_negative)
}

fn parse_exponent(text: &str) -> Result<i64, AmountError> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || digits.len() > 6 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(AmountError::NotANumber);
    }
    text.parse().map_err(|_| AmountError::NotANumber)
}

impl FromStr for Amount {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl From<u32> for Amount {
    fn from(whole: u32) -> Self {
        Self::of(i128::from(whole) * UNIT)
    }
}

impl fmt::Display for Amount {
    /// Writes at least two decimal places and as many more as are set: `7.00`, `0.125`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad_integral(self.steps() >= 0, "", self.text().magnitude())
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AmountVisitor)
    }
}

struct AmountVisitor;

impl Visitor<'_> for AmountVisitor {
    type Value = Amount;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("a decimal number, as text or as a JSON number")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Amount, E> {
        Amount::parse(text).map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Amount, E> {
        Amount::parse(&value.to_string()).map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Amount, E> {
        Amount::parse(&value.to_string()).map_err(E::custom)
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Amount, E> {
        // A binary number stands for exactly one decimal of up to 15 digits; beyond that the text
        // that was sent can no longer be known, so the number is not believed.
        let text = value.to_string();
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        let zeros = text.bytes().take_while(|byte| !(b'1'..=b'9').contains(byte));
        if digits.saturating_sub(zeros.filter(u8::is_ascii_digit).count()) > 15 {
            return Err(E::custom("a JSON number of more than 15 digits is not exact"));
        }
        Amount::parse(&text).map_err(E::custom)
    }
}

/// Why an [`Amount`] cannot be reported as a usage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotReportable {
    /// A third decimal place is set; the server refuses it, it does not round.
    #[error("more than two decimal places")]
    TooManyDecimals,
    /// Below zero.
    #[error("negative")]
    Negative,
    /// 10¹² or more: accepted by some servers, but billing breaks on it.
    #[error("10^12 or more")]
    TooLarge,
}

/// An amount that `set_usage` takes on every server version: at most two decimal places, not
/// negative, below 10¹².
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Amount", into = "Amount")]
pub struct ReportableAmount(Amount);

impl ReportableAmount {
    /// The amount itself.
    pub fn get(self) -> Amount {
        self.0
    }
}

impl TryFrom<Amount> for ReportableAmount {
    type Error = NotReportable;

    fn try_from(amount: Amount) -> Result<Self, NotReportable> {
        if amount.is_negative() {
            Err(NotReportable::Negative)
        } else if !amount.has_cents_only() {
            Err(NotReportable::TooManyDecimals)
        } else if amount.steps() >= 10_i128.pow(12) * UNIT {
            Err(NotReportable::TooLarge)
        } else {
            Ok(Self(amount))
        }
    }
}

impl From<ReportableAmount> for Amount {
    fn from(amount: ReportableAmount) -> Self {
        amount.0
    }
}

impl fmt::Display for ReportableAmount {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn amount(text: &str) -> Amount {
        Amount::parse(text).expect(text)
    }

    #[test]
    fn spellings_of_one_value_are_equal() {
        for text in ["1.20", "1.2", "+1.2", "01.200000000000", "12e-1", "0.12E1"] {
            assert_eq!(amount(text), amount("1.2"), "{text}");
        }
        let from_json: Vec<Amount> = serde_json::from_str(r#"[1.2, "1.20", 7, -3]"#).unwrap();
        assert_eq!(from_json, [amount("1.2"), amount("1.2"), amount("7"), amount("-3")]);
    }

    #[test]
    fn what_is_not_a_decimal_is_refused() {
        for text in ["", ".", "-", "1,5", "1 000", "NaN", "inf", "٣", "0x10", "1e", "1e1234567", "--1"] {
            assert_eq!(Amount::parse(text), Err(AmountError::NotANumber), "{text:?}");
        }
        assert_eq!(Amount::parse("0.00000000001"), Err(AmountError::TooPrecise));
        assert_eq!(Amount::parse("1e25"), Err(AmountError::TooLarge));
        assert_eq!(Amount::parse("0e999999"), Ok(Amount::ZERO));
    }

    #[test]
    fn an_amount_that_may_be_missing_takes_no_more_room() {
        assert_eq!((size_of::<Amount>(), size_of::<Option<Amount>>()), (16, 16));
        let ends = [Amount::of(LIMIT), Amount::of(-LIMIT), Amount::ZERO, Amount::of(-1), Amount::of(1)];
        let mut sorted = ends;
        sorted.sort_unstable();
        assert_eq!(sorted.map(Amount::steps), [-LIMIT, -1, 0, 1, LIMIT]);
        assert_eq!(ends[0].checked_add(ends[4]), None);
        assert_eq!(ends[1].checked_sub(ends[4]), None);
        assert_eq!(format!("{:?}", ends[3]), "Amount(-1)");
    }

    #[test]
    fn json_numbers_that_are_not_exact_are_refused() {
        assert!(serde_json::from_str::<Amount>("29.02").is_ok());
        assert!(serde_json::from_str::<Amount>("0.30000000000000004").is_err());
    }

    #[test]
    fn reportable_amounts_are_what_every_server_takes() {
        let verdict = |text: &str| ReportableAmount::try_from(amount(text)).map(|kept| kept.to_string());
        assert_eq!(verdict("1.230"), Ok("1.23".into()));
        assert_eq!(verdict("1.234"), Err(NotReportable::TooManyDecimals));
        assert_eq!(verdict("-0.01"), Err(NotReportable::Negative));
        assert_eq!(verdict("999999999999.99"), Ok("999999999999.99".into()));
        assert_eq!(verdict("1000000000000"), Err(NotReportable::TooLarge));
        assert_eq!(verdict("-0"), Ok("0.00".into()));
    }

    proptest! {
        #[test]
        fn printing_and_parsing_are_inverse(cents in -10_i64.pow(17)..10_i64.pow(17)) {
            let value = Amount::of(i128::from(cents) * CENT);
            prop_assert_eq!(amount(&value.to_string()), value);
        }

        #[test]
        fn plain_texts_are_read_like_any_other(text in "[0-9.]{0,22}") {
            // A sign leads past the short way.
            let (plain, signed) = (Amount::parse(&text), Amount::parse(&format!("+{text}")));
            prop_assert_eq!(plain, signed);
        }

        #[test]
        fn sums_are_exact(cents in prop::collection::vec(-10_i64.pow(12)..10_i64.pow(12), 0..200)) {
            let total = Amount::total(cents.iter().map(|&one| Amount::of(i128::from(one) * CENT)));
            let expected = cents.iter().map(|&one| i128::from(one)).sum::<i128>();
            prop_assert_eq!(total, Some(Amount::of(expected * CENT)));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            let _ = Amount::parse(&text);
        }
    }
}
