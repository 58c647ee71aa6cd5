//! Billing periods are calendar months.
//!
//! Waldur writes them as the first day of the month (`2026-11-01`); people write `2026-11`. Both
//! are read, one way is printed, and no other day is a billing period.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A calendar month, printed as `2026-11`.
///
/// ```
/// # use waldur_usage::domain::BillingPeriod;
/// let period: BillingPeriod = "2026-11-01".parse().unwrap();
/// assert_eq!(period.to_string(), "2026-11");
/// assert_eq!(period.first_day(), "2026-11-01");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BillingPeriod {
    year: i16,
    month: i8,
}

/// A text is not a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a billing period; write it as YYYY-MM")]
pub struct BillingPeriodError;

impl BillingPeriod {
    /// The month of a year from 1970 to 9998.
    pub fn new(year: i16, month: i8) -> Result<Self, BillingPeriodError> {
        if (1970..=9998).contains(&year) && (1..=12).contains(&month) {
            Ok(Self { year, month })
        } else {
            Err(BillingPeriodError)
        }
    }

    /// The month, in UTC, that a moment lies in.
    pub fn of(moment: Timestamp) -> Result<Self, BillingPeriodError> {
        Self::of_in(moment, &TimeZone::UTC)
    }

    /// The month, by the calendar of a zone, that a moment lies in.
    pub fn of_in(moment: Timestamp, zone: &TimeZone) -> Result<Self, BillingPeriodError> {
        let date = zone.to_datetime(moment).date();
        Self::new(date.year(), date.month())
    }

    /// The first day as the API writes it: `2026-11-01`.
    pub fn first_day(self) -> String {
        format!("{self}-01")
    }

    /// The month that follows.
    pub fn next(self) -> Self {
        if self.month == 12 {
            Self { year: self.year + 1, month: 1 }
        } else {
            Self { month: self.month + 1, ..self }
        }
    }

    /// The month before; `None` before the first one that there is.
    pub fn previous(self) -> Option<Self> {
        if self.month == 1 {
            Self::new(self.year - 1, 12).ok()
        } else {
            Self::new(self.year, self.month - 1).ok()
        }
    }

    /// The moment, in UTC, at which the month begins.
    pub fn start(self) -> Timestamp {
        self.start_in(&TimeZone::UTC)
    }

    /// The moment at which the month begins by the calendar of a zone.
    pub fn start_in(self, zone: &TimeZone) -> Timestamp {
        Date::new(self.year, self.month, 1)
            .and_then(|date| date.to_zoned(zone.clone()))
            .map_or(Timestamp::MAX, |start| start.timestamp())
    }

    /// The moment, in UTC, at which the next month begins.
    pub fn end(self) -> Timestamp {
        self.next().start()
    }

    /// The calendar year.
    pub fn year(self) -> i16 {
        self.year
    }

    /// The month of the year, 1 to 12.
    pub fn month(self) -> i8 {
        self.month
    }
}

impl FromStr for BillingPeriod {
    type Err = BillingPeriodError;

    /// Accepts `YYYY-MM` and the first day of a month, `YYYY-MM-01`, optionally at midnight.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = text.as_bytes();
        if let (Some((year, [b'-', month @ ..])), true) = (
            bytes.split_at_checked(4),
            matches!(bytes.len(), 7) || bytes.len() == 10 && bytes.ends_with(b"-01"),
        ) && let Some(month) = month.get(..2)
        {
            let number = |digits: &[u8]| {
                digits.iter().try_fold(0_i16, |number, byte| {
                    byte.is_ascii_digit().then(|| number * 10 + i16::from(byte - b'0'))
                })
            };
            let (year, month) = (number(year), number(month).and_then(|month| i8::try_from(month).ok()));
            let (year, month) = year.zip(month).ok_or(BillingPeriodError)?;
            return Self::new(year, month);
        }
        let text = ["T00:00:00Z", "T00:00:00", " 00:00:00"]
            .iter()
            .find_map(|midnight| text.strip_suffix(midnight))
            .unwrap_or(text);
        let month = match text.len() {
            10 => text.strip_suffix("-01").ok_or(BillingPeriodError)?,
            _ => text,
        };
        let (year, month) = month.split_once('-').ok_or(BillingPeriodError)?;
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if year.len() != 4 || month.len() != 2 || !digits(year) || !digits(month) {
            return Err(BillingPeriodError);
        }
        let year = year.parse().map_err(|_| BillingPeriodError)?;
        Self::new(year, month.parse().map_err(|_| BillingPeriodError)?)
    }
}

