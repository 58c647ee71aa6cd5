//! How numbers and dates are written where people read them; the text around them stays English.
//!
//! Formats for programs, csv, json and parquet, know no locale.

use std::fmt::{self, Write};
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;

use crate::domain::{Amount, BillingPeriod};

/// A way to write numbers and dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Locale {
    /// Its name, as users give it.
    pub name: &'static str,
    /// The decimal sign.
    pub decimal: char,
    /// What stands between groups of three digits.
    pub group: Option<char>,
    /// The order of year, month and day.
    pub dates: DateOrder,
}

/// The order of the parts of a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateOrder {
    /// `2026-11-30`.
    YearFirst,
    /// Day, month and year with this sign between them, as in `30.11.2026`.
    DayFirst(char),
    /// `30 Nov 2026`: nobody takes the day for the month.
    MonthByName,
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A text is the name of no locale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a locale; there are en, de, fr, et and plain")]
pub struct LocaleError;

impl Locale {
    /// Every locale there is.
    pub const ALL: [Self; 5] = [
        Self { name: "en", decimal: '.', group: Some(','), dates: DateOrder::MonthByName },
        Self { name: "de", decimal: ',', group: Some('.'), dates: DateOrder::DayFirst('.') },
        Self { name: "fr", decimal: ',', group: Some('\u{202f}'), dates: DateOrder::DayFirst('/') },
        Self { name: "et", decimal: ',', group: Some('\u{a0}'), dates: DateOrder::DayFirst('.') },
        Self { name: "plain", decimal: '.', group: None, dates: DateOrder::YearFirst },
    ];

    /// An amount, with at least two decimal places and as many more as are set; below zero with the
    /// sign for minus, which no program takes for a hyphen.
    pub fn amount(&self, amount: Amount) -> String {
        let text = amount.to_string();
        let digits = text.trim_start_matches('-');
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let mut written = String::with_capacity(text.len() + 12);
        if amount.is_negative() {
            written.push('\u{2212}');
        }
        self.push_grouped(whole, &mut written);
        written.push(self.decimal);
        written.push_str(fraction);
        written
    }

    /// A difference: an amount that also shows its sign where it is above zero.
    pub fn difference(&self, amount: Amount) -> String {
        let written = self.amount(amount);
        if amount.is_negative() || amount.is_zero() { written } else { format!("+{written}") }
    }

    /// A count.
    pub fn count(&self, count: usize) -> String {
        let mut written = String::new();
        self.push_grouped(&count.to_string(), &mut written);
        written
    }

    /// A month.
    pub fn month(&self, period: BillingPeriod) -> String {
        let (year, month) = (period.year(), period.month());
        match self.dates {
            DateOrder::YearFirst => period.to_string(),
            DateOrder::DayFirst(sign) => format!("{month:02}{sign}{year:04}"),
            DateOrder::MonthByName => format!("{} {year:04}", month_name(month)),
        }
    }

    /// A day.
    pub fn date(&self, date: Date) -> String {
        let (year, month, day) = (date.year(), date.month(), date.day());
        match self.dates {
            DateOrder::YearFirst => format!("{year:04}-{month:02}-{day:02}"),
            DateOrder::DayFirst(sign) => format!("{day:02}{sign}{month:02}{sign}{year:04}"),
            DateOrder::MonthByName => format!("{day} {} {year:04}", month_name(month)),
        }
    }

    /// A moment, in UTC.
    pub fn moment(&self, moment: Timestamp) -> String {
        let at = jiff::tz::TimeZone::UTC.to_datetime(moment);
        let mut written = self.date(at.date());
        // Writing to a string cannot fail.
        let _ = write!(written, " {:02}:{:02} UTC", at.hour(), at.minute());
        written
    }

    fn push_grouped(&self, digits: &str, written: &mut String) {
        for (at, digit) in digits.chars().enumerate() {
            let is_start = at > 0 && (digits.len() - at).is_multiple_of(3);
            if let Some(group) = self.group.filter(|_| is_start) {
                written.push(group);
            }
            written.push(digit);
        }
    }
}

fn month_name(month: i8) -> &'static str {
    let at = usize::try_from(month).ok().and_then(|month| month.checked_sub(1));
    at.and_then(|at| MONTHS.get(at)).copied().unwrap_or_default()
}

impl Default for Locale {
    fn default() -> Self {
        Self::ALL[0]
    }
}

impl FromStr for Locale {
    type Err = LocaleError;

    /// Takes the name; of a longer one, such as `de_DE.UTF-8`, the language.
    fn from_str(text: &str) -> Result<Self, LocaleError> {
        let language = text.split(['-', '_', '.']).next().unwrap_or_default();
        let known = Self::ALL.into_iter().find(|locale| locale.name.eq_ignore_ascii_case(language));
        known.ok_or(LocaleError)
    }
}

impl fmt::Display for Locale {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(text: &str) -> Amount {
        text.parse().unwrap()
    }

    #[test]
    fn numbers_are_written_as_each_country_does() {
        let written: Vec<String> =
            Locale::ALL.iter().map(|locale| locale.amount(amount("-1234567.125"))).collect();
        let expected = [
            "\u{2212}1,234,567.125",
            "\u{2212}1.234.567,125",
            "\u{2212}1\u{202f}234\u{202f}567,125",
            "\u{2212}1\u{a0}234\u{a0}567,125",
            "\u{2212}1234567.125",
        ];
        assert_eq!(written, expected);
        let en = Locale::default();
        let written = ["0", "999.5", "1000", "-0.0000000001"].map(|text| en.difference(amount(text)));
        assert_eq!(written, ["0.00", "+999.50", "+1,000.00", "\u{2212}0.0000000001"]);
        assert_eq!(
            [0, 12, 123, 1234, 1_234_567].map(|count| en.count(count)),
            ["0", "12", "123", "1,234", "1,234,567"]
        );
    }

    #[test]
    fn dates_are_written_as_each_country_does() {
        let moment: Timestamp = "2026-12-02T08:05:00Z".parse().unwrap();
        let period: BillingPeriod = "2026-11".parse().unwrap();
        let written: Vec<String> = Locale::ALL.iter().map(|locale| locale.moment(moment)).collect();
        let expected = [
            "2 Dec 2026 08:05 UTC",
            "02.12.2026 08:05 UTC",
            "02/12/2026 08:05 UTC",
            "02.12.2026 08:05 UTC",
            "2026-12-02 08:05 UTC",
        ];
        assert_eq!(written, expected);
        let written: Vec<String> = Locale::ALL.iter().map(|locale| locale.month(period)).collect();
        assert_eq!(written, ["Nov 2026", "11.2026", "11/2026", "11.2026", "2026-11"]);
    }

    #[test]
    fn locales_are_known_by_their_language() {
        for text in ["de", "DE", "de-AT", "de_DE.UTF-8"] {
            assert_eq!(text.parse::<Locale>().unwrap().name, "de", "{text}");
        }
        assert_eq!("xx".parse::<Locale>(), Err(LocaleError));
    }
}