impl fmt::Display for BillingPeriod {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:04}-{:02}", self.year, self.month)
    }
}

impl Serialize for BillingPeriod {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for BillingPeriod {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// One month or several in a row: `2026-11` or `2026-09..2026-11`, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PeriodRange {
    first: BillingPeriod,
    last: BillingPeriod,
}

impl PeriodRange {
    /// A single month.
    pub fn single(period: BillingPeriod) -> Self {
        Self { first: period, last: period }
    }

    /// From one month up to another; the first one alone where it is the later one.
    pub fn up_to(first: BillingPeriod, last: BillingPeriod) -> Self {
        Self { first, last: last.max(first) }
    }

    /// The month, where the range is just one.
    pub fn as_single(self) -> Option<BillingPeriod> {
        (self.first == self.last).then_some(self.first)
    }

    /// The first month.
    pub fn first(self) -> BillingPeriod {
        self.first
    }

    /// The last month.
    pub fn last(self) -> BillingPeriod {
        self.last
    }

    /// Whether a month lies in the range.
    pub fn contains(self, period: BillingPeriod) -> bool {
        (self.first..=self.last).contains(&period)
    }

    /// The months, first to last.
    pub fn months(self) -> impl Iterator<Item = BillingPeriod> {
        std::iter::successors(Some(self.first), |month| Some(month.next()))
            .take_while(move |&month| month <= self.last)
    }
}

impl FromStr for PeriodRange {
    type Err = BillingPeriodError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (first, last) = text.split_once("..").unwrap_or((text, text));
        let (first, last) = (first.parse()?, last.parse()?);
        if first <= last { Ok(Self { first, last }) } else { Err(BillingPeriodError) }
    }
}

impl fmt::Display for PeriodRange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_single() {
            Some(period) => period.fmt(formatter),
            None => write!(formatter, "{}..{}", self.first, self.last),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn period(text: &str) -> BillingPeriod {
        text.parse().expect(text)
    }

    #[test]
    fn months_and_first_days_are_read() {
        for text in ["2026-11", "2026-11-01", "2026-11-01T00:00:00Z", "2026-11-01 00:00:00"] {
            assert_eq!(period(text), BillingPeriod::new(2026, 11).unwrap(), "{text}");
        }
        for text in
            ["", "2026", "2026-13", "2026-00", "2026-1", "2026-11-02", "11/2026", "+026-11", "1969-12"]
        {
            assert!(text.parse::<BillingPeriod>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_month_turns_in_utc() {
        let last: Timestamp = "2026-11-30T23:59:59.999Z".parse().unwrap();
        assert_eq!(BillingPeriod::of(last).unwrap(), period("2026-11"));
        assert_eq!(period("2026-11").end().to_string(), "2026-12-01T00:00:00Z");
        assert_eq!(period("2026-12").next(), period("2027-01"));
    }

    #[test]
    fn ranges_include_both_ends() {
        let range: PeriodRange = "2025-12..2026-02".parse().unwrap();
        let months: Vec<_> = range.months().map(|month| month.to_string()).collect();
        assert_eq!(months, ["2025-12", "2026-01", "2026-02"]);
        assert!("2026-02..2025-12".parse::<PeriodRange>().is_err());
    }

    proptest! {
        #[test]
        fn printing_and_parsing_are_inverse(year in 1970_i16..=9998, month in 1_i8..=12) {
            let value = BillingPeriod::new(year, month).unwrap();
            prop_assert_eq!(period(&value.to_string()), value);
            prop_assert_eq!(BillingPeriod::of(value.start()).unwrap(), value);
        }
    }
}
